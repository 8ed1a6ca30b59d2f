//! Entries that were taken back where they came from: their words go from here too. What follows from them stays (case,
//! story, who was told), because somebody may be at work on it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::{Record, rows};
use crate::model::{Identity, Mention};

impl Record {
    /// Those of `identities` that are recorded as mentions of `source` and still have their words.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn still_told(&self, source: &str, identities: Vec<Identity>) -> Result<Vec<Identity>, StoreError> {
        let source = source.to_owned();
        self.read(move |c| {
            let mut statement = c.prepare_cached(
                "SELECT 1 FROM mentions WHERE source = ?1 AND identity = ?2 AND content ->> '$.entry.withdrawn' IS NULL",
            )?;
            let mut found = Vec::new();
            for identity in identities {
                if statement.exists(params![source, identity.0])? {
                    found.push(identity);
                }
            }
            Ok(found)
        })
        .await
    }
}

/// Removes the words of a mention, those of its versions included. How many mentions: 0 or 1.
pub(super) fn withdraw(c: &Connection, source: &str, identity: &Identity, now: Timestamp) -> Result<u64, StoreError> {
    let found: Option<Mention> = c
        .prepare_cached(
            "SELECT id AS mention_id, content AS mention_content FROM mentions WHERE source = ?1 AND identity = ?2",
        )?
        .query_row(params![source, identity.0], rows::mention)
        .optional()?;
    let Some(mut mention) = found.filter(|mention| mention.entry.withdrawn.is_none()) else { return Ok(0) };
    let entry = &mut mention.entry;
    entry.withdrawn = Some(now);
    entry.title.clear();
    entry.text.clear();
    entry.links.clear();
    mention.watchlists.iter_mut().for_each(|watchlist| watchlist.matched.clear());
    // Cues and flags quote the text.
    mention.classification.cues.clear();
    c.prepare_cached("UPDATE mentions SET content = ?2 WHERE id = ?1")?
        .execute(params![mention.id, rows::to_json(&mention)?])?;
    c.prepare_cached("DELETE FROM versions WHERE mention = ?1")?.execute([mention.id])?;
    Ok(1)
}
