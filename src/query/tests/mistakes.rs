//! Bad queries and exactly what is said about them.

use std::fmt::Write;

use crate::query::{Scope, parse};

/// The query with its mistakes, each under a line of carets.
fn report(source: &str, scope: Scope) -> String {
    let Err(errors) = parse(source, scope) else { panic!("`{source}` is taken for a good query") };
    let mut out = String::new();
    for error in errors {
        let before = source.get(..error.span.start).unwrap().chars().count();
        let under = source.get(error.span.clone()).unwrap().chars().count().max(1);
        writeln!(out, "{source}\n{}{} {}", " ".repeat(before), "^".repeat(under), error.message).unwrap();
        if let Some(help) = error.help {
            writeln!(out, "  help: {help}").unwrap();
        }
    }
    out
}

const WATCHLIST: &[&str] = &[
    "",
    "   ",
    "a b OR c",
    "a OR b c",
    "a OR b -c",
    "site:(a.com b.com OR c.com)",
    "(a OR b) c OR d",
    "-spam",
    "NOT (a OR b)",
    "-a -b",
    "a OR -b",
    "(a OR b",
    "a OR b)",
    "a ()",
    "\"acme corp",
    "acme `C++",
    "{Apple",
    "a } b",
    "[a b]",
    "\"\"",
    "``",
    "acme \"\u{200b}\"",
    "OR a",
    "a OR",
    "a AND OR b",
    "a AND",
    "a NOT",
    "a NOT NOT b",
    "a --b",
    "a - b",
    "a or b",
    "a Not b",
    "a && b",
    "a || b",
    "Johnson & Johnson",
    "acme !spam",
    "+acme",
    "acme, corp",
    "'acme corp'",
    "acme \u{2013}spam",
    "a | b",
    "...",
    "ac*",
    "*acme",
    "ac*me",
    "a?",
    "acm?*",
    "\"ac* corp\"",
    "\"acme c*\"",
    "acme~",
    "acme^2",
    "\"acme corp\"~",
    "\"acme corp\"~500",
    "\"acme\"~3",
    "\"acme corp*\"~3",
    "a NEAR b",
    "a NEAR/x b",
    "a NEAR/5 b NEAR/5 c",
    "NEAR/5 b",
    "a NEAR/5",
    "a NEAR/5 (b c)",
    "a NEAR/5 -b",
    "title:a NEAR/5 b",
    "author:a NEAR/5 author:b",
    "a ~5 b",
    "/[a-/",
    "/a(/i",
    "/a/g",
    "/a*/",
    "/a",
    "/\\p{L}{1000}{1000}/",
    "#",
    "#tag*",
    "titel:acme",
    "headline:acme",
    "foo:acme",
    "https://acme.com/x",
    "has:link",
    "followers:>=1000 acme",
    "theme:x",
    "set:(competitors)",
    "title:",
    "title: acme",
    "title:-acme",
    "title:>acme",
    "title:(site:a.com)",
    "lang:spanish",
    "lang:e",
    "lang:e*",
    "category:refund",
    "severity:>=high acme",
    "author:\"a b\"~2",
    "titel:a (b OR c d",
];

const ROUTE: &[&str] = &[
    "category:refnud",
    "category:(refund OR complain)",
    "category:>=refund",
    "severity:urgent",
    "severity:>=hihg",
    "severity:>=(high OR low)",
    "sentiment:<=bad",
    "-category:spam",
    "category:spam OR -severity:low",
    "flag:{X}",
];

#[test]
fn bad_queries_are_explained() {
    let mut out = String::new();
    for source in WATCHLIST {
        writeln!(out, "{}", report(source, Scope::Watchlist)).unwrap();
    }
    for source in ROUTE {
        writeln!(out, "[when]\n{}", report(source, Scope::Route)).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn limits_are_kept_and_told() {
    let first = |source: &str| parse(source, Scope::Watchlist).map_err(|errors| errors[0].message.clone());
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(first(&nested(50)).is_ok());
    assert_eq!(first(&nested(51)).unwrap_err(), "brackets are nested more than 50 deep");
    assert_eq!(first(&nested(100_000)).unwrap_err(), "brackets are nested more than 50 deep");
    assert_eq!(
        first(&"a".repeat((1 << 20) + 1)).unwrap_err(),
        "this query has 1048577 bytes; at most 1048576 are allowed"
    );
    assert_eq!(first(&"a ".repeat(50_001)).unwrap_err(), "this query has 50001 terms; at most 50000 are allowed");
    assert_eq!(parse(&"a OR -b ".repeat(10_000), Scope::Watchlist).unwrap_err().len(), 1);
    assert_eq!(parse(&"foo:a ".repeat(10_000), Scope::Watchlist).unwrap_err().len(), 50);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let errors = parse("titel:a \"b\"~ ac* foo:x (c", Scope::Watchlist).unwrap_err();
    let spans: Vec<_> = errors.iter().map(|error| error.span.clone()).collect();
    assert_eq!(spans, [0..6, 8..12, 13..16, 17..21, 23..24]);
}
