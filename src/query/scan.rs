//! Which literals stand in a folded text, all of them in one pass.
//!
//! In nearly every literal a word begins. Those are not looked for letter by letter: the pass goes from word to word, and
//! a filter of a few bytes a literal, which stays in the processor's nearest cache, says of nearly every word that no
//! literal has it. So ten thousand keywords cost hardly more than ten. The others (scripts without spaces, the middle of
//! `a?b`) share one Aho-Corasick automaton (Aho, Corasick: Efficient string matching, 1975).

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind, StartKind};

use super::pattern::Edge;
use crate::text::fold::{each, is_word};

/// Most memory for the quick form of the automaton, in bytes; beyond it a slower, smaller form is used.
const MAX_AUTOMATON: usize = 40 << 20;
/// Longest beginning of a word that is looked up for `*`, in bytes; longer ones are left to the automaton.
const MAX_OPEN: usize = 63;
/// Bits of the filter for each word in it, of which two are set (Bloom: Space/time trade-offs in hash coding with allowable
/// errors, 1970; both in one block, so that a look is one load). One in a hundred words passes by chance.
const FILTER_BITS: usize = 16;
/// Bytes behind the text that may be read: one block.
pub(super) const PADDING: usize = BLOCK;
/// Bytes of text that are looked at at once.
const BLOCK: usize = 64;

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
    /// The automaton's patterns all begin with letters of several bytes: a text without such is not shown to it.
    wide: bool,
}

/// Literals by one of their words.
#[derive(Debug, Default)]
struct Words {
    /// Blocks, by the upper bits of a hash; in each two bits, by the lower ones.
    filter: Vec<u64>,
    filter_shift: u32,
    /// A table with open addressing: hash of the word, and where its literals begin in `chains`.
    slots: Vec<(u64, u32)>,
    slot_shift: u32,
    /// Literals of the same word, with and without `s`, one after the other; each list ends with its `last`.
    chains: Vec<Chained>,
    /// Bytes of all literals.
    bytes: Vec<u8>,
    /// Bit n: some literal ends in the beginning of a longer word, n bytes long.
    open: u64,
}

#[derive(Clone, Copy, Debug)]
struct Chained {
    literal: u32,
    start: u32,
    len: u32,
    /// Where its word begins in it, and how many bytes that has.
    offset: u32,
    word: u32,
    last: bool,
}

impl Scan {
    /// Makes literals ready; each is reported by its place in the list.
    pub(super) fn new(literals: &[Literal<'_>]) -> Self {
        let (mut words, mut others, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for (number, literal) in (0_u32..).zip(literals) {
            match anchor(literal) {
                Some(word) => words.push((number, *literal, word)),
                None => {
                    others.push(number);
                    texts.push(literal.text);
                }
            }
        }
        let wide = texts.iter().all(|text| text.bytes().next().is_some_and(|byte| !byte.is_ascii()));
        Self { words: Words::new(&words), automaton: automaton(&texts), others, wide }
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
            let text = text.get(..len).unwrap_or_default();
            if self.wide && text.is_ascii() {
                return;
            }
            for place in automaton.find_overlapping_iter(text) {
                if let Some(literal) = self.others.get(place.pattern().as_usize()) {
                    found(*literal, place.start());
                }
            }
        }
    }
}

impl Words {
    fn new(literals: &[(u32, Literal<'_>, Range<usize>)]) -> Self {
        let mut made = Self::default();
        if literals.is_empty() {
            return made;
        }
        let mut padded = Vec::new();
        let mut hashed: Vec<(u64, u32, &Literal<'_>, &Range<usize>)> = literals
            .iter()
            .map(|(number, literal, word)| {
                padded.clear();
                padded.extend_from_slice(literal.text.as_bytes());
                padded.resize(padded.len() + PADDING, 0);
                (hash(&padded, word.start, stem_of(&padded, word.start, word.len())), *number, literal, word)
            })
            .collect();
        hashed.sort_by_key(|(hash, number, ..)| (*hash, *number));
        let size = (literals.len() * 2).next_power_of_two().max(2);
        made.slot_shift = 64 - size.trailing_zeros();
        made.slots = vec![(0, u32::MAX); size];
        let bits = (literals.len() * FILTER_BITS).next_power_of_two().max(128);
        made.filter_shift = 64 - (bits / 64).trailing_zeros();
        made.filter = vec![0; bits / 64];
        for (index, (hash, number, literal, word)) in hashed.iter().enumerate() {
            let start = made.bytes.len() as u32;
            made.bytes.extend_from_slice(literal.text.as_bytes());
            if literal.open && word.end == literal.text.len() {
                made.open |= 1 << word.len();
            }
            let first = index == 0 || hashed.get(index - 1).is_none_or(|before| before.0 != *hash);
            let last = hashed.get(index + 1).is_none_or(|next| next.0 != *hash);
            if first {
                if let Some(block) = made.filter.get_mut((hash >> made.filter_shift) as usize) {
                    *block |= two_bits(*hash);
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
            let (offset, word) = (word.start as u32, word.len() as u32);
            made.chains.push(Chained { literal: *number, start, len, offset, word, last });
        }
        made
    }

    /// Goes from word to word: which bytes belong to words is found for a whole block without a branch, so that the
    /// processor has nothing to guess.
    fn each(&self, text: &[u8], len: usize, found: &mut impl FnMut(u32, usize)) {
        // A word goes on from the block before; letters of several bytes are in it.
        let (mut inside, mut mixed) = (false, false);
        let mut start = 0;
        // The block behind the last letter closes the last word.
        for base in (0..=len).step_by(BLOCK) {
            let Some(block) = text.get(base..base + BLOCK) else { return };
            let (word, mut wide) = masks(block);
            let before = word << 1 | u64::from(inside);
            let (mut starts, mut ends) = (word & !before, before & !word);
            if !inside {
                start = base + starts.trailing_zeros() as usize;
                starts &= starts.wrapping_sub(1);
            }
            while ends != 0 {
                let end = ends.trailing_zeros();
                ends &= ends - 1;
                let below = (1 << end) - 1;
                if mixed || wide & below != 0 {
                    mixed = false;
                    wide &= !below;
                    self.run(text, start, base + end as usize, found);
                } else {
                    self.word(text, start, base + end as usize, found);
                }
                start = base + starts.trailing_zeros() as usize;
                starts &= starts.wrapping_sub(1);
            }
            inside = word >> 63 == 1;
            mixed |= wide != 0;
        }
    }

    /// Goes through a run of letters and digits, some of them of several bytes, which may be signs or of scripts without
    /// spaces.
    #[cold]
    fn run(&self, text: &[u8], start: usize, end: usize, found: &mut impl FnMut(u32, usize)) {
        let mut word = start;
        let mut at = start;
        while at < end {
            let (is_part, next) = if text[at].is_ascii() { (true, at + 1) } else { wide(text, at) };
            if !is_part {
                if word < at {
                    self.word(text, word, at, found);
                }
                word = next;
            }
            at = next;
        }
        if word < end {
            self.word(text, word, end, found);
        }
    }

    /// Looks up a word, its beginnings where literals end in such, and the word without a genitive `s`.
    #[inline]
    fn word(&self, text: &[u8], start: usize, end: usize, found: &mut impl FnMut(u32, usize)) {
        let length = end - start;
        let stem = stem_of(text, start, length);
        self.look(text, start, stem, [stem, length], found);
        if self.open == 0 {
            return;
        }
        // Bits of lengths below that of the word, but for the one that was looked up with it.
        let with_it = if stem_of(text, start, stem) == stem { bit(stem) } else { 0 };
        let mut shorter = self.open & (bit(length).wrapping_sub(1)) & !with_it;
        while shorter != 0 {
            let length = shorter.trailing_zeros() as usize;
            shorter &= shorter - 1;
            self.look(text, start, stem_of(text, start, length), [length; 2], found);
        }
    }

    /// Looks up a stem, for literals whose words have one of two lengths.
    #[inline]
    fn look(&self, text: &[u8], start: usize, stem: usize, lengths: [usize; 2], found: &mut impl FnMut(u32, usize)) {
        let hash = hash(text, start, stem);
        let bits = two_bits(hash);
        if self.filter[(hash >> self.filter_shift) as usize] & bits == bits {
            self.compare(text, start, lengths, hash, found);
        }
    }

    #[cold]
    fn compare(&self, text: &[u8], start: usize, lengths: [usize; 2], hash: u64, found: &mut impl FnMut(u32, usize)) {
        let mut slot = (hash >> self.slot_shift) as usize;
        while let Some((known, chain)) = self.slots.get(slot).copied().filter(|(_, chain)| *chain != u32::MAX) {
            if known == hash {
                for one in self.chains.get(chain as usize..).unwrap_or_default() {
                    let bytes = self.bytes.get(one.start as usize..(one.start + one.len) as usize);
                    if lengths.contains(&(one.word as usize))
                        && let Some(first) = start.checked_sub(one.offset as usize)
                        && bytes == text.get(first..first + one.len as usize)
                    {
                        found(one.literal, first);
                    }
                    if one.last {
                        break;
                    }
                }
                return;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }
}

/// The word by which a literal is looked up: its longest, whole ones first. None if no word surely begins in it, or if
/// its only one goes on in the text and is too long for that.
fn anchor(literal: &Literal<'_>) -> Option<Range<usize>> {
    let text = literal.text;
    let mut best: Option<(bool, Range<usize>)> = None;
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(is_word)) {
        let start = at + found;
        let end = text.get(start..).and_then(|rest| rest.find(|c| !is_word(c))).map_or(text.len(), |len| start + len);
        at = end;
        let whole = !(literal.open && end == text.len());
        if (start == 0 && !literal.anchored) || (!whole && end - start > MAX_OPEN) {
            continue;
        }
        if best.as_ref().is_none_or(|(known, range)| (whole, end - start) > (*known, range.len())) {
            best = Some((whole, start..end));
        }
    }
    best.map(|(_, range)| range)
}

/// How much of a word is looked up: all but an `s` at its end, so that one look finds the word and its genitive. (What
/// ends in `s` itself forms none.)
#[inline]
fn stem_of(text: &[u8], start: usize, length: usize) -> usize {
    length - usize::from(length > 1 && text[start + length - 1] == b's')
}

/// Two bits of a block of the filter.
#[inline]
fn two_bits(hash: u64) -> u64 {
    1 << (hash & 63) | 1 << (hash >> 6 & 63)
}

/// Which bytes of folded text are ASCII letters or digits or part of a letter of several bytes, and which are the latter:
/// a bit for each. Eight bytes at once, each in its place of a word.
#[inline]
fn masks(block: &[u8]) -> (u64, u64) {
    const HIGH: u64 = each(0x80);
    let (mut word, mut wide) = (0, 0);
    for place in (0..BLOCK).step_by(8) {
        let bytes = load(block, place);
        let low = bytes & !HIGH;
        // The upper bit of each byte tells; no sum carries into the next byte.
        let small = low | each(0x20);
        let letter = (small + each(0x80 - b'a')) & !(small + each(0x80 - b'z' - 1));
        let digit = (low + each(0x80 - b'0')) & !(low + each(0x80 - b'9' - 1));
        word |= gather((letter | digit | bytes) & HIGH) << place;
        wide |= gather(bytes & HIGH) << place;
    }
    (word, wide)
}

/// The upper bits of eight bytes side by side: the product has each of them once in its uppermost byte.
#[inline]
fn gather(upper: u64) -> u64 {
    (upper >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

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

/// A hash of `text[start..start + length]`, sixteen bytes at a time: multiplication by odd numbers, as in Knuth's
/// multiplicative hashing (The Art of Computer Programming 3, 6.4). Behind the text there must be [`PADDING`] bytes.
#[inline]
fn hash(text: &[u8], start: usize, length: usize) -> u64 {
    let mut mixed = length as u64;
    let (mut at, mut rest) = (start, length);
    while rest > 16 {
        mixed = mix(mixed, load(text, at), load(text, at + 8));
        at += 16;
        rest -= 16;
    }
    // Without what stands behind it.
    let low = load(text, at).unbounded_shl(64_u32.saturating_sub(8 * rest as u32));
    let high = load(text, at + 8).unbounded_shl(64 - 8 * (rest as u32).saturating_sub(8));
    mix(mixed, low, high)
}

#[inline]
fn load(text: &[u8], at: usize) -> u64 {
    text.get(at..).and_then(|rest| rest.first_chunk::<8>()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[inline]
fn mix(seed: u64, low: u64, high: u64) -> u64 {
    let mixed = (seed ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ high.wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed ^ mixed >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Literals with their flags: anchored, open.
    const LITERALS: [(&str, bool, bool); 15] = [
        ("ab", true, false),
        ("abs", true, false),
        ("ab", true, true),
        ("s", true, true),
        ("abs", true, true),
        ("a", true, false),
        ("#ab", false, false),
        ("@a-abs", false, true),
        ("b a", false, false),
        ("a ab abababababababababab", true, false),
        ("bbbbbbbbbbbbbbbbb", true, true),
        ("東", false, true),
        ("東ab", false, false),
        ("ж", true, false),
        ("b", false, true),
    ];

    fn follows(text: &str, at: usize) -> Option<char> {
        text.get(at..).and_then(|rest| rest.chars().next())
    }

    fn check(text: &str) {
        let literals: Vec<Literal<'_>> =
            LITERALS.iter().map(|(text, anchored, open)| Literal { text, anchored: *anchored, open: *open }).collect();
        let mut padded = text.as_bytes().to_vec();
        padded.resize(text.len() + PADDING, 0);
        let mut found = Vec::new();
        Scan::new(&literals).each(&padded, text.len(), |literal, start| found.push((literal as usize, start)));
        found.sort_unstable();
        for pair in found.windows(2) {
            assert_ne!(pair[0], pair[1], "twice in {text:?}");
        }
        for (literal, start) in &found {
            assert!(text.get(*start..).is_some_and(|rest| rest.starts_with(LITERALS[*literal].0)), "{text:?}");
        }
        for (number, (literal, anchored, open)) in LITERALS.iter().enumerate() {
            for start in (0..text.len()).filter(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(literal))) {
                let before = text.get(..start).and_then(|before| before.chars().next_back());
                let end = start + literal.len();
                let genitive = follows(text, end) == Some('s') && !literal.ends_with('s');
                let end = end + usize::from(genitive);
                let ends = [start + literal.len(), end].iter().any(|end| !follows(text, *end).is_some_and(is_word));
                if (!anchored || !before.is_some_and(is_word)) && (*open || ends) {
                    assert!(found.contains(&(number, start)), "{literal:?} at {start} of {text:?}");
                }
            }
        }
    }

    #[test]
    fn words_over_the_edges_of_blocks_are_found() {
        for before in BLOCK - 30..=BLOCK + 3 {
            for word in ["ab", "abs", "#ab", "a ab abababababababababab", "東ab", "bbbbbbbbbbbbbbbbbbbbb", "жж ж"] {
                check(&format!("{}{word}", " ".repeat(before)));
                check(&format!("{} {word} a", "a".repeat(before)));
                check(&format!("{} {word}s.", "ж".repeat(before / 2)));
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_text_is_found_once(text in "[abbs #@a東ж。-]{0,200}", words in "((a|b|ab|abs|#ab|ж) ?){0,60}") {
            check(&text);
            check(&words);
        }
    }
}
