//! Issues that support desks know, and how rare a word is: a table fitted beforehand (`issues.bin`, made by
//! `tests/tools/themes.rs`), read where it lies. Two texts that are probably about the same known issue are near each
//! other although they share no word.
//!
//! The issues are those of BANKING77 (Casanueva et al., "Efficient Intent Detection with Dual Sentence Encoders", 2020;
//! CC BY 4.0) and of Bitext's customer support sets (CDLA-Sharing 1.0); texts of the project's own corpora stand for
//! "none of these". No text of either is in the table: only weights by hash.

pub mod train;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::terms::{hash, hash_pair};
use crate::classify::Stem;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_bytes!("issues.bin")).unwrap_or_default());

/// The table that mentiond comes with.
pub fn table() -> &'static Table {
    &TABLE
}

/// A known issue that a text is probably about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// What it is called.
    pub name: &'static str,
    /// How likely it is, 0 … 1.
    pub likely: f32,
    /// How much likelier than the second likeliest, 0 … 1.
    pub margin: f32,
}

/// Languages with a background of their own, in the order of the table.
const LANGUAGES: [&str; 4] = ["en", "es", "pt", "da"];
/// The language of the known issues.
const LANGUAGE: &str = "en";
/// Words that are paired with one before them, stop-words left out.
const NEIGHBOURS: usize = 3;
/// What belongs to no issue.
pub(super) const NONE: &str = "none";
/// Rarity of a word that no background has.
const UNHEARD: f32 = 8.0;
/// Sharpness of the scores.
pub(super) const SHARPNESS: f32 = 7.0;
const MAGIC: &[u8; 4] = b"THM2";

/// Magic; for each language the number of its words (u32), then each word's hash (u32) and rarity (u8, a sixteenth);
/// number of classes (u8), each with its set (u8), length (u8) and name; scale (f32); number of features (u32), each with its hash
/// (u32), rarity (u8, a sixteenth), number of weights (u8) and the weights (issue u8, weight i8). Little-endian.
#[derive(Debug, Default)]
pub struct Table {
    rarities: Vec<HashMap<u32, f32>>,
    /// The sets themselves first, as of set 0; then the issues of each.
    classes: Vec<(u8, &'static str)>,
    scale: f32,
    features: HashMap<u32, (f32, &'static [u8])>,
}

impl Table {
    /// Reads a table; `None` if it is not one.
    pub fn read(bytes: &'static [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut table = Self::default();
        for _ in LANGUAGES {
            let count = u32::from_le_bytes(take(&mut rest)?);
            let mut words = HashMap::new();
            for _ in 0..count {
                let hash = u32::from_le_bytes(take(&mut rest)?);
                let [rarity] = take(&mut rest)?;
                words.insert(hash, f32::from(rarity) / 16.0);
            }
            table.rarities.push(words);
        }
        let [classes] = take(&mut rest)?;
        for _ in 0..classes {
            let [set, length] = take(&mut rest)?;
            table.classes.push((set, std::str::from_utf8(rest.split_off(..usize::from(length))?).ok()?));
        }
        table.scale = f32::from_le_bytes(take(&mut rest)?);
        let count = u32::from_le_bytes(take(&mut rest)?);
        for _ in 0..count {
            let hash = u32::from_le_bytes(take(&mut rest)?);
            let [rarity, weights] = take(&mut rest)?;
            let weights = rest.split_off(..usize::from(weights) * 2)?;
            table.features.insert(hash, (f32::from(rarity) / 16.0, weights));
        }
        rest.is_empty().then_some(table)
    }

    /// The known issue that a text in English is most probably about.
    pub(super) fn known(&self, words: &[Stem], language: &str) -> Option<Known> {
        if language != LANGUAGE {
            return None;
        }
        let found: Vec<_> = features(words).into_iter().filter_map(|f| self.features.get(&f)).collect();
        let norm = found.iter().map(|(rarity, _)| rarity * rarity).sum::<f32>().sqrt();
        if norm == 0.0 {
            return None;
        }
        let mut scores = vec![0.0_f32; self.classes.len()];
        for (rarity, weights) in found {
            for pair in weights.chunks_exact(2) {
                if let [issue, weight] = *pair
                    && let Some(score) = scores.get_mut(usize::from(issue))
                {
                    *score += f32::from(weight as i8) * rarity;
                }
            }
        }
        let scale = SHARPNESS * self.scale / norm;
        let (set, ..) = self.likeliest(&scores, 0, scale)?;
        let (issue, likely, margin) = self.likeliest(&scores, u8::try_from(set).ok().filter(|s| *s > 0)?, scale)?;
        Some(Known { name: self.classes.get(issue)?.1, likely, margin })
    }

    /// The likeliest class of a set, how likely it is among them, and how much likelier than the next.
    fn likeliest(&self, scores: &[f32], set: u8, scale: f32) -> Option<(usize, f32, f32)> {
        let of = || {
            self.classes.iter().zip(scores).enumerate().filter(|(_, ((s, _), _))| *s == set).map(|(n, (_, s))| (n, *s))
        };
        let (class, top) = of().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let sum: f32 = of().map(|(_, s)| (scale * (s - top)).exp()).sum();
        let next = of().filter(|(n, _)| *n != class).map(|(_, s)| s).fold(f32::NEG_INFINITY, f32::max);
        Some((class, 1.0 / sum, (1.0 - (scale * (next - top)).exp()) / sum))
    }
}

/// How rare a stem is in a language: 0 (everywhere) … 8 (unheard of), the logarithm of how many texts there are to one
/// that has it.
pub(super) fn rarity(language: &str, stem: &str) -> f32 {
    let words = LANGUAGES.iter().position(|l| *l == language).and_then(|n| TABLE.rarities.get(n));
    words.and_then(|words| words.get(&hash('w', stem)).copied()).unwrap_or(UNHEARD)
}

/// What issues are told by: words, pairs of neighbours, runs of four letters. Each once.
fn features(words: &[Stem]) -> Vec<u32> {
    let mut found = Vec::new();
    let told: Vec<&Stem> = words.iter().filter(|w| !w.common).collect();
    for word in &told {
        found.push(hash('s', word.stem()));
    }
    for (n, a) in told.iter().enumerate() {
        for b in told.iter().skip(n + 1).take(NEIGHBOURS) {
            found.push(hash_pair('t', a.stem(), b.stem()));
        }
    }
    for word in words {
        found.push(hash('o', &word.word));
        let letters: Vec<char> = std::iter::once('<').chain(word.word.chars()).chain(['>']).collect();
        for run in letters.windows(4) {
            found.push(hash('l', &run.iter().collect::<String>()));
        }
    }
    for pair in words.windows(2) {
        if let [a, b] = pair {
            found.push(hash_pair('p', &a.word, &b.word));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn take<const N: usize>(rest: &mut &'static [u8]) -> Option<[u8; N]> {
    rest.split_off(..N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::stems;

    #[test]
    fn the_table_is_whole() {
        assert!(TABLE.classes.len() > 100 && TABLE.features.len() > 5_000);
        assert!(TABLE.rarities.iter().all(|words| words.len() > 300));
        assert!(rarity("en", "order") < rarity("en", "zyzzyva") && rarity("fi", "x") == UNHEARD);
    }

    #[test]
    fn a_known_issue_is_told_and_other_talk_is_none() {
        let top = |text: &str| TABLE.known(&stems(text, "en", 99), "en").map(|known| known.name);
        assert_eq!(top("When will my new card get here? It has not arrived"), Some("card_arrival"));
        assert_eq!(top("what a lovely evening on the beach with the dogs"), None);
        assert_eq!(TABLE.known(&stems("tarjeta", "es", 9), "es"), None);
    }
}
