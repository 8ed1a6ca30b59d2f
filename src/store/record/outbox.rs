//! The outbox: one row a mail and recipient, from queued to sent or failed. The mail that is on its way, and those that
//! left since the last commit, are noted in a file (`under_way.rs`), so that after a crash exactly the one mail whose
//! fate is unknown is marked as a possible duplicate.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use std::sync::PoisonError;

use super::super::StoreError;
use super::super::under_way::UnderWay;
use super::listing::{AlsoSeen, also_seen};
use super::perks;
use super::polls::{DeliveryContent, NewDelivery};
use super::{Record, millis, moment, rows};
use crate::model::{Delivery, DeliveryKind, GivenPerk, Mention};
use crate::point;
use crate::schedule::{PACE_WINDOW, RetryDecision};

/// A mail that is due.
#[derive(Clone, Debug)]
pub struct Due {
    pub delivery: Delivery,
    pub content: DeliveryContent,
    pub mention: Option<Mention>,
    pub story: Option<i64>,
    pub story_started: Option<Timestamp>,
    /// Hashes of the mention's significant words.
    pub words: Vec<u32>,
    /// The case that was opened for the mention.
    pub case: Option<i64>,
    /// Where else the story was seen.
    pub also_seen: Vec<AlsoSeen>,
    /// What the mention was thanked for with.
    pub perk: Option<GivenPerk>,
}

/// A recipient with more alerts due than fit into the pace window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crowded {
    pub recipient: String,
    /// Numbers of the alerts that are due, oldest first.
    pub alerts: Vec<i64>,
    /// Mails sent to this recipient within the window …
    pub got: usize,
    /// … and when the oldest of those was sent.
    pub oldest: Option<Timestamp>,
}

/// A mail that was tried, and waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub recipient: String,
    pub queued: Timestamp,
    /// Why it waits.
    pub error: String,
}

impl Record {
    /// After a crash: mails that had left are settled, and the one that was on its way is marked as a possible
    /// duplicate. Returns how many were marked, 0 or 1.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn recover_outbox(&self) -> Result<usize, StoreError> {
        let (sent, unknown) = self.notes(|notes| (notes.sent().to_vec(), notes.begun()));
        let marked = self
            .write(true, move |c| {
                settle_sent(c, &sent)?;
                Ok(c.execute(
                    "UPDATE outbox SET possible_duplicate = 1 WHERE id = ?1 AND status IN ('queued', 'deferred')",
                    [unknown],
                )?)
            })
            .await?;
        point::at("outbox-recovering");
        self.notes(|notes| notes.not_taken().and_then(|()| notes.clear()))?;
        Ok(marked)
    }

    /// Notes that a mail is handed to the relay from now on. Survives the end of this process, but not a power cut.
    /// False: it was withdrawn meanwhile, and must not be sent.
    ///
    /// # Errors
    /// The note cannot be written: the mail must not be sent.
    pub async fn begin(&self, id: i64) -> Result<bool, StoreError> {
        if self.notes(|notes| notes.is_full()) {
            self.settle_sent().await?;
        }
        self.notes(|notes| notes.begin(id))
    }

    /// The mail that is handed to the relay just now, if any.
    pub(super) fn under_way(&self) -> Option<i64> {
        self.notes(|notes| notes.begun())
    }

    /// Keeps mails that were taken out of the outbox from being sent by a courier that read them before.
    pub(super) fn withdraw(&self, ids: Vec<i64>) {
        self.notes(|notes| notes.withdraw(ids));
    }

    /// Settles a try that was begun. Mails that the relay took are noted, and told to the record together by
    /// [`Record::settle_sent`]; anything else is recorded at once.
    ///
    /// # Errors
    /// The note or the record cannot be written: nothing more may be sent then.
    pub async fn settle(&self, id: i64, decision: RetryDecision, now: Timestamp) -> Result<(), StoreError> {
        if matches!(decision, RetryDecision::Sent) {
            return self.notes(|notes| notes.taken(id, now));
        }
        // If its fate is unknown, the note stays until the record says so too.
        let unknown = matches!(decision, RetryDecision::Retry { possible_duplicate: true, .. });
        if !unknown {
            self.notes(UnderWay::not_taken)?;
        }
        self.write(false, move |c| settle(c, id, &decision, now)).await?;
        if unknown { self.notes(UnderWay::not_taken) } else { Ok(()) }
    }

    /// Tells the record of all mails that left since the last call, in one transaction that survives the end of this
    /// process (a power cut may repeat them, with the same Message-IDs).
    ///
    /// # Errors
    /// The record cannot be written: nothing more may be sent then.
    pub async fn settle_sent(&self) -> Result<(), StoreError> {
        let sent = self.notes(|notes| notes.sent().to_vec());
        if sent.is_empty() {
            return Ok(());
        }
        self.write(false, move |c| settle_sent(c, &sent)).await?;
        point::at("outbox-settling");
        self.notes(UnderWay::clear)
    }

    fn notes<T>(&self, work: impl FnOnce(&mut UnderWay) -> T) -> T {
        work(&mut self.under_way.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Mails that are due, oldest first, at most `limit`, and none that was queued after number `upto`.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn due(&self, now: Timestamp, upto: i64, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.read(move |c| {
            let mut statement = c.prepare_cached(
                "SELECT o.*, m.id AS mention_id, m.content AS mention_content, m.story AS story, m.words AS words,
                    k.id AS case_id, s.started AS story_started
                 FROM outbox o LEFT JOIN mentions m ON m.id = o.mention LEFT JOIN mention_cases k ON k.mention = m.id
                 LEFT JOIN stories s ON s.id = m.story WHERE o.status IN ('queued', 'deferred') AND o.due <= ?1 AND o.id <= ?2
                 ORDER BY o.due, o.id LIMIT ?3",
            )?;
            let rows = statement.query_map(params![millis(now), upto, limit], due_row)?;
            let mut due: Vec<Due> = rows.collect::<Result<_, _>>()?;
            for mail in &mut due {
                if let (Some(mention), Some(story)) = (&mail.mention, mail.story) {
                    mail.also_seen = also_seen(c, story, mention.id)?;
                    mail.perk = perks::given(c, mention.id)?;
                }
            }
            Ok(due)
        })
        .await
    }

    /// When the next mail is due, if any waits.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|c| {
            let due: Option<i64> =
                c.query_row("SELECT min(due) FROM outbox WHERE status IN ('queued', 'deferred')", [], |row| {
                    row.get(0)
                })?;
            Ok(due.map(moment))
        })
        .await
    }

    /// Recipients for whom more alerts are due than `max` mails within the pace window allow, and the number of the
    /// newest mail that this is true of.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn crowded(&self, now: Timestamp, max: usize) -> Result<(Vec<Crowded>, i64), StoreError> {
        self.read(move |c| {
            let newest = c.query_row("SELECT ifnull(max(id), 0) FROM outbox", [], |row| row.get(0))?;
            let since = millis(now.checked_sub(PACE_WINDOW).unwrap_or(Timestamp::MIN));
            let mut recipients = c.prepare_cached(
                "SELECT recipient, count(*) FROM outbox WHERE status IN ('queued', 'deferred') AND due <= ?1 AND kind = 'alert'
                 GROUP BY recipient",
            )?;
            let mut sent = c.prepare_cached(
                "SELECT count(*), min(finished) FROM outbox WHERE status = 'sent' AND recipient = ?1 AND finished > ?2",
            )?;
            let mut waiting = c.prepare_cached(
                "SELECT id FROM outbox WHERE status IN ('queued', 'deferred') AND due <= ?1 AND kind = 'alert' AND recipient = ?2
                 ORDER BY due, id",
            )?;
            let mut crowded = Vec::new();
            let found = recipients
                .query_map([millis(now)], |row| Ok((row.get::<_, String>(0)?, row.get::<_, usize>(1)?)))?
                .collect::<Result<Vec<_>, _>>()?;
            for (recipient, count) in found {
                let (got, oldest): (usize, Option<i64>) =
                    sent.query_row(params![recipient, since], |row| Ok((row.get(0)?, row.get(1)?)))?;
                if got + count > max {
                    let ids = waiting.query_map(params![millis(now), recipient], |row| row.get(0))?.collect::<Result<_, _>>()?;
                    crowded.push(Crowded { recipient, alerts: ids, got, oldest: oldest.map(moment) });
                }
            }
            Ok((crowded, newest))
        })
        .await
    }

    /// Puts alerts off until `until`.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn put_off(&self, alerts: Vec<i64>, until: Timestamp) -> Result<(), StoreError> {
        self.write(false, move |c| {
            let mut statement = c.prepare_cached("UPDATE outbox SET due = ?2 WHERE id = ?1")?;
            alerts
                .iter()
                .try_for_each(|id| statement.execute(params![id, millis(until)]).map(|_| ()).map_err(StoreError::from))
        })
        .await
    }

    /// Makes one mail of several alerts, in one transaction.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn bundle(&self, alerts: Vec<i64>, bundle: NewDelivery, now: Timestamp) -> Result<(), StoreError> {
        self.write(true, move |c| {
            c.prepare_cached(
                "INSERT INTO outbox (kind, recipient, message_id, once, content, queued, due, status)
                 VALUES ('bundle', ?1, ?2, 'bundle:' || ?2, ?3, ?4, ?4, 'queued')",
            )?
            .execute(params![
                bundle.recipient,
                bundle.message_id,
                rows::to_json(&bundle.content)?,
                millis(now)
            ])?;
            let id = c.last_insert_rowid();
            let mut statement = c.prepare_cached(
                "UPDATE outbox SET status = 'bundled', bundle = ?2 WHERE id = ?1 AND status IN ('queued', 'deferred')",
            )?;
            for alert in &alerts {
                statement.execute([*alert, id])?;
            }
            point::at("outbox-bundling");
            Ok(())
        })
        .await
    }

    /// The mentions (with the watchlists that each was for) that a bundle carries, newest first.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn bundled(&self, bundle: i64) -> Result<Vec<(Mention, Vec<String>)>, StoreError> {
        self.read(move |c| {
            let mut statement = c.prepare_cached(
                "SELECT o.content, m.id AS mention_id, m.content AS mention_content FROM outbox o JOIN mentions m ON m.id = o.mention
                 WHERE o.bundle = ?1 ORDER BY m.id DESC",
            )?;
            let rows = statement.query_map([bundle], |row| {
                let watchlists = match rows::json(row, "content")? {
                    DeliveryContent::Alert { watchlists, .. } => watchlists,
                    _ => Vec::new(),
                };
                Ok((rows::mention(row)?, watchlists))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Makes deferred and failed mails due now: one, or all, and has the relay tried at once. Returns how many. Notices,
    /// digests, and letters about a case that went to a department as a whole, go to the address that it has now
    /// (`departments`: key and address); `to` redirects one mail.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn retry(
        &self,
        id: Option<i64>,
        to: Option<String>,
        departments: Vec<(String, String)>,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        // What has left is not sent again.
        self.settle_sent().await?;
        self.write(true, move |c| {
            let mut readdress = c.prepare_cached(
                "UPDATE outbox SET recipient = ?3 WHERE status IN ('deferred', 'failed', 'queued')
                    AND (?1 IS NULL OR id = ?1)
                    AND ifnull(content ->> '$.department', content ->> '$.summary.department') = ?2
                    AND (kind IN ('digest', 'meeting', 'management')
                        OR kind = 'notice' AND NOT ifnull(content ->> '$.person', 0) OR ifnull(content ->> '$.shared', 0))",
            )?;
            for (key, email) in &departments {
                readdress.execute(params![id, key, email])?;
            }
            if let (Some(id), Some(to)) = (id, &to) {
                c.execute(
                    "UPDATE outbox SET recipient = ?2 WHERE id = ?1 AND status IN ('deferred', 'failed', 'queued')",
                    params![id, to],
                )?;
            }
            c.execute("UPDATE relay SET hold_until = NULL", [])?;
            Ok(c.execute(
                "UPDATE outbox SET status = 'queued', due = ?2, queued = iif(status = 'failed', ?2, queued), error = NULL
                 WHERE status IN ('deferred', 'failed', 'queued') AND (?1 IS NULL OR id = ?1)",
                params![id, millis(now)],
            )?)
        })
        .await
    }

    /// The oldest mail that was tried and has been waiting for longer than `age`, if any.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn waiting_since(&self, now: Timestamp, age: SignedDuration) -> Result<Option<Waiting>, StoreError> {
        let before = millis(now.checked_sub(age).unwrap_or(Timestamp::MIN));
        self.read(move |c| {
            let mut statement = c.prepare_cached(
                "SELECT recipient, queued, ifnull(error, '') FROM outbox
                 WHERE status = 'deferred' AND queued <= ?1 AND kind <> 'trouble' ORDER BY queued LIMIT 1",
            )?;
            let waiting = statement.query_row([before], |row| {
                Ok(Waiting { recipient: row.get(0)?, queued: moment(row.get(1)?), error: row.get(2)? })
            });
            Ok(waiting.optional()?)
        })
        .await
    }
}

/// Idempotent: what was settled before stays as it is.
fn settle_sent(c: &Connection, sent: &[(i64, Timestamp)]) -> Result<(), StoreError> {
    let mut statement = c.prepare_cached(
        "UPDATE outbox SET status = 'sent', attempts = attempts + 1, finished = ?2, error = NULL
         WHERE id = ?1 AND status IN ('queued', 'deferred')",
    )?;
    for (id, at) in sent {
        statement.execute(params![id, millis(*at)])?;
    }
    Ok(())
}

fn settle(c: &Connection, id: i64, decision: &RetryDecision, now: Timestamp) -> Result<(), StoreError> {
    match decision {
        RetryDecision::Sent => return settle_sent(c, &[(id, now)]),
        RetryDecision::Retry { at, possible_duplicate, reason } => c
            .prepare_cached(
                "UPDATE outbox SET status = 'deferred', attempts = attempts + 1, due = ?2,
                    possible_duplicate = max(possible_duplicate, ?3), error = ?4 WHERE id = ?1",
            )?
            .execute(params![id, millis(*at), possible_duplicate, reason])?,
        // The mail itself was not judged: it stays first in its row, and its own count of tries stays.
        RetryDecision::HoldRelay { reason, .. } => c
            .prepare_cached("UPDATE outbox SET status = 'deferred', attempts = attempts + 1, error = ?2 WHERE id = ?1")?
            .execute(params![id, reason])?,
        RetryDecision::GiveUp { reason } => c
            .prepare_cached(
                "UPDATE outbox SET status = 'failed', attempts = attempts + 1, finished = ?2, error = ?3 WHERE id = ?1",
            )?
            .execute(params![id, millis(now), reason])?,
    };
    Ok(())
}

fn due_row(row: &Row<'_>) -> rusqlite::Result<Due> {
    let kind: String = row.get("kind")?;
    let mention: Option<i64> = row.get("mention_id")?;
    Ok(Due {
        delivery: Delivery {
            id: row.get("id")?,
            kind: DeliveryKind::parse(&kind).unwrap_or(DeliveryKind::Alert),
            recipient: row.get("recipient")?,
            message_id: row.get("message_id")?,
            queued: moment(row.get("queued")?),
            attempts: row.get("attempts")?,
            possible_duplicate: row.get("possible_duplicate")?,
        },
        content: rows::json(row, "content")?,
        mention: mention.is_some().then(|| rows::mention(row)).transpose()?,
        story: row.get("story")?,
        story_started: row.get::<_, Option<i64>>("story_started")?.map(moment),
        words: row.get::<_, Option<Vec<u8>>>("words")?.map(|w| rows::unpack_words(&w)).unwrap_or_default(),
        case: row.get("case_id")?,
        also_seen: Vec::new(),
        perk: None,
    })
}
