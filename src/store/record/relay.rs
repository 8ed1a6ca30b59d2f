//! How the relay fares. In the record, so that a refused login is left alone and an outage is told once however often
//! the program is started meanwhile.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::super::StoreError;
use super::{Record, millis, moment};

/// What is known of the relay; the default is that all is well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayState {
    /// Failures in a row.
    pub failures: u32,
    pub down_since: Option<Timestamp>,
    /// Until when it is left alone.
    pub hold_until: Option<Timestamp>,
    /// It waits for the operator: it refuses our login, or does not encrypt.
    pub locked: bool,
    /// The operator was told of this outage.
    pub told: bool,
}

impl Record {
    /// How the relay fares.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn relay_state(&self) -> Result<RelayState, StoreError> {
        self.read(state).await
    }

    /// Records how the relay fares.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn save_relay_state(&self, state: RelayState) -> Result<(), StoreError> {
        self.write(false, move |c| {
            c.execute(
                "UPDATE relay SET failures = ?1, down_since = ?2, hold_until = ?3, locked = ?4, told = ?5",
                params![
                    state.failures,
                    state.down_since.map(millis),
                    state.hold_until.map(millis),
                    state.locked,
                    state.told
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// The relay is tried at the next occasion, whatever was planned; `locked`: even if it waits for the operator.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn end_relay_hold(&self, locked: bool) -> Result<(), StoreError> {
        self.write(false, move |c| {
            c.execute(
                "UPDATE relay SET hold_until = NULL WHERE hold_until IS NOT NULL AND (?1 OR NOT locked)",
                [locked],
            )?;
            Ok(())
        })
        .await
    }
}

/// How the relay fares, on any connection.
pub(super) fn state(c: &Connection) -> Result<RelayState, StoreError> {
    Ok(c.query_row("SELECT failures, down_since, hold_until, locked, told FROM relay", [], |row: &Row<'_>| {
        Ok(RelayState {
            failures: row.get(0)?,
            down_since: row.get::<_, Option<i64>>(1)?.map(moment),
            hold_until: row.get::<_, Option<i64>>(2)?.map(moment),
            locked: row.get(3)?,
            told: row.get(4)?,
        })
    })?)
}
