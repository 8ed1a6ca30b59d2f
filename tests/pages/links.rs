//! "Every notice has links: acknowledge, answered, resolved, not ours (choose department), not a case. Signed, single
//! purpose, expiring; GET shows a page with one button and enough context to decide, POST acts; a scanner that opens
//! every link changes nothing."

use jiff::SignedDuration;
use mentiond::model::{Case, CaseStatus};

use crate::client::*;
use crate::support::world::{Running, World, until};

fn case(world: &World) -> Case {
    world.record().case(1).unwrap().unwrap().case
}

fn steps(world: &World) -> usize {
    world.record().case(1).unwrap().unwrap().steps.len()
}

/// Answers case 1 in Ana's name and lets time pass until she is asked whether the customer is satisfied: the links of
/// that mail, yes and no.
async fn asked_whether_satisfied(world: &World, daemon: &Running, ana: &Person) -> Vec<String> {
    let notice = notice_links(world, ANA).await;
    assert_eq!(ana.post(&notice[1], "").await.status, 303);
    world.pass(SignedDuration::from_hours(24 * 4));
    daemon.reload.send(()).await.unwrap();
    until("the question", || world.mails_to(ANA).iter().any(|m| m.kind == "question")).await;
    let question = world.mails_to(ANA).into_iter().find(|m| m.kind == "question").unwrap();
    let found = links(&question.text, "/act/");
    assert!(found.len() == 2 && !question.text.contains("mentiond cases"), "{}", question.text);
    found
}

#[tokio::test]
async fn get_shows_and_post_acts() {
    let (world, at) = world("en");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    let links = notice_links(&world, ANA).await;
    let ana = Person::stranger(at);

    let page = ana.get(&links[0]).await;
    assert_eq!(page.status, 200);
    // Enough context to decide, and one button.
    page.says("Case 1: will you take it?")
        .says("Acme broke my chair")
        .says("Maria Lopez")
        .says("Now: Open. With Ana Ruiz, Customer Service.");
    page.says("in the name of ana@example.com");
    assert_eq!(page.body.matches("<button").count(), 1);
    assert_eq!(page.body.matches("method=\"post\"").count(), 1);
    assert_eq!(case(&world).status, CaseStatus::Open);

    let done = ana.post(&links[0], "").await;
    assert_eq!((done.status, done.header("location")), (303, Some(links[0].as_str())));
    let now = case(&world);
    assert_eq!((now.status, now.acknowledged.unwrap().by.as_deref()), (CaseStatus::Acknowledged, Some(ANA)));
    ana.get(&links[0]).await.says("This is done").says("Now: Taken. With Ana Ruiz").lacks("<button").lacks("Maria");

    // Pressed again, nothing happens again.
    let before = steps(&world);
    let again = ana.post(&links[0], "").await;
    assert_eq!(again.status, 200);
    again.says("This is done");
    assert_eq!(steps(&world), before);

    assert_eq!(ana.post(&links[1], "").await.status, 303);
    assert_eq!(case(&world).status, CaseStatus::Answered);
    let before = steps(&world);
    ana.post(&links[1], "").await.says("This is done");
    assert_eq!(steps(&world), before);
    assert_eq!(ana.post(&links[2], "").await.status, 303);
    assert_eq!(case(&world).status, CaseStatus::Resolved);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn not_ours_asks_for_a_department_and_not_a_case_for_a_reason() {
    let (world, at) = world("es");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    let links = notice_links(&world, ANA).await;
    let ana = Person::stranger(at);
    let page = ana.get(&links[3]).await;
    page.says("¿pasarlo a otro departamento?").says("<option value=\"shop\">The shop</option>").says("lang=\"es\"");
    for wrong in ["", "to=", "to=nowhere", "to=liv%40example.com"] {
        assert_eq!(ana.post(&links[3], wrong).await.status, 422, "{wrong}");
    }
    assert_eq!(case(&world).owner.department, "support");
    world.pass(SignedDuration::from_mins(1));
    assert_eq!(ana.post(&links[3], "to=shop").await.status, 303);
    assert_eq!(case(&world).owner.department, "shop");
    // The mail is about a case that was Ana's.
    for link in &links {
        ana.post(link, "to=community&reason=x").await.says("El caso ha avanzado desde este correo").lacks("Maria");
    }
    assert_eq!(case(&world).owner.department, "shop");

    until("the handover", || {
        world.mails_to(LIV).iter().any(|m| m.kind == "handover")
            || world.mails_to("shop@example.com").iter().any(|m| m.kind == "handover")
    })
    .await;
    let handover = world.mails().into_iter().find(|m| m.kind == "handover").unwrap();
    let dismiss = crate::client::links(&handover.text, "/act/").pop().unwrap();
    assert_eq!(ana.post(&dismiss, "reason=+").await.status, 422);
    assert_eq!(ana.post(&dismiss, "reason=an+old+joke").await.status, 303);
    let now = case(&world);
    assert_eq!((now.status, now.reason.as_deref()), (CaseStatus::Dismissed, Some("an old joke")));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_scanner_that_opens_every_link_changes_nothing() {
    let (world, at) = world("en");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    let mut found = notice_links(&world, ANA).await;
    Person::stranger(at).post("/sign-in", "email=ana%40example.com").await;
    until("the sign-in mail", || !sign_in_mails(&world, ANA).is_empty()).await;
    found.extend(sign_in_mails(&world, ANA));
    let (before, history) = (case(&world), steps(&world));
    for link in &found {
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
            let answer = send(at, method, link, "User-Agent: scanner\r\n", "").await;
            assert!(matches!(answer.status, 200 | 405), "{method} {link}: {}", answer.status);
            assert!(answer.header("set-cookie").is_none());
        }
    }
    assert_eq!((case(&world), steps(&world)), (before, history));
    assert_eq!(
        Person::stranger(at).post(found.last().unwrap(), "").await.status,
        303,
        "the sign-in link was not used up"
    );
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn forged_and_old_links_do_nothing() {
    let (world, at) = world("en");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    let links = notice_links(&world, ANA).await;
    let someone = Person::stranger(at);
    let link = &links[0];
    let mut forged =
        vec!["/act/".to_owned() + &"A".repeat(64), "/act/x".into(), format!("{link}A"), "/act/%00%ff".into()];
    forged.push(link.replace("/act/", "/sign-in/"));
    let flipped = if link.ends_with('A') { "B" } else { "A" };
    forged.push(format!("{}{flipped}{}", &link[..20], &link[21..]));
    forged.push("/act/".to_owned() + &"A".repeat(7_000));
    for path in &forged {
        assert!(matches!(someone.get(path).await.status, 400 | 404), "{path}");
        assert!(matches!(someone.post(path, "").await.status, 400 | 404), "{path}");
    }
    world.pass(SignedDuration::from_hours(7 * 24));
    let late = someone.post(link, "").await;
    late.says("This link is too old").says("Now: Open").lacks("Maria").lacks("chair");
    assert_eq!(case(&world).status, CaseStatus::Open);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn the_question_whether_the_customer_is_satisfied_is_answered_with_a_link() {
    let (world, at) = world("en");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    let ana = Person::stranger(at);
    let found = asked_whether_satisfied(&world, &daemon, &ana).await;
    ana.get(&found[1]).await.says("is the customer not satisfied?");
    world.pass(SignedDuration::from_mins(1));
    assert_eq!(ana.post(&found[1], "").await.status, 303);
    let now = case(&world);
    assert_eq!((now.status, now.failed.len()), (CaseStatus::Open, 1));
    assert!(!now.owner.is(ANA));
    // Twice would fail whoever has it now.
    ana.post(&found[1], "").await.says("The case has moved on");
    ana.post(&found[0], "").await.says("The case has moved on");
    assert_eq!(case(&world).failed.len(), 1);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_link_to_a_closed_case_says_how_it_stands_and_changes_nothing() {
    let (world, at) = world("en");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    let ana = Person::stranger(at);
    let notice = notice_links(&world, ANA).await;
    let found = asked_whether_satisfied(&world, &daemon, &ana).await;
    assert_eq!(ana.post(&found[0], "").await.status, 303);
    assert_eq!(case(&world).status, CaseStatus::Closed);
    let (before, history) = (case(&world), steps(&world));
    // "Not satisfied" of the same mail, pressed a minute later: the case was closed in between.
    world.pass(SignedDuration::from_mins(1));
    for answer in [ana.get(&found[1]).await, ana.post(&found[1], "").await] {
        answer.says("The case has moved on since this mail").says("Now: Closed").lacks("<button");
    }
    for link in &notice {
        ana.post(link, "").await.says("Now: Closed");
    }
    assert_eq!((case(&world), steps(&world)), (before, history));
    // On its page, where it says that it is closed, it can be done; and the history tells.
    let liv = Person::sign_in(&world, &daemon, ANA).await;
    let page = liv.get("/cases/1").await;
    let form = page.field("form");
    assert_eq!(liv.post("/cases/1", &format!("form={form}&deed=unsatisfied")).await.status, 303);
    assert_eq!((case(&world).status, case(&world).failed.len()), (CaseStatus::Open, 1));
    liv.get("/cases/1").await.says("not satisfied after all");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn without_an_address_for_the_pages_mails_carry_no_links() {
    let http = crate::support::world::free_address();
    let world = World::new()
        .daemon(&format!("http = \"{http}\""))
        .watch("acme", "acme", "brand@example.com")
        .department("support", &["complaint", "unresolved", "technical", "refund"])
        .feed("forum", complaint());
    let daemon = world.run();
    until("the notice", || world.mails_to("support@example.com").len() == 1).await;
    let notice = &world.mails_to("support@example.com")[0];
    assert!(!notice.text.contains("/act/") && !notice.html.contains("/act/") && !notice.text.contains("/mentions/"));
    daemon.stop().await.unwrap();
}
