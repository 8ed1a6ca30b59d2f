//! Polls a service with a JSON API: sends what the [`Walk`] wants to ask, and gives it the answers.

use std::sync::PoisonError;

use jiff::Timestamp;

use super::World;
use super::engine::Engine;
use super::ingest::{Content, Served};
use super::looking::{self, Looks};
use crate::fetch::Fetcher;
use crate::model::{Cursor, ErrorClass, PollFault, Source, Table};
use crate::schedule::PollHints;
use crate::sources::feed::RawEntry;
use crate::sources::table::{Positions, Session, Step, Walk, Walked};
use crate::store::StoreError;

/// Asks a service for what is new since its cursor. What broke off after something was read is no error: it is in what was
/// served.
///
/// # Errors
/// The state cannot be read; inside: nothing was read.
pub(super) async fn ask(
    world: &World,
    engine: &Engine,
    source: &Source,
    table: &Table,
    cursor: &Cursor,
    now: Timestamp,
) -> Result<Result<Served, PollFault>, StoreError> {
    let session = sessions(engine).get(&source.name).cloned();
    let at = Positions::read(cursor.part.as_ref());
    let mut walked = walk(&engine.fetcher, table, at.clone(), session, now).await;
    {
        let mut sessions = sessions(engine);
        match walked.session.clone() {
            Some(session) => sessions.insert(source.name.clone(), session),
            None => sessions.remove(&source.name),
        };
    }
    if let (Some(wait), Some(base)) = (walked.fault.as_ref().and_then(asked_to_wait), &walked.base) {
        engine.fetcher.leave_alone(base, wait);
    }
    let looks = if walked.fault.is_none() && !walked.blocked {
        let session = walked.session.as_ref();
        looking::look(world, engine, source, table, &mut walked.positions, session, now).await?
    } else {
        Looks::default()
    };
    let Walked { entries, positions, gap, fault, wait, base, .. } = walked;
    let wait = wait.max(looks.wait);
    // What was paid for or used up is booked even if nothing else came of it.
    let nothing = entries.is_empty() && positions == at && gap.is_none();
    Ok(match fault {
        Some(fault) if nothing => Err(fault),
        fault => Ok(Served {
            looked: looks.looked,
            content: Content::Made { entries, base },
            hints: PollHints { retry_after: wait, ..PollHints::default() },
            gap,
            fault,
            ..Served::made(Vec::new(), Cursor { part: positions.part(), ..cursor.clone() })
        }),
    })
}

/// One poll from beginning to end.
pub async fn walk(fetcher: &Fetcher, table: &Table, at: Positions, session: Option<Session>, now: Timestamp) -> Walked {
    let mut walk = Walk::new(table, at, session, now);
    while let Step::Ask(request) = walk.step() {
        match fetcher.ask(&request).await {
            Ok(reply) => walk.answered(&reply),
            Err(fault) => walk.failed(fault),
        }
    }
    walk.end()
}

/// How long a fault wants the host to be left alone. Quotas are a source's own.
fn asked_to_wait(fault: &PollFault) -> Option<std::time::Duration> {
    fault.retry_after.filter(|_| fault.class == ErrorClass::RateLimited)
}

fn sessions(engine: &Engine) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, Session>> {
    engine.sessions.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first page that a service gives to one that never asked, where its links start, and the request without secrets.
///
/// # Errors
/// As a poll.
pub async fn taste(
    fetcher: &Fetcher,
    table: &Table,
    now: Timestamp,
) -> Result<(Vec<RawEntry>, Option<url::Url>, String), PollFault> {
    let mut walk = Walk::new(table, Positions::default(), None, now);
    let mut asked = String::new();
    while let (false, Step::Ask(request)) = (walk.has_page(), walk.step()) {
        asked.clone_from(&request.shown);
        match fetcher.ask(&request).await {
            Ok(reply) => walk.answered(&reply),
            Err(fault) => walk.failed(fault),
        }
    }
    let Walked { entries, base, fault, .. } = walk.end();
    match fault {
        Some(fault) if entries.is_empty() => Err(fault),
        _ => Ok((entries, base, asked)),
    }
}
