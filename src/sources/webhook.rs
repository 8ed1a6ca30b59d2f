//! What others push to us: whether it comes from who it should, and which entries it holds. Pure: the web edge takes the
//! request.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::feed::RawEntry;
use super::table;
use crate::model::table::TextForm;
use crate::model::{Proof, Secret, WebhookSettings};

/// Entries of one message that are taken.
pub const MAX_ENTRIES: usize = 1_000;

/// Why a message is not taken; the words go to whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The header that proves the sender is not there.
    Unsigned {
        header: String,
    },
    /// It is there, and does not fit.
    Forged {
        header: String,
    },
    /// The body is no JSON: where it ceases to be.
    NoJson {
        line: usize,
        column: usize,
    },
    /// The configured path leads to nothing.
    NoItems,
    TooMany {
        found: usize,
    },
    /// An item, by its place (from 1), has nothing where the configured path leads.
    Lacks {
        item: usize,
        what: &'static str,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Unsigned { header } => write!(f, "the header {header} is missing; it must prove who sends this"),
            Refused::Forged { header } => write!(
                f,
                "the header {header} does not fit: either the secret is another one, or the body was changed on its way"
            ),
            Refused::NoJson { line, column } => {
                write!(f, "the body is not JSON (line {line}, column {column})")
            }
            Refused::NoItems => f.write_str("the body holds nothing where `items` of the source leads"),
            Refused::TooMany { found } => {
                write!(f, "{found} items at once; at most {MAX_ENTRIES} are taken: send them in parts")
            }
            Refused::Lacks { item, what } => {
                write!(f, "item {item} has nothing where `fields.{what}` of the source leads")
            }
        }
    }
}

/// Whether the sender knows the secret. Takes the same time whatever is wrong with a value.
///
/// # Errors
/// [`Refused::Unsigned`] or [`Refused::Forged`].
pub fn verify(settings: &WebhookSettings, value: Option<&[u8]>, body: &[u8]) -> Result<(), Refused> {
    let header = &settings.header;
    let value = value.ok_or_else(|| Refused::Unsigned { header: header.clone() })?;
    let good = match settings.proof {
        Proof::HmacSha256 => {
            let sent = signature(value).ok_or_else(|| Refused::Forged { header: header.clone() })?;
            mac(&settings.secret, body).verify_slice(&sent).is_ok()
        }
        Proof::Bearer => {
            let value = value.strip_prefix(b"Bearer ").unwrap_or(value).trim_ascii();
            // Both are hashed with a key first, so that comparing tells nothing of the secret, its length included.
            let expected = mac(&settings.secret, settings.secret.expose().as_bytes()).finalize().into_bytes();
            mac(&settings.secret, value).verify_slice(&expected).is_ok()
        }
    };
    if good { Ok(()) } else { Err(Refused::Forged { header: header.clone() }) }
}

/// HMAC with SHA-256 (RFC 2104) takes keys of any length.
fn mac(secret: &Secret, data: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, section 2)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("a key of any length");
    mac.update(data);
    mac
}

/// `sha256=` and hexadecimal digits as GitHub sends them, the digits alone, or Base64 (Shopify).
fn signature(value: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let text = text.strip_prefix("sha256=").unwrap_or(text);
    if text.len() == 64 {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, _) = text.as_bytes().as_chunks::<2>();
        return pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    }
    (text.len() <= 64).then(|| STANDARD.decode(text).ok()).flatten()
}

/// The entries of a body.
///
/// # Errors
/// What the sender, or who configured the source, must mend. Then none of it is taken.
pub fn entries(settings: &WebhookSettings, body: &[u8]) -> Result<Vec<RawEntry>, Refused> {
    let body: Value =
        serde_json::from_slice(body).map_err(|fault| Refused::NoJson { line: fault.line(), column: fault.column() })?;
    let mut items = Vec::new();
    let mut led = false;
    for found in settings.items.all(&body) {
        led = true;
        match found {
            Value::Array(list) => items.extend(list),
            Value::Null => {}
            one => items.push(one),
        }
    }
    // An empty list is an answer: there is nothing new.
    if !led {
        return Err(Refused::NoItems);
    }
    if items.len() > MAX_ENTRIES {
        return Err(Refused::TooMany { found: items.len() });
    }
    items.iter().enumerate().map(|(place, item)| entry(settings, item, place + 1)).collect()
}

fn entry(settings: &WebhookSettings, item: &Value, place: usize) -> Result<RawEntry, Refused> {
    let form = if settings.html { TextForm::Html } else { TextForm::Plain };
    let made = table::entry(&settings.fields, form, form, item);
    let entry = made.ok_or(Refused::Lacks { item: place, what: "id" })?;
    if entry.title.text.is_empty() && entry.content.text.is_empty() {
        return Err(Refused::Lacks { item: place, what: "text" });
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::table::{Fields, Template};
    use crate::text::json_path::JsonPath;

    fn settings(proof: Proof) -> WebhookSettings {
        let path = |text: &str| vec![Template::parse(text).unwrap()];
        WebhookSettings {
            secret: Secret::new("It's a Secret to Everybody"),
            proof,
            header: "X-Signature".to_owned(),
            items: JsonPath::parse("$.reviews").unwrap(),
            html: true,
            fields: Fields {
                id: path("$.id"),
                text: path("$.body"),
                url: path("$.link"),
                author: path("$.who.name"),
                rating: path("$.stars"),
                likes: path("$.likes"),
                ..Fields::default()
            },
        }
    }

    /// The example of GitHub's documentation ("Validating webhook deliveries", testing the payload).
    #[test]
    fn signatures_are_held_against_the_body() {
        let settings = settings(Proof::HmacSha256);
        let hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let base64 = "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc=";
        for good in [format!("sha256={hex}"), hex.to_owned(), hex.to_uppercase(), base64.to_owned()] {
            assert_eq!(verify(&settings, Some(good.as_bytes()), b"Hello, World!"), Ok(()), "{good}");
        }
        let forged = Err(Refused::Forged { header: "X-Signature".to_owned() });
        for bad in [
            &hex[..62],
            "",
            "sha256=",
            "It's a Secret to Everybody",
            &"0".repeat(64),
            &"é".repeat(32),
            &"x".repeat(9999),
        ] {
            assert_eq!(verify(&settings, Some(bad.as_bytes()), b"Hello, World!"), forged, "{bad:.70}");
        }
        assert_eq!(verify(&settings, Some(hex.as_bytes()), b"Hello, world!"), forged);
        assert_eq!(verify(&settings, Some(&[0xff; 64]), b"Hello, World!"), forged);
        assert!(matches!(verify(&settings, None, b"Hello, World!"), Err(Refused::Unsigned { .. })));
    }

    #[test]
    fn a_bearer_secret_must_be_the_secret() {
        let settings = settings(Proof::Bearer);
        for good in ["Bearer It's a Secret to Everybody", "It's a Secret to Everybody"] {
            assert_eq!(verify(&settings, Some(good.as_bytes()), b"x"), Ok(()));
        }
        for bad in ["", "Bearer ", "Bearer It's a Secret to Everybod", "It's a Secret to Everybody!"] {
            assert!(verify(&settings, Some(bad.as_bytes()), b"x").is_err(), "{bad}");
        }
    }

    #[test]
    fn items_become_entries() {
        let body = r#"{"reviews":[{"id":7,"body":"<p>Broken</p>","link":"https://a.example/7","who":{"name":"Ana"},"stars":2},{"id":"8","body":"x"}]}"#;
        let found = entries(&settings(Proof::Bearer), body.as_bytes()).unwrap();
        assert_eq!(found.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["7", "8"]);
        let one = &found[0];
        assert_eq!(
            (one.content.plain(), one.author.name.as_str(), one.rating.as_str()),
            ("Broken".to_owned(), "Ana", "2")
        );
        assert_eq!(entries(&settings(Proof::Bearer), br#"{"reviews":[]}"#), Ok(Vec::new()));
        let lone = entries(&settings(Proof::Bearer), br#"{"reviews":{"id":1,"body":"x"}}"#).unwrap();
        assert_eq!(lone.len(), 1);
    }

    #[test]
    fn what_cannot_be_taken_is_refused_as_a_whole_and_says_why() {
        let refused = |body: &str| entries(&settings(Proof::Bearer), body.as_bytes()).unwrap_err();
        assert_eq!(refused("{\"reviews\":[\n}"), Refused::NoJson { line: 2, column: 1 });
        assert_eq!(refused("[]"), Refused::NoItems);
        let lacking = r#"{"reviews":[{"id":1,"body":"x"},{"id":"","body":"x"}]}"#;
        assert_eq!(refused(lacking), Refused::Lacks { item: 2, what: "id" });
        assert_eq!(refused(r#"{"reviews":["x"]}"#), Refused::Lacks { item: 1, what: "id" });
        assert_eq!(refused(r#"{"reviews":[{"id":1}]}"#), Refused::Lacks { item: 1, what: "text" });
        let many = format!(r#"{{"reviews":[{}0]}}"#, "0,".repeat(MAX_ENTRIES));
        assert_eq!(refused(&many), Refused::TooMany { found: MAX_ENTRIES + 1 });
        assert!(matches!(refused(&"[".repeat(100_000)), Refused::NoJson { .. }));
    }
}
