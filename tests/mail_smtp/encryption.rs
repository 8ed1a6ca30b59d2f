//! Encryption and login: nothing in the clear, no certificate taken on trust, no secret shown.

use super::*;

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

/// Some relays repeat at any step what they were told at the login, as it was or as it was sent.
#[tokio::test]
async fn a_relay_that_repeats_the_password_is_not_quoted_with_it() {
    const ENCODED: &str = "Y2FuYXJ5LXBhc3N3b3JkLTlmM2E=";
    const PLAIN: &str = "AG1lbnRpb25zAGNhbmFyeS1wYXNzd29yZC05ZjNh";
    for mechanisms in ["PLAIN", "LOGIN"] {
        for (command, code) in [("MAIL", 451), ("RCPT", 550), ("DATA", 554), ("RCPT", 530)] {
            let answer = format!("{code} 5.7.1 mentions:{PASSWORD} ({ENCODED}, {PLAIN}) may not say {command}");
            let script = Script::default().login("mentions", PASSWORD).mechanisms(mechanisms).answer(command, &answer);
            let server = SmtpServer::start(script);
            let settings = with_login(settings(&server, SmtpTls::None), "mentions", PASSWORD);
            let outcome = send(&mut Mailer::with_limits(&settings, limits()).unwrap(), "ana@example.com").await;
            let said = format!("{outcome:?}");
            for secret in [PASSWORD, ENCODED, PLAIN] {
                assert!(!said.contains(secret), "{said}");
            }
            assert!(said.contains(&format!("mentions:*** (***, ***) may not say {command}")), "{said}");
        }
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
