//! Fits the table of known issues, and the rarity of words in texts of each language.
//!
//! A text is told in two steps, each a multinomial logistic regression over the same features: which set of issues it is
//! from, or none (ordinary talk), and which issue of that set. So neither the talk nor the issues of another trade take
//! anything from an issue. Fitted by stochastic gradient descent in a fixed order, with most features of an example left out
//! each time (dropout: Srivastava et al., "Dropout: A simple way to prevent neural networks from overfitting", JMLR 15,
//! 2014): with twenty examples an issue, single words are learnt by heart otherwise.

use std::collections::{BTreeMap, HashMap};

use super::super::terms::hash;
use super::{LANGUAGE, LANGUAGES, MAGIC, NONE, SHARPNESS, features};
use crate::classify::{Stem, stems};

const EPOCHS: usize = 20;
const RATE: f32 = 1.0;
/// Share of an example's features that are left out each time.
const DROPOUT: f32 = 0.7;
/// Weights that are kept of a feature, the strongest, and how strong they must be.
const MOST_WEIGHTS: usize = 200;
const LEAST_WEIGHT: f32 = 0.01;
/// Words are kept that stand in this many texts at least; features of issues, in this many.
const LEAST_TEXTS: u32 = 3;
const LEAST_EXAMPLES: u32 = 2;
/// Words of a text that are looked at.
const MOST_WORDS: usize = 160;

/// One text to learn from.
#[derive(Clone, Debug)]
pub struct Row {
    pub language: String,
    pub text: String,
    pub about: About,
}

/// What a text is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A known issue of a set (1 and up).
    Issue { set: u8, name: String },
    /// Ordinary talk, about none of them for sure.
    Talk,
    /// Nobody knows: it only tells how rare words are.
    Unknown,
}

impl About {
    /// What the texts of a file of the classifier's corpus are about, by its name.
    pub fn of_corpus(file: &str) -> Self {
        const TALK: [&str; 7] = ["general", "press", "news", "praise", "spam", "swearing", "adlike"];
        if TALK.iter().any(|talk| file.starts_with(talk)) { About::Talk } else { About::Unknown }
    }
}

/// The table's bytes.
pub fn train(rows: &[Row]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    for language in LANGUAGES {
        rarities(rows, language, &mut out);
    }
    issues(rows, &mut out);
    out
}

fn rarities(rows: &[Row], language: &str, out: &mut Vec<u8>) {
    let mut texts = 0_u32;
    let mut having: BTreeMap<u32, u32> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.language == language) {
        texts += 1;
        let mut words: Vec<u32> =
            stems(&row.text, language, MOST_WORDS).iter().filter(|s| !s.common).map(|s| hash('w', s.stem())).collect();
        words.sort_unstable();
        words.dedup();
        words.into_iter().for_each(|w| *having.entry(w).or_default() += 1);
    }
    having.retain(|_, n| *n >= LEAST_TEXTS);
    out.extend((having.len() as u32).to_le_bytes());
    for (word, n) in having {
        let rarity = (texts as f32 / n as f32).ln().clamp(0.5, 8.0);
        out.extend(word.to_le_bytes());
        out.push((rarity * 16.0) as u8);
    }
}

/// What is told apart: the sets (0: talk) first, then the issues of each set.
struct Classes<'r>(Vec<(u8, &'r str)>);

impl<'r> Classes<'r> {
    fn of(rows: &[(&'r Row, Vec<Stem>)]) -> Self {
        let mut issues: Vec<(u8, &str)> = (rows.iter())
            .filter_map(|(row, _)| match &row.about {
                About::Issue { set, name } => Some((*set, name.as_str())),
                About::Talk | About::Unknown => None,
            })
            .collect();
        issues.sort_unstable();
        issues.dedup();
        let sets = issues.iter().map(|(set, _)| *set).max().unwrap_or(0);
        let mut all: Vec<(u8, &str)> = (0..=sets).map(|_| (0, NONE)).collect();
        all.extend(issues);
        all.truncate(255);
        Self(all)
    }

    /// The classes that a text's class is told from in each step, and which of them it is.
    fn steps(&self, about: &About) -> Vec<(std::ops::Range<usize>, usize)> {
        let range = |set: u8| {
            let first = self.0.iter().position(|(s, _)| *s == set).unwrap_or(0);
            first..first + self.0.iter().filter(|(s, _)| *s == set).count()
        };
        match about {
            About::Issue { set, name } => {
                let class = self.0.iter().position(|(s, n)| s == set && n == name);
                let mut steps = vec![(range(0), usize::from(*set))];
                steps.extend(class.map(|class| (range(*set), class)));
                steps
            }
            About::Talk | About::Unknown => vec![(range(0), 0)],
        }
    }
}

/// Numbers in a fixed order that looks like none.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.0 >> 40
    }

    /// 0 … 1.
    fn share(&mut self) -> f32 {
        self.roll() as f32 / (1 << 24) as f32
    }
}

fn issues(rows: &[Row], out: &mut Vec<u8>) {
    let english: Vec<(&Row, Vec<Stem>)> = rows
        .iter()
        .filter(|r| r.language == LANGUAGE && r.about != About::Unknown)
        .map(|r| (r, stems(&r.text, LANGUAGE, MOST_WORDS)))
        .collect();
    let classes = Classes::of(&english);
    let found: Vec<Vec<u32>> = english.iter().map(|(_, words)| features(words)).collect();
    let mut texts: BTreeMap<u32, u32> = BTreeMap::new();
    found.iter().flatten().for_each(|f| *texts.entry(*f).or_default() += 1);
    texts.retain(|_, n| *n >= LEAST_EXAMPLES);
    let all = english.len() as f32;
    let places: HashMap<u32, usize> = texts.keys().enumerate().map(|(n, f)| (*f, n)).collect();
    let rarity: Vec<f32> = texts.values().map(|n| ((all / *n as f32).ln() + 0.5).min(15.0)).collect();
    let examples: Vec<_> = (english.iter().zip(&found))
        .map(|((row, _), found)| {
            let values: Vec<(usize, f32)> = (found.iter())
                .filter_map(|f| places.get(f).map(|p| (*p, rarity.get(*p).copied().unwrap_or(0.0))))
                .collect();
            (values, classes.steps(&row.about))
        })
        .collect();
    let mut weights = vec![vec![0.0_f32; classes.0.len()]; places.len()];
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut dice = Dice(20_261_122);
    for epoch in 0..EPOCHS {
        for at in (1..order.len()).rev() {
            order.swap(at, dice.roll() as usize % (at + 1));
        }
        let rate = RATE * (1.0 - 0.8 * epoch as f32 / EPOCHS as f32);
        for (values, steps) in order.iter().filter_map(|at| examples.get(*at)) {
            let mut kept: Vec<(usize, f32)> = values.iter().filter(|_| dice.share() >= DROPOUT).copied().collect();
            let norm = kept.iter().map(|(_, v)| v * v).sum::<f32>().sqrt().max(1e-6);
            kept.iter_mut().for_each(|(_, v)| *v /= norm);
            learn(&mut weights, &kept, steps, rate);
        }
    }
    write(&classes, &texts, &rarity, weights, out);
}

/// One step down the slope of an example's loss.
fn learn(weights: &mut [Vec<f32>], values: &[(usize, f32)], steps: &[(std::ops::Range<usize>, usize)], rate: f32) {
    for (range, right) in steps {
        let mut scores = vec![0.0_f32; range.len()];
        for (feature, value) in values {
            let row = weights.get(*feature).and_then(|row| row.get(range.clone())).unwrap_or_default();
            scores.iter_mut().zip(row).for_each(|(s, w)| *s += w * value);
        }
        let top = scores.iter().copied().fold(f32::MIN, f32::max);
        scores.iter_mut().for_each(|s| *s = (SHARPNESS * (*s - top)).exp());
        let sum: f32 = scores.iter().sum();
        scores.iter_mut().for_each(|s| *s /= sum);
        if let Some(right) = scores.get_mut(right - range.start) {
            *right -= 1.0;
        }
        let slopes: Vec<(usize, f32)> = scores.into_iter().enumerate().filter(|(_, g)| g.abs() > 1e-3).collect();
        for (feature, value) in values {
            let Some(row) = weights.get_mut(*feature).and_then(|row| row.get_mut(range.clone())) else { continue };
            for (class, slope) in &slopes {
                if let Some(weight) = row.get_mut(*class) {
                    *weight -= rate * slope * value;
                }
            }
        }
    }
}

fn write(classes: &Classes<'_>, texts: &BTreeMap<u32, u32>, rarity: &[f32], weights: Vec<Vec<f32>>, out: &mut Vec<u8>) {
    out.push(classes.0.len() as u8);
    for (set, name) in &classes.0 {
        out.push(*set);
        out.push(name.len() as u8);
        out.extend(name.as_bytes());
    }
    let strongest = weights.iter().flatten().map(|w| w.abs()).fold(1e-6, f32::max);
    let scale = strongest / 127.0;
    out.extend(scale.to_le_bytes());
    let kept: Vec<_> = texts
        .keys()
        .zip(rarity)
        .zip(weights)
        .filter_map(|((feature, rarity), row)| {
            let mut row: Vec<(usize, f32)> =
                row.into_iter().enumerate().filter(|(_, w)| w.abs() >= LEAST_WEIGHT.max(scale)).collect();
            row.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
            row.truncate(MOST_WEIGHTS);
            (!row.is_empty()).then_some((*feature, *rarity, row))
        })
        .collect();
    out.extend((kept.len() as u32).to_le_bytes());
    for (feature, rarity, row) in kept {
        out.extend(feature.to_le_bytes());
        out.push((rarity * 16.0) as u8);
        out.push(row.len() as u8);
        for (class, weight) in row {
            out.push(class as u8);
            out.push((weight / scale).round() as i8 as u8);
        }
    }
}
