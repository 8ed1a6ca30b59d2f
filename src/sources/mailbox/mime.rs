//! A message as bytes, made into what the rest of the mailbox source needs to know of it: who, when, to whom, which
//! thread, and its words. Whatever the bytes are, reading them ends, in time proportional to their number.

use jiff::Timestamp;
use mail_parser::{Address, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use memchr::memmem;

use crate::sources::dates;
use crate::text::html::{MAX_HTML, cut};

/// Messages inside messages that are looked into; with more of them only the headers are read. The parser builds a tree
/// of them, and a tree of a hundred thousand levels cannot even be thrown away.
const MAX_NESTED: usize = 50;
/// References that are kept of a thread: the root and the newest.
const MAX_REFERENCES: usize = 50;
/// Recipients that are kept.
const MAX_RECIPIENTS: usize = 100;
/// Longest Message-ID that is kept, in bytes (a line of RFC 5322, 2.1.1).
const MAX_ID: usize = 998;
/// Longest subject that is kept, in bytes.
const MAX_SUBJECT: usize = 4096;

/// Somebody with a mail address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Display name; empty if there is none.
    pub name: String,
    /// Bare address, as written.
    pub email: String,
}

/// What was read of a message. Texts are decoded, not yet tidied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mail {
    /// Message-ID without angle brackets, if it has one.
    pub id: Option<String>,
    pub from: Option<Person>,
    /// Every address that it was sent or delivered to, in lower case.
    pub recipients: Vec<String>,
    pub subject: String,
    pub date: Option<Timestamp>,
    /// Message-IDs of the thread, root first; what it answers is the last one.
    pub references: Vec<String>,
    /// The plain text, with its lines; empty if there is none.
    pub text: String,
    /// The HTML; empty if there is none.
    pub html: String,
    /// BCP 47, as claimed.
    pub lang: Option<String>,
    /// Headers that say what kind of mail it is, in lower case, with their values.
    pub marks: Vec<(String, String)>,
    /// It is a report about another mail (RFC 6522).
    pub report: bool,
    /// The envelope had no sender (RFC 5321, 4.5.5), as the server that took it wrote down.
    pub null_sender: bool,
    /// `Authentication-Results` (RFC 8601), topmost first, unfolded.
    pub authentication: Vec<String>,
}

impl Mail {
    /// The value of a header among [`MARKS`].
    pub fn mark(&self, name: &str) -> Option<&str> {
        self.marks.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The first message of the thread, if this is not it.
    pub fn root(&self) -> Option<&str> {
        self.references.first().map(String::as_str)
    }
}

/// Headers that are kept as they stand, in lower case.
const MARKS: [&str; 14] = [
    "auto-submitted",
    "precedence",
    "x-autoreply",
    "x-autorespond",
    "x-autoreply-from",
    "x-auto-response-suppress",
    "x-mentiond-kind",
    "x-failed-recipients",
    "list-id",
    "list-post",
    "list-unsubscribe",
    "x-loop",
    "x-facebook-notify",
    "feedback-id",
];

/// Reads a message. Bytes that are no message are one whose text they are.
pub fn read(data: &[u8]) -> Mail {
    let message = parse(data);
    let Some(message) = message.filter(|m| !m.parts.is_empty()) else { return bare(data) };
    let known = ["From", "Date", "Subject", "Message-ID", "Received", "To", "Content-Type", "Return-Path"];
    if !known.iter().any(|name| message.header(*name).is_some()) {
        return bare(data);
    }
    let mut mail = Mail {
        id: message.message_id().and_then(id),
        from: message.from().and_then(person).or_else(|| message.sender().and_then(person)),
        subject: cut(message.subject().unwrap_or_default(), MAX_SUBJECT).to_owned(),
        lang: raw(&message, "Content-Language").and_then(|l| language(&l)),
        null_sender: raw(&message, "Return-Path").is_some_and(|path| path.trim() == "<>"),
        ..Mail::default()
    };
    mail.date = raw(&message, "Date").and_then(|date| dates::parse(&date));
    mail.references = references(&message);
    mail.recipients = recipients(&message);
    for (name, value) in message.headers_raw() {
        let name = name.to_ascii_lowercase();
        if name == "authentication-results" {
            mail.authentication.push(unfolded(value));
        } else if MARKS.contains(&name.as_str()) && mail.mark(&name).is_none() {
            mail.marks.push((name, unfolded(value)));
        }
    }
    let root = message.root_part().content_type();
    mail.report = root.is_some_and(|t| t.ctype().eq_ignore_ascii_case("multipart") && is(t.subtype(), "report"));
    bodies(&message, &mut mail);
    mail
}

/// Text without a header.
fn bare(data: &[u8]) -> Mail {
    Mail { text: cut(&String::from_utf8_lossy(data), MAX_HTML).to_owned(), ..Mail::default() }
}

fn parse(data: &[u8]) -> Option<Message<'_>> {
    let parser = MessageParser::new()
        .with_mime_headers()
        .with_address_headers()
        .with_message_ids()
        .header_text("Subject")
        .default_header_raw();
    let nested = memmem::find_iter(data, b"essage/").take(MAX_NESTED + 1).count();
    if nested > MAX_NESTED { parser.parse_headers(data) } else { parser.parse(data) }
}

fn raw(message: &Message<'_>, name: &str) -> Option<String> {
    message.header_raw(name).map(unfolded).filter(|v| !v.is_empty())
}

/// A header's value on one line, without outer space.
fn unfolded(value: &str) -> String {
    let one_line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    one_line.trim().to_owned()
}

fn is(value: Option<&str>, wanted: &str) -> bool {
    value.is_some_and(|v| v.eq_ignore_ascii_case(wanted))
}

fn id(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('<').trim_end_matches('>').trim();
    let good = !text.is_empty() && text.len() <= MAX_ID && !text.chars().any(|c| c.is_control() || c == ' ');
    good.then(|| text.to_owned())
}

fn person(address: &Address<'_>) -> Option<Person> {
    let first = address.first()?;
    let email = first.address()?.trim();
    let good = email.contains('@') && email.len() <= 320 && !email.chars().any(|c| c.is_control() || c == ' ');
    let name = first.name().unwrap_or_default();
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
    good.then(|| Person { name: name.trim().to_owned(), email: email.to_owned() })
}

fn references(message: &Message<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in [message.references(), message.in_reply_to()] {
        let list: Vec<&str> = match value {
            HeaderValue::Text(one) => vec![one.as_ref()],
            HeaderValue::TextList(list) => list.iter().map(AsRef::as_ref).collect(),
            _ => Vec::new(),
        };
        // The root and the newest say which thread it is; what stands between may be thousands.
        let skip = list.len().saturating_sub(MAX_REFERENCES - 1);
        let kept = list.iter().take(1).chain(list.iter().skip(skip.max(1)));
        for one in kept.filter_map(|text| id(text)) {
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    found
}

fn recipients(message: &Message<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |address: &str| {
        let address = address.trim().trim_start_matches('<').trim_end_matches('>').to_lowercase();
        if address.contains('@') && found.len() < MAX_RECIPIENTS && !found.contains(&address) {
            found.push(address);
        }
    };
    for name in ["Delivered-To", "X-Original-To", "Envelope-To"] {
        if let Some(value) = raw(message, name) {
            add(&value);
        }
    }
    for list in [message.to(), message.cc()].into_iter().flatten() {
        list.iter().take(MAX_RECIPIENTS).filter_map(|a| a.address()).for_each(&mut add);
    }
    found
}

fn language(value: &str) -> Option<String> {
    let tag = value.split(',').next()?.trim();
    let good = (2..=35).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    good.then(|| tag.to_owned())
}

/// The first plain text and the first HTML that are shown as the message; files that came with it are not read.
fn bodies(message: &Message<'_>, mail: &mut Mail) {
    for part in &message.parts {
        if is_attachment(part) {
            continue;
        }
        match &part.body {
            PartType::Text(text) if mail.text.is_empty() && is_words(part) => {
                let text = cut(text, MAX_HTML);
                let kind = part.content_type();
                let flowed = kind.is_some_and(|t| is(t.attribute("format"), "flowed"));
                let delsp = kind.is_some_and(|t| is(t.attribute("delsp"), "yes"));
                mail.text = if flowed { reflow(text, delsp) } else { text.replace("\r\n", "\n") };
            }
            PartType::Html(html) if mail.html.is_empty() => mail.html = cut(html, MAX_HTML).to_owned(),
            _ => {}
        }
    }
}

fn is_attachment(part: &MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|d| d.is_attachment())
}

/// Text that is meant for people: not a calendar, a key or a delivery status.
fn is_words(part: &MessagePart<'_>) -> bool {
    part.content_type()
        .is_none_or(|t| t.ctype().eq_ignore_ascii_case("text") && (t.subtype().is_none() || is(t.subtype(), "plain")))
}

/// Joins the lines of a flowed text (RFC 3676): a line that ends with a space goes on in the next one.
fn reflow(text: &str, delsp: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut flows = false;
    let mut depth = 0;
    for line in text.lines() {
        let quoted = line.bytes().take_while(|b| *b == b'>').count();
        let body = line.get(quoted..).unwrap_or_default();
        let body = body.strip_prefix(' ').unwrap_or(body);
        if !flows || quoted != depth {
            if !out.is_empty() {
                out.push('\n');
            }
            if quoted > 0 {
                out.push_str(line.get(..quoted).unwrap_or_default());
                out.push(' ');
            }
        }
        depth = quoted;
        flows = body.ends_with(' ') && body != "-- ";
        out.push_str(if flows && delsp { body.get(..body.len() - 1).unwrap_or(body) } else { body });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_says_of_itself() {
        let mail = read(
            b"Return-Path: <jens@example.net>\r\nDelivered-To: support@example.com\r\n\
              Authentication-Results: mx.example.com;\r\n dkim=pass header.d=example.net\r\n\
              From: =?utf-8?Q?Jens_S=C3=B8rensen?= <Jens@example.net>\r\nTo: Support <Support@Example.com>, <b@example.org>\r\n\
              Subject: =?iso-8859-1?Q?Min_br=F8drister?=\r\nDate: Fri, 6 Mar 2026 17:50:00 +0100\r\n\
              Message-ID: <a.1@example.net>\r\nReferences: <r@x>\r\n <s@x>\r\nIn-Reply-To: <s@x>\r\nContent-Language: da-DK\r\n\
              Content-Type: text/plain; charset=iso-8859-1; format=flowed\r\n\r\nDen er \r\ng\xe5et i stykker.\r\nHej\r\n",
        );
        assert_eq!(mail.id.as_deref(), Some("a.1@example.net"));
        assert_eq!(mail.from, Some(Person { name: "Jens Sørensen".into(), email: "Jens@example.net".into() }));
        assert_eq!(mail.recipients, ["support@example.com", "b@example.org"]);
        assert_eq!(mail.subject, "Min brødrister");
        assert_eq!(mail.references, ["r@x", "s@x"]);
        assert_eq!(mail.lang.as_deref(), Some("da-DK"));
        assert_eq!(mail.text.trim_end(), "Den er gået i stykker.\nHej");
        assert_eq!(mail.authentication, ["mx.example.com;   dkim=pass header.d=example.net"]);
        assert_eq!(mail.date, Some("2026-03-06T16:50:00Z".parse().unwrap()));
        assert!(!mail.null_sender && !mail.report);
    }

    #[test]
    fn what_has_no_header_is_text() {
        let mail = read(b"This is a text.\nIt was found at: http://example.com/a\nand more\n");
        assert!(mail.text.starts_with("This is a text.") && mail.from.is_none(), "{mail:?}");
        assert_eq!(read(b""), Mail::default());
    }

    #[test]
    fn files_that_came_with_it_are_not_its_text() {
        let mail = read(
            b"From: a@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
              Content-Type: text/plain\r\nContent-Disposition: attachment; filename=x.txt\r\n\r\nsecret\r\n--b\r\n\
              Content-Type: text/html\r\n\r\n<p>Hello\r\n--b\r\nContent-Type: text/plain\r\n\r\nwords\r\n--b--\r\n",
        );
        assert_eq!((mail.text.trim(), mail.html.trim()), ("words", "<p>Hello"));
    }

    #[test]
    fn deep_and_wide_messages_are_read_in_time() {
        let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(60_000);
        let mut boundaries = String::from("From: a@b.example\r\n");
        for n in 0..20_000 {
            boundaries.push_str(&format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"));
        }
        let wide = format!(
            "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{}",
            "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n".repeat(50_000)
        );
        let references = format!("From: a@b.example\r\nReferences: {}\r\n\r\nx", "<a@b> <c@d> ".repeat(50_000));
        let addresses = format!("From: a@b.example\r\nTo: {}\r\n\r\nx", "a@b.example, ".repeat(100_000));
        let words = format!("From: a@b.example\r\nSubject: {}\r\n\r\nx", "=?utf-8?Q?a?= ".repeat(100_000));
        let mut all = std::time::Duration::ZERO;
        for data in [nested, boundaries, wide, references, addresses, words] {
            let took = crate::clock::cost(|| drop(read(data.as_bytes())));
            println!("{} bytes: {took:?}", data.len());
            all += took;
        }
        assert!(all.as_secs() < 20, "{all:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2000)) {
            read(&data);
        }

        #[test]
        fn no_lines_make_it_panic(parts in proptest::collection::vec(proptest::sample::select(vec![
            "From: ", "To: a@b.example, c <d@e>", "\r\n", "\n", "Content-Type: multipart/mixed; boundary=x", "--x", "--x--",
            "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "=?utf-8?B?", "?=", "é", "\0", ": ", "<", ">",
            "Content-Type: text/plain; format=flowed; delsp=yes", "References: <a@b> <", "Date: Fri, 99 Foo", " ", "> ", "\t",
        ]), 0..80)) {
            read(parts.concat().as_bytes());
        }
    }
}
