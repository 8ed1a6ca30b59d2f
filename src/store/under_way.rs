//! What has left since the record last heard of it: a small file beside the record in which each mail is noted when it
//! is handed to the relay and when the relay took it. A commit a mail would cost more than the mail; this costs two small
//! writes, and after a crash it still tells which mails were taken and which one's fate is unknown.
//!
//! The file has its full size from the start, so that a full disk cannot keep a mail that was sent from being noted. It
//! is not synced: a power cut may repeat the mails of one batch, with the same Message-IDs.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::StoreError;

/// Mails that can be noted between two commits.
pub(super) const SLOTS: usize = 64;
/// Bytes of one note: two numbers of up to 20 digits and a word, filled with spaces, and a line end.
const SLOT: usize = 64;

/// The notes on mails that left.
pub(super) struct UnderWay {
    file: File,
    path: PathBuf,
    /// Taken by the relay, and when; not in the record yet.
    sent: Vec<(i64, Timestamp)>,
    /// Handed to the relay, and not answered yet; or by a process that did not live to note the answer.
    begun: Option<i64>,
    /// Taken out of the outbox while a courier may hold them.
    withdrawn: HashSet<i64>,
}

impl UnderWay {
    /// Opens (or makes) the file and reads what an earlier process left in it.
    ///
    /// # Errors
    /// The file cannot be made or read.
    pub(super) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let (file, notes) = open(&path).map_err(|source| failed(&path, source))?;
        let mut under_way = Self { file, path, sent: Vec::new(), begun: None, withdrawn: HashSet::new() };
        for note in notes.chunks(SLOT) {
            let mut words = note
                .split(|b| b.is_ascii_whitespace())
                .filter(|w| !w.is_empty())
                .filter_map(|w| str::from_utf8(w).ok());
            let (mark, id, at) = (words.next(), words.next().and_then(number), words.next().and_then(number));
            match (mark, id, at) {
                (Some("sent"), Some(id), Some(at)) => {
                    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
                    under_way.sent.push((id, at));
                }
                (Some("now"), Some(id), _) => under_way.begun = Some(id),
                _ => {}
            }
        }
        Ok(under_way)
    }

    /// Notes that a mail is handed to the relay from now on. At most [`SLOTS`] mails fit between two calls of
    /// [`UnderWay::clear`]. False: it was withdrawn.
    ///
    /// # Errors
    /// The file cannot be written: the mail must not be sent.
    pub(super) fn begin(&mut self, id: i64) -> Result<bool, StoreError> {
        if self.withdrawn.remove(&id) {
            return Ok(false);
        }
        self.begun = Some(id);
        self.note(&begun(id)).map(|()| true)
    }

    /// These mails are not to be sent, whoever read them from the outbox before.
    pub(super) fn withdraw(&mut self, ids: Vec<i64>) {
        self.withdrawn.extend(ids);
    }

    /// Notes that the relay took the mail that was begun.
    ///
    /// # Errors
    /// The file cannot be written: after a crash the mail would be sent again, marked as a possible duplicate.
    pub(super) fn taken(&mut self, id: i64, at: Timestamp) -> Result<(), StoreError> {
        let noted = self.note(&format!("sent {id} {}", at.as_millisecond()));
        self.sent.push((id, at));
        self.begun = None;
        noted
    }

    /// Notes that the mail that was begun was not delivered, for certain.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn not_taken(&mut self) -> Result<(), StoreError> {
        self.begun = None;
        self.note("")
    }

    /// Room for no more mails: the record must hear of those that were sent first.
    pub(super) fn is_full(&self) -> bool {
        self.sent.len() >= SLOTS
    }

    /// Mails that the relay took and the record has not heard of, and when.
    pub(super) fn sent(&self) -> &[(i64, Timestamp)] {
        &self.sent
    }

    /// The mail that was handed over and not answered.
    pub(super) fn begun(&self) -> Option<i64> {
        self.begun
    }

    /// Forgets the mails that were sent: the record knows of them.
    ///
    /// # Errors
    /// The file cannot be written; what it holds is then told to the record again at the next start, which changes
    /// nothing there.
    pub(super) fn clear(&mut self) -> Result<(), StoreError> {
        self.sent.clear();
        let mut notes = blank(SLOTS);
        if let Some(id) = self.begun {
            let words = begun(id);
            notes[..words.len()].copy_from_slice(words.as_bytes());
        }
        self.file.write_all_at(&notes, 0).map_err(|source| failed(&self.path, source))
    }

    /// Writes into the slot after the last mail that was sent.
    fn note(&self, words: &str) -> Result<(), StoreError> {
        let slot = self.sent.len().min(SLOTS - 1);
        let line = format!("{words:<width$}\n", width = SLOT - 1);
        self.file.write_all_at(line.as_bytes(), (slot * SLOT) as u64).map_err(|source| failed(&self.path, source))
    }
}

fn open(path: &Path) -> std::io::Result<(File, Vec<u8>)> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let mut notes = vec![0; SLOTS * SLOT];
    let whole = file.metadata()?.len() == notes.len() as u64;
    if whole {
        file.read_exact_at(&mut notes, 0)?;
    } else {
        // New, or made by a process that ended before anything could be noted.
        notes = blank(SLOTS);
        file.set_len(0)?;
        file.write_all_at(&notes, 0)?;
    }
    Ok((file, notes))
}

fn blank(slots: usize) -> Vec<u8> {
    let mut line = [b' '; SLOT];
    line[SLOT - 1] = b'\n';
    line.repeat(slots)
}

fn begun(id: i64) -> String {
    format!("now {id}")
}

fn number(word: &str) -> Option<i64> {
    word.parse().ok()
}

fn failed(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::Io {
        path: path.into(),
        source,
        hint: "mail waits until the state folder can be written; make room, or give the user that runs mentiond the right to write there",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::constant(1_790_000_000, 0);

    #[test]
    fn what_left_is_known_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("under-way");
        let mut first = UnderWay::open(path.clone()).unwrap();
        first.begin(7).unwrap();
        first.taken(7, AT).unwrap();
        first.begin(8).unwrap();
        first.not_taken().unwrap();
        first.begin(9).unwrap();
        drop(first);
        let mut second = UnderWay::open(path.clone()).unwrap();
        assert_eq!((second.sent(), second.begun()), ([(7, AT)].as_slice(), Some(9)));
        second.clear().unwrap();
        drop(second);
        let mut second = UnderWay::open(path.clone()).unwrap();
        assert_eq!((second.sent(), second.begun()), ([].as_slice(), Some(9)));
        second.not_taken().unwrap();
        drop(second);
        let third = UnderWay::open(path).unwrap();
        assert_eq!((third.sent(), third.begun()), ([].as_slice(), None));
    }

    #[test]
    fn a_full_batch_fits_and_the_file_never_grows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("under-way");
        let mut notes = UnderWay::open(path.clone()).unwrap();
        for n in 0..SLOTS as i64 {
            assert!(!notes.is_full());
            notes.begin(i64::MAX - n).unwrap();
            notes.taken(i64::MAX - n, AT).unwrap();
        }
        assert!(notes.is_full());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), (SLOTS * SLOT) as u64);
        assert_eq!(UnderWay::open(path).unwrap().sent(), notes.sent());
    }

    #[test]
    fn a_file_that_was_cut_short_or_overwritten_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("under-way");
        for content in [b"now 5".to_vec(), vec![0xff; SLOTS * SLOT], b"sent x y z ".repeat(400)] {
            std::fs::write(&path, content).unwrap();
            let notes = UnderWay::open(path.clone()).unwrap();
            assert_eq!((notes.sent(), notes.begun()), ([].as_slice(), None));
        }
    }
}
