//! Words as they are looked for in folded text: literals, the edges that must be free beside them, and what has to be
//! checked in the original once a literal is found.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::ast::{Form, Words};
use crate::text::fold::{self, Folded};

/// Most memory a compiled regular expression may take, in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// What must not stand beside a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Edge {
    /// Anything may.
    Free,
    /// No letter or digit.
    Word,
    /// No letter or digit, except a genitive `s` that ends the word.
    Genitive,
    /// The end of a tag or handle: no letter, digit or underscore.
    Unit,
    /// The end of a domain: nothing that would make it another domain.
    Host,
}

/// One way in which words may stand in a text.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// Literal pieces with exactly one letter between each two.
    pieces: Vec<Piece>,
    /// The longest piece: what the scan looks for.
    key: usize,
    left: Edge,
    right: Edge,
    /// The words exactly as they must be written.
    exact: Option<String>,
    /// A single word, for which a genitive is believed more easily than for a phrase.
    single: bool,
    /// Ends in `*`: the rest of the word belongs to the place.
    open: bool,
}

#[derive(Clone, Debug)]
struct Piece {
    text: String,
    /// Letters that were written with an accent: offset in `text`, and the letter.
    accents: Vec<(usize, String)>,
}

/// A folded text with the originals of its parts, for checking places in it.
pub(super) struct Text<'a> {
    pub(super) folded: &'a Folded,
    pub(super) parts: &'a [&'a str],
    /// Language code; decides whether a bare `s` can be a genitive.
    pub(super) lang: &'a str,
}

impl Pattern {
    /// What the scan has to look for.
    pub(super) fn key(&self) -> &str {
        self.pieces.get(self.key).map_or("", |piece| &piece.text)
    }

    /// Edges that can be checked beside the key, without looking further.
    pub(super) fn key_edges(&self) -> (Edge, Edge) {
        let left = if self.key == 0 { self.left } else { Edge::Free };
        let right = if self.key + 1 == self.pieces.len() { self.right } else { Edge::Free };
        (left, right)
    }

    /// Checks everything about an occurrence of the key at `start`; the whole range that it stands for.
    pub(super) fn verify(&self, text: &Text<'_>, start: usize) -> Option<Range<usize>> {
        let base = &text.folded.base;
        let mut range = start..start + self.key().len();
        if base.get(range.clone())? != self.key() || !self.accents_fit(text, self.key, start) {
            return None;
        }
        // A gap is one letter of the original, even if it became two (`æ`).
        let is_letter =
            |gap: &Range<usize>| base.get(gap.clone()).is_some_and(|gap| gap.starts_with(char::is_alphanumeric));
        for index in (0..self.key).rev() {
            let gap = text.folded.letter_at(range.start.checked_sub(1)?).filter(is_letter)?;
            range.start = base.get(..gap.start)?.strip_suffix(self.pieces.get(index)?.text.as_str())?.len();
            if gap.end > start || !self.accents_fit(text, index, range.start) {
                return None;
            }
        }
        for index in self.key + 1..self.pieces.len() {
            let gap = text.folded.letter_at(range.end).filter(is_letter)?;
            let piece = self.pieces.get(index)?.text.as_str();
            if gap.start < range.end
                || !base.get(gap.end..)?.starts_with(piece)
                || !self.accents_fit(text, index, gap.end)
            {
                return None;
            }
            range.end = gap.end + piece.len();
        }
        let bytes = base.as_bytes();
        if self.open {
            let rest = base.get(range.end..)?;
            range.end += rest.find(|c| !fold::is_word(c)).unwrap_or(rest.len());
        }
        let free = is_free_before(bytes, range.start, self.left) && is_free_after(bytes, range.end, self.right);
        (free && self.genitive_fits(text, &range) && self.is_as_written(text, &range)).then_some(range)
    }

    fn accents_fit(&self, text: &Text<'_>, piece: usize, start: usize) -> bool {
        let Some(piece) = self.pieces.get(piece) else { return false };
        piece.accents.iter().all(|(offset, wanted)| {
            let Some(unit) = text.folded.unit_at(start + offset) else { return false };
            let part = text.parts.get(text.folded.part_at(start)).copied().unwrap_or_default();
            let original = part.get(unit.start as usize..unit.end as usize).unwrap_or_default();
            // The capital of a dotless i is the plain capital I.
            fold::accented(original) == *wanted || (wanted == "ı" && original == "I")
        })
    }

    fn is_as_written(&self, text: &Text<'_>, range: &Range<usize>) -> bool {
        let Some(exact) = &self.exact else { return true };
        let part = text.parts.get(text.folded.part_at(range.start)).copied().unwrap_or_default();
        *exact == written(text.folded, part, range)
    }

    /// `Acmes` is a genitive of Acme in Danish and its neighbours. Where the language is not known, only a single word
    /// with a capital (a name) is believed: else `new` would find `news`.
    fn genitive_fits(&self, text: &Text<'_>, range: &Range<usize>) -> bool {
        if self.right != Edge::Genitive || is_free_after(text.folded.base.as_bytes(), range.end, Edge::Word) {
            return true;
        }
        let part = text.parts.get(text.folded.part_at(range.start)).copied().unwrap_or_default();
        let capital = text
            .folded
            .original(range)
            .and_then(|original| part.get(original)?.chars().next())
            .is_some_and(char::is_uppercase);
        let lang = text.lang.split(['-', '_']).next().unwrap_or_default();
        let unknown = lang.is_empty() || lang.eq_ignore_ascii_case("und");
        let forms_it = ["da", "nb", "nn", "no", "sv", "de", "fo"].iter().any(|code| lang.eq_ignore_ascii_case(code));
        capital && (forms_it || (unknown && self.single))
    }
}

/// All ways in which `words` may stand; empty for forms that are no literals.
pub(super) fn compile(words: &Words) -> Vec<Pattern> {
    match words.form {
        Form::Word => vec![word(&words.label, true)],
        Form::Phrase => vec![word(&words.label, false)],
        Form::Literal => vec![plain(&words.label, Edge::Word)],
        Form::Exact => {
            let mut pattern = plain(&words.label, Edge::Word);
            let mut folded = Folded::default();
            folded.append(&words.label);
            pattern.exact = Some(written(&folded, &words.label, &(0..folded.base.trim_end().len())));
            vec![pattern]
        }
        Form::Unit => vec![plain(&words.label, Edge::Unit)],
        Form::Domain => domain(&words.label),
        Form::Within(_) | Form::Regex { .. } => Vec::new(),
    }
}

/// The dots of a domain, plain and in the disguises by which people keep programs from making a link of it.
const DOTS: [&str; 20] = [
    ".",
    "[.]",
    "(.)",
    "{.}",
    " [.] ",
    " (.) ",
    " {.} ",
    " [ . ] ",
    " . ",
    "[dot]",
    "(dot)",
    "{dot}",
    " [dot] ",
    " (dot) ",
    " {dot} ",
    " dot ",
    " punto ",
    " ponto ",
    " punktum ",
    "[punto]",
];

/// A domain with its dots disguised, all of them or only the last, and as programs write it (RFC 5891: `xn--…`).
fn domain(label: &str) -> Vec<Pattern> {
    let mut written: Vec<String> = DOTS.iter().map(|dot| label.replace('.', dot)).collect();
    if let Some((name, end)) = label.rsplit_once('.').filter(|(name, _)| name.contains('.')) {
        written.extend(DOTS.iter().skip(1).map(|dot| format!("{name}{dot}{end}")));
    }
    if !label.is_ascii()
        && let Ok(url::Host::Domain(ascii)) = url::Host::parse(label)
    {
        written.push(ascii);
    }
    written.iter().map(|label| plain(label, Edge::Host)).collect()
}

/// Compiles a regular expression within the size limit; the reason if it cannot be, on one line.
pub(super) fn regex(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE)
        .nest_limit(50)
        .build()
        .map_err(|fault| match fault {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            other => {
                let text = other.to_string();
                let last = text.lines().last().unwrap_or_default();
                last.trim_start_matches("error: ").to_owned()
            }
        })
}

/// True for a name that ends in a public suffix, so that it is meant as a domain (`acme.com`, not `node.js`).
pub(super) fn is_domain(word: &str) -> bool {
    let labels_fit = word.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    });
    let lower = word.to_lowercase();
    word.len() <= 253
        && word.contains('.')
        && labels_fit
        && psl::suffix(lower.as_bytes()).is_some_and(|suffix| suffix.is_known())
        && psl::domain(lower.as_bytes()).is_some()
}

/// Whether `edge` holds before `at` in folded text.
pub(super) fn is_free_before(base: &[u8], at: usize, edge: Edge) -> bool {
    let Some(c) = char_before(base, at) else { return true };
    match edge {
        Edge::Free => true,
        Edge::Word | Edge::Genitive => !fold::is_word(c),
        Edge::Unit => !fold::is_word(c) && c != '_',
        Edge::Host => !fold::is_word(c) && !matches!(c, '-' | '_'),
    }
}

/// Whether `edge` holds after `at` in folded text.
pub(super) fn is_free_after(base: &[u8], at: usize, edge: Edge) -> bool {
    let Some(c) = char_after(base, at) else { return true };
    let word_follows = || char_after(base, at + c.len_utf8()).is_some_and(fold::is_word);
    match edge {
        Edge::Free => true,
        Edge::Word => !fold::is_word(c),
        Edge::Genitive => !fold::is_word(c) || (c == 's' && !word_follows()),
        Edge::Unit => !fold::is_word(c) && c != '_',
        Edge::Host => !(fold::is_word(c) || (matches!(c, '-' | '.' | '_') && word_follows())),
    }
}

fn char_before(base: &[u8], at: usize) -> Option<char> {
    let before = base.get(..at)?;
    let last = *before.last()?;
    if last.is_ascii() {
        return Some(char::from(last));
    }
    let start = before.iter().rposition(|byte| byte & 0xc0 != 0x80)?;
    std::str::from_utf8(before.get(start..)?).ok()?.chars().next()
}

fn char_after(base: &[u8], at: usize) -> Option<char> {
    let after = base.get(at..)?;
    let first = *after.first()?;
    if first.is_ascii() {
        return Some(char::from(first));
    }
    let length = after.iter().skip(1).take_while(|byte| **byte & 0xc0 == 0x80).count() + 1;
    std::str::from_utf8(after.get(..length)?).ok()?.chars().next()
}

/// A range of folded text as it is written in the original: composed, white space as one space.
fn written(folded: &Folded, original: &str, range: &Range<usize>) -> String {
    let mut out = String::new();
    for unit in folded.units(range) {
        let letter = original.get(unit.start as usize..unit.end as usize).unwrap_or_default();
        if letter.starts_with(char::is_whitespace) {
            out.push(' ');
        } else {
            out.push_str(&fold::as_written(letter));
        }
    }
    out
}

/// Words with their wildcards: `*` at the end, and for bare words `?` for a letter.
fn word(label: &str, bare: bool) -> Pattern {
    let (stem, open) = label.strip_suffix('*').map_or((label, false), |stem| (stem, true));
    if bare && label.contains('?') {
        let pieces: Vec<Piece> = stem.split('?').map(piece).collect();
        let key = (0..pieces.len()).max_by_key(|index| pieces[*index].text.len()).unwrap_or(0);
        let first_is_gap = pieces.first().is_some_and(|piece| piece.text.is_empty());
        let last_is_gap = pieces.last().is_some_and(|piece| piece.text.is_empty());
        let left = if first_is_gap { Edge::Word } else { left_edge(&pieces, Edge::Word) };
        let right = if last_is_gap { Edge::Word } else { right_edge(&pieces, Edge::Word) };
        return Pattern { pieces, key, left, right, exact: None, single: true, open: false };
    }
    let mut pattern = plain(stem, Edge::Word);
    pattern.single = bare;
    if open {
        pattern.open = true;
        pattern.right = Edge::Free;
    } else if takes_genitive(pattern.key()) {
        pattern.right = Edge::Genitive;
    }
    pattern
}

/// Literal words with the same kind of edge on both sides.
fn plain(label: &str, edge: Edge) -> Pattern {
    let pieces = vec![piece(label)];
    let (left, right) = (left_edge(&pieces, edge), right_edge(&pieces, edge));
    Pattern { pieces, key: 0, left, right, exact: None, single: false, open: false }
}

/// Only an edge that is itself a letter or digit must not touch one: `C+` in `C+2` stands whole.
fn left_edge(pieces: &[Piece], edge: Edge) -> Edge {
    let first = pieces.first().and_then(|piece| piece.text.chars().next());
    if edge != Edge::Word || first.is_some_and(fold::is_word) { edge } else { Edge::Free }
}

fn right_edge(pieces: &[Piece], edge: Edge) -> Edge {
    let last = pieces.last().and_then(|piece| piece.text.chars().next_back());
    if edge != Edge::Word || last.is_some_and(fold::is_word) { edge } else { Edge::Free }
}

/// Names in Latin letters that get a bare `s`; after s, x and z an apostrophe is written, which is free anyway.
fn takes_genitive(key: &str) -> bool {
    key.chars().count() >= 3
        && key.chars().next_back().is_some_and(|c| c.is_ascii_lowercase() && !matches!(c, 's' | 'x' | 'z'))
}

fn piece(label: &str) -> Piece {
    let mut folded = Folded::default();
    folded.append(label);
    let accents = folded
        .units(&(0..folded.base.len()))
        .windows(2)
        .map(|pair| (pair[0], pair[1].base as usize))
        .chain(folded.units(&(0..folded.base.len())).last().map(|unit| (*unit, folded.base.len())))
        .filter_map(|(unit, end)| {
            let letter = fold::accented(label.get(unit.start as usize..unit.end as usize)?);
            let plain = folded.base.get(unit.base as usize..end)?;
            (letter != plain && plain != " ").then_some((unit.base as usize, letter))
        })
        .collect();
    Piece { text: folded.base.trim_end().to_owned(), accents }
}
