//! What recent texts are recognised by, in memory: sketches of mentions that are recorded and not marked in the seen index
//! yet (polls are marked together, but the next poll must know of them), and the newest press reports. Only candidates
//! come out of it; what they are is decided from the record.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::dedup::near::Sketch;
use crate::dedup::report::Report;

/// Reports that a new one is compared with: the newest ones.
const MAX_REPORTS: usize = 512;

#[derive(Default)]
pub(super) struct Recent {
    unmarked: Mutex<HashMap<u64, i64>>,
    reports: Mutex<Reports>,
}

/// The newest press reports.
#[derive(Default)]
struct Reports {
    newest: VecDeque<(i64, Report)>,
    /// How many were forgotten: the number of the first of `newest`.
    gone: usize,
    /// Numbers of the reports that have a name, ascending.
    named: HashMap<u32, VecDeque<usize>>,
}

impl Reports {
    fn add(&mut self, mention: i64, report: Report) {
        if self.newest.len() >= MAX_REPORTS
            && let Some((_, oldest)) = self.newest.pop_front()
        {
            for name in oldest.names() {
                if let Some(numbers) = self.named.get_mut(&name) {
                    numbers.pop_front();
                    if numbers.is_empty() {
                        self.named.remove(&name);
                    }
                }
            }
            self.gone += 1;
        }
        let number = self.gone + self.newest.len();
        for name in report.names() {
            self.named.entry(name).or_default().push_back(number);
        }
        self.newest.push_back((mention, report));
    }

    /// Mentions that report the same event, and how like their words are.
    fn like(&self, report: &Report) -> Vec<(f32, i64)> {
        let mut numbers: Vec<usize> =
            report.names().filter_map(|name| self.named.get(&name)).flatten().copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let known = numbers.into_iter().filter_map(|number| self.newest.get(number.checked_sub(self.gone)?));
        known.filter_map(|(mention, known)| Some((known.same_event(report)?.cosine, *mention))).collect()
    }
}

impl Recent {
    /// Remembers a mention.
    pub(super) fn add(&self, mention: i64, sketch: &Sketch, report: &Report) {
        if !sketch.0.is_empty() {
            let mut unmarked = self.unmarked.lock().unwrap_or_else(PoisonError::into_inner);
            unmarked.extend(sketch.0.iter().map(|hash| (*hash, mention)));
        }
        if !report.is_empty() {
            self.reports.lock().unwrap_or_else(PoisonError::into_inner).add(mention, report.clone());
        }
    }

    /// A mention whose sketch has that hash.
    pub(super) fn unmarked(&self, hash: u64) -> Option<i64> {
        self.unmarked.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).copied()
    }

    /// These mentions are in the index now.
    pub(super) fn marked<'a>(&self, sketches: impl Iterator<Item = &'a (i64, Sketch)>) {
        let mut unmarked = self.unmarked.lock().unwrap_or_else(PoisonError::into_inner);
        for (mention, sketch) in sketches {
            for hash in &sketch.0 {
                if unmarked.get(hash) == Some(mention) {
                    unmarked.remove(hash);
                }
            }
        }
    }

    /// Mentions that report the same event, the likest first.
    pub(super) fn reports_like(&self, report: &Report) -> Vec<i64> {
        let mut found = self.reports.lock().unwrap_or_else(PoisonError::into_inner).like(report);
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.truncate(super::seen::MAX_CANDIDATES);
        found.into_iter().map(|(_, mention)| mention).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_reports_are_found_by_their_names_and_the_oldest_forgotten() {
        let recent = Recent::default();
        let report = |n: usize| {
            let text = format!("The court of Aarhus fined F{n} on Tuesday for burning toasters in T{n} harbour.");
            Report::of(&format!("Judges: O{n} fined"), &text, &[])
        };
        for n in 0..MAX_REPORTS + 10 {
            recent.add(n as i64, &Sketch::default(), &report(n));
        }
        assert_eq!(recent.reports_like(&report(10)).first(), Some(&10));
        assert_eq!(recent.reports_like(&report(MAX_REPORTS + 9)).first(), Some(&(MAX_REPORTS as i64 + 9)));
        assert!(!recent.reports_like(&report(9)).contains(&9), "it was forgotten");
        let reports = recent.reports.lock().unwrap();
        let held: usize = reports.named.values().map(VecDeque::len).sum();
        assert_eq!(held, reports.newest.iter().map(|(_, known)| known.names().count()).sum::<usize>());
    }
}
