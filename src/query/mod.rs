//! The query language of watchlists and routes: parser with spans, and matcher. `config/QUERIES.md` is its reference.
//!
//! A query's text becomes tokens (`lexer`), a meaning (`parser`, `ast`, `fields`), and a plan (`plan`, `pattern`) that is
//! evaluated over what one scan of the folded text found (`matcher`, `evaluate`). Config calls [`parse`], ingest calls
//! [`Matcher::find`], routing calls [`Query::evaluate`].

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::model::{Category, Matched, Scored, SentimentLabel, Severity};

mod ast;
mod common;
mod context;
mod document;
mod doubts;
mod evaluate;
mod fields;
mod lexer;
mod matcher;
mod parser;
mod pattern;
mod plan;
mod scan;
mod search;
#[cfg(test)]
mod tests;
mod trace;
mod values;

pub use context::{Context, Named, sets_named, theme_number, themes_numbered};
pub use document::{Lines, with_mention};
pub use matcher::{Found, Matcher, Scratch};
pub use search::{Searches, Syntax, searches};
pub use trace::Failure;

/// Where a query stands: before classification only the entry's fields are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Watchlist,
    /// `when` of a route: also `category: severity: sentiment: theme: watchlist: flag:`.
    Route,
    /// What is thrown away, everywhere or of one source.
    Exclude,
    /// A named part of other queries, which may exclude only.
    Set,
    /// A subject that a mention can belong to.
    Theme,
}

/// One mistake in a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Byte range in the query's text.
    pub span: Range<usize>,
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// What a query is evaluated over.
#[derive(Clone, Debug, Default)]
pub struct Document<'a> {
    pub title: &'a str,
    pub text: &'a str,
    pub author: &'a str,
    pub site: &'a str,
    pub url: &'a str,
    /// Language code: the source's claim before classification, the decided one after it.
    pub lang: &'a str,
    pub source: &'a str,
    /// The links of the text, joined by `\n`.
    pub links: &'a str,
    /// Followers of the author; `None` is not 0.
    pub followers: Option<u64>,
    /// Stars, 1 to 5.
    pub rating: Option<f32>,
    pub reply: Option<bool>,
    /// Known after classification only.
    pub facts: Option<Facts<'a>>,
}

/// What classification found.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub category: Category,
    pub categories: &'a [Scored],
    pub severity: Severity,
    pub sentiment: SentimentLabel,
    pub flags: &'a [String],
    pub watchlists: &'a [&'a str],
    pub themes: &'a [&'a str],
}

/// A parsed query. Two are equal if they mean the same and are written with the same signs. Printing one gives its
/// normal form, which parses to an equal query. Cheap to clone.
#[derive(Clone)]
pub struct Query {
    node: Arc<ast::Node>,
    program: Arc<plan::Program>,
    /// Made when the query is first evaluated alone.
    alone: Arc<OnceLock<Matcher>>,
}

/// Parses a query; on mistakes all of them are returned, in the order of their places, at most 50.
///
/// # Errors
/// At least one [`QueryError`]: signs that do not fit together, unknown fields or values, a query that would match
/// everything, one longer than 1 MiB, deeper than 50 brackets or with more than 50,000 terms.
pub fn parse(source: &str, scope: Scope) -> Result<Query, Vec<QueryError>> {
    parse_in(source, scope, &Context::default()).map(|parsed| parsed.query)
}

/// A query that can be used, and what is doubtful about it.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub query: Query,
    /// In the order of their places, at most 50.
    pub doubts: Vec<QueryError>,
}

/// [`parse`] where the query may name sets and other things of a configuration.
///
/// # Errors
/// As [`parse`]; also names that are not defined.
pub fn parse_in(source: &str, scope: Scope, context: &Context) -> Result<Parsed, Vec<QueryError>> {
    let read = parser::parse(source, scope, context)?;
    Ok(Parsed { query: Query::new(read.node), doubts: read.doubts })
}

/// What must hold whatever somebody writes: for the fuzz target and its corpus. The first line of `input` is a query, the
/// second a title, the rest a text.
///
/// # Panics
/// If a query does not print to an equal one, or a place does not lie in its text.
pub fn check(input: &str) {
    let mut lines = input.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (source, title, text) = (next(), next(), next());
    let document = Document { title, text, ..Document::default() };
    for scope in [Scope::Watchlist, Scope::Route, Scope::Exclude, Scope::Set] {
        match parse(source, scope) {
            Ok(query) => {
                let printed = query.to_string();
                assert_eq!(parse(&printed, scope).as_ref(), Ok(&query), "{source} printed as {printed}");
                for place in query.evaluate(&document).unwrap_or_default() {
                    let whole = if place.part == crate::model::Part::Title { title } else { text };
                    assert!(whole.get(place.start..place.end).is_some_and(|words| !words.is_empty()), "{place:?}");
                }
                if source.len() < 200 && text.len() < 2000 {
                    assert_eq!(query.failures(&document).is_empty(), query.evaluate(&document).is_some(), "{source}");
                }
            }
            Err(mistakes) => {
                assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    assert!(source.get(mistake.span.clone()).is_some(), "{mistake:?}");
                }
            }
        }
    }
}

impl Query {
    fn new(node: ast::Node) -> Self {
        let program = Arc::new(plan::Program::new(&node));
        Self { node: Arc::new(node), program, alone: Arc::default() }
    }

    /// Evaluates one query alone; `Some` with the places that matched (none for tests of facts), or `None`.
    pub fn evaluate(&self, document: &Document<'_>) -> Option<Vec<Matched>> {
        self.evidence(document).map(|evidence| evidence.matched)
    }

    /// Why the query holds for a document, such as `category:refund, severity:high, "acme corp"`; empty if it does not.
    pub fn reason(&self, document: &Document<'_>) -> String {
        let Some(evidence) = self.evidence(document) else { return String::new() };
        let mut reasons = evidence.facts;
        for matched in evidence.matched {
            let words = format!("\"{}\"", matched.term);
            if !reasons.contains(&words) {
                reasons.push(words);
            }
        }
        reasons.join(", ")
    }

    /// The conditions, among those that must all hold, that a document does not meet, as they are printed; empty if the
    /// query holds. An excluded condition that is met is among them.
    pub fn unmet(&self, document: &Document<'_>) -> Vec<String> {
        let holds = |node: &ast::Node| {
            let program = Arc::new(plan::Program::new(node));
            let one = Query { node: Arc::new(node.clone()), program, alone: Arc::default() };
            one.evaluate(document).is_some()
        };
        let met = |node: &ast::Node| match node {
            // A condition that only excludes matches nothing by itself.
            ast::Node::Not(inner) => !holds(inner),
            node => holds(node),
        };
        let parts = match &*self.node {
            ast::Node::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        parts.iter().filter(|part| !met(part)).map(ToString::to_string).collect()
    }

    /// The words that are looked for (not those that are excluded), without the signs around them, each once.
    pub fn terms(&self) -> Vec<&str> {
        fn collect<'a>(node: &'a ast::Node, terms: &mut Vec<&'a str>) {
            match node {
                ast::Node::All(nodes) | ast::Node::Any(nodes) => nodes.iter().for_each(|node| collect(node, terms)),
                ast::Node::Words(words) => terms.push(&words.label),
                ast::Node::Near(near) => {
                    terms.extend(near.left.iter().chain(&near.right).map(|words| words.label.as_str()))
                }
                ast::Node::Set(set) => collect(&set.node, terms),
                ast::Node::Not(_) | ast::Node::Fact(_) => {}
            }
        }
        let mut terms = Vec::new();
        collect(&self.node, &mut terms);
        let mut seen = std::collections::HashSet::new();
        terms.retain(|term| seen.insert(*term));
        terms
    }

    /// The parts because of which the query does not hold, in order, at most 20; none if it holds. For people who try a
    /// query out: slower than [`Query::evaluate`].
    pub fn failures(&self, document: &Document<'_>) -> Vec<Failure> {
        trace::failures(&self.node, document)
    }

    /// The same text for queries that mean the same, apart from order, case, brackets and names of sets.
    pub fn canonical(&self) -> String {
        self.node.canonical()
    }

    /// Whether whatever this finds, the other finds too. `false` if that is not certain.
    pub fn implies(&self, other: &Query) -> bool {
        doubts::implies(&self.node, &other.node, &mut doubts::Budget::default())
    }

    fn evidence(&self, document: &Document<'_>) -> Option<evaluate::Evidence> {
        let matcher = self.alone.get_or_init(|| Matcher::compile(vec![Arc::clone(&self.program)]));
        let mut found = None;
        matcher.each(document, &mut Scratch::default(), |_, evidence| found = Some(evidence));
        found
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.node)
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query({})", self.node)
    }
}
