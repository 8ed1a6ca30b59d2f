//! The command line as its users and scripts see it: exit codes, what goes where, and the forms of `--json`.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};

use assert_cmd::Command;
use serde_json::{Value, json};
use support::smtp::Script;
use support::world::{World, entry, free_address, rss, until};

const BINARY: &str = env!("CARGO_BIN_EXE_mentiond");
const BRAND: &str = "brand@example.com";

/// What a command did.
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Done {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

/// Runs a command with nothing of the tester's environment that it listens to.
fn mentiond(folder: &Path, arguments: &[&str], stdin: &str) -> Done {
    let mut command = Command::new(BINARY);
    for name in ["MENTIOND_CONFIG", "MENTIOND_LOG", "JOURNAL_STREAM", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    let output = command.current_dir(folder).args(arguments).write_stdin(stdin).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
}

/// The same in a world's folder, with its configuration in the usual place.
fn within(world: &World, arguments: &[&str]) -> Done {
    world.config();
    mentiond(world.folder(), arguments, "")
}

fn world() -> World {
    let story =
        |n: u32| entry(&format!("My Acme kettle broke, part {n}")).id(n).link(&format!("https://a.example/{n}"));
    let text = "It stopped working after a week. I want my money back.";
    World::new()
        .feed("forum", rss([story(1).text(text), story(2).text("I love it."), entry("Weather").id(3)]))
        .watch("acme", "acme", BRAND)
        .department("support", &["complaint", "refund", "technical", "unresolved"])
        .toml("role = \"community\"")
        .contact()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}")).keys().map(String::as_str).collect()
}

#[test]
fn help_names_every_command_of_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let help = mentiond(folder.path(), &["--help"], "");
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for command in
        ["run", "once", "check", "explain", "backtest", "evaluate", "mentions", "cases", "route", "sources", "outbox"]
    {
        assert!(
            help.out.lines().any(|l| l.trim_start().starts_with(&format!("{command} "))),
            "{command}: {}",
            help.out
        );
        let own = mentiond(folder.path(), &[command, "--help"], "");
        assert_eq!(own.code, 0, "{command}");
        assert_eq!(own.out.contains("--json"), command != "run", "{command} --json: {}", own.out);
    }
    assert_eq!(
        mentiond(folder.path(), &["--version"], "").out.trim(),
        format!("mentiond {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_usage_is_exit_2_with_nothing_on_stdout() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["onec"][..],
        &["once", "--jsno"],
        &[],
        &["once"],
        &["mentions", "--category", "anger"],
        &["--config", "no.toml", "check"],
    ] {
        let done = mentiond(folder.path(), arguments, "");
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!done.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn ten_mistakes_are_ten_messages_with_their_places_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let mistakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_configs/ten_mistakes.toml");
    std::fs::copy(mistakes, folder.path().join("mentiond.toml")).unwrap();
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    for command in
        [&["check"][..], &["once"], &["once", "--json"], &["run"], &["sources"], &["outbox"], &["mentions"], &["cases"]]
    {
        let done = mentiond(folder.path(), command, "");
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{command:?}: {}", done.err);
        assert_eq!(done.err.lines().filter(|l| l.starts_with("error: ")).count(), 10, "{command:?}: {}", done.err);
        let places = done.err.lines().filter(|l| l.trim_start().starts_with("--> mentiond.toml:"));
        assert_eq!(places.count(), 10, "{command:?}: {}", done.err);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before, "nothing was made");

    let machine = mentiond(folder.path(), &["check", "--json"], "");
    assert_eq!(machine.code, 2);
    let errors = machine.json();
    assert_eq!((errors["ok"].as_bool(), errors["errors"].as_array().unwrap().len()), (Some(false), 10));
    for error in errors["errors"].as_array().unwrap() {
        assert!(error["line"].is_u64() && error["column"].is_u64() && error["message"].is_string(), "{error}");
    }
}

#[test]
fn check_prints_what_would_run() {
    let world = world();
    let check = within(&world, &["check"]);
    assert_eq!(check.code, 0, "{}", check.err);
    for words in ["mentiond.toml is in order", "acme", "forum", BRAND, "support@example.com", "127.0.0.1"] {
        assert!(check.out.contains(words), "{words}: {}", check.out);
    }
    let json = within(&world, &["check", "--json"]).json();
    assert_eq!(keys(&json), BTreeSet::from(["ok", "warnings", "watchlists", "sources", "departments", "routes"]));
    assert!(world.web.visits().is_empty() && !world.state().exists(), "a check starts nothing");
}

#[test]
fn once_tells_on_stdout_and_its_json_has_the_keys_of_the_contract() {
    let world = world().feed("down", support::web::Reply::status(500));
    let first = within(&world, &["once", "--json"]);
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    let json = first.json();
    let contract = ["sources", "entries", "new_entries", "mentions", "duplicates", "cases_opened", "mail"];
    let more = ["failures", "timings_ms"];
    assert_eq!(keys(&json), contract.into_iter().chain(more).collect());
    assert_eq!(keys(&json["sources"]), BTreeSet::from(["polled", "unchanged", "failed", "resting"]));
    assert_eq!(keys(&json["mail"]), BTreeSet::from(["queued", "sent", "deferred", "failed"]));
    assert_eq!((&json["sources"]["polled"], &json["sources"]["failed"]), (&json!(2), &json!(1)));
    assert_eq!((&json["entries"], &json["new_entries"], &json["mentions"]), (&json!(3), &json!(3), &json!(2)));
    assert_eq!(json["mail"]["sent"], json!(world.mails().len()));
    for stage in
        ["fetch", "parse", "identify", "match", "classify_and_route", "record", "mark", "compose", "send", "settle"]
    {
        assert!(json["timings_ms"][stage].is_f64(), "{stage}");
    }
    let second = within(&world, &["once"]);
    assert_eq!((second.code, second.err.as_str()), (0, ""));
    assert!(second.out.contains("2 sources polled") && second.out.contains("Nothing new"), "{}", second.out);
    assert!(second.out.contains("  down: "), "a failure is named with its reason: {}", second.out);
}

#[test]
fn what_was_recorded_is_listed_and_shown() {
    let world = world();
    for command in ["mentions", "outbox", "cases"] {
        let done = within(&world, &[command]);
        assert_eq!((done.code, done.out.as_str()), (1, ""), "there is nothing yet: {}", done.err);
    }
    assert_eq!(within(&world, &["once"]).code, 0);
    let list = within(&world, &["mentions"]).out;
    assert!(list.starts_with("ID ") && list.lines().count() == 3, "{list}");
    let json = within(&world, &["mentions", "--json"]).json();
    let rows = json.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for field in ["id", "source", "entry", "watchlists", "classification", "decision", "story", "original", "case"] {
        assert!(keys(&rows[0]).contains(field), "{field}");
    }
    assert_eq!(within(&world, &["mentions", "--watchlist", "none", "--json"]).json(), json!([]));
    let one = within(&world, &["mentions", "1"]);
    for words in [
        "Mention 1 of story 1",
        "My Acme kettle broke, part 1",
        "watchlist   acme: acme",
        "category",
        "route",
        "mail        alert to brand@example.com: sent",
    ] {
        assert!(one.out.contains(words), "{words}: {}", one.out);
    }
    let missing = within(&world, &["mentions", "99"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""));
    assert!(missing.err.contains("no mention 99"), "{}", missing.err);
}

#[test]
fn a_mention_is_corrected_listed_exported_and_given_back() {
    let world = world();
    assert_eq!(within(&world, &["once"]).code, 0);
    let mentions = within(&world, &["mentions", "--json"]).json();
    let lovely = mentions.as_array().unwrap().iter().find(|m| m["entry"]["text"] == "I love it.").unwrap();
    let (id, was) = (lovely["id"].to_string(), lovely["classification"]["category"].clone());
    assert_ne!(was, "suggestion");

    for wrong in [&["mentions", "correct", &id][..], &["mentions", "correct", &id, "--category", "anger"]] {
        assert_eq!(within(&world, wrong).code, 2, "{wrong:?}");
    }
    let none = within(&world, &["mentions", "correct", "999", "--category", "praise"]);
    assert!(none.code == 1 && none.err.contains("no mention 999"), "{}", none.err);
    let text = ["mentions", "correct", &id, "--category", "suggestion", "--sentiment", "neutral", "--by", "Ana"];
    let done = within(&world, &text);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("correction 1"), "{}", done.out);

    let show = within(&world, &["mentions", &id]).out;
    assert!(show.contains("suggestion") && show.contains("corrected by Ana"), "{show}");
    let list = within(&world, &["mentions", "corrections", "--json"]).json();
    assert_eq!((&list[0]["category"], &list[0]["was_category"]), (&json!("suggestion"), &was));
    let export = within(&world, &["mentions", "corrections", "--export"]).out;
    assert!(export.lines().nth(1).unwrap().ends_with("I love it."), "{export}");
    let explained = within(&world, &["explain", "--json", "My Acme kettle broke, part 2. I love it."]).json();
    assert!(explained.to_string().contains("correction 1"), "{explained}");

    let undone = within(&world, &["mentions", "undo", "1"]);
    assert_eq!(undone.code, 0, "{}", undone.err);
    assert_eq!(within(&world, &["mentions", "undo", "1"]).code, 1);
    assert_eq!(within(&world, &["mentions", "--json", &id]).json()["classification"]["category"], was);
    let explained = within(&world, &["explain", "--json", "My Acme kettle broke, part 2. I love it."]).json();
    assert!(!explained.to_string().contains("correction 1"), "{explained}");
    let all = within(&world, &["mentions", "corrections", "--all", "--json"]).json();
    assert!(all[0]["undone"].is_string(), "{all}");
    assert_eq!(within(&world, &["mentions", "corrections", "--json"]).json(), json!([]));
}

#[test]
fn evaluate_compares_with_labels() {
    let folder = tempfile::tempdir().unwrap();
    let data = "text\tcategory\nThank you so much, great service!\tpraise\nI want my money back!\tquestion\n";
    std::fs::write(folder.path().join("a.tsv"), data).unwrap();
    let done = mentiond(folder.path(), &["evaluate", "a.tsv"], "");
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("accuracy 50.0 %") && done.out.contains("RIGHT ANSWER"), "{}", done.out);
    let json = mentiond(folder.path(), &["evaluate", "--json", "a.tsv"], "").json();
    assert_eq!(json[0]["confusion"]["question"]["refund"], 1, "{json}");
    std::fs::write(folder.path().join("b.tsv"), "a\tb\n1\t2\n").unwrap();
    let wrong = mentiond(folder.path(), &["evaluate", "b.tsv"], "");
    assert!(wrong.code == 1 && wrong.err.contains("nothing to compare"), "{}", wrong.err);
    assert_eq!(mentiond(folder.path(), &["evaluate"], "").code, 2);
}

#[test]
fn sources_are_an_array_with_the_fields_of_the_contract() {
    let world = world().feed("down", support::web::Reply::status(500));
    let fields = ["name", "kind", "url", "status", "error", "entries", "last_heard", "next_poll"];
    let check = |when: &str| {
        let json = within(&world, &["sources", "--json"]).json();
        for source in json.as_array().unwrap() {
            assert!(keys(source).is_superset(&BTreeSet::from(fields)), "{when}: {source}");
        }
        json
    };
    let before = check("before the first poll");
    assert_eq!((&before[0]["status"], &before[0]["last_heard"]), (&json!("new"), &Value::Null));
    assert_eq!(within(&world, &["once"]).code, 0);
    let after = check("after it");
    let of = |name: &str| after.as_array().unwrap().iter().find(|s| s["name"] == name).unwrap().clone();
    assert_eq!(
        (&of("forum")["status"], &of("forum")["entries"], &of("forum")["error"]),
        (&json!("ok"), &json!(3), &Value::Null)
    );
    assert_eq!(of("down")["status"], json!("failing"));
    assert!(of("down")["error"].as_str().unwrap().contains("500") && of("down")["next_poll"].is_string());
    assert!(within(&world, &["sources", "forum"]).out.contains("3 entries"));
    assert_eq!(within(&world, &["sources", "nobody"]).code, 2);
}

#[test]
fn cases_are_listed_shown_and_acted_on() {
    let world = world().toml("members = [{ name = \"Ana Ruiz\", email = \"ana@example.com\" }]");
    assert_eq!(within(&world, &["once"]).code, 0);
    let list = within(&world, &["cases", "--json"]).json();
    let [case] = list.as_array().unwrap().as_slice() else { panic!("{list}") };
    assert_eq!((case["id"].as_i64(), case["status"].as_str()), (Some(1), Some("open")));
    assert_eq!(case["owner"], json!({ "department": "support", "person": "ana@example.com" }));
    let table = within(&world, &["cases"]).out;
    assert!(table.contains("support (ana@example.com)") && table.contains("My Acme kettle broke"), "{table}");

    let done = within(&world, &["cases", "ack", "1", "--by", "ana@example.com"]);
    assert_eq!((done.code, done.out.trim()), (0, "Case 1 is acknowledged now, with support (ana@example.com)."));
    let again = within(&world, &["cases", "acknowledge", "1", "--by", "ana@example.com"]);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    assert!(again.err.contains("acknowledged already"), "{}", again.err);
    for (arguments, says) in [
        (&["cases", "answer", "1", "--by", "eve@example.net"][..], "eve@example.net is not known"),
        (&["cases", "close", "1"], "mentiond cases satisfied 1"),
        (&["cases", "unsatisfied", "1"], "was not answered yet"),
        (&["cases", "reopen", "1"], "has not ended"),
        (&["cases", "assign", "1", "--to", "nobody@example.net"], "nobody@example.net is not known"),
        (&["cases", "dismiss", "1", "--reason", " "], "say why"),
        (&["cases", "answer", "99"], "there is no case 99"),
        (&["cases", "show", "99"], "there is no case 99"),
    ] {
        let refused = within(&world, arguments);
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{arguments:?}");
        assert!(refused.err.contains(says), "{arguments:?}: {}", refused.err);
    }
    assert_eq!(within(&world, &["cases", "dismiss", "1"]).code, 2, "a reason is needed");

    let answered = within(&world, &["cases", "answer", "1", "--by", "ana@example.com", "--json"]).json();
    assert_eq!(answered["status"], "answered");
    assert_eq!(answered["answered"]["by"], "ana@example.com");
    assert_eq!(within(&world, &["cases", "resolve", "1"]).code, 0);
    assert_eq!(within(&world, &["cases", "satisfied", "1"]).code, 0);
    assert!(within(&world, &["cases"]).out.contains("No case is open."));
    assert_eq!(within(&world, &["cases", "--all", "--json"]).json()[0]["status"], "closed");
    assert_eq!(within(&world, &["cases", "--status", "closed", "--json"]).json().as_array().unwrap().len(), 1);
    let shown = within(&world, &["cases", "show", "1", "--json"]).json();
    let history: Vec<_> = shown["history"].as_array().unwrap().iter().map(|s| s["what"].as_str().unwrap()).collect();
    assert_eq!(history, ["opened", "acknowledged", "answered", "resolved", "satisfied", "closed"]);
    let words = within(&world, &["cases", "show", "1"]).out;
    for line in
        ["Case 1: closed", "opened, with support (ana@example.com): next in turn", "answered, by ana@example.com"]
    {
        assert!(words.contains(line), "{line}: {words}");
    }
    assert_eq!(within(&world, &["cases", "reopen", "1", "--reason", "wrong customer"]).code, 0);
    assert_eq!(within(&world, &["cases", "dismiss", "1", "--reason", "another Acme"]).code, 0);
    assert_eq!(within(&world, &["cases", "--all", "--json"]).json()[0]["reason"], "another Acme");
}

#[test]
fn route_test_says_which_route_takes_it_and_why_the_others_do_not() {
    let world = world().toml(
        "[departments.legal]\nemail = \"legal@example.com\"\nmembers = [{ name = \"Lea\", email = \"lea@example.com\" }]\n\
         [[routes]]\nwhen = 'category:praise sentiment:>=positive'\ndepartment = \"legal\"\n\
         [[routes]]\nwhen = 'kettle -category:praise -fine'\ndepartment = \"legal\"\ncase = true\n\
         [[routes]]\nwhen = 'acme'\ndepartment = \"support\"",
    );
    let text = "My Acme kettle stopped working after a week.";
    let done = within(&world, &["route", "test", text]);
    assert_eq!(done.code, 0, "{}", done.err);
    for line in
        ["not: category:praise, sentiment:>=positive", "kettle -category:praise -fine: takes it", "route       legal"]
    {
        assert!(done.out.contains(line), "{line}: {}", done.out);
    }
    assert!(!done.out.contains("route 3"), "{}", done.out);
    for (who, code) in [
        ("legal", 0),
        ("legal@example.com", 0),
        ("LEA@example.com", 0),
        ("support", 1),
        ("support@example.com", 1),
        ("nobody", 2),
    ] {
        let done = within(&world, &["route", "test", text, "--expect", who, "--json"]);
        assert_eq!(done.code, code, "{who}: {}", done.err);
        if code < 2 {
            let tested = &done.json()[0];
            assert_eq!(tested["as_expected"], json!(code == 0), "{who}");
            assert_eq!(tested["routes"][0]["unmet"], json!(["category:praise", "sentiment:>=positive"]));
            assert_eq!(
                (&tested["routes"][1]["takes"], &tested["route"]["department"]),
                (&json!(true), &json!("legal"))
            );
        }
    }
    // An excluded word that is there is why a route does not take it.
    let fine =
        within(&world, &["route", "test", "--json", "The kettle was fine until it stopped working. Terrible."]).json();
    assert_eq!(fine[0]["routes"][1]["unmet"], json!(["-fine"]));
    let hint = within(&world, &["route", "test", "Where can I buy one?"]);
    assert!(hint.out.contains("no route takes it") && hint.out.contains("handles = [\"question\"]"), "{}", hint.out);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(mentiond(folder.path(), &["route", "test", "x"], "").code, 2, "routes need a configuration");
}

#[test]
fn outbox_shows_what_is_stuck_and_retries_it() {
    let later = Script::default().answer("RCPT TO:<brand@", "451 4.7.1 greylisted");
    let world = world().relay_each(vec![later, Script::default()]);
    let first = within(&world, &["once"]);
    assert!(first.out.contains("`mentiond outbox` shows"), "{}", first.out);
    let stuck = within(&world, &["outbox", "--status", "deferred", "--json"]).json();
    assert_eq!(keys(&stuck), BTreeSet::from(["counts", "mails"]));
    assert_eq!((&stuck["counts"]["deferred"], stuck["mails"].as_array().unwrap().len()), (&json!(2), 2));
    assert!(stuck["mails"][0]["error"].as_str().unwrap().contains("greylisted"));
    assert!(within(&world, &["outbox"]).out.contains("greylisted"));
    let id = stuck["mails"][0]["id"].to_string();
    assert_eq!(within(&world, &["outbox", "retry", &id, "--json"]).json(), json!({ "retried": 1 }));
    assert_eq!(within(&world, &["outbox", "retry"]).code, 0);
    assert_eq!(within(&world, &["once", "--json"]).json()["mail"]["sent"], json!(2));
    assert_eq!(world.mails_to(BRAND).len(), 2);
}

#[test]
fn explain_says_what_would_happen_and_does_nothing() {
    let world = world();
    let text = "My Acme kettle broke after two days. I want my money back!";
    let words = within(&world, &["explain", text]);
    assert_eq!(words.code, 0, "{}", words.err);
    for part in
        ["watchlist   acme: acme", "language    en", "because", "route       support", "reply draft (en)", "sorry"]
    {
        assert!(words.out.contains(part), "{part}: {}", words.out);
    }
    std::fs::write(world.folder().join("feed.xml"), rss([entry("Acme"), entry("Nothing")])).unwrap();
    let listed = within(&world, &["explain", "feed.xml", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    // What is no mention is not answered.
    assert!(listed[0]["draft"]["text"].is_string() && listed[1]["draft"].is_null(), "{listed}");
    let url = world.web.url("/forum");
    let fetched = within(&world, &["explain", url.as_str(), "--json"]).json();
    assert_eq!(fetched.as_array().unwrap().len(), 3);
    assert!(!world.state().exists() && world.mails().is_empty());

    let folder = tempfile::tempdir().unwrap();
    let alone = mentiond(folder.path(), &["explain", "--json"], text);
    assert_eq!((alone.code, alone.json()[0]["category"].is_string()), (0, true), "without a configuration, from stdin");
    assert!(alone.err.contains("no configuration"), "{}", alone.err);
}

#[test]
fn explain_jsonl_answers_line_by_line_in_order_and_keeps_other_fields() {
    let world = world();
    world.config();
    let input = [
        json!({ "text": "Acme is great, thank you!", "gold": "praise", "nested": { "a": [1] } }).to_string(),
        json!({ "id": "own", "title": "Nothing", "text": "It rains." }).to_string(),
        String::new(),
        json!({ "text": "Acme owes me money.", "author": "Ana", "url": "https://a.example/1", "published": "2026-01-01T00:00:00Z" })
            .to_string(),
    ]
    .join("\n");
    let done = mentiond(world.folder(), &["explain", "--jsonl"], &input);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let lines: Vec<Value> = done.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    let contract =
        ["id", "watchlists", "language", "sentiment", "category", "categories", "severity", "flags", "cues", "route"];
    for line in &lines {
        assert!(keys(line).is_superset(&BTreeSet::from(contract)), "{line}");
        assert!(keys(&line["route"]).is_superset(&BTreeSet::from(["department", "copy", "deliver", "case", "why"])));
        assert_eq!(keys(&line["language"]), BTreeSet::from(["code", "confidence"]));
    }
    assert_eq!(
        (&lines[0]["id"], &lines[0]["gold"], &lines[0]["nested"]),
        (&json!(1), &json!("praise"), &json!({ "a": [1] }))
    );
    assert_eq!((&lines[1]["id"], &lines[1]["watchlists"]), (&json!("own"), &json!([])));
    assert_eq!((&lines[2]["watchlists"][0]["name"], &lines[2]["author"]), (&json!("acme"), &json!("Ana")));

    let bad =
        mentiond(world.folder(), &["explain", "--jsonl"], "{\"text\":\"one\"}\nnot json\n[1]\n{\"text\":\"four\"}\n");
    let lines: Vec<Value> = bad.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((bad.code, lines.len()), (1, 4));
    assert_eq!(lines.iter().map(|l| l["error"].is_string()).collect::<Vec<_>>(), [false, true, true, false]);
    assert!(bad.err.contains("2 lines"), "{}", bad.err);
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let world = world().feed("down", support::web::Reply::status(500));
    world.config();
    for arguments in [&["once"][..], &["check"], &["sources"], &["explain", "Acme"], &["chekc"]] {
        let output = Command::new(BINARY)
            .current_dir(world.folder())
            .args(arguments)
            .env("NO_COLOR", "1")
            .env("MENTIOND_LOG", "debug")
            .output()
            .unwrap();
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{arguments:?}");
    }
}

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
        let sent = std::process::Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status();
        assert!(sent.unwrap().success());
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
