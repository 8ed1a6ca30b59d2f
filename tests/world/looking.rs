//! Mentions with open cases are looked at again where they came from: replies are counted, and what was deleted there is
//! removed here. The fake Mastodon has edits and deletions too.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::SignedDuration;
use mentiond::cases::Action;
use mentiond::daemon;
use mentiond::model::{CaseStatus, Engagement, Happening, Severity};
use mentiond::store::record::CaseFilter;
use serde_json::{Value, json};

use crate::cases::{ANA, SUPPORT, TEAMS, file};
use crate::support::web::Reply;
use crate::support::world::World;

/// A server's posts by number, and what it answers once a poll.
struct Server<'w> {
    world: &'w World,
    posts: RefCell<BTreeMap<u64, Value>>,
}

impl<'w> Server<'w> {
    fn new(world: &'w World) -> Self {
        Self { world, posts: RefCell::default() }
    }

    fn post(&self, number: u64, text: &str, likes: u64, replies: u64, reposts: u64) {
        let at = self.world.clock.now().to_string();
        let post = json!({"id": number.to_string(), "uri": format!("https://m.example/s/{number}"),
            "url": format!("https://m.example/@jens/{number}"), "content": format!("<p>{text}</p>"), "created_at": at,
            "account": {"display_name": format!("Jens {number}"), "acct": format!("jens{number}"),
                "url": format!("https://m.example/@jens{number}")},
            "favourites_count": likes, "replies_count": replies, "reblogs_count": reposts, "language": "en", "reblog": null});
        self.posts.borrow_mut().insert(number, post);
    }

    fn count(&self, number: u64, likes: u64, replies: u64, reposts: u64) {
        let mut posts = self.posts.borrow_mut();
        let post = posts.get_mut(&number).unwrap();
        (post["favourites_count"], post["replies_count"], post["reblogs_count"]) =
            (json!(likes), json!(replies), json!(reposts));
    }

    fn delete(&self, number: u64) {
        self.posts.borrow_mut().remove(&number);
    }

    /// One round after so many minutes, with the server as it stands.
    async fn round(&self, minutes: i64) -> daemon::Summary {
        self.world.pass(SignedDuration::from_mins(minutes));
        let posts = self.posts.borrow().clone();
        let newest = |from: u64| posts.range(from + 1..).rev().map(|(_, post)| post.clone()).collect::<Vec<_>>();
        let timeline = "/api/v1/timelines/tag/acme?limit=40";
        self.world.web.on(timeline, Reply::ok(json!(newest(0)).to_string()));
        for number in 90..120 {
            let after = format!("{timeline}&min_id={number}");
            self.world.web.on(&after, Reply::ok(json!(newest(number)).to_string()));
            let one = match posts.get(&number) {
                Some(post) => Reply::ok(post.to_string()),
                None => Reply::status(404).body(json!({"error": "Record not found"}).to_string()),
            };
            self.world.web.on(&format!("/api/v1/statuses/{number}"), one);
        }
        self.world.once().await
    }

    fn looks(&self, number: u64) -> usize {
        self.world.web.hits(&format!("/api/v1/statuses/{number}"))
    }
}

fn world() -> World {
    let world = World::new().contact().toml("[watchlists.acme]\nquery = 'acme'\n").toml(TEAMS);
    let server = world.web.url("/");
    world.toml(&format!(
        "[sources.fedi]\nkind = \"mastodon\"\nserver = \"{server}\"\ntags = [\"acme\"]\nevery = \"5m\"\n"
    ))
}

const GRIEVANCE: &str = "My Acme toaster arrived late and the box was open. Disappointing. #acme";

fn engagement(world: &World, mention: usize) -> Engagement {
    world.mentions()[mention].mention.entry.engagement
}

fn counts(likes: u64, replies: u64, reposts: u64) -> Engagement {
    Engagement { likes: Some(likes), replies: Some(replies), reposts: Some(reposts) }
}

#[tokio::test]
async fn an_open_case_that_gathers_replies_is_raised_and_its_owner_told_once() {
    let world = world();
    let server = Server::new(&world);
    server.post(101, GRIEVANCE, 0, 1, 0);
    server.post(102, "I love my Acme kettle, best one ever, thank you! #acme", 5, 5, 5);
    let round = server.round(0).await;
    assert_eq!((round.mentions, round.cases_opened), (2, 1), "{:?}", round.failures);
    let severity = file(&world, 1).case.severity;
    assert_eq!((engagement(&world, 1), severity), (counts(0, 1, 0), Severity::Medium));

    // Not before an hour has passed, then once an hour; a mention without a case is not looked at.
    for (minutes, looks) in [(30, 0), (30, 1), (5, 1), (50, 1), (5, 2)] {
        server.round(minutes).await;
        assert_eq!((server.looks(101), server.looks(102)), (looks, 0), "after {minutes} minutes");
    }
    // Fewer than ten are no reason; they are kept all the same.
    server.count(101, 90, 6, 4);
    server.round(60).await;
    assert_eq!(engagement(&world, 1), counts(90, 6, 4));
    assert_eq!(file(&world, 1).case.severity, severity);
    let before = world.heard().len();
    server.count(101, 90, 9, 8);
    server.round(60).await;
    let case = file(&world, 1);
    assert_eq!(case.case.severity, Severity::High, "one step up");
    let gathered = Happening::Gathered { mention: case.mention.id, more: 16, severity: Severity::High };
    assert!(case.steps.iter().any(|step| step.what == gathered), "{:?}", case.steps);
    let gathering = |before: usize| -> Vec<_> {
        world.heard().split_off(before).into_iter().filter(|(kind, _)| kind == "gathering").collect()
    };
    let told = gathering(before);
    assert_eq!(told, [("gathering".to_owned(), ANA.to_owned())]);
    let mail = world.mails_to(ANA).into_iter().find(|mail| mail.kind == "gathering").unwrap();
    assert!(mail.subject.contains("gathers replies") && mail.text.contains("16 more replies"), "{}", mail.text);
    // Once: it may go on growing.
    let before = world.heard().len();
    server.count(101, 900, 400, 300);
    for _ in 0..3 {
        server.round(60).await;
    }
    assert_eq!((gathering(before), file(&world, 1).case.severity), (vec![], Severity::High));
    assert_eq!(engagement(&world, 1), counts(900, 400, 300));

    // After the first day once a day, and no more when the case has ended.
    server.round(24 * 60).await;
    let looks = server.looks(101);
    for _ in 0..4 {
        server.round(5 * 60).await;
    }
    assert_eq!(server.looks(101), looks);
    server.round(5 * 60).await;
    assert_eq!(server.looks(101), looks + 1);
    let engine = world.engine();
    let daemon = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let dismiss = Action::Dismiss { reason: "a test".into() };
    daemon.store.record().act_on_case(engine.desk, 1, dismiss, None, world.clock.now()).await.unwrap().unwrap();
    daemon.store.close().await;
    server.round(49 * 60).await;
    assert_eq!(server.looks(101), looks + 1);
    assert_eq!(file(&world, 1).case.status, CaseStatus::Dismissed);
}

#[tokio::test]
async fn what_was_deleted_there_is_removed_here_after_a_second_look() {
    let world = world();
    let server = Server::new(&world);
    server.post(101, GRIEVANCE, 0, 1, 0);
    server.post(103, "acme sent me a broken kettle, a refund please, I am angry #acme", 0, 0, 0);
    server.round(0).await;
    assert_eq!(world.mentions().len(), 2);
    let text = |n: usize| world.mentions()[n].mention.entry.text.clone();
    let of = |number: u64| (0..2).find(|n| world.mentions()[*n].mention.entry.id == Some(number.to_string())).unwrap();
    server.delete(101);
    server.round(60).await;
    assert!(text(of(101)).contains("toaster"), "one answer is not enough");
    // It comes back: an outage of a part of the service.
    server.post(101, GRIEVANCE, 2, 3, 0);
    server.round(60).await;
    server.delete(101);
    server.round(60).await;
    server.round(5).await;
    assert!(text(of(101)).contains("toaster"), "it was there between");
    server.round(60).await;
    let gone = &world.mentions()[of(101)].mention;
    assert!(gone.entry.text.is_empty() && gone.entry.withdrawn.is_some());
    assert!(text(of(103)).contains("kettle"), "the other one is still there");
    // The case stays, and nothing is asked for any more.
    let cases = world.record().cases(&CaseFilter { limit: 10, ..CaseFilter::default() }).unwrap();
    assert!(cases.iter().any(|row| row.mention.id == gone.id && !row.case.status.is_ended()));
    let looks = server.looks(101);
    server.round(3 * 60).await;
    assert_eq!(server.looks(101), looks);
    let record = std::fs::read(world.state().join("record.sqlite")).unwrap();
    assert!(!record.is_empty());
    assert!(world.mails_to(SUPPORT).iter().all(|mail| mail.kind == "notice"), "nobody is told of a deletion");
}

#[tokio::test]
async fn a_refusal_of_looks_is_no_fault_of_the_source_and_is_obeyed() {
    let world = world();
    let server = Server::new(&world);
    server.post(101, GRIEVANCE, 0, 1, 0);
    server.round(0).await;
    world.pass(SignedDuration::from_mins(60));
    world.web.on(
        "/api/v1/statuses/101",
        Reply::status(401).body("{\"error\":\"This method requires an authenticated user\"}"),
    );
    let round = world.once().await;
    assert_eq!(round.failures, []);
    assert_eq!((server.looks(101), engagement(&world, 0)), (1, counts(0, 1, 0)));
    world.pass(SignedDuration::from_mins(10));
    world.web.on("/api/v1/statuses/101", Reply::status(429).header("retry-after", "1800"));
    assert_eq!(world.once().await.failures, []);
    assert_eq!(server.looks(101), 2);
    let next = world.source("fedi").health.next_poll.unwrap();
    assert!(next.duration_since(world.clock.now()) >= SignedDuration::from_mins(30), "{next}");
    // An answer without a count leaves what is known.
    world.pass(SignedDuration::from_mins(40));
    world.web.on("/api/v1/statuses/101", Reply::ok(json!({"id": "101", "replies_count": 4}).to_string()));
    world.once().await;
    assert_eq!(engagement(&world, 0), counts(0, 4, 0));
}

/// Nobody's own case, but one of the theme that these people make together.
#[tokio::test]
async fn a_theme_whose_mention_gathers_replies_has_its_case_raised() {
    let world = world();
    let server = Server::new(&world);
    for (number, text) in [
        (101, "The Acme app logs me out every five minutes since the last update. Not working at all! #acme"),
        (102, "Since the update the Acme app logs me out all the time. The app is not working. #acme"),
        (103, "Acme app logs me out again and again since the update, it is not working. #acme"),
    ] {
        server.post(number, text, 0, 1, 0);
        server.round(5).await;
    }
    let of_theme = || {
        let filter = CaseFilter { all: true, limit: 100, ..CaseFilter::default() };
        world.record().cases(&filter).unwrap().into_iter().find(|row| row.case.theme.is_some()).unwrap().case
    };
    let before = of_theme();
    assert!(before.severity < Severity::Critical && before.gathered.is_none(), "{before:?}");
    for number in [101, 102, 103] {
        server.count(number, 0, 20, 10);
    }
    server.round(120).await;
    let after = of_theme();
    assert!(after.severity > before.severity && after.gathered.is_some(), "{after:?}");
}
