//! Folding for comparison: one form for all the ways in which people and machines write the same words.
//!
//! The folded form is NFKC (Unicode Standard Annex 15), lower case, without accents, zero-width characters and soft
//! hyphens, with every run of white space one space. [`fold_into`] makes it at scanning speed and keeps nothing else;
//! [`Folded`] makes the same form and remembers where each letter came from, so that a place in it can be shown in the
//! original text and accents or case can be checked there. Both must always agree; a property test holds them to it.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::LazyLock;

use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Appends the folded form of `text`. White space at its start is dropped; at its end it stays as one space.
pub fn fold_into(text: &str, out: &mut Vec<u8>) {
    let table = &*TABLE;
    let bytes = text.as_bytes();
    let mut sink = Sink { to: out.len(), out, spaced: true };
    let mut at = 0;
    while at < bytes.len() {
        sink.make_room(bytes.len() - at);
        // Eight bytes at once, as far as they are plain. What is missing at the end stands as zeros, which are not.
        let (chunk, there) = match bytes.get(at..).and_then(|rest| rest.first_chunk::<CHUNK>()) {
            Some(chunk) => (u64::from_le_bytes(*chunk), CHUNK),
            None => {
                let mut chunk = [0; CHUNK];
                let rest = &bytes[at..];
                chunk[..rest.len()].copy_from_slice(rest);
                (u64::from_le_bytes(chunk), rest.len())
            }
        };
        let (folded, plain) = fold_chunk(chunk, sink.spaced);
        let plain = plain.min(there);
        sink.put(folded.to_le_bytes(), plain);
        at += plain;
        if plain > 0 {
            sink.spaced = bytes[at - 1] == b' ';
        }
        if plain == CHUNK || at == bytes.len() {
            continue;
        }
        if bytes[at].is_ascii() {
            if is_ascii_space(bytes[at]) {
                sink.space();
            } else {
                sink.put([bytes[at], 0, 0, 0, 0, 0, 0, 0], 1);
                sink.spaced = false;
            }
            at += 1;
            continue;
        }
        while at < bytes.len() && !bytes[at].is_ascii() {
            sink.make_room(bytes.len() - at);
            at = fold_wide(text, at, table, &mut sink);
        }
    }
    let Sink { to, out, .. } = sink;
    out.truncate(to);
}

/// The folded form of `text` as a string of its own.
pub fn fold(text: &str) -> String {
    let mut folded = Folded::default();
    folded.append(text);
    folded.base
}

/// True for letters and digits of scripts that part their words with spaces: what a whole word must not touch.
/// Accents and vowel signs count with their letter.
pub fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    c.is_alphanumeric() && !is_spaceless(c)
}

/// True for scripts that are written without spaces between words, or that attach particles to them (Korean), so that
/// a word is found inside of running text.
pub fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}'     // Thai, Lao
        | '\u{1000}'..='\u{109f}'   // Myanmar
        | '\u{1100}'..='\u{11ff}'   // Hangul jamo
        | '\u{1780}'..='\u{17ff}'   // Khmer
        | '\u{19e0}'..='\u{1aaf}'   // Khmer symbols, Tai Tham
        | '\u{2e80}'..='\u{31ff}'   // radicals, kana, bopomofo, Hangul compatibility jamo
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'   // Han
        | '\u{a960}'..='\u{a97f}'
        | '\u{a9e0}'..='\u{a9ff}'
        | '\u{aa60}'..='\u{aa7f}'
        | '\u{ac00}'..='\u{d7ff}'   // Hangul
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// One letter of the original with its marks, and where its folded form begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Byte offset in [`Folded::base`]; the form ends where the next unit begins.
    pub base: u32,
    /// Byte range in the original part.
    pub start: u32,
    pub end: u32,
}

/// A folded text that knows where its letters came from. It may hold several parts (title and text), parted by `\n`,
/// which is never part of a folded text.
#[derive(Clone, Debug, Default)]
pub struct Folded {
    pub base: String,
    units: Vec<Unit>,
    /// Where each part begins: offset in `base`, index in `units`.
    parts: Vec<(usize, usize)>,
}

impl Folded {
    /// Adds a part. Parts beyond 4 GiB are cut (offsets are 32 bits wide; entries are capped far below).
    pub fn append(&mut self, text: &str) {
        if !self.parts.is_empty() {
            self.base.push('\n');
        }
        self.parts.push((self.base.len(), self.units.len()));
        let table = &*TABLE;
        self.base.reserve(text.len());
        self.units.reserve(text.len());
        let mut spaced = true;
        let mut at = 0;
        while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let (start, next) = (at, at + c.len_utf8());
            if u32::try_from(next).is_err() || u32::try_from(self.base.len() + 64).is_err() {
                return;
            }
            at = next;
            if c.is_whitespace() {
                if spaced {
                    if let Some(unit) = self.last_of_part() {
                        unit.end = next as u32;
                    }
                } else {
                    self.push(start..next, |base| base.push(' '));
                    spaced = true;
                }
                continue;
            }
            let alone = text.as_bytes().get(at).is_none_or(u8::is_ascii) || cluster_end(text, next) == next;
            if c.is_ascii() && alone {
                self.push(start..next, |base| base.push(c.to_ascii_lowercase()));
                spaced = false;
                continue;
            }
            if is_invisible(c) {
                continue;
            }
            if alone && let Some(known) = short(c, table).filter(|known| !known.is_empty()) {
                self.push(start..next, |base| base.push_str(known));
                spaced = false;
                continue;
            }
            at = cluster_end(text, next);
            let cluster = &text[start..at];
            let before = self.base.len();
            push_base(cluster, &mut self.base);
            if self.base.len() == before {
                // Marks that stand alone (parted from their letter by something invisible) belong to that letter.
                if let Some(unit) = self.last_of_part().filter(|_| !spaced) {
                    unit.end = at as u32;
                }
            } else {
                self.units.push(Unit { base: before as u32, start: start as u32, end: at as u32 });
                spaced = false;
            }
        }
    }

    /// Which part an offset of `base` lies in.
    pub fn part_at(&self, offset: usize) -> usize {
        self.parts.partition_point(|(base, _)| *base <= offset).saturating_sub(1)
    }

    /// The units whose folded form lies in, or reaches into, `range` of `base`.
    pub fn units(&self, range: &Range<usize>) -> &[Unit] {
        let first = self.units.partition_point(|unit| unit.base as usize <= range.start).saturating_sub(1);
        let last = self.units.partition_point(|unit| (unit.base as usize) < range.end).max(first);
        self.units.get(first..last).unwrap_or_default()
    }

    /// The unit that begins exactly at `offset` of `base`.
    pub fn unit_at(&self, offset: usize) -> Option<&Unit> {
        let index = self.units.binary_search_by(|unit| (unit.base as usize).cmp(&offset)).ok()?;
        self.units.get(index)
    }

    /// The range of `base` that one letter of the original became, given an offset in it.
    pub fn letter_at(&self, offset: usize) -> Option<Range<usize>> {
        let next = self.units.partition_point(|unit| unit.base as usize <= offset);
        let start = self.units.get(next.checked_sub(1)?)?.base as usize;
        let end = self.units.get(next).map_or(self.base.len(), |unit| unit.base as usize);
        // The border between two parts belongs to no letter.
        let end = end - usize::from(self.base.get(start..end)?.ends_with('\n'));
        (start..end).contains(&offset).then_some(start..end)
    }

    /// The byte range in the original part that `range` of `base` came from.
    pub fn original(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let units = self.units(range);
        Some(units.first()?.start as usize..units.last()?.end as usize)
    }

    fn push(&mut self, original: Range<usize>, write: impl FnOnce(&mut String)) {
        let base = self.base.len() as u32;
        write(&mut self.base);
        self.units.push(Unit { base, start: original.start as u32, end: original.end as u32 });
    }

    fn last_of_part(&mut self) -> Option<&mut Unit> {
        let first = self.parts.last().map_or(0, |(_, unit)| *unit);
        if self.units.len() > first { self.units.last_mut() } else { None }
    }
}

/// The folded form of one letter with its accents kept: what a query letter written with an accent is compared with.
pub fn accented(cluster: &str) -> String {
    if cluster.is_ascii() {
        return cluster.to_ascii_lowercase();
    }
    let mut out = String::new();
    for c in cluster.chars().filter(|c| !is_invisible(*c)) {
        match c {
            // The capital of a dotted i is no accent: its small letter is the plain i.
            'İ' => out.push('i'),
            // Own letters, though their capitals look plain.
            'ı' => out.push('ı'),
            _ if begins_with_space(c) || stays(c) => out.push(plain_of(c)),
            _ => out.extend(std::iter::once(c).nfkc().flat_map(caseless).map(plain_of)),
        }
    }
    spell_out(out.nfkc())
}

/// One letter as written, composed (NFC), case kept: what an exact query is compared with.
pub fn as_written(cluster: &str) -> String {
    cluster.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_whitespace() { ' ' } else { c }).nfc().collect()
}

/// Bytes that are folded at once.
const CHUNK: usize = 8;

/// Where folded text is written: ahead of what is there, so that a chunk is one store, whatever of it counts.
struct Sink<'o> {
    out: &'o mut Vec<u8>,
    /// What lies beyond is not text yet.
    to: usize,
    /// The text so far is empty or ends in a space.
    spaced: bool,
}

impl Sink<'_> {
    /// Makes room for `rest` bytes of text that do not grow, and for one chunk.
    fn make_room(&mut self, rest: usize) {
        let wanted = self.to + rest + CHUNK;
        if self.out.len() < wanted {
            self.out.resize(wanted, 0);
        }
    }

    /// Adds the first `len` of some bytes; there must be room.
    fn put(&mut self, bytes: [u8; CHUNK], len: usize) {
        self.out[self.to..self.to + CHUNK].copy_from_slice(&bytes);
        self.to += len;
    }

    fn space(&mut self) {
        if !self.spaced {
            self.put([b' '; CHUNK], 1);
            self.spaced = true;
        }
    }

    /// Adds folded letters, however many.
    fn extend(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.make_room(bytes.len());
            self.out[self.to..self.to + bytes.len()].copy_from_slice(bytes);
            self.to += bytes.len();
            self.spaced = false;
        }
    }
}

/// Every byte of a word the same.
pub(crate) const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Lower-cases eight bytes of text at once, each in its place of a word (Lamport: Multiple byte processing with full-word
/// instructions, 1975), and says how many of them, from the first, are plain: neither a letter of several bytes nor a
/// control sign nor a space after another.
fn fold_chunk(chunk: u64, spaced: bool) -> (u64, usize) {
    const HIGH: u64 = each(0x80);
    let low = chunk & !HIGH;
    // The upper bit of each byte tells; no sum carries into the next byte.
    let control = !(low + each(0x80 - b' ')) & HIGH;
    let space = !((low ^ each(b' ')) + each(0x7f)) & HIGH;
    let second = space & (space << 8 | u64::from(spaced) << 7);
    let odd = chunk & HIGH | control | second;
    let capital = (low + each(0x80 - b'A')) & !(low + each(0x80 - b'Z' - 1)) & HIGH;
    (chunk | capital >> 2, odd.trailing_zeros() as usize / 8)
}

/// Folds the non-ASCII letter at `at`, with the marks that compose with it; returns where it ends.
fn fold_wide(text: &str, at: usize, table: &[Short], sink: &mut Sink<'_>) -> usize {
    let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else {
        return text.len();
    };
    let next = at + c.len_utf8();
    if let Some(short) = (c as usize).checked_sub(TABLE_START).and_then(|index| table.get(index)) {
        match short.len {
            SPACE => {
                sink.space();
                return next;
            }
            SLOW => {}
            len => {
                sink.put(short.bytes, usize::from(len));
                sink.spaced &= len == 0;
                return next;
            }
        }
    }
    if c.is_whitespace() {
        sink.space();
        return next;
    }
    if is_invisible(c) {
        return next;
    }
    let mark_follows = text.get(next..).and_then(|rest| rest.chars().next()).is_some_and(joins);
    if !mark_follows && is_own_fold(c) {
        sink.extend(&text.as_bytes()[at..next]);
        return next;
    }
    let end = if mark_follows { cluster_end(text, next) } else { next };
    let mut base = String::new();
    push_base(&text[at..end], &mut base);
    sink.extend(base.as_bytes());
    end
}

/// Where the marks end that follow a letter.
fn cluster_end(text: &str, mut at: usize) -> usize {
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if !joins(c) {
            break;
        }
        at += c.len_utf8();
    }
    at
}

/// The folded form of a letter with its marks: no accents, no case, compatibility forms plain.
fn push_base(cluster: &str, out: &mut String) {
    let mut rest = cluster;
    if let Some(first) = cluster.chars().next()
        && (begins_with_space(first) || stays(first))
    {
        out.push(plain_of(first));
        rest = &cluster[first.len_utf8()..];
    }
    // Compatibility forms may hold what is invisible alone: the line under an Arabic accent.
    let silent = |c: &char| is_accent(*c) || is_invisible(*c);
    let letters = rest.nfkd().filter(|c| !silent(c)).flat_map(caseless).nfkd().filter(|c| !silent(c));
    out.push_str(&spell_out(letters.map(|c| base_of(plain_of(c))).nfc()));
}

/// `æ` and `œ` are the same as their two letters; so is `þ`.
fn spell_out(letters: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for c in letters {
        match c {
            'æ' | 'ǽ' | 'ǣ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            _ => out.push(c),
        }
    }
    out
}

/// Letters with a stroke, which Unicode does not take apart, and the plain letter that people type instead.
fn base_of(c: char) -> char {
    match c {
        'ø' => 'o',
        'đ' | 'ð' => 'd',
        'ł' => 'l',
        'ħ' => 'h',
        'ŧ' => 't',
        'ı' => 'i',
        _ => c,
    }
}

/// Punctuation that keyboards and typesetters write in many ways.
fn plain_of(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{02bc}' | '\u{00b4}' => '\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' => '"',
        '\u{2010}'..='\u{2012}' | '\u{2212}' => '-',
        _ => c,
    }
}

/// Symbols whose compatibility form would be glued to the word before them: `Acme™` is not `Acmetm`.
fn stays(c: char) -> bool {
    matches!(c, '\u{2122}' | '\u{2120}' | '\u{2117}' | '\u{24d2}' | '\u{24c7}' | '\u{1f12b}')
}

/// Spacing accents (`´`, `¨`, `゛`): their compatibility form is a space with a mark, which would tear words apart.
fn begins_with_space(c: char) -> bool {
    !c.is_ascii() && !c.is_whitespace() && std::iter::once(c).nfkd().next() == Some(' ')
}

/// Marks that are accents: those above, below and through letters, and the vowel points of Arabic, Hebrew and Syriac.
/// Signs that make another letter or word (kana voicing, Indic vowels and viramas, Thai tones) are kept.
fn is_accent(c: char) -> bool {
    if !is_combining_mark(c) {
        return false;
    }
    let class = canonical_combining_class(c);
    matches!(class, 1 | 10..=36) || class >= 200
}

/// True if `c` belongs to the letter before it.
fn joins(c: char) -> bool {
    // Quick for most: below the first combining mark, and in blocks without marks, nothing joins.
    if c < '\u{300}' || is_own_fold(c) {
        return false;
    }
    matches!(c, '\u{ff9e}' | '\u{ff9f}')
        || canonical_combining_class(c) != 0
        || is_nfc_quick(std::iter::once(c)) == IsNormalized::Maybe
}

/// Characters that take no room, or only mark direction, joining, or a place to break a line.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{0640}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Case folding by way of the capital, so that `ß`, `ς` and `ſ` meet `ss`, `σ` and `s`.
fn caseless(c: char) -> impl Iterator<Item = char> {
    // The capital sharp s has itself as capital.
    let c = if c == 'ẞ' { 'ß' } else { c };
    c.to_uppercase().flat_map(char::to_lowercase)
}

/// Large blocks in which every character is its own folded form, if no mark follows.
fn is_own_fold(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{3041}'..='\u{3094}' | '\u{30a1}'..='\u{30f4}'
        | '\u{0e01}'..='\u{0e30}' | '\u{1f300}'..='\u{1f6ff}' | '\u{1f900}'..='\u{1f9ff}')
}

fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Folded forms of the letters below U+0700 (Latin, Greek, Cyrillic, Hebrew, Arabic) and of general punctuation is
/// looked up; a mark after such a letter never changes the letter's folded form, so each stands alone.
#[derive(Clone, Copy)]
struct Short {
    bytes: [u8; CHUNK],
    len: u8,
}

const TABLE_START: usize = 0x80;
const TABLE_END: usize = 0x2070;
const SPACE: u8 = 0xfe;
/// Not in the table: fold it the long way.
const SLOW: u8 = 0xff;

/// The folded form of a letter, if it is in the table.
fn short(c: char, table: &[Short]) -> Option<&str> {
    let short = (c as usize).checked_sub(TABLE_START).and_then(|index| table.get(index))?;
    std::str::from_utf8(short.bytes.get(..usize::from(short.len))?).ok()
}

static TABLE: LazyLock<Vec<Short>> = LazyLock::new(|| {
    let mut base = String::new();
    (TABLE_START..TABLE_END)
        .map(|code| {
            let slow = Short { bytes: [0; CHUNK], len: SLOW };
            let Some(c) = u32::try_from(code).ok().and_then(char::from_u32) else { return slow };
            if (0x700..0x2000).contains(&code) {
                return slow;
            }
            if c.is_whitespace() {
                return Short { bytes: [0; CHUNK], len: SPACE };
            }
            base.clear();
            if !is_invisible(c) {
                push_base(c.encode_utf8(&mut [0; 4]), &mut base);
            }
            let mut short = slow;
            if let Some(room) = short.bytes.get_mut(..base.len()) {
                room.copy_from_slice(base.as_bytes());
                short.len = base.len() as u8;
            }
            short
        })
        .collect()
});
