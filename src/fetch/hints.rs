//! What an answer's headers say about when to come back. Pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use reqwest::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap, HeaderName, RETRY_AFTER};

/// A server's wishes. Each is between [`Hints::MIN`] and [`Hints::MAX`], counted from the answer; a server that
/// wishes nothing, or nothing that can be read, gives none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// `Cache-Control: max-age` less `Age` (RFC 9111, 5.2.2.1); none with `no-cache` or `no-store`.
    pub max_age: Option<Duration>,
    /// `Expires` less `Date` (RFC 9111, 5.3); none if `Cache-Control` has a say, as that section demands.
    pub expires_in: Option<Duration>,
    /// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3); one in the past means the minimum.
    pub retry_after: Option<Duration>,
}

impl Hints {
    /// Shortest wish that is returned.
    pub const MIN: Duration = Duration::from_secs(60);
    /// Longest wish that is obeyed: a slip of the pen (ten years) must not silence a source for good.
    pub const MAX: Duration = Duration::from_secs(24 * 3600);

    /// Reads the headers of an answer; `now` stands in for a missing `Date`.
    pub(crate) fn read(headers: &HeaderMap, now: impl Fn() -> Timestamp) -> Self {
        let date = || text(headers, &DATE).and_then(http_date).unwrap_or_else(&now);
        let freshness = headers.get(CACHE_CONTROL).map(|_| freshness(headers));
        let max_age = match freshness {
            Some(Freshness::For(seconds)) => {
                let age = text(headers, &AGE).and_then(|age| age.parse::<i64>().ok()).unwrap_or(0).max(0);
                wish(seconds.saturating_sub(age))
            }
            _ => None,
        };
        let expires_in = match freshness {
            None | Some(Freshness::Unsaid) => {
                text(headers, &EXPIRES).and_then(http_date).and_then(|end| wish(seconds_between(date(), end)))
            }
            Some(_) => None,
        };
        let retry_after = text(headers, &RETRY_AFTER).and_then(|wait| {
            let seconds = match whole_seconds(wait) {
                Some(seconds) => seconds,
                None => seconds_between(date(), http_date(wait)?),
            };
            Some(clamp(seconds))
        });
        Self { max_age, expires_in, retry_after }
    }
}

enum Freshness {
    For(i64),
    /// `no-cache` or `no-store`.
    Never,
    Unsaid,
}

fn freshness(headers: &HeaderMap) -> Freshness {
    let mut found = Freshness::Unsaid;
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    for directive in values.flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let name = name.trim();
        if name.eq_ignore_ascii_case("no-cache") || name.eq_ignore_ascii_case("no-store") {
            return Freshness::Never;
        }
        // Some write max-age="300"; RFC 9111, 5.2 asks recipients to take both forms.
        let seconds = || whole_seconds(value.trim().trim_matches('"'));
        if name.eq_ignore_ascii_case("max-age")
            && matches!(found, Freshness::Unsaid)
            && let Some(seconds) = seconds()
        {
            found = Freshness::For(seconds);
        }
    }
    found
}

/// A whole number, however long: what does not fit is as good as for ever.
fn whole_seconds(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = digits.parse::<i64>().unwrap_or(i64::MAX);
    Some(if negative { -seconds } else { seconds })
}

/// The three forms of RFC 9110, 5.6.7: IMF-fixdate, RFC 850, asctime. All are in GMT. A weekday that does not belong
/// to the date is overlooked.
fn http_date(text: &str) -> Option<Timestamp> {
    static IMF: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    if let Ok(time) = IMF.parse_timestamp(text) {
        return Some(time);
    }
    let (_weekday, date) = text.split_once(' ')?;
    let forms = ["%d %b %Y %H:%M:%S GMT", "%d-%b-%y %H:%M:%S GMT", "%b %e %H:%M:%S %Y"];
    let date = forms.iter().find_map(|form| DateTime::strptime(form, date).ok())?;
    // "31 Dec 9999", a popular way of saying never, is a day beyond what a timestamp holds.
    Some(date.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp()))
}

fn seconds_between(start: Timestamp, end: Timestamp) -> i64 {
    end.as_second().saturating_sub(start.as_second())
}

fn wish(seconds: i64) -> Option<Duration> {
    (seconds > 0).then(|| clamp(seconds))
}

fn clamp(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).clamp(Hints::MIN, Hints::MAX)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn read(headers: &[(&'static str, &str)]) -> Hints {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        Hints::read(&map, || "1994-11-06T08:00:00Z".parse().unwrap())
    }

    fn secs(hint: Option<Duration>) -> Option<u64> {
        hint.map(|wait| wait.as_secs())
    }

    #[test]
    fn retry_after_table() {
        let date = ("date", "Sun, 06 Nov 1994 08:00:00 GMT");
        for (value, want) in [
            ("120", Some(120)),
            ("0", Some(60)),
            ("1", Some(60)),
            ("-5", Some(60)),
            ("315360000", Some(86_400)),
            ("99999999999999999999999999", Some(86_400)),
            ("-99999999999999999999999999", Some(60)),
            (" 300 ", Some(300)),
            ("Sun, 06 Nov 1994 08:10:00 GMT", Some(600)),
            ("Sunday, 06-Nov-94 08:10:00 GMT", Some(600)),
            ("Sun Nov  6 08:10:00 1994", Some(600)),
            ("Sun, 06 Nov 1994 07:00:00 GMT", Some(60)),
            ("Sun, 06 Nov 2004 08:00:00 GMT", Some(86_400)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(86_400)),
            ("soon", None),
            ("1.5", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(secs(read(&[date, ("retry-after", value)]).retry_after), want, "{value:?} with Date");
            assert_eq!(secs(read(&[("retry-after", value)]).retry_after), want, "{value:?} with the clock");
        }
    }

    #[test]
    fn a_retry_after_date_counts_from_the_servers_own_clock() {
        let headers = [("date", "Sun, 06 Nov 2094 08:00:00 GMT"), ("retry-after", "Sat, 06 Nov 2094 08:02:00 GMT")];
        assert_eq!(secs(read(&headers).retry_after), Some(120));
    }

    #[test]
    fn cache_control_table() {
        for (value, want) in [
            ("max-age=300", Some(300)),
            ("public, max-age=300", Some(300)),
            ("Max-Age=\"300\"", Some(300)),
            ("max-age=10", Some(60)),
            ("max-age=0", None),
            ("max-age=-1", None),
            ("max-age=abc", None),
            ("max-age", None),
            ("max-age=999999999999999999999", Some(86_400)),
            ("no-cache, max-age=300", None),
            ("max-age=300, no-store", None),
            ("s-maxage=900", None),
            ("max-age=300, max-age=900", Some(300)),
            (",,=,", None),
        ] {
            assert_eq!(secs(read(&[("cache-control", value)]).max_age), want, "{value:?}");
        }
        assert_eq!(secs(read(&[("cache-control", "max-age=300"), ("age", "200")]).max_age), Some(100));
        assert_eq!(secs(read(&[("cache-control", "max-age=300"), ("age", "999")]).max_age), None);
        assert_eq!(secs(read(&[("cache-control", "public"), ("cache-control", "max-age=300")]).max_age), Some(300));
    }

    #[test]
    fn expires_counts_only_where_cache_control_is_silent() {
        let expires = ("expires", "Sun, 06 Nov 1994 09:00:00 GMT");
        assert_eq!(secs(read(&[expires]).expires_in), Some(3600));
        assert_eq!(secs(read(&[expires, ("date", "Sun, 06 Nov 1994 08:30:00 GMT")]).expires_in), Some(1800));
        assert_eq!(secs(read(&[expires, ("cache-control", "public")]).expires_in), Some(3600));
        assert_eq!(secs(read(&[expires, ("cache-control", "max-age=60")]).expires_in), None);
        assert_eq!(secs(read(&[expires, ("cache-control", "no-cache")]).expires_in), None);
        for past in ["0", "-1", "never", "Sun, 06 Nov 1994 07:00:00 GMT"] {
            assert_eq!(read(&[("expires", past)]).expires_in, None, "{past}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_no_wish() {
        let mut map = HeaderMap::new();
        for name in ["retry-after", "cache-control", "expires", "date", "age"] {
            map.insert(name, HeaderValue::from_bytes(b"\xff\xfe12").unwrap());
        }
        assert_eq!(Hints::read(&map, || Timestamp::UNIX_EPOCH), Hints::default());
    }
}
