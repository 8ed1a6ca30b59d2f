//! Bluesky's Jetstream: what its events say, which posts they hold, and how a broken stream is taken up again. Pure: the
//! daemon reads the socket.
//!
//! The wire is that of `/subscribe` (bluesky-social/jetstream, README "Consuming Jetstream"), which all servers speak. The
//! filter of a subscription knows collections and authors only, so every post comes and is matched here.

mod post;
pub mod resume;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

pub use post::{entry, identity};

/// The collection that holds posts.
pub const POSTS: &str = "app.bsky.feed.post";

/// Public servers of Bluesky, tried in this order where a source names none.
pub const PUBLIC: [&str; 4] = [
    "wss://jetstream2.us-east.bsky.network/subscribe",
    "wss://jetstream1.us-east.bsky.network/subscribe",
    "wss://jetstream2.us-west.bsky.network/subscribe",
    "wss://jetstream1.us-west.bsky.network/subscribe",
];

/// Longest account and record name that are believed, in bytes (AT Protocol, "DID": 2,048; "Record Key": 512).
const MAX_DID: usize = 2048;
const MAX_RKEY: usize = 512;

/// One event, borrowed from its frame.
#[derive(Debug)]
pub struct Event<'a> {
    /// When the server saw it, in microseconds since 1970: the cursor.
    pub time_us: i64,
    pub what: What<'a>,
}

/// What happened, as far as it matters here.
#[derive(Debug)]
pub enum What<'a> {
    /// A post was written or, `edited`, written anew.
    Post { post: PostId<'a>, edited: bool, record: &'a RawValue },
    /// A post was taken back by its author.
    Deleted(PostId<'a>),
    /// Likes, follows, names and the like.
    Other,
}

/// Whose post, and its name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostId<'a> {
    pub did: Cow<'a, str>,
    pub rkey: Cow<'a, str>,
}

/// Why a frame is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    #[error("a message is not JSON or has no time")]
    NoEvent,
    #[error("a post without author, name or content")]
    NoPost,
}

#[derive(Deserialize)]
struct RawEvent<'a> {
    #[serde(borrow, default)]
    did: Cow<'a, str>,
    time_us: i64,
    #[serde(borrow, default)]
    commit: Option<RawCommit<'a>>,
}

#[derive(Deserialize)]
struct RawCommit<'a> {
    #[serde(borrow, default)]
    operation: Cow<'a, str>,
    #[serde(borrow, default)]
    collection: Cow<'a, str>,
    #[serde(borrow, default)]
    rkey: Cow<'a, str>,
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
}

/// Reads a frame. Nothing is copied but strings with escapes; the record itself is only stepped over.
///
/// # Errors
/// It is not JSON, or lacks what an event of its kind must have.
pub fn read(frame: &str) -> Result<Event<'_>, FrameFault> {
    let raw: RawEvent<'_> = serde_json::from_str(frame).map_err(|_| FrameFault::NoEvent)?;
    let time_us = raw.time_us;
    let Some(commit) = raw.commit.filter(|commit| commit.collection == POSTS) else {
        return Ok(Event { time_us, what: What::Other });
    };
    let did = raw.did;
    let good = did.starts_with("did:")
        && did.len() <= MAX_DID
        && (1..=MAX_RKEY).contains(&commit.rkey.len())
        && did.bytes().chain(commit.rkey.bytes()).all(is_plain);
    if !good {
        return Err(FrameFault::NoPost);
    }
    let post = PostId { did, rkey: commit.rkey };
    let what = match (&*commit.operation, commit.record) {
        ("delete", _) => What::Deleted(post),
        ("create", Some(record)) => What::Post { post, edited: false, record },
        ("update", Some(record)) => What::Post { post, edited: true, record },
        ("create" | "update", None) => return Err(FrameFault::NoPost),
        _ => What::Other,
    };
    Ok(Event { time_us, what })
}

/// The signs that accounts and record names may have (AT Protocol): nothing that means something in an address.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_:~%".contains(&byte)
}

/// The address to open: posts only, from `cursor` on (microseconds since 1970), or from now. What the configured
/// address asks for besides is kept.
pub fn address(endpoint: &Url, cursor: Option<i64>) -> Url {
    let mut url = endpoint.clone();
    let kept: Vec<(String, String)> = endpoint
        .query_pairs()
        .filter(|(name, _)| !matches!(&**name, "wantedCollections" | "cursor" | "compress" | "requireHello"))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    {
        let mut pairs = url.query_pairs_mut();
        pairs.clear().extend_pairs(kept).append_pair("wantedCollections", POSTS);
        if let Some(cursor) = cursor {
            pairs.append_pair("cursor", &cursor.to_string());
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(operation: &str, rest: &str) -> String {
        format!(
            r#"{{"did":"did:plc:abc","time_us":1700000000000001,"kind":"commit","commit":{{"rev":"r","operation":"{operation}","collection":"app.bsky.feed.post","rkey":"3k"{rest}}}}}"#
        )
    }

    #[test]
    fn posts_edits_and_deletions_are_told_from_the_rest() {
        let frame = commit("create", r#","record":{"text":"hello"},"cid":"c""#);
        let event = read(&frame).unwrap();
        assert_eq!(event.time_us, 1_700_000_000_000_001);
        let What::Post { post, edited: false, record } = event.what else { panic!("{event:?}") };
        assert_eq!((&*post.did, &*post.rkey, record.get()), ("did:plc:abc", "3k", r#"{"text":"hello"}"#));
        assert!(matches!(read(&commit("update", r#","record":{}"#)).unwrap().what, What::Post { edited: true, .. }));
        assert!(matches!(read(&commit("delete", "")).unwrap().what, What::Deleted(_)));
        for other in [
            r#"{"did":"did:plc:abc","time_us":5,"kind":"identity","identity":{"did":"did:plc:abc","handle":"x","seq":1}}"#,
            r#"{"did":"did:plc:abc","time_us":5,"kind":"account","account":{"active":false,"status":"deleted"}}"#,
            r#"{"did":"did:plc:abc","time_us":5,"kind":"commit","commit":{"operation":"create","collection":"app.bsky.feed.like","rkey":"1"}}"#,
        ] {
            assert!(matches!(read(other), Ok(Event { time_us: 5, what: What::Other })), "{other}");
        }
    }

    #[test]
    fn hostile_frames_are_refused_and_harm_nothing() {
        let deep = "[".repeat(100_000);
        for frame in
            ["", "null", "[]", "{}", "{\"time_us\":\"x\"}", "\u{0}", &deep, "{\"time_us\":99999999999999999999}"]
        {
            assert_eq!(read(frame).err(), Some(FrameFault::NoEvent), "{frame:.40}");
        }
        for frame in [
            commit("create", ""),
            commit("create", "").replace("did:plc:abc", "x"),
            commit("delete", "").replace("\"3k\"", "\"\""),
            commit("delete", "").replace("3k", "3k/../x"),
            commit("delete", "").replace("did:plc:abc", "did:plc:a?b#c"),
            commit("delete", "").replace("3k", &"3".repeat(513)),
        ] {
            assert_eq!(read(&frame).err(), Some(FrameFault::NoPost), "{frame:.200}");
        }
    }

    #[test]
    fn the_address_asks_for_posts_from_the_cursor_on() {
        let url =
            Url::parse("wss://j.example/subscribe?wantedCollections=x&compress=true&maxMessageSizeBytes=9").unwrap();
        assert_eq!(
            address(&url, Some(17)).as_str(),
            "wss://j.example/subscribe?maxMessageSizeBytes=9&wantedCollections=app.bsky.feed.post&cursor=17"
        );
        assert_eq!(
            address(&Url::parse("wss://j.example/subscribe").unwrap(), None).as_str(),
            "wss://j.example/subscribe?wantedCollections=app.bsky.feed.post"
        );
    }

    #[test]
    fn the_public_servers_are_addresses() {
        assert!(PUBLIC.iter().all(|text| Url::parse(text).is_ok_and(|url| url.scheme() == "wss")));
    }
}
