//! Claims that hold for any query and any text, held against a naive reading of the language.

use proptest::prelude::*;

use crate::model::Part;
use crate::query::doubts::{Budget, disjoint};
use crate::query::{Document, Matcher, Query, Scope, Scratch, parse};
use crate::text::fold::{fold, is_word};

/// A query of the simple kind, with its own naive evaluation.
#[derive(Clone, Debug)]
enum Naive {
    Word(&'static str),
    Phrase(&'static str, &'static str),
    Prefix(&'static str),
    Title(Box<Naive>),
    Not(Box<Naive>),
    All(Vec<Naive>),
    Any(Vec<Naive>),
}

const TERMS: [&str; 8] = ["acme", "refund", "C+", "b", "3m", "x.y", "ab", "nino"];

impl Naive {
    fn source(&self) -> String {
        let join = |nodes: &[Naive], between: &str| {
            let parts: Vec<_> = nodes.iter().map(Naive::source).collect();
            format!("({})", parts.join(between))
        };
        match self {
            Naive::Word(word) => format!("`{word}`"),
            Naive::Phrase(a, b) => format!("`{a} {b}`"),
            Naive::Prefix(word) => format!("{word}*"),
            Naive::Title(node) => format!("title:({})", node.source()),
            Naive::Not(node) => format!("-{}", node.source()),
            Naive::All(nodes) => join(nodes, " "),
            Naive::Any(nodes) => join(nodes, " OR "),
        }
    }

    /// Looks for each word by plain search, letter by letter.
    fn holds(&self, title: &str, text: &str) -> bool {
        let both =
            |literal: &str, open: bool| stands(&fold(title), literal, open) || stands(&fold(text), literal, open);
        match self {
            Naive::Word(word) => both(&fold(word), false),
            Naive::Phrase(a, b) => both(&fold(&format!("{a} {b}")), false),
            Naive::Prefix(word) => both(word, true),
            Naive::Title(node) => node.holds(title, ""),
            Naive::Not(node) => !node.holds(title, text),
            Naive::All(nodes) => nodes.iter().all(|node| node.holds(title, text)),
            Naive::Any(nodes) => nodes.iter().any(|node| node.holds(title, text)),
        }
    }
}

fn stands(text: &str, literal: &str, open: bool) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let wanted: Vec<char> = literal.chars().collect();
    let touches = |edge: char, beside: Option<&char>| is_word(edge) && beside.is_some_and(|c| is_word(*c));
    (0..letters.len().saturating_sub(wanted.len() - 1)).any(|at| {
        let end = at + wanted.len();
        letters[at..end] == wanted[..]
            && !touches(wanted[0], at.checked_sub(1).and_then(|before| letters.get(before)))
            && (open || !touches(wanted[wanted.len() - 1], letters.get(end)))
    })
}

fn leaf() -> impl Strategy<Value = Naive> {
    let term = || prop::sample::select(&TERMS[..]);
    prop_oneof![
        4 => term().prop_map(Naive::Word),
        1 => (term(), term()).prop_map(|(a, b)| Naive::Phrase(a, b)),
        1 => prop::sample::select(vec!["acm", "refu", "nin"]).prop_map(Naive::Prefix),
    ]
}

fn naive() -> impl Strategy<Value = Naive> {
    let plain = leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Naive::All),
            prop::collection::vec(inner.clone(), 2..5).prop_map(Naive::Any),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Naive::All(vec![a, Naive::Not(Box::new(b))])),
            // Something to hold on to on both sides, and a negation deep inside.
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| {
                Naive::Any(vec![a.clone(), Naive::All(vec![b, Naive::Not(Box::new(Naive::Any(vec![a, c])))])])
            }),
        ]
    });
    prop_oneof![5 => plain.clone(), 1 => plain.prop_map(|node| Naive::Title(Box::new(node)))]
}

fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "acme",
        "ACME",
        "Acme's",
        "acmes",
        "refund",
        "refunded",
        "C+",
        "c++",
        "b",
        "B",
        "3m",
        "33m",
        "x.y",
        "x.yz",
        "ab",
        "a\u{301}b",
        "niño",
        "nin\u{303}o",
        "nino",
        "ac\u{200b}me",
        "東京acme",
        "-",
        ".",
        "'",
        "\u{a0}",
        "ﬁ",
        "ß",
    ]);
    let gap = prop::sample::select(vec![" ", "", "\n", "\u{a0} ", "-", ", "]);
    prop::collection::vec((word, gap), 0..8)
        .prop_map(|parts| parts.into_iter().flat_map(|(word, gap)| [word, gap]).collect())
}

/// Queries that often say the same.
fn implying() -> impl Strategy<Value = String> {
    let term = prop::sample::select(vec![
        "acme",
        "ACME",
        "acme*",
        "acmes",
        "{Acme}",
        "`acme`",
        "#acme",
        "@acme",
        "nino",
        "niño",
        "niñ*",
        "nin*",
        "\"acme refund\"",
        "\"refund acme\"",
        "\"niño acme\"",
        "\"acme\"",
        "refund",
        "refund*",
        "\"acme refund*\"",
        "C+",
        "`C+`",
        "\"acme refund\"~3",
        "acme NEAR/2 refund",
        "(acme OR niño) NEAR/2 refund",
        "title:acme",
        "body:acme",
        "title:\"acme refund\"",
        "x.y",
        "ab",
        "áb",
        "b",
        "3m",
        "東京",
        "東京acme",
        "lang:da",
        "lang:en",
        "ß",
        "\"ß acme\"",
    ]);
    let term = term.prop_map(str::to_owned);
    prop_oneof![
        4 => term.clone(),
        1 => (term.clone(), term.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
        1 => (term.clone(), term.clone()).prop_map(|(a, b)| format!("({a} {b})")),
        1 => (term.clone(), term).prop_map(|(a, b)| format!("({a} -{b})")),
    ]
}

/// Anything that looks a little like a query.
fn garbage() -> impl Strategy<Value = String> {
    let sign = prop::sample::select(vec![
        "(",
        ")",
        "\"",
        "`",
        "{",
        "}",
        "[",
        "]",
        "-",
        "--",
        " OR ",
        " AND ",
        "NOT ",
        " NEAR/3 ",
        " NEAR/2f ",
        "~3",
        "~",
        "*",
        "?",
        "/",
        "/i",
        "title:",
        "site:",
        "severity:>=",
        "high",
        "lang:",
        "category:",
        "acme",
        "corp",
        "ac",
        "a.com",
        "#x",
        "@y",
        " ",
        "\u{201c}",
        "\u{201d}",
        "\\",
        "é",
        "東",
        "\u{200b}",
        ":",
        ",",
        "|",
        "foo:",
        ">",
        "\u{301}",
        "\n",
        "🍎",
    ]);
    prop::collection::vec(sign, 0..14).prop_map(|signs| signs.concat())
}

fn check_any(source: &str, texts: [&str; 2]) -> Result<(), TestCaseError> {
    for scope in [Scope::Watchlist, Scope::Route] {
        match parse(source, scope) {
            Ok(query) => {
                let printed = query.to_string();
                let again = parse(&printed, scope);
                prop_assert_eq!(again.as_ref(), Ok(&query), "{} printed as {}", source, printed);
                prop_assert_eq!(again.map(|query| query.to_string()), Ok(printed));
                let document = Document { title: texts[0], text: texts[1], ..Document::default() };
                for found in query.evaluate(&document).unwrap_or_default() {
                    let whole = match found.part {
                        Part::Title => texts[0],
                        Part::Text => texts[1],
                        _ => "",
                    };
                    prop_assert!(whole.get(found.start..found.end).is_some_and(|place| !place.is_empty()));
                }
                let _ = query.reason(&document);
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    prop_assert!(source.get(error.span.clone()).is_some(), "{:?}", error);
                    prop_assert!(error.help.is_some_and(|help| !help.is_empty()));
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_matcher_agrees_with_a_naive_reading(
        trees in prop::collection::vec(naive(), 1..6),
        texts in prop::collection::vec((words(), words()), 1..6),
    ) {
        let mut queries: Vec<Query> = Vec::new();
        let mut trees = trees;
        trees.retain(|tree| match parse(&tree.source(), Scope::Watchlist) {
            Ok(query) => {
                queries.push(query);
                true
            }
            // Random queries ask for what they exclude more often than people do.
            Err(errors) => {
                assert!(errors.iter().all(|error| error.message.ends_with("so nothing is ever found")), "{}: {errors:?}", tree.source());
                false
            }
        });
        let matcher = Matcher::new(&queries.iter().collect::<Vec<_>>());
        let mut scratch = Scratch::default();
        for (title, text) in &texts {
            let document = Document { title, text, ..Document::default() };
            let found: Vec<usize> = matcher.find(&document, &mut scratch).iter().map(|found| found.query).collect();
            let expected: Vec<usize> = (0..trees.len()).filter(|index| trees[*index].holds(title, text)).collect();
            prop_assert_eq!(&found, &expected, "title {:?}, text {:?}, {:?}", title, text, trees.iter().map(Naive::source).collect::<Vec<_>>());
            for (query, tree) in queries.iter().zip(&trees) {
                prop_assert_eq!(query.evaluate(&document).is_some(), tree.holds(title, text));
            }
        }
        for query in &queries {
            let again = parse(&query.to_string(), Scope::Watchlist);
            prop_assert_eq!(again.as_ref(), Ok(query));
        }
    }

    /// What is told as "can never matter" or "contradicts" is so, in every text.
    #[test]
    fn what_one_part_implies_holds(
        a in implying(),
        b in implying(),
        texts in prop::collection::vec((words(), words()), 1..20),
        lang in prop::sample::select(vec!["", "da", "en"]),
    ) {
        let (Ok(a), Ok(b)) = (parse(&a, Scope::Watchlist), parse(&b, Scope::Watchlist)) else { return Ok(()) };
        let implies = a.implies(&b);
        let disjoint = disjoint(&a.node, &b.node, &mut Budget::default());
        for (title, text) in &texts {
            let document = Document { title, text, lang, ..Document::default() };
            let (holds_a, holds_b) = (a.evaluate(&document).is_some(), b.evaluate(&document).is_some());
            prop_assert!(!implies || !holds_a || holds_b, "{} should imply {}: {:?} {:?} {}", a, b, title, text, lang);
            prop_assert!(!disjoint || !holds_a || !holds_b, "{} should exclude {}: {:?} {:?}", a, b, title, text);
        }
    }

    #[test]
    fn no_garbage_panics_and_what_parses_prints(source in garbage(), title in words(), text in "\\PC{0,40}") {
        check_any(&source, [&title, &text])?;
    }

    #[test]
    fn nothing_at_all_panics(source in "\\PC{0,60}", text in "\\PC{0,60}") {
        check_any(&source, ["", &text])?;
        // What is found in itself must be found where it is written literally.
        if !source.contains('`') && !fold(&source).trim().is_empty()
            && let Ok(query) = parse(&format!("`{source}`"), Scope::Watchlist)
        {
            let document = Document { text: &source, ..Document::default() };
            prop_assert!(query.evaluate(&document).is_some(), "{:?}", source);
        }
    }
}

/// Time must grow with the length, not with its square: a hundred times longer would then take ten thousand times. The
/// bound lies far from both, since other tests run beside this one; the best of three runs counts.
#[test]
fn hostile_texts_and_queries_take_linear_time() {
    let time =
        |work: &dyn Fn()| (0..3).map(|_| crate::clock::cost(work).as_secs_f64()).fold(f64::MAX, f64::min).max(1e-4);
    let queries: Vec<Query> =
        ["\"a a a a\"~3", "a NEAR/2 b", "`a a a a a a`", "/(a|aa)+b/", "(a OR b OR c) -d", "`a-a`", "aaa*"]
            .iter()
            .map(|source| parse(source, Scope::Watchlist).unwrap())
            .collect();
    let matcher = Matcher::new(&queries.iter().collect::<Vec<_>>());
    for unit in ["a ", "a-", "aa", "á\u{301}", "a b ", "東"] {
        let run = |length: usize| {
            let text = unit.repeat(length);
            time(&|| {
                matcher.find(&Document { text: &text, ..Document::default() }, &mut Scratch::default());
            })
        };
        let (short, long) = (run(100), run(10_000));
        assert!(long < short * 2000.0, "{unit}: {short} s, then {long} s");
    }
    for unit in ["(", "\"", "a OR ", "-", "a NEAR/1 ", "foo:", "title:(", "`", "/", "[", "~", "a b OR "] {
        let run = |length: usize| {
            let source = unit.repeat(length);
            time(&|| drop(parse(&source, Scope::Watchlist)))
        };
        let (short, long) = (run(100), run(10_000));
        assert!(long < short * 2000.0, "{unit}: {short} s, then {long} s");
    }
}
