//! What the configuration accepts and this version does not act on yet. When digests and clocks are built, their part
//! goes away here and nowhere else.

use super::diagnostic::{Findings, Span};

/// Said of `digest = …`, `deliver = "digest"` and `deliver = "meeting"`.
const DIGESTS: &str =
    "collected mail is not sent by this version: such mentions are kept in the record and listed by `mentions`";

/// Said of `hours`, `acknowledge_within` and `resolve_within`.
const CLOCKS: &str =
    "reminders are not sent by this version: office hours and deadlines are checked and kept for later";

/// Places of keys that have no effect yet; each kind is told once, at the first.
#[derive(Debug, Default)]
pub(super) struct Later {
    digest: Option<Span>,
    clock: Option<Span>,
}

impl Later {
    pub(super) fn digest(&mut self, at: Span) {
        self.digest.get_or_insert(at);
    }

    pub(super) fn clock(&mut self, at: Span) {
        self.clock.get_or_insert(at);
    }

    pub(super) fn tell(self, found: &mut Findings) {
        for (at, words) in [(self.digest, DIGESTS), (self.clock, CLOCKS)] {
            if let Some(at) = at {
                found.warning(at, words);
            }
        }
    }
}
