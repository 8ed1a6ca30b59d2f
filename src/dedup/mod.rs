//! One story, one alert: what makes two entries the same story. Pure; the record decides between two that arrive at once
//! by the same rules.

pub mod body;
pub mod forgotten;
pub mod near;
pub mod report;
pub mod voice;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use crate::model::{Category, Entry};
use crate::text::link;
use body::Body;
use near::{Likeness, Sketch};
use report::Report;

/// Share of common words (Jaccard) from which two entries of one source with the same link are the same story; below it
/// they are two people under one link (comments, reviews).
const SAME_SOURCE_OVERLAP: f32 = 0.5;

/// Words of one's own beside a quoted text that make it another person's mention.
const OWN_WORDS: usize = 8;

/// Words of a text that is taken as a press report although nothing says so.
const FEWEST_OF_REPORT: usize = 12;

/// Something that two entries of one story share: the first 128 bits of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoryKey(pub [u8; 16]);

impl StoryKey {
    fn of(kind: &str, value: &str) -> Self {
        let digest = Sha256::new().chain_update(kind).chain_update([0]).chain_update(value).finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }
}

/// Why an entry is, or is not, a copy of a known story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopyVerdict {
    /// Another source carries the same link.
    SameLink,
    /// The same source shows the same link again, with the same words.
    SameLinkAgain,
    /// The same source has other words under the same link: another person.
    OtherWords,
    /// The same author's words at another place, a repost or a bare quote of them.
    SameVoice,
    /// The same text at another place.
    SameText,
    /// Another press report of the same event.
    SameEvent,
}

impl CopyVerdict {
    /// True if the entry adds nothing that was not said.
    pub fn is_copy(self) -> bool {
        !matches!(self, CopyVerdict::OtherWords)
    }

    /// The reason, for logs and `explain`.
    pub fn why(self) -> &'static str {
        match self {
            CopyVerdict::SameLink => "another source carries the same link",
            CopyVerdict::SameLinkAgain => "the same source shows the same link and words again",
            CopyVerdict::OtherWords => "same source and link, but other words: another person",
            CopyVerdict::SameVoice => "the same author's words again, or a repost or quote of them",
            CopyVerdict::SameText => "the same text stands at another place",
            CopyVerdict::SameEvent => "another press report of the same event",
        }
    }
}

/// What an entry is recognised by beside its link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prints {
    /// Keys of its author's words (`voice`).
    pub voices: Vec<StoryKey>,
    /// Its words, for the exact comparison.
    pub body: Body,
    /// Its smallest shingles; empty for a short text.
    pub sketch: Sketch,
    /// Its words as a press report; empty for what is none.
    pub report: Report,
}

impl Prints {
    /// The prints of an entry that matched; `searched` are the words that it matched.
    pub fn of(entry: &Entry, category: Category, lang: &str, searched: &[&str]) -> Self {
        let body = Body::of(&entry.title, &entry.text);
        let is_report = report::is_report(entry, category, lang);
        Self {
            voices: voice::keys(entry),
            sketch: Sketch::of(&body),
            report: if is_report { Report::of(&entry.title, &entry.text, searched) } else { Report::default() },
            body,
        }
    }
}

/// The links of one document's entries. A link that several of them share says nothing about an entry.
pub struct Links<'a>(HashMap<&'a str, usize>);

impl<'a> Links<'a> {
    /// Counts the links of a document.
    pub fn of(entries: &'a [Entry]) -> Self {
        let mut uses = HashMap::new();
        for link in entries.iter().filter_map(|e| e.url.as_deref()) {
            *uses.entry(link).or_default() += 1;
        }
        Self(uses)
    }

    /// Story keys of one of these entries: its link, unless others have it too or it leads to a site's front page.
    pub fn story_keys(&self, entry: &Entry) -> Vec<StoryKey> {
        let own = entry.url.as_deref().filter(|link| self.0.get(link) == Some(&1));
        own.and_then(usable_link).map(|link| StoryKey::of("link", &link)).into_iter().collect()
    }
}

/// Judges an entry whose link belongs to a known story. `overlap` is the share of words that it has in common with the
/// story's first mention, 0 … 1.
pub fn judge_copy(same_source: bool, overlap: f32) -> CopyVerdict {
    if !same_source {
        CopyVerdict::SameLink
    } else if overlap >= SAME_SOURCE_OVERLAP {
        CopyVerdict::SameLinkAgain
    } else {
        CopyVerdict::OtherWords
    }
}

/// A text of which nothing else is known, ready to be compared.
#[derive(Clone, Debug)]
pub struct BareText {
    entry: Entry,
    lang: String,
    body: Body,
    /// Empty if somebody speaks of themselves.
    report: Report,
}

impl BareText {
    /// A text in this language (a code).
    pub fn of(text: &str, lang: &str) -> Self {
        let body = Body::of("", text);
        // Where nothing says that it is the press, a line, a question or a post is taken as somebody's own.
        let report = body.words().len() >= FEWEST_OF_REPORT
            && !text.trim_end().ends_with('?')
            && !report::is_post(text)
            && !report::is_own_voice(text, lang);
        Self {
            entry: Entry { text: text.to_owned(), ..Entry::default() },
            lang: lang.to_owned(),
            body,
            report: if report { Report::of("", text, &[]) } else { Report::default() },
        }
    }

    /// Whether both are one story: the same text, or reports of the same event. It is the judgement of mentions from
    /// different places whose links, authors and kinds are not known.
    pub fn same_story(&self, other: &Self) -> Option<CopyVerdict> {
        if Likeness::of(&self.body, &other.body).is_same_text(false) {
            let own = adds_own_words(&self.body, &other.entry, &other.lang)
                || adds_own_words(&other.body, &self.entry, &self.lang);
            return (!own).then_some(CopyVerdict::SameText);
        }
        self.report.is_same_event(&other.report).then_some(CopyVerdict::SameEvent)
    }
}

/// How much of a known entry's text a newer one holds (0 … 1), if that makes it the same text. `body` is the newer one's.
pub fn same_text(older: &Entry, newer: &Entry, body: &Body, same_source: bool, lang: &str) -> Option<f32> {
    let before = Body::of(&older.title, &older.text);
    let likeness = Likeness::of(&before, body);
    if !likeness.is_same_text(same_source) {
        return None;
    }
    if same_source {
        // A site that writes the same below every headline (an advertisement, a note on rights) has said nothing twice.
        let [a, b] = [&older.title, &newer.title].map(|title| Body::words_of("", title));
        if a != b && !a.words().is_empty() && !b.words().is_empty() {
            return None;
        }
    }
    (!adds_own_words(&before, newer, lang)).then_some(likeness.contained)
}

/// Whether the newer of two entries whose texts are alike has the whole older one (`before`) and somebody's own words
/// beside it: who quotes a text to speak of themselves is another person, not a copy.
fn adds_own_words(before: &Body, newer: &Entry, lang: &str) -> bool {
    if Body::words_of("", &newer.text).words().len() <= before.words().len() {
        return false;
    }
    let known: HashSet<u64> = before.words().iter().copied().collect();
    let mut own = 0;
    let mut speaks = false;
    for sentence in newer.text.split_inclusive(['.', '!', '?', '\n']) {
        let words = Body::words_of("", sentence);
        let new = words.words().iter().filter(|w| !known.contains(w)).count();
        if new * 2 > words.words().len() {
            own += words.words().len();
            speaks = speaks || report::is_own_voice(sentence, lang);
        }
    }
    speaks && own >= OWN_WORDS
}

/// Share of two ascending lists of word hashes that is common to both (Jaccard index), 0 … 1; two empty lists are equal.
pub fn overlap(a: &[u32], b: &[u32]) -> f32 {
    let common = common(a, b);
    let all = a.len() + b.len() - common;
    if all == 0 { 1.0 } else { common as f32 / all as f32 }
}

/// How many hashes two ascending lists have in common.
pub fn common(a: &[u32], b: &[u32]) -> usize {
    common_of(a, b)
}

/// How many values two ascending lists have in common.
fn common_of<T: Ord>(a: &[T], b: &[T]) -> usize {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                common += 1;
                i += 1;
                j += 1;
            }
        }
    }
    common
}

/// The canonical link, if it leads to one thing. A fragment with digits is somebody's comment on the page, so it counts.
fn usable_link(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    if url.path().len() <= 1 && url.query().is_none() {
        return None;
    }
    let mut key = link::same_page(&url);
    if let Some(fragment) = url.fragment().filter(|f| f.bytes().any(|b| b.is_ascii_digit())) {
        key.push('#');
        key.push_str(fragment);
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(url: &str) -> Entry {
        Entry { text: String::new(), url: Some(url.into()), ..Entry::default() }
    }

    fn story_keys(entries: &[Entry]) -> Vec<Vec<StoryKey>> {
        let links = Links::of(entries);
        entries.iter().map(|entry| links.story_keys(entry)).collect()
    }

    #[test]
    fn the_same_link_gives_the_same_key_however_it_is_decorated() {
        let keys = story_keys(&[entry("https://www.example.com/a?utm_source=x")]);
        assert_eq!(keys, story_keys(&[entry("http://example.com/a/")]));
        assert_ne!(keys, story_keys(&[entry("https://example.com/b")]));
    }

    #[test]
    fn a_link_that_says_nothing_gives_no_key() {
        assert_eq!(story_keys(&[entry("https://example.com/")]), [vec![]]);
        let app = "https://apps.example.com/app/77";
        assert_eq!(story_keys(&[entry(app), entry(app)]), [vec![], vec![]]);
    }

    #[test]
    fn comments_under_one_page_are_different_people() {
        let a = story_keys(&[entry("https://example.com/a#comment-1")]);
        assert_ne!(a, story_keys(&[entry("https://example.com/a#comment-2")]));
        assert_eq!(story_keys(&[entry("https://example.com/a#top")]), story_keys(&[entry("https://example.com/a")]));
    }

    #[test]
    fn one_source_and_link_with_other_words_is_another_person() {
        assert_eq!(judge_copy(false, 0.0), CopyVerdict::SameLink);
        assert_eq!(judge_copy(true, 0.9), CopyVerdict::SameLinkAgain);
        assert_eq!(judge_copy(true, 0.1), CopyVerdict::OtherWords);
        assert!(!CopyVerdict::OtherWords.is_copy());
    }

    #[test]
    fn overlap_is_the_jaccard_index() {
        assert!((overlap(&[1, 2, 3], &[2, 3, 4]) - 0.5).abs() < 1e-6);
        assert!((overlap(&[], &[]) - 1.0).abs() < 1e-6);
        assert!(overlap(&[1], &[2]).abs() < 1e-6);
    }
}
