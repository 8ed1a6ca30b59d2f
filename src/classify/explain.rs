//! Why the model decided so: the words of the text that weigh most, the runner-up, and which words hold it back. Words that
//! say nothing by themselves (`at`, a name) are never given as the reason, also if their letters weigh something: where
//! nothing else is left, it is the wording as a whole.

use std::collections::HashSet;

use super::learned::Model;
use super::learned::features::Found;
use super::learned::table::{Added, CATEGORY, SENTIMENT, SEVERITY, Scores};
use super::note::{Note, Reason, Says};
use super::tokens::Kind;
use crate::model::{Category, SentimentLabel, Severity};

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

/// What a decision was made from.
pub(super) struct Why<'a, 'n> {
    added: &'a Added,
    model: &'a Model,
    scores: &'a Scores,
    found: &'a Found<'a, 'n>,
    /// Words of the language that carry no meaning of their own, folded.
    common: &'a HashSet<String>,
    /// For each token whether the model knows it as a word.
    words: Vec<bool>,
}

impl<'a, 'n> Why<'a, 'n> {
    /// What is asked about.
    pub(super) fn of(
        added: &'a Added,
        model: &'a Model,
        scores: &'a Scores,
        found: &'a Found<'a, 'n>,
        common: &'a HashSet<String>,
    ) -> Self {
        let mut words = vec![false; found.reading.tokens.list.len()];
        for (feature, _) in added.words.iter().filter(|(f, _)| f.end == f.first + 1) {
            if let Some(word) = words.get_mut(usize::from(feature.first)) {
                *word = true;
            }
        }
        Why { added, model, scores, found, common, words }
    }

    /// Why this category, and what would be the next.
    pub(super) fn category(&self, category: Category, odds: &[f32]) -> Vec<Note<'n>> {
        let odd = |c: Category| odds.get(c as usize).copied().unwrap_or(0.0);
        let runner = Category::ALL
            .into_iter()
            .filter(|c| *c != category)
            .max_by(|a, b| odd(*a).total_cmp(&odd(*b)))
            .unwrap_or(Category::Other);
        let own = CATEGORY.start + category as usize;
        let pulls = self.pulls(own, Some(CATEGORY.start + runner as usize));
        let says = Says::Category(category);
        let whole = Reason::WholeRather(category, runner);
        let mut notes = self.notes(&pulls, |_| (says, Reason::Rather(category, runner)), (says, whole));
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
            notes.push(Note::general(Says::RunnerUp(runner), format!("{:.2}; {change}", odd(runner))));
        }
        notes
    }

    /// Why this severity.
    pub(super) fn severity(&self, severity: Severity) -> Vec<Note<'n>> {
        let own = SEVERITY.start + severity as usize;
        let pulls = self.pulls(own, None);
        let (says, why) = (Says::Severity(severity), "speaks for this much harm");
        self.notes(&pulls, |_| (says, Reason::Said(why.into())), (says, Reason::Whole(why)))
    }

    /// Why this sentiment; nothing speaks for none.
    pub(super) fn sentiment(&self, label: SentimentLabel) -> Vec<Note<'n>> {
        let sign = match label {
            SentimentLabel::VeryNegative | SentimentLabel::Negative => -1.0,
            SentimentLabel::Neutral => return Vec::new(),
            SentimentLabel::Positive | SentimentLabel::VeryPositive => 1.0,
        };
        let own = SENTIMENT.start + label as usize;
        let pulls = self.pulls(own, Some(SENTIMENT.start + SentimentLabel::Neutral as usize));
        let why = if sign > 0.0 { "sounds good here" } else { "sounds bad here" };
        let says = |pull: f32| Says::Sentiment((pull * sign).clamp(-5.0, 5.0));
        self.notes(&pulls, |pull| (says(pull), Reason::Said(why.into())), (says(1.0), Reason::Whole(why)))
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
                (!capital || written_down()) && self.words.get(token).copied().unwrap_or(false)
            }
        }
    }

    fn score(&self, output: usize) -> f32 {
        self.scores.get(output).copied().unwrap_or(0.0)
    }

    /// How much each token moves one output, against another or against the mean of its question; the heaviest first.
    fn pulls(&self, output: usize, against: Option<usize>) -> Vec<(usize, f32)> {
        let count = |group: usize| self.added.sum.count.get(group).copied().unwrap_or(1);
        let [words, letters] = [0, 1].map(|group| {
            let other = against.map_or(0.0, |out| self.model.worth(out, count(group)));
            (self.model.worth(output, count(group)), other)
        });
        let against = against.unwrap_or(output);
        let mut pulls = vec![0.0f32; self.found.reading.tokens.list.len()];
        for (feature, row) in &self.added.words {
            let (Some(for_it), Some(against_it)) = (row.get(output), row.get(against)) else { continue };
            let pull = f32::from(*for_it as i8) * words.0 - f32::from(*against_it as i8) * words.1;
            // Nearly all features stand for one word.
            if feature.end == feature.first + 1 {
                if let Some(slot) = pulls.get_mut(usize::from(feature.first)) {
                    *slot += pull;
                }
            } else if let Some(slots) = pulls.get_mut(usize::from(feature.first)..usize::from(feature.end)) {
                let share = pull / slots.len() as f32;
                slots.iter_mut().for_each(|slot| *slot += share);
            }
        }
        for (token, rows) in &self.added.letters {
            if let Some(slot) = pulls.get_mut(usize::from(*token)) {
                *slot += rows.at(output) as f32 * letters.0 - rows.at(against) as f32 * letters.1;
            }
        }
        let mut pulls: Vec<(usize, f32)> = pulls.into_iter().enumerate().filter(|p| p.1 > 0.0).collect();
        pulls.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        pulls
    }

    /// The heaviest words as notes, with what each of them says; one about the whole if none of them says anything by
    /// itself.
    fn notes(
        &self,
        pulls: &[(usize, f32)],
        word: impl Fn(f32) -> (Says<'n>, Reason<'n>),
        whole: (Says<'n>, Reason<'n>),
    ) -> Vec<Note<'n>> {
        let total: f32 = pulls.iter().map(|p| p.1.max(0.0)).sum();
        let note = |start, end, (says, why)| Note { start, end, says, why };
        let notes: Vec<Note<'n>> = pulls
            .iter()
            .take_while(|(_, pull)| *pull >= LEAST && *pull >= SHARE * total)
            .filter(|(token, _)| self.tells(*token))
            .take(MOST)
            .map(|(token, pull)| note(*token, token + 1, word(*pull)))
            .collect();
        // Several together say it, or what is between the lines: that is told, too, and not made up.
        if notes.is_empty() { vec![note(0, 0, whole)] } else { notes }
    }
}
