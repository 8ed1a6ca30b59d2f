//! One request to a service's API: any method, headers and body, any status. The same guard, turns, caps and time-outs as
//! for documents; a redirect is followed to the same origin only, unless the request holds no secret.

use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use tokio::time::timeout;
use url::Url;

use super::classify::{self, Facts, Verdict};
use super::hints::Hints;
use super::http::{Fetcher, MAX_REDIRECTS, label};
use super::transport::{self, Phase};
use crate::model::table::Method;
use crate::model::{ErrorClass, PollFault};
use crate::sources::table::{Reply, Request};

/// Headers of an answer that are passed on at most, and the longest of them in bytes.
const MAX_HEADERS: usize = 64;
const MAX_HEADER: usize = 8 * 1024;

impl Fetcher {
    /// Sends a request and reads the answer, whatever its status: that of a refusal is judged too, in `fault`.
    ///
    /// # Errors
    /// It could not be sent, or nothing that can be read came back. While a host asked to be left in peace, every request to
    /// it is `RateLimited` at once and sends nothing. Messages name hosts only.
    pub async fn ask(&self, request: &Request) -> Result<Reply, PollFault> {
        let mut left = self.timeout;
        let mut url = request.url.clone();
        url.set_fragment(None);
        let home = url.origin();
        for _ in 0..=MAX_REDIRECTS {
            let host = label(&url);
            self.check(&url).await.map_err(|refusal| transport::new(ErrorClass::Forbidden, format!("{refusal}.")))?;
            let pass = self.hosts.enter(&url).await.map_err(|held| {
                let seconds = held.0.as_secs().max(1);
                let message = format!("{host} asked to be left in peace; it is asked again in {seconds} s.");
                PollFault { class: ErrorClass::RateLimited, message, retry_after: Some(held.0) }
            })?;
            let begun = Instant::now();
            let sent = timeout(left, self.client.execute(make(request, &url, url.origin() == home)?)).await;
            let Ok(sent) = sent else {
                pass.host.count_fault();
                return Err(self.too_slow(&host, "did not answer"));
            };
            let answer = sent.map_err(|error| {
                pass.host.count_fault();
                transport::fault(&error, &host, Phase::Head, self.connect_timeout)
            })?;
            left = left.saturating_sub(begun.elapsed());

            let status = answer.status().as_u16();
            let headers = answer.headers().clone();
            let hints = Hints::read(&headers, || self.clock.now());
            let facts = Facts {
                retry_after: hints.retry_after.is_some(),
                location: headers.contains_key(LOCATION),
                html: starts_with(&headers, &CONTENT_TYPE, "text/html"),
                credentials: request.has_secret,
                conditional: false,
                challenge: starts_with(&headers, &HeaderName::from_static("cf-mitigated"), "chal"),
            };
            let verdict = classify::verdict(status, facts);
            if let Verdict::Redirect { .. } = verdict {
                let location = headers.get(LOCATION).map(HeaderValue::as_bytes).unwrap_or_default();
                url = follow(&url, &String::from_utf8_lossy(location), request)?;
                continue;
            }
            let fault = match verdict {
                Verdict::Fault(class, advice) => {
                    let name = classify::name(status);
                    let space = if name.is_empty() { "" } else { " " };
                    let message = format!("{host} answered {status}{space}{name}. {advice}");
                    Some(PollFault { class, message, retry_after: hints.retry_after })
                }
                Verdict::Document | Verdict::NotModified | Verdict::Redirect { .. } => None,
            };
            if let Some(fault) = &fault {
                pass.note(fault);
            }
            let body = self.body_of(answer, &host, &pass, left).await.inspect_err(|_| pass.host.count_fault())?;
            let headers = headers
                .iter()
                .filter(|(_, value)| value.len() <= MAX_HEADER)
                .take(MAX_HEADERS)
                .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect();
            return Ok(Reply { status, headers, body: body.to_vec(), fault, retry_after: hints.retry_after });
        }
        let message = format!("{} redirected more than {MAX_REDIRECTS} times.", label(&request.url));
        Err(transport::new(ErrorClass::Refused, message))
    }

    /// Holds a host for as long as a service asked in its own way.
    pub fn leave_alone(&self, url: &Url, wait: Duration) {
        self.hosts.hold(url, wait);
    }
}

fn starts_with(headers: &HeaderMap, name: &HeaderName, start: &str) -> bool {
    headers.get(name).is_some_and(|value| value.as_bytes().to_ascii_lowercase().starts_with(start.as_bytes()))
}

fn make(request: &Request, url: &Url, at_home: bool) -> Result<reqwest::Request, PollFault> {
    let method = match request.method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
    };
    let mut made = reqwest::Request::new(method, url.clone());
    let headers = made.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let bad = |name: &str| {
        let message = format!("the header {name} cannot be sent over HTTP; check its value, and the secret's file");
        transport::new(ErrorClass::Forbidden, message)
    };
    for (name, value) in &request.headers {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
        let (parsed, value) = parsed.ok_or_else(|| bad(name))?;
        headers.insert(parsed, value);
    }
    if at_home {
        for (name, value) in &request.secret_headers {
            let parsed = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value.expose()).ok());
            let (parsed, mut value) = parsed.ok_or_else(|| bad(name))?;
            value.set_sensitive(true);
            headers.insert(parsed, value);
        }
    }
    if let (true, Some((body, kind))) = (at_home, &request.body) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        *made.body_mut() = Some(body.expose().to_owned().into());
    }
    Ok(made)
}

/// Where a redirect leads, if it may be followed.
fn follow(from: &Url, location: &str, request: &Request) -> Result<Url, PollFault> {
    let host = label(from);
    let next = (location.len() <= MAX_HEADER).then(|| from.join(location).ok()).flatten();
    let Some(mut next) = next else {
        let message = format!("{host} redirects to something that is no address.");
        return Err(transport::new(ErrorClass::Malformed, message));
    };
    next.set_fragment(None);
    if request.has_secret && next.origin() != from.origin() {
        let message = format!(
            "{host} redirects to {}, which is not followed with a secret. If it has moved, write the new address.",
            label(&next)
        );
        return Err(transport::new(ErrorClass::Forbidden, message));
    }
    if request.method == Method::Post {
        let message = format!("{host} redirects what is sent to it, which is not followed. Write the new address.");
        return Err(transport::new(ErrorClass::Forbidden, message));
    }
    Ok(next)
}
