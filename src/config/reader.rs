//! What every part of the reader is handed, and what several of them need.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::diagnostic::{Findings, Span};
use super::files::Files;
use super::section::{Text, did_you_mean, part_of};
use super::tree::{Entry, Node, Table, Value};
use crate::query::{Context, Parsed, Query, QueryError, Scope};

/// Longest name of a watchlist, source or department, in bytes.
pub const MAX_NAME: usize = 100;

/// What to do about secrets that the configuration points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They are needed: one that cannot be read is an error (`run`, `once`).
    Required,
    /// Whoever asks need not be allowed to read them: one that cannot be read is a warning (`check`).
    Tried,
    /// They are not needed and not read (`mentions`, `explain`, …); passwords are `None`.
    Skip,
}

/// What the reader takes from outside; tests bring their own.
pub(super) struct World<'w> {
    pub(super) parse_query: fn(&str, Scope, &Context) -> Result<Parsed, Vec<QueryError>>,
    pub(super) variable: &'w dyn Fn(&str) -> Option<OsString>,
    pub(super) secrets: Secrets,
}

/// The files, what was found so far, and the world.
pub(super) struct Reader<'r> {
    pub(super) files: &'r Files,
    pub(super) found: Findings,
    pub(super) world: &'r World<'r>,
    /// What queries may name.
    pub(super) context: Context,
}

impl<'r> Reader<'r> {
    /// The tables `[kind.NAME]`, in order of appearance, with names that are fit to be shown and typed.
    pub(super) fn named<'t>(&mut self, root: &'t Table, kind: &str) -> Vec<&'t Entry> {
        let Some(entry) = root.get(kind) else { return Vec::new() };
        let Value::Table(table) = &entry.node.value else {
            let what = entry.node.value.kind();
            self.found
                .error(entry.at, format!("`{kind}` must be tables with a name each, but is {what}"))
                .help(format!("write [{kind}.NAME]"));
            return Vec::new();
        };
        for entry in &table.0 {
            self.check_name(entry);
        }
        table.0.iter().collect()
    }

    /// Says what is wrong with a name.
    pub(super) fn check_name(&mut self, entry: &Entry) {
        let name = entry.key.as_str();
        let fault = if name.trim().is_empty() {
            "a name cannot be empty".to_owned()
        } else if name.len() > MAX_NAME {
            format!("a name can have at most {MAX_NAME} bytes, this one has {}", name.len())
        } else if name.trim() != name || name.chars().any(|c| c.is_control() || "\"'`\\".contains(c)) {
            "a name cannot have quotes, line breaks or outer spaces".to_owned()
        } else {
            return;
        };
        self.found
            .error(entry.at, fault)
            .help("use letters, digits, `-` and `_`: it is also what you type in commands and queries");
    }

    /// A query; each of its mistakes and doubts gets its caret inside the text.
    pub(super) fn query(&mut self, text: Text<'_>, node: &Node, scope: Scope) -> Option<Query> {
        match (self.world.parse_query)(text.value, scope, &self.context) {
            Ok(parsed) => {
                let source = &self.files.get(node.span.file).text;
                for doubt in parsed.doubts {
                    let span = part_of(node, source, doubt.span);
                    self.found.warning(span, doubt.message).maybe_help(doubt.help);
                }
                Some(parsed.query)
            }
            Err(mistakes) => {
                let source = &self.files.get(node.span.file).text;
                for mistake in mistakes {
                    let span = part_of(node, source, mistake.span);
                    self.found.error(span, mistake.message).maybe_help(mistake.help);
                }
                None
            }
        }
    }

    /// Whether a name is defined; if not, that is said. What may stand in a part that could not be read is believed.
    pub(super) fn is_defined<T>(&mut self, text: Text<'_>, kind: &str, names: &HashMap<&str, T>) -> bool {
        if names.contains_key(text.value) {
            return true;
        }
        if self.found.is_complete() {
            // With hundreds of mistakes among thousands of names, the search would cost more than it helps.
            let help = if self.found.is_crowded() {
                format!("add [{kind}s.{}]", text.value)
            } else {
                let mut known: Vec<&str> = names.keys().copied().collect();
                known.sort_unstable();
                let otherwise = match known.len() {
                    0 => format!("there are no {kind}s yet: add [{kind}s.{}]", text.value),
                    1..=8 => format!("known: {}", known.join(", ")),
                    _ => format!("add [{kind}s.{}]", text.value),
                };
                did_you_mean(text.value, &known, &otherwise)
            };
            self.found.error(text.span, format!("there is no {kind} `{}`", text.value)).help(help);
        }
        false
    }

    /// A path, absolute: relative ones start at the file in which they stand.
    pub(super) fn path(&mut self, text: Text<'_>) -> PathBuf {
        if text.value.starts_with('~') {
            self.found
                .error(text.span, "`~` is not understood here: mentiond has no home folder")
                .help("write the whole path");
        }
        self.files.resolve(text.span, text.value)
    }

    /// A file that must be there and readable, as a path.
    pub(super) fn readable_file(&mut self, text: Text<'_>) -> PathBuf {
        let path = self.path(text);
        if text.value.starts_with('~') {
            return path;
        }
        if let Err(error) = std::fs::File::open(&path) {
            self.found
                .error(text.span, format!("{} cannot be read: {}", path.display(), super::files::in_words(&error)))
                .help("correct the name, or the file's permissions");
        }
        path
    }

    /// Bare mail addresses, each once; a repeated one is doubted and left out, so that nobody is told twice.
    pub(super) fn addresses(&mut self, texts: Vec<Text<'_>>) -> Vec<String> {
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut addresses = Vec::new();
        for text in texts {
            let Some(address) = super::section::checked(text, super::addresses::address, &mut self.found) else {
                continue;
            };
            match seen.get(&address.to_lowercase()) {
                Some(first) => {
                    let first = *first;
                    self.found
                        .warning(text.span, format!("`{address}` is named twice and is told once"))
                        .see(first, "the first");
                }
                None => {
                    seen.insert(address.to_lowercase(), text.span);
                    addresses.push(address);
                }
            }
        }
        addresses
    }
}
