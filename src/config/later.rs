//! What the configuration accepts and this version does not act on yet. When digests are built, this goes away here
//! and nowhere else.

use super::diagnostic::{Findings, Span};

/// Said of `digest = …`, `deliver = "digest"` and `deliver = "meeting"`.
const DIGESTS: &str =
    "collected mail is not sent by this version: such mentions are kept in the record and listed by `mentions`";

/// Places of keys that have no effect yet; each kind is told once, at the first.
#[derive(Debug, Default)]
pub(super) struct Later {
    digest: Option<Span>,
}

impl Later {
    pub(super) fn digest(&mut self, at: Span) {
        self.digest.get_or_insert(at);
    }

    pub(super) fn tell(self, found: &mut Findings) {
        if let Some(at) = self.digest {
            found.warning(at, DIGESTS);
        }
    }
}
