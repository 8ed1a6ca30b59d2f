//! Collected mail from a busy week: who gets what, once, and what it says. With `EXAMPLES=FOLDER` the week's mails are
//! written there (`tests/examples`).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mentiond::cases::Action;
use mentiond::daemon;

use crate::support::world::{Entry, Mail, World, entry, rss};

const SUPPORT: &str = "support@oakline.example";
const MARKETING: &str = "marketing@oakline.example";
const COMMUNITY: &str = "community@oakline.example";
const BOARD: &str = "board@oakline.example";

/// A furniture shop in Madrid that exists nowhere.
const OAKLINE: &str = r#"
[watchlists.oakline]
query = 'oakline'
name = "Oakline"

[departments.support]
name = "Customer Service"
email = "support@oakline.example"
members = [{ name = "Ana Ruiz", email = "ana@oakline.example" }, { name = "Tom Berg", email = "tom@oakline.example" }]
lead = "lead@oakline.example"
handles = ["complaint", "refund", "unresolved", "technical", "staff"]
hours = "Mon-Fri 09:00-18:00"
acknowledge_within = "4h"
resolve_within = "2d"
digest = "daily 09:00"

[departments.marketing]
name = "Marketing"
email = "marketing@oakline.example"
handles = ["campaign"]
hours = "Mon-Fri 09:00-18:00"
digest = "weekly Mon 09:00"
meeting = "weekly Tue 10:00"

[departments.community]
name = "Community"
email = "community@oakline.example"
role = "community"
hours = "Mon-Fri 09:00-18:00"
digest = "daily 09:00"

[departments.board]
name = "Management"
email = "board@oakline.example"
role = "management"
hours = "Mon-Fri 09:00-18:00"
digest = "weekly Mon 09:00"

[[routes]]
when = 'category:praise OR category:suggestion'
department = "marketing"
deliver = "meeting"

[[routes]]
when = 'category:question'
department = "support"
deliver = "digest"
"#;

fn at(text: &str) -> Timestamp {
    let zone = TimeZone::get("Europe/Madrid").unwrap();
    text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone).unwrap().timestamp()
}

fn post(number: u32, author: &str, title: &str, text: &str) -> Entry {
    let link = format!("https://forum.example.net/t/{number}");
    entry(title).id(number).link(&link).author(author).text(text)
}

/// What was said when, from Monday 2 to Monday 9 March 2026.
fn said() -> Vec<(&'static str, Entry)> {
    let lines: &[(&str, &str, &str, &str)] = &[
        (
            "2026-03-02 10:00",
            "Margaret Hill",
            "Oakline table arrived cracked",
            "The Oakline table arrived cracked and nobody answers me. I am very disappointed. My number is +44 20 7946 0958.",
        ),
        (
            "2026-03-02 15:00",
            "Joe",
            "Thank you Oakline",
            "Wonderful service from Oakline, Ana Ruiz helped me within minutes. I love my new chair!",
        ),
        (
            "2026-03-03 09:30",
            "Dev Nair",
            "Does Oakline deliver to Malta?",
            "Does Oakline deliver to Malta, and how long does it take?",
        ),
        (
            "2026-03-03 16:00",
            "Lucy Park",
            "Oakline charged me twice",
            "Oakline charged me twice for one sofa and refuses to refund me. 480 euros gone. I want my money back.",
        ),
        (
            "2026-03-04 11:00",
            "Petra",
            "Oakline app",
            "The Oakline app crashes whenever I open my order. It keeps happening.",
        ),
        (
            "2026-03-04 12:00",
            "Sam Okoro",
            "Oakline app logs me out",
            "The Oakline app logs me out each time I open it. Please fix this.",
        ),
        (
            "2026-03-04 20:00",
            "Ines",
            "Oakline is great",
            "Best shop ever, the Oakline oak shelves are beautiful and so well made. Thank you!",
        ),
        (
            "2026-03-05 08:00",
            "Will Tan",
            "Oakline idea",
            "It would be nice if Oakline offered a spare parts shop. I suggest adding one.",
        ),
        (
            "2026-03-05 13:00",
            "Carla Sanz",
            "Oakline lamp caught fire",
            "My Oakline lamp caught fire and burned my hand. This is dangerous, somebody will get hurt.",
        ),
        (
            "2026-03-06 10:00",
            "Bo",
            "How do I clean an Oakline table?",
            "How do I clean an oiled Oakline table without leaving marks?",
        ),
        (
            "2026-03-06 17:50",
            "Karim",
            "Still no answer from Oakline",
            "I wrote to Oakline three weeks ago about my broken shelf and still no answer. Terrible service.",
        ),
        ("2026-03-07 12:00", "Rosa", "Oakline sofa", "So happy with the Oakline sofa, the delivery team was lovely."),
        (
            "2026-03-08 18:00",
            "Nils",
            "Rude man at Oakline",
            "The man at the Oakline counter was rude to my mother, he laughed at her and refused to help.",
        ),
    ];
    (1..).zip(lines).map(|(n, (when, who, title, text))| (*when, post(n, who, title, text))).collect()
}

fn world() -> World {
    let world = World::new()
        .daemon("timezone = \"Europe/Madrid\"")
        .feed("forum", rss([]))
        .toml("every = \"23h\"")
        .feed("reviews", rss([]))
        .toml("every = \"23h\"")
        .toml(OAKLINE);
    world.clock.set(at("2026-03-02 08:00"));
    world
}

/// One round at that time, with what was said until then; the collected mail of that round.
async fn round(world: &World, now: &str) -> Vec<Mail> {
    world.clock.set(at(now));
    let there = said().into_iter().filter(|(when, _)| at(when) <= at(now)).map(|(_, entry)| entry);
    world.serve("forum", rss(there));
    let before = world.mails().len();
    world.once().await;
    collected(world.mails().split_off(before))
}

fn collected(mails: Vec<Mail>) -> Vec<Mail> {
    mails.into_iter().filter(|mail| ["digest", "meeting", "management"].contains(&mail.kind.as_str())).collect()
}

fn heard(mails: &[Mail]) -> Vec<(&str, &str)> {
    mails.iter().map(|mail| (mail.kind.as_str(), mail.to.as_str())).collect()
}

async fn act(world: &World, case: i64, action: Action, by: &str) {
    let engine = world.engine();
    let daemon = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let done = daemon.store.record().act_on_case(engine.desk, case, action, Some(by.into()), world.clock.now()).await;
    done.unwrap().unwrap();
    daemon.store.close().await;
}

/// When it is polled: in the mornings and whenever something was said. People act in between.
async fn week(world: &World, until: &str) -> Vec<Mail> {
    let mut times: Vec<String> = said().iter().map(|(when, _)| (*when).to_owned()).collect();
    for day in ["02", "03", "04", "05", "06", "07", "08", "09", "10"] {
        times.extend([7, 9].map(|hour| format!("2026-03-{day} {hour:02}:00")));
    }
    times.sort();
    times.retain(|time| time.as_str() <= until);
    let mut all = Vec::new();
    for time in times {
        all.extend(round(world, &time).await);
        match time.as_str() {
            "2026-03-02 10:00" => act(world, 1, Action::Acknowledge, "ana@oakline.example").await,
            "2026-03-03 09:30" => act(world, 1, Action::Answer, "ana@oakline.example").await,
            "2026-03-05 13:00" => act(world, 2, Action::Acknowledge, "tom@oakline.example").await,
            _ => {}
        }
    }
    all
}

/// The digest part of a world's record: the latest mail of a kind to somebody.
fn last<'m>(mails: &'m [Mail], kind: &str, to: &str) -> &'m Mail {
    mails.iter().rfind(|mail| mail.kind == kind && mail.to == to).expect("the mail")
}

#[tokio::test]
async fn everybody_gets_their_collected_mail_once_and_at_the_right_time() {
    let world = world();
    let mails = week(&world, "2026-03-10 08:00").await;
    let count = |kind: &str, to: &str| mails.iter().filter(|m| m.to == to && m.kind == kind).count();
    // Monday the 2nd (for the time since Friday) to Friday, then Monday for the weekend.
    assert_eq!(count("digest", SUPPORT), 6, "{:?}", heard(&mails));
    assert_eq!(count("digest", COMMUNITY), 6, "{:?}", heard(&mails));
    assert_eq!(count("digest", MARKETING), 2, "{:?}", heard(&mails));
    assert_eq!(count("meeting", MARKETING), 2, "{:?}", heard(&mails));
    assert_eq!(count("management", BOARD), 2, "{:?}", heard(&mails));
    assert_eq!(mails.len(), 18, "nobody else: {:?}", heard(&mails));
    for mail in &mails {
        assert!(!mail.says("comes late"), "{}", mail.subject);
        assert_nothing_remote(mail);
    }

    // A question waits for the digest, praise for the meeting; each is told once.
    let telling = |words: &str, kind: &str, to: &str| {
        mails.iter().filter(|m| m.kind == kind && m.to == to && m.says(words)).count()
    };
    assert_eq!(telling("deliver to Malta", "digest", SUPPORT), 1);
    assert_eq!(telling("oiled Oakline table", "digest", SUPPORT), 1);
    assert_eq!(telling("oak shelves are beautiful", "meeting", MARKETING), 1);
    assert_eq!(telling("spare parts", "meeting", MARKETING), 1);
    // Whom people praised.
    assert!(last(&mails, "management", BOARD).says("names Ana Ruiz"));
    // What is private: masked, or not there at all.
    for mail in &mails {
        for secret in ["7946 0958", "Margaret Hill", "laughed at her"] {
            assert!(!mail.text.contains(secret) && !mail.html.contains(secret), "{secret}: {}", mail.text);
        }
    }
    for (kind, to) in [("digest", SUPPORT), ("digest", COMMUNITY), ("meeting", MARKETING), ("management", BOARD)] {
        let mail = last(&mails, kind, to);
        insta::assert_snapshot!(format!("week_{kind}_{}", to.split('@').next().unwrap()), show(mail));
    }
    write(&world, &mails);
}

fn show(mail: &Mail) -> String {
    format!("{}\n\n{}", mail.subject, mail.text.replace("\r\n", "\n"))
}

/// Opening a mail asks nobody for anything: pictures are inside it, and links are only followed by people.
fn assert_nothing_remote(mail: &Mail) {
    let raw = String::from_utf8(mail.raw.clone()).unwrap();
    for (at, _) in mail.html.match_indices("src=") {
        let target = &mail.html[at + 5..];
        let name = target.strip_prefix("cid:").expect("a picture inside the mail").split('"').next().unwrap();
        assert!(raw.contains(&format!("Content-ID: <{name}>")), "{name}");
    }
    for word in ["<link", "@import", "url(", "<script", "<iframe", "background=", "srcset"] {
        assert!(!mail.html.contains(word), "{word}");
    }
    // Whoever does not see the picture reads its figures.
    for image in mail.html.split("<img").skip(1) {
        let alt = image.split("alt=\"").nth(1).unwrap().split('"').next().unwrap();
        assert!(alt.starts_with("Mentions a day, ") && alt.contains("in all, most on"), "{alt}");
    }
}

#[tokio::test]
async fn after_days_of_standstill_one_mail_tells_of_all_and_says_that_it_is_late() {
    let world = world();
    assert_eq!(heard(&round(&world, "2026-03-02 08:00").await), []);
    let monday = round(&world, "2026-03-02 09:00").await;
    let expected = [("digest", SUPPORT), ("digest", MARKETING), ("digest", COMMUNITY), ("management", BOARD)];
    assert_eq!(heard(&monday), expected);
    for mail in &monday {
        assert!(mail.says("Quiet: 2 of 2 sources heard, last Mon 2 Mar 2026, 09:00."), "{}", mail.text);
        assert!(mail.subject.ends_with("quiet") && mail.text.lines().count() < 18, "{}", mail.text);
        // The silence of the days before the first start is not taken for calm.
        assert!(mail.says("forum is listened to only since Mon 2 Mar 2026, 08:00"), "{}", mail.text);
        assert!(!mail.says("No blind hours"), "{}", mail.text);
    }
    assert_eq!(heard(&round(&world, "2026-03-02 09:00").await), [], "a second start at the same minute");
    // Nobody runs it until Thursday afternoon.
    let thursday = round(&world, "2026-03-05 14:00").await;
    let expected = [("digest", SUPPORT), ("meeting", MARKETING), ("digest", COMMUNITY)];
    assert_eq!(heard(&thursday), expected, "one for all that were missed");
    let digest = last(&thursday, "digest", SUPPORT);
    assert!(!digest.says("listened to only since"), "{}", digest.text);
    for words in ["comes late: it was due on Thu 5 Mar 2026, 09:00", "Mon 2 Mar 2026, 09:00 to Thu 5 Mar 2026, 09:00"] {
        assert!(digest.says(words), "{words}: {}", digest.text);
    }
    // Silence is not calm: nobody listened meanwhile.
    assert!(digest.says("forum was not heard for"), "{}", digest.text);
    assert_eq!(heard(&round(&world, "2026-03-05 14:01").await), []);
}

/// What a poll brought between the time of the digest and its making belongs to exactly one.
#[tokio::test]
async fn a_digest_and_the_next_one_leave_no_gap() {
    let world = world();
    round(&world, "2026-03-02 09:00").await;
    let mut told = Vec::new();
    for time in [
        "2026-03-02 16:00",
        "2026-03-03 09:40",
        "2026-03-03 17:00",
        "2026-03-04 09:00",
        "2026-03-05 09:00",
        "2026-03-06 10:00",
    ] {
        told.extend(round(&world, time).await);
    }
    let question = |mail: &&Mail| mail.to == SUPPORT && mail.says("deliver to Malta");
    assert_eq!(told.iter().filter(question).count(), 1);
}

#[tokio::test]
async fn a_source_that_is_not_heard_is_never_taken_for_calm() {
    let world = world();
    round(&world, "2026-03-02 09:00").await;
    world.serve("reviews", crate::support::web::Reply::status(503));
    for time in ["2026-03-02 12:00", "2026-03-03 03:00"] {
        round(&world, time).await;
    }
    let mails = round(&world, "2026-03-03 09:00").await;
    let digest = last(&mails, "digest", COMMUNITY);
    assert!(digest.says("reviews has not been heard for 1 d, and still is not."), "{}", digest.text);
    assert!(!digest.says("No blind hours"), "{}", digest.text);
}

#[tokio::test]
async fn a_running_daemon_sends_them_as_well() {
    let world = world();
    world.clock.set(at("2026-03-02 09:00"));
    world.once().await;
    let before = world.mails().len();
    world.clock.set(at("2026-03-03 09:00"));
    let daemon = world.run();
    crate::support::world::until("the digests", || world.mails().len() >= before + 3).await;
    daemon.stop().await.unwrap();
    let mut mails = collected(world.mails().split_off(before));
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    assert_eq!(heard(&mails), [("digest", COMMUNITY), ("meeting", MARKETING), ("digest", SUPPORT)]);
}

/// The week's mails, for people who want to see them.
fn write(world: &World, mails: &[Mail]) {
    let Some(folder) = std::env::var_os("EXAMPLES").map(std::path::PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    for mail in mails {
        let name = mail.to.split('@').next().unwrap();
        std::fs::write(folder.join(format!("{}-{name}.eml", mail.kind)), &mail.raw).unwrap();
        std::fs::write(folder.join(format!("{}-{name}.txt", mail.kind)), show(mail)).unwrap();
    }
    let state = folder.join("state");
    std::fs::create_dir_all(&state).unwrap();
    for file in ["record.sqlite", "record.sqlite-wal", "record.sqlite-shm"] {
        let _ = std::fs::copy(world.state().join(file), state.join(file));
    }
    std::fs::write(folder.join("mentiond.toml"), world.config_text()).unwrap();
}
