//! The cap on entries: the newest stay, in document order, and the rest is counted. Memory stays within twice the cap.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::raw::RawEntry;
use crate::sources::dates;

pub(super) struct Keep {
    pub(super) list: Vec<RawEntry>,
    /// Dates of the first entries of the list: those that stayed when it was pruned.
    dates: Vec<Option<Timestamp>>,
    max: usize,
    dropped: usize,
}

impl Keep {
    pub(super) fn new(max: usize) -> Self {
        Self { list: Vec::new(), dates: Vec::new(), max: max.max(1), dropped: 0 }
    }

    pub(super) fn push(&mut self, entry: RawEntry) {
        if self.list.len() >= self.max.saturating_mul(2) {
            self.prune();
        }
        self.list.push(entry);
    }

    /// The entries that stay, and how many do not.
    pub(super) fn finish(mut self) -> (Vec<RawEntry>, usize) {
        if self.list.len() > self.max {
            self.prune();
        }
        (self.list, self.dropped)
    }

    /// Keeps the newest if most entries have a date, else those that come first: feeds list the newest first.
    fn prune(&mut self) {
        self.dates.extend(self.list[self.dates.len()..].iter().map(date));
        let dates = &self.dates;
        let dated = dates.iter().flatten().count();
        self.dropped += self.list.len() - self.max;
        if dated * 2 < dates.len() {
            self.list.truncate(self.max);
            self.dates.truncate(self.max);
            return;
        }
        let mut order: Vec<usize> = (0..dates.len()).collect();
        // Of equal dates the first in the document stays; without a date is older than any.
        order.sort_by_key(|i| Reverse(dates[*i]));
        let mut stays = vec![false; dates.len()];
        order.iter().take(self.max).for_each(|i| stays[*i] = true);
        let (mut of_entries, mut of_dates) = (stays.iter(), stays.iter());
        self.list.retain(|_| of_entries.next() == Some(&true));
        self.dates.retain(|_| of_dates.next() == Some(&true));
    }
}

fn date(entry: &RawEntry) -> Option<Timestamp> {
    dates::parse(&entry.published).or_else(|| dates::parse(&entry.updated))
}
