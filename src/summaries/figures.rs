//! Counting: the figures of a period, and mentions a day.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::Heard;
use crate::cases::author_key;
use crate::model::{Day, Figures, SentimentLabel};

/// Days that a chart shows at most.
const MAX_DAYS: usize = 400;

/// Counts mentions one after the other.
#[derive(Debug, Default)]
pub struct Tally {
    figures: Figures,
    authors: HashSet<[u8; 16]>,
}

impl Tally {
    /// Counts one.
    pub fn add(&mut self, heard: Heard<'_>) {
        let figures = &mut self.figures;
        if !heard.original {
            figures.copies += 1;
            return;
        }
        let found = &heard.mention.classification;
        figures.mentions += 1;
        match found.sentiment.label {
            SentimentLabel::VeryNegative | SentimentLabel::Negative => figures.negative += 1,
            SentimentLabel::Neutral => figures.neutral += 1,
            SentimentLabel::Positive | SentimentLabel::VeryPositive => figures.positive += 1,
        }
        *figures.categories.entry(found.category).or_default() += 1;
        *figures.severities.entry(found.severity).or_default() += 1;
        *figures.sentiments.entry(found.sentiment.label).or_default() += 1;
        *figures.languages.entry(found.language.code.clone()).or_default() += 1;
        *figures.sources.entry(heard.mention.source.clone()).or_default() += 1;
        let entry = &heard.mention.entry;
        let followers = entry.author.as_ref().and_then(|author| author.followers);
        match author_key(entry, &heard.mention.source) {
            // Whoever wrote twice is followed by the same people.
            Some(key) => {
                if self.authors.insert(key.0) {
                    figures.authors += 1;
                    figures.reach = figures.reach.saturating_add(followers.unwrap_or(0));
                }
            }
            None => figures.reach = figures.reach.saturating_add(followers.unwrap_or(0)),
        }
    }

    /// What was counted.
    pub fn figures(self) -> Figures {
        self.figures
    }
}

/// Mentions a day.
#[derive(Debug)]
pub struct Daily {
    zone: TimeZone,
    days: BTreeMap<Date, Day>,
}

impl Daily {
    /// All days from that of `from` to that of the moment before `to`, empty; at most 400, the latest.
    pub fn new(zone: &TimeZone, from: Timestamp, to: Timestamp) -> Self {
        let date = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let last = date(to.checked_sub(jiff::SignedDuration::from_millis(1)).unwrap_or(to));
        let first = date(from);
        let mut days = BTreeMap::new();
        let mut day = last;
        while day >= first && days.len() < MAX_DAYS {
            days.insert(day, Day { date: day, negative: 0, other: 0 });
            let Ok(before) = day.checked_sub(1.day()) else { break };
            day = before;
        }
        Self { zone: zone.clone(), days }
    }

    /// Counts one, if it began a story on one of the days.
    pub fn add(&mut self, heard: Heard<'_>) {
        let date = heard.mention.fetched.to_zoned(self.zone.clone()).date();
        let Some(day) = self.days.get_mut(&date).filter(|_| heard.original) else { return };
        match heard.mention.classification.sentiment.label {
            SentimentLabel::VeryNegative | SentimentLabel::Negative => day.negative += 1,
            _ => day.other += 1,
        }
    }

    /// In order.
    pub fn days(self) -> Vec<Day> {
        self.days.into_values().collect()
    }
}

/// How many other places carry each story.
#[derive(Debug, Default)]
pub(super) struct Copies(HashMap<i64, u64>);

impl Copies {
    pub(super) fn add(&mut self, story: i64) {
        *self.0.entry(story).or_default() += 1;
    }

    pub(super) fn of(&self, story: i64) -> u64 {
        self.0.get(&story).copied().unwrap_or(0)
    }
}
