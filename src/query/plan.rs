//! A query made ready to be evaluated: its words as numbered atoms, so that a scan can say which of them were found.

use regex::Regex;

use super::ast::{Fact, Form, Node, Place, Words};
use super::pattern::{self, Pattern};

/// A query ready to be evaluated.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) root: Plan,
    /// Words that are looked for in title and text, by the scan.
    pub(super) atoms: Vec<Atom>,
}

/// Words looked for in title or text.
#[derive(Debug)]
pub(super) struct Atom {
    pub(super) place: Place,
    pub(super) patterns: Vec<Pattern>,
    pub(super) label: String,
}

/// A node and the atoms in it.
#[derive(Debug)]
pub(super) struct Plan {
    /// Its atoms are numbered `first..end`.
    pub(super) first: u32,
    pub(super) end: u32,
    /// It cannot match unless at least one of its atoms is found.
    pub(super) needs_atom: bool,
    pub(super) step: Step,
}

#[derive(Debug)]
pub(super) enum Step {
    All(Vec<Plan>),
    /// Children that need an atom (in the order of their atoms, so that only those with a find are visited), and others.
    Any {
        needing: Vec<Plan>,
        free: Vec<Plan>,
    },
    Not(Box<Plan>),
    Atom,
    /// All atoms, in any order, with at most `distance` other words between.
    Within {
        distance: u32,
    },
    /// Atoms up to `middle` are the left side.
    Near {
        middle: u32,
        distance: u32,
        ordered: bool,
    },
    /// Words in author, site or url, which are short and looked at only when asked for.
    Aside {
        place: Place,
        patterns: Vec<Pattern>,
        label: String,
        domain: bool,
    },
    Regex {
        place: Place,
        regex: Regex,
        label: String,
    },
    Fact(Fact),
    /// A regular expression that could be compiled when it was read, but not again.
    Never,
}

impl Program {
    /// Makes a query ready.
    pub(super) fn new(node: &Node) -> Self {
        let mut atoms = Vec::new();
        let root = plan(node, &mut atoms);
        Self { root, atoms }
    }
}

fn plan(node: &Node, atoms: &mut Vec<Atom>) -> Plan {
    let first = atoms.len() as u32;
    let (needs_atom, step) = match node {
        Node::All(nodes) => {
            let children: Vec<Plan> = nodes.iter().map(|node| plan(node, atoms)).collect();
            (children.iter().any(|child| child.needs_atom), Step::All(children))
        }
        Node::Any(nodes) => {
            let (needing, free): (Vec<Plan>, Vec<Plan>) =
                nodes.iter().map(|node| plan(node, atoms)).partition(|child| child.needs_atom);
            (free.is_empty(), Step::Any { needing, free })
        }
        Node::Set(set) => return plan(&set.node, atoms),
        Node::Not(node) => (false, Step::Not(Box::new(plan(node, atoms)))),
        Node::Near(near) => {
            near.left.iter().for_each(|words| atoms.push(atom(words)));
            let middle = atoms.len() as u32;
            near.right.iter().for_each(|words| atoms.push(atom(words)));
            (true, Step::Near { middle, distance: near.distance, ordered: near.ordered })
        }
        Node::Fact(fact) => (false, Step::Fact(fact.clone())),
        Node::Words(words) => match (&words.form, words.place) {
            (Form::Regex { ignore_case }, place) => match pattern::regex(&words.label, *ignore_case) {
                Ok(regex) => (false, Step::Regex { place, regex, label: words.label.clone() }),
                Err(_) => (false, Step::Never),
            },
            (Form::Within(distance), _) => {
                let mut seen: Vec<&str> = Vec::new();
                for word in words.label.split_whitespace() {
                    if !seen.contains(&word) {
                        seen.push(word);
                        let label = word.to_owned();
                        atoms.push(atom(&Words { form: Form::Literal, label, ..words.clone() }));
                    }
                }
                (true, Step::Within { distance: *distance })
            }
            (_, Place::Anywhere | Place::Title | Place::Body) => {
                atoms.push(atom(words));
                (true, Step::Atom)
            }
            (form, place) => {
                let patterns = pattern::compile(words);
                let domain = *form == Form::Domain;
                (false, Step::Aside { place, patterns, label: words.label.clone(), domain })
            }
        },
    };
    Plan { first, end: atoms.len() as u32, needs_atom, step }
}

fn atom(words: &Words) -> Atom {
    Atom { place: words.place, patterns: pattern::compile(words), label: words.label.clone() }
}
