//! Backup and restore of the state folder: what is in a copy, and how it is proved whole. A backup is a folder with the
//! record, the notes on mails that left, whatever other small files lie in the state folder (keys), and a manifest that
//! is written last. The seen index is left out: it is made anew from the record.
//!
//! A backup needs nothing of a daemon that runs, not even that it answers: it reads beside it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::StoreError;
use super::record::{Contents, copy, known_schema, prepare_restored};

/// Name of the file that tells what a backup holds; a folder without it is none, or was not finished.
const MANIFEST: &str = "manifest.json";
/// What this program writes; it reads no other.
const FORMAT: u32 = 1;
const RECORD: &str = "record.sqlite";
const NOTES: &str = "under-way";
/// Beside a state that is being replaced: until it is gone, the state is not whole.
const RESTORING: &str = "restoring";
/// Before the names of files that are not in their place yet.
const NEW: &str = "restoring-";
/// A larger file in the state folder is not mentiond's.
const MAX_FILE: u64 = 1 << 20;
/// Bytes of a manifest at most.
const MAX_MANIFEST: u64 = 1 << 20;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Form of the backup.
    pub format: u32,
    /// Version of the program that wrote it.
    pub mentiond: String,
    /// Version of the record's schema.
    pub schema: i64,
    pub made: Timestamp,
    pub mentions: u64,
    pub cases: u64,
    /// Mails that had not left.
    pub waiting: u64,
    pub files: Vec<CopiedFile>,
    /// What lies in the state folder and is not in the backup.
    #[serde(default)]
    pub left_out: Vec<String>,
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedFile {
    pub name: String,
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    pub backup: Manifest,
    /// Where the state is that was there before, if there was one.
    pub set_aside: Option<PathBuf>,
}

/// Why a backup or a restore was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(
        "there is no record in {0} yet, so there is nothing to back up; `mentiond once` or `mentiond run` makes it"
    )]
    NoRecord(PathBuf),
    #[error("{0} is not empty; name a folder that is new or empty, for example {0}/2026-12-31")]
    NotEmpty(PathBuf),
    #[error("{0} is no backup, or one that was not finished: it has no {MANIFEST}")]
    NoBackup(PathBuf),
    #[error("{path} cannot be read as the manifest of a backup: {why}; use another backup")]
    BadManifest { path: PathBuf, why: String },
    #[error(
        "the backup {path} was made by mentiond {by} (schema {found}, this one knows {known}); install that version or a newer one, then restore"
    )]
    Newer { path: PathBuf, by: String, found: i64, known: i64 },
    #[error("{path} is not as it was when the backup was made ({why}); nothing was changed, use another backup")]
    Changed { path: PathBuf, why: String },
    #[error(
        "{0} holds a state already; with --force it is set aside in a folder of its own, and the backup takes its place"
    )]
    Occupied(PathBuf),
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Copies the state in `state` into the folder `target`, as it is at one moment, while a daemon may go on working.
///
/// # Errors
/// There is no state, `target` is not empty, or something cannot be read or written. What was written is removed then.
pub fn back_up(state: &Path, target: &Path, now: Timestamp) -> Result<Manifest, BackupError> {
    if !state.join(RECORD).exists() {
        return Err(BackupError::NoRecord(state.into()));
    }
    make_folder(target)?;
    if read_folder(target)?.next().is_some() {
        return Err(BackupError::NotEmpty(target.into()));
    }
    let made = write_backup(state, target, now);
    if made.is_err() {
        // It was empty before.
        for entry in read_folder(target)?.flatten() {
            let _ = fs::remove_file(entry.path());
        }
    }
    made
}

fn write_backup(state: &Path, target: &Path, now: Timestamp) -> Result<Manifest, BackupError> {
    let record = target.join(RECORD);
    create(&record)?;
    let notes = state.join(NOTES);
    let read_notes = || match fs::read(&notes) {
        Ok(notes) => Ok(Some(notes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Io {
            path: notes.clone(),
            source,
            hint: "run the backup as root or as the user that runs mentiond",
        }),
    };
    let (Contents { schema, mentions, cases, waiting }, notes) = copy(&state.join(RECORD), &record, read_notes)?;
    let mut names = vec![RECORD.to_owned()];
    if let Some(notes) = notes {
        let path = target.join(NOTES);
        create(&path)?.write_all(&notes).map_err(io_error(&path))?;
        names.push(NOTES.to_owned());
    }
    let (more, left_out) = other_files(state)?;
    for name in more {
        copy_file(&state.join(&name), &target.join(&name))?;
        names.push(name);
    }
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        let path = target.join(&name);
        let (bytes, sha256) = fingerprint(&path)?;
        sync(&path)?;
        files.push(CopiedFile { name, bytes, sha256 });
    }
    let mentiond = env!("CARGO_PKG_VERSION").to_owned();
    let manifest = Manifest { format: FORMAT, mentiond, schema, made: now, mentions, cases, waiting, files, left_out };
    // Last, and whole or not at all.
    let (unfinished, path) = (target.join("manifest.unfinished"), target.join(MANIFEST));
    let text = serde_json::to_string_pretty(&manifest).map_err(StoreError::from)?;
    create(&unfinished)?.write_all(text.as_bytes()).map_err(io_error(&unfinished))?;
    sync(&unfinished)?;
    fs::rename(&unfinished, &path).map_err(io_error(&path))?;
    sync(target)?;
    Ok(manifest)
}

/// Small files of the state folder that are copied as they are, and the names of what is left out beside the index.
fn other_files(state: &Path) -> Result<(Vec<String>, Vec<String>), BackupError> {
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for entry in read_folder(state)? {
        let entry = entry.map_err(io_error(state))?;
        let kind = entry.metadata().map_err(io_error(&entry.path()))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with(RECORD) || name.starts_with(RESTORING) || ["lock", NOTES, MANIFEST].contains(&&*name) {
            continue;
        }
        if kind.is_file() && kind.len() <= MAX_FILE {
            taken.push(name);
        } else if kind.is_dir() || kind.is_file() {
            left.push(name);
        }
    }
    taken.sort();
    left.sort();
    Ok((taken, left))
}

/// Makes the state in `state` what it was when the backup `from` was made. A state that is there is set aside, not
/// deleted. Mails that waited in the backup carry the note that they may come twice: they may have left since.
///
/// # Errors
/// `from` is no whole backup or newer than this program, `state` is in use, or holds a state and not `force`, or
/// something cannot be read or written. All that can be checked is checked before anything is changed.
pub fn restore(from: &Path, state: &Path, force: bool, now: Timestamp) -> Result<Restored, BackupError> {
    let manifest = read_manifest(from)?;
    let known = known_schema();
    if manifest.schema > known {
        let (path, by, found) = (from.into(), manifest.mentiond, manifest.schema);
        return Err(BackupError::Newer { path, by, found, known });
    }
    for file in &manifest.files {
        compare(&from.join(&file.name), file)?;
    }
    make_folder(state)?;
    let _lock = super::lock(state)?;
    if (state.join(RECORD).exists() || state.join(RESTORING).exists()) && !force {
        return Err(BackupError::Occupied(state.into()));
    }
    // Root restores for the user of the service, to whom the folder belongs.
    let folder = fs::metadata(state).map_err(io_error(state))?;
    let staged = |name: &str| state.join(format!("{NEW}{name}"));
    for file in &manifest.files {
        let path = staged(&file.name);
        let _ = fs::remove_file(&path);
        copy_file(&from.join(&file.name), &path)?;
        compare(&path, file)?;
        let own = fs::metadata(&path).map_err(io_error(&path))?;
        if (own.uid(), own.gid()) != (folder.uid(), folder.gid()) {
            std::os::unix::fs::chown(&path, Some(folder.uid()), Some(folder.gid())).map_err(io_error(&path))?;
        }
    }
    prepare_restored(&staged(RECORD))?;
    for file in &manifest.files {
        sync(&staged(&file.name))?;
    }
    let marker = state.join(RESTORING);
    let _ = fs::remove_file(&marker);
    create(&marker)?.write_all(from.as_os_str().as_encoded_bytes()).map_err(io_error(&marker))?;
    sync(&marker)?;
    sync(state)?;
    let set_aside = set_aside(state, &manifest, now)?;
    // The record last: without it there is no state.
    for file in manifest.files.iter().rev() {
        let path = state.join(&file.name);
        fs::rename(staged(&file.name), &path).map_err(io_error(&path))?;
    }
    sync(state)?;
    fs::remove_file(&marker).map_err(io_error(&marker))?;
    sync(state)?;
    Ok(Restored { backup: manifest, set_aside })
}

/// Refuses a state folder in which a restore was interrupted.
pub(super) fn check_whole(state: &Path) -> Result<(), StoreError> {
    if state.join(RESTORING).exists() { Err(StoreError::HalfRestored(state.into())) } else { Ok(()) }
}

/// Moves what the restored files replace, and the index, into a folder of its own.
fn set_aside(state: &Path, manifest: &Manifest, now: Timestamp) -> Result<Option<PathBuf>, BackupError> {
    let mut names = vec!["seen".to_owned(), NOTES.to_owned()];
    names.extend(["", "-wal", "-shm", "-journal"].map(|end| format!("{RECORD}{end}")));
    names.extend(manifest.files.iter().map(|file| file.name.clone()));
    names.sort();
    names.dedup();
    names.retain(|name| state.join(name).exists());
    if names.is_empty() {
        return Ok(None);
    }
    let aside = state.join(format!("before-restore-{}", now.strftime("%Y%m%dT%H%M%S%3fZ")));
    make_folder(&aside)?;
    for name in names {
        fs::rename(state.join(&name), aside.join(&name)).map_err(io_error(&state.join(&name)))?;
    }
    sync(&aside)?;
    Ok(Some(aside))
}

fn read_manifest(from: &Path) -> Result<Manifest, BackupError> {
    let path = from.join(MANIFEST);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(BackupError::NoBackup(from.into())),
        Err(source) => return Err(BackupError::Io { path, source }),
    };
    let mut text = Vec::new();
    file.take(MAX_MANIFEST).read_to_end(&mut text).map_err(io_error(&path))?;
    let bad = |why: String| BackupError::BadManifest { path: path.clone(), why };
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(bad(format!("its form is {}, this mentiond reads {FORMAT}", manifest.format)));
    }
    for CopiedFile { name, .. } in &manifest.files {
        // Only names: nothing is written outside the state folder, whatever a manifest says.
        let plain = !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..";
        if !plain || name == "lock" || name.starts_with(RESTORING) {
            return Err(bad(format!("it names a file {name:?}")));
        }
    }
    // It is put in its place last, so it must come first.
    if manifest.files.first().is_none_or(|file| file.name != RECORD) {
        return Err(bad(format!("it does not begin with {RECORD}")));
    }
    Ok(manifest)
}

fn compare(path: &Path, file: &CopiedFile) -> Result<(), BackupError> {
    let changed = |why: String| BackupError::Changed { path: path.into(), why };
    if !path.exists() {
        return Err(changed("it is missing".into()));
    }
    let (bytes, sha256) = fingerprint(path)?;
    if bytes != file.bytes {
        return Err(changed(format!("{bytes} bytes instead of {}", file.bytes)));
    }
    if sha256 != file.sha256 { Err(changed("its SHA-256 is another".into())) } else { Ok(()) }
}

/// Length in bytes, and SHA-256 in hexadecimal.
fn fingerprint(path: &Path) -> Result<(u64, String), BackupError> {
    let mut file = File::open(path).map_err(io_error(path))?;
    let (mut hash, mut length, mut buffer) = (Sha256::new(), 0_u64, vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut buffer).map_err(io_error(path))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        length += read as u64;
    }
    Ok((length, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()))
}

fn io_error(path: &Path) -> impl Fn(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { path: path.clone(), source }
}

/// For its owner only, like the state.
fn make_folder(path: &Path) -> Result<(), BackupError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))
}

fn read_folder(path: &Path) -> Result<fs::ReadDir, BackupError> {
    fs::read_dir(path).map_err(io_error(path))
}

fn create(path: &Path) -> Result<File, BackupError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io_error(path))
}

fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut source = File::open(from).map_err(io_error(from))?;
    io::copy(&mut source, &mut create(to)?).map(|_| ()).map_err(io_error(to))
}

/// Waits until a file or folder is on disk.
fn sync(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(io_error(path))
}
