//! HTML to plain text: one pass over the tokens, linear in the input whatever it is, no tree. Tags and attributes never
//! reach the result. Who shows the text escapes it again; who matches it folds it (`text::fold`).

mod entities;
mod tags;

use tags::Effect;

use entities::{Decoded, reference};
pub use entities::{Rules, decode_entities};

/// Bytes of HTML that are looked at per entry. Other programs stop at 16 KiB because their sanitisers are quadratic in
/// nesting; this conversion is linear, and a keyword further down must not be lost, so the cap only bounds memory.
pub const MAX_HTML: usize = 256 * 1024;

/// Appends the plain text of `html` to `out`: block tags part paragraphs (`\n`), other white space (no-break spaces
/// too) becomes one space, inline tags vanish (`<b>Ze</b>ntro` is `Zentro`), comments, scripts, styles, heads and
/// drawings are dropped, entities decoded, control characters dropped. A `<` that begins no tag stays. At most
/// [`MAX_HTML`] bytes are read.
pub fn to_text(html: &str, out: &mut String) {
    convert(html, Mode::Html, out);
}

/// Like [`to_text`] for a text that claims to be plain: tags of HTML vanish all the same (feeds often put them there
/// by mistake), but what HTML does not know (`Vec<T>`) stays, and an empty line parts paragraphs.
pub fn plain_to_text(text: &str, out: &mut String) {
    convert(text, Mode::Plain, out);
}

/// Decodes once more what was escaped twice (`&amp;nbsp;`, `&amp;#39;` in Google Alerts): if the text from byte `from`
/// on still has entities that end with `;`, they are decoded and white space is tidied again. No tags are looked for.
pub fn decode_again(out: &mut String, from: usize) {
    let Some(tail) = out.get(from..) else { return };
    let twice = tail
        .match_indices('&')
        .take(MAX_LOOKED_AT)
        .any(|(at, _)| reference(&tail.as_bytes()[at..], Rules::Strict).is_some());
    if twice {
        let again = out.split_off(from);
        convert(&again, Mode::Entities, out);
    }
}

/// Ampersands that [`decode_again`] looks at before it believes that a text was escaped once.
const MAX_LOOKED_AT: usize = 1000;

/// The longest prefix of at most `max` bytes that ends between two characters.
pub fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Html,
    Plain,
    Entities,
}

/// White space that was met and is not written yet; the greater one wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Break,
}

fn convert(text: &str, mode: Mode, out: &mut String) {
    let text = cut(text, MAX_HTML);
    out.reserve(text.len() / 2);
    let start = out.len();
    Writer { out, start, gap: Gap::None, mode, scan: tags::Scan::default(), nested: false }.run(text);
}

struct Writer<'o> {
    out: &'o mut String,
    start: usize,
    gap: Gap,
    mode: Mode,
    scan: tags::Scan,
    /// Inside a CDATA section, where no other one can begin.
    nested: bool,
}

/// What to do at a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a run that is copied as it is.
    Copy,
    /// White space: space, tab, line feed, form feed, carriage return.
    White,
    /// Another control character.
    Control,
    Tag,
    Reference,
    /// First byte of characters among which some are white space or invisible.
    Look,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Copy; 256];
    let mut i = 0;
    while i < 32 {
        table[i] = Class::Control;
        i += 1;
    }
    table[b'\t' as usize] = Class::White;
    table[b'\n' as usize] = Class::White;
    table[0x0c] = Class::White;
    table[b'\r' as usize] = Class::White;
    table[b' ' as usize] = Class::White;
    table[0x7f] = Class::Control;
    table[b'<' as usize] = Class::Tag;
    table[b'&' as usize] = Class::Reference;
    table[0xc2] = Class::Look;
    table[0xe1] = Class::Look;
    table[0xe2] = Class::Look;
    table[0xe3] = Class::Look;
    table[0xef] = Class::Look;
    table
};

/// What a character that needs a look turns into.
#[derive(PartialEq, Eq)]
enum Sort {
    Visible,
    White,
    Dropped,
}

fn sort(c: char) -> Sort {
    match c {
        // Soft hyphen, zero-width space, word joiner, byte order mark: they would hide a keyword. Direction overrides
        // can make a text read as another one. Joiners (U+200C, U+200D) stay: scripts and emoji need them.
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Sort::Dropped
        }
        c if c.is_whitespace() => Sort::White,
        c if c.is_control() => Sort::Dropped,
        _ => Sort::Visible,
    }
}

impl Writer<'_> {
    fn run(&mut self, s: &str) {
        let b = s.as_bytes();
        let mut i = 0;
        while i < b.len() {
            match CLASS[b[i] as usize] {
                Class::Copy | Class::Look => {
                    let end = run_end(b, i);
                    if end > i {
                        self.flush();
                        self.out.push_str(&s[i..end]);
                        i = end;
                    } else if let Some(c) = s[i..].chars().next() {
                        self.push(c);
                        i += c.len_utf8();
                    }
                }
                Class::White => i += self.white(&b[i..]),
                Class::Control => i += 1,
                Class::Reference => match reference(&b[i..], self.rules()) {
                    Some((Decoded::Char(c), used)) => {
                        self.push(c);
                        i += used;
                    }
                    Some((Decoded::Text(t), used)) => {
                        t.chars().for_each(|c| self.push(c));
                        i += used;
                    }
                    None => {
                        self.push('&');
                        i += 1;
                    }
                },
                Class::Tag if self.mode == Mode::Entities => {
                    self.push('<');
                    i += 1;
                }
                Class::Tag => i = self.tag(s, i),
            }
        }
    }

    fn rules(&self) -> Rules {
        if self.mode == Mode::Html { Rules::Html } else { Rules::Strict }
    }

    /// White space at the start of `b`; answers its length.
    fn white(&mut self, b: &[u8]) -> usize {
        let len = b.iter().position(|c| CLASS[*c as usize] != Class::White).unwrap_or(b.len());
        let lines = || b[..len].iter().filter(|c| **c == b'\n').count();
        let breaks = match self.mode {
            Mode::Html => 0,
            Mode::Plain => usize::from(lines() > 1),
            Mode::Entities => lines(),
        };
        self.gap = self.gap.max(if breaks > 0 { Gap::Break } else { Gap::Space });
        len
    }

    /// What begins with the `<` at `i`; answers where to go on.
    fn tag(&mut self, s: &str, i: usize) -> usize {
        if let Some(after) = s[i..].strip_prefix("<![CDATA[")
            && !self.nested
            && let Some(len) = after.find("]]>")
        {
            self.nested = true;
            self.run(&after[..len]);
            self.nested = false;
            return i + "<![CDATA[".len() + len + "]]>".len();
        }
        let Some(tag) = self.scan.tag(s, i, self.mode == Mode::Plain) else {
            self.push('<');
            return i + 1;
        };
        match tag.effect {
            Effect::Inline => {}
            Effect::Space => self.gap = self.gap.max(Gap::Space),
            Effect::Break => self.gap = self.gap.max(Gap::Break),
        }
        tag.end
    }

    fn push(&mut self, c: char) {
        match sort(c) {
            Sort::Visible => {
                self.flush();
                self.out.push(c);
            }
            Sort::White => self.gap = self.gap.max(Gap::Space),
            Sort::Dropped => {}
        }
    }

    fn flush(&mut self) {
        if self.out.len() > self.start {
            match self.gap {
                Gap::None => {}
                Gap::Space => self.out.push(' '),
                Gap::Break => self.out.push('\n'),
            }
        }
        self.gap = Gap::None;
    }
}

/// The end of the run that begins at `i` and can be copied: single spaces between words included.
fn run_end(b: &[u8], mut i: usize) -> usize {
    while i < b.len() {
        match CLASS[b[i] as usize] {
            Class::Copy => i += 1,
            Class::White => match b.get(i + 1) {
                Some(next) if b[i] == b' ' && CLASS[*next as usize] == Class::Copy => i += 2,
                _ => return i,
            },
            Class::Look => match b[i..] {
                // Letters of Latin-1 from U+00A1 on, without the soft hyphen.
                [0xc2, 0xa1..=0xac | 0xae..=0xbf, ..] => i += 2,
                // Georgian to Khmer without U+1680 and U+180E.
                [0xe1, x, y, ..] if !(x == 0x9a && y == 0x80 || x == 0xa0 && y == 0x8e) => i += 3,
                // General punctuation in use (dashes, quotes, dots) and all symbols.
                [0xe2, 0x80, 0x90..=0xa7 | 0xb0..=0xbf, ..] | [0xe2, 0x82..=0xbf, _, ..] => i += 3,
                [0xe3, x, y, ..] if !(x == 0x80 && y == 0x80) => i += 3,
                [0xef, x, y, ..] if !(x == 0xbb && y == 0xbf) => i += 3,
                _ => return i,
            },
            _ => return i,
        }
    }
    i
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(html: &str) -> String {
        let mut out = String::new();
        to_text(html, &mut out);
        out
    }

    #[test]
    fn html_becomes_text() {
        let table = [
            ("", ""),
            ("  plain  text \r\n with\tspace ", "plain text with space"),
            ("<p>one</p><p>two</p>", "one\ntwo"),
            ("<b>Ze</b>ntro", "Zentro"),
            ("Ze<!-- x -->ntro", "Zentro"),
            ("one<br>two<br/>three", "one\ntwo\nthree"),
            ("<ul><li>a</li>\n <li>b</li></ul>", "a\nb"),
            ("<td>a</td><td>b</td>", "a b"),
            ("a<img alt=\"Acme\" src=x>b", "a b"),
            ("<a title=\"a > b\" href='x'>link</a>!", "link!"),
            ("<a title=it's>x</a> y", "x y"),
            ("<script>var acme = '<p>';</script>x<style>p{}</style>y", "x y"),
            ("<SCRIPT>acme</SCRIPT >x", "x"),
            ("<head><title>acme</title></head>x", "x"),
            ("<svg><text>acme</text></svg>x", "x"),
            ("<svg/>x", "x"),
            ("<svg>never closed", "never closed"),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
            ("a <3 b", "a <3 b"),
            ("x <- y", "x <- y"),
            ("cut <a href=\"http://exa", "cut"),
            ("no tag <here is none", "no tag <here is none"),
            ("R&D &amp; caf&eacute;&nbsp;&nbsp;x", "R&D & café x"),
            ("a\u{a0}\u{2003}b\u{3000}c\u{85}d", "a b c d"),
            ("so\u{ad}ft &shy;hy&#173;phen z\u{200b}w", "soft hyphen zw"),
            ("bell\u{7}&#7;\u{0}x", "bellx"),
            ("<![CDATA[in <b>cd</b>ata]]> out", "in cdata out"),
            ("<![CDATA[open", ""),
            ("<?php x ?>y<!doctype html>z", "yz"),
            ("<custom-tag foo>in</custom-tag> <o:p>x</o:p>", "in x"),
            ("“quotes” – dash… € ½ ¿qué? Ünï", "“quotes” – dash… € ½ ¿qué? Ünï"),
            ("日本　語 かな ქართ", "日本 語 かな ქართ"),
            ("&lt;p&gt;escaped&lt;/p&gt;", "<p>escaped</p>"),
            ("<p>", ""),
            ("<", "<"),
            ("</", "</"),
            ("<!--", ""),
            ("&", "&"),
        ];
        for (html, want) in table {
            assert_eq!(text(html), want, "{html}");
        }
    }

    #[test]
    fn text_is_appended_without_a_gap_at_the_joint() {
        let mut out = "before".to_owned();
        to_text(" <p>after</p> ", &mut out);
        assert_eq!(out, "beforeafter");
    }

    #[test]
    fn plain_text_keeps_what_html_does_not_know() {
        let table = [
            ("Vec<T> and <b>bold</b>", "Vec<T> and bold"),
            ("one\ntwo\n\nthree", "one two\nthree"),
            ("AT&amp;T &copy 2", "AT&T &copy 2"),
        ];
        for (input, want) in table {
            let mut out = String::new();
            plain_to_text(input, &mut out);
            assert_eq!(out, want, "{input}");
        }
    }

    #[test]
    fn hazard_20_double_escaped_content_is_decoded_before_matching() {
        let mut out = text("the Company&amp;#39;s decision via&amp;nbsp;... caf&eacute; &amp;lt;b&amp;gt;<p>x");
        decode_again(&mut out, 0);
        assert_eq!(out, "the Company's decision via ... café <b>\nx");
        let mut out = "before &amp; ".to_owned();
        let from = out.len();
        to_text("AT&amp;T & R&D", &mut out);
        decode_again(&mut out, from);
        assert_eq!(out, "before &amp; AT&T & R&D");
    }

    #[test]
    fn hazard_21_deep_nesting_and_hostile_input_are_linear() {
        let hostile = [
            "<div>".repeat(200_000),
            "<a \"x\" ".repeat(100_000),
            "<a b=\">\" ".repeat(100_000),
            "<a b='>\" ".repeat(100_000),
            "<!--".repeat(250_000),
            "<![CDATA[".repeat(100_000),
            "<svg>".repeat(200_000),
            "<svg></math>".repeat(80_000),
            "<head".repeat(200_000),
            "&".repeat(1_000_000),
            "&#x".repeat(300_000),
            "</".repeat(500_000),
            "<script></".repeat(100_000),
        ];
        for (i, html) in hostile.iter().enumerate() {
            // The best of some: what is measured is our work, not the machine's other load.
            let took =
                (0..if i == 0 { 5 } else { 1 }).map(|_| crate::clock::cost(|| assert!(text(html).len() <= MAX_HTML)));
            let limit = Duration::from_millis(if i == 0 { 100 } else { 2000 });
            let took = took.min().unwrap();
            assert!(took < limit, "{}…: {took:?}", cut(html, 20));
        }
        assert_eq!(text(&format!("{}Acme", "<div>".repeat(20_000))), "Acme");
    }

    #[test]
    fn only_so_much_is_read_and_characters_stay_whole() {
        let out = text(&"é".repeat(MAX_HTML));
        assert_eq!(out.len(), MAX_HTML);
        let out = text(&format!("x{}", "é".repeat(MAX_HTML)));
        assert_eq!(out.len(), MAX_HTML - 1);
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_no_white_space_is_doubled(s in "[ \\n<>&;/a-c=\"'!\\-\\[\\]#x1é\u{a0}\u{2003}\u{200b}]{0,200}") {
            let out = text(&s);
            assert!(!out.contains("  ") && !out.contains('\u{a0}') && out.trim() == out, "{out:?}");
        }
    }
}
