//! Thanks for praise, copies to who is praised, advice about refunds, and who sees what in an alert.

use jiff::SignedDuration;

use crate::support::world::{World, entry, rss};

const TEAMS: &str = r#"
[departments.care]
name = "Customer Service"
email = "care@example.com"
handles = ["praise", "refund", "unresolved", "complaint"]
members = [{ name = "Ana Ruiz", email = "ana@example.com" }, { name = "Ana Holm", email = "holm@example.com" }]
lead = "lead@example.com"

[departments.shop]
name = "Shop"
email = "shop@example.com"
members = [{ name = "Tom Berg", email = "tom@example.com" }]
"#;

fn praise(n: u32) -> crate::support::world::Entry {
    entry(&format!("Thank you number {n}"))
        .id(n)
        .link(&format!("https://forum.example.net/{n}"))
        .author("Mette Holm")
        .text(&format!(
            "I love Acme, absolutely fantastic machine, best purchase ever, thank you so much! {}",
            "x".repeat(n as usize)
        ))
}

#[tokio::test]
async fn praise_is_thanked_by_name_with_the_departments_perk_codes_used_once_each_and_never_twice() {
    let world = World::new()
        .contact()
        .feed("forum", rss([praise(1)]))
        .watch("acme", "acme", "brand@example.com")
        .toml(TEAMS)
        .toml("[perks.care]\ntext = \"a free coffee with the code {code}\"\ncodes = [\"BEAN-1\"]\ncodes_file = \"codes.txt\"");
    std::fs::write(world.folder().join("codes.txt"), "# coffee\n\nBEAN-2\nBEAN-1\n").unwrap();
    world.once().await;
    let first = world.mails_to("care@example.com").remove(0);
    assert!(first.says("Mette") && first.says("a free coffee with the code BEAN-1"), "{}", first.text);
    let all: String = world.mails().iter().filter(|m| m.to != "care@example.com").map(|m| m.text.clone()).collect();
    assert!(!all.contains("BEAN"), "only the owner has the code: {all}");

    // The next ones, and one too many: the notice says so, and the contact hears of it once.
    world.serve("forum", rss((1..=4).map(praise)));
    world.pass(SignedDuration::from_hours(1));
    world.once().await;
    let notices = world.mails_to("care@example.com");
    let with = |code: &str| notices.iter().filter(|m| m.says(code)).count();
    assert_eq!((notices.len(), with("BEAN-1"), with("BEAN-2")), (4, 1, 1));
    assert_eq!(notices.iter().filter(|m| m.says("No code of Customer Service is left")).count(), 2);
    let told = || world.mails_to("ops@example.com").into_iter().filter(|m| m.says("[perks.care]")).count();
    assert_eq!(told(), 1, "{:?}", world.heard());
    // New codes go on where the old ones ended.
    std::fs::write(world.folder().join("codes.txt"), "BEAN-2\nBEAN-3\n").unwrap();
    world.serve("forum", rss((1..=6).map(praise)));
    world.pass(SignedDuration::from_hours(1));
    world.once().await;
    let notices = world.mails_to("care@example.com");
    let with = |code: &str| notices.iter().filter(|m| m.says(code)).count();
    assert_eq!((with("BEAN-1"), with("BEAN-2"), with("BEAN-3")), (1, 1, 1));
    assert_eq!(told(), 2);
}

#[tokio::test]
async fn praise_is_copied_to_the_people_praised() {
    let thanks = |n: u32, text: &str| {
        entry("Thanks").id(n).link(&format!("https://forum.example.net/{n}")).author("Mette Holm").text(text)
    };
    let world = World::new()
        .feed(
            "forum",
            rss([
                thanks(1, "I love Acme, thank you so much, Tom Berg was fantastic, call me on +45 20 30 40 50"),
                thanks(2, "Acme is wonderful, I love it, best service ever. Ana was so kind!"),
                thanks(3, "Great, I love Acme! Ana from Customer Service was wonderful and so friendly, thank you"),
            ]),
        )
        .watch("acme", "acme", "brand@example.com")
        .toml(TEAMS);
    world.once().await;
    let tom = world.mails_to("tom@example.com");
    assert_eq!(tom.len(), 1, "{:?}", world.heard());
    assert!(tom[0].kind == "copy" && tom[0].says("praise that names you") && tom[0].says("you are named in it"));
    assert!(!tom[0].says("20 30 40 50") && !tom[0].says("Mette"), "{}", tom[0].text);
    // A first name alone is nobody in particular; with the department it is everybody of that name there.
    for ana in ["ana@example.com", "holm@example.com"] {
        assert_eq!(world.mails_to(ana).len(), 1, "{:?}", world.heard());
    }
}

#[tokio::test]
async fn the_notice_says_whether_a_refund_is_recommended_by_configurable_conditions_and_never_promises() {
    let ask = |n: u32, why: &str| {
        entry("Refund")
            .id(n)
            .link(&format!("https://forum.example.net/{n}"))
            .author(&format!("Mette Holm {n}"))
            .text(&format!("Acme, I want my money back, give me a refund: {why}"))
    };
    let world = World::new()
        .feed(
            "forum",
            rss([
                ask(1, "it arrived broken in pieces"),
                ask(2, "I changed my mind about colours"),
                ask(3, "reasons of my own here"),
            ]),
        )
        .watch("acme", "acme", "brand@example.com")
        .toml(TEAMS)
        .toml(
            "[[refunds]]\nwhen = 'broken OR damaged'\nrecommend = true\nwhy = \"it arrived broken\"\n\
             [[refunds]]\nwhen = '\"changed my mind\"'\nrecommend = false\nwhy = \"opened goods are not taken back\"",
        );
    world.once().await;
    let notices = world.mails_to("care@example.com");
    let with = |words: &str| notices.iter().filter(|m| m.says(words)).count();
    assert_eq!(notices.len(), 3, "{:?}", world.heard());
    assert_eq!(with("Recommended: it arrived broken"), 1, "{}", notices[0].text);
    assert_eq!(with("Not recommended: opened goods are not taken back"), 1);
    assert_eq!(with("No condition of the configuration fits"), 1);
    assert_eq!(with("not a promise to the customer"), 3);
    let alerts = world.mails_to("brand@example.com");
    assert!(alerts.iter().all(|m| !m.says("ecommended")), "only the owner is advised");
}

#[tokio::test]
async fn alerts_are_masked_unless_the_watchlist_says_full_or_the_reader_takes_care_of_it() {
    let post = |n: u32| {
        entry(&format!("Acme lost it {n}")).id(n).link(&format!("https://forum.example.net/p/{n}")).author(&format!("Mette Holm{n}")).text(
            &format!("Acme is terrible, complaint number {n}, call me (on +45 20 30 40 5{n}) or write to mette{n}@example.org"),
        )
    };
    let world = |full: &str| {
        World::new().feed("forum", rss((1..=3).map(post))).mail("max_per_hour = 2").toml(TEAMS).toml(&format!(
            "[watchlists.acme]\nquery = 'acme'\nalert = [\"brand@example.com\", \"lead@example.com\"]\n{full}"
        ))
    };
    let seen = async |world: World, to: &str| {
        for _ in 0..3 {
            world.once().await;
            world.pass(SignedDuration::from_mins(61));
        }
        let mails = world.mails_to(to);
        assert!(
            mails.iter().any(|m| m.kind == "alert") && mails.iter().any(|m| m.kind == "bundle"),
            "{:?}",
            world.heard()
        );
        mails.iter().filter(|m| m.says("Mette Holm") || m.says("20 30 40 5") || m.says("@example.org")).count()
    };
    assert_eq!(seen(world(""), "brand@example.com").await, 0);
    assert!(seen(world("full = true"), "brand@example.com").await > 0);
    // The lead belongs to the department that takes care of it.
    assert!(seen(world(""), "lead@example.com").await > 0);
    let masked = world("");
    masked.once().await;
    let alert = masked.mails_to("brand@example.com").remove(0);
    assert!(alert.says("Personal data is masked in this mail"), "{}", alert.text);
    assert!(alert.says("call me (on [phone"), "the bracket stays where it was: {}", alert.text);
}

#[tokio::test]
async fn a_retried_letter_about_a_case_goes_to_the_address_that_the_department_has_now() {
    use crate::support::smtp::{Script, SmtpServer};
    let complaint =
        entry("Acme").id(1).author("Jens").text("Terrible service from Acme, third time I complain, broken again");
    let teams = |address: &str| {
        format!(
            "[departments.care]\nemail = \"{address}\"\nhandles = [\"complaint\", \"unresolved\", \"technical\"]\nacknowledge_within = \"1h\""
        )
    };
    let folder = World::new().feed("forum", rss([complaint])).watch("acme", "acme", "brand@example.com");
    let mut world = folder.toml(&teams("old@example.com"));
    world.once().await;
    world.relay = SmtpServer::start(Script::default().answer("RCPT", "550 5.1.1 no such user"));
    world.pass(SignedDuration::from_hours(2));
    world.once().await;
    let failed: Vec<_> =
        world.outbox().into_iter().filter(|m| m.status == "failed").map(|m| (m.kind, m.recipient)).collect();
    assert_eq!(failed, [("reminder".to_owned(), "old@example.com".to_owned())]);
    let text = world.config_text().replace("old@example.com", "new@example.com");
    world.relay = SmtpServer::start(Script::default());
    let text = text
        .lines()
        .map(|l| if l.starts_with("port = ") { format!("port = {}", world.relay.port()) } else { l.into() });
    let text = text.collect::<Vec<_>>().join("\n");
    let world = world.with_text(text);
    let opened = mentiond::daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let departments = world.engine().config.department_addresses();
    opened.store.record().retry(None, None, departments, world.clock.now()).await.unwrap();
    opened.store.close().await;
    world.once().await;
    assert!(world.heard().contains(&("reminder".into(), "new@example.com".into())), "{:?}", world.heard());
}

#[tokio::test]
async fn a_padded_complaint_is_never_paid_with_a_perk() {
    let glad = "I love Acme! Best machine ever. Thank you so much, wonderful people. ";
    let grim = "The charger caught fire and burned my daughter's hand, I want my money back. ";
    let padded = [
        format!("{}Acme: {grim}{}", glad.repeat(8), glad.repeat(8)),
        format!("Acme {grim}{}", "wonderful ".repeat(40_000)),
        format!("Acme {}{grim}", "love it, thank you, fantastic Acme! ".repeat(1_500)),
        format!("{glad}{}", "thank you Acme, lovely ".repeat(60)),
    ];
    let entries = padded.iter().enumerate().map(|(n, text)| {
        let link = format!("https://forum.example.net/padded/{n}");
        entry(&format!("Thank you {n}")).id(format!("p{n}")).link(&link).author(&format!("Eva {n}")).text(text)
    });
    let world = World::new()
        .feed("forum", rss(entries))
        .watch("acme", "acme", "brand@example.com")
        .toml(TEAMS)
        .toml("[perks.care]\ntext = \"a free coffee with the code {code}\"\ncodes = [\"BEAN-1\"]");
    world.once().await;
    let mails = world.mails();
    assert!(mails.iter().all(|m| !m.says("BEAN") && !m.says("a free coffee")), "{:?}", world.heard());
    let taken_for_praise: Vec<_> =
        world.mentions().into_iter().filter(|row| row.mention.classification.category.as_str() == "praise").collect();
    assert!(!taken_for_praise.is_empty(), "what is padded enough is taken for praise");
    let asked = world.mails_to("care@example.com").iter().filter(|m| m.says("Not offered yet")).count();
    assert_eq!(asked, taken_for_praise.len(), "the owner is asked to read it first: {:?}", world.heard());

    // The code is there for whoever means it.
    world.serve("forum", rss([praise(1)]));
    world.pass(SignedDuration::from_hours(1));
    world.once().await;
    assert_eq!(world.mails_to("care@example.com").iter().filter(|m| m.says("the code BEAN-1")).count(), 1);
}

#[tokio::test]
async fn the_copy_to_the_people_praised_reaches_them_once_whatever_else_they_get() {
    let thanks = entry("Thanks")
        .id(1)
        .link("https://forum.example.net/1")
        .author("Mette Holm")
        .text("I love Acme, thank you so much, Tom Berg was fantastic!");
    let world = World::new()
        .feed("forum", rss([thanks.clone()]))
        // Tom asked for all mentions, and praise waits for the digest.
        .watch("acme", "acme", "tom@example.com")
        .toml(&TEAMS.replace("handles = [\"praise\", ", "digest = \"daily 09:00\"\nhandles = [\"praise\", "))
        .toml("[[routes]]\nwhen = 'category:praise'\ndepartment = \"care\"\ndeliver = \"digest\"");
    world.once().await;
    let kinds: Vec<_> = world.mails_to("tom@example.com").into_iter().map(|m| m.kind).collect();
    assert_eq!(kinds.iter().filter(|k| *k == "alert").count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|k| *k == "copy").count(), 1, "{kinds:?}");
    let copy = world.mails_to("tom@example.com").into_iter().find(|m| m.kind == "copy").unwrap();
    assert!(copy.says("praise that names you") && !copy.says("Mette"), "{}", copy.text);
    assert!(world.mails_to("care@example.com").is_empty(), "the department waits for its digest");
    // Found again, and elsewhere: he knows.
    let world = world.feed("mirror", rss([thanks.link("https://mirror.example.net/1")]));
    world.pass(SignedDuration::from_hours(1));
    world.once().await;
    assert_eq!(world.mails_to("tom@example.com").iter().filter(|m| m.kind == "copy").count(), 1);
}
