//! What is held of a source that suddenly showed everything as new, until somebody accepts it.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::{Reader, Record, millis, moment, polls};

/// What is held of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub mentions: u64,
    /// Since when.
    pub since: Timestamp,
}

impl Record {
    /// Since when something of a source is held, if so.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn held_since(&self, source: &str) -> Result<Option<Timestamp>, StoreError> {
        let source = source.to_owned();
        self.read(move |c| {
            let since: Option<i64> = c
                .prepare_cached("SELECT min(at) FROM held WHERE source = ?1")?
                .query_row([source], |row| row.get(0))
                .optional()?
                .flatten();
            Ok(since.map(moment))
        })
        .await
    }

    /// Accepts what is held of a source as new: its mails become due and its cases are opened. How many mentions.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn release(&self, source: &str, now: Timestamp) -> Result<u64, StoreError> {
        let source = source.to_owned();
        self.write(true, move |c| {
            c.prepare_cached(
                "UPDATE outbox SET status = 'queued', queued = ?2, due = ?2
                 WHERE status = 'held' AND mention IN (SELECT mention FROM held WHERE source = ?1)",
            )?
            .execute(params![source, millis(now)])?;
            let mut cases = c.prepare_cached(
                "SELECT m.id, m.department FROM held h JOIN mentions m ON m.id = h.mention
                 WHERE h.source = ?1 AND m.content ->> '$.decision.case' ORDER BY m.id",
            )?;
            let found = cases.query_map([&source], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
            for case in found.collect::<Result<Vec<_>, _>>()? {
                polls::open_case(c, case.0, &case.1, now)?;
            }
            Ok(c.execute("DELETE FROM held WHERE source = ?1", [&source])? as u64)
        })
        .await
    }
}

impl Reader {
    /// What is held, by source.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn held(&self) -> Result<HashMap<String, Held>, StoreError> {
        let mut statement = self.0.prepare("SELECT source, count(*), min(at) FROM held GROUP BY source")?;
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, Held { mentions: row.get(1)?, since: moment(row.get(2)?) })))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Notes that nothing is mailed about a mention for now.
pub(super) fn hold(c: &Connection, mention: i64, source: &str, now: Timestamp) -> Result<(), StoreError> {
    c.prepare_cached("INSERT OR IGNORE INTO held (mention, source, at) VALUES (?1, ?2, ?3)")?.execute(params![
        mention,
        source,
        millis(now)
    ])?;
    Ok(())
}
