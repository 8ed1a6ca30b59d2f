//! Builds the HTTP client: trust, proxy, resolver, bounds. It follows no redirect and decompresses nothing itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::resolve::Resolver;
use crate::model::FetchSettings;

/// Why the fetching half cannot start. The messages name the setting.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("[fetch] ca_file {path}: {cause}. It must be a readable file of certificates in PEM form")]
    CaFile { path: PathBuf, cause: rustls::pki_types::pem::Error },
    #[error("[fetch] ca_file {path}: a certificate in it cannot be used ({cause})")]
    CaCertificate { path: PathBuf, cause: rustls::Error },
    #[error("[fetch] ca_file {path}: there is no certificate in it")]
    CaEmpty { path: PathBuf },
    #[error("[fetch] proxy: \"{scheme}:\" is not spoken; use http or https")]
    Proxy { scheme: String },
    #[error("[fetch] user_agent: it holds a line break or another character that HTTP forbids")]
    UserAgent,
    /// Not reached with settings that `config` has checked.
    #[error("the HTTP client could not be set up: {0}")]
    Client(#[source] reqwest::Error),
}

/// A connection is kept for the next source of the same host, not for the next poll: thousands of hosts polled in a
/// burst must not use up the file descriptors (often 1,024).
const POOL_IDLE: Duration = Duration::from_secs(1);
/// What an HTTP/2 server may send before it is read: a stream, and all streams of a connection.
const H2_STREAM_WINDOW: u32 = 256 * 1024;
const H2_CONNECTION_WINDOW: u32 = 512 * 1024;
const H2_HEADERS: u32 = 64 * 1024;

const WANTED: &str = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, \
                      text/xml;q=0.9, application/json;q=0.8, */*;q=0.1";

pub(crate) fn build(settings: &FetchSettings, resolver: Resolver) -> Result<reqwest::Client, FetchError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(WANTED));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip, br"));
    let user_agent = HeaderValue::from_str(&settings.user_agent).map_err(|_| FetchError::UserAgent)?;
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent)
        .default_headers(headers)
        .redirect(Policy::none())
        .referer(false)
        // The environment's proxy variables are nobody's decision about this program.
        .no_proxy()
        .retry(reqwest::retry::never())
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(settings.per_host.max(1))
        .http2_initial_stream_window_size(H2_STREAM_WINDOW)
        .http2_initial_connection_window_size(H2_CONNECTION_WINDOW)
        .http2_max_header_list_size(H2_HEADERS)
        .tcp_nodelay(true)
        .dns_resolver(resolver)
        .tls_backend_preconfigured(tls(settings.ca_file.as_deref())?);
    if let Some(url) = &settings.proxy {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Proxy { scheme: url.scheme().to_owned() });
        }
        builder = builder.proxy(reqwest::Proxy::all(url.clone()).map_err(without_url)?);
    }
    builder.build().map_err(without_url)
}

/// Public authorities as compiled in, and those of `ca_file`; TLS 1.2 and 1.3; HTTP/2 where the server speaks it.
pub(crate) fn tls(ca_file: Option<&Path>) -> Result<ClientConfig, FetchError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_file {
        add_certificates(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    #[expect(clippy::expect_used, reason = "the provider and the versions are constants, so a test finds out")]
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks the default TLS versions");
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn add_certificates(roots: &mut RootCertStore, path: &Path) -> Result<(), FetchError> {
    let before = roots.len();
    let unreadable = |cause| FetchError::CaFile { path: path.to_owned(), cause };
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        let certificate = certificate.map_err(unreadable)?;
        roots.add(certificate).map_err(|cause| FetchError::CaCertificate { path: path.to_owned(), cause })?;
    }
    if roots.len() == before {
        return Err(FetchError::CaEmpty { path: path.to_owned() });
    }
    Ok(())
}

/// A proxy's address may hold a password.
fn without_url(error: reqwest::Error) -> FetchError {
    FetchError::Client(error.without_url())
}
