//! The text as the finders of personal data see it: characters with look-alikes made one, and words.

use std::collections::BTreeMap;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Kind;
use super::lists::{List, Lists};

/// A text, by characters. Places in it are ranges of characters until [`Text::bytes`].
pub(super) struct Text<'t> {
    pub(super) body: &'t str,
    /// One a character of the text: digits of every script are ASCII's, dashes `-`, spaces ` `, at signs `@`.
    pub(super) chars: Vec<char>,
    /// Where each character begins, in bytes, and the text's end.
    at: Vec<usize>,
    pub(super) tokens: Vec<Token>,
}

/// A run of letters and digits.
pub(super) struct Token {
    pub(super) span: Range<usize>,
    /// Lower case, without accents.
    pub(super) folded: String,
    /// Begins with a capital.
    pub(super) capital: bool,
    /// More than one letter, all of them capitals.
    pub(super) shouted: bool,
    lists: Lists,
}

impl Token {
    /// True if the word is on the list.
    pub(super) fn is(&self, list: List) -> bool {
        self.lists.has(list)
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
        let mut chars = Vec::with_capacity(body.len());
        let mut at = Vec::with_capacity(body.len() + 1);
        for (i, c) in body.char_indices() {
            chars.push(plain(c));
            at.push(i);
        }
        at.push(body.len());
        let mut text = Self { body, chars, at, tokens: Vec::new() };
        let mut i = 0;
        while i < text.chars.len() {
            if !is_word_char(text.chars[i]) {
                i += 1;
                continue;
            }
            let start = i;
            while i < text.chars.len() && is_word_char(text.chars[i]) {
                i += 1;
            }
            let letters = &text.chars[start..i];
            let shouted = letters.iter().filter(|c| c.is_alphabetic()).count() > 1
                && letters.iter().all(|c| c.is_uppercase() || !c.is_alphabetic());
            let written = body.get(text.at[start]..text.at[i]).unwrap_or_default();
            let folded = if written.is_ascii() {
                written.to_ascii_lowercase()
            } else {
                fold(&letters.iter().collect::<String>())
            };
            let lists = Lists::of(&folded);
            text.tokens.push(Token { span: start..i, folded, capital: letters[0].is_uppercase(), shouted, lists });
        }
        text
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
        self.tokens.get(token).map_or("", |t| t.folded.as_str())
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
    c.is_alphanumeric() || c == '_' || is_combining_mark(c)
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
