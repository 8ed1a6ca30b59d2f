//! `mentiond sources test NAME`: one real request, and the entries that it would yield. A stream is listened to for some
//! seconds; of what others push, it is told where and how.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::output::{at, count, say, say_json, short};
use super::{Failure, load_with};
use crate::clock::Clock;
use crate::config::Secrets;
use crate::daemon::engine::Engine;
use crate::daemon::{asking, reading};
use crate::fetch::local::{self, LocalAnswer};
use crate::fetch::{Answer, Heard};
use crate::model::ErrorClass::{Forbidden, Malformed, Transient};
use crate::model::{
    Cursor, Entry, Identity, JetstreamSettings, Location, MailboxSettings, PollFault, Proof, RawMail, Settings, Source,
    WebhookSettings,
};
use crate::query::Scratch;
use crate::sources::feed::{self, Feed};
use crate::sources::jetstream::{self, What};
use crate::sources::mailbox::mime;

/// Entries that are shown to people.
const SHOWN: usize = 20;
/// Newest messages of a mailbox whose headers are shown.
const HEADERS: usize = 5;
/// So long a stream is listened to, and to so many posts at most.
const LISTEN: Duration = Duration::from_secs(8);
const POSTS: usize = 500;
/// Letters of a text that are shown.
const SHORT: usize = 160;

pub(super) async fn run(config: Option<PathBuf>, name: &str, as_json: bool) -> Result<(), Failure> {
    // A service that wants a login is asked with it, as a poll would.
    let config = load_with(config, Secrets::Tried)?.config;
    let engine = Engine::build(config).map_err(|error| Failure::Usage(error.to_string()))?;
    let Some(number) = engine.config.sources.iter().position(|source| source.name == name) else {
        return Err(Failure::Usage(format!("mentiond: no source is called {name}; `mentiond sources` lists them")));
    };
    let source = &engine.config.sources[number];
    if let Settings::Mailbox(settings) = &source.settings {
        let tried = mailbox(&engine, settings).await;
        let (mails, count) = tried.map_err(|fault| Failure::Failed(format!("{name}: {}", fault.message)))?;
        return show_headers(&engine, settings, &mails, count, as_json);
    }
    if let Settings::Webhook(settings) = &source.settings {
        return show_address(&engine, name, settings, as_json);
    }
    let now = Clock::system().now();
    let (entries, asked) =
        ask(&engine, source, now).await.map_err(|fault| Failure::Failed(format!("{name}: {}", fault.message)))?;
    let mut scratch = Scratch::default();
    let mut entries: Vec<(Entry, Vec<String>)> = entries
        .into_iter()
        .map(|entry| {
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
    // Of a stream most is somebody else's; what matches comes first.
    if matches!(source.settings, Settings::Jetstream(_)) {
        entries.sort_by_key(|(_, lists)| lists.is_empty());
    }
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
    let all = count(entries.len() as u64, "entry", "entries");
    say(&format!("{all}, of which {matched} match; nothing was recorded."));
    Ok(())
}

/// Logs in to a mailbox and opens the folder for reading only: the newest headers, and how many messages there are.
async fn mailbox(engine: &Engine, settings: &MailboxSettings) -> Result<(Vec<RawMail>, usize), PollFault> {
    let mut session = engine.mailboxes.open(settings).await?;
    let found = session.newest(HEADERS).await?;
    session.close().await;
    Ok(found)
}

fn show_headers(
    engine: &Engine,
    settings: &MailboxSettings,
    mails: &[RawMail],
    count: usize,
    as_json: bool,
) -> Result<(), Failure> {
    let mut list = Vec::new();
    for raw in mails {
        let mail = mime::read(&raw.data);
        let from = match &mail.from {
            Some(from) if from.name.is_empty() => from.email.clone(),
            Some(from) => format!("{} <{}>", from.name, from.email),
            None => "(no sender)".to_owned(),
        };
        list.push((mail.date.or(raw.arrived), from, mail.subject));
    }
    if as_json {
        let newest: Vec<_> = list
            .iter()
            .map(|(date, from, subject)| json!({ "date": date, "from": from, "subject": subject }))
            .collect();
        return say_json(&json!({ "messages": count, "newest": newest }));
    }
    let zone = &engine.config.daemon.timezone;
    for (date, from, subject) in &list {
        say(&format!("{}  {}  {}", at(*date, zone), short(from, SHORT), short(subject, SHORT)));
    }
    say(&format!(
        "the login works; the folder {} holds {count} messages, of which the newest are shown; nothing was marked or recorded.",
        settings.folder
    ));
    Ok(())
}

/// Where and how others push, in words and as they would write it.
fn show_address(engine: &Engine, name: &str, settings: &WebhookSettings, as_json: bool) -> Result<(), Failure> {
    let daemon = &engine.config.daemon;
    let base = match (&daemon.public_url, daemon.http) {
        (Some(url), _) => url.as_str().trim_end_matches('/').to_owned(),
        (None, Some(address)) => format!("http://{address}"),
        (None, None) => return Err(Failure::Failed(format!("{name}: `http` is off in [daemon], so nothing is heard"))),
    };
    let url = format!("{base}/hooks/{name}");
    let proof = match settings.proof {
        Proof::HmacSha256 => "hmac-sha256",
        Proof::Bearer => "bearer",
    };
    if as_json {
        return say_json(&json!({ "url": url, "header": settings.header, "proof": proof }));
    }
    say("nothing is asked of this source: it is heard when JSON is sent to its address while mentiond runs.\n");
    let value = match settings.proof {
        Proof::HmacSha256 => {
            say("signature=$(openssl dgst -sha256 -hmac \"$SECRET\" -hex < body.json | sed 's/.* //')");
            "sha256=$signature"
        }
        Proof::Bearer if settings.header.eq_ignore_ascii_case("authorization") => "Bearer $SECRET",
        Proof::Bearer => "$SECRET",
    };
    say(&format!("curl -H \"{}: {value}\" --data-binary @body.json {url}", settings.header));
    say("\n202 is the answer once everything is recorded; any other answer says what is wrong.");
    Ok(())
}

/// The first entries that the source gives to one that never asked, and what was asked, without secrets.
async fn ask(engine: &Engine, source: &Source, now: Timestamp) -> Result<(Vec<Entry>, String), PollFault> {
    let cannot = |message: &str| PollFault { class: Forbidden, message: message.to_owned(), retry_after: None };
    let made = |feed: &Feed| -> Vec<Entry> {
        feed.entries.iter().map(|raw| raw.to_entry(Identity::default(), &feed.info, now)).collect()
    };
    let most = engine.config.fetch.max_entries;
    match (&source.settings, &source.location) {
        (Settings::Table(table), _) => {
            let (entries, base, asked) = asking::taste(&engine.fetcher, table, now).await?;
            Ok((made(&Feed::made(entries, base)), asked))
        }
        (Settings::None, Location::Url(url)) => {
            let asked = format!("GET {}", crate::text::link::redact(url));
            match engine.fetcher.get(url, &Cursor::default()).await? {
                Answer::NotModified { .. } => {
                    Err(cannot("it says that nothing changed, though nothing was asked before"))
                }
                Answer::Document { body, content_type, final_url, .. } => {
                    let feed = feed::parse_feed(&body, content_type.as_deref(), Some(&final_url), most);
                    Ok((made(&feed.map_err(|fault| cannot(&fault.message))?), asked))
                }
            }
        }
        (Settings::None, Location::Path(path)) => {
            let (path, max_body) = (path.clone(), engine.config.fetch.max_body);
            let asked = format!("read {}", path.display());
            let base = url::Url::from_file_path(&path).ok();
            let read = tokio::task::spawn_blocking(move || local::read(&path, &Cursor::default(), max_body)).await;
            let LocalAnswer::Documents { documents, .. } = read.map_err(|_| cannot("reading was broken off"))?? else {
                return Err(cannot("it says that nothing changed, though nothing was read before"));
            };
            let (mut entries, mut fault) = (Vec::new(), None);
            for document in &documents {
                match feed::parse_feed(&document.body, None, base.as_ref(), most) {
                    Ok(feed) => entries.extend(made(&feed)),
                    Err(error) => fault = fault.or(Some(format!("{}: {}", document.path.display(), error.message))),
                }
            }
            match fault {
                Some(fault) if entries.is_empty() => Err(cannot(&fault)),
                _ => Ok((entries, asked)),
            }
        }
        (Settings::Jetstream(settings), _) => overhear(engine, settings, now).await,
        (Settings::Mailbox(_) | Settings::Webhook(_), _) => Err(cannot("it is tried out in another way")),
        (Settings::None, Location::Service(_)) => Err(cannot("it cannot be tried out in this way")),
    }
}

/// What a stream says in some seconds, from the first of its servers that answers.
async fn overhear(
    engine: &Engine,
    settings: &JetstreamSettings,
    now: Timestamp,
) -> Result<(Vec<Entry>, String), PollFault> {
    let mut first_fault = None;
    for server in &settings.servers {
        let address = jetstream::address(server, None);
        let asked = format!("GET {}", crate::text::link::redact(&address));
        let until = Instant::now() + LISTEN;
        let mut socket = match timeout_at(until, engine.fetcher.open(&address)).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(fault)) => {
                first_fault.get_or_insert(fault.fault);
                continue;
            }
            Err(_) => {
                first_fault.get_or_insert(silent(server));
                continue;
            }
        };
        let (mut entries, mut events) = (Vec::new(), 0_u32);
        let ended = loop {
            if entries.len() >= POSTS {
                break None;
            }
            match timeout_at(until, socket.next()).await {
                Ok(Ok(Heard::Text(frame))) => match jetstream::read(&frame) {
                    Ok(event) => {
                        events += 1;
                        if let What::Post { post, record, .. } = event.what {
                            entries.push(jetstream::entry(&post, record, now));
                        }
                    }
                    Err(fault) => {
                        let message =
                            format!("{}: {fault}. Is it a Jetstream address?", server.host_str().unwrap_or_default());
                        break Some(PollFault { class: Malformed, message, retry_after: None });
                    }
                },
                Ok(Ok(_)) => {}
                Ok(Err(fault)) => break Some(fault),
                Err(_) => break (events == 0).then(|| silent(server)),
            }
        };
        match ended {
            Some(fault) if entries.is_empty() => {
                first_fault.get_or_insert(fault);
            }
            _ => {
                socket.close().await;
                return Ok((entries, asked));
            }
        }
    }
    Err(first_fault.unwrap_or_else(|| PollFault {
        class: Transient,
        message: "no server is configured".to_owned(),
        retry_after: None,
    }))
}

fn silent(server: &url::Url) -> PollFault {
    let host = server.host_str().unwrap_or_default();
    let message = format!("{host} said nothing for {} seconds", LISTEN.as_secs());
    PollFault { class: Transient, message, retry_after: None }
}
