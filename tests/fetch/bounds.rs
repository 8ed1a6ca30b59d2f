//! Hazards 6 and 7, and politeness: how much, how long, how many at a time.

use std::time::{Duration, Instant};

use mentiond::fetch::Fetcher;
use mentiond::model::{ErrorClass, FetchSettings};

use crate::support::web::{Reply, Web};
use crate::*;

// Hazards 6 and 7: how much and how long.

#[tokio::test]
async fn the_cap_is_exact_and_a_length_beyond_it_is_not_read() {
    let web = Web::start();
    let cap = settings().max_body;
    web.on("/at", Reply::ok(vec![b'x'; cap]))
        .on("/over", Reply::ok(vec![b'x'; cap + 1]))
        .on("/gzip-at", Reply::ok(vec![b'x'; cap]).gzip())
        .on("/gzip-over", Reply::ok(vec![b'x'; cap + 1]).gzip())
        .on("/announced", Reply::ok("x").header("Content-Length", "10000000000").drip(Duration::from_secs(60)));
    for (path, fits) in
        [("/at", true), ("/over", false), ("/gzip-at", true), ("/gzip-over", false), ("/announced", false)]
    {
        match get(&fetcher(), web.url(path)).await {
            Ok(answer) => assert!(fits && text(&answer).len() == cap, "{path}"),
            Err(fault) => assert!(!fits && fault.class == ErrorClass::Forbidden, "{path}: {fault}"),
        }
    }
}

#[tokio::test]
async fn hazard_7_a_slow_or_silent_server_is_cut_and_others_are_on_time() {
    let (slow, silent, quick) = (Web::start(), Web::start(), Web::start());
    slow.on("/", Reply::ok(vec![b'x'; 100_000]).drip(Duration::from_millis(20)));
    silent.on("/", Reply::silent());
    quick.on("/", Reply::ok("feed"));
    let timeout = Duration::from_millis(400);
    let fetcher = Fetcher::new(&FetchSettings { timeout, ..settings() }).unwrap();
    let begun = Instant::now();
    let (slow_fault, silent_fault, quick_time) =
        tokio::join!(fault(&fetcher, slow.url("/")), fault(&fetcher, silent.url("/")), async {
            let answer = get(&fetcher, quick.url("/")).await;
            assert_eq!(text(&answer.unwrap()), "feed");
            begun.elapsed()
        });
    assert!(quick_time < timeout, "{quick_time:?}");
    assert!(begun.elapsed() >= timeout && begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    for (fault, word) in [(slow_fault, "finish"), (silent_fault, "answer")] {
        assert_eq!(fault.class, ErrorClass::Transient);
        assert!(fault.message.contains(word) && fault.message.contains("0.4 s"), "{fault}");
    }
}

#[tokio::test]
async fn the_time_out_covers_all_redirects_together() {
    let web = Web::start();
    web.on("/", Reply::redirect(302, "/").delay(Duration::from_millis(150)));
    let fetcher = Fetcher::new(&FetchSettings { timeout: Duration::from_millis(350), ..settings() }).unwrap();
    let fault = fault(&fetcher, web.url("/")).await;
    assert_eq!(fault.class, ErrorClass::Transient, "{fault}");
    assert!((2..=3).contains(&web.hits("/")), "{}", web.hits("/"));
}

// Politeness.

#[tokio::test]
async fn one_request_at_a_time_a_host_unless_configured() {
    for per_host in [1, 3] {
        let web = Web::start();
        web.on("/", Reply::ok("feed").delay(Duration::from_millis(20)));
        let fetcher = Fetcher::new(&FetchSettings { per_host, ..settings() }).unwrap();
        let answers = futures_util::future::join_all((0..9).map(|_| get(&fetcher, web.url("/")))).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(web.most_at_once(), per_host);
        assert!(web.connections() <= per_host, "connections are kept: {}", web.connections());
    }
}

#[tokio::test]
async fn redirects_that_cross_do_not_wait_for_each_other() {
    let (a, b) = (Web::start(), Web::start());
    a.on("/go", Reply::redirect(302, b.url("/end").as_str()).delay(Duration::from_millis(30)))
        .on("/end", Reply::ok("a"));
    b.on("/go", Reply::redirect(302, a.url("/end").as_str()).delay(Duration::from_millis(30)))
        .on("/end", Reply::ok("b"));
    let fetcher = Fetcher::new(&FetchSettings { concurrency: 2, ..settings() }).unwrap();
    let (first, second) = tokio::join!(get(&fetcher, a.url("/go")), get(&fetcher, b.url("/go")));
    assert_eq!((text(&first.unwrap()), text(&second.unwrap())), ("b".to_owned(), "a".to_owned()));
}

#[tokio::test]
async fn waiting_for_ones_turn_is_not_counted_as_time_of_the_exchange() {
    let web = Web::start();
    web.on("/", Reply::ok("feed").delay(Duration::from_millis(100)));
    let fetcher = Fetcher::new(&FetchSettings { timeout: Duration::from_millis(400), ..settings() }).unwrap();
    let answers = futures_util::future::join_all((0..8).map(|_| get(&fetcher, web.url("/")))).await;
    assert!(answers.iter().all(Result::is_ok), "the last one waited 700 ms");
}
