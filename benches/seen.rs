//! The seen index with a million known entries: insertions and look-ups a second on one core in batches, resident memory,
//! disk, and the time to open it again. Prints what is promised beside what was measured.
//!
//!     cargo bench --bench seen
//!
//! Two shapes are measured. *Packed*: 10,000 sources of 100 entries, as the daemon keeps them (one value a source, the
//! entries found with `sources::identity`). *Single*: one key an entry, as the hashes by which texts
//! are recognised across sources are kept. Each runs in a process of its own, so that memory is its own.

use std::hint::black_box;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use jiff::Timestamp;
use mentiond::dedup::near::Sketch;
use mentiond::sources::feed::{RawEntry, RawText, TextKind};
use mentiond::sources::identity::{Kind, Known, identify};
use mentiond::store::seen::{Marks, Seen};

const ENTRIES: usize = 1_000_000;
const A_SOURCE: usize = 100;
/// Sources that are marked together, as in the daemon.
const TOGETHER: usize = 100;
/// Single keys in a batch.
const BATCH: usize = 1_000;
const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, shape, folder, ..] = arguments.as_slice()
        && ["packed", "single"].contains(&shape.as_str())
    {
        measure(shape, Path::new(folder));
        return ExitCode::SUCCESS;
    }
    println!("{:<8} {:>12} {:>12} {:>9} {:>9} {:>9}", "", "insertions/s", "look-ups/s", "memory", "disk", "start");
    println!("{:<8} {:>12} {:>12} {:>9} {:>9} {:>9}", "promised", "20000", "100000", "150 MB", "500 MB", "2 s");
    let mut done = true;
    for shape in ["packed", "single"] {
        let run = || -> std::io::Result<bool> {
            let folder = tempfile::tempdir()?;
            Ok(Command::new(std::env::current_exe()?).arg(shape).arg(folder.path()).status()?.success())
        };
        done &= run().unwrap_or(false);
    }
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn measure(shape: &str, folder: &Path) {
    let path = folder.join("seen");
    let seen = Seen::open(&path).unwrap_or_else(|error| panic!("{error}"));
    let start = Instant::now();
    if shape == "packed" {
        insert_packed(&seen)
    } else {
        insert_single(&seen)
    }
    seen.flush().unwrap_or_else(|error| panic!("{error}"));
    let insertions = ENTRIES as f64 / start.elapsed().as_secs_f64();
    drop(seen);
    let start = Instant::now();
    let seen = Seen::open(&path).unwrap_or_else(|error| panic!("{error}"));
    black_box(seen.high());
    let opened = start.elapsed();
    let start = Instant::now();
    let found = if shape == "packed" { look_up_packed(&seen) } else { look_up_single(&seen) };
    let lookups = ENTRIES as f64 / start.elapsed().as_secs_f64();
    assert_eq!(found, ENTRIES, "every entry is known");
    println!(
        "{shape:<8} {insertions:>12.0} {lookups:>12.0} {:>6} MB {:>6} MB {:>7.2} s",
        resident_peak() / 1_000_000,
        size_of_folder(&path) / 1_000_000,
        opened.as_secs_f64()
    );
}

/// The entries of a source, as a document has them.
fn document(source: usize) -> Vec<RawEntry> {
    (0..A_SOURCE)
        .map(|n| RawEntry {
            id: format!("https://site-{source}.example/{n}"),
            link: format!("https://site-{source}.example/news/{n}"),
            title: RawText { kind: TextKind::Html, text: format!("Entry {n} of source {source}") },
            ..RawEntry::default()
        })
        .collect()
}

fn insert_packed(seen: &Seen) {
    let sources: Vec<usize> = (0..ENTRIES / A_SOURCE).collect();
    for together in sources.chunks(TOGETHER) {
        let marks: Vec<Marks> = together
            .iter()
            .map(|source| {
                let known = identify(&document(*source), &Known::default(), None).known.to_bytes();
                Marks { source: format!("source-{source}"), known: Some(known), ..Marks::default() }
            })
            .collect();
        seen.mark(&marks, NOW).unwrap_or_else(|error| panic!("{error}"));
    }
}

fn look_up_packed(seen: &Seen) -> usize {
    (0..ENTRIES / A_SOURCE)
        .map(|source| {
            let known = Known::from_bytes(&seen.known(&format!("source-{source}")).unwrap_or_default());
            let found = identify(&document(source), &known, None);
            found.sightings.iter().filter(|s| s.kind == Kind::Seen).count()
        })
        .sum()
}

/// Spread as hashes are.
fn key(n: usize) -> Sketch {
    Sketch(vec![(n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)])
}

fn insert_single(seen: &Seen) {
    for from in (0..ENTRIES).step_by(BATCH) {
        let sketches = (from..from + BATCH).map(|n| (n as i64, key(n))).collect();
        let high = Some((from + BATCH) as i64);
        seen.mark(&[Marks { sketches, high, ..Marks::default() }], NOW).unwrap_or_else(|error| panic!("{error}"));
    }
}

fn look_up_single(seen: &Seen) -> usize {
    // In another order than they were inserted.
    (0..ENTRIES).filter(|n| !seen.candidates(&key(n * 7_919 % ENTRIES)).is_empty()).count()
}

/// The most memory that this process ever held, in bytes (proc(5), VmHWM).
fn resident_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.split_whitespace().next().and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn size_of_folder(folder: &Path) -> u64 {
    let Ok(items) = std::fs::read_dir(folder) else { return 0 };
    items
        .flatten()
        .map(|item| match item.metadata() {
            Ok(data) if data.is_dir() => size_of_folder(&item.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}
