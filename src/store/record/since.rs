//! What happened to themes and cases since the digest before: read from their histories, by the numbers of the lines.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::summaries::Moment;
use super::{Record, cases, millis, moment, rows, themes};
use crate::model::{Summary, ThemeHappening, ThemeNews};
use crate::summaries::{EndedCase, Since, ThemeChange};

/// The newest lines of the histories of themes and of cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    pub themes: i64,
    pub cases: i64,
}

impl Moment<'_> {
    /// The newest lines of the histories.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn steps(&self) -> Result<Steps, StoreError> {
        let newest = |sql| self.connection().query_row(sql, [], |row| row.get(0));
        Ok(Steps {
            themes: newest("SELECT ifnull(max(id), 0) FROM theme_history")?,
            cases: newest("SELECT ifnull(max(id), 0) FROM case_history")?,
        })
    }

    /// What became of themes that had to be acted on, and which cases have ended, after the first lines and up to the
    /// second. What was taken back within that time did not happen.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn since(&self, after: Steps, upto: Steps) -> Result<Since, StoreError> {
        Ok(Since { themes: changes(self.connection(), after, upto)?, ended: ended(self.connection(), after, upto)? })
    }
}

impl Record {
    /// A summary with the reasons that people gave, as they stand in the record now.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn with_reasons(&self, mut summary: Summary) -> Result<Summary, StoreError> {
        self.read(move |c| {
            let mut of_case = c.prepare_cached("SELECT content ->> '$.reason' FROM cases WHERE id = ?1")?;
            for case in &mut summary.ended.dismissed.items {
                case.reason = of_case.query_row([case.case], |row| row.get(0)).optional()?.flatten();
            }
            let mut of_theme = c.prepare_cached(
                "SELECT what ->> '$.reason' FROM theme_history
                 WHERE theme = ?1 AND at = ?2 AND what ->> '$.what' = 'closed' ORDER BY id DESC LIMIT 1",
            )?;
            for line in &mut summary.themes.items {
                if let (Some(number), Some(ThemeNews::Closed { at, reason, .. })) = (line.number, &mut line.news) {
                    let found: Option<Option<String>> =
                        of_theme.query_row(params![number, millis(*at)], |row| row.get(0)).optional()?;
                    *reason = found.flatten().unwrap_or_default();
                }
            }
            Ok(summary)
        })
        .await
    }
}

fn changes(c: &Connection, after: Steps, upto: Steps) -> Result<Vec<ThemeChange>, StoreError> {
    // Of each theme the last that changed where it stands.
    let mut statement = c.prepare_cached(
        "SELECT h.id, h.content, s.at, s.by, s.what,
            (SELECT o.content ->> '$.name' FROM themes o WHERE o.id = s.what ->> '$.theme') AS other
         FROM theme_history s JOIN themes h ON h.id = s.theme WHERE s.id IN (
            SELECT max(id) FROM theme_history WHERE id > ?1 AND id <= ?2
                AND what ->> '$.what' IN ('opened', 'reopened', 'closed', 'shrank', 'merged-into') GROUP BY theme)
         ORDER BY s.id",
    )?;
    let mut found = statement.query(params![after.themes, upto.themes])?;
    let mut changes = Vec::new();
    while let Some(row) = found.next()? {
        let theme = themes::theme(row)?;
        // Of one that was never so big nobody was told.
        if theme.opened.is_none() && theme.case.is_none() {
            continue;
        }
        let at = moment(row.get("at")?);
        let news = match rows::json(row, "what")? {
            ThemeHappening::Opened { .. } => ThemeNews::Opened { at },
            ThemeHappening::Reopened { .. } => ThemeNews::Back { at },
            ThemeHappening::Closed { .. } => ThemeNews::Closed { at, by: row.get("by")?, reason: String::new() },
            ThemeHappening::MergedInto { .. } => {
                ThemeNews::Merged { at, into: row.get::<_, Option<String>>("other")?.unwrap_or_default() }
            }
            // Whoever has its case was told when somebody made it smaller.
            _ => continue,
        };
        let departments = match theme.case {
            Some(case) => had(c, case, after)?,
            None => Vec::new(),
        };
        changes.push(ThemeChange { number: theme.id, name: theme.name, departments, news });
    }
    Ok(changes)
}

fn ended(c: &Connection, after: Steps, upto: Steps) -> Result<Vec<EndedCase>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT k.id, k.content, k.mention AS mention_id FROM cases k WHERE k.ended IS NOT NULL AND k.id IN (
            SELECT case_id FROM case_history WHERE id > ?1 AND id <= ?2
                AND what ->> '$.what' IN ('closed', 'dismissed'))
         ORDER BY k.ended, k.id",
    )?;
    let found = statement.query_map(params![after.cases, upto.cases], cases::case)?;
    // Its own mark knows people only.
    let mut ended_by = c.prepare_cached(
        "SELECT by FROM case_history WHERE case_id = ?1 AND what ->> '$.what' IN ('closed', 'dismissed') ORDER BY id DESC LIMIT 1",
    )?;
    let mut ended = Vec::new();
    for case in found {
        let case = case?;
        ended.push(EndedCase {
            departments: had(c, case.id, after)?,
            by: ended_by.query_row([case.id], |row| row.get(0))?,
            theme: themes::title_of(c, &case)?,
            case,
        });
    }
    Ok(ended)
}

/// The departments that have had a case since: whoever answers for another department, or closes its theme, takes the case
/// from it, and that department is told how it ended, too.
fn had(c: &Connection, case: i64, after: Steps) -> Result<Vec<String>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT department FROM cases WHERE id = ?1
         UNION SELECT what ->> '$.from.department' FROM case_history
            WHERE case_id = ?1 AND id > ?2 AND what ->> '$.what' = 'moved'",
    )?;
    let rows = statement.query_map(params![case, after.cases], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
