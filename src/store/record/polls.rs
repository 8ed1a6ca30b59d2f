//! One poll, one transaction: mentions, stories, cases, deliveries, and where the source stands afterwards.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::super::StoreError;
use super::super::seen::Seen;
use super::cases::{CaseDesk, Followed};
use super::sources::SourceState;
use super::themes::ThemeMemory;
use super::{
    Looked, Record, Unmatched, cases, looks, millis, perks, retention, rows, sources, stories, storms, unmatched,
    versions, warnings, withdrawn,
};
use crate::cases::AuthorKey;
use crate::dedup::{CopyVerdict, Prints, StoryKey};
use crate::model::{
    DeliveryKind, Identity, Letter, Mention, News, ReplyFault, Severity, StorySettings, Summary, SummaryKind, Trouble,
    Warning,
};
use crate::point;

/// Gaps that are remembered of one source.
const MOST_GAPS: i64 = 1_000;

/// What a poll brings.
#[derive(Clone)]
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
    /// Where texts that are like a new one are looked up; needed if there are mentions.
    pub seen: Option<Arc<Seen>>,
    pub stories: StorySettings,
    /// The source suddenly shows everything as new: what would be mailed is held.
    pub held: bool,
    /// Entries that were taken back where they came from.
    pub withdrawn: Vec<Identity>,
    /// Mentions that were looked at again.
    pub looked: Vec<Looked>,
}

/// A mention to be recorded, with what follows from it if it turns out to be new.
#[derive(Clone, Debug)]
pub struct NewMention {
    pub mention: Mention,
    pub keys: Vec<StoryKey>,
    /// Hashes of its significant words, ascending.
    pub words: Vec<u32>,
    pub prints: Prints,
    pub deliveries: Vec<NewDelivery>,
    /// Its author, if that can be told.
    pub author: Option<AuthorKey>,
    /// The first query of `[[themes]]` that it matches.
    pub theme: Option<String>,
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        news: Option<News>,
    },
    /// `person`: to one person of the department, not to its own address.
    Notice {
        department: String,
        copy: bool,
        #[serde(default)]
        person: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        news: Option<News>,
        /// A copy to somebody who is praised in it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        praised: bool,
    },
    /// About a case; `department` gives the language. `shared`: it goes to the department's own address, whatever that
    /// is when it leaves.
    Case {
        case: i64,
        department: String,
        copy: bool,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shared: bool,
        letter: Letter,
    },
    /// To who replied by mail: nothing was done. `department` gives the language; `to` is the reply's id.
    Answer {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<i64>,
        fault: ReplyFault,
        said: String,
        department: String,
        to: String,
    },
    /// About a theme that opened, or came `back`; `department` gives the language.
    Dossier {
        theme: i64,
        department: String,
        copy: bool,
        #[serde(default)]
        back: bool,
    },
    Bundle {},
    /// Something is unusual; `department` gives the language, if one gets it.
    Warning {
        warning: Box<Warning>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        department: Option<String>,
    },
    /// Collected mail.
    Summary {
        summary: Box<Summary>,
    },
    Trouble {
        trouble: Trouble,
    },
    /// A link that signs in; `nonce` says which one was asked for.
    SignIn {
        nonce: String,
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
                Letter::Gathering { .. } => DeliveryKind::Gathering,
                Letter::Handover => DeliveryKind::Handover,
                Letter::Update => DeliveryKind::Update,
            },
            DeliveryContent::Answer { .. } => DeliveryKind::Answer,
            DeliveryContent::Dossier { .. } => DeliveryKind::Dossier,
            DeliveryContent::Bundle {} => DeliveryKind::Bundle,
            DeliveryContent::Warning { .. } => DeliveryKind::Warning,
            DeliveryContent::Summary { summary } => match summary.kind {
                SummaryKind::Digest => DeliveryKind::Digest,
                SummaryKind::Meeting => DeliveryKind::Meeting,
                SummaryKind::Management => DeliveryKind::Management,
            },
            DeliveryContent::Trouble { .. } => DeliveryKind::Trouble,
            DeliveryContent::SignIn { .. } => DeliveryKind::SignIn,
        }
    }

    /// The same with what is new about a story that was told before.
    pub(super) fn with_news(&self, what: News) -> Self {
        let mut content = self.clone();
        if let DeliveryContent::Alert { news, .. } | DeliveryContent::Notice { news, .. } = &mut content {
            *news = Some(what);
        }
        content
    }
}

/// What became of one mention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It began a story.
    New { mention: i64, story: i64 },
    /// It belongs to a story that was told before.
    Copy { mention: i64, story: i64, verdict: CopyVerdict },
    /// The same entry was recorded before.
    Known { mention: i64, story: i64 },
    /// The same entry was recorded before with other words, which are kept beside the new ones.
    Edited { mention: i64, story: i64, edit: Edit },
}

/// What an edit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Number of the version that it replaced; the first is 1.
    pub version: i64,
    /// Watchlists that it matches only now.
    pub matches: Vec<String>,
    /// How severe it was, if it is more severe now.
    pub raised_from: Option<Severity>,
}

impl Recorded {
    /// Number of the mention and of its story.
    pub fn ids(&self) -> (i64, i64) {
        match *self {
            Recorded::New { mention, story }
            | Recorded::Copy { mention, story, .. }
            | Recorded::Known { mention, story }
            | Recorded::Edited { mention, story, .. } => (mention, story),
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
    /// Mentions whose words were removed because they were taken back.
    pub withdrawn: u64,
    /// Themes that must be acted on from now on.
    pub themes_opened: Vec<i64>,
    /// Cases that gather replies, of which the owner was told.
    pub gathering: u64,
}

impl Record {
    /// Records a poll in one transaction. Whether a mention begins a story is decided here, where two polls cannot
    /// both be first; deliveries that were made before are not made again.
    ///
    /// # Errors
    /// The record cannot be written; nothing of the poll is kept then.
    pub async fn commit_poll(&self, poll: PollCommit) -> Result<PollOutcome, StoreError> {
        let themes = self.themes.clone();
        self.write(true, move |c| {
            let outcome = commit(c, &themes, &poll)?;
            point::at("poll-recording");
            Ok(outcome)
        })
        .await
    }

    /// Queues a mail that does not come from a poll and is about no mention. False: it was said already.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn queue_mail(&self, delivery: NewDelivery, now: Timestamp) -> Result<bool, StoreError> {
        self.write(true, move |c| queue(c, &delivery, None, None, now, false)).await
    }
}

fn commit(c: &Connection, themes: &ThemeMemory, poll: &PollCommit) -> Result<PollOutcome, StoreError> {
    let mut outcome = PollOutcome::default();
    for new in &poll.mentions {
        let recorded = record_mention(c, poll, new)?;
        let (mention, _) = recorded.ids();
        let opens = matches!(&recorded, Recorded::New { .. })
            || matches!(&recorded, Recorded::Edited { edit, .. } if edit.raised_from.is_some());
        let followed = match (opens, poll.held) {
            (false, _) => Followed::default(),
            (true, true) => {
                storms::hold(c, mention, new.author, &poll.source, poll.now)?;
                Followed::default()
            }
            (true, false) => cases::follow(c, &poll.desk, &new.mention, new.author, mention, poll.now)?,
        };
        if matches!(&recorded, Recorded::New { .. }) && !poll.held {
            warnings::count(c, poll, new, mention)?;
            outcome.queued += perks::give(c, &poll.desk, &new.mention, mention, poll.now)?;
        }
        outcome.cases_opened += u64::from(followed.opened);
        outcome.queued += followed.queued + tell(c, poll, new, &recorded, &followed)?;
        if matches!(&recorded, Recorded::New { .. }) && !poll.held {
            let placed = themes.place(
                c,
                &poll.desk,
                &new.mention,
                recorded.ids(),
                new.author,
                new.theme.as_deref(),
                poll.now,
            )?;
            outcome.queued += placed.queued;
            outcome.cases_opened += u64::from(placed.case_opened);
            outcome.themes_opened.extend(placed.opened);
        }
        outcome.recorded.push(recorded);
    }
    for trouble in &poll.troubles {
        outcome.queued += u64::from(queue(c, trouble, None, None, poll.now, false)?);
    }
    if let Some(reason) = &poll.gap {
        c.prepare_cached("INSERT INTO gaps (source, at, reason) VALUES (?1, ?2, ?3)")?.execute(params![
            poll.source,
            millis(poll.now),
            reason
        ])?;
        // A source that has one at every poll must not fill the disk with them.
        c.prepare_cached(
            "DELETE FROM gaps WHERE source = ?1
                AND id <= (SELECT id FROM gaps WHERE source = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![poll.source, MOST_GAPS])?;
    }
    for identity in &poll.withdrawn {
        outcome.withdrawn += withdrawn::withdraw(c, &poll.source, identity, poll.now)?;
    }
    let found = looks::keep(c, poll)?;
    outcome.withdrawn += found.withdrawn;
    outcome.queued += found.queued;
    outcome.gathering += found.gathering;
    if let Some(kept) = &poll.unmatched {
        unmatched::save(c, &poll.source, poll.now, kept)?;
    }
    sources::save(c, &poll.source, &poll.state)?;
    Ok(outcome)
}

/// Queues what follows from a mention; how many mails that is.
fn tell(
    c: &Connection,
    poll: &PollCommit,
    new: &NewMention,
    recorded: &Recorded,
    followed: &Followed,
) -> Result<u64, StoreError> {
    let (mention, story) = recorded.ids();
    let mut queued = 0;
    let mut send = |delivery: &NewDelivery, mention: i64| -> Result<bool, StoreError> {
        let fresh = queue(c, delivery, Some(mention), Some(story), poll.now, poll.held)?;
        queued += u64::from(fresh);
        Ok(fresh)
    };
    for delivery in new.deliveries.iter().filter(|d| !followed.replaces(&d.recipient, &d.content)) {
        let is_alert = delivery.content.kind() == DeliveryKind::Alert;
        match recorded {
            Recorded::New { .. } => {
                send(delivery, mention)?;
            }
            // A copy, or an entry seen before, may still be news to someone who watches for other words: `once` tells.
            Recorded::Copy { .. } | Recorded::Known { .. } if is_alert => {
                send(delivery, mention)?;
            }
            Recorded::Copy { .. } | Recorded::Known { .. } => {}
            Recorded::Edited { edit, .. } => {
                let news = match edit.raised_from {
                    Some(from) => News::Raised { from },
                    None => News::Edited,
                };
                let matches_now = matches!(&delivery.content, DeliveryContent::Alert { watchlists, .. }
                    if watchlists.iter().any(|w| edit.matches.contains(w)));
                // Whoever was not told of the story yet is told of it, and nothing is new about it to them.
                let told = !is_alert || !send(delivery, mention)?;
                if told && (edit.raised_from.is_some() || matches_now) {
                    let again = again(delivery, news, format!("edit {mention} {}", edit.version));
                    send(&again, mention)?;
                }
            }
        }
    }
    if let Recorded::Copy { .. } = recorded
        && let Some((original, places)) = stories::place(c, story, &new.mention)?
        && places == u64::from(poll.stories.spreading_at)
    {
        for delivery in &new.deliveries {
            send(&again(delivery, News::Spreading { places }, format!("spreading {story}")), original)?;
        }
    }
    Ok(queued)
}

/// A further mail about a story, with what is new about it; `once` keeps it from being said twice.
fn again(delivery: &NewDelivery, news: News, once: String) -> NewDelivery {
    NewDelivery {
        recipient: delivery.recipient.clone(),
        message_id: format!("n.{}", delivery.message_id),
        content: delivery.content.with_news(news),
        once: Some(once),
    }
}

fn record_mention(c: &Connection, poll: &PollCommit, new: &NewMention) -> Result<Recorded, StoreError> {
    let mention = &new.mention;
    let known: Option<(i64, i64)> = c
        .prepare_cached("SELECT id, story FROM mentions WHERE source = ?1 AND identity = ?2")?
        .query_row(params![mention.source, mention.entry.identity.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((id, story)) = known {
        return versions::update(c, poll, new, id, story);
    }
    let copy = stories::find(c, poll, new)?.filter(|(_, verdict)| verdict.is_copy());
    let story = match copy {
        Some((story, _)) => story,
        None => {
            c.prepare_cached("INSERT INTO stories (started) VALUES (?1)")?.execute([millis(mention.fetched)])?;
            c.last_insert_rowid()
        }
    };
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
    stories::remember(c, poll, new, id, story, copy.is_none())?;
    Ok(match copy {
        Some((_, verdict)) => Recorded::Copy { mention: id, story, verdict },
        None => Recorded::New { mention: id, story },
    })
}

/// Queues a mail unless it was said before; true if it is new. `held` keeps it back until somebody releases it.
pub(super) fn queue(
    c: &Connection,
    delivery: &NewDelivery,
    mention: Option<i64>,
    story: Option<i64>,
    now: Timestamp,
    held: bool,
) -> Result<bool, StoreError> {
    let recipient = delivery.recipient.to_lowercase();
    let kind = delivery.content.kind().as_str();
    let once = match (&delivery.once, story) {
        (Some(once), _) => format!("{kind}:{once}:{recipient}"),
        (None, Some(story)) => format!("{kind}:story {story}:{recipient}"),
        (None, None) => format!("{kind}:{}", delivery.message_id),
    };
    if retention::was_said(c, &once)? {
        return Ok(false);
    }
    let added = c
        .prepare_cached(
            "INSERT OR IGNORE INTO outbox (kind, recipient, message_id, once, mention, content, queued, due, status)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)",
        )?
        .execute(params![
            kind,
            delivery.recipient,
            delivery.message_id,
            once,
            mention,
            rows::to_json(&delivery.content)?,
            millis(now),
            if held { "held" } else { "queued" },
        ])?;
    Ok(added > 0 && !held)
}
