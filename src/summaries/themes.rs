//! Themes of a period: how many people and mentions each has, against the period before, and what speaks for it best.
//! To which themes a mention belongs is decided by whoever hands it over.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Belongs, Heard, ThemeChange};
use crate::cases::author_key;
use crate::model::{Listed, Severity, ThemeLine};
use crate::themes::standing;

/// Quotes a theme.
const MAX_QUOTES: usize = 2;
/// Themes that nobody spoke of, and that stand there for what became of them.
const MAX_ENDED: usize = 3;

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
    /// Counts a mention that belongs to these themes. `quote`: it may be shown. A theme is about one trouble, and its
    /// people are those who have it: who praises the same thing, which a query of the configuration finds as well, is none
    /// of them here, as in its dossier.
    pub(super) fn add(&mut self, themes: &[Belongs<'_>], heard: Heard<'_>, quote: bool) {
        for belongs in themes.iter().filter(|_| counts(heard)) {
            let Some(theme) = self.of(belongs) else { continue };
            theme.mentions += 1;
            theme.numbers.extend(match belongs {
                Belongs::Named { number, .. } => *number,
                Belongs::Found { number, .. } => Some(*number),
                Belongs::Formerly(_) => None,
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
        for belongs in themes.iter().filter(|_| counts(heard)) {
            if let Some(theme) = self.of(belongs) {
                theme.before += 1;
            }
        }
    }

    /// Where it is counted, if as a theme of its own.
    fn of(&mut self, belongs: &Belongs<'_>) -> Option<&mut Theme> {
        let (key, name) = match belongs {
            Belongs::Named { name, .. } => (Key::Named((*name).to_owned()), name),
            Belongs::Found { number, name } => (Key::Found(*number), name),
            Belongs::Formerly(_) => return None,
        };
        let theme = self.0.entry(key).or_default();
        (*name).clone_into(&mut theme.name);
        Some(theme)
    }

    /// Those with mentions in the period, at most so many; those of most people first.
    pub(super) fn listed(self, cap: usize) -> Listed<ThemeLine> {
        Listed::first(self.lines(), cap)
    }

    /// The same with what became of them since the mail before. Behind them stand those of which nobody spoke, if `own`
    /// says that they are told to this reader; those that changed last first.
    pub(super) fn listed_with(
        self,
        changes: Vec<ThemeChange>,
        own: impl Fn(&ThemeChange) -> bool,
        cap: usize,
    ) -> Listed<ThemeLine> {
        let mut lines = self.lines();
        let mut silent = Vec::new();
        for change in changes {
            match lines.iter_mut().find(|line| line.number == Some(change.number)) {
                Some(line) => line.news = Some(change.news),
                None if own(&change) => silent.push(ThemeLine {
                    id: change.number.to_string(),
                    name: change.name,
                    number: Some(change.number),
                    people: 0,
                    mentions: 0,
                    before: 0,
                    quotes: Vec::new(),
                    news: Some(change.news),
                }),
                None => {}
            }
        }
        silent.reverse();
        let (mut listed, silent) = (Listed::first(lines, cap), Listed::first(silent, MAX_ENDED));
        listed.items.extend(silent.items);
        listed.more += silent.more;
        listed
    }

    fn lines(self) -> Vec<ThemeLine> {
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
            news: None,
        };
        let mut lines: Vec<ThemeLine> = self.0.into_iter().filter(|(_, t)| t.mentions > 0).map(line).collect();
        lines.sort_by(|a, b| {
            (b.people, b.mentions).cmp(&(a.people, a.mentions)).then_with(|| (&a.name, &a.id).cmp(&(&b.name, &b.id)))
        });
        lines
    }
}

/// Whether a mention is somebody's word about the trouble of its themes, and no copy of another.
fn counts(heard: Heard<'_>) -> bool {
    heard.original && standing::is_placed(heard.mention)
}
