//! When: the next poll, the next try of a mail, how fast a recipient may be written to; office hours are in [`office`],
//! collected mail is in [`rhythm`]. Pure: `now` and the dice are arguments, every answer carries its reason.

pub mod office;
pub mod rhythm;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{ErrorClass, SendOutcome, TroubleKind};

/// No source rests longer than this between polls.
pub const MAX_INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// Shortest wait that a server's Retry-After can ask for.
pub const MIN_RETRY_AFTER: Duration = Duration::from_secs(60);
/// The operator hears of a failing source after this many failures in a row (malformed, refused, transient).
pub const TELL_AFTER_FAILURES: u32 = 3;
/// A second 410 counts only this long after the first.
pub const GONE_CONFIRMED_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Permanent redirects in a row before the new address is used.
pub const MOVED_CONFIRMED_AFTER: u32 = 3;
/// Waits between tries of a mail, in minutes; after the last one, [`MAIL_RETRY_LATER`].
const MAIL_RETRY_MINUTES: [i64; 6] = [1, 2, 5, 10, 20, 40];
/// Wait between later tries of a mail, in minutes.
const MAIL_RETRY_LATER: i64 = 67;
/// A poll that comes this much later than planned is not late yet, whatever was planned.
const LATE_LEAST: SignedDuration = SignedDuration::from_hours(1);
/// A mail is given up after this long.
pub const MAIL_GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(5 * 24);
/// The operator hears of waiting mail after this long.
pub const MAIL_TELL_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// A login is tried at most this often after a refusal: retry loops lock accounts.
const LOCKED_RETRY: SignedDuration = SignedDuration::from_hours(1);
/// Window of `max_per_hour`.
pub const PACE_WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Why a poll is planned where nobody but the configuration says when.
pub const BY_CONFIGURATION: &str = "every";

/// When something happens next, and why then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    pub at: Timestamp,
    /// For logs and `sources`: `every`, `the feed's ttl`, `Retry-After`, …
    pub why: &'static str,
}

/// What a server or document said about how often to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollHints {
    /// `ttl` or `sy:updatePeriod` of the document.
    pub ttl: Option<Duration>,
    /// Cache-Control `max-age`.
    pub max_age: Option<Duration>,
    /// `Expires` less `Date`.
    pub expires_in: Option<Duration>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
}

/// The poll after one that was heard: the largest of `every` and the hints, at most 24 h, ±10 % jitter.
/// `dice` is in −1 … 1.
pub fn next_poll(now: Timestamp, every: Duration, hints: PollHints, dice: f64) -> Next {
    let mut wait = (every, BY_CONFIGURATION);
    for (hint, why) in [
        (hints.ttl, "the feed's ttl"),
        (hints.max_age, "Cache-Control"),
        (hints.expires_in, "Expires"),
        (hints.retry_after, "Retry-After"),
    ] {
        if let Some(hint) = hint
            && hint > wait.0
        {
            wait = (hint, why);
        }
    }
    // Who asks to be left alone is not asked earlier: there the jitter only adds.
    let dice = if hints.retry_after == Some(wait.0) { dice.abs() } else { dice };
    Next { at: add(now, jittered(wait.0.min(MAX_INTERVAL), 0.1, dice)), why: wait.1 }
}

/// The poll after one that failed: a server's wish is obeyed, otherwise the wait doubles with every failure in a row.
/// `failures` counts this one; `dice` is in −1 … 1.
pub fn next_poll_after_failure(
    now: Timestamp,
    every: Duration,
    class: ErrorClass,
    retry_after: Option<Duration>,
    failures: u32,
    dice: f64,
) -> Next {
    let doubled = |base: Duration| base.saturating_mul(1_u32 << failures.saturating_sub(1).min(10));
    let (wait, why) = match class {
        ErrorClass::RateLimited | ErrorClass::Quota => {
            let asked = retry_after.unwrap_or_else(|| doubled(every)).max(MIN_RETRY_AFTER);
            // Coming early is what got us here: the jitter only adds.
            return Next {
                at: add(now, jittered(asked.min(MAX_INTERVAL), 0.05, dice.abs())),
                why: "the server asked to wait",
            };
        }
        ErrorClass::Auth => (Duration::from_secs(3600).max(every), "login refused: tried hourly"),
        ErrorClass::Gone => (MAX_INTERVAL, "410: asked once more a day later"),
        ErrorClass::Forbidden => (Duration::from_secs(3600).max(every), "not permitted: tried hourly"),
        ErrorClass::Refused => (doubled(every), "refused: waiting longer each time"),
        ErrorClass::Malformed | ErrorClass::Transient => (
            doubled(Duration::from_secs(60).min(every)).min(every.saturating_mul(8)),
            "failing: waiting longer each time",
        ),
    };
    let wait = wait.max(retry_after.unwrap_or_default()).min(MAX_INTERVAL);
    Next { at: add(now, jittered(wait, 0.1, dice)), why }
}

/// Since when nobody asked a source, if a poll now comes so late that the time in between counts as not listened to:
/// since the moment for which it was planned. The one place where this is decided, for early warning, for what digests
/// and reports say of coverage, and for the blind hours of a source.
///
/// Late is relative to what was planned, by half of that wait, because that is what the wait says about the source: who
/// asks once a day has settled for what is still there a day later, and a timer that drifts by an hour or meets a plan
/// that was drawn 10 % early misses nothing; who asks every five minutes did so because things pass. An hour is always
/// allowed, so that a restart or a machine under load is no gap. `last_poll` is the poll that planned `next_poll`.
pub fn late_since(last_poll: Option<Timestamp>, next_poll: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let next = next_poll?;
    let planned = last_poll.map_or(SignedDuration::ZERO, |last| next.duration_since(last));
    (now.duration_since(next) > LATE_LEAST.max(planned / 2)).then_some(next)
}

/// Whether this failure is the one that the operator hears of. Told once a series: `told` says that it was done.
pub fn tell_of_failure(class: ErrorClass, failures: u32, told: bool) -> bool {
    !told
        && match class {
            ErrorClass::Auth | ErrorClass::Forbidden | ErrorClass::Quota => true,
            ErrorClass::Gone | ErrorClass::RateLimited => false,
            ErrorClass::Refused | ErrorClass::Malformed => failures >= TELL_AFTER_FAILURES,
            // A server may be down for a while: half a dozen tries span more than an hour.
            ErrorClass::Transient => failures >= 2 * TELL_AFTER_FAILURES,
        }
}

/// What follows from one try of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Done.
    Sent,
    /// This mail again at `at`.
    Retry { at: Timestamp, possible_duplicate: bool, reason: String },
    /// This mail again at `at`, and nothing else before that: the relay itself is the trouble. `locked`: the operator
    /// must act, and is told at once.
    HoldRelay { at: Timestamp, locked: Option<TroubleKind>, reason: String },
    /// Given up, and reported.
    GiveUp { reason: String },
}

/// Decides what follows from a try. `attempts` counts this one; `queued` is when the mail was queued; `relay_failures`
/// counts failures of the relay in a row, this one included; `dice` is in −1 … 1.
pub fn after_send(
    outcome: &SendOutcome,
    attempts: u32,
    queued: Timestamp,
    relay_failures: u32,
    now: Timestamp,
    dice: f64,
) -> RetryDecision {
    let age = now.duration_since(queued);
    match outcome {
        SendOutcome::Sent => RetryDecision::Sent,
        SendOutcome::Refused(fault) => RetryDecision::GiveUp { reason: fault.message.clone() },
        SendOutcome::Deferred(fault) | SendOutcome::Unknown(fault) if age >= MAIL_GIVE_UP_AFTER => {
            RetryDecision::GiveUp { reason: format!("given up after 5 days: {}", fault.message) }
        }
        SendOutcome::Deferred(fault) => RetryDecision::Retry {
            at: retry_at(now, attempts, dice),
            possible_duplicate: false,
            reason: fault.message.clone(),
        },
        SendOutcome::Unknown(fault) => RetryDecision::Retry {
            at: retry_at(now, attempts, dice),
            possible_duplicate: true,
            reason: fault.message.clone(),
        },
        SendOutcome::Unreachable(fault) => RetryDecision::HoldRelay {
            at: retry_at(now, relay_failures, dice),
            locked: None,
            reason: fault.message.clone(),
        },
        SendOutcome::Locked(fault) | SendOutcome::Insecure(fault) => {
            let insecure = matches!(outcome, SendOutcome::Insecure(_));
            let kind = if insecure { TroubleKind::RelayInsecure } else { TroubleKind::RelayLogin };
            RetryDecision::HoldRelay { at: now + LOCKED_RETRY, locked: Some(kind), reason: fault.message.clone() }
        }
    }
}

/// The time of the next try after `attempts` of them: 1, 2, 5, 10, 20, 40 min, then every 67 min, ±20 %.
pub fn retry_at(now: Timestamp, attempts: u32, dice: f64) -> Timestamp {
    let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let minutes = MAIL_RETRY_MINUTES.get(step).copied().unwrap_or(MAIL_RETRY_LATER);
    let wait = Duration::from_secs(u64::try_from(minutes * 60).unwrap_or(60));
    add(now, jittered(wait, 0.2, dice))
}

/// How the alerts that wait for one recipient go out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// This many as mails of their own, oldest first.
    pub single: usize,
    /// The rest as one bundle; otherwise the rest waits.
    pub bundle: bool,
}

/// Shares out what is left of `max_per_hour`: all alerts singly if they fit, else the last free place carries the rest.
pub fn pace(sent_in_window: usize, waiting: usize, max_per_hour: usize) -> Pace {
    let free = max_per_hour.saturating_sub(sent_in_window);
    if waiting <= free {
        Pace { single: waiting, bundle: false }
    } else if free == 0 {
        Pace { single: 0, bundle: false }
    } else {
        Pace { single: free - 1, bundle: true }
    }
}

fn jittered(wait: Duration, share: f64, dice: f64) -> Duration {
    wait.mul_f64((1.0 + share * dice.clamp(-1.0, 1.0)).max(0.0))
}

fn add(now: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MailFault;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn seconds(next: Timestamp) -> i64 {
        next.duration_since(NOW).as_secs()
    }

    #[test]
    fn next_poll_is_the_largest_hint_clamped_to_a_day() {
        let s = Duration::from_secs;
        let hints =
            PollHints { ttl: Some(s(1800)), max_age: Some(s(3600)), expires_in: Some(s(60)), retry_after: None };
        assert_eq!(
            next_poll(NOW, s(900), hints, 0.0),
            Next { at: NOW + SignedDuration::from_hours(1), why: "Cache-Control" }
        );
        assert_eq!(seconds(next_poll(NOW, s(900), PollHints::default(), 1.0).at), 990);
        assert_eq!(seconds(next_poll(NOW, s(900), PollHints::default(), -1.0).at), 810);
        let year = PollHints { ttl: Some(s(31_536_000)), ..PollHints::default() };
        assert_eq!(seconds(next_poll(NOW, s(900), year, 0.0).at), 86_400);
    }

    #[test]
    fn failures_back_off_by_class() {
        let every = Duration::from_secs(900);
        let after = |class, retry: Option<u64>, failures| {
            seconds(next_poll_after_failure(NOW, every, class, retry.map(Duration::from_secs), failures, 0.0).at)
        };
        assert_eq!(after(ErrorClass::RateLimited, Some(7200), 1), 7200);
        assert_eq!(after(ErrorClass::RateLimited, Some(1), 1), 60);
        assert_eq!(after(ErrorClass::RateLimited, None, 2), 1800);
        assert_eq!(after(ErrorClass::Auth, None, 1), 3600);
        assert_eq!(after(ErrorClass::Gone, None, 1), 86_400);
        assert_eq!(after(ErrorClass::Refused, None, 3), 3600);
        assert_eq!(after(ErrorClass::Transient, None, 1), 60);
        assert_eq!(after(ErrorClass::Transient, None, 4), 480);
        assert_eq!(after(ErrorClass::Transient, None, 30), 7200);
        assert_eq!(after(ErrorClass::Refused, None, 40), 86_400);
    }

    #[test]
    fn a_rate_limited_host_is_never_asked_early() {
        for dice in [-1.0, -0.5, 0.0, 0.5, 1.0] {
            let next = next_poll_after_failure(
                NOW,
                Duration::from_secs(60),
                ErrorClass::RateLimited,
                Some(Duration::from_secs(600)),
                1,
                dice,
            );
            assert!(seconds(next.at) >= 600);
        }
    }

    #[test]
    fn late_is_an_hour_or_half_of_what_was_planned() {
        let minutes = SignedDuration::from_mins;
        for (planned, late, expected) in [
            (5, 60, false),
            (5, 61, true),
            (120, 60, false),
            (120, 61, true),
            (6 * 60, 180, false),
            (6 * 60, 181, true),
            // A day, planned a tenth early, and a timer half an hour behind.
            (24 * 60 - 144, 144 + 30, false),
            (24 * 60, 12 * 60, false),
            (24 * 60, 12 * 60 + 1, true),
            (24 * 60, -600, false),
        ] {
            let next = NOW + minutes(planned);
            let since = late_since(Some(NOW), Some(next), next + minutes(late));
            assert_eq!(since, expected.then_some(next), "planned {planned}, late {late}");
        }
        assert_eq!(late_since(Some(NOW), None, NOW + minutes(9_999)), None, "what speaks by itself is never due");
        assert_eq!(late_since(None, Some(NOW), NOW + minutes(61)), Some(NOW));
    }

    #[test]
    fn the_operator_hears_of_a_series_once() {
        assert!(tell_of_failure(ErrorClass::Auth, 1, false));
        assert!(!tell_of_failure(ErrorClass::Auth, 2, true));
        assert!(!tell_of_failure(ErrorClass::Malformed, 2, false));
        assert!(tell_of_failure(ErrorClass::Malformed, 3, false));
        assert!(!tell_of_failure(ErrorClass::Transient, 5, false));
        assert!(tell_of_failure(ErrorClass::Transient, 6, false));
        assert!(!tell_of_failure(ErrorClass::RateLimited, 99, false));
    }

    #[test]
    fn mail_is_retried_on_the_promised_schedule() {
        let minutes: Vec<i64> = (1..=8).map(|n| seconds(retry_at(NOW, n, 0.0)) / 60).collect();
        assert_eq!(minutes, [1, 2, 5, 10, 20, 40, 67, 67]);
        assert_eq!(seconds(retry_at(NOW, 4, 1.0)), 720);
        assert_eq!(seconds(retry_at(NOW, 4, -1.0)), 480);
    }

    #[test]
    fn every_outcome_has_its_decision() {
        let fault = |code| MailFault { code, message: "why".into() };
        let decide = |outcome: SendOutcome, queued| after_send(&outcome, 1, queued, 1, NOW, 0.0);
        let minute = NOW + SignedDuration::from_mins(1);
        assert_eq!(decide(SendOutcome::Sent, NOW), RetryDecision::Sent);
        assert_eq!(
            decide(SendOutcome::Deferred(fault(Some(451))), NOW),
            RetryDecision::Retry { at: minute, possible_duplicate: false, reason: "why".into() }
        );
        assert_eq!(
            decide(SendOutcome::Unknown(fault(None)), NOW),
            RetryDecision::Retry { at: minute, possible_duplicate: true, reason: "why".into() }
        );
        assert_eq!(decide(SendOutcome::Refused(fault(Some(550))), NOW), RetryDecision::GiveUp { reason: "why".into() });
        assert_eq!(
            decide(SendOutcome::Unreachable(fault(None)), NOW),
            RetryDecision::HoldRelay { at: minute, locked: None, reason: "why".into() }
        );
        assert_eq!(
            decide(SendOutcome::Locked(fault(Some(535))), NOW),
            RetryDecision::HoldRelay {
                at: NOW + SignedDuration::from_hours(1),
                locked: Some(TroubleKind::RelayLogin),
                reason: "why".into()
            }
        );
        assert!(matches!(
            decide(SendOutcome::Insecure(fault(None)), NOW),
            RetryDecision::HoldRelay { locked: Some(TroubleKind::RelayInsecure), .. }
        ));
        let old = NOW - MAIL_GIVE_UP_AFTER;
        assert!(matches!(decide(SendOutcome::Deferred(fault(Some(451))), old), RetryDecision::GiveUp { .. }));
        // The relay being down for six days loses nothing: only a mail's own refusals count.
        assert!(matches!(decide(SendOutcome::Unreachable(fault(None)), old), RetryDecision::HoldRelay { .. }));
    }

    #[test]
    fn what_does_not_fit_into_the_hour_goes_as_one_bundle() {
        assert_eq!(pace(0, 5, 20), Pace { single: 5, bundle: false });
        assert_eq!(pace(0, 21, 20), Pace { single: 19, bundle: true });
        assert_eq!(pace(19, 2, 20), Pace { single: 0, bundle: true });
        assert_eq!(pace(20, 1, 20), Pace { single: 0, bundle: false });
    }
}
