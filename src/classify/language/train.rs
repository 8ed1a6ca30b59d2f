//! Holds `lang/letters.tsv` to its form and to what it reached, and fits it anew when the word lists change:
//!
//! `MENTIOND_REFIT=1 cargo test --release --lib classify::language::train -- --nocapture`
//!
//! Only the fit needs `../shared/data/labelled/langid_short.tsv` and `dkhate_da.tsv` (both CC BY; "may train"). Every
//! tenth row of the first is held back and counted.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use super::super::LANGUAGES;
use super::super::tokens::{Kind, Tokens};
use super::{CODES, SCALE, hash};

const EPOCHS: usize = 16;
const RATE: f32 = 0.7;
const DECAY: f32 = 1e-3;
/// The table is the mean of so many fits, each with its rows in another order.
const FITS: u64 = 6;
/// Rows whose largest weight is below this are left out of the table.
const LEAST: f32 = 0.5;

/// Mentions of each language that are taken from the corpus.
const OF_CORPUS: usize = 600;
/// What a sentence of `neighbours.txt` counts: there are few of them, and nothing else of some languages.
const OF_NEIGHBOURS: usize = 6;

/// Danish comments of people who think of no brand: what sentences for learners and mentions lack beside Norwegian.
const OF_COMMENTS: usize = 300;

struct Example {
    features: Vec<(usize, f32)>,
    language: usize,
}

/// The features of a text as strings, as [`super::each_feature`] hashes them.
fn grams(text: &str) -> Vec<String> {
    let tokens = Tokens::of(text);
    let mut all = Vec::new();
    for token in tokens.list.iter().filter(|t| t.kind == Kind::Word) {
        let word = &text[token.start..token.end];
        let mut wanted = Vec::new();
        super::each_feature(word, |h| wanted.push(h));
        let lower: Vec<char> =
            std::iter::once(' ').chain(word.to_lowercase().replace('’', "'").chars()).chain([' ']).collect();
        let mut spelt: HashMap<u64, String> = HashMap::new();
        for size in 1..=lower.len() {
            for gram in lower.windows(size) {
                spelt.insert(hash(gram), gram.iter().collect());
            }
        }
        all.extend(wanted.iter().filter_map(|h| spelt.get(h).cloned()));
    }
    all
}

fn shared() -> PathBuf {
    std::env::var_os("MENTIOND_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
}

/// The committed table has the fit's form: a line of codes, then rows in order, each with a weight a language that
/// fits its type and is not all but nothing.
#[test]
fn the_table_is_well_formed() {
    if std::env::var_os("MENTIOND_REFIT").is_some() {
        fit();
        return;
    }
    let table = include_str!("../lang/letters.tsv");
    let codes = table.lines().nth(1).and_then(|l| l.strip_prefix("# ")).expect("a line of codes");
    assert!(codes.split('\t').eq(CODES), "{codes}");
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert!(rows.len() > 5_000, "only {} rows", rows.len());
    let mut seen = HashSet::new();
    for row in rows {
        let (letters, weights) = row.split_once('\t').expect("letters, then weights");
        assert!(seen.insert(letters), "`{letters}` stands twice");
        let weights: Vec<i8> = weights.split('\t').map(|w| w.parse().expect(row)).collect();
        assert_eq!(weights.len(), CODES.len(), "{row}");
        let largest = weights.iter().map(|w| f32::from(*w).abs()).fold(0.0, f32::max);
        assert!(largest >= (LEAST * SCALE).floor(), "{row}");
    }
}

/// By letters alone, without any cue, the sentences of neighbours are told apart.
#[test]
fn the_table_tells_the_sentences_that_it_was_fitted_to() {
    let (mut right, mut all) = (0, 0);
    for line in include_str!("../lang/neighbours.txt").lines().filter(|l| !l.starts_with('#')) {
        let (code, sentence) = line.split_once(": ").expect("code: sentence");
        all += 1;
        right += usize::from(super::detect(&Tokens::of(sentence), None, |_| 0.0).code == code);
    }
    println!("{right} of {all} right");
    assert!(all > 50 && right * 100 >= all * 95, "{right} of {all}");
}

fn fit() {
    let rows = std::fs::read_to_string(shared().join("data/labelled/langid_short.tsv")).expect("langid_short.tsv");
    let mut texts: Vec<(String, usize, bool)> = Vec::new();
    for (n, row) in rows.lines().skip(1).enumerate() {
        let cells: Vec<&str> = row.split('\t').collect();
        let label = if cells[3] == "nb" { "no" } else { cells[3] };
        let language = CODES.iter().position(|c| *c == label).expect("a language of ours");
        texts.push((cells[2].to_owned(), language, n % 10 == 0));
    }
    for line in include_str!("../lang/frequent.txt").lines().filter(|l| !l.starts_with('#')) {
        let (code, words) = line.split_once(": ").expect("code: words");
        let language = CODES.iter().position(|c| *c == code).expect("a language of ours");
        let words: Vec<&str> = words.split_whitespace().collect();
        for chunk in words.chunks(3) {
            texts.push((chunk.join(" "), language, false));
        }
        // Runs in another order, so that no pair of neighbours is learnt; twice for the language without a set.
        for step in if code == "nl" { 2..7 } else { 2..4 } {
            for start in 0..step {
                let run: Vec<&str> = words.iter().skip(start).step_by(step).copied().collect();
                for chunk in run.chunks(5) {
                    texts.push((chunk.join(" "), language, false));
                }
            }
        }
    }
    for line in include_str!("../lang/neighbours.txt").lines().filter(|l| !l.starts_with('#')) {
        let (code, sentence) = line.split_once(": ").expect("code: sentence");
        let language = CODES.iter().position(|c| *c == code).expect("a language of ours");
        for _ in 0..OF_NEIGHBOURS {
            texts.push((sentence.to_owned(), language, false));
        }
    }
    // Our own cues and our corpus are what people write in mentions. Of the corpus a part: the other languages have none.
    let lang = concat!(env!("CARGO_MANIFEST_DIR"), "/src/classify/lang");
    for (language, pack) in LANGUAGES.iter().enumerate() {
        for name in ["sentiment.txt", "category.txt", "severity.txt"] {
            let data = std::fs::read_to_string(format!("{lang}/{}/{name}", pack.code)).expect("a cue file");
            let phrases = data.lines().filter(|l| !l.starts_with(['#', '['])).flat_map(|l| l.split(','));
            for phrase in phrases
                .map(str::trim)
                .filter(|p| p.split(' ').count() >= 3 && !p.contains(['<', '|', '*', '?']))
                .step_by(5)
            {
                texts.push((phrase.replace("...", ""), language, false));
            }
        }
        let mut names: Vec<PathBuf> = std::fs::read_dir(format!("{lang}/{}/corpus", pack.code))
            .into_iter()
            .flatten()
            .flatten()
            .map(|e| e.path())
            .collect();
        names.sort();
        let rows: Vec<String> = names
            .iter()
            .flat_map(|path| {
                let data = std::fs::read_to_string(path).expect("a corpus file");
                data.lines().skip(1).map(|l| l.split('\t').next().unwrap_or("").to_owned()).collect::<Vec<_>>()
            })
            .collect();
        let step = (rows.len() / OF_CORPUS).max(1);
        texts.extend(rows.into_iter().step_by(step).map(|text| (text, language, false)));
    }
    texts.extend(comments().into_iter().map(|text| (text, DANISH, false)));
    let mut counts: HashMap<String, usize> = HashMap::new();
    let split: Vec<(Vec<String>, usize, bool)> = texts.iter().map(|(t, l, held)| (grams(t), *l, *held)).collect();
    for (grams, _, _) in split.iter().filter(|s| !s.2) {
        for gram in grams {
            *counts.entry(gram.clone()).or_default() += 1;
        }
    }
    let mut names: Vec<&String> = counts.iter().filter(|(_, n)| **n >= 3).map(|(g, _)| g).collect();
    names.sort();
    let index: HashMap<&String, usize> = names.iter().enumerate().map(|(i, g)| (*g, i)).collect();
    let example = |(grams, language, _): &(Vec<String>, usize, bool)| {
        let norm = (grams.len().max(1) as f32).sqrt();
        Example {
            features: grams.iter().filter_map(|g| index.get(g).map(|i| (*i, 1.0 / norm))).collect(),
            language: *language,
        }
    };
    let train: Vec<Example> = split.iter().filter(|s| !s.2).map(example).collect();
    let held: Vec<Example> = split.iter().filter(|s| s.2).map(example).collect();
    let fits: Vec<Vec<[f32; CODES.len()]>> = (0..FITS).map(|seed| descend(&train, names.len(), 7 + seed)).collect();
    let mut weights = vec![[0.0f32; CODES.len()]; names.len()];
    for row in fits.iter().flat_map(|fit| fit.iter().zip(0..)) {
        weights[row.1].iter_mut().zip(row.0).for_each(|(sum, weight)| *sum += weight / FITS as f32);
    }
    let right = held.iter().filter(|e| best(&softmax(&weights, e)) == e.language).count();
    println!("held back {right} of {}", held.len());
    for sharpness in [1.0f32, 1.3, 1.6, 2.0, 2.5, 3.0] {
        let sharper: Vec<[f32; CODES.len()]> = weights.iter().map(|row| row.map(|w| w * sharpness)).collect();
        let loss: f32 = held.iter().map(|e| -softmax(&sharper, e)[e.language].max(1e-6).ln()).sum();
        println!("sharpness {sharpness}: loss {:.3}", loss / held.len() as f32);
    }
    let mut out = String::from(
        "# Weights of letters and words for each language; made by language/train.rs. `_` is the end of a word.\n# ",
    );
    let _ = writeln!(out, "{}", CODES.join("\t"));
    let mut kept = 0;
    for (name, row) in names.iter().zip(&weights) {
        if row.iter().any(|w| w.abs() >= LEAST) {
            kept += 1;
            let cells: Vec<String> =
                row.iter().map(|w| ((w * SCALE).round().clamp(-127.0, 127.0) as i32).to_string()).collect();
            let _ = writeln!(out, "{}\t{}", name.replace(' ', "_"), cells.join("\t"));
        }
    }
    println!("{kept} of {} rows kept", names.len());
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/classify/lang/letters.tsv"), out).expect("letters.tsv");
}

const DANISH: usize = 3;

/// Comments of `dkhate_da` that are in Danish: more of their words are among the commonest ones of Danish than among those
/// of any other language. There are Swedish, Norwegian and English ones among them.
fn comments() -> Vec<String> {
    let frequent: Vec<HashSet<&str>> = CODES
        .iter()
        .map(|code| {
            let lines = include_str!("../lang/frequent.txt").lines().filter_map(|l| l.split_once(": "));
            lines.filter(|(own, _)| own == code).flat_map(|(_, words)| words.split_whitespace()).collect()
        })
        .collect();
    let rows = std::fs::read_to_string(shared().join("data/labelled/dkhate_da.tsv")).expect("dkhate_da.tsv");
    let danish = |text: &&str| {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty()).collect();
        let known = |n: usize| frequent.get(n).map_or(0, |own| words.iter().filter(|w| own.contains(**w)).count());
        (0..CODES.len()).all(|n| n == DANISH || known(n) < known(DANISH))
    };
    let texts: Vec<&str> = rows.lines().skip(1).filter_map(|row| row.split('\t').nth(2)).filter(danish).collect();
    println!("{} comments in Danish", texts.len());
    texts.iter().step_by((texts.len() / OF_COMMENTS).max(1)).map(|text| (*text).to_owned()).collect()
}

/// Stochastic gradient descent; the weights of each feature for each language.
fn descend(train: &[Example], features: usize, mut seed: u64) -> Vec<[f32; CODES.len()]> {
    let mut weights = vec![[0.0f32; CODES.len()]; features];
    let mut order: Vec<usize> = (0..train.len()).collect();
    for epoch in 0..EPOCHS {
        for i in (1..order.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            order.swap(i, (seed >> 33) as usize % (i + 1));
        }
        let rate = RATE / (1.0 + epoch as f32 * 0.3);
        for &i in &order {
            let e = &train[i];
            let p = softmax(&weights, e);
            for &(f, x) in &e.features {
                for (l, w) in weights[f].iter_mut().enumerate() {
                    let target = if l == e.language { 1.0 } else { 0.0 };
                    *w += rate * ((target - p[l]) * x - DECAY * *w);
                }
            }
        }
    }
    weights
}

fn softmax(weights: &[[f32; CODES.len()]], e: &Example) -> [f32; CODES.len()] {
    let mut p = [0.0f32; CODES.len()];
    for &(f, x) in &e.features {
        for (p, w) in p.iter_mut().zip(&weights[f]) {
            *p += x * w;
        }
    }
    let top = p.iter().copied().fold(f32::MIN, f32::max);
    p.iter_mut().for_each(|v| *v = (*v - top).exp());
    let sum: f32 = p.iter().sum();
    p.iter_mut().for_each(|v| *v /= sum);
    p
}

fn best(p: &[f32]) -> usize {
    (0..p.len()).max_by(|a, b| p[*a].total_cmp(&p[*b])).unwrap_or(0)
}
