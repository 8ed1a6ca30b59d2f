//! An early warning: what is unusual, by how much, since when, what people say, what to do, and why mentiond says so.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::Composer;
use super::clean::{clean_line, isolate};
use super::dossier::strongest;
use super::excerpt::shorten;
use super::headers::Headers;
use super::input::{DossierPost, WarningInput};
use super::listing::{more, tally};
use super::mention::name;
use super::page_links::Listing;
use super::quote::{Post, quote, written};
use super::reasons::{self, Fact};
use super::words::{Catalogue, capital, fill, plural};
use crate::classify::stems;
use crate::model::{Cause, Email, Mention, Tally, Unusual};
use crate::themes::Terms;

/// Words that are shown, and how many mentions must have one.
const MAX_WORDS: usize = 8;
const WORD_FROM: usize = 2;
/// Words of one mention that are counted, the heaviest.
const WORDS_A_MENTION: usize = 12;
/// Height of the tallest bar on each side, in pixels.
const BAR: f64 = 44.0;
/// Beyond so many, nobody needs to know how unlikely it is.
const RARE: f64 = 1_000_000.0;
/// Watchlists that are named.
const MAX_BRANDS: usize = 4;

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
    quotes: Vec<Post>,
    quotes_more: String,
    why_label: &'a str,
    why: String,
    /// Where all of it is listed, with what the link is called.
    page: Option<String>,
    page_label: &'a str,
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

pub(super) fn warning(composer: &Composer, input: &WarningInput<'_>) -> Email {
    let words = composer.words(input.reader.language);
    let texts = &words.warning;
    let warning = input.warning;
    let tally = &warning.tally;
    let own = name(input.watchlist.name);
    let brand = brands(words, &own, input.others);
    let rise = warning.unusual == Unusual::Rise;
    let cause = cause_of(words, input, &tally.cause, &brand);
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
    let posts = posts(input);
    let quote = |post: &DossierPost<'_>| quote(words, &input.reader, post.mention, true);
    let quotes: Vec<Post> = strongest(&posts).into_iter().map(quote).collect();
    // More may have been counted than is kept of it.
    let said_so = tally.count.max(posts.len() as u64);
    let left = if quotes.is_empty() { 0 } else { said_so.saturating_sub(quotes.len() as u64) };
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
        quotes,
        quotes_more: more(words, left),
        why_label: &texts.why,
        why: fill(if rise { &texts.why_rise } else { &texts.why_quiet }, &values),
        page: page(composer, &warning.watchlist, warning.unusual, &tally.cause, (warning.since, warning.given)),
        page_label: match tally.cause {
            Cause::Theme(_) => &words.mail.theme_page,
            _ => &words.digest.show_all,
        },
        how_label: &texts.how,
        how: format!("mentiond warnings --explain --watchlist {}", input.watchlist.key),
        foot: composer.foot(words, fill(&texts.foot, &values), input.possible_duplicate),
    };
    let mut headers = Headers::new("warning", &words.code, input.possible_duplicate);
    headers.list_id(input.watchlist.key, &composer.settings.sender_domain);
    composer.email("warning", words, fill(subject, &values), &view, headers)
}

/// The page of the theme, or the list of what was counted. Of what fell silent there is nothing to list.
pub(super) fn page(
    composer: &Composer,
    watchlist: &str,
    unusual: Unusual,
    cause: &Cause,
    heard: (jiff::Timestamp, jiff::Timestamp),
) -> Option<String> {
    let query = match cause {
        Cause::Theme(id) => return composer.theme_link(*id),
        _ if unusual == Unusual::Quiet => return None,
        Cause::Watchlist => format!("watchlist:{watchlist}"),
        Cause::Source(source) => format!("watchlist:{watchlist} source:{source}"),
        Cause::Category(category) => format!("watchlist:{watchlist} category:{}", category.as_str()),
    };
    composer.inbox(Listing { query: &query, heard: Some(heard), ..Listing::default() })
}

/// What it is about, as people call it.
fn cause_of(words: &Catalogue, input: &WarningInput<'_>, cause: &Cause, brand: &str) -> String {
    let theme = match cause {
        Cause::Theme(id) => input.themes.get(id).map(String::as_str),
        _ => None,
    };
    cause_words(words, cause, brand, theme)
}

/// All watchlists that it concerns, as far as a subject can hold them.
fn brands(words: &Catalogue, own: &str, others: &[&str]) -> String {
    let mut all = vec![own.to_owned()];
    all.extend(others.iter().take(MAX_BRANDS - 1).map(|other| name(other)));
    let more = (others.len() + 1).saturating_sub(MAX_BRANDS);
    if more > 0 {
        all.push(plural(more, &words.mail.more_one, &words.mail.more_other));
        return all.join(", ");
    }
    words.list(&all)
}

/// What something unusual is about; `theme` is the name of its theme, if it is one.
pub(super) fn cause_words(words: &Catalogue, cause: &Cause, brand: &str, theme: Option<&str>) -> String {
    let texts = &words.warning;
    match cause {
        Cause::Watchlist => fill(&texts.cause_watchlist, &[("brand", brand)]),
        Cause::Source(source) => fill(&texts.cause_source, &[("source", &name(source))]),
        Cause::Category(category) => fill(&texts.cause_category, &[("category", words.category(*category))]),
        Cause::Theme(id) => {
            let named = theme.map(|name| isolate(&shorten(&clean_line(name), 48)).into_owned());
            let number = id.to_string();
            let values = [("theme", number.as_str()), ("name", named.as_deref().unwrap_or("–"))];
            fill(&texts.cause_theme, &values)
        }
    }
}

/// `6`, `0.4`: a decimal only where it matters, with the reader's mark.
pub(super) fn usual_words(words: &Catalogue, usual: f64) -> String {
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
        facts.push(fact(&words.dossier.sources, tally(words, sources.into_iter(), &|source| name(source))));
        facts.push(fact(&words.dossier.languages, tally(words, languages.into_iter(), &language)));
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
        let cause = cause_of(words, input, &tally.cause, brand);
        let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
        format!("{cause} ({})", fill(&texts.also_value, &values))
    };
    if !warning.also.is_empty() {
        let mut all: Vec<String> = warning.also.iter().map(also).collect();
        all.extend((warning.also_more > 0).then(|| more(words, warning.also_more)));
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

/// The words that most of the mentions share, in people's own words: each once, in the form that most of them use. What
/// stands in place of personal data is none.
fn top_words(words: &Catalogue, mentions: &[&Mention]) -> Vec<String> {
    let masks = &words.masks;
    let masks = [&masks.author, &masks.person, &masks.email, &masks.phone, &masks.number, &masks.address, &masks.link];
    let masks: Vec<String> = masks.iter().map(|mask| mask.to_lowercase()).collect();
    // By what is left of a word without its ending: in how many mentions, and in which forms.
    let mut shared: HashMap<Vec<String>, (usize, HashMap<String, usize>)> = HashMap::new();
    for mention in mentions {
        let searched: Vec<&str> = reasons::matched_words(mention).collect();
        let language = &mention.classification.language.code;
        let terms = Terms::of(&written(words, mention), language, &searched, |_| 1.0);
        let own = (terms.own_words().into_iter())
            .filter(|word| word.chars().count() > 2 && !masks.iter().any(|mask| mask.contains(*word)))
            .take(WORDS_A_MENTION)
            .map(clean_line);
        let mut seen: HashSet<Vec<String>> = HashSet::new();
        for word in own {
            let stem: Vec<String> = stems(&word, language, 4).into_iter().map(|s| s.stem().to_owned()).collect();
            if seen.insert(stem.clone()) {
                let (count, forms) = shared.entry(stem).or_default();
                *count += 1;
                *forms.entry(word).or_default() += 1;
            }
        }
    }
    let mut shared: Vec<(Vec<String>, usize, String)> = (shared.into_iter())
        .filter(|(_, (count, _))| *count >= WORD_FROM)
        .filter_map(|(stem, (count, forms))| {
            let form = forms.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)))?.0;
            Some((stem, count, form))
        })
        .collect();
    // A pair says more than its parts where they come as often.
    shared.sort_by(|a, b| b.1.cmp(&a.1).then(b.0.len().cmp(&a.0.len())).then_with(|| a.2.cmp(&b.2)));
    let mut shown: Vec<(Vec<String>, String)> = Vec::new();
    for (stem, _, form) in shared {
        if !shown.iter().any(|(known, _)| known.iter().any(|part| stem.contains(part))) {
            shown.push((stem, form));
        }
        if shown.len() == MAX_WORDS {
            break;
        }
    }
    shown.into_iter().map(|(_, form)| form).collect()
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

#[cfg(test)]
mod tests {
    use super::super::samples::{composer, mention, write, zone};
    use super::*;
    use crate::compose::{Reader, Watchlist};
    use crate::model::{Author, Category, Warning, WarningHour};

    fn at(text: &str) -> jiff::Timestamp {
        text.parse().unwrap()
    }

    fn said(id: i64, who: &str, text: &str, language: &str) -> Mention {
        let mut mention = mention("", text);
        mention.id = id;
        mention.entry.author = Some(Author { name: who.into(), ..Author::default() });
        mention.entry.url = Some(format!("https://forum.example.net/t/{id}"));
        mention.source = if id % 3 == 0 { "reviews".into() } else { "forum".into() };
        mention.classification.language.code = language.into();
        mention
    }

    fn mentions() -> Vec<Mention> {
        vec![
            said(
                1,
                "Jens Hansen",
                "The Fjordkaffe app crashes at checkout since the update. Write to jens@example.com",
                "en",
            ),
            said(2, "Maria Silva", "Fjordkaffe: the checkout crashes every time since the update, I cannot pay.", "en"),
            said(
                3,
                "Ole Berg",
                "Fjordkaffe app <b>crashes</b> at checkout, on two phones. Call me: +45 20 30 40 50",
                "en",
            ),
            said(4, "Ana Ruiz", "La app de Fjordkaffe se cierra al pagar desde la actualización.", "es"),
        ]
    }

    fn tally(cause: Cause, count: u64, usual: f64) -> Tally {
        Tally { cause, count, usual, seconds: 9_600, chance: 2.0e-8 }
    }

    fn sample(cause: Cause, unusual: Unusual) -> Warning {
        let first = at("2026-11-20T14:00:00Z");
        let hour = |n: i64| WarningHour {
            at: first + jiff::SignedDuration::from_hours(n),
            count: u64::try_from(if n > 20 { 3 * (n - 19) } else { n % 3 }).unwrap(),
            usual: (n != 7).then_some(1.0 + (n % 5) as f64 / 2.0),
        };
        let rise = unusual == Unusual::Rise;
        Warning {
            id: 3,
            watchlist: "fjordkaffe".into(),
            others: Vec::new(),
            unusual,
            tally: if rise { tally(cause, 34, 6.2) } else { Tally { seconds: 86_400, ..tally(cause, 0, 41.3) } },
            also: if rise {
                vec![tally(Cause::Watchlist, 41, 12.0), tally(Cause::Source("forum".into()), 22, 0.44)]
            } else {
                vec![]
            },
            also_more: if rise { 2 } else { 0 },
            since: at("2026-11-21T11:00:00Z"),
            given: at("2026-11-21T13:40:00Z"),
            last: at("2026-11-21T13:40:00Z"),
            days: 49,
            hours: (0..24).map(hour).collect(),
            mentions: vec![4, 3, 2, 1],
            negative_usual: rise.then_some(0.31),
            negative_now: rise.then_some(0.82),
        }
    }

    fn worded(language: &str, warning: &Warning, mentions: &[Mention]) -> Email {
        worded_by(&composer(), language, warning, mentions)
    }

    fn worded_by(composer: &Composer, language: &str, warning: &Warning, mentions: &[Mention]) -> Email {
        let mentions: Vec<&Mention> = mentions.iter().collect();
        composer.warning(&WarningInput {
            reader: Reader { language, zone: &zone() },
            watchlist: Watchlist { key: "fjordkaffe", name: "Fjordkaffe" },
            others: if warning.others.is_empty() { &[] } else { &["Bolt", "Core", "Dune", "Echo", "Fir"] },
            warning,
            mentions: &mentions,
            themes: &HashMap::from([(12, "crash, checkout".to_owned())]),
            possible_duplicate: false,
        })
    }

    #[test]
    fn a_warning_in_every_language() {
        for language in ["en", "es", "pt", "da"] {
            let category = sample(Cause::Category(Category::Technical), Unusual::Rise);
            let rise = worded(language, &category, &mentions());
            let quiet = worded(language, &sample(Cause::Source("forum".into()), Unusual::Quiet), &[]);
            for mail in [&rise, &quiet] {
                for secret in ["jens@example.com", "20 30 40 50", "Jens Hansen", "Maria Silva"] {
                    assert!(!mail.text.contains(secret) && !mail.subject.contains(secret), "{secret}: {}", mail.text);
                    assert!(!mail.html.contains(secret), "{secret}");
                }
                assert!(!mail.html.contains("<b>crashes"), "what strangers write is escaped");
                assert!(!mail.html.contains("src=") && !mail.text.contains('{'), "{}", mail.text);
            }
            write(&format!("warning-rise-{language}"), &rise);
            write(&format!("warning-quiet-{language}"), &quiet);
            let shown = format!("{}\n\n{}\n=====\n{}\n\n{}", rise.subject, rise.text, quiet.subject, quiet.text);
            insta::assert_snapshot!(format!("warning_{language}"), shown);
        }
        let theme = worded("en", &sample(Cause::Theme(12), Unusual::Rise), &mentions());
        insta::assert_snapshot!("warning_en_html", theme.html);
        assert!(theme.subject.contains("theme 12: crash, checkout"), "{}", theme.subject);
    }

    /// Concepts have English names, which are nobody's words; and a stem stands there once, as most people write it.
    #[test]
    fn shared_words_are_those_of_the_people_and_each_stands_there_once() {
        let (composer, texts) = (composer(), |language: &str, said_by: &[&str]| -> Vec<Mention> {
            (1..).zip(said_by).map(|(n, text)| said(n, &format!("Person {n}"), text, language)).collect()
        });
        let of = |language: &str, all: &[Mention]| top_words(composer.words(language), &all.iter().collect::<Vec<_>>());
        let english =
            texts("en", &["It crashes daily", "It crashed", "Crashes again!", "A crash, and a refund please"]);
        assert_eq!(of("en", &english), ["crashes"]);
        let spanish = texts("es", &["La app se cierra al pagar", "No puedo pagar: la app se cierra", "Se cierra sola"]);
        let words = of("es", &spanish);
        assert!(words.iter().any(|w| w.contains("cierra")) && words.iter().any(|w| w.contains("pagar")), "{words:?}");
        for name in ["crash", "payment", "closes"] {
            assert!(!words.iter().any(|w| w.contains(name)), "{words:?}");
        }
    }

    #[test]
    fn a_silent_source_names_all_that_it_feeds() {
        let shared = Warning { others: vec!["bolt".into()], ..sample(Cause::Source("forum".into()), Unusual::Quiet) };
        for (language, names) in [
            ("en", "[Fjordkaffe, Bolt, Core, Dune, and 2 more] Unusually quiet – source forum"),
            ("da", "[Fjordkaffe, Bolt, Core, Dune, og 2 mere]"),
        ] {
            let mail = worded(language, &shared, &[]);
            assert!(mail.subject.starts_with(names), "{}", mail.subject);
        }
    }

    #[test]
    fn a_warning_leads_to_what_was_counted() {
        let pages = Some("https://mentions.example.com/mentions".parse().unwrap());
        let with_pages = Composer::new(crate::compose::ComposeSettings { mention_pages: pages, ..composer().settings });
        let from = "&from=2026-11-21T11%3A00%3A00Z&until=2026-11-21T13%3A40%3A00Z";
        let list = |query: &str| format!("https://mentions.example.com/mentions?q=watchlist%3Afjordkaffe{query}{from}");
        for (cause, unusual, wanted) in [
            (Cause::Watchlist, Unusual::Rise, Some(list(""))),
            (Cause::Source("forum".into()), Unusual::Rise, Some(list("+source%3Aforum"))),
            (Cause::Category(Category::Technical), Unusual::Rise, Some(list("+category%3Atechnical"))),
            (Cause::Theme(12), Unusual::Rise, Some("https://mentions.example.com/themes/12".to_owned())),
            (Cause::Source("forum".into()), Unusual::Quiet, None),
        ] {
            let mail = worded_by(&with_pages, "en", &sample(cause.clone(), unusual), &mentions());
            match &wanted {
                Some(link) => {
                    assert!(mail.text.contains(link), "{cause:?}: {}", mail.text);
                    assert!(mail.html.contains(&link.replace('&', "&amp;")), "{cause:?}: {}", mail.html);
                }
                None => assert!(!mail.text.contains("mentions.example.com"), "{cause:?}: {}", mail.text),
            }
            let bare = worded("en", &sample(cause, unusual), &mentions());
            assert!(!bare.html.contains("mentions.example.com") && !bare.text.contains("mentions.example.com"));
        }
    }

    #[test]
    fn nothing_of_a_mail_depends_on_mentions_that_are_gone() {
        let all = sample(Cause::Watchlist, Unusual::Rise);
        let mail = worded("en", &all, &[]);
        assert!(mail.text.contains("34 in 2 h 40 min, usually 6") && !mail.text.contains("In their own words"));
        let words = Catalogue::parse(crate::compose::words::FILES[1].1, crate::compose::About::Mention);
        assert_eq!([0.0, 0.44, 2.0, 6.2, 1_234.0].map(|n| usual_words(&words, n)), ["0", "0,4", "2", "6", "1.234"]);
    }
}
