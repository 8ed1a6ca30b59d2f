//! The sentiment lexicon (`lang/<code>/lexicon.tsv`): which of its words and expressions stand in a text, and how they
//! feel there, after negation, stress, contrast and questions. The table itself lies in the model's file.

use super::learned::Model;
use super::learned::features::{mix, word_hash};
use super::note::{Note, Says};
use super::reading::Reading;
use super::tokens::Kind;

/// Most words of an expression.
pub(super) const LONGEST: usize = 6;
/// What a negation leaves of a good and of a bad word; as for cues.
const NEGATED_GOOD: f32 = -0.75;
const NEGATED_BAD: f32 = -0.4;
const ASKED: f32 = 0.6;
/// What is left of a good word in a hashtag of several, unless it is as strong as this: `#GoodMorningShow` is a name, and
/// names are made of such; `#PoorService` and `#BestDayEver` are meant.
const IN_A_NAME: f32 = 0.25;
const TOO_STRONG: f32 = 3.0;
/// Most places that are remembered.
const MOST_HITS: usize = 200;
/// Most notes of the lexicon that are kept.
const MOST_NOTES: usize = 12;

/// Notes of a term, as bits.
pub(super) const INSULT: u8 = 1;
pub(super) const VULGAR: u8 = 2;
pub(super) const NEWS: u8 = 4;
pub(super) const ANGER: u8 = 8;
pub(super) const SAD: u8 = 16;
pub(super) const JOY: u8 = 32;
/// Another term goes on from here.
pub(super) const BEGINS: u8 = 64;
/// Is itself no term, only the beginning of one.
pub(super) const ONLY_BEGINS: u8 = 128;

/// What the lexicon finds in a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Felt<'a> {
    /// Sums (≥ 0) and numbers of what is good and bad.
    pub(super) good: f32,
    pub(super) bad: f32,
    pub(super) goods: f32,
    pub(super) bads: f32,
    pub(super) best: f32,
    pub(super) worst: f32,
    /// The last one.
    pub(super) last: f32,
    pub(super) insults: f32,
    pub(super) vulgar: f32,
    pub(super) news: f32,
    pub(super) anger: f32,
    pub(super) sad: f32,
    pub(super) joy: f32,
    /// Where they stand, and how they feel there.
    pub(super) hits: Vec<(usize, f32)>,
    pub(super) notes: Vec<Note<'a>>,
}

/// Looks a text up; of terms that begin at the same word the longest counts.
pub(super) fn read(reading: &Reading<'_>, model: &Model, brand: &[bool]) -> Felt<'static> {
    let mut felt = Felt::default();
    let list = &reading.tokens.list;
    let mut at = 0;
    while let Some(token) = list.get(at) {
        if !matches!(token.kind, Kind::Word | Kind::Emoji) || brand.get(at).copied().unwrap_or(false) {
            at += 1;
            continue;
        }
        let mut hash = 0u64;
        let mut best: Option<(usize, f32, u8)> = None;
        for end in at..list.len().min(at + LONGEST) {
            let Some(next) = list.get(end).filter(|t| t.sentence == token.sentence) else { break };
            hash = extend(hash, word_hash(next));
            let Some((score, notes)) = model.term(hash) else { break };
            if notes & ONLY_BEGINS == 0 {
                best = Some((end + 1, score, notes));
            }
            if notes & (BEGINS | ONLY_BEGINS) == 0 {
                break;
            }
        }
        let Some((end, score, notes)) = best else {
            at += 1;
            continue;
        };
        felt.add(reading, at, end, score, notes);
        at = end;
    }
    felt
}

/// The hash of an expression from that of its beginning and of its next word.
pub(super) fn extend(hash: u64, word: u64) -> u64 {
    mix(hash.rotate_left(23) ^ word ^ 0x7e24)
}

impl Felt<'_> {
    fn add(&mut self, reading: &Reading<'_>, at: usize, end: usize, score: f32, notes: u8) {
        // An idiom that says nothing, whatever its words do (`good morning`).
        if score == 0.0 {
            return;
        }
        let mut weight = score;
        if (0.0..TOO_STRONG).contains(&score) && reading.tokens.list.get(at).is_some_and(|t| t.tag) {
            weight *= IN_A_NAME;
        }
        let negated = reading.negated_at(at);
        if negated {
            weight *= if weight > 0.0 { NEGATED_GOOD } else { NEGATED_BAD };
        }
        weight *= reading.stress_of(at, end) * reading.place_of(at);
        if reading.asked_at(at) {
            weight *= ASKED;
        }
        if weight > 0.0 {
            self.good += weight;
            self.goods += 1.0;
        } else {
            self.bad -= weight;
            self.bads += 1.0;
        }
        self.best = self.best.max(weight);
        self.worst = self.worst.min(weight);
        self.last = weight;
        if self.hits.len() < MOST_HITS {
            self.hits.push((at, weight));
        }
        if !negated {
            for (bit, sum) in [
                (INSULT, &mut self.insults),
                (VULGAR, &mut self.vulgar),
                (NEWS, &mut self.news),
                (ANGER, &mut self.anger),
                (SAD, &mut self.sad),
                (JOY, &mut self.joy),
            ] {
                *sum += f32::from(u8::from(notes & bit != 0));
            }
        }
        if self.notes.len() < MOST_NOTES {
            let why = if negated {
                "negated"
            } else if weight > 0.0 {
                "a good word"
            } else {
                "a bad word"
            };
            self.notes.push(Note::new(at, end, Says::Sentiment(weight), why));
        }
    }
}

/// Reads `lexicon.tsv` into the terms of a model's file.
///
/// # Errors
/// The first line that cannot be understood, with what is wrong with it.
pub(super) fn parse(data: &str) -> Result<Vec<(u64, f32, u8)>, String> {
    let mut terms: std::collections::BTreeMap<u64, (f32, u8)> = std::collections::BTreeMap::new();
    let mut begins = std::collections::BTreeSet::new();
    for (number, line) in data.lines().enumerate().skip(1) {
        let fail = |what: &str| format!("line {}: {what}: {line}", number + 1);
        let cells: Vec<&str> = line.split('\t').collect();
        let (Some(term), Some(score)) = (cells.first(), cells.get(1)) else {
            if line.trim().is_empty() {
                continue;
            }
            return Err(fail("a term and a score are wanted"));
        };
        let score: f32 = score.trim().parse().map_err(|_| fail("the score is no number"))?;
        if !(-5.0..=5.0).contains(&score) {
            return Err(fail("a score is between -5 and 5"));
        }
        let note = match cells.get(2).map_or("", |c| c.trim()) {
            "insult" => INSULT,
            "vulgar" => VULGAR,
            "news" => NEWS,
            "anger" => ANGER,
            "sad" => SAD,
            "joy" => JOY,
            _ => 0,
        };
        let tokens = super::tokens::Tokens::of(term);
        let words: Vec<u64> = tokens.list.iter().map(word_hash).collect();
        if words.is_empty() || words.len() > LONGEST {
            continue;
        }
        if tokens.list.iter().any(|t| matches!(t.kind, Kind::Number | Kind::Money)) {
            return Err(fail("all numbers are one word here, so that it would be found with any number"));
        }
        let mut hash = 0;
        for (n, word) in words.iter().enumerate() {
            hash = extend(hash, *word);
            if n + 1 < words.len() {
                begins.insert(hash);
            }
        }
        // Of two spellings that fold to one, the stronger feeling stays.
        let slot = terms.entry(hash).or_insert((score, note));
        if score.abs() > slot.0.abs() {
            slot.0 = score;
        }
        slot.1 |= note;
    }
    for hash in begins {
        terms.entry(hash).and_modify(|t| t.1 |= BEGINS).or_insert((0.0, ONLY_BEGINS));
    }
    Ok(terms.into_iter().map(|(h, (s, n))| (h, s, n)).collect())
}
