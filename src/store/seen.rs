//! The seen index (sled): what every source's entries were, and which story a key belongs to. It is hot and it can be
//! rebuilt from the record, so it is written without waiting for the disk.
//!
//! Keys of the one tree (one tree, so that a poll's marks are one atomic batch):
//!
//! | key | value |
//! |---|---|
//! | `f` + source name | packed hashes of the source's entries (`sources::identity::Known`) |
//! | `k` + 16 bytes | story number (8 bytes), days since 1970 when last seen (4 bytes), big-endian |
//! | `high` | number of the newest mention marked here (8 bytes) |

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::StoreError;
use crate::dedup::StoryKey;

/// Bytes of sled's page cache: values are tiny, and a miss costs one read.
const CACHE_BYTES: u64 = 8 << 20;
const HIGH: &[u8] = b"high";

/// The open index.
pub struct Seen {
    tree: sled::Db,
    path: PathBuf,
}

/// What one poll adds.
#[derive(Debug, Default)]
pub struct Marks {
    pub source: String,
    /// Packed hashes of the source's entries, if they changed.
    pub known: Option<Vec<u8>>,
    /// Story keys with their story.
    pub keys: Vec<(StoryKey, i64)>,
    /// Number of the newest mention that these keys belong to.
    pub high: Option<i64>,
}

impl Seen {
    /// Opens the index; one that cannot be opened (sled may panic on a damaged one) is moved aside and begun anew.
    ///
    /// # Errors
    /// Not even an empty index can be made there.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match try_open(path) {
            Ok(tree) => Ok(Self { tree, path: path.into() }),
            Err(message) => {
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
                let tree = try_open(path).map_err(|message| StoreError::Index { path: path.into(), message })?;
                Ok(Self { tree, path: path.into() })
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
    pub fn rebuild(self, keys: &[(StoryKey, i64)], newest: i64, now: Timestamp) -> Result<Self, StoreError> {
        tracing::warn!(
            event = "index_rebuilt",
            index = %self.path.display(),
            keys = keys.len(),
            "the seen index was short of what the record holds and was rebuilt from it; no alert is repeated"
        );
        for part in keys.chunks(10_000) {
            self.mark(&[Marks { keys: part.to_vec(), ..Marks::default() }], now)?;
        }
        self.mark(&[Marks { high: Some(newest), ..Marks::default() }], now)?;
        Ok(self)
    }

    /// What is known of a source's entries, packed.
    pub fn known(&self, source: &str) -> Option<Vec<u8>> {
        self.tree.get(source_key(source)).ok().flatten().map(|v| v.to_vec())
    }

    /// The story that a key belongs to.
    pub fn story(&self, key: &StoryKey) -> Option<i64> {
        let value = self.tree.get(story_key(key)).ok().flatten()?;
        value.get(..8).and_then(|v| v.try_into().ok()).map(i64::from_be_bytes)
    }

    /// Marks what polls brought, in one atomic batch.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn mark(&self, polls: &[Marks], now: Timestamp) -> Result<(), StoreError> {
        let day = u32::try_from(now.as_second() / 86_400).unwrap_or(0).to_be_bytes();
        let mut batch = sled::Batch::default();
        for marks in polls {
            if let Some(known) = &marks.known {
                batch.insert(source_key(&marks.source), known.as_slice());
            }
            for (key, story) in &marks.keys {
                let mut value = [0_u8; 12];
                value[..8].copy_from_slice(&story.to_be_bytes());
                value[8..].copy_from_slice(&day);
                batch.insert(story_key(key).as_slice(), value.as_slice());
            }
        }
        if let Some(high) = polls.iter().filter_map(|marks| marks.high).max()
            && high > self.high()
        {
            batch.insert(HIGH, high.to_be_bytes().as_slice());
        }
        self.tree.apply_batch(batch).map_err(|error| self.fault(&error))
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

fn try_open(path: &Path) -> Result<sled::Db, String> {
    let open = || sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(Some(5_000)).open();
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Ok(tree)) => Ok(tree),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("it is damaged (sled panicked while opening it)".into()),
    }
}

fn free_name(path: &Path) -> PathBuf {
    (1..)
        .map(|n| path.with_extension(format!("damaged-{n}")))
        .find(|p| !p.exists())
        .unwrap_or_else(|| path.with_extension("damaged"))
}

fn source_key(source: &str) -> Vec<u8> {
    [b"f", source.as_bytes()].concat()
}

fn story_key(key: &StoryKey) -> Vec<u8> {
    [b"k", key.0.as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn marks() -> Marks {
        Marks { source: "a".into(), known: Some(vec![1, 2]), keys: vec![(StoryKey([7; 16]), 3)], high: Some(9) }
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
        assert_eq!(seen.story(&StoryKey([7; 16])), Some(3));
        assert_eq!((seen.high(), seen.known("b"), seen.story(&StoryKey([8; 16]))), (9, None, None));
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
        let seen = seen.rebuild(&[(StoryKey([7; 16]), 3)], 9, NOW).unwrap();
        assert_eq!((seen.high(), seen.story(&StoryKey([7; 16]))), (9, Some(3)));
    }
}
