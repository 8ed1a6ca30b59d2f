//! What is served over HTTP: pages for people, the links in their mails, addresses that others push to, health for
//! machines, metrics for Prometheus.
//!
//! The daemon stands behind it as a [`Daemon`]: the configuration in force, the record, the clock, and what may be done
//! with a case or a theme. Everything here is a reader of those; only `compose` words what is said about a mention or a case, only
//! this module words a page around it.

pub mod access;
mod actions;
pub mod api;
pub mod hooks;
pub mod keys;
mod layout;
pub mod links;
pub mod metrics;
mod pages;
mod refused;
mod session;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::cases::{Action, Refusal};
use crate::compose::Composer;
use crate::model::{Actor, Case, Mention, PerkOffer, Source, Token};
use crate::query::Context;
use crate::routing::{RefundRule, Routing};
use crate::store::StoreError;
use crate::store::record::Record;
use crate::themes::NamedQueries;
use crate::themes::standing::{ThemeAction, ThemeRefusal};
use keys::{Keys, Purpose};
use metrics::Metrics;

/// Bytes of a form.
const MAX_FORM: usize = 16 << 10;
/// How long answers that are under way may take after the daemon was told to stop.
const LAST_ANSWER: Duration = Duration::from_secs(3);

/// What pages need to know of the configuration.
#[derive(Clone, Debug)]
pub struct Site {
    pub routing: Arc<Routing>,
    /// What queries may name.
    pub context: Context,
    /// Key and name of each watchlist.
    pub watchlists: Vec<(String, String)>,
    pub sources: Vec<Source>,
    /// Where a department names none.
    pub language: String,
    pub timezone: TimeZone,
    /// Where we listen; `None` if there are no pages.
    pub http: Option<SocketAddr>,
    pub public_url: Option<Url>,
    pub sign_in: bool,
    /// Domain of the sender's address, for Message-IDs.
    pub sender_domain: String,
    /// What departments thank for praise with.
    pub perks: Vec<PerkOffer>,
    /// When giving money back is recommended, in deciding order.
    pub refunds: Vec<RefundRule>,
    /// Programs that may use the API.
    pub tokens: Vec<Token>,
}

/// What depends on the configuration; a reload brings another one. Cheap to clone.
#[derive(Clone)]
pub struct View {
    pub site: Arc<Site>,
    pub composer: Arc<Composer>,
    pub themes: Arc<NamedQueries>,
}

/// Something that is done in the background, as a trait object's method needs it.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What pages and API ask of the daemon behind them.
pub trait Daemon: Send + Sync {
    /// The configuration in force. Take it once a request: the next call may give another one.
    fn view(&self) -> View;

    /// The record.
    fn record(&self) -> &Record;

    /// Now.
    fn now(&self) -> Timestamp;

    /// Does what somebody wants done with a case, and wakes whoever has to do with it.
    fn act(&self, case: i64, action: Action, by: Actor) -> Doing<'_, Result<Result<Case, Refusal>, StoreError>>;

    /// Does what somebody wants done with a theme, and wakes whoever has to do with it. The number of
    /// the theme to look at afterwards.
    fn act_on_theme(
        &self,
        theme: i64,
        action: ThemeAction,
        by: Actor,
    ) -> Doing<'_, Result<Result<i64, ThemeRefusal>, StoreError>>;

    /// Recent mentions about the same issue as one of this story, the nearest first.
    fn similar<'a>(&'a self, mention: &'a Mention, story: i64) -> Doing<'a, Result<Vec<Mention>, StoreError>>;

    /// Mail was queued: wakes the courier.
    fn mail_waits(&self);
}

/// What every handler gets. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub daemon: Arc<dyn Daemon>,
    /// Signs links, sessions and forms.
    pub keys: Arc<Keys>,
}

/// Where the links of mails begin, without a slash at the end; `None` if no pages are served, or nobody said where.
pub fn base(config: &Site) -> Option<String> {
    let url = config.public_url.as_ref().filter(|_| config.http.is_some())?;
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// Where the pages are: what `public_url` says, or the address itself on this machine; `None` if they are off.
fn origin(config: &Site) -> Option<String> {
    base(config).or_else(|| config.http.map(|address| format!("http://{address}")))
}

/// The address that signs in whoever asked for `nonce`.
pub fn sign_in_address(config: &Site, keys: &Keys, nonce: &str) -> Option<String> {
    Some(format!("{}/sign-in/{}", origin(config)?, keys.seal(Purpose::SignIn, nonce.as_bytes())))
}

/// Everything that is served. Pages are served below the path of `public_url` too: some servers before us take it away,
/// others do not.
pub fn router(metrics: Arc<Metrics>, app: App) -> Router {
    let pages = Router::new()
        .route("/act/{link}", get(actions::show).post(actions::act))
        .route("/sign-in", get(session::ask).post(session::send))
        .route("/sign-in/{link}", get(session::open).post(session::enter))
        .route("/sign-out", post(session::leave))
        .route("/static/{version}/style.css", get(layout::style))
        .route("/static/{version}/copy.js", get(layout::script))
        .merge(pages::routes())
        .layer(DefaultBodyLimit::max(MAX_FORM));
    let api = api::router(app.clone());
    let below = session::root(&app.daemon.view().site);
    let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
    let all = match below.as_str() {
        "" => pages,
        path if path.chars().all(usual) && !path.contains("//") => pages.clone().nest(path, pages),
        _ => pages,
    };
    health(metrics).merge(api).merge(all.fallback(pages::missing).with_state(app))
}

/// The record could not be read or written: the log says why, the reader that it is not their fault.
fn failed(error: &StoreError) -> Response {
    tracing::error!(event = "page_failed", "a page could not be made: {error}");
    let text = "mentiond cannot use its record right now. Try again later; the operator finds the reason in the log.\n";
    (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Health for machines: needs nothing but the counters, and no sign-in.
pub fn health(metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(exposition))
        .with_state(metrics)
}

/// Serves until `stop` is cancelled.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let stopped = stop.clone();
    let serving = axum::serve(refused::Wording { listener, patience: refused::PATIENCE }, router)
        .with_graceful_shutdown(async move { stopped.cancelled().await });
    tokio::select! {
        result = async { serving.await } => if let Err(error) = result {
            tracing::error!(event = "http_failed", "pages and health checks are no longer served: {error}");
        },
        // Whoever reads slowly does not keep the daemon from stopping.
        () = async { stop.cancelled().await; tokio::time::sleep(LAST_ANSWER).await } => {}
    }
}

/// 200 while the state can be written, 503 with the reason otherwise.
async fn healthz(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    match metrics.fault() {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(fault) => (StatusCode::SERVICE_UNAVAILABLE, format!("{fault}\n")),
    }
}

/// 200 between a completed start and the beginning of the stop.
async fn readyz(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    if metrics.is_ready() { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") }
}

async fn exposition(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], metrics.encode())
}
