//! Sources on this machine: a file, or a folder of files.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::model::{Cursor, ErrorClass, PollFault};

/// Files of one folder that are read, in name order.
pub const MAX_FILES: usize = 10_000;

/// What a file or folder holds.
#[derive(Debug, PartialEq, Eq)]
pub enum LocalAnswer {
    /// Sizes and modification times are those of the last poll.
    NotModified,
    Documents {
        documents: Vec<LocalDocument>,
        fingerprint: String,
    },
}

/// One file.
#[derive(Debug, PartialEq, Eq)]
pub struct LocalDocument {
    pub path: PathBuf,
    pub body: Vec<u8>,
}

/// Reads a file, or the files of a folder in name order (hidden files and sub-folders are left alone), unless nothing
/// changed since `cursor`. Blocks; `max_body` is the cap on each file, in bytes.
///
/// # Errors
/// Nothing is there, it may not be read, or a file is larger than `max_body`.
pub fn read(path: &Path, cursor: &Cursor, max_body: usize) -> Result<LocalAnswer, PollFault> {
    let files = files(path)?;
    let fingerprint = files.iter().map(|(path, meta)| fingerprint(path, meta)).collect::<Vec<_>>().join("|");
    let fingerprint = shortened(&fingerprint);
    if cursor.fingerprint.as_deref() == Some(fingerprint.as_str()) {
        return Ok(LocalAnswer::NotModified);
    }
    let mut documents = Vec::with_capacity(files.len());
    for (path, _) in files {
        let mut body = Vec::new();
        let limit = u64::try_from(max_body).unwrap_or(u64::MAX).saturating_add(1);
        File::open(&path).and_then(|f| f.take(limit).read_to_end(&mut body)).map_err(|error| fault(&path, &error))?;
        if body.len() > max_body {
            return Err(PollFault {
                class: ErrorClass::Forbidden,
                message: format!(
                    "{} is larger than max_body ({max_body} bytes); raise `max_body` in [fetch] or split the file",
                    path.display()
                ),
                retry_after: None,
            });
        }
        documents.push(LocalDocument { path, body });
    }
    Ok(LocalAnswer::Documents { documents, fingerprint })
}

fn files(path: &Path) -> Result<Vec<(PathBuf, Metadata)>, PollFault> {
    let meta = fs::metadata(path).map_err(|error| fault(path, &error))?;
    if !meta.is_dir() {
        return Ok(vec![(path.into(), meta)]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| fault(path, &error))? {
        let entry = entry.map_err(|error| fault(path, &error))?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let meta = fs::metadata(entry.path()).map_err(|error| fault(&entry.path(), &error))?;
        if meta.is_file() && !hidden && found.len() < MAX_FILES {
            found.push((entry.path(), meta));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn fingerprint(path: &Path, meta: &Metadata) -> String {
    let modified = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
    format!("{} {} {modified}", path.display(), meta.len())
}

/// A folder of many files would make a long cursor; its digest does as well.
fn shortened(fingerprint: &str) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(fingerprint).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn fault(path: &Path, error: &std::io::Error) -> PollFault {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => "check `path` in the source's table",
        std::io::ErrorKind::PermissionDenied => "let the user that runs mentiond read it",
        _ => "check the disk",
    };
    PollFault {
        class: ErrorClass::Refused,
        message: format!("{} cannot be read: {error}; {hint}", path.display()),
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_in_name_order_and_only_when_it_changed() {
        let dir = tempfile::tempdir().unwrap();
        for (name, body) in [("b.xml", "B"), ("a.xml", "A"), (".hidden", "H")] {
            fs::write(dir.path().join(name), body).unwrap();
        }
        fs::create_dir(dir.path().join("sub")).unwrap();
        let mut cursor = Cursor::default();
        let Ok(LocalAnswer::Documents { documents, fingerprint }) = read(dir.path(), &cursor, 10) else { panic!() };
        assert_eq!(documents.iter().map(|d| d.body.as_slice()).collect::<Vec<_>>(), [b"A", b"B"]);
        cursor.fingerprint = Some(fingerprint);
        assert_eq!(read(dir.path(), &cursor, 10), Ok(LocalAnswer::NotModified));
        fs::write(dir.path().join("a.xml"), "AA").unwrap();
        assert!(matches!(read(dir.path(), &cursor, 10), Ok(LocalAnswer::Documents { .. })));
    }

    #[test]
    fn what_cannot_be_read_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let missing = read(&dir.path().join("none"), &Cursor::default(), 10).unwrap_err();
        assert!(missing.message.contains("check `path`"), "{missing}");
        fs::write(dir.path().join("big"), "0123456789X").unwrap();
        let big = read(dir.path(), &Cursor::default(), 10).unwrap_err();
        assert_eq!(big.class, ErrorClass::Forbidden);
        assert!(big.message.contains("max_body"), "{big}");
    }
}
