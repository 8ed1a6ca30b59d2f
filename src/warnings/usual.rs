//! What is usual: a level that follows the last days, a shape over the hours of the week, and how far counts stray from
//! both. After Noufaily, Enki, Farrington, Garthwaite, Andrews and Charlett, *An improved algorithm for outbreak detection
//! in multiple surveillance systems*, Statistics in Medicine 32 (2013): counts with a level, a trend and a season, earlier
//! outbreaks weighed down, a negative binomial tail as the threshold. Two things are ours, because a brand has hours where
//! they have weeks: the hour of the week is drawn towards hour of day × day of week where little was counted (gamma
//! priors), and the level is an exponential average instead of a fitted line.

/// Hours of a week.
pub(super) const WEEK: usize = 168;
/// Half of what the level is made of is as old as this, in hours.
const LEVEL_HALF_LIFE: f64 = 7.0 * 24.0;
/// Hours from the end of what is learnt to now, about; and how far a trend is followed.
const LAG: f64 = 36.0;
const MOST_GROWTH: f64 = 1.5;
/// The level at a past moment is made of what lay around it.
const AROUND_HALF_LIFE: f64 = 4.0 * 24.0;
/// Mentions that a prior is worth: for an hour of the day or a day of the week, and for one hour of the week.
const COARSE: f64 = 6.0;
const FINE: f64 = 12.0;
/// From so many standard deviations on, an hour counts less.
const OUTLIER: f64 = 3.5;
/// Lengths in hours at which straying is measured, the shortest that a look at about an hour, about three and a day can be:
/// it does not shrink with the length as chance does.
pub(super) const SPANS: [usize; 3] = [1, 2, 24];
/// Standard errors that κ is raised by: many, because what strays has longer tails than the approximation knows.
const SURE: f64 = 3.3;
/// What κ is before anything is known, for these lengths, and what that is worth (in squares of expected mentions).
const KAPPA: [f64; 3] = [0.20, 0.15, 0.06];
const KAPPA_WORTH: [f64; 3] = [60.0, 60.0, 400.0];

/// What is usual for one series.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Usual {
    /// Mentions an hour of average weight.
    pub(super) level: f64,
    /// What the level was multiplied with because an average lags behind what grows, 1 … 1.5.
    pub(super) growth: f64,
    /// Weight of each hour of the week, Monday 0 h first; about 1 on average.
    pub(super) shape: [f64; WEEK],
    /// κ of [`super::tail`], for each of [`SPANS`].
    pub(super) kappa: [f64; 3],
    /// Mentions that the level rests on.
    pub(super) known: f64,
}

/// One series, hour by hour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hours<'a> {
    /// Mentions of the hour.
    pub(super) counts: &'a [f64],
    /// How much of the series was listened to, 0 (nothing: the hour says nothing) … 1.
    pub(super) heard: &'a [f64],
    /// Hour of the week, 0 … 167.
    pub(super) week: &'a [u8],
}

/// What a part inherits from the whole before it has said much itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prior<'a> {
    pub(super) shape: &'a [f64; WEEK],
    /// Mentions an hour that are expected of a part that nobody has heard of.
    pub(super) level: f64,
    /// [`Usual::growth`] of the whole.
    pub(super) growth: f64,
}

impl Usual {
    /// Learns from the first `upto` hours.
    pub(super) fn fit(hours: Hours<'_>, upto: usize, prior: Option<Prior<'_>>) -> Self {
        let upto = upto.min(hours.counts.len()).min(hours.heard.len()).min(hours.week.len());
        let mut weights = vec![1.0; upto];
        let flat = [1.0; WEEK];
        let inherited = prior.map_or(&flat, |p| p.shape);
        let mut shape = *inherited;
        let mut around = Vec::new();
        for round in 0..4 {
            shape = shape_of(hours, &weights, inherited);
            around = level_around(hours, &weights, &shape);
            if round < 3 {
                weights = weigh(hours, &around, &shape, upto);
            }
        }
        let recent = averaged(hours, &weights, &shape, LEVEL_HALF_LIFE);
        let before = averaged(hours, &weights, &shape, 2.0 * LEVEL_HALF_LIFE);
        let known = recent.mentions + 0.5;
        let level = known / (recent.exposure + prior.map_or(0.0, |p| 0.5 / p.level.max(1e-9))).max(1e-9);
        // An average lags behind what grows. What falls is left as it is: it must not make an ordinary day look like a rise.
        let growth = (recent.rate() / before.rate()).ln() / (before.age - recent.age).max(1.0);
        let own = (growth * (recent.age + LAG)).exp().clamp(1.0, MOST_GROWTH);
        // A part grows with the whole, which is better known, or faster.
        let growth = prior.map_or(own, |p| p.growth.max(own));
        let level = level * growth;
        let kappa = std::array::from_fn(|n| stray(hours, &weights, &around, &shape, n));
        Self { level, growth, shape, kappa, known }
    }

    /// Mentions expected in an hour of the week of which `heard` is listened to.
    pub(super) fn expected(&self, week: u8, heard: f64) -> f64 {
        self.level * heard * self.shape.get(usize::from(week)).copied().unwrap_or(1.0)
    }

    /// κ for a time of so many hours, with what is not known of the level and of the shape in it.
    pub(super) fn kappa_for(&self, hours: f64) -> f64 {
        let [short, middle, day] = self.kappa;
        let strays = if hours <= 2.0 {
            short
        } else if hours <= 3.5 {
            middle
        } else {
            day
        };
        strays + 1.0 / self.known.max(0.5) + 0.01
    }
}

/// An exponential average.
struct Averaged {
    mentions: f64,
    exposure: f64,
    /// How old it is on average, in hours before the end of what is learnt.
    age: f64,
}

impl Averaged {
    /// Mentions an hour; never 0.
    fn rate(&self) -> f64 {
        (self.mentions + 0.5) / self.exposure.max(0.5)
    }
}

/// The average level of the last hours, half of it as old as `half_life`.
fn averaged(hours: Hours<'_>, weights: &[f64], shape: &[f64; WEEK], half_life: f64) -> Averaged {
    let (mut mentions, mut exposure, mut ages) = (0.0, 0.0, 0.0);
    for (at, weight) in weights.iter().enumerate() {
        let old = (weights.len() - at) as f64;
        let weight = weight * 0.5_f64.powf(old / half_life);
        let Some((count, heard, factor)) = hour(hours, shape, at) else { continue };
        mentions += weight * count;
        exposure += weight * heard * factor;
        ages += weight * heard * factor * old;
    }
    Averaged { mentions, exposure, age: if exposure > 0.0 { ages / exposure } else { 0.0 } }
}

/// Count, share listened to and weight of an hour, if it was listened to.
fn hour(hours: Hours<'_>, shape: &[f64; WEEK], at: usize) -> Option<(f64, f64, f64)> {
    let (count, heard, week) = (*hours.counts.get(at)?, *hours.heard.get(at)?, *hours.week.get(at)?);
    let factor = *shape.get(usize::from(week))?;
    (heard > 0.0).then_some((count, heard, factor))
}

/// Hour of day × day of week × hour of week, each drawn towards what the former say.
fn shape_of(hours: Hours<'_>, weights: &[f64], inherited: &[f64; WEEK]) -> [f64; WEEK] {
    let mut counts = [0.0; WEEK];
    let mut heards = [0.0; WEEK];
    for (at, weight) in weights.iter().enumerate() {
        let Some((count, heard, _)) = hour(hours, inherited, at) else { continue };
        let week = usize::from(hours.week.get(at).copied().unwrap_or(0));
        if let (Some(c), Some(h)) = (counts.get_mut(week), heards.get_mut(week)) {
            *c += weight * count;
            *h += weight * heard;
        }
    }
    let cells = || counts.iter().zip(&heards).zip(inherited).enumerate();
    let (all, weighed) = cells().fold((0.0, 0.0), |(c, h), (_, ((count, heard), base))| (c + count, h + heard * base));
    if all <= 0.0 || weighed <= 0.0 {
        return *inherited;
    }
    let mean = all / weighed;
    let drawn = |count: f64, expected: f64, worth: f64| (count + worth) / (expected + worth);
    let group = |of: &dyn Fn(usize) -> usize, n: usize, base: &dyn Fn(usize) -> f64| -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0); n];
        for (week, ((count, heard), _)) in cells() {
            if let Some(sum) = sums.get_mut(of(week)) {
                sum.0 += count;
                sum.1 += mean * heard * base(week);
            }
        }
        sums.into_iter().map(|(count, expected)| drawn(count, expected, COARSE)).collect()
    };
    let base = |week: usize| inherited.get(week).copied().unwrap_or(1.0);
    let day = group(&|week| week / 24, 7, &base);
    let of_day = |week: usize| day.get(week / 24).copied().unwrap_or(1.0);
    let clock = group(&|week| week % 24, 24, &|week| base(week) * of_day(week));
    let of_clock = |week: usize| clock.get(week % 24).copied().unwrap_or(1.0);
    let mut shape = [1.0; WEEK];
    for (week, ((count, heard), base)) in cells() {
        let coarse = base * of_day(week) * of_clock(week);
        if let Some(cell) = shape.get_mut(week) {
            *cell = coarse * drawn(*count, mean * heard * coarse, FINE);
        }
    }
    let average = shape.iter().sum::<f64>() / WEEK as f64;
    if average > 0.0 {
        shape.iter_mut().for_each(|cell| *cell /= average);
    }
    shape
}

/// The level at each hour: an exponential average to both sides.
fn level_around(hours: Hours<'_>, weights: &[f64], shape: &[f64; WEEK]) -> Vec<f64> {
    let keep = 0.5_f64.powf(1.0 / AROUND_HALF_LIFE);
    let at = |n: usize| {
        let weight = weights.get(n).copied().unwrap_or(0.0);
        hour(hours, shape, n).map_or((0.0, 0.0), |(c, h, f)| (weight * c, weight * h * f))
    };
    let sweep = |order: &mut dyn Iterator<Item = usize>| {
        let mut out = vec![(0.0, 0.0); weights.len()];
        let mut sum = (0.0, 0.0);
        for n in order {
            let (count, exposure) = at(n);
            // Without the hour itself: it shall not explain itself.
            if let Some(place) = out.get_mut(n) {
                *place = sum;
            }
            sum = (sum.0 * keep + count, sum.1 * keep + exposure);
        }
        out
    };
    let before = sweep(&mut (0..weights.len()));
    let after = sweep(&mut (0..weights.len()).rev());
    before.iter().zip(&after).map(|(b, a)| (b.0 + a.0 + 0.5) / (b.1 + a.1).max(0.5)).collect()
}

/// How much each hour counts: those in stretches that stick out count less, by the square of how far. What sticks out is
/// told from how far most stretches are off (their median), which no storm can move.
fn weigh(hours: Hours<'_>, around: &[f64], shape: &[f64; WEEK], upto: usize) -> Vec<f64> {
    let stretch = |block: usize| block * 3..(block * 3 + 3).min(upto);
    // Anscombe's root makes the variance of a count about 1.
    let off = |block: usize| {
        let (count, expected) = sums(hours, around, shape, stretch(block));
        (expected > 0.0).then(|| 2.0 * ((count + 0.375).sqrt() - (expected + 0.375).sqrt()))
    };
    let offs: Vec<Option<f64>> = (0..upto.div_ceil(3)).map(off).collect();
    let mut sizes: Vec<f64> = offs.iter().flatten().map(|off| off.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    // The median of |x| of a normal distribution is 0.6745 standard deviations.
    let spread = (sizes.get(sizes.len() / 2).copied().unwrap_or(0.0) / 0.6745).max(1.0);
    let mut weights = vec![1.0; upto];
    for (block, off) in offs.into_iter().enumerate() {
        let off = off.unwrap_or(0.0) / spread;
        if off > OUTLIER {
            let range = stretch(block);
            let weight = (OUTLIER / off).powi(2);
            weights.iter_mut().skip(range.start).take(range.len()).for_each(|w| *w = weight);
        }
    }
    weights
}

fn sums(hours: Hours<'_>, around: &[f64], shape: &[f64; WEEK], range: std::ops::Range<usize>) -> (f64, f64) {
    range.fold((0.0, 0.0), |(count, expected), at| match hour(hours, shape, at).zip(around.get(at)) {
        Some(((c, heard, factor), level)) => (count + c, expected + level * heard * factor),
        None => (count, expected),
    })
}

/// κ at one of [`SPANS`], by moments: what the squares of the misses exceed the misses of a Poisson count by, in squares of
/// what was expected.
fn stray(hours: Hours<'_>, weights: &[f64], around: &[f64], shape: &[f64; WEEK], span: usize) -> f64 {
    let length = SPANS.get(span).copied().unwrap_or(24);
    let (before, worth) = (KAPPA.get(span).copied().unwrap_or(0.1), KAPPA_WORTH.get(span).copied().unwrap_or(100.0));
    let (mut over, mut squares) = (before * worth, worth);
    for block in 0..weights.len() / length {
        let range = block * length..(block + 1) * length;
        let weight = weights.iter().skip(range.start).take(length).sum::<f64>() / length as f64;
        let (count, expected) = sums(hours, around, shape, range);
        if expected > 0.0 {
            over += weight * ((count - expected).powi(2) - expected);
            squares += weight * expected * expected;
        }
    }
    // What was measured on few stretches may well be more: an upper bound, by the normal approximation of a variance.
    let stretches = (weights.len() / length).max(1) as f64;
    (over / squares * (1.0 + SURE * (2.0 / stretches).sqrt())).clamp(0.005, 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: usize = 56 * 24;

    fn weeks() -> Vec<u8> {
        (0..T).map(|t| u8::try_from(t % WEEK).unwrap()).collect()
    }

    /// Twice as much from 9 to 17, half on the last two days.
    fn rhythm(t: usize) -> f64 {
        let clock = if (9..17).contains(&(t % 24)) { 2.0 } else { 0.5 };
        clock * if t % WEEK >= 120 { 0.5 } else { 1.0 }
    }

    #[test]
    fn an_even_rhythm_is_learnt_to_the_hour() {
        let counts: Vec<f64> = (0..T).map(|t| (20.0 * rhythm(t)).round()).collect();
        let (heard, week) = (vec![1.0; T], weeks());
        let usual = Usual::fit(Hours { counts: &counts, heard: &heard, week: &week }, T, None);
        for (t, count) in counts.iter().enumerate().take(WEEK) {
            let expected = usual.expected(week[t], 1.0);
            assert!((expected - count).abs() <= 0.12 * count + 1.0, "{t}: {expected} for {count}");
        }
        assert!(usual.kappa.iter().all(|k| *k < 0.05), "{:?}", usual.kappa);
    }

    #[test]
    fn blind_hours_and_one_storm_change_nothing() {
        let even: Vec<f64> = (0..T).map(|t| (20.0 * rhythm(t)).round()).collect();
        let (heard, week) = (vec![1.0; T], weeks());
        let calm = Usual::fit(Hours { counts: &even, heard: &heard, week: &week }, T, None);
        let (mut counts, mut deaf) = (even.clone(), heard.clone());
        for t in 900..960 {
            (counts[t], deaf[t]) = (0.0, 0.0);
        }
        let blind = Usual::fit(Hours { counts: &counts, heard: &deaf, week: &week }, T, None);
        assert!((blind.level / calm.level - 1.0).abs() < 0.02, "{} {}", blind.level, calm.level);
        let mut counts = even;
        (1_200..1_212).for_each(|t| counts[t] *= 12.0);
        let storm = Usual::fit(Hours { counts: &counts, heard: &heard, week: &week }, T, None);
        assert!((storm.level / calm.level - 1.0).abs() < 0.15, "{} {}", storm.level, calm.level);
    }

    #[test]
    fn a_part_that_nobody_heard_of_has_the_shape_of_the_whole() {
        let (counts, heard, week) = (vec![0.0; T], vec![1.0; T], weeks());
        let mut shape = [1.0; WEEK];
        shape[5] = 3.0;
        let prior = Prior { shape: &shape, level: 0.02, growth: 1.0 };
        let part = Usual::fit(Hours { counts: &counts, heard: &heard, week: &week }, T, Some(prior));
        assert!(part.level > 0.0 && part.level < 0.02, "{}", part.level);
        assert_eq!(part.shape[5], 3.0);
        let nothing = Usual::fit(Hours { counts: &[], heard: &[], week: &[] }, 0, None);
        assert!(nothing.level.is_finite() && nothing.kappa.iter().all(|k| k.is_finite()));
    }
}
