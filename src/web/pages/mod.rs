//! The pages: mentions, one mention, cases, one case, themes, one theme, sources. For whoever is signed in; `access` says what they see.

mod cases;
mod inbox;
mod mention;
mod sources;
mod theme_acts;
mod themes;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::layout::see_other;
use super::session::{self, Guest};
use super::{App, session::root};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(home))
        .route("/mentions", get(inbox::show))
        .route("/mentions/{id}", get(mention::show))
        .route("/cases", get(cases::list))
        .route("/cases/{id}", get(cases::show).post(cases::act))
        .route("/themes", get(themes::list))
        .route("/themes/{id}", get(themes::show).post(theme_acts::act))
        .route("/sources", get(sources::show))
}

/// Nothing is there, or nothing for this reader: the same words, so that nobody learns which.
pub(super) async fn missing(State(app): State<App>) -> Response {
    session::refused(&app.daemon.view(), StatusCode::NOT_FOUND, "missing")
}

async fn home(guest: Guest) -> Response {
    see_other(&format!("{}/mentions", root(&guest.view.site)))
}

/// A value of the query part of an address.
fn asked(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.filter(|(key, _)| key == name).map(|(_, value)| value.trim().to_owned()).find(|value| !value.is_empty())
}

/// The query part that asks for these values.
fn asking(pairs: &[(&str, &str)]) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    out.finish()
}
