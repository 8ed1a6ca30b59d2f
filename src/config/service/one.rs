//! How one item of a service is asked for again (`one`).

use super::super::keys::ONE;
use super::super::reader::Reader;
use super::super::section::Section;
use super::super::tree::Value;
use super::parts::{ask, paths};
use super::template;
use crate::model::table::{Field, One};
use crate::text::json_path::JsonPath;

/// Statuses that mean that an item was taken back, unless the table says otherwise.
const GONE: [u16; 2] = [404, 410];

/// The part `one` of a table.
pub(super) fn one(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<One> {
    let part = Section::open(section.get("one")?, &ONE, &mut reader.found)?;
    part.required("url", "url = \"https://…/{id}\"", &mut reader.found)?;
    let ask = ask(&part, "url", reader)?;
    let mut items = paths(&part, "items", reader);
    if items.is_empty() {
        // The answer is the item.
        items.extend(JsonPath::parse("$"));
    }
    // What is counted is where it is in a list too, unless it is said to be elsewhere.
    let listed = section.get("fields").and_then(|node| match &node.value {
        Value::Table(table) => Some(table),
        _ => None,
    });
    let mut count = |key: &str| -> Field {
        match part.get(key).map(|node| &node.value) {
            Some(Value::List(_)) => part.parsed_list(key, template, &mut reader.found),
            Some(_) => part.parsed(key, template, &mut reader.found).into_iter().collect(),
            None => listed.and_then(|fields| fields.get(key)).map(|entry| texts(&entry.node.value)).unwrap_or_default(),
        }
    };
    let (likes, replies, reposts) = (count("likes"), count("replies"), count("reposts"));
    let gone = match part.get("gone").map(|node| &node.value) {
        Some(Value::List(items)) => items
            .iter()
            .filter_map(|item| match &item.value {
                Value::Integer(status) if (400..500).contains(status) => u16::try_from(*status).ok(),
                _ => {
                    reader
                        .found
                        .error(item.span, "`gone` lists statuses from 400 to 499")
                        .help("write gone = [404, 410]");
                    None
                }
            })
            .collect(),
        Some(_) => {
            reader.found.error(part.place("gone"), "`gone` must be a list of statuses").help("write gone = [404, 410]");
            Vec::new()
        }
        None => GONE.to_vec(),
    };
    let empty = part.boolean("empty", &mut reader.found).unwrap_or(false);
    let apart = part.boolean("apart", &mut reader.found).unwrap_or(false);
    let signed = part.boolean("signed", &mut reader.found).unwrap_or(false);
    let texts = part.list("tombstone_is", &mut reader.found).unwrap_or_default();
    let tombstone_is = texts.into_iter().map(|text| text.value.to_owned()).collect();
    let tombstone = paths(&part, "tombstone", reader);
    Some(One { ask, items, likes, replies, reposts, gone, empty, tombstone, tombstone_is, signed, apart })
}

/// Templates of `fields`; what is wrong in them is told where they are read.
fn texts(value: &Value) -> Field {
    match value {
        Value::Text(text) => template(text).into_iter().collect(),
        Value::List(items) => items.iter().flat_map(|item| texts(&item.value)).collect(),
        _ => Vec::new(),
    }
}
