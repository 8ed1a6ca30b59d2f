//! Finds and strikes out what names one person, in text and in raw bytes: a handle, a name or a mail address, in any
//! case, whole words only, also as JSON and addresses of the web write it.
//!
//! What is struck out becomes as many asterisks as it had bytes, so that places in the text stay where they are.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use unicode_normalization::UnicodeNormalization;

/// A bare handle shorter than this is an everyday word (`ana`, `tom`): it counts only where it is written as a handle.
const MIN_BARE: usize = 5;
/// Bytes that are looked at beside a find.
pub const BESIDE: usize = 8;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeedleKind {
    /// `ana_ruiz`, without `@`; found as `@ana_ruiz`, `/ana_ruiz`, and bare if it is no short word.
    Handle,
    /// `Ana Ruiz`.
    Name,
    /// `ana@example.com`.
    Address,
}

/// A compiled search. Linear in what is searched.
#[derive(Clone, Debug)]
pub struct Needle {
    kind: NeedleKind,
    finder: AhoCorasick,
    longest: usize,
    bare: bool,
}

impl Needle {
    /// `None` if there is nothing to look for, or the text is no text to look for (over 64 KiB).
    pub fn new(kind: NeedleKind, text: &str) -> Option<Self> {
        let text = text.trim();
        let text = if kind == NeedleKind::Handle { text.trim_start_matches('@') } else { text };
        if text.is_empty() || text.len() > 64 << 10 {
            return None;
        }
        let mut forms: Vec<String> = Vec::new();
        for form in [text.to_owned(), text.to_lowercase(), text.to_uppercase()] {
            for form in [form.nfc().collect::<String>(), form.nfd().collect()] {
                let escaped = serde_json::to_string(&form).unwrap_or_default();
                forms.push(escaped.trim_matches('"').to_owned());
                forms.push(percent(&form));
                forms.push(form);
            }
        }
        forms.sort();
        forms.dedup();
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&forms)
            .ok()?;
        let marked = text.chars().any(|c| c.is_ascii_digit() || matches!(c, '_' | '.' | '@' | '-'));
        let bare = kind != NeedleKind::Handle || marked || text.chars().count() >= MIN_BARE;
        Some(Self { kind, finder, longest: forms.iter().map(String::len).max().unwrap_or(0), bare })
    }

    /// Bytes of the longest form: whoever searches a file in parts lets them overlap by this and [`BESIDE`].
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Where it stands, from the beginning on.
    pub fn places(&self, bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + use<> {
        let found: Vec<Range<usize>> = self.finder.find_iter(bytes).map(|found| found.range()).collect();
        // From the end on: once a name behind a full stop is struck out, the one before it stands alone.
        let (mut places, mut next) = (Vec::new(), usize::MAX);
        for range in found.into_iter().rev() {
            if self.stands_alone(bytes, &range, next) {
                next = range.start;
                places.push(range);
            }
        }
        places.into_iter().rev()
    }

    /// Whether it stands there at all.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.places(bytes).next().is_some()
    }

    /// The text without it; `None` if it is not in there.
    pub fn strike(&self, text: &str) -> Option<String> {
        let mut struck = String::new();
        let mut from = 0;
        for range in self.places(text.as_bytes()) {
            struck.push_str(text.get(from..range.start)?);
            struck.extend(std::iter::repeat_n('*', range.len()));
            from = range.end;
        }
        (from > 0).then(|| struck + text.get(from..).unwrap_or_default())
    }

    /// `next` is where the place behind it begins that stands alone.
    fn stands_alone(&self, bytes: &[u8], range: &Range<usize>, next: usize) -> bool {
        let (before, after) =
            (bytes.get(..range.start).unwrap_or_default(), bytes.get(range.end..).unwrap_or_default());
        // `@ana`, and not the domain of an address; `/ana` and `%40ana` in links.
        let at = match before {
            [rest @ .., b'@'] => !last_char(rest).is_some_and(|c| c.is_alphanumeric() || "._-+".contains(c)),
            _ => false,
        };
        let announced = at || before.ends_with(b"/") || is_escape(before, &[b"%40", b"%2f"]);
        let in_address = before.ends_with(b"@") && !at;
        let joined_before = in_address && self.kind == NeedleKind::Handle
            || !announced
                && !is_json_escape(before)
                && !is_escape(before, &[b"%20", b"%3a", b"%3c"])
                && last_char(before).is_some_and(|c| {
                    c.is_alphanumeric() || c == '_' || self.kind == NeedleKind::Address && ".+%-".contains(c)
                });
        let more = |n: usize| range.end + n != next && after.get(n).is_some_and(u8::is_ascii_alphanumeric);
        let joined_after = match first_char(after) {
            Some(c) if c.is_alphanumeric() || c == '_' => true,
            Some('-') => self.kind != NeedleKind::Name && more(1),
            // The name of a file or a host, or the first half of an address, is another word.
            Some('.') => more(1) && (self.kind == NeedleKind::Address || self.kind == NeedleKind::Handle && !at),
            Some('@') => self.kind == NeedleKind::Handle && more(1),
            _ => false,
        };
        !joined_before && !joined_after && (self.bare || announced)
    }
}

/// As in an address of the web: everything but ASCII, spaces and `@` encoded (RFC 3986 section 2.1).
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii() && !matches!(byte, b' ' | b'@') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `\n` before a name in JSON is a line end, not a letter.
fn is_json_escape(before: &[u8]) -> bool {
    matches!(before, [.., b'\\', b'n' | b't' | b'r' | b'b' | b'f'])
}

fn is_escape(before: &[u8], escapes: &[&[u8; 3]]) -> bool {
    before.last_chunk::<3>().is_some_and(|last| escapes.iter().any(|e| e.eq_ignore_ascii_case(last)))
}

fn last_char(bytes: &[u8]) -> Option<char> {
    (1..=4.min(bytes.len())).find_map(|n| str::from_utf8(bytes.get(bytes.len() - n..)?).ok()?.chars().next())
}

fn first_char(bytes: &[u8]) -> Option<char> {
    (1..=4.min(bytes.len())).find_map(|n| str::from_utf8(bytes.get(..n)?).ok()?.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(kind: NeedleKind, needle: &str, text: &str) -> String {
        Needle::new(kind, needle).unwrap().strike(text).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn whole_words_are_struck_out_and_places_stay() {
        use NeedleKind::{Address, Handle, Name};
        for (kind, needle, text, want) in [
            (
                Handle,
                "@ana_ruiz",
                "thanks @Ana_Ruiz, ana_ruiz2 and banana_ruiz",
                "thanks @********, ana_ruiz2 and banana_ruiz",
            ),
            (
                Handle,
                "ana",
                "@ana said Ana: https://x.social/@ana/1 and /ana",
                "@*** said Ana: https://x.social/@***/1 and /***",
            ),
            (Handle, "anaruiz", r#"{"t":"x\nanaruiz\"anaruiz"}"#, r#"{"t":"x\n*******\"*******"}"#),
            (
                Handle,
                "brand",
                "to brand@x.test, of x@brand.test, https://brand.test and @brand.Hi",
                "to brand@x.test, of x@brand.test, https://brand.test and @*****.Hi",
            ),
            (Handle, "ana", "https://x.test/?u=%40ana", "https://x.test/?u=%40***"),
            (Name, "Søren Bø", "SØREN BØ og søren bø, Søren Bøgh", "********** og **********, Søren Bøgh"),
            (
                Address,
                "ana@example.com",
                "Ana@Example.com, x.ana@example.com, ana@example.com.mx. ana%40example.com",
                "***************, x.ana@example.com, ana@example.com.mx. *****************",
            ),
        ] {
            let got = struck(kind, needle, text);
            assert_eq!(got, want);
            assert_eq!(got.len(), text.len());
        }
        // The decomposed form is the same name.
        assert_eq!(struck(Name, "Peña Ortiz", "Pen\u{303}a Ortiz"), "************");
        assert!(Needle::new(Handle, " @ ").is_none());
    }

    proptest::proptest! {
        #[test]
        fn what_was_struck_out_is_not_found_again(text in "(@?ana_r|Ana_R|[ a-z@/.\\\\n\u{e9}%]){0,30}") {
            let needle = Needle::new(NeedleKind::Handle, "ana_r").unwrap();
            let struck = needle.strike(&text).unwrap_or_else(|| text.clone());
            proptest::prop_assert!(!needle.is_in(struck.as_bytes()), "{struck}");
            proptest::prop_assert_eq!(struck.len(), text.len());
        }
    }
}
