//! `mentiond run`: polls on schedule, delivers as mail becomes due, takes a new configuration when asked, and stops in
//! order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::control::{Command, ControlError};
use super::deliver::Courier;
use super::engine::{Engine, EngineError};
use super::ingest::{self, PollResult, Polled};
use super::pages::Behind;
use super::{World, control, forget, hooks, stream, upkeep};
use crate::classify::Classifier;
use crate::config::{self, ConfigErrors};
use crate::model::{ErrorClass, SourceKind, SourceStatus};
use crate::store::StoreError;
use crate::store::record::SourceState;
use crate::web;

/// Longest sleep: a clock that jumps or a machine that was suspended is noticed within this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// A connection to the relay that is not used for so long is closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);
/// How often states of unchanged sources are written together.
const SAVE_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether kept entries are too old or too many.
const PRUNE_EVERY: Duration = Duration::from_secs(15 * 60);

/// Why the daemon stopped, if not because it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("{0}")]
    Control(#[from] ControlError),
    #[error(
        "pages and health checks cannot listen on {address}: {source}; choose another `http` in [daemon], or \"off\""
    )]
    Listen { address: std::net::SocketAddr, source: std::io::Error },
}

/// Runs until `shutdown` is cancelled; every message on `reload` makes it read its configuration again.
///
/// # Errors
/// The state cannot be used (any more), or an address cannot be listened on. Whatever was recorded is kept.
pub async fn run(
    world: Arc<World>,
    engine: Engine,
    shutdown: CancellationToken,
    mut reload: mpsc::Receiver<()>,
) -> Result<(), RunError> {
    world.store.record().recover_outbox().await?;
    // Whoever starts the daemon may have mended what was wrong.
    world.store.record().end_relay_hold(true).await?;
    learn(&world, &engine.classifier).await?;
    let config = &engine.config;
    let (commands, mut asked) = mpsc::channel(16);
    let state_folder = config.daemon.state.clone();
    let control = control::listen(&state_folder, commands)?;
    let listener = match config.daemon.http {
        Some(address) => {
            let bound = tokio::net::TcpListener::bind(address).await;
            Some(bound.map_err(|source| RunError::Listen { address, source })?)
        }
        None => None,
    };
    let (publish, engines) = watch::channel(Arc::new(engine));

    world.folders.begin();
    let stop = shutdown.child_token();
    let mut parts = JoinSet::new();
    parts.spawn(poll_on_schedule(Arc::clone(&world), engines.clone(), stop.clone()));
    parts.spawn(stream::listen_to_all(Arc::clone(&world), engines.clone(), stop.clone()));
    parts.spawn(upkeep::keep_up(Arc::clone(&world), engines.clone(), stop.clone()));
    let forgetting = tokio::spawn(forget::forget_by_age(Arc::clone(&world), engines.clone(), stop.clone()));
    parts.spawn(deliver_as_due(Arc::clone(&world), engines.clone(), stop.clone()));
    let hooks = hooks::Hooks::new(Arc::clone(&world), engines.clone(), stop.clone());
    let serving = tokio::spawn(serve(Arc::clone(&world), engines, listener, hooks, stop.clone()));
    let answering = tokio::spawn(control.serve(stop.clone()));
    let watchdog = tokio::spawn(watchdog(Arc::clone(&world), stop.clone()));
    world.metrics.set_ready(true);
    notify(&[sd_notify::NotifyState::Ready]);
    tracing::info!(event = "started", sources = publish.borrow().config.sources.len(), "mentiond is running");

    let mut result = Ok(());
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(()) = reload.recv() => { let _ = reload_config(&publish).await; }
            Some(command) = asked.recv() => answer(&world, &publish, command).await,
            Some(ended) = parts.join_next() => {
                if let Ok(Err(error)) = ended {
                    tracing::error!(event = "stopping", "the state can no longer be used: {error}");
                    world.metrics.set_fault(error.to_string());
                    result = Err(RunError::Store(error));
                }
                break;
            }
        }
    }
    notify(&[sd_notify::NotifyState::Stopping]);
    world.metrics.set_ready(false);
    stop.cancel();
    while let Some(ended) = parts.join_next().await {
        if let (Ok(Err(error)), true) = (ended, result.is_ok()) {
            result = Err(RunError::Store(error));
        }
    }
    for task in [serving, answering, watchdog, forgetting] {
        let _ = task.await;
    }
    tracing::info!(event = "stopped", "mentiond has stopped");
    result
}

/// A source's place in the schedule.
type Turn = Reverse<(Timestamp, usize)>;

/// Polls sources as they come due. A new configuration takes effect when it arrives: polls that are under way finish
/// with the old one.
async fn poll_on_schedule(
    world: Arc<World>,
    mut engines: watch::Receiver<Arc<Engine>>,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    let mut states = world.store.record().source_states().await?;
    let mut unsaved: HashMap<String, SourceState> = HashMap::new();
    let mut polls: JoinSet<(String, Result<Polled, StoreError>)> = JoinSet::new();
    let mut under_way = std::collections::HashSet::<String>::new();
    let mut save = tokio::time::interval(SAVE_EVERY);
    let mut prune = tokio::time::interval(PRUNE_EVERY);
    loop {
        let engine = Arc::clone(&engines.borrow_and_update());
        let mut turns = schedule(&engine, &states, world.clock.now());
        // A source that was called comes twice: only the turn that was planned last counts.
        let mut planned: HashMap<usize, Timestamp> =
            turns.iter().map(|Reverse((due, number))| (*number, *due)).collect();
        let names: Vec<&str> = engine.config.sources.iter().map(|s| s.name.as_str()).collect();
        world.folders.end(&names).await;
        show_sources(&world, &engine, &states);
        loop {
            let now = world.clock.now();
            let at_once = engine.config.fetch.concurrency.max(1) * 2;
            while polls.len() < at_once
                && let Some(Reverse((due, number))) = turns.peek().copied()
                && due <= now
            {
                turns.pop();
                if planned.get(&number) != Some(&due) {
                    continue;
                }
                let name = engine.config.sources[number].name.clone();
                if !under_way.insert(name.clone()) {
                    continue;
                }
                let state = states.get(&name).cloned().unwrap_or_default();
                let (world, engine) = (Arc::clone(&world), Arc::clone(&engine));
                polls.spawn(async move { (name, ingest::poll(&world, &engine, number, state).await) });
            }
            let wait = match turns.peek() {
                Some(Reverse((due, _))) if polls.len() < at_once => until(now, *due),
                _ => LONGEST_SLEEP,
            };
            tokio::select! {
                () = stop.cancelled() => {
                    // Polls are dropped where they are: what they would have brought is there at the next start.
                    polls.shutdown().await;
                    world.folders.end(&[]).await;
                    world.mark_all().await?;
                    return world.store.record().save_source_states(unsaved.into_iter().collect()).await;
                }
                changed = engines.changed() => {
                    if changed.is_err() { return Ok(()); }
                    break;
                }
                _ = save.tick() => {
                    world.mark_all().await?;
                    show_sources(&world, &engine, &states);
                    if !unsaved.is_empty() {
                        world.store.record().save_source_states(unsaved.drain().collect()).await?;
                    }
                }
                called = world.folders.news() => {
                    let now = world.clock.now();
                    for name in called.iter().filter(|name| !under_way.contains(*name)) {
                        if let Some(number) = engine.config.sources.iter().position(|s| s.name == *name) {
                            planned.insert(number, now);
                            turns.push(Reverse((now, number)));
                        }
                    }
                }
                _ = prune.tick() => world.prune(&engine.config.history).await?,
                Some(ended) = polls.join_next() => {
                    let Ok((name, polled)) = ended else { continue };
                    let Polled { state, result } = polled?;
                    under_way.remove(&name);
                    world.metrics.poll(result.count());
                    if matches!(result, PollResult::Unchanged) {
                        unsaved.insert(name.clone(), state.clone());
                    } else {
                        unsaved.remove(&name);
                    }
                    if let Some(number) = engine.config.sources.iter().position(|s| s.name == name)
                        && let Some(next) = state.health.next_poll
                    {
                        planned.insert(number, next);
                        turns.push(Reverse((next, number)));
                    }
                    let changed = states.get(&name).map(|s| s.health.status) != Some(state.health.status);
                    states.insert(name, state);
                    if changed {
                        show_sources(&world, &engine, &states);
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

fn show_sources(world: &World, engine: &Engine, states: &HashMap<String, SourceState>) {
    let pushed = world.pushed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let status = |s: &crate::model::Source| {
        let polled = || states.get(&s.name).map(|s| s.health.status);
        pushed.get(&s.name).copied().or_else(polled).unwrap_or(SourceStatus::New)
    };
    world.metrics.sources(engine.config.sources.iter().map(status));
}

/// When each source is next due: as it was left; at once if it never was, or if a person may have mended it.
fn schedule(engine: &Engine, states: &HashMap<String, SourceState>, now: Timestamp) -> BinaryHeap<Turn> {
    let turn = |(number, source): (usize, &crate::model::Source)| {
        if source.kind.speaks_by_itself() {
            return None;
        }
        let health = states.get(&source.name).map(|s| &s.health);
        if health.is_some_and(|h| h.status == SourceStatus::Disabled) {
            return None;
        }
        // Somebody just changed something or started us: what only a person can mend may be mended.
        let mended = health.and_then(|h| h.error_class).is_some_and(|class| {
            matches!(class, ErrorClass::Forbidden | ErrorClass::Auth | ErrorClass::Refused | ErrorClass::Malformed)
        }) || states.get(&source.name).is_some_and(|s| ingest::is_other_address(&s.cursor, source));
        // A folder is watched only after it was read, and may have been left in the middle.
        let unwatched = source.kind == SourceKind::Mailbox && health.is_some_and(|h| h.status == SourceStatus::Ok);
        let due = health.and_then(|h| h.next_poll).filter(|_| !mended && !unwatched).unwrap_or(now);
        let due =
            states.get(&source.name).and_then(|state| sooner(state, source)).map_or(due, |sooner| due.min(sooner));
        Some(Reverse((due, number)))
    };
    engine.config.sources.iter().enumerate().filter_map(turn).collect()
}

/// When a source is due by the configuration of now, if the one by which its next poll was planned let it wait longer.
fn sooner(state: &SourceState, source: &crate::model::Source) -> Option<Timestamp> {
    let planned = state.cursor.every.filter(|_| state.health.status == SourceStatus::Ok)?;
    if source.every.as_secs() >= planned {
        return None;
    }
    state.health.last_poll?.checked_add(SignedDuration::try_from(source.every).ok()?).ok()
}

/// Delivers mail as it comes due.
async fn deliver_as_due(
    world: Arc<World>,
    mut engines: watch::Receiver<Arc<Engine>>,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    let first = Arc::clone(&engines.borrow_and_update());
    let mut courier = Courier::new(Arc::clone(&world), first);
    loop {
        courier.deliver_due(&stop, &|_| {}).await?;
        let counts = world.store.record().outbox_counts().await?;
        world.metrics.outbox(counts);
        let now = world.clock.now();
        let due = world.store.record().next_due().await?.max(courier.hold_until());
        let wait = due.map_or(LONGEST_SLEEP, |due| until(now, due));
        tokio::select! {
            () = stop.cancelled() => {
                courier.close().await;
                return Ok(());
            }
            changed = engines.changed() => {
                if changed.is_err() { return Ok(()); }
                let engine = Arc::clone(&engines.borrow_and_update());
                courier.reconfigure(engine).await?;
            }
            () = world.mail_due.notified() => {}
            () = tokio::time::sleep(wait) => {}
            () = tokio::time::sleep(IDLE_CONNECTION), if courier.is_connected() => courier.close().await,
        }
    }
}

async fn serve(
    world: Arc<World>,
    engines: watch::Receiver<Arc<Engine>>,
    listener: Option<tokio::net::TcpListener>,
    hooks: hooks::Hooks,
    stop: CancellationToken,
) {
    if let Some(listener) = listener {
        let (metrics, keys) = (Arc::clone(&world.metrics), Arc::clone(&world.keys));
        let app = web::App { daemon: Arc::new(Behind::new(world, engines)), keys };
        let router = web::router(metrics, app).merge(web::hooks::routes(Arc::new(hooks)));
        web::serve(listener, router, stop).await;
    }
}

/// Reads the configuration again; the old one stays in force if anything about the new one is wrong (hazard 38).
async fn reload_config(publish: &watch::Sender<Arc<Engine>>) -> Result<(), String> {
    // systemd (Type=notify-reload) wants to know when the reload began: sd_notify(3), MONOTONIC_USEC=.
    match sd_notify::NotifyState::monotonic_usec_now() {
        Ok(since) => notify(&[sd_notify::NotifyState::Reloading, since]),
        Err(_) => notify(&[sd_notify::NotifyState::Reloading]),
    }
    let old = Arc::clone(&publish.borrow());
    let file: PathBuf = old.config.file.clone();
    let built = tokio::task::spawn_blocking(move || -> Result<Engine, String> {
        let loaded = config::load(&file).map_err(|errors: ConfigErrors| errors.render(false))?;
        let engine = Engine::build(loaded.config).map_err(|error| error.to_string())?;
        engine.mailer().map_err(|error| error.to_string())?;
        Ok(engine)
    })
    .await
    .unwrap_or_else(|_| Err("reading it ended in a fault of mentiond".into()));
    let result = match built {
        Ok(mut engine) => {
            engine.classifier.adopt(&old.classifier);
            if engine.config.daemon.state != old.config.daemon.state
                || engine.config.daemon.http != old.config.daemon.http
            {
                tracing::warn!(
                    event = "restart_needed",
                    "`state` and `http` change only with a restart; the old ones stay in force"
                );
            }
            tracing::info!(
                event = "reloaded",
                sources = engine.config.sources.len(),
                "the new configuration is in force"
            );
            publish.send_replace(Arc::new(engine));
            Ok(())
        }
        Err(error) => {
            tracing::error!(event = "reload_failed", "the old configuration stays in force:\n{error}");
            Err(error)
        }
    };
    notify(&[sd_notify::NotifyState::Ready]);
    result
}

/// Does what another mentiond process asked through the control socket.
async fn answer(world: &Arc<World>, publish: &watch::Sender<Arc<Engine>>, command: Command) {
    match command {
        Command::Reload { reply } => {
            let _ = reply.send(reload_config(publish).await.map(|()| 1));
        }
        Command::Retry { id, to, reply } => {
            let departments = publish.borrow().config.department_addresses();
            let result = world.store.record().retry(id, to, departments, world.clock.now()).await;
            world.mail_due.notify_one();
            let _ = reply.send(result.map(|n| n as u64).map_err(|error| error.to_string()));
        }
        Command::Case { id, action, by, reply } => {
            let engine = Arc::clone(&publish.borrow());
            let done = upkeep::act(world, &engine, id, action, by.into()).await;
            let done = done.map_err(|error| error.to_string());
            let _ = reply.send(done.and_then(|done| done.map(|_| 1).map_err(|refusal| refusal.to_string())));
        }
        Command::Theme { id, action, by, reply } => {
            let engine = Arc::clone(&publish.borrow());
            let done = upkeep::act_on_theme(world, &engine, id, action, by.into()).await;
            let done = done.map_err(|error| error.to_string());
            let _ =
                reply.send(done.and_then(|done| done.map(i64::unsigned_abs).map_err(|refusal| refusal.to_string())));
        }
        Command::Release { source, reply } => {
            let desk = Arc::clone(&publish.borrow().desk);
            let result = world.store.record().release(desk, &source, world.clock.now()).await;
            if let Ok(mentions) = result {
                tracing::info!(event = "storm_released", source, mentions, "what was held is told now");
            }
            world.mail_due.notify_one();
            let _ = reply.send(result.map_err(|error| error.to_string()));
        }
        Command::Correct { new, reply } => {
            let mention = new.mention;
            let (classifier, desk) = {
                let engine = publish.borrow();
                (engine.classifier.clone(), Arc::clone(&engine.desk))
            };
            let result = match world.store.record().correct(desk, new, world.clock.now()).await {
                Ok(id) => learn(world, &classifier).await.map(|()| id.unwrap_or(0)),
                Err(error) => Err(error),
            };
            if let Ok(correction @ 1..) = result {
                // Its case may be somebody else's now.
                world.mail_due.notify_one();
                tracing::info!(event = "corrected", mention, correction, "a person corrected a mention");
            }
            let _ = reply.send(result.map(|id| id.unsigned_abs()).map_err(|error| error.to_string()));
        }
        Command::Forget { person, dry_run, reply } => {
            let engine = Arc::clone(&publish.borrow());
            let world = Arc::clone(world);
            // The record is written anew: the daemon goes on meanwhile.
            tokio::spawn(async move {
                let mut done = world.forget_person(person, Arc::clone(&engine.desk), dry_run).await;
                // What was taught with the person's texts is taught no more.
                if let (Ok(_), Err(error)) = (&done, learn(&world, &engine.classifier).await) {
                    done = Err(error);
                }
                drop((world, engine));
                let _ = reply.send(done.map_err(|error| error.to_string()));
            });
        }
        Command::Uncorrect { id, reply } => {
            let classifier = publish.borrow().classifier.clone();
            let result = match world.store.record().undo_correction(id, world.clock.now()).await {
                Ok(done) => learn(world, &classifier).await.map(|()| u64::from(done)),
                Err(error) => Err(error),
            };
            let _ = reply.send(result.map_err(|error| error.to_string()));
        }
    }
}

/// Has the classifier use the corrections of the record.
pub(super) async fn learn(world: &World, classifier: &Classifier) -> Result<(), StoreError> {
    classifier.learn(&world.store.record().corrections().await?);
    Ok(())
}

/// Tells systemd that we live, as long as the record can be written (`WatchdogSec=`).
async fn watchdog(world: Arc<World>, stop: CancellationToken) {
    let mut microseconds = 0;
    if !sd_notify::watchdog_enabled(false, &mut microseconds) {
        return;
    }
    let mut tick = tokio::time::interval(Duration::from_micros((microseconds / 2).max(1)));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => if world.store.record().fault().is_none() {
                notify(&[sd_notify::NotifyState::Watchdog]);
            }
        }
    }
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(false, state);
}

pub(super) fn until(now: Timestamp, due: Timestamp) -> Duration {
    Duration::try_from(due.duration_since(now)).unwrap_or(Duration::ZERO).min(LONGEST_SLEEP)
}
