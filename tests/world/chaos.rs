//! A network that cuts, delays and trickles between mentiond, its sources and its relay; and a clock that jumps while
//! there is work. Once it calms down, all is there, and nothing twice but what the relay may have had.
//!
//! `MENTIOND_SEED` makes another campaign; the long form makes ten.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::support::chaos::Chaos;
use crate::support::dice::Dice;
use crate::support::world::{Entry, START, World, entry, rss};

const FEEDS: u64 = 3;
const ROUNDS: u64 = 6;
const NEW_EACH_ROUND: u64 = 2;
const RECIPIENTS: [&str; 2] = ["ana@example.com", "bo@example.com"];

/// What there is to say of each entry; no two are alike.
const WORDS: [&str; 24] = [
    "kettle", "autumn", "hinges", "colour", "courier", "handle", "warranty", "shelf", "invoice", "drawer", "manual",
    "lamp", "carpet", "mirror", "garden", "window", "bottle", "camera", "jacket", "pepper", "bridge", "engine",
    "ribbon", "saddle",
];

fn seeds() -> Vec<u64> {
    let first = std::env::var("MENTIOND_SEED").ok().map_or(20_261_122, |seed| seed.parse().unwrap());
    let many = if std::env::var_os("MENTIOND_LONG").is_some() { 10 } else { 1 };
    (first..first + many).collect()
}

fn plant(number: u64, dice: &mut Dice) -> Entry {
    let mut some = || WORDS[usize::try_from(dice.below(WORDS.len() as u64)).unwrap()];
    let text: Vec<_> = (0..12).map(|_| some()).collect();
    let link = format!("https://forum.example.net/plant-{number}-end");
    entry(&format!("Oakline {} {} {number}", some(), some())).id(&link).link(&link).text(&text.join(" "))
}

/// Every entry that was shown is a mention, and every mention was mailed once to each; how often one came twice.
fn compare(world: &World, planted: u64, seed: u64) -> usize {
    let mut arrived: BTreeMap<(String, u64), Vec<(String, bool)>> = BTreeMap::new();
    for mail in world.mails().into_iter().filter(|mail| mail.kind != "trouble") {
        let at = mail.text.find("plant-").unwrap_or_else(|| panic!("seed {seed}: {}", mail.text)) + 6;
        let number = mail.text[at..].split('-').next().unwrap().parse().unwrap();
        arrived.entry((mail.to, number)).or_default().push((mail.message_id, mail.possible_duplicate));
    }
    let mut repeats = 0;
    for number in 0..planted {
        for recipient in RECIPIENTS {
            let came = arrived.remove(&(recipient.to_owned(), number));
            let came = came.unwrap_or_else(|| panic!("seed {seed}: lost: plant {number} to {recipient}"));
            assert!(came.iter().all(|(id, _)| *id == came[0].0), "seed {seed}: other Message-IDs: {came:?}");
            assert!(came[1..].iter().all(|(_, marked)| *marked), "seed {seed}: repeats that do not say so: {came:?}");
            repeats += came.len() - 1;
        }
    }
    assert!(arrived.is_empty(), "seed {seed}: {arrived:?}");
    assert_eq!(world.mentions().len() as u64, planted, "seed {seed}");
    repeats
}

fn watched(world: World) -> World {
    world.toml(&format!("[watchlists.oakline]\nquery = 'oakline'\nalert = {RECIPIENTS:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hazard_29_a_network_that_cuts_delays_and_trickles_loses_nothing() {
    for seed in seeds() {
        let mut dice = Dice(seed);
        let mut world = World::new();
        let to_web = Chaos::before(world.web.port(), seed);
        let to_relay = Chaos::before(world.relay.port(), seed + 1_000);
        for feed in 0..FEEDS {
            let url = format!("http://127.0.0.1:{}/feed-{feed}", to_web.port());
            world = world.toml(&format!("[sources.feed-{feed}]\nkind = \"feed\"\nurl = \"{url}\""));
        }
        world = watched(world).contact().mail(&format!(
            "max_per_hour = 100000\ntransport = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"",
            to_relay.port()
        ));
        let mut shown: Vec<Vec<Entry>> = vec![Vec::new(); usize::try_from(FEEDS).unwrap()];
        let mut planted = 0;
        for round in 0..ROUNDS + 4 {
            if round < ROUNDS {
                for (feed, entries) in shown.iter_mut().enumerate() {
                    for _ in 0..NEW_EACH_ROUND {
                        entries.insert(0, plant(planted, &mut dice));
                        planted += 1;
                    }
                    world.serve(&format!("feed-{feed}"), rss(entries.iter().cloned()));
                }
            } else {
                to_web.calm_down();
                to_relay.calm_down();
            }
            world.once().await;
            world.pass(SignedDuration::from_hours(2));
        }
        let repeats = compare(&world, planted, seed);
        let harmed = [to_web.harmed(), to_relay.harmed()];
        println!("seed {seed}: {planted} mentions, harmed connections {harmed:?}, lost 0, marked repeats {repeats}");
        assert!(harmed.iter().all(|harmed| *harmed >= 3), "seed {seed}: too calm: {harmed:?}");
    }
}

#[tokio::test]
async fn hazard_36_a_clock_that_jumps_back_and_forth_loses_and_repeats_nothing() {
    const JUMPS: [i64; 8] = [24, -24, 1, -2, 8, -72, 48, 3];
    for seed in seeds() {
        let mut dice = Dice(seed);
        let world = watched(World::new().feed("a", rss([])).mail("max_per_hour = 100000"));
        let (mut entries, mut latest) = (Vec::new(), START);
        for number in 0..ROUNDS * 2 {
            entries.insert(0, plant(number, &mut dice));
            world.serve("a", rss(entries.iter().cloned()));
            world.once().await;
            let hours = JUMPS[usize::try_from(dice.below(JUMPS.len() as u64)).unwrap()];
            world.pass(SignedDuration::from_hours(hours));
            latest = latest.max(world.clock.now());
        }
        // The clock is right again: later than it ever claimed.
        world.clock.set(latest + SignedDuration::from_hours(6));
        world.once().await;
        assert_eq!(compare(&world, ROUNDS * 2, seed), 0, "seed {seed}: repeats");
    }
}
