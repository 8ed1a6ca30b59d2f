//! A real mail system in a temporary folder: Postfix takes mail by SMTP on a loopback port of its own and puts it into
//! Maildirs, Dovecot shows those by IMAP on another. Nothing of the machine's own mail configuration is touched; all of
//! it stops when dropped, and by itself after [`LIFETIME`] if a test is killed.
//!
//! Postfix's master needs root, so tests that use this are skipped for other users.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Domain whose mailboxes the server has.
pub const DOMAIN: &str = "example.com";
/// Every mailbox's password.
const PASSWORD: &str = "open-sesame";
/// Both servers end after this many seconds, whatever becomes of the test.
const LIFETIME: &str = "3600";
/// Longest time for a server to start or stop, or for a mail to travel from queue to mailbox.
const PATIENCE: Duration = Duration::from_secs(60);
/// Mailboxes belong to `nobody`, as on every Debian.
const NOBODY: u32 = 65_534;

const POSTFIX: &str = "/usr/sbin/postfix";
const MASTER: &str = "/usr/lib/postfix/sbin/master";
const DOVECOT: &str = "/usr/sbin/dovecot";

/// The running servers.
pub struct MailHost {
    folder: TempDir,
    smtp_port: u16,
    imap_port: u16,
    master: Option<Child>,
    dovecot: Option<Child>,
}

/// One message of a mailbox.
#[derive(Clone, Debug)]
pub struct Message {
    /// Name of the mailbox, without the domain.
    pub mailbox: String,
    /// The whole message as stored.
    pub data: Vec<u8>,
}

impl MailHost {
    /// Prepares mailboxes `NAME@example.com` and starts both servers; `None`, and a line that says why, where that is
    /// impossible.
    pub fn start(mailboxes: &[&str]) -> Option<Self> {
        let mut host = Self::prepare(mailboxes)?;
        host.start_smtp();
        Some(host)
    }

    /// Like [`MailHost::start`], with nothing on the SMTP port yet.
    pub fn prepare(mailboxes: &[&str]) -> Option<Self> {
        if let Some(why) = missing() {
            println!("skipped: no real mail server: {why}");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("mentiond-mail").tempdir().unwrap();
        let mut host = Self { folder, smtp_port: free_port(), imap_port: free_port(), master: None, dovecot: None };
        host.configure(mailboxes);
        host.start_imap();
        Some(host)
    }

    pub fn smtp_port(&self) -> u16 {
        self.smtp_port
    }

    /// Starts Postfix, and waits until it answers.
    pub fn start_smtp(&mut self) {
        assert!(self.master.is_none(), "Postfix runs already");
        self.postfix("check");
        // A group of its own: Postfix ends its daemons by that group.
        let mut command = Command::new(MASTER);
        command.arg("-c").arg(self.path("etc")).args(["-d", "-e", LIFETIME]);
        self.master = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0).spawn().unwrap());
        self.wait_for("Postfix's greeting", || greeting(self.smtp_port).is_some_and(|line| line.starts_with("220")));
    }

    /// Stops Postfix; mailboxes stay.
    pub fn stop_smtp(&mut self) {
        let Some(mut master) = self.master.take() else { return };
        let id = master.id();
        self.postfix("stop");
        assert!(ends(&mut master), "Postfix's master (process {id}) did not stop");
        assert!(TcpStream::connect(("127.0.0.1", self.smtp_port)).is_err(), "something still answers by SMTP");
    }

    /// All messages of all mailboxes, straight from the Maildirs, when the queue is empty.
    pub fn messages(&self) -> Vec<Message> {
        self.wait_for("an empty queue", || self.queued() == 0);
        let mut found = Vec::new();
        for mailbox in fs::read_dir(self.path("mail")).unwrap().map(Result::unwrap) {
            for part in ["new", "cur"] {
                let Ok(files) = fs::read_dir(mailbox.path().join(part)) else { continue };
                for file in files {
                    let data = fs::read(file.unwrap().path()).unwrap();
                    found.push(Message { mailbox: mailbox.file_name().into_string().unwrap(), data });
                }
            }
        }
        found
    }

    /// All messages of a mailbox, by IMAP.
    pub fn by_imap(&self, mailbox: &str) -> Vec<Vec<u8>> {
        self.wait_for("an empty queue", || self.queued() == 0);
        let mut imap = Imap::connect(self.imap_port);
        imap.command(&format!("LOGIN {mailbox}@{DOMAIN} {PASSWORD}"));
        let selected = imap.command("SELECT INBOX");
        let exists = selected.lines.iter().find_map(|line| line.strip_prefix("* ")?.strip_suffix(" EXISTS"));
        let count: usize = exists.expect("EXISTS in the answer to SELECT").parse().unwrap();
        let messages = (1..=count).map(|number| {
            let fetched = imap.command(&format!("FETCH {number} BODY.PEEK[]"));
            fetched.literals.into_iter().next().expect("a message in the answer to FETCH")
        });
        let messages = messages.collect();
        imap.command("LOGOUT");
        messages
    }

    /// What Postfix logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("mail.log")).unwrap_or_default()
    }

    /// Mails that were taken and not yet delivered, and mails half received.
    fn queued(&self) -> usize {
        let queues = ["incoming", "active", "maildrop", "deferred"];
        queues.iter().map(|queue| files_below(&self.path("queue").join(queue))).sum()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn postfix(&self, action: &str) {
        let output = Command::new(POSTFIX).arg("-c").arg(self.path("etc")).arg(action).output().unwrap();
        assert!(output.status.success(), "postfix {action}: {}{}", text(&output.stderr), self.log());
    }

    fn configure(&self, mailboxes: &[&str]) {
        // Mail is handled by other users than ours.
        fs::set_permissions(self.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["etc", "queue", "data", "mail", "dovecot"] {
            fs::create_dir(self.path(name)).unwrap();
        }
        let (owner, group) = user("postfix").expect("postfix has a user");
        chown(self.path("data"), Some(owner), Some(group)).unwrap();
        chown(self.path("mail"), Some(NOBODY), Some(NOBODY)).unwrap();
        let folder = self.folder.path().display();
        let known: Vec<_> = mailboxes.iter().map(|name| format!("{name}@{DOMAIN} {name}/")).collect();
        fs::write(self.path("etc/mailboxes"), known.join("\n") + "\n").unwrap();
        let main = format!(
            "compatibility_level = 3.6\n\
             queue_directory = {folder}/queue\n\
             data_directory = {folder}/data\n\
             maillog_file = {folder}/mail.log\n\
             maillog_file_prefixes = {folder}\n\
             inet_interfaces = 127.0.0.1\n\
             inet_protocols = ipv4\n\
             myhostname = mx.{DOMAIN}\n\
             mydestination =\n\
             alias_maps =\n\
             alias_database =\n\
             mynetworks = 127.0.0.0/8\n\
             smtpd_relay_restrictions = reject_unauth_destination\n\
             local_transport = error:no local mail\n\
             default_transport = error:no mail leaves this machine\n\
             virtual_mailbox_domains = {DOMAIN}\n\
             virtual_mailbox_base = {folder}/mail\n\
             virtual_mailbox_maps = texthash:{folder}/etc/mailboxes\n\
             virtual_uid_maps = static:{NOBODY}\n\
             virtual_gid_maps = static:{NOBODY}\n\
             virtual_minimum_uid = 1\n\
             # Numbers in the queue are never used twice, so that the log is unambiguous.\n\
             enable_long_queue_ids = yes\n\
             # No slowing down of clients that are faster than the disk.\n\
             in_flow_delay = 0\n"
        );
        fs::write(self.path("etc/main.cf"), main).unwrap();
        let mut master = format!("127.0.0.1:{} inet n - n - - smtpd\n", self.smtp_port);
        master += "cleanup unix n - n - 0 cleanup\n\
                   qmgr unix n - n 300 1 qmgr\n\
                   rewrite unix - - n - - trivial-rewrite\n\
                   bounce unix - - n - 0 bounce\n\
                   defer unix - - n - 0 bounce\n\
                   trace unix - - n - 0 bounce\n\
                   verify unix - - n - 1 verify\n\
                   proxymap unix - - n - - proxymap\n\
                   error unix - - n - - error\n\
                   retry unix - - n - - error\n\
                   virtual unix - n n - - virtual\n\
                   anvil unix - - n - 1 anvil\n\
                   postlog unix-dgram n - n - 1 postlogd\n";
        fs::write(self.path("etc/master.cf"), master).unwrap();
        let dovecot = format!(
            "base_dir = {folder}/dovecot/run\n\
             state_dir = {folder}/dovecot\n\
             log_path = {folder}/dovecot/log\n\
             protocols = imap\n\
             listen = 127.0.0.1\n\
             ssl = no\n\
             disable_plaintext_auth = no\n\
             auth_mechanisms = plain\n\
             first_valid_uid = 1\n\
             mail_location = maildir:{folder}/mail/%n\n\
             namespace inbox {{\n  inbox = yes\n}}\n\
             passdb {{\n  driver = static\n  args = password={PASSWORD}\n}}\n\
             userdb {{\n  driver = static\n  args = uid={NOBODY} gid={NOBODY} home={folder}/mail/%n\n}}\n\
             service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {}\n  }}\n  \
             inet_listener imaps {{\n    port = 0\n  }}\n}}\n",
            self.imap_port
        );
        fs::write(self.path("dovecot/conf"), dovecot).unwrap();
    }

    fn start_imap(&mut self) {
        let mut command = Command::new("timeout");
        command.args(["-k", "5", LIFETIME, DOVECOT, "-F", "-c"]).arg(self.path("dovecot/conf"));
        self.dovecot = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
        self.wait_for("Dovecot's greeting", || greeting(self.imap_port).is_some_and(|line| line.starts_with("* OK")));
    }

    fn wait_for(&self, what: &str, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(
                begun.elapsed() < PATIENCE,
                "no {what} within {PATIENCE:?}\n{}{}",
                self.log(),
                fs::read_to_string(self.path("dovecot/log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for MailHost {
    fn drop(&mut self) {
        if let Some(mut dovecot) = self.dovecot.take() {
            terminate(dovecot.id());
            if !ends(&mut dovecot) {
                let _ = dovecot.kill();
                let _ = dovecot.wait();
                complain("Dovecot did not stop when asked");
            }
        }
        if let Some(mut master) = self.master.take() {
            let _ = Command::new(POSTFIX).arg("-c").arg(self.path("etc")).arg("stop").output();
            if !ends(&mut master) {
                let _ = master.kill();
                let _ = master.wait();
                complain("Postfix did not stop when asked");
            }
        }
    }
}

/// A test that fails already must not abort by a second panic.
fn complain(what: &str) {
    assert!(std::thread::panicking(), "{what}");
    eprintln!("{what}");
}

/// Why the servers cannot be started here, if they cannot.
fn missing() -> Option<String> {
    let absent: Vec<_> = [(POSTFIX, "postfix"), (MASTER, "postfix"), (DOVECOT, "dovecot-imapd")]
        .into_iter()
        .filter(|(program, _)| !Path::new(program).exists())
        .map(|(_, package)| package)
        .collect();
    if !absent.is_empty() {
        return Some(format!("Debian package {} is not installed", absent.join(", ")));
    }
    let root = fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0);
    (!root).then(|| "Postfix starts for root only".to_owned())
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// First line that a server says, if one listens.
fn greeting(port: u16) -> Option<String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok()?;
    Some(line)
}

/// Number and group of a user of this machine.
fn user(name: &str) -> Option<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        let [known, _, user, group, ..] = fields[..] else { return None };
        (known == name).then_some((user.parse().ok()?, group.parse().ok()?))
    })
}

/// SIGTERM. The shell's own `kill`: the program of that name is not everywhere.
fn terminate(process: u32) {
    let _ = Command::new("sh").arg("-c").arg(format!("kill -TERM {process}")).status();
}

/// Waits for the end of a process; false if it goes on.
fn ends(child: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(15) {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let entries = entries.filter_map(Result::ok);
    entries.map(|e| if e.file_type().is_ok_and(|t| t.is_dir()) { files_below(&e.path()) } else { 1 }).sum()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// As much of an IMAP client (RFC 3501) as it takes to look into a mailbox.
struct Imap {
    stream: BufReader<TcpStream>,
    tag: usize,
}

struct Answer {
    lines: Vec<String>,
    literals: Vec<Vec<u8>>,
}

impl Imap {
    fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut imap = Self { stream: BufReader::new(stream), tag: 0 };
        let greeting = imap.line();
        assert!(greeting.starts_with("* OK"), "{greeting}");
        imap
    }

    /// Sends a command and reads to its tagged answer, which must be OK.
    fn command(&mut self, command: &str) -> Answer {
        self.tag += 1;
        let tag = format!("t{} ", self.tag);
        self.stream.get_mut().write_all(format!("{tag}{command}\r\n").as_bytes()).unwrap();
        let mut answer = Answer { lines: Vec::new(), literals: Vec::new() };
        loop {
            let line = self.line();
            if let Some(ended) = line.strip_prefix(&tag) {
                assert!(ended.starts_with("OK"), "{command}: {ended}");
                return answer;
            }
            let length = line.strip_suffix('}').and_then(|line| line.rsplit_once('{')?.1.parse().ok());
            if let Some(length) = length {
                let mut literal = vec![0; length];
                self.stream.read_exact(&mut literal).unwrap();
                answer.literals.push(literal);
            }
            answer.lines.push(line);
        }
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).unwrap();
        assert!(!line.is_empty(), "the IMAP server went away");
        text(&line).trim_end().to_owned()
    }
}

/// What the log tells about one SMTP connection.
#[derive(Clone, Debug, Default)]
pub struct SmtpSession {
    /// Numbers of the messages that were begun on it, in order; not all of them were finished.
    pub messages: Vec<String>,
    /// Commands by name, as counted at its end; those of a message that failed count too.
    pub commands: BTreeMap<String, usize>,
    /// The step after which the client went away, if it did; after DATA with the bytes that came: `DATA (12 bytes)`.
    pub lost_after: Option<String>,
}

/// What the log tells about one message.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Number in the queue.
    pub number: String,
    pub message_id: String,
    /// Place of its connection in [`Journal::sessions`], and its own place on that.
    pub session: usize,
    pub place: usize,
    pub recipient: String,
}

/// Postfix's log, read.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    pub sessions: Vec<SmtpSession>,
    /// Messages that Postfix took and put into a mailbox, in the order in which they were begun.
    pub taken: Vec<Taken>,
}

impl Journal {
    /// Reads the log of a server whose queue is empty.
    pub fn read(log: &str) -> Self {
        let mut journal = Journal::default();
        let mut open: BTreeMap<&str, usize> = BTreeMap::new();
        let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
        let mut delivered: BTreeMap<&str, &str> = BTreeMap::new();
        for line in log.lines() {
            let Some((daemon, event)) = line.split_once(" postfix/").and_then(|(_, rest)| rest.split_once(": ")) else {
                continue;
            };
            if daemon.starts_with("smtpd[") {
                if event.starts_with("connect from") {
                    open.insert(daemon, journal.sessions.len());
                    journal.sessions.push(SmtpSession::default());
                    continue;
                }
                let Some(&number) = open.get(daemon) else { continue };
                let session = &mut journal.sessions[number];
                if let Some((message, _)) = event.split_once(": client=") {
                    session.messages.push(message.to_owned());
                } else if let Some(lost) = event.strip_prefix("lost connection after ") {
                    session.lost_after = lost.split(" from ").next().map(str::to_owned);
                } else if let Some(counts) = event.strip_prefix("disconnect from ") {
                    // `data=1/2`: one of two succeeded.
                    session.commands = counts
                        .split_whitespace()
                        .filter_map(|count| {
                            let (command, count) = count.split_once('=')?;
                            Some((command.to_owned(), count.rsplit('/').next()?.parse().ok()?))
                        })
                        .collect();
                    open.remove(daemon);
                }
            } else if daemon.starts_with("cleanup[") {
                if let Some((number, id)) = event.split_once(": message-id=") {
                    ids.insert(number, id.trim_matches(['<', '>']));
                }
            } else if daemon.starts_with("virtual[")
                && event.contains("status=sent")
                && let Some((number, rest)) = event.split_once(": to=<")
            {
                delivered.insert(number, rest.split('>').next().unwrap_or_default());
            }
        }
        for (session, begun) in journal.sessions.iter().enumerate() {
            for (place, number) in begun.messages.iter().enumerate() {
                if let Some(&recipient) = delivered.get(number.as_str()) {
                    journal.taken.push(Taken {
                        number: number.clone(),
                        message_id: ids.get(number.as_str()).copied().unwrap_or_default().to_owned(),
                        session,
                        place,
                        recipient: recipient.to_owned(),
                    });
                }
            }
        }
        journal
    }

    /// Whether the connection broke after the final dot of this message: nothing more was said on it, QUIT neither, but
    /// the envelope that leaves together with the dot.
    pub fn broke_after(&self, taken: &Taken) -> bool {
        let session = &self.sessions[taken.session];
        let said = |command: &str| session.commands.get(command).copied().unwrap_or_default();
        let begun = session.messages.len();
        let nothing_more =
            said("mail") == begun && said("commands") == said("ehlo") + said("mail") + said("rcpt") + said("data");
        match begun - taken.place {
            // Postfix has no line for a client that goes away right after a message, and one for every other step.
            1 => nothing_more && session.lost_after.is_none(),
            2 => nothing_more && session.lost_after.as_deref() == Some("DATA (0 bytes)"),
            _ => false,
        }
    }
}
