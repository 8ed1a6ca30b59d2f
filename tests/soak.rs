//! The daemon at a hundred times its normal load, for as many minutes as `MENTIOND_SOAK_MINUTES` says (`tests/soak 10`).
//!
//! Normal is a brand with thirty feeds at the usual half hour: a poll a minute, with two new entries, one of which is a
//! mention that two people hear of. Here a hundred feeds are polled every minute, on which 200 entries a minute appear.
//! Everything that was published must have been mailed once to each when it ends.
//!
//! It begins with a seen index as normal load leaves it: what a week's mentions are recognised by. Memory is judged after
//! a warm-up of twenty minutes (shorter runs: as many as are measured), in which complaints in every language have what is
//! read only when needed read, and what is remembered up to a number or a size gets there. The daemon runs with
//! the C library's allocator set as the unit and the image set it, unless the environment says otherwise.
//! `MENTIOND_SOAK_WARM_UP` is another number of minutes, and `MENTIOND_SOAK_PROGRAM` another program to run, such as a
//! profiler's wrapper around mentiond.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mentiond::clock::Clock;
use mentiond::dedup::near::{SKETCH, Sketch};
use mentiond::store::seen::{Marks, Seen};
use serde_json::Value;
use support::dice::Dice;
use support::signal::signal;
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
/// Minutes of warm-up before ten measured ones or more: ten were too few (the page cache of the index was still filling).
const WARM_UP: f64 = 20.0;
/// A shorter run proves nothing about memory: it ends before the caches are full.
const JUDGED_FROM: f64 = 10.0;
/// How the unit and the image set the C library's allocator: one pool for all threads; and what is large (bodies, write
/// buffers of the index) is mapped and given back, and does not leave holes among what is small.
const ALLOCATOR: [(&str, &str); 2] = [("MALLOC_ARENA_MAX", "1"), ("MALLOC_MMAP_THRESHOLD_", "131072")];
/// Mentions of a week at normal load: after that their texts are forgotten.
const WEEK: i64 = 7 * 24 * 60;
/// KiB a minute. More than this, and surely more than nothing, is growth: half a KiB an entry.
const MEMORY_SLOPE: f64 = 100.0;
/// The first mentions say these things. Made-up words alone would be taken for one language or another, and for a
/// complaint, now and then, and have tables read in the middle of what is measured.
const SAID: [&str; 16] = [
    "The drawer arrived broken and nobody answers my mails, I want my money back",
    "How do I change the delivery address of an order?",
    "Thanks to the service for helping me so quickly with the missing screws",
    "Please offer the shelf in oak with a darker finish",
    "El cajón llegó roto y nadie contesta mis correos, quiero que me devuelvan el dinero",
    "¿Cómo puedo cambiar la dirección de entrega de un pedido?",
    "Gracias al servicio por ayudarme tan rápido con los tornillos que faltaban",
    "Estaría bien que ofrecieran la estantería en un color más oscuro",
    "A gaveta chegou partida e ninguém responde aos meus emails, quero o dinheiro de volta",
    "Como posso mudar a morada de entrega de uma encomenda?",
    "Obrigado ao serviço por me ajudar tão depressa com os parafusos que faltavam",
    "Seria bom que tivessem a estante numa cor mais escura",
    "Skuffen kom i stykker, og ingen svarer på mine mails, jeg vil have mine penge tilbage",
    "Hvordan ændrer jeg leveringsadressen på en ordre?",
    "Tak til kundeservice for hurtig hjælp med de manglende skruer",
    "Det ville være dejligt at få reolen i en mørkere farve",
];

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
    fill_index(&world);
    let log = world.folder().join("log");
    let mut daemon = start(&world, &log);

    let mut feeds: Vec<VecDeque<Entry>> = vec![VecDeque::new(); FEEDS];
    let mut published: Vec<Instant> = Vec::new();
    let mut samples: Vec<Sample> = Vec::new();
    let (begun, mut sampled) = (Instant::now(), Instant::now());
    let mut dice = Dice(7);
    let warm = match std::env::var("MENTIOND_SOAK_WARM_UP") {
        Ok(warm) => warm.parse().expect("MENTIOND_SOAK_WARM_UP is a number of minutes"),
        Err(_) if minutes < JUDGED_FROM => minutes,
        Err(_) => WARM_UP,
    };
    while begun.elapsed().as_secs_f64() < (warm + minutes) * 60.0 {
        publish(&world, &mut feeds, &mut published, &mut dice);
        if sampled.elapsed() >= SAMPLE {
            sampled = Instant::now();
            samples.push(sample(&daemon.0, begun));
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
    signal(daemon.0.id(), "TERM");
    assert!(daemon.0.wait().unwrap().success(), "it did not stop in order");
    report(&world, &log, &published, &mentions, &samples, warm, minutes);
}

fn start(world: &World, log: &std::path::Path) -> Daemon {
    let program = std::env::var_os("MENTIOND_SOAK_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_mentiond").into());
    let mut command = Command::new(program);
    command.arg("--config").arg(world.config()).args(["run", "--log", "json"]);
    for name in ["MENTIOND_CONFIG", "MENTIOND_LOG", "JOURNAL_STREAM", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(log).unwrap());
    for (name, value) in ALLOCATOR {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    Daemon(command.spawn().unwrap())
}

/// What a week's mentions are recognised by. The record knows none of them, so nothing is taken for a copy.
fn fill_index(world: &World) {
    fs::create_dir_all(world.state()).unwrap();
    let seen = Seen::open(&world.state().join("seen")).unwrap();
    let mut dice = Dice(11);
    for from in (0..WEEK).step_by(100) {
        let sketches =
            (from..from + 100).map(|n| (n + 1_000_000_000, Sketch((0..SKETCH).map(|_| dice.next()).collect())));
        seen.mark(&[Marks { sketches: sketches.collect(), ..Marks::default() }], Clock::system().now()).unwrap();
    }
    seen.flush().unwrap();
}

fn publish(world: &World, feeds: &mut [VecDeque<Entry>], published: &mut Vec<Instant>, dice: &mut Dice) {
    let number = published.len();
    let feed = number * 37 % FEEDS;
    let link = format!("https://forum.example.net/plant-{number}-end");
    let brand = if number.is_multiple_of(MENTION_EACH) { "Oakline " } else { "" };
    let shown = &mut feeds[feed];
    let said = SAID.get(number / MENTION_EACH).copied().unwrap_or_default();
    let text = format!("{said} {}", dice.words(25));
    shown.push_front(entry(&format!("{brand}{}", dice.words(6))).id(&link).link(&link).text(&text));
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
    warm: f64,
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
    let measured: Vec<&Sample> = samples.iter().filter(|sample| sample.minutes >= warm).collect();
    let (memory, unsure) = slope(&measured, |sample| sample.own_kib);
    let (files, files_unsure) = slope(&measured, |sample| sample.files);
    let most = |of: fn(&Sample) -> f64| samples.iter().map(of).fold(0.0, f64::max);
    println!("soak: {minutes} minutes after {warm} of warm-up, {FEEDS} feeds every minute, {} build", build());
    println!("polls answered                  {:8}", world.web.visits().len());
    println!("entries published               {:8}", published.len());
    println!("mentions among them             {:8}", mentions.len());
    println!("mails due                       {:8}", mentions.len() * RECIPIENTS.len());
    println!("mails missing / double / other  {missing:8} / {double} / {others}");
    println!("publication to mail, p50        {:8.1} s", percentile(0.5));
    println!("publication to mail, p99        {:8.1} s", percentile(0.99));
    println!("memory, most                    {:8.0} KiB", most(|sample| sample.kib));
    println!("own memory, most                {:8.0} KiB", most(|sample| sample.own_kib));
    let all: Vec<&Sample> = samples.iter().collect();
    let by_minute: Vec<String> =
        minute_means(&all, |s| s.own_kib).map(|(_, kib)| format!("{:.1}", kib / 1024.0)).collect();
    println!("own memory, minute by minute    {} MiB", by_minute.join(" "));
    println!("own memory, slope               {memory:8.1} ± {unsure:.1} KiB a minute (95 %)");
    println!("descriptors, most               {:8.0}", most(|sample| sample.files));
    println!("descriptors, slope              {files:8.2} ± {files_unsure:.2} a minute (95 %)");
    println!("warnings and errors             {troubles:?}");
    println!("soak: done");
    assert_eq!((missing, double, others), (0, 0, 0), "{text}");
    assert!(troubles.is_empty(), "{troubles:?}");
    if minutes >= JUDGED_FROM {
        let grows = memory > MEMORY_SLOPE && memory - unsure > 0.0;
        assert!(!grows, "memory grows by {memory:.1} ± {unsure:.1} KiB a minute");
        assert!(files - files_unsure < 0.1, "descriptors grow by {files:.2} ± {files_unsure:.2} a minute");
    }
}

/// The mean of each minute: what is held at one moment follows what was held a moment before, so that samples of two
/// seconds would seem surer than they are.
fn minute_means(samples: &[&Sample], of: fn(&Sample) -> f64) -> impl Iterator<Item = (f64, f64)> {
    samples.chunk_by(|a, b| a.minutes.floor() == b.minutes.floor()).map(move |minute| {
        let count = minute.len() as f64;
        let at = minute.iter().map(|sample| sample.minutes).sum::<f64>() / count;
        (at, minute.iter().map(|sample| of(sample)).sum::<f64>() / count)
    })
}

/// Least squares over the means of the minutes: how much it changes a minute, and half the width of the interval that
/// holds it with 95 % (Student's t; 0 and infinity where there are too few minutes to tell).
fn slope(samples: &[&Sample], of: fn(&Sample) -> f64) -> (f64, f64) {
    /// 97.5 % quantiles of Student's t for 1 degree of freedom and more; beyond the table it changes little.
    const T: [f64; 20] = [
        12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10,
        2.09, 2.09,
    ];
    let points: Vec<(f64, f64)> = minute_means(samples, of).collect();
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / count, y + p.1 / count));
    let (up, down) =
        points.iter().fold((0.0, 0.0), |(up, down), p| (up + (p.0 - x) * (p.1 - y), down + (p.0 - x) * (p.0 - x)));
    let Some(freedom) = points.len().checked_sub(2).filter(|freedom| *freedom > 0 && down > 0.0) else {
        return (0.0, f64::INFINITY);
    };
    let slope = up / down;
    let left: f64 = points.iter().map(|p| (p.1 - y - slope * (p.0 - x)).powi(2)).sum();
    let t = T.get(freedom - 1).copied().unwrap_or(2.09);
    (slope, t * (left / freedom as f64 / down).sqrt())
}

#[test]
fn a_slope_is_known_as_well_as_its_points_lie_on_it() {
    let samples = |wobble: f64| -> Vec<Sample> {
        let sample = |n: usize| {
            let minutes = n as f64 / 10.0;
            let way = if (n / 10).is_multiple_of(2) { wobble } else { -wobble };
            Sample { minutes, kib: 0.0, own_kib: 1000.0 + 7.0 * minutes + way, files: 30.0 }
        };
        (0..100).map(sample).collect()
    };
    let of = |samples: &[Sample]| slope(&samples.iter().collect::<Vec<_>>(), |sample| sample.own_kib);
    let (exact, sure) = of(&samples(0.0));
    assert!((exact - 7.0).abs() < 1e-6 && sure < 1e-6, "{exact} ± {sure}");
    let (near, unsure) = of(&samples(40.0));
    assert!((near - 7.0).abs() < unsure && unsure > 5.0 && unsure < 30.0, "{near} ± {unsure}");
    assert_eq!(of(&samples(1.0)[..5]), (0.0, f64::INFINITY));
}

const fn build() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}
