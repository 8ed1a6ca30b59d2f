//! `[sets]`, `[exclude]`, `[[themes]]` and `[history]`: parts that queries name, what is thrown away, and what is kept for
//! trying queries out.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::keys::{EXCLUDE, HISTORY, THEME};
use super::reader::Reader;
use super::section::{Section, checked, part_of, text_of};
use super::tree::{Entry, Node, Table, Value};
use super::values;
use crate::classify;
use crate::model::HistorySettings;
use crate::query::{Named, Query, Scope, sets_named, theme_number};

/// A subject that routes can name with `theme:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    pub name: String,
    pub query: Query,
}

/// Tells the queries what they may name: reads `[sets]`, and the names of everything else.
pub(super) fn context(root: &Table, reader: &mut Reader<'_>) {
    // What may stand in a part of the files that could not be read is believed.
    if reader.found.is_complete() {
        for (kind, table) in [(Named::Watchlist, "watchlists"), (Named::Source, "sources")] {
            let names = match root.get(table).map(|entry| &entry.node.value) {
                Some(Value::Table(table)) => table.0.iter().map(|entry| entry.key.as_str()).collect(),
                _ => Vec::new(),
            };
            reader.context.know(kind, names);
        }
        reader.context.know(Named::Theme, items(root, "themes").filter_map(|item| field(item, "name")));
        // The list of flags takes a few milliseconds to make: only where it is asked for.
        let conditions = items(root, "routes").chain(items(root, "refunds"));
        if conditions.filter_map(|item| field(item, "when")).any(|when| when.contains("flag:")) {
            let flags = classify::every_flag();
            let own = items(root, "cues").filter_map(|item| field(item, "flag"));
            reader.context.know(Named::Flag, flags.iter().map(String::as_str).chain(own));
        }
    }
    sets(root, reader);
}

/// Reads `[exclude]`.
pub(super) fn exclude(root: &Table, reader: &mut Reader<'_>) -> Option<Query> {
    let entry = root.get("exclude")?;
    let section = Section::open(&entry.node, &EXCLUDE, &mut reader.found)?;
    let text = section.required("query", "query = '\"oakline avenue\"'", &mut reader.found)?;
    reader.query(text, section.get("query")?, Scope::Exclude)
}

/// Reads all `[[themes]]`.
pub(super) fn themes(root: &Table, reader: &mut Reader<'_>) -> Vec<Theme> {
    if let Some(entry) = root.get("themes")
        && !matches!(entry.node.value, Value::List(_))
    {
        let kind = entry.node.value.kind();
        reader
            .found
            .error(entry.at, format!("`themes` must be a list of tables, but is {kind}"))
            .help("start each theme with a line [[themes]]");
    }
    let mut themes = Vec::new();
    let mut seen = HashMap::new();
    for node in items(root, "themes") {
        let Some(section) = Section::open(node, &THEME, &mut reader.found) else { continue };
        let name = section.required("name", "name = \"delivery\"", &mut reader.found);
        let query = section.required("query", "query = 'courier OR parcel'", &mut reader.found);
        let query = query.zip(section.get("query")).and_then(|(text, node)| reader.query(text, node, Scope::Theme));
        if let Some(name) = name {
            if let Some(number) = theme_number(name.value.trim()) {
                reader
                    .found
                    .error(name.span, format!("a theme cannot be called `{}`", name.value))
                    .help(format!(
                        "`theme:#{number}` is the theme that was found under the number {number}: give this one a word for a name"
                    ));
            }
            if let Some(first) = seen.insert(name.value.to_lowercase(), name.span) {
                reader
                    .found
                    .error(name.span, format!("there are two themes with the name `{}`", name.value))
                    .help("give one of them another name, or make it one theme with OR")
                    .see(first, "the first");
            }
            if let Some(query) = query {
                themes.push(Theme { name: name.value.trim().to_owned(), query });
            }
        }
    }
    themes
}

/// Reads `[history]`.
pub(super) fn history(root: &Table, reader: &mut Reader<'_>) -> HistorySettings {
    let mut settings = HistorySettings::default();
    let Some(entry) = root.get("history") else { return settings };
    let Some(section) = Section::open(&entry.node, &HISTORY, &mut reader.found) else { return settings };
    let off = matches!(section.get("unmatched").map(|node| &node.value), Some(Value::Text(text)) if text == "off");
    let day = 24 * 60 * 60;
    let range = Duration::from_secs(day)..=Duration::from_secs(90 * day);
    if off {
        settings.unmatched = None;
    } else if let Some(age) = section.duration("unmatched", range, "\"off\", or \"1d\" to \"90d\"", &mut reader.found) {
        settings.unmatched = Some(age);
    }
    if let Some(text) = section.text("unmatched_size", &mut reader.found)
        && let Some(size) = checked(text, values::size, &mut reader.found)
    {
        if (1 << 20..=1 << 34).contains(&size) {
            settings.unmatched_size = size;
        } else {
            reader.found.error(text.span, "`unmatched_size` must be 1MiB to 16GiB");
        }
    }
    for (key, least, range, setting) in [
        ("mentions", 30, "\"forever\", or \"30d\" to \"3650d\"", &mut settings.mentions),
        ("cases", 30, "\"forever\", or \"30d\" to \"3650d\"", &mut settings.cases),
        ("mail", 7, "\"forever\", or \"7d\" to \"3650d\"", &mut settings.mail),
    ] {
        if matches!(section.get(key).map(|node| &node.value), Some(Value::Text(text)) if text == "forever") {
            *setting = None;
        } else {
            let ages = Duration::from_secs(least * day)..=Duration::from_secs(3650 * day);
            *setting = section.duration(key, ages, range, &mut reader.found).or(*setting);
        }
    }
    settings
}

/// Reads `[sets]`: each after those that it names, so that all of them can be written in any order.
fn sets(root: &Table, reader: &mut Reader<'_>) {
    let Some(entry) = root.get("sets") else { return };
    let Value::Table(table) = &entry.node.value else {
        let kind = entry.node.value.kind();
        reader
            .found
            .error(entry.at, format!("`sets` must be a table of named queries, but is {kind}"))
            .help("write [sets], and under it lines like competitors = 'globex OR initech'");
        return;
    };
    let mut places: HashMap<String, &Entry> = HashMap::new();
    let mut names: Vec<&Entry> = Vec::new();
    for entry in &table.0 {
        reader.check_name(entry);
        match places.insert(entry.key.to_lowercase(), entry) {
            Some(first) => {
                let first = first.at;
                reader
                    .found
                    .error(entry.at, format!("set `{}` differs from another one in capitals only", entry.key))
                    .help("give one of them another name")
                    .see(first, "the other");
            }
            None => names.push(entry),
        }
    }
    // Which sets each one names, and which ones wait for it.
    let mut waits: HashMap<String, HashSet<String>> = HashMap::new();
    let mut waiting: HashMap<String, Vec<String>> = HashMap::new();
    for entry in &names {
        let Value::Text(text) = &entry.node.value else { continue };
        let own = entry.key.to_lowercase();
        for (name, _) in sets_named(text) {
            let name = name.to_lowercase();
            if places.contains_key(&name) && waits.entry(own.clone()).or_default().insert(name.clone()) {
                waiting.entry(name).or_default().push(own.clone());
            }
        }
    }
    let mut ready: VecDeque<&Entry> =
        names.iter().copied().filter(|entry| !waits.contains_key(&entry.key.to_lowercase())).collect();
    let mut left: HashSet<String> = names.iter().map(|entry| entry.key.to_lowercase()).collect();
    while let Some(entry) = ready.pop_front() {
        let own = entry.key.to_lowercase();
        left.remove(&own);
        let text = text_of(&entry.node, &entry.key, &mut reader.found);
        let query = text.and_then(|text| reader.query(text, &entry.node, Scope::Set));
        reader.context.define(&entry.key, query.as_ref());
        for other in waiting.remove(&own).unwrap_or_default() {
            if let Some(rest) = waits.get_mut(&other) {
                rest.remove(&own);
                if rest.is_empty() {
                    ready.extend(places.get(&other).copied());
                }
            }
        }
    }
    let mut told: HashSet<String> = HashSet::new();
    for entry in names.iter().filter(|entry| left.contains(&entry.key.to_lowercase())) {
        reader.context.define(&entry.key, None);
        circle(&entry.key.to_lowercase(), &waits, &places, &mut told, reader);
    }
}

/// Tells of the circle that a set which waits for ever leads into, once.
fn circle(
    from: &str,
    waits: &HashMap<String, HashSet<String>>,
    places: &HashMap<String, &Entry>,
    told: &mut HashSet<String>,
    reader: &mut Reader<'_>,
) {
    let mut path: Vec<&str> = vec![from];
    let mut seen: HashMap<&str, usize> = HashMap::from([(from, 0)]);
    let start = loop {
        let Some(next) = path.last().and_then(|last| waits.get(*last)).and_then(|named| named.iter().min()) else {
            return;
        };
        if let Some(start) = seen.insert(next, path.len()) {
            break start;
        }
        path.push(next);
    };
    let mut ring: Vec<&str> = path.split_off(start);
    // Where the file names it first, whichever way one came.
    let at = |name: &str| places.get(name).map_or((0, 0), |entry| (entry.at.file, entry.at.start));
    if let Some(first) = (0..ring.len()).min_by_key(|place| ring.get(*place).map_or((0, 0), |name| at(name))) {
        ring.rotate_left(first);
    }
    let Some(first) = ring.first().copied() else { return };
    if !told.insert(first.to_owned()) {
        return;
    }
    let Some(entry) = places.get(first) else { return };
    let next = ring.get(1).copied().unwrap_or(first);
    let span = match &entry.node.value {
        Value::Text(text) => {
            let named = sets_named(text).into_iter().find(|(name, _)| name.to_lowercase() == next);
            named.map(|(_, range)| part_of(&entry.node, &reader.files.get(entry.node.span.file).text, range))
        }
        _ => None,
    };
    let shown: Vec<&str> = ring.iter().chain([&first]).take(10).copied().collect();
    reader
        .found
        .error(span.unwrap_or(entry.at), format!("set `{first}` leads back to itself: {}", shown.join(" → ")))
        .help("take one of these `set:` out");
}

/// The tables of `[[kind]]`.
fn items<'t>(root: &'t Table, kind: &str) -> impl Iterator<Item = &'t Node> {
    let list = match root.get(kind).map(|entry| &entry.node.value) {
        Some(Value::List(items)) => items.as_slice(),
        _ => &[],
    };
    list.iter()
}

/// A text in one of those tables, if it is there.
fn field<'t>(item: &'t Node, key: &str) -> Option<&'t str> {
    match &item.value {
        Value::Table(table) => match &table.get(key)?.node.value {
            Value::Text(text) => Some(text.trim()),
            _ => None,
        },
        _ => None,
    }
}
