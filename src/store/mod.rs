//! State: the record (SQLite, the truth) and the seen index (sled, rebuildable). The only module that names either.
//!
//! Order of a poll: record committed (mentions, deliveries and the cursor in one transaction) → index marked. A crash
//! anywhere repeats work and loses nothing, because everything that must not repeat has its key in the record too.

pub mod backup;
mod near;
pub mod record;
mod remains;
pub mod seen;
mod under_way;

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::dedup::near::Sketch;
use crate::model::Person;
use record::{CaseDesk, Erasure, Record};
pub use remains::Remains;
use seen::Seen;

/// What can go wrong with the state folder.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {source}; {hint}")]
    Io { path: PathBuf, source: std::io::Error, hint: &'static str },
    #[error(
        "{path} is in use by another mentiond (process {pid}); stop it first, or give this one a `state` folder of its own"
    )]
    InUse { path: PathBuf, pid: String },
    #[error(
        "the record {path} was written by a newer mentiond (schema {found}, this one knows {known}); upgrade, or restore a backup"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error(
        "the record {path} was written by an older mentiond (schema {found}, this one reads {known}); start the daemon \
         once, or restart the one that runs, and it is brought forward with all that it holds"
    )]
    Older { path: PathBuf, found: i64, known: i64 },
    #[error("a restore into {0} was interrupted, so it is not whole; run `mentiond restore DIR --force` again")]
    HalfRestored(PathBuf),
    #[error("the record {path} is damaged ({found}); restore a backup")]
    Damaged { path: PathBuf, found: String },
    #[error("the record is damaged ({0}); `mentiond restore DIR --force` puts a backup in its place and sets it aside")]
    Malformed(rusqlite::Error),
    #[error("the record could not be used: {0}")]
    Record(rusqlite::Error),
    #[error(
        "the record could not be used: {0}; is the disk full, read-only or broken? `df -h` and `dmesg` tell; start again \
         once that is mended"
    )]
    Disk(rusqlite::Error),
    #[error("the record could not be written: {0}; what was being recorded is tried again at the next start")]
    Commit(String),
    #[error("the seen index {path} could not be used: {message}")]
    Index { path: PathBuf, message: String },
    #[error("the record holds something unreadable: {0}")]
    Content(#[from] serde_json::Error),
    #[error(
        "what was erased is still in the log of the record, because another program keeps reading it; end that program \
         (`mentiond backtest`? a backup? sqlite3?) and do it again"
    )]
    Busy,
    #[error("the record's writer has stopped")]
    Stopped,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly, SystemIoFailure};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => StoreError::Malformed(error),
            Some(DiskFull | ReadOnly | SystemIoFailure) => StoreError::Disk(error),
            _ => StoreError::Record(error),
        }
    }
}

impl StoreError {
    /// True when going on would lose something: the disk is full, read-only or broken.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, StoreError::Content(_) | StoreError::Busy)
    }
}

/// The state folder, held by this process alone.
pub struct Store {
    folder: PathBuf,
    record: Record,
    seen: OnceCell<Arc<Seen>>,
    /// Held for as long as the store is open; the operating system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl Store {
    /// Opens (or makes) the state folder, takes its lock and brings the record up to date.
    ///
    /// # Errors
    /// The folder cannot be made or written, another process holds it, or the record is newer than this program.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        // The record holds what people wrote and who they are: for nobody else's eyes.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|source| StoreError::Io {
            path: folder.into(),
            source,
            hint: "make the folder and let the user that runs mentiond write to it, or set `state` in [daemon]",
        })?;
        let lock = lock(folder)?;
        backup::check_whole(folder)?;
        let record = Record::open(&folder.join("record.sqlite"))?;
        Ok(Self { folder: folder.into(), record, seen: OnceCell::new(), _lock: lock })
    }

    /// The record.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The seen index, opened when first asked for: a round in which every source answers "not modified" never needs it.
    ///
    /// # Errors
    /// The index can neither be opened nor rebuilt (full or read-only disk).
    pub async fn seen(&self, now: Timestamp) -> Result<Arc<Seen>, StoreError> {
        self.seen
            .get_or_try_init(|| async {
                let newest = self.record.newest_mention().await?;
                let path = self.folder.join("seen");
                let mut opened = blocking(move || Seen::open(&path)).await?;
                if opened.high() < newest {
                    let texts = self.record.fingerprints(opened.high()).await?;
                    opened = blocking(move || opened.rebuild(texts, newest, now)).await?;
                }
                for (mention, report) in self.record.recent_reports(now).await? {
                    opened.note(mention, &Sketch::default(), &report);
                }
                Ok(Arc::new(opened))
            })
            .await
            .cloned()
    }

    /// Forgets a person everywhere in the state folder, and looks through it afterwards: what was erased, and what still
    /// names them. With `dry_run` nothing is changed, and the second part says what names them now. The caller has
    /// marked all polls in the seen index.
    ///
    /// # Errors
    /// The state cannot be read or written. What was erased from the record stays erased.
    pub async fn forget(
        &self,
        person: Person,
        desk: Arc<CaseDesk>,
        now: Timestamp,
        dry_run: bool,
    ) -> Result<(Erasure, Vec<Remains>), StoreError> {
        let (erasure, aftermath) = self.record.erase(person.clone(), desk, now, dry_run).await?;
        if !dry_run {
            let seen = self.seen(now).await?;
            blocking(move || seen.forget(&aftermath.sketches)).await?;
            self.record.sweep().await?;
        }
        let folder = self.folder.clone();
        let remains = blocking(move || remains::search(&folder, &person)).await?;
        Ok((erasure, remains))
    }

    /// Writes what is still in memory and stops the writer.
    pub async fn close(self) {
        if let Some(seen) = self.seen.into_inner() {
            let _ = tokio::task::spawn_blocking(move || seen.flush()).await;
        }
        self.record.close().await;
    }
}

/// Runs file work away from the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::Stopped),
    }
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let io = |source| StoreError::Io {
        path: path.clone(),
        source,
        hint: "let the user that runs mentiond write to the state folder",
    };
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)
                .and_then(|()| file.rewind())
                .and_then(|()| write!(file, "{}", std::process::id()))
                .map_err(io)?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            Err(StoreError::InUse { path: folder.into(), pid: if pid.is_empty() { "unknown".into() } else { pid } })
        }
        Err(std::fs::TryLockError::Error(source)) => Err(io(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_damaged_record_is_said_to_be_damaged_and_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        Store::open(folder.path()).unwrap().close().await;
        let path = folder.path().join("record.sqlite");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[..64].fill(b'x');
        std::fs::write(&path, bytes).unwrap();
        let said = Store::open(folder.path()).err().unwrap().to_string();
        assert!(said.contains("is damaged") && said.contains("restore DIR --force"), "{said}");
    }
}
