//! Reads a socket into batches of texts, as fast as somebody takes them.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::fetch::{Heard, Socket};
use crate::model::{ErrorClass, PollFault};

/// Texts that came together.
pub(super) type Batch = Vec<Utf8Bytes>;

/// Most of a batch: enough that handing it over costs nothing, little enough that a full queue is a few megabytes.
const MOST_FRAMES: usize = 256;
const MOST_BYTES: usize = 256 << 10;

/// Reads until the connection ends, which it says; or until nobody takes the batches. A server that sends nothing for half
/// of `silence` is asked whether it lives; one that sends nothing but signs of life for all of it is given up.
pub(super) async fn read(mut socket: Socket, batches: Sender<Batch>, silence: Duration) -> PollFault {
    let mut said = Instant::now();
    let mut asked = false;
    loop {
        let deadline = said + if asked { silence } else { silence / 2 };
        let first = match timeout_at(deadline, socket.next()).await {
            Ok(Ok(heard)) => heard,
            Ok(Err(fault)) => return fault,
            Err(_) if asked => return silent(silence),
            Err(_) => {
                asked = true;
                match socket.ping().await {
                    Ok(()) => continue,
                    Err(fault) => return fault,
                }
            }
        };
        let mut batch = Batch::new();
        let mut bytes = 0;
        let mut next = Some(Ok(first));
        let mut fault = None;
        // What is there already comes along; nothing is waited for.
        while let Some(heard) = next {
            match heard {
                Ok(Heard::Text(text)) => {
                    bytes += text.len();
                    batch.push(text);
                }
                Ok(Heard::Alive) => {}
                // Only asked for with `compress`, so it is no event of ours.
                Ok(Heard::Binary(_)) => {
                    fault = Some(PollFault {
                        class: ErrorClass::Malformed,
                        message: "the stream sends bytes where texts are expected. Is it a Jetstream address?"
                            .to_owned(),
                        retry_after: None,
                    });
                }
                Err(end) => fault = Some(end),
            }
            if fault.is_some() || batch.len() >= MOST_FRAMES || bytes >= MOST_BYTES {
                break;
            }
            next = socket.next().now_or_never();
        }
        if !batch.is_empty() {
            if batches.send(batch).await.is_err() {
                socket.close().await;
                return silent(silence);
            }
            // Time that we let pass is no silence of theirs.
            (said, asked) = (Instant::now(), false);
        }
        if let Some(fault) = fault {
            return fault;
        }
    }
}

fn silent(silence: Duration) -> PollFault {
    let message = format!("nothing came through the stream for {} s.", silence.as_secs_f32());
    PollFault { class: ErrorClass::Transient, message, retry_after: None }
}
