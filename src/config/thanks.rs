//! `[perks.NAME]` and `[[refunds]]`: what a department thanks for praise with, and when giving money back is recommended.

use std::collections::HashMap;
use std::io::Read;

use super::diagnostic::Span;
use super::keys::{PERK, REFUND};
use super::reader::Reader;
use super::section::{Section, Text};
use super::tree::{Table, Value};
use crate::model::{PERK_CODE, PerkOffer};
use crate::query::{Scope, themes_numbered};
use crate::routing::RefundRule;

/// Largest file of codes, in bytes.
const MAX_FILE: u64 = 4 << 20;
/// Longest code, in characters.
const MAX_CODE: usize = 100;

/// Reads all `[perks.NAME]`; the name is a department's.
pub(super) fn perks(root: &Table, departments: &HashMap<&str, Span>, reader: &mut Reader<'_>) -> Vec<PerkOffer> {
    let mut offers = Vec::new();
    let mut whose: HashMap<String, Span> = HashMap::new();
    for entry in reader.named(root, "perks") {
        reader.is_defined(Text { value: &entry.key, span: entry.at }, "department", departments);
        let Some(section) = Section::open(&entry.node, &PERK, &mut reader.found) else { continue };
        let text = section.required("text", "text = \"a free coffee with the code {code}\"", &mut reader.found);
        let mut codes: Vec<(String, Span)> = Vec::new();
        for code in section.list("codes", &mut reader.found).unwrap_or_default() {
            codes.push((code.value.trim().to_owned(), code.span));
        }
        if let Some(file) = section.text("codes_file", &mut reader.found) {
            let lines = read(file, reader);
            codes.extend(lines.into_iter().map(|code| (code, file.span)));
        }
        let asked = section.has("codes") || section.has("codes_file");
        if let Some(text) = text
            && asked != text.value.contains(PERK_CODE)
        {
            let (message, help) = if asked {
                (
                    "the text does not say where the code goes",
                    "write {code} in it: \"a free coffee with the code {code}\"",
                )
            } else {
                (
                    "there are no codes for {code}",
                    "add codes = [\"…\"], or codes_file = \"perks.txt\" with one code a line",
                )
            };
            reader.found.error(text.span, message).help(help);
        }
        let mut kept = Vec::with_capacity(codes.len());
        for (code, at) in codes {
            if code.chars().count() > MAX_CODE || code.chars().any(char::is_control) {
                reader.found.error(at, format!("a code is one line of at most {MAX_CODE} characters"));
            } else if let Some(first) = whose.insert(code.clone(), at) {
                // A code that stands twice would be given once: better to know.
                reader.found.warning(at, "a code stands here twice; it is given once").see(first, "the first");
            } else {
                kept.push(code);
            }
        }
        if let Some(text) = text {
            offers.push(PerkOffer { department: entry.key.clone(), text: text.value.trim().to_owned(), codes: kept });
        }
    }
    offers
}

/// Codes of a file, one a line; empty lines and lines that begin with `#` are none.
fn read(file: Text<'_>, reader: &mut Reader<'_>) -> Vec<String> {
    let path = reader.readable_file(file);
    let mut text = String::new();
    let opened = std::fs::File::open(&path);
    // That it cannot be opened was said.
    let Ok(opened) = opened else { return Vec::new() };
    match opened.take(MAX_FILE + 1).read_to_string(&mut text) {
        Ok(size) if size as u64 > MAX_FILE => {
            reader
                .found
                .error(file.span, format!("{} is larger than 4 MiB", path.display()))
                .help("name the right file");
            Vec::new()
        }
        Ok(_) => {
            let lines = text.lines().map(|line| line.trim().trim_start_matches('\u{feff}'));
            lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
        }
        Err(error) => {
            reader
                .found
                .error(file.span, format!("{} cannot be read: {error}", path.display()))
                .help("it must be a text file with one code a line");
            Vec::new()
        }
    }
}

/// Reads all `[[refunds]]`, in the order in which they decide.
pub(super) fn refunds(root: &Table, reader: &mut Reader<'_>) -> Vec<RefundRule> {
    let Some(entry) = root.get("refunds") else { return Vec::new() };
    let Value::List(items) = &entry.node.value else {
        let kind = entry.node.value.kind();
        reader
            .found
            .error(entry.at, format!("`refunds` must be a list of tables, but is {kind}"))
            .help("start each condition with a line [[refunds]]");
        return Vec::new();
    };
    let mut rules = Vec::with_capacity(items.len());
    for node in items {
        let Some(section) = Section::open(node, &REFUND, &mut reader.found) else { continue };
        let when = section.required("when", "when = 'broken OR damaged'", &mut reader.found);
        let query = when.zip(section.get("when")).and_then(|(text, node)| reader.query(text, node, Scope::Route));
        // Money is asked about when a notice is worded, of one mention alone.
        if let Some(text) = when
            && let Some((number, _)) = themes_numbered(text.value).first()
        {
            reader
                .found
                .error(text.span, format!("`theme:#{number}` cannot stand here"))
                .help("themes that were found are for [[routes]]; name one of [[themes]], or say what the posts hold");
        }
        if !section.has("recommend") {
            section.missing("recommend", "recommend = true", &mut reader.found);
        }
        let recommend = section.boolean("recommend", &mut reader.found);
        let why = section.required("why", "why = \"it arrived broken\"", &mut reader.found);
        if let (Some(when), Some(recommend), Some(why)) = (query, recommend, why) {
            rules.push(RefundRule { when, recommend, why: why.value.trim().to_owned() });
        }
    }
    rules
}
