//! Text of strangers made harmless to show: control and direction characters gone, look-alike links unmasked. The
//! places to be marked move along.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use url::Url;

/// A text with the places to be marked: sorted, apart from each other, on character boundaries, inside the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marked<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) marks: Vec<Range<usize>>,
}

impl<'a> Marked<'a> {
    /// Ranges that are empty, outside the text or inside a character are dropped; those that touch become one.
    pub(super) fn new(text: &'a str, ranges: impl IntoIterator<Item = Range<usize>>) -> Self {
        let mut marks: Vec<Range<usize>> =
            ranges.into_iter().filter(|r| r.start < r.end && text.get(r.clone()).is_some()).collect();
        marks.sort_by_key(|r| r.start);
        marks.dedup_by(|next, kept| {
            let touches = next.start <= kept.end;
            if touches {
                kept.end = kept.end.max(next.end);
            }
            touches
        });
        Self { text: Cow::Borrowed(text), marks }
    }

    /// Replaces the given places (sorted, apart) and moves the marks; a mark that a replacement touches shrinks to
    /// what is left of it, and goes if nothing is.
    pub(super) fn rewrite(self, edits: &[(Range<usize>, Cow<'_, str>)]) -> Marked<'a> {
        if edits.is_empty() {
            return self;
        }
        let mut out = String::with_capacity(self.text.len());
        // Kept stretches as (old start, old end, new start): positions map through them.
        let mut kept: Vec<(usize, usize, usize)> = Vec::with_capacity(edits.len() + 1);
        let mut at = 0;
        for (range, with) in edits {
            kept.push((at, range.start, out.len()));
            out.push_str(&self.text[at..range.start]);
            out.push_str(with);
            at = range.end;
        }
        kept.push((at, self.text.len(), out.len()));
        out.push_str(&self.text[at..]);

        let mut marks = Vec::with_capacity(self.marks.len());
        for mark in &self.marks {
            let first = kept.partition_point(|k| k.1 <= mark.start);
            let touched = kept[first..].iter().take_while(|k| k.0 < mark.end);
            let mut new: Option<Range<usize>> = None;
            for (start, end, to) in touched {
                let (from, until) = (mark.start.max(*start), mark.end.min(*end));
                if from < until {
                    let piece = to + (from - start)..to + (until - start);
                    new = Some(new.map_or(piece.clone(), |n| n.start..piece.end));
                }
            }
            marks.extend(new);
        }
        Marked { text: Cow::Owned(out), marks }
    }
}

/// Takes out what must never be shown: control characters, direction overrides (the "Trojan source" trick, UTR #36
/// §2.4) and invisible spaces that would split a word. Line and paragraph separators become `\n`, other white space
/// a space. Links inside the text lose a user part and show their real host.
pub(super) fn clean(text: Marked<'_>) -> Marked<'_> {
    let mut edits: Vec<(Range<usize>, Cow<'_, str>)> = Vec::new();
    // Most texts have none; to see that without stopping at the first takes the least time.
    if text.text.bytes().fold(false, |found, b| found | may_begin_replaced(b)) {
        for (i, _) in text.text.bytes().enumerate().filter(|(_, b)| may_begin_replaced(*b)) {
            let Some(c) = text.text[i..].chars().next() else { continue };
            if let Some(with) = replacement(c) {
                edits.push((i..i + c.len_utf8(), Cow::Borrowed(with)));
            }
        }
    }
    let text = text.rewrite(&edits);
    let edits = disguised_links(&text.text);
    text.rewrite(&edits)
}

/// [`clean`], on one line: for subjects, titles, names.
pub(super) fn clean_line(text: &str) -> String {
    let cleaned = clean(Marked::new(text, []));
    let mut out = String::with_capacity(cleaned.text.len());
    for word in cleaned.text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// True if some of the text runs from right to left, so that it must be isolated from what stands around it.
pub(super) fn is_rtl(text: &str) -> bool {
    // The first of them begins with 0xD6, which one look at the bytes tells of most texts.
    text.bytes().fold(false, |found, b| found | (b >= 0xD6))
        && text.chars().any(|c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'))
}

/// For plain text: right-to-left words between the isolates of Unicode (UAX #9 §2.5), so that they cannot reorder
/// what follows. HTML does the same with `dir="auto"`.
pub(super) fn isolate(text: &str) -> Cow<'_, str> {
    if is_rtl(text) { Cow::Owned(format!("\u{2068}{text}\u{2069}")) } else { Cow::Borrowed(text) }
}

/// True for the first byte of everything that has a [`replacement`], and of much that has none; never for a byte inside
/// of a character.
fn may_begin_replaced(byte: u8) -> bool {
    (byte < 0x20) & (byte != b'\n') | (byte == 0x7f) | matches!(byte, 0xC2 | 0xD8 | 0xE1 | 0xE2 | 0xEF | 0xF3)
}

fn replacement(c: char) -> Option<&'static str> {
    match c {
        '\n' => None,
        '\r' => Some(""),
        '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some("\n"),
        '\t' => Some(" "),
        // Soft hyphen, joiners that only hide, direction marks, embeddings, overrides, isolates, BOM, tags. Not the
        // zero-width joiner and non-joiner: emoji and several scripts need them.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Some(""),
        c if c.is_control() => Some(""),
        _ => None,
    }
}

/// Links written out in the text whose look deceives: non-ASCII host, or a user part before the real host.
fn disguised_links(text: &str) -> Vec<(Range<usize>, Cow<'static, str>)> {
    #[expect(clippy::expect_used, reason = "a constant pattern, and a test uses it")]
    static LINK: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(?i)\b(https?:)//([^\s/?#<>"]+)"#).expect("constant pattern"));
    if !text.contains("://") || (text.is_ascii() && !text.contains('@')) {
        return Vec::new();
    }
    LINK.captures_iter(text)
        .filter_map(|found| {
            let host = found.get(2)?;
            if host.as_str().is_ascii() && !host.as_str().contains('@') {
                return None;
            }
            // A host that cannot be read as one is not shown at all.
            let real = Url::parse(&format!("{}//{}", &found[1], host.as_str()))
                .ok()
                .and_then(|url| Some((url.host_str()?.to_owned(), url.port())))
                .map_or_else(|| "…".to_owned(), |(host, port)| port.map_or(host.clone(), |p| format!("{host}:{p}")));
            Some((host.range(), Cow::Owned(real)))
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a list of one place is meant")]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_are_off_are_dropped() {
        let text = "año 1";
        #[expect(clippy::reversed_empty_ranges, reason = "that is the point")]
        let marked = Marked::new(text, [2..3, 0..900, 5..2, 3..3, 1..3, 0..1, usize::MAX - 1..usize::MAX]);
        assert_eq!(marked.marks, [0..3]);
    }

    #[test]
    fn what_is_replaced_is_found_by_its_first_byte() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).as_bytes();
            assert!(replacement(c).is_none() || may_begin_replaced(bytes[0]), "{c:?}");
            assert!(!bytes[1..].iter().any(|b| may_begin_replaced(*b)), "{c:?}");
        }
        assert!(is_rtl("a \u{590}") && is_rtl("\u{1e800}") && !is_rtl("\u{58f} é € 日"));
    }

    #[test]
    fn marks_follow_their_words() {
        let text = "a\u{202e}b \u{7}Ac\u{200b}me\u{2028}x";
        let start = text.find("Ac").unwrap();
        let end = text.find("me").unwrap() + 2;
        let cleaned = clean(Marked::new(text, [start..end]));
        assert_eq!(cleaned.text, "ab Acme\nx");
        assert_eq!(&cleaned.text[cleaned.marks[0].clone()], "Acme");
    }

    #[test]
    fn a_mark_inside_a_replaced_place_goes() {
        let marked = Marked::new("abcdef", [2..4]).rewrite(&[(1..5, Cow::Borrowed("X"))]);
        assert_eq!((marked.text.as_ref(), marked.marks.len()), ("aXf", 0));
    }

    #[test]
    fn hazard_27_links_inside_the_text_show_their_real_host() {
        for (given, shown) in [
            ("see https://\u{440}\u{430}ypal.com/x now", "see https://xn--ypal-43d9g.com/x now"),
            ("see https://acme.com@evil.example/x", "see https://evil.example/x"),
            ("see https://acme.com:pw@evil.example:8080/x", "see https://evil.example:8080/x"),
            ("HTTP://ACME.com/ä@b", "HTTP://ACME.com/ä@b"),
            ("see https://@@@/x ä", "see https://…/x ä"),
            ("write to a@acme.com, ://", "write to a@acme.com, ://"),
        ] {
            assert_eq!(clean_line(given), shown);
        }
    }
}
