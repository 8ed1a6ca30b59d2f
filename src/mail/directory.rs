//! Mail as files: one `.eml` a mail, in a directory. For trying things out, and for relays that pick mail up.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::model::SendOutcome;

use super::MailError;
use super::fault::fault;

/// Characters of a Message-ID that a file name keeps; a longer or unfit one gets a digest.
const MAX_NAME: usize = 180;

/// A directory that mails are written to.
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Makes the directory if it is not there.
    ///
    /// # Errors
    /// It cannot be made, or is something else.
    pub fn new(path: &Path) -> Result<Self, MailError> {
        fs::create_dir_all(path).map_err(|source| MailError::Directory { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned() })
    }

    /// Writes one mail, as it would go over the wire, to a file named after its Message-ID: it sorts as the ids do, and
    /// a mail that is tried again replaces its file. The file appears complete and on disk, or not at all.
    pub async fn send(&self, message_id: &str, message: &[u8]) -> SendOutcome {
        let name = file_name(message_id);
        let (directory, message) = (self.path.clone(), message.to_vec());
        let written = tokio::task::spawn_blocking(move || write(&directory, &name, &message)).await;
        match written.unwrap_or_else(|fault| Err(io::Error::other(fault))) {
            Ok(()) => SendOutcome::Sent,
            Err(why) => SendOutcome::Unreachable(fault(format!(
                "a mail cannot be written to {}: {why}; check that the directory is there, that mentiond may write to \
                 it, and that its disk has room. All mail waits and is tried again",
                self.path.display()
            ))),
        }
    }
}

fn write(directory: &Path, name: &str, message: &[u8]) -> io::Result<()> {
    let unfinished = directory.join(format!(".{name}.tmp"));
    let result = (|| {
        // Mails hold personal data: they are for us and our group.
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o640).open(&unfinished)?;
        file.write_all(message)?;
        file.sync_all()?;
        fs::rename(&unfinished, directory.join(name))?;
        // The new name is on disk only when the directory is.
        File::open(directory)?.sync_all()
    })();
    if result.is_err() {
        // Best effort: what is left is hidden, and is overwritten by the next try.
        let _ = fs::remove_file(&unfinished);
    }
    result
}

/// The name for a Message-ID: letters, digits and `.-_@+=` are kept. What was changed or cut gets a digest of the whole,
/// so that two ids never share a name.
fn file_name(message_id: &str) -> String {
    let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+' | '=');
    let mut name: String = message_id.chars().take(MAX_NAME).map(|c| if fit(c) { c } else { '_' }).collect();
    if name.is_empty() || name.starts_with('.') {
        // No hidden files.
        name.insert(0, '_');
    }
    if name != message_id {
        name.push('-');
        for byte in Sha256::digest(message_id.as_bytes()).iter().take(8) {
            name.push_str(&format!("{byte:02x}"));
        }
    }
    name.push_str(".eml");
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tame_and_differ() {
        assert_eq!(file_name("20260101.1.a@example.com"), "20260101.1.a@example.com.eml");
        let odd =
            ["../../etc/passwd", ".hidden", "a/b@c", "a_b@c", "a\0b@c", "", "ñ@c", &"x".repeat(400), &"x".repeat(401)];
        let names: std::collections::BTreeSet<String> = odd.iter().map(|id| file_name(id)).collect();
        assert_eq!(names.len(), odd.len());
        for name in names {
            assert!(!name.contains(['/', '\0']) && !name.starts_with('.') && name.len() < 240, "{name}");
        }
    }
}
