//! A Jetstream server: a log of events, a window that it keeps, cursors, and whatever a test wants to go wrong.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// What is sent next instead of an event.
#[derive(Clone, Debug)]
pub enum Wrong {
    /// The connection breaks off after so many events, without a goodbye.
    Cut(usize),
    /// The handshake is refused.
    Refuse(u16, &'static str),
    /// A frame of this kind comes first, then the connection goes on.
    First(Message),
    /// Bytes that are no frame.
    Raw(Vec<u8>),
    /// Nothing is ever sent, and nothing answered.
    Dead,
}

#[derive(Default)]
struct State {
    /// In order of time.
    log: Vec<(i64, Utf8Bytes)>,
    /// What the server forgot.
    oldest: i64,
    /// For the connections to come; after them all goes well.
    wrong: VecDeque<Wrong>,
    /// Cursors that were asked for, in order.
    cursors: Vec<Option<i64>>,
}

/// See the module.
pub struct Jetstream {
    state: Arc<Mutex<State>>,
    grown: watch::Sender<usize>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Jetstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Jetstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let (grown, growing) = watch::channel(0);
        let task = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                // Connections end with the server.
                let mut connections = tokio::task::JoinSet::new();
                loop {
                    let Ok((tcp, _)) = listener.accept().await else { return };
                    connections.spawn(serve(tcp, Arc::clone(&state), growing.clone()));
                }
            }
        });
        Self { state, grown, address, task }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/subscribe", self.address)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Adds an event.
    pub fn say(&self, time_us: i64, event: impl Into<String>) {
        let mut state = self.state();
        state.log.push((time_us, event.into().into()));
        self.grown.send_replace(state.log.len());
    }

    /// Adds a post.
    pub fn post(&self, time_us: i64, rkey: &str, text: &str) {
        self.say(time_us, commit(time_us, "create", rkey, Some(text)));
    }

    /// Has the next connections go wrong.
    pub fn wrong(&self, wrong: impl IntoIterator<Item = Wrong>) {
        self.state().wrong.extend(wrong);
    }

    /// Forgets what is older.
    pub fn forget_before(&self, time_us: i64) {
        self.state().oldest = time_us;
    }

    /// The cursors that were asked for.
    pub fn cursors(&self) -> Vec<Option<i64>> {
        self.state().cursors.clone()
    }
}

/// An event about a post of `did:plc:someone`.
pub fn commit(time_us: i64, operation: &str, rkey: &str, text: Option<&str>) -> String {
    let mut commit = serde_json::json!({
        "rev": "r", "operation": operation, "collection": "app.bsky.feed.post", "rkey": rkey,
    });
    if let Some(text) = text {
        commit["record"] = serde_json::json!({ "$type": "app.bsky.feed.post", "text": text, "langs": ["en"] });
    }
    serde_json::json!({ "did": "did:plc:someone", "time_us": time_us, "kind": "commit", "commit": commit }).to_string()
}

async fn serve(tcp: TcpStream, state: Arc<Mutex<State>>, mut grown: watch::Receiver<usize>) {
    let wrong = state.lock().unwrap().wrong.pop_front();
    let mut cursor = None;
    #[allow(clippy::result_large_err, reason = "the library's signature")]
    let look = |request: &Request, response: Response| {
        let query = request.uri().query().unwrap_or_default();
        assert!(query.contains("wantedCollections=app.bsky.feed.post"), "{query}");
        cursor = query.split('&').find_map(|pair| pair.strip_prefix("cursor=")?.parse().ok());
        state.lock().unwrap().cursors.push(cursor);
        match &wrong {
            Some(Wrong::Refuse(status, body)) => {
                let mut refusal = ErrorResponse::new(Some((*body).to_owned()));
                *refusal.status_mut() = (*status).try_into().unwrap();
                Err(refusal)
            }
            _ => Ok(response),
        }
    };
    let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(tcp, look).await else { return };
    let mut left = usize::MAX;
    match wrong {
        Some(Wrong::Cut(after)) => left = after,
        // If nobody takes it, nobody takes what follows either.
        Some(Wrong::First(message)) => drop(socket.send(message).await),
        Some(Wrong::Raw(bytes)) => {
            use tokio::io::AsyncWriteExt;
            let _ = socket.get_mut().write_all(&bytes).await;
        }
        Some(Wrong::Dead) => std::future::pending().await,
        _ => {}
    }
    let mut at = 0;
    loop {
        let next = {
            let state = state.lock().unwrap();
            let next = state.log.get(at).cloned();
            next.map(|(time, text)| (time >= cursor.unwrap_or(i64::MAX).max(state.oldest), text))
        };
        match next {
            Some((wanted, text)) => {
                at += 1;
                if !wanted {
                    continue;
                }
                if left == 0 {
                    return;
                }
                left -= 1;
                if socket.send(Message::Text(text)).await.is_err() {
                    return;
                }
            }
            None => tokio::select! {
                changed = grown.changed() => if changed.is_err() { return },
                heard = socket.next() => if !matches!(heard, Some(Ok(_))) { return },
            },
        }
    }
}
