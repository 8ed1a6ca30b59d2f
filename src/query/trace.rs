//! Why a query does not hold for a document: the parts that failed, each with what stands there instead. For people who
//! try a query out; what is looked at again and again is decided in `evaluate`.

use super::ast::{Fact, Form, Is, Near, Node, Place, Words};
use super::{Document, Query};
use crate::model::{Matched, Part};
use crate::text::fold;

/// Parts that are told of one query.
const MAX_FAILURES: usize = 20;
/// Alternatives that are looked at for what nearly fits.
const MAX_ALTERNATIVES: usize = 50;
/// Letters of a part or place that are shown.
const MAX_SHOWN: usize = 60;

/// A part of a query that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The part, as written.
    pub part: String,
    /// Why it does not hold, in words.
    pub why: String,
}

/// The parts because of which a query does not hold, in order, at most 20; none if it holds.
pub(super) fn failures(node: &Node, document: &Document<'_>) -> Vec<Failure> {
    let mut found = Vec::new();
    collect(node, document, &mut found);
    found.truncate(MAX_FAILURES);
    found
}

fn collect(node: &Node, document: &Document<'_>, found: &mut Vec<Failure>) {
    if found.len() >= MAX_FAILURES || places(node, document).is_some() {
        return;
    }
    let why = match node {
        Node::All(nodes) => return nodes.iter().for_each(|node| collect(node, document, found)),
        Node::Any(nodes) => {
            found.push(Failure { part: shown(node), why: "none of these holds".to_owned() });
            for node in nodes.iter().take(MAX_ALTERNATIVES) {
                if let Node::Words(words) = node
                    && let Some(why) = nearly(words, document)
                {
                    found.push(Failure { part: shown(node), why });
                }
            }
            return;
        }
        Node::Not(inner) => match places(inner, document).unwrap_or_default().first() {
            Some(place) => format!("excluded: “{}” stands in the {}", text_of(place, document), name(place.part)),
            None => "excluded: it holds".to_owned(),
        },
        Node::Words(words) => nearly(words, document).unwrap_or_else(|| {
            let known = match words.place {
                Place::Author => document.author,
                Place::Site => document.site,
                Place::Url => document.url,
                Place::Link => document.links,
                Place::Anywhere | Place::Title | Place::Body => return "it is not there".to_owned(),
            };
            if known.is_empty() { "that is not known".to_owned() } else { format!("it is “{}”", short(known)) }
        }),
        Node::Near(near) => far(near, document),
        Node::Fact(fact) => instead(fact, document),
        Node::Set(set) => {
            found.push(Failure { part: shown(node), why: "what the set holds does not fit".to_owned() });
            return collect(&set.node, document, found);
        }
    };
    found.push(Failure { part: shown(node), why });
}

/// What nearly fits of words that are not found.
fn nearly(words: &Words, document: &Document<'_>) -> Option<String> {
    let look = |words: Words| places(&Node::Words(words), document)?.into_iter().next();
    let quote = |place: &Matched| text_of(place, document);
    if matches!(words.place, Place::Title | Place::Body)
        && let Some(place) = look(Words { place: Place::Anywhere, ..words.clone() })
    {
        return Some(format!("“{}” stands in the {} only", quote(&place), name(place.part)));
    }
    let folded = |form: Form| Words { form, label: words.folded.clone(), ..words.clone() };
    match words.form {
        Form::Exact | Form::Literal | Form::Word | Form::Phrase => {
            if let Some(place) = look(folded(Form::Phrase)) {
                return Some(format!("it stands there written otherwise: “{}”", quote(&place)));
            }
            if words.folded.ends_with(char::is_alphanumeric)
                && let Some(place) =
                    look(Words { label: format!("{}*", words.label), form: Form::Phrase, ..words.clone() })
            {
                let message =
                    format!("only longer words begin so: “{}”; `*` at its end would find them", quote(&place));
                return Some(message);
            }
            let inside = words.accented == words.folded
                && [document.title, document.text].iter().any(|text| fold::fold(text).contains(&words.folded));
            if inside && matches!(words.place, Place::Anywhere | Place::Title | Place::Body) {
                return Some("it stands there only inside of longer words".to_owned());
            }
        }
        Form::Unit => {
            let bare = words.folded.trim_start_matches(['#', '@']).to_owned();
            if let Some(place) = look(Words { form: Form::Phrase, label: bare, ..words.clone() }) {
                return Some(format!("it stands there without its sign, or in a longer one: “{}”", quote(&place)));
            }
        }
        Form::Domain | Form::Within(_) | Form::Regex { .. } => {}
    }
    let many = matches!(words.form, Form::Phrase | Form::Within(_) | Form::Exact | Form::Literal);
    let each: Vec<&str> = words.folded.split(' ').collect();
    if many && each.len() > 1 {
        let missing: Vec<&str> = each
            .iter()
            .filter(|word| look(Words { label: (**word).to_owned(), ..folded(Form::Word) }).is_none())
            .copied()
            .collect();
        return Some(match missing.as_slice() {
            [] if matches!(words.form, Form::Within(_)) => "all its words stand there, but too far apart".to_owned(),
            [] => "all its words stand there, but not one after the other".to_owned(),
            missing => format!("not there: {}", short(&missing.join(", "))),
        });
    }
    None
}

/// Why two sides are not near each other.
fn far(near: &Near, document: &Document<'_>) -> String {
    let side = |words: &[Words]| words.iter().any(|one| places(&Node::Words(one.clone()), document).is_some());
    match (side(&near.left), side(&near.right)) {
        (false, false) => "neither side is there".to_owned(),
        (false, true) => "its left side is not there".to_owned(),
        (true, false) => "its right side is not there".to_owned(),
        (true, true) => {
            let turned = Node::Near(Near { ordered: false, ..near.clone() });
            if near.ordered && places(&turned, document).is_some() {
                return "both sides stand there, but in the other order".to_owned();
            }
            let wider = (near.distance + 1..=100)
                .find(|distance| places(&Node::Near(Near { distance: *distance, ..near.clone() }), document).is_some());
            match wider {
                Some(distance) => format!("both sides stand there, with {distance} words between them"),
                None => "both sides stand there, but never near each other".to_owned(),
            }
        }
    }
}

/// What is known instead of what a test asks for.
fn instead(fact: &Fact, document: &Document<'_>) -> String {
    let is = |what: &str, value: &str| {
        if value.is_empty() { format!("the {what} is not known") } else { format!("the {what} is `{}`", short(value)) }
    };
    match fact {
        Fact::Lang(_) => return is("language", document.lang),
        Fact::Source(_) => return is("source", document.source),
        Fact::Followers(..) => {
            return is("number of followers", &document.followers.map_or(String::new(), |n| n.to_string()));
        }
        Fact::Rating(..) => return is("rating", &document.rating.map_or(String::new(), |stars| stars.to_string())),
        Fact::Has(what) => return format!("it has no {}", what.as_str()),
        Fact::Is(Is::Reply) => {
            return match document.reply {
                Some(_) => "it is no reply".to_owned(),
                None => "whether it is a reply is not known".to_owned(),
            };
        }
        _ => {}
    }
    let Some(facts) = &document.facts else { return "it is not classified yet".to_owned() };
    let list = |what: &str, names: &[&str]| match names {
        [] => format!("it belongs to no {what}"),
        names => format!("its {what}s are: {}", short(&names.join(", "))),
    };
    match fact {
        Fact::Category(_) => is("category", facts.category.as_str()),
        Fact::Severity(..) => is("severity", facts.severity.as_str()),
        Fact::Sentiment(..) => is("sentiment", facts.sentiment.as_str()),
        Fact::Watchlist(_) => list("watchlist", facts.watchlists),
        Fact::Theme(_) => list("theme", facts.themes),
        Fact::Flag(_) => list("flag", &facts.flags.iter().map(String::as_str).collect::<Vec<_>>()),
        Fact::Lang(_) | Fact::Source(_) | Fact::Followers(..) | Fact::Rating(..) | Fact::Has(_) | Fact::Is(_) => {
            "it does not hold".to_owned()
        }
    }
}

fn places(node: &Node, document: &Document<'_>) -> Option<Vec<Matched>> {
    Query::new(node.clone()).evaluate(document)
}

fn text_of(place: &Matched, document: &Document<'_>) -> String {
    let whole = match place.part {
        Part::Title => document.title,
        Part::Text => document.text,
        Part::Author => document.author,
        Part::Site => document.site,
        Part::Url => document.url,
        Part::Link => document.links,
    };
    short(whole.get(place.start..place.end).unwrap_or_default())
}

/// The part of an entry in words.
fn name(part: Part) -> &'static str {
    match part {
        Part::Title => "title",
        Part::Text => "text",
        Part::Author => "author",
        Part::Site => "site",
        Part::Url => "address",
        Part::Link => "links",
    }
}

fn shown(node: &Node) -> String {
    short(&node.to_string())
}

fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
