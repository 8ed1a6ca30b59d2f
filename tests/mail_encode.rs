//! Mail as bytes: parsed again by another implementation, it says what it was made to say and nothing else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/cost.rs"]
mod cost;

use cost::processor_time;
use jiff::Timestamp;
use mail_parser::{Message, MessageParser, MimeHeaders as _};
use mentiond::mail::encode::{EncodeError, encode};
use mentiond::model::{Email, Mailbox};
use proptest::prelude::*;

const ID: &str = "20260301T120000.1.ab12@mentiond.example.com";

fn email(subject: &str, text: &str, html: &str) -> Email {
    Email {
        subject: subject.to_owned(),
        text: text.to_owned(),
        html: html.to_owned(),
        headers: Vec::new(),
        pictures: Vec::new(),
    }
}

fn from() -> Mailbox {
    Mailbox { name: Some("Mentions".to_owned()), email: "mentions@example.com".to_owned() }
}

fn when() -> Timestamp {
    "2026-03-01T12:00:05Z".parse().unwrap()
}

fn encoded(email: &Email) -> Vec<u8> {
    encode(email, &from(), "ana@example.com", ID, when(), &[]).unwrap()
}

fn parsed(bytes: &[u8]) -> Message<'_> {
    MessageParser::default().parse(bytes).unwrap()
}

/// What holds of every mail, whatever it says.
fn well_formed(bytes: &[u8]) {
    assert!(bytes.is_ascii());
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.ends_with("\r\n"));
    for line in text.split("\r\n") {
        assert!(line.len() <= 998, "a line of {} bytes", line.len());
        assert!(!line.contains(['\r', '\n', '\0']), "a bare line end or NUL in {line:?}");
    }
    let message = parsed(bytes);
    let names: Vec<String> = message.headers().iter().map(|h| h.name().to_ascii_lowercase()).collect();
    for once in ["from", "to", "subject", "date", "message-id", "mime-version", "content-type"] {
        assert_eq!(names.iter().filter(|name| *name == once).count(), 1, "{once} in {names:?}");
    }
    assert!(!names.iter().any(|name| matches!(name.as_str(), "cc" | "bcc" | "sender" | "reply-to")), "{names:?}");
    let to: Vec<_> = message.to().unwrap().iter().map(|a| a.address().unwrap().to_owned()).collect();
    assert_eq!(to, ["ana@example.com"]);
    assert_eq!(message.message_id(), Some(ID));
    assert_eq!(message.parts.len(), 3, "the mail itself, text, HTML");
}

#[test]
fn a_mail_says_what_it_was_made_to_say() {
    let mut mail = email("Acme: 3 mentions", "Hello\n\n.\nBye = ok\n", "<p>Hello</p>");
    mail.headers = vec![
        ("List-Id".to_owned(), "Acme <acme.mentiond.example.com>".to_owned()),
        ("In-Reply-To".to_owned(), "<0@example.com>".to_owned()),
        ("References".to_owned(), "<0@example.com> <1@example.com>".to_owned()),
        ("Auto-Submitted".to_owned(), "auto-generated".to_owned()),
    ];
    let bytes = encode(&mail, &from(), "ana@example.com", ID, when(), &[("X-Mentiond-Kind", "alert")]).unwrap();
    well_formed(&bytes);
    let message = parsed(&bytes);
    assert_eq!(message.subject(), Some("Acme: 3 mentions"));
    assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), "Hello\n\n.\nBye = ok");
    assert_eq!(message.body_html(0).unwrap().trim_end(), "<p>Hello</p>");
    let sender = message.from().unwrap().first().unwrap();
    assert_eq!((sender.name(), sender.address()), (Some("Mentions"), Some("mentions@example.com")));
    assert_eq!(message.date().unwrap().to_rfc3339(), "2026-03-01T12:00:05Z");
    assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    assert_eq!(message.header_raw("X-Mentiond-Kind").map(str::trim), Some("alert"));
    assert_eq!(message.header_raw("References").map(str::trim), Some("<0@example.com> <1@example.com>"));
    let content = message.content_type().unwrap();
    assert_eq!((content.ctype(), content.subtype()), ("multipart", Some("alternative")));
    for (n, subtype) in [(1, "plain"), (2, "html")] {
        let part = message.part(n).unwrap();
        let content = part.content_type().unwrap();
        assert_eq!((content.subtype(), content.attribute("charset")), (Some(subtype), Some("utf-8")));
        assert_eq!(part.content_transfer_encoding(), Some("quoted-printable"));
    }
}

#[test]
fn a_mail_that_is_tried_again_has_the_same_bytes() {
    let mail = email("Ñandú", "texto", "<p>texto</p>");
    assert_eq!(encoded(&mail), encoded(&mail));
    let other = encode(&mail, &from(), "ana@example.com", "other@example.com", when(), &[]).unwrap();
    assert_ne!(encoded(&mail), other);
}

#[test]
fn hazard_24_line_breaks_inject_nothing() {
    let attack = "Hi\r\nBcc: eve@example.com\r\nX-Evil: 1\r\n\r\n<script>";
    for attack in [
        attack.to_owned(),
        attack.replace("\r\n", "\n"),
        attack.replace("\r\n", "\r"),
        attack.replace("\r\n", "\u{2028}"),
        attack.replace("\r\n", "\u{85}"),
        attack.replace("\r\n", "\r\n\t"),
        format!("{}{attack}", "ñ".repeat(60)),
        "=?utf-8?Q?a=0D=0ABcc:_eve@example.com?=".to_owned(),
        "\0\u{1}\u{7f}\u{1b}[2J".to_owned(),
    ] {
        let mut mail = email(&attack, "text", "<p>text</p>");
        mail.headers = vec![("X-Title".to_owned(), attack.clone()), ("List-Id".to_owned(), attack.clone())];
        let sender = Mailbox { name: Some(attack.clone()), email: "mentions@example.com".to_owned() };
        let bytes = encode(&mail, &sender, "ana@example.com", ID, when(), &[("X-Extra", &attack)]).unwrap();
        well_formed(&bytes);
        let message = parsed(&bytes);
        assert!(message.header_raw("X-Evil").is_none() && message.bcc().is_none());
        assert_eq!(message.body_text(0).unwrap().trim_end(), "text");
        assert_eq!(message.from().unwrap().first().unwrap().address(), Some("mentions@example.com"));
    }
    let title = "=?utf-8?Q?hidden?= words";
    assert_eq!(parsed(&encoded(&email(title, "", ""))).subject(), Some(title), "shown as it was written");
}

#[test]
fn headers_of_others_cannot_take_the_place_of_ours() {
    for name in [
        "Bcc",
        "to",
        "Subject",
        "Content-Type",
        "content-transfer-encoding",
        "Resent-To",
        "Message-ID",
        "X Y",
        "X:Y",
        "X\r\nBcc",
        "",
        "Ñ",
    ] {
        let mut mail = email("s", "t", "h");
        mail.headers = vec![(name.to_owned(), "eve@example.com".to_owned())];
        let fault = encode(&mail, &from(), "ana@example.com", ID, when(), &[]).unwrap_err();
        assert_eq!(fault, EncodeError::HeaderName(name.to_owned()));
    }
    let fault = encode(&email("s", "t", "h"), &from(), "ana@example.com", ID, when(), &[("Bcc", "x@y.example")]);
    assert!(matches!(fault, Err(EncodeError::HeaderName(_))));
}

#[test]
fn bad_message_ids_are_refused() {
    for id in ["", "a", "@", "a@", "a@b@c", "<a@b>", "a b@c", "a\r\nBcc: x@y", "ñ@b", &format!("{}@b", "a".repeat(300))]
    {
        let fault = encode(&email("s", "t", "h"), &from(), "ana@example.com", id, when(), &[]);
        assert_eq!(fault, Err(EncodeError::MessageId(id.to_owned())));
    }
}

#[test]
fn addresses_of_the_world() {
    let bytes = encode(&email("s", "t", "h"), &from(), "ana@bücher.example", ID, when(), &[]).unwrap();
    let to = parsed(&bytes).to().unwrap().first().unwrap().address().unwrap().to_owned();
    assert_eq!(to, "ana@xn--bcher-kva.example");

    let fault = encode(&email("s", "t", "h"), &from(), "begoña@example.com", ID, when(), &[]).unwrap_err();
    assert!(fault.to_string().contains("not ASCII"), "{fault}");
    for to in ["ana@example.com, eve@example.com", "ana@example.com\r\nBcc: eve@example.com", "ana", ""] {
        let fault = encode(&email("s", "t", "h"), &from(), to, ID, when(), &[]);
        assert!(matches!(fault, Err(EncodeError::Recipient { .. })), "{to:?}");
    }
    let sender = Mailbox { name: None, email: "menciónes@example.com".to_owned() };
    let fault = encode(&email("s", "t", "h"), &sender, "ana@example.com", ID, when(), &[]);
    assert!(matches!(fault, Err(EncodeError::Sender { .. })));
}

#[test]
fn non_ascii_everywhere() {
    let subject = "Reclamación: «El café está frío» — 例え 😀 fra Sæby til Ærø og São Paulo, otra vez y otra vez más";
    let text = "Señora Núñez:\n\nrødgrød med fløde 😀\n.\n..\nFrom here\n";
    let html = "<p>São Paulo – R$ 10,00 &amp; más</p>";
    let sender = Mailbox { name: Some("Menciones de Ñandú, S.A. \"prueba\"".to_owned()), email: from().email };
    let bytes = encode(&email(subject, text, html), &sender, "ana@example.com", ID, when(), &[]).unwrap();
    well_formed(&bytes);
    let message = parsed(&bytes);
    assert_eq!(message.subject(), Some(subject));
    assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), text.trim_end());
    assert_eq!(message.body_html(0).unwrap().trim_end(), html);
    assert_eq!(message.from().unwrap().first().unwrap().name(), sender.name.as_deref());
}

#[test]
fn huge_and_odd_texts() {
    let long_subject = "palabra ".repeat(1000);
    let long_line = "x".repeat(100_000);
    let bytes = encoded(&email(&long_subject, &long_line, &"<b>ñ</b>".repeat(100_000)));
    well_formed(&bytes);
    assert_eq!(parsed(&bytes).body_text(0).unwrap().trim_end(), long_line);
    assert!(parsed(&bytes).subject().unwrap().ends_with('…'));

    // A million line breaks are encoded in one pass; moving the rest for each would take more than a minute.
    let mail = email("s", &"\n".repeat(1_000_000), "");
    let before = processor_time();
    let bytes = encoded(&mail);
    let took = processor_time().saturating_sub(before);
    assert!(took < std::time::Duration::from_secs(20), "took {took:?}");
    assert!(bytes.len() > 2_000_000);
}

#[test]
fn a_text_cannot_end_its_part() {
    let bytes = encoded(&email("s", "t", "h"));
    let text = String::from_utf8(bytes.clone()).unwrap();
    let boundary = parsed(&bytes).content_type().unwrap().attribute("boundary").unwrap().to_owned();
    assert!(text.contains(&format!("--{boundary}")));
    let attack = format!("a\n--{boundary}\nContent-Type: text/html\n\n<h1>x</h1>\n--{boundary}--\n");
    let bytes = encoded(&email("s", &attack, "h"));
    well_formed(&bytes);
    assert_eq!(parsed(&bytes).body_text(0).unwrap().replace("\r\n", "\n").trim_end(), attack.trim_end());
}

#[test]
fn dates_beyond_reason_are_clamped() {
    for (date, shown) in [(Timestamp::MIN, "1970-01-01"), (Timestamp::MAX, "9999-12-30")] {
        let bytes = encode(&email("s", "t", "h"), &from(), "ana@example.com", ID, date, &[]).unwrap();
        let said = parsed(&bytes).date().unwrap().to_rfc3339();
        assert!(said.starts_with(shown), "{said} for {date}");
    }
}

proptest! {
    #[test]
    fn whatever_is_said_the_mail_is_well_formed(subject in any::<String>(), text in any::<String>(), title in any::<String>()) {
        let mut mail = email(&subject, &text, &text);
        mail.headers = vec![("X-Title".to_owned(), title)];
        let bytes = encoded(&mail);
        well_formed(&bytes);
        let squeezed = |s: &str| s.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
            .collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
        let message = parsed(&bytes);
        let shown = message.subject().unwrap_or_default().to_owned();
        if !shown.ends_with('…') {
            prop_assert_eq!(squeezed(&shown), squeezed(&subject));
        }
    }
}

/// RFC 2387 and RFC 2392: the picture is found by the name that the HTML part gives, and stays as it was.
#[test]
fn pictures_are_inside_the_mail_and_differ_from_mail_to_mail() {
    let png: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let picture = mentiond::model::Picture { name: "chart", png: png.clone() };
    let html = "<p>caf\u{e9}</p><img src=\"cid:chart\" alt=\"x\">";
    let email = Email { pictures: vec![picture], ..email("s", "text", html) };
    let mut ids = Vec::new();
    for id in ["a.1@example.com", "b.2@example.com"] {
        let from = Mailbox { name: None, email: "m@example.com".into() };
        let date = "2026-03-02T08:00:00Z".parse().unwrap();
        let bytes = encode(&email, &from, "a@example.com", id, date, &[]).unwrap();
        assert_eq!(bytes, encode(&email, &from, "a@example.com", id, date, &[]).unwrap(), "every try is the same mail");
        assert!(bytes.is_ascii() && bytes.split(|b| *b == b'\n').all(|line| line.len() <= 998));
        let message = mail_parser::MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(message.body_text(0).unwrap(), "text");
        let shown = message.body_html(0).unwrap().into_owned();
        let name = shown.split("cid:").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let part = message.parts.iter().find(|p| p.content_id() == Some(name.as_str())).expect("the picture");
        assert_eq!(part.contents(), png);
        ids.push(name);
    }
    assert_ne!(ids[0], ids[1]);
}
