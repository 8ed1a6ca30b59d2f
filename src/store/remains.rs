//! The proof that a person was forgotten: what still names them in the state folder, in the record's tables and in the
//! bytes of every file.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::record::Reader;
use crate::model::Person;
use crate::text::needle::{BESIDE, Needle};

/// Bytes of a file that are looked at together.
const PART: usize = 1 << 20;
/// Folders inside folders that are looked into.
const DEPTH: usize = 8;

/// A place that still names the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remains {
    /// `mentions.content`, or a file's name.
    pub place: String,
    pub times: u64,
}

/// Everything in the state folder that still names a person; empty: nothing does.
///
/// # Errors
/// A file or the record cannot be read.
pub(super) fn search(folder: &Path, person: &Person) -> Result<Vec<Remains>, StoreError> {
    let Some(needle) = person.needle() else { return Ok(Vec::new()) };
    let live = Reader::open(&folder.join("record.sqlite"))?.names(person, &needle)?;
    let mut remains = live.theirs;
    // Of a person at some sources only, the bytes say nothing: the same name may stand elsewhere.
    if person.sources.is_empty() {
        let mut files = Vec::new();
        walk(folder, folder, DEPTH, &needle, &mut files)?;
        // Where a word of the configuration is written like the person, the record's file has it too.
        files.retain(|found: &Remains| !(found.place == "record.sqlite" && live.own_words > 0));
        remains.extend(files);
    }
    Ok(remains)
}

fn walk(root: &Path, folder: &Path, depth: usize, needle: &Needle, found: &mut Vec<Remains>) -> Result<(), StoreError> {
    let fault = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Io { path, source, hint: "let the user that runs mentiond read the state folder" }
    };
    for item in std::fs::read_dir(folder).map_err(fault(folder))? {
        let path = item.map_err(fault(folder))?.path();
        let meta = match std::fs::symlink_metadata(&path) {
            // sled renames files while it works.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            meta => meta.map_err(fault(&path))?,
        };
        if meta.is_dir() && depth > 0 {
            walk(root, &path, depth - 1, needle, found)?;
        } else if meta.is_file() {
            let times = match count(&path, needle) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                times => times.map_err(fault(&path))?,
            };
            if times > 0 {
                let place = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                found.push(Remains { place, times });
            }
        }
    }
    Ok(())
}

fn count(path: &Path, needle: &Needle) -> std::io::Result<u64> {
    let mut file = File::open(path)?;
    let overlap = needle.longest() + BESIDE;
    let mut part = Vec::with_capacity(PART + 2 * overlap);
    let (mut times, mut kept) = (0, 0);
    loop {
        let read = (&mut file).take(PART as u64).read_to_end(&mut part)?;
        let end = read < PART;
        // What stands in the last bytes is counted with the next part, where all that is beside it can be seen.
        let upto = if end { part.len() } else { part.len().saturating_sub(overlap) };
        times += needle.places(&part).filter(|place| place.start >= kept && place.start < upto).count() as u64;
        if end {
            return Ok(times);
        }
        let from = upto.saturating_sub(BESIDE);
        kept = upto - from;
        part.drain(..from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::needle::NeedleKind;

    #[test]
    fn what_stands_across_two_parts_is_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let needle = Needle::new(NeedleKind::Handle, "ana_ruiz").unwrap();
        for at in [0, PART - 30, PART - 17, PART - 8, PART - 4, PART - 1, PART, PART + 1, 2 * PART + 20] {
            let mut bytes = vec![b'.'; 2 * PART + 50];
            bytes[at..at + 8].copy_from_slice(b"Ana_Ruiz");
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(count(&path, &needle).unwrap(), 1, "{at}");
            // As part of a longer word it is another.
            if at > 0 {
                bytes[at - 1] = b'x';
                std::fs::write(&path, &bytes).unwrap();
                assert_eq!(count(&path, &needle).unwrap(), 0, "{at}");
            }
        }
    }
}
