//! What a query means, apart from how it was written; and how it is printed.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

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
    Set(Set),
}

/// `set:NAME`, with what that set looks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Set {
    /// As the configuration writes it.
    pub(super) name: String,
    pub(super) node: Arc<Node>,
    pub(super) at: At,
}

/// Where a part stands in the query's text. It is no part of the meaning: two of them are always equal.
#[derive(Clone, Debug, Default)]
pub(super) struct At(pub(super) Range<usize>);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
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
    /// Where the entry's text leads.
    Link,
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
            Place::Link => Some("link"),
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
    /// The label folded, without a `*` at its end.
    pub(super) folded: String,
    /// The same with its accents.
    pub(super) accented: String,
    pub(super) at: At,
}

impl Words {
    /// Whether a `*` ends it: any ending fits.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.form, Form::Word | Form::Phrase) && self.label.ends_with('*')
    }
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
    Theme(String),
    Flag(String),
    /// Followers of the author.
    Followers(Compare, u64),
    /// Stars, 1 to 5.
    Rating(Compare, f32),
    Has(Has),
    Is(Is),
}

/// What an entry can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Has {
    /// A link in its text.
    Link,
    Author,
    Title,
    /// Stars.
    Rating,
    /// A known number of followers.
    Followers,
}

impl Has {
    pub(super) const ALL: [Has; 5] = [Has::Link, Has::Author, Has::Title, Has::Rating, Has::Followers];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Has::Link => "link",
            Has::Author => "author",
            Has::Title => "title",
            Has::Rating => "rating",
            Has::Followers => "followers",
        }
    }
}

/// What an entry can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    /// An answer to another post.
    Reply,
}

impl Is {
    pub(super) const ALL: [Is; 1] = [Is::Reply];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Is::Reply => "reply",
        }
    }
}

impl Node {
    /// Joins nodes that must all hold.
    pub(super) fn all(nodes: Vec<Node>) -> Option<Node> {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::All(inner) => flat.extend(inner),
                node => flat.push(node),
            }
        }
        if flat.len() > 1 { Some(Node::All(flat)) } else { flat.pop() }
    }

    /// Joins nodes of which one must hold.
    pub(super) fn any(nodes: Vec<Node>) -> Option<Node> {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::Any(inner) => flat.extend(inner),
                node => flat.push(node),
            }
        }
        if flat.len() > 1 { Some(Node::Any(flat)) } else { flat.pop() }
    }

    /// Brackets of the deepest part, sets included.
    pub(super) fn depth(&self) -> usize {
        match self {
            Node::All(nodes) | Node::Any(nodes) => 1 + nodes.iter().map(Node::depth).max().unwrap_or(0),
            Node::Not(node) => node.depth(),
            Node::Set(set) => 1 + set.node.depth(),
            Node::Words(_) | Node::Near(_) | Node::Fact(_) => 0,
        }
    }

    /// Words, phrases and field tests, those of its sets included.
    pub(super) fn weight(&self) -> usize {
        match self {
            Node::All(nodes) | Node::Any(nodes) => nodes.iter().map(Node::weight).sum(),
            Node::Not(node) => node.weight(),
            Node::Set(set) => set.node.weight(),
            Node::Near(near) => near.left.len() + near.right.len(),
            Node::Words(_) | Node::Fact(_) => 1,
        }
    }

    /// The same text for queries that differ only in order, case, brackets, signs and names of sets.
    pub(super) fn canonical(&self) -> String {
        let sorted = |nodes: &[Node], between: &str| {
            let mut parts: Vec<String> = nodes.iter().map(Node::canonical).collect();
            parts.sort_unstable();
            parts.dedup();
            format!("({})", parts.join(between))
        };
        match self {
            Node::All(nodes) => sorted(nodes, " "),
            Node::Any(nodes) => sorted(nodes, " OR "),
            Node::Not(node) => format!("-{}", node.canonical()),
            Node::Words(words) if matches!(words.form, Form::Word | Form::Phrase) => {
                let place = words.place.field().unwrap_or_default();
                format!("{place}:\"{}\"{}", words.accented, if words.is_open() { "*" } else { "" })
            }
            Node::Set(set) => set.node.canonical(),
            Node::Words(_) | Node::Near(_) | Node::Fact(_) => self.to_string(),
        }
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
            Node::Set(set) => write!(f, "set:{}", quoted(&set.name)),
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
            Fact::Theme(name) => write!(f, "theme:{}", quoted(name)),
            Fact::Flag(name) => write!(f, "flag:{}", quoted(name)),
            Fact::Followers(compare, count) => write!(f, "followers:{}{count}", compare.sign()),
            Fact::Rating(compare, stars) => write!(f, "rating:{}{stars}", compare.sign()),
            Fact::Has(what) => write!(f, "has:{}", what.as_str()),
            Fact::Is(what) => write!(f, "is:{}", what.as_str()),
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
