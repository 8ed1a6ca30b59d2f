//! What a field takes: words, one of a closed list, a number, a language code, a name of the configuration.

use super::Scope;
use super::ast::{At, Compare, Fact, Form, Has, Is, Node, Place, Set, Words};
use super::context::{Named, Sought, theme_number};
use super::fields::Field;
use super::lexer::Token;
use super::parser::{Inside, MAX_DEPTH, Parser, in_text};
use crate::model::{Category, SentimentLabel, Severity};
use crate::text::fold;
use crate::text::known::nearest;

impl Parser<'_> {
    /// Words, or the value of a field.
    pub(super) fn words(
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
            let open = matches!(form, Form::Word | Form::Phrase) && label.ends_with('*');
            let stem = if open { label.trim_end_matches('*') } else { label };
            return Some(Node::Words(Words {
                place,
                form: form.clone(),
                label: label.to_owned(),
                written,
                folded: fold::fold(stem).trim_end().to_owned(),
                accented: fold::accented(&stem.split_whitespace().collect::<Vec<_>>().join(" ")),
                at: At(token.span.clone()),
            }));
        }
        let bare = !label.contains(['*', '?']) && matches!(form, Form::Word | Form::Domain);
        let numbered = field == Field::Theme && theme_number(label).is_some();
        if !bare && !numbered && !matches!(form, Form::Phrase | Form::Literal) {
            let name = field.name();
            self.wrong(
                token.span.clone(),
                format!("`{}` is no value of `{name}:`", self.slice(&token.span)),
                field.example(),
            );
            return None;
        }
        if field == Field::Set {
            return self.set(token, form, label, None);
        }
        let lower = label.to_lowercase();
        let fact = match field {
            Field::Place(_) | Field::Set => None,
            Field::Lang => self.language(token, &lower).map(Fact::Lang),
            Field::Source => self.named(token, Named::Source, label).then(|| Fact::Source(label.to_owned())),
            Field::Watchlist => self.named(token, Named::Watchlist, label).then(|| Fact::Watchlist(label.to_owned())),
            Field::Theme => self.named(token, Named::Theme, label).then(|| Fact::Theme(label.to_owned())),
            Field::Flag => self.named(token, Named::Flag, &lower).then_some(Fact::Flag(lower)),
            Field::Category => self.step(token, field, &lower, &Category::ALL, Category::as_str).map(Fact::Category),
            Field::Severity => self
                .step(token, field, &lower, &Severity::ALL, Severity::as_str)
                .map(|step| Fact::Severity(compare, step)),
            Field::Sentiment => self
                .step(token, field, &lower.replace([' ', '_'], "-"), &SentimentLabel::ALL, SentimentLabel::as_str)
                .map(|step| Fact::Sentiment(compare, step)),
            Field::Has => self.step(token, field, &lower, &Has::ALL, Has::as_str).map(Fact::Has),
            Field::Is => self.step(token, field, &lower, &Is::ALL, Is::as_str).map(Fact::Is),
            Field::Followers => self.count(token, &lower).map(|count| Fact::Followers(compare, count)),
            Field::Rating => self.stars(token, &lower, compare).map(|stars| Fact::Rating(compare, stars)),
        };
        fact.map(Node::Fact)
    }

    /// `set:NAME`, also inside the brackets of a field whose words it then takes.
    pub(super) fn set(&mut self, token: &Token, form: &Form, label: &str, inside: Option<Inside>) -> Option<Node> {
        if !matches!(form, Form::Word | Form::Domain | Form::Phrase | Form::Literal) {
            self.wrong(
                token.span.clone(),
                format!("`{}` is no value of `set:`", self.slice(&token.span)),
                Field::Set.example(),
            );
            return None;
        }
        let node = match self.context.set(label) {
            Sought::Found(node) => node,
            // Its own mistake is told where it stands; what is read here is thrown away.
            Sought::Broken => {
                return self.words(
                    token,
                    &Form::Literal,
                    label,
                    inside.filter(|i| i.field != Field::Set),
                    Compare::Equal,
                );
            }
            Sought::Unknown(help) => {
                self.wrong(token.span.clone(), format!("there is no set `{label}`"), help);
                return None;
            }
        };
        if self.depth + node.depth() > MAX_DEPTH {
            self.wrong(
                token.span.clone(),
                format!("with what `set:{label}` holds, brackets are nested more than {MAX_DEPTH} deep"),
                "let sets name fewer other sets",
            );
            return None;
        }
        match inside.map(|inside| inside.field) {
            Some(Field::Place(place)) if place != Place::Anywhere => {
                let placed = placed(&node, place);
                if placed.is_none() {
                    self.wrong(
                        token.span.clone(),
                        format!("`set:{label}` holds more than words, so it cannot stand inside a field"),
                        "put it outside of the field's brackets",
                    );
                }
                placed
            }
            _ => Some(Node::Set(Set { name: label.to_owned(), node, at: At(token.span.clone()) })),
        }
    }

    /// Whether the configuration has that name; if not, that is told.
    fn named(&mut self, token: &Token, kind: Named, name: &str) -> bool {
        // Where such a field cannot stand at all, that is enough to say.
        if self.scope != Scope::Route && kind != Named::Source {
            return true;
        }
        // Themes that were found have numbers, which the configuration does not know.
        if kind == Named::Theme && theme_number(name).is_some() {
            return true;
        }
        let Some(help) = self.context.missing(kind, name) else { return true };
        self.wrong(token.span.clone(), format!("there is no {} `{name}`", kind.as_str()), help);
        false
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
            let message = match field {
                "has" | "is" => format!("`{field}:` knows no `{word}`"),
                field => format!("unknown {field} `{word}`"),
            };
            let help = match nearest(word, &names) {
                Some(near) => format!("did you mean `{field}:{near}`? Known: {list}"),
                None => format!("known: {list}"),
            };
            self.wrong(token.span.clone(), message, help);
        }
        found
    }

    /// `1000`, `10k`, `2m`.
    fn count(&mut self, token: &Token, word: &str) -> Option<u64> {
        let (digits, factor) = match word.char_indices().next_back() {
            Some((end, 'k')) => (&word[..end], 1_000),
            Some((end, 'm')) => (&word[..end], 1_000_000),
            _ => (word, 1),
        };
        let count = digits.parse::<u64>().ok().filter(|_| !digits.starts_with('+'));
        let count = count.and_then(|count| count.checked_mul(factor));
        if count.is_none() {
            self.wrong(
                token.span.clone(),
                format!("`{word}` is no number of followers"),
                "write digits only, or `10k`: `followers:>=1000`",
            );
        }
        count
    }

    /// Stars: 1 to 5, halves and tenths too.
    fn stars(&mut self, token: &Token, word: &str, compare: Compare) -> Option<f32> {
        let stars = word.replace(',', ".").parse::<f32>().ok().filter(|stars| (1.0..=5.0).contains(stars));
        if stars.is_none() {
            self.wrong(
                token.span.clone(),
                format!("`{word}` is no rating: stars go from 1 to 5"),
                Field::Rating.example(),
            );
            return None;
        }
        let never = matches!((compare, stars), (Compare::Below, Some(1.0)) | (Compare::Above, Some(5.0)));
        if never {
            let message = "stars go from 1 to 5, so this never holds".to_owned();
            self.wrong(token.span.clone(), message, Field::Rating.example());
        }
        stars
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

/// The words of a set looked for in one place; `None` if it holds anything else.
fn placed(node: &Node, place: Place) -> Option<Node> {
    let all = |nodes: &[Node]| nodes.iter().map(|node| placed(node, place)).collect::<Option<Vec<_>>>();
    match node {
        Node::All(nodes) => Node::all(all(nodes)?),
        Node::Any(nodes) => Node::any(all(nodes)?),
        Node::Not(node) => Some(Node::Not(Box::new(placed(node, place)?))),
        Node::Words(words) if words.place == Place::Anywhere => {
            let near = matches!(words.form, Form::Within(_));
            (in_text(place) || !near).then(|| Node::Words(Words { place, ..words.clone() }))
        }
        Node::Near(near) if in_text(place) => {
            let mut near = near.clone();
            let mut sides = near.left.iter_mut().chain(&mut near.right);
            if sides.any(|words| words.place != Place::Anywhere) {
                return None;
            }
            near.left.iter_mut().chain(&mut near.right).for_each(|words| words.place = place);
            Some(Node::Near(near))
        }
        Node::Set(set) => placed(&set.node, place),
        Node::Words(_) | Node::Near(_) | Node::Fact(_) => None,
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
