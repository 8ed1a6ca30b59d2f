//! Whole rounds against a fake web: from the service to the mail, with the secret where it belongs and nowhere else.

use jiff::SignedDuration;
use serde_json::json;

use crate::support::web::Reply;
use crate::support::world::World;

/// The table of README's walk-through, at another address.
fn walk_through(server: &str) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let table = readme.split("\n```toml\n[sources.helpdesk]\n").nth(1).unwrap().split("\n```").next().unwrap();
    let table = format!("[sources.helpdesk]\n{table}\n");
    let lines = table.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 25, "the walk-through has {lines} lines");
    table.replace("https://help.example.com/api", server).replace("{ env = \"HELPDESK_KEY\" }", "{ file = \"key\" }")
}

fn question(number: u64, text: &str, at: jiff::Timestamp) -> serde_json::Value {
    json!({"number": number, "subject": "A question", "body": format!("<p>{text}</p>"), "person": {"login": "ana"},
        "asked_at": at.as_second(), "votes": 3, "answers": null})
}

#[tokio::test]
async fn readme_s_walk_through_finds_what_a_service_says_and_tells_it_once() {
    let world = World::new().contact().watch("acme", "acme -skates", "brand@example.com");
    std::fs::write(world.folder().join("key"), "key-canary-5512\n").unwrap();
    let table = walk_through(&format!("{}api", world.web.url("/")));
    let world = world.toml(&table);
    let start = world.clock.now();
    let path = |since: jiff::Timestamp, page: u32| {
        format!("/api/questions?search=acme&from={}&page={page}", since.as_second())
    };
    let first_since = start - SignedDuration::from_hours(24);
    let full: Vec<_> = (0..20).map(|n| question(100 - n, &format!("number {n} about acme things"), start)).collect();
    world.web.on(&path(first_since, 1), Reply::ok(json!({ "questions": full }).to_string()));
    let rest = [question(50, "acme chairs wobble badly here", start), question(49, "acme skates", start)];
    world.web.on(&path(first_since, 2), Reply::ok(json!({ "questions": rest }).to_string()));

    let round = world.once().await;
    let asked: Vec<_> = world.web.visits().into_iter().map(|visit| visit.path).collect();
    assert_eq!(round.failures, [], "{asked:?}");
    assert_eq!((round.entries, round.mentions + round.duplicates), (22, 21));
    let shown = world.mentions();
    let one = shown.iter().find(|row| row.mention.entry.text.contains("wobble")).unwrap();
    let entry = &one.mention.entry;
    assert_eq!(entry.url.as_deref(), Some("https://help.example.com/questions/50"));
    assert_eq!(entry.author.as_ref().unwrap().name, "ana");
    assert_eq!((entry.engagement.likes, entry.engagement.replies), (Some(3), None), "unknown is not 0");
    assert!(world.web.visits().iter().all(|v| v.header("x-api-key").as_deref() == Some("key-canary-5512")));

    // The next time only what is new is told; what overlaps is known.
    world.pass(SignedDuration::from_mins(30));
    let since = start - SignedDuration::from_mins(10);
    let again = [
        question(101, "acme again, something else entirely now", world.clock.now()),
        question(100, "number 0 about acme things", start),
    ];
    world.web.on(&path(since, 1), Reply::ok(json!({ "questions": again }).to_string()));
    let round = world.once().await;
    assert_eq!((round.failures.len(), round.entries, round.new_entries), (0, 2, 1));

    // Too fast: the service's own words decide, and what it may not see is nowhere.
    world.pass(SignedDuration::from_mins(30));
    let since = world.clock.now() - SignedDuration::from_mins(40);
    world.web.on(&path(since, 1), Reply::status(400).body(json!({ "code": "too_fast" }).to_string()));
    let round = world.once().await;
    assert_eq!(round.failures.len(), 1);
    assert!(round.failures[0].1.contains("it wants fewer requests"), "{:?}", round.failures);
    let states = world.record().source_states().unwrap();
    let state = &states["helpdesk"];
    assert_eq!(state.health.error_class, Some(mentiond::model::ErrorClass::RateLimited));
    let everything = format!("{state:?} {round:?} {:?}", world.mails());
    assert!(!everything.contains("canary"), "the secret is shown");
}

/// It has only page 1, whatever page it is asked for. That is seen, said where the operator looks, and no reason to ask on.
#[tokio::test]
async fn a_service_that_shows_its_first_page_again_and_again_is_said_not_to_page() {
    let world = World::new().watch("acme", "acme", "brand@example.com");
    let url = world.web.url("/list");
    let world = world.toml(&format!(
        "[sources.desk]\nkind = \"json\"\nurl = \"{url}\"\nparams = {{ p = \"{{page}}\" }}\nitems = \"$\"\n\
         paging = {{ by = \"page\" }}\nfields = {{ id = \"$.number\", text = \"$.body\", published = \"$.asked_at\" }}\n"
    ));
    let now = mentiond::clock::Clock::system().now();
    let list: Vec<_> = (0..5).map(|n| question(n, &format!("acme and other things {n}"), now)).collect();
    world.web.otherwise(move |_| Reply::ok(json!(list).to_string()));
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mentiond"));
        let output = command.arg("--config").arg(world.config()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let round: serde_json::Value = serde_json::from_str(&run(&["once", "--json"])).unwrap();
    assert_eq!((&round["sources"]["failed"], &round["new_entries"]), (&json!(0), &json!(5)), "{round}");
    assert_eq!(world.web.visits().len(), 2, "it is not asked for further pages");
    for arguments in [&["sources"][..], &["sources", "desk"], &["sources", "--json"]] {
        let said = run(arguments);
        assert!(said.contains("the same 5 entries as page 1 and as page 2"), "{arguments:?}: {said}");
    }

    // One that stays at its last page has been read to its end.
    let world = World::new().watch("acme", "acme", "brand@example.com");
    let url = world.web.url("/list");
    let now = world.clock.now();
    let world = world.toml(&format!(
        "[sources.desk]\nkind = \"json\"\nurl = \"{url}\"\nparams = {{ p = \"{{page}}\" }}\nitems = \"$\"\n\
         paging = {{ by = \"page\" }}\nfields = {{ id = \"$.number\", text = \"$.body\", published = \"$.asked_at\" }}\n"
    ));
    let page = move |numbers: std::ops::Range<u64>| {
        Reply::ok(json!(numbers.map(|n| question(n, &format!("acme {n}"), now)).collect::<Vec<_>>()).to_string())
    };
    world.web.on("/list?p=1", page(0..5));
    world.web.otherwise(move |_| page(5..9));
    let round = world.once().await;
    assert_eq!((round.failures.len(), round.entries, world.web.visits().len()), (0, 9, 3));
    assert!(world.record().last_gaps().unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_secret_is_told_once_and_never_shown_or_carried_elsewhere() {
    let world = World::new().contact().watch("acme", "acme", "brand@example.com");
    std::fs::write(world.folder().join("key"), "key-canary-7719\n").unwrap();
    let other = crate::support::web::Web::start();
    let table = |name: &str, auth: &str| {
        format!(
            "[sources.{name}]\nkind = \"json\"\nurl = \"{}\"\nauth = \"{auth}\"\nsecret = {{ file = \"key\" }}\n\
             items = \"$\"\nfields = {{ id = \"$.id\" }}\n",
            world.web.url(&format!("/{name}"))
        )
    };
    let tables = [table("refused", "bearer"), table("moved", "query:key"), table("away", "header:x-key")].join("\n");
    world.web.on("/refused", Reply::status(401));
    world.web.on("/moved?key=key-canary-7719", Reply::redirect(302, other.url("/elsewhere").as_str()));
    world.web.on("/away", Reply::redirect(301, other.url("/elsewhere").as_str()));
    let world = world.toml(&tables);
    for _ in 0..3 {
        world.once().await;
        world.pass(SignedDuration::from_hours(2));
    }
    assert_eq!(other.connections(), 0, "a secret was carried to another host");
    let mails = world.mails();
    let about = |name: &str| mails.iter().filter(|m| m.subject.contains(&format!("ource {name} "))).count();
    assert_eq!((about("refused"), about("moved"), about("away")), (1, 1, 1));
    let everything = format!("{mails:?} {:?}", world.record().source_states().unwrap());
    assert!(!everything.contains("canary"), "the secret is shown");
}
