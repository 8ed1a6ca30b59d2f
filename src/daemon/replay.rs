//! What a changed configuration would have done: entries that were kept are read again with the old configuration and
//! with the new one, and the two are compared. Nothing is recorded or sent; the same words, routes and recipients as in
//! `reading` decide.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use super::engine::Engine;
use super::reading::{deliveries, judge, match_watchlists};
use crate::dedup::{Links, StoryKey};
use crate::model::{Decision, Entry, WatchlistMatch};
use crate::query::Scratch;

/// Examples of each kind.
pub const MAX_EXAMPLES: usize = 5;
/// Letters of a text that an example shows.
const MAX_SHOWN: usize = 100;

/// Entries of one source, heard at one time.
pub struct Batch {
    pub source: String,
    pub at: Timestamp,
    pub entries: Vec<Entry>,
}

/// One text that is named for others like it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    pub source: String,
    pub at: Timestamp,
    /// The title, or the beginning of the text.
    pub text: String,
    pub url: Option<String>,
    /// The words that were found, each once.
    pub terms: Vec<String>,
}

/// How many before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Change {
    pub before: u64,
    pub after: u64,
}

/// What becomes of one watchlist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WatchlistChange {
    #[serde(flatten)]
    pub mentions: Change,
    /// Mentions that only the new configuration has, and some of them.
    pub gained: u64,
    pub gained_examples: Vec<Example>,
    /// Mentions that only the old configuration has, and some of them.
    pub lost: u64,
    pub lost_examples: Vec<Example>,
}

/// Mentions that would go elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RouteChange {
    pub mentions: u64,
    pub examples: Vec<Example>,
}

/// The comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    pub entries: u64,
    pub watchlists: BTreeMap<String, WatchlistChange>,
    /// Mails in all, by recipient; alerts that would be bundled are counted one by one.
    pub mails: BTreeMap<String, Change>,
    /// From where to where, and the reasons: `support (handles refund) → sales (route 1 (mentiond.toml:9))`.
    pub routes: BTreeMap<String, RouteChange>,
    pub cases: Change,
    /// Cases that only one of the two opens.
    pub cases_gained: Vec<Example>,
    pub cases_lost: Vec<Example>,
    /// Sources whose entries were kept and that one of the configurations does not have.
    pub unknown_sources: Vec<String>,
}

/// Both configurations, and what they have seen so far.
pub struct Replay<'e> {
    before: Side<'e>,
    after: Side<'e>,
    comparison: Comparison,
    scratch: Scratch,
}

struct Side<'e> {
    engine: &'e Engine,
    /// Places of sources by name.
    sources: HashMap<String, usize>,
    /// Whatever makes entries the same story; the second one is a copy, for which nobody gets a mail.
    seen: HashSet<StoryKey>,
}

/// What one configuration makes of an entry.
struct Outcome {
    watchlists: Vec<WatchlistMatch>,
    decision: Decision,
    recipients: Vec<String>,
}

impl<'e> Replay<'e> {
    pub fn new(before: &'e Engine, after: &'e Engine) -> Self {
        let side = |engine: &'e Engine| Side {
            engine,
            sources: engine.config.sources.iter().enumerate().map(|(n, s)| (s.name.clone(), n)).collect(),
            seen: HashSet::new(),
        };
        Self {
            before: side(before),
            after: side(after),
            comparison: Comparison::default(),
            scratch: Scratch::default(),
        }
    }

    /// Reads entries with both configurations. Batches are handed in as they were heard.
    pub fn read(&mut self, batch: &Batch) {
        let known = |side: &Side<'_>| side.sources.contains_key(&batch.source);
        let both = known(&self.before) && known(&self.after);
        if !both && !self.comparison.unknown_sources.contains(&batch.source) {
            self.comparison.unknown_sources.push(batch.source.clone());
        }
        let links = Links::of(&batch.entries);
        for entry in &batch.entries {
            self.comparison.entries += 1;
            let keys = links.story_keys(entry);
            let before = self.before.outcome(entry, batch, &keys, &mut self.scratch);
            let after = self.after.outcome(entry, batch, &keys, &mut self.scratch);
            self.compare(entry, batch, before, after);
        }
    }

    /// The comparison of all that was read.
    pub fn finish(mut self) -> Comparison {
        for engine in [self.before.engine, self.after.engine] {
            for watchlist in &engine.config.watchlists {
                self.comparison.watchlists.entry(watchlist.name.clone()).or_default();
            }
        }
        self.comparison.unknown_sources.sort();
        self.comparison
    }

    fn compare(&mut self, entry: &Entry, batch: &Batch, before: Option<Outcome>, after: Option<Outcome>) {
        let out = &mut self.comparison;
        let of = |outcome: &Option<Outcome>| {
            let lists = outcome.iter().flat_map(|outcome| &outcome.watchlists);
            lists.map(|list| (list.name.clone(), example(entry, batch, list))).collect::<BTreeMap<_, _>>()
        };
        let (had, has) = (of(&before), of(&after));
        for (name, example) in &had {
            let change = out.watchlists.entry(name.clone()).or_default();
            change.mentions.before += 1;
            if !has.contains_key(name) {
                change.lost += 1;
                add(&mut change.lost_examples, example);
            }
        }
        for (name, example) in &has {
            let change = out.watchlists.entry(name.clone()).or_default();
            change.mentions.after += 1;
            if !had.contains_key(name) {
                change.gained += 1;
                add(&mut change.gained_examples, example);
            }
        }
        for recipient in before.iter().flat_map(|outcome| &outcome.recipients) {
            out.mails.entry(recipient.clone()).or_default().before += 1;
        }
        for recipient in after.iter().flat_map(|outcome| &outcome.recipients) {
            out.mails.entry(recipient.clone()).or_default().after += 1;
        }
        let one = has.values().next().or_else(|| had.values().next());
        let Some(one) = one else { return };
        let case = |outcome: &Option<Outcome>| outcome.as_ref().is_some_and(|outcome| outcome.decision.case);
        let (opened, opens) = (case(&before), case(&after));
        out.cases.before += u64::from(opened);
        out.cases.after += u64::from(opens);
        match (opened, opens) {
            (false, true) => add(&mut out.cases_gained, one),
            (true, false) => add(&mut out.cases_lost, one),
            _ => {}
        }
        // What only one of them finds is told under its watchlist.
        if let (Some(before), Some(after)) = (before, after)
            && !same_way(&before.decision, &after.decision)
        {
            let change = out.routes.entry(format!("{} → {}", way(&before.decision), way(&after.decision))).or_default();
            change.mentions += 1;
            add(&mut change.examples, one);
        }
    }
}

impl Side<'_> {
    /// `None` if it is no mention, or a copy of one.
    fn outcome(&mut self, entry: &Entry, batch: &Batch, keys: &[StoryKey], scratch: &mut Scratch) -> Option<Outcome> {
        let number = *self.sources.get(&batch.source)?;
        let watchlists = match_watchlists(self.engine, number, entry, scratch);
        if watchlists.is_empty() {
            return None;
        }
        let copy = keys.iter().any(|key| self.seen.contains(key));
        self.seen.extend(keys.iter().cloned());
        if copy {
            return None;
        }
        let (_, decision) = judge(self.engine.judges(), &batch.source, entry, &watchlists);
        let mails = deliveries(self.engine, &watchlists, &decision, batch.at);
        let recipients = mails.into_iter().map(|mail| mail.recipient.to_lowercase()).collect();
        Some(Outcome { watchlists, decision, recipients })
    }
}

fn add(examples: &mut Vec<Example>, example: &Example) {
    if examples.len() < MAX_EXAMPLES {
        examples.push(example.clone());
    }
}

fn example(entry: &Entry, batch: &Batch, list: &WatchlistMatch) -> Example {
    let text = if entry.title.is_empty() { &entry.text } else { &entry.title };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = match line.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    };
    let mut terms: Vec<String> = Vec::new();
    for matched in &list.matched {
        if !terms.contains(&matched.term) {
            terms.push(matched.term.clone());
        }
    }
    Example { source: batch.source.clone(), at: batch.at, text, url: entry.url.clone(), terms }
}

/// Whether two decisions have the same people told in the same way, whichever rule said so.
fn same_way(a: &Decision, b: &Decision) -> bool {
    (&a.department, &a.copy, a.deliver, a.case) == (&b.department, &b.copy, b.deliver, b.case)
}

fn way(decision: &Decision) -> String {
    let owner = if decision.department.is_empty() { "nobody" } else { &decision.department };
    let copies =
        if decision.copy.is_empty() { String::new() } else { format!(", copy to {}", decision.copy.join(", ")) };
    let case = if decision.case { ", a case" } else { "" };
    format!("{owner}{copies}, {}{case} ({})", decision.deliver.as_str(), decision.why)
}
