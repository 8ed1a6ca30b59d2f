//! The dossier of a theme: what these people have in common, in their own words, and what is known of it.

use serde::Serialize;

use super::clean::{clean_line, isolate};
use super::excerpt::shorten;
use super::headers::Headers;
use super::input::{DossierInput, DossierPost, Earlier};
use super::letter::with_reply;
use super::listing::{more, tally};
use super::mention::{Badge, Buttons, name};
use super::quote::{Post, quote, written};
use super::reasons::Fact;
use super::words::{About, Catalogue, capital, fill};
use super::{Composer, SUBJECT_TITLE};
use crate::model::Email;

/// Quotes shown, of different people where there are enough.
const MAX_QUOTES: usize = 5;
/// Characters of the one sentence that stands for all.
const SENTENCE: usize = 160;
/// Cases shown of each kind.
const MAX_CASES: usize = 5;
/// Height of the tallest bar, in pixels.
const BAR: u64 = 48;

#[derive(Serialize)]
struct View<'a> {
    preheader: String,
    tone: &'static str,
    intro: String,
    badge: Badge,
    heading: String,
    sentence: String,
    what: String,
    next_label: &'a str,
    next: String,
    actions: Buttons,
    facts: Vec<Fact>,
    trend_label: &'a str,
    trend: String,
    trend_alt: String,
    bars: Vec<Bar>,
    quotes_label: &'a str,
    quotes: Vec<Post>,
    quotes_more: String,
    open_label: &'a str,
    open: Vec<CaseLine>,
    open_more: String,
    ended_label: &'a str,
    ended: Vec<CaseLine>,
    ended_more: String,
    how_label: &'a str,
    /// The pages of the theme and of the case about it, where pages are served.
    page: Option<String>,
    case_page: Option<String>,
    case: String,
    how: String,
    foot: Vec<String>,
}

/// A case of one of its mentions.
#[derive(Serialize)]
struct CaseLine {
    label: String,
    value: String,
    page: Option<String>,
}

#[derive(Serialize)]
struct Bar {
    count: u64,
    height: u64,
}

pub(super) fn dossier(composer: &Composer, input: &DossierInput<'_>) -> Email {
    let words = composer.words(input.reader.language);
    let labels = &words.dossier;
    let theme = input.theme;
    let (brand, department) = (name(input.watchlist.name), name(input.department));
    let quotes: Vec<Post> =
        strongest(input.posts).into_iter().map(|post| quote(words, &input.reader, post.mention, input.copy)).collect();
    let sentence = sentence(words, input);
    let title = isolate(&shorten(&clean_line(&theme.name), SUBJECT_TITLE)).into_owned();
    let number = theme.id.to_string();
    let case = theme.case.map_or_else(String::new, |case| fill(&words.mail.case, &[("case", &case.to_string())]));
    let people = words.counts.people(input.people);
    let values: [(&str, &str); 6] = [
        ("brand", &brand),
        ("theme", &number),
        ("people", &people),
        ("name", &title),
        ("department", &department),
        ("case", &case),
    ];
    let recent: u64 = input.days.iter().sum();
    let days = input.days.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let usual = (input.usual * input.days.len() as f64).round().to_string();
    let tallest = input.days.iter().copied().max().unwrap_or(0).max(1);
    let what = match input.people {
        _ if input.back => &labels.what_back,
        1 => &labels.what_one,
        _ => &labels.what,
    };
    let (ended, open): (Vec<&Earlier>, Vec<&Earlier>) = input.cases.iter().partition(|c| c.status.is_ended());
    let lines = |cases: &[&Earlier]| -> Vec<CaseLine> {
        cases.iter().take(MAX_CASES).map(|case| case_line(composer, words, input, case)).collect()
    };
    let left = |all: u64, shown: usize| more(words, all.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX)));
    let (open, ended) = (lines(&open), lines(&ended));
    let why = match (input.copy, input.personal) {
        (true, _) => fill(&labels.foot_copy, &values),
        (false, true) => {
            fill(&words.letters.foot_owner, &[("case", &theme.case.map(|case| case.to_string()).unwrap_or_default())])
        }
        (false, false) => fill(&labels.foot, &values),
    };
    let view = View {
        preheader: shorten(&sentence, 140),
        tone: theme.severity.as_str(),
        intro: fill(if input.copy { &labels.intro_copy } else { &labels.intro }, &values),
        badge: Badge {
            category: capital(words.category(theme.category)),
            severity: capital(&fill(&words.mail.severity_badge, &[("severity", words.severity(theme.severity))])),
            level: theme.severity.as_str(),
        },
        heading: title.clone(),
        sentence,
        what: fill(what, &values),
        next_label: &words.letters.next,
        next: fill(if input.copy { &labels.next_copy } else { &labels.next }, &values),
        actions: Buttons::new(composer.words_for(input.reader.language, About::Theme), &input.reader, input.actions),
        facts: facts(words, input),
        trend_label: &labels.trend,
        trend: fill(&labels.trend_value, &[("recent", &words.counts.mentions(recent)), ("usual", &usual)]),
        trend_alt: fill(&labels.trend_alt, &[("days", &days)]),
        bars: input
            .days
            .iter()
            .map(|count| Bar { count: *count, height: (count * BAR).div_ceil(tallest).max(1) })
            .collect(),
        quotes_label: &labels.quotes,
        quotes_more: left(input.mentions, quotes.len()),
        quotes,
        open_label: &labels.open_cases,
        open_more: left(input.open_cases, open.len()),
        open,
        ended_label: &labels.ended_cases,
        ended_more: left(input.ended_cases, ended.len()),
        ended,
        how_label: &labels.how,
        page: composer.theme_link(theme.id),
        case_page: theme.case.and_then(|case| composer.case_link(case)),
        case: case.clone(),
        how: format!("mentiond themes show {number}"),
        foot: with_reply(words, input.actions.reply, composer.foot(words, why, input.possible_duplicate)),
    };
    let mut headers = Headers::new("dossier", &words.code, input.possible_duplicate);
    headers.list_id(input.watchlist.key, &composer.settings.sender_domain);
    let subject = fill(if input.back { &labels.subject_back } else { &labels.subject }, &values);
    composer.email("dossier", words, subject, &view, headers)
}

fn facts(words: &Catalogue, input: &DossierInput<'_>) -> Vec<Fact> {
    let labels = &words.dossier;
    let fact = |label: &str, value: String| Fact { label: label.to_owned(), value, because: String::new() };
    let counted = |list: &[(String, u64)], word: &dyn Fn(&str) -> String| {
        tally(words, list.iter().map(|(key, n)| (key.as_str(), *n)), word)
    };
    let language = |code: &str| labels.language_names.get(code).cloned().unwrap_or_else(|| clean_line(code));
    let mut facts = vec![
        fact(&labels.first_seen, words.date(input.theme.first_seen, input.reader.zone)),
        fact(
            &labels.people,
            fill(
                &labels.people_value,
                &[("people", &words.counts.people(input.people)), ("mentions", &words.counts.mentions(input.mentions))],
            ),
        ),
        fact(&labels.sources, counted(input.sources, &|source| name(source))),
        fact(&labels.languages, counted(input.languages, &language)),
        fact(&words.mail.department, name(input.department)),
    ];
    if let Some(owner) = input.owner {
        facts.push(fact(&words.letters.owner, name(owner)));
    }
    facts
}

/// The gravest and angriest words, one quote a person as long as there are enough people.
pub(super) fn strongest<'a>(posts: &'a [DossierPost<'a>]) -> Vec<&'a DossierPost<'a>> {
    let mut order: Vec<&DossierPost<'_>> = posts.iter().collect();
    order.sort_by(|a, b| {
        let (x, y) = (&a.mention.classification, &b.mention.classification);
        (y.severity.cmp(&x.severity))
            .then(x.sentiment.score.total_cmp(&y.sentiment.score))
            .then(a.mention.id.cmp(&b.mention.id))
    });
    let mut heard = Vec::new();
    let (mut first, again): (Vec<_>, Vec<_>) = order.into_iter().partition(|post| {
        let new = !heard.contains(&post.person);
        heard.push(post.person);
        new
    });
    first.extend(again);
    first.truncate(MAX_QUOTES);
    first
}

/// One sentence of somebody's that stands for all: it holds most of the words that they share, and is short.
fn sentence(words: &Catalogue, input: &DossierInput<'_>) -> String {
    let named = input.theme.name.to_lowercase();
    let shared: Vec<&str> = named.split([' ', ',']).filter(|w| w.chars().count() > 2).collect();
    let mut best: Option<(usize, usize, String)> = None;
    for post in input.posts {
        for sentence in written(words, post.mention).split_inclusive(['.', '!', '?']) {
            let sentence = sentence.trim().trim_start_matches([':', '-', '–']).trim();
            let length = sentence.chars().count();
            if length < 12 {
                continue;
            }
            let lower = sentence.to_lowercase();
            let holds = shared.iter().filter(|w| lower.contains(**w)).count();
            if best.as_ref().is_none_or(|(most, short, _)| (holds, *short) > (*most, length)) {
                best = Some((holds, length, sentence.to_owned()));
            }
        }
    }
    best.map(|(_, _, sentence)| shorten(&sentence, SENTENCE)).unwrap_or_default()
}

fn case_line(composer: &Composer, words: &Catalogue, input: &DossierInput<'_>, case: &Earlier) -> CaseLine {
    let values = [
        ("case", &*case.case.to_string()),
        ("category", words.category(case.category)),
        ("status", words.status(case.status)),
    ];
    CaseLine {
        label: words.date(case.opened, input.reader.zone),
        value: fill(&words.letters.earlier_case, &values),
        page: composer.case_link(case.case),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{WATCHLIST, composer, mention, write, zone};
    use super::*;
    use crate::compose::{Actions, ComposeSettings, Reader};
    use crate::model::{Author, CaseStatus, Category, Deed, Mention, Severity, Theme, ThemeStatus};

    fn at(text: &str) -> jiff::Timestamp {
        text.parse().unwrap()
    }

    fn theme() -> Theme {
        Theme {
            id: 12,
            watchlist: "fjordkaffe".into(),
            name: "app, logs me out, update".into(),
            renamed: false,
            named: None,
            status: ThemeStatus::Open,
            category: Category::Technical,
            severity: Severity::High,
            first_seen: at("2026-11-09T07:12:00Z"),
            last_seen: at("2026-11-21T13:05:00Z"),
            opened: Some(at("2026-11-21T13:05:00Z")),
            closed: None,
            comebacks: 0,
            case: Some(31),
            into: None,
        }
    }

    fn said() -> Vec<Mention> {
        let said = |id, who: &str, language: &str, text: &str, score| {
            let mut mention = mention("", text);
            mention.id = id;
            mention.entry.author = Some(Author { name: who.into(), ..Author::default() });
            mention.entry.url = Some(format!("https://forum.example.net/t/{id}"));
            mention.classification.language.code = language.into();
            mention.classification.sentiment.score = score;
            mention
        };
        vec![
            said(1, "Jens Hansen", "en", "The Fjordkaffe app logs me out every five minutes since the update!", -0.6),
            said(2, "Maria Silva", "pt", "A app da Fjordkaffe desloga sozinha desde a atualização.", -0.7),
            said(3, "Ole Berg", "en", "Logged out again. Call me: +45 20 30 40 50 <script>alert(1)</script>", -0.9),
            said(4, "Ana Ruiz", "es", "La app de Fjordkaffe me saca de la sesión todo el rato.", -0.4),
        ]
    }

    fn worded(composer: &Composer, language: &str, back: bool, copy: bool) -> Email {
        let (theme, said, zone) = (theme(), said(), zone());
        let posts: Vec<DossierPost<'_>> =
            said.iter().zip(1..).map(|(mention, person)| DossierPost { mention, person }).collect();
        let case =
            |case, status, opened: &str| Earlier { case, opened: at(opened), category: Category::Technical, status };
        composer.dossier(&DossierInput {
            reader: Reader { language, zone: &zone },
            watchlist: WATCHLIST,
            theme: &theme,
            department: "Technology",
            owner: Some("Liv Dahl"),
            people: 4,
            mentions: 5,
            posts: &posts,
            days: &[0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2],
            usual: 0.05,
            sources: &[("forum".into(), 4), ("trustpilot".into(), 1)],
            languages: &[("en".into(), 3), ("es".into(), 1), ("pt".into(), 1)],
            open_cases: 7,
            ended_cases: 1,
            cases: &[
                case(29, CaseStatus::Acknowledged, "2026-11-20T09:00:00Z"),
                case(11, CaseStatus::Closed, "2026-08-02T09:00:00Z"),
            ],
            back,
            personal: back,
            actions: &Actions {
                links: if copy || composer.settings.mention_pages.is_none() {
                    Vec::new()
                } else {
                    vec![(Deed::Acknowledge, "https://mentions.example.com/act/AAAA".into())]
                },
                until: Some(at("2026-11-28T13:05:00Z")),
                reply: false,
            },
            copy,
            possible_duplicate: false,
        })
    }

    #[test]
    fn a_dossier_in_every_language() {
        let pages = Some("https://mentions.example.com/mentions".parse().unwrap());
        let with_pages = Composer::new(ComposeSettings { mention_pages: pages, ..composer().settings });
        for language in ["en", "es", "pt", "da"] {
            let own = worded(&with_pages, language, false, false);
            let back = worded(&composer(), language, true, true);
            for mail in [&own, &back] {
                assert!(!mail.text.contains('{') && !mail.html.contains("<script"), "{}", mail.text);
                assert!(!mail.html.contains("src=") && !mail.html.contains("url("), "nothing remote");
                for secret in ["20 30 40 50", "Jens Hansen", "Maria Silva"] {
                    assert!(!mail.text.contains(secret) && !mail.html.contains(secret), "{secret}: {}", mail.text);
                }
            }
            write(&format!("dossier-{language}"), &own);
            write(&format!("dossier-back-{language}"), &back);
            let shown = format!("{}\n\n{}\n=====\n{}\n\n{}", own.subject, own.text, back.subject, back.text);
            insta::assert_snapshot!(format!("dossier_{language}"), shown);
        }
        let mail = worded(&with_pages, "en", false, false);
        for link in ["/themes/12", "/cases/31", "/cases/29", "/cases/11"] {
            let link = format!("https://mentions.example.com{link}");
            assert!(mail.text.contains(&link) && mail.html.contains(&link), "{link}: {}", mail.text);
        }
        insta::assert_snapshot!("dossier_en_html", mail.html);
        let bare = worded(&composer(), "en", false, false);
        assert!(!bare.text.contains("https://mentions.example.com") && bare.text.contains("mentiond themes show 12"));
    }
}
