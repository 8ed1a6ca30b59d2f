//! Collected mail and reports as they come out: snapshots in four languages, what must hold for each, hostile content.
//! `MENTIOND_SAMPLES=dir cargo test compose::collected_tests` also writes them where a person can look at them.

use std::collections::{BTreeMap, HashMap};

use super::samples::*;
use super::*;
use crate::model::{
    Blind, CaseStatus, Category, Cause, Comparison, Coverage, Day, DismissedCase, Ended, Figures, Item, Listed,
    Mention, OpenCase, Owner, Promise, Report, Response, SentimentLabel, Severity, Summary, SummaryKind, Tally,
    ThemeLine, ThemeNews, Unusual, UnusualLine,
};

const LANGUAGES: [&str; 4] = ["en", "es", "pt", "da"];

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

fn days() -> Vec<Day> {
    let first: jiff::civil::Date = "2026-11-08".parse().unwrap();
    let day = |n: i64| Day {
        date: first + jiff::Span::new().days(n),
        negative: u64::try_from((n * 5 + 3) % 7).unwrap(),
        other: u64::try_from((n * 11 + 4) % 13).unwrap(),
    };
    (0..14).map(day).collect()
}

fn figures(mentions: u64) -> Figures {
    Figures {
        mentions,
        copies: 9,
        authors: mentions - 4,
        reach: 48_200,
        negative: mentions / 2,
        neutral: mentions / 4,
        positive: mentions - mentions / 2 - mentions / 4,
        categories: BTreeMap::from([
            (Category::Complaint, mentions / 2),
            (Category::Praise, mentions / 4),
            (Category::Question, mentions - mentions / 2 - mentions / 4),
        ]),
        severities: BTreeMap::from([(Severity::Low, mentions - 3), (Severity::High, 3)]),
        sentiments: BTreeMap::from([
            (SentimentLabel::Negative, mentions / 2),
            (SentimentLabel::Neutral, mentions / 4),
            (SentimentLabel::Positive, mentions - mentions / 2 - mentions / 4),
        ]),
        languages: BTreeMap::from([("da".into(), mentions - 5), ("en".into(), 4), ("fi".into(), 1)]),
        sources: BTreeMap::from([("trustpilot".into(), mentions - 6), ("forum".into(), 6)]),
    }
}

/// A case of the complaint, praise, a question; by number.
fn mentions() -> HashMap<i64, Mention> {
    let mut praise = mention("", "Best coffee machine I ever had from Fjordkaffe. Thanks to Ana in the shop!");
    praise.classification.category = Category::Praise;
    praise.classification.severity = Severity::Low;
    let mut question = mention("Spare parts?", "Does Fjordkaffe sell spare parts? Write to me: mette.holm@example.com");
    question.classification.category = Category::Question;
    question.classification.severity = Severity::Low;
    HashMap::from([(1, complaint()), (2, praise), (3, question)])
}

fn item(mention: i64) -> Item {
    Item { mention, copies: 0, case: None, named: Vec::new() }
}

fn coverage() -> Coverage {
    Coverage {
        begun: vec![("shop".into(), at("2026-11-19T09:00:00Z"))],
        sources: 14,
        heard: 13,
        last_heard: Some(at("2026-11-21T07:55:00Z")),
        blind: vec![
            Blind { source: "reviews".into(), seconds: 30 * 3600, still: true },
            Blind { source: "forum".into(), seconds: 45 * 60, still: false },
        ],
        gaps: vec![("news".into(), at("2026-11-20T07:55:00Z"))],
        held: vec![("blog".into(), 142)],
        unnamed: 3,
    }
}

fn all_heard() -> Coverage {
    Coverage { sources: 14, heard: 14, last_heard: Some(at("2026-11-21T07:55:00Z")), ..Coverage::default() }
}

/// A rise of a theme that is over, and a source that fell silent and still is.
fn unusual() -> Vec<UnusualLine> {
    let tally = |cause, count, usual, seconds| Tally { cause, count, usual, seconds, chance: 1e-7 };
    vec![
        UnusualLine {
            id: 3,
            watchlist: "fjordkaffe".into(),
            unusual: Unusual::Rise,
            tally: tally(Cause::Theme(12), 34, 6.2, 9_600),
            theme: Some("parcel, delivery".into()),
            since: at("2026-11-20T09:00:00Z"),
            given: at("2026-11-20T11:40:00Z"),
            over: Some(at("2026-11-20T18:00:00Z")),
            cases: 9,
            open: 2,
        },
        UnusualLine {
            id: 4,
            watchlist: "fjordkaffe".into(),
            unusual: Unusual::Quiet,
            tally: tally(Cause::Source("forum".into()), 0, 41.3, 86_400),
            theme: None,
            since: at("2026-11-20T02:00:00Z"),
            given: at("2026-11-21T02:00:00Z"),
            over: None,
            cases: 0,
            open: 0,
        },
    ]
}

/// A theme that nobody spoke of.
fn silent(number: i64, name: &str, news: ThemeNews) -> ThemeLine {
    ThemeLine {
        id: number.to_string(),
        name: name.into(),
        number: Some(number),
        people: 0,
        mentions: 0,
        before: 0,
        quotes: vec![],
        news: Some(news),
    }
}

fn summary(kind: SummaryKind) -> Summary {
    let case = |case, overdue| OpenCase {
        case,
        mention: 1,
        status: CaseStatus::Acknowledged,
        severity: Severity::Critical,
        owner: Owner::person("support", "ana@example.com"),
        opened: at("2026-11-19T13:05:00Z"),
        overdue,
    };
    Summary {
        kind,
        department: "support".into(),
        from: at("2026-11-20T08:00:00Z"),
        to: at("2026-11-21T08:00:00Z"),
        meets: (kind == SummaryKind::Meeting).then(|| at("2026-11-21T11:00:00Z")),
        late: kind == SummaryKind::Digest,
        everything: false,
        needs: Listed { items: vec![case(31, None)], more: 0 },
        overdue: Listed { items: vec![case(30, Some(at("2026-11-20T15:00:00Z")))], more: 37 },
        unusual: Listed { items: unusual(), more: 0 },
        themes: Listed {
            items: vec![
                ThemeLine {
                    id: "12".into(),
                    name: "parcel, delivery".into(),
                    number: Some(12),
                    people: 6,
                    mentions: 7,
                    before: 2,
                    quotes: vec![1],
                    news: Some(ThemeNews::Back { at: at("2026-11-20T10:00:00Z") }),
                },
                ThemeLine {
                    id: "prices".into(),
                    name: "prices".into(),
                    number: None,
                    people: 2,
                    mentions: 2,
                    before: 0,
                    quotes: vec![],
                    news: None,
                },
                silent(
                    9,
                    "app, logs me out",
                    ThemeNews::Closed {
                        at: at("2026-11-20T14:30:00Z"),
                        by: Some("ana@example.com".into()),
                        reason: "fixed in 2.1, told mette.holm@example.com".into(),
                    },
                ),
                silent(
                    8,
                    "receipts",
                    ThemeNews::Merged { at: at("2026-11-20T15:30:00Z"), into: "refund, weeks".into() },
                ),
            ],
            more: 4,
        },
        new: Listed { items: vec![Item { copies: 3, case: Some(12), ..item(1) }], more: 1 },
        praise: Listed { items: vec![Item { named: vec!["Ana Ruiz".into()], copies: 1, ..item(2) }], more: 12 },
        questions: Listed { items: vec![item(3), item(99)], more: 0 },
        ended: Ended {
            closed: 2,
            dismissed: Listed {
                items: vec![
                    DismissedCase {
                        case: 27,
                        mention: 1,
                        at: at("2026-11-20T16:00:00Z"),
                        by: Some("ana@example.com".into()),
                        reason: Some("twice in the list; Mette Holm (+45 20 30 40 50) has case 26".into()),
                    },
                    DismissedCase { case: 28, mention: 3, at: at("2026-11-20T16:10:00Z"), by: None, reason: None },
                ],
                more: 3,
            },
        },
        rest: BTreeMap::from([(Category::Press, 2), (Category::Complaint, 17)]),
        hidden: 1,
        figures: figures(61),
        before: Some(figures(52)),
        days: days(),
        coverage: coverage(),
    }
}

fn quiet() -> Summary {
    Summary {
        needs: Listed::default(),
        overdue: Listed::default(),
        unusual: Listed::default(),
        themes: Listed::default(),
        new: Listed::default(),
        praise: Listed::default(),
        questions: Listed::default(),
        ended: Ended::default(),
        rest: BTreeMap::new(),
        hidden: 0,
        late: false,
        figures: Figures::default(),
        coverage: all_heard(),
        ..summary(SummaryKind::Digest)
    }
}

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

fn report() -> Report {
    let promise = |kept, broken, running, promised| Promise {
        kept,
        broken,
        running,
        promised,
        median_minutes: (kept > 0).then_some(95),
    };
    Report {
        from: at("2026-10-22T08:00:00Z"),
        to: at("2026-11-21T08:00:00Z"),
        watchlist: None,
        theme: None,
        theme_number: None,
        figures: figures(412),
        before: Some(figures(380)),
        comparison: Some(Comparison { at: at("2026-11-11T08:00:00Z"), before: figures(301), after: figures(111) }),
        days: days(),
        responses: vec![
            Response {
                department: "support".into(),
                cases: 9,
                acknowledged: promise(7, 2, 0, true),
                answered: promise(5, 1, 3, true),
            },
            Response {
                department: "marketing".into(),
                cases: 1,
                acknowledged: promise(0, 0, 1, false),
                answered: promise(0, 0, 1, false),
            },
        ],
        themes: {
            let mut themes = summary(SummaryKind::Digest).themes;
            themes.items.truncate(2);
            themes.items[0].news = None;
            themes
        },
        grave: Listed { items: vec![Item { copies: 3, case: Some(30), ..item(1) }], more: 37 },
        praise: Listed { items: vec![item(2)], more: 0 },
        hidden: 2,
        coverage: coverage(),
    }
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
