//! Entries of people who were forgotten: what a source still serves of them does not come back. Only keyed hashes are
//! kept, which say nothing to whoever does not hold the record's key as well.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::StoryKey;
use crate::model::{Author, Entry, Identity};

/// A keyed hash: the first 128 bits of SHA-256 over key, kind and value. (Cut short, it cannot be extended, so that it
/// needs no HMAC.)
pub type ForgottenKey = [u8; 16];

/// The entries that must not come back.
#[derive(Clone, Debug, Default)]
pub struct Forgotten {
    key: Vec<u8>,
    hashes: HashSet<ForgottenKey>,
}

impl Forgotten {
    /// `key` is the record's own, made of chance.
    pub fn new(key: Vec<u8>, hashes: HashSet<ForgottenKey>) -> Self {
        Self { key, hashes }
    }

    /// What is kept of an entry of a source.
    pub fn of_entry(&self, source: &str, identity: Identity) -> ForgottenKey {
        self.hash(b"entry", &[source.as_bytes(), &[0], &identity.0].concat())
    }

    /// What is kept of words that stood with the author's name: a repost of them does not come back either.
    pub fn of_voice(&self, key: &StoryKey) -> ForgottenKey {
        self.hash(b"voice", &key.0)
    }

    /// What is kept of a link by an author: the same post elsewhere, and not somebody else's about the same page.
    pub fn of_link(&self, key: &StoryKey, author: &Author) -> impl Iterator<Item = ForgottenKey> {
        let names = [Some(author.name.as_str()), author.handle.as_deref()];
        let names = names.map(|name| name.map(|n| n.trim().trim_start_matches('@').to_lowercase()));
        let key = *key;
        names
            .into_iter()
            .flatten()
            .filter(|name| !name.is_empty())
            .map(move |name| self.hash(b"link", &[key.0.as_slice(), name.as_bytes()].concat()))
    }

    /// Whether an entry of a source was forgotten; by its links, and by the keys of its author's words.
    pub fn knows(&self, source: &str, entry: &Entry, links: &[StoryKey], voices: &[StoryKey]) -> bool {
        !self.hashes.is_empty()
            && (self.hashes.contains(&self.of_entry(source, entry.identity))
                || voices.iter().any(|key| self.hashes.contains(&self.of_voice(key)))
                || entry.author.as_ref().is_some_and(|author| {
                    links.iter().any(|key| self.of_link(key, author).any(|hash| self.hashes.contains(&hash)))
                }))
    }

    /// True if nobody was forgotten.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    fn hash(&self, kind: &[u8], value: &[u8]) -> ForgottenKey {
        let digest = Sha256::new().chain_update(&self.key).chain_update(kind).chain_update([0]).chain_update(value);
        let mut out = ForgottenKey::default();
        out.copy_from_slice(&digest.finalize()[..16]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_known_by_identity_words_or_link_and_author() {
        let ana = Author { name: "Ana".into(), handle: Some("@ana_r".into()), ..Author::default() };
        let entry = |n, author: &Author| Entry {
            identity: Identity([n; 16]),
            author: Some(author.clone()),
            ..Entry::default()
        };
        let (link, voice, other) = (StoryKey([3; 16]), StoryKey([4; 16]), StoryKey([5; 16]));
        let none = Forgotten::new(vec![7; 32], HashSet::new());
        assert!(!none.knows("a", &entry(1, &ana), &[link], &[voice]));
        let mut hashes = HashSet::from([none.of_entry("a", Identity([1; 16])), none.of_voice(&voice)]);
        hashes.extend(none.of_link(&link, &ana));
        let some = Forgotten::new(vec![7; 32], hashes.clone());
        let renamed = Author { name: "ANA_R".into(), ..Author::default() };
        assert!(some.knows("a", &entry(1, &Author::default()), &[], &[]), "the same entry");
        assert!(some.knows("b", &entry(2, &renamed), &[link], &[]), "the same post elsewhere");
        assert!(some.knows("b", &entry(2, &Author::default()), &[], &[voice]), "the same words elsewhere");
        let eva = Author { name: "Eva".into(), ..Author::default() };
        assert!(!some.knows("b", &entry(2, &eva), &[link], &[other]), "somebody else about the same page");
        assert!(!some.knows("b", &entry(1, &ana), &[other], &[]), "another entry of another source");
        assert!(!Forgotten::new(vec![8; 32], hashes).knows("a", &entry(1, &ana), &[link], &[voice]), "another key");
    }
}
