//! An early warning: what is unusual, by how much, since when, what people say, what to do, and why mentiond says so.

use std::collections::HashMap;

use serde::Serialize;

use super::Composer;
use super::clean::{clean_line, isolate};
use super::dossier::{masker, strongest, written};
use super::excerpt::shorten;
use super::headers::Headers;
use super::input::{DossierPost, WarningInput};
use super::link::{Link, shown};
use super::mention::{name, open_on};
use super::reasons::{self, Fact};
use super::words::{Catalogue, capital, fill};
use crate::model::{Cause, Email, Mention, Tally, Unusual};
use crate::themes::Terms;

/// Characters of a quote.
const QUOTE: usize = 280;
/// Words that are shown, and how many mentions must have one.
const MAX_WORDS: usize = 8;
const WORD_FROM: usize = 2;
/// Words of one mention that are counted, the heaviest.
const WORDS_A_MENTION: usize = 12;
/// Height of the tallest bar on each side, in pixels.
const BAR: f64 = 44.0;
/// Beyond so many, nobody needs to know how unlikely it is.
const RARE: f64 = 1_000_000.0;

#[derive(Serialize)]
struct View<'a> {
    preheader: String,
    tone: &'static str,
    intro: String,
    heading: String,
    /// `34 in 2 h 40 min, usually 6`.
    figure: String,
    what: String,
    next_label: &'a str,
    next: &'a str,
    facts: Vec<Fact>,
    chart_label: &'a str,
    chart: String,
    chart_alt: String,
    bars: Vec<Bar>,
    quotes_label: &'a str,
    quotes: Vec<Quote>,
    why_label: &'a str,
    why: String,
    how_label: &'a str,
    how: String,
    foot: Vec<String>,
}

/// One hour: what was said stands on the line, what is usual hangs below it, in pixels.
#[derive(Serialize)]
struct Bar {
    up: u32,
    down: u32,
}

#[derive(Serialize)]
struct Quote {
    text: String,
    byline: String,
    link: Option<Link>,
    open_on: String,
}

pub(super) fn warning(composer: &Composer, input: &WarningInput<'_>) -> Email {
    let words = composer.words(input.reader.language);
    let texts = &words.warning;
    let warning = input.warning;
    let tally = &warning.tally;
    let brand = name(input.watchlist.name);
    let rise = warning.unusual == Unusual::Rise;
    let cause = cause_words(words, input, &tally.cause, &brand);
    let time = words.length(tally.seconds);
    let (count, usual) = (words.number(tally.count), usual_words(words, tally.usual));
    let since = words.date(warning.since, input.reader.zone);
    let days = warning.days.to_string();
    let once = if tally.chance * RARE < 1.0 { RARE } else { (1.0 / tally.chance).round() };
    let once = words.number(once as u64);
    let values: [(&str, &str); 8] = [
        ("brand", &brand),
        ("cause", &cause),
        ("time", &time),
        ("count", &count),
        ("usual", &usual),
        ("since", &since),
        ("days", &days),
        ("once", &once),
    ];
    let figure = fill(&texts.figure, &values);
    let (subject, heading, what) = if rise {
        (&texts.subject_rise, &texts.heading_rise, &texts.what_rise)
    } else {
        (&texts.subject_quiet, &texts.heading_quiet, &texts.what_quiet)
    };
    let next = match (warning.unusual, &tally.cause) {
        (Unusual::Rise, _) => &texts.next_rise,
        (Unusual::Quiet, Cause::Source(_)) => &texts.next_quiet_source,
        (Unusual::Quiet, _) => &texts.next_quiet,
    };
    let hours: Vec<String> = warning.hours.iter().map(|hour| hour.count.to_string()).collect();
    let said: u64 = warning.hours.iter().map(|hour| hour.count).sum();
    let usually: f64 = warning.hours.iter().filter_map(|hour| hour.usual).sum();
    let chart = [("count", words.number(said)), ("usual", usual_words(words, usually)), ("hours", hours.join(", "))];
    let chart = chart.each_ref().map(|(key, value)| (*key, value.as_str()));
    let view = View {
        preheader: shorten(&figure, 140),
        tone: if rise { "high" } else { "medium" },
        intro: fill(&texts.intro, &values),
        heading: capital(&fill(heading, &values)),
        figure: figure.clone(),
        what: fill(what, &values),
        next_label: &words.letters.next,
        next,
        facts: facts(words, input, &brand, &since),
        chart_label: &texts.chart,
        chart: fill(&texts.chart_value, &chart),
        chart_alt: fill(&texts.chart_alt, &chart),
        bars: bars(input),
        quotes_label: &words.dossier.quotes,
        quotes: strongest(&posts(input)).into_iter().map(|post| quote(words, input, post.mention)).collect(),
        why_label: &texts.why,
        why: fill(if rise { &texts.why_rise } else { &texts.why_quiet }, &values),
        how_label: &texts.how,
        how: format!("mentiond warnings --explain --watchlist {}", input.watchlist.key),
        foot: composer.foot(words, fill(&texts.foot, &values), input.possible_duplicate),
    };
    let mut headers = Headers::new("warning", &words.code, input.possible_duplicate);
    headers.list_id(input.watchlist.key, &composer.settings.sender_domain);
    composer.email("warning", words, fill(subject, &values), &view, headers)
}

/// What it is about, as people call it.
fn cause_words(words: &Catalogue, input: &WarningInput<'_>, cause: &Cause, brand: &str) -> String {
    let texts = &words.warning;
    match cause {
        Cause::Watchlist => fill(&texts.cause_watchlist, &[("brand", brand)]),
        Cause::Source(source) => fill(&texts.cause_source, &[("source", &name(source))]),
        Cause::Category(category) => fill(&texts.cause_category, &[("category", words.category(*category))]),
        Cause::Theme(id) => {
            let named = input.themes.get(id).map(|name| isolate(&shorten(&clean_line(name), 48)).into_owned());
            let number = id.to_string();
            let values = [("theme", number.as_str()), ("name", named.as_deref().unwrap_or("–"))];
            fill(&texts.cause_theme, &values)
        }
    }
}

/// `6`, `0.4`: a decimal only where it matters, with the reader's mark.
fn usual_words(words: &Catalogue, usual: f64) -> String {
    if usual >= 2.95 {
        return words.number(usual.round() as u64);
    }
    let text = format!("{usual:.1}");
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    if part == "0" { whole.to_owned() } else { format!("{whole}{}{part}", words.warning.decimal) }
}

fn facts(words: &Catalogue, input: &WarningInput<'_>, brand: &str, since: &str) -> Vec<Fact> {
    let (texts, warning) = (&words.warning, input.warning);
    let fact = |label: &str, value: String| Fact { label: label.to_owned(), value, because: String::new() };
    let mut facts = vec![fact(&texts.since, since.to_owned())];
    let shared = top_words(words, input.mentions);
    if !shared.is_empty() {
        facts.push(fact(&texts.words, shared.join(", ")));
    }
    if !input.mentions.is_empty() {
        let language = |code: &str| words.dossier.language_names.get(code).cloned().unwrap_or_else(|| clean_line(code));
        let sources = counted(input.mentions.iter().map(|m| m.source.as_str()));
        let languages = counted(input.mentions.iter().map(|m| m.classification.language.code.as_str()));
        let list = |counts: Vec<(&str, usize)>, word: &dyn Fn(&str) -> String| {
            counts.iter().take(6).map(|(key, n)| format!("{} ({n})", word(key))).collect::<Vec<_>>().join(", ")
        };
        facts.push(fact(&words.dossier.sources, list(sources, &|source| name(source))));
        facts.push(fact(&words.dossier.languages, list(languages, &language)));
    }
    let percent = |share: f64| format!("{:.0}", 100.0 * share);
    match (warning.negative_now, warning.negative_usual) {
        (Some(now), Some(usual)) => {
            let values = [("now", &*percent(now)), ("usual", &percent(usual))];
            facts.push(fact(&words.mail.sentiment, fill(&texts.sentiment, &values)));
        }
        (Some(now), None) => {
            facts.push(fact(&words.mail.sentiment, fill(&texts.sentiment_now, &[("now", &percent(now))])));
        }
        (None, _) => {}
    }
    let also = |tally: &Tally| {
        let values = [("count", words.number(tally.count)), ("usual", usual_words(words, tally.usual))];
        let cause = cause_words(words, input, &tally.cause, brand);
        let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
        format!("{cause} ({})", fill(&texts.also_value, &values))
    };
    if !warning.also.is_empty() {
        let all: Vec<String> = warning.also.iter().map(also).collect();
        facts.push(fact(&texts.also, all.join("; ")));
    }
    facts
}

/// What occurs how often, the most first.
fn counted<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    counts
}

/// The words that most of the mentions share; what stands in place of personal data is none.
fn top_words(words: &Catalogue, mentions: &[&Mention]) -> Vec<String> {
    let masks = &words.masks;
    let masks = [&masks.author, &masks.person, &masks.email, &masks.phone, &masks.number, &masks.address, &masks.link];
    let masks: Vec<String> = masks.iter().map(|mask| mask.to_lowercase()).collect();
    let mut shared: Vec<String> = Vec::new();
    for mention in mentions {
        let searched: Vec<&str> = reasons::matched_words(mention).collect();
        let text = written(words, mention);
        let terms = Terms::of(&text, &mention.classification.language.code, &searched, |_| 1.0);
        let mut own: Vec<String> = (terms.words().into_iter())
            .filter(|word| word.chars().count() > 2 && !masks.iter().any(|mask| mask.contains(*word)))
            .take(WORDS_A_MENTION)
            .map(clean_line)
            .collect();
        own.sort_unstable();
        own.dedup();
        shared.append(&mut own);
    }
    let counts = counted(shared.iter().map(String::as_str));
    let mut shown: Vec<String> = Vec::new();
    for (word, n) in counts.into_iter().filter(|(_, n)| *n >= WORD_FROM) {
        // A pair says more than its parts, which come as often.
        let part = |known: &String| known.split(' ').any(|part| word.split(' ').any(|own| own == part));
        if !shown.iter().any(part) {
            shown.push(word.to_owned());
        }
        if shown.len() == MAX_WORDS || n == 0 {
            break;
        }
    }
    shown
}

/// Mentions with a number for each person, as far as people can be told apart.
fn posts<'a>(input: &WarningInput<'a>) -> Vec<DossierPost<'a>> {
    let mut known: HashMap<String, u64> = HashMap::new();
    let person = |(n, mention): (usize, &&'a Mention)| {
        let author = mention.entry.author.as_ref().map(|a| a.handle.clone().unwrap_or_else(|| a.name.clone()));
        let key = author.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("\u{0}{n}"));
        let next = known.len() as u64;
        DossierPost { mention, person: *known.entry(key).or_insert(next) }
    };
    input.mentions.iter().enumerate().map(person).collect()
}

fn quote(words: &Catalogue, input: &WarningInput<'_>, mention: &Mention) -> Quote {
    let entry = &mention.entry;
    let betrayed = |l: &Link| masker(words, mention).betrays(&l.href);
    let link = entry.url.as_deref().and_then(shown).filter(|link| !betrayed(link));
    let date = words.date(entry.published.unwrap_or(mention.fetched), input.reader.zone);
    Quote {
        text: shorten(&written(words, mention), QUOTE),
        byline: format!("{} · {date}", name(&mention.source)),
        open_on: open_on(words, link.as_ref()),
        link,
    }
}

fn bars(input: &WarningInput<'_>) -> Vec<Bar> {
    let hours = &input.warning.hours;
    let tallest = hours.iter().map(|hour| (hour.count as f64).max(hour.usual.unwrap_or(0.0))).fold(1.0, f64::max);
    let height = |n: f64| if n <= 0.0 { 0 } else { (n / tallest * BAR).ceil().max(1.0) as u32 };
    let bar = |hour: &crate::model::WarningHour| Bar {
        up: height(hour.count as f64),
        down: height(hour.usual.unwrap_or(0.0)),
    };
    hours.iter().map(bar).collect()
}
