//! Texts of the configuration turned into what they mean: times, sizes, languages. Pure: text in, value or [`Problem`]
//! out.

use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::section::Problem;
use crate::schedule::office::{Allowance, DaysOff, Shift, Week};
use crate::schedule::rhythm::Rhythm;

/// Languages that mentiond words mail in.
pub const LANGUAGES: [&str; 4] = ["en", "es", "pt", "da"];

/// How to hand over a secret.
pub(super) const SECRET_HELP: &str = "use { file = \"…\" }, { env = \"…\" } or { credential = \"…\" }";

/// Days as office hours and digests name them.
pub(super) const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// `15m`, `4h`, `1h 30m`, `3d` (a day is 24 h, a week 7 days). More than nothing; months and years have no fixed
/// length and are refused.
pub(super) fn duration(text: &str) -> Result<Duration, Problem> {
    const HELP: &str = "write a number and a unit: \"90s\", \"15m\", \"4h\", \"3d\", \"1w\"";
    let text = text.trim();
    if text.parse::<f64>().is_ok() {
        return Err(Problem::new(
            format!("`{text}` has no unit"),
            format!("write \"{text}s\", \"{text}m\" or \"{text}h\""),
        ));
    }
    let span: Span = text.parse().map_err(|_| Problem::new(format!("`{text}` is not a length of time"), HELP))?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(Problem::new("months and years differ in length", "write it in days or weeks: \"30d\", \"4w\""));
    }
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok().and_then(|d| Duration::try_from(d).ok());
    match length {
        Some(length) if !length.is_zero() => Ok(length),
        Some(_) => Err(Problem::new(format!("`{text}` is no time at all"), HELP)),
        None => Err(Problem::new(format!("`{text}` is negative or too long"), HELP)),
    }
}

/// A length of time as an office's clock counts it: weeks and days are office days, the rest is office time.
pub(super) fn allowance(text: &str) -> Result<Allowance, Problem> {
    duration(text)?;
    let problem = || Problem::new(format!("`{text}` is not a length of office time"), "write \"4h\", \"3d\" or \"1w\"");
    let span: Span = text.trim().parse().map_err(|_| problem())?;
    let count = |n: i32| u32::try_from(n).map_err(|_| problem());
    let (weeks, days) = (count(span.get_weeks())?, count(span.get_days())?);
    let rest = span.weeks(0).days(0).to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| problem())?;
    Ok(Allowance { weeks, days, time: rest.max(SignedDuration::ZERO) })
}

/// `2026-12-24`, `2026-12-24..2027-01-06` (both included), or `12-25` for every year.
pub(super) fn days_off(text: &str) -> Result<DaysOff, Problem> {
    let text = text.trim();
    let problem = |message: String| {
        Problem::new(message, "write \"2026-12-24\", \"2026-12-24..2027-01-06\", or \"12-25\" for every year")
    };
    let day = |text: &str| {
        let text = text.trim();
        let form = text.len() == 10 && text.as_bytes().get(4) == Some(&b'-');
        text.parse::<Date>().ok().filter(|_| form).ok_or_else(|| problem(format!("`{text}` is not a day")))
    };
    if let Some((first, last)) = text.split_once("..") {
        let (first, last) = (day(first)?, day(last)?);
        if first > last {
            return Err(problem(format!("`{text}` ends before it begins")));
        }
        return Ok(DaysOff::Range(first, last));
    }
    // 29 February is a day of some years.
    if text.len() == 5
        && let Ok(date) = format!("2024-{text}").parse::<Date>()
    {
        return Ok(DaysOff::Yearly(date.month(), date.day()));
    }
    day(text).map(|date| DaysOff::Range(date, date))
}

/// `8MiB`, `500 kB`, `1GiB`, or a number of bytes.
pub(super) fn size(text: &str) -> Result<u64, Problem> {
    let problem = || Problem::new(format!("`{text}` is not a size"), "write a number and a unit: \"512KiB\", \"8MiB\"");
    let digits_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits_end].parse().map_err(|_| problem())?;
    let factor: u64 = match text[digits_end..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(problem()),
    };
    number.checked_mul(factor).ok_or_else(problem)
}

/// One of [`LANGUAGES`].
pub(super) fn language(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if LANGUAGES.contains(&text) {
        return Ok(text.to_owned());
    }
    let base = text.split(['-', '_']).next().unwrap_or(text).to_lowercase();
    let help = match LANGUAGES.iter().find(|l| **l == base) {
        Some(known) => format!("write `{known}`"),
        None => format!("known: {}", LANGUAGES.join(", ")),
    };
    Err(Problem::new(format!("there are no words for mail in language `{text}`"), help))
}

/// `Mon-Fri 09:00-18:00`, several of them parted by commas: `Mon-Thu 09:00-18:00, Fri 09:00-14:00`, or
/// `Mon,Wed 09:00-12:00`. A range of days may go over Sunday.
pub(super) fn hours(text: &str) -> Result<Week, Problem> {
    const HELP: &str = "write \"Mon-Fri 09:00-18:00\", or \"Mon-Thu 09:00-18:00, Fri 09:00-14:00\"";
    let text = text.trim();
    let fault = |message: String| Err(Problem::new(message, HELP));
    let mut week = Week::closed();
    let mut open_days: Vec<usize> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (days, times) = match part.split_once(char::is_whitespace) {
            Some((days, times)) => (days, Some(times.trim())),
            None => (part, None),
        };
        let named: Vec<usize> = days.split('-').map(day_of).collect::<Result<_, _>>()?;
        match *named.as_slice() {
            [day] => open_days.push(day),
            [first, last] => open_days.extend((first..first + 7).map(|d| d % 7).take((last + 7 - first) % 7 + 1)),
            _ => return fault(format!("`{days}` is not a range of days")),
        }
        let Some(times) = times else { continue };
        let Some((from, to)) = times.split_once('-') else {
            return fault(format!("`{times}` is not a range of times"));
        };
        let (from, to) = (time_of_day(from.trim(), true)?, time_of_day(to.trim(), true)?);
        if from >= to {
            return fault(format!("`{times}` ends before it begins"));
        }
        for day in open_days.drain(..) {
            week.add(day, Shift { from, to });
        }
    }
    if !open_days.is_empty() {
        return fault(format!("`{text}` has days without times"));
    }
    Ok(week)
}

/// `daily 09:00` or `weekly Mon 09:00`: when a digest comes, or when a team meets.
pub(super) fn rhythm(text: &str) -> Result<Rhythm, Problem> {
    let text = text.trim();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["daily", time] => Ok(Rhythm::Daily { minutes: time_of_day(time, false)? }),
        ["weekly", day, time] => {
            let day = u8::try_from(day_of(day)?).unwrap_or(0);
            Ok(Rhythm::Weekly { day, minutes: time_of_day(time, false)? })
        }
        _ => {
            let message = format!("`{text}` does not say how often and when");
            Err(Problem::new(message, "write \"daily 09:00\" or \"weekly Mon 09:00\""))
        }
    }
}

/// The value of a header: printable ASCII (RFC 9110 section 5.5).
pub(super) fn header(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(Problem::new(
        "only plain letters, digits, signs and spaces can be sent here",
        "leave accents and line breaks out",
    ))
}

fn day_of(text: &str) -> Result<usize, Problem> {
    DAYS.iter().position(|day| *day == text).ok_or_else(|| {
        // With three letters each, everything is close to something: the whole list says more than a guess.
        Problem::new(format!("`{text}` is not a day"), format!("days are {}", DAYS.join(", ")))
    })
}

/// Minutes after midnight. `24:00` is the end of a day, where that makes sense.
fn time_of_day(text: &str, allow_end: bool) -> Result<u16, Problem> {
    let number =
        |t: &str| if t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit()) { t.parse::<u16>().ok() } else { None };
    let minutes = text.split_once(':').and_then(|(h, m)| Some((number(h)?, number(m)?))).and_then(|(h, m)| {
        let minutes = h * 60 + m;
        (m < 60 && (h < 24 || (allow_end && minutes == 24 * 60))).then_some(minutes)
    });
    minutes.ok_or_else(|| {
        Problem::new(format!("`{text}` is not a time of day"), "write hours and minutes, 00:00 to 23:59: \"09:00\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let good = [
            ("90s", 90),
            ("15m", 900),
            ("4h", 14_400),
            ("3d", 259_200),
            ("1w", 604_800),
            ("1h 30m", 5_400),
            ("1h30m", 5_400),
            ("15 minutes", 900),
        ];
        for (text, seconds) in good {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "15", "1.5", "1mo", "1 year", "-5m", "0s", "5 parsecs", "m", "5m ago", "99999999999999999h", "15m 15"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("8MiB", 8 << 20), ("512 KiB", 512 << 10), ("1000", 1_000), ("2kB", 2_000), ("1GiB", 1 << 30)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MiB", "8 parsec", "-1MiB", "1.5MiB", "99999999999999999999", "99999999999GiB", "8é"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn allowances_and_days_off() {
        let hours = |h| Allowance::time(SignedDuration::from_hours(h));
        for (text, expected) in [
            ("4h", hours(4)),
            ("3d", Allowance::days(3)),
            ("1w", Allowance { weeks: 1, ..Allowance::default() }),
            ("1d 30m", Allowance { days: 1, ..Allowance::time(SignedDuration::from_mins(30)) }),
            ("36h", hours(36)),
        ] {
            assert_eq!(allowance(text), Ok(expected), "{text}");
        }
        assert!(allowance("3").is_err() && allowance("-1d").is_err() && allowance("1mo").is_err());
        let date = |y, m, d| jiff::civil::date(y, m, d);
        for (text, expected) in [
            ("2026-12-24", DaysOff::Range(date(2026, 12, 24), date(2026, 12, 24))),
            (" 2026-12-24 .. 2027-01-06 ", DaysOff::Range(date(2026, 12, 24), date(2027, 1, 6))),
            ("12-25", DaysOff::Yearly(12, 25)),
            ("02-29", DaysOff::Yearly(2, 29)),
        ] {
            assert_eq!(days_off(text), Ok(expected), "{text}");
        }
        for text in
            ["", "Christmas", "2026-13-01", "2026-12-25T10:00", "20261225", "12-32", "2027-01-06..2026-12-24", ".."]
        {
            assert!(days_off(text).is_err(), "{text}");
        }
    }

    #[test]
    fn days_of_a_week_are_those_that_were_named() {
        let open = |text: &str| {
            let week = hours(text).unwrap();
            let office = crate::schedule::office::Office { zone: jiff::tz::TimeZone::UTC, week, closed: Vec::new() };
            // 2 March 2026 is a Monday.
            (0..7)
                .filter(|day| {
                    let at = jiff::civil::date(2026, 3, 2 + day).at(10, 30, 0, 0);
                    office.is_open(at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp())
                })
                .collect::<Vec<i8>>()
        };
        assert_eq!(open("Mon-Fri 09:00-18:00"), [0, 1, 2, 3, 4]);
        assert_eq!(open("Sat-Mon 10:00-11:00"), [0, 5, 6]);
        assert_eq!(open("Mon,Wed 09:00-12:00, Sun 10:00-10:30"), [0, 2]);
        assert_eq!(open("Mon-Sun 00:00-24:00"), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(open("Wed-Wed 10:00-11:00"), [2]);
    }

    #[test]
    fn office_hours_and_digests() {
        for text in [
            "Mon-Fri 09:00-18:00",
            "Mon 00:00-24:00",
            "Mon-Thu 09:00-18:00, Fri 09:00-14:00",
            "Mon,Wed 09:00-12:00",
            "Sat-Mon 10:00-11:00",
        ] {
            assert!(hours(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "Mon-Fri",
            "9-18",
            "mon-fri 09:00-18:00",
            "Mon-Fri 9:00-18:00",
            "Mon-Fri 18:00-09:00",
            "Mon-Fri 09:00",
            "Mon-Wed-Fri 09:00-10:00",
            "Mon 25:00-26:00",
            "Mon 09:60-10:00",
            "Mon 09:00-10:00,",
        ] {
            assert!(hours(text).is_err(), "{text}");
        }
        assert_eq!(rhythm("daily 09:00"), Ok(Rhythm::Daily { minutes: 540 }));
        assert_eq!(rhythm(" weekly Tue 23:59 "), Ok(Rhythm::Weekly { day: 1, minutes: 1439 }));
        for text in ["daily", "weekly 09:00", "hourly 09:00", "daily 24:00", "weekly Lunes 09:00", "daily 09:00 x"] {
            assert!(rhythm(text).is_err(), "{text}");
        }
    }
}
