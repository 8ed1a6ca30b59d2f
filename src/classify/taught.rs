//! What people taught this mentiond: cues of the configuration, and corrections of mentions. Both bend the scores beside
//! the shipped model, and both say so in the decision's reasons.
//!
//! A correction changes what is said about *similar words*, whoever writes them: a text is compared with every corrected
//! one by the words and pairs of words that they share (cosine), and the more they share, the more the correction counts.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::cue_file::{Files, Rule};
use super::decide::Bent;
use super::learned::Model;
use super::learned::features::{mix, word_hash};
use super::learned::table::{CATEGORY, SENTIMENT};
use super::lexicon::Lexicon;
use super::note::{Note, Says};
use super::reading::Reading;
use super::similar::stopwords;
use super::tokens::{Kind, Tokens};
use crate::model::{Category, SentimentLabel, Severity};
use crate::query::{Document, Query};

/// What a cue of the configuration adds to the score of what it names: it decides unless nearly everything else speaks
/// against it.
const CUE: f32 = 7.0;
/// What a correction adds for a text of the same words, and what for one that shares just enough.
const SAME: f32 = 14.0;
/// How much (cosine, 0 … 1) a text must share with a corrected one.
const ALIKE: f32 = 0.45;
/// Newest corrections that are in use; a text is compared with those it shares a word with.
pub const MOST_CORRECTIONS: usize = 5_000;
/// Words of a text that are compared.
const MOST_WORDS: usize = 400;

/// A cue of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct UserCue {
    pub finds: Finds,
    /// Only in texts of this language.
    pub language: Option<String>,
    pub category: Option<Category>,
    pub severity: Option<Severity>,
    pub sentiment: Option<SentimentLabel>,
    pub flag: Option<String>,
    /// `your cue (mentiond.toml:41)`, or the operator's own words.
    pub why: String,
}

/// What a cue looks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Finds {
    /// Patterns as in the cue files of a language.
    Patterns(Vec<String>),
    /// A query over title and text.
    Query(Query),
}

/// What a person said about a mention that the classifier had read otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// Its number in the record.
    pub id: i64,
    /// The mention it was about.
    pub mention: i64,
    pub language: String,
    /// Title and text.
    pub text: String,
    pub category: Option<Category>,
    pub sentiment: Option<SentimentLabel>,
}

/// What is wrong with a pattern, if anything is.
///
/// # Errors
/// A sentence about the first mistake.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.contains(['[', ']', '\n', '#']) {
        return Err("a pattern is words, `*`, `...`, `|` and `?`".to_owned());
    }
    rules(pattern).map(|_| ())
}

fn rules(pattern: &str) -> Result<Vec<Rule>, String> {
    let mut files = Files::default();
    // A comma would part it in two.
    let data = format!("[sentiment 0]\n{}\n", pattern.replace(',', " "));
    files.read("a cue", &data).map_err(|e| e.what().to_owned())?;
    if files.rules.is_empty() { Err("the pattern is empty".to_owned()) } else { Ok(files.rules) }
}

/// The cues of the configuration, compiled.
#[derive(Debug, Default)]
pub(super) struct Cues {
    list: Vec<UserCue>,
    /// Of each pattern in `lexicon`, its cue.
    owner: Vec<usize>,
    lexicon: Lexicon,
}

impl Cues {
    /// Compiles cues whose patterns were checked; a pattern that is wrong all the same finds nothing.
    pub(super) fn of(list: Vec<UserCue>) -> Self {
        let mut owner = Vec::new();
        let mut all = Vec::new();
        for (n, cue) in list.iter().enumerate() {
            let Finds::Patterns(patterns) = &cue.finds else { continue };
            for rule in patterns.iter().filter_map(|p| rules(p).ok()).flatten() {
                owner.push(n);
                all.push(rule);
            }
        }
        let files = Files { rules: all, ..Files::default() };
        // More than a lexicon holds is refused when the configuration is read.
        let lexicon = Lexicon::compile(&files).unwrap_or_default();
        Cues { list, owner, lexicon }
    }

    /// Adds what the cues find in a text. Negated words do not count.
    pub(super) fn bend<'a>(
        &'a self,
        reading: &Reading<'_>,
        language: &str,
        title: &str,
        text: &str,
        to: &mut Taught<'a>,
    ) {
        if self.list.is_empty() {
            return;
        }
        let fits = |cue: &UserCue| cue.language.as_deref().is_none_or(|l| l == language);
        let mut told = vec![false; self.list.len()];
        for found in self.lexicon.find(reading.tokens, &[]) {
            let Some((n, cue)) = self.owner.get(found.cue).and_then(|n| Some((*n, self.list.get(*n)?))) else {
                continue;
            };
            if fits(cue) && !reading.negated_at(found.start) && !told.get(n).copied().unwrap_or(true) {
                told[n] = true;
                to.apply(cue, found.start, found.end);
            }
        }
        for cue in self.list.iter().filter(|c| fits(c)) {
            let Finds::Query(query) = &cue.finds else { continue };
            if query.evaluate(&Document { title, text, lang: language, ..Document::default() }).is_some() {
                to.apply(cue, 0, 0);
            }
        }
    }
}

/// What was taught that concerns a text.
#[derive(Debug, Default)]
pub(super) struct Taught<'a> {
    /// The strongest push for each category and step of sentiment.
    category: HashMap<Category, f32>,
    sentiment: HashMap<SentimentLabel, f32>,
    severity: Option<Severity>,
    flags: Vec<String>,
    notes: Vec<Note<'a>>,
}

impl<'a> Taught<'a> {
    fn apply(&mut self, cue: &'a UserCue, start: usize, end: usize) {
        if let Some(category) = cue.category {
            push(&mut self.category, category, CUE);
            self.notes.push(Note::new(start, end, Says::Category(category), &cue.why));
        }
        if let Some(label) = cue.sentiment {
            push(&mut self.sentiment, label, CUE);
            self.notes.push(Note::new(start, end, Says::Sentiment(step(label)), &cue.why));
        }
        if let Some(severity) = cue.severity {
            self.severity = self.severity.max(Some(severity));
            self.notes.push(Note::new(start, end, Says::Severity(severity), &cue.why));
        }
        if let Some(flag) = &cue.flag {
            if !self.flags.contains(flag) {
                self.flags.push(flag.clone());
            }
            self.notes.push(Note::new(start, end, Says::Flag(flag), &cue.why));
        }
    }

    /// For the decision beside a model.
    pub(super) fn bent(self, model: &Model) -> Bent<'a> {
        let scores = self
            .category
            .iter()
            .map(|(c, by)| (CATEGORY.start + *c as usize, by / model.sharpness(1)))
            .chain(self.sentiment.iter().map(|(s, by)| (SENTIMENT.start + *s as usize, by / model.sharpness(0))))
            .collect();
        Bent { scores, notes: self.notes, flags: self.flags, severity: self.severity }
    }

    /// For the decision about a text in a language without a model: the strongest, and the notes.
    pub(super) fn alone(self) -> Alone<'a> {
        let category = strongest(&self.category);
        let sentiment = strongest(&self.sentiment);
        Alone { category, sentiment, severity: self.severity, flags: self.flags, notes: self.notes }
    }
}

/// What was taught, where nothing else speaks.
pub(super) struct Alone<'a> {
    pub(super) category: Option<Category>,
    pub(super) sentiment: Option<SentimentLabel>,
    pub(super) severity: Option<Severity>,
    pub(super) flags: Vec<String>,
    pub(super) notes: Vec<Note<'a>>,
}

fn push<K: std::hash::Hash + Eq>(to: &mut HashMap<K, f32>, key: K, by: f32) {
    let slot = to.entry(key).or_insert(0.0);
    *slot = slot.max(by);
}

fn strongest<K: Copy + Ord>(of: &HashMap<K, f32>) -> Option<K> {
    of.iter().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(a.0))).map(|(k, _)| *k)
}

/// The score that stands for a step of sentiment in reasons.
fn step(label: SentimentLabel) -> f32 {
    (label as u8 as f32 - 2.0) * 2.0
}

/// The corrections in use; clones share them, so that a running daemon takes new ones at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared(Arc<RwLock<Arc<Local>>>);

impl Shared {
    pub(super) fn set(&self, corrections: &[Correction]) {
        let local = Arc::new(Local::of(corrections));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = local;
    }

    pub(super) fn get(&self) -> Arc<Local> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The corrections as a model: which of them hold which words.
#[derive(Debug, Default)]
pub(super) struct Local {
    list: Vec<(Correction, f32)>,
    index: HashMap<u64, Vec<u32>>,
}

impl Local {
    fn of(corrections: &[Correction]) -> Self {
        let mut local = Local::default();
        let mut newest: Vec<&Correction> = corrections.iter().collect();
        newest.sort_by_key(|c| std::cmp::Reverse(c.id));
        for correction in newest.into_iter().take(MOST_CORRECTIONS) {
            let tokens = Tokens::of(&correction.text);
            let words = words(&tokens, &correction.language);
            let place = local.list.len() as u32;
            let size = words.iter().map(|(_, _, w)| w * w).sum::<f32>().sqrt();
            for (hash, ..) in words {
                local.index.entry(hash).or_default().push(place);
            }
            local.list.push((correction.clone(), size));
        }
        local
    }

    /// Adds what corrections of similar texts say; of several for the same thing the most similar (then newest) counts.
    pub(super) fn bend(&self, tokens: &Tokens<'_>, language: &str, to: &mut Taught<'_>) {
        if self.list.is_empty() {
            return;
        }
        let words = words(tokens, language);
        let size = words.iter().map(|(_, _, w)| w * w).sum::<f32>().sqrt();
        let mut shared: HashMap<u32, (f32, usize)> = HashMap::new();
        for (hash, at, weight) in &words {
            for place in self.index.get(hash).into_iter().flatten() {
                let slot = shared.entry(*place).or_insert((0.0, *at));
                slot.0 += weight * weight;
            }
        }
        let mut alike: Vec<(f32, u32, usize)> = shared
            .into_iter()
            .filter_map(|(place, (sum, at))| {
                let (correction, own) = self.list.get(place as usize)?;
                let cosine = sum / (own * size).max(1e-6);
                (correction.language == language && cosine >= ALIKE).then_some((cosine, place, at))
            })
            .collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let (mut category, mut sentiment) = (false, false);
        for (cosine, place, at) in alike {
            let Some((correction, _)) = self.list.get(place as usize) else { continue };
            let by = SAME * (0.3 + 0.7 * (cosine - ALIKE) / (1.0 - ALIKE));
            let why = format!(
                "{:.0} % the words of mention {}, which was corrected (correction {})",
                cosine * 100.0,
                correction.mention,
                correction.id
            );
            if let Some(c) = correction.category.filter(|_| !category) {
                category = true;
                push(&mut to.category, c, by);
                to.notes.push(Note::new(at, at + 1, Says::Category(c), why.clone()));
            }
            if let Some(s) = correction.sentiment.filter(|_| !sentiment) {
                sentiment = true;
                push(&mut to.sentiment, s, by);
                to.notes.push(Note::new(at, at + 1, Says::Sentiment(step(s)), why));
            }
        }
    }
}

/// The words and pairs of words that are compared: hash, first token, weight. Names, links, numbers and the commonest
/// words tell nothing about the pattern.
fn words(tokens: &Tokens<'_>, language: &str) -> Vec<(u64, usize, f32)> {
    let common = stopwords(language);
    let mut out: Vec<(u64, usize, f32)> = Vec::new();
    let mut before: Option<u64> = None;
    for (at, token) in tokens.list.iter().take(MOST_WORDS).enumerate() {
        if !matches!(token.kind, Kind::Word | Kind::Emoji) {
            before = None;
            continue;
        }
        let folded = tokens.folded(token);
        let hash = word_hash(token);
        let weight = if common.contains(folded) { 0.4 } else { 1.0 };
        out.push((hash, at, weight));
        if let Some(last) = before {
            out.push((mix(last.rotate_left(17) ^ hash), at - 1, 0.6));
        }
        before = Some(hash);
    }
    out.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)));
    out.dedup_by_key(|w| w.0);
    out
}
