//! The seen index (sled): what every source's entries were, and by what mentions' texts are recognised. It is hot and it
//! can be rebuilt from the record, so it is written without waiting for the disk. Which story a link belongs to is not
//! here: the poll's own transaction must ask the record for it anyway.
//!
//! Keys of the one tree:
//!
//! | key | value |
//! |---|---|
//! | `s` + source name | day when last seen (4 bytes), packed hashes of the source's entries (`sources::identity::Known`) |
//! | `t` + 8 bytes | one hash of a text's sketch (`dedup::near`): mention (8 bytes), day when last seen (4 bytes) |
//! | `high` | number of the newest mention marked here (8 bytes) |
//!
//! Numbers are big-endian, days are counted from 1970. `f` + source name is the first version's `s`, without a day; `k`
//! were links, in earlier versions, which nobody asked for: both go when the index is pruned.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::StoreError;
use super::near::Recent;
use super::record::Fingerprints;
use crate::dedup::near::Sketch;
use crate::dedup::report::Report;
use crate::point;

/// Bytes of sled's page cache, as pages are on disk. In memory they take about seven times as
/// much (160 bytes a text key), which is what the soak must not outgrow.
const CACHE_BYTES: u64 = 4 << 20;
const HIGH: &[u8] = b"high";
/// Mentions that a text is compared with exactly, at most.
pub(super) const MAX_CANDIDATES: usize = 8;
/// How long an index that is still held is waited for: ten seconds.
const HELD_ATTEMPTS: u32 = 500;
const HELD_PAUSE: Duration = Duration::from_millis(20);
/// Keys that are looked at between two pauses of [`Seen::prune`].
const PRUNE_STEP: usize = 10_000;

/// The open index.
pub struct Seen {
    tree: sled::Db,
    path: PathBuf,
    recent: Recent,
}

/// What one poll adds.
#[derive(Debug, Default)]
pub struct Marks {
    pub source: String,
    /// Packed hashes of the source's entries, if they changed.
    pub known: Option<Vec<u8>>,
    /// Sketches of mentions' texts.
    pub sketches: Vec<(i64, Sketch)>,
    /// Number of the newest mention among what the poll brought.
    pub high: Option<i64>,
}

impl Seen {
    /// Opens the index; one that cannot be opened (sled may panic on a damaged one) is moved aside and begun anew. One that
    /// is still held is waited for: sled's threads write behind a closed index and let go of it a moment later.
    ///
    /// # Errors
    /// Not even an empty index can be made there, or another process holds it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_within(path, HELD_ATTEMPTS)
    }

    fn open_within(path: &Path, attempts: u32) -> Result<Self, StoreError> {
        let fault = |message| StoreError::Index { path: path.into(), message };
        match open_when_free(path, attempts) {
            Ok(tree) => Ok(Self { tree, path: path.into(), recent: Recent::default() }),
            Err(Fault::Held(message)) => Err(fault(message)),
            Err(Fault::Damaged(message)) => {
                let aside = free_name(path);
                tracing::warn!(
                    event = "index_damaged",
                    index = %path.display(),
                    moved_to = %aside.display(),
                    reason = message,
                    "the seen index could not be opened; it was moved aside and is rebuilt from the record"
                );
                std::fs::rename(path, &aside).map_err(|source| StoreError::Io {
                    path: path.into(),
                    source,
                    hint: "move this folder away by hand; it is rebuilt from the record",
                })?;
                let tree = try_open(path).map_err(|(Fault::Held(message) | Fault::Damaged(message))| fault(message))?;
                Ok(Self { tree, path: path.into(), recent: Recent::default() })
            }
        }
    }

    /// Number of the newest mention that is marked here; 0 in an empty index.
    pub fn high(&self) -> i64 {
        self.tree.get(HIGH).ok().flatten().and_then(|v| v.as_ref().try_into().ok()).map_or(0, i64::from_be_bytes)
    }

    /// Takes over what the record knows and the index does not.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn rebuild(self, fingerprints: Fingerprints, newest: i64, now: Timestamp) -> Result<Self, StoreError> {
        tracing::warn!(
            event = "index_rebuilt",
            index = %self.path.display(),
            texts = fingerprints.len(),
            "the seen index was short of what the record holds and was rebuilt from it; no alert is repeated"
        );
        for part in fingerprints.chunks(1_000) {
            // Each with its own day, so that it is forgotten when it would have been.
            for same_day in part.chunk_by(|a, b| day(a.1) == day(b.1)) {
                let sketches = same_day.iter().map(|(mention, _, sketch, _)| (*mention, sketch.clone())).collect();
                self.mark(&[Marks { sketches, ..Marks::default() }], same_day[0].1)?;
            }
        }
        point::at("index-rebuilding");
        self.mark(&[Marks { high: Some(newest), ..Marks::default() }], now)?;
        point::at("index-rebuilt");
        Ok(self)
    }

    /// What is known of a source's entries, packed.
    pub fn known(&self, source: &str) -> Option<Vec<u8>> {
        match self.tree.get(source_key(source)).ok().flatten() {
            Some(value) => value.get(4..).map(<[u8]>::to_vec),
            None => self.tree.get([b"f", source.as_bytes()].concat()).ok().flatten().map(|v| v.to_vec()),
        }
    }

    /// Mentions whose text may be the same as one with this sketch: those with most hashes in common first.
    pub fn candidates(&self, sketch: &Sketch) -> Vec<i64> {
        let mut votes: Vec<(u32, i64)> = Vec::new();
        for hash in &sketch.0 {
            let marked = self.tree.get(text_key(*hash)).ok().flatten().and_then(|v| number(&v));
            for mention in marked.into_iter().chain(self.recent.unmarked(*hash)) {
                match votes.iter_mut().find(|(_, known)| *known == mention) {
                    Some(vote) => vote.0 += 1,
                    None => votes.push((1, mention)),
                }
            }
        }
        votes.sort_by(|a, b| b.cmp(a));
        votes.truncate(MAX_CANDIDATES);
        votes.into_iter().map(|(_, mention)| mention).collect()
    }

    /// Mentions that report the same event as this report.
    pub fn reports_like(&self, report: &Report) -> Vec<i64> {
        self.recent.reports_like(report)
    }

    /// Remembers a mention that is recorded, until it is marked.
    pub fn note(&self, mention: i64, sketch: &Sketch, report: &Report) {
        self.recent.add(mention, sketch, report);
    }

    /// Forgets what was last seen before these times: sources, and texts. Sources that are configured stay. Goes through
    /// the index in steps and calls `pause` between them, so that it can run beside the daemon's work. How many keys were
    /// forgotten.
    ///
    /// # Errors
    /// The index cannot be read or written.
    pub fn prune(
        &self,
        sources_before: Timestamp,
        texts_before: Timestamp,
        configured: &dyn Fn(&str) -> bool,
        pause: &dyn Fn(),
    ) -> Result<u64, StoreError> {
        let (sources, texts) = (day(sources_before), day(texts_before));
        let stale = |key: &[u8], value: &[u8]| match key.split_first() {
            Some((b's', name)) => day_at(value, 0) < sources && !std::str::from_utf8(name).is_ok_and(configured),
            Some((b'f', name)) if key != HIGH => !std::str::from_utf8(name).is_ok_and(configured),
            Some((b'k', _)) => true,
            Some((b't', _)) => day_at(value, 8) < texts,
            _ => false,
        };
        let mut forgotten = 0;
        let mut from: Vec<u8> = Vec::new();
        loop {
            let mut batch = sled::Batch::default();
            let (mut looked_at, mut found) = (0, 0);
            let mut last = None;
            for item in self.tree.range(from.clone()..).take(PRUNE_STEP) {
                let (key, value) = item.map_err(|error| self.fault(&error))?;
                looked_at += 1;
                if stale(&key, &value) {
                    batch.remove(&key);
                    found += 1;
                }
                last = Some(key);
            }
            if found > 0 {
                self.tree.apply_batch(batch).map_err(|error| self.fault(&error))?;
                forgotten += found;
            }
            match last {
                Some(last) if looked_at == PRUNE_STEP => from = [&last, [0].as_slice()].concat(),
                _ => return Ok(forgotten),
            }
            pause();
        }
    }

    /// Forgets by what these mentions' texts are recognised.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn forget(&self, sketches: &[(i64, Sketch)]) -> Result<(), StoreError> {
        for (mention, sketch) in sketches {
            for hash in &sketch.0 {
                let key = text_key(*hash);
                let marked = self.tree.get(key).map_err(|error| self.fault(&error))?;
                if marked.and_then(|value| number(&value)) == Some(*mention) {
                    self.tree.remove(key).map_err(|error| self.fault(&error))?;
                }
            }
        }
        self.recent.marked(sketches.iter());
        self.flush()
    }

    /// Marks what polls brought: first what their mentions are found by, key by key, then the sources' entries and the
    /// newest mention's number in one atomic batch. Whoever stops in between has that number lag behind the record, which
    /// brings the rest when the index is opened again.
    ///
    /// Not all in one batch: sled keeps every version of every page that a batch touches until its end, and a thousand
    /// keys are on a thousand pages (measured: a million keys in batches of a thousand took 3.4 GB, one by one 0.1 GB).
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn mark(&self, polls: &[Marks], now: Timestamp) -> Result<(), StoreError> {
        let day = day(now).to_be_bytes();
        let insert = |key: &[u8], number: i64| {
            let mut value = [0_u8; 12];
            value[..8].copy_from_slice(&number.to_be_bytes());
            value[8..].copy_from_slice(&day);
            self.tree.insert(key, &value).map(|_| ()).map_err(|error| self.fault(&error))
        };
        for marks in polls {
            for (mention, sketch) in &marks.sketches {
                for hash in &sketch.0 {
                    insert(&text_key(*hash), *mention)?;
                }
            }
        }
        point::at("index-marking");
        let mut batch = sled::Batch::default();
        for marks in polls {
            if let Some(known) = &marks.known {
                batch.insert(source_key(&marks.source), [&day, known.as_slice()].concat());
            }
        }
        if let Some(high) = polls.iter().filter_map(|marks| marks.high).max()
            && high > self.high()
        {
            batch.insert(HIGH, high.to_be_bytes().as_slice());
        }
        self.tree.apply_batch(batch).map_err(|error| self.fault(&error))?;
        point::at("index-marked");
        self.recent.marked(polls.iter().flat_map(|marks| &marks.sketches));
        Ok(())
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.tree.flush().map(|_| ()).map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &sled::Error) -> StoreError {
        StoreError::Index { path: self.path.clone(), message: error.to_string() }
    }
}

/// Why the index cannot be opened.
enum Fault {
    /// Somebody has it open: that is no damage, and what it holds must not be put aside.
    Held(String),
    Damaged(String),
}

fn open_when_free(path: &Path, attempts: u32) -> Result<sled::Db, Fault> {
    for _ in 1..attempts {
        match try_open(path) {
            Err(Fault::Held(_)) => std::thread::sleep(HELD_PAUSE),
            answer => return answer,
        }
    }
    try_open(path)
}

fn try_open(path: &Path) -> Result<sled::Db, Fault> {
    let open = || sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(Some(5_000)).open();
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(tree)) => Ok(tree),
        Ok(Err(error)) => {
            let message = error.to_string();
            // sled has no error of its own for it.
            let held = matches!(error, sled::Error::Io(_)) && message.contains("could not acquire lock");
            Err(if held { Fault::Held(message) } else { Fault::Damaged(message) })
        }
        Err(_) => Err(Fault::Damaged("it is damaged (sled panicked while opening it)".into())),
    }
}

fn free_name(path: &Path) -> PathBuf {
    (1..)
        .map(|n| path.with_extension(format!("damaged-{n}")))
        .find(|p| !p.exists())
        .unwrap_or_else(|| path.with_extension("damaged"))
}

fn source_key(source: &str) -> Vec<u8> {
    [b"s", source.as_bytes()].concat()
}

fn text_key(hash: u64) -> [u8; 9] {
    let mut out = [b't'; 9];
    out[1..].copy_from_slice(&hash.to_be_bytes());
    out
}

/// The number at the start of a value.
fn number(value: &[u8]) -> Option<i64> {
    value.first_chunk().map(|bytes| i64::from_be_bytes(*bytes))
}

fn day(at: Timestamp) -> u32 {
    u32::try_from(at.as_second() / 86_400).unwrap_or(0)
}

/// The day in a value; a value without one is as old as can be.
fn day_at(value: &[u8], at: usize) -> u32 {
    value.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn marks() -> Marks {
        Marks { source: "a".into(), known: Some(vec![1, 2]), high: Some(9), sketches: vec![(9, Sketch(vec![1, 2, 3]))] }
    }

    #[test]
    fn what_is_marked_is_found_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seen");
        let seen = Seen::open(&path).unwrap();
        seen.mark(&[marks()], NOW).unwrap();
        seen.flush().unwrap();
        drop(seen);
        let seen = Seen::open(&path).unwrap();
        assert_eq!(seen.known("a"), Some(vec![1, 2]));
        assert_eq!(seen.candidates(&Sketch(vec![3, 2, 8])), [9]);
        assert_eq!((seen.high(), seen.known("b"), seen.candidates(&Sketch(vec![8]))), (9, None, vec![]));
    }

    #[test]
    fn an_index_that_is_still_held_is_not_taken_for_a_damaged_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seen");
        let first = Seen::open(&path).unwrap();
        first.mark(&[marks()], NOW).unwrap();
        let error = Seen::open_within(&path, 1).err().unwrap().to_string();
        assert!(error.contains("lock"), "{error}");
        // As sled does: it is let go of while somebody is waiting for it.
        let again = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Seen::open(&path).unwrap());
            drop(first);
            waiting.join().unwrap()
        });
        assert_eq!(again.known("a"), Some(vec![1, 2]));
        assert!(!dir.path().join("seen.damaged-1").exists());
    }

    #[test]
    fn hazard_39_a_damaged_index_is_moved_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seen");
        let seen = Seen::open(&path).unwrap();
        seen.mark(&[marks()], NOW).unwrap();
        seen.flush().unwrap();
        drop(seen);
        std::fs::write(path.join("conf"), b"not a sled configuration").unwrap();
        let seen = Seen::open(&path).unwrap();
        assert_eq!(seen.high(), 0);
        assert!(dir.path().join("seen.damaged-1").exists());
        let prints = vec![(9, NOW, Sketch(vec![1, 2]), Report::default())];
        let seen = seen.rebuild(prints, 9, NOW).unwrap();
        assert_eq!((seen.high(), seen.candidates(&Sketch(vec![2]))), (9, vec![9]));
    }

    #[test]
    fn what_was_not_seen_for_long_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let seen = Seen::open(&dir.path().join("seen")).unwrap();
        let days = |n: i64| NOW + jiff::SignedDuration::from_hours(24 * n);
        let poll = |n: u8| Marks {
            source: format!("source {n}"),
            known: Some(vec![n]),
            high: Some(i64::from(n)),
            sketches: vec![(i64::from(n), Sketch(vec![u64::from(n)]))],
        };
        seen.tree.insert(b"fsource 9", vec![1]).unwrap();
        seen.tree.insert(b"k0123456789abcdef", vec![0; 12]).unwrap();
        for n in 1..=3 {
            seen.mark(&[poll(n)], days(10 * i64::from(n))).unwrap();
        }
        // Sources since day 15, texts since day 25; source 1 is configured.
        let forgotten = seen.prune(days(15), days(25), &|source| source == "source 1", &|| {}).unwrap();
        assert_eq!(forgotten, 2 + 2, "two texts, and a source and a link of earlier layouts");
        assert_eq!([1, 2, 3].map(|n| seen.candidates(&Sketch(vec![n])).len()), [0, 0, 1]);
        assert_eq!((seen.known("source 1"), seen.known("source 9"), seen.high()), (Some(vec![1]), None, 3));
        assert_eq!(seen.prune(days(15), days(25), &|source| source == "source 1", &|| {}).unwrap(), 0);
        assert_eq!(seen.prune(days(99), days(99), &|_| false, &|| {}).unwrap(), 3 + 1);
        assert_eq!(seen.high(), 3);
    }

    #[test]
    fn candidates_are_found_before_and_after_they_are_marked() {
        let dir = tempfile::tempdir().unwrap();
        let seen = Seen::open(&dir.path().join("seen")).unwrap();
        let (one, two) = (Sketch(vec![1, 2, 3]), Sketch(vec![3, 4, 5]));
        seen.note(1, &one, &Report::default());
        seen.note(2, &two, &Report::default());
        assert_eq!(seen.candidates(&Sketch(vec![1, 2, 9])), [1]);
        seen.mark(&[Marks { sketches: vec![(1, one), (2, two)], ..Marks::default() }], NOW).unwrap();
        assert_eq!(seen.candidates(&Sketch(vec![1, 2, 4])), [1, 2]);
        assert!(seen.candidates(&Sketch(vec![8, 9])).is_empty());
    }
}
