//! The language, its errors and its matcher, held against tables, snapshots and a naive reading.

mod failures;
mod language;
mod mistakes;
mod properties;
mod reference;

use super::{Document, Query, Scope, parse};

fn query(source: &str) -> Query {
    parse(source, Scope::Watchlist).unwrap_or_else(|errors| panic!("{source}: {errors:#?}"))
}

fn document(text: &str) -> Document<'_> {
    Document { text, ..Document::default() }
}
