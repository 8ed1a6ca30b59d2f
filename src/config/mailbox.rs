//! `[sources.NAME]` with `kind = "mailbox"`, and what `[mail]` says of replies.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::diagnostic::Span;
use super::reader::Reader;
use super::section::{Section, checked};
use super::{addresses, secret, values};
use crate::model::{
    Location, MailSettings, MailboxLogin, MailboxSettings, MailboxUse, ReplySettings, Secret, Settings, SmtpTls,
    Source, SourceKind,
};

/// How old a mail may be when a folder is first read.
const SINCE: Duration = Duration::from_secs(7 * 86_400);
/// Longest message that is read: what most servers take.
const MAX_MESSAGE: u64 = 10 << 20;
/// How often the folder is looked into where the server does not say when mail comes.
pub(super) const EVERY: Duration = Duration::from_secs(5 * 60);

/// Reads a mailbox.
pub(super) fn mailbox(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<(Location, Settings)> {
    let host = section
        .required("host", "host = \"imap.example.com\"", &mut reader.found)
        .and_then(|text| checked(text, addresses::host, &mut reader.found));
    let words = [("implicit", SmtpTls::Implicit), ("starttls", SmtpTls::StartTls), ("none", SmtpTls::None)];
    let tls = section.choice("tls", &words, &mut reader.found).unwrap_or(SmtpTls::Implicit);
    if let Some(host) = &host
        && tls == SmtpTls::None
        && !is_local(host)
    {
        reader
            .found
            .error(section.place("tls"), "the password and all mail would cross the network in the clear")
            .help("use tls = \"implicit\" (port 993) or \"starttls\" (port 143); \"none\" is for a server on this machine");
    }
    let port = section.number("port", 1..=65_535, &mut reader.found).and_then(|n| u16::try_from(n).ok());
    // RFC 8314, 3.2; RFC 3501, 2.1.
    let port = port.unwrap_or(if tls == SmtpTls::Implicit { 993 } else { 143 });
    let username = section.required("username", "username = \"alerts@example.com\"", &mut reader.found);
    let login = login(section, reader);
    let folder = section.text("folder", &mut reader.found).map_or("INBOX", |text| text.value);
    if folder.chars().any(char::is_control) {
        reader.found.error(section.place("folder"), "`folder` has a control character in it").help("write its name");
    }
    let uses = [MailboxUse::Alerts, MailboxUse::Messages, MailboxUse::List].map(|kind| (kind.as_str(), kind));
    if !section.has("use") {
        section.missing("use", "use = \"messages\"", &mut reader.found);
    }
    let purpose = section.choice("use", &uses, &mut reader.found);
    let day = 86_400;
    let range = Duration::from_secs(3600)..=Duration::from_secs(3650 * day);
    let since = section.duration("since", range, "1h to 3650d", &mut reader.found).unwrap_or(SINCE);
    let idle = section.boolean("idle", &mut reader.found).unwrap_or(true);
    let max_message = match section.text("max_message", &mut reader.found) {
        None => MAX_MESSAGE,
        Some(text) => match checked(text, values::size, &mut reader.found) {
            Some(size) if (64 << 10..=64 << 20).contains(&size) => size,
            Some(_) => {
                reader.found.error(text.span, "`max_message` must be 64KiB to 64MiB").help("the default is \"10MiB\"");
                MAX_MESSAGE
            }
            None => MAX_MESSAGE,
        },
    };
    let (host, username, login, purpose) = (host?, username?.value.to_owned(), login?, purpose?);
    let scheme = if tls == SmtpTls::Implicit { "imaps" } else { "imap" };
    // The port does not make it another folder, nor does the use; the user does.
    let words = format!("{scheme}://{username}@{host} {folder}");
    let settings = MailboxSettings {
        host,
        port,
        tls,
        username,
        login,
        folder: folder.to_owned(),
        purpose,
        since,
        max_message: usize::try_from(max_message).unwrap_or(usize::MAX),
        idle,
    };
    Some((Location::Service(words), Settings::Mailbox(Arc::new(settings))))
}

/// Either a password or a program that prints a token.
fn login(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<MailboxLogin> {
    match (section.get("password"), section.has("token_command")) {
        (Some(node), false) => {
            let password: Option<Secret> = secret::read(node, "password", reader);
            Some(MailboxLogin::Password(password))
        }
        (None, true) => {
            let command: Vec<String> = section
                .list("token_command", &mut reader.found)?
                .into_iter()
                .map(|text| text.value.to_owned())
                .collect();
            if command.is_empty() {
                reader
                    .found
                    .error(section.place("token_command"), "`token_command` names no program")
                    .help("for example token_command = [\"/usr/local/bin/mail-token\", \"alerts@example.com\"]");
                return None;
            }
            Some(MailboxLogin::TokenCommand(command))
        }
        (Some(_), true) => {
            reader
                .found
                .error(section.place("token_command"), "a mailbox has `password` or `token_command`, not both")
                .help("leave one of them out")
                .see(section.place("password"), "the other");
            None
        }
        (None, false) => {
            section.missing("password", "password = { file = \"imap-password\" }", &mut reader.found);
            None
        }
    }
}

/// Reads `replies`, `reply_to` and `trusted_authserv` of `[mail]`, and looks whether the source is a mailbox.
pub(super) fn replies(
    section: &Section<'_>,
    mail: &mut MailSettings,
    sources: &[(&Source, Span)],
    known: &dyn Fn(&str) -> bool,
    reader: &mut Reader<'_>,
) {
    let trusted: Vec<String> = section
        .list("trusted_authserv", &mut reader.found)
        .unwrap_or_default()
        .into_iter()
        .map(|text| text.value.trim().to_lowercase())
        .collect();
    let address = section.parsed("reply_to", addresses::address, &mut reader.found);
    let Some(text) = section.text("replies", &mut reader.found) else {
        for key in ["reply_to", "trusted_authserv"].iter().filter(|key| section.has(key)) {
            reader
                .found
                .error(section.place(key), format!("`{key}` without `replies`"))
                .help("name the mailbox in which replies arrive: replies = \"SOURCE\"");
        }
        return;
    };
    match sources.iter().find(|(source, _)| source.name == text.value) {
        Some((source, _)) if source.kind == SourceKind::Mailbox => {}
        Some((_, at)) => {
            reader
                .found
                .error(text.span, format!("`{}` is no mailbox: replies cannot arrive there", text.value))
                .help("name a source with kind = \"mailbox\"")
                .see(*at, "the source");
            return;
        }
        None if known(text.value) => return,
        None => {
            if reader.found.is_complete() {
                reader
                    .found
                    .error(text.span, format!("there is no source `{}`", text.value))
                    .help(format!("add [sources.{}] with kind = \"mailbox\"", text.value));
            }
            return;
        }
    }
    let address = address.unwrap_or_else(|| mail.from.email.clone());
    if address.split('@').next().is_some_and(|local| local.len() > 24 || local.contains('+')) {
        reader
            .found
            .error(section.place("reply_to"), format!("`{address}` leaves no room for `+c12.…` before the `@`"))
            .help("set `reply_to` to an address with at most 24 characters and no `+` before the `@`");
        return;
    }
    mail.replies = Some(ReplySettings { source: text.value.to_owned(), address, trusted });
}

/// Whether a server is this machine, so that nothing crosses a network.
fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
