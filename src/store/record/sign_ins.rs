//! Links that sign in to the pages: asked for, mailed, used once; and the sessions that were ended by signing out.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::super::StoreError;
use super::polls::{NewDelivery, queue};
use super::{Record, millis};

/// How long a link works after it was asked for.
pub const SIGN_IN_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// Links that one address, and all together, may ask for in an hour.
const MAX_AN_HOUR: i64 = 5;
const MAX_OF_ALL: i64 = 200;
/// How long a link is remembered, used or not.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

impl Record {
    /// Notes that a link was asked for and queues its mail, in one transaction. False, and nothing is sent, if too many
    /// were asked for within the hour.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn ask_sign_in(&self, nonce: String, mail: NewDelivery, now: Timestamp) -> Result<bool, StoreError> {
        self.write(true, move |c| {
            let ago = |span| millis(now.checked_sub(span).unwrap_or(Timestamp::MIN));
            c.prepare_cached("DELETE FROM sign_ins WHERE asked < ?1")?.execute([ago(REMEMBERED)])?;
            let email = mail.recipient.to_lowercase();
            let (own, all): (i64, i64) = c
                .prepare_cached("SELECT count(*) FILTER (WHERE email = ?1), count(*) FROM sign_ins WHERE asked > ?2")?
                .query_row(params![email, ago(SignedDuration::from_hours(1))], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if own >= MAX_AN_HOUR || all >= MAX_OF_ALL {
                return Ok(false);
            }
            c.prepare_cached("INSERT INTO sign_ins (nonce, email, asked) VALUES (?1, ?2, ?3)")?.execute(params![
                nonce,
                email,
                millis(now)
            ])?;
            queue(c, &mail, None, None, now, false)
        })
        .await
    }

    /// Ends a session for good; `session` is the digest of its cookie, `until` when it would have ended by itself.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn sign_out(&self, session: [u8; 32], until: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        self.write(true, move |c| {
            c.prepare_cached("DELETE FROM sign_outs WHERE until <= ?1")?.execute([millis(now)])?;
            c.prepare_cached("INSERT OR IGNORE INTO sign_outs (session, until) VALUES (?1, ?2)")?
                .execute(params![session, millis(until)])?;
            Ok(())
        })
        .await
    }

    /// Whether a session was ended by signing out.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn is_signed_out(&self, session: [u8; 32]) -> Result<bool, StoreError> {
        self.read(move |c| {
            let mut statement = c.prepare_cached("SELECT EXISTS (SELECT 1 FROM sign_outs WHERE session = ?1)")?;
            Ok(statement.query_row([session], |row| row.get(0))?)
        })
        .await
    }

    /// Who a link signs in, if it is not used or too old.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn sign_in(&self, nonce: String, now: Timestamp) -> Result<Option<String>, StoreError> {
        let since = millis(now.checked_sub(SIGN_IN_WITHIN).unwrap_or(Timestamp::MIN));
        self.read(move |c| {
            let mut statement =
                c.prepare_cached("SELECT email FROM sign_ins WHERE nonce = ?1 AND used IS NULL AND asked > ?2")?;
            Ok(statement.query_row(params![nonce, since], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// The same, and uses the link up: of two who try, one is signed in.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn use_sign_in(&self, nonce: String, now: Timestamp) -> Result<Option<String>, StoreError> {
        let since = millis(now.checked_sub(SIGN_IN_WITHIN).unwrap_or(Timestamp::MIN));
        self.write(true, move |c| {
            let mut statement = c.prepare_cached(
                "UPDATE sign_ins SET used = ?3 WHERE nonce = ?1 AND used IS NULL AND asked > ?2 RETURNING email",
            )?;
            Ok(statement.query_row(params![nonce, since, millis(now)], |row| row.get(0)).optional()?)
        })
        .await
    }
}
