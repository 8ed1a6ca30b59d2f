//! A report about a period: what a community manager brings to a meeting. One page of HTML, or Markdown.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::chart::Chart;
use super::clean::clean_line;
use super::digest::{Theme, chart_alt, ends, figures, theme_lines};
use super::input::Reader;
use super::listing::{Line, Lines, coverage, difference, more};
use super::mention::name;
use super::page_links::Listing;
use super::reasons::Fact;
use super::words::{Catalogue, capital, fill, plural};
use super::{Composer, escape_into};
use crate::model::{Category, Comparison, Figures, Mention, Promise, Report, SentimentLabel, Severity};

/// Rows of a table of counts; the rest is one row.
const MAX_ROWS: usize = 12;

/// A report and what it needs to be worded.
#[derive(Clone, Copy)]
pub struct ReportInput<'a> {
    pub reader: Reader<'a>,
    pub report: &'a Report,
    /// All that stand in it, by number.
    pub mentions: &'a HashMap<i64, Mention>,
    /// What it is about: the names of the watchlists.
    pub what: &'a str,
    /// A department's name, by its key.
    pub department: &'a dyn Fn(&str) -> String,
    pub made: Timestamp,
}

#[derive(Serialize)]
struct View<'a> {
    title: String,
    period: String,
    theme: String,
    theme_page: Option<String>,
    short: String,
    figures_label: &'a str,
    figures: Vec<Fact>,
    volume_label: &'a str,
    /// An SVG drawing, made here and escaped.
    chart: String,
    chart_alt: String,
    chart_key: &'a str,
    first: String,
    last: String,
    counts: Vec<Counts<'a>>,
    responses: Option<Table<'a>>,
    comparison: Option<Table<'a>>,
    themes_label: &'a str,
    themes: Vec<Theme>,
    themes_more: String,
    themes_all: Option<String>,
    themes_all_label: &'a str,
    lists: Vec<List<'a>>,
    hidden: String,
    coverage_label: &'a str,
    coverage: Vec<String>,
    made: String,
}

/// How often each of some things occurred.
#[derive(Serialize)]
struct Counts<'a> {
    heading: &'a str,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    label: String,
    count: u64,
    share: String,
    /// 0 … 100, of the longest.
    bar: u64,
}

#[derive(Serialize)]
struct Table<'a> {
    heading: String,
    head: Vec<&'a str>,
    rows: Vec<Vec<String>>,
    note: &'a str,
}

#[derive(Serialize)]
struct List<'a> {
    heading: &'a str,
    lines: Vec<Line>,
    more: String,
    /// Where all of it stands.
    all: Option<String>,
    all_label: &'a str,
}

/// Renders a report with that template.
pub(super) fn report(composer: &Composer, input: &ReportInput<'_>, template: &str) -> String {
    let words = composer.words(input.reader.language);
    let view = view(composer, words, input);
    let values = context! { m => Value::from(Serde(&view)), w => words.labels.clone(), lang => words.code.as_str() };
    composer.render(template, &values)
}

fn view<'a>(composer: &Composer, words: &'a Catalogue, input: &ReportInput<'_>) -> View<'a> {
    let (texts, shared, report) = (&words.report, &words.digest, input.report);
    let date = |at| words.date(at, input.reader.zone);
    let lines = Lines { composer, words, reader: input.reader, mentions: input.mentions };
    let alt = chart_alt(words, &report.days);
    let mut escaped = String::new();
    escape_into(&mut escaped, &alt);
    let (first, last) = ends(words, &report.days);
    let list = |heading, listed: &crate::model::Listed<crate::model::Item>, categories: &[Category]| {
        let more = more(words, listed.more);
        let all = all_of(composer, report, categories).filter(|_| listed.more > 0);
        List { heading, lines: lines.items(&listed.items), more, all, all_label: &shared.show_all }
    };
    let hidden = usize::try_from(report.hidden).unwrap_or(usize::MAX);
    let grievances: Vec<Category> = Category::ALL.into_iter().filter(|category| category.is_grievance()).collect();
    let lists =
        [list(&shared.grave, &report.grave, &grievances), list(&shared.praise, &report.praise, &[Category::Praise])];
    View {
        title: fill(&texts.title, &[("what", &clean_line(input.what))]),
        period: fill(&shared.period, &[("from", &date(report.from)), ("to", &date(report.to))]),
        theme: report.theme.as_ref().map(|t| fill(&texts.theme, &[("theme", &clean_line(t))])).unwrap_or_default(),
        theme_page: report.theme_number.and_then(|number| composer.theme_link(number)),
        short: short(words, &report.figures),
        figures_label: &shared.figures,
        figures: figures(words, &report.figures, report.before.as_ref()),
        volume_label: &texts.volume,
        chart: Chart::of_days(&report.days).svg(&escaped),
        chart_alt: alt,
        chart_key: &shared.chart_key,
        first,
        last,
        counts: counts(words, &report.figures),
        responses: responses(words, input),
        comparison: report.comparison.as_ref().map(|c| comparison(words, input, c)),
        themes_label: &shared.themes,
        themes: report.themes.items.iter().map(|theme| theme_lines(&lines, theme)).collect(),
        themes_more: more(words, report.themes.more),
        themes_all: composer.themes_link().filter(|_| report.themes.more > 0),
        themes_all_label: &shared.show_all,
        lists: lists.into_iter().filter(|list| !list.lines.is_empty()).collect(),
        hidden: if hidden == 0 { String::new() } else { plural(hidden, &shared.hidden_one, &shared.hidden_other) },
        coverage_label: &shared.coverage,
        coverage: coverage(words, &input.reader, &report.coverage),
        made: fill(&texts.made, &[("date", &date(input.made))]),
    }
}

/// Where the mentions of these categories are listed, as far as the report counts them.
fn all_of(composer: &Composer, report: &Report, categories: &[Category]) -> Option<String> {
    let names: Vec<&str> = categories.iter().map(|category| category.as_str()).collect();
    let mut query = match names.as_slice() {
        [one] => format!("category:{one}"),
        several => format!("category:({})", several.join(" OR ")),
    };
    if let Some(watchlist) = &report.watchlist {
        query = format!("{query} watchlist:{watchlist}");
    }
    match (&report.theme, report.theme_number) {
        // Its page lists them.
        (Some(_), Some(number)) => composer.theme_link(number),
        (Some(named), None) => {
            let query = format!("{query} theme:\"{}\"", named.replace(['"', '\\'], " "));
            composer.inbox(Listing { query: &query, heard: Some((report.from, report.to)), ..Listing::default() })
        }
        (None, _) => {
            composer.inbox(Listing { query: &query, heard: Some((report.from, report.to)), ..Listing::default() })
        }
    }
}

/// The whole in one sentence.
fn short(words: &Catalogue, figures: &Figures) -> String {
    if figures.mentions == 0 {
        return words.report.nothing.clone();
    }
    let mentions = usize::try_from(figures.mentions).unwrap_or(usize::MAX);
    let mentions = plural(mentions, &words.digest.mentions_one, &words.digest.mentions_other);
    // Where no author can be told apart there is nothing to say of them.
    let who = match figures.authors {
        0 => mentions,
        1 => fill(&words.report.by_one, &[("mentions", &mentions)]),
        authors => fill(&words.report.by_other, &[("mentions", &mentions), ("count", &authors.to_string())]),
    };
    fill(
        &words.report.short,
        &[
            ("who", &who),
            ("negative", &figures.negative.to_string()),
            ("negative_share", &share(figures.negative, figures.mentions)),
            ("positive", &figures.positive.to_string()),
            ("positive_share", &share(figures.positive, figures.mentions)),
        ],
    )
}

/// `42 %`, as all four languages but English write it, with a space that does not break; English does not mind.
fn share(part: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0 } else { (u128::from(part) * 200 + u128::from(whole)) / (u128::from(whole) * 2) };
    format!("{percent}\u{a0}%")
}

fn counts<'a>(words: &'a Catalogue, figures: &Figures) -> Vec<Counts<'a>> {
    let texts = &words.report;
    let of = |heading, rows: Vec<(String, u64)>| Counts { heading, rows: rows_of(rows, figures.mentions) };
    let most = |mut rows: Vec<(String, u64)>| {
        rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        if rows.len() > MAX_ROWS {
            let rest = rows.split_off(MAX_ROWS - 1).iter().map(|(_, n)| n).sum();
            rows.push((texts.others.clone(), rest));
        }
        rows
    };
    let named = |counts: &BTreeMap<String, u64>, label: &dyn Fn(&str) -> String| {
        most(counts.iter().map(|(key, n)| (label(key), *n)).collect())
    };
    let count = |n: Option<&u64>| n.copied().unwrap_or(0);
    let sentiments = SentimentLabel::ALL.iter().rev();
    let sentiments = sentiments.map(|s| (capital(words.sentiment(*s)), count(figures.sentiments.get(s)))).collect();
    let severities = Severity::ALL.iter().rev();
    let severities = severities.map(|s| (capital(words.severity(*s)), count(figures.severities.get(s)))).collect();
    let categories = figures.categories.iter().map(|(c, n)| (capital(words.category(*c)), *n)).collect();
    let all = [
        of(&texts.sentiment, sentiments),
        of(&texts.categories, most(categories)),
        of(&texts.severity, severities),
        of(&texts.sources, named(&figures.sources, &name)),
        of(&texts.languages, named(&figures.languages, &|code| language(words, code))),
    ];
    if figures.mentions == 0 { Vec::new() } else { all.into() }
}

fn rows_of(rows: Vec<(String, u64)>, all: u64) -> Vec<Row> {
    let longest = rows.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
    let bar = |n: u64| (n.saturating_mul(100) / longest).max(u64::from(n > 0));
    rows.into_iter().map(|(label, count)| Row { label, count, share: share(count, all), bar: bar(count) }).collect()
}

fn language(words: &Catalogue, code: &str) -> String {
    let texts = &words.report;
    capital(match code {
        "en" => &texts.english,
        "es" => &texts.spanish,
        "pt" => &texts.portuguese,
        "da" => &texts.danish,
        "und" | "" => &texts.others,
        // Of others only the code is known (ISO 639-1).
        code => return code.to_owned(),
    })
}

/// `15.1`, with the sign that the language has.
fn decimal(words: &Catalogue, number: f64) -> String {
    let text = format!("{number:.1}");
    if words.digest.thousands == "." { text.replace('.', ",") } else { text }
}

fn responses<'a>(words: &'a Catalogue, input: &ReportInput<'_>) -> Option<Table<'a>> {
    let texts = &words.report;
    let rows: Vec<Vec<String>> = input
        .report
        .responses
        .iter()
        .map(|response| {
            vec![
                clean_line(&(input.department)(&response.department)),
                response.cases.to_string(),
                promise(words, &response.acknowledged),
                promise(words, &response.answered),
            ]
        })
        .collect();
    (!rows.is_empty()).then(|| Table {
        heading: texts.responses.clone(),
        head: vec![&texts.department, &texts.cases, &texts.taken, &texts.answered],
        rows,
        note: &texts.clock,
    })
}

/// `3 of 5 in time; of those done, half within 2 h; 1 still open`.
fn promise(words: &Catalogue, promise: &Promise) -> String {
    let texts = &words.report;
    let (kept, all) = (promise.kept.to_string(), (promise.kept + promise.broken).to_string());
    let mut parts = Vec::new();
    if !promise.promised {
        parts.push(texts.no_promise.clone());
    } else if promise.kept + promise.broken > 0 {
        parts.push(fill(&texts.in_time, &[("kept", &kept), ("all", &all)]));
    }
    if let Some(minutes) = promise.median_minutes {
        parts.push(fill(&texts.median, &[("length", &words.length(minutes.saturating_mul(60)))]));
    }
    if promise.running > 0 {
        parts.push(fill(&texts.running, &[("count", &promise.running.to_string())]));
    }
    parts.join("; ")
}

fn comparison<'a>(words: &'a Catalogue, input: &ReportInput<'_>, compared: &Comparison) -> Table<'a> {
    let (texts, shared) = (&words.report, &words.digest);
    let Comparison { at, before, after } = compared;
    // The two parts need not be of one length.
    let a_day = |figures: &Figures, from: Timestamp, to: Timestamp| {
        let days = to.duration_since(from).as_secs_f64() / 86_400.0;
        if days > 0.0 { decimal(words, figures.mentions as f64 / days) } else { "–".to_owned() }
    };
    let both = |n: u64, figures: &Figures| format!("{n} ({})", share(n, figures.mentions));
    let rows = vec![
        vec![
            shared.mentions.clone(),
            before.mentions.to_string(),
            after.mentions.to_string(),
            difference(words, after.mentions, before.mentions),
        ],
        vec![
            texts.a_day.clone(),
            a_day(before, input.report.from, *at),
            a_day(after, *at, input.report.to),
            String::new(),
        ],
        vec![
            shared.negative.clone(),
            both(before.negative, before),
            both(after.negative, after),
            difference(words, after.negative, before.negative),
        ],
        vec![
            shared.positive.clone(),
            both(before.positive, before),
            both(after.positive, after),
            difference(words, after.positive, before.positive),
        ],
    ];
    Table {
        heading: fill(&texts.comparison, &[("date", &words.date(*at, input.reader.zone))]),
        head: vec!["", &texts.before, &texts.after, ""],
        rows,
        note: "",
    }
}

/// Text as Markdown shows it, whatever signs are in it (CommonMark 0.31, 2.4): a stranger's words make no heading, link or
/// picture, and open no tag.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c == '\n' || c == '\r' {
            out.push(' ');
        } else {
            // Full stops and hyphens matter only where a line begins, and no text of ours begins one.
            if c.is_ascii_punctuation()
                && !matches!(c, '.' | ',' | '-' | '\'' | '"' | '?' | ';' | '%' | '/' | ':' | '(' | ')')
            {
                out.push('\\');
            }
            out.push(c);
        }
    }
    // A web address would become a link by itself in many programs.
    out.replace("://", "\\://").replace("www.", "www\\.")
}
