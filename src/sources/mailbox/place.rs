//! How far a folder was read (RFC 3501, 2.3.1.1): UIDs rise and are never used twice, as long as UIDVALIDITY stays.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The cursor of a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub uidvalidity: u32,
    /// The last UID that was read; all before it were too.
    pub uid: u32,
}

impl Place {
    /// From the source's cursor; `None` if it was never read.
    pub fn from_part(part: Option<&serde_json::Value>) -> Option<Self> {
        serde_json::from_value(part?.clone()).ok()
    }

    /// For the source's cursor.
    pub fn to_part(self) -> Option<serde_json::Value> {
        serde_json::to_value(self).ok()
    }
}

/// How far back a folder is read that was never read, or whose UIDs are others now: `since`, and all the time in which
/// nothing was heard, with a day for clocks and zones that differ.
pub fn horizon(since: std::time::Duration, last_heard: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let since = SignedDuration::try_from(since).unwrap_or(SignedDuration::from_hours(24));
    let day = SignedDuration::from_hours(24);
    let from = last_heard.filter(|heard| *heard < now).unwrap_or(now);
    from.checked_sub(since).and_then(|t| t.checked_sub(day)).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH)
}
