//! One item, asked for again: how it moves people now, and whether its author took it back. What is asked for here must
//! never cost the polls their requests, so it stops while there is still something left for them.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::budget;
use super::faults::{self, Judged};
use super::position::Positions;
use super::read;
use super::request::{self, Reply, Request, Values};
use super::walk::Session;
use crate::model::table::{One, Table};
use crate::model::{Engagement, PollFault};

/// Requests that a service says are left, of which single items take none.
const LEFT_FOR_POLLS: u64 = 50;

/// What an answer says of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is there; what is not counted is unknown.
    There(Engagement),
    /// Its author, or the service, took it away.
    Gone,
    /// Neither can be told.
    Unclear,
}

/// The request for an item by the source's own id and its address; its units are used up. `None`: this service has no such
/// request, or what is left is for the polls.
pub fn request(
    table: &Table,
    at: &mut Positions,
    session: Option<&Session>,
    id: &str,
    url: Option<&str>,
    now: Timestamp,
) -> Option<Request> {
    let one = table.one.as_ref()?;
    if at.left.is_some_and(|left| left < LEFT_FOR_POLLS) || (table.login.is_some() && session.is_none()) {
        return None;
    }
    if one.signed && table.secret.is_none() {
        return None;
    }
    let values: Vec<(String, String)> = table
        .options
        .iter()
        .filter_map(|(name, values)| match values.as_slice() {
            [value] => Some((name.clone(), value.clone())),
            _ => None,
        })
        .collect();
    let values = Values {
        combination: &values,
        id: Some(id),
        url,
        now: Some(now),
        user: table.user.as_deref(),
        ..Values::default()
    };
    // A place without a value would ask for something else.
    let needs_url = super::request::names(&one.ask).any(|name| name == "url");
    if needs_url && url.is_none() {
        return None;
    }
    let secret = session.map(|s| &s.token).or(table.secret.as_ref());
    let request = request::build(&one.ask, &table.auth, secret, &values, None).ok()?;
    (one.apart || budget::take_spare(table, at, now)).then_some(request)
}

/// What an answer to [`request`] says, and how long the service wants to be left alone after it.
///
/// # Errors
/// It refused: nothing more should be asked now.
pub fn answer(
    table: &Table,
    at: &mut Positions,
    reply: &Reply,
    host: &str,
    now: Timestamp,
) -> Result<(Found, Option<Duration>), PollFault> {
    let Some(one) = &table.one else { return Ok((Found::Unclear, None)) };
    let mut wait = faults::exhausted(table, reply, now);
    // A page in words is some proxy's; a service that has no such item says so in its own way.
    let is_own = reply.body.iter().all(u8::is_ascii_whitespace) || serde_json::from_slice::<Value>(&reply.body).is_ok();
    if one.gone.contains(&reply.status) {
        return Ok((if is_own { Found::Gone } else { Found::Unclear }, wait));
    }
    let value = match faults::judge(table, reply, host, now) {
        Judged::Good(value) => value,
        Judged::Nothing | Judged::Stale => return Ok((Found::Unclear, wait)),
        // Not found, but not in a way that says that it was there: others are asked for all the same.
        Judged::Fault(_) if reply.status == 404 => return Ok((Found::Unclear, wait)),
        Judged::Fault(fault) | Judged::Expired(fault) => return Err(fault),
    };
    if let Some(left) = table.left.as_ref().and_then(|path| path.first(&value)).and_then(Value::as_u64) {
        at.left = Some(left);
    }
    if let Some(asked) = table.wait.as_ref().and_then(|path| path.first(&value)).and_then(faults::seconds) {
        wait = wait.max(Some(asked));
    }
    let items = read::listed(&one.items, &value);
    budget::pay(table, at, items.len(), 0, now);
    let found = match items.first() {
        None if one.empty && is_list(&value) => Found::Gone,
        None => Found::Unclear,
        Some(item) if one.tombstone.iter().any(|path| path.first(item).is_some_and(|value| stands(one, value))) => {
            Found::Gone
        }
        Some(item) => Found::There(read::counts(one, item)),
    };
    Ok((found, wait))
}

/// An answer that lists nothing is an object all the same.
fn is_list(value: &Value) -> bool {
    matches!(value, Value::Object(_))
}

/// Whether what is found in a tombstone's place is one.
fn stands(one: &One, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) if !one.tombstone_is.is_empty() => one.tombstone_is.contains(text),
        _ => one.tombstone_is.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config;
    use crate::model::Settings;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn table(lines: &str) -> std::sync::Arc<Table> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mentiond.toml");
        let text = format!(
            "[daemon]\nstate = \"s\"\nhttp = \"off\"\n[mail]\nfrom = \"m@example.com\"\ntransport = \"directory\"\ndirectory = \"o\"\n\
             [watchlists.a]\nquery = 'acme'\nalert = [\"a@example.com\"]\n[sources.one]\n{lines}\n"
        );
        std::fs::write(folder.path().join("key"), "sesame\n").unwrap();
        std::fs::write(&path, text).unwrap();
        let config = config::load(&path).unwrap_or_else(|errors| panic!("{errors}")).config;
        match &config.sources[0].settings {
            Settings::Table(table) => std::sync::Arc::clone(table),
            other => panic!("{other:?}"),
        }
    }

    fn reply(status: u16, body: &str) -> Reply {
        let fault = (status >= 400).then(|| PollFault {
            class: crate::model::ErrorClass::Refused,
            message: String::new(),
            retry_after: None,
        });
        Reply { status, body: body.into(), fault, ..Reply::default() }
    }

    /// What each known service is asked, and what it says of an item that is there and of one that is not.
    #[test]
    fn every_known_service_is_asked_for_one_item_in_its_own_way() {
        let key = "secret = { file = \"key\" }";
        let server = "server = \"https://s.example\"";
        let counts = |likes: Option<u64>, replies: Option<u64>, reposts: Option<u64>| {
            Found::There(Engagement { likes, replies, reposts })
        };
        let at_bluesky = "at://did:plc:a/app.bsky.feed.post/3k";
        let not_found = reply(404, "{\"error\":\"Record not found\"}");
        let cases = [
            (
                format!("kind = \"mastodon\"\n{server}\ntags = [\"acme\"]"),
                ("77", "https://m.example/@a/77"),
                "GET https://s.example/api/v1/statuses/77",
                json!({"id": "77", "favourites_count": 4, "replies_count": 12, "reblogs_count": 0}),
                counts(Some(4), Some(12), Some(0)),
                not_found.clone(),
                Found::Gone,
            ),
            (
                "kind = \"bluesky\"\nserver = \"https://s.example\"".to_owned(),
                (at_bluesky, "https://bsky.app/profile/did:plc:a/post/3k"),
                "GET https://s.example/xrpc/app.bsky.feed.getPosts?uris=at%3A%2F%2Fdid%3Aplc%3Aa%2Fapp.bsky.feed.post%2F3k",
                json!({"posts": [{"uri": at_bluesky, "likeCount": 1, "replyCount": 2, "repostCount": 3}]}),
                counts(Some(1), Some(2), Some(3)),
                reply(200, "{\"posts\":[]}"),
                Found::Gone,
            ),
            (
                "kind = \"hackernews\"\nitem_server = \"https://i.example\"".to_owned(),
                ("8863", "https://news.ycombinator.com/item?id=8863"),
                "GET https://i.example/v0/item/8863.json",
                json!({"id": 8863, "score": 111, "descendants": 71, "type": "story"}),
                counts(Some(111), Some(71), None),
                reply(200, "{\"id\":8863,\"deleted\":true}"),
                Found::Gone,
            ),
            (
                format!("kind = \"github\"\n{server}"),
                ("I_kw", "https://github.com/acme/app/issues/5"),
                "GET https://s.example/repos/acme/app/issues/5",
                json!({"node_id": "I_kw", "comments": 9, "reactions": {"total_count": 6}}),
                counts(Some(6), Some(9), None),
                reply(410, "{\"message\":\"This issue was deleted\"}"),
                Found::Gone,
            ),
            (
                format!("kind = \"github\"\n{server}"),
                ("PR_kw", "https://github.com/acme/app/pull/5"),
                "GET https://s.example/repos/acme/app/issues/5",
                json!({"node_id": "PR_kw", "comments": 0, "reactions": {"total_count": 1}, "pull_request": {}}),
                counts(Some(1), Some(0), None),
                not_found.clone(),
                Found::Unclear,
            ),
            (
                format!("kind = \"lemmy\"\n{server}\n{key}"),
                ("https://l.example/comment/7", "https://l.example/comment/7"),
                "GET https://s.example/api/v3/resolve_object?q=https%3A%2F%2Fl.example%2Fcomment%2F7",
                json!({"comment": {"comment": {"deleted": false, "removed": false}, "post": {"deleted": false},
                    "counts": {"upvotes": 5, "child_count": 2}}}),
                counts(Some(5), Some(2), None),
                reply(200, "{\"comment\":{\"comment\":{\"deleted\":true,\"removed\":false},\"counts\":{}}}"),
                Found::Gone,
            ),
            (
                format!("kind = \"lemmy\"\n{server}\n{key}"),
                ("https://l.example/post/7", "https://l.example/post/7"),
                "GET https://s.example/api/v3/resolve_object?q=https%3A%2F%2Fl.example%2Fpost%2F7",
                json!({"post": {"post": {"deleted": false, "removed": false}, "counts": {"upvotes": 5, "comments": 9}}}),
                counts(Some(5), Some(9), None),
                reply(400, "{\"error\":\"couldnt_find_object\"}"),
                Found::Unclear,
            ),
            (
                format!("kind = \"x\"\n{server}\nspend_cap = 5\n{key}"),
                ("20", "https://x.com/i/status/20"),
                "GET https://s.example/2/tweets?ids=20&tweet.fields=public_metrics",
                json!({"data": [{"id": "20", "text": "t", "public_metrics": {"like_count": 3, "reply_count": 4, "retweet_count": 5}}]}),
                counts(Some(3), Some(4), Some(5)),
                reply(200, "{\"errors\":[{\"resource_id\":\"20\",\"title\":\"Not Found Error\"}]}"),
                Found::Gone,
            ),
            (
                format!("kind = \"reddit\"\n{server}\nuser = \"app\"\n{key}"),
                ("t3_abc", "https://www.reddit.com/r/a/comments/abc/"),
                "GET https://s.example/api/info?id=t3_abc&raw_json=1",
                json!({"data": {"children": [{"kind": "t3", "data": {"name": "t3_abc", "selftext": "x", "score": 8, "num_comments": 6}}]}}),
                counts(Some(8), Some(6), None),
                reply(200, "{\"data\":{\"children\":[{\"data\":{\"selftext\":\"[removed]\",\"author\":\"a\"}}]}}"),
                Found::Gone,
            ),
            (
                format!("kind = \"stackexchange\"\n{server}\nsites = [\"stackoverflow\", \"superuser\"]"),
                ("42", "https://superuser.com/questions/42/acme"),
                "GET https://s.example/2.3/questions/42?site=superuser.com&key=***",
                json!({"items": [{"question_id": 42, "score": 3, "answer_count": 2}], "has_more": false}),
                counts(Some(3), Some(2), None),
                reply(200, "{\"items\":[],\"has_more\":false}"),
                Found::Gone,
            ),
            (
                format!("kind = \"youtube\"\n{server}\n{key}"),
                ("dQw", "https://www.youtube.com/watch?v=dQw"),
                "GET https://s.example/youtube/v3/videos?part=statistics&id=dQw&key=***",
                json!({"items": [{"id": "dQw", "statistics": {"likeCount": "8", "commentCount": "31"}}]}),
                counts(Some(8), Some(31), None),
                reply(200, "{\"items\":[]}"),
                Found::Gone,
            ),
            (
                format!("kind = \"youtube\"\n{server}\nchannels = [\"UC1\"]\n{key}"),
                ("Ugz", "https://www.youtube.com/watch?v=dQw&lc=Ugz"),
                "GET https://s.example/youtube/v3/commentThreads?part=snippet&id=Ugz&key=***",
                json!({"items": [{"id": "Ugz", "snippet": {"totalReplyCount": 5,
                    "topLevelComment": {"snippet": {"likeCount": 2}}}}]}),
                counts(Some(2), Some(5), None),
                not_found.clone(),
                Found::Gone,
            ),
            (
                format!("kind = \"discourse\"\n{server}"),
                ("9", "https://s.example/t/5/2"),
                "GET https://s.example/posts/9.json",
                json!({"id": 9, "reply_count": 4, "actions_summary": [{"id": 2, "count": 7}], "user_deleted": false,
                    "deleted_at": null}),
                counts(Some(7), Some(4), None),
                reply(200, "{\"id\":9,\"user_deleted\":true}"),
                Found::Gone,
            ),
        ];
        for (lines, (id, url), asked, there, counts, gone, says) in cases {
            let table = table(&lines);
            let mut at = Positions::default();
            let session = Session { token: crate::model::Secret::new("t"), refresh: None };
            let session = table.login.is_some().then_some(&session);
            let request = request(&table, &mut at, session, id, Some(url), NOW).expect(&lines);
            assert_eq!(request.shown, asked);
            let found = answer(&table, &mut at, &reply(200, &there.to_string()), "s.example", NOW).unwrap().0;
            assert_eq!(found, counts, "{asked}");
            assert_eq!(answer(&table, &mut at, &gone, "s.example", NOW).unwrap().0, says, "{asked}");
            // A login page, a proxy's error and an item of nobody's are no deletion.
            let page = reply(404, "<html><body>Not found</body></html>");
            assert_eq!(answer(&table, &mut at, &page, "s.example", NOW).unwrap().0, Found::Unclear, "{asked}");
            for other in [reply(200, "null"), reply(200, "[]"), reply(200, "<html></html>"), reply(500, "{}")] {
                let told = answer(&table, &mut at, &other, "s.example", NOW);
                assert!(!matches!(told, Ok((Found::Gone, _))), "{asked}: {told:?}");
            }
        }
    }

    #[test]
    fn what_is_left_is_for_the_polls() {
        let comments = table("kind = \"youtube\"\nchannels = [\"UC1\"]\nsecret = { file = \"key\" }");
        let mut at = Positions::default();
        let ask = |at: &mut Positions, table: &Table| request(table, at, None, "a", None, NOW).is_some();
        assert!(ask(&mut at, &comments));
        let (day, used) = at.used.clone().unwrap();
        assert_eq!(used, 1, "it is counted");
        at.used = Some((day.clone(), 7_999));
        assert!(ask(&mut at, &comments));
        assert!(!ask(&mut at, &comments), "a fifth of the day's quota is left to polls");
        // Videos are counted apart from searches.
        let search = table("kind = \"youtube\"\nsecret = { file = \"key\" }");
        let mut at = Positions { used: Some((day, 100)), ..Positions::default() };
        assert!(ask(&mut at, &search));
        assert_eq!(at.used.as_ref().unwrap().1, 100);
        let questions = table("kind = \"stackexchange\"");
        let mut at = Positions { left: Some(49), ..Positions::default() };
        assert!(request(&questions, &mut at, None, "1", Some("https://stackoverflow.com/q/1"), NOW).is_none());
        // Some ask for a secret first.
        let open = table("kind = \"lemmy\"\nserver = \"https://s.example\"");
        assert!(!ask(&mut Positions::default(), &open));
        // Without an address there is no site to ask.
        assert!(request(&questions, &mut Positions::default(), None, "1", None, NOW).is_none());
    }
}
