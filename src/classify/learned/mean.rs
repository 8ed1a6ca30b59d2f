//! The mean of several fits. Two fits of the same rows in another order differ, and an unseen text pays for it; what they
//! differ in is chance, and goes out of their mean. All models here are linear before their odds, so that the mean of
//! their weights is a model of the same form, size and speed (averaging of predictors: Breiman, "Bagging predictors",
//! 1996).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// So many fits make a model.
pub(super) const FITS: usize = 6;
/// Threads that fit; the result does not depend on them.
const MOST_THREADS: usize = 8;

/// Something that can be averaged: its weights are visited in a fixed order.
pub(super) trait Weights: Send {
    /// Calls `f` with the weights, run by run.
    fn each(&mut self, f: &mut dyn FnMut(&mut [f32]));
}

/// The mean of what `fit` gives for the seeds 0 … [`FITS`] − 1. The sum is made in the order of the seeds, so that it has
/// the same bits on one thread and on many.
pub(super) fn mean<W: Weights>(fit: impl Fn(u64) -> W + Sync) -> W {
    let next = AtomicUsize::new(1);
    let rest: Mutex<Vec<(usize, W)>> = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= FITS {
                return;
            }
            let found = fit(seed as u64);
            rest.lock().unwrap_or_else(PoisonError::into_inner).push((seed, found));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let mut sum = std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        let first = fit(0);
        work();
        first
    });
    let mut rest = rest.into_inner().unwrap_or_else(PoisonError::into_inner);
    rest.sort_by_key(|(seed, _)| *seed);
    for (_, mut other) in rest {
        let mut flat = Vec::new();
        other.each(&mut |weights| flat.extend_from_slice(weights));
        let mut flat = flat.into_iter();
        sum.each(&mut |weights| weights.iter_mut().zip(&mut flat).for_each(|(sum, weight)| *sum += weight));
    }
    sum.each(&mut |weights| weights.iter_mut().for_each(|weight| *weight /= FITS as f32));
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weights for Vec<[f32; 2]> {
        fn each(&mut self, f: &mut dyn FnMut(&mut [f32])) {
            self.iter_mut().for_each(|row| f(row));
        }
    }

    #[test]
    fn every_fit_counts_once_whichever_is_done_first() {
        let made = mean(|seed| {
            // The first ones take longest.
            let work: u64 = (0..(FITS as u64 - seed) * 20_000).fold(seed, |a, b| a.wrapping_mul(31).wrapping_add(b));
            vec![[seed as f32, 1.0], [-(seed as f32) * 2.0, if work == 7 { 1.0 } else { 0.1 }]]
        });
        let middle = (FITS as f32 - 1.0) / 2.0;
        let mut tenth = 0.1f32;
        (1..FITS).for_each(|_| tenth += 0.1);
        assert_eq!(made, vec![[middle, 1.0], [-2.0 * middle, tenth / FITS as f32]]);
    }
}
