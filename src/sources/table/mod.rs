//! Services with a JSON API: what to ask them next, and what their answers say; no I/O. A [`Walk`] is one poll: the daemon
//! takes requests from it and gives it the answers, until it is done. Everything that differs between services stands in
//! the table ([`crate::model::Table`]), nothing in code.
//!
//! `request` fills templates in, `read` makes entries from items, `walk` pages and resumes, `faults` tells refusals
//! apart, `one` asks for a single item again,
//! `budget` keeps to quotas and spending caps, `position` is what the cursor remembers, `links` finds further pages.

mod budget;
mod faults;
mod links;
mod one;
mod position;
mod read;
mod request;
mod walk;

pub use budget::Budget;
pub use one::{Found, answer as one_answer, request as one_request};
pub use position::{Position, Positions};
pub use read::entry;
pub use request::{Reply, Request, first_requests};
pub use walk::{Session, Step, Walk, Walked};
