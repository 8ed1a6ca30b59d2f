//! SIGKILL at random points of `mentiond once`, against a fake web and a real mail system: every planted mention must
//! reach each recipient, and may reach one twice only if the connection broke after the final dot, with the same
//! Message-ID.
//!
//! 50 kills; `MENTIOND_KILLS=1000` makes the long campaign, `MENTIOND_SEED` another one. A campaign is a series of lives:
//! each begins with an empty state folder and feeds of its own, is killed and restarted until one run comes to its end,
//! and is followed by the next life until there were enough kills.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use mail_parser::MessageParser;
use rusqlite::{Connection, OpenFlags};
use support::dice::Dice;
use support::postfix::{DOMAIN, Journal, MailHost};
use support::web::{Reply, Web};
use tempfile::TempDir;

/// Two get the alerts, the third the department's notice.
const RECIPIENTS: [&str; 3] = ["ana", "bo", "carla"];
const FEEDS: usize = 12;
/// Planted in each feed, among as many entries about other things.
const PLANTED: usize = 5;
/// Each feed's answer takes this long, so that recording is not over before a kill can meet it.
const FEED_DELAY: Duration = Duration::from_millis(25);
/// A run that takes longer hangs.
const RUN_LIMIT: Duration = Duration::from_secs(120);
/// After every so many kills the index of what was seen is lost, as a power cut can lose it.
const LOSE_INDEX_EVERY: usize = 4;

const WORDS: &str = "amber anchor autumn bakery balcony basket beacon blanket bridge bucket butter candle canyon carpet \
    castle cedar cellar chimney cinema circus clover cobalt coffee copper corner cotton cradle crystal cushion dagger \
    daisy desert dinner dolphin dragon drawer eagle ember engine fabric falcon feather fiddle finger flannel forest \
    fountain garden garlic ginger glacier granite guitar hammer harbor hazel helmet honey island jacket jasmine jungle \
    kettle kitchen ladder lantern lemon library linen lobster magnet maple marble meadow mirror mitten monkey morning \
    mountain needle nickel noodle oasis onion orchard oyster paddle palace panther parlor pebble pepper pillow pirate \
    planet pocket pumpkin quarry rabbit radish ribbon river saddle salmon shadow silver spider spruce summer sunset";

#[test]
fn hazard_34_nothing_is_lost_and_nothing_said_twice_however_often_it_is_killed() {
    let kills = number("MENTIOND_KILLS").unwrap_or(50);
    let seed = number("MENTIOND_SEED").unwrap_or(20_261_121);
    let Some(host) = MailHost::start(&["ana", "bo", "carla", "ops"]) else { return };
    let web = Web::start();
    let mut dice = Dice(seed as u64);
    let mut tally = Tally::default();

    // The first life is not disturbed: it shows how long a run takes.
    let mut life = Life::begin(0, FEEDS, &web, host.smtp_port(), &mut dice);
    let times = life.measure();
    life.check_record();
    tally.lived(&life);

    let mut after_power_cut = 0;
    while tally.kills < kills {
        life = Life::begin(tally.lives, FEEDS, &web, host.smtp_port(), &mut dice);
        tally.lived(&life);
        loop {
            // Recording is a short part of a run: two of three kills before its end aim at it.
            let early = !matches!(life.stage(), Stage::Mailing | Stage::Done) && dice.below(3) != 0;
            let delay = if early {
                between(&mut dice, times.recorded / 3, times.recorded)
            } else {
                between(&mut dice, Duration::ZERO, times.whole)
            };
            let mut run = life.start();
            let killed = tally.kills < kills && !ends_within(&mut run, delay) && kill(&mut run);
            if !killed {
                finish(run, &life);
                break;
            }
            tally.kills += 1;
            *tally.stages.entry(life.stage()).or_default() += 1;
            if tally.kills % LOSE_INDEX_EVERY == 0 && life.lose_index() {
                after_power_cut += 1;
            }
        }
        life.check_record();
        // A round over the same feeds has nothing to say: not if it is killed as well, not after the index was lost.
        if dice.below(2) == 0 && tally.kills < kills {
            let mut run = life.start();
            if !ends_within(&mut run, between(&mut dice, Duration::ZERO, times.recorded)) && kill(&mut run) {
                tally.kills += 1;
                *tally.stages.entry(life.stage()).or_default() += 1;
            }
            if life.lose_index() {
                after_power_cut += 1;
            }
            finish(life.start(), &life);
            life.check_record();
        }
    }

    let missing = tally.count_mails(&host);
    println!("{}", tally.table(seed, times, after_power_cut));
    assert!(missing.is_empty(), "lost: {missing:?}");
    assert_eq!(tally.unexplained, Vec::<String>::new(), "repeats without a broken connection");
    assert!(kills < 50 || tally.stages.len() >= 3, "the kills met one stage only: {:?}", tally.stages);
}

#[test]
fn hazard_34_a_kill_after_the_final_dot_repeats_that_mail_and_one_before_it_repeats_none() {
    let Some(host) = MailHost::start(&["ana", "bo", "carla", "ops"]) else { return };
    let web = Web::start();
    let (bridge, port, paused) = Bridge::start(host.smtp_port());
    let life = Life::begin(0, 1, &web, port, &mut Dice(1));
    let mut tally = Tally::default();
    tally.lived(&life);
    // The first mail of a session, and later ones; four of the kills come after the dot.
    for pause in
        [(0, End::Held), (0, End::Passed), (2, End::Passed), (1, End::Held), (1, End::Passed), (0, End::Passed)]
    {
        bridge.send(pause).unwrap();
        let mut run = life.start();
        let connections: [TcpStream; 2] = paused.recv_timeout(RUN_LIMIT).expect("a mail on its way");
        assert!(kill(&mut run), "ended by itself: {}", life.said());
        for connection in connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        assert_eq!(life.stage(), Stage::Mailing);
        tally.kills += 1;
    }
    drop(bridge);
    finish(life.start(), &life);
    life.check_record();
    assert_eq!(tally.count_mails(&host), Vec::<String>::new());
    assert_eq!(tally.unexplained, Vec::<String>::new());
    assert_eq!(tally.repeats, 4);
}

/// Whether the line with the final dot still reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Passed,
    Held,
}

/// A way to the mail server on which a session can be stopped at the end of a message.
struct Bridge;

impl Bridge {
    /// Each connection takes one order, if there is one: after so many messages, pass or hold the end of the next one,
    /// let nothing more through, and hand over both connections.
    fn start(server: u16) -> (Sender<(usize, End)>, u16, Receiver<[TcpStream; 2]>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (orders, ordered) = channel::<(usize, End)>();
        let (pause, paused) = channel();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                let order = ordered.try_recv().ok();
                let pause = pause.clone();
                std::thread::spawn(move || carry(client, server, order, &pause));
            }
        });
        (orders, port, paused)
    }
}

fn carry(mut client: TcpStream, mut server: TcpStream, order: Option<(usize, End)>, pause: &Sender<[TcpStream; 2]>) {
    const DOT: &[u8] = b"\r\n.\r\n";
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    // Once the session is stopped, what the server says goes nowhere.
    let (stop, stopped) = channel::<()>();
    std::thread::spawn(move || {
        let mut block = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut block) {
            if stopped.try_recv().is_ok() || to.write_all(&block[..count]).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut said, mut ends) = (Vec::new(), 0);
    let mut block = [0; 4096];
    while let Ok(count @ 1..) = client.read(&mut block) {
        let known = said.len();
        said.extend_from_slice(&block[..count]);
        if let Some((before, end)) = order
            && let Some(at) = said[known.saturating_sub(DOT.len() - 1)..].windows(DOT.len()).position(|w| w == DOT)
        {
            let dot = known.saturating_sub(DOT.len() - 1) + at;
            if ends == before {
                stop.send(()).unwrap();
                let upto = if end == End::Passed { said.len() } else { dot };
                if let Some(rest) = said.get(known..upto) {
                    server.write_all(rest).unwrap();
                }
                pause.send([client, server]).unwrap();
                return;
            }
            ends += 1;
        }
        if server.write_all(&block[..count]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
}

/// How far the record was when a run was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    NothingRecorded,
    Recording,
    Mailing,
    Done,
}

/// From an empty state folder to the end of a run.
struct Life {
    number: usize,
    feeds: usize,
    folder: TempDir,
}

/// How long an undisturbed run takes, from its start.
#[derive(Clone, Copy, Debug)]
struct Times {
    recorded: Duration,
    whole: Duration,
}

impl Life {
    fn begin(number: usize, feeds: usize, web: &Web, port: u16, dice: &mut Dice) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = format!(
            r#"
[daemon]
state = "state"
timezone = "Europe/Madrid"
language = "en"
http = "off"
contact = "ops@{DOMAIN}"
[fetch]
allow_networks = ["127.0.0.0/8"]
[mail]
from = "Mentions <mentions@{DOMAIN}>"
transport = "smtp"
host = "127.0.0.1"
port = {port}
tls = "none"
max_per_hour = 100000
[watchlists.oakline]
query = "oakline"
alert = ["ana@{DOMAIN}", "bo@{DOMAIN}"]
[departments.support]
name = "Support"
email = "carla@{DOMAIN}"
[[routes]]
when = "watchlist:oakline"
department = "support"
deliver = "now"
"#
        );
        for feed in 0..feeds {
            let path = format!("/{number}/{feed}");
            let reply = Reply::ok(document(number, feed, dice)).header("Content-Type", "application/rss+xml");
            // No ETag: every run reads every entry again.
            web.on(&path, reply.delay(FEED_DELAY));
            config += &format!("[sources.feed-{feed}]\nkind = \"feed\"\nurl = \"{}\"\n", web.url(&path));
        }
        fs::write(folder.path().join("mentiond.toml"), config).unwrap();
        Self { number, feeds, folder }
    }

    fn mentions(&self) -> usize {
        self.feeds * PLANTED
    }

    fn start(&self) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mentiond"));
        command.arg("--config").arg(self.folder.path().join("mentiond.toml")).args(["once", "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(self.complaints()).unwrap());
        command.spawn().unwrap()
    }

    /// Runs to the end undisturbed.
    fn measure(&self) -> Times {
        let begun = Instant::now();
        let mut run = self.start();
        while !matches!(self.stage(), Stage::Mailing | Stage::Done) {
            assert!(begun.elapsed() < RUN_LIMIT, "{}", self.said());
            assert!(run.try_wait().unwrap().is_none(), "ended before all was recorded: {}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
        let recorded = begun.elapsed();
        finish(run, self);
        Times { recorded, whole: begun.elapsed() }
    }

    /// What the record holds: mentions, mails, and mails that were sent.
    fn record(&self) -> Option<[usize; 3]> {
        let path = self.folder.path().join("state/record.sqlite");
        let record = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        record.busy_timeout(Duration::from_secs(10)).unwrap();
        let count = |what: &str| record.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).ok();
        Some([count("mentions")?, count("outbox")?, count("outbox WHERE status = 'sent'")?])
    }

    fn stage(&self) -> Stage {
        match self.record() {
            None | Some([0, ..]) => Stage::NothingRecorded,
            Some([mentions, ..]) if mentions < self.mentions() => Stage::Recording,
            Some([_, mails, sent]) if sent < mails => Stage::Mailing,
            Some(_) => Stage::Done,
        }
    }

    /// After a run that came to its end.
    fn check_record(&self) {
        let mails = self.mentions() * RECIPIENTS.len();
        assert_eq!(self.record(), Some([self.mentions(), mails, mails]), "life {}: {}", self.number, self.said());
    }

    /// Deletes the index of what was seen; false if there is none yet.
    fn lose_index(&self) -> bool {
        fs::remove_dir_all(self.folder.path().join("state/seen")).is_ok()
    }

    fn complaints(&self) -> PathBuf {
        self.folder.path().join("stderr")
    }

    fn said(&self) -> String {
        read(&self.complaints())
    }
}

/// A feed of planted mentions among other entries. No two texts resemble each other.
fn document(life: usize, feed: usize, dice: &mut Dice) -> String {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut some =
        |count: usize| (0..count).map(|_| words[dice.below(words.len() as u64) as usize]).collect::<Vec<_>>().join(" ");
    let mut items = String::new();
    for place in 0..PLANTED * 2 {
        let brand = if place % 2 == 0 { "Oakline " } else { "" };
        let mark = format!("https://forum.example.net/{}", mark(life, feed * PLANTED + place / 2));
        let link = if place % 2 == 0 { mark } else { format!("https://other.example.net/{life}/{feed}/{place}") };
        items += &format!(
            "<item><guid>{link}</guid><link>{link}</link><title>{brand}{}</title><description>{}</description></item>\n",
            some(6),
            some(25)
        );
    }
    format!("<rss version=\"2.0\"><channel><title>Feed {feed}</title>\n{items}</channel></rss>")
}

/// What tells a mention from all others of the campaign.
fn mark(life: usize, number: usize) -> String {
    format!("plant-{life}-{number}-end")
}

#[derive(Default)]
struct Tally {
    kills: usize,
    lives: usize,
    /// Marks of all mentions that were planted.
    planted: Vec<String>,
    stages: BTreeMap<Stage, usize>,
    mails: usize,
    repeats: usize,
    lost: usize,
    unexplained: Vec<String>,
}

impl Tally {
    fn lived(&mut self, life: &Life) {
        self.lives += 1;
        self.planted.extend((0..life.mentions()).map(|number| mark(life.number, number)));
    }

    /// Looks at all mailboxes; answers what is missing.
    fn count_mails(&mut self, host: &MailHost) -> Vec<String> {
        let journal = Journal::read(&host.log());
        // For each recipient and mention the Message-IDs that came.
        let mut arrived: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for message in host.messages() {
            let parsed = MessageParser::default().parse(&message.data).unwrap();
            let text = parsed.body_text(0).unwrap();
            let id = parsed.message_id().unwrap().to_owned();
            // Similar mentions may be listed below: the mail is about the first.
            let first = text.find("plant-").map(|at| word(&text[at..]).to_owned());
            let Some(mark) = first else { panic!("a mail that nobody planted, to {}: {text}", message.mailbox) };
            arrived.entry((message.mailbox, mark)).or_default().push(id);
            self.mails += 1;
        }
        let mut missing = Vec::new();
        for (mark, recipient) in self.planted.iter().flat_map(|mark| RECIPIENTS.map(|recipient| (mark, recipient))) {
            let ids = arrived.remove(&(recipient.to_owned(), mark.clone())).unwrap_or_default();
            let Some(id) = ids.first() else {
                missing.push(format!("{mark} to {recipient}"));
                continue;
            };
            self.repeats += ids.len() - 1;
            if ids.iter().any(|other| other != id) {
                self.unexplained.push(format!("{mark} to {recipient}: other Message-IDs: {ids:?}"));
            }
            let mut tries: Vec<_> = journal.taken.iter().filter(|taken| taken.message_id == *id).collect();
            assert_eq!(tries.len(), ids.len(), "log and mailboxes differ about {id}");
            tries.sort_by_key(|taken| taken.session);
            for taken in &tries[..tries.len() - 1] {
                if !journal.broke_after(taken) {
                    let session = &journal.sessions[taken.session];
                    self.unexplained.push(format!(
                        "{mark} to {recipient}: mail {} of {} on its connection, {:?}, lost after {:?}",
                        taken.place + 1,
                        session.messages.len(),
                        session.commands,
                        session.lost_after
                    ));
                }
            }
        }
        assert!(arrived.is_empty(), "mails about nothing that was planted: {arrived:?}");
        self.lost = missing.len();
        missing
    }

    fn table(&self, seed: usize, times: Times, after_power_cut: usize) -> String {
        let stage = |stage: Stage| self.stages.get(&stage).copied().unwrap_or_default();
        let planted = self.planted.len();
        format!(
            "seed {seed}; an undisturbed run takes {:?}, of which polling and recording {:?}\n\
             lives                          {:6}\n\
             kills                          {:6}\n\
             \x20 nothing recorded yet         {:6}\n\
             \x20 while recording              {:6}\n\
             \x20 while mailing                {:6}\n\
             \x20 all done                     {:6}\n\
             restarts without the index     {:6}\n\
             mentions planted               {:6}\n\
             mails due                      {:6}\n\
             mails in mailboxes             {:6}\n\
             lost                           {:6}\n\
             repeats, same Message-ID,\n\
             \x20 connection broke after dot   {:6}\n\
             other repeats                  {:6}",
            times.whole,
            times.recorded,
            self.lives,
            self.kills,
            stage(Stage::NothingRecorded),
            stage(Stage::Recording),
            stage(Stage::Mailing),
            stage(Stage::Done),
            after_power_cut,
            planted,
            planted * RECIPIENTS.len(),
            self.mails,
            self.lost,
            self.repeats - self.unexplained.len().min(self.repeats),
            self.unexplained.len(),
        )
    }
}

/// A time between two others.
fn between(dice: &mut Dice, start: Duration, end: Duration) -> Duration {
    start + Duration::from_micros(dice.below((end - start).as_micros() as u64 + 1))
}

fn ends_within(run: &mut Child, limit: Duration) -> bool {
    std::thread::sleep(limit);
    run.try_wait().unwrap().is_some()
}

/// SIGKILL; false if the run had ended just before.
fn kill(run: &mut Child) -> bool {
    run.kill().unwrap();
    run.wait().unwrap().code().is_none()
}

/// Waits for the end of a run, which must be a good one.
fn finish(mut run: Child, life: &Life) {
    let begun = Instant::now();
    while run.try_wait().unwrap().is_none() {
        if begun.elapsed() > RUN_LIMIT {
            run.kill().unwrap();
            panic!("life {} hangs: {}", life.number, life.said());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = run.wait().unwrap();
    assert!(status.success(), "life {}: {status}: {}", life.number, life.said());
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    &text[..end]
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn number(variable: &str) -> Option<usize> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}
