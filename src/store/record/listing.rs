//! What commands, mails and metrics read from the record.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::super::StoreError;
use super::{Reader, Record, millis, moment, rows};
use crate::model::{Category, Mention, Severity};
use crate::themes::{MAX_REMEMBERED, Signature};

/// Another place that carries a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlsoSeen {
    pub source: String,
    pub url: Option<String>,
    pub at: Timestamp,
}

/// Which mentions to list.
#[derive(Clone, Debug, Default)]
pub struct MentionFilter {
    pub since: Option<Timestamp>,
    /// Heard before that moment.
    pub until: Option<Timestamp>,
    pub watchlist: Option<String>,
    pub category: Option<Category>,
    pub severity: Option<Severity>,
    pub department: Option<String>,
    /// Copies too, not only the first mention of each story.
    pub copies: bool,
    /// Only mentions with a lower number: where the page before ended.
    pub before: Option<i64>,
    /// Newest ones, at most this many.
    pub limit: usize,
}

/// A mention as listed.
#[derive(Clone, Debug)]
pub struct MentionRow {
    pub mention: Mention,
    pub story: i64,
    pub original: bool,
    pub case: Option<i64>,
    /// Number of the theme that it is in.
    pub theme: Option<i64>,
}

/// A mail as listed.
#[derive(Clone, Debug, Serialize)]
pub struct DeliveryRow {
    pub id: i64,
    pub kind: String,
    pub recipient: String,
    pub message_id: String,
    pub mention: Option<i64>,
    pub status: String,
    pub attempts: u32,
    pub queued: Timestamp,
    pub due: Timestamp,
    pub finished: Option<Timestamp>,
    pub possible_duplicate: bool,
    pub error: Option<String>,
}

/// How much mail is in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OutboxCounts {
    pub queued: u64,
    pub deferred: u64,
    pub sent: u64,
    /// Alerts that went out inside a bundle.
    pub bundled: u64,
    /// Waits until somebody accepts what a source suddenly showed as new.
    pub held: u64,
    pub failed: u64,
}

impl Record {
    /// Signatures of mentions newer than `after`, oldest first; at most the newest [`MAX_REMEMBERED`].
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn signatures_after(&self, after: i64) -> Result<Vec<Signature>, StoreError> {
        self.read(move |c| {
            let mut statement = c.prepare_cached(
                "SELECT id, story, fetched, category, words FROM mentions WHERE id > ?1 AND original = 1 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![after, MAX_REMEMBERED], |row| {
                let category: String = row.get(3)?;
                Ok(Signature {
                    mention: row.get(0)?,
                    story: row.get(1)?,
                    fetched: moment(row.get(2)?),
                    category: Category::parse(&category).unwrap_or(Category::Other),
                    words: rows::unpack_words(&row.get::<_, Vec<u8>>(4)?),
                })
            })?;
            let mut found: Vec<_> = rows.collect::<Result<_, _>>()?;
            found.reverse();
            Ok(found)
        })
        .await
    }

    /// Mentions, newest first: a page of them for people or programs beside the daemon.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn mentions(&self, filter: MentionFilter) -> Result<Vec<MentionRow>, StoreError> {
        self.read(move |c| mentions(c, &filter)).await
    }

    /// One mention, and where else its story was seen.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn mention(&self, id: i64) -> Result<Option<(MentionRow, Vec<AlsoSeen>)>, StoreError> {
        self.read(move |c| {
            let Some(row) = mention(c, id)? else { return Ok(None) };
            let also_seen = also_seen(c, row.story, id)?;
            Ok(Some((row, also_seen)))
        })
        .await
    }

    /// The mentions of these numbers, in that order.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn mentions_by_id(&self, ids: Vec<i64>) -> Result<Vec<Mention>, StoreError> {
        self.read(move |c| {
            let mut statement =
                c.prepare_cached("SELECT id AS mention_id, content AS mention_content FROM mentions WHERE id = ?1")?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                found.extend(statement.query_row([id], rows::mention).optional()?);
            }
            Ok(found)
        })
        .await
    }

    /// How much mail is in which state.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError> {
        self.read(outbox_counts).await
    }
}

impl Reader {
    /// Mentions, newest first.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn mentions(&self, filter: &MentionFilter) -> Result<Vec<MentionRow>, StoreError> {
        mentions(&self.0, filter)
    }

    /// One mention.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn mention(&self, id: i64) -> Result<Option<MentionRow>, StoreError> {
        mention(&self.0, id)
    }

    /// Where else a story was seen, apart from `mention`.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn also_seen(&self, story: i64, mention: i64) -> Result<Vec<AlsoSeen>, StoreError> {
        also_seen(&self.0, story, mention)
    }

    /// Mail about one mention (`Some`), or all mail that is not sent yet or was sent last.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn deliveries(
        &self,
        mention: Option<i64>,
        status: Option<&str>,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT * FROM outbox WHERE (?1 IS NULL OR mention = ?1) AND (?2 IS NULL OR status = ?2) ORDER BY id DESC LIMIT ?3",
        )?;
        let rows = statement.query_map(params![mention, status, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok(DeliveryRow {
                id: row.get("id")?,
                kind: row.get("kind")?,
                recipient: row.get("recipient")?,
                message_id: row.get("message_id")?,
                mention: row.get("mention")?,
                status: row.get("status")?,
                attempts: row.get("attempts")?,
                queued: moment(row.get("queued")?),
                due: moment(row.get("due")?),
                finished: row.get::<_, Option<i64>>("finished")?.map(moment),
                possible_duplicate: row.get("possible_duplicate")?,
                error: row.get("error")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How much mail is in which state.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn outbox_counts(&self) -> Result<OutboxCounts, StoreError> {
        outbox_counts(&self.0)
    }
}

fn mentions(c: &Connection, filter: &MentionFilter) -> Result<Vec<MentionRow>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT m.id AS mention_id, m.content AS mention_content, m.story, m.original, k.id AS case_id,
            (SELECT t.theme FROM theme_mentions t WHERE t.mention = m.id) AS theme_id
         FROM mentions m LEFT JOIN mention_cases k ON k.mention = m.id
         WHERE (?1 IS NULL OR m.fetched >= ?1) AND (?2 IS NULL OR m.category = ?2) AND (?3 IS NULL OR m.severity = ?3)
            AND (?4 IS NULL OR m.department = ?4) AND (?5 OR m.original = 1)
            AND (?6 IS NULL OR EXISTS (SELECT 1 FROM json_each(m.content, '$.watchlists') w WHERE w.value ->> 'name' = ?6))
            AND m.id < ?8 AND (?9 IS NULL OR m.fetched < ?9)
         ORDER BY m.id DESC LIMIT ?7",
    )?;
    let rows = statement.query_map(
        params![
            filter.since.map(millis),
            filter.category.map(Category::as_str),
            filter.severity.map(Severity::as_str),
            filter.department,
            filter.copies,
            filter.watchlist,
            i64::try_from(filter.limit).unwrap_or(i64::MAX),
            filter.before.unwrap_or(i64::MAX),
            filter.until.map(millis),
        ],
        mention_row,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn mention(c: &Connection, id: i64) -> Result<Option<MentionRow>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT m.id AS mention_id, m.content AS mention_content, m.story, m.original, k.id AS case_id,
            (SELECT t.theme FROM theme_mentions t WHERE t.mention = m.id) AS theme_id
         FROM mentions m LEFT JOIN mention_cases k ON k.mention = m.id WHERE m.id = ?1",
    )?;
    Ok(statement.query_row([id], mention_row).optional()?)
}

pub(super) fn mention_row(row: &Row<'_>) -> rusqlite::Result<MentionRow> {
    Ok(MentionRow {
        mention: rows::mention(row)?,
        story: row.get("story")?,
        original: row.get("original")?,
        case: row.get("case_id")?,
        theme: row.get("theme_id")?,
    })
}

pub(super) fn also_seen(c: &Connection, story: i64, mention: i64) -> Result<Vec<AlsoSeen>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT source, content ->> '$.entry.url', fetched, content ->> '$.entry.published' FROM mentions \
         WHERE story = ?1 AND id <> ?2 ORDER BY id LIMIT 20",
    )?;
    let rows = statement.query_map(params![story, mention], |row| {
        let published: Option<String> = row.get(3)?;
        let at = published.and_then(|p| p.parse().ok()).unwrap_or(moment(row.get(2)?));
        Ok(AlsoSeen { source: row.get(0)?, url: row.get(1)?, at })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn outbox_counts(c: &Connection) -> Result<OutboxCounts, StoreError> {
    let mut counts = OutboxCounts::default();
    let mut statement = c.prepare_cached("SELECT status, count(*) FROM outbox GROUP BY status")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let count: u64 = row.get(1)?;
        match row.get_ref(0)?.as_str().unwrap_or_default() {
            "queued" => counts.queued += count,
            "deferred" => counts.deferred += count,
            "sent" => counts.sent += count,
            "bundled" => counts.bundled += count,
            "held" => counts.held += count,
            _ => counts.failed += count,
        }
    }
    Ok(counts)
}
