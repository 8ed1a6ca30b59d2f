//! When collected mail comes: every office day, or once a week, at a time of day of the department's own zone.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::office::Office;

/// The report for a meeting comes so many minutes before it: early enough to be read, late enough to be fresh.
pub const MEETING_AHEAD: u16 = 180;
/// Collected mail that leaves so much later than it should says so.
pub const LATE_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Days that are looked back or ahead for the next office day.
const HORIZON: i32 = 400;
/// A weekly day that is a day off moves at most so many days; after that the week has none.
const MOVES: i32 = 6;

/// How often collected mail comes, and at what time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhythm {
    /// On every office day; `minutes` after midnight, below 1,440.
    Daily { minutes: u16 },
    /// On one day of the week (0 is Monday). If that is a day off, on the next office day.
    Weekly { day: u8, minutes: u16 },
}

impl Rhythm {
    /// Whether it comes every day.
    pub fn is_daily(self) -> bool {
        matches!(self, Rhythm::Daily { .. })
    }

    /// The same so many minutes earlier on the same day, at midnight at the earliest.
    #[must_use]
    pub fn earlier(self, by: u16) -> Self {
        match self {
            Rhythm::Daily { minutes } => Rhythm::Daily { minutes: minutes.saturating_sub(by) },
            Rhythm::Weekly { day, minutes } => Rhythm::Weekly { day, minutes: minutes.saturating_sub(by) },
        }
    }

    /// The latest time at or before `now` at which it was to come; `None` if there was none for more than a year.
    pub fn last(self, office: &Office, now: Timestamp) -> Option<Timestamp> {
        let today = office.date(now);
        (0..HORIZON).find_map(|back| {
            let date = today.checked_sub(back.days()).ok()?;
            self.on(office, date).filter(|at| *at <= now)
        })
    }

    /// The first time after `after` at which it is to come; `None` if there is none for more than a year.
    pub fn next(self, office: &Office, after: Timestamp) -> Option<Timestamp> {
        let today = office.date(after);
        (0..HORIZON).find_map(|ahead| {
            let date = today.checked_add(ahead.days()).ok()?;
            self.on(office, date).filter(|at| *at > after)
        })
    }

    /// When it comes on that day, if it does. A time that the clocks skip is taken as so much later (RFC 5545, 3.3.5),
    /// one that they repeat as the first of the two.
    fn on(self, office: &Office, date: Date) -> Option<Timestamp> {
        let minutes = match self {
            Rhythm::Daily { minutes } => office.works_on(date).then_some(minutes)?,
            Rhythm::Weekly { day, minutes } => takes(office, day, date).then_some(minutes)?,
        };
        let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
        let time = jiff::civil::Time::new(hour, minute, 0, 0).ok()?;
        Some(date.to_datetime(time).to_zoned(office.zone.clone()).ok()?.timestamp())
    }
}

/// Whether the weekly `day` falls on `date`: by its name, or because it was a day off and this is the next office day.
fn takes(office: &Office, day: u8, date: Date) -> bool {
    let weekday = u8::try_from(date.weekday().to_monday_zero_offset()).unwrap_or(0);
    if weekday == day {
        return !office.is_day_off(date);
    }
    if !office.works_on(date) {
        return false;
    }
    let since = i32::from((weekday + 7 - day) % 7);
    if since > MOVES {
        return false;
    }
    let Ok(named) = date.checked_sub(since.days()) else { return false };
    // It moved here, and every day in between was none either.
    office.is_day_off(named)
        && (1..since).all(|n| named.checked_add(n.days()).is_ok_and(|between| !office.works_on(between)))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::schedule::office::{DaysOff, Shift, Week};

    fn office() -> Office {
        let mut week = Week::closed();
        (0..5).for_each(|day| week.add(day, Shift { from: 9 * 60, to: 18 * 60 }));
        let closed = vec![DaysOff::Yearly(12, 25), DaysOff::Range(at_date("2026-05-18"), at_date("2026-05-19"))];
        Office { zone: TimeZone::get("Europe/Madrid").unwrap(), week, closed }
    }

    fn at_date(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone).unwrap().timestamp()
    }

    const DAILY: Rhythm = Rhythm::Daily { minutes: 9 * 60 };
    const MONDAYS: Rhythm = Rhythm::Weekly { day: 0, minutes: 9 * 60 };

    #[test]
    fn daily_mail_comes_on_office_days() {
        for (now, last, next) in [
            ("2026-03-06 08:59", "2026-03-05 09:00", "2026-03-06 09:00"),
            ("2026-03-06 09:00", "2026-03-06 09:00", "2026-03-09 09:00"),
            ("2026-03-08 23:00", "2026-03-06 09:00", "2026-03-09 09:00"),
            ("2026-12-24 12:00", "2026-12-24 09:00", "2026-12-28 09:00"),
        ] {
            assert_eq!(DAILY.last(&office(), at(now)), Some(at(last)), "{now}");
            assert_eq!(DAILY.next(&office(), at(now)), Some(at(next)), "{now}");
        }
    }

    #[test]
    fn weekly_mail_moves_to_the_next_office_day() {
        for (now, last, next) in [
            ("2026-03-11 12:00", "2026-03-09 09:00", "2026-03-16 09:00"),
            ("2026-05-18 12:00", "2026-05-11 09:00", "2026-05-20 09:00"),
            ("2026-05-20 09:00", "2026-05-20 09:00", "2026-05-25 09:00"),
            ("2026-05-21 09:00", "2026-05-20 09:00", "2026-05-25 09:00"),
        ] {
            assert_eq!(MONDAYS.last(&office(), at(now)), Some(at(last)), "{now}");
            assert_eq!(MONDAYS.next(&office(), at(now)), Some(at(next)), "{now}");
        }
        let sundays = Rhythm::Weekly { day: 6, minutes: 0 };
        assert_eq!(sundays.next(&office(), at("2026-03-06 12:00")), Some(at("2026-03-08 00:00")), "named, so meant");
    }

    /// 29 March has no 02:30 in Madrid, 25 October has it twice.
    #[test]
    fn a_change_of_the_clocks_makes_neither_none_nor_two() {
        let always = Office::always(TimeZone::get("Europe/Madrid").unwrap());
        let nightly = Rhythm::Daily { minutes: 150 };
        for (from, days) in [("2026-03-27 12:00", 5), ("2026-10-23 12:00", 5)] {
            let mut now = at(from);
            let mut dates = Vec::new();
            for _ in 0..days {
                now = nightly.next(&always, now).unwrap();
                assert_eq!(nightly.last(&always, now), Some(now));
                dates.push(always.date(now));
            }
            assert!(dates.windows(2).all(|w| w[0].tomorrow().unwrap() == w[1]), "{dates:?}");
        }
    }

    #[test]
    fn an_office_that_never_opens_gets_nothing() {
        let never = Office { zone: TimeZone::UTC, week: Week::closed(), closed: Vec::new() };
        assert_eq!(DAILY.next(&never, at("2026-03-06 12:00")), None);
        assert_eq!(DAILY.last(&never, at("2026-03-06 12:00")), None);
    }

    #[test]
    fn the_report_for_a_meeting_is_there_before_it() {
        let meeting = Rhythm::Weekly { day: 1, minutes: 10 * 60 };
        assert_eq!(meeting.earlier(MEETING_AHEAD), Rhythm::Weekly { day: 1, minutes: 7 * 60 });
        assert_eq!(Rhythm::Daily { minutes: 60 }.earlier(MEETING_AHEAD), Rhythm::Daily { minutes: 0 });
    }
}
