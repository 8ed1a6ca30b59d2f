//! The secret of every kind, against services that repeat it in whatever they answer: it is seen nowhere but where it is
//! sent. And what is told when it is refused.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;

use mentiond::model::ErrorClass;
use mentiond::sources::table::{Positions, Session, Step, Walk};
use serde_json::json;

use crate::fake::reply;
use crate::kinds::{KINDS, source, table};
use crate::support::web::{Reply, Visit, Web};
use crate::support::world::World;

const CANARY: &str = "sesame-canary";
/// `app:sesame-canary` in Base64, as Basic has it.
const ENCODED: &str = "YXBwOnNlc2FtZS1jYW5hcnk";

fn clean(what: &str, text: &str) {
    for canary in [CANARY, ENCODED] {
        if let Some(at) = text.find(canary) {
            let from = text.floor_char_boundary(at.saturating_sub(300));
            panic!("{what}: {}", &text[from..text.floor_char_boundary(at + 100)]);
        }
    }
}

/// All that a request says; what its body says too, if that is a login.
fn echo(visit: &Visit) -> String {
    let headers: Vec<String> =
        visit.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect();
    let is_login = ["createSession", "access_token"].iter().any(|word| visit.path.contains(word));
    format!("bad key {}, {} {}", if is_login { CANARY } else { "" }, visit.path, headers.join(" "))
}

/// A mail server that refuses every login and repeats what it was told; its port.
fn refusing_mailbox() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let _ = stream.write_all(b"* OK [CAPABILITY IMAP4rev1] here\r\n");
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                let tag = line.split(' ').next().unwrap_or_default();
                let answer = match line.contains("CAPABILITY") {
                    true => format!("* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n"),
                    false => format!("{tag} NO [AUTHENTICATIONFAILED] not with {}\r\n", line.trim_end()),
                };
                if stream.write_all(answer.as_bytes()).is_err() {
                    break;
                }
                line.clear();
            }
        }
    });
    port
}

#[test]
fn no_answer_brings_a_secret_to_light() {
    let world = World::new().contact().daemon("http = \"127.0.0.1:8420\"");
    let web = Web::start();
    std::fs::write(world.folder().join("secret"), format!("{CANARY}\n")).unwrap();
    let server = web.url("/").as_str().trim_end_matches('/').to_owned();
    let mut tables: String = KINDS.iter().map(|kind| source(kind, &server)).collect();
    tables.push_str(
        "[sources.desk]\nkind = \"webhook\"\nproof = \"bearer\"\nsecret = { file = \"secret16\" }\n\
                     fields = { id = \"$.id\", text = \"$.text\" }\n",
    );
    std::fs::write(world.folder().join("secret16"), format!("{CANARY}-{CANARY}\n")).unwrap();
    tables.push_str(&format!(
        "[sources.box]\nkind = \"mailbox\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nusername = \"me\"\n\
         password = {{ file = \"secret\" }}\nuse = \"messages\"\n",
        refusing_mailbox()
    ));
    let world = world.toml("[watchlists.acme]\nquery = 'acme'\n").toml(&tables);
    let config = world.config();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_mentiond"))
            .arg("--config")
            .arg(&config)
            .args(arguments)
            .env("MENTIOND_LOG", "mentiond=trace,info")
            .output()
            .unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        clean(&format!("{arguments:?}"), &text);
        text
    };
    type Answer = fn(&Visit) -> Reply;
    let answers: [(&str, Answer); 8] = [
        ("401", |v| Reply::status(401).body(json!({"error": echo(v), "message": echo(v)}).to_string())),
        ("403 in words", |v| Reply::status(403).body(echo(v))),
        ("500", |v| Reply::status(500).body(format!("<html>{}</html>", echo(v)))),
        ("200 in words", |v| Reply::ok(echo(v))),
        ("200 and a page", |v| Reply::ok(format!("<html><body>{}", echo(v)))),
        ("302", |v| Reply::redirect(302, format!("http://192.0.2.7/login?back={}", v.path))),
        ("429", |v| Reply::status(429).header("retry-after", "1").body(json!({"error": echo(v)}).to_string())),
        ("200 and other JSON", |v| Reply::ok(json!({"error": echo(v), "errors": [{"message": echo(v)}]}).to_string())),
    ];
    for (name, answer) in answers {
        web.otherwise(answer);
        let summary = run(&["once", "--json"]);
        assert!(summary.contains("\"failed\""), "{name}: {summary}");
    }
    let told = format!("{}{}", run(&["sources"]), run(&["sources", "--json"]));
    assert!(told.contains("refused the login") || told.contains("was refused"), "{told}");
    // What is tried out, kind by kind: each says something of its own.
    for name in KINDS.iter().map(|kind| kind.name).chain(["desk", "box"]) {
        let tried = run(&["sources", "test", name]);
        assert!(tried.len() > 20, "{name}: {tried}");
    }
    for arguments in [&["check"][..], &["check", "--json"], &["outbox", "--json"], &["mentions", "--json"]] {
        run(arguments);
    }
    assert!(!world.mails_to("ops@example.com").is_empty(), "nobody was told");
    for mail in world.mails() {
        clean("a mail", &String::from_utf8_lossy(&mail.raw));
        clean("a mail", &mail.text);
    }
    clean("the record", &String::from_utf8_lossy(&std::fs::read(world.state().join("record.sqlite")).unwrap()));
    let sent = |visit: &Visit| !visit.path.contains("createSession") && echo(visit).contains(CANARY);
    assert!(web.visits().iter().any(sent), "no secret was ever sent");
}

/// Who is refused hears where a new secret is made, and where it belongs.
#[test]
fn a_refused_secret_says_where_to_make_a_new_one() {
    let not_json = "<html>";
    for (name, status, body, where_to) in [
        ("mastodon-search", 401, json!({"error": "The access token is invalid"}).to_string(), "/settings/applications"),
        ("mastodon-tags", 401, json!({"error": "This method requires an authenticated user"}).to_string(), "/settings/applications"),
        ("bluesky", 401, json!({"error": "AuthenticationRequired", "message": "Invalid identifier or password"}).to_string(),
            "https://bsky.app/settings/app-passwords"),
        ("github", 401, json!({"message": "Bad credentials"}).to_string(), "https://github.com/settings/tokens"),
        ("stackexchange", 400, json!({"error_id": 400, "error_name": "bad_parameter", "error_message": "key doesn't match a known application"}).to_string(),
            "https://stackapps.com"),
        ("youtube-search", 400, json!({"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}).to_string(),
            "https://console.cloud.google.com/apis/credentials"),
        ("youtube-comments", 400, json!({"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}).to_string(),
            "https://console.cloud.google.com/apis/credentials"),
        ("x", 401, json!({"title": "Unauthorized", "status": 401}).to_string(), "https://developer.x.com"),
        ("reddit", 401, json!({"message": "Unauthorized", "error": 401}).to_string(), "https://www.reddit.com/prefs/apps"),
        ("lemmy", 401, json!({"error": "incorrect_login"}).to_string(), "log in to the server again"),
        ("json-page", 401, not_json.to_owned(), "check the secret"),
    ] {
        let table = table(KINDS.iter().find(|kind| kind.name == name).unwrap());
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let mut walk = Walk::new(&table, Positions::default(), None::<Session>, now);
        let mut asked = 0;
        while let Step::Ask(_) = walk.step() {
            asked += 1;
            assert!(asked < 5, "{name} asks again and again");
            walk.answered(&reply(status, &body, vec![]));
        }
        let fault = walk.end().fault.unwrap();
        assert_eq!(fault.class, ErrorClass::Auth, "{name}: {}", fault.message);
        assert!(fault.message.contains(where_to) && fault.message.contains("secret"), "{name}: {}", fault.message);
    }
}
