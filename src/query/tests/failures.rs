//! What is said of queries that do not hold.

use crate::model::{Category, SentimentLabel, Severity};
use crate::query::{Document, Facts, Scope, parse};

/// Query, and what is said of it with the document below.
const TABLE: &[(&str, &str)] = &[
    ("acme", ""),
    ("acme globex", "globex: it is not there"),
    ("corp globex -acme", "globex: it is not there | -acme: excluded: “Acme” stands in the title"),
    (
        "globex OR nino OR ñino",
        "globex OR nino OR ñino: none of these holds | nino: only longer words begin so: “niños”; `*` at its end would find them",
    ),
    ("title:refund", "title:refund: “refund” stands in the text only"),
    ("{ACME}", "{ACME}: it stands there written otherwise: “Acme”"),
    ("réfund", "réfund: it stands there written otherwise: “refund”"),
    ("efund", "efund: it stands there only inside of longer words"),
    ("\"refund corp\"", "\"refund corp\": all its words stand there, but not one after the other"),
    ("\"refund globex\"", "\"refund globex\": not there: globex"),
    ("\"corp refund\"~1", "\"corp refund\"~1: all its words stand there, but too far apart"),
    ("corp NEAR/1 refund", "corp NEAR/1 refund: both sides stand there, with 3 words between them"),
    ("refund NEAR/9f corp", "refund NEAR/9f corp: both sides stand there, but in the other order"),
    ("globex NEAR/9 corp", "globex NEAR/9 corp: its left side is not there"),
    ("#refund", "#refund: it stands there without its sign, or in a longer one: “refund”"),
    ("author:bob", "author:bob: it is “Ana Ruiz”"),
    ("site:a.com", "site:a.com: that is not known"),
    ("lang:da", "lang:da: the language is `es`"),
    ("followers:>5", "followers:>5: the number of followers is not known"),
    ("rating:5", "rating:5: the rating is `2`"),
    ("is:reply", "is:reply: whether it is a reply is not known"),
    ("has:link", "has:link: it has no link"),
    ("category:praise", "category:praise: the category is `refund`"),
    ("watchlist:x", "watchlist:x: its watchlists are: a, b"),
    ("theme:x", "theme:x: it belongs to no theme"),
    ("acme (severity:low OR globex)", "severity:low OR globex: none of these holds"),
];

#[test]
fn failures_say_what_stands_there_instead() {
    let document = Document {
        title: "Acme Corp",
        text: "los niños: the corp gave me no refund",
        author: "Ana Ruiz",
        lang: "es",
        rating: Some(2.0),
        facts: Some(Facts {
            category: Category::Refund,
            categories: &[],
            severity: Severity::High,
            sentiment: SentimentLabel::Negative,
            flags: &[],
            watchlists: &["a", "b"],
            themes: &[],
        }),
        ..Document::default()
    };
    let mut wrong = Vec::new();
    for (source, expected) in TABLE {
        let query = parse(source, Scope::Route).unwrap();
        let said: Vec<String> =
            query.failures(&document).into_iter().map(|one| format!("{}: {}", one.part, one.why)).collect();
        assert_eq!(said.is_empty(), query.evaluate(&document).is_some(), "{source}");
        if said.join(" | ") != *expected {
            wrong.push(format!("{source}\n  {}\n  {expected}", said.join(" | ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
