//! The inbox: mentions, newest first, with a filter in the query language.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use minijinja::{Value, context};

use super::super::access::{Sight, sight};
use super::super::layout::page;
use super::super::session::Guest;
use super::super::{App, View, failed};
use super::{asked, asking};
use crate::compose::Reader;
use crate::model::Mention;
use crate::query::{Query, QueryError, Scope, parse_in, with_mention};
use crate::store::StoreError;
use crate::store::record::{MentionFilter, MentionRow};
use crate::text::known::nearest;

/// Mentions on a page.
const PAGE: usize = 25;
/// Mentions read from the record at a time, and looked through for one page of a filter that few match.
const BATCH: usize = 200;
const MOST: usize = 5_000;
/// Characters of a filter.
const MAX_FILTER: usize = 2_000;

/// What is asked for beside the filter, as the links of digests do: when it was heard, and who has it or a copy.
#[derive(Clone, Debug, Default)]
struct Within {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    /// Key of a department that there is.
    department: Option<String>,
}

impl Within {
    /// # Errors
    /// What was written there instead, and what is wrong with it.
    fn read(query: Option<&str>, view: &View) -> Result<Self, (String, QueryError)> {
        let wrong = |text: String, message: String, help: String| {
            let span = 0..text.len();
            Err((text, QueryError { span, message, help: Some(help) }))
        };
        let mut within = Self::default();
        for (name, moment) in [("from", &mut within.from), ("until", &mut within.until)] {
            let Some(text) = asked(query, name) else { continue };
            match text.parse() {
                Ok(at) => *moment = Some(at),
                Err(_) => {
                    let help = "write it like 2026-03-02T08:00:00Z".to_owned();
                    return wrong(text.chars().take(60).collect(), format!("`{name}` is no moment"), help);
                }
            }
        }
        if let Some(key) = asked(query, "department") {
            let known: Vec<&str> = view.site.routing.departments.iter().map(|d| d.key.as_str()).collect();
            if !known.contains(&key.as_str()) {
                let text: String = key.chars().take(60).collect();
                let message = format!("there is no department `{text}`");
                let near = nearest(&text, &known).map(|near| format!("did you mean `{near}`? "));
                return wrong(text, message, format!("{}known: {}", near.unwrap_or_default(), known.join(", ")));
            }
            within.department = Some(key);
        }
        Ok(within)
    }

    fn holds(&self, mention: &Mention) -> bool {
        let decision = &mention.decision;
        self.department.as_ref().is_none_or(|key| decision.department == *key || decision.copy.contains(key))
    }

    /// For the template: what to keep when the filter changes, and what to say.
    fn shown(&self, view: &View, language: &str) -> Value {
        let phrases = view.composer.phrases(language);
        let date = |at: Option<Timestamp>| at.map(|at| phrases.date(at, &view.site.timezone)).unwrap_or_default();
        let department = self.department.as_deref().unwrap_or_default();
        context! {
            any => self.from.is_some() || self.until.is_some() || self.department.is_some(),
            from => self.text(self.from), until => self.text(self.until), department,
            from_date => date(self.from), until_date => date(self.until),
            name => view.site.routing.department(department).map_or("", |d| d.name.as_str()),
        }
    }

    fn text(&self, at: Option<Timestamp>) -> String {
        at.map(|at| at.to_string()).unwrap_or_default()
    }
}

/// What was found for one page.
struct Found {
    rows: Vec<(MentionRow, Sight)>,
    /// Where the next page begins, if there may be one.
    next: Option<i64>,
    /// Mentions that were looked through without filling the page.
    gave_up: bool,
}

pub(super) async fn show(State(app): State<App>, guest: Guest, RawQuery(query): RawQuery) -> Response {
    let filter = asked(query.as_deref(), "q").unwrap_or_default();
    let copies = asked(query.as_deref(), "copies").is_some();
    let before = asked(query.as_deref(), "before").and_then(|id| id.parse().ok());
    let view = guest.view.clone();
    let frame = guest.frame("mentions");
    let (within, mut mistakes) = match Within::read(query.as_deref(), &view) {
        Ok(within) => (within, Vec::new()),
        Err((text, mistake)) => (Within::default(), vec![shown(&text, &mistake)]),
    };
    let parsed = match read(&filter, &view) {
        Ok(parsed) => parsed,
        Err(found) => {
            mistakes.extend(found.iter().map(|mistake| shown(&filter, mistake)));
            None
        }
    };
    let only = within.shown(&view, &guest.language);
    if !mistakes.is_empty() {
        return page(
            StatusCode::UNPROCESSABLE_ENTITY,
            "inbox.html",
            &frame,
            context! {
                filter, copies, only, mistakes, rows => Vec::<Value>::new(), next => "", newest => "", gave_up => false, looked => MOST,
            },
        );
    }
    let found = match find(&app, &guest, parsed, &within, copies, before).await {
        Ok(found) => found,
        Err(error) => return failed(&error),
    };
    let reader = Reader { language: &guest.language, zone: &view.site.timezone };
    let rows: Value = found
        .rows
        .iter()
        .map(|(row, sight)| {
            let line = view.composer.mention_row(&row.mention, &reader, *sight != Sight::Full);
            context! { case => row.case, copy => !row.original, ..line }
        })
        .collect();
    let with = |before: &str| {
        asking(&[
            ("q", &filter),
            ("department", within.department.as_deref().unwrap_or_default()),
            ("from", &within.text(within.from)),
            ("until", &within.text(within.until)),
            ("copies", if copies { "1" } else { "" }),
            ("before", before),
        ])
    };
    page(
        StatusCode::OK,
        "inbox.html",
        &frame,
        context! {
            filter => filter.as_str(), copies, only, rows,
            mistakes => Vec::<Value>::new(),
            next => found.next.map(|id| with(&id.to_string())).unwrap_or_default(),
            newest => if before.is_some() { format!("?{}", with("")) } else { String::new() },
            gave_up => found.gave_up, looked => MOST,
        },
    )
}

fn read(filter: &str, view: &View) -> Result<Option<Query>, Vec<QueryError>> {
    if filter.is_empty() {
        return Ok(None);
    }
    if filter.chars().count() > MAX_FILTER {
        let message = format!("a filter has at most {MAX_FILTER} characters");
        return Err(vec![QueryError { span: 0..0, message, help: None }]);
    }
    parse_in(filter, Scope::Route, &view.site.context).map(|parsed| Some(parsed.query))
}

/// Newest first, as far as the reader may see them.
async fn find(
    app: &App,
    guest: &Guest,
    filter: Option<Query>,
    within: &Within,
    copies: bool,
    mut before: Option<i64>,
) -> Result<Found, StoreError> {
    let mut found = Found { rows: Vec::new(), next: None, gave_up: false };
    let mut looked = 0;
    loop {
        let (since, until) = (within.from, within.until);
        let wanted = MentionFilter { since, until, copies, before, limit: BATCH, ..MentionFilter::default() };
        let batch = app.daemon.record().mentions(wanted).await?;
        let last = batch.len() < BATCH;
        looked += batch.len();
        before = batch.last().map(|row| row.mention.id).or(before);
        let (view, email, filter, within) = (guest.view.clone(), guest.email.clone(), filter.clone(), within.clone());
        // Looking through texts is work for a processor, not for the threads that answer.
        let sifted = tokio::task::spawn_blocking(move || {
            let sifted = batch.into_iter().filter_map(|row| {
                let sight = sight(email.as_deref(), &view.site.routing, &row.mention.decision, None);
                let holds = |query: &Query| holds(query, &view, &row, sight);
                let wanted = sight != Sight::Hidden && within.holds(&row.mention);
                (wanted && filter.as_ref().is_none_or(holds)).then_some((row, sight))
            });
            sifted.collect::<Vec<_>>()
        });
        let sifted = sifted.await.map_err(|_| StoreError::Stopped)?;
        for row in sifted {
            if found.rows.len() == PAGE {
                found.next = found.rows.last().map(|(row, _)| row.mention.id);
                return Ok(found);
            }
            found.rows.push(row);
        }
        if last {
            return Ok(found);
        }
        if looked >= MOST {
            (found.next, found.gave_up) = (before, true);
            return Ok(found);
        }
    }
}

fn holds(query: &Query, view: &View, row: &MentionRow, sight: Sight) -> bool {
    let themes = |document: &crate::query::Document<'_>| view.themes.with_found(document, row.theme);
    // Whoever sees no names cannot ask for them either.
    with_mention(&row.mention, sight == Sight::Full, themes, |document| query.evaluate(document).is_some())
}

/// A mistake with its place, as on a terminal.
fn shown(filter: &str, mistake: &QueryError) -> Value {
    let line: String = filter.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let columns = |upto: usize| filter.get(..upto.min(filter.len())).map_or(0, |head| head.chars().count());
    let (start, end) = (columns(mistake.span.start), columns(mistake.span.end));
    let carets = "^".repeat(end.saturating_sub(start).max(1));
    let message = mistake.message.as_str();
    context! { line, carets => format!("{}{carets}", " ".repeat(start)), message, help => mistake.help.as_deref().unwrap_or_default() }
}
