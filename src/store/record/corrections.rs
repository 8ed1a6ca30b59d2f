//! What people corrected about mentions: kept, listed, undone. A mention shows what it was corrected to; its earlier
//! classification is kept with the correction, so that undoing brings it back.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::super::StoreError;
use super::cases::{self, CaseDesk};
use super::{Reader, Record, millis, moment, rows};
use crate::cases::Around;
use crate::classify::{Correction, MOST_CORRECTIONS};
use crate::model::{Category, Classification, Cue, Mention, Privacy, Scored, SentimentLabel};

/// Longest text that is kept with a correction, in bytes.
const MAX_TEXT: usize = 4_000;

/// What somebody says about a mention.
#[derive(Clone, Debug, Default)]
pub struct NewCorrection {
    pub mention: i64,
    pub category: Option<Category>,
    pub sentiment: Option<SentimentLabel>,
    /// Who says so; may be empty.
    pub author: String,
}

/// A correction as listed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorrectionRow {
    pub id: i64,
    pub mention: i64,
    pub at: Timestamp,
    pub author: String,
    pub category: Option<Category>,
    pub sentiment: Option<SentimentLabel>,
    /// What mentiond had said.
    pub was_category: Category,
    pub was_sentiment: SentimentLabel,
    pub language: String,
    pub text: String,
    pub undone: Option<Timestamp>,
}

impl Record {
    /// Keeps a correction and changes the mention accordingly; its number, or `None` if there is no such mention. An
    /// earlier correction of the same mention is undone by it. What is said to be about an employee is kept private from
    /// then on, its open case included, as if it had been found to be; also when the correction is taken back.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn correct(
        &self,
        desk: Arc<CaseDesk>,
        new: NewCorrection,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        self.settle_sent().await?;
        let under_way = self.under_way();
        let (id, overtaken) = self
            .write(true, move |c| {
                undo_where(c, "mention = ?1", new.mention, now)?;
                let Some(mention) = mention(c, new.mention)? else { return Ok((None, Vec::new())) };
                let before = rows::to_json(&mention.classification)?;
                c.execute(
                    "INSERT INTO corrections (mention, at, author, category, sentiment, language, text, before)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        new.mention,
                        millis(now),
                        new.author,
                        new.category.map(Category::as_str),
                        new.sentiment.map(SentimentLabel::as_str),
                        mention.classification.language.code,
                        text_of(&mention),
                        before
                    ],
                )?;
                let id = c.last_insert_rowid();
                let corrected = corrected(&mention.classification, &new);
                let mut mention = Mention { classification: corrected, ..mention };
                let mut overtaken = Vec::new();
                if new.category == Some(Category::Staff) && mention.decision.privacy != Privacy::Staff {
                    let Mention { entry, decision, .. } = &mut mention;
                    desk.routing.keep_private(&entry.title, &entry.text, decision);
                    overtaken = make_private(c, &desk, &mention, under_way, now)?;
                }
                save(c, mention)?;
                Ok((Some(id), overtaken))
            })
            .await?;
        self.withdraw(overtaken);
        Ok(id)
    }

    /// Undoes a correction and gives the mention back what it had; false if there is none of that number in force.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn undo_correction(&self, id: i64, now: Timestamp) -> Result<bool, StoreError> {
        self.write(true, move |c| Ok(undo_where(c, "id = ?1", id, now)? > 0)).await
    }

    /// The newest corrections in force, for the classifier.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn corrections(&self) -> Result<Vec<Correction>, StoreError> {
        self.read(in_force).await
    }
}

impl Reader {
    /// The newest corrections in force, for the classifier; none in a record that knows none yet.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn corrections(&self) -> Result<Vec<Correction>, StoreError> {
        if knows_corrections(&self.0)? { in_force(&self.0) } else { Ok(Vec::new()) }
    }

    /// Corrections, newest first; with `undone` those too that were taken back.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn list_corrections(&self, undone: bool, limit: usize) -> Result<Vec<CorrectionRow>, StoreError> {
        if !knows_corrections(&self.0)? {
            return Ok(Vec::new());
        }
        let mut statement =
            self.0.prepare("SELECT * FROM corrections WHERE ?1 OR undone IS NULL ORDER BY id DESC LIMIT ?2")?;
        let rows = statement.query_map(params![undone, i64::try_from(limit).unwrap_or(i64::MAX)], listed)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The case of a mention becomes a private one; the numbers of mails that this overtook.
fn make_private(
    c: &Connection,
    desk: &CaseDesk,
    mention: &Mention,
    under_way: Option<i64>,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT id FROM mention_cases WHERE mention = ?1";
    let case: Option<i64> = c.prepare_cached(sql)?.query_row([mention.id], |row| row.get(0)).optional()?;
    let Some(case) = case.map(|id| cases::read(c, id)).transpose()?.flatten() else { return Ok(Vec::new()) };
    let loads = cases::loads(c, &desk.routing)?;
    let around = Around { routing: &desk.routing, loads: &loads, now };
    let outcome = crate::cases::make_private(around, &case, &mention.decision);
    let overtaken = cases::overtaken(c, &case, under_way)?;
    cases::keep(c, desk, &outcome, Some(&case), None, now)?;
    Ok(overtaken)
}

/// A record of an earlier version that nobody has opened for writing since.
fn knows_corrections(c: &Connection) -> Result<bool, StoreError> {
    Ok(c.query_row("SELECT count(*) FROM sqlite_master WHERE name = 'corrections'", [], |row| row.get::<_, i64>(0))?
        > 0)
}

fn in_force(c: &Connection) -> Result<Vec<Correction>, StoreError> {
    let mut statement = c.prepare("SELECT * FROM corrections WHERE undone IS NULL ORDER BY id DESC LIMIT ?1")?;
    let rows = statement.query_map([i64::try_from(MOST_CORRECTIONS).unwrap_or(i64::MAX)], |row| {
        let CorrectionRow { id, mention, category, sentiment, language, text, .. } = listed(row)?;
        Ok(Correction { id, mention, language, text, category, sentiment })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn listed(row: &Row<'_>) -> rusqlite::Result<CorrectionRow> {
    let before: Classification = rows::json(row, "before")?;
    let word = |column: &str| row.get::<_, Option<String>>(column);
    Ok(CorrectionRow {
        id: row.get("id")?,
        mention: row.get("mention")?,
        at: moment(row.get("at")?),
        author: row.get("author")?,
        category: word("category")?.as_deref().and_then(Category::parse),
        sentiment: word("sentiment")?.as_deref().and_then(SentimentLabel::parse),
        was_category: before.category,
        was_sentiment: before.sentiment.label,
        language: row.get("language")?,
        text: row.get("text")?,
        undone: row.get::<_, Option<i64>>("undone")?.map(moment),
    })
}

/// Takes back what fits; how many that were.
fn undo_where(c: &Connection, which: &str, number: i64, now: Timestamp) -> Result<usize, StoreError> {
    let mut statement =
        c.prepare(&format!("SELECT id, mention, before FROM corrections WHERE undone IS NULL AND {which}"))?;
    let found = statement
        .query_map([number], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, rows::json(row, "before")?)))?
        .collect::<Result<Vec<(i64, i64, Classification)>, _>>()?;
    for (id, about, before) in &found {
        c.execute("UPDATE corrections SET undone = ?2 WHERE id = ?1", params![id, millis(now)])?;
        if let Some(mention) = mention(c, *about)? {
            save(c, Mention { classification: before.clone(), ..mention })?;
        }
    }
    Ok(found.len())
}

fn mention(c: &Connection, id: i64) -> Result<Option<Mention>, StoreError> {
    let mut statement =
        c.prepare_cached("SELECT id AS mention_id, content AS mention_content FROM mentions WHERE id = ?1")?;
    Ok(statement.query_row([id], rows::mention).optional()?)
}

fn save(c: &Connection, mention: Mention) -> Result<(), StoreError> {
    c.execute(
        "UPDATE mentions SET category = ?2, content = ?3 WHERE id = ?1",
        params![mention.id, mention.classification.category.as_str(), rows::to_json(&mention)?],
    )?;
    Ok(())
}

/// The classification as it was corrected, with the reason.
fn corrected(before: &Classification, new: &NewCorrection) -> Classification {
    let mut after = before.clone();
    let why =
        if new.author.is_empty() { "corrected by hand".to_owned() } else { format!("corrected by {}", new.author) };
    let mut say = |effect: String| after.cues.insert(0, Cue { text: String::new(), effect, why: why.clone() });
    if let Some(label) = new.sentiment {
        after.sentiment.label = label;
        after.sentiment.score = (label as u8 as f32 - 2.0) / 2.0;
        say(format!("sentiment:{:+.1}", (label as u8 as f32 - 2.0) * 2.0));
    }
    if let Some(category) = new.category {
        say(format!("category:{}", category.as_str()));
        after.category = category;
        after.categories.retain(|s| s.name != category);
        after.categories.insert(0, Scored { name: category, score: 1.0 });
    }
    after
}

/// Title and text, cut to what is kept.
fn text_of(mention: &Mention) -> String {
    let (title, text) = (mention.entry.title.trim(), mention.entry.text.trim());
    let whole = if title.is_empty() || text.starts_with(title) { text.to_owned() } else { format!("{title}\n{text}") };
    whole.get(..whole.floor_char_boundary(MAX_TEXT)).unwrap_or("").to_owned()
}
