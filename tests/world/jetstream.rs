//! A stream: Bluesky's Jetstream against a server that breaks off, forgets, falls silent and sends rubbish.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use mentiond::model::{ErrorClass, SourceStatus};
use mentiond::store::record::MentionFilter;
use tokio_tungstenite::tungstenite::Message;

use crate::support::dice::Dice;
use crate::support::jetstream::{Jetstream, Wrong, commit};
use crate::support::world::{START, World, until};

const BRAND: &str = "brand@example.com";
const SECOND: i64 = 1_000_000;

/// Microseconds since 1970, so many seconds after the world began.
fn at(seconds: i64) -> i64 {
    START.as_microsecond() + seconds * SECOND
}

fn world(servers: &[&Jetstream]) -> World {
    let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
    World::new().contact().mail("max_per_hour = 100000").watch("acme", "acme", BRAND).toml(&format!(
        "[sources.sky]\nkind = \"jetstream\"\nservers = {urls:?}\nsilence = \"1s\"\n[history]\nunmatched = \"30d\""
    ))
}

/// What is recorded, by the post's name, oldest first.
fn posts(world: &World) -> Vec<String> {
    let mut rows = match world.state().join("record.sqlite").exists() {
        true => {
            world.record().mentions(&MentionFilter { copies: true, limit: 10_000, ..MentionFilter::default() }).unwrap()
        }
        false => Vec::new(),
    };
    rows.reverse();
    let name = |url: Option<String>| url.unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
    rows.into_iter().map(|row| name(row.mention.entry.url)).collect()
}

fn gaps(world: &World) -> Vec<String> {
    let record = rusqlite::Connection::open(world.state().join("record.sqlite")).unwrap();
    let mut gaps = record.prepare("SELECT reason FROM gaps ORDER BY id").unwrap();
    gaps.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn posts_that_match_become_mentions_and_the_rest_is_not_kept() {
    let server = Jetstream::start().await;
    let world = world(&[&server]);
    let daemon = world.run();
    until("a connection", || server.cursors().len() == 1).await;
    assert_eq!(server.cursors(), [Some(at(-60))], "the first time a minute back");
    server.post(at(1), "a", "Lunch was fine");
    server.post(at(2), "b", "My Acme kettle exploded");
    server.say(at(3), r#"{"did":"did:plc:x","time_us":1,"kind":"identity"}"#);
    until("the alert", || world.mails_to(BRAND).len() == 1).await;
    daemon.stop().await.unwrap();
    assert_eq!(posts(&world), ["b"]);
    let rows = world.record().mentions(&MentionFilter { limit: 9, ..MentionFilter::default() }).unwrap();
    let entry = &rows[0].mention.entry;
    assert_eq!(entry.text, "My Acme kettle exploded");
    assert_eq!(entry.id.as_deref(), Some("at://did:plc:someone/app.bsky.feed.post/b"));
    let health = world.source("sky").health;
    assert_eq!((health.status, health.next_poll), (SourceStatus::Ok, None));
    assert!(world.record().oldest_unmatched().unwrap().is_none(), "nobody keeps all of Bluesky");
    assert!(gaps(&world).is_empty());
}

/// Random disconnects on two servers, stops and starts in between, posts that come meanwhile: each matching post is
/// recorded once and told once, and no gap is claimed.
#[tokio::test]
async fn however_often_it_breaks_nothing_is_lost_and_nothing_said_twice() {
    let seeds = std::env::var("MENTIOND_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let mut running = tokio::task::JoinSet::new();
    for seed in 0..seeds {
        running.spawn(outages(seed));
    }
    let mut breaks = 0;
    while let Some(done) = running.join_next().await {
        breaks += done.unwrap();
    }
    assert!(breaks > seeds, "only {breaks} breaks");
}

/// One such run; how many connections there were.
async fn outages(seed: u64) -> u64 {
    let mut dice = Dice(seed);
    let (one, two) = (Jetstream::start().await, Jetstream::start().await);
    let world = world(&[&one, &two]);
    let mut expected = BTreeSet::new();
    let mut time = at(-30);
    let mut number = 0;
    for _life in 0..3 {
        for server in [&one, &two] {
            let cuts = dice.below(3);
            server.wrong((0..cuts).map(|_| match dice.below(5) {
                0 => Wrong::Refuse(503, "busy"),
                1 => Wrong::Raw(vec![0xff, 0xff, 0x00]),
                _ => Wrong::Cut(usize::try_from(dice.below(40)).unwrap()),
            }));
        }
        let daemon = world.run();
        for _ in 0..10 {
            for _ in 0..dice.below(10) {
                time += i64::try_from(dice.below(900_000)).unwrap();
                number += 1;
                let name = format!("p{number:04}");
                let matches = dice.below(4) == 0;
                let text =
                    format!("{} word{number} and more of seed{seed}x{number}", if matches { "Acme" } else { "Other" });
                // The servers have clocks of their own, and the second one turns events round.
                one.post(time, &name, &text);
                two.post(time + i64::try_from(dice.below(200_000)).unwrap(), &name, &text);
                if matches {
                    expected.insert(name);
                }
            }
            tokio::time::sleep(Duration::from_millis(dice.below(30))).await;
        }
        // A life ends early now and then.
        if dice.below(2) == 0 {
            let wanted: Vec<&String> = expected.iter().collect();
            until("all to be recorded", || posts(&world).len() >= wanted.len()).await;
        }
        daemon.stop().await.unwrap();
    }
    let daemon = world.run();
    until("all to be recorded", || posts(&world).len() >= expected.len()).await;
    until("all to be told", || world.mails_to(BRAND).len() >= expected.len()).await;
    daemon.stop().await.unwrap();
    let recorded = posts(&world);
    assert_eq!(recorded.iter().cloned().collect::<BTreeSet<_>>(), expected, "seed {seed}");
    assert_eq!(recorded.len(), expected.len(), "seed {seed}: recorded twice");
    assert_eq!(world.mails_to(BRAND).len(), expected.len(), "seed {seed}: told twice");
    assert_eq!(gaps(&world), Vec::<String>::new(), "seed {seed}");
    (one.cursors().len() + two.cursors().len()) as u64
}

#[tokio::test]
async fn a_server_that_kept_too_little_leaves_a_gap() {
    let server = Jetstream::start().await;
    let world = world(&[&server]);
    server.post(at(-1), "a", "Acme one");
    world.once().await;
    server.post(at(100), "b", "Acme lost");
    server.post(at(200), "c", "Acme three");
    server.forget_before(at(150));
    world.pass(jiff::SignedDuration::from_secs(300));
    let round = world.once().await;
    assert_eq!((round.mentions, posts(&world)), (1, vec!["a".to_owned(), "c".to_owned()]));
    assert_eq!(
        gaps(&world),
        [
            "what was posted between 2026-03-02T08:59:59Z and 2026-03-02T09:03:20Z was not heard: 127.0.0.1 keeps it no longer"
        ]
    );
    world.once().await;
    assert_eq!(gaps(&world).len(), 1, "told once");
}

#[tokio::test]
async fn a_cursor_that_is_refused_leaves_a_gap_and_the_stream_goes_on() {
    let server = Jetstream::start().await;
    let world = world(&[&server]);
    server.post(at(-1), "a", "Acme one");
    world.once().await;
    world.pass(jiff::SignedDuration::from_hours(100));
    server.wrong([Wrong::Refuse(400, r#"{"error":"CursorTooOld","message":"cursor is before the window"}"#)]);
    let daemon = world.run();
    until("another connection", || server.cursors().len() == 3).await;
    server.post(at(360_000), "b", "Acme two");
    until("the post", || posts(&world).len() == 2).await;
    daemon.stop().await.unwrap();
    assert_eq!(server.cursors()[1..], [Some(at(-6)), Some(at(360_000 - 60))]);
    assert_eq!(gaps(&world).len(), 1);
}

#[tokio::test]
async fn once_reads_what_was_said_since_the_last_round() {
    let server = Jetstream::start().await;
    let world = world(&[&server]);
    for n in 0..300 {
        server.post(at(-40) + n * 1000, &format!("p{n}"), &format!("Acme word{n} other{n}"));
    }
    let first = world.once().await;
    assert_eq!((first.entries, first.mentions + first.duplicates, first.failed), (300, 300, 0));
    let again = world.once().await;
    assert_eq!((again.mentions, again.duplicates, again.failed), (0, 0, 0), "the overlap is known");
    server.wrong([Wrong::Refuse(503, "no")]);
    assert_eq!(world.once().await.failed, 1);
    assert_eq!(world.source("sky").health.error_class, Some(ErrorClass::Transient));
}

#[tokio::test]
async fn a_silent_server_is_left_for_another_one() {
    let (dead, alive) = (Jetstream::start().await, Jetstream::start().await);
    let world = world(&[&dead, &alive]);
    dead.wrong([Wrong::Dead]);
    alive.post(at(0), "a", "Acme is heard");
    let daemon = world.run();
    until("the post of the other server", || posts(&world) == ["a"]).await;
    assert_eq!((dead.cursors().len(), alive.cursors().len()), (1, 1));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn hostile_frames_end_a_connection_and_nothing_else() {
    let server = Jetstream::start().await;
    let world = world(&[&server]);
    let huge = "x".repeat(2 << 20);
    server.wrong([
        Wrong::First(Message::text(huge)),
        Wrong::First(Message::binary(vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0])),
        // A compressed frame that nobody agreed on (RSV1), a text that is no UTF-8, a frame of 2^62 bytes.
        Wrong::Raw(vec![0xc1, 0x02, 0x01, 0x02]),
        Wrong::Raw(vec![0x81, 0x02, 0xc3, 0x28]),
        Wrong::Raw(vec![0x81, 0x7f, 0x40, 0, 0, 0, 0, 0, 0, 0]),
        Wrong::First(Message::text("not json")),
    ]);
    let daemon = world.run();
    server.post(at(1), "a", "Acme after all that");
    until("the post", || posts(&world) == ["a"]).await;
    until("it to be well", || world.source("sky").health.status == SourceStatus::Ok).await;
    daemon.stop().await.unwrap();
    assert_eq!(server.cursors().len(), 6);
    assert!(gaps(&world).is_empty());
}

#[tokio::test]
async fn what_is_taken_back_loses_its_words_here_too() {
    let server = Jetstream::start().await;
    let world = world(&[&server]);
    let daemon = world.run();
    server.post(at(1), "a", "Acme sells my address 12 Elm Street");
    server.post(at(2), "b", "Acme stays");
    until("two alerts", || world.mails_to(BRAND).len() == 2).await;
    server.say(at(3), commit(at(3), "update", "a", Some("Acme sells my address 13 Elm Street")));
    let text = |world: &World| {
        let rows = world.record().mentions(&MentionFilter { limit: 9, ..MentionFilter::default() }).unwrap();
        rows.into_iter().map(|row| row.mention).find(|m| m.entry.url.as_deref().unwrap().ends_with("/a")).unwrap()
    };
    until("the edit", || text(&world).entry.text.contains("13 Elm")).await;
    assert_eq!(world.record().versions(text(&world).id).unwrap().len(), 1, "what it said first is kept");
    server.say(at(4), commit(at(4), "delete", "a", None));
    server.say(at(4), commit(at(4), "delete", "never-seen", None));
    until("the words to go", || text(&world).entry.withdrawn.is_some()).await;
    daemon.stop().await.unwrap();
    let file = rusqlite::Connection::open(world.state().join("record.sqlite")).unwrap();
    let left: i64 = file
        .query_row(
            "SELECT (SELECT count(*) FROM mentions WHERE content LIKE '%Elm%') + (SELECT count(*) FROM versions)",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, 0);
    // The post is heard again after a restart, and so is its deletion.
    let daemon = world.run();
    server.post(at(5), "c", "Acme again");
    until("the new one", || posts(&world).len() == 3 && world.mails_to(BRAND).len() == 3).await;
    daemon.stop().await.unwrap();
    assert!(text(&world).entry.text.is_empty());
    assert_eq!(world.mails_to(BRAND).len(), 3);
}

/// The program itself, killed again and again while posts come.
#[tokio::test]
async fn killed_and_started_again_it_goes_on_where_it_was() {
    let kills: usize = std::env::var("MENTIOND_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let server = Jetstream::start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mentiond.toml");
    let text = format!(
        "[daemon]\nstate = \"state\"\nhttp = \"off\"\n[fetch]\nallow_networks = [\"127.0.0.0/8\"]\n\
         [mail]\nfrom = \"m@example.com\"\ntransport = \"directory\"\ndirectory = \"out\"\nmax_per_hour = 100000\n\
         [watchlists.acme]\nquery = 'acme'\nalert = [\"{BRAND}\"]\n\
         [sources.sky]\nkind = \"jetstream\"\nservers = [\"{}\"]\n",
        server.url()
    );
    std::fs::write(&config, text).unwrap();
    let mut dice = Dice(7);
    let mut number = 0;
    let now = || mentiond::clock::Clock::system().now().as_microsecond();
    for life in 0..=kills {
        let mut program = Command::new(env!("CARGO_BIN_EXE_mentiond"))
            .args(["--config", config.to_str().unwrap(), "run"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let connections = server.cursors().len();
        until("it to connect", || server.cursors().len() > connections).await;
        let lives = tokio::time::Instant::now()
            + Duration::from_millis(if life == kills { 1500 } else { 200 + dice.below(1800) });
        while tokio::time::Instant::now() < lives {
            number += 1;
            server.post(now(), &format!("p{number}"), &format!("Acme word{number} thing{number}"));
            tokio::time::sleep(Duration::from_millis(5 + dice.below(20))).await;
        }
        if life == kills {
            let mails = || std::fs::read_dir(folder.path().join("out")).map_or(0, Iterator::count);
            until("all mails", || mails() >= number).await;
            assert_eq!(mails(), number);
        }
        program.kill().unwrap();
        program.wait().unwrap();
    }
    let record = rusqlite::Connection::open(folder.path().join("state/record.sqlite")).unwrap();
    let count: (usize, usize, usize) = record
        .query_row("SELECT count(*), count(DISTINCT identity), (SELECT count(*) FROM gaps) FROM mentions", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(count, (number, number, 0), "after {kills} kills");
}
