//! What a poll's end means for a source: its health, its cursor, and whether the operator should hear of it. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Cursor, ErrorClass, Health, PollFault, SourceStatus, Trouble, TroubleKind};
use crate::schedule::{self, GONE_CONFIRMED_AFTER, MOVED_CONFIRMED_AFTER, PollHints};
use crate::text::link;

/// The poll whose end is taken into the books.
#[derive(Clone, Copy, Debug)]
pub struct Poll<'a> {
    /// The source's name.
    pub source: &'a str,
    pub every: Duration,
    pub now: Timestamp,
    /// For jitter, −1 … 1.
    pub dice: f64,
}

/// Takes a poll that was heard (a document, or "not modified") into the books. `entries` is the number of entries of a
/// document. Returns what the operator should hear, if anything.
pub fn heard(
    poll: Poll<'_>,
    health: &mut Health,
    cursor: &mut Cursor,
    entries: Option<u64>,
    hints: PollHints,
) -> Option<Trouble> {
    let Poll { source: name, every, now, dice } = poll;
    let recovered = health.told.then(|| {
        let message = format!("it is heard again after {} failed polls; nothing needs to be done", health.failures);
        Trouble::new(TroubleKind::SourceRecovered, name, message, health.blind_since.unwrap_or(now))
    });
    let unasked = schedule::late_since(health.last_poll, health.next_poll, now);
    if let Some(since) = health.blind_since.take().or(unasked) {
        health.blind_seconds += now.duration_since(since).as_secs().max(0);
    }
    cursor.gone_since = None;
    health.status = SourceStatus::Ok;
    health.error = None;
    health.error_class = None;
    health.failures = 0;
    health.told = false;
    health.entries = entries.unwrap_or(health.entries);
    health.last_heard = Some(now);
    health.last_poll = Some(now);
    let next = schedule::next_poll(now, every, hints, dice);
    cursor.every = (next.why == schedule::BY_CONFIGURATION).then_some(every.as_secs());
    health.next_poll = Some(next.at);
    recovered
}

/// Takes a poll that failed into the books. Returns what the operator should hear, if anything.
pub fn failed(poll: Poll<'_>, health: &mut Health, cursor: &mut Cursor, fault: &PollFault) -> Option<Trouble> {
    let Poll { source: name, every, now, dice } = poll;
    health.failures = health.failures.saturating_add(1);
    health.status = SourceStatus::Failing;
    health.error = Some(fault.message.clone());
    health.error_class = Some(fault.class);
    health.last_poll = Some(now);
    let blind_since = *health.blind_since.get_or_insert(health.last_heard.unwrap_or(now));
    let next = schedule::next_poll_after_failure(now, every, fault.class, fault.retry_after, health.failures, dice);
    health.next_poll = Some(next.at);
    // A moved feed whose new address fails: back to the configured one.
    if matches!(fault.class, ErrorClass::Gone | ErrorClass::Refused | ErrorClass::Malformed) {
        cursor.moved_to = None;
    }
    let failures = u64::from(health.failures);
    let trouble = |kind| Trouble { count: failures, ..Trouble::new(kind, name, &*fault.message, blind_since) };
    if fault.class == ErrorClass::Gone {
        let since = *cursor.gone_since.get_or_insert(now);
        if now.duration_since(since) < GONE_CONFIRMED_AFTER {
            return None;
        }
        health.status = SourceStatus::Disabled;
        health.next_poll = None;
        health.told = true;
        return Some(trouble(TroubleKind::SourceGone));
    }
    cursor.gone_since = None;
    if !schedule::tell_of_failure(fault.class, health.failures, health.told) {
        return None;
    }
    health.told = true;
    Some(trouble(match fault.class {
        ErrorClass::Auth => TroubleKind::SourceLogin,
        ErrorClass::Malformed => TroubleKind::NotAFeed,
        ErrorClass::Refused => TroubleKind::SourceRefused,
        ErrorClass::Quota => TroubleKind::SourceQuota,
        _ => TroubleKind::SourceFailing,
    }))
}

/// Takes note of where permanent redirects led (`None`: there were none). From the third in a row the new address is
/// the one that is asked; the operator hears of it then.
pub fn moved(name: &str, cursor: &mut Cursor, to: Option<&str>, now: Timestamp) -> Option<Trouble> {
    if uses_new_address(cursor) {
        return None;
    }
    let Some(to) = to else {
        cursor.moved_to = None;
        return None;
    };
    let times = match &cursor.moved_to {
        Some((address, times)) if address == to => times + 1,
        _ => 1,
    };
    cursor.moved_to = Some((to.to_owned(), times));
    (times >= MOVED_CONFIRMED_AFTER).then(|| {
        // Addresses may hold a token; the mail names the new one in the same form.
        let shown = url::Url::parse(to).map_or_else(|_| "the new address".to_owned(), |url| link::redact(&url));
        let message = format!(
            "the server says that it moved for good; {shown} is asked from now on: write it into the configuration"
        );
        Trouble { to: Some(to.to_owned()), ..Trouble::new(TroubleKind::SourceMoved, name, message, now) }
    })
}

/// Whether polls go to the address that permanent redirects led to.
pub fn uses_new_address(cursor: &Cursor) -> bool {
    cursor.moved_to.as_ref().is_some_and(|(_, times)| *times >= MOVED_CONFIRMED_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
    const EVERY: Duration = Duration::from_secs(900);

    fn at(now: Timestamp) -> Poll<'static> {
        Poll { source: "s", every: EVERY, now, dice: 0.0 }
    }

    fn fault(class: ErrorClass) -> PollFault {
        PollFault { class, message: "why".into(), retry_after: None }
    }

    #[test]
    fn blind_time_runs_from_the_last_time_heard_until_heard_again() {
        let (mut health, mut cursor) = (Health::default(), Cursor::default());
        assert_eq!(heard(at(NOW), &mut health, &mut cursor, Some(3), PollHints::default()), None);
        let later = NOW + SignedDuration::from_hours(1);
        failed(at(later), &mut health, &mut cursor, &fault(ErrorClass::Transient));
        assert_eq!((health.status, health.blind_since), (SourceStatus::Failing, Some(NOW)));
        let end = NOW + SignedDuration::from_hours(2);
        heard(at(end), &mut health, &mut cursor, None, PollHints::default());
        assert_eq!((health.blind_seconds, health.blind_since, health.entries), (7200, None, 3));
    }

    #[test]
    fn by_what_the_next_poll_is_planned_is_remembered() {
        let (mut health, mut cursor) = (Health::default(), Cursor::default());
        heard(at(NOW), &mut health, &mut cursor, None, PollHints::default());
        assert_eq!(cursor.every, Some(900));
        let ttl = PollHints { ttl: Some(Duration::from_secs(3600)), ..PollHints::default() };
        heard(at(NOW), &mut health, &mut cursor, None, ttl);
        assert_eq!(cursor.every, None, "the server's wish is not the configuration's to shorten");
    }

    #[test]
    fn a_time_in_which_nobody_asked_is_blind_from_the_planned_poll_on() {
        let (mut health, mut cursor) = (Health::default(), Cursor::default());
        let mut hear = |hours| {
            let now = NOW + SignedDuration::from_hours(hours);
            heard(at(now), &mut health, &mut cursor, None, PollHints::default());
            (health.blind_seconds, health.blind_since)
        };
        assert_eq!(hear(0), (0, None));
        assert_eq!(hear(1), (0, None), "a restart is no gap");
        assert_eq!(hear(4), (3 * 3600 - 900, None));
        assert_eq!(hear(5), (3 * 3600 - 900, None), "counted once");
    }

    #[test]
    fn hazard_11_the_operator_hears_of_a_login_page_after_three_in_a_row_and_of_its_end() {
        let (mut health, mut cursor) = (Health::default(), Cursor::default());
        let mut told = Vec::new();
        for _ in 0..5 {
            told.extend(failed(at(NOW), &mut health, &mut cursor, &fault(ErrorClass::Malformed)));
        }
        assert_eq!(told.iter().map(|t| t.kind).collect::<Vec<_>>(), [TroubleKind::NotAFeed]);
        let end = heard(at(NOW), &mut health, &mut cursor, Some(1), PollHints::default());
        assert_eq!(end.map(|t| t.kind), Some(TroubleKind::SourceRecovered));
    }

    #[test]
    fn hazard_12_gone_twice_a_day_apart_disables_and_once_does_not() {
        let (mut health, mut cursor) = (Health::default(), Cursor::default());
        let gone = fault(ErrorClass::Gone);
        assert_eq!(failed(at(NOW), &mut health, &mut cursor, &gone), None);
        let soon = NOW + SignedDuration::from_hours(1);
        assert_eq!(failed(at(soon), &mut health, &mut cursor, &gone), None);
        heard(at(soon), &mut health, &mut cursor, None, PollHints::default());
        let day = NOW + SignedDuration::from_hours(25);
        assert_eq!(failed(at(day), &mut health, &mut cursor, &gone), None);
        let next = day + SignedDuration::from_hours(24);
        let told = failed(at(next), &mut health, &mut cursor, &gone);
        assert_eq!(told.map(|t| t.kind), Some(TroubleKind::SourceGone));
        assert_eq!((health.status, health.next_poll), (SourceStatus::Disabled, None));
    }

    #[test]
    fn hazard_12_a_permanent_redirect_seen_three_times_is_taken_over() {
        let mut cursor = Cursor::default();
        let to = Some("https://new.example/feed");
        assert_eq!(moved("s", &mut cursor, to, NOW), None);
        assert_eq!(moved("s", &mut cursor, None, NOW), None);
        assert_eq!(moved("s", &mut cursor, to, NOW), None);
        assert_eq!(moved("s", &mut cursor, to, NOW), None);
        assert!(!uses_new_address(&cursor));
        assert_eq!(moved("s", &mut cursor, to, NOW).map(|t| t.kind), Some(TroubleKind::SourceMoved));
        assert!(uses_new_address(&cursor));
        assert_eq!(moved("s", &mut cursor, None, NOW), None);
        assert!(uses_new_address(&cursor));
    }
}
