//! Makes the models from the files of the project: corpus, lexicon and cues. Called by `tests/tools/train.rs` only.
//!
//! The probabilities are calibrated on rows that the weights have not seen (five folds); the weights that are written
//! are fitted to all rows.

use std::collections::BTreeMap;

use super::calibrate::{Rules, best, calibrate, figures, third};
use super::corpus::{Labelled, Sources};
use super::features::{self, DENSE, Found};
use super::fit::{self, Example, Fit, Plan, QUESTIONS, Row};
use super::table::{CALIBRATION, CATEGORY, Model, OUTPUTS, Parts, SENTIMENT, SEVERITY, norm};
use crate::classify::cue_file::Files;
use crate::classify::{Input, LANGUAGES, compile, language, observe, terms};
use crate::model::{Category, Matched, Part, Severity, WatchlistMatch};

/// How the models are fitted; chosen on rows held back from the corpus.
const PLAN: Plan = Plan {
    epochs: 12,
    rate: 0.08,
    decay: 1e-3,
    dense_decay: 3e-4,
    blind: 15,
    gain: [[0.5, 0.15], [1.0, 1.0], [1.0, 1.0]],
};
/// A hashed feature must occur in so many texts (words, letters).
const LEAST: [u32; 2] = [2, 4];
/// Rows of integer weights whose largest weight is below this share of the scale are left out.
const FAINT: f32 = 0.02;
/// What texts about a brand's service, and all others, count for the sentiment.
const PART: [f32; 2] = [0.5, 1.5];
const FOLDS: usize = 5;
/// What further categories share of the target.
const ALSO: f32 = 0.3;
/// What a term of the lexicon counts as a text by itself.
const TERM: f32 = 0.15;

/// The tables that are compiled from the cue files and from `letters.tsv`: their paths below `lang/`, and their bytes.
///
/// # Errors
/// A file that is missing, or the first line that cannot be understood.
pub fn compiled(read: &mut dyn FnMut(&str) -> Option<String>) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut out = Vec::new();
    let mut get = |path: &str| read(path).ok_or_else(|| format!("{path} is missing"));
    let emoji = get("emoji.txt")?;
    for code in codes() {
        let mut files = Files::default();
        // `words` first: it names the classes that the others use.
        for name in ["words.txt", "sentiment.txt", "category.txt", "severity.txt"] {
            let path = format!("{code}/{name}");
            files.read(&path, &get(&path)?).map_err(|e| e.to_string())?;
        }
        files.read("emoji.txt", &emoji).map_err(|e| e.to_string())?;
        out.push((format!("{code}/cues.bin"), compile::tables(&files).map_err(|e| e.to_string())?));
    }
    let mut files = Files::default();
    files.read("emoji.txt", &emoji).map_err(|e| e.to_string())?;
    out.push(("emoji.bin".to_owned(), compile::tables(&files).map_err(|e| e.to_string())?));
    out.push(("letters.bin".to_owned(), language::table(&get("letters.tsv")?)?));
    Ok(out)
}

/// Codes of the languages, in the order of the registry.
pub fn codes() -> Vec<&'static str> {
    LANGUAGES.iter().map(|l| l.code).collect()
}

/// The features of a text before they are numbered.
struct Seen {
    language: usize,
    hashed: Vec<(u64, usize, f32)>,
    dense: [f32; DENSE],
    target: Row,
    weight: [f32; 3],
    /// May be held back and counted.
    counts: bool,
    rules: Rules,
}

/// How good the fit is on rows that it has not seen.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub lines: Vec<String>,
}

/// Fits the models and gives each language's file, in the order of the registry.
///
/// # Errors
/// A lexicon cannot be read.
pub fn train(sources: &Sources) -> Result<(Vec<Vec<u8>>, Report), String> {
    let prepared = Prepared::of(sources)?;
    let mut report = Report::default();
    let calibration = prepared.cross(&PLAN, &mut report);
    let all: Vec<&Example> = prepared.examples.iter().collect();
    let fit = fit::fit(&all, &prepared.sizes(), &PLAN);
    let mut files = Vec::new();
    for language in 0..LANGUAGES.len() {
        let parts = prepared.parts(&fit, language, calibration.get(language).copied().unwrap_or([0.0; CALIBRATION]));
        report.lines.push(format!(
            "{}: {} rows, {} of {} features kept, {} terms",
            LANGUAGES.get(language).map_or("", |l| l.code),
            prepared.examples.iter().filter(|e| e.language == language).count(),
            parts.rows.len(),
            prepared.names.get(language).map_or(0, BTreeMap::len),
            parts.terms.len(),
        ));
        files.push(parts.write()?);
    }
    Ok((files, report))
}

pub(in super::super) struct Prepared {
    examples: Vec<Example>,
    counts: Vec<bool>,
    rules: Vec<Rules>,
    /// For each language the hashed features with their places.
    names: Vec<BTreeMap<u64, u32>>,
    groups: Vec<BTreeMap<u64, usize>>,
    terms: Vec<Vec<(u64, f32, u8)>>,
}

impl Prepared {
    fn of(sources: &Sources) -> Result<Self, String> {
        let mut terms = Vec::new();
        let mut models = Vec::new();
        for (n, pack) in LANGUAGES.iter().enumerate() {
            let data = sources.lexicons.get(n).map_or("", String::as_str);
            let list = terms::parse(data).map_err(|e| format!("{}/lexicon.tsv, {e}", pack.code))?;
            models.push(bare(list.clone())?);
            terms.push(list);
        }
        let mut seen = Vec::new();
        for (n, row) in sources.rows.iter().enumerate() {
            let Some(model) = models.get(row.language) else { continue };
            // Every other row shows the brand's name as it is written, for not every text comes with a known brand.
            seen.push(see(row, model, n % 2 == 0, true));
        }
        for (language, model) in models.iter().enumerate() {
            let data = sources.lexicons.get(language).map_or("", String::as_str);
            for line in data.lines().skip(1) {
                let mut cells = line.split('\t');
                let (Some(term), Some(score)) = (cells.next(), cells.next()) else { continue };
                let Ok(score) = score.trim().parse::<f32>() else { continue };
                let step = if score <= -4.0 {
                    -2
                } else if score < 0.0 {
                    -1
                } else if score < 4.0 {
                    1
                } else {
                    2
                };
                let row = Labelled {
                    language,
                    text: term.to_owned(),
                    category: None,
                    also: Vec::new(),
                    sentiment: Some(step),
                    severity: None,
                    brand: String::new(),
                    weight: 1.0,
                };
                let mut one = see(&row, model, false, false);
                // The term's own score would be all that is learnt.
                one.dense = [0.0; DENSE];
                one.weight = [TERM, 0.0, 0.0];
                seen.push(one);
            }
        }
        balance(&mut seen);
        let mut counts: Vec<BTreeMap<u64, (u32, usize)>> = vec![BTreeMap::new(); LANGUAGES.len()];
        for one in &seen {
            let mut own: Vec<(u64, usize)> = one.hashed.iter().map(|h| (h.0, h.1)).collect();
            own.sort_unstable();
            own.dedup_by_key(|h| h.0);
            if let Some(counts) = counts.get_mut(one.language) {
                for (hash, group) in own {
                    counts.entry(hash).or_insert((0, group)).0 += 1;
                }
            }
        }
        let kept = |(_, (n, group)): &(&u64, &(u32, usize))| *n >= LEAST.get(*group).copied().unwrap_or(2);
        let names: Vec<BTreeMap<u64, u32>> = counts
            .iter()
            .map(|c| c.iter().filter(kept).enumerate().map(|(place, (hash, _))| (*hash, place as u32)).collect())
            .collect();
        let groups = counts.iter().map(|c| c.iter().filter(kept).map(|(hash, (_, g))| (*hash, *g)).collect()).collect();
        let rules = seen.iter().map(|s| s.rules).collect();
        let held = seen.iter().map(|s| s.counts).collect();
        let examples = seen
            .into_iter()
            .map(|one| Example {
                language: one.language,
                hashed: names.get(one.language).map_or_else(Vec::new, |names| {
                    // A feature that stands there twice counts twice, once.
                    let mut sums: BTreeMap<u32, (f32, u8)> = BTreeMap::new();
                    for (hash, group, value) in &one.hashed {
                        if let Some(place) = names.get(hash) {
                            sums.entry(*place).or_insert((0.0, *group as u8)).0 += value;
                        }
                    }
                    sums.into_iter().map(|(place, (value, group))| (place, value, group)).collect()
                }),
                dense: one.dense,
                target: one.target,
                weight: one.weight,
            })
            .collect();
        Ok(Prepared { examples, counts: held, rules, names, groups, terms })
    }

    fn sizes(&self) -> Vec<usize> {
        self.names.iter().map(BTreeMap::len).collect()
    }

    /// Fits to four fifths and looks at the rest, five times; gives the calibration of each language.
    fn cross(&self, plan: &Plan, report: &mut Report) -> Vec<[f32; CALIBRATION]> {
        let sizes = self.sizes();
        let mut scores: Vec<Option<Row>> = vec![None; self.examples.len()];
        let fold_of =
            |n: usize| if self.counts.get(n) == Some(&true) { n.wrapping_mul(7919) / 3 % FOLDS } else { FOLDS };
        for fold in 0..FOLDS {
            let train: Vec<&Example> =
                self.examples.iter().enumerate().filter(|(n, _)| fold_of(*n) != fold).map(|(_, e)| e).collect();
            let fit = fit::fit(&train, &sizes, plan);
            for (n, example) in self.examples.iter().enumerate().filter(|(n, _)| fold_of(*n) == fold) {
                if let Some(slot) = scores.get_mut(n) {
                    *slot = Some(fit.scores(example, plan, false));
                }
            }
        }
        let mut all = Vec::new();
        for (language, pack) in LANGUAGES.iter().enumerate() {
            let held: Vec<(&Example, Row, Rules)> = self
                .examples
                .iter()
                .zip(&scores)
                .zip(&self.rules)
                .filter(|((e, s), _)| e.language == language && s.is_some())
                .map(|((e, s), r)| (e, s.unwrap_or([0.0; OUTPUTS]), *r))
                .collect();
            all.push(calibrate(&held));
            report.lines.extend(figures(pack.code, &held));
        }
        all
    }

    /// What a language's file is written from.
    fn parts(&self, fit: &Fit, language: usize, calibration: [f32; CALIBRATION]) -> Parts {
        let none = BTreeMap::new();
        let names = self.names.get(language).unwrap_or(&none);
        let gone = BTreeMap::new();
        let groups = self.groups.get(language).unwrap_or(&gone);
        let table = fit.hashed.get(language).map_or(&[][..], Vec::as_slice);
        let gains = PLAN.gains();
        let gained: Vec<(u64, Row)> = names
            .iter()
            .filter_map(|(hash, place)| {
                let gains = gains.get(groups.get(hash).copied().unwrap_or(0))?;
                let mut row = *table.get(*place as usize)?;
                row.iter_mut().zip(gains).for_each(|(weight, gain)| *weight *= gain);
                Some((*hash, row))
            })
            .collect();
        let mut scales = [0.0f32; OUTPUTS];
        for (output, scale) in scales.iter_mut().enumerate() {
            let mut sizes: Vec<f32> = gained.iter().filter_map(|(_, r)| r.get(output)).map(|w| w.abs()).collect();
            sizes.sort_by(f32::total_cmp);
            // The few largest are cut, so that the many small ones are told apart.
            let top = sizes.get(sizes.len().saturating_sub(1 + sizes.len() / 2000)).copied().unwrap_or(0.0);
            *scale = top / 127.0;
        }
        let rows = gained
            .iter()
            .map(|(hash, row)| {
                let mut small = [0i8; OUTPUTS];
                for ((to, weight), scale) in small.iter_mut().zip(row).zip(&scales) {
                    *to = if *scale > 0.0 { (weight / scale).round().clamp(-127.0, 127.0) as i8 } else { 0 };
                }
                (*hash, small)
            })
            .filter(|(_, row)| row.iter().any(|w| f32::from(w.unsigned_abs()) >= FAINT * 127.0))
            .collect();
        let own = fit.own.get(language).map_or(&[][..], Vec::as_slice);
        let dense = fit
            .shared
            .iter()
            .zip(own)
            .map(|(shared, own)| {
                let mut row = *shared;
                row.iter_mut().zip(own).for_each(|(a, b)| *a += b);
                row
            })
            .collect();
        let terms = self.terms.get(language).cloned().unwrap_or_default();
        Parts { scales, dense, calibration, rows, terms }
    }
}

/// A model that knows nothing but the lexicon.
fn bare(terms: Vec<(u64, f32, u8)>) -> Result<Model, String> {
    let parts = Parts {
        scales: [0.0; OUTPUTS],
        dense: vec![[0.0; OUTPUTS]; DENSE],
        calibration: [0.0; CALIBRATION],
        rows: Vec::new(),
        terms,
    };
    Model::of(Box::leak(parts.write()?.into_boxed_slice())).map_err(str::to_owned)
}

/// The features of one row.
fn see(row: &Labelled, model: &Model, named: bool, counts: bool) -> Seen {
    let mut matched = Vec::new();
    if named && !row.brand.is_empty() {
        matched.extend(row.text.match_indices(&row.brand).map(|(at, term)| Matched {
            part: Part::Text,
            start: at,
            end: at + term.len(),
            term: term.to_owned(),
        }));
    }
    let watchlists = [WatchlistMatch { name: String::new(), matched }];
    let input = Input { text: &row.text, watchlists: &watchlists, ..Input::default() };
    let mut hashed = Vec::new();
    let mut dense = [0.0; DENSE];
    let mut rules = (Category::Other, 0.0, Severity::Low);
    observe(&input, row.language, model, |found: &Found<'_, '_>| {
        let mut count = [0u32; 2];
        let mut all = Vec::new();
        features::each(found, |f| {
            let group = f.group as usize;
            count[group] += 1;
            all.push((f.hash, group));
        });
        hashed = all.into_iter().map(|(h, g)| (h, g, norm(count[g]))).collect();
        dense = features::dense(found);
        rules = (found.kind.category, found.mood.score, found.harm.severity);
    });
    let mut target = [0.0; OUTPUTS];
    let mut weight = [0.0; 3];
    if let Some(step) = row.sentiment {
        target[SENTIMENT.start + (step + 2) as usize] = 1.0;
        weight[0] = 1.0;
    }
    if let Some(category) = row.category {
        let also: Vec<Category> = row.also.iter().copied().filter(|c| *c != category).collect();
        let share = if also.is_empty() { 0.0 } else { ALSO };
        target[CATEGORY.start + category as usize] = 1.0 - share;
        for c in &also {
            target[CATEGORY.start + *c as usize] = share / also.len() as f32;
        }
        weight[1] = 1.0;
    }
    if let Some(severity) = row.severity {
        target[SEVERITY.start + severity as usize] = 1.0;
        weight[2] = 1.0;
    }
    weight.iter_mut().for_each(|w| *w *= row.weight);
    Seen { language: row.language, hashed, dense, target, weight, counts, rules }
}

/// Evens out what is common and what is rare. Sentiment: equal thirds among texts about a brand's service, and equal
/// thirds among all others, for in talk about anything plain words are no grievance. The rest: by the root of its share.
fn balance(seen: &mut [Seen]) {
    for language in 0..LANGUAGES.len() {
        let mut own: Vec<&mut Seen> = seen.iter_mut().filter(|s| s.language == language && s.counts).collect();
        let mut steps = [[0.0f32; 3]; 2];
        let mut kinds = [0.0f32; OUTPUTS];
        for one in own.iter() {
            steps[general(&one.target)][third(&one.target)] += 1.0;
            for (sum, t) in kinds.iter_mut().zip(&one.target) {
                *sum += t;
            }
        }
        let rows = own.len() as f32;
        for one in own.iter_mut() {
            let part = general(&one.target);
            let share = steps[part][third(&one.target)] * 3.0 / steps[part].iter().sum::<f32>().max(1.0);
            one.weight[0] *= (PART[part] / share.max(0.01)).clamp(0.2, 4.0);
            for (question, range) in QUESTIONS.iter().enumerate().skip(1) {
                let label = best(&one.target[range.clone()]);
                let share = kinds[range.start + label] / rows.max(1.0) * range.len() as f32;
                one.weight[question] *= (1.0 / share.max(0.01)).sqrt().clamp(0.4, 2.5);
            }
        }
    }
}

/// 1 for what concerns nobody's service, 0 for the rest.
fn general(target: &Row) -> usize {
    let kind = best(&target[CATEGORY]);
    usize::from(kind == Category::Other as usize || kind == Category::Press as usize)
}
