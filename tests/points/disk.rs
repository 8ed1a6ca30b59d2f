//! The disk fails under the program, and the power goes: `faults.c` comes between the two. What is left is compared with
//! the same model as after a death at a named point.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{command, compare, run, succeeds, times, world};
use crate::support::world::World;

/// The shim as built, in a folder of its own; `None`, and says so, without a compiler.
fn shim() -> Option<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("faults.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/points/faults.c");
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).args([source, "-ldl"]).output();
    match built {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some((folder, library))
        }
        Err(error) => {
            println!("skipped: there is no cc: {error}");
            None
        }
    }
}

/// The process under the shim; it lives below the path that the kernel names its files by.
fn beneath(world: &World, library: &Path, abort_at: Option<(&str, usize)>) -> Command {
    std::fs::create_dir_all(world.state()).unwrap();
    let mut command = command(world, &["once"], abort_at);
    command.env("LD_PRELOAD", library).env("FAULT_FOLDER", world.state().canonicalize().unwrap());
    command
}

#[test]
fn hazard_35_a_disk_that_fails_at_any_write_loses_nothing() {
    const ERRORS: [(&str, &str); 3] = [("28", "full"), ("5", "broken"), ("30", "read-only")];
    let Some((_folder, library)) = shim() else { return };
    let long = std::env::var_os("MENTIOND_LONG").is_some();
    let writes: Vec<usize> = if long { (1..=260).step_by(5).collect() } else { vec![1, 9, 30, 45, 60, 90, 120] };
    let (mut failed, mut repeats) = (0, 0);
    for (place, after) in writes.into_iter().enumerate() {
        let (number, name) = ERRORS[place % ERRORS.len()];
        let world = world();
        let output = beneath(&world, &library, None)
            .env("FAULT_AFTER", after.to_string())
            .env("FAULT_ERRNO", number)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            failed += 1;
            assert_eq!(output.status.code(), Some(1), "{name} from write {after}: {said}");
            let last = said.lines().rfind(|line| line.contains("mentiond: ")).unwrap_or_default();
            let plain =
                ["full", "No space", "I/O error", "Input/output", "Read-only"].iter().any(|words| last.contains(words));
            assert!(plain, "{name} from write {after} is not said: {said}");
        }
        // The disk is well again.
        succeeds(&world, &["once"]);
        let left = compare(&world, name, after);
        // A mail whose note could not be written after the relay took it.
        assert!(left.repeats <= 1 && left.silent == 0, "{name} from write {after}: {} repeats", left.repeats);
        repeats += left.repeats;
        println!("disk {name} from write {after}: exit {:?}, lost 0, repeated {}", output.status.code(), left.repeats);
    }
    println!("{failed} failures, {repeats} repeats");
    assert!(failed >= 5, "only {failed} runs met the fault");
}

#[test]
fn hazard_34_a_power_cut_loses_nothing_that_was_acknowledged() {
    let Some((_folder, library)) = shim() else { return };
    let mut repeats = 0;
    for point in ["poll-recorded", "record-committed", "index-marked", "mail-taken", "outbox-settling"] {
        for time in times(6) {
            let world = world();
            let durable = world.folder().join("durable");
            std::fs::create_dir(&durable).unwrap();
            let output =
                beneath(&world, &library, Some((point, time))).env("FAULT_DURABLE", &durable).output().unwrap();
            // Where it ended by itself the power goes right after.
            assert!(output.status.code().is_none_or(|code| code == 0), "{}", String::from_utf8_lossy(&output.stderr));
            // What was not synced is gone.
            std::fs::remove_dir_all(world.state()).unwrap();
            std::fs::rename(&durable, world.state()).unwrap();
            let again = run(&world, &["once"], None);
            assert!(again.status.success(), "{point}:{time}: {}", String::from_utf8_lossy(&again.stderr));
            let left = compare(&world, point, time);
            println!("power cut at {point}:{time}: lost 0, repeated with the same Message-ID {}", left.repeats);
            repeats += left.repeats;
        }
    }
    println!("{repeats} repeats in all");
}
