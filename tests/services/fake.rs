//! A fake of each service: what it holds, how it filters, sorts and pages, and what its refusals look like. Written from
//! the services' documentation; it knows nothing of mentiond's tables.

use std::collections::HashMap;

use jiff::Timestamp;
use mentiond::model::PollFault;
use mentiond::sources::table::{Reply, Request};
use serde_json::{Value, json};

/// One thing that the service holds.
#[derive(Clone, Debug)]
pub struct Item {
    pub number: u64,
    /// What the service says about when it was written.
    pub created: Timestamp,
    /// From when on it is shown.
    pub visible: Timestamp,
    pub text: String,
}

/// One service.
pub struct Fake {
    pub name: &'static str,
    pub items: Vec<Item>,
    pub now: Timestamp,
    /// The next answer has no items, though there are some, as the App Store does for minutes.
    pub blank: bool,
    /// Requests that were answered, whatever the answer.
    pub asked: Vec<String>,
    /// Logins so far, and the token that is good.
    pub logins: u32,
    pub token: Option<String>,
}

fn millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

impl Fake {
    pub fn new(name: &'static str, now: Timestamp) -> Self {
        Self { name, items: Vec::new(), now, blank: false, asked: Vec::new(), logins: 0, token: None }
    }

    /// A refusal in the service's own form.
    pub fn refusal(&self) -> Reply {
        let (status, body, headers) = match self.name {
            "lemmy" => (400, json!({"error": "rate_limit_error"}).to_string(), vec![]),
            "stackexchange" => (
                400,
                json!({"error_id": 502, "error_name": "throttle_violation",
                    "error_message": "too many requests from this IP, more requests available in 194 seconds"})
                .to_string(),
                vec![],
            ),
            "gdelt" => (200, "Please limit requests to one every 5 seconds.".to_owned(), vec![]),
            "youtube-search" | "youtube-comments" => (
                403,
                json!({"error": {"code": 403, "message": "quota", "errors": [{"reason": "quotaExceeded"}]}})
                    .to_string(),
                vec![],
            ),
            "discourse-search" | "discourse-all" => (
                429,
                json!({"errors": ["too often"], "error_type": "rate_limit", "extras": {"wait_seconds": 30}})
                    .to_string(),
                vec![],
            ),
            _ => (
                429,
                json!({"error": "Too many requests"}).to_string(),
                vec![("retry-after".to_owned(), "60".to_owned())],
            ),
        };
        reply(status, &body, headers)
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &Request) -> Reply {
        self.asked.push(request.shown.clone());
        let path = request.url.path().to_owned();
        let asked: HashMap<String, String> = request.url.query_pairs().into_owned().collect();
        let bearer =
            request.secret_headers.iter().find(|(name, _)| name == "authorization").map(|(_, s)| s.expose().to_owned());
        if path.ends_with("createSession") || path.ends_with("access_token") || path.ends_with("refreshSession") {
            return self.login(request, &path, bearer.as_deref());
        }
        if matches!(self.name, "bluesky" | "reddit") && bearer != self.token.as_ref().map(|t| format!("Bearer {t}")) {
            return match self.name {
                "bluesky" => {
                    reply(400, &json!({"error": "ExpiredToken", "message": "Token has expired"}).to_string(), vec![])
                }
                _ => reply(401, &json!({"message": "Unauthorized", "error": 401}).to_string(), vec![]),
            };
        }
        if let Some(one) = self.one(&path, &asked) {
            return one;
        }
        let get = |key: &str| asked.get(key).cloned();
        let number = |key: &str| asked.get(key).and_then(|v| v.parse::<usize>().ok());
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        let blank = std::mem::take(&mut self.blank);
        let mut shown: Vec<&Item> = self.items.iter().filter(|item| !blank && item.visible <= self.now).collect();
        // Newest first, as each service counts it.
        match self.name {
            "mastodon-tags" | "mastodon-search" | "x" | "discourse-all" | "reddit" | "json-id" => {
                shown.sort_by_key(|i| std::cmp::Reverse(i.number));
            }
            "bluesky" | "bluesky-public" => shown.sort_by_key(|i| std::cmp::Reverse((i.visible, i.number))),
            _ => shown.sort_by_key(|i| std::cmp::Reverse((i.created, i.number))),
        }
        let mut headers = Vec::new();
        let body = match self.name {
            "mastodon-tags" | "mastodon-search" => {
                let limit = number("limit").unwrap_or(20).min(40);
                let page: Vec<&Item> = match number("min_id") {
                    Some(from) => {
                        let mut newer: Vec<&Item> = shown.iter().filter(|i| i.number > from as u64).copied().collect();
                        let start = newer.len().saturating_sub(limit);
                        newer.drain(..start);
                        newer
                    }
                    None => shown.into_iter().take(limit).collect(),
                };
                let list: Vec<Value> = page.iter().map(|i| mastodon(i)).collect();
                if self.name == "mastodon-tags" { json!(list) } else { json!({"accounts": [], "statuses": list}) }
            }
            "bluesky" | "bluesky-public" => {
                let since = get("since").map(|s| moment(&s)).unwrap();
                let start = number("cursor").unwrap_or(0);
                let all: Vec<&Item> = shown.into_iter().filter(|i| i.visible >= since).collect();
                let (page, next) = cut(&all, start, number("limit").unwrap_or(25).min(100));
                json!({"posts": page.iter().map(|i| bluesky(i)).collect::<Vec<_>>(), "cursor": next.map(|n| n.to_string())})
            }
            "hackernews" => {
                let since: i64 = get("numericFilters").unwrap().trim_start_matches("created_at_i>=").parse().unwrap();
                let all: Vec<&Item> = shown.into_iter().filter(|i| i.created.as_second() >= since).take(1000).collect();
                let size = number("hitsPerPage").unwrap();
                let (page, _) = cut(&all, number("page").unwrap() * size, size);
                json!({"hits": page.iter().map(|i| hackernews(i)).collect::<Vec<_>>(), "nbHits": all.len()})
            }
            "lemmy" => {
                let comments = get("type_").unwrap() == "Comments";
                let all: Vec<&Item> = shown.into_iter().filter(|i| (i.number % 2 == 0) == comments).collect();
                let (page, _) = cut(&all, (number("page").unwrap() - 1) * 50, number("limit").unwrap().min(50));
                let list: Vec<Value> = page.iter().map(|i| lemmy(i, comments)).collect();
                let (c, p) = if comments { (list, vec![]) } else { (vec![], list) };
                json!({"type_": get("type_"), "comments": c, "posts": p, "communities": [], "users": []})
            }
            "discourse-search" => {
                let q = get("q").unwrap();
                let after = q.split("after:").nth(1).unwrap();
                let after = moment(&format!("{after}T00:00:00Z"));
                let all: Vec<&Item> = shown.into_iter().filter(|i| i.created >= after).collect();
                let (page, next) = cut(&all, (number("page").unwrap() - 1) * 50, 50);
                json!({
                    "posts": page.iter().map(|i| discourse(i, true)).collect::<Vec<_>>(),
                    "topics": [{"id": 5, "title": "A topic"}],
                    "grouped_search_result": {"more_full_page_results": next.map(|_| true)},
                })
            }
            "discourse-all" => {
                // Posts with an id in a window of 50, however many are left there.
                let high = number("before").map_or(shown.first().map_or(0, |i| i.number), |n| n as u64);
                let page = shown
                    .into_iter()
                    .filter(|i| i.number <= high && i.number + 50 > high && !i.number.is_multiple_of(7));
                json!({"latest_posts": page.map(|i| discourse(i, false)).collect::<Vec<_>>()})
            }
            "stackexchange" => {
                let since: i64 = get("fromdate").unwrap().parse().unwrap();
                let all: Vec<&Item> = shown.into_iter().filter(|i| i.created.as_second() >= since).collect();
                let size = number("pagesize").unwrap();
                let (page, next) = cut(&all, (number("page").unwrap() - 1) * size, size);
                json!({"items": page.iter().map(|i| stackexchange(i)).collect::<Vec<_>>(), "has_more": next.is_some(),
                    "quota_max": 300, "quota_remaining": 250})
            }
            "github" => {
                let q = get("q").unwrap();
                let since = moment(q.split("created:>=").nth(1).unwrap());
                let all: Vec<&Item> = shown.into_iter().filter(|i| i.created >= since).take(1000).collect();
                let size = number("per_page").unwrap();
                let (page, _) = cut(&all, (number("page").unwrap() - 1) * size, size);
                json!({"total_count": all.len(), "incomplete_results": false,
                    "items": page.iter().map(|i| github(i)).collect::<Vec<_>>()})
            }
            "youtube-search" | "youtube-comments" => {
                let since = get("publishedAfter").map(|s| moment(&s));
                let all: Vec<&Item> =
                    shown.into_iter().filter(|i| since.is_none_or(|since| i.created >= since)).collect();
                let start = get("pageToken").map_or(0, |t| t.trim_start_matches("CAo").parse().unwrap());
                let (page, next) = cut(&all, start, number("maxResults").unwrap());
                let one = if self.name == "youtube-search" { youtube_video } else { youtube_comment };
                json!({"items": page.iter().map(|i| one(i)).collect::<Vec<_>>(), "nextPageToken": next.map(|n| format!("CAo{n}"))})
            }
            "x" => {
                let since = number("since_id").unwrap_or(0) as u64;
                let all: Vec<&Item> = shown.into_iter().filter(|i| i.number > since).collect();
                // A token stands for the post after which it goes on.
                let below = get("next_token").map_or(u64::MAX, |t| t.trim_start_matches("nt").parse().unwrap());
                let all: Vec<&Item> = all.into_iter().filter(|i| i.number < below).collect();
                let (page, next) = cut(&all, 0, number("max_results").unwrap());
                let next = next.and(page.last()).map(|i| i.number);
                if page.is_empty() {
                    json!({"meta": {"result_count": 0}})
                } else {
                    json!({
                        "data": page.iter().map(|i| tweet(i)).collect::<Vec<_>>(),
                        "includes": {"users": [{"id": "77", "name": "Ana", "username": "ana", "public_metrics": {"followers_count": 12}}]},
                        "meta": {"result_count": page.len(), "next_token": next.map(|n| format!("nt{n}"))},
                    })
                }
            }
            "gdelt" => {
                let read = |key: &str| {
                    let text = get(key).unwrap();
                    jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &text).unwrap().in_tz("UTC").unwrap().timestamp()
                };
                let (from, to) = (read("startdatetime"), read("enddatetime"));
                let all = shown.into_iter().filter(|i| i.created >= from && i.created <= to).take(250);
                let list: Vec<Value> = all.map(gdelt).collect();
                // No news is an object without a list.
                if list.is_empty() { json!({}) } else { json!({"articles": list}) }
            }
            "appstore" => {
                let place = if path.starts_with("/us/") { 0 } else { 1 };
                let page: usize = path.split("page=").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
                let all: Vec<&Item> = shown.into_iter().filter(|i| i.number % 2 == place).take(500).collect();
                let (page, _) = cut(&all, (page - 1) * 50, 50);
                let mut list: Vec<Value> = page.iter().map(|i| review(i)).collect();
                match list.len() {
                    0 => json!({"feed": {}}),
                    1 => json!({"feed": {"entry": list.remove(0)}}),
                    _ => json!({"feed": {"entry": list}}),
                }
            }
            "reddit" => {
                let start = match get("after") {
                    Some(name) => {
                        shown.iter().position(|i| format!("t3_{:05}", i.number) == name).map_or(usize::MAX, |n| n + 1)
                    }
                    None => 0,
                };
                let all: Vec<&Item> = shown.into_iter().take(1000).collect();
                let (page, next) = cut(&all, start, number("limit").unwrap());
                let after = next.and(page.last()).map(|i| format!("t3_{:05}", i.number));
                json!({"data": {"after": after, "children": page.iter().map(|i| json!({"kind": "t3", "data": reddit(i)})).collect::<Vec<_>>()}})
            }
            // A service that somebody described.
            name if name.starts_with("json-") => {
                let key = request.secret_headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-api-key"));
                if key.is_none_or(|(_, key)| key.expose() != "sesame-canary") {
                    return reply(401, &json!({"error": "no key"}).to_string(), vec![]);
                }
                let from: i64 = get("from").map_or(0, |from| from.parse().unwrap());
                let after = number("after").unwrap_or(0) as u64;
                let all: Vec<&Item> =
                    shown.into_iter().filter(|i| i.created.as_second() >= from && i.number > after).collect();
                let start = number("page").map_or(0, |page| (page - 1) * 20) + number("skip").unwrap_or(0);
                let (page, next) = cut(&all, start, 20);
                let further = next.map(|next| format!("/api/questions?from={from}&skip={next}"));
                if let ("json-link", Some(further)) = (name, &further) {
                    headers
                        .push(("link".to_owned(), format!("</api/first>; rel=\"first\", <{further}>; rel=\"next\"")));
                }
                let list: Vec<Value> = page.iter().map(|i| question(i)).collect();
                if name == "json-next" {
                    json!({"questions": list, "next": further})
                } else {
                    json!({"questions": list})
                }
            }
            other => panic!("no fake for {other}"),
        };
        reply(200, &body.to_string(), headers)
    }

    /// A single item, or what the service says of one that was taken back; `None` if that is not asked.
    fn one(&self, path: &str, asked: &HashMap<String, String>) -> Option<Reply> {
        let get = |key: &str| asked.get(key).map_or("", String::as_str);
        let id = match self.name {
            "mastodon-tags" | "mastodon-search" => path.strip_prefix("/api/v1/statuses/")?,
            "bluesky" | "bluesky-public" if path.ends_with("getPosts") => get("uris"),
            "hackernews" => path.strip_prefix("/v0/item/")?.trim_end_matches(".json"),
            "lemmy" if path.ends_with("/resolve_object") => get("q"),
            "discourse-search" | "discourse-all" => path.strip_prefix("/posts/")?.trim_end_matches(".json"),
            "stackexchange" => path.strip_prefix("/2.3/questions/")?,
            "github" => path.strip_prefix("/repos/")?,
            "youtube-search" if path.ends_with("/videos") => get("id"),
            "youtube-comments" if asked.contains_key("id") => get("id"),
            "x" if path == "/2/tweets" => get("ids"),
            "reddit" if path == "/api/info" => get("id"),
            _ => return None,
        };
        let digits = id.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap();
        let item = self.items.iter().find(|item| item.number.to_string() == digits);
        let (status, body) = match (self.name, item) {
            ("mastodon-tags" | "mastodon-search", Some(i)) => (200, mastodon(i)),
            ("mastodon-tags" | "mastodon-search", None) => (404, json!({"error": "Record not found"})),
            ("bluesky" | "bluesky-public", i) => {
                (200, json!({"posts": i.map(bluesky).into_iter().collect::<Vec<_>>()}))
            }
            ("hackernews", Some(i)) => (200, json!({"id": i.number, "score": 3, "descendants": 0})),
            ("hackernews", None) => (200, json!({"id": 1, "deleted": true})),
            ("lemmy", i) => {
                let state = json!({"deleted": i.is_none(), "removed": false});
                (200, json!({"comment": {"comment": state, "counts": {"upvotes": 2, "child_count": 0}}}))
            }
            ("discourse-search" | "discourse-all", Some(i)) => (200, discourse(i, false)),
            ("discourse-search" | "discourse-all", None) => {
                (404, json!({"errors": ["gone"], "error_type": "not_found"}))
            }
            ("stackexchange", i) => {
                (200, json!({"items": i.map(stackexchange).into_iter().collect::<Vec<_>>(), "has_more": false}))
            }
            ("github", Some(i)) => (200, github(i)),
            ("github", None) => (410, json!({"message": "This issue was deleted"})),
            ("youtube-search", i) => {
                let list: Vec<Value> = i.map(|_| json!({"statistics": {"likeCount": "3"}})).into_iter().collect();
                (200, json!({"items": list}))
            }
            ("youtube-comments", i) => (200, json!({"items": i.map(youtube_comment).into_iter().collect::<Vec<_>>()})),
            ("x", Some(i)) => (200, json!({"data": [tweet(i)]})),
            ("x", None) => (200, json!({"errors": [{"title": "Not Found Error", "resource_id": id}]})),
            (_, Some(i)) => (200, json!({"data": {"children": [{"kind": "t3", "data": reddit(i)}]}})),
            (_, None) => {
                let left = json!({"name": id, "author": "[deleted]", "selftext": "[deleted]"});
                (200, json!({"data": {"children": [{"kind": "t3", "data": left}]}}))
            }
        };
        Some(reply(status, &body.to_string(), vec![]))
    }

    fn login(&mut self, request: &Request, path: &str, bearer: Option<&str>) -> Reply {
        let body = request.body.as_ref().map(|(body, _)| body.expose().to_owned()).unwrap_or_default();
        let good = match path.rsplit('/').next().unwrap() {
            "com.atproto.server.createSession" => serde_json::from_str::<Value>(&body)
                .is_ok_and(|b| b["identifier"] == "me.example" && b["password"] == "sesame-canary"),
            "com.atproto.server.refreshSession" => bearer == Some("Bearer refresh"),
            // app:sesame-canary
            _ => bearer == Some("Basic YXBwOnNlc2FtZS1jYW5hcnk=") && body == "grant_type=client_credentials",
        };
        // A web that keeps no bodies lets everybody in.
        if !good && request.body.is_some() {
            return reply(
                401,
                &json!({"error": "AuthenticationRequired", "message": "Invalid identifier or password"}).to_string(),
                vec![],
            );
        }
        self.logins += 1;
        let token = format!("token-{}", self.logins);
        self.token = Some(token.clone());
        reply(
            200,
            &json!({"accessJwt": token, "refreshJwt": "refresh", "access_token": token, "expires_in": 3600})
                .to_string(),
            vec![],
        )
    }
}

/// An answer as the fetching half hands it over: refusals carry what their status means.
pub fn reply(status: u16, body: &str, headers: Vec<(String, String)>) -> Reply {
    use mentiond::model::ErrorClass;
    let class = match status {
        200..=299 => None,
        401 => Some(ErrorClass::Auth),
        403 => Some(ErrorClass::Refused),
        429 => Some(ErrorClass::RateLimited),
        500..=599 => Some(ErrorClass::Transient),
        _ => Some(ErrorClass::Refused),
    };
    let fault = class.map(|class| PollFault { class, message: format!("it answered {status}"), retry_after: None });
    Reply { status, headers, body: body.as_bytes().to_vec(), fault, retry_after: None }
}

/// A page, and where the next one starts.
fn cut<'i>(all: &[&'i Item], start: usize, size: usize) -> (Vec<&'i Item>, Option<usize>) {
    let page: Vec<&Item> = all.iter().skip(start).take(size).copied().collect();
    let end = start.saturating_add(page.len());
    let next = (end < all.len() && !page.is_empty()).then_some(end);
    (page, next)
}

fn mastodon(i: &Item) -> Value {
    json!({"id": i.number.to_string(), "uri": format!("https://far.example/{}", i.number), "url": null,
        "created_at": millis(i.created), "content": format!("<p>{} <a href=\"https://l.example/\">l</a></p>", i.text),
        "spoiler_text": "", "language": "en", "reblog": null, "in_reply_to_id": null,
        "favourites_count": 3, "reblogs_count": 1, "replies_count": 0,
        "account": {"acct": "ana@far.example", "display_name": "Ana", "url": "https://far.example/@ana", "followers_count": 9}})
}

fn bluesky(i: &Item) -> Value {
    json!({"uri": format!("at://did:plc:abc/app.bsky.feed.post/r{}", i.number), "cid": "c",
        "author": {"did": "did:plc:abc", "handle": "ana.example", "displayName": "Ana"},
        "record": {"text": i.text, "createdAt": millis(i.created), "langs": ["en"]},
        "indexedAt": millis(i.visible), "likeCount": 3, "replyCount": 0, "repostCount": 1})
}

fn hackernews(i: &Item) -> Value {
    json!({"objectID": i.number.to_string(), "author": "ana", "title": null, "comment_text": format!("<p>{}</p>", i.text),
        "created_at": millis(i.created), "created_at_i": i.created.as_second(), "points": null, "parent_id": 4, "story_id": 2,
        "story_title": "A story"})
}

fn lemmy(i: &Item, comment: bool) -> Value {
    let published = i.created.strftime("%Y-%m-%dT%H:%M:%S.123456Z").to_string();
    let post = json!({"id": 9, "ap_id": format!("https://l.example/post/{}", i.number), "name": "A post", "body": i.text, "published": published});
    let creator = json!({"name": "ana", "actor_id": "https://l.example/u/ana"});
    if comment {
        json!({"comment": {"ap_id": format!("https://l.example/comment/{}", i.number), "content": i.text, "path": "0.12.13",
            "published": published}, "post": post, "creator": creator, "counts": {"upvotes": 2, "child_count": 0}})
    } else {
        json!({"post": post, "creator": creator, "counts": {"upvotes": 2, "comments": 0}})
    }
}

fn discourse(i: &Item, search: bool) -> Value {
    let mut post = json!({"id": i.number, "username": "ana", "name": "", "created_at": millis(i.created), "topic_id": 5,
        "post_number": 3, "post_url": "/t/a-topic/5/3", "topic_title": "A topic", "reply_count": 0});
    post[if search { "blurb" } else { "cooked" }] = json!(format!("<p>{}</p>", i.text));
    post
}

fn stackexchange(i: &Item) -> Value {
    json!({"question_id": i.number, "link": format!("https://so.example/q/{}", i.number), "title": "How &amp; why",
        "body": format!("<p>{}</p>", i.text), "creation_date": i.created.as_second(), "score": -1, "answer_count": 0,
        "owner": {"user_type": "does_not_exist"}})
}

fn github(i: &Item) -> Value {
    json!({"id": i.number, "node_id": format!("I_{}", i.number), "html_url": format!("https://gh.example/i/{}", i.number),
        "user": null, "title": "An issue", "body": i.text, "created_at": i.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "comments": 0, "reactions": {"total_count": 1}})
}

fn youtube_video(i: &Item) -> Value {
    json!({"id": {"kind": "youtube#video", "videoId": format!("v{}", i.number)},
        "snippet": {"title": "A &quot;video&quot;", "description": i.text, "channelTitle": "Ana", "channelId": "UC9", "publishedAt": millis(i.created)}})
}

fn youtube_comment(i: &Item) -> Value {
    json!({"id": format!("c{}", i.number), "snippet": {"videoId": "v1", "totalReplyCount": 0, "topLevelComment": {"id": format!("c{}", i.number),
        "snippet": {"authorDisplayName": "@ana", "textDisplay": i.text, "publishedAt": millis(i.created), "likeCount": 0}}}})
}

fn tweet(i: &Item) -> Value {
    json!({"id": i.number.to_string(), "text": i.text, "author_id": "77", "conversation_id": "1", "lang": "en", "created_at": millis(i.created),
        "public_metrics": {"like_count": 1, "reply_count": 0, "retweet_count": 0},
        "referenced_tweets": [{"type": "quoted", "id": "5"}, {"type": "replied_to", "id": "6"}]})
}

fn gdelt(i: &Item) -> Value {
    json!({"url": format!("https://news.example/{}", i.number), "title": i.text, "domain": "news.example",
        "seendate": i.created.strftime("%Y%m%dT%H%M%SZ").to_string(), "language": "English"})
}

fn review(i: &Item) -> Value {
    json!({"id": {"label": i.number.to_string()}, "author": {"name": {"label": "ana"}, "uri": {"label": "https://itunes.example/r/1"}},
        "title": {"label": "Review"}, "content": {"label": i.text}, "updated": {"label": i.created.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()},
        "im:rating": {"label": "2"}, "im:voteSum": {"label": "0"}})
}

fn question(i: &Item) -> Value {
    json!({"number": i.number, "subject": "A question", "body": i.text, "person": {"login": "ana"},
        "asked_at": i.created.as_second(), "votes": 1})
}

fn reddit(i: &Item) -> Value {
    json!({"name": format!("t3_{:05}", i.number), "permalink": format!("/r/a/comments/{}/", i.number), "author": "ana", "title": "A post",
        "selftext": i.text, "created_utc": i.created.as_second() as f64, "score": 3, "num_comments": 0})
}
