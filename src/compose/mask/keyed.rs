//! Numbers that a word announces: orders, cases, parcels, contracts, accounts, identity papers, dates of birth.

use std::ops::Range;

use super::Kind;
use super::lists::List;
use super::numbers::{date, is_years, money_behind};
use super::text::{Places, Text};

/// What kind of number a word announces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    /// Of a shop or an office: one word of letters and digits.
    Order,
    /// Of a bank: digits, also in groups.
    Bank,
    /// Of a person.
    Identity,
    /// A day.
    Birth,
}

/// Danish compounds that end in `nummer` and name no person's number.
const THINGS: [&str; 9] = ["vare", "model", "type", "versions", "side", "hus", "post", "rækk", "start"];
/// Words between a key and its number, at most.
const MAX_BETWEEN: usize = 4;
/// Characters of an announced number, at most.
const MAX_CODE: usize = 48;

fn key(text: &Text<'_>, n: usize) -> Option<(Key, bool)> {
    let word = text.word(n);
    if let Some(stem) = word.strip_suffix("nummer").or_else(|| word.strip_suffix("nr")).filter(|s| s.len() > 1) {
        let identity = ["person", "pas", "cpr", "cvr", "korekort"].contains(&stem);
        let bank = ["konto", "kort", "reg", "kortet"].contains(&stem);
        let thing = THINGS.iter().any(|t| stem.starts_with(t));
        return (!thing).then_some((
            if identity {
                Key::Identity
            } else if bank {
                Key::Bank
            } else {
                Key::Order
            },
            true,
        ));
    }
    let found = if text.is(n, List::Order) {
        Key::Order
    } else if text.is(n, List::Bank) {
        Key::Bank
    } else if text.is(n, List::Identity) {
        Key::Identity
    } else if text.is(n, List::Birth) {
        Key::Birth
    } else {
        return None;
    };
    Some((found, false))
}

/// Numbers behind the words that announce them, and behind `#`.
pub(super) fn find(text: &Text<'_>, places: &mut Places) {
    for n in 0..text.tokens.len() {
        if let Some((key, sure)) = key(text, n)
            && let Some(span) = behind(text, n, key, sure)
        {
            places.add(span, Kind::Number);
        }
    }
    for (i, c) in text.chars.iter().enumerate() {
        if *c == '#'
            && !text.before(i).is_alphanumeric()
            && let Some(span) = hash(text, i + 1)
        {
            places.add(span, Kind::Number);
        }
    }
}

fn behind(text: &Text<'_>, key_at: usize, key: Key, mut sure: bool) -> Option<Range<usize>> {
    let mut n = key_at;
    let mut verb = false;
    for _ in 0..=MAX_BETWEEN {
        let gap = text.gap(n);
        if gap.len() > 4 || !gap.iter().all(|c| " .:#-/º°ª(,".contains(*c)) {
            return None;
        }
        // A comma ends the sentence about the key, unless the number follows at once.
        let comma = gap.contains(&',');
        sure |= gap.contains(&'#') || gap.contains(&':');
        n += 1;
        let token = text.tokens.get(n)?;
        if let Some(span) = code(text, n, key, sure, verb) {
            return (!comma || sure).then_some(span);
        }
        if comma {
            return None;
        }
        if token.is(List::NumberWord) {
            sure = true;
        } else if token.is(List::BeforeNumber) {
            verb = true;
        } else if key != Key::Bank || !matches!(token.folded.as_ref(), "banco") {
            return None;
        }
    }
    None
}

/// The number that begins with a token, if it is one.
fn code(text: &Text<'_>, first: usize, key: Key, sure: bool, verb: bool) -> Option<Range<usize>> {
    let start = text.tokens.get(first)?.span.start;
    let mut last = first;
    let part = |n: usize| {
        text.tokens.get(n).is_some_and(|t| text.slice(t.span.clone()).iter().all(char::is_ascii_alphanumeric))
    };
    if !part(first) {
        return None;
    }
    while last + 1 < text.tokens.len() && text.tokens[last].span.end - start < MAX_CODE && part(last + 1) {
        let next = &text.tokens[last + 1];
        let gap = text.gap(last);
        // `F-2026-00981`, `12.345.678-5`; a small word behind a full stop is the next sentence.
        let glued = matches!(gap, ['-' | '/' | '.' | '_'])
            && text.slice(next.span.clone()).iter().any(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
        // A price's euros are no group of an account; its last group may be one digit.
        let amount = money_behind(text, next.span.end)
            || text.get(next.span.end) == ',' && text.get(next.span.end + 1).is_ascii_digit();
        let long = next.span.len() > 1
            || last >= first + 3
            || text.gap_is(last + 1, 1, " ") && has_letter_and_digit(text, last + 2);
        let group = gap == [' ']
            && !amount
            && match key {
                Key::Order => {
                    first == last
                        && text.tokens[last].shouted
                        && text.tokens[last].is_word()
                        && next.is_number()
                        && next.span.len() >= 4
                        && invoice(text, first)
                }
                Key::Bank | Key::Identity => {
                    (next.is_number() && long || has_letter_and_digit(text, last + 1) && next.capital)
                        && text.tokens[first].folded.bytes().any(|b| b.is_ascii_digit())
                }
                Key::Birth => false,
            };
        if !glued && !group {
            break;
        }
        last += 1;
    }
    let end = text.tokens[last].span.end;
    let written = text.slice(start..end);
    let digits = written.iter().filter(|c| c.is_ascii_digit()).count();
    let letters = written.iter().filter(|c| c.is_ascii_alphabetic()).count();
    let small = written.iter().filter(|c| c.is_ascii_lowercase()).count();
    let day = date(text, start, end).is_some_and(|length| start + length == end);
    if key == Key::Birth {
        return day.then_some(start..end);
    }
    let least = if verb && !sure { 5 } else { 4 };
    let enough = digits >= least && small <= 3
        || digits >= 6 && letters <= 8
        // `K7PXQ2`: letters and digits, all capitals.
        || digits >= 1 && letters >= 2 && small == 0 && written.len() >= 5 && (sure || digits + letters >= 6);
    let amount = money_behind(text, end);
    let other = key != Key::Bank && day || is_years(written) && key == Key::Order || amount;
    (enough && !other).then_some(start..end)
}

fn has_letter_and_digit(text: &Text<'_>, n: usize) -> bool {
    let word = text.word(n);
    word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_lowercase())
}

/// A series of invoices stands before the number: `FT 2026/12345`.
fn invoice(text: &Text<'_>, first: usize) -> bool {
    first > 0
        && matches!(text.word(first - 1), "factura" | "fatura" | "invoice" | "faktura")
        && text.tokens[first].span.len() <= 3
}

/// `#45821`, `#A-45821`; not `#2026`, `#BlackFriday2026`.
fn hash(text: &Text<'_>, start: usize) -> Option<Range<usize>> {
    let first = text.token_from(start);
    text.tokens.get(first).filter(|t| t.span.start == start)?;
    let mut last = first;
    while last + 1 < text.tokens.len()
        && matches!(text.gap(last), ['-' | '/' | '.'])
        && text.tokens[last].span.end - start < MAX_CODE
        && text.word(last + 1).bytes().any(|b| b.is_ascii_digit())
    {
        last += 1;
    }
    let end = text.tokens[last].span.end;
    let written = text.slice(start..end);
    let letters = written.iter().take_while(|c| c.is_alphabetic()).count();
    let digits = written.iter().filter(|c| c.is_ascii_digit()).count();
    let others = written.iter().filter(|c| c.is_alphabetic()).count() - letters;
    let glued = letters > 0 && last == first;
    let least = if glued { 5 } else { 4 };
    (letters <= 4 && others <= 2 && digits >= least && !is_years(written)).then_some(start..end)
}
