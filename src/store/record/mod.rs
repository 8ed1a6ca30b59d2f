//! The record (SQLite): mentions, stories, cases, outbox, source cursors and health. Everything that must not be lost or
//! said twice has its place, and its unique key, here. One file a subject; [`writer`] is the only one that writes.

mod case_files;
mod cases;
mod copy;
mod corrections;
pub(in crate::store) mod erase;
mod listing;
mod looks;
#[cfg(test)]
mod model_tests;
mod outbox;
mod perks;
mod polls;
mod relay;
mod replies;
mod retention;
mod rows;
mod sign_ins;
mod since;
mod sources;
mod stories;
mod storms;
mod stuck;
mod summaries;
mod themes;
mod told;
mod unmatched;
#[cfg(test)]
mod upgrade_tests;
mod versions;
mod warnings;
mod withdrawn;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::under_way::UnderWay;
use crate::dedup::forgotten::Forgotten;
use crate::point;

pub use case_files::{CaseFile, EarlierCase, LaterMention};
pub use cases::{CaseDesk, CaseFilter, CaseRow};
pub(super) use copy::{Contents, copy, prepare_restored};
pub use corrections::{CorrectionRow, NewCorrection};
pub use erase::Erasure;
pub use listing::{AlsoSeen, DeliveryRow, MentionFilter, MentionRow, OutboxCounts};
pub use looks::{DueLook, Looked, Seen};
pub use outbox::{Crowded, Due, Waiting};
pub use perks::PerkCodes;
pub use polls::{DeliveryContent, Edit, NewDelivery, NewMention, PollCommit, PollOutcome, Recorded};
pub use relay::RelayState;
pub use replies::{NewReply, Replied};
pub use retention::Aged;
pub use sign_ins::SIGN_IN_WITHIN;
pub use since::Steps;
pub use sources::SourceState;
pub use stories::{Fingerprints, StoryRow};
pub use storms::Held;
pub use stuck::LastReminder;
pub use summaries::{LastDigest, Look, Moment};
use themes::ThemeMemory;
pub use themes::foretelling::Foreteller;
pub use themes::listing::{ThemeFace, ThemeFile, ThemeFilter, ThemeMention, ThemeRow};
pub use unmatched::{KeptPoll, Unmatched};
pub use versions::Version;
pub use warnings::Listening;
use writer::Writer;

/// Schema versions in order; a record is brought forward through all that it has not seen.
const MIGRATIONS: [&str; 17] = [
    include_str!("schema.sql"),
    include_str!("relay.sql"),
    include_str!("cases.sql"),
    include_str!("unmatched.sql"),
    include_str!("copies.sql"),
    include_str!("corrections.sql"),
    include_str!("themes.sql"),
    include_str!("sign_ins.sql"),
    include_str!("replies.sql"),
    include_str!("privacy.sql"),
    include_str!("summaries.sql"),
    include_str!("looks.sql"),
    include_str!("sign_outs.sql"),
    include_str!("warnings.sql"),
    include_str!("mention_cases.sql"),
    include_str!("standstills.sql"),
    include_str!("digest_steps.sql"),
];

/// Pages of 4 KiB in the write-ahead log before it is worked into the file.
const CHECKPOINT_PAGES: u32 = 4_000;

/// How long a reader or another process waits for the file.
const BUSY: std::time::Duration = std::time::Duration::from_secs(10);

/// The open record: one writer thread, and read connections as needed.
pub struct Record {
    path: PathBuf,
    writer: Writer,
    under_way: Mutex<UnderWay>,
    /// What must not come back.
    forgotten: Mutex<Arc<Forgotten>>,
    readers: Arc<Mutex<Vec<Connection>>>,
    /// What themes are recognised by, as the record has it at its mark.
    themes: ThemeMemory,
}

impl Record {
    /// Opens (or makes) the record and brings its schema up to date.
    ///
    /// # Errors
    /// The file cannot be opened or written, or it is newer than this program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        make_steady(&connection)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.set_prepared_statement_cache_capacity(64);
        // A migration may make a table anew that others refer to.
        connection.pragma_update(None, "foreign_keys", false)?;
        migrate(&mut connection, path)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let under_way = Mutex::new(UnderWay::open(path.with_file_name("under-way"))?);
        let forgotten = Mutex::new(Arc::new(erase::load(&connection)?));
        let writer = Writer::start(connection)?;
        Ok(Self {
            path: path.into(),
            writer,
            under_way,
            forgotten,
            readers: Arc::default(),
            themes: ThemeMemory::default(),
        })
    }

    /// A read-only view for commands beside a running daemon.
    ///
    /// # Errors
    /// There is no record yet, it cannot be read, or it has another schema than this program's: a newer one, or an older
    /// one, which only a writer brings forward.
    pub fn open_to_read(path: &Path) -> Result<Reader, StoreError> {
        let connection = open_reader(path)?;
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        check_version(found, path)?;
        let known = known_schema();
        if found < known {
            return Err(StoreError::Older { path: path.into(), found, known });
        }
        Ok(Reader(connection))
    }

    /// Runs `work` inside the writer's next transaction; answers when that is on disk (`durable`), or safe against the
    /// end of this process but not against a power cut (`!durable`).
    async fn write<T: Send + 'static>(
        &self,
        durable: bool,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.run(durable, work).await
    }

    /// Runs a query on a read connection, away from the async threads.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = Arc::clone(&self.readers);
        let path = self.path.clone();
        super::blocking(move || {
            let free = readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
            let connection = match free {
                Some(connection) => connection,
                None => open_reader(&path)?,
            };
            let result = work(&connection);
            readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(connection);
            result
        })
        .await
    }

    /// Number of the newest mention; 0 if there is none.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn newest_mention(&self) -> Result<i64, StoreError> {
        self.read(|c| Ok(c.query_row("SELECT ifnull(max(id), 0) FROM mentions", [], |row| row.get(0))?)).await
    }

    /// Why the record can no longer be written, if that is so.
    pub fn fault(&self) -> Option<String> {
        self.writer.fault()
    }

    /// Ends the writer after all that was handed to it.
    pub async fn close(self) {
        self.writer.close().await;
    }
}

/// A read-only connection of a command.
pub struct Reader(Connection);

impl Reader {
    /// [`Record::open_to_read`] of this record.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, StoreError> {
        Record::open_to_read(path)
    }
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    make_steady(&connection)?;
    Ok(connection)
}

/// Sets a new connection up. Statements keep their plan whatever values are bound to them (SQLite's "query planner
/// stability guarantee"): without it the bundled SQLite plans joins anew at every binding, in case its statistics say
/// something about the value; we keep no statistics.
fn make_steady(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // What a statement needs to undo itself, or to sort, is kept in memory: in a container with a read-only root there is
    // no folder for temporary files.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// Version of the schema that this program writes.
pub(super) const fn known_schema() -> i64 {
    MIGRATIONS.len() as i64
}

fn check_version(found: i64, path: &Path) -> Result<(), StoreError> {
    let known = known_schema();
    if found > known { Err(StoreError::Newer { path: path.into(), found, known }) } else { Ok(()) }
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    check_version(found, path)?;
    for (version, script) in (1_i64..).zip(MIGRATIONS).skip(usize::try_from(found).unwrap_or(0)) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(script)?;
        point::at("record-migrating");
        if transaction.prepare("PRAGMA foreign_key_check")?.exists([])? {
            return Err(StoreError::Commit(format!("schema {version} would leave rows that refer to nothing")));
        }
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

fn moment(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn statements_are_planned_once() {
        let dir = tempfile::tempdir().unwrap();
        let record = Record::open(&dir.path().join("record.sqlite")).unwrap();
        let planned_anew = record
            .write(false, |c| {
                let mut statement = c.prepare(
                    "SELECT k.story, m.words FROM story_keys k JOIN mentions m ON m.id = k.mention WHERE k.key = ?1",
                )?;
                for n in 0..3_u8 {
                    assert!(!statement.exists([[n; 16]])?);
                }
                Ok(statement.get_status(rusqlite::StatementStatus::RePrepare))
            })
            .await
            .unwrap();
        assert_eq!(planned_anew, 0);
        record.close().await;
    }
}
