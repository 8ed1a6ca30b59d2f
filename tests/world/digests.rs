//! Collected mail from a busy week: who gets what, once, and what it says. With `EXAMPLES=FOLDER` the week's mails are
//! written there (`tests/examples`).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mentiond::cases::Action;
use mentiond::daemon;

use crate::support::smtp::Script;
use crate::support::web::Reply;
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
        .feed("reviews", rss([]))
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

/// Polls on the hour from Monday 2 March 08:00 until `until`; people act meanwhile.
async fn week(world: &World, until: &str) -> Vec<Mail> {
    let mut all = Vec::new();
    let (mut now, until) = (at("2026-03-02 08:00"), at(until));
    let zone = TimeZone::get("Europe/Madrid").unwrap();
    while now <= until {
        let local = now.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        all.extend(round(world, &local).await);
        if local == "2026-03-02 12:00" {
            act(world, 1, Action::Acknowledge, "ana@oakline.example").await;
        } else if local == "2026-03-03 12:00" {
            act(world, 1, Action::Answer, "ana@oakline.example").await;
        }
        now += jiff::SignedDuration::from_hours(1);
    }
    all
}

#[tokio::test]
async fn everybody_gets_their_collected_mail_once_and_at_the_right_time() {
    let world = world();
    let mails = week(&world, "2026-03-10 08:00").await;
    let of = |to: &str, kind: &str| mails.iter().filter(|m| m.to == to && m.kind == kind).collect::<Vec<_>>();
    // Tuesday to Friday, and Monday for the weekend.
    assert_eq!(of(SUPPORT, "digest").len(), 6, "{:?}", heard(&mails));
    assert_eq!(of(COMMUNITY, "digest").len(), 6, "{:?}", heard(&mails));
    // The first Monday only begins, the first Tuesday's report too.
    assert_eq!(of(MARKETING, "digest").len(), 1 + 1, "{:?}", heard(&mails));
    assert_eq!(of(MARKETING, "meeting").len(), 1 + 1, "{:?}", heard(&mails));
    assert_eq!(of(BOARD, "management").len(), 1 + 1, "{:?}", heard(&mails));
    write(&mails);
}

fn write(mails: &[Mail]) {
    let Some(folder) = std::env::var_os("EXAMPLES").map(std::path::PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    for mail in mails {
        let name = mail.to.split('@').next().unwrap();
        std::fs::write(folder.join(format!("{}-{name}.eml", mail.kind)), &mail.raw).unwrap();
        std::fs::write(folder.join(format!("{}-{name}.txt", mail.kind)), format!("{}\n\n{}", mail.subject, mail.text))
            .unwrap();
    }
}
