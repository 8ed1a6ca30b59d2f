//! The pages and the links in the mails: a real daemon on loopback, asked as a browser, a mail scanner or an attacker
//! would ask; and as people see them, in a browser.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub, dead_code, reason = "tests")]

mod browser;
mod case_pages;
mod client;
mod links;
mod safety;
mod sign_in;
#[path = "../support/mod.rs"]
mod support;
mod theme_pages;
