//! For every kind: after random outages, restarts, refusals, bursts, late arrivals, edits, deletions and items that come
//! and go while pages are turned, every item was new exactly once, or a gap was recorded.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use mentiond::model::table::ResumeBy;
use mentiond::model::{ErrorClass, PollFault, Table};
use mentiond::sources::identity::{self, Kind as Sighted, Known};
use mentiond::sources::table::{Position, Positions, Reply, Session, Step, Walk};

use crate::fake::{Fake, Item, reply};
use crate::kinds::{KINDS, Kind, table};

const START: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// xorshift64*: the same on every machine.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
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
    /// Changes that were made, and those that were seen.
    edits: (u64, u64),
    deleted: usize,
}

/// What is written anew about a service while it is asked.
struct Life<'k> {
    kind: &'k Kind,
    fake: Fake,
    dice: Dice,
    number: u64,
    /// How often an item was changed.
    edits: HashMap<u64, u32>,
    deleted: HashSet<u64>,
}

impl Life<'_> {
    fn add(&mut self, count: u64) {
        for _ in 0..count {
            self.number += 1;
            let late = if self.kind.late > 0 { self.dice.roll(self.kind.late as u64 * 60) as i64 } else { 0 };
            let (now, number) = (self.fake.now, self.number);
            // A quarter of them are late.
            let created = if self.dice.roll(4) == 0 { now - SignedDuration::from_secs(late) } else { now };
            self.fake.items.push(Item { number, created, visible: now, text: format!("acme says {number}") });
        }
    }

    /// One of the newest items.
    fn recent(&mut self) -> Option<usize> {
        let all = self.fake.items.len();
        (all > 0).then(|| all - 1 - self.dice.roll(all.min(300) as u64) as usize)
    }

    fn delete(&mut self, count: u64) {
        for _ in 0..count {
            if let Some(at) = self.recent() {
                self.deleted.insert(self.fake.items.remove(at).number);
            }
        }
    }

    fn edit(&mut self, count: u64) {
        for _ in 0..count {
            let Some(at) = self.recent() else { return };
            let item = &mut self.fake.items[at];
            let times = self.edits.entry(item.number).or_default();
            *times += 1;
            item.text = format!("acme says {} better {times}", item.number);
            // A review that is written anew comes first again.
            if self.kind.name == "appstore" {
                item.created = self.fake.now;
            }
        }
    }
}

/// The number that an entry's words hold.
fn number_of(text: &str) -> u64 {
    text.split("acme says ").nth(1).unwrap().split(['<', ' ']).next().unwrap().parse().unwrap()
}

/// Lives through a while with a service; `calm` is one in which nothing can be lost.
fn live(kind: &Kind, table: &Table, seed: u64, calm: bool) -> Outcome {
    let at = format!("{}, seed {seed}", kind.name);
    let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let fake = Fake::new(kind.name, START);
    let mut life = Life { kind, fake, dice, number: 10_000, edits: HashMap::default(), deleted: HashSet::default() };
    let (mut positions, mut known, mut session) = (Positions::default(), Known::default(), None::<Session>);
    let mut new: HashMap<String, u32> = HashMap::new();
    let mut texts: HashMap<u64, String> = HashMap::new();
    let (mut first, mut troubles) = (None, Vec::new());
    let mut outcome = Outcome::default();
    let steps = 25;
    // What could not be read at one time is read at the next ones.
    for step in 0..steps + 5 {
        let last = step >= steps;
        let minutes =
            if !calm && life.dice.roll(12) == 0 { 60 * (1 + life.dice.roll(20)) } else { 1 + life.dice.roll(15) };
        life.fake.now += SignedDuration::from_mins(minutes as i64);
        let usual = if kind.name == "youtube-search" { 3 } else { 12 };
        let count = if !calm && life.dice.roll(12) == 0 { 100 + life.dice.roll(1100) } else { life.dice.roll(usual) };
        if !last {
            life.add(count);
            if life.dice.roll(3) == 0 {
                life.edit(3);
            }
            if life.dice.roll(3) == 0 {
                life.delete(2);
            }
        }
        life.fake.now += SignedDuration::from_secs(5);
        let trouble = !last && life.dice.roll(3) == 0;
        let mut walk = Walk::new(table, positions.clone(), session.clone(), life.fake.now);
        while let Step::Ask(request) = walk.step() {
            outcome.requests += 1;
            assert!(outcome.requests < 20_000, "{at}: it goes round in circles");
            match if trouble { life.dice.roll(9) } else { 9 } {
                0 => walk.failed(fault(ErrorClass::Transient)),
                1 => walk.answered(&reply(503, "<html><body>down</body></html>", vec![])),
                2 => walk.answered(&life.fake.refusal()),
                3 => walk.answered(&cut_off(life.fake.answer(&request))),
                // A token runs out in the middle.
                4 => {
                    life.fake.token = None;
                    walk.answered(&life.fake.answer(&request));
                }
                5 => walk.answered(&reply(200, "<!doctype html><title>Log in</title>", vec![])),
                6 => walk.answered(&reply(200, "", vec![])),
                // An empty window of this service is nothing unusual; it cannot be told from a lie.
                7 if kind.name != "discourse-all" => {
                    life.fake.blank = true;
                    walk.answered(&life.fake.answer(&request));
                }
                _ => walk.answered(&life.fake.answer(&request)),
            }
            life.fake.blank = false;
            // What comes while pages are turned moves the others to later pages, what goes to earlier ones.
            if !last && life.dice.roll(8) == 0 {
                life.add(2);
            }
            if !last && !calm && life.dice.roll(8) == 0 {
                life.delete(2);
            }
        }
        let walked = walk.end();
        outcome.faults += u64::from(walked.fault.is_some());
        troubles.extend(walked.fault.as_ref().map(|fault| fault.message.clone()));
        if life.dice.roll(6) == 0 && !last {
            // Killed before the commit: nothing of it is kept, logins neither.
            outcome.restarts += 1;
            session = None;
            continue;
        }
        session = walked.session;
        // What is recorded reads back the same.
        positions = Positions::read(walked.positions.part().as_ref());
        assert_eq!(positions, walked.positions);
        if walked.gap.is_some() {
            outcome.gaps.push(life.fake.now);
        }
        let identified = identity::identify_made(&walked.entries, &known);
        for sighting in identified.sightings {
            let raw = &walked.entries[sighting.index];
            let text = format!("{} {}", raw.title.text, raw.content.text);
            let number = number_of(&text);
            match sighting.kind {
                Sighted::New => *new.entry(raw.id.clone()).or_default() += 1,
                Sighted::Edited => {
                    assert_ne!(texts.get(&number), Some(&text), "{at}: {number} is said to have changed, and did not");
                    outcome.edits.1 += 1;
                }
                _ => continue,
            }
            texts.insert(number, text);
        }
        known = Known::from_bytes(&identified.known.to_bytes());
        if first.is_none()
            && walked.fault.is_none()
            && positions.at.values().all(|p: &Position| p.asked.is_some() || p.last_id.is_some())
        {
            first = Some(life.fake.now);
        }
    }
    let first = first.unwrap_or_else(|| panic!("{at}: no poll came to its end: {troubles:?}"));
    for (id, times) in &new {
        assert_eq!(*times, 1, "{at}: {id} was new {times} times");
    }
    outcome.edits.0 = life.edits.values().map(|times| u64::from(*times)).sum();
    outcome.deleted = life.deleted.len();
    // What the last poll asked for again is known as it was written last.
    let again = positions.at.values().filter_map(|p| p.high).max().and_then(|high| {
        let overlap = SignedDuration::try_from(table.resume.overlap).unwrap();
        (table.resume.by == ResumeBy::Time).then(|| high - overlap)
    });
    for item in &life.fake.items {
        // A window of this service leaves these out of every answer.
        if item.visible <= first || (kind.name == "discourse-all" && item.number.is_multiple_of(7)) {
            continue;
        }
        outcome.items += 1;
        let in_gap = !calm && outcome.gaps.iter().any(|gap| *gap >= item.visible);
        let seen = texts.get(&item.number);
        assert!(seen.is_some() || in_gap, "{at}: {} of {} was lost in silence", item.number, item.visible);
        if let (Some(again), Some(seen), false) = (again, seen, in_gap)
            && item.created >= again
        {
            let is_newest = seen.trim_end().trim_end_matches("</p>").contains(item.text.as_str())
                && seen.contains("better") == item.text.contains("better");
            assert!(is_newest, "{at}: {} is known as {seen:?}, and is {:?}", item.number, item.text);
        }
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
            all.edits = (all.edits.0 + one.edits.0, all.edits.1 + one.edits.1);
            all.deleted += one.deleted;
        }
        println!(
            "{:18} {:6} items, {:5} requests, {:3} faults, {:3} restarts, {:3} gaps, {:3} of {:3} edits seen, {:3} deleted",
            kind.name,
            all.items,
            all.requests,
            all.faults,
            all.restarts,
            all.gaps.len(),
            all.edits.1,
            all.edits.0,
            all.deleted
        );
        assert!(
            all.faults > 1 && all.restarts > 1 && all.items > 100 && all.edits.0 > 9 && all.deleted > 9,
            "{}: nothing went wrong, so nothing was tested",
            kind.name
        );
        if table.resume.by == ResumeBy::Time {
            assert!(all.edits.1 > 3, "{}: only {} of {} edits were seen", kind.name, all.edits.1, all.edits.0);
        }
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
