//! What a cursor remembers of a service: where each combination of query and options stands, and what was used up.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::table::ResumeBy;

/// Ids that are remembered of one combination.
const MAX_IDS: usize = 500;
/// Longest id that is remembered, in bytes.
const MAX_ID: usize = 512;

/// Where one combination stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The latest moment of an item that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<Timestamp>,
    /// The greatest id that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_id: Option<String>,
    /// Ids of the latest items, the newest first; kept only where the end of news is known by them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// When it was last asked to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
    /// The latest moment of the last poll, if that turned pages: `high` becomes it when the next poll has passed over the
    /// same pages. What is deleted while pages are turned moves other items to pages that were read already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure: Option<Timestamp>,
    /// The same of ids: what `last_id` becomes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsure_id: Option<String>,
    /// The last poll did not move on, since what it turned up may not be all: the next one does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubted: bool,
}

impl Position {
    /// Whether it was ever asked to the end.
    pub fn is_new(&self) -> bool {
        self.asked.is_none()
    }

    /// Takes an id in.
    pub fn raise_id(&mut self, id: &str) {
        if id.len() <= MAX_ID && self.is_later(id) {
            self.last_id = Some(id.to_owned());
        }
    }

    /// Whether an id is later than the greatest one: of two, the longer one is the later, then the one that sorts last (ids
    /// are never numbers to us).
    pub fn is_later(&self, id: &str) -> bool {
        self.last_id.as_ref().is_none_or(|old| (id.len(), id) > (old.len(), old.as_str()))
    }

    /// Moves to where a poll ended that began at `before`. `newest` and `last_id` are the latest moment and the greatest id
    /// that it saw; if it is `unsure` whether that is all, what the poll before saw is sure now, and the rest is later.
    pub(super) fn settle(
        &mut self,
        before: &Self,
        by: ResumeBy,
        newest: Option<Timestamp>,
        last_id: Option<String>,
        unsure: bool,
    ) {
        if unsure && by == ResumeBy::Id {
            self.last_id = before.unsure_id.clone().or_else(|| before.last_id.clone());
            self.unsure_id = last_id;
        } else {
            self.unsure_id = None;
            self.last_id = last_id;
            before.unsure_id.iter().for_each(|id| self.raise_id(id));
        }
        let known = before.high.max(before.unsure);
        (self.high, self.unsure) =
            if unsure && by == ResumeBy::Time { (known, newest) } else { (known.max(newest), None) };
    }

    /// Remembers the ids of a poll, the newest first, before those that were known.
    pub fn remember(&mut self, ids: Vec<String>) {
        let mut met = HashSet::new();
        let all = ids.into_iter().chain(std::mem::take(&mut self.ids));
        self.ids = all.filter(|id| id.len() <= MAX_ID && met.insert(id.clone())).take(MAX_IDS).collect();
    }
}

/// The cursor's part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    /// By combination.
    #[serde(default)]
    pub at: BTreeMap<String, Position>,
    /// A period (`2026-11-22`, `2026-11`) and the units used in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<(String, u64)>,
    /// A month and what was spent in it, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<(String, u64)>,
    /// Requests that the service said are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
}

impl Positions {
    /// Reads a cursor's part; one that cannot be read is that of a source that was never polled.
    pub fn read(part: Option<&Value>) -> Self {
        part.and_then(|part| serde_json::from_value(part.clone()).ok()).unwrap_or_default()
    }

    /// As the cursor keeps it.
    pub fn part(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_id_is_the_later() {
        let mut at = Position::default();
        for id in ["9", "10", "099", "100", "11"] {
            at.raise_id(id);
        }
        assert_eq!(at.last_id.as_deref(), Some("100"));
    }

    #[test]
    fn a_poll_that_turned_pages_is_sure_after_the_next_one() {
        let moment = |second: i64| Some(Timestamp::from_second(second).unwrap());
        let step = |before: &Position, by: ResumeBy, at: i64, unsure: bool| {
            let mut after = before.clone();
            after.settle(before, by, moment(at), Some(at.to_string()), unsure);
            after
        };
        let start = Position { high: moment(100), last_id: Some("100".into()), ..Position::default() };
        let one = step(&start, ResumeBy::Time, 200, true);
        assert_eq!((one.high, one.unsure), (moment(100), moment(200)));
        let two = step(&one, ResumeBy::Time, 300, true);
        assert_eq!((two.high, two.unsure), (moment(200), moment(300)));
        let three = step(&two, ResumeBy::Time, 250, false);
        assert_eq!((three.high, three.unsure), (moment(300), None));
        let one = step(&start, ResumeBy::Id, 200, true);
        assert_eq!((one.last_id.as_deref(), one.unsure_id.as_deref()), (Some("100"), Some("200")));
        let two = step(&one, ResumeBy::Id, 300, true);
        assert_eq!((two.last_id.as_deref(), two.unsure_id.as_deref()), (Some("200"), Some("300")));
        let three = step(&two, ResumeBy::Id, 250, false);
        assert_eq!((three.last_id.as_deref(), three.unsure_id), (Some("300"), None));
    }

    #[test]
    fn newest_ids_are_kept() {
        let mut at = Position::default();
        at.remember((0..MAX_IDS).map(|n| n.to_string()).collect());
        at.remember(vec!["new".into(), "3".into()]);
        assert_eq!(
            (at.ids.len(), at.ids[0].as_str(), at.ids[1].as_str(), at.ids[2].as_str()),
            (MAX_IDS, "new", "3", "0")
        );
    }

    #[test]
    fn an_older_cursor_is_read_and_a_foreign_one_is_none() {
        let old = serde_json::json!({"at": {"q": {"high": "2026-11-01T00:00:00Z"}}});
        assert!(Positions::read(Some(&old)).at["q"].high.is_some());
        assert_eq!(Positions::read(Some(&serde_json::json!([1]))), Positions::default());
        assert_eq!(Positions::read(Positions::read(Some(&old)).part().as_ref()), Positions::read(Some(&old)));
    }
}
