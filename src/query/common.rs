//! Queries so wide that they would drown a watchlist: a word that everybody uses, or one so short that it stands in every
//! other text, with nothing beside it. The lists in `common/` are the most usual words of four languages, those of
//! shops and customers included.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use super::ast::{Fact, Form, Node, Place, Words};
use super::{QueryError, Scope};
use crate::text::fold;

/// Letters up to which a word is short.
const SHORT: usize = 2;
/// Letters before a `*` up to which it is looked whether common words begin so.
const SHORT_STEM: usize = 4;

/// Common words in their folded form, and the language that they belong to.
static COMMON: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for (language, list) in [
        ("English", include_str!("common/en.txt")),
        ("Spanish", include_str!("common/es.txt")),
        ("Portuguese", include_str!("common/pt.txt")),
        ("Danish", include_str!("common/da.txt")),
    ] {
        for word in list.split_whitespace() {
            words.entry(fold::fold(word)).or_insert(language);
        }
    }
    words
});

/// Why a word is found nearly everywhere.
enum Wide {
    Short,
    Common(&'static str),
    /// Its beginning is that of a common word.
    Begins(String),
}

/// One way in which a query could hold without anything rare.
struct Way<'q> {
    at: Range<usize>,
    words: &'q Words,
    wide: Wide,
}

/// What would drown a watchlist, or exclude nearly everything. Routes see mentions only, where a common word is fine.
pub(super) fn doubt(root: &Node, scope: Scope, whole: Range<usize>) -> Vec<QueryError> {
    if !matches!(scope, Scope::Watchlist | Scope::Exclude) {
        return Vec::new();
    }
    let Some(ways) = ways(root) else { return Vec::new() };
    let does = match scope {
        Scope::Exclude => "would throw away nearly everything",
        _ => "would drown the watchlist",
    };
    if ways.is_empty() {
        let message = format!("nothing here says which words are looked for: it {does}");
        let help = "put words beside it: `acme lang:es`".to_owned();
        return vec![QueryError { span: whole, message, help: Some(help) }];
    }
    let tell = |way: Way<'_>| {
        let label = &way.words.label;
        let (message, help) = match way.wide {
            Wide::Short => (
                format!("`{label}` is so short that it {does}"),
                format!(
                    "put a word beside it: `{label} (shop OR phone)`; or write `{{{}}}` if it always stands in capitals",
                    label.to_uppercase()
                ),
            ),
            Wide::Common(language) => (
                format!("`{label}` is one of the most common words of {language}: alone it {does}"),
                format!("put a word beside it, as in `{label} acme`, or a phrase in its place: `\"acme {label}\"`"),
            ),
            Wide::Begins(word) => (
                format!("`{label}` also finds words as common as `{word}`: alone it {does}"),
                "write more letters before the `*`, or put a word beside it".to_owned(),
            ),
        };
        QueryError { span: way.at, message, help: Some(help) }
    };
    ways.into_iter().map(tell).collect()
}

/// How a node could hold with nothing but wide words; `None` if something rare is always needed.
fn ways(node: &Node) -> Option<Vec<Way<'_>>> {
    match node {
        Node::Words(words) => {
            let wide = wide(words)?;
            Some(vec![Way { at: words.at.0.clone(), words, wide }])
        }
        Node::All(nodes) => {
            let mut all = Vec::new();
            for node in nodes.iter().filter(|node| !matches!(node, Node::Not(_))) {
                all.push(ways(node)?);
            }
            // Two common words in one text are rare enough.
            if all.iter().filter(|ways| !ways.is_empty()).count() > 1 {
                return None;
            }
            Some(all.into_iter().flatten().collect())
        }
        Node::Any(nodes) => {
            let mut any: Option<Vec<Way<'_>>> = None;
            for found in nodes.iter().filter_map(ways) {
                any.get_or_insert_default().extend(found);
            }
            any
        }
        Node::Set(set) => {
            let mut found = ways(&set.node)?;
            // The caret belongs into this text, not into that of the set.
            found.iter_mut().for_each(|way| way.at = set.at.0.clone());
            Some(found)
        }
        Node::Fact(Fact::Source(_)) | Node::Near(_) => None,
        Node::Fact(_) | Node::Not(_) => Some(Vec::new()),
    }
}

fn wide(words: &Words) -> Option<Wide> {
    let in_text = matches!(words.place, Place::Anywhere | Place::Title | Place::Body);
    let plain = matches!(words.form, Form::Word | Form::Phrase | Form::Literal);
    let word = words.folded.as_str();
    if !in_text || !plain || word.contains('?') || !word.chars().all(fold::is_word) {
        return None;
    }
    let letters = word.chars().count();
    if words.is_open() {
        if letters > SHORT_STEM {
            return None;
        }
        // Of several, the one that people recognise: the shortest, then the first.
        let begun = COMMON.keys().filter(|common| common.starts_with(word));
        return begun.min_by_key(|common| (common.len(), common.as_str())).map(|common| Wide::Begins(common.clone()));
    }
    if let Some(language) = COMMON.get(word) {
        return Some(Wide::Common(language));
    }
    (letters <= SHORT).then_some(Wide::Short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_long_enough_and_hold_words_only() {
        for language in ["English", "Spanish", "Portuguese", "Danish"] {
            assert!(COMMON.values().filter(|of| **of == language).count() >= 150, "{language}");
        }
        assert!(COMMON.keys().all(|word| word.chars().all(fold::is_word)));
    }
}
