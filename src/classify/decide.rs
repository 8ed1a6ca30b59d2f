//! The decision: the model's odds, bent by what the source says (stars, a publisher's feed) and by the hard lines that
//! no odds may cross; and why, in the words of the text.
//!
//! The hard lines: an angry customer with a grievance is never abuse · news is press unless somebody writes of
//! themselves · trouble that is over is praise · danger, courts, leaks and discrimination are critical · a grievance is
//! at least medium · praise and spam carry no harm.

use super::brand;
use super::category::{Kind, Setting};
use super::explain;
use super::learned::features::{self, DENSE, Found};
use super::learned::table::{CATEGORY, SENTIMENT, SEVERITY, odds};
use super::learned::talk;
use super::learned::{Model, Talk};
use super::note::{Note, Says};
use super::sentiment::Mood;
use super::severity::Harm;
use super::similar::stopwords;
use crate::model::{Category, Scored, Sentiment, SentimentLabel, Severity};

/// What all grievances together must have of the odds where neither mood nor words of trouble speak for one.
const PLAIN: f32 = 0.6;
/// What is left of the odds of praise where the mood is neither good nor bad.
const PLAINLY_PRAISED: f32 = 0.5;
/// From this weight on the rules have found a grievance.
const GRIEVES: f32 = 1.2;
/// How much the mood and kinds of a text say beside its stars.
const BESIDE_STARS: f32 = 0.75;
/// What a publisher's feed is worth as odds of press.
const PUBLISHER: f32 = 40.0;
/// How much the mood of a grievance heeds how grievances feel.
const HEEDS: f32 = 0.8;
/// Further categories are listed from this probability on.
const LISTED: f32 = 0.05;

/// How much more likely an unresolved matter is where an expression for it was found as a main point.
const ASKS_AGAIN: f32 = 6.0;
/// What words that only news use are worth as odds of press.
const WRITTEN_AS_NEWS: f32 = 6.0;

/// How likely each step of sentiment gives each number of stars.
const STARS: [[f32; 5]; 5] = [
    [0.74, 0.20, 0.04, 0.01, 0.01],
    [0.25, 0.58, 0.13, 0.03, 0.01],
    [0.05, 0.30, 0.45, 0.17, 0.03],
    [0.01, 0.07, 0.20, 0.54, 0.18],
    [0.01, 0.02, 0.06, 0.28, 0.63],
];

/// What was decided about a text in a language with a model.
pub(super) struct Decided<'a> {
    pub(super) sentiment: Sentiment,
    pub(super) category: Category,
    pub(super) categories: Vec<Scored>,
    pub(super) severity: Severity,
    pub(super) flags: Vec<String>,
    pub(super) notes: Vec<Note<'a>>,
}

/// What bends the odds from outside of the text: a user's cues and corrections.
#[derive(Clone, Debug, Default)]
pub(super) struct Bent<'a> {
    /// Added to the scores of the outputs, in their order.
    pub(super) scores: Vec<(usize, f32)>,
    pub(super) notes: Vec<Note<'a>>,
    pub(super) flags: Vec<String>,
    /// At least this severe.
    pub(super) severity: Option<Severity>,
}

/// Decides about a text that was read.
pub(super) fn decide<'a>(
    found: &Found<'_, 'a>,
    model: &Model,
    talk: Option<&Talk>,
    setting: &Setting,
    bent: Bent<'a>,
) -> Decided<'a> {
    let hashed = features::hashed(found);
    let added = model.add_all(&hashed);
    let dense: [f32; DENSE] = features::dense(found);
    let mut scores = model.scores(&added.sum, &dense);
    for (output, by) in &bent.scores {
        if let Some(score) = scores.get_mut(*output) {
            *score += by;
        }
    }
    let mut notes = bent.notes;
    if let Some((weight, note)) = brand::towards(found.reading, found.felt, found.brand) {
        push_towards(&mut scores, weight, model);
        notes.push(note);
    }
    let mut kinds = odds(scores.get(CATEGORY).unwrap_or(&[]), model.sharpness(1));
    let judged = talk.map(|t| t.judge(&t.add_all(&hashed), added.sum.count, &talk::inputs(&dense, &scores, model)));
    if let Some((_, offence)) = judged.filter(|(_, offence)| *offence > talk::NEVER / 2.0) {
        offend(&mut kinds, offence);
    }
    bend(&mut kinds, found, setting, &mut notes);
    let mut moods = odds(scores.get(SENTIMENT).unwrap_or(&[]), model.sharpness(0));
    let grieves: f32 = Category::ALL.into_iter().filter(|c| c.is_grievance()).map(|c| at(&kinds, c)).sum();
    for (odds, feels) in moods.iter_mut().zip(model.feels(&kinds)) {
        *odds *= feels.max(1e-3).powf(HEEDS * grieves);
    }
    if let Some((thirds, _)) = judged {
        // Nor does it know how insults are meant: none are among what it was fitted to.
        let abuses = at(&kinds, Category::Abuse);
        temper(&mut moods, thirds, (1.0 - grieves - abuses).max(0.0));
    }
    let sentiment = mood(&moods, setting, &mut notes);
    let against = matches!(sentiment.label, SentimentLabel::VeryNegative | SentimentLabel::Negative);
    let speaks = against || grievance(found.kind) > 0.0;
    let category = primary(&kinds, speaks, sentiment.label);
    let harms = odds(scores.get(SEVERITY).unwrap_or(&[]), model.sharpness(2));
    let severity = severity(&harms, category, found.harm, bent.severity);
    let common = stopwords(found.language);
    let why = explain::Why::of(&added, model, &scores, found, common);
    // Expressions that people wrote down come first; single words of the model only where they say something more.
    let mut ruled: Vec<Note<'a>> = Vec::with_capacity(24);
    ruled.extend(found.kind.notes.iter().filter(|n| n.says == Says::Category(category)).cloned());
    let of_harm = |n: &&Note<'_>| matches!(n.says, Says::Flag(_)) || n.says == Says::Severity(severity);
    ruled.extend(found.harm.notes.iter().filter(of_harm).cloned());
    mood_notes(found.mood, &found.felt.notes, sentiment.score, &mut ruled);
    let mut learnt = why.category(category, &kinds);
    if severity > Severity::Low {
        learnt.extend(why.severity(severity));
    }
    learnt.extend(why.sentiment(sentiment.label));
    learnt.retain(|note| {
        let said = |n: &&Note<'_>| n.is_about_the_same(note) && n.end > 0;
        let covered = ruled.iter().filter(said).any(|n| n.start < note.end && note.start < n.end);
        if note.why.is_whole() {
            // Words that were found say it better than all of them.
            return !ruled.iter().chain(&notes).any(|n| n.is_about_the_same(note));
        }
        note.end == 0 || !covered
    });
    notes.extend(ruled);
    notes.extend(learnt);
    let mut flags = found.harm.flags.clone();
    flags.extend(bent.flags);
    let categories = listed(&kinds, category, model);
    Decided { sentiment, category, categories, severity, flags, notes }
}

/// Bends the share of abuse towards what the words of people who were called offensive make it.
fn offend(kinds: &mut [f32], offence: f32) {
    let own = at(kinds, Category::Abuse);
    let share = 1.0 / (1.0 + (-offence).exp());
    // What is less likely than not only takes from what the first model holds likely, and only half of it: among many
    // categories a small share would already be the largest.
    let share = if share > 0.5 { share.max(own) } else { own.min((share * own).sqrt()) };
    if (share - own).abs() < 1e-6 {
        return;
    }
    let rest = (1.0 - share) / (1.0 - own).max(1e-6);
    kinds.iter_mut().for_each(|k| *k *= rest);
    if let Some(abuse) = kinds.get_mut(Category::Abuse as usize) {
        *abuse = share;
    }
}

/// Moves the odds of the five steps towards these of bad, plain and good, as far as the text concerns nobody's service and
/// insults nobody.
fn temper(moods: &mut [f32], thirds: [f32; 3], far: f32) {
    let now = talk::thirds(moods);
    for (step, odds) in moods.iter_mut().enumerate() {
        let third = [0, 0, 1, 2, 2].get(step).copied().unwrap_or(1);
        let (Some(to), Some(from)) = (thirds.get(third), now.get(third)) else { continue };
        *odds *= (to.max(1e-3) / from.max(1e-3)).powf(far);
    }
}

/// What tells of the brand moves the sentiment, and with it praise and complaint.
fn push_towards(scores: &mut [f32], weight: f32, model: &Model) {
    let (mood, kind) = (weight / model.sharpness(0), weight / model.sharpness(1));
    let steps = [-1.0, -1.0, 0.0, 1.0, 1.0];
    for (score, step) in scores.iter_mut().skip(SENTIMENT.start).zip(steps) {
        *score += mood * step;
    }
    for category in Category::ALL {
        let sign = match category {
            Category::Praise => 1.0,
            c if c.is_grievance() => -1.0,
            _ => 0.0,
        };
        if let Some(score) = scores.get_mut(CATEGORY.start + category as usize) {
            *score += kind * sign;
        }
    }
}

/// Odds of the five steps as a label and a score, with the stars if there are any.
fn mood(odds: &[f32], setting: &Setting, notes: &mut Vec<Note<'_>>) -> Sentiment {
    let mut odds = odds.to_vec();
    if let Some(stars) = setting.rating.filter(|r| (0.5..=5.0).contains(r)) {
        let (low, part) = ((stars.floor() as usize).clamp(1, 5), stars.fract());
        let row = |n: usize, i: usize| STARS.get(n.clamp(1, 5) - 1).and_then(|r| r.get(i)).copied().unwrap_or(0.2);
        for (step, odds) in odds.iter_mut().enumerate() {
            let seen = row(low, step) * (1.0 - part) + row(low + 1, step) * part;
            *odds = odds.max(1e-4).powf(BESIDE_STARS) * seen;
        }
        notes.push(Note::general(Says::Sentiment((stars - 3.0) * 2.0), format!("{stars:.1} of 5 stars")));
    }
    let total: f32 = odds.iter().sum::<f32>().max(1e-9);
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|i| odds.get(i).copied().unwrap_or(0.0) / total);
    let score = ((e - a) + (d - b) * 0.5).clamp(-1.0, 1.0);
    let label = if a + b >= c && a + b >= d + e {
        if a > b { SentimentLabel::VeryNegative } else { SentimentLabel::Negative }
    } else if d + e > c {
        if e > d { SentimentLabel::VeryPositive } else { SentimentLabel::Positive }
    } else {
        SentimentLabel::Neutral
    };
    Sentiment { label, score: (score * 100.0).round() / 100.0 }
}

/// Bends the odds of the categories by what is known beside the words, and by the hard lines.
fn bend(odds: &mut [f32], found: &Found<'_, '_>, setting: &Setting, notes: &mut Vec<Note<'_>>) {
    let Found { kind, reading, .. } = found;
    let mut times = |category: Category, factor: f32| {
        if let Some(o) = odds.get_mut(category as usize) {
            *o *= factor;
        }
    };
    let mut say = |category: Category, why: &'static str| notes.push(Note::general(Says::Category(category), why));
    if setting.press {
        if reading.first_person && grievance(kind) >= GRIEVES {
            times(Category::Press, 0.2);
        } else {
            times(Category::Press, PUBLISHER);
            say(Category::Press, "a publisher's feed, nobody writes of themselves");
        }
    }
    if !setting.press && kind.category == Category::Press {
        times(Category::Press, WRITTEN_AS_NEWS);
    }
    match setting.rating {
        Some(stars) if stars <= 2.0 => {
            Category::ALL.into_iter().filter(|c| c.is_grievance()).for_each(|c| times(c, 6.0));
            times(Category::Complaint, 2.0);
            times(Category::Praise, 0.1);
            say(Category::Complaint, "one or two stars");
        }
        Some(stars) if stars >= 4.0 => {
            times(Category::Praise, 8.0);
            say(Category::Praise, "four or five stars");
        }
        _ => {}
    }
    // Somebody who asks again about an earlier contact comes before what they ask for.
    if kind.category == Category::Unresolved {
        times(Category::Unresolved, ASKS_AGAIN);
    }
    // Trouble that is over, and nothing new beside it.
    if kind.category == Category::Praise && kind.resolved >= 2.0 {
        times(Category::Praise, 6.0);
    }
    // An angry customer with a grievance is never abuse.
    let grieves: f32 = Category::ALL.into_iter().filter(|c| c.is_grievance()).map(|c| at(odds, c)).sum();
    if (grievance(kind) >= GRIEVES || grieves >= at(odds, Category::Abuse))
        && let Some(o) = odds.get_mut(Category::Abuse as usize)
    {
        *o *= 0.05;
    }
    let total: f32 = odds.iter().sum::<f32>().max(1e-9);
    odds.iter_mut().for_each(|o| *o /= total);
}

/// Heaviest grievance of the rules that words speak for.
fn grievance(kind: &Kind<'_>) -> f32 {
    kind.said
}

fn at(odds: &[f32], category: Category) -> f32 {
    odds.get(category as usize).copied().unwrap_or(0.0)
}

/// The likeliest category; grievances stand together against the rest. Where neither mood nor words of trouble speak for
/// one, they have to have more than [`PLAIN`] of the odds: plain news is spread over several categories. Whoever sounds
/// unhappy praises nothing, and plain words praise less.
fn primary(odds: &[f32], speaks: bool, mood: SentimentLabel) -> Category {
    let glad = match mood {
        SentimentLabel::VeryNegative | SentimentLabel::Negative => 0.0,
        SentimentLabel::Neutral => PLAINLY_PRAISED,
        SentimentLabel::Positive | SentimentLabel::VeryPositive => 1.0,
    };
    let at = |odds: &[f32], c: Category| at(odds, c) * if c == Category::Praise { glad } else { 1.0 };
    let best = |grievance: bool| {
        Category::ALL
            .into_iter()
            .filter(|c| c.is_grievance() == grievance)
            .max_by(|a, b| at(odds, *a).total_cmp(&at(odds, *b)).then(b.cmp(a)))
            .unwrap_or(Category::Other)
    };
    let grieves: f32 = Category::ALL.into_iter().filter(|c| c.is_grievance()).map(|c| at(odds, c)).sum();
    let other = best(false);
    if grieves > at(odds, other) && (speaks || grieves > PLAIN) { best(true) } else { other }
}

/// Severity from its odds, within the hard lines.
fn severity(odds: &[f32], category: Category, harm: &Harm<'_>, least: Option<Severity>) -> Severity {
    let likely = Severity::ALL
        .into_iter()
        .max_by(|a, b| {
            let odds = |s: &Severity| odds.get(*s as usize).copied().unwrap_or(0.0);
            odds(a).total_cmp(&odds(b))
        })
        .unwrap_or(Severity::Low);
    let lined = match category {
        Category::Praise | Category::Spam => Severity::Low,
        _ if harm.severity == Severity::Critical => Severity::Critical,
        c if c.is_grievance() => likely.max(Severity::Medium),
        // High is a grievance's: an insult without one is low, unless it threatens or words of harm were found.
        Category::Abuse if likely < Severity::Critical && harm.severity < Severity::High => Severity::Low,
        // Medium is an ordinary grievance or fault; what is neither is low, or worse than ordinary.
        Category::Press => Severity::Low,
        _ if likely == Severity::Medium => Severity::Low,
        _ => likely,
    };
    least.map_or(lined, |least| lined.max(least))
}

/// Probabilities that the categories apply; the primary one first, what is unlikely left out.
fn listed(odds: &[f32], primary: Category, model: &Model) -> Vec<Scored> {
    let score = |c: Category| (model.applies(c as usize, at(odds, c)) * 100.0).round() / 100.0;
    let mut all: Vec<Scored> = Category::ALL
        .into_iter()
        .filter(|c| *c != primary)
        .map(|name| Scored { name, score: score(name) })
        .filter(|s| s.score >= LISTED)
        .collect();
    all.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.name.cmp(&b.name)));
    all.insert(0, Scored { name: primary, score: score(primary) });
    all
}

/// Appends the words of feeling that pull the way it went, those of the cue files first.
fn mood_notes<'a>(mood: &Mood<'a>, felt: &[Note<'a>], score: f32, out: &mut Vec<Note<'a>>) {
    let with = |n: &&Note<'_>| match n.says {
        // What is written as 0.0 pulls both ways.
        Says::Sentiment(pull) => pull.abs() < 0.05 || pull * score >= 0.0,
        _ => true,
    };
    let from = out.len();
    out.extend(mood.notes.iter().filter(with).take(6).cloned());
    for note in felt.iter().filter(with).take(6) {
        if !out.iter().skip(from).any(|o| o.start < note.end && note.start < o.end) {
            out.push(note.clone());
        }
    }
}
