//! Concepts: what every language has a word for. Things (`app`, `delivery`) and what can be wrong with them (`late`,
//! `broken`), each with its words in `words/<code>.txt`; a thing and a fault together say most.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::classify::Stem;

/// The word lists; a language is one file and one line here.
const FILES: [(&str, &str); 4] = [
    ("en", include_str!("words/en.txt")),
    ("es", include_str!("words/es.txt")),
    ("pt", include_str!("words/pt.txt")),
    ("da", include_str!("words/da.txt")),
];
/// Things and faults of one text that are paired.
const MOST_PAIRED: usize = 4;

static LISTS: LazyLock<Vec<(&'static str, List)>> =
    LazyLock::new(|| FILES.iter().map(|(code, text)| (*code, List::read(text))).collect());

#[derive(Debug, Default)]
struct List {
    /// Concepts, and whether each is a fault.
    names: Vec<(&'static str, bool)>,
    /// Behind a whole first word, and behind the beginning of one: further words, and the concept.
    whole: HashMap<&'static str, Vec<(Vec<&'static str>, usize)>>,
    begins: HashMap<&'static str, Vec<(Vec<&'static str>, usize)>>,
}

impl List {
    /// Lines `name: word, beginn*, two words`; `[faults]` starts the second part.
    fn read(text: &'static str) -> Self {
        let mut list = Self::default();
        let mut fault = false;
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            if line.starts_with('[') {
                fault = line == "[faults]";
                continue;
            }
            let Some((name, words)) = line.split_once(':') else { continue };
            list.names.push((name.trim(), fault));
            let concept = list.names.len() - 1;
            for pattern in words.split(',').map(str::trim).filter(|w| !w.is_empty()) {
                let mut words = pattern.split_whitespace();
                let Some(first) = words.next() else { continue };
                let rest = words.collect();
                match first.strip_suffix('*') {
                    Some(start) => list.begins.entry(start).or_default().push((rest, concept)),
                    None => list.whole.entry(first).or_default().push((rest, concept)),
                }
            }
        }
        list
    }

    fn find(&self, words: &[Stem]) -> Vec<usize> {
        let mut found = Vec::new();
        for at in 0..words.len() {
            let Some(word) = words.get(at).map(|w| w.word.as_str()) else { break };
            let starts = word.char_indices().skip(2).map(|(n, c)| word.get(..n + c.len_utf8()).unwrap_or(word));
            let begun = starts.filter_map(|start| self.begins.get(start)).flatten();
            for (rest, concept) in self.whole.get(word).into_iter().flatten().chain(begun) {
                let fits = rest.iter().enumerate().all(|(n, wanted)| {
                    words.get(at + 1 + n).is_some_and(|w| match wanted.strip_suffix('*') {
                        Some(start) => w.word.starts_with(start),
                        None => w.word == *wanted,
                    })
                });
                if fits && !found.contains(concept) {
                    found.push(*concept);
                }
            }
        }
        found
    }
}

/// The concepts of a text with their weights, and its pairs of a thing and a fault (`app+crash`).
pub(super) fn of(words: &[Stem], language: &str) -> Vec<(String, f32)> {
    let Some((_, list)) = LISTS.iter().find(|(code, _)| *code == language) else { return Vec::new() };
    let found: Vec<(&str, bool)> = list.find(words).into_iter().filter_map(|c| list.names.get(c).copied()).collect();
    let mut all: Vec<(String, f32)> = found.iter().map(|(name, _)| ((*name).to_owned(), 1.0)).collect();
    let things = found.iter().filter(|(_, fault)| !fault).take(MOST_PAIRED);
    for (thing, _) in things {
        for (fault, _) in found.iter().filter(|(_, fault)| *fault).take(MOST_PAIRED) {
            all.push((format!("{thing}+{fault}"), 0.9));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::stems;

    #[test]
    fn every_language_has_the_same_concepts_and_its_words_are_folded() {
        let names = |n: usize| LISTS[n].1.names.clone();
        for n in 1..LISTS.len() {
            assert_eq!(names(0), names(n), "{}", LISTS[n].0);
        }
        for (code, list) in LISTS.iter() {
            for word in list.whole.keys().chain(list.begins.keys()) {
                let folded = stems(word, code, 9);
                assert!(folded.len() == 1 && folded[0].word == *word, "{code}: {word} {folded:?}");
            }
            assert!(list.begins.keys().all(|w| w.chars().count() >= 3), "{code}");
        }
    }

    #[test]
    fn a_thing_and_its_fault_are_found_in_four_languages() {
        for (code, text) in [
            ("en", "my suitcase got lost"),
            ("es", "han perdido mi maleta"),
            ("pt", "minha mala foi extraviada"),
            ("da", "min kuffert er forsvundet"),
        ] {
            let found: Vec<String> = of(&stems(text, code, 99), code).into_iter().map(|(c, _)| c).collect();
            assert!(found.contains(&"luggage+lost".to_owned()), "{code}: {found:?}");
        }
        assert!(of(&stems("anything", "fi", 9), "fi").is_empty());
    }
}
