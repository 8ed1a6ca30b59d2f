//! Collected mail and reports as they come out: snapshots in four languages, what must hold for each, hostile content.
//! `MENTIOND_SAMPLES=dir cargo test compose::collected_tests` also writes them where a person can look at them.

use std::collections::HashMap;

use super::collected_samples::*;
use super::samples::*;
use super::*;
use crate::model::{Coverage, Day, Figures, Listed, Mention, Report, Summary, SummaryKind};

const LANGUAGES: [&str; 4] = ["en", "es", "pt", "da"];

fn with_pages() -> Composer {
    Composer::new(ComposeSettings {
        mention_pages: Some("https://mentions.example.com/mentions".parse().unwrap()),
        ..composer().settings
    })
}

fn worded(composer: &Composer, language: &str, summary: &Summary, mentions: &HashMap<i64, Mention>) -> Email {
    let zone = zone();
    composer.digest(&DigestInput {
        reader: Reader { language, zone: &zone },
        summary,
        mentions,
        department: "Customer Service",
        owner: &|_| "Ana Ruiz, Customer Service".into(),
        watchlist: &|_| "Fjordkaffe".into(),
        who: &|_| "Ana Ruiz".into(),
        possible_duplicate: false,
    })
}

fn input<'a>(
    language: &'a str,
    zone: &'a jiff::tz::TimeZone,
    report: &'a Report,
    mentions: &'a HashMap<i64, Mention>,
) -> ReportInput<'a> {
    ReportInput {
        reader: Reader { language, zone },
        report,
        mentions,
        what: "Fjordkaffe",
        department: &|key| format!("The {key} team"),
        made: at("2026-11-21T08:05:00Z"),
    }
}

/// No address but that of a link that a person may follow; nothing runs.
fn assert_inert(html: &str) {
    let lower = html.to_lowercase();
    for word in [
        "<script",
        "<link",
        "<iframe",
        "<object",
        "<form",
        "<base",
        "url(",
        "@import",
        "srcset",
        " onload=",
        " onerror=",
    ] {
        let in_tag = |at: usize| lower[..at].rfind('<') > lower[..at].rfind('>') || word.starts_with('<');
        assert!(!lower.match_indices(word).any(|(at, _)| in_tag(at)), "{word}");
    }
    for (at, _) in lower.match_indices(" src=\"") {
        assert!(lower[at..].starts_with(" src=\"cid:chart\""), "{}", &html[at..at + 40]);
    }
    for (at, _) in lower.match_indices(" href=\"") {
        assert!(lower[at + 7..].starts_with("http"), "{}", &html[at..at + 40]);
    }
}

fn assert_masked(text: &str) {
    for secret in ["Mette Holm", "metteh", "mette.holm@example.com", "20 30 40 50", "45821"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

fn assert_filled(text: &str) {
    for (at, _) in text.match_indices('{') {
        let word = text[at + 1..].split('}').next().unwrap_or_default();
        assert!(word.contains([' ', ':', '\n', ';']) || word.is_empty(), "{{{word}}} is left standing");
    }
}

#[test]
fn collected_mail_in_every_language() {
    for language in LANGUAGES {
        let mut shown = Vec::new();
        for kind in [SummaryKind::Digest, SummaryKind::Meeting, SummaryKind::Management] {
            let mail = worded(&with_pages(), language, &summary(kind), &mentions());
            assert_inert(&mail.html);
            for text in [&mail.subject, &mail.text, &mail.html] {
                assert_masked(text);
            }
            assert_filled(&mail.text);
            assert_filled(&mail.subject);
            assert!(mail.html.len() < 100_000, "Gmail clips beyond 102 kB: {}", mail.html.len());
            assert_eq!(mail.pictures.len(), 1);
            let headers: String = mail.headers.iter().map(|(n, v)| format!("{n}: {v}\n")).collect();
            shown.push(format!("Subject: {}\n{headers}\n{}", mail.subject, mail.text));
            write(&format!("{}-{language}", kind.as_str()), &mail);
        }
        let mail = worded(&composer(), language, &quiet(), &HashMap::new());
        assert!(mail.pictures.is_empty());
        write(&format!("quiet-{language}"), &mail);
        shown.push(format!("Subject: {}\n\n{}", mail.subject, mail.text));
        insta::assert_snapshot!(format!("collected_{language}"), shown.join("\n=====\n\n"));
    }
    let mail = worded(&with_pages(), "en", &summary(SummaryKind::Digest), &mentions());
    insta::assert_snapshot!("digest_en_html", mail.html);
}

/// What waits to be sent, or was, holds no words: what is struck from the record when somebody is forgotten would stay in it.
#[test]
fn a_summary_is_kept_without_what_people_wrote() {
    let kept = serde_json::to_string(&summary(SummaryKind::Digest)).unwrap();
    for words in ["fixed in 2.1", "Mette Holm", "twice in the list"] {
        assert!(!kept.contains(words), "{words}: {kept}");
    }
}

#[test]
fn nothing_to_say_is_one_line_unless_somebody_did_not_listen() {
    let mail = worded(&composer(), "en", &quiet(), &HashMap::new());
    assert!(mail.text.contains("\nQuiet: 14 of 14 sources heard, last Sat 21 Nov 2026, 08:55.\n"), "{}", mail.text);
    assert!(!mail.text.contains("How much was heard"), "{}", mail.text);
    let deaf = Summary { coverage: coverage(), ..quiet() };
    let mail = worded(&composer(), "en", &deaf, &HashMap::new());
    for words in ["Quiet: 13 of 14", "reviews has not been heard for 1 d 6 h", "forum was not heard for 45 min", "142"]
    {
        assert!(mail.text.contains(words), "{words}: {}", mail.text);
    }
    let none = Coverage { sources: 3, ..Coverage::default() };
    let mail = worded(&composer(), "en", &Summary { coverage: none, ..quiet() }, &HashMap::new());
    assert!(mail.text.contains("No news here is not good news"), "{}", mail.text);
}

/// Every link of ours in a text, in order.
fn own_links(text: &str) -> Vec<String> {
    let ours = |word: &str| word.find("https://mentions.example.com").map(|at| word[at..].to_owned());
    let trim = |link: String| link.trim_end_matches(['>', ')', ',', '"']).replace("&amp;", "&");
    text.split([' ', '\n', '<', '"']).filter_map(ours).map(trim).collect()
}

/// "and 37 more" is worth nothing without the list, and a list of everything since the beginning is not it.
#[test]
fn what_is_left_out_is_counted_and_linked_where_there_are_pages() {
    let all = "https://mentions.example.com/mentions?q=category%3Apraise&department=support\
               &from=2026-11-20T08%3A00%3A00Z&until=2026-11-21T08%3A00%3A00Z";
    let mail = worded(&with_pages(), "en", &summary(SummaryKind::Digest), &mentions());
    assert!(mail.text.contains(&format!("and 12 more: {all}")), "{}", mail.text);
    for wanted in [
        all,
        "/cases?department=support&overdue=1",
        "/cases/31",
        "/cases/12",
        "/mentions/2",
        "/themes/12",
        "/mentions?q=theme%3A%22prices%22",
        "/themes",
        "/mentions?department=support&from=",
    ] {
        for (part, links) in [("text", own_links(&mail.text)), ("html", own_links(&mail.html))] {
            assert!(links.iter().any(|link| link.contains(wanted)), "{wanted} in {part}: {links:#?}");
        }
    }
    let whole = Summary { everything: true, ..summary(SummaryKind::Management) };
    let links = own_links(&worded(&with_pages(), "en", &whole, &mentions()).text);
    assert!(links.iter().any(|link| link.ends_with("/cases?overdue=1")), "{links:#?}");
    assert!(links.iter().any(|link| link.contains("?q=severity%3A%3E%3Dhigh&from=")), "{links:#?}");
    assert!(!links.iter().any(|link| link.contains("department=")), "management is told of everything: {links:#?}");

    let mail = worded(&composer(), "en", &summary(SummaryKind::Digest), &mentions());
    assert!(mail.text.contains("and 12 more\n"), "{}", mail.text);
    assert_eq!((own_links(&mail.text), own_links(&mail.html)), (vec![], vec![]), "no pages, no links");
}

/// One source is no plural, one author is no crowd, and where no author is known none is counted.
#[test]
fn one_is_said_as_one_in_every_language() {
    let one =
        |heard| Coverage { sources: 1, heard, last_heard: Some(at("2026-11-21T07:55:00Z")), ..Coverage::default() };
    for (language, quiet_line, all, none, author) in [
        (
            "en",
            "Quiet: 1 of 1 source heard, last",
            "The only source was heard, last",
            "The only source was not heard.",
            "1 mention by one author",
        ),
        (
            "es",
            "Todo tranquilo: se ha consultado 1 de 1 fuente,",
            "Se ha consultado la única fuente",
            "No se ha podido consultar la única",
            "1 mención de un solo autor",
        ),
        (
            "pt",
            "Tudo calmo: 1 de 1 fonte consultada,",
            "A única fonte foi consultada",
            "A única fonte não pôde ser",
            "1 menção de um só autor",
        ),
        (
            "da",
            "Roligt: 1 af 1 kilde blev hørt,",
            "Den eneste kilde blev hørt",
            "Den eneste kilde blev ikke hørt.",
            "1 omtale fra én forfatter",
        ),
    ] {
        let mail = worded(&composer(), language, &Summary { coverage: one(1), ..quiet() }, &HashMap::new());
        assert!(mail.text.contains(quiet_line), "{language}: {}", mail.text);
        let words = composer();
        let zone = zone();
        let covered = |heard| {
            let mut report = report();
            report.coverage = one(heard);
            report.figures = Figures { mentions: 1, authors: heard, negative: 1, ..Figures::default() };
            words.report_markdown(&input(language, &zone, &report, &mentions()))
        };
        assert!(covered(1).contains(all), "{language}: {}", covered(1));
        assert!(covered(0).contains(none), "{language}: {}", covered(0));
        // One author; none that can be told apart.
        let first = |text: String| text.lines().find(|line| line.starts_with("1 ")).unwrap_or_default().to_owned();
        assert!(first(covered(1)).starts_with(&format!("{author}.")), "{language}: {}", first(covered(1)));
        let nobody = author.split(' ').take(2).collect::<Vec<_>>().join(" ");
        assert!(first(covered(0)).starts_with(&format!("{nobody}.")), "{language}: {}", first(covered(0)));
    }
}

#[test]
fn a_report_leads_to_the_pages_if_there_are_some() {
    let zone = zone();
    let (report, mentions) = (Report { watchlist: Some("fjordkaffe".into()), ..report() }, mentions());
    let input = input("en", &zone, &report, &mentions);
    for text in [with_pages().report_page(&input), with_pages().report_markdown(&input)] {
        let links = own_links(&text);
        for wanted in ["/themes/12", "/cases/30", "/mentions/2", "watchlist%3Afjordkaffe&from=2026-10-22T08%3A00%3A00Z"]
        {
            assert!(links.iter().any(|link| link.contains(wanted)), "{wanted}: {links:#?}");
        }
    }
    for text in [composer().report_page(&input), composer().report_markdown(&input)] {
        assert_eq!(own_links(&text), Vec::<String>::new());
    }
}

#[test]
fn the_chart_has_words_that_say_its_figures() {
    for (language, alt) in [
        ("en", "Mentions a day, 8 Nov to 21 Nov: 123 in all, most on "),
        ("es", "Menciones al día, del 8 nov al 21 nov: 123 en total, el máximo el "),
        ("pt", "Menções por dia, de 8 nov a 21 nov: 123 no total, o máximo em "),
        ("da", "Omtaler om dagen, 8. nov. til 21. nov.: 123 i alt, flest "),
    ] {
        let mail = worded(&composer(), language, &summary(SummaryKind::Digest), &mentions());
        let total: u64 = days().iter().map(Day::all).sum();
        let alt = alt.replace("123", &total.to_string());
        assert!(mail.html.contains(&format!("alt=\"{alt}")), "{language}: {alt}");
        let zone = zone();
        let (report, mentions) = (report(), mentions());
        let page = composer().report_page(&input(language, &zone, &report, &mentions));
        assert!(page.contains(&format!("role=\"img\" aria-label=\"{alt}")), "{language}: {alt}");
    }
}

#[test]
fn reports_in_every_language() {
    let zone = zone();
    let mentions = mentions();
    for language in LANGUAGES {
        let report = report();
        let input = input(language, &zone, &report, &mentions);
        let (page, text) = (composer().report_page(&input), composer().report_markdown(&input));
        assert_inert(&page);
        assert!(page.contains("default-src 'none'"), "a browser is told to load nothing");
        for shown in [&page, &text] {
            assert_masked(shown);
        }
        assert_filled(&text);
        if let Ok(folder) = std::env::var("MENTIOND_SAMPLES") {
            std::fs::write(format!("{folder}/report-{language}.html"), &page).unwrap();
        }
        insta::assert_snapshot!(format!("report_{language}"), text);
    }
    let empty = Report {
        figures: Figures::default(),
        before: None,
        comparison: None,
        responses: Vec::new(),
        themes: Listed::default(),
        grave: Listed::default(),
        praise: Listed::default(),
        hidden: 0,
        days: Vec::new(),
        ..report()
    };
    let text = composer().report_markdown(&input("en", &zone, &empty, &mentions));
    assert!(text.contains("Nothing was said in this period.") && text.contains("13 of 14"), "{text}");
}

/// Hazards 24 and 26: whatever strangers write is text, in mails, pages and Markdown.
#[test]
fn hostile_words_stay_words() {
    let attack = "x\r\nBcc: victim@evil.example <script>alert(1)</script> ![p](https://evil.example/p.png) # h\n| a | \
                  [l](javascript:x) `code` <img src=https://evil.example/p.png>";
    let mut hostile = mention(attack, attack);
    hostile.entry.url = Some("javascript:alert(1)".into());
    hostile.entry.site = Some(attack.into());
    hostile.source = attack.into();
    let mentions: HashMap<i64, Mention> = [1, 2, 3].map(|n| (n, hostile.clone())).into();
    let mut named = summary(SummaryKind::Digest);
    named.themes.items[0].name = attack.into();
    named.coverage.gaps[0].0 = attack.into();
    let mail = worded(&composer(), "en", &named, &mentions);
    assert_inert(&mail.html);
    assert!(!mail.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("bcc")));
    assert!(mail.html.contains("&lt;script"));

    let zone = zone();
    let mut report = report();
    report.theme = Some(attack.into());
    report.figures.sources.insert(attack.into(), 3);
    let input = input("en", &zone, &report, &mentions);
    assert_inert(&composer().report_page(&input));
    let text = composer().report_markdown(&input);
    for live in ["![p]", "[l](", "<script", "<img", "`code`", "| a |"] {
        let bare = text.match_indices(live).any(|(at, _)| !text[..at].ends_with('\\'));
        assert!(!bare, "{live}: {text}");
    }
}
