//! Finds the weights: three multinomial logistic regressions (sentiment, category, severity) over the same features,
//! fitted together by AdaGrad (Duchi et al., "Adaptive subgradient methods", 2011). Languages have weights of their own
//! for words and letters; what the rules and the looks of a text say is weighed by all languages together, with a
//! correction for each. Everything is in a fixed order with fixed seeds, so that the same rows give the same weights; what
//! is found is the mean of several such fits.

use super::features::{DENSE, mix};
use super::mean::{Weights, mean};
use super::table::{CATEGORY, OUTPUTS, SENTIMENT, SEVERITY};

/// Weights of one feature for all outputs.
pub(super) type Row = [f32; OUTPUTS];

/// The three questions: their outputs.
pub(super) const QUESTIONS: [std::ops::Range<usize>; 3] = [SENTIMENT, CATEGORY, SEVERITY];

/// How the fit goes about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) epochs: usize,
    pub(super) rate: f32,
    /// Pull towards nothing of hashed and of dense features.
    pub(super) decay: f32,
    pub(super) dense_decay: f32,
    /// What words and letters count beside the rest, for each question. Little for sentiment: words that are bad in one
    /// corpus are plain words elsewhere, and the lexicon knows better.
    pub(super) gain: [[f32; 2]; 3],
    /// Share of rows whose hashed features are left out in an epoch, so that the dense ones learn to do without.
    pub(super) blind: u32,
}

impl Plan {
    /// The gain of each output, for words and for letters.
    pub(super) fn gains(&self) -> [Row; 2] {
        [0, 1].map(|group| {
            let mut gains = [1.0; OUTPUTS];
            for (range, gain) in QUESTIONS.iter().zip(self.gain) {
                gains.iter_mut().take(range.end).skip(range.start).for_each(|g| *g = gain[group]);
            }
            gains
        })
    }
}

/// One text to learn from.
#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) language: usize,
    /// Place in the language's table of features, value, and group (0 words, 1 letters).
    pub(super) hashed: Vec<(u32, f32, u8)>,
    pub(super) dense: [f32; DENSE],
    /// What each output should be; a question whose outputs are all 0 was not answered.
    pub(super) target: Row,
    /// What each question counts.
    pub(super) weight: [f32; 3],
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    /// By language, then feature.
    pub(super) hashed: Vec<Vec<Row>>,
    pub(super) shared: Vec<Row>,
    pub(super) own: Vec<Vec<Row>>,
}

impl Weights for Fit {
    fn each(&mut self, f: &mut dyn FnMut(&mut [f32])) {
        let tables = self.hashed.iter_mut().chain(std::iter::once(&mut self.shared)).chain(&mut self.own);
        tables.flatten().for_each(|row| f(row));
    }
}

impl Fit {
    /// Raw scores of a text.
    pub(super) fn scores(&self, example: &Example, plan: &Plan, blind: bool) -> Row {
        let mut scores = [0.0f32; OUTPUTS];
        let table = self.hashed.get(example.language).map_or(&[][..], Vec::as_slice);
        if !blind {
            let mut sums = [[0.0f32; OUTPUTS]; 2];
            for (feature, value, group) in &example.hashed {
                if let (Some(row), Some(sum)) = (table.get(*feature as usize), sums.get_mut(usize::from(*group))) {
                    add(sum, row, *value);
                }
            }
            for (sum, gains) in sums.iter().zip(plan.gains()) {
                for ((score, sum), gain) in scores.iter_mut().zip(sum).zip(gains) {
                    *score += sum * gain;
                }
            }
        }
        let own = self.own.get(example.language).map_or(&[][..], Vec::as_slice);
        for ((value, shared), own) in example.dense.iter().zip(&self.shared).zip(own) {
            if *value != 0.0 {
                add(&mut scores, shared, *value);
                add(&mut scores, own, *value);
            }
        }
        scores
    }
}

/// The same numbers in the same order, so that the same rows give the same weights (Knuth's MMIX generator, TAOCP 3.3.4).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// The dice of one of several fits.
    pub(super) fn of_fit(first: u64, seed: u64) -> Self {
        Dice(first.wrapping_add(mix(seed)))
    }

    pub(super) fn roll(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as u32
    }

    /// Fisher and Yates's shuffle.
    pub(super) fn shuffle(&mut self, order: &mut [usize]) {
        for i in (1..order.len()).rev() {
            order.swap(i, self.roll() as usize % (i + 1));
        }
    }
}

/// Fits `sizes` tables (features of each language) to the examples.
pub(super) fn fit(examples: &[&Example], sizes: &[usize], plan: &Plan) -> Fit {
    mean(|seed| descend(examples, sizes, plan, seed))
}

/// One fit of several.
fn descend(examples: &[&Example], sizes: &[usize], plan: &Plan, seed: u64) -> Fit {
    let empty = |n: usize| vec![[0.0f32; OUTPUTS]; n];
    let tables = || Fit {
        hashed: sizes.iter().map(|n| empty(*n)).collect(),
        shared: empty(DENSE),
        own: sizes.iter().map(|_| empty(DENSE)).collect(),
    };
    let (mut fit, mut past) = (tables(), tables());
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut dice = Dice::of_fit(20_261_121, seed);
    for epoch in 0..plan.epochs {
        dice.shuffle(&mut order);
        // The last rounds settle.
        let rate = plan.rate * (1.0 - 0.9 * epoch as f32 / plan.epochs as f32);
        for &at in &order {
            let Some(example) = examples.get(at) else { continue };
            let blind = dice.roll() % 100 < plan.blind;
            let scores = fit.scores(example, plan, blind);
            let slope = slope(&scores, example);
            let language = example.language;
            if !blind && let (Some(table), Some(past)) = (fit.hashed.get_mut(language), past.hashed.get_mut(language)) {
                let slopes = plan.gains().map(|gains| {
                    let mut slope = slope;
                    slope.iter_mut().zip(gains).for_each(|(s, g)| *s *= g);
                    slope
                });
                for (feature, value, group) in &example.hashed {
                    let slope = slopes.get(usize::from(*group)).unwrap_or(&slope);
                    if let (Some(row), Some(past)) = (table.get_mut(*feature as usize), past.get_mut(*feature as usize))
                    {
                        step(row, past, slope, *value, rate, plan.decay);
                    }
                }
            }
            let own = fit.own.get_mut(language).zip(past.own.get_mut(language));
            let (own, own_past) = match own {
                Some((a, b)) => (a, b),
                None => continue,
            };
            for (n, value) in example.dense.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                if let (Some(row), Some(past)) = (fit.shared.get_mut(n), past.shared.get_mut(n)) {
                    step(row, past, &slope, *value, rate, plan.dense_decay);
                }
                if let (Some(row), Some(past)) = (own.get_mut(n), own_past.get_mut(n)) {
                    step(row, past, &slope, *value, rate * 0.5, plan.dense_decay * 4.0);
                }
            }
        }
    }
    fit
}

/// How far off each output is, times what its question counts.
fn slope(scores: &Row, example: &Example) -> Row {
    let mut slope = [0.0f32; OUTPUTS];
    for (range, weight) in QUESTIONS.iter().zip(example.weight) {
        if weight == 0.0 {
            continue;
        }
        let (Some(scores), Some(target), Some(out)) =
            (scores.get(range.clone()), example.target.get(range.clone()), slope.get_mut(range.clone()))
        else {
            continue;
        };
        let top = scores.iter().copied().fold(f32::MIN, f32::max);
        let mut sum = 0.0;
        for (out, score) in out.iter_mut().zip(scores) {
            *out = exp(score - top);
            sum += *out;
        }
        for (out, target) in out.iter_mut().zip(target) {
            *out = (*out / sum - target) * weight;
        }
    }
    slope
}

fn add(to: &mut Row, row: &Row, value: f32) {
    for (to, weight) in to.iter_mut().zip(row) {
        *to += weight * value;
    }
}

/// One step of AdaGrad for a feature.
fn step(row: &mut Row, past: &mut Row, slope: &Row, value: f32, rate: f32, decay: f32) {
    for ((weight, past), slope) in row.iter_mut().zip(past.iter_mut()).zip(slope) {
        let grade = slope * value + decay * *weight;
        *past += grade * grade;
        *weight -= rate * grade / (*past + 1e-6).sqrt();
    }
}

/// `e` to the power of `x` ≤ 0 by plain multiplications: the standard library's differs in its last bit between
/// platforms, and the files must not.
pub(in super::super) fn exp(x: f32) -> f32 {
    let mut power = 1.0 + f64::from(x.max(-60.0)) / 65_536.0;
    for _ in 0..16 {
        power *= power;
    }
    power as f32
}
