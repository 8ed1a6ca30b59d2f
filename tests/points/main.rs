//! The end of the process at each of the named points (`src/point.rs`), against a fake web and a scripted relay. What is
//! left is compared with a model: every mention once in the record, every mail once in the mailbox, and a second time only
//! where the relay had the final dot and mentiond did not know it, with the same Message-ID and marked.
//!
//! Each point is died at when it is passed for the first time and once later; with `MENTIOND_LONG`, for the first to the
//! eighth time. A point that nothing passes is a failed test.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod disk;
mod polls;
#[path = "../support/mod.rs"]
mod support;
mod warnings;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};
use std::time::Instant;

use mentiond::model::CaseStatus;
use mentiond::point;
use mentiond::store::record::{CaseFilter, Record};
use support::world::{World, entry, rss};

const FEEDS: usize = 3;
const PLANTED: usize = 4;
const MENTIONS: usize = FEEDS * PLANTED;
const RECIPIENTS: [&str; 4] = ["ana@example.com", "bo@example.com", "carla@example.com", "support@example.com"];
const SIGABRT: i32 = 6;

/// Texts without a word in common, so that none is taken for another.
const SUBJECTS: [&str; MENTIONS] = [
    "kettle leaks water onto counters",
    "autumn catalogue arrived yesterday",
    "hinges squeak since Tuesday morning",
    "colour faded under sunlight",
    "courier dropped parcel beside gate",
    "handle came loose while cleaning",
    "warranty card missing from box",
    "shelf bends below heavy books",
    "invoice shows wrong postal address",
    "drawer smells like fresh paint",
    "assembly manual lacks page seven",
    "lamp flickers whenever somebody walks",
];

/// What one death left, and what the next life made of it.
struct Death {
    point: &'static str,
    time: usize,
    repeats: usize,
    marked: usize,
    /// Repeats that do not say that they may be.
    silent: usize,
}

fn world() -> World {
    let mut world = World::new().mail("max_per_hour = 1000");
    for feed in 0..FEEDS {
        let entries = (0..PLANTED).map(|place| {
            let number = feed * PLANTED + place;
            let link = format!("https://forum.example.net/plant-{number}-end");
            entry(&format!("Oakline {}", SUBJECTS[number])).id(&link).link(&link)
        });
        world = world.feed(&format!("feed-{feed}"), rss(entries));
    }
    routed(world)
}

/// Four hear of each mention, and it is a case.
fn routed(world: World) -> World {
    world
        .toml("[watchlists.oakline]\nquery = 'oakline'\nalert = [\"ana@example.com\", \"bo@example.com\"]")
        .toml(
            "[departments.support]\nname = \"Support\"\nemail = \"support@example.com\"\n\
             members = [{ name = \"Carla Dias\", email = \"carla@example.com\" }]",
        )
        .toml("[[routes]]\nwhen = 'watchlist:oakline'\ndepartment = \"support\"\ndeliver = \"now\"\ncase = true")
}

fn run(world: &World, arguments: &[&str], abort_at: Option<(&str, usize)>) -> Output {
    command(world, arguments, abort_at).output().unwrap()
}

fn command(world: &World, arguments: &[&str], abort_at: Option<(&str, usize)>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mentiond"));
    command.arg("--config").arg(world.config()).args(arguments).env_remove("MENTIOND_CONFIG");
    if let Some((point, time)) = abort_at {
        command.env("MENTIOND_ABORT_AT", format!("{point}:{time}"));
    }
    command
}

/// True if the process died at the point; false if it came to a good end because it was not passed so often.
fn dies(world: &World, arguments: &[&str], point: &str, time: usize) -> bool {
    let output = run(world, arguments, Some((point, time)));
    let died = output.status.signal() == Some(SIGABRT);
    assert!(died || output.status.success(), "{point}:{time}: {}", String::from_utf8_lossy(&output.stderr));
    died
}

fn succeeds(world: &World, arguments: &[&str]) {
    let output = run(world, arguments, None);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Compares the record and the mailboxes with what must be there.
fn compare(world: &World, point: &'static str, time: usize) -> Death {
    let at = format!("{point}:{time}");
    let mentions: Vec<String> =
        world.mentions().iter().map(|row| row.mention.entry.url.clone().unwrap_or_default()).collect();
    for number in 0..MENTIONS {
        let mark = format!("plant-{number}-end");
        assert_eq!(mentions.iter().filter(|url| url.contains(&mark)).count(), 1, "{at}: {mark} in {mentions:?}");
    }
    assert_eq!(mentions.len(), MENTIONS, "{at}");
    let cases = world.record().cases(&CaseFilter { all: true, limit: 100, ..CaseFilter::default() }).unwrap();
    assert_eq!(cases.len(), MENTIONS, "{at}: one case a mention");

    let mut arrived: BTreeMap<(String, String), Vec<(String, bool)>> = BTreeMap::new();
    for mail in world.mails() {
        let subjects: Vec<String> = match mail.kind.as_str() {
            "bundle" => marks(&mail.text),
            // Similar ones may be listed below: a mail is about the first.
            _ => marks(&mail.text).into_iter().take(1).collect(),
        };
        assert!(!subjects.is_empty(), "{at}: a mail about nothing that was planted: {}", mail.text);
        for subject in subjects {
            let came = arrived.entry((mail.to.clone(), subject)).or_default();
            came.push((mail.message_id.clone(), mail.possible_duplicate));
        }
    }
    let (mut repeats, mut marked, mut silent) = (0, 0, 0);
    for number in 0..MENTIONS {
        for recipient in RECIPIENTS {
            let key = (recipient.to_owned(), format!("plant-{number}-end"));
            let came = arrived.remove(&key).unwrap_or_else(|| panic!("{at}: lost: {key:?}"));
            assert!(came.len() <= 2 && came.iter().all(|(id, _)| *id == came[0].0), "{at}: {key:?}: {came:?}");
            repeats += came.len() - 1;
            marked += came.iter().filter(|(_, marked)| *marked).count();
            silent += usize::from(came.len() > 1 && !came[1].1);
        }
    }
    assert!(arrived.is_empty(), "{at}: {arrived:?}");
    let waiting = world.outbox().iter().filter(|row| !matches!(row.status.as_str(), "sent" | "bundled")).count();
    assert_eq!(waiting, 0, "{at}: still in the outbox");
    Death { point, time, repeats, marked, silent }
}

fn marks(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, _) in text.match_indices("plant-") {
        if let Some(end) = text[at..].find("-end") {
            let mark = text[at..at + end + 4].to_owned();
            if !found.contains(&mark) {
                found.push(mark);
            }
        }
    }
    found
}

/// How often a point is passed before the process ends there.
fn times(later: usize) -> Vec<usize> {
    if std::env::var_os("MENTIOND_LONG").is_some() { (1..=8).collect() } else { vec![1, later] }
}

/// Dies at these points of `mentiond once`, each in a world of its own that `prepare` makes ready.
fn die_in_a_round(points: &[&'static str], later: usize, prepare: impl Fn(World) -> World) {
    let mut deaths = Vec::new();
    let begun = Instant::now();
    for &point in points {
        for time in times(later) {
            let world = prepare(world());
            if !dies(&world, &["once"], point, time) {
                assert_ne!(time, 1, "nothing passes {point}");
                continue;
            }
            succeeds(&world, &["once"]);
            deaths.push(compare(&world, point, time));
            // Another round over the same feeds has nothing to say.
            let mails = world.mails().len();
            if time == 1 {
                succeeds(&world, &["once"]);
                assert_eq!(world.mails().len(), mails, "{point}:{time}: the round after");
            }
        }
    }
    println!("{} deaths in {:.1} s", deaths.len(), begun.elapsed().as_secs_f64());
    for Death { point, time, repeats, marked, silent } in deaths {
        assert_eq!(silent, 0, "{point}:{time}: repeats that do not say so");
        println!("{point}:{time}  lost 0, repeated {repeats}, marked as possible duplicates {marked}");
        // Only what the relay had in full may come twice, and it is one mail. Polls are recorded while mails of earlier ones
        // leave: a death there may meet one between its final dot and our note of it.
        let beside = ["poll-", "record-", "index-"].iter().any(|part| point.starts_with(part));
        let may_repeat = beside || matches!(point, "mail-ended" | "mail-taken");
        assert!(repeats <= usize::from(may_repeat), "{point}:{time}: {repeats} repeats");
        assert!(point != "mail-taken" || repeats == 1, "the relay had it: {point}:{time}");
        assert!(marked <= 1, "{point}:{time}: {marked} marked");
    }
}

#[test]
fn hazard_34_dying_while_a_poll_is_recorded_loses_and_repeats_nothing() {
    die_in_a_round(&["poll-heard", "poll-recording", "poll-recorded"], 3, |world| world);
}

#[test]
fn hazard_34_dying_around_a_commit_loses_and_repeats_nothing() {
    die_in_a_round(&["record-migrating", "record-committing", "record-committed"], 4, |world| world);
}

#[test]
fn hazard_34_dying_while_the_index_is_marked_loses_and_repeats_nothing() {
    die_in_a_round(&["index-marking", "index-marked"], 2, |world| world);
}

#[test]
fn hazard_34_dying_while_mail_is_sent_repeats_that_mail_at_most() {
    die_in_a_round(&["mail-begun", "mail-ending", "mail-ended", "mail-taken", "mail-noted"], 7, |world| world);
}

#[test]
fn hazard_34_dying_while_the_outbox_is_settled_loses_and_repeats_nothing() {
    die_in_a_round(&["outbox-settling", "outbox-recovering"], 2, |world| world);
}

#[test]
fn hazard_34_dying_while_alerts_are_bundled_loses_and_repeats_nothing() {
    die_in_a_round(&["outbox-bundling"], 2, |world| world.without_mail_lines().mail("max_per_hour = 3"));
}

#[test]
fn hazard_34_dying_twice_in_the_recovery_settles_what_had_left() {
    let world = world();
    assert!(dies(&world, &["once"], "mail-taken", 5));
    assert!(dies(&world, &["once"], "outbox-recovering", 1));
    assert!(dies(&world, &["once"], "outbox-recovering", 1));
    succeeds(&world, &["once"]);
    let death = compare(&world, "outbox-recovering", 1);
    assert_eq!((death.repeats, death.marked, death.silent), (1, 1, 0));
}

#[test]
fn hazard_39_dying_while_the_index_is_rebuilt_repeats_nothing() {
    for point in ["index-rebuilding", "index-rebuilt"] {
        let world = world();
        succeeds(&world, &["once"]);
        let mails = world.mails().len();
        std::fs::remove_dir_all(world.state().join("seen")).unwrap();
        assert!(dies(&world, &["once"], point, 1), "nothing passes {point}");
        succeeds(&world, &["once"]);
        compare(&world, point, 1);
        assert_eq!(world.mails().len(), mails, "{point}");
    }
}

#[test]
fn hazard_34_dying_while_a_case_is_acted_on_does_it_wholly_or_not_at_all() {
    for (point, done) in
        [("case-acting", false), ("record-committing", false), ("record-committed", true), ("case-acted", true)]
    {
        let world = world();
        succeeds(&world, &["once"]);
        let steps = || {
            let file = Record::open_to_read(&world.state().join("record.sqlite")).unwrap().case(1).unwrap().unwrap();
            (file.case.status, file.steps.len())
        };
        let (status, before) = steps();
        assert_eq!(status, CaseStatus::Open, "{point}");
        let ack = ["cases", "ack", "1", "--by", "carla@example.com"];
        assert!(dies(&world, &ack, point, 1), "nothing passes {point}");
        let (status, after) = steps();
        assert_eq!((status != CaseStatus::Open, after > before), (done, done), "{point}: {status:?}");
        if !done {
            succeeds(&world, &ack);
        }
        let (status, last) = steps();
        assert_eq!((status, last - before), (CaseStatus::Acknowledged, 1), "{point}");
    }
}

#[test]
fn every_point_is_died_at() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/points");
    let text =
        ["main.rs", "warnings.rs"].map(|file| std::fs::read_to_string(format!("{folder}/{file}")).unwrap()).concat();
    for point in point::ALL {
        assert!(text.contains(&format!("\"{point}\"")), "no test dies at {point}");
    }
}
