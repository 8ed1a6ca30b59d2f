//! The life of a case, as pure rules: who owns it, what may happen to it, when somebody is reminded, and which later
//! mention belongs to it. Values in, values out; `store` reads and writes them in one transaction, `daemon` asks for
//! what is due, `compose` words the mails.
//!
//! open → acknowledged → answered → resolved → closed when the customer is satisfied; or dismissed, with a reason.
//! A case is never without an owner, never goes back to anyone who failed it, and is never closed unsatisfied.

mod author;
mod due;
mod life;
mod moves;
mod owners;
#[cfg(test)]
mod property_tests;
mod spoken;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

pub use author::{AuthorKey, author_key};
pub use due::{Look, Reminder, deadlines, look, next_reminder, overdue_since};
pub use life::{
    Action, Opening, Outcome, Refusal, act, begin_anew, come_back, gather, handled, make_private, open, remind,
};
pub use moves::{GATHERED_WITHIN, confirm_at, gathers, look_again, merged};
pub use owners::{address, known_address, may_act};
pub use spoken::{Said, said};

use crate::model::{Case, CaseStatus, Mention};
use crate::routing::Routing;

/// A complaint of the same author within this time after closing belongs to the closed case.
pub const AFTER_CLOSING: SignedDuration = SignedDuration::from_hours(14 * 24);
/// From this many cases …
pub const OFTEN: usize = 3;
/// … within this time on, an author complains often, and the notice says so.
pub const OFTEN_WITHIN: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What somebody has to do already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Number of the last assignment, counted over everybody; 0 if there was none.
    pub last: i64,
    /// Cases that are not ended.
    pub open: u32,
}

/// Loads by mail address in lower case.
pub type Loads = HashMap<String, Load>;

/// What a decision about a case needs to know beside the case.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    pub routing: &'a Routing,
    pub loads: &'a Loads,
    pub now: Timestamp,
}

/// Whether a mention by the author of a case is another complaint, rather than thanks or a question in passing.
pub fn complains(mention: &Mention) -> bool {
    mention.classification.category.is_grievance()
}

/// Whether a mention by the author of a case joins it. A complaint about an employee or another member is a matter of
/// its own, and so is anything that must not reach whoever has the case.
pub fn joins(case: &Case, mention: &Mention, now: Timestamp) -> bool {
    let decision = &mention.decision;
    let kept = case.owner.person.as_deref().is_some_and(|owner| decision.is_kept_from(owner));
    takes_in(case, now) && case.privacy == decision.privacy && !kept
}

/// Whether a later mention of the same author belongs to this case: it is open, or was closed less than 14 days ago.
pub fn takes_in(case: &Case, now: Timestamp) -> bool {
    match (case.status, &case.ended) {
        (CaseStatus::Dismissed, _) => false,
        (CaseStatus::Closed, Some(ended)) => now.duration_since(ended.at) <= AFTER_CLOSING,
        (CaseStatus::Closed, None) => false,
        _ => true,
    }
}
