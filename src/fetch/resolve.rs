//! Names to addresses, guarded. The addresses handed to the connector are exactly those that were judged, so a name
//! that changes its mind between check and use (rebinding) gains nothing. IP literals never come here: see `http`.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{Guard, Refusal};

/// What a lookup gives: all addresses of a name, in the order of preference.
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Where addresses of names come from: the machine's resolver, or a test's table.
pub trait Lookup: Send + Sync {
    /// Looks `name` up. Called once for each new connection; its answer is used for that connection and no other.
    fn lookup(&self, name: &str) -> Looking;
}

/// The machine's resolver (`getaddrinfo`), on tokio's blocking threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> Looking {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// A lookup that failed, so that it can be told from a connection that failed.
#[derive(Debug, thiserror::Error)]
#[error("the name {name} was not found")]
pub(crate) struct LookupFailed {
    name: String,
    #[source]
    cause: Option<io::Error>,
}

impl LookupFailed {
    /// What to say of it, after the host.
    pub(crate) const WORDS: &str = "was not found: the name does not exist or the name server does not answer. Check the \
                                    address and this machine's DNS.";
}

/// The resolver given to the HTTP client.
#[derive(Clone)]
pub(crate) struct Resolver {
    lookup: Arc<dyn Lookup>,
    guard: Arc<Guard>,
    /// The configured proxy's host: named by the operator, so wherever it is, it is meant.
    exempt: Option<String>,
}

/// Longest time that the check of a name costs which a proxy will look up again anyway.
const VET_TIMEOUT: Duration = Duration::from_secs(2);

impl Resolver {
    pub(crate) fn new(lookup: Arc<dyn Lookup>, guard: Arc<Guard>, exempt: Option<String>) -> Self {
        Self { lookup, guard, exempt }
    }

    /// For requests that go through a proxy, which does its own lookup: refuses names that this machine too finds at
    /// refused addresses only. A name that cannot be looked up here is the proxy's business.
    pub(crate) async fn vet(&self, name: &str) -> Result<(), Refusal> {
        match tokio::time::timeout(VET_TIMEOUT, self.lookup.lookup(name)).await {
            Ok(Ok(found)) => self.guard.filter(name, found).map(drop),
            Ok(Err(_)) | Err(_) => Ok(()),
        }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let failed = |cause| LookupFailed { name: name.to_owned(), cause };
            let found = resolver.lookup.lookup(name).await.map_err(|cause| failed(Some(cause)))?;
            if found.is_empty() {
                return Err(failed(None).into());
            }
            let kept =
                if resolver.exempt.as_deref() == Some(name) { found } else { resolver.guard.filter(name, found)? };
            Ok(Box::new(kept.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}
