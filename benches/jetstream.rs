//! A stream at full speed: the program itself, 1,000 queries, and a server in this process that sends 10,000 posts a
//! second. Prints what it kept up with, the processor time that it took, and its memory over the run.
//!
//! `cargo bench --bench jetstream`; `SECONDS=60 RATE=10000 QUERIES=1000` are the defaults, `RATE=0` sends as fast as posts
//! are taken. With `taskset` on the machine, mentiond runs on one processor.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench that breaks must stop")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let server = listener.local_addr().unwrap();
    let serving = runtime.spawn(serve(listener, rate, queries, Arc::clone(&sent), Arc::clone(&done)));

    let folder = tempfile::tempdir().unwrap();
    let http = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
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
    let file = folder.path().join("mentiond.toml");
    std::fs::write(&file, config).unwrap();
    let program = env!("CARGO_BIN_EXE_mentiond");
    let pinned = Command::new("taskset").args(["-c", "0", "true"]).status().is_ok_and(|status| status.success());
    let mut command = if pinned {
        let mut command = Command::new("taskset");
        command.args(["-c", "0", program]);
        command
    } else {
        Command::new(program)
    };
    let mut mentiond = command
        .args(["--config", file.to_str().unwrap(), "run"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while sent.load(Ordering::SeqCst) == 0 {
        assert!(mentiond.try_wait().unwrap().is_none(), "mentiond did not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    println!(
        "{rate} posts/s wanted, {queries} queries, {seconds} s{}",
        if pinned { ", mentiond on one processor" } else { "" }
    );
    println!("{:>6} {:>12} {:>12} {:>10} {:>10}", "second", "sent", "behind", "CPU s", "RSS MB");
    let start = Instant::now();
    let before = usage(mentiond.id());
    while start.elapsed().as_secs() < seconds {
        std::thread::sleep(Duration::from_secs((seconds / 10).max(1)));
        let (cpu, rss) = usage(mentiond.id());
        let (sent, taken) = (sent.load(Ordering::SeqCst), entries(http));
        let behind = sent.saturating_sub(taken);
        println!("{:>6} {sent:>12} {behind:>12} {:>10.2} {rss:>10.1}", start.elapsed().as_secs(), cpu - before.0);
    }
    done.store(true, Ordering::SeqCst);
    let _ = runtime.block_on(serving);
    let (took, cpu) = (start.elapsed().as_secs_f64(), usage(mentiond.id()).0 - before.0);
    let all = sent.load(Ordering::SeqCst);
    let waited = Instant::now();
    while entries(http) < all && waited.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let taken = entries(http);
    println!(
        "{all} posts in {took:.1} s: {:.0} posts/s, {:.1} % of one processor, {:.1} µs a post; {} missing after {:.1} s more",
        all as f64 / took,
        100.0 * cpu / took,
        1e6 * cpu / all as f64,
        all - taken,
        waited.elapsed().as_secs_f64(),
    );
    println!("mentions: {}", metric(http, "mentiond_mentions_total") + metric(http, "mentiond_duplicates_total"));
    mentiond.kill().unwrap();
    mentiond.wait().unwrap();
    assert_eq!(taken, all, "posts were lost");
}

/// Sends posts to whoever connects until `done`.
async fn serve(
    listener: tokio::net::TcpListener,
    rate: u64,
    queries: u64,
    sent: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
) {
    let (tcp, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(tcp).await.unwrap();
    let mut dice = 7_u64;
    let mut next = move |below: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % below
    };
    let mut tick = tokio::time::interval(Duration::from_millis(1000 / STEPS_A_SECOND));
    let mut number = 0_u64;
    while !done.load(Ordering::SeqCst) {
        if rate > 0 {
            tick.tick().await;
        }
        let together = if rate > 0 { rate / STEPS_A_SECOND } else { 100 };
        for _ in 0..together {
            number += 1;
            let mut text: Vec<String> =
                (0..8 + next(25)).map(|_| WORDS[next(WORDS.len() as u64) as usize].to_owned()).collect();
            if next(MATCHING) == 0 {
                text.push(format!("brand{}", next(queries)));
            }
            let time = mentiond::clock::Clock::system().now().as_microsecond();
            let post = format!(
                r#"{{"did":"did:plc:{:024x}","time_us":{time},"kind":"commit","commit":{{"rev":"3m{number:011x}","operation":"create","collection":"app.bsky.feed.post","rkey":"3m{number:011x}","record":{{"$type":"app.bsky.feed.post","createdAt":"2026-11-20T10:00:00.000Z","facets":[{{"features":[{{"$type":"app.bsky.richtext.facet#link","uri":"https://example.com/{number}"}}],"index":{{"byteEnd":20,"byteStart":0}}}}],"langs":["en"],"reply":{{"parent":{{"cid":"bafyreicl7rzkxdrm4zz2ehbx52kuk3mvfow6p3gzqqtswlsdlkvnzzzzzz","uri":"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3mm"}},"root":{{"cid":"bafyreicl7rzkxdrm4zz2ehbx52kuk3mvfow6p3gzqqtswlsdlkvnzzzzzz","uri":"at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/3mm"}}}},"text":"{}"}},"cid":"bafyreiapzyf65cmq55jklpnrihiygze2jmmdqvvkwqeiomd72pbpzzzzzz"}}}}"#,
                next(1 << 31),
                text.join(" ")
            );
            socket.feed(Message::text(post)).await.unwrap();
            sent.fetch_add(1, Ordering::SeqCst);
        }
        socket.flush().await.unwrap();
    }
    // The connection stays, so that nothing is read twice.
    std::mem::forget(socket);
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
