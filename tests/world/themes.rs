//! "One or two people with the same issue: think about it. Three or more: a theme, which must be acted on." From mentions
//! to the dossier, through restarts: every round is a process of its own.

use jiff::{SignedDuration, Timestamp};
use mentiond::cases::Action;
use mentiond::daemon;
use mentiond::daemon::control::{self, Request};
use mentiond::model::{CaseStatus, Happening, ThemeStatus};
use mentiond::store::record::{CaseFilter, ThemeFilter, ThemeRow};
use mentiond::themes::standing::{ThemeAction, ThemeRefusal};

use crate::support::world::{Entry, Mail, World, entry, rss, until};

const SUPPORT: &str = "support@example.com";
const TECH: &str = "tech@example.com";
const BOARD: &str = "board@example.com";
const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

const TEAMS: &str = r#"
[watchlists.acme]
query = 'acme'
[departments.support]
name = "Customer Service"
email = "support@example.com"
handles = ["complaint", "refund", "unresolved"]
[departments.technology]
name = "Technology"
email = "tech@example.com"
handles = ["technical"]
[departments.community]
email = "community@example.com"
role = "community"
[departments.board]
name = "Management"
email = "board@example.com"
role = "management"
"#;

fn post(number: u32, author: &str, text: &str) -> Entry {
    let link = format!("https://forum.example.net/t/{number}");
    entry(&format!("Acme {number}")).id(number).link(&link).author(author).text(text)
}

fn logged_out() -> [Entry; 5] {
    [
        post(
            1,
            "Jens Hansen",
            "The Acme app logs me out every five minutes since the last update. Not working at all!",
        ),
        post(2, "Maria Silva", "Since the update the Acme app logs me out all the time. The app is not working."),
        post(3, "Ole Berg", "Acme app logs me out again and again since the update, it is not working."),
        post(4, "Ann Lee", "The Acme app is not working since the update: it logs me out every hour."),
        post(5, "Bo Dahl", "After the update the Acme app logs me out after five minutes, not working."),
    ]
}

fn world() -> World {
    let world = World::new().feed("forum", rss([])).toml(TEAMS);
    world.clock.set(NOW);
    world
}

async fn hear(world: &World, hours: i64, entries: &[Entry]) -> Vec<Mail> {
    world.pass(SignedDuration::from_hours(hours));
    world.serve("forum", rss(entries.to_vec()));
    let before = world.mails().len();
    world.once().await;
    world.mails().split_off(before).into_iter().filter(|m| m.kind == "dossier").collect()
}

fn themes(world: &World) -> Vec<ThemeRow> {
    world.record().themes(&ThemeFilter { all: true, limit: 100, ..ThemeFilter::default() }).unwrap()
}

async fn act(world: &World, id: i64, action: ThemeAction) -> Result<i64, ThemeRefusal> {
    act_as(world, "community@example.com", id, action).await
}

async fn act_as(world: &World, by: &str, id: i64, action: ThemeAction) -> Result<i64, ThemeRefusal> {
    let engine = world.engine();
    let daemon = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let record = daemon.store.record();
    let done = record.act_on_theme(engine.desk, id, action, Some(by.to_owned()), world.clock.now()).await;
    daemon.store.close().await;
    done.unwrap()
}

#[tokio::test]
async fn the_third_person_opens_a_theme_with_a_case_of_its_own_and_a_dossier() {
    let world = world();
    let said = logged_out();
    assert!(hear(&world, 1, &said[..1]).await.is_empty());
    assert!(hear(&world, 24, &said[..2]).await.is_empty(), "two people are something to think about");
    assert_eq!(themes(&world).len(), 1, "{:?}", themes(&world));

    let dossiers = hear(&world, 24, &said[..3]).await;
    assert_eq!(dossiers.iter().map(|m| m.to.as_str()).collect::<Vec<_>>(), [TECH], "{:?}", world.heard());
    let dossier = &dossiers[0];
    for words in [
        "3 people have the same issue",
        "The theme has a case of its own: Case",
        "3 people, 3 mentions",
        "forum (3)",
        "English (3)",
        "3 mentions in the last 14 days; 0 in 14 days is usual",
        "In their own words",
        "Open cases inside it",
        "mentiond themes show 1",
        "https://forum.example.net/t/1",
    ] {
        assert!(dossier.says(words), "{words}: {}", dossier.text);
    }
    assert!(dossier.subject.contains("Theme 1 – 3 people"), "{}", dossier.subject);
    for name in ["Hansen", "Silva", "Berg"] {
        assert!(!dossier.text.contains(name) && !dossier.html.contains(name), "{name}: {}", dossier.text);
    }

    let row = &themes(&world)[0];
    assert_eq!((row.theme.status, row.people, row.mentions), (ThemeStatus::Open, 3, 3));
    let case = world.record().case(row.theme.case.unwrap()).unwrap().unwrap().case;
    assert_eq!((case.theme, case.owner.department.as_str(), case.status), (Some(1), "technology", CaseStatus::Open));
    // Everybody's own case is there beside it.
    let cases = world.record().cases(&CaseFilter { all: true, limit: 99, ..CaseFilter::default() }).unwrap();
    assert_eq!(cases.len(), 4);

    assert!(hear(&world, 1, &said[..4]).await.is_empty(), "it is told once");
    assert_eq!(themes(&world)[0].people, 4);
}

#[tokio::test]
async fn people_count_not_posts_and_copies_of_one_story_count_once() {
    let world = world();
    let mut said: Vec<Entry> = (1..=4)
        .map(|n| {
            post(n, "Jens Hansen", &format!("The Acme app logs me out, number {n} since the update. Not working!"))
        })
        .collect();
    assert!(hear(&world, 1, &said).await.is_empty(), "one person, however often");
    said.push(logged_out()[1].clone());
    let copy = Entry::clone(&logged_out()[1]).id(77).link("https://elsewhere.example.net/77");
    said.push(copy);
    assert!(hear(&world, 1, &said).await.is_empty(), "{:?}", themes(&world));
    assert!(themes(&world).iter().all(|row| row.people <= 2), "{:?}", themes(&world));
}

#[tokio::test]
async fn what_was_said_too_long_ago_does_not_count_and_the_number_is_configured() {
    let world = world().toml("[acting]\npeople = 2\nwithin = \"2d\"");
    let said = logged_out();
    assert!(hear(&world, 1, &said[..1]).await.is_empty());
    assert!(hear(&world, 72, &said[..2]).await.is_empty());
    assert_eq!(hear(&world, 1, &said[..3]).await.len(), 1);
}

#[tokio::test]
async fn a_grave_theme_is_copied_to_management_without_names() {
    let world = world();
    let fire = |n: u32, who: &str| {
        post(n, who, "The Acme charger caught fire and burnt my hand, the charger overheats. This is dangerous!")
    };
    let mut said = vec![fire(1, "Jens Hansen")];
    said.push(post(2, "Maria Silva", "My Acme charger caught fire at night. The charger overheats, dangerous!"));
    said.push(post(3, "Ole Berg", "Acme charger overheats and caught fire. I was burnt by the charger."));
    let dossiers = hear(&world, 1, &said).await;
    let to: Vec<&str> = dossiers.iter().map(|m| m.to.as_str()).collect();
    assert!(to.contains(&BOARD) && (to.contains(&SUPPORT) || to.contains(&TECH)), "{to:?} {:?}", themes(&world));
    let copy = dossiers.iter().find(|m| m.to == BOARD).unwrap();
    assert!(copy.says("copy;") && !copy.text.contains("Hansen"), "{}", copy.text);
}

#[tokio::test]
async fn a_closed_theme_that_comes_back_opens_again_with_its_history() {
    let world = world();
    let said = logged_out();
    assert_eq!(hear(&world, 1, &said[..3]).await.len(), 1);
    act(&world, 1, ThemeAction::Close { reason: "fixed in 2.1".into() }).await.unwrap();
    assert_eq!(act(&world, 1, ThemeAction::Close { reason: String::new() }).await, Err(ThemeRefusal::Closed(1)));
    let case = themes(&world)[0].theme.case.unwrap();
    assert_eq!(world.record().case(case).unwrap().unwrap().case.status, CaseStatus::Resolved);

    assert!(hear(&world, 24, &said[..4]).await.is_empty(), "one person may be late");
    let back = hear(&world, 24, &said).await;
    assert_eq!(back.len(), 1, "{:?}", themes(&world));
    assert!(back[0].says("This theme was closed") && back[0].says("5 people"), "{}", back[0].text);
    let file = world.record().theme(1).unwrap().unwrap();
    let history: Vec<String> = file.steps.iter().map(|s| s.what.words()).collect();
    assert_eq!(history.len(), 4, "{history:?}");
    assert!(history[2] == "closed: fixed in 2.1" && history[3].starts_with("came back: 2 people"), "{history:?}");
    // Its case had waited for the customers' word; now it is worked on again.
    let again = world.record().case(case).unwrap().unwrap();
    assert_eq!((again.case.status, again.case.resolved), (CaseStatus::Open, None));
    // Whoever closed the theme had taken its case: the dossier is theirs now, not the first department's.
    assert_eq!((again.case.owner.department.as_str(), back[0].to.as_str()), ("community", "community@example.com"));
    assert!(
        again
            .steps
            .iter()
            .any(|s| matches!(&s.what, Happening::Reopened { reason } if reason == "the theme came back")),
        "{:?}",
        again.steps
    );
    // Its case is the theme's, not that of whoever wrote first.
    let theme = again.theme.unwrap();
    assert_eq!((theme.id, theme.people), (1, 5));
    assert_eq!(again.later.len() as u64 + 1, themes(&world)[0].mentions);
    let handed = world.mails().into_iter().filter(|mail| mail.subject.contains("Theme 1: ")).collect::<Vec<_>>();
    assert!(!handed.is_empty(), "{:?}", world.mails().iter().map(|m| m.subject.clone()).collect::<Vec<_>>());
    for mail in handed {
        assert!(mail.subject.contains(&theme.name) && mail.says("Opened again: the theme came back"), "{}", mail.text);
        assert!(!mail.says("customer"), "{}", mail.text);
    }
}

#[tokio::test]
async fn a_theme_ends_with_its_case() {
    let world = world();
    assert_eq!(hear(&world, 1, &logged_out()[..3]).await.len(), 1);
    let case = themes(&world)[0].theme.case.unwrap();
    let engine = world.engine();
    let daemon = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    for action in [Action::Answer, Action::Satisfied] {
        let record = daemon.store.record();
        let done = record.act_on_case(engine.desk.clone(), case, action, None, world.clock.now()).await.unwrap();
        done.unwrap();
    }
    assert_eq!(themes(&world)[0].theme.status, ThemeStatus::Closed);

    // And it is open again with its case, and over again with it.
    let record = daemon.store.record();
    for (action, status) in [
        (Action::Unsatisfied, ThemeStatus::Open),
        (Action::Dismiss { reason: "tested".into() }, ThemeStatus::Closed),
        (Action::Reopen { reason: "after all".into() }, ThemeStatus::Open),
        (Action::Answer, ThemeStatus::Open),
        (Action::Satisfied, ThemeStatus::Closed),
    ] {
        let done = record.act_on_case(engine.desk.clone(), case, action.clone(), None, world.clock.now()).await;
        done.unwrap().unwrap();
        assert_eq!(themes(&world)[0].theme.status, status, "{action:?}");
    }
    daemon.store.close().await;

    // Where much the same is a theme of its own, how it ended before is told.
    let mention = world.mentions()[0].mention.id;
    let parted = act(&world, 1, ThemeAction::Split { mentions: vec![mention] }).await.unwrap();
    let akin = world.record().theme(parted).unwrap().unwrap().akin;
    assert_eq!(akin.iter().map(|c| (c.case, c.status)).collect::<Vec<_>>(), [(case, CaseStatus::Closed)]);
    assert!(world.record().theme(1).unwrap().unwrap().akin.is_empty(), "its own case is no other one");
}

/// Two that are one by their words stay apart where a person parted them, whoever says the same next.
#[tokio::test]
async fn what_a_person_parted_is_not_joined_by_the_next_mention() {
    let world = world();
    let said = logged_out();
    assert!(hear(&world, 1, &said[..2]).await.is_empty());
    let of = |n: usize| world.record().theme_of(world.mentions()[n].mention.id).unwrap().unwrap();
    assert_eq!(of(0), of(1));
    let (whole, mention) = (of(0), world.mentions()[1].mention.id);
    let parted = act(&world, whole, ThemeAction::Split { mentions: vec![mention] }).await.unwrap();
    hear(&world, 1, &said[..4]).await;
    assert_eq!((of(0), of(1)), (whole, parted), "{:?}", themes(&world));
}

#[tokio::test]
async fn a_person_corrects_themes_also_of_a_running_daemon() {
    let world = world();
    let mut said = logged_out()[..2].to_vec();
    said.push(post(9, "Ann Lee", "The Acme courier threw my parcel over the fence, it came damaged."));
    said.push(post(10, "Bo Dahl", "Acme delivery: the parcel came damaged, the courier threw it."));
    assert!(hear(&world, 1, &said).await.is_empty());
    let of = |n: usize| {
        let mention = world.mentions()[n].mention.id;
        world.record().theme_of(mention).unwrap().unwrap()
    };
    let (app, parcel) = (of(0), of(2));
    assert_eq!((of(1), of(3)), (app, parcel), "{:?}", themes(&world));
    assert_ne!(app, parcel);

    assert_eq!(act(&world, 99, ThemeAction::Rename { name: "x".into() }).await, Err(ThemeRefusal::NoSuchTheme(99)));
    let running = world.run();
    let socket = world.state().join("control.sock");
    until("the control socket", || socket.exists()).await;
    let ask = |id: i64, action: ThemeAction| {
        let request = Request::Theme { id, action, by: None };
        let state = world.state();
        async move { control::ask(&state, &request).await.expect("a daemon") }
    };
    assert!(ask(app, ThemeAction::Merge { into: app }).await.unwrap_err().contains("itself"));
    assert_eq!(ask(parcel, ThemeAction::Rename { name: " Rough  couriers ".into() }).await, Ok(parcel as u64));
    // Four people: the merged theme must be acted on.
    assert_eq!(ask(app, ThemeAction::Merge { into: parcel }).await, Ok(parcel as u64));
    let merged = world.record().theme(parcel).unwrap().unwrap();
    assert_eq!((merged.row.theme.name.as_str(), merged.row.people), ("Rough couriers", 4));
    assert_eq!(merged.row.theme.status, ThemeStatus::Open);
    assert!(ask(app, ThemeAction::Close { reason: String::new() }).await.unwrap_err().contains("part of theme"));
    let mention = world.mentions()[0].mention.id;
    let parted = ask(parcel, ThemeAction::Split { mentions: vec![mention] }).await.unwrap();
    assert_eq!(world.record().theme_of(mention).unwrap(), Some(i64::try_from(parted).unwrap()));
    assert!(ask(parcel, ThemeAction::Split { mentions: vec![mention] }).await.unwrap_err().contains("not in theme"));
    running.stop().await.unwrap();
    assert_eq!(world.record().theme(parcel).unwrap().unwrap().row.people, 3);
}

#[tokio::test]
async fn a_query_of_the_configuration_gathers_a_theme_across_languages() {
    let world = world().toml("[[themes]]\nname = \"checkout\"\nquery = 'checkout OR checkud OR \"caja web\"'");
    let said = [
        post(1, "Jens Hansen", "Acme: checkout shows an error and I cannot pay. Terrible."),
        post(2, "Maria Silva", "La caja web de Acme da error y no puedo pagar. Pésimo servicio."),
        post(3, "Ole Berg", "Acme checkud virker ikke, jeg kan ikke betale. Elendigt."),
    ];
    let dossiers = hear(&world, 1, &said).await;
    assert_eq!(dossiers.len(), 1, "{:?}", themes(&world));
    assert!(dossiers[0].subject.contains("checkout"), "{}", dossiers[0].subject);
}

/// The theme has a case of its own beside that of its first mention: that mention is counted once all the same.
#[tokio::test]
async fn the_next_digest_tells_of_a_theme_that_opened() {
    let daily = TEAMS.replace("role = \"community\"", "role = \"community\"\ndigest = \"daily 09:00\"");
    let world = World::new().feed("forum", rss([])).toml(&daily);
    world.clock.set(NOW);
    hear(&world, 1, &[]).await;
    let dossiers = hear(&world, 1, &logged_out()[..3]).await;
    assert_eq!(dossiers.len(), 1);
    hear(&world, 24, &[]).await;
    let digests: Vec<Mail> = world.mails().into_iter().filter(|mail| mail.kind == "digest").collect();
    let [digest] = &digests[..] else { panic!("one digest: {digests:?}") };
    let name = &themes(&world)[0].theme.name;
    for words in [name.as_str(), "3 people, 3 mentions; 0 in the period before", "3 mentions"] {
        assert!(digest.says(words), "{words}: {}", digest.text);
    }
    assert!(!digest.says("4 mentions"), "{}", digest.text);
}

/// What was done since the last digest: whoever reads only digests would go on worrying about a theme that is closed, and
/// never hear that somebody waved a case away.
#[tokio::test]
async fn the_next_digest_tells_what_was_closed_dismissed_or_came_back_and_only_once() {
    let daily = TEAMS
        .replace("role = \"community\"", "role = \"community\"\ndigest = \"daily 09:00\"")
        .replace("handles = [\"technical\"]", "handles = [\"technical\"]\ndigest = \"daily 09:00\"")
        .replace("handles = [\"complaint\"", "digest = \"daily 09:00\"\nhandles = [\"complaint\"")
        .replace("role = \"management\"", "role = \"management\"\ndigest = \"daily 09:00\"");
    let world = World::new().feed("forum", rss([])).toml(&daily);
    world.clock.set(NOW);
    let said = logged_out();
    let digests = async |hours: i64, entries: &[Entry]| -> Vec<(String, String)> {
        let before = world.mails().len();
        hear(&world, hours, entries).await;
        let kinds = ["digest", "management"];
        let mails = world.mails().split_off(before).into_iter().filter(|mail| kinds.contains(&mail.kind.as_str()));
        mails.map(|mail| (mail.to.clone(), mail.text.split_whitespace().collect::<Vec<_>>().join(" "))).collect()
    };
    let told = |digests: &[(String, String)], words: &str| -> Vec<String> {
        digests.iter().filter(|(_, text)| text.contains(words)).map(|(to, _)| to.clone()).collect()
    };
    hear(&world, 1, &[]).await;
    digests(1, &said[..3]).await;
    let opened = digests(24, &[]).await;
    let everybody = [TECH, "community@example.com", BOARD];
    assert_eq!(told(&opened, "to be acted on since"), everybody, "{opened:#?}");

    act(&world, 1, ThemeAction::Close { reason: "fixed in 2.1, ask Jens on +45 20 30 40 50".into() }).await.unwrap();
    // The case of one of these people was none, the other's customer is satisfied.
    let theme_case = themes(&world)[0].theme.case.unwrap();
    let all = world.record().cases(&CaseFilter { all: true, limit: 99, ..CaseFilter::default() }).unwrap();
    let own: Vec<i64> = all.iter().map(|row| row.case.id).filter(|id| *id != theme_case).collect();
    let engine = world.engine();
    let daemon = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    for (case, action) in [
        (own[0], Action::Dismiss { reason: "a test post, mail maria.silva@example.net".into() }),
        (own[1], Action::Answer),
        (own[1], Action::Satisfied),
    ] {
        let by = Some("community@example.com".to_owned());
        let done = daemon.store.record().act_on_case(engine.desk.clone(), case, action, by, world.clock.now()).await;
        done.unwrap().unwrap();
    }
    daemon.store.close().await;

    let closed = digests(24, &[]).await;
    let name = &themes(&world)[0].theme.name;
    assert_eq!(told(&closed, name), everybody, "{closed:#?}");
    for words in [
        ": “fixed in 2.1, ask ",
        "Cases that have ended (2)",
        "1 closed, the customer satisfied; 1 dismissed, not a case",
        &format!("Case {} · dismissed on", own[0]),
        "by community: “a test post, mail [e-mail 1]”",
    ] {
        assert_eq!(told(&closed, words), everybody, "{words}: {closed:#?}");
    }
    assert_eq!(told(&closed, "40 50").len() + told(&closed, "maria.silva").len(), 0, "masked: {closed:#?}");
    assert!(told(&closed, "people, 3 mentions").is_empty(), "nobody spoke of it: {closed:#?}");
    // Support has no part in it.
    assert_eq!(told(&closed, "Quiet:"), [SUPPORT], "{closed:#?}");
    let next = digests(24, &[]).await;
    assert_eq!(told(&next, "Quiet:").len(), 1, "{next:#?}");
    for words in ["closed on", "dismissed", name] {
        assert!(told(&next, words).is_empty(), "told once: {words}: {next:#?}");
    }

    let back = digests(24, &said).await;
    let told_back = [
        told(&back, "2 people, 2 mentions; 0 in the period before · back since"),
        told(&digests(24, &said).await, "back since"),
    ];
    assert!(told_back.iter().flatten().any(|to| to == "community@example.com"), "{back:#?}");
    assert_eq!(told_back.iter().filter(|told| told.iter().any(|to| to == BOARD)).count(), 1, "{told_back:?}");
}

/// A backlog of old posts: when it was first said stands in their dates, not in when mentiond came to hear them.
#[tokio::test]
async fn first_seen_is_when_it_was_written_as_far_as_that_can_be_believed() {
    let world = world();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let written = at("2026-08-30T10:00:00Z");
    let mut said = logged_out();
    said[0] = Entry::clone(&said[0]).published(at("2038-01-01T00:00:00Z"));
    said[1] = Entry::clone(&said[1]).published(at("1970-01-01T00:00:00Z"));
    said[2] = Entry::clone(&said[2]).published(written);
    let heard = |n: usize| world.mentions()[n].mention.fetched;
    hear(&world, 1, &said[..2]).await;
    assert_eq!(themes(&world)[0].theme.first_seen, heard(0), "neither the future nor 1970");
    let dossiers = hear(&world, 1, &said[..3]).await;
    let theme = themes(&world)[0].theme.clone();
    assert_eq!((theme.first_seen, theme.last_seen), (written, world.clock.now()));
    // Three within 14 days by when they were heard, though one was written before that.
    assert_eq!(theme.status, ThemeStatus::Open);
    assert!(dossiers[0].says("First said: Sun 30 Aug 2026"), "{}", dossiers[0].text);
    // It goes with the mention that said it.
    let mention = world.mentions().into_iter().map(|row| row.mention).find(|m| m.entry.published == Some(written));
    let parted = act(&world, theme.id, ThemeAction::Split { mentions: vec![mention.unwrap().id] }).await.unwrap();
    let first = |id: i64| world.record().theme(id).unwrap().unwrap().row.theme.first_seen;
    assert_eq!((first(parted), first(theme.id)), (written, heard(0)));
}

/// A theme is about a trouble: whoever praises the same thing is none of its people, in dossiers and in digests alike.
#[tokio::test]
async fn praise_that_a_query_finds_counts_among_nobodys_people() {
    let query = "[[themes]]\nname = \"checkout\"\nquery = 'checkout'";
    let daily = TEAMS.replace("role = \"community\"", "role = \"community\"\ndigest = \"daily 09:00\"");
    let world = World::new().feed("forum", rss([])).toml(&daily).toml(query);
    world.clock.set(NOW);
    hear(&world, 1, &[]).await;
    let said = [
        post(1, "Jens Hansen", "Acme: checkout shows an error and I cannot pay. Terrible."),
        post(2, "Maria Silva", "The Acme checkout is broken, it shows an error. Very bad."),
        post(3, "Ole Berg", "Acme checkout error again, nothing works. Awful."),
        post(4, "Ann Lee", "I love the new Acme checkout, so quick. Thank you, wonderful work!"),
    ];
    let dossiers = hear(&world, 1, &said).await;
    assert_eq!(world.mentions().len(), 4);
    assert!(dossiers.iter().all(|mail| mail.says("3 people, 3 mentions")) && !dossiers.is_empty(), "{dossiers:?}");
    hear(&world, 24, &[]).await;
    let digest = world.mails().into_iter().rfind(|mail| mail.kind == "digest").unwrap();
    assert!(digest.says("3 people, 3 mentions; 0 in the period before"), "{}", digest.text);
    assert!(digest.says("I love the new Acme checkout"), "told as praise all the same: {}", digest.text);
}

/// A query goes on gathering the theme that a person made its own theme part of, and that is counted once.
#[tokio::test]
async fn what_a_query_gathered_and_was_merged_by_hand_goes_on_in_the_other_theme() {
    let query = "[[themes]]\nname = \"checkout\"\nquery = 'checkout'";
    let daily = TEAMS.replace("role = \"community\"", "role = \"community\"\ndigest = \"daily 09:00\"");
    let world = World::new().feed("forum", rss([])).toml(&daily).toml(query);
    world.clock.set(NOW);
    hear(&world, 1, &[]).await;
    let mut said = vec![
        post(1, "Jens Hansen", "Acme: checkout shows an error and I cannot pay. Terrible."),
        post(2, "Maria Silva", "The Acme courier threw my parcel over the fence, it came damaged."),
        post(3, "Ole Berg", "Acme delivery: the parcel came damaged, the courier threw it."),
    ];
    hear(&world, 1, &said).await;
    let of = |n: usize| world.record().theme_of(world.mentions()[n].mention.id).unwrap().unwrap();
    let (query, found) = (of(0), of(1));
    assert_ne!(query, found);
    act(&world, query, ThemeAction::Merge { into: found }).await.unwrap();
    said.push(post(4, "Ann Lee", "Acme checkout error again, I cannot pay and nothing works. Awful."));
    hear(&world, 1, &said).await;
    assert_eq!(of(3), found, "{:?}", themes(&world));
    let file = world.record().theme(found).unwrap().unwrap();
    assert_eq!((file.row.people, file.row.theme.status), (4, ThemeStatus::Open));
    hear(&world, 24, &said).await;
    let digest = world.mails().into_iter().rfind(|mail| mail.kind == "digest").unwrap();
    assert!(digest.says("Themes (1)") && digest.says("4 people, 4 mentions"), "{}", digest.text);
}

/// Seven people, seven cases: whoever reads of five must hear that there are two more, and what is open goes before what is
/// not.
#[tokio::test]
async fn a_dossier_says_how_many_it_does_not_name() {
    let world = world();
    let mut said = logged_out().to_vec();
    said.push(post(6, "Eva Lund", "The Acme app logs me out since the update, again and again. Not working."));
    said.push(post(7, "Tom Hale", "Since the last update the Acme app logs me out every hour, not working at all."));
    let dossiers = hear(&world, 1, &said).await;
    let [dossier] = &dossiers[..] else { panic!("one dossier: {dossiers:?}") };
    assert!(dossier.says("7 people, 7 mentions"), "{}", dossier.text);
    let text = dossier.text.replace("\r\n", "\n");
    let part = |heading: &str| text.split_once(heading).map(|(_, rest)| rest.to_owned()).unwrap();
    let (quotes, cases) = part("In their own words")
        .split_once("Open cases inside it")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert!(quotes.trim_end().ends_with("and 2 more"), "{quotes}");
    assert_eq!(cases.matches(": Case ").count(), 5, "{cases}");
    assert!(cases.contains("\nand 2 more\n"), "{cases}");
    // Once most have ended, the open ones are still the first that are named.
    let file = world.record().theme(1).unwrap().unwrap();
    assert_eq!((file.cases.len(), file.open_cases, file.ended_cases), (7, 7, 0));
    let newest = file.cases[0].case;
    let engine = world.engine();
    let daemon = daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let dismiss = Action::Dismiss { reason: "a test".into() };
    let done = daemon.store.record().act_on_case(engine.desk, newest, dismiss, None, world.clock.now()).await;
    done.unwrap().unwrap();
    daemon.store.close().await;
    let file = world.record().theme(1).unwrap().unwrap();
    assert_eq!((file.open_cases, file.ended_cases, file.cases[6].case), (6, 1, newest));
}

#[tokio::test]
async fn a_theme_that_falls_below_three_people_by_a_split_is_one_to_think_about_again_and_its_case_is_told() {
    let world = world();
    let dossiers = hear(&world, 1, &logged_out()[..3]).await;
    assert_eq!(dossiers.len(), 1);
    let theme = themes(&world)[0].theme.clone();
    let case = theme.case.expect("an open theme has a case");
    let stranger = act_as(&world, "eve@example.net", theme.id, ThemeAction::Close { reason: String::new() }).await;
    assert_eq!(stranger, Err(ThemeRefusal::Stranger("eve@example.net".into())), "as with cases");
    let said: Vec<i64> = world.mentions().iter().map(|row| row.mention.id).collect();
    let parted = act(&world, theme.id, ThemeAction::Split { mentions: vec![said[0], said[1]] }).await.unwrap();
    let left = world.record().theme(theme.id).unwrap().unwrap();
    assert_eq!((left.row.theme.status, left.row.people), (ThemeStatus::Growing, 1));
    assert_eq!(world.record().theme(parted).unwrap().unwrap().row.theme.status, ThemeStatus::Growing);
    let history: Vec<String> = left.steps.iter().map(|step| step.what.words()).collect();
    assert!(history.iter().any(|line| line.starts_with("1 person left: not open any more")), "{history:?}");
    assert!(history.iter().any(|line| line.starts_with("2 mentions were parted")), "{history:?}");
    // Whoever works on it reads why, in the case and by mail.
    let file = world.record().case(case).unwrap().unwrap();
    assert!(!file.case.status.is_ended());
    let noted = file.steps.iter().filter_map(|step| match &step.what {
        mentiond::model::Happening::Noted { text } => Some(text.as_str()),
        _ => None,
    });
    let noted: Vec<&str> = noted.collect();
    assert!(matches!(noted.as_slice(), [one] if one.contains("1 person is left in it")), "{noted:?}");
    world.once().await;
    let told = world.mails().into_iter().filter(|mail| mail.kind == "update" && mail.says("1 person is left in it"));
    assert_eq!(told.count(), 1, "{:?}", world.heard());
    // Two more people: it comes back, with the same case.
    hear(&world, 2, &logged_out()).await;
    let opened: Vec<_> = themes(&world).into_iter().filter(|row| row.theme.status == ThemeStatus::Open).collect();
    assert!(opened.iter().all(|row| row.people >= 3), "{opened:?}");
}

/// "Whether it is now, a to-do or a forward is the route's decision": of a theme that was found, too, by its number.
#[tokio::test]
async fn a_route_names_a_theme_that_was_found_by_its_number() {
    let world = world();
    let said = logged_out();
    hear(&world, 1, &said[..2]).await;
    let theme = themes(&world).into_iter().find(|row| row.people == 2).unwrap().theme.id;
    let before = world.mails().len();
    let world = world.toml(&format!("[[routes]]\nwhen = 'theme:#{theme}'\ndepartment = \"board\"\ncase = true\n"));
    let other = post(9, "Lis Krog", "The Acme shop sent me a broken chair, terrible quality.");
    hear(&world, 1, &[said[0].clone(), said[1].clone(), said[2].clone(), other.clone()]).await;
    let notices = |from: usize| -> Vec<Mail> {
        world.mails().split_off(from).into_iter().filter(|mail| mail.kind == "notice").collect()
    };
    let told = notices(before);
    assert_eq!(told.len(), 2);
    let of_theme = told.iter().find(|mail| mail.text.contains("logs me out")).unwrap();
    assert_eq!(of_theme.to, BOARD);
    assert!(of_theme.text.contains(&format!("because it belongs to theme {theme}")), "{}", of_theme.text);
    let of_other = told.iter().find(|mail| mail.text.contains("broken chair")).unwrap();
    assert_eq!(of_other.to, SUPPORT);
    assert!(!of_other.text.contains("because it belongs"), "{}", of_other.text);
    assert_eq!(themes(&world).iter().find(|row| row.theme.id == theme).unwrap().people, 3);

    // The route follows the theme into the one that it becomes part of.
    let into = themes(&world).into_iter().find(|row| row.theme.id != theme).unwrap().theme.id;
    act(&world, theme, ThemeAction::Merge { into }).await.unwrap();
    let before = world.mails().len();
    hear(&world, 1, &[said[3].clone(), other]).await;
    let told = notices(before);
    assert_eq!(told.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), [BOARD], "{told:?}");
    assert!(told[0].text.contains(&format!("because it belongs to theme {theme}")), "{}", told[0].text);
}
