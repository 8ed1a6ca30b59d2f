//! The compiled cues of a language: all patterns are found in one pass over the tokens of a text. What a cue *means* is
//! decided in `sentiment`, `category` and `severity`; `lang/README.md` explains the files, `compile` makes the tables.
//!
//! The tables are bytes that are looked up where they lie: packed in the program until a language's first text, and
//! whole in memory from then on.
//! Layout, little-endian: magic `MNC1`; six counts (u32): word slots, symbols in lists, edge slots, nodes, entries of
//! pattern lists, patterns, then the length of the headings; word slots (u32 key, u32 exact list, u32 prefix list; a list
//! is place << 8 | length); lists (u16 symbols); edge slots (u16 node + 1, u16 symbol, u16 next, u16 0); nodes (u32
//! pattern list, u32 gap node); pattern lists (u16); for each pattern its heading (u16); headings, a line each.

use super::cue_file::{Cue, CueError, Files};
use super::learned::features::mix;
use super::tokens::{Kind, Tokens};

/// Most words that a gap (`...`) may skip.
const GAP: usize = 4;
/// Bits of the sieve of words: few enough for the nearest cache.
const SOME: usize = 1 << 16;
/// Most steps tried from one token; hostile texts meet it, sentences do not.
const STEPS: usize = 400;
pub(super) const MAGIC: &[u8; 4] = b"MNC1";
/// Symbols that every language has, in this order.
pub(super) const BUILT_IN: [&str; 5] = ["num", "money", "mention", "url", "brand"];
const NUM: u16 = 1;

/// A cue found in a text: tokens `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The pattern; [`Lexicon::cue`] tells what it means.
    pub(super) cue: usize,
}

impl Found {
    /// Whether the two share a token.
    pub(super) fn overlaps(&self, other: &Found) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// The compiled cues of one language.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    /// What the headings say.
    pub(super) cues: Vec<Cue>,
    data: Vec<u8>,
    /// Where each part begins.
    words: Part,
    lists: Part,
    edges: Part,
    nodes: Part,
    patterns: Part,
    headings: Part,
    /// Where each symbol leads from the start; 0 is nowhere. Most words begin no cue.
    starts: Vec<u16>,
    /// For the lowest bits of a hash whether any word has them: nearly all beginnings of words are none in the tables.
    some: Box<[u64]>,
}

/// A part of the bytes: where it begins, and how many slots it has.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    at: usize,
    slots: usize,
}

impl Lexicon {
    /// Reads compiled cues.
    ///
    /// # Errors
    /// The bytes are no tables of this version.
    pub(super) fn of(data: Vec<u8>) -> Result<Self, String> {
        let number = |at: usize| u32_at(&data, at) as usize;
        if data.get(..4) != Some(MAGIC.as_slice()) || data.len() < 32 {
            return Err("not the tables of this version".to_owned());
        }
        let mut at = 32;
        let mut part = |count: usize, size: usize| {
            let part = Part { at, slots: number(count) };
            at += part.slots * size;
            part
        };
        let words = part(4, 12);
        let lists = part(8, 2);
        let edges = part(12, 8);
        let nodes = part(16, 8);
        let patterns = part(20, 2);
        let headings = part(24, 2);
        let text = data.get(at..at + number(28)).and_then(|t| std::str::from_utf8(t).ok()).ok_or("cut short")?;
        let cues = text.lines().map(Files::cue).collect::<Result<Vec<_>, _>>()?;
        let mut starts: Vec<u16> = Vec::new();
        for at in (0..edges.slots).map(|slot| edges.at + slot * 8).filter(|at| u16_at(&data, *at) == 1) {
            let (symbol, next) = (usize::from(u16_at(&data, at + 2)), u16_at(&data, at + 4));
            if starts.len() <= symbol {
                starts.resize(symbol + 1, 0);
            }
            if let Some(start) = starts.get_mut(symbol) {
                *start = next;
            }
        }
        let mut some = vec![0u64; SOME / 64].into_boxed_slice();
        for slot in 0..words.slots {
            let key = u32_at(&data, words.at + slot * 12) as usize % SOME;
            if let Some(bits) = some.get_mut(key / 64) {
                *bits |= 1 << (key % 64);
            }
        }
        Ok(Lexicon { cues, words, lists, edges, nodes, patterns, headings, starts, some, data })
    }

    /// Compiles what was read from files, for use at once.
    ///
    /// # Errors
    /// There is too much of it.
    pub(super) fn compile(files: &Files) -> Result<Self, CueError> {
        let data = super::compile::tables(files)?;
        Lexicon::of(data).map_err(CueError::whole)
    }

    /// What a pattern means.
    pub(super) fn cue(&self, pattern: usize) -> Option<&Cue> {
        self.cues.get(usize::from(u16_at(&self.data, self.headings.at + pattern * 2)))
    }

    /// Every cue in the text, in order of its first token; of the same pattern at the same place, the shortest. `brand`
    /// tells for each token whether it names the watched brand.
    pub(super) fn find(&self, tokens: &Tokens<'_>, brand: &[bool]) -> Vec<Found> {
        if self.words.slots == 0 {
            return Vec::new();
        }
        let mut symbols: Vec<u16> = Vec::with_capacity(tokens.list.len() * 4);
        let mut ranges: Vec<(usize, usize)> = Vec::with_capacity(tokens.list.len());
        for (place, token) in tokens.list.iter().enumerate() {
            let from = symbols.len();
            self.symbols_of(tokens.folded(token), &mut symbols);
            if token.long && symbols.len() == from {
                // `soo` for `soooo`, else `so`.
                let mut short = tokens.folded(token).to_owned();
                short.dedup_letters();
                self.symbols_of(&short, &mut symbols);
            }
            match token.kind {
                Kind::Number => symbols.push(NUM),
                Kind::Money => symbols.extend([NUM, NUM + 1]),
                Kind::Mention => symbols.push(NUM + 2),
                Kind::Url => symbols.push(NUM + 3),
                Kind::Word | Kind::Emoji => {}
            }
            if brand.get(place).copied().unwrap_or(false) {
                symbols.push(NUM + 4);
            }
            ranges.push((from, symbols.len()));
        }
        let at = |i: usize| ranges.get(i).and_then(|&(a, b)| symbols.get(a..b)).unwrap_or(&[]);

        let mut found: Vec<Found> = Vec::new();
        let mut stack: Vec<(u16, usize)> = Vec::new();
        for sentence in &tokens.sentences {
            for start in sentence.first..sentence.end {
                if at(start).iter().all(|symbol| self.start(*symbol).is_none()) && !self.begins_with_a_gap() {
                    continue;
                }
                let mut steps = 0;
                let before = found.len();
                stack.clear();
                stack.push((0, start));
                while let Some((node, pos)) = stack.pop() {
                    steps += 1;
                    if steps > STEPS {
                        break;
                    }
                    let place = self.nodes.at + usize::from(node) * 8;
                    let (list, gap) = (u32_at(&self.data, place), u32_at(&self.data, place + 4));
                    for n in 0..(list & 0xFF) as usize {
                        let cue = usize::from(u16_at(&self.data, self.patterns.at + ((list >> 8) as usize + n) * 2));
                        match found.get_mut(before..).and_then(|f| f.iter_mut().find(|f| f.cue == cue)) {
                            Some(same) => same.end = same.end.min(pos),
                            None => found.push(Found { start, end: pos, cue }),
                        }
                    }
                    if pos >= sentence.end {
                        continue;
                    }
                    for &symbol in at(pos) {
                        if let Some(next) = self.edge(node, symbol) {
                            stack.push((next, pos + 1));
                        }
                    }
                    if gap != 0 {
                        for later in pos..sentence.end.min(pos + GAP + 1) {
                            // A gap does not reach across a comma.
                            if later > start && tokens.list.get(later).is_some_and(|t| t.pause) {
                                break;
                            }
                            for &symbol in at(later) {
                                if let Some(next) = self.edge(gap as u16, symbol) {
                                    stack.push((next, later + 1));
                                }
                            }
                        }
                    }
                }
            }
        }
        found
    }

    /// Appends what `word` stands for: itself, its beginnings, its classes.
    fn symbols_of(&self, word: &str, out: &mut Vec<u16>) {
        let mut hash = WORD;
        for (n, byte) in word.bytes().enumerate() {
            hash = extend(hash, byte);
            let last = n + 1 == word.len();
            let Some(slot) = self.word(hash) else { continue };
            self.list(u32_at(&self.data, slot + 8), out);
            if last {
                self.list(u32_at(&self.data, slot + 4), out);
            }
        }
    }

    fn list(&self, list: u32, out: &mut Vec<u16>) {
        let from = self.lists.at + (list >> 8) as usize * 2;
        out.extend((0..(list & 0xFF) as usize).map(|n| u16_at(&self.data, from + n * 2)));
    }

    /// The place of a word's slot.
    fn word(&self, hash: u64) -> Option<usize> {
        let hash = mix(hash);
        let key = (hash as u32).max(1);
        if self.some.get(key as usize % SOME / 64).is_none_or(|bits| bits & (1 << (key % 64)) == 0) {
            return None;
        }
        let mut slot = home(hash, self.words.slots);
        loop {
            let at = self.words.at + slot * 12;
            match u32_at(&self.data, at) {
                0 => return None,
                here if here == key => return Some(at),
                _ => slot = if slot + 1 >= self.words.slots { 0 } else { slot + 1 },
            }
        }
    }

    /// Where a symbol leads from the start.
    fn start(&self, symbol: u16) -> Option<u16> {
        self.starts.get(usize::from(symbol)).copied().filter(|next| *next != 0)
    }

    /// Whether a pattern begins with any words at all.
    fn begins_with_a_gap(&self) -> bool {
        u32_at(&self.data, self.nodes.at + 4) != 0
    }

    fn edge(&self, node: u16, symbol: u16) -> Option<u16> {
        if node == 0 {
            return self.start(symbol);
        }
        let mut slot = home(edge_hash(node, symbol), self.edges.slots.max(1));
        loop {
            let at = self.edges.at + slot * 8;
            let here = u16_at(&self.data, at);
            if here == 0 {
                return None;
            }
            if here == node + 1 && u16_at(&self.data, at + 2) == symbol {
                return Some(u16_at(&self.data, at + 4));
            }
            slot = if slot + 1 >= self.edges.slots { 0 } else { slot + 1 };
        }
    }
}

/// The hash of no letters.
pub(super) const WORD: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of some letters and one more (FNV-1a).
pub(super) fn extend(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
}

pub(super) fn edge_hash(node: u16, symbol: u16) -> u64 {
    mix((u64::from(node) << 16) | u64::from(symbol) | 0x5eed_0000_0000)
}

/// The first slot that is tried for a hash.
pub(super) fn home(hash: u64, slots: usize) -> usize {
    ((u128::from(hash) * slots as u128) >> 64) as usize
}

fn u16_at(data: &[u8], at: usize) -> u16 {
    data.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(data: &[u8], at: usize) -> u32 {
    data.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Cuts doubled letters to one.
trait DedupLetters {
    fn dedup_letters(&mut self);
}

impl DedupLetters for String {
    fn dedup_letters(&mut self) {
        let mut last = None;
        self.retain(|c| last.replace(c) != Some(c));
    }
}

#[cfg(test)]
mod tests {
    use super::super::cue_file;
    use super::*;

    fn lexicon(data: &str) -> Lexicon {
        let mut file = cue_file::Files::default();
        file.read("test", data).expect("the test's cues are well formed");
        Lexicon::compile(&file).expect("small enough")
    }

    fn spans(data: &str, text: &str) -> Vec<String> {
        let tokens = Tokens::of(text);
        lexicon(data).find(&tokens, &[]).iter().map(|f| tokens.written(f.start, f.end)).collect()
    }

    #[test]
    fn patterns_find_what_they_say() {
        let table: [(&str, &str, &[&str]); 12] = [
            ("money back", "I want my money back now", &["money back"]),
            ("reembols*", "Reembolsaron nada", &["Reembolsaron"]),
            ("asked ... twice", "I asked them about it twice", &["asked them about it twice"]),
            ("asked ... twice", "I asked. Then twice", &[]),
            ("asked ... twice", "asked a b c d e twice", &[]),
            ("asked ... twice", "asked twice", &["asked twice"]),
            ("a|the bus", "the bus, a bus, bus", &["the bus", "a bus"]),
            ("very? good", "very good", &["very good", "good"]),
            ("so good", "soooo good", &["soooo good"]),
            ("<money> off", "$20 off", &["20 off"]),
            ("👍", "nice 👍🏽", &["👍🏽"]),
            ("não presta", "NAO PRESTA", &["NAO PRESTA"]),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(spans(&format!("[sentiment 1 | test]\n{pattern}\n"), text), expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn classes_and_spellings() {
        let data = "[class staff]\nclerk, shop assistant\n[same as you]\nu\n[sentiment -2 | test]\n<staff> was rude\nhate you\n";
        assert_eq!(spans(data, "The clerk was rude"), ["clerk was rude"]);
        assert_eq!(spans(data, "The shop assistant was rude"), ["shop assistant was rude"]);
        assert_eq!(spans(data, "hate u"), ["hate u"]);
    }

    #[test]
    fn a_hostile_text_is_linear() {
        let data = "[sentiment 1 | test]\na ... a ... a ... a ... a b\n";
        let text = "a ".repeat(3_000);
        let tokens = Tokens::of(&text);
        assert!(lexicon(data).find(&tokens, &[]).is_empty());
    }
}
