//! The trained model beside the rules: a linear classifier over hashed words and letters and over what the rules found.
//!
//! `features` says what it sees, `table` how its weights lie in a file (they are read where they lie, so that a
//! language costs nothing until its first text, and little then), `fit` finds the weights, `train` makes the files from
//! the corpus. Decisions are made in `decide`; here are only scores.

mod calibrate;
pub mod corpus;
pub(super) mod features;
mod fit;
pub(super) mod keys;
mod mean;
pub(super) mod table;
pub mod talk;
pub mod train;

pub(super) use table::Model;
pub(super) use talk::Talk;
