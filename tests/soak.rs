//! The daemon at a hundred times its normal load, for as many minutes as `MENTIOND_SOAK_MINUTES` says (`tests/soak 10`).
//!
//! Normal is a brand with thirty feeds at the usual half hour: a poll a minute, with two new entries, one of which is a
//! mention that two people hear of. Here a hundred feeds are polled every minute, on which 200 entries a minute appear.
//! Everything that was published must have been mailed once to each when it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::web::Reply;
use support::world::{Entry, World, entry, rss};

const FEEDS: usize = 100;
/// A new entry somewhere: 200 a minute.
const EVERY: Duration = Duration::from_millis(300);
/// Every so many entries one is a mention.
const MENTION_EACH: usize = 2;
const RECIPIENTS: [&str; 2] = ["ana@example.com", "bo@example.com"];
/// Entries that a feed shows.
const SHOWN: usize = 30;
/// After the last entry was published: a poll of every feed, and its mails.
const PATIENCE: Duration = Duration::from_secs(150);
const SAMPLE: Duration = Duration::from_secs(2);
/// More than this is growth: a leak of one small thing an entry would be above it.
const MEMORY_SLOPE: f64 = 512.0;

/// What the process held at a time.
struct Sample {
    minutes: f64,
    /// All that is resident …
    kib: f64,
    /// … and of that what is not pages of files, which come with the code that is used.
    own_kib: f64,
    files: f64,
}

struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_hundred_times_the_normal_load_is_carried_without_growing() {
    let minutes: f64 = match std::env::var("MENTIOND_SOAK_MINUTES") {
        Ok(minutes) => minutes.parse().expect("MENTIOND_SOAK_MINUTES is a number of minutes"),
        Err(_) => {
            println!("skipped: the soak takes minutes (tests/soak 10)");
            return;
        }
    };
    let mut world = World::new().mail("max_per_hour = 100000").daemon("contact = \"ops@example.com\"");
    for feed in 0..FEEDS {
        let url = world.web.url(&format!("/feed-{feed}"));
        world.serve(&format!("feed-{feed}"), rss([]));
        world = world.toml(&format!("[sources.feed-{feed}]\nkind = \"feed\"\nurl = \"{url}\"\nevery = \"1m\""));
    }
    let world =
        world.fetch("per_host = 8").toml(&format!("[watchlists.oakline]\nquery = 'oakline'\nalert = {RECIPIENTS:?}"));
    let log = world.folder().join("log");
    let mut daemon = start(&world, &log);

    let mut feeds: Vec<VecDeque<Entry>> = vec![VecDeque::new(); FEEDS];
    let mut published: Vec<Instant> = Vec::new();
    let mut samples: Vec<Sample> = Vec::new();
    let (begun, mut sampled) = (Instant::now(), Instant::now());
    let mut dice = Dice(7);
    while begun.elapsed().as_secs_f64() < minutes * 60.0 {
        publish(&world, &mut feeds, &mut published, &mut dice);
        if sampled.elapsed() >= SAMPLE {
            sampled = Instant::now();
            samples.push(sample(&daemon.0, begun));
            if samples.len() % 15 == 0 {
                let s = samples.last().unwrap();
                println!(
                    "at {:6.2} min: rss {} own {} files {} entries {}",
                    s.minutes,
                    s.kib,
                    s.own_kib,
                    s.files,
                    published.len()
                );
            }
        }
        let next = EVERY * u32::try_from(published.len()).unwrap();
        std::thread::sleep(next.saturating_sub(begun.elapsed()));
        assert!(daemon.0.try_wait().unwrap().is_none(), "the daemon ended: {}", fs::read_to_string(&log).unwrap());
    }
    let mentions: Vec<usize> = (0..published.len()).filter(|number| number.is_multiple_of(MENTION_EACH)).collect();
    let due = mentions.len() * RECIPIENTS.len();
    let end = Instant::now();
    while world.relay.messages().len() < due && end.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_secs(2)); // What is one too many would come now.
    let stopped = Command::new("kill").arg(daemon.0.id().to_string()).status().unwrap();
    assert!(stopped.success() && daemon.0.wait().unwrap().success(), "it did not stop in order");
    report(&world, &log, &published, &mentions, &samples, minutes);
}

fn start(world: &World, log: &std::path::Path) -> Daemon {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mentiond"));
    command.arg("--config").arg(world.config()).args(["run", "--log", "json"]);
    for name in ["MENTIOND_CONFIG", "MENTIOND_LOG", "JOURNAL_STREAM", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(log).unwrap());
    if let Some(folder) = std::env::var_os("MENTIOND_SOAK_HEAPTRACK") {
        // For whoever looks for a leak: `heaptrack_interpret < FILE > FILE.i; heaptrack_print`.
        command.env("LD_PRELOAD", "/usr/lib/heaptrack/libheaptrack_preload.so").env("DUMP_HEAPTRACK_OUTPUT", folder);
    }
    Daemon(command.spawn().unwrap())
}

fn publish(world: &World, feeds: &mut [VecDeque<Entry>], published: &mut Vec<Instant>, dice: &mut Dice) {
    let number = published.len();
    let feed = number * 37 % FEEDS;
    let link = format!("https://forum.example.net/plant-{number}-end");
    let brand = if number.is_multiple_of(MENTION_EACH) { "Oakline " } else { "" };
    let shown = &mut feeds[feed];
    shown.push_front(entry(&format!("{brand}{}", dice.words(6))).id(&link).link(&link).text(&dice.words(25)));
    shown.truncate(SHOWN);
    let reply = Reply::ok(rss(shown.iter().cloned())).header("Content-Type", "application/rss+xml");
    world.serve(&format!("feed-{feed}"), reply.etag(&format!("\"{number}\"")));
    published.push(Instant::now());
}

fn sample(daemon: &Child, begun: Instant) -> Sample {
    let process = format!("/proc/{}", daemon.id());
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let kib = |name: &str| -> f64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let files = fs::read_dir(format!("{process}/fd")).unwrap().count() as f64;
    Sample { minutes: begun.elapsed().as_secs_f64() / 60.0, kib: kib("VmRSS:"), own_kib: kib("RssAnon:"), files }
}

fn report(
    world: &World,
    log: &std::path::Path,
    published: &[Instant],
    mentions: &[usize],
    samples: &[Sample],
    minutes: f64,
) {
    let mut came: HashMap<(String, usize), Vec<Instant>> = HashMap::new();
    let mut others = 0;
    for mail in world.relay.messages() {
        let text = mail.text();
        let number = text.find("plant-").and_then(|at| text[at + 6..].split('-').next()?.parse().ok());
        match number {
            Some(number) => came.entry((mail.to[0].clone(), number)).or_default().push(mail.at),
            None => others += 1,
        }
    }
    let (mut waits, mut missing, mut double) = (Vec::new(), 0, 0);
    for number in mentions {
        for recipient in RECIPIENTS {
            match came.get(&(recipient.to_owned(), *number)).map(Vec::as_slice) {
                None | Some([]) => missing += 1,
                Some([first, rest @ ..]) => {
                    waits.push(first.duration_since(published[*number]).as_secs_f64());
                    double += rest.len();
                }
            }
        }
    }
    waits.sort_by(f64::total_cmp);
    let percentile = |p: f64| waits.get(((waits.len() as f64 - 1.0) * p) as usize).copied().unwrap_or(f64::NAN);
    let text = fs::read_to_string(log).unwrap();
    let mut troubles: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not a line of the log: {line}"));
        if matches!(line["level"].as_str(), Some("ERROR" | "WARN")) {
            *troubles.entry(format!("{} {}", line["level"], line["event"])).or_default() += 1;
        }
    }
    // The first half fills caches and the allocator's free lists.
    let half = &samples[samples.len() / 2..];
    let memory = slope(half, |sample| sample.own_kib);
    let files = slope(half, |sample| sample.files);
    let most = |of: fn(&Sample) -> f64| samples.iter().map(of).fold(0.0, f64::max);
    println!("soak: {minutes} minutes, {FEEDS} feeds every minute, {} build", build());
    println!("polls answered                  {:8}", world.web.visits().len());
    println!("entries published               {:8}", published.len());
    println!("mentions among them             {:8}", mentions.len());
    println!("mails due                       {:8}", mentions.len() * RECIPIENTS.len());
    println!("mails missing / double / other  {missing:8} / {double} / {others}");
    println!("publication to mail, p50        {:8.1} s", percentile(0.5));
    println!("publication to mail, p99        {:8.1} s", percentile(0.99));
    println!("memory, most                    {:8.0} KiB", most(|sample| sample.kib));
    println!("own memory, most                {:8.0} KiB", most(|sample| sample.own_kib));
    println!("own memory, slope, second half    {memory:8.1} KiB a minute");
    println!("descriptors, most               {:8.0}", most(|sample| sample.files));
    println!("descriptors, slope              {files:8.2} a minute");
    println!("warnings and errors             {troubles:?}");
    println!("soak: done");
    assert_eq!((missing, double, others), (0, 0, 0), "{text}");
    assert!(troubles.is_empty(), "{troubles:?}");
    // A shorter run ends before the caches are full.
    if minutes >= 10.0 {
        assert!(memory < MEMORY_SLOPE, "memory grows by {memory} KiB a minute");
        assert!(files.abs() < 1.0, "descriptors grow by {files} a minute");
    }
}

/// Least squares: how much it changes a minute.
fn slope(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let count = samples.len() as f64;
    let (x, y) = samples.iter().fold((0.0, 0.0), |(x, y), s| (x + s.minutes / count, y + of(s) / count));
    let (up, down) = samples.iter().fold((0.0, 0.0), |(up, down), s| {
        let away = s.minutes - x;
        (up + away * (of(s) - y), down + away * away)
    });
    if down == 0.0 { 0.0 } else { up / down }
}

const fn build() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

/// The same numbers for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    /// Made-up words: no two texts resemble each other.
    fn words(&mut self, count: usize) -> String {
        const PARTS: [&str; 16] =
            ["ba", "ke", "lo", "mi", "ru", "sta", "ven", "dor", "gli", "pha", "que", "zon", "tir", "wel", "nop", "hus"];
        let mut word = || (0..3).map(|_| PARTS[self.below(16)]).collect::<String>();
        (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
    }

    fn below(&mut self, end: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end).unwrap()
    }
}
