//! "How a good community manager works", sentence by sentence: each test carries the words of the one that it holds
//! mentiond to, as far as no page is needed.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mentiond::cases::{Action, Refusal};
use mentiond::daemon;
use mentiond::daemon::control::{self, Request};
use mentiond::model::{Case, CaseStatus, Owner, OwnerReason, Severity};
use mentiond::store::record::{CaseFile, CaseFilter};

use crate::support::smtp::Script;
use crate::support::world::{Entry, Mail, World, entry, rss};

pub const ANA: &str = "ana@example.com";
pub const TOM: &str = "tom@example.com";
pub const LEAD: &str = "lead@example.com";
pub const SUPPORT: &str = "support@example.com";
pub const COMMUNITY: &str = "community@example.com";
pub const BOARD: &str = "board@example.com";

/// Customer Service in Madrid with Ana, Tom and a lead; a community manager who never sleeps; management.
pub const TEAMS: &str = r#"
[departments.support]
name = "Customer Service"
email = "support@example.com"
members = [{ name = "Ana Ruiz", email = "ana@example.com" }, { name = "Tom Berg", email = "tom@example.com" }]
lead = "lead@example.com"
handles = ["complaint", "refund", "unresolved", "technical", "staff"]
hours = "Mon-Fri 09:00-18:00"
acknowledge_within = "4h"
resolve_within = "3d"
confirm_after = "1d"

[departments.community]
name = "Community"
email = "community@example.com"
role = "community"

[departments.board]
name = "Management"
email = "board@example.com"
role = "management"
hours = "Mon-Fri 10:00-17:00"
"#;

pub fn at(text: &str) -> Timestamp {
    let zone = TimeZone::get("Europe/Madrid").unwrap();
    text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone).unwrap().timestamp()
}

/// A post by Jens Hansen in a forum.
pub fn post(number: u32, title: &str, text: &str) -> Entry {
    let link = format!("https://forum.example.net/t/{number}");
    entry(title).id(number).link(&link).author("Jens Hansen").text(text)
}

pub fn complaint() -> Entry {
    post(1, "My Acme toaster broke", "The Acme toaster stopped working after two days. I am very disappointed.")
}

/// A forum, a watchlist without subscribers, and the teams; it is `now`.
pub fn world(now: &str) -> World {
    let world = World::new()
        .daemon("timezone = \"Europe/Madrid\"")
        .feed("forum", rss([complaint()]))
        .toml("[watchlists.acme]\nquery = 'acme'\n")
        .toml(TEAMS);
    world.clock.set(at(now));
    world
}

pub async fn once_at(world: &World, now: &str) -> Vec<(String, String)> {
    world.clock.set(at(now));
    let before = world.heard().len();
    world.once().await;
    world.heard().split_off(before)
}

/// What a person does, in a process of its own.
pub async fn try_act(world: &World, id: i64, action: Action, by: &str) -> Result<Case, Refusal> {
    let engine = world.engine();
    let daemon = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let by = (!by.is_empty()).then(|| by.to_owned());
    let record = daemon.store.record();
    let done = record.act_on_case(engine.desk, id, action, by, world.clock.now()).await.unwrap();
    daemon.store.close().await;
    done
}

async fn act_at(world: &World, now: &str, id: i64, action: Action, by: &str) -> Case {
    world.clock.set(at(now));
    try_act(world, id, action, by).await.unwrap()
}

pub fn file(world: &World, id: i64) -> CaseFile {
    world.record().case(id).unwrap().expect("the case")
}

pub fn cases(world: &World) -> Vec<Case> {
    let filter = CaseFilter { all: true, limit: 1000, ..CaseFilter::default() };
    world.record().cases(&filter).unwrap().into_iter().rev().map(|row| row.case).collect()
}

pub fn sent(kind: &str, to: &str) -> (String, String) {
    (kind.to_owned(), to.to_owned())
}

pub fn header<'a>(mail: &'a Mail, name: &str) -> &'a str {
    let raw = std::str::from_utf8(&mail.raw).unwrap();
    let head = raw.split_once("\r\n\r\n").unwrap().0;
    head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default()
}

pub fn last(world: &World, to: &str) -> Mail {
    world.mails_to(to).pop().expect("a mail")
}

#[tokio::test]
async fn from_a_complaint_at_1750_on_a_friday_to_a_satisfied_customer_on_wednesday_through_one_failed_owner() {
    let world = world("2026-03-06 17:50");
    let first = once_at(&world, "2026-03-06 17:50").await;
    assert_eq!(first.iter().cloned().collect::<BTreeSet<_>>(), [sent("notice", ANA), sent("notice", SUPPORT)].into());
    assert!(last(&world, ANA).says("With: Ana Ruiz, Customer Service"), "{}", last(&world, ANA).text);

    // Clocks run in office hours: ten minutes on Friday, the rest on Monday.
    for quiet in ["2026-03-06 18:30", "2026-03-07 12:00", "2026-03-08 23:59", "2026-03-09 09:00", "2026-03-09 12:49"] {
        assert_eq!(once_at(&world, quiet).await, [], "{quiet}");
    }
    assert_eq!(once_at(&world, "2026-03-09 12:50").await, [sent("reminder", ANA)]);
    let reminder = last(&world, ANA);
    for words in ["Nobody has taken case 1 yet", "Mon 9 Mar 2026, 12:50", "Opened, for Ana Ruiz", "cases ack 1"] {
        assert!(reminder.says(words), "{words}: {}", reminder.text);
    }
    assert_eq!(once_at(&world, "2026-03-09 12:51").await, [], "none twice after a restart");

    act_at(&world, "2026-03-09 13:00", 1, Action::Acknowledge, ANA).await;
    act_at(&world, "2026-03-09 13:00", 1, Action::Answer, ANA).await;
    assert_eq!(try_act(&world, 1, Action::Close, ANA).await, Err(Refusal::NotSatisfied(1)));

    // The customer is back in public, in the middle of the night.
    let again = post(2, "Acme again", "My Acme toaster is still broken, support did not help at all. Terrible.");
    world.serve("forum", rss([complaint(), again.clone()]));
    let told = once_at(&world, "2026-03-10 02:00").await;
    assert_eq!(told, [sent("comeback", ANA), sent("comeback", COMMUNITY)], "at once");
    assert_eq!(world.mentions()[1].mention.decision.department, "support");
    assert!(last(&world, ANA).says("still broken"), "{}", last(&world, ANA).text);

    // One office day after the answer the question comes back, with the evidence found since.
    assert_eq!(once_at(&world, "2026-03-10 12:59").await, []);
    let asked = once_at(&world, "2026-03-10 13:00").await;
    assert_eq!(asked[0], sent("question", ANA), "{asked:?}");
    let question = last(&world, ANA);
    for words in ["Is the customer satisfied?", "My Acme toaster is still broken", "cases unsatisfied 1"] {
        assert!(question.says(words), "{words}: {}", question.text);
    }

    act_at(&world, "2026-03-10 13:30", 1, Action::Unsatisfied, ANA).await;
    let moved = once_at(&world, "2026-03-10 13:31").await;
    assert_eq!(moved, [sent("handover", TOM), sent("update", COMMUNITY)]);
    let handover = last(&world, TOM);
    for words in ["Case 1 is yours now", "The customer was not satisfied", "it was with Ana Ruiz, Customer Service"] {
        assert!(handover.says(words), "{words}: {}", handover.text);
    }
    for action in [Action::Acknowledge, Action::Answer, Action::Resolve] {
        assert_eq!(try_act(&world, 1, action, ANA).await, Err(Refusal::FailedIt(1, ANA.into())));
    }
    assert_eq!(
        try_act(&world, 1, Action::Assign { to: ANA.into() }, LEAD).await,
        Err(Refusal::FailedIt(1, ANA.into()))
    );

    // The community manager keeps it until it is solved: told at each step, as a copy.
    act_at(&world, "2026-03-10 14:00", 1, Action::Acknowledge, TOM).await;
    act_at(&world, "2026-03-10 15:00", 1, Action::Answer, TOM).await;
    assert_eq!(once_at(&world, "2026-03-10 15:01").await, [sent("update", COMMUNITY), sent("update", COMMUNITY)]);
    let copy = last(&world, COMMUNITY);
    assert!(copy.says("Answered (Tom Berg)") && !copy.text.contains("Jens Hansen"), "{}", copy.text);

    let thanks = post(3, "Acme", "Thank you Acme, it works great now! Excellent service, Tom is wonderful.");
    world.serve("forum", rss([complaint(), again, thanks]));
    let heard = once_at(&world, "2026-03-11 10:00").await;
    assert!(!heard.iter().any(|(kind, _)| kind == "comeback"), "thanks are no complaint: {heard:?}");
    assert_eq!(file(&world, 1).later.iter().map(|l| l.complains).collect::<Vec<_>>(), [true, false]);
    let asked = once_at(&world, "2026-03-11 15:00").await;
    assert_eq!(asked, [sent("question", TOM), sent("update", COMMUNITY)]);
    assert!(last(&world, TOM).says("it works great now"), "{}", last(&world, TOM).text);

    let case = act_at(&world, "2026-03-11 15:30", 1, Action::Satisfied, TOM).await;
    assert_eq!((case.status, case.failed), (CaseStatus::Closed, vec![Owner::person("support", ANA)]));
    assert_eq!(once_at(&world, "2026-03-11 15:31").await, [sent("update", COMMUNITY)]);
    for quiet in ["2026-03-12 10:00", "2026-03-20 12:00", "2026-05-04 12:00"] {
        assert_eq!(once_at(&world, quiet).await, [], "{quiet}");
    }

    let history: Vec<_> = file(&world, 1).steps.iter().map(|s| s.what.as_str()).collect();
    let words = "opened reminded acknowledged answered came-back reminded unsatisfied moved acknowledged answered \
                 evidence reminded satisfied closed";
    assert_eq!(history.join(" "), words);
    // All of it is one conversation.
    let mails: Vec<Mail> =
        world.mails().into_iter().filter(|m| m.kind != "copy" && m.subject.contains("ase 1")).collect();
    let threads: BTreeSet<&str> = mails.iter().map(|m| header(m, "References")).collect();
    assert!(mails.len() > 10 && threads.len() == 1, "{threads:?}");
}

#[tokio::test]
async fn it_is_routed_one_owner_copies_to_those_who_should_know_extremes_also_to_management() {
    let fire = post(1, "Acme toaster", "The Acme toaster caught fire and burnt my daughter. She is in hospital!");
    let world = world("2026-03-06 10:00").toml(
        "[departments.technology]\nname = \"Technology\"\nemail = \"tech@example.com\"\n\
         [[routes]]\nwhen = 'fire'\ndepartment = \"support\"\ncopy = [\"technology\"]\ncase = true",
    );
    world.serve("forum", rss([fire]));
    let told: BTreeSet<_> = once_at(&world, "2026-03-06 10:00").await.into_iter().collect();
    let copies = [sent("copy", "tech@example.com"), sent("copy", BOARD)];
    let owner = [sent("notice", SUPPORT), sent("notice", ANA)];
    assert_eq!(told, owner.into_iter().chain(copies).collect());
    assert_eq!(cases(&world).len(), 1, "one owner");
    assert!(last(&world, BOARD).says("critical, so management gets a copy"), "{}", last(&world, BOARD).text);
}

#[tokio::test]
async fn no_complaint_is_assumed_to_be_isolated_every_notice_lists_similar_mentions() {
    let world = world("2026-03-06 10:00");
    world.once().await;
    let other =
        |n: u32, who: &str| {
            entry(&format!("Toaster trouble {n}")).id(n).link(&format!("https://site{n}.example/1")).author(who).text(
                &format!("My Acme toaster stopped working after {n} weeks, I am very disappointed in that toaster."),
            )
        };
    world.serve("forum", rss([other(2, "Eva Lund")]));
    once_at(&world, "2026-03-07 10:00").await;
    world.serve("forum", rss([other(3, "Ole Bo")]));
    once_at(&world, "2026-03-08 10:00").await;
    let mut notices = world.mails_to(SUPPORT);
    // The third opens a theme, which is told in a mail of its own.
    assert_eq!(notices.iter().filter(|m| m.kind == "dossier").count(), 1);
    notices.retain(|m| m.kind == "notice");
    let says: Vec<_> = notices.iter().map(|m| m.says("this is not an isolated case")).collect();
    assert_eq!(says, [false, true, true], "from the second on");
    assert!(notices[1].says("My Acme toaster broke"), "{}", notices[1].text);
    assert!(notices[2].says("2 similar mentions"), "{}", notices[2].text);
}

#[tokio::test]
async fn spam_and_abuse_that_nobody_asked_for_open_no_case_and_send_no_notice() {
    let spam = post(1, "Acme", "BUY CHEAP ACME PILLS NOW!!! Click here https://spam.example/win free bonus promo code");
    let world = world("2026-03-06 10:00");
    world.serve("forum", rss([spam]));
    assert_eq!(once_at(&world, "2026-03-06 10:00").await, []);
    assert_eq!((world.mentions().len(), cases(&world).len()), (1, 0));
}

#[tokio::test]
async fn reminders_go_to_the_owner_then_to_the_lead_then_to_management() {
    let world = world("2026-03-06 17:50");
    world.once().await;
    // Office hours of the reader: Customer Service from 9 to 18, management from 10 to 17.
    for (when, kind, to) in [
        ("09 12:50", "reminder", ANA),
        ("09 16:50", "escalation", LEAD),
        ("10 11:50", "escalation", BOARD),
        ("11 17:50", "reminder", ANA),
        ("16 17:50", "escalation", LEAD),
        ("20 10:00", "escalation", BOARD),
    ] {
        let due = at(&format!("2026-03-{when}"));
        world.clock.set(due - SignedDuration::from_mins(1));
        world.once().await;
        let before = world.heard().len();
        // Each round is a process of its own, so each is a restart.
        for later in [0, 0, 1, 20] {
            world.clock.set(due + SignedDuration::from_mins(later));
            world.once().await;
        }
        let mut told = world.heard().split_off(before);
        told.retain(|(kind, _)| kind != "update");
        assert_eq!(told, [sent(kind, to)], "{when}: at most one a step, none twice after a restart");
    }
    for night in ["2026-03-07 12:00", "2026-03-20 22:00", "2026-03-29 02:30", "2026-03-30 10:00", "2026-05-05 10:00"] {
        assert_eq!(once_at(&world, night).await, [], "{night}");
    }
    let told: Vec<_> =
        world.heard().into_iter().filter(|(kind, _)| kind == "reminder" || kind == "escalation").collect();
    assert_eq!(told.len(), 6, "none in between: {told:?}");
    assert!(last(&world, LEAD).says("Case 1 is still not answered"), "{}", last(&world, LEAD).text);
    assert!(last(&world, LEAD).says("Reminder to Ana Ruiz"), "it says what has been done");
}

#[tokio::test]
async fn hazard_36_a_clock_that_jumps_sends_at_most_one_reminder_a_case() {
    let world = world("2026-03-06 10:00");
    world.once().await;
    let told = once_at(&world, "2026-03-20 11:00").await;
    assert_eq!(told, [sent("reminder", ANA)]);
    // Back again, and forward: nothing is said twice.
    assert_eq!(once_at(&world, "2026-03-06 11:00").await, []);
    assert_eq!(once_at(&world, "2026-03-20 11:00").await, []);
}

#[tokio::test]
async fn never_again_to_anyone_who_failed_it_and_to_management_when_nobody_is_left() {
    let world = world("2026-03-06 10:00");
    world.once().await;
    let mut owners = Vec::new();
    for minute in 0..3 {
        let now = format!("2026-03-06 11:0{minute}");
        let case = act_at(&world, &now, 1, Action::Answer, "").await;
        owners.push(case.owner.words());
        let case = act_at(&world, &now, 1, Action::Unsatisfied, "").await;
        assert!(!case.failed.contains(&case.owner));
    }
    assert_eq!(owners, ["support (ana@example.com)", "support (tom@example.com)", "board"]);
    let case = file(&world, 1).case;
    assert_eq!((case.owner, case.failed.len()), (Owner::department("board"), 2));
    let told = once_at(&world, "2026-03-06 12:00").await;
    let to: BTreeSet<_> = told.iter().map(|(kind, to)| (kind.as_str(), to.as_str())).collect();
    assert_eq!(to, [("handover", TOM), ("handover", BOARD), ("update", COMMUNITY)].into(), "never to Ana again");
}

#[tokio::test]
async fn members_take_turns_round_robin() {
    let other =
        |n: u32| entry(&format!("Acme {n} broke")).id(n + 10).link(&format!("https://forum.example.net/t/{}", n + 10));
    let posts = |n: u32| rss((0..n).map(|n| other(n).author(&format!("Writer {n}")).text("Broken after a day. Bad.")));
    let world = world("2026-03-06 10:00");
    world.serve("forum", posts(3));
    world.once().await;
    world.serve("forum", posts(5));
    world.once().await;
    let owners: Vec<_> = cases(&world).into_iter().map(|c| c.owner.person.unwrap_or_default()).collect();
    assert_eq!(owners.iter().filter(|o| *o == ANA).count(), 3, "{owners:?}");
    assert!(owners.windows(2).all(|w| w[0] != w[1]), "{owners:?}");
    let notices = world.heard().into_iter().filter(|(kind, to)| kind == "notice" && [ANA, TOM].contains(&to.as_str()));
    assert_eq!(notices.count(), 5);
}

#[tokio::test]
async fn a_person_who_comes_back_within_14_days_of_closing_raises_it_on_the_same_platform_only() {
    let world = world("2026-03-06 10:00");
    world.once().await;
    act_at(&world, "2026-03-06 11:00", 1, Action::Answer, ANA).await;
    let before = act_at(&world, "2026-03-06 12:00", 1, Action::Satisfied, ANA).await;
    let again = post(2, "Acme, once more", "The Acme toaster stopped working again. I am very disappointed.");
    // The same name in another place is another person.
    let elsewhere = entry("Acme")
        .id(3)
        .link("https://elsewhere.example/3")
        .author("Jens Hansen")
        .text("The blender of Acme stopped working after a week and nobody answers. I am very disappointed.");
    world.serve("forum", rss([complaint(), again, elsewhere]));
    let told = once_at(&world, "2026-03-19 10:00").await;
    for mail in [sent("comeback", ANA), sent("comeback", COMMUNITY)] {
        assert!(told.contains(&mail), "{mail:?}: {told:?}");
    }
    let [first, second] = &cases(&world)[..] else { panic!("one case more: {:?}", cases(&world)) };
    assert_eq!((first.status, first.comebacks), (CaseStatus::Open, 1));
    assert_eq!(Some(&first.severity), Severity::ALL.iter().find(|s| **s > before.severity));
    assert_eq!((second.status, second.comebacks), (CaseStatus::Open, 0));
    // A fortnight later it would be a new case.
    act_at(&world, "2026-03-19 11:00", 1, Action::Answer, ANA).await;
    act_at(&world, "2026-03-19 12:00", 1, Action::Satisfied, ANA).await;
    world.serve("forum", rss([post(4, "Acme!", "Acme toaster on fire, third time broken, useless.")]));
    // 14 times 24 hours; the clocks changed in between.
    once_at(&world, "2026-04-02 13:01").await;
    assert_eq!(cases(&world).len(), 3);
}

#[tokio::test]
async fn an_author_that_a_whole_feed_has_is_nobody_in_particular() {
    let item = |n: u32, text: &str| {
        format!(
            "<entry><id>{n}</id><title>Acme {n}</title><link href=\"https://forum.example.net/t/{n}\"/>\
             <updated>2026-03-06T08:00:00Z</updated><summary>{text}</summary></entry>"
        )
    };
    let feed = format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>f</id><title>Forum</title><author><name>Forum Owner</name></author>{}{}</feed>",
        item(1, "My Acme toaster stopped working after two days. I am very disappointed."),
        item(2, "The blender by Acme leaks, nobody answers my mails and I want my money back."),
    );
    let world = world("2026-03-06 10:00");
    world.serve("forum", feed);
    world.once().await;
    assert_eq!(cases(&world).iter().map(|c| c.comebacks).collect::<Vec<_>>(), [0, 0], "two people, two cases");
}

#[tokio::test]
async fn from_the_third_case_in_90_days_the_notice_carries_the_history() {
    let world = world("2026-03-06 10:00");
    world.once().await;
    let mut posts = vec![complaint()];
    for (number, closed, now) in [
        (2, "2026-03-07 10:00", "2026-03-28 10:00"),
        (3, "2026-03-29 10:00", "2026-04-20 10:00"),
        (4, "2026-04-21 10:00", "2026-09-01 10:00"),
    ] {
        let id = i64::from(number) - 1;
        act_at(&world, closed, id, Action::Answer, "").await;
        try_act(&world, id, Action::Satisfied, "").await.unwrap();
        let text =
            format!("Number {number}: my Acme machine broke down after {number} weeks. Very disappointed again.");
        posts.push(post(number, &format!("Acme trouble number {number}"), &text));
        world.serve("forum", rss(posts.clone()));
        once_at(&world, now).await;
    }
    let notices = world.mails_to(SUPPORT);
    assert_eq!((notices.len(), cases(&world).len()), (4, 4), "handled like any other");
    let marked: Vec<_> = notices.iter().map(|m| m.says("Complains often: 3 cases in 90 days")).collect();
    assert_eq!(marked, [false, false, true, false]);
    assert!(notices[2].says("Case 1: ") && notices[2].says("Case 2: "), "{}", notices[2].text);
}

#[tokio::test]
async fn nobody_configured_for_a_category_community_gets_it_with_a_hint() {
    let world = world("2026-03-06 10:00");
    world.serve("forum", rss([post(1, "Acme", "Does the Acme toaster come in blue? Where can I buy one?")]));
    assert_eq!(once_at(&world, "2026-03-06 10:00").await, [sent("notice", COMMUNITY)]);
    let notice = last(&world, COMMUNITY);
    assert!(notice.says("add question to the “handles” of a department"), "{}", notice.text);
}

#[tokio::test]
async fn a_reminder_that_has_not_left_is_overtaken_by_what_was_done() {
    let world = world("2026-03-06 10:00");
    world.once().await;
    let world = world.relay(Script::default().banner("421 4.3.2 closed"));
    once_at(&world, "2026-03-06 14:00").await;
    // The first try of the relay's first mail may have arrived; what was never tried has not.
    let waiting =
        |world: &World| world.outbox().iter().filter(|m| m.status == "queued" || m.status == "deferred").count();
    assert_eq!(waiting(&world), 1);
    act_at(&world, "2026-03-06 14:01", 1, Action::Acknowledge, ANA).await;
    let world = world.relay(Script::default());
    let told = once_at(&world, "2026-03-06 15:00").await;
    assert!(told.len() <= 1, "{told:?}");
    assert_eq!(waiting(&world), 0);
}

#[tokio::test]
async fn a_running_daemon_takes_what_people_do_through_its_socket_and_reminds_by_itself() {
    let world = world("2026-03-06 10:00");
    let running = world.run();
    crate::support::world::until("the notices", || world.mails().len() == 2).await;
    let ask = |action, by: &str| {
        let request = Request::Case { id: 1, action, by: Some(by.to_owned()) };
        let state = world.state();
        async move { control::ask(&state, &request).await.expect("a daemon") }
    };
    let refused = ask(Action::Acknowledge, "eve@example.net").await.unwrap_err();
    assert!(refused.contains("eve@example.net is not known"), "{refused}");
    assert_eq!(ask(Action::Acknowledge, TOM).await, Ok(1));
    assert_eq!(file(&world, 1).case.owner, Owner::person("support", TOM));
    world.clock.set(at("2026-03-11 10:01"));
    running.world.case_moved.notify_one();
    crate::support::world::until("the reminder", || !world.mails_to(TOM).is_empty()).await;
    assert_eq!(last(&world, TOM).kind, "reminder");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn cases_of_the_first_version_are_followed_from_now_on() {
    let world = world("2026-03-06 10:00");
    world.once().await;
    // What version 1 left: a mention and a case with nothing but a department.
    let path = world.state().join("record.sqlite");
    let raw = rusqlite::Connection::open(&path).unwrap();
    let (story, identity, words, content): (i64, Vec<u8>, Vec<u8>, String) = raw
        .query_row("SELECT story, identity, words, content FROM mentions", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    drop(raw);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(world.state().join(format!("record.sqlite{end}")));
    }
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch(include_str!("../../src/store/record/schema.sql")).unwrap();
    raw.pragma_update(None, "user_version", 1).unwrap();
    raw.execute("INSERT INTO stories VALUES (?1, 0)", [story]).unwrap();
    raw.execute(
        "INSERT INTO mentions VALUES (1, ?1, 1, 'forum', ?2, 0, 'technical', 'medium', 'support', 'now', ?3, ?4)",
        rusqlite::params![story, identity, words, content],
    )
    .unwrap();
    let opened = at("2026-03-05 10:00").as_millisecond();
    raw.execute("INSERT INTO cases VALUES (1, 1, 'support', 'open', ?1)", [opened]).unwrap();
    drop(raw);
    let told = once_at(&world, "2026-03-06 10:30").await;
    assert_eq!(told, [sent("reminder", SUPPORT)]);
    let file = file(&world, 1);
    assert_eq!((file.case.opened, file.case.owner.clone()), (at("2026-03-05 10:00"), Owner::department("support")));
    assert!(matches!(
        &file.steps[0].what,
        mentiond::model::Happening::Reminded { .. } | mentiond::model::Happening::Opened { .. }
    ));
    let case = act_at(&world, "2026-03-06 11:00", 1, Action::Acknowledge, ANA).await;
    assert_eq!(case.owner, Owner::person("support", ANA));
    let took = file_why(&world);
    assert_eq!(took, Some(OwnerReason::TookIt));
}

fn file_why(world: &World) -> Option<OwnerReason> {
    file(world, 1).steps.into_iter().rev().find_map(|s| match s.what {
        mentiond::model::Happening::Moved { why, .. } => Some(why),
        _ => None,
    })
}
