//! What is known of a watchlist, hour by hour: what was said, and who was listened to.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::hours::HourSet;
use crate::model::{Category, Cause};

/// Days that "usual" is learnt from.
pub const DAYS: i64 = 56;
/// Days that a source must have been heard before it is judged.
pub const NEEDED_DAYS: u32 = 14;
/// One sort of mention in one hour of its publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Hours since 1970 UTC.
    pub hour: i64,
    /// Place of the source in [`Book::sources`].
    pub source: usize,
    pub category: Category,
    pub theme: Option<i64>,
    pub count: u32,
    /// Those that are negative.
    pub negative: u32,
}

/// A mention of the last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post {
    pub mention: i64,
    pub hour: i64,
    pub source: usize,
    pub category: Category,
    pub theme: Option<i64>,
    pub negative: bool,
}

/// A source and when it was listened to.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    pub name: String,
    /// The hours of the book that say something.
    pub heard: HourSet,
    /// When it was heard last.
    pub last: Option<Timestamp>,
    /// Mentions by the hour in which they were *heard*, in hours since 1970 UTC.
    pub seen: BTreeMap<i64, u32>,
}

/// All that is known of one watchlist.
#[derive(Clone, Debug, PartialEq)]
pub struct Book {
    pub watchlist: String,
    /// First hour, in hours since 1970 UTC.
    pub first: i64,
    /// The hour that runs is the last one.
    pub hours: usize,
    pub sources: Vec<Listener>,
    pub cells: Vec<Cell>,
    /// Of the last 24 hours and the one that runs.
    pub posts: Vec<Post>,
}

impl Book {
    /// The hour at a place of the book, in hours since 1970 UTC.
    pub(super) fn hour(&self, place: usize) -> i64 {
        self.first.saturating_add(i64::try_from(place).unwrap_or(i64::MAX))
    }
}

/// The hour, since 1970 UTC.
pub fn hour_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(3_600)
}

/// When an hour begins.
pub fn hour_at(hour: i64) -> Timestamp {
    Timestamp::from_second(hour.saturating_mul(3_600)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The first hour of a book of now.
pub fn first_hour(now: Timestamp) -> i64 {
    hour_of(now) - DAYS * 24
}

/// Hour of the week of each hour, in the zone of the people: they sleep by it.
pub(super) fn weeks(first: i64, hours: usize, zone: &TimeZone) -> Vec<u8> {
    let week = |at: usize| {
        let start = hour_at(first.saturating_add(i64::try_from(at).unwrap_or(i64::MAX)));
        let local = start.to_zoned(zone.clone());
        let day = local.weekday().to_monday_zero_offset();
        u8::try_from(i32::from(day) * 24 + i32::from(local.hour())).unwrap_or(0)
    };
    (0..hours).map(week).collect()
}

/// Whether a mention of this sort belongs to a cause.
pub(super) fn belongs(cause: &Cause, source: &str, category: Category, theme: Option<i64>) -> bool {
    match cause {
        Cause::Watchlist => true,
        Cause::Source(name) => name == source,
        Cause::Category(c) => *c == category,
        Cause::Theme(id) => theme == Some(*id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_hour_of_the_week_is_that_of_the_people() {
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        // Sunday 23:30 UTC is Monday 0:30 in Madrid; that night the clocks go forward at 1:00 UTC.
        let first = hour_of(at("2026-03-28T22:00:00Z"));
        assert_eq!(weeks(first, 5, &zone), [143, 144, 145, 147, 148]);
    }
}
