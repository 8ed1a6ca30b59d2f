//! Encoding mail and handing it over: to a relay by SMTP, to the local `sendmail` program, or into a directory.
//!
//! Here lives how a mail becomes bytes ([`encode`]) and how one try to deliver it ends ([`Mailer`]). What a mail says
//! is worded in `compose`; when a try is made, and what follows from its outcome, is decided in `schedule`; the daemon
//! calls.

pub mod address;
pub mod directory;
pub mod encode;
mod fault;
pub mod header;
pub mod sendmail;
pub mod smtp;

use std::path::PathBuf;

use crate::model::{MailSettings, SendOutcome, TransportSettings};

use self::directory::Directory;
use self::sendmail::Sendmail;
use self::smtp::{Limits, Relay};

/// The way mail leaves, as `[mail]` has it. Keeps one connection open from mail to mail; one mail is on its way at a
/// time.
pub struct Mailer {
    transport: Transport,
}

enum Transport {
    Smtp(Box<Relay>),
    Sendmail(Sendmail),
    Directory(Directory),
}

/// Why the way out cannot be set up: a matter of configuration, found before any mail is tried.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error(
        "[mail] host = {host:?} is neither a host name nor an IP address; write the relay's name, such as mail.example.com"
    )]
    Host { host: String },
    #[error("[mail] ca_file {path}: {why}; it must be a readable file with certificates in PEM form")]
    CaFile { path: PathBuf, why: String },
    #[error("[mail] has a username but no password, or a password but no username; give both, or neither")]
    Login,
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    #[error(
        "[mail] directory {path}: {source}; it must be a directory that mentiond may write to, on a disk with room left"
    )]
    Directory { path: PathBuf, source: std::io::Error },
}

impl Mailer {
    /// Does all set-up that can fail without talking to anybody, with the time-outs of [`Limits::default`].
    ///
    /// # Errors
    /// What the configuration names cannot be used; see [`MailError`].
    pub fn new(settings: &MailSettings) -> Result<Self, MailError> {
        Self::with_limits(settings, Limits::default())
    }

    /// The same with other time-outs, for tests and for measurements.
    ///
    /// # Errors
    /// As [`Mailer::new`].
    pub fn with_limits(settings: &MailSettings, limits: Limits) -> Result<Self, MailError> {
        let transport = match &settings.transport {
            TransportSettings::Smtp { host, port, tls, username, password, ca_file } => {
                let login = match (username, password) {
                    (Some(username), Some(password)) => Some((username.clone(), password.clone())),
                    (None, None) => None,
                    _ => return Err(MailError::Login),
                };
                Transport::Smtp(Box::new(Relay::new(host, *port, *tls, login, ca_file.as_deref(), limits)?))
            }
            TransportSettings::Sendmail { command } => Transport::Sendmail(Sendmail::new(command, limits)),
            TransportSettings::Directory { path } => Transport::Directory(Directory::new(path)?),
        };
        Ok(Self { transport })
    }

    /// Makes one try to hand one message to one recipient.
    ///
    /// `envelope_from` is the bare address that bounces go to, or empty for the null sender; `to` is one bare address.
    /// `message_id` (without angle brackets) names the file of the `directory` transport. `message` is what
    /// [`encode::encode`] made. `next` is who gets the mail that follows at once, if that is known; see [`Relay::send`].
    /// Dropping the future abandons the try and its connection: whether the mail left is then
    /// not known.
    pub async fn send(
        &mut self,
        envelope_from: &str,
        to: &str,
        message_id: &str,
        message: &[u8],
        next: Option<&str>,
    ) -> SendOutcome {
        match &mut self.transport {
            Transport::Smtp(relay) => relay.send(envelope_from, to, message, next).await,
            Transport::Sendmail(program) => program.send(envelope_from, to, message).await,
            Transport::Directory(directory) => directory.send(message_id, message).await,
        }
    }

    /// Takes leave of the relay (QUIT) if a connection is open. The next [`Mailer::send`] opens a new one.
    pub async fn close(&mut self) {
        if let Transport::Smtp(relay) = &mut self.transport {
            relay.close().await;
        }
    }
}
