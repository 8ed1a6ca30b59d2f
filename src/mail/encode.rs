//! A worded mail becomes bytes. The same arguments give the same bytes, so that a mail that is tried again is the same
//! mail; and whatever stands in titles and names, the headers are the ones written here.

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::header::{
    ContentDisposition, ContentId, ContentTransferEncoding, ContentType, HeaderName, HeaderValue,
};
use lettre::message::{Body, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

use crate::model::{Email, Mailbox, Picture};

use super::address::{self, AddressFault};
use super::header::{self, Form};

/// Characters of a subject that are sent; a longer one is cut and ends in `…`.
pub const MAX_SUBJECT: usize = 400;
/// Longest Message-ID, in bytes, without its angle brackets.
pub const MAX_MESSAGE_ID: usize = 250;
/// Characters of a line of quoted-printable beside the `=` that says that it goes on (RFC 2045, 6.7, rule 5).
const MAX_QUOTED: usize = 75;
/// The last second of the year 9999, the last one that a `Date` header can say.
const LAST_DATE: i64 = 253_402_300_799;

/// Headers that are written here, or that would add recipients: nobody else may set them.
const RESERVED: [&str; 15] = [
    "from",
    "sender",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "return-path",
    "received",
    "apparently-to",
    "delivered-to",
    "errors-to",
    "disposition-notification-to",
];

/// Why a mail cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("no mail can be sent to {address:?}: {fault}; correct it in the configuration")]
    Recipient { address: String, fault: AddressFault },
    #[error("no mail can be sent from {address:?}: {fault}; correct [mail] from in the configuration")]
    Sender { address: String, fault: AddressFault },
    #[error("{0:?} is no Message-ID (RFC 5322, 3.6.4)")]
    MessageId(String),
    #[error("{0:?} cannot be the name of a further header")]
    HeaderName(String),
    #[error("the header {0} has a word that is too long to be sent")]
    HeaderTooLong(String),
    #[error("the mail cannot be put together: {0}")]
    Build(String),
}

/// Encodes one mail for one recipient as `multipart/alternative`, both parts UTF-8 in quoted-printable (RFC 2045, 2046);
/// an HTML part with pictures is a `multipart/related` with them.
/// The result is 7-bit, has CRLF line ends and no line over 998 bytes.
///
/// `to` is one bare address; `message_id` comes without angle brackets, and the boundary is derived from it; `date`
/// should be the time when the mail was queued. `extra` headers (name, value) follow those of `email`. In values line
/// breaks and control characters become spaces.
///
/// # Errors
/// Addresses that cannot be used, a Message-ID or a header name that could break the headers, headers that are written
/// here (see `RESERVED`) or describe the content, and values that cannot be folded under 998 bytes.
pub fn encode(
    email: &Email,
    from: &Mailbox,
    to: &str,
    message_id: &str,
    date: Timestamp,
    extra: &[(&str, &str)],
) -> Result<Vec<u8>, EncodeError> {
    let sender =
        address::ascii(&from.email).map_err(|fault| EncodeError::Sender { address: from.email.clone(), fault })?;
    let recipient = address::ascii(to).map_err(|fault| EncodeError::Recipient { address: to.to_owned(), fault })?;
    check_message_id(message_id)?;

    // The display name is the operator's, but is cleaned like everything else.
    let name = from.name.as_deref().map(one_line).filter(|name| !name.is_empty());
    let mut builder = lettre::Message::builder()
        .from(lettre::message::Mailbox::new(name, sender))
        .to(lettre::message::Mailbox::new(None, recipient))
        .raw_header(raw("Subject", &shortened(&email.subject), Form::Text)?)
        .date(date_within_bounds(date))
        .raw_header(raw("Message-ID", &format!("<{message_id}>"), Form::Structured)?);
    let further = email.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in further.chain(extra.iter().copied()) {
        check_name(name)?;
        builder = builder.raw_header(raw(name, value, Form::Structured)?);
    }
    let content =
        MultiPart::alternative().boundary(boundary(message_id)).singlepart(part(ContentType::TEXT_PLAIN, &email.text));
    let content = if email.pictures.is_empty() {
        content.singlepart(part(ContentType::TEXT_HTML, &email.html))
    } else {
        content.multipart(with_pictures(email, message_id)?)
    };
    let message = builder.multipart(content).map_err(|fault| EncodeError::Build(fault.to_string()))?;
    Ok(message.formatted())
}

/// The HTML part with its pictures (RFC 2387, RFC 2392): `cid:NAME` in an attribute becomes the Content-ID, which must
/// differ from mail to mail, so that the Message-ID is in it.
fn with_pictures(email: &Email, message_id: &str) -> Result<MultiPart, EncodeError> {
    let mut html = email.html.clone();
    for Picture { name, .. } in &email.pictures {
        html = html.replace(&format!("\"cid:{name}\""), &format!("\"cid:{name}.{message_id}\""));
    }
    let mut related = MultiPart::related()
        .boundary(format!("{}r", boundary(message_id)))
        .singlepart(part(ContentType::TEXT_HTML, &html));
    for Picture { name, png } in &email.pictures {
        let body = Body::new_with_encoding(png.clone(), ContentTransferEncoding::Base64)
            .map_err(|_| EncodeError::Build(format!("the picture {name} cannot be encoded")))?;
        let kind = ContentType::parse("image/png").map_err(|fault| EncodeError::Build(fault.to_string()))?;
        related = related.singlepart(
            SinglePart::builder()
                .header(kind)
                .header(ContentDisposition::inline_with_name(&format!("{name}.png")))
                .header(ContentId::from(format!("<{name}.{message_id}>")))
                .body(body),
        );
    }
    Ok(related)
}

fn part(kind: ContentType, text: &str) -> SinglePart {
    let body = Body::dangerous_pre_encoded(quoted_printable(text), ContentTransferEncoding::QuotedPrintable);
    SinglePart::builder().header(kind).body(body)
}

fn raw(name: &str, value: &str, form: Form) -> Result<HeaderValue, EncodeError> {
    let encoded = header::value(name, value, form).ok_or_else(|| EncodeError::HeaderTooLong(name.to_owned()))?;
    let header = HeaderName::new_from_ascii(name.to_owned()).map_err(|_| EncodeError::HeaderName(name.to_owned()))?;
    // Encoded and folded by `header::value`: ASCII, with CRLF only before a space.
    Ok(HeaderValue::dangerous_new_pre_encoded(header, String::new(), encoded))
}

/// A name is printable ASCII without a colon (RFC 5322, 3.6.8), and none that is written here.
fn check_name(name: &str) -> Result<(), EncodeError> {
    let lower = name.to_ascii_lowercase();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    // The language says nothing about how the content is encoded (RFC 3282), the other Content- headers do.
    let written_here = RESERVED.contains(&lower.as_str())
        || (lower.starts_with("content-") && lower != "content-language")
        || lower.starts_with("resent-");
    if plain && !written_here { Ok(()) } else { Err(EncodeError::HeaderName(name.to_owned())) }
}

fn check_message_id(id: &str) -> Result<(), EncodeError> {
    let plain =
        id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'(' | b')' | b'"' | b'\\' | b','));
    let two_parts =
        id.split_once('@').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty() && !right.contains('@'));
    if plain && two_parts && id.len() <= MAX_MESSAGE_ID { Ok(()) } else { Err(EncodeError::MessageId(id.to_owned())) }
}

/// `=_` never occurs in quoted-printable (RFC 2045, 6.7), so no text can hold the boundary.
fn boundary(message_id: &str) -> String {
    let digest = Sha256::digest(message_id.as_bytes());
    let digits = digest.iter().take(16).flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16));
    "=_".chars().chain(digits).collect()
}

fn date_within_bounds(date: Timestamp) -> SystemTime {
    let seconds = date.as_second().clamp(0, LAST_DATE);
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds.unsigned_abs())
}

fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(subject: &str) -> String {
    match subject.char_indices().nth(MAX_SUBJECT) {
        None => subject.to_owned(),
        Some((end, _)) => format!("{}…", subject[..end].trim_end()),
    }
}

/// Text as quoted-printable (RFC 2045, 6.7), every CRLF, lone CR and lone LF as CRLF, in one pass. Written here because
/// it is most of the work of encoding a mail, and lettre's takes three passes.
fn quoted_printable(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8 + 16);
    // Hardly any text has one. A look at all of it at once, not stopping at the first, is taken many bytes at a time.
    let controls =
        text.bytes().fold(false, |found, b| found | (b < b' ') & !matches!(b, b'\t' | b'\r' | b'\n') | (b == 0x7f));
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        quote_line(line, controls, &mut out);
        rest = match after {
            [b'\r', b'\n', after @ ..] | [_, after @ ..] => after,
            [] => break,
        };
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// One line without its end. `controls`: it may have control characters beside tabs.
fn quote_line(line: &[u8], controls: bool, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    // White space at the end of a line may be lost on the way.
    let inner = line.len() - usize::from(line.ends_with(b" ") || line.ends_with(b"\t"));
    // Most lines are printable, so that only `=` is to be found, many bytes at a time.
    let printable = !controls && line.is_ascii();
    let next_special = |from: usize| {
        let rest = line.get(from..inner).unwrap_or_default();
        let found = if printable {
            memchr::memchr(b'=', rest)
        } else {
            rest.iter().position(|byte| !matches!(byte, b'\t' | b' '..=b'<' | b'>'..=b'~'))
        };
        found.map_or(inner.max(from), |n| from + n)
    };
    let mut room = MAX_QUOTED;
    let mut at = 0;
    let mut special = next_special(0);
    loop {
        while at < special {
            if room == 0 {
                out.extend_from_slice(b"=\r\n");
                room = MAX_QUOTED;
            }
            let run = room.min(special - at);
            out.extend_from_slice(&line[at..at + run]);
            (at, room) = (at + run, room - run);
        }
        let Some(byte) = line.get(at) else { return };
        if room < 3 {
            out.extend_from_slice(b"=\r\n");
            room = MAX_QUOTED;
        }
        out.extend_from_slice(&[b'=', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        (at, room) = (at + 1, room - 3);
        special = next_special(at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the rules of RFC 2045, read strictly.
    fn decode(encoded: &[u8]) -> String {
        let mut out = Vec::new();
        let text = std::str::from_utf8(encoded).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        for (n, line) in lines.iter().enumerate() {
            assert!(line.len() <= 76 && line.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b)), "{line:?}");
            assert!(!line.ends_with([' ', '\t']), "{line:?}");
            let soft = line.strip_suffix('=');
            let mut rest = soft.unwrap_or(line).bytes();
            while let Some(byte) = rest.next() {
                if byte == b'=' {
                    let hex = [rest.next().unwrap(), rest.next().unwrap()];
                    out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
                } else {
                    out.push(byte);
                }
            }
            if soft.is_none() && n + 1 < lines.len() {
                out.extend_from_slice(b"\r\n");
            }
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quoted_printable_by_example() {
        for (text, wanted) in [
            ("", ""),
            ("a=b", "a=3Db"),
            ("niño", "ni=C3=B1o"),
            ("a \nb\t\r\nc ", "a=20\r\nb=09\r\nc=20"),
            ("a\rb\n\rc", "a\r\nb\r\n\r\nc"),
            ("\u{0}", "=00"),
            (&"x".repeat(75), &"x".repeat(75)),
            (&"x".repeat(77), &format!("{}=\r\nxx", "x".repeat(75))),
            (&("x".repeat(74) + "ñ"), &format!("{}=\r\n=C3=B1", "x".repeat(74))),
        ] {
            assert_eq!(std::str::from_utf8(&quoted_printable(text)), Ok(wanted), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn quoted_printable_reads_back(text in r"(\PC|[ \t=\r\n]|[a-z]{20}){0,120}") {
            let lines = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
            prop_assert_eq!(decode(&quoted_printable(&text)), lines);
        }
    }
}
