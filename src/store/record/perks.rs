//! Codes that departments give in thanks for praise: each goes to one mention, in the transaction that queues the
//! notice, and to no other ever after.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::cases::CaseDesk;
use super::polls::{DeliveryContent, NewDelivery, queue};
use super::{Record, millis};
use crate::model::{Category, Deliver, GivenPerk, Mention, Trouble, TroubleKind, message_id};

/// Codes by department.
pub type PerkCodes = HashMap<String, Vec<String>>;

impl Record {
    /// What was set aside for a mention.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn given_perk(&self, mention: i64) -> Result<Option<GivenPerk>, StoreError> {
        self.read(move |c| given(c, mention)).await
    }
}

/// Sets a code aside for praise that is told now. Returns how many mails were queued: the operator hears once when the
/// last code is gone and another is asked for.
pub(super) fn give(
    c: &Connection,
    desk: &CaseDesk,
    found: &Mention,
    mention: i64,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let department = &found.decision.department;
    if found.classification.category != Category::Praise || found.decision.deliver != Deliver::Now {
        return Ok(0);
    }
    if found.perk_doubt.is_some() {
        return Ok(0);
    }
    let Some(codes) = desk.perks.get(department) else { return Ok(0) };
    let known = c
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM perks WHERE mention = ?1)")?
        .query_row([mention], |row| row.get(0))?;
    if known {
        return Ok(0);
    }
    let mut taken = c.prepare_cached("SELECT EXISTS (SELECT 1 FROM perks WHERE code = ?1)")?;
    let mut free = None;
    for code in codes {
        if !taken.query_row([code], |row| row.get::<_, bool>(0))? {
            free = Some(code);
            break;
        }
    }
    c.prepare_cached("INSERT INTO perks (mention, department, code, at) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        mention,
        department,
        free,
        millis(now)
    ])?;
    let (None, Some(contact)) = (free, &desk.contact) else { return Ok(0) };
    let given: i64 = c
        .prepare_cached("SELECT count(*) FROM perks WHERE department = ?1 AND code IS NOT NULL")?
        .query_row([department], |row| row.get(0))?;
    let words = format!("{given} of {} codes were given away", codes.len());
    let trouble = Trouble::new(TroubleKind::PerksUsedUp, department, words, now);
    let mail = NewDelivery {
        recipient: contact.clone(),
        message_id: message_id(&desk.sender_domain, now, rand::random()),
        content: DeliveryContent::Trouble { trouble },
        // Told again when new codes were added and given away too.
        once: Some(format!("perks {department} {given} of {}", codes.len())),
    };
    Ok(u64::from(queue(c, &mail, None, None, now, false)?))
}

/// What was set aside for a mention.
pub(super) fn given(c: &Connection, mention: i64) -> Result<Option<GivenPerk>, StoreError> {
    let found = c
        .prepare_cached("SELECT code FROM perks WHERE mention = ?1")?
        .query_row([mention], |row| row.get::<_, Option<String>>(0))
        .optional()?;
    Ok(found.map(|code| code.map_or(GivenPerk::UsedUp, GivenPerk::Code)))
}
