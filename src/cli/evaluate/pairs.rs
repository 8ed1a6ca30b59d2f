//! `mentiond evaluate --pairs FILE.tsv`: which pairs of texts are one story, beside the share of common words as a
//! baseline.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::classify::{Classifier, Input};
use crate::cli::Failure;
use crate::cli::output::{say, say_json, table};
use crate::dedup::BareText;
use crate::text::fold::fold;

/// The precision that a merge must have: a story that swallows another customer is worse than two alerts.
const PRECISE: f64 = 0.95;
/// Labels, or their beginnings, that mean "not the same".
const NEGATIVE: [&str; 8] = ["different", "not", "no", "non", "0", "false", "distinct", "other"];

/// One row of the file.
struct Pair {
    text: String,
    text2: String,
    same: bool,
}

/// How often it was right.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Score {
    hits: usize,
    false_alarms: usize,
    misses: usize,
    rest: usize,
}

impl Score {
    fn of(pairs: impl Iterator<Item = (bool, bool)>) -> Self {
        let mut score = Self::default();
        for (same, found) in pairs {
            *match (same, found) {
                (true, true) => &mut score.hits,
                (false, true) => &mut score.false_alarms,
                (true, false) => &mut score.misses,
                (false, false) => &mut score.rest,
            } += 1;
        }
        score
    }

    fn precision(self) -> f64 {
        share(self.hits, self.hits + self.false_alarms)
    }

    fn recall(self) -> f64 {
        share(self.hits, self.hits + self.misses)
    }

    fn f1(self) -> f64 {
        share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)
    }

    fn to_json(self) -> Value {
        json!({
            "precision": self.precision(), "recall": self.recall(), "f1": self.f1(),
            "true_positives": self.hits, "false_positives": self.false_alarms,
            "false_negatives": self.misses, "true_negatives": self.rest,
        })
    }

    fn row(self, name: String) -> Vec<String> {
        let percent = |share: f64| format!("{share:.3}");
        vec![
            name,
            percent(self.precision()),
            percent(self.recall()),
            percent(self.f1()),
            self.hits.to_string(),
            self.false_alarms.to_string(),
            self.misses.to_string(),
        ]
    }
}

pub(super) fn run(file: &Path, positive: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Failed(format!("{}: {error}; name a TSV file in UTF-8", file.display())))?;
    let (pairs, label) =
        read(&text, positive).map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
    let classifier = Classifier::new();
    let read = |text: &str| {
        let lang = classifier.classify(&Input { text, ..Input::default() }).language.code;
        BareText::of(text, &lang)
    };
    let mut reasons: BTreeMap<&'static str, usize> = BTreeMap::new();
    let score = Score::of(pairs.iter().map(|pair| {
        let verdict = read(&pair.text).same_story(&read(&pair.text2));
        if let Some(verdict) = verdict {
            *reasons.entry(verdict.why()).or_default() += 1;
        }
        (pair.same, verdict.is_some())
    }));
    let overlaps: Vec<(bool, f64)> = pairs.iter().map(|pair| (pair.same, overlap(&pair.text, &pair.text2))).collect();
    let (best, precise) = baselines(&overlaps);
    if as_json {
        let baseline = |found: Option<(f64, Score)>| {
            found.map(|(threshold, score)| {
                let mut json = score.to_json();
                json["threshold"] = json!(threshold);
                json
            })
        };
        return say_json(&json!({
            "pairs": pairs.len(), "positive": label, "mentiond": score.to_json(), "because": reasons,
            "baseline": baseline(best), "baseline_precise": baseline(precise),
        }));
    }
    say(&format!("{} pairs, of which {} are `{label}`.", pairs.len(), pairs.iter().filter(|p| p.same).count()));
    let mut rows = vec![score.row("mentiond".to_owned())];
    if let Some((threshold, score)) = best {
        rows.push(score.row(format!("common words, at its best ({threshold:.2})")));
    }
    match precise {
        Some((threshold, score)) => rows.push(score.row(format!("common words, precision {PRECISE} ({threshold:.2})"))),
        None => rows.push(vec![format!("common words never reach precision {PRECISE}")]),
    }
    say(&table(&["", "PRECISION", "RECALL", "F1", "RIGHT", "WRONG", "MISSED"], &rows));
    for (why, count) in reasons {
        say(&format!("{count:>6}  {why}"));
    }
    Ok(())
}

/// The pairs of a file, and the label that means "the same".
fn read(text: &str, positive: Option<&str>) -> Result<(Vec<Pair>, String), String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let (_, header) = lines.next().ok_or("it is empty; the first line names the columns")?;
    let names: Vec<&str> = header.split('\t').map(str::trim).collect();
    let column = |name: &str| {
        names.iter().position(|n| n.eq_ignore_ascii_case(name)).ok_or_else(|| {
            format!("there is no column `{name}`; the first line must name text, text2 and label, parted by tabs")
        })
    };
    let columns = [column("text")?, column("text2")?, column("label")?];
    let mut rows = Vec::new();
    let mut labels: Vec<String> = Vec::new();
    for (number, line) in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let [Some(text), Some(text2), Some(label)] = columns.map(|at| cells.get(at)) else {
            return Err(format!(
                "line {}: {} cells, but the first line names {}",
                number + 1,
                cells.len(),
                names.len()
            ));
        };
        let label = label.trim();
        if !labels.iter().any(|l| l == label) {
            labels.push(label.to_owned());
        }
        rows.push(((*text).to_owned(), (*text2).to_owned(), label.to_owned()));
    }
    if rows.is_empty() {
        return Err("it has no pairs".to_owned());
    }
    let meant = match positive {
        Some(label) if labels.iter().any(|l| l == label) => label.to_owned(),
        Some(label) => return Err(format!("no row has the label `{label}`; there are: {}", labels.join(", "))),
        None => {
            let same: Vec<&String> = labels.iter().filter(|l| !is_negative(l)).collect();
            match same.as_slice() {
                [label] => (*label).clone(),
                _ => {
                    return Err(format!(
                        "which label means \"the same\"? Name it with --positive; there are: {}",
                        labels.join(", ")
                    ));
                }
            }
        }
    };
    let pairs = rows.into_iter().map(|(text, text2, label)| Pair { text, text2, same: label == meant }).collect();
    Ok((pairs, meant))
}

fn is_negative(label: &str) -> bool {
    let label = label.to_lowercase();
    let first = label.split(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
    NEGATIVE.contains(&first)
}

/// Share of the words of both texts that stand in both (Jaccard index).
fn overlap(a: &str, b: &str) -> f64 {
    let words = |text: &str| -> HashSet<String> {
        fold(text).split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let (a, b) = (words(a), words(b));
    share(a.intersection(&b).count(), a.union(&b).count())
}

/// A threshold of the baseline, and how often it is right there.
type Baseline = (f64, Score);

/// The baseline where its F1 is best, and where it is best among the thresholds at which it is precise: it is given every
/// advantage, as its threshold is chosen on the very pairs that it is measured on.
fn baselines(pairs: &[(bool, f64)]) -> (Option<Baseline>, Option<Baseline>) {
    let all =
        (1..=100).map(|n| f64::from(n) / 100.0).map(|t| (t, Score::of(pairs.iter().map(|(same, s)| (*same, *s >= t)))));
    let all: Vec<(f64, Score)> = all.filter(|(_, score)| score.hits > 0).collect();
    let best = |precise: bool| {
        let fit = all.iter().filter(|(_, score)| !precise || score.precision() >= PRECISE);
        fit.max_by(|a, b| a.1.f1().total_cmp(&b.1.f1())).copied()
    };
    (best(false), best(true))
}

fn share(part: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_labels_by_meaning() {
        let (pairs, label) =
            read("\u{feff}id\tlabel\ttext2\ttext\n1\tsame_story\tb\ta\n\n2\tdifferent\td\tc\n", None).unwrap();
        assert_eq!((label.as_str(), pairs.len()), ("same_story", 2));
        assert_eq!((pairs[0].text.as_str(), pairs[0].text2.as_str(), pairs[0].same), ("a", "b", true));
        for (text, positive) in [
            ("text\ttext2\tlabel\na\tb\tnot_paraphrase\na\tb\tparaphrase", None),
            ("text\ttext2\tlabel\na\tb\t0\na\tb\t1", None),
            ("text\ttext2\tlabel\na\tb\tx\na\tb\ty", Some("x")),
        ] {
            assert_eq!(read(text, positive).unwrap().0.iter().filter(|p| p.same).count(), 1, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (text, positive, says) in [
            ("", None, "empty"),
            ("text\tlabel\n", None, "text2"),
            ("text\ttext2\tlabel\n", None, "no pairs"),
            ("text\ttext2\tlabel\na\tb\n", None, "line 2"),
            ("text\ttext2\tlabel\na\tb\tx\na\tb\ty", None, "--positive"),
            ("text\ttext2\tlabel\na\tb\tx", Some("z"), "`z`"),
        ] {
            let error = read(text, positive).err().unwrap();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn the_score_is_counted_right() {
        let score = Score::of([(true, true), (true, false), (false, true), (false, false), (true, true)].into_iter());
        assert_eq!((score.hits, score.misses, score.false_alarms, score.rest), (2, 1, 1, 1));
        assert!((score.f1() - 4.0 / 6.0).abs() < 1e-9);
        assert_eq!(Score::default().f1(), 0.0);
    }

    #[test]
    fn the_baseline_is_given_its_best_threshold() {
        let pairs = [(true, 0.9), (true, 0.5), (false, 0.6), (false, 0.1)];
        let (best, precise) = baselines(&pairs);
        assert_eq!(best.unwrap().1.hits, 2);
        assert_eq!((precise.unwrap().1.hits, precise.unwrap().1.false_alarms), (1, 0));
    }
}
