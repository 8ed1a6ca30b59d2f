//! `mentiond explain --query`: one query tried on texts: what it matched where, or which part failed.

use serde_json::{Map, Value, json};

use super::Failure;
use super::explain::Explained;
use super::output::{say, say_json, short};
use crate::daemon::reading::Lines;
use crate::model::{Entry, Matched, Part};
use crate::query::{self, Context, Document, Facts, Parsed, Query, QueryError, Scope, parse_in};

/// Letters on each side of a place that are shown.
const AROUND: usize = 30;
/// Places that are shown of one text.
const MAX_PLACES: usize = 20;

/// A query that is tried out.
pub(super) struct Trial {
    query: Query,
    /// It asks for what is decided later, as only a route's `when` can.
    later: bool,
}

/// What became of it with one text.
pub(super) struct Tried {
    matched: Option<Vec<Matched>>,
    /// Why it holds, tests of fields included.
    reason: String,
    failed: Vec<query::Failure>,
}

impl Trial {
    /// Reads the query as a watchlist would, or as a route's `when` if it asks for what is decided later. Doubts go to
    /// stderr.
    ///
    /// # Errors
    /// Mistakes in the query, each with a caret: wrong usage.
    pub(super) fn new(source: &str, context: Option<&Context>) -> Result<Self, Failure> {
        let nothing = Context::default();
        let context = context.unwrap_or(&nothing);
        let watchlist = parse_in(source, Scope::Watchlist, context);
        let later = watchlist.is_err();
        match watchlist.or_else(|_| parse_in(source, Scope::Route, context)) {
            Ok(Parsed { query, doubts }) => {
                for doubt in &doubts {
                    eprintln!("{}", caret("warning", source, doubt));
                }
                Ok(Self { query, later })
            }
            Err(mistakes) => {
                let said: Vec<String> = mistakes.iter().map(|mistake| caret("error", source, mistake)).collect();
                Err(Failure::Usage(said.join("\n")))
            }
        }
    }

    pub(super) fn of(&self, entry: &Entry, source: &str, explained: &Explained) -> Tried {
        let lines = Lines::of(entry);
        let watchlists: Vec<&str> = explained.watchlists.iter().map(|watchlist| watchlist.name.as_str()).collect();
        let themes: Vec<&str> = explained.themes.iter().map(String::as_str).collect();
        let known = &explained.classification;
        let document = lines.document(entry, source);
        // A watchlist sees what the source claims, a route what was found out.
        let lang = if self.later { known.language.code.as_str() } else { document.lang };
        let document = Document {
            lang,
            facts: Some(Facts {
                category: known.category,
                categories: &known.categories,
                severity: known.severity,
                sentiment: known.sentiment.label,
                flags: &known.flags,
                watchlists: &watchlists,
                themes: &themes,
            }),
            ..document
        };
        let matched = self.query.evaluate(&document);
        let failed = if matched.is_some() { Vec::new() } else { self.query.failures(&document) };
        Tried { reason: self.query.reason(&document), matched, failed }
    }
}

impl Tried {
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("matches".into(), json!(self.matched.is_some()));
        map.insert("matched".into(), json!(self.matched.as_deref().unwrap_or_default()));
        map.insert("reason".into(), json!(self.reason));
        let failed = self.failed.iter().map(|failed| json!({ "part": failed.part, "why": failed.why }));
        map.insert("failed".into(), Value::Array(failed.collect()));
        map
    }

    fn words(&self, entry: &Entry) -> String {
        let mut lines = vec![short(if entry.title.is_empty() { &entry.text } else { &entry.title }, 100)];
        let Some(matched) = &self.matched else {
            lines.push("no match".into());
            lines.extend(self.failed.iter().map(|failed| format!("  failed    {}: {}", failed.part, failed.why)));
            return lines.join("\n");
        };
        lines.push(if self.reason.is_empty() { "match".into() } else { format!("match       {}", self.reason) });
        for place in matched.iter().take(MAX_PLACES) {
            lines.push(format!("  found     {}: {}", place.term, around(place, entry)));
        }
        if matched.len() > MAX_PLACES {
            lines.push(format!("            … and {} more places", matched.len() - MAX_PLACES));
        }
        lines.join("\n")
    }
}

/// Prints what became of each text.
pub(super) fn print(tried: Vec<(&Entry, Tried)>, json: bool) -> Result<(), Failure> {
    if json {
        let list = tried.iter().map(|(entry, tried)| {
            let mut map = tried.to_json();
            map.insert("title".into(), json!(entry.title));
            map.insert("url".into(), json!(entry.url));
            Value::Object(map)
        });
        return say_json(&Value::Array(list.collect()));
    }
    say(&tried.iter().map(|(entry, tried)| tried.words(entry)).collect::<Vec<_>>().join("\n\n"));
    Ok(())
}

/// A place with some text around it: `title 4-8: I bought an [Acme] phone`.
fn around(place: &Matched, entry: &Entry) -> String {
    let lines;
    let (name, whole) = match place.part {
        Part::Title => ("title", entry.title.as_str()),
        Part::Text => ("text", entry.text.as_str()),
        Part::Author => ("author", entry.author.as_ref().map_or("", |author| author.name.as_str())),
        Part::Site => ("site", entry.site.as_deref().unwrap_or_default()),
        Part::Url => ("url", entry.url.as_deref().unwrap_or_default()),
        Part::Link => {
            lines = entry.links.join("\n");
            ("link", lines.as_str())
        }
    };
    let before = whole.get(..place.start).unwrap_or_default();
    let after = whole.get(place.end..).unwrap_or_default();
    let start = before.char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
    let end = after.char_indices().nth(AROUND).map_or(after.len(), |(at, _)| at);
    let cut = |is_cut: bool| if is_cut { "…" } else { "" };
    let text = format!(
        "{}{}[{}]{}{}",
        cut(start > 0),
        before.get(start..).unwrap_or_default(),
        whole.get(place.start..place.end).unwrap_or_default(),
        after.get(..end).unwrap_or_default(),
        cut(end < after.len()),
    );
    format!("{name} {}-{}: {}", place.start, place.end, text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A mistake under its line of the query.
fn caret(level: &str, source: &str, mistake: &QueryError) -> String {
    let start = mistake.span.start.min(source.len());
    let line_start = source.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line = source.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let indent = source.get(line_start..start).map_or(0, |before| before.chars().count());
    let marked = source.get(mistake.span.clone()).unwrap_or_default().lines().next().unwrap_or_default();
    let under = marked.chars().count().clamp(1, line.chars().count().saturating_sub(indent).max(1));
    let mut said = format!("{level}: {}\n  {line}\n  {}{}", mistake.message, " ".repeat(indent), "^".repeat(under));
    if let Some(help) = &mistake.help {
        said.push_str("\n  help: ");
        said.push_str(help);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_in_the_right_line() {
        let source = "acme\nüx titel:a";
        let mistakes = parse_in(source, Scope::Route, &Context::default()).unwrap_err();
        let said = caret("error", source, mistakes.iter().find(|m| m.message.contains("titel")).unwrap());
        assert!(said.contains("\n  üx titel:a\n     ^^^^^^\n  help: did you mean `title:`"), "{said}");
    }

    #[test]
    fn places_are_shown_with_what_stands_around() {
        let text = format!("{} Acmé {}", "é".repeat(40), "x".repeat(40));
        let at = text.find("Acmé").unwrap();
        let place = Matched { part: Part::Text, start: at, end: at + 5, term: "acme".into() };
        let said = around(&place, &Entry { text, ..Entry::default() });
        assert_eq!(said, format!("text {at}-{}: …{} [Acmé] {}…", at + 5, "é".repeat(29), "x".repeat(29)));
    }
}
