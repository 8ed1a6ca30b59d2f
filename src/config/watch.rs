//! `[watchlists.NAME]` and `[sources.NAME]`: what is looked for, and where.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::diagnostic::Span;
use super::keys::{MAILBOX, SOURCE, WATCHLIST};
use super::reader::Reader;
use super::section::{Section, did_you_mean};
use super::service::{self, Service};
use super::tree::{Node, Table, Value};
use super::{addresses, mailbox, pushed, values};
use crate::model::{Location, Settings, Source, SourceKind};
use crate::query::{Query, Scope};
use crate::sources::presets;

/// The words of all kinds of source that this version knows.
fn kinds() -> Vec<&'static str> {
    let mut words = vec!["feed", "mailbox", "json", "jetstream", "webhook"];
    words.extend(presets::ALL.iter().map(|preset| preset.word));
    words
}

/// How often news come in fast enough to look, and everything else.
const EVERY_NEWS: Duration = Duration::from_secs(15 * 60);
const EVERY: Duration = Duration::from_secs(30 * 60);

/// A brand's named query, and who gets its alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct Watchlist {
    /// The key, as used in config and queries.
    pub name: String,
    /// For people: `name = …`, else the key.
    pub display: String,
    pub query: Query,
    /// The query as written.
    pub query_source: String,
    /// Addresses that get its alerts.
    pub alert: Vec<String>,
    /// Mail language of its alerts, if it is not the daemon's.
    pub language: Option<String>,
    /// Its alerts show personal data; otherwise it is masked.
    pub full: bool,
}

/// Watchlists with their places, and the names of all, the broken ones included: they can be referred to.
pub(super) struct Watchlists<'t> {
    pub(super) list: Vec<(Watchlist, Span)>,
    pub(super) names: HashMap<&'t str, Span>,
}

/// Reads all `[watchlists.NAME]`.
pub(super) fn watchlists<'t>(root: &'t Table, reader: &mut Reader<'_>) -> Watchlists<'t> {
    let entries = reader.named(root, "watchlists");
    let names = entries.iter().map(|e| (e.key.as_str(), e.at)).collect();
    let mut list = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(section) = Section::open(&entry.node, &WATCHLIST, &mut reader.found) else { continue };
        let text = section.required("query", "query = '\"your brand\"'", &mut reader.found);
        let query = text.zip(section.get("query")).and_then(|(text, node)| reader.query(text, node, Scope::Watchlist));
        let alert = section.list("alert", &mut reader.found).unwrap_or_default();
        let alert = reader.addresses(alert);
        let display = section.text("name", &mut reader.found).map_or(entry.key.as_str(), |text| text.value.trim());
        let language = section.parsed("language", values::language, &mut reader.found);
        if let (Some(query), Some(text)) = (query, text) {
            let watchlist = Watchlist {
                name: entry.key.clone(),
                display: display.to_owned(),
                query,
                query_source: text.value.to_owned(),
                alert,
                language,
                full: section.boolean("full", &mut reader.found).unwrap_or(false),
            };
            list.push((watchlist, entry.at));
        }
    }
    Watchlists { list, names }
}

/// Reads all `[sources.NAME]`, each with what is thrown away of it.
pub(super) fn sources(
    root: &Table,
    watchlists: &Watchlists<'_>,
    reader: &mut Reader<'_>,
) -> Vec<(Source, Option<Query>, Span)> {
    let mut every_name: Vec<(&str, Span)> = watchlists.names.iter().map(|(name, at)| (*name, *at)).collect();
    every_name.sort_unstable_by_key(|(_, at)| (at.file, at.start));
    let all: Arc<[String]> = every_name.into_iter().map(|(name, _)| name.to_owned()).collect();
    let mut list = Vec::new();
    for entry in reader.named(root, "sources") {
        let word = kind_of(&entry.node);
        let keys = match word {
            Some(word) => pushed::keys_of(word).unwrap_or_else(|| match word {
                "feed" => &SOURCE,
                "mailbox" => &MAILBOX,
                word if kinds().contains(&word) => service::keys_of(word),
                _ => &SOURCE,
            }),
            None => &SOURCE,
        };
        let Some(section) = Section::open(&entry.node, keys, &mut reader.found) else { continue };
        let kind = kind(&section, reader);
        let range = Duration::from_secs(60)..=Duration::from_secs(24 * 60 * 60);
        let every = match keys.keys.contains(&"every") {
            true => section.duration("every", range, "1m to 24h", &mut reader.found),
            false => None,
        };
        let match_all = keys.keys.contains(&"match")
            && section.choice("match", &[("all", true)], &mut reader.found).unwrap_or(false);
        let named = section.list("watchlists", &mut reader.found);
        let chosen: Arc<[String]> = match named {
            None => Arc::clone(&all),
            Some(texts) => {
                let mut chosen: Vec<String> = Vec::new();
                for text in texts {
                    if reader.is_defined(text, "watchlist", &watchlists.names)
                        && !chosen.iter().any(|c| c == text.value)
                    {
                        chosen.push(text.value.to_owned());
                    }
                }
                chosen.into()
            }
        };
        let exclude = section.text("exclude", &mut reader.found).zip(section.get("exclude"));
        let exclude = exclude.and_then(|(text, node)| reader.query(text, node, Scope::Exclude));
        if match_all && !section.has("watchlists") && chosen.len() > 1 {
            reader
                .found
                .warning(
                    section.place("match"),
                    format!("every entry of this source becomes a mention of all {} watchlists", chosen.len()),
                )
                .help("say which it belongs to: watchlists = [\"…\"]");
        }
        let own = |(location, settings)| Service { location, settings, every: None, blind: Vec::new() };
        let service = match kind {
            Some(SourceKind::Jetstream) => pushed::jetstream(&section, &mut reader.found).map(own),
            Some(SourceKind::Mailbox) => mailbox::mailbox(&section, reader).map(own),
            Some(SourceKind::Webhook) => pushed::webhook(&entry.key, &section, reader).map(own),
            Some(SourceKind::Json(word)) => {
                let queries: Vec<&Query> = watchlists
                    .list
                    .iter()
                    .filter(|(watchlist, _)| chosen.contains(&watchlist.name))
                    .map(|(watchlist, _)| &watchlist.query)
                    .collect();
                match presets::ALL.iter().find(|preset| preset.word == word) {
                    Some(preset) => service::known(preset, entry, &section, &queries, reader),
                    None => service::own(&section, &queries, reader),
                }
            }
            _ => location(&section, reader).map(|location| own((location, Settings::None))),
        };
        if let (Some(kind), Some(service)) = (kind, service) {
            let Service { location, settings, every: suggested, blind } = service;
            let usual = match &location {
                _ if kind == SourceKind::Mailbox => mailbox::EVERY,
                Location::Url(url) if addresses::is_news(url) => EVERY_NEWS,
                Location::Service(_) => EVERY_NEWS,
                _ => EVERY,
            };
            let name = entry.key.clone();
            let every = every.or(suggested).unwrap_or(usual);
            let source = Source { name, kind, location, every, watchlists: chosen, match_all, settings, blind };
            list.push((source, exclude, entry.at));
        }
    }
    list
}

fn kind(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<SourceKind> {
    let text = section.required("kind", "kind = \"feed\"", &mut reader.found)?;
    let known = kinds();
    match known.iter().find(|word| **word == text.value) {
        Some(&"feed") => return Some(SourceKind::Feed),
        Some(&"mailbox") => return Some(SourceKind::Mailbox),
        Some(&"jetstream") => return Some(SourceKind::Jetstream),
        Some(&"webhook") => return Some(SourceKind::Webhook),
        Some(word) => return Some(SourceKind::Json(word)),
        None => {}
    }
    let list = format!("known: {}", known.join(", "));
    reader.found.error(text.span, format!("kind `{}` is not in this version; {list}", text.value)).help(did_you_mean(
        text.value,
        &known,
        "many sites have a feed: look for RSS or Atom on their pages",
    ));
    None
}

/// The word of a source's kind, before its table is looked at.
fn kind_of(node: &Node) -> Option<&str> {
    let Value::Table(table) = &node.value else { return None };
    match &table.get("kind")?.node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Either `url` or `path`.
fn location(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Location> {
    let found = &mut reader.found;
    match (section.has("url"), section.has("path")) {
        (true, true) => {
            found
                .error(section.place("path"), "a source has `url` or `path`, not both")
                .help("make it two sources")
                .see(section.place("url"), "the other");
            section.parsed("url", addresses::feed_url, found);
            None
        }
        (true, false) => section.parsed("url", addresses::feed_url, found).map(Location::Url),
        (false, true) => {
            let text = section.text("path", &mut reader.found)?;
            let path = reader.path(text);
            if !path.exists() {
                let message = format!("there is no file or folder {} yet", path.display());
                reader.found.warning(text.span, message).help("relative paths start at the file in which they stand");
            }
            Some(Location::Path(path))
        }
        (false, false) => {
            section.missing("url", "url = \"https://…\"", found);
            None
        }
    }
}
