//! What queries find and do not find: one row a claim.

use super::{document, query};
use crate::model::{Category, Part, SentimentLabel, Severity};
use crate::query::{Document, Facts, Matcher, Scope, Scratch, parse};

/// Query, a text that it finds, a text that it does not find. An empty text is not looked at.
const WORDS: &[(&str, &str, &str)] = &[
    // whole words
    ("acme", "I bought an Acme today", "I bought an acmeish thing"),
    ("acme", "ACME!", "unacme"),
    ("acme", "(acme)", "acme2"),
    ("acme", "acme-like", "2acme"),
    ("acme", "Acme's new phone", "acmé2"),
    ("acme", "acme_corp", "acm"),
    ("acme", "\u{2018}Acme\u{2019}", "macme"),
    ("acme", "so acme.", "ac me"),
    ("acme corp", "corp of acme", "acme only"),
    ("acme AND corp", "corp of acme", "corp only"),
    ("acme OR globex", "globex", "initech"),
    ("acme OR globex OR initech", "initech", "hooli"),
    ("acme -skill", "acme is good", "acme of skill"),
    ("acme NOT skill", "acme is good", "skill of acme"),
    ("acme AND NOT skill", "acme", "acme skill"),
    ("(acme OR globex) refund", "globex refund", "globex"),
    ("acme (refund OR (money back))", "acme: I want my money back", "acme: my money"),
    ("acme -(refund OR return)", "acme", "acme return"),
    ("acme -(refund return)", "acme return", "acme return refund"),
    ("-spam acme", "acme", "acme spam"),
    ("((acme))", "acme", "corp"),
    ("AT&T", "my AT&T bill", "AT and T"),
    ("e-mail", "by e\u{2011}mail", "by email"),
    ("3M", "a 3M tape", "a 33M tape"),
    ("Yahoo!", "on Yahoo! today", "on Yahoo today"),
    ("node.js", "we use Node.js", "we use nodexjs"),
    ("5g", "5G is here", "15G is here"),
    // phrases
    ("\"acme corp\"", "the Acme Corp.", "acme, corp"),
    ("\"acme corp\"", "acme\u{a0}corp", "acme the corp"),
    ("\"acme corp\"", "acme\n\n  corp", "acmecorp"),
    ("\"acme corp\"", "ACME\tCORP", "acme corporation"),
    ("\u{201c}acme corp\u{201d}", "acme corp", "corp acme"),
    ("\"the \\\"best\\\" shop\"", "the \"best\" shop", "the best shop"),
    ("\"acme corp*\"", "Acme Corporation", "acme xcorp"),
    ("\"customer serv*\"", "customer service", "customer's service"),
    ("\"don't buy\"", "Don\u{2019}t buy it", "dont buy it"),
    ("\"what?\"", "so what?", "so what"),
    ("\"acme -corp\"", "acme -corp", "acme"),
    ("\"or\"", "this or that", "order"),
    // case and exact
    ("{Apple}", "an Apple store", "an apple a day"),
    ("{apple}", "an apple a day", "an Apple store"),
    ("{US}", "in the US today", "tell us today"),
    ("{Acme Corp}", "the Acme  Corp", "the ACME CORP"),
    ("{Ni\u{f1}o}", "El Nin\u{303}o", "El ni\u{f1}o"),
    ("{Nino}", "Nino", "Ni\u{f1}o"),
    ("{Apple}", "Apple's", "Apples"),
    ("APPLE", "apple", "appl"),
    // literals
    ("`C++`", "learn C++ now", "learn C now"),
    ("`C++`", "c++", "abc++"),
    ("`.NET`", "ASP.NET", "network"),
    ("`C+`", "C+2", "BC+"),
    ("`@name`", "hi@name", "@names"),
    ("`acme*`", "acme* rules", "acme rules"),
    ("`AND`", "salt and pepper", "sand"),
    ("`title:x`", "a title:x here", "title x"),
    ("`Acme`", "Acme's", "Acmes"),
    ("`(a)`", "point (a)", "point a"),
    ("`what?`", "what?", "what"),
    // wildcards
    ("acm*", "acmeish", "macme"),
    ("refund*", "refunds, refunded", "prefund"),
    ("devol*", "devoluci\u{f3}n", "revolver"),
    ("niñ*", "ni\u{f1}os", "ninos"),
    ("nin*", "ni\u{f1}os", "ni"),
    ("organi?ation", "organisation", "organiation"),
    ("organi?ation", "ORGANIZATION", "organi-ation"),
    ("acme?", "acmes", "acme"),
    ("?cme", "acme", "cme"),
    ("c?f?", "café", "cfe"),
    ("c?fé", "café", "cafe"),
    ("r?kke", "række", "rkke"),
    // accents
    ("nino", "ni\u{f1}o", "nina"),
    ("nino", "nin\u{303}o", "ninos"),
    ("ni\u{f1}o", "NI\u{d1}O", "nino"),
    ("nin\u{303}o", "ni\u{f1}o", "nino"),
    ("cafe", "caf\u{e9}", "cafes"),
    ("café", "cafe\u{301}", "cafe"),
    ("resume", "r\u{e9}sum\u{e9}", "resumed"),
    ("résume", "résumé", "resumé"),
    ("garcon", "gar\u{e7}on", "garcons"),
    ("\"sao paulo\"", "S\u{e3}o Paulo", "san paulo"),
    ("\"são paulo\"", "SÃO PAULO", "sao paulo"),
    ("uber", "\u{dc}ber", "ubers"),
    ("Über", "über", "uber"),
    ("zurich", "Zürich", "zurichs2"),
    ("Ångström", "ångström", "angstrom"),
    ("pinguino", "pingüino", "pinguin"),
    // own letters
    ("oresund", "\u{d8}resund", "ores und"),
    ("Øresund", "øresund", "oresund"),
    ("aero", "\u{c6}r\u{f8}", "are"),
    ("Ærø", "ÆRØ", "ero"),
    ("lodz", "Łódź", "lod"),
    ("Łódź", "łódź", "lodz"),
    ("dong", "đong", "tong"),
    ("strasse", "Stra\u{df}e", "strase"),
    ("straße", "STRASSE", "strase"),
    ("straße", "stra\u{1e9e}e", "strasses"),
    ("coeur", "c\u{153}ur", "cur"),
    ("istanbul", "\u{130}STANBUL", "stanbul"),
    ("istanbul", "Istanbul", "istan"),
    ("istanbul", "\u{131}stanbul", "istanbull"),
    ("İstanbul", "istanbul", "stanbul"),
    ("ışık", "ışık", "isik"),
    ("ışık", "Işık", "işik"),
    ("isik", "IŞIK", "isi"),
    // compatibility forms and invisible characters
    ("finance", "\u{fb01}nance", "nance"),
    ("acme", "\u{ff21}\u{ff43}\u{ff4d}\u{ff45}", "\u{ff21}\u{ff43}"),
    ("acme", "ac\u{200b}me", "ac me"),
    ("acme", "ac\u{ad}me", "ac-me"),
    ("acme", "\u{feff}acme", "acmex"),
    ("acme", "Acme\u{2122} phone", "Acmetm phone"),
    ("acme", "Acme\u{ae}", "acmer"),
    ("ac\u{200b}me", "acme", "ac\u{20}me"),
    ("acme", "\u{1d400}cme or \u{1d41a}\u{1d41c}\u{1d426}\u{1d41e}", "\u{1d41a}\u{1d41c}"),
    ("acme", "a\u{2060}cme", "a c m e"),
    // possessives and genitives
    ("acme", "Acme\u{2019}s shop", "Acmesque"),
    ("acme", "Acmes nye butik", "the acmes of the world"),
    ("Acme", "ACMES NYE BUTIK", "Acmest"),
    ("new", "the new one", "the news"),
    ("\"acme corp\"", "Acme Corp's", "Acme Corps"),
    ("James", "James' bike", "Jamess"),
    ("Mærsk", "Mærsks skibe", "Maersks2"),
    // tags and handles
    ("#acme", "love #acme", "love acme"),
    ("#acme", "#ACME!", "#acmecorp"),
    ("#acme", "\u{ff03}acme", "x#acme"),
    ("@acme", "thanks @Acme.", "info@acme"),
    ("@acme", "(@acme)", "@acme_help"),
    ("#niño", "#NIÑO", "#nino"),
    ("acme", "#acme", "#acmecorp"),
    // domains
    ("acme.com", "see acme.com today", "acme.comx"),
    ("acme.com", "https://www.acme.com/x", "notacme.com"),
    ("acme.com", "info@acme.com", "my-acme.com"),
    ("acme.com", "acme[.]com", "acme.com.br"),
    ("acme.com", "acme dot com", "acme com"),
    ("acme.com", "ACME (dot) COM", "acme dotcom"),
    ("acme.com", "ends with acme.com.", "acme.com-fake.net"),
    ("shop.acme.co.uk", "shop[.]acme[.]co[.]uk", "acme.co.uk"),
    // nearness
    ("acme NEAR/2 refund", "acme gave me refund", "acme gave me no refund"),
    ("acme NEAR/2 refund", "refund by acme", "refund one two three acme"),
    ("acme NEAR/0 refund", "acme, refund", "acme a refund"),
    ("acme NEAR/2f refund", "acme gave refund", "refund acme"),
    ("(acme OR globex) NEAR/1 (refund OR return)", "return to globex", "return it all to globex"),
    ("\"acme corp\" NEAR/1 refund*", "refunded by Acme Corp", "refunded by this Acme Corp"),
    ("acme NEAR/1 refund -spam", "acme refund", "acme refund spam"),
    ("acme NEAR/1 don't NEARBY", "don't acme nearby", "acme"),
    ("\"acme refund\"~1", "refund from acme", "refund from the acme"),
    ("\"acme refund\"~0", "Refund Acme", "refund an acme"),
    ("\"acme corp refund\"~2", "refund x corp y acme", "refund x corp y z acme"),
    // regular expressions
    ("/ord(er|re) \\d{4}/i", "Order 1234", "order 12"),
    ("/AB-\\d+/", "AB-77", "ab-77"),
    ("acme /\\d+ ?€/", "acme 40 €", "acme 40"),
    ("/a\\/b/", "a/b", "ab"),
    // four languages
    ("devolución", "quiero una devolución", "quiero una devolucion"),
    ("devolucion", "quiero una DEVOLUCIÓN", "devoluciones"),
    ("reembolso OR estorno", "pedi o estorno", "pedi o storno"),
    ("\"atenção ao cliente\"", "a ATENÇÃO ao Cliente", "atenção do cliente"),
    ("reclamacao", "Reclamação", "reclamações"),
    ("kundeservice", "Kundeservice!", "kundeservicen"),
    ("\"små penge\"", "SMÅ PENGE", "sma penge"),
    ("smorrebrod", "smørrebrød", "smorrebrods2"),
    ("\"blå bog\"", "bla\u{30a} bog", "bla bog"),
    ("coraçao", "CORAÇÃO", "coracao"),
    // emoji
    ("\u{1f34e}", "an \u{1f34e} a day", "an \u{1f34f} a day"),
    ("\u{2764}", "I \u{2764}\u{fe0f} it", "I \u{2661} it"),
    ("\u{1f44d}", "x\u{1f44d}\u{1f3fd}x", "\u{1f44e}"),
    ("\u{1f468}\u{200d}\u{1f467}", "\u{1f468}\u{200d}\u{1f467}", "\u{1f468}"),
    ("\"acme \u{1f34e}\"", "Acme \u{1f34e}", "acme"),
    // scripts without spaces
    ("東京", "私は東京に住む", "京東"),
    ("カメラ", "新しいカメラを", "カメ"),
    ("カメラ", "ｶﾒﾗ", "カノラ"),
    ("ガラス", "カ\u{3099}ラス", "カラス"),
    ("か", "かき", "が"),
    ("acme", "私はacmeが好き", "私はacmesが"),
    ("โทรศัพท์", "ซื้อโทรศัพท์ใหม่", "โทร"),
    ("삼성", "삼성은 좋다", "삼정"),
    ("삼성", "\u{1109}\u{1161}\u{11b7}성", "삼"),
    ("苹果手机", "我的苹果手机坏了", "苹果的手机"),
    ("\"东京 大学\"", "东京 大学", "东京大学"),
    // other scripts
    ("محمد", "مُحَمَّد", "محمود"),
    ("شركة", "هذه شركة كبيرة", "شركات"),
    ("أكمي", "من أكمي", "من اكمي"),
    ("اكمي", "من أكمي", "من كمي"),
    ("שלום", "שָׁלוֹם עולם", "שלומות"),
    ("москва", "Москва", "москвой"),
    ("елка", "Ёлка", "елки"),
    ("ёлка", "ЁЛКА", "елка"),
    ("οδος", "ΟΔΟΣ", "οδου"),
    ("οδός", "ΟΔΌΣ", "οδος"),
    ("कमल", "यह कमल है", "कमला"),
    ("հայ", "Հայ", "հայեր"),
];

#[test]
fn words_find_what_the_table_says() {
    assert!(WORDS.len() >= 150, "{} rows", WORDS.len());
    let mut wrong = Vec::new();
    for (source, finds, misses) in WORDS {
        let query = query(source);
        if query.evaluate(&document(finds)).is_none() {
            wrong.push(format!("{source} should find {finds}"));
        }
        if query.evaluate(&document(misses)).is_some() {
            wrong.push(format!("{source} should not find {misses}"));
        }
        // The same in the title, and with other text around.
        let title = Document { title: finds, text: "something else", ..Document::default() };
        if query.evaluate(&title).is_none() {
            wrong.push(format!("{source} should find {finds} in a title"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_query_of_the_table_compiles_into_one_matcher_that_agrees() {
    let queries: Vec<_> = WORDS.iter().map(|(source, _, _)| query(source)).collect();
    let matcher = Matcher::new(&queries.iter().collect::<Vec<_>>());
    let mut scratch = Scratch::default();
    for (_, finds, misses) in WORDS {
        for text in [finds, misses] {
            let document = document(text);
            let found = matcher.find(&document, &mut scratch);
            let mut expected = Vec::new();
            for (index, query) in queries.iter().enumerate() {
                if let Some(matched) = query.evaluate(&document) {
                    expected.push((index, matched));
                }
            }
            let found: Vec<_> = found.into_iter().map(|found| (found.query, found.matched)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}

#[test]
fn title_and_text_are_apart() {
    let document = Document { title: "Acme", text: "Corp refund", ..Document::default() };
    for (source, finds) in [
        ("acme corp", true),
        ("\"acme corp\"", false),
        ("acme NEAR/3 corp", false),
        ("\"acme corp\"~3", false),
        ("title:acme", true),
        ("title:corp", false),
        ("body:corp", true),
        ("body:acme", false),
        ("title:(acme OR corp)", true),
        ("title:(acme corp)", false),
        ("title:acme body:refund", true),
        ("acme -title:corp", true),
        ("acme -body:corp", false),
        ("body:(corp NEAR/1 refund)", true),
        ("title:(corp NEAR/1 refund)", false),
        ("body:\"corp refund\"~0", true),
        ("body:/ref.nd/", true),
        ("title:/ref.nd/", false),
        ("title:acm*", true),
        ("title:{Acme}", true),
        ("title:{acme}", false),
    ] {
        assert_eq!(query(source).evaluate(&document).is_some(), finds, "{source}");
    }
}

#[test]
fn fields_of_the_entry() {
    let document = Document {
        title: "A test",
        text: "acme",
        author: "Ana Ruiz-Muñoz",
        site: "Example News",
        url: "https://www.blog.example.co.uk:8443/refund-policy?x=acme.com",
        lang: "es-MX",
        source: "Alerts",
        ..Document::default()
    };
    for (source, finds) in [
        ("author:ana", true),
        ("author:\"ana ruiz\"", true),
        ("author:munoz", true),
        ("author:muñoz", true),
        ("author:an", false),
        ("author:(bob OR ruiz)", true),
        ("author:ruiz*", true),
        ("site:example.co.uk", true),
        ("site:blog.example.co.uk", true),
        ("site:ample.co.uk", false),
        ("site:acme.com", false),
        ("site:(acme.com OR example.co.uk)", true),
        ("site:\"example news\"", true),
        ("site:other", false),
        ("url:refund", true),
        ("url:refun", false),
        ("url:refun*", true),
        ("url:\"refund-policy\"", true),
        ("url:acme.com", true),
        ("lang:es", true),
        ("lang:es-MX", true),
        ("lang:es_mx", true),
        ("lang:es-AR", false),
        ("lang:e*", false),
        ("lang:(da OR es)", true),
        ("lang:pt", false),
        ("source:alerts", true),
        ("source:alert", false),
        ("acme lang:es -source:other", true),
        ("acme -lang:es", false),
        ("ana", false),
    ] {
        match parse(source, Scope::Watchlist) {
            Ok(query) => assert_eq!(query.evaluate(&document).is_some(), finds, "{source}"),
            Err(_) => assert_eq!(source, "lang:e*", "{source} does not parse"),
        }
    }
}

#[test]
fn facts_of_a_route() {
    let flags = ["legal".to_owned(), "caps".to_owned()];
    let facts = |severity, sentiment| Facts {
        category: Category::Refund,
        categories: &[],
        severity,
        sentiment,
        flags: &flags,
        watchlists: &["acme", "two words"],
        themes: &["Delivery", "price rise"],
    };
    let document = Document {
        text: "acme",
        lang: "da",
        facts: Some(facts(Severity::High, SentimentLabel::Negative)),
        ..Document::default()
    };
    for (source, finds) in [
        ("category:refund", true),
        ("category:Refund", true),
        ("category:complaint", false),
        ("category:(complaint OR refund)", true),
        ("severity:high", true),
        ("severity:=high", true),
        ("severity:medium", false),
        ("severity:>=high", true),
        ("severity:>=medium", true),
        ("severity:>high", false),
        ("severity:>medium", true),
        ("severity:<=high", true),
        ("severity:<critical", true),
        ("severity:<high", false),
        ("severity:(high OR critical)", true),
        ("sentiment:negative", true),
        ("sentiment:<=negative", true),
        ("sentiment:<negative", false),
        ("sentiment:>=neutral", false),
        ("sentiment:very-negative", false),
        ("sentiment:\"very negative\"", false),
        ("watchlist:acme", true),
        ("watchlist:\"two words\"", true),
        ("watchlist:two", false),
        ("flag:legal", true),
        ("flag:irony", false),
        ("category:refund severity:>=high acme", true),
        ("category:refund severity:>=high globex", false),
        ("category:refund -flag:irony", true),
        ("category:refund -flag:legal", false),
        ("(category:press OR flag:legal) lang:da", true),
    ] {
        let query = parse(source, Scope::Route).unwrap_or_else(|errors| panic!("{source}: {errors:?}"));
        assert_eq!(query.evaluate(&document).is_some(), finds, "{source}");
        let before = Document { facts: None, ..document.clone() };
        if !source.starts_with('(') {
            assert!(query.evaluate(&before).is_none(), "{source} without facts");
        }
    }
    let query = parse("category:refund severity:>=medium acme -flag:irony", Scope::Route).unwrap();
    assert_eq!(query.reason(&document), "category:refund, severity:high, \"acme\"");
    assert_eq!(query.evaluate(&document).unwrap().len(), 1);
    let query = parse("category:press", Scope::Route).unwrap();
    assert_eq!(query.reason(&document), "");
}

#[test]
fn places_are_those_of_the_original() {
    let title = "El\u{a0} NIN\u{303}O";
    let text = "ac\u{200b}me\u{a0}\nCorp and acmeish; (Acmes) refunded by a\u{ad}cme.com";
    let document = Document { title, text, ..Document::default() };
    let places = |source: &str| -> Vec<(Part, &str, String)> {
        query(source)
            .evaluate(&document)
            .unwrap_or_default()
            .into_iter()
            .map(|found| {
                let whole = if found.part == Part::Title { title } else { text };
                (found.part, whole.get(found.start..found.end).unwrap(), found.term)
            })
            .collect()
    };
    assert_eq!(places("niño"), [(Part::Title, "NIN\u{303}O", "niño".to_owned())]);
    assert_eq!(places("\"acme corp\""), [(Part::Text, "ac\u{200b}me\u{a0}\nCorp", "acme corp".to_owned())]);
    assert_eq!(places("refund*"), [(Part::Text, "refunded", "refund*".to_owned())]);
    assert_eq!(places("acme.com"), [(Part::Text, "a\u{ad}cme.com", "acme.com".to_owned())]);
    assert_eq!(places("{Corp}"), [(Part::Text, "Corp", "Corp".to_owned())]);
    let terms: Vec<_> = places("acme nino -globex").into_iter().map(|(_, text, _)| text).collect();
    assert_eq!(terms, ["NIN\u{303}O", "ac\u{200b}me", "Acme", "a\u{ad}cme"]);
    assert_eq!(
        places("refunded NEAR/1f acme"),
        [(Part::Text, "refunded", "refunded".to_owned()), (Part::Text, "a\u{ad}cme", "acme".to_owned()),]
    );
}

#[test]
fn genitives_go_by_the_language() {
    let holds = |source: &str, text: &str, lang: &str| {
        query(source).evaluate(&Document { text, lang, ..Document::default() }).is_some()
    };
    assert!(holds("acme", "Acmes nye butik", "da"));
    assert!(holds("acme", "Acmes nye butik", "da-DK"));
    assert!(holds("acme", "Acmes nye butik", ""));
    assert!(holds("acme", "Acmes nye butik", "und"));
    assert!(!holds("acme", "Acmes everywhere", "en"));
    assert!(!holds("acme", "acmes", "da"));
    assert!(holds("\"Dansk Acme\"", "Dansk Acmes butik", "da"));
    assert!(!holds("\"Dansk Acme\"", "Dansk Acmes butik", ""));
}

#[test]
fn terms_are_what_is_looked_for() {
    assert_eq!(
        query("acme (\"a corp\" OR `C++`) -spam {X} a NEAR/2 (b OR acme)").terms(),
        ["acme", "a corp", "C++", "X", "a", "b"]
    );
}
