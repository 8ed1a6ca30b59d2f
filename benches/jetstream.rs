//! A stream at full speed: the program itself, 1,000 queries, and a server in this process that sends 10,000 posts a
//! second. Prints what it kept up with, the processor time that it took, and its memory over the run; in the end every post
//! that must be found is looked for in the record.
//!
//! `cargo bench --bench jetstream`; `SECONDS=60 RATE=10000 QUERIES=1000 KILLS=0` are the defaults, `RATE=0` sends as fast as
//! posts are taken, `KILLS=3` kills the program (SIGKILL) three times and starts it again. With `taskset` on the machine, mentiond runs on one processor.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that breaks must stop")]

use std::collections::{BTreeSet, VecDeque};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// One post of so many holds a word that is looked for.
const MATCHING: u64 = 500;
/// Sent together, with a pause in between.
const STEPS_A_SECOND: u64 = 100;

const WORDS: &[&str] = &[
    "about",
    "after",
    "again",
    "always",
    "another",
    "because",
    "before",
    "better",
    "between",
    "bridge",
    "building",
    "coffee",
    "could",
    "different",
    "dinner",
    "evening",
    "every",
    "family",
    "finally",
    "friends",
    "garden",
    "going",
    "great",
    "happened",
    "history",
    "honestly",
    "house",
    "kitchen",
    "language",
    "library",
    "listening",
    "little",
    "looking",
    "market",
    "maybe",
    "meeting",
    "minutes",
    "morning",
    "mountain",
    "music",
    "nothing",
    "office",
    "people",
    "picture",
    "please",
    "project",
    "question",
    "really",
    "report",
    "school",
    "should",
    "something",
    "station",
    "story",
    "street",
    "summer",
    "telephone",
    "thanks",
    "there",
    "thinking",
    "through",
    "today",
    "tomorrow",
    "train",
    "travel",
    "walking",
    "watching",
    "water",
    "weather",
    "weekend",
    "where",
    "window",
    "winter",
    "without",
    "working",
    "writing",
    "yesterday",
    "você",
    "mañana",
    "også",
    "não",
    "día",
    "blå",
    "más",
    "coração",
    "niño",
    "smørrebrød",
];

fn main() {
    let number = |name: &str, usual| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual);
    let (seconds, rate, queries) = (number("SECONDS", 60), number("RATE", 10_000), number("QUERIES", 1_000));
    let kills = number("KILLS", 0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stream = Arc::new(Stream::default());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let server = listener.local_addr().unwrap();
    runtime.spawn(serve(listener, rate, queries, Arc::clone(&stream)));

    let folder = tempfile::tempdir().unwrap();
    let http = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = folder.path().join("mentiond.toml");
    std::fs::write(&file, config(http, server, queries)).unwrap();
    let pinned = Command::new("taskset").args(["-c", "0", "true"]).status().is_ok_and(|status| status.success());
    let start_program = || {
        let program = env!("CARGO_BIN_EXE_mentiond");
        let mut command = if pinned {
            let mut command = Command::new("taskset");
            command.args(["-c", "0", program]);
            command
        } else {
            Command::new(program)
        };
        let before = stream.sent.load(Ordering::SeqCst);
        let mut mentiond = command
            .args(["--config", file.to_str().unwrap(), "run"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while stream.sent.load(Ordering::SeqCst) == before {
            assert!(mentiond.try_wait().unwrap().is_none(), "mentiond did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        mentiond
    };
    let mut mentiond = start_program();
    println!(
        "{rate} posts/s wanted, {queries} queries, {seconds} s, {kills} kills{}",
        if pinned { ", mentiond on one processor" } else { "" }
    );
    println!("{:>6} {:>12} {:>12} {:>10} {:>10}", "second", "sent", "behind", "CPU s", "RSS MB");
    let start = Instant::now();
    // Of the programs that were killed.
    let (mut cpu_before, mut killed) = (0.0, 0);
    let (mut first_sent, mut cpu_first) = (0, usage(mentiond.id()).0);
    while start.elapsed().as_secs() < seconds {
        std::thread::sleep(Duration::from_secs((seconds / 10).max(1)));
        let (cpu, rss) = usage(mentiond.id());
        let (sent, taken) = (stream.sent.load(Ordering::SeqCst) - first_sent, entries(http));
        let behind = sent.saturating_sub(taken);
        let all = stream.sent.load(Ordering::SeqCst);
        println!(
            "{:>6} {all:>12} {behind:>12} {:>10.2} {rss:>10.1}",
            start.elapsed().as_secs(),
            cpu_before + cpu - cpu_first
        );
        if killed < kills && start.elapsed().as_secs() * (kills + 1) >= seconds * (killed + 1) {
            killed += 1;
            cpu_before += cpu - cpu_first;
            mentiond.kill().unwrap();
            mentiond.wait().unwrap();
            first_sent = stream.sent.load(Ordering::SeqCst);
            mentiond = start_program();
            cpu_first = 0.0;
            println!("{:>6} killed, and started again", start.elapsed().as_secs());
        }
    }
    stream.done.store(true, Ordering::SeqCst);
    let (took, cpu) = (start.elapsed().as_secs_f64(), cpu_before + usage(mentiond.id()).0 - cpu_first);
    let waited = Instant::now();
    while !stream.ended.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let all = stream.sent.load(Ordering::SeqCst);
    while killed == 0 && entries(http) < all && waited.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    // What was found is recorded a second later at most.
    let expected = stream.matching.lock().unwrap().clone();
    let (mut recorded, mut repeated) = recorded(folder.path());
    while expected.difference(&recorded).next().is_some() && waited.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(200));
        (recorded, repeated) = self::recorded(folder.path());
    }
    let missing = expected.difference(&recorded).count();
    println!(
        "{all} posts in {took:.1} s: {:.0} posts/s, {:.1} % of one processor, {:.1} µs a post; all taken {:.1} s later",
        all as f64 / took,
        100.0 * cpu / took,
        1e6 * cpu / all as f64,
        waited.elapsed().as_secs_f64(),
    );
    println!(
        "{} posts must be found: {missing} of them are missing, {repeated} recorded twice; {} mentions in all",
        expected.len(),
        recorded.len()
    );
    let taken = entries(http);
    mentiond.kill().unwrap();
    mentiond.wait().unwrap();
    assert!(killed > 0 || taken == all, "{} posts were lost", all - taken);
    assert_eq!((missing, repeated), (0, 0), "posts were lost or found twice");
}

fn config(http: SocketAddr, server: SocketAddr, queries: u64) -> String {
    let mut config = format!(
        "[daemon]\nstate = \"state\"\nhttp = \"{http}\"\n[fetch]\nallow_networks = [\"127.0.0.0/8\"]\n[mail]\n\
         from = \"m@example.com\"\ntransport = \"directory\"\ndirectory = \"out\"\n\
         [sources.sky]\nkind = \"jetstream\"\nservers = [\"ws://{server}/subscribe\"]\n"
    );
    for n in 0..queries {
        // Names as brands have them, alone, in phrases, with words that exclude.
        let query = match n % 4 {
            0 => format!("brand{n}"),
            1 => format!("\"brand{n} shop\" OR brand{n}*"),
            2 => format!("(brand{n} OR brand{n}s) -\"brand{n} street\""),
            _ => format!("brand{n} (help OR refund OR broken OR today OR thanks OR please OR market)"),
        };
        config.push_str(&format!("[watchlists.w{n}]\nquery = '{query}'\n"));
    }
    config
}

/// Names of the posts that are recorded, and how many of them more than once.
fn recorded(folder: &std::path::Path) -> (BTreeSet<u64>, usize) {
    let record = rusqlite::Connection::open(folder.join("state/record.sqlite")).unwrap();
    let mut rows = record.prepare("SELECT json_extract(content, '$.entry.url') FROM mentions").unwrap();
    let urls: Vec<Option<String>> = rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let number = |url: &String| u64::from_str_radix(url.rsplit("/3m").next()?, 16).ok();
    let numbers: BTreeSet<u64> = urls.iter().flatten().filter_map(number).collect();
    let repeated = urls.len() - numbers.len();
    (numbers, repeated)
}

/// What is sent, and what of it must be found.
#[derive(Default)]
struct Stream {
    sent: AtomicU64,
    done: AtomicBool,
    ended: AtomicBool,
    /// Posts that a query holds for whatever else they say.
    matching: Mutex<BTreeSet<u64>>,
}

/// Events that a server keeps for those who come back.
const KEPT: usize = 500_000;

/// Sends posts to whoever is connected until all is done; who comes with a cursor gets what was said since.
async fn serve(listener: tokio::net::TcpListener, rate: u64, queries: u64, stream: Arc<Stream>) {
    let mut dice = 7_u64;
    let mut next = move |below: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % below
    };
    let mut tick = tokio::time::interval(Duration::from_millis(1000 / STEPS_A_SECOND));
    let mut kept: VecDeque<(i64, Utf8Bytes)> = VecDeque::new();
    let mut number = 0_u64;
    'connections: loop {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut cursor = None;
        #[allow(clippy::result_large_err, reason = "the library's signature")]
        let look = |request: &Request, response: Response| {
            let query = request.uri().query().unwrap_or_default();
            cursor = query.split('&').find_map(|pair| pair.strip_prefix("cursor=")?.parse::<i64>().ok());
            Ok(response)
        };
        let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(tcp, look).await else { continue };
        for (_, post) in kept.iter().filter(|(time, _)| cursor.is_some_and(|cursor| *time >= cursor)) {
            if socket.feed(Message::Text(post.clone())).await.is_err() {
                continue 'connections;
            }
        }
        while !stream.done.load(Ordering::SeqCst) {
            if rate > 0 {
                tick.tick().await;
            }
            let together = if rate > 0 { rate / STEPS_A_SECOND } else { 100 };
            for _ in 0..together {
                number += 1;
                let mut text: Vec<String> =
                    (0..8 + next(25)).map(|_| WORDS[next(WORDS.len() as u64) as usize].to_owned()).collect();
                if next(MATCHING) == 0 {
                    let brand = next(queries);
                    text.push(format!("brand{brand}"));
                    if brand % 4 != 3 {
                        stream.matching.lock().unwrap().insert(number);
                    }
                }
                let time = mentiond::clock::Clock::system().now().as_microsecond();
                let post = post(number, time, next(1 << 31), &text.join(" "));
                let post = Utf8Bytes::from(post);
                kept.push_back((time, post.clone()));
                if kept.len() > KEPT {
                    kept.pop_front();
                }
                stream.sent.fetch_add(1, Ordering::SeqCst);
                if socket.feed(Message::Text(post)).await.is_err() {
                    continue 'connections;
                }
            }
            if socket.flush().await.is_err() {
                continue 'connections;
            }
        }
        stream.ended.store(true, Ordering::SeqCst);
        // The connection stays, so that nothing is read twice.
        std::future::pending::<()>().await;
    }
}

/// An event as the network sends it.
fn post(number: u64, time: i64, did: u64, text: &str) -> String {
    format!(
        r#"{{"did":"did:plc:{did:024x}","time_us":{time},"kind":"commit","commit":{{"rev":"3m{number:011x}","operation":"create","collection":"app.bsky.feed.post","rkey":"3m{number:011x}","record":{{"$type":"app.bsky.feed.post","createdAt":"2026-11-20T10:00:00.000Z","facets":[{{"features":[{{"$type":"app.bsky.richtext.facet#link","uri":"https://example.com/{number}"}}],"index":{{"byteEnd":20,"byteStart":0}}}}],"langs":["en"],"reply":{{"parent":{{"cid":"bafyreicl7rzkxdrm4zz2ehbx52kuk3mvfow6p3gzqqtswlsdlkvnzzzzzz","uri":"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3mm"}},"root":{{"cid":"bafyreicl7rzkxdrm4zz2ehbx52kuk3mvfow6p3gzqqtswlsdlkvnzzzzzz","uri":"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3mm"}}}},"text":"{text}"}},"cid":"bafyreiapzyf65cmq55jklpnrihiygze2jmmdqvvkwqeiomd72pbpzzzzzz"}}}}"#,
    )
}

/// Processor seconds so far, and resident megabytes.
fn usage(process: u32) -> (f64, f64) {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = [11, 12].iter().map(|at: &usize| fields[*at].parse::<f64>().unwrap()).sum();
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    // Linux counts in hundredths of a second.
    (ticks / 100.0, rss.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0)
}

fn entries(http: SocketAddr) -> u64 {
    metric(http, "mentiond_entries_total")
}

fn metric(http: SocketAddr, name: &str) -> u64 {
    let Ok(mut stream) = TcpStream::connect(http) else { return 0 };
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let line = answer.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split(' ').nth(1)).and_then(|n| n.parse().ok()).unwrap_or(0)
}
