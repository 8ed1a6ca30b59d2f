//! Sources that are streams: connect → read → sift → record, and again when the connection breaks. One task a source
//! reads the socket into a short queue; when recording is slower than reading, the queue is full, the socket is not read
//! and the server waits: nothing grows. The position moves in the transaction that records what was found, so a crash
//! reads a little again and loses nothing.

mod reader;
mod sift;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::ingest::{self, Content, PollResult, Polled, Served};
use super::{World, dice};
use crate::clock::Stopwatch;
use crate::fetch::{OpenFault, Socket};
use crate::model::{ErrorClass, JetstreamSettings, PollFault, Settings, Source, SourceStatus};
use crate::sources::jetstream::{self, resume::Gap, resume::Position, resume::Resume};
use crate::store::StoreError;
use crate::store::record::{PollOutcome, SourceState};
use crate::web::metrics::PollCount;
use sift::Sifted;

/// What was found waits at most so long to be recorded, and at most so many entries of it.
const RECORD_WITHIN: Duration = Duration::from_secs(1);
const RECORD_TOGETHER: usize = 200;
/// How often the position is saved while nothing is found.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// A failure that goes on is put into the books so often: the third one in a row is told to the operator.
const FAIL_EVERY: Duration = Duration::from_secs(60);
/// Batches of frames between reading and sifting.
const QUEUE: usize = 4;
/// A round of `once` reads a stream up to the moment at which it began, or until nothing comes for this long.
const QUIET: Duration = Duration::from_secs(3);

/// Listens to all streams of the configuration in force until `stop`; a new configuration has them taken up again where
/// they are.
///
/// # Errors
/// The state cannot be read or written.
pub(super) async fn listen_to_all(
    world: Arc<World>,
    mut engines: watch::Receiver<Arc<Engine>>,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    loop {
        let engine = Arc::clone(&engines.borrow_and_update());
        let states = world.store.record().source_states().await?;
        let enough = stop.child_token();
        let mut streams = JoinSet::new();
        for number in 0..engine.config.sources.len() {
            let Some(mut listener) = Listener::new(&world, &engine, number, &states, None) else { continue };
            let enough = enough.clone();
            streams.spawn(async move { listener.listen(&enough).await });
        }
        let changed = loop {
            tokio::select! {
                () = stop.cancelled() => break false,
                changed = engines.changed() => break changed.is_ok(),
                Some(ended) = streams.join_next() => if let Ok(Err(error)) = ended { return Err(error) },
            }
        };
        enough.cancel();
        while let Some(ended) = streams.join_next().await {
            if let Ok(Err(error)) = ended {
                return Err(error);
            }
        }
        if !changed {
            return Ok(());
        }
    }
}

/// One round of `once`: reads what was said since the last one.
///
/// # Errors
/// The state cannot be read or written.
pub(super) async fn catch_up(
    world: &Arc<World>,
    engine: &Arc<Engine>,
    number: usize,
    state: SourceState,
) -> Result<Polled, StoreError> {
    let name = engine.config.sources[number].name.clone();
    let states = HashMap::from([(name.clone(), state)]);
    let until = world.clock.now().as_microsecond();
    let Some(mut listener) = Listener::new(world, engine, number, &states, Some(until)) else {
        let state = states.into_values().next().unwrap_or_default();
        return Ok(Polled { state, result: PollResult::Unchanged });
    };
    listener.listen(&CancellationToken::new()).await?;
    let Listener { state, totals, fault, .. } = listener;
    let result = match fault {
        Some(fault) => PollResult::Failed(fault),
        None => PollResult::Heard {
            entries: totals.posts,
            new_entries: totals.posts,
            mentions: totals.mentions,
            duplicates: totals.duplicates,
            outcome: totals.outcome,
        },
    };
    Ok(Polled { state, result })
}

/// One source's stream.
struct Listener {
    world: Arc<World>,
    engine: Arc<Engine>,
    number: usize,
    settings: JetstreamSettings,
    state: SourceState,
    resume: Resume,
    /// Read up to here (microseconds since 1970), and no further: a round of `once`.
    until: Option<i64>,
    /// Found and not recorded yet.
    found: Found,
    saved: Stopwatch,
    /// When a failure that goes on was last put into the books.
    failed: Option<Stopwatch>,
    /// Why a round of `once` ended early.
    fault: Option<PollFault>,
    totals: Totals,
}

/// What was found since the last record.
#[derive(Default)]
struct Found {
    sifted: Sifted,
    gaps: Vec<String>,
    /// When the first of it is to be recorded.
    due: Option<Instant>,
}

/// What a round brought.
#[derive(Default)]
struct Totals {
    posts: u64,
    mentions: u64,
    duplicates: u64,
    outcome: PollOutcome,
}

/// How a connection ended.
enum End {
    /// We have read enough, or are to stop.
    Enough,
    /// It broke; `heard`: something came through it.
    Broke { heard: bool, fault: PollFault },
}

impl Listener {
    fn new(
        world: &Arc<World>,
        engine: &Arc<Engine>,
        number: usize,
        states: &HashMap<String, SourceState>,
        until: Option<i64>,
    ) -> Option<Self> {
        let source = engine.config.sources.get(number)?;
        let Settings::Jetstream(settings) = &source.settings else { return None };
        let mut state = states.get(&source.name).cloned().unwrap_or_default();
        if state.health.status == SourceStatus::Disabled {
            return None;
        }
        ingest::forget_other_address(&mut state.cursor, source);
        let known = state.cursor.part.clone().and_then(|part| serde_json::from_value::<Position>(part).ok());
        Some(Self {
            world: Arc::clone(world),
            engine: Arc::clone(engine),
            number,
            resume: Resume::new(settings.servers.len(), known),
            settings: settings.clone(),
            state,
            until,
            found: Found::default(),
            saved: Stopwatch::start(),
            failed: None,
            fault: None,
            totals: Totals::default(),
        })
    }

    fn source(&self) -> &Source {
        &self.engine.config.sources[self.number]
    }

    /// Reads until `stop`, or as far as a round reads.
    async fn listen(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        self.show();
        let mut tried = 0;
        loop {
            let lived = Stopwatch::start();
            let end = tokio::select! {
                () = stop.cancelled() => return self.record(true).await,
                opened = self.open() => match opened {
                    Ok(socket) => self.read(socket, stop).await?,
                    Err(end) => end,
                },
            };
            self.record(true).await?;
            let (heard, fault) = match end {
                End::Enough => return Ok(()),
                End::Broke { heard, fault } => (heard, fault),
            };
            let lived = if heard { Duration::from_nanos(lived.nanos()) } else { Duration::ZERO };
            let wait = self.resume.ended(lived, dice()).max(fault.retry_after.unwrap_or_default());
            self.world.metrics.stream_broke();
            tracing::info!(
                event = "stream_broken",
                source = self.source().name,
                wait = wait.as_secs_f32(),
                "{} It is taken up again where it ended.",
                fault.message
            );
            if heard {
                tried = 0;
            } else {
                tried += 1;
                if self.until.is_some() && tried >= self.settings.servers.len() {
                    self.fail(fault.clone()).await?;
                    self.fault = Some(fault);
                    return Ok(());
                }
                if self.until.is_none() && self.failed.is_none_or(|at| at.nanos() >= FAIL_EVERY.as_nanos() as u64) {
                    self.fail(fault).await?;
                    self.failed = Some(Stopwatch::start());
                }
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(wait) => {}
            }
        }
    }

    /// Connects to the server whose turn it is.
    async fn open(&mut self) -> Result<Socket, End> {
        let now = self.now_us();
        let cursor = self.resume.connect(now);
        // Never empty, and never beyond: both come from the same list.
        let Some(server) = self.settings.servers.get(self.resume.server()) else { return Err(End::Enough) };
        match self.engine.fetcher.open(&jetstream::address(server, Some(cursor))).await {
            Ok(socket) => Ok(socket),
            Err(OpenFault { fault, said }) => {
                if said.contains("CursorTooOld")
                    && let Some(gap) = self.resume.give_up_cursor(now)
                {
                    self.found.gaps.push(words(gap, server.host_str().unwrap_or_default()));
                }
                Err(End::Broke { heard: false, fault })
            }
        }
    }

    /// Takes in what comes through a connection.
    async fn read(&mut self, socket: Socket, stop: &CancellationToken) -> Result<End, StoreError> {
        let server = self.resume.server();
        let host = self.settings.servers.get(server).and_then(|url| url.host_str()).unwrap_or_default().to_owned();
        let name = self.settings.servers.get(server).map(|url| format!("{host}:{}", url.port().unwrap_or(0)));
        let name = name.unwrap_or_default();
        let (batches, mut queue) = mpsc::channel(QUEUE);
        // A round of `once` does not sit out a silence: the stream may simply have nothing more to say.
        let silence = if self.until.is_some() { self.settings.silence.min(QUIET) } else { self.settings.silence };
        let mut reading = tokio::spawn(reader::read(socket, batches, silence));
        let mut heard = false;
        let end = loop {
            let due = self.found.due;
            tokio::select! {
                () = stop.cancelled() => break Some(End::Enough),
                () = async { sleep_until(due.unwrap_or_else(Instant::now)).await }, if due.is_some() => {
                    self.record(false).await?;
                }
                batch = queue.recv() => {
                    let Some(batch) = batch else { break None };
                    heard |= self.take(batch, &name, &host).await;
                    if self.found.sifted.matched.len().max(self.found.sifted.deleted.len() / 10) >= RECORD_TOGETHER {
                        self.record(false).await?;
                    }
                    let newest = self.resume.position().map(|position| position.time_us);
                    if self.until.is_some_and(|until| newest.is_some_and(|newest| newest >= until)) {
                        break Some(End::Enough);
                    }
                }
            }
        };
        if let Some(end) = end {
            drop(queue);
            reading.abort();
            return Ok(end);
        }
        let fault = (&mut reading).await.unwrap_or_else(|_| PollFault {
            class: ErrorClass::Transient,
            message: "reading the stream ended in a fault of mentiond; please report it.".to_owned(),
            retry_after: None,
        });
        if self.until.is_some() && heard && fault.class == ErrorClass::Transient {
            return Ok(End::Enough);
        }
        Ok(End::Broke { heard, fault })
    }

    /// Looks for mentions in a batch. Whether there was any event in it.
    async fn take(&mut self, batch: reader::Batch, name: &str, host: &str) -> bool {
        let now = self.world.clock.now();
        let count = batch.len();
        let sifted = self
            .world
            .processors
            .run({
                let (engine, timings, number) =
                    (Arc::clone(&self.engine), Arc::clone(&self.world.timings), self.number);
                move || sift::sift(&engine, number, &batch, &timings, now)
            })
            .await;
        let Some(sifted) = sifted else {
            self.found
                .gaps
                .push(format!("{count} messages could not be read for a fault of mentiond; please report it"));
            self.due_soon();
            return false;
        };
        if sifted.unread > 0 {
            tracing::debug!(
                event = "stream_unread",
                source = self.source().name,
                messages = sifted.unread,
                "messages of the stream that are no events were left out"
            );
        }
        for time in [sifted.first_us, sifted.newest_us].into_iter().flatten() {
            if let Some(gap) = self.resume.event(time, name) {
                self.found.gaps.push(words(gap, host));
            }
        }
        let heard = sifted.first_us.is_some();
        self.found.sifted.add(sifted);
        self.due_soon();
        heard
    }

    fn due_soon(&mut self) {
        self.found.due.get_or_insert_with(|| Instant::now() + RECORD_WITHIN);
    }

    /// Records what was found, or that nothing was. `last`: the connection is over, so that nothing waits.
    async fn record(&mut self, last: bool) -> Result<(), StoreError> {
        let Found { sifted, gaps, due } = std::mem::take(&mut self.found);
        if due.is_none() && gaps.is_empty() {
            return Ok(());
        }
        let Sifted { posts, matched, deleted, .. } = sifted;
        let source = self.source().name.clone();
        let withdrawn = match deleted.is_empty() {
            true => Vec::new(),
            false => self.world.store.record().still_told(&source, deleted).await?,
        };
        let mut cursor = self.state.cursor.clone();
        if let Some(position) = self.resume.position() {
            cursor.part = serde_json::to_value(position).ok();
        }
        let quiet = matched.is_empty() && withdrawn.is_empty() && gaps.is_empty();
        if quiet && self.state.health.status == SourceStatus::Ok {
            return self.save(posts, cursor, last).await;
        }
        self.totals.posts += posts;
        let content = Content::Sifted { posts, matched, withdrawn };
        let mut served = Served::made(Vec::new(), cursor);
        served.content = content;
        served.gap = (!gaps.is_empty()).then(|| gaps.join("; "));
        let now = self.world.clock.now();
        let state = self.state.clone();
        let Polled { state, result } =
            ingest::take_in(&self.world, &self.engine, self.number, state, served, now).await?;
        self.world.metrics.poll(result.count());
        self.state = state;
        self.saved = Stopwatch::start();
        self.failed = None;
        self.show();
        if let PollResult::Heard { mentions, duplicates, outcome, .. } = result {
            self.totals.mentions += mentions;
            self.totals.duplicates += duplicates;
            self.totals.outcome.queued += outcome.queued;
            self.totals.outcome.cases_opened += outcome.cases_opened;
        }
        Ok(())
    }

    /// Notes that the stream was heard and held nothing; on disk now and then, which is soon enough: what was read is read
    /// again after a crash.
    async fn save(&mut self, posts: u64, cursor: crate::model::Cursor, last: bool) -> Result<(), StoreError> {
        let now = self.world.clock.now();
        self.totals.posts += posts;
        self.world.metrics.poll(PollCount::Heard {
            entries: posts,
            new_entries: posts,
            mentions: 0,
            duplicates: 0,
            cases_opened: 0,
        });
        self.failed = None;
        self.state.cursor = cursor;
        let health = &mut self.state.health;
        (health.entries, health.last_heard, health.last_poll) = (posts, Some(now), Some(now));
        if !last && self.saved.nanos() < SAVE_EVERY.as_nanos() as u64 {
            return Ok(());
        }
        self.saved = Stopwatch::start();
        let name = self.source().name.clone();
        self.world.store.record().save_source_states(vec![(name, self.state.clone())]).await
    }

    async fn fail(&mut self, fault: PollFault) -> Result<(), StoreError> {
        let now = self.world.clock.now();
        let source = &self.engine.config.sources[self.number];
        let polled = ingest::fail(&self.world, &self.engine, source, self.state.clone(), fault, now).await?;
        self.world.metrics.poll(polled.result.count());
        self.state = polled.state;
        self.show();
        Ok(())
    }

    /// Tells the metrics how the source is doing.
    fn show(&self) {
        let mut pushed = self.world.pushed.lock().unwrap_or_else(PoisonError::into_inner);
        pushed.insert(self.source().name.clone(), self.state.health.status);
    }

    fn now_us(&self) -> i64 {
        self.world.clock.now().as_microsecond()
    }
}

/// A gap, for the record and the operator.
fn words(gap: Gap, host: &str) -> String {
    let at = |us: i64| {
        Timestamp::from_microsecond(us)
            .and_then(|at| at.round(jiff::Unit::Second))
            .map_or_else(|_| "an unknown time".to_owned(), |at| at.to_string())
    };
    format!("what was posted between {} and {} was not heard: {host} keeps it no longer", at(gap.from), at(gap.to))
}
