//! What all parts of one look share: who counts, what was said of late, and what is usual for each series.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::book::{Book, NEEDED_DAYS, Post, belongs, hour_at, hour_of, weeks};
use super::hours::HourSet;
use super::look::{Measure, Standing, Wish};
use super::tail::at_least;
use super::usual::{Hours, Prior, Usual};
use crate::model::{Category, Cause, Tally, Unusual, Warning, WarningHour};

/// Hours before the one that runs that are looked at together with it: about one hour, about three, a day.
const BACK: [usize; 3] = [1, 2, 23];
/// Independent looks that a month has, for each of these: neighbouring looks share most of their hours.
const LOOKS: [f64; 3] = [1_200.0, 800.0, 180.0];
/// How these share the budget: over about three hours a rise stands out that one hour is too short for, and a day comes late.
const WINDOWS: [f64; 3] = [0.2, 0.6, 0.2];
/// The whole's share of the budget, and that of each family of parts. Most of what is false comes from the parts, because
/// they are many and stray in more ways; most of what is true shows in the whole first.
const WHOLE: f64 = 0.64;
const PART: f64 = 0.12;
/// A whole that strays by this variance (a fifth of what is usual, as a standard deviation) uses its share and no more; one
/// that strays less up to [`Measure::calm`] times as much.
const STRAYS: f64 = 0.04;
/// Nothing is as rare as less than this share of its watchlist.
const LEAST_SHARE: f64 = 0.02;
/// What is left out of learning: now must not explain itself.
const RECENT: usize = 24;
/// What is usual is learnt anew once in so many hours.
const LEARN_EVERY: i64 = 24;
/// Hours that a look goes back: silence is looked for in the longest.
const REACH: usize = 2 * 72 + 1;
/// Where less of what is usual was listened to, nothing is judged.
const HEARD_SHARE: f64 = 0.5;
/// Hours in which less of a series than this was listened to say nothing about it.
const HEARD_LEAST: f64 = 0.3;
/// Hours of the chart.
const CHART: usize = 24;

/// What was learnt of a watchlist, for the looks of a day: learning costs far more than looking. Made anew by itself.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Up to which hour it was learnt, and of whom.
    pub(super) upto: i64,
    pub(super) sources: Vec<(String, bool)>,
    pub(super) known: HashMap<Cause, Arc<Learned>>,
}

/// What was learnt of one series.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    pub(super) usual: Usual,
    /// The sources that are in it and known for long enough, by their place, and which part of it each is.
    pub(super) shares: Vec<(usize, f64)>,
    pub(super) negative: Option<f64>,
}

/// One series, ready to be judged. Its hours begin at [`Scene::base`].
pub(super) struct Series {
    pub(super) cause: Cause,
    pub(super) counts: Vec<f64>,
    pub(super) heard: Vec<f64>,
    pub(super) learned: Arc<Learned>,
    /// Looks that share the budget with it.
    pub(super) alpha: [f64; 3],
}

/// A series in one of its windows.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) tally: Tally,
    pub(super) back: usize,
    /// How many more than usual.
    pub(super) excess: f64,
    pub(super) fires: bool,
    /// Probability in parts of what is allowed.
    pub(super) weight: f64,
}

/// What all parts of a look share.
pub(super) struct Scene<'a> {
    pub(super) book: &'a Book,
    pub(super) zone: &'a TimeZone,
    pub(super) now: Timestamp,
    /// Place of the first hour that is looked at, of the hour that runs, and up to where is learnt.
    pub(super) base: usize,
    pub(super) running: usize,
    pub(super) learn: usize,
    /// How much of the hour that runs is over.
    pub(super) over: f64,
    /// Hour of the week of the hours from `base` on.
    pub(super) week: Vec<u8>,
    pub(super) sources: Vec<Ear<'a>>,
    /// Days heard.
    pub(super) days: u32,
}

/// What was said of late, by cause.
pub(super) struct Recent {
    pub(super) all: Vec<f64>,
    pub(super) sources: Vec<Vec<f64>>,
    pub(super) categories: BTreeMap<Category, Vec<f64>>,
    pub(super) themes: BTreeMap<i64, Vec<f64>>,
}

/// A source as far as it counts.
pub(super) struct Ear<'a> {
    pub(super) heard: Cow<'a, HourSet>,
    pub(super) mature: bool,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        book: &'a Book,
        earlier: &[Warning],
        wish: &Wish<'a>,
        running: usize,
        memory: &mut Memory,
    ) -> Self {
        // Up to a full day at least a day ago, so that looks of one day agree.
        let last = hour_of(wish.now) - i64::try_from(RECENT).unwrap_or(24);
        let upto = last - last.rem_euclid(LEARN_EVERY);
        let learn = usize::try_from(upto - book.first).unwrap_or(0).min(running);
        let mut days = 0;
        let sources: Vec<Ear<'_>> = (book.sources.iter())
            .map(|listener| {
                let known = listener.heard.count(book.first..book.hour(running));
                days = days.max(known / 24);
                let mut heard = Cow::Borrowed(&listener.heard);
                // A time that was told of as silence is no part of what is usual.
                for silent in earlier.iter().filter(|w| {
                    w.unusual == Unusual::Quiet && belongs(&w.tally.cause, &listener.name, Category::Other, None)
                }) {
                    heard.to_mut().remove(hour_of(silent.since)..(hour_of(silent.last) + 1).min(book.hour(learn)));
                }
                Ear { heard, mature: known >= NEEDED_DAYS * 24 }
            })
            .collect();
        let whom = || book.sources.iter().zip(&sources).map(|(s, ear)| (s.name.as_str(), ear.mature));
        if memory.upto != upto || !memory.sources.iter().map(|(name, mature)| (name.as_str(), *mature)).eq(whom()) {
            let sources = whom().map(|(name, mature)| (name.to_owned(), mature)).collect();
            *memory = Memory { upto, sources, known: HashMap::new() };
        }
        let over = (wish.now.duration_since(hour_at(hour_of(wish.now))).as_secs_f64() / 3_600.0).clamp(1.0 / 60.0, 1.0);
        let base = running.saturating_sub(REACH);
        let week = weeks(book.hour(base), running - base + 1, wish.zone);
        Self { book, zone: wish.zone, now: wish.now, base, running, learn, over, week, sources, days }
    }

    /// Values of an hour, by its place in the book.
    pub(super) fn at(&self, values: &[f64], place: usize) -> f64 {
        place.checked_sub(self.base).and_then(|n| values.get(n)).copied().unwrap_or(0.0)
    }

    pub(super) fn week(&self, place: usize) -> u8 {
        place.checked_sub(self.base).and_then(|n| self.week.get(n)).copied().unwrap_or(0)
    }

    pub(super) fn name(&self, source: usize) -> &str {
        self.book.sources.get(source).map_or("", |s| s.name.as_str())
    }

    pub(super) fn is_mature(&self, source: usize) -> bool {
        self.sources.get(source).is_some_and(|s| s.mature)
    }

    /// All series that can be unusual; with `all` also those of which hardly anything was said of late.
    pub(super) fn series(&self, measure: Measure, all: bool, memory: &mut Memory) -> Vec<Series> {
        let mut recent = self.recent();
        let enough = |counts: &[f64]| all || counts.iter().rev().take(RECENT + 1).sum::<f64>() >= measure.least as f64;
        let whole = self.one(Cause::Watchlist, std::mem::take(&mut recent.all), None, measure, 1, memory);
        let mature = self.sources.iter().filter(|s| s.mature).count();
        // Where one source is all there is, it is no cause of its own. Sources can fall silent as well.
        let sources = recent.sources.into_iter().enumerate().filter(|(n, _)| mature > 1 && self.is_mature(*n));
        let sources = sources.map(|(n, counts)| (Cause::Source(self.name(n).to_owned()), counts, mature));
        let members = Category::ALL.len();
        let categories = recent.categories.into_iter().filter(|(_, counts)| enough(counts));
        let categories = categories.map(|(category, counts)| (Cause::Category(category), counts, members));
        let said = recent.themes.values().filter(|counts| counts.iter().rev().take(RECENT + 1).any(|n| *n > 0.0));
        let members = said.count().max(4);
        let themes = recent.themes.into_iter().filter(|(_, counts)| enough(counts));
        let themes = themes.map(|(theme, counts)| (Cause::Theme(theme), counts, members));
        let parts: Vec<(Cause, Vec<f64>, usize)> = sources.chain(categories).chain(themes).collect();
        let mut series = Vec::with_capacity(parts.len() + 1);
        for (cause, counts, members) in parts {
            series.push(self.one(cause, counts, Some(&whole), measure, members, memory));
        }
        series.insert(0, whole);
        series
    }

    /// Mentions of every cause in the hours from `base` on, as [`Scene::counts`] counts them, in one go.
    pub(super) fn recent(&self) -> Recent {
        let hours = self.running + 1 - self.base;
        let none = || vec![0.0; hours];
        let mut recent = Recent {
            all: none(),
            sources: self.sources.iter().map(|_| none()).collect(),
            categories: BTreeMap::new(),
            themes: BTreeMap::new(),
        };
        let first = self.book.hour(self.base);
        let from = self.book.cells.partition_point(|cell| cell.hour < first);
        for cell in self.book.cells.iter().skip(from) {
            let Some(n) = usize::try_from(cell.hour - first).ok().filter(|n| *n < hours) else { break };
            if !self.sources.get(cell.source).is_some_and(|ear| ear.mature && ear.heard.contains(cell.hour)) {
                continue;
            }
            let count = f64::from(cell.count);
            let add = |counts: &mut Vec<f64>| counts.get_mut(n).into_iter().for_each(|sum| *sum += count);
            add(&mut recent.all);
            recent.sources.get_mut(cell.source).into_iter().for_each(add);
            // Silence, which needs more than a day, is looked for in sources only.
            if n + RECENT + 2 < hours {
                continue;
            }
            add(recent.categories.entry(cell.category).or_insert_with(none));
            cell.theme.into_iter().for_each(|theme| add(recent.themes.entry(theme).or_insert_with(none)));
        }
        recent
    }

    /// Counts of one cause, and what is usual for it.
    pub(super) fn one(
        &self,
        cause: Cause,
        counts: Vec<f64>,
        whole: Option<&Series>,
        measure: Measure,
        members: usize,
        memory: &mut Memory,
    ) -> Series {
        let learned = match memory.known.get(&cause) {
            Some(learned) => Arc::clone(learned),
            None => {
                let learned = Arc::new(self.learn(&cause, whole));
                memory.known.insert(cause.clone(), Arc::clone(&learned));
                learned
            }
        };
        let hours = self.base..self.running + 1;
        let heard = self.heard(&learned.shares, hours);
        let mut counts = counts;
        // What was said where hardly anybody listened says nothing about the whole.
        counts.iter_mut().zip(&heard).filter(|(_, heard)| **heard <= 0.0).for_each(|(count, _)| *count = 0.0);
        let share = if whole.is_none() { WHOLE } else { PART / members.max(1) as f64 };
        let alpha = std::array::from_fn(|window| {
            let [looks, part, strays] =
                [LOOKS, WINDOWS, learned.usual.kappa].map(|all| all.get(window).copied().unwrap_or(1.0));
            let calm =
                if whole.is_none() { 1.0 + (measure.calm - 1.0) * (1.0 - strays / STRAYS).max(0.0) } else { 1.0 };
            measure.budget * share * part * calm / looks
        });
        Series { cause, counts, heard, learned, alpha }
    }

    /// Mentions of a cause, and negative ones, in each of these hours; those of sources that are not known for long, and of
    /// hours in which their source was not listened to, do not count.
    pub(super) fn counts(&self, cause: &Cause, hours: Range<usize>) -> (Vec<f64>, Vec<f64>) {
        let (mut counts, mut negative) = (vec![0.0; hours.len()], vec![0.0; hours.len()]);
        let first = self.book.hour(hours.start);
        let from = self.book.cells.partition_point(|cell| cell.hour < first);
        for cell in self.book.cells.iter().skip(from) {
            let Some(n) = usize::try_from(cell.hour - first).ok().filter(|n| *n < hours.len()) else { break };
            let heard = self.sources.get(cell.source).is_some_and(|ear| ear.mature && ear.heard.contains(cell.hour));
            if !heard || !belongs(cause, self.name(cell.source), cell.category, cell.theme) {
                continue;
            }
            if let (Some(count), Some(angry)) = (counts.get_mut(n), negative.get_mut(n)) {
                *count += f64::from(cell.count);
                *angry += f64::from(cell.negative);
            }
        }
        (counts, negative)
    }

    /// How much of a series was listened to in each of these hours.
    pub(super) fn heard(&self, shares: &[(usize, f64)], hours: Range<usize>) -> Vec<f64> {
        let mut heard = vec![0.0; hours.len()];
        for (source, share) in shares {
            let Some(ear) = self.sources.get(*source) else { continue };
            let listened = |(_, at): &(&mut f64, i64)| ear.heard.contains(*at);
            heard.iter_mut().zip(self.book.hour(hours.start)..).filter(listened).for_each(|(sum, _)| *sum += share);
        }
        heard.iter_mut().filter(|sum| **sum < HEARD_LEAST).for_each(|sum| *sum = 0.0);
        heard
    }

    pub(super) fn learn(&self, cause: &Cause, whole: Option<&Series>) -> Learned {
        let (hours, end) = (0..self.learn, self.book.hour(self.learn));
        let takes = |source: usize| match cause {
            Cause::Source(name) => self.name(source) == name,
            _ => true,
        };
        let mut said = vec![0.0; self.sources.len()];
        for cell in &self.book.cells {
            if cell.hour < end
                && self.sources.get(cell.source).is_some_and(|ear| ear.heard.contains(cell.hour))
                && belongs(cause, self.name(cell.source), cell.category, cell.theme)
                && let Some(sum) = said.get_mut(cell.source)
            {
                *sum += f64::from(cell.count);
            }
        }
        // Which part of the series each source is, by the hours in which it was heard.
        let mut shares: Vec<(usize, f64)> = (self.sources.iter().zip(&said).enumerate())
            .filter(|(n, (ear, _))| ear.mature && takes(*n))
            .map(|(n, (ear, said))| {
                let known = f64::from(ear.heard.count(self.book.first..end));
                (n, (said + 0.5) / known.max(1.0))
            })
            .collect();
        let all: f64 = shares.iter().map(|(_, share)| share).sum();
        shares.iter_mut().for_each(|(_, share)| *share /= all.max(f64::MIN_POSITIVE));
        let heard = self.heard(&shares, hours.clone());
        let (counts, negative) = self.counts(cause, hours);
        let week = weeks(self.book.first, self.learn, self.zone);
        let prior = whole.map(|w| Prior {
            shape: &w.learned.usual.shape,
            level: w.learned.usual.level * LEAST_SHARE,
            growth: w.learned.usual.growth,
        });
        let usual = Usual::fit(Hours { counts: &counts, heard: &heard, week: &week }, self.learn, prior);
        let (all, angry) = (counts.iter().sum::<f64>(), negative.iter().sum::<f64>());
        Learned { usual, shares, negative: (all >= 20.0).then(|| (angry / all * 1_000.0).round() / 1_000.0) }
    }

    /// How many there are in a window, and how many are usual in what was listened to.
    pub(super) fn window(&self, series: &Series, back: usize) -> (u64, f64, f64) {
        let from = self.running.saturating_sub(back);
        let (mut count, mut expected, mut whole) = (0.0, 0.0, 0.0);
        for at in from..=self.running {
            let share = if at == self.running { self.over } else { 1.0 };
            let usual = &series.learned.usual;
            whole += usual.expected(self.week(at), share);
            expected += usual.expected(self.week(at), share * self.at(&series.heard, at));
            count += self.at(&series.counts, at);
        }
        (count as u64, expected, whole)
    }

    pub(super) fn judge(&self, series: &Series, measure: Measure) -> Vec<Judged> {
        BACK.into_iter()
            .zip(series.alpha)
            .map(|(back, alpha)| {
                let (count, expected, whole) = self.window(series, back);
                let hours = back as f64 + self.over;
                let kappa = series.learned.usual.kappa_for(hours);
                let chance = at_least(count, expected, kappa);
                let tally = Tally {
                    cause: series.cause.clone(),
                    count,
                    usual: expected,
                    seconds: (hours * 3_600.0).round() as i64,
                    chance,
                };
                let listened = expected >= HEARD_SHARE * whole && expected > 0.0;
                let enough = count >= measure.least && count as f64 >= measure.times * expected;
                let excess = count as f64 - expected;
                Judged { tally, back, excess, fires: listened && enough && chance < alpha, weight: chance / alpha }
            })
            .collect()
    }

    pub(super) fn standing(&self, series: &Series, judged: &[Judged], measure: Measure) -> Standing {
        let day: f64 = (0..168_u8).map(|week| series.learned.usual.expected(week, 1.0)).sum::<f64>() / 7.0;
        let now = judged
            .iter()
            .zip(series.alpha)
            .map(|(j, alpha)| {
                let kappa = series.learned.usual.kappa_for(j.tally.seconds as f64 / 3_600.0);
                let least = measure.least.max((measure.times * j.tally.usual).ceil() as u64);
                (j.tally.clone(), first_unlikely(least, j.tally.usual, kappa, alpha))
            })
            .collect();
        let [.., strays] = series.learned.usual.kappa;
        Standing { cause: series.cause.clone(), a_day: day, now, strays: strays.sqrt() }
    }

    /// When it began: the start that makes what followed least like the usual (the log-likelihood ratio of a Poisson count,
    /// as in a CUSUM: Page, Biometrika 41, 1954).
    pub(super) fn since(&self, series: &Series) -> Timestamp {
        let (mut count, mut expected, mut best) = (0.0, 0.0, (0.0, self.running));
        for at in (self.running.saturating_sub(RECENT)..=self.running).rev() {
            let share = if at == self.running { self.over } else { 1.0 };
            let here = self.at(&series.counts, at);
            count += here;
            expected += series.learned.usual.expected(self.week(at), share * self.at(&series.heard, at));
            if here > 0.0 && count > expected && expected > 0.0 {
                let gain = count * (count / expected).ln() - (count - expected);
                if gain > best.0 {
                    best = (gain, at);
                }
            }
        }
        hour_at(self.book.hour(best.1))
    }

    /// Mentions of a cause that were published in a window, newest first.
    pub(super) fn mentions(&self, cause: &Cause, back: usize) -> Vec<&Post> {
        let from = hour_of(self.now) - i64::try_from(back).unwrap_or(0);
        let here = |p: &&Post| {
            p.hour >= from && self.is_mature(p.source) && belongs(cause, self.name(p.source), p.category, p.theme)
        };
        let mut posts: Vec<_> = self.book.posts.iter().filter(here).collect();
        posts.sort_by_key(|p| std::cmp::Reverse((p.hour, p.mention)));
        posts
    }

    pub(super) fn chart(&self, series: &Series) -> Vec<WarningHour> {
        let hours = self.running.saturating_sub(CHART - 1)..=self.running;
        hours
            .map(|at| {
                let heard = self.at(&series.heard, at);
                let usual = series.learned.usual.expected(self.week(at), heard);
                WarningHour {
                    at: hour_at(self.book.hour(at)),
                    count: self.at(&series.counts, at) as u64,
                    usual: (heard > 0.0).then_some((usual * 100.0).round() / 100.0),
                }
            })
            .collect()
    }
}

/// The smallest count from `least` on that is less likely than `alpha`.
pub(super) fn first_unlikely(least: u64, mean: f64, kappa: f64, alpha: f64) -> u64 {
    let (mut low, mut high) = (least, least.max(1));
    while at_least(high, mean, kappa) >= alpha && high < 1 << 40 {
        low = high + 1;
        high *= 2;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if at_least(middle, mean, kappa) < alpha { high = middle } else { low = middle + 1 }
    }
    low
}
