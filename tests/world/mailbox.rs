//! Mailboxes, read from a real IMAP server.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use mentiond::store::record::MentionFilter;

use crate::support::imap::ImapHost;
use crate::support::world::{World, shared, until};

/// A world with one mailbox, which is the search itself.
fn world(host: &ImapHost, more: &str) -> World {
    World::new().contact().toml("[watchlists.acme]\nquery = 'acme'\n").toml(&host.source(
        "box",
        "support",
        &format!("match = \"all\"\n{more}"),
    ))
}

fn mail(number: usize, subject: &str, text: &str) -> String {
    format!(
        "From: Person {number} <person{number}@example.net>\nTo: support@example.com\nSubject: {subject}\n\
         Message-ID: <m{number}@example.net>\nDate: Fri, 6 Mar 2026 10:00:00 +0000\n\n{text}\n"
    )
}

/// Message-IDs of all mentions, each as often as it was recorded.
fn ids(world: &World) -> Vec<String> {
    world.mentions().into_iter().filter_map(|row| row.mention.entry.id).collect()
}

#[tokio::test]
async fn two_thousand_mails_are_each_seen_once_with_restarts_in_the_middle() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "use = \"messages\"");
    for n in 0..2000 {
        // Texts that have little in common: no two of them are one story.
        let words: Vec<String> = (1..8).map(|k| format!("w{:x}", n * 7919 * k % 9973)).collect();
        host.deliver("support", &mail(n, &format!("Order {n}"), &words.join(" ")));
    }
    let recorded = || {
        let newest = MentionFilter { copies: true, limit: 1, ..MentionFilter::default() };
        world.record().mentions(&newest).unwrap().first().map_or(0, |row| row.mention.id)
    };
    let (mut restarts, mut before) = (0, 0);
    loop {
        let running = world.run();
        until("some more mail", || recorded() >= (before + 300).min(2000)).await;
        running.stop().await.unwrap();
        before = recorded();
        if before >= 2000 {
            break;
        }
        restarts += 1;
    }
    let found = ids(&world);
    println!("{} mentions, {restarts} restarts in the middle", found.len());
    assert_eq!(found.len(), 2000);
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 2000);
    assert!(restarts >= 2, "{restarts}");
    assert_eq!(host.seen("support"), (0, 2000), "nothing was marked as read");
    let again = world.once().await;
    assert_eq!((again.unchanged, again.new_entries, again.failed), (1, 0, 0), "{again:?}");
}

#[tokio::test]
async fn hazard_33_a_folder_that_is_numbered_anew_repeats_nothing() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "use = \"messages\"");
    for n in 0..30 {
        host.deliver("support", &mail(n, &format!("Order {n}"), &format!("Where is parcel {n}?")));
    }
    assert_eq!(world.once().await.mentions, 30);
    host.renumber("support");
    host.deliver("support", &mail(99, "Order 99", "Where is parcel ninety-nine?"));
    let round = world.once().await;
    assert_eq!((round.entries, round.new_entries, round.mentions), (31, 1, 1), "{round:?}");
    let found = ids(&world);
    assert_eq!(found.len(), 31);
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 31);
    assert_eq!(world.once().await.unchanged, 1);
}

#[tokio::test]
async fn mail_is_read_when_it_comes() {
    let Some(host) = ImapHost::start() else { return };
    // Without the server's word, nothing would be read for a day; and the clock stands still.
    let world = world(&host, "use = \"messages\"\nevery = \"24h\"");
    host.deliver("support", &mail(1, "One", "My toaster is broken."));
    let running = world.run();
    until("the first mail", || world.mentions().len() == 1).await;
    for n in 2..5 {
        host.deliver("support", &mail(n, &format!("Number {n}"), &format!("My lamp number {n} flickers at night.")));
        until("the next mail", || world.mentions().len() == n).await;
    }
    running.stop().await.unwrap();
    assert_eq!(ids(&world).len(), 4);
}

#[tokio::test]
async fn messages_that_vanish_while_they_are_read_are_no_fault() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "use = \"messages\"");
    for n in 0..600 {
        host.deliver("support", &mail(n, &format!("Order {n}"), &format!("Where is my parcel {n}?")));
    }
    let removed = std::thread::scope(|scope| {
        let remover = scope.spawn(|| {
            let mut removed = 0;
            for step in 0..6 {
                std::thread::sleep(std::time::Duration::from_millis(60));
                removed += host.remove("support", |n| n % 7 == step);
            }
            removed
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let round = std::thread::scope(|inner| inner.spawn(|| runtime.unwrap().block_on(world.once())).join().unwrap());
        assert_eq!(round.failed, 0, "{round:?}");
        remover.join().unwrap()
    });
    world.once().await;
    let found = ids(&world);
    println!("{} of 600 were read, {removed} were deleted meanwhile", found.len());
    assert!(removed > 0 && found.len() >= 600 - removed, "{} {removed}", found.len());
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len());
    let gaps = world.source("box").health.error;
    assert_eq!(gaps, None);
}

#[tokio::test]
async fn a_refused_login_is_told_once_and_its_end_too() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "use = \"messages\"");
    host.forget_password("wrong-canary");
    for _ in 0..4 {
        assert_eq!(world.once().await.failed, 1);
        world.pass(SignedDuration::from_hours(30));
    }
    let told = world.mails_to("ops@example.com");
    assert_eq!(told.len(), 1, "{:?}", told.iter().map(|m| &m.subject).collect::<Vec<_>>());
    assert!(told[0].says("refused the login of support"), "{}", told[0].text);
    assert!(!told[0].text.contains("wrong-canary"), "{}", told[0].text);
    host.forget_password(crate::support::imap::PASSWORD);
    host.deliver("support", &mail(1, "One", "My toaster is broken."));
    assert_eq!(world.once().await.mentions, 1);
    assert_eq!(world.mails_to("ops@example.com").len(), 2, "it is heard again");
}

#[tokio::test]
async fn what_is_no_mail_of_a_person_is_left_alone() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "use = \"messages\"");
    for (n, head) in [
        "Auto-Submitted: auto-replied",
        "X-Mentiond-Kind: notice",
        "Return-Path: <>",
        "Content-Type: multipart/report; boundary=b",
        "Precedence: auto_reply",
    ]
    .into_iter()
    .enumerate()
    {
        host.deliver("support", &format!("{head}\n{}", mail(n, "Acme", "My Acme toaster")));
    }
    host.deliver("support", &mail(9, "Acme", "My Acme toaster broke. It is the third one. I am angry."));
    let round = world.once().await;
    assert_eq!((round.entries, round.mentions), (1, 1), "{round:?}");
    let entry = &world.mentions()[0].mention.entry;
    let author = entry.author.as_ref().unwrap();
    assert_eq!((author.name.as_str(), author.handle.as_deref()), ("Person 9", Some("person9@example.net")));
}

#[tokio::test]
async fn a_message_that_is_too_long_is_a_gap_and_only_its_headers_are_read() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "use = \"messages\"\nmax_message = \"64KiB\"");
    host.deliver("support", &mail(1, "A long one", &"word ".repeat(40_000)));
    host.deliver("support", &mail(2, "A short one", "My lamp is broken."));
    let round = world.once().await;
    assert_eq!((round.mentions, round.failed), (2, 0), "{round:?}");
    let texts: Vec<_> = world.mentions().into_iter().map(|m| (m.mention.entry.title, m.mention.entry.text)).collect();
    assert_eq!(texts[0], ("A long one".to_owned(), String::new()));
}

#[tokio::test]
async fn a_folder_is_read_over_tls_and_only_from_who_can_prove_to_be_it() {
    let Some(host) = ImapHost::start() else { return };
    host.deliver("support", &mail(1, "One", "My toaster is broken."));
    let source = |port: u16, tls: &str, folder: &str| {
        host.source("box", "support", "use = \"messages\"\nmatch = \"all\"")
            .replace(&format!("port = {}", host.port), &format!("port = {port}"))
            .replace("tls = \"none\"", &format!("tls = \"{tls}\"\nfolder = \"{folder}\""))
    };
    let ca = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls/ca.pem");
    let ca = format!("ca_file = \"{}\"", ca.display());
    for (port, tls) in [(host.tls_port, "implicit"), (host.port, "starttls")] {
        let plain = |lines: World| lines.toml("[watchlists.acme]\nquery = 'acme'\n").toml(&source(port, tls, "INBOX"));
        assert_eq!(plain(World::new().fetch(&ca)).once().await.mentions, 1, "{tls}");
        let stranger = plain(World::new());
        let round = stranger.once().await;
        let why = stranger.source("box").health.error.unwrap();
        assert!(round.failed == 1 && why.contains("unknown authority"), "{tls}: {why}");
    }
    let elsewhere = World::new().fetch(&ca).toml("[watchlists.acme]\nquery = 'acme'\n").toml(&source(
        host.tls_port,
        "implicit",
        "Nowhere",
    ));
    assert_eq!(elsewhere.once().await.failed, 1);
    let why = elsewhere.source("box").health.error.unwrap();
    assert!(why.contains("cannot open the folder Nowhere") && why.contains("There are: INBOX"), "{why}");
}

#[tokio::test]
async fn hazard_1_a_mailbox_in_a_private_network_is_not_contacted_unless_allowed() {
    let Some(host) = ImapHost::start() else { return };
    let text = world(&host, "use = \"messages\"").config_text().replace("allow_networks = [\"127.0.0.0/8\"]", "");
    let world = World::new().with_text(text);
    // The server logs the end of the connection with which the test found it ready, at some time.
    until("the log of the first connection", || host.log().contains("Disconnected")).await;
    let before = host.log();
    assert_eq!(world.once().await.failed, 1);
    let why = world.source("box").health.error.unwrap();
    assert!(why.contains("which is not contacted"), "{why}");
    assert_eq!(host.log(), before, "no packet was sent");
}

#[tokio::test]
async fn an_alert_mail_yields_what_it_lists() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "use = \"alerts\"");
    host.deliver(
        "support",
        "From: Google Alerts <googlealerts-noreply@google.com>\nSubject: Google Alert - acme\nMessage-ID: <a@google.com>\n\
         Date: Fri, 6 Mar 2026 10:00:00 +0000\nAuto-Submitted: auto-generated\nContent-Type: text/html; charset=utf-8\n\n\
         <a href=\"https://www.google.com/url?rct=j&amp;url=https://news.example.net/toaster&amp;ct=ga\"><b>Acme</b> recalls toasters</a>\n\
         <div>They may catch fire.</div>\n\
         <a href=\"https://www.google.com/url?url=https://blog.example.org/lamp&amp;ct=ga\">The new lamp</a> by Acme is here\n\
         <a href=\"https://www.google.com/alerts/remove?s=x\">Unsubscribe</a>",
    );
    let round = world.once().await;
    assert_eq!((round.entries, round.mentions), (2, 2), "{round:?}");
    let urls: BTreeSet<_> = world.mentions().into_iter().filter_map(|m| m.mention.entry.url).collect();
    assert_eq!(urls, ["https://news.example.net/toaster", "https://blog.example.org/lamp"].map(String::from).into());
}

#[tokio::test]
async fn every_alert_mail_of_the_shared_data_yields_its_links() {
    let Some(folder) = shared("data/mail/ewrt-googlealert") else { return };
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let data = std::fs::read(&path).unwrap();
        let mail = mentiond::sources::mailbox::mime::read(&data);
        let found = mentiond::sources::mailbox::alerts::findings(&mail);
        // What they list: a link of its own line or in a sentence, and none of the service's own.
        let text = String::from_utf8_lossy(&data);
        let body = text.split_once("\n\n").filter(|_| text.starts_with("Delivered")).map_or(&*text, |(_, body)| body);
        let expected: BTreeSet<&str> = body
            .split_whitespace()
            .map(|word| word.trim_matches(['<', '>']))
            .filter(|word| word.starts_with("http") && !word.contains("google.com/"))
            .collect();
        let urls: BTreeSet<&str> = found.iter().map(|f| f.url.trim_end_matches('/')).collect();
        let expected: BTreeSet<&str> = expected.iter().map(|u| u.trim_end_matches('/')).collect();
        assert_eq!(urls, expected, "{}", path.display());
        assert!(!found.is_empty() && found.iter().all(|f| !f.title.is_empty()), "{}: {found:?}", path.display());
        read += found.len();
    }
    println!("{read} links");
}
