//! Names: the author's, and those of people whom the text names as such: with a title, at the end of a letter, or
//! because they introduce themselves. Other names in running text cannot be told from other capitals.

use std::borrow::Cow;
use std::ops::Range;

use super::text::{Places, Text, fold, is_word_char, words};
use super::{Kind, bare_handle};
use crate::model::Author;

/// Words of a display name that are looked for; nobody has more names, but slogans do.
const MAX_NAME_WORDS: usize = 8;
/// Words of a name in the text, at most, small ones included.
const MAX_NAME: usize = 6;
/// Small words of names, never masked alone.
const PARTICLES: &str =
    " the and los las del dos das von van der den det for por con com sra mrs miss user anonymous anonimo ";
const TITLES: &str = " mr mrs ms miss mx dr dra prof sir madam sr sra srta senor senora senorita senhor senhora don dona doña hr fru \
    frk froken herr eng ing ingeniero ingeniera lic licenciado licenciada doctor doctora doutor doutora dona d ";
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
const GOODBYES: &str = " regards sincerely yours wishes saludo saludos atentamente cordialmente atte abrazo cumprimentos atenciosamente \
    att abraco abracos hilsen hilsner mvh vh ";
/// Relatives and staff, whose names stand behind these words.
const KIN: &str = " mother mum mom dad father son daughter husband wife brother sister girlfriend boyfriend partner neighbour neighbor \
    madre padre hijo hija marido mujer esposa esposo hermano hermana novia novio vecino vecina mae pai filho filha irmao irma \
    namorado namorada vizinho vizinha datter mor far mand kone bror soster kaereste nabo kollega colleague ";
const POSSESSIVE: &str =
    " my our her his mi nuestra nuestro su tu minha meu nossa nosso min mit mine vores hans hendes ";
const STAFF: &str = " agent agente advisor adviser asesor asesora atendente medarbejder medarbejderen cashier gerente tecnico technician \
    driver repartidor chauffor chaufforen teknikeren cajero cajera ";
const JOINTS: &str = " de la del da do dos das van von der den e y af ";
/// Capitals that no name begins with where one could stand.
const NO_NAMES: &str = " martens quijote casmurro pepper who cordiales cordiais amigos todos equipo team all everyone customer cliente \
    kunde service soporte support the a i sorry done not so just very gracias thanks tak obrigado obrigada ";

/// What is known of the author.
#[derive(Default)]
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

fn listed(list: &str, word: &str) -> bool {
    !word.is_empty()
        && list.match_indices(word).any(|(at, _)| list[..at].ends_with(' ') && list[at + word.len()..].starts_with(' '))
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
            || self.name.iter().any(|n| n.chars().count() >= 3 && !listed(PARTICLES, n) && folded.contains(n.as_str()))
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
                !listed(PARTICLES, &token.folded) && (letters >= 3 && token.capital || letters >= 5)
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
    let mut n = 0;
    while n < text.tokens.len() {
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
    for token in &text.tokens {
        if token.capital && is_name(&token.folded) {
            places.add(token.span.clone(), Kind::Person);
        }
    }
}

/// Folded words of a name that give a person away where they stand alone.
pub(super) fn telling(name: &str) -> impl Iterator<Item = String> + '_ {
    words(name).map(|(_, w)| fold(w)).filter(|w| w.chars().count() >= 3 && !listed(JOINTS, w) && !listed(PARTICLES, w))
}

fn titled(text: &Text<'_>, n: usize) -> Option<(usize, usize)> {
    let word = text.word(n);
    if !listed(TITLES, word) {
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
    if !listed(GOODBYES, text.word(n)) || !text.gap_is(n, 5, " ,.:;!-\n") {
        return None;
    }
    let (first, end) = name(text, n + 1)?;
    let next = text.gap(end - 1).iter().find(|c| **c != ' ').copied();
    let alone = end == text.tokens.len() || next.is_some_and(|c| !c.is_alphanumeric());
    alone.then_some((first, end))
}

/// `my daughter Paula Serrano`, `the driver Kevin`.
fn related(text: &Text<'_>, n: usize) -> Option<(usize, usize)> {
    let word = text.word(n);
    let kin = listed(KIN, word) && n > 0 && listed(POSSESSIVE, text.word(n - 1)) && text.gap(n - 1) == [' '];
    if !(kin || listed(STAFF, word)) || text.gap(n) != [' '] {
        return None;
    }
    let (first, end) = name(text, n + 1)?;
    (!text.tokens[first].shouted).then_some((first, end))
}

/// Tokens of a name that begins here: capitals, and small words between them.
fn name(text: &Text<'_>, first: usize) -> Option<(usize, usize)> {
    let begin = text.tokens.get(first)?;
    if !begin.capital || !begin.is_word() || listed(NO_NAMES, &begin.folded) || listed(TITLES, &begin.folded) {
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
        if next.capital && next.is_word() && !next.shouted && !listed(NO_NAMES, &next.folded) {
            end += 1;
        } else if listed(JOINTS, &next.folded) && !possessive {
            let more = (1..=2).find(|k| {
                text.gap(end + k - 1) == [' ']
                    && text.tokens.get(end + k).is_some_and(|t| t.capital && t.is_word() && !t.shouted)
                    && (1..*k).all(|j| listed(JOINTS, text.word(end + j)))
            });
            let Some(more) = more else { break };
            end += more + 1;
        } else {
            break;
        }
    }
    Some((first, end))
}
