//! Why the model decided so: the words of the text that weigh most, the runner-up, and which words hold it back. Words that
//! say nothing by themselves (`at`, a name) are never given as the reason, also if their letters weigh something: where
//! nothing else is left, it is the wording as a whole.

use std::collections::HashSet;

use super::learned::Model;
use super::learned::features::{Feature, Found, Group, ORDINARY};
use super::learned::table::{CATEGORY, OUTPUTS, SENTIMENT, SEVERITY, Scores, Sum};
use super::reading::Note;
use super::tokens::Kind;
use crate::model::{Category, SentimentLabel, Severity, WHOLE_WORDING};

/// Most words named for one decision.
const MOST: usize = 3;
/// Words whose share of the whole is smaller are not named.
const SHARE: f32 = 0.12;
/// … nor those that move the score by less.
const LEAST: f32 = 0.08;
/// Words that are looked at for what the decision would be without them, the heaviest first.
const HEAVIEST: usize = 32;
/// Fewest letters of a word that says something by itself.
const LETTERS: usize = 3;
/// A runner-up is named from these odds on.
const CLOSE: f32 = 0.02;

/// The hashed features that the model knows, as they were met.
#[derive(Default)]
pub(super) struct Hits {
    list: Vec<(u16, u16, u8, &'static [u8; OUTPUTS])>,
    /// For each token whether the model knows it as a word.
    words: Vec<bool>,
}

impl Hits {
    /// Room for the features of an ordinary mention of so many tokens.
    pub(super) fn new(tokens: usize) -> Self {
        Hits { list: Vec::with_capacity(ORDINARY), words: vec![false; tokens] }
    }

    pub(super) fn push(&mut self, feature: &Feature, row: &'static [u8; OUTPUTS]) {
        if feature.group == Group::Words
            && feature.end == feature.first + 1
            && let Some(word) = self.words.get_mut(feature.first)
        {
            *word = true;
        }
        // There are at most 4,000 tokens.
        self.list.push((feature.first as u16, feature.end as u16, feature.group as u8, row));
    }
}

/// What a decision was made from.
pub(super) struct Why<'a> {
    pub(super) hits: &'a Hits,
    pub(super) model: &'a Model,
    pub(super) sum: &'a Sum,
    pub(super) scores: &'a Scores,
    pub(super) found: &'a Found<'a>,
    /// Words of the language that carry no meaning of their own, folded.
    pub(super) common: &'a HashSet<String>,
}

impl Why<'_> {
    /// Why this category, and what would be the next.
    pub(super) fn category(&self, category: Category, odds: &[f32]) -> Vec<Note> {
        let odd = |c: Category| odds.get(c as usize).copied().unwrap_or(0.0);
        let runner = Category::ALL
            .into_iter()
            .filter(|c| *c != category)
            .max_by(|a, b| odd(*a).total_cmp(&odd(*b)))
            .unwrap_or(Category::Other);
        let own = CATEGORY.start + category as usize;
        let pulls = self.pulls(own, Some(CATEGORY.start + runner as usize));
        let why = format!("speaks for {} rather than {}", category.as_str(), runner.as_str());
        let mut notes = self.notes(&pulls, &format!("category:{}", category.as_str()), &why);
        if odd(runner) >= CLOSE {
            // Taking away the heaviest words, how many until the other one is ahead?
            let mut gap = self.score(own) - self.score(CATEGORY.start + runner as usize);
            let mut words = Vec::new();
            for (token, pull) in pulls.iter().take(HEAVIEST).filter(|p| p.1 > 0.0 && self.knows(p.0)).take(4) {
                gap -= pull;
                words.push(format!("“{}”", self.found.reading.tokens.written(*token, *token + 1)));
                if gap < 0.0 {
                    break;
                }
            }
            let change = if gap < 0.0 && !words.is_empty() {
                format!("without {} it would be {}", words.join(", "), runner.as_str())
            } else {
                "no few words decide between the two".to_owned()
            };
            notes.push(Note {
                start: 0,
                end: 0,
                effect: format!("runner-up:{}", runner.as_str()),
                why: format!("{:.2}; {change}", odd(runner)),
            });
        }
        notes
    }

    /// Why this severity.
    pub(super) fn severity(&self, severity: Severity) -> Vec<Note> {
        let own = SEVERITY.start + severity as usize;
        let pulls = self.pulls(own, None);
        self.notes(&pulls, &format!("severity:{}", severity.as_str()), "speaks for this much harm")
    }

    /// Why this sentiment; nothing speaks for none.
    pub(super) fn sentiment(&self, label: SentimentLabel) -> Vec<Note> {
        let sign = match label {
            SentimentLabel::VeryNegative | SentimentLabel::Negative => -1.0,
            SentimentLabel::Neutral => return Vec::new(),
            SentimentLabel::Positive | SentimentLabel::VeryPositive => 1.0,
        };
        let own = SENTIMENT.start + label as usize;
        let pulls = self.pulls(own, Some(SENTIMENT.start + SentimentLabel::Neutral as usize));
        let why = if sign > 0.0 { "sounds good here" } else { "sounds bad here" };
        let mut notes = self.notes(&pulls, "", why);
        for note in &mut notes {
            let pull =
                pulls.iter().find(|(token, _)| note.end > 0 && *token == note.start).map_or(1.0, |(_, pull)| *pull);
            note.effect = format!("sentiment:{:+.1}", (pull * sign).clamp(-5.0, 5.0));
        }
        notes
    }

    /// Whether a token says something by itself: a word that the model knows and that carries a meaning.
    fn tells(&self, token: usize) -> bool {
        let tokens = self.found.reading.tokens;
        let Some(word) = tokens.list.get(token) else { return false };
        let folded = tokens.folded(word);
        let means = word.kind != Kind::Word || (folded.chars().count() >= LETTERS && !self.common.contains(folded));
        means && self.knows(token)
    }

    /// Whether the model knows a token as a word, not by its letters alone, and it is no name. A capital inside a sentence
    /// makes a name in the languages that there are; so does one at its beginning, unless the word is an expression that
    /// people wrote down.
    fn knows(&self, token: usize) -> bool {
        let reading = self.found.reading;
        let Some(word) = reading.tokens.list.get(token) else { return false };
        match word.kind {
            Kind::Url | Kind::Mention | Kind::Number => false,
            Kind::Emoji | Kind::Money => true,
            Kind::Word => {
                let written = reading.tokens.text.get(word.start..word.end).unwrap_or("");
                let capital = !word.caps && written.chars().next().is_some_and(char::is_uppercase);
                let written_down = || reading.found.iter().any(|f| (f.start..f.end).contains(&token));
                (!capital || written_down()) && self.hits.words.get(token).copied().unwrap_or(false)
            }
        }
    }

    fn score(&self, output: usize) -> f32 {
        self.scores.get(output).copied().unwrap_or(0.0)
    }

    /// How much each token moves one output, against another or against the mean of its question; the heaviest first.
    fn pulls(&self, output: usize, against: Option<usize>) -> Vec<(usize, f32)> {
        let count = |group: usize| self.sum.count.get(group).copied().unwrap_or(1);
        let [words, letters] = [0, 1].map(|group| {
            let other = against.map_or(0.0, |out| self.model.worth(out, count(group)));
            (self.model.worth(output, count(group)), other)
        });
        let against = against.unwrap_or(output);
        let mut pulls = vec![0.0f32; self.found.reading.tokens.list.len()];
        debug_assert!(output < OUTPUTS);
        for (first, end, group, row) in &self.hits.list {
            let (own, other) = if *group == Group::Words as u8 { words } else { letters };
            let (Some(for_it), Some(against_it)) = (row.get(output), row.get(against)) else { continue };
            let pull = f32::from(*for_it as i8) * own - f32::from(*against_it as i8) * other;
            // Nearly all features stand for one word.
            if *end == *first + 1 {
                if let Some(slot) = pulls.get_mut(usize::from(*first)) {
                    *slot += pull;
                }
            } else if let Some(slots) = pulls.get_mut(usize::from(*first)..usize::from(*end)) {
                let share = pull / slots.len() as f32;
                slots.iter_mut().for_each(|slot| *slot += share);
            }
        }
        let mut pulls: Vec<(usize, f32)> = pulls.into_iter().enumerate().filter(|p| p.1 > 0.0).collect();
        pulls.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        pulls
    }

    /// The heaviest words as notes; one about the whole if none of them says anything by itself.
    fn notes(&self, pulls: &[(usize, f32)], effect: &str, why: &str) -> Vec<Note> {
        let total: f32 = pulls.iter().map(|p| p.1.max(0.0)).sum();
        let note = |start, end, why: String| Note { start, end, effect: effect.to_owned(), why };
        let notes: Vec<Note> = pulls
            .iter()
            .take_while(|(_, pull)| *pull >= LEAST && *pull >= SHARE * total)
            .filter(|(token, _)| self.tells(*token))
            .take(MOST)
            .map(|(token, _)| note(*token, token + 1, why.to_owned()))
            .collect();
        // Several together say it, or what is between the lines: that is told, too, and not made up.
        if notes.is_empty() { vec![note(0, 0, format!("{WHOLE_WORDING} {why}"))] } else { notes }
    }
}
