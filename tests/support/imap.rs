//! A real IMAP server in a temporary folder: Dovecot shows Maildirs on a loopback port of its own, with and without TLS.
//! Mail is put there as a delivery agent does. It stops when dropped, and by itself after an hour.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Every mailbox's password.
pub const PASSWORD: &str = "open-sesame";
const DOVECOT: &str = "/usr/sbin/dovecot";
/// Mailboxes belong to `nobody`, as on every Debian.
const NOBODY: u32 = 65_534;
const PATIENCE: Duration = Duration::from_secs(60);

/// The running server.
pub struct ImapHost {
    folder: TempDir,
    pub port: u16,
    pub tls_port: u16,
    dovecot: Option<Child>,
    delivered: AtomicU32,
}

impl ImapHost {
    /// Starts it; `None`, and a line that says why, where that is impossible.
    pub fn start() -> Option<Self> {
        if !Path::new("/usr/lib/dovecot/imap").exists() {
            println!("skipped: no IMAP server: Debian package dovecot-imapd is not installed");
            return None;
        }
        if !fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0) {
            println!("skipped: no IMAP server: Dovecot starts for root only");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("mentiond-imap").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (port, tls_port) = (free(), free());
        let mut host = Self { folder, port, tls_port, dovecot: None, delivered: AtomicU32::new(0) };
        host.configure();
        let conf = host.path("conf");
        let mut command = Command::new("timeout");
        command.args(["-k", "5", "3600", DOVECOT, "-F", "-c"]).arg(conf);
        host.dovecot = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        while !greets(host.port) {
            assert!(begun.elapsed() < PATIENCE, "Dovecot does not answer: {}", host.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(host)
    }

    /// What Dovecot logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// A `[sources.NAME]` for a mailbox of this server.
    pub fn source(&self, name: &str, mailbox: &str, more: &str) -> String {
        let secret = self.path("password");
        format!(
            "[sources.{name}]\nkind = \"mailbox\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nusername = \"{mailbox}\"\n\
             password = {{ file = \"{}\" }}\n{more}\n",
            self.port,
            secret.display()
        )
    }

    /// Writes down another password than the server has.
    pub fn forget_password(&self, word: &str) {
        fs::write(self.path("password"), word).unwrap();
    }

    /// Delivers a mail; the file it is in.
    pub fn deliver(&self, mailbox: &str, data: &str) -> PathBuf {
        let maildir = self.maildir(mailbox);
        let number = self.delivered.fetch_add(1, Ordering::SeqCst);
        // Sorted by name is sorted by delivery.
        let name = format!("{}.M{number:08}.mentiond", 1_700_000_000 + number);
        let (draft, file) = (maildir.join("tmp").join(&name), maildir.join("new").join(&name));
        fs::write(&draft, data.replace('\n', "\r\n")).unwrap();
        chown(&draft, Some(NOBODY), Some(NOBODY)).unwrap();
        fs::rename(&draft, &file).unwrap();
        file
    }

    /// Messages that are marked as seen, and those that are not.
    pub fn seen(&self, mailbox: &str) -> (usize, usize) {
        let mut marked = (0, 0);
        for part in ["new", "cur"] {
            for file in fs::read_dir(self.maildir(mailbox).join(part)).unwrap() {
                let name = file.unwrap().file_name().into_string().unwrap();
                let flags = name.split_once(":2,").map_or("", |(_, flags)| flags);
                if flags.contains('S') { marked.0 += 1 } else { marked.1 += 1 }
            }
        }
        marked
    }

    /// Removes every message whose number in the order of names this picks, as another program would.
    pub fn remove(&self, mailbox: &str, pick: impl Fn(usize) -> bool) -> usize {
        let mut files: Vec<PathBuf> = Vec::new();
        for part in ["new", "cur"] {
            let found = fs::read_dir(self.maildir(mailbox).join(part)).unwrap();
            files.extend(found.map(|file| file.unwrap().path()));
        }
        files.sort_by_key(|file| file.file_name().unwrap().to_owned());
        let picked: Vec<_> = files.iter().enumerate().filter(|(n, _)| pick(*n)).collect();
        picked.iter().filter(|(_, file)| fs::remove_file(file).is_ok()).count()
    }

    /// Has the server number the folder anew: another UIDVALIDITY.
    pub fn renumber(&self, mailbox: &str) {
        let maildir = self.maildir(mailbox);
        let list = maildir.join("dovecot-uidlist");
        let text = fs::read_to_string(&list).unwrap();
        let (head, _) = text.split_once('\n').unwrap();
        let old: u32 = head.split(' ').find_map(|word| word.strip_prefix('V')).unwrap().parse().unwrap();
        // Without its messages: they are numbered as they are found.
        fs::write(&list, format!("3 V{} N1\n", old + 1000)).unwrap();
        for file in fs::read_dir(&maildir).unwrap().map(|file| file.unwrap().path()) {
            if file.file_name().unwrap().to_str().unwrap().starts_with("dovecot.index") {
                fs::remove_file(file).unwrap();
            }
        }
    }

    fn maildir(&self, mailbox: &str) -> PathBuf {
        let maildir = self.path("mail").join(mailbox);
        if !maildir.exists() {
            for part in ["", "tmp", "new", "cur"] {
                let folder = maildir.join(part);
                fs::create_dir_all(&folder).unwrap();
                chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        maildir
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configure(&self) {
        fs::create_dir(self.path("mail")).unwrap();
        chown(self.path("mail"), Some(NOBODY), Some(NOBODY)).unwrap();
        fs::write(self.path("password"), PASSWORD).unwrap();
        fs::set_permissions(self.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
        let folder = self.folder.path().display();
        let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls");
        let conf = format!(
            "base_dir = {folder}/run\nstate_dir = {folder}/state\nlog_path = {folder}/log\nprotocols = imap\nlisten = 127.0.0.1\n\
             ssl = yes\nssl_cert = <{tls}/good.pem\nssl_key = <{tls}/good.key\nssl_dh =\n\
             disable_plaintext_auth = no\nauth_mechanisms = plain\nfirst_valid_uid = 1\n\
             # A wrong password is not punished: the tests have no time.\n\
             auth_failure_delay = 0\nmaildir_very_dirty_syncs = no\nmailbox_idle_check_interval = 1s\n\
             mail_location = maildir:{folder}/mail/%n\nnamespace inbox {{\n  inbox = yes\n}}\n\
             passdb {{\n  driver = static\n  args = password={PASSWORD}\n}}\n\
             userdb {{\n  driver = static\n  args = uid={NOBODY} gid={NOBODY} home={folder}/mail/%n\n}}\n\
             service anvil {{\n  unix_listener anvil-auth-penalty {{\n    mode = 0\n  }}\n}}\n\
             service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {}\n  }}\n  \
             inet_listener imaps {{\n    port = {}\n    ssl = yes\n  }}\n}}\n",
            self.port,
            self.tls_port,
            tls = tls.display()
        );
        fs::write(self.path("conf"), conf).unwrap();
    }
}

impl Drop for ImapHost {
    fn drop(&mut self) {
        let Some(mut dovecot) = self.dovecot.take() else { return };
        // The shell's own `kill`: the program of that name is not everywhere.
        let _ = Command::new("sh").arg("-c").arg(format!("kill -TERM {}", dovecot.id())).status();
        let begun = Instant::now();
        while dovecot.try_wait().is_ok_and(|ended| ended.is_none()) {
            if begun.elapsed() > Duration::from_secs(15) {
                let _ = dovecot.kill();
                let _ = dovecot.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("* OK")
}
