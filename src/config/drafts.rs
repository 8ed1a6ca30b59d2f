//! `[mail] drafts`: a folder with reply drafts of the operator's own, `<language>/<category>.txt`, each in place of the
//! built-in one. Their form and words are `compose`'s matter; here they are found and read, and what is wrong with them
//! is told like any other mistake.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::diagnostic::{Findings, Span};
use super::files::{Files, in_words};
use super::section::nearest;
use super::tree::{Table, Value};
use crate::compose::{DraftTemplate, Drafts, MAX_DRAFT, is_answered};
use crate::model::Category;

/// Reads the folder, if one is named; without it, all drafts are the built-in ones.
pub(super) fn read(root: &Table, files: &mut Files, found: &mut Findings) -> Drafts {
    let mut drafts = Drafts::built_in();
    let Some(Value::Table(mail)) = root.get("mail").map(|e| &e.node.value) else { return drafts };
    let Some(node) = mail.get("drafts").map(|e| &e.node) else { return drafts };
    // What is no text, or empty, is told when [mail] is read.
    let Value::Text(name) = &node.value else { return drafts };
    if name.trim().is_empty() {
        return drafts;
    }
    let at = node.span;
    if name.starts_with('~') {
        found.error(at, "`~` is not understood here: mentiond has no home folder").help("write the whole path");
        return drafts;
    }
    let folder = files.resolve(at, name);
    let Some(languages) = list(&folder, at, found) else { return drafts };
    let before = files.count();
    for (language, path) in languages {
        if !path.is_dir() {
            if is_draft(&path) {
                found
                    .error(at, format!("{} stands in no language's folder", path.display()))
                    .help(format!("put it into a folder named {}", Drafts::languages().join(", ")));
            }
            continue;
        }
        if !Drafts::languages().contains(&language.as_str()) {
            found
                .error(at, format!("there are no drafts in a language `{language}`, but a folder {}", path.display()))
                .help(format!("folders are named {}", Drafts::languages().join(", ")));
            continue;
        }
        for (name, path) in list(&path, at, found).unwrap_or_default() {
            if !is_draft(&path) {
                continue;
            }
            let Some(category) = category(&name, &path, at, found) else { continue };
            let Some(text) = text(&path, at, found) else { continue };
            match DraftTemplate::parse(&text, &language) {
                Ok(draft) => {
                    files.add(&path, text);
                    drafts.replace(&language, category, draft);
                }
                Err(problems) => {
                    let file = files.add(&path, text);
                    for problem in problems {
                        let span = Span { file, start: problem.at.start, end: problem.at.end };
                        found.error(span, problem.message).help(problem.help);
                    }
                }
            }
        }
    }
    if files.count() == before && found.is_complete() {
        found
            .warning(at, format!("there are no drafts in {}", folder.display()))
            .help("name a draft after its language and category: en/praise.txt");
    }
    drafts
}

/// Names and paths of a folder, in name order; hidden files and editors' copies are no drafts.
fn list(folder: &Path, at: Span, found: &mut Findings) -> Option<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "there is no such folder".to_owned(),
                io::ErrorKind::NotADirectory => "it is a file".to_owned(),
                _ => in_words(&error),
            };
            found
                .error(at, format!("the drafts in {} cannot be read: {why}", folder.display()))
                .help("correct the name (a relative one starts at the file in which it stands), or the permissions");
            return None;
        }
    };
    let mut names = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => {
                let name = entry.file_name().to_string_lossy().into_owned();
                if !name.starts_with('.') && !name.ends_with('~') {
                    names.push((name, entry.path()));
                }
            }
            Err(error) => {
                found.error(at, format!("{} cannot be listed: {}", folder.display(), in_words(&error)));
            }
        }
    }
    names.sort();
    Some(names)
}

/// Whether a file wants to be a draft; others (a README, notes) may lie beside them.
fn is_draft(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("txt"))
}

/// The category that a file is named after.
fn category(name: &str, path: &Path, at: Span, found: &mut Findings) -> Option<Category> {
    let stem = name.strip_suffix(".txt").unwrap_or(name);
    let shown = path.display();
    match Category::parse(stem) {
        Some(category) if is_answered(category) => Some(category),
        Some(category) => {
            found
                .error(at, format!("{shown}: {} gets no answer", category.as_str()))
                .help("delete the file; spam and abuse are not answered");
            None
        }
        None => {
            let known: Vec<&str> = Drafts::categories().map(Category::as_str).collect();
            let help = match nearest(stem, &known) {
                Some(near) => format!("did you mean {near}.txt?"),
                None => format!("drafts are named {}", known.join(".txt, ") + ".txt"),
            };
            found.error(at, format!("{shown} is named after no category")).help(help);
            None
        }
    }
}

fn text(path: &Path, at: Span, found: &mut Findings) -> Option<String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_DRAFT as u64 + 1).read_to_end(&mut bytes));
    let (why, help) = match read {
        Err(error) => (in_words(&error), "correct the file's permissions"),
        Ok(_) if bytes.len() > MAX_DRAFT => {
            (format!("it is larger than {} KiB", MAX_DRAFT >> 10), "a reply is a few sentences")
        }
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => return Some(text),
            Err(_) => ("it is not UTF-8 text".to_owned(), "save the file as UTF-8"),
        },
    };
    found.error(at, format!("{} cannot be read: {why}", path.display())).help(help);
    None
}
