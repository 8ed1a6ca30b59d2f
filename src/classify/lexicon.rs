//! Reads the cue files of a language, and finds all their patterns in one pass over the tokens of a text.
//! What a cue *means* is decided in `sentiment`, `category` and `severity`; `lang/README.md` explains the files.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::cue_file::{Cue, Piece, Rule};
use super::tokens::{Kind, Tokens};

/// Most words that a gap (`...`) may skip.
const GAP: usize = 4;
/// Most steps tried from one token; hostile texts meet it, sentences do not.
const STEPS: usize = 400;

/// A cue found in a text: tokens `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Index into [`Lexicon::cues`].
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
    pub(super) cues: Vec<Cue>,
    letters: Vec<Letter>,
    nodes: Vec<Node>,
    edges: HashMap<u64, u32, BuildHasherDefault<Mix>>,
    classes: HashMap<String, u32>,
    symbols: u32,
}

/// A node of the letter trie: which symbols a word that ends here, or that goes on from here, stands for.
#[derive(Debug, Default)]
struct Letter {
    next: Vec<(u8, u32)>,
    exact: Vec<u32>,
    prefix: Vec<u32>,
}

/// A node of the pattern trie.
#[derive(Debug, Default)]
struct Node {
    cues: Vec<usize>,
    gap: Option<u32>,
}

impl Lexicon {
    /// Compiles the rules of a language's files. `same` are the spellings that are read as another word.
    pub(super) fn compile(rules: Vec<Rule>, classes: &[(String, Vec<Vec<Piece>>)], same: &[(String, String)]) -> Self {
        let mut lexicon = Lexicon::default();
        lexicon.letters.push(Letter::default());
        lexicon.nodes.push(Node::default());
        for name in ["num", "money", "mention", "url"] {
            let symbol = lexicon.symbol();
            lexicon.classes.insert(name.to_owned(), symbol);
        }
        // A class is one symbol for its single words; members of several words are spelt out in each pattern.
        let mut phrases: HashMap<&str, Vec<&Vec<Piece>>> = HashMap::new();
        for (name, members) in classes {
            // `[class num]` adds number words to the numbers that are built in.
            let symbol = lexicon.classes.get(name).copied().unwrap_or_else(|| lexicon.symbol());
            lexicon.classes.insert(name.clone(), symbol);
            for member in members {
                match member.as_slice() {
                    [Piece::Words(words)] => words.iter().for_each(|w| lexicon.add_word(w, symbol)),
                    _ => phrases.entry(name).or_default().push(member),
                }
            }
        }
        let mut groups: HashMap<Vec<String>, u32> = HashMap::new();
        for rule in rules {
            let number = lexicon.cues.len();
            let mut ends = vec![0u32];
            for piece in &rule.pattern {
                let mut reached = Vec::new();
                for node in ends {
                    match piece {
                        Piece::Gap => reached.push(lexicon.gap(node)),
                        Piece::Words(words) => {
                            let symbol = lexicon.group(&mut groups, words);
                            reached.push(lexicon.edge(node, symbol));
                        }
                        Piece::Maybe(words) => {
                            let symbol = lexicon.group(&mut groups, words);
                            reached.push(node);
                            reached.push(lexicon.edge(node, symbol));
                        }
                        Piece::Class(name) => {
                            if let Some(&symbol) = lexicon.classes.get(name) {
                                reached.push(lexicon.edge(node, symbol));
                            }
                            for phrase in phrases.get(name.as_str()).into_iter().flatten() {
                                let mut at = node;
                                for part in phrase.iter() {
                                    if let Piece::Words(words) = part {
                                        let symbol = lexicon.group(&mut groups, words);
                                        at = lexicon.edge(at, symbol);
                                    }
                                }
                                reached.push(at);
                            }
                        }
                    }
                }
                reached.sort_unstable();
                reached.dedup();
                ends = reached;
            }
            for end in ends {
                if let Some(node) = lexicon.nodes.get_mut(end as usize).filter(|_| end != 0) {
                    node.cues.push(number);
                }
            }
            lexicon.cues.push(rule.cue);
        }
        for (spelling, word) in same {
            let mut symbols = Vec::new();
            lexicon.symbols_of(word, &mut symbols);
            let letter = lexicon.letter(spelling);
            if let Some(letter) = lexicon.letters.get_mut(letter) {
                letter.exact.extend(symbols);
            }
        }
        lexicon
    }

    /// Every cue in the text, in order of its first token; of the same cue at the same place, the shortest.
    pub(super) fn find(&self, tokens: &Tokens<'_>) -> Vec<Found> {
        let mut symbols: Vec<u32> = Vec::with_capacity(tokens.list.len() * 4);
        let mut ranges: Vec<(usize, usize)> = Vec::with_capacity(tokens.list.len());
        for token in &tokens.list {
            let from = symbols.len();
            self.symbols_of(tokens.folded(token), &mut symbols);
            if token.long {
                // `soo` for `soooo`, else `so`.
                if symbols.len() == from {
                    let mut short = tokens.folded(token).to_owned();
                    short.dedup_letters();
                    self.symbols_of(&short, &mut symbols);
                }
            }
            let class = match token.kind {
                Kind::Number => Some("num"),
                Kind::Money => {
                    symbols.extend(self.classes.get("num"));
                    Some("money")
                }
                Kind::Mention => Some("mention"),
                Kind::Url => Some("url"),
                Kind::Word | Kind::Emoji => None,
            };
            symbols.extend(class.and_then(|c| self.classes.get(c)));
            ranges.push((from, symbols.len()));
        }
        let at = |i: usize| ranges.get(i).and_then(|&(a, b)| symbols.get(a..b)).unwrap_or(&[]);

        let mut found: Vec<Found> = Vec::new();
        let mut stack: Vec<(u32, usize)> = Vec::new();
        for sentence in &tokens.sentences {
            for start in sentence.first..sentence.end {
                let mut steps = 0;
                let before = found.len();
                stack.clear();
                stack.push((0, start));
                while let Some((node, pos)) = stack.pop() {
                    steps += 1;
                    if steps > STEPS {
                        break;
                    }
                    let Some(here) = self.nodes.get(node as usize) else { continue };
                    for &cue in &here.cues {
                        match found.get_mut(before..).and_then(|f| f.iter_mut().find(|f| f.cue == cue)) {
                            Some(same) => same.end = same.end.min(pos),
                            None => found.push(Found { start, end: pos, cue }),
                        }
                    }
                    if pos >= sentence.end {
                        continue;
                    }
                    for &symbol in at(pos) {
                        if let Some(&next) = self.edges.get(&key(node, symbol)) {
                            stack.push((next, pos + 1));
                        }
                    }
                    if let Some(gap) = here.gap {
                        for later in pos..sentence.end.min(pos + GAP + 1) {
                            // A gap does not reach across a comma.
                            if later > start && tokens.list.get(later).is_some_and(|t| t.pause) {
                                break;
                            }
                            for &symbol in at(later) {
                                if let Some(&next) = self.edges.get(&key(gap, symbol)) {
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

    fn symbol(&mut self) -> u32 {
        self.symbols += 1;
        self.symbols
    }

    /// The symbol of a set of alternatives, made when first seen.
    fn group(&mut self, groups: &mut HashMap<Vec<String>, u32>, words: &[String]) -> u32 {
        if let Some(&symbol) = groups.get(words) {
            return symbol;
        }
        let symbol = self.symbol();
        for word in words {
            self.add_word(word, symbol);
        }
        groups.insert(words.to_vec(), symbol);
        symbol
    }

    /// Lets `word` (or every word that begins with it, if it ends in `*`) stand for `symbol`.
    fn add_word(&mut self, word: &str, symbol: u32) {
        let (stem, open) = word.strip_suffix('*').map_or((word, false), |s| (s, true));
        let at = self.letter(stem);
        if let Some(letter) = self.letters.get_mut(at) {
            let list = if open { &mut letter.prefix } else { &mut letter.exact };
            if !list.contains(&symbol) {
                list.push(symbol);
            }
        }
    }

    /// The node of the letter trie for a word, made where it is missing.
    fn letter(&mut self, word: &str) -> usize {
        let mut at = 0usize;
        for &byte in word.as_bytes() {
            let known = self.letters.get(at).and_then(|l| l.next.iter().find(|(b, _)| *b == byte)).map(|(_, n)| *n);
            at = match known {
                Some(next) => next as usize,
                None => {
                    let next = self.letters.len();
                    self.letters.push(Letter::default());
                    if let Some(letter) = self.letters.get_mut(at) {
                        letter.next.push((byte, next as u32));
                    }
                    next
                }
            };
        }
        at
    }

    /// Appends what `word` stands for: itself, its prefixes, its classes.
    fn symbols_of(&self, word: &str, out: &mut Vec<u32>) {
        let mut at = self.letters.first();
        for &byte in word.as_bytes() {
            let Some(letter) = at else { return };
            out.extend_from_slice(&letter.prefix);
            at = letter.next.iter().find(|(b, _)| *b == byte).and_then(|(_, n)| self.letters.get(*n as usize));
        }
        if let Some(letter) = at {
            out.extend_from_slice(&letter.prefix);
            out.extend_from_slice(&letter.exact);
        }
    }

    fn edge(&mut self, node: u32, symbol: u32) -> u32 {
        if let Some(&next) = self.edges.get(&key(node, symbol)) {
            return next;
        }
        let next = self.node();
        self.edges.insert(key(node, symbol), next);
        next
    }

    fn gap(&mut self, node: u32) -> u32 {
        if let Some(gap) = self.nodes.get(node as usize).and_then(|n| n.gap) {
            return gap;
        }
        let gap = self.node();
        if let Some(n) = self.nodes.get_mut(node as usize) {
            n.gap = Some(gap);
        }
        gap
    }

    fn node(&mut self) -> u32 {
        self.nodes.push(Node::default());
        (self.nodes.len() - 1) as u32
    }
}

fn key(node: u32, symbol: u32) -> u64 {
    (u64::from(node) << 32) | u64::from(symbol)
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

/// A hasher for keys that we made ourselves (two small numbers): one multiplication (Fibonacci hashing).
#[derive(Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u64(u64::from(b));
        }
    }

    fn write_u64(&mut self, n: u64) {
        let mixed = (self.0 ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::super::cue_file;
    use super::*;

    fn lexicon(data: &str) -> Lexicon {
        let mut file = cue_file::Files::default();
        file.read("test", data).expect("the test's cues are well formed");
        Lexicon::compile(file.rules, &file.classes, &file.same)
    }

    fn spans(data: &str, text: &str) -> Vec<String> {
        let tokens = Tokens::of(text);
        lexicon(data).find(&tokens).iter().map(|f| tokens.written(f.start, f.end)).collect()
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
        assert!(lexicon(data).find(&tokens).is_empty());
    }
}
