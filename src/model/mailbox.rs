//! A folder of mail on an IMAP server, as it is configured, and a message as it was fetched.

use std::time::Duration;

use jiff::Timestamp;

use super::{Secret, SmtpTls};

/// What a mailbox is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailboxUse {
    /// Alert services write here: each link that a mail lists is an entry.
    Alerts,
    /// People write here: each message is an entry.
    Messages,
    /// A mailing list: each message is an entry, and programs may write too.
    List,
}

impl MailboxUse {
    /// The word used in config.
    pub fn as_str(self) -> &'static str {
        match self {
            MailboxUse::Alerts => "alerts",
            MailboxUse::Messages => "messages",
            MailboxUse::List => "list",
        }
    }
}

/// How a mailbox is opened.
#[derive(Clone, Debug, PartialEq)]
pub enum MailboxLogin {
    /// `None` where secrets were not read.
    Password(Option<Secret>),
    /// A program and its arguments; what it prints is an OAuth 2.0 access token (SASL XOAUTH2).
    TokenCommand(Vec<String>),
}

/// The settings of a `kind = "mailbox"` source.
#[derive(Clone, Debug, PartialEq)]
pub struct MailboxSettings {
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    pub username: String,
    pub login: MailboxLogin,
    /// Name of the folder, as the server has it (UTF-8).
    pub folder: String,
    pub purpose: MailboxUse,
    /// How old a mail may be when the folder is read for the first time.
    pub since: Duration,
    /// Longest message that is read, in bytes; of longer ones only the headers are.
    pub max_message: usize,
    /// Whether the server is asked to say when mail comes (IDLE, RFC 2177).
    pub idle: bool,
}

/// A message as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawMail {
    pub uid: u32,
    /// When the server got it.
    pub arrived: Option<Timestamp>,
    pub data: Vec<u8>,
    /// False: only the headers, because the message is too long.
    pub whole: bool,
}
