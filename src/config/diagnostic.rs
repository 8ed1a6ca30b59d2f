//! Findings about a configuration: collected as drafts while reading, handed out as self-contained [`Diagnostic`]s.
//!
//! What is shown of a file has passed [`super::mask`] before: a password that somebody wrote into it stays hidden.

use std::fmt;

use annotate_snippets::{AnnotationKind, Level as Mark, Renderer, Snippet};
use serde::Serialize;

use super::files::Files;

/// Errors that are written out; what comes after them is counted only.
pub const MAX_SHOWN: usize = 100;

/// Longest message or help, in characters: both may repeat what a file says.
const MAX_WORDS: usize = 500;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The configuration cannot be used.
    Error,
    /// It can, but probably does not do what was meant.
    Warning,
}

/// One mistake or doubt: what, where, and what to do about it. Serialised as `{"level","file","line","column",
/// "message","help"}`, the machine form behind `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub level: Level,
    /// The file as it was named on the command line, or found through `include`.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    pub message: String,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    #[serde(skip)]
    excerpt: Excerpt,
    /// A second place that belongs to the matter, with what is there.
    #[serde(skip)]
    related: Option<(Excerpt, String)>,
}

impl Diagnostic {
    /// The finding with its line and a caret under the place; `colours` as the terminal allows.
    pub fn render(&self, colours: bool) -> String {
        let (mark, renderer) = (
            match self.level {
                Level::Error => Mark::ERROR,
                Level::Warning => Mark::WARNING,
            },
            if colours { Renderer::styled() } else { Renderer::plain() },
        );
        let mut group = mark.primary_title(self.message.as_str()).element(self.excerpt.snippet(None));
        if let Some((excerpt, label)) = &self.related {
            group = group.element(excerpt.snippet(Some(label)));
        }
        if let Some(help) = &self.help {
            group = group.element(Mark::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// Every mistake of a configuration, in file order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors {
    /// At least one.
    pub errors: Vec<Diagnostic>,
}

impl ConfigErrors {
    /// All errors one after the other (at most [`MAX_SHOWN`]), with a closing count.
    pub fn render(&self, colours: bool) -> String {
        let mut out = String::new();
        for error in self.errors.iter().take(MAX_SHOWN) {
            out.push_str(&error.render(colours));
            out.push_str("\n\n");
        }
        let more = self.errors.len().saturating_sub(MAX_SHOWN);
        if more > 0 {
            out.push_str(&format!("… and {more} more\n\n"));
        }
        match self.errors.len() {
            1 => out.push_str("1 mistake in the configuration: nothing was started or changed."),
            n => out.push_str(&format!("{n} mistakes in the configuration: nothing was started or changed.")),
        }
        out
    }

    /// The machine form: `{"errors":[…]}`, one object a mistake.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "errors": self.errors })
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// One line of a file and the bytes of it that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    file: String,
    line: usize,
    text: String,
    range: (usize, usize),
}

impl Excerpt {
    fn snippet<'a>(&'a self, label: Option<&'a str>) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let kind = if label.is_some() { AnnotationKind::Context } else { AnnotationKind::Primary };
        Snippet::source(self.text.as_str())
            .line_start(self.line)
            .path(self.file.as_str())
            .annotation(kind.span(self.range.0..self.range.1).label(label))
    }
}

/// A byte range in one of the files that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) file: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A finding while the files are still being read.
#[derive(Debug)]
pub(super) struct Draft {
    level: Level,
    span: Span,
    message: String,
    help: Option<String>,
    related: Option<(Span, String)>,
}

impl Draft {
    /// What to write instead.
    pub(super) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// The same, if there is something to say.
    pub(super) fn maybe_help(&mut self, help: Option<String>) -> &mut Self {
        self.help = help;
        self
    }

    /// Another place that belongs to the matter.
    pub(super) fn see(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.related = Some((span, label.into()));
        self
    }
}

/// All that was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    drafts: Vec<Draft>,
    /// A file could not be read or parsed in full, so that a missing key or name may stand in the part that is lost.
    incomplete: bool,
}

impl Findings {
    /// A mistake.
    pub(super) fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Draft {
        self.push(Level::Error, span, message.into())
    }

    /// A doubt.
    pub(super) fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Draft {
        self.push(Level::Warning, span, message.into())
    }

    /// Something is lost from here on: mistakes that may only follow from that are left out.
    pub(super) fn set_incomplete(&mut self) {
        self.incomplete = true;
    }

    /// Whether "it is missing" can be said at all.
    pub(super) fn is_complete(&self) -> bool {
        !self.incomplete
    }

    /// Whether there is more than anybody will read at once.
    pub(super) fn is_crowded(&self) -> bool {
        self.drafts.len() > MAX_SHOWN
    }

    /// All errors and all warnings, each in file order.
    pub(super) fn finish(self, files: &Files) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        let mut drafts = self.drafts;
        drafts.sort_by_key(|d| (d.span.file, d.span.start));
        let (errors, warnings): (Vec<_>, Vec<_>) = drafts.into_iter().partition(|d| d.level == Level::Error);
        let place = |drafts: Vec<Draft>| drafts.into_iter().map(|d| resolve(d, files)).collect();
        (place(errors), place(warnings))
    }

    fn push(&mut self, level: Level, span: Span, message: String) -> &mut Draft {
        let index = self.drafts.len();
        self.drafts.push(Draft { level, span, message, help: None, related: None });
        &mut self.drafts[index]
    }
}

fn resolve(draft: Draft, files: &Files) -> Diagnostic {
    let (excerpt, column) = excerpt(draft.span, files);
    Diagnostic {
        level: draft.level,
        file: excerpt.file.clone(),
        line: excerpt.line,
        column,
        message: printable(&draft.message),
        help: draft.help.as_deref().map(printable),
        excerpt,
        related: draft.related.map(|(span, label)| (self::excerpt(span, files).0, printable(&label))),
    }
}

/// The first line of a span, masked, and the column at which the span starts.
fn excerpt(span: Span, files: &Files) -> (Excerpt, usize) {
    let file = files.get(span.file);
    let (line, text, line_start) = file.line_at(span.start);
    let mut start = (span.start - line_start).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = span.end.saturating_sub(line_start).clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let column = text[..start].chars().count() + 1;
    (Excerpt { file: printable(&file.shown), line, text: text.to_owned(), range: (start, end) }, column)
}

/// Text from a file as it may be printed: control characters are spelt out, and its length is bounded.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(MAX_WORDS));
    for (count, c) in text.chars().enumerate() {
        if count == MAX_WORDS {
            shown.push('…');
            break;
        }
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}
