//! Answers of real services, recorded by others, are read by the presets' tables. They are no part of the project: where they
//! are missing, the test says so.

use jiff::Timestamp;
use mentiond::model::table::ResumeBy;
use mentiond::sources::table::{Positions, Step, Walk};

use crate::fake::reply;
use crate::kinds::{KINDS, table};
use crate::support::world::shared;

/// Kind, file, and how many entries it holds.
const RECORDED: [(&str, &str, usize); 6] = [
    ("mastodon-tags", "mastodon/bigbone/tag_timeline.json", 2),
    ("mastodon-tags", "mastodon/bigbone/public_timeline.json", 3),
    ("mastodon-search", "mastodon/bigbone/search.json", 1),
    ("hackernews", "hackernews-algolia/search_story_with_highlight.json", 1),
    ("discourse-search", "discourse/discourse_api_docs/search/query_response.json", 1),
    ("appstore", "apple-reviews/customerreviews_in_1592550875.partly_edited.json", 1),
];

#[test]
fn recorded_answers_are_read() {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let mut told = String::new();
    for (name, file, entries) in RECORDED {
        let Some(body) = shared(&format!("data/api/{file}")).and_then(|path| std::fs::read_to_string(path).ok()) else {
            println!("skipped: {file} is not here");
            continue;
        };
        let table = table(KINDS.iter().find(|kind| kind.name == name).unwrap());
        let mut walk = Walk::new(&table, Positions::default(), None, now);
        assert!(matches!(walk.step(), Step::Ask(_)));
        walk.answered(&reply(200, &body, vec![]));
        let walked = walk.end();
        assert_eq!(walked.fault, None, "{file}");
        let at = &walked.entries;
        told.push_str(&format!("{file}: {} entries\n", at.len()));
        assert!(at.len() >= entries, "{file}: {} entries", at.len());
        for entry in at {
            assert!(!entry.id.is_empty() && !entry.published.is_empty(), "{file}: {}", entry.id);
            assert!(
                !entry.content.text.is_empty() || !entry.title.text.is_empty(),
                "{file}: {} says nothing",
                entry.id
            );
            // Some were cut down by those who recorded them.
            assert!(entry.link.is_empty() || entry.link.starts_with("http"), "{file}: {:?}", entry.link);
        }
        if table.resume.by == ResumeBy::Time {
            assert!(at.iter().all(|entry| mentiond::sources::dates::parse(&entry.published).is_some()), "{file}");
        }
    }
    print!("{told}");
}
