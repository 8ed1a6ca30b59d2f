//! Mailboxes as sources: from a message's bytes to entries. Pure: `fetch::mailbox` brings the bytes, `daemon::mailbox`
//! decides what they are for.
//!
//! - `mime` reads a message, whatever it is.
//! - `nature` knows bounces, answers of programs and our own mail, which are left alone.
//! - `alerts` finds what an alert mail lists; `quoted` keeps what somebody wrote themselves.
//! - `authentic` says whether a mail is from who it says.
//! - `place` says how far a folder was read.

pub mod alerts;
pub mod authentic;
pub mod mime;
pub mod nature;
pub mod place;
pub mod quoted;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::Url;

pub use mime::{Mail, Person};
pub use nature::{Machine, machine};
pub use place::Place;

use super::feed::{RawAuthor, RawEntry, RawText, TextKind};
use crate::model::MailboxUse;
use crate::text::html::to_text;
use crate::text::link;

/// The entries of a mail. `arrived` is when the server got it: what stands in for a date that cannot be read.
pub fn entries(mail: &Mail, purpose: MailboxUse, arrived: Option<Timestamp>) -> Vec<RawEntry> {
    match purpose {
        MailboxUse::Alerts => alert(mail, arrived),
        MailboxUse::Messages | MailboxUse::List => vec![message(mail, arrived)],
    }
}

/// What tells a mail from every other one: its Message-ID, or a hash of what it says.
pub fn id(mail: &Mail) -> String {
    match &mail.id {
        Some(id) => id.clone(),
        None => {
            let from = mail.from.as_ref().map(|p| p.email.as_str()).unwrap_or_default();
            let date = mail.date.map(|d| d.to_string()).unwrap_or_default();
            let hash = Sha256::new_with_prefix(from)
                .chain_update([0])
                .chain_update(&date)
                .chain_update([0])
                .chain_update(&mail.subject)
                .chain_update([0])
                .chain_update(&mail.text)
                .chain_update(&mail.html)
                .finalize();
            let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
            format!("sha256:{hash}")
        }
    }
}

/// What the author wrote, as plain text with its lines.
pub fn words(mail: &Mail) -> String {
    if !mail.text.trim().is_empty() {
        return quoted::own_words(&mail.text);
    }
    let plain = |html: &str| {
        let mut out = String::new();
        to_text(html, &mut out);
        out
    };
    let own = plain(quoted::unquoted_html(&mail.html));
    quoted::own_words(&if own.trim().is_empty() { plain(&mail.html) } else { own })
}

fn date(mail: &Mail, arrived: Option<Timestamp>) -> String {
    mail.date.or(arrived).map(|d| d.to_string()).unwrap_or_default()
}

fn plain(text: String) -> RawText {
    RawText { kind: TextKind::Plain, text }
}

fn message(mail: &Mail, arrived: Option<Timestamp>) -> RawEntry {
    let author = mail.from.as_ref().map(|p| RawAuthor {
        name: if p.name.is_empty() { p.email.clone() } else { p.name.clone() },
        email: p.email.clone(),
        ..RawAuthor::default()
    });
    RawEntry {
        id: id(mail),
        title: plain(without_prefixes(&mail.subject).to_owned()),
        content: plain(words(mail)),
        author: author.unwrap_or_default(),
        published: date(mail, arrived),
        lang: mail.lang.clone().unwrap_or_default(),
        reply: mail.root().is_some(),
        parent: mail.references.last().cloned().unwrap_or_default(),
        root: mail.root().unwrap_or_default().to_owned(),
        ..RawEntry::default()
    }
}

fn alert(mail: &Mail, arrived: Option<Timestamp>) -> Vec<RawEntry> {
    let own = id(mail);
    let entry = |finding: alerts::Finding| {
        let url = Url::parse(&finding.url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        RawEntry {
            id: format!("{own}#{}", url.as_ref().map_or_else(|| finding.url.clone(), link::same_page)),
            source_title: host.strip_prefix("www.").unwrap_or(host).to_owned(),
            link: finding.url,
            title: plain(finding.title),
            content: plain(finding.text),
            published: date(mail, arrived),
            lang: mail.lang.clone().unwrap_or_default(),
            ..RawEntry::default()
        }
    };
    alerts::findings(mail).into_iter().map(entry).collect()
}

/// A subject without "Re:", "RV:", "ENC:", "SV:" and the like.
fn without_prefixes(subject: &str) -> &str {
    const PREFIXES: [&str; 12] = ["re", "fw", "fwd", "rv", "enc", "res", "sv", "vs", "vb", "aw", "wg", "tr"];
    let mut rest = subject.trim();
    while let Some((prefix, after)) = rest.split_once(':')
        && PREFIXES.contains(
            &prefix.trim().to_lowercase().trim_end_matches(|c: char| c.is_ascii_digit() || "[]()".contains(c)),
        )
        && !after.trim().is_empty()
    {
        rest = after.trim();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customers_mail_is_an_entry_with_its_thread() {
        let mail = mime::read(
            "From: Jens Hansen <jens@example.net>\r\nSubject: SV: Re: Min brødrister\r\nMessage-ID: <2@x>\r\n\
             References: <1@x>\r\nDate: Fri, 6 Mar 2026 17:50:00 +0100\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
             Den virker stadig ikke.\r\n\r\nDen fre. 6. mar. 2026 kl. 17.50 skrev Ana <ana@example.com>:\r\n> Beklager\r\n"
                .as_bytes(),
        );
        let [entry] = entries(&mail, MailboxUse::Messages, None).try_into().unwrap();
        assert_eq!((entry.id.as_str(), entry.root.as_str(), entry.reply), ("2@x", "1@x", true));
        assert_eq!(
            (entry.title.text.as_str(), entry.content.text.as_str()),
            ("Min brødrister", "Den virker stadig ikke.")
        );
        assert_eq!((entry.author.name.as_str(), entry.author.email.as_str()), ("Jens Hansen", "jens@example.net"));
        assert_eq!(entry.published, "2026-03-06T16:50:00Z");
    }

    #[test]
    fn a_mail_without_an_id_has_one_all_the_same() {
        let read = |text: &str| id(&mime::read(format!("From: a@b.example\r\nSubject: x\r\n\r\n{text}").as_bytes()));
        assert_eq!(read("one"), read("one"));
        assert_ne!(read("one"), read("two"));
    }
}
