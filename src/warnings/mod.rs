//! Early warning: what is said about a brand is far more than usual, or hardly anything is said any more. Pure: the record
//! hands over counts by hour, `now` is passed in, and what comes out are the model's warnings; `compose` words them.
//!
//! | file | |
//! |---|---|
//! | `book` | what is known of a watchlist, hour by hour |
//! | `hours` | which hours say something, and which nothing because nobody listened |
//! | `usual` | what is usual for one series: level, shape over the week, how far counts stray |
//! | `tail` | how likely a count is |
//! | `scene` | what all parts of a look share: series with what is usual for each |
//! | `look` | one look at a watchlist: which series are unusual, which of them explains the others, what was told before |
//!
//! A watchlist's mentions are counted as a whole, and by source, category and theme. They are counted where they were
//! published, not when they were heard: a feed that catches up tells of the past and changes nothing about now.

mod book;
mod hours;
mod look;
mod scene;
mod tail;
mod usual;

pub use book::{Book, Cell, DAYS, Listener, NEEDED_DAYS, Post, first_hour, hour_at, hour_of};
pub use hours::HourSet;
pub use look::{Found, Measure, Standing, Wish, look};
pub use scene::Memory;
pub use tail::{at_least, at_most};
