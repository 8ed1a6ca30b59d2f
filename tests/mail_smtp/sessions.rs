//! One session for many mails: kept, replaced, and envelopes that leave ahead of their message.

use super::*;

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
