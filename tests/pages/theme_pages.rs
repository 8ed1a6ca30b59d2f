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
        .says("Opened: 3 people have it");
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
