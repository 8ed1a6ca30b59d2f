//! Personal data masked, for copies and subjects: the author, other people, their handles, mail and postal addresses,
//! phones, numbers of cards, accounts, orders and identity papers, links. The same person or number gets the same mask
//! inside one mail; a mask keeps an initial or the last two digits, so that two readers can tell what they speak of.
//!
//! It errs on the side of masking: what looks like a number that belongs to somebody goes. Prices, dates, years,
//! shops' streets and the matched words stay. Names of people who only occur in the text are beyond it, unless a title
//! stands before them, they sign, or they introduce themselves.
//!
//! One file a kind of datum: `online`, `postal`, `people`, `keyed` (behind a word that announces them), `codes` (known
//! by their form), `numbers` (runs of digits); `lists` has the words that they know. None uses a regular expression:
//! compiling those cost the first mail more than all the rest. `tests/redaction/` holds written samples and what is to be masked in them.

mod codes;
mod keyed;
mod lists;
mod numbers;
mod online;
mod people;
mod postal;
mod text;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::clean::{Marked, clean};
use super::words::{Masks, fill};
use crate::model::Author;
use people::AuthorNames;
pub(super) use text::fold;
use text::{Places, Text};

/// What a masked place held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Author,
    Person,
    Email,
    Phone,
    Number,
    Address,
    Link,
}

/// Matched words that are remembered as the brand's.
const MAX_BRAND_WORDS: usize = 16;
/// Words of names that are remembered in one mail.
const MAX_KNOWN_NAMES: usize = 64;
/// A number keeps its last digits in the mask, if so many more are hidden.
const LAST_DIGITS: usize = 2;
const HIDDEN_DIGITS: usize = 4;

/// Masks for one mail.
#[derive(Clone)]
pub(super) struct Masker<'a> {
    words: &'a Masks,
    author: AuthorNames,
    /// The brand's own words, folded: a handle that holds one is the brand's.
    brand: Vec<String>,
    /// Words of people's names that were given away, and whose: the key in `given`.
    names: HashMap<String, String>,
    given: HashMap<(Kind, String), usize>,
    count: HashMap<Kind, usize>,
    /// The text that was learnt from last: most often it is masked as well, and need not be read again.
    learnt: Option<Rc<Text<'a>>>,
}

impl<'a> Masker<'a> {
    /// `brand`: the words that matched, as they stand in the text.
    pub(super) fn new<'b>(words: &'a Masks, author: Option<&Author>, brand: impl Iterator<Item = &'b str>) -> Self {
        let mut brand: Vec<String> = brand.take(MAX_BRAND_WORDS).map(fold).filter(|w| w.chars().count() >= 3).collect();
        brand.sort();
        brand.dedup();
        Self {
            words,
            author: author.map(AuthorNames::new).unwrap_or_default(),
            brand,
            names: HashMap::new(),
            given: HashMap::new(),
            count: HashMap::new(),
            learnt: None,
        }
    }

    /// Remembers the names that a text gives away, for texts that are masked before it: a title calls "Whitfield"
    /// whom only the text calls "Mr Whitfield".
    pub(super) fn learn(&mut self, text: &'a str) {
        let text = Rc::new(Text::new(text));
        self.learn_names(&text);
        self.learnt = Some(text);
    }

    /// Remembers somebody's name, in full: where a word of it stands, it is masked.
    pub(super) fn learn_name(&mut self, name: &str) {
        let whose = people::telling(name).find_map(|word| self.names.get(&word).cloned()).unwrap_or_else(|| fold(name));
        for word in people::telling(name) {
            let brand = self.brand.iter().any(|b| b.contains(&word));
            if self.names.len() < MAX_KNOWN_NAMES && !brand && !self.author.is_in(&word) {
                self.names.entry(word).or_insert_with(|| whose.clone());
            }
        }
    }

    /// The text without personal data. Handles and names that are among the marked words (the brand's own) stay.
    pub(super) fn mask<'t>(&mut self, text: Marked<'t>) -> Marked<'t> {
        let found = self.find(&text);
        let mut edits = Vec::with_capacity(found.len());
        for (range, kind) in found {
            let label = self.label(kind, &text.text[range.clone()]);
            edits.push((range, Cow::Owned(label)));
        }
        text.rewrite(&edits)
    }

    /// [`Masker::mask`] for a text without marks; cleaned first, since an invisible character would hide a number.
    pub(super) fn mask_str(&mut self, text: &str) -> String {
        self.mask(clean(Marked::new(text, []))).text.into_owned()
    }

    /// What stands for the author.
    pub(super) fn author(&self) -> String {
        fill(&self.words.author, &[("initial", &initial(self.author.initial))])
    }

    /// True if an address says who the author is, or carries any handle.
    pub(super) fn betrays(&self, url: &str) -> bool {
        let decoded = percent_decoded(url);
        decoded.contains('@') || self.author.is_in(&fold(&decoded))
    }

    fn label(&mut self, kind: Kind, value: &str) -> String {
        let pattern = match kind {
            Kind::Author => return self.author(),
            Kind::Link => return self.words.link.clone(),
            Kind::Person => &self.words.person,
            Kind::Email => &self.words.email,
            Kind::Phone => &self.words.phone,
            Kind::Number => &self.words.number,
            Kind::Address => &self.words.address,
        };
        let key = match kind {
            Kind::Phone | Kind::Number => value.chars().filter(|c| c.is_alphanumeric()).collect(),
            Kind::Person => people::telling(value)
                .find_map(|word| self.names.get(&word).cloned())
                .unwrap_or_else(|| bare_handle(value)),
            _ => fold(value.trim_start_matches(['@', '＠'])),
        };
        let shown = if kind == Kind::Person { initial(people::initial(&key)) } else { String::new() };
        let next = self.count.get(&kind).copied().unwrap_or(0) + 1;
        let n = *self.given.entry((kind, key)).or_insert(next);
        if n == next {
            self.count.insert(kind, n);
        }
        fill(pattern, &[("n", &n.to_string()), ("last", &last_digits(value)), ("initial", &shown)])
    }

    fn learn_names(&mut self, text: &Text<'_>) -> Vec<Range<usize>> {
        let named = people::named(text);
        for span in &named {
            self.learn_name(&text.body[text.bytes(span.clone())]);
        }
        named
    }

    /// All places to mask, sorted, apart. Where two finds overlap, the earlier pass wins.
    fn find(&mut self, marked: &Marked<'_>) -> Vec<(Range<usize>, Kind)> {
        let (learnt, new);
        let text = match &self.learnt {
            Some(text) if text.body == marked.text => {
                learnt = Rc::clone(text);
                learnt.as_ref()
            }
            _ => {
                new = Text::new(marked.text.as_ref());
                &new
            }
        };
        let marks = marked.marks.iter().map(|m| text.char_of_byte(m.start)..text.char_of_byte(m.end)).collect();
        let mut places = Places::new(marks);
        online::links(text, &mut places);
        let handle = |handle: &str| {
            let bare = bare_handle(handle);
            if self.author.has(&bare) {
                return Some(Kind::Author);
            }
            (!self.brand.iter().any(|word| bare.contains(word.as_str()))).then_some(Kind::Person)
        };
        online::at_signs(text, &mut places, &handle);
        online::spoken_mail(text, &mut places);
        online::bare_handles(text, &mut places, &handle);
        postal::find(text, &mut places);
        self.author.find(text, &mut places);
        for span in self.learn_names(text) {
            places.add(span, Kind::Person);
        }
        if !self.names.is_empty() {
            people::known(text, &mut places, &|word| self.names.contains_key(word));
        }
        if text.has_numbers() {
            codes::ibans(text, &mut places);
            keyed::find(text, &mut places);
            codes::mixed(text, &mut places);
            numbers::find(text, &mut places);
        }
        places.into_sorted().map(|(span, kind)| (text.bytes(span), kind)).collect()
    }
}

/// ` M***`, or nothing.
fn initial(initial: Option<char>) -> String {
    initial.map(|c| format!(" {c}***")).unwrap_or_default()
}

/// ` …56`, or nothing where too few digits would stay hidden.
fn last_digits(value: &str) -> String {
    let digits: Vec<char> = value.chars().filter(char::is_ascii_digit).collect();
    let Some(last) = digits.len().checked_sub(LAST_DIGITS).filter(|hidden| *hidden >= HIDDEN_DIGITS) else {
        return String::new();
    };
    format!(" …{}", digits[last..].iter().collect::<String>())
}

fn bare_handle(handle: &str) -> String {
    let folded = fold(handle.trim());
    let bare = folded.trim_start_matches(['@', '/']);
    bare.strip_prefix("u/").unwrap_or(bare).to_owned()
}

fn percent_decoded(url: &str) -> String {
    let mut out = Vec::with_capacity(url.len());
    let bytes = url.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex =
            (byte == b'%').then(|| url.get(at + 1..at + 3)).flatten().and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(hex.unwrap_or(byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod redaction_tests;
#[cfg(test)]
mod tests;
