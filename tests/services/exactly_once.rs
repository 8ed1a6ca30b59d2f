//! For every kind: after random outages, restarts, refusals, bursts, late arrivals and items that come while pages are
//! turned, every item was new exactly once, or a gap was recorded.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use mentiond::model::{ErrorClass, PollFault, Table};
use mentiond::sources::identity::{self, Kind as Sighted, Known};
use mentiond::sources::table::{Position, Positions, Reply, Session, Step, Walk};

use crate::fake::{Fake, Item};
use crate::kinds::{KINDS, Kind, table};

const START: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// xorshift64*: the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % below.max(1)
    }
}

#[derive(Default)]
struct Outcome {
    gaps: Vec<Timestamp>,
    requests: u64,
    faults: u64,
    restarts: u64,
    items: usize,
}

/// Lives through a while with a service; `calm` is one in which nothing can be lost.
fn live(kind: &Kind, table: &Table, seed: u64, calm: bool) -> Outcome {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut fake = Fake::new(kind.name, START);
    let mut number = 10_000;
    let (mut at, mut known, mut session) = (Positions::default(), Known::default(), None::<Session>);
    let mut new: HashMap<String, u32> = HashMap::new();
    let mut texts: HashMap<String, String> = HashMap::new();
    let mut first = None;
    let mut outcome = Outcome::default();
    let add = |fake: &mut Fake, dice: &mut Dice, count: u64, number: &mut u64| {
        for _ in 0..count {
            *number += 1;
            let late = if kind.late > 0 { dice.roll(kind.late as u64 * 60) as i64 } else { 0 };
            let back = SignedDuration::from_secs(late);
            let text = format!("acme says {number}");
            // A quarter of them are late.
            let created = if dice.roll(4) == 0 { fake.now - back } else { fake.now };
            fake.items.push(Item { number: *number, created, visible: fake.now, text });
        }
    };
    let steps = 25;
    // What could not be read at one time is read at the next ones.
    for step in 0..steps + 5 {
        let minutes = if !calm && dice.roll(12) == 0 { 60 * (1 + dice.roll(20)) } else { 1 + dice.roll(15) };
        fake.now += SignedDuration::from_mins(minutes as i64);
        let usual = if kind.name == "youtube-search" { 3 } else { 12 };
        let count = if !calm && dice.roll(12) == 0 { 100 + dice.roll(1100) } else { dice.roll(usual) };
        let count = if step < steps { count } else { 0 };
        add(&mut fake, &mut dice, count, &mut number);
        fake.now += SignedDuration::from_secs(5);
        let last = step >= steps;
        let trouble = !last && dice.roll(3) == 0;
        let mut walk = Walk::new(table, at.clone(), session.clone(), fake.now);
        while let Step::Ask(request) = walk.step() {
            outcome.requests += 1;
            assert!(outcome.requests < 20_000, "{} goes round in circles", kind.name);
            match if trouble { dice.roll(6) } else { 9 } {
                0 => walk.failed(fault(ErrorClass::Transient)),
                1 => walk.answered(&crate::fake::reply(503, "<html><body>down</body></html>", vec![])),
                2 => walk.answered(&fake.refusal()),
                3 => walk.answered(&cut_off(fake.answer(&request))),
                // A token runs out in the middle.
                4 => {
                    fake.token = None;
                    walk.answered(&fake.answer(&request));
                }
                _ => walk.answered(&fake.answer(&request)),
            }
            // What comes while pages are turned moves the others to later pages.
            if !last && dice.roll(8) == 0 {
                add(&mut fake, &mut dice, 2, &mut number);
            }
        }
        let walked = walk.end();
        outcome.faults += u64::from(walked.fault.is_some());
        if dice.roll(6) == 0 && !last {
            // Killed before the commit: nothing of it is kept, logins neither.
            outcome.restarts += 1;
            session = None;
            continue;
        }
        session = walked.session;
        // What is recorded reads back the same.
        at = Positions::read(walked.positions.part().as_ref());
        assert_eq!(at, walked.positions);
        if walked.gap.is_some() {
            outcome.gaps.push(fake.now);
        }
        let identified = identity::identify_made(&walked.entries, &known);
        for sighting in identified.sightings {
            let raw = &walked.entries[sighting.index];
            assert_ne!(sighting.kind, Sighted::Edited, "{} changed by itself", raw.id);
            if sighting.kind == Sighted::New {
                *new.entry(raw.id.clone()).or_default() += 1;
                texts.insert(raw.id.clone(), format!("{} {}", raw.title.text, raw.content.text));
            }
        }
        known = Known::from_bytes(&identified.known.to_bytes());
        if first.is_none()
            && walked.fault.is_none()
            && at.at.values().all(|p: &Position| p.asked.is_some() || p.last_id.is_some())
        {
            first = Some(fake.now);
        }
    }
    let first = first.expect("one poll came to its end");
    let shown: Vec<&Item> = fake
        .items
        .iter()
        .filter(|item| item.visible > first && item.visible <= fake.now)
        // A window of this service leaves these out of every answer.
        .filter(|item| kind.name != "discourse-all" || !item.number.is_multiple_of(7))
        .collect();
    outcome.items = shown.len();
    for (id, times) in &new {
        assert_eq!(*times, 1, "{}, seed {seed}: {id} was new {times} times", kind.name);
    }
    let mut seen: std::collections::HashSet<&str> = Default::default();
    for text in texts.values() {
        seen.insert(text.split("acme says ").nth(1).unwrap().split(['<', ' ']).next().unwrap());
    }
    for item in shown {
        let was_seen = seen.contains(item.number.to_string().as_str());
        let in_gap = outcome.gaps.iter().any(|gap| *gap >= item.visible);
        assert!(
            was_seen || (in_gap && !calm),
            "{}, seed {seed}: {} of {} was lost in silence",
            kind.name,
            item.number,
            item.visible
        );
    }
    outcome
}

fn fault(class: ErrorClass) -> PollFault {
    PollFault { class, message: "it broke off".into(), retry_after: None }
}

/// Half of an answer is no JSON.
fn cut_off(mut reply: Reply) -> Reply {
    let half = reply.body.len() / 2;
    reply.body.truncate(half.max(1));
    reply
}

/// Lives of each kind: `MENTIOND_LONG=1` tries many more than every run of the tests can.
fn lives(usual: u64) -> u64 {
    if std::env::var_os("MENTIOND_LONG").is_some() { usual * 20 } else { usual }
}

#[test]
fn every_item_is_new_exactly_once_or_a_gap_is_recorded() {
    for kind in &KINDS {
        let (table, mut all) = (table(kind), Outcome::default());
        for seed in 0..lives(2) {
            let one = live(kind, &table, seed, false);
            all.gaps.extend(one.gaps);
            all.requests += one.requests;
            all.faults += one.faults;
            all.restarts += one.restarts;
            all.items += one.items;
        }
        println!(
            "{:18} {:6} items, {:5} requests, {:3} faults, {:3} restarts, {:3} gaps",
            kind.name,
            all.items,
            all.requests,
            all.faults,
            all.restarts,
            all.gaps.len()
        );
        assert!(
            all.faults > 1 && all.restarts > 1 && all.items > 100,
            "{}: nothing went wrong, so nothing was tested",
            kind.name
        );
    }
}

#[test]
fn where_nothing_can_be_lost_no_gap_is_claimed() {
    for kind in &KINDS {
        let table = table(kind);
        for seed in 100..100 + lives(1) {
            let one = live(kind, &table, seed, true);
            assert!(one.gaps.is_empty(), "{}, seed {seed}: {:?}", kind.name, one.gaps);
        }
    }
}
