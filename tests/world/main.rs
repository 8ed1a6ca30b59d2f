//! The whole path, from a feed to the mail that a person gets: the library against a fake web, a scripted relay, a
//! stepped clock and a real state folder.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub, reason = "tests")]

mod cases;
mod copies;
mod daemon;
mod digests;
mod mail;
mod privacy;
mod real;
mod secrets;
mod sources;
mod state;
mod stories;
mod storms;
#[path = "../support/mod.rs"]
mod support;
