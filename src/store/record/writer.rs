//! The one thread that writes the record. Writes that arrive while it is busy share its next transaction (and its one
//! wait for the disk); each is its own savepoint, so that one that fails leaves the others alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::super::StoreError;
use crate::point;

/// Writes that share one transaction at most.
const MAX_GROUP: usize = 128;
/// A durable write waits so long for others that share its wait for the disk: many sources are heard at once.
const GATHER: Duration = Duration::from_millis(3);
/// Writes that wait at most; beyond it, whoever writes waits for a place.
const QUEUE: usize = 256;

/// Told how the commit went.
type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;
/// Does its part of the transaction and says whether to keep it, or why not; without a connection it only makes its
/// answer.
type Work = Box<dyn FnOnce(Option<&Connection>) -> (Result<(), String>, Answer) + Send>;

struct Job {
    durable: bool,
    /// Outside of any transaction, after what came before and before what comes after.
    alone: bool,
    work: Work,
}

/// Handle of the writer thread.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    fault: Arc<Mutex<Option<String>>>,
    thread: JoinHandle<()>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let fault = Arc::<Mutex<Option<String>>>::default();
        let seen = Arc::clone(&fault);
        let thread = std::thread::Builder::new()
            .name("record".into())
            .spawn(move || run(&connection, queue, &seen))
            .map_err(|error| StoreError::Commit(error.to_string()))?;
        Ok(Self { jobs, fault, thread })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        durable: bool,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.hand_over(durable, false, work).await
    }

    /// Runs what cannot run inside a transaction.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.hand_over(true, true, work).await
    }

    async fn hand_over<T: Send + 'static>(
        &self,
        durable: bool,
        alone: bool,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let result = connection.map_or(Err(StoreError::Stopped), work);
            let keep = result.as_ref().map(|_| ()).map_err(ToString::to_string);
            let answer: Answer = Box::new(move |commit| {
                // The asker may have gone away (shutdown); its write stands all the same.
                let _ = tell.send(commit.map_err(StoreError::Commit).and(result));
            });
            (keep, answer)
        });
        self.jobs.send(Job { durable, alone, work }).await.map_err(|_| StoreError::Stopped)?;
        told.await.map_err(|_| StoreError::Stopped)?
    }

    pub(super) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn close(self) {
        drop(self.jobs);
        let thread = self.thread;
        let _ = tokio::task::spawn_blocking(move || thread.join()).await;
    }
}

fn run(connection: &Connection, mut queue: mpsc::Receiver<Job>, fault: &Mutex<Option<String>>) {
    let mut full = true;
    let mut next = None;
    while let Some(first) = next.take().or_else(|| queue.blocking_recv()) {
        if first.alone {
            let (_, answer) = (first.work)(Some(connection));
            answer(Ok(()));
            continue;
        }
        let mut group = vec![first];
        take_waiting(&mut queue, &mut group, &mut next);
        if next.is_none() && group.len() < MAX_GROUP && group.iter().all(|job| job.durable) {
            std::thread::sleep(GATHER);
            take_waiting(&mut queue, &mut group, &mut next);
        }
        let durable = group.iter().any(|job| job.durable);
        if durable != full
            && connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" }).is_ok()
        {
            full = durable;
        }
        let (answers, result) = transact(connection, group);
        let mut state = fault.lock().unwrap_or_else(PoisonError::into_inner);
        *state = result.as_ref().err().cloned();
        drop(state);
        for answer in answers {
            answer(result.clone());
        }
    }
    // Leaves one file behind: easier to copy, nothing to recover.
    let _ = connection.pragma_update(None, "wal_checkpoint", "TRUNCATE");
}

/// Takes what waits into the group, up to a job that runs alone, which comes `next`.
fn take_waiting(queue: &mut mpsc::Receiver<Job>, group: &mut Vec<Job>, next: &mut Option<Job>) {
    while group.len() < MAX_GROUP
        && next.is_none()
        && let Ok(job) = queue.try_recv()
    {
        if job.alone {
            *next = Some(job);
        } else {
            group.push(job);
        }
    }
}

fn transact(connection: &Connection, group: Vec<Job>) -> (Vec<Answer>, Result<(), String>) {
    let mut answers = Vec::with_capacity(group.len());
    let mut result = connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| error.to_string());
    for job in group {
        if result.is_ok() {
            result = step(connection, "SAVEPOINT job");
        }
        // Once the transaction is lost, work would write outside of it: it is only answered.
        let (keep, answer) = (job.work)(result.is_ok().then_some(connection));
        answers.push(answer);
        if result.is_ok() {
            if let Err(why) = keep {
                // A disk that is full or broken has SQLite roll back everything by itself: there is nothing left to roll
                // back to, and the reason is what the work met.
                result = if connection.is_autocommit() { Err(why) } else { step(connection, "ROLLBACK TO job") };
            }
            result = result.and_then(|()| step(connection, "RELEASE job"));
        }
    }
    if result.is_ok() {
        point::at("record-committing");
        result = connection.execute_batch("COMMIT").map_err(|error| error.to_string());
        point::at("record-committed");
    }
    if result.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    (answers, result)
}

fn step(connection: &Connection, sql: &str) -> Result<(), String> {
    let done = connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    done.map(|_| ()).map_err(|error| error.to_string())
}
