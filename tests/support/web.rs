//! A fake web: HTTP servers on loopback ports of their own, whose answers a test scripts and whose visits it reads
//! back. Each server is a thread, so tests need no runtime; it stops when dropped.
//!
//! ```ignore
//! let web = Web::start();
//! web.on("/feed", Reply::ok("<rss/>").etag("\"1\""));     // 304 to whoever brings "1" back
//! web.script("/moody", [Reply::status(503), Reply::ok("<rss/>")]);   // one after the other, the last for ever
//! assert_eq!(web.hits("/feed"), 0);
//! ```

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use url::Url;

/// One server.
pub struct Web {
    address: SocketAddr,
    scheme: &'static str,
    world: Arc<World>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Path and query.
    pub path: String,
    /// Names in lower case, values as bytes.
    pub headers: Vec<(String, Vec<u8>)>,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: &'static str,
}

/// What to answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    etag: Option<String>,
    delay: Duration,
    manner: Manner,
}

#[derive(Clone, Debug)]
enum Manner {
    Plain,
    /// One byte of the body at a time.
    Drip(Duration),
    /// Only so many bytes of the body, then the end of the connection.
    Cut(usize),
    /// Chunked, the body again and again for ever.
    Endless,
    /// The body is all that is sent, without a status line, then the end of the connection.
    Raw,
    /// Nothing, for ever.
    Silent,
    /// The end of the connection after each answer.
    Close,
}

/// Answers what has no route.
type Otherwise = Box<dyn FnMut(&Visit) -> Reply + Send>;

#[derive(Default)]
struct World {
    routes: Mutex<HashMap<String, (Vec<Reply>, usize)>>,
    otherwise: Mutex<Option<Otherwise>>,
    visits: Mutex<Vec<Visit>>,
    connections: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Web {
    /// A server on 127.0.0.1 and a free port.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0", None)
    }

    /// A server with the certificate `tests/data/tls/web-NAME.pem`, speaking HTTP/2 and HTTP/1.1.
    pub fn start_tls(name: &str) -> Self {
        Self::start_at("127.0.0.1:0", Some(name))
    }

    /// A server on another loopback address or a given port.
    pub fn start_at(address: &str, certificate: Option<&str>) -> Self {
        let listener = std::net::TcpListener::bind(address).expect("a free port");
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (world, stop) = (Arc::new(World::default()), CancellationToken::new());
        let tls = certificate.map(acceptor);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (shared, stopped) = (Arc::clone(&world), stop.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(stopped.run_until_cancelled(serve(listener, tls, shared)));
        });
        Self { address, scheme, world, stop, thread: Some(thread) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of `path` on this server, by IP.
    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}://{}{path}", self.scheme, self.address)).unwrap()
    }

    /// The same under a host name, which the test's resolver must know.
    pub fn url_as(&self, host: &str, path: &str) -> Url {
        Url::parse(&format!("{}://{host}:{}{path}", self.scheme, self.port())).unwrap()
    }

    /// Answers `path` with `reply` from now on. Other paths get 404.
    pub fn on(&self, path: &str, reply: Reply) -> &Self {
        self.script(path, [reply])
    }

    /// Answers `path` with one reply after another; the last one stays.
    pub fn script(&self, path: &str, replies: impl IntoIterator<Item = Reply>) -> &Self {
        let replies: Vec<_> = replies.into_iter().collect();
        assert!(!replies.is_empty(), "a script needs a reply");
        self.world.routes.lock().unwrap().insert(path.to_owned(), (replies, 0));
        self
    }

    /// Answers every path that has no reply of its own, instead of 404.
    pub fn otherwise(&self, answer: impl FnMut(&Visit) -> Reply + Send + 'static) -> &Self {
        *self.world.otherwise.lock().unwrap() = Some(Box::new(answer));
        self
    }

    /// All requests so far.
    pub fn visits(&self) -> Vec<Visit> {
        self.world.visits.lock().unwrap().clone()
    }

    /// Requests for `path` so far.
    pub fn hits(&self, path: &str) -> usize {
        self.world.visits.lock().unwrap().iter().filter(|visit| visit.path == path).count()
    }

    /// Connections so far, used or not: 0 proves that no packet came.
    pub fn connections(&self) -> usize {
        self.world.connections.load(Ordering::SeqCst)
    }

    /// The most requests that were being answered at one time.
    pub fn most_at_once(&self) -> usize {
        self.world.most.load(Ordering::SeqCst)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Visit {
    /// A header's value; bytes that are no text are replaced.
    pub fn header(&self, name: &str) -> Option<String> {
        self.header_bytes(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &value[..])
    }
}

impl Reply {
    pub fn status(status: u16) -> Self {
        let (headers, body, delay) = (Vec::new(), Vec::new(), Duration::ZERO);
        Self { status, headers, body, etag: None, delay, manner: Manner::Plain }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::status(200) }
    }

    pub fn redirect(status: u16, to: impl AsRef<str>) -> Self {
        Self::status(status).header("Location", to.as_ref())
    }

    /// Exactly these bytes instead of an HTTP answer.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { manner: Manner::Raw, ..Self::ok(bytes) }
    }

    /// Takes the request and says nothing.
    pub fn silent() -> Self {
        Self { manner: Manner::Silent, ..Self::status(200) }
    }

    /// A multi-member gzip of `total` zero bytes, about a thousandth as long.
    pub fn gzip_bomb(total: usize) -> Self {
        let member = gzip(&vec![0; 1 << 20]);
        Self::ok(member.repeat(total >> 20)).header("Content-Encoding", "gzip")
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends this ETag, and 304 to whoever sends exactly it back.
    pub fn etag(self, etag: &str) -> Self {
        Self { etag: Some(etag.to_owned()), ..self.header("ETag", etag) }
    }

    /// Waits before the first byte.
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Compresses the body and says so.
    pub fn gzip(self) -> Self {
        let body = gzip(&self.body);
        Self { body, ..self }.header("Content-Encoding", "gzip")
    }

    pub fn drip(self, pause: Duration) -> Self {
        Self { manner: Manner::Drip(pause), ..self }
    }

    pub fn cut(self, after: usize) -> Self {
        Self { manner: Manner::Cut(after), ..self }
    }

    pub fn endless(self) -> Self {
        Self { manner: Manner::Endless, ..self }
    }

    pub fn close(self) -> Self {
        Self { manner: Manner::Close, ..self }
    }

    /// 304 if the visitor has this version already.
    fn for_visit(mut self, visit: &Visit) -> Self {
        if self.etag.is_some() && self.etag.as_deref().map(str::as_bytes) == visit.header_bytes("if-none-match") {
            (self.status, self.manner) = (304, Manner::Plain);
            self.body.clear();
        }
        self
    }
}

/// `bytes` as one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file of the test certificates.
pub fn tls_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(format!("web-{name}.pem"))
}

fn acceptor(name: &str) -> TlsAcceptor {
    let file = tls_file(name);
    let certificates = CertificateDer::pem_file_iter(&file).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&file).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(listener: std::net::TcpListener, tls: Option<TlsAcceptor>, world: Arc<World>) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        world.connections.fetch_add(1, Ordering::SeqCst);
        let (world, tls) = (Arc::clone(&world), tls.clone());
        tokio::spawn(async move {
            let _ = socket.set_nodelay(true);
            let Some(tls) = tls else { return drop(http1(socket, world).await) };
            let Ok(socket) = tls.accept(socket).await else { return };
            if socket.get_ref().1.alpn_protocol() == Some(b"h2") {
                let _ = http2(socket, world).await;
            } else {
                let _ = http1(socket, world).await;
            }
        });
    }
}

impl World {
    /// Takes the visit down and finds its reply.
    fn visit(&self, visit: Visit) -> Reply {
        let mut routes = self.routes.lock().unwrap();
        let reply = match routes.get_mut(&visit.path) {
            None => match self.otherwise.lock().unwrap().as_mut() {
                Some(answer) => answer(&visit),
                None => Reply::status(404),
            },
            Some((replies, next)) => {
                let reply = replies[(*next).min(replies.len() - 1)].clone();
                *next += 1;
                reply.for_visit(&visit)
            }
        };
        self.visits.lock().unwrap().push(visit);
        reply
    }

    fn begin(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
    }

    fn end(&self) {
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn http1(mut socket: impl AsyncRead + AsyncWrite + Unpin, world: Arc<World>) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break buffer.drain(..end + 4).collect::<Vec<u8>>();
            }
            if socket.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let reply = world.visit(parse(&head));
        world.begin();
        let more = answer(&mut socket, reply).await;
        world.end();
        if !more? {
            return socket.shutdown().await;
        }
    }
}

fn parse(head: &[u8]) -> Visit {
    let mut lines = head.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        Some((name, line[colon + 1..].trim_ascii().to_vec()))
    });
    Visit { path, headers: headers.collect(), version: "HTTP/1.1" }
}

/// Sends the reply; false if the connection ends with it.
async fn answer(socket: &mut (impl AsyncWrite + Unpin), reply: Reply) -> std::io::Result<bool> {
    tokio::time::sleep(reply.delay).await;
    match reply.manner {
        Manner::Silent => std::future::pending::<()>().await,
        Manner::Raw => {
            socket.write_all(&reply.body).await?;
            return Ok(false);
        }
        _ => {}
    }
    let given = |name: &str| reply.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", reply.status).into_bytes();
    for (name, value) in &reply.headers {
        head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    if matches!(reply.manner, Manner::Endless) {
        head.extend(b"Transfer-Encoding: chunked\r\n");
    } else if reply.status != 304 && !given("content-length") && !given("transfer-encoding") {
        head.extend(format!("Content-Length: {}\r\n", reply.body.len()).bytes());
    }
    head.extend(b"\r\n");
    match reply.manner {
        Manner::Drip(pause) => {
            socket.write_all(&head).await?;
            for byte in reply.body.chunks(1) {
                socket.write_all(byte).await?;
                socket.flush().await?;
                tokio::time::sleep(pause).await;
            }
        }
        Manner::Cut(after) => {
            head.extend(&reply.body[..after.min(reply.body.len())]);
            socket.write_all(&head).await?;
            return Ok(false);
        }
        Manner::Endless => {
            socket.write_all(&head).await?;
            let chunk = [format!("{:x}\r\n", reply.body.len()).as_bytes(), &reply.body, b"\r\n"].concat();
            loop {
                socket.write_all(&chunk).await?;
            }
        }
        _ => {
            head.extend(&reply.body);
            socket.write_all(&head).await?;
        }
    }
    socket.flush().await?;
    Ok(!matches!(reply.manner, Manner::Close))
}

/// Status, headers, delay and body; the manners are HTTP/1.1's.
async fn http2(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    world: Arc<World>,
) -> Result<(), h2::Error> {
    let mut connection = h2::server::handshake(socket).await?;
    while let Some(request) = connection.accept().await {
        let (request, mut respond) = request?;
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
            let headers = request.headers().iter();
            let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
            let reply = world.visit(Visit { path, headers, version: "HTTP/2" });
            world.begin();
            tokio::time::sleep(reply.delay).await;
            let mut response = hyper::Response::builder().status(reply.status);
            for (name, value) in &reply.headers {
                response = response.header(name, &value[..]);
            }
            if let Ok(mut stream) = respond.send_response(response.body(()).unwrap(), reply.body.is_empty())
                && !reply.body.is_empty()
            {
                let _ = stream.send_data(reply.body.into(), true);
            }
            world.end();
        });
    }
    Ok(())
}
