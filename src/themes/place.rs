//! Which theme a mention belongs to. A theme is remembered by the terms of its mentions added up; a mention joins the
//! nearest theme of its watchlist that is near enough, or begins one. Candidates come from an inverted index, so the
//! time for one mention does not grow with the number of themes; what is remembered is capped, the longest unheard of go
//! first.

use std::collections::{BTreeSet, HashMap, VecDeque};

use jiff::Timestamp;

use super::mood::is_mood;
use super::terms::{Terms, is_concept, is_issue};

/// Two themes are about similar things from here on: what became of one helps with the other.
pub const AKIN: f32 = 0.34;
/// A mention joins a theme from this nearness on; the more surely it is about an issue that support desks know, the nearer
/// it must be (up to the second): among bank customers everybody speaks of cards and transfers. Chosen, as what follows, on
/// BANKING77, by tables that had not seen the rows they were measured on.
const NEAR: f32 = 0.34;
const NEAR_ISSUE: f32 = 0.60;
/// From this likelihood of a known issue on, the second counts in full.
const LIKELY: f32 = 0.50;
/// A mention whose issue is so much likelier than the next joins the theme of that issue, and no theme of another.
const SURE: f32 = 0.78;
/// How sure a theme's mentions must be of an issue, on average, for it to be the theme's.
const AGREED: f32 = 0.30;
/// What it adds that both may be about the same issue.
const SAME_ISSUE: f32 = 0.10;
/// Two themes that grew this much alike are one.
const SAME: f32 = 0.75;
/// Terms that are remembered of a theme, the heaviest.
const MOST_TERMS: usize = 48;
/// Themes that are remembered.
const MOST_THEMES: usize = 20_000;
/// Themes that are remembered behind one term: a term that more have tells none of them.
const MOST_BEHIND: usize = 96;
/// Themes that are compared in full.
const MOST_COMPARED: usize = 32;
/// Words that name a theme, and that give the reason why a mention joins it.
const NAMING: usize = 3;

/// One term of a theme: the sum of its weights, how many mentions have it, and how it reads.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Remembered {
    #[serde(rename = "h")]
    pub hash: u32,
    #[serde(rename = "w")]
    pub weight: f32,
    #[serde(rename = "n")]
    pub mentions: u32,
    #[serde(rename = "r", default, skip_serializing_if = "String::is_empty")]
    pub word: String,
}

/// Why a mention joined a theme.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Joined {
    /// Nothing like it was there.
    First,
    /// It shares these words; how near it is (0 … 1).
    Shares { words: Vec<String>, near: f32 },
    /// Both are about an issue that support desks know; the words they share, and how sure it is (0 … 1).
    Issue { issue: String, words: Vec<String>, near: f32 },
    /// A query of the configuration says so.
    Named { name: String },
    /// A person said so.
    ByHand,
}

impl Joined {
    /// For logs and commands, in English.
    pub fn words(&self) -> String {
        match self {
            Joined::First => "the first of its kind".into(),
            Joined::Shares { words, near } if words.is_empty() => format!("about the same known issue ({near:.2})"),
            Joined::Shares { words, near } => format!("shares {} ({near:.2})", words.join(", ")),
            Joined::Issue { issue, words, near } => {
                let shares = if words.is_empty() { String::new() } else { format!(", shares {}", words.join(", ")) };
                format!("about the same known issue, {}{shares} ({near:.2})", issue.replace('_', " "))
            }
            Joined::Named { name } => format!("matches the theme `{name}` of the configuration"),
            Joined::ByHand => "placed by hand".into(),
        }
    }
}

/// Where a mention belongs.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// `None`: it begins a theme.
    pub theme: Option<i64>,
    pub why: Joined,
    /// Another theme that has become the same as this one.
    pub twin: Option<i64>,
}

/// A theme as it is remembered.
#[derive(Clone, Debug)]
struct Held {
    watchlist: String,
    mentions: u32,
    last: Timestamp,
    /// A query of the configuration gathers it.
    named: bool,
    /// By hash.
    terms: Vec<Remembered>,
    norm: f32,
}

impl Held {
    fn is_single(&self) -> bool {
        self.mentions <= 1 && !self.named
    }
}

/// All themes of the recent past.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    themes: HashMap<i64, Held>,
    named: HashMap<(String, String), i64>,
    behind: HashMap<u32, VecDeque<i64>>,
    /// When each was heard of last; single voices apart, which are most of them and are worth the least.
    by_age: BTreeSet<(Timestamp, i64)>,
    single: BTreeSet<(Timestamp, i64)>,
    /// How many mentions have a term, and how many there are.
    having: HashMap<u32, u32>,
    mentions: u32,
}

impl Memory {
    /// How many themes are remembered.
    pub fn len(&self) -> usize {
        self.themes.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.themes.is_empty()
    }

    /// How rare a term is among the mentions so far, 0 … 1: 1 unless a good part of them has it.
    pub fn rare(&self, hash: u32) -> f32 {
        let having = self.having.get(&hash).copied().unwrap_or(0);
        let (all, having) = (self.mentions as f32, having as f32);
        (((all + 50.0) / (having + 2.0)).ln() / 25.0_f32.ln()).clamp(0.0, 1.0)
    }

    /// Where a mention of a watchlist belongs. `named` is the first query of the configuration that it matches.
    pub fn place(&self, watchlist: &str, terms: &Terms, named: Option<&str>) -> Placement {
        if let Some(name) = named {
            let theme = self.named.get(&(watchlist.to_owned(), name.to_owned())).copied();
            return Placement { theme, why: Joined::Named { name: name.to_owned() }, twin: None };
        }
        let near = self.near(watchlist, terms);
        let likely = terms.1.map_or(0.0, |known| (known.likely / LIKELY).min(1.0));
        let need = NEAR + (NEAR_ISSUE - NEAR) * likely;
        let Some(&(theme, nearness)) = near.first().filter(|(_, nearness)| nearness.near() >= need) else {
            return Placement { theme: None, why: Joined::First, twin: None };
        };
        let twin = near.iter().skip(1).take(2).map(|(id, _)| *id).find(|other| self.alike(theme, *other) >= SAME);
        let words = self.themes.get(&theme).map(|held| shared(held, terms)).unwrap_or_default();
        let why = match (nearness, terms.1) {
            (Nearness::Issue(near), Some(known)) => Joined::Issue { issue: known.name.to_owned(), words, near },
            (nearness, _) => Joined::Shares { words, near: nearness.near().min(1.0) },
        };
        Placement { theme: Some(theme), why, twin }
    }

    /// Remembers that a mention is in a theme; the theme's terms afterwards.
    pub fn join(
        &mut self,
        theme: i64,
        watchlist: &str,
        terms: &Terms,
        named: Option<&str>,
        at: Timestamp,
    ) -> &[Remembered] {
        self.mentions = self.mentions.saturating_add(1);
        for term in &terms.0 {
            *self.having.entry(term.hash).or_default() += 1;
        }
        // Taken out of the map and put back: the index is only told what changed.
        let mut held = self.themes.remove(&theme).unwrap_or_else(|| Held {
            watchlist: watchlist.to_owned(),
            mentions: 0,
            last: at,
            named: false,
            terms: Vec::with_capacity(terms.0.len()),
            norm: 0.0,
        });
        self.forget_age(theme, &held);
        held.mentions += 1;
        held.last = held.last.max(at);
        held.named |= named.is_some();
        let mut new: Vec<(u32, f32)> = Vec::new();
        for term in &terms.0 {
            match held.terms.binary_search_by_key(&term.hash, |t| t.hash) {
                Ok(place) => {
                    if let Some(known) = held.terms.get_mut(place) {
                        known.weight += term.weight;
                        known.mentions += 1;
                    }
                }
                Err(place) => {
                    let word = term.word.clone();
                    held.terms.insert(place, Remembered { hash: term.hash, weight: term.weight, mentions: 1, word });
                    new.push((term.hash, term.weight));
                }
            }
        }
        for dropped in shorten(&mut held.terms) {
            self.uncount(&dropped);
            match new.iter().position(|(hash, _)| *hash == dropped.hash) {
                Some(place) => {
                    new.swap_remove(place);
                }
                None => self.unlist(dropped.hash, theme),
            }
        }
        for (hash, weight) in new {
            self.list(hash, theme, weight);
        }
        held.norm = norm(&held.terms);
        self.note_age(theme, &held);
        self.themes.insert(theme, held);
        if let Some(name) = named {
            self.named.insert((watchlist.to_owned(), name.to_owned()), theme);
        }
        self.make_room();
        self.themes.get(&theme).map_or(&[], |held| &held.terms)
    }

    /// Makes one theme of two: `from` is gone, `into` has the terms of both.
    pub fn merge(&mut self, from: i64, into: i64) {
        let Some(gone) = self.take(from) else { return };
        let Some(mut held) = self.take(into) else {
            self.put(into, gone);
            return;
        };
        held.mentions += gone.mentions;
        held.last = held.last.max(gone.last);
        held.named |= gone.named;
        for term in gone.terms {
            match held.terms.binary_search_by_key(&term.hash, |t| t.hash) {
                Ok(place) => {
                    if let Some(known) = held.terms.get_mut(place) {
                        known.weight += term.weight;
                        known.mentions += term.mentions;
                    }
                }
                Err(place) => held.terms.insert(place, term),
            }
        }
        for dropped in shorten(&mut held.terms) {
            self.uncount(&dropped);
        }
        self.put(into, held);
        self.named.values_mut().filter(|id| **id == from).for_each(|id| *id = into);
    }

    /// The terms of a theme, by hash.
    pub fn terms(&self, theme: i64) -> &[Remembered] {
        self.themes.get(&theme).map_or(&[], |held| &held.terms)
    }

    /// Remembers a theme as the record has it.
    pub fn restore(
        &mut self,
        theme: i64,
        watchlist: &str,
        named: Option<&str>,
        terms: Vec<Remembered>,
        mentions: u32,
        last: Timestamp,
    ) {
        self.forget(theme);
        self.mentions = self.mentions.saturating_add(mentions);
        for term in &terms {
            *self.having.entry(term.hash).or_default() += term.mentions;
        }
        if let Some(name) = named {
            self.named.insert((watchlist.to_owned(), name.to_owned()), theme);
        }
        let named = named.is_some();
        self.put(theme, Held { watchlist: watchlist.to_owned(), mentions, last, named, terms, norm: 0.0 });
        self.make_room();
    }

    /// A query whose theme became part of another one gathers that one from now on, unless there is one of its own.
    pub fn stands_for(&mut self, watchlist: &str, named: &str, theme: i64) {
        let key = (watchlist.to_owned(), named.to_owned());
        if self.named.contains_key(&key) {
            return;
        }
        let Some(mut held) = self.themes.remove(&theme) else { return };
        self.forget_age(theme, &held);
        held.named = true;
        self.note_age(theme, &held);
        self.themes.insert(theme, held);
        self.named.insert(key, theme);
    }

    /// Forgets what nobody has added to since: single voices before the second moment, all others before the first. What a
    /// query of the configuration gathers counts with the others: it keeps its number.
    pub fn forget_before(&mut self, all: Timestamp, single: Timestamp) {
        for (before, is_single) in [(all, false), (single.max(all), true)] {
            let ages = |memory: &Self| if is_single { memory.single.first() } else { memory.by_age.first() }.copied();
            while let Some((last, theme)) = ages(self)
                && last < before
            {
                self.forget(theme);
            }
        }
    }

    /// Forgets a theme: it was merged into another, or is too old.
    pub fn forget(&mut self, theme: i64) {
        if let Some(held) = self.take(theme) {
            self.mentions = self.mentions.saturating_sub(held.mentions);
            for term in &held.terms {
                self.uncount(term);
            }
            self.named.retain(|_, id| *id != theme);
        }
    }

    fn uncount(&mut self, term: &Remembered) {
        if let Some(count) = self.having.get_mut(&term.hash) {
            *count = count.saturating_sub(term.mentions);
            if *count == 0 {
                self.having.remove(&term.hash);
            }
        }
    }

    /// Themes of a watchlist that share terms, nearest first.
    fn near(&self, watchlist: &str, terms: &Terms) -> Vec<(i64, Nearness)> {
        let mut shares: HashMap<i64, f32> = HashMap::new();
        for term in &terms.0 {
            for theme in self.behind.get(&term.hash).into_iter().flatten() {
                *shares.entry(*theme).or_default() += term.weight * term.weight;
            }
        }
        let mut candidates: Vec<(i64, f32)> = shares.into_iter().collect();
        if candidates.len() > MOST_COMPARED {
            candidates.select_nth_unstable_by(MOST_COMPARED, |a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            candidates.truncate(MOST_COMPARED);
        }
        let mut near: Vec<(i64, Nearness)> = candidates
            .into_iter()
            .filter_map(|(theme, _)| {
                let held = self.themes.get(&theme).filter(|held| held.watchlist == watchlist)?;
                Some((theme, nearness(held, terms)))
            })
            .collect();
        near.sort_by(|a, b| b.1.rank().total_cmp(&a.1.rank()).then(a.0.cmp(&b.0)));
        near
    }

    fn alike(&self, a: i64, b: i64) -> f32 {
        let (Some(a), Some(b)) = (self.themes.get(&a), self.themes.get(&b)) else { return 0.0 };
        alike(&a.terms, &b.terms)
    }

    /// Takes a theme out of the index.
    fn take(&mut self, theme: i64) -> Option<Held> {
        let held = self.themes.remove(&theme)?;
        self.forget_age(theme, &held);
        for term in &held.terms {
            self.unlist(term.hash, theme);
        }
        Some(held)
    }

    fn list(&mut self, term: u32, theme: i64, weight: f32) {
        let behind = self.behind.entry(term).or_default();
        behind.push_back(theme);
        if behind.len() > MOST_BEHIND {
            // Of an issue, the theme that has most of it must stay; of a word, the newest.
            let weight = |id: &i64| {
                if *id == theme {
                    return Some(weight);
                }
                let held = self.themes.get(id)?;
                Some(held.terms.get(held.terms.binary_search_by_key(&term, |t| t.hash).ok()?)?.weight)
            };
            let least = if is_issue(term) {
                let weights = behind.iter().map(|id| weight(id).unwrap_or(0.0)).enumerate();
                weights.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(at, _)| at)
            } else {
                0
            };
            behind.remove(least);
        }
    }

    fn unlist(&mut self, term: u32, theme: i64) {
        if let Some(behind) = self.behind.get_mut(&term) {
            behind.retain(|id| *id != theme);
            if behind.is_empty() {
                self.behind.remove(&term);
            }
        }
    }

    fn put(&mut self, theme: i64, mut held: Held) {
        held.norm = norm(&held.terms);
        for term in &held.terms {
            self.list(term.hash, theme, term.weight);
        }
        self.note_age(theme, &held);
        self.themes.insert(theme, held);
    }

    fn note_age(&mut self, theme: i64, held: &Held) {
        let ages = if held.is_single() { &mut self.single } else { &mut self.by_age };
        ages.insert((held.last, theme));
    }

    fn forget_age(&mut self, theme: i64, held: &Held) {
        let ages = if held.is_single() { &mut self.single } else { &mut self.by_age };
        ages.remove(&(held.last, theme));
    }

    fn make_room(&mut self) {
        while self.themes.len() > MOST_THEMES
            && let Some(&(_, oldest)) = self.single.first().or_else(|| self.by_age.first())
        {
            self.forget(oldest);
        }
    }
}

/// The words by which people recognise a theme: those that most of its mentions share, heaviest first. Words of feeling
/// say nothing of what it is about, and name it only where there are no others; nor do the names of concepts, which
/// nobody may have written.
pub fn name(terms: &[Remembered]) -> String {
    let mut readable: Vec<&Remembered> = terms.iter().filter(|t| !t.word.is_empty()).collect();
    readable.sort_by(|a, b| {
        let worth = |t: &Remembered| t.weight * (t.mentions as f32).sqrt();
        worth(b).total_cmp(&worth(a)).then(a.hash.cmp(&b.hash))
    });
    let (mut readable, concepts): (Vec<_>, Vec<_>) =
        readable.into_iter().partition(|term| !is_concept(term.hash, &term.word));
    // Words of one mention alone name nothing that others share.
    if readable.iter().filter(|term| term.mentions > 1).count() < 2 {
        readable.extend(concepts);
    }
    if readable.iter().any(|term| !is_mood(&term.word)) {
        readable.retain(|term| !is_mood(&term.word));
    }
    let mut chosen: Vec<&str> = Vec::new();
    for term in readable {
        let words: Vec<&str> = term.word.split(' ').collect();
        let said = |w: &&str| chosen.iter().any(|c| c.split(' ').any(|c| is_form(c, w)));
        if words.iter().all(said) {
            continue;
        }
        // A pair of words says what its one word says.
        chosen.retain(|c| !words.contains(c));
        chosen.push(&term.word);
        if chosen.len() == NAMING {
            break;
        }
    }
    chosen.join(", ")
}

/// Whether two words are one, or one the other with a short ending: `crash` and `crashes`.
fn is_form(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short == long || short.len() >= 4 && long.len() - short.len() <= 3 && long.starts_with(short)
}

/// How alike what two themes are recognised by is, 0 … 1; both by hash.
pub fn alike(a: &[Remembered], b: &[Remembered]) -> f32 {
    let mut dot = 0.0;
    for term in a.iter().filter(|t| !is_issue(t.hash)) {
        if let Ok(place) = b.binary_search_by_key(&term.hash, |t| t.hash) {
            dot += term.weight * b.get(place).map_or(0.0, |t| t.weight);
        }
    }
    dot / (norm(a) * norm(b)).max(1e-6)
}

/// How near a mention is to a theme.
#[derive(Clone, Copy, Debug)]
enum Nearness {
    /// Both are surely about the same known issue: how surely.
    Issue(f32),
    /// By what they share.
    Terms(f32),
}

impl Nearness {
    /// What is compared with the thresholds.
    fn near(self) -> f32 {
        match self {
            Nearness::Issue(_) => 1.0,
            Nearness::Terms(near) => near,
        }
    }

    /// A known issue goes before whatever words are shared.
    fn rank(self) -> f32 {
        match self {
            Nearness::Issue(sure) => 2.0 + sure,
            Nearness::Terms(near) => near,
        }
    }
}

fn nearness(held: &Held, terms: &Terms) -> Nearness {
    let (mut same, mut other) = (0.0_f32, 0.0_f32);
    for issue in held.terms.iter().filter(|t| is_issue(t.hash)) {
        let agreed = issue.weight / held.mentions.max(1) as f32;
        if terms.0.iter().any(|t| t.hash == issue.hash) {
            same = agreed;
        } else {
            other = other.max(agreed);
        }
    }
    let margin = terms.1.map_or(0.0, |known| known.margin);
    if margin >= SURE {
        return if same >= AGREED { Nearness::Issue(margin.min(same)) } else { Nearness::Terms(0.0) };
    }
    let against = if same > other { 0.0 } else { other };
    Nearness::Terms(cosine(held, terms) + SAME_ISSUE * (margin * same).sqrt() - against)
}

/// The length of what a theme is recognised by, known issues left out.
fn norm(terms: &[Remembered]) -> f32 {
    terms.iter().filter(|t| !is_issue(t.hash)).map(|t| t.weight * t.weight).sum::<f32>().sqrt()
}

fn cosine(held: &Held, terms: &Terms) -> f32 {
    let mut dot = 0.0;
    for term in terms.0.iter().filter(|t| !is_issue(t.hash)) {
        if let Ok(place) = held.terms.binary_search_by_key(&term.hash, |t| t.hash) {
            dot += term.weight * held.terms.get(place).map_or(0.0, |t| t.weight);
        }
    }
    dot / held.norm.max(1e-6)
}

fn shared(held: &Held, terms: &Terms) -> Vec<String> {
    let mut words: Vec<(f32, &str)> = (terms.0.iter().filter(|t| !t.word.is_empty()))
        .filter_map(|t| {
            let place = held.terms.binary_search_by_key(&t.hash, |known| known.hash).ok()?;
            Some((t.weight * held.terms.get(place)?.weight, t.word.as_str()))
        })
        .collect();
    words.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    words.into_iter().take(NAMING).map(|(_, word)| word.to_owned()).collect()
}

/// Keeps the heaviest terms, by hash; answers the others.
fn shorten(terms: &mut Vec<Remembered>) -> Vec<Remembered> {
    if terms.len() <= MOST_TERMS {
        return Vec::new();
    }
    terms.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.hash.cmp(&b.hash)));
    let dropped = terms.split_off(MOST_TERMS);
    terms.sort_by_key(|t| t.hash);
    dropped
}

#[cfg(test)]
mod tests;
