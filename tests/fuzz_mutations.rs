//! The fuzz targets without a fuzzer: the inputs of the committed corpora, altered at random, with what must hold of every
//! input (`fuzz/checks.rs`) and caps on time and memory. No coverage guides it, but it needs no build of its own, so it
//! runs with every test. `fuzz/run` looks deeper.
//!
//! A moment for each target; `MENTIOND_FUZZ_SECONDS=180` (three minutes with `MENTIOND_LONG`) is longer, `MENTIOND_SEED`
//! another run, `MENTIOND_FUZZ_TARGET=feed` one target. What breaks something is kept in `target/fuzz/`; once it is
//! mended it belongs into `fuzz/corpus/TARGET`. An input that ends the process or never ends itself is left there as
//! `running-TARGET`. `MENTIOND_FUZZ_INPUT=FILE MENTIOND_FUZZ_TARGET=feed` tries one file alone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[allow(unreachable_pub, reason = "shared with the fuzz targets")]
#[path = "../fuzz/checks.rs"]
mod checks;
#[path = "support/cost.rs"]
mod cost;
#[path = "support/dice.rs"]
mod dice;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use cost::processor_time;
use dice::Dice;

/// Of a processor, for one input, in a debug build. What other programs take does not count.
const TIME: Duration = Duration::from_secs(2);
/// Most memory that this process may ever have held.
const MEMORY_KIB: u64 = 384 * 1024;
/// Longest input.
const LONGEST: usize = 32 * 1024;
/// Inputs of each target at least, however slow the machine is.
const FEWEST: u64 = 24;
/// Alterations of one input at most.
const STEPS: usize = 6;

/// What means something to one parser or another.
const WORDS: [&str; 72] = [
    "<",
    ">",
    "&",
    "\"",
    "'",
    "</",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?xml",
    "<!DOCTYPE",
    "<!ENTITY",
    "&amp;",
    "&#x0;",
    "&#1114112;",
    "&nbsp",
    "<div>",
    "<script>",
    "<rss version=\"2.0\">",
    "<item>",
    "</item>",
    "<entry>",
    "<guid>",
    "<link href=",
    "<pubDate>",
    "xml:base=\"",
    "{",
    "}",
    "[",
    "]",
    "\":",
    "null",
    "1e999",
    "-0",
    "\\u0000",
    "\\ud800",
    "(",
    ")",
    " OR ",
    " AND ",
    "NEAR/3",
    "NEAR/",
    "-",
    "*",
    "?",
    "~",
    "/",
    "/i",
    "lang:",
    "severity:>=",
    "\r\n",
    "\r\n\r\n",
    "\n\n",
    "--b",
    "--b--",
    "Content-Type: multipart/mixed; boundary=b",
    "=?utf-8?b?",
    "?=",
    "=\r\n",
    "base64",
    "\0",
    "\u{feff}",
    "\u{202e}",
    "\u{0301}",
    "İ",
    "ß",
    "\u{1f468}\u{200d}\u{1f469}",
    "[sources.a]",
    "every = \"0s\"",
    "$..[*]",
];

#[test]
fn hazard_23_altered_corpora_hold_what_the_fuzzer_asks() {
    let long = std::env::var_os("MENTIOND_LONG").is_some();
    let seconds: f64 = number("MENTIOND_FUZZ_SECONDS").unwrap_or(if long { 180.0 } else { 0.4 });
    let seed: u64 = number("MENTIOND_SEED").unwrap_or(20_261_122);
    let only = std::env::var("MENTIOND_FUZZ_TARGET").ok();
    let chosen: Vec<_> =
        checks::ALL.into_iter().filter(|(name, _)| only.as_deref().is_none_or(|o| o == *name)).collect();
    assert!(!chosen.is_empty(), "there is no target {only:?}");
    if let Some(file) = std::env::var_os("MENTIOND_FUZZ_INPUT") {
        let input = std::fs::read(file).unwrap();
        for (name, check) in chosen {
            let begun = processor_time();
            check(&input);
            println!("{name}: {} bytes took {:?}", input.len(), processor_time().saturating_sub(begun));
        }
        return;
    }
    // A panic is a finding; its words are printed with its input, not here.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let todo = Mutex::new(chosen.into_iter());
    let done: Mutex<Vec<Tried>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                loop {
                    let next = todo.lock().unwrap().next();
                    let Some((name, check)) = next else { return };
                    let tried = alter(name, check, Duration::from_secs_f64(seconds), seed);
                    done.lock().unwrap().push(tried);
                }
            });
        }
    });
    std::panic::set_hook(usual);
    let done = done.into_inner().unwrap();
    for Tried { name, inputs, longest, found } in &done {
        println!("{name}: {inputs} inputs in {seconds} s, the longest took {longest:?}, {} findings", found.len());
    }
    let most = most_memory_kib();
    println!("seed {seed}, most memory {most} KiB");
    let found: Vec<&String> = done.iter().flat_map(|tried| &tried.found).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(most < MEMORY_KIB, "{most} KiB");
}

/// What came of one target.
struct Tried {
    name: &'static str,
    inputs: u64,
    longest: Duration,
    /// What broke something: why, and where the input lies. It ends at the first.
    found: Vec<String>,
}

fn alter(name: &'static str, check: checks::Check, time: Duration, seed: u64) -> Tried {
    let corpus = corpus(name);
    let mut dice = Dice(seed ^ name.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte)));
    let mut tried = Tried { name, inputs: 0, longest: Duration::ZERO, found: Vec::new() };
    let begun = Instant::now();
    let running = folder().join(format!("running-{name}"));
    while (begun.elapsed() < time || tried.inputs < FEWEST) && tried.found.is_empty() {
        let mut input = corpus[dice.index(corpus.len())].clone();
        for _ in 0..1 + dice.index(STEPS) {
            step(&mut input, &corpus, &mut dice);
            input.truncate(LONGEST);
        }
        std::fs::write(&running, &input).unwrap();
        let one = processor_time();
        let held = catch_unwind(AssertUnwindSafe(|| check(&input)));
        let took = processor_time().saturating_sub(one);
        tried.inputs += 1;
        tried.longest = tried.longest.max(took);
        let why = match held {
            Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".into()),
            Ok(()) if took > TIME => format!("took {took:?}"),
            Ok(()) => continue,
        };
        tried.found.push(format!("{name}: {why}: {}", keep(name, &input).display()));
    }
    std::fs::remove_file(running).unwrap();
    tried
}

/// One alteration.
fn step(input: &mut Vec<u8>, corpus: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.index(input.len() + 1);
    let to = at + dice.index((input.len() - at + 1).min(64));
    match dice.index(10) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << dice.index(8);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = [0, b' ', b'<', b'"', b'0', 0x7f, 0x80, 0xc3, 0xff][dice.index(9)];
            }
        }
        2 => drop(input.drain(at..to)),
        3 => input.truncate(at),
        4 | 5 => {
            let word = WORDS[dice.index(WORDS.len())];
            drop(input.splice(at..at, word.bytes()));
        }
        6 => {
            let word = WORDS[dice.index(WORDS.len())];
            drop(input.splice(at..to, word.bytes()));
        }
        // Again and again: depth, and what grows faster than its input.
        7 => {
            let part: Vec<u8> = input[at..to].to_vec();
            let times = [2, 8, 100, 1_000][dice.index(4)];
            drop(input.splice(at..at, part.repeat(times)));
        }
        8 => {
            let times = [2, 50, 2_000][dice.index(3)];
            drop(input.splice(at..at, WORDS[dice.index(WORDS.len())].repeat(times).bytes()));
        }
        _ => {
            let other = &corpus[dice.index(corpus.len())];
            let from = dice.index(other.len() + 1);
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        }
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    // The same order everywhere, so that a seed is the same run.
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn keep(name: &str, input: &[u8]) -> PathBuf {
    let sum = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let path = folder().join(format!("{name}-{sum:016x}"));
    std::fs::write(&path, input).unwrap();
    path
}

fn number<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")))
}

fn most_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
