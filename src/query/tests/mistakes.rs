//! Bad queries and exactly what is said about them.

use std::fmt::Write;

use crate::query::{Context, Named, QueryError, Scope, parse, parse_in};

/// The query with its mistakes, each under a line of carets.
fn report(source: &str, scope: Scope) -> String {
    let Err(errors) = parse_in(source, scope, &context()) else { panic!("`{source}` is taken for a good query") };
    carets(source, errors)
}

/// What a configuration defines.
fn context() -> Context {
    let mut context = Context::default();
    for (name, set) in [("competitor", "globex OR initech"), ("rivals", "globex initech"), ("mixed", "a lang:es")] {
        context.define(name, Some(&parse(set, Scope::Set).unwrap()));
    }
    context.know(Named::Watchlist, ["acme", "globex"]);
    context.know(Named::Source, ["alerts", "news", "a", "b", "c", "d", "e", "f", "g"]);
    context.know(Named::Theme, []);
    context.know(Named::Flag, ["legal", "irony"]);
    context
}

fn carets(source: &str, errors: Vec<QueryError>) -> String {
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
    "a NEAR/5 (b lang:es)",
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
    "has:links",
    "is:replay",
    "followers:>=1.000 acme",
    "followers:many",
    "rating:>=6",
    "rating:>5",
    "theme:x",
    "set:(competitors)",
    "set:competitors",
    "set:comp*",
    "title:(set:mixed)",
    "title:(has:link)",
    "lang:es lang:da acme",
    "acme (lang:es -lang:es-MX lang:es-mx)",
    "acme followers:>1000 followers:<100",
    "acme -acme",
    "\"acme corp\" -acm*",
    "title:acme -acme",
    "acme -(globex OR acme)",
    "source:alerts source:news acme",
    "acme rating:<2 -has:rating",
    "acme set:rivals -globex -initech",
    "\"a\"~2 NEAR/3 b",
    "/a/ NEAR/3 b",
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
    "flag:leagl",
    "watchlist:acmee",
    "watchlist:zzz",
    "source:alrets",
    "theme:refund",
    "category:refund category:praise",
    "severity:>=high severity:<medium",
    "severity:high -severity:>=medium",
    "sentiment:negative (sentiment:positive OR sentiment:neutral)",
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

/// Queries that can be used, and what is doubtful about them.
const DOUBTFUL: &[&str] = &[
    "acme OR \"acme corp\"",
    "acme OR globex OR ACME",
    "\"acme corp\" acme",
    "acme -globex -\"globex corp\"",
    "acme lang:es -lang:da",
    "acme (acme OR globex)",
    "acm* OR acmeish",
    "acme OR title:acme",
    "acme lang:es lang:es-mx",
    "acme followers:>10 followers:>=100",
    "nino OR niño",
    "niño OR nino*",
    "acme OR #acme OR @acme",
    "shop",
    "acme OR tienda OR loja",
    "acme OR hp",
    "con*",
    "lang:da",
    "has:link -spam",
    "the OR (acme lang:es)",
    "set:rivals OR set:short",
    "`hp` OR \"på\"",
    "\"acme refund\"~5 acme",
    "acme NEAR/3 (refund OR return) acme",
];

/// Queries of which nothing is doubtful.
const CLEAR: &[&str] = &[
    "acme",
    "acme shop",
    "shop lang:es acme",
    "shop price",
    "{HP}",
    "#go",
    "piño OR pinos",
    "\"acme corp\" OR \"acme inc\"",
    "acme -\"acme of skill\"",
    "title:acme OR body:acme",
    "acme ({ACME CORP} OR globex)",
    "source:alerts",
    "author:ana acme",
    "東京 OR 大阪",
    "(acme lang:es) OR (globex lang:da)",
    "follow*",
    "\"customer service\"",
    "acme? OR acme",
    "acme site:a.com site:b.com",
];

#[test]
fn doubtful_queries_are_doubted() {
    let mut out = String::new();
    let mut context = context();
    context.define("short", Some(&parse("hp OR dell", Scope::Set).unwrap()));
    for source in DOUBTFUL {
        let parsed =
            parse_in(source, Scope::Watchlist, &context).unwrap_or_else(|errors| panic!("{source}: {errors:?}"));
        assert!(!parsed.doubts.is_empty(), "{source}");
        writeln!(out, "{}", carets(source, parsed.doubts)).unwrap();
    }
    let parsed = parse_in("shop", Scope::Exclude, &context).unwrap();
    writeln!(out, "[exclude]\n{}", carets("shop", parsed.doubts)).unwrap();
    insta::assert_snapshot!(out);
}

#[test]
fn clear_queries_are_not_doubted() {
    for source in CLEAR {
        let parsed = parse_in(source, Scope::Watchlist, &context())
            .unwrap_or_else(|errors| panic!("{}", carets(source, errors)));
        assert!(parsed.doubts.is_empty(), "{}", carets(source, parsed.doubts));
    }
    assert!(parse_in("the", Scope::Route, &context()).unwrap().doubts.is_empty());
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
