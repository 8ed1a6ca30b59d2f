//! Sentiment towards the watched brand where others are named too: what is said of a rival is not said of the brand.
//!
//! Two signs: cues that tell who comes and who goes (`[towards …]` in the cue files: `switched from <brand> to`), and
//! clauses: words of feeling in a clause that names the brand count for it, those in a clause that names only somebody
//! else do not.

use super::cue_file::Effect;
use super::note::{Note, Says};
use super::reading::Reading;
use super::terms::Felt;
use super::tokens::{Kind, Token};

/// A clause's feeling below this says nothing: one mild word is no opinion.
const LEAST: f32 = 1.5;
/// What clauses weigh beside cues.
const CLAUSES: f32 = 2.5;

/// How much speaks for (> 0) or against the brand, at most 5, and why; nothing if no brand is known or nothing tells.
pub(super) fn towards<'a>(reading: &Reading<'a>, felt: &Felt<'_>, brand: &[bool]) -> Option<(f32, Note<'a>)> {
    if !brand.contains(&true) {
        return None;
    }
    let mut best: Option<(f32, Note<'a>)> = None;
    for found in &reading.found {
        let cue = reading.cue(found);
        let weight = cue.effects.iter().find_map(|e| if let Effect::Towards(w) = e { Some(*w) } else { None });
        let Some(weight) = weight.filter(|_| !reading.negated(found) && !reading.asked(found)) else { continue };
        if best.as_ref().is_none_or(|(w, _)| weight.abs() > w.abs()) {
            best = Some((weight, reading.note(found, Says::Sentiment(weight), &cue.why)));
        }
    }
    best.or_else(|| clauses(reading, felt, brand))
}

/// Compares what is felt where the brand is named with what is felt where only others are.
fn clauses<'a>(reading: &Reading<'a>, felt: &Felt<'_>, brand: &[bool]) -> Option<(f32, Note<'a>)> {
    let list = &reading.tokens.list;
    let bounds = bounds(reading);
    let (mut own, mut other) = (0.0f32, 0.0f32);
    let (mut rivals, mut place) = (false, None);
    for pair in bounds.windows(2) {
        let &[from, to] = pair else { continue };
        let named = (from..to).find(|i| brand.get(*i).copied().unwrap_or(false));
        let rival = (from..to)
            .any(|i| list.get(i).is_some_and(|t| is_name(reading, t, i)) && !brand.get(i).copied().unwrap_or(false));
        let sum: f32 = felt.hits.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, w)| w).sum();
        match named {
            Some(at) => {
                own += sum;
                place.get_or_insert(at);
            }
            None if rival => {
                rivals = true;
                other += sum;
            }
            None => {}
        }
    }
    if !rivals || own.abs() < LEAST || own * other >= 0.0 || other.abs() < LEAST {
        return None;
    }
    let weight = own.signum() * CLAUSES;
    let at = place?;
    Some((weight, Note::new(at, at + 1, Says::Sentiment(weight), "what is said of others is not counted")))
}

/// Where clauses begin: sentences, and what comes after `but` or a comma.
fn bounds(reading: &Reading<'_>) -> Vec<usize> {
    let mut bounds: Vec<usize> = reading.tokens.sentences.iter().map(|s| s.first).collect();
    bounds.extend(
        reading.tokens.list.iter().enumerate().filter(|(i, t)| t.pause || reading.turns_at(*i)).map(|(i, _)| i),
    );
    bounds.push(reading.tokens.list.len());
    bounds.sort_unstable();
    bounds.dedup();
    bounds
}

/// A name: `@handle`, or a capital inside a sentence that is not all capitals.
fn is_name(reading: &Reading<'_>, token: &Token, at: usize) -> bool {
    if token.kind == Kind::Mention {
        return true;
    }
    let first = reading.sentence_at(at).is_some_and(|s| s.first == at);
    let word = reading.tokens.text.get(token.start..token.end).unwrap_or("");
    let mut letters = word.chars();
    token.kind == Kind::Word
        && letters.next().is_some_and(char::is_uppercase)
        && letters.next().is_some_and(char::is_lowercase)
        // At the beginning of a sentence every word has a capital; a short one there is hardly a name.
        && (!first || word.chars().count() >= 5)
}
