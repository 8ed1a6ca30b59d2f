//! `mentiond explain`: what would happen to a text, and why; nothing is recorded or sent.

use std::io::{BufRead, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};
use url::Url;

use super::output::{count, say, say_json, short};
use super::trial::{self, Trial};
use super::{Failure, find_config, load, record_if_any};
use crate::classify::Classifier;
use crate::clock::Clock;
use crate::compose::{ComposeSettings, Composer, Draft, DraftInput};
use crate::daemon::engine::Engine;
use crate::daemon::reading::{self, Judges, Lines};
use crate::fetch::{Answer, Fetcher};
use crate::model::{
    Author, Classification, Cue, Cursor, Decision, Deliver, Entry, FetchSettings, Identity, Matched, Mention,
    WatchlistMatch,
};
use crate::query::{Document, Matcher, Scratch};
use crate::routing::Routing;
use crate::sources::feed::parse_feed;
use crate::store::record::{Foreteller, Record};
use crate::text::link::{MAX_LINKS, in_markup};
use crate::themes::NamedQueries;

/// Bytes of one line of `--jsonl` at most; a longer one is an error of that line.
const MAX_LINE: u64 = 4 << 20;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A text, a file (a feed or plain text), or a URL of a feed; without it, stdin
    what: Option<String>,
    /// One JSON entry a line in (`title`, `text`, `url`, `author`, `published`), one line out, in order
    #[arg(long, conflicts_with = "json")]
    jsonl: bool,
    /// Try this query instead of the watchlists: what it matched where, or which part failed
    #[arg(long, value_name = "QUERY")]
    query: Option<String>,
    /// Name of the source that the text is taken to come from
    #[arg(long, value_name = "NAME", default_value = "explain")]
    source: String,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

/// What explains: a configuration's watchlists and routes, or none.
pub(super) struct Explainer {
    pub(super) engine: Option<Engine>,
    classifier: Classifier,
    matcher: Matcher,
    routing: Routing,
    themes: NamedQueries,
    /// Where a route names a theme that was found.
    found: Option<Foreteller>,
    composer: Composer,
}

/// Has the classifier learn what the record holds of corrections; answers what tells the themes that routes ask for.
fn learn(engine: &Engine) -> Result<Option<Foreteller>, Failure> {
    let Some(path) = record_if_any(&engine.config)? else { return Ok(None) };
    let record = Record::open_to_read(&path)?;
    engine.classifier.learn(&record.corrections()?);
    if engine.found_themes.is_empty() {
        return Ok(None);
    }
    Ok(Some(record.foreteller(&engine.found_themes, Clock::system().now())?))
}

impl Explainer {
    pub(super) fn new(config: Option<PathBuf>) -> Result<Self, Failure> {
        let engine = match find_config(config) {
            Some(path) => {
                Some(Engine::build(load(Some(path))?.config).map_err(|error| Failure::Usage(error.to_string()))?)
            }
            None => {
                eprintln!("mentiond: no configuration found: the text is classified, without watchlists and routes");
                None
            }
        };
        // What people corrected counts here too, if there is a record to read it from, and so do the themes that routes
        // name by their numbers. A text can be explained without.
        let mut found = None;
        if let Some(engine) = &engine {
            match learn(engine) {
                Ok(told) => found = told,
                Err(Failure::Failed(why) | Failure::Usage(why)) => {
                    eprintln!("mentiond: what people corrected is not considered: {why}");
                }
            }
        }
        Ok(Self {
            engine,
            found,
            classifier: Classifier::new(),
            matcher: Matcher::new(&[]),
            routing: Routing::default(),
            themes: NamedQueries::new([]),
            composer: Composer::new(ComposeSettings::default()),
        })
    }

    pub(super) fn explain(&self, entry: &Entry, source: &str, scratch: &mut Scratch) -> Explained {
        let judges = match &self.engine {
            Some(engine) => Judges { found: self.found.as_ref(), ..engine.judges() },
            None => Judges { classifier: &self.classifier, routing: &self.routing, themes: &self.themes, found: None },
        };
        let matcher = self.engine.as_ref().map_or(&self.matcher, |engine| &engine.matcher);
        let found = reading::find(matcher, entry, source, scratch);
        let excluded = self.engine.as_ref().and_then(|engine| {
            let number = engine.config.sources.iter().position(|one| one.name == source);
            reading::thrown_away(engine, number, &found)
        });
        let watchlists: Vec<_> = found
            .into_iter()
            .filter(|_| excluded.is_none())
            .filter_map(|found| {
                let watchlist = self.engine.as_ref()?.config.watchlists.get(found.query)?;
                Some(WatchlistMatch { name: watchlist.name.clone(), matched: found.matched })
            })
            .collect();
        let (classification, decision) = reading::judge(judges, source, entry, &watchlists);
        let lines = Lines::of(entry);
        let document = Document { lang: &classification.language.code, ..lines.document(entry, source) };
        let themes = judges.themes.of(&document).into_iter().map(str::to_owned).collect();
        Explained { themes, watchlists, excluded, classification, decision }
    }

    /// The reply draft of the notice that would go out; without a configuration, one that names no department.
    fn draft(&self, entry: &Entry, source: &str, explained: &Explained) -> Option<Draft> {
        let mention = Mention {
            id: 0,
            source: source.to_owned(),
            entry: entry.clone(),
            fetched: Clock::system().now(),
            watchlists: explained.watchlists.clone(),
            classification: explained.classification.clone(),
            decision: explained.decision.clone(),
            perk_doubt: None,
            erased: None,
        };
        let bare =
            DraftInput { mention: &mention, language: "en", brand: "", department: "", member: None, perk: None };
        let Some(engine) = &self.engine else { return self.composer.draft(&bare) };
        let owner = engine.config.routing.department(&mention.decision.department)?;
        let first = mention.watchlists.first().filter(|_| mention.decision.deliver != Deliver::None)?;
        engine.composer.draft(&DraftInput {
            language: &owner.language,
            brand: engine.watchlist(&first.name).map_or("", |w| &w.display),
            department: &owner.name,
            member: engine.sole_member(&owner.key),
            ..bare
        })
    }
}

pub(super) struct Explained {
    /// Names of its themes.
    pub(super) themes: Vec<String>,
    /// Who throws it away, and because of which words.
    excluded: Option<(String, Vec<Matched>)>,
    pub(super) watchlists: Vec<WatchlistMatch>,
    pub(super) classification: Classification,
    pub(super) decision: Decision,
}

impl Explained {
    fn to_json(&self) -> Map<String, Value> {
        let Classification { language, sentiment, category, categories, severity, flags, cues } = &self.classification;
        let value = json!({
            "watchlists": self.watchlists,
            "language": language,
            "sentiment": sentiment,
            "category": category,
            "categories": categories,
            "severity": severity,
            "flags": flags,
            "cues": cues,
            "route": self.decision,
        });
        match value {
            Value::Object(mut map) => {
                if let Some((by, matched)) = &self.excluded {
                    map.insert("excluded".into(), json!({ "by": by, "matched": matched }));
                }
                map
            }
            _ => Map::new(),
        }
    }

    fn words(&self, entry: &Entry, draft: Option<&Draft>) -> String {
        let mut lines = vec![short(if entry.title.is_empty() { &entry.text } else { &entry.title }, 100)];
        if let Some((by, matched)) = &self.excluded {
            let mut terms: Vec<_> = matched.iter().map(|m| m.term.as_str()).collect();
            terms.dedup();
            lines.push(format!("thrown away by {by}: {}", terms.join(", ")));
        } else if self.watchlists.is_empty() {
            lines.push("watchlist   none: it would not be a mention".into());
        }
        for watchlist in &self.watchlists {
            let mut terms: Vec<_> = watchlist.matched.iter().map(|m| m.term.as_str()).collect();
            terms.dedup();
            lines.push(format!("watchlist   {}: {}", watchlist.name, terms.join(", ")));
        }
        lines.extend(reasons(&self.classification, &self.decision));
        match draft {
            Some(draft) => {
                lines.push(format!("reply draft ({})", draft.language));
                lines.extend(draft.paragraphs.iter().map(|paragraph| format!("            {paragraph}")));
            }
            None => lines.push("reply draft none".into()),
        }
        lines.join("\n")
    }
}

/// Classification and route with their reasons, a line each.
pub(super) fn reasons(classification: &Classification, decision: &Decision) -> Vec<String> {
    let Classification { language, sentiment, category, categories, severity, flags, cues } = classification;
    let others: Vec<_> = categories
        .iter()
        .filter(|c| c.name != *category)
        .map(|c| format!("{} {:.2}", c.name.as_str(), c.score))
        .collect();
    let mut lines = vec![
        format!("language    {} ({:.2})", language.code, language.confidence),
        format!("sentiment   {} ({:+.2})", sentiment.label.as_str(), sentiment.score),
        format!(
            "category    {}{}",
            category.as_str(),
            if others.is_empty() { String::new() } else { format!("; also {}", others.join(", ")) }
        ),
        format!("severity    {}", severity.as_str()),
    ];
    if !flags.is_empty() {
        lines.push(format!("flags       {}", flags.join(", ")));
    }
    lines.extend(cues.iter().map(|Cue { text, effect, why }| {
        let quote = if text.is_empty() { String::new() } else { format!("“{text}” → ") };
        format!("because     {quote}{effect}: {why}")
    }));
    let owner = if decision.department.is_empty() { "nobody" } else { &decision.department };
    let owner = match &decision.person {
        Some(person) => format!("{owner} ({person})"),
        None => owner.to_owned(),
    };
    let copies =
        if decision.copy.is_empty() { String::new() } else { format!(", copy to {}", decision.copy.join(", ")) };
    let case = if decision.case { ", a case is opened" } else { "" };
    lines.push(format!("route       {owner}{copies}, deliver {}{case}: {}", decision.deliver.as_str(), decision.why));
    if !decision.kept_from.is_empty() {
        lines.push(format!("kept from   {}", decision.kept_from.join(", ")));
    }
    lines
}

pub(super) async fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let explainer = Explainer::new(config)?;
    let trial = match &arguments.query {
        Some(query) => Some(Trial::new(query, explainer.engine.as_ref().map(|engine| &engine.config.context))?),
        None => None,
    };
    let mut scratch = Scratch::default();
    if arguments.jsonl {
        let mut answer = |entry: &Entry| {
            let explained = explainer.explain(entry, &arguments.source, &mut scratch);
            match &trial {
                Some(trial) => trial.of(entry, &arguments.source, &explained).to_json(),
                None => explained.to_json(),
            }
        };
        return match arguments.what.as_deref().filter(|what| *what != "-") {
            None => stream(&mut answer, std::io::stdin().lock()),
            Some(path) => {
                let file = std::fs::File::open(path)
                    .map_err(|error| Failure::Failed(format!("{path} cannot be read: {error}")))?;
                stream(&mut answer, std::io::BufReader::new(file))
            }
        };
    }
    let entries = entries(&explainer, arguments.what.as_deref()).await?;
    if let Some(trial) = &trial {
        let tried = entries.iter().map(|entry| {
            let explained = explainer.explain(entry, &arguments.source, &mut scratch);
            (entry, trial.of(entry, &arguments.source, &explained))
        });
        return trial::print(tried.collect(), arguments.json);
    }
    let explained: Vec<_> = entries
        .iter()
        .map(|entry| {
            let explained = explainer.explain(entry, &arguments.source, &mut scratch);
            let draft = explainer.draft(entry, &arguments.source, &explained);
            (entry, explained, draft)
        })
        .collect();
    if arguments.json {
        let list: Vec<_> = explained
            .iter()
            .map(|(entry, explained, draft)| {
                let mut map = explained.to_json();
                map.insert("title".into(), json!(entry.title));
                map.insert("url".into(), json!(entry.url));
                let draft = draft.as_ref().map(|d| json!({ "language": d.language, "text": d.text() }));
                map.insert("draft".into(), json!(draft));
                Value::Object(map)
            })
            .collect();
        return say_json(&Value::Array(list));
    }
    say(&explained
        .iter()
        .map(|(entry, explained, draft)| explained.words(entry, draft.as_ref()))
        .collect::<Vec<_>>()
        .join("\n\n"));
    Ok(())
}

/// The entries of a URL, a file or a text.
pub(super) async fn entries(explainer: &Explainer, what: Option<&str>) -> Result<Vec<Entry>, Failure> {
    let failed = |message: String| Failure::Failed(message);
    let Some(what) = what else {
        let mut text = String::new();
        std::io::stdin().lock().take(MAX_LINE).read_to_string(&mut text).map_err(|e| failed(format!("stdin: {e}")))?;
        return Ok(vec![plain(&text)]);
    };
    if what.starts_with("http://") || what.starts_with("https://") {
        let url =
            Url::parse(what).map_err(|error| Failure::Usage(format!("mentiond: {what} is no address: {error}")))?;
        let own;
        let fetcher = match &explainer.engine {
            Some(engine) => &engine.fetcher,
            None => {
                own = Fetcher::new(&FetchSettings::default()).map_err(|error| failed(error.to_string()))?;
                &own
            }
        };
        return match fetcher.get(&url, &Cursor::default()).await.map_err(|fault| failed(fault.message))? {
            Answer::Document { body, content_type, .. } => {
                read(&body, content_type.as_deref(), Some(&url), false).map_err(failed)
            }
            Answer::NotModified { .. } => Ok(Vec::new()),
        };
    }
    if Path::new(what).is_file() {
        let body = std::fs::read(what).map_err(|error| failed(format!("{what} cannot be read: {error}")))?;
        return read(&body, None, None, true).map_err(failed);
    }
    // One word with a slash or a file's ending is a file that is not there rather than somebody's text.
    let names_a_file = !what.contains(char::is_whitespace)
        && (what.contains('/') || [".xml", ".rss", ".atom", ".json", ".txt"].iter().any(|end| what.ends_with(end)));
    if names_a_file {
        return Err(failed(format!(
            "there is no file {what}; a text is put in quotes: mentiond explain \"some words\""
        )));
    }
    Ok(vec![plain(what)])
}

/// A feed's entries; of a file (`text_too`) also the whole as one text, if it is one.
fn read(body: &[u8], content_type: Option<&str>, base: Option<&Url>, text_too: bool) -> Result<Vec<Entry>, String> {
    let now = Clock::system().now();
    match parse_feed(body, content_type, base, usize::MAX) {
        Ok(feed) => Ok(feed.entries.iter().map(|raw| raw.to_entry(Identity::default(), &feed.info, now)).collect()),
        Err(fault) => match std::str::from_utf8(body) {
            Ok(text) if text_too && !text.trim_start().starts_with('<') && !text.trim().is_empty() => {
                Ok(vec![plain(text)])
            }
            _ => Err(fault.to_string()),
        },
    }
}

fn plain(text: &str) -> Entry {
    let mut links = Vec::new();
    in_markup(text, &mut links);
    Entry { text: text.trim().to_owned(), links, ..Entry::default() }
}

/// One line in, one line out, in order and at once.
fn stream(answer: &mut dyn FnMut(&Entry) -> Map<String, Value>, mut input: impl BufRead) -> Result<(), Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut bad = 0_u64;
    for number in 1_u64.. {
        let mut line = Vec::new();
        let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(Failure::Failed(format!("line {number}: {error}"))),
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let answered = match serde_json::from_slice::<Map<String, Value>>(&line) {
            Ok(mut fields) => {
                let entry = entry(&fields);
                fields.entry("id").or_insert_with(|| json!(number));
                fields.append(&mut answer(&entry));
                fields
            }
            Err(error) => {
                bad += 1;
                let mut fields = Map::new();
                fields.insert("id".into(), json!(number));
                fields.insert("error".into(), json!(format!("line {number} is no JSON object: {error}")));
                fields
            }
        };
        let written = serde_json::to_writer(&mut out, &answered)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\n"));
        // A line that arrives alone is answered at once; a file is answered in blocks.
        let written =
            written.and_then(|()| if input.fill_buf().is_ok_and(|b| b.is_empty()) { out.flush() } else { Ok(()) });
        if written.is_err() {
            return Ok(());
        }
    }
    let _ = out.flush();
    if bad > 0 {
        return Err(Failure::Failed(format!(
            "{} could not be read; each has its `error`",
            count(bad, "line", "lines")
        )));
    }
    Ok(())
}

fn entry(fields: &Map<String, Value>) -> Entry {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let author = match fields.get("author") {
        Some(Value::String(name)) if !name.is_empty() => Some(Author { name: name.clone(), ..Author::default() }),
        Some(Value::Object(map)) => serde_json::from_value(Value::Object(map.clone())).ok(),
        _ => None,
    };
    let followers = fields.get("followers").and_then(Value::as_u64);
    let author = match (author, followers) {
        (Some(author), Some(_)) => Some(Author { followers, ..author }),
        (None, Some(_)) => Some(Author { followers, ..Author::default() }),
        (author, None) => author,
    };
    Entry {
        identity: Identity([0; 16]),
        title: text("title"),
        text: text("text"),
        url: fields.get("url").and_then(Value::as_str).map(str::to_owned),
        author,
        published: fields.get("published").and_then(Value::as_str).and_then(|p| p.parse().ok()),
        lang: fields.get("lang").and_then(Value::as_str).map(str::to_owned),
        site: fields.get("site").and_then(Value::as_str).map(str::to_owned),
        rating: fields.get("rating").and_then(Value::as_f64).map(|r| r as f32),
        links: match fields.get("links").and_then(Value::as_array) {
            Some(links) => links.iter().filter_map(Value::as_str).take(MAX_LINKS).map(str::to_owned).collect(),
            None => {
                let mut links = Vec::new();
                in_markup(&text("text"), &mut links);
                links
            }
        },
        reply: fields
            .get("reply")
            .and_then(Value::as_bool)
            .or_else(|| fields.get("in_reply_to").map(|of| !of.is_null())),
        ..Entry::default()
    }
}
