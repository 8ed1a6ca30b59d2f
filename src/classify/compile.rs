//! Makes the tables of `lexicon` from what was read of a language's cue files.

use std::collections::{BTreeMap, HashMap};

use super::cue_file::{CueError, Files, Piece};
use super::learned::features::mix;
use super::lexicon::{BUILT_IN, MAGIC, WORD, edge_hash, extend, home};

/// What is built before it is written down.
#[derive(Default)]
struct Draft {
    /// Word (or beginning of words): symbols of the whole word, and of all words that begin so.
    words: BTreeMap<String, (Vec<u32>, Vec<u32>)>,
    nodes: Vec<Node>,
    edges: HashMap<(u32, u32), u32>,
    classes: HashMap<String, u32>,
    symbols: u32,
}

#[derive(Default)]
struct Node {
    patterns: Vec<u32>,
    gap: u32,
}

/// The bytes of the tables; the same files make the same bytes.
///
/// # Errors
/// There are more than 65,535 patterns, places or sets of words.
pub(super) fn tables(files: &Files) -> Result<Vec<u8>, CueError> {
    let mut draft = Draft::default();
    draft.nodes.push(Node::default());
    for name in BUILT_IN {
        let symbol = draft.symbol();
        draft.classes.insert(name.to_owned(), symbol);
    }
    // A class is one symbol for its single words; members of several words are spelt out in each pattern.
    let mut phrases: HashMap<&str, Vec<&Vec<Piece>>> = HashMap::new();
    for (name, members) in &files.classes {
        // `[class num]` adds number words to the numbers that are built in.
        let symbol = draft.classes.get(name).copied().unwrap_or_else(|| draft.symbol());
        draft.classes.insert(name.clone(), symbol);
        for member in members {
            match member.as_slice() {
                [Piece::Words(words)] => words.iter().for_each(|w| draft.add_word(w, symbol)),
                _ => phrases.entry(name).or_default().push(member),
            }
        }
    }
    let mut groups: HashMap<Vec<String>, u32> = HashMap::new();
    for (number, rule) in files.rules.iter().enumerate() {
        let mut ends = vec![0u32];
        for piece in &rule.pattern {
            let mut reached = Vec::new();
            for node in ends {
                match piece {
                    Piece::Gap => reached.push(draft.gap(node)),
                    Piece::Words(words) => {
                        let symbol = draft.group(&mut groups, words);
                        reached.push(draft.edge(node, symbol));
                    }
                    Piece::Maybe(words) => {
                        let symbol = draft.group(&mut groups, words);
                        reached.push(node);
                        reached.push(draft.edge(node, symbol));
                    }
                    Piece::Class(name) => {
                        if let Some(&symbol) = draft.classes.get(name) {
                            reached.push(draft.edge(node, symbol));
                        }
                        for phrase in phrases.get(name.as_str()).into_iter().flatten() {
                            let mut at = node;
                            for part in phrase.iter() {
                                if let Piece::Words(words) = part {
                                    let symbol = draft.group(&mut groups, words);
                                    at = draft.edge(at, symbol);
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
        for end in ends.into_iter().filter(|end| *end != 0) {
            if let Some(node) = draft.nodes.get_mut(end as usize) {
                node.patterns.push(number as u32);
            }
        }
    }
    for (spelling, word) in &files.same {
        let symbols = draft.symbols_of(word);
        draft.words.entry(spelling.clone()).or_default().0.extend(symbols);
    }
    draft.write(files)
}

impl Draft {
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
        let (exact, prefix) = self.words.entry(stem.to_owned()).or_default();
        let list = if open { prefix } else { exact };
        if !list.contains(&symbol) {
            list.push(symbol);
        }
    }

    /// What `word` stands for: itself, its beginnings, its classes.
    fn symbols_of(&self, word: &str) -> Vec<u32> {
        let begins = (1..=word.len()).filter_map(|n| word.get(..n)).filter_map(|w| self.words.get(w));
        let mut out: Vec<u32> = begins.flat_map(|(_, prefix)| prefix.iter().copied()).collect();
        out.extend(self.words.get(word).into_iter().flat_map(|(exact, _)| exact.iter().copied()));
        out
    }

    fn edge(&mut self, node: u32, symbol: u32) -> u32 {
        if let Some(&next) = self.edges.get(&(node, symbol)) {
            return next;
        }
        let next = self.node();
        self.edges.insert((node, symbol), next);
        next
    }

    fn gap(&mut self, node: u32) -> u32 {
        if let Some(gap) = self.nodes.get(node as usize).map(|n| n.gap).filter(|gap| *gap != 0) {
            return gap;
        }
        let gap = self.node();
        if let Some(n) = self.nodes.get_mut(node as usize) {
            n.gap = gap;
        }
        gap
    }

    fn node(&mut self) -> u32 {
        self.nodes.push(Node::default());
        (self.nodes.len() - 1) as u32
    }

    fn write(self, files: &Files) -> Result<Vec<u8>, CueError> {
        let small = |n: usize, what: &str| {
            if n < 65_535 { Ok(n as u16) } else { Err(CueError::whole(format!("{n} {what} are too many"))) }
        };
        small(self.symbols as usize, "sets of words")?;
        small(self.nodes.len(), "places in patterns")?;
        small(files.rules.len(), "patterns")?;
        let mut lists: Vec<u8> = Vec::new();
        let mut list = |symbols: &[u32]| -> Result<u32, CueError> {
            let place = (lists.len() / 2) as u32;
            if symbols.len() > 255 {
                return Err(CueError::whole(format!("a word stands in {} sets of words", symbols.len())));
            }
            symbols.iter().for_each(|s| lists.extend((*s as u16).to_le_bytes()));
            Ok(place << 8 | symbols.len() as u32)
        };
        let word_slots = self.words.len() * 3 / 2 + 1;
        let mut words = vec![0u8; word_slots * 12];
        for (word, (exact, prefix)) in &self.words {
            let hash = mix(word.bytes().fold(WORD, extend));
            let key = (hash as u32).max(1);
            let (exact, prefix) = (list(exact)?, list(prefix)?);
            let mut slot = home(hash, word_slots);
            while let Some(taken) = words.get(slot * 12..slot * 12 + 4).filter(|b| b.iter().any(|b| *b != 0)) {
                if taken == key.to_le_bytes() {
                    return Err(CueError::whole(format!("`{word}` and another word have the same hash")));
                }
                slot = if slot + 1 >= word_slots { 0 } else { slot + 1 };
            }
            if let Some(bytes) = words.get_mut(slot * 12..slot * 12 + 12) {
                let cells = [key, exact, prefix].map(u32::to_le_bytes);
                bytes.copy_from_slice(cells.as_flattened());
            }
        }
        let edge_slots = self.edges.len() * 3 / 2 + 1;
        let mut edges = vec![0u8; edge_slots * 8];
        let mut sorted: Vec<(&(u32, u32), &u32)> = self.edges.iter().collect();
        sorted.sort_unstable();
        for ((node, symbol), next) in sorted {
            let (node, symbol, next) = (*node as u16, *symbol as u16, *next as u16);
            let mut slot = home(edge_hash(node, symbol), edge_slots);
            while edges.get(slot * 8..slot * 8 + 2).is_some_and(|b| b != [0, 0]) {
                slot = if slot + 1 >= edge_slots { 0 } else { slot + 1 };
            }
            if let Some(bytes) = edges.get_mut(slot * 8..slot * 8 + 6) {
                let cells = [node + 1, symbol, next].map(u16::to_le_bytes);
                bytes.copy_from_slice(cells.as_flattened());
            }
        }
        let (mut nodes, mut patterns) = (Vec::new(), Vec::new());
        for node in &self.nodes {
            let place = (patterns.len() / 2) as u32;
            let count = node.patterns.len().min(255);
            node.patterns.iter().take(count).for_each(|p| patterns.extend((*p as u16).to_le_bytes()));
            nodes.extend((place << 8 | count as u32).to_le_bytes());
            nodes.extend(node.gap.to_le_bytes());
        }
        // Patterns under one heading share it.
        let mut headings: Vec<&str> = Vec::new();
        let mut of: Vec<u8> = Vec::new();
        for rule in &files.rules {
            let at = match headings.iter().position(|h| *h == rule.heading) {
                Some(at) => at,
                None => {
                    headings.push(&rule.heading);
                    headings.len() - 1
                }
            };
            of.extend(small(at, "headings")?.to_le_bytes());
        }
        let text = headings.join("\n");
        let mut out = MAGIC.to_vec();
        for count in [
            word_slots,
            lists.len() / 2,
            edge_slots,
            self.nodes.len(),
            patterns.len() / 2,
            files.rules.len(),
            text.len(),
        ] {
            out.extend((count as u32).to_le_bytes());
        }
        for part in [words, lists, edges, nodes, patterns, of, text.into_bytes()] {
            out.extend(part);
        }
        Ok(out)
    }
}
