//! Makes the models from the files of the project: corpus, lexicon and cues. Called by `tests/tools/train.rs` only.
//!
//! The probabilities are calibrated on rows that the weights have not seen (five folds); the weights that are written
//! are fitted to all rows.

use std::collections::BTreeMap;

use super::features::{self, DENSE, Found};
use super::fit::{self, Example, Fit, Plan, QUESTIONS, Row};
use super::table::{CALIBRATION, CATEGORY, FEELS, Model, OUTPUTS, Parts, SENTIMENT, SEVERITY, norm, odds};
use crate::classify::cue_file::Files;
use crate::classify::{Input, LANGUAGES, compile, language, observe, terms};
use crate::model::{Category, Matched, Part, Severity, WatchlistMatch};

/// How the models are fitted; chosen on rows held back from the corpus.
const PLAN: Plan = Plan { epochs: 12, rate: 0.08, decay: 1e-3, dense_decay: 3e-4, blind: 15, gain: [[0.5, 0.15], [1.0, 1.0], [1.0, 1.0]] };
/// A hashed feature must occur in so many texts (words, letters).
const LEAST: [u32; 2] = [2, 3];
/// Rows of integer weights whose largest weight is below this share of the scale are left out.
const FAINT: f32 = 0.02;
/// What texts about a brand's service, and all others, count for the sentiment.
const PART: [f32; 2] = [0.5, 1.5];
const FOLDS: usize = 5;
/// What further categories share of the target.
const ALSO: f32 = 0.3;
/// What a row of the classifier's own tests counts: it must hold.
const EXAMPLE: f32 = 3.0;
/// What a term of the lexicon counts as a text by itself.
const TERM: f32 = 0.15;

/// One line of a corpus.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Place in the registry of languages.
    pub language: usize,
    pub text: String,
    /// `None` for what is not labelled.
    pub category: Option<Category>,
    pub also: Vec<Category>,
    /// −2 … 2.
    pub sentiment: Option<i8>,
    pub severity: Option<Severity>,
    pub brand: String,
    /// What it counts beside the others.
    pub weight: f32,
}

/// What the models of all languages are made from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub rows: Vec<Labelled>,
    /// `lexicon.tsv` of each language, in the order of the registry.
    pub lexicons: Vec<String>,
}

impl Sources {
    /// Reads the files below `lang/`: each language's `lexicon.tsv`, all of `corpus/` in the order of the names, and the
    /// tables of the classifier's tests that the rules were mended with. `read` gives a file's text, `list` the names in
    /// a folder.
    ///
    /// # Errors
    /// The first line that cannot be understood, with its file and what is wrong with it.
    pub fn read(
        read: &mut dyn FnMut(&str) -> Option<String>,
        list: &mut dyn FnMut(&str) -> Vec<String>,
    ) -> Result<Self, String> {
        let mut sources = Sources::default();
        for (language, code) in codes().into_iter().enumerate() {
            let folder = format!("{code}/corpus");
            let mut names: Vec<String> = list(&folder).into_iter().filter(|n| n.ends_with(".tsv")).collect();
            names.sort();
            for name in names {
                let path = format!("{folder}/{name}");
                let data = read(&path).unwrap_or_default();
                sources.rows.extend(parse(language, &data).map_err(|e| format!("{path}, {e}"))?);
            }
            for path in [format!("../tests/{code}.tsv"), format!("../tests/tuned/{code}.tsv")] {
                let data = read(&path).unwrap_or_default();
                sources.rows.extend(examples(language, &data).map_err(|e| format!("{path}, {e}"))?);
            }
            sources.lexicons.push(read(&format!("{code}/lexicon.tsv")).unwrap_or_default());
        }
        Ok(sources)
    }
}

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
    out.push(("letters.bin".to_owned(), language::table(&get("letters.tsv")?)));
    Ok(out)
}

/// Codes of the languages, in the order of the registry.
pub fn codes() -> Vec<&'static str> {
    LANGUAGES.iter().map(|l| l.code).collect()
}

/// Reads a corpus file: header, then text, category, also, sentiment, severity, flags, brand.
///
/// # Errors
/// The first line that cannot be understood, with what is wrong with it.
pub fn parse(language: usize, data: &str) -> Result<Vec<Labelled>, String> {
    let mut rows = Vec::new();
    for (number, line) in data.lines().enumerate().skip(1) {
        let fail = |what: &str| format!("line {}: {what}: {line}", number + 1);
        if line.is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').collect();
        let [text, category, also, sentiment, severity, _flags, brand] = cells.as_slice() else {
            return Err(fail("seven columns are wanted"));
        };
        let parse = |name: &str| Category::parse(name.trim()).ok_or_else(|| fail("no such category"));
        rows.push(Labelled {
            language,
            text: (*text).to_owned(),
            category: Some(parse(category)?),
            also: also.split(',').filter(|n| !n.trim().is_empty()).map(parse).collect::<Result<_, _>>()?,
            sentiment: Some(
                sentiment.parse().ok().filter(|s| (-2..=2).contains(s)).ok_or_else(|| fail("sentiment is -2 … 2"))?,
            ),
            severity: Some(Severity::parse(severity).ok_or_else(|| fail("no such severity"))?),
            brand: (*brand).to_owned(),
            weight: 1.0,
        });
    }
    Ok(rows)
}

/// Reads a table of the classifier's own tests: category, severity, sentiment, perhaps a flag, text. Its sentiment has
/// three steps, so that only the middle one is told.
///
/// # Errors
/// The first line that cannot be understood, with what is wrong with it.
pub fn examples(language: usize, data: &str) -> Result<Vec<Labelled>, String> {
    let mut rows = Vec::new();
    for line in data.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [category, severity, sentiment, .., text] = cells.as_slice() else {
            return Err(format!("four columns are wanted: {line}"));
        };
        rows.push(Labelled {
            language,
            text: (*text).to_owned(),
            category: Some(Category::parse(category).ok_or_else(|| format!("no such category: {line}"))?),
            also: Vec::new(),
            sentiment: (*sentiment == "neutral").then_some(0),
            severity: Some(Severity::parse(severity).ok_or_else(|| format!("no such severity: {line}"))?),
            brand: String::new(),
            weight: EXAMPLE,
        });
    }
    Ok(rows)
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
    rules: (Category, f32, Severity),
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
        files.push(parts.write());
    }
    Ok((files, report))
}

pub(in super::super) struct Prepared {
    examples: Vec<Example>,
    counts: Vec<bool>,
    rules: Vec<(Category, f32, Severity)>,
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
            let held: Vec<(&Example, Row, (Category, f32, Severity))> = self
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
    Model::of(Box::leak(parts.write().into_boxed_slice())).map_err(str::to_owned)
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
    observe(&input, row.language, model, |found: &Found<'_>| {
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

fn third(target: &Row) -> usize {
    match best(&target[SENTIMENT]) {
        0 | 1 => 0,
        2 => 1,
        _ => 2,
    }
}

fn best(values: &[f32]) -> usize {
    (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap_or(0)
}

/// Sharpness with the least loss for each question, and slope and offset for each category.
fn calibrate(held: &[(&Example, Row, (Category, f32, Severity))]) -> [f32; CALIBRATION] {
    let mut out = [0.0; CALIBRATION];
    for (question, range) in QUESTIONS.iter().enumerate() {
        let loss = |sharpness: f32| -> f64 {
            held.iter()
                .filter(|(e, ..)| e.weight[question] > 0.0)
                .map(|(e, s, _)| {
                    let odds = odds(&s[range.clone()], sharpness);
                    -f64::from(odds[best(&e.target[range.clone()])].max(1e-6)).ln()
                })
                .sum()
        };
        let steps: Vec<f32> = (1..=60).map(|n| n as f32 * 0.05).collect();
        out[question] = steps.iter().copied().min_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap_or(1.0);
    }
    for (category, shares) in out[FEELS..].chunks_exact_mut(5).enumerate() {
        // A little of everything, so that nothing is impossible.
        let mut sum = 0.0;
        for (step, share) in shares.iter_mut().enumerate() {
            let told = |e: &Example| e.target[CATEGORY.start + category] > 0.5 && e.target[SENTIMENT.start + step] > 0.5;
            *share = 1.0 + held.iter().filter(|(e, ..)| told(e)).count() as f32;
            sum += *share;
        }
        shares.iter_mut().for_each(|s| *s /= sum);
    }
    for category in 0..CATEGORY.len() {
        let points: Vec<(f64, f64)> = held
            .iter()
            .map(|(e, s, _)| {
                let share = odds(&s[CATEGORY], out[1])[category].clamp(1e-4, 1.0 - 1e-4);
                let applies = if e.target[CATEGORY.start + category] > 0.0 { 1.0 } else { 0.0 };
                (f64::from((share / (1.0 - share)).ln()), applies)
            })
            .collect();
        let (mut slope, mut offset) = (1.0f64, 0.0f64);
        for _ in 0..300 {
            let (mut ds, mut d0) = (0.0, 0.0);
            for (x, y) in &points {
                let p = 1.0 / (1.0 + (-(slope * x + offset)).exp());
                ds += (p - y) * x;
                d0 += p - y;
            }
            let n = points.len().max(1) as f64;
            slope -= 0.3 * ds / n;
            offset -= 1.0 * d0 / n;
        }
        out[3 + category * 2] = slope as f32;
        out[4 + category * 2] = offset as f32;
    }
    out
}

/// Macro-F1 of the fit and of the rules alone on rows held back.
fn figures(code: &str, held: &[(&Example, Row, (Category, f32, Severity))]) -> Vec<String> {
    let f1 = |pairs: &[(usize, usize)], labels: usize| {
        let mut sum = 0.0;
        let mut used = 0.0f32;
        for l in 0..labels {
            let hit = pairs.iter().filter(|p| p.0 == l && p.1 == l).count() as f32;
            let gold = pairs.iter().filter(|p| p.0 == l).count() as f32;
            let own = pairs.iter().filter(|p| p.1 == l).count() as f32;
            if gold > 0.0 {
                used += 1.0;
                sum += 2.0 * hit / (gold + own).max(1.0);
            }
        }
        100.0 * sum / used.max(1.0)
    };
    let group = |odds: &[f32]| best(&[odds[0] + odds[1], odds[2], odds[3] + odds[4]]);
    let mut thirds = Vec::new();
    let mut rule_thirds = Vec::new();
    let mut fifths = Vec::new();
    let mut kinds = Vec::new();
    let mut rule_kinds = Vec::new();
    let mut harms = Vec::new();
    let mut rule_harms = Vec::new();
    for (e, s, rules) in held {
        let odds = odds(&s[SENTIMENT], 1.0);
        thirds.push((third(&e.target), group(&odds)));
        rule_thirds.push((
            third(&e.target),
            if rules.1 < -0.18 {
                0
            } else if rules.1 > 0.18 {
                2
            } else {
                1
            },
        ));
        fifths.push((best(&e.target[SENTIMENT]), best(&s[SENTIMENT])));
        kinds.push((best(&e.target[CATEGORY]), best(&s[CATEGORY])));
        rule_kinds.push((best(&e.target[CATEGORY]), rules.0 as usize));
        harms.push((best(&e.target[SEVERITY]), best(&s[SEVERITY])));
        rule_harms.push((best(&e.target[SEVERITY]), rules.2 as usize));
    }
    vec![format!(
        "{code}: held back {} rows, macro-F1: sentiment (3) {:.1} [rules {:.1}], (5) {:.1}, category {:.1} [rules {:.1}], \
         severity {:.1} [rules {:.1}]",
        held.len(),
        f1(&thirds, 3),
        f1(&rule_thirds, 3),
        f1(&fifths, 5),
        f1(&kinds, 14),
        f1(&rule_kinds, 14),
        f1(&harms, 4),
        f1(&rule_harms, 4),
    )]
}
