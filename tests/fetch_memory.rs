//! Hazard 6: memory stays bounded whatever is served. A test program of its own, since it measures its process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod support;

use std::time::Duration;

use mentiond::fetch::{Answer, Fetcher};
use mentiond::model::{Cursor, ErrorClass, FetchSettings};
use support::web::{Reply, Web};

const MIB: usize = 1 << 20;

/// 64 MiB of zeros in 53 bytes, window 16 MiB, by the reference encoder of Brotli.
const BROTLI_BOMB: &[u8] = &[
    207, 255, 255, 127, 248, 39, 0, 226, 177, 64, 32, 247, 254, 159, 255, 255, 255, 240, 79, 0, 196, 97, 1, 128, 238,
    253, 63, 255, 255, 255, 225, 159, 0, 136, 195, 34, 0, 221, 251, 255, 252, 255, 255, 199, 63, 1, 16, 135, 5, 0, 186,
    247, 255,
];

/// One test, so that nothing else runs beside it.
#[tokio::test]
async fn hazard_6_bombs_are_cut_at_the_cap_and_memory_stays_bounded() {
    let fetcher = Fetcher::new(&FetchSettings {
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        connect_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(30),
        max_body: 8 * MIB,
        per_host: 64,
        concurrency: 64,
        max_entries: 10_000,
        proxy: None,
        user_agent: "mentiond/test".to_owned(),
        ca_file: None,
    })
    .unwrap();
    let web = Web::start();
    let kinds = [
        ("/gzip", Reply::gzip_bomb(1 << 30)),
        ("/brotli", Reply::ok(BROTLI_BOMB).header("Content-Encoding", "br")),
        ("/endless", Reply::ok(vec![b'x'; 64 * 1024]).endless()),
    ];
    for (path, reply) in &kinds {
        web.on(path, reply.clone());
    }
    // The server's own copies, and whatever the first request of a process sets up, are not what is measured.
    web.on("/small", Reply::ok("feed"));
    fetcher.get(&web.url("/small"), &Cursor::default()).await.unwrap();

    let before = peak();
    let fault = fetcher.get(&web.url("/gzip"), &Cursor::default()).await.unwrap_err();
    assert_eq!(fault.class, ErrorClass::Forbidden, "{fault}");
    assert!(fault.message.contains("max_body"), "{fault}");
    let grown = peak() - before;
    assert!(grown < 20 * MIB, "one bomb: {} MiB", grown / MIB);

    // As many as may run at all, of every kind at once; the fake server's copies are within the figure.
    let fetches = (0..96).map(|n| {
        let url = web.url(kinds[n % kinds.len()].0);
        let fetcher = &fetcher;
        async move { fetcher.get(&url, &Cursor::default()).await }
    });
    for answer in futures_util::future::join_all(fetches).await {
        assert_eq!(answer.unwrap_err().class, ErrorClass::Forbidden);
    }
    let grown = peak() - before;
    println!("96 bombs, 64 at once: {} MiB", grown / MIB);
    assert!(grown < 384 * MIB, "96 bombs: {} MiB", grown / MIB);

    // And after all that a document of exactly the cap is read.
    web.on("/large", Reply::ok(vec![b'x'; 8 * MIB]).gzip());
    for _ in 0..20 {
        let answer = fetcher.get(&web.url("/large"), &Cursor::default()).await.unwrap();
        assert!(matches!(answer, Answer::Document { body, .. } if body.len() == 8 * MIB));
    }
}

/// Peak resident memory of this process, in bytes (`VmHWM` of proc(5)).
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("kB") * 1024
}
