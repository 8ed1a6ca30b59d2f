//! Which recent mentions are similar to one, for its mail.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::model::Category;

/// How far back "similar mentions" looks.
pub const SIMILAR_WINDOW: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Mentions that are remembered for comparison.
pub const MAX_REMEMBERED: usize = 500;
/// Similar mentions that are named in one mail.
pub const MAX_SIMILAR: usize = 3;
/// Two mentions are similar from this many significant words in common …
const MIN_COMMON: usize = 2;
/// … that make up this share of the words of the shorter one.
const MIN_SHARE: f32 = 0.25;

/// What is compared of a mention.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    pub mention: i64,
    pub story: i64,
    pub fetched: Timestamp,
    pub category: Category,
    /// Hashes of its significant words, ascending, each once.
    pub words: Vec<u32>,
}

/// The newest mentions, for comparison.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    signatures: VecDeque<Signature>,
    /// Signatures that were forgotten: the number of the first one that is remembered.
    first: usize,
    /// Numbers of the signatures that have a word, ascending.
    having: HashMap<u32, VecDeque<usize>>,
}

impl Recent {
    /// Number of the newest mention that is remembered; 0 if none is.
    pub fn newest(&self) -> i64 {
        self.signatures.back().map_or(0, |s| s.mention)
    }

    /// Remembers a mention; the oldest is forgotten beyond [`MAX_REMEMBERED`].
    pub fn push(&mut self, signature: Signature) {
        if self.signatures.len() >= MAX_REMEMBERED
            && let Some(oldest) = self.signatures.pop_front()
        {
            self.first += 1;
            for word in oldest.words {
                if let Entry::Occupied(mut having) = self.having.entry(word) {
                    having.get_mut().pop_front();
                    if having.get().is_empty() {
                        having.remove();
                    }
                }
            }
        }
        let number = self.first + self.signatures.len();
        for &word in &signature.words {
            self.having.entry(word).or_default().push_back(number);
        }
        self.signatures.push_back(signature);
    }

    /// Mentions of other stories about the same kind of trouble in the same words, most alike first, at most
    /// [`MAX_SIMILAR`]. Two grievances need not have the same category; anything else does.
    pub fn similar_to(&self, to: &Signature, now: Timestamp) -> Vec<i64> {
        // "Others say so too" helps with trouble, wishes and questions; two news items or thanks are no issue.
        if !(to.category.is_grievance() || matches!(to.category, Category::Suggestion | Category::Question)) {
            return Vec::new();
        }
        let since = now.checked_sub(SIMILAR_WINDOW).unwrap_or(Timestamp::MIN);
        // How many words each has in common, without looking at those that have none.
        let mut common = vec![0_usize; self.signatures.len()];
        for &number in to.words.iter().filter_map(|word| self.having.get(word)).flatten() {
            if let Some(count) = common.get_mut(number - self.first) {
                *count += 1;
            }
        }
        let mut found: Vec<(usize, i64)> = (self.signatures.iter().zip(common))
            .filter(|(_, common)| *common >= MIN_COMMON)
            .filter(|(s, _)| s.story != to.story && s.fetched >= since)
            .filter(|(s, _)| s.category == to.category || (s.category.is_grievance() && to.category.is_grievance()))
            .filter_map(|(s, common)| {
                let shorter = s.words.len().min(to.words.len()).max(1);
                (common as f32 / shorter as f32 >= MIN_SHARE).then_some((common, s.mention))
            })
            .collect();
        found.sort_by(|a, b| b.cmp(a));
        found.truncate(MAX_SIMILAR);
        found.into_iter().map(|(_, mention)| mention).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn signature(mention: i64, story: i64, category: Category, words: &[u32]) -> Signature {
        Signature { mention, story, fetched: NOW, category, words: words.to_vec() }
    }

    #[test]
    fn similar_is_the_same_trouble_in_the_same_words_from_another_story() {
        let mut recent = Recent::default();
        recent.push(signature(1, 1, Category::Technical, &[1, 2, 3]));
        recent.push(signature(2, 2, Category::Complaint, &[1, 2, 9]));
        recent.push(signature(3, 3, Category::Praise, &[1, 2, 3]));
        recent.push(signature(4, 4, Category::Technical, &[7, 8]));
        recent.push(signature(5, 5, Category::Technical, &[1, 2, 3]));
        let to = signature(6, 5, Category::Technical, &[1, 2, 3, 4]);
        assert_eq!(recent.similar_to(&to, NOW), [1, 2]);
        let later = NOW + SignedDuration::from_hours(15 * 24);
        assert!(recent.similar_to(&to, later).is_empty());
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut recent = Recent::default();
        for n in 0..2_000 {
            recent.push(signature(n, n, Category::Question, &[1, 2, n as u32 + 10]));
        }
        assert_eq!(recent.having.len(), MAX_REMEMBERED + 2);
        assert_eq!(recent.similar_to(&signature(-1, -1, Category::Question, &[1, 2, 500]), NOW), [1_999, 1_998, 1_997]);
        assert_eq!((recent.signatures.len(), recent.newest()), (MAX_REMEMBERED, 1_999));
    }
}
