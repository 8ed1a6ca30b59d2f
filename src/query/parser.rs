//! Tokens to meaning: brackets, operators, fields and their values. Reports as many mistakes as it can tell apart.

use std::ops::Range;

use super::ast::{Compare, Form, Near, Node, Place, Words};
use super::context::Context;
use super::doubts::{self, Budget};
use super::fields::Field;
use super::lexer::{Kind, Token, tokens};
use super::{QueryError, Scope, common};

/// Longest query, in bytes.
pub(super) const MAX_LENGTH: usize = 1 << 20;
/// Most words, phrases and field tests of one query.
pub(super) const MAX_TERMS: usize = 50_000;
/// Deepest nesting of brackets.
pub(super) const MAX_DEPTH: usize = 50;
/// Most mistakes that are reported of one query.
const MAX_ERRORS: usize = 50;

/// Most pairs that NEAR makes of brackets whose parts must all be near.
const MAX_NEAR: usize = 64;

/// Letters of a part that are repeated in a message.
const MAX_QUOTED: usize = 80;

/// A query's meaning, and what is doubtful about it.
pub(super) struct Read {
    pub(super) node: Node,
    pub(super) doubts: Vec<QueryError>,
}

/// Parses a query to its meaning.
pub(super) fn parse(source: &str, scope: Scope, context: &Context) -> Result<Read, Vec<QueryError>> {
    if source.len() > MAX_LENGTH {
        return Err(vec![error(
            0..source.len(),
            format!("this query has {} bytes; at most {MAX_LENGTH} are allowed", source.len()),
            "divide it into several watchlists",
        )]);
    }
    let mut errors = Vec::new();
    let tokens = tokens(source, &mut errors);
    let mut parser = Parser {
        source,
        scope,
        context,
        tokens: &tokens,
        at: 0,
        depth: 0,
        errors,
        doubts: Vec::new(),
        budget: Budget::default(),
    };
    let root = parser.list(None);
    parser.leftovers();
    let Parser { mut errors, mut doubts, .. } = parser;
    let written = tokens.iter().filter(|token| matches!(token.kind, Kind::Words { .. })).count();
    let terms = root.as_ref().map_or(0, |root| root.node.weight()).max(written);
    if tokens.is_empty() && errors.is_empty() {
        errors.push(error(0..source.len(), "the query is empty".into(), "write at least one word to look for"));
    } else if terms > MAX_TERMS {
        errors.push(error(
            0..source.len(),
            format!("this query has {terms} terms; at most {MAX_TERMS} are allowed"),
            "divide it into several watchlists",
        ));
    } else if scope != Scope::Set
        && errors.is_empty()
        && let Some(root) = &root
        && let Some(excluded) = lone_negative(&root.node)
    {
        errors.push(lone(source, scope, root, excluded));
    }
    match root {
        Some(root) if errors.is_empty() => {
            doubts.extend(common::doubt(&root.node, scope, 0..source.len()));
            doubts.sort_by_key(|doubt| (doubt.span.start, doubt.span.end));
            doubts.dedup();
            doubts.truncate(MAX_ERRORS);
            Ok(Read { node: root.node, doubts })
        }
        _ => {
            if errors.is_empty() {
                // Unreachable as long as every way to have no node reports why; said rather than believed.
                errors.push(error(
                    0..source.len(),
                    "this query cannot be read".into(),
                    "write at least one word to look for",
                ));
            }
            errors.sort_by_key(|mistake| (mistake.span.start, mistake.span.end));
            errors.dedup();
            errors.truncate(MAX_ERRORS);
            Err(errors)
        }
    }
}

/// A node and where it stands.
struct Item {
    node: Node,
    span: Range<usize>,
}

/// The field whose brackets we are in.
#[derive(Clone, Copy)]
pub(super) struct Inside {
    pub(super) field: Field,
}

pub(super) struct Parser<'a> {
    source: &'a str,
    pub(super) scope: Scope,
    pub(super) context: &'a Context,
    tokens: &'a [Token],
    at: usize,
    pub(super) depth: usize,
    errors: Vec<QueryError>,
    doubts: Vec<QueryError>,
    budget: Budget,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    pub(super) fn wrong(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(QueryError { span, message: message.into(), help: Some(help.into()) });
    }

    pub(super) fn slice(&self, span: &Range<usize>) -> &'a str {
        self.source.get(span.clone()).unwrap_or_default()
    }

    /// Terms with operators between them, up to a closing bracket or the end.
    fn list(&mut self, inside: Option<Inside>) -> Option<Item> {
        let mut spans: Vec<Range<usize>> = Vec::new();
        let mut nodes = Vec::new();
        // The operator before each term but the first: true for OR.
        let mut ors: Vec<bool> = Vec::new();
        let mut pending: Option<(bool, Range<usize>)> = None;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Close => break,
                Kind::And | Kind::Or => {
                    self.at += 1;
                    let name = self.slice(&token.span);
                    if let Some((_, before)) = &pending {
                        let span = before.start..token.span.end;
                        self.wrong(span, "two operators in a row", "keep one of them");
                    } else if spans.is_empty() {
                        self.wrong(
                            token.span.clone(),
                            format!("nothing stands before `{name}`"),
                            "put a term before it, or remove it",
                        );
                    }
                    pending = Some((token.kind == Kind::Or, token.span.clone()));
                }
                _ => {
                    let operator = pending.take().is_some_and(|(or, _)| or);
                    let start = token.span.start;
                    let node = self.near(inside);
                    let end = self
                        .at
                        .checked_sub(1)
                        .and_then(|last| self.tokens.get(last))
                        .map_or(start, |last| last.span.end);
                    if !spans.is_empty() {
                        ors.push(operator);
                    }
                    spans.push(start..end.max(start));
                    nodes.push(node);
                }
            }
        }
        if let Some((_, span)) = pending {
            let name = self.slice(&span);
            self.wrong(span.clone(), format!("nothing stands behind `{name}`"), "put a term behind it, or remove it");
        }
        let whole = spans.first()?.start..spans.last()?.end;
        if let Some(border) = ors.windows(2).position(|pair| matches!(pair, [a, b] if a != b)) {
            self.mixed(&spans, &ors, border, whole.clone());
            return None;
        }
        let any = ors.contains(&true);
        let nodes: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
        self.look(&nodes, &spans, any);
        let node = if any { Node::any(nodes) } else { Node::all(nodes) }?;
        Some(Item { node, span: whole })
    }

    /// What stands side by side and contradicts or repeats each other.
    fn look(&mut self, nodes: &[Node], spans: &[Range<usize>], any: bool) {
        let words = |span: &Range<usize>| {
            let whole = self.source.get(span.clone()).unwrap_or_default();
            match whole.char_indices().nth(MAX_QUOTED) {
                Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or(whole)),
                None => whole.to_owned(),
            }
        };
        let found =
            if any { doubts::alternatives(nodes, &mut self.budget) } else { doubts::together(nodes, &mut self.budget) };
        for doubts::Pair { part, beside, finding } in found {
            let (Some(part), Some(beside)) = (spans.get(part), spans.get(beside)) else { continue };
            let (message, help) = doubts::say(finding, &words(part), &words(beside));
            let told = QueryError { span: part.clone(), message, help: Some(help) };
            if finding.is_error() { self.errors.push(told) } else { self.doubts.push(told) }
        }
    }

    /// AND beside OR: both readings, told with the three terms around the first change of operator.
    fn mixed(&mut self, spans: &[Range<usize>], ors: &[bool], border: usize, whole: Range<usize>) {
        let term = |index: usize| spans.get(index).map_or("", |span| shorten(self.slice(span)));
        let (a, b, c) = (term(border), term(border + 1), term(border + 2));
        let first_or = ors.get(border).copied().unwrap_or_default();
        let (first, second) = if first_or { (" OR ", " ") } else { (" ", " OR ") };
        let message = format!(
            "AND and OR are mixed without brackets (a space is AND): `{a}{first}{b}{second}{c}` has two readings"
        );
        let help = format!("write `({a}{first}{b}){second}{c}` or `{a}{first}({b}{second}{c})`");
        self.wrong(whole, message, help);
    }

    /// A term, or two with NEAR between them.
    fn near(&mut self, inside: Option<Inside>) -> Option<Node> {
        let start = self.peek()?.span.start;
        let mut node = if let Some(Token { kind: Kind::Near { .. }, span }) = self.peek() {
            self.wrong(span.clone(), "nothing stands before NEAR", "write `a NEAR/5 b`");
            None
        } else {
            self.unary(inside)
        };
        let mut chained = false;
        while let Some(Token { kind: Kind::Near { distance, ordered }, span }) = self.peek() {
            self.at += 1;
            let again = std::mem::replace(&mut chained, true);
            if again {
                self.wrong(
                    span.clone(),
                    "NEAR has only two sides",
                    "write `\"a b c\"~5` for several words near each other",
                );
            }
            if self
                .peek()
                .is_none_or(|token| matches!(token.kind, Kind::And | Kind::Or | Kind::Close | Kind::Near { .. }))
            {
                self.wrong(span.clone(), "nothing stands behind NEAR", "write `a NEAR/5 b`");
                return None;
            }
            let right = self.unary(inside);
            let end = self.tokens.get(self.at.saturating_sub(1)).map_or(start, |token| token.span.end);
            let (Some(left), Some(right), false) = (node.take(), right, again) else { continue };
            let sides = side(left).zip(side(right));
            let same = |sides: &(Vec<Vec<Words>>, Vec<Vec<Words>>)| {
                let place = sides.0.first().and_then(|one| one.first()).map(|words| words.place);
                let mut all = sides.0.iter().chain(&sides.1).flatten();
                all.all(|words| Some(words.place) == place && in_text(words.place))
            };
            match sides {
                Some(sides) if same(&sides) && sides.0.len().saturating_mul(sides.1.len()) > MAX_NEAR => self.wrong(
                    start..end,
                    "these brackets beside NEAR hold too many words that must all be near",
                    "write `\"a b c\"~5` for several words near each other",
                ),
                Some((left, right)) if same(&(left.clone(), right.clone())) => {
                    let near = |left: &Vec<Words>, right: &Vec<Words>| {
                        Node::Near(Near {
                            left: left.clone(),
                            right: right.clone(),
                            distance: *distance,
                            ordered: *ordered,
                        })
                    };
                    let pairs = left.iter().flat_map(|one| right.iter().map(move |other| near(one, other)));
                    node = Node::all(pairs.collect());
                }
                Some(_) => self.wrong(
                    start..end,
                    "both sides of NEAR must be looked for in the same place",
                    "write `a NEAR/5 b` or `title:(a NEAR/5 b)`; fields other than `title:` and `body:` know no NEAR",
                ),
                None => self.wrong(
                    start..end,
                    "beside NEAR only words and phrases can stand, or brackets that hold them",
                    "write `(a OR b) NEAR/5 c`, and other conditions outside of it",
                ),
            }
        }
        node
    }

    fn unary(&mut self, inside: Option<Inside>) -> Option<Node> {
        let mut negated: Option<Range<usize>> = None;
        while let Some(Token { kind: Kind::Not, span }) = self.peek() {
            self.at += 1;
            if let Some(before) = &negated {
                let span = before.start..span.end;
                self.wrong(span, "two negations in a row", "keep one of them, or none");
            }
            negated = Some(span.clone());
        }
        let Some(span) = negated else { return self.primary(inside) };
        if self.peek().is_none_or(|token| matches!(token.kind, Kind::And | Kind::Or | Kind::Close | Kind::Near { .. }))
        {
            let name = self.slice(&span);
            self.wrong(
                span.clone(),
                format!("nothing stands behind `{name}`"),
                "put the term to exclude behind it, or remove it",
            );
            return None;
        }
        self.primary(inside).map(|node| Node::Not(Box::new(node)))
    }

    fn primary(&mut self, inside: Option<Inside>) -> Option<Node> {
        let token = self.next()?;
        match &token.kind {
            Kind::Open => self.group(token, inside),
            Kind::Field { field, compare } => self.field(token, *field, *compare, inside),
            Kind::Words { form, label } => self.words(token, form, label, inside, Compare::Equal),
            _ => None,
        }
    }

    fn group(&mut self, open: &Token, inside: Option<Inside>) -> Option<Node> {
        if self.depth >= MAX_DEPTH {
            self.wrong(
                open.span.clone(),
                format!("brackets are nested more than {MAX_DEPTH} deep"),
                "remove brackets that are not needed",
            );
            self.skip_group();
            return None;
        }
        self.depth += 1;
        let before = self.errors.len();
        let item = self.list(inside);
        self.depth -= 1;
        match self.peek() {
            Some(token) if token.kind == Kind::Close => {
                self.at += 1;
                if item.is_none() && self.errors.len() == before && self.is_bare(open.span.end..token.span.start) {
                    self.wrong(
                        open.span.start..token.span.end,
                        "there is nothing between these brackets",
                        "write terms between them, or remove them",
                    );
                }
            }
            _ => {
                self.wrong(open.span.clone(), "this bracket is never closed", "put `)` where it ends");
                return None;
            }
        }
        item.map(|item| item.node)
    }

    fn is_bare(&self, span: Range<usize>) -> bool {
        self.slice(&span).trim().is_empty()
    }

    fn skip_group(&mut self) {
        let mut open = 1;
        while open > 0
            && let Some(token) = self.next()
        {
            match token.kind {
                Kind::Open => open += 1,
                Kind::Close => open -= 1,
                _ => {}
            }
        }
    }

    /// Closing brackets that close nothing, and what stands behind them.
    fn leftovers(&mut self) {
        while let Some(token) = self.next() {
            if token.kind == Kind::Close {
                self.wrong(token.span.clone(), "this bracket closes nothing", "remove it, or put `(` where it begins");
            } else {
                self.at -= 1;
                let before = self.at;
                self.list(None);
                self.at = self.at.max(before + 1);
            }
        }
    }

    fn field(&mut self, token: &Token, field: Field, compare: Option<Compare>, inside: Option<Inside>) -> Option<Node> {
        let name = field.name();
        let mut fine = true;
        if let Some(outer) = inside
            && !(field == Field::Set && matches!(outer.field, Field::Place(_)))
        {
            let outer = outer.field.name();
            self.wrong(
                token.span.clone(),
                format!("`{name}:` stands inside the brackets of `{outer}:`"),
                format!("close the brackets of `{outer}:` first"),
            );
            fine = false;
        }
        if self.scope != Scope::Route && field.is_decided_later() {
            self.wrong(
                token.span.clone(),
                format!("`{name}:` is known only after an entry matched and was classified"),
                "use it in a route's `when`; here only words and what the entry itself carries are known: title: body: author: site: url: link: lang: source: followers: rating: has: is:",
            );
            fine = false;
        }
        if compare.is_some() && !field.has_order() {
            self.wrong(
                token.span.clone(),
                format!("`{name}:` has no order, so it cannot be compared"),
                field.example(),
            );
            fine = false;
        }
        let value = self.next()?;
        let node = match &value.kind {
            Kind::Open if compare.is_some_and(|compare| compare != Compare::Equal) => {
                self.wrong(
                    token.span.start..value.span.end,
                    "a comparison takes one value, no brackets",
                    field.example(),
                );
                self.skip_group();
                None
            }
            Kind::Words { form, label } if field == Field::Set => self.set(value, form, label, inside),
            Kind::Open => self.group(value, Some(Inside { field })),
            Kind::Words { form, label } => {
                self.words(value, form, label, Some(Inside { field }), compare.unwrap_or(Compare::Equal))
            }
            Kind::Wrong => None,
            _ => {
                self.wrong(token.span.clone(), format!("`{name}:` needs a value directly behind it"), field.example());
                None
            }
        };
        node.filter(|_| fine)
    }
}

fn error(span: Range<usize>, message: String, help: &str) -> QueryError {
    QueryError { span, message, help: Some(help.to_owned()) }
}

pub(super) fn in_text(place: Place) -> bool {
    matches!(place, Place::Anywhere | Place::Title | Place::Body)
}

/// What can stand beside NEAR: lists of which one each must be near.
fn side(node: Node) -> Option<Vec<Vec<Words>>> {
    let one = |node: Node| match node {
        Node::Words(words) if !matches!(words.form, Form::Within(_) | Form::Regex { .. }) => Some(words),
        _ => None,
    };
    match node {
        Node::Any(nodes) => {
            let mut list = Vec::with_capacity(nodes.len());
            for node in nodes {
                match node {
                    // A set of alternatives is more alternatives.
                    Node::Set(set) => match side((*set.node).clone())?.as_mut_slice() {
                        [words] => list.append(words),
                        _ => return None,
                    },
                    node => list.push(one(node)?),
                }
            }
            Some(vec![list])
        }
        Node::All(nodes) => {
            let sides: Option<Vec<_>> = nodes.into_iter().map(side).collect();
            Some(sides?.into_iter().flatten().collect())
        }
        Node::Set(set) => side((*set.node).clone()),
        node => one(node).map(|words| vec![vec![words]]),
    }
}

/// The part that makes a query match whatever it does not name, if there is one.
fn lone_negative(node: &Node) -> Option<&Node> {
    match node {
        Node::Not(inner) => {
            if lone_negative(inner).is_some() {
                None
            } else {
                Some(node)
            }
        }
        Node::All(nodes) => {
            let mut found = nodes.iter().map(lone_negative);
            let first = found.next().flatten();
            if found.all(|one| one.is_some()) { first } else { None }
        }
        Node::Any(nodes) => nodes.iter().find_map(lone_negative),
        Node::Set(set) => lone_negative(&set.node),
        Node::Words(_) | Node::Near(_) | Node::Fact(_) => None,
    }
}

fn lone(source: &str, scope: Scope, root: &Item, excluded: &Node) -> QueryError {
    let what = match excluded {
        Node::Not(inner) => inner.to_string(),
        other => other.to_string(),
    };
    let what = shorten(&what);
    let query = shorten(source.get(root.span.clone()).unwrap_or_default());
    let help = match (scope, &root.node) {
        (_, Node::Any(_)) => format!(
            "an OR with `-{what}` lets everything else in: put `-{what}` beside the whole, as in `(a OR b) -{what}`"
        ),
        (Scope::Watchlist | Scope::Exclude | Scope::Set | Scope::Theme, _) => {
            format!("put what you look for before it, as in `acme {query}`")
        }
        (Scope::Route, _) => {
            format!("put what the route is for before it; `severity:>=low {query}` is every other mention")
        }
    };
    error(root.span.clone(), format!("this would match everything that is not `{what}`"), &help)
}

/// At most 40 characters of a term, for messages.
pub(super) fn shorten(text: &str) -> &str {
    text.char_indices().nth(40).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}
