//! What is kept from somebody: complaints about employees, trouble between members of a community.

use std::collections::BTreeSet;

use mentiond::cases::{Action, Refusal};
use mentiond::model::{Category, Owner, Privacy};
use mentiond::store::record::NewCorrection;

use super::cases::{
    ANA, BOARD, COMMUNITY, LEAD, SUPPORT, TOM, cases, complaint, last, once_at, post, sent, try_act, world,
};
use crate::support::world::rss;

#[tokio::test]
async fn a_complaint_about_staff_goes_to_the_lead_never_to_the_shared_address_or_the_person_named() {
    let rude =
        post(1, "Acme", "Ana from Acme support was incredibly rude to me. The employee insulted me and hung up.");
    let world = world("2026-03-06 10:00");
    // Even those who asked for every mention of the brand.
    let world = world.toml(
        "[watchlists.all]\nquery = 'acme'\nalert = [\"support@example.com\", \"ana@example.com\", \"brand@example.com\"]\n",
    );
    world.serve("forum", rss([rude]));
    let told = once_at(&world, "2026-03-06 10:00").await;
    assert_eq!(world.mentions()[0].mention.classification.category.as_str(), "staff");
    let to: BTreeSet<_> = told.iter().map(|(_, to)| to.as_str()).collect();
    assert!(to.contains(LEAD) && to.contains("brand@example.com"), "{told:?}");
    assert!(!to.contains(SUPPORT) && !to.contains(ANA) && !to.contains(TOM), "{told:?}");
    assert_eq!(cases(&world)[0].owner, Owner::person("support", LEAD));
    let mut all = BTreeSet::new();
    for day in 7..30 {
        all.extend(once_at(&world, &format!("2026-03-{day:02} 11:00")).await.into_iter().map(|(_, to)| to));
    }
    assert_eq!(all, [LEAD.to_owned(), BOARD.to_owned()].into(), "nor do its reminders");
    let refused = try_act(&world, 1, Action::Dismiss { reason: "no".into() }, ANA).await;
    assert_eq!(refused.unwrap_err(), Refusal::KeptFrom(1, ANA.into()), "nor do they end it");
}

#[tokio::test]
async fn a_complaint_about_staff_is_quoted_in_nobody_s_mail_who_must_not_see_it() {
    let rude = "Ana from Acme support was incredibly rude to me. The employee insulted me and hung up.";
    let like = "The support line of Acme hung up on me again, and my parcel from Acme never arrived. Incredibly rude.";
    let world = world("2026-03-06 10:00");
    world.serve("forum", rss([post(1, "Acme support", rude)]));
    world.once().await;
    let before = world.mails().len();
    world.serve("forum", rss([post(1, "Acme support", rude), post(2, "Acme support", like).author("Eva Lund")]));
    world.once().await;
    let told = world.mails().split_off(before);
    assert!(told.iter().any(|mail| mail.to == SUPPORT || mail.to == ANA || mail.to == TOM), "{:?}", world.heard());
    for mail in told.iter().filter(|mail| mail.to != LEAD && mail.to != BOARD) {
        assert!(!mail.says("insulted me"), "{} {}", mail.to, mail.text);
    }
}

/// Management may look at everything on the pages; by mail it gets in full what it takes care of.
#[tokio::test]
async fn similar_mentions_stand_in_full_only_beside_those_that_the_reader_takes_care_of() {
    let toaster =
        "My Acme toaster stopped working after two weeks, I am very disappointed. My number is +44 7700 900123.";
    let kettle = "My Acme kettle stopped working after two weeks, I am very disappointed, as with the toaster.";
    let again =
        "An Acme kettle that stopped working after two weeks: very disappointed, like all who have the toaster.";
    let world = world("2026-03-06 10:00").toml("[[routes]]\nwhen = 'kettle'\ndepartment = \"board\"\n");
    let posts = [toaster, kettle, again].into_iter().zip(1..).map(|(text, n)| {
        post(n, "Acme", text).author(&format!("Writer {n}")).link(&format!("https://site{n}.example/1"))
    });
    let posts: Vec<_> = posts.collect();
    let mut noticed = Vec::new();
    for n in 1..=posts.len() {
        world.serve("forum", rss(posts[..n].to_vec()));
        world.once().await;
        noticed = world.mails_to(BOARD).into_iter().filter(|mail| mail.kind == "notice").collect();
    }
    let [first, second] = noticed.as_slice() else { panic!("{:?}", world.heard()) };
    assert!(first.says("kettle stopped working") && !first.says("toaster stopped working"), "{}", first.text);
    assert!(second.says("My Acme kettle stopped working"), "its own stands there: {}", second.text);
    for mail in [first, second] {
        assert!(!mail.text.contains("900123") && !mail.html.contains("900123"), "{}", mail.text);
    }
}

#[tokio::test]
async fn a_complaint_about_whoever_has_the_authors_case_does_not_join_it() {
    let world = world("2026-03-06 10:00");
    world.once().await;
    assert_eq!(cases(&world)[0].owner, Owner::person("support", ANA));
    let rude =
        post(2, "Acme", "Ana from Acme support was incredibly rude to me. The employee insulted me and hung up.");
    world.serve("forum", rss([complaint(), rude]));
    let told = once_at(&world, "2026-03-06 10:30").await;
    assert_eq!(told.iter().filter(|(kind, _)| kind == "notice").collect::<Vec<_>>(), [&sent("notice", LEAD)]);
    assert!(!told.iter().any(|(_, to)| to == ANA || to == SUPPORT), "{told:?}");
    let owners: Vec<_> = cases(&world).into_iter().map(|c| (c.owner.words(), c.comebacks)).collect();
    assert_eq!(owners, [("support (ana@example.com)".into(), 0), ("support (lead@example.com)".into(), 0)]);
    // And what is said about the toaster later belongs to the toaster's case.
    let toaster = post(3, "Acme", "My Acme toaster is still broken and stopped working completely. Terrible.");
    world.serve("forum", rss([toaster]));
    let told = once_at(&world, "2026-03-06 11:00").await;
    assert!(told.contains(&sent("comeback", ANA)) && !told.contains(&sent("comeback", LEAD)), "{told:?}");
}

#[tokio::test]
async fn trouble_with_another_member_goes_to_the_moderators_and_both_handles_are_masked_in_copies() {
    let troll = post(
        1,
        "Moderators of the Acme group",
        "@mods the user @kaj77 keeps harassing me and other members of this Acme group with insults. Please ban this troll.",
    );
    let world = world("2026-03-06 10:00").toml(
        "[departments.mods]\nname = \"Moderators\"\nemail = \"mods@example.com\"\n\
         [[routes]]\nwhen = 'category:member'\ndepartment = \"mods\"\ncopy = [\"community\"]\ncase = true",
    );
    world.serve("forum", rss([troll]));
    let told = once_at(&world, "2026-03-06 10:00").await;
    assert_eq!(world.mentions()[0].mention.classification.category.as_str(), "member");
    assert_eq!(told.iter().find(|(kind, _)| kind == "notice"), Some(&sent("notice", "mods@example.com")));
    let copy = last(&world, COMMUNITY);
    assert_eq!(copy.kind, "copy");
    for handle in ["kaj77", "Jens Hansen"] {
        assert!(
            !copy.text.contains(handle) && !copy.html.contains(handle) && !copy.subject.contains(handle),
            "{handle}"
        );
    }
}

/// What nobody recognised as a complaint about an employee is one from the moment in which somebody says so.
#[tokio::test]
async fn what_is_corrected_to_a_complaint_about_staff_is_kept_private_from_then_on() {
    let vague = "Ana from Acme spoke for twenty minutes, and my parcel is still not here. I have had enough.";
    let world = world("2026-03-06 10:00");
    world.serve("forum", rss([post(1, "Acme", vague)]));
    world.once().await;
    let before = &world.mentions()[0].mention;
    assert!(before.classification.category.as_str() != "staff" && before.decision.privacy.is_usual());
    let case = cases(&world)[0].id;
    assert!([Owner::person("support", ANA), Owner::person("support", TOM)].contains(&cases(&world)[0].owner));

    let opened = mentiond::daemon::World::open(&world.state(), world.clock.clone()).unwrap();
    let staff = NewCorrection { mention: before.id, category: Some(Category::Staff), ..NewCorrection::default() };
    let desk = world.engine().desk.clone();
    let number = opened.store.record().correct(desk, staff, world.clock.now()).await.unwrap().unwrap();
    // Taking the words back does not tell whom they were about.
    for undone in [false, true] {
        if undone {
            assert!(opened.store.record().undo_correction(number, world.clock.now()).await.unwrap());
        }
        let after = &world.mentions()[0].mention;
        assert_eq!(after.decision.privacy, Privacy::Staff);
        assert!(after.decision.is_kept_from(ANA) && after.decision.is_kept_from(SUPPORT), "{:?}", after.decision);
        let now = &cases(&world)[0];
        assert_eq!((now.owner.clone(), now.privacy), (Owner::person("support", LEAD), Privacy::Staff));
    }
    opened.store.close().await;
    let refused = try_act(&world, case, Action::Answer, ANA).await;
    assert_eq!(refused.unwrap_err(), Refusal::KeptFrom(case, ANA.into()));

    let from = world.mails().len();
    let mut told = BTreeSet::new();
    for day in 7..30 {
        told.extend(once_at(&world, &format!("2026-03-{day:02} 11:00")).await.into_iter().map(|(_, to)| to));
    }
    assert_eq!(told, [LEAD.to_owned(), BOARD.to_owned()].into(), "the new owner, and nobody of before");
    assert!(world.mails()[from..].iter().any(|mail| mail.to == LEAD && mail.kind == "handover"));
}
