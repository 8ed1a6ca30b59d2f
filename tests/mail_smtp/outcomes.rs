//! How one try ends: what each answer, silence and break of the relay means for the mail.

use super::*;

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
