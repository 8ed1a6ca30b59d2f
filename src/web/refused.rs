//! Requests that never reach a handler. hyper answers what is no HTTP (a raw `>` in an address, a header of 100 KB) by
//! itself, with an empty body; here those answers get the same words as all others. Only what hyper says itself is
//! changed: no handler answers with these codes and nothing.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::api::refused_by_parser;

/// Longest head of hyper's own answers, in bytes; they have three headers.
const HEAD: usize = 512;

/// Accepts connections whose refusals have words.
pub(super) struct Wording(pub(super) TcpListener);

impl Listener for Wording {
    type Io = Worded;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Worded, SocketAddr) {
        let (stream, from) = Listener::accept(&mut self.0).await;
        (Worded { stream, words: Vec::new(), said: 0 }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection; what is said in place of hyper's empty answer waits in `words`.
pub(super) struct Worded {
    stream: TcpStream,
    words: Vec<u8>,
    said: usize,
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
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Worded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.say(cx))?;
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
    use super::*;

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
