//! What is known of a watchlist, hour by hour: what was said, and who was listened to.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::model::{Category, Cause};

/// Days that "usual" is learnt from.
pub const DAYS: i64 = 56;
/// Days that a source must have been heard before it is judged.
pub const NEEDED_DAYS: u32 = 14;
/// An hour of which more than this was missed says nothing.
const MISSED: SignedDuration = SignedDuration::from_mins(10);

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
    /// Of each hour of the book 1, or 0 if it says nothing.
    pub heard: Vec<f64>,
    /// When it was heard last.
    pub last: Option<Timestamp>,
    /// Mentions by the hour in which they were *heard*, for the last days only.
    pub seen: Vec<u32>,
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

/// Which hours of a book say something: those after `since`, without the times that were `blind`.
pub fn listened(first: i64, hours: usize, since: Option<Timestamp>, blind: &[(Timestamp, Timestamp)]) -> Vec<f64> {
    let Some(since) = since else { return vec![0.0; hours] };
    let mut missed = vec![SignedDuration::ZERO; hours];
    let index = |at: Timestamp| hour_of(at) - first;
    for (from, to) in blind {
        let begin = index(*from).max(0);
        let end = index(*to).min(i64::try_from(hours).unwrap_or(i64::MAX) - 1);
        for at in begin..=end {
            let start = hour_at(first + at);
            let next = start.checked_add(SignedDuration::from_hours(1)).unwrap_or(start);
            let part = (*to).min(next).duration_since((*from).max(start));
            if let Some(sum) = usize::try_from(at).ok().and_then(|at| missed.get_mut(at)) {
                *sum += part.max(SignedDuration::ZERO);
            }
        }
    }
    let say = |(at, missed): (usize, &SignedDuration)| {
        let start = hour_at(first.saturating_add(i64::try_from(at).unwrap_or(i64::MAX)));
        if start < since || *missed > MISSED { 0.0 } else { 1.0 }
    };
    missed.iter().enumerate().map(say).collect()
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
    fn hours_say_something_from_the_first_hearing_on_and_not_while_blind() {
        let first = hour_of(at("2026-03-02T00:00:00Z"));
        let blind = [
            (at("2026-03-02T04:55:00Z"), at("2026-03-02T06:05:00Z")),
            (at("2026-03-02T07:10:00Z"), at("2026-03-02T07:16:00Z")),
            (at("2026-03-02T07:30:00Z"), at("2026-03-02T07:36:00Z")),
            (at("2026-03-02T09:00:00Z"), at("2026-03-03T09:00:00Z")),
        ];
        let heard = listened(first, 10, Some(at("2026-03-02T01:20:00Z")), &blind);
        assert_eq!(heard, [0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
        assert_eq!(listened(first, 3, None, &[]), [0.0; 3]);
    }

    #[test]
    fn the_hour_of_the_week_is_that_of_the_people() {
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        // Sunday 23:30 UTC is Monday 0:30 in Madrid; that night the clocks go forward at 1:00 UTC.
        let first = hour_of(at("2026-03-28T22:00:00Z"));
        assert_eq!(weeks(first, 5, &zone), [143, 144, 145, 147, 148]);
    }
}
