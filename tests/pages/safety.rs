//! "Nothing from a feed reaches a page unescaped"; "CSP, no third-party loads, CSRF-safe".

use crate::client::*;
use crate::support::world::{World, entry, free_address, rss, until};

/// Everything between `<` and `>`, quotes respected as a browser does.
fn tags(html: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        let (mut quote, mut end) = (None, rest.len());
        for (at, c) in rest.char_indices() {
            match (quote, c) {
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if c == open => quote = None,
                (None, '>') => {
                    end = at + 1;
                    break;
                }
                _ => {}
            }
        }
        found.push(&rest[..end]);
        rest = &rest[end..];
    }
    found
}

/// Only our own elements, nothing inline, nothing from elsewhere.
fn harmless(page: &Answer) {
    const KNOWN: [&str; 42] = [
        "!doctype", "html", "head", "meta", "title", "link", "body", "a", "header", "div", "nav", "form", "span",
        "input", "button", "main", "h1", "h2", "h3", "p", "label", "ul", "ol", "li", "dl", "dt", "dd", "strong",
        "section", "textarea", "script", "mark", "br", "bdi", "code", "pre", "select", "option", "details", "summary",
        "time", "small",
    ];
    for tag in tags(&page.body) {
        let name: String =
            tag.trim_start_matches(['<', '/']).chars().take_while(|c| !c.is_whitespace() && *c != '>').collect();
        assert!(KNOWN.contains(&name.as_str()), "{tag}");
        let attributes = tag.to_lowercase();
        for word in [" on", " style=", "srcdoc", "javascript:", "formaction"] {
            let inside_quotes = attributes.split('"').skip(1).step_by(2).any(|value| value.contains(word));
            let named = attributes.split('"').step_by(2).any(|part| part.contains(word));
            assert!(!named, "{tag}");
            assert!(!inside_quotes || name == "input" || name == "textarea", "{tag}");
        }
        for (at, _) in attributes.match_indices("src=\"") {
            assert!(attributes[at..].starts_with("src=\"/static/"), "{tag}");
        }
        if name == "a" && attributes.contains("href=\"http") {
            assert!(attributes.contains("rel=\"noopener noreferrer nofollow\""), "{tag}");
        }
    }
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
}

fn attacked(world: World) -> World {
    // Text to the feed's reader, not tags.
    let attack = ATTACK.replace('&', "&amp;").replace('<', "&lt;");
    let post = entry(&format!("Acme {attack}"))
        .id(ATTACK)
        .link("javascript:alert(document.domain)")
        .author(&attack)
        .site(&attack)
        .text(&format!("My Acme chair broke, terrible service, I want my money back! {attack}"));
    world.feed("forum", rss([post]))
}

#[tokio::test]
async fn nothing_a_stranger_wrote_is_more_than_text() {
    let (world, at) = world("en");
    let world = attacked(world);
    let daemon = world.run();
    let links = notice_links(&world, ANA).await;
    let ana = Person::sign_in(&world, &daemon, ANA).await;
    let liv = Person::sign_in(&world, &daemon, LIV).await;
    let asked = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27%3E";
    for path in [
        "/mentions",
        "/mentions/1",
        "/cases",
        "/cases/1",
        "/sources",
        &format!("/mentions?q={asked}"),
        &format!("/cases?department={asked}"),
        "/x",
    ] {
        for person in [&ana, &liv] {
            harmless(&person.get(path).await);
        }
    }
    for link in &links {
        harmless(&Person::stranger(at).get(link).await);
    }
    let page = ana.get("/mentions/1").await;
    page.says("&lt;script&gt;").lacks("href=\"javascript").says("{{ 7*7 }}");
    // What somebody types as a reason is a stranger's text too.
    let form = ana.get("/cases/1").await.field("form");
    let answer = ana.post("/cases/1", &format!("form={form}&deed=dismiss&reason={asked}")).await;
    assert_eq!(answer.status, 303);
    let page = ana.get("/cases/1").await;
    harmless(&page);
    page.says("&lt;script&gt;alert(1)");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn style_and_script_come_from_here() {
    let (world, at) = world("en");
    let daemon = world.run();
    let person = Person::stranger(at);
    let page = person.get("/sign-in").await;
    let style =
        page.body.split("href=\"").find(|rest| rest.starts_with("/static/")).unwrap().split('"').next().unwrap();
    let style = person.get(style).await;
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert!(style.header("cache-control").unwrap().contains("immutable"));
    assert!(!style.body.contains("url(") && !style.body.contains("@import"));
    let script = person.get("/static/x/copy.js").await;
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn without_sign_in_only_this_machine_is_answered() {
    let http = free_address();
    let world = World::new()
        .daemon(&format!("http = \"{http}\"\nsign_in = false"))
        .watch("acme", "acme", "brand@example.com")
        .department("support", &["complaint", "unresolved", "technical", "refund"])
        .feed("forum", complaint());
    let daemon = world.run();
    until("the mention", || world.mentions().len() == 1).await;
    let person = Person::stranger(http);
    let page = person.get("/cases/1").await;
    page.says("Maria Lopez").lacks("Sign out");
    // A name that somebody else made point here.
    for host in ["evil.example", "evil.example:8420", "127.0.0.1.evil.example", ""] {
        let answer = send(http, "GET", "/cases/1", &format!("Host: {host}\r\n"), "").await;
        assert_eq!(answer.status, 403, "{host}");
        answer.lacks("Maria");
    }
    assert_eq!(send(http, "GET", "/cases/1", "Host: localhost:8420\r\n", "").await.status, 200);
    assert_eq!(person.post("/cases/1", "deed=acknowledge").await.status, 403);
    let form = page.field("form");
    assert_eq!(person.post("/cases/1", &format!("form={form}&deed=acknowledge")).await.status, 303);
    daemon.stop().await.unwrap();
}
