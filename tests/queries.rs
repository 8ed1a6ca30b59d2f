//! Bad and doubtful queries in configurations, and exactly what is said about each.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mentiond::config;

/// Every file of `tests/bad_queries` gives exactly the words beside it, with carets inside the TOML strings. `BLESS=1`
/// writes them anew, to be read before they are committed.
#[test]
fn bad_queries_say_what_is_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_queries");
    let mut names: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    names.sort();
    assert!(names.len() >= 30, "only {} bad queries", names.len());
    let mut wrong = String::new();
    for name in names {
        let said = match config::load(&name) {
            Ok(loaded) => {
                assert!(!loaded.warnings.is_empty(), "{} loads without a word", name.display());
                loaded.warnings.iter().map(|warning| warning.render(false)).collect::<Vec<_>>().join("\n\n")
            }
            Err(errors) => errors.render(false),
        };
        let said = said.replace(&format!("{}/", folder.display()), "");
        let expected = name.with_extension("expected");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, format!("{said}\n")).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        if said.trim_end() != expected.trim_end() {
            writeln!(wrong, "{}:\n{said}\ninstead of\n{expected}", name.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
