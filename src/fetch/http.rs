//! One fetch: guard, turn, request, redirects, body.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, WWW_AUTHENTICATE,
};
use reqwest::{Client, Method, Request, Response};
use tokio::time::timeout;
use url::{Host as UrlHost, Url};

use super::body::{Body, BodyFault, Coding, Places, Reading};
use super::classify::{self, Facts, Verdict};
use super::client::{self, FetchError};
use super::guard::{Guard, Refusal};
use super::hints::Hints;
use super::host::{Held, HostStats, Hosts, Pass};
use super::resolve::{Lookup, Resolver, SystemLookup};
use super::socket::{Dialer, OpenFault, Socket};
use super::transport::{self, Phase};
use crate::clock::Clock;
use crate::model::{Cursor, ErrorClass, FetchSettings, PollFault};

/// Redirects that are followed in one fetch.
pub const MAX_REDIRECTS: usize = 5;
/// Longer validators are dropped: they would be stored and sent for ever.
const MAX_VALIDATOR: usize = 1024;
/// Longest `Content-Type` that is passed on, and longest `Location` that is followed, in bytes.
const MAX_CONTENT_TYPE: usize = 256;
const MAX_LOCATION: usize = 8 * 1024;

/// What a source answered.
#[derive(Debug)]
pub enum Answer {
    /// Nothing changed since the cursor's validators.
    NotModified {
        hints: Hints,
        /// Where permanent redirects (301, 308) lead; see [`Answer::Document`].
        moved_to: Option<Url>,
    },
    /// A document, whatever is in it.
    Document {
        body: Body,
        /// As sent, at most 256 bytes; what is not UTF-8 in it is replaced.
        content_type: Option<String>,
        /// Validators, byte for byte. Those over 1 KiB, and those that are not UTF-8, are dropped.
        etag: Option<String>,
        last_modified: Option<String>,
        hints: Hints,
        /// The address to use from now on: as far as the redirects were permanent from the first one on. None if
        /// one of them leads from https to http, or if the source has credentials, which belong to its address.
        moved_to: Option<Url>,
        /// The address that the document came from, without credentials: links in it are relative to that.
        final_url: Url,
    },
}

/// Fetches documents for all sources; one per process, shared.
pub struct Fetcher {
    pub(super) client: Client,
    guard: Arc<Guard>,
    /// Set if there is a proxy: names are then looked up twice, here to judge them and there to use them.
    vet: Option<Resolver>,
    pub(super) hosts: Hosts,
    places: Places,
    dialer: Dialer,
    pub(super) clock: Clock,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    max_body: usize,
}

impl Fetcher {
    /// A fetcher on the machine's clock and resolver. Does no network I/O; reads `ca_file` if there is one.
    pub fn new(settings: &FetchSettings) -> Result<Self, FetchError> {
        Self::with(settings, Clock::system(), Arc::new(SystemLookup))
    }

    /// The same with another clock (it stands in for a missing `Date` only) and another resolver.
    pub fn with(settings: &FetchSettings, clock: Clock, lookup: Arc<dyn Lookup>) -> Result<Self, FetchError> {
        let guard = Arc::new(Guard::new(settings.allow_networks.clone()));
        let proxy_host = settings.proxy.as_ref().and_then(Url::host_str).map(str::to_owned);
        let resolver = Resolver::new(Arc::clone(&lookup), Arc::clone(&guard), proxy_host);
        let vet = settings.proxy.as_ref().map(|_| resolver.clone());
        Ok(Self {
            dialer: Dialer::new(settings, Arc::clone(&guard), lookup, resolver.clone())?,
            client: client::build(settings, resolver)?,
            guard,
            vet,
            hosts: Hosts::new(settings.per_host, settings.concurrency),
            places: Places::new(settings.max_body),
            clock,
            timeout: settings.timeout,
            connect_timeout: settings.connect_timeout,
            max_body: settings.max_body,
        })
    }

    /// Fetches `url`, conditionally if `cursor` has validators.
    ///
    /// Waits for its turn at the host; that time is not counted, the exchange itself (redirects and body included)
    /// takes at most `timeout`. Credentials in the address are sent to its own origin (scheme, host, port) only.
    /// A redirect from https to http is followed, unless the address has credentials.
    ///
    /// # Errors
    ///
    /// See [`ErrorClass`]. While a host asked to be left in peace (429, 503 with `Retry-After`), every fetch from it
    /// is `RateLimited` at once and sends nothing. Messages name hosts only, never a path, a query or credentials.
    pub async fn get(&self, url: &Url, cursor: &Cursor) -> Result<Answer, PollFault> {
        let mut trip = Trip::new(url, cursor)?;
        let mut left = self.timeout;
        for _ in 0..=MAX_REDIRECTS {
            self.check(&trip.url).await.map_err(|refusal| trip.refused(&refusal))?;
            let pass = self.hosts.enter(&trip.url).await.map_err(|held| trip.held(held))?;
            let step = self.exchange(&trip, &pass, &mut left).await;
            match step.inspect_err(|fault| pass.note(fault))? {
                Step::Done(answer) => return Ok(answer),
                Step::Redirect { permanent, location } => trip.follow(permanent, &location)?,
            }
        }
        let start = label(url);
        Err(transport::new(
            ErrorClass::Refused,
            format!(
                "{start} redirected more than {MAX_REDIRECTS} times. Open the address in a browser and use the one it ends at."
            ),
        ))
    }

    /// Opens a WebSocket (`ws` or `wss`), guarded as everything else. It lives for hours, so it takes no turn at the
    /// host.
    ///
    /// # Errors
    /// See [`ErrorClass`]; what a server said that refused the handshake comes along.
    pub async fn open(&self, url: &Url) -> Result<Socket, OpenFault> {
        self.dialer.open(url, &self.clock).await
    }

    /// What is known of each host: at most a few thousand rows, in no order.
    pub fn hosts(&self) -> Vec<HostStats> {
        self.hosts.stats()
    }

    pub(super) async fn check(&self, url: &Url) -> Result<(), Refusal> {
        self.guard.check_url(url)?;
        match (&self.vet, url.host()) {
            (Some(resolver), Some(UrlHost::Domain(name))) => resolver.vet(name).await,
            _ => Ok(()),
        }
    }

    /// One request and its answer.
    async fn exchange(&self, trip: &Trip, pass: &Pass, left: &mut Duration) -> Result<Step, PollFault> {
        let host = trip.host();
        let begun = Instant::now();
        let sent = timeout(*left, self.client.execute(trip.request())).await;
        let Ok(sent) = sent else { return Err(self.too_slow(&host, "did not answer")) };
        let answer = sent.map_err(|error| transport::fault(&error, &host, Phase::Head, self.connect_timeout))?;
        *left = left.saturating_sub(begun.elapsed());

        let status = answer.status().as_u16();
        let headers = answer.headers();
        let hints = Hints::read(headers, || self.clock.now());
        match classify::verdict(status, trip.facts(headers, &hints)) {
            Verdict::Document => self.document(answer, trip, pass, hints, *left).await.map(Step::Done),
            Verdict::NotModified => Ok(Step::Done(Answer::NotModified { hints, moved_to: trip.moved_to.clone() })),
            Verdict::Redirect { permanent } => {
                let location = headers.get(LOCATION).map(HeaderValue::as_bytes).unwrap_or_default();
                Ok(Step::Redirect { permanent, location: String::from_utf8_lossy(location).into_owned() })
            }
            Verdict::Fault(class, advice) => {
                let name = classify::name(status);
                let space = if name.is_empty() { "" } else { " " };
                let message = format!("{host} answered {status}{space}{name}. {advice}");
                Err(PollFault { class, message, retry_after: hints.retry_after })
            }
        }
    }

    async fn document(
        &self,
        answer: Response,
        trip: &Trip,
        pass: &Pass,
        hints: Hints,
        left: Duration,
    ) -> Result<Answer, PollFault> {
        let headers = answer.headers();
        let content_type = headers.get(CONTENT_TYPE).map(|value| {
            let value = value.as_bytes();
            String::from_utf8_lossy(&value[..value.len().min(MAX_CONTENT_TYPE)]).into_owned()
        });
        let (etag, last_modified) = (validator(headers, &ETAG), validator(headers, &LAST_MODIFIED));
        let body = self.body_of(answer, &trip.host(), pass, left).await?;
        let (moved_to, final_url) = (trip.moved_to.clone(), trip.url.clone());
        Ok(Answer::Document { body, content_type, etag, last_modified, hints, moved_to, final_url })
    }

    /// Reads a body under the caps.
    pub(super) async fn body_of(
        &self,
        mut answer: Response,
        host: &str,
        pass: &Pass,
        mut left: Duration,
    ) -> Result<Body, PollFault> {
        let headers = answer.headers();
        let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > self.max_body as u64) {
            return Err(self.too_large(host));
        }
        let coding = headers.get(CONTENT_ENCODING).map_or(Some(Coding::Identity), |name| Coding::read(name.as_bytes()));
        let Some(coding) = coding else {
            let what = "compressed its document in a way that was not asked for";
            return Err(transport::new(ErrorClass::Malformed, format!("{host} {what}. Tell its operator.")));
        };
        let mut reading = Reading::new(coding, self.max_body, announced);
        let body_fault = |fault| match fault {
            BodyFault::TooLarge => self.too_large(host),
            BodyFault::Broken => transport::cut(host),
        };
        loop {
            let begun = Instant::now();
            let chunk = timeout(left, answer.chunk()).await;
            let Ok(chunk) = chunk else { return Err(self.too_slow(host, "did not finish its document")) };
            let chunk = chunk.map_err(|error| transport::fault(&error, host, Phase::Body, self.connect_timeout))?;
            left = left.saturating_sub(begun.elapsed());
            let Some(chunk) = chunk else { break };
            let mut rest = &chunk[..];
            while !rest.is_empty() {
                // The wait for a place is ours, not the server's, so it is not counted.
                if let Some(place) = reading.room(&self.places) {
                    place.await;
                }
                rest = reading.feed(rest).map_err(body_fault)?;
            }
        }
        let body = reading.finish().map_err(body_fault)?;
        pass.host.count_bytes(body.len());
        Ok(body)
    }

    pub(super) fn too_slow(&self, host: &str, what: &str) -> PollFault {
        let seconds = self.timeout.as_secs_f32();
        transport::new(ErrorClass::Transient, format!("{host} {what} within {seconds} s. It is tried again."))
    }

    fn too_large(&self, host: &str) -> PollFault {
        let cap = self.max_body;
        transport::new(
            ErrorClass::Forbidden,
            format!("the document of {host} is larger than {cap} bytes. If that is meant, raise [fetch] max_body."),
        )
    }
}

impl Pass {
    /// Counts a fault, and leaves the host in peace if that is what it asked for.
    pub(super) fn note(&self, fault: &PollFault) {
        self.host.count_fault();
        if fault.class == ErrorClass::RateLimited {
            self.host.hold(fault.retry_after.unwrap_or(Hints::MIN));
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "one at a time, taken apart at once")]
enum Step {
    Done(Answer),
    Redirect { permanent: bool, location: String },
}

/// Where a fetch has got to.
struct Trip {
    /// Without credentials and fragment.
    url: Url,
    conditions: HeaderMap,
    /// The credentials of the source's address.
    authorization: Option<HeaderValue>,
    /// `url` is still of the origin that the credentials are for.
    at_home: bool,
    all_permanent: bool,
    moved_to: Option<Url>,
    /// Host that redirected here.
    from: Option<String>,
}

impl Trip {
    fn new(url: &Url, cursor: &Cursor) -> Result<Self, PollFault> {
        let mut conditions = HeaderMap::new();
        for (name, value) in [(IF_NONE_MATCH, &cursor.etag), (IF_MODIFIED_SINCE, &cursor.last_modified)] {
            let value = value.as_deref().filter(|value| !value.is_empty() && value.len() <= MAX_VALIDATOR);
            if let Some(value) = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
                conditions.insert(name, value);
            }
        }
        let authorization = basic(url)?;
        let mut trip = Self {
            url: url.clone(),
            conditions,
            authorization,
            at_home: true,
            all_permanent: true,
            moved_to: None,
            from: None,
        };
        trip.strip();
        Ok(trip)
    }

    /// What messages call the other side.
    fn host(&self) -> String {
        label(&self.url)
    }

    fn request(&self) -> Request {
        let mut request = Request::new(Method::GET, self.url.clone());
        let headers = request.headers_mut();
        headers.clone_from(&self.conditions);
        if let (true, Some(authorization)) = (self.at_home, &self.authorization) {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        request
    }

    fn facts(&self, headers: &HeaderMap, hints: &Hints) -> Facts {
        let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let challenged = |name: &str| headers.get(name).is_some_and(|value| value.as_bytes().starts_with(b"chal"));
        Facts {
            retry_after: hints.retry_after.is_some(),
            location: headers.contains_key(LOCATION),
            html: content_type.to_ascii_lowercase().starts_with(b"text/html"),
            credentials: headers.contains_key(WWW_AUTHENTICATE) || (self.at_home && self.authorization.is_some()),
            conditional: !self.conditions.is_empty(),
            challenge: challenged("cf-mitigated") || challenged("x-amzn-waf-action"),
        }
    }

    /// Moves on to `location`. What the guard says of it is asked before it is contacted.
    fn follow(&mut self, permanent: bool, location: &str) -> Result<(), PollFault> {
        let from = self.host();
        let next = (location.len() <= MAX_LOCATION).then(|| self.url.join(location).ok()).flatten();
        let Some(next) = next else {
            let message = format!("{from} redirects to something that is no address. Check the source's address.");
            return Err(transport::new(ErrorClass::Malformed, message));
        };
        let downgrade = self.url.scheme() == "https" && next.scheme() == "http";
        if downgrade && self.authorization.is_some() {
            let message = format!(
                "{from} redirects to unencrypted http, which is not followed for a source with credentials. \
                 Check the source's address."
            );
            return Err(transport::new(ErrorClass::Forbidden, message));
        }
        self.at_home &= self.url.origin() == next.origin();
        self.url = next;
        self.strip();
        self.all_permanent &= permanent && !downgrade;
        if self.all_permanent && self.authorization.is_none() {
            self.moved_to = Some(self.url.clone());
        }
        self.from = Some(from);
        Ok(())
    }

    /// Credentials come from the configuration, never from a redirect; a fragment is not sent.
    fn strip(&mut self) {
        self.url.set_fragment(None);
        // These fail for addresses without a host only, which cannot hold credentials either.
        let _ = self.url.set_username("");
        let _ = self.url.set_password(None);
    }

    fn refused(&self, refusal: &Refusal) -> PollFault {
        let message = match &self.from {
            Some(from) => format!("{from} redirects elsewhere: {refusal}."),
            None => format!("{refusal}."),
        };
        transport::new(ErrorClass::Forbidden, message)
    }

    fn held(&self, held: Held) -> PollFault {
        let host = self.host();
        let seconds = held.0.as_secs().max(1);
        let message = format!("{host} asked to be left in peace; it is asked again in {seconds} s.");
        PollFault { class: ErrorClass::RateLimited, message, retry_after: Some(held.0) }
    }
}

/// `host` or `host:port`: all that a message may say of an address, since paths and queries hold tokens.
pub(super) fn label(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the address");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A validator as it came; none if it is too long or no UTF-8, so that it would not come back byte for byte.
fn validator(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.as_bytes();
    (!value.is_empty() && value.len() <= MAX_VALIDATOR).then(|| String::from_utf8(value.to_vec()).ok()).flatten()
}

/// Basic credentials (RFC 7617) of the user information of an address.
fn basic(url: &Url) -> Result<Option<HeaderValue>, PollFault> {
    use base64::Engine;
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let mut pair = percent_decode(url.username());
    pair.push(b':');
    pair.extend(percent_decode(url.password().unwrap_or_default()));
    let value = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    let mut value = HeaderValue::from_str(&value).map_err(|_| {
        transport::new(ErrorClass::Auth, format!("the credentials for {} cannot be sent over HTTP.", label(url)))
    })?;
    value.set_sensitive(true);
    Ok(Some(value))
}

pub(super) fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |digit: &u8| char::from(*digit).to_digit(16);
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if hex(high).is_some() && hex(low).is_some() => {
                bytes.push(hex(high).zip(hex(low)).map_or(0, |(high, low)| (high * 16 + low) as u8));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}
