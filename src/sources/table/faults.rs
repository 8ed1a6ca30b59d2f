//! Refusals: which class an answer is of, by the table's own rules, then by its status.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::request::Reply;
use crate::model::table::{FaultRule, Meaning, Table};
use crate::model::{ErrorClass, PollFault};

/// Bytes of an answer that is no JSON that are shown.
const MAX_SHOWN: usize = 80;
/// Bytes of an answer that is no JSON that are looked at for a rule's text.
const MAX_PROSE: usize = 4096;
/// Longest wait that is obeyed.
const MAX_WAIT: Duration = Duration::from_secs(31 * 86_400);

/// What an answer is.
pub(super) enum Judged {
    Good(Value),
    Expired(PollFault),
    Stale,
    Nothing,
    Fault(PollFault),
}

/// Judges an answer. `host` is what people know it by.
pub(super) fn judge(table: &Table, reply: &Reply, host: &str, now: Timestamp) -> Judged {
    let value = serde_json::from_slice::<Value>(&reply.body).ok();
    let prose = || String::from_utf8_lossy(&reply.body[..reply.body.len().min(MAX_PROSE)]).into_owned();
    let rule = table.faults.iter().find(|rule| applies(rule, reply, value.as_ref(), &prose));
    if let Some(rule) = rule {
        let wait = rule.wait.as_ref().and_then(|path| value.as_ref().and_then(|v| path.first(v))).and_then(seconds);
        let message = format!("{host}: {}", rule.say);
        let retry_after = wait.or_else(|| reset(table, reply, now)).or(reply.retry_after);
        return match rule.means {
            Meaning::Nothing => Judged::Nothing,
            Meaning::Stale => Judged::Stale,
            Meaning::Expired => Judged::Expired(PollFault { class: ErrorClass::Auth, message, retry_after }),
            Meaning::Fault(class) => Judged::Fault(PollFault { class, message, retry_after }),
        };
    }
    if let Some(fault) = &reply.fault {
        let mut fault = fault.clone();
        if fault.class == ErrorClass::RateLimited && fault.retry_after.is_none() {
            fault.retry_after = reset(table, reply, now);
        }
        // With a login there may be nothing wrong but a token that has run out.
        if fault.class == ErrorClass::Auth {
            let secret = "check the secret in the source's configuration: it may have been revoked";
            fault.message = format!("{host} refused the login ({}): {secret}", reply.status);
            return if table.login.is_some() { Judged::Expired(fault) } else { Judged::Fault(fault) };
        }
        return Judged::Fault(fault);
    }
    match value {
        Some(value) => Judged::Good(value),
        None => Judged::Fault(PollFault {
            class: ErrorClass::Malformed,
            message: format!("{host} answered with {}, not with JSON", what_instead(&hidden(table, prose()))),
            retry_after: None,
        }),
    }
}

/// An answer without what the table says that it has: silence must not be taken for calm.
pub(super) fn not_readable(host: &str, place: &str) -> PollFault {
    let message = format!(
        "{host} answered with JSON in which nothing stands where {place}: either it is another answer than usual, or the path \
         is wrong; `mentiond sources test` shows the request"
    );
    PollFault { class: ErrorClass::Malformed, message, retry_after: None }
}

/// When there are new requests, if the answer says that none are left.
pub(super) fn exhausted(table: &Table, reply: &Reply, now: Timestamp) -> Option<Duration> {
    let rate = table.rate.as_ref()?;
    let left: u64 = reply.header(&rate.remaining)?.trim().parse().ok()?;
    (left == 0).then(|| reset(table, reply, now)).flatten()
}

/// When a limit is lifted, by the header that the table names: a moment, seconds since 1970, or seconds from now.
fn reset(table: &Table, reply: &Reply, now: Timestamp) -> Option<Duration> {
    let text = reply.header(&table.rate.as_ref()?.reset)?.trim();
    let wait = match text.split('.').next().and_then(|whole| whole.parse::<i64>().ok()) {
        // No limit lasts for thirty years: that is a date.
        Some(n) if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') => {
            if n > 1_000_000_000 {
                n - now.as_second()
            } else {
                n
            }
        }
        _ => crate::sources::dates::parse(text)?.as_second() - now.as_second(),
    };
    Some(Duration::from_secs(u64::try_from(wait).unwrap_or(0)).min(MAX_WAIT))
}

fn applies(rule: &FaultRule, reply: &Reply, value: Option<&Value>, prose: &dyn Fn() -> String) -> bool {
    if rule.status.is_some_and(|status| status != reply.status) {
        return false;
    }
    if let Some(path) = &rule.path {
        let Some(found) = value.and_then(|value| path.first(value)) else { return false };
        if let Some(wanted) = &rule.is {
            let is = match found {
                Value::String(text) => text.contains(wanted.as_str()),
                other => serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *other),
            };
            if !is {
                return false;
            }
        }
    }
    rule.text.as_ref().is_none_or(|text| value.is_none() && prose().contains(text.as_str()))
}

/// Seconds: a number, or the first one in a text.
pub(super) fn seconds(value: &Value) -> Option<Duration> {
    let n = match value {
        Value::Number(n) => n.as_f64()?,
        Value::String(text) => {
            let start = text.find(|c: char| c.is_ascii_digit())?;
            let end = text[start..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |n| start + n);
            text[start..end].parse().ok()?
        }
        _ => return None,
    };
    (n > 0.0).then(|| Duration::from_secs_f64(n.min(MAX_WAIT.as_secs_f64())))
}

/// Some services repeat the key that they refuse.
fn hidden(table: &Table, prose: String) -> String {
    match table.secret.as_ref().map(crate::model::Secret::expose).filter(|secret| !secret.is_empty()) {
        Some(secret) => prose.replace(secret, "***"),
        None => prose,
    }
}

fn what_instead(prose: &str) -> String {
    let trimmed = prose.trim_start();
    if trimmed.is_empty() {
        return "nothing".to_owned();
    }
    let html = trimmed.get(..200).unwrap_or(trimmed).to_ascii_lowercase();
    if html.starts_with("<!doctype html") || html.starts_with("<html") || html.contains("<head") {
        return "a web page (a login, a block or a moved address)".to_owned();
    }
    let line = trimmed.lines().next().unwrap_or_default();
    format!("text that begins “{}”", crate::text::html::cut(line, MAX_SHOWN))
}
