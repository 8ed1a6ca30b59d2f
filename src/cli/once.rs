//! `mentiond once`: one round, with progress on a terminal and a summary.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::output::{say, say_json};
use super::{Failure, load_and_warn};
use crate::clock::Clock;
use crate::daemon::engine::Engine;
use crate::daemon::{self, Progress, Summary, World};
use crate::model::TransportSettings;

/// A bar on a terminal, silence in a pipe.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new() -> Self {
        let shown = std::io::stderr().is_terminal();
        Self(shown.then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
                bar.set_style(style);
            }
            bar
        }))
    }

    fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn polled(&self, done: usize, all: usize) {
        if let Some(bar) = &self.0 {
            bar.set_message("polling sources");
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    }

    fn delivering(&self, sent: u64) {
        if let Some(bar) = &self.0 {
            bar.set_message("delivering mail");
            bar.set_length(bar.length().unwrap_or(0).max(sent));
            bar.set_position(sent);
        }
    }
}

pub(super) async fn run(config: Option<PathBuf>, json: bool, shutdown: CancellationToken) -> Result<(), Failure> {
    let config = load_and_warn(config)?.config;
    let state = config.daemon.state.clone();
    let engine = Arc::new(Engine::build(config).map_err(|error| Failure::Usage(error.to_string()))?);
    engine.mailer().map_err(|error| Failure::Usage(format!("[mail]: {error}")))?;
    let world = Arc::new(World::open(&state, Clock::system())?);
    let bar = Bar::new();
    let result = daemon::once(&world, &engine, &shutdown, &bar).await;
    bar.finish();
    if let Ok(world) = Arc::try_unwrap(world).map_err(|_| ()) {
        world.store.close().await;
    }
    let summary = result?;
    if json {
        say_json(&summary.to_json())?;
    } else {
        say(&words(&summary, &engine));
    }
    Ok(())
}

fn words(summary: &Summary, engine: &Engine) -> String {
    let count = |n: u64, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mail = &summary.mail;
    let mut lines = vec![format!(
        "{} polled: {} unchanged, {} failed.",
        count(summary.polled, "source", "sources"),
        summary.unchanged,
        summary.failed
    )];
    if summary.new_entries == 0 {
        lines.push(if summary.failed == 0 { "Nothing new." } else { "Nothing new at the others." }.into());
    } else {
        lines.push(format!(
            "{} read, {} new: {}, {}.",
            count(summary.entries, "entry", "entries"),
            summary.new_entries,
            count(summary.mentions, "mention", "mentions"),
            count(summary.duplicates, "copy of a known story", "copies of known stories")
        ));
    }
    if summary.resting > 0 {
        lines.push(format!(
            "{} left alone: the server asked to wait, or it was given up.",
            count(summary.resting, "source", "sources")
        ));
    }
    if summary.cases_opened > 0 {
        lines.push(format!("{} opened.", count(summary.cases_opened, "case", "cases")));
    }
    let place = match &engine.config.mail.transport {
        TransportSettings::Directory { path } => format!(" (as files in {})", path.display()),
        TransportSettings::Smtp { host, port, .. } => format!(" (through {host}:{port})"),
        TransportSettings::Sendmail { command } => format!(" (through {})", command.display()),
    };
    if mail.sent + mail.deferred + mail.failed == 0 {
        lines.push("No mail was due.".into());
    } else {
        lines.push(format!(
            "{} sent{place}, {} waiting, {} failed.",
            count(mail.sent, "mail", "mails"),
            mail.deferred,
            mail.failed
        ));
    }
    lines.extend(summary.failures.iter().map(|(source, error)| format!("  {source}: {error}")));
    if mail.deferred + mail.failed > 0 {
        lines.push("`mentiond outbox` shows what waits and why.".into());
    }
    lines.join("\n")
}
