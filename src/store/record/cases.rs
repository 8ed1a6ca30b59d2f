//! Cases in the record: opened or joined by a poll, moved by people, reminded of by the clock; each in one transaction
//! with its history and its mails. What follows from what is decided in `crate::cases`.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::StoreError;
use super::case_files::{CaseFile, file};
use super::perks::PerkCodes;
use super::polls::{DeliveryContent, NewDelivery, queue};
use super::{Reader, Record, millis, moment, rows, themes};
use crate::cases::{self, Action, Around, AuthorKey, Load, Loads, Look, Opening, Outcome, Refusal};
use crate::model::{ActingSettings, Actor, Case, CaseStatus, Deliver, Mention, Privacy, ThemeTitle, message_id};
use crate::point;
use crate::routing::Routing;

/// What decisions about cases need inside a transaction.
#[derive(Debug, Default)]
pub struct CaseDesk {
    pub routing: Arc<Routing>,
    /// Domain of the sender's address, for Message-IDs.
    pub sender_domain: String,
    /// Codes that departments give in thanks for praise.
    pub perks: PerkCodes,
    /// Who is told when they are used up.
    pub contact: Option<String>,
    /// When a theme must be acted on.
    pub acting: ActingSettings,
    /// Without it no mention is placed in a theme.
    pub themes: bool,
}

/// What became of a new mention as far as cases go.
#[derive(Debug, Default)]
pub(super) struct Followed {
    pub(super) opened: bool,
    /// It joined a case as another complaint: owner and community were told of that instead of a new notice.
    joined: bool,
    pub(super) queued: u64,
    /// Addresses, in lower case, that hear of it already.
    told: Vec<String>,
}

impl Followed {
    /// Whether a mail would say again what was just said.
    pub(super) fn replaces(&self, recipient: &str, content: &DeliveryContent) -> bool {
        let owner_notice = matches!(content, DeliveryContent::Notice { copy: false, .. });
        (self.joined && owner_notice) || self.told.contains(&recipient.to_lowercase())
    }
}

/// Which cases to list.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    pub status: Option<CaseStatus>,
    /// Ended ones too, if no status is asked for.
    pub all: bool,
    pub department: Option<String>,
    /// Mail address of the owner.
    pub person: Option<String>,
    /// Only cases with a lower number: where the page before ended.
    pub before: Option<i64>,
    /// Newest cases, at most this many.
    pub limit: usize,
}

/// A case as listed.
#[derive(Clone, Debug)]
pub struct CaseRow {
    pub case: Case,
    pub mention: Mention,
    /// What it is about, if it is a theme's.
    pub theme: Option<ThemeTitle>,
    /// When something comes due.
    pub due: Option<Timestamp>,
}

impl Record {
    /// Does what a person (`by`: mail address) wants done with a case, or says why not.
    ///
    /// # Errors
    /// The record cannot be written; the case stays as it is then.
    pub async fn act_on_case(
        &self,
        desk: Arc<CaseDesk>,
        id: i64,
        action: Action,
        by: Option<String>,
        now: Timestamp,
    ) -> Result<Result<Case, Refusal>, StoreError> {
        self.have_case_acted_on(desk, id, action, by.into(), now).await
    }

    /// The same for whoever acts.
    ///
    /// # Errors
    /// The record cannot be written; the case stays as it is then.
    pub async fn have_case_acted_on(
        &self,
        desk: Arc<CaseDesk>,
        id: i64,
        action: Action,
        by: Actor,
        now: Timestamp,
    ) -> Result<Result<Case, Refusal>, StoreError> {
        self.settle_sent().await?;
        let under_way = self.under_way();
        let done = self
            .write(true, move |c| {
                let done = perform(c, &desk, id, &action, &by, under_way, now)?;
                point::at("case-acting");
                Ok(done)
            })
            .await?;
        point::at("case-acted");
        Ok(done.map(|(case, overtaken)| {
            self.withdraw(overtaken);
            case
        }))
    }

    /// Has every open case looked at again: after a start or with a new configuration, deadlines may be others.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn look_at_all_cases(&self) -> Result<(), StoreError> {
        self.write(false, |c| Ok(c.execute("UPDATE cases SET due = 0 WHERE ended IS NULL", []).map(|_| ())?)).await
    }

    /// Queues the reminders that are due, of at most `limit` cases. Returns how many cases were looked at, and how many
    /// mails were queued.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn remind(&self, desk: Arc<CaseDesk>, now: Timestamp, limit: usize) -> Result<(usize, u64), StoreError> {
        self.write(true, move |c| {
            let ids: Vec<i64> = c
                .prepare_cached("SELECT id FROM cases WHERE due <= ?1 AND ended IS NULL ORDER BY due, id LIMIT ?2")?
                .query_map(params![millis(now), limit], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let loads = Loads::new();
            let mut queued = 0;
            for id in &ids {
                let Some(case) = read(c, *id)? else { continue };
                let around = Around { routing: &desk.routing, loads: &loads, now };
                match cases::look(&case, &desk.routing, now) {
                    Look::Due(reminder) => {
                        let new = c
                            .prepare_cached(
                                "INSERT OR IGNORE INTO case_reminders (case_id, round, clock, rung, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                            )?
                            .execute(params![id, case.round, reminder.clock.as_str(), reminder.rung.as_str(), millis(now)])?;
                        let mut outcome = cases::remind(around, &case, &reminder);
                        if new == 0 {
                            outcome.steps.clear();
                            outcome.mails.clear();
                        }
                        queued += keep(c, &desk, &outcome, Some(&case), None, now)?;
                    }
                    Look::Later(at) => set_due(c, *id, Some(at))?,
                    Look::Never => set_due(c, *id, None)?,
                }
            }
            Ok((ids.len(), queued))
        })
        .await
    }

    /// Whether any case is not ended.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn has_open_cases(&self) -> Result<bool, StoreError> {
        self.read(|c| Ok(c.query_row("SELECT EXISTS (SELECT 1 FROM cases WHERE ended IS NULL)", [], |row| row.get(0))?))
            .await
    }

    /// When a case comes due next, if any does.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn next_case_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|c| {
            let due: Option<i64> =
                c.query_row("SELECT min(due) FROM cases WHERE due IS NOT NULL AND ended IS NULL", [], |row| {
                    row.get(0)
                })?;
            Ok(due.map(moment))
        })
        .await
    }

    /// Cases, newest first: a page of them for people or programs beside the daemon.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn cases(&self, filter: CaseFilter) -> Result<Vec<CaseRow>, StoreError> {
        self.read(move |c| cases_of(c, &filter)).await
    }

    /// Everything about a case, for its mails and pages.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn case_file(&self, id: i64) -> Result<Option<CaseFile>, StoreError> {
        self.read(move |c| file(c, id)).await
    }
}

impl Reader {
    /// Cases, newest first.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn cases(&self, filter: &CaseFilter) -> Result<Vec<CaseRow>, StoreError> {
        cases_of(&self.0, filter)
    }

    /// Everything about a case.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn case(&self, id: i64) -> Result<Option<CaseFile>, StoreError> {
        file(&self.0, id)
    }
}

/// Does what a person wants done with a case; the numbers of mails that it overtook. `under_way` is the mail that is
/// being sent.
pub(super) fn perform(
    c: &Connection,
    desk: &CaseDesk,
    id: i64,
    action: &Action,
    by: &Actor,
    under_way: Option<i64>,
    now: Timestamp,
) -> Result<Result<(Case, Vec<i64>), Refusal>, StoreError> {
    let Some(case) = read(c, id)? else { return Ok(Err(Refusal::NoSuchCase(id))) };
    let loads = loads(c, &desk.routing)?;
    let around = Around { routing: &desk.routing, loads: &loads, now };
    let outcome = match cases::act(around, &case, action, by.person()) {
        Ok(outcome) => outcome,
        Err(refusal) => return Ok(Err(refusal)),
    };
    // A reminder that has not left yet is overtaken by what was done.
    let overtaken = if outcome.case == case { Vec::new() } else { overtaken(c, &case, under_way)? };
    keep(c, desk, &outcome, Some(&case), by.told().as_deref(), now)?;
    Ok(Ok((outcome.case, overtaken)))
}

/// A mention that began a story, or became graver by an edit: it joins a case of its author, or opens one, or neither.
pub(super) fn follow(
    c: &Connection,
    desk: &CaseDesk,
    found: &Mention,
    author: Option<AuthorKey>,
    mention: i64,
    now: Timestamp,
) -> Result<Followed, StoreError> {
    let has_case = c
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM mention_cases WHERE mention = ?1) OR EXISTS (SELECT 1 FROM case_mentions WHERE mention = ?1)",
        )?
        .query_row([mention], |row| row.get(0))?;
    if has_case {
        return Ok(Followed::default());
    }
    if let Some(case) = author.map(|author| last_case(c, author, found.decision.privacy)).transpose()?.flatten()
        && cases::joins(&case, found, now)
    {
        let complains = cases::complains(found);
        // A case that was closed is only opened again by a complaint; other words are a mention like any other.
        if complains || !case.status.is_ended() {
            c.prepare_cached("INSERT OR IGNORE INTO case_mentions (mention, case_id, complains) VALUES (?1, ?2, ?3)")?
                .execute(params![mention, case.id, complains])?;
            let loads = Loads::new();
            let around = Around { routing: &desk.routing, loads: &loads, now };
            let outcome = cases::come_back(around, &case, mention, found.classification.severity, complains);
            let queued = keep(c, desk, &outcome, Some(&case), None, now)?;
            let told = outcome.mails.iter().map(|mail| mail.to.to_lowercase()).collect();
            return Ok(Followed { opened: false, joined: complains, queued, told });
        }
    }
    let Some(opening) = Opening::of(found) else { return Ok(Followed::default()) };
    let loads = loads(c, &desk.routing)?;
    let mut outcome = cases::open(Around { routing: &desk.routing, loads: &loads, now }, &opening);
    c.prepare_cached("INSERT INTO cases (mention, department, status, opened, author) VALUES (?1, '', '', ?2, ?3)")?
        .execute(params![mention, millis(now), author.map(|a| a.0)])?;
    (outcome.case.id, outcome.case.mention) = (c.last_insert_rowid(), mention);
    let mut followed = Followed { opened: true, ..Followed::default() };
    followed.queued = keep(c, desk, &outcome, None, None, now)?;
    // Whose turn it is hears of it too, beside the department.
    if let Some(person) = cases::handled(&outcome.case).filter(|_| found.decision.deliver == Deliver::Now) {
        let content = DeliveryContent::Notice {
            department: outcome.case.owner.department.clone(),
            copy: false,
            person: true,
            news: None,
            praised: false,
        };
        let notice = NewDelivery {
            recipient: person.to_owned(),
            message_id: message_id(&desk.sender_domain, now, rand::random()),
            content,
            once: Some(format!("case {}", outcome.case.id)),
        };
        followed.queued += u64::from(queue(c, &notice, Some(mention), None, now, false)?);
        followed.told.push(person.to_lowercase());
    }
    Ok(followed)
}

/// Takes reminders out of the outbox that have not left yet and are overtaken by what was done with the case.
pub(super) fn overtaken(c: &Connection, case: &Case, under_way: Option<i64>) -> Result<Vec<i64>, StoreError> {
    let mut statement = c.prepare_cached(
        "DELETE FROM outbox WHERE mention = ?1 AND kind IN ('reminder', 'escalation', 'question')
            AND content ->> '$.case' = ?3 AND status = 'queued' AND attempts = 0 AND id IS NOT ?2 RETURNING id",
    )?;
    let ids = statement.query_map(params![case.mention, under_way, case.id], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// A mention gathers replies and reposts, `more` of them: its open case is raised, and so is that of its theme; their owners
/// are told. How many mails were queued; `None`: nobody follows it any more, or it was told before.
pub(super) fn gather(
    c: &Connection,
    desk: &CaseDesk,
    mention: i64,
    more: u64,
    now: Timestamp,
) -> Result<Option<u64>, StoreError> {
    let own: Option<i64> = c
        .prepare_cached(
            "SELECT id FROM mention_cases WHERE mention = ?1
             UNION ALL SELECT case_id FROM case_mentions WHERE mention = ?1 LIMIT 1",
        )?
        .query_row([mention], |row| row.get(0))
        .optional()?;
    let of_theme: Option<i64> = c
        .prepare_cached(
            "SELECT max(k.id) FROM theme_mentions t JOIN cases k ON k.theme = t.theme WHERE t.mention = ?1",
        )?
        .query_row([mention], |row| row.get(0))?;
    let loads = Loads::new();
    let around = Around { routing: &desk.routing, loads: &loads, now };
    let mut queued = None;
    for id in own.into_iter().chain(of_theme) {
        let Some(case) = read(c, id)? else { continue };
        if let Some(outcome) = cases::gather(around, &case, mention, more) {
            queued = Some(queued.unwrap_or(0) + keep(c, desk, &outcome, Some(&case), None, now)?);
        }
    }
    Ok(queued)
}

/// Writes what follows from an event; returns how many mails were queued.
pub(super) fn keep(
    c: &Connection,
    desk: &CaseDesk,
    outcome: &Outcome,
    before: Option<&Case>,
    by: Option<&str>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let Outcome { case, steps, mails } = outcome;
    let due = match cases::look(case, &desk.routing, now) {
        Look::Due(_) => Some(now),
        Look::Later(at) => Some(at),
        Look::Never => None,
    };
    let person = case.owner.person.as_deref().map(str::to_lowercase);
    c.prepare_cached(
        "UPDATE cases SET department = ?2, person = ?3, status = ?4, ended = ?5, due = ?6, content = ?7 WHERE id = ?1",
    )?
    .execute(params![
        case.id,
        case.owner.department,
        person,
        case.status.as_str(),
        case.ended.as_ref().map(|mark| millis(mark.at)),
        due.map(millis),
        rows::to_json(case)?,
    ])?;
    if let Some(person) = person.filter(|_| before.is_none_or(|b| b.owner != case.owner)) {
        c.prepare_cached("INSERT INTO case_owners (case_id, person) VALUES (?1, ?2)")?
            .execute(params![case.id, person])?;
    }
    if case.status.is_ended() && before.is_some_and(|b| !b.status.is_ended()) {
        themes::case_ended(c, case, by, now)?;
    }
    if case.status == CaseStatus::Open && before.is_some_and(|b| b.status != CaseStatus::Open) {
        themes::case_begun_again(c, case, by, now)?;
    }
    let mut history = c.prepare_cached("INSERT INTO case_history (case_id, at, by, what) VALUES (?1, ?2, ?3, ?4)")?;
    for step in steps {
        history.execute(params![case.id, millis(now), by, rows::to_json(step)?])?;
    }
    let mut queued = 0;
    for mail in mails {
        let content = DeliveryContent::Case {
            case: case.id,
            department: mail.department.clone(),
            copy: mail.copy,
            shared: desk.routing.department(&mail.department).is_some_and(|d| d.email.eq_ignore_ascii_case(&mail.to)),
            letter: mail.letter.clone(),
        };
        let delivery = NewDelivery {
            recipient: mail.to.clone(),
            message_id: message_id(&desk.sender_domain, now, rand::random()),
            content,
            once: Some(mail.once.clone()),
        };
        queued += u64::from(queue(c, &delivery, Some(case.mention), None, now, false)?);
    }
    Ok(queued)
}

fn cases_of(c: &Connection, filter: &CaseFilter) -> Result<Vec<CaseRow>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT k.id, k.content, k.due, k.mention AS mention_id, m.content AS mention_content
         FROM cases k JOIN mentions m ON m.id = k.mention
         WHERE (?1 IS NULL OR k.status = ?1) AND (?1 IS NOT NULL OR ?2 OR k.ended IS NULL)
            AND (?3 IS NULL OR k.department = ?3) AND (?4 IS NULL OR k.person = ?4) AND k.id < ?6
         ORDER BY k.id DESC LIMIT ?5",
    )?;
    let rows = statement.query_map(
        params![
            filter.status.map(CaseStatus::as_str),
            filter.all,
            filter.department,
            filter.person.as_deref().map(str::to_lowercase),
            i64::try_from(filter.limit).unwrap_or(i64::MAX),
            filter.before.unwrap_or(i64::MAX),
        ],
        |row| Ok((case(row)?, rows::mention(row)?, due(row)?)),
    )?;
    rows.map(|row| {
        let (case, mention, due) = row?;
        Ok(CaseRow { theme: themes::title_of(c, &case)?, case, mention, due })
    })
    .collect()
}

fn set_due(c: &Connection, id: i64, due: Option<Timestamp>) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE cases SET due = ?2 WHERE id = ?1")?.execute(params![id, due.map(millis)])?;
    Ok(())
}

pub(super) fn read(c: &Connection, id: i64) -> Result<Option<Case>, StoreError> {
    let mut statement = c.prepare_cached("SELECT id, content, mention AS mention_id FROM cases WHERE id = ?1")?;
    Ok(statement.query_row([id], case).optional()?)
}

/// The newest case of an author and of this privacy that was not dismissed.
fn last_case(c: &Connection, author: AuthorKey, privacy: Privacy) -> Result<Option<Case>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT id, content, mention AS mention_id FROM cases WHERE author = ?1 AND status <> 'dismissed'
            AND content ->> '$.privacy' = ?2 ORDER BY opened DESC, id DESC LIMIT 1",
    )?;
    Ok(statement.query_row(params![author.0, privacy.as_str()], case).optional()?)
}

/// What every configured member has to do already.
pub(super) fn loads(c: &Connection, routing: &Routing) -> Result<Loads, StoreError> {
    let mut last = c.prepare_cached("SELECT ifnull(max(id), 0) FROM case_owners WHERE person = ?1")?;
    let mut open = c.prepare_cached("SELECT count(*) FROM cases WHERE ended IS NULL AND person = ?1")?;
    let mut loads = Loads::new();
    for member in routing.departments.iter().flat_map(|d| &d.members) {
        let email = member.email.to_lowercase();
        let load = Load {
            last: last.query_row([&email], |row| row.get(0))?,
            open: open.query_row([&email], |row| row.get(0))?,
        };
        loads.insert(email, load);
    }
    Ok(loads)
}

/// The case in columns `id`, `content` and `mention_id`.
pub(super) fn case(row: &Row<'_>) -> rusqlite::Result<Case> {
    let mut case: Case = rows::json(row, "content")?;
    (case.id, case.mention) = (row.get("id")?, row.get("mention_id")?);
    Ok(case)
}

/// What column `due` says.
pub(super) fn due(row: &Row<'_>) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>("due")?.map(moment))
}
