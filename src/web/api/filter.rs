//! What a request asks for: the fields behind `?`, and queries over mentions.

use jiff::Timestamp;
use url::form_urlencoded;

use super::problem::Problem;
use crate::model::Mention;
use crate::query::{self, Context, Document, Query, Scope, with_mention};
use crate::text::known::unknown;
use crate::themes::NamedQueries;

/// Things of one page, unless `limit` says.
const LIMIT: usize = 50;
const MOST: usize = 200;

/// The fields of a request, each taken once; what is left is not known.
#[derive(Clone)]
pub(in crate::web) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn new(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(place).1).filter(|value| !value.is_empty())
    }

    /// A value turned into what it means; `known` says what may stand there.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        known: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match parse(text.trim()) {
            Some(value) => Ok(Some(value)),
            None => Err(Problem::bad_request(&format!("`{name}` cannot be `{}`: {known}", short(&text)))),
        }
    }

    /// A name that must be one of the configuration's.
    pub(super) fn known<'k>(
        &mut self,
        name: &str,
        kind: &str,
        known: impl Iterator<Item = &'k str>,
    ) -> Result<Option<String>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match unknown(kind, &text, &known.collect::<Vec<_>>()) {
            None => Ok(Some(text)),
            Some(words) => Err(Problem::bad_request(&words)),
        }
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        let value = self.parsed(name, "true or false", |text| text.parse().ok())?;
        Ok(value.unwrap_or(false))
    }

    pub(super) fn moment(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        self.parsed(name, "a moment like 2026-11-21T13:05:00Z (RFC 3339)", |text| text.parse().ok())
    }

    /// Where the page before ended, and how many things are asked for.
    pub(super) fn page(&mut self) -> Result<(Option<i64>, usize), Problem> {
        let before = self.parsed("cursor", "the `next` of the page before", |text| {
            text.strip_prefix('b')?.parse().ok().filter(|id| *id > 0)
        })?;
        let limit = self.parsed("limit", &format!("1 to {MOST}"), |text| {
            text.parse().ok().filter(|limit| (1..=MOST).contains(limit))
        })?;
        Ok((before, limit.unwrap_or(LIMIT)))
    }

    /// Nothing is asked that nobody looks at: a mistyped filter would show too much.
    pub(super) fn done(&self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::bad_request(&format!("there is no parameter `{}` here", short(name)))),
        }
    }
}

/// The cursor behind which a page ends.
pub(super) fn cursor(last: i64) -> String {
    format!("b{last}")
}

/// A query in the language of `when` in [[routes]].
pub(super) fn parse(text: &str, context: &Context) -> Result<Query, Problem> {
    query::parse_in(text, Scope::Route, context).map(|parsed| parsed.query).map_err(|mistakes| {
        let words: Vec<String> = mistakes
            .iter()
            .take(5)
            .map(|mistake| {
                let place = text.get(..mistake.span.start).map_or(0, |before| before.chars().count()) + 1;
                let help = mistake.help.as_deref().map(|help| format!(" ({help})")).unwrap_or_default();
                format!("character {place}: {}{help}", mistake.message)
            })
            .collect();
        Problem::bad_request(&format!("`query`: {}", words.join("; ")))
    })
}

/// Whether a mention, as it is shown, is what a query asks for: who may not see a name cannot find out by asking for it.
pub(super) fn takes(query: &Query, themes: &NamedQueries, shown: &Mention, theme: Option<i64>) -> bool {
    let themes = |document: &Document<'_>| themes.with_found(document, theme);
    with_mention(shown, true, themes, |document| query.evaluate(document).is_some())
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_taken_once_and_what_is_left_is_a_mistake() {
        let mut fields = Fields::new("limit=7&cursor=b12&all=true&since=2026-11-21T13:05:00Z&query=a+b&typo=1");
        assert_eq!(fields.page().unwrap(), (Some(12), 7));
        assert!(fields.flag("all").unwrap() && !fields.flag("copies").unwrap());
        assert!(fields.moment("since").unwrap().is_some());
        assert_eq!(fields.text("query").as_deref(), Some("a b"));
        assert!(fields.done().unwrap_err().detail.contains("`typo`"));
        assert_eq!(Fields::new("").page().unwrap(), (None, LIMIT));
        for wrong in ["limit=0", "limit=201", "limit=x", "cursor=12", "cursor=b-1", "cursor=b"] {
            assert!(Fields::new(wrong).page().is_err(), "{wrong}");
        }
        assert_eq!(cursor(12), "b12");
    }

    #[test]
    fn a_mistake_in_a_query_is_told_with_its_place() {
        let error = parse("category:nonsense", &Context::default()).unwrap_err();
        assert!(error.detail.starts_with("`query`: character "), "{}", error.detail);
        assert!(parse("category:refund severity:>=high", &Context::default()).is_ok());
    }
}
