//! The sentences of "How a good community manager works" that no other file carries: what waits and what goes out, that
//! passing on is no end, that everyone gets an answer, and what management hears in time.

use std::collections::BTreeSet;

use mentiond::cases::Action;
use mentiond::model::{CaseStatus, Owner, Severity};

use super::cases::{
    ANA, BOARD, COMMUNITY, SUPPORT, TEAMS, cases, complaint, file, last, once_at, post, sent, try_act, world,
};
use crate::support::world::{World, entry, rss};

/// Praise waits for the meeting, questions for the digest; what is grave goes out although its category waits.
#[tokio::test]
async fn feedback_that_needs_no_action_waits_for_the_digest_or_the_meeting_what_needs_action_goes_out_now() {
    let teams = TEAMS.replace(
        "confirm_after = \"1d\"",
        "confirm_after = \"1d\"\ndigest = \"daily 09:00\"\nmeeting = \"weekly Tue 10:00\"",
    );
    let world = World::new()
        .daemon("timezone = \"Europe/Madrid\"")
        .feed("forum", rss([]))
        .toml("[watchlists.acme]\nquery = 'acme'\n")
        .toml(&teams)
        .toml(
            "[[routes]]\nwhen = 'severity:>=high'\ndepartment = \"support\"\ncase = true\n\
             [[routes]]\nwhen = 'category:question'\ndepartment = \"support\"\ndeliver = \"digest\"\n\
             [[routes]]\nwhen = 'category:praise'\ndepartment = \"support\"\ndeliver = \"meeting\"",
        );
    once_at(&world, "2026-03-09 09:30").await;
    let by = |n: u32, who: &str, title: &str, text: &str| post(n, title, text).author(who);
    world.serve(
        "forum",
        rss([
            by(1, "Ole Bo", "Decaf", "Does the Acme machine also make decaf coffee? How do I clean it?"),
            by(2, "Eva Lund", "Lovely", "I love my Acme machine, best purchase ever, absolutely fantastic, thank you!"),
            by(3, "Jens Hansen", "Fire", "The Acme charger caught fire in my kitchen and burned my daughter's hand."),
        ]),
    );
    let now = once_at(&world, "2026-03-09 10:00").await;
    assert!(now.contains(&sent("notice", SUPPORT)), "{now:?}");
    let notices: Vec<_> = world.mails_to(SUPPORT).into_iter().filter(|m| m.kind == "notice").collect();
    assert!(matches!(notices.as_slice(), [one] if one.says("caught fire")), "{now:?}");
    assert_eq!(cases(&world).len(), 1, "only what needs action is a case");
    // The question comes with Tuesday's digest, the praise with the report for Tuesday's meeting; neither twice.
    let mut collected = Vec::new();
    for hour in ["2026-03-09 18:00", "2026-03-10 07:00", "2026-03-10 09:00", "2026-03-10 10:00", "2026-03-11 09:00"] {
        let kinds: BTreeSet<_> = once_at(&world, hour).await.into_iter().filter(|(_, to)| to == SUPPORT).collect();
        collected.extend(kinds.into_iter().map(|(kind, _)| kind).filter(|kind| kind == "digest" || kind == "meeting"));
    }
    assert!(collected.contains(&"digest".to_owned()) && collected.contains(&"meeting".to_owned()), "{collected:?}");
    let mails = world.mails_to(SUPPORT);
    let holding = |kind: &str, words: &str| mails.iter().filter(|m| m.kind == kind && m.says(words)).count();
    assert_eq!((holding("digest", "decaf"), holding("meeting", "best purchase ever")), (1, 1), "{collected:?}");
}

#[tokio::test]
async fn a_case_stays_open_until_the_customer_is_satisfied_not_until_it_was_passed_on() {
    let world = world("2026-03-06 10:00");
    world.once().await;
    let passed = try_act(&world, 1, Action::Assign { to: "community".into() }, ANA).await.unwrap();
    assert_eq!((passed.status, passed.owner), (CaseStatus::Open, Owner::department("community")));
    assert!(once_at(&world, "2026-03-06 10:05").await.contains(&sent("handover", COMMUNITY)));
    let back = try_act(&world, 1, Action::Assign { to: ANA.into() }, COMMUNITY).await.unwrap();
    assert!(back.status == CaseStatus::Open && back.owner.is(ANA), "passing on is no failure and no end");
    // Its clocks run on for whoever has it.
    assert!(once_at(&world, "2026-03-06 14:05").await.contains(&sent("reminder", ANA)));
    for action in [Action::Acknowledge, Action::Answer, Action::Resolve] {
        let case = try_act(&world, 1, action, ANA).await.unwrap();
        assert!(!case.status.is_ended(), "{case:?}");
    }
    assert!(try_act(&world, 1, Action::Close, ANA).await.is_err(), "nobody asked the customer");
    assert_eq!(try_act(&world, 1, Action::Satisfied, ANA).await.unwrap().status, CaseStatus::Closed);
}

/// In the language of the post, to the person, for whatever it is but spam and abuse.
#[tokio::test]
async fn everyone_gets_an_answer_except_spam_and_abuse() {
    let world = world("2026-03-06 10:00")
        .toml("[departments.all]\nemail = \"all@example.com\"\nhandles = [\"spam\", \"abuse\", \"praise\", \"question\", \"suggestion\"]");
    let by = |n: u32, who: &str, text: &str| {
        entry(&format!("Acme {n}")).id(n).link(&format!("https://forum.example.net/{n}")).author(who).text(text)
    };
    world.serve(
        "forum",
        rss([
            by(1, "Mette Holm", "Jeg elsker Acme, tusind tak for den fantastiske service, bedste køb nogensinde!"),
            by(
                2,
                "Ana Prado",
                "O carregador da Acme parou de funcionar depois de dois dias. Estou muito decepcionada.",
            ),
            by(3, "Luis Vega", "La tostadora Acme dejó de funcionar a los dos días. Estoy muy decepcionado."),
            by(4, "Tim Roe", "BUY CHEAP ACME PILLS NOW!!! Click here https://spam.example/win free bonus promo code"),
            by(5, "Kit Lee", "Fuck you Acme, you stupid worthless idiots, I hope you die, you disgusting morons"),
        ]),
    );
    once_at(&world, "2026-03-06 10:00").await;
    let drafts: Vec<_> = world
        .mails()
        .into_iter()
        .filter(|m| m.kind == "notice" && [SUPPORT, "all@example.com"].contains(&m.to.as_str()))
        .collect();
    let of = |n: usize| {
        let title = format!("Acme {n} ");
        drafts.iter().find(|m| m.subject.contains(&title)).unwrap_or_else(|| panic!("{n}: {:?}", world.heard()))
    };
    // Praise is thanked by name; a grievance is passed on to somebody who has a name. In the language of the post.
    for (n, words) in [
        (1, &["Suggested reply", "Tusind tak, Mette!"][..]),
        (2, &["Suggested reply", "Olá, Ana.", "de Customer Service, que trata do assunto"]),
        (3, &["Suggested reply", "Hola, Luis:", "de Customer Service"]),
    ] {
        words.iter().for_each(|words| assert!(of(n).says(words), "{words}: {}", of(n).text));
    }
    for n in [4, 5] {
        assert!(!of(n).says("Suggested reply"), "{}", of(n).text);
    }
    let unanswered: BTreeSet<_> = world.mentions().iter().map(|r| r.mention.classification.category.as_str()).collect();
    assert!(unanswered.contains("spam") && unanswered.contains("abuse"), "{unanswered:?}");
}

#[tokio::test]
async fn a_person_who_complains_often_is_marked_with_their_history_and_is_still_answered() {
    let world = world("2026-01-05 10:00");
    world.serve("forum", rss([]));
    let (mut posts, days) = (Vec::new(), ["2026-01-05", "2026-02-02", "2026-03-02"]);
    for ((n, what), day) in (1..=3).zip(["toaster", "lamp", "blender"]).zip(days) {
        let text = format!("The Acme {what} stopped working after {n} days. I am very disappointed with this {what}.");
        posts.push(post(n, &format!("My Acme {what} broke"), &text));
        world.serve("forum", rss(posts.clone()));
        let told = once_at(&world, &format!("{day} 10:00")).await;
        assert!(told.contains(&sent("notice", SUPPORT)), "{n}: {told:?}");
        let notice = last(&world, SUPPORT);
        // The third is a case like any other: with an owner, a draft, and clocks; and its notice knows the others.
        assert_eq!(notice.says("Complains often: 3 cases in 90 days"), n == 3, "{}", notice.text);
        assert!(notice.says("Suggested reply") && notice.says("Jens"), "{}", notice.text);
        let case = file(&world, i64::from(n));
        assert!(case.case.owner.person.is_some() && case.due.is_some() && case.case.status == CaseStatus::Open);
        for action in [Action::Answer, Action::Satisfied] {
            try_act(&world, i64::from(n), action, "").await.unwrap();
        }
    }
    assert_eq!(cases(&world).len(), 3);
}

/// Grave on the day, and in every case that gathers weight; the rest stands in management's own mail.
#[tokio::test]
async fn concerns_reach_management_before_the_breaking_point() {
    let world = world("2026-03-06 10:00");
    world.once().await;
    // The author comes back, and again: from the third time on management is told, at once.
    let mut posts = vec![complaint()];
    for n in 2..=4 {
        let text = format!("My Acme toaster is still broken, it is time number {n}. Terrible, nobody helps.");
        posts.push(post(n, "Acme again", &text));
        world.serve("forum", rss(posts.clone()));
        let told = once_at(&world, &format!("2026-03-06 1{n}:00")).await;
        assert!(told.contains(&sent("comeback", COMMUNITY)), "{n}: {told:?}");
        assert_eq!(
            told.contains(&sent("comeback", BOARD)),
            n >= 4 || file(&world, 1).case.severity == Severity::Critical,
            "{n}: {told:?}"
        );
    }
    assert!(world.mails_to(BOARD).iter().any(|m| m.kind == "comeback"), "{:?}", world.heard());
    assert!(last(&world, BOARD).says("toaster"), "{}", last(&world, BOARD).text);
}
