//! The corpus of the fuzz targets (`fuzz/`), replayed: what the fuzzer found once must never come back. What must hold
//! is in `fuzz/checks.rs`; beside it, no input takes long, and none much memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[allow(unreachable_pub, reason = "shared with the fuzz targets")]
#[path = "../fuzz/checks.rs"]
mod checks;
#[path = "support/cost.rs"]
mod cost;

use std::path::{Path, PathBuf};
use std::time::Duration;

use cost::processor_time;

/// Of a processor, for one input of at most some kilobytes, in a debug build. What other programs take does not count.
const TIME: Duration = Duration::from_secs(2);
/// Most memory that this process may ever have held (hazards: 512 MB resident, whatever is served).
const MEMORY_KIB: u64 = 256 * 1024;
/// Inputs of each target at least.
const INPUTS: usize = 9;

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect()
}

/// Returns the longest time.
fn hold(check: fn(&[u8]), name: &str, input: &[u8]) -> Duration {
    let begun = processor_time();
    check(input);
    let took = processor_time().saturating_sub(begun);
    assert!(took < TIME, "{name} took {took:?}");
    took
}

fn most_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn hazard_23_nothing_of_the_corpora_breaks_anything() {
    for (target, check) in checks::ALL {
        let inputs = corpus(target);
        assert!(inputs.len() >= INPUTS, "only {} inputs for {target}", inputs.len());
        let mut longest = Duration::ZERO;
        for path in &inputs {
            longest = longest.max(hold(check, &path.display().to_string(), &std::fs::read(path).unwrap()));
        }
        println!("{target}: {} inputs, the longest took {longest:?}", inputs.len());
    }
    let most = most_memory_kib();
    println!("most memory {most} KiB");
    assert!(most < MEMORY_KIB, "{most} KiB");
}

/// Every prefix of every input, and every input with one byte changed: the fuzzer's first steps, at every run.
#[test]
fn hazard_23_cut_and_altered_inputs_break_nothing_either() {
    let mut tried = 0;
    for (target, check) in checks::ALL {
        // A configuration is written to a file each time.
        let step = if target == "config" { 61 } else { 17 };
        for path in corpus(target) {
            let input = std::fs::read(&path).unwrap();
            let input = &input[..input.len().min(1_500)];
            for at in (0..input.len()).step_by(step) {
                hold(check, target, &input[..at]);
                for byte in [0, b'<', b'"', 0xff] {
                    let mut altered = input.to_vec();
                    altered[at] = byte;
                    hold(check, target, &altered);
                    tried += 1;
                }
            }
        }
    }
    println!("{tried} altered inputs, most memory {} KiB", most_memory_kib());
    assert!(tried > 2_000, "only {tried}");
    assert!(most_memory_kib() < MEMORY_KIB);
}

/// The same for real feeds, where they are there.
#[test]
fn hazard_23_real_feeds_hold_what_the_fuzzer_asks() {
    let shared = std::env::var_os("MENTIOND_SHARED").map(PathBuf::from);
    let folder = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared")).join("data/feeds");
    if !folder.exists() {
        println!("skipped: there is no {}", folder.display());
        return;
    }
    let long = std::env::var_os("MENTIOND_LONG").is_some();
    let (mut folders, mut files) = (vec![folder], 0);
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::metadata(&path).unwrap().len() < 100_000 || long {
                let input = std::fs::read(&path).unwrap();
                // Large ones are another test's (tests/feeds.rs); here each is read three times.
                files += 1;
                if files % 8 == 0 || long {
                    checks::feed(&input);
                    checks::to_text(&input[..input.len().min(16_384)]);
                }
            }
        }
    }
    println!("{files} files");
    assert!(files > 100, "only {files} files");
}
