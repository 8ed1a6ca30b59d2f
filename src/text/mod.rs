//! Text without rules: HTML to plain text, folding for comparison, links as text, paths into JSON.

pub mod fold;
pub mod html;
pub mod json_path;
pub mod known;
pub mod link;
pub mod markdown;
pub mod needle;
