//! The issue in the author's own words: a short stretch of the post around the words that decided its category. It is
//! repeated in public, so anything personal, coarse or grave leaves it out.

use std::ops::Range;

use super::super::clean::clean_line;
use super::super::mask::{Masker, fold};
use super::super::reasons;
use super::super::words::Catalogue;
use super::lint;
use crate::classify;
use crate::model::{Category, Mention, Severity};

/// Characters of a quote.
const LONGEST: usize = 80;
/// Words of a quote: fewer say nothing, more are not quoted but recited.
const WORDS: std::ops::RangeInclusive<usize> = 3..=14;
/// Cues that are tried.
const MAX_CUES: usize = 6;

/// Signs of matters that are not repeated in public.
const GRAVE: [&str; 7] = ["legal", "safety", "leak", "discrimination", "threat", "self-harm", "press_threat"];

/// The quote, between the language's quotation marks, or `None` if nothing can be quoted.
pub(super) fn issue(words: &Catalogue, mention: &Mention) -> Option<String> {
    let found = &mention.classification;
    // About people nothing is repeated at all: a name may stand anywhere.
    if matches!(found.category, Category::Staff | Category::Member | Category::Press | Category::Other)
        || found.severity == Severity::Critical
        || found.flags.iter().any(|flag| GRAVE.contains(&flag.as_str()))
    {
        return None;
    }
    let effect = format!("category:{}", found.category.as_str());
    let entry = &mention.entry;
    let cues = found.cues.iter().filter(|c| c.effect == effect && !c.text.trim().is_empty()).take(MAX_CUES);
    for cue in cues {
        let cue = cue.text.trim();
        let place = |text: &str| text.find(cue).map(|at| at..at + cue.len());
        let (text, at) = match (place(&entry.text), place(&entry.title)) {
            (Some(at), _) => (entry.text.as_str(), at),
            (None, Some(at)) => (entry.title.as_str(), at),
            (None, None) => continue,
        };
        // A cue alone is a scrap of a sentence ("quinta vez que"), so without a clause around it nothing is quoted.
        let candidates = [around(text, &at, ".!?…;:\n()[]\"“”«»"), around(text, &at, ".!?…;:\n()[]\"“”«»,–—")];
        for range in candidates {
            let raw = &text[range.clone()];
            // What stands in front of the cue may be a name; a cue's own first word never is.
            let known_start = text[range.start..at.start.max(range.start)].trim().is_empty();
            if let Some(quote) = fit(words, mention, raw, known_start) {
                return Some(words.quote(&quote));
            }
        }
    }
    None
}

/// The stretch around a place that no stop parts.
fn around(text: &str, at: &Range<usize>, stops: &str) -> Range<usize> {
    let stop = |i: usize, c: char| {
        // `3.499` and `node.js` go on behind the point.
        stops.contains(c)
            && !(matches!(c, '.' | ',' | ':') && text[i + c.len_utf8()..].starts_with(char::is_alphanumeric))
    };
    // A quote has no more characters than this, so nothing farther away is looked at.
    let start = text[..at.start].char_indices().rev().take(LONGEST + 1).find(|(i, c)| stop(*i, *c));
    let end = text[at.end..].char_indices().take(LONGEST + 1).find(|(i, c)| stop(at.end + i, *c));
    let start = start.map_or_else(|| floor(text, at.start), |(i, c)| i + c.len_utf8());
    start..at.end + end.map_or_else(|| rest(text, at.end), |(i, _)| i)
}

/// The start of the text, or a place so far before that the stretch is too long.
fn floor(text: &str, before: usize) -> usize {
    text[..before].char_indices().rev().nth(LONGEST).map_or(0, |(i, _)| i)
}

/// Bytes to the end of the text, or so many that the stretch is too long.
fn rest(text: &str, from: usize) -> usize {
    text[from..].char_indices().nth(LONGEST).map_or(text.len() - from, |(i, c)| i + c.len_utf8())
}

/// The words as they can be quoted, or `None`.
fn fit(words: &Catalogue, mention: &Mention, raw: &str, known_start: bool) -> Option<String> {
    let line = clean_line(raw);
    let line = line.trim_matches(|c: char| c.is_whitespace() || ",.;:!?¡¿-–—*'’\"".contains(c));
    let count = lint::words(line).count();
    if line.chars().count() > LONGEST
        || !WORDS.contains(&count)
        || line.contains(['@', '＠', '#', '{', '}', '/', '"', '“', '”', '«', '»'])
    {
        return None;
    }
    // Prices and models stay, whatever could be a number of somebody's goes.
    if line.split(' ').any(|w| w.chars().filter(|c| c.is_numeric()).count() > 4) {
        return None;
    }
    let brand: Vec<String> = reasons::matched_words(mention).take(16).map(fold).collect();
    let common = classify::stopwords(&words.code);
    for (n, range) in lint::words(line).enumerate() {
        let word = &line[range];
        if !word.starts_with(char::is_uppercase) {
            continue;
        }
        let folded = fold(word);
        let own = brand.iter().any(|b| b.split(' ').any(|part| part == folded));
        let small = folded.split(['\'', '’']).next().unwrap_or(&folded);
        if !(own || common.contains(small) || small == "i" || n == 0 && known_start) {
            return None;
        }
    }
    // Shouting repeated sounds like mocking.
    let (letters, capitals) = (line.chars().filter(|c| c.is_lowercase()), line.chars().filter(|c| c.is_uppercase()));
    if capitals.count() > letters.count() || lint::is_unquotable(line, &words.code) {
        return None;
    }
    let mut masker = Masker::new(&words.masks, mention.entry.author.as_ref(), reasons::matched_words(mention));
    (masker.mask_str(line) == line).then(|| line.to_owned())
}
