//! The systemd unit: verified and scored by systemd's own tool.

use std::process::{Command, Output};

use crate::read;

/// Runs systemd-analyze on the unit, with the program that was just built in the place of the installed one.
fn analyze(arguments: &[&str]) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("mentiond.service");
    let text = read("deploy/systemd/mentiond.service");
    let here = text.replace("ExecStart=/usr/bin/mentiond ", &format!("ExecStart={} ", env!("CARGO_BIN_EXE_mentiond")));
    assert_ne!(here, text, "the unit starts /usr/bin/mentiond");
    std::fs::write(&unit, here).unwrap();
    let output = Command::new("systemd-analyze").args(arguments).arg(&unit).output();
    if output.is_err() {
        println!("skipped: systemd-analyze is not here");
    }
    output.ok()
}

#[test]
fn the_unit_is_in_order() {
    let Some(verified) = analyze(&["verify", "--recursive-errors=no", "--man=no"]) else { return };
    let words = format!("{}{}", String::from_utf8_lossy(&verified.stdout), String::from_utf8_lossy(&verified.stderr));
    assert!(verified.status.success(), "{words}");
    assert!(!words.contains("mentiond.service"), "{words}");
}

#[test]
fn the_unit_is_closed() {
    let Some(judged) = analyze(&["security", "--offline=true", "--no-pager", "--threshold=15"]) else { return };
    let words = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "more open than 1.5:\n{words}{}", String::from_utf8_lossy(&judged.stderr));
    let score = words.lines().find(|line| line.contains("Overall exposure level")).expect("a score");
    println!("{score}");
}

#[test]
fn the_unit_says_what_mentiond_needs() {
    let unit = read("deploy/systemd/mentiond.service");
    for line in [
        "Type=notify",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "RestartPreventExitStatus=2",
        "WatchdogSec=60s",
        "DynamicUser=yes",
        "StateDirectory=mentiond",
        "LoadCredential=smtp-password",
    ] {
        assert!(unit.lines().any(|l| l == line), "{line}");
    }
    // The sample keeps its state where the unit lets it, and names the same credential.
    let sample = read("config/mentiond.toml");
    assert!(sample.contains("state = \"/var/lib/mentiond\"") && sample.contains("{ credential = \"smtp-password\" }"));
}
