//! Handing mail to a relay, good and bad.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod encryption;
mod outcomes;
mod sessions;
#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use mentiond::mail::smtp::Limits;
use mentiond::mail::{MailError, Mailer};
use mentiond::model::{MailFault, MailSettings, Mailbox, Secret, SendOutcome, SmtpTls, TransportSettings};
use support::smtp::{CUT, Dot, MUTE, Script, SmtpServer, tls_file};

const PASSWORD: &str = "canary-password-9f3a";
const MAIL: &[u8] = b"Subject: hello\r\n\r\nfirst\r\n.\r\nMAIL FROM:<eve@example.com>\r\n..dots\r\nlast\r\n";

/// Short where silence is tested, long elsewhere: a busy machine must not look like a silent relay.
fn limits() -> Limits {
    let long = Duration::from_secs(20);
    Limits { connect: long, tls: long, command: long, data: long, block: long, after_end: long, quit: long }
}

fn settings(server: &SmtpServer, tls: SmtpTls) -> MailSettings {
    MailSettings {
        from: Mailbox { name: None, email: "mentions@example.com".to_owned() },
        transport: TransportSettings::Smtp {
            host: "127.0.0.1".to_owned(),
            port: server.port(),
            tls,
            username: None,
            password: None,
            ca_file: Some(tls_file("ca.pem")),
        },
        max_per_hour: 20,
        replies: None,
    }
}

fn with_login(mut settings: MailSettings, name: &str, secret: &str) -> MailSettings {
    if let TransportSettings::Smtp { username, password, .. } = &mut settings.transport {
        *username = Some(name.to_owned());
        *password = Some(Secret::new(secret));
    }
    settings
}

fn mailer(server: &SmtpServer) -> Mailer {
    Mailer::with_limits(&settings(server, SmtpTls::None), limits()).unwrap()
}

fn tls_mailer(server: &SmtpServer, tls: SmtpTls) -> Mailer {
    Mailer::with_limits(&settings(server, tls), limits()).unwrap()
}

async fn send(mailer: &mut Mailer, to: &str) -> SendOutcome {
    mailer.send("mentions@example.com", to, "1@example.com", MAIL, None).await
}

#[derive(Debug, PartialEq)]
enum Kind {
    Sent,
    Deferred,
    Refused,
    Unknown,
    Unreachable,
    Locked,
    Insecure,
}

fn kind(outcome: &SendOutcome) -> (Kind, Option<u16>) {
    match outcome {
        SendOutcome::Sent => (Kind::Sent, None),
        SendOutcome::Deferred(f) => (Kind::Deferred, f.code),
        SendOutcome::Refused(f) => (Kind::Refused, f.code),
        SendOutcome::Unknown(f) => (Kind::Unknown, f.code),
        SendOutcome::Unreachable(f) => (Kind::Unreachable, f.code),
        SendOutcome::Locked(f) => (Kind::Locked, f.code),
        SendOutcome::Insecure(f) => (Kind::Insecure, f.code),
    }
}

fn fault(outcome: SendOutcome) -> MailFault {
    match outcome {
        SendOutcome::Sent => panic!("it was sent"),
        SendOutcome::Deferred(f)
        | SendOutcome::Refused(f)
        | SendOutcome::Unknown(f)
        | SendOutcome::Unreachable(f)
        | SendOutcome::Locked(f)
        | SendOutcome::Insecure(f) => f,
    }
}
