//! How a mention moves people while its case is open: when it is looked at again, and when it gathers so much that the
//! owner must know.

use jiff::{SignedDuration, Timestamp};

use crate::model::Engagement;

/// A mention is looked at once in this time …
const OFTEN: SignedDuration = SignedDuration::from_hours(1);
/// … for so long after it was found …
const FRESH: SignedDuration = SignedDuration::from_hours(24);
/// … and once in this time from then on.
const SELDOM: SignedDuration = SignedDuration::from_hours(24);
/// What is gathered is counted over this time.
pub const GATHERED_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// So many more replies and reposts are many, …
const MANY: u64 = 10;
/// … if there are so many times as many as before.
const TIMES: u64 = 2;

/// When a mention that was found at `fetched` is looked at next, after it was at `asked`; `None`: it never was.
pub fn look_again(fetched: Timestamp, asked: Option<Timestamp>) -> Timestamp {
    let Some(asked) = asked else { return later(fetched, OFTEN) };
    let every = if asked.duration_since(fetched) < FRESH { OFTEN } else { SELDOM };
    later(asked, every)
}

/// When it is looked at again after it was not found: soon, because one answer is not enough to remove words.
pub fn confirm_at(asked: Timestamp) -> Timestamp {
    later(asked, OFTEN)
}

/// Replies and reposts that came since `before`, if they are many: at least 10, and at least twice as many as there were.
/// Only what was known both times is compared; likes do not count, since nobody has to answer them.
pub fn gathers(before: &Engagement, now: &Engagement) -> Option<u64> {
    let known = |pick: fn(&Engagement) -> Option<u64>| pick(before).zip(pick(now));
    let pairs = [known(|e| e.replies), known(|e| e.reposts)];
    let sum = |pick: fn((u64, u64)) -> u64| pairs.iter().flatten().map(|p| pick(*p)).fold(0, u64::saturating_add);
    let (was, is) = (sum(|(was, _)| was), sum(|(_, is)| is));
    let more = is.saturating_sub(was);
    (more >= MANY && is >= was.saturating_mul(TIMES)).then_some(more)
}

/// What is known after a look: what was not counted this time is as it was.
pub fn merged(before: Engagement, seen: Engagement) -> Engagement {
    Engagement {
        likes: seen.likes.or(before.likes),
        replies: seen.replies.or(before.replies),
        reposts: seen.reposts.or(before.reposts),
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(likes: Option<u64>, replies: Option<u64>, reposts: Option<u64>) -> Engagement {
        Engagement { likes, replies, reposts }
    }

    #[test]
    fn hourly_on_the_first_day_then_daily() {
        let start: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let mut at = look_again(start, None);
        let mut looks = Vec::new();
        while at < start + SignedDuration::from_hours(100) {
            looks.push(at.duration_since(start).as_hours());
            at = look_again(start, Some(at));
        }
        let expected: Vec<i64> = (1..=24).chain([48, 72, 96]).collect();
        assert_eq!(looks, expected);
    }

    #[test]
    fn what_counts_as_gathering() {
        let table = [
            ((None, Some(0), None), (None, Some(10), None), Some(10)),
            ((None, Some(0), None), (None, Some(9), None), None),
            ((None, Some(40), None), (None, Some(60), None), None),
            ((None, Some(40), None), (None, Some(80), None), Some(40)),
            ((None, Some(2), Some(1)), (None, Some(8), Some(5)), Some(10)),
            // Unknown is never 0: nothing came that was not counted before.
            ((None, None, None), (None, Some(500), None), None),
            ((None, Some(3), None), (None, None, None), None),
            ((None, Some(3), None), (None, Some(4), Some(90)), None),
            ((Some(0), Some(1), None), (Some(9000), Some(1), None), None),
            // Taken back by others.
            ((None, Some(50), None), (None, Some(5), None), None),
            ((None, Some(0), Some(0)), (None, Some(u64::MAX), Some(u64::MAX)), Some(u64::MAX)),
        ];
        for ((l, r, s), (ll, rr, ss), expected) in table {
            assert_eq!(gathers(&counts(l, r, s), &counts(ll, rr, ss)), expected, "{r:?} {s:?} → {rr:?} {ss:?}");
        }
    }

    #[test]
    fn what_is_not_told_stays_known() {
        let before = counts(Some(3), Some(4), None);
        assert_eq!(merged(before, counts(None, Some(9), None)), counts(Some(3), Some(9), None));
    }
}
