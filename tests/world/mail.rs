//! The outbox against relays in every mood: nothing lost, nothing said twice, every try on schedule.

use jiff::SignedDuration;

use crate::support::smtp::{Dot, Script, tls_file};
use crate::support::web::Reply;
use crate::support::world::{World, entry, free_address, rss, until};

const BRAND: &str = "brand@example.com";
/// Longer than mail waits for the rest of a round.
const SLOW: std::time::Duration = std::time::Duration::from_millis(900);
const OPS: &str = "ops@example.com";

fn stories(count: u32) -> String {
    rss((1..=count).map(|n| entry(&format!("Acme story {n:03}")).id(n).link(&format!("https://a.example/{n}"))))
}

fn world(count: u32) -> World {
    World::new().contact().feed("a", Reply::ok(stories(count)).etag("\"1\"")).watch("acme", "acme", BRAND)
}

fn ordered(world: &World) -> Vec<String> {
    world.mails_to(BRAND).iter().map(|m| m.subject.split("story ").nth(1).unwrap()[..3].to_owned()).collect()
}

fn expected(count: u32) -> Vec<String> {
    (1..=count).map(|n| format!("{n:03}")).collect()
}

#[tokio::test]
async fn hazard_31_relay_down_for_six_days_then_up_everything_arrives_in_order() {
    let down = Script::default().banner("421 4.3.2 closed for repairs");
    let world = world(12).relay_each([vec![down; 4], vec![Script::default()]].concat());
    for round in 0..4 {
        let summary = world.once().await;
        assert_eq!((summary.mail.sent, summary.mail.failed), (0, 0), "round {round}");
        assert!(summary.mail.deferred >= 12, "round {round}");
        world.pass(SignedDuration::from_hours(37));
    }
    world.once().await;
    assert_eq!(ordered(&world), expected(12));
    world.pass(SignedDuration::from_hours(2));
    assert_eq!(world.once().await.mail.sent, 0);
    assert_eq!(world.mails_to(BRAND).len(), 12);
}

#[tokio::test]
async fn nobody_listens_then_somebody_does() {
    let closed = free_address();
    let world = world(3).mail(&format!(
        "transport = \"smtp\"\nhost = \"{}\"\nport = {}\ntls = \"none\"",
        closed.ip(),
        closed.port()
    ));
    let first = world.once().await;
    assert_eq!((first.mentions, first.mail.sent, first.mail.deferred), (3, 0, 3));
    let why = world.outbox()[0].error.clone().unwrap();
    assert!(why.contains(&closed.to_string()), "{why}");
    let healed = world.without_mail_lines();
    assert_eq!(healed.once().await.mail.sent, 3);
    assert_eq!(ordered(&healed), expected(3));
}

#[tokio::test]
async fn hazard_28_one_of_three_recipients_is_refused() {
    let refuse = Script::default().answer("RCPT TO:<two@", "550 5.1.1 no such user here");
    let world = World::new().contact().relay(refuse).feed("a", Reply::ok(stories(1)).etag("\"1\"")).toml(
        "[watchlists.acme]\nquery = 'acme'\nalert = [\"one@example.com\", \"two@example.com\", \"three@example.com\"]",
    );
    let first = world.once().await;
    assert_eq!((first.mail.sent, first.mail.failed, first.mail.deferred), (3, 1, 0));
    for time in [1, 60, 60 * 24 * 6] {
        world.pass(SignedDuration::from_mins(time));
        assert_eq!(world.once().await.mail.sent, 0);
    }
    let to: Vec<_> = world.heard().into_iter().map(|(_, to)| to).collect();
    assert_eq!(to, ["one@example.com", "three@example.com", OPS]);
    let told = &world.mails_to(OPS)[0];
    assert!(told.subject.contains("two@example.com") && told.says("no such user here"), "{}", told.text);
}

#[tokio::test]
async fn hazard_28_451_is_retried_on_schedule_with_one_message_id_and_given_up_after_five_days() {
    let later = Script::default().answer("RCPT TO:<brand@", "451 4.7.1 greylisted");
    let world = world(1).relay(later);
    world.once().await;
    let queued = world.outbox().remove(0);
    let tries = |world: &World| world.relay.count("RCPT TO:<brand@");
    assert_eq!((queued.status.as_str(), tries(&world)), ("deferred", 1));
    for (n, minutes) in (1..).zip([1, 2, 5, 10, 20, 40, 67, 67]) {
        let seconds = minutes * 60;
        world.pass(SignedDuration::from_secs(seconds * 79 / 100));
        world.once().await;
        assert_eq!(tries(&world), n, "before {minutes} min less a fifth");
        world.pass(SignedDuration::from_secs(seconds * 42 / 100));
        world.once().await;
        assert_eq!(tries(&world), n + 1, "after {minutes} min and a fifth");
    }
    assert_eq!(world.mails_to(OPS).len(), 1, "told once that it waits: {:?}", world.heard());
    assert!(world.mails_to(OPS)[0].text.contains("greylisted"));
    assert_eq!(world.outbox()[0].message_id, queued.message_id);

    world.pass(SignedDuration::from_hours(5 * 24));
    let last = world.once().await;
    assert_eq!(last.mail.failed, 1);
    let given_up = world.outbox().remove(0);
    assert_eq!((given_up.status.as_str(), given_up.message_id), ("failed", queued.message_id));
    let last = world.mails_to(OPS).pop().unwrap();
    assert!(last.subject.contains(BRAND) && last.says("given up after 5 days"), "{}", last.text);
}

#[tokio::test]
async fn a_greylisted_mail_arrives_with_the_message_id_it_was_queued_with() {
    let later = Script::default().answer("RCPT TO:<brand@", "451 4.7.1 greylisted");
    let world = world(1).relay_each(vec![later, Script::default()]);
    world.once().await;
    let queued = world.outbox().remove(0);
    world.pass(SignedDuration::from_mins(2));
    assert_eq!(world.once().await.mail.sent, 1);
    let [mail] = &world.mails()[..] else { panic!("one mail") };
    assert_eq!((&mail.message_id, mail.possible_duplicate), (&queued.message_id, false));
}

#[tokio::test]
async fn hazard_29_a_cut_after_the_dot_is_repeated_once_with_the_same_message_id() {
    let cut = Script::default().dot(Dot::TakeAndCut);
    let world = world(1).relay_each(vec![cut, Script::default()]);
    let first = world.once().await;
    assert_eq!((first.mail.sent, first.mail.deferred), (0, 1));
    world.pass(SignedDuration::from_secs(40));
    assert_eq!(world.once().await.mail.sent, 0, "not at once");
    world.pass(SignedDuration::from_secs(40));
    assert_eq!(world.once().await.mail.sent, 1);
    world.pass(SignedDuration::from_hours(24));
    assert_eq!(world.once().await.mail.sent, 0);
    let [one, two] = &world.mails()[..] else { panic!("twice: {:?}", world.heard()) };
    assert_eq!(one.message_id, two.message_id);
    assert_eq!((one.possible_duplicate, two.possible_duplicate), (false, true));
    assert!(two.says("You may have received this mail already"), "{}", two.text);
}

#[tokio::test]
async fn hazard_28_a_refused_login_is_tried_once_an_hour_and_told() {
    let world = world(2)
        .relay_each(vec![
            Script::default().starttls("good").login("mentions", "changed"),
            Script::default().starttls("good").login("mentions", "hunter2"),
        ])
        .mail("tls = \"starttls\"\nusername = \"mentions\"\npassword = { file = \"password\" }")
        .mail(&format!("ca_file = \"{}\"", tls_file("ca.pem").display()));
    std::fs::write(world.folder().join("password"), "hunter2\n").unwrap();
    let logins = |world: &World| world.relay.count("AUTH");
    // The relay is one server for all its names.
    let world = world.mail_host("localhost");
    let daemon = world.run();
    until("a login", || logins(&world) == 1).await;
    until("the operator's mail is queued", || world.outbox().iter().any(|m| m.kind == "trouble")).await;
    world.pass(SignedDuration::from_mins(59));
    daemon.wake_courier();
    assert_eq!(logins(&world), 1);
    world.pass(SignedDuration::from_mins(2));
    daemon.wake_courier();
    // Time goes on, and the courier looks again and again, as after half a minute of real time.
    until("all arrives", || {
        world.pass(SignedDuration::from_secs(1));
        daemon.wake_courier();
        // On a busy machine the operator also hears that mail waited: the clock was stepped before the courier was done.
        world.mails_to(BRAND).len() == 2 && world.mails_to(OPS).iter().any(|m| m.subject.contains("working again"))
    })
    .await;
    daemon.stop().await.unwrap();
    assert_eq!(logins(&world), 2);
    assert_eq!(ordered(&world), expected(2));
    let told = &world.mails_to(OPS)[0];
    assert!(told.subject.contains("login") && !told.says("hunter2"), "{}", told.text);
}

/// Rotating the relay's password needs no restart: a reload reads the file again, and tries at once.
#[tokio::test]
async fn a_reload_reads_a_new_password() {
    let world = world(1)
        .relay(Script::default().starttls("good").login("mentions", "second"))
        .mail("tls = \"starttls\"\nusername = \"mentions\"\npassword = { file = \"password\" }")
        .mail(&format!("ca_file = \"{}\"", tls_file("ca.pem").display()))
        .mail_host("localhost");
    let password = world.folder().join("password");
    std::fs::write(&password, "first").unwrap();
    let daemon = world.run();
    until("the login is refused", || world.outbox().iter().any(|m| m.kind == "trouble")).await;
    assert_eq!((world.relay.count("AUTH"), world.mails_to(BRAND).len()), (1, 0));
    std::fs::write(&password, "second").unwrap();
    daemon.reload.send(()).await.unwrap();
    until("the mail arrives", || world.mails_to(BRAND).len() == 1).await;
    daemon.stop().await.unwrap();
    assert_eq!(world.relay.count("AUTH"), 2, "the old password was not tried again");
}

#[tokio::test]
async fn hazard_30_without_starttls_nothing_leaves_and_the_operator_will_hear() {
    let world = world(1).mail("tls = \"starttls\"");
    let round = world.once().await;
    assert_eq!((round.mail.sent, world.mails().len()), (0, 0));
    assert_eq!(world.relay.count("MAIL FROM"), 0);
    let why = world.outbox()[0].error.clone().unwrap();
    assert!(why.to_uppercase().contains("STARTTLS"), "{why}");
    assert!(world.outbox().iter().any(|m| m.kind == "trouble" && m.recipient == OPS), "{:?}", world.outbox());

    // A timer's next round leaves the relay alone, a person's retry does not; and the operator hears how it ended.
    let world = world.relay(Script::default().starttls("good"));
    let world = world.mail(&format!("ca_file = \"{}\"", tls_file("ca.pem").display())).mail_host("localhost");
    assert_eq!((world.once().await.mail.sent, world.relay.sessions()), (0, 0));
    let state = mentiond::store::Store::open(&world.state()).unwrap();
    state.record().retry(None, None, Vec::new(), world.clock.now()).await.unwrap();
    state.close().await;
    world.once().await;
    world.once().await;
    let told: Vec<_> = world.mails_to(OPS).into_iter().map(|m| m.subject).collect();
    assert!(told[0].contains("no encryption") && told[1].contains("working again"), "{told:?}");
    assert_eq!((told.len(), ordered(&world)), (2, expected(1)));
}

#[tokio::test]
async fn alerts_beyond_max_per_hour_come_as_one_mail() {
    let world = world(10).mail("max_per_hour = 3");
    world.once().await;
    let kinds: Vec<_> = world.heard().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["alert", "alert", "bundle"]);
    let bundle = &world.mails()[2];
    for n in 3..=10 {
        assert!(bundle.text.contains(&format!("Acme story {n:03}")), "{n}: {}", bundle.text);
    }
    assert!(bundle.subject.contains("8 new mentions"), "{}", bundle.subject);

    world.serve("a", stories(12));
    world.pass(SignedDuration::from_mins(30));
    let second = world.once().await;
    assert_eq!((second.mentions, second.mail.sent, second.mail.deferred), (2, 0, 2), "the hour is used up");
    world.pass(SignedDuration::from_mins(31));
    assert_eq!(world.once().await.mail.sent, 2);
    let titles: String = world.mails()[3..].iter().map(|m| format!("{} {}", m.subject, m.text)).collect();
    assert!(titles.contains("story 011") && titles.contains("story 012"), "{titles}");
    world.pass(SignedDuration::from_hours(3));
    assert_eq!(world.once().await.mail.sent, 0);
}

#[tokio::test]
async fn many_mails_go_over_one_connection() {
    let world = world(25).mail("max_per_hour = 100");
    world.once().await;
    assert_eq!((world.mails().len(), world.relay.sessions(), world.relay.count("QUIT")), (25, 1, 1));
    assert_eq!(ordered(&world), expected(25));
}

#[tokio::test]
async fn a_connection_that_ends_between_two_mails_loses_and_repeats_none() {
    let world = world(9).relay(Script::default().messages_per_session(4)).mail("max_per_hour = 100");
    for _ in 0..6 {
        world.once().await;
        world.pass(SignedDuration::from_mins(3));
    }
    assert_eq!(ordered(&world), expected(9));
}

#[tokio::test]
async fn in_a_round_with_a_slow_source_mail_goes_out_meanwhile() {
    let world = world(3).feed("slow", Reply::silent());
    tokio::select! {
        _ = world.once() => panic!("the slow source was not waited for"),
        () = until("the mail about the quick source", || world.mails_to(BRAND).len() == 3) => {}
    }
    assert_eq!(ordered(&world), expected(3));
}

#[tokio::test]
async fn alerts_that_belong_into_a_bundle_wait_for_the_whole_round() {
    let world = world(30).feed("slow", Reply::ok(rss([entry("Acme story 031").id(31)])).delay(SLOW));
    assert_eq!(world.once().await.mail.sent, 20);
    let bundle = world.mails_to(BRAND).pop().unwrap();
    assert_eq!(bundle.subject, "[acme] 12 new mentions", "19 went out singly, and all others in one mail");
}
