//! Handing mail to a relay, good and bad.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

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

#[tokio::test]
async fn one_session_carries_many_mails_in_order() {
    let server = SmtpServer::start(Script::default());
    let mut mailer = mailer(&server);
    for n in 0..50 {
        assert_eq!(send(&mut mailer, &format!("r{n}@example.com")).await, SendOutcome::Sent);
    }
    mailer.close().await;
    assert_eq!(server.sessions(), 1);
    assert_eq!(server.count("EHLO"), 1);
    assert_eq!(server.count("QUIT"), 1);
    let to: Vec<String> = server.messages().iter().flat_map(|m| m.to.clone()).collect();
    assert_eq!(to, (0..50).map(|n| format!("r{n}@example.com")).collect::<Vec<_>>());
    assert!(server.messages().iter().all(|m| m.from == "mentions@example.com" && m.to.len() == 1));

    // After close the next mail opens a new session.
    assert_eq!(send(&mut mailer, "again@example.com").await, SendOutcome::Sent);
    assert_eq!(server.sessions(), 2);
}

#[tokio::test]
async fn hazard_25_dots_and_commands_in_a_body_stay_body() {
    let server = SmtpServer::start(Script::default());
    let mut mailer = mailer(&server);
    assert_eq!(send(&mut mailer, "ana@example.com").await, SendOutcome::Sent);
    for smuggled in ["a\n.\nMAIL FROM:<e@example.com>", "a\r.\rMAIL FROM:<e@example.com>", "a\r\n.\rMAIL\n.\r\n", "."] {
        let outcome = mailer.send("", "ana@example.com", "2@example.com", smuggled.as_bytes(), None).await;
        assert_eq!(outcome, SendOutcome::Sent);
    }
    let messages = server.messages();
    assert_eq!(messages.len(), 5);
    assert_eq!(messages[0].data, MAIL, "byte for byte");
    assert_eq!(messages[1].from, "", "the null sender");
    assert_eq!(messages[1].text(), "a\r\n.\r\nMAIL FROM:<e@example.com>\r\n");
    assert_eq!(server.count("MAIL"), 5, "no command came out of a body: {:?}", server.commands());
}

#[tokio::test]
async fn hazard_24_addresses_cannot_inject_commands() {
    let server = SmtpServer::start(Script::default());
    let mut mailer = mailer(&server);
    for (from, to) in [
        ("mentions@example.com", "ana@example.com>\r\nRCPT TO:<eve@example.com"),
        ("mentions@example.com\r\nRSET", "ana@example.com"),
        ("mentions@example.com", "ana@example.com,eve@example.com"),
        ("mentions@example.com", "begoña@example.com"),
    ] {
        let outcome = mailer.send(from, to, "1@example.com", MAIL, None).await;
        assert_eq!(kind(&outcome), (Kind::Refused, None), "{from:?} {to:?}");
    }
    assert_eq!(server.sessions(), 0, "not even a connection");
    assert_eq!(send(&mut mailer, "ana@bücher.example").await, SendOutcome::Sent);
    assert_eq!(server.messages()[0].to, ["ana@xn--bcher-kva.example"]);
}

#[tokio::test]
async fn hazard_28_each_answer_has_its_outcome() {
    use Kind::{Deferred, Locked, Refused, Unreachable};
    for (script, wanted) in [
        (Script::default().banner("421 4.3.2 too busy"), (Unreachable, Some(421))),
        (Script::default().banner("554 5.3.2 not you"), (Unreachable, Some(554))),
        (Script::default().banner("450 later"), (Unreachable, Some(450))),
        (Script::default().answer("EHLO", "550 no"), (Unreachable, Some(550))),
        (Script::default().answer("EHLO", "421 bye"), (Unreachable, Some(421))),
        (Script::default().answer("MAIL", "451 4.3.0 oops"), (Deferred, Some(451))),
        (Script::default().answer("MAIL", "553 5.1.8 sender"), (Refused, Some(553))),
        (Script::default().answer("MAIL", "421 bye"), (Unreachable, Some(421))),
        (Script::default().answer("MAIL", "530 5.7.0 Authentication required"), (Locked, Some(530))),
        (Script::default().answer("RCPT", "450 4.2.0 greylisted"), (Deferred, Some(450))),
        (Script::default().answer("RCPT", "452 4.2.2 full"), (Deferred, Some(452))),
        (Script::default().answer("RCPT", "550 5.1.1 unknown"), (Refused, Some(550))),
        (Script::default().answer("RCPT", "421 bye"), (Unreachable, Some(421))),
        (Script::default().answer("DATA", "451 no"), (Deferred, Some(451))),
        (Script::default().answer("DATA", "554 no"), (Refused, Some(554))),
        (Script::default().answer("DATA", "250 what"), (Unreachable, None)),
        (Script::default().answer("RCPT", "354 what"), (Unreachable, None)),
        (Script::default().answer("RCPT", "no smtp at all"), (Unreachable, None)),
        (Script::default().dot(Dot::Answer("451 4.7.1 later".into())), (Deferred, Some(451))),
        (Script::default().dot(Dot::Answer("552 5.3.4 too big".into())), (Refused, Some(552))),
        (Script::default().dot(Dot::Answer("554 5.7.1 spam".into())), (Refused, Some(554))),
        (Script::default().dot(Dot::Answer("421 4.3.2 leaving".into())), (Unreachable, Some(421))),
    ] {
        let server = SmtpServer::start(script);
        let outcome = send(&mut mailer(&server), "ana@example.com").await;
        assert_eq!(kind(&outcome), wanted, "{outcome:?}");
        assert!(server.messages().is_empty());
        assert_eq!(server.sessions(), 1, "a fresh session is not tried again");
    }
}

/// With and without commands sent together (RFC 2920): the same outcomes.
#[tokio::test]
async fn hazard_28_one_bad_recipient_holds_up_no_other() {
    for offers in [["8BITMIME"], ["PIPELINING"]] {
        let script = Script::default()
            .offers(&offers)
            .answer("RCPT TO:<two@", "451 4.7.1 Greylisted")
            .answer("RCPT TO:<three@", "550 5.1.1 No such user");
        let server = SmtpServer::start(script);
        let mut mailer = mailer(&server);
        let mut kinds = Vec::new();
        for to in ["one@example.com", "two@example.com", "three@example.com", "four@example.com"] {
            kinds.push(kind(&send(&mut mailer, to).await).0);
        }
        assert_eq!(kinds, [Kind::Sent, Kind::Deferred, Kind::Refused, Kind::Sent]);
        let to: Vec<_> = server.messages().iter().flat_map(|m| m.to.clone()).collect();
        assert_eq!(to, ["one@example.com", "four@example.com"], "each once");
        assert_eq!(server.sessions(), 1);
        assert_eq!(server.count("RSET"), 2, "the unfinished transactions were dropped first");
    }
}

#[tokio::test]
async fn hazard_28_a_refused_login_locks_and_shows_no_secret() {
    for mechanisms in ["PLAIN LOGIN", "LOGIN"] {
        let server = SmtpServer::start(Script::default().login("mentions", "right").mechanisms(mechanisms));
        let settings = with_login(settings(&server, SmtpTls::None), "mentions-canary", PASSWORD);
        let mut mailer = Mailer::with_limits(&settings, limits()).unwrap();
        let outcome = send(&mut mailer, "ana@example.com").await;
        assert_eq!(kind(&outcome), (Kind::Locked, Some(535)));
        let message = fault(outcome).message;
        // The server repeats the credentials and the AUTH line in its answer.
        for secret in [PASSWORD, "mentions-canary", "bWVudGlvbnMtY2FuYXJ5", "AUTH PLAIN", "AUTH LOGIN"] {
            assert!(!message.contains(secret), "{message}");
        }
        assert!(message.contains("535 5.7.8") && message.contains("check [mail] username"), "{message}");
        assert_eq!(server.count("AUTH"), 1, "one try");
        assert_eq!(server.count("MAIL"), 0);
    }
}

#[tokio::test]
async fn logins_that_work_and_that_cannot() {
    for mechanisms in ["PLAIN LOGIN", "LOGIN", "CRAM-MD5 PLAIN"] {
        let script = Script::default().login("mentions", PASSWORD).mechanisms(mechanisms).starttls("good");
        let server = SmtpServer::start(script);
        let settings = with_login(settings(&server, SmtpTls::StartTls), "mentions", PASSWORD);
        let mut mailer = Mailer::with_limits(&settings, limits()).unwrap();
        assert_eq!(send(&mut mailer, "ana@example.com").await, SendOutcome::Sent);
        assert_eq!(send(&mut mailer, "ana@example.com").await, SendOutcome::Sent);
        let messages = server.messages();
        assert!(messages[0].tls && messages[0].login.as_deref() == Some("mentions"));
        assert_eq!(server.count("AUTH"), 1, "once a session");
    }
    let outcomes = [
        (Script::default(), (Kind::Locked, None)),
        (Script::default().login("mentions", PASSWORD).mechanisms("GSSAPI"), (Kind::Locked, None)),
        (Script::default().login("a", "b").answer("AUTH", "454 4.7.0 try later"), (Kind::Unreachable, Some(454))),
        (Script::default().login("a", "b").answer("AUTH", "421 bye"), (Kind::Unreachable, Some(421))),
        (Script::default().login("a", "b").answer("AUTH", CUT), (Kind::Unreachable, None)),
        (Script::default().login("a", "b").answer("AUTH", "534 5.7.9 stronger"), (Kind::Locked, Some(534))),
    ];
    for (script, wanted) in outcomes {
        let server = SmtpServer::start(script);
        let settings = with_login(settings(&server, SmtpTls::None), "mentions", PASSWORD);
        let outcome = send(&mut Mailer::with_limits(&settings, limits()).unwrap(), "ana@example.com").await;
        assert_eq!(kind(&outcome), wanted, "{outcome:?}");
    }
}

#[tokio::test]
async fn hazard_29_only_a_break_after_the_dot_is_unknown() {
    let short = Limits { after_end: Duration::from_millis(100), ..limits() };
    let after = [
        Dot::TakeAndCut,
        Dot::TakeAndStaySilent,
        Dot::TakeLate(Duration::from_secs(60)),
        Dot::Answer("not smtp".into()),
        Dot::Answer("354 more".into()),
    ];
    for dot in after {
        for tls in [SmtpTls::None, SmtpTls::Implicit] {
            let script = Script::default().dot(dot.clone());
            let server = SmtpServer::start(if tls == SmtpTls::None { script } else { script.implicit_tls("good") });
            let mut mailer = Mailer::with_limits(&settings(&server, tls), short).unwrap();
            let outcome = send(&mut mailer, "ana@example.com").await;
            assert_eq!(kind(&outcome).0, Kind::Unknown, "{outcome:?}");
            assert!(fault(outcome).message.contains("may get it twice"));
            assert_eq!(server.sessions(), 1, "it is not for the transport to repeat it");
        }
    }
    let body = "x".repeat(70).repeat(10) + "\r\n";
    let large = format!("Subject: x\r\n\r\n{}", body.repeat(20_000)).into_bytes();
    for bytes in [1, 100_000, 5_000_000] {
        for tls in [SmtpTls::None, SmtpTls::Implicit] {
            let script = Script::default().dot(Dot::CutBefore(bytes));
            let server = SmtpServer::start(if tls == SmtpTls::None { script } else { script.implicit_tls("good") });
            let outcome = tls_mailer(&server, tls).send("", "ana@example.com", "1@example.com", &large, None).await;
            assert_eq!(kind(&outcome).0, Kind::Unreachable, "{outcome:?}");
            assert!(fault(outcome).message.contains("nothing was delivered"));
            assert!(server.messages().is_empty());
        }
    }
}

#[tokio::test]
async fn hazard_29_a_relay_that_stops_reading_has_not_got_the_mail() {
    let short = Limits { block: Duration::from_millis(200), ..limits() };
    let large = "Half a line of text\r\n".repeat(1_500_000).into_bytes();
    for tls in [SmtpTls::None, SmtpTls::Implicit] {
        let script = Script::default().offers(&[]).dot(Dot::StopReading(1000));
        let server = SmtpServer::start(if tls == SmtpTls::None { script } else { script.implicit_tls("good") });
        let mut mailer = Mailer::with_limits(&settings(&server, tls), short).unwrap();
        let outcome = mailer.send("", "ana@example.com", "1@example.com", &large, None).await;
        assert_eq!(kind(&outcome), (Kind::Unreachable, None), "{outcome:?}");
    }
}

#[tokio::test]
async fn hazard_29_a_late_250_is_waited_for() {
    let server = SmtpServer::start(Script::default().dot(Dot::TakeLate(Duration::from_millis(300))));
    // Every other step would have run out long before.
    let ms = Duration::from_millis(250);
    let tight = Limits { command: ms, data: ms, block: ms, ..limits() };
    let mut mailer = Mailer::with_limits(&settings(&server, SmtpTls::None), tight).unwrap();
    let started = Instant::now();
    assert_eq!(send(&mut mailer, "ana@example.com").await, SendOutcome::Sent);
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!(Limits::default().after_end, Duration::from_secs(600));
}

#[tokio::test]
async fn silence_ends_each_step() {
    let ms = Duration::from_millis(60);
    let short = Limits { tls: ms, command: ms, data: ms, ..limits() };
    for (script, tls, step) in [
        (Script::default().banner(MUTE), SmtpTls::None, "greeting"),
        (Script::default().banner(MUTE), SmtpTls::Implicit, "handshake"),
        (Script::default().answer("EHLO", MUTE), SmtpTls::None, "EHLO"),
        (Script::default().starttls("good").answer("STARTTLS", MUTE), SmtpTls::StartTls, "STARTTLS"),
        (Script::default().starttls("good").answer("STARTTLS", "220 go"), SmtpTls::StartTls, "handshake"),
        (Script::default().answer("MAIL", MUTE), SmtpTls::None, "MAIL"),
        (Script::default().answer("RCPT", MUTE), SmtpTls::None, "RCPT"),
        (Script::default().answer("DATA", MUTE), SmtpTls::None, "DATA"),
    ] {
        let server = SmtpServer::start(script);
        let mut mailer = Mailer::with_limits(&settings(&server, tls), short).unwrap();
        let outcome = send(&mut mailer, "ana@example.com").await;
        assert_eq!(kind(&outcome), (Kind::Unreachable, None), "{step}: {outcome:?}");
        let message = fault(outcome).message;
        assert!(message.contains(step), "{step}: {message}");
    }
}

#[tokio::test]
async fn an_answer_during_the_message_counts() {
    let large = vec![b'x'; 30_000_000];
    for (reply, wanted) in [
        ("552 5.3.4 too big", (Kind::Refused, Some(552))),
        ("451 4.3.1 disk full", (Kind::Deferred, Some(451))),
        ("421 4.3.2 leaving", (Kind::Unreachable, Some(421))),
    ] {
        let server = SmtpServer::start(Script::default().offers(&[]).talks_during_data(reply));
        let outcome = mailer(&server).send("", "ana@example.com", "1@example.com", &large, None).await;
        assert_eq!(kind(&outcome), wanted, "{outcome:?}");
    }
}

#[tokio::test]
async fn hazard_30_without_starttls_nothing_is_sent_in_the_clear() {
    for (script, wanted) in [
        (Script::default(), (Kind::Insecure, None)),
        (Script::default().login("mentions", PASSWORD), (Kind::Insecure, None)),
        (Script::default().starttls("good").answer("STARTTLS", "502 5.5.1 no"), (Kind::Insecure, Some(502))),
        (Script::default().starttls("good").answer("STARTTLS", "454 4.7.0 later"), (Kind::Unreachable, Some(454))),
    ] {
        let server = SmtpServer::start(script);
        let settings = with_login(settings(&server, SmtpTls::StartTls), "mentions", PASSWORD);
        let outcome = send(&mut Mailer::with_limits(&settings, limits()).unwrap(), "ana@example.com").await;
        assert_eq!(kind(&outcome), wanted, "{outcome:?}");
        if wanted.0 == Kind::Insecure {
            assert!(fault(outcome).message.contains("refuses to send in the clear"));
        }
        assert!(server.messages().is_empty());
        assert_eq!(server.count("AUTH") + server.count("MAIL"), 0, "{:?}", server.commands());
    }
}

#[tokio::test]
async fn encrypted_sessions() {
    for host in ["127.0.0.1", "localhost"] {
        for tls in [SmtpTls::StartTls, SmtpTls::Implicit] {
            let script = Script::default();
            let script = if tls == SmtpTls::StartTls { script.starttls("good") } else { script.implicit_tls("good") };
            let server = SmtpServer::start(script);
            let mut settings = settings(&server, tls);
            if let TransportSettings::Smtp { host: name, .. } = &mut settings.transport {
                *name = host.to_owned();
            }
            let mut mailer = Mailer::with_limits(&settings, limits()).unwrap();
            for _ in 0..3 {
                assert_eq!(send(&mut mailer, "ana@example.com").await, SendOutcome::Sent);
            }
            mailer.close().await;
            assert!(server.messages().iter().all(|m| m.tls && m.data == MAIL));
            assert_eq!((server.messages().len(), server.sessions()), (3, 1));
        }
    }
}

#[tokio::test]
async fn certificates_are_verified_always() {
    for (certificate, words) in [("other-host", "another name"), ("self-signed", "trust"), ("expired", "expired")] {
        for tls in [SmtpTls::StartTls, SmtpTls::Implicit] {
            let script = Script::default();
            let script =
                if tls == SmtpTls::StartTls { script.starttls(certificate) } else { script.implicit_tls(certificate) };
            let server = SmtpServer::start(script);
            let outcome = send(&mut tls_mailer(&server, tls), "ana@example.com").await;
            assert_eq!(kind(&outcome), (Kind::Unreachable, None));
            let message = fault(outcome).message;
            assert!(message.contains(words), "{message}");
            assert_eq!(server.count("MAIL"), 0);
        }
    }
    // Without the file, its authority is nobody.
    let server = SmtpServer::start(Script::default().implicit_tls("good"));
    let mut settings = settings(&server, SmtpTls::Implicit);
    if let TransportSettings::Smtp { ca_file, .. } = &mut settings.transport {
        *ca_file = None;
    }
    let outcome = send(&mut Mailer::with_limits(&settings, limits()).unwrap(), "ana@example.com").await;
    assert!(fault(outcome).message.contains("ca_file"));
}

#[tokio::test]
async fn implicit_tls_on_a_clear_port_says_so() {
    let server = SmtpServer::start(Script::default());
    let message = fault(send(&mut tls_mailer(&server, SmtpTls::Implicit), "ana@example.com").await).message;
    assert!(message.contains("465"), "{message}");
}

#[tokio::test]
async fn answers_slipped_in_before_encryption_do_not_count() {
    let server = SmtpServer::start(Script::default().starttls("good").injected("250-evil\r\n250 AUTH PLAIN"));
    let outcome = send(&mut tls_mailer(&server, SmtpTls::StartTls), "ana@example.com").await;
    assert_eq!(kind(&outcome), (Kind::Unreachable, None));
    assert!(fault(outcome).message.contains("in the clear"));
}

#[tokio::test]
async fn a_session_closed_while_idle_is_replaced_unnoticed() {
    let server = SmtpServer::start(Script::default().messages_per_session(1));
    let mut mailer = mailer(&server);
    for n in 0..5 {
        assert_eq!(send(&mut mailer, &format!("r{n}@example.com")).await, SendOutcome::Sent);
    }
    assert_eq!(server.messages().len(), 5, "each once");
    assert_eq!(server.sessions(), 5);
}

#[tokio::test]
async fn a_stale_session_is_tried_once_afresh() {
    // Each goes wrong in the second mail of the first session, before its message ended.
    for answer in [CUT, "421 4.4.2 idle too long", MUTE] {
        for command in ["MAIL FROM:<two@", "RCPT TO:<two@"] {
            let first = Script::default().answer(command, answer);
            let server = SmtpServer::start_each(vec![first, Script::default()]);
            let short = Limits { command: Duration::from_millis(150), ..limits() };
            let mut mailer = Mailer::with_limits(&settings(&server, SmtpTls::None), short).unwrap();
            assert_eq!(mailer.send("one@example.com", "one@example.com", "1@x", MAIL, None).await, SendOutcome::Sent);
            assert_eq!(mailer.send("two@example.com", "two@example.com", "2@x", MAIL, None).await, SendOutcome::Sent);
            assert_eq!(server.messages().len(), 2);
            assert_eq!(server.sessions(), 2);
        }
    }
    // A fresh one that fails the same way is the end of this try.
    let server = SmtpServer::start(Script::default().answer("MAIL FROM:<two@", CUT));
    let mut mailer = mailer(&server);
    assert_eq!(mailer.send("one@example.com", "one@example.com", "1@x", MAIL, None).await, SendOutcome::Sent);
    let outcome = mailer.send("two@example.com", "two@example.com", "2@x", MAIL, None).await;
    assert_eq!(kind(&outcome).0, Kind::Unreachable);
    assert_eq!(server.sessions(), 2);
}

#[tokio::test]
async fn a_mail_that_is_unknown_is_not_repeated_on_a_reused_session() {
    let server =
        SmtpServer::start_each(vec![Script::default().messages_per_session(1), Script::default().dot(Dot::TakeAndCut)]);
    let mut mailer = mailer(&server);
    assert_eq!(send(&mut mailer, "one@example.com").await, SendOutcome::Sent);
    assert_eq!(kind(&send(&mut mailer, "two@example.com").await).0, Kind::Unknown);
    assert_eq!(server.messages().len(), 2);
    assert_eq!(server.sessions(), 2);
}

#[tokio::test]
async fn an_envelope_known_before_leaves_with_the_end_of_the_message_before_it() {
    let server =
        SmtpServer::start(Script::default().offers(&["PIPELINING"]).answer("RCPT TO:<two@", "550 5.1.1 nobody"));
    let mut mailer = mailer(&server);
    let people = ["one@example.com", "two@example.com", "three@example.com", "four@example.com"];
    let mut outcomes = Vec::new();
    for (n, to) in people.iter().enumerate() {
        outcomes.push(kind(&mailer.send("", to, "1@x", MAIL, people.get(n + 1).copied()).await));
    }
    let sent = || (Kind::Sent, None);
    assert_eq!(outcomes, [sent(), (Kind::Refused, Some(550)), sent(), sent()]);
    let arrived: Vec<_> = server.messages().iter().map(|m| m.to.clone()).collect();
    assert_eq!(arrived, [people[0], people[2], people[3]].map(|to| vec![to.to_owned()]));
}

#[tokio::test]
async fn an_announced_mail_that_does_not_come_leaves_nothing_behind() {
    let server = SmtpServer::start(Script::default().offers(&["PIPELINING"]));
    let mut mailer = mailer(&server);
    assert_eq!(mailer.send("", "one@example.com", "1@x", MAIL, Some("two@example.com")).await, SendOutcome::Sent);
    assert_eq!(mailer.send("", "three@example.com", "3@x", MAIL, Some("four@example.com")).await, SendOutcome::Sent);
    mailer.close().await;
    assert_eq!(mailer.send("", "five@example.com", "5@x", MAIL, None).await, SendOutcome::Sent);
    let arrived: Vec<_> = server.messages().iter().map(|m| m.to.clone()).collect();
    assert_eq!(arrived, [["one@example.com"], ["three@example.com"], ["five@example.com"]]);
    assert_eq!(server.sessions(), 3);
}

#[tokio::test]
async fn a_cut_between_two_mails_that_left_together_is_about_the_first_only() {
    for dot in [Dot::TakeAndCut, Dot::Answer("421 4.3.2 going down".to_owned())] {
        let server =
            SmtpServer::start_each(vec![Script::default().offers(&["PIPELINING"]).dot(dot), Script::default()]);
        let mut mailer = mailer(&server);
        let first = kind(&mailer.send("", "one@example.com", "1@x", MAIL, Some("two@example.com")).await).0;
        assert!(matches!(first, Kind::Unknown | Kind::Unreachable), "{first:?}");
        assert_eq!(mailer.send("", "two@example.com", "2@x", MAIL, None).await, SendOutcome::Sent);
        assert_eq!(server.messages().iter().filter(|m| m.to == ["two@example.com"]).count(), 1);
    }
}

#[tokio::test]
async fn a_relay_that_takes_data_without_a_recipient_gets_no_message() {
    let script = Script::default()
        .offers(&["PIPELINING"])
        .answer("RCPT TO:<two@", "550 5.1.1 nobody")
        .answer("DATA", "354 go on");
    let server = SmtpServer::start_each(vec![script, Script::default()]);
    let mut mailer = mailer(&server);
    assert_eq!(kind(&mailer.send("", "two@example.com", "2@x", MAIL, None).await), (Kind::Refused, Some(550)));
    assert_eq!(mailer.send("", "three@example.com", "3@x", MAIL, None).await, SendOutcome::Sent);
    assert_eq!((server.messages().len(), server.sessions()), (1, 2));
}

#[tokio::test]
async fn an_abandoned_try_leaves_no_half_session_behind() {
    let server = SmtpServer::start_each(vec![Script::default().dot(Dot::TakeAndStaySilent), Script::default()]);
    let mut mailer = mailer(&server);
    let abandoned = tokio::time::timeout(Duration::from_millis(150), send(&mut mailer, "one@example.com")).await;
    assert!(abandoned.is_err());
    assert_eq!(send(&mut mailer, "two@example.com").await, SendOutcome::Sent);
    assert_eq!(server.sessions(), 2);
}

#[tokio::test]
async fn sizes_are_told_and_obeyed() {
    let server = SmtpServer::start(Script::default().offers(&["SIZE 1000"]));
    let mut mailer = mailer(&server);
    assert_eq!(send(&mut mailer, "ana@example.com").await, SendOutcome::Sent);
    assert!(server.commands().iter().any(|(_, c)| c.ends_with(&format!("> SIZE={}", MAIL.len()))));
    let outcome = mailer.send("", "ana@example.com", "1@x", &[b'x'; 1001], None).await;
    assert_eq!(kind(&outcome), (Kind::Refused, None));
    assert!(fault(outcome).message.contains("at most 1000 bytes"));
    let outcome = mailer.send("", "ana@example.com", "1@x", "Subject: ñ\r\n".as_bytes(), None).await;
    assert_eq!(kind(&outcome), (Kind::Refused, None), "no 8BITMIME");
    assert_eq!((server.messages().len(), server.sessions()), (1, 1));
}

#[tokio::test]
async fn a_huge_message_arrives_whole() {
    let line = ".dots and ".repeat(7) + "\r\n";
    let huge = line.repeat(300_000).into_bytes();
    for tls in [SmtpTls::None, SmtpTls::StartTls] {
        let server = SmtpServer::start(Script::default().starttls("good"));
        let mut mailer = tls_mailer(&server, tls);
        assert_eq!(mailer.send("", "ana@example.com", "1@x", &huge, None).await, SendOutcome::Sent);
        assert!(server.messages()[0].data == huge, "changed on the way");
    }
}

#[tokio::test]
async fn replies_are_quoted_tamely() {
    let reply = format!("550 5.1.1 usuario ni\u{f1}o \u{1b}[31m{}", "x".repeat(1000));
    let server = SmtpServer::start(Script::default().answer("RCPT", &reply));
    let message = fault(send(&mut mailer(&server), "ana@example.com").await).message;
    assert!(message.contains("550 5.1.1 usuario ni"), "{message}");
    assert!(!message.chars().any(char::is_control) && message.chars().count() < 500, "{message}");
    // A reply in Latin-1 after the dot is a reply all the same.
    let server = SmtpServer::start(Script::default().dot(Dot::Answer("250 recibido, se\u{f1}or".into())));
    assert_eq!(send(&mut mailer(&server), "ana@example.com").await, SendOutcome::Sent);
    // In several lines, or bare.
    let several = Script::default().answer("RCPT", "250-a\r\n250-b\r\n250 c").dot(Dot::Answer("250".into()));
    let server = SmtpServer::start(several);
    assert_eq!(send(&mut mailer(&server), "ana@example.com").await, SendOutcome::Sent);
    // Without end.
    let server = SmtpServer::start(Script::default().banner(&"2".repeat(100_000)));
    assert_eq!(kind(&send(&mut mailer(&server), "ana@example.com").await), (Kind::Unreachable, None));
}

#[tokio::test]
async fn nobody_there() {
    let port = SmtpServer::start(Script::default()).port();
    let server = SmtpServer::start(Script::default());
    let mut settings = settings(&server, SmtpTls::None);
    if let TransportSettings::Smtp { port: wrong, .. } = &mut settings.transport {
        *wrong = port;
    }
    let outcome = send(&mut Mailer::with_limits(&settings, limits()).unwrap(), "ana@example.com").await;
    assert_eq!(kind(&outcome), (Kind::Unreachable, None));
    assert!(fault(outcome).message.contains("check [mail] host and port"));
}

#[test]
fn what_cannot_be_set_up_is_said_at_once() {
    let server = SmtpServer::start(Script::default());
    let with = |change: &dyn Fn(&mut TransportSettings)| {
        let mut settings = settings(&server, SmtpTls::StartTls);
        change(&mut settings.transport);
        Mailer::new(&settings).map(|_| ()).unwrap_err()
    };
    let fault = with(&|t| {
        if let TransportSettings::Smtp { ca_file, .. } = t {
            *ca_file = Some("/nowhere/ca.pem".into());
        }
    });
    assert!(matches!(fault, MailError::CaFile { .. }), "{fault}");
    let fault = with(&|t| {
        if let TransportSettings::Smtp { ca_file, .. } = t {
            *ca_file = Some(tls_file("README.md"));
        }
    });
    assert!(fault.to_string().contains("no certificate"), "{fault}");
    for bad in ["", "a b", "mail.example.com\r\nQUIT", "a/b"] {
        let fault = with(&|t| {
            if let TransportSettings::Smtp { host, .. } = t {
                *host = bad.to_owned();
            }
        });
        assert!(matches!(fault, MailError::Host { .. }), "{bad:?}: {fault}");
    }
    let fault = with(&|t| {
        if let TransportSettings::Smtp { username, .. } = t {
            *username = Some("mentions".to_owned());
        }
    });
    assert!(matches!(fault, MailError::Login), "{fault}");
}
