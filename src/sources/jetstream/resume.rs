//! Where a stream is taken up again after it broke, whether something is missing then, and when and where the next try
//! is made. Pure: the clock and the dice are arguments.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// So much before the last event a stream is taken up again, in microseconds: servers send events slightly out of order,
/// and another server has its own clock. What comes twice is known by its identity.
pub const OVERLAP_US: i64 = 5_000_000;
/// A source that is read for the first time begins so far back, in microseconds: enough to see that it works.
pub const FIRST_REACH_US: i64 = 60_000_000;
/// Waits between tries: the first one, doubled each time, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// A connection that lived so long was a good one: the next wait is the first one again.
const GOOD_LIFE: Duration = Duration::from_secs(30);

/// What is kept in the source's cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Time of the newest event that was taken in, in microseconds since 1970.
    pub time_us: i64,
    /// Digest or number of the server that gave it: times of another one differ a little.
    pub server: String,
}

/// Events that may be missing: between these times, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub from: i64,
    pub to: i64,
}

/// A stream's place among its servers and in time.
#[derive(Clone, Debug)]
pub struct Resume {
    servers: usize,
    /// The server to ask next.
    server: usize,
    failures: u32,
    /// What was taken in before this connection.
    before: Option<Position>,
    /// The connection has not shown its first event yet.
    begun: bool,
    newest: Option<i64>,
}

impl Resume {
    /// `servers` is their number, at least 1; `known` is what the record has.
    pub fn new(servers: usize, known: Option<Position>) -> Self {
        let newest = known.as_ref().map(|position| position.time_us);
        Self { servers: servers.max(1), server: 0, failures: 0, before: known, begun: false, newest }
    }

    /// The server to ask.
    pub fn server(&self) -> usize {
        self.server
    }

    /// Begins a connection; the cursor to ask for. `now_us` is the present time in microseconds since 1970.
    pub fn connect(&mut self, now_us: i64) -> i64 {
        self.begun = false;
        match self.newest {
            // A time in the future would have the server begin at the present, without a word (clocks that jump back).
            Some(newest) => newest.min(now_us) - OVERLAP_US,
            None => now_us - FIRST_REACH_US,
        }
    }

    /// Takes note of an event of the present connection, whose server is called `name`. The first one shows whether the
    /// server still reaches back to what is known: what was the newest event must come again, or an older one. If not,
    /// what lies between is missing.
    pub fn event(&mut self, time_us: i64, name: &str) -> Option<Gap> {
        let first = !std::mem::replace(&mut self.begun, true);
        let gap = match &self.before {
            Some(before) if first => {
                let slack = if before.server == name { 0 } else { OVERLAP_US };
                (time_us > before.time_us.saturating_add(slack)).then_some(Gap { from: before.time_us, to: time_us })
            }
            _ => None,
        };
        let newest = self.newest.map_or(time_us, |newest| newest.max(time_us));
        self.newest = Some(newest);
        self.before = Some(Position { time_us: newest, server: name.to_owned() });
        gap
    }

    /// The server says that the cursor is too old: it is asked from now on, and what lies between is missing.
    pub fn give_up_cursor(&mut self, now_us: i64) -> Option<Gap> {
        self.before = None;
        self.newest.take().map(|from| Gap { from, to: now_us })
    }

    /// The connection ended, or none came about: how long to wait before [`Resume::server`] is asked, which is another one
    /// if there is one. `lived` is how long events came; `dice` is in −1 … 1.
    pub fn ended(&mut self, lived: Duration, dice: f64) -> Duration {
        if lived >= GOOD_LIFE {
            self.failures = 0;
        }
        let wait = FIRST_WAIT.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(LONGEST_WAIT);
        self.failures = self.failures.saturating_add(1).min(31);
        self.server = (self.server + 1) % self.servers;
        wait.mul_f64(1.0 + 0.2 * dice.clamp(-1.0, 1.0))
    }

    /// What the record should have once everything up to the last event is taken in.
    pub fn position(&self) -> Option<&Position> {
        self.before.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn known(time_us: i64) -> Option<Position> {
        Some(Position { time_us, server: "a".to_owned() })
    }

    #[test]
    fn a_stream_is_taken_up_a_little_before_its_end() {
        assert_eq!(Resume::new(1, known(100 * SECOND)).connect(500 * SECOND), 95 * SECOND);
        assert_eq!(Resume::new(1, None).connect(500 * SECOND), 440 * SECOND, "the first time");
        assert_eq!(Resume::new(1, known(900 * SECOND)).connect(500 * SECOND), 495 * SECOND, "a clock that jumped back");
    }

    #[test]
    fn the_newest_event_must_come_again_or_something_is_missing() {
        let first = |time_us, server| {
            let mut resume = Resume::new(1, known(100 * SECOND));
            resume.connect(500 * SECOND);
            resume.event(time_us, server)
        };
        assert_eq!(first(96 * SECOND, "a"), None);
        assert_eq!(first(100 * SECOND, "a"), None);
        assert_eq!(first(100 * SECOND + 1, "a"), Some(Gap { from: 100 * SECOND, to: 100 * SECOND + 1 }));
        assert_eq!(first(104 * SECOND, "b"), None, "another server's clock");
        assert_eq!(first(106 * SECOND, "b"), Some(Gap { from: 100 * SECOND, to: 106 * SECOND }));
    }

    #[test]
    fn only_the_first_event_of_a_connection_tells() {
        let mut resume = Resume::new(1, None);
        resume.connect(500 * SECOND);
        assert_eq!([500, 400, 900].map(|s| resume.event(s * SECOND, "a")), [None; 3]);
        assert_eq!(resume.position().map(|p| p.time_us), Some(900 * SECOND));
        resume.ended(Duration::ZERO, 0.0);
        resume.connect(950 * SECOND);
        assert_eq!(resume.event(950 * SECOND, "a"), Some(Gap { from: 900 * SECOND, to: 950 * SECOND }));
    }

    #[test]
    fn waits_double_up_to_five_minutes_and_servers_take_turns() {
        let mut resume = Resume::new(3, None);
        let mut tries = Vec::new();
        for _ in 0..15 {
            tries.push((resume.server(), resume.ended(Duration::ZERO, 0.0).as_millis()));
        }
        assert_eq!(tries[..5], [(0, 100), (1, 200), (2, 400), (0, 800), (1, 1600)]);
        assert_eq!(tries[14].1, 300_000);
        assert_eq!(resume.ended(Duration::from_secs(60), 0.0).as_millis(), 100, "after a good one");
        assert_eq!(resume.ended(Duration::ZERO, 1.0).as_millis(), 240);
    }

    #[test]
    fn a_cursor_that_is_refused_is_a_gap() {
        let mut resume = Resume::new(1, known(100 * SECOND));
        assert_eq!(resume.give_up_cursor(500 * SECOND), Some(Gap { from: 100 * SECOND, to: 500 * SECOND }));
        assert_eq!(resume.connect(500 * SECOND), 440 * SECOND);
        assert_eq!(resume.event(500 * SECOND, "a"), None, "told once");
    }
}
