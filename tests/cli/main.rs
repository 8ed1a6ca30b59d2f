//! The command line as its users and scripts see it: exit codes, what goes where, and the forms of `--json`.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub, reason = "tests")]

mod commands;
mod contract;
mod explain;
mod process;
mod services;
#[path = "../support/mod.rs"]
mod support;
mod troubles;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};

use assert_cmd::Command;
use serde_json::{Value, json};
use support::smtp::Script;
use support::world::{World, entry, free_address, rss, until};

const BINARY: &str = env!("CARGO_BIN_EXE_mentiond");
const BRAND: &str = "brand@example.com";

/// What a command did.
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Done {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

/// Runs a command with nothing of the tester's environment that it listens to.
fn mentiond(folder: &Path, arguments: &[&str], stdin: &str) -> Done {
    let mut command = Command::new(BINARY);
    for name in ["MENTIOND_CONFIG", "MENTIOND_LOG", "JOURNAL_STREAM", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    let output = command.current_dir(folder).args(arguments).write_stdin(stdin).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
}

/// The same in a world's folder, with its configuration in the usual place.
fn within(world: &World, arguments: &[&str]) -> Done {
    world.config();
    mentiond(world.folder(), arguments, "")
}

fn world() -> World {
    let story =
        |n: u32| entry(&format!("My Acme kettle broke, part {n}")).id(n).link(&format!("https://a.example/{n}"));
    let text = "It stopped working after a week. I want my money back.";
    World::new()
        .feed("forum", rss([story(1).text(text), story(2).text("I love it."), entry("Weather").id(3)]))
        .watch("acme", "acme", BRAND)
        .department("support", &["complaint", "refund", "technical", "unresolved"])
        .toml("role = \"community\"")
        .contact()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect()
}
