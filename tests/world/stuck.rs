//! `outbox`, `sources` and `cases` say first what stands still, and why.

use jiff::SignedDuration;

use crate::support::smtp::Script;
use crate::support::web::Reply;
use crate::support::world::{World, entry, rss};

fn printed(world: &World, arguments: &[&str]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mentiond"));
    let output = command.arg("--config").arg(world.config()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_outbox_says_first_what_is_stuck_and_why() {
    let world = World::new().feed("a", rss((1..=3).map(|n| entry(&format!("Acme {n}")).id(n)))).watch(
        "acme",
        "acme",
        "brand@example.com",
    );
    world.once().await;
    let words = printed(&world, &["outbox"]);
    assert!(words.contains("3 sent") && words.contains("Nothing is stuck."), "{words}");
    assert!(!words.contains("Stuck, oldest first"), "{words}");

    // Later ones wait, and however many were sent since, they come first.
    let world = world.relay(Script::default().banner("421 4.3.2 closed for today"));
    world.serve("a", rss((1..=4).map(|n| entry(&format!("Acme {n}")).id(n))));
    world.once().await;
    let words = printed(&world, &["outbox"]);
    let (stuck, newest) = words.split_once("\nNewest:").unwrap();
    assert!(stuck.contains("1 deferred") && stuck.contains("Stuck, oldest first"), "{words}");
    assert!(stuck.contains("closed for today") && newest.contains("sent"), "{words}");
    // A table alone for those who asked for one.
    assert!(!printed(&world, &["outbox", "--status", "sent"]).contains("tuck"), "{words}");
}

#[tokio::test]
async fn mail_that_nobody_sends_is_noticed() {
    let world = World::new().feed("a", rss([entry("Acme").id(1)])).watch("acme", "acme", "brand@example.com");
    world.once().await;
    let record = rusqlite::Connection::open(world.state().join("record.sqlite")).unwrap();
    record.execute("UPDATE outbox SET status = 'queued', finished = NULL, due = 1", []).unwrap();
    drop(record);
    let words = printed(&world, &["outbox"]);
    assert!(
        words.contains("1 mail is due for more than 15 minutes") && words.contains("does the daemon run?"),
        "{words}"
    );
}

#[tokio::test]
async fn sources_in_trouble_come_first() {
    let world = World::new()
        .feed("a-fine", rss([entry("Acme").id(1)]))
        .feed("b-broken", Reply::ok("<html><body><form>Log in</form></body></html>"))
        .watch("acme", "acme", "brand@example.com");
    world.once().await;
    let words = printed(&world, &["sources"]);
    assert!(words.starts_with("2 sources: 1 failing, 1 ok.\n"), "{words}");
    assert!(words.find("b-broken").unwrap() < words.find("a-fine").unwrap(), "{words}");
}

#[tokio::test]
async fn overdue_cases_come_first_with_who_was_told() {
    let text = "I want a refund for my Acme kettle, it broke and nobody helps me.";
    let world = World::new()
        .feed("a", rss([entry("Acme kettle broke").id(1).text(text).author("Ana"), entry("Acme pan bent").id(2).text(&text.replace("kettle", "pan")).author("Bo")]))
        .watch("acme", "acme", "brand@example.com")
        .toml("[departments.support]\nname = \"Support\"\nemail = \"support@example.com\"\nhandles = [\"complaint\", \"refund\", \"unresolved\", \"technical\"]\nacknowledge_within = \"1h\"\nhours = \"Mon-Sun 00:00-24:00\"");
    world.once().await;
    let words = printed(&world, &["cases"]);
    assert!(words.starts_with("2 cases: 2 open; 0 overdue.\n"), "{words}");
    // The older one is taken in time.
    printed(&world, &["cases", "ack", "2"]);
    world.pass(SignedDuration::from_mins(90));
    world.once().await;
    let words = printed(&world, &["cases"]);
    assert!(words.starts_with("2 cases: 1 open, 1 acknowledged; 1 overdue.\n"), "{words}");
    let first = words.lines().nth(2).unwrap();
    assert!(first.starts_with('1') && first.contains("acknowledge, owner told"), "{words}");
}
