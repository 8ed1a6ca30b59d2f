//! Cases by department with their clocks, and one case with its history, its draft and what can be done.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::super::access::{Sight, sight};
use super::super::actions::{action_of, departments, refusal_word};
use super::super::layout::{Frame, page, see_other, words_of_theme};
use super::super::session::{Form, Guest, refused, root};
use super::super::{App, failed};
use super::{asked, asking, mention, missing};
use crate::cases::{Action, deadlines, overdue_since, takes_in};
use crate::compose::{Actions, CaseInput, Earlier, Later, Reader, Story, Watchlist};
use crate::model::{Case, CaseStatus, Deed, Letter};
use crate::store::record::{CaseFile, CaseFilter};
use crate::text::known::nearest;

/// Cases on a page.
const PAGE: usize = 50;
/// Open cases that are looked through for those that are overdue.
const MOST: usize = 2_000;
/// Characters of a reason for opening a case again.
const MAX_REASON: usize = 500;

pub(super) async fn list(State(app): State<App>, guest: Guest, RawQuery(query): RawQuery) -> Response {
    let department = asked(query.as_deref(), "department");
    let known: Vec<&str> = guest.view.site.routing.departments.iter().map(|d| d.key.as_str()).collect();
    if department.as_deref().is_some_and(|key| !known.contains(&key)) {
        return unknown_department(&guest, department.as_deref().unwrap_or_default(), &known);
    }
    let all = asked(query.as_deref(), "all").is_some();
    // What is overdue has not ended.
    let overdue = asked(query.as_deref(), "overdue").is_some();
    let all = all && !overdue;
    let before: Option<i64> = asked(query.as_deref(), "before").and_then(|id| id.parse().ok());
    let limit = if overdue { MOST } else { PAGE + 1 };
    let filter = CaseFilter { all, department: department.clone(), before, limit, ..CaseFilter::default() };
    let mut rows = match app.daemon.record().cases(filter).await {
        Ok(rows) => rows,
        Err(error) => return failed(&error),
    };
    if overdue {
        let now = app.daemon.now();
        rows.retain(|row| overdue_since(&row.case, &guest.view.site.routing, now).is_some());
    }
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().map(|row| row.case.id).filter(|_| more);
    let config = &guest.view.site;
    let routing = &config.routing;
    let reader = Reader { language: &guest.language, zone: &config.timezone };
    let mut groups: Vec<(String, Vec<Value>)> = Vec::new();
    let keys = routing.departments.iter().map(|d| d.key.clone());
    groups.extend(keys.map(|key| (key, Vec::new())));
    for row in &rows {
        let sight = sight(guest.email.as_deref(), routing, &row.mention.decision, Some(&row.case));
        if sight == Sight::Hidden {
            continue;
        }
        let line = guest.view.composer.mention_row(&row.mention, &reader, sight != Sight::Full);
        let phrases = guest.view.composer.phrases_of(&guest.language, &row.case);
        let line = context! {
            case => row.case.id,
            status => phrases.status(row.case.status),
            owner => routing.owner_name(&row.case.owner),
            severity => row.case.severity.as_str(),
            severity_word => phrases.severity(row.case.severity),
            clocks => clocks(&app, &guest, &row.case),
            opened => phrases.date(row.case.opened, reader.zone),
            theme => row.theme.as_ref().map(|theme| phrases.theme_title(theme)),
            words => row.theme.is_some().then(|| words_of_theme(&guest.language)),
            ..line
        };
        let key = &row.case.owner.department;
        match groups.iter_mut().find(|(known, _)| known == key) {
            Some((_, lines)) => lines.push(line),
            None => groups.push((key.clone(), vec![line])),
        }
    }
    let groups: Value = groups
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(key, lines)| context! { name => routing.department(&key).map_or(key.as_str(), |d| &d.name), lines })
        .collect();
    let choices: Value = routing
        .departments
        .iter()
        .map(|d| context! { key => d.key.as_str(), name => d.name.as_str(), chosen => department.as_deref() == Some(d.key.as_str()) })
        .collect();
    let next = next.map(|id| {
        let all = if all { "1" } else { "" };
        let overdue = if overdue { "1" } else { "" };
        let department = department.as_deref().unwrap_or_default();
        asking(&[("department", department), ("overdue", overdue), ("all", all), ("before", &id.to_string())])
    });
    page(
        StatusCode::OK,
        "cases.html",
        &guest.frame("cases"),
        context! {
            groups, choices, all, overdue, next => next.unwrap_or_default(), unknown => "", near => "", known => "",
        },
    )
}

/// A department that is nobody's: an empty list would say that it has no cases.
fn unknown_department(guest: &Guest, asked: &str, known: &[&str]) -> Response {
    let asked: String = asked.chars().take(60).collect();
    let departments = guest.view.site.routing.departments.iter();
    let choices: Value =
        departments.map(|d| context! { key => d.key.as_str(), name => d.name.as_str(), chosen => false }).collect();
    page(
        StatusCode::UNPROCESSABLE_ENTITY,
        "cases.html",
        &guest.frame("cases"),
        context! {
            groups => Vec::<Value>::new(), choices, all => false, overdue => false, next => "",
            unknown => asked.as_str(), near => nearest(&asked, known).unwrap_or_default(), known => known.join(", "),
        },
    )
}

pub(super) async fn show(
    State(app): State<App>,
    guest: Guest,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let done = asked(query.as_deref(), "done").is_some();
    shown(&app, &guest, &id, StatusCode::OK, if done { "done" } else { "" }, "").await
}

/// Does what a button of the page says.
pub(super) async fn act(State(app): State<App>, guest: Guest, Path(id): Path<String>, body: Bytes) -> Response {
    let form = Form::read(&body);
    if !guest.sent(&form) {
        return refused(&guest.view, StatusCode::FORBIDDEN, "form");
    }
    let file = match file(&app, &guest, &id).await {
        Ok((file, Sight::Full)) => file,
        Ok(_) => return missing(State(app)).await,
        Err(response) => return *response,
    };
    let trouble = match wanted(&form, &guest) {
        Ok(action) => match app.daemon.act(file.case.id, action, guest.email.clone().into()).await {
            Ok(Ok(_)) => return see_other(&format!("{}/cases/{}?done=1", root(&guest.view.site), file.case.id)),
            Ok(Err(refusal)) => refusal_word(&refusal),
            Err(error) => return failed(&error),
        },
        Err(missing) => missing,
    };
    shown(&app, &guest, &id, StatusCode::CONFLICT, "", trouble).await
}

/// What a form wants done; a word of the catalogue if it does not say enough.
fn wanted(form: &Form, guest: &Guest) -> Result<Action, &'static str> {
    let deed = form.get("deed").unwrap_or_default();
    if deed == "reopen" {
        let reason = form.get("reason").map(str::trim).filter(|reason| !reason.is_empty()).ok_or("reason")?;
        return Ok(Action::Reopen { reason: reason.chars().take(MAX_REASON).collect() });
    }
    action_of(Deed::parse(deed).ok_or("unknown")?, form, &guest.view.site.routing)
}

async fn file(app: &App, guest: &Guest, id: &str) -> Result<(CaseFile, Sight), Box<Response>> {
    let Ok(id) = id.parse::<i64>() else { return Err(Box::new(missing(State(app.clone())).await)) };
    let file = app.daemon.record().case_file(id).await.map_err(|error| Box::new(failed(&error)))?;
    let Some(file) = file else { return Err(Box::new(missing(State(app.clone())).await)) };
    let sight = sight(guest.email.as_deref(), &guest.view.site.routing, &file.mention.decision, Some(&file.case));
    if sight == Sight::Hidden {
        return Err(Box::new(missing(State(app.clone())).await));
    }
    Ok((file, sight))
}

async fn shown(app: &App, guest: &Guest, id: &str, status: StatusCode, done: &str, trouble: &str) -> Response {
    let (file, sight) = match file(app, guest, id).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    let CaseFile { case, mention: about, theme, steps, later, earlier, .. } = &file;
    let config = &guest.view.site;
    let routing = &config.routing;
    let (row, also_seen) = match app.daemon.record().mention(about.id).await {
        Ok(Some(found)) => found,
        Ok(None) => return missing(State(app.clone())).await,
        Err(error) => return failed(&error),
    };
    let told = match mention::told(app, guest, about, row.story, &also_seen, Some(case), sight).await {
        Ok(told) => told,
        Err(error) => return failed(&error),
    };
    let later: Vec<Later<'_>> = later.iter().map(|l| Later { mention: &l.mention, complains: l.complains }).collect();
    let earlier: Vec<Earlier> = earlier
        .iter()
        .map(|e| Earlier { case: e.case, opened: e.opened, category: e.category, status: e.status })
        .collect();
    let lists: Vec<Watchlist<'_>> =
        about.watchlists.iter().map(|w| Watchlist { key: &w.name, name: &w.name }).collect();
    let view = guest.view.composer.case_page(
        &CaseInput {
            story: Story {
                mention: about,
                news: None,
                also_seen: &[],
                similar: &[],
                case: Some(case.id),
                thread: None,
                possible_duplicate: false,
            },
            reader: Reader { language: &guest.language, zone: &config.timezone },
            watchlists: &lists,
            case,
            theme: theme.as_ref(),
            letter: &Letter::Update,
            steps,
            later: &later,
            owner: &|owner| routing.owner_name(owner),
            who: &|address| routing.person_name(address).unwrap_or(address).to_owned(),
            actions: &Actions::default(),
            copy: sight != Sight::Full,
        },
        &earlier,
    );
    let phrases = guest.view.composer.phrases_of(&guest.language, case);
    let buttons: Value = offered(case, app.daemon.now())
        .iter()
        .map(|deed| context! { deed => deed.as_str(), words => phrases.deed(*deed) })
        .collect();
    page(
        status,
        "case.html",
        &Frame { of_theme: theme.is_some(), ..guest.frame("cases") },
        context! {
            c => view, m => told, id => case.id, theme => case.theme, done, trouble, buttons,
            masked => sight == Sight::Masked,
            ended => case.status.is_ended(),
            clocks_now => clocks(app, guest, case),
            departments => departments(routing, case),
            mention => mention::address(guest, about.id),
            assign_words => phrases.deed(Deed::Assign),
            dismiss_words => phrases.deed(Deed::Dismiss),
        },
    )
}

/// What can be done with one press of a button, as things are.
fn offered(case: &Case, now: jiff::Timestamp) -> &'static [Deed] {
    match case.status {
        CaseStatus::Open => &[Deed::Acknowledge, Deed::Answer, Deed::Resolve],
        CaseStatus::Acknowledged => &[Deed::Answer, Deed::Resolve],
        CaseStatus::Answered => &[Deed::Resolve, Deed::Satisfied, Deed::Unsatisfied],
        CaseStatus::Resolved => &[Deed::Satisfied, Deed::Unsatisfied],
        CaseStatus::Closed if takes_in(case, now) => &[Deed::Unsatisfied],
        CaseStatus::Closed | CaseStatus::Dismissed => &[],
    }
}

/// The clocks that run, with their ends in words.
fn clocks(app: &App, guest: &Guest, case: &Case) -> Value {
    let config = &guest.view.site;
    let (phrases, now) = (guest.view.composer.phrases(&guest.language), app.daemon.now());
    let clock = |(clock, at): (crate::model::CaseClock, jiff::Timestamp)| {
        context! { clock => clock.as_str(), date => phrases.date(at, &config.timezone), late => at <= now }
    };
    deadlines(case, &config.routing).into_iter().map(clock).collect()
}
