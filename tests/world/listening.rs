//! When a source counts as listened to: lateness is relative to how often it is asked. Every round is a process of its own,
//! as a timer of the system starts it.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use mentiond::daemon::early::look_at_all;
use mentiond::model::Coverage;
use mentiond::store::record::Listening;

use crate::support::world::{World, rss};

fn world(every: &str) -> World {
    let world = World::new();
    world.serve("forum", rss([]));
    let url = world.web.url("/forum");
    world.toml(&format!(
        "[watchlists.acme]\nquery = 'acme'\nalert = [\"a@example.com\"]\n\
         [sources.forum]\nkind = \"feed\"\nevery = \"{every}\"\nurl = \"{url}\"\n"
    ))
}

/// Full hours between two moments, and how many of them early warning takes for listened to.
fn hours(world: &World, from: Timestamp, to: Timestamp) -> (i64, u32) {
    let listening = [Listening { watchlist: "acme".into(), sources: vec!["forum".into()] }];
    let books = world.record().look(|moment| moment.books(&listening, to)).unwrap();
    let (first, last) = ((from.as_second() + 3_599).div_euclid(3_600), to.as_second().div_euclid(3_600));
    (last - first, books[0].sources[0].heard.count(first..last))
}

fn coverage(world: &World, from: Timestamp, to: Timestamp) -> Coverage {
    world.record().look(|moment| moment.coverage(&["forum".into()], from, to)).unwrap()
}

/// A timer that starts it once a day never hits the planned moment: that was drawn up to a tenth of the day early, and the
/// timer drifts. What the source shows reaches back as far either way.
#[tokio::test]
async fn a_daily_timer_that_drifts_listens_without_a_break() {
    let world = world("24h");
    world.once().await;
    let begun = world.clock.now();
    for day in 0..40 {
        // Half an hour later, on time, half an hour earlier, and ten days of falling behind.
        let drift = if day < 30 { 30 * (1 - day % 3) } else { 30 };
        world.pass(SignedDuration::from_mins(24 * 60 + drift));
        let round = world.once().await;
        assert_eq!((round.polled, round.failed), (1, 0), "day {day}");
    }
    let now = world.clock.now();
    let (all, heard) = hours(&world, begun, now);
    assert!(all >= 39 * 24, "{all}");
    assert_eq!(i64::from(heard), all, "no hour is lost");
    let told = coverage(&world, begun, now);
    assert_eq!((told.heard, told.blind), (1, Vec::new()));
    assert_eq!(world.source("forum").health.blind_seconds, 0);
    // Nobody is told to wait: fourteen days were heard.
    let (config, mut memory) = (world.engine().config, HashMap::new());
    let looked = world.record().look(|moment| look_at_all(&config, moment, now, true, &mut memory)).unwrap();
    assert_eq!(looked[0].found.young, None);
}

/// Two days without a round are a gap for it too.
#[tokio::test]
async fn a_daily_timer_that_stood_still_was_deaf() {
    let world = world("24h");
    world.once().await;
    world.pass(SignedDuration::from_hours(24));
    world.once().await;
    let (last, planned) = (world.clock.now(), world.source("forum").health.next_poll.unwrap());
    world.pass(SignedDuration::from_hours(72));
    world.once().await;
    let now = world.clock.now();
    let deaf = now.duration_since(planned).as_secs();
    assert_eq!(coverage(&world, last, now).blind[0].seconds, deaf);
    assert_eq!(world.source("forum").health.blind_seconds, deaf, "`mentiond sources` says the same");
    let (all, heard) = hours(&world, last, now);
    assert!((21..=27).contains(&heard) && all == 72, "{heard} of {all}");
}

/// Who is asked every five minutes, and was not for two hours.
#[tokio::test]
async fn two_hours_without_a_poll_are_a_gap_where_five_minutes_were_planned() {
    let world = world("5m");
    world.once().await;
    let begun = world.clock.now();
    for _ in 0..24 {
        world.pass(SignedDuration::from_mins(5));
        world.once().await;
    }
    // A restart that took its time is none.
    world.pass(SignedDuration::from_mins(60));
    world.once().await;
    let now = world.clock.now();
    assert_eq!((coverage(&world, begun, now).blind, world.source("forum").health.blind_seconds), (Vec::new(), 0));

    world.pass(SignedDuration::from_hours(2));
    world.once().await;
    let then = world.clock.now();
    let told = coverage(&world, begun, then);
    let seconds = told.blind[0].seconds;
    assert!((6_840..=6_960).contains(&seconds), "{seconds}: all but the five minutes that were planned");
    assert_eq!(world.source("forum").health.blind_seconds, seconds);
    let (all, heard) = hours(&world, now, then);
    assert!(all >= 1 && heard == 0, "early warning does not count these hours: {heard} of {all}");
}
