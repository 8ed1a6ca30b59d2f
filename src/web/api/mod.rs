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
mod views;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::App;
use crate::config::{Scope, Token};
use guard::Guard;
use problem::Problem;
pub(super) use views::Sight;

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

/// Who asks, and with what.
pub(super) struct Asked<'a> {
    pub(super) app: &'a App,
    pub(super) token: &'a Token,
    pub(super) query: filter::Fields,
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

/// The API's routes.
pub(super) fn router(app: App) -> Router {
    let api = Api { app, guard: Arc::default() };
    let mut router = Router::new();
    for (path, method) in routes() {
        router = router.route(path, method.method_not_allowed_fallback(wrong_method));
    }
    router
        .route("/api/{*rest}", axum::routing::any(nothing_there))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(api)
}

async fn openapi(headers: HeaderMap) -> Response {
    fresh(&headers, OPENAPI.as_bytes().to_vec())
}

async fn mentions(State(api): State<Api>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    read(&api, &headers, query, async |asked| json(&headers, &reading::mentions(&asked).await?)).await
}

async fn mention(State(api): State<Api>, headers: HeaderMap, RawQuery(query): RawQuery, Path(id): Path<String>) -> Response {
    read(&api, &headers, query, async |asked| json(&headers, &reading::mention(&asked, number(&id)?).await?)).await
}

async fn cases(State(api): State<Api>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    read(&api, &headers, query, async |asked| json(&headers, &reading::cases(&asked).await?)).await
}

async fn case(State(api): State<Api>, headers: HeaderMap, RawQuery(query): RawQuery, Path(id): Path<String>) -> Response {
    read(&api, &headers, query, async |asked| json(&headers, &reading::case(&asked, number(&id)?).await?)).await
}

async fn sources(State(api): State<Api>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    read(&api, &headers, query, async |asked| json(&headers, &reading::sources(&asked).await?)).await
}

async fn stories(State(api): State<Api>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    read(&api, &headers, query, async |asked| json(&headers, &reading::stories(&asked).await?)).await
}

async fn story(State(api): State<Api>, headers: HeaderMap, RawQuery(query): RawQuery, Path(id): Path<String>) -> Response {
    read(&api, &headers, query, async |asked| json(&headers, &reading::story(&asked, number(&id)?).await?)).await
}

async fn outbox(State(api): State<Api>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    read(&api, &headers, query, async |asked| json(&headers, &reading::outbox(&asked).await?)).await
}

async fn act(
    State(api): State<Api>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Path(id): Path<String>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    read(&api, &headers, query, async |asked| {
        if asked.token.scope != Scope::Act {
            return Err(Problem::forbidden("this token may only read; one that acts has scope = \"act\""));
        }
        asked.query.done()?;
        let body = body.map_err(|_| Problem::too_large(MAX_BODY))?;
        json(&headers, &reading::act(&asked, number(&id)?, &body).await?)
    })
    .await
}

async fn nothing_there(State(api): State<Api>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    read(&api, &headers, query, async |_| Err(Problem::not_found("there is nothing here; /api/v1/openapi.json lists what is"))).await
}

async fn wrong_method() -> Response {
    Problem::method_not_allowed().into_response()
}

/// Lets whoever has a token ask, and words what goes wrong.
async fn read(
    api: &Api,
    headers: &HeaderMap,
    query: Option<String>,
    answer: impl AsyncFnOnce(Asked<'_>) -> Answer,
) -> Response {
    let view = api.app.daemon.view();
    let token = match api.guard.admit(&view.config.tokens, headers, api.app.daemon.now()) {
        Ok(token) => token,
        Err(problem) => return problem.into_response(),
    };
    let query = filter::Fields::new(query.as_deref().unwrap_or_default());
    answer(Asked { app: &api.app, token, query }).await.unwrap_or_else(IntoResponse::into_response)
}

fn number(text: &str) -> Result<i64, Problem> {
    text.parse().ok().filter(|id| *id > 0).ok_or_else(|| Problem::not_found(&format!("`{text}` is no number of anything")))
}

fn json(headers: &HeaderMap, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(|error| Problem::fault(&error.to_string()))?;
    Ok(fresh(headers, body))
}

/// 304 if whoever asks has it already (RFC 9110 section 13.1.2).
fn fresh(headers: &HeaderMap, body: Vec<u8>) -> Response {
    let digest = Sha256::digest(&body);
    let tag: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    let unchanged = known.into_iter().any(|one| one == tag || one == "*");
    let mut response = if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { Body::from(body).into_response() };
    let out = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(header::ETAG, tag);
    }
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
