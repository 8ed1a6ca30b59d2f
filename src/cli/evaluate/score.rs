//! Counts of what was said against what is right: accuracy, precision, recall, F1, confusion.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Pairs of the right answer and ours, for one question put to one file.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pairs: BTreeMap<(String, String), usize>,
}

/// How well one answer is given.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) label: String,
    pub(super) rows: usize,
    /// 0 … 1.
    pub(super) precision: f64,
    pub(super) recall: f64,
    pub(super) f1: f64,
}

impl Tally {
    /// Counts one row.
    pub(super) fn add(&mut self, right: &str, own: &str) {
        *self.pairs.entry((right.to_owned(), own.to_owned())).or_default() += 1;
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.pairs.values().sum()
    }

    /// Share of rows that were answered right, 0 … 1.
    pub(super) fn accuracy(&self) -> f64 {
        let right: usize = self.pairs.iter().filter(|((a, b), _)| a == b).map(|(_, n)| n).sum();
        share(right, self.rows())
    }

    /// A line for each answer that is right somewhere; an answer that is only ever ours lowers the others' recall.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut labels: Vec<&str> = self.pairs.keys().map(|(a, _)| a.as_str()).collect();
        labels.dedup();
        let count = |f: &dyn Fn(&str, &str) -> bool| -> usize {
            self.pairs.iter().filter(|((a, b), _)| f(a, b)).map(|(_, n)| n).sum()
        };
        labels
            .into_iter()
            .map(|label| {
                let hit = count(&|a, b| a == label && b == label);
                let (rows, given) = (count(&|a, _| a == label), count(&|_, b| b == label));
                Line {
                    label: label.to_owned(),
                    rows,
                    precision: share(hit, given),
                    recall: share(hit, rows),
                    f1: share(2 * hit, rows + given),
                }
            })
            .collect()
    }

    /// Mean of the F1 of all right answers, each counted alike, 0 … 1.
    pub(super) fn macro_f1(&self) -> f64 {
        let lines = self.lines();
        lines.iter().map(|l| l.f1).sum::<f64>() / lines.len().max(1) as f64
    }

    /// Right answer, ours, and how often.
    pub(super) fn confusion(&self) -> impl Iterator<Item = (&str, &str, usize)> {
        self.pairs.iter().map(|((a, b), n)| (a.as_str(), b.as_str(), *n))
    }

    /// Everything, for machines.
    pub(super) fn to_json(&self) -> Value {
        let lines: Vec<Value> = self
            .lines()
            .into_iter()
            .map(
                |l| json!({"label": l.label, "rows": l.rows, "precision": l.precision, "recall": l.recall, "f1": l.f1}),
            )
            .collect();
        let mut matrix = serde_json::Map::new();
        for (right, own, n) in self.confusion() {
            if let Value::Object(row) = matrix.entry(right).or_insert_with(|| json!({})) {
                row.insert(own.to_owned(), json!(n));
            }
        }
        json!({"rows": self.rows(), "accuracy": self.accuracy(), "macro_f1": self.macro_f1(), "labels": lines, "confusion": matrix})
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_small_table() {
        let mut tally = Tally::default();
        for (right, own) in [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("b", "c")] {
            tally.add(right, own);
        }
        assert_eq!((tally.rows(), tally.accuracy()), (5, 0.6));
        let lines = tally.lines();
        assert_eq!(lines.len(), 2, "`c` is never right: {lines:?}");
        assert_eq!((lines[0].precision, lines[0].recall, lines[0].f1), (1.0, 2.0 / 3.0, 0.8));
        assert_eq!((lines[1].precision, lines[1].recall, lines[1].f1), (0.5, 0.5, 0.5));
        assert!((tally.macro_f1() - 0.65).abs() < 1e-9);
        assert_eq!(tally.to_json()["confusion"]["b"]["c"], 1);
        assert_eq!(Tally::default().macro_f1(), 0.0);
    }
}
