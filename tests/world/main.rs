//! The whole path, from a feed to the mail that a person gets: the library against a fake web, a scripted relay, a
//! stepped clock and a real state folder.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub, reason = "tests")]

mod api;
mod api_themes;
mod backup;
mod cases;
mod chaos;
mod copies;
mod daemon;
mod digests;
mod forget;
mod jetstream;
mod kept;
mod listening;
mod looking;
mod mail;
mod mailbox;
mod manager;
mod perks;
mod privacy;
mod real;
mod replies;
mod secrets;
mod sources;
mod state;
mod stories;
mod storms;
mod stuck;
#[path = "../support/mod.rs"]
mod support;
mod themes;
mod warnings;
mod webhook;
