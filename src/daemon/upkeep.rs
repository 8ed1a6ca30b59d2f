//! Upkeep: what the clock asks for without anything having been heard: reminders, escalations and the question whether
//! the customer is satisfied go into the outbox when they are due, and so do collected mail and early warnings.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::run::until;
use super::{World, early, summaries};
use crate::cases::{Action, Refusal};
use crate::model::{Actor, Case};
use crate::store::StoreError;
use crate::themes::standing::{ThemeAction, ThemeRefusal};

/// Cases looked at in one transaction.
const BATCH: usize = 100;
/// Longest sleep: a clock that jumps or a machine that was suspended is noticed within this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Queues what is due now; returns the number of mails.
///
/// # Errors
/// The record cannot be read or written.
pub(super) async fn remind(world: &World, engine: &Engine) -> Result<u64, StoreError> {
    let record = world.store.record();
    let mut all = 0;
    loop {
        let now = world.clock.now();
        // Reading first costs no write where nothing is due.
        if record.next_case_due().await?.is_none_or(|due| due > now) {
            break;
        }
        let (looked_at, queued) = record.remind(Arc::clone(&engine.desk), now, BATCH).await?;
        all += queued;
        if looked_at < BATCH {
            break;
        }
    }
    if all > 0 {
        tracing::info!(event = "cases_overdue", mails = all, "cases are overdue or to be asked about");
        world.mail_due.notify_one();
    }
    Ok(all)
}

/// Has all open cases looked at again, because deadlines may have changed, and queues what is due.
///
/// # Errors
/// The record cannot be read or written.
pub(super) async fn begin(world: &World, engine: &Arc<Engine>) -> Result<u64, StoreError> {
    let record = world.store.record();
    if record.has_open_cases().await? {
        record.look_at_all_cases().await?;
    }
    let mails = remind(world, engine).await? + summaries::make_due(world, engine).await?;
    Ok(mails + early::warn(world, engine).await?)
}

/// Looks after cases and collected mail until told to stop.
pub(super) async fn keep_up(
    world: Arc<World>,
    mut engines: watch::Receiver<Arc<Engine>>,
    stop: CancellationToken,
) -> Result<(), StoreError> {
    loop {
        let engine = Arc::clone(&engines.borrow_and_update());
        begin(&world, &engine).await?;
        loop {
            let case = world.store.record().next_case_due().await?;
            let due = [case, summaries::next(&engine, world.clock.now())].into_iter().flatten().min();
            let wait = due.map_or(LONGEST_SLEEP, |due| until(world.clock.now(), due));
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = engines.changed() => {
                    if changed.is_err() { return Ok(()); }
                    break;
                }
                () = world.case_moved.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
            remind(&world, &engine).await?;
            summaries::make_due(&world, &engine).await?;
            early::warn(&world, &engine).await?;
        }
    }
}

/// Does what somebody wants done with a case.
///
/// # Errors
/// The record cannot be written.
pub(super) async fn act(
    world: &World,
    engine: &Engine,
    id: i64,
    action: Action,
    by: Actor,
) -> Result<Result<Case, Refusal>, StoreError> {
    let desk = Arc::clone(&engine.desk);
    let done = world.store.record().have_case_acted_on(desk, id, action, by, world.clock.now()).await?;
    if let Ok(case) = &done {
        tracing::info!(event = "case_moved", case = id, status = case.status.as_str(), "a case was acted on");
        world.mail_due.notify_one();
        world.case_moved.notify_one();
    }
    Ok(done)
}

/// Does what somebody wants done with a theme. The number of the theme to look at afterwards.
///
/// # Errors
/// The record cannot be written.
pub(super) async fn act_on_theme(
    world: &World,
    engine: &Engine,
    id: i64,
    action: ThemeAction,
    by: Actor,
) -> Result<Result<i64, ThemeRefusal>, StoreError> {
    let desk = Arc::clone(&engine.desk);
    let done = world.store.record().have_theme_acted_on(desk, id, action, by, world.clock.now()).await?;
    if let Ok(theme) = &done {
        tracing::info!(event = "theme_moved", theme, "a theme was acted on");
        world.mail_due.notify_one();
        world.case_moved.notify_one();
    }
    Ok(done)
}
