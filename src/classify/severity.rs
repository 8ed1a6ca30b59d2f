//! How much harm is done or threatened, and the marks that go with it.

use super::cue_file::Effect;
use super::note::{Note, Says};
use super::reading::Reading;
use crate::model::{Category, Severity};

/// Severity and flags, with what they rest on.
pub(super) struct Harm<'a> {
    pub(super) severity: Severity,
    pub(super) flags: Vec<String>,
    pub(super) notes: Vec<Note<'a>>,
}

/// Flags that cues set for other parts of the classifier and that nobody outside reads.
pub(super) const INNER_FLAGS: [&str; 1] = ["topic"];

/// Weighs the cues of harm, given the primary category.
///
/// A grievance is at least medium. Praise has no harm in it (what was bad is over), and spam none that concerns the
/// brand; cues marked `weak` need a grievance beside them.
pub(super) fn weigh<'a>(reading: &Reading<'a>, category: Category) -> Harm<'a> {
    let grieves = category.is_grievance();
    let base = if grieves { Severity::Medium } else { Severity::Low };
    let mut harm = Harm { severity: base, flags: Vec::new(), notes: Vec::new() };
    for found in &reading.found {
        let cue = reading.cue(found);
        let is_harm = cue.has(|e| matches!(e, Effect::Severity(_) | Effect::Flag(_)));
        if !is_harm || (cue.weak && !grieves) || (!cue.also_negated && reading.negated(found)) {
            continue;
        }
        if matches!(category, Category::Spam | Category::Praise) {
            continue;
        }
        for effect in &cue.effects {
            match effect {
                Effect::Flag(flag) if !INNER_FLAGS.contains(&flag.as_str()) && !harm.flags.contains(flag) => {
                    harm.flags.push(flag.clone());
                    if !cue.has(|e| matches!(e, Effect::Severity(_))) {
                        harm.notes.push(reading.note(found, Says::Flag(flag), &cue.why));
                    }
                }
                Effect::Severity(level) => {
                    // A question about something dangerous is asked in calm; only what is critical counts in it.
                    let calm = !grieves && *level < Severity::Critical;
                    if calm {
                        continue;
                    }
                    harm.severity = harm.severity.max(*level);
                    if harm.notes.len() < 8 {
                        harm.notes.push(reading.note(found, Says::Severity(*level), &cue.why));
                    }
                }
                _ => {}
            }
        }
    }
    harm
}
