//! Fake worlds that tests share; each test file takes what it needs.
#![allow(dead_code, unreachable_pub, reason = "no test file uses all of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a fake world that breaks must fail its test")]

pub mod chaos;
pub mod dice;
pub mod imap;
pub mod jetstream;
pub mod postfix;
pub mod signal;
pub mod smtp;
pub mod web;
pub mod world;
