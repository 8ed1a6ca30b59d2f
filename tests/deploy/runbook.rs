//! The runbook quotes what mentiond really says, and tells to type what it understands.

use std::collections::BTreeSet;
use std::process::Command;

use crate::{project, read, sources};

/// What stands in backticks, line breaks as spaces.
fn quoted(text: &str) -> Vec<String> {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    joined.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// All messages of the source, with strings that run over several lines made one.
fn said() -> String {
    let mut all = String::new();
    for (_, text) in sources(&project().join("src"), &["rs", "toml"]) {
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("\\\n") {
            all.push_str(before);
            rest = after.trim_start();
        }
        all.push_str(rest);
    }
    all
}

#[test]
fn the_ten_troubles_are_quoted_as_they_are_said() {
    let runbook = read("deploy/RUNBOOK.md");
    let said = said();
    let events: BTreeSet<&str> = said.split("event = \"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let sections: Vec<&str> = runbook.split("\n## ").skip(1).collect();
    assert_eq!(sections.len(), 10);
    for (number, section) in (1..).zip(sections) {
        assert!(section.starts_with(&format!("{number}. ")), "{section}");
        let part = |name: &str| {
            let (_, after) =
                section.split_once(&format!("- **{name}:** ")).unwrap_or_else(|| panic!("{section}: no {name}"));
            after.split("\n- **").next().unwrap()
        };
        assert!(!part("You notice").is_empty() && !part("Do").is_empty());
        let words = quoted(part("mentiond says"));
        assert!(!words.is_empty(), "{section}");
        for quote in words {
            // A command's output, a key, a status, or an event, or else a piece of a message.
            let known = quote.starts_with("mentiond ")
                || events.contains(quote.as_str())
                || quote.split('…').map(str::trim).filter(|p| !p.is_empty()).all(|piece| said.contains(piece));
            assert!(known, "section {number}: nothing in src says `{quote}`");
        }
    }
}

#[test]
fn what_the_runbook_tells_to_type_is_understood() {
    let help = Command::new(env!("CARGO_BIN_EXE_mentiond")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known: BTreeSet<&str> = help
        .split_once("Commands:\n")
        .unwrap()
        .1
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let runbook = read("deploy/RUNBOOK.md");
    let blocks = runbook.split("```sh\n").skip(1).flat_map(|rest| rest.split("```").next().unwrap().lines());
    let inline = runbook.replace("```", "");
    let typed: Vec<String> = blocks.map(str::to_owned).chain(quoted(&inline)).collect();
    let mut seen = 0;
    for command in typed.iter().filter_map(|line| line.strip_prefix("mentiond ")) {
        let name = command.split(' ').next().unwrap();
        if name == "…" {
            continue;
        }
        assert!(known.contains(name), "mentiond {command}: there is no such command");
        seen += 1;
        // Options too: asked for help, the command names each.
        let words: Vec<&str> = command.split(' ').collect();
        let below: Vec<&str> =
            words.iter().copied().take_while(|w| w.chars().all(|c| c.is_ascii_lowercase())).collect();
        let output = Command::new(env!("CARGO_BIN_EXE_mentiond")).args(&below).arg("--help").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        for option in words.iter().filter(|w| w.starts_with("--")) {
            assert!(text.contains(option), "mentiond {command}: no {option} in\n{text}");
        }
    }
    assert!(seen >= 15, "{seen}");
}
