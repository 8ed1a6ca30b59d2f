//! The text as the finders of personal data see it: characters with look-alikes made one, and words.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Kind;
use super::lists::{List, Lists};

/// A text, by characters. Places in it are ranges of characters until [`Text::bytes`].
///
/// A mail has a dozen texts to look at, and most hold nothing to find. So a text knows what occurs in it at all, and a
/// finder looks only where it could find something.
pub(super) struct Text<'t> {
    pub(super) body: &'t str,
    /// One a character of the text: digits of every script are ASCII's, dashes `-`, spaces ` `, at signs `@`.
    pub(super) chars: Vec<char>,
    /// Where each character begins, in bytes, and the text's end.
    at: Vec<usize>,
    pub(super) tokens: Vec<Token<'t>>,
    /// The lists that any word is on.
    lists: Lists,
    /// See [`Text::has_numbers`].
    numbers: bool,
}

/// A run of letters and digits.
pub(super) struct Token<'t> {
    pub(super) span: Range<usize>,
    /// Lower case, without accents; most words are written so.
    pub(super) folded: Cow<'t, str>,
    /// Begins with a capital.
    pub(super) capital: bool,
    /// More than one letter, all of them capitals.
    pub(super) shouted: bool,
    lists: Lists,
}

impl<'t> Token<'t> {
    fn new(span: Range<usize>, folded: Cow<'t, str>, capital: bool, shouted: bool) -> Self {
        let lists = Lists::of(&folded);
        Self { span, folded, capital, shouted, lists }
    }

    /// True if the word is on the list.
    pub(super) fn is(&self, list: List) -> bool {
        self.lists.has(list)
    }

    /// True if the word is on one of the lists.
    pub(super) fn is_any(&self, lists: Lists) -> bool {
        self.lists.meets(lists)
    }

    /// Letters only.
    pub(super) fn is_word(&self) -> bool {
        self.folded.chars().all(char::is_alphabetic)
    }

    /// ASCII digits only.
    pub(super) fn is_number(&self) -> bool {
        self.folded.bytes().all(|b| b.is_ascii_digit())
    }
}

impl<'t> Text<'t> {
    pub(super) fn new(body: &'t str) -> Self {
        let mut chars: Vec<char> = Vec::with_capacity(body.len());
        let mut at = Vec::with_capacity(body.len() + 1);
        let mut rest = body;
        // By runs of ASCII, which are long in the texts of four languages, and which a processor takes many at a time.
        while !rest.is_empty() {
            let from = body.len() - rest.len();
            let (run, after) = rest.split_at(rest.bytes().position(|b| !b.is_ascii()).unwrap_or(rest.len()));
            chars.extend(run.bytes().map(|b| char::from(if b == b'\t' { b' ' } else { b })));
            at.extend(from..from + run.len());
            let mut others = after.chars();
            if let Some(c) = others.next() {
                chars.push(plain(c));
                at.push(from + run.len());
            }
            rest = others.as_str();
        }
        at.push(body.len());
        let numbers = chars.iter().fold(false, |found, c| found | c.is_ascii_digit());
        let tokens = Vec::with_capacity(body.len() / 5);
        let mut text = Self { body, chars, at, tokens, lists: Lists::default(), numbers };
        text.tokenize();
        text
    }

    fn tokenize(&mut self) {
        let mut at = 0;
        while let Some(gap) = self.chars[at..].iter().position(|c| is_word_char(*c)) {
            let start = at + gap;
            let rest = &self.chars[start..];
            let letters = &rest[..rest.iter().position(|c| !is_word_char(*c)).unwrap_or(rest.len())];
            at = start + letters.len();
            let span = start..at;
            let written = self.body.get(self.at[start]..self.at[at]).unwrap_or_default();
            // Most words are small letters of ASCII, and there is no more to know of them.
            let small = written.len() == letters.len() && letters.iter().all(|c| matches!(c, 'a'..='z' | '0'..='9'));
            let token = if small {
                Token::new(span, Cow::Borrowed(written), false, false)
            } else {
                let folded = fold_word(written, letters);
                // Digits of other scripts are known already; `²` is one where a word is folded.
                self.numbers |= folded.is_empty() || folded.bytes().any(|b| b.is_ascii_digit());
                let shouted = letters.iter().all(|c| c.is_uppercase() || !c.is_alphabetic())
                    && letters.iter().filter(|c| c.is_alphabetic()).count() > 1;
                Token::new(span, folded, letters[0].is_uppercase(), shouted)
            };
            self.lists = self.lists.and(token.lists);
            self.tokens.push(token);
        }
    }

    /// True if an at sign, or what is taken for one, occurs.
    pub(super) fn has_at_sign(&self) -> bool {
        self.has_byte(b'@') || self.body.contains('＠')
    }

    pub(super) fn has_slash(&self) -> bool {
        self.has_byte(b'/')
    }

    fn has_byte(&self, byte: u8) -> bool {
        memchr::memchr(byte, self.body.as_bytes()).is_some()
    }

    /// True if a word is on one of the lists.
    pub(super) fn has_any(&self, lists: Lists) -> bool {
        self.lists.meets(lists)
    }

    /// False if nothing can be taken for a number: no character is a digit, and no word has a digit or is
    /// [a number](Token::is_number) because nothing is left of it.
    pub(super) fn has_numbers(&self) -> bool {
        self.numbers
    }

    /// The character at a place; NUL outside of the text.
    pub(super) fn get(&self, at: usize) -> char {
        self.chars.get(at).copied().unwrap_or('\0')
    }

    /// The character before a place; NUL at the start.
    pub(super) fn before(&self, at: usize) -> char {
        at.checked_sub(1).map_or('\0', |i| self.get(i))
    }

    pub(super) fn slice(&self, span: Range<usize>) -> &[char] {
        self.chars.get(span).unwrap_or_default()
    }

    pub(super) fn bytes(&self, span: Range<usize>) -> Range<usize> {
        let byte = |i: usize| self.at.get(i).copied().unwrap_or(self.body.len());
        byte(span.start)..byte(span.end)
    }

    /// The character that begins at or holds this byte.
    pub(super) fn char_of_byte(&self, byte: usize) -> usize {
        self.at.partition_point(|at| *at <= byte).saturating_sub(1)
    }

    /// The lower-case word of a token; empty outside.
    pub(super) fn word(&self, token: usize) -> &str {
        self.tokens.get(token).map_or("", |t| &t.folded)
    }

    /// True if a token's word is on the list; false outside.
    pub(super) fn is(&self, token: usize, list: List) -> bool {
        self.tokens.get(token).is_some_and(|t| t.is(list))
    }

    /// What stands between a token and the next; to the end behind the last.
    pub(super) fn gap(&self, token: usize) -> &[char] {
        let start = self.tokens.get(token).map_or(self.chars.len(), |t| t.span.end);
        let end = self.tokens.get(token + 1).map_or(self.chars.len(), |t| t.span.start);
        self.slice(start..end)
    }

    /// True if the gap behind a token has at most `most` characters, each one of `of`.
    pub(super) fn gap_is(&self, token: usize, most: usize, of: &str) -> bool {
        let gap = self.gap(token);
        token + 1 < self.tokens.len() && gap.len() <= most && gap.iter().all(|c| of.contains(*c))
    }

    /// The first token that begins at or behind a place.
    pub(super) fn token_from(&self, at: usize) -> usize {
        self.tokens.partition_point(|t| t.span.start < at)
    }

    /// The word that ends at or right before a place, over at most one space and one full stop.
    pub(super) fn word_before(&self, at: usize) -> &str {
        let n = self.tokens.partition_point(|t| t.span.end <= at);
        let Some(token) = n.checked_sub(1).and_then(|n| self.tokens.get(n)) else { return "" };
        let gap = self.slice(token.span.end..at);
        if gap.len() <= 3 && gap.iter().all(|c| " .:#".contains(*c)) { &token.folded } else { "" }
    }
}

/// Places by start; none overlaps another: the first to come wins.
#[derive(Default)]
pub(super) struct Places {
    found: BTreeMap<usize, (usize, Kind)>,
    /// Matched words: only mail addresses and links may cover them.
    marks: Vec<Range<usize>>,
}

impl Places {
    pub(super) fn new(marks: Vec<Range<usize>>) -> Self {
        Self { found: BTreeMap::new(), marks }
    }

    pub(super) fn add(&mut self, span: Range<usize>, kind: Kind) {
        if !matches!(kind, Kind::Email | Kind::Link) && self.is_marked(&span) || self.is_taken(&span) {
            return;
        }
        if span.start < span.end {
            self.found.insert(span.start, (span.end, kind));
        }
    }

    pub(super) fn is_taken(&self, span: &Range<usize>) -> bool {
        self.found.range(..span.end).next_back().is_some_and(|(_, (end, _))| *end > span.start)
    }

    fn is_marked(&self, span: &Range<usize>) -> bool {
        let next = self.marks.partition_point(|m| m.end <= span.start);
        self.marks.get(next).is_some_and(|m| m.start < span.end)
    }

    pub(super) fn into_sorted(self) -> impl Iterator<Item = (Range<usize>, Kind)> {
        self.found.into_iter().map(|(start, (end, kind))| (start..end, kind))
    }
}

/// True for a character of a word.
pub(super) fn is_word_char(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { c.is_alphanumeric() || is_combining_mark(c) }
}

/// Runs of letters and digits, with their bytes.
pub(super) fn words(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(is_word_char)?;
        let end = text[start..].find(|c| !is_word_char(c)).map_or(text.len(), |i| start + i);
        at = end;
        Some((start..end, &text[start..end]))
    })
}

/// Lower case without accents, for comparison.
pub(in crate::compose) fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { fold_chars(text.chars(), text.len()) }
}

/// A word, as it is written and with look-alikes made one.
fn fold_word<'t>(written: &'t str, letters: &[char]) -> Cow<'t, str> {
    if !written.is_ascii() {
        Cow::Owned(fold_chars(letters.iter().copied(), written.len()))
    } else if written.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(written.to_ascii_lowercase())
    } else {
        Cow::Borrowed(written)
    }
}

/// `length`: bytes of the text.
fn fold_chars(text: impl Iterator<Item = char> + Clone, length: usize) -> String {
    // Decomposing costs more than all else that is done with a word, and the letters of four languages need none.
    let mut folded = String::with_capacity(length);
    for c in text.clone() {
        match western(c) {
            Some(c) => folded.push(c),
            None => return decomposed(text),
        }
    }
    folded
}

/// What stands for a character of ASCII or a letter of Latin-1; `None` for others.
fn western(c: char) -> Option<char> {
    Some(match c {
        '\0'..='\x7f' => c.to_ascii_lowercase(),
        'À'..='Å' | 'à'..='å' => 'a',
        'Ç' | 'ç' => 'c',
        'È'..='Ë' | 'è'..='ë' => 'e',
        'Ì'..='Ï' | 'ì'..='ï' => 'i',
        'Ñ' | 'ñ' => 'n',
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' => 'o',
        'Ù'..='Ü' | 'ù'..='ü' => 'u',
        'Ý' | 'ý' | 'ÿ' => 'y',
        'Æ' | 'æ' => 'æ',
        _ => return None,
    })
}

/// Unicode's way (UAX #15, NFKD).
fn decomposed(text: impl Iterator<Item = char>) -> String {
    text.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ø' { 'o' } else { c })
        .collect()
}

fn plain(c: char) -> char {
    if c.is_ascii() {
        return if c == '\t' { ' ' } else { c };
    }
    match c {
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '＠' => '@',
        '＃' => '#',
        '＋' => '+',
        '’' | '‘' => '\'',
        '\u{ff10}'..='\u{ff19}' => digit(c, '\u{ff10}'),
        '\u{660}'..='\u{669}' => digit(c, '\u{660}'),
        '\u{6f0}'..='\u{6f9}' => digit(c, '\u{6f0}'),
        '\u{966}'..='\u{96f}' => digit(c, '\u{966}'),
        '\u{1d7ce}'..='\u{1d7ff}' => char::from(b'0' + u8::try_from((u32::from(c) - 0x1d7ce) % 10).unwrap_or(0)),
        _ => c,
    }
}

fn digit(c: char, zero: char) -> char {
    char::from(b'0' + u8::try_from(u32::from(c) - u32::from(zero)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_has_one_folded_form_whichever_way_it_is_folded() {
        for c in (0..=0xff).filter_map(char::from_u32) {
            let unicode = decomposed(std::iter::once(c));
            assert!(western(c).is_none_or(|folded| folded.to_string() == unicode), "{c:?} is {unicode:?}");
            assert_eq!(fold(&c.to_string()), unicode, "{c:?}");
        }
        assert_eq!(fold("ÅRHUS e\u{301}t ﬁn Ǿ"), "arhus et fin o");
    }

    #[test]
    fn a_text_knows_what_occurs_in_it() {
        let text = Text::new("Write to ａ＠b at the café");
        assert!(text.has_at_sign() && !text.has_slash() && !text.has_numbers());
        assert!(Text::new("a@b/c").has_at_sign() && Text::new("a@b/c").has_slash());
        assert!(text.has_any(Lists::all(&[List::Kin, List::At])) && !text.has_any(Lists::all(&[List::Kin])));
        // A word of marks alone is folded to nothing, and nothing is all digits.
        for number in ["room 7", "٣", "m²", "x \u{301}"] {
            assert!(Text::new(number).has_numbers(), "{number}");
        }
    }
}
