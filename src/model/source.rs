//! A source: a configured place that is polled, its cursor, and its health.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::table::Fields;
use super::{Secret, Table};
use crate::text::json_path::JsonPath;

/// The kinds of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// RSS, Atom or JSON Feed.
    Feed,
    /// A JSON API that is described by a table: the operator's own (`json`), or a preset, by its word (`mastodon`).
    Json(&'static str),
    /// A folder of mail on an IMAP server.
    Mailbox,
    /// Bluesky's stream of all posts.
    Jetstream,
    /// Others push to us.
    Webhook,
}

impl SourceKind {
    /// Whether it tells us when there is something new, so that it is never asked.
    pub fn speaks_by_itself(self) -> bool {
        matches!(self, SourceKind::Jetstream | SourceKind::Webhook)
    }

    /// The word used in config, `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            SourceKind::Feed => "feed",
            SourceKind::Json(word) => word,
            SourceKind::Mailbox => "mailbox",
            SourceKind::Jetstream => "jetstream",
            SourceKind::Webhook => "webhook",
        }
    }
}

/// Where a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    Url(Url),
    /// A file, or a folder whose files are read in name order.
    Path(PathBuf),
    /// What is neither: in words that tell it apart from others (`mastodon.social #acme`, `imaps://mail.example.com
    /// INBOX`). They are shown to people, so there is no secret in them; a source that is given others starts anew.
    Service(String),
}

/// What a kind of source needs beside its place, checked. Each kind has its own; feeds need nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Settings {
    #[default]
    None,
    Mailbox(Arc<super::MailboxSettings>),
    /// A JSON API.
    Table(Arc<Table>),
    Jetstream(JetstreamSettings),
    Webhook(Box<WebhookSettings>),
}

/// What `kind = "webhook"` needs.
#[derive(Clone, Debug, PartialEq)]
pub struct WebhookSettings {
    pub secret: Secret,
    pub proof: Proof,
    /// The header that proves who sends.
    pub header: String,
    /// Where the items are in a body.
    pub items: JsonPath,
    pub fields: Fields,
    /// Title and text are HTML.
    pub html: bool,
}

/// How a sender shows that it knows the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// HMAC with SHA-256 over the body.
    HmacSha256,
    /// The secret itself.
    Bearer,
}

/// What `kind = "jetstream"` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JetstreamSettings {
    /// Servers (`wss`, or `ws`), at least one: the next one is asked when one fails.
    pub servers: Vec<Url>,
    /// So long a server may send nothing before the next one is asked. 1 s … 1 h; default 1 min.
    pub silence: Duration,
}

/// A configured source, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    pub name: String,
    pub kind: SourceKind,
    pub location: Location,
    /// Wished interval between polls; the server's hints may raise it. 1 min … 24 h.
    pub every: Duration,
    /// Names of the watchlists it is matched against; shared, because most sources have all of them.
    pub watchlists: Arc<[String]>,
    /// Every entry is a mention of those watchlists: the source is already the search.
    pub match_all: bool,
    pub settings: Settings,
    /// What cannot be seen this way, for `mentiond check`.
    pub blind: Vec<String>,
}

/// What is needed to resume: validators byte for byte, the way entries are identified, and what servers asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Set when ids proved unreliable: entries are identified by `link` or `content` from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identify_by: Option<String>,
    /// The address that permanent redirects (301, 308) lead to, and how many times in a row they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<(String, u32)>,
    /// When 410 was first answered, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<Timestamp>,
    /// Digest of the configured address: validators of another address are worth nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Path sources: modification times already read, so that unchanged files are not parsed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Seconds between polls by the configuration, if the next poll is planned by that and not by a wish of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// What sources other than feeds need to resume (page tokens, UIDs, what is left of a quota): each kind reads and
    /// writes its own form, and must read older ones. Nothing secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<serde_json::Value>,
}

/// Classes of trouble; what follows from each is decided in `schedule`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The server asked to wait.
    RateLimited,
    /// Credentials are wrong or missing.
    Auth,
    /// The address was given up (410).
    Gone,
    /// A quota is used up.
    Quota,
    /// Blocked: captcha, challenge, plain 403, 404.
    Refused,
    /// An answer that is not what this source yields (a login page, prose, a cut document).
    Malformed,
    /// Time-outs, 5xx, resets: it may work in a moment.
    Transient,
    /// Not fetched at all: a guard, a cap or the configuration forbids it.
    Forbidden,
}

impl ErrorClass {
    /// The word used in logs, `--json` and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorClass::RateLimited => "rate_limited",
            ErrorClass::Auth => "auth",
            ErrorClass::Gone => "gone",
            ErrorClass::Quota => "quota",
            ErrorClass::Refused => "refused",
            ErrorClass::Malformed => "malformed",
            ErrorClass::Transient => "transient",
            ErrorClass::Forbidden => "forbidden",
        }
    }
}

/// Why a poll failed, for the log, the record and the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PollFault {
    pub class: ErrorClass,
    /// What happened, where, what to do next. Never a secret: addresses are redacted by whoever words it.
    pub message: String,
    /// The server's own wish (Retry-After), counted from the answer.
    pub retry_after: Option<Duration>,
}

/// How a source is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceStatus {
    /// Not polled yet.
    New,
    /// The last poll was heard.
    Ok,
    /// The last poll failed; it is tried again.
    Failing,
    /// Given up (410 twice); no longer polled until the configuration changes.
    Disabled,
}

impl SourceStatus {
    /// The word used in `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            SourceStatus::New => "new",
            SourceStatus::Ok => "ok",
            SourceStatus::Failing => "failing",
            SourceStatus::Disabled => "disabled",
        }
    }
}

/// A source's health, kept in the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub status: SourceStatus,
    /// Last error, in words; empty after a poll that was heard.
    pub error: Option<String>,
    pub error_class: Option<ErrorClass>,
    /// Failures in a row.
    pub failures: u32,
    /// Entries of the last poll that was heard with a document (304 keeps it).
    pub entries: u64,
    pub last_heard: Option<Timestamp>,
    pub last_poll: Option<Timestamp>,
    pub next_poll: Option<Timestamp>,
    /// Start of the time that we are deaf in, if we are.
    pub blind_since: Option<Timestamp>,
    /// Time spent deaf before that, in seconds, over the life of the record.
    pub blind_seconds: i64,
    /// The operator was told of this failure already.
    pub told: bool,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            status: SourceStatus::New,
            error: None,
            error_class: None,
            failures: 0,
            entries: 0,
            last_heard: None,
            last_poll: None,
            next_poll: None,
            blind_since: None,
            blind_seconds: 0,
            told: false,
        }
    }
}
