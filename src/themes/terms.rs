//! What a text is about, as weighted terms: words without their endings, pairs of neighbouring words, codes, spellings
//! without their vowels, concepts that every language shares, and issues that support desks know.

use std::collections::HashMap;

use super::concepts;
use super::issues::{self, Known, Table};
use crate::classify::{Stem, stems};

/// Words of a text that are looked at.
const MOST_WORDS: usize = 160;
/// Terms of a text, the heaviest.
pub(super) const MOST_TERMS: usize = 64;
/// What the three sorts of evidence count, before they are weighed together: words, concepts, known issues.
const WORDS: f32 = 0.40;
const CONCEPTS: f32 = 0.35;
const THING_ALONE: f32 = 0.12;
/// Hashes from here on are known issues.
const ISSUES: u32 = 0x8000_0000;

/// One term of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// FNV-1a, 32 bits, of kind and stem.
    pub hash: u32,
    pub weight: f32,
    /// As people read it; empty where there is nothing to read.
    pub word: String,
}

/// The terms of a text, by hash, each once (the squares of the weights add up to 1), and whether it is about an issue that
/// support desks know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms(pub Vec<Term>, pub Option<Known>);

/// A piece of evidence, before it is a term: most are left out in the end, so that none has a string of its own.
struct Evidence<'t> {
    hash: u32,
    weight: f32,
    shown: Shown<'t>,
}

/// As people read a piece of evidence.
enum Shown<'t> {
    Nothing,
    Word(&'t str),
    Pair(&'t str, &'t str),
    Made(String),
}

impl<'t> Evidence<'t> {
    fn new(kind: char, key: &str, weight: f32, shown: Shown<'t>) -> Self {
        Self { hash: hash(kind, key) & !ISSUES, weight, shown }
    }

    fn of_pair(a: &'t Stem, b: &'t Stem, weight: f32) -> Self {
        let hash = hash_pair('b', a.stem(), b.stem()) & !ISSUES;
        Self { hash, weight, shown: Shown::Pair(&a.word, &b.word) }
    }

    fn term(self) -> Term {
        let word = match self.shown {
            Shown::Nothing => String::new(),
            Shown::Word(word) => word.to_owned(),
            Shown::Pair(a, b) => [a, " ", b].concat(),
            Shown::Made(word) => word,
        };
        Term { hash: self.hash, weight: self.weight, word }
    }
}

impl Terms {
    /// The terms of a text in a language. `searched` are the words that the watchlists look for: every mention has them,
    /// so they say nothing. `rare` says how rare a term is among the mentions so far: 0 (all have it) … 1.
    pub fn of(text: &str, language: &str, searched: &[&str], rare: impl Fn(u32) -> f32) -> Self {
        Self::with(issues::table(), text, language, searched, rare)
    }

    /// The same with another table of known issues.
    pub fn with(table: &Table, text: &str, language: &str, searched: &[&str], rare: impl Fn(u32) -> f32) -> Self {
        let words = stems(text, language, MOST_WORDS);
        let searched: Vec<Stem> = searched.iter().flat_map(|s| stems(s, language, 8)).filter(|s| !s.common).collect();
        let is_searched = |word: &Stem| searched.iter().any(|s| s.stem() == word.stem());
        let told: Vec<(&Stem, f32)> = (words.iter())
            .filter(|w| !w.common && !w.number && !is_searched(w))
            .map(|w| (w, issues::rarity(language, w.stem())))
            .collect();
        let mut bag = Vec::with_capacity(3 * told.len());
        for (word, idf) in &told {
            bag.push(Evidence::new('w', word.stem(), *idf, Shown::Word(&word.word)));
            if let Some(bare) = bare(&word.word) {
                bag.push(Evidence::new('~', &bare, 0.4 * idf, Shown::Nothing));
            }
        }
        for pair in told.windows(2) {
            if let [(a, of_a), (b, of_b)] = pair
                && a.stem() != b.stem()
            {
                bag.push(Evidence::of_pair(a, b, 0.35 * (of_a + of_b)));
            }
        }
        for (code, shown) in codes(text, &words) {
            bag.push(Evidence::new('#', &code, 14.0, Shown::Made(shown)));
        }
        let mut all = weigh(bag, WORDS, &rare);
        let found = concepts::of(&words, language);
        // A thing alone is no issue: half of all mentions speak of the app.
        let share = if found.iter().any(|(concept, _)| concept.contains('+')) { CONCEPTS } else { THING_ALONE };
        let bag = found
            .into_iter()
            .map(|(concept, weight)| Evidence::new('+', &concept, weight, Shown::Made(concept.replace('+', " "))));
        all.extend(weigh(bag.collect(), share, &rare));
        all.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.hash.cmp(&b.hash)));
        all.truncate(MOST_TERMS);
        let mut all: Vec<Term> = all.into_iter().map(Evidence::term).collect();
        all.sort_by_key(|t| t.hash);
        all.dedup_by_key(|t| t.hash);
        let norm = all.iter().map(|t| t.weight * t.weight).sum::<f32>().sqrt();
        if norm > 0.0 {
            all.iter_mut().for_each(|t| t.weight /= norm);
        }
        as_written(text, &mut all);
        let known = table.known(&words, language);
        if let Some(known) = known {
            all.push(Term { hash: issue_hash(known.name), weight: known.margin, word: String::new() });
        }
        Self(all, known)
    }

    /// The readable words, heaviest first.
    pub fn words(&self) -> Vec<&str> {
        self.readable(|_| true)
    }

    /// The same without concepts, which have English names in every language: what stands in the text.
    pub fn own_words(&self) -> Vec<&str> {
        self.readable(|t| !is_concept(t.hash, &t.word))
    }

    fn readable(&self, takes: impl Fn(&Term) -> bool) -> Vec<&str> {
        let mut terms: Vec<&Term> = self.0.iter().filter(|t| !t.word.is_empty() && takes(t)).collect();
        terms.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.hash.cmp(&b.hash)));
        terms.into_iter().map(|t| t.word.as_str()).collect()
    }
}

/// Gives words back the letters in which the text has them (`håndklæder`, not `haandklaeder`).
fn as_written(text: &str, terms: &mut [Term]) {
    if text.is_ascii() {
        return;
    }
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty() && !word.is_ascii());
    let bare = |word: &str| stems(word, "", 1).pop().map(|stem| (stem.word, word.to_lowercase()));
    let written: HashMap<String, String> = words.take(MOST_WORDS).filter_map(bare).collect();
    for term in terms.iter_mut().filter(|term| !is_concept(term.hash, &term.word)) {
        if term.word.split(' ').any(|word| written.contains_key(word)) {
            let words = term.word.split(' ').map(|word| written.get(word).map_or(word, String::as_str));
            term.word = words.collect::<Vec<_>>().join(" ");
        }
    }
}

/// Whether a term is a concept, as which it has an English name in every language.
pub(super) fn is_concept(term: u32, word: &str) -> bool {
    term == hash('+', &word.replace(' ', "+")) & !ISSUES
}

/// Makes one of equal pieces, the heaviest weight with the first's words, and scales one sort of evidence so that its
/// squares add up to `share`.
fn weigh<'t>(mut bag: Vec<Evidence<'t>>, share: f32, rare: &impl Fn(u32) -> f32) -> Vec<Evidence<'t>> {
    bag.sort_by_key(|e| e.hash);
    bag.dedup_by(|next, kept| {
        let same = next.hash == kept.hash;
        if same {
            kept.weight = kept.weight.max(next.weight);
        }
        same
    });
    bag.iter_mut().for_each(|e| e.weight *= rare(e.hash));
    bag.retain(|e| e.weight > 0.0);
    let norm = bag.iter().map(|e| e.weight * e.weight).sum::<f32>().sqrt();
    if norm > 0.0 {
        let scale = share.max(0.0).sqrt() / norm;
        bag.iter_mut().for_each(|e| e.weight *= scale);
    }
    bag
}

/// Words of six letters and more without vowels and doubles: `delivary` and `delivery` have the same.
fn bare(word: &str) -> Option<String> {
    if word.chars().count() < 6 {
        return None;
    }
    let mut bare = String::new();
    for (n, c) in word.chars().enumerate() {
        if (n == 0 || !"aeiouy".contains(c)) && !bare.ends_with(c) {
            bare.push(c);
        }
    }
    (bare.chars().count() >= 4).then_some(bare)
}

/// Error codes and names of products: letters and digits in one word (`E1042`, `TX-500`), or a number behind a word that
/// announces one.
fn codes(text: &str, words: &[Stem]) -> Vec<(String, String)> {
    const ANNOUNCE: [&str; 9] = ["error", "code", "codigo", "fejl", "fejlkode", "kode", "erro", "version", "model"];
    let mut found = Vec::new();
    for word in text.split_whitespace().take(MOST_WORDS) {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let letters = word.bytes().filter(u8::is_ascii_uppercase).count();
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if (3..=14).contains(&word.len()) && letters >= 1 && digits >= 1 && plain {
            found.push((word.to_lowercase().replace(['-', '_'], ""), word.to_owned()));
        }
    }
    for pair in words.windows(2) {
        if let [a, b] = pair
            && b.number
            && ANNOUNCE.contains(&a.word.as_str())
        {
            found.push((format!("n{}", b.word), format!("{} {}", a.word, b.word)));
        }
    }
    found.truncate(8);
    found
}

/// The hash of a term.
pub(super) fn hash(kind: char, key: &str) -> u32 {
    hash_bytes(kind, key.bytes())
}

/// The hash of `A B`.
pub(super) fn hash_pair(kind: char, a: &str, b: &str) -> u32 {
    hash_bytes(kind, a.bytes().chain([b' ']).chain(b.bytes()))
}

fn hash_bytes(kind: char, key: impl Iterator<Item = u8>) -> u32 {
    let mut buffer = [0; 4];
    let kind = kind.encode_utf8(&mut buffer).bytes();
    kind.chain(key).fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The hash of a known issue; no other term has one as high.
pub(super) fn issue_hash(name: &str) -> u32 {
    hash('!', name) | ISSUES
}

/// Whether a term is a known issue.
pub(super) fn is_issue(hash: u32) -> bool {
    hash >= ISSUES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: (&str, &str), b: (&str, &str)) -> f32 {
        let [a, b] = [a, b].map(|(lang, text)| Terms::of(text, lang, &["acme"], |_| 1.0));
        a.0.iter().filter_map(|t| b.0.iter().find(|u| u.hash == t.hash).map(|u| t.weight * u.weight)).sum()
    }

    #[test]
    fn the_same_issue_is_nearer_than_another_one() {
        let out = ("en", "Acme: the app logs me out every five minutes");
        let same = alike(out, ("en", "Why does the acme app keep logging me out?"));
        let other = alike(out, ("en", "Acme charged my card twice for one order"));
        assert!(same > 0.3 && other < 0.1, "{same} {other}");
    }

    #[test]
    fn concepts_and_codes_reach_across_languages() {
        let english = ("en", "The app logs me out all the time");
        for other in [("es", "La app me saca de la sesión todo el rato"), ("pt", "A app desloga sozinha")] {
            let same = alike(english, other);
            assert!(same > 0.3, "{other:?} {same}");
        }
        let coded = alike(("en", "Error E1042 when I pay"), ("da", "Jeg får E-1042 ved betaling"));
        assert!(coded > 0.3, "{coded}");
    }

    #[test]
    fn words_stand_as_people_wrote_them() {
        let terms = Terms::of("Beskidte håndklæder i Årets fitness: BESKIDTE HÅNDKLÆDER!", "da", &[], |_| 1.0);
        let words = terms.own_words();
        assert!(words.iter().any(|w| w.contains("håndklæder")), "{words:?}");
        assert!(!words.iter().any(|w| w.contains("haand")), "{words:?}");
    }

    #[test]
    fn misspelt_words_are_still_somewhat_alike() {
        let same = alike(("en", "terrible delivary"), ("en", "the delivery was terrible"));
        assert!(same > 0.3, "{same}");
    }

    #[test]
    fn the_watched_words_and_hostile_texts_say_nothing() {
        assert!(Terms::of("acme Acme ACME", "en", &["acme"], |_| 1.0).0.is_empty());
        assert!(Terms::of("", "xx", &[], |_| 1.0).0.is_empty());
        let long = "a1B ".repeat(100_000);
        assert!(Terms::of(&long, "en", &[], |_| 1.0).0.len() <= MOST_TERMS);
    }
}
