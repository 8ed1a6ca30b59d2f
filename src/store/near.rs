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
    reports: Mutex<VecDeque<(i64, Report)>>,
}

impl Recent {
    /// Remembers a mention.
    pub(super) fn add(&self, mention: i64, sketch: &Sketch, report: &Report) {
        if !sketch.0.is_empty() {
            let mut unmarked = self.unmarked.lock().unwrap_or_else(PoisonError::into_inner);
            unmarked.extend(sketch.0.iter().map(|hash| (*hash, mention)));
        }
        if !report.is_empty() {
            let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
            if reports.len() >= MAX_REPORTS {
                reports.pop_front();
            }
            reports.push_back((mention, report.clone()));
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
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<(f32, i64)> = reports
            .iter()
            .filter(|(_, known)| known.is_same_event(report))
            .map(|(mention, known)| (known.compare(report).cosine, *mention))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.truncate(super::seen::MAX_CANDIDATES);
        found.into_iter().map(|(_, mention)| mention).collect()
    }
}
