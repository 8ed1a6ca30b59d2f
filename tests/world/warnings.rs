//! Early warning, from the feed to the mail: what is usual is learnt over days, a rise is told of once, silence is told of
//! once, and an old feed that catches up is no rise. Every round is a process of its own, so each is a restart too.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use mentiond::daemon::early::look_at_all;
use mentiond::model::{Unusual, Warning};

use crate::support::web::Reply;
use crate::support::world::{Entry, Mail, Running, World, entry, rss, until};

const COMMUNITY: &str = "community@example.com";

const TEAMS: &str = r#"
[watchlists.acme]
query = 'acme'
name = "Acme"
[departments.community]
email = "community@example.com"
role = "community"
[[routes]]
when = 'acme'
department = "community"
deliver = "none"
[sources.forum]
kind = "feed"
every = "24h"
"#;

fn world() -> World {
    let world = World::new();
    world.serve("forum", rss([]));
    let url = world.web.url("/forum");
    world.toml(&format!("{TEAMS}url = \"{url}\"\n"))
}

/// Words that no other post has: each is a story of its own.
fn post(number: u32, words: &str, at: Option<Timestamp>) -> Entry {
    let mut dice = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut other = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (0..7).map(|n| char::from(b'a' + u8::try_from((dice >> (8 * n + 3)) % 26).unwrap())).collect::<String>()
    };
    let rare: Vec<String> = (0..12).map(|_| other()).collect();
    let text = format!("{words} {}", rare.join(" "));
    let post = entry(&format!("Acme {}", rare[0])).id(number).text(&text).author(&format!("{} {}", rare[1], rare[2]));
    let post = post.link(&format!("https://forum.example.net/t/{number}"));
    match at {
        Some(at) => post.published(at),
        None => post,
    }
}

/// One post an hour for so many days, heard once a day.
async fn live(world: &World, days: u32, number: &mut u32) {
    for _ in 0..days {
        world.pass(SignedDuration::from_hours(24));
        let now = world.clock.now();
        let said = (1..=24).map(|hour| {
            *number += 1;
            post(*number, "My acme is", Some(now - SignedDuration::from_mins(60 * hour - 20)))
        });
        let said: Vec<Entry> = said.collect();
        world.serve("forum", rss(said));
        world.once().await;
    }
}

fn told(world: &World) -> Vec<Mail> {
    world.mails().into_iter().filter(|m| m.kind == "warning").collect()
}

fn given(world: &World) -> Vec<Warning> {
    world.record().warnings(Timestamp::UNIX_EPOCH).unwrap()
}

/// How everything stands, for whoever looks why a test failed.
fn explained(world: &World) -> String {
    let (config, now) = (world.engine().config, world.clock.now());
    let looked = world.record().look(|moment| look_at_all(&config, moment, now, true, &mut HashMap::new())).unwrap();
    looked.iter().map(|l| format!("{}: {:?}", l.watchlist, l.found)).collect()
}

/// Posts of the last hours.
fn burst(world: &World, count: u32, number: &mut u32) -> Vec<Entry> {
    burst_before(world.clock.now(), count, number)
}

fn burst_before(now: Timestamp, count: u32, number: &mut u32) -> Vec<Entry> {
    let post = |n: u32| {
        *number += 1;
        let at = now - SignedDuration::from_mins(i64::from(5 + n * 100 / count));
        post(*number, "The acme app crashes at checkout since the update, I cannot pay.", Some(at))
    };
    (0..count).map(post).collect()
}

#[tokio::test]
async fn a_rise_is_told_of_once_whatever_is_restarted() {
    let world = world();
    let mut number = 0;
    world.once().await;
    live(&world, 16, &mut number).await;
    assert!(given(&world).is_empty() && told(&world).is_empty(), "{:?}", given(&world));

    world.pass(SignedDuration::from_hours(3));
    let mut said = burst(&world, 40, &mut number);
    world.serve("forum", rss(said.clone()));
    world.once().await;
    let warnings = given(&world);
    assert_eq!(warnings.len(), 1, "{warnings:?} {}", explained(&world));
    let warning = &warnings[0];
    assert_eq!(warning.unusual, Unusual::Rise);
    assert!(warning.tally.count >= 30 && warning.tally.usual < 8.0, "{:?}", warning.tally);
    let mails = told(&world);
    assert_eq!(mails.iter().map(|m| m.to.as_str()).collect::<Vec<_>>(), [COMMUNITY]);
    let mail = &mails[0];
    for words in
        ["Far more than usual", "checkout", "forum (", "Learnt", "usual was learnt from 1", "crashes at checkout"]
    {
        assert!(words == "Learnt" || mail.says(words), "{words}\n{}", mail.text);
    }
    let author = said[0].clone();
    assert!(!mail.text.contains(author.author_name()), "personal data is masked");

    // It goes on, and nothing more is said; nor when nothing new comes.
    for _ in 0..3 {
        world.pass(SignedDuration::from_mins(40));
        said = burst(&world, 15, &mut number);
        world.serve("forum", rss(said.clone()));
        world.once().await;
        world.once().await;
    }
    assert_eq!((given(&world).len(), told(&world).len()), (1, 1), "{:?}", given(&world));
    assert!(given(&world)[0].last > given(&world)[0].given, "it is noted that it goes on");
}

#[tokio::test]
async fn what_is_old_or_heard_late_is_no_rise() {
    let world = world();
    let mut number = 0;
    world.once().await;
    live(&world, 16, &mut number).await;

    // A feed that was stuck shows three days at once.
    world.pass(SignedDuration::from_hours(24));
    let now = world.clock.now();
    let old =
        (0..80).map(|n| post(5_000 + n, "An acme", Some(now - SignedDuration::from_mins(i64::from(26 * 60 + n * 30)))));
    world.serve("forum", rss(old.collect::<Vec<_>>()));
    world.once().await;
    assert_eq!(given(&world), [], "published in the past");

    // After an outage everything comes at once, and without dates nobody knows when it was said.
    world.pass(SignedDuration::from_hours(24));
    world.serve("forum", Reply::status(503));
    world.once().await;
    world.pass(SignedDuration::from_hours(12));
    let late = (0..60).map(|n| post(6_000 + n, "One more acme", None));
    world.serve("forum", rss(late.collect::<Vec<_>>()));
    world.once().await;
    let dated = world.clock.now();
    let late =
        (0..60).map(|n| post(7_000 + n, "Acme again", Some(dated - SignedDuration::from_mins(i64::from(5 + n)))));
    world.serve("forum", rss(late.collect::<Vec<_>>()));
    world.once().await;
    assert_eq!(given(&world).iter().filter(|w| w.unusual == Unusual::Rise).count(), 0, "{:?}", given(&world));
}

#[tokio::test]
async fn silence_is_told_of_once_and_only_if_somebody_listened() {
    let world = world();
    let mut number = 0;
    world.once().await;
    live(&world, 16, &mut number).await;

    // Nobody can listen: the source's trouble is another matter.
    world.serve("forum", Reply::status(503));
    for _ in 0..3 {
        world.pass(SignedDuration::from_hours(24));
        world.once().await;
    }
    assert_eq!(given(&world), [], "blind hours are no silence");

    live(&world, 2, &mut number).await;
    world.serve("forum", rss([]));
    for _ in 0..4 {
        world.pass(SignedDuration::from_hours(24));
        world.once().await;
    }
    let warnings = given(&world);
    assert_eq!(warnings.len(), 1, "{warnings:?} {}", explained(&world));
    assert_eq!((warnings[0].unusual, warnings[0].tally.count), (Unusual::Quiet, 0));
    let mails = told(&world);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].says("Unusually quiet") && mails[0].subject.contains("Acme"), "{}", mails[0].text);
}

#[tokio::test]
async fn who_is_too_young_is_told_so_and_off_is_off() {
    let young = world();
    let mut number = 0;
    young.once().await;
    live(&young, 5, &mut number).await;
    young.pass(SignedDuration::from_hours(1));
    young.serve("forum", rss(burst(&young, 60, &mut number)));
    young.once().await;
    assert_eq!(given(&young), [], "five days teach nothing");

    let off = world().toml("[warnings]\nsensitivity = \"off\"");
    let mut number = 0;
    off.once().await;
    live(&off, 16, &mut number).await;
    off.pass(SignedDuration::from_hours(1));
    off.serve("forum", rss(burst(&off, 60, &mut number)));
    off.once().await;
    assert_eq!(given(&off), []);
}

/// A brand beside the first one, in the same posts.
const BOLT: &str = "[watchlists.bolt]\nquery = 'acme'\nname = \"Bolt\"";

/// "Not once for each": what fell silent is the source, and the mail names everything that it feeds.
#[tokio::test]
async fn one_silent_source_of_two_watchlists_is_one_mail_that_names_both() {
    let world = world().toml(BOLT);
    let mut number = 0;
    world.once().await;
    live(&world, 16, &mut number).await;
    world.serve("forum", rss([]));
    for _ in 0..6 {
        world.pass(SignedDuration::from_hours(24));
        world.once().await;
    }
    let warnings = given(&world);
    assert_eq!(warnings.len(), 1, "{warnings:?} {}", explained(&world));
    assert!(warnings[0].concerns("acme") && warnings[0].concerns("bolt"), "{:?}", warnings[0]);
    assert!(warnings[0].last > warnings[0].given, "it still holds, for both");
    let mails = told(&world);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.starts_with("[Acme and Bolt] Unusually quiet – source forum"), "{}", mails[0].subject);
}

/// A day passes for the running daemon: it asks the source when it is due.
async fn a_day(world: &World, said: impl FnOnce(Timestamp) -> Vec<Entry>) {
    let heard = || world.record().source_states().unwrap().get("forum").map(|state| state.health.clone()).unwrap();
    let due = heard().next_poll.unwrap().max(world.clock.now()) + SignedDuration::from_secs(1);
    world.serve("forum", rss(said(due)));
    world.clock.set(due);
    until("what the source says is recorded", || heard().last_heard == Some(due)).await;
}

/// Lets minutes pass, in which the daemon looks now and then.
async fn looks_until(world: &World, daemon: &Running, what: &str, holds: impl Fn() -> bool) {
    until(what, || {
        world.pass(SignedDuration::from_secs(20));
        daemon.world.case_moved.notify_one();
        holds()
    })
    .await;
}

/// The daemon as it runs, with a clock that steps: silence, a rise, and what follows in the gap, with restarts between.
#[tokio::test]
async fn a_running_daemon_warns_once_in_the_gap_and_again_of_what_is_new() {
    let world = world().toml("[warnings]\ngap = \"3d\"");
    let mut number = 0;
    world.once().await;
    live(&world, 16, &mut number).await;

    // Nothing comes although the source answers; a day more of it, after a restart, is nothing new.
    let daemon = world.run();
    for _ in 0..4 {
        a_day(&world, |_| Vec::new()).await;
    }
    looks_until(&world, &daemon, "silence", || told(&world).len() == 1).await;
    assert_eq!(given(&world)[0].unusual, Unusual::Quiet);
    daemon.stop().await.unwrap();
    let daemon = world.run();
    let before = given(&world)[0].last;
    a_day(&world, |_| Vec::new()).await;
    looks_until(&world, &daemon, "it is noted that it goes on", || given(&world)[0].last > before).await;
    assert_eq!((given(&world).len(), told(&world).len()), (1, 1), "{:?}", given(&world));

    a_day(&world, |at| burst_before(at, 60, &mut number)).await;
    looks_until(&world, &daemon, "the rise", || told(&world).len() == 2).await;
    assert_eq!(given(&world)[1].unusual, Unusual::Rise);
    daemon.stop().await.unwrap();

    // Restarted in the gap, and it goes on: who is told once is not told again.
    let daemon = world.run();
    let before = given(&world)[1].last;
    a_day(&world, |at| burst_before(at, 60, &mut number)).await;
    looks_until(&world, &daemon, "it is noted that it goes on", || given(&world)[1].last > before).await;
    assert_eq!((given(&world).len(), told(&world).len()), (2, 2), "{:?}", given(&world));
    daemon.stop().await.unwrap();
}

/// The look does not come before the poll that it would tell of: a clock that was looked at a second before, with nothing
/// to see, holds nothing up.
#[tokio::test]
async fn a_rise_is_told_of_when_the_poll_is_recorded_that_brings_it() {
    let world = world();
    let mut number = 0;
    world.once().await;
    live(&world, 16, &mut number).await;

    let daemon = world.run();
    a_day(&world, |_| Vec::new()).await;
    let heard = || world.record().source_states().unwrap().get("forum").map(|state| state.health.clone()).unwrap();
    let due = heard().next_poll.unwrap() + SignedDuration::from_secs(1);
    // Before the poll it is looked whether something is due, and there is nothing.
    world.clock.set(due - SignedDuration::from_secs(3));
    for _ in 0..20 {
        daemon.world.case_moved.notify_one();
        tokio::task::yield_now().await;
    }
    world.serve("forum", rss(burst_before(due, 60, &mut number)));
    world.clock.set(due);
    until("what the source says is recorded", || heard().last_heard == Some(due)).await;
    until("the rise is told of", || {
        daemon.world.case_moved.notify_one();
        told(&world).len() == 1
    })
    .await;
    // A look that was under way when the poll came may be the one that finds it.
    let given = given(&world)[0].given;
    assert!((due - SignedDuration::from_secs(3)..=due).contains(&given), "no minute passed since the poll: {given}");
    daemon.stop().await.unwrap();
}
