//! Hazards 9 to 12: what an answer means, and what a broken connection does.

use std::time::Duration;

use mentiond::fetch::Answer;
use mentiond::model::{Cursor, ErrorClass};
use url::Url;

use crate::support;
use crate::support::web::{Reply, Web};
use crate::*;

// Hazard 9: validators.

#[tokio::test]
async fn hazard_9_validators_go_back_byte_for_byte() {
    let web = Web::start();
    let long = format!("\"{}\"", "e".repeat(1022));
    for etag in
        ["\"plain\"", "W/\"weak\"", "unquoted", "\"a, b\"", "\"\"", "\"back\\slash\"", "\"caf\u{e9}\"", "'x'", &long]
    {
        web.on("/", Reply::ok("feed").etag(etag).header("Last-Modified", "whenever, GMT"));
        let fetcher = fetcher();
        let answer = get(&fetcher, web.url("/")).await.unwrap();
        assert!(
            matches!(fetcher.get(&web.url("/"), &validators(&answer)).await.unwrap(), Answer::NotModified { .. }),
            "{etag}"
        );
        let visit = web.visits().pop().unwrap();
        assert_eq!(visit.header_bytes("if-none-match"), Some(etag.as_bytes()));
        assert_eq!(visit.header("if-modified-since").as_deref(), Some("whenever, GMT"));
    }
}

#[tokio::test]
async fn hazard_9_validators_that_are_too_long_or_no_text_are_dropped() {
    let web = Web::start();
    for etag in [&b"\"\xff\xfe\""[..], format!("\"{}\"", "e".repeat(8190)).as_bytes(), &[b'e'; 1025], b""] {
        web.on(
            "/",
            Reply::ok("feed").header("ETag", etag).header("Last-Modified", etag).header("Content-Type", b"te\xff"),
        );
        let answer = get(&fetcher(), web.url("/")).await.unwrap();
        assert_eq!(validators(&answer), Cursor::default());
        let Answer::Document { content_type, .. } = answer else { panic!() };
        assert_eq!(content_type.as_deref(), Some("te\u{fffd}"));
    }
    // Nor are such sent, wherever the cursor has them from.
    for etag in ["e".repeat(1025), "line\nbreak".to_owned(), String::new()] {
        let cursor = Cursor { etag: Some(etag), ..Cursor::default() };
        assert!(fetcher().get(&web.url("/"), &cursor).await.is_ok());
        assert_eq!(web.visits().pop().unwrap().header("if-none-match"), None);
    }
}

#[tokio::test]
async fn hazard_9_not_modified_without_a_question_is_no_answer() {
    let web = Web::start();
    web.on("/", Reply::status(304).header("Cache-Control", "max-age=900"));
    let fault = fault(&fetcher(), web.url("/")).await;
    assert_eq!(fault.class, ErrorClass::Malformed);
    let cursor = Cursor { etag: Some("\"1\"".to_owned()), ..Cursor::default() };
    let Answer::NotModified { hints, .. } = fetcher().get(&web.url("/"), &cursor).await.unwrap() else { panic!() };
    assert_eq!(hints.max_age, Some(Duration::from_secs(900)));
    // The same version served whole is a document like any other.
    web.on("/", Reply::ok("feed").header("ETag", "\"1\""));
    assert_eq!(text(&fetcher().get(&web.url("/"), &cursor).await.unwrap()), "feed");
}

// Hazards 10 to 12: what a status means.

#[tokio::test]
async fn hazard_10_a_host_that_asks_for_peace_gets_it() {
    for (status, retry_after, want) in
        [(429, "120", 120), (503, "120", 120), (429, "-3", 60), (503, "315360000", 86_400), (429, "soon", 60)]
    {
        let (web, other) = (Web::start(), Web::start());
        web.on("/a", Reply::status(status).header("Retry-After", retry_after)).on("/b", Reply::ok("feed"));
        other.on("/b", Reply::ok("feed"));
        let fetcher = fetcher();
        let first = fault(&fetcher, web.url("/a")).await;
        assert_eq!(first.class, ErrorClass::RateLimited, "{status} {retry_after}");
        assert_eq!(first.retry_after.map(|wait| wait.as_secs()), (retry_after != "soon").then_some(want));
        let second = fault(&fetcher, web.url("/b")).await;
        assert_eq!(second.class, ErrorClass::RateLimited);
        let left = second.retry_after.unwrap().as_secs();
        assert!(left <= want && left + 10 > want, "{status} {retry_after}: {left}");
        assert_eq!(web.hits("/b"), 0, "nothing is sent while the host is left in peace");
        assert!(get(&fetcher, other.url("/b")).await.is_ok(), "another host is another matter");
    }
}

#[tokio::test]
async fn hazard_10_a_plain_503_is_a_passing_fault_and_holds_nobody() {
    let web = Web::start();
    web.on("/a", Reply::status(503)).on("/b", Reply::ok("feed"));
    let fetcher = fetcher();
    assert_eq!(fault(&fetcher, web.url("/a")).await.class, ErrorClass::Transient);
    assert!(get(&fetcher, web.url("/b")).await.is_ok());
    let row = &fetcher.hosts()[0];
    assert_eq!((row.requests, row.faults, row.bytes, row.held_for), (2, 1, 4, None));
}

#[tokio::test]
async fn hazards_11_and_12_statuses_become_classes_and_messages_name_the_host_only() {
    let web = Web::start();
    let html = ("Content-Type", "text/html");
    for (reply, want) in [
        (Reply::status(410), ErrorClass::Gone),
        (Reply::status(404), ErrorClass::Refused),
        (Reply::status(401).header("WWW-Authenticate", "Bearer"), ErrorClass::Auth),
        (Reply::status(403).header(html.0, html.1), ErrorClass::Refused),
        (Reply::ok("<html>").header("cf-mitigated", "challenge"), ErrorClass::Refused),
        (Reply::status(204), ErrorClass::Malformed),
        (Reply::status(500), ErrorClass::Transient),
        (Reply::status(999), ErrorClass::Refused),
    ] {
        web.on("/s3cret/feed?key=t0ken", reply);
        let fault = fault(&fetcher(), web.url("/s3cret/feed?key=t0ken#frag")).await;
        assert_eq!(fault.class, want, "{fault}");
        assert!(fault.message.contains(&web.address().to_string()), "{fault}");
        assert!(!fault.message.contains("s3cret") && !fault.message.contains("t0ken"), "{fault}");
    }
    // A page where a feed was expected is for the parser to say; here it is a document.
    web.on("/login", Reply::ok("<html>log in</html>").header(html.0, html.1));
    assert!(get(&fetcher(), web.url("/login")).await.is_ok());
}

// Below HTTP.

#[tokio::test]
async fn faults_of_the_connection() {
    let web = Web::start();
    let closed = {
        let gone = Web::start();
        gone.url("/?key=t0ken")
    };
    web.on("/cut", Reply::ok(vec![b'x'; 1000]).cut(500))
        .on("/cut-gzip", Reply::ok(gzip_text(5000)).header("Content-Encoding", "gzip").cut(40))
        .on("/short-gzip", Reply::ok(&gzip_text(5000)[..40]).header("Content-Encoding", "gzip"))
        .on("/zstd", Reply::ok("x").header("Content-Encoding", "zstd"))
        .on("/prose", Reply::raw("220 mail.example.com ESMTP\r\n"))
        .on("/nothing", Reply::raw(""));
    let table = Table::new(&[("empty.test", &[&[]])]);
    let fetcher = with_names(&settings(), &table);
    let nowhere = |host: &str| Url::parse(&format!("http://{host}/?key=t0ken")).unwrap();
    for (url, class, words) in [
        (closed, ErrorClass::Transient, "refused the connection"),
        (nowhere("nowhere.test"), ErrorClass::Transient, "was not found"),
        (nowhere("empty.test"), ErrorClass::Transient, "was not found"),
        (web.url("/cut"), ErrorClass::Malformed, "cut off"),
        (web.url("/cut-gzip"), ErrorClass::Malformed, "cut off"),
        (web.url("/short-gzip"), ErrorClass::Malformed, "cut off"),
        (web.url("/zstd"), ErrorClass::Malformed, "compressed"),
        (web.url("/prose"), ErrorClass::Malformed, "not HTTP"),
        (web.url("/nothing"), ErrorClass::Transient, "closed the connection"),
    ] {
        let fault = fault(&fetcher, url.clone()).await;
        assert_eq!(fault.class, class, "{url}: {fault}");
        assert!(fault.message.contains(words), "{url}: {fault}");
        assert!(!fault.message.contains("t0ken"), "{fault}");
    }
}

fn gzip_text(length: usize) -> Vec<u8> {
    support::web::gzip(&(0..length).map(|n| (n * n % 251) as u8).collect::<Vec<_>>())
}
