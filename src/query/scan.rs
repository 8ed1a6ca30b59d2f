//! Which literals stand in a folded text, all of them in one pass.
//!
//! Nearly every literal begins where a word begins. Those are not looked for letter by letter: the pass goes from word to
//! word, and a filter of a few thousand bytes, which stays in the processor's nearest cache, says of nearly every word
//! that no literal begins with it. So ten thousand keywords cost hardly more than ten. The others (signs, scripts
//! without spaces, the middle of `a?b`) share one Aho-Corasick automaton (Aho, Corasick: Efficient string matching,
//! 1975).

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind, StartKind};

use super::pattern::Edge;
use crate::text::fold::is_word;

/// Most memory for the quick form of the automaton, in bytes; beyond it a slower, smaller form is used.
const MAX_AUTOMATON: usize = 40 << 20;
/// Longest beginning of a word that is looked up for `*`, in bytes; longer ones are left to the automaton.
const MAX_OPEN: usize = 63;
/// Bits of the filter for each word in it; one in about this many words passes by chance.
const FILTER_BITS: usize = 32;
/// Bytes behind the text that may be read: one load of the hash.
pub(super) const PADDING: usize = 8;

/// A literal, and what must not stand beside it for any of its users.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<'l> {
    pub(super) text: &'l str,
    /// All of its users want a word to begin with it.
    pub(super) anchored: bool,
    /// At least one of its users lets a letter follow.
    pub(super) open: bool,
}

/// All literals, ready to be looked for.
#[derive(Debug)]
pub(super) struct Scan {
    words: Words,
    automaton: Option<AhoCorasick>,
    /// Literals of the automaton's patterns.
    others: Vec<u32>,
}

/// Literals by the word that they begin with.
#[derive(Debug, Default)]
struct Words {
    /// One bit for each value of the upper bits of a hash.
    filter: Vec<u64>,
    filter_shift: u32,
    /// A table with open addressing: hash of the first word, and where its literals begin in `chains`.
    slots: Vec<(u64, u32)>,
    slot_shift: u32,
    /// Literals that begin with the same word, one after the other; each list ends with its `last`.
    chains: Vec<Chained>,
    /// Bytes of all literals.
    bytes: Vec<u8>,
    /// Bit n: some literal is the beginning of a longer word, n bytes long.
    open: u64,
}

#[derive(Clone, Copy, Debug)]
struct Chained {
    literal: u32,
    start: u32,
    len: u32,
    /// Bytes of its first word.
    word: u32,
    last: bool,
}

impl Scan {
    /// Makes literals ready; each is reported by its place in the list.
    pub(super) fn new(literals: &[Literal<'_>]) -> Self {
        let (mut words, mut others, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for (number, literal) in (0_u32..).zip(literals) {
            let word = literal.text.find(|c| !is_word(c)).unwrap_or(literal.text.len());
            let whole = word == literal.text.len();
            if literal.anchored && word > 0 && !(literal.open && whole && word > MAX_OPEN) {
                words.push((number, *literal, word));
            } else {
                others.push(number);
                texts.push(literal.text);
            }
        }
        Self { words: Words::new(&words), automaton: automaton(&texts), others }
    }

    /// Memory of the tables, in bytes.
    pub(super) fn memory(&self) -> usize {
        let Words { filter, slots, chains, bytes, .. } = &self.words;
        size_of_val(filter.as_slice())
            + size_of_val(slots.as_slice())
            + size_of_val(chains.as_slice())
            + bytes.len()
            + self.automaton.as_ref().map_or(0, AhoCorasick::memory_usage)
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.words.slots.is_empty() && self.automaton.is_none()
    }

    /// Calls `found` with each literal that stands in `text[..len]` and where it begins. Edges are not checked but for the
    /// beginnings of words. Behind the text there must be [`PADDING`] bytes.
    pub(super) fn each(&self, text: &[u8], len: usize, mut found: impl FnMut(u32, usize)) {
        if !self.words.slots.is_empty() {
            self.words.each(text, len, &mut found);
        }
        if let Some(automaton) = &self.automaton {
            for place in automaton.find_overlapping_iter(text.get(..len).unwrap_or_default()) {
                if let Some(literal) = self.others.get(place.pattern().as_usize()) {
                    found(*literal, place.start());
                }
            }
        }
    }
}

impl Words {
    fn new(literals: &[(u32, Literal<'_>, usize)]) -> Self {
        let mut made = Self::default();
        if literals.is_empty() {
            return made;
        }
        let mut hashed: Vec<(u64, u32, &Literal<'_>, usize)> = literals
            .iter()
            .map(|(number, literal, word)| {
                let mut padded = literal.text.as_bytes().to_vec();
                padded.resize(padded.len() + PADDING, 0);
                (hash(&padded, 0, *word), *number, literal, *word)
            })
            .collect();
        hashed.sort_by_key(|(hash, number, ..)| (*hash, *number));
        let size = (literals.len() * 2).next_power_of_two().max(2);
        made.slot_shift = 64 - size.trailing_zeros();
        made.slots = vec![(0, u32::MAX); size];
        let bits = (literals.len() * FILTER_BITS).next_power_of_two().max(64);
        made.filter_shift = 64 - bits.trailing_zeros();
        made.filter = vec![0; bits / 64];
        for (index, (hash, number, literal, word)) in hashed.iter().enumerate() {
            let start = made.bytes.len() as u32;
            made.bytes.extend_from_slice(literal.text.as_bytes());
            if literal.open && *word == literal.text.len() {
                made.open |= 1 << word;
            }
            let first = index == 0 || hashed.get(index - 1).is_none_or(|before| before.0 != *hash);
            let last = hashed.get(index + 1).is_none_or(|next| next.0 != *hash);
            if first {
                let bit = hash >> made.filter_shift;
                if let Some(block) = made.filter.get_mut((bit / 64) as usize) {
                    *block |= 1 << (bit % 64);
                }
                let mut slot = (hash >> made.slot_shift) as usize;
                while made.slots.get(slot).is_some_and(|(_, chain)| *chain != u32::MAX) {
                    slot = (slot + 1) & (size - 1);
                }
                if let Some(free) = made.slots.get_mut(slot) {
                    *free = (*hash, made.chains.len() as u32);
                }
            }
            let len = literal.text.len() as u32;
            made.chains.push(Chained { literal: *number, start, len, word: *word as u32, last });
        }
        made
    }

    fn each(&self, text: &[u8], len: usize, found: &mut impl FnMut(u32, usize)) {
        let mut at = 0;
        while at < len {
            // To the beginning of the next word.
            while at < len && CLASS[usize::from(text[at])] == Class::Other {
                at += 1;
            }
            if at >= len {
                return;
            }
            if CLASS[usize::from(text[at])] == Class::Wide {
                let (is_part, next) = wide(text, at);
                if !is_part {
                    at = next;
                    continue;
                }
            }
            let start = at;
            loop {
                while at < len && CLASS[usize::from(text[at])] == Class::Word {
                    at += 1;
                }
                if at >= len || CLASS[usize::from(text[at])] == Class::Other {
                    break;
                }
                let (is_part, next) = wide(text, at);
                if !is_part {
                    break;
                }
                at = next;
            }
            self.word(text, start, at.min(len), found);
        }
    }

    /// Looks up a word, its beginnings where literals are such, and the word without a genitive `s`.
    fn word(&self, text: &[u8], start: usize, end: usize, found: &mut impl FnMut(u32, usize)) {
        let length = end - start;
        self.look(text, start, length, found);
        if length > 1 && text[end - 1] == b's' && self.open & bit(length - 1) == 0 {
            self.look(text, start, length - 1, found);
        }
        // Bits of lengths below that of the word.
        let mut shorter = self.open & (bit(length).wrapping_sub(1));
        while shorter != 0 {
            let length = shorter.trailing_zeros() as usize;
            shorter &= shorter - 1;
            self.look(text, start, length, found);
        }
    }

    #[inline]
    fn look(&self, text: &[u8], start: usize, length: usize, found: &mut impl FnMut(u32, usize)) {
        let hash = hash(text, start, length);
        let bit = hash >> self.filter_shift;
        if self.filter[(bit / 64) as usize] >> (bit % 64) & 1 == 1 {
            self.compare(text, start, length, hash, found);
        }
    }

    #[cold]
    fn compare(&self, text: &[u8], start: usize, length: usize, hash: u64, found: &mut impl FnMut(u32, usize)) {
        let mut slot = (hash >> self.slot_shift) as usize;
        while let Some((known, chain)) = self.slots.get(slot).copied().filter(|(_, chain)| *chain != u32::MAX) {
            if known == hash {
                for one in self.chains.get(chain as usize..).unwrap_or_default() {
                    let bytes = self.bytes.get(one.start as usize..(one.start + one.len) as usize);
                    let there = text.get(start..start + one.len as usize);
                    if one.word as usize == length && bytes == there {
                        found(one.literal, start);
                    }
                    if one.last {
                        return;
                    }
                }
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }
}

/// What a byte of folded text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Other,
    /// An ASCII letter or digit.
    Word,
    /// Part of a letter of several bytes.
    Wide,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_alphanumeric() {
            table[byte] = Class::Word;
        } else if byte >= 0x80 {
            table[byte] = Class::Wide;
        }
        byte += 1;
    }
    table
};

/// Whether the letter of several bytes at `at` is part of a word, and where it ends.
fn wide(text: &[u8], at: usize) -> (bool, usize) {
    let length = match text[at] {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0.. => 4,
        _ => 1,
    };
    let letter = text.get(at..at + length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    (letter.and_then(|letter| letter.chars().next()).is_some_and(is_word), at + length)
}

fn bit(length: usize) -> u64 {
    if length > MAX_OPEN { 0 } else { 1 << length }
}

/// A hash of `text[start..start + length]`, eight bytes at a time: multiplication by an odd number, as in Knuth's
/// multiplicative hashing (The Art of Computer Programming 3, 6.4). Behind the text there must be [`PADDING`] bytes.
#[inline]
fn hash(text: &[u8], start: usize, length: usize) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let load = |at: usize| {
        text.get(at..at + 8).and_then(|bytes| bytes.first_chunk::<8>()).map_or(0, |b| u64::from_le_bytes(*b))
    };
    let mut mixed = length as u64;
    let mut at = start;
    let end = start + length;
    while end - at > 8 {
        mixed = (mixed ^ load(at)).wrapping_mul(ODD);
        mixed ^= mixed >> 32;
        at += 8;
    }
    // The rest, without what stands behind it.
    let rest = end - at;
    let word = if rest == 0 { 0 } else { load(at) << (64 - 8 * rest) };
    (mixed ^ word).wrapping_mul(ODD) ^ word.rotate_left(29).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

/// Whether a literal with this edge on its left can only begin where a word does.
pub(super) fn begins_a_word(text: &str, left: Edge) -> bool {
    matches!(left, Edge::Word | Edge::Genitive | Edge::Host) && text.chars().next().is_some_and(is_word)
}

/// One automaton over all literals: the dense form, unless it would grow beyond all measure.
fn automaton(literals: &[&str]) -> Option<AhoCorasick> {
    if literals.is_empty() {
        return None;
    }
    let kind =
        if dense_size(literals) <= MAX_AUTOMATON { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
    let build = |kind| {
        AhoCorasick::builder()
            .kind(kind)
            .match_kind(MatchKind::Standard)
            .start_kind(StartKind::Unanchored)
            .prefilter(false)
            .build(literals)
    };
    #[expect(clippy::expect_used, reason = "it fails only beyond 2^31 states; a query has at most 2^20 bytes")]
    let automaton = build(Some(kind)).or_else(|_| build(None)).expect("an automaton of at most 2^31 states");
    Some(automaton)
}

/// Bytes of the dense automaton: its states are the distinct beginnings of the literals, each with a row of
/// transitions, one for each class of bytes (rounded up to a power of two).
fn dense_size(literals: &[&str]) -> usize {
    let mut sorted = literals.to_vec();
    sorted.sort_unstable();
    let mut seen = [false; 256];
    let mut states = 1_usize;
    let mut before: &[u8] = b"";
    for literal in sorted {
        let bytes = literal.as_bytes();
        let common = bytes.iter().zip(before).take_while(|(a, b)| a == b).count();
        states += bytes.len() - common;
        for byte in bytes {
            seen[usize::from(*byte)] = true;
        }
        before = bytes;
    }
    let classes = 2 * seen.iter().filter(|known| **known).count() + 1;
    states.saturating_mul(classes.min(256).next_power_of_two()).saturating_mul(4)
}
