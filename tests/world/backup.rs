//! Backup and restore: of a daemon at work, elsewhere, with nothing lost and nothing said twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use jiff::SignedDuration;
use mentiond::store::Store;
use mentiond::store::backup::{self, BackupError};

use crate::support::smtp::Script;
use crate::support::world::{START, World, entry, rss, until};

const BRAND: &str = "brand@example.com";

fn posts(count: usize) -> String {
    rss((1..=count).map(|n| {
        entry(&format!("Acme post {n} {}", ["alpha", "bravo", "carrot", "delta", "engine"][n % 5]))
            .id(n)
            .link(&format!("https://posts.example/{n}"))
    }))
}

fn world(count: usize) -> World {
    World::new().mail("max_per_hour = 1000").feed("posts", posts(count)).watch("acme", "acme", BRAND)
}

fn mentiond(world: &World, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mentiond"));
    command.arg("--config").arg(world.config()).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The same sources, a state folder of its own, and a relay that heard nothing yet.
fn elsewhere(world: &World) -> World {
    let there = World::new();
    let text = world
        .config_text()
        .replace(&format!("port = {}", world.relay.port()), &format!("port = {}", there.relay.port()));
    there.clock.set(world.clock.now());
    there.with_text(text)
}

/// Message-ID by subject's post, of all mails that arrived.
fn heard(world: &World) -> BTreeMap<String, (String, bool)> {
    let mut heard = BTreeMap::new();
    for mail in world.mails() {
        let known = heard.insert(mail.subject.clone(), (mail.message_id.clone(), mail.possible_duplicate));
        assert!(known.is_none(), "said twice: {}", mail.subject);
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_daemon_at_work_loses_nothing_and_says_nothing_twice() {
    let world = world(150).relay(Script::default());
    let folder = tempfile::tempdir().unwrap();
    let daemon = world.run();
    // While mails leave, again and again: each copy is of another moment.
    let mut backups = Vec::new();
    for number in 0..5_usize {
        let wanted = number * 30;
        until("mails", || world.relay.messages().len() >= wanted).await;
        let before: BTreeSet<String> = world.mails().into_iter().map(|mail| mail.message_id).collect();
        let path = folder.path().join(number.to_string());
        let output = mentiond(&world, &["backup", path.to_str().unwrap(), "--json"]);
        let json: serde_json::Value = serde_json::from_str(&said(&output)).unwrap();
        assert_eq!(json["backup"]["files"][0]["name"], "record.sqlite", "{json}");
        backups.push((path, before));
    }
    until("all mails", || world.relay.messages().len() == 150).await;
    daemon.stop().await.unwrap();
    let first = heard(&world);
    assert_eq!(first.len(), 150);

    for (path, before) in backups {
        let there = elsewhere(&world);
        let restored = backup::restore(&path, &there.state(), false, START).unwrap();
        assert_eq!(restored.set_aside, None);
        there.once().await;
        let second = heard(&there);
        for (subject, (id, twice)) in &second {
            // What had left when the copy began stays said; what left later may come twice only if it was queued by then,
            // and says so. What the copy did not know of is told as new.
            assert!(!before.contains(id), "{subject} was told before the backup");
            if let Some((earlier, _)) = first.get(subject)
                && earlier == id
            {
                assert!(*twice, "{subject} does not say that it may come twice");
            }
        }
        let told = there.outbox().into_iter().filter(|mail| mail.status == "sent").count();
        assert_eq!(told, 150, "every post was told, before or after {}", path.display());
        // And nothing more to say.
        let summary = there.once().await;
        assert_eq!((summary.new_entries, summary.mail.sent), (0, 0), "{summary:?}");
    }
}

#[tokio::test]
async fn a_backup_without_a_daemon_holds_what_waits_and_the_notes_on_what_left() {
    let world = world(3).relay(Script::default().banner("421 4.3.2 closed"));
    world.once().await;
    // A process that died between the relay's answer to mail 1 and the next commit, while mail 2 was under way.
    let notes = world.state().join("under-way");
    let blank = std::fs::read_to_string(&notes).unwrap();
    let left = format!("{:<63}\n{:<63}\n{}", format!("sent 1 {}", START.as_millisecond()), "now 2", &blank[128..]);
    std::fs::write(&notes, left).unwrap();
    std::fs::write(world.state().join("link.key"), "key").unwrap();
    std::fs::create_dir(world.state().join("inbox")).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("deep/below");
    let words = said(&mentiond(&world, &["backup", target.to_str().unwrap()]));
    assert!(words.contains("3 mentions, 0 cases and 3 waiting mails"), "{words}");
    assert!(words.contains("Not in it") && words.contains("inbox"), "{words}");

    let there = elsewhere(&world);
    let words = said(&mentiond(&there, &["restore", target.to_str().unwrap()]));
    assert!(words.contains("3 waiting mails") && words.contains("may come twice"), "{words}");
    assert_eq!(std::fs::read(there.state().join("link.key")).unwrap(), b"key");
    there.pass(SignedDuration::from_hours(1));
    let summary = there.once().await;
    assert_eq!((summary.mentions, summary.mail.queued), (0, 0), "what was seen is known");
    let mails: Vec<_> = there.mails().into_iter().map(|m| (m.message_id, m.possible_duplicate)).collect();
    let queued = world.outbox();
    assert_eq!(mails, [(queued[1].message_id.clone(), true), (queued[2].message_id.clone(), true)], "mail 1 had left");
}

async fn backed_up() -> (World, tempfile::TempDir) {
    let world = world(3);
    world.once().await;
    let folder = tempfile::tempdir().unwrap();
    backup::back_up(&world.state(), folder.path(), START).unwrap();
    (world, folder)
}

fn refused(from: &Path, world: &World) -> String {
    let error = backup::restore(from, &world.state(), false, START).unwrap_err();
    assert!(!world.state().join("record.sqlite").exists(), "nothing is put in place: {error}");
    error.to_string()
}

#[tokio::test]
async fn a_damaged_unfinished_or_newer_backup_is_refused() {
    let (world, folder) = backed_up().await;
    let from = folder.path();
    let (record, manifest) = (from.join("record.sqlite"), from.join("manifest.json"));
    let (whole, text) = (std::fs::read(&record).unwrap(), std::fs::read_to_string(&manifest).unwrap());
    let there = elsewhere(&world);

    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    std::fs::write(&record, changed).unwrap();
    assert!(refused(from, &there).contains("SHA-256"));
    std::fs::write(&record, &whole[..whole.len() - 1]).unwrap();
    assert!(refused(from, &there).contains("bytes instead of"));
    std::fs::remove_file(&record).unwrap();
    assert!(refused(from, &there).contains("it is missing"));
    std::fs::write(&record, whole).unwrap();

    let with = |from_text: &str, to: &str| std::fs::write(&manifest, text.replacen(from_text, to, 1)).unwrap();
    with("\"under-way\"", "\"../under-way\"");
    assert!(refused(from, &there).contains("names a file"));
    with("\"format\": 1", "\"format\": 2");
    assert!(refused(from, &there).contains("its form is 2"));
    let schema = text.split_once("\"schema\": ").unwrap().1.split(',').next().unwrap();
    with(&format!("\"schema\": {schema}"), "\"schema\": 99");
    let words = refused(from, &there);
    assert!(words.contains("schema 99") && words.contains("install that version"), "{words}");
    std::fs::write(&manifest, "{").unwrap();
    assert!(refused(from, &there).contains("cannot be read as the manifest"));
    std::fs::remove_file(&manifest).unwrap();
    assert!(refused(from, &there).contains("no backup, or one that was not finished"));
    // Put right again it is taken: the refusals were for these reasons.
    std::fs::write(&manifest, text).unwrap();
    backup::restore(from, &there.state(), false, START).unwrap();
}

#[tokio::test]
async fn a_state_that_is_there_is_set_aside_only_if_that_is_asked_for() {
    let (world, folder) = backed_up().await;
    world.serve("posts", posts(5));
    world.once().await;
    assert_eq!(world.mentions().len(), 5);
    let error = backup::restore(folder.path(), &world.state(), false, START).unwrap_err();
    assert!(matches!(error, BackupError::Occupied(_)) && error.to_string().contains("--force"), "{error}");
    assert_eq!(world.mentions().len(), 5);

    let words = said(&mentiond(&world, &["restore", folder.path().to_str().unwrap(), "--force"]));
    assert!(words.contains("before-restore-"), "{words}");
    assert_eq!(world.mentions().len(), 3);
    let aside = std::fs::read_dir(world.state()).unwrap().map(|e| e.unwrap().path());
    let aside = aside.filter(|p| p.to_string_lossy().contains("before-restore-")).collect::<Vec<_>>();
    assert!(aside.len() == 1 && aside[0].join("record.sqlite").exists() && aside[0].join("seen").exists());
    // What the backup had not heard of is heard again: nothing hides it.
    assert_eq!(world.once().await.mentions, 2);
}

#[tokio::test]
async fn neither_a_running_daemon_nor_a_half_restored_state_is_worked_on() {
    let (world, folder) = backed_up().await;
    let held = Store::open(&world.state()).unwrap();
    let error = backup::restore(folder.path(), &world.state(), true, START).unwrap_err();
    assert!(error.to_string().contains("in use by another mentiond"), "{error}");
    held.close().await;

    // A restore that was cut off leaves its mark.
    std::fs::write(world.state().join("restoring"), "").unwrap();
    let words = world.try_once().await.unwrap_err().to_string();
    assert!(words.contains("was interrupted") && words.contains("--force"), "{words}");
    backup::restore(folder.path(), &world.state(), true, START).unwrap();
    assert_eq!(world.once().await.mentions, 0);
}

#[tokio::test]
async fn a_backup_goes_only_where_nothing_is() {
    let (world, folder) = backed_up().await;
    let output = mentiond(&world, &["backup", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not empty"), "{output:?}");
    let empty = World::new().with_text(world.config_text());
    let output = mentiond(&empty, &["backup", empty.folder().join("copy").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to back up"), "{output:?}");
}

/// A shell on the machine of a service has no password of it; what lists and copies must not ask for one.
#[tokio::test]
async fn commands_in_a_shell_do_without_the_credentials_of_the_service() {
    let world = world(1);
    world.once().await;
    let world = world.mail("username = \"m\"\npassword = { credential = \"smtp-password\" }");
    let copy = world.folder().join("copy");
    for arguments in [
        &["sources"][..],
        &["outbox"],
        &["mentions"],
        &["cases"],
        &["explain", "Acme"],
        &["backup", copy.to_str().unwrap()],
    ] {
        let output = mentiond(&world, arguments);
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
    let output = mentiond(&world, &["check"]);
    let warned = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && warned.contains("handed over by systemd"), "{output:?}");
    // What sends mail does need it.
    let output = mentiond(&world, &["once"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
