//! Looks at mentions with open cases where they came from, a few with each poll of their source: through the same turns,
//! login and quota as the poll itself.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::World;
use super::engine::Engine;
use crate::model::{ErrorClass, PollFault, Source, Table};
use crate::sources::table::{Found, Positions, Session, one_answer, one_request};
use crate::store::StoreError;
use crate::store::record::{Looked, Seen};

/// Looks with one poll at most.
const A_POLL: usize = 5;
/// Looks in a minute at most, over all sources.
const A_MINUTE: usize = 10;

/// When the last looks were.
#[derive(Debug, Default)]
pub(super) struct Pace(VecDeque<Timestamp>);

impl Pace {
    /// Whether one more is not too many; if so, it is counted.
    fn take(&mut self, now: Timestamp) -> bool {
        let minute = SignedDuration::from_mins(1);
        while self.0.front().is_some_and(|first| now.duration_since(*first).abs() >= minute) {
            self.0.pop_front();
        }
        let free = self.0.len() < A_MINUTE;
        if free {
            self.0.push_back(now);
        }
        free
    }
}

/// What a source's looks brought.
#[derive(Debug, Default)]
pub(super) struct Looks {
    pub looked: Vec<Looked>,
    /// How long the service wants to be left alone.
    pub wait: Option<Duration>,
}

/// Looks at what is due. A refusal ends it and is no fault of the source: its polls work, and the rest is looked at later.
///
/// # Errors
/// The record cannot be read.
pub(super) async fn look(
    world: &World,
    engine: &Engine,
    source: &Source,
    table: &Table,
    at: &mut Positions,
    session: Option<&Session>,
    now: Timestamp,
) -> Result<Looks, StoreError> {
    let mut looks = Looks::default();
    if table.one.is_none() {
        return Ok(looks);
    }
    for due in world.store.record().due_looks(&source.name, now, A_POLL).await? {
        // What cannot be asked for in time is due again with the next poll.
        if !world.looks.lock().unwrap_or_else(PoisonError::into_inner).take(now) {
            break;
        }
        let Some(request) = one_request(table, at, session, &due.id, due.url.as_deref(), now) else { break };
        let host = request.url.host_str().unwrap_or("the service").to_owned();
        let told = match engine.fetcher.ask(&request).await {
            Ok(reply) => one_answer(table, at, &reply, &host, now),
            Err(fault) => Err(fault),
        };
        let (found, wait) = match told {
            Ok(told) => told,
            Err(fault) => {
                refused(engine, source, &request.url, &fault);
                looks.wait = fault.retry_after.filter(|_| fault.class == ErrorClass::RateLimited);
                break;
            }
        };
        let seen = match found {
            Found::There(counts) => Seen::There(counts),
            Found::Gone => Seen::Gone,
            Found::Unclear => Seen::Unclear,
        };
        looks.looked.push(Looked { mention: due.mention, identity: due.identity, seen });
        if wait.is_some() {
            looks.wait = wait;
            break;
        }
    }
    Ok(looks)
}

fn refused(engine: &Engine, source: &Source, url: &url::Url, fault: &PollFault) {
    if let (ErrorClass::RateLimited, Some(wait)) = (fault.class, fault.retry_after) {
        engine.fetcher.leave_alone(url, wait);
    }
    tracing::info!(
        event = "look_refused",
        source = source.name,
        class = fault.class.as_str(),
        "replies to mentions with open cases are counted later: {}",
        fault.message
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_a_minute_in_all() {
        let mut pace = Pace::default();
        let start = Timestamp::constant(1_790_000_000, 0);
        let taken = |pace: &mut Pace, at: Timestamp| (0..30).filter(|_| pace.take(at)).count();
        assert_eq!(taken(&mut pace, start), 10);
        assert_eq!(taken(&mut pace, start + SignedDuration::from_secs(59)), 0);
        assert_eq!(taken(&mut pace, start + SignedDuration::from_secs(60)), 10);
        // A clock that was set back does not stop it for ever.
        assert_eq!(taken(&mut pace, start - SignedDuration::from_hours(5)), 10);
    }
}
