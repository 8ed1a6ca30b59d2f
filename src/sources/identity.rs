//! Which entries are new: identities, and what is remembered of a feed to tell. An entry is its id, else its link, else
//! its content; ids that prove unreliable (one for several entries, new ones at each poll) are given up for the link
//! or the content, with the reason in words. Runs on every entry of every document that changed.

mod storm;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::feed::RawEntry;
use crate::model::Identity;

pub use storm::{Storm, storm};

/// Entries that are remembered per feed at most; 28 bytes each.
pub const MAX_KNOWN: usize = 20_000;

/// Beyond the current entries, this many times as many and this many more are remembered: what left the document may
/// come back.
const REMEMBERED: (usize, usize) = (2, 200);
/// Of services, whose answers hold what is new and not what there is: at least so many, since a poll that broke off shows
/// few of those that the next one may show again.
const REMEMBERED_MADE: usize = 3_000;

/// Layout of the packed value.
const VERSION: u8 = 2;
const RECORD: usize = 28;
/// The first layout had no dates.
const VERSION_WITHOUT_DATES: u8 = 1;
const RECORD_WITHOUT_DATES: usize = 24;

/// What tells the entries of a feed apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentifyBy {
    Id,
    Link,
    Content,
}

impl IdentifyBy {
    /// The word kept in the cursor.
    pub fn as_str(self) -> &'static str {
        match self {
            IdentifyBy::Id => "id",
            IdentifyBy::Link => "link",
            IdentifyBy::Content => "content",
        }
    }

    fn parse(word: &str) -> Self {
        match word {
            "link" => IdentifyBy::Link,
            "content" => IdentifyBy::Content,
            _ => IdentifyBy::Id,
        }
    }
}

/// What a sighting of an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not seen before.
    New,
    /// Seen before with another content.
    Edited,
    /// Seen before as it is.
    Seen,
}

/// One entry of the document, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its place among the entries that were given.
    pub index: usize,
    pub identity: Identity,
    pub kind: Kind,
}

/// What [`identify`] found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Identified {
    pub by: IdentifyBy,
    /// Why ids (or links) were given up in this document, if they were: for the log and the source's health.
    pub degraded: Option<String>,
    /// In document order. Entries that are the same in every way appear once.
    pub sightings: Vec<Sighting>,
    /// To be remembered instead of what was known.
    pub known: Known,
    /// Whether that differs from what was known.
    pub changed: bool,
}

/// What is remembered of one entry: hashes of its id, link, content and date; 0 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record {
    id: u64,
    link: u64,
    content: u64,
    date: u32,
}

/// What is remembered of a feed: its current entries in document order, then those that left it, latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    records: Vec<Record>,
}

impl Known {
    /// Unpacks what [`Known::to_bytes`] packed. Bytes of another version, or damaged ones, are an empty memory.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let Some((version, packed)) = bytes.split_first() else { return Self::default() };
        let word = |r: &[u8], at: usize| r[at..at + 8].iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
        let record = |r: &[u8], date| Record { id: word(r, 0), link: word(r, 8), content: word(r, 16), date };
        let (records, rest): (Vec<Record>, &[u8]) = match *version {
            VERSION => {
                let (records, rest) = packed.as_chunks::<RECORD>();
                let date = |r: &[u8; RECORD]| u32::from_le_bytes([r[24], r[25], r[26], r[27]]);
                (records.iter().map(|r| record(r, date(r))).collect(), rest)
            }
            VERSION_WITHOUT_DATES => {
                let (records, rest) = packed.as_chunks::<RECORD_WITHOUT_DATES>();
                (records.iter().map(|r| record(r, 0)).collect(), rest)
            }
            _ => return Self::default(),
        };
        if !rest.is_empty() || records.len() > MAX_KNOWN {
            return Self::default();
        }
        Self { records }
    }

    /// A version byte and 28 bytes an entry.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 + self.records.len() * RECORD);
        out.push(VERSION);
        for r in &self.records {
            [r.id, r.link, r.content].iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
            out.extend_from_slice(&r.date.to_le_bytes());
        }
        out
    }

    /// Entries that are remembered.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// True if nothing is remembered: the feed was never read.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

/// Tells the entries of a document apart from each other and from what is known. `by` is the cursor's `identify_by`:
/// what was given up once stays given up.
pub fn identify(raw: &[RawEntry], known: &Known, by: Option<&str>) -> Identified {
    identify_as(raw, known, by, false)
}

/// [`identify`] for entries whose ids hold for ever, each for one thing: they are never given up, whatever they say.
pub fn identify_made(raw: &[RawEntry], known: &Known) -> Identified {
    identify_as(raw, known, None, true)
}

fn identify_as(raw: &[RawEntry], known: &Known, by: Option<&str>, trusted: bool) -> Identified {
    let records: Vec<Record> = raw.iter().map(record).collect();
    let unique = Unique::of(&records);
    let mut by = by.map_or(IdentifyBy::Id, IdentifyBy::parse);
    let mut degraded = None;
    let index = Index::of(known);
    if trusted {
        // Nothing to find out.
    } else if by == IdentifyBy::Id
        && let Some(reason) = unreliable(&records, &unique, known, &index)
    {
        by = if unique.links_serve(&records) { IdentifyBy::Link } else { IdentifyBy::Content };
        degraded = Some(format!("{reason}; they are told apart by {} from now on", by.as_str()));
    } else if by == IdentifyBy::Link && !records.is_empty() && !unique.links_serve(&records) {
        by = IdentifyBy::Content;
        degraded = Some("several entries share a link; they are told apart by content from now on".to_owned());
    }
    let mut sightings = Vec::with_capacity(raw.len());
    let mut current = Vec::with_capacity(raw.len());
    let mut met: HashMap<(u8, u64), ()> = HashMap::with_capacity(raw.len());
    for (i, (entry, record)) in raw.iter().zip(&records).enumerate() {
        let key = key(record, by, &unique);
        if met.insert((key as u8, key.of(record)), ()).is_some() {
            continue;
        }
        let kind = match index.find(key, record) {
            Some(before) if known.records[before].content == record.content => Kind::Seen,
            Some(_) => Kind::Edited,
            // Without an id of its own and the same in all else: what tells it apart changed, not the entry. With one
            // it is a new entry that says the same, which is for the stories to find out.
            None if key != Key::Id && index.same(known, record) => Kind::Seen,
            None => Kind::New,
        };
        sightings.push(Sighting { index: i, identity: identity(entry, key), kind });
        current.push(*record);
    }
    let least = if trusted { REMEMBERED_MADE } else { 0 };
    let known_now = remember(current, known, by, &unique, least);
    let changed = known_now != *known;
    Identified { by, degraded, sightings, known: known_now, changed }
}

/// The current entries, then what was known and is not among them, up to the cap. The memory of a feed that once was
/// long is kept: a document that is short for a day must not make the next one look new.
fn remember(mut current: Vec<Record>, known: &Known, by: IdentifyBy, unique: &Unique, least: usize) -> Known {
    let cap = (current.len() * REMEMBERED.0 + REMEMBERED.1).max(known.len()).max(least).min(MAX_KNOWN);
    current.truncate(cap);
    let full_key = |r: &Record| {
        let key = key(r, by, unique);
        (key as u8, key.of(r), if key == Key::Content { r.link } else { 0 })
    };
    let mut here: Vec<_> = current.iter().map(full_key).collect();
    here.sort_unstable();
    let gone = known.records.iter().filter(|r| here.binary_search(&full_key(r)).is_err());
    let gone: Vec<Record> = gone.take(cap - current.len()).copied().collect();
    current.extend(gone);
    Known { records: current }
}

/// Why ids cannot be trusted, if they cannot.
fn unreliable(records: &[Record], unique: &Unique, known: &Known, index: &Index) -> Option<String> {
    if unique.shared_ids > 0 {
        return Some(format!("{} different entries share an id", unique.shared_ids));
    }
    if known.is_empty() || records.is_empty() {
        return None;
    }
    let with_id = || records.iter().filter(|r| r.id != 0);
    let unknown = || with_id().filter(|r| index.by_id(r.id).is_none());
    let (new, moved) = (unknown().count(), unknown().filter(|r| index.same(known, r)).count());
    if moved > 0 && moved * 2 >= new && (moved > 1 || records.len() == 1) {
        return Some(format!("{moved} entries that were known came with new ids"));
    }
    // One id that stands for something else each time.
    let reused = with_id()
        .filter(|r| r.link != 0)
        .filter_map(|r| index.by_id(r.id).map(|at| (r, known.records[at])))
        .filter(|(now, before)| before.link != 0 && now.link != before.link && now.content != before.content)
        .count();
    let count = with_id().count();
    (reused > 0 && reused * 2 >= count && (reused > 1 || records.len() == 1))
        .then(|| format!("{reused} entries came with the ids of others"))
}

/// What of a record is its key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Id = 0,
    Link = 1,
    Content = 2,
}

impl Key {
    fn of(self, record: &Record) -> u64 {
        match self {
            Key::Id => record.id,
            Key::Link => record.link,
            Key::Content => record.content,
        }
    }
}

fn key(record: &Record, by: IdentifyBy, unique: &Unique) -> Key {
    let link = record.link != 0 && unique.has_link(record.link);
    match by {
        IdentifyBy::Id if record.id != 0 => Key::Id,
        IdentifyBy::Id | IdentifyBy::Link if link => Key::Link,
        _ => Key::Content,
    }
}

/// Which ids and links of a document stand for one entry only.
struct Unique {
    /// Links that several different entries share.
    shared_links: Vec<u64>,
    /// Entries that share an id with a different one.
    shared_ids: usize,
}

impl Unique {
    fn of(records: &[Record]) -> Self {
        let mut sorted: Vec<Record> = records.to_vec();
        sorted.sort_unstable_by_key(|r| (r.id, r.link, r.content));
        sorted.dedup();
        let same_id = |a: &Record, b: &Record| a.id != 0 && a.id == b.id;
        let shared_ids = sorted.chunk_by(same_id).filter(|c| c.len() > 1).map(<[Record]>::len).sum();
        sorted.sort_unstable_by_key(|r| (r.link, r.content, r.id));
        sorted.dedup_by_key(|r| (r.link, r.content));
        let shared_links = sorted
            .chunk_by(|a, b| a.link != 0 && a.link == b.link)
            .filter(|c| c.len() > 1)
            .filter_map(|c| c.first().map(|r| r.link))
            .collect();
        Self { shared_links, shared_ids }
    }

    fn has_link(&self, link: u64) -> bool {
        self.shared_links.binary_search(&link).is_err()
    }

    /// Whether most entries have a link of their own.
    fn links_serve(&self, records: &[Record]) -> bool {
        let own = records.iter().filter(|r| r.link != 0 && self.has_link(r.link)).count();
        own * 10 >= records.len() * 9
    }
}

/// What is known, sorted by each of the hashes.
struct Index {
    ids: Vec<(u64, Reverse<usize>)>,
    links: Vec<(u64, Reverse<usize>)>,
    contents: Vec<(u64, Reverse<usize>)>,
}

impl Index {
    fn of(known: &Known) -> Self {
        let sorted = |hash: fn(&Record) -> u64| {
            // Of several records with one hash the latest is found: it stands first in the memory, so last here.
            let mut list: Vec<_> =
                known.records.iter().map(hash).zip((0..).map(Reverse)).filter(|(h, _)| *h != 0).collect();
            list.sort_unstable();
            list
        };
        Self { ids: sorted(|r| r.id), links: sorted(|r| r.link), contents: sorted(|r| r.content) }
    }

    fn latest(list: &[(u64, Reverse<usize>)], hash: u64) -> Option<usize> {
        let end = list.partition_point(|(h, _)| *h <= hash);
        list[..end].last().filter(|(h, _)| *h == hash).map(|(_, at)| at.0)
    }

    fn by_id(&self, id: u64) -> Option<usize> {
        Self::latest(&self.ids, id)
    }

    fn find(&self, key: Key, record: &Record) -> Option<usize> {
        match key {
            Key::Id => self.by_id(record.id),
            Key::Link => Self::latest(&self.links, record.link),
            Key::Content => Self::latest(&self.contents, record.content),
        }
    }

    /// Whether an entry with that content and, where both have one, that link is known.
    fn same(&self, known: &Known, record: &Record) -> bool {
        let start = self.contents.partition_point(|(h, _)| *h < record.content);
        self.contents[start..]
            .iter()
            .take_while(|(h, _)| *h == record.content)
            .take(MAX_TWINS)
            .any(|(_, at)| known.records[at.0].link == record.link)
    }
}

/// Known entries of one content that are looked at.
const MAX_TWINS: usize = 100;

fn record(entry: &RawEntry) -> Record {
    let id = entry.id.trim();
    let id = if id.is_empty() { 0 } else { first_8(&digest("id", id.as_bytes())) };
    let link = comparable_link(&entry.link).map_or(0, |l| fast(LINK_SEED, l.as_bytes()));
    let body =
        if entry.content.text.len() >= entry.summary.text.len() { &entry.content.text } else { &entry.summary.text };
    let mut content = fast(CONTENT_SEED, entry.title.text.as_bytes());
    content = fast(content, body.as_bytes());
    content = fast(content, entry.author.name.as_bytes());
    Record { id, link, content, date: storm::date(&entry.published) }
}

/// The link without what changes when a site moves to https; `None` if it leads to a site's front page, which tells
/// nothing apart.
fn comparable_link(link: &str) -> Option<&str> {
    let link = link.trim();
    let bare = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://")).unwrap_or(link);
    let bare = bare.strip_prefix("www.").unwrap_or(bare);
    let bare = bare.strip_suffix('/').unwrap_or(bare);
    let absolute = bare.len() != link.len() && link.contains("://");
    (!bare.is_empty() && (!absolute || bare.contains(['/', '?']))).then_some(bare)
}

fn identity(entry: &RawEntry, key: Key) -> Identity {
    Identity(match key {
        Key::Id => digest("id", entry.id.trim().as_bytes()),
        Key::Link => digest("link", comparable_link(&entry.link).unwrap_or("").as_bytes()),
        Key::Content => {
            let [title, content, summary] = [&entry.title, &entry.content, &entry.summary].map(|t| t.text.as_str());
            let body = if content.len() >= summary.len() { content } else { summary };
            digest("content", [title, "\0", body, "\0", &entry.author.name].concat().as_bytes())
        }
    })
}

/// The identity of an entry whose id holds for ever.
pub fn of_id(id: &str) -> Identity {
    Identity(digest("id", id.trim().as_bytes()))
}

/// The first 128 bits of SHA-256 over a kind and a value.
fn digest(kind: &str, value: &[u8]) -> [u8; 16] {
    let full = Sha256::new().chain_update(kind.as_bytes()).chain_update([0]).chain_update(value).finalize();
    let mut out = [0u8; 16];
    out.iter_mut().zip(full.iter()).for_each(|(o, b)| *o = *b);
    out
}

fn first_8(digest: &[u8; 16]) -> u64 {
    digest[..8].iter().fold(0u64, |n, b| n << 8 | u64::from(*b)).max(1)
}

const LINK_SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const CONTENT_SEED: u64 = 0xd1b5_4a32_d192_ed03;

/// A fast hash that stays the same over versions and machines (it is stored): 16 bytes at a time, folded by a wide
/// multiplication as in wyhash. It decides only whether something is the same as before, never who somebody is.
fn fast(seed: u64, bytes: &[u8]) -> u64 {
    const A: u64 = 0xa076_1d64_78bd_642f;
    const B: u64 = 0xe703_7ed1_a0b4_28db;
    let fold = |x: u64, y: u64| {
        let wide = u128::from(x) * u128::from(y);
        (wide as u64) ^ ((wide >> 64) as u64)
    };
    let word = |b: &[u8]| b.iter().rev().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let (blocks, tail) = bytes.as_chunks::<16>();
    let mut state = seed ^ A;
    for block in blocks {
        let (low, high) = block.split_at(8);
        let pair = [low, high].map(|h| <[u8; 8]>::try_from(h).map_or(0, u64::from_le_bytes));
        state = fold(pair[0] ^ B, pair[1] ^ state);
    }
    let (low, high) = tail.split_at(tail.len().min(8));
    state = fold(word(low) ^ B, word(high) ^ state);
    fold(state ^ A, (bytes.len() as u64) ^ B).max(1)
}
