//! Queries in the search syntax of other services, as far as it goes: what is found there is always more than the query
//! finds, and the rest is filtered here. A query becomes alternatives, each a few words that must all be there; where a
//! service knows no OR, each alternative is a search of its own.

use super::Query;
use super::ast::{Form, Node, Place, Words};

/// Alternatives of one source at most; beyond it, conditions are left out.
const MAX_ALTERNATIVES: usize = 64;

/// How a service is searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Syntax {
    /// The word or sign between alternatives, if there is one.
    pub or: Option<String>,
    /// What stands before a word that must not be there.
    pub not: Option<String>,
    /// Phrases can be put in quotes.
    pub quotes: bool,
    /// `( )` keeps things together.
    pub groups: bool,
    /// `#tag` finds the tag.
    pub tags: bool,
    /// Characters of one search at most; 0 if that is not known.
    pub max: usize,
    /// Operators (OR, not) of one search at most; 0 if that is not known.
    pub operators: usize,
    /// What is written behind each search.
    pub add: String,
}

/// What is asked, and what that cannot see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searches {
    pub queries: Vec<String>,
    pub blind: Vec<String>,
}

/// The searches for all that these queries find.
///
/// # Errors
/// In words: one of them names no word that a service could look for, or a word is longer than a search may be.
pub fn searches(queries: &[&Query], syntax: &Syntax) -> Result<Searches, String> {
    let mut out = Searches::default();
    let mut all: Vec<Alternative> = Vec::new();
    for query in queries {
        let mut reader = Reader { syntax, blind: &mut out.blind };
        let Some(found) = reader.alternatives(&query.node) else {
            return Err(format!("`{}` names no words that a service could search for", shown(&query.to_string())));
        };
        all.extend(found);
    }
    prune(&mut all);
    let room = |text: &str| syntax.max == 0 || text.chars().count() <= syntax.max;
    // What none of them may hold is said once, if there is room for it; it is filtered here too.
    let common: Vec<String> = match all.first() {
        Some(first) if all.len() > 1 && syntax.or.is_some() => {
            first.without.iter().filter(|word| all.iter().all(|one| one.without.contains(word))).cloned().collect()
        }
        _ => Vec::new(),
    };
    for one in &mut all {
        one.without.retain(|word| !common.contains(word));
    }
    let finish = |text: &str| if syntax.add.is_empty() { text.to_owned() } else { format!("{text} {}", syntax.add) };
    let close = |text: &str, used: usize| {
        let tail = Alternative { with: vec![text.to_owned()], without: common.clone() }.print(syntax, true);
        let fits = room(&finish(&tail)) && (syntax.operators == 0 || used + common.len() <= syntax.operators);
        finish(if fits { &tail } else { text })
    };
    let mut open: Option<(String, usize)> = None;
    for alternative in all {
        let operators = if syntax.not.is_some() { alternative.without.len() } else { 0 };
        let (mut alone, mut operators) = (alternative.print(syntax, true), operators);
        if !room(&finish(&alone)) || (syntax.operators > 0 && operators > syntax.operators) {
            // What must not be there is filtered here too.
            (alone, operators) = (alternative.print(syntax, false), 0);
        }
        if !room(&finish(&alone)) {
            return Err(format!("`{}` is longer than the service takes ({} characters)", shown(&alone), syntax.max));
        }
        let simple = alternative.with.len() == 1 && operators == 0;
        let (Some(or), true) = (&syntax.or, simple || syntax.groups) else {
            out.queries.push(close(&alone, operators));
            continue;
        };
        let part = if simple { alone } else { format!("({alone})") };
        open = Some(match open.take() {
            None => (part, operators),
            Some((before, used)) => {
                let joined = format!("{before} {or} {part}");
                let whole = if syntax.groups { format!("({joined})") } else { joined.clone() };
                let now = used + operators + 1;
                if room(&finish(&whole)) && (syntax.operators == 0 || now <= syntax.operators) {
                    (joined, now)
                } else {
                    out.queries.push(close(&grouped(&before, or, syntax), used));
                    (part, operators)
                }
            }
        });
    }
    if let Some((last, used)) = open
        && let Some(or) = &syntax.or
    {
        out.queries.push(close(&grouped(&last, or, syntax), used));
    }
    out.blind.sort();
    out.blind.dedup();
    Ok(out)
}

/// Several alternatives in one search stand in brackets, so that what is added belongs to all of them.
fn grouped(joined: &str, or: &str, syntax: &Syntax) -> String {
    if syntax.groups && joined.contains(&format!(" {or} ")) { format!("({joined})") } else { joined.to_owned() }
}

fn shown(text: &str) -> String {
    let cut: String = text.chars().take(80).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

/// Words that must all be there, and words none of which may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Alternative {
    with: Vec<String>,
    without: Vec<String>,
}

impl Alternative {
    fn print(&self, syntax: &Syntax, exclusions: bool) -> String {
        let mut out = self.with.join(" ");
        if let (Some(not), true) = (&syntax.not, exclusions) {
            for word in &self.without {
                out.push_str(&format!(" {not}{word}"));
            }
        }
        out
    }

    fn and(mut self, other: &Alternative) -> Self {
        for (own, more) in [(&mut self.with, &other.with), (&mut self.without, &other.without)] {
            for word in more {
                if !own.contains(word) {
                    own.push(word.clone());
                }
            }
        }
        self
    }
}

/// Leaves out what another alternative finds anyway.
fn prune(all: &mut Vec<Alternative>) {
    let mut kept: Vec<Alternative> = Vec::with_capacity(all.len());
    for one in all.iter() {
        let covers = |a: &Alternative, b: &Alternative| {
            a.with.iter().all(|word| b.with.contains(word)) && a.without.iter().all(|word| b.without.contains(word))
        };
        if kept.iter().any(|other| covers(other, one)) {
            continue;
        }
        kept.retain(|other| !covers(one, other));
        kept.push(one.clone());
    }
    *all = kept;
}

struct Reader<'a> {
    syntax: &'a Syntax,
    blind: &'a mut Vec<String>,
}

impl Reader<'_> {
    /// What finds at least what the node finds; `None` if that is everything.
    fn alternatives(&mut self, node: &Node) -> Option<Vec<Alternative>> {
        match node {
            Node::Any(nodes) => {
                let mut out = Vec::new();
                for node in nodes {
                    out.extend(self.alternatives(node)?);
                }
                prune(&mut out);
                Some(out)
            }
            Node::All(nodes) => {
                let mut parts: Vec<Vec<Alternative>> =
                    nodes.iter().filter_map(|node| self.alternatives(node)).collect();
                parts.sort_by_key(Vec::len);
                let mut out: Option<Vec<Alternative>> = None;
                for part in parts {
                    out = Some(match out {
                        None => part,
                        // Too many: the condition is left to the filter here.
                        Some(before) if before.len() * part.len() > MAX_ALTERNATIVES => before,
                        Some(before) => before.iter().flat_map(|a| part.iter().map(|b| a.clone().and(b))).collect(),
                    });
                }
                let mut out = out?;
                let without: Vec<String> = nodes
                    .iter()
                    .filter_map(|node| if let Node::Not(inner) = node { Some(&**inner) } else { None })
                    .flat_map(|inner| self.exclusions(inner))
                    .collect();
                for alternative in &mut out {
                    for word in &without {
                        if !alternative.without.contains(word) && !alternative.with.contains(word) {
                            alternative.without.push(word.clone());
                        }
                    }
                }
                Some(out)
            }
            Node::Set(set) => self.alternatives(&set.node),
            Node::Words(words) => Some(vec![self.words(words)?]),
            Node::Near(near) => {
                let side = |side: &[Words], reader: &mut Self| -> Option<Vec<Alternative>> {
                    side.iter().map(|words| reader.words(words)).collect()
                };
                let (left, right) = (side(&near.left, self)?, side(&near.right, self)?);
                if left.len() * right.len() > MAX_ALTERNATIVES {
                    return Some(left);
                }
                Some(left.iter().flat_map(|a| right.iter().map(|b| a.clone().and(b))).collect())
            }
            Node::Not(_) | Node::Fact(_) => None,
        }
    }

    /// Words that can be excluded by the service without losing anything: those that are found there as they are here. With
    /// other signs or letters a service may read more into them.
    fn exclusions(&mut self, node: &Node) -> Vec<String> {
        match node {
            Node::Words(words)
                if words.place == Place::Anywhere
                    && matches!(words.form, Form::Word | Form::Phrase)
                    && words.label.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ')
                    && (self.syntax.quotes || !words.label.contains(' ')) =>
            {
                if words.label.contains(' ') && self.syntax.not.is_some() {
                    let label = &words.label;
                    self.blind.push(format!(
                        "texts where other signs than spaces part the words of `{label}`, which is excluded"
                    ));
                }
                vec![self.term(&words.label)]
            }
            Node::Any(nodes) => nodes.iter().flat_map(|node| self.exclusions(node)).collect(),
            Node::Set(set) => self.exclusions(&set.node),
            _ => Vec::new(),
        }
    }

    fn words(&mut self, words: &Words) -> Option<Alternative> {
        if !matches!(words.place, Place::Anywhere | Place::Title | Place::Body) {
            return None;
        }
        let label = words.label.trim();
        let term = match &words.form {
            Form::Regex { .. } => return None,
            Form::Within(_) => {
                let with = label.split_whitespace().map(|word| self.term(word)).collect();
                return Some(Alternative { with, without: Vec::new() });
            }
            Form::Word | Form::Phrase if label.contains('?') => return None,
            Form::Word | Form::Phrase if label.ends_with('*') => {
                let stem = label.trim_end_matches('*').trim();
                if stem.is_empty() {
                    return None;
                }
                self.blind.push(format!("words that only begin like `{stem}`: the search looks for whole words"));
                self.term(stem)
            }
            Form::Unit if self.syntax.tags => label.to_owned(),
            Form::Unit => self.term(label.trim_start_matches(['#', '@'])),
            Form::Word | Form::Phrase | Form::Literal | Form::Exact | Form::Domain => self.term(label),
        };
        Some(Alternative { with: vec![term], without: Vec::new() })
    }

    /// A word bare, everything else in quotes if there are any.
    fn term(&self, label: &str) -> String {
        let clean: String = label.chars().map(|c| if c == '"' || c.is_control() { ' ' } else { c }).collect();
        let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
        let operator = matches!(clean.as_str(), "OR" | "AND" | "NOT");
        if clean.chars().all(char::is_alphanumeric) && !operator || !self.syntax.quotes {
            return clean;
        }
        format!("\"{clean}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::{Scope, parse};

    fn asked(query: &str, syntax: &Syntax) -> Vec<String> {
        searches(&[&parse(query, Scope::Watchlist).unwrap()], syntax).unwrap().queries
    }

    #[test]
    fn queries_in_the_syntax_of_others() {
        let plain = Syntax::default();
        let quotes = Syntax { quotes: true, not: Some("-".into()), ..Syntax::default() };
        let or = Syntax { or: Some("OR".into()), ..quotes.clone() };
        let all = Syntax { groups: true, add: "-is:retweet".into(), ..or.clone() };
        let query = r#"("acme corp" OR acmeshop OR (acme (sofa OR chair))) -"acme avenue" lang:en"#;
        assert_eq!(asked(query, &plain), ["acme corp", "acmeshop", "acme sofa", "acme chair"]);
        assert_eq!(
            asked(query, &quotes),
            [
                r#""acme corp" -"acme avenue""#,
                r#"acmeshop -"acme avenue""#,
                r#"acme sofa -"acme avenue""#,
                r#"acme chair -"acme avenue""#
            ]
        );
        let blunt = Syntax { not: None, groups: true, ..or.clone() };
        assert_eq!(asked("acme -beta", &blunt), ["acme"]);
        assert_eq!(asked("acme OR beta OR (gamma delta)", &or), ["gamma delta", "acme OR beta"]);
        assert_eq!(asked("acme OR beta OR (gamma delta)", &all), ["(acme OR beta OR (gamma delta)) -is:retweet"]);
        assert_eq!(asked("(acme OR beta) -gamma", &all), ["(acme OR beta) -gamma -is:retweet"]);
        assert_eq!(asked("acme", &all), ["acme -is:retweet"]);
        assert_eq!(asked("#acme OR acme-shop.com", &Syntax { tags: true, ..quotes }), ["#acme", "\"acme-shop.com\""]);
    }

    #[test]
    fn searches_keep_within_their_limits() {
        let words: Vec<String> = (0..100).map(|n| format!("brand{n}")).collect();
        let query = words.join(" OR ");
        let syntax = Syntax { or: Some("OR".into()), groups: true, max: 60, add: "x:y".into(), ..Syntax::default() };
        let all = asked(&query, &syntax);
        assert!(all.iter().all(|q| q.len() <= 60), "{all:?}");
        for word in &words {
            let found = |q: &String| q.split(|c: char| !c.is_alphanumeric()).any(|w| w == word);
            assert_eq!(all.iter().filter(|q| found(q)).count(), 1, "{word}");
        }
        let few = asked(&query, &Syntax { or: Some("OR".into()), operators: 5, ..Syntax::default() });
        assert_eq!(few.len(), 17);
    }

    #[test]
    fn what_cannot_be_searched_for_says_so() {
        let found = searches(&[&parse("acme*", Scope::Watchlist).unwrap()], &Syntax::default()).unwrap();
        assert_eq!((found.queries.as_slice(), found.blind.len()), (["acme".to_owned()].as_slice(), 1));
        let query = parse("url:acme.com OR acme", Scope::Watchlist).unwrap();
        assert!(searches(&[&query], &Syntax::default()).is_err());
    }
}
