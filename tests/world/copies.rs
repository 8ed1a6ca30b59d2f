//! One story, one alert, however many places carry it; two people are two, whatever they say.

use jiff::SignedDuration;

use crate::support::world::{Entry, World, entry, rss};

const BRAND: &str = "brand@example.com";

const ARTICLE: &str = "The court of Aarhus has fined the maker of kitchen machines Acme three million kroner because it went on \
    selling toasters whose heating wires could set fire to the bread and to the kitchen. The company knew of forty cases when \
    it decided, in a meeting whose minutes were read out, to sell what was left in the stores. A spokesman said that the \
    company regrets the matter and will exchange every toaster free of charge until Easter.";

fn article(site: &str, title: &str, text: &str) -> Entry {
    entry(title).id(format!("{site}-1")).link(&format!("https://{site}.example/news/1")).text(text)
}

fn world() -> World {
    World::new().watch("acme", "acme", BRAND)
}

fn cut(share: usize) -> String {
    let words: Vec<&str> = ARTICLE.split(' ').collect();
    words[..words.len() * share / 100].join(" ")
}

#[tokio::test]
async fn the_same_text_at_other_links_is_one_alert() {
    let world = world().feed("a", rss([article("a", "Acme fined", ARTICLE)]));
    world.once().await;
    let world = world
        .feed("b", rss([article("b", "Toasters on fire: court acts against Acme", &format!("(Agency) {ARTICLE}"))]))
        .feed("c", rss([article("c", "Dom i Aarhus om Acme", &cut(60))]));
    let second = world.once().await;
    assert_eq!((second.mentions, second.duplicates, world.mails().len()), (0, 2, 1));
    let stories: Vec<_> = world.mentions().iter().map(|m| (m.story, m.original)).collect();
    assert_eq!(stories, [(1, true), (1, false), (1, false)]);
    let also = world.record().also_seen(1, 1).unwrap();
    assert_eq!(also.iter().map(|s| s.url.as_deref().unwrap()).collect::<Vec<_>>().len(), 2);
}

#[tokio::test]
async fn the_same_text_from_many_sources_at_once_is_one_alert() {
    let mut world = world();
    for n in 0..12 {
        let site = format!("s{n}");
        world = world.feed(&site, rss([article(&site, &format!("Headline {n} on Acme"), ARTICLE)]));
    }
    let round = world.once().await;
    assert_eq!((round.mentions, round.duplicates), (1, 11));
    // One about the story, and one because ten places carry it.
    let mails = world.mails_to(BRAND);
    assert_eq!(mails.len(), 2, "{:?}", world.heard());
}

#[tokio::test]
async fn a_story_that_spreads_is_told_once_more_in_its_thread() {
    let mut world = world().toml("[stories]\nspreading_at = 3");
    for site in ["a", "b"] {
        world = world.feed(site, rss([article(site, "Acme fined", ARTICLE)]));
    }
    world.once().await;
    assert_eq!(world.mails_to(BRAND).len(), 1);
    for site in ["c", "d", "e"] {
        world = world.feed(site, rss([article(site, "Acme fined", ARTICLE)]));
        world.once().await;
    }
    let [first, spreading] = &world.mails_to(BRAND)[..] else { panic!("{:?}", world.heard()) };
    assert!(spreading.subject.contains("spreading"), "{}", spreading.subject);
    assert!(spreading.text.contains("3 places"), "{}", spreading.text);
    let thread = |raw: &[u8]| {
        let raw = String::from_utf8_lossy(raw).into_owned();
        raw.lines().find(|l| l.starts_with("References:")).map(str::to_owned)
    };
    assert!(thread(&first.raw).is_some());
    assert_eq!(thread(&first.raw), thread(&spreading.raw));
}

#[tokio::test]
async fn two_people_who_say_the_same_short_thing_are_two_mentions() {
    let said = "My Acme toaster broke again and nobody answers.";
    let post = |n: u32, who: &str| entry(said).id(n).link(&format!("https://a.example/{n}")).text(said).author(who);
    let world =
        world().feed("a", rss([post(1, "Ana Ruiz"), post(2, "Tom Berg")])).feed("b", rss([post(3, "Eva Holm")]));
    assert_eq!(world.once().await.mentions, 3);
    assert_eq!(world.mails_to(BRAND).len(), 3);
}

#[tokio::test]
async fn one_author_on_two_networks_and_a_repost_are_one() {
    let said = "My Acme toaster broke again and nobody answers.";
    let world = world().feed("a", rss([entry("").id(1).link("https://a.example/1").text(said).author("@anaruiz")]));
    assert_eq!(world.once().await.mentions, 1);
    let world = world.feed(
        "b",
        rss([
            entry("").id(2).link("https://b.example/2").text(&format!("{said} #acme")).author("Ana Ruiz"),
            entry("").id(3).link("https://b.example/3").text(&format!("RT @anaruiz: {said}")).author("Tom Berg"),
            entry("")
                .id(4)
                .link("https://b.example/4")
                .text(&format!(
                    "Mine caught fire last year and burnt my kitchen, and they never paid. RT @anaruiz: {said}"
                ))
                .author("Eva Holm"),
        ]),
    );
    let second = world.once().await;
    assert_eq!((second.mentions, second.duplicates, world.mails_to(BRAND).len()), (1, 2, 2));
}

#[tokio::test]
async fn who_quotes_an_article_to_speak_of_themselves_is_another_person() {
    let world = world().feed("a", rss([article("a", "Acme fined", ARTICLE)]));
    world.once().await;
    let own = format!(
        "{ARTICLE} That is what happened to me. My own kitchen burnt down in May and I never got an answer from them."
    );
    let world = world.feed("b", rss([article("b", "Acme and me", &own)]));
    let second = world.once().await;
    assert_eq!((second.mentions, second.duplicates), (1, 0));
}

#[tokio::test]
async fn a_story_grows_for_its_window_only() {
    let world = world().feed("a", rss([article("a", "Acme fined", ARTICLE)]));
    world.once().await;
    world.pass(SignedDuration::from_hours(6 * 24));
    let world = world.feed("b", rss([article("b", "Acme fined", ARTICLE)]));
    assert_eq!(world.once().await.duplicates, 1);
    world.pass(SignedDuration::from_hours(2 * 24));
    let world = world.feed("c", rss([article("c", "Acme fined", ARTICLE)]));
    let third = world.once().await;
    assert_eq!((third.mentions, third.duplicates), (1, 0), "eight days after it began");
    // And the new story takes in its own copies.
    let world = world.feed("d", rss([article("d", "Acme fined", ARTICLE)]));
    assert_eq!(world.once().await.duplicates, 1);
}

#[tokio::test]
async fn hazard_39_copies_are_known_after_the_index_is_lost() {
    let world = world().feed("a", rss([article("a", "Acme fined", ARTICLE)]));
    world.once().await;
    std::fs::remove_dir_all(world.state().join("seen")).unwrap();
    let world = world.feed("b", rss([article("b", "Another headline", ARTICLE)]));
    let second = world.once().await;
    assert_eq!((second.mentions, second.duplicates, world.mails().len()), (0, 1, 1));
}

#[tokio::test]
async fn several_press_reports_of_one_event_are_one_alert() {
    let news = |id: u32, site: &str, title: &str, text: &str| {
        entry(title).site(site).id(id).link(&format!("https://{site}.example/{id}")).text(text)
    };
    let world = world().feed(
        "news",
        rss([news(1, "morgenpost", "Acme fined 3 million kroner over toaster fires",
            "The court of Aarhus fined the maker of kitchen machines on Tuesday because it went on selling toasters that could burn.")]),
    );
    assert_eq!(world.once().await.mentions, 1);
    assert_eq!(world.mentions()[0].mention.entry.site.as_deref(), Some("morgenpost"), "the feed says where it is from");
    let world = world.feed(
        "alerts",
        rss([
            news(2, "dagbladet", "Toaster fires: court makes Acme pay 3m",
                "Judges in Aarhus have ordered Acme to pay 3 million kroner for selling toasters that set kitchens on fire."),
            news(3, "handelsblad", "Acme opens its first shop in Lisbon",
                "The Danish maker of kitchen machines opens a shop of 400 square metres on Avenida da Liberdade in September."),
        ]),
    );
    let second = world.once().await;
    assert_eq!((second.mentions, second.duplicates), (1, 1), "{:?}", world.heard());
}

#[tokio::test]
async fn an_edit_that_makes_it_worse_is_told_again_and_keeps_what_was_said() {
    let post = |text: &str| rss([entry("Acme toaster").id(1).link("https://a.example/1").text(text)]);
    let world = world().feed("a", post("The toaster of Acme is a bit slow. I wonder whether that is normal."));
    assert_eq!(world.once().await.mentions, 1);
    let before = world.mentions()[0].mention.classification.severity;
    world.serve("a", post("The toaster of Acme is a little slow. I wonder whether that is normal."));
    world.once().await;
    assert_eq!(world.mails_to(BRAND).len(), 1, "a mended word is no news");
    world.serve("a", post("The toaster of Acme caught fire and burnt my daughter's hand. I will sue them in court."));
    world.once().await;
    let mention = &world.mentions()[0].mention;
    assert!(mention.classification.severity > before, "{:?}", mention.classification.severity);
    let [_, again] = &world.mails_to(BRAND)[..] else { panic!("{:?}", world.heard()) };
    assert!(again.subject.contains("edited") && again.text.contains("more serious now"), "{}", again.subject);
    assert!(String::from_utf8_lossy(&again.raw).contains("In-Reply-To: <story-1."));
    let versions = world.record().versions(mention.id).unwrap();
    let said: Vec<&str> = versions.iter().map(|v| v.mention.entry.text.as_str()).collect();
    assert!(said[0].contains("a bit slow") && said[1].contains("a little slow") && said.len() == 2, "{said:?}");
    world.serve("a", post("The toaster of Acme caught fire and burnt my daughter's hand! I will sue them in court."));
    world.once().await;
    assert_eq!(world.mails_to(BRAND).len(), 2);
}

#[tokio::test]
async fn an_edit_that_makes_a_new_match_is_told_to_who_watches_for_it() {
    let post = |text: &str| rss([entry("Mixers").id(1).link("https://a.example/1").text(text)]);
    let world = world()
        .watch("bolt", "bolt", BRAND)
        .watch("crank", "crank", "crank@example.com")
        .feed("a", post("The mixer of Acme."));
    world.once().await;
    world.serve("a", post("The mixer of Acme. Better than the one of Bolt, and than the one of Crank."));
    world.once().await;
    let [_, again] = &world.mails_to(BRAND)[..] else { panic!("{:?}", world.heard()) };
    assert!(again.subject.contains("edited"), "{}", again.subject);
    let [first] = &world.mails_to("crank@example.com")[..] else { panic!("{:?}", world.heard()) };
    assert!(!first.subject.contains("edited"), "it is the first that they hear of it: {}", first.subject);
}

#[tokio::test]
async fn what_is_forgotten_by_age_repeats_no_alert() {
    let world = world().feed("a", rss([article("a", "Acme fined", ARTICLE)]));
    world.once().await;
    world.pass(SignedDuration::from_hours(24 * 500));
    let daemon = mentiond::daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let engine = world.engine();
    assert!(daemon.forget(&engine).await.unwrap() > 16, "the link, the text's hashes, its fingerprint");
    assert_eq!(daemon.forget(&engine).await.unwrap(), 0);
    daemon.store.close().await;
    let world = world.feed("b", rss([article("a", "Acme fined", ARTICLE)]));
    let second = world.once().await;
    assert_eq!((second.mentions, second.duplicates, world.mails().len()), (0, 1, 1), "the record knows the link");
}

#[tokio::test]
async fn one_text_below_every_headline_of_a_site_is_no_copy() {
    let world = world().feed(
        "a",
        rss((1..=5)
            .map(|n| entry(&format!("Acme story {n}")).id(n).link(&format!("https://a.example/{n}")).text(ARTICLE))),
    );
    assert_eq!(world.once().await.mentions, 5);
}
