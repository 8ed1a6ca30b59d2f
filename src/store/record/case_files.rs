//! Cases read back with everything that is known of them, for commands, pages and mails.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::StoreError;
use super::{cases, millis, moment, rows, themes};
use crate::cases::{OFTEN_WITHIN, complains};
use crate::model::{Case, CaseStatus, CaseStep, Category, Happening, Mention, Owner, Severity, ThemeTitle};

/// Lines of a history that are read: nobody looks at more, and an author who writes all day fills it.
const MAX_HISTORY: usize = 500;
/// Later mentions of an author that are read, the newest.
const MAX_LATER: usize = 50;
/// Earlier cases of an author that are read, the newest.
const MAX_EARLIER: usize = 10;

/// Another case of the same author.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct EarlierCase {
    pub case: i64,
    pub opened: Timestamp,
    pub status: CaseStatus,
    pub category: Category,
    pub severity: Severity,
    pub ended: Option<Timestamp>,
}

/// A later mention of the author.
#[derive(Clone, Debug)]
pub struct LaterMention {
    pub mention: Mention,
    pub complains: bool,
}

/// A case with everything that is known of it.
#[derive(Clone, Debug)]
pub struct CaseFile {
    pub case: Case,
    pub mention: Mention,
    /// What it is about, if it is a theme's.
    pub theme: Option<ThemeTitle>,
    pub steps: Vec<CaseStep>,
    /// What the author wrote later; of a theme's case what others wrote. Oldest first.
    pub later: Vec<LaterMention>,
    /// Cases of the same author that were opened up to 90 days before, newest first; a complaint about an employee is
    /// not among those that everybody sees.
    pub earlier: Vec<EarlierCase>,
    pub due: Option<Timestamp>,
}

pub(super) fn file(c: &Connection, id: i64) -> Result<Option<CaseFile>, StoreError> {
    let found = c
        .prepare_cached(
            "SELECT k.id, k.content, k.due, k.author, k.mention AS mention_id, m.content AS mention_content
             FROM cases k JOIN mentions m ON m.id = k.mention WHERE k.id = ?1",
        )?
        .query_row([id], |row| {
            Ok((cases::case(row)?, rows::mention(row)?, cases::due(row)?, row.get::<_, Option<Vec<u8>>>("author")?))
        })
        .optional()?;
    let Some((case, mention, due, author)) = found else { return Ok(None) };
    let mut steps: Vec<CaseStep> = c
        .prepare_cached("SELECT at, by, what FROM case_history WHERE case_id = ?1 ORDER BY id DESC LIMIT ?2")?
        .query_map(params![id, MAX_HISTORY], |row| {
            Ok(CaseStep { at: moment(row.get("at")?), by: row.get("by")?, what: rows::json(row, "what")? })
        })?
        .collect::<Result<_, _>>()?;
    steps.reverse();
    // What was opened before there was a history still has a beginning.
    if steps.is_empty() {
        let owner = Owner::department(&case.owner.department);
        let what = Happening::Opened { owner, why: crate::model::OwnerReason::WholeDepartment };
        steps.push(CaseStep { at: case.opened, by: None, what });
    }
    let theme = themes::title_of(c, &case)?;
    let later = match &theme {
        Some(theme) => said_by_others(c, theme.id, case.mention)?,
        None => said_later(c, id)?,
    };
    let since = case.opened.checked_sub(OFTEN_WITHIN).unwrap_or(Timestamp::MIN);
    let earlier = match author {
        Some(author) => c
            .prepare_cached(
                "SELECT id, content, mention AS mention_id FROM cases
                 WHERE author = ?1 AND id < ?2 AND opened >= ?3 AND content ->> '$.privacy' = ?5 ORDER BY id DESC LIMIT ?4",
            )?
            .query_map(params![author, id, millis(since), MAX_EARLIER, case.privacy.as_str()], |row| Ok(earlier(cases::case(row)?)))?
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    Ok(Some(CaseFile { case, mention, theme, steps, later, earlier, due }))
}

/// What the author of a case wrote later, oldest first.
fn said_later(c: &Connection, case: i64) -> Result<Vec<LaterMention>, StoreError> {
    let mut later: Vec<LaterMention> = c
        .prepare_cached(
            "SELECT m.id AS mention_id, m.content AS mention_content, j.complains FROM case_mentions j
             JOIN mentions m ON m.id = j.mention WHERE j.case_id = ?1 ORDER BY m.id DESC LIMIT ?2",
        )?
        .query_map(params![case, MAX_LATER], |row| {
            Ok(LaterMention { mention: rows::mention(row)?, complains: row.get("complains")? })
        })?
        .collect::<Result<_, _>>()?;
    later.reverse();
    Ok(later)
}

/// What is in a theme beside its first mention, oldest first.
fn said_by_others(c: &Connection, theme: i64, first: i64) -> Result<Vec<LaterMention>, StoreError> {
    let mut others: Vec<LaterMention> = c
        .prepare_cached(
            "SELECT m.id AS mention_id, m.content AS mention_content FROM theme_mentions t
             JOIN mentions m ON m.id = t.mention WHERE t.theme = ?1 AND m.id <> ?2
                AND ifnull(m.content ->> '$.decision.privacy', 'usual') = 'usual' ORDER BY m.id DESC LIMIT ?3",
        )?
        .query_map(params![theme, first, MAX_LATER], |row| {
            let mention = rows::mention(row)?;
            Ok(LaterMention { complains: complains(&mention), mention })
        })?
        .collect::<Result<_, _>>()?;
    others.reverse();
    Ok(others)
}

/// The case in columns `id`, `content` and `mention_id`, as one among others.
pub(super) fn earlier_row(row: &Row<'_>) -> rusqlite::Result<EarlierCase> {
    Ok(earlier(cases::case(row)?))
}

fn earlier(case: Case) -> EarlierCase {
    let Case { id, opened, status, category, severity, ended, .. } = case;
    EarlierCase { case: id, opened, status, category, severity, ended: ended.map(|mark| mark.at) }
}
