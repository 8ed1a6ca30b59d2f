//! A poll of a mailbox: batch by batch from the server, each recorded with its place before the next one is asked for.
//! Between polls the folder is watched, so that mail is read when it comes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::World;
use super::engine::Engine;
use super::ingest::{self, PollResult, Polled, Served};
use super::replies;
use crate::clock::Stopwatch;
use crate::fetch::mailbox::{Batch, Session, Watched};
use crate::model::{ErrorClass, MailboxSettings, MailboxUse, PollFault, RawMail, Source};
use crate::schedule::PollHints;
use crate::sources::feed::RawEntry;
use crate::sources::mailbox::{self, Mail, Place, place};
use crate::store::StoreError;
use crate::store::record::{PollOutcome, SourceState};

/// How long a session may take to come out of its watch.
const HAND_OVER: Duration = Duration::from_secs(5);

/// Folders that are watched while nobody reads them.
#[derive(Default)]
pub(super) struct Folders {
    watched: Mutex<HashMap<String, Watch>>,
    /// Sources in whose folder mail came.
    called: Mutex<HashSet<String>>,
    /// Somebody was called.
    bell: Notify,
    /// Whether folders are watched at all: a daemon does, a single round does not.
    watching: std::sync::atomic::AtomicBool,
}

struct Watch {
    settings: Arc<MailboxSettings>,
    stop: CancellationToken,
    task: JoinHandle<Option<Session>>,
}

impl Folders {
    /// Watches folders from now on.
    pub(super) fn begin(&self) {
        self.watching.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    /// Waits until mail comes to a folder; the names of the sources.
    pub(super) async fn news(&self) -> Vec<String> {
        self.bell.notified().await;
        self.called.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }

    /// The open session of a source, if it has one and its settings are still these.
    async fn take(&self, name: &str, settings: &Arc<MailboxSettings>) -> Option<Session> {
        let watch = self.watched.lock().unwrap_or_else(PoisonError::into_inner).remove(name)?;
        watch.stop.cancel();
        let session = tokio::time::timeout(HAND_OVER, watch.task).await.ok()?.ok()??;
        if watch.settings == *settings {
            return Some(session);
        }
        session.close().await;
        None
    }

    /// Watches a folder until its session is wanted again, or says goodbye to the server.
    async fn keep(world: &Arc<World>, name: &str, settings: &Arc<MailboxSettings>, session: Session) {
        let folders = &world.folders;
        if !settings.idle || !folders.watching.load(std::sync::atomic::Ordering::Relaxed) {
            session.close().await;
            return;
        }
        let stop = CancellationToken::new();
        let task = tokio::spawn({
            let (world, name, stop) = (Arc::downgrade(world), name.to_owned(), stop.clone());
            async move {
                match session.watch(&stop).await {
                    Watched::Session(session, news) => {
                        if let Some(world) = world.upgrade().filter(|_| news) {
                            world.folders.called.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
                            world.folders.bell.notify_one();
                        }
                        Some(session)
                    }
                    // It is looked into again when it is due.
                    Watched::Unable | Watched::Lost => None,
                }
            }
        });
        let watch = Watch { settings: Arc::clone(settings), stop, task };
        folders.watched.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), watch);
    }

    /// Ends all watches; sources that are not configured any more lose theirs by `keep_only`.
    pub(super) async fn end(&self, keep_only: &[&str]) {
        let ended: Vec<Watch> = {
            let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            let names: Vec<String> = watched.keys().filter(|n| !keep_only.contains(&n.as_str())).cloned().collect();
            names.iter().filter_map(|name| watched.remove(name)).collect()
        };
        for watch in ended {
            watch.stop.cancel();
            if let Ok(Ok(Some(session))) = tokio::time::timeout(HAND_OVER, watch.task).await {
                let _ = tokio::time::timeout(HAND_OVER, session.close()).await;
            }
        }
    }
}

/// Polls a mailbox once: reads all that it has beyond the cursor.
///
/// # Errors
/// The state cannot be read or written.
pub(super) async fn poll(
    world: &Arc<World>,
    engine: &Arc<Engine>,
    number: usize,
    mut state: SourceState,
    settings: &Arc<MailboxSettings>,
) -> Result<Polled, StoreError> {
    let source = &engine.config.sources[number];
    let horizon = place::horizon(settings.since, state.health.last_heard, world.clock.now());
    let mut kept = world.folders.take(&source.name, settings).await;
    let mut total: Option<PollResult> = None;
    loop {
        let before = Place::from_part(state.cursor.part.as_ref());
        let watch = Stopwatch::start();
        let asked = ask(engine, settings, &mut kept, before, horizon).await;
        world.timings.fetch.add(watch);
        let now = world.clock.now();
        let (session, batch) = match asked {
            Ok(asked) => asked,
            Err(fault) => return ingest::fail(world, engine, source, state, fault, now).await,
        };
        if let Some(before) = before.filter(|b| b.uidvalidity != batch.place.uidvalidity) {
            tracing::info!(
                event = "mailbox_renumbered",
                source = source.name,
                before = before.uidvalidity,
                now = batch.place.uidvalidity,
                "the server numbers the folder anew: it is read again, and what is known is left out"
            );
        }
        let more = batch.more;
        let (next, result) = take_in(world, engine, number, state, settings, batch, now).await?;
        state = next;
        total = match (total, result) {
            (None, result) => Some(result),
            (Some(sum), result) => Some(add(sum, result)),
        };
        if more && !matches!(total, Some(PollResult::Failed(_))) {
            kept = Some(session);
            continue;
        }
        Folders::keep(world, &source.name, settings, session).await;
        return Ok(Polled { state, result: total.unwrap_or(PollResult::Unchanged) });
    }
}

/// The next batch, over the connection that was kept if that still holds.
async fn ask(
    engine: &Engine,
    settings: &MailboxSettings,
    kept: &mut Option<Session>,
    place: Option<Place>,
    horizon: Timestamp,
) -> Result<(Session, Batch), PollFault> {
    if let Some(mut session) = kept.take() {
        match session.next(place, horizon, settings.max_message).await {
            Ok(batch) => return Ok((session, batch)),
            // What was kept may be gone by now; what the server refuses, it refuses.
            Err(fault) if fault.class == ErrorClass::Transient => {}
            Err(fault) => return Err(fault),
        }
    }
    let mut session = engine.mailboxes.open(settings).await?;
    let batch = session.next(place, horizon, settings.max_message).await?;
    Ok((session, batch))
}

/// A message, read.
struct Letter {
    uid: u32,
    arrived: Option<Timestamp>,
    mail: Mail,
}

/// Records a batch: what replies ask for is done, the rest becomes entries.
async fn take_in(
    world: &Arc<World>,
    engine: &Arc<Engine>,
    number: usize,
    mut state: SourceState,
    settings: &MailboxSettings,
    batch: Batch,
    now: Timestamp,
) -> Result<(SourceState, PollResult), StoreError> {
    let source = &engine.config.sources[number];
    let Batch { messages, place, mut gap, .. } = batch;
    if messages.is_empty() && gap.is_none() {
        state.cursor.part = place.to_part();
        let Polled { state, result } =
            ingest::unchanged(world, engine, source, state, PollHints::default(), None, now).await?;
        return Ok((state, result));
    }
    let read = world.processors.run(move || messages.into_iter().map(read).collect::<Vec<Letter>>()).await;
    let Some(letters) = read else {
        let message = "reading a mail ended in a fault of mentiond; please report it".to_owned();
        let fault = PollFault { class: ErrorClass::Malformed, message, retry_after: None };
        let Polled { state, result } = ingest::fail(world, engine, source, state, fault, now).await?;
        return Ok((state, result));
    };
    let mut total: Option<PollResult> = None;
    let mut groups = in_turn(letters).into_iter().peekable();
    while let Some(group) = groups.next() {
        let here = match groups.peek() {
            Some(_) => Place { uid: group.last().map_or(place.uid, |l| l.uid), ..place },
            None => place,
        };
        let mut entries = Vec::new();
        let mut asked = Vec::new();
        for letter in &group {
            if replies::take(world, engine, source, &letter.mail, now).await? {
                continue;
            }
            let made = entries_of(source, engine, settings, letter);
            if made.iter().any(|entry| !entry.root.is_empty()) {
                asked.push((mailbox::id(&letter.mail), letter.mail.references.clone()));
            }
            entries.extend(made);
        }
        let mut served = Served::made(entries, state.cursor.clone());
        served.cursor.part = here.to_part();
        served.gap = if groups.peek().is_none() { gap.take() } else { None };
        if !asked.is_empty() {
            served.threads = world.store.record().thread_watchlists(source.name.clone(), asked).await?;
        }
        let polled = ingest::take_in(world, engine, number, state, served, now).await?;
        state = polled.state;
        total = match total {
            None => Some(polled.result),
            Some(sum) => Some(add(sum, polled.result)),
        };
    }
    Ok((state, total.unwrap_or(PollResult::Unchanged)))
}

fn read(raw: RawMail) -> Letter {
    Letter { uid: raw.uid, arrived: raw.arrived, mail: mailbox::mime::read(&raw.data) }
}

/// The entries of a mail; none of what machines say to each other.
fn entries_of(source: &Source, engine: &Engine, settings: &MailboxSettings, letter: &Letter) -> Vec<RawEntry> {
    let own = &engine.config.mail.from.email;
    let programs = settings.purpose != MailboxUse::Messages;
    if let Some(machine) = mailbox::machine(&letter.mail, own, programs) {
        tracing::debug!(
            event = "mail_left_alone",
            source = source.name,
            uid = letter.uid,
            why = machine.as_str(),
            "no entry"
        );
        return Vec::new();
    }
    let entries = mailbox::entries(&letter.mail, settings.purpose, letter.arrived);
    if entries.is_empty() {
        tracing::info!(
            event = "mail_without_links",
            source = source.name,
            uid = letter.uid,
            "a mail among the alerts lists nothing; if people write here, set use = \"messages\""
        );
    }
    entries
}

/// Parts of a batch in which no mail answers another one: what is answered is recorded first.
fn in_turn(letters: Vec<Letter>) -> Vec<Vec<Letter>> {
    let mut groups: Vec<Vec<Letter>> = vec![Vec::new()];
    let mut ids: HashSet<String> = HashSet::new();
    for letter in letters {
        if letter.mail.references.iter().any(|id| ids.contains(id)) {
            groups.push(Vec::new());
            ids.clear();
        }
        ids.extend(letter.mail.id.clone());
        if let Some(group) = groups.last_mut() {
            group.push(letter);
        }
    }
    groups
}

/// What two parts of one poll brought together.
fn add(sum: PollResult, part: PollResult) -> PollResult {
    match (sum, part) {
        (PollResult::Unchanged, part) => part,
        (sum, PollResult::Unchanged) => sum,
        (_, PollResult::Failed(fault)) | (PollResult::Failed(fault), _) => PollResult::Failed(fault),
        (
            PollResult::Heard { entries, new_entries, mentions, duplicates, outcome },
            PollResult::Heard { entries: e, new_entries: n, mentions: m, duplicates: d, outcome: o },
        ) => PollResult::Heard {
            entries: entries + e,
            new_entries: new_entries + n,
            mentions: mentions + m,
            duplicates: duplicates + d,
            outcome: PollOutcome {
                recorded: outcome.recorded.into_iter().chain(o.recorded).collect(),
                queued: outcome.queued + o.queued,
                cases_opened: outcome.cases_opened + o.cases_opened,
                withdrawn: outcome.withdrawn + o.withdrawn,
                themes_opened: outcome.themes_opened.into_iter().chain(o.themes_opened).collect(),
                gathering: outcome.gathering + o.gathering,
            },
        },
    }
}
