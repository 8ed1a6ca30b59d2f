//! Fetching: a polite, guarded HTTP GET for a source and its cursor. The daemon's ingest and `explain` call it.
//!
//! - `http` runs one fetch from top to bottom: guard, turn, request, redirect, body.
//! - `ask` runs one request to a service's API.
//! - `guard` decides which addresses may be contacted; `resolve` makes names obey it.
//! - `host` knows whose turn it is and which host asked to be left in peace.
//! - `socket` opens WebSockets for streams, guarded in the same way.
//! - `mailbox` reads folders of mail by IMAP, under the same guard and trust.
//! - `classify` judges statuses, `transport` what failed below them, `hints` when to come back, `body` caps.
//!
//! What does not live here: parsing what was fetched (`sources`), deciding when to poll (`schedule`), retrying. One
//! call is one attempt.

mod ask;
mod body;
mod classify;
mod client;
mod guard;
mod hints;
mod host;
mod http;
pub mod local;
pub mod mailbox;
mod resolve;
mod socket;
mod transport;

pub use body::Body;
pub use client::FetchError;
pub use hints::Hints;
pub use host::HostStats;
pub use http::{Answer, Fetcher, MAX_REDIRECTS};
pub use resolve::{Looking, Lookup, SystemLookup};
pub use socket::{Heard, MAX_MESSAGE, OpenFault, Socket};
