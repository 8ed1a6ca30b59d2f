//! Forgetting by age, beside the daemon's work: the seen index and the fingerprints that it is rebuilt from, and what
//! `[history]` keeps only for a while.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::World;
use super::engine::Engine;
use crate::model::{HistorySettings, StorySettings};
use crate::store::StoreError;

/// How often old things are forgotten; the first time, so long after the start.
const EVERY: Duration = Duration::from_secs(6 * 3600);
const FIRST: Duration = Duration::from_secs(10 * 60);
/// Things of a kind that are taken away in one transaction.
const STEP: usize = 200;
/// Pause between two steps.
const BREATH: Duration = Duration::from_millis(20);
/// Texts are remembered for so long beyond the window of their story: clocks jump.
const MARGIN: SignedDuration = SignedDuration::from_hours(24);

/// Forgets now and then until `stop` is cancelled.
pub(super) async fn forget_by_age(world: Arc<World>, engines: watch::Receiver<Arc<Engine>>, stop: CancellationToken) {
    let mut wait = FIRST;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = EVERY;
        let engine = Arc::clone(&engines.borrow());
        // What could not be forgotten now is forgotten next time; a broken state shows itself at the next poll.
        if let Err(error) = forget(&world, &engine).await {
            tracing::warn!(event = "forget_failed", "old things could not be forgotten, and are next time: {error}");
        }
    }
}

/// Forgets what is older than the configuration says. How many keys and fingerprints.
///
/// # Errors
/// The state cannot be read or written.
pub(super) async fn forget(world: &World, engine: &Engine) -> Result<u64, StoreError> {
    let now = world.clock.now();
    let StorySettings { window, remember, .. } = &engine.config.stories;
    let (sources_before, texts) =
        (before(now, *remember), before(now, *window).saturating_sub(MARGIN).unwrap_or(Timestamp::MIN));
    let sources: HashSet<String> = engine.config.sources.iter().map(|s| s.name.clone()).collect();
    let seen = world.store.seen(now).await?;
    let pruned = tokio::task::spawn_blocking(move || {
        seen.prune(sources_before, texts, &|source| sources.contains(source), &|| std::thread::sleep(BREATH))
    });
    let keys = pruned.await.unwrap_or(Err(StoreError::Stopped))?;
    let mut prints = 0;
    loop {
        let gone = world.store.record().prune_fingerprints(texts).await?;
        prints += gone as u64;
        if gone == 0 {
            break;
        }
    }
    age(world, &engine.config.history, usize::MAX).await?;
    if keys + prints > 0 {
        tracing::info!(event = "forgotten", keys, prints, "links and texts that were not seen for long were forgotten");
    }
    Ok(keys + prints)
}

/// Takes away mentions' words, ended cases and mails that are older than `[history]` says, in at most `steps` steps. How
/// many things.
///
/// # Errors
/// The record cannot be written.
pub(super) async fn age(world: &World, history: &HistorySettings, steps: usize) -> Result<u64, StoreError> {
    let now = world.clock.now();
    let limit = |age: Option<Duration>| age.map(|age| before(now, age));
    let (mut mentions, mut cases, mut mails) = (0, 0, 0);
    for _ in 0..steps {
        let record = world.store.record();
        let aged = record.age(limit(history.mentions), limit(history.cases), limit(history.mail), STEP).await?;
        if aged.is_nothing() {
            break;
        }
        (mentions, cases, mails) = (mentions + aged.mentions, cases + aged.cases, mails + aged.mails);
        tokio::time::sleep(BREATH).await;
    }
    if mentions + cases + mails > 0 {
        tracing::info!(event = "aged", mentions, cases, mails, "what is older than [history] says was taken away");
    }
    Ok(mentions + cases + mails)
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    SignedDuration::try_from(age).ok().and_then(|age| now.checked_sub(age).ok()).unwrap_or(Timestamp::MIN)
}
