//! Whether a query holds for a document, given what the scan found in it; and the places and facts that prove it.

use std::cell::OnceCell;
use std::ops::Range;

use super::Document;
use super::ast::{Fact, Has, Is, Place};
use super::pattern::{Pattern, Text};
use super::plan::{Plan, Program, Step};
use crate::model::{Matched, Part};
use crate::text::fold::{self, Folded};

/// Most places that are reported of one query in one document.
const MAX_MATCHED: usize = 100;
/// Most places that are gathered for it, repeated ones included.
const MAX_GATHERED: usize = 1000;
/// Most places of one regular expression that are looked for.
const MAX_REGEX_PLACES: usize = 20;

/// An occurrence of an atom's literal in the folded text, edges checked, accents and case not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    pub(super) atom: u32,
    /// Which of the atom's patterns.
    pub(super) pattern: u32,
    /// Byte offset of the pattern's key in the folded text.
    pub(super) start: u32,
}

/// What proves a match.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) matched: Vec<Matched>,
    pub(super) facts: Vec<String>,
}

/// One query over one document.
pub(super) struct Evaluation<'a> {
    pub(super) program: &'a Program,
    pub(super) document: &'a Document<'a>,
    /// Sorted.
    pub(super) hits: &'a [Hit],
    pub(super) text: &'a Text<'a>,
    /// Where words begin in the folded text; counted when first needed.
    pub(super) words: &'a OnceCell<Vec<usize>>,
}

/// Whether the query can hold at all if every literal that was found is a true find. Costs no look at the text.
pub(super) fn is_possible(plan: &Plan, hits: &[Hit]) -> bool {
    let hits = within(hits, plan.first..plan.end);
    if hits.is_empty() && plan.needs_atom {
        return false;
    }
    match &plan.step {
        Step::All(children) => children.iter().all(|child| is_possible(child, hits)),
        Step::Any { needing, free } => {
            !free.is_empty() || children_with_hits(needing, hits).any(|(child, hits)| is_possible(child, hits))
        }
        Step::Near { middle, .. } => {
            !within(hits, plan.first..*middle).is_empty() && !within(hits, *middle..plan.end).is_empty()
        }
        Step::Within { .. } => (plan.first..plan.end).all(|atom| !within(hits, atom..atom + 1).is_empty()),
        Step::Not(_) | Step::Atom | Step::Aside { .. } | Step::Regex { .. } | Step::Fact(_) => true,
        Step::Never => false,
    }
}

impl Evaluation<'_> {
    /// The proof that the query holds, or `None`.
    pub(super) fn run(&self) -> Option<Evidence> {
        let mut evidence = Evidence::default();
        if !self.holds(&self.program.root, self.hits, &mut evidence) {
            return None;
        }
        evidence.matched.sort_by(|a, b| (a.part, a.start, b.end, &a.term).cmp(&(b.part, b.start, a.end, &b.term)));
        evidence.matched.dedup();
        evidence.matched.truncate(MAX_MATCHED);
        Some(evidence)
    }

    fn holds(&self, plan: &Plan, hits: &[Hit], evidence: &mut Evidence) -> bool {
        let hits = within(hits, plan.first..plan.end);
        if hits.is_empty() && plan.needs_atom {
            return false;
        }
        match &plan.step {
            Step::All(children) => {
                let (matched, facts) = (evidence.matched.len(), evidence.facts.len());
                let all = children.iter().all(|child| self.holds(child, hits, evidence));
                if !all {
                    evidence.matched.truncate(matched);
                    evidence.facts.truncate(facts);
                }
                all
            }
            Step::Any { needing, free } => {
                let mut any = false;
                for (child, hits) in children_with_hits(needing, hits) {
                    any |= self.holds(child, hits, evidence);
                }
                for child in free {
                    any |= self.holds(child, hits, evidence);
                }
                any
            }
            Step::Not(child) => !self.holds(child, hits, &mut Evidence::default()),
            Step::Atom => {
                let places = self.places(plan.first, hits);
                self.note(plan.first, &places, evidence);
                !places.is_empty()
            }
            Step::Near { middle, distance, ordered } => {
                self.is_near(plan.first..*middle, *middle..plan.end, *distance, *ordered, hits, evidence)
            }
            Step::Within { distance } => self.is_within(plan.first..plan.end, *distance, hits, evidence),
            Step::Aside { place, patterns, label, domain } => self.aside(*place, patterns, label, *domain, evidence),
            Step::Regex { place, regex, label } => {
                let mut any = false;
                for (part, text) in self.texts(*place) {
                    for found in regex.find_iter(text).filter(|found| !found.is_empty()).take(MAX_REGEX_PLACES) {
                        any = true;
                        evidence.matched.push(Matched {
                            part,
                            start: found.start(),
                            end: found.end(),
                            term: label.clone(),
                        });
                    }
                }
                any
            }
            Step::Fact(fact) => {
                let proof = self.fact(fact);
                let holds = proof.is_some();
                evidence.facts.extend(proof);
                holds
            }
            Step::Never => false,
        }
    }

    /// Where an atom truly stands, in order.
    fn places(&self, atom: u32, hits: &[Hit]) -> Vec<Range<usize>> {
        let Some(known) = self.program.atoms.get(atom as usize) else { return Vec::new() };
        let wanted = match known.place {
            Place::Title => Some(0),
            Place::Body => Some(1),
            _ => None,
        };
        let mut places: Vec<Range<usize>> = within(hits, atom..atom + 1)
            .iter()
            .filter_map(|hit| known.patterns.get(hit.pattern as usize)?.verify(self.text, hit.start as usize))
            .filter(|place| wanted.is_none_or(|part| self.text.folded.part_at(place.start) == part))
            .collect();
        places.sort_by_key(|place| (place.start, place.end));
        places.dedup();
        places
    }

    fn note(&self, atom: u32, places: &[Range<usize>], evidence: &mut Evidence) {
        let Some(known) = self.program.atoms.get(atom as usize) else { return };
        // What is beyond the cap is cut in the end: do not even gather it.
        let room = MAX_GATHERED.saturating_sub(evidence.matched.len());
        for place in places.iter().take(room.min(MAX_MATCHED)) {
            let part = if self.text.folded.part_at(place.start) == 0 { Part::Title } else { Part::Text };
            if let Some(original) = self.text.folded.original(place) {
                evidence.matched.push(Matched {
                    part,
                    start: original.start,
                    end: original.end,
                    term: known.label.clone(),
                });
            }
        }
    }

    /// Places of several atoms, in order, each with its atom.
    fn places_of(&self, atoms: Range<u32>, hits: &[Hit]) -> Vec<(Range<usize>, u32)> {
        let mut places: Vec<(Range<usize>, u32)> =
            atoms.flat_map(|atom| self.places(atom, hits).into_iter().map(move |place| (place, atom))).collect();
        places.sort_by_key(|(place, _)| (place.start, place.end));
        places
    }

    fn is_near(
        &self,
        left: Range<u32>,
        right: Range<u32>,
        distance: u32,
        ordered: bool,
        hits: &[Hit],
        evidence: &mut Evidence,
    ) -> bool {
        let (left, right) = (self.places_of(left, hits), self.places_of(right, hits));
        let mut any = false;
        let mut follow = |first: &[(Range<usize>, u32)], second: &[(Range<usize>, u32)]| {
            for (place, atom) in first {
                let next = second.partition_point(|(other, _)| other.start < place.end);
                let Some((other, other_atom)) = second.get(next) else { continue };
                if self.words_between(place, other).is_some_and(|between| between <= distance as usize) {
                    any = true;
                    self.note(*atom, std::slice::from_ref(place), evidence);
                    self.note(*other_atom, std::slice::from_ref(other), evidence);
                }
            }
        };
        follow(&left, &right);
        if !ordered {
            follow(&right, &left);
        }
        any
    }

    fn is_within(&self, atoms: Range<u32>, distance: u32, hits: &[Hit], evidence: &mut Evidence) -> bool {
        let places = self.places_of(atoms.clone(), hits);
        let mut last: Vec<Option<Range<usize>>> = vec![None; atoms.len()];
        let mut any = false;
        for (place, atom) in places {
            let Some(slot) = last.get_mut((atom - atoms.start) as usize) else { continue };
            *slot = Some(place);
            let Some(mut window) = last.iter().cloned().collect::<Option<Vec<_>>>() else { continue };
            window.sort_by_key(|place| place.start);
            let between: Option<usize> = window
                .windows(2)
                .map(|pair| match pair {
                    [a, b] => self.words_between(a, b),
                    _ => None,
                })
                .sum();
            if between.is_some_and(|between| between <= distance as usize) {
                any = true;
                for (atom, place) in atoms.clone().zip(&last) {
                    self.note(atom, place.as_slice(), evidence);
                }
            }
        }
        any
    }

    /// Words that stand between two places of the same part, the first of which comes first.
    fn words_between(&self, a: &Range<usize>, b: &Range<usize>) -> Option<usize> {
        if self.text.folded.part_at(a.start) != self.text.folded.part_at(b.start) {
            return None;
        }
        let words = self.words.get_or_init(|| word_starts(&self.text.folded.base));
        let begun = |offset: usize| words.partition_point(|start| *start < offset);
        Some(begun(b.start).saturating_sub(begun(a.end)))
    }

    /// The texts that a place stands for.
    fn texts(&self, place: Place) -> impl Iterator<Item = (Part, &str)> {
        let document = self.document;
        let (first, second) = match place {
            Place::Anywhere => ((Part::Title, document.title), Some((Part::Text, document.text))),
            Place::Title => ((Part::Title, document.title), None),
            Place::Body => ((Part::Text, document.text), None),
            Place::Author => ((Part::Author, document.author), None),
            Place::Site => ((Part::Site, document.site), None),
            Place::Url => ((Part::Url, document.url), None),
            Place::Link => ((Part::Link, document.links), None),
        };
        std::iter::once(first).chain(second)
    }

    fn aside(&self, place: Place, patterns: &[Pattern], label: &str, domain: bool, evidence: &mut Evidence) -> bool {
        let mut any = false;
        for (part, original) in self.texts(place) {
            let mut folded = Folded::default();
            folded.append(original);
            let text = Text { folded: &folded, parts: &[original], lang: self.document.lang };
            for pattern in patterns {
                let mut from = 0;
                while let Some(found) = folded.base.get(from..).and_then(|rest| rest.find(pattern.key())) {
                    let start = from + found;
                    if let Some(range) = pattern.verify(&text, start).and_then(|place| folded.original(&place)) {
                        any = true;
                        evidence.matched.push(Matched {
                            part,
                            start: range.start,
                            end: range.end,
                            term: label.to_owned(),
                        });
                        break;
                    }
                    from =
                        start + folded.base.get(start..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                }
            }
        }
        if !any && place == Place::Site && domain && is_on_host(self.document.url, label) {
            any = true;
            evidence.facts.push(format!("site:{label}"));
        }
        any
    }

    /// What makes a fact hold, as people read it.
    fn fact(&self, fact: &Fact) -> Option<String> {
        let document = self.document;
        if let Fact::Lang(code) = fact {
            let lang = document.lang.to_lowercase().replace('_', "-");
            let fits = lang.strip_prefix(code.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
            return fits.then(|| format!("lang:{lang}"));
        }
        if let Fact::Source(name) = fact {
            return (document.source.to_lowercase() == name.to_lowercase()).then(|| format!("source:{name}"));
        }
        match fact {
            Fact::Followers(compare, bound) => {
                let count = document.followers?;
                return compare.holds(count, *bound).then(|| format!("followers:{count}"));
            }
            Fact::Rating(compare, bound) => {
                let stars = document.rating?;
                return compare.holds(stars, *bound).then(|| format!("rating:{stars}"));
            }
            Fact::Has(what) => {
                let there = match what {
                    Has::Link => !document.links.is_empty(),
                    Has::Author => !document.author.trim().is_empty(),
                    Has::Title => !document.title.trim().is_empty(),
                    Has::Rating => document.rating.is_some(),
                    Has::Followers => document.followers.is_some(),
                };
                return there.then(|| format!("has:{}", what.as_str()));
            }
            Fact::Is(Is::Reply) => return (document.reply == Some(true)).then(|| "is:reply".to_owned()),
            _ => {}
        }
        let facts = document.facts.as_ref()?;
        match fact {
            Fact::Lang(_) | Fact::Source(_) | Fact::Followers(..) | Fact::Rating(..) | Fact::Has(_) | Fact::Is(_) => {
                None
            }
            Fact::Theme(name) => facts
                .themes
                .iter()
                .any(|one| one.to_lowercase() == name.to_lowercase())
                .then(|| format!("theme:{name}")),
            Fact::Category(category) => {
                (facts.category == *category).then(|| format!("category:{}", category.as_str()))
            }
            Fact::Severity(compare, bound) => {
                compare.holds(facts.severity, *bound).then(|| format!("severity:{}", facts.severity.as_str()))
            }
            Fact::Sentiment(compare, bound) => {
                compare.holds(facts.sentiment, *bound).then(|| format!("sentiment:{}", facts.sentiment.as_str()))
            }
            Fact::Watchlist(name) => facts
                .watchlists
                .iter()
                .any(|one| one.to_lowercase() == name.to_lowercase())
                .then(|| format!("watchlist:{name}")),
            Fact::Flag(name) => {
                facts.flags.iter().any(|flag| flag.to_lowercase() == *name).then(|| format!("flag:{name}"))
            }
        }
    }
}

/// The hits of some atoms.
fn within(hits: &[Hit], atoms: Range<u32>) -> &[Hit] {
    let first = hits.partition_point(|hit| hit.atom < atoms.start);
    let end = hits.partition_point(|hit| hit.atom < atoms.end);
    hits.get(first..end).unwrap_or_default()
}

/// The children that have hits, each with its hits; others are not even looked at, so that a long list of alternatives
/// costs nothing where one of them is found.
fn children_with_hits<'p, 'h>(children: &'p [Plan], hits: &'h [Hit]) -> impl Iterator<Item = (&'p Plan, &'h [Hit])> {
    let mut rest = hits;
    std::iter::from_fn(move || {
        loop {
            let atom = rest.first()?.atom;
            let child = children.get(children.partition_point(|child| child.end <= atom))?;
            let own = rest.partition_point(|hit| hit.atom < child.end);
            let (mine, others) = rest.split_at(own);
            rest = others;
            // A hit before the child belongs to one that needs no atom.
            let mine = within(mine, child.first..child.end);
            if !mine.is_empty() {
                return Some((child, mine));
            }
        }
    })
}

/// Where words begin. Scripts without spaces count each sign; an apostrophe inside a word is part of it.
fn word_starts(base: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    let (mut in_word, mut after_apostrophe) = (false, false);
    for (offset, c) in base.char_indices() {
        if fold::is_word(c) {
            if !in_word && !after_apostrophe {
                starts.push(offset);
            }
            (in_word, after_apostrophe) = (true, false);
        } else if c.is_alphanumeric() {
            starts.push(offset);
            (in_word, after_apostrophe) = (false, false);
        } else {
            after_apostrophe = in_word && c == '\'';
            in_word = false;
        }
    }
    starts
}

/// Whether a link leads to that domain or one below it.
fn is_on_host(url: &str, domain: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().trim_end_matches('.').to_lowercase();
    let domain = domain.to_lowercase();
    host.strip_suffix(&domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
