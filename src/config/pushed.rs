//! Sources that speak by themselves: streams, and what others push.

use std::time::Duration;

use url::Url;

use super::diagnostic::Findings;
use super::keys::{JETSTREAM, Keys, WEBHOOK};
use super::reader::{Reader, Secrets};
use super::section::{Problem, Section};
use super::tree::Value;
use super::{addresses, secret, service};
use crate::model::table::Fields;
use crate::model::{JetstreamSettings, Location, Proof, Secret, Settings, WebhookSettings};
use crate::sources::jetstream;
use crate::text::json_path::JsonPath;

/// How long a stream may say nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// A shorter secret can be guessed, in bytes (RFC 2104, section 3: not less than half of the hash).
const SHORTEST_SECRET: usize = 16;

/// The keys of a kind of source that speaks by itself.
pub(super) fn keys_of(kind: &str) -> Option<&'static Keys> {
    match kind {
        "jetstream" => Some(&JETSTREAM),
        "webhook" => Some(&WEBHOOK),
        _ => None,
    }
}

/// `kind = "jetstream"`. Its place does not name the servers: another one goes on where the last one ended.
pub(super) fn jetstream(section: &Section<'_>, found: &mut Findings) -> Option<(Location, Settings)> {
    let silence = section.duration("silence", Duration::from_secs(1)..=Duration::from_secs(3600), "1s to 1h", found);
    let servers: Vec<Url> = match section.has("servers") {
        true => section.parsed_list("servers", addresses::stream_url, found),
        false => jetstream::PUBLIC.iter().filter_map(|text| Url::parse(text).ok()).collect(),
    };
    if servers.is_empty() {
        if matches!(section.get("servers").map(|node| &node.value), Some(Value::List(items)) if items.is_empty()) {
            found
                .error(section.place("servers"), "`servers` names no server")
                .help("leave it out for Bluesky's own, or name one: [\"wss://jetstream.example.com/subscribe\"]");
        }
        return None;
    }
    let settings = JetstreamSettings { servers, silence: silence.unwrap_or(SILENCE) };
    Some((Location::Service("Bluesky Jetstream".to_owned()), Settings::Jetstream(settings)))
}

/// `kind = "webhook"`.
pub(super) fn webhook(name: &str, section: &Section<'_>, reader: &mut Reader<'_>) -> Option<(Location, Settings)> {
    let proofs = [("hmac-sha256", Proof::HmacSha256), ("bearer", Proof::Bearer)];
    let proof = section.choice("proof", &proofs, &mut reader.found).unwrap_or(Proof::HmacSha256);
    let header = section.parsed("header", header, &mut reader.found);
    let header = header.unwrap_or_else(|| {
        let usual = if proof == Proof::Bearer { "Authorization" } else { "X-Hub-Signature-256" };
        usual.to_owned()
    });
    let secret = match section.get("secret") {
        Some(node) => secret::read(node, "secret", reader).and_then(|secret| {
            if secret.expose().len() >= SHORTEST_SECRET {
                return Some(secret);
            }
            let message = format!("the secret is shorter than {SHORTEST_SECRET} characters: it can be guessed");
            reader
                .found
                .error(node.span, message)
                .help("make one with `openssl rand -hex 32`, and give it to the sender");
            None
        }),
        None => {
            section.missing("secret", "secret = { credential = \"…\" }", &mut reader.found);
            None
        }
    };
    // Where secrets are not read, everything else is looked at all the same.
    let secret = match reader.world.secrets {
        Secrets::Required => secret,
        _ => secret.or_else(|| Some(Secret::new(""))),
    };
    let items = match section.has("items") {
        true => section.parsed("items", path, &mut reader.found),
        false => path("$").ok(),
    };
    let html = section.boolean("html", &mut reader.found).unwrap_or(false);
    let fields = fields(section, reader);
    let settings = WebhookSettings { secret: secret?, proof, header, items: items?, fields: fields?, html };
    Some((Location::Service(format!("/hooks/{name}")), Settings::Webhook(Box::new(settings))))
}

fn fields(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Fields> {
    const LIKE: &str = "fields = { id = \"$.id\", text = \"$.text\" }";
    let Some(node) = section.get("fields") else {
        section.missing("fields", LIKE, &mut reader.found);
        return None;
    };
    let fields = service::fields(section, reader)?;
    let Value::Table(table) = &node.value else { return None };
    if table.get("id").is_none() {
        reader.found.error(node.span, "`fields` does not say where the `id` is").help(
            "without it a message that is sent twice would be told twice; name what never changes: id = \"$.id\"",
        );
        return None;
    }
    if table.get("text").is_none() && table.get("title").is_none() {
        reader.found.error(node.span, "`fields` says neither where the `text` nor where the `title` is").help(LIKE);
        return None;
    }
    Some(fields)
}

fn path(text: &str) -> Result<JsonPath, Problem> {
    JsonPath::parse(text).map_err(|fault| Problem::new(fault, "write it like \"$.review.text\" or \"$.items[*]\""))
}

/// The name of a header (RFC 9110, section 5.6.2: a token).
fn header(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || !text.bytes().all(good) {
        return Err(Problem::new(
            format!("`{text}` is not the name of a header"),
            "write it like \"X-Hub-Signature-256\"",
        ));
    }
    Ok(text.to_owned())
}
