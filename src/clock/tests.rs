//! For tests of what an input costs.

use std::time::Duration;

/// How long the calling thread has a processor while it does `work` (Linux, Documentation/scheduler/sched-stats.rst):
/// other programs on a busy machine do not count, as they would by the wall clock.
pub(crate) fn cost(work: impl FnOnce()) -> Duration {
    let so_far = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
    };
    let before = so_far();
    work();
    so_far().saturating_sub(before)
}

#[test]
fn waiting_costs_nothing_and_work_does() {
    let mut sum = 0_u64;
    let work = cost(|| (0..3_000_000_u64).for_each(|n| sum = std::hint::black_box(sum ^ n)));
    let wait = cost(|| std::thread::park_timeout(Duration::from_millis(50)));
    assert!(work > wait, "work {work:?}, wait {wait:?}");
}
