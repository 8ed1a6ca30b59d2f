//! What is in deploy/ is true: the unit is in order and closed, manifests fit the program, dashboards and alerts ask for
//! metrics that there are, the runbook quotes what is really said. The long form installs the package and runs the image.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod manifests;
mod monitoring;
mod pages;
mod runbook;
mod systemd;

use std::path::{Path, PathBuf};
use std::process::Command;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let path = project().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All source files below a folder, with their paths.
fn sources(folder: &Path, ends: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path, ends));
        } else if path.extension().is_some_and(|e| ends.iter().any(|end| e == *end)) {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// Runs one of the scripts beside this file; its `skipped:` lines are counted by tests/run.
fn long(script: &str) {
    if std::env::var_os("MENTIOND_LONG").is_none() {
        println!("skipped: tests/deploy/{script} takes minutes and is part of the long form (tests/run --long)");
        return;
    }
    let output = Command::new(project().join("tests/deploy").join(script)).output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_package_installs_and_the_daemon_runs_from_it() {
    long("package");
}

#[test]
fn a_newcomer_to_a_fresh_machine_gets_along_with_two_commands() {
    long("fresh");
}

#[test]
fn the_image_is_small_and_runs_closed() {
    long("container");
}
