//! Programs that may use the API.

use super::Secret;

/// What a program may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Read,
    /// Also act on cases.
    Act,
}

/// A program that may use the API.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub name: String,
    /// `None` where secrets are not read (commands that do not serve).
    pub secret: Option<Secret>,
    pub scope: Scope,
    /// It sees only what these departments take care of; empty: everything.
    pub departments: Vec<String>,
    /// It sees personal data; otherwise that is masked.
    pub full: bool,
    /// In whose name it acts, unless a request says.
    pub by: Option<String>,
}
