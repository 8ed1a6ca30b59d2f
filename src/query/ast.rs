//! What a query means, apart from how it was written; and how it is printed.

use std::fmt;

use crate::model::{Category, SentimentLabel, Severity};

/// A node of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// All of these; at least two, none of them `All`.
    All(Vec<Node>),
    /// At least one of these; at least two, none of them `Any`.
    Any(Vec<Node>),
    Not(Box<Node>),
    Words(Words),
    Near(Near),
    Fact(Fact),
}

/// The texts that words are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Title and text; what a word without field means.
    Anywhere,
    Title,
    Body,
    Author,
    Site,
    Url,
}

impl Place {
    /// The field's name, if one has to be written.
    pub(super) fn field(self) -> Option<&'static str> {
        match self {
            Place::Anywhere => None,
            Place::Title => Some("title"),
            Place::Body => Some("body"),
            Place::Author => Some("author"),
            Place::Site => Some("site"),
            Place::Url => Some("url"),
        }
    }
}

/// Words to be found in a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Words {
    pub(super) place: Place,
    pub(super) form: Form,
    /// What is looked for, without the signs around it: shown to people as the term that matched.
    pub(super) label: String,
    /// As its author wrote it, signs included.
    pub(super) written: String,
}

/// How words are to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A bare word, perhaps with `*` at its end or `?` in it.
    Word,
    /// `"…"`, perhaps with `*` at its end.
    Phrase,
    /// `` `…` ``
    Literal,
    /// `{…}`
    Exact,
    /// `#tag` or `@handle`.
    Unit,
    /// `acme.com`
    Domain,
    /// `"…"~n`: all words of the phrase, in any order, with at most n others between them.
    Within(u32),
    /// `/…/`; true if case is ignored.
    Regex { ignore_case: bool },
}

/// `left NEAR/n right`: at most `distance` words between them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Near {
    pub(super) left: Vec<Words>,
    pub(super) right: Vec<Words>,
    pub(super) distance: u32,
    /// `NEAR/nf`: the left side comes first.
    pub(super) ordered: bool,
}

/// A comparison in a field with steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    AtLeast,
    AtMost,
    Above,
    Below,
}

impl Compare {
    fn sign(self) -> &'static str {
        match self {
            Compare::Equal => "",
            Compare::AtLeast => ">=",
            Compare::AtMost => "<=",
            Compare::Above => ">",
            Compare::Below => "<",
        }
    }

    /// Whether `value` stands in this relation to `bound`.
    pub(super) fn holds<T: PartialOrd>(self, value: T, bound: T) -> bool {
        match self {
            Compare::Equal => value == bound,
            Compare::AtLeast => value >= bound,
            Compare::AtMost => value <= bound,
            Compare::Above => value > bound,
            Compare::Below => value < bound,
        }
    }
}

/// A test of something that is known about an entry, beside its words.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact {
    /// A language code; `es` also stands for `es-MX`.
    Lang(String),
    Source(String),
    /// The primary category.
    Category(Category),
    Severity(Compare, Severity),
    Sentiment(Compare, SentimentLabel),
    Watchlist(String),
    Flag(String),
}

impl Node {
    /// Joins nodes that must all hold.
    pub(super) fn all(nodes: Vec<Node>) -> Option<Node> {
        Self::join(nodes, Node::All, |node| match node {
            Node::All(inner) => Ok(inner),
            other => Err(other),
        })
    }

    /// Joins nodes of which one must hold.
    pub(super) fn any(nodes: Vec<Node>) -> Option<Node> {
        Self::join(nodes, Node::Any, |node| match node {
            Node::Any(inner) => Ok(inner),
            other => Err(other),
        })
    }

    fn join(
        nodes: Vec<Node>,
        make: impl FnOnce(Vec<Node>) -> Node,
        open: impl Fn(Node) -> Result<Vec<Node>, Node>,
    ) -> Option<Node> {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match open(node) {
                Ok(inner) => flat.extend(inner),
                Err(node) => flat.push(node),
            }
        }
        if flat.len() > 1 { Some(make(flat)) } else { flat.pop() }
    }

    fn print(&self, f: &mut fmt::Formatter<'_>, inside: bool) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, nodes: &[Node], between: &str| {
            if inside {
                f.write_str("(")?;
            }
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    f.write_str(between)?;
                }
                node.print(f, true)?;
            }
            if inside { f.write_str(")") } else { Ok(()) }
        };
        match self {
            Node::All(nodes) => list(f, nodes, " "),
            Node::Any(nodes) => list(f, nodes, " OR "),
            Node::Not(node) => {
                f.write_str("-")?;
                node.print(f, true)
            }
            Node::Words(words) => write!(f, "{words}"),
            Node::Near(near) if inside => write!(f, "({near})"),
            Node::Near(near) => write!(f, "{near}"),
            Node::Fact(fact) => write!(f, "{fact}"),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, false)
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = self.place.field() {
            write!(f, "{field}:")?;
        }
        f.write_str(&self.written)
    }
}

impl fmt::Display for Near {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |f: &mut fmt::Formatter<'_>, words: &[Words]| {
            if words.len() > 1 {
                f.write_str("(")?;
            }
            for (index, one) in words.iter().enumerate() {
                if index > 0 {
                    f.write_str(" OR ")?;
                }
                write!(f, "{one}")?;
            }
            if words.len() > 1 { f.write_str(")") } else { Ok(()) }
        };
        side(f, &self.left)?;
        write!(f, " NEAR/{}{} ", self.distance, if self.ordered { "f" } else { "" })?;
        side(f, &self.right)
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fact::Lang(code) => write!(f, "lang:{code}"),
            Fact::Source(name) => write!(f, "source:{}", quoted(name)),
            Fact::Category(category) => write!(f, "category:{}", category.as_str()),
            Fact::Severity(compare, step) => write!(f, "severity:{}{}", compare.sign(), step.as_str()),
            Fact::Sentiment(compare, step) => write!(f, "sentiment:{}{}", compare.sign(), step.as_str()),
            Fact::Watchlist(name) => write!(f, "watchlist:{}", quoted(name)),
            Fact::Flag(name) => write!(f, "flag:{}", quoted(name)),
        }
    }
}

/// A name as it is written in a query: bare if that is unmistakable.
fn quoted(name: &str) -> String {
    if name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
