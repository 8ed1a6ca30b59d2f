//! The pages as people see them: Chromium without a screen, at the width of a phone and of a desk, light and dark, with
//! the accessibility rules of axe-core.
//!
//! Chromium makes no window narrower than 500 pixels, so every page stands in a frame of the width that is meant. With
//! `MENTIOND_SCREENSHOTS=FOLDER` pictures of all of them are kept there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::SignedDuration;
use mentiond::store::record::ThemeFilter;
use serde_json::Value;

use crate::client::*;
use crate::support::web::Reply;

use crate::support::world::{entry, rss, until};

/// Pixels of a phone's and a desk's window.
const WIDTHS: [u32; 2] = [375, 1280];

/// A page by name.
struct Shot {
    name: String,
    html: String,
}

fn chromium() -> Option<PathBuf> {
    let found = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].map(PathBuf::from);
    let found = found.into_iter().find(|path| path.exists());
    if found.is_none() {
        println!("skipped: Chromium is not installed (Debian's package is `chromium`)");
    }
    found
}

fn axe() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/package/axe.min.js");
    if path.exists() {
        return Some(path);
    }
    println!("skipped: there is no {}; tests/run fetches it", path.display());
    None
}

/// A world in which every page has something to show.
async fn pages() -> Vec<Shot> {
    let (world, at) = world("en");
    let posts = rss([
        entry("Acme broke my chair").id(1).link("https://forum.example/1").author("Maria Lopez").text(
            "My Acme chair broke on the second day and nobody answers me. Terrible service! Call me: +34 612 345 678.",
        ),
        entry("Third week without an answer from Acme")
            .id(2)
            .link("https://forum.example/2")
            .author("Jonas Friis")
            .text("I wrote to Acme support three times about a broken table and nobody answers. I want my money back."),
        entry("Thank you Acme")
            .id(3)
            .link("https://forum.example/3")
            .author("Kim")
            .text("Thank you Acme, the best chairs in the world, wonderful people!"),
        entry("How do I clean an Acme sofa?")
            .id(4)
            .link("https://forum.example/4")
            .text("Does anybody know how to clean the cover of an Acme sofa?"),
        entry("Acme app")
            .id(6)
            .author("Ole Berg")
            .text("The Acme app logs me out every five minutes since the last update. Not working at all!"),
        entry("Logged out again")
            .id(7)
            .author("Ana Diaz")
            .text("Since the update the Acme app logs me out all the time. The app is not working."),
        entry(&"Acmeverylongwordwithoutanyspace".repeat(6)).id(5).text("acme and more words"),
    ]);
    let world = world.feed("forum", posts).feed("down", Reply::status(500));
    let daemon = world.run();
    let links = notice_links(&world, ANA).await;
    until("all polls", || world.record().source_states().unwrap().len() == 2).await;
    let ana = Person::sign_in(&world, &daemon, ANA).await;
    let liv = Person::sign_in(&world, &daemon, LIV).await;
    let stranger = Person::stranger(at);
    world.pass(SignedDuration::from_hours(5));
    let mut shots = Vec::new();
    let style = stranger.get("/static/x/style.css").await.body;
    let mut keep = |name: &str, page: Answer| {
        let (head, body) = page.body.split_once("</head>").unwrap();
        shots.push(Shot { name: name.to_owned(), html: format!("{head}<style>{style}</style></head>{body}") });
    };
    keep("inbox", ana.get("/mentions").await);
    keep("inbox-mistake", ana.get("/mentions?q=chair+categry%3Apraise").await);
    keep("mention", ana.get("/mentions/1").await);
    keep("mention-masked", liv.get("/mentions/1").await);
    keep("cases", ana.get("/cases").await);
    keep("case", ana.get("/cases/1?done=1").await);
    keep("themes", ana.get("/themes?all=1").await);
    keep("theme", ana.get("/themes/1").await);
    // Everything that can be done with it, and what was not.
    let shared = world.record().themes(&ThemeFilter { limit: 1, ..ThemeFilter::default() }).unwrap()[0].theme.id;
    let mut open = ana.get(&format!("/themes/{shared}")).await;
    let form = open.field("form");
    open.body = open.body.replace("<details>", "<details open>");
    keep("theme-acts", open);
    keep("theme-refused", ana.post(&format!("/themes/{shared}"), &format!("form={form}&deed=split")).await);
    keep("inbox-of-a-digest", ana.get("/mentions?department=support&from=2026-01-01T00%3A00%3A00Z").await);
    keep("cases-overdue", ana.get("/cases?overdue=1").await);
    keep("sources", ana.get("/sources").await);
    keep("act", stranger.get(&links[0]).await);
    keep("act-assign", stranger.get(&links[3]).await);
    keep("sign-in", stranger.get("/sign-in").await);
    stranger.post(&links[0], "").await;
    keep("act-done", stranger.get(&links[0]).await);
    daemon.stop().await.unwrap();
    shots
}

/// For an attribute in double quotes.
fn quoted(html: &str) -> String {
    html.replace('&', "&amp;").replace('"', "&quot;")
}

fn run(chromium: &Path, arguments: &[String]) -> String {
    let mut command = Command::new(chromium);
    let profile = tempfile::tempdir().unwrap();
    command.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--hide-scrollbars",
    ]);
    command.arg(format!("--user-data-dir={}", profile.path().display())).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn scheme(dark: bool) -> String {
    format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 })
}

/// Looks at all pages at all widths in one colour scheme; what axe-core and the width found wrong.
fn examine(chromium: &Path, axe: &Path, shots: &[Shot], dark: bool) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(axe, folder.path().join("axe.js")).unwrap();
    let mut frames = String::new();
    for shot in shots {
        for width in WIDTHS {
            let name = format!("{} at {width}", shot.name);
            let script = format!(
                "<script src=axe.js></script><script>addEventListener('load', async () => {{ const e = document.documentElement; \
                 const r = await axe.run(document, {{ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }}); \
                 parent.told({{ name: '{name}', dark: matchMedia('(prefers-color-scheme: dark)').matches, wide: e.scrollWidth - innerWidth, \
                 passes: r.passes.length, violations: r.violations.map(v => [v.impact, v.id, v.nodes.map(n => n.html + ' ' + n.failureSummary).join(' | ')]) }}); }});</script>"
            );
            let html = quoted(&shot.html.replace("</body>", &format!("{script}</body>")));
            write!(frames, "<iframe title=\"{name}\" width={width} height=2000 srcdoc=\"{html}\"></iframe>").unwrap();
        }
    }
    let count = shots.len() * WIDTHS.len();
    let wrapper = format!(
        "<!doctype html><html lang=en style='color-scheme: light dark'><body><pre id=out></pre><script>const all = []; \
         function told(one) {{ all.push(one); if (all.length === {count}) out.textContent = '[[' + btoa(unescape(encodeURIComponent(JSON.stringify(all)))) + ']]'; }}</script>{frames}"
    );
    let path = folder.path().join("all.html");
    std::fs::write(&path, wrapper).unwrap();
    let dom = run(
        chromium,
        &[
            scheme(dark),
            "--window-size=1400,2000".into(),
            "--virtual-time-budget=120000".into(),
            "--dump-dom".into(),
            format!("file://{}", path.display()),
        ],
    );
    let packed = dom.rsplit_once("<pre id=\"out\">[[").unwrap_or_else(|| panic!("not all pages were examined")).1;
    let packed = packed.split_once("]]").unwrap().0;
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, packed).unwrap();
    let results: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(results.len(), count);
    let mut wrong = Vec::new();
    for result in &results {
        let name = result["name"].as_str().unwrap();
        assert_eq!(result["dark"].as_bool(), Some(dark), "{name}");
        assert!(result["passes"].as_u64().unwrap() >= 8, "{name}: axe looked at next to nothing");
        if result["wide"].as_i64().unwrap() > 0 {
            wrong.push(format!("{name}: {} pixels too wide", result["wide"]));
        }
        for violation in result["violations"].as_array().unwrap() {
            wrong.push(format!("{name} (dark: {dark}): {violation}"));
        }
    }
    println!("{} pages × {} widths, dark: {dark}: {} findings", shots.len(), WIDTHS.len(), wrong.len());
    wrong
}

#[tokio::test]
async fn every_page_is_accessible_at_every_width_and_in_both_colours() {
    let (Some(chromium), Some(axe)) = (chromium(), axe()) else { return };
    let shots = pages().await;
    for shot in &shots {
        // What axe-core leaves to whole documents.
        let html = &shot.html;
        assert!(
            html.contains("<html lang=\"en\">")
                && html.contains("<main id=\"content\"")
                && html.contains("class=\"skip\"")
        );
        assert_eq!(html.matches("<h1").count(), 1, "{}", shot.name);
        let title = html.split_once("<title>").unwrap().1;
        assert!(title.find(" – mentiond</title>").unwrap() > 3, "{}", shot.name);
    }
    let wrong: Vec<String> = [false, true].iter().flat_map(|dark| examine(&chromium, &axe, &shots, *dark)).collect();
    if let Some(folder) = std::env::var_os("MENTIOND_SCREENSHOTS") {
        pictures(&chromium, &shots, Path::new(&folder));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn pictures(chromium: &Path, shots: &[Shot], folder: &Path) {
    let pages = tempfile::tempdir().unwrap();
    for shot in shots {
        for (width, dark) in [(375, false), (375, true), (500, true), (1000, false), (1280, false), (1280, true)] {
            let height = if width < 1000 { 1500 } else { 1000 };
            let wrapper = format!(
                "<!doctype html><html style='color-scheme: light dark'><body style='margin:0'><iframe style='border:0;display:block' width={width} height={height} srcdoc=\"{}\"></iframe>",
                quoted(&shot.html)
            );
            let path = pages.path().join("page.html");
            std::fs::write(&path, wrapper).unwrap();
            let to = folder.join(format!("{}-{width}-{}.png", shot.name, if dark { "dark" } else { "light" }));
            run(
                chromium,
                &[
                    scheme(dark),
                    format!("--window-size={},{height}", width.max(500)),
                    format!("--screenshot={}", to.display()),
                    format!("file://{}", path.display()),
                ],
            );
        }
    }
}
