//! From a service's items to entries, by the paths of its table.

use jiff::Timestamp;
use serde_json::Value;

use super::request::Filled;
use crate::model::Engagement;
use crate::model::table::{Field, Fields, One, Piece, Place, Table, Template, TextForm};
use crate::sources::dates;
use crate::sources::feed::{RawAuthor, RawEntry, RawText, TextKind};

/// One item of an answer.
pub(super) struct Item {
    pub(super) raw: RawEntry,
    /// The moment by which the service sorts.
    pub(super) moment: Option<Timestamp>,
}

/// The items of an answer, in its order.
pub(super) struct Items {
    pub(super) items: Vec<Item>,
    /// Those that are left out included.
    pub(super) listed: usize,
    /// Those that have no id.
    pub(super) nameless: usize,
}

/// Reads the items of an answer.
pub(super) fn items(table: &Table, answer: &Value, combination: &[(String, String)]) -> Items {
    let found = listed(&table.items, answer);
    let listed = found.len();
    let things = table.join.as_ref().map(|join| join.list.all(answer)).unwrap_or_default();
    let mut nameless = 0;
    let items = found
        .into_iter()
        .filter(|item| !table.skip.iter().any(|path| path.first(item).is_some_and(|v| *v != Value::Bool(false))))
        .filter(|item| table.require.iter().all(|path| path.first(item).is_some()))
        .filter_map(|item| {
            let joined = table.join.as_ref().and_then(|join| {
                let by = join.by.first(item)?;
                things.iter().find(|thing| join.key.first(thing) == Some(by)).copied()
            });
            let item = read(table, &Source { item, joined, combination });
            nameless += usize::from(item.is_none());
            item
        })
        .collect();
    Items { items, listed, nameless }
}

/// Whether an answer is one that can hold items.
pub(super) fn has_items(table: &Table, answer: &Value) -> bool {
    let says_none = || table.no_items.iter().any(|path| path.first(answer).is_some());
    table.items.iter().any(|path| path.has_place(answer)) || says_none()
}

/// Things that are joined to an answer's items.
pub(super) fn joined(table: &Table, answer: &Value) -> usize {
    table.join.as_ref().map_or(0, |join| join.list.all(answer).len())
}

/// A path may lead to a list or to its members; a list of one is a lone object with some services.
pub(super) fn listed<'v>(paths: &[crate::text::json_path::JsonPath], answer: &'v Value) -> Vec<&'v Value> {
    let mut out = Vec::new();
    for found in paths.iter().flat_map(|path| path.all(answer)) {
        match found {
            Value::Array(list) => out.extend(list),
            Value::Object(_) => out.push(found),
            _ => {}
        }
    }
    out
}

/// Where the places of fields are looked up.
struct Source<'v> {
    item: &'v Value,
    joined: Option<&'v Value>,
    combination: &'v [(String, String)],
}

fn read(table: &Table, source: &Source<'_>) -> Option<Item> {
    let raw = made(&table.fields, table.title_as, table.text_as, source)?;
    let sorted = moment_text(source.text(&table.fields.sorted));
    let moment = dates::parse(sorted.as_deref().unwrap_or(&raw.published));
    Some(Item { moment, raw })
}

/// What an item says, whoever brought it; `None` if it has no id.
pub fn entry(fields: &Fields, title_as: TextForm, text_as: TextForm, item: &Value) -> Option<RawEntry> {
    made(fields, title_as, text_as, &Source { item, joined: None, combination: &[] })
}

fn made(fields: &Fields, title_as: TextForm, text_as: TextForm, source: &Source<'_>) -> Option<RawEntry> {
    let id = source.text(&fields.id)?;
    let published = moment_text(source.text(&fields.published));
    let text = |field: &Field, form: TextForm| {
        let text = source.text(field).unwrap_or_default();
        let kind = match form {
            TextForm::Plain => TextKind::Plain,
            TextForm::Html => TextKind::Html,
            TextForm::Markdown => TextKind::Markdown,
        };
        RawText { kind, text }
    };
    let some = |field: &Field| source.text(field).unwrap_or_default();
    Some(RawEntry {
        link: some(&fields.url),
        title: text(&fields.title, title_as),
        content: text(&fields.text, text_as),
        author: RawAuthor {
            name: some(&fields.author),
            uri: some(&fields.author_url),
            email: String::new(),
            handle: some(&fields.handle),
            followers: source.count(&fields.followers),
        },
        published: published.unwrap_or_default(),
        lang: some(&fields.lang),
        source_title: some(&fields.site),
        rating: some(&fields.rating),
        engagement: engagement(fields, source),
        parent: some(&fields.parent),
        root: some(&fields.root),
        id,
        ..RawEntry::default()
    })
}

fn engagement(fields: &Fields, source: &Source<'_>) -> Engagement {
    Engagement {
        likes: source.count(&fields.likes),
        replies: source.count(&fields.replies),
        reposts: source.count(&fields.reposts),
    }
}

/// What is counted of a single item.
pub(super) fn counts(one: &One, item: &Value) -> Engagement {
    let source = Source { item, joined: None, combination: &[] };
    Engagement {
        likes: source.count(&one.likes),
        replies: source.count(&one.replies),
        reposts: source.count(&one.reposts),
    }
}

/// Seconds since 1970 may come with a fraction.
fn moment_text(text: Option<String>) -> Option<String> {
    let text = text?;
    match text.split_once('.') {
        Some((whole, fraction)) if [whole, fraction].iter().all(|p| p.bytes().all(|b| b.is_ascii_digit())) => {
            Some(whole.to_owned())
        }
        _ => Some(text),
    }
}

impl Source<'_> {
    /// The first template that can be filled in and is not empty.
    fn text(&self, field: &Field) -> Option<String> {
        field.iter().filter_map(|template| self.fill(template)).find(|text| !text.trim().is_empty())
    }

    /// A number, also as text; never a guess.
    fn count(&self, field: &Field) -> Option<u64> {
        let text = self.text(field)?;
        text.trim().split('.').next()?.parse().ok()
    }

    fn fill(&self, template: &Template) -> Option<String> {
        let mut out = String::new();
        for piece in &template.pieces {
            let (place, pipes) = match piece {
                Piece::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Place(place, pipes) => (place, pipes),
            };
            let value = match place {
                Place::Item(path) => written(path.first(self.item)?)?,
                Place::Joined(path) => written(path.first(self.joined?)?)?,
                Place::Name(name) => self.combination.iter().find(|(n, _)| n == name)?.1.clone(),
            };
            out.push_str(&Filled::Text(value).through(pipes)?);
        }
        Some(out)
    }
}

/// A value as text: of a list the first, of an object none.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Array(list) => list.first().and_then(written),
        Value::Object(_) | Value::Null => None,
    }
}
