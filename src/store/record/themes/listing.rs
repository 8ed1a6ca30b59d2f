//! Themes read back, for commands, dossiers, digests and reports.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::super::StoreError;
use super::super::case_files::{self, EarlierCase};
use super::super::{Reader, Record, millis, moment, rows};
use super::{theme, unpack};
use crate::model::{Case, Decision, Mention, Theme, ThemeStatus, ThemeStep, ThemeTitle};
use crate::themes::Joined;
use crate::themes::place::{AKIN, alike};

/// Mentions of a theme that are read, the newest.
pub(super) const MOST_MENTIONS: usize = 200;
/// Mentions that say who may know of a theme, the newest.
const MOST_DECISIONS: usize = 50;
/// Lines of a theme's history that are read, the newest.
const MOST_STEPS: usize = 200;
/// Cases inside a theme that are read, the newest.
const MOST_CASES: usize = 20;
/// Themes that a theme is compared with, those heard of last, and ended cases of those like it that are read.
const MOST_COMPARED: usize = 500;
const MOST_AKIN: usize = 5;
/// Days of a theme's trend.
const TREND_DAYS: i64 = 14;
/// Days before them that tell the usual.
const USUAL_DAYS: i64 = 56;
const DAY: i64 = 86_400_000;

/// Which themes to list.
#[derive(Clone, Debug, Default)]
pub struct ThemeFilter {
    pub status: Option<ThemeStatus>,
    /// Growing themes of one person, closed and merged ones too, if no status is asked for.
    pub all: bool,
    pub watchlist: Option<String>,
    /// Only those heard of since.
    pub since: Option<Timestamp>,
    /// At most this many, those with most people first.
    pub limit: usize,
}

/// A theme as listed.
#[derive(Clone, Debug, PartialEq)]
pub struct ThemeRow {
    pub theme: Theme,
    /// Distinct people, ever.
    pub people: u64,
    /// Mentions, copies left out.
    pub mentions: u64,
}

/// A theme as listed, with who may know of it.
#[derive(Clone, Debug)]
pub struct ThemeFace {
    pub row: ThemeRow,
    /// What was decided about its newest mentions, at most 50.
    pub decisions: Vec<Decision>,
}

/// A mention of a theme.
#[derive(Clone, Debug)]
pub struct ThemeMention {
    pub mention: Mention,
    pub why: Joined,
    /// People of the theme in order of appearance, from 1.
    pub person: u64,
}

/// A theme with everything that is known of it.
#[derive(Clone, Debug)]
pub struct ThemeFile {
    pub row: ThemeRow,
    /// Oldest first, at most the newest 200.
    pub mentions: Vec<ThemeMention>,
    pub steps: Vec<ThemeStep>,
    /// Mentions a day, the last 14 days up to the newest mention.
    pub days: Vec<u64>,
    /// Mentions a day in the eight weeks before those.
    pub usual: f64,
    /// Most first.
    pub sources: Vec<(String, u64)>,
    pub languages: Vec<(String, u64)>,
    /// Cases of its mentions, open ones first, then the newest; the theme's own case is not among them. At most 20 …
    pub cases: Vec<EarlierCase>,
    /// … of so many that are open, and have ended.
    pub open_cases: u64,
    pub ended_cases: u64,
    /// Cases that have ended, of other themes that are like this one and of their mentions, newest first: how such things
    /// ended before.
    pub akin: Vec<EarlierCase>,
}

impl Record {
    /// Everything about a theme, for its dossier.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn theme_file(&self, id: i64) -> Result<Option<ThemeFile>, StoreError> {
        self.read(move |c| file(c, id)).await
    }

    /// Themes, for digests and reports.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn themes(&self, filter: ThemeFilter) -> Result<Vec<ThemeRow>, StoreError> {
        self.read(move |c| list(c, &filter)).await
    }

    /// Themes with a lower number than `before`, the newest first, for programs and for choosing one.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn theme_faces(&self, filter: ThemeFilter, before: Option<i64>) -> Result<Vec<ThemeFace>, StoreError> {
        self.read(move |c| faces(c, &filter, before)).await
    }
}

impl Reader {
    /// Themes, those with most people first.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn themes(&self, filter: &ThemeFilter) -> Result<Vec<ThemeRow>, StoreError> {
        list(&self.0, filter)
    }

    /// Everything about a theme.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn theme(&self, id: i64) -> Result<Option<ThemeFile>, StoreError> {
        file(&self.0, id)
    }

    /// The theme of a mention, if it is in one.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn theme_of(&self, mention: i64) -> Result<Option<i64>, StoreError> {
        let mut statement = self.0.prepare("SELECT theme FROM theme_mentions WHERE mention = ?1")?;
        Ok(statement.query_row([mention], |row| row.get(0)).optional()?)
    }
}

/// The rows that a filter lets through, below a number if there is one.
fn select(c: &Connection, filter: &ThemeFilter, below: Option<i64>, order: &str) -> Result<Vec<ThemeRow>, StoreError> {
    let mut statement = c.prepare_cached(&format!(
        "SELECT h.id, h.content, count(DISTINCT t.person) AS people, count(t.mention) AS placed
         FROM themes h LEFT JOIN theme_mentions t ON t.theme = h.id
         WHERE h.id < ?1 AND (?2 IS NULL OR h.status = ?2) AND (?2 IS NOT NULL OR ?3 OR h.status IN ('growing', 'open'))
            AND (?4 IS NULL OR h.watchlist = ?4) AND (?5 IS NULL OR h.last_seen >= ?5)
         GROUP BY h.id HAVING ?2 IS NOT NULL OR ?3 OR people > 1 OR h.status = 'open' ORDER BY {order} LIMIT ?6"
    ))?;
    let rows = statement.query_map(
        params![
            below.unwrap_or(i64::MAX),
            filter.status.map(ThemeStatus::as_str),
            filter.all,
            filter.watchlist,
            filter.since.map(millis),
            i64::try_from(filter.limit).unwrap_or(i64::MAX),
        ],
        row_of,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn list(c: &Connection, filter: &ThemeFilter) -> Result<Vec<ThemeRow>, StoreError> {
    select(c, filter, None, "h.status = 'open' DESC, people DESC, h.id DESC")
}

fn faces(c: &Connection, filter: &ThemeFilter, before: Option<i64>) -> Result<Vec<ThemeFace>, StoreError> {
    let rows = select(c, filter, before, "h.id DESC")?;
    let mut decided = c.prepare_cached(
        "SELECT m.content -> '$.decision' AS decision FROM theme_mentions t JOIN mentions m ON m.id = t.mention
         WHERE t.theme = ?1 ORDER BY t.mention DESC LIMIT ?2",
    )?;
    let mut found = Vec::new();
    for row in rows {
        let decisions = decided.query_map(params![row.theme.id, MOST_DECISIONS], |row| rows::json(row, "decision"))?;
        let decisions = decisions.collect::<Result<_, _>>()?;
        found.push(ThemeFace { row, decisions });
    }
    Ok(found)
}

fn row_of(row: &Row<'_>) -> rusqlite::Result<ThemeRow> {
    Ok(ThemeRow { theme: theme(row)?, people: row.get("people")?, mentions: row.get("placed")? })
}

fn file(c: &Connection, id: i64) -> Result<Option<ThemeFile>, StoreError> {
    let row = c
        .prepare_cached(
            "SELECT h.id, h.content, count(DISTINCT t.person) AS people, count(t.mention) AS placed
             FROM themes h LEFT JOIN theme_mentions t ON t.theme = h.id WHERE h.id = ?1 GROUP BY h.id",
        )?
        .query_row([id], row_of)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let mut persons: Vec<Vec<u8>> = Vec::new();
    let mut mentions: Vec<ThemeMention> = Vec::new();
    let mut statement = c.prepare_cached(
        "SELECT * FROM (SELECT m.id AS mention_id, m.content AS mention_content, t.person, t.why FROM theme_mentions t
            JOIN mentions m ON m.id = t.mention WHERE t.theme = ?1 ORDER BY t.mention DESC LIMIT ?2) ORDER BY mention_id",
    )?;
    let mut found = statement.query(params![id, MOST_MENTIONS])?;
    while let Some(row) = found.next()? {
        let person: Vec<u8> = row.get("person")?;
        let number = persons.iter().position(|p| *p == person).unwrap_or_else(|| {
            persons.push(person);
            persons.len() - 1
        });
        mentions.push(ThemeMention {
            mention: rows::mention(row)?,
            why: rows::json(row, "why")?,
            person: number as u64 + 1,
        });
    }
    let mut steps: Vec<ThemeStep> = c
        .prepare_cached("SELECT at, by, what FROM theme_history WHERE theme = ?1 ORDER BY id DESC LIMIT ?2")?
        .query_map(params![id, MOST_STEPS], |row| {
            Ok(ThemeStep { at: moment(row.get("at")?), by: row.get("by")?, what: rows::json(row, "what")? })
        })?
        .collect::<Result<_, _>>()?;
    steps.reverse();
    let end = millis(row.theme.last_seen) + 1;
    let count = "SELECT count(*) FROM theme_mentions WHERE theme = ?1 AND at >= ?2 AND at < ?3";
    let mut count = c.prepare_cached(count)?;
    let mut days = Vec::new();
    for day in (0..TREND_DAYS).rev() {
        days.push(count.query_row(params![id, end - (day + 1) * DAY, end - day * DAY], |row| row.get(0))?);
    }
    let before = end - TREND_DAYS * DAY;
    let usual: u64 = count.query_row(params![id, before - USUAL_DAYS * DAY, before], |row| row.get(0))?;
    let tally = |column: &str| -> Result<Vec<(String, u64)>, StoreError> {
        let sql = format!(
            "SELECT {column} AS word, count(*) AS n FROM theme_mentions t JOIN mentions m ON m.id = t.mention
             WHERE t.theme = ?1 GROUP BY word ORDER BY n DESC, word"
        );
        let mut statement = c.prepare_cached(&sql)?;
        let rows = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    };
    let cases = c
        .prepare_cached(
            "SELECT k.id, k.content, k.mention AS mention_id FROM theme_mentions t JOIN mention_cases k ON k.mention = t.mention
             WHERE t.theme = ?1 ORDER BY k.ended IS NOT NULL, k.id DESC LIMIT ?2",
        )?
        .query_map(params![id, MOST_CASES], case_files::earlier_row)?
        .collect::<Result<_, _>>()?;
    let (all_cases, ended_cases): (u64, u64) = c
        .prepare_cached(
            "SELECT count(*), count(k.ended) FROM theme_mentions t JOIN mention_cases k ON k.mention = t.mention
             WHERE t.theme = ?1",
        )?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let akin = akin(c, id, &row.theme.watchlist)?;
    Ok(Some(ThemeFile {
        sources: tally("m.source")?,
        languages: tally("m.content ->> '$.classification.language.code'")?,
        row,
        mentions,
        steps,
        days,
        usual: usual as f64 / USUAL_DAYS as f64,
        cases,
        open_cases: all_cases.saturating_sub(ended_cases),
        ended_cases,
        akin,
    }))
}

/// Cases that have ended of the themes that are most like this one.
fn akin(c: &Connection, id: i64, watchlist: &str) -> Result<Vec<EarlierCase>, StoreError> {
    let terms: Vec<u8> =
        c.prepare_cached("SELECT terms FROM themes WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
    let terms = unpack(&terms);
    let mut statement = c.prepare_cached(
        "SELECT h.id, h.terms FROM themes h WHERE h.watchlist = ?1 AND h.id <> ?2 AND h.status <> 'merged' AND (
            EXISTS (SELECT 1 FROM cases k WHERE k.theme = h.id AND k.ended IS NOT NULL)
            OR EXISTS (SELECT 1 FROM theme_mentions t JOIN mention_cases k ON k.mention = t.mention
                WHERE t.theme = h.id AND k.ended IS NOT NULL))
         ORDER BY h.last_seen DESC LIMIT ?3",
    )?;
    let mut themes: Vec<(f32, i64)> = Vec::new();
    let mut found = statement.query(params![watchlist, id, MOST_COMPARED])?;
    while let Some(row) = found.next()? {
        let near = alike(&terms, &unpack(&row.get::<_, Vec<u8>>("terms")?));
        if near >= AKIN {
            themes.push((near, row.get("id")?));
        }
    }
    themes.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    let mut cases: Vec<EarlierCase> = Vec::new();
    for (_, theme) in themes.into_iter().take(MOST_AKIN) {
        let mut statement = c.prepare_cached(
            "SELECT k.id, k.content, k.mention AS mention_id FROM cases k WHERE k.ended IS NOT NULL AND (k.theme = ?1
                OR (k.theme IS NULL AND k.mention IN (SELECT mention FROM theme_mentions WHERE theme = ?1)))
             ORDER BY k.id DESC LIMIT ?2",
        )?;
        let rows = statement.query_map(params![theme, MOST_AKIN], case_files::earlier_row)?;
        cases.extend(rows.collect::<Result<Vec<_>, _>>()?);
    }
    cases.sort_by_key(|case| std::cmp::Reverse(case.case));
    cases.truncate(MOST_AKIN);
    Ok(cases)
}

/// The theme that a case is about, if it is one's.
pub(in super::super) fn title_of(c: &Connection, case: &Case) -> Result<Option<ThemeTitle>, StoreError> {
    let Some(theme) = case.theme.map(|id| super::read(c, id)).transpose()?.flatten() else { return Ok(None) };
    let people = super::people(c, theme.id, Timestamp::MIN)?;
    Ok(Some(ThemeTitle { id: theme.id, name: theme.name, category: theme.category, people }))
}
