//! The excerpt: windows of constant length around the matched words, cut at word boundaries.

use std::ops::Range;

use serde::Serialize;
use unicode_segmentation::GraphemeCursor;

use super::clean::{Marked, isolate};

/// Characters of an excerpt in all; read in well under 20 seconds.
pub(super) const EXCERPT: usize = 420;
/// Characters of the first window, if there are two.
const FIRST: usize = 280;
/// How far a cut may move to fall between words, in characters.
const SLACK: usize = 24;

/// Longer marks are cut like other words, in bytes.
const MAX_WHOLE_MARK: usize = 120;

/// A stretch of an excerpt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Segment {
    pub(super) text: String,
    /// Matched words.
    pub(super) mark: bool,
    /// A line ends here.
    pub(super) br: bool,
}

/// The whole text as segments, for a title.
pub(super) fn whole(text: &Marked<'_>, limit: usize) -> Vec<Segment> {
    let end = uncut(text, 0..forward(&text.text, 0, limit)).end;
    let mut out = Vec::new();
    push(&mut out, text, 0..end);
    if end < text.text.len() {
        out.push(Segment { text: "…".into(), ..Segment::default() });
    }
    out
}

/// The excerpt: the whole text if it is short; else up to two windows, the first around the first mark, the second
/// around the first of `also` (the evidence), or else the first mark, that the first window leaves out.
pub(super) fn excerpt(text: &Marked<'_>, also: &[Range<usize>]) -> Vec<Segment> {
    let body = &text.text;
    let mut out = Vec::new();
    if forward(body, 0, EXCERPT) == body.len() {
        push(&mut out, text, 0..body.len());
        return out;
    }
    let outside = |r: &&Range<usize>, window: &Range<usize>| r.start >= window.end || r.end <= window.start;
    let Some(focus) = text.marks.first().or(also.first()) else {
        push(&mut out, text, 0..forward(body, 0, EXCERPT));
        out.push(Segment { text: " …".into(), ..Segment::default() });
        return out;
    };
    // One long window if it holds all there is to show, else a shorter one and a second.
    let mut windows = vec![around(body, focus, EXCERPT)];
    if also.iter().chain(&text.marks).any(|r| outside(&r, &windows[0])) {
        let first = around(body, focus, FIRST);
        if let Some(second) = also.iter().chain(&text.marks).find(|r| outside(r, &first)) {
            let second = around(body, second, EXCERPT - FIRST);
            windows = match (first, second) {
                (a, b) if a.end < b.start => vec![a, b],
                (a, b) if b.end < a.start => vec![b, a],
                (a, b) => std::iter::once(a.start.min(b.start)..a.end.max(b.end)).collect(),
            };
        }
    }
    let mut shown_to = 0;
    for window in windows {
        let window = uncut(text, window);
        let window = window.start.max(shown_to)..window.end;
        if window.start > shown_to {
            let gap = if shown_to == 0 { "… " } else { " … " };
            out.push(Segment { text: gap.into(), ..Segment::default() });
        }
        shown_to = window.end;
        push(&mut out, text, window);
    }
    if !body[shown_to..].trim().is_empty() {
        out.push(Segment { text: " …".into(), ..Segment::default() });
    }
    out
}

/// The excerpt for the plain-text part: matched words between asterisks.
pub(super) fn plain(segments: &[Segment]) -> String {
    let mut out = String::new();
    for segment in segments {
        if segment.br {
            out.push('\n');
        } else if segment.mark {
            out.push('*');
            out.push_str(&segment.text);
            out.push('*');
        } else {
            out.push_str(&segment.text);
        }
    }
    out
}

/// Lines of at most `width` characters where words allow, each behind `prefix`.
pub(super) fn wrap(text: &str, prefix: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            out.push('\n');
        }
        out.push_str(prefix);
        let mut column = 0;
        for word in isolate(line).split_whitespace() {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > width {
                out.push('\n');
                out.push_str(prefix);
                column = 0;
            }
            if column > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += length;
        }
    }
    out
}

/// At most `limit` characters from the start, cut between words, with `…` if something is missing.
pub(super) fn shorten(text: &str, limit: usize) -> String {
    let end = forward(text, 0, limit);
    let head = text[..end].trim_end();
    if end < text.len() {
        format!("{}…", head.trim_end_matches([',', ';', ':', '-', '–']))
    } else {
        head.to_owned()
    }
}

/// A window of `length` characters with `focus` a third into it, both ends between words.
fn around(text: &str, focus: &Range<usize>, length: usize) -> Range<usize> {
    let focus_length = text[focus.clone()].chars().take(length).count();
    let before = (length - focus_length) / 3;
    let mut start = backward(text, focus.start, before);
    let end = forward(text, start, length);
    if end == text.len() {
        // Nothing more behind: give the room to what stands before.
        start = backward(text, end, length).min(focus.start);
    }
    start..end
}

/// The end of at most `limit` characters from `start`: after a word, never inside a character as the reader sees it.
fn forward(text: &str, start: usize, limit: usize) -> usize {
    // No more bytes than that are no more characters either.
    if text.len() - start <= limit {
        return text.len();
    }
    let mut space = None;
    for (n, (i, c)) in text[start..].char_indices().enumerate() {
        if n + SLACK >= limit && c.is_whitespace() {
            space = Some(start + i);
        }
        if n == limit {
            return space.unwrap_or_else(|| grapheme(text, start + i).max(start));
        }
    }
    text.len()
}

/// The start of at most `limit` characters before `end`: before a word.
fn backward(text: &str, end: usize, limit: usize) -> usize {
    let mut space = None;
    for (n, (i, c)) in text[..end].char_indices().rev().enumerate() {
        if n == limit {
            return space.unwrap_or_else(|| grapheme(text, i + c.len_utf8()));
        }
        if n + SLACK >= limit && c.is_whitespace() {
            space = Some(i + c.len_utf8());
        }
    }
    0
}

/// The last grapheme boundary at or before `at`.
fn grapheme(text: &str, at: usize) -> usize {
    let mut cursor = GraphemeCursor::new(at, text.len(), true);
    match cursor.is_boundary(text, 0) {
        Ok(true) => at,
        _ => cursor.prev_boundary(text, 0).ok().flatten().unwrap_or(at),
    }
}

/// The window with the marks at its ends whole, unless they are so long that they must be cut.
fn uncut(text: &Marked<'_>, window: Range<usize>) -> Range<usize> {
    let across = |at: usize| {
        let mark = text.marks.get(text.marks.partition_point(|m| m.end <= at));
        mark.filter(|m| m.start < at && m.len() <= MAX_WHOLE_MARK)
    };
    across(window.start).map_or(window.start, |m| m.start)..across(window.end).map_or(window.end, |m| m.end)
}

/// Cuts a window into marked and unmarked stretches and line ends.
fn push(out: &mut Vec<Segment>, text: &Marked<'_>, window: Range<usize>) {
    let mut at = window.start;
    for mark in &text.marks {
        let (start, end) = (mark.start.max(window.start), mark.end.min(window.end));
        if start < end {
            lines(out, &text.text[at..start], false);
            lines(out, &text.text[start..end], true);
            at = end;
        }
    }
    lines(out, &text.text[at..window.end], false);
}

fn lines(out: &mut Vec<Segment>, text: &str, mark: bool) {
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 && out.last().is_some_and(|s| !s.br) {
            out.push(Segment { text: String::new(), mark: false, br: true });
        }
        if !line.is_empty() {
            out.push(Segment { text: line.to_owned(), mark, br: false });
        }
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "a list of one place is meant")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compose::clean::clean;

    fn long(word: &str, at: usize) -> (String, Range<usize>) {
        let text: String = (0..200).map(|i| if i == at { format!("{word} ") } else { format!("word{i} ") }).collect();
        let start = text.find(word).unwrap();
        (text, start..start + word.len())
    }

    #[test]
    fn the_window_is_cut_between_words_around_the_match() {
        let (text, range) = long("Acme", 100);
        let shown = plain(&excerpt(&Marked::new(&text, [range]), &[]));
        assert!(shown.starts_with("… word") && shown.ends_with(" …") && shown.contains(" *Acme* word101"), "{shown}");
        assert!((350..=EXCERPT + 8).contains(&shown.chars().count()), "{}", shown.chars().count());
    }

    #[test]
    fn a_short_text_is_shown_whole_with_its_lines() {
        let text = "I bought\n\n\nAcme twice";
        assert_eq!(plain(&excerpt(&Marked::new(text, [11..15]), &[])), "I bought\n*Acme* twice");
    }

    #[test]
    fn evidence_far_from_the_match_gets_a_second_window() {
        let (text, range) = long("Acme", 2);
        let cue = text.find("word150").unwrap();
        let shown = plain(&excerpt(&Marked::new(&text, [range]), std::slice::from_ref(&(cue..cue + 7))));
        assert!(
            shown.starts_with("word0 word1 *Acme*") && shown.contains(" … ") && shown.contains("word150"),
            "{shown}"
        );
    }

    #[test]
    fn text_without_spaces_is_cut_between_graphemes() {
        let text = "e\u{301}".repeat(600);
        let shown = plain(&excerpt(&Marked::new(&text, []), &[]));
        assert!(shown.trim_end_matches(" …").ends_with("e\u{301}"), "{shown}");
    }

    #[test]
    fn a_title_is_shortened_between_words() {
        assert_eq!(shorten("Third time I ask for my refund", 20), "Third time I ask for…");
        assert_eq!(shorten("Short", 20), "Short");
    }

    proptest! {
        #[test]
        fn never_panics_and_marks_lie_on_matched_words(
            text in "([a-zé 日👍🏽\u{202e}\u{301}\n]{0,30}Acme){0,40}",
            ranges in proptest::collection::vec((0usize..900, 0usize..900), 0..8),
        ) {
            let words = text.match_indices("Acme").map(|(i, w)| i..i + w.len());
            let honest = clean(Marked::new(&text, words));
            let shown = excerpt(&honest, &[]);
            prop_assert!(shown.iter().filter(|s| s.mark).all(|s| s.text.replace("Acme", "").is_empty()));
            if text.contains("Acme") {
                prop_assert!(shown.iter().any(|s| s.mark));
            }
            prop_assert!(shown.iter().map(|s| s.text.chars().count()).sum::<usize>() <= EXCERPT + 3 * SLACK + 2 * MAX_WHOLE_MARK);
            // Ranges that lie: nothing to check but that it ends.
            let lying = clean(Marked::new(&text, ranges.iter().map(|(a, b)| *a..*b)));
            plain(&excerpt(&lying, &[]));
            plain(&whole(&lying, 40));
        }
    }
}
