//! Recall and precision on the written samples of `tests/redaction/`, by kind and language.

use std::collections::BTreeMap;

use super::*;
use crate::compose::About;
use crate::compose::words::{Catalogue, FILES};

const SAMPLES: [(&str, &str); 6] = [
    ("en", include_str!("../../../tests/redaction/en.tsv")),
    ("es", include_str!("../../../tests/redaction/es.tsv")),
    ("pt", include_str!("../../../tests/redaction/pt.tsv")),
    ("da", include_str!("../../../tests/redaction/da.tsv")),
    ("held-out", include_str!("../../../tests/redaction/held-out.tsv")),
    ("hard", include_str!("../../../tests/redaction/held-out-hard.tsv")),
];
const KINDS: [&str; 9] = ["name", "handle", "mail", "phone", "bank", "order", "id", "addr", "link"];

/// A sample: its text, what must be masked, the matched words.
struct Sample {
    author: Option<Author>,
    text: String,
    secrets: Vec<(Range<usize>, &'static str)>,
    brand: Vec<Range<usize>>,
}

#[derive(Clone, Copy, Default)]
struct Score {
    wanted: usize,
    found: usize,
    right: usize,
    wrong: usize,
}

impl Score {
    fn recall(&self) -> f64 {
        ratio(self.found, self.wanted)
    }

    fn precision(&self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }

    fn add(&mut self, other: Score) {
        self.wanted += other.wanted;
        self.found += other.found;
        self.right += other.right;
        self.wrong += other.wrong;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred")]
fn ratio(part: usize, of: usize) -> f64 {
    if of == 0 { 1.0 } else { part as f64 / of as f64 }
}

fn parse(line: &str) -> Sample {
    let (author, written) = line.split_once('\t').unwrap_or_else(|| panic!("no tab: {line}"));
    let author = (author != "-").then(|| Author { name: author.into(), handle: None, url: None, followers: None });
    let written = written.replace("\\n", "\n");
    let mut sample = Sample { author, text: String::new(), secrets: Vec::new(), brand: Vec::new() };
    let mut rest = written.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (kind, after) = after.split_once(':').unwrap_or_else(|| panic!("no kind: {line}"));
        let (value, after) = after.split_once('}').unwrap_or_else(|| panic!("no end: {line}"));
        sample.text += before;
        let range = sample.text.len()..sample.text.len() + value.len();
        sample.text += value;
        match KINDS.iter().find(|k| **k == kind) {
            Some(kind) => sample.secrets.push((range, kind)),
            None if kind == "brand" => sample.brand.push(range),
            None => panic!("unknown kind {kind}: {line}"),
        }
        rest = after;
    }
    sample.text += rest;
    sample
}

fn samples(file: &str) -> Vec<Sample> {
    let (_, text) = SAMPLES.iter().find(|(name, _)| *name == file).unwrap();
    text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(parse).collect()
}

/// A datum is found if every letter and digit of it is masked; a mask is right if it covers no letter or digit of
/// anything else. Masks are counted for the kind that they touch, wrong ones under "nothing".
fn score(file: &str, complaints: &mut String) -> BTreeMap<&'static str, Score> {
    let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
    let mut scores: BTreeMap<&'static str, Score> = BTreeMap::new();
    for sample in samples(file) {
        let text = &sample.text;
        let brand: Vec<&str> = sample.brand.iter().map(|r| &text[r.clone()]).collect();
        let mut masker = Masker::new(&catalogue.masks, sample.author.as_ref(), brand.into_iter());
        let found = masker.find(&Marked::new(text, sample.brand.clone()));
        let (masked, secret): (Vec<_>, Vec<_>) =
            (found.iter().map(|f| f.0.clone()).collect(), sample.secrets.iter().map(|s| s.0.clone()).collect());
        let within = |at: usize, ranges: &[Range<usize>]| ranges.iter().any(|r| r.contains(&at));
        let telling = |range: &Range<usize>| -> Vec<usize> {
            let letters = text[range.clone()].char_indices().filter(|(_, c)| c.is_alphanumeric());
            letters.map(|(i, _)| range.start + i).collect()
        };
        let shown =
            || found.iter().map(|(r, k)| format!("{k:?} “{}”", &text[r.clone()])).collect::<Vec<_>>().join(", ");
        for (range, kind) in &sample.secrets {
            let score = scores.entry(kind).or_default();
            score.wanted += 1;
            if telling(range).iter().all(|at| within(*at, &masked)) {
                score.found += 1;
            } else {
                *complaints += &format!(
                    "{file}: not masked: {kind} “{}” in: {text}\n    got: {}\n",
                    &text[range.clone()],
                    shown()
                );
            }
        }
        for (range, _) in &found {
            let touched = sample.secrets.iter().find(|(r, _)| r.start < range.end && range.start < r.end);
            let score = scores.entry(touched.map_or("nothing", |(_, kind)| kind)).or_default();
            if telling(range).iter().all(|at| within(*at, &secret)) {
                score.right += 1;
            } else {
                score.wrong += 1;
                *complaints += &format!("{file}: masked too much: “{}” in: {text}\n", &text[range.clone()]);
            }
        }
    }
    scores
}

#[test]
fn recall_and_precision_of_the_written_samples() {
    let mut complaints = String::new();
    let mut report = String::from("file      kind     recall            precision\n");
    let mut low = String::new();
    for (file, _) in SAMPLES {
        let scores = score(file, &mut complaints);
        let (mut all, mut barred) = (Score::default(), Score::default());
        for (kind, score) in &scores {
            all.add(*score);
            if *kind != "name" && *kind != "link" {
                barred.add(*score);
            }
            report += &format!(
                "{file:<9} {kind:<8} {:.3} ({:>3}/{:>3})   {:.3} ({:>3}/{:>3})\n",
                score.recall(),
                score.found,
                score.wanted,
                score.precision(),
                score.right,
                score.right + score.wrong
            );
        }
        for (what, score) in [("numbers", barred), ("all", all)] {
            report += &format!(
                "{file:<9} {what:<8} {:.3} ({:>3}/{:>3})   {:.3} ({:>3}/{:>3})\n",
                score.recall(),
                score.found,
                score.wanted,
                score.precision(),
                score.right,
                score.right + score.wrong
            );
        }
        // Addresses, numbers and handles: the bars of the specification. Names: what a title or a greeting announces.
        if barred.recall() < 0.98 || barred.precision() < 0.95 || all.recall() < 0.98 || all.precision() < 0.95 {
            low += &format!("{file}: recall {:.3}, precision {:.3}\n", all.recall(), all.precision());
        }
    }
    println!("{report}\n{complaints}");
    assert!(low.is_empty(), "below the bars:\n{low}");
}

#[test]
fn there_are_enough_samples_and_they_hold_look_alikes() {
    for (file, _) in SAMPLES {
        let samples = samples(file);
        let least = if matches!(file, "held-out" | "hard") { 40 } else { 100 };
        assert!(samples.len() >= least, "{file}: {}", samples.len());
        let clean = samples.iter().filter(|s| s.secrets.is_empty()).count();
        assert!(clean * 8 >= samples.len(), "{file}: {clean} without personal data");
        for kind in KINDS.iter().filter(|k| !matches!(file, "held-out" | "hard") && **k != "link") {
            let of_kind = samples.iter().flat_map(|s| &s.secrets).filter(|(_, k)| k == kind).count();
            assert!(of_kind >= 5, "{file}: {of_kind} of {kind}");
        }
    }
}
