//! Edited entries: the mention is brought up to date, and what it said before is kept.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::super::StoreError;
use super::polls::{Edit, NewMention, PollCommit, Recorded};
use super::{Reader, millis, moment, rows};
use crate::model::{Erased, Mention};

/// Versions of a mention that are kept: the first one and the newest ones. Some pages change at every poll.
const MOST: i64 = 20;

/// What an entry said before it was edited.
#[derive(Clone, Debug)]
pub struct Version {
    /// 1 is the first.
    pub version: i64,
    /// When the next one was seen.
    pub until: Timestamp,
    pub mention: Mention,
}

impl Reader {
    /// What a mention said before it was edited, oldest first.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn versions(&self, mention: i64) -> Result<Vec<Version>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT mention AS mention_id, content AS mention_content, version, until FROM versions WHERE mention = ?1 ORDER BY version",
        )?;
        let rows = statement.query_map([mention], |row| {
            Ok(Version { version: row.get("version")?, until: moment(row.get("until")?), mention: rows::mention(row)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Brings a mention that was recorded before up to date.
pub(super) fn update(
    c: &Connection,
    poll: &PollCommit,
    new: &NewMention,
    id: i64,
    story: i64,
) -> Result<Recorded, StoreError> {
    let old: Mention = c
        .prepare_cached("SELECT id AS mention_id, content AS mention_content FROM mentions WHERE id = ?1")?
        .query_row([id], rows::mention)?;
    // Whoever was forgotten stays forgotten, whatever becomes of the post.
    if old.erased == Some(Erased::Request) {
        return Ok(Recorded::Known { mention: id, story });
    }
    let mut now = new.mention.clone();
    // It was found when it was first found.
    (now.id, now.fetched) = (old.id, old.fetched);
    // What this way of looking does not count may have been counted in another one.
    now.entry.engagement = crate::cases::merged(old.entry.engagement, now.entry.engagement);
    // What was taken back does not come back because it is heard once more.
    if now == old || old.entry.withdrawn.is_some() {
        return Ok(Recorded::Known { mention: id, story });
    }
    c.prepare_cached(
        "UPDATE mentions SET content = ?2, category = ?3, severity = ?4, words = ?5, department = ?6, deliver = ?7 WHERE id = ?1",
    )?
    .execute(params![
        id,
        rows::to_json(&now)?,
        now.classification.category.as_str(),
        now.classification.severity.as_str(),
        rows::pack_words(&new.words),
        now.decision.department,
        now.decision.deliver.as_str(),
    ])?;
    let matches: Vec<String> = (now.watchlists.iter())
        .filter(|w| !old.watchlists.iter().any(|o| o.name == w.name))
        .map(|w| w.name.clone())
        .collect();
    let words_changed = now.entry.title != old.entry.title || now.entry.text != old.entry.text;
    if !words_changed && now.entry.rating == old.entry.rating {
        // The same words, judged by another configuration or seen at another link: whoever watches for more is told of
        // the story as of any other.
        return Ok(Recorded::Known { mention: id, story });
    }
    let version: i64 = c
        .prepare_cached("SELECT ifnull(max(version), 0) + 1 FROM versions WHERE mention = ?1")?
        .query_row([id], |row| row.get(0))?;
    c.prepare_cached("INSERT INTO versions (mention, version, until, content) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id, version, millis(poll.now), rows::to_json(&old)?])?;
    c.prepare_cached("DELETE FROM versions WHERE mention = ?1 AND version > 1 AND version <= ?2")?
        .execute(params![id, version - MOST])?;
    let (before, after) = (old.classification.severity, now.classification.severity);
    let edit = Edit { version, matches, raised_from: (after > before).then_some(before) };
    Ok(Recorded::Edited { mention: id, story, edit })
}
