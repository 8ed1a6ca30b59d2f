//! The ten troubles of deploy/RUNBOOK.md, provoked one by one with the real program: what the runbook says that mentiond
//! says is said, in the log or by a command that the runbook names, and what it tells to do ends the trouble.

use std::path::PathBuf;

use super::*;

/// A trouble of the runbook, and all that was heard while it lasted.
struct Trouble {
    quotes: Vec<String>,
    heard: String,
}

impl Trouble {
    fn new(number: usize) -> Self {
        let runbook = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/RUNBOOK.md")).unwrap();
        let section = runbook.split(&format!("\n## {number}. ")).nth(1).unwrap();
        let says = section.split("- **mentiond says:** ").nth(1).unwrap().split("\n- **").next().unwrap();
        let says = says.split_whitespace().collect::<Vec<_>>().join(" ");
        // Which command says it is no part of what is said.
        let quotes: Vec<String> = says.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let quotes: Vec<String> = quotes.into_iter().filter(|quote| !quote.starts_with("mentiond ")).collect();
        assert!(!quotes.is_empty(), "{says}");
        Self { quotes, heard: String::new() }
    }

    fn hear(&mut self, said: &str) {
        self.heard.push_str(&said.split_whitespace().collect::<Vec<_>>().join(" "));
        self.heard.push('\n');
    }

    fn hear_command(&mut self, world: &World, arguments: &[&str]) -> Done {
        let done = within(world, arguments);
        self.hear(&done.out);
        self.hear(&done.err);
        done
    }

    /// The pieces of each quote stand in this order in one thing that was said.
    fn is_as_the_runbook_says(&self) {
        for quote in &self.quotes {
            let holds = |line: &str| {
                let mut rest = line;
                quote.split('…').all(|piece| {
                    let found = rest.find(piece.trim());
                    found.inspect(|at| rest = &rest[at + piece.trim().len()..]).is_some()
                })
            };
            assert!(self.heard.lines().any(holds), "nothing said `{quote}`:\n{}", self.heard);
        }
    }
}

/// A real daemon with its log in a file; killed when dropped.
struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    fn start(world: &World) -> Self {
        world.config();
        let log = world.folder().join("log");
        let mut command = std::process::Command::new(BINARY);
        for name in ["MENTIOND_CONFIG", "MENTIOND_LOG", "JOURNAL_STREAM", "NOTIFY_SOCKET"] {
            command.env_remove(name);
        }
        command.current_dir(world.folder()).args(["run", "--log", "json"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap());
        Self { child: command.spawn().unwrap(), log }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    async fn has_said(&self, event: &str) {
        until(event, || self.said().contains(&format!("\"event\":\"{event}\""))).await;
    }

    fn signal(&self, name: &str) {
        support::signal::signal(self.child.id(), name);
    }

    async fn stop(mut self) -> String {
        self.signal("TERM");
        self.has_said("stopped").await;
        assert!(self.child.wait().unwrap().success());
        self.said()
    }
}

/// What a daemon says that may write no file of more than so many KiB: a full disk.
fn with_a_full_disk(world: &World, kib: u64) -> String {
    world.config();
    let script = format!("trap '' XFSZ; ulimit -f {}; exec '{BINARY}' run --log json", kib * 2);
    let mut command = Command::new("sh");
    command.current_dir(world.folder()).env_remove("NOTIFY_SOCKET").env_remove("MENTIOND_LOG");
    let full = command.arg("-c").arg(script).timeout(std::time::Duration::from_secs(60)).output().unwrap();
    let said = String::from_utf8_lossy(&full.stderr).into_owned();
    assert_eq!(full.status.code(), Some(1), "{said}");
    said
}

/// A state that is used already, and a new source with thirty long stories.
fn filling() -> World {
    let world = World::new().contact().feed("a", rss([entry("Acme story 0").id(0)])).watch("acme", "acme", BRAND);
    std::fs::write(world.folder().join("before.toml"), world.config_text()).unwrap();
    assert_eq!(mentiond(world.folder(), &["--config", "before.toml", "once"], "").code, 0);
    let text = "long ".repeat(2_000);
    let story = |n: u32| entry(&format!("Acme story {n}")).id(n).link(&format!("https://a.example/{n}")).text(&text);
    world.feed("b", rss((1..=30).map(story))).mail("max_per_hour = 1000")
}

/// What the daemon says when the disk is full before it has recorded them.
fn while_the_disk_fills(world: &World) -> String {
    let folders = [world.state(), world.state().join("seen")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let largest = files.map(|file| file.unwrap().metadata().unwrap().len()).max().unwrap();
    with_a_full_disk(world, largest / 1024 + 64)
}

#[tokio::test]
async fn trouble_1_nothing_comes_any_more() {
    let mut trouble = Trouble::new(1);
    let world = world().daemon(&format!("http = \"{}\"", free_address()));
    let daemon = Daemon::start(&world);
    until("an answer", || within(&world, &["health", "--ready"]).code == 0).await;
    trouble.hear(&daemon.stop().await);
    assert_eq!(trouble.hear_command(&world, &["health"]).code, 1);
    trouble.hear(&while_the_disk_fills(&filling()));
    trouble.is_as_the_runbook_says();

    let daemon = Daemon::start(&world);
    until("health", || within(&world, &["health"]).out == "ok\n").await;
    until("the mentions", || within(&world, &["mentions"]).out.contains("kettle")).await;
    assert!(within(&world, &["explain", "My Acme kettle"]).out.contains("acme"));
    daemon.stop().await;
}

#[tokio::test]
async fn trouble_2_mail_does_not_arrive() {
    let mut trouble = Trouble::new(2);
    // Nobody listens there.
    let there = world();
    let nowhere = free_address().port();
    let right = there.config_text();
    let wrong = right.replace(&format!("port = {}", there.relay.port()), &format!("port = {nowhere}"));
    let there = there.with_text(wrong);
    let daemon = Daemon::start(&there);
    daemon.has_said("relay_held").await;
    assert!(trouble.hear_command(&there, &["outbox"]).out.contains("no connection to the relay"));
    let there = there.with_text(right);
    there.config();
    daemon.signal("HUP");
    daemon.has_said("reloaded").await;
    assert_eq!(within(&there, &["outbox", "retry"]).code, 0);
    until("the mails", || there.mails_to(BRAND).len() == 2).await;
    trouble.hear(&daemon.stop().await);

    // A relay that has no time.
    let busy = world().relay_each(vec![Script::default().banner("421 4.3.2 too busy"), Script::default()]);
    let daemon = Daemon::start(&busy);
    daemon.has_said("relay_held").await;
    trouble.hear_command(&busy, &["outbox"]);
    assert_eq!(within(&busy, &["outbox", "retry"]).code, 0);
    until("the mails", || busy.mails_to(BRAND).len() == 2).await;
    trouble.hear(&daemon.stop().await);
    trouble.is_as_the_runbook_says();
}

#[tokio::test]
async fn trouble_3_one_address_gets_nothing() {
    let mut trouble = Trouble::new(3);
    let world = world().relay(Script::default().answer("RCPT TO:<brand@", "550 5.1.1 no such person"));
    let daemon = Daemon::start(&world);
    daemon.has_said("mail_failed").await;
    until("the others' mails", || world.mails_to("support@example.com").len() == 2).await;
    until("a report", || world.mails_to("ops@example.com").len() == 1).await;
    trouble.hear_command(&world, &["outbox", "--status", "failed"]);
    let failed = within(&world, &["outbox", "--status", "failed", "--json"]).json();
    for mail in failed["mails"].as_array().unwrap() {
        let id = mail["id"].to_string();
        assert_eq!(within(&world, &["outbox", "retry", &id, "--to", "right@example.com"]).code, 0);
    }
    until("the mails", || world.mails_to("right@example.com").len() == 2).await;
    trouble.hear(&daemon.stop().await);
    trouble.is_as_the_runbook_says();
}

#[tokio::test]
async fn trouble_4_a_source_is_failing() {
    let mut trouble = Trouble::new(4);
    let page = support::web::Reply::ok("<!DOCTYPE html><html><body><form>Log in</form></body></html>");
    // A name that no resolver knows (RFC 6761, 6.4), and an address of a private network that is not contacted.
    let world = world()
        .feed("page", page.header("Content-Type", "text/html"))
        .toml("[sources.typo]\nkind = \"feed\"\nurl = \"http://forum.invalid/feed\"\n")
        .toml("[sources.inside]\nkind = \"feed\"\nurl = \"http://10.255.255.1/feed\"\n");
    let daemon = Daemon::start(&world);
    until("three failures", || daemon.said().matches("\"event\":\"poll_failed\"").count() == 3).await;
    until("them in the list", || within(&world, &["sources"]).out.starts_with("4 sources: 3 failing, 1 ok.")).await;
    trouble.hear_command(&world, &["sources"]);
    for name in ["page", "typo", "inside"] {
        assert!(trouble.hear_command(&world, &["sources", name]).out.contains("error"));
    }
    trouble.hear(&daemon.said());
    trouble.is_as_the_runbook_says();

    let good = world.web.url("/forum");
    let text = world.config_text();
    let world = world.with_text(
        text.replace("http://forum.invalid/feed", good.as_str()).replace("http://10.255.255.1/feed", good.as_str()),
    );
    world.config();
    daemon.signal("HUP");
    daemon.has_said("reloaded").await;
    until("their end", || within(&world, &["sources"]).out.starts_with("4 sources: 1 failing, 3 ok.")).await;
    daemon.stop().await;
}

#[test]
fn trouble_5_a_source_shows_everything_as_new() {
    let mut trouble = Trouble::new(5);
    // A blog that has moved: the same posts with other addresses and ids.
    let blog = |host: &str| {
        rss((0..30).map(|n| {
            let url = format!("https://{host}.example/{n}");
            entry(&format!("Acme post number {n}")).id(&url).link(&url)
        }))
    };
    let world =
        World::new().contact().watch("acme", "acme", BRAND).mail("max_per_hour = 1000").feed("blog", blog("old"));
    assert_eq!(within(&world, &["once"]).code, 0);
    assert_eq!(world.mails_to(BRAND).len(), 30);
    world.serve("blog", blog("new"));
    let mut command = Command::new(BINARY);
    let round = command.current_dir(world.folder()).env("MENTIOND_LOG", "info").args(["once", "--log", "json"]);
    trouble.hear(&String::from_utf8_lossy(&round.output().unwrap().stderr));
    trouble.hear_command(&world, &["sources"]);
    trouble.hear_command(&world, &["sources", "blog"]);
    trouble.is_as_the_runbook_says();
    assert_eq!(world.mails_to(BRAND).len(), 30, "nobody got mails about them");
    assert!(within(&world, &["mentions", "--limit", "100"]).out.contains("Acme post number 7"));

    assert_eq!(within(&world, &["sources", "release", "blog"]).code, 0);
    assert_eq!(within(&world, &["once"]).code, 0);
    assert_eq!(world.mails_to(BRAND).len(), 60);
    assert!(!within(&world, &["sources"]).out.contains("held"));
}

#[tokio::test]
async fn trouble_6_the_mail_server_refuses_the_login() {
    let mut trouble = Trouble::new(6);
    let world = world()
        .relay(Script::default().login("mentions", "the new one"))
        .mail("username = \"mentions\"\npassword = { file = \"password\" }");
    let password = world.folder().join("password");
    std::fs::write(&password, "the old one").unwrap();
    let daemon = Daemon::start(&world);
    daemon.has_said("relay_locked").await;
    trouble.hear_command(&world, &["outbox"]);
    std::fs::write(&password, "the new one").unwrap();
    daemon.signal("HUP");
    until("the mails", || world.mails_to(BRAND).len() == 2).await;
    trouble.hear(&daemon.stop().await);

    let world = self::world().mail("tls = \"starttls\"");
    let daemon = Daemon::start(&world);
    daemon.has_said("relay_locked").await;
    trouble.hear_command(&world, &["outbox"]);
    trouble.hear(&daemon.stop().await);
    trouble.is_as_the_runbook_says();
    assert!(world.mails().is_empty(), "in the clear");
}

#[tokio::test]
async fn trouble_7_a_new_configuration_does_nothing() {
    let mut trouble = Trouble::new(7);
    let world = world();
    let daemon = Daemon::start(&world);
    until("the mails", || world.mails_to(BRAND).len() == 2).await;
    let good = world.config_text();
    let world = world.with_text(good.replace("handles", "handels"));
    world.config();
    daemon.signal("HUP");
    daemon.has_said("reload_failed").await;
    let checked = within(&world, &["check"]);
    assert_eq!(checked.code, 2);
    for words in ["handels", "handles"] {
        assert!(checked.err.contains(words) && daemon.said().contains(words), "{}", checked.err);
    }
    let world = world.with_text(good.replace("state = \"state\"", "state = \"elsewhere\""));
    world.config();
    daemon.signal("HUP");
    daemon.has_said("restart_needed").await;
    assert!(!world.folder().join("elsewhere").exists());
    let world = world.with_text(good.clone());
    std::fs::write(world.folder().join("new.toml"), good.replace("'acme'", "'weather'")).unwrap();
    let shown = within(&world, &["backtest", "new.toml"]);
    assert!(shown.code == 0 && shown.out.contains("Weather"), "{}{}", shown.out, shown.err);
    daemon.signal("HUP");
    daemon.has_said("reloaded").await;
    trouble.hear(&daemon.stop().await);
    trouble.is_as_the_runbook_says();
}

#[test]
fn trouble_8_the_disk_is_full() {
    let mut trouble = Trouble::new(8);
    let world = filling();
    trouble.hear(&while_the_disk_fills(&world));
    trouble.hear(&with_a_full_disk(&world, 16));
    trouble.is_as_the_runbook_says();
    assert_eq!(within(&world, &["health"]).code, 2, "`http` is off in this world");
    // With room again, all is found as if nothing had been.
    let once = within(&world, &["once", "--json"]);
    assert_eq!((once.code, &once.json()["mentions"]), (0, &json!(30)), "{}", once.err);
    assert_eq!(world.mails().len(), 31);
}

#[tokio::test]
async fn trouble_9_it_does_not_start_because_of_the_state() {
    let mut trouble = Trouble::new(9);
    let world = world();
    let daemon = Daemon::start(&world);
    until("the mails", || world.mails_to(BRAND).len() == 2).await;
    assert_eq!(trouble.hear_command(&world, &["run"]).code, 1);
    assert!(trouble.heard.contains(&format!("process {}", daemon.child.id())), "{}", trouble.heard);
    assert_eq!(within(&world, &["backup", "copy"]).code, 0, "while it runs");
    daemon.stop().await;

    let record = world.state().join("record.sqlite");
    let newer = || rusqlite::Connection::open(&record).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let interrupted = || std::fs::write(world.state().join("restoring"), "").unwrap();
    let damaged = || {
        let mut bytes = std::fs::read(&record).unwrap();
        bytes[..64].fill(b'x');
        std::fs::write(&record, bytes).unwrap();
    };
    let harms: [&dyn Fn(); 3] = [&newer, &interrupted, &damaged];
    for harm in harms {
        harm();
        for command in ["run", "once"] {
            assert_eq!(trouble.hear_command(&world, &[command]).code, 1);
        }
        let restored = within(&world, &["restore", "copy", "--force"]);
        assert_eq!(restored.code, 0, "{}{}", restored.out, restored.err);
        let once = within(&world, &["once", "--json"]);
        assert_eq!((once.code, &once.json()["mentions"]), (0, &json!(0)), "{}", once.err);
    }
    trouble.is_as_the_runbook_says();
    assert_eq!(world.mails_to(BRAND).len(), 2, "nothing is said again");

    // The index mends itself, when the next entry is looked up in it.
    for file in
        std::fs::read_dir(world.state().join("seen")).unwrap().map(|f| f.unwrap().path()).filter(|p| p.is_file())
    {
        std::fs::write(file, b"these bytes are not sled's").unwrap();
    }
    world.serve("forum", rss([entry("My Acme lamp flickers").id(9)]));
    let mut command = Command::new(BINARY);
    let round = command.current_dir(world.folder()).env("MENTIOND_LOG", "info").args(["once", "--log", "json"]);
    let said = String::from_utf8_lossy(&round.output().unwrap().stderr).into_owned();
    assert!(said.contains("index_damaged"), "{said}");
    assert_eq!(world.mails_to(BRAND).len(), 3);
}

#[tokio::test]
async fn trouble_10_too_many_mails_or_mails_for_the_wrong_people() {
    let mut trouble = Trouble::new(10);
    let story = |n: u32| entry(&format!("Acme story {n:03}")).id(n).link(&format!("https://a.example/{n}"));
    let world = world().feed("blog", rss((1..=10).map(story))).mail("max_per_hour = 3");
    let daemon = Daemon::start(&world);
    daemon.has_said("alerts_bundled").await;
    trouble.hear(&daemon.said());
    let mentions = within(&world, &["mentions", "--limit", "100", "--json"]).json();
    let wrong = mentions.as_array().unwrap().iter().find(|m| m.to_string().contains("part 1")).unwrap();
    let id = wrong["id"].to_string();
    let shown = trouble.hear_command(&world, &["mentions", &id]).out;
    for words in ["money back", "support", "handles"] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    trouble.is_as_the_runbook_says();

    let text = "It stopped working after a week. I want my money back.";
    let routed = within(&world, &["route", "test", text]);
    assert!(routed.code == 0 && routed.out.contains("support"), "{}", routed.out);
    let corrected = within(&world, &["mentions", "correct", &id, "--category", "praise", "--by", "ana"]);
    assert_eq!(corrected.code, 0, "{}", corrected.err);
    let quiet = world.config_text().replace("query = 'acme'", "query = 'acme -story'");
    std::fs::write(world.folder().join("new.toml"), quiet).unwrap();
    let counted = within(&world, &["backtest", "new.toml"]);
    assert!(counted.code == 0 && counted.out.contains("MAILS A DAY TO"), "{}{}", counted.out, counted.err);
    daemon.stop().await;
}
