//! What an input costs, whatever else runs on the machine.

use std::time::Duration;

/// How long this thread was on a processor so far (Linux, Documentation/scheduler/sched-stats.rst): unlike the wall clock,
/// it does not go on while other programs have the processor.
pub(crate) fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}
