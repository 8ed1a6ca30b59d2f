//! Sources: how the answer of a polled place is read; no I/O. `feed` reads documents, `identity` tells new entries from
//! known ones, `dates` reads what feeds call a date, `health` says what a poll's end means for the source,
//! `jetstream` reads the events of a stream, `webhook` what others push. Called by the
//! daemon.

pub mod dates;
pub mod feed;
pub mod health;
pub mod identity;
pub mod jetstream;
pub mod mailbox;
pub mod presets;
pub mod table;
pub mod webhook;

/// Most bytes of an entry's text: what is looked at per entry ([`crate::text::html::MAX_HTML`]) bounds it.
pub const MAX_TEXT: usize = crate::text::html::MAX_HTML;
