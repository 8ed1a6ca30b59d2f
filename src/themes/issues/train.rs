//! Fits the table of known issues: a multinomial logistic regression by stochastic gradient descent, in a fixed order, and
//! the rarity of words in texts of each language.

use std::collections::{BTreeMap, HashMap};

use super::super::terms::hash;
use super::{LANGUAGES, MAGIC, NONE, SHARPNESS, features};
use crate::classify::{Stem, stems};

const EPOCHS: usize = 14;
const RATE: f32 = 0.5;
/// Weights that are kept of a feature, the strongest, and how strong they must be.
const MOST_WEIGHTS: usize = 24;
const LEAST_WEIGHT: f32 = 0.04;
/// Words are kept that stand in this many texts at least.
const LEAST_TEXTS: u32 = 3;

/// One text to learn from.
#[derive(Clone, Debug)]
pub struct Row {
    pub language: String,
    pub text: String,
    /// The known issue, where the text is about one.
    pub issue: Option<String>,
    /// Ordinary talk, about none of them for sure. A text that is neither only tells how rare words are.
    pub talk: bool,
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
            stems(&row.text, language, 160).iter().filter(|s| !s.common).map(|s| hash('w', &s.stem)).collect();
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

fn issues(rows: &[Row], out: &mut Vec<u8>) {
    let english: Vec<(&Row, Vec<Stem>)> = rows
        .iter()
        .filter(|r| r.language == "en" && (r.talk || r.issue.is_some()))
        .map(|r| (r, stems(&r.text, "en", 160)))
        .collect();
    let mut names: Vec<&str> = english.iter().filter_map(|(r, _)| r.issue.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    names.insert(0, NONE);
    names.truncate(255);
    let mut texts: BTreeMap<u32, u32> = BTreeMap::new();
    let found: Vec<Vec<u32>> = english.iter().map(|(_, words)| features(words)).collect();
    found.iter().flatten().for_each(|f| *texts.entry(*f).or_default() += 1);
    texts.retain(|_, n| *n >= 2);
    let all = english.len() as f32;
    let places: HashMap<u32, usize> = texts.keys().enumerate().map(|(n, f)| (*f, n)).collect();
    let rarity: Vec<f32> = texts.values().map(|n| ((all / *n as f32).ln() + 0.5).min(15.0)).collect();
    let examples: Vec<(Vec<(usize, f32)>, usize)> = (english.iter().zip(&found))
        .map(|((row, _), found)| {
            let mut values: Vec<(usize, f32)> = found
                .iter()
                .filter_map(|f| places.get(f).map(|p| (*p, rarity.get(*p).copied().unwrap_or(0.0))))
                .collect();
            let norm = values.iter().map(|(_, v)| v * v).sum::<f32>().sqrt().max(1e-6);
            values.iter_mut().for_each(|(_, v)| *v /= norm);
            let issue = row.issue.as_deref().and_then(|i| names.iter().position(|n| *n == i)).unwrap_or(0);
            (values, issue)
        })
        .collect();
    let mut weights = vec![vec![0.0_f32; names.len()]; places.len()];
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut dice = 20_261_122_u64;
    for epoch in 0..EPOCHS {
        for at in (1..order.len()).rev() {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            order.swap(at, (dice >> 33) as usize % (at + 1));
        }
        let rate = RATE * (1.0 - 0.8 * epoch as f32 / EPOCHS as f32);
        for (values, issue) in order.iter().filter_map(|at| examples.get(*at)) {
            let mut scores = vec![0.0_f32; names.len()];
            for (feature, value) in values {
                let row = weights.get(*feature).into_iter().flatten();
                scores.iter_mut().zip(row).for_each(|(s, w)| *s += w * value);
            }
            let top = scores.iter().copied().fold(f32::MIN, f32::max);
            scores.iter_mut().for_each(|s| *s = (SHARPNESS * (*s - top)).exp());
            let sum: f32 = scores.iter().sum();
            scores.iter_mut().for_each(|s| *s /= sum);
            if let Some(right) = scores.get_mut(*issue) {
                *right -= 1.0;
            }
            let slopes: Vec<(usize, f32)> = scores.into_iter().enumerate().filter(|(_, g)| g.abs() > 1e-3).collect();
            for (feature, value) in values {
                let Some(row) = weights.get_mut(*feature) else { continue };
                for (issue, slope) in &slopes {
                    if let Some(weight) = row.get_mut(*issue) {
                        *weight -= rate * slope * value;
                    }
                }
            }
        }
    }
    out.push(names.len() as u8);
    for name in &names {
        out.push(name.len() as u8);
        out.extend(name.as_bytes());
    }
    let strongest = weights.iter().flatten().map(|w| w.abs()).fold(1e-6, f32::max);
    let scale = strongest / 127.0;
    out.extend(scale.to_le_bytes());
    let kept: Vec<_> = texts
        .keys()
        .zip(&rarity)
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
        for (issue, weight) in row {
            out.push(issue as u8);
            out.push((weight / scale).round() as i8 as u8);
        }
    }
}
