//! `[watchlists.NAME]` and `[sources.NAME]`: what is looked for, and where.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::diagnostic::Span;
use super::keys::{SOURCE, WATCHLIST};
use super::reader::Reader;
use super::section::{Section, did_you_mean};
use super::tree::Table;
use super::{addresses, values};
use crate::model::{Location, Source, SourceKind};
use crate::query::{Query, Scope};

/// The kinds of source that this version polls.
const KINDS: [SourceKind; 1] = [SourceKind::Feed];
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
        let Some(section) = Section::open(&entry.node, &SOURCE, &mut reader.found) else { continue };
        let kind = kind(&section, reader);
        let location = location(&section, reader);
        let range = Duration::from_secs(60)..=Duration::from_secs(24 * 60 * 60);
        let every = section.duration("every", range, "1m to 24h", &mut reader.found);
        let match_all = section.choice("match", &[("all", true)], &mut reader.found).unwrap_or(false);
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
        if let (Some(kind), Some(location)) = (kind, location) {
            let usual = match &location {
                Location::Url(url) if addresses::is_news(url) => EVERY_NEWS,
                _ => EVERY,
            };
            let name = entry.key.clone();
            let every = every.unwrap_or(usual);
            list.push((Source { name, kind, location, every, watchlists: chosen, match_all }, exclude, entry.at));
        }
    }
    list
}

fn kind(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<SourceKind> {
    let text = section.required("kind", "kind = \"feed\"", &mut reader.found)?;
    if let Some(kind) = KINDS.into_iter().find(|k| k.as_str() == text.value) {
        return Some(kind);
    }
    let known: Vec<&str> = KINDS.iter().map(|k| k.as_str()).collect();
    let list = format!("known: {}", known.join(", "));
    reader.found.error(text.span, format!("kind `{}` is not in this version; {list}", text.value)).help(did_you_mean(
        text.value,
        &known,
        "many sites have a feed: look for RSS or Atom on their pages",
    ));
    None
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
