mod measured;

use super::*;
use crate::model::{Cue, SentimentLabel, Severity, WHOLE_WORDING};

/// Texts of our own, with what must be said of them: category, severity, sentiment, a flag (`-` = any).
const TABLES: [(&str, &str); 4] = [
    ("en", include_str!("en.tsv")),
    ("es", include_str!("es.tsv")),
    ("pt", include_str!("pt.tsv")),
    ("da", include_str!("da.tsv")),
];

fn classify(text: &str) -> Classification {
    Classifier::new().classify(&Input { text, ..Input::default() })
}

/// A file below `lang/`, as it is in the project now.
fn lang_file(path: &str) -> Option<Vec<u8>> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/classify/lang").join(path)).ok()
}

fn lang_text(path: &str) -> Option<String> {
    lang_file(path).and_then(|bytes| String::from_utf8(bytes).ok())
}

/// The cue files are well formed, and the tables in the program are what they compile to.
#[test]
fn the_compiled_cues_are_those_of_the_files() {
    let files = learned::train::compiled(&mut lang_text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(files.len(), LANGUAGES.len() + 2);
    for (path, bytes) in files {
        assert!(
            lang_file(&path).is_some_and(|file| packed::holds(&file, &bytes)),
            "{path} is not what the files say: cargo run --release --example train -- --cues"
        );
    }
}

/// Rows of the tables that may be wrong at a time, in percent: severity between medium and high is a matter of words.
const WRONG: usize = 6;

#[test]
fn the_tables_hold() {
    let (mut wrong, mut rows) = (Vec::new(), 0);
    for (code, table) in TABLES {
        for row in table.lines().filter(|l| !l.starts_with('#')) {
            let cells: Vec<&str> = row.split('\t').collect();
            let [category, severity, sentiment, flag, text] = cells.as_slice() else { panic!("{code}: {row}") };
            rows += 1;
            let c = classify(text);
            let felt = match c.sentiment.label {
                SentimentLabel::VeryNegative => "negative",
                SentimentLabel::VeryPositive if *sentiment == "positive" => "positive",
                other => other.as_str(),
            };
            let right = c.language.code == code
                && c.category.as_str() == *category
                && c.severity.as_str() == *severity
                && (*sentiment == "-" || felt == *sentiment)
                && (*flag == "-" || c.flags.iter().any(|f| f == flag));
            if !right {
                let cues: Vec<String> = c.cues.iter().map(|c| format!("{}→{}", c.text, c.effect)).collect();
                let scores: Vec<String> =
                    c.categories.iter().map(|s| format!("{} {}", s.name.as_str(), s.score)).collect();
                wrong.push(format!(
                    "{code}: {row}\n    got {} {} {} {} {:?} [{}] cues {}",
                    c.language.code,
                    c.category.as_str(),
                    c.severity.as_str(),
                    c.sentiment.score,
                    c.flags,
                    scores.join(", "),
                    cues.join("; ")
                ));
            }
        }
    }
    println!("{} of {rows} rows are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(wrong.len() * 100 <= rows * WRONG, "{} of {rows} rows are wrong", wrong.len());
}

/// The lines that no odds may cross.
#[test]
fn the_hard_lines_hold() {
    let table = [
        ("FIXED AT LAST, thank you so much for your help!", Category::Praise),
        ("They refunded me within two days, great service, thanks", Category::Praise),
        ("This is the third time I ask: where is my answer?", Category::Unresolved),
        ("Do you deliver on Saturdays?", Category::Question),
        (
            "You fucking idiots lost my parcel AGAIN and nobody answers, give me my money back you useless clowns",
            Category::Complaint,
        ),
        ("Arreglado por fin, muchas gracias por la ayuda", Category::Praise),
        ("Es la tercera vez que pregunto y nadie me responde", Category::Unresolved),
        ("¿Abren los domingos?", Category::Question),
        ("Resolvido finalmente, muito obrigado pela ajuda!", Category::Praise),
        ("Já é a terceira vez que pergunto e ninguém responde", Category::Unresolved),
        ("Vocês abrem no domingo?", Category::Question),
        ("Endelig løst, tusind tak for hjælpen!", Category::Praise),
        ("Det er tredje gang jeg spørger, og ingen svarer", Category::Unresolved),
        ("Har I åbent på søndag?", Category::Question),
    ];
    let fits = |found: Category, wanted: Category| match wanted {
        Category::Complaint => found.is_grievance(),
        other => found == other,
    };
    let wrong: Vec<String> = table
        .iter()
        .map(|(text, wanted)| (text, classify(text), wanted))
        .filter(|(_, c, wanted)| !fits(c.category, **wanted))
        .map(|(text, c, wanted)| format!("{text}: {:?}, not {wanted:?}; {:?}", c.category, c.categories))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for text in [
        "I will see you in court over this broken kettle, my lawyer has all the mails",
        "Your heater caught fire in my kitchen and my son was burned",
        "Voy a denunciarlos en los tribunales, me vendieron un producto defectuoso",
        "O carregador de vocês pegou fogo e quase queimou a minha casa",
        "Jeres oplader brød i brand i nat, det er livsfarligt",
    ] {
        assert_eq!(classify(text).severity, Severity::Critical, "{text}");
    }
}

#[test]
fn the_runner_up_is_named_with_what_would_change_the_decision() {
    let mut told = 0;
    for text in [
        "why does your app always crash when I open it? please add a dark mode too",
        "Please add a dark mode, and the app crashes when I open it",
        "The app keeps crashing since the update, I want my money back",
        "The cashier was rude and the food was cold",
        "Lovely place, but the soup was cold",
    ] {
        let c = classify(text);
        // Where nothing else is likely there is none.
        let Some(runner) = c.cues.iter().find(|q| q.effect.starts_with("runner-up:")) else { continue };
        let named = runner.why.contains("would be") || runner.why.contains("hold");
        assert!(named || runner.why.contains("no few words"), "{runner:?}");
        told += usize::from(named);
        assert!(
            c.cues.iter().any(|q| q.effect == format!("category:{}", c.category.as_str()) && !q.text.is_empty()),
            "{:?}",
            c.cues
        );
    }
    assert!(told >= 2, "words that decide are named for {told} of five texts");
}

#[test]
fn every_category_is_in_every_table() {
    for (code, table) in TABLES {
        assert!(table.lines().count() > 40, "{code}");
        for category in Category::ALL {
            let start = format!("{}\t", category.as_str());
            assert!(table.lines().any(|l| l.starts_with(&start)), "{code} has no {}", category.as_str());
        }
    }
}

#[test]
fn accents_and_capitals_make_no_difference() {
    for (with, without) in [
        ("La calidad es pésima y nadie me respondió", "la calidad es pesima y nadie me respondio"),
        ("Não funciona, péssimo atendimento", "NAO FUNCIONA, PESSIMO ATENDIMENTO"),
        ("Pakken er ødelagt, får intet svar", "pakken er oedelagt, faar intet svar"),
    ] {
        let (a, b) = (classify(with), classify(without));
        assert_eq!((a.category, a.severity), (b.category, b.severity), "{with}");
    }
}

#[test]
fn every_decision_names_its_words() {
    let c = classify("I want my money back, you charged me twice!");
    let has = |effect: &str| c.cues.iter().any(|q| q.effect == effect && !q.why.is_empty() && !q.text.is_empty());
    assert!(has("category:refund") && has("severity:high"), "{:?}", c.cues);
    assert_eq!(c.categories[0].name, c.category);
    assert!(c.categories.iter().all(|s| (0.0..=1.0).contains(&s.score)));
}

#[test]
fn stars_are_strong_evidence() {
    let with = |text, rating| Classifier::new().classify(&Input { text, rating: Some(rating), ..Input::default() });
    let bad = with("Bought it in May.", 1.0);
    assert_eq!((bad.category, bad.sentiment.label), (Category::Complaint, SentimentLabel::VeryNegative));
    let good = with("Bought it in May.", 5.0);
    assert_eq!((good.category, good.sentiment.label), (Category::Praise, SentimentLabel::VeryPositive));
    assert!(with("", f32::NAN).sentiment.score.is_finite());
}

#[test]
fn other_languages_are_other() {
    let c = classify("Ich habe mein Geld immer noch nicht zurück bekommen 😡😡");
    assert_eq!((c.category, c.severity, c.language.code.as_str()), (Category::Other, Severity::Low, "de"));
    assert!(c.sentiment.score < -0.5);
    let c =
        Classifier::new().classify(&Input { text: "Acme kündigt Entlassungen an", press: true, ..Input::default() });
    assert_eq!(c.category, Category::Press);
}

#[test]
fn news_is_press_even_about_trouble() {
    let news = |text| Classifier::new().classify(&Input { text, press: true, ..Input::default() }).category;
    assert_eq!(news("Customers complain about late deliveries at Acme"), Category::Press);
    assert_eq!(news("Acme opens a store"), Category::Press);
    assert!(news("I want my money back from Acme, they ignored my emails").is_grievance());
}

#[test]
fn a_title_in_the_text_is_read_once() {
    let once = classify("Terrible app");
    let both = Classifier::new().classify(&Input { title: "Terrible app", text: "Terrible app", ..Input::default() });
    assert_eq!(once.sentiment, both.sentiment);
    let cut = Classifier::new().classify(&Input { title: "Terrible…", text: "Terrible app", ..Input::default() });
    assert_eq!(once.sentiment, cut.sentiment);
}

#[test]
fn hostile_texts_are_read_in_linear_time() {
    let texts = [
        "not ".repeat(50_000),
        "terrible ".repeat(50_000),
        "I want my money back ".repeat(20_000),
        "but ".repeat(50_000),
        "😀".repeat(50_000),
        "a".repeat(1_000_000),
        "?!".repeat(100_000),
        "@".repeat(100_000),
        "\u{0}\u{202e}\u{feff}".repeat(10_000),
    ];
    for text in &texts {
        let took = crate::clock::cost(|| {
            let c = classify(text);
            assert!(c.cues.len() <= MOST_CUES && c.sentiment.score.is_finite());
        });
        assert!(took.as_secs() < 5, "{}: {took:?}", text.chars().take(20).collect::<String>());
    }
}

/// A text about a brand, its watchlist's match found by name.
fn about(brand: &str, text: &str) -> Classification {
    let matched = text.match_indices(brand).map(|(start, term)| crate::model::Matched {
        part: Part::Text,
        start,
        end: start + term.len(),
        term: term.to_owned(),
    });
    let watchlists = [WatchlistMatch { name: "brand".to_owned(), matched: matched.collect() }];
    Classifier::new().classify(&Input { text, watchlists: &watchlists, ..Input::default() })
}

#[test]
fn what_is_said_of_others_is_not_said_of_the_brand() {
    let table = [
        ("Acme", "Switched from Voltia to Acme last month, so happy", true),
        ("Acme", "Switched from Acme to Voltia last month, so happy", false),
        ("Acme", "Voltia is a terrible company. Acme is wonderful, best service ever", true),
        ("Acme", "Voltia is wonderful, best service ever. Acme is terrible and slow", false),
        ("Acme", "Me cambié de Voltia a Acme y estoy feliz", true),
        ("Acme", "Me cambié de Acme a Voltia y estoy feliz", false),
        ("Acme", "Troquei a Acme pela Voltia e estou muito feliz", false),
        ("Acme", "Troquei a Voltia pela Acme e estou muito feliz", true),
        ("Acme", "Skiftede fra Voltia til Acme, og jeg er så glad", true),
        ("Acme", "Skiftede fra Acme til Voltia, og jeg er så glad", false),
    ];
    let wrong: Vec<_> = table
        .iter()
        .map(|(brand, text, good)| (text, about(brand, text), good))
        .filter(|(_, c, good)| (c.sentiment.score > 0.0) != **good || c.sentiment.label == SentimentLabel::Neutral)
        .map(|(text, c, _)| format!("{text}: {:?} {:?}", c.sentiment, c.cues))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn correction(id: i64, text: &str, category: Category) -> Correction {
    let text = text.to_owned();
    Correction { id, mention: 10 + id, language: "en".to_owned(), text, category: Some(category), sentiment: None }
}

#[test]
fn a_correction_changes_what_similar_words_mean_and_can_be_undone() {
    let classifier = Classifier::new();
    let classify = |text| classifier.classify(&Input { text, ..Input::default() });
    let (text, similar, other) = (
        "The new kettle whistles like a steam train in the morning",
        "My new kettle whistles like a steam train every morning",
        "The train was late again in the morning and I missed my meeting",
    );
    let before = (classify(text).category, classify(similar).category, classify(other));
    assert_ne!(before.0, Category::Suggestion);
    classifier.learn(&[correction(1, text, Category::Suggestion)]);
    let after = classify(text);
    assert_eq!((after.category, classify(similar).category), (Category::Suggestion, Category::Suggestion));
    assert!(
        after.cues.iter().any(|c| c.why.contains("mention 11") && c.why.contains("correction 1")),
        "{:?}",
        after.cues
    );
    assert_eq!(classify(other), before.2, "other words are read as before");
    // A clone shares what was learnt, and forgets it with the others.
    let clone = classifier.clone();
    classifier.learn(&[]);
    assert_eq!(clone.classify(&Input { text, ..Input::default() }).category, before.0);
}

#[test]
fn of_two_corrections_the_more_similar_then_the_newer_counts() {
    let classifier = Classifier::new();
    let text = "The lid of the kettle rattles when the water boils";
    classifier.learn(&[
        correction(1, text, Category::Question),
        correction(2, text, Category::Technical),
        correction(3, "The lid of the kettle rattles when it is empty", Category::Praise),
    ]);
    assert_eq!(classifier.classify(&Input { text, ..Input::default() }).category, Category::Technical);
}

fn own_cue(finds: Finds) -> UserCue {
    UserCue {
        finds,
        language: None,
        category: Some(Category::Technical),
        severity: Some(Severity::High),
        sentiment: Some(SentimentLabel::Negative),
        flag: Some("bluelight".to_owned()),
        why: "our word for it".to_owned(),
    }
}

#[test]
fn cues_of_the_configuration_take_part_in_every_language() {
    let patterns = Finds::Patterns(vec!["flash* ... blue".to_owned(), "blaues licht".to_owned()]);
    let query = Finds::Query(crate::query::parse("\"spring series\"", crate::query::Scope::Watchlist).unwrap());
    let classifier =
        Classifier::with_cues(vec![own_cue(patterns), UserCue { category: None, flag: None, ..own_cue(query) }]);
    let classify = |text| classifier.classify(&Input { text, ..Input::default() });
    let c = classify("It flashes a bit blue in the evening sun, we like to look at it");
    assert_eq!((c.category, c.severity), (Category::Technical, Severity::High), "{:?}", c.cues);
    assert!(c.sentiment.score < 0.0 && c.flags.contains(&"bluelight".to_owned()));
    assert!(c.cues.iter().any(|q| q.why == "our word for it" && q.text == "flashes a bit blue"), "{:?}", c.cues);
    let german = classify("Seit gestern leuchtet bei mir ein blaues Licht und nichts geht mehr");
    assert_eq!(
        (german.language.code.as_str(), german.category, german.severity),
        ("de", Category::Technical, Severity::High)
    );
    assert_eq!(classify("The spring series came out in May").severity, Severity::High);
    let negated = classify("It does not flash blue");
    assert!(!negated.flags.contains(&"bluelight".to_owned()), "{:?}", negated.cues);
    for wrong in ["", "...", "... x", "a|", "[sentiment 3]"] {
        assert!(check_pattern(wrong).is_err(), "`{wrong}`");
    }
    assert!(check_pattern("torn, seam*").is_ok());
}

/// Training again gives the same bytes, in whatever order a map is walked; and other rows give others.
#[test]
fn the_same_rows_make_the_same_model() {
    let mut sources =
        learned::corpus::Sources::read(&mut lang_text, &mut |_| Vec::new()).unwrap_or_else(|e| panic!("{e}"));
    sources.lexicons.iter_mut().for_each(|l| *l = l.lines().take(40).collect::<Vec<_>>().join("\n"));
    sources.rows = sources.rows.into_iter().step_by(45).collect();
    let make = |sources: &learned::corpus::Sources| learned::train::train(sources).unwrap_or_else(|e| panic!("{e}")).0;
    let (first, second) = (make(&sources), make(&sources));
    assert!(first == second && first.iter().all(|f| f.len() > 1_000));
    sources.rows.pop();
    assert!(make(&sources) != first);
}

/// The tables of general talk are of this version; only where texts that offend were learnt from can they speak of it.
#[test]
fn the_tables_of_talk_are_read() {
    for pack in &LANGUAGES {
        let bytes = packed::own(pack.talk);
        let talk = learned::Talk::of(bytes).unwrap_or_else(|error| panic!("{}: {error}", pack.code));
        let mut plain = [0.0; 101];
        plain[0] = 1.0;
        let (odds, offence) = talk.judge(&Default::default(), [0; 2], &plain);
        assert!((odds.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{}: {odds:?}", pack.code);
        assert_eq!(offence > learned::talk::NEVER, pack.code == "da", "{}: {offence}", pack.code);
        assert!(learned::Talk::of(&bytes[..bytes.len() - 1]).is_err());
    }
    assert!(learned::Talk::of(b"MNT1").is_err());
}

/// Of a very long text the beginning is read, and what stands around the watched words, wherever they are.
#[test]
fn long_texts_are_read_where_it_matters() {
    let filler = "Das Wetter war schön. The committee met on Tuesday and read the minutes. ".repeat(150);
    let said = "Acme lost my parcel, nobody answers my mails and I want my money back.";
    let text = format!("  {filler}{said} {filler}");
    let start = text.find("Acme").unwrap();
    let matched = vec![crate::model::Matched { part: Part::Text, start, end: start + 4, term: "acme".to_owned() }];
    let lists = [WatchlistMatch { name: "brand".to_owned(), matched }];
    let input = Input { text: &text, watchlists: &lists, ..Input::default() };
    let doc = document(&input);
    assert!(doc.text.len() < 4_000, "{} bytes", doc.text.len());
    assert!(doc.text.contains(said) && doc.text.starts_with("Das Wetter"));
    let tokens = Tokens::of(&doc.text);
    let names: Vec<String> = named(&tokens, &doc, &input)
        .iter()
        .enumerate()
        .filter(|(_, named)| **named)
        .map(|(at, _)| tokens.written(at, at + 1))
        .collect();
    assert_eq!(names, ["Acme"]);
    let alone = Input { watchlists: &[], ..input };
    assert!(!document(&alone).text.contains(said));
    // Cut between words, never inside a letter.
    let wide = "ø".repeat(9_000);
    assert!(document(&Input { text: &wide, ..Input::default() }).text.len() < 3_000);
}

/// Names, and words that say nothing by themselves, are never given as the reason; where nothing else is left it is the
/// wording as a whole.
#[test]
fn names_and_words_without_meaning_are_never_the_reason() {
    let texts = [
        "Larsen at the counter in Aarhus laughed at me and then it broke at home",
        "At the shop in Odense they told Larsen that at least the machine was at fault",
        "I talked to Peterson at Acme and at the end nothing happened",
        "Hr. Larsen i butikken på Nørrebro sagde at det var min egen skyld, og at jeg kunne gå",
        "La señora Gutiérrez de la tienda de Burgos me dijo que a mí no me toca nada",
        "O senhor Almeida da loja de Braga disse que a culpa é minha e que não há nada a fazer",
    ];
    let names =
        ["Larsen", "Aarhus", "Odense", "Peterson", "Acme", "Nørrebro", "Gutiérrez", "Burgos", "Almeida", "Braga"];
    for text in texts {
        let c = classify(text);
        let common = stopwords(&c.language.code);
        for cue in c.cues.iter().filter(|q| q.why.contains("speaks for") || q.why.contains("sounds")) {
            let word = cue.text.to_lowercase();
            assert!(!names.iter().any(|n| cue.text.contains(n)), "{text}: {cue:?}");
            assert!(
                !common.contains(&word) && !["at", "in", "de", "og", "que"].contains(&word.as_str()),
                "{text}: {cue:?}"
            );
        }
        if c.severity > Severity::Low {
            let own = format!("severity:{}", c.severity.as_str());
            assert!(c.cues.iter().any(|q| q.effect == own), "{text}: a severity without a reason: {:?}", c.cues);
        }
    }
    let whole = classify("Larsen at the counter");
    let said = |q: &Cue| q.text.is_empty() && q.why.starts_with(WHOLE_WORDING);
    assert!(whole.cues.iter().any(said), "{:?}", whole.cues);
}

/// What the lexicon feels in a text: good and bad.
fn felt(language: usize, text: &str) -> (f32, f32) {
    let tokens = Tokens::of(text);
    let reading = Reading::of(&tokens, &LEXICONS[language], &[]);
    let felt = terms::read(&reading, model_of(language).expect("a model"), &[]);
    (felt.good, felt.bad)
}

#[test]
fn what_only_looks_like_a_word_of_feeling_is_none() {
    let [en, es, pt, da] = [0, 1, 2, 3];
    for (language, text) in [
        (en, "good morning from platform 4"),
        (es, "a lo mejor llega mañana, sin embargo no sé"),
        (es, "vive en Buenos Aires"),
        (pt, "ele vem, mas só amanhã"),
        (pt, "eu não sabia que era aí"),
        (pt, "passei por Porto Alegre e Belo Horizonte"),
        (da, "3 stjerner, med venlig hilsen"),
    ] {
        assert_eq!(felt(language, text), (0.0, 0.0), "{text}");
    }
}

/// A good word in a hashtag of several is mostly a name; a strong one, and a bad one, is meant.
#[test]
fn names_in_hashtags_say_little() {
    let plain = felt(0, "good day show");
    let name = felt(0, "#GoodDayShow");
    assert!(plain.0 > 0.0 && name.0 > 0.0 && name.0 < plain.0 / 2.0, "{plain:?} {name:?}");
    for (tag, words) in [("#PoorService", "poor service"), ("#BestDayEver", "best day ever"), ("#Sad", "sad")] {
        assert_eq!(felt(0, tag), felt(0, words), "{tag}");
    }
}

#[test]
fn a_lexicon_names_no_numbers() {
    let error = terms::parse("term\tscore\tnote\ngood\t2\t\n5 stars\t4\t\n").unwrap_err();
    assert!(error.starts_with("line 3: all numbers are one word here"), "{error}");
}
