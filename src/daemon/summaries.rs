//! Collected mail: looks who is due, gathers what the record knows, and queues the mail together with the note that it
//! was made. A crash before that repeats the work, a crash after it repeats nothing.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::World;
use super::engine::Engine;
use super::reading::Lines;
use crate::model::{Cause, Listed, Summary, UnusualLine};
use crate::store::StoreError;
use crate::store::record::{DeliveryContent, LastDigest, Look, Moment, NewDelivery, Steps};
use crate::summaries::{Belongs, Digest, Due, Heard, Span, Wanted, due, wanted};
use crate::themes::NamedQueries;

/// Warnings that are named; more would not be read.
const MAX_UNUSUAL: usize = 5;
/// A warning holds if it was seen to go on within this time.
pub const HOLDS: SignedDuration = SignedDuration::from_hours(2);

/// Makes all collected mail that is due; returns the number of mails.
///
/// # Errors
/// The record cannot be read or written.
pub(super) async fn make_due(world: &World, engine: &Arc<Engine>) -> Result<u64, StoreError> {
    let record = world.store.record();
    let mut made = 0;
    for (number, wanted) in wanted(&engine.config.routing).enumerate() {
        let (key, kind) = (wanted.department.key.clone(), wanted.kind);
        let now = world.clock.now();
        let last = record.last_digest(key.clone(), kind).await?;
        let (from, to) = match due(&wanted, last.map(|last| last.until), now) {
            Due::NotYet => continue,
            Due::Begin { from } => {
                record.begin_digests(key, kind, from, now).await?;
                continue;
            }
            Due::Send { from, to } => (from, to),
        };
        let (after, steps) = last.map_or_else(Default::default, |last| (last.upto, last.steps));
        let begins = LastDigest { until: from, upto: after, steps };
        let own = Arc::clone(engine);
        let (summary, reaches) = record.look(move |moment| gather(&own, number, moment, begins, to, now)).await?;
        let mail = NewDelivery {
            recipient: wanted.department.email.clone(),
            message_id: engine.message_id(now),
            once: Some(format!("{key} until {to}")),
            content: DeliveryContent::Summary { summary: Box::new(summary) },
        };
        if record.queue_digest(key.clone(), kind, reaches, mail, now).await? {
            made += 1;
            let late = Wanted::is_late(to, now);
            tracing::info!(event = "digest", department = %key, kind = kind.as_str(), late, "collected mail was queued");
        }
    }
    if made > 0 {
        world.mail_due.notify_one();
    }
    Ok(made)
}

/// When the next collected mail is due, if any is ordered.
pub(super) fn next(engine: &Engine, now: Timestamp) -> Option<Timestamp> {
    wanted(&engine.config.routing).filter_map(|wanted| wanted.next(now)).min()
}

/// The themes that a mention belongs to: those that the configuration names with a query, and the one that it was placed
/// in, if that had to be acted on.
pub fn themes_of<'t>(themes: &'t NamedQueries, heard: &Heard<'t>) -> Vec<Belongs<'t>> {
    let mention = heard.mention;
    let lines = Lines::of(&mention.entry);
    let mut document = lines.document(&mention.entry, &mention.source);
    document.lang = &mention.classification.language.code;
    Belongs::all(themes.of(&document), heard.theme)
}

/// Reads one digest from the record, and how far it reaches. `number` is its place among all that are wanted; it begins
/// where the one before ended.
fn gather(
    engine: &Engine,
    number: usize,
    moment: &Moment<'_>,
    begins: LastDigest,
    to: Timestamp,
    now: Timestamp,
) -> Result<(Summary, LastDigest), StoreError> {
    let config = &engine.config;
    let (from, after) = (begins.until, begins.upto);
    let (upto, steps): (i64, Steps) = (moment.newest()?, moment.steps()?);
    let Some(wanted) = wanted(&config.routing).nth(number) else { return Err(StoreError::Stopped) };
    let mut digest = Digest::new(&config.routing, wanted, Span { from, to, after, upto });
    let look = Look { since: digest.reads_from(), after, upto };
    moment.mentions(look, |heard| digest.add(heard, &themes_of(&engine.themes, &heard)))?;
    let sources: Vec<String> = config.sources.iter().map(|source| source.name.clone()).collect();
    let coverage = moment.coverage(&sources, from, now)?;
    let cases = moment.open_cases()?;
    let unusual = unusual(engine, &wanted, moment, (from, to), now)?;
    let since = moment.since(begins.steps, steps)?;
    let summary = digest.finish(&cases, since, coverage, moment.began(now)?, now);
    let reaches = LastDigest { until: to, upto, steps };
    Ok((Summary { unusual: Listed::first(unusual, MAX_UNUSUAL), ..summary }, reaches))
}

/// The warnings of the period that a department should know of: it was sent them, one of their mentions is its own, or it
/// is told of everything.
fn unusual(
    engine: &Engine,
    wanted: &Wanted<'_>,
    moment: &Moment<'_>,
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<Vec<UnusualLine>, StoreError> {
    let department = wanted.department;
    let told = department.role.is_some() || engine.config.early.department.as_deref() == Some(&*department.key);
    let mut lines = Vec::new();
    for warning in moment.warnings(from)?.into_iter().filter(|w| from <= w.given && w.given < to) {
        if !told {
            let mentions = moment.mentions_by_id(&warning.mentions)?;
            if !mentions.values().any(|mention| mention.decision.department == department.key) {
                continue;
            }
        }
        let (cases, open) = moment.cases_of(&warning.mentions)?;
        let theme = match warning.tally.cause {
            Cause::Theme(id) => moment.theme_name(id)?,
            _ => None,
        };
        lines.push(UnusualLine {
            id: warning.id,
            watchlist: warning.watchlist,
            unusual: warning.unusual,
            theme,
            since: warning.since,
            given: warning.given,
            over: (now.duration_since(warning.last) >= HOLDS).then_some(warning.last),
            tally: warning.tally,
            cases,
            open,
        });
    }
    Ok(lines)
}
