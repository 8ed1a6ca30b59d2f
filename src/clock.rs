//! The only place that reads the wall clock. Everything else is handed a [`Clock`] or a `now`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::cost;

/// Where the time comes from: the machine, or a test that steps it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at `now` until [`Clock::set`] moves it.
    pub fn fixed(now: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(now.as_millisecond()))))
    }

    /// Now, cut to milliseconds (the precision of the record).
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> Timestamp {
        let ms = match &self.0 {
            None => Timestamp::now().as_millisecond(),
            Some(fixed) => fixed.load(Ordering::SeqCst),
        };
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves a fixed clock to `now`; the machine's clock stays as it is.
    pub fn set(&self, now: Timestamp) {
        if let Some(fixed) = &self.0 {
            fixed.store(now.as_millisecond(), Ordering::SeqCst);
        }
    }
}

/// Measures how long a stage takes, on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Nanoseconds since the start.
    pub fn nanos(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
