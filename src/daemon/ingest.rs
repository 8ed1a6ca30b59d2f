//! One poll, from top to bottom: ask → parse → entries → seen? → match → same story? → classify → route → one commit →
//! index marked.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::World;
use super::asking;
use super::engine::Engine;
use super::mailbox;
use super::reading::{self, Reading};
use super::stream;
use crate::clock::Stopwatch;
use crate::fetch::local::{self, LocalAnswer, LocalDocument};
use crate::fetch::{self, Answer, Body};
use crate::model::{
    Cursor, Entry, ErrorClass, Health, Identity, Location, PollFault, Settings, Source, Trouble, TroubleKind,
    WatchlistMatch,
};
use crate::point;
use crate::schedule::PollHints;
use crate::sources::feed::RawEntry;
use crate::sources::health;
use crate::store::StoreError;
use crate::store::record::{DeliveryContent, Looked, NewDelivery, PollCommit, PollOutcome, Recorded, SourceState};
use crate::store::seen::Marks;
use crate::web::metrics::PollCount;

/// How a poll ended.
#[derive(Debug)]
pub(super) struct Polled {
    /// Where the source stands now.
    pub state: SourceState,
    pub result: PollResult,
}

/// What a poll brought.
#[derive(Debug)]
pub(super) enum PollResult {
    /// The server says that nothing changed. The state is not in the record yet: the caller saves several at once.
    Unchanged,
    Heard {
        entries: u64,
        new_entries: u64,
        mentions: u64,
        duplicates: u64,
        outcome: PollOutcome,
    },
    /// Recorded as failed.
    Failed(PollFault),
}

impl PollResult {
    /// As far as metrics count it.
    pub(super) fn count(&self) -> PollCount {
        match self {
            PollResult::Unchanged => PollCount::Unchanged,
            PollResult::Heard { entries, new_entries, mentions, duplicates, outcome } => PollCount::Heard {
                entries: *entries,
                new_entries: *new_entries,
                mentions: *mentions,
                duplicates: *duplicates,
                cases_opened: outcome.cases_opened,
            },
            PollResult::Failed(fault) => PollCount::Failed(fault.class),
        }
    }
}

/// What a source served.
pub(super) struct Served {
    pub content: Content,
    pub hints: PollHints,
    pub moved_to: Option<String>,
    /// Where the source stands once this is recorded; saved in the same transaction.
    pub cursor: Cursor,
    /// Why completeness cannot be shown, if so.
    pub gap: Option<String>,
    /// What broke off before everything was asked: what was served until then is recorded, and the poll has failed.
    pub fault: Option<PollFault>,
    /// Watchlists of entries, by their ids, that answer a mention of theirs: they are mentions whatever they say.
    pub threads: HashMap<String, Vec<String>>,
    /// Mentions that were looked at again.
    pub looked: Vec<Looked>,
}

impl Served {
    /// What a source served that is no document.
    pub(super) fn made(entries: Vec<RawEntry>, cursor: Cursor) -> Self {
        let content = Content::Made { entries, base: None };
        Self {
            content,
            hints: PollHints::default(),
            moved_to: None,
            cursor,
            gap: None,
            fault: None,
            threads: HashMap::new(),
            looked: Vec::new(),
        }
    }
}

/// What there is to be read.
pub(super) enum Content {
    /// One feed or more.
    Documents { documents: Vec<Document>, content_type: Option<String> },
    /// Entries whose ids hold for ever, each for one thing, in any order; links in them are relative to `base`.
    Made { entries: Vec<RawEntry>, base: Option<url::Url> },
    /// What was found in a stream of `posts`: entries told apart by their identity, with the watchlists that they match,
    /// and what was taken back.
    Sifted { posts: u64, matched: Vec<(Entry, Vec<WatchlistMatch>)>, withdrawn: Vec<Identity> },
}

/// The bytes of a document.
pub(super) enum Document {
    Fetched(Body),
    Local(LocalDocument),
}

impl Document {
    /// The file that it was read from, if it was.
    pub(super) fn file(&self) -> Option<&std::path::Path> {
        match self {
            Document::Fetched(_) => None,
            Document::Local(file) => Some(&file.path),
        }
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Document::Fetched(body) => body,
            Document::Local(file) => &file.body,
        }
    }
}

enum Asked {
    Unchanged { hints: PollHints, moved_to: Option<String> },
    Served(Box<Served>),
}

/// Polls the source at place `number` of the configuration once.
///
/// # Errors
/// The state cannot be read or written: the daemon must stop taking in. What the source did wrong is no error here.
pub(super) async fn poll(
    world: &Arc<World>,
    engine: &Arc<Engine>,
    number: usize,
    mut state: SourceState,
) -> Result<Polled, StoreError> {
    let source = &engine.config.sources[number];
    // Boxed, as all that is long here: a poll is moved about ten times on its way to the executor, and with the largest of
    // these in it it would have 12 kB.
    if let Settings::Jetstream(_) = &source.settings {
        return Box::pin(stream::catch_up(world, engine, number, state)).await;
    }
    forget_other_address(&mut state.cursor, source);
    let watch = Stopwatch::start();
    if let Settings::Mailbox(settings) = &source.settings {
        return Box::pin(mailbox::poll(world, engine, number, state, settings)).await;
    }
    let asked = ask(world, engine, source, &state.cursor, world.clock.now()).await?;
    world.timings.fetch.add(watch);
    let now = world.clock.now();
    match asked {
        Ok(Asked::Unchanged { hints, moved_to }) => {
            let moved = health::moved(&source.name, &mut state.cursor, moved_to.as_deref(), now);
            unchanged(world, engine, source, state, hints, moved, now).await
        }
        Ok(Asked::Served(served)) => Box::pin(take_in(world, engine, number, state, *served, now)).await,
        Err(fault) => Box::pin(fail(world, engine, source, state, fault, now)).await,
    }
}

/// Takes note of a source that has nothing new.
pub(super) async fn unchanged(
    world: &World,
    engine: &Engine,
    source: &Source,
    mut state: SourceState,
    hints: PollHints,
    moved: Option<Trouble>,
    now: Timestamp,
) -> Result<Polled, StoreError> {
    let SourceState { health, cursor } = &mut state;
    let recovered = health::heard(ended(source, now), health, cursor, None, hints);
    // Trouble ends or changes rarely; everything else about an unchanged source can wait for a shared write.
    if moved.is_some() || recovered.is_some() {
        let troubles = moved.into_iter().chain(recovered).collect();
        Box::pin(commit(world, engine, source, now, state.clone(), Reading::default(), troubles)).await?;
    }
    Ok(Polled { state, result: PollResult::Unchanged })
}

/// Reads what was served, records it, and marks it as seen.
pub(super) async fn take_in(
    world: &World,
    engine: &Arc<Engine>,
    number: usize,
    mut state: SourceState,
    mut served: Served,
    now: Timestamp,
) -> Result<Polled, StoreError> {
    let source = &engine.config.sources[number];
    let seen = world.store.seen(now).await?;
    let hints = served.hints;
    let moved_to = served.moved_to.take();
    let fault = served.fault.take();
    let looked = std::mem::take(&mut served.looked);
    let before = std::mem::replace(&mut state.cursor, std::mem::take(&mut served.cursor));

    // Routing comes before placing: where a route asks for a theme that was found, what will be is told now.
    let found = match engine.found_themes.as_slice() {
        [] => None,
        numbers => Some(world.store.record().foreteller(numbers.to_vec(), now).await?),
    };
    let reading = world
        .processors
        .run({
            let (engine, seen, timings, state) =
                (Arc::clone(engine), Arc::clone(&seen), Arc::clone(&world.timings), state.clone());
            let forgotten = world.store.record().forgotten();
            move || {
                let before = reading::Before { seen: &seen, forgotten: &forgotten, found: found.as_ref() };
                reading::read(&engine, number, &served, &state, before, &timings, now)
            }
        })
        .await;
    let mut reading = match reading {
        Some(Ok(reading)) => reading,
        // What could not be read is not "unchanged" the next time: only the validators of a document that was read are
        // kept, or a login page with an ETag would pass for calm.
        Some(Err(fault)) => {
            return fail(world, engine, source, SourceState { cursor: before, ..state }, fault, now).await;
        }
        None => {
            let message =
                "reading it ended in a fault of mentiond; please report it with the feed's address".to_owned();
            let fault = PollFault { class: ErrorClass::Malformed, message, retry_after: None };
            return fail(world, engine, source, SourceState { cursor: before, ..state }, fault, now).await;
        }
    };

    reading.looked = looked;
    if let Some(gap) = &reading.gap {
        tracing::warn!(event = "gap", source = source.name, "{gap}");
    }
    let mut troubles = Vec::new();
    if let Some(degraded) = reading.degraded.take() {
        state.cursor.identify_by = Some(degraded.by.clone());
        tracing::warn!(event = "ids_unreliable", source = source.name, by = degraded.by, "{}", degraded.why);
        troubles.push(Trouble::new(TroubleKind::UnreliableIds, &source.name, degraded.why, now));
    }
    if let Some(storm) = &reading.storm {
        let message = storm.message(&source.name);
        tracing::warn!(event = "storm_held", source = source.name, entries = storm.new, "{message}");
        // One storm may go on for several polls: it is told once.
        let since = world.store.record().held_since(&source.name).await?.unwrap_or(now);
        let count = storm.new as u64;
        troubles.push(Trouble { count, ..Trouble::new(TroubleKind::Storm, &source.name, message, since) });
    }
    troubles.extend(health::moved(&source.name, &mut state.cursor, moved_to.as_deref(), now));
    let hints = PollHints { ttl: reading.ttl.max(hints.ttl), ..hints };
    let SourceState { health, cursor } = &mut state;
    troubles.extend(match &fault {
        None => health::heard(ended(source, now), health, cursor, Some(reading.entries), hints),
        Some(fault) => health::failed(ended(source, now), health, cursor, fault),
    });
    never_due(source, health);
    if let Some(fault) = &fault {
        log_fault(source, fault, health);
    }

    let (entries, new_entries) = (reading.entries, reading.new_entries);
    let known = reading.known.take();
    let sketches: Vec<_> = reading.mentions.iter().map(|m| m.prints.sketch.clone()).collect();
    point::at("poll-heard");
    let outcome = commit(world, engine, source, now, state.clone(), reading, troubles).await?;
    point::at("poll-recorded");
    let first_seen = |r: &Recorded| matches!(r, Recorded::New { .. } | Recorded::Copy { .. });

    let marks = Marks {
        source: source.name.clone(),
        known,
        sketches: outcome
            .recorded
            .iter()
            .zip(sketches)
            .filter(|(recorded, sketch)| first_seen(recorded) && !sketch.0.is_empty())
            .map(|(recorded, sketch)| (recorded.ids().0, sketch))
            .collect(),
        high: outcome.recorded.iter().map(|r| r.ids().0).max(),
    };
    if marks.known.is_some() || marks.high.is_some() {
        world.mark(marks).await?;
    }

    let duplicates = outcome.recorded.iter().filter(|r| matches!(r, Recorded::Copy { .. })).count() as u64;
    let mentions = outcome.recorded.iter().filter(|r| matches!(r, Recorded::New { .. })).count() as u64;
    Ok(Polled { state, result: PollResult::Heard { entries, new_entries, mentions, duplicates, outcome } })
}

/// Records a poll that failed.
pub(super) async fn fail(
    world: &World,
    engine: &Engine,
    source: &Source,
    mut state: SourceState,
    fault: PollFault,
    now: Timestamp,
) -> Result<Polled, StoreError> {
    let SourceState { health, cursor } = &mut state;
    let trouble = health::failed(ended(source, now), health, cursor, &fault);
    never_due(source, health);
    log_fault(source, &fault, health);
    commit(world, engine, source, now, state.clone(), Reading::default(), trouble.into_iter().collect()).await?;
    Ok(Polled { state, result: PollResult::Failed(fault) })
}

/// A source that speaks by itself is not polled.
fn never_due(source: &Source, health: &mut Health) {
    if source.kind.speaks_by_itself() {
        health.next_poll = None;
    }
}

fn log_fault(source: &Source, fault: &PollFault, health: &Health) {
    tracing::warn!(
        event = "poll_failed",
        source = source.name,
        class = fault.class.as_str(),
        failures = health.failures,
        next_poll = health.next_poll.map(tracing::field::display),
        "{}",
        fault.message
    );
}

/// The one transaction of a poll.
async fn commit(
    world: &World,
    engine: &Engine,
    source: &Source,
    now: Timestamp,
    state: SourceState,
    reading: Reading,
    troubles: Vec<Trouble>,
) -> Result<PollOutcome, StoreError> {
    let watch = Stopwatch::start();
    let names: Vec<_> = reading.mentions.iter().map(|m| m.mention.reason()).collect();
    let has_mentions = !reading.mentions.is_empty();
    let poll = PollCommit {
        source: source.name.clone(),
        now,
        state,
        mentions: reading.mentions,
        desk: Arc::clone(&engine.desk),
        gap: reading.gap,
        unmatched: reading.unmatched,
        troubles: troubles.into_iter().filter_map(|t| trouble_mail(engine, t, now)).collect(),
        // Looked up only for mentions, and open already if there are any.
        seen: if has_mentions { Some(world.store.seen(now).await?) } else { None },
        stories: engine.config.stories.clone(),
        held: reading.storm.is_some(),
        withdrawn: reading.withdrawn,
        looked: reading.looked,
    };
    let outcome = world.store.record().commit_poll(poll).await?;
    world.timings.record.add(watch);
    for (recorded, why) in outcome.recorded.iter().zip(names) {
        log_mention(source, recorded, &why);
    }
    for theme in &outcome.themes_opened {
        tracing::info!(event = "theme_opened", theme, "people share an issue that must be acted on");
    }
    if outcome.queued > 0 {
        world.mail_due.notify_one();
    }
    if outcome.withdrawn > 0 {
        let mentions = outcome.withdrawn;
        tracing::info!(
            event = "withdrawn",
            source = source.name,
            mentions,
            "taken back by their authors: their words are removed here too"
        );
    }
    if outcome.gathering > 0 {
        let cases = outcome.gathering;
        tracing::info!(event = "gathering", source = source.name, cases, "mentions with open cases gather replies");
    }
    if outcome.cases_opened + outcome.gathering > 0 {
        world.case_moved.notify_one();
    }
    Ok(outcome)
}

fn log_mention(source: &Source, recorded: &Recorded, why: &str) {
    let (mention, story) = recorded.ids();
    match recorded {
        Recorded::New { .. } => tracing::info!(event = "mention", source = source.name, mention, story, "{why}"),
        Recorded::Copy { verdict, .. } => {
            tracing::info!(event = "copy", source = source.name, mention, story, "no alert: {}", verdict.why());
        }
        Recorded::Edited { edit, .. } => tracing::info!(
            event = "edited",
            source = source.name,
            mention,
            story,
            version = edit.version,
            raised = edit.raised_from.is_some(),
            matches = edit.matches.len(),
            "{why}"
        ),
        Recorded::Known { .. } => {
            tracing::debug!(event = "known", source = source.name, mention, story, "the entry was recorded before");
        }
    }
}

/// Trouble as mail to `contact`; once a source, kind and beginning.
pub(super) fn trouble_mail(engine: &Engine, trouble: Trouble, now: Timestamp) -> Option<NewDelivery> {
    Some(NewDelivery {
        recipient: engine.config.daemon.contact.clone()?,
        message_id: engine.message_id(now),
        once: Some(format!("{:?} {} {}", trouble.kind, trouble.subject, trouble.since)),
        content: DeliveryContent::Trouble { trouble },
    })
}

/// Asks the source for what is new since its cursor.
///
/// # Errors
/// The state cannot be read; what the source did wrong is inside.
async fn ask(
    world: &World,
    engine: &Engine,
    source: &Source,
    cursor: &Cursor,
    now: Timestamp,
) -> Result<Result<Asked, PollFault>, StoreError> {
    if let Settings::Table(table) = &source.settings {
        let served = Box::pin(asking::ask(world, engine, source, table, cursor, now)).await?;
        return Ok(served.map(|served| Asked::Served(Box::new(served))));
    }
    Ok(ask_for_documents(engine, source, cursor).await)
}

async fn ask_for_documents(engine: &Engine, source: &Source, cursor: &Cursor) -> Result<Asked, PollFault> {
    let mut next = cursor.clone();
    match &source.location {
        Location::Service(words) => {
            let message = format!("{words} is nothing that can be asked; please report this as a fault of mentiond");
            Err(PollFault { class: ErrorClass::Forbidden, message, retry_after: None })
        }
        Location::Path(path) => {
            let (path, max_body) = (path.clone(), engine.config.fetch.max_body);
            let read =
                tokio::task::spawn_blocking(move || local::read(&path, &next, max_body).map(|answer| (answer, next)));
            let (answer, mut next) = read.await.map_err(|_| stopped())??;
            Ok(match answer {
                LocalAnswer::NotModified => Asked::Unchanged { hints: PollHints::default(), moved_to: None },
                LocalAnswer::Documents { documents, fingerprint } => {
                    next.fingerprint = Some(fingerprint);
                    let documents = documents.into_iter().map(Document::Local).collect();
                    Asked::Served(Box::new(Served {
                        content: Content::Documents { documents, content_type: None },
                        hints: PollHints::default(),
                        moved_to: None,
                        cursor: next,
                        gap: None,
                        fault: None,
                        threads: HashMap::new(),
                        looked: Vec::new(),
                    }))
                }
            })
        }
        Location::Url(url) => {
            let moved = health::uses_new_address(cursor).then_some(cursor.moved_to.as_ref()).flatten();
            let moved = moved.and_then(|(address, _)| url::Url::parse(address).ok());
            Ok(match engine.fetcher.get(moved.as_ref().unwrap_or(url), cursor).await? {
                Answer::NotModified { hints, moved_to } => {
                    Asked::Unchanged { hints: poll_hints(hints), moved_to: moved_to.map(|u| u.to_string()) }
                }
                Answer::Document { body, content_type, etag, last_modified, hints, moved_to, .. } => {
                    next.etag = etag;
                    next.last_modified = last_modified;
                    Asked::Served(Box::new(Served {
                        content: Content::Documents { documents: vec![Document::Fetched(body)], content_type },
                        hints: poll_hints(hints),
                        moved_to: moved_to.map(|u| u.to_string()),
                        cursor: next,
                        gap: None,
                        fault: None,
                        threads: HashMap::new(),
                        looked: Vec::new(),
                    }))
                }
            })
        }
    }
}

fn poll_hints(hints: fetch::Hints) -> PollHints {
    PollHints { ttl: None, max_age: hints.max_age, expires_in: hints.expires_in, retry_after: hints.retry_after }
}

fn ended(source: &Source, now: Timestamp) -> health::Poll<'_> {
    health::Poll { source: &source.name, every: source.every, now, dice: super::dice() }
}

/// Validators and ids belong to an address: a source that was given another one starts anew.
pub(super) fn forget_other_address(cursor: &mut Cursor, source: &Source) {
    if is_other_address(cursor, source) {
        *cursor = Cursor { address: Some(address_of(source)), ..Cursor::default() };
    }
}

/// Whether a cursor belongs to another address than the configured one.
pub(super) fn is_other_address(cursor: &Cursor, source: &Source) -> bool {
    cursor.address.as_deref() != Some(address_of(source).as_str())
}

fn address_of(source: &Source) -> String {
    match &source.location {
        Location::Url(url) => digest(url.as_str()),
        Location::Path(path) => digest(&path.to_string_lossy()),
        Location::Service(words) => digest(words),
    }
}

fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn stopped() -> PollFault {
    PollFault { class: ErrorClass::Transient, message: "mentiond is stopping".into(), retry_after: None }
}
