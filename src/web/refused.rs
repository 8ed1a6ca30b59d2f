//! Requests that never reach a handler, and clients that never finish one. hyper answers what is no HTTP (a raw `>` in an address, a header of 100 KB) by
//! itself, with an empty body; here those answers get the same words as all others. Only what hyper says itself is
//! changed: no handler answers with these codes and nothing. Whoever opens connections and says little or nothing holds
//! none of them for long, or there would soon be no file descriptor left for feeds and mail.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};

use super::api::refused_by_parser;

/// Longest head of hyper's own answers, in bytes; they have three headers.
const HEAD: usize = 512;

/// From the beginning of a connection, or the last answer, to the end of the next request.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Accepts connections whose refusals have words, and which end if nothing comes of them within `patience`.
pub(super) struct Wording {
    pub(super) listener: TcpListener,
    pub(super) patience: Duration,
}

impl Listener for Wording {
    type Io = Worded;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Worded, SocketAddr) {
        let (stream, from) = Listener::accept(&mut self.listener).await;
        let late = Box::pin(tokio::time::sleep(self.patience));
        (Worded { stream, words: Vec::new(), said: 0, patience: self.patience, late }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection; what is said in place of hyper's empty answer waits in `words`.
pub(super) struct Worded {
    stream: TcpStream,
    words: Vec<u8>,
    said: usize,
    patience: Duration,
    /// When it has lasted too long.
    late: Pin<Box<Sleep>>,
}

impl Worded {
    /// Says what waits.
    fn say(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.words.get(self.said..).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.said += written;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Worded {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            // As if the client had gone.
            Poll::Pending => this.late.as_mut().poll(cx).map(Ok),
            read => read,
        }
    }
}

impl AsyncWrite for Worded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.say(cx))?;
        this.late.as_mut().reset(Instant::now() + this.patience);
        match worded(bytes) {
            // hyper closes the connection after it: nothing follows.
            Some(words) => {
                (this.words, this.said) = (words, 0);
                // What cannot be written yet is written before the connection is flushed or closed.
                let _ = this.say(cx)?;
                Poll::Ready(Ok(bytes.len()))
            }
            None => Pin::new(&mut this.stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.say(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.say(cx))?;
        Pin::new(&mut this.stream).poll_shutdown(cx)
    }
}

/// What is said in place of an empty answer of hyper's own; `None` for everything else.
fn worded(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() > HEAD || !bytes.starts_with(b"HTTP/1.") || !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let mut headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let empty = headers.any(|(name, value)| name.eq_ignore_ascii_case("content-length") && value.trim() == "0");
    let (first, body) = refused_by_parser(status).filter(|_| empty)?;
    let length = body.len();
    Some(
        format!(
            "HTTP/1.1 {first}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
             x-content-type-options: nosniff\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Nobody sleeps here: the connection ends when the server has had enough, and what was answered before was whole.
    #[tokio::test]
    async fn who_does_not_finish_a_request_is_hung_up_on() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "here" }));
        let patience = Duration::from_millis(200);
        let serving = tokio::spawn(async move { axum::serve(Wording { listener, patience }, router).await });
        for said in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
            let mut client = TcpStream::connect(address).await.unwrap();
            let begun = Instant::now();
            client.write_all(format!("GET / HTTP/1.1\r\nHost: x\r\n\r\n{said}").as_bytes()).await.unwrap();
            let mut heard = Vec::new();
            client.read_to_end(&mut heard).await.unwrap();
            let heard = String::from_utf8(heard).unwrap();
            assert!(heard.starts_with("HTTP/1.1 200") && heard.ends_with("here"), "{said}: {heard}");
            assert!(begun.elapsed() >= patience, "{said}");
        }
        // One byte after the other does not help.
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut hearing, mut saying) = client.split();
        let trickle = async {
            while saying.write_all(b"G").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let mut heard = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), async {
            tokio::select! {
                _ = hearing.read_to_end(&mut heard) => {}
                () = trickle => {}
            }
        });
        ended.await.expect("the server hangs up, however long the client goes on");
        serving.abort();
    }

    #[test]
    fn only_the_empty_refusals_of_the_parser_get_other_words() {
        let answer = |status: &str, length: usize| {
            format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\ndate: x\r\n\r\n")
        };
        for status in ["400 Bad Request", "414 URI Too Long", "431 Request Header Fields Too Large"] {
            let words = String::from_utf8(worded(answer(status, 0).as_bytes()).unwrap()).unwrap();
            let (head, body) = words.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{head}");
            assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
            let json: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(json["status"].to_string(), status[..3]);
        }
        for other in [
            answer("400 Bad Request", 2),
            answer("200 OK", 0),
            answer("303 See Other", 0),
            answer("400 Bad Request", 0) + "{}",
            "HTTP/1.1 400".to_owned(),
            String::new(),
            "x".repeat(9_000),
        ] {
            assert_eq!(worded(other.as_bytes()), None, "{other}");
        }
    }
}
