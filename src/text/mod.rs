//! Text without rules: HTML to plain text, folding for comparison, links as text.

pub mod fold;
pub mod html;
pub mod link;
pub mod needle;
