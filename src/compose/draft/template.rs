//! The form of a draft's file. Each line is a sentence (or some that belong together), an empty line parts paragraphs,
//! `#` begins a comment. A line with a `{placeholder}` that has no value is left out; a line that begins with `|`
//! stands in for the line above it where that is left out.

use std::ops::Range;

use super::super::words::fill;
use super::lint;

/// What can be filled in, as written between braces.
pub const PLACEHOLDERS: [&str; 6] = ["name", "issue", "department", "member", "perk", "brand"];

/// Bytes of a draft's file; an answer that anybody reads is much shorter.
pub const MAX_DRAFT: usize = 8 << 10;

/// A draft as written, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Paragraphs of lines; each line with those that stand in for it.
    paragraphs: Vec<Vec<Vec<String>>>,
}

/// What is wrong with a draft, and where: a byte range of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftProblem {
    pub at: Range<usize>,
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl DraftProblem {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: help.into() }
    }
}

impl Draft {
    /// Reads a draft's file in a language, and looks at its words.
    ///
    /// # Errors
    /// Every mistake: an unknown placeholder, a `|` with nothing above, nothing left without values, and what no draft
    /// says (words that make light of it, that blame, that promise; mail addresses and numbers).
    pub fn parse(text: &str, language: &str) -> Result<Self, Vec<DraftProblem>> {
        let (draft, mut problems) = Self::read(text);
        lint::look(text, language, &mut problems);
        problems.sort_by_key(|p| p.at.start);
        if problems.is_empty() { Ok(draft) } else { Err(problems) }
    }

    /// The form alone, without a look at the words: for what is built in, whose words tests look at.
    pub(super) fn read(text: &str) -> (Self, Vec<DraftProblem>) {
        let mut problems = Vec::new();
        let mut paragraphs: Vec<Vec<Vec<String>>> = Vec::new();
        let mut parted = true;
        for (range, line) in lines(text) {
            if line.is_empty() {
                parted = true;
                continue;
            }
            let (stands_in, words) = match line.strip_prefix('|') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            placeholders(line, range.start, &mut problems);
            if words.is_empty() {
                problems.push(DraftProblem::new(range, "this line says nothing", "write a sentence, or delete it"));
            } else if !stands_in {
                if parted {
                    paragraphs.push(Vec::new());
                }
                if let Some(paragraph) = paragraphs.last_mut() {
                    paragraph.push(vec![words.to_owned()]);
                }
            } else if let Some(line) = paragraphs.last_mut().filter(|_| !parted).and_then(|p| p.last_mut()) {
                line.push(words.to_owned());
            } else {
                problems.push(DraftProblem::new(
                    range.start..range.start + 1,
                    "there is no line above that this one could stand in for",
                    "put it right below the line with the placeholder, or take the `|` away",
                ));
            }
            parted = false;
        }
        let draft = Self { paragraphs };
        if problems.is_empty() && draft.fill(&[]).is_empty() {
            let end = text.find('\n').unwrap_or(text.len());
            problems.push(if draft.paragraphs.is_empty() {
                DraftProblem::new(0..end, "this draft is empty", "delete the file to get the built-in draft back")
            } else {
                DraftProblem::new(
                    0..end,
                    "nothing is left of this draft when no placeholder has a value",
                    "add a line without placeholders, such as a greeting",
                )
            });
        }
        (draft, problems)
    }

    /// The paragraphs with these values; a value that is empty or not given leaves its line out.
    pub(super) fn fill(&self, values: &[(&str, &str)]) -> Vec<String> {
        let has = |name: &str| values.iter().any(|(n, value)| *n == name && !value.is_empty());
        let whole =
            |line: &&String| PLACEHOLDERS.iter().all(|name| has(name) || !line.contains(&format!("{{{name}}}")));
        let paragraph = |lines: &Vec<Vec<String>>| {
            let chosen = lines.iter().filter_map(|line| line.iter().find(whole));
            chosen.map(|line| fill(line, values)).collect::<Vec<_>>().join(" ")
        };
        self.paragraphs.iter().map(paragraph).filter(|p| !p.is_empty()).collect()
    }
}

/// Lines with their places, without outer spaces; comments are left out altogether.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |raw| {
        let start = at;
        at += raw.len();
        let line = raw.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let start = start + raw.len() - line.len();
        let line = line.trim_end();
        (!line.starts_with('#')).then_some((start..start + line.len(), line))
    })
}

/// Every brace belongs to a known placeholder.
fn placeholders(line: &str, start: usize, problems: &mut Vec<DraftProblem>) {
    let known = || {
        let names: Vec<String> = PLACEHOLDERS.iter().map(|name| format!("{{{name}}}")).collect();
        format!("known: {}", names.join(", "))
    };
    let mut at = 0;
    while let Some(brace) = line[at..].find(['{', '}']).map(|i| at + i) {
        let rest = &line[brace..];
        let end = rest.find('}').map(|i| brace + i + 1);
        let inside = end.filter(|_| rest.starts_with('{')).map(|end| (end, &line[brace + 1..end - 1]));
        match inside {
            Some((end, name)) if PLACEHOLDERS.contains(&name) => at = end,
            Some((end, name)) if !name.contains('{') => {
                let near = PLACEHOLDERS.iter().find(|p| strsim::osa_distance(p, &name.trim().to_lowercase()) <= 2);
                let help = near.map_or_else(known, |p| format!("did you mean {{{p}}}?"));
                problems.push(DraftProblem::new(
                    start + brace..start + end,
                    format!("there is no placeholder {{{name}}}"),
                    help,
                ));
                at = end;
            }
            _ => {
                problems.push(DraftProblem::new(
                    start + brace..start + brace + 1,
                    "this brace belongs to no placeholder",
                    known(),
                ));
                at = brace + 1;
            }
        }
    }
}
