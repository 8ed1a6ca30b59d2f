//! The list of hazards (`tests/hazards.tsv`) and the tests that are named after them say the same.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Hazards that there are, numbered from 1.
const HAZARDS: u32 = 39;

#[test]
fn every_hazard_has_its_tests_and_every_test_its_hazard() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut written = BTreeMap::new();
    for folder in ["src", "tests"] {
        collect(&root.join(folder), &mut written);
    }
    let text = std::fs::read_to_string(root.join("tests/hazards.tsv")).unwrap();
    let mut listed: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [number, words, tests] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
        assert!(words.len() > 20, "{line}");
        let before = listed.insert(number.parse().unwrap(), tests.split(' ').map(str::to_owned).collect());
        assert!(before.is_none(), "{number} is there twice");
    }
    assert_eq!(listed.keys().copied().collect::<Vec<_>>(), (1..=HAZARDS).collect::<Vec<_>>());
    for number in 1..=HAZARDS {
        let none = BTreeSet::new();
        let (listed, written) = (&listed[&number], written.get(&number).unwrap_or(&none));
        assert!(!written.is_empty(), "hazard {number} has no test");
        assert_eq!(
            listed, written,
            "hazard {number}: tests/hazards.tsv names the left ones, the sources have the right"
        );
    }
}

/// Functions named `hazard_N_…` or `hazards_N_and_M_…`, by number.
fn collect(folder: &Path, found: &mut BTreeMap<u32, BTreeSet<String>>) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let line = line.trim_start();
            let line = line.strip_prefix("async ").unwrap_or(line);
            let Some(name) = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next()) else { continue };
            let mut words = name.split('_').peekable();
            if !matches!(words.next(), Some("hazard" | "hazards")) {
                continue;
            }
            while let Some(number) = words.next().and_then(|word| word.parse().ok()) {
                found.entry(number).or_default().insert(name.to_owned());
                words.next_if_eq(&"and");
            }
        }
    }
}
