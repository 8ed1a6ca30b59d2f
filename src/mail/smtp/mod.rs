//! Handing mail to a relay by SMTP (RFC 5321): one session kept open, one envelope a recipient, and an exact answer to
//! the question whether a mail may have arrived.
//!
//! lettre builds our messages but its SMTP client is not used: under STARTTLS it cannot be told whether the end of a
//! message had left, it keeps what came in the clear before encryption, and a reply that is not UTF-8 is an error to
//! it, which after the final dot would mean sending the mail twice.

mod limits;
mod reply;
mod session;
mod stuffing;
mod tls;
mod wire;
mod words;

use std::path::Path;

use lettre::Address;

use crate::model::{Secret, SendOutcome, SmtpTls};
use crate::point;

use super::MailError;
use super::address::{self, ascii_domain};
use super::fault::fault;

pub use self::limits::Limits;
use self::reply::Reply;
use self::session::{Opener, Security, Session};
use self::tls::Tls;
use self::wire::BodyStop;
use self::words::{Name, wire_words};

/// A relay, and the session with it if one is open.
pub struct Relay {
    opener: Opener,
    session: Option<Session>,
}

/// How a transaction ended.
enum Ended {
    /// With an outcome, and the session if it can be used again.
    Settled(SendOutcome, Option<Session>),
    /// The session failed while nothing of the mail could have arrived, so a fresh one may be tried at once.
    Lost(SendOutcome),
}

/// One command of a transaction.
struct Step<'a> {
    line: &'a str,
    /// What the relay is asked to take, in words.
    asked: &'static str,
    /// When it is asked, in words.
    when: &'static str,
    limit: std::time::Duration,
    passes: fn(&Reply) -> bool,
}

/// Who sends to whom. Both fit an SMTP command.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Envelope {
    /// `None` is the null sender.
    from: Option<Address>,
    to: Address,
}

impl Relay {
    /// Prepares, without connecting.
    ///
    /// # Errors
    /// The host is no name, the certificates cannot be read.
    pub fn new(
        host: &str,
        port: u16,
        tls: SmtpTls,
        login: Option<(String, Secret)>,
        ca_file: Option<&Path>,
        limits: Limits,
    ) -> Result<Self, MailError> {
        let bad_host = || MailError::Host { host: host.to_owned() };
        let ascii = ascii_domain(host.trim_matches(['[', ']'])).ok_or_else(bad_host)?;
        // Also without TLS: what is no name for a certificate is no name to look up.
        rustls::pki_types::ServerName::try_from(ascii.as_str()).map_err(|_| bad_host())?;
        let security = Security::new(tls, || Tls::new(&ascii, ca_file))?;
        let relay = Name(if ascii.contains(':') { format!("[{ascii}]:{port}") } else { format!("{ascii}:{port}") });
        Ok(Self { opener: Opener { host: ascii, port, security, login, limits, relay }, session: None })
    }

    /// One try to hand over one message. An open session is used again; if it proves dead before the message could
    /// have arrived, a fresh one is tried at once.
    ///
    /// `next` is the recipient of the message that will be sent right after this one from the same sender, if that is
    /// known: its envelope then leaves together with the end of this message (RFC 2920, 3.1), which saves the wait for
    /// a round trip. If another message comes after all, that costs a fresh session.
    pub async fn send(&mut self, from: &str, to: &str, message: &[u8], next: Option<&str>) -> SendOutcome {
        let envelope = match Envelope::new(from, to) {
            Ok(envelope) => envelope,
            Err(outcome) => return outcome,
        };
        let next = next.and_then(|next| Envelope::new(from, next).ok());
        let stuffed = stuffing::stuff(message);
        // Taken, not borrowed: if this future is dropped half-way, the session goes with it.
        if let Some(mut session) = self.session.take()
            && session.can_take(&envelope).await
            && let Ended::Settled(outcome, session) =
                self.transact(session, &envelope, message, &stuffed, next.as_ref()).await
        {
            self.session = session;
            return outcome;
        }
        let session = match self.opener.open().await {
            Ok(session) => session,
            Err(outcome) => return outcome,
        };
        match self.transact(session, &envelope, message, &stuffed, next.as_ref()).await {
            Ended::Settled(outcome, session) => {
                self.session = session;
                outcome
            }
            Ended::Lost(outcome) => outcome,
        }
    }

    /// QUIT, if a session is open. One that waits for a message which will not come is simply left.
    pub async fn close(&mut self) {
        if let Some(session) = self.session.take().filter(|session| session.announced.is_none()) {
            session.wire.quit(self.opener.limits.quit).await;
        }
    }

    async fn transact(
        &self,
        mut session: Session,
        envelope: &Envelope,
        message: &[u8],
        stuffed: &[u8],
        next: Option<&Envelope>,
    ) -> Ended {
        let (relay, limits) = (&self.opener.relay, &self.opener.limits);
        let announced = session.announced.take().is_some();
        let mail = match envelope.mail_command(&session, message, relay) {
            Ok(command) => command,
            Err(outcome) => return Ended::Settled(outcome, (!announced).then_some(session)),
        };
        if session.unfinished && !announced {
            match session.wire.command("RSET", limits.command).await {
                Ok(reply) if reply.is_done() => session.unfinished = false,
                Ok(reply) => return Ended::Lost(relay.not_now(&reply)),
                Err(why) => return Ended::Lost(relay.broke("at RSET", &why)),
            }
        }
        let rcpt = envelope.rcpt_command();
        let (command, data) = (limits.command, limits.data);
        let steps = [
            Step { line: &mail, asked: "the sender address", when: "at MAIL", limit: command, passes: Reply::is_done },
            Step { line: &rcpt, asked: "the recipient", when: "at RCPT", limit: command, passes: Reply::is_done },
            Step { line: "DATA", asked: "the message", when: "at DATA", limit: data, passes: Reply::goes_on },
        ];
        let at_once = command.max(data);
        let together = if announced {
            Some(session.wire.replies(at_once).await)
        } else if session.offers.pipelining {
            Some(session.wire.commands([mail.as_str(), rcpt.as_str(), "DATA"], at_once).await)
        } else {
            None
        };
        let replies: Vec<Reply> = match together.transpose() {
            Ok(replies) => replies.into_iter().flatten().collect(),
            Err(why) => return Ended::Lost(relay.broke("at MAIL", &why)),
        };
        // A relay that takes DATA along although it did not take the recipient waits for a message that must not come
        // (RFC 2920, 3.1): it is left.
        let waits = replies.last().is_some_and(Reply::goes_on);
        let mut replies = replies.into_iter();
        for step in steps {
            let reply = match replies.next() {
                Some(reply) => Ok(reply),
                None => session.wire.command(step.line, step.limit).await,
            };
            match reply {
                Ok(reply) if (step.passes)(&reply) => session.unfinished = true,
                Ok(reply) => return settle(relay, step.asked, &reply, (!waits).then_some(session)),
                Err(why) => return Ended::Lost(relay.broke(step.when, &why)),
            }
        }
        let next = next.filter(|_| session.offers.pipelining);
        point::at("mail-ending");
        match session.wire.body(stuffed, &next.map(Envelope::announcement).unwrap_or_default(), limits.block).await {
            Ok(()) => session.announced = next.cloned(),
            // Half a message is on the wire, so this session is of no more use.
            Err(BodyStop::Early(Ok(reply))) => {
                return match relay.answered("the message", &reply) {
                    lost @ SendOutcome::Unreachable(_) => Ended::Lost(lost),
                    outcome => Ended::Settled(outcome, None),
                };
            }
            Err(BodyStop::Early(Err(why)) | BodyStop::BeforeEnd(why)) => {
                return Ended::Lost(relay.broke("during the message", &why));
            }
            Err(BodyStop::AfterEnd(why)) => return Ended::Settled(relay.unknown(&wire_words(&why)), None),
        }
        point::at("mail-ended");
        match session.wire.reply(limits.after_end).await {
            Ok(reply) if reply.is_done() => {
                session.unfinished = false;
                Ended::Settled(SendOutcome::Sent, Some(session))
            }
            // A clear no, so nothing was delivered; but not lost, since the mail was offered in full.
            Ok(reply) if reply.code == 421 => Ended::Settled(relay.not_now(&reply), None),
            Ok(reply) if reply.code >= 400 => {
                session.unfinished = false;
                Ended::Settled(relay.answered("the message", &reply), Some(session))
            }
            Ok(reply) => Ended::Settled(relay.unknown(&format!("it answered {}", words::shown(&reply))), None),
            Err(why) => Ended::Settled(relay.unknown(&wire_words(&why)), None),
        }
    }
}

/// A command was not answered as hoped: the session stays, if it is of use, unless the relay is leaving (421) or not
/// understood.
fn settle(relay: &Name, asked: &str, reply: &Reply, session: Option<Session>) -> Ended {
    match relay.answered(asked, reply) {
        lost @ SendOutcome::Unreachable(_) => Ended::Lost(lost),
        locked @ SendOutcome::Locked(_) => Ended::Settled(locked, None),
        outcome => Ended::Settled(outcome, session),
    }
}

impl Session {
    /// True if the session is open and waits for this message, or for any.
    async fn can_take(&mut self, envelope: &Envelope) -> bool {
        match &self.announced {
            Some(announced) => announced == envelope,
            None => !self.wire.is_stale().await,
        }
    }
}

impl Envelope {
    fn new(from: &str, to: &str) -> Result<Self, SendOutcome> {
        let no = |what: &str, why| {
            SendOutcome::Refused(fault(format!(
                "the {what} address cannot be used: {why}; correct it in the configuration"
            )))
        };
        let from = match from {
            "" => None,
            from => Some(address::ascii(from).map_err(|why| no("sender", why))?),
        };
        Ok(Self { from, to: address::ascii(to).map_err(|why| no("recipient", why))? })
    }

    fn mail(&self) -> String {
        format!("MAIL FROM:<{}>", self.from.as_ref().map_or("", |a| a.as_ref()))
    }

    fn rcpt_command(&self) -> String {
        format!("RCPT TO:<{}>", self.to)
    }

    /// All commands before a message that is not made yet, so without its SIZE; it is 7-bit.
    fn announcement(&self) -> String {
        format!("{}\r\n{}\r\nDATA\r\n", self.mail(), self.rcpt_command())
    }

    /// MAIL with what the relay offers to know; refused here if the relay has said that it will not take the message.
    fn mail_command(&self, session: &Session, message: &[u8], relay: &Name) -> Result<String, SendOutcome> {
        let refused = |why: String| SendOutcome::Refused(fault(format!("the relay {} {why}", relay.0)));
        let mut command = self.mail();
        if let Some(largest) = session.offers.size {
            let size = message.len() as u64;
            if let Some(largest) = largest.filter(|&largest| size > largest) {
                return Err(refused(format!(
                    "takes mails of at most {largest} bytes, and this one has {size}; ask its operator for more"
                )));
            }
            command.push_str(&format!(" SIZE={size}"));
        }
        if !message.is_ascii() {
            if !session.offers.eight_bit {
                return Err(refused("takes 7-bit mails only (no 8BITMIME), and this one is not".to_owned()));
            }
            command.push_str(" BODY=8BITMIME");
        }
        Ok(command)
    }
}
