//! Which language a text is in: a linear model over letters and whole words, and what the source claims.
//!
//! The table `lang/letters.tsv` was fitted by `train` (multinomial logistic regression) to `langid_short`, to
//! Danish comments of `dkhate_da` and to our own word lists; NOTICE names the sets. It knows seven neighbours, so that Norwegian is not taken for Danish, nor
//! Catalan for Spanish.

#[cfg(test)]
mod train;

use std::sync::LazyLock;

use super::LANGUAGES;
use super::learned::features::mix;
use super::learned::keys::{Keys, index, key};
use super::learned::table::Adder;
use super::packed;
use super::tokens::{Kind, Token, Tokens};
use crate::model::Language;

/// All languages that are told apart; those with cue files first.
const CODES: [&str; 11] = ["en", "es", "pt", "da", "no", "sv", "de", "fr", "it", "ca", "nl"];
/// Longest run of letters that is a feature by itself; words up to [`LONGEST_WORD`] are features too.
const LONGEST_GRAM: usize = 4;
const LONGEST_WORD: usize = 12;
/// So many words are enough.
const MOST_WORDS: usize = 24;
/// Hashtags are not heeded where so many other words stand.
const ENOUGH: usize = 3;
/// English words stand in texts of all languages: what a text in English must score more than others.
const BORROWED: f32 = 0.4;
const ENGLISH: usize = 0;
/// What the source's claim is worth, in units of the model's score.
const HINT: f32 = 2.2;
/// The fit is too timid by this factor (least loss on the rows held back from it).
const SHARPNESS: f32 = 1.8;
/// Above these odds nobody asks the cues; they take time.
const PLAIN: f32 = 0.85;
/// Languages below these odds are not worth asking.
const LIKELY: f32 = 0.04;
/// Texts with more words than this tell by themselves.
const SHORT: usize = 30;
/// What a share of odds in favour the answer must have, not to be `und`.
const SURE: f32 = 0.25;
/// … which is less if its cues recognise something.
const BARELY: f32 = 0.2;
/// Weights are stored as integers: this many to one.
const SCALE: f32 = 40.0;

/// `letters.tsv` as a table: the number of its rows (u32, little-endian), their index ([`Keys`]), and rows of a weight (i8)
/// a language, then a 1, filled up to [`ROW`] bytes.
static TABLE: LazyLock<&[u8]> = LazyLock::new(|| packed::own(include_bytes!("../lang/letters.bin")));
const ROW: usize = 16;
/// Features of an ordinary text that are looked up, about.
const ORDINARY: usize = 384;

/// The rows of plain letters and of pairs of them, by [`plain`]: half of all features, which need no search.
static PLAIN_ROWS: LazyLock<Vec<[u8; ROW]>> = LazyLock::new(|| {
    let mut rows = vec![[0; ROW]; PLAIN_LETTERS * PLAIN_LETTERS];
    let letters = || (b'a'..=b'z').chain(*b" '").map(char::from);
    for (first, second) in letters().flat_map(|a| letters().map(Some).chain([None]).map(move |b| (a, b))) {
        let run = second.iter().fold(extend(NO_LETTERS, first), |run, letter| extend(run, *letter));
        let slot = plain(first).zip(second.map_or(Some(ALONE), plain)).and_then(|(a, b)| rows.get_mut(pair(a, b)));
        // An end alone is no feature.
        if let Some(slot) = slot.filter(|_| second.is_some() || first != ' ') {
            look_up(&[run], |row| *slot = *row);
        }
    }
    rows
});
const PLAIN_LETTERS: usize = 32;
/// Stands for "no second letter".
const ALONE: usize = PLAIN_LETTERS - 1;

/// The place of a plain letter, an apostrophe or the mark of an end.
fn plain(letter: char) -> Option<usize> {
    match letter {
        ' ' => Some(0),
        'a'..='z' => Some(letter as usize - 'a' as usize + 1),
        '\'' => Some(27),
        _ => None,
    }
}

fn pair(first: usize, second: usize) -> usize {
    first * PLAIN_LETTERS + second
}

/// Calls `known` with the row of each feature that has one.
fn look_up(features: &[u64], mut known: impl FnMut(&'static [u8; ROW])) {
    let Some((count, rest)) = TABLE.split_first_chunk() else { return };
    let Some((index, rows)) = rest.split_at_checked(Keys::size(u32::from_le_bytes(*count) as usize)) else { return };
    let rows = rows.as_chunks::<ROW>().0;
    Keys::of(index).find_all(
        features,
        |feature| mix(*feature),
        |_, place| {
            if let Some(row) = place.and_then(|place| rows.get(place)) {
                known(row);
            }
        },
    );
}

/// What words add up to.
#[derive(Default)]
struct Votes {
    sums: [i32; ROW],
    adder: Adder<{ ROW / 8 }>,
    /// Features, known or not.
    count: usize,
    /// Those that are not looked up yet.
    rest: Vec<u64>,
}

impl Votes {
    fn new() -> Self {
        Votes { rest: Vec::with_capacity(ORDINARY), ..Votes::default() }
    }

    /// Adds the features of a word, as [`each_feature`] tells them.
    fn add(&mut self, word: &str) {
        let rows: &[[u8; ROW]] = &PLAIN_ROWS;
        let mut letters = [' '; 26];
        let len = spell(word, &mut letters);
        let letters = letters.get(..len).unwrap_or(&[]);
        let before = self.rest.len();
        let mut direct = 0;
        let mut row_of = |first: usize, second: usize| {
            if let Some(row) = rows.get(pair(first, second)) {
                direct += 1;
                self.adder.add(row, &mut self.sums);
            }
        };
        let mut next = letters.first().copied().and_then(plain);
        for (at, letter) in letters.iter().enumerate() {
            let own = next;
            let second = letters.get(at + 1);
            next = second.copied().and_then(plain);
            let run = extend(NO_LETTERS, *letter);
            match own {
                Some(_) if *letter == ' ' => {}
                Some(own) => row_of(own, ALONE),
                None => self.rest.push(run),
            }
            let Some(second) = second else { break };
            let run = extend(run, *second);
            match own.zip(next) {
                Some((own, next)) => row_of(own, next),
                None => self.rest.push(run),
            }
            let Some(third) = letters.get(at + 2) else { continue };
            let run = extend(run, *third);
            self.rest.push(run);
            if let Some(fourth) = letters.get(at + 3) {
                self.rest.push(extend(run, *fourth));
            }
        }
        if is_word(len) {
            self.rest.push(hash(letters));
        }
        self.count += direct + self.rest.len() - before;
    }

    /// The sum of the weights, and how many features are known.
    fn counted(mut self) -> ([i32; CODES.len()], i32) {
        look_up(&self.rest, |row| self.adder.add(row, &mut self.sums));
        self.adder.flush(&mut self.sums);
        let mut weights = [0; CODES.len()];
        weights.iter_mut().zip(self.sums).for_each(|(weight, sum)| *weight = sum);
        (weights, self.sums.get(CODES.len()).copied().unwrap_or(0))
    }
}

/// The bytes of `letters.bin` from the text of `letters.tsv`.
///
/// # Errors
/// There are too many rows for one table.
pub(super) fn table(data: &str) -> Result<Vec<u8>, &'static str> {
    let mut rows: Vec<(u64, [i8; CODES.len()])> = parse(data).into_iter().map(|(f, row)| (mix(f), row)).collect();
    rows.sort_unstable_by_key(|row| (key(row.0), row.0));
    rows.dedup_by_key(|row| key(row.0));
    let hashes: Vec<u64> = rows.iter().map(|row| row.0).collect();
    let mut out = (rows.len() as u32).to_le_bytes().to_vec();
    out.extend(index(&hashes)?);
    for (_, row) in &rows {
        out.extend(row.iter().map(|weight| *weight as u8).chain([1, 0, 0, 0, 0]));
    }
    Ok(out)
}

/// The language of a text; `und` if there are no words, or too few that tell. `cues` says how much the cue files of a
/// language (by its place in [`CODES`]) recognise, 0 … 2; it is asked only where a short text leaves room for doubt.
pub(super) fn detect(tokens: &Tokens<'_>, hint: Option<&str>, cues: impl Fn(usize) -> f32) -> Language {
    let hint = hint.and_then(of_hint);
    let mut votes = Votes::new();
    let (mut words, mut foreign) = (0usize, 0usize);
    let mut script = None;
    let is_word = |t: &&Token| t.kind == Kind::Word;
    // Hashtags are English or names in all languages.
    let tags = tokens.list.iter().filter(is_word).filter(|t| !t.tag).take(ENOUGH).count() < ENOUGH;
    for token in tokens.list.iter().filter(is_word).filter(|t| tags || !t.tag).take(MOST_WORDS) {
        let word = tokens.text.get(token.start..token.end).unwrap_or("");
        if let Some(code) = word.chars().next().and_then(other_script) {
            foreign += 1;
            script.get_or_insert(code);
            continue;
        }
        words += 1;
        votes.add(word);
    }
    if foreign > words {
        return Language { code: script.unwrap_or("und").to_owned(), confidence: 0.9 };
    }
    let count = votes.count;
    let (sums, known) = votes.counted();
    if words == 0 || known == 0 {
        return unknown(hint);
    }
    // The model was fitted to counts divided by the root of their number.
    let norm = SHARPNESS / (SCALE * (count as f32).sqrt());
    let mut scores = sums.map(|sum| sum as f32 * norm);
    if let Some(english) = scores.get_mut(ENGLISH) {
        *english -= BORROWED;
    }
    if let Some(slot) = hint.and_then(|h| scores.get_mut(h)) {
        *slot += HINT;
    }
    let mut odds = odds_of(&scores);
    let mut recognised = false;
    if words <= SHORT && odds.iter().all(|o| *o < PLAIN) {
        // Where nothing is likely, the cues of all languages are asked.
        let likely = if odds.iter().any(|o| *o >= SURE) { LIKELY } else { 0.0 };
        for (at, _) in odds.iter().enumerate().take(LANGUAGES.len()).filter(|(_, o)| **o >= likely) {
            let found = cues(at);
            recognised |= found > 0.0;
            if let Some(score) = scores.get_mut(at) {
                *score += found;
            }
        }
        odds = odds_of(&scores);
    }
    let confidence = odds.iter().copied().fold(0.0, f32::max);
    let best = odds.iter().position(|o| *o == confidence).unwrap_or(0);
    let enough = if recognised && best < LANGUAGES.len() { BARELY } else { SURE };
    if confidence < enough {
        return unknown(hint);
    }
    let code = CODES.get(best).copied().unwrap_or("und");
    Language { code: code.to_owned(), confidence: (confidence * 100.0).round() / 100.0 }
}

/// Scores as odds that sum to 1.
fn odds_of(scores: &[f32; CODES.len()]) -> [f32; CODES.len()] {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let odds = scores.map(|s| (s - top).exp());
    let sum: f32 = odds.iter().sum();
    odds.map(|o| o / sum)
}

/// What is said of a text that does not tell: the source's word, if it gave one.
fn unknown(hint: Option<usize>) -> Language {
    match hint.and_then(|h| CODES.get(h)) {
        Some(code) => Language { code: (*code).to_owned(), confidence: 0.3 },
        None => Language { code: "und".to_owned(), confidence: 0.0 },
    }
}

/// The language that a BCP 47 tag names, if we tell it apart (`pt-BR`, `nb`, `nn`).
fn of_hint(tag: &str) -> Option<usize> {
    let primary = tag.split(['-', '_']).next().unwrap_or("").trim().to_ascii_lowercase();
    let code = match primary.as_str() {
        "nb" | "nn" => "no",
        other => other,
    };
    CODES.iter().position(|c| *c == code)
}

/// The language (or `und`) that a script other than Latin stands for.
fn other_script(c: char) -> Option<&'static str> {
    Some(match c as u32 {
        0x0370..=0x03FF => "el",
        0x0400..=0x052F => "und",
        0x0590..=0x05FF => "he",
        0x0600..=0x06FF => "und",
        0x0900..=0x097F => "hi",
        0x0E00..=0x0E7F => "th",
        0x3040..=0x30FF => "ja",
        0x4E00..=0x9FFF => "zh",
        0xAC00..=0xD7AF => "ko",
        _ => return None,
    })
}

/// Calls `f` with every feature of a word: its runs of one to four letters with its ends marked, and the word itself.
/// Accents are kept: they tell more than the letters.
#[cfg(test)]
fn each_feature(word: &str, mut f: impl FnMut(u64)) {
    let mut letters = [' '; 26];
    let len = spell(word, &mut letters);
    let letters = letters.get(..len).unwrap_or(&[]);
    for run in letters.windows(LONGEST_GRAM) {
        runs(run, &mut f);
    }
    // Those that begin too late to be of full length.
    for start in (len + 1).saturating_sub(LONGEST_GRAM)..len {
        runs(letters.get(start..).unwrap_or(&[]), &mut f);
    }
    if is_word(len) {
        f(hash(letters));
    }
}

/// Whether so many letters and marks are a feature as a whole.
fn is_word(len: usize) -> bool {
    len > LONGEST_GRAM && len - 2 <= LONGEST_WORD
}

/// Calls `f` with every beginning of these letters, but not with the mark of an end alone.
#[cfg(test)]
fn runs(letters: &[char], f: &mut impl FnMut(u64)) {
    let mut run = NO_LETTERS;
    for (size, letter) in letters.iter().enumerate() {
        run = extend(run, *letter);
        if size > 0 || *letter != ' ' {
            f(run);
        }
    }
}

/// Writes a word in lower case between two marks (of what is too long the beginning), and says how much that is.
fn spell(word: &str, letters: &mut [char; 26]) -> usize {
    let room = letters.len() - 1;
    let (mut len, mut last, mut times) = (1, ' ', 0);
    let mut put = |c: char| {
        // Drawn-out letters would drown the rest.
        times = if c == last { times + 1 } else { 1 };
        last = c;
        if times <= 2
            && len < room
            && let Some(slot) = letters.get_mut(len)
        {
            *slot = if c == '’' { '\'' } else { c };
            len += 1;
        }
    };
    for c in word.chars() {
        // Nearly all letters are plain ones, which need no table.
        if c.is_ascii() {
            put(c.to_ascii_lowercase());
        } else {
            c.to_lowercase().for_each(&mut put);
        }
    }
    if let Some(slot) = letters.get_mut(len) {
        *slot = ' ';
    }
    len + 1
}

/// FNV-1a over the characters.
fn hash(letters: &[char]) -> u64 {
    letters.iter().fold(NO_LETTERS, |hash, letter| extend(hash, *letter))
}

const NO_LETTERS: u64 = 0xcbf2_9ce4_8422_2325;

fn extend(hash: u64, letter: char) -> u64 {
    (hash ^ u64::from(u32::from(letter))).wrapping_mul(0x0100_0000_01b3)
}

/// Reads the table: letters (`_` for the end of a word), then a weight a language.
fn parse(data: &str) -> std::collections::BTreeMap<u64, [i8; CODES.len()]> {
    let mut table = std::collections::BTreeMap::new();
    for line in data.lines().filter(|l| !l.starts_with('#')) {
        let mut cells = line.split('\t');
        let letters: Vec<char> = cells.next().unwrap_or("").chars().map(|c| if c == '_' { ' ' } else { c }).collect();
        let mut weights = [0i8; CODES.len()];
        for (slot, cell) in weights.iter_mut().zip(cells) {
            *slot = cell.parse().unwrap_or(0);
        }
        table.insert(hash(&letters), weights);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, hint: Option<&str>) -> String {
        detect(&Tokens::of(text), hint, |_| 0.0).code
    }

    #[test]
    fn short_texts_and_neighbours() {
        let table = [
            ("where is my order", "en"),
            ("I love this app", "en"),
            ("dónde está mi pedido", "es"),
            ("no me llego el pedido todavia", "es"),
            ("muchas gracias por la atención", "es"),
            ("não recebi a minha encomenda", "pt"),
            ("nao gostei do atendimento de voces", "pt"),
            ("muito obrigado pela ajuda", "pt"),
            ("hvor er min pakke henne", "da"),
            ("det virker overhovedet ikke", "da"),
            ("jeg har ikke fået mine penge tilbage", "da"),
            ("jeg har ikke fått pengene mine tilbake enda", "no"),
            ("jag har inte fått mina pengar tillbaka", "sv"),
            ("ich habe mein Geld nicht zurück bekommen", "de"),
            ("je n'ai toujours pas reçu ma commande", "fr"),
            ("non ho ancora ricevuto il mio ordine", "it"),
            ("encara no he rebut la meva comanda", "ca"),
            ("ik heb mijn bestelling nog steeds niet gekregen", "nl"),
            ("где мой заказ", "und"),
            ("我的订单在哪里", "zh"),
            ("👍👍👍", "und"),
            ("", "und"),
            ("@acme https://a.example/x 123", "und"),
        ];
        for (text, expected) in table {
            assert_eq!(code(text, None), expected, "{text}");
        }
    }

    #[test]
    fn letters_that_need_no_search_count_as_others_do() {
        for text in [
            "waiting",
            "it's",
            "don’t",
            "SÃO",
            "água",
            "ål",
            "o",
            "ø",
            "naïve",
            "aaaargh",
            "l'Hospitalet",
            "x9y",
            "Donaudampfschifffahrtsgesellschaft",
            "İstanbul",
            "ñ'z",
        ] {
            let mut votes = Votes::new();
            votes.add(text);
            let mut all = Vec::new();
            each_feature(text, |feature| all.push(feature));
            let (mut sums, mut known) = ([0; CODES.len()], 0);
            look_up(&all, |row| {
                known += 1;
                sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += i32::from(*weight as i8));
            });
            assert_eq!((votes.count, votes.counted()), (all.len(), (sums, known)), "{text}");
        }
    }

    #[test]
    fn the_source_s_claim_is_evidence_not_truth() {
        assert_eq!(code("ok", Some("da-DK")), "da");
        assert_eq!(code("👍", Some("pt-BR")), "pt");
        assert_eq!(code("where is my order, I have been waiting for two weeks", Some("da")), "en");
        assert_eq!(code("hvor er min pakke", Some("xx")), "da");
    }
}
