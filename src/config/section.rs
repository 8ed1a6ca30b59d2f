//! Reads one table: refuses keys that are not known, and gives each value in the type that is wanted, or says what is
//! wrong with it. Every mistake is collected; nothing stops at the first.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use super::diagnostic::{Findings, Span};
use super::keys::{HEADED, JETSTREAM, JSON, Keys, MAILBOX, SOURCE, WEBHOOK};
use super::tree::{Entry, Node, Table, Value};
use super::values;

/// What is wrong with a text, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }
}

/// A text and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'t> {
    pub(super) value: &'t str,
    pub(super) span: Span,
}

/// One table with the keys that it may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'t> {
    table: &'t Table,
    keys: &'static Keys,
    /// Its header.
    pub(super) at: Span,
}

impl<'t> Section<'t> {
    /// The table of a node; tells what is no table, and every key that is not known.
    pub(super) fn open(node: &'t Node, keys: &'static Keys, found: &mut Findings) -> Option<Self> {
        let Value::Table(table) = &node.value else {
            let kind = node.value.kind();
            found.error(node.span, format!("expected a table, found {kind}")).help(example_of_table(keys));
            return None;
        };
        unknown_keys(table, keys, found);
        Some(Self { table, keys, at: node.span })
    }

    /// A table that was opened before: its keys were looked at then.
    pub(super) fn again(node: &'t Node, keys: &'static Keys) -> Option<Self> {
        let Value::Table(table) = &node.value else { return None };
        Some(Self { table, keys, at: node.span })
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'t Node> {
        debug_assert!(self.keys.keys.contains(&key), "{key} is missing in the key table of {}", self.keys.table);
        self.table.get(key).map(|entry| &entry.node)
    }

    /// Whether the key is set at all, rightly or wrongly.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Where the key stands, or the header if it is not set.
    pub(super) fn place(&self, key: &str) -> Span {
        self.table.get(key).map_or(self.at, |entry| entry.at)
    }

    /// A text, not empty.
    pub(super) fn text(&self, key: &str, found: &mut Findings) -> Option<Text<'t>> {
        text_of(self.get(key)?, key, found)
    }

    /// Says that a key is missing. `example` is a whole line to write.
    pub(super) fn missing(&self, key: &str, example: &str, found: &mut Findings) {
        if found.is_complete() {
            found.error(self.at, format!("`{key}` is missing")).help(format!("add `{example}`"));
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &str, example: &str, found: &mut Findings) -> Option<Text<'t>> {
        if !self.has(key) {
            self.missing(key, example, found);
        }
        self.text(key, found)
    }

    /// A text turned into what it means.
    pub(super) fn parsed<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
        found: &mut Findings,
    ) -> Option<T> {
        let text = self.text(key, found)?;
        checked(text, parse, found)
    }

    /// A list of texts, each turned into what it means; those that mean nothing are told and left out.
    pub(super) fn parsed_list<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, Problem>,
        found: &mut Findings,
    ) -> Vec<T> {
        let texts = self.list(key, found).unwrap_or_default();
        texts.into_iter().filter_map(|text| checked(text, &parse, found)).collect()
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)], found: &mut Findings) -> Option<T> {
        let text = self.text(key, found)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        found.error(text.span, format!("`{key}` cannot be `{}`", text.value)).help(did_you_mean(
            text.value,
            &known,
            &format!("one of: {}", known.join(", ")),
        ));
        None
    }

    /// A whole number in a range.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<i64>, found: &mut Findings) -> Option<i64> {
        let node = self.get(key)?;
        match &node.value {
            Value::Integer(n) if range.contains(n) => return Some(*n),
            Value::Integer(n) => {
                found.error(node.span, format!("`{key}` is {n}, but must be {} to {}", range.start(), range.end()));
            }
            Value::Text(digits) if digits.trim().parse::<i64>().is_ok() => {
                wrong_type(node, key, "a number", found)
                    .help(format!("write it without quotes: `{key} = {}`", digits.trim()));
            }
            _ => {
                wrong_type(node, key, "a number", found).help(format!("for example `{key} = {}`", range.start()));
            }
        }
        None
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, key: &str, found: &mut Findings) -> Option<bool> {
        let node = self.get(key)?;
        if let Value::Boolean(value) = node.value {
            return Some(value);
        }
        wrong_type(node, key, "true or false", found)
            .help(format!("write `{key} = true` or `{key} = false`, without quotes"));
        None
    }

    /// A length of time in a range.
    pub(super) fn duration(
        &self,
        key: &str,
        range: RangeInclusive<Duration>,
        range_in_words: &str,
        found: &mut Findings,
    ) -> Option<Duration> {
        let node = self.get(key)?;
        if let Value::Integer(n) = node.value {
            wrong_type(node, key, "a length of time", found)
                .help(format!("write the unit: `{key} = \"{n}s\"` or `\"{n}m\"`"));
            return None;
        }
        let text = text_of(node, key, found)?;
        let value = checked(text, values::duration, found)?;
        if !range.contains(&value) {
            found.error(text.span, format!("`{key}` must be {range_in_words}"));
            return None;
        }
        Some(value)
    }

    /// A list of texts, in order; entries that are no text are told and left out.
    pub(super) fn list(&self, key: &str, found: &mut Findings) -> Option<Vec<Text<'t>>> {
        let node = self.get(key)?;
        match &node.value {
            Value::List(items) => Some(items.iter().filter_map(|item| text_of(item, key, found)).collect()),
            Value::Text(one) => {
                let one = one.chars().take(60).collect::<String>();
                wrong_type(node, key, "a list", found).help(format!("put it in brackets: `{key} = [\"{one}\"]`"));
                None
            }
            _ => {
                wrong_type(node, key, "a list", found).help(format!("for example `{key} = [\"…\"]`"));
                None
            }
        }
    }
}

/// Tells every key of a table that is not known, with the one that may have been meant.
pub(super) fn unknown_keys(table: &Table, keys: &Keys, found: &mut Findings) {
    for Entry { key, at, .. } in &table.0 {
        let key = key.as_str();
        if keys.keys.contains(&key) {
            continue;
        }
        let place = match keys.table {
            "" => "the configuration".to_owned(),
            "members" => "a member".to_owned(),
            "password" => "a secret".to_owned(),
            "errors" => "a rule of `errors`".to_owned(),
            "fields" | "search" | "paging" | "resume" | "rate" | "quota" | "price" | "login" | "join" => {
                format!("`{}`", keys.table)
            }
            table => format!("[{table}]"),
        };
        let elsewhere = HEADED.iter().find(|other| other.keys.contains(&key) && other.table != keys.table);
        let help = match (nearest(key, keys.keys), elsewhere) {
            (_, Some(other)) if keys.table.is_empty() => format!("`{key}` belongs under [{}]", other.table),
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(other)) => format!("`{key}` belongs under [{}]", other.table),
            (None, None) => match kinds_with(key, keys) {
                Some(kinds) => format!("`{key}` belongs to a source of {kinds}"),
                None => format!("known here: {}", keys.keys.join(", ")),
            },
        };
        let what = if keys.table.is_empty() { "table" } else { "key" };
        found.error(*at, format!("{place} has no {what} `{key}`")).help(help);
    }
}

/// The kinds of source that have a key which these keys of a source do not have.
fn kinds_with(key: &str, keys: &Keys) -> Option<String> {
    if keys.table != SOURCE.table {
        return None;
    }
    let kinds =
        [("feed", &SOURCE), ("mailbox", &MAILBOX), ("json", &JSON), ("jetstream", &JETSTREAM), ("webhook", &WEBHOOK)];
    let having = kinds.into_iter().filter(|(_, own)| own.keys.contains(&key));
    let named: Vec<String> = having.map(|(kind, _)| format!("kind `{kind}`")).collect();
    (!named.is_empty()).then(|| named.join(" or "))
}

/// A text node, not empty.
pub(super) fn text_of<'t>(node: &'t Node, key: &str, found: &mut Findings) -> Option<Text<'t>> {
    match &node.value {
        Value::Text(text) if !text.trim().is_empty() => return Some(Text { value: text, span: node.span }),
        Value::Text(_) => {
            found.error(node.span, format!("`{key}` is empty")).help("write a value, or leave the key out");
        }
        _ => {
            wrong_type(node, key, "a text", found).help("a text stands in quotes");
        }
    }
    None
}

/// What a text means, or a finding at its place.
pub(super) fn checked<T>(
    text: Text<'_>,
    parse: impl FnOnce(&str) -> Result<T, Problem>,
    found: &mut Findings,
) -> Option<T> {
    match parse(text.value) {
        Ok(value) => Some(value),
        Err(problem) => {
            found.error(text.span, problem.message).maybe_help(problem.help);
            None
        }
    }
}

/// The known word that is closest to a mistyped one, if it is close.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    // Longer words are not compared: nobody mistypes a name by that much, and the cost is quadratic.
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    let allowed = (length / 3).clamp(1, 3);
    known
        .iter()
        .filter(|k| k.len() <= LONGEST && k.chars().count().abs_diff(length) <= allowed)
        .map(|k| (strsim::osa_distance(&lower, &k.to_lowercase()), *k))
        .filter(|(distance, k)| *distance <= allowed && *distance < k.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// "did you mean …?" if something is close, else the other words.
pub(super) fn did_you_mean(word: &str, known: &[&str], otherwise: &str) -> String {
    nearest(word, known).map_or_else(|| otherwise.to_owned(), |near| format!("did you mean `{near}`?"))
}

/// The range of a text's bytes, for a caret inside it.
pub(super) fn part_of(node: &Node, source: &str, range: Range<usize>) -> Span {
    super::tree::inside(node, source, range)
}

fn wrong_type<'f>(node: &Node, key: &str, wanted: &str, found: &'f mut Findings) -> &'f mut super::diagnostic::Draft {
    found.error(node.span, format!("`{key}` must be {wanted}, but is {}", node.value.kind()))
}

fn example_of_table(keys: &Keys) -> String {
    match keys.table {
        "members" => "write { name = \"Ana Ruiz\", email = \"ana@example.com\" }".to_owned(),
        "password" => values::SECRET_HELP.to_owned(),
        table => format!("start it with a line [{table}]"),
    }
}
