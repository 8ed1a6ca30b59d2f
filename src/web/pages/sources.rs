//! Sources with their health: silence is never mistaken for calm.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::SignedDuration;
use minijinja::{Value, context};

use super::super::layout::page;
use super::super::session::Guest;
use super::super::{App, failed};
use crate::model::{Health, Source};

pub(super) async fn show(State(app): State<App>, guest: Guest) -> Response {
    let states = match app.daemon.record().source_states().await {
        Ok(states) => states,
        Err(error) => return failed(&error),
    };
    let config = &guest.view.site;
    let (now, zone) = (app.daemon.now(), &config.timezone);
    let phrases = guest.view.composer.phrases(&guest.language);
    let date = |at: Option<jiff::Timestamp>| at.map(|at| phrases.date(at, zone)).unwrap_or_default();
    let line = |source: &Source| {
        let health = states.get(&source.name).map_or_else(Health::default, |state| state.health.clone());
        let open = health.blind_since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        let blind = SignedDuration::from_secs(health.blind_seconds) + open.max(SignedDuration::ZERO);
        context! {
            name => source.name.as_str(),
            status => health.status.as_str(),
            heard => date(health.last_heard),
            next => date(health.next_poll),
            entries => health.entries,
            blind => if blind.is_zero() { String::new() } else { format!("{:.1}", blind.as_secs_f64() / 3_600.0) },
            since => date(health.blind_since),
            error => health.error.unwrap_or_default(),
        }
    };
    let mut sources: Vec<&Source> = config.sources.iter().collect();
    let failing = |source: &Source| {
        states.get(&source.name).is_none_or(|state| state.health.error.is_none() && state.health.blind_since.is_none())
    };
    // What needs somebody comes first.
    sources.sort_by_key(|source| failing(source));
    let rows: Value = sources.into_iter().map(line).collect();
    page(StatusCode::OK, "sources.html", &guest.frame("sources"), context! { rows })
}
