//! Which theme a mention will join, told before it is recorded: for routes that name a theme that was found.
//!
//! Mentions are placed in the transaction that records them, and routed before. Where routes name themes by number, the
//! memory is asked beforehand, as it is then: it knows everything up to the poll before.

use std::collections::HashMap;
use std::sync::PoisonError;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::super::super::StoreError;
use super::super::{Reader, Record};
use super::{Kept, Said, ThemeMemory, terms_of};
use crate::model::{Category, Entry, WatchlistMatch};
use crate::themes::standing;

/// Merges that are followed from the number that a route names.
const MOST_MERGES: usize = 20;

/// Tells which of some themes a mention will join. Cheap to clone.
#[derive(Clone, Default)]
pub struct Foreteller {
    themes: ThemeMemory,
    /// The numbers that are asked for, by the theme that each stands for now: the same, or what it became part of.
    numbers: HashMap<i64, Vec<i64>>,
}

impl Record {
    /// Reads what is needed to tell, before a mention is recorded, whether it will join one of these themes.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn foreteller(&self, numbers: Vec<i64>, now: Timestamp) -> Result<Foreteller, StoreError> {
        let themes = self.themes.clone();
        self.read(move |c| Foreteller::new(c, themes, &numbers, now)).await
    }
}

impl Reader {
    /// The same for a command.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn foreteller(&self, numbers: &[i64], now: Timestamp) -> Result<Foreteller, StoreError> {
        Foreteller::new(&self.0, ThemeMemory::default(), numbers, now)
    }
}

impl Foreteller {
    fn new(c: &Connection, themes: ThemeMemory, numbers: &[i64], now: Timestamp) -> Result<Self, StoreError> {
        {
            let mut kept = themes.0.lock().unwrap_or_else(PoisonError::into_inner);
            // What a transaction under way has added is as good as what it will have added. Only what was rolled back, or
            // never read, is read here.
            if kept.mark.is_none() {
                Kept::refresh(&mut kept, c, now)?;
            }
        }
        let mut standing: HashMap<i64, Vec<i64>> = HashMap::new();
        let mut merged = c.prepare_cached("SELECT content ->> '$.into' FROM themes WHERE id = ?1")?;
        for number in numbers {
            let mut theme = *number;
            for _ in 0..MOST_MERGES {
                let into: Option<Option<i64>> = merged.query_row([theme], |row| row.get(0)).optional()?;
                let Some(into) = into.flatten() else { break };
                theme = into;
            }
            standing.entry(theme).or_default().push(*number);
        }
        Ok(Self { themes, numbers: standing })
    }

    /// The themes among those asked for that it will join, as queries write them (`#12`). `named` is the first query of
    /// the configuration that it matches.
    pub fn of(
        &self,
        entry: &Entry,
        watchlists: &[WatchlistMatch],
        category: Category,
        language: &str,
        named: Option<&str>,
    ) -> Vec<String> {
        let Some(watchlist) = watchlists.first().filter(|_| standing::may_be_shared(category)) else {
            return Vec::new();
        };
        if self.numbers.is_empty() {
            return Vec::new();
        }
        let kept = self.themes.0.lock().unwrap_or_else(PoisonError::into_inner);
        let terms = terms_of(Said { entry, watchlists, language }, |term| kept.memory.rare(term));
        if terms.0.is_empty() && named.is_none() {
            return Vec::new();
        }
        let theme = kept.memory.place(&watchlist.name, &terms, named).theme;
        let numbers = theme.and_then(|theme| self.numbers.get(&theme)).into_iter().flatten();
        numbers.map(|number| format!("#{number}")).collect()
    }
}
