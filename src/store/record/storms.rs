//! What is held of a source that suddenly showed everything as new, until somebody accepts it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::cases::Followed;
use super::{CaseDesk, DeliveryContent, Reader, Record, cases, millis, moment, perks, rows};
use crate::cases::AuthorKey;

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
    pub async fn release(&self, desk: Arc<CaseDesk>, source: &str, now: Timestamp) -> Result<u64, StoreError> {
        let source = source.to_owned();
        let themes = self.themes.clone();
        self.write(true, move |c| {
            let mut statement = c.prepare_cached(
                "SELECT m.id AS mention_id, m.content AS mention_content, m.story, h.author
                 FROM held h JOIN mentions m ON m.id = h.mention WHERE h.source = ?1 ORDER BY m.id",
            )?;
            let held = statement
                .query_map([&source], |row| {
                    Ok((rows::mention(row)?, row.get::<_, i64>("story")?, row.get::<_, Option<[u8; 16]>>("author")?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            for (mention, story, author) in &held {
                let followed = cases::follow(c, &desk, mention, author.map(AuthorKey), mention.id, now)?;
                perks::give(c, &desk, mention, mention.id, now)?;
                let_go(c, mention.id, &followed, now)?;
                themes.place(c, &desk, mention, (mention.id, *story), author.map(AuthorKey), None, now)?;
            }
            c.execute("DELETE FROM held WHERE source = ?1", [&source])?;
            Ok(held.len() as u64)
        })
        .await
    }
}

/// The held mails of a mention become due, but for those that its case has said already.
fn let_go(c: &Connection, mention: i64, followed: &Followed, now: Timestamp) -> Result<(), StoreError> {
    let mut statement =
        c.prepare_cached("SELECT id, recipient, content FROM outbox WHERE mention = ?1 AND status = 'held'")?;
    let mails = statement
        .query_map([mention], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, rows::json::<DeliveryContent>(row, "content")?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    for (id, recipient, content) in mails {
        if followed.replaces(&recipient, &content) {
            c.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([id])?;
        } else {
            c.prepare_cached("UPDATE outbox SET status = 'queued', queued = ?2, due = ?2 WHERE id = ?1")?
                .execute(params![id, millis(now)])?;
        }
    }
    Ok(())
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
pub(super) fn hold(
    c: &Connection,
    mention: i64,
    author: Option<AuthorKey>,
    source: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    c.prepare_cached("INSERT OR IGNORE INTO held (mention, source, at, author) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![mention, source, millis(now), author.map(|a| a.0)])?;
    Ok(())
}
