//! Canaries: values that must never be seen in logs, errors, `--json` output, metrics or mails to the operator.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::smtp::Script;
use crate::support::web::Reply;
use crate::support::world::{World, entry, free_address, rss, until};

/// The SMTP password, the path of a Google Alert, a token in a query, and what stands before the `@` of an address.
const CANARIES: [&str; 4] = ["pw-canary-7731", "5550123774411990", "tok-canary-8842", "user-canary-9953"];

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Everything that every crate logs, of all tests of this process, from the first call on.
pub(crate) fn log() -> Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    let install = || {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    };
    LOG.get_or_init(install).clone()
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}

fn clean(what: &str, text: &str) {
    for canary in CANARIES {
        // Base64 of what AUTH sends holds the password too.
        assert!(!text.contains(canary), "{canary} in {what}:\n{text}");
    }
    assert!(!text.contains("cHctY2FuYXJ5LTc3MzE"), "the password in base64 in {what}:\n{text}");
}

#[tokio::test]
async fn secrets_are_seen_nowhere() {
    let log = log();
    let address = free_address();
    let repeated = format!("451 4.7.1 mentions:{} (cHctY2FuYXJ5LTc3MzE=) comes too often", CANARIES[0]);
    let world = World::new()
        .contact()
        .daemon(&format!("http = \"{address}\""))
        .relay_each(vec![
            Script::default().login("mentions", "another"),
            // This one repeats, as it was and as it was sent, what it was told.
            Script::default().login("mentions", CANARIES[0]).answer("RCPT TO:<brand@", &repeated),
        ])
        .mail("username = \"mentions\"\npassword = { file = \"password\" }")
        .watch("acme", "acme", "brand@example.com");
    std::fs::write(world.folder().join("password"), CANARIES[0]).unwrap();
    let token = format!("/feed?token={}", CANARIES[2]);
    let alert = format!("/alerts/feeds/{}/99", CANARIES[1]);
    world.web.on(&token, Reply::ok(rss([entry("Acme one").id(1)])));
    world.web.on("/moved", Reply::redirect(301, &token));
    world.web.on("/broken", Reply::redirect(302, format!("http://{}:x@192.0.2.1/?token={}", CANARIES[3], CANARIES[2])));
    let source = |name: &str, url: &str| format!("[sources.{name}]\nkind = \"feed\"\nurl = \"{url}\"\n");
    let tables: String = [("token", &*token), ("moved", "/moved"), ("broken", "/broken")]
        .iter()
        .map(|(name, path)| source(name, world.web.url(path).as_str()))
        .collect();
    // A name that no resolver knows (RFC 6761 section 6.4): nobody is contacted.
    let alert = source("alert", &format!("https://www.google.invalid{alert}"));
    let world = world.toml(&tables).toml(&alert);
    let text = world.config_text();

    let daemon = world.run();
    until("a refused login", || world.outbox().iter().any(|m| m.kind == "trouble" && m.error.is_none())).await;
    until("all polls", || world.record().source_states().unwrap().len() == 4).await;
    clean("/metrics", &daemon.get("/metrics").await.1);
    clean("/healthz", &daemon.get("/healthz").await.1);
    daemon.stop().await.unwrap();
    for _ in 0..4 {
        world.pass(jiff::SignedDuration::from_hours(13));
        let summary = world.once().await;
        clean("once --json", &summary.to_json().to_string());
    }
    assert!(!world.mails_to("ops@example.com").is_empty(), "the operator heard something to look through");
    for mail in world.mails() {
        clean("a mail", &String::from_utf8_lossy(&mail.raw));
        clean("a mail", &mail.text);
    }
    let quoted = |text: &str| text.contains("mentions:*** (***) comes too often");
    assert!(world.outbox().iter().any(|row| row.error.as_deref().is_some_and(quoted)), "{:?}", world.outbox());
    // An address that a feed has moved to is part of the record, with all that is in it; a password never is.
    for name in ["record.sqlite", "record.sqlite-wal"] {
        let bytes = std::fs::read(world.state().join(name)).unwrap_or_default();
        let held = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!held(CANARIES[0]) && !held("cHctY2FuYXJ5LTc3MzE"), "the password in {name}");
    }
    for row in world.outbox() {
        clean("the outbox", &format!("{row:?}"));
    }

    // What commands print.
    for arguments in [
        &["sources", "--json"][..],
        &["sources", "moved"],
        &["sources"],
        &["check"],
        &["check", "--json"],
        &["outbox", "--json"],
        &["outbox"],
        &["mentions"],
        &["mentions", "--json"],
        &["mentions", "1"],
        &["cases"],
        &["cases", "--json"],
        &["explain", "Acme one"],
        &["explain", "Acme one", "--json"],
        &["route", "test", "Acme one"],
        &["backtest", world.config().to_str().unwrap(), "--since", "7d"],
        &["backup", world.folder().join("copy").to_str().unwrap(), "--json"],
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_mentiond"))
            .arg("--config")
            .arg(world.config())
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        clean("stdout", &String::from_utf8_lossy(&output.stdout));
        clean("stderr", &String::from_utf8_lossy(&output.stderr));
    }
    // Errors of a configuration show lines, but not what is secret in them.
    let mistaken = text
        .replace("[sources.token]", "[sources.token]\nevry = \"1h\"")
        .replace("password = { file = \"password\" }", &format!("password = \"{}\"", CANARIES[0]));
    let mistaken =
        format!("{mistaken}\n{}", source("inside", &format!("http://{}:{}@example.com/", CANARIES[3], CANARIES[0])));
    let world = world.with_text(mistaken);
    let errors = mentiond::config::load(&world.config()).unwrap_err();
    let words = format!("{}\n{}\n{errors:?}", errors.render(false), errors.to_json());
    assert!(words.contains("evry") && words.contains("holds a password"), "{words}");
    clean("errors of the configuration", &errors.render(false));
    clean("errors of the configuration as JSON", &errors.to_json().to_string());

    let logged = log.text();
    assert!(logged.contains("poll_failed") && logged.contains("relay_held"), "the log was caught:\n{logged}");
    // Our own lines at every level, and those of others down to what the daemon shows.
    for line in logged.lines().filter(|l| l.contains("mentiond") || !(l.contains("TRACE") || l.contains("DEBUG"))) {
        clean("the log", line);
    }
}
