//! Looking at mentions again while their case is open: which are due, and what was found. What that means is decided in
//! `crate::cases`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::polls::PollCommit;
use super::{Record, cases, millis, moment, rows, withdrawn};
use crate::cases as rules;
use crate::model::{Engagement, Identity, Mention};

/// A mention to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueLook {
    pub mention: i64,
    pub identity: Identity,
    /// The source's own id.
    pub id: String,
    pub url: Option<String>,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    pub mention: i64,
    pub identity: Identity,
    pub seen: Seen,
}

/// What may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is there, with these counts.
    There(Engagement),
    /// It was taken back.
    Gone,
    /// Neither can be told.
    Unclear,
}

/// What came of all looks of a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) withdrawn: u64,
    pub(super) queued: u64,
    pub(super) gathering: u64,
}

impl Record {
    /// Mentions of a source that have an open case, joined one, or are in a theme that has one, and are due to be looked at: those that wait longest,
    /// at most `limit`.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn due_looks(&self, source: &str, now: Timestamp, limit: usize) -> Result<Vec<DueLook>, StoreError> {
        let source = source.to_owned();
        self.read(move |c| {
            let mut statement = c.prepare_cached(
                "WITH followed (mention) AS (
                     SELECT mention FROM cases WHERE ended IS NULL
                     UNION SELECT j.mention FROM case_mentions j JOIN cases k ON k.id = j.case_id WHERE k.ended IS NULL
                     UNION SELECT t.mention FROM cases k JOIN theme_mentions t ON t.theme = k.theme WHERE k.ended IS NULL)
                 SELECT m.id AS mention_id, m.content AS mention_content, m.fetched, l.due FROM followed f
                 CROSS JOIN mentions m ON m.id = f.mention LEFT JOIN looks l ON l.mention = m.id
                 WHERE m.source = ?1 AND m.content ->> '$.entry.withdrawn' IS NULL AND m.content ->> '$.entry.id' IS NOT NULL
                   AND ifnull(l.due, m.fetched) <= ?2
                 ORDER BY ifnull(l.due, m.fetched), m.id",
            )?;
            let mut found = Vec::new();
            let mut rows = statement.query(params![source, millis(now)])?;
            while let Some(row) = rows.next()? {
                let due: Option<i64> = row.get("due")?;
                let fetched = moment(row.get("fetched")?);
                if due.is_none() && rules::look_again(fetched, None) > now {
                    continue;
                }
                let mention = rows::mention(row)?;
                let Some(id) = mention.entry.id else { continue };
                found.push(DueLook {
                    mention: mention.id,
                    identity: mention.entry.identity,
                    id,
                    url: mention.entry.url,
                });
                if found.len() >= limit {
                    break;
                }
            }
            Ok(found)
        })
        .await
    }
}

/// Keeps what the looks of a poll found, and does what follows.
pub(super) fn keep(c: &Connection, poll: &PollCommit) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for looked in &poll.looked {
        look(c, poll, looked, &mut found)?;
    }
    Ok(found)
}

fn look(c: &Connection, poll: &PollCommit, looked: &Looked, found: &mut Found) -> Result<(), StoreError> {
    let now = poll.now;
    let mention: Option<Mention> = c
        .prepare_cached(
            "SELECT id AS mention_id, content AS mention_content FROM mentions
             WHERE id = ?1 AND source = ?2 AND identity = ?3",
        )?
        .query_row(params![looked.mention, poll.source, looked.identity.0], rows::mention)
        .optional()?;
    let Some(mut mention) = mention.filter(|mention| mention.entry.withdrawn.is_none()) else { return Ok(()) };
    let last: Option<(Option<i64>, Engagement, Timestamp)> = c
        .prepare_cached("SELECT missing, base, base_at FROM looks WHERE mention = ?1")?
        .query_row([mention.id], |row| Ok((row.get("missing")?, rows::json(row, "base")?, moment(row.get("base_at")?))))
        .optional()?;
    let (missing, mut base, mut base_at) = last.unwrap_or((None, mention.entry.engagement, mention.fetched));
    let mut due = rules::look_again(mention.fetched, Some(now));
    let mut missing_now = None;
    match looked.seen {
        Seen::Gone => match missing {
            // Found missing twice, an hour apart at least: no outage of a part of the service, but a deletion.
            Some(since) if rules::confirm_at(moment(since)) <= now => {
                found.withdrawn += withdrawn::withdraw(c, &poll.source, &looked.identity, now)?;
                c.prepare_cached("DELETE FROM looks WHERE mention = ?1")?.execute([mention.id])?;
                return Ok(());
            }
            since => {
                let since = since.unwrap_or_else(|| millis(now));
                missing_now = Some(since);
                due = rules::confirm_at(moment(since));
            }
        },
        Seen::Unclear => missing_now = missing,
        Seen::There(counts) => {
            let before = mention.entry.engagement;
            let counts = rules::merged(before, counts);
            if counts != before {
                mention.entry.engagement = counts;
                c.prepare_cached("UPDATE mentions SET content = ?2 WHERE id = ?1")?
                    .execute(params![mention.id, rows::to_json(&mention)?])?;
            }
            if let Some(more) = rules::gathers(&base, &counts) {
                let queued = cases::gather(c, &poll.desk, mention.id, more, now)?;
                found.queued += queued.unwrap_or(0);
                found.gathering += u64::from(queued.is_some());
                (base, base_at) = (counts, now);
            } else if now.duration_since(base_at) >= rules::GATHERED_WITHIN {
                (base, base_at) = (counts, now);
            } else {
                // What was unknown begins to be compared as soon as it is known.
                base = rules::merged(counts, base);
            }
        }
    }
    c.prepare_cached(
        "INSERT OR REPLACE INTO looks (mention, due, missing, base, base_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![mention.id, millis(due), missing_now, rows::to_json(&base)?, millis(base_at)])?;
    Ok(())
}
