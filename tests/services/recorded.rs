//! Answers of real services, recorded by others, are read by the presets' tables. They are no part of the project: where they
//! are missing, the test says so.
//!
//! Of each recording stand here how many entries it holds, and a sum (FNV-1a, 64 bits) over a line for each:
//! `id|link|seconds since 1970|likes|replies|reposts`, `?` for what is unknown and `-` for no time. Both were worked out from
//! the services' documentation, by other means than mentiond's tables.

use std::path::Path;

use jiff::Timestamp;
use mentiond::model::Table;
use mentiond::sources::feed::RawEntry;
use mentiond::sources::jetstream::{self, What};
use mentiond::sources::table::{Positions, Session, Step, Walk, Walked, one_answer};

use crate::fake::reply;
use crate::kinds::{KINDS, table};
use crate::support::world::shared;

/// Kind, file, entries, and the sum over them.
const RECORDED: &[(&str, &str, usize, u64)] = &[
    ("mastodon-tags", "mastodon/bigbone/tag_timeline.json", 20, 0xfd802c51bd8eaf22),
    ("mastodon-tags", "mastodon/bigbone/public_timeline.json", 20, 0x3f47fcd2b2b198e8),
    ("mastodon-tags", "mastodon/bigbone/trends_view_trending_statuses_success.json", 1, 0x0f61eefca142bb6f),
    ("mastodon-tags", "mastodon/rtoot-vcr/get_timeline_hashtag_anonymous.yml", 5, 0xbfba394706b298c2),
    ("mastodon-tags", "mastodon/rtoot-vcr/get_timeline_hashtag_default.yml", 5, 0x1d706d802bfcfa73),
    ("mastodon-tags", "mastodon/rtoot-vcr/get_timeline_hashtag_default_noparse.yml", 5, 0x1d706d802bfcfa73),
    ("mastodon-tags", "mastodon/rtoot-vcr/get_timeline_public_anonymous.yml", 20, 0x604f20294bcc7367),
    ("mastodon-tags", "mastodon/rtoot-vcr/get_timeline_public_default.yml", 20, 0x1452559c3f2d9cc0),
    ("mastodon-tags", "mastodon/rtoot-vcr/get_timeline_public_instance.yml", 20, 0x604f20294bcc7367),
    ("mastodon-tags", "mastodon/rtoot-vcr/get_timeline_public_instance_local.yml", 10, 0x56e05fdea3877444),
    ("mastodon-tags", "mastodon/rtoot-vcr/get_timeline_public_notparse.yml", 20, 0x8f0d2d7ff19d3a3a),
    ("mastodon-search", "mastodon/bigbone/search.json", 2, 0x3adfea51f72a61cf),
    ("mastodon-search", "mastodon/bigbone/search_for_statuses_ranging_ids.json", 4, 0x3347b6be71fdf8a9),
    ("mastodon-search", "mastodon/mastodonkit/Results.json", 1, 0x5c244187a402fdd5),
    (
        "mastodon-search",
        "mastodon/mastodon.py-vcr/cassettes_entity_tests/test_entity_searchv2.yaml",
        2,
        0xee046b44076f880a,
    ),
    ("bluesky-public", "bluesky/bskyr-vcr/f_search.yml", 25, 0x14a2ce0f2658852a),
    ("bluesky-public", "bluesky/bskyr-vcr/f_getquotes.yml", 2, 0x980b52de44c8be36),
    ("bluesky-public", "bluesky/twitwi/bluesky-posts.json", 118, 0x660f7543bc2cc872),
    ("hackernews", "hackernews-algolia/search_pollopt_nulls_2012.json", 1, 0x968e8f0d85cc824e),
    ("hackernews", "hackernews-algolia/search_story_with_highlight.json", 1, 0xd1f3d389b0401f7b),
    ("discourse-all", "discourse/discourse_api/posts_latest.json", 4, 0x5cce33719929d36e),
    ("discourse-search", "discourse/discourse_api_docs/search/query_response.json", 1, 0xb903fb6956d017b9),
    ("stackexchange", "stackexchange/perceval/stackexchange_question_page_2", 2, 0xddeef545e70df166),
    ("stackexchange", "stackexchange/perceval/stackexchange_question_backoff_page", 2, 0xddeef545e70df166),
    ("youtube-search", "youtube/apidata/search/search_by_developer.json", 5, 0xaa6b1aedd884fe5e),
    ("youtube-search", "youtube/apidata/search/search_by_keywords_p2.json", 25, 0x902224a450928f7a),
    ("youtube-search", "youtube/apidata/search/search_by_related_video.json", 5, 0xdd183912b02f107c),
    ("youtube-search", "youtube/apidata/search/search_videos_by_channel.json", 5, 0xd615a2ba1a240a9f),
    ("youtube-comments", "youtube/apidata/comment_threads/comment_threads_all_to_me.json", 4, 0xad2c5d8005dd8811),
    ("youtube-comments", "youtube/apidata/comment_threads/comment_threads_by_channel.json", 2, 0xc20eebf8b717c2f3),
    (
        "youtube-comments",
        "youtube/apidata/comment_threads/comment_threads_by_video_paged_1.json",
        5,
        0xb04476d53610d950,
    ),
    (
        "youtube-comments",
        "youtube/apidata/comment_threads/comment_threads_by_video_paged_2.json",
        5,
        0xb04476d53610d950,
    ),
    ("youtube-comments", "youtube/apidata/comment_threads/comment_threads_multi.json", 2, 0x610f9700e4ce465c),
    ("youtube-comments", "youtube/apidata/comment_threads/comment_threads_with_search.json", 1, 0xfef24ad709768ead),
    ("x", "x-v2/python-twitter/apis/searches/search_tweets_for_nyc.json", 10, 0xf824dbdaf37505dd),
    ("x", "x-v2/python-twitter/apis/searches/search_tweets_query.json", 4, 0xfa8f5f066622fe1a),
    ("x", "x-v2/python-twitter/apis/timeline/timeline_reverse_chronological.json", 5, 0xb323fa4b1200c542),
    ("x", "x-v2/python-twitter/apis/tweet/tweet_quote_tweets_resp.json", 15, 0x2a2e52d8b599c6d3),
    ("x", "x-v2/python-twitter/apis/tweet/tweets_by_user_bookmark.json", 5, 0xad9c2da6a418ed1c),
    ("x", "x-v2/python-twitter/apis/tweet/tweets_resp.json", 2, 0xcf88b404b301bd05),
    ("x", "x-v2/twitwi/payload-v2.json", 10, 0xe8b8df30c87e80ef),
    ("x", "x-v2/twitwi/payload-v2-geo.json", 2, 0x1211649b737fc96d),
    ("x", "x-v2/twitwi/payload-v2-video.json", 1, 0x3f8636ad80774122),
    ("x", "x-v2/twitwi/payload-v2-tweet-retweet.json", 6, 0xa9f17ac8f681b173),
    ("appstore", "apple-reviews/customerreviews_in_1592550875.partly_edited.json", 2, 0x91818c87f22773d2),
    ("reddit", "reddit/praw-cassettes/TestSubreddit.test_search.json", 6, 0x73a315ad07cce0d9),
    ("reddit", "reddit/praw-cassettes/TestSubredditListings.test_comments.json", 100, 0x6768d9d347d3d1a7),
    ("reddit", "reddit/praw-cassettes/TestSubredditListings.test_hot.json", 102, 0x8e51cd603c2a0a70),
    ("reddit", "reddit/praw-cassettes/TestSubredditListings.test_new.json", 100, 0x8d1a96ff98a8c72a),
    ("reddit", "reddit/praw-cassettes/TestSubredditListings.test_top.json", 100, 0xe6bef075f1f06d18),
    ("reddit", "reddit/praw-cassettes/TestSubredditStreams.test_comments__with_pause.json", 33, 0x1875020f857fc31b),
];

/// Which kinds are given every recording of a service, be it an answer to another question or of another time: nothing
/// may break, and nothing may pass for "there is no news".
const SERVICES: &[(&str, &[&str])] = &[
    ("mastodon", &["mastodon-tags", "mastodon-search"]),
    ("bluesky", &["bluesky-public"]),
    ("hackernews-algolia", &["hackernews"]),
    ("lemmy-activitypub", &["lemmy"]),
    ("discourse", &["discourse-all", "discourse-search"]),
    ("stackexchange", &["stackexchange"]),
    ("youtube", &["youtube-search", "youtube-comments"]),
    ("x-v1.1", &["x"]),
    ("x-v2", &["x"]),
    ("apple-reviews", &["appstore"]),
    ("reddit", &["reddit"]),
];

fn named(name: &str) -> std::sync::Arc<Table> {
    table(KINDS.iter().find(|kind| kind.name == name).unwrap())
}

/// What one page brings to a source that never asked.
fn read(table: &Table, body: &str) -> Walked {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let session = table.login.is_some().then(|| Session { token: mentiond::model::Secret::new("t"), refresh: None });
    let mut walk = Walk::new(table, Positions::default(), session, now);
    assert!(matches!(walk.step(), Step::Ask(_)));
    walk.answered(&reply(200, body, vec![]));
    walk.end()
}

fn line(entry: &RawEntry) -> String {
    let time = mentiond::sources::dates::parse(&entry.published).map(|at| at.as_second()).filter(|at| *at >= 0);
    let counts = &entry.engagement;
    let shown = |count: Option<u64>| count.map_or("?".to_owned(), |n| n.to_string());
    let time = time.map_or("-".to_owned(), |at| at.to_string());
    let counts = [counts.likes, counts.replies, counts.reposts].map(shown).join("|");
    format!("{}|{}|{time}|{counts}\n", entry.id, entry.link)
}

fn sum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The JSON bodies in a recording: the file itself, or the answers of a cassette (JSON or YAML).
fn bodies(file: &Path) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(file) else { return Vec::new() };
    if matches!(file.extension().and_then(|end| end.to_str()), Some("yml" | "yaml")) {
        return text.match_indices(" string: ").filter_map(|(at, word)| scalar(&text[at + word.len()..])).collect();
    }
    let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else { return vec![text] };
    match value["interactions"].as_array() {
        Some(all) => {
            let body = |one: &serde_json::Value| one["response"]["body"]["string"].as_str().map(str::to_owned);
            all.iter().filter_map(body).collect()
        }
        None => vec![text],
    }
}

/// The sign that so many hexadecimal digits stand for.
fn code(chars: &mut impl Iterator<Item = char>, digits: usize) -> Option<char> {
    let hex: String = chars.take(digits).collect();
    char::from_u32(u32::from_str_radix(&hex, 16).ok()?)
}

/// A quoted text of YAML (1.2, section 7.3), with lines folded.
fn scalar(text: &str) -> Option<String> {
    let mut chars = text.chars().peekable();
    let quote = chars.next().filter(|c| matches!(c, '"' | '\''))?;
    let mut out = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\'' if quote == c && chars.peek() == Some(&c) => out.extend(chars.next()),
            _ if c == quote => return Some(out),
            '\\' if quote == '"' => {
                match chars.next()? {
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    'r' => out.push('\r'),
                    'x' => out.push(code(&mut chars, 2)?),
                    'u' => out.push(code(&mut chars, 4)?),
                    'U' => out.push(code(&mut chars, 8)?),
                    '_' => out.push('\u{a0}'),
                    'L' => out.push('\u{2028}'),
                    // The line goes on, from where it does not begin with a space (or with one that is escaped).
                    '\n' => while chars.next_if(|c| *c == ' ').is_some() {},
                    other => out.push(other),
                }
            }
            '\n' => {
                let mut breaks = 0;
                while out.ends_with(' ') {
                    out.pop();
                }
                while let Some(c) = chars.next_if(|c| c.is_whitespace()) {
                    breaks += usize::from(c == '\n');
                }
                if breaks == 0 { out.push(' ') } else { out.push_str(&"\n".repeat(breaks)) }
            }
            c => out.push(c),
        }
    }
    None
}

#[test]
fn recorded_answers_are_read() {
    let mut wrong = Vec::new();
    for (name, file, entries, expected) in RECORDED {
        let Some(path) = shared(&format!("data/api/{file}")).filter(|path| path.exists()) else {
            println!("skipped: {file} is not here");
            continue;
        };
        let table = named(name);
        let mut lines = String::new();
        for body in bodies(&path) {
            // A list of posts as a search would give it.
            let body =
                if *file == "bluesky/twitwi/bluesky-posts.json" { format!("{{\"posts\":{body}}}") } else { body };
            let walked = read(&table, &body);
            let says_nothing = |e: &RawEntry| e.content.text.is_empty() && e.title.text.is_empty();
            let silent = walked.entries.iter().filter(|e| says_nothing(e)).count();
            println!("{file}: {} entries, {silent} without words", walked.entries.len());
            lines.extend(walked.entries.iter().map(line));
        }
        if (lines.lines().count(), sum(&lines)) != (*entries, *expected) {
            wrong.push(format!(
                "{file}: {} entries of {entries}, sum {:#018x}:\n{lines}",
                lines.lines().count(),
                sum(&lines)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_recording_of_another_kind_passes_for_calm() {
    let Some(root) = shared("data/api") else { return };
    for (folder, names) in SERVICES {
        let (mut read_as, mut refused) = (0, 0);
        for name in *names {
            let table = named(name);
            for file in walkdir(&root.join(folder)) {
                for body in bodies(&file) {
                    let walked = read(&table, &body);
                    let value: Option<serde_json::Value> = serde_json::from_str(&body).ok();
                    match &walked.fault {
                        Some(fault) => {
                            refused += 1;
                            assert!(fault.message.len() > 20 && walked.entries.is_empty(), "{file:?}: {fault:?}");
                        }
                        None => {
                            read_as += 1;
                            let value = value.unwrap_or_else(|| panic!("{file:?} is no JSON, and was taken"));
                            let paths = table.items.iter().chain(&table.no_items);
                            let holds = paths.clone().any(|path| path.has_place(&value));
                            // Services that say "nothing here" in their own words.
                            let told = value.get("error").is_some();
                            assert!(holds || told, "{file:?} passes for calm with {name}");
                        }
                    }
                    assert!(walked.entries.iter().all(|entry| !entry.id.is_empty()), "{file:?}");
                }
            }
        }
        println!("{folder}: {read_as} bodies were read, {refused} refused");
        assert!(read_as + refused > 0, "nothing in {folder}");
    }
}

fn walkdir(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(walkdir(&path)) } else { out.push(path) }
    }
    out.sort();
    out
}

/// What is asked of a single item.
#[test]
fn recorded_items_are_counted_again() {
    use mentiond::model::Engagement;
    use mentiond::sources::table::Found;
    let there = |likes, replies, reposts| Found::There(Engagement { likes, replies, reposts });
    for (name, file, status, found) in [
        ("mastodon-tags", "mastodon/bigbone/status.json", 200, there(Some(0), None, Some(0))),
        ("mastodon-tags", "mastodon/bigbone/error_404.json", 404, Found::Gone),
        ("youtube-search", "youtube/apidata/videos/videos_info_single.json", 200, there(None, None, None)),
        (
            "youtube-comments",
            "youtube/apidata/comment_threads/comment_threads_with_search.json",
            200,
            there(Some(0), Some(0), None),
        ),
        (
            "discourse-search",
            "discourse/discourse_api_docs/posts/get_post_response.json",
            200,
            there(None, Some(0), None),
        ),
        ("stackexchange", "stackexchange/perceval/stackexchange_question_page_2", 200, there(Some(1), Some(1), None)),
        ("x", "x-v2/python-twitter/apis/tweet/tweets_resp.json", 200, there(None, None, None)),
    ] {
        let Some(body) = shared(&format!("data/api/{file}")).and_then(|path| std::fs::read_to_string(path).ok()) else {
            println!("skipped: {file} is not here");
            continue;
        };
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let told = one_answer(&named(name), &mut Positions::default(), &reply(status, &body, vec![]), "s.example", now);
        assert_eq!(told.unwrap().0, found, "{file}");
    }
}

/// The stream's recordings: how many events, posts written, posts taken back.
#[test]
fn recorded_streams_are_read() {
    for (file, events, posts, deleted) in [
        ("bluesky/jetstream/internal/subscribe/testdata/golden_v1.jsonl", 10, 1, 0),
        ("bluesky/jetstream/internal/corpus/testdata/expected_v1.jsonl", 152, 17, 1),
        ("bluesky/twitwi/bluesky-firehose-posts.json", 9, 9, 0),
    ] {
        let Some(text) = shared(&format!("data/api/{file}")).and_then(|path| std::fs::read_to_string(path).ok()) else {
            println!("skipped: {file} is not here");
            continue;
        };
        let frames: Vec<String> = match serde_json::from_str::<Vec<serde_json::Value>>(&text) {
            Ok(list) => list.iter().map(ToString::to_string).collect(),
            Err(_) => text.lines().map(str::to_owned).collect(),
        };
        let (mut written, mut gone) = (0, 0);
        for frame in &frames {
            match jetstream::read(frame).unwrap().what {
                What::Post { post, record, .. } => {
                    written += 1;
                    let entry = jetstream::entry(&post, record, Timestamp::UNIX_EPOCH);
                    let whole: serde_json::Value = serde_json::from_str(record.get()).unwrap();
                    let first = whole["text"].as_str().unwrap().split_whitespace().next().unwrap_or_default();
                    assert!(entry.text.contains(first), "{file}: {:?}", entry.id);
                    assert_eq!(entry.parent.is_some(), whole.get("reply").is_some(), "{file}: {:?}", entry.id);
                }
                What::Deleted(_) => gone += 1,
                What::Other => {}
            }
        }
        assert_eq!((frames.len(), written, gone), (events, posts, deleted), "{file}");
    }
}
