//! A world around the library: a fake web, a scripted relay, a clock that a test steps, and a state folder of its own.
//! Each [`World::once`] is a process of its own as far as the state can tell: opened, one round, closed.
//!
//! ```ignore
//! let world = World::new().feed("news", rss([entry("Acme Corp broke")])).watch("acme", "acme", "brand@example.com");
//! let round = world.once().await;
//! assert_eq!((round.mentions, world.mails().len()), (1, 1));
//! ```

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use mail_parser::{Address, MessageParser};
use mentiond::clock::Clock;
use mentiond::config;
use mentiond::daemon::engine::Engine;
use mentiond::daemon::{self, Progress, RunError, Summary};
use mentiond::store::StoreError;
use mentiond::store::record::{DeliveryRow, MentionFilter, MentionRow, Reader, Record, SourceState};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::smtp::{Received, Script, SmtpServer};
use super::web::{Reply, Visit, Web};

/// When every world begins.
pub const START: Timestamp = Timestamp::constant(1_772_442_000, 0);

/// How long a condition may take to come true, also on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
pub struct World {
    pub web: Web,
    pub relay: SmtpServer,
    pub clock: Clock,
    folder: TempDir,
    /// Further lines of `[daemon]`, `[fetch]` and `[mail]`.
    daemon: String,
    fetch: String,
    mail: String,
    tables: String,
    /// The whole configuration, where a test writes it itself.
    text: Option<String>,
}

impl World {
    /// An empty one: no source, no watchlist, a relay that takes everything.
    pub fn new() -> Self {
        Self {
            web: Web::start(),
            relay: SmtpServer::start(Script::default()),
            clock: Clock::fixed(START),
            folder: tempfile::tempdir().unwrap(),
            daemon: String::new(),
            fetch: String::new(),
            mail: String::new(),
            tables: String::new(),
            text: None,
        }
    }

    /// A source of that name, served at `/NAME`.
    pub fn feed(self, name: &str, reply: impl Into<Reply>) -> Self {
        self.serve(name, reply);
        let url = self.web.url(&format!("/{name}"));
        self.toml(&format!("[sources.{name}]\nkind = \"feed\"\nurl = \"{url}\"\n"))
    }

    /// A watchlist with one subscriber.
    pub fn watch(self, name: &str, query: &str, subscriber: &str) -> Self {
        self.toml(&format!("[watchlists.{name}]\nquery = '{query}'\nalert = [\"{subscriber}\"]\n"))
    }

    /// A department at `KEY@example.com` that handles these categories.
    pub fn department(self, key: &str, handles: &[&str]) -> Self {
        self.toml(&format!(
            "[departments.{key}]\nname = \"The {key} team\"\nemail = \"{key}@example.com\"\nhandles = {handles:?}"
        ))
    }

    /// Further tables.
    pub fn toml(mut self, text: &str) -> Self {
        self.tables.push_str(text);
        self.tables.push('\n');
        self
    }

    /// A line of `[daemon]`.
    pub fn daemon(mut self, line: &str) -> Self {
        writeln!(self.daemon, "{line}").unwrap();
        self
    }

    /// A line of `[fetch]`.
    pub fn fetch(mut self, line: &str) -> Self {
        writeln!(self.fetch, "{line}").unwrap();
        self
    }

    /// A line of `[mail]`.
    pub fn mail(mut self, line: &str) -> Self {
        writeln!(self.mail, "{line}").unwrap();
        self
    }

    /// Who is told of trouble.
    pub fn contact(self) -> Self {
        self.daemon("contact = \"ops@example.com\"")
    }

    /// The relay by another name.
    pub fn mail_host(self, host: &str) -> Self {
        let port = self.relay.port();
        self.mail(&format!("transport = \"smtp\"\nhost = \"{host}\"\nport = {port}"))
    }

    /// Forgets all lines of `[mail]`.
    pub fn without_mail_lines(mut self) -> Self {
        self.mail.clear();
        self
    }

    /// Another relay.
    pub fn relay(mut self, script: Script) -> Self {
        self.relay = SmtpServer::start(script);
        self
    }

    /// Another relay, from session to session.
    pub fn relay_each(mut self, scripts: Vec<Script>) -> Self {
        self.relay = SmtpServer::start_each(scripts);
        self
    }

    /// What a source yields from now on.
    pub fn serve(&self, name: &str, reply: impl Into<Reply>) {
        self.web.on(&format!("/{name}"), reply.into());
    }

    /// Lets time pass.
    pub fn pass(&self, time: SignedDuration) {
        self.clock.set(self.clock.now() + time);
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The world's folder, in which the configuration lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration file, as it is now.
    pub fn config(&self) -> PathBuf {
        let path = self.folder.path().join("mentiond.toml");
        std::fs::write(&path, self.config_text()).unwrap();
        path
    }

    /// Takes `text` for the whole configuration from now on.
    pub fn with_text(mut self, text: String) -> Self {
        self.text = Some(text);
        self
    }

    /// The configuration as it is now.
    pub fn config_text(&self) -> String {
        if let Some(text) = &self.text {
            return text.clone();
        }
        let Self { daemon, fetch, mail, tables, relay, .. } = self;
        let http = if daemon.contains("http =") { "" } else { "http = \"off\"\n" };
        let way = if mail.contains("transport =") {
            String::new()
        } else {
            let tls = if mail.contains("tls =") { "" } else { "tls = \"none\"\n" };
            format!("host = \"127.0.0.1\"\nport = {}\n{tls}", relay.port())
        };
        format!(
            "[daemon]\nstate = \"state\"\n{http}{daemon}\n[fetch]\nallow_networks = [\"127.0.0.0/8\"]\n{fetch}\n\
             [mail]\nfrom = \"Mentions <mentions@example.com>\"\n{way}{mail}\n{tables}"
        )
    }

    /// What is built from the configuration as it is now.
    pub fn engine(&self) -> Engine {
        let loaded = config::load(&self.config()).unwrap_or_else(|errors| panic!("{errors}"));
        Engine::build(loaded.config).unwrap()
    }

    /// One round, in a process of its own.
    pub async fn once(&self) -> Summary {
        self.try_once().await.unwrap()
    }

    /// [`World::once`], if the state allows.
    pub async fn try_once(&self) -> Result<Summary, StoreError> {
        let engine = Arc::new(self.engine());
        let world = Arc::new(daemon::World::open(&self.state(), self.clock.clone())?);
        let summary = daemon::once(&world, &engine, &CancellationToken::new(), &Silent).await;
        close(world).await;
        summary
    }

    /// Starts the daemon with the configuration as it is now.
    pub fn run(&self) -> Running {
        let engine = self.engine();
        let http = engine.config.daemon.http;
        let world = Arc::new(daemon::World::open(&self.state(), self.clock.clone()).unwrap());
        let (stop, (reload, reloads)) = (CancellationToken::new(), mpsc::channel(1));
        let task = tokio::spawn(daemon::run(Arc::clone(&world), engine, stop.clone(), reloads));
        Running { world, http, stop, reload, task }
    }

    /// Mails that arrived, in order.
    pub fn mails(&self) -> Vec<Mail> {
        self.relay.messages().iter().map(Mail::read).collect()
    }

    /// Mails that arrived at one address.
    pub fn mails_to(&self, address: &str) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.to == address).collect()
    }

    /// Kind and recipient of all mails that arrived, in order.
    pub fn heard(&self) -> Vec<(String, String)> {
        self.mails().into_iter().map(|mail| (mail.kind, mail.to)).collect()
    }

    /// Requests to a source, in order.
    pub fn visits(&self, name: &str) -> Vec<Visit> {
        let path = format!("/{name}");
        self.web.visits().into_iter().filter(|visit| visit.path == path).collect()
    }

    /// The record, as commands read it.
    pub fn record(&self) -> Reader {
        Record::open_to_read(&self.state().join("record.sqlite")).unwrap()
    }

    /// All mentions, oldest first, copies included.
    pub fn mentions(&self) -> Vec<MentionRow> {
        let filter = MentionFilter { copies: true, limit: 100_000, ..MentionFilter::default() };
        let mut rows = self.record().mentions(&filter).unwrap();
        rows.reverse();
        rows
    }

    /// The whole outbox, oldest first.
    pub fn outbox(&self) -> Vec<DeliveryRow> {
        let mut rows = self.record().deliveries(None, None, 100_000).unwrap();
        rows.reverse();
        rows
    }

    /// Where a source stands.
    pub fn source(&self, name: &str) -> SourceState {
        self.record().source_states().unwrap().remove(name).unwrap()
    }
}

/// A daemon under way.
pub struct Running {
    pub world: Arc<daemon::World>,
    pub http: Option<SocketAddr>,
    pub stop: CancellationToken,
    pub reload: mpsc::Sender<()>,
    task: JoinHandle<Result<(), RunError>>,
}

impl Running {
    /// Tells the daemon to stop, and waits for it; the state folder is free afterwards.
    pub async fn stop(self) -> Result<(), RunError> {
        self.stop.cancel();
        self.ended().await
    }

    /// Waits for a daemon that stops of its own accord.
    pub async fn ended(self) -> Result<(), RunError> {
        let result = tokio::time::timeout(PATIENCE, self.task).await.expect("the daemon does not stop").unwrap();
        close(self.world).await;
        result
    }

    /// Wakes the courier, which would look at a stepped clock only after half a minute of real time.
    pub fn wake_courier(&self) {
        self.world.mail_due.notify_one();
    }

    /// What `path` answers over HTTP: status and body.
    pub async fn get(&self, path: &str) -> (u16, String) {
        get(self.http.expect("`http` is on"), path).await
    }
}

/// What an address answers over HTTP: status and body.
pub async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: mentiond\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn close(world: Arc<daemon::World>) {
    let world = Arc::try_unwrap(world).unwrap_or_else(|_| panic!("something of the daemon still runs"));
    world.store.close().await;
}

/// Waits until a condition holds; for what happens on other threads and in other processes.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// An address on loopback that nobody else uses: the process's own IP address, and a port that is free on it.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let own = u8::try_from(NEXT.fetch_add(1, Ordering::SeqCst) % 250 + 2).unwrap();
    std::net::TcpListener::bind((std::net::Ipv4Addr::new(127, high, low, own), 0)).unwrap().local_addr().unwrap()
}

struct Silent;

impl Progress for Silent {
    fn polled(&self, _: usize, _: usize) {}
    fn delivering(&self, _: u64) {}
}

/// A mail as its reader gets it.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Envelope recipient; the header is held to it.
    pub to: String,
    /// `alert`, `notice`, `copy`, `bundle` or `trouble`.
    pub kind: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub message_id: String,
    pub possible_duplicate: bool,
    pub raw: Vec<u8>,
}

impl Mail {
    /// Whether the text says this, however it is wrapped and quoted.
    pub fn says(&self, words: &str) -> bool {
        let lines = self.text.lines().map(|l| l.trim_start_matches("> ").trim());
        lines.collect::<Vec<_>>().join(" ").contains(words)
    }

    fn read(received: &Received) -> Self {
        let message = MessageParser::default().parse(&received.data).expect("a mail");
        let [to] = received.to.as_slice() else { panic!("one mail, one recipient: {:?}", received.to) };
        let named = message.to().and_then(Address::first).and_then(|a| a.address());
        assert_eq!(named, Some(to.as_str()), "envelope and header");
        let header = |name: &str| message.header(name).and_then(|v| v.as_text()).unwrap_or_default().to_owned();
        assert_eq!(header("Auto-Submitted"), "auto-generated");
        Self {
            to: to.clone(),
            kind: header("X-Mentiond-Kind"),
            subject: message.subject().unwrap_or_default().to_owned(),
            text: message.body_text(0).unwrap_or_default().into_owned(),
            html: message.body_html(0).unwrap_or_default().into_owned(),
            message_id: message.message_id().unwrap_or_default().to_owned(),
            possible_duplicate: header("X-Mentiond-Possible-Duplicate") == "yes",
            raw: received.data.clone(),
        }
    }
}

/// One entry of a feed; without [`Entry::id`] and [`Entry::link`] it has neither.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    title: String,
    text: String,
    id: String,
    link: String,
    author: String,
    site: String,
    published: String,
}

/// An entry with this title.
pub fn entry(title: &str) -> Entry {
    Entry { title: title.to_owned(), ..Entry::default() }
}

impl Entry {
    pub fn text(self, text: &str) -> Self {
        Self { text: text.to_owned(), ..self }
    }

    pub fn id(self, id: impl ToString) -> Self {
        Self { id: id.to_string(), ..self }
    }

    pub fn link(self, link: &str) -> Self {
        Self { link: link.to_owned(), ..self }
    }

    pub fn author(self, author: &str) -> Self {
        Self { author: author.to_owned(), ..self }
    }

    /// When it was written.
    pub fn published(self, at: Timestamp) -> Self {
        let zoned = at.to_zoned(jiff::tz::TimeZone::UTC);
        Self { published: jiff::fmt::rfc2822::to_string(&zoned).unwrap(), ..self }
    }

    /// Who wrote it.
    pub fn author_name(&self) -> &str {
        &self.author
    }

    /// The publication that it comes from.
    pub fn site(self, site: &str) -> Self {
        Self { site: site.to_owned(), ..self }
    }
}

/// An RSS document.
pub fn rss(entries: impl IntoIterator<Item = Entry>) -> String {
    let mut xml = String::from("<rss version=\"2.0\"><channel><title>A feed</title>");
    for entry in entries {
        xml.push_str("<item>");
        for (name, value) in [
            ("title", &entry.title),
            ("description", &entry.text),
            ("guid", &entry.id),
            ("link", &entry.link),
            ("author", &entry.author),
            ("source", &entry.site),
            ("pubDate", &entry.published),
        ] {
            if !value.is_empty() {
                let value = value.replace('&', "&amp;").replace('<', "&lt;");
                let attributes = if name == "guid" { " isPermaLink=\"false\"" } else { "" };
                write!(xml, "<{name}{attributes}>{value}</{name}>").unwrap();
            }
        }
        xml.push_str("</item>");
    }
    xml + "</channel></rss>"
}

impl From<String> for Reply {
    fn from(document: String) -> Self {
        Reply::ok(document)
    }
}

/// Where the shared data lies, if it is there; says so if not.
pub fn shared(below: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("MENTIOND_SHARED").map(PathBuf::from);
    let path = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared")).join(below);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: there is no {}", path.display());
    None
}
