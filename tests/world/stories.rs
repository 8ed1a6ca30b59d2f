//! From mention to mail: who gets what, and that nobody gets it twice.

use jiff::SignedDuration;

use crate::support::web::Reply;
use crate::support::world::{World, entry, rss};

const BRAND: &str = "brand@example.com";

fn broken() -> String {
    rss([
        entry("My Acme Corp toaster broke").id(1).link("https://forum.example/t/1").text(
            "The toaster stopped working after two days and support never answered. I am very disappointed. \
             Call me: +45 20 30 40 50, jens.hansen@example.org",
        ),
        entry("Weather").id(2).link("https://forum.example/t/2").text("It rains."),
    ])
}

#[tokio::test]
async fn the_subscriber_gets_one_alert_and_the_department_one_notice_with_reasons() {
    let world = World::new().feed("forum", broken()).watch("acme", "\"acme corp\"", BRAND).toml(
        "[departments.support]\nname = \"Customer Service\"\nemail = \"support@example.com\"\nrole = \"community\"\n\
             [departments.board]\nname = \"Management\"\nemail = \"board@example.com\"\nlanguage = \"es\"\n\
             [[routes]]\nwhen = 'watchlist:acme'\ndepartment = \"support\"\ncopy = [\"board\"]\ncase = true",
    );
    let round = world.once().await;
    assert_eq!((round.polled, round.entries, round.new_entries, round.mentions), (1, 2, 2, 1));
    assert_eq!((round.cases_opened, round.mail.queued, round.mail.sent), (1, 3, 3));

    let [alert] = &world.mails_to(BRAND)[..] else { panic!("one alert") };
    assert_eq!(alert.kind, "alert");
    assert!(!alert.text.contains("jens.hansen"), "whoever does not take care of it sees masks: {}", alert.text);
    let [notice] = &world.mails_to("support@example.com")[..] else { panic!("one notice") };
    assert!(notice.text.contains("jens.hansen@example.org"), "{}", notice.text);
    assert_eq!(notice.kind, "notice");
    for words in
        ["My Acme Corp toaster broke", "https://forum.example/t/1", "Why this mail", "route 1", "it says “", "Case 1"]
    {
        let place = format!("{}\n{}", notice.subject, notice.text);
        assert!(place.replace("routing rule 1", "route 1").contains(words), "{words}: {place}");
    }
    assert!(notice.html.contains("acme corp") || notice.html.contains("Acme Corp"), "{}", notice.html);

    let [copy] = &world.mails_to("board@example.com")[..] else { panic!("one copy") };
    assert_eq!(copy.kind, "copy");
    for secret in ["jens.hansen", "20 30 40 50"] {
        assert!(!copy.text.contains(secret) && !copy.html.contains(secret), "{secret}: {}", copy.text);
    }
    assert!(copy.text.contains("[correo 1]"), "masked in Spanish: {}", copy.text);
    assert_eq!(world.mentions()[0].case, Some(1));
}

#[tokio::test]
async fn who_is_subscriber_and_department_gets_one_mail_the_notice() {
    let world = World::new()
        .feed("forum", broken())
        .watch("acme", "acme", "Support@Example.com")
        .watch("toasters", "toaster", "support@example.com")
        .toml("[departments.support]\nname = \"Service\"\nemail = \"support@example.com\"\nrole = \"community\"");
    let round = world.once().await;
    assert_eq!(round.mentions, 1);
    assert_eq!(world.heard(), [("notice".to_owned(), "support@example.com".to_owned())]);
}

#[tokio::test]
async fn a_second_round_sends_nothing_and_asks_conditionally() {
    let etag = "W/\"odd, \\ but legal\"";
    let reply = Reply::ok(broken()).etag(etag).header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    let world = World::new().feed("forum", reply).watch("acme", "acme", BRAND);
    world.once().await;
    // Each round is a process of its own, so this is a restart too.
    let second = world.once().await;
    assert_eq!((second.polled, second.unchanged, second.new_entries), (1, 1, 0));
    assert_eq!((second.mail.queued, second.mail.sent, world.mails().len()), (0, 0, 1));
    let [first, again] = &world.visits("forum")[..] else { panic!("two requests") };
    assert_eq!(first.header("if-none-match"), None);
    assert_eq!(again.header_bytes("if-none-match"), Some(etag.as_bytes()));
    assert_eq!(again.header("if-modified-since").as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    world.once().await;
    assert_eq!(world.visits("forum")[2].header_bytes("if-none-match"), Some(etag.as_bytes()), "a 304 keeps them");
}

#[tokio::test]
async fn a_server_without_validators_is_read_again_and_yields_nothing_new() {
    let world = World::new().feed("forum", broken()).watch("acme", "acme", BRAND);
    world.once().await;
    let second = world.once().await;
    assert_eq!((second.unchanged, second.entries, second.new_entries, second.mentions), (0, 2, 0, 0));
    assert_eq!(world.mails().len(), 1);
}

#[tokio::test]
async fn a_link_from_two_sources_is_one_alert_that_says_where_else() {
    let story = |title| entry(title).text("All about it.");
    let world = World::new()
        .feed("news", rss([story("Acme fined").id(1).link("https://paper.example/acme?utm_source=rss")]))
        .watch("acme", "acme", BRAND)
        .mail("max_per_hour = 20");
    let relay_down = crate::support::smtp::Script::default().banner("421 4.3.2 closed");
    let world = world.relay_each(vec![relay_down, crate::support::smtp::Script::default()]);
    world.once().await;
    // The copy arrives while the alert waits, so the alert can name it.
    let world = world.feed("alerts", rss([story("ACME fined!").id("x").link("http://www.paper.example/acme/")]));
    world.pass(SignedDuration::from_mins(2));
    let second = world.once().await;
    assert_eq!((second.mentions, second.duplicates), (0, 1));
    let [alert] = &world.mails()[..] else { panic!("one alert: {:?}", world.heard()) };
    assert!(alert.text.contains("Also seen at") && alert.text.contains("- alerts · "), "{}", alert.text);
    let mentions = world.mentions();
    assert_eq!(mentions.iter().map(|m| (m.story, m.original)).collect::<Vec<_>>(), [(1, true), (1, false)]);
}

#[tokio::test]
async fn a_copy_is_news_to_who_watches_for_its_other_words() {
    let world = World::new()
        .feed("a", rss([entry("Acme").id(1).link("https://paper.example/1")]))
        .watch("acme", "acme", BRAND)
        .watch("bolt", "bolt", "bolt@example.com");
    world.once().await;
    let world = world.feed("b", rss([entry("Acme and Bolt").id(9).link("https://paper.example/1")]));
    world.once().await;
    let to: Vec<_> = world.heard().into_iter().map(|(_, to)| to).collect();
    assert_eq!(to, [BRAND, "bolt@example.com"]);
}

#[tokio::test]
async fn one_link_in_one_source_with_other_words_is_two_people() {
    let place = "https://apps.example/acme/reviews";
    let world = World::new()
        .feed(
            "reviews",
            rss([entry("Acme is great").id(1).link(place).text("Best blender I ever bought, quiet and quick.")]),
        )
        .watch("acme", "acme", BRAND);
    world.once().await;
    let other =
        entry("Acme ruined dinner").id(2).link(place).text("Smoke everywhere, kitchen full of soot, never again.");
    world.serve("reviews", rss([other]));
    let second = world.once().await;
    assert_eq!((second.mentions, second.duplicates), (1, 0));
    assert_eq!(world.mails_to(BRAND).len(), 2);
}

#[tokio::test]
async fn an_entry_twice_in_one_document_is_one() {
    let twice = || entry("Acme again").id(1).link("https://a.example/1");
    let world = World::new().feed("a", rss([twice(), twice()])).watch("acme", "acme", BRAND);
    let round = world.once().await;
    assert_eq!((round.entries, round.new_entries, round.mentions, world.mails().len()), (2, 1, 1, 1));
}

#[tokio::test]
async fn an_edited_entry_that_now_matches_is_one_alert() {
    let edited = |text| rss([entry("Bread makers").id(1).link("https://a.example/1").text(text)]);
    let world = World::new().feed("a", edited("Which one?")).watch("acme", "acme", BRAND);
    assert_eq!(world.once().await.mentions, 0);
    world.serve("a", edited("Which one? Edit: not the Acme."));
    let second = world.once().await;
    assert_eq!((second.new_entries, second.mentions, world.mails().len()), (0, 1, 1));
    world.serve("a", edited("Which one? Edit: not the Acme!"));
    let third = world.once().await;
    assert_eq!((third.mentions, third.duplicates, world.mails().len()), (0, 0, 1));
}

#[tokio::test]
async fn hazard_16_neither_id_nor_link_is_told_apart_by_content() {
    let feed = || rss([entry("Acme one").text("First."), entry("Acme two").text("Second.")]);
    let world = World::new().feed("a", feed()).watch("acme", "acme", BRAND);
    let first = world.once().await;
    assert_eq!((first.new_entries, first.mentions), (2, 2));
    let second = world.once().await;
    assert_eq!((second.unchanged, second.new_entries, second.mentions), (0, 0, 0));
    assert_eq!(world.mails().len(), 2);
}

#[tokio::test]
async fn hazard_17_one_id_for_all_keeps_all_and_tells() {
    let feed =
        || rss((1..=3).map(|n| entry(&format!("Acme story {n}")).id("same").link(&format!("https://a.example/{n}"))));
    let world = World::new().contact().feed("a", feed()).watch("acme", "acme", BRAND);
    assert_eq!(world.once().await.mentions, 3);
    assert_eq!(world.once().await.new_entries, 0);
    assert_eq!(world.mails_to(BRAND).len(), 3);
    let [trouble] = &world.mails_to("ops@example.com")[..] else { panic!("told once: {:?}", world.heard()) };
    assert!(trouble.kind == "trouble" && trouble.subject.contains("ids"), "{}", trouble.subject);
}

#[tokio::test]
async fn hazard_17_ids_regenerated_each_poll_are_one_alert_a_story() {
    let feed = |poll: u32| {
        rss((1..=4)
            .map(|n| entry(&format!("Acme {n}")).id(format!("{poll}-{n}")).link(&format!("https://a.example/{n}"))))
    };
    let world = World::new().contact().feed("a", feed(1)).watch("acme", "acme", BRAND);
    assert_eq!(world.once().await.mentions, 4);
    for poll in 2..5 {
        world.serve("a", feed(poll));
        let round = world.once().await;
        assert_eq!((round.new_entries, round.mentions), (0, 0), "poll {poll}");
    }
    assert_eq!((world.mails_to(BRAND).len(), world.mails_to("ops@example.com").len()), (4, 1), "{:?}", world.heard());
    assert_eq!(world.source("a").cursor.identify_by.as_deref(), Some("link"));
}

#[tokio::test]
async fn hazard_13_a_feed_whose_ids_all_change_floods_nobody() {
    let feed = |site: &str| {
        rss((1..=30).map(|n| {
            entry(&format!("Acme post number {n}")).id(format!("{site}/{n}")).link(&format!("https://blog.example/{n}"))
        }))
    };
    let world = World::new().contact().feed("a", feed("old")).watch("acme", "acme", BRAND).mail("max_per_hour = 1000");
    assert_eq!(world.once().await.mentions, 30);
    world.serve("a", feed("new"));
    let moved = world.once().await;
    assert_eq!((moved.mentions, world.mails_to(BRAND).len()), (0, 30));
    assert_eq!(world.mails_to("ops@example.com").len(), 1, "{:?}", world.heard());
}

#[tokio::test]
async fn hazard_18_an_old_entry_that_reappears_is_not_alerted_again() {
    let one = || entry("Acme one").id(1).link("https://a.example/1");
    let two = || entry("Acme two").id(2).link("https://a.example/2");
    let world = World::new().feed("a", rss([one(), two()])).watch("acme", "acme", BRAND);
    world.once().await;
    world.serve("a", rss([two()]));
    world.once().await;
    world.serve("a", rss([one(), two()]));
    assert_eq!(world.once().await.new_entries, 0);
    assert_eq!(world.mails().len(), 2);
}

#[tokio::test]
async fn hazard_24_a_title_with_line_breaks_makes_one_mail_to_one() {
    let title = "Acme\r\nBcc: evil@example.net\r\n\r\n.\r\nMAIL FROM:<evil@example.net>";
    let world = World::new()
        .feed("a", rss([entry(title).id(1).text(".\r\nRCPT TO:<evil@example.net>\r\nDATA\r\n.")]))
        .watch("acme", "acme", BRAND);
    world.once().await;
    let [mail] = &world.mails()[..] else { panic!("one mail") };
    assert_eq!(mail.to, BRAND);
    assert_eq!(world.relay.count("RCPT TO:"), 1);
    assert!(!String::from_utf8_lossy(&mail.raw).to_ascii_lowercase().contains("\nbcc:"));
}
