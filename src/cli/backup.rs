//! `mentiond backup` and `mentiond restore`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::output::{at, say, say_json};
use super::{Failure, load};
use crate::clock::Clock;
use crate::store::backup::{self, BackupError, Manifest};

#[derive(Debug, Args)]
pub(super) struct BackUp {
    /// A folder that is new or empty
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The folder of a backup
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Set a state that is there aside
    #[arg(long)]
    force: bool,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        Failure::Failed(error.to_string())
    }
}

pub(super) fn back_up(config: Option<PathBuf>, arguments: &BackUp) -> Result<(), Failure> {
    let config = load(config)?.config;
    let manifest = backup::back_up(&config.daemon.state, &arguments.folder, Clock::system().now())?;
    if arguments.json {
        return say_json(&json!({ "folder": arguments.folder, "backup": manifest }));
    }
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    say(&format!(
        "{}: {} ({:.1} MB in {}).",
        arguments.folder.display(),
        contents(&manifest),
        bytes as f64 / 1e6,
        plural(manifest.files.len() as u64, "file"),
    ));
    let others: Vec<&str> = manifest.left_out.iter().map(String::as_str).filter(|name| *name != "seen").collect();
    if !others.is_empty() {
        say(&format!("Not in it, although in {}: {}", config.daemon.state.display(), others.join(", ")));
    }
    say(&format!("The configuration is not in it: {}", config.file.display()));
    Ok(())
}

pub(super) fn restore(config: Option<PathBuf>, arguments: &Restore) -> Result<(), Failure> {
    let config = load(config)?.config;
    let state: &Path = &config.daemon.state;
    let restored = backup::restore(&arguments.folder, state, arguments.force, Clock::system().now())?;
    if arguments.json {
        return say_json(&json!({ "state": state, "restored": restored }));
    }
    let manifest = &restored.backup;
    let made = at(Some(manifest.made), &config.daemon.timezone);
    say(&format!("{} is as it was on {made}: {}.", state.display(), contents(manifest)));
    if manifest.waiting > 0 {
        say("Mails that waited then say that they may come twice: they may have left since.");
    }
    if let Some(aside) = restored.set_aside {
        say(&format!("What was there before is in {}; delete it when you are sure.", aside.display()));
    }
    Ok(())
}

fn contents(manifest: &Manifest) -> String {
    let Manifest { mentions, cases, waiting, .. } = manifest;
    format!("{}, {} and {}", plural(*mentions, "mention"), plural(*cases, "case"), plural(*waiting, "waiting mail"))
}

fn plural(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
