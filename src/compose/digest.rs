//! Collected mail: the digest of a department, the report before a meeting, how things stand for management. Short
//! enough to be read: what needs somebody first, the rest by count.

use std::collections::HashMap;

use serde::Serialize;

use super::Composer;
use super::chart::Chart;
use super::clean::clean_line;
use super::excerpt::shorten;
use super::headers::Headers;
use super::input::Reader;
use super::listing::{Line, Lines, change, coverage, more};
use super::mask::Masker;
use super::mention::name;
use super::page_links::Listing;
use super::quote::masker;
use super::reasons::Fact;
use super::warning::{cause_words, page, usual_words};
use super::words::{Catalogue, capital, fill, plural};
use crate::model::{
    Category, Cause, Day, DismissedCase, ERASED, Email, Figures, Mention, Owner, Picture, Severity, Summary,
    SummaryKind, ThemeNews, Unusual, UnusualLine,
};

/// Name of the chart inside the mail.
const CHART: &str = "chart";
/// Characters of a reason that somebody gave.
const REASON: usize = 160;

/// Collected mail of one department.
#[derive(Clone, Copy)]
pub struct DigestInput<'a> {
    pub reader: Reader<'a>,
    pub summary: &'a Summary,
    /// All that stand in it, by number.
    pub mentions: &'a HashMap<i64, Mention>,
    /// The department's name.
    pub department: &'a str,
    /// An owner's name for people, and a watchlist's by its key.
    pub owner: &'a dyn Fn(&Owner) -> String,
    pub watchlist: &'a dyn Fn(&str) -> String,
    /// Somebody's name by what the record calls them.
    pub who: &'a dyn Fn(&str) -> String,
    pub possible_duplicate: bool,
}

#[derive(Serialize)]
struct View<'a> {
    preheader: String,
    tone: &'static str,
    intro: String,
    heading: String,
    period: String,
    late: String,
    /// The one line of a mail that has nothing to say; empty otherwise.
    quiet: String,
    sections: Vec<Section>,
    rest_label: &'a str,
    rest: String,
    /// Where all that was counted is listed.
    rest_all: Option<String>,
    show_all: &'a str,
    hidden: String,
    figures_label: &'a str,
    figures: Vec<Fact>,
    chart: Option<Picked>,
    coverage_label: &'a str,
    coverage: Vec<String>,
    foot: Vec<String>,
}

#[derive(Serialize)]
struct Section {
    heading: String,
    /// All of it in a sentence, where it is not all named.
    note: String,
    lines: Vec<Line>,
    themes: Vec<Theme>,
    /// The heading says of what kind all of it is.
    plain: bool,
    more: String,
    /// Where all of it stands.
    all: Option<String>,
    all_label: String,
}

#[derive(Serialize)]
pub(super) struct Theme {
    name: String,
    facts: String,
    page: Option<String>,
    page_label: String,
    quotes: Vec<Line>,
}

/// The chart as the mail shows it.
#[derive(Serialize)]
struct Picked {
    name: &'static str,
    width: u32,
    height: u32,
    alt: String,
    key: String,
    first: String,
    last: String,
}

pub(super) fn digest(composer: &Composer, input: &DigestInput<'_>) -> Email {
    let words = composer.words(input.reader.language);
    let (texts, summary, reader) = (&words.digest, input.summary, input.reader);
    let department = name(input.department);
    let date = |at| words.date(at, reader.zone);
    let meets = summary.meets.map(date).unwrap_or_default();
    let headline = headline(words, summary);
    let values: [(&str, &str); 3] = [("department", &department), ("headline", &headline), ("date", &meets)];
    let (subject, intro) = match summary.kind {
        SummaryKind::Digest => (&texts.subject_digest, &texts.intro_digest),
        SummaryKind::Meeting => (&texts.subject_meeting, &texts.intro_meeting),
        SummaryKind::Management => (&texts.subject_management, &texts.intro_management),
    };
    let covered = coverage(words, &reader, &summary.coverage);
    let quiet = summary.is_quiet();
    let last = summary.coverage.last_heard.map_or_else(|| texts.never.clone(), date);
    let (heard, sources) = (summary.coverage.heard.to_string(), summary.coverage.sources.to_string());
    let quiet_line = if summary.coverage.sources == 1 { &texts.quiet_line_one } else { &texts.quiet_line };
    let quiet_line = fill(quiet_line, &[("heard", &heard), ("sources", &sources), ("last", &last)]);
    let (chart, picture) = if quiet { (None, None) } else { chart(words, &summary.days) };
    let hidden = usize::try_from(summary.hidden).unwrap_or(usize::MAX);

    let view = View {
        preheader: covered.first().cloned().unwrap_or_default(),
        tone: tone(summary),
        intro: fill(intro, &values),
        heading: capital(&headline),
        period: fill(&texts.period, &[("from", &date(summary.from)), ("to", &date(summary.to))]),
        late: if summary.late { fill(&texts.late, &[("due", &date(summary.to))]) } else { String::new() },
        quiet: if quiet { quiet_line } else { String::new() },
        sections: sections(composer, words, input),
        rest_label: &texts.rest,
        rest: by_count(words, summary.rest.iter().map(|(category, count)| (*category, *count))),
        rest_all: composer.inbox(listing(summary, "")),
        show_all: &texts.show_all,
        hidden: if hidden == 0 { String::new() } else { plural(hidden, &texts.hidden_one, &texts.hidden_other) },
        figures_label: &texts.figures,
        figures: if quiet { Vec::new() } else { figures(words, &summary.figures, summary.before.as_ref()) },
        chart,
        coverage_label: &texts.coverage,
        // Where the one line says it all, it is not said again.
        coverage: if quiet && summary.coverage.is_complete() { Vec::new() } else { covered },
        foot: composer.foot(words, fill(&texts.foot, &[("department", &department)]), input.possible_duplicate),
    };
    let mut headers = Headers::new(summary.kind.as_str(), &words.code, input.possible_duplicate);
    let list = format!("{}-{}", summary.kind.as_str(), summary.department);
    headers.list_id(&list, &composer.settings.sender_domain);
    let mut email = composer.email("digest", words, fill(subject, &values), &view, headers);
    email.pictures.extend(picture);
    email
}

/// `2 cases overdue, 3 open cases, 12 mentions`.
fn headline(words: &Catalogue, summary: &Summary) -> String {
    let texts = &words.digest;
    let counted = |n: u64, one: &str, other: &str| {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        (n > 0).then(|| plural(n, one, other))
    };
    let parts: Vec<String> = [
        counted(summary.overdue.count(), &texts.overdue_one, &texts.overdue_other),
        counted(summary.needs.count(), &texts.needs_one, &texts.needs_other),
        counted(summary.figures.mentions, &texts.mentions_one, &texts.mentions_other),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { texts.quiet.clone() } else { parts.join(", ") }
}

/// The stripe: what is worst among what is to be done.
fn tone(summary: &Summary) -> &'static str {
    let worst = summary.overdue.items.iter().chain(&summary.needs.items).map(|c| c.severity).max();
    match worst {
        Some(Severity::Critical) => "critical",
        _ if summary.overdue.count() > 0 => "high",
        Some(_) => "medium",
        None if !summary.coverage.is_complete() => "low",
        None => "good",
    }
}

fn sections(composer: &Composer, words: &Catalogue, input: &DigestInput<'_>) -> Vec<Section> {
    let (texts, summary) = (&words.digest, input.summary);
    let lines = Lines { composer, words, reader: input.reader, mentions: input.mentions };
    let management = summary.kind == SummaryKind::Management;
    let section = |label: &str, count: u64, shown: usize, lines: Vec<Line>, plain: bool, all: Option<String>| {
        let left = count.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
        Section {
            heading: format!("{label} ({count})"),
            note: String::new(),
            lines,
            themes: Vec::new(),
            plain,
            more: more(words, left),
            all: all.filter(|_| left > 0),
            all_label: texts.show_all.clone(),
        }
    };
    let cases = |label: &str, list: &crate::model::Listed<crate::model::OpenCase>, overdue: bool| {
        let shown = list.items.iter().filter_map(|case| lines.case(case, input.owner)).collect();
        let all = composer.cases_link((!summary.everything).then_some(&summary.department), overdue);
        section(label, list.count(), list.items.len(), shown, false, all)
    };
    let items = |label: &str, list: &crate::model::Listed<crate::model::Item>, query: &str, plain: bool| {
        let all = composer.inbox(listing(summary, query));
        section(label, list.count(), list.items.len(), lines.items(&list.items), plain, all)
    };
    let themes = || {
        let list = &summary.themes;
        let shown = list.items.iter().map(|theme| Theme {
            facts: theme_facts(words, theme, theme.news.as_ref().map(|news| theme_news(words, input, news))),
            ..theme_lines(&lines, theme)
        });
        let shown = shown.collect();
        let all = composer.themes_link();
        Section { themes: shown, ..section(&texts.themes, list.count(), list.items.len(), Vec::new(), false, all) }
    };
    let unusual = || {
        let list = &summary.unusual;
        let shown = list.items.iter().map(|line| unusual_line(composer, words, input, line)).collect();
        Section { themes: shown, ..section(&texts.unusual, list.count(), list.items.len(), Vec::new(), false, None) }
    };
    let ended = || {
        let (list, closed) = (&summary.ended.dismissed, summary.ended.closed);
        let shown = list.items.iter().filter_map(|case| dismissed_line(&lines, input, case)).collect();
        let all = composer.all_cases_link((!summary.everything).then_some(&summary.department));
        let counted = |n: u64, one: &str, other: &str| {
            (n > 0).then(|| plural(usize::try_from(n).unwrap_or(usize::MAX), one, other))
        };
        let note = [
            counted(closed, &texts.closed_one, &texts.closed_other),
            counted(list.count(), &texts.dismissed_one, &texts.dismissed_other),
        ];
        let note = note.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let named = section(&texts.ended, list.count(), list.items.len(), shown, false, all);
        Section { heading: format!("{} ({})", texts.ended, summary.ended.count()), note, ..named }
    };
    // Where management has no grave case to be named, the subject has said how many are open.
    let named = if management && summary.needs.items.is_empty() { 0 } else { summary.needs.count() };
    let new = if management { (&texts.grave, "severity:>=high") } else { (&texts.new, "") };
    let all = [
        (summary.overdue.count(), cases(&texts.overdue, &summary.overdue, true)),
        (named, cases(if management { &texts.open } else { &texts.needs }, &summary.needs, false)),
        (summary.unusual.count(), unusual()),
        (summary.themes.count(), themes()),
        (summary.new.count(), items(new.0, &summary.new, new.1, false)),
        (summary.questions.count(), items(&texts.questions, &summary.questions, "category:question", true)),
        (summary.praise.count(), items(&texts.praise, &summary.praise, "category:praise", true)),
        (summary.ended.count(), ended()),
    ];
    all.into_iter().filter(|(count, _)| *count > 0).map(|(_, section)| section).collect()
}

/// The mentions of the period that the reader was told of, by count or by name.
fn listing<'a>(summary: &'a Summary, query: &'a str) -> Listing<'a> {
    let department = (!summary.everything).then_some(summary.department.as_str());
    Listing { query, department, heard: Some((summary.from, summary.to)) }
}

/// A theme, with what speaks for it.
pub(super) fn theme_lines(lines: &Lines<'_>, theme: &crate::model::ThemeLine) -> Theme {
    Theme {
        name: clean_line(&theme.name),
        facts: theme_facts(lines.words, theme, None),
        page: theme_link(lines.composer, theme),
        page_label: lines.words.mail.theme_page.clone(),
        quotes: quotes(lines, &theme.quotes),
    }
}

/// A warning: what it was about, by how much, and what became of it.
fn unusual_line(composer: &Composer, words: &Catalogue, input: &DigestInput<'_>, line: &UnusualLine) -> Theme {
    let (texts, warning) = (&words.digest, &words.warning);
    let date = |at| words.date(at, input.reader.zone);
    let brand = name(&(input.watchlist)(&line.watchlist));
    let cause = cause_words(words, &line.tally.cause, &brand, line.theme.as_deref());
    let values = [
        ("count", words.number(line.tally.count)),
        ("time", words.length(line.tally.seconds)),
        ("usual", usual_words(words, line.tally.usual)),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let mut facts = vec![brand.clone(), date(line.given), fill(&warning.figure, &values)];
    facts.push(match line.over {
        Some(at) => fill(&texts.unusual_over, &[("date", &date(at))]),
        None => texts.unusual_still.clone(),
    });
    if line.cases > 0 {
        let (cases, open) = (line.cases.to_string(), line.open.to_string());
        facts.push(fill(&texts.unusual_cases, &[("count", &cases), ("open", &open)]));
    }
    let heading = match line.unusual {
        Unusual::Rise => &warning.heading_rise,
        Unusual::Quiet => &warning.heading_quiet,
    };
    let page_label = match line.tally.cause {
        Cause::Theme(_) => &words.mail.theme_page,
        _ => &texts.show_all,
    };
    Theme {
        name: capital(&fill(heading, &[("cause", &cause)])),
        facts: facts.join(" · "),
        page: page(composer, &line.watchlist, line.unusual, &line.tally.cause, (line.since, line.given)),
        page_label: page_label.clone(),
        quotes: Vec::new(),
    }
}

/// Its page, or the mentions that its query finds.
fn theme_link(composer: &Composer, theme: &crate::model::ThemeLine) -> Option<String> {
    if let Some(number) = theme.number {
        return composer.theme_link(number);
    }
    let query = format!("theme:\"{}\"", theme.id.replace(['"', '\\'], " "));
    composer.inbox(Listing { query: &query, ..Listing::default() })
}

/// How many people and mentions a theme has, and what became of it. One of which nobody spoke has no figures.
fn theme_facts(words: &Catalogue, theme: &crate::model::ThemeLine, news: Option<String>) -> String {
    let (people, mentions) = (words.counts.people(theme.people), words.counts.mentions(theme.mentions));
    let before = theme.before.to_string();
    let values = [("people", people.as_str()), ("mentions", &mentions), ("before", &before)];
    let figures = (theme.mentions > 0).then(|| fill(&words.digest.theme_line, &values));
    [figures, news].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// `closed on Sat 21 Nov 2026, 14:05 by Ana Ruiz: “fixed in 2.1”`.
fn theme_news(words: &Catalogue, input: &DigestInput<'_>, news: &ThemeNews) -> String {
    let texts = &words.digest;
    let date = |at: &jiff::Timestamp| words.date(*at, input.reader.zone);
    match news {
        ThemeNews::Opened { at } => fill(&texts.theme_opened, &[("date", &date(at))]),
        ThemeNews::Back { at } => fill(&texts.theme_back, &[("date", &date(at))]),
        ThemeNews::Merged { at, into } => {
            fill(&texts.theme_merged, &[("date", &date(at)), ("name", &clean_line(into))])
        }
        ThemeNews::Closed { at, by, reason } => {
            let who = by.as_deref().map(|by| name(&(input.who)(by)));
            let masker = Masker::new(&words.masks, None, std::iter::empty());
            let said = match &who {
                Some(who) => fill(&texts.theme_closed_by, &[("date", &date(at)), ("who", who)]),
                None => fill(&texts.theme_closed, &[("date", &date(at))]),
            };
            said + &because(words, masker, reason)
        }
    }
}

/// A case that was dismissed, with who did it and why.
fn dismissed_line(lines: &Lines<'_>, input: &DigestInput<'_>, case: &DismissedCase) -> Option<Line> {
    let (words, texts) = (lines.words, &lines.words.digest);
    let mention = lines.mentions.get(&case.mention)?;
    let mut line = lines.item(&crate::model::Item {
        mention: case.mention,
        copies: 0,
        case: Some(case.case),
        named: Vec::new(),
    })?;
    if let Some(theme) = &case.theme {
        lines.name_theme(&mut line, theme);
    }
    let date = words.date(case.at, input.reader.zone);
    let who = case.by.as_deref().map(|by| name(&(input.who)(by)));
    let said = match &who {
        Some(who) => fill(&texts.dismissed_by, &[("date", &date), ("who", who)]),
        None => fill(&texts.dismissed_on, &[("date", &date)]),
    };
    let reason = case.reason.as_deref().unwrap_or_default();
    let said = said + &because(words, masker(words, mention), reason);
    line.facts = vec![fill(&words.mail.case, &[("case", &case.case.to_string())]), said];
    Some(line)
}

/// A reason that somebody gave, in their words, with personal data masked: `: “fixed in 2.1”`.
fn because(words: &Catalogue, mut masker: Masker<'_>, reason: &str) -> String {
    let reason = if reason == ERASED {
        words.mail.erased_reason.clone()
    } else {
        shorten(&clean_line(&masker.mask_str(reason)), REASON)
    };
    if reason.is_empty() { reason } else { format!(": {}", words.quote(&reason)) }
}

/// Lines of what speaks for a theme.
fn quotes(lines: &Lines<'_>, ids: &[i64]) -> Vec<Line> {
    let item = |id: &i64| crate::model::Item { mention: *id, copies: 0, case: None, named: Vec::new() };
    ids.iter().filter_map(|id| lines.item(&item(id))).collect()
}

/// `Complaint 4 · press coverage 2`, the most first.
fn by_count(words: &Catalogue, counts: impl Iterator<Item = (Category, u64)>) -> String {
    let mut counts: Vec<(Category, u64)> = counts.collect();
    counts.sort_by_key(|(category, count)| (std::cmp::Reverse(*count), *category));
    let parts: Vec<String> =
        counts.iter().map(|(category, count)| format!("{} {count}", words.category(*category))).collect();
    capital(&parts.join(" · "))
}

/// The figures and what changed, if something is known of the period before.
pub(super) fn figures(words: &Catalogue, now: &Figures, before: Option<&Figures>) -> Vec<Fact> {
    let texts = &words.digest;
    let compares = before.is_some();
    let nothing = Figures::default();
    let before = before.unwrap_or(&nothing);
    [
        (&texts.mentions, now.mentions, before.mentions),
        (&texts.negative, now.negative, before.negative),
        (&texts.positive, now.positive, before.positive),
        (&texts.authors, now.authors, before.authors),
        (&texts.copies, now.copies, before.copies),
        (&texts.reach, now.reach, before.reach),
    ]
    .into_iter()
    .filter(|(_, now, before)| now + before > 0)
    .map(|(label, now, before)| Fact {
        label: label.clone(),
        value: words.number(now),
        because: if compares { change(words, now, before) } else { String::new() },
    })
    .collect()
}

/// What the chart of days says, for those who do not see it.
pub(super) fn chart_alt(words: &Catalogue, days: &[Day]) -> String {
    let (first, last) = ends(words, days);
    let total: u64 = days.iter().map(Day::all).sum();
    // Of days that are alike the latest.
    let most = days.iter().max_by_key(|day| day.all()).filter(|day| day.all() > 0);
    let Some(most) = most else {
        return fill(&words.digest.chart_none, &[("from", &first), ("to", &last)]);
    };
    let values = [
        ("from", first.as_str()),
        ("to", &last),
        ("total", &total.to_string()),
        ("day", &words.day(most.date)),
        ("most", &most.all().to_string()),
    ];
    fill(&words.digest.chart_alt, &values)
}

/// First and last day.
pub(super) fn ends(words: &Catalogue, days: &[Day]) -> (String, String) {
    let day = |day: Option<&Day>| day.map(|d| words.day(d.date)).unwrap_or_default();
    (day(days.first()), day(days.last()))
}

fn chart(words: &Catalogue, days: &[Day]) -> (Option<Picked>, Option<Picture>) {
    let chart = Chart::of_days(days);
    let Some(png) = chart.png() else { return (None, None) };
    let (width, height) = chart.size();
    let (first, last) = ends(words, days);
    let key = words.digest.chart_key.clone();
    let shown = Picked { name: CHART, width, height, alt: chart_alt(words, days), key, first, last };
    (Some(shown), Some(Picture { name: CHART, png }))
}
