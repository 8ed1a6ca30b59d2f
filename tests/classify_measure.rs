//! Measures the classifier on texts that nobody here wrote (`../shared`, see its README). "Measure only": nothing is
//! fitted to them; the floors are what was reached, less a margin, so that a regression is seen.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mentiond::classify::{Classifier, Input};
use mentiond::model::{Category, Classification, SentimentLabel};

/// The rows of a labelled set: language, text, label, source. Nothing if there is no such set here.
fn rows(set: &str) -> Vec<[String; 4]> {
    let shared = std::env::var_os("MENTIOND_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = shared.join("data").join("labelled").join(format!("{set}.tsv"));
    let Ok(data) = std::fs::read_to_string(&path) else {
        println!("skipped: no {}", path.display());
        return Vec::new();
    };
    data.lines()
        .skip(1)
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let [_, lang, text, label, source] = cells.as_slice() else { return None };
            Some([lang, text, label, source].map(|s| (*s).to_owned()))
        })
        .collect()
}

fn classify(text: &str, lang: Option<&str>) -> Classification {
    Classifier::new().classify(&Input { text, lang_hint: lang, ..Input::default() })
}

/// Mean of the F1 scores of the labels, in percent. Pairs: the set's label, ours.
fn macro_f1(pairs: &[(String, String)], labels: &[&str]) -> f32 {
    let f1 = |label: &str| {
        let count = |f: &dyn Fn(&(String, String)) -> bool| pairs.iter().filter(|p| f(p)).count() as f32;
        let hit = count(&|p| p.0 == label && p.1 == label);
        2.0 * hit / (count(&|p| p.0 == label) + count(&|p| p.1 == label)).max(1.0)
    };
    100.0 * labels.iter().map(|l| f1(l)).sum::<f32>() / labels.len() as f32
}

/// How often each of ours was given for each of the set's labels.
fn confusion(pairs: &[(String, String)]) -> BTreeMap<(&str, &str), usize> {
    let mut counts = BTreeMap::new();
    for (gold, own) in pairs {
        *counts.entry((gold.as_str(), own.as_str())).or_default() += 1;
    }
    counts
}

fn step(label: SentimentLabel) -> &'static str {
    match label {
        SentimentLabel::VeryNegative | SentimentLabel::Negative => "negative",
        SentimentLabel::Neutral => "neutral",
        SentimentLabel::Positive | SentimentLabel::VeryPositive => "positive",
    }
}

/// Sets of three (or two) steps of sentiment, and the macro-F1 below which something broke.
const SENTIMENT: [(&str, f32); 10] = [
    ("umsab_en", 55.0),
    ("umsab_es", 51.0),
    ("umsab_pt", 50.0),
    ("tass2020_es", 50.0),
    ("sam_da", 51.0),
    ("lcc_da", 50.0),
    ("airline_sentiment_en", 57.0),
    ("trustpilot_da", 78.0),
    ("sentiment140_manual_en", 64.0),
    ("semeval2017_en", 52.0),
];

#[test]
fn sentiment() {
    for (set, floor) in SENTIMENT {
        let pairs: Vec<(String, String)> = rows(set)
            .into_iter()
            .map(|[lang, text, label, _]| (label, step(classify(&text, Some(&lang)).sentiment.label).to_owned()))
            .collect();
        if pairs.is_empty() {
            continue;
        }
        let labels: Vec<&str> =
            ["negative", "neutral", "positive"].into_iter().filter(|l| pairs.iter().any(|p| p.0 == *l)).collect();
        let f1 = macro_f1(&pairs, &labels);
        println!("{set}: macro-F1 {f1:.1} over {} rows; {:?}", pairs.len(), confusion(&pairs));
        assert!(f1 >= floor, "{set}: {f1:.1} is below {floor}");
    }
}

#[test]
fn complaints() {
    let rows: Vec<_> = rows("complaints_en").into_iter().filter(|r| !r[3].contains(":random_")).collect();
    if rows.is_empty() {
        return;
    }
    let mut kinds: Vec<(String, String)> = Vec::new();
    let pairs: Vec<(String, String)> = rows
        .into_iter()
        .map(|[lang, text, label, _]| {
            let category = classify(&text, Some(&lang)).category;
            kinds.push((label.clone(), category.as_str().to_owned()));
            (label, if category.is_grievance() { "complaint" } else { "not_complaint" }.to_owned())
        })
        .collect();
    let f1 = macro_f1(&pairs, &["complaint", "not_complaint"]);
    println!("complaints_en: macro-F1 {f1:.1} over {} rows; {:?}", pairs.len(), confusion(&kinds));
    assert!(f1 >= 56.0, "complaints_en: {f1:.1}");
}

#[test]
fn languages() {
    for (set, floor) in [("langid_social", 95.0), ("langid_short", 90.0)] {
        let pairs: Vec<(String, String)> = rows(set)
            .into_iter()
            .map(|[_, text, label, _]| {
                (if label == "nb" { "no".to_owned() } else { label }, classify(&text, None).language.code)
            })
            .collect();
        if pairs.is_empty() {
            continue;
        }
        let labels: Vec<&str> = ["en", "es", "pt", "da", "no", "sv", "de", "fr", "it", "ca"]
            .into_iter()
            .filter(|l| pairs.iter().any(|p| p.0 == *l))
            .collect();
        let right = pairs.iter().filter(|p| p.0 == p.1).count() as f32 * 100.0 / pairs.len() as f32;
        let f1 = macro_f1(&pairs, &labels);
        println!("{set}: {right:.1} % right, macro-F1 {f1:.1} over {} rows", pairs.len());
        let mut missed: Vec<_> = confusion(&pairs).into_iter().filter(|((a, b), _)| a != b).collect();
        missed.sort_by_key(|m| std::cmp::Reverse(m.1));
        missed.truncate(12);
        println!("  most missed: {missed:?}");
        assert!(f1 >= floor, "{set}: {f1:.1} is below {floor}");
    }
}

/// Honest texts must not be taken for spam; how much spam is found is only printed.
#[test]
fn spam_is_not_everything() {
    for set in ["sms_spam_en", "youtube_spam_en"] {
        let pairs: Vec<(String, String)> = rows(set)
            .into_iter()
            .map(|[lang, text, label, _]| (label, classify(&text, Some(&lang)).category.as_str().to_owned()))
            .collect();
        println!("{set}: {:?}", confusion(&pairs));
        let ham = pairs.iter().filter(|p| p.0 == "ham").count();
        let wrong = pairs.iter().filter(|p| p.0 == "ham" && p.1 == "spam").count();
        assert!(wrong * 10 <= ham, "{set}: {wrong} of {ham} honest texts called spam");
    }
}

/// The set that was labelled with our own categories: printed, and held to naming a category of ours at all.
#[test]
fn gold() {
    let shared = std::env::var_os("MENTIOND_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = shared.join("data/gold/gold.dev.tsv");
    let Ok(data) = std::fs::read_to_string(&path) else {
        println!("skipped: no {}", path.display());
        return;
    };
    let (mut category, mut severity, mut sentiment) = (Vec::new(), Vec::new(), Vec::new());
    for line in data.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [_, lang, text, kind, _, mood, harm, ..] = cells.as_slice() else { panic!("{line}") };
        assert!(Category::parse(kind).is_some(), "no category of ours: {line}");
        let c = classify(text, Some(lang));
        category.push(((*kind).to_owned(), c.category.as_str().to_owned()));
        severity.push(((*harm).to_owned(), c.severity.as_str().to_owned()));
        sentiment.push(((*mood).replace('_', "-"), c.sentiment.label.as_str().to_owned()));
    }
    for (name, pairs) in [("category", category), ("severity", severity), ("sentiment", sentiment)] {
        let right = pairs.iter().filter(|p| p.0 == p.1).count();
        let mut labels: Vec<&str> = pairs.iter().map(|p| p.0.as_str()).collect();
        labels.sort_unstable();
        labels.dedup();
        println!("gold {name}: {right} of {} right, macro-F1 {:.1}", pairs.len(), macro_f1(&pairs, &labels));
    }
}

/// No text of the sets is in the project: not in the corpus, not in the tests, not in the cue files. Only texts long
/// enough to be somebody's own words are compared; `thank you` stands everywhere.
#[test]
fn no_text_of_the_sets_is_in_the_project() {
    fn walk(folder: &std::path::Path, out: &mut Vec<PathBuf>) {
        for item in std::fs::read_dir(folder).unwrap().flatten() {
            let path = item.path();
            if path.is_dir() { walk(&path, out) } else { out.push(path) }
        }
    }
    // Words alone, so that no sign or space hides a copy.
    let plain = |text: &str| -> String {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
        words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    };
    // Shorter ones are idioms that everybody writes.
    let long = |text: &String| text.len() >= 40 && text.split(' ').count() >= 7;
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "config", "tests"] {
        walk(&project.join(folder), &mut files);
    }
    files.retain(|f| f.extension().is_some_and(|e| e == "tsv" || e == "txt" || e == "rs" || e == "toml" || e == "md"));
    let mut ours = std::collections::HashSet::new();
    for file in &files {
        for line in std::fs::read_to_string(file).unwrap_or_default().lines() {
            ours.extend(line.split(['\t', '"']).map(plain).filter(long));
        }
    }
    let shared = std::env::var_os("MENTIOND_SHARED").map_or_else(|| project.join("../shared"), PathBuf::from);
    let mut sets = Vec::new();
    for folder in ["data/labelled", "data/gold"] {
        let folder = shared.join(folder);
        if folder.is_dir() {
            walk(&folder, &mut sets);
        }
    }
    if sets.is_empty() {
        println!("skipped: no {}", shared.join("data").display());
        return;
    }
    let mut compared = 0;
    for set in sets.iter().filter(|f| f.extension().is_some_and(|e| e == "tsv")) {
        for line in std::fs::read_to_string(set).unwrap().lines().skip(1) {
            for text in line.split('\t').map(plain).filter(long) {
                compared += 1;
                assert!(!ours.contains(&text), "{} is in the project: {text}", set.display());
            }
        }
    }
    println!("{compared} texts compared with {} of ours", ours.len());
    assert!(compared > 1_000 && ours.len() > 5_000);
}

/// Praise for which a department would give something, and texts of unhappy people that are taken for praise.
#[test]
fn a_perk_is_rarely_withheld_from_praise_and_mostly_from_what_only_looks_like_it() {
    let classifier = Classifier::new();
    for set in ["trustpilot_da", "umsab_en", "umsab_es", "umsab_pt", "airline_sentiment_en"] {
        let mut counts = BTreeMap::<(String, bool), usize>::new();
        for [lang, text, label, _] in rows(set) {
            let input = Input { text: &text, lang_hint: Some(&lang), ..Input::default() };
            let found = classifier.classify(&input);
            if found.category == Category::Praise {
                *counts.entry((label, classifier.doubt(&input, &found).is_some())).or_default() += 1;
            }
        }
        let count = |label: &str, doubt: bool| counts.get(&(label.to_owned(), doubt)).copied().unwrap_or(0);
        let (glad, unhappy) =
            (count("positive", false) + count("positive", true), count("negative", false) + count("negative", true));
        if glad == 0 {
            continue;
        }
        println!(
            "{set}: of {glad} glad ones taken for praise {} are asked about first, of {unhappy} unhappy ones {}",
            count("positive", true),
            count("negative", true)
        );
        // A person decides about those; what must not be is a code for whoever is unhappy.
        if glad < 20 {
            println!("{set}: too few are taken for praise to tell how many are doubted");
            continue;
        }
        assert!(count("positive", true) * 4 < glad, "{set}: too many are doubted");
        // Reviews tell of service; in the other sets few are taken for praise, and most of those are unhappy about the world.
        assert!(unhappy < 100 || count("negative", true) * 2 > unhappy, "{set}: too few are doubted");
    }
}
