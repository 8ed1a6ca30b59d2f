//! Themes of a period: how many people and mentions each has, against the period before, and what speaks for it best.
//! To which themes a mention belongs is decided by whoever hands it over.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Belongs, Heard};
use crate::cases::author_key;
use crate::model::{Severity, ThemeLine};

/// Quotes a theme.
const MAX_QUOTES: usize = 2;

/// Counts themes one mention after the other.
#[derive(Debug, Default)]
pub(super) struct Themes(BTreeMap<Key, Theme>);

/// What tells themes apart: two that were found may have one name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Named(String),
    Found(i64),
}

#[derive(Debug, Default)]
struct Theme {
    name: String,
    /// Its numbers among those that were found: one named by a query has one a watchlist.
    numbers: BTreeSet<i64>,
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
    pub(super) fn add(&mut self, themes: &[Belongs<'_>], heard: Heard<'_>, quote: bool) {
        for belongs in themes.iter().filter(|_| heard.original) {
            let theme = self.of(belongs);
            theme.mentions += 1;
            theme.numbers.extend(match belongs {
                Belongs::Named { number, .. } => *number,
                Belongs::Found { number, .. } => Some(*number),
            });
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
    pub(super) fn add_before(&mut self, themes: &[Belongs<'_>], heard: Heard<'_>) {
        for belongs in themes.iter().filter(|_| heard.original) {
            self.of(belongs).before += 1;
        }
    }

    fn of(&mut self, belongs: &Belongs<'_>) -> &mut Theme {
        let (key, name) = match belongs {
            Belongs::Named { name, .. } => (Key::Named((*name).to_owned()), name),
            Belongs::Found { number, name } => (Key::Found(*number), name),
        };
        let theme = self.0.entry(key).or_default();
        (*name).clone_into(&mut theme.name);
        theme
    }

    /// Those with mentions in the period; those of most people first.
    pub(super) fn lines(self) -> Vec<ThemeLine> {
        let line = |(key, theme): (Key, Theme)| ThemeLine {
            id: match key {
                Key::Named(name) => name,
                Key::Found(number) => number.to_string(),
            },
            name: theme.name,
            number: theme.numbers.first().copied().filter(|_| theme.numbers.len() == 1),
            people: u64::try_from(theme.authors.len()).unwrap_or(u64::MAX).saturating_add(theme.nameless),
            mentions: theme.mentions,
            before: theme.before,
            quotes: theme.quotes.into_iter().map(|(_, id)| id).collect(),
        };
        let mut lines: Vec<ThemeLine> = self.0.into_iter().filter(|(_, t)| t.mentions > 0).map(line).collect();
        lines.sort_by(|a, b| {
            (b.people, b.mentions).cmp(&(a.people, a.mentions)).then_with(|| (&a.name, &a.id).cmp(&(&b.name, &b.id)))
        });
        lines
    }
}
