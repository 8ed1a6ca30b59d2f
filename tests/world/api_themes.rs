//! `/api/v1/themes`: programs see and act on themes by the same rules as people do with the commands.

use serde_json::{Value, json};

use crate::api::{CARE, FULL, READ, ask, get, schema, valid};
use crate::support::world::{Running, World, entry, free_address, rss, until};

/// Four people with one trouble, two of another; `care` takes care of the first, `joy` of the second.
async fn started() -> (World, Running) {
    let said = [
        ("Jens Hansen", "The Acme app logs me out every five minutes since the last update. Not working at all!"),
        ("Maria Silva", "Since the update the Acme app logs me out all the time. The app is not working."),
        ("Ole Berg", "Acme app logs me out again and again since the update, it is not working."),
        ("Kim Sand", "The Acme app logs me out since the update, every single time. Not working."),
        ("Ana Diaz", "When does the Acme shop in Aarhus open on Sundays?"),
        ("Lone Friis", "Does anybody know when the Acme shop in Aarhus opens on Sundays?"),
    ];
    let posts = said.iter().enumerate().map(|(n, (author, text))| {
        entry(&format!("Acme {n}")).id(n).link(&format!("https://forum.example/{n}")).author(author).text(text)
    });
    let world = World::new()
        .daemon(&format!("http = \"{}\"", free_address()))
        .feed("forum", rss(posts))
        .watch("acme", "acme", "brand@example.com")
        .department("care", &["complaint", "technical"])
        .department("joy", &["question"]);
    let mut tables = String::new();
    for (name, secret, more) in [
        ("reader", READ, ""),
        ("all", FULL, "full = true\nscope = \"act\""),
        ("team", CARE, "departments = [\"care\"]\nscope = \"act\"\nby = \"care@example.com\""),
    ] {
        std::fs::write(world.folder().join(name), secret).unwrap();
        tables += &format!("[tokens.{name}]\nsecret = {{ file = \"{name}\" }}\n{more}\n");
    }
    let world = world.toml(&tables);
    world.once().await;
    let daemon = world.run();
    let state = world.state();
    until("the daemon listens", || state.join("control.sock").exists()).await;
    (world, daemon)
}

async fn act(daemon: &Running, id: i64, token: &str, body: Value) -> (u16, Value) {
    let said = ask(daemon, "POST", &format!("/api/v1/themes/{id}/actions"), token, "", &body.to_string()).await;
    let name = if said.status == 200 { "WholeTheme" } else { "Problem" };
    assert_eq!(valid(&schema(name), &said.body), [] as [&str; 0], "{body}: {}", said.body);
    (said.status, said.body)
}

#[tokio::test]
async fn a_program_reads_and_acts_on_themes() {
    let (_world, daemon) = started().await;
    let all = get(&daemon, "/api/v1/themes?all=true", FULL).await;
    let items = all.body["items"].as_array().unwrap();
    let of =
        |people: u64| items.iter().find(|t| t["people"] == people).unwrap_or_else(|| panic!("{people}: {items:#?}"));
    let (app, shop) = (of(4)["id"].as_i64().unwrap(), of(2)["id"].as_i64().unwrap());
    assert_eq!(of(4)["status"], "open");
    assert!(get(&daemon, "/api/v1/themes", CARE).await.ids().contains(&app));
    assert!(!get(&daemon, "/api/v1/themes?all=true", CARE).await.ids().contains(&shop), "another department's");
    assert_eq!(get(&daemon, &format!("/api/v1/themes/{shop}"), CARE).await.status, 404);
    assert_eq!(get(&daemon, "/api/v1/themes?status=burning", FULL).await.status, 400);
    let one = get(&daemon, &format!("/api/v1/themes/{app}"), FULL).await.body;
    assert_eq!(one["items"].as_array().unwrap().len(), 4);
    assert!(one["items"][1]["why"].is_string(), "{one}");
    let masked = get(&daemon, &format!("/api/v1/themes/{app}"), READ).await.body;
    assert!(masked["items"][1]["why"].is_null(), "words that people wrote");
    let mentions: Vec<i64> = one["items"].as_array().unwrap().iter().map(|m| m["mention"].as_i64().unwrap()).collect();

    // Nothing is done that the token or the rules do not allow.
    for (token, id, body, status) in [
        (READ, app, json!({ "action": "close" }), 403),
        (CARE, shop, json!({ "action": "close" }), 404),
        (FULL, 999, json!({ "action": "close" }), 404),
        (FULL, app, json!({ "action": "burn" }), 400),
        (FULL, app, json!({ "action": "close", "by": "eve@example.net" }), 400),
        (FULL, app, json!({ "action": "rename", "name": "  " }), 400),
        (FULL, app, json!({ "action": "rename" }), 400),
        (FULL, app, json!({ "action": "merge" }), 400),
        (FULL, app, json!({ "action": "merge", "into": app }), 400),
        (FULL, app, json!({ "action": "merge", "into": 999 }), 400),
        (CARE, app, json!({ "action": "merge", "into": shop }), 400),
        (FULL, app, json!({ "action": "split" }), 400),
        (FULL, app, json!({ "action": "split", "mentions": [] }), 400),
        (FULL, app, json!({ "action": "split", "mentions": [9_999] }), 400),
        (FULL, app, json!({ "action": "split", "mentions": mentions }), 400),
        (FULL, app, json!({ "action": "split", "mentions": "all" }), 400),
    ] {
        let (said, problem) = act(&daemon, id, token, body.clone()).await;
        assert_eq!(said, status, "{body}: {problem}");
    }
    assert_eq!(get(&daemon, &format!("/api/v1/themes/{app}"), FULL).await.body, one, "and nothing was");

    let (status, renamed) = act(&daemon, app, CARE, json!({ "action": "rename", "name": "Logged out" })).await;
    assert_eq!((status, renamed["name"].as_str()), (200, Some("Logged out")));
    assert_eq!(renamed["history"].as_array().unwrap().last().unwrap()["by"], "care@example.com");
    let (status, parted) = act(&daemon, app, FULL, json!({ "action": "split", "mentions": [mentions[3]] })).await;
    let new = parted["id"].as_i64().unwrap();
    assert_eq!((status, parted["people"].as_u64(), new == app), (200, Some(1), false));
    let (status, whole) = act(&daemon, new, FULL, json!({ "action": "merge", "into": app })).await;
    assert_eq!((status, whole["id"].as_i64(), whole["people"].as_u64()), (200, Some(app), Some(4)));
    assert_eq!(act(&daemon, new, FULL, json!({ "action": "close" })).await.0, 409, "it is part of another one");
    let (status, closed) = act(&daemon, app, FULL, json!({ "action": "close", "reason": "mended" })).await;
    assert_eq!((status, closed["status"].as_str()), (200, Some("closed")));
    assert_eq!(closed["history"].as_array().unwrap().last().unwrap()["by"], "token:all", "{closed}");
    assert_eq!(closed["closed"]["by"], "token:all");
    assert_eq!(act(&daemon, app, FULL, json!({ "action": "close" })).await.0, 409);
    daemon.stop().await.unwrap();
}
