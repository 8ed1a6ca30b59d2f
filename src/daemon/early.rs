//! Early warning: looks at what is known of every watchlist now and then, and queues the mail together with the note that
//! the warning was given. A crash before that repeats the look, a crash after it repeats nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::World;
use super::engine::Engine;
use crate::config::Config;
use crate::model::{Cause, Sensitivity, Unusual, Warning};
use crate::point;
use crate::routing::{Department, Role};
use crate::store::StoreError;
use crate::store::record::{DeliveryContent, Listening, Moment, NewDelivery};
use crate::warnings::{Found, Memory, Wish, first_hour, hour_at, hour_of, look};

/// How often it is looked at most because something was heard; the first time at once.
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(5);
/// How often it is noted that a warning still holds.
const NOTE_EVERY: SignedDuration = SignedDuration::from_mins(30);

/// What was learnt and looked at so far, as long as the daemon runs.
#[derive(Default)]
pub(super) struct Early {
    /// What is usual, by watchlist.
    memory: Arc<Mutex<HashMap<String, Memory>>>,
    last: Mutex<Option<Last>>,
}

/// The last look.
#[derive(Clone, Copy)]
struct Last {
    /// When it was looked last because something was heard.
    told: Timestamp,
    /// The hour of the last look of any kind.
    hour: i64,
    /// The newest mention then.
    newest: i64,
}

/// Looks whether something is unusual, if it is time to; returns the number of mails that were queued.
///
/// # Errors
/// The record cannot be read or written.
pub(super) async fn warn(world: &World, engine: &Arc<Engine>) -> Result<u64, StoreError> {
    let (now, record) = (world.clock.now(), world.store.record());
    let last = *world.early.last.lock().unwrap_or_else(PoisonError::into_inner);
    let newest = record.newest_mention().await?;
    // Where nothing new was said nothing can have risen; silence grows by the hour. A time at which there was nothing to
    // look at holds nothing up: what the next poll brings is looked at as soon as it is recorded.
    let new = last.is_none_or(|last| last.newest != newest);
    let rested = last.is_none_or(|last| now.duration_since(last.told).abs() >= LOOK_EVERY);
    let turned = last.is_none_or(|last| last.hour != hour_of(now));
    if !(new && rested || turned) {
        return Ok(0);
    }
    let told = last.map(|last| last.told).filter(|_| !new).unwrap_or(now);
    *world.early.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Last { told, hour: hour_of(now), newest });
    if last.is_none_or(|last| last.hour / 24 != hour_of(now) / 24) {
        record.forget_counted(now).await?;
    }
    let (own, memory) = (Arc::clone(engine), Arc::clone(&world.early.memory));
    let looked = record
        .look(move |moment| {
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            look_at_all(&own.config, moment, now, false, &mut memory)
        })
        .await?;
    let mut queued = 0;
    for Looked { found, earlier, .. } in looked {
        let due = |id: &i64| {
            let known = earlier.iter().find(|warning| warning.id == *id);
            known.is_none_or(|warning| now.duration_since(warning.last) >= NOTE_EVERY)
        };
        let still: Vec<i64> = found.still.into_iter().filter(due).collect();
        if !still.is_empty() {
            record.warnings_hold(still, now).await?;
        }
        for warning in found.new {
            queued += give(world, engine, warning).await?;
        }
    }
    if queued > 0 {
        world.mail_due.notify_one();
    }
    Ok(queued)
}

async fn give(world: &World, engine: &Arc<Engine>, warning: Warning) -> Result<u64, StoreError> {
    let readers = readers(&engine.config, &warning);
    let ids: Vec<String> = readers.iter().map(|_| engine.message_id(warning.given)).collect();
    let (given, queued) = world
        .store
        .record()
        .give_warning(warning, move |warning| {
            let mail = |((department, recipient), message_id): ((Option<String>, String), String)| NewDelivery {
                recipient,
                message_id,
                once: Some(format!("warning {}", warning.id)),
                content: DeliveryContent::Warning { warning: Box::new(warning.clone()), department },
            };
            readers.into_iter().zip(ids).map(mail).collect()
        })
        .await?;
    point::at("warning-given");
    world.metrics.warning(&given.tally.cause, given.unusual);
    tracing::info!(
        event = "unusual",
        watchlist = %given.watchlist,
        warning = given.id,
        kind = given.unusual.as_str(),
        cause = %given.tally.cause.words(),
        count = given.tally.count,
        usual = given.tally.usual,
        mails = queued,
        "{}",
        if given.unusual == Unusual::Rise { "far more mentions than usual" } else { "far fewer mentions than usual" }
    );
    Ok(queued)
}

/// Who hears of what is unusual: department and address. The one that is named, else the community's; if
/// there is none, who gets the watchlist's alerts.
fn readers(config: &Config, warning: &Warning) -> Vec<(Option<String>, String)> {
    let routing = &config.routing;
    let named = config.early.department.as_deref().and_then(|key| routing.department(key));
    let department: Option<&Department> = named.or_else(|| routing.with_role(Role::Community));
    match department {
        Some(department) => vec![(Some(department.key.clone()), department.email.clone())],
        None => {
            let mut readers: Vec<(Option<String>, String)> = Vec::new();
            for to in config.watchlists.iter().filter(|w| warning.concerns(&w.name)).flat_map(|w| &w.alert) {
                // Who has several of the watchlists is told once.
                if !readers.iter().any(|(_, known)| known.eq_ignore_ascii_case(to)) {
                    readers.push((None, to.clone()));
                }
            }
            readers
        }
    }
}

/// What was found about one watchlist.
pub struct Looked {
    pub watchlist: String,
    pub found: Found,
    /// Its warnings of the time that is learnt from.
    pub earlier: Vec<Warning>,
}

/// Looks at every watchlist that is to be looked at, or at all of them if everything is to be explained.
///
/// # Errors
/// The record cannot be read.
pub fn look_at_all(
    config: &Config,
    moment: &Moment<'_>,
    now: Timestamp,
    explain: bool,
    memory: &mut HashMap<String, Memory>,
) -> Result<Vec<Looked>, StoreError> {
    let settings = &config.early;
    let sensitivity = |name: &str| {
        let own = config.watchlists.iter().find(|w| w.name == name).and_then(|w| w.warnings);
        own.unwrap_or(settings.sensitivity)
    };
    let listening: Vec<Listening> = (config.watchlists.iter())
        .filter(|w| explain || sensitivity(&w.name) != Sensitivity::Off)
        .map(|w| Listening {
            watchlist: w.name.clone(),
            sources: config.sources.iter().filter(|s| s.watchlists.contains(&w.name)).map(|s| s.name.clone()).collect(),
        })
        .collect();
    if listening.is_empty() {
        return Ok(Vec::new());
    }
    let given = moment.warnings(hour_at(first_hour(now)))?;
    let books = moment.books(&listening, now)?;
    memory.retain(|name, _| listening.iter().any(|l| l.watchlist == *name));
    // Which watchlists each source has fed.
    let mut fed: HashMap<String, Vec<String>> = HashMap::new();
    for book in &books {
        let sources: BTreeSet<usize> = book.cells.iter().map(|cell| cell.source).collect();
        for name in sources.into_iter().filter_map(|n| book.sources.get(n)) {
            fed.entry(name.name.clone()).or_default().push(book.watchlist.clone());
        }
    }
    let mut looked: Vec<Looked> = Vec::new();
    for book in books {
        let earlier: Vec<Warning> = given.iter().filter(|w| w.concerns(&book.watchlist)).cloned().collect();
        let wish = Wish {
            now,
            zone: &config.daemon.timezone,
            sensitivity: sensitivity(&book.watchlist),
            gap: settings.gap,
            quiet: settings.quiet,
            explain,
        };
        let found = look(&book, &earlier, wish, memory.entry(book.watchlist.clone()).or_default());
        looked.push(Looked { watchlist: book.watchlist, found, earlier });
    }
    tell_once(&mut looked, &listening, &fed);
    Ok(looked)
}

/// One source that falls silent is one matter, however many watchlists it feeds: the warning of the first names the
/// others, and theirs are left out. A watchlist with a single source is as silent as that source.
fn tell_once(looked: &mut [Looked], listening: &[Listening], fed: &HashMap<String, Vec<String>>) {
    let mut told: BTreeSet<String> = BTreeSet::new();
    for one in looked {
        let sources = listening.iter().find(|l| l.watchlist == one.watchlist).map_or(&[][..], |l| &l.sources);
        one.found.new.retain_mut(|warning| {
            let source = match (&warning.tally.cause, sources) {
                _ if warning.unusual != Unusual::Quiet => return true,
                (Cause::Source(source), _) => source.clone(),
                (Cause::Watchlist, [only]) => only.clone(),
                _ => return true,
            };
            if told.contains(&source) {
                return false;
            }
            // It may name further sources that are as silent.
            let further = warning.also.iter().filter_map(|tally| match &tally.cause {
                Cause::Source(source) => Some(source.clone()),
                _ => None,
            });
            let silent: Vec<String> = std::iter::once(source.clone()).chain(further).collect();
            let others: BTreeSet<&String> = silent.iter().filter_map(|source| fed.get(source)).flatten().collect();
            warning.others = others.into_iter().filter(|other| **other != warning.watchlist).cloned().collect();
            if !warning.others.is_empty() {
                warning.tally.cause = Cause::Source(source);
            }
            told.extend(silent);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    const BASE: &str = "[mail]\nfrom = \"m@example.com\"\ntransport = \"directory\"\ndirectory = \"out\"\n\
        [watchlists.acme]\nquery = 'acme'\nalert = [\"a@example.com\", \"b@example.com\"]\n";

    fn readers_of(more: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mentiond.toml");
        std::fs::write(&path, format!("{BASE}{more}")).unwrap();
        let config = config::load(&path).unwrap().config;
        readers(&config, &silent("acme", Cause::Watchlist)).into_iter().map(|(_, to)| to).collect()
    }

    fn silent(watchlist: &str, cause: Cause) -> Warning {
        let now = Timestamp::UNIX_EPOCH;
        Warning {
            id: 0,
            watchlist: watchlist.into(),
            others: Vec::new(),
            unusual: Unusual::Quiet,
            tally: crate::model::Tally { cause, count: 0, usual: 20.0, seconds: 86_400, chance: 1e-9 },
            also: Vec::new(),
            also_more: 0,
            since: now,
            given: now,
            last: now,
            days: 30,
            hours: Vec::new(),
            mentions: Vec::new(),
            negative_usual: None,
            negative_now: None,
        }
    }

    #[test]
    fn one_silent_source_is_told_of_once_and_names_what_it_feeds() {
        let listening: Vec<Listening> =
            [("acme", vec!["forum", "news"]), ("bolt", vec!["forum"]), ("core", vec!["news"])]
                .map(|(watchlist, sources)| Listening {
                    watchlist: watchlist.into(),
                    sources: sources.into_iter().map(str::to_owned).collect(),
                })
                .into();
        let fed = HashMap::from([
            ("forum".to_owned(), vec!["acme".to_owned(), "bolt".to_owned()]),
            ("news".to_owned(), vec!["core".to_owned()]),
        ]);
        let looked = |watchlist: &str, warning: Warning| Looked {
            watchlist: watchlist.into(),
            found: Found { new: vec![warning], ..Found::default() },
            earlier: Vec::new(),
        };
        let rise = Warning { unusual: Unusual::Rise, ..silent("acme", Cause::Source("forum".into())) };
        let mut all = [
            looked("acme", silent("acme", Cause::Source("forum".into()))),
            looked("bolt", silent("bolt", Cause::Watchlist)),
            looked("core", silent("core", Cause::Watchlist)),
            looked("acme", rise.clone()),
        ];
        tell_once(&mut all, &listening, &fed);
        let [acme, bolt, core, risen] = all.map(|one| one.found.new);
        assert_eq!((acme.len(), acme[0].others.clone()), (1, vec!["bolt".to_owned()]));
        assert!(acme[0].concerns("bolt") && acme[0].concerns("acme") && !acme[0].concerns("core"));
        assert_eq!(bolt, [], "it is the same silence");
        assert_eq!((core[0].tally.cause.clone(), core[0].others.len()), (Cause::Watchlist, 0), "a source of its own");
        assert_eq!(risen, [rise], "a rise is another matter");
    }

    #[test]
    fn the_named_department_hears_of_it_else_the_community_else_the_subscribers() {
        let community = "[departments.c]\nemail = \"c@example.com\"\nrole = \"community\"\n";
        let press = "[departments.p]\nemail = \"p@example.com\"\n[warnings]\ndepartment = \"p\"\n";
        assert_eq!(readers_of(""), ["a@example.com", "b@example.com"]);
        assert_eq!(readers_of(community), ["c@example.com"]);
        assert_eq!(readers_of(&format!("{community}{press}")), ["p@example.com"]);
    }
}
