//! JSON Feed 1 and 1.1 (jsonfeed.org), read as it is found: ids may be numbers, the version may be missing, a document
//! that is cut off or has one bad item gives the items that can be read.

use serde_json::{Map, Value};
use url::Url;

use super::keep::Keep;
use super::raw::{Feed, FeedInfo, Format, RawAuthor, RawEntry, RawText, TextKind};
use super::{MAX_FIELD, ParseFault, fault, language};
use crate::text::html::cut;

pub(super) fn read(text: &str, base: Option<&Url>, max_entries: usize) -> Result<Feed, ParseFault> {
    let mut keep = Keep::new(max_entries);
    let mut faults = Vec::new();
    let top = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(mut top)) => {
            let Some(Value::Array(items)) = top.remove("items") else {
                let said = top.get("version").and_then(Value::as_str).is_some_and(|v| v.contains("jsonfeed"));
                if said {
                    return Ok(feed(&top, base, keep, vec!["it has no items".into()]));
                }
                return Err(fault("this is JSON, but not a JSON Feed: it has no list named “items”"));
            };
            if !top.contains_key("version") {
                faults.push("it states no JSON Feed version".into());
            }
            for item in items {
                push(&mut keep, item, &mut faults);
            }
            top
        }
        Ok(_) => return Err(fault("this is JSON, but not a JSON Feed: it is no object with a list named “items”")),
        Err(error) => {
            let (top, items) = salvage(text);
            let Some(items) = items else {
                return Err(fault(format!("this looks like JSON, but it cannot be read as a JSON Feed: {error}")));
            };
            faults.push(format!("the JSON is broken ({error})"));
            for item in items {
                push(&mut keep, item, &mut faults);
            }
            top
        }
    };
    Ok(feed(&top, base, keep, faults))
}

fn push(keep: &mut Keep, item: Value, faults: &mut Vec<String>) {
    match item {
        Value::Object(item) => keep.push(entry(&item)),
        _ if faults.iter().any(|f| f.starts_with("an item is no object")) => {}
        _ => faults.push("an item is no object".into()),
    }
}

fn feed(top: &Map<String, Value>, base: Option<&Url>, keep: Keep, faults: Vec<String>) -> Feed {
    let (entries, dropped) = keep.finish();
    let title = RawText { kind: TextKind::Plain, text: string(top, "title") };
    let info = FeedInfo {
        format: Format::Json,
        title: title.line(),
        lang: language(&string(top, "language")),
        link: string(top, "home_page_url"),
        own: string(top, "feed_url"),
        author: author(top),
        base: base.cloned(),
    };
    Feed { info, ttl: None, entries, faults, dropped }
}

fn entry(item: &Map<String, Value>) -> RawEntry {
    let html = RawText { kind: TextKind::Html, text: string(item, "content_html") };
    let text = RawText { kind: TextKind::Plain, text: string(item, "content_text") };
    let link = [string(item, "url"), string(item, "external_url")].into_iter().find(|l| !l.is_empty());
    let id = string(item, "id");
    RawEntry {
        guid_is_permalink: true,
        link: link.unwrap_or_default(),
        id,
        title: RawText { kind: TextKind::Plain, text: string(item, "title") },
        content: if html.text.is_empty() { text } else { html },
        summary: RawText { kind: TextKind::Plain, text: string(item, "summary") },
        author: author(item),
        published: string(item, "date_published"),
        updated: string(item, "date_modified"),
        lang: string(item, "language"),
        rating: [string(item, "rating"), string(item, "_rating")]
            .into_iter()
            .find(|r| !r.is_empty())
            .unwrap_or_default(),
        reply: item.get("_in_reply_to").or_else(|| item.get("in_reply_to")).is_some_and(|of| !of.is_null()),
        ..RawEntry::default()
    }
}

/// `authors` of version 1.1, else `author` of version 1, which some write as a plain name.
fn author(of: &Map<String, Value>) -> RawAuthor {
    let first = of.get("authors").and_then(Value::as_array).and_then(|a| a.first());
    match first.or_else(|| of.get("author")) {
        Some(Value::Object(a)) => RawAuthor { name: string(a, "name"), uri: string(a, "url"), ..RawAuthor::default() },
        Some(Value::String(name)) => RawAuthor { name: name.clone(), ..RawAuthor::default() },
        _ => RawAuthor::default(),
    }
}

/// A value as text: numbers and booleans too.
fn string(of: &Map<String, Value>, key: &str) -> String {
    match of.get(key) {
        Some(Value::String(s)) => cut(s, MAX_FIELD).trim().to_owned(),
        Some(Value::Number(n)) => n.to_string(),
        Some(Value::Bool(b)) => b.to_string(),
        _ => String::new(),
    }
}

/// The members of a broken document that stand before the fault or can be read on their own: the simple ones of the top
/// level, and the items if their list was found.
fn salvage(text: &str) -> (Map<String, Value>, Option<Vec<Value>>) {
    let mut top = Map::new();
    let mut items = None;
    let mut rest = text.trim_start().strip_prefix('{').unwrap_or("");
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        let Some((Value::String(key), after)) = value(rest) else { break };
        let Some(after) = after.trim_start().strip_prefix(':').map(str::trim_start) else { break };
        if key == "items" && after.starts_with('[') {
            let (list, after) = salvage_items(&after[1..]);
            items = Some(list);
            rest = after;
            continue;
        }
        let Some((found, after)) = value(after) else { break };
        top.insert(key, found);
        rest = after;
    }
    (top, items)
}

fn salvage_items(mut rest: &str) -> (Vec<Value>, &str) {
    let mut items = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if let Some(after) = rest.strip_prefix(']') {
            return (items, after);
        }
        match value(rest) {
            Some((item, after)) => {
                items.push(item);
                rest = after;
            }
            // One bad item: go on behind it if its end can be found.
            None => match object_end(rest) {
                Some(end) => rest = &rest[end..],
                None => return (items, ""),
            },
        }
    }
}

/// The JSON value at the start of the text, and what follows it.
fn value(text: &str) -> Option<(Value, &str)> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let found = stream.next()?.ok()?;
    Some((found, text.get(stream.byte_offset()..)?))
}

/// The byte after the object at the start of the text, found by its braces outside strings.
fn object_end(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (i, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(i + 1);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}
