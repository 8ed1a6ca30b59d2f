//! Header values: nothing in them can end the header (RFC 5322), non-ASCII is encoded (RFC 2047), long ones are folded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest line that may be sent, without its CRLF (RFC 5322, 2.1.1).
pub const MAX_LINE: usize = 998;
/// The length that lines are kept to where that can be done (RFC 5322, 2.1.1).
const WISHED_LINE: usize = 78;
/// Bytes of text in one encoded-word: 56 characters of base64 and 12 around them, which fits the first line after
/// `Subject: `, and is under the 75 of RFC 2047, section 2.
const CHUNK: usize = 42;
/// A word of a free text that is longer than this is encoded, since only then can it be folded.
const LONG_WORD: usize = 60;

/// How a value may be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Free text (`Subject`): any part of it may become an encoded-word.
    Text,
    /// Tokens with a meaning (`References`, `List-Id`): words that are ASCII stay as they are.
    Structured,
}

/// Encodes and folds a value. Control characters and line breaks of any kind become a space, so the result has CRLF
/// only where it was folded, each followed by a space and something visible. `name` is needed for its length.
///
/// `None` if a word of a structured value is too long to be sent in one line.
pub fn value(name: &str, raw: &str, form: Form) -> Option<String> {
    let mut line = name.len() + 2;
    // Most values are one token that stays as it is.
    if form == Form::Structured && line + raw.len() <= MAX_LINE && raw.bytes().all(|b| b.is_ascii_graphic()) {
        return Some(raw.to_owned());
    }
    let mut out = String::with_capacity(raw.len() + raw.len() / 8 + 8);
    for piece in pieces(raw, form) {
        let width = piece.len() + usize::from(!out.is_empty());
        if !out.is_empty() && line + width > WISHED_LINE {
            out.push_str("\r\n ");
            line = 1;
        } else if !out.is_empty() {
            out.push(' ');
            line += 1;
        }
        line += piece.len();
        if line > MAX_LINE {
            return None;
        }
        out.push_str(&piece);
    }
    Some(out)
}

/// The words of a value, ready to be put on lines: plain ones, and encoded-words for runs of others. The space between
/// two encoded-words is not shown (RFC 2047, 6.2), so a run is encoded with the spaces in it.
fn pieces(raw: &str, form: Form) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut run = String::new();
    for word in raw.split(|c: char| c.is_whitespace() || breaks(c)).filter(|word| !word.is_empty()) {
        if must_encode(word, form) {
            if !run.is_empty() {
                run.push(' ');
            }
            run.push_str(word);
        } else {
            encode_run(&mut run, &mut pieces);
            pieces.push(word.to_owned());
        }
    }
    encode_run(&mut run, &mut pieces);
    pieces
}

/// True for what must not stand in a header, and for separators that some programs take as a line break.
fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn must_encode(word: &str, form: Form) -> bool {
    // A word that looks like an encoded-word would be decoded to something that nobody wrote.
    !word.is_ascii() || (form == Form::Text && (word.contains("=?") || word.len() > LONG_WORD))
}

fn encode_run(run: &mut String, pieces: &mut Vec<String>) {
    let mut rest = run.as_str();
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK));
        pieces.push(format!("=?utf-8?B?{}?=", STANDARD.encode(chunk)));
        rest = after;
    }
    run.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(raw: &str) -> String {
        value("Subject", raw, Form::Text).unwrap()
    }

    #[test]
    fn plain_text_is_left_alone() {
        assert_eq!(subject("Acme: three new mentions"), "Acme: three new mentions");
        assert_eq!(subject(""), "");
    }

    #[test]
    fn nothing_ends_the_header() {
        for raw in [
            "a\r\nBcc: eve@example.com",
            "a\nb",
            "a\rb",
            "a\u{0}b",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{b}b",
            "\r\n\r\nbody",
        ] {
            let out = subject(raw);
            assert!(!out.contains(['\r', '\n', '\u{0}']), "{raw:?} → {out:?}");
        }
        assert_eq!(subject("a\r\nBcc: eve@example.com"), "a Bcc: eve@example.com");
    }

    #[test]
    fn every_line_is_short_and_starts_with_a_space() {
        for raw in
            ["ñ".repeat(500), "x".repeat(5000), "word ".repeat(400), "😀 a ".repeat(200), "=?utf-8?Q?=0A?=".into()]
        {
            for (n, line) in subject(&raw).split("\r\n").enumerate() {
                assert!(line.len() + if n == 0 { 9 } else { 0 } <= WISHED_LINE, "{line:?}");
                assert!(n == 0 || (line.starts_with(' ') && !line.trim().is_empty()), "{line:?}");
                assert!(line.is_ascii());
            }
        }
    }

    #[test]
    fn structured_words_stay_and_are_never_cut() {
        assert_eq!(
            value("List-Id", "Marca Ñandú <acme.example.com>", Form::Structured).unwrap(),
            "Marca =?utf-8?B?w5FhbmTDug==?= <acme.example.com>"
        );
        let ids = (0..40).map(|n| format!("<{n}.aaaaaaaaaaaaaaaaaaaa@example.com>")).collect::<Vec<_>>();
        let folded = value("References", &ids.join(" "), Form::Structured).unwrap();
        assert!(folded.split("\r\n").all(|line| line.len() <= WISHED_LINE));
        assert_eq!(folded.split_whitespace().collect::<Vec<_>>(), ids);
        assert_eq!(value("List-Unsubscribe", &"x".repeat(1000), Form::Structured), None);
    }
}
