//! `mentiond backtest`: what a changed configuration would have done with the entries of the last days.

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::output::{at, count, say, say_json, table};
use super::{Failure, find_config, load, record_of};
use crate::clock::Clock;
use crate::config::{self, Secrets};
use crate::daemon::engine::Engine;
use crate::daemon::replay::{Batch, Change, Comparison, Example, MAX_EXAMPLES, Replay};
use crate::store::record::{MentionFilter, Record};

/// Changes of routes that are written out.
const MAX_ROUTES: usize = 20;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The changed configuration
    #[arg(value_name = "CHANGED")]
    changed: PathBuf,
    /// How far back: 24h, 7d
    #[arg(long, value_name = "AGE", value_parser = super::age, default_value = "7d")]
    since: SignedDuration,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(format!("mentiond: {error}"));
    let named = find_config(config);
    let before = Engine::build(load(named)?.config).map_err(|error| usage(&error))?;
    let changed = config::load_with(&arguments.changed, Secrets::Skip)
        .map_err(|errors| Failure::Usage(errors.render(super::output::colours(&std::io::stderr()))))?;
    for warning in &changed.warnings {
        eprintln!("{}", warning.render(super::output::colours(&std::io::stderr())));
    }
    let after = Engine::build(changed.config).map_err(|error| usage(&error))?;
    let path = record_of(&before.config)?;
    let now = Clock::system().now();
    let age = arguments.since;
    let since = now.checked_sub(age).map_err(|error| Failure::Usage(format!("--since: {error}")))?;
    let record = Record::open_to_read(&path)?;
    let mut replay = Replay::new(&before, &after);
    let filter = MentionFilter { since: Some(since), copies: true, limit: usize::MAX, ..MentionFilter::default() };
    let mut mentions = record.mentions(&filter)?;
    // In the order in which they came, beside what matched nothing then.
    mentions.sort_by_key(|row| row.mention.fetched);
    let mut mentions = mentions.into_iter().map(|row| row.mention).peekable();
    let mut heard_until = |until: Timestamp, replay: &mut Replay<'_>| {
        while let Some(mention) = mentions.next_if(|mention| mention.fetched <= until) {
            replay.read(&Batch { source: mention.source, at: mention.fetched, entries: vec![mention.entry] });
        }
    };
    record.unmatched(since, |poll| {
        heard_until(poll.at, &mut replay);
        replay.read(&Batch { source: poll.source, at: poll.at, entries: poll.unmatched.unpack() });
    })?;
    heard_until(Timestamp::MAX, &mut replay);
    let comparison = replay.finish();
    let oldest = record.oldest_unmatched()?;
    let days = (age.as_secs_f64() / 86_400.0).max(f64::MIN_POSITIVE);
    if arguments.json {
        return say_json(&as_json(&comparison, since, now, oldest, days));
    }
    say(&words(&comparison, since, oldest, days, &before.config.daemon.timezone));
    Ok(())
}

fn as_json(
    comparison: &Comparison,
    since: Timestamp,
    until: Timestamp,
    oldest: Option<Timestamp>,
    days: f64,
) -> serde_json::Value {
    let mut value = json!(comparison);
    value["since"] = json!(since);
    value["until"] = json!(until);
    value["unmatched_kept_since"] = json!(oldest);
    value["mails"] = comparison
        .mails
        .iter()
        .map(|(recipient, change)| {
            json!({
                "recipient": recipient, "before": change.before, "after": change.after,
                "before_per_day": per_day(change.before, days), "after_per_day": per_day(change.after, days),
            })
        })
        .collect();
    value
}

fn words(comparison: &Comparison, since: Timestamp, oldest: Option<Timestamp>, days: f64, zone: &TimeZone) -> String {
    let mut parts = vec![format!(
        "{} since {}, read with the configuration in force and with the changed one.",
        count(comparison.entries, "entry", "entries"),
        at(Some(since), zone)
    )];
    match oldest {
        None => parts.push("No entries without a match are kept yet ([history] in the configuration): what the changed one would find beyond the known mentions cannot be told.".into()),
        Some(oldest) if oldest > since => parts.push(format!(
            "Entries without a match are kept since {} only; before that, just the known mentions were read.",
            at(Some(oldest), zone)
        )),
        Some(_) => {}
    }
    if !comparison.unknown_sources.is_empty() {
        parts.push(format!("Sources that only one of the two has: {}.", comparison.unknown_sources.join(", ")));
    }
    let counts = comparison.watchlists.iter().map(|(name, change)| {
        let Change { before, after } = change.mentions;
        vec![
            name.clone(),
            before.to_string(),
            after.to_string(),
            format!("+{}", change.gained),
            format!("-{}", change.lost),
        ]
    });
    parts.push(table(&["WATCHLIST", "BEFORE", "AFTER", "GAINED", "LOST"], &counts.collect::<Vec<_>>()));
    for (name, change) in &comparison.watchlists {
        parts.extend(examples(&format!("Gained by {name}"), change.gained, &change.gained_examples));
        parts.extend(examples(&format!("Lost by {name}"), change.lost, &change.lost_examples));
    }
    if comparison.mails.is_empty() {
        parts.push("Neither would send a mail.".into());
    } else {
        let mails = comparison.mails.iter().map(|(recipient, change)| {
            let day = |count| format!("{:.1}", per_day(count, days));
            vec![recipient.clone(), day(change.before), day(change.after)]
        });
        parts.push(table(&["MAILS A DAY TO", "BEFORE", "AFTER"], &mails.collect::<Vec<_>>()));
    }
    if comparison.routes.is_empty() {
        parts.push("No mention would go elsewhere.".into());
    }
    for (way, change) in comparison.routes.iter().take(MAX_ROUTES) {
        parts.extend(examples(&format!("Would go elsewhere: {way}"), change.mentions, &change.examples));
    }
    if comparison.routes.len() > MAX_ROUTES {
        parts.push(format!("… and {} more ways; --json has all of them", comparison.routes.len() - MAX_ROUTES));
    }
    let Change { before, after } = comparison.cases;
    parts.push(format!("Cases: {before} before, {after} after."));
    for (what, list) in
        [("Cases opened only after", &comparison.cases_gained), ("Cases opened only before", &comparison.cases_lost)]
    {
        parts.extend(examples(what, list.len() as u64, list));
    }
    parts.join("\n\n")
}

/// A heading with its examples; nothing if there are none.
fn examples(heading: &str, count: u64, list: &[Example]) -> Option<String> {
    if list.is_empty() {
        return None;
    }
    let mut lines =
        vec![if count > MAX_EXAMPLES as u64 { format!("{heading}: {count}, such as") } else { format!("{heading}:") }];
    for Example { source, text, url, terms, .. } in list {
        let terms = if terms.is_empty() { String::new() } else { format!(" [{}]", terms.join(", ")) };
        lines.push(format!("  {text}{terms}"));
        lines.push(format!("    {source} {}", url.as_deref().unwrap_or_default()).trim_end().to_owned());
    }
    Some(lines.join("\n"))
}

fn per_day(count: u64, days: f64) -> f64 {
    (count as f64 / days * 100.0).round() / 100.0
}
