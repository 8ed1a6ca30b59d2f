//! Names: the author's, and those of people whom the text names as such: with a title, at the end of a letter, or
//! because they introduce themselves. Other names in running text cannot be told from other capitals.

use std::borrow::Cow;
use std::ops::Range;

use super::lists::{List, Lists};
use super::text::{Places, Text, fold, is_word_char, words};
use super::{Kind, bare_handle};
use crate::model::Author;

/// Words of a display name that are looked for; nobody has more names, but slogans do.
const MAX_NAME_WORDS: usize = 8;
/// Words of a name in the text, at most, small ones included.
const MAX_NAME: usize = 6;
/// Words that introduce whoever writes: several words, the last one before the name.
const INTRODUCTIONS: [&[&str]; 11] = [
    &["my", "name", "is"],
    &["name", "s"],
    &["me", "llamo"],
    &["mi", "nombre", "es"],
    &["meu", "nome", "e"],
    &["me", "chamo"],
    &["chamo", "me"],
    &["jeg", "hedder"],
    &["mit", "navn", "er"],
    &["atendeu", "me"],
    &["called", "myself"],
];
/// The same, but other things follow them as well: two capitals are asked for.
const WEAK: [&[&str]; 8] =
    [&["i", "m"], &["i", "am"], &["this", "is"], &["soy"], &["sou", "a"], &["sou", "o"], &["jeg", "er"], &["sou"]];

/// The first words of all that names somebody: what [`named`] looks for begins with one.
const NAMING: Lists = Lists::all(&[List::Title, List::Introduction, List::Goodbye, List::Kin, List::Staff]);

/// What is known of the author.
#[derive(Clone, Default)]
pub(super) struct AuthorNames {
    /// The display name's words, folded, in order.
    name: Vec<String>,
    /// The display name as written, for scripts without spaces.
    raw: String,
    /// Handles without `@`, folded.
    handles: Vec<String>,
    /// First letter of the name or handle, if its script has capitals.
    pub(super) initial: Option<char>,
}

impl AuthorNames {
    pub(super) fn new(author: &Author) -> Self {
        let mut handles = Vec::new();
        if let Some(handle) = &author.handle {
            let handle = bare_handle(handle);
            if let Some((user, _)) = handle.split_once('@') {
                handles.push(user.to_owned());
            }
            handles.push(handle);
        }
        // RSS writes authors as `mail@host (Name)`.
        let mut name = Cow::Borrowed(author.name.as_str());
        if name.contains(['@', '＠']) {
            let text = Text::new(&name);
            let found = std::cell::RefCell::new(Vec::new());
            let mut places = Places::default();
            super::online::at_signs(&text, &mut places, &|handle| {
                found.borrow_mut().push(bare_handle(handle));
                Some(Kind::Person)
            });
            let mut rest = String::new();
            let mut at = 0;
            for (span, _) in places.into_sorted() {
                let bytes = text.bytes(span);
                rest.push_str(&name[at..bytes.start]);
                rest.push(' ');
                at = bytes.end;
            }
            rest.push_str(&name[at..]);
            handles.extend(found.into_inner());
            name = Cow::Owned(rest);
        }
        let name_words: Vec<String> = words(&name).map(|(_, w)| fold(w)).take(MAX_NAME_WORDS).collect();
        let spaced = name_words.iter().any(|w| w.is_ascii());
        handles.retain(|h| !h.is_empty());
        let initial = initial(&name).or_else(|| handles.first().and_then(|h| initial(h)));
        Self { name: name_words, raw: if spaced { String::new() } else { name.trim().to_owned() }, handles, initial }
    }

    /// True if this handle, bare, is the author's.
    pub(super) fn has(&self, handle: &str) -> bool {
        self.handles.iter().any(|h| *h == handle || handle.split('@').next() == Some(h))
    }

    /// True if a folded address holds the name or a handle.
    pub(super) fn is_in(&self, folded: &str) -> bool {
        self.handles
            .iter()
            .any(|h| h.len() >= 2 && words(folded).any(|(_, w)| w == *h) || h.len() >= 4 && folded.contains(h.as_str()))
            || self.name.iter().any(|n| n.chars().count() >= 3 && !List::Particle.has(n) && folded.contains(n.as_str()))
    }

    /// The author's names and handles wherever they stand.
    pub(super) fn find(&self, text: &Text<'_>, places: &mut Places) {
        if self.name.is_empty() && self.handles.is_empty() && self.raw.is_empty() {
            return;
        }
        let mut at = 0;
        while let Some(token) = text.tokens.get(at) {
            // The longest run of the name's words, in their order.
            let run = self.name.iter().position(|n| *n == token.folded).map_or(0, |p| {
                self.name[p..].iter().zip(&text.tokens[at..]).take_while(|(n, t)| **n == t.folded).count()
            });
            let end = text.tokens.get(at + run.max(1) - 1).map_or(token.span.end, |t| t.span.end);
            let worth = if run == 1 {
                let letters = token.folded.chars().count();
                !token.is(List::Particle) && (letters >= 3 && token.capital || letters >= 5)
            } else {
                run > 1
            };
            if worth || self.handles.iter().any(|h| h.len() >= 3 && *h == token.folded) {
                places.add(token.span.start..end, Kind::Author);
            }
            at += run.max(1);
        }
        if self.raw.chars().count() >= 2 {
            for (i, m) in text.body.match_indices(self.raw.as_str()) {
                places.add(text.char_of_byte(i)..text.char_of_byte(i + m.len()), Kind::Author);
            }
        }
    }
}

/// The capital that a name begins with; `None` where a character is half of a name.
pub(super) fn initial(name: &str) -> Option<char> {
    let first = name.chars().find(|c| is_word_char(*c))?;
    let upper = first.to_uppercase().next().unwrap_or(first);
    (first.is_alphabetic() && (upper.is_lowercase() || upper.is_uppercase())).then_some(upper)
}

/// Names with a title, at the end of a letter, and of people who introduce themselves.
pub(super) fn named(text: &Text<'_>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.has_any(NAMING) {
        return found;
    }
    let mut n = 0;
    while let Some(token) = text.tokens.get(n) {
        if !token.is_any(NAMING) {
            n += 1;
            continue;
        }
        let name =
            titled(text, n).or_else(|| introduced(text, n)).or_else(|| goodbye(text, n)).or_else(|| related(text, n));
        if let Some((first, end)) = name {
            found.push(text.tokens[first].span.start..text.tokens[end - 1].span.end);
            n = end;
        } else {
            n += 1;
        }
    }
    found
}

/// Where else the words of names stand that the text gave away: behind "Mr Whitfield" also "Whitfield".
pub(super) fn known(text: &Text<'_>, places: &mut Places, is_name: &dyn Fn(&str) -> bool) {
    let is_known = |n: usize| text.tokens.get(n).is_some_and(|token| token.capital && is_name(&token.folded));
    let mut n = 0;
    while n < text.tokens.len() {
        let first = n;
        n += 1;
        if !is_known(first) {
            continue;
        }
        // First and last name are one person.
        while is_known(n) && text.gap(n - 1) == [' '] {
            n += 1;
        }
        places.add(text.tokens[first].span.start..text.tokens[n - 1].span.end, Kind::Person);
    }
}

/// Folded words of a name that give a person away where they stand alone.
pub(super) fn telling(name: &str) -> impl Iterator<Item = String> + '_ {
    words(name)
        .map(|(_, w)| fold(w))
        .filter(|w| w.chars().count() >= 3 && !List::NameJoint.has(w) && !List::Particle.has(w))
}

fn titled(text: &Text<'_>, n: usize) -> Option<(usize, usize)> {
    let word = text.word(n);
    if !text.is(n, List::Title) {
        return None;
    }
    // "HR Sensor", "DR test"
    if word.len() == 2 && text.tokens[n].shouted && text.tokens.get(n + 1).is_some_and(|t| !t.shouted) {
        return None;
    }
    let gap = text.gap(n);
    if !matches!(gap, [' '] | ['.', ' '] | ['.'] | ['ª', ' '] | ['.', 'ª', ' ']) {
        return None;
    }
    let (first, end) = name(text, n + 1)?;
    // `D.` is also the end of "vitamina D."
    let letter = word == "d" && (gap.first() != Some(&'.') || !text.tokens[n].capital || end - first < 2);
    (!letter).then_some((first, end))
}

fn introduced(text: &Text<'_>, n: usize) -> Option<(usize, usize)> {
    if !text.is(n, List::Introduction) {
        return None;
    }
    let says = |phrase: &&[&str]| {
        phrase.iter().enumerate().all(|(k, w)| text.word(n + k) == *w)
            && (0..phrase.len()).all(|k| text.gap_is(n + k, 2, " '-:"))
    };
    if let Some(phrase) = INTRODUCTIONS.iter().find(|p| says(p)) {
        return name(text, n + phrase.len());
    }
    let phrase = WEAK.iter().find(|p| says(p))?;
    let (first, end) = name(text, n + phrase.len())?;
    let capitals = text.tokens[first..end].iter().filter(|t| t.capital && !t.shouted).count();
    (capitals >= 2 && text.gap(n + phrase.len() - 1) == [' ']).then_some((first, end))
}

/// `Kind regards, Declan Byrne`: the name must be all that follows on its line.
fn goodbye(text: &Text<'_>, n: usize) -> Option<(usize, usize)> {
    if !text.is(n, List::Goodbye) || !text.gap_is(n, 5, " ,.:;!-\n") {
        return None;
    }
    let (first, end) = name(text, n + 1)?;
    let next = text.gap(end - 1).iter().find(|c| **c != ' ').copied();
    let alone = end == text.tokens.len() || next.is_some_and(|c| !c.is_alphanumeric());
    alone.then_some((first, end))
}

/// `my daughter Paula Serrano`, `the driver Kevin`.
fn related(text: &Text<'_>, n: usize) -> Option<(usize, usize)> {
    let kin = text.is(n, List::Kin) && n > 0 && text.is(n - 1, List::Possessive) && text.gap(n - 1) == [' '];
    if !(kin || text.is(n, List::Staff)) || text.gap(n) != [' '] {
        return None;
    }
    let (first, end) = name(text, n + 1)?;
    (!text.tokens[first].shouted).then_some((first, end))
}

/// Tokens of a name that begins here: capitals, and small words between them.
fn name(text: &Text<'_>, first: usize) -> Option<(usize, usize)> {
    let begin = text.tokens.get(first)?;
    if !begin.capital || !begin.is_word() || begin.is(List::NoName) || begin.is(List::Title) {
        return None;
    }
    if begin.shouted {
        return Some((first, first + 1));
    }
    let mut end = first + 1;
    while end - first < MAX_NAME {
        let gap = text.gap(end - 1);
        let initial = text.tokens[end - 1].span.len() == 1 && gap == ['.', ' ']
            || gap == ['.'] && text.tokens[end - 1].span.len() == 1;
        if !(matches!(gap, [' '] | ['\''] | ['-']) || initial) {
            break;
        }
        let Some(next) = text.tokens.get(end) else { break };
        let possessive = gap == ['\''] && next.folded == "s";
        if next.capital && next.is_word() && !next.shouted && !next.is(List::NoName) {
            end += 1;
        } else if next.is(List::NameJoint) && !possessive {
            let more = (1..=2).find(|k| {
                text.gap(end + k - 1) == [' ']
                    && text.tokens.get(end + k).is_some_and(|t| t.capital && t.is_word() && !t.shouted)
                    && (1..*k).all(|j| text.is(end + j, List::NameJoint))
            });
            let Some(more) = more else { break };
            end += more + 1;
        } else {
            break;
        }
    }
    Some((first, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_introduction_is_looked_for_where_its_first_word_stands() {
        for phrase in INTRODUCTIONS.iter().chain(&WEAK) {
            assert!(List::Introduction.has(phrase[0]), "{phrase:?}");
        }
    }
}
