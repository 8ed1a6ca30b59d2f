//! Numbers that are known by their form: accounts, identity numbers, parcels, everything of letters and digits.
//!
//! Check digits decide only where the form alone could be something else: a mistyped number is still somebody's.

use super::Kind;
use super::numbers::{date, digits, money_behind};
use super::text::{Places, Text};

/// Lengths of IBANs (ISO 13616-1, the registry of SWIFT, release 99) of countries whose people write to us.
const IBAN_LENGTHS: [(&str, usize); 26] = [
    ("AT", 20),
    ("BE", 16),
    ("BR", 29),
    ("CH", 21),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GL", 18),
    ("GR", 27),
    ("IE", 22),
    ("IT", 27),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("SE", 24),
    ("AD", 24),
];
/// Longest IBAN (ISO 13616-1).
const IBAN_MAX: usize = 34;
/// Letters behind a quantity.
const UNITS: [&str; 16] =
    ["km", "kg", "g", "mg", "ml", "l", "cl", "m", "cm", "mm", "mah", "rpm", "hz", "kb", "mb", "w"];

/// Account numbers of ISO 13616-1. A country's length is enough; of other countries the check digits must hold.
pub(super) fn ibans(text: &Text<'_>, places: &mut Places) {
    for (n, token) in text.tokens.iter().enumerate() {
        let start = token.span.start;
        let head = text.slice(start..start + 4);
        let [a, b, c, d] = head else { continue };
        if !(a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_digit() && d.is_ascii_digit()) {
            continue;
        }
        let country: String = [a.to_ascii_uppercase(), b.to_ascii_uppercase()].iter().collect();
        let length = IBAN_LENGTHS.iter().find(|(code, _)| *code == country).map(|(_, length)| *length);
        let lower = a.is_ascii_lowercase();
        let mut taken = String::new();
        for next in &text.tokens[n..] {
            let letters = text.slice(next.span.clone());
            let gap = text.slice(next.span.start.saturating_sub(1)..next.span.start);
            let joined = taken.is_empty() || matches!(gap, [' ' | '-']);
            let fits =
                letters.iter().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase() || lower && c.is_ascii_lowercase());
            if !joined || !fits || taken.len() + letters.len() > length.unwrap_or(IBAN_MAX) {
                break;
            }
            taken.extend(letters.iter().map(char::to_ascii_uppercase));
            let whole = match length {
                // In small letters it could be prose.
                Some(length) => taken.len() == length && (!lower || is_iban(&taken)),
                None => taken.len() >= 15 && is_iban(&taken),
            };
            if whole {
                places.add(start..next.span.end, Kind::Number);
                break;
            }
        }
    }
}

/// The check of ISO 7064 (MOD 97-10) as ISO 13616-1 uses it.
fn is_iban(written: &str) -> bool {
    let (head, tail) = written.split_at(4.min(written.len()));
    let rest = tail.chars().chain(head.chars()).try_fold(0_u32, |rest, c| {
        let value = c.to_digit(36)?;
        Some((rest * if value > 9 { 100 } else { 10 } + value) % 97)
    });
    rest == Some(1)
}

/// Words of letters and digits that are numbers of something: `X-1234567-L`, `RR123456785DK`, `ES-2026-00012345`.
pub(super) fn mixed(text: &Text<'_>, places: &mut Places) {
    let mut n = 0;
    while let Some(token) = text.tokens.get(n) {
        let start = token.span.start;
        let mut end = token.span.end;
        n += 1;
        while text.gap_is(n - 1, 1, "-/.") && !text.gap(n - 1).is_empty() {
            let Some(next) = text.tokens.get(n) else { break };
            end = next.span.end;
            n += 1;
        }
        // A hashtag, a hexadecimal number: other finders' or nobody's.
        if text.before(start) == '#' || token.folded.starts_with("0x") {
            continue;
        }
        if is_code(text, start, end) {
            places.add(start..end, Kind::Number);
        }
    }
    spaced(text, places);
}

fn is_code(text: &Text<'_>, start: usize, end: usize) -> bool {
    let written = text.slice(start..end);
    let number = digits(text, &(start..end));
    let letters = written.iter().filter(|c| c.is_alphabetic()).count();
    if number < 6
        || letters == 0
        || letters > 12
        || !written.iter().all(|c| c.is_ascii_alphanumeric() || "-/.".contains(*c))
    {
        return false;
    }
    let mut longest = 0;
    for group in written.split(|c| !c.is_ascii_digit()) {
        longest = longest.max(group.len());
    }
    // Models are short: A320-200.
    if number < 7 && longest < 4 || date(text, start, end).is_some() || money_behind(text, end) {
        return false;
    }
    // Prose joined to a number: small letters only in short pieces at an end.
    let mut pieces = written.split(|c| !c.is_ascii_alphabetic()).filter(|p| !p.is_empty());
    let prose = pieces.any(|p| p.len() > 3 && p.iter().any(char::is_ascii_lowercase) || p.len() > 6);
    let tail: String = written.iter().rev().take_while(|c| c.is_ascii_alphabetic()).collect();
    let tail: String = tail.chars().rev().collect();
    let quantity = letters == tail.len() && (UNITS.contains(&tail.as_str()) || money_word(&tail));
    // A moment of ISO 8601: 20261121T104530Z.
    let moment = longest == 8 && written.get(8) == Some(&'T');
    // 1920x1080
    let product =
        written.split(|c| matches!(c, 'x' | 'X')).all(|p| !p.is_empty() && p.iter().all(char::is_ascii_digit));
    !prose && !quantity && !moment && !product
}

fn money_word(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "kr" | "eur" | "usd" | "dkk" | "gbp" | "brl" | "mxn" | "clp" | "ars")
}

/// A National Insurance number in groups (HMRC NIM39110: two letters, six digits, A to D): `AB 12 34 56 C`.
fn spaced(text: &Text<'_>, places: &mut Places) {
    for (n, token) in text.tokens.iter().enumerate() {
        if !token.shouted || token.span.len() != 2 || !token.is_word() {
            continue;
        }
        let pairs = (1..=3).all(|k| {
            text.gap_is(n + k - 1, 1, " ") && text.tokens.get(n + k).is_some_and(|t| t.is_number() && t.span.len() == 2)
        });
        let last = text.tokens.get(n + 4).filter(|t| t.capital && matches!(t.folded.as_ref(), "a" | "b" | "c" | "d"));
        if let (true, true, Some(last)) = (pairs, text.gap_is(n + 3, 1, " "), last) {
            places.add(token.span.start..last.span.end, Kind::Number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_of_accounts_holds() {
        for (iban, holds) in [
            ("GB82WEST12345698765432", true),
            ("DK5000400440116243", true),
            ("PT50000201231234567890154", true),
            ("DK5100400440116243", false),
            ("", false),
        ] {
            assert_eq!(is_iban(iban), holds, "{iban}");
        }
    }
}
