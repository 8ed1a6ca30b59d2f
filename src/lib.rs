//! The map of mentiond. Data flows one way, imports point downward; `tests/floors.rs` holds us to both.
//!
//! | floor | modules | may use |
//! |---|---|---|
//! | 4 wiring | `main.rs` → [`cli`] (one file a command) → [`daemon`] | everything below |
//! | 3 edges | [`config`] [`fetch`] [`mail`] [`web`] | state, rules, words |
//! | 2 state | [`store`] | rules, words |
//! | 1 rules | [`sources`] [`query`] [`dedup`] [`classify`] [`themes`] [`routing`] [`cases`] [`summaries`] [`compose`] [`schedule`] [`warnings`] | words |
//! | 0 words | [`model`] [`clock`] [`text`] [`point`] | nothing of ours |
//!
//! What is deliberately absent: rules know no store, no network and no clock; sources do no I/O; only `compose`
//! words a mail; sled and SQLite are named only inside `store`; nothing but `clock` reads the time.

pub mod cases;
pub mod classify;
pub mod cli;
pub mod clock;
pub mod compose;
pub mod config;
pub mod daemon;
pub mod dedup;
pub mod fetch;
pub mod mail;
pub mod model;
pub mod point;
pub mod query;
pub mod routing;
pub mod schedule;
pub mod sources;
pub mod store;
pub mod summaries;
pub mod text;
pub mod themes;
pub mod warnings;
pub mod web;
