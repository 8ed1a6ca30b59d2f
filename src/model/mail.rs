//! Mail as values: what is worded, what is queued, and how a try ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Severity;

/// Why somebody gets a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryKind {
    /// To a watchlist's subscriber: your brand was mentioned.
    Alert,
    /// To the owner department (or a copy): this mention is yours.
    Notice,
    /// To the owner of a case: this is overdue.
    Reminder,
    /// To the lead or management: a case is overdue, and its owner was reminded.
    Escalation,
    /// To the owner of a case: is the customer satisfied?
    Question,
    /// To owner and community: the author of a case complained again in public.
    Comeback,
    /// To the owner of a case: many reply to the mention or pass it on.
    Gathering,
    /// To the new owner of a case: it is yours now.
    Handover,
    /// To the community: a step of a case that needs an eye on it.
    Update,
    /// To who replied by mail: nothing was done, and why.
    Answer,
    /// Alerts that piled up for one recipient, as one mail.
    Bundle,
    /// To the owner of a theme: these people have the same issue.
    Dossier,
    /// Early warning: something about a brand is unusual.
    Warning,
    /// Collected mail of a department.
    Digest,
    /// Before a team's meeting.
    Meeting,
    /// To management: how everything stands.
    Management,
    /// To `contact`: a source or the mail path is in trouble.
    Trouble,
    /// To whoever asked for it: a link that signs in to the pages.
    #[serde(rename = "sign-in")]
    SignIn,
}

impl DeliveryKind {
    /// All kinds.
    pub const ALL: [DeliveryKind; 18] = [
        DeliveryKind::Alert,
        DeliveryKind::Notice,
        DeliveryKind::Reminder,
        DeliveryKind::Escalation,
        DeliveryKind::Question,
        DeliveryKind::Comeback,
        DeliveryKind::Gathering,
        DeliveryKind::Handover,
        DeliveryKind::Update,
        DeliveryKind::Answer,
        DeliveryKind::Bundle,
        DeliveryKind::Dossier,
        DeliveryKind::Warning,
        DeliveryKind::Digest,
        DeliveryKind::Meeting,
        DeliveryKind::Management,
        DeliveryKind::Trouble,
        DeliveryKind::SignIn,
    ];

    /// The word used in `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryKind::Alert => "alert",
            DeliveryKind::Notice => "notice",
            DeliveryKind::Reminder => "reminder",
            DeliveryKind::Escalation => "escalation",
            DeliveryKind::Question => "question",
            DeliveryKind::Comeback => "comeback",
            DeliveryKind::Gathering => "gathering",
            DeliveryKind::Handover => "handover",
            DeliveryKind::Update => "update",
            DeliveryKind::Answer => "answer",
            DeliveryKind::Bundle => "bundle",
            DeliveryKind::Dossier => "dossier",
            DeliveryKind::Warning => "warning",
            DeliveryKind::Digest => "digest",
            DeliveryKind::Meeting => "meeting",
            DeliveryKind::Management => "management",
            DeliveryKind::Trouble => "trouble",
            DeliveryKind::SignIn => "sign-in",
        }
    }

    /// The kind of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == name)
    }
}

/// One row of the outbox: one mail to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: i64,
    pub kind: DeliveryKind,
    pub recipient: String,
    /// Minted when queued, the same on every try; without angle brackets.
    pub message_id: String,
    pub queued: Timestamp,
    pub attempts: u32,
    /// The connection broke after the final dot of an earlier try, so the recipient may have it already.
    pub possible_duplicate: bool,
}

/// A new Message-ID without angle brackets (RFC 5322, 3.6.4): the time, so that files named after it sort, and 128
/// random bits (`dice`) at the sender's domain.
pub fn message_id(domain: &str, now: Timestamp, dice: u128) -> String {
    format!("{}.{dice:032x}@{domain}", now.strftime("%Y%m%dT%H%M%SZ"))
}

/// A worded mail, ready to be encoded: nothing in it is trusted to be free of CR and LF yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Email {
    pub subject: String,
    pub text: String,
    pub html: String,
    /// Further headers (`List-Id`, `In-Reply-To`, `References`, `Auto-Submitted`, …), name and value.
    pub headers: Vec<(String, String)>,
    /// Pictures that the HTML part shows; nothing is loaded from anywhere else.
    pub pictures: Vec<Picture>,
}

/// A picture inside a mail, shown by `cid:NAME` (RFC 2392).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Letters, digits and `-`; the Message-ID is put behind it where the mail is encoded.
    pub name: &'static str,
    pub png: Vec<u8>,
}

/// What went wrong with one try, in one plain sentence, with the relay's code where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailFault {
    /// SMTP reply code, 400–599.
    pub code: Option<u16>,
    pub message: String,
}

/// How one try to send one mail to one recipient ended. What follows from it (retry, give up, tell the operator) is
/// decided in `schedule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The relay took responsibility.
    Sent,
    /// This recipient or message is put off (4xx).
    Deferred(MailFault),
    /// This recipient or message is refused for good (5xx).
    Refused(MailFault),
    /// No answer after the final dot: it may have arrived.
    Unknown(MailFault),
    /// The relay itself cannot be used now (connection, TLS, time-out, 421): every mail waits.
    Unreachable(MailFault),
    /// The relay refuses our login: every mail waits, and the operator must act.
    Locked(MailFault),
    /// The relay offers no encryption although the configuration asks for it: the same.
    Insecure(MailFault),
}

/// What is new about a story that was told before; the mail goes into the story's thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum News {
    /// The post was edited and now holds words that the reader watches for.
    Edited,
    /// The post was edited and is more severe than it was.
    Raised { from: Severity },
    /// Other places carry the story, the first one counted.
    Spreading { places: u64 },
}

/// Why a reply by mail was not acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyFault {
    /// Its first line does not begin with `#`.
    NoCommand,
    /// The word after `#` is none that is known.
    UnknownCommand,
    /// It is not clear which case is meant, or there is none.
    NoCase,
    /// The sender has nothing to do with the case.
    NotAllowed,
    /// The case has ended.
    Ended,
    /// The case has not ended, so there is nothing to reopen.
    NotEnded,
    /// That was done already.
    Already,
    /// Nobody answered the customer yet.
    NotAnswered,
    /// Nobody said that the customer is satisfied.
    NotSatisfied,
    /// Nobody of that name is configured.
    Stranger,
    /// Whoever is meant failed the case.
    FailedIt,
    /// Whoever is meant has it already.
    HasIt,
    /// A reason is missing.
    NoReason,
}

impl ReplyFault {
    /// All of them.
    pub const ALL: [ReplyFault; 13] = [
        ReplyFault::NoCommand,
        ReplyFault::UnknownCommand,
        ReplyFault::NoCase,
        ReplyFault::NotAllowed,
        ReplyFault::Ended,
        ReplyFault::NotEnded,
        ReplyFault::Already,
        ReplyFault::NotAnswered,
        ReplyFault::NotSatisfied,
        ReplyFault::Stranger,
        ReplyFault::FailedIt,
        ReplyFault::HasIt,
        ReplyFault::NoReason,
    ];
}

/// What the operator is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TroubleKind {
    /// A source keeps failing.
    SourceFailing,
    /// A source answers something that is no feed.
    NotAFeed,
    /// A source refuses our login.
    SourceLogin,
    /// A source blocks us: a challenge, 403, 404.
    SourceRefused,
    /// A source's quota is used up.
    SourceQuota,
    /// A source was given up (410 twice).
    SourceGone,
    /// A source moved for good; the new address is used.
    SourceMoved,
    /// A source's ids cannot be relied on; entries are told apart by link or content.
    UnreliableIds,
    /// A source suddenly shows everything as new; it is held.
    Storm,
    /// A source yielded more than can be shown to be complete.
    Gap,
    /// A source that was in trouble is heard again.
    SourceRecovered,
    /// The relay cannot be used.
    RelayUnreachable,
    /// The relay refuses our login.
    RelayLogin,
    /// The relay offers no encryption.
    RelayInsecure,
    /// The relay takes mail again.
    RelayRecovered,
    /// A department has no code left to thank for praise with.
    PerksUsedUp,
    /// A mail has been waiting for longer than a quarter of an hour.
    MailDelayed,
    /// A mail was given up.
    MailFailed,
}

/// Trouble that a person should look at, as it is kept in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub kind: TroubleKind,
    /// The source's name, the relay, or the recipient.
    pub subject: String,
    /// What happened and what to do, in English, as in the log.
    pub message: String,
    pub since: Timestamp,
    /// Failures in a row, or mails that wait.
    pub count: u64,
    /// Where a source moved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

impl Trouble {
    /// Trouble without further particulars.
    pub fn new(kind: TroubleKind, subject: &str, message: impl Into<String>, since: Timestamp) -> Self {
        Self { kind, subject: subject.to_owned(), message: message.into(), since, count: 0, to: None }
    }
}
