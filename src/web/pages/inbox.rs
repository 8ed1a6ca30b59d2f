//! The inbox: mentions, newest first, with a filter in the query language.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::super::access::{Sight, sight};
use super::super::layout::page;
use super::super::session::Guest;
use super::super::{App, View, failed};
use super::{asked, asking};
use crate::compose::Reader;
use crate::query::{Query, QueryError, Scope, parse_in, with_mention};
use crate::store::StoreError;
use crate::store::record::{MentionFilter, MentionRow};

/// Mentions on a page.
const PAGE: usize = 25;
/// Mentions read from the record at a time, and looked through for one page of a filter that few match.
const BATCH: usize = 200;
const MOST: usize = 5_000;
/// Characters of a filter.
const MAX_FILTER: usize = 2_000;

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
    let (parsed, mistakes) = match read(&filter, &view) {
        Ok(parsed) => (parsed, Vec::new()),
        Err(mistakes) => (None, mistakes),
    };
    if !mistakes.is_empty() {
        let mistakes: Value = mistakes.iter().map(|mistake| shown(&filter, mistake)).collect();
        return page(
            StatusCode::UNPROCESSABLE_ENTITY,
            "inbox.html",
            &frame,
            context! {
                filter, copies, mistakes, rows => Vec::<Value>::new(), next => "", newest => "", gave_up => false, looked => MOST,
            },
        );
    }
    let found = match find(&app, &guest, parsed, copies, before).await {
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
    let with = |before: &str| asking(&[("q", &filter), ("copies", if copies { "1" } else { "" }), ("before", before)]);
    page(
        StatusCode::OK,
        "inbox.html",
        &frame,
        context! {
            filter => filter.as_str(), copies, rows,
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
    copies: bool,
    mut before: Option<i64>,
) -> Result<Found, StoreError> {
    let mut found = Found { rows: Vec::new(), next: None, gave_up: false };
    let mut looked = 0;
    loop {
        let wanted = MentionFilter { copies, before, limit: BATCH, ..MentionFilter::default() };
        let batch = app.daemon.record().mentions(wanted).await?;
        let last = batch.len() < BATCH;
        looked += batch.len();
        before = batch.last().map(|row| row.mention.id).or(before);
        let (view, email, filter) = (guest.view.clone(), guest.email.clone(), filter.clone());
        // Looking through texts is work for a processor, not for the threads that answer.
        let sifted = tokio::task::spawn_blocking(move || {
            let sifted = batch.into_iter().filter_map(|row| {
                let sight = sight(email.as_deref(), &view.site.routing, &row.mention.decision, None);
                let holds = |query: &Query| holds(query, &view, &row, sight);
                (sight != Sight::Hidden && filter.as_ref().is_none_or(holds)).then_some((row, sight))
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
    let themes =
        |document: &crate::query::Document<'_>| view.themes.of(document).into_iter().map(str::to_owned).collect();
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
