//! From documents to mentions that are ready to be recorded: parse → entries → seen? → match → same story? → classify →
//! route → mails to be queued. Processor work only; runs on a blocking thread.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::Timings;
use super::engine::Engine;
use super::ingest::{Content, Document as Fetched, Served};
use crate::cases;
use crate::classify::{self, Classifier, Input};
use crate::clock::Stopwatch;
use crate::dedup::forgotten::Forgotten;
use crate::dedup::{Links, Prints, StoryKey, voice};
use crate::model::{
    Category, Classification, Decision, Deliver, DeliveryKind, Entry, ErrorClass, Identity, Location, Matched, Mention,
    Part, PollFault, Source, WatchlistMatch,
};
pub use crate::query::Lines;
use crate::query::{Document, Facts, Found, Matcher, Scratch};
use crate::routing::{self, Routing, Tried};
use crate::sources::feed::{self, Feed};
use crate::sources::identity::{self, Kind as SightingKind, Known, Storm};
use crate::store::record::{DeliveryContent, Foreteller, Looked, NewDelivery, NewMention, SourceState, Unmatched};
use crate::store::seen::Seen;
use crate::themes::NamedQueries;

/// Bytes of an entry's text that the record keeps: a window around the first match.
const MAX_KEPT_TEXT: usize = 16 * 1024;
/// Bytes before the first match that such a window keeps.
const KEPT_BEFORE: usize = 2 * 1024;

/// What was read.
#[derive(Default)]
pub struct Reading {
    pub entries: u64,
    pub new_entries: u64,
    /// The document's own wish about how often to come.
    pub ttl: Option<Duration>,
    pub mentions: Vec<NewMention>,
    /// Packed hashes of the source's entries, if they changed.
    pub known: Option<Vec<u8>>,
    /// The source's ids cannot be relied on (any more).
    pub degraded: Option<Degraded>,
    /// Why completeness cannot be shown, if so.
    pub gap: Option<String>,
    /// New entries that matched nothing, if they are kept.
    pub unmatched: Option<Unmatched>,
    /// The source suddenly shows everything as new, if so.
    pub storm: Option<Storm>,
    /// What was taken back where it came from.
    pub withdrawn: Vec<Identity>,
    /// Mentions that were looked at again.
    pub looked: Vec<Looked>,
}

/// How entries are told apart from now on, and why.
pub struct Degraded {
    pub by: String,
    pub why: String,
}

/// What an entry is held against: what was seen before, and what must not come back.
pub(super) struct Before<'a> {
    pub seen: &'a Seen,
    pub forgotten: &'a Forgotten,
    /// Only where a route names a theme that was found.
    pub found: Option<&'a Foreteller>,
}

/// Reads what a source served.
///
/// # Errors
/// Nothing of it can be read as a feed.
pub(super) fn read(
    engine: &Engine,
    number: usize,
    served: &Served,
    state: &SourceState,
    Before { seen, forgotten, found }: Before<'_>,
    timings: &Timings,
    now: Timestamp,
) -> Result<Reading, PollFault> {
    let source = &engine.config.sources[number];
    if let Content::Sifted { posts, matched, withdrawn } = &served.content {
        return Ok(read_sifted(engine, source, found, *posts, matched, withdrawn, served.gap.clone(), now));
    }
    let mut reading = Reading::default();

    let watch = Stopwatch::start();
    let (feeds, made) = match &served.content {
        Content::Documents { documents, content_type } => {
            (parse(engine, source, documents, content_type.as_deref())?, false)
        }
        Content::Made { entries, base } => (vec![Feed::made(entries.clone(), base.clone())], true),
        Content::Sifted { .. } => (Vec::new(), true),
    };
    timings.parse.add(watch);

    let watch = Stopwatch::start();
    let known = Known::from_bytes(&seen.known(&source.name).unwrap_or_default());
    reading.ttl = feeds.iter().filter_map(|f| f.ttl).max();
    let dropped: usize = feeds.iter().map(|f| f.dropped).sum();
    reading.gap = (dropped > 0).then(|| {
        format!(
            "the feed holds more than {} entries; the oldest {dropped} were not looked at",
            engine.config.fetch.max_entries
        )
    });
    if let Some(gap) = &served.gap {
        reading.gap = Some(gap.clone());
    }
    let (mut raw, mut infos, mut info_of) = (Vec::new(), Vec::with_capacity(feeds.len()), Vec::new());
    for feed in feeds {
        info_of.resize(info_of.len() + feed.entries.len(), infos.len());
        infos.push(feed.info);
        raw.extend(feed.entries);
    }
    let identified = if made {
        identity::identify_made(&raw, &known)
    } else {
        identity::identify(&raw, &known, state.cursor.identify_by.as_deref())
    };
    // What is asked for since a cursor is all new, and old after an outage.
    reading.storm = if made { None } else { identity::storm(&raw, &identified, &known, state.health.last_heard) };
    reading.entries = raw.len() as u64;
    let unseen = identified.sightings.iter().filter(|s| s.kind != SightingKind::Seen);
    let mut signed = Vec::new();
    let fresh: Vec<Entry> = unseen
        .map(|s| {
            signed.push(raw[s.index].names_author(&infos[info_of[s.index]]));
            reading.new_entries += u64::from(s.kind == SightingKind::New);
            raw[s.index].to_entry(s.identity, &infos[info_of[s.index]], now)
        })
        .collect();
    reading.known = identified.changed.then(|| identified.known.to_bytes());
    reading.degraded = identified.degraded.map(|why| Degraded { by: identified.by.as_str().to_owned(), why });
    timings.identify.add(watch);

    let links = Links::of(&fresh);
    let mut scratch = Scratch::default();
    let mut matched = Vec::new();
    let watch = Stopwatch::start();
    let mut gone = vec![false; if forgotten.is_empty() { 0 } else { fresh.len() }];
    for (place, entry) in fresh.iter().enumerate() {
        // Of whoever was forgotten nothing is taken in again, not even to be tried out.
        if let Some(gone) = gone.get_mut(place) {
            *gone = forgotten.knows(&source.name, entry, &links.story_keys(entry), &voice::keys(entry));
            if *gone {
                continue;
            }
        }
        let mut watchlists = match_watchlists(engine, number, entry, &mut scratch);
        if watchlists.is_empty()
            && let Some(names) = entry.id.as_ref().and_then(|id| served.threads.get(id))
        {
            watchlists = names.iter().map(|name| WatchlistMatch { name: name.clone(), matched: Vec::new() }).collect();
        }
        if !watchlists.is_empty() {
            matched.push((place, watchlists, links.story_keys(entry)));
        }
    }
    timings.matching.add(watch);

    let watch = Stopwatch::start();
    let mut fresh: Vec<Option<Entry>> = fresh.into_iter().map(Some).collect();
    for (place, watchlists, keys) in matched {
        if let Some(entry) = fresh[place].take() {
            let author = if signed[place] { cases::author_key(&entry, &source.name) } else { None };
            reading.mentions.push(mention(engine, source, found, entry, watchlists, keys, author, now));
        }
    }
    timings.classify.add(watch);

    if engine.config.history.unmatched.is_some() {
        let watch = Stopwatch::start();
        let kept = fresh.into_iter().enumerate().filter(|(place, _)| !gone.get(*place).copied().unwrap_or(false));
        reading.unmatched = Unmatched::pack(kept.filter_map(|(_, entry)| entry));
        timings.keep.add(watch);
    }
    Ok(reading)
}

/// Makes mentions of what was found in a stream. What matched nothing is not kept: it is everything that anybody writes.
#[expect(clippy::too_many_arguments, reason = "what a stream yields has as many parts")]
fn read_sifted(
    engine: &Engine,
    source: &Source,
    found: Option<&Foreteller>,
    posts: u64,
    matched: &[(Entry, Vec<WatchlistMatch>)],
    withdrawn: &[Identity],
    gap: Option<String>,
    now: Timestamp,
) -> Reading {
    let entries: Vec<Entry> = matched.iter().map(|(entry, _)| entry.clone()).collect();
    let links = Links::of(&entries);
    let mentions = matched
        .iter()
        .map(|(entry, watchlists)| {
            let author = cases::author_key(entry, &source.name);
            let keys = links.story_keys(entry);
            mention(engine, source, found, entry.clone(), watchlists.clone(), keys, author, now)
        })
        .collect();
    let withdrawn = withdrawn.to_vec();
    Reading { entries: posts, new_entries: posts, mentions, gap, withdrawn, ..Reading::default() }
}

/// Parses every document. A folder's other files are read when one of them is no feed.
fn parse(
    engine: &Engine,
    source: &Source,
    documents: &[Fetched],
    content_type: Option<&str>,
) -> Result<Vec<Feed>, PollFault> {
    let base = match &source.location {
        Location::Url(url) => Some(url.clone()),
        Location::Path(path) => Url::from_file_path(path).ok(),
        Location::Service(_) => None,
    };
    let mut feeds = Vec::with_capacity(documents.len());
    let mut first_fault = None;
    for document in documents {
        match feed::parse_feed(document.bytes(), content_type, base.as_ref(), engine.config.fetch.max_entries) {
            Ok(feed) => {
                for fault in &feed.faults {
                    tracing::debug!(event = "feed_repaired", source = source.name, "{fault}");
                }
                feeds.push(feed);
            }
            Err(fault) => {
                if documents.len() > 1 {
                    let file = document.file().map(|file| file.display().to_string());
                    tracing::warn!(event = "file_unread", source = source.name, file, "{fault}");
                }
                first_fault.get_or_insert(fault);
            }
        }
    }
    match first_fault {
        Some(fault) if feeds.is_empty() => {
            Err(PollFault { class: ErrorClass::Malformed, message: fault.to_string(), retry_after: None })
        }
        _ => Ok(feeds),
    }
}

/// What decides about a mention.
#[derive(Clone, Copy)]
pub struct Judges<'a> {
    pub classifier: &'a Classifier,
    pub routing: &'a Routing,
    pub themes: &'a NamedQueries,
    /// Tells which theme that was found a mention will join, if a route asks for one.
    pub found: Option<&'a Foreteller>,
}

/// The queries that an entry matches.
pub fn find(matcher: &Matcher, entry: &Entry, source: &str, scratch: &mut Scratch) -> Vec<Found> {
    let lines = Lines::of(entry);
    matcher.find(&lines.document(entry, source), scratch)
}

/// Who throws an entry away, if somebody does, and because of which words.
pub fn thrown_away(engine: &Engine, number: Option<usize>, found: &[Found]) -> Option<(String, Vec<Matched>)> {
    let behind = found.iter().rev().take_while(|found| found.query >= engine.config.watchlists.len());
    behind.filter_map(|found| Some((engine.thrown_away(number, found.query)?, found.matched.clone()))).last()
}

/// The watchlists that an entry matches, among those of its source.
pub(super) fn match_watchlists(
    engine: &Engine,
    number: usize,
    entry: &Entry,
    scratch: &mut Scratch,
) -> Vec<WatchlistMatch> {
    let source = &engine.config.sources[number];
    let found = find(&engine.matcher, entry, &source.name, scratch);
    if let Some((by, _)) = thrown_away(engine, Some(number), &found) {
        tracing::debug!(event = "excluded", source = source.name, by, "thrown away");
        return Vec::new();
    }
    let mut matches: Vec<WatchlistMatch> = found
        .into_iter()
        .filter(|found| engine.watches(number, found.query))
        .map(|found| WatchlistMatch {
            name: engine.config.watchlists[found.query].name.clone(),
            matched: found.matched,
        })
        .collect();
    if source.match_all {
        for name in source.watchlists.iter() {
            if !matches.iter().any(|m| m.name == *name) {
                matches.push(WatchlistMatch { name: name.clone(), matched: Vec::new() });
            }
        }
    }
    matches
}

/// Classifies and routes an entry that matched.
pub fn judge(
    judges: Judges<'_>,
    source: &str,
    entry: &Entry,
    watchlists: &[WatchlistMatch],
) -> (Classification, Decision) {
    let classification = judges.classifier.classify(&input(entry, watchlists));
    let decision =
        with_facts(judges, &classification, source, entry, watchlists, |document| judges.routing.decide(document));
    (classification, decision)
}

/// What is classified of an entry.
fn input<'a>(entry: &'a Entry, watchlists: &'a [WatchlistMatch]) -> Input<'a> {
    Input {
        title: &entry.title,
        text: &entry.text,
        lang_hint: entry.lang.as_deref(),
        rating: entry.rating,
        press: entry.site.is_some(),
        watchlists,
    }
}

/// The routes that are asked about an entry that was classified, in order.
pub fn tried<'a>(
    judges: Judges<'a>,
    classification: &Classification,
    source: &str,
    entry: &Entry,
    watchlists: &[WatchlistMatch],
) -> Vec<Tried<'a>> {
    with_facts(judges, classification, source, entry, watchlists, |document| judges.routing.tried(document))
}

/// Has something decided over an entry and what classification found.
fn with_facts<T>(
    judges: Judges<'_>,
    classification: &Classification,
    source: &str,
    entry: &Entry,
    watchlists: &[WatchlistMatch],
    decide: impl FnOnce(&Document<'_>) -> T,
) -> T {
    let names: Vec<&str> = watchlists.iter().map(|w| w.name.as_str()).collect();
    let lines = Lines::of(entry);
    let mut document = lines.document(entry, source);
    document.lang = &classification.language.code;
    let mut themes = judges.themes.of(&document);
    let found = judges.found.map_or_else(Vec::new, |found| {
        // As it will be kept: that is what its theme is recognised by.
        let (mut entry, mut watchlists) = (entry.clone(), watchlists.to_vec());
        keep_window(&mut entry, &mut watchlists);
        let (category, language) = (classification.category, &classification.language.code);
        found.of(&entry, &watchlists, category, language, themes.first().copied())
    });
    themes.extend(found.iter().map(String::as_str));
    document.facts = Some(Facts {
        category: classification.category,
        categories: &classification.categories,
        severity: classification.severity,
        sentiment: classification.sentiment.label,
        flags: &classification.flags,
        watchlists: &names,
        themes: &themes,
    });
    decide(&document)
}

#[expect(clippy::too_many_arguments, reason = "what is known of one entry")]
fn mention(
    engine: &Engine,
    source: &Source,
    found: Option<&Foreteller>,
    mut entry: Entry,
    mut watchlists: Vec<WatchlistMatch>,
    keys: Vec<StoryKey>,
    author: Option<cases::AuthorKey>,
    now: Timestamp,
) -> NewMention {
    let judges = Judges { found, ..engine.judges() };
    let (classification, decision) = judge(judges, &source.name, &entry, &watchlists);
    let perk_doubt = engine.judges().classifier.doubt(&input(&entry, &watchlists), &classification);
    let theme = {
        let lines = Lines::of(&entry);
        let mut document = lines.document(&entry, &source.name);
        document.lang = &classification.language.code;
        engine.themes.of(&document).first().map(|name| (*name).to_owned())
    };
    let words = classify::significant_words(&format!("{} {}", entry.title, entry.text), &classification.language.code);
    keep_window(&mut entry, &mut watchlists);
    // The words that were searched for say nothing about which story it is: all mentions have them.
    let searched: Vec<&str> = watchlists.iter().flat_map(|w| &w.matched).filter_map(|m| written(&entry, m)).collect();
    let prints = Prints::of(&entry, classification.category, &classification.language.code, &searched);
    let mut deliveries = deliveries(engine, &watchlists, &decision, now);
    if classification.category == Category::Praise && decision.deliver != Deliver::None {
        copy_to_praised(engine, &entry, &decision, &mut deliveries, now);
    }
    let mention = Mention {
        id: 0,
        source: source.name.clone(),
        entry,
        fetched: now,
        watchlists,
        classification,
        decision,
        perk_doubt,
        erased: None,
    };
    NewMention { mention, keys, words, prints, deliveries, author, theme }
}

/// Who gets a mail about a mention: one a person, the notice before the copy before the alert.
pub(super) fn deliveries(
    engine: &Engine,
    watchlists: &[WatchlistMatch],
    decision: &Decision,
    now: Timestamp,
) -> Vec<NewDelivery> {
    let mut mails = BTreeMap::<String, (String, DeliveryContent)>::new();
    let mut add = |recipient: &str, content: DeliveryContent| {
        if decision.is_kept_from(recipient) {
            return;
        }
        mails.entry(recipient.to_lowercase()).or_insert_with(|| (recipient.to_owned(), content));
    };
    if decision.deliver == Deliver::Now {
        for (key, copy) in
            std::iter::once((&decision.department, false)).chain(decision.copy.iter().map(|key| (key, true)))
        {
            if let Some(department) = engine.config.routing.department(key) {
                let person = decision.person.as_deref().filter(|_| !copy);
                let content = DeliveryContent::Notice {
                    department: key.clone(),
                    copy,
                    person: person.is_some(),
                    news: None,
                    praised: false,
                };
                add(person.unwrap_or(&department.email), content);
            }
        }
    }
    let mut subscribers = BTreeMap::<&str, Vec<String>>::new();
    for matched in watchlists {
        for recipient in engine.watchlist(&matched.name).map(|w| w.alert.as_slice()).unwrap_or_default() {
            subscribers.entry(recipient).or_default().push(matched.name.clone());
        }
    }
    for (recipient, watchlists) in subscribers {
        add(recipient, DeliveryContent::Alert { watchlists, news: None });
    }
    mails
        .into_values()
        .map(|(recipient, content)| NewDelivery { recipient, message_id: engine.message_id(now), content, once: None })
        .collect()
}

/// Whoever is praised by name hears of it at once, however their department collects its mail, and beside an alert that
/// does not say that they are meant; unless they get the notice anyway.
fn copy_to_praised(
    engine: &Engine,
    entry: &Entry,
    decision: &Decision,
    deliveries: &mut Vec<NewDelivery>,
    now: Timestamp,
) {
    for (department, member) in routing::praised(&engine.config.routing, &entry.title, &entry.text) {
        let notified = |d: &NewDelivery| d.content.kind() == DeliveryKind::Notice;
        let told = deliveries.iter().any(|d| notified(d) && d.recipient.eq_ignore_ascii_case(&member.email));
        if told || decision.is_kept_from(&member.email) {
            continue;
        }
        let content = DeliveryContent::Notice {
            department: department.key.clone(),
            copy: true,
            person: true,
            news: None,
            praised: true,
        };
        deliveries.push(NewDelivery {
            recipient: member.email.clone(),
            message_id: engine.message_id(now),
            content,
            once: None,
        });
    }
}

/// The words in which a term was found, as they are written.
fn written<'e>(entry: &'e Entry, matched: &Matched) -> Option<&'e str> {
    let part = match matched.part {
        Part::Title => entry.title.as_str(),
        Part::Text => entry.text.as_str(),
        Part::Author | Part::Site | Part::Url | Part::Link => return None,
    };
    part.get(matched.start..matched.end)
}

/// Cuts a long text to a window that holds the first match, and moves the places along.
fn keep_window(entry: &mut Entry, watchlists: &mut [WatchlistMatch]) {
    if entry.text.len() <= MAX_KEPT_TEXT {
        return;
    }
    let places = || watchlists.iter().flat_map(|w| &w.matched).filter(|m| m.part == Part::Text);
    let first = places().map(|m| m.start).min().unwrap_or(0);
    let start = if first < MAX_KEPT_TEXT - KEPT_BEFORE { 0 } else { first - KEPT_BEFORE };
    let start = entry.text.ceil_char_boundary(start);
    let end = entry.text.floor_char_boundary(start + MAX_KEPT_TEXT);
    entry.text = entry.text[start..end].to_owned();
    for watchlist in watchlists {
        watchlist.matched.retain(|m| m.part != Part::Text || (m.start >= start && m.end <= end));
        for matched in watchlist.matched.iter_mut().filter(|m| m.part == Part::Text) {
            matched.start -= start;
            matched.end -= start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_kept_around_its_first_match() {
        let text = format!("{} Acmé {}", "é".repeat(20_000), "x".repeat(20_000));
        let at = text.find("Acmé").unwrap();
        let mut entry = Entry { text, ..Entry::default() };
        let matched = Matched { part: Part::Text, start: at, end: at + 5, term: "acmé".into() };
        let mut lists = [WatchlistMatch { name: "a".into(), matched: vec![matched] }];
        keep_window(&mut entry, &mut lists);
        let place = &lists[0].matched[0];
        assert_eq!(&entry.text[place.start..place.end], "Acmé");
        assert!(entry.text.len() <= MAX_KEPT_TEXT);
    }
}
