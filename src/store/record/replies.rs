//! Replies by mail: each is acted on once, in one transaction with what follows from it. And mails that answer mentions.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::cases::{self, CaseDesk};
use super::polls::{DeliveryContent, NewDelivery, queue};
use super::{Record, millis};
use crate::cases::{Action, Refusal, may_act};
use crate::model::{Actor, Mention, ReplyFault, message_id};
use crate::sources::identity;

/// Mails that go back to one sender in an hour at most: two programs must not talk to each other for ever.
const MAX_ANSWERS: u32 = 5;
/// References that are looked up of one mail.
const MAX_LOOKED_UP: usize = 50;
/// Characters of a first line that are quoted in an answer.
const MAX_SAID: usize = 80;

/// A reply whose sender is who they say they are.
#[derive(Clone, Debug)]
pub struct NewReply {
    /// What tells the mail from every other one.
    pub id: String,
    /// Mail address, in lower case.
    pub sender: String,
    /// Its first line, for an answer.
    pub said: String,
    /// The case that the signed address names.
    pub case: Option<i64>,
    /// Message-IDs that it answers.
    pub references: Vec<String>,
    /// What is to be done, or why that cannot be told.
    pub wish: Result<Action, ReplyFault>,
}

/// What became of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replied {
    /// It was dealt with before.
    Before,
    Done {
        case: i64,
    },
    /// Nothing was done; `answered`: a mail says so to its sender.
    Not {
        case: Option<i64>,
        fault: ReplyFault,
        answered: bool,
    },
}

impl Record {
    /// Does what a reply asks for, unless that was done before, or says why not, to its sender too.
    ///
    /// # Errors
    /// The record cannot be written; nothing was done then.
    pub async fn take_reply(
        &self,
        desk: Arc<CaseDesk>,
        reply: NewReply,
        now: Timestamp,
    ) -> Result<Replied, StoreError> {
        self.settle_sent().await?;
        let under_way = self.under_way();
        let (replied, overtaken) = self.write(true, move |c| take(c, &desk, &reply, under_way, now)).await?;
        self.withdraw(overtaken);
        Ok(replied)
    }

    /// Whether one of these Message-IDs is a mail of ours about a case.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn is_ours(&self, references: Vec<String>) -> Result<bool, StoreError> {
        self.read(move |c| Ok(named(c, &references, None)?.is_some())).await
    }

    /// The watchlists of mentions that mails of this source answer: by the mail's id, of the ids that it refers to.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn thread_watchlists(
        &self,
        source: String,
        mails: Vec<(String, Vec<String>)>,
    ) -> Result<HashMap<String, Vec<String>>, StoreError> {
        self.read(move |c| {
            let mut statement = c.prepare_cached("SELECT content FROM mentions WHERE source = ?1 AND identity = ?2")?;
            let mut found = HashMap::new();
            for (id, references) in mails {
                for reference in references.iter().take(MAX_LOOKED_UP) {
                    let content: Option<String> = statement
                        .query_row(params![source, identity::of_id(reference).0], |row| row.get(0))
                        .optional()?;
                    if let Some(content) = content {
                        let mention: Mention = serde_json::from_str(&content)?;
                        found.insert(id, mention.watchlists.into_iter().map(|w| w.name).collect());
                        break;
                    }
                }
            }
            Ok(found)
        })
        .await
    }
}

fn take(
    c: &Connection,
    desk: &CaseDesk,
    reply: &NewReply,
    under_way: Option<i64>,
    now: Timestamp,
) -> Result<(Replied, Vec<i64>), StoreError> {
    let new = c
        .prepare_cached("INSERT OR IGNORE INTO replies (message_id, sender, at, outcome) VALUES (?1, ?2, ?3, '')")?
        .execute(params![reply.id, reply.sender, millis(now)])?;
    if new == 0 {
        return Ok((Replied::Before, Vec::new()));
    }
    let (case, addressed) = match reply.case {
        Some(case) => (Some(case), true),
        None => match named(c, &reply.references, Some((desk, &reply.sender)))? {
            Some((case, addressed)) => (Some(case), addressed),
            None => (None, false),
        },
    };
    let (case, done) = match (case, &reply.wish) {
        (None, _) => (None, Err(ReplyFault::NoCase)),
        (case, Err(fault)) => (case, Err(*fault)),
        (Some(id), Ok(action)) => (Some(id), act(c, desk, id, action, &reply.sender, addressed, under_way, now)?),
    };
    let (replied, overtaken, outcome, answered) = match (case, done) {
        (Some(case), Ok(overtaken)) => (Replied::Done { case }, overtaken, "done".to_owned(), false),
        (case, done) => {
            let fault = done.err().unwrap_or(ReplyFault::NoCase);
            let answered = answer(c, desk, reply, case, fault, now)?;
            (Replied::Not { case, fault, answered }, Vec::new(), format!("{fault:?}"), answered)
        }
    };
    c.prepare_cached("UPDATE replies SET case_id = ?2, outcome = ?3, answered = ?4 WHERE message_id = ?1")?
        .execute(params![reply.id, case, outcome, answered])?;
    Ok((replied, overtaken))
}

#[expect(clippy::too_many_arguments, reason = "one call, in the transaction that these come from")]
fn act(
    c: &Connection,
    desk: &CaseDesk,
    id: i64,
    action: &Action,
    sender: &str,
    addressed: bool,
    under_way: Option<i64>,
    now: Timestamp,
) -> Result<Result<Vec<i64>, ReplyFault>, StoreError> {
    let Some(case) = cases::read(c, id)? else { return Ok(Err(ReplyFault::NoCase)) };
    // Who has nothing to do with it does not hear why, either.
    if may_act(&desk.routing, &case, sender, addressed).is_err() {
        return Ok(Err(ReplyFault::NotAllowed));
    }
    let done = cases::perform(c, desk, id, action, &Actor::Person(sender.to_owned()), under_way, now)?;
    Ok(done.map(|(_, overtaken)| overtaken).map_err(|refusal| match refusal {
        Refusal::NoSuchCase(_) => ReplyFault::NoCase,
        Refusal::Ended(..) => ReplyFault::Ended,
        Refusal::NotEnded(..) => ReplyFault::NotEnded,
        Refusal::Already(..) => ReplyFault::Already,
        Refusal::NotAnswered(_) => ReplyFault::NotAnswered,
        Refusal::NotSatisfied(_) => ReplyFault::NotSatisfied,
        Refusal::Stranger(..) => ReplyFault::Stranger,
        Refusal::FailedIt(..) => ReplyFault::FailedIt,
        // Who must not hear of it does not hear why, either.
        Refusal::KeptFrom(..) | Refusal::NotTheirs(..) => ReplyFault::NotAllowed,
        Refusal::HasIt(..) => ReplyFault::HasIt,
        Refusal::NoReason(_) | Refusal::NoText(_) => ReplyFault::NoReason,
    }))
}

/// The case of the newest of our mails among these Message-IDs, and whether that mail went to the sender or a department
/// of theirs.
fn named(
    c: &Connection,
    references: &[String],
    sender: Option<(&CaseDesk, &str)>,
) -> Result<Option<(i64, bool)>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT ifnull(o.content ->> '$.case', k.id), o.recipient FROM outbox o LEFT JOIN mention_cases k ON k.mention = o.mention
         WHERE o.message_id = ?1",
    )?;
    for reference in references.iter().rev().take(MAX_LOOKED_UP) {
        let found: Option<(Option<i64>, String)> =
            statement.query_row([reference], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((Some(case), recipient)) = found {
            let addressed = sender.is_some_and(|(desk, sender)| {
                let own = recipient.eq_ignore_ascii_case(sender);
                let shares =
                    |d: &crate::routing::Department| d.email.eq_ignore_ascii_case(&recipient) && d.reads(sender);
                own || desk.routing.departments.iter().any(shares)
            });
            return Ok(Some((case, addressed)));
        }
    }
    Ok(None)
}

/// Queues a mail that says why nothing was done; false if the sender got enough of them.
fn answer(
    c: &Connection,
    desk: &CaseDesk,
    reply: &NewReply,
    case: Option<i64>,
    fault: ReplyFault,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let since = now - jiff::SignedDuration::from_hours(1);
    let sent: u32 = c
        .prepare_cached("SELECT count(*) FROM replies WHERE sender = ?1 AND at > ?2 AND answered = 1")?
        .query_row(params![reply.sender, millis(since)], |row| row.get(0))?;
    if sent >= MAX_ANSWERS {
        return Ok(false);
    }
    let department = desk.routing.departments.iter().find(|d| d.reads(&reply.sender));
    let content = DeliveryContent::Answer {
        case,
        fault,
        said: reply.said.chars().take(MAX_SAID).collect(),
        department: department.map(|d| d.key.clone()).unwrap_or_default(),
        to: reply.id.clone(),
    };
    let delivery = NewDelivery {
        recipient: reply.sender.clone(),
        message_id: message_id(&desk.sender_domain, now, rand::random()),
        content,
        once: Some(format!("reply {}", reply.id)),
    };
    queue(c, &delivery, None, None, now, false)
}
