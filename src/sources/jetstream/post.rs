//! A post's record (lexicon `app.bsky.feed.post`) as an [`Entry`]. Every part is read by itself: a part that is not what
//! the lexicon says is left out, and the rest of the post is read all the same.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::PostId;
use crate::model::{Author, Entry, Identity};
use crate::sources::{dates, identity as identities};
use crate::text::html::{cut, plain_to_text};
use crate::text::link::{self, MAX_LINKS};

/// Longest description of a picture or card that is read, in bytes.
const MAX_ASIDE: usize = 4096;
/// Pictures, links and tags that are looked at.
const MAX_PARTS: usize = 50;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    langs: Option<&'a RawValue>,
    #[serde(borrow)]
    tags: Option<&'a RawValue>,
    #[serde(borrow)]
    facets: Option<&'a RawValue>,
    #[serde(borrow)]
    embed: Option<&'a RawValue>,
    #[serde(borrow)]
    reply: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Embed<'a> {
    #[serde(borrow)]
    external: Option<&'a RawValue>,
    #[serde(borrow)]
    images: Option<&'a RawValue>,
    /// A video's or an image's description.
    #[serde(borrow)]
    alt: Option<&'a RawValue>,
    /// What a quoting post shows besides (`app.bsky.embed.recordWithMedia`).
    #[serde(borrow)]
    media: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    parent: Option<&'a RawValue>,
    #[serde(borrow, default)]
    root: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow, default)]
    uri: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct External<'a> {
    #[serde(borrow)]
    uri: Cow<'a, str>,
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(borrow)]
    description: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Facet<'a> {
    #[serde(borrow)]
    features: Vec<Feature<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Feature<'a> {
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
}

/// What makes a post the same one: its address in the network, `at://DID/COLLECTION/RKEY`.
pub fn identity(post: &PostId<'_>) -> Identity {
    identities::of_id(&address(post))
}

fn address(post: &PostId<'_>) -> String {
    ["at://", &post.did, "/", super::POSTS, "/", &post.rkey].concat()
}

/// The address of a post that is referred to (`com.atproto.repo.strongRef`).
fn at(reference: Option<&RawValue>) -> Option<String> {
    let uri = string(part::<Reference<'_>>(reference)?.uri)?;
    (uri.starts_with("at://") && uri.len() <= MAX_ASIDE).then(|| uri.into_owned())
}

/// The entry of a post. `now` is when it was read. The author is known by its account only: names are elsewhere.
///
/// Its text is the post's, then, a paragraph each, the title and description of the card, the descriptions of pictures,
/// and tags that stand outside the text: what readers see, and what is often all that a post says.
pub fn entry(post: &PostId<'_>, record: &RawValue, now: Timestamp) -> Entry {
    let record: Record<'_> = part(Some(record)).unwrap_or_default();
    let mut text = String::new();
    if let Some(written) = string(record.text) {
        plain_to_text(&written, &mut text);
    }
    let mut links = Vec::new();
    let facets: Vec<&RawValue> = part(record.facets).unwrap_or_default();
    for facet in facets.into_iter().take(MAX_PARTS) {
        let facet: Facet<'_> = part(Some(facet)).unwrap_or_default();
        facet.features.iter().filter_map(|feature| feature.uri.as_deref()).for_each(|uri| add_link(uri, &mut links));
    }
    let embed: Embed<'_> = part(record.embed).unwrap_or_default();
    let media: Embed<'_> = part(embed.media).unwrap_or_default();
    for embed in [embed, media] {
        if let Some(card) = part::<External<'_>>(embed.external) {
            add_link(&card.uri, &mut links);
            add_text(&card.title, &mut text);
            add_text(&card.description, &mut text);
        }
        let images: Vec<&RawValue> = part(embed.images).unwrap_or_default();
        let images = images.into_iter().take(MAX_PARTS).filter_map(|image| part::<Embed<'_>>(Some(image))?.alt);
        for alt in images.chain(embed.alt) {
            add_text(&string(Some(alt)).unwrap_or_default(), &mut text);
        }
    }
    let tags: Vec<&RawValue> = part(record.tags).unwrap_or_default();
    let tags: Vec<String> =
        tags.into_iter().take(MAX_PARTS).filter_map(|tag| Some(format!("#{}", string(Some(tag))?))).collect();
    add_text(&tags.join(" "), &mut text);

    let reply: Option<Reply<'_>> = part(record.reply);
    let langs: Vec<&RawValue> = part(record.langs).unwrap_or_default();
    let profile = ["https://bsky.app/profile/", &post.did].concat();
    let date = string(record.created_at).and_then(|date| dates::parse(&date));
    Entry {
        identity: identity(post),
        text,
        url: Some([&profile, "/post/", &post.rkey].concat()),
        author: Some(Author { url: Some(profile), ..Author::default() }),
        published: date.map(|date| dates::clamp(date, now)),
        lang: langs.into_iter().find_map(|lang| crate::sources::feed::language(&string(Some(lang))?)),
        links,
        reply: Some(reply.is_some()),
        id: Some(address(post)),
        parent: reply.as_ref().and_then(|reply| at(reply.parent)),
        root: reply.as_ref().and_then(|reply| at(reply.root)),
        ..Entry::default()
    }
}

/// A part that is what it should be.
fn part<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

fn string(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    part::<Text<'_>>(raw).map(|text| text.0)
}

fn add_text(aside: &str, text: &mut String) {
    let mut plain = String::new();
    plain_to_text(cut(aside, MAX_ASIDE), &mut plain);
    if plain.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&plain);
}

fn add_link(uri: &str, links: &mut Vec<String>) {
    if links.len() >= MAX_LINKS {
        return;
    }
    let Some((url, _)) = link::target(uri, None) else { return };
    if !links.contains(&url) {
        links.push(url);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn read(record: &str) -> Entry {
        let record: &RawValue = serde_json::from_str(record).unwrap();
        entry(&PostId { did: "did:plc:abc".into(), rkey: "3kxyz".into() }, record, NOW)
    }

    #[test]
    fn a_post_becomes_an_entry() {
        let entry = read(
            r##"{"$type":"app.bsky.feed.post","createdAt":"2026-09-20T10:00:00.123Z","langs":["pt-BR","en"],
            "text":"O sof\u00e1  da Oakline\nquebrou 😡 oakline.example/he…",
            "facets":[{"index":{"byteStart":1,"byteEnd":2},"features":[{"$type":"app.bsky.richtext.facet#link","uri":"https://oakline.example/help?id=1"},{"$type":"app.bsky.richtext.facet#mention","did":"did:plc:x"}]}],
            "embed":{"$type":"app.bsky.embed.recordWithMedia","record":{"uri":"at://x"},"media":{"$type":"app.bsky.embed.images","images":[{"alt":"Perna partida","image":{}},{"alt":""}]}},
            "tags":["defeito"],"reply":{"root":{"uri":"at://r"},"parent":{"uri":"at://p"}}}"##,
        );
        assert_eq!(entry.text, "O sofá da Oakline quebrou 😡 oakline.example/he…\nPerna partida\n#defeito");
        assert_eq!(entry.url.as_deref(), Some("https://bsky.app/profile/did:plc:abc/post/3kxyz"));
        assert_eq!(entry.author.unwrap().url.as_deref(), Some("https://bsky.app/profile/did:plc:abc"));
        assert_eq!(entry.lang.as_deref(), Some("pt-BR"));
        assert_eq!(entry.links, ["https://oakline.example/help?id=1"]);
        assert_eq!(entry.reply, Some(true));
        assert_eq!((entry.parent.as_deref(), entry.root.as_deref()), (Some("at://p"), Some("at://r")));
        assert_eq!(entry.published.map(|at| at.to_string()).as_deref(), Some("2026-09-20T10:00:00Z"));
        assert_eq!(entry.identity, identities::of_id("at://did:plc:abc/app.bsky.feed.post/3kxyz"));
    }

    #[test]
    fn a_card_is_read_with_its_link() {
        let entry = read(
            r#"{"text":"","embed":{"$type":"app.bsky.embed.external","external":{"uri":"https://news.example/a","title":"Oakline recalls sofas","description":"Legs break."}}}"#,
        );
        assert_eq!(entry.text, "Oakline recalls sofas\nLegs break.");
        assert_eq!(entry.links, ["https://news.example/a"]);
        assert_eq!((entry.reply, entry.published, entry.lang), (Some(false), None, None));
    }

    #[test]
    fn what_is_not_as_it_should_be_is_left_out_and_the_rest_is_read() {
        let entry = read(
            r#"{"text":"Oakline","createdAt":7,"langs":"en","facets":{"a":1},"embed":[1],"tags":[1,"x"],"reply":null}"#,
        );
        assert_eq!((entry.text.as_str(), entry.reply, entry.published), ("Oakline\n#x", Some(false), None));
        assert_eq!(read(r#"{"text":{"a":1}}"#).text, "");
        assert_eq!(read("[1]").text, "");
        let future = read(r#"{"text":"x","createdAt":"9999-01-01T00:00:00Z"}"#);
        assert!(future.published.is_some_and(|at| at <= NOW + jiff::SignedDuration::from_mins(2)));
        let script =
            read(r#"{"text":"x","embed":{"external":{"uri":"javascript:alert(1)","title":"t","description":""}}}"#);
        assert!(script.links.is_empty());
    }
}
