//! Forgetting by age (`[history]`), in small steps beside the daemon's work. What must not be said twice stays, as hashes:
//! the identity and the link of a mention, and what a mail was about.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::super::StoreError;
use super::{Record, erase, millis, rows};
use crate::model::{Erased, Mention};

/// What one step took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aged {
    /// Mentions whose words, author and link went.
    pub mentions: u64,
    /// Ended cases that went with their histories.
    pub cases: u64,
    /// Mails that went from the outbox.
    pub mails: u64,
}

impl Aged {
    /// Nothing was old enough.
    pub fn is_nothing(self) -> bool {
        self == Aged::default()
    }
}

impl Record {
    /// Takes away at most `limit` each of: mails that were sent or given up before `mails`, cases that ended before
    /// `cases`, and the words of mentions found before `mentions`. A mention keeps its words while a case is kept that
    /// it belongs to, or a mail about it waits. `None`: kept for ever.
    ///
    /// # Errors
    /// The record cannot be written; nothing of the step is taken away then.
    pub async fn age(
        &self,
        mentions: Option<Timestamp>,
        cases: Option<Timestamp>,
        mails: Option<Timestamp>,
        limit: usize,
    ) -> Result<Aged, StoreError> {
        self.settle_sent().await?;
        self.write(false, move |c| {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            Ok(Aged {
                mails: mails.map_or(Ok(0), |before| drop_mails(c, before, limit))?,
                cases: cases.map_or(Ok(0), |before| drop_cases(c, before, limit))?,
                mentions: mentions.map_or(Ok(0), |before| strip_mentions(c, before, limit))?,
            })
        })
        .await
    }
}

/// Whether a mail that is no longer in the outbox said this.
pub(super) fn was_said(c: &Connection, once: &str) -> Result<bool, StoreError> {
    let mut statement = c.prepare_cached("SELECT EXISTS (SELECT 1 FROM said WHERE key = ?1)")?;
    Ok(statement.query_row([key(once)], |row| row.get(0))?)
}

fn key(once: &str) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&Sha256::digest(once)[..16]);
    key
}

fn drop_mails(c: &Connection, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let ids: Vec<i64> = c
        .prepare_cached(
            "SELECT id FROM outbox WHERE status IN ('sent', 'failed') AND finished < ?1 ORDER BY finished LIMIT ?2",
        )?
        .query_map(params![millis(before), limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut mails = 0;
    for id in ids {
        // A bundle goes with the alerts in it.
        let said: Vec<String> = c
            .prepare_cached("SELECT once FROM outbox WHERE id = ?1 OR bundle = ?1")?
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for once in &said {
            c.prepare_cached("INSERT OR IGNORE INTO said (key) VALUES (?1)")?.execute([key(once)])?;
        }
        mails += c.prepare_cached("DELETE FROM outbox WHERE bundle = ?1")?.execute([id])? as u64;
        mails += c.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([id])? as u64;
    }
    Ok(mails)
}

fn drop_cases(c: &Connection, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let ids: Vec<i64> = c
        .prepare_cached(
            "SELECT id FROM cases k WHERE ended < ?1 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.mention = k.mention
                AND o.status IN ('queued', 'deferred', 'held')) ORDER BY id LIMIT ?2",
        )?
        .query_map(params![millis(before), limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(0);
    }
    let belonging: Vec<(String, String)> = c
        .prepare(
            "SELECT m.name, f.\"from\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f
             WHERE m.type = 'table' AND f.\"table\" = 'cases'",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for id in &ids {
        for (table, column) in &belonging {
            c.prepare_cached(&format!("DELETE FROM {table} WHERE {column} = ?1"))?.execute([id])?;
        }
        c.prepare_cached("DELETE FROM cases WHERE id = ?1")?.execute([id])?;
    }
    Ok(ids.len() as u64)
}

fn strip_mentions(c: &Connection, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    let old: Vec<Mention> = c
        .prepare_cached(
            "SELECT m.id AS mention_id, m.content AS mention_content FROM mentions m WHERE m.erased IS NULL AND m.fetched < ?1
                AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.mention = m.id)
                AND NOT EXISTS (SELECT 1 FROM case_mentions j WHERE j.mention = m.id)
                AND NOT EXISTS (SELECT 1 FROM held h WHERE h.mention = m.id)
                AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.mention = m.id AND o.status IN ('queued', 'deferred', 'held'))
             ORDER BY m.fetched LIMIT ?2",
        )?
        .query_map(params![millis(before), limit], rows::mention)?
        .collect::<Result<_, _>>()?;
    let count = old.len() as u64;
    for mention in old {
        for table in ["versions", "corrections", "fingerprints"] {
            c.prepare_cached(&format!("DELETE FROM {table} WHERE mention = ?1"))?.execute([mention.id])?;
        }
        erase::strip(c, mention, Erased::Age)?;
    }
    Ok(count)
}
