//! Who is looking: the link by mail that signs in, the cookie that keeps somebody signed in, and the mark in every form
//! that tells our own forms from others'.
//!
//! A cookie is a sealed address and an end, so whoever is taken out of the configuration is out at once. Of sessions only
//! those are in the record that were ended by signing out, until they would have ended anyway: a copy of the cookie opens
//! nothing from then on. The links work once: that is in the record, too.

use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use minijinja::context;
use sha2::{Digest, Sha256};

use super::keys::Purpose;
use super::layout::{self, Frame, page, see_other};
use super::links::known_addresses;
use super::{App, Site, View, failed, origin};
use crate::model::message_id;
use crate::store::record::{DeliveryContent, NewDelivery};

/// How long somebody stays signed in.
const STAYS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Random bytes of a session.
const DICE: usize = 8;
/// Bytes of a mail address (RFC 5321 section 4.5.3.1).
const MAX_ADDRESS: usize = 254;

/// Whoever may look around, with what their pages need.
pub(super) struct Guest {
    pub(super) view: View,
    /// Mail address; `None` where nobody is asked.
    pub(super) email: Option<String>,
    /// Their language.
    pub(super) language: String,
    form: String,
}

impl Guest {
    /// What a page of theirs stands in.
    pub(super) fn frame(&self, place: &'static str) -> Frame {
        let routing = &self.view.site.routing;
        let who = self.email.as_deref().map(|email| routing.person_name(email).unwrap_or(email)).unwrap_or_default();
        Frame {
            lang: lang(&self.language),
            root: root(&self.view.site),
            place,
            who: who.to_owned(),
            form: self.form.clone(),
            inside: true,
            of_theme: false,
        }
    }

    /// Whether a form came from a page of theirs.
    pub(super) fn sent(&self, form: &Form) -> bool {
        // Both are public to whoever holds the cookie: comparing needs no constant time.
        form.get("form").is_some_and(|mark| mark == self.form)
    }
}

impl FromRequestParts<App> for Guest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let view = app.daemon.view();
        let mark = |session: &str| app.keys.seal(Purpose::Form, &Sha256::digest(session.as_bytes()));
        if !view.site.sign_in {
            // Nobody is asked, so a page of another site must not get in under a name that leads here (DNS rebinding).
            if !is_own_host(&parts.headers, &view.site) {
                return Err(refused(&view, StatusCode::FORBIDDEN, "host"));
            }
            let language = view.site.language.clone();
            return Ok(Self { view, email: None, language, form: mark("") });
        }
        let session = cookie(&parts.headers, &view.site);
        let email = session.as_deref().and_then(|session| {
            let (until, address) = unsealed(app, session)?;
            let address = Some(address).filter(|_| app.daemon.now() < until)?;
            known_addresses(&view.site.routing).find(|known| known.eq_ignore_ascii_case(&address)).map(str::to_owned)
        });
        let (Some(email), Some(cookie)) = (email, session.as_deref()) else {
            return Err(see_other(&format!("{}/sign-in", root(&view.site))));
        };
        match app.daemon.record().is_signed_out(digest(cookie)).await {
            Ok(false) => {}
            Ok(true) => return Err(see_other(&format!("{}/sign-in", root(&view.site)))),
            Err(error) => return Err(failed(&error)),
        }
        let language = language_of(&view.site, &email);
        Ok(Self { view, email: Some(email), language, form: mark(session.as_deref().unwrap_or_default()) })
    }
}

/// What a form sent, as name and value.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of that name, as of boxes that were ticked.
    pub(super) fn all<'f>(&'f self, name: &str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The page that asks for an address.
pub(super) async fn ask(State(app): State<App>) -> Response {
    let view = app.daemon.view();
    if !view.site.sign_in {
        return see_other(&format!("{}/", root(&view.site)));
    }
    plain(&view, StatusCode::OK, "ask")
}

/// Sends a link to a known address. The answer is the same for every address, and does not wait for what follows.
pub(super) async fn send(State(app): State<App>, body: Bytes) -> Response {
    let view = app.daemon.view();
    let form = Form::read(&body);
    let email = form.get("email").unwrap_or_default().trim().to_owned();
    if email.is_empty() || email.len() > MAX_ADDRESS || !email.contains('@') {
        return plain(&view, StatusCode::UNPROCESSABLE_ENTITY, "ask");
    }
    let answer = plain(&view, StatusCode::OK, "sent");
    if view.site.sign_in {
        tokio::spawn(async move { mail_link(&app, &email).await });
    }
    answer
}

async fn mail_link(app: &App, email: &str) {
    let view = app.daemon.view();
    let known = known_addresses(&view.site.routing).find(|known| known.eq_ignore_ascii_case(email));
    let Some(recipient) = known else {
        tracing::info!(
            event = "sign_in_unknown",
            "somebody entered an address that is no department's, member's or lead's"
        );
        return;
    };
    let nonce = format!("{:032x}", rand::random::<u128>());
    let now = app.daemon.now();

    let mail = NewDelivery {
        recipient: recipient.to_owned(),
        message_id: message_id(&view.site.sender_domain, now, rand::random()),
        content: DeliveryContent::SignIn { nonce: nonce.clone() },
        once: Some(nonce.clone()),
    };
    match app.daemon.record().ask_sign_in(nonce, mail, now).await {
        Ok(true) => app.daemon.mail_waits(),
        Ok(false) => {
            tracing::warn!(event = "sign_in_often", "too many sign-in links were asked for; no more are sent for now")
        }
        Err(error) => tracing::error!(event = "page_failed", "a sign-in link could not be sent: {error}"),
    }
}

/// The page behind a link: one button. Opening it uses nothing up.
pub(super) async fn open(State(app): State<App>, Path(sealed): Path<String>) -> Response {
    let view = app.daemon.view();
    match nonce(&app, &sealed) {
        Some(nonce) => match app.daemon.record().sign_in(nonce, app.daemon.now()).await {
            Ok(Some(email)) => {
                let language = language_of(&view.site, &email);
                page(
                    StatusCode::OK,
                    "plain.html",
                    &outside(&view.site, &language),
                    context! {
                        what => "confirm", email => email, action => format!("{}/sign-in/{sealed}", root(&view.site)),
                    },
                )
            }
            Ok(None) => plain(&view, StatusCode::GONE, "used"),
            Err(error) => failed(&error),
        },
        None => plain(&view, StatusCode::NOT_FOUND, "forged"),
    }
}

/// Signs in.
pub(super) async fn enter(State(app): State<App>, Path(sealed): Path<String>) -> Response {
    let view = app.daemon.view();
    let Some(nonce) = nonce(&app, &sealed) else { return plain(&view, StatusCode::NOT_FOUND, "forged") };
    let now = app.daemon.now();
    match app.daemon.record().use_sign_in(nonce, now).await {
        Ok(Some(email)) => {
            let until = now.checked_add(STAYS).unwrap_or(Timestamp::MAX).as_millisecond();
            // Two sessions of one person are two, also if they begin at the same moment: each ends by itself.
            let dice: [u8; DICE] = rand::random();
            let payload = [until.to_be_bytes().as_slice(), &dice, email.as_bytes()].concat();
            let value = app.keys.seal(Purpose::Session, &payload);
            tracing::info!(event = "signed_in", "somebody signed in to the pages");
            let mut response = see_other(&format!("{}/", root(&view.site)));
            set_cookie(&mut response, &view.site, &value, STAYS.as_secs());
            response
        }
        Ok(None) => plain(&view, StatusCode::GONE, "used"),
        Err(error) => failed(&error),
    }
}

/// Signs out: the cookie goes, and any copy of it is worth nothing.
pub(super) async fn leave(State(app): State<App>, guest: Guest, headers: HeaderMap, body: Bytes) -> Response {
    if !guest.sent(&Form::read(&body)) {
        return refused(&guest.view, StatusCode::FORBIDDEN, "form");
    }
    let session = cookie(&headers, &guest.view.site);
    if let Some((session, (until, _))) = session.and_then(|session| Some((digest(&session), unsealed(&app, &session)?)))
        && let Err(error) = app.daemon.record().sign_out(session, until, app.daemon.now()).await
    {
        // Whoever is told that they are out must be.
        return failed(&error);
    }
    let mut response = see_other(&format!("{}/sign-in", root(&guest.view.site)));
    set_cookie(&mut response, &guest.view.site, "", 0);
    response
}

/// A page of one sentence for somebody who is not signed in.
fn plain(view: &View, status: StatusCode, what: &str) -> Response {
    let frame = outside(&view.site, &view.site.language);
    let action = format!("{}/sign-in", frame.root);
    page(status, "plain.html", &frame, context! { what, email => "", action })
}

/// A request that is not done, and why.
pub(super) fn refused(view: &View, status: StatusCode, why: &str) -> Response {
    plain(view, status, why)
}

/// The frame of a page without navigation.
pub(super) fn outside(config: &Site, language: &str) -> Frame {
    Frame {
        lang: lang(language),
        root: root(config),
        place: "",
        who: String::new(),
        form: String::new(),
        inside: false,
        of_theme: false,
    }
}

/// The language of whoever has this address: their department's.
pub(super) fn language_of(config: &Site, email: &str) -> String {
    let department = config.routing.departments.iter().find(|d| d.reads(email));
    department.map_or(&config.language, |d| &d.language).clone()
}

/// The path of `public_url`, before all addresses.
pub(super) fn root(config: &Site) -> String {
    config.public_url.as_ref().map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default()
}

fn lang(language: &str) -> String {
    let code = language.split(['-', '_']).next().unwrap_or(language);
    let known = layout::WORDS.iter().any(|(known, _)| *known == code);
    if known { code.to_owned() } else { layout::WORDS[0].0.to_owned() }
}

fn nonce(app: &App, sealed: &str) -> Option<String> {
    String::from_utf8(app.keys.unseal(Purpose::SignIn, sealed)?).ok()
}

/// When a session ends by itself, and whose it is.
fn unsealed(app: &App, session: &str) -> Option<(Timestamp, String)> {
    let payload = app.keys.unseal(Purpose::Session, session)?;
    let (until, rest) = payload.split_first_chunk::<8>()?;
    let (_, address) = rest.split_first_chunk::<DICE>()?;
    let until = Timestamp::from_millisecond(i64::from_be_bytes(*until)).ok()?;
    Some((until, std::str::from_utf8(address).ok()?.to_owned()))
}

/// What of a session is in the record: not the cookie, which a backup would give away.
fn digest(session: &str) -> [u8; 32] {
    Sha256::digest(session.as_bytes()).into()
}

/// `__Host-` holds a browser to Secure, our host alone and the whole of it (RFC 6265bis section 4.1.3.2).
fn cookie_name(config: &Site) -> &'static str {
    let secure = origin(config).is_some_and(|origin| origin.starts_with("https:"));
    if secure { "__Host-mentiond" } else { "mentiond" }
}

fn cookie(headers: &HeaderMap, config: &Site) -> Option<String> {
    let name = cookie_name(config);
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

fn set_cookie(response: &mut Response, config: &Site, value: &str, seconds: i64) {
    let name = cookie_name(config);
    let secure = if name.starts_with("__Host-") { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().insert(header::SET_COOKIE, line);
    }
}

/// This machine by a name that only it has, or the host of `public_url`.
fn is_own_host(headers: &HeaderMap, config: &Site) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let public = config.public_url.as_ref().and_then(|url| url.host_str());
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || public.is_some_and(|public| public.eq_ignore_ascii_case(name))
}
