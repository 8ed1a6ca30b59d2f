//! A small browser: requests as bytes, a cookie jar, and a world with departments and pages.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::world::{Running, World, entry, free_address, rss, until};

pub const ANA: &str = "ana@example.com";
pub const LIV: &str = "liv@example.com";

/// What a hostile stranger writes.
pub const ATTACK: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)> {{ 7*7 }} {% raw %} javascript:alert(4)";

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v)
    }

    /// Value of the first form field of that name.
    pub fn field(&self, name: &str) -> String {
        let rest = self
            .body
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap_or_else(|| panic!("no {name}: {}", self.body))
            .1;
        rest.split('"').next().unwrap().to_owned()
    }

    pub fn says(&self, words: &str) -> &Self {
        assert!(self.body.contains(words), "no {words:?} in {}", self.body);
        self
    }

    pub fn lacks(&self, words: &str) -> &Self {
        assert!(!self.body.contains(words), "{words:?} in {}", self.body);
        self
    }
}

/// Sends one request.
pub async fn send(to: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    // The daemon under test may not listen yet.
    let start = std::time::Instant::now();
    let mut stream = loop {
        match tokio::net::TcpStream::connect(to).await {
            Ok(stream) => break stream,
            Err(error) => assert!(start.elapsed().as_secs() < 20, "{to}: {error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    let host = if headers.contains("Host:") { String::new() } else { format!("Host: {to}\r\n") };
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{host}{headers}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.replace("\r\n", "\n"),
        body: body.to_owned(),
    }
}

/// Somebody at a browser.
pub struct Person {
    pub at: SocketAddr,
    pub cookie: String,
}

impl Person {
    pub fn stranger(at: SocketAddr) -> Self {
        Self { at, cookie: String::new() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.at, "GET", path, &format!("Cookie: {}\r\n", self.cookie), "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        let headers = format!("Cookie: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n", self.cookie);
        send(self.at, "POST", path, &headers, body).await
    }

    /// Signs in through the mail.
    pub async fn sign_in(world: &World, daemon: &Running, email: &str) -> Self {
        let mut person = Self::stranger(daemon.http.unwrap());
        let before = sign_in_mails(world, email).len();
        assert_eq!(person.post("/sign-in", &format!("email={email}")).await.status, 200);
        until("the sign-in mail", || sign_in_mails(world, email).len() > before).await;
        let path = sign_in_mails(world, email).pop().unwrap();
        let answer = person.post(&path, "").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        person.cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        person
    }
}

/// Paths of the links that signed somebody in, or could.
pub fn sign_in_mails(world: &World, email: &str) -> Vec<String> {
    let mails = world.mails_to(email).into_iter().filter(|mail| mail.kind == "sign-in");
    mails.map(|mail| links(&mail.text, "/sign-in/").remove(0)).collect()
}

/// Paths of all links of a mail that hold this, in order.
pub fn links(text: &str, holding: &str) -> Vec<String> {
    text.split_whitespace()
        .filter(|word| word.starts_with("http") && word.contains(holding))
        .map(|word| format!("{holding}{}", word.split_once(holding).unwrap().1))
        .collect()
}

/// A shop with three departments, and pages. `http` is where they are.
pub fn world(language: &str) -> (World, SocketAddr) {
    let http = free_address();
    let world = World::new()
        .daemon(&format!("http = \"{http}\"\npublic_url = \"http://{http}\"\nlanguage = \"{language}\"\ntimezone = \"Europe/Madrid\""))
        .watch("acme", "acme", "brand@example.com")
        .toml(&format!(
            "[departments.support]\nname = \"Customer Service\"\nemail = \"support@example.com\"\nlead = \"lead@example.com\"\n\
             language = \"{language}\"\nacknowledge_within = \"4h\"\nresolve_within = \"3d\"\n\
             members = [{{ name = \"Ana Ruiz\", email = \"{ANA}\" }}, {{ name = \"Tom Berg\", email = \"tom@example.com\" }}]\n\
             handles = [\"complaint\", \"unresolved\", \"technical\", \"refund\"]\n\
             [departments.shop]\nname = \"The shop\"\nemail = \"shop@example.com\"\n\
             members = [{{ name = \"Liv Holm\", email = \"{LIV}\" }}]\n\
             [departments.community]\nname = \"Community\"\nemail = \"community@example.com\"\nrole = \"community\"\n"
        ));
    (world, http)
}

/// A complaint with personal data in it.
pub fn complaint() -> String {
    rss([entry("Acme broke my chair").id(1).link("https://forum.example/maria-lopez/1").author("Maria Lopez").text(
        "My Acme chair broke on the second day and nobody answers me. Terrible service! Call me: +34 612 345 678.",
    )])
}

/// The links by which the owner of case 1 acts: acknowledge, answer, resolve, assign, dismiss.
pub async fn notice_links(world: &World, to: &str) -> Vec<String> {
    until("the notice", || world.mails_to(to).iter().any(|m| m.kind == "notice")).await;
    let notice = world.mails_to(to).into_iter().find(|m| m.kind == "notice").unwrap();
    let found = links(&notice.text, "/act/");
    assert_eq!(found.len(), 5, "{}", notice.text);
    assert_eq!(notice.html.matches("/act/").count(), 5);
    found
}
