//! Fills templates in: a request for a combination of query and options, where secrets stand only where they are sent.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::model::table::{Ask, Auth, Method, Piece, Pipe, Place, Table, Template};
use crate::model::{ErrorClass, PollFault, Secret};

/// Combinations of options and queries at most.
pub(super) const MAX_COMBINATIONS: usize = 500;
/// What is shown in place of a secret.
const HIDDEN: &str = "***";

/// A request that is ready to be sent.
pub struct Request {
    pub method: Method,
    /// May hold a secret: show [`Request::shown`].
    pub url: Url,
    pub headers: Vec<(String, String)>,
    /// Headers that must never be shown, and never be sent to another origin.
    pub secret_headers: Vec<(String, Secret)>,
    /// The body and its media type; it may hold a secret.
    pub body: Option<(Secret, &'static str)>,
    /// Whether any part of it is secret.
    pub has_secret: bool,
    /// Method and address, secrets as `***`.
    pub shown: String,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({})", self.shown)
    }
}

/// An answer, whatever its status.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What the status alone means, if it is a refusal.
    pub fault: Option<PollFault>,
    pub retry_after: Option<Duration>,
}

impl Reply {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// One combination of query and options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Combination {
    /// Tells it apart in the cursor.
    pub(super) key: String,
    /// Name and value of each place.
    pub(super) values: Vec<(String, String)>,
}

/// All combinations, in the order of the configuration.
pub(super) fn combinations(table: &Table) -> Vec<Combination> {
    let mut all = vec![Vec::new()];
    let query = ("query".to_owned(), table.queries.clone());
    for (name, values) in table.options.iter().chain((!table.queries.is_empty()).then_some(&query)) {
        let several = values.len() > 1 || name == "query";
        all = all
            .into_iter()
            .flat_map(|before: Vec<(String, String, bool)>| {
                values.iter().map(move |value| {
                    let mut next = before.clone();
                    next.push((name.clone(), value.clone(), several));
                    next
                })
            })
            .take(MAX_COMBINATIONS)
            .collect();
    }
    all.into_iter()
        .map(|values| {
            let key: Vec<String> = values
                .iter()
                .filter(|(_, _, several)| *several)
                .map(|(name, value, _)| format!("{name}={value}"))
                .collect();
            Combination { key: key.join(" "), values: values.into_iter().map(|(n, v, _)| (n, v)).collect() }
        })
        .collect()
}

/// What the places of a request stand for.
#[derive(Clone, Default)]
pub(super) struct Values<'a> {
    pub(super) combination: &'a [(String, String)],
    pub(super) since: Option<Timestamp>,
    pub(super) last_id: Option<&'a str>,
    pub(super) page: Option<u64>,
    pub(super) offset: Option<u64>,
    pub(super) token: Option<&'a str>,
    pub(super) before: Option<u64>,
    pub(super) now: Option<Timestamp>,
    /// Of the one item that is asked for, as `one` asks.
    pub(super) id: Option<&'a str>,
    pub(super) url: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    /// As it is sent, or what is shown in its place.
    pub(super) secret: Option<&'a str>,
}

/// A value that is filled in.
pub(super) enum Filled {
    Text(String),
    Moment(Timestamp),
}

impl Filled {
    /// As text, after what pipes do to it.
    pub(super) fn through(self, pipes: &[Pipe]) -> Option<String> {
        let mut value = self;
        for pipe in pipes {
            value = match (pipe, value) {
                (Pipe::Last, Filled::Text(text)) => Filled::Text(text.rsplit('/').next()?.to_owned()),
                (Pipe::Up, Filled::Text(text)) => {
                    let up = text.rsplit('.').nth(1).filter(|up| *up != "0")?;
                    Filled::Text(up.to_owned())
                }
                (Pipe::Path, Filled::Text(text)) => Filled::Text(Url::parse(&text).ok()?.path().to_owned()),
                (Pipe::Host, Filled::Text(text)) => Filled::Text(Url::parse(&text).ok()?.host_str()?.to_owned()),
                (Pipe::Swap(part, with), Filled::Text(text)) => Filled::Text(text.replace(part.as_str(), with)),
                (form, value) => {
                    let moment = match value {
                        Filled::Moment(moment) => moment,
                        Filled::Text(text) => crate::sources::dates::parse(&text)?,
                    };
                    Filled::Text(match form {
                        Pipe::Unix => moment.as_second().to_string(),
                        Pipe::Date => moment.strftime("%Y-%m-%d").to_string(),
                        Pipe::Compact => moment.strftime("%Y%m%d%H%M%S").to_string(),
                        Pipe::Last | Pipe::Up | Pipe::Path | Pipe::Host | Pipe::Swap(..) => rfc3339(moment),
                    })
                }
            };
        }
        Some(match value {
            Filled::Text(text) => text,
            Filled::Moment(moment) => rfc3339(moment),
        })
    }
}

/// Whole seconds: some services take no fractions.
fn rfc3339(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Values<'_> {
    fn get(&self, name: &str) -> Option<Filled> {
        let text = |text: &str| Some(Filled::Text(text.to_owned()));
        let number = |n: u64| Some(Filled::Text(n.to_string()));
        match name {
            "since" => self.since.map(Filled::Moment),
            "now" => self.now.map(Filled::Moment),
            "last_id" => self.last_id.and_then(text),
            "page" => self.page.and_then(number),
            "offset" => self.offset.and_then(number),
            "token" => self.token.and_then(text),
            "before" => self.before.and_then(number),
            "id" => self.id.and_then(text),
            "url" => self.url.and_then(text),
            "user" => self.user.and_then(text),
            "secret" => self.secret.and_then(text),
            other => self.combination.iter().find(|(name, _)| name == other).and_then(|(_, value)| text(value)),
        }
    }

    /// A template filled in; `None` if a place has no value. What stands at the very beginning is not encoded.
    fn fill(&self, template: &Template, encode: fn(&str) -> String, raw_start: bool) -> Option<String> {
        let mut out = String::new();
        for (number, piece) in template.pieces.iter().enumerate() {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Place(Place::Name(name), pipes) => {
                    let value = self.get(name)?.through(pipes)?;
                    // A path is encoded already, and its slashes are meant.
                    let is_path = pipes.contains(&Pipe::Path);
                    if raw_start && (number == 0 || is_path) {
                        out.push_str(&value)
                    } else {
                        out.push_str(&encode(&value))
                    }
                }
                Piece::Place(_, _) => return None,
            }
        }
        Some(out)
    }
}

fn as_it_is(text: &str) -> String {
    text.to_owned()
}

/// Percent-encoded for a path or a query.
fn component(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn form(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// What stands between the quotes of a JSON text.
fn json_text(text: &str) -> String {
    let quoted = serde_json::Value::String(text.to_owned()).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The words of all places of a request.
pub(super) fn names(ask: &Ask) -> impl Iterator<Item = &str> {
    let named = ask.params.iter().chain(&ask.headers).map(|(_, template)| template);
    std::iter::once(&ask.url).chain(named).chain(&ask.body).flat_map(Template::names)
}

/// A body and its media type.
type Body = (String, &'static str);

/// The request that an [`Ask`] becomes. `page` is the address of a further page, if the service gave one.
pub(super) fn build(
    ask: &Ask,
    auth: &Auth,
    secret: Option<&Secret>,
    values: &Values<'_>,
    page: Option<&Url>,
) -> Result<Request, PollFault> {
    let with = |secret: Option<&str>| -> Result<(Url, Option<Body>), PollFault> {
        let values = Values { secret, ..values.clone() };
        let url = match page {
            Some(page) => page.clone(),
            None => {
                let url = values.fill(&ask.url, component, true).unwrap_or_default();
                let mut url = Url::parse(&url).map_err(|_| no_address())?;
                for (name, template) in &ask.params {
                    if let Some(value) = values.fill(template, as_it_is, false) {
                        url.query_pairs_mut().append_pair(name, &value);
                    }
                }
                url
            }
        };
        let mut url = url;
        if let (Auth::Query(name), Some(secret)) = (auth, secret) {
            url.query_pairs_mut().append_pair(name, secret);
        }
        let body = ask.body.as_ref().and_then(|body| {
            if body.written.trim_start().starts_with(['{', '[']) {
                Some((values.fill(body, json_text, false)?, "application/json"))
            } else {
                Some((values.fill(body, form, false)?, "application/x-www-form-urlencoded"))
            }
        });
        Ok((url, body))
    };
    let exposed = secret.map(Secret::expose);
    let (url, body) = with(exposed)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(no_address());
    }
    let (shown, _) = with(exposed.map(|_| HIDDEN).or((*auth != Auth::None).then_some(HIDDEN)))?;
    let mut secret_headers = Vec::new();
    let mut add = |name: &str, value: String| secret_headers.push((name.to_owned(), Secret::new(&value)));
    if let Some(secret) = exposed {
        match auth {
            Auth::Bearer => add("authorization", format!("Bearer {secret}")),
            Auth::Basic => {
                use base64::Engine;
                let pair = format!("{}:{secret}", values.user.unwrap_or_default());
                add("authorization", format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)));
            }
            Auth::Header(name) => add(name, secret.to_owned()),
            Auth::None | Auth::Query(_) => {}
        }
    }
    let mut headers = Vec::new();
    let mut in_header = false;
    for (name, template) in &ask.headers {
        let values = Values { secret: exposed, ..values.clone() };
        let Some(value) = values.fill(template, as_it_is, false) else { continue };
        if template.names().any(|name| name == "secret") {
            in_header = true;
            secret_headers.push((name.clone(), Secret::new(&value)));
        } else {
            headers.push((name.clone(), value));
        }
    }
    let in_text = |template: &Template| template.names().any(|name| name == "secret");
    let has_secret = exposed.is_some()
        && (*auth != Auth::None
            || in_header
            || in_text(&ask.url)
            || ask.params.iter().any(|(_, template)| in_text(template))
            || ask.body.as_ref().is_some_and(in_text));
    let method = match ask.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    Ok(Request {
        method: ask.method,
        shown: format!("{method} {shown}"),
        url,
        headers,
        secret_headers,
        body: body.map(|(body, kind)| (Secret::new(&body), kind)),
        has_secret,
    })
}

fn no_address() -> PollFault {
    let message = "the table's `url` makes no web address; check it and the values of its places".to_owned();
    PollFault { class: ErrorClass::Forbidden, message, retry_after: None }
}

/// The requests that a first poll begins with, in words; secrets as `***`.
pub fn first_requests(table: &Table, now: Timestamp) -> Vec<String> {
    let walk = super::Walk::new(table, super::Positions::default(), None, now);
    combinations(table).iter().filter_map(|combination| walk.first(combination).ok()).map(|r| r.shown).collect()
}
