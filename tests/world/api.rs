//! `/api/v1`, asked over HTTP: who may see what, paging, queries, actions, and that every answer is what the OpenAPI
//! document says.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use mentiond::web::api;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::world::{Running, World, entry, free_address, rss};

pub(crate) const READ: &str = "read-read-read-read-read-read";
pub(crate) const FULL: &str = "full-full-full-full-full-full";
pub(crate) const CARE: &str = "care-care-care-care-care-care";

/// An answer.
pub(crate) struct Said {
    pub(crate) status: u16,
    headers: String,
    pub(crate) body: Value,
}

impl Said {
    fn header(&self, name: &str) -> Option<String> {
        self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    pub(crate) fn ids(&self) -> Vec<i64> {
        self.body["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    }
}

pub(crate) async fn ask(daemon: &Running, method: &str, path: &str, token: &str, more: &str, body: &str) -> Said {
    let mut stream = TcpStream::connect(daemon.http.unwrap()).await.unwrap();
    let length = body.len();
    let sign = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{sign}{more}Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (headers, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap_or(Value::Null) };
    Said { status, headers: headers.to_owned(), body }
}

pub(crate) async fn get(daemon: &Running, path: &str, token: &str) -> Said {
    ask(daemon, "GET", path, token, "", "").await
}

/// Five posts, four of which concern `care`, and cases of three.
fn world() -> World {
    let post = |n: u32, text: &str| {
        entry(&format!("Post {n}"))
            .id(n)
            .link(&format!("https://forum.example.net/t/{n}"))
            .author("Mette Holm")
            .text(text)
    };
    let tokens = [
        ("reader", READ, ""),
        ("all", FULL, "full = true\nscope = \"act\""),
        ("team", CARE, "departments = [\"care\"]"),
    ];
    let world = World::new()
        .daemon(&format!("http = \"{}\"", free_address()))
        .feed(
            "forum",
            rss([
                post(1, "Acme is broken again, terrible machine, call me on +45 20 30 40 50 or mette@example.org"),
                post(2, "Third time I ask Acme for my refund, give me my money back at once please"),
                post(3, "I love Acme, best purchase ever, absolutely fantastic, thank you so much"),
                post(4, "Does the Acme machine also make decaf coffee? How do I clean it?"),
                post(5, "The Acme employee in the shop was rude to me and shouted, what an arrogant man"),
            ]),
        )
        .watch("acme", "acme", "brand@example.com")
        .department("care", &["complaint", "refund", "unresolved", "technical", "question"])
        .department("joy", &["praise"])
        .toml("[departments.board]\nemail = \"board@example.com\"\nrole = \"management\"\nhandles = [\"staff\"]");
    let mut tables = String::new();
    for (name, secret, more) in tokens {
        std::fs::write(world.folder().join(name), secret).unwrap();
        tables += &format!("[tokens.{name}]\nsecret = {{ file = \"{name}\" }}\n{more}\n");
    }
    world.toml(&tables)
}

async fn started() -> (World, Running) {
    let world = world();
    world.once().await;
    let daemon = world.run();
    let state = world.state();
    crate::support::world::until("the daemon listens", || state.join("control.sock").exists()).await;
    (world, daemon)
}

#[tokio::test]
async fn who_asks_without_a_token_is_told_how_and_nothing_else() {
    let (_world, daemon) = started().await;
    for (path, token) in
        [("/api/v1/mentions", ""), ("/api/v1/mentions", "guess"), ("/api/v1/nothing", ""), ("/api/x", "")]
    {
        let said = get(&daemon, path, token).await;
        assert_eq!(said.status, 401, "{path}");
        assert_eq!(said.header("content-type").as_deref(), Some("application/problem+json"));
        assert!(said.header("www-authenticate").unwrap().starts_with("Bearer"));
        assert!(valid(&schema("Problem"), &said.body).is_empty());
        assert!(said.body["detail"].as_str().unwrap().contains("[tokens]"));
    }
    assert_eq!(get(&daemon, "/api/v1/openapi.json", "").await.status, 200, "the description is nobody's secret");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn personal_data_is_masked_unless_the_token_says_full() {
    let (_world, daemon) = started().await;
    let all = get(&daemon, "/api/v1/mentions", FULL).await;
    assert_eq!(all.ids().len(), 5);
    let text = all.body.to_string();
    assert!(text.contains("20 30 40 50") && text.contains("Mette Holm") && text.contains("mette@example.org"));
    for path in ["/api/v1/mentions", "/api/v1/mentions/1", "/api/v1/cases", "/api/v1/cases/1", "/api/v1/stories/1"] {
        let said = get(&daemon, path, READ).await;
        assert_eq!(said.status, 200, "{path}");
        let text = said.body.to_string();
        for canary in ["20 30 40", "Mette", "mette@"] {
            assert!(!text.contains(canary), "{canary} in {path}: {text}");
        }
    }
    // Nor can it be found out by asking.
    for query in ["author%3Amette", "%22mette%40example.org%22", "%2220+30+40+50%22"] {
        let said = get(&daemon, &format!("/api/v1/mentions?query={query}"), READ).await;
        assert_eq!((said.status, said.ids()), (200, vec![]), "{query}");
        assert!(!get(&daemon, &format!("/api/v1/mentions?query={query}"), FULL).await.ids().is_empty(), "{query}");
    }
    // A complaint about an employee is nothing for who sees no personal data; nor are other departments' mentions for a
    // token of one department.
    let staff: Vec<i64> = (all.body["items"].as_array().unwrap().iter())
        .filter(|m| m["category"] == "staff")
        .map(|m| m["id"].as_i64().unwrap())
        .collect();
    assert_eq!(staff.len(), 1, "{text}");
    assert!(!get(&daemon, "/api/v1/mentions", READ).await.ids().contains(&staff[0]));
    assert_eq!(get(&daemon, &format!("/api/v1/mentions/{}", staff[0]), READ).await.status, 404);
    let team = get(&daemon, "/api/v1/mentions", CARE).await;
    assert!(team.body["items"].as_array().unwrap().iter().all(|m| m["department"] == "care"));
    assert_eq!(team.ids().len(), 3);
    let praise = get(&daemon, "/api/v1/mentions?category=praise", FULL).await.ids()[0];
    assert_eq!(get(&daemon, &format!("/api/v1/mentions/{praise}"), CARE).await.status, 404);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn lists_are_paged_and_filtered_in_the_query_language() {
    let (_world, daemon) = started().await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..9 {
        let page = get(&daemon, &format!("/api/v1/mentions?limit=2{cursor}"), FULL).await;
        seen.extend(page.ids());
        match page.body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    let found = |query: &str| {
        let path = format!("/api/v1/mentions?query={query}");
        let daemon = &daemon;
        async move { get(daemon, &path, FULL).await }
    };
    assert_eq!(found("category%3Apraise").await.ids(), [3]);
    assert_eq!(found("decaf+OR+money").await.ids(), [4, 2]);
    assert_eq!(found("author%3Amette+-acme").await.ids(), [] as [i64; 0]);
    for (path, word) in [
        ("/api/v1/mentions?query=category%3Anonsense", "character "),
        ("/api/v1/mentions?limit=0", "`limit`"),
        ("/api/v1/mentions?cursor=7", "`cursor`"),
        ("/api/v1/mentions?categroy=praise", "`categroy`"),
        ("/api/v1/cases?status=done", "`status`"),
    ] {
        let said = get(&daemon, path, FULL).await;
        assert_eq!(said.status, 400, "{path}");
        assert!(said.body["detail"].as_str().unwrap().contains(word), "{path}: {}", said.body);
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let (_world, daemon) = started().await;
    // At the start every case is looked at: until then it has another time at which something comes due.
    let mut tag = String::new();
    for _ in 0..100 {
        let now = get(&daemon, "/api/v1/cases", FULL).await.header("etag").unwrap();
        if std::mem::replace(&mut tag, now.clone()) == now {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let known = format!("If-None-Match: \"other\", W/{tag}\r\n");
    let again = ask(&daemon, "GET", "/api/v1/cases", FULL, &known, "").await;
    assert_eq!((again.status, again.body), (304, Value::Null));
    let acted = ask(
        &daemon,
        "POST",
        "/api/v1/cases/1/actions",
        FULL,
        "",
        r#"{"action":"acknowledge","by":"care@example.com"}"#,
    )
    .await;
    assert_eq!(acted.status, 200, "{}", acted.body);
    assert_eq!(ask(&daemon, "GET", "/api/v1/cases", FULL, &known, "").await.status, 200);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_program_acts_on_cases_in_somebodys_name_and_only_if_it_may() {
    let (world, daemon) = started().await;
    let act = |id: i64, token: &'static str, body: Value| {
        let (daemon, path) = (&daemon, format!("/api/v1/cases/{id}/actions"));
        async move { ask(daemon, "POST", &path, token, "", &body.to_string()).await }
    };
    let case = get(&daemon, "/api/v1/cases", CARE).await.ids()[0];
    let ack = || json!({ "action": "acknowledge", "by": "care@example.com" });
    assert_eq!(act(case, READ, ack()).await.status, 403);
    assert_eq!(act(999, FULL, ack()).await.status, 404);
    assert_eq!(act(case, FULL, json!({ "action": "acknowledge", "by": "eve@example.net" })).await.status, 400);
    for wrong in [json!({ "action": "burn" }), json!({ "act": "x" }), json!({ "action": "dismiss" }), json!([])] {
        let said = act(case, FULL, wrong.clone()).await;
        assert_eq!((said.status, valid(&schema("Problem"), &said.body)), (400, vec![]), "{wrong}");
    }
    let done = act(case, FULL, ack()).await;
    assert_eq!((done.status, done.body["status"].as_str()), (200, Some("acknowledged")));
    assert_eq!(act(case, FULL, ack()).await.status, 409);
    assert_eq!(
        world.record().case(case).unwrap().unwrap().steps.last().unwrap().by.as_deref(),
        Some("care@example.com")
    );
    // In nobody's name: the history has the program, and the case stays with whoever has it.
    let owner = || world.record().case(case).unwrap().unwrap().case.owner;
    let before = owner();
    assert_eq!(act(case, FULL, json!({ "action": "answer" })).await.status, 200);
    let step = world.record().case(case).unwrap().unwrap().steps.last().unwrap().clone();
    assert_eq!((step.by.as_deref(), owner()), (Some("token:all"), before));
    assert_eq!(
        act(case, FULL, json!({ "action": "resolve", "by": "token:reader" })).await.status,
        400,
        "nobody's name"
    );
    let large = ask(&daemon, "POST", &format!("/api/v1/cases/{case}/actions"), FULL, "", &" ".repeat(20_000)).await;
    assert_eq!(large.status, 413);
    let wrong = ask(&daemon, "DELETE", "/api/v1/cases", FULL, "", "").await;
    assert_eq!((wrong.status, valid(&schema("Problem"), &wrong.body)), (405, vec![]));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn every_route_is_described_and_every_answer_is_as_described() {
    let (world, daemon) = started().await;
    world.pass(SignedDuration::from_mins(1));
    let document = document();
    let described: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(described, api::paths().into_iter().collect());
    assert_eq!(document["openapi"], "3.1.0");

    // A case with all that can happen to one.
    for (action, more) in [
        ("acknowledge", json!({})),
        ("answer", json!({})),
        ("unsatisfied", json!({})),
        ("dismiss", json!({ "reason": "not ours" })),
        ("reopen", json!({ "reason": "it is" })),
        ("assign", json!({ "to": "joy@example.com" })),
    ] {
        let mut body = json!({ "action": action, "by": "care@example.com" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if action == "dismiss" || action == "reopen" || action == "assign" {
            body["by"] = json!("board@example.com");
        }
        let said = ask(&daemon, "POST", "/api/v1/cases/1/actions", FULL, "", &body.to_string()).await;
        assert!(
            said.status == 200 || said.status == 409 || said.status == 400,
            "{action}: {} {}",
            said.status,
            said.body
        );
        let name = if said.status == 200 { "CaseFile" } else { "Problem" };
        assert_eq!(valid(&schema(name), &said.body), [] as [&str; 0], "{action}");
    }
    let mut looked_at = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get").filter(|_| path != "/api/v1/openapi.json") else { continue };
        for token in [FULL, READ] {
            for id in 1..=if path.contains("{id}") { 5 } else { 1 } {
                let mut real = path.replace("{id}", &id.to_string());
                if path == "/api/v1/cases" || path == "/api/v1/themes" {
                    real.push_str("?all=true");
                }
                let said = get(&daemon, &real, token).await;
                let answer = &operation["responses"][said.status.to_string()];
                assert!(answer.is_object(), "{real}: {} is not described", said.status);
                let content = &answer["content"];
                let kind = content.as_object().unwrap().keys().next().unwrap();
                assert_eq!(said.header("content-type").as_ref(), Some(kind), "{real}");
                assert_eq!(valid(&content[kind]["schema"], &said.body), [] as [&str; 0], "{real}: {}", said.body);
                looked_at += usize::from(said.status == 200);
            }
        }
        // Every parameter that is described is taken, and says so if it is wrong.
        for parameter in operation["parameters"].as_array().unwrap().iter().filter(|p| p["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            let said = get(&daemon, &format!("{path}?{name}="), FULL).await;
            assert_eq!(said.status, 200, "{path}?{name}");
        }
    }
    assert!(looked_at > 20, "{looked_at}");
    daemon.stop().await.unwrap();
}

#[test]
fn the_check_of_answers_finds_what_is_wrong() {
    let mut mention = json!({ "name": "x", "score": 0.5 });
    mention["name"] = json!("praise");
    assert_eq!(valid(&schema("Scored"), &mention), [] as [&str; 0]);
    for wrong in [
        json!({ "name": "praise" }),
        json!({ "name": "no", "score": 1 }),
        json!({ "name": "praise", "score": "1" }),
        json!({ "name": "praise", "score": 1, "more": 1 }),
        json!([]),
    ] {
        assert!(!valid(&schema("Scored"), &wrong).is_empty(), "{wrong}");
    }
}

fn document() -> Value {
    serde_json::from_str(api::description()).unwrap()
}

pub(crate) fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What of a value is not as its schema says: the part of JSON Schema that the document uses, unknown words refused.
pub(crate) fn valid(schema: &Value, value: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    check(&document(), schema, value, "", &mut wrong);
    wrong
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    for (word, rule) in schema.as_object().unwrap() {
        match word.as_str() {
            "description" | "default" | "minimum" | "maximum" | "required" | "additionalProperties" => {}
            "$ref" => {
                let place = rule.as_str().unwrap().strip_prefix('#').unwrap();
                let target = document.pointer(place).unwrap_or_else(|| panic!("{place} is not in the document"));
                check(document, target, value, at, wrong);
            }
            "anyOf" => {
                let fits = rule.as_array().unwrap().iter().any(|one| {
                    let mut inner = Vec::new();
                    check(document, one, value, at, &mut inner);
                    inner.is_empty()
                });
                if !fits {
                    wrong.push(format!("{at}: fits none of {rule}"));
                }
            }
            "type" => {
                let is = |name: &str| match name {
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                };
                let fits = rule
                    .as_str()
                    .map_or_else(|| rule.as_array().unwrap().iter().any(|name| is(name.as_str().unwrap())), is);
                if !fits {
                    wrong.push(format!("{at}: {value} is no {rule}"));
                }
            }
            "enum" => {
                if !rule.as_array().unwrap().contains(value) {
                    wrong.push(format!("{at}: {value} is none of {rule}"));
                }
            }
            "format" => {
                assert_eq!(rule, "date-time");
                if value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_err()) {
                    wrong.push(format!("{at}: {value} is no moment"));
                }
            }
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(document, rule, item, &format!("{at}/{n}"), wrong);
                }
            }
            "properties" => {
                let known = rule.as_object().unwrap();
                for (key, inner) in value.as_object().into_iter().flatten() {
                    match known.get(key) {
                        Some(schema) => check(document, schema, inner, &format!("{at}/{key}"), wrong),
                        None => wrong.push(format!("{at}/{key} is not described")),
                    }
                }
                for key in schema["required"].as_array().into_iter().flatten() {
                    if value.as_object().is_some_and(|object| !object.contains_key(key.as_str().unwrap())) {
                        wrong.push(format!("{at}/{key} is missing"));
                    }
                }
            }
            other => panic!("the check does not know `{other}`"),
        }
    }
}

#[tokio::test]
async fn a_filter_by_a_name_that_nobody_configured_is_told_with_the_known_ones() {
    let (_world, daemon) = started().await;
    for (path, token, says) in [
        (
            "/api/v1/cases?department=caer",
            FULL,
            "there is no department `caer`; did you mean `care`? known: care, joy, board",
        ),
        ("/api/v1/mentions?department=zzz", FULL, "there is no department `zzz`; known: care, joy, board"),
        // A token of one team is not told of others.
        ("/api/v1/cases?department=board", CARE, "there is no department `board`; known: care"),
        ("/api/v1/mentions?watchlist=amce", READ, "there is no watchlist `amce`; did you mean `acme`?"),
        ("/api/v1/cases?status=opne", READ, "open, acknowledged, answered"),
        ("/api/v1/cases?person=eve@example.net", READ, "the mail address of a department, a member or a lead"),
        ("/api/v1/mentions?category=joy", READ, "complaint"),
    ] {
        let said = get(&daemon, path, token).await;
        assert_eq!(said.status, 400, "{path}: {}", said.body);
        assert!(said.body["detail"].as_str().unwrap().contains(says), "{path}: {}", said.body);
        assert!(valid(&schema("Problem"), &said.body).is_empty());
    }
    assert_eq!(get(&daemon, "/api/v1/cases?department=care", CARE).await.status, 200);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_no_http_gets_the_same_kind_of_answer_as_everything_else() {
    let (_world, daemon) = started().await;
    let long = format!("/api/v1/cases?query={}", "x".repeat(70_000));
    for (path, status) in [
        ("/api/v1/mentions?query=severity:>=high", 400),
        ("/api/v1/cases?query=\"a b\"", 400),
        ("/api/v1/cases?query={}", 400),
        (long.as_str(), 414),
    ] {
        let shown: String = path.chars().take(60).collect();
        let said = get(&daemon, path, FULL).await;
        // What the parser lets through is asked like any other query.
        if said.status == 200 {
            continue;
        }
        assert!(said.status == status || said.status == 400, "{shown}: {}", said.headers);
        assert_eq!(
            said.header("content-type").as_deref(),
            Some("application/problem+json"),
            "{shown}: {}",
            said.headers
        );
        assert!(valid(&schema("Problem"), &said.body).is_empty(), "{shown}: {}", said.body);
    }
    let said = get(&daemon, "/api/v1/mentions?query=severity:>=high", FULL).await;
    assert!(
        said.status == 400 && said.body["detail"].as_str().unwrap().contains("%3E"),
        "{} {}",
        said.headers,
        said.body
    );
    let header = format!("X-Long: {}\r\n", "x".repeat(600_000));
    let said = ask(&daemon, "GET", "/api/v1/cases", FULL, &header, "").await;
    assert_eq!((said.status, &said.body["status"]), (431, &json!(431)), "{}", said.headers);
    daemon.stop().await.unwrap();
}
