//! The subjects that the configuration names with a query.

use crate::query::{Document, Matcher, Query, Scratch};

/// The subjects that the configuration names, for `theme:` in routes.
#[derive(Debug)]
pub struct NamedQueries {
    names: Vec<String>,
    matcher: Matcher,
}

impl NamedQueries {
    /// Compiles them into one scan.
    pub fn new<'q>(queries: impl IntoIterator<Item = (String, &'q Query)>) -> Self {
        let (names, queries): (Vec<String>, Vec<&Query>) = queries.into_iter().unzip();
        Self { names, matcher: Matcher::new(&queries) }
    }

    /// The names of those that an entry belongs to.
    pub fn of(&self, document: &Document<'_>) -> Vec<&str> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let found = self.matcher.find(document, &mut Scratch::default());
        found.into_iter().filter_map(|found| self.names.get(found.query).map(String::as_str)).collect()
    }

    /// The same, and the one that a mention was found in, as queries write it (`#12`).
    pub fn with_found(&self, document: &Document<'_>, found: Option<i64>) -> Vec<String> {
        let named = self.of(document).into_iter().map(str::to_owned);
        named.chain(found.map(|number| format!("#{number}"))).collect()
    }
}
