//! Services with a JSON API: every kind against a fake that behaves as its documentation says, and the operator's own.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod allowance;
mod canary;
mod exactly_once;
mod fake;
mod kinds;
mod looked;
mod recorded;
mod searched;
mod served;
