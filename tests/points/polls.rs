//! Random polls against a model: feeds that grow and shorten and carry each other's stories, rounds that die at random
//! named points, a lost index, restarts. After every round that comes to its end the record and the mailboxes are what a
//! simple model says: each entry that was served is one mention, entries with one link are one story with one case, and
//! each story was told once to each; a second time only by a death between the relay's last dot and our note of it, with
//! the same Message-ID and marked.
//!
//! `MENTIOND_SEED` is another campaign; with `MENTIOND_LONG` there are more lives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use mentiond::point;
use mentiond::store::record::CaseFilter;

use super::support::dice::Dice;
use super::support::world::{Entry, World, entry, rss};
use super::{RECIPIENTS, dies, marks, routed, succeeds};

const FEEDS: usize = 4;
/// Entries that a feed shows at most.
const SHOWN: usize = 8;
const ROUNDS: usize = 4;
/// Points that a round of `once` does not pass: those of a person's act on a case.
const OF_CASES: [&str; 2] = ["case-acting", "case-acted"];

/// What the feeds show, and what must have come of it.
#[derive(Default)]
struct Model {
    /// Stories that each feed shows, the newest first.
    shown: [Vec<usize>; FEEDS],
    /// Words of each story.
    stories: Vec<String>,
    /// Everything that was shown in a round that came to its end: feed and story.
    heard: BTreeSet<(usize, usize)>,
    deaths: usize,
    /// Deaths after which one mail may come again.
    may_repeat: usize,
}

#[test]
fn hazard_34_polls_are_what_a_simple_model_says() {
    let seed =
        std::env::var("MENTIOND_SEED").map_or(20_261_122, |seed| seed.parse().expect("MENTIOND_SEED is a number"));
    let lives = if std::env::var_os("MENTIOND_LONG").is_some() { 40 } else { 2 };
    let begun = Instant::now();
    let (mut deaths, mut mentions, mut stories, mut repeats) = (0, 0, 0, 0);
    let mut points = BTreeSet::new();
    for life in 0..lives {
        let mut dice = Dice(seed + life);
        let (model, repeated) = live(seed + life, &mut dice, &mut points);
        deaths += model.deaths;
        mentions += model.heard.len();
        stories += model.stories.len();
        repeats += repeated;
    }
    println!(
        "seed {seed}: {lives} lives, {deaths} deaths at {} points, {mentions} mentions of {stories} stories; lost 0, \
         repeated {repeats}, each marked; {:.1} s",
        points.len(),
        begun.elapsed().as_secs_f64()
    );
    assert!(deaths >= lives as usize && stories < mentions, "{deaths} deaths: nothing was tried");
}

/// From an empty state through some rounds; what the model ended as, and how many mails came twice.
fn live(seed: u64, dice: &mut Dice, points: &mut BTreeSet<&'static str>) -> (Model, usize) {
    let mut world = World::new().mail("max_per_hour = 1000");
    for feed in 0..FEEDS {
        world = world.feed(&format!("feed-{feed}"), rss([]));
    }
    let world = routed(world);
    let mut model = Model::default();
    let mut repeated = 0;
    for round in 0..ROUNDS {
        publish(&world, &mut model, dice);
        for _ in 0..1 + dice.index(3) {
            let usual: Vec<&'static str> = point::ALL.into_iter().filter(|p| !OF_CASES.contains(p)).collect();
            let (point, time) = (usual[dice.index(usual.len())], 1 + dice.index(4));
            if dies(&world, &["once"], point, time) {
                model.deaths += 1;
                model.may_repeat += usize::from(matches!(point, "mail-ended" | "mail-taken"));
                points.insert(point);
            }
        }
        // As a power cut can leave it.
        if dice.index(4) == 0 {
            let _ = std::fs::remove_dir_all(world.state().join("seen"));
        }
        succeeds(&world, &["once"]);
        for (feed, shown) in model.shown.iter().enumerate() {
            model.heard.extend(shown.iter().map(|story| (feed, *story)));
        }
        repeated = compare(&world, &model, &format!("seed {seed}, round {round}"));
    }
    (model, repeated)
}

/// Some new entries on some feeds; a third of them carry what another feed told before.
fn publish(world: &World, model: &mut Model, dice: &mut Dice) {
    for feed in 0..FEEDS {
        for _ in 0..dice.index(4) {
            let known = (dice.index(3) == 0 && !model.stories.is_empty()).then(|| dice.index(model.stories.len()));
            let story =
                known.filter(|story| model.shown.iter().any(|shown| shown.contains(story))).unwrap_or_else(|| {
                    model.stories.push(dice.words(12));
                    model.stories.len() - 1
                });
            if !model.shown[feed].contains(&story) && !model.heard.contains(&(feed, story)) {
                model.shown[feed].insert(0, story);
            }
        }
        // Only what was heard may go: the rest nobody could know of.
        while model.shown[feed].len() > SHOWN
            && model.shown[feed].last().is_some_and(|last| model.heard.contains(&(feed, *last)))
        {
            model.shown[feed].pop();
        }
        let entries: Vec<Entry> = model.shown[feed].iter().map(|story| written(feed, *story, &model.stories)).collect();
        world.serve(&format!("feed-{feed}"), rss(entries));
    }
}

fn written(feed: usize, story: usize, stories: &[String]) -> Entry {
    let link = format!("https://forum.example.net/plant-{story}-end");
    entry(&format!("Oakline {}", stories[story])).id(format!("{feed}/{story}")).link(&link)
}

/// How many mails came twice so far.
fn compare(world: &World, model: &Model, at: &str) -> usize {
    let mut heard = BTreeSet::new();
    let mut story_of: BTreeMap<String, i64> = BTreeMap::new();
    for row in world.mentions() {
        let link = row.mention.entry.url.clone().unwrap_or_default();
        let number: usize = marks(&link)[0][6..].trim_end_matches("-end").parse().unwrap();
        let feed: usize = row.mention.source.trim_start_matches("feed-").parse().unwrap();
        assert!(heard.insert((feed, number)), "{at}: {feed}/{number} is there twice");
        let story = *story_of.entry(link).or_insert(row.story);
        assert_eq!(story, row.story, "{at}: one link, two stories");
    }
    assert_eq!(heard, model.heard, "{at}: in the record and in the model");
    let stories: BTreeSet<i64> = story_of.values().copied().collect();
    assert_eq!(stories.len(), story_of.len(), "{at}: two links, one story");
    let cases = world.record().cases(&CaseFilter { all: true, limit: 1_000, ..CaseFilter::default() }).unwrap();
    assert_eq!(cases.len(), stories.len(), "{at}: one case a story");

    let mut arrived: BTreeMap<(String, String), Vec<(String, bool)>> = BTreeMap::new();
    for mail in world.mails() {
        let mark = marks(&mail.text).into_iter().next().unwrap_or_else(|| panic!("{at}: about nothing: {}", mail.text));
        arrived.entry((mail.to, mark)).or_default().push((mail.message_id, mail.possible_duplicate));
    }
    let told: BTreeSet<usize> = model.heard.iter().map(|(_, story)| *story).collect();
    let mut repeated = 0;
    for story in told {
        for recipient in RECIPIENTS {
            let key = (recipient.to_owned(), format!("plant-{story}-end"));
            let came = arrived.remove(&key).unwrap_or_else(|| panic!("{at}: lost: {key:?}"));
            assert!(came.iter().all(|(id, _)| *id == came[0].0), "{at}: {key:?}: {came:?}");
            assert!(came[1..].iter().all(|(_, marked)| *marked), "{at}: a repeat that does not say so: {came:?}");
            repeated += came.len() - 1;
        }
    }
    assert!(arrived.is_empty(), "{at}: {arrived:?}");
    assert!(repeated <= model.may_repeat, "{at}: {repeated} repeats, {} may be", model.may_repeat);
    let waiting = world.outbox().iter().filter(|row| row.status != "sent").count();
    assert_eq!(waiting, 0, "{at}: still in the outbox");
    repeated
}
