//! A text as its cues see it: what was found, what is negated, strengthened or set against something else.

use super::cue_file::{Cue, Effect};
use super::lexicon::{Found, Lexicon};
use super::note::{Note, Says};
use super::tokens::{Kind, Sentence, Tokens};

/// How many words after it a negation reaches.
const NEGATION_REACH: usize = 4;
/// Weight of what stands before `but`, and after it.
const BEFORE_CONTRAST: f32 = 0.6;
const AFTER_CONTRAST: f32 = 1.25;

/// What was found in a text, with what the words around it do to it.
pub(super) struct Reading<'a> {
    pub(super) tokens: &'a Tokens<'a>,
    lexicon: &'a Lexicon,
    pub(super) found: Vec<Found>,
    negators: Vec<bool>,
    boosts: Vec<f32>,
    contrasts: Vec<bool>,
    /// The first contrast word of each sentence.
    turns: Vec<Option<usize>>,
    pub(super) first_person: bool,
    /// Most of the words are capitals, so that they stress nothing.
    pub(super) shouting: bool,
}

impl<'a> Reading<'a> {
    /// Finds the cues of `lexicon` in `tokens`, and drops those that a longer `ignore` cue takes back.
    pub(super) fn of(tokens: &'a Tokens<'a>, lexicon: &'a Lexicon, brand: &[bool]) -> Self {
        let mut found = lexicon.find(tokens, brand);
        let ignored: Vec<Found> =
            found.iter().filter(|f| cue_of(lexicon, f).has(|e| *e == Effect::Ignore)).copied().take(64).collect();
        found.retain(|f| {
            !ignored.iter().any(|i| i.start <= f.start && f.end <= i.end && f.end - f.start < i.end - i.start)
        });
        let count = tokens.list.len();
        let (mut negators, mut boosts, mut contrasts) = (vec![false; count], vec![1.0f32; count], vec![false; count]);
        let mut first_person = false;
        // A negation inside a longer expression (`can't wait`) is part of it and reaches no further.
        let mut inside = vec![false; count];
        for f in &found {
            let cue = cue_of(lexicon, f);
            if f.end - f.start > 1 && (cue.sentiment().is_some() || cue.categories().next().is_some()) {
                for slot in inside.iter_mut().take(f.end).skip(f.start) {
                    *slot = true;
                }
            }
        }
        for f in &found {
            for effect in &cue_of(lexicon, f).effects {
                match effect {
                    Effect::Negator => mark(&mut negators, f, true),
                    Effect::Boost(factor) => mark(&mut boosts, f, *factor),
                    Effect::Contrast => mark(&mut contrasts, f, true),
                    Effect::FirstPerson => first_person = true,
                    _ => {}
                }
            }
        }
        for (negator, inside) in negators.iter_mut().zip(&inside) {
            *negator &= !inside;
        }
        let turns = tokens.sentences.iter().map(|s| (s.first..s.end).find(|i| is(&contrasts, *i))).collect();
        let words = tokens.list.iter().filter(|t| t.end - t.start >= 3).count();
        let capitals = tokens.list.iter().filter(|t| t.caps).count();
        let shouting = capitals >= 4 && capitals * 10 >= words * 6;
        Reading { tokens, lexicon, found, negators, boosts, contrasts, turns, first_person, shouting }
    }

    /// The cue that was found.
    pub(super) fn cue(&self, found: &Found) -> &'a Cue {
        cue_of(self.lexicon, found)
    }

    /// The sentence in which it was found.
    pub(super) fn sentence(&self, found: &Found) -> Option<&Sentence> {
        self.sentence_at(found.start)
    }

    /// The sentence of the token at this place.
    pub(super) fn sentence_at(&self, at: usize) -> Option<&Sentence> {
        let token = self.tokens.list.get(at)?;
        self.tokens.sentences.get(token.sentence)
    }

    /// Whether the token at this place stands in a question.
    pub(super) fn asked_at(&self, at: usize) -> bool {
        self.sentence_at(at).is_some_and(|s| s.question)
    }

    /// Whether `but` stands at this place.
    pub(super) fn turns_at(&self, at: usize) -> bool {
        is(&self.contrasts, at)
    }

    /// Whether it says `but` somewhere.
    pub(super) fn turned(&self) -> bool {
        self.turns.iter().any(Option::is_some)
    }

    /// Whether it stands in a question.
    pub(super) fn asked(&self, found: &Found) -> bool {
        self.sentence(found).is_some_and(|s| s.question)
    }

    /// Whether a negation reaches it: at most four words before, in the same clause.
    pub(super) fn negated(&self, found: &Found) -> bool {
        // `not good :(` is not `not :(`.
        if self.tokens.list.get(found.start).is_some_and(|t| t.kind == Kind::Emoji) {
            return false;
        }
        self.negated_at(found.start)
    }

    /// Whether a negation reaches the token at this place.
    pub(super) fn negated_at(&self, start: usize) -> bool {
        let first = self.sentence_at(start).map_or(0, |s| s.first);
        let from = start.saturating_sub(NEGATION_REACH).max(first);
        for at in (from..start).rev() {
            if self.tokens.list.get(at + 1).is_some_and(|t| t.pause) || is(&self.contrasts, at) {
                return false;
            }
            if is(&self.negators, at) {
                return true;
            }
        }
        false
    }

    /// The factor that the words beside it give it: `very`, `a bit`, and its own capitals and drawn-out letters.
    pub(super) fn stress(&self, found: &Found) -> f32 {
        self.stress_of(found.start, found.end)
    }

    /// The same for the tokens `start..end`.
    pub(super) fn stress_of(&self, start: usize, end: usize) -> f32 {
        let mut factor = 1.0;
        let first = self.sentence_at(start).map_or(0, |s| s.first);
        for at in start.saturating_sub(2).max(first)..start {
            factor *= self.boosts.get(at).copied().unwrap_or(1.0);
        }
        for token in self.tokens.list.iter().take(end).skip(start) {
            if token.caps && !self.shouting {
                factor *= 1.2;
            }
            if token.long {
                factor *= 1.2;
            }
        }
        if let Some(sentence) = self.sentence_at(start) {
            factor *= 1.0 + 0.07 * sentence.exclaims.min(3) as f32;
        }
        factor.clamp(0.3, 2.2)
    }

    /// The factor of its place: after `but` things weigh more than before it.
    pub(super) fn place(&self, found: &Found) -> f32 {
        self.place_of(found.start)
    }

    /// The same for the token at this place.
    pub(super) fn place_of(&self, start: usize) -> f32 {
        let Some(token) = self.tokens.list.get(start) else { return 1.0 };
        let Some(sentence) = self.tokens.sentences.get(token.sentence) else { return 1.0 };
        match self.turns.get(token.sentence).copied().flatten() {
            Some(at) if at > sentence.first + 1 && start < at => BEFORE_CONTRAST,
            Some(_) => AFTER_CONTRAST,
            None => {
                let next = self.tokens.sentences.get(token.sentence + 1);
                if next.is_some_and(|s| is(&self.contrasts, s.first)) { 0.8 } else { 1.0 }
            }
        }
    }

    /// A note about something found.
    pub(super) fn note(&self, found: &Found, says: Says<'a>, why: &'a str) -> Note<'a> {
        Note::new(found.start, found.end, says, why)
    }
}

fn cue_of<'a>(lexicon: &'a Lexicon, found: &Found) -> &'a Cue {
    static NONE: Cue =
        Cue { effects: Vec::new(), why: String::new(), weak: false, also_negated: false, even_asked: false };
    lexicon.cue(found.cue).unwrap_or(&NONE)
}

fn mark<T: Copy>(slots: &mut [T], found: &Found, value: T) {
    for slot in slots.iter_mut().take(found.end).skip(found.start) {
        *slot = value;
    }
}

fn is(slots: &[bool], at: usize) -> bool {
    slots.get(at).copied().unwrap_or(false)
}
