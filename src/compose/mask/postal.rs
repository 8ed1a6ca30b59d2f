//! Postal addresses and postcodes as they are written in the countries of the four languages.
//!
//! A street without a house number stays, and so does the address of a shop ("your store at 250 Oxford Street"):
//! both say where something happened, not where somebody lives.

use std::ops::Range;

use super::Kind;
use super::lists::{List, Lists};
use super::text::{Places, Text};

/// Ends of Danish streets' names.
const ENDINGS: [&str; 23] = [
    "gade",
    "gaden",
    "vej",
    "vejen",
    "alle",
    "alleen",
    "plads",
    "pladsen",
    "stræde",
    "strædet",
    "boulevard",
    "boulevarden",
    "torv",
    "torvet",
    "vænge",
    "vænget",
    "parken",
    "bakken",
    "krogen",
    "haven",
    "marken",
    "toften",
    "lunden",
];
/// Words of a street's name, at most.
const MAX_NAME: usize = 7;
/// Words behind the house number, at most.
const MAX_TAIL: usize = 18;

/// All addresses and postcodes.
pub(super) fn find(text: &Text<'_>, places: &mut Places) {
    // Of all of them only a building needs no number.
    if !text.has_numbers() && !text.has_any(Lists::all(&[List::Building])) {
        return;
    }
    let mut n = 0;
    while n < text.tokens.len() {
        let found = street_before(text, n)
            .or_else(|| street_behind(text, n))
            .or_else(|| street_joined(text, n))
            .or_else(|| building(text, n))
            .or_else(|| post_box(text, n))
            .or_else(|| postcode(text, n));
        match found {
            Some(found) => {
                let span = text.tokens[found.start].span.start..text.tokens[found.end - 1].span.end;
                if !at_shop(text, found.start) {
                    places.add(span, Kind::Address);
                }
                n = found.end.max(n + 1);
            }
            None => n += 1,
        }
    }
}

/// `calle Mayor 24, 3º B, 28013 Madrid`: tokens from the first to behind the last.
fn street_before(text: &Text<'_>, first: usize) -> Option<Range<usize>> {
    let word = text.word(first);
    if !text.is(first, List::StreetBefore) {
        return None;
    }
    let gap: String = text.gap(first).iter().collect();
    let short = word.len() <= 2;
    let fits = match gap.as_str() {
        " " => !short || word != "c" && word != "r" && word != "p" && text.tokens[first].capital,
        ". " | "." => true,
        "/" | "/ " => word == "c",
        _ => false,
    };
    if !fits || word == "po" {
        return None;
    }
    let mut n = first + 1;
    let mut named = false;
    while n - first <= MAX_NAME {
        let token = text.tokens.get(n)?;
        if named && is_house(text, n) {
            break;
        }
        let skipped =
            named && matches!(token.folded.as_ref(), "no" | "num" | "numero" | "n" | "o" | "nr" | "lote" | "km");
        // `Calle 50 # 12-30`
        let numbered = !named && token.is_number();
        named |= token.capital || numbered;
        if !(token.capital || token.is(List::PlaceJoint) || skipped || numbered) {
            return None;
        }
        if !text.gap_is(n, 3, " ,.'-#º°ª") {
            return None;
        }
        n += 1;
    }
    (n - first <= MAX_NAME && is_house(text, n)).then(|| first..tail(text, n))
}

/// `Flat 3, 27 Queen's Road, Bristol BS8 1QE`.
fn street_behind(text: &Text<'_>, first: usize) -> Option<Range<usize>> {
    let mut house = first;
    if matches!(text.word(first), "flat" | "apt" | "apartment" | "unit" | "suite") {
        if !text.gap_is(first, 2, " .#") || !text.gap_is(first + 1, 2, ", ") || text.word(first + 1).len() > 4 {
            return None;
        }
        house = first + 2;
    }
    let money = text.tokens.get(house).is_some_and(|t| "£$€".contains(text.before(t.span.start)));
    if money || !is_house(text, house) {
        return None;
    }
    let mut n = house;
    let mut named = 0;
    while n - house < MAX_NAME {
        if !text.gap_is(n, 2, " '.") || text.gap(n).is_empty() {
            return None;
        }
        let apostrophe = text.gap(n) == ['\''];
        n += 1;
        let token = text.tokens.get(n)?;
        if named > 0 && token.capital && token.is(List::StreetBehind) && !next_is_type(text, n) {
            return Some(first..tail(text, n));
        }
        if !(token.capital || apostrophe && token.folded == "s" || token.is(List::PlaceJoint)) || !token.is_word() {
            return None;
        }
        named += 1;
    }
    None
}

fn next_is_type(text: &Text<'_>, n: usize) -> bool {
    text.gap(n) == [' '] && text.tokens.get(n + 1).is_some_and(|t| t.capital && t.is(List::StreetBehind))
}

/// `Østerbrogade 113, st. th., 2100 København Ø`, `H.C. Andersens Vej 4B`.
fn street_joined(text: &Text<'_>, at: usize) -> Option<Range<usize>> {
    let token = text.tokens.get(at)?;
    if !token.capital {
        return None;
    }
    // An abbreviation or a name in front: look for the street's own word.
    let mut n = at;
    while n - at < 4 {
        let token = text.tokens.get(n).filter(|t| t.capital)?;
        let joined = ENDINGS.iter().any(|e| token.folded.len() > e.len() && token.folded.ends_with(e));
        let apart = n > at && token.is(List::StreetBehindDanish);
        if joined || apart || token.folded == "torvet" {
            break;
        }
        let short = text.gap_is(n, 2, ". ") && text.gap(n).first() == Some(&'.') && token.span.len() <= 3;
        let kind = |k: usize| text.tokens.get(k).is_some_and(|t| t.capital && t.is(List::StreetBehindDanish));
        let named = text.gap(n) == [' ']
            && (kind(n + 1) || text.gap_is(n + 1, 1, " ") && kind(n + 2) || token.is(List::BeforeStreetDanish));
        if !short && !named {
            return None;
        }
        n += 1;
    }
    let nr = text.word(n + 1) == "nr";
    let house = n + 1 + usize::from(nr);
    (n - at < 4 && text.gap_is(n, 1, " ") && text.gap_is(house - 1, 2, " .") && is_house(text, house))
        .then(|| at..tail(text, house))
}

/// `Conjunto Nacional, Bloco B, apto 302`.
fn building(text: &Text<'_>, first: usize) -> Option<Range<usize>> {
    if !text.is(first, List::Building) {
        return None;
    }
    let mut n = first;
    while n - first < MAX_NAME && text.gap(n) == [' '] {
        let next = text.tokens.get(n + 1)?;
        if !(next.capital || next.is(List::PlaceJoint)) {
            return None;
        }
        n += 1;
    }
    let part = text.gap(n) == [',', ' '] && text.word(n + 1).len() > 1 && text.is(n + 1, List::HousePart);
    (n > first && part).then(|| first..tail(text, n))
}

/// `PO Box 1187, Albany`, `Postboks 112, 9100 Aalborg`.
fn post_box(text: &Text<'_>, first: usize) -> Option<Range<usize>> {
    let number = match text.word(first) {
        "po" if text.word(first + 1) == "box" => first + 2,
        "p" if text.word(first + 1) == "o" && text.word(first + 2) == "box" => first + 3,
        "postboks" | "apartado" => {
            first + 1 + 2 * usize::from(text.word(first + 1) == "de" && text.word(first + 2) == "correos")
        }
        "caixa" if text.word(first + 1) == "postal" => first + 2,
        _ => return None,
    };
    let token = text.tokens.get(number).filter(|t| t.is_number() && t.span.len() <= 6)?;
    (token.span.start - text.tokens[first].span.start < 30).then(|| first..tail(text, number))
}

/// A postcode with its word, with its town, or of a form that is nothing else.
fn postcode(text: &Text<'_>, first: usize) -> Option<Range<usize>> {
    let word = text.word(first);
    let key = match word {
        "postcode" | "zip" | "zipcode" | "eircode" | "cep" | "cp" | "postnummer" | "postnr" => Some(first),
        "c" if text.word(first + 1) == "p" && text.gap(first) == ['.'] => Some(first + 1),
        "codigo" | "postal" if matches!(text.word(first + 1), "postal" | "code") => Some(first + 1),
        _ => None,
    };
    if let Some(mut key) = key {
        for _ in 0..2 {
            if matches!(text.word(key + 1), "is" | "es" | "e" | "er" | "code") && text.gap_is(key, 1, " ") {
                key += 1;
            }
        }
        let code = key + 1;
        if text.gap_is(key, 3, " .:")
            && text.word(code).bytes().any(|b| b.is_ascii_digit())
            && let Some(end) = post_end(text, code).or_else(|| {
                (text.tokens[code].is_number() && (4..=8).contains(&text.tokens[code].span.len())).then_some(code + 1)
            })
        {
            return Some(code..end);
        }
    }
    if let Some(end) = post_end(text, first) {
        return Some(first..end);
    }
    let token = text.tokens.get(first)?;
    // `TX 78701`
    if token.shouted && token.is(List::State) && text.gap(first) == [' '] {
        let zip = text.tokens.get(first + 1).filter(|t| t.is_number() && t.span.len() == 5);
        return zip.map(|_| first..first + 2);
    }
    let town = text.tokens.get(first + 1).filter(|t| t.capital && t.is(List::City))?;
    let near = text.gap(first) == [' '] && !matches!(text.before(token.span.start), '.' | ',' | '-');
    let letter =
        text.tokens.get(first + 2).is_some_and(|t| t.capital && t.span.len() <= 2) && text.gap(first + 1) == [' '];
    (near && token.is_number() && (4..=5).contains(&token.span.len()) && town.is_word())
        .then(|| first..first + 2 + usize::from(letter))
}

/// The end of a postcode that its form alone gives away.
///
/// United Kingdom: `LS6 2AB` (BS 7666-2: the second half has no C, I, K, M, O, V). Ireland: `D02 X285` (Eircode).
/// Brazil and Portugal: `01310-100`, `1200-192`.
fn post_end(text: &Text<'_>, first: usize) -> Option<usize> {
    let (a, b) = (text.tokens.get(first)?, text.tokens.get(first + 1)?);
    let (x, y) = (text.slice(a.span.clone()), text.slice(b.span.clone()));
    let found = match text.gap(first) {
        [' '] => {
            let outward = (2..=4).contains(&x.len())
                && x.iter().take(2).filter(|c| c.is_ascii_uppercase()).count() >= 1
                && x.first().is_some_and(char::is_ascii_uppercase)
                && x.iter().any(char::is_ascii_digit)
                && x.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
            let inward = matches!(y, [d, p, q] if d.is_ascii_digit() && [p, q].iter().all(|c| c.is_ascii_uppercase() && !"CIKMOV".contains(**c)))
                && !matches!(b.folded.get(1..), Some("gb" | "tb"));
            let routing = matches!(x, [l, d, e] if l.is_ascii_uppercase() && d.is_ascii_digit() && (e.is_ascii_digit() || *e == 'W'));
            let unique = y.len() == 4
                && y.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
                && y.iter().any(char::is_ascii_digit)
                && y.iter().any(char::is_ascii_uppercase);
            outward && inward || routing && unique
        }
        ['-'] => {
            let goes_on = matches!(text.get(b.span.end), '-' | '/')
                || text.get(b.span.end) == '.' && text.get(b.span.end + 1).is_ascii_digit();
            let alone = !goes_on && !"-./,".contains(text.before(a.span.start));
            let spaced_phone =
                text.before(a.span.start) == ' ' && text.before(a.span.start.saturating_sub(1)).is_ascii_digit();
            a.is_number()
                && b.is_number()
                && y.len() == 3
                && matches!(x.len(), 4 | 5)
                && alone
                && !spaced_phone
                && !(x.len() == 4 && matches!(x, ['1', '9', ..] | ['2', '0', ..]))
        }
        _ => false,
    };
    found.then_some(first + 2)
}

/// A house number: up to five digits, perhaps a letter; no year of late.
fn is_house(text: &Text<'_>, n: usize) -> bool {
    let Some(token) = text.tokens.get(n) else { return false };
    let digits = token.folded.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=5).contains(&digits) {
        return false;
    }
    let late = token.folded.parse::<u32>().is_ok_and(|y| (2010..2040).contains(&y));
    let decimal = matches!(text.gap(n), ['.' | ':'])
        && text.tokens.get(n + 1).is_some_and(|t| t.is_number() && !text.gap(n).is_empty());
    token.folded.chars().count() - digits <= 1 && !late && !decimal
}

/// Behind the last token of what follows a house number: floor, door, quarter, postcode, town.
fn tail(text: &Text<'_>, from: usize) -> usize {
    let mut n = from;
    let mut code = false;
    while n - from < MAX_TAIL {
        let gap = text.gap(n);
        let (Some(token), true) = (text.tokens.get(n + 1), gap.len() <= 4) else { break };
        if !gap.iter().all(|c| " ,.-/#ºª°".contains(*c)) {
            break;
        }
        let comma = gap.contains(&',') || gap.contains(&'-') && gap.len() > 1;
        let stop = gap.contains(&'.') && gap.contains(&' ');
        let part = token.is(List::HousePart);
        let after_part = text.is(n, List::HousePart);
        let digit = token.folded.starts_with(|c: char| c.is_ascii_digit());
        let length = token.span.len();
        if let Some(end) = post_end(text, n + 1).filter(|_| !stop || after_part) {
            (n, code) = (end - 1, true);
        } else if token.is_number() && (4..=5).contains(&length) && (comma || after_part || state_before(text, n)) {
            (n, code) = (n + 1, true);
        } else if part
            && (length > 1 || stop || gap == ['.'])
            && !(length <= 2 && !comma && !digit_before(text, n) && !after_part)
            || digit && length <= 4 && n == from && gap == ['-']
            || digit && length <= 4 && (comma || after_part || !token.is_number() && digit_before(text, n))
            || token.capital && length <= 2 && !stop && (code || digit_before(text, n))
            || after_part && token.capital
            || token.capital
                && !stop
                && (comma || code || n > from && text.tokens[n].capital && text.tokens[n].is_word() && gap == [' '])
        {
            n += 1;
        } else if token.is(List::PlaceJoint)
            && n > from
            && gap == [' ']
            && text.tokens.get(n + 2).is_some_and(|t| t.capital)
            && text.tokens[n].capital
        {
            n += 2;
        } else {
            break;
        }
    }
    n + 1
}

fn digit_before(text: &Text<'_>, n: usize) -> bool {
    text.word(n).starts_with(|c: char| c.is_ascii_digit())
}

fn state_before(text: &Text<'_>, n: usize) -> bool {
    text.tokens.get(n).is_some_and(|t| t.shouted) && text.is(n, List::State)
}

/// `your store at …`, `la tienda de …`, `jeres butik på …`.
fn at_shop(text: &Text<'_>, first: usize) -> bool {
    let mut n = first;
    for _ in 0..3 {
        if n == 0 || !text.gap_is(n - 1, 1, " ") {
            return false;
        }
        n -= 1;
        if text.is(n, List::Shop) {
            return true;
        }
        if !text.is(n, List::ToPlace) {
            return false;
        }
    }
    false
}
