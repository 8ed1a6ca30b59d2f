//! "A theme: different mentions about the same issue", as its pages show it: the list, one theme with its course and its
//! mentions, the link in the dossier, and what is kept from whom.

use crate::client::*;
use crate::support::world::{entry, rss, until};

#[tokio::test]
async fn a_theme_has_a_page_with_its_people_and_its_history() {
    let (world, http) = world("en");
    let said = [
        ("Jens Hansen", "The Acme app logs me out every five minutes since the last update. Not working at all!"),
        ("Maria Silva", "Since the update the Acme app logs me out all the time. The app is not working."),
        ("Ole Berg", "Acme app logs me out again and again since the update, it is not working."),
    ];
    let posts = said.iter().enumerate().map(|(n, (author, text))| {
        entry(&format!("Acme {n}")).id(n).link(&format!("https://forum.example/{n}")).author(author).text(text)
    });
    let world = world.feed("forum", rss(posts));
    let daemon = world.run();
    until("the dossier", || world.mails().iter().any(|mail| mail.kind == "dossier")).await;
    let dossier = world.mails().into_iter().find(|mail| mail.kind == "dossier").unwrap();
    let page = format!("http://{http}/themes/1");
    assert!(dossier.text.contains(&page) && dossier.html.contains(&page), "{}", dossier.text);

    let ana = Person::sign_in(&world, &daemon, ANA).await;
    let list = ana.get("/themes").await;
    list.says("href=\"/themes/1\"").says("People: 3, mentions: 3").says("open").says(", Customer Service");
    let theme = ana.get("/themes/1").await;
    theme
        .says("Maria Silva")
        .says("Mentions in its latest seven days: 3")
        .says("<rect")
        .says("Opened; people who have it: 3");
    theme.says("href=\"/mentions/1\"").says("in common:");
    let case = theme.body.split("href=\"/cases/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    ana.get(&format!("/cases/{case}")).await.says("href=\"/themes/1\"");

    // Another department sees what it is about, and no names.
    let liv = Person::sign_in(&world, &daemon, LIV).await;
    liv.get("/themes/1").await.says("logs me out").lacks("Maria Silva").lacks("in common:");
    assert_eq!(ana.get("/themes/99").await.status, 404);
    assert_eq!(ana.get("/themes/one").await.status, 404);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_theme_is_acted_on_by_those_who_take_care_of_it() {
    let (world, _) = world("en");
    let said = [
        ("Jens Hansen", "The Acme app logs me out every five minutes since the last update. Not working at all!"),
        ("Maria Silva", "Since the update the Acme app logs me out all the time. The app is not working."),
        ("Ole Berg", "Acme app logs me out again and again since the update, it is not working."),
        ("Kim Sand", "The Acme app logs me out since the update, every single time. Not working."),
    ];
    let posts = said.iter().enumerate().map(|(n, (author, text))| {
        entry(&format!("Acme {n}")).id(n).link(&format!("https://forum.example/{n}")).author(author).text(text)
    });
    let world = world.feed("forum", rss(posts));
    let daemon = world.run();
    until("the theme", || world.mails().iter().any(|mail| mail.kind == "dossier") && world.mentions().len() == 4).await;
    let ana = Person::sign_in(&world, &daemon, ANA).await;
    let page = ana.get("/themes/1").await;
    page.says("Give it another name").says("Close it").says("Part mentions from it").lacks("Make it part of another");
    let form = page.field("form");
    let act = |rest: &str| format!("form={form}&{rest}");
    let theme = |id: i64| world.record().theme(id).unwrap().unwrap();

    // Another department looks, and touches nothing; nor does a form of another site.
    let liv = Person::sign_in(&world, &daemon, LIV).await;
    let theirs = liv.get("/themes/1").await;
    theirs.lacks("Give it another name");
    let mark = liv.get("/mentions").await.field("form");
    assert_eq!(liv.post("/themes/1", &format!("form={mark}&deed=close")).await.status, 404);
    for forged in ["deed=close", "form=&deed=close", "form=x&deed=close"] {
        assert_eq!(ana.post("/themes/1", forged).await.status, 403);
    }
    assert_eq!(theme(1).row.theme.status.as_str(), "open");

    let mentions: Vec<i64> = theme(1).mentions.iter().map(|m| m.mention.id).collect();
    let every = mentions.iter().map(|id| format!("&mention={id}")).collect::<String>();
    for (wrong, says) in [
        ("deed=explode".to_owned(), "not known"),
        ("deed=rename&name=++".to_owned(), "Write a name"),
        ("deed=merge".to_owned(), "Choose another theme"),
        ("deed=merge&into=1".to_owned(), "Choose another theme"),
        ("deed=merge&into=99".to_owned(), "Choose another theme"),
        ("deed=split".to_owned(), "Tick at least one"),
        (format!("deed=split{every}"), "Tick at least one"),
        ("deed=split&mention=99".to_owned(), "not in this theme any more"),
        ("deed=split&mention=x".to_owned(), "not in this theme any more"),
    ] {
        let answer = ana.post("/themes/1", &act(&wrong)).await;
        assert_eq!(answer.status, 409, "{wrong}");
        answer.says(says).says("role=\"alert\"");
    }

    let to = |answer: &Answer| answer.header("location").unwrap_or_default().to_owned();
    let renamed = ana.post("/themes/1", &act("deed=rename&name=Logged+%3Cb%3Eout")).await;
    assert_eq!((renamed.status, to(&renamed).ends_with("/themes/1?done=1")), (303, true));
    ana.get("/themes/1?done=1").await.says("Done.").says("Logged &lt;b&gt;out").says("Ana Ruiz");
    let parted = ana.post("/themes/1", &act(&format!("deed=split&mention={}", mentions[3]))).await;
    assert!(to(&parted).ends_with("/themes/2?done=1"), "{}", to(&parted));
    ana.get("/themes/1").await.says("Make it part of another").says("<option value=\"2\">");
    let merged = ana.post("/themes/2", &act("deed=merge&into=1")).await;
    assert!(to(&merged).ends_with("/themes/1?done=1"), "{}", to(&merged));
    // A mail may name the theme that is gone: its page leads to where it is now.
    let gone = ana.get("/themes/2").await;
    assert_eq!((gone.status, to(&gone).ends_with("/themes/1")), (303, true));
    assert_eq!(ana.post("/themes/1", &act("deed=close&reason=mended")).await.status, 303);
    let closed = ana.get("/themes/1").await;
    closed.says("Closed: mended").lacks("Close it</button>");
    ana.post("/themes/1", &act("deed=close")).await.says("closed already");
    assert_eq!(theme(1).row.theme.status.as_str(), "closed");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn without_themes_the_page_says_so() {
    let (world, _) = world("da");
    let world = world.feed("forum", complaint());
    let daemon = world.run();
    until("the mention", || world.mentions().len() == 1).await;
    let ana = Person::sign_in(&world, &daemon, ANA).await;
    ana.get("/themes").await.says("Ingen deler et problem med andre endnu.");
    ana.get("/themes?all=1").await.says("href=\"/themes/1\"").says("vokser");
    daemon.stop().await.unwrap();
}
