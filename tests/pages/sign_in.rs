//! "A member's address gets a one-time link"; sessions are signed.

use jiff::SignedDuration;

use crate::client::*;
use crate::support::world::{World, free_address, until};

#[tokio::test]
async fn a_members_address_gets_a_link_that_works_once() {
    let (world, at) = world("da");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    until("the mention", || world.mentions().len() == 1).await;
    let ana = Person::stranger(at);
    for path in ["/", "/mentions", "/mentions/1", "/cases", "/cases/1", "/sources"] {
        let answer = ana.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/sign-in")), "{path}");
    }
    ana.get("/sign-in").await.says("Log ind").says("name=\"email\"");
    // In any case, and with the words of the department.
    assert_eq!(ana.post("/sign-in", "email=ANA%40Example.com").await.status, 200);
    until("the mail", || sign_in_mails(&world, ANA).len() == 1).await;
    let mail = world.mails_to(ANA).into_iter().find(|m| m.kind == "sign-in").unwrap();
    assert_eq!(mail.subject, "Log ind på mentiond");
    let link = sign_in_mails(&world, ANA).remove(0);
    ana.get(&link).await.says("ana@example.com");
    let answer = ana.post(&link, "").await;
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    assert!(!cookie.contains("Secure"), "http: {cookie}");
    for method in ["GET", "POST"] {
        let again = send(at, method, &link, "", "").await;
        assert_eq!(again.status, 410, "{method}");
        assert!(again.header("set-cookie").is_none());
    }
    let ana = Person { at, cookie: cookie.split(';').next().unwrap().to_owned() };
    let page = ana.get("/mentions").await;
    page.says("Acme broke my chair").says("Ana Ruiz").says("Omtaler");

    // Out again: only with the mark of this session.
    assert_eq!(ana.post("/sign-out", "form=x").await.status, 403);
    let out = ana.post("/sign-out", &format!("form={}", page.field("form"))).await;
    assert!(out.status == 303 && out.header("set-cookie").unwrap().contains("Max-Age=0"));
    // A copy of the cookie opens nothing any more, also after a restart; other sessions of hers go on.
    let elsewhere = Person::sign_in(&world, &daemon, ANA).await;
    for path in ["/mentions", "/cases/1"] {
        let answer = ana.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/sign-in")), "{path}");
    }
    assert_eq!(ana.post("/cases/1", &format!("form={}&deed=acknowledge", page.field("form"))).await.status, 303);
    assert_eq!(world.record().case(1).unwrap().unwrap().case.status.as_str(), "open");
    assert_eq!(elsewhere.get("/mentions").await.status, 200);
    daemon.stop().await.unwrap();
    let daemon = world.run();
    until("the pages", || std::net::TcpStream::connect(at).is_ok()).await;
    assert_eq!(ana.get("/mentions").await.status, 303);
    assert_eq!(elsewhere.get("/mentions").await.status, 200);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn an_unknown_address_gets_the_same_answer_and_no_mail() {
    let (world, at) = world("en");
    let daemon = world.run();
    let person = Person::stranger(at);
    let unknown = person.post("/sign-in", "email=stranger%40example.com").await;
    let known = person.post("/sign-in", "email=lead%40example.com").await;
    assert_eq!((unknown.status, unknown.body), (known.status, known.body));
    for nonsense in ["", "email=", "email=x", &format!("email={}%40x", "a".repeat(300))] {
        assert_eq!(person.post("/sign-in", nonsense).await.status, 422, "{nonsense}");
    }
    assert_eq!(person.post("/sign-in", &"x=y&".repeat(10_000)).await.status, 413);
    until("the lead's mail", || sign_in_mails(&world, "lead@example.com").len() == 1).await;
    assert!(world.mails().iter().all(|m| m.to != "stranger@example.com"));

    // Nobody can fill a mailbox.
    for _ in 0..8 {
        person.post("/sign-in", "email=lead%40example.com").await;
    }
    until("five mails", || sign_in_mails(&world, "lead@example.com").len() == 5).await;
    let asked = || world.outbox().iter().filter(|m| m.kind == "sign-in").count();
    assert_eq!(asked(), 5);
    daemon.stop().await.unwrap();
    assert_eq!(asked(), 5);
}

#[tokio::test]
async fn links_and_sessions_end() {
    let (world, at) = world("en");
    let daemon = world.run();
    let stranger = Person::stranger(at);
    stranger.post("/sign-in", "email=ana%40example.com").await;
    until("the mail", || sign_in_mails(&world, ANA).len() == 1).await;
    world.pass(SignedDuration::from_mins(31));
    assert_eq!(stranger.post(&sign_in_mails(&world, ANA)[0], "").await.status, 410);

    let ana = Person::sign_in(&world, &daemon, ANA).await;
    assert_eq!(ana.get("/cases").await.status, 200);
    let (name, value) = ana.cookie.split_once('=').unwrap();
    let cut = format!("{name}={}", &value[..value.len() - 2]);
    for forged in [cut, format!("{name}={value}A"), format!("{name}="), format!("x{name}={value}")] {
        let person = Person { at, cookie: forged };
        assert_eq!(person.get("/cases").await.status, 303, "{}", person.cookie);
    }
    // Whoever leaves is out at once.
    let without = world.config_text().replace(ANA, "anna@example.com");
    std::fs::write(world.folder().join("mentiond.toml"), without).unwrap();
    daemon.reload.send(()).await.unwrap();
    let mut status = 200;
    for _ in 0..400 {
        status = ana.get("/cases").await.status;
        if status == 303 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(status, 303);
    world.config();
    let tom = Person::sign_in(&world, &daemon, "tom@example.com").await;
    world.pass(SignedDuration::from_hours(7 * 24 - 1));
    assert_eq!(tom.get("/cases").await.status, 200);
    world.pass(SignedDuration::from_hours(1));
    assert_eq!(tom.get("/cases").await.status, 303);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn behind_tls_the_cookie_is_for_this_host_alone() {
    let http = free_address();
    let world = World::new()
        .daemon(&format!("http = \"{http}\"\npublic_url = \"https://mentions.example.com/m/\""))
        .department("support", &["complaint"]);
    let daemon = world.run();
    let person = Person::stranger(http);
    person.get("/sign-in").await.says("action=\"/m/sign-in\"").says("href=\"/m/static/");
    person.get("/m/sign-in").await.says("action=\"/m/sign-in\"");
    person.post("/sign-in", "email=support%40example.com").await;
    until("the mail", || sign_in_mails(&world, "support@example.com").len() == 1).await;
    let text = &world.mails_to("support@example.com")[0].text;
    assert!(text.contains("https://mentions.example.com/m/sign-in/"), "{text}");
    let link = sign_in_mails(&world, "support@example.com").remove(0);
    let answer = person.post(&format!("/m{link}"), "").await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-mentiond=") && cookie.contains("; Secure"), "{cookie}");
    assert_eq!(answer.header("location"), Some("/m/"));
    daemon.stop().await.unwrap();
}
