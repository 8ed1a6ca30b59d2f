//! `/api/v1`: the same data as the pages, as JSON for programs with a token (`[tokens]`). Described by the OpenAPI 3.1
//! document in `openapi.json`, which a test holds against the routes and against what they answer. Errors are problem
//! details (RFC 9457).
//!
//! `guard` says who asks and how often, `views` what is shown (masked, unless the token says `full`), `filter` reads
//! queries, `problem` words errors.

mod filter;
mod guard;
mod problem;
mod reading;
mod themes;
mod views;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{App, View};
use crate::model::{Actor, Scope, Token};
use guard::Guard;
use problem::Problem;

/// Bytes of a request's body at most.
const MAX_BODY: usize = 16 << 10;
/// The description of all of this.
const OPENAPI: &str = include_str!("openapi.json");

/// What every handler gets.
#[derive(Clone)]
struct Api {
    app: App,
    guard: Arc<Guard>,
}

/// Who asks, and for what: made of every request before anything is answered.
pub(super) struct Asked {
    app: App,
    view: View,
    token: Token,
    fields: filter::Fields,
    headers: HeaderMap,
}

impl FromRequestParts<Api> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let view = api.app.daemon.view();
        let token = api.guard.admit(&view.site.tokens, &parts.headers, api.app.daemon.now())?.clone();
        let fields = filter::Fields::new(parts.uri.query().unwrap_or_default());
        Ok(Self { app: api.app.clone(), view, token, fields, headers: parts.headers.clone() })
    }
}

type Answer = Result<Response, Problem>;

/// Every route, by its path in the description.
fn routes() -> Vec<(&'static str, MethodRouter<Api>)> {
    vec![
        ("/api/v1/openapi.json", get(openapi)),
        ("/api/v1/mentions", get(mentions)),
        ("/api/v1/mentions/{id}", get(mention)),
        ("/api/v1/cases", get(cases)),
        ("/api/v1/cases/{id}", get(case)),
        ("/api/v1/cases/{id}/actions", post(act)),
        ("/api/v1/themes", get(all_themes)),
        ("/api/v1/themes/{id}", get(theme)),
        ("/api/v1/themes/{id}/actions", post(act_on_theme)),
        ("/api/v1/sources", get(sources)),
        ("/api/v1/stories", get(stories)),
        ("/api/v1/stories/{id}", get(story)),
        ("/api/v1/outbox", get(outbox)),
    ]
}

/// The paths that are served, as the description names them.
pub fn paths() -> Vec<&'static str> {
    routes().into_iter().map(|(path, _)| path).collect()
}

/// The description (OpenAPI 3.1).
pub fn description() -> &'static str {
    OPENAPI
}

/// What is said when the parser of HTTP refuses a request: status line and body. `None` for other codes.
pub(super) fn refused_by_parser(status: u16) -> Option<(String, String)> {
    let problem = Problem::of_parser(status)?;
    Some((problem.status.to_string(), problem.json()))
}

/// The API's routes.
pub(super) fn router(app: App) -> Router {
    let api = Api { app, guard: Arc::default() };
    let mut router = Router::new();
    for (path, method) in routes() {
        router = router.route(path, method);
    }
    router
        .route("/api/{*rest}", axum::routing::any(nothing_there))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(api)
}

async fn openapi(headers: HeaderMap) -> Response {
    fresh(&headers, OPENAPI.as_bytes().to_vec())
}

async fn mentions(asked: Asked) -> Answer {
    asked.json(&reading::mentions(&asked).await?)
}

async fn mention(asked: Asked, Path(id): Path<String>) -> Answer {
    asked.json(&reading::mention(&asked, number(&id)?).await?)
}

async fn cases(asked: Asked) -> Answer {
    asked.json(&reading::cases(&asked).await?)
}

async fn case(asked: Asked, Path(id): Path<String>) -> Answer {
    asked.json(&reading::case(&asked, number(&id)?).await?)
}

async fn sources(asked: Asked) -> Answer {
    asked.json(&reading::sources(&asked).await?)
}

async fn stories(asked: Asked) -> Answer {
    asked.json(&reading::stories(&asked).await?)
}

async fn story(asked: Asked, Path(id): Path<String>) -> Answer {
    asked.json(&reading::story(&asked, number(&id)?).await?)
}

async fn outbox(asked: Asked) -> Answer {
    asked.json(&reading::outbox(&asked).await?)
}

async fn all_themes(asked: Asked) -> Answer {
    asked.json(&themes::themes(&asked).await?)
}

async fn theme(asked: Asked, Path(id): Path<String>) -> Answer {
    asked.json(&themes::theme(&asked, number(&id)?).await?)
}

async fn act_on_theme(asked: Asked, Path(id): Path<String>, body: Result<Bytes, BytesRejection>) -> Answer {
    let body = deed(&asked, body)?;
    asked.json(&themes::act(&asked, number(&id)?, &body).await?)
}

async fn act(asked: Asked, Path(id): Path<String>, body: Result<Bytes, BytesRejection>) -> Answer {
    let body = deed(&asked, body)?;
    asked.json(&reading::act(&asked, number(&id)?, &body).await?)
}

/// What is to be done, if this token does anything.
fn deed(asked: &Asked, body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    if asked.token.scope != Scope::Act {
        return Err(Problem::forbidden("this token may only read; one that acts has scope = \"act\""));
    }
    asked.fields.clone().done()?;
    body.map_err(|_| Problem::too_large(MAX_BODY))
}

async fn nothing_there(_: Asked) -> Problem {
    Problem::not_found("there is nothing here; /api/v1/openapi.json lists what is")
}

async fn wrong_method() -> Problem {
    Problem::method_not_allowed()
}

impl Asked {
    /// Who acts: whom the request names, else whom the token names, else the program itself.
    fn actor(&self, by: Option<String>) -> Actor {
        let person = by.or_else(|| self.token.by.clone());
        person.map_or_else(|| Actor::Program(self.token.name.clone()), Actor::Person)
    }

    fn json(&self, value: &impl Serialize) -> Answer {
        let body = serde_json::to_vec(value).map_err(|error| Problem::fault(&error.to_string()))?;
        Ok(fresh(&self.headers, body))
    }
}

fn number(text: &str) -> Result<i64, Problem> {
    text.parse()
        .ok()
        .filter(|id| *id > 0)
        .ok_or_else(|| Problem::not_found(&format!("`{text}` is no number of anything")))
}

/// 304 if whoever asks has it already (RFC 9110 section 13.1.2).
fn fresh(headers: &HeaderMap, body: Vec<u8>) -> Response {
    let digest = Sha256::digest(&body);
    let tag: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    let unchanged = known.into_iter().any(|one| one == tag || one == "*");
    let mut response =
        if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { Body::from(body).into_response() };
    let out = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(header::ETAG, tag);
    }
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
