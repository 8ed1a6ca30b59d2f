//! Fetching against a fake web: hazards 1 to 12 as far as they concern fetching, and politeness.

#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub, reason = "tests")]

mod answers;
mod bounds;
#[path = "../support/mod.rs"]
mod support;
mod whereto;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mentiond::clock::Clock;
use mentiond::fetch::{Answer, FetchError, Fetcher, Looking, Lookup};
use mentiond::model::{Cursor, FetchSettings, PollFault};
use support::web::{Reply, Web, tls_file};
use url::Url;

pub fn settings() -> FetchSettings {
    FetchSettings {
        allow_networks: vec!["127.0.0.1/32".parse().unwrap()],
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(20),
        max_body: 1 << 20,
        per_host: 1,
        concurrency: 8,
        max_entries: 10_000,
        proxy: None,
        user_agent: "mentiond/test (+ops@example.com)".to_owned(),
        ca_file: Some(tls_file("ca")),
    }
}

pub fn fetcher() -> Fetcher {
    Fetcher::new(&settings()).unwrap()
}

/// A name's answers, and which is next.
type Script = (Vec<Vec<IpAddr>>, usize);

/// A resolver from a table: each lookup of a name takes its next answer, the last one stays.
#[derive(Default)]
pub struct Table {
    answers: Mutex<HashMap<String, Script>>,
    pub lookups: AtomicUsize,
}

impl Table {
    pub fn new(rows: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let parse = |answers: &[&[&str]]| {
            answers.iter().map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect()).collect()
        };
        let answers = rows.iter().map(|(name, answers)| ((*name).to_owned(), (parse(answers), 0))).collect();
        Arc::new(Self { answers: Mutex::new(answers), lookups: AtomicUsize::new(0) })
    }
}

impl Lookup for Table {
    fn lookup(&self, name: &str) -> Looking {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let found = self.answers.lock().unwrap().get_mut(name).map(|(answers, next)| {
            let answer = answers[(*next).min(answers.len() - 1)].clone();
            *next += 1;
            answer
        });
        Box::pin(async move { found.ok_or_else(|| std::io::Error::other("no such name")) })
    }
}

pub fn with_names(settings: &FetchSettings, table: &Arc<Table>) -> Fetcher {
    Fetcher::with(settings, Clock::system(), Arc::clone(table) as Arc<dyn Lookup>).unwrap()
}

pub async fn get(fetcher: &Fetcher, url: Url) -> Result<Answer, PollFault> {
    fetcher.get(&url, &Cursor::default()).await
}

pub async fn fault(fetcher: &Fetcher, url: Url) -> PollFault {
    get(fetcher, url).await.expect_err("a fault")
}

/// The document as text, and the rest of the answer through the second value.
pub fn text(answer: &Answer) -> String {
    match answer {
        Answer::Document { body, .. } => String::from_utf8_lossy(body).into_owned(),
        Answer::NotModified { .. } => panic!("not modified"),
    }
}

pub fn moved_to(answer: &Answer) -> Option<String> {
    match answer {
        Answer::Document { moved_to, .. } | Answer::NotModified { moved_to, .. } => {
            moved_to.as_ref().map(Url::to_string)
        }
    }
}

pub fn validators(answer: &Answer) -> Cursor {
    match answer {
        Answer::Document { etag, last_modified, .. } => {
            Cursor { etag: etag.clone(), last_modified: last_modified.clone(), ..Cursor::default() }
        }
        Answer::NotModified { .. } => panic!("not modified"),
    }
}

#[tokio::test]
async fn a_document_and_all_that_was_said_about_it() {
    let web = Web::start();
    web.on(
        "/feed?q=1",
        Reply::ok("<rss/>")
            .gzip()
            .etag("\"v1\"")
            .header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
            .header("Content-Type", "application/rss+xml; charset=utf-8")
            .header("Cache-Control", "max-age=600"),
    );
    let answer = get(&fetcher(), web.url("/feed?q=1#top")).await.unwrap();
    let Answer::Document { body, content_type, etag, last_modified, hints, moved_to, final_url } = &answer else {
        panic!("{answer:?}")
    };
    assert_eq!(&body[..], b"<rss/>");
    assert_eq!(content_type.as_deref(), Some("application/rss+xml; charset=utf-8"));
    assert_eq!(etag.as_deref(), Some("\"v1\""));
    assert_eq!(last_modified.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(hints.max_age, Some(Duration::from_secs(600)));
    assert_eq!((moved_to, final_url), (&None, &web.url("/feed?q=1")));

    let visit = &web.visits()[0];
    assert_eq!(visit.header("user-agent").as_deref(), Some("mentiond/test (+ops@example.com)"));
    assert_eq!(visit.header("accept-encoding").as_deref(), Some("gzip, br"));
    assert!(visit.header("accept").unwrap().contains("application/atom+xml"));
    for absent in ["referer", "cookie", "authorization", "if-none-match", "if-modified-since"] {
        assert_eq!(visit.header(absent), None, "{absent}");
    }
}

#[test]
fn settings_that_cannot_work_say_so() {
    let with_ca = |path: &str| Fetcher::new(&FetchSettings { ca_file: Some(path.into()), ..settings() }).err().unwrap();
    assert!(matches!(with_ca("/nowhere.pem"), FetchError::CaFile { .. }));
    assert!(matches!(with_ca(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")), FetchError::CaEmpty { .. }));
    let proxy = Some(Url::parse("socks5://user:s3cret@127.0.0.1:1080").unwrap());
    let fault = Fetcher::new(&FetchSettings { proxy, ..settings() }).err().unwrap();
    assert!(matches!(fault, FetchError::Proxy { .. }) && !fault.to_string().contains("s3cret"), "{fault}");
    let user_agent = "two\nlines".to_owned();
    let fault = Fetcher::new(&FetchSettings { user_agent, ..settings() }).err().unwrap();
    assert!(matches!(fault, FetchError::UserAgent));
}
