//! `mentiond once`: every source is polled once, what is due is delivered, and a summary says what was found.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::World;
use super::deliver::{Courier, MailSummary};
use super::engine::Engine;
use super::ingest::{self, PollResult, Polled};
use super::{forget, upkeep};
use crate::model::{ErrorClass, SourceKind, SourceStatus};
use crate::store::StoreError;
use crate::store::record::SourceState;

/// Polls of unchanged sources that share one write.
const SAVE_TOGETHER: usize = 500;

/// So long mail waits for the rest of the round, so that it can say where else a story was seen.
const MAIL_WAITS: Duration = Duration::from_secs(1);

/// Told how far a round is, for people who watch.
pub trait Progress: Send + Sync {
    /// `done` of `all` sources were polled.
    fn polled(&self, done: usize, all: usize);
    /// Mail is going out.
    fn delivering(&self, sent: u64);
}

/// What one round did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    pub polled: u64,
    pub unchanged: u64,
    pub failed: u64,
    /// Sources that a server asked to leave alone until later, or that were given up.
    pub resting: u64,
    pub entries: u64,
    pub new_entries: u64,
    pub mentions: u64,
    pub duplicates: u64,
    pub cases_opened: u64,
    pub mail: MailSummary,
    /// Sources that failed, each with its reason.
    pub failures: Vec<(String, String)>,
    pub timings: serde_json::Value,
}

impl Summary {
    /// The form of the command contract, with stage timings in milliseconds.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "sources": { "polled": self.polled, "unchanged": self.unchanged, "failed": self.failed, "resting": self.resting },
            "entries": self.entries,
            "new_entries": self.new_entries,
            "mentions": self.mentions,
            "duplicates": self.duplicates,
            "cases_opened": self.cases_opened,
            "mail": {
                "queued": self.mail.queued,
                "sent": self.mail.sent,
                "deferred": self.mail.deferred,
                "failed": self.mail.failed,
            },
            "failures": self.failures.iter().map(|(source, error)| json!({ "source": source, "error": error })).collect::<Vec<_>>(),
            "timings_ms": self.timings,
        })
    }
}

/// Makes one round. Ends early, but in order, when `shutdown` is cancelled: polls that are under way are finished or
/// left unrecorded, mail stays in the outbox.
///
/// # Errors
/// The state cannot be read or written.
pub async fn once(
    world: &Arc<World>,
    engine: &Arc<Engine>,
    shutdown: &CancellationToken,
    progress: &dyn Progress,
) -> Result<Summary, StoreError> {
    super::run::learn(world, &engine.classifier).await?;
    let mut summary = Summary::default();
    let mut states = world.store.record().source_states().await?;
    world.store.record().recover_outbox().await?;
    // A refused login is left alone also by a timer that calls `once` every minute.
    world.store.record().end_relay_hold(false).await?;
    let now = world.clock.now();
    let all = engine.config.sources.len();
    let mut waiting: Vec<(usize, SourceState)> = Vec::with_capacity(all);
    for (number, source) in engine.config.sources.iter().enumerate().rev() {
        // What others push comes only while the daemon runs.
        if source.kind == SourceKind::Webhook {
            continue;
        }
        let state = states.remove(&source.name).unwrap_or_default();
        if rests(&state, now) {
            summary.resting += 1;
        } else {
            waiting.push((number, state));
        }
    }

    let mut courier = Courier::new(Arc::clone(world), Arc::clone(engine));
    let polled = CancellationToken::new();
    let polling = async {
        let done = poll_all(world, engine, shutdown, progress, waiting, &mut summary).await;
        polled.cancel();
        done
    };
    let ((), early) = tokio::try_join!(polling, deliver_meanwhile(world, &mut courier, shutdown, &polled))?;

    if summary.new_entries > 0 {
        world.prune(&engine.config.history).await?;
        // A run by the clock has other things to do; what is left goes with the next ones.
        forget::age(world, &engine.config.history, 5).await?;
    }
    let queued = summary.mail.queued + upkeep::begin(world, engine).await?;
    let rest = courier.deliver_due(shutdown, &|sent| progress.delivering(early.sent + sent)).await?;
    summary.mail = MailSummary { queued, sent: early.sent + rest.sent, failed: early.failed + rest.failed, ..rest };
    courier.close().await;
    summary.timings = world.timings.to_json();
    Ok(summary)
}

/// Polls what is `waiting`, last first.
async fn poll_all(
    world: &Arc<World>,
    engine: &Arc<Engine>,
    shutdown: &CancellationToken,
    progress: &dyn Progress,
    mut waiting: Vec<(usize, SourceState)>,
    summary: &mut Summary,
) -> Result<(), StoreError> {
    let all = engine.config.sources.len();
    let mut polls = JoinSet::new();
    let mut unchanged: Vec<(String, SourceState)> = Vec::new();
    let at_once = engine.config.fetch.concurrency.max(1) * 2;
    loop {
        while polls.len() < at_once
            && !shutdown.is_cancelled()
            && let Some((number, state)) = waiting.pop()
        {
            let (world, engine) = (Arc::clone(world), Arc::clone(engine));
            polls.spawn(async move { (number, ingest::poll(&world, &engine, number, state).await) });
        }
        let next = tokio::select! {
            next = polls.join_next() => next,
            () = shutdown.cancelled(), if !waiting.is_empty() => { waiting.clear(); continue }
        };
        let Some(joined) = next else { break };
        let Ok((number, polled)) = joined else { continue };
        let name = &engine.config.sources[number].name;
        let Polled { state, result } = polled?;
        summary.polled += 1;
        count(summary, name, &result);
        if matches!(result, PollResult::Unchanged) {
            unchanged.push((name.clone(), state));
            if unchanged.len() >= SAVE_TOGETHER {
                world.store.record().save_source_states(std::mem::take(&mut unchanged)).await?;
            }
        }
        progress.polled(usize::try_from(summary.polled).unwrap_or(all), all);
    }
    if !unchanged.is_empty() {
        world.store.record().save_source_states(unchanged).await?;
    }
    world.mark_all().await
}

/// Mail does not wait for the slowest source: in a round that takes longer, it goes out while sources are polled.
async fn deliver_meanwhile(
    world: &World,
    courier: &mut Courier,
    shutdown: &CancellationToken,
    polled: &CancellationToken,
) -> Result<MailSummary, StoreError> {
    let mut early = MailSummary::default();
    tokio::select! {
        () = polled.cancelled() => return Ok(early),
        () = tokio::time::sleep(MAIL_WAITS) => {}
    }
    while !polled.is_cancelled() && !shutdown.is_cancelled() {
        let sent = courier.deliver_singly(shutdown).await?;
        early = MailSummary { sent: early.sent + sent.sent, failed: early.failed + sent.failed, ..sent };
        tokio::select! {
            () = polled.cancelled() => {}
            () = world.mail_due.notified() => {}
        }
    }
    Ok(early)
}

/// A source that asked to be left alone is left alone by `once` too.
fn rests(state: &SourceState, now: jiff::Timestamp) -> bool {
    let health = &state.health;
    health.status == SourceStatus::Disabled
        || (matches!(health.error_class, Some(ErrorClass::RateLimited | ErrorClass::Quota))
            && health.next_poll.is_some_and(|next| next > now))
}

fn count(summary: &mut Summary, name: &str, result: &PollResult) {
    match result {
        PollResult::Unchanged => summary.unchanged += 1,
        PollResult::Heard { entries, new_entries, mentions, duplicates, outcome } => {
            summary.entries += entries;
            summary.new_entries += new_entries;
            summary.mentions += mentions;
            summary.duplicates += duplicates;
            summary.cases_opened += outcome.cases_opened;
            summary.mail.queued += outcome.queued;
        }
        PollResult::Failed(fault) => {
            summary.failed += 1;
            summary.failures.push((name.to_owned(), fault.message.clone()));
        }
    }
}
