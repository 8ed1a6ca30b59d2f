//! `mentiond outbox`: what is stuck and why; retry it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::output::{at, say, say_json, short, table};
use super::{Failure, load, record_of};
use crate::clock::Clock;
use crate::daemon::control::{self, Request};
use crate::store::Store;
use crate::store::record::{DeliveryRow, OutboxCounts, Reader, Record};

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
    let path = record_of(&config)?;
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
    let held = if counts.held > 0 { format!(" {} held.", counts.held) } else { String::new() };
    say(&format!(
        "{} waiting, {} deferred, {} sent, {} failed.{held}",
        counts.queued, counts.deferred, counts.sent, counts.failed
    ));
    if arguments.status.is_none() {
        say_what_is_stuck(&record, counts, arguments.limit, zone)?;
    }
    if !mails.is_empty() {
        if arguments.status.is_none() {
            say("\nNewest:");
        }
        say(&table(&HEAD, &mails.iter().map(|mail| line(mail, zone)).collect::<Vec<_>>()));
    }
    Ok(())
}

const HEAD: [&str; 8] = ["MAIL", "KIND", "TO", "STATUS", "TRIES", "QUEUED", "DONE OR DUE", "WHY"];

/// Mails that have been due for so long and were never tried are sent by nobody.
const IDLE: SignedDuration = SignedDuration::from_mins(15);

/// What keeps mail from leaving, before everything else: it must be seen however much was sent since.
fn say_what_is_stuck(record: &Reader, counts: OutboxCounts, limit: usize, zone: &TimeZone) -> Result<(), Failure> {
    let now = Clock::system().now();
    let mut stuck = record.deliveries(None, Some("deferred"), limit)?;
    stuck.extend(record.deliveries(None, Some("failed"), limit)?);
    stuck.sort_by_key(|mail| mail.queued);
    let relay = record.relay_state()?;
    let mut quiet = stuck.is_empty();
    if relay.locked {
        quiet = false;
        say(
            "The mail server refuses our login or does not encrypt, so it is tried once an hour only. Mend that, then \
             `mentiond outbox retry`.",
        );
    } else if let (Some(until), since) = (relay.hold_until.filter(|until| *until > now), relay.down_since) {
        quiet = false;
        say(&format!(
            "The mail server has not been usable since {}; it is tried again at {}. `mentiond outbox retry` tries now.",
            at(since, zone),
            at(Some(until), zone)
        ));
    }
    let idle = record.unsent_since(now.checked_sub(IDLE).unwrap_or(Timestamp::MIN))?;
    if idle > 0 {
        quiet = false;
        say(&format!(
            "{idle} {} due for more than 15 minutes and not tried: does the daemon run? (`mentiond health`, or `mentiond once`)",
            if idle == 1 { "mail is" } else { "mails are" }
        ));
    }
    if counts.held > 0 {
        quiet = false;
        say(
            "What is held waits for a person: `mentiond sources` says of which source, `mentiond sources release` lets it go.",
        );
    }
    if quiet {
        say("Nothing is stuck.");
    } else if !stuck.is_empty() {
        say("\nStuck, oldest first (`mentiond outbox retry NUMBER`):");
        say(&table(&HEAD, &stuck.iter().map(|mail| line(mail, zone)).collect::<Vec<_>>()));
    }
    Ok(())
}

fn line(mail: &DeliveryRow, zone: &TimeZone) -> Vec<String> {
    let next = if mail.finished.is_some() { mail.finished } else { Some(mail.due) };
    vec![
        mail.id.to_string(),
        mail.kind.clone(),
        mail.recipient.clone(),
        mail.status.clone(),
        mail.attempts.to_string(),
        at(Some(mail.queued), zone),
        at(next, zone),
        short(mail.error.as_deref().unwrap_or(""), 100),
    ]
}
