//! What belongs into a digest, a report for a meeting, the management summary and a report. Pure: the record hands over
//! mentions one after the other, `now` is passed in, and what comes out are the model's values; `compose` words them.
//!
//! A mention belongs to the period in which it was heard, not in which it was written: so each belongs to exactly one,
//! and none is lost that a source showed late.

mod due;
mod figures;
mod gather;
mod report;
mod themes;

use jiff::Timestamp;

pub use due::{Due, Wanted, due, wanted};
pub use figures::{Daily, Tally};
pub use gather::{Digest, Span};
pub use report::{ReportSpan, Reporting, Worked};

use crate::model::{Case, Mention, OpenCase};
use crate::routing::Routing;

/// A mention as the record hands it over.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    pub mention: &'a Mention,
    pub story: i64,
    /// It began its story; otherwise it is a copy.
    pub original: bool,
    pub case: Option<i64>,
    /// Name of the theme that it is in, if that had to be acted on.
    pub theme: Option<&'a str>,
}

/// A case as it is listed.
fn open_case(case: &Case, routing: &Routing, now: Timestamp) -> OpenCase {
    OpenCase {
        case: case.id,
        mention: case.mention,
        status: case.status,
        severity: case.severity,
        owner: case.owner.clone(),
        opened: case.opened,
        overdue: crate::cases::overdue_since(case, routing, now),
    }
}
