//! `mentiond forget` and forgetting by age: what was said of a person is gone from every byte of the state folder, what
//! others said stays, nothing comes back, and nothing is said twice.

use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use mentiond::daemon;
use mentiond::daemon::control::{self, Request};
use mentiond::daemon::engine::case_desk;
use mentiond::model::{CaseStatus, Category, Erased, Person, Who};
use mentiond::store::Remains;
use mentiond::store::record::{CaseFilter, Erasure, NewCorrection};

use crate::support::smtp::Script;
use crate::support::world::{Entry, World, entry, rss};

const HANDLE: &str = "zubi_99";
/// In every text of hers.
const CANARY: &str = "vermilion samovar";
/// Long enough to be recognised elsewhere by its words.
const STORY: &str = "I bought it in spring for my parents, who had wished for one since they moved to the coast, and it \
    never made a single pot of tea: the lid leaked, the handle came off, and the shop sent me from one desk to the next.";

fn hers(n: u32, text: &str) -> Entry {
    entry("My order").id(n).link(&format!("https://forum.example.net/@{HANDLE}/{n}")).author(HANDLE).text(text)
}

/// A complaint that opens a case, her other posts, and what others say of her.
fn posts() -> Vec<Entry> {
    vec![
        hers(1, &format!("Third time I ask Acme for my money, the {CANARY} is broken and nobody answers. {STORY}")),
        hers(2, &format!("Nice weather, and a {CANARY}.")),
        entry("A reply")
            .id(3)
            .link("https://forum.example.net/eva/3")
            .author("Eva Lund")
            .text("Acme, by the way: @Zubi_99 wrote again, zubi_99 often does."),
        entry("Coffee")
            .id(5)
            .link("https://forum.example.net/bo/5")
            .author("Bo Dahl")
            .text("I love my Acme, best purchase ever!"),
        entry("Chat").id(4).link("https://forum.example.net/eva/4").author("Eva Lund").text("Who is @zubi_99?"),
    ]
}

fn world() -> World {
    World::new()
        .feed("forum", rss(posts()))
        .watch("acme", "acme", "brand@example.com")
        .department("care", &["complaint", "refund", "unresolved", "technical"])
        .toml("[departments.cm]\nemail = \"cm@example.com\"\nrole = \"community\"")
}

fn person() -> Person {
    Person { who: Who::Author(format!("@{}", HANDLE.to_uppercase())), sources: Vec::new() }
}

async fn forget(world: &World, person: Person, dry_run: bool) -> (Erasure, Vec<Remains>) {
    let desk = case_desk(&world.engine().config);
    let opened = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let done = opened.forget_person(person, desk, dry_run).await.unwrap();
    opened.store.close().await;
    done
}

/// Files below a folder whose bytes hold a text, in any case.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if path.is_file() {
            let bytes = std::fs::read(&path).unwrap().to_ascii_lowercase();
            if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test]
async fn a_person_is_forgotten_in_every_byte_and_does_not_come_back() {
    let world = world().relay(Script::default().answer("MAIL", "451 4.3.0 later"));
    world.once().await;
    // The post is edited, corrected and its case reopened with words about her: all of that is hers too.
    let mut edited = posts();
    edited[0] = hers(
        1,
        &format!("Fourth time I ask Acme for my money, the {CANARY} is broken, I will see you in court. {STORY}"),
    );
    world.serve("forum", rss(edited));
    world.pass(SignedDuration::from_hours(1));
    world.once().await;
    let case = world.record().cases(&CaseFilter { limit: 9, ..CaseFilter::default() }).unwrap().pop().unwrap().case;
    {
        let opened = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
        let desk = case_desk(&world.engine().config);
        for action in [
            mentiond::cases::Action::Note { text: format!("called {HANDLE}, who has a {CANARY}") },
            mentiond::cases::Action::Dismiss { reason: format!("{HANDLE} has a {CANARY}") },
            mentiond::cases::Action::Reopen { reason: format!("{CANARY} again") },
        ] {
            let done =
                opened.store.record().act_on_case(Arc::clone(&desk), case.id, action, None, world.clock.now()).await;
            done.unwrap().unwrap();
        }
        let wrong =
            NewCorrection { mention: case.mention, category: Some(Category::Refund), ..NewCorrection::default() };
        opened.store.record().correct(Arc::clone(&desk), wrong, world.clock.now()).await.unwrap().unwrap();
        opened.store.close().await;
    }
    assert!(!files_with(&world.state(), HANDLE).is_empty() && !files_with(&world.state(), CANARY).is_empty());

    // First it is only looked.
    let (would, names) = forget(&world, person(), true).await;
    assert!(names.iter().any(|r| r.place == "mentions.content"), "{names:?}");
    assert!(files_with(&world.state(), CANARY).iter().any(|f| f.ends_with("record.sqlite")), "nothing was changed");

    let (erased, remains) = forget(&world, person(), false).await;
    assert_eq!(erased, would, "the trial said what would happen");
    assert_eq!(remains, []);
    assert_eq!((erased.mentions, erased.cases, erased.dismissed, erased.unmatched), (1, 1, 1, 1), "{erased:?}");
    assert!(erased.versions >= 1 && erased.corrections == 1 && erased.fingerprints == 1, "{erased:?}");
    assert!(erased.reworded >= 2, "{erased:?}");
    assert_eq!(erased.struck.get("mentions"), Some(&2), "{:?}", erased.struck);
    assert_eq!(erased.struck.get("unmatched"), Some(&1), "{:?}", erased.struck);
    for text in [HANDLE, CANARY] {
        assert_eq!(files_with(&world.state(), text), [] as [&str; 0], "{text}");
    }
    // What the other person said is still there.
    let eva = world.mentions().into_iter().find(|row| row.mention.entry.title == "A reply").unwrap().mention;
    assert_eq!(eva.entry.text, "Acme, by the way: @******* wrote again, ******* often does.");
    let file = world.record().case(case.id).unwrap().unwrap();
    assert_eq!((file.case.status, file.mention.erased), (CaseStatus::Dismissed, Some(Erased::Request)));

    // Mail that had not left goes all the same, and says plainly what happened.
    let mut world = world;
    world.relay = crate::support::smtp::SmtpServer::start(Script::default());
    world.pass(SignedDuration::from_hours(2));
    world.once().await;
    let told = world.mails();
    assert!(
        told.iter().any(|m| m.kind == "notice" && m.says("was erased at the person’s request")),
        "{:?}",
        world.heard()
    );
    assert!(told.iter().any(|m| m.kind == "update" && m.to == "cm@example.com"), "{:?}", world.heard());
    let bytes: String = told.iter().map(|m| format!("{} {} {}", m.subject, m.text, m.html).to_lowercase()).collect();
    assert!(!bytes.contains(HANDLE) && !bytes.contains(CANARY), "{bytes}");

    // The source still serves it, edited even, and the index is lost: nothing comes back.
    let before = (world.mentions().len(), world.mails().len());
    std::fs::remove_dir_all(world.state().join("seen")).unwrap();
    let mut again = posts();
    again[0] = hers(1, &format!("Fifth time, Acme! The {CANARY} exploded."));
    world.serve("forum", rss(again));
    world.pass(SignedDuration::from_hours(1));
    world.once().await;
    assert_eq!((world.mentions().len(), world.mails().len()), before);
    assert_eq!(files_with(&world.state(), CANARY), [] as [&str; 0]);

    // What she writes from now on is heard like anybody else's.
    world.serve("forum", rss([hers(9, "Acme, hello again: where is my refund?")]));
    world.pass(SignedDuration::from_hours(1));
    assert_eq!(world.once().await.mentions, 1);
}

#[tokio::test]
async fn the_same_post_elsewhere_does_not_come_back_either() {
    let world = world();
    world.once().await;
    forget(&world, person(), false).await;
    let copy = entry("My order").id("x").link(&format!("https://forum.example.net/@{HANDLE}/1")).author(HANDLE);
    let copy = copy.text(&format!("Acme {CANARY}"));
    let other = entry("A page").id("y").link(&format!("https://forum.example.net/@{HANDLE}/1")).author("Bo Dahl");
    let world = world.feed("mirror", rss([copy])).feed("blog", rss([other.text("Look at this, Acme")]));
    world.pass(SignedDuration::from_hours(1));
    world.once().await;
    let found: Vec<String> = world.mentions().into_iter().map(|row| row.mention.entry.text).collect();
    assert!(found.iter().any(|text| text == "Look at this, Acme"), "somebody else is heard: {found:?}");
    assert!(!found.iter().any(|text| text.contains(CANARY)), "{found:?}");
}

#[tokio::test]
async fn a_running_daemon_forgets_and_goes_on() {
    let world = world();
    world.once().await;
    let daemon = world.run();
    let request = Request::Forget { person: person(), dry_run: false };
    let state = world.state();
    crate::support::world::until("the daemon listens", || state.join("control.sock").exists()).await;
    let (erased, remains) = control::ask_to_forget(&state, &request).await.expect("a daemon").unwrap();
    assert_eq!((erased.mentions, remains.as_slice()), (1, [].as_slice()));
    assert_eq!(files_with(&world.state(), CANARY), [] as [&str; 0]);
    world.serve("forum", rss([entry("Acme is back").id(20).text("Acme works again")]));
    daemon.stop().await.unwrap();
    world.pass(SignedDuration::from_hours(1));
    assert_eq!(world.once().await.mentions, 1);
}

#[tokio::test]
async fn a_handle_that_is_a_word_of_the_configuration_breaks_nothing() {
    let post = |author: &str, n| {
        entry("Acme broke").id(n).author(author).text(&format!("Acme is bad, says {author} number {n}"))
    };
    let world = World::new()
        .feed("forum", rss([post("complaint", 1), post("forum", 2), post("Eva", 3)]))
        .watch("acme", "acme", "brand@example.com")
        .department("care", &["complaint", "refund", "unresolved", "technical"]);
    world.once().await;
    for who in ["complaint", "forum", "care", "acme"] {
        forget(&world, Person { who: Who::Author(who.into()), sources: Vec::new() }, false).await;
        // Everything can still be read, and mail still knows where it goes.
        assert_eq!(world.mentions().len(), 3, "{who}");
        world.record().cases(&CaseFilter { all: true, limit: 9, ..CaseFilter::default() }).unwrap();
        assert!(world.outbox().iter().all(|mail| mail.recipient.ends_with("@example.com")), "{who}");
    }
    assert_eq!(world.mentions().iter().filter(|row| row.mention.erased.is_some()).count(), 2);
}

#[tokio::test]
async fn an_address_is_forgotten_and_mail_to_it_is_cancelled() {
    let world = World::new()
        .feed(
            "forum",
            rss([entry("Acme")
                .id(1)
                .author("Bo")
                .text("Acme, write to Bo.Dahl@example.org, not xbo.dahl@example.org")]),
        )
        .watch("acme", "acme", "bo.dahl@example.org")
        .relay(Script::default().answer("MAIL", "451 4.3.0 later"));
    world.once().await;
    let whom = Person { who: Who::Email("bo.dahl@example.org".into()), sources: Vec::new() };
    let (erased, remains) = forget(&world, whom, false).await;
    assert_eq!((erased.mentions, erased.cancelled, remains.len()), (0, 1, 0), "{erased:?} {remains:?}");
    let text = &world.mentions()[0].mention.entry.text;
    assert_eq!(text, "Acme, write to *******************, not xbo.dahl@example.org");
    assert_eq!(world.outbox()[0].status, "failed");
}

#[tokio::test]
async fn old_things_go_in_time_and_nothing_is_said_twice() {
    let world = world().toml("[history]\nmentions = \"30d\"\ncases = \"60d\"\nmail = \"7d\"");
    world.once().await;
    let case = world.record().cases(&CaseFilter { limit: 9, ..CaseFilter::default() }).unwrap().pop().unwrap().case;
    let mails = world.mails().len();
    let age = async || {
        let opened = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
        opened.forget(&world.engine()).await.unwrap();
        opened.store.close().await;
    };
    age().await;
    assert!(world.mentions().iter().all(|row| row.mention.erased.is_none()), "everything is young");
    world.pass(SignedDuration::from_hours(24 * 100));
    age().await;
    assert!(world.mentions().iter().any(|row| row.mention.erased == Some(Erased::Age)));
    assert!(world.outbox().iter().all(|mail| mail.status != "sent"), "{:?}", world.outbox());
    for row in world.mentions() {
        // An open case keeps what it is about, however old.
        assert_eq!(row.mention.erased.is_none(), row.case.is_some(), "{row:?}");
    }
    // A copy of the story elsewhere is no news, although the mail about it is no longer in the outbox.
    let copy = entry("A reply").id("c").link("https://forum.example.net/eva/3").author("Eva Lund");
    let world = world.feed("mirror", rss([copy.text("Acme, by the way: @Zubi_99 wrote again, zubi_99 often does.")]));
    world.once().await;
    let alerts = world.mails().into_iter().filter(|m| m.kind == "alert" || m.kind == "notice").count();
    assert_eq!(alerts, mails, "{:?}", world.heard());

    let opened = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let desk = case_desk(&world.engine().config);
    let action = mentiond::cases::Action::Dismiss { reason: "settled".into() };
    for case in world.record().cases(&CaseFilter { limit: 9, ..CaseFilter::default() }).unwrap() {
        let (desk, action) = (Arc::clone(&desk), action.clone());
        opened.store.record().act_on_case(desk, case.case.id, action, None, world.clock.now()).await.unwrap().unwrap();
    }
    opened.store.close().await;
    world.once().await;
    world.pass(SignedDuration::from_hours(24 * 61));
    let opened = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    opened.forget(&world.engine()).await.unwrap();
    opened.store.close().await;
    assert_eq!(world.record().case(case.id).unwrap().map(|file| file.case.status), None);
    assert!(world.mentions().iter().all(|row| row.mention.erased == Some(Erased::Age)));
    assert_eq!(files_with(&world.state(), "nobody answers").len(), 1, "freed pages are swept by `forget` only");
}
