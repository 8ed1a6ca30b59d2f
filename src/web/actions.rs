//! The pages behind the links of mails: GET shows what would be done and one button, POST does it. What both need is in
//! the link itself, so nobody has to sign in.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::layout::{Frame, page, see_other};
use super::links::{ActionLink, Standing};
use super::session::{self, Form};
use super::{App, View, failed};
use crate::cases::{Action, Refusal};
use crate::compose::Reader;
use crate::model::{Actor, Case, Deed};
use crate::routing::Routing;
use crate::store::record::CaseFile;

/// Characters of a reason.
const MAX_REASON: usize = 500;

/// What a link leads to.
struct Opened {
    view: View,
    link: ActionLink,
    /// Whose link it is, if they still belong to somebody.
    person: Option<String>,
    file: CaseFile,
    standing: Standing,
    frame: Frame,
}

/// Shows what would be done; changes nothing.
pub(super) async fn show(State(app): State<App>, Path(sealed): Path<String>) -> Response {
    match open(&app, &sealed).await {
        Ok(opened) => opened.page(StatusCode::OK, &sealed, ""),
        Err(response) => *response,
    }
}

/// Does it.
pub(super) async fn act(State(app): State<App>, Path(sealed): Path<String>, body: Bytes) -> Response {
    let opened = match open(&app, &sealed).await {
        Ok(opened) => opened,
        Err(response) => return *response,
    };
    let (Standing::Open, Some(person)) = (opened.standing, opened.person.clone()) else {
        // Pressed twice, or too late: the page says where the case stands.
        return opened.page(StatusCode::OK, &sealed, "");
    };
    let action = match action_of(opened.link.deed, &Form::read(&body), &opened.view.site.routing) {
        Ok(action) => action,
        Err(missing) => return opened.page(StatusCode::UNPROCESSABLE_ENTITY, &sealed, missing),
    };
    match app.daemon.act(opened.link.case, action, Actor::Person(person)).await {
        Ok(Ok(_)) => see_other(&format!("{}/act/{sealed}", opened.frame.root)),
        Ok(Err(refusal)) => opened.page(StatusCode::CONFLICT, &sealed, refusal_word(&refusal)),
        Err(error) => failed(&error),
    }
}

async fn open(app: &App, sealed: &str) -> Result<Opened, Box<Response>> {
    let view = app.daemon.view();
    let none = |view: &View| Box::new(session::refused(view, StatusCode::NOT_FOUND, "forged"));
    let Some(link) = ActionLink::unseal(&app.keys, sealed) else { return Err(none(&view)) };
    let file = app.daemon.record().case_file(link.case).await.map_err(|error| Box::new(failed(&error)))?;
    let Some(file) = file else { return Err(none(&view)) };
    let person = link.person(&view.site.routing);
    let standing = link.standing(&file.case, app.daemon.now());
    let language = match &person {
        Some(person) => session::language_of(&view.site, person),
        None => view.site.language.clone(),
    };
    let frame = Frame { of_theme: file.theme.is_some(), ..session::outside(&view.site, &language) };
    Ok(Opened { view, link, person, file, standing, frame })
}

impl Opened {
    /// `trouble`: why it was not done, as the catalogue's key.
    fn page(&self, status: StatusCode, sealed: &str, trouble: &str) -> Response {
        let Self { view, link, person, file, standing, frame } = self;
        let routing = &view.site.routing;
        let phrases = view.composer.phrases_of(&frame.lang, &file.case);
        let title = file.theme.as_ref().map(|theme| phrases.theme_title(theme));
        let zone = &view.site.timezone;
        let case = &file.case;
        let works = *standing == Standing::Open && person.is_some();
        // A link that is worth nothing any more shows nothing of what somebody wrote.
        let row = if works {
            let reader = Reader { language: &frame.lang, zone };
            view.composer.mention_row(&file.mention, &reader, false)
        } else {
            Value::from(())
        };
        let state = match (standing, person) {
            (Standing::Open, None) => "gone",
            (Standing::Open, Some(_)) => "open",
            (Standing::Expired, _) => "expired",
            (Standing::Done, _) => "done",
            (Standing::Past, _) => "past",
        };
        let last = file.steps.last().map(|step| phrases.date(step.at, zone)).unwrap_or_default();
        page(
            status,
            "act.html",
            frame,
            context! {
                state, trouble, row, title,
                deed => link.deed.as_str(),
                button => phrases.deed(link.deed),
                case => case.id,
                status => phrases.status(case.status),
                owner => routing.owner_name(&case.owner),
                last,
                who => person.as_deref().unwrap_or_default(),
                departments => departments(routing, case),
                action => format!("{}/act/{sealed}", frame.root),
            },
        )
    }
}

/// Departments that a case can be given to: all but the one that has it and those it is kept from.
pub(super) fn departments(routing: &Routing, case: &Case) -> Value {
    let others = routing.departments.iter().filter(|d| {
        let has_it = case.owner.department == d.key && case.owner.person.is_none();
        let failed = case.failed.iter().any(|owner| owner.person.is_none() && owner.department == d.key);
        !has_it && !failed && !case.kept_from.iter().any(|k| k.eq_ignore_ascii_case(&d.email))
    });
    others.map(|d| context! { key => d.key.as_str(), name => d.name.as_str() }).collect()
}

/// What is done, from the deed and what was filled in.
///
/// # Errors
/// What is missing, as the catalogue's key.
pub(super) fn action_of(deed: Deed, form: &Form, routing: &Routing) -> Result<Action, &'static str> {
    let text = |name| form.get(name).map(str::trim).filter(|text| !text.is_empty());
    Ok(match deed {
        Deed::Acknowledge => Action::Acknowledge,
        Deed::Answer => Action::Answer,
        Deed::Resolve => Action::Resolve,
        Deed::Satisfied => Action::Satisfied,
        Deed::Unsatisfied => Action::Unsatisfied,
        Deed::Assign => {
            let to = text("to").ok_or("department")?;
            let known = routing.department(to).ok_or("stranger")?;
            Action::Assign { to: known.key.clone() }
        }
        Deed::Dismiss => {
            let reason = text("reason").ok_or("reason")?;
            Action::Dismiss { reason: reason.chars().take(MAX_REASON).collect() }
        }
    })
}

/// The catalogue's key of a refusal.
pub(super) fn refusal_word(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NoSuchCase(_) => "no_case",
        Refusal::Ended(..) => "ended",
        Refusal::NotEnded(..) => "not_ended",
        Refusal::Already(..) => "already",
        Refusal::NotAnswered(_) => "not_answered",
        Refusal::NotSatisfied(_) => "not_satisfied",
        Refusal::Stranger(..) => "stranger",
        Refusal::FailedIt(..) => "failed_it",
        Refusal::KeptFrom(..) => "kept_from",
        Refusal::NotTheirs(..) => "not_theirs",
        Refusal::HasIt(..) => "has_it",
        Refusal::NoReason(_) | Refusal::NoText(_) => "reason",
    }
}
