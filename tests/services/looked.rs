//! For every service that lets one ask for a single item: what is deleted there loses its words here, after a second look.

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use mentiond::model::Secret;
use mentiond::model::table::Method;
use mentiond::sources::table::Request;

use crate::fake::{Fake, Item};
use crate::kinds::{KINDS, Kind, source, table};
use crate::support::web::{Reply, Visit};
use crate::support::world::World;

/// The request that a visit was.
fn request(visit: &Visit) -> Request {
    let secret = |name: &str| Some((name.to_owned(), Secret::new(&visit.header(name)?)));
    Request {
        method: Method::Get,
        url: url::Url::parse(&format!("https://service.example{}", visit.path)).unwrap(),
        headers: Vec::new(),
        secret_headers: secret("authorization").into_iter().chain(secret("x-api-key")).collect(),
        body: None,
        has_secret: false,
        shown: visit.path.clone(),
    }
}

async fn deleted(kind: &Kind) {
    let world = World::new()
        .contact()
        .toml("[watchlists.acme]\nquery = 'acme'\n")
        .department("support", &["complaint", "refund", "unresolved", "technical", "staff"]);
    std::fs::write(world.folder().join("secret"), "sesame-canary\n").unwrap();
    let server = world.web.url("/").as_str().trim_end_matches('/').to_owned();
    let now = world.clock.now();
    let mut fake = Fake::new(kind.name, now);
    let text = "My acme toaster arrived late and the box was open. Disappointing.".to_owned();
    fake.items.push(Item { number: 10_002, created: now, visible: now, text });
    let fake = Arc::new(Mutex::new(fake));
    let clock = world.clock.clone();
    world.web.otherwise({
        let fake = Arc::clone(&fake);
        move |visit| {
            let mut fake = fake.lock().unwrap();
            fake.now = clock.now();
            let answer = fake.answer(&request(visit));
            let reply = Reply::status(answer.status).body(answer.body);
            answer.headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
        }
    });
    let world = world.toml(&source(kind, &server));
    let round = world.once().await;
    assert_eq!((round.mentions, round.cases_opened), (1, 1), "{}: {:?}", kind.name, round.failures);
    let entry = |world: &World| world.mentions()[0].mention.entry.clone();
    for (step, gone) in [(0, false), (1, false), (2, true)] {
        if step == 1 {
            fake.lock().unwrap().items.clear();
        }
        world.pass(SignedDuration::from_mins(61));
        let round = world.once().await;
        assert_eq!(round.failures, [], "{}", kind.name);
        let entry = entry(&world);
        assert_eq!((entry.text.is_empty(), entry.withdrawn.is_some()), (gone, gone), "{}: look {step}", kind.name);
        if step == 0 {
            let counts = entry.engagement;
            assert!(counts.likes.is_some() || counts.replies.is_some(), "{}: {counts:?}", kind.name);
        }
    }
}

#[tokio::test]
async fn what_was_deleted_at_a_service_is_removed_here() {
    let mut looked = Vec::new();
    for kind in &KINDS {
        if table(kind).one.is_some() {
            deleted(kind).await;
            looked.push(kind.name);
        }
    }
    println!("{}", looked.join(", "));
    assert_eq!(looked.len(), 14, "{looked:?}");
}
