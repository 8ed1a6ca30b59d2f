//! Rows that the weights have not seen: how sure a score may be, and how often it is right.

use super::fit::{Example, QUESTIONS, Row};
use super::table::{CALIBRATION, CATEGORY, FEELS, SENTIMENT, SEVERITY, odds};
use crate::model::{Category, Severity};

/// What the rules alone say of a row: category, mood, severity.
pub(super) type Rules = (Category, f32, Severity);

/// Sharpness with the least loss for each question, and slope and offset for each category.
pub(super) fn calibrate(held: &[(&Example, Row, Rules)]) -> [f32; CALIBRATION] {
    let mut out = [0.0; CALIBRATION];
    for (question, range) in QUESTIONS.iter().enumerate() {
        let loss = |sharpness: f32| -> f64 {
            held.iter()
                .filter(|(e, ..)| e.weight[question] > 0.0)
                .map(|(e, s, _)| {
                    let odds = odds(&s[range.clone()], sharpness);
                    -f64::from(odds[best(&e.target[range.clone()])].max(1e-6)).ln()
                })
                .sum()
        };
        let steps: Vec<f32> = (1..=60).map(|n| n as f32 * 0.05).collect();
        out[question] = steps.iter().copied().min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(1.0);
    }
    for (category, shares) in out[FEELS..].chunks_exact_mut(5).enumerate() {
        // A little of everything, so that nothing is impossible.
        let mut sum = 0.0;
        for (step, share) in shares.iter_mut().enumerate() {
            let told =
                |e: &Example| e.target[CATEGORY.start + category] > 0.5 && e.target[SENTIMENT.start + step] > 0.5;
            *share = 1.0 + held.iter().filter(|(e, ..)| told(e)).count() as f32;
            sum += *share;
        }
        shares.iter_mut().for_each(|s| *s /= sum);
    }
    for category in 0..CATEGORY.len() {
        let points: Vec<(f64, f64)> = held
            .iter()
            .map(|(e, s, _)| {
                let share = odds(&s[CATEGORY], out[1])[category].clamp(1e-4, 1.0 - 1e-4);
                let applies = if e.target[CATEGORY.start + category] > 0.0 { 1.0 } else { 0.0 };
                (f64::from((share / (1.0 - share)).ln()), applies)
            })
            .collect();
        let (mut slope, mut offset) = (1.0f64, 0.0f64);
        for _ in 0..300 {
            let (mut ds, mut d0) = (0.0, 0.0);
            for (x, y) in &points {
                let p = 1.0 / (1.0 + (-(slope * x + offset)).exp());
                ds += (p - y) * x;
                d0 += p - y;
            }
            let n = points.len().max(1) as f64;
            slope -= 0.3 * ds / n;
            offset -= 1.0 * d0 / n;
        }
        out[3 + category * 2] = slope as f32;
        out[4 + category * 2] = offset as f32;
    }
    out
}

/// Macro-F1 of the fit and of the rules alone on rows held back.
pub(super) fn figures(code: &str, held: &[(&Example, Row, Rules)]) -> Vec<String> {
    let f1 = |pairs: &[(usize, usize)], labels: usize| {
        let mut sum = 0.0;
        let mut used = 0.0f32;
        for l in 0..labels {
            let hit = pairs.iter().filter(|p| p.0 == l && p.1 == l).count() as f32;
            let gold = pairs.iter().filter(|p| p.0 == l).count() as f32;
            let own = pairs.iter().filter(|p| p.1 == l).count() as f32;
            if gold > 0.0 {
                used += 1.0;
                sum += 2.0 * hit / (gold + own).max(1.0);
            }
        }
        100.0 * sum / used.max(1.0)
    };
    let group = |odds: &[f32]| best(&[odds[0] + odds[1], odds[2], odds[3] + odds[4]]);
    let mut thirds = Vec::new();
    let mut rule_thirds = Vec::new();
    let mut fifths = Vec::new();
    let mut kinds = Vec::new();
    let mut rule_kinds = Vec::new();
    let mut harms = Vec::new();
    let mut rule_harms = Vec::new();
    for (e, s, rules) in held {
        let odds = odds(&s[SENTIMENT], 1.0);
        thirds.push((third(&e.target), group(&odds)));
        rule_thirds.push((
            third(&e.target),
            if rules.1 < -0.18 {
                0
            } else if rules.1 > 0.18 {
                2
            } else {
                1
            },
        ));
        fifths.push((best(&e.target[SENTIMENT]), best(&s[SENTIMENT])));
        kinds.push((best(&e.target[CATEGORY]), best(&s[CATEGORY])));
        rule_kinds.push((best(&e.target[CATEGORY]), rules.0 as usize));
        harms.push((best(&e.target[SEVERITY]), best(&s[SEVERITY])));
        rule_harms.push((best(&e.target[SEVERITY]), rules.2 as usize));
    }
    vec![format!(
        "{code}: held back {} rows, macro-F1: sentiment (3) {:.1} [rules {:.1}], (5) {:.1}, category {:.1} [rules {:.1}], \
         severity {:.1} [rules {:.1}]",
        held.len(),
        f1(&thirds, 3),
        f1(&rule_thirds, 3),
        f1(&fifths, 5),
        f1(&kinds, 14),
        f1(&rule_kinds, 14),
        f1(&harms, 4),
        f1(&rule_harms, 4),
    )]
}

pub(super) fn third(target: &Row) -> usize {
    match best(&target[SENTIMENT]) {
        0 | 1 => 0,
        2 => 1,
        _ => 2,
    }
}

pub(super) fn best(values: &[f32]) -> usize {
    (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0)
}
