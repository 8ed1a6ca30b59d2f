//! What kind of feedback a text is: weights from cues, and the deciding order among its main points (design.md).

use super::cue_file::Effect;
use super::lexicon::Found;
use super::note::{Note, Says};
use super::reading::Reading;
use super::sentiment::Mood;
use crate::model::Category;

/// From this weight on a grievance is a main point of a text …
const MAIN: f32 = 1.5;
/// … if it has at least this share of the heaviest grievance's weight.
const SHARE: f32 = 0.5;
/// Most cues that count for one category.
const MOST: usize = 10;
/// What a question takes from a grievance that stands in it.
const ASKED: f32 = 0.4;
/// … and a question mark alone, without words that ask.
const STATED: f32 = 0.65;
/// … and a question that comes after it.
const TOLD: f32 = 0.9;

/// What a threat or harm weighs as a complaint.
const HARMED: f32 = 2.0;
/// From this sum on several hints of advertising are advertising.
const HINTS: f32 = 2.4;

/// What is known of the text beside its words.
pub(super) struct Setting {
    pub(super) rating: Option<f32>,
    pub(super) press: bool,
}

/// What the rules say: the primary category, the weights, and the cues they rest on.
pub(super) struct Kind<'a> {
    pub(super) category: Category,
    pub(super) notes: Vec<Note<'a>>,
    /// What the rules weighed for each category, in the order of [`Category::ALL`].
    weights: [f32; 14],
    /// Weight of "the trouble is over".
    pub(super) resolved: f32,
    /// Heaviest grievance that is told, not asked about.
    pub(super) told: f32,
    /// Heaviest grievance that words (not the mood alone) speak for.
    pub(super) said: f32,
    /// The text speaks of a product, an order, a service.
    pub(super) topic: bool,
}

impl Kind<'_> {
    /// What the rules weighed for a category.
    pub(super) fn weight(&self, category: Category) -> f32 {
        self.weights.get(category as usize).copied().unwrap_or(0.0)
    }
}

/// Weights of all categories, in the order of [`Category::ALL`].
#[derive(Default)]
struct Weights {
    of: [f32; 14],
    /// Heaviest grievance that words (not the mood alone) speak for.
    said: f32,
    /// Heaviest grievance that is told, not asked about.
    told: f32,
    /// Some cue of advertising decides by itself.
    advertises: bool,
    resolved: f32,
    /// Praise that words (not the mood alone) speak for.
    praised: f32,
    /// The text speaks of a product, an order, a service.
    topic: bool,
}

impl Weights {
    fn get(&self, category: Category) -> f32 {
        self.of.get(category as usize).copied().unwrap_or(0.0)
    }

    fn add(&mut self, category: Category, weight: f32) {
        if let Some(slot) = self.of.get_mut(category as usize) {
            *slot += weight;
        }
    }

    fn grievance(&self) -> f32 {
        Category::ALL.into_iter().filter(|c| c.is_grievance()).map(|c| self.get(c)).fold(0.0, f32::max)
    }
}

/// Decides the kind of a text that was read, and whose mood is known.
pub(super) fn decide<'a>(reading: &Reading<'a>, mood: &Mood<'_>, setting: &Setting) -> Kind<'a> {
    let mut notes = Vec::new();
    let mut weights = gather(reading, &mut notes);
    add_mood(&mut weights, mood, setting, &mut notes);
    add_questions(&mut weights, reading, mood, &mut notes);
    let category = primary(&weights, reading, mood, setting, &mut notes);
    let Weights { of, resolved, told, said, topic, .. } = weights;
    Kind { category, notes, weights: of, resolved, told, said, topic }
}

/// Adds up the cues of each category: the heaviest in full, further ones less and less, overlapping ones once.
fn gather<'a>(reading: &Reading<'a>, notes: &mut Vec<Note<'a>>) -> Weights {
    let mut weights = Weights::default();
    let mut hits: Vec<(Category, Found, f32)> = Vec::new();
    let mut relief: Vec<(Found, f32)> = Vec::new();
    // Where the first words that ask stand, by the first token of their sentence.
    let mut asking: Vec<(usize, usize)> = Vec::new();
    for f in reading.found.iter().filter(|f| reading.cue(f).categories().any(|(c, _)| c == Category::Question)) {
        // What was found is in its order, and so are these.
        if let Some(sentence) = reading.sentence(f)
            && asking.last().is_none_or(|(first, _)| *first != sentence.first)
        {
            asking.push((sentence.first, f.start));
        }
    }
    for found in &reading.found {
        let cue = reading.cue(found);
        let negated = !cue.also_negated && reading.negated(found);
        for (category, weight) in cue.categories() {
            if negated {
                continue;
            }
            let mut weight = weight * reading.place(found);
            if category.is_grievance() && !cue.even_asked && reading.asked(found) {
                let words = reading.sentence(found).and_then(|s| {
                    asking.binary_search_by_key(&s.first, |asks| asks.0).ok().and_then(|n| asking.get(n))
                });
                weight *= match words {
                    Some((_, at)) if *at <= found.start => ASKED,
                    // `My printer is not working, how do I reset it?`: told first, then asked.
                    Some(_) => TOLD,
                    // `The site is down again?` states more than it asks.
                    None => STATED,
                };
            }
            if category.is_grievance() && (cue.even_asked || !reading.asked(found) || weight >= 2.0) {
                weights.told = weights.told.max(weight);
            }
            weights.advertises |= category == Category::Spam && weight >= 2.5;
            hits.push((category, *found, weight));
        }
        for effect in &cue.effects {
            match effect {
                Effect::Resolved(weight) if !negated && !reading.asked(found) => {
                    relief.push((*found, *weight * reading.place(found)));
                }
                Effect::Flag(flag) if flag == "topic" => weights.topic = true,
                _ => {}
            }
        }
    }
    hits.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.1.start.cmp(&b.1.start)));
    for category in Category::ALL {
        let mut counted: Vec<Found> = Vec::new();
        for (_, found, weight) in hits.iter().filter(|h| h.0 == category) {
            if counted.len() >= MOST {
                break;
            }
            if counted.iter().any(|c| c.overlaps(found)) {
                continue;
            }
            let share = [1.0, 0.6, 0.4].get(counted.len()).copied().unwrap_or(0.2);
            weights.add(category, weight * share);
            counted.push(*found);
            if counted.len() <= 3 {
                notes.push(reading.note(found, Says::Category(category), &reading.cue(found).why));
            }
        }
    }
    weights.praised = weights.get(Category::Praise);
    add_harm(&mut weights, reading, notes);
    weights.said = weights.grievance();
    for (found, weight) in relief {
        weights.resolved = weights.resolved.max(weight);
        if notes.len() < 24 {
            notes.push(reading.note(&found, Says::Category(Category::Praise), &reading.cue(&found).why));
        }
    }
    weights
}

/// A threat with a court, a leak, discrimination or danger is a grievance, also where no fault is named.
fn add_harm<'a>(weights: &mut Weights, reading: &Reading<'a>, notes: &mut Vec<Note<'a>>) {
    if weights.grievance() >= MAIN {
        return;
    }
    let harmed = reading.found.iter().find(|f| {
        let cue = reading.cue(f);
        cue.accuses() && (cue.also_negated || !reading.negated(f)) && !reading.asked(f)
    });
    if let Some(found) = harmed {
        weights.add(Category::Complaint, HARMED);
        weights.told = weights.told.max(HARMED);
        notes.push(reading.note(found, Says::Category(Category::Complaint), &reading.cue(found).why));
    }
}

/// Anger without a named fault is a complaint; joy without more is praise.
fn add_mood(weights: &mut Weights, mood: &Mood<'_>, setting: &Setting, notes: &mut Vec<Note<'_>>) {
    if mood.score <= -0.25 && mood.bad > mood.good {
        weights.add(Category::Complaint, 0.8 - mood.score * if weights.said < 1.0 { 1.0 } else { 0.3 });
        if weights.said < 1.0 {
            notes.push(note(Category::Complaint, "the mood is against the brand"));
        }
    }
    if mood.score >= 0.25 {
        weights.add(Category::Praise, mood.score * 2.5);
    }
    match setting.rating {
        Some(stars) if stars <= 2.0 => {
            weights.add(Category::Complaint, 1.5);
            notes.push(note(Category::Complaint, "one or two stars"));
        }
        Some(stars) if stars >= 4.0 => {
            weights.add(Category::Praise, 1.5);
            notes.push(note(Category::Praise, "four or five stars"));
        }
        _ => {}
    }
}

/// A question mark is a question, unless anger asks.
fn add_questions(weights: &mut Weights, reading: &Reading<'_>, mood: &Mood<'_>, notes: &mut Vec<Note<'_>>) {
    let asked = reading.tokens.sentences.iter().filter(|s| s.question && s.end - s.first >= 2).count();
    if asked == 0 {
        return;
    }
    let calm = if mood.score < -0.5 { 0.4 } else { 1.0 };
    weights.add(Category::Question, calm * (1.2 + 0.3 * (asked.min(3) - 1) as f32));
    notes.push(note(Category::Question, "a question mark"));
}

/// The first in the deciding order among the main points.
fn primary(
    weights: &Weights,
    reading: &Reading<'_>,
    mood: &Mood<'_>,
    setting: &Setting,
    notes: &mut Vec<Note<'_>>,
) -> Category {
    let w = |c| weights.get(c);
    let grievance = weights.grievance();
    let hinted = w(Category::Spam) >= HINTS && weights.said < 1.0 && w(Category::Question) < 1.2;
    if (weights.advertises || hinted) && w(Category::Spam) > weights.said {
        return Category::Spam;
    }
    // The press tells of other people's trouble; somebody who writes of themselves is no press.
    if !reading.first_person && (setting.press || w(Category::Press) >= 2.5) {
        notes.push(note(
            Category::Press,
            if setting.press { "a publisher's feed, nobody writes of themselves" } else { "written as news" },
        ));
        return Category::Press;
    }
    // An angry customer with a grievance is never abuse.
    if w(Category::Abuse) >= 2.0 && weights.said < 1.0 && !weights.topic {
        return Category::Abuse;
    }
    let relieved = weights.resolved >= 2.0 && mood.score > -0.35;
    if relieved && weights.resolved + 1.0 >= grievance {
        notes.push(note(Category::Praise, "the trouble is over"));
        return Category::Praise;
    }
    let glad = w(Category::Praise) > 1.6 * grievance && mood.score > 0.3;
    let main = |c: Category| w(c) >= MAIN && w(c) >= SHARE * grievance;
    if grievance >= MAIN && !glad {
        let asks = weights.told < 2.0
            && w(Category::Question) >= 1.2
            && w(Category::Question) >= weights.said
            && mood.score > -0.45;
        let proposes = w(Category::Suggestion) >= 2.0 && w(Category::Suggestion) >= weights.said && mood.score > -0.6;
        if proposes {
            return Category::Suggestion;
        }
        if !asks {
            return Category::ALL.into_iter().find(|c| c.is_grievance() && main(*c)).unwrap_or(Category::Complaint);
        }
    }
    for category in [Category::Suggestion, Category::Question] {
        if w(category) >= 1.2 && w(category) >= 0.5 * w(Category::Praise) {
            return category;
        }
    }
    if grievance >= 1.0 && !glad {
        return Category::ALL
            .into_iter()
            .find(|c| c.is_grievance() && w(*c) >= 0.9 * grievance)
            .unwrap_or(Category::Complaint);
    }
    // Warm words to a friend, or about the weather, praise nobody's service.
    if w(Category::Other) >= 2.0 && !weights.topic && w(Category::Other) >= weights.praised {
        return Category::Other;
    }
    if w(Category::Praise) >= 0.6 {
        return Category::Praise;
    }
    if setting.press || w(Category::Press) >= 1.5 {
        return Category::Press;
    }
    if w(Category::Question) >= 1.0 {
        return Category::Question;
    }
    Category::Other
}

fn note(category: Category, why: &'static str) -> Note<'static> {
    Note::general(Says::Category(category), why)
}
