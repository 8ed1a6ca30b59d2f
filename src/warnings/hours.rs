//! A set of hours, a bit each: of a thousand sources it is known for eight weeks when each was listened to.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use super::book::{hour_at, hour_of};

/// An hour of which more than this was missed says nothing.
const MISSED: SignedDuration = SignedDuration::from_mins(10);
/// Hours of a word.
const WORD: i64 = 64;

/// A set of hours, counted from 1970 UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HourSet {
    /// Which word the first one is.
    first: i64,
    words: Vec<u64>,
}

impl HourSet {
    /// The hours of a range that say something: those that began after `since`, without the times that were `blind`.
    pub fn listened(hours: Range<i64>, since: Option<Timestamp>, blind: &[(Timestamp, Timestamp)]) -> Self {
        let mut set = Self::default();
        let Some(since) = since else { return set };
        let begun = if hour_at(hour_of(since)) < since { hour_of(since) + 1 } else { hour_of(since) };
        set.insert(hours.start.max(begun)..hours.end);
        let mut missed: BTreeMap<i64, SignedDuration> = BTreeMap::new();
        for (from, to) in blind {
            for hour in hour_of(*from).max(hours.start)..(hour_of(*to) + 1).min(hours.end) {
                let part = (*to).min(hour_at(hour + 1)).duration_since((*from).max(hour_at(hour)));
                *missed.entry(hour).or_default() += part.max(SignedDuration::ZERO);
            }
        }
        missed.into_iter().filter(|(_, missed)| *missed > MISSED).for_each(|(hour, _)| set.remove(hour..hour + 1));
        set
    }

    pub fn contains(&self, hour: i64) -> bool {
        self.word(hour.div_euclid(WORD)) >> hour.rem_euclid(WORD) & 1 == 1
    }

    /// How many of a range's hours are in it.
    pub fn count(&self, hours: Range<i64>) -> u32 {
        parts(hours).map(|(word, mask)| (self.word(word) & mask).count_ones()).sum()
    }

    pub fn insert(&mut self, hours: Range<i64>) {
        for (word, mask) in parts(hours) {
            if self.words.is_empty() {
                self.first = word;
            }
            if word < self.first {
                let before = usize::try_from(self.first - word).unwrap_or(0);
                self.words.splice(0..0, std::iter::repeat_n(0, before));
                self.first = word;
            }
            let place = usize::try_from(word - self.first).unwrap_or(0);
            self.words.resize(self.words.len().max(place + 1), 0);
            self.words.get_mut(place).into_iter().for_each(|bits| *bits |= mask);
        }
    }

    pub fn remove(&mut self, hours: Range<i64>) {
        let end = self.first + i64::try_from(self.words.len()).unwrap_or(0);
        let kept = hours.start.max(self.first * WORD)..hours.end.min(end * WORD);
        for (word, mask) in parts(kept) {
            let place = usize::try_from(word - self.first).ok();
            place.and_then(|place| self.words.get_mut(place)).into_iter().for_each(|bits| *bits &= !mask);
        }
    }

    fn word(&self, word: i64) -> u64 {
        usize::try_from(word - self.first).ok().and_then(|place| self.words.get(place)).copied().unwrap_or(0)
    }
}

/// The words of a range of hours, and which bits of each belong to it.
fn parts(hours: Range<i64>) -> impl Iterator<Item = (i64, u64)> {
    let words =
        if hours.is_empty() { 0..0 } else { hours.start.div_euclid(WORD)..(hours.end - 1).div_euclid(WORD) + 1 };
    words.map(move |word| {
        let from = (hours.start - word * WORD).clamp(0, WORD - 1);
        let last = (hours.end - 1 - word * WORD).clamp(0, WORD - 1);
        (word, (u64::MAX << from) & (u64::MAX >> (WORD - 1 - last)))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn hours_say_something_from_the_first_hearing_on_and_not_while_blind() {
        let first = hour_of(at("2026-03-02T00:00:00Z"));
        let blind = [
            (at("2026-03-02T04:55:00Z"), at("2026-03-02T06:05:00Z")),
            (at("2026-03-02T07:10:00Z"), at("2026-03-02T07:16:00Z")),
            (at("2026-03-02T07:30:00Z"), at("2026-03-02T07:36:00Z")),
            (at("2026-03-02T09:00:00Z"), at("2026-03-03T09:00:00Z")),
        ];
        let heard = |since, hours: i64, blind| {
            let set = HourSet::listened(first..first + hours, since, blind);
            (0..hours).filter(|hour| set.contains(first + hour)).collect::<Vec<_>>()
        };
        assert_eq!(heard(Some(at("2026-03-02T01:20:00Z")), 10, &blind), [2, 3, 4, 6, 8]);
        assert_eq!(heard(Some(at("2026-03-02T01:00:00Z")), 3, &[]), [1, 2]);
        assert_eq!(heard(Some(at("2026-01-02T01:00:00Z")), 3, &[]), [0, 1, 2]);
        assert_eq!(heard(None, 3, &[]), [] as [i64; 0]);
    }

    proptest! {
        #[test]
        fn it_is_a_set(steps in prop::collection::vec((any::<bool>(), -300_i64..300, 0_i64..200), 0..20)) {
            let (mut set, mut model) = (HourSet::default(), BTreeSet::new());
            for (adds, from, length) in steps {
                let hours = from..from + length;
                if adds {
                    set.insert(hours.clone());
                    model.extend(hours.clone());
                } else {
                    set.remove(hours.clone());
                    model.retain(|hour| !hours.contains(hour));
                }
                let counted = model.iter().filter(|hour| hours.contains(hour)).count();
                prop_assert_eq!(set.count(hours) as usize, counted);
            }
            let all: Vec<i64> = (-600..600).filter(|hour| set.contains(*hour)).collect();
            prop_assert_eq!(all, model.into_iter().collect::<Vec<_>>());
        }
    }
}
