//! The record as a file that is copied: into a backup while another process writes, and out of one.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::super::StoreError;
use super::{check_version, open_reader};

/// Pages of 4 KiB copied between two looks at the clock.
const PAGES: i32 = 2_000;
/// How often a moment is looked for in which record and notes belong together.
const TRIES: usize = 100;

/// What a copy holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Contents {
    pub(in crate::store) schema: i64,
    pub(in crate::store) mentions: u64,
    pub(in crate::store) cases: u64,
    /// Mails that have not left.
    pub(in crate::store) waiting: u64,
}

/// Copies the record `from` into the file `to`, as it stands at one moment; whoever writes it is not kept waiting.
/// Also returns what `read_notes` gives for the same moment.
///
/// The notes on mails that left (`under-way`) are told to the record and then cleared. Were they read after a clearing
/// that the copy has not heard of, the mails of a batch would be forgotten and sent again. So: the copy's moment is
/// fixed by a read transaction, the notes are read, and if the record heard of mails meanwhile it is done over.
///
/// # Errors
/// The record cannot be read or is newer than this program, the copy cannot be written, or it does not read back well.
pub(in crate::store) fn copy<T>(
    from: &Path,
    to: &Path,
    mut read_notes: impl FnMut() -> Result<T, StoreError>,
) -> Result<(Contents, T), StoreError> {
    let source = open_reader(from)?;
    check_version(schema(&source)?, from)?;
    let other = open_reader(from)?;
    let mut tries = 0;
    let notes = loop {
        source.execute_batch("BEGIN")?;
        let settled = settled(&source)?;
        let notes = read_notes()?;
        tries += 1;
        if self::settled(&other)? == settled {
            break notes;
        }
        source.execute_batch("COMMIT")?;
        if tries == TRIES {
            return Err(StoreError::Commit("mail leaves too fast for a copy; try again in a minute".into()));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut target = Connection::open(to)?;
    Backup::new(&source, &mut target)?.run_to_completion(PAGES, Duration::ZERO, None)?;
    // One file, without a log beside it.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    let contents = look_through(&target, to)?;
    Ok((contents, notes))
}

/// Prepares a record that comes out of a backup: it must be whole, and what waited in it may have left since, so those
/// mails carry the note that they may come twice.
///
/// # Errors
/// It is damaged, newer than this program, or cannot be written.
pub(in crate::store) fn prepare_restored(path: &Path) -> Result<Contents, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "journal_mode", "DELETE")?;
    check_version(schema(&connection)?, path)?;
    let contents = look_through(&connection, path)?;
    connection.execute("UPDATE outbox SET possible_duplicate = 1 WHERE status IN ('queued', 'deferred')", [])?;
    Ok(contents)
}

/// How many mails the record knows to have left.
fn settled(connection: &Connection) -> Result<u64, StoreError> {
    Ok(connection.query_row("SELECT count(*) FROM outbox WHERE status = 'sent'", [], |row| row.get(0))?)
}

fn schema(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Reads every page, and counts.
fn look_through(connection: &Connection, path: &Path) -> Result<Contents, StoreError> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(StoreError::Damaged { path: path.into(), found });
    }
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get(0));
    Ok(Contents {
        schema: schema(connection)?,
        mentions: count("SELECT count(*) FROM mentions")?,
        cases: count("SELECT count(*) FROM cases")?,
        waiting: count("SELECT count(*) FROM outbox WHERE status IN ('queued', 'deferred')")?,
    })
}
