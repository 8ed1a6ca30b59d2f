//! A feed that shows most of its entries as new although they are old: it moved to another server or system, its ids and
//! addresses were made anew, its archive came back. Such a document is held: nobody is mailed about it until a person
//! has looked.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::{Identified, Kind, Known, fast, record};
use crate::sources::dates;
use crate::sources::feed::RawEntry;

/// Fewer new entries than this are no storm: they are told, or found to be copies, one by one.
const FEWEST: usize = 5;
/// Dates that so many known entries share say nothing (a day without a time, the moment at which the feed was made).
const MOST_AT_ONE_DATE: usize = 1;
/// An entry is old news if it is dated so long before the source was last heard.
const OLD_NEWS: SignedDuration = SignedDuration::from_hours(24);

const DATE_SEED: u64 = 0x8ebc_6af0_9c88_c6e3;

/// Why a document is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storm {
    /// Entries that it shows as new.
    pub new: usize,
    /// Those of them whose text is known.
    pub known_texts: usize,
    /// Those whose text is new and whose date is known.
    pub known_dates: usize,
    /// Those of the rest that are dated long before the source was last heard.
    pub old_news: usize,
}

impl Storm {
    /// What happened, for the log and the operator.
    pub fn message(&self, source: &str) -> String {
        format!(
            "{} entries came as new at once, of which {} have texts that are known, {} dates that are known, and {} are old; \
             they are held and nobody is told of them until `mentiond sources release {source}` accepts them; what comes later is \
             told as ever",
            self.new, self.known_texts, self.known_dates, self.old_news
        )
    }
}

/// Whether what was identified is a storm. `known` is what was known before it; `heard` is when the source was last heard.
pub fn storm(raw: &[RawEntry], found: &Identified, known: &Known, heard: Option<Timestamp>) -> Option<Storm> {
    if known.is_empty() {
        return None;
    }
    let new: Vec<&RawEntry> =
        found.sightings.iter().filter(|s| s.kind == Kind::New).filter_map(|s| raw.get(s.index)).collect();
    if new.len() < FEWEST || new.len() * 2 <= found.sightings.len() {
        return None;
    }
    let texts: HashSet<u64> = known.records.iter().map(|r| r.content).collect();
    let dates = telling(known.records.iter().map(|r| r.date));
    let here = telling(new.iter().map(|e| date(&e.published)));
    let old = heard.and_then(|heard| heard.checked_sub(OLD_NEWS).ok());
    let mut storm = Storm { new: new.len(), known_texts: 0, known_dates: 0, old_news: 0 };
    for entry in new {
        let date = date(&entry.published);
        if texts.contains(&record(entry).content) {
            storm.known_texts += 1;
        } else if date != 0 && dates.contains(&date) && here.contains(&date) {
            storm.known_dates += 1;
        } else if old.is_some_and(|old| dates::parse(&entry.published).is_some_and(|at| at < old)) {
            storm.old_news += 1;
        }
    }
    let old = storm.known_texts + storm.known_dates + storm.old_news;
    (old * 2 >= storm.new).then_some(storm)
}

/// A hash of the moment that a date tells, as it is written; 0 for none and for a day without a time.
pub(super) fn date(published: &str) -> u32 {
    let published = published.trim();
    if published.len() < 12 || published.contains("00:00:00") {
        return 0;
    }
    let hash = fast(DATE_SEED, published.as_bytes());
    u32::try_from(hash >> 32).unwrap_or(0).max(1)
}

/// The dates that stand for one entry each.
fn telling(dates: impl Iterator<Item = u32>) -> HashSet<u32> {
    let mut uses: HashMap<u32, usize> = HashMap::new();
    dates.filter(|d| *d != 0).for_each(|d| *uses.entry(d).or_default() += 1);
    uses.into_iter().filter(|(_, n)| *n <= MOST_AT_ONE_DATE).map(|(d, _)| d).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Identified, identify};
    use super::*;
    use crate::sources::feed::{RawText, TextKind};

    const HEARD: Timestamp = Timestamp::constant(1_772_442_000, 0);

    /// Entries as one system writes them: ids and links below `site`.
    fn feed(site: &str, texts: std::ops::Range<usize>, dated: bool) -> Vec<RawEntry> {
        texts
            .map(|n| RawEntry {
                id: format!("{site}/{n}"),
                link: format!("https://{site}/post/{n}"),
                title: RawText { kind: TextKind::Html, text: format!("Post number {n}") },
                published: if dated { format!("Mon, 02 Mar 2026 08:{:02}:01 GMT", n % 60) } else { String::new() },
                ..RawEntry::default()
            })
            .collect()
    }

    fn after(first: &[RawEntry], second: &[RawEntry]) -> (Identified, Option<Storm>) {
        let known = identify(first, &Known::default(), None).known;
        let found = identify(second, &known, None);
        let storm = storm(second, &found, &known, Some(HEARD));
        (found, storm)
    }

    #[test]
    fn hazard_13_a_server_move_is_a_storm() {
        let (_, storm) = after(&feed("old.example", 0..30, true), &feed("new.example", 0..30, true));
        assert_eq!(storm.map(|s| (s.new, s.known_texts)), Some((30, 30)));
        // With a few that are really new among them.
        let (_, storm) = after(&feed("old.example", 0..30, false), &feed("new.example", 0..33, false));
        assert_eq!(storm.map(|s| (s.new, s.known_texts)), Some((33, 30)));
    }

    #[test]
    fn hazard_13_other_texts_with_known_dates_are_a_storm() {
        let mut moved = feed("new.example", 0..20, true);
        moved.iter_mut().for_each(|e| e.title.text.push_str(" | The new site"));
        let (_, storm) = after(&feed("old.example", 0..20, true), &moved);
        assert_eq!(storm.map(|s| s.known_dates), Some(20));
    }

    #[test]
    fn hazard_18_an_archive_that_comes_back_is_a_storm() {
        let mut archive = feed("a.example", 100..150, false);
        archive.iter_mut().for_each(|e| e.published = "Tue, 03 Mar 2020 08:00:00 GMT".to_owned());
        let mut second = feed("a.example", 0..10, false);
        second.extend(archive);
        let (_, storm) = after(&feed("a.example", 0..10, false), &second);
        assert_eq!(storm.map(|s| (s.new, s.old_news)), Some((50, 50)));
    }

    #[test]
    fn news_are_no_storm() {
        // All replaced by new texts, as after a week without a visit.
        assert_eq!(after(&feed("a.example", 0..30, false), &feed("a.example", 30..60, false)).1, None);
        // The first visit.
        let first = feed("a.example", 0..30, true);
        let found = identify(&first, &Known::default(), None);
        assert_eq!(storm(&first, &found, &Known::default(), None), None);
        // A handful that comes back under other addresses.
        let mut second = feed("a.example", 0..30, false);
        second.extend(feed("b.example", 0..4, false));
        assert_eq!(after(&feed("a.example", 0..30, false), &second).1, None);
        // Ids alone are made anew: that is mended without asking anybody.
        let mut other_ids = feed("a.example", 0..30, true);
        other_ids.iter_mut().for_each(|e| e.id.push('x'));
        let (found, storm) = after(&feed("a.example", 0..30, true), &other_ids);
        assert!(storm.is_none() && found.degraded.is_some());
        // One date for all says nothing.
        let at_once = |texts| {
            let mut feed = feed("a.example", texts, false);
            feed.iter_mut().for_each(|e| e.published = "Mon, 02 Mar 2026 09:00:01 GMT".to_owned());
            feed
        };
        assert_eq!(after(&at_once(0..30), &at_once(30..60)).1, None);
    }
}
