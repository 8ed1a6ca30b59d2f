//! Measures the story decisions on texts that nobody here wrote (`../shared`, see its README): copies that were dressed
//! otherwise must be found, and different people must stay apart. Nothing is fitted to the sets that are for measuring
//! only; no text is printed.
//!
//! A short campaign by default; `MENTIOND_LONG=1` (`tests/run --long`) makes the whole one.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "support/dice.rs"]
mod dice;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use dice::Dice;
use jiff::Timestamp;
use mentiond::classify::Classifier;
use mentiond::dedup::body::Body;
use mentiond::dedup::{BareText, Links, Prints};
use mentiond::model::{Category, Entry, Identity, Mention, StorySettings};
use mentiond::sources::feed::parse_feed;
use mentiond::store::Store;
use mentiond::store::record::{NewMention, PollCommit, Recorded, SourceState};

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
/// Articles a language, and in the short campaign.
const ARTICLES: usize = 125;
const FEW_ARTICLES: usize = 25;
/// Words of an article at least: what is left of it when it is cut is still a long text.
const WORDS: usize = 40;
/// Texts a language that pairs are drawn from, and in the short campaign.
const MOST: usize = 1_000;
const FEW: usize = 250;
/// Samples of random pairs: none may have more wrong merges than one in 10,000.
const SAMPLES: u64 = 5;
const LANGUAGES: [&str; 4] = ["en", "es", "pt", "da"];

/// The first of both in the whole campaign, the other in the short one.
fn long_or(whole: usize, short: usize) -> usize {
    if std::env::var_os("MENTIOND_LONG").is_some() { whole } else { short }
}

fn shared(below: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("MENTIOND_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = shared.join("data").join(below);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no {}", path.display());
    None
}

/// Rows of the labelled sets of single texts: set, language, text, label.
fn labelled(folder: &Path) -> Vec<[String; 4]> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut rows = Vec::new();
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "tsv")) {
        let data = std::fs::read_to_string(file).unwrap();
        let mut lines = data.lines();
        let names: Vec<&str> = lines.next().unwrap_or("").split('\t').collect();
        if names.contains(&"text2") {
            continue;
        }
        let set = file.file_stem().unwrap().to_string_lossy().into_owned();
        for line in lines {
            if let [_, lang, text, label, ..] = line.split('\t').collect::<Vec<_>>().as_slice() {
                rows.push([set.clone(), (*lang).to_owned(), (*text).to_owned(), (*label).to_owned()]);
            }
        }
    }
    rows
}

/// Long texts by language: those of feeds, then those of the labelled sets, each once.
fn long_texts(data: &Path) -> BTreeMap<&'static str, Vec<String>> {
    let most = long_or(MOST, FEW);
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    // The corpora hold some texts several times, and machines' texts from one template: what has a tenth of its
    // three-word runs from texts before it is left out.
    let mut seen: HashSet<u64> = HashSet::new();
    let mut add = |lang: &str, text: String| {
        let Some(lang) = LANGUAGES.iter().find(|l| **l == lang) else { return };
        let list = found.entry(lang).or_default();
        if list.len() >= most || text.len() < WORDS {
            return;
        }
        let text = unmasked(&text);
        let body = Body::of("", &text);
        if body.words().len() < WORDS {
            return;
        }
        let runs = body.shingles();
        let known = runs.iter().filter(|run| seen.contains(run)).count();
        if known * 10 < runs.len() {
            seen.extend(runs);
            list.push(text);
        }
    };
    let mut files = Vec::new();
    walk(&data.join("feeds/netnewswire"), &mut files);
    files.sort();
    let classifier = Classifier::new();
    for file in files {
        let Ok(feed) = parse_feed(&std::fs::read(file).unwrap(), None, None, 10_000) else { continue };
        for raw in &feed.entries {
            let entry = raw.to_entry(Identity::default(), &feed.info, NOW);
            if entry.text.len() < 200 {
                continue;
            }
            let lang = entry.lang.as_deref().and_then(|l| l.get(..2)).map(str::to_owned).unwrap_or_else(|| {
                let input = mentiond::classify::Input { text: &entry.text, ..Default::default() };
                classifier.classify(&input).language.code
            });
            add(&lang, entry.text);
        }
    }
    for [_, lang, text, _] in labelled(&data.join("labelled")) {
        add(&lang, text);
    }
    found
}

/// Some corpora have a word for every account, tag and link: such words are signs again, as people wrote them.
fn unmasked(text: &str) -> String {
    let words = text.split(' ').map(|word| match word {
        "USER" => "@somebody",
        "HASHTAG" => "#something",
        "URL" => "https://somewhere.example/",
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() { walk(&path, out) } else { out.push(path) }
    }
}

/// An article as its first publisher has it.
fn original(n: usize, text: &str) -> Entry {
    let headline: Vec<&str> = text.split_whitespace().take(7).collect();
    Entry {
        title: headline.join(" "),
        text: text.to_owned(),
        url: Some(format!("https://www.first.example/2026/05/article-{n}")),
        ..Entry::default()
    }
}

/// The mutations; each but the last two link ones has a link of its own.
const MUTATIONS: [&str; 8] = [
    "headline changed",
    "cut to 60 %",
    "agency line added",
    "boilerplate around",
    "re-encoded",
    "tracking parameters",
    "AMP link",
    "translated quotes and dashes",
];

fn mutated(mutation: usize, n: usize, original: &Entry) -> Entry {
    let mut entry = original.clone();
    entry.url = Some(format!("https://copy{mutation}.example/story?id={n}"));
    match mutation {
        0 => entry.title = format!("What nobody had expected, number {n}"),
        1 => {
            let words: Vec<&str> = entry.text.split(' ').collect();
            entry.text = words[..words.len() * 6 / 10].join(" ");
        }
        2 => {
            entry.text = format!(
                "BERLIN/NEW YORK, 12 May (Agency) – {} (Reporting by A. Writer; editing by B. Editor)",
                entry.text
            )
        }
        3 => {
            entry.text = format!(
                "Skip to content Menu Search Log in {} Share on all networks Read more stories like this one Subscribe to our \
                 newsletter All rights reserved",
                entry.text
            );
        }
        4 => entry.text = reencoded(n, &entry.text),
        5 => {
            let url = original.url.clone().unwrap();
            entry.url = Some(format!("{url}?utm_source=rss&utm_medium=feed&fbclid=IwAR{n}&mc_cid={n}"));
            entry.title = "Another headline".to_owned();
        }
        6 => {
            entry.url = Some(format!(
                "https://www-first-example.cdn.ampproject.org/c/s/www.first.example/2026/05/article-{n}/amp/"
            ));
            entry.title = "Another headline".to_owned();
        }
        _ => {
            let text = entry.text.replace(['"', '“', '”'], "»").replace(['\'', '’'], "‘").replace([',', ';'], " –");
            entry.text = format!("«{}»", text.replace(" - ", " — "));
        }
    }
    entry
}

/// Read as windows-1252 though it was UTF-8; composed otherwise; full of hard spaces and soft hyphens.
fn reencoded(n: usize, text: &str) -> String {
    match n % 3 {
        0 => encoding_rs::WINDOWS_1252.decode_without_bom_handling(text.as_bytes()).0.into_owned(),
        1 => unicode_normalization::UnicodeNormalization::nfd(text).collect(),
        _ => text.replace(' ', "\u{a0}").replace("ti", "t\u{ad}i"),
    }
}

fn mention(source: &str, n: usize, entry: Entry, lang: &str) -> NewMention {
    let mut identity = [0; 16];
    identity[..8].copy_from_slice(&n.to_be_bytes());
    let entry = Entry { identity: Identity(identity), ..entry };
    let keys = Links::of(std::slice::from_ref(&entry)).story_keys(&entry);
    let prints = Prints::of(&entry, Category::Other, lang, &[]);
    let classification = CLASSIFICATION.clone();
    let decision = mentiond::model::Decision {
        department: String::new(),
        copy: Vec::new(),
        deliver: mentiond::model::Deliver::None,
        case: false,
        person: None,
        privacy: mentiond::model::Privacy::default(),
        kept_from: Vec::new(),
        why: String::new(),
    };
    let mention = Mention {
        id: 0,
        source: source.to_owned(),
        entry,
        fetched: NOW,
        watchlists: Vec::new(),
        classification,
        decision,
        perk_doubt: None,
        erased: None,
    };
    NewMention { mention, keys, words: Vec::new(), prints, deliveries: Vec::new(), author: None, theme: None }
}

/// The same for every mention: only the texts count here.
static CLASSIFICATION: LazyLock<mentiond::model::Classification> =
    LazyLock::new(|| Classifier::new().classify(&mentiond::classify::Input { text: "x", ..Default::default() }));

async fn commit(store: &Store, source: &str, mentions: Vec<NewMention>) -> Vec<Recorded> {
    let seen = store.seen(NOW).await.unwrap();
    let poll = PollCommit {
        source: source.to_owned(),
        now: NOW,
        state: SourceState::default(),
        mentions,
        gap: None,
        desk: std::sync::Arc::new(mentiond::store::record::CaseDesk {
            routing: std::sync::Arc::default(),
            sender_domain: "example.com".to_owned(),
            ..Default::default()
        }),
        unmatched: None,
        troubles: Vec::new(),
        seen: Some(seen),
        stories: StorySettings::default(),
        held: false,
        withdrawn: Vec::new(),
        looked: Vec::new(),
    };
    store.record().commit_poll(poll).await.unwrap().recorded
}

#[tokio::test]
async fn copies_are_found_however_they_are_dressed_and_other_texts_stay_apart() {
    let Some(data) = shared("") else { return };
    let texts = long_texts(&data);
    let articles: Vec<(&str, Entry)> = texts
        .iter()
        .flat_map(|(lang, texts)| texts.iter().take(long_or(ARTICLES, FEW_ARTICLES)).map(|text| (*lang, text)))
        .enumerate()
        .map(|(n, (lang, text))| (lang, original(n, text)))
        .collect();
    let counts: BTreeMap<&str, usize> = articles.iter().fold(BTreeMap::new(), |mut counts, (lang, _)| {
        *counts.entry(*lang).or_default() += 1;
        counts
    });
    println!("{} articles of {WORDS} words or more: {counts:?}", articles.len());
    assert!(
        counts.len() == 4 && articles.len() >= long_or(400, 80),
        "too few articles to measure anything: {counts:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let first =
        articles.iter().enumerate().map(|(n, (lang, entry))| mention("first", n, entry.clone(), lang)).collect();
    let stories: Vec<i64> = commit(&store, "first", first).await.iter().map(|r| r.ids().1).collect();
    assert_eq!(stories.iter().collect::<HashSet<_>>().len(), articles.len(), "different articles were merged");

    // A copy that was missed began a story of its own; what joins that is with its own article all the same.
    let mut article_of: HashMap<i64, usize> = stories.iter().copied().zip(0..).collect();
    let (mut found, mut wrong, mut all) = (0, 0, 0);
    for (mutation, name) in MUTATIONS.iter().enumerate() {
        let source = format!("copy{mutation}");
        let copies = articles
            .iter()
            .enumerate()
            .map(|(n, (lang, entry))| mention(&source, n, mutated(mutation, n, entry), lang))
            .collect();
        let recorded = commit(&store, &source, copies).await;
        let right = recorded.iter().zip(&stories).filter(|(r, story)| r.ids().1 == **story).count();
        let mut merged = 0;
        for (n, recorded) in recorded.iter().enumerate() {
            merged += usize::from(*article_of.entry(recorded.ids().1).or_insert(n) != n);
        }
        println!("{name:<30} recall {:.4}, into a wrong story {merged}", right as f64 / articles.len() as f64);
        (found, wrong, all) = (found + right, wrong + merged, all + articles.len());
    }
    store.close().await;
    let recall = found as f64 / all as f64;
    println!("all {all}: recall {recall:.4}, into a wrong story {wrong}");
    assert!(recall >= 0.97, "{recall}");
    assert_eq!(wrong, 0);
    // In the same test, because reading the corpus takes longest.
    different_texts_stay_apart(&texts);
}

/// Pairs of one language: texts of two languages have next to nothing in common, and would only make up the number.
fn different_texts_stay_apart(texts: &BTreeMap<&'static str, Vec<String>>) {
    let texts: Vec<Vec<BareText>> =
        texts.iter().map(|(lang, texts)| texts.iter().map(|text| BareText::of(text, lang)).collect()).collect();
    let all: usize = texts.iter().map(Vec::len).sum();
    let samples = long_or(20_000, 4_000);
    let (mut pairs, mut worst, mut merged) = (0, 0, 0);
    for seed in 0..SAMPLES {
        let mut dice = Dice(7 + seed);
        let mut wrong = 0;
        for _ in 0..samples {
            let of = &texts[dice.index(texts.len())];
            let a = dice.index(of.len());
            let b = (a + 1 + dice.index(of.len() - 1)) % of.len();
            wrong += usize::from(of[a].same_story(&of[b]).is_some());
        }
        (pairs, merged, worst) = (pairs + samples, merged + wrong, worst.max(wrong));
    }
    println!(
        "{pairs} random pairs of one language, of {all} long texts, in {SAMPLES} samples: {merged} merged, {worst} in the worst"
    );
    assert!(merged * 10_000 <= pairs && worst * 10_000 <= samples.max(10_000), "{merged}, {worst}");
}

#[test]
fn short_texts_of_one_topic_stay_apart() {
    let Some(folder) = shared("labelled") else { return };
    // Customers' texts whose label is what they are about.
    const SETS: [&str; 7] = [
        "banking77_en",
        "airline_reason_en",
        "appstore_reviews_en",
        "brandsbr_pt",
        "reclameaqui_pt",
        "trustpilot_da",
        "bitext_intents_en",
    ];
    let mut topics: HashMap<(String, String), Vec<BareText>> = HashMap::new();
    for [set, lang, text, label] in labelled(&folder) {
        if SETS.contains(&set.as_str()) && text.split_whitespace().count() <= 30 {
            topics.entry((set, label)).or_default().push(BareText::of(&text, &lang));
        }
    }
    let mut topics: Vec<_> = topics.into_iter().filter(|(_, texts)| texts.len() > 1).collect();
    topics.sort_by(|a, b| a.0.cmp(&b.0));
    let mut dice = Dice(11);
    let (mut pairs, mut merged) = (0, BTreeMap::<&str, usize>::new());
    while pairs < 5_000 {
        let ((set, _), texts) = &topics[dice.index(topics.len())];
        let (a, b) = (dice.index(texts.len()), dice.index(texts.len()));
        if a != b {
            pairs += 1;
            if texts[a].same_story(&texts[b]).is_some() {
                *merged.entry(set).or_default() += 1;
            }
        }
    }
    let wrong: usize = merged.values().sum();
    println!("{pairs} pairs of short texts in {} topics: {wrong} merged {merged:?}", topics.len());
    assert!(wrong * 10_000 <= pairs, "{merged:?}");
}
