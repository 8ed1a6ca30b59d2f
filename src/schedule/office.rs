//! Office hours: when a department works, and clocks that run only then. Pure; the zone's rules come in with the value.
//!
//! A length of time for such a clock ([`Allowance`]) has two parts: whole days are office days (the same time of day,
//! so many days on which the office is open later), hours and minutes are time during which the office is open. So
//! "4h" from Friday 17:50 ends on Monday, and "3d" does not mean seventy-two hours of office.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Days that a clock looks ahead at most: an office that does not open for longer than that never opens.
const HORIZON: usize = 4_000;

/// A part of a day in which an office is open: minutes after midnight, `from` < `to` ≤ 1,440.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shift {
    pub from: u16,
    pub to: u16,
}

/// Shifts of each weekday, Monday first; ascending, without overlaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week([Vec<Shift>; 7]);

impl Week {
    /// Always open.
    pub fn always() -> Self {
        Self(std::array::from_fn(|_| vec![Shift { from: 0, to: 1440 }]))
    }

    /// Never open; [`Week::add`] makes it a week.
    pub fn closed() -> Self {
        Self(Default::default())
    }

    /// Opens it on a day (0 is Monday); shifts that touch or overlap become one.
    pub fn add(&mut self, day: usize, shift: Shift) {
        let Some(shifts) = self.0.get_mut(day) else { return };
        shifts.push(shift);
        shifts.sort_unstable();
        let mut merged: Vec<Shift> = Vec::with_capacity(shifts.len());
        for shift in shifts.drain(..) {
            match merged.last_mut() {
                Some(last) if shift.from <= last.to => last.to = last.to.max(shift.to),
                _ => merged.push(shift),
            }
        }
        *shifts = merged;
    }

    fn on(&self, day: Weekday) -> &[Shift] {
        usize::try_from(day.to_monday_zero_offset()).ok().and_then(|n| self.0.get(n)).map_or(&[], Vec::as_slice)
    }

    fn days(&self) -> u32 {
        self.0.iter().map(|shifts| u32::from(!shifts.is_empty())).sum()
    }
}

/// Days off: one, several in a row, or one of every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaysOff {
    /// First and last day.
    Range(Date, Date),
    /// Month and day of every year.
    Yearly(i8, i8),
}

impl DaysOff {
    /// Whether it holds on this day.
    pub fn covers(self, date: Date) -> bool {
        match self {
            DaysOff::Range(first, last) => first <= date && date <= last,
            DaysOff::Yearly(month, day) => date.month() == month && date.day() == day,
        }
    }
}

/// How long something may take, as a department's clock counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Office weeks: as many office days as the week has.
    pub weeks: u32,
    /// Office days.
    pub days: u32,
    /// Office time on top.
    pub time: SignedDuration,
}

impl Allowance {
    /// So many office days.
    pub const fn days(days: u32) -> Self {
        Self { weeks: 0, days, time: SignedDuration::ZERO }
    }

    /// So much office time.
    pub const fn time(time: SignedDuration) -> Self {
        Self { weeks: 0, days: 0, time }
    }
}

/// When a department works.
#[derive(Clone, Debug, PartialEq)]
pub struct Office {
    pub zone: TimeZone,
    pub week: Week,
    pub closed: Vec<DaysOff>,
}

impl Office {
    /// An office that never closes.
    pub fn always(zone: TimeZone) -> Self {
        Self { zone, week: Week::always(), closed: Vec::new() }
    }

    /// The day that it is there.
    pub fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Whether it is open at all on that day.
    pub fn works_on(&self, date: Date) -> bool {
        !self.is_day_off(date) && !self.week.on(date.weekday()).is_empty()
    }

    /// Whether that day is one of the days off; a day on which the week has no hours is not one by that.
    pub fn is_day_off(&self, date: Date) -> bool {
        self.closed.iter().any(|off| off.covers(date))
    }

    /// Whether it is open at that moment. The moment of closing is not.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.spells(self.date(at)).iter().any(|(from, to)| *from <= at && at < *to)
    }

    /// That moment if it is open then, else the next opening; `None` if it does not open again.
    pub fn opens(&self, at: Timestamp) -> Option<Timestamp> {
        self.spells_from(at).next().map(|(from, _)| from)
    }

    /// The moment at which a clock that was started at `at` has run for so long: never outside office time, except for
    /// the minute of closing. `None` if that is further away than anybody plans.
    pub fn add(&self, at: Timestamp, allowance: Allowance) -> Option<Timestamp> {
        let mut now = self.opens(at)?;
        let days = allowance.weeks.saturating_mul(self.week.days()).saturating_add(allowance.days);
        if days > 0 {
            now = self.same_time_later(now, days)?;
        }
        let mut left = allowance.time.max(SignedDuration::ZERO);
        if left.is_zero() {
            return Some(now);
        }
        for (from, to) in self.spells_from(now) {
            let there = to.duration_since(from);
            if left <= there {
                return from.checked_add(left).ok();
            }
            left = left.saturating_sub(there);
        }
        None
    }

    /// Office time between two moments; zero if `to` is not later than `from`.
    pub fn worked(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        let mut sum = SignedDuration::ZERO;
        if from >= to {
            return sum;
        }
        for (start, end) in self.spells_from(from) {
            if start >= to {
                break;
            }
            sum = sum.saturating_add(end.min(to).duration_since(start));
        }
        sum
    }

    /// The same time of day, `days` office days later; moved into that day's office time.
    fn same_time_later(&self, now: Timestamp, days: u32) -> Option<Timestamp> {
        let local = now.to_zoned(self.zone.clone());
        let mut date = local.date();
        let mut left = days;
        for _ in 0..HORIZON {
            date = date.checked_add(1.day()).ok()?;
            let spells = self.spells(date);
            if spells.is_empty() {
                continue;
            }
            left -= 1;
            if left == 0 {
                let wish = date.to_datetime(local.time()).to_zoned(self.zone.clone()).ok()?.timestamp();
                let last = spells.last().map(|(_, to)| *to);
                return spells.iter().find(|(_, to)| wish < *to).map(|(from, _)| wish.max(*from)).or(last);
            }
        }
        None
    }

    /// Office time of one day, in order. A change of the clocks makes a spell longer or shorter, as it does for people.
    fn spells(&self, date: Date) -> Vec<(Timestamp, Timestamp)> {
        if self.is_day_off(date) {
            return Vec::new();
        }
        let moment = |minutes: u16| {
            let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
            let civil =
                if hour == 24 { date.checked_add(1.day()).ok()?.at(0, 0, 0, 0) } else { date.at(hour, minute, 0, 0) };
            Some(civil.to_zoned(self.zone.clone()).ok()?.timestamp())
        };
        let spell = |shift: &Shift| Some((moment(shift.from)?, moment(shift.to)?));
        self.week.on(date.weekday()).iter().filter_map(spell).filter(|(from, to)| from < to).collect()
    }

    /// Office time from a moment on; the first spell is cut to begin there.
    fn spells_from(&self, at: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let mut date = Some(self.date(at));
        let days = std::iter::from_fn(move || {
            let day = date?;
            date = day.checked_add(1.day()).ok();
            Some(day)
        });
        days.take(HORIZON)
            .flat_map(|day| self.spells(day))
            .filter(move |(_, to)| *to > at)
            .map(move |(from, to)| (from.max(at), to))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn office(zone: &str) -> Office {
        let mut week = Week::closed();
        (0..5).for_each(|day| week.add(day, Shift { from: 9 * 60, to: 18 * 60 }));
        Office { zone: TimeZone::get(zone).unwrap(), week, closed: Vec::new() }
    }

    fn at(text: &str, zone: &str) -> Timestamp {
        text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(TimeZone::get(zone).unwrap()).unwrap().timestamp()
    }

    fn hours(hours: i64) -> Allowance {
        Allowance::time(SignedDuration::from_hours(hours))
    }

    /// From, length, to; in Madrid, where clocks change on 29 March and 25 October 2026.
    #[test]
    fn clocks_run_in_office_hours() {
        let office = office("Europe/Madrid");
        let minutes = |m| Allowance::time(SignedDuration::from_mins(m));
        for (from, allowance, to) in [
            ("2026-03-06 10:00", hours(4), "2026-03-06 14:00"),
            ("2026-03-06 17:50", hours(4), "2026-03-09 12:50"),
            ("2026-03-06 17:50", minutes(10), "2026-03-06 18:00"),
            ("2026-03-06 18:00", minutes(1), "2026-03-09 09:01"),
            ("2026-03-07 12:00", hours(0), "2026-03-09 09:00"),
            ("2026-03-06 17:50", Allowance::days(3), "2026-03-11 17:50"),
            ("2026-03-07 12:00", Allowance::days(1), "2026-03-10 09:00"),
            ("2026-03-06 10:00", Allowance { weeks: 1, ..Allowance::default() }, "2026-03-13 10:00"),
            ("2026-03-06 17:00", Allowance { days: 1, ..hours(2) }, "2026-03-10 10:00"),
            // Over both changes: nine hours of office stay nine hours on the wall.
            ("2026-03-27 17:00", hours(2), "2026-03-30 10:00"),
            ("2026-03-27 17:00", Allowance::days(1), "2026-03-30 17:00"),
            ("2026-10-23 17:00", hours(2), "2026-10-26 10:00"),
        ] {
            let found = office.add(at(from, "Europe/Madrid"), allowance).unwrap();
            assert_eq!(found, at(to, "Europe/Madrid"), "{from} + {allowance:?}");
        }
    }

    #[test]
    fn a_day_of_twenty_three_hours_counts_twenty_three() {
        let office = Office::always(TimeZone::get("Europe/Copenhagen").unwrap());
        let zone = "Europe/Copenhagen";
        let spring = (at("2026-03-29 00:00", zone), at("2026-03-30 00:00", zone));
        assert_eq!(office.worked(spring.0, spring.1), SignedDuration::from_hours(23));
        let autumn = (at("2026-10-25 00:00", zone), at("2026-10-26 00:00", zone));
        assert_eq!(office.worked(autumn.0, autumn.1), SignedDuration::from_hours(25));
        // Without hours a day is still the same time of day, not 24 hours.
        let noon = at("2026-03-28 12:00", zone);
        assert_eq!(office.add(noon, Allowance::days(1)), Some(at("2026-03-29 12:00", zone)));
        assert_eq!(office.add(noon, hours(24)), Some(at("2026-03-29 13:00", zone)));
    }

    #[test]
    fn a_shift_inside_the_hour_that_does_not_exist_is_no_office_time() {
        let mut week = Week::closed();
        week.add(6, Shift { from: 2 * 60, to: 3 * 60 });
        let office = Office { week, ..office("Europe/Madrid") };
        let spring = at("2026-03-29 00:00", "Europe/Madrid");
        assert_eq!(office.opens(spring), Some(at("2026-04-05 02:00", "Europe/Madrid")));
        // The hour that comes twice is two hours of work.
        let autumn = (at("2026-10-25 00:00", "Europe/Madrid"), at("2026-10-26 00:00", "Europe/Madrid"));
        assert_eq!(office.worked(autumn.0, autumn.1), SignedDuration::from_hours(2));
    }

    #[test]
    fn holidays_and_short_days_are_stepped_over() {
        let mut office = office("Europe/Madrid");
        office.closed = vec![DaysOff::Yearly(12, 25), DaysOff::Range(date(2026, 12, 31), date(2027, 1, 3))];
        let from = at("2026-12-24 17:00", "Europe/Madrid");
        assert_eq!(office.add(from, hours(2)), Some(at("2026-12-28 10:00", "Europe/Madrid")));
        assert_eq!(office.add(from, Allowance::days(4)), Some(at("2027-01-04 17:00", "Europe/Madrid")));
        let mut week = Week::closed();
        (0..4).for_each(|day| week.add(day, Shift { from: 540, to: 1080 }));
        week.add(4, Shift { from: 540, to: 840 });
        let office = Office { week, closed: Vec::new(), ..office };
        let thursday = at("2026-03-05 17:00", "Europe/Madrid");
        assert_eq!(office.add(thursday, Allowance::days(1)), Some(at("2026-03-06 14:00", "Europe/Madrid")));
    }

    #[test]
    fn an_office_that_never_opens_has_no_deadlines() {
        let office = Office { week: Week::closed(), ..office("UTC") };
        let now = at("2026-03-06 10:00", "UTC");
        assert_eq!((office.opens(now), office.add(now, hours(1))), (None, None));
        assert!(!office.is_open(now));
        assert_eq!(office.worked(now, now + SignedDuration::from_hours(1000)), SignedDuration::ZERO);
        let far = Allowance { weeks: u32::MAX, days: u32::MAX, time: SignedDuration::MAX };
        assert_eq!(super::Office::always(TimeZone::UTC).add(now, far), None);
    }

    #[test]
    fn shifts_that_touch_are_one() {
        let mut week = Week::closed();
        for (from, to) in [(600, 720), (720, 800), (540, 610), (900, 960)] {
            week.add(0, Shift { from, to });
        }
        assert_eq!(week.0[0], [Shift { from: 540, to: 800 }, Shift { from: 900, to: 960 }]);
    }

    fn any_office() -> impl Strategy<Value = Office> {
        let zones = ["Europe/Madrid", "America/Sao_Paulo", "America/Santiago", "Australia/Lord_Howe", "UTC"];
        // An hour a week at least, so that every length of the tests ends before the horizon.
        let shifts = proptest::collection::vec((0..7_usize, 0..=1380_u16, 60..720_u16), 1..8);
        (proptest::sample::select(zones.to_vec()), shifts, any::<bool>()).prop_map(|(zone, shifts, holiday)| {
            let mut week = Week::closed();
            for (day, from, length) in shifts {
                week.add(day, Shift { from, to: (from + length).min(1440) });
            }
            let closed = if holiday { vec![DaysOff::Yearly(3, 29), DaysOff::Yearly(10, 25)] } else { Vec::new() };
            Office { zone: TimeZone::get(zone).unwrap(), week, closed }
        })
    }

    proptest! {
        /// Two years around several changes of the clocks.
        #[test]
        fn what_a_clock_counts_is_office_time(
            office in any_office(), start in 1_767_225_600_i64..1_830_000_000, minutes in 1_i64..6_000, later in 0_i64..400_000,
        ) {
            let start = Timestamp::from_second(start).unwrap();
            let length = SignedDuration::from_mins(minutes);
            let end = office.add(start, Allowance::time(length)).unwrap();
            prop_assert_eq!(office.worked(start, end), length);
            prop_assert!(office.is_open(end - SignedDuration::from_nanos(1)), "it ends in office time");
            // Whoever starts later is not due earlier.
            let other = office.add(start + SignedDuration::from_secs(later), Allowance::time(length)).unwrap();
            prop_assert!(other >= end);
            let opens = office.opens(start).unwrap();
            prop_assert!(opens >= start && office.is_open(opens));
        }

        #[test]
        fn office_days_end_in_office_time(
            office in any_office(), start in 1_767_225_600_i64..1_830_000_000, days in 1_u32..30,
        ) {
            let start = Timestamp::from_second(start).unwrap();
            let end = office.add(start, Allowance::days(days)).unwrap();
            prop_assert!(office.is_open(end) || office.is_open(end - SignedDuration::from_nanos(1)), "{end}");
            let days_between = office.date(end).since(office.date(start)).unwrap().get_days();
            prop_assert!(days_between >= i32::try_from(days).unwrap());
        }
    }
}
