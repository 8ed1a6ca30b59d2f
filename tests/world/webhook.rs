//! What others push: taken when it is signed and recorded, refused with a reason otherwise.

use std::net::SocketAddr;

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use mentiond::model::SourceStatus;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::world::{World, free_address, until};

const BRAND: &str = "brand@example.com";
const SECRET: &str = "a secret that nobody would guess";

fn world(lines: &str) -> World {
    let world = World::new().daemon(&format!("http = \"{}\"", free_address())).watch("acme", "acme", BRAND);
    std::fs::write(world.folder().join("hook"), SECRET).unwrap();
    world.toml(&format!(
        "[sources.desk]\nkind = \"webhook\"\nsecret = {{ file = \"hook\" }}\nitems = \"$.messages\"\n\
         fields = {{ id = \"$.id\", text = [\"$.body\", \"$.subject\"], url = \"$.link\", author = \"$.from.name\" }}\n{lines}"
    ))
}

fn messages(numbers: impl IntoIterator<Item = u32>) -> String {
    let list: Vec<String> = numbers
        .into_iter()
        .map(|n| format!(r#"{{"id":{n},"body":"Acme word{n} thing{n} broke","from":{{"name":"Ana {n}"}}}}"#))
        .collect();
    format!(r#"{{"messages":[{}]}}"#, list.join(","))
}

fn signed(body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    format!("X-Hub-Signature-256: sha256={}", bytes.iter().map(|b| format!("{b:02x}")).collect::<String>())
}

/// Status and body of the answer.
async fn push(address: SocketAddr, path: &str, header: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: mentiond\r\nConnection: close\r\nContent-Length: {}\r\n{header}\r\n\r\n",
        body.len()
    );
    // A server that refuses early may close before all is written.
    let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn what_is_signed_is_recorded_before_it_is_answered_and_told_once() {
    let world = world("");
    let daemon = world.run();
    let http = daemon.http.unwrap();
    until("it to be ready", || daemon.world.metrics.is_ready()).await;
    let body = messages([1, 2]);
    let good = push(http, "/hooks/desk", &signed(body.as_bytes()), &body).await;
    assert_eq!(good, (202, "{\"entries\":2,\"mentions\":2}\n".to_owned()));
    assert_eq!(world.mentions().len(), 2, "recorded when it is answered");
    assert_eq!(world.mentions()[0].mention.entry.author.as_ref().unwrap().name, "Ana 1");
    // Replayed, and sent again with one more.
    let again = push(http, "/hooks/desk", &signed(body.as_bytes()), &body).await;
    assert_eq!(again, (202, "{\"entries\":2,\"mentions\":0}\n".to_owned()));
    let more = messages([2, 3]);
    let more = push(http, "/hooks/desk", &signed(more.as_bytes()), &more).await;
    assert_eq!(more, (202, "{\"entries\":2,\"mentions\":1}\n".to_owned()));
    until("three alerts", || world.mails_to(BRAND).len() == 3).await;
    daemon.stop().await.unwrap();
    let health = world.source("desk").health;
    assert_eq!((health.status, health.next_poll, world.mentions().len()), (SourceStatus::Ok, None, 3));
    // After a restart it is known still.
    let daemon = world.run();
    until("it to be ready", || daemon.world.metrics.is_ready()).await;
    let again = push(http, "/hooks/desk", &signed(body.as_bytes()), &body).await;
    assert_eq!(again, (202, "{\"entries\":2,\"mentions\":0}\n".to_owned()));
    daemon.stop().await.unwrap();
    assert_eq!((world.mentions().len(), world.mails_to(BRAND).len()), (3, 3));
    let round = world.once().await;
    assert_eq!((round.polled, round.failed), (0, 0), "nobody can be asked");
}

#[tokio::test]
async fn what_is_not_right_is_refused_with_a_reason_and_leaves_nothing() {
    let world = world("");
    let daemon = world.run();
    let http = daemon.http.unwrap();
    until("it to be ready", || daemon.world.metrics.is_ready()).await;
    let body = messages([1]);
    let sign = |body: &str| signed(body.as_bytes());
    let huge = format!("{{\"messages\":[],\"x\":\"{}\"}}", "x".repeat(1 << 20));
    let (wrong, empty) = ("{\"messages\":", "{\"other\":1}");
    for (path, header, body, status, says) in [
        ("/hooks/desk", String::from("X-Other: 1"), body.as_str(), 401, "X-Hub-Signature-256 is missing"),
        ("/hooks/desk", sign("something else"), &body, 401, "does not fit"),
        ("/hooks/desk", String::from("X-Hub-Signature-256: sha256=zz"), &body, 401, "does not fit"),
        ("/hooks/desk", sign(wrong), wrong, 422, "line 1, column 12"),
        ("/hooks/desk", sign(empty), empty, 422, "`items`"),
        ("/hooks/other", sign(&body), &body, 404, "webhook"),
        ("/hooks/desk", sign(&huge), &huge, 413, "1048576 bytes"),
    ] {
        let (got, words) = push(http, path, &header, body).await;
        assert!(got == status && words.contains(says), "{got} {words}");
        assert!(!words.contains(SECRET));
    }
    // A body that does not say its length is cut off all the same.
    let mut stream = TcpStream::connect(http).await.unwrap();
    stream.write_all(b"POST /hooks/desk HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
    let chunk = [format!("{:x}\r\n", 64 << 10).into_bytes(), vec![b'x'; 64 << 10], b"\r\n".to_vec()].concat();
    for _ in 0..20 {
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    let (status, metrics) = daemon.get("/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("mentiond_hooks_total{result=\"forged\"} 3"), "{metrics}");
    daemon.stop().await.unwrap();
    assert!(world.mentions().is_empty());
}

#[tokio::test]
async fn a_bearer_secret_in_any_header_is_a_proof_too() {
    let world = world("proof = \"bearer\"\nheader = \"X-Desk-Token\"\nmatch = \"all\"");
    let daemon = world.run();
    let http = daemon.http.unwrap();
    until("it to be ready", || daemon.world.metrics.is_ready()).await;
    let body = r#"{"messages":{"id":"m1","subject":"It broke"}}"#;
    assert_eq!(push(http, "/hooks/desk", "X-Desk-Token: guess", body).await.0, 401);
    assert_eq!(push(http, "/hooks/desk", &format!("X-Desk-Token: {SECRET}"), body).await.0, 202);
    daemon.stop().await.unwrap();
    assert_eq!(world.mentions()[0].mention.entry.text, "It broke");
}

#[tokio::test]
async fn many_at_once_are_taken_one_after_the_other_and_too_many_are_told_to_wait() {
    let world = world("");
    let daemon = world.run();
    let http = daemon.http.unwrap();
    until("it to be ready", || daemon.world.metrics.is_ready()).await;
    let mut pushes = tokio::task::JoinSet::new();
    for n in 0..20 {
        // Every message twice.
        let body = messages([n / 2]);
        pushes.spawn(async move { push(http, "/hooks/desk", &signed(body.as_bytes()), &body).await.0 });
    }
    assert!(pushes.join_all().await.into_iter().all(|status| status == 202));
    assert_eq!(world.mentions().len(), 10);
    let empty = r#"{"messages":[]}"#;
    let mut busy = None;
    // The clock stands still, so nothing is forgiven.
    for n in 0..700 {
        let (status, _) = push(http, "/hooks/desk", &signed(empty.as_bytes()), empty).await;
        if status == 429 {
            busy = Some(n);
            break;
        }
    }
    assert_eq!(busy, Some(580));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_taken() {
    let world = world("");
    let daemon = world.run();
    let http = daemon.http.unwrap();
    until("it to be ready", || daemon.world.metrics.is_ready()).await;
    daemon.world.metrics.set_fault("the disk is full".to_owned());
    let body = messages([1]);
    assert_eq!(push(http, "/hooks/desk", &signed(body.as_bytes()), &body).await.0, 503);
    daemon.stop().await.unwrap();
    assert!(world.mentions().is_empty());
    assert!(TcpStream::connect(http).await.is_err(), "a daemon that has stopped takes nothing");
}

#[test]
fn signatures_come_in_base64_too() {
    let settings = mentiond::model::WebhookSettings {
        secret: mentiond::model::Secret::new(SECRET),
        proof: mentiond::model::Proof::HmacSha256,
        header: "X-Shop-Hmac".to_owned(),
        items: mentiond::text::json_path::JsonPath::parse("$").unwrap(),
        fields: Default::default(),
        html: false,
    };
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(b"body");
    let sent = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    assert_eq!(mentiond::sources::webhook::verify(&settings, Some(sent.as_bytes()), b"body"), Ok(()));
}
