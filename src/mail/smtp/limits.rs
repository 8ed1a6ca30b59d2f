//! How long each step of handing over a mail may take.

use std::time::Duration;

/// One time-out for each step, from RFC 5321, 4.5.3.2. They run out only when the relay says nothing: a slow relay is
/// waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Looking up the name, and connecting to each of its addresses. Default 10 s.
    pub connect: Duration,
    /// The TLS handshake. Default 30 s.
    pub tls: Duration,
    /// Greeting, EHLO, STARTTLS, AUTH, MAIL, RCPT and RSET, each. Default 5 min.
    pub command: Duration,
    /// DATA, until the relay is ready for the message. Default 2 min.
    pub data: Duration,
    /// Each block of the message. Default 3 min.
    pub block: Duration,
    /// The reply after the end of the message. Default 10 min: who gives up here sends mails twice. Also for the
    /// `sendmail` program from start to end.
    pub after_end: Duration,
    /// The reply to QUIT, which changes nothing any more. Default 3 s.
    pub quit: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(30),
            command: Duration::from_secs(5 * 60),
            data: Duration::from_secs(2 * 60),
            block: Duration::from_secs(3 * 60),
            after_end: Duration::from_secs(600),
            quit: Duration::from_secs(3),
        }
    }
}
