//! Replies by mail: out by SMTP, in through a real IMAP server, with a stepped clock.

use mentiond::model::{CaseStatus, Owner};

use crate::cases::{
    ANA, BOARD, COMMUNITY, SUPPORT, TEAMS, TOM, at, complaint, file, header, last, once_at, post, sent,
};
use crate::support::imap::ImapHost;
use crate::support::world::{Mail, World, rss};

/// A forum with a complaint, the teams, and a mailbox for replies in which customers write too; it is `now`.
fn world(host: &ImapHost, now: &str) -> World {
    let world = World::new()
        .daemon("timezone = \"Europe/Madrid\"")
        .mail("replies = \"replies\"")
        .mail("trusted_authserv = [\"mx.example.com\"]")
        .feed("forum", rss([complaint()]))
        .toml("[watchlists.acme]\nquery = 'acme'\n")
        .toml(TEAMS)
        .toml(&host.source("replies", "mentions", "use = \"messages\""));
    world.clock.set(at(now));
    world
}

/// A reply as mail programs write it: above what it quotes, to the address that it is asked to.
fn reply(host: &ImapHost, to: &Mail, from: &str, number: u32, words: &str) -> String {
    let quoted: String = to.text.lines().map(|line| format!("> {line}\n")).collect();
    let mail = format!(
        "From: Somebody <{from}>\nTo: {}\nSubject: Re: {}\nMessage-ID: <reply{number}@example.com>\nIn-Reply-To: <{}>\n\
         Content-Type: text/plain; charset=utf-8\n\n{words}\n\nOn Mon, 9 Mar 2026 at 13:00, Mentions <mentions@example.com> wrote:\n{quoted}",
        header(to, "Reply-To"),
        "the case",
        to.message_id
    );
    host.deliver("mentions", &mail);
    mail
}

#[tokio::test]
async fn from_a_complaint_at_1750_on_a_friday_to_a_satisfied_customer_on_wednesday_by_mail_alone() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "2026-03-06 17:50");
    once_at(&world, "2026-03-06 17:50").await;
    let notice = last(&world, ANA);
    assert!(notice.says("You can also answer this mail"), "{}", notice.text);

    // A case stays open until the customer is satisfied. Reminders go to the owner.
    assert_eq!(once_at(&world, "2026-03-09 12:50").await, [sent("reminder", ANA)]);
    reply(&host, &last(&world, ANA), ANA, 1, "#ack\n\nMvh\nAna");
    assert_eq!(once_at(&world, "2026-03-09 13:00").await, []);
    let case = file(&world, 1).case;
    assert_eq!((case.status, case.acknowledged.unwrap().by.as_deref()), (CaseStatus::Acknowledged, Some(ANA)));
    reply(&host, &notice, ANA, 2, "# Contestado.");
    once_at(&world, "2026-03-09 13:00").await;
    assert_eq!(file(&world, 1).case.status, CaseStatus::Answered);

    // "Is the customer satisfied?" comes back to the owner after `confirm_after`, with the evidence found since.
    let again = post(2, "Acme again", "My Acme toaster is still broken, support did not help at all. Terrible.");
    world.serve("forum", rss([complaint(), again.clone()]));
    once_at(&world, "2026-03-10 02:00").await;
    assert_eq!(once_at(&world, "2026-03-10 13:00").await[0], sent("question", ANA));
    reply(&host, &last(&world, ANA), ANA, 3, "#utilfreds\n\nSendt fra min iPhone");
    assert_eq!(once_at(&world, "2026-03-10 13:30").await, [sent("handover", TOM), sent("update", COMMUNITY)]);

    // A case that was not handled to the customer's satisfaction never goes back to the same person.
    reply(&host, &notice, ANA, 4, "#ack");
    assert_eq!(once_at(&world, "2026-03-10 13:40").await, [sent("answer", ANA)]);
    let answer = last(&world, ANA);
    assert!(answer.says("did not satisfy this customer before"), "{}", answer.text);
    assert_eq!(file(&world, 1).case.owner, Owner::person("support", TOM));

    // The community manager keeps it until it is solved: told at each step.
    let handover = last(&world, TOM);
    reply(&host, &handover, TOM, 5, "#taget");
    assert_eq!(once_at(&world, "2026-03-10 14:00").await, [sent("update", COMMUNITY)]);
    reply(&host, &handover, TOM, 6, "#note Called him, sent a new one.\nHe was kind.");
    reply(&host, &handover, TOM, 7, "#besvaret");
    assert_eq!(once_at(&world, "2026-03-10 15:00").await, [sent("update", COMMUNITY)]);

    let thanks = post(3, "Acme", "Thank you Acme, it works great now! Excellent service, Tom is wonderful.");
    world.serve("forum", rss([complaint(), again, thanks]));
    once_at(&world, "2026-03-11 10:00").await;
    assert_eq!(once_at(&world, "2026-03-11 15:00").await, [sent("question", TOM), sent("update", COMMUNITY)]);
    assert!(last(&world, TOM).says("it works great now"), "{}", last(&world, TOM).text);
    reply(&host, &last(&world, TOM), TOM, 8, "#satisfied");
    assert_eq!(once_at(&world, "2026-03-11 15:30").await, [sent("update", COMMUNITY)]);
    let case = file(&world, 1).case;
    assert_eq!((case.status, case.failed), (CaseStatus::Closed, vec![Owner::person("support", ANA)]));
    for quiet in ["2026-03-12 10:00", "2026-05-04 12:00"] {
        assert_eq!(once_at(&world, quiet).await, [], "{quiet}");
    }

    let history: Vec<_> = file(&world, 1).steps.iter().map(|s| s.what.as_str()).collect();
    let words = "opened reminded acknowledged answered came-back reminded unsatisfied moved acknowledged noted answered \
                 evidence reminded satisfied closed";
    assert_eq!(history.join(" "), words);
    assert_eq!(world.mentions().len(), 3, "no reply became a mention");
}

#[tokio::test]
async fn each_reply_is_acted_on_exactly_once() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "2026-03-06 10:00");
    once_at(&world, "2026-03-06 10:00").await;
    let mail = reply(&host, &last(&world, ANA), ANA, 1, "#note It was the cable.");
    host.deliver("mentions", &mail);
    once_at(&world, "2026-03-06 10:05").await;
    host.renumber("mentions");
    once_at(&world, "2026-03-06 10:06").await;
    let history: Vec<_> = file(&world, 1).steps.iter().map(|s| s.what.as_str()).collect();
    assert_eq!(history, ["opened", "noted"]);
}

#[tokio::test]
async fn only_who_is_who_they_say_acts_and_only_they_are_answered() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "2026-03-06 10:00");
    once_at(&world, "2026-03-06 10:00").await;
    let notice = last(&world, ANA);
    let shared = last(&world, SUPPORT);
    assert_ne!(header(&notice, "Reply-To"), header(&shared, "Reply-To"));
    let plain = |number: u32, from: &str, head: &str| {
        let mail = format!(
            "{head}From: <{from}>\nTo: mentions@example.com\nSubject: Re: x\nMessage-ID: <plain{number}@example.com>\n\
             In-Reply-To: <{}>\n\n#dismiss it is a joke\n",
            notice.message_id
        );
        host.deliver("mentions", &mail);
    };
    // A customer, a member of nothing, with the address that Ana has.
    reply(&host, &notice, "jens@example.net", 1, "#dismiss it is a joke");
    // Somebody who writes that they are Tom, with Ana's address; or that they are Ana, with none.
    reply(&host, &notice, TOM, 2, "#dismiss it is a joke");
    plain(3, ANA, "");
    // A server that nobody trusts says that it is Ana; so does Ana, below the trusted server's own word.
    plain(4, ANA, "Authentication-Results: mx.evil.example; dkim=pass header.d=example.com\n");
    plain(
        5,
        ANA,
        "Authentication-Results: mx.example.com; dkim=none\nAuthentication-Results: mx.example.com; dkim=pass header.d=example.com\n",
    );
    // A program that answers for Ana.
    host.deliver(
        "mentions",
        &format!(
            "Auto-Submitted: auto-replied\nFrom: <{ANA}>\nTo: {}\nSubject: Automatic reply: x\nMessage-ID: <auto@example.com>\n\n#dismiss me\n",
            header(&notice, "Reply-To")
        ),
    );
    assert_eq!(once_at(&world, "2026-03-06 10:05").await, [], "nothing was done, and nobody was written to");
    assert_eq!(file(&world, 1).steps.len(), 1);

    // A trusted server says that it is Ana.
    plain(
        6,
        ANA,
        "Authentication-Results: mx.example.com; spf=none; dkim=pass (good) header.d=example.com header.s=a\n",
    );
    once_at(&world, "2026-03-06 10:10").await;
    let case = file(&world, 1).case;
    assert_eq!((case.status, case.reason.as_deref()), (CaseStatus::Dismissed, Some("it is a joke")));
    // Tom answers the mail that went to the department that he reads for.
    reply(&host, &shared, TOM, 7, "#reopen it is none");
    once_at(&world, "2026-03-06 10:15").await;
    assert_eq!(file(&world, 1).case.status, CaseStatus::Open);
    assert_eq!(world.mentions().len(), 1);
}

#[tokio::test]
async fn what_is_not_understood_or_not_allowed_gets_one_plain_answer_and_not_too_many() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "2026-03-06 10:00");
    once_at(&world, "2026-03-06 10:00").await;
    let notice = last(&world, ANA);
    for (number, words, says) in [
        (1, "Thanks, I will look at it.", "does not begin with #"),
        (2, "#frobnicate", "The word after # on the first line is not known"),
        (3, "#dismiss", "The reason is missing"),
        (4, "#assign nobody", "Nobody of that name is in the configuration"),
        (5, "#unsatisfied", "Nobody has answered the customer yet"),
    ] {
        reply(&host, &notice, ANA, number, words);
        assert_eq!(once_at(&world, "2026-03-06 10:05").await, [sent("answer", ANA)], "{words}");
        let answer = last(&world, ANA);
        assert!(answer.says(says) && answer.says(words), "{words}: {}", answer.text);
        assert_eq!(header(&answer, "In-Reply-To"), format!("<reply{number}@example.com>"));
    }
    reply(&host, &notice, ANA, 6, "#nonsense");
    assert_eq!(once_at(&world, "2026-03-06 10:06").await, [], "two programs do not talk to each other for ever");
    reply(&host, &notice, ANA, 7, "#nonsense");
    assert_eq!(once_at(&world, "2026-03-06 11:30").await, [sent("answer", ANA)]);
    assert_eq!(file(&world, 1).steps.len(), 1, "nothing was done");
}

#[tokio::test]
async fn a_case_can_be_given_to_another_department_by_mail() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "2026-03-06 10:00");
    once_at(&world, "2026-03-06 10:00").await;
    reply(&host, &last(&world, ANA), ANA, 1, "#asignar board");
    assert_eq!(once_at(&world, "2026-03-06 10:05").await, [sent("handover", BOARD)]);
    assert_eq!(file(&world, 1).case.owner, Owner::department("board"));
}

#[tokio::test]
async fn a_customers_mail_in_the_thread_of_an_open_case_is_attached_to_it() {
    let Some(host) = ImapHost::start() else { return };
    let world = world(&host, "2026-03-06 10:00");
    world.serve("forum", rss([]));
    let mail = |number: u32, subject: &str, references: &str, words: &str| {
        host.deliver(
            "mentions",
            &format!(
                "From: Jens Hansen <jens@example.net>\nTo: mentions@example.com\nSubject: {subject}\nMessage-ID: <c{number}@example.net>\n\
                 {references}\n{words}\n"
            ),
        );
    };
    mail(1, "My Acme toaster", "", "The Acme toaster stopped working after two days. I am very disappointed.");
    once_at(&world, "2026-03-06 10:00").await;
    assert_eq!(file(&world, 1).mention.entry.id.as_deref(), Some("c1@example.net"));
    // An agent answered by mail; the customer writes back, and does not name the brand again.
    mail(
        2,
        "Re: My toaster",
        "References: <c1@example.net> <agent@example.com>\nIn-Reply-To: <agent@example.com>\n",
        "Thank you, it works great now!\n\nOn Fri, 6 Mar 2026 at 11:00, Ana <ana@example.com> wrote:\n> We are sorry, Acme",
    );
    mail(3, "Lunch", "", "Are you coming?");
    once_at(&world, "2026-03-06 12:00").await;
    let found = file(&world, 1);
    assert_eq!(found.later.len(), 1, "{:?}", found.steps);
    assert_eq!(found.later[0].mention.entry.text, "Thank you, it works great now!");
    assert_eq!(world.mentions().len(), 2, "what belongs to no case and names no brand is no mention");
}
