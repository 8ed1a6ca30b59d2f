//! Cursors and health of sources.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::{Reader, Record, millis, moment, rows};
use crate::model::{Cursor, Health};
use crate::schedule;

/// Where a source stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceState {
    pub cursor: Cursor,
    pub health: Health,
}

impl Record {
    /// Where all sources stand that were ever polled, by name.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn source_states(&self) -> Result<HashMap<String, SourceState>, StoreError> {
        self.read(load).await
    }

    /// Records where sources stand after polls that brought nothing (not modified, failed).
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn save_source_states(&self, states: Vec<(String, SourceState)>) -> Result<(), StoreError> {
        self.write(false, move |c| states.iter().try_for_each(|(name, state)| save(c, name, state))).await
    }
}

impl Reader {
    /// The last gap of each source that ever had one: when, and why.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn last_gaps(&self) -> Result<HashMap<String, (Timestamp, String)>, StoreError> {
        let mut statement = self
            .0
            .prepare("SELECT source, at, reason FROM gaps WHERE id IN (SELECT max(id) FROM gaps GROUP BY source)")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, (moment(row.get(1)?), row.get(2)?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Where all sources stand that were ever polled, by name.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn source_states(&self) -> Result<HashMap<String, SourceState>, StoreError> {
        load(&self.0)
    }
}

pub(super) fn load(c: &Connection) -> Result<HashMap<String, SourceState>, StoreError> {
    let mut statement = c.prepare(&format!("SELECT {} FROM sources", rows::SOURCE_STATE))?;
    let rows = statement.query_map([], rows::source_state)?;
    rows.map(|row| row.map(|(name, cursor, health)| (name, SourceState { cursor, health })).map_err(StoreError::from))
        .collect()
}

/// When a source was polled, and is to be, as its row has it.
pub(super) struct Times {
    pub last_heard: Option<Timestamp>,
    pub last_poll: Option<Timestamp>,
    pub next_poll: Option<Timestamp>,
    pub blind_since: Option<Timestamp>,
}

/// The times of a source; `None` if it was never polled.
pub(super) fn times(c: &Connection, name: &str) -> Result<Option<Times>, StoreError> {
    let mut statement =
        c.prepare_cached("SELECT last_heard, last_poll, next_poll, blind_since FROM sources WHERE name = ?1")?;
    let row = statement.query_row([name], |row| {
        let at = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(moment));
        Ok(Times { last_heard: at(0)?, last_poll: at(1)?, next_poll: at(2)?, blind_since: at(3)? })
    });
    Ok(row.optional()?)
}

/// Remembers the time in which nobody asked a source, if it is over: mentiond itself did not run. A source that then
/// fails is blind since it was heard last, which is kept when that ends.
fn note_standstill(c: &Connection, name: &str, health: &Health) -> Result<(), StoreError> {
    let (None, Some(now), Some(before)) = (health.blind_since, health.last_poll, times(c, name)?) else {
        return Ok(());
    };
    if before.blind_since.is_none()
        && let Some(since) = schedule::late_since(before.last_poll, before.next_poll, now)
    {
        c.prepare_cached("INSERT INTO blind (source, since, until) VALUES (?1, ?2, ?3)")?.execute(params![
            name,
            millis(since),
            millis(now)
        ])?;
    }
    Ok(())
}

pub(super) fn save(c: &Connection, name: &str, state: &SourceState) -> Result<(), StoreError> {
    let SourceState { cursor, health } = state;
    note_standstill(c, name, health)?;
    let mut statement = c.prepare_cached(
        "INSERT OR REPLACE INTO sources (name, cursor, status, error, error_class, failures, entries, last_heard, last_poll,
            next_poll, blind_since, blind_seconds, told) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    statement.execute(params![
        name,
        rows::to_json(cursor)?,
        health.status.as_str(),
        health.error,
        health.error_class.map(|class| class.as_str()),
        health.failures,
        health.entries,
        health.last_heard.map(millis),
        health.last_poll.map(millis),
        health.next_poll.map(millis),
        health.blind_since.map(millis),
        health.blind_seconds,
        health.told,
    ])?;
    Ok(())
}
