//! As much of IMAP as reading a folder takes (RFC 3501, RFC 2177), with a cap on everything that a server may send.
//!
//! The usual library was tried: it has no cap below 512 MiB, does not say how a FETCH ended (so a message that was
//! deleted meanwhile looks like one that was never there), and ends in a panic on some answers to IDLE.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;

/// Longest line of a server, in bytes: half a million UIDs in one answer to SEARCH.
const MAX_LINE: usize = 4 << 20;
/// Lines of one answer at most.
const MAX_LINES: usize = 20_000;
/// What a literal may have beside what was asked for: headers of a message too long, answers that nobody asked for.
const MAX_LITERAL: usize = 1 << 20;
/// Literals in one line at most.
const MAX_LITERALS: usize = 8;

/// A connection, encrypted or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ImapFault {
    #[error("it was silent for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("it closed the connection{}", said(.0))]
    Closed(String),
    #[error("it sent more than a mail server may ({0})")]
    TooMuch(&'static str),
    #[error("it does not speak IMAP; it said: {0}")]
    NotImap(String),
    /// The server said NO or BAD.
    #[error("it said: {0}")]
    No(String),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ImapFault {
    /// The same without these texts in what the server said.
    pub(super) fn without(self, secrets: &[String]) -> Self {
        let hide = |text: String| {
            let secrets = secrets.iter().filter(|secret| !secret.is_empty());
            secrets.fold(text, |text, secret| text.replace(secret.as_str(), "***"))
        };
        match self {
            ImapFault::Closed(text) => ImapFault::Closed(hide(text)),
            ImapFault::NotImap(text) => ImapFault::NotImap(hide(text)),
            ImapFault::No(text) => ImapFault::No(hide(text)),
            other => other,
        }
    }
}

fn said(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// One line of an answer. A literal is where `{n}` ends a piece of the text.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) literals: Vec<Vec<u8>>,
}

/// What the server answered to a command that it did.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) lines: Vec<Line>,
    /// Behind the tagged OK.
    pub(super) text: String,
}

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// Mail came.
    News,
    /// Nothing did.
    Nothing,
    /// Somebody else wants the connection.
    Stopped,
}

/// A connection to a server that has greeted.
pub(super) struct Imap {
    wire: BufReader<Box<dyn Wire>>,
    tags: u32,
    /// Longest silence.
    patience: Duration,
    /// A line that is not complete yet.
    pending: Vec<u8>,
    /// The server said that there are more messages.
    pub(super) news: bool,
}

impl Imap {
    pub(super) fn new(wire: Box<dyn Wire>, patience: Duration) -> Self {
        Self { wire: BufReader::new(wire), tags: 0, patience, pending: Vec::new(), news: false }
    }

    /// The connection below, for STARTTLS. What the server sent too early is thrown away (CVE-2021-38372 and its
    /// relatives: plain text that would be taken for encrypted).
    pub(super) fn into_wire(self) -> Box<dyn Wire> {
        self.wire.into_inner()
    }

    /// The server's first line.
    pub(super) async fn greeting(&mut self) -> Result<(), ImapFault> {
        let line = self.line(MAX_LITERAL).await?;
        if line.text.starts_with("* OK") || line.text.starts_with("* PREAUTH") {
            return Ok(());
        }
        Err(match line.text.strip_prefix("* BYE") {
            Some(why) => ImapFault::Closed(shown(why)),
            None => ImapFault::NotImap(shown(&line.text)),
        })
    }

    /// Sends a command and reads to its end. `max_literal`: bytes of one literal at most.
    pub(super) async fn command(&mut self, command: &str, max_literal: usize) -> Result<Answer, ImapFault> {
        let tag = self.send(command).await?;
        self.answer(&tag, None, max_literal).await
    }

    /// Authenticates (RFC 3501, 6.2.2); `responses` are given to the server's challenges in turn, then empty ones.
    pub(super) async fn authenticate(&mut self, mechanism: &str, responses: &[String]) -> Result<Answer, ImapFault> {
        let tag = self.send(&format!("AUTHENTICATE {mechanism}")).await?;
        self.answer(&tag, Some(responses), MAX_LITERAL).await
    }

    /// Waits for mail at most `longest` (RFC 2177), or until `stop`. The connection can be used again afterwards.
    pub(super) async fn idle(
        &mut self,
        longest: Duration,
        stop: impl Future<Output = ()>,
    ) -> Result<Waited, ImapFault> {
        let tag = self.send("IDLE").await?;
        loop {
            let line = self.line(MAX_LITERAL).await?;
            if line.text.starts_with('+') {
                break;
            }
            if let Some(end) = line.text.strip_prefix(&tag) {
                return Err(ImapFault::No(shown(end)));
            }
        }
        let waiting = async {
            loop {
                let line = self.line_without_patience().await?;
                if is_news(&line.text) {
                    return Ok::<_, ImapFault>(());
                }
                if let Some(why) = line.text.strip_prefix("* BYE") {
                    return Err(ImapFault::Closed(shown(why)));
                }
            }
        };
        let waited = tokio::select! {
            news = waiting => { news?; Waited::News }
            () = stop => Waited::Stopped,
            () = tokio::time::sleep(longest) => Waited::Nothing,
        };
        self.write(b"DONE\r\n").await?;
        self.answer(&tag, None, MAX_LITERAL).await?;
        Ok(waited)
    }

    async fn send(&mut self, command: &str) -> Result<String, ImapFault> {
        self.tags += 1;
        let tag = format!("m{} ", self.tags);
        self.write(format!("{tag}{command}\r\n").as_bytes()).await?;
        Ok(tag)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), ImapFault> {
        let sending = async {
            self.wire.write_all(bytes).await?;
            self.wire.flush().await
        };
        timeout(self.patience, sending).await.map_err(|_| ImapFault::Silent(self.patience))??;
        Ok(())
    }

    async fn answer(
        &mut self,
        tag: &str,
        responses: Option<&[String]>,
        max_literal: usize,
    ) -> Result<Answer, ImapFault> {
        let mut answer = Answer::default();
        let mut responses = responses.map(<[String]>::iter);
        loop {
            let line = self.line(max_literal).await?;
            if let Some(end) = line.text.strip_prefix(tag) {
                return match end.split_once(' ').unwrap_or((end, "")) {
                    (status, text) if status.eq_ignore_ascii_case("OK") => {
                        answer.text = text.to_owned();
                        Ok(answer)
                    }
                    (_, _) => Err(ImapFault::No(shown(end))),
                };
            }
            if line.text.starts_with('+') {
                let response = responses.as_mut().and_then(Iterator::next).map_or("", String::as_str);
                self.write(format!("{response}\r\n").as_bytes()).await?;
                continue;
            }
            if let Some(why) = line.text.strip_prefix("* BYE") {
                return Err(ImapFault::Closed(shown(why)));
            }
            if answer.lines.len() >= MAX_LINES {
                return Err(ImapFault::TooMuch("lines"));
            }
            self.news |= is_news(&line.text);
            answer.lines.push(line);
        }
    }

    async fn line(&mut self, max_literal: usize) -> Result<Line, ImapFault> {
        let mut line = Line::default();
        loop {
            let piece = timeout(self.patience, self.piece()).await.map_err(|_| ImapFault::Silent(self.patience))??;
            line.text.push_str(&piece);
            let Some(length) = literal(&piece) else { return Ok(line) };
            if length > max_literal.max(MAX_LITERAL) || line.literals.len() >= MAX_LITERALS {
                return Err(ImapFault::TooMuch("one message"));
            }
            let mut bytes = vec![0; length];
            let mut filled = 0;
            while filled < length {
                let rest = bytes.get_mut(filled..).unwrap_or_default();
                let read = timeout(self.patience, self.wire.read(rest)).await;
                match read.map_err(|_| ImapFault::Silent(self.patience))?? {
                    0 => return Err(ImapFault::Closed(String::new())),
                    n => filled += n,
                }
            }
            line.literals.push(bytes);
        }
    }

    async fn line_without_patience(&mut self) -> Result<Line, ImapFault> {
        let text = self.piece().await?;
        Ok(Line { text, literals: Vec::new() })
    }

    /// Text up to the end of a line. What was read when the caller gave up is there the next time.
    async fn piece(&mut self) -> Result<String, ImapFault> {
        loop {
            let chunk = self.wire.fill_buf().await?;
            if chunk.is_empty() {
                return Err(ImapFault::Closed(String::new()));
            }
            let (taken, ends) = match chunk.iter().position(|b| *b == b'\n') {
                Some(at) => (at + 1, true),
                None => (chunk.len(), false),
            };
            self.pending.extend_from_slice(chunk.get(..taken).unwrap_or_default());
            self.wire.consume(taken);
            if self.pending.len() > MAX_LINE {
                return Err(ImapFault::TooMuch("one line"));
            }
            if ends {
                let line = String::from_utf8_lossy(&self.pending).trim_end_matches(['\r', '\n']).to_owned();
                self.pending.clear();
                return Ok(line);
            }
        }
    }
}

/// Bytes of the literal that a piece announces.
fn literal(piece: &str) -> Option<usize> {
    let inner = piece.strip_suffix('}')?.rsplit_once('{')?.1;
    inner.strip_suffix('+').unwrap_or(inner).parse().ok()
}

fn is_news(line: &str) -> bool {
    line.strip_prefix("* ").is_some_and(|rest| {
        let mut words = rest.split(' ');
        words.next().is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit())) && words.next() == Some("EXISTS")
    })
}

/// A server's words for a message of ours: one line, not long, nothing that a terminal would obey.
fn shown(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(200).collect()
}

/// A string as IMAP wants it (RFC 3501, 4.3); `None` if it cannot be one.
pub(super) fn quoted(text: &str) -> Option<String> {
    let bad = text.chars().any(|c| matches!(c, '\r' | '\n' | '\0'));
    (!bad).then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// A folder's name in modified UTF-7 (RFC 3501, 5.1.3).
pub(super) fn folder(name: &str) -> String {
    use base64::Engine as _;
    let mut out = String::new();
    let mut wide: Vec<u8> = Vec::new();
    let flush = |wide: &mut Vec<u8>, out: &mut String| {
        if !wide.is_empty() {
            let coded = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&*wide).replace('/', ",");
            out.push('&');
            out.push_str(&coded);
            out.push('-');
            wide.clear();
        }
    };
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            flush(&mut wide, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            wide.extend(c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    flush(&mut wide, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    /// A server that says `script`, whatever it is told, and is heard by `talk`.
    async fn with<T>(script: &[u8], talk: impl AsyncFnOnce(&mut Imap) -> T) -> T {
        let (ours, mut theirs) = duplex(1 << 16);
        let script = script.to_vec();
        let server = tokio::spawn(async move {
            let _ = theirs.write_all(&script).await;
            // The connection stays open until the client goes.
            let mut sink = [0; 256];
            while theirs.read(&mut sink).await.is_ok_and(|n| n > 0) {}
        });
        let mut imap = Imap::new(Box::new(ours), Duration::from_millis(300));
        let out = talk(&mut imap).await;
        drop(imap);
        let _ = server.await;
        out
    }

    #[tokio::test]
    async fn answers_come_with_their_literals() {
        let script = b"* OK hello\r\n* 1 FETCH (UID 7 BODY[] {5}\r\na\r\nb\n X \"y\")\r\n* 2 EXISTS\r\nm1 OK done\r\n";
        let answer = with(script, async |imap| {
            imap.greeting().await.unwrap();
            imap.command("UID FETCH 7 (BODY.PEEK[])", 100).await.unwrap()
        })
        .await;
        assert_eq!(answer.lines[0].literals, [b"a\r\nb\n".to_vec()]);
        assert_eq!(answer.lines[0].text, "* 1 FETCH (UID 7 BODY[] {5} X \"y\")");
        assert_eq!((answer.lines.len(), answer.text.as_str()), (2, "done"));
    }

    #[tokio::test]
    async fn what_a_server_may_not_do_ends_in_words() {
        for (script, words) in [
            (
                &b"* OK\r\nm1 NO [AUTHENTICATIONFAILED] wrong\x1b[2J\r\n"[..],
                "it said: NO [AUTHENTICATIONFAILED] wrong[2J",
            ),
            (b"* OK\r\n* BYE too busy\r\n", "it closed the connection: too busy"),
            (b"* OK\r\n* 1 FETCH (BODY[] {99999999999}\r\n", "it sent more than a mail server may (one message)"),
            (b"* OK\r\n* 1 FETCH (BODY[] {9}\r\nab", "it was silent for 0 s"),
            (b"* OK\r\n", "it was silent for 0 s"),
            (b"220 smtp.example.com ESMTP\r\n", "it does not speak IMAP; it said: 220 smtp.example.com ESMTP"),
        ] {
            let fault = with(script, async |imap| match imap.greeting().await {
                Ok(()) => imap.command("NOOP", 1000).await.map(drop).unwrap_err(),
                Err(fault) => fault,
            })
            .await;
            assert_eq!(fault.to_string(), words);
        }
        let endless = b"x".repeat(MAX_LINE + 100_000);
        let fault = with(&endless, async |imap| imap.greeting().await.unwrap_err()).await;
        assert!(matches!(fault, ImapFault::TooMuch(_)), "{fault}");
    }

    #[tokio::test]
    async fn waiting_ends_with_mail_with_time_or_when_told() {
        let never = || std::future::pending::<()>();
        let script = b"+ idling\r\n* OK still here\r\n* 3 EXISTS\r\nm1 OK\r\n";
        assert_eq!(with(script, async |i| i.idle(Duration::from_secs(9), never()).await.unwrap()).await, Waited::News);
        let script = b"+ idling\r\n* 1 EXPUNGE\r\n";
        let out = with(script, async |i| i.idle(Duration::from_millis(20), never()).await).await;
        assert!(matches!(out, Err(ImapFault::Silent(_))), "no answer to DONE: {out:?}");
        for refusal in [&b"m1 BAD\r\n"[..], b"m1 NO\r\n"] {
            let out = with(refusal, async |i| i.idle(Duration::from_secs(9), never()).await).await;
            assert!(matches!(out, Err(ImapFault::No(_))), "{out:?}");
        }
    }

    #[test]
    fn names_and_passwords_are_written_as_imap_wants_them() {
        assert_eq!(quoted("a\"b\\c").as_deref(), Some("\"a\\\"b\\\\c\""));
        assert_eq!(quoted("a\r\nb"), None);
        assert_eq!(folder("INBOX/Kunder & co"), "INBOX/Kunder &- co");
        assert_eq!(folder("~peter/mail/台北/日本語"), "~peter/mail/&U,BTFw-/&ZeVnLIqe-");
        assert_eq!(folder("Atención"), "Atenci&APM-n");
    }
}
