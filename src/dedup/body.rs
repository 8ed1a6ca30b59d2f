//! A text as it is compared: its words, folded and hashed. Punctuation, links, mark-up signs, case and accents are gone,
//! so that other quotes, dashes and encodings make no other text.

use std::borrow::Cow;

use crate::text::fold::{fold, is_spaceless};

/// Words of a text that are looked at.
const MAX_WORDS: usize = 4_000;

/// A text from so many words on is somebody's own wording: two people do not write it by chance. Shorter ones meet only
/// as one author's, a repost or a quote (`voice`).
pub const LONG: usize = 20;

/// The words of a text, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    words: Vec<u64>,
    /// Those that are numbers, ascending.
    numbers: Vec<u64>,
    /// Hashes of its shingles, ascending, each once.
    shingles: Vec<u64>,
}

impl Body {
    /// The words of an entry: of its text, or of title and text where the text alone is short.
    pub fn of(title: &str, text: &str) -> Self {
        let mut body = Self::words_of(title, text);
        body.shingles = super::near::shingles(&body.words);
        body
    }

    /// The same without shingles, where only the words count.
    pub(super) fn words_of(title: &str, text: &str) -> Self {
        let text = Self::read(text);
        if text.words.len() >= LONG {
            return text;
        }
        let mut whole = Self::read(title);
        // Short posts repeat their beginning as the title.
        let head = whole.words.len().min(text.words.len());
        if whole.words.get(..head) == text.words.get(..head) {
            return if whole.words.len() > text.words.len() { whole } else { text };
        }
        whole.words.extend(text.words);
        whole.numbers.extend(text.numbers);
        whole.numbers.sort_unstable();
        whole.numbers.dedup();
        whole
    }

    fn read(text: &str) -> Self {
        let mut body = Self::default();
        let text = repaired(text);
        for token in fold(&text).split(' ').filter(|t| !is_link(t)) {
            body.take(token);
        }
        body.numbers.sort_unstable();
        body.numbers.dedup();
        body
    }

    fn take(&mut self, token: &str) {
        for word in token.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
            if self.words.len() >= MAX_WORDS {
                return;
            }
            // Scripts without spaces: a letter is a word, and three of them in a row tell texts apart.
            if word.chars().any(is_spaceless) {
                let letters = word.chars().map(|c| fnv(c.encode_utf8(&mut [0; 4])));
                self.words.extend(letters.take(MAX_WORDS - self.words.len()));
                continue;
            }
            let hash = fnv(word);
            self.words.push(hash);
            if word.bytes().all(|b| b.is_ascii_digit()) {
                self.numbers.push(hash);
            }
        }
    }

    /// Hashes of the words, in order.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Hashes of the numbers, ascending.
    pub fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// Hashes of its shingles (`near`), ascending, each once.
    pub fn shingles(&self) -> &[u64] {
        &self.shingles
    }

    /// Whether it is long enough to be known by its wording.
    pub fn is_long(&self) -> bool {
        self.words.len() >= LONG
    }
}

/// A token that is a link.
pub(super) fn is_link(token: &str) -> bool {
    token.contains("://") || token.starts_with("www.")
}

/// A text that was UTF-8 and was read as windows-1252 (`cafÃ©`, `donâ€™t`) as it was meant; any other as it is.
pub(super) fn repaired(text: &str) -> Cow<'_, str> {
    if !text.contains(['Ã', 'â', 'Â']) {
        return Cow::Borrowed(text);
    }
    let (bytes, _, lost) = encoding_rs::WINDOWS_1252.encode(text);
    match std::str::from_utf8(&bytes) {
        Ok(meant) if !lost && meant != text => Cow::Owned(meant.to_owned()),
        _ => Cow::Borrowed(text),
    }
}

/// FNV-1a, 64 bits (draft-eastlake-fnv): stored values depend on it, so it never changes.
pub(super) fn fnv(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_signs_and_encodings_are_the_same_words() {
        let plain = Body::of("", "\"The café's toaster\" - it broke, on 3 May.");
        for other in [
            "“The café’s toaster” — it broke, on 3 May.",
            "«The cafe\u{301}'s toaster» – it broke on 3\u{a0}May",
            "THE CAFÉ'S TOASTER: it broke, on 3 May https://a.example/x?y=1",
            "The cafÃ©â€™s toaster â€” it broke on 3 May",
        ] {
            let other = Body::of("", other);
            assert_eq!(other.words().get(..4), plain.words().get(..4));
        }
        assert_eq!(Body::of("", "cafÃ© donâ€™t").words(), Body::of("", "café don’t").words());
        assert_eq!(plain.numbers().len(), 1);
    }

    #[test]
    fn a_title_counts_where_the_text_is_short_and_is_no_repetition() {
        let body = |title, text| Body::of(title, text).words().len();
        assert_eq!(body("Acme fined", "A court decided."), 5);
        assert_eq!(body("Acme fined", "Acme fined by a court."), 5);
        assert_eq!(body("Acme fined by a court today", "Acme fined"), 6);
        assert_eq!(body("A title", &"word ".repeat(LONG)), LONG);
    }

    #[test]
    fn scripts_without_spaces_have_words_too() {
        assert_eq!(Body::of("", "東京の店").words().len(), 4);
    }

    #[test]
    fn a_hostile_text_is_cut() {
        assert_eq!(Body::of("", &"a ".repeat(100_000)).words().len(), MAX_WORDS);
        assert_eq!(Body::of("", &"東".repeat(20_000)).words().len(), MAX_WORDS);
    }
}
