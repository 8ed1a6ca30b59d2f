//! The floors of src/lib.rs: imports point downward only, and what belongs to one module is named in no other.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A source file: its path below src, and its lines without comments and without its tests.
struct File {
    path: String,
    module: String,
    lines: Vec<(usize, String)>,
}

fn files() -> Vec<File> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() { walk(&path, out) } else { out.push(path) }
        }
    }
    let src = project().join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    paths.sort();
    let rust = paths.into_iter().filter(|p| p.extension().is_some_and(|e| e == "rs"));
    rust.map(|path| {
        let below = path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        let module = below.split(['/', '.']).next().unwrap().to_owned();
        let lines = code(&std::fs::read_to_string(&path).unwrap());
        File { path: below, module, lines }
    })
    .collect()
}

/// Lines of code with their numbers: comments are left out, and everything from a test module on (tests come last).
fn code(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|w| w[0].trim() == "#[cfg(test)]" && w[1].trim() == "mod tests {");
    let upto = tests.unwrap_or(lines.len());
    let code = (1..).zip(&lines[..upto]).map(|(n, l)| (n, l.split("//").next().unwrap_or("").to_owned()));
    code.filter(|(_, l)| !l.trim().is_empty()).collect()
}

/// Files that are nothing but tests, or tools of tests.
fn is_test(path: &str) -> bool {
    path.split(['/', '.']).any(|part| matches!(part, "tests" | "train" | "reference") || part.ends_with("_tests"))
        || path == "compose/samples.rs"
}

/// Floor of each module, read from the table in src/lib.rs.
fn floors() -> BTreeMap<String, u8> {
    let text = std::fs::read_to_string(project().join("src/lib.rs")).unwrap();
    let mut floors = BTreeMap::from([("main".to_owned(), 5)]);
    for line in text.lines().filter_map(|l| l.strip_prefix("//! | ")) {
        let Some(floor) = line.chars().next().and_then(|c| c.to_digit(10)) else { continue };
        let modules = line.split('|').nth(1).unwrap();
        for name in modules.split("[`").skip(1).map(|m| m.split('`').next().unwrap()) {
            floors.insert(name.to_owned(), u8::try_from(floor).unwrap());
        }
    }
    floors
}

/// Modules of ours that a line names: `crate::x`, `mentiond::x`, and the names in `use crate::{…}`.
fn named(line: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["crate::", "mentiond::"] {
        for (at, _) in line.match_indices(root) {
            let before = line[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &line[at + root.len()..];
            let names: Vec<&str> = match rest.strip_prefix('{') {
                Some(list) => list.split(',').collect(),
                None => vec![rest],
            };
            for name in names {
                let name = name.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
                found.insert(name.to_owned());
            }
        }
    }
    found.remove("");
    found
}

#[test]
fn every_module_has_a_floor() {
    let floors = floors();
    let modules: BTreeSet<_> = files().into_iter().map(|f| f.module).filter(|m| m != "lib").collect();
    let known: BTreeSet<_> = floors.keys().cloned().collect();
    assert_eq!(modules, known, "the table in src/lib.rs and the folders of src");
}

#[test]
fn imports_point_downward() {
    let floors = floors();
    let mut wrong = Vec::new();
    let mut imports = 0;
    for file in files().iter().filter(|f| f.module != "lib") {
        let own = floors[&file.module];
        for (number, line) in &file.lines {
            for name in named(line) {
                // Words of the crate's root (macros, `self`) are no modules.
                let Some(&floor) = floors.get(&name) else { continue };
                imports += 1;
                if floor > own {
                    wrong.push(format!("src/{}:{number}: floor {own} names `{name}` of floor {floor}", file.path));
                }
            }
        }
    }
    assert!(imports > 100, "only {imports} imports were found: the search is broken");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Edges know state, rules and words, but not each other: the wiring brings them together.
#[test]
fn edges_do_not_know_each_other() {
    let edges: Vec<String> = floors().into_iter().filter(|(_, floor)| *floor == 3).map(|(name, _)| name).collect();
    assert!(edges.len() >= 4, "{edges:?}");
    let mut wrong = Vec::new();
    for file in files().iter().filter(|f| edges.contains(&f.module) && !is_test(&f.path)) {
        for (number, line) in &file.lines {
            for name in named(line).into_iter().filter(|name| edges.contains(name) && *name != file.module) {
                wrong.push(format!("src/{}:{number}: names `{name}`", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is named in code only by whom: words, who may, and why.
const OWNED: [(&[&str], &[&str], &str); 7] = [
    (&["sled::", "rusqlite::"], &["store/"], "state has one door"),
    (
        &["Timestamp::now", "SystemTime::now", "Zoned::now", "Clock::system"],
        &["clock.rs", "cli/", "fetch/mod.rs", "fetch/http.rs"],
        "nothing but the clock reads the time; only the wiring (and the fetcher, for dates in headers) takes the system's",
    ),
    (&["Timestamp::now", "SystemTime::now", "Zoned::now"], &["clock.rs"], "only the clock reads the time"),
    (
        &["std::fs", "fs::read", "File::open", "File::create", "OpenOptions"],
        &["config/", "fetch/", "mail/", "store/", "web/keys.rs", "daemon/", "cli/"],
        "rules and words do no I/O",
    ),
    (&["reqwest::", "hyper::"], &["fetch/"], "one place asks the web"),
    (
        &["tokio::", "std::net::Tcp", "std::process::Command"],
        &["fetch/", "mail/", "store/", "web/", "daemon/", "cli/", "main.rs"],
        "rules and words wait for nothing",
    ),
    (&["axum::"], &["web/"], "one place serves pages"),
];

#[test]
fn what_belongs_to_one_module_is_named_in_no_other() {
    let mut wrong = Vec::new();
    for file in files().iter().filter(|f| !is_test(&f.path)) {
        for (number, line) in &file.lines {
            for (words, owners, why) in &OWNED {
                let word = words.iter().find(|word| names(line, word));
                if let (Some(word), false) = (word, owners.iter().any(|owner| file.path.starts_with(owner))) {
                    wrong.push(format!("src/{}:{number}: `{word}`: {why}", file.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a path begins with these words here, not in the middle of a longer name.
fn names(line: &str, words: &str) -> bool {
    line.match_indices(words).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let found = |line: &str| named(line).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(found("use crate::store::record::Record;"), "store");
    assert_eq!(found("use crate::{daemon, web::metrics};"), "daemon web");
    assert_eq!(found("    let x = crate::text::html::cut(a, crate::fetch::MAX);"), "fetch text");
    assert_eq!(found("use mentiond::cli::{self, Cli};"), "cli");
    assert_eq!(found("pub(crate) fn x() {}"), "");
    assert_eq!(
        code("a\n// crate::b\nc // crate::d\n#[cfg(test)]\nmod tests {\n    e\n}"),
        [(1, "a".into()), (3, "c ".into())]
    );
    assert!(names("sled::open()", "sled::") && !names("unsled::x", "sled::"));
}

/// Style: one subject a file.
#[test]
fn no_file_is_longer_than_six_hundred_lines() {
    let long: Vec<_> = files()
        .into_iter()
        .map(|f| (std::fs::read_to_string(project().join("src").join(&f.path)).unwrap().lines().count(), f.path))
        .filter(|(lines, _)| *lines > 600)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}
