//! What is said about configurations, held against the words kept beside each of them.

#![allow(unreachable_pub, reason = "shared by test files")]
#![allow(clippy::unwrap_used, reason = "a folder that cannot be read must fail its test")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Every `.toml` file of a folder under `tests` gives exactly the words of the `.expected` file beside it. `BLESS=1`
/// writes them anew, to be read before they are committed.
///
/// `say` is given each file and answers with what is said about it; the folder's own path is left out of that.
pub fn hold_to_expected(folder: &str, least: usize, say: impl Fn(&Path) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut names: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    names.sort();
    assert!(names.len() >= least, "only {} files in {}", names.len(), folder.display());
    let mut wrong = String::new();
    for name in names {
        let said = say(&name).replace(&format!("{}/", folder.display()), "");
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
