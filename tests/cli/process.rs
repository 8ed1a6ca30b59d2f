//! The program as a process: signals, a full disk, a folder that cannot be made, a reader that goes away.

use super::*;

/// A real daemon; killed when dropped, so that a failed test leaves none behind.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Daemon {
    fn start(world: &World) -> Self {
        world.config();
        let mut command = std::process::Command::new(BINARY);
        for name in ["MENTIOND_CONFIG", "MENTIOND_LOG", "JOURNAL_STREAM", "NOTIFY_SOCKET"] {
            command.env_remove(name);
        }
        command.current_dir(world.folder()).args(["run", "--log", "json"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn signal(&self, name: &str) {
        support::signal::signal(self.0.id(), name);
    }

    /// Reads the log until a line with this event; the line.
    fn log_until(log: &mut impl BufRead, event: &str) -> Value {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "no {event} in:\n{all}");
            let value: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
            if value["event"] == event {
                return value;
            }
            all.push_str(&line);
        }
    }
}

#[tokio::test]
async fn a_real_daemon_reloads_on_sighup_refuses_a_second_and_stops_on_sigterm() {
    let address = free_address();
    let world = world().daemon(&format!("http = \"{address}\""));
    let mut daemon = Daemon::start(&world);
    let mut log = BufReader::new(daemon.0.stderr.take().unwrap());
    Daemon::log_until(&mut log, "started");
    until("the mails", || world.mails_to(BRAND).len() == 2).await;
    assert_eq!(support::world::get(address, "/readyz").await.0, 200);

    let second = within(&world, &["once"]);
    assert_eq!((second.code, second.out.as_str()), (1, ""));
    assert!(second.err.contains(&format!("process {}", daemon.0.id())), "{}", second.err);
    assert_eq!(within(&world, &["mentions", "--json"]).json().as_array().unwrap().len(), 2, "reading is no clash");
    assert_eq!(within(&world, &["outbox", "retry", "--json"]).json(), json!({ "retried": 0 }), "through the socket");

    let good = std::fs::read_to_string(world.folder().join("mentiond.toml")).unwrap();
    std::fs::write(world.folder().join("mentiond.toml"), good.replace("handles", "handels")).unwrap();
    daemon.signal("HUP");
    let refused = Daemon::log_until(&mut log, "reload_failed").to_string();
    assert!(refused.contains("handels") && refused.contains("mentiond.toml:"), "{refused}");
    std::fs::write(world.folder().join("mentiond.toml"), good).unwrap();
    daemon.signal("HUP");
    Daemon::log_until(&mut log, "reloaded");

    let start = std::time::Instant::now();
    daemon.signal("TERM");
    Daemon::log_until(&mut log, "stopped");
    assert!(daemon.0.wait().unwrap().success());
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
    let mut out = String::new();
    daemon.0.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "", "the daemon has no results to print");
    assert!(!world.state().join("control.sock").exists());
}

/// A disk that takes no more than 200 KiB a file: what a full disk does to whoever writes.
#[tokio::test]
async fn hazard_35_a_full_disk_ends_the_daemon_with_an_error_and_no_half_state() {
    let text = "long ".repeat(2_000);
    let story = |n: u32| entry(&format!("Acme story {n}")).id(n).link(&format!("https://a.example/{n}")).text(&text);
    let world = World::new()
        .contact()
        .feed("a", rss((1..=30).map(story)))
        .watch("acme", "acme", BRAND)
        .mail("max_per_hour = 1000");
    world.config();
    let script = format!("trap '' XFSZ; ulimit -f 400; exec '{BINARY}' run --log json");
    let full = Command::new("sh")
        .current_dir(world.folder())
        .env_remove("NOTIFY_SOCKET")
        .arg("-c")
        .arg(script)
        .timeout(std::time::Duration::from_secs(20))
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&full.stderr).into_owned();
    assert_eq!(full.status.code(), Some(1), "{err}");
    assert!(err.contains("mentiond: ") && err.contains("the record could not be"), "{err}");
    // With room again, all is found as if nothing had been.
    let once = within(&world, &["once", "--json"]);
    assert_eq!((once.code, &once.json()["mentions"]), (0, &json!(30)), "{}", once.err);
    assert_eq!(world.mails().len(), 30);
}

#[test]
fn a_state_folder_that_cannot_be_made_is_exit_1_in_words() {
    let world = world();
    std::fs::write(world.state(), "a file where the folder should be").unwrap();
    let done = within(&world, &["once"]);
    assert_eq!((done.code, done.out.as_str()), (1, ""));
    assert!(done.err.contains("state") && done.err.contains("make the folder"), "{}", done.err);
}

/// Who may not look into the folder is told so, and not that nothing is there. Here the way there leads through a file, which
/// nobody may look into, whoever runs the tests.
#[test]
fn a_state_that_cannot_be_looked_into_is_not_taken_for_an_empty_one() {
    let world = world();
    let text = world.config_text().replace("state = \"state\"", "state = \"file/state\"");
    let world = world.with_text(text);
    std::fs::write(world.folder().join("file"), "").unwrap();
    for command in [&["sources"][..], &["mentions"], &["outbox"], &["cases"], &["themes"], &["warnings"], &["report"]] {
        let done = within(&world, command);
        assert_eq!((done.code, done.out.as_str()), (1, ""), "{command:?}: {}", done.err);
        assert!(done.err.contains("file/state: ") && done.err.contains("or as root"), "{command:?}: {}", done.err);
    }
    let explained = within(&world, &["explain", "My Acme kettle broke"]);
    assert!(explained.code == 0 && explained.out.contains("acme"), "{}", explained.err);
    assert!(explained.err.contains("what people corrected is not considered"), "{}", explained.err);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(BINARY)
        .current_dir(folder.path())
        .args(["explain", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    for _ in 0..2_000 {
        if stdin.write_all(b"{\"text\":\"Acme\"}\n").is_err() {
            break;
        }
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!err.contains("panicked") && output.status.code().is_some(), "{err}");
}
