//! `config/QUERIES.md` is executed: each row of its tables is a claim about what a query finds.

use crate::model::{Category, SentimentLabel, Severity};
use crate::query::{Context, Document, Facts, Scope, parse, parse_in};

const REFERENCE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/QUERIES.md"));

/// The cell without the signs that make it code.
fn code(cell: &str) -> &str {
    let cell = cell.trim();
    let inner = cell.strip_prefix("``").and_then(|cell| cell.strip_suffix("``"));
    inner.or_else(|| cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'))).unwrap_or(cell).trim()
}

/// Whether the query finds the example: `field=value; …` sets fields, anything else is the text.
fn finds(source: &str, scope: Scope, example: &str) -> bool {
    let mut context = Context::default();
    for (name, set) in [("competitors", "globex OR initech"), ("jobs", "title:(job OR hiring)")] {
        context.define(name, Some(&parse(set, Scope::Set).unwrap()));
    }
    let query = parse_in(source, scope, &context)
        .unwrap_or_else(|errors| panic!("`{source}` does not parse: {errors:#?}"))
        .query;
    let mut document = Document::default();
    let mut facts = Facts {
        category: Category::Other,
        categories: &[],
        severity: Severity::Low,
        sentiment: SentimentLabel::Neutral,
        flags: &[],
        watchlists: &[],
        themes: &[],
    };
    let (flag, watchlist, links);
    let mut themes = Vec::new();
    let mut link = Vec::new();
    let mut flags = Vec::new();
    let mut watchlists = Vec::new();
    for part in example.split("; ") {
        match part.split_once('=') {
            Some(("title", value)) => document.title = value,
            Some(("text", value)) => document.text = value,
            Some(("author", value)) => document.author = value,
            Some(("site", value)) => document.site = value,
            Some(("url", value)) => document.url = value,
            Some(("lang", value)) => document.lang = value,
            Some(("source", value)) => document.source = value,
            Some(("category", value)) => facts.category = Category::parse(value).unwrap(),
            Some(("severity", value)) => facts.severity = Severity::parse(value).unwrap(),
            Some(("sentiment", value)) => facts.sentiment = SentimentLabel::parse(value).unwrap(),
            Some(("flag", value)) => flags.push(value.to_owned()),
            Some(("watchlist", value)) => watchlists.push(value),
            Some(("theme", value)) => themes.push(value),
            Some(("link", value)) => link.push(value),
            Some(("followers", value)) => document.followers = Some(value.parse().unwrap()),
            Some(("rating", value)) => document.rating = Some(value.parse().unwrap()),
            Some(("reply", value)) => document.reply = Some(value == "yes"),
            _ => document.text = part,
        }
    }
    flag = flags;
    watchlist = watchlists;
    facts.flags = &flag;
    facts.watchlists = &watchlist;
    facts.themes = &themes;
    links = link.join("\n");
    document.links = &links;
    if scope == Scope::Route {
        document.facts = Some(facts);
    }
    query.evaluate(&document).is_some()
}

#[test]
fn every_row_of_the_reference_holds() {
    let mut scope = Scope::Watchlist;
    let (mut claims, mut rows) = (0, 0);
    let mut wrong = Vec::new();
    for line in REFERENCE.lines() {
        if line.starts_with("## ") {
            scope = if line.contains("routes") { Scope::Route } else { Scope::Watchlist };
        }
        let cells: Vec<&str> = line.trim().trim_matches('|').split(" | ").collect();
        let [source, yes, no] = cells[..] else { continue };
        if source.contains("---") || source.trim() == "query" {
            continue;
        }
        rows += 1;
        for (column, expected) in [(yes, true), (no, false)] {
            for example in column.split(" · ") {
                claims += 1;
                if finds(code(source), scope, code(example)) != expected {
                    wrong.push(format!(
                        "{} {} {}",
                        code(source),
                        if expected { "misses" } else { "finds" },
                        code(example)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows >= 200, "only {rows} rows");
    assert!(claims > 500, "only {claims} claims were read: has the table another form?");
}
