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

/// `mentiond explain --query` without any configuration.
fn explain(arguments: &[&str], stdin: &str) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = assert_cmd::Command::cargo_bin("mentiond")
        .unwrap()
        .current_dir(folder.path())
        .env_remove("MENTIOND_CONFIG")
        .args(["explain", "--query"])
        .args(arguments)
        .write_stdin(stdin)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_query_can_be_tried_on_a_text_a_file_and_lines() {
    let (code, out, _) = explain(&["acme -globex", "An Acme phone"], "");
    assert_eq!(
        (code, out.as_str()),
        (0, "An Acme phone\nmatch       \"acme\"\n  found     acme: text 3-7: An [Acme] phone\n")
    );

    let (code, out, _) = explain(&["acme refund", "An Acme phone"], "");
    assert_eq!((code, out.as_str()), (0, "An Acme phone\nno match\n  failed    refund: it is not there\n"));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("post.txt");
    fs::write(&file, "Los niños").unwrap();
    let (code, out, _) = explain(&["ninos OR nina", file.to_str().unwrap(), "--json"], "");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &found[0]["matches"], &found[0]["matched"][0]["start"]), (0, &true.into(), &4.into()));

    let lines = "{\"text\":\"acme\",\"followers\":5,\"id\":\"x\"}\n{\"text\":\"acme\",\"rating\":2,\"links\":[\"https://a.com/\"]}\n";
    let (code, out, _) = explain(&["acme (followers:>1 OR (link:a.com rating:<3))", "--jsonl"], lines);
    let answers: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, answers.len()), (0, 2));
    assert_eq!((&answers[0]["id"], &answers[0]["matches"]), (&"x".into(), &true.into()));
    assert_eq!(answers[1]["matches"], true, "{out}");

    let (code, _, said) = explain(&["acme OR\n  titel:a", "x"], "");
    assert_eq!(code, 2);
    assert!(said.contains("    titel:a\n    ^^^^^^\n  help: did you mean `title:`?"), "{said}");
}
