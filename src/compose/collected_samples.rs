//! What collected mail and reports are tested with: a summary and a report with something in every section.

use std::collections::{BTreeMap, HashMap};

use super::samples::*;
use crate::model::{
    Blind, CaseStatus, Category, Cause, Comparison, Coverage, Day, DismissedCase, Ended, Figures, Item, Listed,
    Mention, OpenCase, Owner, Promise, Report, Response, SentimentLabel, Severity, Summary, SummaryKind, Tally,
    ThemeLine, ThemeNews, ThemeTitle, Unusual, UnusualLine,
};

pub(super) fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

pub(super) fn days() -> Vec<Day> {
    let first: jiff::civil::Date = "2026-11-08".parse().unwrap();
    let day = |n: i64| Day {
        date: first + jiff::Span::new().days(n),
        negative: u64::try_from((n * 5 + 3) % 7).unwrap(),
        other: u64::try_from((n * 11 + 4) % 13).unwrap(),
    };
    (0..14).map(day).collect()
}

pub(super) fn figures(mentions: u64) -> Figures {
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
pub(super) fn mentions() -> HashMap<i64, Mention> {
    let mut praise = mention("", "Best coffee machine I ever had from Fjordkaffe. Thanks to Ana in the shop!");
    praise.classification.category = Category::Praise;
    praise.classification.severity = Severity::Low;
    let mut question = mention("Spare parts?", "Does Fjordkaffe sell spare parts? Write to me: mette.holm@example.com");
    question.classification.category = Category::Question;
    question.classification.severity = Severity::Low;
    HashMap::from([(1, complaint()), (2, praise), (3, question)])
}

pub(super) fn item(mention: i64) -> Item {
    Item { mention, copies: 0, case: None, named: Vec::new() }
}

pub(super) fn coverage() -> Coverage {
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

pub(super) fn all_heard() -> Coverage {
    Coverage { sources: 14, heard: 14, last_heard: Some(at("2026-11-21T07:55:00Z")), ..Coverage::default() }
}

/// A rise of a theme that is over, and a source that fell silent and still is.
pub(super) fn unusual() -> Vec<UnusualLine> {
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
pub(super) fn silent(number: i64, name: &str, news: ThemeNews) -> ThemeLine {
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

pub(super) fn summary(kind: SummaryKind) -> Summary {
    let theme = ThemeTitle { id: 12, name: "parcel, delivery".into(), category: Category::Technical, people: 6 };
    let case = |case, overdue| OpenCase {
        theme: None,
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
        needs: Listed {
            items: vec![case(31, None), OpenCase { theme: Some(theme.clone()), ..case(32, None) }],
            more: 0,
        },
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
                        theme: None,
                        mention: 1,
                        at: at("2026-11-20T16:00:00Z"),
                        by: Some("ana@example.com".into()),
                        reason: Some("twice in the list; Mette Holm (+45 20 30 40 50) has case 26".into()),
                    },
                    DismissedCase {
                        case: 28,
                        mention: 3,
                        theme: Some(theme),
                        at: at("2026-11-20T16:10:00Z"),
                        by: None,
                        reason: None,
                    },
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

pub(super) fn quiet() -> Summary {
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

pub(super) fn report() -> Report {
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
