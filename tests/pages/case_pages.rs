//! "inbox of mentions with filters in the query language, a mention with its reasons, cases by department with clocks,
//! one case with history and actions, sources with their health."

use jiff::SignedDuration;
use mentiond::model::CaseStatus;

use crate::client::*;
use crate::support::web::Reply;
use crate::support::world::{entry, rss, until};

#[tokio::test]
async fn the_inbox_is_filtered_in_the_query_language() {
    let (world, _) = world("en");
    let posts = rss([
        entry("Acme broke my chair")
            .id(1)
            .author("Maria Lopez")
            .text("My Acme chair broke, terrible service, I want my money back!"),
        entry("I love Acme").id(2).text("Thank you Acme, the best chairs in the world, wonderful people!"),
    ]);
    let world = world.feed("forum", posts);
    let daemon = world.run();
    until("both mentions", || world.mentions().len() == 2).await;
    let ana = Person::sign_in(&world, &daemon, ANA).await;
    ana.get("/mentions").await.says("Acme broke my chair").says("I love Acme").says("href=\"/mentions/1\"");
    let only = |query: &str| format!("/mentions?q={}", query.replace(':', "%3A").replace(' ', "+").replace('"', "%22"));
    ana.get(&only("category:praise")).await.says("I love Acme").lacks("Acme broke my chair");
    ana.get(&only("chair -love")).await.says("Acme broke my chair").lacks("I love Acme");
    ana.get(&only("author:maria")).await.says("Acme broke my chair").lacks("I love Acme");
    ana.get(&only("zebra")).await.says("No mention matches this filter.");
    // Mistakes with their place, and a way out.
    let wrong = ana.get(&only("chair categry:praise")).await;
    assert_eq!(wrong.status, 422);
    wrong
        .says("chair categry:praise\n      ^^^")
        .says("role=\"alert\"")
        .says("category")
        .says("value=\"chair categry:praise\"");
    assert_eq!(ana.get(&only(&"x ".repeat(1_500))).await.status, 422);
    assert_eq!(ana.get(&only("\"never closed")).await.status, 422);

    // What the links of digests ask for: a time, and who has it or a copy.
    let day = "from=2026-01-01T00%3A00%3A00Z&until=2100-01-01T00%3A00%3A00Z";
    let of = |rest: &str| format!("/mentions?{rest}");
    ana.get(&of(day)).await.says("Acme broke my chair").says("I love Acme").says("name=\"until\" value=\"2100-");
    ana.get(&of("until=2026-01-01T00%3A00%3A00Z")).await.says("No mention matches").says("Show all mentions");
    ana.get(&of(&format!("q=category%3Apraise&{day}"))).await.says("I love Acme").lacks("Acme broke my chair");
    let support = ana.get(&of(&format!("department=support&{day}"))).await;
    support.says("Acme broke my chair").says("For Customer Service.");
    for (wrong, says) in [
        ("department=suport", "did you mean `support`?"),
        ("from=yesterday", "write it like 2026-03-02T08:00:00Z"),
        ("until=%00", "`until` is no moment"),
    ] {
        let answer = ana.get(&of(wrong)).await;
        assert_eq!(answer.status, 422, "{wrong}");
        answer.says(says).lacks("Acme broke my chair");
    }

    // Another department sees no names, and cannot ask for them.
    let liv = Person::sign_in(&world, &daemon, LIV).await;
    liv.get("/mentions").await.says("broke my chair").lacks("Maria");
    liv.get(&only("author:maria")).await.says("No mention matches");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_inbox_has_pages() {
    let (world, _) = world("en");
    let posts = rss((1..=60).map(|n| {
        entry(&format!("Acme number {n} of many {}", "abcdefghij".repeat(n % 7 + 1)))
            .id(n)
            .link(&format!("https://forum.example/{n}"))
    }));
    let world = world.feed("forum", posts);
    let daemon = world.run();
    until("all mentions", || world.mentions().len() == 60).await;
    let ana = Person::sign_in(&world, &daemon, ANA).await;
    let (mut path, mut seen) = ("/mentions?copies=1".to_owned(), Vec::new());
    for _ in 0..4 {
        let page = ana.get(&path).await;
        let ids = page
            .body
            .split("<h2><a href=\"/mentions/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse::<i64>().unwrap());
        seen.extend(ids);
        let Some(next) = page.body.split("href=\"/mentions?").find(|rest| rest.contains(">Older<")) else { break };
        path = format!("/mentions?{}", next.split('"').next().unwrap().replace("&amp;", "&"));
    }
    assert_eq!(seen, (1..=60).rev().collect::<Vec<_>>());
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_mention_says_why() {
    let (world, _) = world("en");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    notice_links(&world, ANA).await;
    let ana = Person::sign_in(&world, &daemon, ANA).await;
    let page = ana.get("/mentions/1").await;
    let notice = world.mails_to(ANA).into_iter().find(|m| m.kind == "notice").unwrap();
    // The same reasons in the mail and on the page.
    for line in notice.text.lines().filter(|l| l.starts_with("- ") && l.contains(": ") && l.contains(" – ")) {
        let (label, rest) = line[2..].split_once(": ").unwrap();
        let (value, because) = rest.split_once(" – ").unwrap();
        page.says(&format!("<dt>{label}</dt>")).says(&format!("<strong>{value}</strong>"));
        page.says(because.split("; ").next().unwrap());
    }
    page.says("Why it was decided this way").says("+34 612 345 678").says("Suggested reply").says("href=\"/cases/1\"");
    page.says("<mark>Acme</mark>");
    let address = notice.text.lines().find(|l| l.contains("/mentions/1")).unwrap();
    assert!(address.ends_with("/mentions/1"));
    for none in ["/mentions/2", "/mentions/x", "/mentions/-1", "/cases/99", "/nothing", "/mentions/9999999999999999999"]
    {
        assert_eq!(ana.get(none).await.status, 404, "{none}");
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_case_shows_its_clocks_and_history_and_is_acted_on() {
    let (world, _) = world("en");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    notice_links(&world, ANA).await;
    let ana = Person::sign_in(&world, &daemon, ANA).await;
    ana.get("/cases")
        .await
        .says("Customer Service")
        .says("Case 1: Acme broke my chair")
        .says("To be taken by")
        .says("To be answered by");
    ana.get("/cases?department=shop").await.says("No case is open.");
    ana.get("/cases?overdue=1").await.says("No case is overdue.");
    let page = ana.get("/cases/1").await;
    page.says("With Ana Ruiz, Customer Service")
        .says("Opened, for Ana Ruiz")
        .says("<textarea id=\"draft\"")
        .says("I take it");
    let form = page.field("form");
    let act = |rest: &str| format!("form={form}&{rest}");

    // Without the mark of the session nothing is done: another site could send this form too.
    for forged in ["deed=acknowledge", "form=&deed=acknowledge", "form=x&deed=acknowledge"] {
        assert_eq!(ana.post("/cases/1", forged).await.status, 403);
    }
    let tom = Person::sign_in(&world, &daemon, "tom@example.com").await;
    assert_eq!(tom.post("/cases/1", &act("deed=acknowledge")).await.status, 403, "another session's mark");
    let status = || world.record().case(1).unwrap().unwrap().case.status;
    assert_eq!(status(), CaseStatus::Open);

    assert_eq!(ana.post("/cases/1", &act("deed=acknowledge")).await.status, 303);
    assert_eq!(status(), CaseStatus::Acknowledged);
    ana.get("/cases/1?done=1").await.says("Done.").says("Taken (Ana Ruiz)");
    for (wrong, says) in [
        ("deed=acknowledge", "Somebody was faster"),
        ("deed=dismiss&reason=", "Say why"),
        ("deed=assign", "Choose a department"),
        ("deed=assign&to=nowhere", "not known"),
        ("deed=reopen&reason=x", "has not ended"),
        ("deed=unsatisfied", "not answered yet"),
        ("deed=explode", "not known"),
    ] {
        let answer = ana.post("/cases/1", &act(wrong)).await;
        assert_eq!(answer.status, 409, "{wrong}");
        answer.says(says).says("role=\"alert\"");
    }
    assert_eq!(ana.post("/cases/1", &act("deed=answer")).await.status, 303);
    assert_eq!(ana.post("/cases/1", &act("deed=satisfied")).await.status, 303);
    assert_eq!(status(), CaseStatus::Closed);
    ana.get("/cases").await.says("No case is open.");
    ana.get("/cases?all=1").await.says("Closed, customer satisfied");
    assert_eq!(ana.post("/cases/1", &act("deed=reopen&reason=they+called")).await.status, 303);
    ana.get("/cases/1").await.says("Opened again: they called");

    // Late.
    world.pass(SignedDuration::from_hours(24 * 6));
    ana.get("/cases").await.says("Nobody took it by").says("class=\"small late\"");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn other_departments_see_the_case_but_nobodys_data() {
    let (world, _) = world("en");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    notice_links(&world, ANA).await;
    let liv = Person::sign_in(&world, &daemon, LIV).await;
    for path in ["/cases", "/cases/1", "/mentions", "/mentions/1"] {
        let page = liv.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        page.says("chair");
        for secret in ["Maria", "Lopez", "lopez", "612 345", "maria-lopez"] {
            page.lacks(secret);
        }
    }
    let page = liv.get("/cases/1").await;
    page.says("personal data is masked").lacks("<textarea").lacks("deed");
    let form = page.field("form");
    assert_eq!(liv.post("/cases/1", &format!("form={form}&deed=acknowledge")).await.status, 404);
    let community = Person::sign_in(&world, &daemon, "community@example.com").await;
    community.get("/cases/1").await.says("Maria Lopez");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_complaint_about_staff_is_there_for_the_lead_alone() {
    let (world, _) = world("en");
    let post = entry("Rude at Acme").id(1).link("https://forum.example/9").author("Maria Lopez").text(
        "The employee Ana Ruiz at Acme was incredibly rude to me, she insulted me and hung up. I want to complain about this employee.",
    );
    let world = world.feed("forum", rss([post]));
    let daemon = world.run();
    until("the mention", || world.mentions().len() == 1).await;
    let decision = world.mentions().remove(0).mention.decision;
    assert!(decision.is_kept_from(ANA), "{decision:?}");
    for email in [ANA, LIV, "tom@example.com"] {
        let person = Person::sign_in(&world, &daemon, email).await;
        for path in ["/mentions", "/cases", "/cases?all=1", "/mentions?q=rude"] {
            person.get(path).await.lacks("Rude").lacks("insulted");
        }
        assert_eq!(person.get("/mentions/1").await.status, 404, "{email}");
        assert_eq!(person.get("/cases/1").await.status, 404, "{email}");
    }
    let lead = Person::sign_in(&world, &daemon, "lead@example.com").await;
    lead.get("/cases/1").await.says("Rude at").says("Maria Lopez");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn sources_tell_how_long_they_were_not_heard() {
    let (world, _) = world("en");
    let world = world.feed("forum", complaint()).feed("down", Reply::status(500));
    let daemon = world.run();
    until("both polls", || world.record().source_states().unwrap().len() == 2).await;
    let ana = Person::sign_in(&world, &daemon, ANA).await;
    world.pass(SignedDuration::from_hours(5));
    let page = ana.get("/sources").await;
    page.says("failing").says("Blind for 5.0 hours in all.").says("Last heard").says("heard</span>").says("500");
    assert!(page.body.find(">down ").unwrap() < page.body.find(">forum ").unwrap(), "what needs somebody comes first");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_reload_changes_the_pages() {
    let (world, _) = world("en");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    notice_links(&world, ANA).await;
    let ana = Person::sign_in(&world, &daemon, ANA).await;
    ana.get("/cases").await.says("Customer Service");
    let text = world
        .config_text()
        .replace("Customer Service", "Kundeservice")
        .replace("language = \"en\"", "language = \"da\"");
    std::fs::write(world.folder().join("mentiond.toml"), text).unwrap();
    daemon.reload.send(()).await.unwrap();
    let mut page = ana.get("/cases").await;
    for _ in 0..400 {
        if page.body.contains("Kundeservice") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        page = ana.get("/cases").await;
    }
    page.says("Kundeservice").says("lang=\"da\"").says("Sag 1:");
    daemon.stop().await.unwrap();
}

/// Every page in every language: no template may lack a word.
#[tokio::test]
async fn every_page_speaks_every_language() {
    for (language, mentions, nothing) in [
        ("en", "Mentions", "There is nothing here"),
        ("es", "Menciones", "Aquí no hay nada"),
        ("pt", "Menções", "Não há nada aqui"),
        ("da", "Omtaler", "Her er ikke noget"),
    ] {
        let (world, at) = world(language);
        let world = world.feed("forum", complaint()).feed("down", Reply::status(500));
        let daemon = world.run();
        let links = notice_links(&world, ANA).await;
        let ana = Person::sign_in(&world, &daemon, ANA).await;
        for path in [
            "/mentions",
            "/mentions?q=zebra",
            "/mentions/1",
            "/cases",
            "/cases/1",
            "/cases/1?done=1",
            "/sources",
            "/themes?all=1",
            "/themes/1",
        ] {
            let page = ana.get(path).await;
            assert_eq!(page.status, 200, "{language} {path}");
            page.says(mentions).says(&format!("lang=\"{language}\""));
        }
        for link in &links {
            assert_eq!(Person::stranger(at).get(link).await.status, 200, "{language} {link}");
        }
        for (path, status) in [("/sign-in", 200), ("/act/x", 404), ("/sign-in/x", 404), ("/x", 404)] {
            assert_eq!(ana.get(path).await.status, status, "{language} {path}");
        }
        ana.get("/x").await.says(nothing);
        daemon.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_department_that_nobody_configured_is_no_empty_list() {
    for (language, says) in [("en", "There is no department"), ("da", "Der er ingen afdeling")] {
        let (world, _) = world(language);
        let world = world.feed("forum", complaint());
        let daemon = world.run();
        until("the case", || world.record().cases(&Default::default()).is_ok_and(|_| !world.mentions().is_empty()))
            .await;
        let ana = Person::sign_in(&world, &daemon, ANA).await;
        let page = ana.get("/cases?department=suport").await;
        assert_eq!(page.status, 422);
        page.says(says).says("suport").says("support, shop, community").lacks("Acme broke my chair");
        let hostile = ana.get("/cases?department=%3Cscript%3Ealert(1)%3C/script%3E").await;
        assert_eq!(hostile.status, 422);
        hostile.lacks("<script>alert");
        assert_eq!(ana.get("/cases?department=shop").await.status, 200);
        daemon.stop().await.unwrap();
    }
}
