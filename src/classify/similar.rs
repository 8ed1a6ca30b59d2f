//! The words by which two mentions can be compared: stop-words left out, endings cut, hashed.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::LANGUAGES;
use super::tokens::{Kind, Tokens, fold_word};

/// Most words that stand for a text.
const MOST: usize = 32;
/// Shorter words than this say little, and are not cut further.
const SHORTEST: usize = 3;

static STOPWORDS: [LazyLock<HashSet<String>>; 4] = [
    LazyLock::new(|| words(LANGUAGES[0].stopwords)),
    LazyLock::new(|| words(LANGUAGES[1].stopwords)),
    LazyLock::new(|| words(LANGUAGES[2].stopwords)),
    LazyLock::new(|| words(LANGUAGES[3].stopwords)),
];

static NO_WORDS: LazyLock<HashSet<String>> = LazyLock::new(HashSet::new);

/// The common words of a language, folded (lower case, no accents); empty for a language without a folder.
pub fn stopwords(code: &str) -> &'static HashSet<String> {
    LANGUAGES.iter().position(|l| l.code == code).and_then(|i| STOPWORDS.get(i)).unwrap_or(&NO_WORDS)
}

/// Hashes (FNV-1a, 32 bits) of the first 32 distinct words of a text that say what it is about: no stop-words,
/// numbers, names of accounts or links; folded, plural and verb endings cut. Sorted, so that two texts are compared
/// by walking both lists.
pub fn significant_words(text: &str, code: &str) -> Vec<u32> {
    let common = stopwords(code);
    let tokens = Tokens::of(text);
    let mut seen: Vec<u32> = Vec::with_capacity(MOST);
    for token in tokens.list.iter().filter(|t| t.kind == Kind::Word) {
        let word = tokens.folded(token);
        if word.chars().count() < SHORTEST || common.contains(word) {
            continue;
        }
        let hash = fnv(stem(word, code));
        if !seen.contains(&hash) {
            seen.push(hash);
            if seen.len() == MOST {
                break;
            }
        }
    }
    seen.sort_unstable();
    seen
}

/// A word of a text as themes compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stem {
    /// Folded, as written otherwise.
    pub word: String,
    /// Bytes of it without its ending.
    cut: usize,
    /// A stop-word, or too short to say anything.
    pub common: bool,
    /// A number.
    pub number: bool,
}

impl Stem {
    /// The word without one ending.
    pub fn stem(&self) -> &str {
        self.word.get(..self.cut).unwrap_or(&self.word)
    }
}

/// The first `most` words and numbers of a text in their order, stop-words too; names of accounts and links are left out.
pub fn stems(text: &str, code: &str, most: usize) -> Vec<Stem> {
    let stop = stopwords(code);
    let tokens = Tokens::of(text);
    let words = tokens.list.iter().filter(|t| matches!(t.kind, Kind::Word | Kind::Number)).take(most);
    words
        .map(|token| {
            let word = tokens.folded(token);
            let number = token.kind == Kind::Number;
            let common = word.chars().count() < SHORTEST || stop.contains(word);
            Stem { cut: stem(word, code).len(), word: word.to_owned(), common, number }
        })
        .collect()
}

/// Cuts one ending, if at least four letters remain.
fn stem<'w>(word: &'w str, code: &str) -> &'w str {
    let endings: &[&str] = match code {
        "en" => {
            &["ations", "ation", "ingly", "edly", "ings", "ing", "ies", "ers", "ed", "er", "es", "ly", "s", "e", "y"]
        }
        "es" => &[
            "aciones", "acion", "adores", "ador", "amente", "mente", "ando", "iendo", "aron", "ieron", "adas", "ados",
            "idas", "idos", "ada", "ado", "ida", "ido", "aba", "ar", "er", "ir", "as", "os", "es", "an", "en", "a",
            "o", "e", "s",
        ],
        "pt" => &[
            "acoes", "acao", "adores", "ador", "amente", "mente", "ando", "endo", "indo", "aram", "eram", "iram",
            "adas", "ados", "idas", "idos", "ada", "ado", "ida", "ido", "ava", "ar", "er", "ir", "as", "os", "es",
            "am", "em", "ou", "eu", "a", "o", "e", "s",
        ],
        "da" => &[
            "ingerne", "elserne", "ernes", "inger", "elsen", "elser", "erne", "ende", "ene", "ede", "ing", "else",
            "ers", "et", "er", "en", "te", "es", "e", "s", "t",
        ],
        _ => &[],
    };
    endings.iter().find_map(|e| word.strip_suffix(e).filter(|s| s.len() >= 4)).unwrap_or(word)
}

fn fnv(word: &str) -> u32 {
    word.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn words(data: &str) -> HashSet<String> {
    data.lines().filter(|l| !l.starts_with('#')).flat_map(str::split_whitespace).map(fold_word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_issue_in_other_forms_shares_words() {
        let table = [
            ("en", "The parcels were delivered damaged", "my parcel: damages on delivering", 2),
            ("es", "Los paquetes llegaron dañados", "El paquete llegó dañado", 2),
            ("pt", "As encomendas chegaram danificadas", "a encomenda danificada", 2),
            ("da", "Pakkerne er ødelagte", "min pakke var ødelagt", 2),
            ("fi", "paketti hajosi", "paketti hajosi", 2),
        ];
        for (code, a, b, expected) in table {
            let (a, b) = (significant_words(a, code), significant_words(b, code));
            let shared = a.iter().filter(|h| b.contains(h)).count();
            assert!(shared >= expected, "{code}: {shared}");
        }
    }

    #[test]
    fn hashes_are_few_sorted_and_distinct() {
        let text: String =
            (0..500u32).map(|i| format!("word{} ", char::from_u32(0x61 + i % 26).unwrap_or('a'))).collect();
        let hashes = significant_words(&(text + "alpha beta gamma"), "en");
        assert!(hashes.len() <= MOST && hashes.windows(2).all(|w| w[0] < w[1]));
        assert!(significant_words("and the of 42 @you http://a.example/b", "en").is_empty());
    }

    #[test]
    fn stopwords_are_folded() {
        assert!(stopwords("da").contains("paa") && stopwords("es").contains("mas") && stopwords("pt").contains("nao"));
        assert!(stopwords("xx").is_empty());
    }
}
