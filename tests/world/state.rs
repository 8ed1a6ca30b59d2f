//! The state folder: held by one, rebuilt where it can be, never misread.

use std::path::Path;

use mentiond::daemon;
use mentiond::store::StoreError;

use crate::support::world::{World, entry, rss};

const BRAND: &str = "brand@example.com";

fn feed() -> String {
    rss([
        entry("Acme one").id(1).link("https://a.example/1").text("First."),
        entry("Acme two").id(2).text("A mention without a link of its own."),
    ])
}

fn world() -> World {
    World::new().feed("a", feed()).watch("acme", "acme", BRAND)
}

#[tokio::test]
async fn hazard_37_a_second_daemon_on_the_same_state_refuses_and_names_the_first() {
    let world = world();
    let first = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let refused = world.try_once().await.unwrap_err();
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused}");
    let words = refused.to_string();
    assert!(words.contains(&format!("process {}", std::process::id())), "{words}");
    assert!(words.contains(&world.state().display().to_string()), "{words}");
    assert!(world.web.visits().is_empty() && world.relay.sessions() == 0);
    first.store.close().await;
    assert_eq!(world.once().await.mentions, 2, "and goes on when the first has ended");
}

async fn nothing_is_repeated_after(damage: impl Fn(&Path)) {
    let world = world();
    world.once().await;
    damage(&world.state().join("seen"));
    let second = world.once().await;
    assert_eq!((second.entries, second.mentions, second.mail.queued), (2, 0, 0));
    // The story keys are there again: another source's copy is a copy.
    let world = world.feed("b", rss([entry("Acme one, again").id("x").link("https://a.example/1")]));
    let third = world.once().await;
    assert_eq!((third.mentions, third.duplicates), (0, 1));
    assert_eq!(world.mails().len(), 2);
}

#[tokio::test]
async fn hazard_39_a_deleted_index_repeats_no_alert() {
    nothing_is_repeated_after(|seen| std::fs::remove_dir_all(seen).unwrap()).await;
}

#[tokio::test]
async fn hazard_39_a_damaged_index_repeats_no_alert() {
    nothing_is_repeated_after(|seen| {
        for file in std::fs::read_dir(seen).unwrap().map(|f| f.unwrap().path()).filter(|p| p.is_file()) {
            std::fs::write(file, b"these bytes are not sled's").unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn hazard_39_a_truncated_index_repeats_no_alert() {
    nothing_is_repeated_after(|seen| {
        std::fs::OpenOptions::new().write(true).open(seen.join("db")).unwrap().set_len(100).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_left_alone() {
    let world = world();
    world.once().await;
    let path = world.state().join("record.sqlite");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    let before: i64 = raw.query_row("SELECT count(*) FROM mentions", [], |row| row.get(0)).unwrap();
    drop(raw);
    let refused = world.try_once().await.unwrap_err().to_string();
    assert!(refused.contains("newer mentiond") && refused.contains("99"), "{refused}");
    let raw = rusqlite::Connection::open(&path).unwrap();
    let after: i64 = raw.query_row("SELECT count(*) FROM mentions", [], |row| row.get(0)).unwrap();
    assert_eq!((before, after, world.visits("a").len()), (2, 2, 1));
}

#[tokio::test]
async fn a_record_that_is_none_stops_the_start_in_words() {
    let world = world();
    std::fs::create_dir_all(world.state()).unwrap();
    std::fs::write(world.state().join("record.sqlite"), "not a database, but long enough to be read as one".repeat(40))
        .unwrap();
    let refused = world.try_once().await.unwrap_err().to_string();
    assert!(refused.contains("record"), "{refused}");
    assert!(world.web.visits().is_empty());
}

#[tokio::test]
async fn a_crash_while_a_mail_is_under_way_marks_exactly_that_one() {
    let world = world();
    let world = world.relay(crate::support::smtp::Script::default().banner("421 4.3.2 closed"));
    world.once().await;
    // What a process leaves behind that was killed between handing a mail over and hearing the answer.
    let notes = world.state().join("under-way");
    let blank = std::fs::read_to_string(&notes).unwrap();
    std::fs::write(&notes, format!("{:<63}{}", "now 1", &blank[63..])).unwrap();
    let queued = world.outbox();
    let world = world.relay(crate::support::smtp::Script::default());
    assert_eq!(world.once().await.mail.sent, 2);
    let marks: Vec<_> = world.mails().iter().map(|m| (m.message_id.clone(), m.possible_duplicate)).collect();
    assert_eq!(marks, [(queued[0].message_id.clone(), true), (queued[1].message_id.clone(), false)]);
}
