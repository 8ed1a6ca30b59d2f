//! How sources behave, and that silence is never mistaken for calm.

use jiff::SignedDuration;
use mentiond::model::{ErrorClass, SourceStatus};

use crate::support::web::{Reply, Web};
use crate::support::world::{World, entry, rss, until};

const BRAND: &str = "brand@example.com";
const OPS: &str = "ops@example.com";

fn feed() -> String {
    rss([entry("Acme again").id(1).link("https://a.example/1")])
}

fn world() -> World {
    World::new().contact().feed("a", feed()).watch("acme", "acme", BRAND)
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn hazard_10_retry_after_is_honoured_by_once_too_and_counted_as_blind_time() {
    let world = world();
    world.once().await;
    world.pass(hours(1));
    world.serve("a", Reply::status(429).header("Retry-After", "7200"));
    let limited = world.once().await;
    assert_eq!((limited.failed, limited.failures.len()), (1, 1));
    world.serve("a", feed());
    for _ in 0..3 {
        let rest = world.once().await;
        assert_eq!((rest.polled, rest.resting, world.visits("a").len()), (0, 1, 2));
        world.pass(SignedDuration::from_mins(39));
    }
    let health = world.source("a").health;
    assert_eq!((health.status, health.error_class), (SourceStatus::Failing, Some(ErrorClass::RateLimited)));
    assert_eq!(health.blind_since, Some(crate::support::world::START), "deaf since it was last heard");
    world.pass(SignedDuration::from_mins(10));
    assert_eq!(world.once().await.polled, 1);
    let health = world.source("a").health;
    assert_eq!((health.status, health.error), (SourceStatus::Ok, None));
    assert_eq!(health.blind_seconds, 3600 + (3 * 39 + 10) * 60);
    assert!(world.mails_to(OPS).is_empty(), "a server that asks to wait is no trouble");
}

#[tokio::test]
async fn hazard_11_a_login_page_is_told_after_three_in_a_row_once_and_its_end() {
    let world = world();
    world.once().await;
    let page = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>";
    world.serve("a", Reply::ok(page).header("Content-Type", "text/html"));
    for (round, told) in [(1, 0), (2, 0), (3, 1), (4, 1), (5, 1)] {
        world.pass(hours(1));
        let summary = world.once().await;
        assert_eq!((summary.failed, summary.mentions), (1, 0));
        assert_eq!(world.mails_to(OPS).len(), told, "after round {round}");
    }
    let told = &world.mails_to(OPS)[0];
    assert!(told.subject.contains("no longer a feed") && told.text.contains("Sign in"), "{}", told.text);
    world.serve("a", feed());
    world.pass(hours(1));
    let back = world.once().await;
    assert_eq!((back.new_entries, back.mentions), (0, 0), "earlier state is kept");
    assert!(world.mails_to(OPS)[1].subject.contains("answering again"));
    assert_eq!((world.mails_to(OPS).len(), world.mails_to(BRAND).len()), (2, 1));
    assert_eq!(world.source("a").health.blind_seconds, 6 * 3600);
}

#[tokio::test]
async fn hazard_12_gone_twice_a_day_apart_is_switched_off_and_reported() {
    let world = world();
    world.once().await;
    world.serve("a", Reply::status(410));
    world.once().await;
    world.pass(hours(2));
    world.once().await;
    assert_eq!(world.source("a").health.status, SourceStatus::Failing);
    world.pass(hours(23));
    world.once().await;
    assert_eq!(world.source("a").health.status, SourceStatus::Disabled);
    let visits = world.visits("a").len();
    world.pass(hours(100));
    let rest = world.once().await;
    assert_eq!((rest.resting, world.visits("a").len(), world.mails_to(OPS).len()), (1, visits, 1));
}

#[tokio::test]
async fn hazard_12_gone_once_is_nothing() {
    let world = world();
    world.serve("a", Reply::status(410));
    world.once().await;
    world.serve("a", feed());
    world.pass(hours(30));
    assert_eq!(world.once().await.mentions, 1);
    world.serve("a", Reply::status(410));
    world.pass(hours(30));
    world.once().await;
    assert_eq!((world.source("a").health.status, world.mails_to(OPS).len()), (SourceStatus::Failing, 0));
}

#[tokio::test]
async fn hazard_12_moved_three_times_is_asked_at_the_new_address() {
    let world = world();
    world.serve("new", feed());
    world.serve("a", Reply::redirect(301, "/new"));
    for told in [0, 0, 1, 1, 1] {
        world.once().await;
        assert_eq!(world.mails_to(OPS).len(), told);
    }
    assert_eq!((world.visits("a").len(), world.visits("new").len()), (3, 5));
    let told = &world.mails_to(OPS)[0];
    assert!(told.text.contains("/new"), "{}", told.text);
    assert_eq!(world.mails_to(BRAND).len(), 1);
}

#[tokio::test]
async fn hazard_7_a_hanging_source_ends_at_its_time_out_and_delays_nobody() {
    let hanging = Web::start();
    hanging.on("/hang", Reply::silent());
    let world = World::new()
        .fetch("timeout = \"1s\"")
        .toml(&format!("[sources.hang]\nkind = \"feed\"\nurl = \"{}\"", hanging.url("/hang")))
        .feed("a", feed())
        .watch("acme", "acme", BRAND);
    let round = world.once().await;
    assert_eq!((round.polled, round.failed, round.mentions, round.mail.sent), (2, 1, 1, 1));
    assert_eq!(world.source("hang").health.error_class, Some(ErrorClass::Transient));
}

#[tokio::test]
async fn hazard_7_the_daemon_delivers_while_a_source_hangs() {
    let hanging = Web::start();
    hanging.on("/hang", Reply::silent());
    let world = World::new()
        .toml(&format!("[sources.hang]\nkind = \"feed\"\nurl = \"{}\"", hanging.url("/hang")))
        .feed("a", feed())
        .watch("acme", "acme", BRAND);
    let daemon = world.run();
    until("the mail of the other source", || world.mails().len() == 1 && hanging.hits("/hang") == 1).await;
    let states = world.record().source_states().unwrap();
    assert!(states.contains_key("a") && !states.contains_key("hang"), "it hangs still");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_blind_source_keeps_what_it_knew() {
    let world = world();
    world.once().await;
    for fault in
        [Reply::status(500), Reply::status(404), Reply::ok(""), Reply::raw("junk\r\n\r\n"), Reply::ok(feed()).cut(40)]
    {
        world.serve("a", fault);
        world.pass(hours(3));
        assert_eq!(world.once().await.failed, 1);
    }
    world.serve("a", feed());
    world.pass(hours(3));
    assert_eq!(world.once().await.new_entries, 0);
    assert_eq!(world.mails_to(BRAND).len(), 1);
    assert_eq!(world.source("a").health.blind_seconds, 18 * 3600);
}

#[tokio::test]
async fn a_source_with_another_address_starts_anew_without_repeating() {
    let world = world();
    world.serve("a", Reply::ok(feed()).etag("\"old\""));
    world.once().await;
    let other = Web::start();
    other.on("/feed", Reply::ok(feed()).etag("\"new\""));
    let text = world.config_text().replace(world.web.url("/a").as_str(), other.url("/feed").as_str());
    let world = world.with_text(text);
    let round = world.once().await;
    assert_eq!((round.new_entries, round.mentions, world.mails_to(BRAND).len()), (0, 0, 1));
    assert_eq!(other.visits()[0].header("if-none-match"), None, "a validator belongs to its address");
}
