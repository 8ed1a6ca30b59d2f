//! The bytes of an SMTP dialogue: replies read with caps and time-outs, commands and bodies written, and the one thing
//! that must be exact: whether the end of a message was handed over or not.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout;

use crate::model::Secret;

use super::reply::{MAX_REPLY_LINE, Reply, ReplyReader};

/// Bytes of a body that are written under one time-out.
const BLOCK: usize = 64 * 1024;
/// Bytes asked for in one read.
const READ: usize = 4096;

/// What carries the dialogue: TCP, or TLS over it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WireFault {
    /// The connection is gone.
    Cut(String),
    /// No answer, or no room to write, in this time.
    Silent(Duration),
    /// What came is not SMTP.
    Nonsense(String),
}

/// How writing a body stopped short.
#[derive(Debug)]
pub(super) enum BodyStop {
    /// The relay spoke before it had all: its reply. The end of the message was not sent.
    Early(Result<Reply, WireFault>),
    /// The connection failed before the last byte of the end mark was handed over: the message cannot have arrived.
    BeforeEnd(WireFault),
    /// It failed after that: the message may have arrived.
    AfterEnd(WireFault),
}

/// One open connection.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    inbox: Vec<u8>,
    /// What is never quoted, whoever repeats it.
    unsaid: Vec<Secret>,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, inbox: Vec::new(), unsaid: Vec::new() }
    }

    /// From here on replies show `***` where they repeat one of these: some relays quote at any step what they were told
    /// at the login, and what they say ends up in the log, in the record and in mails to the operator.
    pub(super) fn never_quote(&mut self, unsaid: impl IntoIterator<Item = Secret>) {
        self.unsaid = unsaid.into_iter().filter(|secret| !secret.expose().is_empty()).collect();
    }

    /// Gives the stream back to be wrapped in TLS. Fails if the relay said more than it was asked: those bytes came in
    /// the clear and must not count as said under TLS (response injection).
    pub(super) fn into_stream(self) -> Result<Box<dyn Stream>, WireFault> {
        if self.inbox.is_empty() {
            Ok(self.stream)
        } else {
            Err(WireFault::Nonsense("it sent more in the clear after agreeing to encrypt".to_owned()))
        }
    }

    /// True if an idle connection cannot be used any more: closed by the relay, or with something said unasked (a 421).
    pub(super) async fn is_stale(&mut self) -> bool {
        if !self.inbox.is_empty() {
            return true;
        }
        // Asks once, without waiting.
        poll_fn(|cx| Poll::Ready(self.poll_read(cx).is_ready())).await
    }

    /// Sends one line and reads the reply.
    pub(super) async fn command(&mut self, line: &str, limit: Duration) -> Result<Reply, WireFault> {
        self.commands([line], limit).await.map(|[reply]| reply)
    }

    /// Sends lines at once and reads the replies in order (RFC 2920). All of them, or the fault of the first missing one.
    pub(super) async fn commands<const N: usize>(
        &mut self,
        lines: [&str; N],
        limit: Duration,
    ) -> Result<[Reply; N], WireFault> {
        debug_assert!(!lines.iter().any(|line| line.contains(['\r', '\n'])), "a command is one line");
        // One write, so that the lines leave in one packet.
        let bytes: Vec<u8> = lines.iter().flat_map(|line| [line.as_bytes(), b"\r\n"].concat()).collect();
        let exchange = async {
            let written = async {
                self.stream.write_all(&bytes).await?;
                self.stream.flush().await
            }
            .await;
            self.read_replies(written.as_ref().err().map(cut)).await
        };
        timeout(limit, exchange).await.unwrap_or(Err(WireFault::Silent(limit)))
    }

    /// Waits for the replies to commands that were sent along with a body.
    pub(super) async fn replies<const N: usize>(&mut self, limit: Duration) -> Result<[Reply; N], WireFault> {
        timeout(limit, self.read_replies(None)).await.unwrap_or(Err(WireFault::Silent(limit)))
    }

    /// Reads `N` replies; `fault` is what went wrong with sending the commands.
    async fn read_replies<const N: usize>(&mut self, fault: Option<WireFault>) -> Result<[Reply; N], WireFault> {
        let mut replies = [(); N].map(|()| Reply { code: 421, lines: Vec::new() });
        for reply in &mut replies {
            // A relay that hung up may have said why (421) just before.
            *reply = self.read_reply().await.map_err(|why| fault.clone().unwrap_or(why))?;
            if reply.code == 421 {
                // It is leaving: nothing more comes.
                break;
            }
        }
        Ok(replies)
    }

    /// Takes leave: QUIT, and the end of TLS. No mail is on its way, so what comes of it does not matter.
    pub(super) async fn quit(mut self, limit: Duration) {
        if self.command("QUIT", limit).await.is_ok() {
            let _ = timeout(limit, self.stream.shutdown()).await;
        }
    }

    /// Waits for a reply.
    pub(super) async fn reply(&mut self, limit: Duration) -> Result<Reply, WireFault> {
        timeout(limit, self.read_reply()).await.unwrap_or(Err(WireFault::Silent(limit)))
    }

    /// Writes a stuffed body with its end mark ([`super::stuffing::stuff`]) and the commands that follow it, block by
    /// block, `limit` for each.
    pub(super) async fn body(&mut self, stuffed: &[u8], commands: &str, limit: Duration) -> Result<(), BodyStop> {
        let all = [stuffed, commands.as_bytes()].concat();
        let mut done = 0;
        // Whatever breaks after the end mark was handed over, the message may have arrived.
        let stop = |done: usize, why| {
            if done < stuffed.len() { BodyStop::BeforeEnd(why) } else { BodyStop::AfterEnd(why) }
        };
        while done < all.len() {
            let block = all.len().min(done + BLOCK);
            // What lies in a TLS buffer is written out before the last block is added, so that a relay which takes
            // nothing more is noticed while the end mark is still here.
            let before = async {
                if done > 0 {
                    self.stream.flush().await.map_err(|fault| Some(cut(&fault)))?;
                }
                self.write_block(&all[..block], &mut done, stuffed.len()).await
            };
            match timeout(limit, before).await {
                Ok(Ok(())) => {}
                Ok(Err(Some(why))) => return Err(stop(done, why)),
                Ok(Err(None)) => return Err(BodyStop::Early(self.read_reply().await)),
                Err(_) => return Err(stop(done, WireFault::Silent(limit))),
            }
        }
        match timeout(limit, self.stream.flush()).await {
            Ok(flushed) => flushed.map_err(|fault| BodyStop::AfterEnd(cut(&fault))),
            Err(_) => Err(BodyStop::AfterEnd(WireFault::Silent(limit))),
        }
    }

    /// Writes from `done` to the end of `block` unless the relay speaks before it has the first `end` bytes (`None`).
    /// Comes back with `Ok` only when the stream took the last byte.
    async fn write_block(&mut self, block: &[u8], done: &mut usize, end: usize) -> Result<(), Option<WireFault>> {
        let spoke = poll_fn(|cx| {
            while *done < block.len() {
                if *done < end {
                    if !self.inbox.is_empty() {
                        return Poll::Ready(Ok(true));
                    }
                    match self.poll_read(cx) {
                        Poll::Ready(Ok(())) => return Poll::Ready(Ok(true)),
                        Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                        Poll::Pending => {}
                    }
                }
                match Pin::new(&mut self.stream).poll_write(cx, &block[*done..]) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(WireFault::Cut("it takes no more bytes".to_owned()))),
                    Poll::Ready(Ok(count)) => *done += count,
                    Poll::Ready(Err(fault)) => return Poll::Ready(Err(cut(&fault))),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(Ok(false))
        })
        .await
        .map_err(Some)?;
        if spoke { Err(None) } else { Ok(()) }
    }

    async fn read_reply(&mut self) -> Result<Reply, WireFault> {
        let mut reader = ReplyReader::default();
        let mut searched = 0;
        loop {
            while let Some(found) = self.inbox[searched..].iter().position(|&b| b == b'\n') {
                let end = searched + found;
                let reply = reader.line(&self.inbox[..end]);
                self.inbox.drain(..=end);
                searched = 0;
                if let Some(mut reply) = reply.map_err(|what| WireFault::Nonsense(what.to_owned()))? {
                    for secret in &self.unsaid {
                        reply.strike_out(secret.expose());
                    }
                    return Ok(reply);
                }
            }
            searched = self.inbox.len();
            if searched > MAX_REPLY_LINE {
                return Err(WireFault::Nonsense("it answered with a line without end".to_owned()));
            }
            poll_fn(|cx| self.poll_read(cx)).await?;
        }
    }

    /// Adds what has arrived to the inbox; `Ready(Ok)` means at least one byte.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WireFault>> {
        let mut space = [0; READ];
        let mut buffer = ReadBuf::new(&mut space);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(fault)) => Poll::Ready(Err(cut(&fault))),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                Poll::Ready(Err(WireFault::Cut("it closed the connection".to_owned())))
            }
            Poll::Ready(Ok(())) => {
                self.inbox.extend_from_slice(buffer.filled());
                Poll::Ready(Ok(()))
            }
        }
    }
}

fn cut(fault: &io::Error) -> WireFault {
    WireFault::Cut(match fault.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            "it broke the connection".to_owned()
        }
        _ => fault.to_string(),
    })
}
