//! Bad and doubtful queries in configurations, and exactly what is said about each.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::Path;

#[path = "support/said.rs"]
mod said;

use mentiond::config;
use said::hold_to_expected;

/// Every file of `tests/bad_queries`, with carets inside the TOML strings.
#[test]
fn bad_queries_say_what_is_wrong() {
    hold_to_expected("bad_queries", 30, |name| match config::load(name) {
        Ok(loaded) => {
            assert!(!loaded.warnings.is_empty(), "{} loads without a word", name.display());
            loaded.warnings.iter().map(|warning| warning.render(false)).collect::<Vec<_>>().join("\n\n")
        }
        Err(errors) => errors.render(false),
    });
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

const FEED: &str = r#"<rss version="2.0"><channel><title>Town</title>
<item><guid>1</guid><title>Acme opens a shop</title><link>https://a.com/1</link></item>
<item><guid>2</guid><title>I want a refund, Globex</title><link>https://a.com/2</link></item>
<item><guid>3</guid><title>Rain</title><link>https://a.com/3</link></item>
<item><guid>4</guid><title>Acme street is closed</title><link>https://a.com/4</link></item>
</channel></rss>"#;

/// A configuration with a feed in a file, and what is appended to it.
fn world(folder: &Path, name: &str, query: &str, more: &str) -> String {
    let path = folder.join(name);
    let text = format!(
        "[daemon]\nstate = \"state\"\nhttp = \"off\"\ncontact = \"ops@example.com\"\n[mail]\nfrom = \"m@example.com\"\n\
         transport = \"directory\"\ndirectory = \"out\"\n[watchlists.brand]\nquery = '{query}'\nalert = [\"brand@example.com\"]\n\
         [departments.care]\nemail = \"care@example.com\"\nrole = \"community\"\n\
         [sources.town]\nkind = \"feed\"\npath = \"feed.xml\"\n{more}"
    );
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn mentiond(arguments: &[&str]) -> (i32, String, String) {
    let output = assert_cmd::Command::cargo_bin("mentiond").unwrap().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_changed_configuration_is_tried_on_what_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("feed.xml"), FEED).unwrap();
    let old = world(folder.path(), "old.toml", "acme", "");
    let route = "[departments.money]\nemail = \"money@example.com\"\n[[routes]]\nwhen = 'globex OR shop'\ndepartment = \"money\"\ncase = true\n";
    let new = world(folder.path(), "new.toml", "(acme OR globex) -\"acme street\"", route);

    let (code, _, said) = mentiond(&["--config", &old, "backtest", &new]);
    assert!(code == 1 && said.contains("there is no record"), "{said}");
    let (code, out, said) = mentiond(&["--config", &old, "once", "--json"]);
    assert_eq!(code, 0, "{said}");
    let round: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&round["entries"], &round["mentions"]), (&4.into(), &2.into()));

    let (code, out, said) = mentiond(&["--config", &old, "backtest", &new, "--since", "1d", "--json"]);
    assert_eq!(code, 0, "{said}");
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    let brand = &found["watchlists"]["brand"];
    assert_eq!(found["entries"], 4, "{out}");
    assert_eq!(
        (&brand["before"], &brand["after"], &brand["gained"], &brand["lost"]),
        (&2.into(), &2.into(), &1.into(), &1.into())
    );
    assert_eq!(brand["gained_examples"][0]["text"], "I want a refund, Globex");
    assert_eq!(brand["gained_examples"][0]["terms"][0], "globex");
    assert_eq!(brand["lost_examples"][0]["url"], "https://a.com/4");
    assert_eq!(found["cases"], serde_json::json!({"before": 0, "after": 2}));
    let mails: Vec<_> = found["mails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| {
            (
                m["recipient"].as_str().unwrap(),
                m["before_per_day"].as_f64().unwrap(),
                m["after_per_day"].as_f64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        mails,
        [("brand@example.com", 2.0, 2.0), ("care@example.com", 2.0, 0.0), ("money@example.com", 0.0, 2.0)]
    );
    let routes = found["routes"].as_object().unwrap();
    assert_eq!(routes.len(), 1, "{out}");
    assert!(
        routes.keys().all(|way| way.starts_with("care, now (") && way.contains("→ money, now, a case (route 1")),
        "{out}"
    );

    let (code, out, _) = mentiond(&["--config", &old, "backtest", &new]);
    assert_eq!(code, 0);
    for line in [
        "brand      2       2      +1      -1",
        "Gained by brand:\n  I want a refund, Globex [globex]\n    town https://a.com/2",
        "Cases: 0 before, 2 after.",
    ] {
        assert!(out.contains(line), "{out}");
    }
    // The same configuration changes nothing.
    let (_, out, _) = mentiond(&["--config", &old, "backtest", &old, "--json"]);
    let same: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&same["watchlists"]["brand"]["gained"], &same["watchlists"]["brand"]["lost"]), (&0.into(), &0.into()));
    // A day is 24 hours, for other commands too.
    assert_eq!(mentiond(&["--config", &old, "mentions", "--since", "7d"]).0, 0);
    // A mistake in the changed one is told like any other.
    let broken = world(folder.path(), "broken.toml", "acme OR", "");
    let (code, _, said) = mentiond(&["--config", &old, "backtest", &broken]);
    assert!(code == 2 && said.contains("nothing stands behind `OR`"), "{said}");
}

#[test]
fn entries_are_not_kept_where_history_is_off() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("feed.xml"), FEED).unwrap();
    let old = world(folder.path(), "old.toml", "acme", "[history]\nunmatched = \"off\"\n");
    let new = world(folder.path(), "new.toml", "globex", "");
    assert_eq!(mentiond(&["--config", &old, "once"]).0, 0);
    let (_, out, _) = mentiond(&["--config", &old, "backtest", &new, "--json"]);
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&found["entries"], &found["unmatched_kept_since"]), (&2.into(), &serde_json::Value::Null));
}
