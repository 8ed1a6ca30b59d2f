//! What others push, taken in like any poll: verified, read, matched, recorded in one transaction. Only then is it
//! answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::World;
use super::engine::Engine;
use super::ingest::{self, PollResult, Served};
use crate::model::Settings;
use crate::sources::webhook;
use crate::store::record::SourceState;
use crate::web::hooks::{Headers, Receipt, Receiver};
use crate::web::metrics::HookCount;

/// Messages of one source that are taken in a row, and how many more each second.
const BURST: f64 = 600.0;
const PER_SECOND: f64 = 10.0;

/// Receives for all sources of kind `webhook`.
pub(super) struct Hooks {
    world: Arc<World>,
    engines: watch::Receiver<Arc<Engine>>,
    stop: CancellationToken,
    sources: Lock<HashMap<String, Arc<Mutex<Hook>>>>,
}

/// One source. Its messages are taken one after the other.
#[derive(Default)]
struct Hook {
    /// Where it stands; `None` until it is read from the record.
    state: Option<SourceState>,
    /// Messages that may come now, and when that was known.
    tokens: Option<(f64, Timestamp)>,
}

impl Hooks {
    pub(super) fn new(world: Arc<World>, engines: watch::Receiver<Arc<Engine>>, stop: CancellationToken) -> Self {
        Self { world, engines, stop, sources: Lock::default() }
    }

    async fn take(&self, name: String, headers: Headers, body: Vec<u8>) -> Receipt {
        let engine = Arc::clone(&self.engines.borrow());
        let found = engine.config.sources.iter().enumerate().find(|(_, source)| source.name == name);
        let Some((number, source)) = found else { return Receipt::Unknown };
        let Settings::Webhook(settings) = &source.settings else { return Receipt::Unknown };
        let value = headers.get(settings.header.as_str()).map(|value| value.as_bytes());
        if let Err(refused) = webhook::verify(settings, value, &body) {
            tracing::warn!(event = "hook_refused", source = name, "{refused}");
            return Receipt::Forged(refused.to_string());
        }
        let hook = {
            let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(sources.entry(name.clone()).or_default())
        };
        let mut hook = hook.lock().await;
        let now = self.world.clock.now();
        if let Err(seconds) = hook.spend(now) {
            return Receipt::Busy { seconds };
        }
        let entries = match webhook::entries(settings, &body) {
            Ok(entries) => entries,
            Err(refused) => {
                tracing::warn!(event = "hook_refused", source = name, "{refused}");
                return Receipt::Unreadable(refused.to_string());
            }
        };
        if self.stop.is_cancelled() || self.world.metrics.fault().is_some() {
            return Receipt::Stopping;
        }
        let mut state = match hook.state.take() {
            Some(state) => state,
            None => match self.world.store.record().source_states().await {
                Ok(mut states) => states.remove(&name).unwrap_or_default(),
                Err(error) => return self.unusable(&name, &error.to_string()),
            },
        };
        ingest::forget_other_address(&mut state.cursor, source);
        let served = Served::made(entries, state.cursor.clone());
        match ingest::take_in(&self.world, &engine, number, state, served, now).await {
            Ok(polled) => {
                self.world.metrics.poll(polled.result.count());
                let status = polled.state.health.status;
                self.world.pushed.lock().unwrap_or_else(PoisonError::into_inner).insert(name, status);
                hook.state = Some(polled.state);
                match polled.result {
                    PollResult::Heard { entries, mentions, duplicates, .. } => {
                        Receipt::Taken { entries, mentions: mentions + duplicates }
                    }
                    PollResult::Unchanged => Receipt::Taken { entries: 0, mentions: 0 },
                    PollResult::Failed(fault) => Receipt::Unreadable(fault.message),
                }
            }
            Err(error) => self.unusable(&name, &error.to_string()),
        }
    }

    fn unusable(&self, name: &str, error: &str) -> Receipt {
        tracing::error!(event = "hook_unrecorded", source = name, "what was pushed could not be recorded: {error}");
        Receipt::Stopping
    }
}

impl Receiver for Hooks {
    fn receive(&self, source: String, headers: Headers, body: Vec<u8>) -> BoxFuture<'_, Receipt> {
        Box::pin(async move {
            let receipt = self.take(source, headers, body).await;
            self.world.metrics.hook(match &receipt {
                Receipt::Taken { .. } => HookCount::Taken,
                Receipt::Forged(_) => HookCount::Forged,
                Receipt::Unknown | Receipt::Unreadable(_) => HookCount::Unreadable,
                Receipt::Busy { .. } | Receipt::Stopping => HookCount::Later,
            });
            receipt
        })
    }
}

impl Hook {
    /// Takes leave for one message; or how many seconds to wait.
    fn spend(&mut self, now: Timestamp) -> Result<(), u64> {
        let (mut tokens, since) = self.tokens.unwrap_or((BURST, now));
        let passed = now.duration_since(since).as_secs_f64().max(0.0);
        tokens = (tokens + passed * PER_SECOND).min(BURST);
        let enough = tokens >= 1.0;
        self.tokens = Some((if enough { tokens - 1.0 } else { tokens }, now));
        if enough { Ok(()) } else { Err(1) }
    }
}
