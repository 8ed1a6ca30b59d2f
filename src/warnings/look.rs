//! One look at a watchlist: what is unusual now, what explains it, and whether it was said before.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::book::{Book, belongs, hour_at, hour_of};
use super::hours::HourSet;
use super::scene::{Judged, Memory, Scene, Series};
use super::tail::at_most;
use crate::model::{Cause, Sensitivity, Tally, Unusual, Warning};

/// Heard hours that silence is looked for in.
const SILENT: [usize; 3] = [6, 24, 72];
/// Silence where fewer than so many are usual says nothing, …
const SILENT_FROM: f64 = 8.0;
/// … and it is silence up to this share of what is usual.
const SILENT_SHARE: f64 = 0.1;
/// Looks for silence in a month, and false ones that are allowed in it for a whole watchlist.
const SILENT_LOOKS: f64 = 500.0;
const SILENT_BUDGET: f64 = 0.05;
/// A part explains the whole if it holds this share of what is too much.
const EXPLAINS: f64 = 0.6;
/// … and is itself as unlikely as this.
const UNLIKELY: f64 = 0.01;
/// It is the same cause if this share of its mentions belongs to what was told of.
const SAME: f64 = 0.5;
/// Other unusual things that a warning names.
const MAX_ALSO: usize = 5;
/// Mentions that a warning holds.
const MAX_MENTIONS: usize = 200;

/// What a sensitivity means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// False warnings that all series of a watchlist together would give in a month if counts strayed as is assumed. Those
    /// of people stray in more ways: months that do give up to five times as many (`tests/warnings_measure.rs`).
    pub budget: f64,
    /// How many times its share of that the whole may use where it hardly strays: there the negative binomial tail is right,
    /// and keeps what the budget says. Where counts stray theirs is longer, the more so the more they do.
    pub calm: f64,
    /// At least so many mentions …
    pub least: u64,
    /// … and so many times the usual.
    pub times: f64,
}

impl Measure {
    /// What the words of the configuration mean; `None` if nothing is to be told.
    pub fn of(sensitivity: Sensitivity) -> Option<Self> {
        match sensitivity {
            Sensitivity::Few => Some(Self { budget: 0.045, calm: 5.0, least: 8, times: 3.0 }),
            Sensitivity::Balanced => Some(Self { budget: 0.18, calm: 5.0, least: 5, times: 2.0 }),
            Sensitivity::More => Some(Self { budget: 0.9, calm: 1.5, least: 4, times: 1.6 }),
            Sensitivity::Off => None,
        }
    }
}

/// How a look is made.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    pub now: Timestamp,
    /// Zone of the people who write.
    pub zone: &'a TimeZone,
    pub sensitivity: Sensitivity,
    /// So long nothing more is said about one cause.
    pub gap: Duration,
    /// Whether silence is told of.
    pub quiet: bool,
    /// Whether all that was looked at is wanted, and not only what is unusual.
    pub explain: bool,
}

/// What a look found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Too young to tell: so many days were heard of those that are needed.
    pub young: Option<u32>,
    /// To be told.
    pub new: Vec<Warning>,
    /// Numbers of earlier warnings that still hold.
    pub still: Vec<i64>,
    /// Everything that was looked at, if it was wished for.
    pub standing: Vec<Standing>,
}

/// How one series stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub cause: Cause,
    /// Mentions that are usual in a day.
    pub a_day: f64,
    /// How it is over about an hour, about three hours and a day, with the count from which on it would be told.
    pub now: Vec<(Tally, u64)>,
    /// How far counts stray from what is usual, over a day: standard deviation as a share of it, chance aside.
    pub strays: f64,
}

/// Looks at a watchlist. `earlier` are its warnings of the time of the book, oldest first.
/// `memory` is what was learnt at the look before, of the same watchlist.
pub fn look(book: &Book, earlier: &[Warning], wish: Wish<'_>, memory: &mut Memory) -> Found {
    let measure = Measure::of(wish.sensitivity);
    let explained = Measure::of(Sensitivity::Balanced);
    let Some(measure) = measure.or(explained.filter(|_| wish.explain)) else { return Found::default() };
    let Some(running) = book.hours.checked_sub(1) else { return Found::default() };
    let scene = Scene::new(book, earlier, &wish, running, memory);
    let mut found = Found::default();
    if !scene.sources.iter().any(|s| s.mature) {
        found.young = Some(scene.days);
        return found;
    }
    let series = scene.series(measure, wish.explain, memory);
    let judged: Vec<Vec<Judged>> = series.iter().map(|s| scene.judge(s, measure)).collect();
    if wish.explain {
        found.standing = series.iter().zip(&judged).map(|(s, j)| scene.standing(s, j, measure)).collect();
    }
    rise(&scene, &series, &judged, earlier, &wish, &mut found);
    if wish.quiet {
        quiet(&scene, &series, earlier, &wish, &mut found);
    }
    found
}

/// How specific a cause is: what it is about says more than where it stands.
fn specific(cause: &Cause) -> u8 {
    match cause {
        Cause::Watchlist => 0,
        Cause::Source(_) => 1,
        Cause::Category(_) => 2,
        Cause::Theme(_) => 3,
    }
}

fn rise(
    scene: &Scene<'_>,
    series: &[Series],
    judged: &[Vec<Judged>],
    earlier: &[Warning],
    wish: &Wish<'_>,
    found: &mut Found,
) {
    // The window of each series that is least likely.
    let mut firing: Vec<(usize, &Judged)> = (judged.iter().enumerate())
        .filter_map(|(n, windows)| {
            let fires = windows.iter().filter(|j| j.fires);
            fires.min_by(|a, b| a.weight.total_cmp(&b.weight)).map(|j| (n, j))
        })
        .collect();
    firing.sort_by(|a, b| b.1.excess.total_cmp(&a.1.excess).then(a.0.cmp(&b.0)));
    let told = |w: &&Warning| w.unusual == Unusual::Rise && recently(w, wish);
    let mut new: Vec<(usize, &Judged)> = Vec::new();
    for (n, fires) in firing {
        let posts = scene.mentions(&fires.tally.cause, fires.back);
        let share = |told: &Warning| {
            let same = posts
                .iter()
                .filter(|p| told.causes().any(|cause| belongs(cause, scene.name(p.source), p.category, p.theme)));
            same.count() as f64 >= SAME * posts.len() as f64
        };
        match earlier.iter().filter(told).find(|w| share(w)) {
            Some(known) => found.still.push(known.id),
            None => new.push((n, fires)),
        }
    }
    found.still.sort_unstable();
    found.still.dedup();
    let Some((whole, lead)) = new.first().copied() else { return };
    // The most specific part that holds most of what is too much.
    let explains = |n: &usize| {
        let part = judged.get(*n).and_then(|windows| windows.iter().find(|j| j.back == lead.back));
        part.is_some_and(|p| p.excess >= EXPLAINS * lead.excess && p.tally.chance < UNLIKELY)
            && *n != whole
            && series.get(*n).is_some_and(|s| specific(&s.cause) > specific(&lead.tally.cause))
    };
    let excess =
        |n: usize| judged.get(n).and_then(|w| w.iter().find(|j| j.back == lead.back)).map_or(0.0, |part| part.excess);
    let best = (0..series.len()).filter(explains).max_by(|a, b| {
        let rank = |n: usize| (series.get(n).map_or(0, |s| specific(&s.cause)), excess(n));
        let ((x, more_x), (y, more_y)) = (rank(*a), rank(*b));
        x.cmp(&y).then(more_x.total_cmp(&more_y))
    });
    let chosen = best.unwrap_or(whole);
    let (Some(series), Some(judged)) =
        (series.get(chosen), judged.get(chosen).and_then(|windows| windows.iter().find(|j| j.back == lead.back)))
    else {
        return;
    };
    let also = new.iter().filter(|(n, _)| *n != chosen).map(|(_, j)| j.tally.clone()).collect();
    let (also, also_more) = named(also);
    let since = scene.since(series);
    let posts = scene.mentions(&series.cause, judged.back);
    let angry = posts.iter().filter(|p| p.negative).count();
    found.new.push(Warning {
        id: 0,
        watchlist: scene.book.watchlist.clone(),
        others: Vec::new(),
        unusual: Unusual::Rise,
        tally: judged.tally.clone(),
        also,
        also_more,
        since,
        given: wish.now,
        last: wish.now,
        days: scene.days,
        hours: scene.chart(series),
        negative_now: (posts.len() >= 5).then(|| angry as f64 / posts.len() as f64),
        mentions: posts.iter().take(MAX_MENTIONS).map(|p| p.mention).collect(),
        negative_usual: series.learned.negative,
    });
}

/// What else is unusual, as far as it is named, and how much more there is.
fn named(mut all: Vec<Tally>) -> (Vec<Tally>, u64) {
    let more = all.len().saturating_sub(MAX_ALSO) as u64;
    all.truncate(MAX_ALSO);
    (all, more)
}

/// Whether the gap that must lie between two warnings about one cause is not over.
fn recently(warning: &Warning, wish: &Wish<'_>) -> bool {
    let gap = SignedDuration::try_from(wish.gap).unwrap_or(SignedDuration::MAX);
    wish.now.duration_since(warning.last) < gap
}

fn quiet(scene: &Scene<'_>, series: &[Series], earlier: &[Warning], wish: &Wish<'_>, found: &mut Found) {
    let is_judged = |s: &&Series| matches!(s.cause, Cause::Watchlist | Cause::Source(_));
    let members = series.iter().filter(is_judged).count().max(1) as f64;
    let alpha = SILENT_BUDGET / members / SILENT_LOOKS;
    let mut silent: Vec<(&Series, Tally, Timestamp)> =
        series.iter().filter(is_judged).filter_map(|s| silence(scene, s, alpha)).collect();
    // One silent source that is most of the brand is the cause; if all are silent it is the brand.
    let sources = silent.iter().filter(|(s, ..)| s.cause != Cause::Watchlist).count();
    let all = scene.sources.iter().filter(|s| s.mature).count();
    if silent.iter().any(|(s, ..)| s.cause == Cause::Watchlist) && sources > 0 {
        let brand = sources == all;
        silent.retain(|(s, ..)| (s.cause == Cause::Watchlist) == brand);
    }
    silent.sort_by(|a, b| b.1.usual.total_cmp(&a.1.usual));
    let mut new: Vec<(&Series, Tally, Timestamp)> = Vec::new();
    for (series, tally, since) in silent {
        let told = |w: &&Warning| {
            // One silence goes on until something is heard, however seldom it is looked at.
            w.unusual == Unusual::Quiet
                && (recently(w, wish) || since <= w.last)
                && w.causes().any(|c| *c == series.cause || *c == Cause::Watchlist || series.cause == Cause::Watchlist)
        };
        match earlier.iter().find(told) {
            Some(known) => found.still.push(known.id),
            None => new.push((series, tally, since)),
        }
    }
    let mut new = new.into_iter();
    let Some((series, tally, since)) = new.next() else { return };
    let (also, also_more) = named(new.map(|(_, tally, _)| tally).collect());
    found.new.push(Warning {
        id: 0,
        watchlist: scene.book.watchlist.clone(),
        others: Vec::new(),
        unusual: Unusual::Quiet,
        tally,
        also,
        also_more,
        since,
        given: wish.now,
        last: wish.now,
        days: scene.days,
        hours: scene.chart(series),
        mentions: Vec::new(),
        negative_usual: None,
        negative_now: None,
    });
}

/// The shortest time in which a series was silent although it was listened to, if that is improbable.
fn silence<'s>(scene: &Scene<'_>, series: &'s Series, alpha: f64) -> Option<(&'s Series, Tally, Timestamp)> {
    // Only what was asked for since says that there was nothing: up to the last hearing of each source.
    let listeners: Vec<(&HourSet, &BTreeMap<i64, u32>, f64, i64)> = (series.learned.shares.iter())
        .filter_map(|(source, share)| {
            let (listener, ear) = (scene.book.sources.get(*source)?, scene.sources.get(*source)?);
            Some((ear.heard.as_ref(), &listener.seen, *share, listener.last.map_or(i64::MIN, hour_of)))
        })
        .collect();
    let seen_at = |at: usize| {
        let hour = scene.book.hour(at);
        listeners.iter().map(|(_, seen, ..)| seen.get(&hour).copied().unwrap_or(0)).sum::<u32>()
    };
    let said_at = |at: usize| scene.at(&series.counts, at);
    let (mut said, mut seen) = (said_at(scene.running), f64::from(seen_at(scene.running)));
    let (mut heard_hours, mut expected) = (0_usize, 0.0);
    let [.., longest] = SILENT;
    for at in (scene.running.saturating_sub(2 * longest)..scene.running).rev() {
        let hour = scene.book.hour(at);
        let listened = (listeners.iter())
            .map(|(heard, _, share, upto)| if hour < *upto && heard.contains(hour) { *share } else { 0.0 })
            .sum::<f64>();
        said += said_at(at);
        seen += f64::from(seen_at(at));
        if listened < 0.3 {
            continue;
        }
        heard_hours += 1;
        expected += series.learned.usual.expected(scene.week(at), listened);
        if said.max(seen) > SILENT_SHARE * expected.max(SILENT_FROM * 8.0) {
            return None;
        }
        if !SILENT.contains(&heard_hours) || expected < SILENT_FROM || said.max(seen) > SILENT_SHARE * expected {
            continue;
        }
        let count = said.max(seen) as u64;
        let chance = at_most(count, expected, series.learned.usual.kappa_for(24.0));
        if chance < alpha {
            let hours = scene.running - at;
            let tally = Tally {
                cause: series.cause.clone(),
                count,
                usual: expected,
                seconds: ((hours as f64 + scene.over) * 3_600.0).round() as i64,
                chance,
            };
            let last = (scene.base..at).rev().find(|at| said_at(*at) > 0.0);
            let since = if count == 0 { last.map_or(at, |last| last + 1) } else { at };
            return Some((series, tally, hour_at(scene.book.hour(since))));
        }
    }
    None
}
