//! Signals to programs that a test started.
#![allow(dead_code, unreachable_pub, reason = "no test file uses all of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

/// Sends a signal (`TERM`, `HUP`, …) by the shell's own `kill`: the program of that name is not on every machine.
pub fn signal(process: u32, name: &str) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {process}")).status().unwrap();
    assert!(sent.success(), "{name} to {process}: {sent}");
}
