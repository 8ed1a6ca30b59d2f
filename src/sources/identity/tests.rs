//! Polls one after another, and what they take for new.

use super::*;
use crate::sources::feed::{RawText, TextKind};

fn entry(id: &str, link: &str, title: &str) -> RawEntry {
    let title = RawText { kind: TextKind::Html, text: title.into() };
    RawEntry { id: id.into(), link: link.into(), title, ..RawEntry::default() }
}

fn kinds(found: &Identified) -> Vec<Kind> {
    found.sightings.iter().map(|s| s.kind).collect()
}

fn count(found: &Identified, kind: Kind) -> usize {
    found.sightings.iter().filter(|s| s.kind == kind).count()
}

/// Polls documents one after another, handing on what is remembered; answers the last finding.
fn poll(docs: &[Vec<RawEntry>]) -> Identified {
    let mut known = Known::default();
    let mut by = None;
    let mut last = None;
    for doc in docs {
        let found = identify(doc, &known, by.as_deref());
        known = Known::from_bytes(&found.known.to_bytes());
        assert_eq!(known, found.known);
        if found.by != IdentifyBy::Id {
            by = Some(found.by.as_str().to_owned());
        }
        last = Some(found);
    }
    last.unwrap()
}

#[test]
fn new_edited_seen() {
    let first = vec![entry("1", "http://a.example/1", "a"), entry("2", "http://a.example/2", "b")];
    let second = vec![
        entry("3", "http://a.example/3", "c"),
        entry("1", "http://a.example/1", "A"),
        entry("2", "http://a.example/2", "b"),
    ];
    let found = poll(&[first.clone(), second]);
    assert_eq!(kinds(&found), [Kind::New, Kind::Edited, Kind::Seen]);
    assert_eq!((found.by, found.degraded.clone(), found.changed), (IdentifyBy::Id, None, true));
    assert!(!poll(&[first.clone(), first]).changed);
}

#[test]
fn identities_do_not_depend_on_the_poll() {
    let one = identify(&[entry("1", "x", "a")], &Known::default(), None);
    let two = identify(&[entry("9", "y", "b"), entry("1", "z", "c")], &Known::default(), None);
    assert_eq!(one.sightings[0].identity, two.sightings[1].identity);
    assert_ne!(two.sightings[0].identity, two.sightings[1].identity);
    // SHA-256 over "id", a zero byte and "1", computed elsewhere: stored values depend on it.
    let want = 0xb7fe_48ac_f176_9095_342d_fda9_e3fa_9869_u128;
    assert_eq!(one.sightings[0].identity.0, want.to_be_bytes());
}

#[test]
fn hazard_16_no_id_and_no_link() {
    let doc = vec![entry("", "", "a"), entry("", "", "b"), entry("", "http://a.example/", "c")];
    let found = poll(&[doc.clone(), doc]);
    assert_eq!(kinds(&found), [Kind::Seen; 3]);
    let identities: std::collections::HashSet<_> = found.sightings.iter().map(|s| s.identity).collect();
    assert_eq!(identities.len(), 3);
}

#[test]
fn hazard_17_one_id_for_every_entry() {
    let doc =
        |n: usize| (0..n).map(|i| entry("same", &format!("http://a.example/{i}"), &i.to_string())).collect::<Vec<_>>();
    let found = poll(&[doc(5)]);
    assert_eq!((found.by, count(&found, Kind::New)), (IdentifyBy::Link, 5));
    assert!(found.degraded.unwrap().contains("share an id"));
    let found = poll(&[doc(5), doc(7)]);
    assert_eq!((count(&found, Kind::New), count(&found, Kind::Seen)), (2, 5));
    // It stays given up, and says so once.
    assert_eq!(found.degraded, None);
    let same_link: Vec<_> = (0..5).map(|i| entry("same", "http://a.example/x", &i.to_string())).collect();
    let found = poll(&[same_link.clone(), same_link]);
    assert_eq!((found.by, kinds(&found)), (IdentifyBy::Content, vec![Kind::Seen; 5]));
}

#[test]
fn hazard_17_ids_regenerated_at_each_poll() {
    let doc = |poll: usize, n: usize| {
        (0..n)
            .rev()
            .map(|i| entry(&format!("{poll}-{i}"), &format!("http://a.example/{i}"), &i.to_string()))
            .collect::<Vec<_>>()
    };
    let found = poll(&[doc(1, 10), doc(2, 12)]);
    assert_eq!((found.by, count(&found, Kind::New)), (IdentifyBy::Link, 2));
    assert!(found.degraded.as_deref().unwrap().contains("new ids"));
    let found = poll(&[doc(1, 10), doc(2, 12), doc(3, 13)]);
    assert_eq!(count(&found, Kind::New), 1);
    // Without links, by content.
    let bare =
        |poll: usize, n: usize| (0..n).map(|i| entry(&format!("{poll}-{i}"), "", &i.to_string())).collect::<Vec<_>>();
    let found = poll(&[bare(1, 5), bare(2, 6), bare(3, 6)]);
    assert_eq!((found.by, kinds(&found)), (IdentifyBy::Content, vec![Kind::Seen; 6]));
}

#[test]
fn an_id_that_stands_for_something_else_each_time() {
    let found = poll(&[vec![entry("now", "http://a.example/1", "a")], vec![entry("now", "http://a.example/2", "b")]]);
    assert_eq!((found.by, kinds(&found)), (IdentifyBy::Link, vec![Kind::New]));
}

#[test]
fn new_entries_of_a_healthy_feed_do_not_look_like_regenerated_ids() {
    // All link to one page, as status pages do, and everything is replaced.
    let doc = |from: usize| {
        (from..from + 5).map(|i| entry(&i.to_string(), "http://a.example/s", &i.to_string())).collect::<Vec<_>>()
    };
    let found = poll(&[doc(0), doc(5)]);
    assert_eq!((found.by, kinds(&found)), (IdentifyBy::Id, vec![Kind::New; 5]));
}

#[test]
fn twins_in_one_document_are_one() {
    let twin = entry("1", "x", "a");
    let found = poll(&[vec![twin.clone(), entry("2", "y", "b"), twin]]);
    assert_eq!(found.sightings.iter().map(|s| s.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(found.by, IdentifyBy::Id);
}

#[test]
fn what_left_the_document_is_remembered() {
    let doc =
        |from: usize, n: usize| (from..from + n).map(|i| entry(&i.to_string(), "", &i.to_string())).collect::<Vec<_>>();
    // Short for a day, then whole again; empty too.
    for short in [3, 0] {
        let found = poll(&[doc(0, 1000), doc(0, short), doc(0, 1000)]);
        assert_eq!((count(&found, Kind::Seen), found.known.len()), (1000, 1000));
    }
    let found = poll(&[doc(0, 50), doc(50, 50), doc(100, 50), doc(0, 50)]);
    assert_eq!(count(&found, Kind::Seen), 50);
    let found = poll(&(0..30).map(|i| doc(i * 50, 50)).collect::<Vec<_>>());
    assert_eq!(found.known.len(), 2 * 50 + 200);
    assert_eq!(poll(&[doc(0, 15_000), doc(15_000, 15_000)]).known.len(), MAX_KNOWN);
}

#[test]
fn an_entry_edited_at_each_poll_takes_one_place() {
    let docs: Vec<_> = (0..300).map(|i| vec![entry("1", "x", &i.to_string())]).collect();
    let found = poll(&docs);
    assert_eq!((kinds(&found), found.known.len()), (vec![Kind::Edited], 1));
}

#[test]
fn bad_bytes_are_an_empty_memory() {
    let good = poll(&[vec![entry("1", "x", "a")]]).known.to_bytes();
    assert_eq!(Known::from_bytes(&good).len(), 1);
    let mut other_version = good.clone();
    other_version[0] = 9;
    for bad in [&[][..], &good[..good.len() - 1], &other_version] {
        assert!(Known::from_bytes(bad).is_empty());
    }
}

#[test]
fn a_move_to_https_is_no_change() {
    let doc = |base: &str| (0..5).map(|i| entry("", &format!("{base}/{i}"), &i.to_string())).collect::<Vec<_>>();
    let found = poll(&[doc("http://www.a.example"), doc("https://a.example")]);
    assert_eq!(kinds(&found), [Kind::Seen; 5]);
}

#[test]
fn the_stored_hash_never_changes() {
    // Computed elsewhere.
    assert_eq!(fast(LINK_SEED, b"example.com/a-link-longer-than-a-block"), 0xc4b7_a099_84f1_723d);
    let inputs: Vec<String> = (0..10_000).map(|i| format!("x{i}{}", "\0".repeat(i % 40))).collect();
    let hashes: std::collections::HashSet<_> = inputs.iter().map(|i| fast(CONTENT_SEED, i.as_bytes())).collect();
    assert_eq!(hashes.len(), inputs.len());
}
