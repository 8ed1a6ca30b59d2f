//! Guarded WebSocket connections (RFC 6455) for sources that are streams: the same guard, resolver, trust, proxy and
//! time-outs as every other request. What is said over them is the caller's business.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures_util::{SinkExt, StreamExt};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};
use url::{Host, Url};

use super::classify::{self, Facts, Verdict};
use super::client::{self, FetchError};
use super::guard::Guard;
use super::hints::Hints;
use super::resolve::{Lookup, LookupFailed, Resolver};
use super::transport;
use crate::clock::Clock;
use crate::model::{ErrorClass, FetchSettings, PollFault};

/// Largest message that is taken, in bytes. A post of a social network is far below 100 kB.
pub const MAX_MESSAGE: usize = 1 << 20;
/// What is read at a time, in bytes.
const READ_BUFFER: usize = 64 << 10;
/// Longest answer of a proxy, and most of a refusal's body that is looked at, in bytes.
const MAX_PROXY_ANSWER: usize = 8 << 10;
const MAX_REFUSAL: usize = 2 << 10;
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// Any byte stream.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// An open connection. Messages are at most 1 MiB; compression is not agreed on, so a compressed frame is a fault.
pub struct Socket {
    inner: WebSocketStream<Box<dyn Wire>>,
    host: String,
}

/// Something that came in.
#[derive(Debug)]
pub enum Heard {
    /// A text, which is UTF-8.
    Text(Utf8Bytes),
    /// A message in bytes.
    Binary(Bytes),
    /// A ping or pong: the other side lives.
    Alive,
}

/// Why a connection could not be opened.
#[derive(Debug)]
pub struct OpenFault {
    pub fault: PollFault,
    /// What a server that refused the handshake said, at most 2 KiB; for machines, not for messages.
    pub said: String,
}

impl From<PollFault> for OpenFault {
    fn from(fault: PollFault) -> Self {
        Self { fault, said: String::new() }
    }
}

/// Opens connections; made with the fetcher.
pub(crate) struct Dialer {
    guard: Arc<Guard>,
    lookup: Arc<dyn Lookup>,
    resolver: Resolver,
    tls: Arc<ClientConfig>,
    proxy: Option<Url>,
    user_agent: String,
    connect_timeout: Duration,
    timeout: Duration,
}

impl Dialer {
    pub(crate) fn new(
        settings: &FetchSettings,
        guard: Arc<Guard>,
        lookup: Arc<dyn Lookup>,
        resolver: Resolver,
    ) -> Result<Self, FetchError> {
        let mut tls = client::tls(settings.ca_file.as_deref())?;
        // WebSocket over HTTP/2 (RFC 8441) is not spoken.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            guard,
            lookup,
            resolver,
            tls: Arc::new(tls),
            proxy: settings.proxy.clone(),
            user_agent: settings.user_agent.clone(),
            connect_timeout: settings.connect_timeout,
            timeout: settings.timeout,
        })
    }

    /// Opens a connection to a `ws` or `wss` address: guarded, through the proxy if there is one, redirects not
    /// followed.
    pub(crate) async fn open(&self, url: &Url, clock: &Clock) -> Result<Socket, OpenFault> {
        let host = label(url);
        let wire = match timeout(self.connect_timeout, self.connect(url, &host)).await {
            Ok(wire) => wire?,
            Err(_) => {
                let seconds = self.connect_timeout.as_secs_f32();
                let message = format!("{host} did not take the connection within {seconds} s.");
                return Err(transport::new(ErrorClass::Transient, message).into());
            }
        };
        let request = self.request(url, &host)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let shaken = timeout(self.timeout, tokio_tungstenite::client_async_with_config(request, wire, Some(config)));
        match shaken.await {
            Ok(Ok((inner, _))) => Ok(Socket { inner, host }),
            Ok(Err(Error::Http(answer))) => Err(refused(&answer, &host, clock)),
            Ok(Err(error)) => Err(fault(&error, &host).into()),
            Err(_) => {
                let seconds = self.timeout.as_secs_f32();
                let message = format!("{host} did not answer within {seconds} s. It is tried again.");
                Err(transport::new(ErrorClass::Transient, message).into())
            }
        }
    }

    fn request(
        &self,
        url: &Url,
        host: &str,
    ) -> Result<tokio_tungstenite::tungstenite::handshake::client::Request, PollFault> {
        let wrong = || transport::new(ErrorClass::Forbidden, format!("the address of {host} cannot be asked for."));
        let mut request = url.as_str().into_client_request().map_err(|_| wrong())?;
        let agent = HeaderValue::from_str(&self.user_agent).map_err(|_| wrong())?;
        request.headers_mut().insert("user-agent", agent);
        Ok(request)
    }

    /// A TCP connection to an address that the guard lets through, encrypted for `wss`.
    async fn connect(&self, url: &Url, host: &str) -> Result<Box<dyn Wire>, PollFault> {
        let web = as_web(url).ok_or_else(|| {
            transport::new(ErrorClass::Forbidden, format!("the address of {host} does not begin with wss://."))
        })?;
        let forbidden = |refusal| transport::new(ErrorClass::Forbidden, format!("{refusal}."));
        self.guard.check_url(&web).map_err(forbidden)?;
        let wire: Box<dyn Wire> = match &self.proxy {
            None => Box::new(self.dial(&web, host, true).await?),
            Some(proxy) => {
                if let Some(Host::Domain(name)) = web.host() {
                    self.resolver.vet(name).await.map_err(forbidden)?;
                }
                let there = label(proxy);
                let tcp = self.dial(proxy, &there, false).await?;
                let wire: Box<dyn Wire> = if proxy.scheme() == "https" {
                    self.encrypt(Box::new(tcp), proxy, &there).await?
                } else {
                    Box::new(tcp)
                };
                tunnel(wire, proxy, &web, &there).await?
            }
        };
        if url.scheme() == "wss" { self.encrypt(wire, &web, host).await } else { Ok(wire) }
    }

    /// The addresses that were judged are those that are contacted, one after the other.
    async fn dial(&self, url: &Url, host: &str, guarded: bool) -> Result<TcpStream, PollFault> {
        let port = url.port_or_known_default().unwrap_or(443);
        let addresses: Vec<IpAddr> = match url.host() {
            Some(Host::Ipv4(ip)) => vec![ip.into()],
            Some(Host::Ipv6(ip)) => vec![ip.into()],
            Some(Host::Domain(name)) => {
                let found = self.lookup.lookup(name).await.unwrap_or_default();
                if found.is_empty() {
                    let message = format!("{host} {}", LookupFailed::WORDS);
                    return Err(transport::new(ErrorClass::Transient, message));
                }
                if guarded {
                    let forbidden = |refusal| transport::new(ErrorClass::Forbidden, format!("{refusal}."));
                    self.guard.filter(name, found).map_err(forbidden)?
                } else {
                    found
                }
            }
            None => return Err(transport::new(ErrorClass::Forbidden, "the address names no host.".to_owned())),
        };
        let mut last = None;
        for address in addresses {
            match TcpStream::connect(SocketAddr::new(address, port)).await {
                Ok(tcp) => {
                    // A latency matter only; a socket that cannot do it serves as well.
                    let _ = tcp.set_nodelay(true);
                    return Ok(tcp);
                }
                Err(error) => last = Some(error),
            }
        }
        let detail = last.map(|error| format!(" ({})", error.kind())).unwrap_or_default();
        Err(transport::new(ErrorClass::Transient, format!("no connection to {host}{detail}.")))
    }

    async fn encrypt(&self, wire: Box<dyn Wire>, url: &Url, host: &str) -> Result<Box<dyn Wire>, PollFault> {
        let name = match url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).ok(),
            Some(Host::Ipv4(ip)) => Some(ServerName::from(IpAddr::from(ip))),
            Some(Host::Ipv6(ip)) => Some(ServerName::from(IpAddr::from(ip))),
            None => None,
        };
        let Some(name) = name else {
            let message = format!("{host} is no name that a certificate can prove.");
            return Err(transport::new(ErrorClass::Forbidden, message));
        };
        match TlsConnector::from(Arc::clone(&self.tls)).connect(name, wire).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(transport::encryption(&error, host)),
        }
    }
}

impl Socket {
    /// What comes next. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// The connection has ended, or what came breaks the protocol, is no UTF-8 where it must be, or is larger than
    /// 1 MiB. It cannot be used any more then.
    pub async fn next(&mut self) -> Result<Heard, PollFault> {
        loop {
            return match self.inner.next().await {
                Some(Ok(Message::Text(text))) => Ok(Heard::Text(text)),
                Some(Ok(Message::Binary(bytes))) => Ok(Heard::Binary(bytes)),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Heard::Alive),
                Some(Ok(Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_))) | None => {
                    Err(transport::new(ErrorClass::Transient, format!("{} ended the stream.", self.host)))
                }
                Some(Err(error)) => Err(fault(&error, &self.host)),
            };
        }
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn ping(&mut self) -> Result<(), PollFault> {
        let sent = timeout(GOODBYE, self.inner.send(Message::Ping(Bytes::new()))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(fault(&error, &self.host)),
            Err(_) => Err(transport::new(ErrorClass::Transient, format!("{} takes nothing any more.", self.host))),
        }
    }

    /// Says goodbye, without waiting for long.
    pub async fn close(mut self) {
        // Whether it is heard changes nothing for us.
        let _ = timeout(GOODBYE, self.inner.close(None)).await;
    }
}

/// The same address with the scheme of the web, which is what the guard judges.
fn as_web(url: &Url) -> Option<Url> {
    let scheme = match url.scheme() {
        "wss" => "https",
        "ws" => "http",
        _ => return None,
    };
    let mut web = url.clone();
    web.set_scheme(scheme).ok()?;
    Some(web)
}

/// `host` or `host:port`.
fn label(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the address");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Has a proxy connect (RFC 9110, 9.3.6).
async fn tunnel(mut wire: Box<dyn Wire>, proxy: &Url, to: &Url, host: &str) -> Result<Box<dyn Wire>, PollFault> {
    let target = format!("{}:{}", to.host_str().unwrap_or_default(), to.port_or_known_default().unwrap_or(443));
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if !proxy.username().is_empty() || proxy.password().is_some() {
        let decode = super::http::percent_decode;
        let pair = [decode(proxy.username()), b":".to_vec(), decode(proxy.password().unwrap_or_default())].concat();
        let pair = base64::engine::general_purpose::STANDARD.encode(pair);
        request.push_str(&format!("Proxy-Authorization: Basic {pair}\r\n"));
    }
    request.push_str("\r\n");
    let broke = |_| transport::new(ErrorClass::Transient, format!("the proxy {host} broke the connection off."));
    wire.write_all(request.as_bytes()).await.map_err(broke)?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= MAX_PROXY_ANSWER {
            let message = format!("the proxy {host} answered in something that is not HTTP. Check [fetch] proxy.");
            return Err(transport::new(ErrorClass::Malformed, message));
        }
        // One byte at a time: what follows the answer belongs to the tunnel.
        answer.push(wire.read_u8().await.map_err(broke)?);
    }
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
    match status {
        Some(200..=299) => Ok(wire),
        Some(407) => {
            Err(transport::new(ErrorClass::Auth, format!("the proxy {host} wants credentials; check [fetch] proxy.")))
        }
        Some(status) => Err(transport::new(
            ErrorClass::Refused,
            format!("the proxy {host} answered {status} and did not connect. Ask its operator to allow it."),
        )),
        None => Err(transport::new(
            ErrorClass::Malformed,
            format!("the proxy {host} answered in something that is not HTTP. Check [fetch] proxy."),
        )),
    }
}

/// A server that answered the handshake with anything but a switch of protocols.
fn refused(answer: &Response<Option<Vec<u8>>>, host: &str, clock: &Clock) -> OpenFault {
    let status = answer.status().as_u16();
    let body = answer.body().as_deref().unwrap_or_default();
    let said = String::from_utf8_lossy(&body[..body.len().min(MAX_REFUSAL)]).into_owned();
    let hints = Hints::read(answer.headers(), || clock.now());
    let name = classify::name(status);
    let space = if name.is_empty() { "" } else { " " };
    let facts = Facts { retry_after: hints.retry_after.is_some(), ..Facts::default() };
    let (class, advice) = match classify::verdict(status, facts) {
        Verdict::Fault(class, advice) => (class, advice),
        Verdict::Redirect { .. } => {
            (ErrorClass::Refused, "It redirects elsewhere; ask its operator for the new address.")
        }
        Verdict::Document | Verdict::NotModified => {
            (ErrorClass::Malformed, "That is a page, not a stream; check that the address is that of a WebSocket.")
        }
    };
    let message = format!("{host} answered {status}{space}{name}. {advice}");
    OpenFault { fault: PollFault { class, message, retry_after: hints.retry_after }, said }
}

fn fault(error: &Error, host: &str) -> PollFault {
    let (class, message) = match error {
        Error::ConnectionClosed | Error::AlreadyClosed => (ErrorClass::Transient, format!("{host} ended the stream.")),
        Error::Io(_)
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete) => {
            (ErrorClass::Transient, format!("{host} broke the connection off."))
        }
        Error::Capacity(CapacityError::MessageTooLong { size, .. }) => (
            ErrorClass::Malformed,
            format!(
                "{host} sent a message of {size} bytes; more than {MAX_MESSAGE} are not taken. Is it the right address?"
            ),
        ),
        Error::Utf8(_) => {
            (ErrorClass::Malformed, format!("{host} sent a text that is not UTF-8. Is it the right address?"))
        }
        Error::Protocol(why) => (
            ErrorClass::Malformed,
            format!("{host} does not keep to the WebSocket protocol ({why}). Is it the right address?"),
        ),
        _ => (ErrorClass::Malformed, format!("{host} does not speak WebSocket. Is it the right address?")),
    };
    transport::new(class, message)
}
