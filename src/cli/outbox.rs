//! `mentiond outbox`: what is stuck and why; retry it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{at, say, say_json, short, table};
use super::{Failure, load};
use crate::clock::Clock;
use crate::daemon::control::{self, Request};
use crate::store::Store;
use crate::store::record::Record;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only mail in this state: queued, deferred, sent, failed, bundled, held
    #[arg(long, value_name = "STATE")]
    status: Option<String>,
    /// Newest mails, at most this many
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print JSON for machines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make deferred and failed mail due now: one by its number, or all
    Retry {
        /// Number of the mail; without it, all
        id: Option<i64>,
        /// Send that mail to this address instead
        #[arg(long, value_name = "ADDRESS", requires = "id")]
        to: Option<String>,
    },
}

pub(super) async fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let config = load(config)?.config;
    let state = &config.daemon.state;
    let path = state.join("record.sqlite");
    if !path.exists() {
        return Err(Failure::Failed(format!(
            "there is no record in {} yet; `mentiond once` or `mentiond run` makes it",
            state.display()
        )));
    }
    if let Some(Action::Retry { id, to }) = &arguments.action {
        let (id, to) = (*id, to.clone());
        if let Some(fault) = to.as_deref().and_then(|to| crate::mail::address::ascii(to).err()) {
            return Err(Failure::Usage(format!("mentiond: --to: {fault}")));
        }
        let done = match control::ask(state, &Request::Retry { id, to: to.clone() }).await {
            Some(answer) => answer.map_err(Failure::Failed)?,
            None => {
                let store = Store::open(state)?;
                let done =
                    store.record().retry(id, to, config.department_addresses(), Clock::system().now()).await? as u64;
                store.close().await;
                done
            }
        };
        if let (0, Some(id)) = (done, id) {
            return Err(Failure::Failed(format!(
                "mail {id} is not waiting and has not failed; `mentiond outbox` lists what is"
            )));
        }
        if arguments.json {
            return say_json(&json!({ "retried": done }));
        }
        say(&format!("{done} {} due now.", if done == 1 { "mail is" } else { "mails are" }));
        return Ok(());
    }
    let record = Record::open_to_read(&path)?;
    let counts = record.outbox_counts()?;
    let mails = record.deliveries(None, arguments.status.as_deref(), arguments.limit)?;
    if arguments.json {
        return say_json(&json!({ "counts": counts, "mails": mails }));
    }
    let zone = &config.daemon.timezone;
    let rows: Vec<Vec<String>> = mails
        .iter()
        .map(|m| {
            let next = if m.finished.is_some() { m.finished } else { Some(m.due) };
            vec![
                m.id.to_string(),
                m.kind.clone(),
                m.recipient.clone(),
                m.status.clone(),
                m.attempts.to_string(),
                at(Some(m.queued), zone),
                at(next, zone),
                short(m.error.as_deref().unwrap_or(""), 100),
            ]
        })
        .collect();
    let held = if counts.held > 0 { format!(" {} held.", counts.held) } else { String::new() };
    say(&format!(
        "{} waiting, {} deferred, {} sent, {} failed.{held}",
        counts.queued, counts.deferred, counts.sent, counts.failed
    ));
    if !rows.is_empty() {
        say(&table(&["MAIL", "KIND", "TO", "STATUS", "TRIES", "QUEUED", "DONE OR DUE", "WHY"], &rows));
    }
    Ok(())
}
