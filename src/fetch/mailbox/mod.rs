//! Folders of mail on IMAP servers: read in batches, never changed (EXAMINE, BODY.PEEK), and watched (IDLE). The guard
//! of `fetch` and its trust hold here too. `daemon::mailbox` says when; `sources::mailbox` reads what comes.

mod dial;
mod imap;
mod token;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::client::FetchError;
use super::guard::Guard;
use super::resolve::{Lookup, SystemLookup};
use super::transport::new;
use crate::model::{ErrorClass, FetchSettings, MailboxLogin, MailboxSettings, PollFault, RawMail, SmtpTls};
use crate::sources::mailbox::Place;
use dial::Dialer;
use imap::{Imap, ImapFault, Waited, Wire, folder, quoted};

/// Messages of a batch at most: what is recorded in one transaction.
const BATCH: usize = 200;
/// Bytes of a batch at most, by what the server says of the sizes; a single message may have more.
const BATCH_BYTES: usize = 8 << 20;
/// Bytes of the headers of a message that is too long.
const MAX_HEADERS: usize = 256 << 10;
/// IDLE is begun anew after this time: servers hang up after 30 minutes (RFC 2177), routers forget connections sooner.
const IDLE: Duration = Duration::from_secs(24 * 60);
/// A batch that takes longer than this is given up, however lively the server is.
const LONGEST_BATCH: Duration = Duration::from_secs(10 * 60);
/// Folders that are named when the configured one is not there.
const MAX_NAMED: usize = 12;

/// Opens mailboxes; one per configuration.
pub struct Mailboxes {
    dialer: Dialer,
    patience: Duration,
}

/// What a folder had beyond a place.
#[derive(Debug)]
pub struct Batch {
    pub messages: Vec<RawMail>,
    /// Where the folder is to be read on from.
    pub place: Place,
    /// There is more already.
    pub more: bool,
    /// What could not be read, if something could not.
    pub gap: Option<String>,
}

/// How watching a folder ended.
pub enum Watched {
    /// Mail came, or somebody wants the session.
    Session(Session, bool),
    /// The server does not say when mail comes.
    Unable,
    /// The connection is gone.
    Lost,
}

/// A folder that is open for reading.
pub struct Session {
    imap: Imap,
    host: String,
    folder: String,
    capabilities: Vec<String>,
}

impl Mailboxes {
    /// With the machine's resolver. Contacts nobody; reads `ca_file` if there is one.
    ///
    /// # Errors
    /// `ca_file` cannot be used.
    pub fn new(settings: &FetchSettings) -> Result<Self, FetchError> {
        Self::with(settings, Arc::new(SystemLookup))
    }

    /// The same with another resolver.
    ///
    /// # Errors
    /// `ca_file` cannot be used.
    pub fn with(settings: &FetchSettings, lookup: Arc<dyn Lookup>) -> Result<Self, FetchError> {
        let guard = Arc::new(Guard::new(settings.allow_networks.clone()));
        let ca_file: Option<&Path> = settings.ca_file.as_deref();
        Ok(Self { dialer: Dialer::new(guard, lookup, ca_file, settings.connect_timeout)?, patience: settings.timeout })
    }

    /// Connects, encrypts, logs in.
    ///
    /// # Errors
    /// `Auth` if the login is refused, `Forbidden` if the guard forbids the host, `Refused` if nobody but the operator
    /// can mend it, else `Transient`. Messages hold no password.
    pub async fn open(&self, settings: &MailboxSettings) -> Result<Session, PollFault> {
        let MailboxSettings { host, port, .. } = settings;
        let fault = |fault: ImapFault| transient(host, &fault);
        let stream = self.dialer.connect(host, *port).await?;
        let mut wire: Box<dyn Wire> = Box::new(stream);
        if settings.tls == SmtpTls::Implicit {
            wire = self.dialer.encrypt(host, wire).await?;
        }
        let mut imap = Imap::new(wire, self.patience);
        imap.greeting().await.map_err(fault)?;
        if settings.tls == SmtpTls::StartTls {
            if let Err(error) = imap.command("STARTTLS", 0).await {
                return Err(match error {
                    ImapFault::No(why) => new(
                        ErrorClass::Refused,
                        format!(
                            "{host} offers no encryption ({why}); nothing was sent. Set tls = \"implicit\" and port = 993, or ask its operator."
                        ),
                    ),
                    other => fault(other),
                });
            }
            let wire = self.dialer.encrypt(host, imap.into_wire()).await?;
            imap = Imap::new(wire, self.patience);
        }
        login(&mut imap, settings).await?;
        let answer = imap.command("CAPABILITY", 0).await.map_err(fault)?;
        let capabilities = answer.lines.iter().filter_map(|line| line.text.strip_prefix("* CAPABILITY "));
        let capabilities = capabilities.flat_map(str::split_whitespace).map(str::to_uppercase).collect();
        Ok(Session { imap, host: host.clone(), folder: settings.folder.clone(), capabilities })
    }
}

async fn login(imap: &mut Imap, settings: &MailboxSettings) -> Result<(), PollFault> {
    let MailboxSettings { host, username, .. } = settings;
    let unfit = |what| new(ErrorClass::Auth, format!("the {what} for {host} has a line break in it; correct it."));
    // What is sent to prove who we are: a server may repeat it when it refuses.
    let mut secrets: Vec<String> = Vec::new();
    let done = match &settings.login {
        MailboxLogin::Password(password) => {
            let password = password.as_ref().map_or("", |p| p.expose());
            if username.is_ascii() && password.is_ascii() {
                let name = quoted(username).ok_or_else(|| unfit("user name"))?;
                let word = quoted(password).ok_or_else(|| unfit("password"))?;
                secrets.extend([word.clone(), password.to_owned()]);
                imap.command(&format!("LOGIN {name} {word}"), 0).await
            } else {
                // RFC 4616: UTF-8, which LOGIN has no place for.
                let coded = base64(format!("\0{username}\0{password}").as_bytes());
                secrets.extend([coded.clone(), password.to_owned()]);
                imap.authenticate("PLAIN", &[coded]).await
            }
        }
        MailboxLogin::TokenCommand(command) => {
            let token = token::token(command).await?;
            let coded = base64(format!("user={username}\x01auth=Bearer {}\x01\x01", token.expose()).as_bytes());
            secrets.extend([coded.clone(), token.expose().to_owned()]);
            imap.authenticate("XOAUTH2", &[coded]).await
        }
    };
    done.map(drop).map_err(|error| refused_login(settings, error.without(&secrets)))
}

/// RFC 5530: which refusals of a login pass by themselves.
fn refused_login(settings: &MailboxSettings, error: ImapFault) -> PollFault {
    let host = &settings.host;
    let ImapFault::No(why) = &error else { return transient(host, &error) };
    let passing = ["[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]"].iter().any(|code| why.contains(code));
    if passing {
        return new(ErrorClass::Transient, format!("{host} takes no login at the moment; it said: {why}"));
    }
    let advice = match &settings.login {
        MailboxLogin::Password(_) => {
            "Check `username` and `password`; large providers want an app password, or `token_command`"
        }
        MailboxLogin::TokenCommand(_) => {
            "Run the command of `token_command` by hand: the token may have been withdrawn"
        }
    };
    new(ErrorClass::Auth, format!("{host} refused the login of {}; it said: {why}. {advice}.", settings.username))
}

impl Session {
    /// Reads what the folder has beyond `place`, the oldest first. Without a place, or when UIDs are others than they
    /// were, it is read from `horizon` on. Whatever was deleted meanwhile is passed over.
    ///
    /// # Errors
    /// As [`Mailboxes::open`]; the session must not be used any more then.
    pub async fn next(
        &mut self,
        place: Option<Place>,
        horizon: Timestamp,
        max_message: usize,
    ) -> Result<Batch, PollFault> {
        let host = self.host.clone();
        match timeout(LONGEST_BATCH, self.read(place, horizon, max_message)).await {
            Ok(done) => done,
            Err(_) => {
                Err(new(ErrorClass::Transient, format!("{host} was too slow for a few messages; it is tried again.")))
            }
        }
    }

    /// The headers of the newest messages, at most `count`, the newest first, and how many messages there are. Nothing is
    /// marked as read.
    ///
    /// # Errors
    /// As [`Mailboxes::open`].
    pub async fn newest(&mut self, count: usize) -> Result<(Vec<RawMail>, usize), PollFault> {
        self.examine().await?;
        let uids = self.search("ALL").await?;
        let mut mails = self.bodies(&uids[uids.len().saturating_sub(count)..], MAX_HEADERS, false).await?;
        mails.sort_by_key(|mail| std::cmp::Reverse(mail.uid));
        Ok((mails, uids.len()))
    }

    async fn read(&mut self, place: Option<Place>, horizon: Timestamp, max_message: usize) -> Result<Batch, PollFault> {
        let (uidvalidity, next) = self.examine().await?;
        // What comes from here on is found now or called for.
        self.imap.news = false;
        let last = place.filter(|p| p.uidvalidity == uidvalidity).map(|p| p.uid);
        let wanted = match last {
            Some(last) => format!("UID {}:*", last.saturating_add(1)),
            None => format!("SINCE {}", day(horizon)),
        };
        let mut uids = self.search(&wanted).await?;
        let last = match last {
            Some(last) => last,
            // Whatever is there is too old; it is not to be read the next time.
            None if uids.is_empty() => match next {
                Some(next) => next.saturating_sub(1),
                None => self.search("ALL").await?.last().copied().unwrap_or(0),
            },
            None => 0,
        };
        // `n:*` always means the newest message, read or not (RFC 3501, 6.4.8).
        uids.retain(|uid| *uid > last);
        let more = uids.len() > BATCH;
        uids.truncate(BATCH);
        let mut batch = Batch { messages: Vec::new(), place: Place { uidvalidity, uid: last }, more, gap: None };
        let Some(end) = uids.last().copied() else { return Ok(batch) };
        let sizes = self.sizes(&uids).await?;
        let mut skipped = Vec::new();
        let mut bytes = 0;
        for group in sizes.chunks(20) {
            // Whole or not: asked for apart.
            for whole in [true, false] {
                let group: Vec<u32> =
                    group.iter().filter(|(_, size)| (*size <= max_message) == whole).map(|(uid, _)| *uid).collect();
                let mails = self.bodies(&group, if whole { max_message } else { MAX_HEADERS }, whole).await?;
                for uid in group.iter().filter(|uid| !mails.iter().any(|m| m.uid == **uid)) {
                    // Deleted since: nothing is missing. Still there: the server cannot read it.
                    if self.search(&format!("UID {uid}")).await?.contains(uid) {
                        skipped.push(*uid);
                    }
                }
                batch.messages.extend(mails);
            }
            batch.place.uid = group.iter().map(|(uid, _)| *uid).max().unwrap_or(batch.place.uid).max(batch.place.uid);
            bytes += group.iter().map(|(_, size)| (*size).min(max_message)).sum::<usize>();
            if bytes >= BATCH_BYTES && batch.place.uid < end {
                batch.more = true;
                break;
            }
        }
        if bytes < BATCH_BYTES || batch.place.uid >= end || sizes.is_empty() {
            batch.place.uid = end;
        }
        let long = batch.messages.iter().filter(|m| !m.whole).count();
        if long + skipped.len() > 0 {
            let mut parts = Vec::new();
            if long > 0 {
                parts.push(format!("{long} messages are longer than `max_message`; only their headers were read"));
            }
            if !skipped.is_empty() {
                let list: Vec<String> = skipped.iter().take(MAX_NAMED).map(u32::to_string).collect();
                parts.push(format!(
                    "{} messages could not be read by the server itself (UID {})",
                    skipped.len(),
                    list.join(", ")
                ));
            }
            batch.gap = Some(parts.join("; "));
        }
        batch.messages.sort_unstable_by_key(|m| m.uid);
        Ok(batch)
    }

    /// Opens the folder read-only; its UIDVALIDITY and, where the server says so, UIDNEXT.
    async fn examine(&mut self) -> Result<(u32, Option<u32>), PollFault> {
        let name = quoted(&folder(&self.folder)).unwrap_or_default();
        let answer = match self.imap.command(&format!("EXAMINE {name}"), 0).await {
            Ok(answer) => answer,
            Err(ImapFault::No(why)) => return Err(self.no_folder(&why).await),
            Err(error) => return Err(transient(&self.host, &error)),
        };
        let said = |code: &str| -> Option<u32> {
            answer.lines.iter().find_map(|line| {
                let (_, rest) = line.text.split_once(code)?;
                rest.split(']').next()?.trim().parse().ok()
            })
        };
        let next = said("[UIDNEXT ");
        said("[UIDVALIDITY ").map(|uidvalidity| (uidvalidity, next)).ok_or_else(|| {
            new(
                ErrorClass::Refused,
                format!("{} gives messages no lasting numbers (UIDVALIDITY); it cannot be read.", self.host),
            )
        })
    }

    async fn no_folder(&mut self, why: &str) -> PollFault {
        let names = match self.imap.command("LIST \"\" \"*\"", 0).await {
            Ok(answer) => answer.lines,
            Err(_) => Vec::new(),
        };
        let names: Vec<String> = names
            .iter()
            .filter_map(|line| line.text.strip_prefix("* LIST "))
            .filter_map(|rest| rest.rsplit_once("\" ").map(|(_, name)| name.trim_matches('"').to_owned()))
            .take(MAX_NAMED)
            .collect();
        let known = if names.is_empty() { String::new() } else { format!(" There are: {}.", names.join(", ")) };
        new(
            ErrorClass::Refused,
            format!("{} cannot open the folder {}; it said: {why}.{known} Correct `folder`.", self.host, self.folder),
        )
    }

    /// UIDs, ascending.
    async fn search(&mut self, wanted: &str) -> Result<Vec<u32>, PollFault> {
        let answer = self.imap.command(&format!("UID SEARCH {wanted}"), 0).await;
        let answer = answer.map_err(|error| transient(&self.host, &error))?;
        let lists = answer.lines.iter().filter_map(|line| line.text.strip_prefix("* SEARCH"));
        let mut uids: Vec<u32> = lists.flat_map(str::split_whitespace).filter_map(|n| n.parse().ok()).collect();
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }

    /// UID and size of those that are there.
    async fn sizes(&mut self, uids: &[u32]) -> Result<Vec<(u32, usize)>, PollFault> {
        let command = format!("UID FETCH {} (UID RFC822.SIZE)", set(uids));
        let lines = match self.imap.command(&command, 0).await {
            Ok(answer) => answer.lines,
            // Some of them were deleted (RFC 5530, EXPUNGEISSUED): one at a time, then.
            Err(ImapFault::No(_)) => {
                let mut lines = Vec::new();
                for uid in uids {
                    match self.imap.command(&format!("UID FETCH {uid} (UID RFC822.SIZE)"), 0).await {
                        Ok(answer) => lines.extend(answer.lines),
                        Err(ImapFault::No(_)) => {}
                        Err(error) => return Err(transient(&self.host, &error)),
                    }
                }
                lines
            }
            Err(error) => return Err(transient(&self.host, &error)),
        };
        let mut found: Vec<(u32, usize)> = lines
            .iter()
            .filter_map(|line| Some((number(&line.text, "UID ")?, number(&line.text, "RFC822.SIZE ")? as usize)))
            .filter(|(uid, _)| uids.contains(uid))
            .collect();
        found.sort_unstable();
        found.dedup_by_key(|(uid, _)| *uid);
        Ok(found)
    }

    async fn bodies(&mut self, uids: &[u32], most: usize, whole: bool) -> Result<Vec<RawMail>, PollFault> {
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let part = if whole { format!("BODY.PEEK[]<0.{most}>") } else { format!("BODY.PEEK[HEADER]<0.{most}>") };
        let lines = match self.imap.command(&format!("UID FETCH {} (UID INTERNALDATE {part})", set(uids)), most).await {
            Ok(answer) => answer.lines,
            Err(ImapFault::No(_)) => {
                let mut lines = Vec::new();
                for uid in uids {
                    match self.imap.command(&format!("UID FETCH {uid} (UID INTERNALDATE {part})"), most).await {
                        Ok(answer) => lines.extend(answer.lines),
                        Err(ImapFault::No(_)) => {}
                        Err(error) => return Err(transient(&self.host, &error)),
                    }
                }
                lines
            }
            Err(error) => return Err(transient(&self.host, &error)),
        };
        let mut mails: Vec<RawMail> = Vec::with_capacity(uids.len());
        for mut line in lines {
            let Some(uid) = number(&line.text, "UID ").filter(|uid| uids.contains(uid)) else { continue };
            let Some(data) = line.literals.pop() else { continue };
            if !mails.iter().any(|m| m.uid == uid) {
                mails.push(RawMail { uid, arrived: internal_date(&line.text), data, whole });
            }
        }
        Ok(mails)
    }

    /// Waits until mail comes or `stop` is cancelled, with the folder as it was opened last.
    pub async fn watch(mut self, stop: &CancellationToken) -> Watched {
        if !self.capabilities.iter().any(|c| c == "IDLE") {
            return Watched::Unable;
        }
        if self.imap.news {
            return Watched::Session(self, true);
        }
        loop {
            match self.imap.idle(IDLE, stop.cancelled()).await {
                Ok(Waited::News) => return Watched::Session(self, true),
                Ok(Waited::Stopped) => return Watched::Session(self, false),
                Ok(Waited::Nothing) => {}
                Err(ImapFault::No(_)) => return Watched::Unable,
                Err(_) => return Watched::Lost,
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let _ = self.imap.command("LOGOUT", 0).await;
    }
}

fn transient(host: &str, fault: &ImapFault) -> PollFault {
    let class = match fault {
        ImapFault::NotImap(_) => ErrorClass::Malformed,
        ImapFault::TooMuch(_) => ErrorClass::Forbidden,
        _ => ErrorClass::Transient,
    };
    new(class, format!("{host} could not be read: {fault}."))
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A date as SEARCH wants it (RFC 3501, `date-text`).
fn day(at: Timestamp) -> String {
    let date = at.to_zoned(TimeZone::UTC).date();
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = usize::try_from(date.month()).ok().and_then(|m| MONTHS.get(m.checked_sub(1)?)).unwrap_or(&"Jan");
    format!("{}-{month}-{:04}", date.day(), date.year())
}

/// `17-Jul-2026 02:44:25 +0200`.
fn internal_date(line: &str) -> Option<Timestamp> {
    let text = line.split_once("INTERNALDATE \"")?.1.split('"').next()?;
    BrokenDownTime::parse("%d-%b-%Y %H:%M:%S %z", text.trim()).ok()?.to_timestamp().ok()
}

/// UIDs as a set, runs as ranges.
fn set(uids: &[u32]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut run: Option<(u32, u32)> = None;
    for &uid in uids {
        run = match run {
            Some((from, to)) if to.checked_add(1) == Some(uid) => Some((from, uid)),
            before => {
                parts.extend(before.map(range));
                Some((uid, uid))
            }
        };
    }
    parts.extend(run.map(range));
    parts.join(",")
}

fn range((from, to): (u32, u32)) -> String {
    if from == to { from.to_string() } else { format!("{from}:{to}") }
}

/// The number behind a word of an answer.
fn number(line: &str, word: &str) -> Option<u32> {
    // Text of a stranger's comes only in literals, which are no part of this.
    let at = line.match_indices(word).find(|(at, _)| line[..*at].ends_with([' ', '(']))?.0;
    let rest = line.get(at + word.len()..)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_answers_are_found() {
        let line = r#"* 3 FETCH (UID 17 RFC822.SIZE 4096 INTERNALDATE "17-Jul-2026 02:44:25 +0200" BODY[] {5})"#;
        assert_eq!((number(line, "UID "), number(line, "RFC822.SIZE ")), (Some(17), Some(4096)));
        assert_eq!(internal_date(line), Some("2026-07-17T00:44:25Z".parse().unwrap()));
        let short = internal_date(r#"INTERNALDATE " 7-Jul-2026 02:44:25 +0000""#);
        assert_eq!(short, Some("2026-07-07T02:44:25Z".parse().unwrap()));
        assert_eq!(number("* 1 FETCH (FLAGS ())", "UID "), None);
        assert_eq!(set(&[1, 2, 3, 7, 9, 10]), "1:3,7,9:10");
        assert_eq!(set(&[]), "");
        assert_eq!(day("2026-03-06T23:00:00Z".parse().unwrap()), "6-Mar-2026");
    }
}
