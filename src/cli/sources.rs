//! `mentiond sources`: health of every source.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::check::place;
use super::output::{at, count, say, say_json, short, table};
use super::{Failure, load, record_if_any, source_trial as trial};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::control::{self, Request};
use crate::daemon::engine::case_desk;
use crate::model::{Health, Settings, Source, SourceStatus};
use crate::sources::table::{Budget, Positions};
use crate::store::Store;
use crate::store::record::Record;

/// So long a gap stands in the list; `mentiond sources NAME` shows the last one however old it is.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only this source, with everything that is known of it
    name: Option<String>,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Ask a service once and show the entries that it would yield; nothing is recorded and nobody is told
    Test {
        /// Name of the source
        name: String,
        /// Print JSON for machines
        #[arg(long)]
        json: bool,
    },
    /// Accept what is held of a source that suddenly showed everything as new: its mails go out now
    Release {
        /// Name of the source
        name: String,
        /// Print JSON for machines
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    if let Some(Action::Test { name, json }) = &arguments.action {
        return trial::run(config, name, *json).await;
    }
    let config = load(config)?.config;
    if let Some(Action::Release { name, json }) = &arguments.action {
        return release(&config, name, *json).await;
    }
    // Before the first poll there is no record: every source is new.
    let (states, held, gaps) = if let Some(path) = record_if_any(&config)? {
        let record = Record::open_to_read(&path)?;
        (record.source_states()?, record.held()?, record.last_gaps()?)
    } else {
        Default::default()
    };
    let budget_of = |source: &Source| {
        let Settings::Table(table) = &source.settings else { return None };
        let part = states.get(&source.name).and_then(|state| state.cursor.part.clone());
        Some(Budget::of(table, &Positions::read(part.as_ref()), Clock::system().now()))
    };
    let held_of = |name: &str| held.get(name).map_or(0, |h| h.mentions);
    let now = Clock::system().now();
    let mut rows: Vec<(&Source, Health)> = config
        .sources
        .iter()
        .map(|s| (s, states.get(&s.name).map(|state| state.health.clone()).unwrap_or_default()))
        .collect();
    if let Some(name) = &arguments.name {
        rows.retain(|(source, _)| source.name == *name);
        if rows.is_empty() {
            return Err(Failure::Usage(format!("mentiond: no source is called {name}; `mentiond sources` lists them")));
        }
    }
    if arguments.json {
        let list: Vec<_> = rows
            .iter()
            .map(|(source, health)| {
                json!({
                    "name": source.name,
                    "kind": source.kind.as_str(),
                    "url": place(&source.location),
                    "status": health.status.as_str(),
                    "error": health.error,
                    "error_class": health.error_class.map(|c| c.as_str()),
                    "failures": health.failures,
                    "entries": health.entries,
                    "last_heard": health.last_heard,
                    "last_poll": health.last_poll,
                    "next_poll": health.next_poll,
                    "blind_hours": blind_hours(health, now),
                    "held": held_of(&source.name),
                    "gap": gaps.get(&source.name).map(|(at, reason)| json!({ "at": at, "reason": reason })),
                    "quota_left": budget_of(source).and_then(|budget| budget.left),
                    "spent_this_month": budget_of(source).and_then(|budget| budget.spent).map(|(spent, cap)| json!({
                        "amount": spent as f64 / 1e6, "cap": cap as f64 / 1e6,
                        "currency": budget_of(source).map(|budget| budget.currency),
                    })),
                })
            })
            .collect();
        return say_json(&json!(list));
    }
    let zone = &config.daemon.timezone;
    if arguments.name.is_some() {
        for (source, health) in &rows {
            say(&one(source, health, now, zone));
            if let Some(words) = budget_of(source).and_then(|budget| budget.words()) {
                say(&format!("allowance    {words}"));
            }
            if let Some((moment, reason)) = gaps.get(&source.name) {
                say(&format!("last gap     {}: {reason}", at(Some(*moment), zone)));
            }
            if let Some(held) = held.get(&source.name) {
                say(&format!(
                    "held         {} since {}: `mentiond sources release {}` accepts them",
                    mentions(held.mentions),
                    at(Some(held.since), zone),
                    source.name
                ));
            }
        }
        return Ok(());
    }
    // What needs a person comes first, and the line above says how much there is.
    rows.sort_by_key(|(source, health)| (held_of(&source.name) == 0, rank(health.status)));
    say(&summary(&rows.iter().map(|(_, health)| health.status).collect::<Vec<_>>()));
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|(source, health)| {
            vec![
                source.name.clone(),
                health.status.as_str().into(),
                health.entries.to_string(),
                at(health.last_heard, zone),
                at(health.next_poll, zone),
                format!("{:.1}", blind_hours(health, now)),
                budget_of(source).and_then(|budget| budget.words()).unwrap_or_default(),
                match held_of(&source.name) {
                    0 => match (&health.error, gaps.get(&source.name)) {
                        (Some(error), _) => short(error, 100),
                        (None, Some((at, reason))) if now.duration_since(*at) < RECENT => {
                            short(&format!("may have missed some: {reason}"), 100)
                        }
                        (None, _) => String::new(),
                    },
                    held => format!("{} held: `mentiond sources release {}`", mentions(held), source.name),
                },
            ]
        })
        .collect();
    say(&table(
        &["SOURCE", "STATUS", "ENTRIES", "LAST HEARD", "NEXT POLL", "BLIND HOURS", "ALLOWANCE", "ERROR"],
        &lines,
    ));
    Ok(())
}

/// Place in the list: what is in trouble first.
fn rank(status: SourceStatus) -> u8 {
    match status {
        SourceStatus::Failing => 0,
        SourceStatus::Disabled => 1,
        SourceStatus::New => 2,
        SourceStatus::Ok => 3,
    }
}

/// `5 sources: 1 failing, 4 ok.`
fn summary(statuses: &[SourceStatus]) -> String {
    let mut parts = Vec::new();
    for status in [SourceStatus::Failing, SourceStatus::Disabled, SourceStatus::New, SourceStatus::Ok] {
        let count = statuses.iter().filter(|s| **s == status).count();
        if count > 0 {
            parts.push(format!("{count} {}", status.as_str()));
        }
    }
    let what = if statuses.len() == 1 { "source" } else { "sources" };
    format!("{} {what}: {}.", statuses.len(), parts.join(", "))
}

/// Accepts what is held of a source, through the daemon if one runs.
async fn release(config: &Config, name: &str, json: bool) -> Result<(), Failure> {
    let state = &config.daemon.state;
    if record_if_any(config)?.is_none() {
        return Err(Failure::Failed(format!("there is no record in {} yet, so nothing is held", state.display())));
    }
    let request = Request::Release { source: name.to_owned() };
    let released = match control::ask(state, &request).await {
        Some(answer) => answer.map_err(Failure::Failed)?,
        None => {
            let store = Store::open(state)?;
            let released = store.record().release(case_desk(config), name, Clock::system().now()).await?;
            store.close().await;
            released
        }
    };
    if released == 0 {
        return Err(Failure::Failed(format!("nothing is held of a source {name}; `mentiond sources` shows what is")));
    }
    if json {
        return say_json(&json!({ "released": released }));
    }
    say(&format!("{} accepted; what is to be mailed about them is due now.", mentions(released)));
    Ok(())
}

fn mentions(count: u64) -> String {
    if count == 1 { "1 mention".to_owned() } else { format!("{count} mentions") }
}

fn one(source: &Source, health: &Health, now: Timestamp, zone: &jiff::tz::TimeZone) -> String {
    let mut lines = vec![
        format!("{} ({}): {}", source.name, source.kind.as_str(), place(&source.location)),
        format!("status       {}", health.status.as_str()),
        format!("last heard   {}, {}", at(health.last_heard, zone), count(health.entries, "entry", "entries")),
        format!("last poll    {}", at(health.last_poll, zone)),
        format!("next poll    {}", at(health.next_poll, zone)),
        format!("blind hours  {:.1}", blind_hours(health, now)),
        format!("watchlists   {}", source.watchlists.join(", ")),
    ];
    if let Some(error) = &health.error {
        lines.push(format!("error        {error} ({} in a row)", health.failures));
    }
    lines.join("\n")
}

/// Hours in which the source was not heard although it should have been, the present ones included.
fn blind_hours(health: &Health, now: Timestamp) -> f64 {
    let present = health.blind_since.map_or(0, |since| now.duration_since(since).as_secs().max(0));
    (health.blind_seconds + present) as f64 / 3600.0
}
