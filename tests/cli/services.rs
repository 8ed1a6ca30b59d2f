//! `sources test`, and what `sources` shows of quotas and costs.

use super::*;
use crate::support::imap::ImapHost;
use crate::support::web::Reply;

/// Has a source asked once, so that the path is known that it asks for; then `body` is there.
fn serve(world: &World, name: &str, body: &Value) {
    within(world, &["sources", "test", name]);
    let path = world.web.visits().pop().expect("it was asked").path;
    world.web.on(&path, Reply::ok(body.to_string()));
}

#[test]
fn sources_test_asks_once_shows_what_would_come_and_records_nothing() {
    let world = World::new().watch("acme", "acme", BRAND);
    let server = world.web.url("/");
    let world = world.toml(&format!("[sources.forum]\nkind = \"discourse\"\nserver = \"{server}\"\nall = \"yes\"\n"));
    let post = |id: u64, text: &str| {
        json!({"id": id, "post_url": format!("/t/x/5/{id}"), "name": "Ana", "username": "ana", "cooked": text,
            "created_at": "2026-11-20T08:00:00Z", "reply_count": 2, "topic_id": 5, "topic_title": "Kettles"})
    };
    world.web.on("/posts.json", Reply::status(403).body(json!({"error_type": "not_logged_in"}).to_string()));
    let refused = within(&world, &["sources", "test", "forum"]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("this forum is shown to members only"), "{}", refused.err);

    let list = json!({"latest_posts": [post(9, "<p>my acme kettle</p>"), post(8, "<p>tea</p>")]});
    world.web.on("/posts.json", Reply::ok(list.to_string()));
    let before = world.web.visits().len();
    let shown = within(&world, &["sources", "test", "forum"]);
    assert_eq!((shown.code, world.web.visits().len() - before), (0, 1), "{}", shown.err);
    for words in [&format!("GET {server}posts.json") as &str, "my acme kettle", "matches acme", "matches no watchlist"]
    {
        assert!(shown.out.contains(words), "{words}: {}", shown.out);
    }
    assert!(shown.out.contains("2 entries, of which 1 match; nothing was recorded."), "{}", shown.out);
    let told = within(&world, &["sources", "test", "forum", "--json"]).json();
    assert_eq!(told["entries"][0]["watchlists"], json!(["acme"]));
    assert_eq!(told["entries"][0]["entry"]["engagement"], json!({ "replies": 2 }), "unknown is not 0");
    assert!(!world.state().join("record.sqlite").exists() && world.mails().is_empty());

    let unknown = within(&world, &["sources", "test", "forums"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("no source is called forums"), "{}", unknown.err);
}

#[test]
fn sources_shows_what_is_left_of_a_quota_and_what_a_month_cost() {
    let world = World::new().watch("acme", "acme", BRAND);
    std::fs::write(world.folder().join("key"), "key-canary-3391\n").unwrap();
    let server = world.web.url("/");
    let world = world.toml(&format!(
        "[sources.birds]\nkind = \"x\"\nserver = \"{server}\"\nspend_cap = 25\nsecret = {{ file = \"key\" }}\n\
         [sources.videos]\nkind = \"youtube\"\nserver = \"{server}\"\nchannels = [\"UC1\"]\nsecret = {{ file = \"key\" }}\n"
    ));
    let tweet =
        |id: u64| json!({"id": id.to_string(), "text": "acme", "author_id": "7", "created_at": "2026-11-20T08:00:00Z"});
    serve(
        &world,
        "birds",
        &json!({"data": [tweet(2), tweet(1)], "includes": {"users": [{"id": "7", "name": "Ana", "username": "ana"}]},
            "meta": {"result_count": 2}}),
    );
    let asked = world.web.visits().pop().unwrap();
    assert_eq!(asked.headers.iter().find(|(name, _)| name == "authorization").unwrap().1, b"Bearer key-canary-3391");
    serve(&world, "videos", &json!({ "items": [] }));
    assert!(
        world.web.visits().pop().unwrap().path.ends_with("&key=key-canary-3391"),
        "a trial is made with the secret"
    );
    let done = within(&world, &["once"]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);

    let told = within(&world, &["sources", "--json"]).json();
    let of = |name: &str| told.as_array().unwrap().iter().find(|s| s["name"] == name).unwrap().clone();
    assert_eq!(of("birds")["spent_this_month"], json!({"amount": 0.02, "cap": 25.0, "currency": "USD"}));
    assert_eq!((&of("birds")["quota_left"], &of("videos")["spent_this_month"]), (&Value::Null, &Value::Null));
    assert_eq!(of("videos")["quota_left"], json!(9_999));
    let shown = within(&world, &["sources"]).out;
    assert!(shown.contains("ALLOWANCE") && shown.contains("9999 requests left"), "{shown}");
    assert!(shown.contains("0.02 of 25.00 USD spent this month"), "{shown}");
    let one = within(&world, &["sources", "birds"]).out;
    assert!(one.contains("allowance    0.02 of 25.00 USD spent this month"), "{one}");
    assert!(!format!("{told}{shown}{one}{}{}", done.out, done.err).contains("canary"));
}

#[test]
fn sources_test_of_a_mailbox_logs_in_and_shows_the_newest_headers_without_marking_them() {
    let Some(host) = ImapHost::start() else { return };
    for n in 1..=7 {
        let mail = format!(
            "From: Ana Ruiz <ana{n}@example.com>\nTo: hi@example.com\nSubject: Kettle {n}\n\
             Date: Fri, 20 Nov 2026 08:0{n}:00 +0000\nMessage-ID: <{n}@example.com>\n\nMy words {n}.\n"
        );
        host.deliver("support", &mail);
    }
    let world = World::new().watch("acme", "acme", BRAND).toml(&host.source("care", "support", "use = \"messages\""));
    let told = within(&world, &["sources", "test", "care", "--json"]).json();
    assert_eq!(told["messages"], 7);
    let subjects: Vec<_> = told["newest"].as_array().unwrap().iter().map(|m| m["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["Kettle 7", "Kettle 6", "Kettle 5", "Kettle 4", "Kettle 3"]);
    assert_eq!(told["newest"][0]["from"], "Ana Ruiz <ana7@example.com>");
    let shown = within(&world, &["sources", "test", "care"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(shown.out.contains("holds 7 messages") && !shown.out.contains("My words"), "{}", shown.out);
    assert_eq!(host.seen("support").0, 0, "nothing is marked as read");
    host.forget_password("wrong-canary-8121");
    let refused = within(&world, &["sources", "test", "care"]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("refused the login") && !refused.err.contains("canary"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_test_listens_to_a_stream_and_shows_first_what_matches() {
    use crate::support::jetstream::{Jetstream, Wrong};
    let server = Jetstream::start().await;
    let world = World::new()
        .watch("acme", "acme", BRAND)
        .toml(&format!("[sources.sky]\nkind = \"jetstream\"\nservers = [\"{}\"]\n", server.url()));
    // It is listened to from now on, so posts must come while it is.
    let server = std::sync::Arc::new(server);
    let talking = tokio::spawn({
        let server = std::sync::Arc::clone(&server);
        async move {
            for n in 0.. {
                let text = if n % 10 == 9 { "my acme kettle" } else { "tea" };
                server.post(i64::MAX, &format!("p{n}"), text);
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        }
    });
    let world = std::sync::Arc::new(world);
    let test = |world: &std::sync::Arc<World>| {
        let world = std::sync::Arc::clone(world);
        tokio::task::spawn_blocking(move || within(&world, &["sources", "test", "sky"]))
    };
    let shown = test(&world).await.unwrap();
    assert_eq!(shown.code, 0, "{}", shown.err);
    let first = shown.out.lines().position(|line| line.contains("matches acme"));
    let other = shown.out.lines().position(|line| line.contains("matches no watchlist"));
    assert!(first.is_some() && (other.is_none() || first < other), "{}", shown.out);
    assert!(shown.out.contains("GET ws://127.0.0.1") && shown.out.contains("nothing was recorded"), "{}", shown.out);
    talking.abort();
    server.wrong([Wrong::Refuse(403, "no")]);
    let refused = test(&world).await.unwrap();
    assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{}", refused.err);
    assert!(!world.state().join("record.sqlite").exists());
}

#[test]
fn sources_test_says_where_others_push_and_reads_files() {
    let world = World::new().watch("acme", "acme", BRAND);
    std::fs::write(world.folder().join("hook"), "hook-canary-0123456789\n").unwrap();
    std::fs::create_dir(world.folder().join("feeds")).unwrap();
    let feed = "<rss version=\"2.0\"><channel><title>t</title><item><guid>1</guid><title>my acme kettle</title></item></channel></rss>";
    std::fs::write(world.folder().join("feeds/one.xml"), feed).unwrap();
    let tables = "[sources.desk]\nkind = \"webhook\"\nsecret = { file = \"hook\" }\nfields = { id = \"$.id\", text = \"$.text\" }\n\
                  [sources.files]\nkind = \"feed\"\npath = \"feeds\"\n";
    let world = world.daemon("http = \"127.0.0.1:8420\"").toml(tables);
    let shown = within(&world, &["sources", "test", "desk"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    for words in ["http://127.0.0.1:8420/hooks/desk", "X-Hub-Signature-256: sha256=$signature", "openssl dgst -sha256"]
    {
        assert!(shown.out.contains(words), "{words}: {}", shown.out);
    }
    let told = within(&world, &["sources", "test", "desk", "--json"]).json();
    assert_eq!((&told["proof"], &told["header"]), (&json!("hmac-sha256"), &json!("X-Hub-Signature-256")));
    assert!(!format!("{}{}{told}", shown.out, shown.err).contains("canary"));
    let read = within(&world, &["sources", "test", "files"]);
    assert_eq!(read.code, 0, "{}", read.err);
    assert!(read.out.contains("matches acme") && read.out.contains("1 entry, of which 1 match"), "{}", read.out);
    std::fs::write(world.folder().join("feeds/one.xml"), "<html><body>no feed</body></html>").unwrap();
    let wrong = within(&world, &["sources", "test", "files"]);
    assert_eq!((wrong.code, wrong.err.contains("one.xml")), (1, true), "{}", wrong.err);
}
