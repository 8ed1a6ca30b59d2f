//! Feeds as the world really serves them, against answers found another way. Skipped, and said so, without the corpus.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mentiond::model::Identity;
use mentiond::sources::feed::parse_feed;

use crate::support::smtp::Script;
use crate::support::web::Reply;
use crate::support::world::{World, shared};

const BRAND: &str = "brand@example.com";

/// The publisher's own links of a Google Alerts feed, found with plain string search: `url=` of each redirector link.
fn publishers(feed: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in feed.split("<entry>").skip(1) {
        let link = part.split("<link href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
        let inner = link.split("&url=").nth(1).unwrap().split("&ct=").next().unwrap();
        found.push(percent_decoded(inner));
    }
    found
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes()).next().unwrap().1.into_owned()
}

#[tokio::test]
async fn every_entry_of_a_real_google_alert_is_a_mention_with_a_clean_title_and_the_publishers_link() {
    let Some(file) = shared("data/feeds/google-alerts/google_alerts_atom.xml") else { return };
    let feed = std::fs::read_to_string(file).unwrap();
    let links = publishers(&feed);
    let world = World::new().mail("max_per_hour = 1000").relay(Script::default());
    world.serve("alert", Reply::ok(feed.clone()).header("Content-Type", "application/atom+xml; charset=UTF-8"));
    let url = world.web.url("/alert");
    // No word of the query stands in the feed: the alert itself is the search.
    let world = world
        .watch("brand", "zzyzx", BRAND)
        .toml(&format!("[sources.alert]\nkind = \"feed\"\nurl = \"{url}\"\nwatchlists = [\"brand\"]\nmatch = \"all\""));
    let round = world.once().await;
    assert!(links.len() >= 10, "{} entries", links.len());
    assert_eq!((round.entries as usize, round.mentions + round.duplicates), (links.len(), round.entries));
    let mentions = world.mentions();
    let found: BTreeSet<_> = mentions.iter().filter_map(|m| m.mention.entry.url.clone()).collect();
    let wanted: BTreeSet<String> = links.iter().map(|l| url::Url::parse(l).unwrap().to_string()).collect();
    assert_eq!(found, wanted);
    let mails = world.mails_to(BRAND);
    assert_eq!(mails.len() as u64, round.mentions);
    for mail in &mails {
        for mark in ["<b>", "</b>", "&amp;", "&#39;", "&nbsp;", "&quot;"] {
            assert!(
                !mail.subject.contains(mark) && !mail.text.contains(mark),
                "{mark}: {}\n{}",
                mail.subject,
                mail.text
            );
        }
        assert!(!mail.text.contains("google.com/url") && !mail.html.contains("google.com/url"), "{}", mail.text);
        assert!(wanted.iter().any(|link| mail.text.contains(link)), "{}", mail.text);
    }
}

/// The words that the watchlist looks for; each occurs in the corpus.
const NAMES: [&str; 5] = ["python", "linux", "google", "microsoft", "wordpress"];

/// A plain word search: some name stands in the text with no letter or digit beside it.
fn contains_a_name(text: &str) -> bool {
    let text = text.to_lowercase();
    NAMES.iter().any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + name.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
    })
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if !path.file_name().unwrap().to_string_lossy().starts_with('.') {
            out.push(path);
        }
    }
}

/// Title, text and site of an entry: what the watchlist may find it by, and what tells it apart.
type Words = (String, String);

#[tokio::test]
async fn five_names_over_all_real_feeds_are_what_a_plain_word_search_finds() {
    let Some(corpus) = shared("data/feeds") else { return };
    let mut paths = Vec::new();
    files(&corpus, &mut paths);
    paths.sort();
    let world = World::new().mail("transport = \"directory\"\ndirectory = \"out\"");
    let now = world.clock.now();
    let mut wanted: Vec<BTreeSet<Words>> = Vec::new();
    let mut sources = String::new();
    for path in &paths {
        // What the file's entries say, without anything of the path under test but the parser.
        let body = std::fs::read(path).unwrap();
        let Ok(feed) = parse_feed(&body, None, url::Url::from_file_path(path).ok().as_ref(), 10_000) else { continue };
        let entries = feed.entries.iter().map(|raw| raw.to_entry(Identity([0; 16]), &feed.info, now));
        let hits: BTreeSet<Words> = entries
            .filter(|e| contains_a_name(&format!("{} \n {}", e.title, e.text)))
            .map(|e| (e.title, e.text))
            .collect();
        if !feed.entries.is_empty() {
            let number = wanted.len();
            sources += &format!("[sources.s{number}]\nkind = \"feed\"\npath = '{}'\n", path.display());
            wanted.push(hits);
        }
    }
    let query = NAMES.map(|name| format!("title:{name} OR body:{name}")).join(" OR ");
    let world = world.toml(&format!("[watchlists.products]\nquery = '{query}'\n{sources}"));
    let round = world.once().await;
    assert_eq!((round.polled as usize, round.failed), (wanted.len(), 0), "{:?}", round.failures);

    let mut found: Vec<BTreeSet<Words>> = vec![BTreeSet::new(); wanted.len()];
    for row in world.mentions() {
        let number: usize = row.mention.source[1..].parse().unwrap();
        found[number].insert((row.mention.entry.title, row.mention.entry.text));
    }
    let cut = |(title, text): &Words| (title.clone(), text.chars().take(200).collect::<String>());
    let mut differences = Vec::new();
    let (mut plain, mut ours) = (0, 0);
    for (number, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
        plain += wanted.len();
        ours += found.len();
        // The record keeps a window of a long text, so long ones are told apart by their title alone.
        let key = |w: &Words| if w.1.len() > 16 * 1024 { (w.0.clone(), String::new()) } else { cut(w) };
        let wanted: BTreeSet<_> = wanted.iter().map(key).collect();
        let found: BTreeSet<_> = found
            .iter()
            .map(|w| if w.1.len() + 4 > 16 * 1024 { (w.0.clone(), String::new()) } else { cut(w) })
            .collect();
        differences.extend(wanted.difference(&found).map(|w| format!("s{number}: not found: {w:?}")));
        differences.extend(found.difference(&wanted).map(|w| format!("s{number}: found too: {w:?}")));
    }
    println!("{} feeds, {} entries: the plain search finds {plain}, the watchlist {ours}", found.len(), round.entries);
    println!("{} mentions, {} copies of known stories", round.mentions, round.duplicates);
    assert!(plain >= 50, "only {plain} in the corpus");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
