//! `mentiond mentions`: list them, or show one with its reasons and mails.

use std::path::PathBuf;

use clap::Args;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::json;

use super::output::{at, say, say_json, short, table};
use super::{Failure, correct, departments, is_known, load, one_of, record_of, watchlists};
use crate::clock::Clock;
use crate::model::{Category, Mention, Severity};
use crate::store::record::{MentionFilter, MentionRow, Reader, Record};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<correct::Action>,
    /// Number of a mention, to see all of it
    id: Option<i64>,
    /// Not older than this: 24h, 7d
    #[arg(long, value_name = "AGE", value_parser = super::age)]
    since: Option<SignedDuration>,
    /// Only of this watchlist
    #[arg(long, value_name = "NAME")]
    watchlist: Option<String>,
    /// Only of this category
    #[arg(long, value_name = "NAME", value_parser = category)]
    category: Option<Category>,
    /// Only of this severity
    #[arg(long, value_name = "NAME", value_parser = severity)]
    severity: Option<Severity>,
    /// Only those of this department
    #[arg(long, value_name = "KEY")]
    department: Option<String>,
    /// Copies of known stories too
    #[arg(long)]
    copies: bool,
    /// Newest mentions, at most this many
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let config = load(config)?.config;
    let path = record_of(&config)?;
    if let Some(action) = &arguments.action {
        return correct::run(&config, action).await;
    }
    let record = Record::open_to_read(&path)?;
    let zone = &config.daemon.timezone;
    if let Some(id) = arguments.id {
        let Some(row) = record.mention(id)? else {
            return Err(Failure::Failed(format!("there is no mention {id}; `mentiond mentions` lists the newest")));
        };
        return show(&record, &row, zone, arguments.json);
    }
    is_known("--watchlist", "watchlist", arguments.watchlist.as_ref(), watchlists(&config))?;
    is_known("--department", "department", arguments.department.as_ref(), departments(&config))?;
    let since = match arguments.since {
        Some(age) => Some(Clock::system().now().checked_sub(age).map_err(|e| Failure::Usage(format!("--since: {e}")))?),
        None => None,
    };
    let rows = record.mentions(&MentionFilter {
        until: None,
        since,
        watchlist: arguments.watchlist.clone(),
        category: arguments.category,
        severity: arguments.severity,
        department: arguments.department.clone(),
        copies: arguments.copies,
        limit: arguments.limit,
        before: None,
    })?;
    if arguments.json {
        return say_json(&json!(rows.iter().map(row_json).collect::<Vec<_>>()));
    }
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let Mention { id, entry, source, classification, decision, fetched, .. } = &row.mention;
            vec![
                id.to_string(),
                at(Some(entry.published.unwrap_or(*fetched)), zone),
                source.clone(),
                classification.category.as_str().into(),
                classification.severity.as_str().into(),
                classification.sentiment.label.as_str().into(),
                if decision.department.is_empty() { "-".into() } else { decision.department.clone() },
                short(if entry.title.is_empty() { &entry.text } else { &entry.title }, 80),
            ]
        })
        .collect();
    say(&table(&["ID", "PUBLISHED", "SOURCE", "CATEGORY", "SEVERITY", "SENTIMENT", "DEPARTMENT", "TITLE"], &lines));
    Ok(())
}

fn row_json(row: &MentionRow) -> serde_json::Value {
    let mut value = json!(row.mention);
    value["story"] = json!(row.story);
    value["original"] = json!(row.original);
    value["case"] = json!(row.case);
    value
}

fn show(record: &Reader, row: &MentionRow, zone: &TimeZone, json: bool) -> Result<(), Failure> {
    let mention = &row.mention;
    let also_seen = record.also_seen(row.story, mention.id)?;
    let mails = record.deliveries(Some(mention.id), None, usize::MAX)?;
    if json {
        let mut value = row_json(row);
        value["also_seen"] = json!(also_seen);
        value["mails"] = json!(mails);
        return say_json(&value);
    }
    let Mention { entry, classification, decision, .. } = mention;
    let mut lines = vec![
        format!("Mention {} of story {}{}", mention.id, row.story, if row.original { "" } else { " (a copy)" }),
        entry.title.clone(),
        short(&entry.text, 600),
        String::new(),
        format!("source      {}, heard {}", mention.source, at(Some(mention.fetched), zone)),
        format!("published   {}", at(entry.published, zone)),
        format!("link        {}", entry.url.as_deref().unwrap_or("-")),
    ];
    for watchlist in &mention.watchlists {
        let mut terms: Vec<_> = watchlist.matched.iter().map(|m| m.term.as_str()).collect();
        terms.dedup();
        let why = if terms.is_empty() { "the source is already the search".into() } else { terms.join(", ") };
        lines.push(format!("watchlist   {}: {why}", watchlist.name));
    }
    lines.extend(super::explain::reasons(classification, decision));
    if let Some(case) = row.case {
        lines.push(format!("case        {case}"));
    }
    for place in &also_seen {
        lines.push(format!("also seen   {} {}", place.source, place.url.as_deref().unwrap_or("")));
    }
    for mail in &mails {
        let when = at(mail.finished.or(Some(mail.due)), zone);
        let why = mail.error.as_deref().map(|e| format!(": {e}")).unwrap_or_default();
        lines.push(format!("mail        {} to {}: {} {when}{why}", mail.kind, mail.recipient, mail.status));
    }
    say(&lines.join("\n"));
    Ok(())
}

pub(super) fn category(name: &str) -> Result<Category, String> {
    one_of("category", name, &Category::ALL, Category::as_str)
}

fn severity(name: &str) -> Result<Severity, String> {
    one_of("severity", name, &Severity::ALL, Severity::as_str)
}
