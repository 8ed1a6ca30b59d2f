//! What is told about faults of a relay, and which outcome each is.

use std::time::Duration;

use crate::model::{MailFault, SendOutcome};

use super::super::fault::{fault, quote};
use super::reply::Reply;
use super::wire::WireFault;

/// The relay as people know it: `mail.example.com:587`.
#[derive(Clone, Debug)]
pub(super) struct Name(pub(super) String);

impl Name {
    /// A negative (or unfit) reply to a command about this mail. `asked` says what the relay was asked for, such as
    /// "the recipient".
    pub(super) fn answered(&self, asked: &str, reply: &Reply) -> SendOutcome {
        let words = shown(reply);
        let relay = &self.0;
        let coded = |message| MailFault { code: code(reply), message };
        match reply.code {
            421 => self.not_now(reply),
            // RFC 4954, 4 and 6: the relay wants a login, or encryption, before it takes anything.
            530 | 534 | 535 | 538 => SendOutcome::Locked(coded(format!(
                "the relay {relay} takes no mail from us as [mail] is configured: {words}; set username and password, or tls"
            ))),
            400..=499 => SendOutcome::Deferred(coded(format!(
                "the relay {relay} put off {asked}: {words}; it will be tried again"
            ))),
            500..=599 => SendOutcome::Refused(coded(format!(
                "the relay {relay} refused {asked} for good: {words}; correct what it names (often the address), then \
                 retry it"
            ))),
            _ => self.unfit(&format!("answered {words} when asked for {asked}")),
        }
    }

    /// A negative reply before any mail was talked about, or 421 at any time.
    pub(super) fn not_now(&self, reply: &Reply) -> SendOutcome {
        SendOutcome::Unreachable(MailFault {
            code: code(reply),
            message: format!(
                "the relay {} serves us no mail now: {}; all mail waits and is tried again",
                self.0,
                shown(reply)
            ),
        })
    }

    /// The relay does something that SMTP does not allow for.
    pub(super) fn unfit(&self, what: &str) -> SendOutcome {
        SendOutcome::Unreachable(fault(format!(
            "the relay {} {what}; is [mail] host and port a mail relay, and does tls fit it (587 goes with starttls, \
             465 with implicit)? All mail waits and is tried again",
            self.0
        )))
    }

    /// No connection, before anything was sent.
    pub(super) fn no_connection(&self, why: &str) -> SendOutcome {
        SendOutcome::Unreachable(fault(format!(
            "no connection to the relay {}: {}; check [mail] host and port, the network, and that the relay runs. All \
             mail waits and is tried again",
            self.0,
            quote(why)
        )))
    }

    /// No encryption, before anything was sent.
    pub(super) fn no_encryption(&self, why: &str) -> SendOutcome {
        SendOutcome::Unreachable(fault(format!(
            "no encrypted connection to the relay {}: {}. All mail waits and is tried again",
            self.0,
            quote(why)
        )))
    }

    /// The connection failed while nothing could have arrived yet. `step` says when: "after MAIL".
    pub(super) fn broke(&self, step: &str, why: &WireFault) -> SendOutcome {
        match why {
            WireFault::Nonsense(what) => self.unfit(&format!("is not understood {step}: {}", quote(what))),
            WireFault::Cut(_) | WireFault::Silent(_) => SendOutcome::Unreachable(fault(format!(
                "the connection to the relay {} failed {step}: {}; nothing was delivered, and all mail waits and is \
                 tried again",
                self.0,
                wire_words(why)
            ))),
        }
    }

    /// The connection failed when the message may have arrived.
    pub(super) fn unknown(&self, why: &str) -> SendOutcome {
        SendOutcome::Unknown(fault(format!(
            "the relay {} had the whole mail but did not say that it took it: {}; it is sent once more with the same \
             Message-ID, so the recipient may get it twice",
            self.0,
            quote(why)
        )))
    }

    pub(super) fn insecure(&self, code: Option<u16>, what: &str) -> SendOutcome {
        SendOutcome::Insecure(MailFault { code, message: format!("the relay {} {what}", self.0) })
    }

    pub(super) fn locked(&self, code: Option<u16>, what: &str) -> SendOutcome {
        SendOutcome::Locked(MailFault { code, message: format!("the relay {} {what}", self.0) })
    }
}

/// What happened on the wire, in words that follow a colon.
pub(super) fn wire_words(why: &WireFault) -> String {
    match why {
        WireFault::Cut(what) | WireFault::Nonsense(what) => quote(what),
        WireFault::Silent(limit) => format!("it was silent for {}", seconds(*limit)),
    }
}

/// The code and the text of a reply, fit to be shown.
pub(super) fn shown(reply: &Reply) -> String {
    format!("{} {}", reply.code, quote(&reply.text())).trim_end().to_owned()
}

/// The code for [`MailFault::code`], which is one of failure.
pub(super) fn code(reply: &Reply) -> Option<u16> {
    (400..600).contains(&reply.code).then_some(reply.code)
}

fn seconds(limit: Duration) -> String {
    if limit < Duration::from_secs(1) { format!("{} ms", limit.as_millis()) } else { format!("{} s", limit.as_secs()) }
}
