//! Themes of a period: how many people and mentions each has, against the period before, and what speaks for it best.
//! To which themes a mention belongs is decided by whoever hands it over.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use super::Heard;
use crate::cases::author_key;
use crate::model::{Severity, ThemeLine};

/// Quotes a theme.
const MAX_QUOTES: usize = 2;

/// Counts themes one mention after the other.
#[derive(Debug, Default)]
pub(super) struct Themes(BTreeMap<String, Theme>);

#[derive(Debug, Default)]
struct Theme {
    authors: HashSet<[u8; 16]>,
    /// Mentions whose author cannot be told: each may be another person.
    nameless: u64,
    mentions: u64,
    before: u64,
    /// The gravest, and of those the first.
    quotes: Vec<(Reverse<Severity>, i64)>,
}

impl Themes {
    /// Counts a mention that belongs to these themes. `quote`: it may be shown.
    pub(super) fn add(&mut self, names: &[&str], heard: Heard<'_>, quote: bool) {
        for name in names.iter().filter(|_| heard.original) {
            let theme = self.0.entry((*name).to_owned()).or_default();
            theme.mentions += 1;
            match author_key(&heard.mention.entry, &heard.mention.source) {
                Some(key) => drop(theme.authors.insert(key.0)),
                None => theme.nameless += 1,
            }
            if quote {
                theme.quotes.push((Reverse(heard.mention.classification.severity), heard.mention.id));
                theme.quotes.sort_unstable();
                theme.quotes.truncate(MAX_QUOTES);
            }
        }
    }

    /// Counts one of the period before.
    pub(super) fn add_before(&mut self, names: &[&str], heard: Heard<'_>) {
        for name in names.iter().filter(|_| heard.original) {
            self.0.entry((*name).to_owned()).or_default().before += 1;
        }
    }

    /// Those with mentions in the period; those of most people first.
    pub(super) fn lines(self) -> Vec<ThemeLine> {
        let line = |(name, theme): (String, Theme)| ThemeLine {
            id: name.clone(),
            name,
            people: u64::try_from(theme.authors.len()).unwrap_or(u64::MAX).saturating_add(theme.nameless),
            mentions: theme.mentions,
            before: theme.before,
            quotes: theme.quotes.into_iter().map(|(_, id)| id).collect(),
        };
        let mut lines: Vec<ThemeLine> = self.0.into_iter().filter(|(_, t)| t.mentions > 0).map(line).collect();
        lines.sort_by(|a, b| (b.people, b.mentions).cmp(&(a.people, a.mentions)).then_with(|| a.name.cmp(&b.name)));
        lines
    }
}
