//! Every file of the shared corpus of feeds: none panics, none takes long, and where Python's feedparser is at hand,
//! the same number of entries is found.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

#[path = "support/cost.rs"]
mod cost;

use cost::processor_time;
use mentiond::sources::feed::parse_feed;

/// Share of the files with entries in which we must find as many as feedparser.
const AGREEMENT: f64 = 0.97;

fn corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("MENTIOND_SHARED").map(PathBuf::from);
    let folder = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared")).join("data/feeds");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no corpus of feeds at {}", folder.display());
    None
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// Path below the corpus and number of entries, if the file is a feed.
fn ours(corpus: &Path) -> BTreeMap<String, Option<usize>> {
    let mut paths = Vec::new();
    files(corpus, &mut paths);
    let mut counts = BTreeMap::new();
    for path in paths {
        let body = std::fs::read(&path).unwrap();
        let before = processor_time();
        let feed = parse_feed(&body, None, None, 10_000);
        let took = processor_time().saturating_sub(before);
        assert!(took < Duration::from_secs(2), "{}: {took:?}", path.display());
        if let Err(fault) = &feed {
            assert!(fault.message.len() > 20, "{}: no reason in words: {fault}", path.display());
        }
        let name = path.strip_prefix(corpus).unwrap().to_string_lossy().into_owned();
        counts.insert(name, feed.ok().map(|f| f.entries.len()));
    }
    counts
}

#[test]
fn hazard_23_every_file_of_the_corpus_parses_or_fails_with_a_reason() {
    let Some(corpus) = corpus() else { return };
    let counts = ours(&corpus);
    let read = counts.values().flatten().count();
    println!("{} files, {read} of them feeds, {} entries", counts.len(), counts.values().flatten().sum::<usize>());
    assert!(read * 2 > counts.len(), "only {read} of {} files were read", counts.len());
}

#[test]
fn as_many_entries_as_feedparser() {
    let Some(corpus) = corpus() else { return };
    let python = std::env::var_os("MENTIOND_PYTHON").filter(|p| Path::new(p).exists());
    let Some(python) = python else {
        println!("skipped: MENTIOND_PYTHON names no Python with feedparser");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/feedparser_counts.py");
    let output = Command::new(python).arg(script).arg(&corpus).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: BTreeMap<String, i64> = serde_json::from_slice(&output.stdout).unwrap();
    let ours = ours(&corpus);
    let (mut total, mut same, mut differ) = (0, 0, Vec::new());
    for (name, theirs) in theirs.into_iter().filter(|(_, n)| *n >= 1) {
        total += 1;
        match ours.get(&name).copied().flatten() {
            Some(n) if i64::try_from(n) == Ok(theirs) => same += 1,
            n => differ.push(format!("{name}: feedparser {theirs}, we {}", n.map_or("none".into(), |n| n.to_string()))),
        }
    }
    println!("{same} of {total} files with entries agree; the rest:\n{}", differ.join("\n"));
    assert!(total > 1000, "feedparser found entries in only {total} files");
    assert!(f64::from(same) >= AGREEMENT * f64::from(total), "{same} of {total}");
}
