//! The daemon: everything wired together. [`once`] makes one round, [`run`] goes on until it is told to stop.

pub mod asking;
pub mod control;
mod deliver;
pub mod early;
pub mod engine;
mod forget;
mod hooks;
mod ingest;
mod looking;
mod mailbox;
mod once;
mod pages;
pub mod processors;
pub mod reading;
pub mod replay;
mod replies;
mod run;
mod stream;
pub mod summaries;
mod upkeep;
mod wording;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use processors::Processors;
use serde_json::json;
use tokio::sync::Notify;

use crate::clock::{Clock, Stopwatch};
use crate::model::{HistorySettings, Person, SourceStatus};
use crate::store::record::{CaseDesk, Erasure};
use crate::store::seen::Marks;
use crate::store::{Remains, Store, StoreError};
use crate::web::keys::Keys;
use crate::web::metrics::Metrics;

pub use deliver::MailSummary;
pub use once::{Progress, Summary, once};
pub use run::{RunError, run};

/// Recorded polls that are marked in the seen index together.
const MARK_TOGETHER: usize = 100;

/// What all parts of the daemon share, whatever the configuration.
pub struct World {
    pub clock: Clock,
    pub store: Store,
    pub metrics: Arc<Metrics>,
    pub timings: Arc<Timings>,
    /// Signs the links of mails and what pages hand out.
    pub keys: Arc<Keys>,
    /// For parsing and matching.
    pub processors: Processors,
    /// Mail was queued.
    pub mail_due: Notify,
    /// A case was opened or acted on: another may be due first now.
    pub case_moved: Notify,
    /// How sources do that are not polled.
    pushed: Mutex<HashMap<String, SourceStatus>>,
    /// Folders of mail that are watched between polls.
    folders: mailbox::Folders,
    /// How many mentions were looked at again of late.
    looks: Mutex<looking::Pace>,
    /// What early warning learnt.
    early: early::Early,
    /// Polls that are in the record and not yet in the seen index.
    unmarked: Mutex<Vec<Marks>>,
}

impl World {
    /// Opens the state folder.
    ///
    /// # Errors
    /// The folder cannot be used, or another mentiond holds it.
    pub fn open(state: &std::path::Path, clock: Clock) -> Result<Self, StoreError> {
        let processors = Processors::start().map_err(|source| StoreError::Io {
            path: state.into(),
            source,
            hint: "the operating system gives no threads; raise the limit on processes",
        })?;
        let store = Store::open(state)?;
        let keys = Keys::open(state).map_err(|source| StoreError::Io {
            path: state.join("web-secret"),
            source,
            hint: "let the user that runs mentiond read and write it; without it a new one is made, and links in earlier \
                   mails are worth nothing any more",
        })?;
        Ok(Self {
            clock,
            store,
            keys: Arc::new(keys),
            metrics: Arc::default(),
            timings: Arc::default(),
            processors,
            mail_due: Notify::new(),
            case_moved: Notify::new(),
            pushed: Mutex::default(),
            folders: mailbox::Folders::default(),
            looks: Mutex::default(),
            early: early::Early::default(),
            unmarked: Mutex::default(),
        })
    }

    /// Forgets links, sources and texts that are older than the configuration says, as the daemon does now and then. How
    /// many keys and fingerprints.
    ///
    /// # Errors
    /// The state cannot be read or written.
    pub async fn forget(&self, engine: &engine::Engine) -> Result<u64, StoreError> {
        forget::forget(self, engine).await
    }

    /// Forgets a person (`mentiond forget`): what was erased, and what still names them in the state folder.
    ///
    /// # Errors
    /// The state cannot be read or written.
    pub async fn forget_person(
        &self,
        person: Person,
        desk: Arc<CaseDesk>,
        dry_run: bool,
    ) -> Result<(Erasure, Vec<Remains>), StoreError> {
        self.mark_all().await?;
        let done = self.store.forget(person, desk, self.clock.now(), dry_run).await?;
        if !dry_run {
            tracing::info!(
                event = "person_forgotten",
                mentions = done.0.mentions,
                cases = done.0.cases,
                remains = done.1.len(),
                "a person was forgotten"
            );
            self.mail_due.notify_one();
            self.case_moved.notify_one();
        }
        Ok(done)
    }

    /// Has a recorded poll marked in the seen index, together with others: a batch costs more than what is in it, and
    /// a mark that is lost only has entries looked at again.
    async fn mark(&self, marks: Marks) -> Result<(), StoreError> {
        let waiting = {
            let mut unmarked = self.unmarked.lock().unwrap_or_else(PoisonError::into_inner);
            unmarked.push(marks);
            unmarked.len()
        };
        if waiting >= MARK_TOGETHER { self.mark_all().await } else { Ok(()) }
    }

    /// Forgets entries that matched nothing and are older, or need more room, than the configuration allows.
    async fn prune(&self, history: &HistorySettings) -> Result<(), StoreError> {
        let now = self.clock.now();
        let before = history.unmatched.map_or(now, |age| now.checked_sub(age).unwrap_or(now));
        let gone = self.store.record().prune_unmatched(before, history.unmatched_size).await?;
        if gone > 0 {
            tracing::debug!(event = "pruned", polls = gone, "kept entries that matched nothing were forgotten");
        }
        Ok(())
    }

    /// Marks all recorded polls that are not marked yet.
    async fn mark_all(&self) -> Result<(), StoreError> {
        let polls = std::mem::take(&mut *self.unmarked.lock().unwrap_or_else(PoisonError::into_inner));
        if polls.is_empty() {
            return Ok(());
        }
        let watch = Stopwatch::start();
        let now = self.clock.now();
        let seen = self.store.seen(now).await?;
        let marked = tokio::task::spawn_blocking(move || seen.mark(&polls, now)).await;
        self.timings.mark.add(watch);
        marked.unwrap_or(Err(StoreError::Stopped))
    }
}

/// Time spent in each stage, summed over all polls and mails: nanoseconds of a clock on the wall, so stages that wait
/// (fetch, record, send) add up to more than the round took.
#[derive(Debug, Default)]
pub struct Timings {
    pub fetch: Stage,
    pub parse: Stage,
    pub identify: Stage,
    pub matching: Stage,
    pub classify: Stage,
    /// Packing what matched nothing.
    pub keep: Stage,
    pub record: Stage,
    pub mark: Stage,
    pub compose: Stage,
    pub send: Stage,
    pub settle: Stage,
}

/// One stage's time.
#[derive(Debug, Default)]
pub struct Stage(AtomicU64);

impl Stage {
    /// Adds what a stopwatch shows.
    pub fn add(&self, watch: Stopwatch) {
        self.0.fetch_add(watch.nanos(), Ordering::Relaxed);
    }

    fn milliseconds(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64 / 1e6
    }
}

impl Timings {
    /// Milliseconds a stage.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "fetch": self.fetch.milliseconds(),
            "parse": self.parse.milliseconds(),
            "identify": self.identify.milliseconds(),
            "match": self.matching.milliseconds(),
            "classify_and_route": self.classify.milliseconds(),
            "keep": self.keep.milliseconds(),
            "record": self.record.milliseconds(),
            "mark": self.mark.milliseconds(),
            "compose": self.compose.milliseconds(),
            "send": self.send.milliseconds(),
            "settle": self.settle.milliseconds(),
        })
    }
}

/// A number in −1 … 1 for jitter.
fn dice() -> f64 {
    rand::random_range(-1.0..=1.0)
}
