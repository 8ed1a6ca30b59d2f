//! One poll, one transaction: mentions, stories, cases, deliveries, and where the source stands afterwards.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::super::StoreError;
use super::cases::{CaseDesk, Followed};
use super::sources::SourceState;
use super::{Record, Unmatched, cases, millis, rows, sources, unmatched};
use crate::cases::AuthorKey;
use crate::dedup::{self, CopyVerdict, StoryKey};
use crate::model::{DeliveryKind, Letter, Mention, Trouble};

/// What a poll brings.
#[derive(Clone, Debug)]
pub struct PollCommit {
    pub source: String,
    pub now: Timestamp,
    pub state: SourceState,
    pub mentions: Vec<NewMention>,
    /// Why completeness cannot be shown for the time before this poll, if so.
    pub gap: Option<String>,
    /// What decides about cases.
    pub desk: Arc<CaseDesk>,
    /// Mail to the operator.
    pub troubles: Vec<NewDelivery>,
    /// New entries that matched nothing, if they are kept.
    pub unmatched: Option<Unmatched>,
}

/// A mention to be recorded, with what follows from it if it turns out to be new.
#[derive(Clone, Debug)]
pub struct NewMention {
    pub mention: Mention,
    pub keys: Vec<StoryKey>,
    /// Hashes of its significant words, ascending.
    pub words: Vec<u32>,
    pub deliveries: Vec<NewDelivery>,
    /// Its author, if that can be told.
    pub author: Option<AuthorKey>,
}

/// A mail to be queued.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    pub recipient: String,
    pub message_id: String,
    pub content: DeliveryContent,
    /// What must not be said twice to this recipient. For alerts and notices `None`: the story is it.
    pub once: Option<String>,
}

/// What a queued mail is about, beside its mention. Names are looked up in the configuration when it is worded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum DeliveryContent {
    Alert {
        watchlists: Vec<String>,
    },
    /// `person`: to one person of the department, not to its own address.
    Notice {
        department: String,
        copy: bool,
        #[serde(default)]
        person: bool,
    },
    /// About a case; `department` gives the language.
    Case {
        case: i64,
        department: String,
        copy: bool,
        letter: Letter,
    },
    Bundle {},
    Trouble {
        trouble: Trouble,
    },
}

impl DeliveryContent {
    /// The kind of mail that this becomes.
    pub fn kind(&self) -> DeliveryKind {
        match self {
            DeliveryContent::Alert { .. } => DeliveryKind::Alert,
            DeliveryContent::Notice { .. } => DeliveryKind::Notice,
            DeliveryContent::Case { letter, .. } => match letter {
                Letter::Reminder { .. } => DeliveryKind::Reminder,
                Letter::Escalation { .. } => DeliveryKind::Escalation,
                Letter::Question { .. } => DeliveryKind::Question,
                Letter::Comeback { .. } => DeliveryKind::Comeback,
                Letter::Handover => DeliveryKind::Handover,
                Letter::Update => DeliveryKind::Update,
            },
            DeliveryContent::Bundle {} => DeliveryKind::Bundle,
            DeliveryContent::Trouble { .. } => DeliveryKind::Trouble,
        }
    }
}

/// What became of one mention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It began a story.
    New { mention: i64, story: i64 },
    /// It belongs to a story that was told before.
    Copy { mention: i64, story: i64, verdict: CopyVerdict },
    /// The same entry was recorded before; its text was brought up to date.
    Known { mention: i64, story: i64 },
}

impl Recorded {
    /// Number of the mention and of its story.
    pub fn ids(&self) -> (i64, i64) {
        match *self {
            Recorded::New { mention, story }
            | Recorded::Copy { mention, story, .. }
            | Recorded::Known { mention, story } => (mention, story),
        }
    }
}

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PollOutcome {
    /// In the order of the commit's mentions.
    pub recorded: Vec<Recorded>,
    pub queued: u64,
    pub cases_opened: u64,
}

impl Record {
    /// Records a poll in one transaction. Whether a mention begins a story is decided here, where two polls cannot
    /// both be first; deliveries that were made before are not made again.
    ///
    /// # Errors
    /// The record cannot be written; nothing of the poll is kept then.
    pub async fn commit_poll(&self, poll: PollCommit) -> Result<PollOutcome, StoreError> {
        self.write(true, move |c| commit(c, &poll)).await
    }

    /// Queues mail to the operator that does not come from a poll.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn queue_trouble(&self, delivery: NewDelivery, now: Timestamp) -> Result<bool, StoreError> {
        self.write(true, move |c| queue(c, &delivery, None, None, now)).await
    }
}

fn commit(c: &Connection, poll: &PollCommit) -> Result<PollOutcome, StoreError> {
    let mut outcome = PollOutcome::default();
    for new in &poll.mentions {
        let recorded = record_mention(c, new)?;
        let (mention, story) = recorded.ids();
        let first = matches!(recorded, Recorded::New { .. });
        let followed = if first { cases::follow(c, &poll.desk, new, mention, poll.now)? } else { Followed::default() };
        outcome.cases_opened += u64::from(followed.opened);
        outcome.queued += followed.queued;
        // A copy, or an entry seen before, may still be news to someone who watches for other words: `once` tells.
        for delivery in new.deliveries.iter().filter(|delivery| !followed.replaces(delivery)) {
            if first || delivery.content.kind() == DeliveryKind::Alert {
                outcome.queued += u64::from(queue(c, delivery, Some(mention), Some(story), poll.now)?);
            }
        }
        outcome.recorded.push(recorded);
    }
    for trouble in &poll.troubles {
        outcome.queued += u64::from(queue(c, trouble, None, None, poll.now)?);
    }
    if let Some(reason) = &poll.gap {
        c.prepare_cached("INSERT INTO gaps (source, at, reason) VALUES (?1, ?2, ?3)")?.execute(params![
            poll.source,
            millis(poll.now),
            reason
        ])?;
    }
    if let Some(kept) = &poll.unmatched {
        unmatched::save(c, &poll.source, poll.now, kept)?;
    }
    sources::save(c, &poll.source, &poll.state)?;
    Ok(outcome)
}

fn record_mention(c: &Connection, new: &NewMention) -> Result<Recorded, StoreError> {
    let mention = &new.mention;
    let known: Option<(i64, i64)> = c
        .prepare_cached("SELECT id, story FROM mentions WHERE source = ?1 AND identity = ?2")?
        .query_row(params![mention.source, mention.entry.identity.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((id, story)) = known {
        c.prepare_cached("UPDATE mentions SET content = ?2, category = ?3, severity = ?4, words = ?5 WHERE id = ?1")?
            .execute(params![
            id,
            rows::to_json(mention)?,
            mention.classification.category.as_str(),
            mention.classification.severity.as_str(),
            rows::pack_words(&new.words)
        ])?;
        return Ok(Recorded::Known { mention: id, story });
    }
    let copy = find_story(c, new)?;
    let story = match copy {
        Some((story, verdict)) if verdict.is_copy() => story,
        _ => {
            c.prepare_cached("INSERT INTO stories (started) VALUES (?1)")?.execute([millis(mention.fetched)])?;
            c.last_insert_rowid()
        }
    };
    let copy = copy.filter(|(_, verdict)| verdict.is_copy());
    c.prepare_cached(
        "INSERT INTO mentions (story, original, source, identity, fetched, category, severity, department, deliver, words, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        story,
        copy.is_none(),
        mention.source,
        mention.entry.identity.0,
        millis(mention.fetched),
        mention.classification.category.as_str(),
        mention.classification.severity.as_str(),
        mention.decision.department,
        mention.decision.deliver.as_str(),
        rows::pack_words(&new.words),
        rows::to_json(mention)?,
    ])?;
    let id = c.last_insert_rowid();
    let mut keys = c.prepare_cached("INSERT OR IGNORE INTO story_keys (key, story, mention) VALUES (?1, ?2, ?3)")?;
    for key in &new.keys {
        keys.execute(params![key.0, story, id])?;
    }
    Ok(match copy {
        Some((_, verdict)) => Recorded::Copy { mention: id, story, verdict },
        None => Recorded::New { mention: id, story },
    })
}

/// The story that shares a key with the mention, and whether that makes it a copy.
fn find_story(c: &Connection, new: &NewMention) -> Result<Option<(i64, CopyVerdict)>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT k.story, m.source, m.words FROM story_keys k JOIN mentions m ON m.id = k.mention WHERE k.key = ?1",
    )?;
    for key in &new.keys {
        let found = statement
            .query_row([key.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?)))
            .optional()?;
        if let Some((story, source, words)) = found {
            let overlap = dedup::overlap(&rows::unpack_words(&words), &new.words);
            return Ok(Some((story, dedup::judge_copy(source == new.mention.source, overlap))));
        }
    }
    Ok(None)
}

/// Queues a mail unless it was said before; true if it is new.
pub(super) fn queue(
    c: &Connection,
    delivery: &NewDelivery,
    mention: Option<i64>,
    story: Option<i64>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let recipient = delivery.recipient.to_lowercase();
    let kind = delivery.content.kind().as_str();
    let once = match (&delivery.once, story) {
        (Some(once), _) => format!("{kind}:{once}:{recipient}"),
        (None, Some(story)) => format!("{kind}:story {story}:{recipient}"),
        (None, None) => format!("{kind}:{}", delivery.message_id),
    };
    let added = c
        .prepare_cached(
            "INSERT OR IGNORE INTO outbox (kind, recipient, message_id, once, mention, content, queued, due, status)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 'queued')",
        )?
        .execute(params![
            kind,
            delivery.recipient,
            delivery.message_id,
            once,
            mention,
            rows::to_json(&delivery.content)?,
            millis(now)
        ])?;
    Ok(added > 0)
}
