//! Quotas, spending caps and rate headers: what is allowed is used, no more, and it is said when it goes on.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mentiond::model::{ErrorClass, Table};
use mentiond::sources::table::{Budget, Positions, Step, Walk, Walked};

use crate::fake::{Fake, Item};
use crate::kinds::{KINDS, table};

fn named(name: &str) -> std::sync::Arc<Table> {
    table(KINDS.iter().find(|kind| kind.name == name).expect("a kind"))
}

fn items(fake: &mut Fake, count: u64) {
    let first = fake.items.len() as u64 + 10_000;
    let (created, visible) = (fake.now, fake.now);
    fake.items.extend((first..first + count).map(|number| Item { number, created, visible, text: "acme".into() }));
}

/// One poll, with the same answers as the service gives, and how many requests it took.
fn poll(fake: &mut Fake, table: &Table, at: &mut Positions) -> Walked {
    let mut walk = Walk::new(table, at.clone(), None, fake.now);
    while let Step::Ask(request) = walk.step() {
        walk.answered(&fake.answer(&request));
    }
    let walked = walk.end();
    *at = walked.positions.clone();
    walked
}

#[test]
fn youtube_s_search_stops_within_its_hundred_a_day_and_says_when_it_goes_on() {
    let table = named("youtube-search");
    let pacific = TimeZone::get("America/Los_Angeles").unwrap();
    // Midnight Pacific Time, on the day on which summer time ends: it has 25 hours.
    let midnight: Timestamp = "2026-11-01T07:00:00Z".parse().unwrap();
    let mut fake = Fake::new("youtube-search", midnight);
    let mut at = Positions::default();
    let mut refused = None;
    for _ in 0..200 {
        let walked = poll(&mut fake, &table, &mut at);
        if let Some(fault) = walked.fault {
            refused = Some(fault);
            break;
        }
        fake.now += SignedDuration::from_mins(5);
        items(&mut fake, 1);
    }
    let refused = refused.expect("it goes on for ever");
    assert_eq!((fake.asked.len(), refused.class), (100, ErrorClass::Quota));
    assert!(refused.message.contains("the quota of 100 requests is used up"), "{}", refused.message);
    assert_eq!(Budget::of(&table, &at, fake.now).left, Some(0));
    let again = fake.now + SignedDuration::try_from(refused.retry_after.unwrap()).unwrap();
    assert_eq!(again.to_zoned(pacific).to_string(), "2026-11-02T00:00:00-08:00[America/Los_Angeles]");
    // A second before, nothing; then all of it.
    fake.now = again - SignedDuration::from_secs(1);
    assert!(poll(&mut fake, &table, &mut at).fault.is_some());
    assert_eq!(fake.asked.len(), 100);
    fake.now = again;
    assert!(poll(&mut fake, &table, &mut at).fault.is_none());
    assert_eq!(Budget::of(&table, &at, fake.now).left, Some(100 - (fake.asked.len() as u64 - 100)));
}

#[test]
fn polls_are_spread_over_the_day_so_that_the_quota_lasts() {
    let table = named("youtube-search");
    let mut fake = Fake::new("youtube-search", "2026-11-20T08:00:00Z".parse().unwrap());
    let (mut at, end) = (Positions::default(), fake.now + SignedDuration::from_hours(24));
    let mut longest = SignedDuration::ZERO;
    while fake.now < end {
        let walked = poll(&mut fake, &table, &mut at);
        assert_eq!(walked.fault, None, "after {} requests", fake.asked.len());
        let wait = SignedDuration::try_from(walked.wait.unwrap()).unwrap().max(SignedDuration::from_mins(5));
        longest = longest.max(wait);
        fake.now += wait;
        items(&mut fake, 1);
    }
    assert!((90..=101).contains(&fake.asked.len()), "{} of 100", fake.asked.len());
    assert!(longest <= SignedDuration::from_mins(30), "{longest}");
}

#[test]
fn x_is_asked_until_the_next_request_could_pass_the_cap_and_again_in_the_next_month() {
    let mut table = Table::clone(&named("x"));
    // 0.005 a post and 0.010 a user: a page of 100 may cost 1.50, so 10 dollars allow six full pages and what is left.
    table.price.as_mut().unwrap().cap = 10_000_000;
    let mut fake = Fake::new("x", "2026-11-20T08:00:00Z".parse().unwrap());
    let mut at = Positions::default();
    let mut paid = 0;
    let refused = loop {
        items(&mut fake, 100);
        fake.now += SignedDuration::from_mins(15);
        let before = fake.asked.len();
        let walked = poll(&mut fake, &table, &mut at);
        assert!(fake.asked.len() - before <= 2);
        // Every post, and the one author that the fake sends with each page.
        paid += walked.entries.len() as u64 * 5_000 + u64::from(!walked.entries.is_empty()) * 10_000;
        let spent = Budget::of(&table, &at, fake.now).spent.unwrap();
        assert_eq!(spent, (paid, 10_000_000));
        if let Some(fault) = walked.fault {
            break fault;
        }
        assert!(fake.asked.len() < 200, "it goes on for ever");
    };
    assert_eq!(refused.class, ErrorClass::Quota);
    assert!(paid <= 10_000_000 && paid > 8_000_000, "{paid}");
    assert!(
        refused.message.contains("Raise `spend_cap`") && refused.message.contains("10.00 USD"),
        "{}",
        refused.message
    );
    let again = fake.now + SignedDuration::try_from(refused.retry_after.unwrap()).unwrap();
    assert_eq!(again.to_string(), "2026-12-01T00:00:00Z");
    fake.now = again;
    assert!(poll(&mut fake, &table, &mut at).fault.is_none());
    let (spent, _) = Budget::of(&table, &at, fake.now).spent.unwrap();
    assert!(spent < 2_000_000, "a new month: {spent}");
}

#[test]
fn when_the_headers_say_that_no_request_is_left_none_is_made() {
    // Pages are left to ask for, and the service says that this was the last request for ten minutes.
    for (name, reset) in [("github", None), ("mastodon-tags", Some("2026-11-20T08:15:00.000Z")), ("x", None)] {
        let table = named(name);
        let mut fake = Fake::new(name, "2026-11-20T08:05:00Z".parse().unwrap());
        items(&mut fake, 250);
        let mut at = Positions::default();
        if name == "mastodon-tags" {
            // Pages are turned only from a place that is known.
            at.at.entry(String::new()).or_default().last_id = Some("10000".into());
        }
        let rate = table.rate.clone().unwrap();
        let until = reset.map_or_else(|| (fake.now.as_second() + 600).to_string(), str::to_owned);
        let mut walk = Walk::new(&table, at.clone(), None, fake.now);
        let mut requests = 0;
        while let Step::Ask(request) = walk.step() {
            requests += 1;
            let mut reply = fake.answer(&request);
            reply.headers.push((rate.remaining.clone(), "0".into()));
            reply.headers.push((rate.reset.clone(), until.clone()));
            walk.answered(&reply);
        }
        let walked = walk.end();
        assert_eq!(requests, 1, "{name}");
        assert!(!walked.entries.is_empty() && walked.blocked, "{name}: what was read is kept");
        let fault = walked.fault.unwrap();
        assert_eq!((fault.class, fault.retry_after.unwrap().as_secs()), (ErrorClass::RateLimited, 600), "{name}");
        assert_eq!(walked.wait.unwrap().as_secs(), 600, "{name}");
    }
}
