//! `mentiond sources test NAME`: one real request, and the entries that it would yield.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::json;

use super::output::{at, say, say_json, short};
use super::{Failure, load};
use crate::clock::Clock;
use crate::daemon::engine::Engine;
use crate::daemon::{asking, reading};
use crate::fetch::Answer;
use crate::model::{Cursor, Entry, Identity, Location, PollFault, Settings, Source};
use crate::query::Scratch;
use crate::sources::feed::{self, Feed};

/// Entries that are shown to people.
const SHOWN: usize = 20;
/// Letters of a text that are shown.
const SHORT: usize = 160;

pub(super) async fn run(config: Option<PathBuf>, name: &str, as_json: bool) -> Result<(), Failure> {
    let config = load(config)?.config;
    let engine = Engine::build(config).map_err(|error| Failure::Usage(error.to_string()))?;
    let Some(number) = engine.config.sources.iter().position(|source| source.name == name) else {
        return Err(Failure::Usage(format!("mentiond: no source is called {name}; `mentiond sources` lists them")));
    };
    let source = &engine.config.sources[number];
    let now = Clock::system().now();
    let (feed, asked) =
        ask(&engine, source, now).await.map_err(|fault| Failure::Failed(format!("{name}: {}", fault.message)))?;
    let mut scratch = Scratch::default();
    let entries: Vec<(Entry, Vec<String>)> = feed
        .entries
        .iter()
        .map(|raw| {
            let entry = raw.to_entry(Identity::default(), &feed.info, now);
            let found = reading::find(&engine.matcher, &entry, &source.name, &mut scratch);
            let thrown = reading::thrown_away(&engine, Some(number), &found).is_some();
            let mut lists: Vec<String> = found
                .iter()
                .filter(|found| !thrown && engine.watches(number, found.query))
                .map(|found| engine.config.watchlists[found.query].name.clone())
                .collect();
            if source.match_all && !thrown {
                lists = source.watchlists.to_vec();
            }
            (entry, lists)
        })
        .collect();
    if as_json {
        let list: Vec<_> =
            entries.iter().map(|(entry, lists)| json!({ "entry": entry, "watchlists": lists })).collect();
        return say_json(&json!({ "request": asked, "entries": list }));
    }
    say(&format!("{asked}\n"));
    let zone = &engine.config.daemon.timezone;
    for (entry, lists) in entries.iter().take(SHOWN) {
        let author = entry.author.as_ref().map_or("(no author)", |author| author.name.as_str());
        let title = if entry.title.is_empty() { String::new() } else { format!("{}: ", short(&entry.title, SHORT)) };
        say(&format!("{}  {author}  {}", at(entry.published, zone), entry.url.as_deref().unwrap_or("(no link)")));
        say(&format!("  {title}{}", short(&entry.text.replace('\n', " "), SHORT)));
        say(&match lists.as_slice() {
            [] => "  matches no watchlist\n".to_owned(),
            lists => format!("  matches {}\n", lists.join(", ")),
        });
    }
    let matched = entries.iter().filter(|(_, lists)| !lists.is_empty()).count();
    say(&format!("{} entries, of which {matched} match; nothing was recorded.", entries.len()));
    Ok(())
}

/// The first page that the source gives to one that never asked, and what was asked, without secrets.
async fn ask(engine: &Engine, source: &Source, now: Timestamp) -> Result<(Feed, String), PollFault> {
    use crate::model::ErrorClass::Forbidden;
    let cannot = |message: &str| PollFault { class: Forbidden, message: message.to_owned(), retry_after: None };
    match (&source.settings, &source.location) {
        (Settings::Table(table), _) => {
            let (entries, base, asked) = asking::taste(&engine.fetcher, table, now).await?;
            Ok((Feed::made(entries, base), asked))
        }
        (Settings::None, Location::Url(url)) => {
            let asked = format!("GET {}", crate::text::link::redact(url));
            match engine.fetcher.get(url, &Cursor::default()).await? {
                Answer::NotModified { .. } => {
                    Err(cannot("it says that nothing changed, though nothing was asked before"))
                }
                Answer::Document { body, content_type, final_url, .. } => {
                    let most = engine.config.fetch.max_entries;
                    let feed = feed::parse_feed(&body, content_type.as_deref(), Some(&final_url), most);
                    Ok((feed.map_err(|fault| cannot(&fault.message))?, asked))
                }
            }
        }
        (Settings::None, Location::Path(_)) => {
            Err(cannot("its files lie here: `mentiond explain FILE` shows what becomes of them"))
        }
        (Settings::Jetstream(_), _) => {
            Err(cannot("it is a stream: `mentiond run` listens to it, and `mentiond sources` shows how it does"))
        }
        (Settings::Mailbox(_), _) => Err(cannot(
            "a mailbox is not tried out: `mentiond once` reads it, and marks, moves or deletes nothing in it",
        )),
        (Settings::Webhook(_), _) => {
            Err(cannot("nothing is asked of it: it is heard when something is sent to its address while mentiond runs"))
        }
        (Settings::None, Location::Service(_)) => Err(cannot("it cannot be tried out in this way")),
    }
}
