//! What stands still, and why, for the commands that list it.

use std::collections::HashMap;

use jiff::Timestamp;

use super::super::StoreError;
use super::{Reader, RelayState, millis, moment, relay};

/// The last reminder of a case in its present round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastReminder {
    /// What is overdue: `acknowledge`, `resolve` or `confirm`.
    pub clock: String,
    /// Who was told last: `owner`, `lead` or `management`.
    pub rung: String,
    pub at: Timestamp,
}

impl Reader {
    /// How the relay fares.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn relay_state(&self) -> Result<RelayState, StoreError> {
        relay::state(&self.0)
    }

    /// How many mails have been due since before that time and were never tried: nobody sends them.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn unsent_since(&self, before: Timestamp) -> Result<u64, StoreError> {
        let sql =
            "SELECT count(*) FROM outbox WHERE status IN ('queued', 'deferred') AND status = 'queued' AND due < ?1";
        Ok(self.0.query_row(sql, [millis(before)], |row| row.get(0))?)
    }

    /// Open cases that are overdue, by number.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn overdue_cases(&self) -> Result<HashMap<i64, LastReminder>, StoreError> {
        // SQLite takes the columns beside max() from the row that has the maximum.
        let mut statement = self.0.prepare(
            "SELECT r.case_id, r.clock, r.rung, max(r.at) FROM case_reminders r JOIN cases k ON k.id = r.case_id
             WHERE k.ended IS NULL AND r.round = k.content ->> '$.round'
                AND (r.clock <> 'acknowledge' OR k.status = 'open') GROUP BY r.case_id",
        )?;
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, LastReminder { clock: row.get(1)?, rung: row.get(2)?, at: moment(row.get(3)?) }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
