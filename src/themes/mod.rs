//! Themes: different mentions, different people, one issue. Pure: what a mention is about becomes weighted terms
//! (`terms`), a memory of the themes so far says which one it belongs to and why (`place`), and whether that must be
//! acted on is decided in `standing`. `store` keeps the themes, and rebuilds the memory from them.
//!
//! One or two people are something to think about: their mentions are shown as similar (`similar`). From `act_at` people
//! on, a theme opens.

mod concepts;
pub mod issues;
mod mood;
mod named;
pub mod place;
mod similar;
pub mod standing;
mod terms;

pub use named::NamedQueries;
pub use place::{Joined, Memory, Placement, Remembered};
pub use similar::{MAX_REMEMBERED, MAX_SIMILAR, Recent, SIMILAR_WINDOW, Signature};
pub use terms::{Term, Terms};
