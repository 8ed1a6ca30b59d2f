//! What is known of each host and port: who may ask it now, until when it is left in peace, and what it did.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

/// Hosts that are remembered at most. Beyond it, idle ones are forgotten, which costs nothing but their counts.
const MAX_HOSTS: usize = 4096;

/// All hosts, and the limit on requests in all.
pub(crate) struct Hosts {
    map: Mutex<HashMap<Key, Arc<Host>>>,
    per_host: usize,
    overall: Arc<Semaphore>,
    max_hosts: usize,
}

/// Name or address, and port.
type Key = (String, u16);

/// One host and port.
pub(crate) struct Host {
    gate: Arc<Semaphore>,
    held_until: Mutex<Option<Instant>>,
    requests: AtomicU64,
    faults: AtomicU64,
    bytes: AtomicU64,
}

/// Counts of one host since it was first asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStats {
    /// `host:port`.
    pub host: String,
    /// Requests sent.
    pub requests: u64,
    /// Requests that ended in a fault of any class.
    pub faults: u64,
    /// Bytes of documents, after decompression.
    pub bytes: u64,
    /// How long the host is still left in peace, if it asked for that.
    pub held_for: Option<Duration>,
}

/// Leave to send one request; given back when dropped.
pub(crate) struct Pass {
    pub(crate) host: Arc<Host>,
    _host_permit: OwnedSemaphorePermit,
    _overall_permit: OwnedSemaphorePermit,
}

/// The host asked to be left in peace for this much longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held(pub(crate) Duration);

impl Hosts {
    /// `per_host` requests at a time to each host and port, `overall` in all; both at least 1.
    pub(crate) fn new(per_host: usize, overall: usize) -> Self {
        let overall = Arc::new(Semaphore::new(overall.clamp(1, Semaphore::MAX_PERMITS)));
        let per_host = per_host.clamp(1, Semaphore::MAX_PERMITS);
        Self { map: Mutex::default(), per_host, overall, max_hosts: MAX_HOSTS }
    }

    /// Waits for its turn at the host of `url` (first come, first served), then for one of the requests in all.
    /// In this order, so that those who wait for a busy host keep nobody else waiting. Must not be called while
    /// holding another pass: two redirects that cross would wait for each other.
    pub(crate) async fn enter(&self, url: &Url) -> Result<Pass, Held> {
        let host = self.host(url);
        host.check()?;
        let host_permit = acquire(&host.gate).await;
        // Whoever was before us may have been told to wait.
        host.check()?;
        let overall_permit = acquire(&self.overall).await;
        host.requests.fetch_add(1, Ordering::Relaxed);
        Ok(Pass { host, _host_permit: host_permit, _overall_permit: overall_permit })
    }

    /// Leaves the host of `url` in peace for `wait`.
    pub(crate) fn hold(&self, url: &Url, wait: Duration) {
        self.host(url).hold(wait);
    }

    /// The counts of all hosts remembered, in no order.
    pub(crate) fn stats(&self) -> Vec<HostStats> {
        let map = lock(&self.map);
        map.iter().map(|((name, port), host)| host.stats(format!("{name}:{port}"))).collect()
    }

    fn host(&self, url: &Url) -> Arc<Host> {
        let key = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0));
        let mut map = lock(&self.map);
        let key = (key.0.to_owned(), key.1);
        if let Some(host) = map.get(&key) {
            return Arc::clone(host);
        }
        if map.len() >= self.max_hosts {
            make_room(&mut map, self.max_hosts);
        }
        let host = Arc::new(Host {
            gate: Arc::new(Semaphore::new(self.per_host)),
            held_until: Mutex::new(None),
            requests: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        map.insert(key, Arc::clone(&host));
        host
    }
}

impl Host {
    /// Leaves the host in peace for `wait` from now, or longer if it asked for longer before.
    pub(crate) fn hold(&self, wait: Duration) {
        let Some(until) = Instant::now().checked_add(wait) else { return };
        let mut held = lock(&self.held_until);
        *held = Some(held.map_or(until, |before| before.max(until)));
    }

    pub(crate) fn count_fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn check(&self) -> Result<(), Held> {
        let mut held = lock(&self.held_until);
        match held.map(|until| until.saturating_duration_since(Instant::now())) {
            None => Ok(()),
            Some(left) if left.is_zero() => {
                *held = None;
                Ok(())
            }
            Some(left) => Err(Held(left)),
        }
    }

    fn stats(&self, host: String) -> HostStats {
        HostStats {
            host,
            requests: self.requests.load(Ordering::Relaxed),
            faults: self.faults.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            held_for: self.check().err().map(|held| held.0),
        }
    }
}

/// Forgets the hosts nobody uses and nobody waits for; if all are held, the one whose hold ends first.
fn make_room(map: &mut HashMap<Key, Arc<Host>>, max_hosts: usize) {
    map.retain(|_, host| Arc::strong_count(host) > 1 || host.check().is_err());
    // In use are at most as many as there are callers; the rest are holds, and those are what could pile up.
    let soonest = map
        .iter()
        .filter(|(_, host)| Arc::strong_count(host) == 1)
        .min_by_key(|(_, host)| *lock(&host.held_until))
        .map(|(key, _)| key.clone());
    if map.len() >= max_hosts
        && let Some(key) = soonest
    {
        map.remove(&key);
    }
}

#[expect(clippy::expect_used, reason = "the semaphores of this module are never closed")]
async fn acquire(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(semaphore).acquire_owned().await.expect("semaphore is never closed")
}

/// The maps stay consistent between statements, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn enter(hosts: &Hosts, text: &str) -> Result<Pass, Held> {
        hosts.enter(&Url::parse(text).unwrap()).await
    }

    #[tokio::test]
    async fn a_host_and_port_is_asked_once_at_a_time_and_others_do_not_wait() {
        let hosts = Hosts::new(1, 8);
        let first = enter(&hosts, "http://a/1").await.unwrap();
        let waiting = enter(&hosts, "http://a/2");
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        for other in ["http://b/", "https://a/", "http://a:8080/"] {
            assert!(enter(&hosts, other).await.is_ok(), "{other}");
        }
        drop(first);
        assert!(waiting.await.is_ok());
    }

    #[tokio::test]
    async fn who_waits_for_a_busy_host_takes_no_place_from_others() {
        let hosts = Hosts::new(1, 2);
        let _busy = enter(&hosts, "http://a/").await.unwrap();
        let waiting = enter(&hosts, "http://a/");
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        let _second = enter(&hosts, "http://b/").await.unwrap();
        let third = enter(&hosts, "http://c/");
        tokio::pin!(third);
        assert!(futures_util::poll!(&mut third).is_pending(), "two in all");
    }

    #[tokio::test]
    async fn a_held_host_is_left_in_peace_also_by_those_who_wait_already() {
        let hosts = Hosts::new(1, 8);
        let pass = enter(&hosts, "http://a/").await.unwrap();
        let waiting = enter(&hosts, "http://a/");
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        pass.host.hold(Duration::from_secs(600));
        pass.host.hold(Duration::from_secs(60));
        drop(pass);
        let held = waiting.await.err().unwrap().0;
        assert!(
            held > Duration::from_secs(590) && held <= Duration::from_secs(600),
            "the longer hold counts: {held:?}"
        );
        assert!(enter(&hosts, "http://a/").await.is_err());
        assert!(enter(&hosts, "http://b/").await.is_ok());
        let stats = hosts.stats().into_iter().find(|row| row.host == "a:80").unwrap();
        assert_eq!((stats.requests, stats.held_for.is_some()), (1, true));
    }

    #[tokio::test]
    async fn a_hold_ends() {
        let hosts = Hosts::new(1, 8);
        enter(&hosts, "http://a/").await.unwrap().host.hold(Duration::ZERO);
        assert!(enter(&hosts, "http://a/").await.is_ok());
    }

    #[tokio::test]
    async fn hosts_are_forgotten_before_they_pile_up() {
        let mut hosts = Hosts::new(1, 8);
        hosts.max_hosts = 4;
        let used = enter(&hosts, "http://used/").await.unwrap();
        for n in 0..50 {
            let pass = enter(&hosts, &format!("http://idle{n}/")).await.unwrap();
            drop(pass);
            assert!(hosts.stats().len() <= 4);
        }
        for n in 0..50 {
            let pass = enter(&hosts, &format!("http://held{n}/")).await.unwrap();
            pass.host.hold(Duration::from_secs(60 + n));
            drop(pass);
            assert!(hosts.stats().len() <= 4);
        }
        assert!(enter(&hosts, "http://held49/").await.is_err(), "the longest hold is kept");
        assert!(hosts.stats().iter().any(|row| row.host == "used:80"));
        drop(used);
    }
}
