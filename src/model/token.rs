//! Programs that may use the API, and who acts: a person or a program.

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

/// Who does something with a case or a theme.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Actor {
    /// An operator who does not say who they are.
    #[default]
    Unnamed,
    /// A person, by mail address. Rules ask whether they may, and a case that they take is theirs.
    Person(String),
    /// A program in nobody's name, by the name of its token: it takes no case.
    Program(String),
}

impl Actor {
    /// The mail address of the person.
    pub fn person(&self) -> Option<&str> {
        match self {
            Actor::Person(address) => Some(address),
            Actor::Unnamed | Actor::Program(_) => None,
        }
    }

    /// As histories have it: a mail address, or `token:NAME`, which is none.
    pub fn told(&self) -> Option<String> {
        match self {
            Actor::Unnamed => None,
            Actor::Person(address) => Some(address.clone()),
            Actor::Program(name) => Some(format!("token:{name}")),
        }
    }
}

impl From<Option<String>> for Actor {
    fn from(address: Option<String>) -> Self {
        address.map_or(Actor::Unnamed, Actor::Person)
    }
}
