//! `[daemon]`, `[fetch]`, `[mail]`, and what has no other file: `[acting]`, `[warnings]`, `[stories]`.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use url::Url;

use super::diagnostic::{Findings, Span};
use super::keys::{ACTING, DAEMON, FETCH, HISTORY, MAIL, STORIES, WARNINGS};
use super::reader::Reader;
use super::section::{Section, checked};
use super::tree::{Node, Table, Value};
use super::{addresses, secret, values, zone};
use crate::model::{
    ActingSettings, FetchSettings, MailSettings, Mailbox, Sensitivity, SmtpTls, Source, StorySettings,
    TransportSettings, WarningSettings,
};
use crate::query::Query;
use crate::schedule::office::DaysOff;

/// Where the state is kept unless `state` says otherwise.
pub const DEFAULT_STATE: &str = "/var/lib/mentiond";
/// Where the pages are served unless `http` says otherwise.
pub const DEFAULT_HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8420);
/// The local program for `transport = "sendmail"` unless `command` says otherwise.
pub const DEFAULT_SENDMAIL: &str = "/usr/sbin/sendmail";

/// `[daemon]`.
#[derive(Clone, Debug, PartialEq)]
pub struct DaemonSettings {
    /// The folder of record, index and control socket; absolute. It need not exist yet.
    pub state: PathBuf,
    /// For office hours, digests and dates in mail. Default UTC.
    pub timezone: TimeZone,
    /// Its IANA name.
    pub timezone_name: String,
    /// Of mail and pages where a department or watchlist names none: one of [`values::LANGUAGES`]. Default `en`.
    pub language: String,
    /// Where pages and API listen; `None` if `http = "off"`.
    pub http: Option<SocketAddr>,
    /// Start of the links in mails.
    pub public_url: Option<Url>,
    /// Whether the pages ask who somebody is. Default yes.
    pub sign_in: bool,
    /// Told of source and mail trouble, and named in the User-Agent.
    pub contact: Option<String>,
    /// Days on which no department works.
    pub holidays: Vec<DaysOff>,
}

/// Reads `[daemon]`; everything in it has a default.
pub(super) fn daemon(root: &Table, reader: &mut Reader<'_>) -> DaemonSettings {
    let mut settings = DaemonSettings {
        state: PathBuf::from(DEFAULT_STATE),
        timezone: TimeZone::UTC,
        timezone_name: "UTC".to_owned(),
        language: "en".to_owned(),
        http: Some(DEFAULT_HTTP),
        public_url: None,
        sign_in: true,
        contact: None,
        holidays: Vec::new(),
    };
    let Some(section) = open(root, "daemon", &DAEMON, reader) else { return settings };
    if let Some(text) = section.text("state", &mut reader.found) {
        settings.state = reader.path(text);
    }
    let found = &mut reader.found;
    if let Some(zone) = section.parsed("timezone", zone::zone, found) {
        settings.timezone_name = zone.iana_name().unwrap_or("UTC").to_owned();
        settings.timezone = zone;
    }
    if let Some(language) = section.parsed("language", values::language, found) {
        settings.language = language;
    }
    if let Some(http) = section.parsed("http", addresses::listen, found) {
        settings.http = http;
    }
    settings.public_url = section.parsed("public_url", addresses::public_url, found);
    if let Some(sign_in) = section.boolean("sign_in", found) {
        settings.sign_in = sign_in;
    }
    reachable(&section, &settings, found);
    in_the_open(&section, &settings, found);
    settings.contact = section.parsed("contact", addresses::address, found);
    settings.holidays = section.parsed_list("holidays", values::days_off, found);
    // The files were read already; here only what is no text is told.
    section.list("include", found);
    settings
}

/// Pages that others than this machine can reach hold what people wrote and who they are.
fn reachable(section: &Section<'_>, settings: &DaemonSettings, found: &mut Findings) {
    let Some(address) = settings.http.filter(|address| !address.ip().is_loopback()) else { return };
    if !settings.sign_in {
        found
            .error(
                section.place("sign_in"),
                format!("`http = \"{address}\"` shows the pages to everybody who can reach it"),
            )
            .help("leave out `sign_in = false`, or listen on this machine only: http = \"127.0.0.1:8420\"");
    } else if settings.public_url.as_ref().is_none_or(|url| url.scheme() != "https") {
        found
            .warning(
                section.place("http"),
                format!("`http = \"{address}\"`: nothing says that the way to the pages is encrypted"),
            )
            .help("put a web server with TLS before it and set public_url = \"https://…\" to its address");
    }
}

/// Links that act on cases, and what signs somebody in, would go over the network for everybody to read.
fn in_the_open(section: &Section<'_>, settings: &DaemonSettings, found: &mut Findings) {
    let Some(url) = settings.public_url.as_ref().filter(|url| url.scheme() == "http") else { return };
    // Where others reach us directly, the warning above says so already; without pages there are no links.
    if settings.http.is_none_or(|address| !address.ip().is_loopback()) {
        return;
    }
    let local = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    if !local {
        found
            .warning(
                section.place("public_url"),
                "`public_url` is not encrypted: whoever is on the way can read the pages, act by the links of mails, and \
                 take over a session",
            )
            .help("put a web server with TLS before mentiond and write https://…");
    }
}

/// Reads `[fetch]`; everything in it has a default.
pub(super) fn fetch(root: &Table, contact: Option<&str>, reader: &mut Reader<'_>) -> FetchSettings {
    let mut settings = FetchSettings::default();
    // A header is ASCII (RFC 9110 section 5.5); an address need not be.
    if let Some(contact) = contact.filter(|c| c.is_ascii()) {
        settings.user_agent = format!("{} (+{contact})", settings.user_agent);
    }
    let Some(section) = open(root, "fetch", &FETCH, reader) else { return settings };
    let found = &mut reader.found;
    for text in section.list("allow_networks", found).unwrap_or_default() {
        let Some(network) = checked(text, addresses::network, found) else { continue };
        if network.prefix_len() == 0 {
            found.warning(
                text.span,
                "this allows every address: feeds can make mentiond contact machines inside your network",
            );
        }
        settings.allow_networks.push(network);
    }
    let time = Duration::from_secs(1)..=Duration::from_secs(600);
    if let Some(value) = section.duration("timeout", time.clone(), "1s to 10m", found) {
        settings.timeout = value;
    }
    if let Some(value) = section.duration("connect_timeout", time, "1s to 10m", found) {
        settings.connect_timeout = value;
    }
    if let Some(bytes) = max_body(&section, reader) {
        settings.max_body = bytes;
    }
    let found = &mut reader.found;
    for (key, most, field) in [
        ("per_host", 1024, &mut settings.per_host),
        ("concurrency", 1_024, &mut settings.concurrency),
        ("max_entries", 1_000_000, &mut settings.max_entries),
    ] {
        if let Some(value) = section.number(key, 1..=most, found).and_then(|n| usize::try_from(n).ok()) {
            *field = value;
        }
    }
    settings.proxy = section.parsed("proxy", addresses::web_url, found);
    if let Some(agent) = section.parsed("user_agent", values::header, found) {
        settings.user_agent = agent;
    }
    if let Some(text) = section.text("ca_file", found) {
        settings.ca_file = Some(reader.readable_file(text));
    }
    settings
}

/// `max_body`, 1 KiB to 1 GiB.
fn max_body(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<usize> {
    const RANGE: std::ops::RangeInclusive<u64> = 1 << 10..=1 << 30;
    let node = section.get("max_body")?;
    let bytes = match &node.value {
        Value::Integer(bytes) => u64::try_from(*bytes).unwrap_or(0),
        _ => section.parsed("max_body", values::size, &mut reader.found)?,
    };
    if !RANGE.contains(&bytes) {
        reader.found.error(node.span, "`max_body` must be 1KiB to 1GiB").help("the default is \"8MiB\"");
        return None;
    }
    usize::try_from(bytes).ok()
}

/// Reads `[mail]`; without a sender there is no configuration.
pub(super) fn mail(root: &Table, reader: &mut Reader<'_>) -> Option<MailSettings> {
    if root.get("mail").is_none() {
        if reader.found.is_complete() {
            reader
                .found
                .error(Span { file: 0, start: 0, end: 0 }, "[mail] is missing: nobody could be told of a mention")
                .help("add [mail] with `from`, and `host` or `transport = \"directory\"` with `directory = \"out\"`");
        }
        return None;
    }
    let section = open(root, "mail", &MAIL, reader)?;
    let example = "from = \"Mentions <mentions@example.com>\"";
    let from: Option<Mailbox> = section
        .required("from", example, &mut reader.found)
        .and_then(|text| checked(text, addresses::mailbox, &mut reader.found));
    let max_per_hour = section
        .number("max_per_hour", 1..=100_000, &mut reader.found)
        .and_then(|n| u32::try_from(n).ok())
        .unwrap_or(20);
    // The folder was read already; here only what is no text is told.
    section.text("drafts", &mut reader.found);
    let words = [("smtp", Kind::Smtp), ("sendmail", Kind::Sendmail), ("directory", Kind::Directory)];
    let kind = if section.has("transport") {
        section.choice("transport", &words, &mut reader.found)
    } else {
        Some(Kind::Smtp)
    };
    // What belongs to another transport is looked at for its form only, so that switching to and fro is one line.
    let transport = match kind {
        Some(Kind::Smtp) => smtp(&section, reader),
        Some(Kind::Sendmail) => sendmail(&section, reader),
        Some(Kind::Directory) => directory(&section, reader),
        None => None,
    };
    Some(MailSettings { from: from?, transport: transport?, max_per_hour, replies: None })
}

/// Reads what `[mail]` says of replies, once the sources are known.
pub(super) fn replies(
    root: &Table,
    mail: Option<&mut MailSettings>,
    sources: &[(Source, Option<Query>, Span)],
    reader: &mut Reader<'_>,
) {
    let (Some(mail), Some(entry)) = (mail, root.get("mail")) else { return };
    // Its keys were looked at when it was read first.
    let Some(section) = Section::again(&entry.node, &MAIL) else { return };
    let list: Vec<(&Source, Span)> = sources.iter().map(|(source, _, at)| (source, *at)).collect();
    let known = |name: &str| match root.get("sources").map(|entry| &entry.node.value) {
        Some(Value::Table(table)) => table.get(name).is_some(),
        _ => false,
    };
    super::mailbox::replies(&section, mail, &list, &known, reader);
}

/// Reads `[acting]`; everything in it has a default.
pub(super) fn acting(root: &Table, reader: &mut Reader<'_>) -> ActingSettings {
    const DAY: u64 = 86_400;
    let mut settings = ActingSettings::default();
    let Some(section) = open(root, "acting", &ACTING, reader) else { return settings };
    let found = &mut reader.found;
    if let Some(value) = section.number("people", 2..=1_000, found).and_then(|n| u32::try_from(n).ok()) {
        settings.people = value;
    }
    let range = Duration::from_secs(DAY)..=Duration::from_secs(90 * DAY);
    if let Some(value) = section.duration("within", range, "1d to 90d", found) {
        settings.within = value;
    }
    settings
}

/// Words for [`Sensitivity`].
pub(super) const SENSITIVITIES: [(&str, Sensitivity); 4] = [
    ("few", Sensitivity::Few),
    ("balanced", Sensitivity::Balanced),
    ("more", Sensitivity::More),
    ("off", Sensitivity::Off),
];

/// Reads `[warnings]`; everything in it has a default.
pub(super) fn warnings(root: &Table, departments: &HashMap<&str, Span>, reader: &mut Reader<'_>) -> WarningSettings {
    const HOUR: u64 = 3_600;
    let mut settings = WarningSettings::default();
    let Some(section) = open(root, "warnings", &WARNINGS, reader) else { return settings };
    if let Some(word) = section.choice("sensitivity", &SENSITIVITIES, &mut reader.found) {
        settings.sensitivity = word;
    }
    let range = Duration::from_secs(HOUR)..=Duration::from_secs(30 * 24 * HOUR);
    if let Some(value) = section.duration("gap", range, "1h to 30d", &mut reader.found) {
        settings.gap = value;
    }
    if let Some(value) = section.boolean("quiet", &mut reader.found) {
        settings.quiet = value;
    }
    if let Some(text) = section.text("department", &mut reader.found)
        && reader.is_defined(text, "department", departments)
    {
        settings.department = Some(text.value.to_owned());
    }
    settings
}

/// Reads `[stories]` and what `[history]` says of the index; everything in them has a default.
pub(super) fn stories(root: &Table, reader: &mut Reader<'_>) -> StorySettings {
    const DAY: u64 = 86_400;
    let mut settings = StorySettings::default();
    let days = |from, to| Duration::from_secs(from * DAY)..=Duration::from_secs(to * DAY);
    if let Some(section) = open(root, "history", &HISTORY, reader)
        && let Some(value) = section.duration("index", days(30, 3650), "30d to 3650d", &mut reader.found)
    {
        settings.remember = value;
    }
    let Some(section) = open(root, "stories", &STORIES, reader) else { return settings };
    let found = &mut reader.found;
    if let Some(value) = section.duration("window", days(1, 90), "1d to 90d", found) {
        settings.window = value;
    }
    if let Some(value) = section.number("spreading_at", 2..=10_000, found).and_then(|n| u32::try_from(n).ok()) {
        settings.spreading_at = value;
    }
    settings
}

#[derive(Clone, Copy)]
enum Kind {
    Smtp,
    Sendmail,
    Directory,
}

fn smtp(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<TransportSettings> {
    let host = section
        .required("host", "host = \"mail.example.com\"", &mut reader.found)
        .and_then(|text| checked(text, addresses::host, &mut reader.found));
    let words = [("starttls", SmtpTls::StartTls), ("implicit", SmtpTls::Implicit), ("none", SmtpTls::None)];
    let tls = section.choice("tls", &words, &mut reader.found).unwrap_or(SmtpTls::StartTls);
    let port = section.number("port", 1..=65_535, &mut reader.found).and_then(|n| u16::try_from(n).ok());
    // RFC 6409 section 3.1, RFC 8314 section 3.3, RFC 5321.
    let port = port.unwrap_or(match tls {
        SmtpTls::StartTls => 587,
        SmtpTls::Implicit => 465,
        SmtpTls::None => 25,
    });
    let username = section.text("username", &mut reader.found).map(|text| text.value.to_owned());
    let password = section.get("password").and_then(|node| secret::read(node, "password", reader));
    for (one, other, example) in [
        ("username", "password", "password = { file = \"smtp-password\" }"),
        ("password", "username", "username = \"mentions\""),
    ] {
        if section.has(one) && !section.has(other) {
            reader
                .found
                .error(section.place(one), format!("`{one}` without `{other}`"))
                .help(format!("add `{example}`, or leave both out"));
        }
    }
    let ca_file = section.text("ca_file", &mut reader.found).map(|text| reader.readable_file(text));
    let host = host?;
    if tls == SmtpTls::None && !is_local(&host) {
        let what = if username.is_some() { "the password and all mail go" } else { "all mail goes" };
        reader
            .found
            .warning(section.place("tls"), format!("{what} over the network in the clear"))
            .help("use tls = \"starttls\" or \"implicit\"; \"none\" is for a relay on this machine");
    }
    Some(TransportSettings::Smtp { host, port, tls, username, password, ca_file })
}

fn sendmail(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<TransportSettings> {
    literal_password(section, reader);
    let command = match section.text("command", &mut reader.found) {
        Some(text) => reader.path(text),
        None => PathBuf::from(DEFAULT_SENDMAIL),
    };
    if !command.is_file() {
        reader
            .found
            .warning(section.place("command"), format!("there is no program {} here", command.display()))
            .help("install a local mail server (postfix, msmtp, …), or name the program with `command`");
    }
    Some(TransportSettings::Sendmail { command })
}

fn directory(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<TransportSettings> {
    literal_password(section, reader);
    let text = section.required("directory", "directory = \"out\"", &mut reader.found)?;
    Some(TransportSettings::Directory { path: reader.path(text) })
}

/// A password in the clear is a mistake even where it is not used.
fn literal_password(section: &Section<'_>, reader: &mut Reader<'_>) {
    if let Some(node @ Node { value: Value::Text(_), .. }) = section.get("password") {
        secret::read(node, "password", reader);
    }
}

/// Whether a relay is this machine, so that nothing crosses a network.
fn is_local(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn open<'t>(
    root: &'t Table,
    name: &str,
    keys: &'static super::keys::Keys,
    reader: &mut Reader<'_>,
) -> Option<Section<'t>> {
    Section::open(&root.get(name)?.node, keys, &mut reader.found)
}
