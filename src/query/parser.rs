//! Tokens to meaning: brackets, operators, fields and their values. Reports as many mistakes as it can tell apart.

use std::ops::Range;

use super::ast::{Compare, Fact, Form, Near, Node, Place, Words};
use super::fields::{Field, nearest};
use super::lexer::{Kind, Token, tokens};
use super::{QueryError, Scope};
use crate::model::{Category, SentimentLabel, Severity};

/// Longest query, in bytes.
pub(super) const MAX_LENGTH: usize = 1 << 20;
/// Most words, phrases and field tests of one query.
pub(super) const MAX_TERMS: usize = 50_000;
/// Deepest nesting of brackets.
pub(super) const MAX_DEPTH: usize = 50;
/// Most mistakes that are reported of one query.
const MAX_ERRORS: usize = 50;

/// Parses a query to its meaning.
pub(super) fn parse(source: &str, scope: Scope) -> Result<Node, Vec<QueryError>> {
    if source.len() > MAX_LENGTH {
        return Err(vec![error(
            0..source.len(),
            format!("this query has {} bytes; at most {MAX_LENGTH} are allowed", source.len()),
            "divide it into several watchlists",
        )]);
    }
    let mut errors = Vec::new();
    let tokens = tokens(source, &mut errors);
    let mut parser = Parser { source, scope, tokens: &tokens, at: 0, depth: 0, errors };
    let root = parser.list(None);
    parser.leftovers();
    let mut errors = parser.errors;
    let terms = tokens.iter().filter(|token| matches!(token.kind, Kind::Words { .. })).count();
    if tokens.is_empty() && errors.is_empty() {
        errors.push(error(0..source.len(), "the query is empty".into(), "write at least one word to look for"));
    } else if terms > MAX_TERMS {
        errors.push(error(
            0..source.len(),
            format!("this query has {terms} terms; at most {MAX_TERMS} are allowed"),
            "divide it into several watchlists",
        ));
    } else if errors.is_empty()
        && let Some(root) = &root
        && let Some(excluded) = lone_negative(&root.node)
    {
        errors.push(lone(source, scope, root, excluded));
    }
    match root {
        Some(root) if errors.is_empty() => Ok(root.node),
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
struct Inside {
    field: Field,
}

struct Parser<'a> {
    source: &'a str,
    scope: Scope,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    errors: Vec<QueryError>,
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

    fn wrong(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(QueryError { span, message: message.into(), help: Some(help.into()) });
    }

    fn slice(&self, span: &Range<usize>) -> &'a str {
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
        let node = if any { Node::any(nodes) } else { Node::all(nodes) }?;
        Some(Item { node, span: whole })
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
            let same = |sides: &(Vec<Words>, Vec<Words>)| {
                let place = sides.0.first().map(|words| words.place);
                sides.0.iter().chain(&sides.1).all(|words| Some(words.place) == place && in_text(words.place))
            };
            match sides {
                Some(sides) if same(&sides) => {
                    node = Some(Node::Near(Near {
                        left: sides.0,
                        right: sides.1,
                        distance: *distance,
                        ordered: *ordered,
                    }));
                }
                Some(_) => self.wrong(
                    start..end,
                    "both sides of NEAR must be looked for in the same place",
                    "write `a NEAR/5 b` or `title:(a NEAR/5 b)`; fields other than `title:` and `body:` know no NEAR",
                ),
                None => self.wrong(
                    start..end,
                    "beside NEAR only words and phrases can stand, or brackets that hold them with OR",
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
        if let Some(outer) = inside {
            let outer = outer.field.name();
            self.wrong(
                token.span.clone(),
                format!("`{name}:` stands inside the brackets of `{outer}:`"),
                format!("close the brackets of `{outer}:` first"),
            );
            fine = false;
        }
        if self.scope == Scope::Watchlist && field.is_decided_later() {
            self.wrong(
                token.span.clone(),
                format!("`{name}:` is known only after an entry matched and was classified"),
                "use it in a route's `when`; a watchlist knows words and title: body: author: site: url: lang: source:",
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

    /// Words, or the value of a field.
    fn words(
        &mut self,
        token: &Token,
        form: &Form,
        label: &str,
        inside: Option<Inside>,
        compare: Compare,
    ) -> Option<Node> {
        let field = inside.map_or(Field::Place(Place::Anywhere), |inside| inside.field);
        if let Field::Place(place) = field {
            if matches!(form, Form::Within(_)) && !in_text(place) {
                self.wrong(token.span.clone(), "`~` works in title and text only", "leave the distance out");
                return None;
            }
            let written = self.slice(&token.span).to_owned();
            return Some(Node::Words(Words { place, form: form.clone(), label: label.to_owned(), written }));
        }
        let bare = !label.contains(['*', '?']) && matches!(form, Form::Word | Form::Domain);
        if !bare && !matches!(form, Form::Phrase | Form::Literal) {
            let name = field.name();
            self.wrong(
                token.span.clone(),
                format!("`{}` is no value of `{name}:`", self.slice(&token.span)),
                field.example(),
            );
            return None;
        }
        let lower = label.to_lowercase();
        let fact = match field {
            Field::Place(_) => None,
            Field::Lang => self.language(token, &lower).map(Fact::Lang),
            Field::Source => Some(Fact::Source(label.to_owned())),
            Field::Watchlist => Some(Fact::Watchlist(label.to_owned())),
            Field::Flag => Some(Fact::Flag(lower)),
            Field::Category => self.step(token, field, &lower, &Category::ALL, Category::as_str).map(Fact::Category),
            Field::Severity => self
                .step(token, field, &lower, &Severity::ALL, Severity::as_str)
                .map(|step| Fact::Severity(compare, step)),
            Field::Sentiment => self
                .step(token, field, &lower.replace([' ', '_'], "-"), &SentimentLabel::ALL, SentimentLabel::as_str)
                .map(|step| Fact::Sentiment(compare, step)),
        };
        fact.map(Node::Fact)
    }

    /// One of a closed list of values.
    fn step<T: Copy>(
        &mut self,
        token: &Token,
        field: Field,
        word: &str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<T> {
        let found = all.iter().copied().find(|value| name(*value) == word);
        if found.is_none() {
            let names: Vec<&str> = all.iter().map(|value| name(*value)).collect();
            let field = field.name();
            let list = names.join(", ");
            let help = match nearest(word, &names) {
                Some(near) => format!("did you mean `{field}:{near}`? Known: {list}"),
                None => format!("known: {list}"),
            };
            self.wrong(token.span.clone(), format!("unknown {field} `{word}`"), help);
        }
        found
    }

    fn language(&mut self, token: &Token, word: &str) -> Option<String> {
        let (primary, rest) = word.split_once(['-', '_']).unwrap_or((word, ""));
        let letters = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
            lengths.contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
        };
        let shaped = letters(primary, 2..=3)
            && primary.chars().all(|c| c.is_ascii_alphabetic())
            && (rest.is_empty() || rest.split(['-', '_']).all(|part| letters(part, 2..=8)))
            && !word.ends_with(['-', '_']);
        if shaped {
            return Some(word.replace('_', "-"));
        }
        let names = LANGUAGES.map(|(name, _)| name);
        let code = nearest(word, &names).and_then(|near| LANGUAGES.iter().find(|(name, _)| *name == near));
        let help = match code {
            Some((_, code)) => format!("did you mean `lang:{code}`?"),
            None => "write a code of two or three letters: `lang:es`, or with its region: `lang:es-MX`".to_owned(),
        };
        self.wrong(token.span.clone(), format!("`{word}` is no language code"), help);
        None
    }
}

/// Names that people write for the languages they mean.
const LANGUAGES: [(&str, &str); 16] = [
    ("english", "en"),
    ("inglés", "en"),
    ("engelsk", "en"),
    ("spanish", "es"),
    ("español", "es"),
    ("castellano", "es"),
    ("espanhol", "es"),
    ("spansk", "es"),
    ("portuguese", "pt"),
    ("português", "pt"),
    ("portugués", "pt"),
    ("danish", "da"),
    ("dansk", "da"),
    ("danés", "da"),
    ("german", "de"),
    ("french", "fr"),
];

fn error(span: Range<usize>, message: String, help: &str) -> QueryError {
    QueryError { span, message, help: Some(help.to_owned()) }
}

fn in_text(place: Place) -> bool {
    matches!(place, Place::Anywhere | Place::Title | Place::Body)
}

/// What can stand beside NEAR.
fn side(node: Node) -> Option<Vec<Words>> {
    let one = |node: Node| match node {
        Node::Words(words) if !matches!(words.form, Form::Within(_) | Form::Regex { .. }) => Some(words),
        _ => None,
    };
    match node {
        Node::Any(nodes) => nodes.into_iter().map(one).collect(),
        node => one(node).map(|words| vec![words]),
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
        (Scope::Watchlist, _) => format!("put what you look for before it, as in `acme {query}`"),
        (Scope::Route, _) => {
            format!("put what the route is for before it; `severity:>=low {query}` is every other mention")
        }
    };
    error(root.span.clone(), format!("this would match everything that is not `{what}`"), &help)
}

/// At most 40 characters of a term, for messages.
fn shorten(text: &str) -> &str {
    text.char_indices().nth(40).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}
