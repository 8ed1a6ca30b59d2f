//! The real binary against a real mail system: what a recipient's mail program gets to see, and what happens when the
//! relay is away or refuses somebody.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use mail_parser::{HeaderValue, MessageParser, MimeHeaders, PartType};
use support::postfix::{DOMAIN, Journal, MailHost, Message};
use support::web::{Reply, Web};
use tempfile::TempDir;

const FEED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Møbelforum</title><link>https://forum.example.net/</link>
<item><guid>1</guid><link>https://forum.example.net/1</link><title>Oakline: ¿dónde está mi sofá? — naïve 家具 🛋</title>
<description>La mesa de Oakline llegó rota y nadie contesta. Quiero que me devuelvan el dinero.</description></item>
<item><guid>2</guid><link>https://forum.example.net/2</link><title>Gåtur i skoven</title>
<description>Intet om møbler.</description></item>
</channel></rss>"#;
const TITLE: &str = "Oakline: ¿dónde está mi sofá? — naïve 家具 🛋";

/// A folder with a configuration: two people get alerts, one department gets the notice, `ops` hears of trouble.
fn configured(web: &Web, port: u16) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        r#"
[daemon]
state = "state"
timezone = "Europe/Madrid"
language = "es"
http = "off"
contact = "ops@{DOMAIN}"
[fetch]
allow_networks = ["127.0.0.0/8"]
[mail]
from = "Menções da Oakline <mentions@{DOMAIN}>"
transport = "smtp"
host = "127.0.0.1"
port = {port}
tls = "none"
[watchlists.oakline]
query = "oakline"
alert = ["ana@{DOMAIN}", "bo@{DOMAIN}"]
[sources.forum]
kind = "feed"
url = "{}"
[departments.support]
name = "Atención al cliente"
email = "carla@{DOMAIN}"
[[routes]]
when = "watchlist:oakline"
department = "support"
deliver = "now"
"#,
        web.url("/forum")
    );
    std::fs::write(folder.path().join("mentiond.toml"), config).unwrap();
    folder
}

fn mentiond(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mentiond"));
    command.arg("--config").arg(folder.join("mentiond.toml")).args(arguments).arg("--json");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn mail(summary: &serde_json::Value) -> [u64; 4] {
    ["queued", "sent", "deferred", "failed"].map(|count| summary["mail"][count].as_u64().unwrap())
}

fn by_mailbox(messages: &[Message]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for message in messages {
        *counts.entry(message.mailbox.as_str()).or_default() += 1;
    }
    counts
}

fn web() -> Web {
    let web = Web::start();
    web.on("/forum", Reply::ok(FEED).header("Content-Type", "application/rss+xml"));
    web
}

#[test]
fn three_recipients_read_one_mail_each() {
    let Some(host) = MailHost::start(&["ana", "bo", "carla", "ops"]) else { return };
    let web = web();
    let folder = configured(&web, host.smtp_port());
    assert_eq!(mail(&mentiond(folder.path(), &["once"])), [3, 3, 0, 0]);
    assert_eq!(mail(&mentiond(folder.path(), &["once"])), [0, 0, 0, 0], "the second round has nothing to say");

    let stored = host.messages();
    assert_eq!(by_mailbox(&stored), BTreeMap::from([("ana", 1), ("bo", 1), ("carla", 1)]));
    assert!(host.by_imap("ops").is_empty());
    let mut ids = Vec::new();
    for (mailbox, list) in [("ana", true), ("bo", true), ("carla", false)] {
        let read = host.by_imap(mailbox);
        assert_eq!(read.len(), 1, "{mailbox} by IMAP");
        let in_folder = stored.iter().find(|m| m.mailbox == mailbox).unwrap();
        let lines = |data: &[u8]| String::from_utf8_lossy(data).replace("\r\n", "\n");
        assert_eq!(lines(&read[0]), lines(&in_folder.data), "IMAP and Maildir show the same");
        let message = MessageParser::default().parse(&read[0]).unwrap();

        let from = message.from().unwrap().first().unwrap();
        assert_eq!(from.name(), Some("Menções da Oakline"));
        assert_eq!(from.address(), Some("mentions@example.com"));
        let to: Vec<_> = message.to().unwrap().iter().map(|a| a.address().unwrap().to_owned()).collect();
        assert_eq!(to, [format!("{mailbox}@{DOMAIN}")], "nobody sees who else got it");
        assert!(message.cc().is_none() && message.bcc().is_none());
        assert!(message.date().is_some());
        assert!(message.subject().unwrap().contains(TITLE), "{:?}", message.subject());
        ids.push(message.message_id().unwrap().to_owned());
        assert!(ids.last().unwrap().ends_with("@example.com"));
        let header = |name: &str| message.header_raw(name).map(|value| value.trim().to_owned());
        assert_eq!(header("Auto-Submitted").as_deref(), Some("auto-generated"));
        assert_eq!(header("Delivered-To").as_deref(), Some(to[0].as_str()));
        assert_eq!(header("Return-Path").as_deref(), Some("<mentions@example.com>"));
        if list {
            let list = message.header("List-Id").map(|value| format!("{value:?}")).unwrap_or_default();
            assert!(list.contains("oakline"), "List-Id of the watchlist: {list}");
        }

        let kind = message.content_type().unwrap();
        assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("alternative")));
        let kinds = message.parts.iter().skip(1).map(|part| match part.body {
            PartType::Text(_) => "text",
            PartType::Html(_) => "html",
            _ => "other",
        });
        assert_eq!(kinds.collect::<Vec<_>>(), ["text", "html"], "the richer form last (RFC 2046, 5.1.4)");
        for body in [message.body_text(0).unwrap(), message.body_html(0).unwrap()] {
            assert!(body.contains("https://forum.example.net/1") && body.contains("llegó rota"), "{body}");
        }
        // A plain header must not hide a second one.
        for name in ["From", "To", "Subject", "Message-ID", "Date", "MIME-Version"] {
            let count = message.headers().iter().filter(|h| h.name().eq_ignore_ascii_case(name)).count();
            assert_eq!(count, 1, "{name}");
        }
        assert!(!matches!(message.header("MIME-Version"), None | Some(HeaderValue::Empty)));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "a Message-ID each");

    let journal = Journal::read(&host.log());
    assert_eq!(journal.taken.len(), 3);
    assert!(journal.taken.iter().all(|taken| taken.session == journal.taken[0].session), "one connection for all");
}

#[test]
fn a_relay_that_was_away_gets_everything_once_it_is_back() {
    let Some(mut host) = MailHost::prepare(&["ana", "bo", "carla", "ops"]) else { return };
    let web = web();
    let folder = configured(&web, host.smtp_port());
    assert_eq!(mail(&mentiond(folder.path(), &["once"])), [3, 0, 3, 0]);
    assert_eq!(mail(&mentiond(folder.path(), &["once"]))[2], 3, "still waiting");
    host.start_smtp();
    mentiond(folder.path(), &["outbox", "retry"]);
    assert_eq!(mail(&mentiond(folder.path(), &["once"])), [0, 3, 0, 0]);
    host.stop_smtp();
    host.start_smtp();
    assert_eq!(mail(&mentiond(folder.path(), &["once"])), [0, 0, 0, 0]);
    assert_eq!(by_mailbox(&host.messages()), BTreeMap::from([("ana", 1), ("bo", 1), ("carla", 1)]));
}

#[test]
fn a_recipient_that_is_refused_costs_the_others_nothing() {
    // bo has no mailbox: 550 5.1.1 at RCPT.
    let Some(host) = MailHost::start(&["ana", "carla", "ops"]) else { return };
    let web = web();
    let folder = configured(&web, host.smtp_port());
    let summary = mentiond(folder.path(), &["once"]);
    assert_eq!(mail(&summary)[3], 1, "{summary}");
    mentiond(folder.path(), &["once"]);
    let stored = host.messages();
    assert_eq!(by_mailbox(&stored), BTreeMap::from([("ana", 1), ("carla", 1), ("ops", 1)]), "the operator is told");
    let report = stored.iter().find(|m| m.mailbox == "ops").unwrap();
    let report = MessageParser::default().parse(&report.data).unwrap();
    let words = report.body_text(0).unwrap();
    assert!(words.contains("bo@example.com") && words.contains("550"), "{words}");
    assert_eq!(host.log().matches("reject: RCPT").count(), 1, "refused for good: not asked again");
}
