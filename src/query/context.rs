//! What a query may name beside its words: sets, and the names that the configuration defines. Made by the configuration
//! before it reads its queries.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::ast::Node;
use super::lexer::{Kind, tokens};
use super::{Query, fields::Field};
use crate::text::known::nearest;

/// Names that are listed in a message at most.
const MAX_LISTED: usize = 8;

/// Kinds of things that a query names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    Watchlist,
    Source,
    Theme,
    Flag,
}

impl Named {
    /// The word of the glossary.
    pub fn as_str(self) -> &'static str {
        match self {
            Named::Watchlist => "watchlist",
            Named::Source => "source",
            Named::Theme => "theme",
            Named::Flag => "flag",
        }
    }

    fn how_to_add(self) -> &'static str {
        match self {
            Named::Watchlist => "add [watchlists.NAME]",
            Named::Source => "add [sources.NAME]",
            Named::Theme => {
                "add one of [[themes]] with `name` and `query`, or write `theme:#12` for the number of one that was found"
            }
            Named::Flag => "flags are set by mentiond",
        }
    }
}

/// What queries may name. Kinds that are not told of are not checked; an empty one knows no sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// Sets under their names in small letters; `None` for one that is broken and has been told of.
    sets: HashMap<String, Option<Arc<Node>>>,
    names: HashMap<Named, HashMap<String, String>>,
}

/// What became of a set that was asked for.
pub(super) enum Sought {
    Found(Arc<Node>),
    Broken,
    /// Not there; what to do about it.
    Unknown(String),
}

impl Context {
    /// Defines a set; `None` if its query is broken, so that nothing more is said of those who name it.
    pub fn define(&mut self, name: &str, query: Option<&Query>) {
        self.sets.insert(name.to_lowercase(), query.map(|query| Arc::clone(&query.node)));
    }

    /// Tells all names of a kind: from then on any other one is an error.
    pub fn know<'n>(&mut self, kind: Named, names: impl IntoIterator<Item = &'n str>) {
        let names = names.into_iter().map(|name| (name.to_lowercase(), name.to_owned()));
        self.names.insert(kind, names.collect());
    }

    pub(super) fn set(&self, name: &str) -> Sought {
        match self.sets.get(&name.to_lowercase()) {
            Some(Some(node)) => Sought::Found(Arc::clone(node)),
            Some(None) => Sought::Broken,
            None => {
                let known: Vec<&str> = self.sets.keys().map(String::as_str).collect();
                Sought::Unknown(suggest(name, known, "set", &format!("add `{name} = '…'` under [sets]")))
            }
        }
    }

    /// What to do about a name that is not known; `None` if it is, or if nobody knows.
    pub(super) fn missing(&self, kind: Named, name: &str) -> Option<String> {
        let known = self.names.get(&kind)?;
        if known.contains_key(&name.to_lowercase()) {
            return None;
        }
        Some(suggest(name, known.values().map(String::as_str).collect(), kind.as_str(), kind.how_to_add()))
    }
}

/// The names behind `set:` in a query with their places, in order; nothing is said of other mistakes.
pub fn sets_named(source: &str) -> Vec<(String, Range<usize>)> {
    named_behind(Field::Set, source)
}

/// The numbers of themes that were found, behind `theme:` in a query, with their places.
pub fn themes_numbered(source: &str) -> Vec<(i64, Range<usize>)> {
    let named = named_behind(Field::Theme, source).into_iter();
    named.filter_map(|(name, place)| Some((theme_number(&name)?, place))).collect()
}

/// The number of a theme that was found, as queries write it: `#12`.
pub fn theme_number(name: &str) -> Option<i64> {
    let digits = name.strip_prefix('#').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| *number > 0)
}

fn named_behind(wanted: Field, source: &str) -> Vec<(String, Range<usize>)> {
    let mut named = Vec::new();
    let tokens = tokens(source, &mut Vec::new());
    // Open brackets of `set:(a OR b)`, `theme:(#1 OR #2)`.
    let mut depth = 0_usize;
    let mut behind = false;
    for token in &tokens {
        match &token.kind {
            Kind::Words { label, .. } if behind || depth > 0 => named.push((label.clone(), token.span.clone())),
            Kind::Open if behind || depth > 0 => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        behind = matches!(token.kind, Kind::Field { field, .. } if field == wanted);
    }
    named
}

fn suggest(name: &str, mut known: Vec<&str>, kind: &str, otherwise: &str) -> String {
    known.sort_unstable();
    if let Some(near) = nearest(name, &known) {
        return format!("did you mean `{near}`?");
    }
    match known.len() {
        0 => format!("there is no {kind} at all yet: {otherwise}"),
        1..=MAX_LISTED => format!("known: {}", known.join(", ")),
        _ => otherwise.to_owned(),
    }
}
