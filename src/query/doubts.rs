//! Parts of a query that contradict each other, or that can never matter because another part says it already. Only
//! what is certain is told: from the letters of words and the values of fields, whatever the text.

use std::collections::HashMap;

use super::ast::{Compare, Fact, Form, Node, Place, Words};
use crate::model::{SentimentLabel, Severity};
use crate::text::fold::is_word;

/// Parts side by side that are compared with each other; longer lists are looked through for repeated words only.
const MAX_BESIDE: usize = 256;

/// Comparisons of one query: beyond it nothing more is found, so that checking takes linear time.
pub(super) struct Budget(u32);

impl Default for Budget {
    fn default() -> Self {
        Self(100_000)
    }
}

impl Budget {
    fn spend(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

/// How two parts beside each other do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// They can never both hold.
    Impossible,
    /// One asks for what the other excludes.
    Excluded,
    /// Beside OR: whatever the part finds, the other finds.
    FoundAnyway,
    /// Beside AND: wherever the other holds, the part holds.
    HoldsAnyway,
    /// The same part twice.
    Twice,
}

impl Finding {
    /// Whether the query cannot have been meant so.
    pub(super) fn is_error(self) -> bool {
        matches!(self, Finding::Impossible | Finding::Excluded)
    }
}

/// Places of two nodes in a list, and what is odd about the first.
pub(super) struct Pair {
    pub(super) part: usize,
    pub(super) beside: usize,
    pub(super) finding: Finding,
}

/// Message and help.
pub(super) fn say(finding: Finding, part: &str, beside: &str) -> (String, String) {
    match finding {
        Finding::Impossible => (
            format!("`{beside}` and `{part}` can never both hold, so nothing is ever found"),
            format!("write `({beside} OR {part})` if either will do, or remove one of them"),
        ),
        Finding::Excluded => (
            format!("`{beside}` and `{part}` contradict each other, so nothing is ever found"),
            "remove one of them, or exclude something narrower".to_owned(),
        ),
        Finding::FoundAnyway => (
            format!("`{part}` can never matter: `{beside}` finds all of it already"),
            format!("remove `{part}`; or remove `{beside}` if only the narrower part is meant"),
        ),
        Finding::HoldsAnyway => {
            (format!("`{part}` can never matter: it holds wherever `{beside}` does"), format!("remove `{part}`"))
        }
        Finding::Twice => (format!("`{part}` stands here twice"), "remove one of the two".to_owned()),
    }
}

/// What can never matter among alternatives.
pub(super) fn alternatives(nodes: &[Node], budget: &mut Budget) -> Vec<Pair> {
    if nodes.len() > MAX_BESIDE {
        return repeated(nodes);
    }
    let mut found = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let covers = |other: usize, budget: &mut Budget| {
            // Of two that mean the same, the later one is too many.
            other != index
                && nodes
                    .get(other)
                    .is_some_and(|wide| implies(node, wide, budget) && (other < index || !implies(wide, node, budget)))
        };
        if let Some(beside) = (0..nodes.len()).find(|other| covers(*other, budget)) {
            let finding = if nodes.get(beside) == Some(node) { Finding::Twice } else { Finding::FoundAnyway };
            found.push(Pair { part: index, beside, finding });
        }
    }
    found
}

/// What contradicts each other, or can never matter, among parts that must all hold.
pub(super) fn together(nodes: &[Node], budget: &mut Budget) -> Vec<Pair> {
    if nodes.len() > MAX_BESIDE {
        return repeated(nodes);
    }
    let mut found = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let mut told = false;
        for (other, earlier) in nodes.iter().enumerate().take(index) {
            if disjoint(earlier, node, budget) {
                let finding = if excludes(node) || excludes(earlier) { Finding::Excluded } else { Finding::Impossible };
                found.push(Pair { part: index, beside: other, finding });
                told = true;
                break;
            }
        }
        if told {
            continue;
        }
        let held = |other: usize, budget: &mut Budget| {
            other != index
                && nodes.get(other).is_some_and(|narrow| {
                    implies(narrow, node, budget) && (other < index || !implies(node, narrow, budget))
                })
        };
        if let Some(beside) = (0..nodes.len()).find(|other| held(*other, budget)) {
            let finding = if nodes.get(beside) == Some(node) { Finding::Twice } else { Finding::HoldsAnyway };
            found.push(Pair { part: index, beside, finding });
        }
    }
    found
}

/// Whether a node excludes something, so that "one or the other" would not help.
fn excludes(node: &Node) -> bool {
    match node {
        Node::Not(_) => true,
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().any(excludes),
        Node::Set(set) => excludes(&set.node),
        Node::Words(_) | Node::Near(_) | Node::Fact(_) => false,
    }
}

/// Parts of a long list that stand in it twice.
fn repeated(nodes: &[Node]) -> Vec<Pair> {
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(nodes.len());
    let mut found = Vec::new();
    for (part, node) in nodes.iter().enumerate() {
        let written = match node {
            Node::Words(words) if matches!(words.form, Form::Word | Form::Phrase) => {
                format!("{:?} {} {}", words.place, words.accented, words.is_open())
            }
            node => node.to_string(),
        };
        match seen.get(&written) {
            Some(beside) => found.push(Pair { part, beside: *beside, finding: Finding::Twice }),
            None => {
                seen.insert(written, part);
            }
        }
    }
    found
}

/// Whether `b` holds wherever `a` does. `false` if that is not certain.
pub(super) fn implies(a: &Node, b: &Node, budget: &mut Budget) -> bool {
    if !budget.spend() {
        return false;
    }
    match (a, b) {
        (Node::Set(a), b) => implies(&a.node, b, budget),
        (a, Node::Set(b)) => implies(a, &b.node, budget),
        (Node::Any(parts), b) => parts.iter().all(|part| implies(part, b, budget)),
        (a, Node::All(parts)) => parts.iter().all(|part| implies(a, part, budget)),
        (a, Node::Any(parts)) if parts.iter().any(|part| implies(a, part, budget)) => true,
        (Node::All(parts), b) => parts.iter().any(|part| implies(part, b, budget)),
        (Node::Not(a), Node::Not(b)) => implies(b, a, budget),
        (a, Node::Not(b)) => disjoint(a, b, budget),
        (Node::Words(a), Node::Words(b)) => a == b || covers(b, a),
        (Node::Near(near), Node::Words(b)) => {
            near.left.iter().all(|a| a == b || covers(b, a)) || near.right.iter().all(|a| a == b || covers(b, a))
        }
        (Node::Fact(a), Node::Fact(b)) => a == b || fact_implies(a, b),
        (a, b) => a == b,
    }
}

/// Whether `a` and `b` can never both hold. `false` if that is not certain.
pub(super) fn disjoint(a: &Node, b: &Node, budget: &mut Budget) -> bool {
    if !budget.spend() {
        return false;
    }
    match (a, b) {
        (Node::Set(a), b) => disjoint(&a.node, b, budget),
        (a, Node::Set(b)) => disjoint(a, &b.node, budget),
        (Node::Any(parts), other) | (other, Node::Any(parts)) if !matches!(other, Node::Not(_)) => {
            parts.iter().all(|part| disjoint(part, other, budget))
        }
        (Node::Not(_), Node::Not(_)) => false,
        (a, Node::Not(b)) | (Node::Not(b), a) => implies(a, b, budget),
        (Node::All(parts), other) | (other, Node::All(parts)) => parts.iter().any(|part| disjoint(part, other, budget)),
        (Node::Fact(a), Node::Fact(b)) => facts_disjoint(a, b),
        _ => false,
    }
}

/// Whether `wide` is found wherever `narrow` is.
fn covers(wide: &Words, narrow: &Words) -> bool {
    let same_place = wide.place == narrow.place
        || (wide.place == Place::Anywhere && matches!(narrow.place, Place::Title | Place::Body));
    let joker = |words: &Words| matches!(words.form, Form::Word) && words.label.contains('?');
    // Only capitals know the dotless i, so that what is accented there is not what is compared.
    let turkish = |words: &Words| words.label.contains(['ı', 'İ', 'I']) && words.accented.contains(['ı', 'i']);
    if !same_place || joker(wide) || joker(narrow) || !matches!(wide.form, Form::Word | Form::Phrase) {
        return false;
    }
    if wide.accented != wide.folded && (turkish(wide) || turkish(narrow)) {
        return false;
    }
    match narrow.form {
        Form::Word | Form::Phrase | Form::Literal | Form::Exact | Form::Unit => {}
        // All of its words stand there, each for itself.
        Form::Within(_) => {
            return narrow.folded.split(' ').zip(narrow.accented.split(' ')).any(|(folded, accented)| {
                let one = Words {
                    form: Form::Literal,
                    folded: folded.to_owned(),
                    accented: accented.to_owned(),
                    ..narrow.clone()
                };
                covers(wide, &one)
            });
        }
        Form::Domain | Form::Regex { .. } => return false,
    }
    let whole = |text: &str, part: &str| {
        text.match_indices(part).any(|(at, _)| {
            let end = at + part.len();
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text.get(end..).and_then(|after| after.chars().next());
            let first = part.chars().next().is_some_and(is_word);
            let last = part.chars().next_back().is_some_and(is_word);
            let left = !first || before.is_none_or(|c| !is_word(c));
            let right = match after {
                Some(c) => wide.is_open() || !last || !is_word(c),
                // A genitive of a bare word is believed more easily than one of a phrase.
                None => wide.is_open() || (!narrow.is_open() && (wide.form == Form::Word || narrow.form != Form::Word)),
            };
            left && right
        })
    };
    !wide.folded.is_empty()
        && whole(&narrow.folded, &wide.folded)
        && (wide.accented == wide.folded || whole(&narrow.accented, &wide.accented))
}

fn fact_implies(a: &Fact, b: &Fact) -> bool {
    match (a, b) {
        (Fact::Lang(a), Fact::Lang(b)) => is_language_of(a, b),
        (Fact::Severity(x, a), Fact::Severity(y, b)) => {
            Severity::ALL.iter().all(|step| !x.holds(*step, *a) || y.holds(*step, *b))
        }
        (Fact::Sentiment(x, a), Fact::Sentiment(y, b)) => {
            SentimentLabel::ALL.iter().all(|step| !x.holds(*step, *a) || y.holds(*step, *b))
        }
        (Fact::Followers(x, a), Fact::Followers(y, b)) => numbers((*x, *a as f64), (*y, *b as f64), |a, b| !a || b),
        (Fact::Rating(x, a), Fact::Rating(y, b)) => numbers((*x, f64::from(*a)), (*y, f64::from(*b)), |a, b| !a || b),
        // A comparison holds only where the number is known.
        (Fact::Followers(..), Fact::Has(super::ast::Has::Followers))
        | (Fact::Rating(..), Fact::Has(super::ast::Has::Rating)) => true,
        _ => false,
    }
}

fn facts_disjoint(a: &Fact, b: &Fact) -> bool {
    match (a, b) {
        (Fact::Lang(a), Fact::Lang(b)) => !is_language_of(a, b) && !is_language_of(b, a),
        (Fact::Source(a), Fact::Source(b)) => a.to_lowercase() != b.to_lowercase(),
        (Fact::Category(a), Fact::Category(b)) => a != b,
        (Fact::Severity(x, a), Fact::Severity(y, b)) => {
            Severity::ALL.iter().all(|step| !x.holds(*step, *a) || !y.holds(*step, *b))
        }
        (Fact::Sentiment(x, a), Fact::Sentiment(y, b)) => {
            SentimentLabel::ALL.iter().all(|step| !x.holds(*step, *a) || !y.holds(*step, *b))
        }
        (Fact::Followers(x, a), Fact::Followers(y, b)) => numbers((*x, *a as f64), (*y, *b as f64), |a, b| !(a && b)),
        (Fact::Rating(x, a), Fact::Rating(y, b)) => numbers((*x, f64::from(*a)), (*y, f64::from(*b)), |a, b| !(a && b)),
        _ => false,
    }
}

/// Whether `law` holds of two comparisons for every number: tried at both bounds, between and outside of them.
fn numbers(a: (Compare, f64), b: (Compare, f64), law: impl Fn(bool, bool) -> bool) -> bool {
    let middle = f64::midpoint(a.1, b.1);
    [a.1.min(b.1) - 1.0, a.1, middle, b.1, a.1.max(b.1) + 1.0]
        .into_iter()
        .all(|number| law(a.0.holds(number, a.1), b.0.holds(number, b.1)))
}

/// `es-mx` is `es`.
fn is_language_of(narrow: &str, wide: &str) -> bool {
    narrow.strip_prefix(wide).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}
