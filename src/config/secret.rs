//! Secrets that the configuration points to: a file, a variable of the environment, or a credential that systemd
//! hands over. The value never enters a message.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::keys::SECRET;
use super::reader::{Reader, Secrets};
use super::section::{Problem, Section, Text, checked};
use super::tree::{Node, Value};
use super::values::SECRET_HELP;
use crate::model::Secret;

/// Largest secret, in bytes.
const MAX_SECRET: u64 = 64 << 10;

/// Reads a secret. `None` if it is wrong or missing (then that was said), or if secrets are not wanted.
pub(super) fn read(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Secret> {
    if let Value::Text(_) = node.value {
        reader
            .found
            .error(node.span, format!("`{key}` is never a literal: whoever reads this file would know it"))
            .help(SECRET_HELP);
        return None;
    }
    let section = Section::open(node, &SECRET, &mut reader.found)?;
    let mut places = SECRET.keys.iter().filter(|k| section.has(k));
    let (Some(kind), None) = (places.next(), places.next()) else {
        reader.found.error(node.span, format!("`{key}` must say one place where the secret is kept")).help(SECRET_HELP);
        return None;
    };
    let text = section.text(kind, &mut reader.found)?;
    if *kind == "credential" {
        checked(text, credential_name, &mut reader.found)?;
    }
    if reader.world.secrets == Secrets::Skip {
        return None;
    }
    match *kind {
        "file" => from_file(text, reader),
        "env" => {
            let value = (reader.world.variable)(text.value);
            let value = value.map(|v| v.to_string_lossy().into_owned()).filter(|v| !v.trim().is_empty());
            if value.is_none() {
                let help = "set it for the service, or use { file = \"…\" } or { credential = \"…\" }";
                unreadable(
                    text,
                    Problem::new(format!("the environment has no variable `{}`", text.value), help),
                    reader,
                );
            }
            value.map(|v| Secret::new(&v))
        }
        _ => from_credential(text, reader),
    }
}

fn from_file(text: Text<'_>, reader: &mut Reader<'_>) -> Option<Secret> {
    let path = reader.path(text);
    #[cfg(unix)]
    if let Ok(meta) = std::fs::metadata(&path) {
        use std::os::unix::fs::PermissionsExt;
        if meta.permissions().mode() & 0o004 != 0 {
            reader
                .found
                .warning(text.span, "everybody on this machine can read this secret")
                .help(format!("chmod o-r {}", path.display()));
        }
    }
    read_file(&path, text, reader)
}

fn from_credential(text: Text<'_>, reader: &mut Reader<'_>) -> Option<Secret> {
    let name = text.value;
    let Some(folder) = (reader.world.variable)("CREDENTIALS_DIRECTORY") else {
        let message = format!("credential `{name}` is handed over by systemd, and it did not start this program");
        let help =
            format!("in the unit: LoadCredential={name}:/path/to/the/secret; without systemd use {{ file = \"…\" }}");
        unreadable(text, Problem::new(message, help), reader);
        return None;
    };
    read_file(&Path::new(&folder).join(name), text, reader)
}

/// A credential's name is a file name (systemd.exec(5), "Credentials").
fn credential_name(text: &str) -> Result<(), Problem> {
    if text.contains('/') || text.starts_with('.') || text.chars().any(char::is_control) {
        return Err(Problem::new(
            "a credential is named, not a path",
            "write the name as in LoadCredential=NAME:/path, or use { file = \"…\" }",
        ));
    }
    Ok(())
}

fn read_file(path: &Path, text: Text<'_>, reader: &mut Reader<'_>) -> Option<Secret> {
    let mut value = String::new();
    let read = File::open(path).and_then(|f| f.take(MAX_SECRET + 1).read_to_string(&mut value));
    let problem = match read {
        Ok(_) if value.trim().is_empty() => {
            Problem::new(format!("{} is empty", path.display()), "write the secret into it")
        }
        Ok(n) if n as u64 > MAX_SECRET => {
            Problem::new(format!("{} is too large for a secret", path.display()), "name the right file")
        }
        Ok(_) => return Some(Secret::new(&value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Problem::new(
            format!("there is no file {}", path.display()),
            "write the secret into that file, or correct the name",
        ),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Problem::new(
            format!("{} cannot be read: permission denied", path.display()),
            "let the user that mentiond runs as read it",
        ),
        Err(error) => Problem::new(format!("{} cannot be read: {error}", path.display()), "it must be a text file"),
    };
    unreadable(text, problem, reader);
    None
}

fn unreadable(text: Text<'_>, problem: Problem, reader: &mut Reader<'_>) {
    let draft = match reader.world.secrets {
        Secrets::Required => reader.found.error(text.span, problem.message),
        Secrets::Tried | Secrets::Skip => reader.found.warning(text.span, problem.message),
    };
    draft.maybe_help(problem.help);
}
