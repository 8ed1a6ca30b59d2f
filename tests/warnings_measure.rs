//! Measures early warning on simulated months: false warnings where nothing is wrong, and how soon a rise is told of. The
//! months have a weekly rhythm, days that differ, bursts, a trend, holidays and outages with a backlog behind them; every
//! number comes from a fixed seed. `MENTIOND_LONG=1` (or a release build) simulates 200 months a kind, otherwise fewer.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a test may panic")]

#[path = "support/dice.rs"]
mod dice;

use std::collections::BTreeMap;
use std::time::Duration;

use dice::Dice;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mentiond::model::{Category, Cause, Sensitivity, Unusual, Warning};
use mentiond::warnings::{Book, Cell, DAYS, HourSet, Listener, Memory, Post, Wish, at_least, look};

/// A Monday, 0 h UTC.
const START: Timestamp = Timestamp::constant(1_772_409_600, 0);
const CATEGORIES: [(Category, f64); 6] = [
    (Category::Complaint, 0.35),
    (Category::Question, 0.2),
    (Category::Praise, 0.2),
    (Category::Technical, 0.15),
    (Category::Suggestion, 0.07),
    (Category::Refund, 0.03),
];
const SOURCES: [f64; 3] = [0.6, 0.3, 0.1];
const THEMES: i64 = 25;

fn is_long() -> bool {
    std::env::var_os("MENTIOND_LONG").is_some() || !cfg!(debug_assertions)
}

fn months() -> u64 {
    if is_long() { 200 } else { 2 }
}

/// Rises of each rate: they cost less than months.
fn rises() -> u64 {
    if is_long() { 200 } else { 8 }
}

impl Dice {
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 200.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let (limit, mut product, mut n) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            n += 1;
        }
        n
    }

    /// Mean 1, variance `kappa` (Marsaglia and Tsang 2000).
    fn gamma(&mut self, kappa: f64) -> f64 {
        if kappa <= 0.0 {
            return 1.0;
        }
        let shape = 1.0 / kappa;
        let (d, boost) = if shape < 1.0 {
            (shape + 1.0 - 1.0 / 3.0, self.unit().powf(1.0 / shape))
        } else {
            (shape - 1.0 / 3.0, 1.0)
        };
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.unit().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v * boost * kappa;
            }
        }
    }
}

/// How a brand is.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    per_day: f64,
    /// Variance of an hour's and a day's factor.
    hour: f64,
    day: f64,
    /// Variance of each category's factor of an hour.
    category: f64,
    /// Times as much after 30 days.
    trend: f64,
    outages: u64,
    holidays: u64,
}

impl Kind {
    /// How far two hours stray from what is usual beyond chance, as a variance: two hours and categories, one day.
    fn strays(&self) -> f64 {
        let shares: f64 = CATEGORIES.iter().map(|(_, share)| share * share).sum();
        (self.hour + self.category * shares) / 2.0 + self.day
    }
}

const CALM: Kind =
    Kind { name: "calm", per_day: 120.0, hour: 0.0, day: 0.0, category: 0.0, trend: 1.0, outages: 0, holidays: 0 };

/// A rise: the whole, or one category, from an hour on.
#[derive(Clone, Copy)]
struct Rise {
    /// Quarters of an hour since the start.
    from: i64,
    times: f64,
    category: Option<Category>,
}

/// A weekly rhythm: nights, lunch, evenings, and less on the last two days.
fn rhythm(hour: i64) -> f64 {
    let (clock, day) = (hour.rem_euclid(24), hour.rem_euclid(168) / 24);
    let of_clock = [
        0.35, 0.22, 0.15, 0.12, 0.12, 0.2, 0.45, 0.8, 1.2, 1.5, 1.6, 1.55, 1.4, 1.35, 1.4, 1.45, 1.5, 1.5, 1.55, 1.6,
        1.5, 1.2, 0.85, 0.55,
    ];
    of_clock[clock as usize] * [1.1, 1.1, 1.1, 1.1, 1.05, 0.8, 0.75][day as usize] / 1.048
}

struct World {
    kind: Kind,
    dice: Dice,
    book: Book,
    /// What was said while nobody listened, by source.
    waiting: Vec<(usize, Cell, Vec<Post>)>,
    outages: Vec<(usize, i64, i64)>,
    holidays: Vec<(i64, f64)>,
    next: i64,
    hour_factor: f64,
    day_factor: f64,
    category_factors: Vec<f64>,
}

impl World {
    fn new(kind: Kind, seed: u64, days: i64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ 0xfeed);
        let months = days as f64 / 30.0;
        let count = |n: u64| (n as f64 * months).round() as u64;
        let mut outages = Vec::new();
        for _ in 0..count(kind.outages) {
            let from = dice.below((days * 96) as u64) as i64;
            let length = 4 + dice.below(120) as i64;
            // One source, or mentiond itself.
            let whose = dice.below(4) as usize;
            for source in 0..SOURCES.len() {
                if whose == source || whose == 3 {
                    outages.push((source, from, from + length));
                }
            }
        }
        let holidays = (0..count(kind.holidays))
            .map(|n| (dice.below(days as u64) as i64, if n % 2 == 0 { 0.5 } else { 1.5 }))
            .collect();
        let sources = (0..SOURCES.len())
            .map(|n| Listener { name: format!("s{n}"), heard: HourSet::default(), last: None, seen: BTreeMap::new() })
            .collect();
        let first = START.as_second() / 3_600;
        let book = Book { watchlist: "acme".into(), first, hours: 0, sources, cells: Vec::new(), posts: Vec::new() };
        let (hour_factor, day_factor, category_factors) = (1.0, 1.0, vec![1.0; CATEGORIES.len()]);
        Self {
            kind,
            dice,
            book,
            waiting: Vec::new(),
            outages,
            holidays,
            next: 1,
            hour_factor,
            day_factor,
            category_factors,
        }
    }

    /// Usual mentions an hour at a moment, whatever the noise.
    fn usual(&self, quarter: i64) -> f64 {
        let days = quarter as f64 / 96.0;
        self.kind.per_day / 24.0 * rhythm(quarter / 4) * self.kind.trend.powf(days / 30.0)
    }

    /// Lets a quarter of an hour pass.
    fn pass(&mut self, quarter: i64, rise: Option<Rise>) {
        let (hour, day) = (quarter / 4, quarter / 96);
        let absolute = START.as_second() / 3_600 + hour;
        if quarter % 96 == 0 {
            self.day_factor = self.dice.gamma(self.kind.day);
            let keep = absolute - DAYS * 24;
            if keep > self.book.first {
                let gone = (keep - self.book.first) as usize;
                self.book.cells.retain(|c| c.hour >= keep);
                self.book.first = keep;
                self.book.hours -= gone;
            }
        }
        if quarter % 4 == 0 {
            self.hour_factor = self.dice.gamma(self.kind.hour);
            for factor in &mut self.category_factors {
                *factor = self.dice.gamma(self.kind.category);
            }
            self.book.hours += 1;
            for source in &mut self.book.sources {
                source.heard.insert(absolute..absolute + 1);
            }
            self.book.posts.retain(|p| p.hour >= absolute - 25);
        }
        let holiday = self.holidays.iter().find(|(d, _)| *d == day).map_or(1.0, |(_, factor)| *factor);
        let rate = self.usual(quarter) / 4.0 * self.hour_factor * self.day_factor * holiday;
        let now = START + SignedDuration::from_mins(15 * (quarter + 1));
        for (source, portion) in SOURCES.into_iter().enumerate() {
            let deaf = self.outages.iter().any(|(s, from, to)| *s == source && (*from..*to).contains(&quarter));
            if deaf {
                // A poll every quarter of an hour: the hour in which it began to fail is blind from the last one on.
                self.book.sources[source].heard.remove(absolute..absolute + 1);
            } else {
                self.book.sources[source].last = Some(now);
                let (back, rest) = std::mem::take(&mut self.waiting).into_iter().partition(|(s, ..)| *s == source);
                self.waiting = rest;
                let back: Vec<_> = back;
                if !back.is_empty() {
                    for (_, cell, posts) in back {
                        self.book.cells.push(cell);
                        self.book.posts.extend(posts.into_iter().filter(|p| p.hour >= absolute - 25));
                    }
                    self.book.cells.sort_by_key(|c| c.hour);
                }
            }
            for (n, (category, share)) in CATEGORIES.into_iter().enumerate() {
                let mut mean = rate * portion * share * self.category_factors[n];
                if let Some(rise) = rise.filter(|r| (r.from..r.from + 12).contains(&quarter)) {
                    match rise.category {
                        None => mean *= rise.times,
                        Some(one) if one == category => {
                            mean += (rise.times - 1.0) * rate * portion;
                        }
                        Some(_) => {}
                    }
                }
                let count = self.dice.poisson(mean);
                for _ in 0..count {
                    let theme = (self.dice.unit() < 0.5).then(|| 1 + (THEMES as f64 * self.dice.unit().powi(2)) as i64);
                    let post = Post {
                        mention: self.next,
                        hour: absolute,
                        source,
                        category,
                        theme,
                        negative: self.dice.unit() < 0.4,
                    };
                    self.next += 1;
                    let cell =
                        Cell { hour: absolute, source, category, theme, count: 1, negative: u32::from(post.negative) };
                    if deaf {
                        self.waiting.push((source, cell, vec![post]));
                        continue;
                    }
                    let same = |c: &&mut Cell| {
                        (c.hour, c.source, c.category, c.theme) == (cell.hour, cell.source, cell.category, cell.theme)
                    };
                    match self.book.cells.iter_mut().rev().take_while(|c| c.hour == absolute).find(same) {
                        Some(known) => {
                            (known.count, known.negative) = (known.count + 1, known.negative + cell.negative)
                        }
                        None => self.book.cells.push(cell),
                    }
                    self.book.posts.push(post);
                    *self.book.sources[source].seen.entry(absolute).or_default() += 1;
                }
            }
        }
    }
}

fn wish(zone: &TimeZone, now: Timestamp, sensitivity: Sensitivity) -> Wish<'_> {
    Wish { now, zone, sensitivity, gap: Duration::from_secs(86_400), quiet: true, explain: false }
}

/// Warnings of a month of 30 days after 56 of learning. Nothing is wrong in it unless `rise` says so.
fn month(kind: Kind, seed: u64, sensitivity: Sensitivity) -> Vec<Warning> {
    let mut world = World::new(kind, seed, DAYS + 30);
    let (mut given, mut memory): (Vec<Warning>, _) = (Vec::new(), Memory::default());
    for quarter in 0..(DAYS + 30) * 96 {
        world.pass(quarter, None);
        if quarter < DAYS * 96 {
            continue;
        }
        let now = START + SignedDuration::from_mins(15 * (quarter + 1) - 1);
        let found = look(&world.book, &given, wish(&TimeZone::UTC, now, sensitivity), &mut memory);
        for id in found.still {
            given.iter_mut().find(|w| w.id == id).unwrap().last = now;
        }
        for mut warning in found.new {
            warning.id = given.len() as i64 + 1;
            given.push(warning);
        }
    }
    given
}

/// Two kinds of work at a time, as the machine has it.
fn over<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8) as u64;
    std::thread::scope(|scope| {
        let work = &work;
        let parts: Vec<_> = (0..threads)
            .map(|part| scope.spawn(move || (part..count).step_by(threads as usize).map(work).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

#[test]
fn false_warnings_are_few() {
    let kinds = [
        CALM,
        Kind { name: "slow", per_day: 8.0, hour: 0.2, day: 0.05, category: 0.2, ..CALM },
        Kind { name: "bursty", hour: 0.15, day: 0.05, category: 0.2, ..CALM },
        // Every hour of a category strays by more than four fifths of it: nobody promises anything here.
        Kind { name: "wild", hour: 0.3, day: 0.08, category: 0.4, ..CALM },
        Kind { name: "growing", trend: 1.2, hour: 0.1, day: 0.03, category: 0.1, ..CALM },
        // Half as much again every month: what is usual lags behind that.
        Kind { name: "surging", trend: 1.5, hour: 0.1, day: 0.03, category: 0.1, ..CALM },
        Kind { name: "outages", outages: 8, hour: 0.1, day: 0.03, category: 0.1, ..CALM },
        Kind { name: "holidays", holidays: 3, hour: 0.1, day: 0.03, category: 0.1, ..CALM },
        Kind {
            name: "everything",
            per_day: 400.0,
            outages: 5,
            holidays: 2,
            hour: 0.15,
            day: 0.05,
            category: 0.2,
            trend: 1.2,
        },
        Kind { name: "busy", per_day: 1_500.0, hour: 0.02, day: 0.02, category: 0.05, ..CALM },
    ];
    let months = months();
    println!("false warnings a month, {months} months a kind, `balanced`");
    println!("{:<12} {:>8} {:>6} {:>6} {:>12} {:>6}", "kind", "a day", "rise", "quiet", "months > 1", "most");
    for kind in kinds {
        let given = over(months, |seed| month(kind, seed, Sensitivity::Balanced));
        let count =
            |unusual: Unusual| given.iter().flatten().filter(|w| w.unusual == unusual).count() as f64 / months as f64;
        let (rise, quiet) = (count(Unusual::Rise), count(Unusual::Quiet));
        let above = given.iter().filter(|month| month.len() > 1).count();
        let most = given.iter().map(Vec::len).max().unwrap();
        println!("{:<12} {:>8} {:>6.2} {:>6.2} {:>12} {:>6}", kind.name, kind.per_day, rise, quiet, above, most);
        // Two months say little about one a month.
        let most = if ["wild", "surging"].contains(&kind.name) { 2.0 } else { 1.0 } + if is_long() { 0.0 } else { 1.0 };
        assert!(rise + quiet <= most, "{}: {rise} {quiet}", kind.name);
        assert!(quiet <= 0.05 + 1.0 / months as f64, "{}: quiet {quiet}", kind.name);
    }
}

/// How one rise went: the usual rate, whether it was told of within two hours and within three, and of what.
struct Told {
    usual: f64,
    soon: bool,
    later: bool,
    cause: Option<Cause>,
}

fn rise(kind: Kind, seed: u64, category: Option<Category>) -> Told {
    let mut world = World::new(kind, seed ^ 0x00c0_ffee, DAYS + 2);
    let from = DAYS * 96 + world.dice.below(96) as i64;
    let rise = Rise { from, times: 3.0, category };
    let usual = (0..8).map(|q| world.usual(from + q)).sum::<f64>() / 8.0;
    let mut memory = Memory::default();
    for quarter in 0..from + 12 {
        world.pass(quarter, Some(rise));
        if quarter < from {
            continue;
        }
        let now = START + SignedDuration::from_mins(15 * (quarter + 1) - 1);
        let found = look(&world.book, &[], wish(&TimeZone::UTC, now, Sensitivity::Balanced), &mut memory);
        if let Some(warning) = found.new.into_iter().find(|w| w.unusual == Unusual::Rise) {
            return Told { usual, soon: quarter < from + 8, later: true, cause: Some(warning.tally.cause) };
        }
    }
    Told { usual, soon: false, later: false, cause: None }
}

#[test]
fn a_threefold_rise_is_told_of_within_two_hours() {
    let noisy = Kind { name: "noisy", hour: 0.05, day: 0.02, category: 0.05, ..CALM };
    let rises = rises();
    for kind in [CALM, noisy] {
        println!("threefold rise over 3 hours, {}, `balanced`: usual mentions an hour, how often told of", kind.name);
        println!(
            "{:>12} {:>6} {:>10} {:>10}   what is possible in 2 hours, at 1 and 0.12 false a month: known rate | prophet",
            "an hour", "rises", "in 2 hours", "in 3 hours"
        );
        let rates = [24.0, 72.0, 160.0, 240.0, 480.0, 960.0, 2_400.0];
        let told: Vec<Told> = rates
            .into_iter()
            .flat_map(|per_day| over(rises, move |seed| rise(Kind { per_day, ..kind }, seed, None)))
            .collect();
        let bins = [0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 25.0, 50.0, f64::INFINITY];
        for pair in bins.windows(2) {
            let here: Vec<&Told> = told.iter().filter(|t| pair[0] <= t.usual && t.usual < pair[1]).collect();
            let share = |of: &dyn Fn(&Told) -> bool| {
                100.0 * here.iter().filter(|t| of(t)).count() as f64 / here.len().max(1) as f64
            };
            let (soon, later) = (share(&|t| t.soon), share(&|t| t.later));
            let usual = here.iter().map(|t| t.usual).sum::<f64>() / here.len().max(1) as f64;
            let ideal = if here.is_empty() {
                String::new()
            } else {
                let budgets = [1.0, 0.12];
                let sums = if kind.hour == 0.0 && usual < 30.0 {
                    budgets.map(|false_a_month| format!("{:>6.1}%", 100.0 * ideal(usual, false_a_month)))
                } else {
                    ["", ""].map(|none| format!("{none:>7}"))
                };
                let prophet =
                    budgets.map(|a_month| format!("{:>6.1}%", 100.0 * aligned(usual, kind.strays(), a_month)));
                format!("   at {usual:>5.1}: {} | {}", sums.join(" "), prophet.join(" "))
            };
            println!("{:>5} – {:<4} {:>6} {:>9.1}% {:>9.1}%{ideal}", pair[0], pair[1], here.len(), soon, later);
            // Where hours stray by a fifth for no reason, a rise must stand out from that too.
            let (from, least) = if kind.hour == 0.0 { (ASSURED, 95.0) } else { (ASSURED_NOISY, 70.0) };
            let least = if is_long() { least } else { least - 25.0 };
            if pair[0] >= from && here.len() >= if is_long() { 20 } else { 6 } {
                assert!(soon >= least, "{}: {soon} from {} an hour on", kind.name, pair[0]);
            }
        }
    }
}

/// What is possible: how often a threefold rise is told of within two hours by a test that knows the usual rate exactly,
/// looks at one series only, where counts stray by chance alone (Poisson), and gives so many false warnings a month. It is
/// Page's cumulative sum of log likelihood ratios (Biometrika 41, 1954), which detects soonest among all with as many false
/// alarms (Moustakides, Annals of Statistics 14, 1986), looked at every quarter of an hour as we look.
fn ideal(an_hour: f64, false_a_month: f64) -> f64 {
    const QUARTERS: usize = 30 * 96;
    let usual = an_hour / 4.0;
    let step = |sum: f64, count: u64| (sum + count as f64 * 3_f64.ln() - 2.0 * usual).max(0.0);
    let mut dice = Dice(7);
    let calm: Vec<u64> = (0..200 * QUARTERS).map(|_| dice.poisson(usual)).collect();
    let alarms = |bar: f64| {
        let (mut sum, mut alarms) = (0.0, 0_u32);
        for count in &calm {
            sum = step(sum, *count);
            if sum >= bar {
                (sum, alarms) = (0.0, alarms + 1);
            }
        }
        f64::from(alarms) / 200.0
    };
    let (mut low, mut high) = (0.0, 30.0);
    for _ in 0..18 {
        let bar = f64::midpoint(low, high);
        if alarms(bar) > false_a_month { low = bar } else { high = bar }
    }
    let rises = 4_000;
    let caught = (0..rises).filter(|_| {
        // The day before, so that the sum is what it is at any time, and what came before is no warning.
        let mut sum: f64 = (0..96).fold(0.0, |sum, _| step(sum, dice.poisson(usual)).min(high - 1e-9));
        (0..8).any(|_| {
            sum = step(sum, dice.poisson(3.0 * usual));
            sum >= high
        })
    });
    caught.count() as f64 / f64::from(rises)
}

/// The same with a prophet's help: only the very two hours of the rise are looked at, among the 360 pairs of hours of a
/// month, and how far such pairs stray (`kappa`) is known. No test catches more with as many false warnings (Neyman and
/// Pearson 1933).
fn aligned(an_hour: f64, kappa: f64, false_a_month: f64) -> f64 {
    let (allowed, usual, risen) = (false_a_month / 360.0, 2.0 * an_hour, 6.0 * an_hour);
    let bar = (1..100_000).find(|n| at_least(*n, usual, kappa) <= allowed).unwrap();
    // At the count below, as often as the budget still allows.
    let just = |mean: f64| at_least(bar - 1, mean, kappa) - at_least(bar, mean, kappa);
    at_least(bar, risen, kappa) + (allowed - at_least(bar, usual, kappa)) / just(usual) * just(risen)
}

/// From so many usual mentions an hour on, a threefold rise is told of within two hours in 95 of 100.
const ASSURED: f64 = 8.0;
const ASSURED_NOISY: f64 = 25.0;

#[test]
fn the_cause_is_named() {
    let rises = rises();
    let kind = Kind { per_day: 480.0, ..CALM };
    let told = over(rises, |seed| rise(kind, seed, Some(Category::Technical)));
    let loud: Vec<&Told> = told.iter().filter(|t| t.usual >= ASSURED).collect();
    let named = loud.iter().filter(|t| t.cause == Some(Cause::Category(Category::Technical))).count();
    println!("the category is named in {named} of {} rises that it alone makes", loud.len());
    assert!(named * 10 >= loud.len() * 9, "{named} of {}", loud.len());
}

#[test]
fn hours_at_which_nobody_listens_are_no_reason_to_warn() {
    let kind = Kind { outages: 20, ..CALM };
    let given = over(months(), |seed| month(kind, seed, Sensitivity::Balanced).len());
    let calm = over(months(), |seed| month(CALM, seed, Sensitivity::Balanced).len());
    let (with, without) = (given.iter().sum::<usize>(), calm.iter().sum::<usize>());
    println!("{with} warnings in {} months with 20 outages each, {without} without any", given.len());
    assert!(with as f64 <= without as f64 + 0.1 * given.len() as f64 + 1.0, "{with} {without}");
}
