//! How the writer feels: words with weights, changed by negation, stress, contrast, questions, sarcasm and stars.

use super::cue_file::Effect;
use super::lexicon::Found;
use super::note::{Note, Says};
use super::reading::Reading;
use crate::model::{Category, Sentiment, SentimentLabel};

/// A negated good word is bad, a little less than its opposite; a negated bad one is faintly good.
const NEGATED_GOOD: f32 = -0.75;
const NEGATED_BAD: f32 = -0.35;
/// A feeling in a question is often only asked about.
const ASKED: f32 = 0.5;
/// What a grievance says of the mood where no word of feeling stands with it.
const GRIEVANCE: f32 = -1.3;
/// The larger, the more words it takes to reach the ends of the scale.
const DAMPING: f32 = 10.0;
/// From these scores on a text is (very) positive or negative.
const FELT: f32 = 0.18;
const STRONG: f32 = 0.76;
/// How much of the score the stars decide, when there are words too.
const STARS: f32 = 0.65;

/// The mood of a text, and what it rests on.
pub(super) struct Mood<'a> {
    pub(super) score: f32,
    /// Sums of what is good and of what is bad (both ≥ 0).
    pub(super) good: f32,
    pub(super) bad: f32,
    pub(super) irony: bool,
    pub(super) notes: Vec<Note<'a>>,
}

impl Mood<'_> {
    /// The mood in the model's terms.
    pub(super) fn sentiment(&self) -> Sentiment {
        let label = match self.score {
            s if s <= -STRONG => SentimentLabel::VeryNegative,
            s if s <= -FELT => SentimentLabel::Negative,
            s if s >= STRONG => SentimentLabel::VeryPositive,
            s if s >= FELT => SentimentLabel::Positive,
            _ => SentimentLabel::Neutral,
        };
        Sentiment { label, score: (self.score * 100.0).round() / 100.0 }
    }
}

/// Reads the mood. `rating`: 1 to 5 stars, if the source gives them.
pub(super) fn read<'a>(reading: &Reading<'a>, rating: Option<f32>) -> Mood<'a> {
    let mut mood = Mood { score: 0.0, good: 0.0, bad: 0.0, irony: false, notes: Vec::new() };
    let chosen = chosen(reading);
    let sarcasm = sarcasm(reading);
    for (found, weight) in &chosen {
        let cue = reading.cue(found);
        let mut weight = *weight;
        let mut why = cue.why.as_str();
        if !cue.also_negated && reading.negated(found) {
            weight *= if weight > 0.0 { NEGATED_GOOD } else { NEGATED_BAD };
            why = "negated";
        }
        if weight > 0.0 && sarcasm.is_some_and(|(clap, from)| clap.overlaps(found) && found.start < from) {
            weight = -1.5;
            mood.irony = true;
            why = "applause before a grievance: sarcasm";
        }
        weight *= reading.stress(found) * reading.place(found);
        if reading.asked(found) && !cue.even_asked {
            weight *= ASKED;
        }
        if weight == 0.0 {
            continue;
        }
        if weight > 0.0 {
            mood.good += weight;
        } else {
            mood.bad -= weight;
        }
        mood.notes.push(reading.note(found, Says::Sentiment(weight), why));
    }
    let sum = mood.good - mood.bad;
    mood.score = sum / (sum * sum + DAMPING).sqrt();
    if let Some(stars) = rating.filter(|r| (0.5..=5.0).contains(r)) {
        let from_stars = ((stars - 3.0) / 2.0).clamp(-1.0, 1.0);
        mood.score = if chosen.is_empty() { from_stars * 0.9 } else { STARS * from_stars + (1.0 - STARS) * mood.score };
        mood.notes.push(Note::general(Says::Sentiment(from_stars * 4.0), format!("{stars:.1} of 5 stars")));
    }
    mood
}

/// The expressions that count, the longest where they overlap; then the grievances where no such word stands.
fn chosen(reading: &Reading<'_>) -> Vec<(Found, f32)> {
    let mut felt: Vec<(Found, f32)> =
        reading.found.iter().filter_map(|f| reading.cue(f).sentiment().map(|w| (*f, w))).collect();
    felt.sort_by(|(a, v), (b, w)| {
        (b.end - b.start).cmp(&(a.end - a.start)).then(w.abs().total_cmp(&v.abs())).then(a.start.cmp(&b.start))
    });
    let mut taken = vec![false; reading.tokens.list.len()];
    let mut free = |f: &Found| {
        let Some(slots) = taken.get_mut(f.start..f.end) else { return false };
        let free = slots.iter().all(|t| !t);
        if free {
            slots.iter_mut().for_each(|t| *t = true);
        }
        free
    };
    felt.retain(|(f, _)| free(f));
    let mut implied = 0;
    for f in &reading.found {
        let cue = reading.cue(f);
        let grieves = cue.accuses() || cue.categories().any(|(c, w)| c.is_grievance() && w >= 2.0);
        if grieves
            && cue.sentiment().is_none()
            && implied < 4
            && (cue.even_asked || !reading.asked(f))
            && (cue.also_negated || !reading.negated(f))
            && free(f)
        {
            implied += 1;
            felt.push((*f, GRIEVANCE));
        }
    }
    felt.sort_by_key(|(f, _)| f.start);
    felt
}

/// The applause that opens a text, and where the first plain grievance after it starts, if it never says `but`.
fn sarcasm(reading: &Reading<'_>) -> Option<(Found, usize)> {
    let opening = reading.tokens.sentences.first()?;
    let applause = reading.found.iter().find(|f| {
        f.start <= opening.first + 2 && reading.cue(f).has(|e| *e == Effect::Applause) && !reading.negated(f)
    })?;
    let sharp = |f: &&Found| {
        use Category::{Complaint, Refund, Technical, Unresolved};
        let cue = reading.cue(f);
        let named = cue.categories().any(|(c, w)| w >= 2.0 && matches!(c, Technical | Unresolved | Complaint | Refund));
        named && f.start >= applause.end && !reading.negated(f) && !reading.asked(f) && reading.place(f) == 1.0
    };
    reading.found.iter().filter(sharp).map(|f| f.start).min().map(|from| (*applause, from))
}
