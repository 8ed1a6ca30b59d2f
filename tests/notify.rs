//! What the daemon tells systemd (sd_notify(3)): the real binary, a socket in systemd's place.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/signal.rs"]
mod signal;

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use signal::signal;
use tempfile::TempDir;

/// Longest wait for one message; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

struct Daemon {
    child: Child,
    socket: UnixDatagram,
    folder: TempDir,
}

impl Daemon {
    fn start(watchdog: Option<Duration>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("feed.xml"), "<rss version='2.0'><channel><title>x</title></channel></rss>")
            .unwrap();
        write_config(folder.path(), "");
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        // systemd names the process that must feed the watchdog, which is known only once it is there.
        let mut command = Command::new("sh");
        command
            .args(["-c", "WATCHDOG_PID=$$ exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_mentiond")])
            .arg("--config")
            .arg(folder.path().join("mentiond.toml"))
            .arg("run")
            .env("NOTIFY_SOCKET", folder.path().join("notify"))
            .env_remove("WATCHDOG_USEC")
            .stderr(Stdio::null());
        if let Some(watchdog) = watchdog {
            command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        }
        Self { child: command.spawn().unwrap(), socket, folder }
    }

    /// The next message with that line, all lines of it; others are passed over.
    fn hear(&self, wanted: &str) -> Vec<String> {
        let end = Instant::now() + PATIENCE;
        let mut heard = Vec::new();
        while Instant::now() < end {
            let mut buffer = [0; 4096];
            let Ok(length) = self.socket.recv(&mut buffer) else { continue };
            let lines: Vec<String> = String::from_utf8_lossy(&buffer[..length]).lines().map(str::to_owned).collect();
            if lines.iter().any(|line| line == wanted) {
                return lines;
            }
            heard.push(lines);
        }
        panic!("{wanted} was not said; heard: {heard:?}");
    }

    fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_config(folder: &Path, more: &str) {
    let config = format!(
        "[daemon]\nstate = \"state\"\nhttp = \"off\"\ncontact = \"ops@example.com\"\n\
         [mail]\nfrom = \"m@example.com\"\ntransport = \"directory\"\ndirectory = \"out\"\n\
         [watchlists.x]\nquery = \"x\"\nalert = [\"a@example.com\"]\n\
         [sources.s]\nkind = \"feed\"\npath = \"feed.xml\"\n{more}"
    );
    std::fs::write(folder.join("mentiond.toml"), config).unwrap();
}

#[test]
fn ready_reload_and_stop_are_told() {
    let mut daemon = Daemon::start(None);
    daemon.hear("READY=1");

    daemon.signal("HUP");
    let lines = daemon.hear("RELOADING=1");
    let since = lines.iter().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
    assert!(since.parse::<u64>().unwrap() > 0, "{lines:?}");
    daemon.hear("READY=1");

    // A configuration that cannot be used ends the reload too, or systemd would wait for it.
    write_config(daemon.folder.path(), "colour = \"red\"\n");
    daemon.signal("HUP");
    daemon.hear("RELOADING=1");
    daemon.hear("READY=1");

    daemon.signal("TERM");
    daemon.hear("STOPPING=1");
    assert!(daemon.child.wait().unwrap().success());
}

#[test]
fn the_watchdog_is_fed_only_if_it_is_asked_for() {
    let fed = Daemon::start(Some(Duration::from_millis(100)));
    fed.hear("READY=1");
    fed.hear("WATCHDOG=1");
    fed.hear("WATCHDOG=1");

    let unfed = Daemon::start(None);
    unfed.hear("READY=1");
    unfed.signal("TERM");
    let mut buffer = [0; 4096];
    loop {
        let Ok(length) = unfed.socket.recv(&mut buffer) else { continue };
        let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(!said.contains("WATCHDOG=1"), "{said}");
        if said.contains("STOPPING=1") {
            break;
        }
    }
}
