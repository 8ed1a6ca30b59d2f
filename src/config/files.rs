//! The files of a configuration: the one that was named and those that `include` adds, and their tables as one tree.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::diagnostic::{Findings, Span};
use super::mask::mask;
use super::tree::{self, Entry, Node, Table, Value};

/// Largest configuration file, in bytes.
pub const MAX_FILE: u64 = 8 << 20;
/// Most files of one configuration.
pub const MAX_FILES: usize = 1_000;

/// One file that was read.
#[derive(Debug)]
pub(super) struct SourceFile {
    /// Its name as the operator knows it.
    pub(super) shown: String,
    /// The folder that its relative paths start from.
    pub(super) folder: PathBuf,
    pub(super) text: String,
    /// The text without what looks like a secret; made when it is first shown.
    masked: std::sync::OnceLock<String>,
    /// Where each line starts.
    lines: Vec<usize>,
}

impl SourceFile {
    fn new(shown: String, folder: PathBuf, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { shown, folder, text, masked: std::sync::OnceLock::new(), lines }
    }

    /// Number (from 1), masked text and start of the line that holds `offset`.
    pub(super) fn line_at(&self, offset: usize) -> (usize, &str, usize) {
        let index = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.lines.get(index).copied().unwrap_or(0);
        let end = self.lines.get(index + 1).copied().unwrap_or(self.text.len());
        let masked = self.masked.get_or_init(|| mask(&self.text));
        let text = masked.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r']);
        (index + 1, text, start)
    }

    /// Number (from 1) of the line that holds `offset`.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).max(1)
    }
}

/// All files that were read, in the order in which they were.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<SourceFile>);

impl Files {
    /// The file of a span.
    pub(super) fn get(&self, index: usize) -> &SourceFile {
        &self.0[index]
    }

    /// `mentiond.toml:41`.
    pub(super) fn at(&self, span: Span) -> String {
        let file = self.get(span.file);
        let name = match span.file {
            0 => Path::new(&file.shown).file_name().unwrap_or_default(),
            _ => Path::new(&file.shown).strip_prefix(self.shown_folder()).unwrap_or(Path::new(&file.shown)).as_os_str(),
        };
        format!("{}:{}", name.to_string_lossy(), file.line(span.start))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Adds a file that is no TOML but whose mistakes are shown like those of the configuration; returns its number.
    pub(super) fn add(&mut self, path: &Path, text: String) -> usize {
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        self.0.push(SourceFile::new(path.display().to_string(), folder, text));
        self.0.len() - 1
    }

    /// A path of the configuration, made absolute: relative ones start at the file in which they stand.
    pub(super) fn resolve(&self, span: Span, path: &str) -> PathBuf {
        tidy(&self.get(span.file).folder.join(path))
    }

    /// One file that is nowhere on disk.
    #[cfg(test)]
    pub(super) fn single(shown: &str, text: &str) -> Self {
        Self(vec![SourceFile::new(shown.to_owned(), PathBuf::from("/etc/mentiond"), text.to_owned())])
    }

    fn shown_folder(&self) -> &Path {
        Path::new(&self.0[0].shown).parent().unwrap_or(Path::new(""))
    }
}

/// The path without `.` and `..`, by its words alone: `/a/b/../c` is `/a/c`. What follows a symbolic link would differ,
/// so `..` is only taken out where the folder before it is none.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.is_symlink() => out.push(part),
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir if out.has_root() && out.parent().is_none() => {}
            part => out.push(part),
        }
    }
    out
}

/// Reads the file and everything it includes; returns the tables of all of them as one.
pub(super) fn read(path: &Path, found: &mut Findings) -> (Files, Table) {
    let mut files = Files::default();
    let mut root = Table::default();
    let mut seen = HashSet::new();
    let here = Span { file: 0, start: 0, end: 0 };
    let mut waiting = std::collections::VecDeque::from([(path.to_path_buf(), here)]);
    while let Some((path, named_at)) = waiting.pop_front() {
        let first = files.0.is_empty();
        if !seen.insert(std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
            continue;
        }
        let shown = path.display().to_string();
        let folder =
            std::path::absolute(&path).ok().and_then(|p| p.parent().map(Path::to_path_buf)).unwrap_or_default();
        if files.0.len() >= MAX_FILES {
            found.error(named_at, format!("more than {MAX_FILES} files are included"));
            break;
        }
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(fault) => {
                if first {
                    files.0.push(SourceFile::new(shown.clone(), folder, String::new()));
                }
                found.set_incomplete();
                let help = match (fault.help, first) {
                    ("check the name", true) => "check the name, or say which file with --config",
                    ("check the name", false) => "check the name; a relative one starts at the file in which it stands",
                    (help, _) => help,
                };
                found.error(named_at, format!("cannot read {shown}: {}", fault.message)).help(help);
                continue;
            }
        };
        let file = files.0.len();
        files.0.push(SourceFile::new(shown, folder, text));
        let table = tree::parse(&files.0[file].text, file, found);
        for (pattern, at) in includes(&table) {
            let base = path.parent().unwrap_or(Path::new(""));
            waiting.extend(expand(base, pattern, at, found).into_iter().map(|p| (p, at)));
        }
        if first {
            root = table;
        } else {
            merge(&mut root, table, &files, found);
        }
    }
    (files, root)
}

struct ReadFault {
    message: String,
    help: &'static str,
}

/// An error of the file system without its number.
pub(super) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

fn read_text(path: &Path) -> Result<String, ReadFault> {
    let explain = |error: io::Error| ReadFault {
        help: match error.kind() {
            io::ErrorKind::NotFound => "check the name",
            io::ErrorKind::PermissionDenied => {
                "let the user that mentiond runs as read it (`chgrp mentiond`, `chmod g+r`)"
            }
            _ => "a configuration is a text file in TOML",
        },
        message: in_words(&error),
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(explain)?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(explain)?;
    if bytes.len() as u64 > MAX_FILE {
        let message = format!("it is larger than {} MiB", MAX_FILE >> 20);
        return Err(ReadFault { message, help: "split it with `include`" });
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
        ReadFault { message: format!("line {line} is not UTF-8 text"), help: "save the file as UTF-8" }
    })
}

/// The patterns of `[daemon] include`; what is wrong with them is told when `[daemon]` is read.
fn includes(root: &Table) -> Vec<(&str, Span)> {
    let Some(Value::Table(daemon)) = root.get("daemon").map(|e| &e.node.value) else { return Vec::new() };
    let Some(Value::List(patterns)) = daemon.get("include").map(|e| &e.node.value) else { return Vec::new() };
    patterns
        .iter()
        .filter_map(
            |Node { value, span }| if let Value::Text(text) = value { Some((text.as_str(), *span)) } else { None },
        )
        .collect()
}

/// The files that a pattern means, in name order: `*` and `?` stand for any characters of one name.
fn expand(base: &Path, pattern: &str, at: Span, found: &mut Findings) -> Vec<PathBuf> {
    let is_glob = |part: &str| part.contains(['*', '?']);
    if !is_glob(pattern) {
        return vec![base.join(pattern)];
    }
    if pattern.contains("**") {
        found
            .error(at, "`**` is not understood here")
            .help("name each folder: include = [\"a/*.toml\", \"a/b/*.toml\"]");
        return Vec::new();
    }
    let mut paths = vec![if pattern.starts_with('/') { PathBuf::from("/") } else { base.to_path_buf() }];
    for part in pattern.split('/').filter(|p| !p.is_empty()) {
        if !is_glob(part) {
            paths.iter_mut().for_each(|p| p.push(part));
            continue;
        }
        let mut next = Vec::new();
        for folder in paths {
            let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
            let names = match std::fs::read_dir(listed) {
                Ok(entries) => entries.filter_map(|e| e.ok()?.file_name().into_string().ok()),
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    continue;
                }
                Err(error) => {
                    found.set_incomplete();
                    found.error(at, format!("cannot list {}: {error}", listed.display()));
                    continue;
                }
            };
            let mut names: Vec<String> =
                names.filter(|n| wildcard(part, n) && (part.starts_with('.') || !n.starts_with('.'))).collect();
            names.sort();
            next.extend(names.into_iter().map(|n| folder.join(n)));
        }
        paths = next;
    }
    paths.retain(|p| p.is_file());
    if paths.is_empty() {
        found
            .warning(at, format!("no file matches `{pattern}`"))
            .help(format!("it is looked for from {}", shown_base(base)));
    }
    paths
}

fn shown_base(base: &Path) -> String {
    std::path::absolute(if base.as_os_str().is_empty() { Path::new(".") } else { base })
        .unwrap_or_else(|_| base.to_path_buf())
        .display()
        .to_string()
}

/// `*` stands for any run of characters, `?` for one. Goes back to the last `*` only, so it is never exponential.
fn wildcard(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((star_p, star_n)) => {
                    p = star_p + 1;
                    n = star_n + 1;
                    star = Some((star_p, star_n + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Adds an included file's tables; the same thing defined in two files is a mistake.
fn merge(root: &mut Table, from: Table, files: &Files, found: &mut Findings) {
    for entry in from.0 {
        let Some(existing) = root.0.iter_mut().find(|e| e.key == entry.key) else {
            root.0.push(entry);
            continue;
        };
        match (&mut existing.node.value, entry.node.value) {
            (Value::Table(into), Value::Table(more)) => merge_keys(&existing.key, into, more, files, found),
            (Value::List(into), Value::List(more)) => into.extend(more),
            _ => twice(&entry.key, entry.at, existing.at, files, found),
        }
    }
}

fn merge_keys(table: &str, into: &mut Table, more: Table, files: &Files, found: &mut Findings) {
    let known: HashMap<String, usize> = into.0.iter().enumerate().map(|(i, e)| (e.key.clone(), i)).collect();
    for Entry { key, at, node } in more.0 {
        let Some(index) = known.get(&key) else {
            into.0.push(Entry { key, at, node });
            continue;
        };
        let existing = &mut into.0[*index];
        match (&mut existing.node.value, node.value) {
            (Value::List(patterns), Value::List(added)) if table == "daemon" && key == "include" => {
                patterns.extend(added)
            }
            _ => twice(&format!("{table}.{key}"), at, existing.at, files, found),
        }
    }
}

fn twice(what: &str, again: Span, first: Span, files: &Files, found: &mut Findings) {
    found
        .error(again, format!("`{what}` is set twice: here and at {}", files.at(first)))
        .help("keep one of them, or give one another name")
        .see(first, "the first");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        let table = [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.toml.bak", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("*", "", true),
            ("é*", "éa", true),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(wildcard(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn paths_lose_their_detours() {
        let table = [
            ("/x/config/../mail", "/x/mail"),
            ("/x/./a//b/.", "/x/a/b"),
            ("/../x", "/x"),
            ("/x/..", "/"),
            ("../x/../y", "../y"),
            ("../../x", "../../x"),
        ];
        for (path, expected) in table {
            assert_eq!(tidy(Path::new(path)), Path::new(expected), "{path}");
        }
        // Behind a symbolic link `..` leads elsewhere.
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/usr/bin", folder.path().join("link")).unwrap();
        let path = folder.path().join("link/../x");
        assert_eq!(tidy(&path), path);
    }
}
