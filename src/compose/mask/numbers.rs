//! Runs of digits: phones and long numbers that belong to somebody, and all the runs that do not (dates, prices,
//! years, amounts, versions).

use std::ops::Range;

use super::Kind;
use super::text::{Places, Text};

/// Characters inside a written number.
const SEPARATORS: &str = ")( ./-";
/// Words before a number of a thing, not of a person.
const OF_THINGS: [&str; 14] = [
    "version",
    "v",
    "build",
    "versao",
    "isbn",
    "ean",
    "gtin",
    "upc",
    "firmware",
    "modelo",
    "model",
    "varenr",
    "varenummer",
    "sku",
];
/// Words that make an amount of the number before them; their beginnings are enough from four letters on.
const CURRENCIES: [&str; 20] = [
    "kr", "eur", "euro", "usd", "dkk", "gbp", "brl", "mxn", "clp", "ars", "pen", "pesos", "reais", "kroner", "dollar",
    "dolar", "soles", "pounds", "mil", "mill",
];
/// Words behind an extension of a phone.
const EXTENSIONS: [&str; 7] = ["x", "ext", "extension", "anexo", "ramal", "lokal", "interno"];

/// All runs of digits that belong to somebody.
pub(super) fn find(text: &Text<'_>, places: &mut Places) {
    let mut at = 0;
    while at < text.chars.len() {
        if !text.get(at).is_ascii_digit() {
            at += 1;
            continue;
        }
        let run = run(text, at);
        at = run.end;
        let mut start = run.start;
        // Dates in front are left out.
        while let Some(length) = date(text, start, run.end) {
            start += length;
            while start < run.end && !text.get(start).is_ascii_digit() {
                start += 1;
            }
        }
        if let Some((found, kind)) = (start < run.end).then(|| number(text, start..run.end)).flatten() {
            at = at.max(found.end);
            places.add(found, kind);
        }
    }
}

/// Digits with at most two separators between two of them.
fn run(text: &Text<'_>, start: usize) -> Range<usize> {
    let mut end = start + 1;
    loop {
        let step = (0..3).find(|n| text.get(end + n).is_ascii_digit());
        match step {
            Some(n) if text.slice(end..end + n).iter().all(|c| SEPARATORS.contains(*c)) => end += n + 1,
            _ => return start..end,
        }
    }
}

fn number(text: &Text<'_>, run: Range<usize>) -> Option<(Range<usize>, Kind)> {
    let digits = digits(text, &run);
    if digits < 7 || is_years(text.slice(run.clone())) {
        return None;
    }
    let written = text.slice(run.clone());
    let thousands = is_thousands(written);
    let amount = thousands || written.iter().all(|c| c.is_ascii_digit() || *c == '.');
    if amount && (money_behind(text, run.end) || money_before(text, run.start)) {
        return None;
    }
    // 1.234.567 is an amount more often than a phone.
    if thousands && written.contains(&'.') && digits <= 7 {
        return None;
    }
    let before = text.before(run.start);
    if (before.is_alphabetic() || before == '_') && digits < 9 || OF_THINGS.contains(&text.word_before(run.start)) {
        return None;
    }
    if is_private_network(written) {
        return None;
    }
    let start = with_prefix(text, &run);
    let end = with_extension(text, run.end);
    // The last group is a price's: `4111 1111 1111 1111 49,90 €`.
    if end == run.end
        && money_behind(text, run.end)
        && let Some(space) = written.iter().rposition(|c| *c == ' ')
    {
        return number(text, run.start..run.start + space);
    }
    let phone = start < run.start || written.starts_with(&['0', '0']) || digits <= 12;
    Some((start..end, if phone { Kind::Phone } else { Kind::Number }))
}

/// `+`, `(` and `(+` belong to the number; a bracket only if the number closes it, or the rest of the sentence would
/// close one that was never opened: `(call +45 20 30 40 50)`.
fn with_prefix(text: &Text<'_>, run: &Range<usize>) -> usize {
    let mut start = run.start;
    let closed = text.slice(run.clone()).contains(&')');
    if closed && text.before(start) == '(' {
        start -= 1;
    }
    if text.before(start) == '+' {
        start -= 1;
    } else if text.before(start) == ' ' && start >= 2 && text.before(start - 1) == '+' {
        start -= 2;
    }
    if closed && text.get(start) == '+' && text.before(start) == '(' {
        start -= 1;
    }
    start
}

fn with_extension(text: &Text<'_>, end: usize) -> usize {
    let token = text.token_from(end);
    let Some(found) = text.tokens.get(token).filter(|t| t.span.start <= end + 2) else { return end };
    let folded: &str = &found.folded;
    if EXTENSIONS.contains(&folded) && text.gap_is(token, 2, " .:") {
        let number = text.tokens.get(token + 1).filter(|t| t.is_number() && t.span.len() <= 6);
        return number.map_or(end, |t| t.span.end);
    }
    let glued =
        folded.strip_prefix('x').is_some_and(|n| (2..=6).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()));
    if glued { found.span.end } else { end }
}

/// Digits inside a place.
pub(super) fn digits(text: &Text<'_>, span: &Range<usize>) -> usize {
    text.slice(span.clone()).iter().filter(|c| c.is_ascii_digit()).count()
}

/// Length of the date that begins here: `21/11/2026`, `1-2-26`, `2026-11-21`; its parts are a day and a month.
pub(super) fn date(text: &Text<'_>, start: usize, end: usize) -> Option<usize> {
    let mut parts = [(0_u32, 0_usize); 3];
    let (mut at, mut separator) = (start, '\0');
    for (n, part) in parts.iter_mut().enumerate() {
        if n > 0 {
            let c = text.get(at);
            if !"./-".contains(c) || n == 2 && c != separator && separator != '/' {
                return None;
            }
            separator = c;
            at += 1;
        }
        while at < end && part.1 < 5 {
            let Some(digit) = text.get(at).to_digit(10) else { break };
            *part = (part.0 * 10 + digit, part.1 + 1);
            at += 1;
        }
    }
    // Another part of the same kind: a phone, a version.
    if text.get(at).is_ascii_digit() || text.get(at) == separator && text.get(at + 1).is_ascii_digit() {
        return None;
    }
    let year = |(value, length): (u32, usize)| length == 4 && (1900..2100).contains(&value);
    let small = |(value, length): (u32, usize), most| (1..=2).contains(&length) && (1..=most).contains(&value);
    let days = |a, b| small(a, 31) && small(b, 12) || small(a, 12) && small(b, 31);
    let [a, b, c] = parts;
    (days(a, b) && (year(c) || c.1 == 2) || year(a) && days(b, c)).then_some(at - start)
}

/// `2024`, `2019-2024`, `1990 / 2001`.
pub(super) fn is_years(written: &[char]) -> bool {
    let mut groups = written.split(|c| !c.is_ascii_digit()).filter(|g| !g.is_empty()).peekable();
    groups.peek().is_some()
        && groups.all(|g| g.len() == 4 && matches!(g, ['1', '9', ..] | ['2', '0', ..]))
        && written.iter().all(|c| c.is_ascii_digit() || " /-".contains(*c))
}

/// `1.299.000`, `1 299 000`.
fn is_thousands(written: &[char]) -> bool {
    let mut groups = written.split(|c| matches!(c, '.' | ' '));
    let first = groups.next().is_some_and(|g| (1..=3).contains(&g.len()) && g.iter().all(char::is_ascii_digit));
    let mut more = 0;
    let rest = groups.all(|g| {
        more += 1;
        g.len() == 3 && g.iter().all(char::is_ascii_digit)
    });
    first && rest && more > 0
}

/// Addresses of private networks (RFC 1918 §3) and loopback: nobody's in particular.
fn is_private_network(written: &[char]) -> bool {
    if written.len() > 15 {
        return false;
    }
    let written: String = written.iter().collect();
    let address = written.parse::<std::net::Ipv4Addr>();
    address.is_ok_and(|a| a.is_private() && !written.starts_with("10.") || a.is_loopback())
}

/// A sign or word of money, or a percentage, behind an amount.
pub(super) fn money_behind(text: &Text<'_>, mut at: usize) -> bool {
    if ".,".contains(text.get(at)) && text.get(at + 1).is_ascii_digit() {
        at += 2;
        if text.get(at).is_ascii_digit() {
            at += 1;
        }
    }
    if text.get(at) == ',' && text.get(at + 1) == '-' {
        return true;
    }
    if text.get(at) == ' ' {
        at += 1;
    }
    if "€$£¥%".contains(text.get(at)) {
        return true;
    }
    let token = text.tokens.get(text.token_from(at)).filter(|t| t.span.start == at);
    token.is_some_and(|t| is_currency(&t.folded))
}

fn money_before(text: &Text<'_>, start: usize) -> bool {
    let mut at = start;
    while at > 0 && start - at < 2 && " .".contains(text.before(at)) {
        at -= 1;
    }
    "€$£¥".contains(text.before(at))
        || text.before(at) == '/' && matches!(text.before(at - 1), 's' | 'S')
        || is_currency(text.word_before(start))
}

fn is_currency(word: &str) -> bool {
    CURRENCIES.iter().any(|c| word == *c || c.len() >= 4 && *c != "mill" && word.starts_with(c))
}
