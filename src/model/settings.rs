//! Checked settings that an edge is built from. `config` makes them; nothing downstream checks them again.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::Secret;

/// `[fetch]`.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchSettings {
    /// Private or special networks that may be contacted all the same.
    pub allow_networks: Vec<IpNet>,
    /// Time-out of a connection, TLS included. Default 10 s.
    pub connect_timeout: Duration,
    /// Time-out of a whole request, body included. Default 30 s.
    pub timeout: Duration,
    /// Cap on a body after decompression, in bytes. Default 8 MiB.
    pub max_body: usize,
    /// Requests at a time to one host and port. Default 1.
    pub per_host: usize,
    /// Requests at a time in all. Default 64.
    pub concurrency: usize,
    /// Entries of one document that are looked at, newest first. Default 10,000.
    pub max_entries: usize,
    /// Explicit proxy; proxy variables of the environment are ignored.
    pub proxy: Option<Url>,
    /// `mentiond/VERSION (+contact)` unless set.
    pub user_agent: String,
    /// More trusted certificates (PEM) beside the built-in list of public authorities.
    pub ca_file: Option<PathBuf>,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            allow_networks: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            max_body: 8 << 20,
            per_host: 1,
            concurrency: 64,
            max_entries: 10_000,
            proxy: None,
            user_agent: format!("mentiond/{}", env!("CARGO_PKG_VERSION")),
            ca_file: None,
        }
    }
}

/// `[stories]`: what belongs to one story; and `index` of `[history]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorySettings {
    /// How long after its beginning a story takes in copies of its text. Default 7 days. (The same link belongs to its
    /// story for ever.)
    pub window: Duration,
    /// Places that carry a story when "this is spreading" is told. Default 10.
    pub spreading_at: u32,
    /// How long the seen index remembers links and sources that are not seen any more. Default 400 days.
    pub remember: Duration,
}

impl Default for StorySettings {
    fn default() -> Self {
        Self { window: Duration::from_secs(7 * 86_400), spreading_at: 10, remember: Duration::from_secs(400 * 86_400) }
    }
}

/// A mail address with an optional display name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub name: Option<String>,
    pub email: String,
}

/// Encryption of the connection to the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpTls {
    /// Plain connection, then STARTTLS; without it nothing is sent (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// In the clear; for a relay on this machine.
    None,
}

/// How mail leaves.
#[derive(Clone, Debug, PartialEq)]
pub enum TransportSettings {
    Smtp {
        host: String,
        port: u16,
        tls: SmtpTls,
        username: Option<String>,
        password: Option<Secret>,
        /// More trusted certificates (PEM) for the relay.
        ca_file: Option<PathBuf>,
    },
    /// The local `sendmail` program, given the message on stdin.
    Sendmail { command: PathBuf },
    /// One `.eml` file a mail.
    Directory { path: PathBuf },
}

/// `[mail]`.
#[derive(Clone, Debug, PartialEq)]
pub struct MailSettings {
    pub from: Mailbox,
    pub transport: TransportSettings,
    /// Mails per recipient and hour; beyond it, alerts are bundled into one mail. Default 20.
    pub max_per_hour: u32,
}

/// `[history]`: what is kept for looking back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// How long entries that matched nothing are kept, so that a changed query can be tried on them. `None`: they are not
    /// kept. Default 7 days.
    pub unmatched: Option<Duration>,
    /// Most room for them, in compressed bytes; the oldest go first. Default 64 MiB.
    pub unmatched_size: u64,
}

impl Default for HistorySettings {
    fn default() -> Self {
        Self { unmatched: Some(Duration::from_secs(7 * 24 * 60 * 60)), unmatched_size: 64 << 20 }
    }
}
