//! `[[cues]]`: words and queries of the operator's own that tell the classifier what they mean here.

use super::keys::CUE;
use super::reader::Reader;
use super::section::Section;
use super::tree::{Table, Value};
use super::values;
use crate::classify::{Finds, UserCue, check_pattern};
use crate::model::{Category, SentimentLabel, Severity};
use crate::query::Scope;

/// Longest name of a flag, in characters.
const MAX_FLAG: usize = 40;

/// Reads all `[[cues]]`.
pub(super) fn cues(root: &Table, reader: &mut Reader<'_>) -> Vec<UserCue> {
    let Some(entry) = root.get("cues") else { return Vec::new() };
    let Value::List(items) = &entry.node.value else {
        let kind = entry.node.value.kind();
        reader
            .found
            .error(entry.at, format!("`cues` must be a list of tables, but is {kind}"))
            .help("start each cue with a line [[cues]]");
        return Vec::new();
    };
    let mut cues = Vec::with_capacity(items.len());
    for node in items {
        let Some(section) = Section::open(node, &CUE, &mut reader.found) else { continue };
        let finds = finds(&section, reader);
        let language = section.parsed("language", values::language, &mut reader.found);
        let categories = Category::ALL.map(|c| (c.as_str(), c));
        let category = section.choice("category", &categories, &mut reader.found);
        let severities = Severity::ALL.map(|s| (s.as_str(), s));
        let severity = section.choice("severity", &severities, &mut reader.found);
        let steps = SentimentLabel::ALL.map(|s| (s.as_str(), s));
        let sentiment = section.choice("sentiment", &steps, &mut reader.found);
        let flag = section.parsed("flag", flag, &mut reader.found);
        if !["category", "severity", "sentiment", "flag"].iter().any(|key| section.has(key)) {
            reader
                .found
                .error(section.at, "this cue has no effect")
                .help("say what its words mean: category, severity, sentiment or flag");
        }
        let why = section
            .text("why", &mut reader.found)
            .map(|t| t.value.trim().to_owned())
            .filter(|w| !w.is_empty())
            .unwrap_or_else(|| format!("your cue ({})", reader.files.at(node.span)));
        if let Some(finds) = finds {
            cues.push(UserCue { finds, language, category, severity, sentiment, flag, why });
        }
    }
    cues
}

/// Either `text` or `query`.
fn finds(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Finds> {
    const HELP: &str = "text = [\"torn seam*\", \"came apart\"], or query = '\"acme cloud\" AND outage'";
    match (section.has("text"), section.has("query")) {
        (true, false) => {
            let mut patterns = Vec::new();
            let mut right = true;
            for text in section.list("text", &mut reader.found)? {
                match check_pattern(text.value) {
                    Ok(()) => patterns.push(text.value.to_owned()),
                    Err(error) => {
                        right = false;
                        reader.found.error(text.span, format!("this is no pattern: {error}")).help(
                            "words in their order; `*` ends a beginning, `...` skips up to four words: \"never ... arriv*\"",
                        );
                    }
                }
            }
            if right && patterns.is_empty() {
                reader.found.error(section.place("text"), "`text` names no words").help(HELP);
                return None;
            }
            right.then_some(Finds::Patterns(patterns))
        }
        (false, true) => {
            let text = section.text("query", &mut reader.found)?;
            reader.query(text, section.get("query")?, Scope::Watchlist).map(Finds::Query)
        }
        (true, true) => {
            reader
                .found
                .error(section.place("query"), "a cue has either `text` or `query`")
                .help("make two cues of it");
            None
        }
        (false, false) => {
            reader.found.error(section.at, "this cue looks for nothing").help(HELP);
            None
        }
    }
}

/// The name of a flag: letters, digits, `-` and `_`, so that `flag:` in a query finds it.
fn flag(text: &str) -> Result<String, super::section::Problem> {
    let name = text.trim();
    let fits = !name.is_empty()
        && name.chars().count() <= MAX_FLAG
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    if fits {
        return Ok(name.to_lowercase());
    }
    Err(super::section::Problem::new(
        format!("`{text}` is no name for a flag"),
        "one word of at most 40 letters, digits, `-` and `_`",
    ))
}
