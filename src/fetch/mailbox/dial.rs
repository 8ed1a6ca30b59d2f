//! Connections that are not HTTP: to addresses that the guard lets through, encrypted with the same trust.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::super::client::{self, FetchError};
use super::super::guard::Guard;
use super::super::resolve::Lookup;
use super::super::transport::{new, tls_fault};
use super::imap::Wire;
use crate::model::{ErrorClass, PollFault};

/// Dials hosts that the guard lets through.
pub(super) struct Dialer {
    guard: Arc<Guard>,
    lookup: Arc<dyn Lookup>,
    tls: Arc<ClientConfig>,
    patience: Duration,
}

impl Dialer {
    pub(super) fn new(
        guard: Arc<Guard>,
        lookup: Arc<dyn Lookup>,
        ca_file: Option<&Path>,
        patience: Duration,
    ) -> Result<Self, FetchError> {
        let mut tls = client::tls(ca_file)?;
        tls.alpn_protocols.clear();
        Ok(Self { guard, lookup, tls: Arc::new(tls), patience })
    }

    /// A plain connection.
    pub(super) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, PollFault> {
        let transient = |message: String| new(ErrorClass::Transient, message);
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => {
                let looked = timeout(self.patience, self.lookup.lookup(host)).await;
                looked.ok().and_then(Result::ok).unwrap_or_default()
            }
        };
        if found.is_empty() {
            let why = "was not found: the name does not exist or the name server does not answer";
            return Err(transient(format!("{host} {why}. Check `host` and this machine's DNS.")));
        }
        // The addresses that were judged are the ones that are dialled.
        let allowed = self.guard.filter(host, found).map_err(|no| new(ErrorClass::Forbidden, format!("{no}.")))?;
        let mut last = None;
        for address in allowed.into_iter().take(4) {
            match timeout(self.patience, TcpStream::connect(SocketAddr::new(address, port))).await {
                Ok(Ok(stream)) => {
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => last = Some(format!("no connection to {host}:{port}: {}", error.kind())),
                Err(_) => {
                    let seconds = self.patience.as_secs_f32();
                    last = Some(format!("{host}:{port} did not take the connection within {seconds} s"));
                }
            }
        }
        let what = last.unwrap_or_else(|| format!("no connection to {host}:{port}"));
        Err(transient(format!("{what}. Check `host` and `port`, and whether a firewall forbids it.")))
    }

    /// Encrypts a connection; the certificate must be `host`'s.
    pub(super) async fn encrypt(&self, host: &str, wire: Box<dyn Wire>) -> Result<Box<dyn Wire>, PollFault> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| new(ErrorClass::Forbidden, format!("{host} is no host name; correct `host`.")))?;
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        match timeout(self.patience, connector.connect(name, wire)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(match error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
                Some(rustls::Error::InvalidMessage(_)) => new(
                    ErrorClass::Refused,
                    format!(
                        "{host} does not speak TLS on this port. Check `port` and `tls` (993 goes with implicit, 143 with starttls)."
                    ),
                ),
                Some(tls) => tls_fault(tls, host),
                None => {
                    new(ErrorClass::Transient, format!("{host} broke the secure connection off: {}.", error.kind()))
                }
            }),
            Err(_) => Err(new(ErrorClass::Transient, format!("{host} did not finish the TLS handshake."))),
        }
    }
}
