//! A scripted SMTP server on 127.0.0.1. It runs on a thread of its own, records every session, command and message, and
//! stops when dropped, so that plain and async tests can use it alike.
//!
//! ```ignore
//! let server = SmtpServer::start(Script::default().answer("RCPT TO:<bo@", "451 4.7.1 later"));
//! // … send to 127.0.0.1:server.port() …
//! assert_eq!(server.messages().len(), 1);
//! ```

use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// An answer that closes the connection instead.
pub const CUT: &str = "(cut)";
/// An answer that never comes.
pub const MUTE: &str = "(mute)";

/// What the server does in a session.
#[derive(Clone)]
pub struct Script {
    banner: String,
    tls: Encryption,
    /// Name and password that AUTH must show; without them AUTH is not offered.
    login: Option<(String, String)>,
    mechanisms: String,
    offers: Vec<String>,
    answers: Vec<(String, String)>,
    dot: Dot,
    /// Sent behind the last line of the answer to STARTTLS, in the clear.
    injected: String,
    /// Messages of one session, after which the server closes it without a word.
    messages_per_session: usize,
    /// Said right after 354, before anything of the message was read.
    talks_during_data: Option<String>,
}

#[derive(Clone)]
enum Encryption {
    None,
    StartTls(TlsAcceptor),
    Implicit(TlsAcceptor),
}

/// What comes after the final dot.
#[derive(Clone)]
pub enum Dot {
    /// 250, and the message is recorded.
    Take,
    /// The message is recorded, and this much later 250.
    TakeLate(Duration),
    /// The message is recorded, and the connection cut.
    TakeAndCut,
    /// The message is recorded, and no answer comes.
    TakeAndStaySilent,
    /// Another answer; nothing is recorded unless it is a 2yz.
    Answer(String),
    /// The connection is cut after this many bytes of the message.
    CutBefore(usize),
    /// After this many bytes of the message nothing is read any more.
    StopReading(usize),
}

impl Default for Script {
    fn default() -> Self {
        Self {
            banner: "220 relay.test ESMTP".to_owned(),
            tls: Encryption::None,
            login: None,
            mechanisms: "PLAIN LOGIN".to_owned(),
            offers: vec!["8BITMIME".to_owned(), "SIZE 50000000".to_owned()],
            answers: Vec::new(),
            dot: Dot::Take,
            injected: String::new(),
            messages_per_session: usize::MAX,
            talks_during_data: None,
        }
    }
}

impl Script {
    pub fn banner(mut self, banner: &str) -> Self {
        self.banner = banner.to_owned();
        self
    }

    /// Offers STARTTLS with a certificate of `tests/data/tls`.
    pub fn starttls(mut self, certificate: &str) -> Self {
        self.tls = Encryption::StartTls(acceptor(certificate));
        self
    }

    /// Speaks TLS from the first byte.
    pub fn implicit_tls(mut self, certificate: &str) -> Self {
        self.tls = Encryption::Implicit(acceptor(certificate));
        self
    }

    pub fn login(mut self, name: &str, password: &str) -> Self {
        self.login = Some((name.to_owned(), password.to_owned()));
        self
    }

    pub fn mechanisms(mut self, mechanisms: &str) -> Self {
        self.mechanisms = mechanisms.to_owned();
        self
    }

    /// The extensions in place of `8BITMIME` and `SIZE`.
    pub fn offers(mut self, offers: &[&str]) -> Self {
        self.offers = offers.iter().map(|&o| o.to_owned()).collect();
        self
    }

    /// Commands that start so (in any case) get this answer: a reply, [`CUT`] or [`MUTE`].
    pub fn answer(mut self, command: &str, answer: &str) -> Self {
        self.answers.push((command.to_ascii_uppercase(), answer.to_owned()));
        self
    }

    pub fn dot(mut self, dot: Dot) -> Self {
        self.dot = dot;
        self
    }

    pub fn injected(mut self, line: &str) -> Self {
        self.injected = line.to_owned();
        self
    }

    /// Closes a session without a word after so many messages.
    pub fn messages_per_session(mut self, count: usize) -> Self {
        self.messages_per_session = count;
        self
    }

    /// Says this right after 354, and reads nothing more.
    pub fn talks_during_data(mut self, reply: &str) -> Self {
        self.talks_during_data = Some(reply.to_owned());
        self
    }
}

/// A message that the server took responsibility for, or recorded before it fell silent.
#[derive(Clone, Debug)]
pub struct Received {
    /// Number of the session, from 0.
    pub session: usize,
    pub from: String,
    pub to: Vec<String>,
    /// The message, dots taken out again.
    pub data: Vec<u8>,
    pub tls: bool,
    /// Who logged in.
    pub login: Option<String>,
    /// When its final dot was read.
    pub at: std::time::Instant,
}

impl Received {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

#[derive(Default)]
struct Record {
    sessions: usize,
    messages: Vec<Received>,
    commands: Vec<(usize, String)>,
}

/// The running server.
pub struct SmtpServer {
    address: SocketAddr,
    record: Arc<Mutex<Record>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SmtpServer {
    /// Every session follows the same script.
    pub fn start(script: Script) -> Self {
        Self::start_each(vec![script])
    }

    /// The n-th session follows the n-th script; those after the last follow the last.
    pub fn start_each(scripts: Vec<Script>) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::new(Mutex::new(Record::default()));
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&record);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    _ = stopped => {}
                    () = accept(&listener, &scripts, &shared) => {}
                }
            });
            // Sessions that are still open end with the runtime.
        });
        Self { address, record, stop: Some(stop), thread: Some(thread) }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Messages in the order in which they were taken.
    pub fn messages(&self) -> Vec<Received> {
        self.lock().messages.clone()
    }

    /// Connections so far.
    pub fn sessions(&self) -> usize {
        self.lock().sessions
    }

    /// Command lines so far, with the number of their session; AUTH answers included.
    pub fn commands(&self) -> Vec<(usize, String)> {
        self.lock().commands.clone()
    }

    /// How many commands start so.
    pub fn count(&self, command: &str) -> usize {
        self.lock().commands.iter().filter(|(_, line)| line.starts_with(command)).count()
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: &TcpListener, scripts: &[Script], record: &Arc<Mutex<Record>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let number = {
            let mut record = record.lock().unwrap();
            record.sessions += 1;
            record.sessions - 1
        };
        let script = scripts[number.min(scripts.len() - 1)].clone();
        let _ = stream.set_nodelay(true);
        let record = Arc::clone(record);
        tokio::spawn(async move {
            let session = Session { number, script, record, login: None, tls: false };
            // A client that goes away ends its session.
            let _ = session.run(stream).await;
        });
    }
}

struct Session {
    number: usize,
    script: Script,
    record: Arc<Mutex<Record>>,
    login: Option<String>,
    tls: bool,
}

type Peer = BufReader<Box<dyn Duplex>>;
trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// Where a session goes after a command.
enum Next {
    On,
    Close,
}

impl Session {
    async fn run(mut self, stream: tokio::net::TcpStream) -> std::io::Result<()> {
        let mut peer: Peer = match &self.script.tls {
            Encryption::Implicit(acceptor) => {
                self.tls = true;
                BufReader::new(Box::new(acceptor.accept(stream).await?))
            }
            _ => BufReader::new(Box::new(stream)),
        };
        let banner = self.script.banner.clone();
        if let Next::Close = say(&mut peer, &banner).await? {
            return Ok(());
        }
        if !banner.starts_with('2') {
            return Ok(());
        }
        let (mut from, mut to, mut taken) = (None::<String>, Vec::<String>::new(), 0);
        loop {
            let Some(line) = self.line(&mut peer).await? else { return Ok(()) };
            let upper = line.to_ascii_uppercase();
            let scripted = self.script.answers.iter().find(|(start, _)| upper.starts_with(start.as_str()));
            let answer = if let Some((_, answer)) = scripted {
                let answer = answer.clone();
                if answer.starts_with("25") && upper.starts_with("MAIL FROM:") {
                    from = Some(address(&line));
                } else if answer.starts_with("25") && upper.starts_with("RCPT TO:") {
                    to.push(address(&line));
                }
                if answer.starts_with("421") {
                    say(&mut peer, &answer).await?;
                    return Ok(());
                }
                answer
            } else if upper.starts_with("EHLO") {
                self.ehlo()
            } else if upper == "STARTTLS" {
                let Encryption::StartTls(acceptor) = self.script.tls.clone() else {
                    say(&mut peer, "502 5.5.1 no").await?;
                    continue;
                };
                let injected = self.script.injected.clone();
                say(&mut peer, &format!("220 go{}{injected}", if injected.is_empty() { "" } else { "\r\n" })).await?;
                peer = BufReader::new(Box::new(acceptor.accept(peer.into_inner()).await?));
                self.tls = true;
                (from, to) = (None, Vec::new());
                continue;
            } else if upper.starts_with("AUTH ") {
                self.auth(&mut peer, &line).await?
            } else if upper.starts_with("MAIL FROM:") {
                if self.script.login.is_some() && self.login.is_none() {
                    "530 5.7.0 Authentication required".to_owned()
                } else if from.is_some() {
                    "503 5.5.1 nested MAIL".to_owned()
                } else {
                    from = Some(address(&line));
                    "250 2.1.0 sender ok".to_owned()
                }
            } else if upper.starts_with("RCPT TO:") {
                if from.is_none() {
                    "503 5.5.1 MAIL first".to_owned()
                } else {
                    to.push(address(&line));
                    "250 2.1.5 recipient ok".to_owned()
                }
            } else if upper == "DATA" {
                let (Some(sender), false) = (from.clone(), to.is_empty()) else {
                    say(&mut peer, "503 5.5.1 RCPT first").await?;
                    continue;
                };
                say(&mut peer, "354 go ahead").await?;
                if let Next::Close = self.data(&mut peer, sender, to.clone()).await? {
                    return Ok(());
                }
                (from, to) = (None, Vec::new());
                taken += 1;
                if taken >= self.script.messages_per_session {
                    return Ok(());
                }
                continue;
            } else if upper == "RSET" {
                (from, to) = (None, Vec::new());
                "250 2.0.0 reset".to_owned()
            } else if upper == "QUIT" {
                say(&mut peer, "221 2.0.0 bye").await?;
                return Ok(());
            } else {
                "500 5.5.2 what?".to_owned()
            };
            if let Next::Close = say(&mut peer, &answer).await? {
                return Ok(());
            }
        }
    }

    fn ehlo(&self) -> String {
        let mut lines = vec!["relay.test".to_owned()];
        lines.extend(self.script.offers.iter().cloned());
        if matches!(self.script.tls, Encryption::StartTls(_)) && !self.tls {
            lines.push("STARTTLS".to_owned());
        }
        if self.script.login.is_some() {
            lines.push(format!("AUTH {}", self.script.mechanisms));
        }
        let last = lines.len() - 1;
        let lines: Vec<String> =
            lines.iter().enumerate().map(|(n, l)| format!("250{}{l}", if n == last { ' ' } else { '-' })).collect();
        lines.join("\r\n")
    }

    async fn auth(&mut self, peer: &mut Peer, line: &str) -> std::io::Result<String> {
        let words: Vec<&str> = line.split(' ').collect();
        let decode = |text: &str| String::from_utf8(STANDARD.decode(text).unwrap_or_default()).unwrap_or_default();
        let given = match words.as_slice() {
            [_, "PLAIN", token] => {
                let token = decode(token);
                let mut parts = token.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            [_, "LOGIN"] => {
                say(peer, "334 VXNlcm5hbWU6").await?;
                let name = decode(&self.line(peer).await?.unwrap_or_default());
                say(peer, "334 UGFzc3dvcmQ6").await?;
                (name, decode(&self.line(peer).await?.unwrap_or_default()))
            }
            _ => return Ok("504 5.5.4 no such mechanism".to_owned()),
        };
        Ok(if Some(&given) == self.script.login.as_ref() {
            self.login = Some(given.0);
            "235 2.7.0 welcome".to_owned()
        } else {
            // As rude as can be: the secrets come back in the answer.
            format!("535 5.7.8 bad credentials {} {} {line}", given.0, given.1)
        })
    }

    async fn data(&mut self, peer: &mut Peer, from: String, to: Vec<String>) -> std::io::Result<Next> {
        if let Some(reply) = self.script.talks_during_data.clone() {
            say(peer, &reply).await?;
            std::future::pending::<()>().await;
        }
        let mut data = Vec::new();
        loop {
            let mut line = Vec::new();
            if peer.read_until(b'\n', &mut line).await? == 0 {
                return Ok(Next::Close);
            }
            if line == b".\r\n" {
                break;
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            match self.script.dot {
                Dot::CutBefore(bytes) if data.len() >= bytes => return Ok(Next::Close),
                Dot::StopReading(bytes) if data.len() >= bytes => std::future::pending::<()>().await,
                _ => {}
            }
        }
        let at = std::time::Instant::now();
        let message = Received { session: self.number, from, to, data, tls: self.tls, login: self.login.clone(), at };
        let keep = || self.record.lock().unwrap().messages.push(message);
        match self.script.dot.clone() {
            Dot::Take | Dot::CutBefore(_) | Dot::StopReading(_) => {
                keep();
                say(peer, "250 2.0.0 taken").await
            }
            Dot::TakeLate(wait) => {
                keep();
                tokio::time::sleep(wait).await;
                say(peer, "250 2.0.0 taken").await
            }
            Dot::TakeAndCut => {
                keep();
                Ok(Next::Close)
            }
            Dot::TakeAndStaySilent => {
                keep();
                std::future::pending().await
            }
            Dot::Answer(answer) => {
                if answer.starts_with('2') {
                    keep();
                }
                let next = say(peer, &answer).await?;
                Ok(if answer.starts_with("421") { Next::Close } else { next })
            }
        }
    }

    async fn line(&self, peer: &mut Peer) -> std::io::Result<Option<String>> {
        let mut line = String::new();
        if peer.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim_end_matches(['\r', '\n']).to_owned();
        self.record.lock().unwrap().commands.push((self.number, line.clone()));
        Ok(Some(line))
    }
}

async fn say(peer: &mut Peer, answer: &str) -> std::io::Result<Next> {
    match answer {
        CUT => return Ok(Next::Close),
        MUTE => std::future::pending::<()>().await,
        _ => {}
    }
    // Latin-1, so that a script can hold replies that are not UTF-8.
    let mut bytes: Vec<u8> = answer.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    bytes.extend_from_slice(b"\r\n");
    let stream = peer.get_mut();
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    Ok(Next::On)
}

fn address(line: &str) -> String {
    let start = line.find('<').map_or(0, |at| at + 1);
    let end = line.rfind('>').unwrap_or(line.len());
    line.get(start..end).unwrap_or_default().to_owned()
}

/// Path of a file in `tests/data/tls`.
pub fn tls_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

fn acceptor(name: &str) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(tls_file(&format!("{name}.pem"))).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(tls_file(&format!("{name}.key"))).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
