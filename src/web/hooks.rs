//! `POST /hooks/NAME`: what others push. The answer is given only when what came is recorded, so a sender that keeps what
//! was not answered with 202 loses nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Largest body, in bytes.
pub const MAX_BODY: usize = 1 << 20;
/// Bodies that are read at a time; the rest wait for their turn.
const AT_ONCE: usize = 8;
/// How long a sender may take over its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The headers of a request.
pub type Headers = HeaderMap;

/// How a message was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Recorded.
    Taken { entries: u64, mentions: u64 },
    /// No such source.
    Unknown,
    /// The sender is not who it should be.
    Forged(String),
    /// It cannot be read; why.
    Unreadable(String),
    /// Too much came lately: come again after so many seconds.
    Busy { seconds: u64 },
    /// It cannot be recorded now.
    Stopping,
}

/// Takes what was pushed; the daemon.
pub trait Receiver: Send + Sync {
    /// Takes a message for a source.
    fn receive(&self, source: String, headers: HeaderMap, body: Vec<u8>) -> BoxFuture<'_, Receipt>;
}

#[derive(Clone)]
struct Hooks {
    receiver: Arc<dyn Receiver>,
    places: Arc<Semaphore>,
}

/// The addresses that others push to.
pub fn routes(receiver: Arc<dyn Receiver>) -> Router {
    Router::new()
        .route("/hooks/{name}", post(receive))
        .with_state(Hooks { receiver, places: Arc::new(Semaphore::new(AT_ONCE)) })
}

async fn receive(State(hooks): State<Hooks>, Path(name): Path<String>, headers: HeaderMap, body: Body) -> Response {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return too_large();
    }
    // Closed never: it lives as long as we do.
    let Ok(_place) = hooks.places.acquire().await else { return say(StatusCode::SERVICE_UNAVAILABLE, "stopping") };
    let read = timeout(BODY_TIMEOUT, read(body)).await;
    let body = match read {
        Ok(Ok(body)) => body,
        Ok(Err(answer)) => return answer,
        Err(_) => return say(StatusCode::REQUEST_TIMEOUT, "the body did not come in time; send it again"),
    };
    match hooks.receiver.receive(name, headers, body).await {
        Receipt::Taken { entries, mentions } => {
            let json = serde_json::json!({ "entries": entries, "mentions": mentions }).to_string();
            (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, "application/json")], json + "\n").into_response()
        }
        Receipt::Unknown => say(StatusCode::NOT_FOUND, "no source of kind = \"webhook\" has this name"),
        Receipt::Forged(why) => say(StatusCode::UNAUTHORIZED, &why),
        Receipt::Unreadable(why) => say(StatusCode::UNPROCESSABLE_ENTITY, &why),
        Receipt::Busy { seconds } => {
            let mut answer = say(StatusCode::TOO_MANY_REQUESTS, "too many messages; send it again later");
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            answer
        }
        Receipt::Stopping => {
            let mut answer = say(StatusCode::SERVICE_UNAVAILABLE, "it cannot be recorded now; send it again later");
            answer.headers_mut().insert(header::RETRY_AFTER, 30.into());
            answer
        }
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Response> {
    let mut stream = body.into_data_stream();
    let mut whole = Vec::new();
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else { return Err(say(StatusCode::BAD_REQUEST, "the body broke off; send it again")) };
        if whole.len() + chunk.len() > MAX_BODY {
            return Err(too_large());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

fn too_large() -> Response {
    say(StatusCode::PAYLOAD_TOO_LARGE, &format!("at most {MAX_BODY} bytes are taken; send it in parts"))
}

fn say(status: StatusCode, words: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{words}\n")).into_response()
}
