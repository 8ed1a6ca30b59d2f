//! What feeds call a date: RFC 822 and 2822 with all their decay, RFC 3339 and the partial forms of ISO 8601 (W3CDTF),
//! `asctime`, national month names. What cannot be read is `None`, never a guess from the clock.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

pub use crate::model::EARLIEST;

/// How far ahead of our clock a publisher's may be.
pub const LEEWAY: SignedDuration = SignedDuration::from_mins(2);

/// Longest text that is looked at as a date, in bytes.
const MAX_DATE: usize = 80;

/// Brings a date between [`EARLIEST`] and `now` + [`LEEWAY`].
pub fn clamp(date: Timestamp, now: Timestamp) -> Timestamp {
    let latest = now.checked_add(LEEWAY).unwrap_or(now);
    date.min(latest).max(EARLIEST)
}

/// Reads a date in any of the notations above. A date without a time is midnight, without a zone UTC.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > MAX_DATE || text.len() < 4 {
        return None;
    }
    iso(text).or_else(|| words(text)).or_else(|| epoch(text))
}

/// Seconds or milliseconds since 1970, as some JSON feeds have it.
fn epoch(text: &str) -> Option<Timestamp> {
    let n: i64 = text.parse().ok()?;
    match text.len() {
        9..=10 => Timestamp::from_second(n).ok(),
        13 => Timestamp::from_millisecond(n).ok(),
        _ => None,
    }
}

/// A civil date and time with an offset in minutes; a leap second or 24:00 runs on into the next minute or day.
fn moment(year: i16, month: i8, day: i8, time: Time, offset: i64) -> Option<Timestamp> {
    let date = Date::new(year, month, day).ok()?;
    let seconds = i64::from(time.hour) * 3600 + i64::from(time.minute) * 60 + i64::from(time.second) - offset * 60;
    let midnight = date.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).map(|z| z.timestamp());
    let there = midnight.and_then(|m| m.checked_add(SignedDuration::from_secs(seconds)));
    // A valid date that only the last hours of the year 9999 put out of range: somebody's "never".
    there.ok().or((year == 9999).then_some(Timestamp::MAX))
}

#[derive(Clone, Copy, Default)]
struct Time {
    hour: u32,
    minute: u32,
    second: u32,
}

/// ISO 8601: `2024`, `2024-05`, `20240501`, `2024-05-01T10:11:12.5+02:00`, a space or lower-case `t` too.
fn iso(text: &str) -> Option<Timestamp> {
    let b = text.as_bytes();
    let digits = b.iter().take_while(|c| c.is_ascii_digit()).count();
    let (year, month, day, used) = match (digits, b.get(digits)) {
        (4, None) => (number(&text[..4])?, 1, 1, 4),
        (4, Some(sep @ (b'-' | b'/' | b'.'))) => {
            let rest = &text[5..];
            let len = leading_digits(rest);
            let month = number(rest.get(..len).filter(|_| (1..=2).contains(&len))?)?;
            match rest.as_bytes().get(len) {
                Some(next) if next == sep => {
                    let rest = &rest[len + 1..];
                    let days = leading_digits(rest).min(2);
                    (number(&text[..4])?, month, number(rest.get(..days).filter(|d| !d.is_empty())?)?, 6 + len + days)
                }
                None => (number(&text[..4])?, month, 1, 5 + len),
                _ => return None,
            }
        }
        (8, next) if next.is_none_or(|c| matches!(c, b'T' | b't' | b' ')) => {
            (number(&text[..4])?, number(&text[4..6])?, number(&text[6..8])?, 8)
        }
        _ => return None,
    };
    let (year, month, day) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let rest = text.get(used..)?.trim_start_matches(['T', 't', ' ', ',']);
    if rest.is_empty() {
        return moment(year, month, day, Time::default(), 0);
    }
    let Some((time, rest)) = time(rest) else {
        // `2024-05-01Z`, `2024-05-01+02:00`.
        let offset = zone(rest)?;
        return moment(year, month, day, Time::default(), offset);
    };
    let offset = zone(rest.trim()).unwrap_or(0);
    moment(year, month, day, time, offset)
}

/// `10:11:12.345 PM`, `10:11`, `101112` with what follows.
fn time(text: &str) -> Option<(Time, &str)> {
    let digits = leading_digits(text);
    let (mut time, mut rest) = match (digits, text.as_bytes().get(digits)) {
        (1..=2, Some(b':' | b'h' | b'.')) => {
            let mut time = Time { hour: number(&text[..digits])?, ..Time::default() };
            let mut rest = &text[digits + 1..];
            let len = leading_digits(rest).min(2);
            time.minute = number(rest.get(..len).filter(|m| !m.is_empty())?)?;
            rest = &rest[len..];
            if let Some(seconds) = rest.strip_prefix([':', '.']) {
                let len = leading_digits(seconds).min(2);
                if len > 0 {
                    time.second = number(&seconds[..len])?;
                    rest = &seconds[len..];
                }
            }
            (time, rest)
        }
        (4 | 6, _) => {
            let second = if digits == 6 { number(&text[4..6])? } else { 0 };
            (Time { hour: number(&text[..2])?, minute: number(&text[2..4])?, second }, &text[digits..])
        }
        _ => return None,
    };
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        rest = &fraction[leading_digits(fraction)..];
    }
    let word = rest.trim_start();
    let half = word.get(..2).map(str::to_ascii_lowercase);
    match half.as_deref() {
        Some("pm") => {
            time.hour = time.hour % 12 + 12;
            rest = &word[2..];
        }
        Some("am") => {
            time.hour %= 12;
            rest = &word[2..];
        }
        _ => {}
    }
    (time.hour <= 24 && time.minute < 60 && time.second <= 60).then_some((time, rest))
}

/// Minutes east of UTC. Unknown names are UTC (RFC 2822, 4.3); `None` if there is no zone at all.
fn zone(text: &str) -> Option<i64> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')');
    let text =
        text.strip_prefix("GMT").or_else(|| text.strip_prefix("UTC")).filter(|r| !r.is_empty()).unwrap_or(text).trim();
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        // The minus sign of typographers.
        0xe2 if text.starts_with('\u{2212}') => (-1, &text['\u{2212}'.len_utf8()..]),
        _ => return named_zone(text),
    };
    let len = leading_digits(rest);
    let (hours, minutes) = match (len, rest.as_bytes().get(len)) {
        (1..=2, Some(b':')) => {
            let after = &rest[len + 1..];
            let minutes = leading_digits(after).min(2);
            (number(&rest[..len])?, number(after.get(..minutes).filter(|m| !m.is_empty()).unwrap_or("0"))?)
        }
        (1..=2, _) => (number(&rest[..len])?, 0),
        (3, _) => (number(&rest[..1])?, number(&rest[1..3])?),
        (4.., _) => (number(&rest[..2])?, number(&rest[2..4])?),
        _ => return None,
    };
    let total = i64::from(hours) * 60 + i64::from(minutes);
    (total <= 18 * 60).then_some(sign * total)
}

fn named_zone(text: &str) -> Option<i64> {
    let name: String = text.chars().take_while(|c| c.is_ascii_alphabetic()).collect::<String>().to_ascii_uppercase();
    let hours = match name.as_str() {
        "EST" | "CDT" | "PET" | "COT" => -5,
        "EDT" | "AST" | "CLT" | "VET" => -4,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" | "AKDT" => -8,
        "AKST" => -9,
        "HST" => -10,
        "ADT" | "BRT" | "ART" | "CLST" | "UYT" => -3,
        "NST" => return Some(-210),
        "WEST" | "BST" | "CET" | "MEZ" => 1,
        "CEST" | "MESZ" | "MEST" | "EET" | "SAST" => 2,
        "EEST" | "MSK" => 3,
        "IST" => return Some(330),
        "SGT" | "HKT" | "AWST" => 8,
        "JST" | "KST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        "NZST" => 12,
        "NZDT" => 13,
        "" => return None,
        _ => 0,
    };
    Some(hours * 60)
}

/// Dates with month names, in any order: `Wed, 02 Oct 2002 13:00:00 GMT`, `Oct 2, 2002`, `2 de octubre de 2002`,
/// `Wed Oct  2 13:00:00 2002`; and `02/10/2002`, which is day first unless it cannot be.
fn words(text: &str) -> Option<Timestamp> {
    let lower = text.to_lowercase();
    let (mut day, mut month, mut year) = (None, None, None);
    let (mut clock, mut offset) = (None, None);
    for token in
        lower.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')')).filter(|t| !t.is_empty())
    {
        if clock.is_none() && token.contains(':') {
            let (found, rest) = time(token)?;
            clock = Some(found);
            offset = zone(&rest.to_ascii_uppercase()).or(offset);
        } else if let (Some(found), "pm" | "am" | "p.m." | "a.m.") = (&mut clock, token) {
            let found: &mut Time = found;
            found.hour = found.hour % 12 + if token.starts_with('p') { 12 } else { 0 };
        } else if token.starts_with(['+', '-']) && clock.is_some() {
            offset = zone(token);
        } else if token.as_bytes()[0].is_ascii_digit() {
            if let Some((d, m, y)) = numeric(token) {
                (day, month, year) = (Some(d), Some(m), Some(y));
                continue;
            }
            // `02-Oct-02`.
            let mut parts = token.split(['-', '/', '.']).filter(|p| !p.is_empty());
            for part in parts.by_ref() {
                if let Some(found) = month_name(part) {
                    month = Some(found);
                } else if let Some(n) = part.get(..leading_digits(part)).filter(|d| !d.is_empty()).and_then(number) {
                    if day.is_none() && n <= 31 && part.len() - leading_digits(part) <= 2 && leading_digits(part) <= 2 {
                        day = Some(n);
                    } else if year.is_none() {
                        year = Some(if leading_digits(part) <= 2 { century(n) } else { n });
                    }
                }
            }
        } else if let Some(found) = month_name(token.trim_end_matches('.')) {
            // The last one: `mar` before it was a Tuesday.
            month = Some(found);
        } else if clock.is_some() {
            offset = offset.or_else(|| zone(&token.to_ascii_uppercase()));
        }
    }
    let (year, month) = (i16::try_from(year?).ok()?, i8::try_from(month?).ok()?);
    moment(year, month, i8::try_from(day?).ok()?, clock.unwrap_or_default(), offset.unwrap_or(0))
}

/// `13/05/2024`, `5/13/2024`, `13.05.24`.
fn numeric(token: &str) -> Option<(u32, u32, u32)> {
    let mut parts = token.split(['/', '.', '-']);
    let (a, b, c) = (number(parts.next()?)?, number(parts.next()?)?, parts.next()?);
    let year = number(c).filter(|_| c.len() == 2 || c.len() == 4)?;
    let year = if c.len() == 2 { century(year) } else { year };
    if parts.next().is_some() {
        return None;
    }
    if b <= 12 { Some((a, b, year)) } else { Some((b, a, year)) }
}

/// Years of two digits (RFC 2822, 4.3).
fn century(year: u32) -> u32 {
    if year < 50 { 2000 + year } else { 1900 + year }
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok()
}

/// Months by the beginnings of their names in English, Spanish, Portuguese, Danish, German, French.
fn month_name(word: &str) -> Option<u32> {
    const NAMES: [(&str, u32); 33] = [
        ("jan", 1),
        ("ene", 1),
        ("jän", 1),
        ("feb", 2),
        ("fev", 2),
        ("fév", 2),
        ("mar", 3),
        ("mär", 3),
        ("mrz", 3),
        ("apr", 4),
        ("abr", 4),
        ("avr", 4),
        ("may", 5),
        ("mai", 5),
        ("maj", 5),
        ("jun", 6),
        ("juin", 6),
        ("juil", 7),
        ("jul", 7),
        ("aug", 8),
        ("ago", 8),
        ("aoû", 8),
        ("aou", 8),
        ("sep", 9),
        ("set", 9),
        ("oct", 10),
        ("out", 10),
        ("okt", 10),
        ("nov", 11),
        ("dec", 12),
        ("dic", 12),
        ("dez", 12),
        ("déc", 12),
    ];
    let weekday = ["mar.", "mart", "mardi", "marti", "seg", "sex"].contains(&word) || word.starts_with("marte");
    NAMES.iter().filter(|_| !weekday).find(|(start, _)| word.starts_with(start)).map(|(_, n)| *n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hazard_18_dates_in_every_notation() {
        let table = [
            // RFC 822 and 2822, and what is made of them.
            ("Wed, 02 Oct 2002 13:00:00 GMT", "2002-10-02T13:00:00Z"),
            ("Wed, 02 Oct 2002 15:00:00 +0200", "2002-10-02T13:00:00Z"),
            ("Wed, 2 Oct 02 08:00 EST", "2002-10-02T13:00:00Z"),
            ("02 Oct 2002 13:00 UT", "2002-10-02T13:00:00Z"),
            ("Wed,02 Oct 2002 13:00:00 Z", "2002-10-02T13:00:00Z"),
            ("wed, 02 OCTOBER 2002 13:00:00 -00:00", "2002-10-02T13:00:00Z"),
            ("Wed, 02 Oct 2002 13:00:00 GMT+0200", "2002-10-02T11:00:00Z"),
            ("Wed, 02 Oct 2002 13:00:00 +2", "2002-10-02T11:00:00Z"),
            ("Wed, 02 Oct 2002 13:00:00 Europe/Madrid", "2002-10-02T13:00:00Z"),
            ("Wed, 02 Oct 2002", "2002-10-02T00:00:00Z"),
            ("Thu, 31 Jun 2021 00:00:00 GMT", ""),
            ("Wed, 02 Oct 2002 24:00:00 GMT", "2002-10-03T00:00:00Z"),
            ("Wed, 02 Oct 2002 23:59:60 GMT", "2002-10-03T00:00:00Z"),
            ("02-Oct-2002 13:00:00", "2002-10-02T13:00:00Z"),
            ("Oct 2, 2002 1:00 PM", "2002-10-02T13:00:00Z"),
            ("October 2nd, 2002 at 1:00pm", "2002-10-02T13:00:00Z"),
            ("Wed Oct  2 13:00:00 2002", "2002-10-02T13:00:00Z"),
            ("Wed Oct  2 13:00:00 PDT 2002", "2002-10-02T20:00:00Z"),
            // RFC 3339, W3CDTF, ISO 8601.
            ("2002-10-02T13:00:00Z", "2002-10-02T13:00:00Z"),
            ("2002-10-02T15:00:00.123456+02:00", "2002-10-02T13:00:00Z"),
            ("2002-10-02t13:00:00z", "2002-10-02T13:00:00Z"),
            ("2002-10-02 13:00:00", "2002-10-02T13:00:00Z"),
            ("2002-10-02 15:00:00 +0200", "2002-10-02T13:00:00Z"),
            ("2002-10-02T13:00Z", "2002-10-02T13:00:00Z"),
            ("2002-10-02", "2002-10-02T00:00:00Z"),
            ("2002-10", "2002-10-01T00:00:00Z"),
            ("2002", "2002-01-01T00:00:00Z"),
            ("20021002", "2002-10-02T00:00:00Z"),
            ("20021002T130000Z", "2002-10-02T13:00:00Z"),
            ("2002/10/02 13:00", "2002-10-02T13:00:00Z"),
            ("2002-1-2", "2002-01-02T00:00:00Z"),
            // Other languages, other orders.
            ("mié, 02 oct 2002 13:00:00 +0000", "2002-10-02T13:00:00Z"),
            ("2 de octubre de 2002", "2002-10-02T00:00:00Z"),
            ("mar, 01 ene 2002 13:00:00 GMT", "2002-01-01T13:00:00Z"),
            ("Qua, 02 Out 2002 13:00:00 GMT", "2002-10-02T13:00:00Z"),
            ("tirs, 05 maj 2020 13:00:00 +0200", "2020-05-05T11:00:00Z"),
            ("ons, 02 okt 2002 13:00:00 GMT", "2002-10-02T13:00:00Z"),
            ("2. März 2002", "2002-03-02T00:00:00Z"),
            ("Mi, 02 Okt 2002 15:00:00 MESZ", "2002-10-02T13:00:00Z"),
            ("mardi 2 août 2011", "2011-08-02T00:00:00Z"),
            ("13/05/2024 10:00", "2024-05-13T10:00:00Z"),
            ("5/13/2024", "2024-05-13T00:00:00Z"),
            ("13.05.24", "2024-05-13T00:00:00Z"),
            ("1033563600", "2002-10-02T13:00:00Z"),
            ("1033563600000", "2002-10-02T13:00:00Z"),
            // None of these is a date.
            ("", ""),
            ("yesterday", ""),
            ("Invalid Date", ""),
            ("0000-00-00 00:00:00", ""),
            ("2002-13-02", ""),
            ("99/99/9999", ""),
            ("12:00", ""),
            ("1.2.3.4", ""),
            ("-1", ""),
        ];
        for (text, want) in table {
            let got = parse(text).map(|t| Timestamp::from_second(t.as_second()).unwrap().to_string());
            assert_eq!(got.unwrap_or_default(), want, "{text}");
        }
    }

    #[test]
    fn hazard_18_dates_are_clamped() {
        let now: Timestamp = "2024-05-01T12:00:00Z".parse().unwrap();
        let table = [
            ("9999-12-31", "2024-05-01T12:02:00Z"),
            ("1970-01-01", "2000-01-01T00:00:00Z"),
            ("0001-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
            ("2024-05-01T12:01:00Z", "2024-05-01T12:01:00Z"),
            ("2020-02-29", "2020-02-29T00:00:00Z"),
        ];
        for (text, want) in table {
            assert_eq!(parse(text).map(|t| clamp(t, now).to_string()).as_deref(), Some(want), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(s in "[0-9a-zé:+\\-/., TZ()−]{0,40}") {
            parse(&s);
        }
    }
}
