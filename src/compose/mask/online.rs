//! What people are reached by online: links, mail addresses (also disguised) and handles.

use std::ops::Range;

use super::Kind;
use super::lists::{List, Lists};
use super::text::{Places, Text, is_word_char};

/// Ends of hosts that are believed where only words say that something is an address.
const TOP: [&str; 28] = [
    "com", "net", "org", "info", "io", "eu", "es", "mx", "ar", "cl", "pe", "co", "uy", "pt", "br", "dk", "se", "no",
    "de", "fr", "it", "uk", "ie", "us", "ca", "me", "app", "dev",
];
/// Labels of a host name that are read; real ones have up to five.
const MAX_LABELS: usize = 8;
/// Characters of a name behind the name of a network.
const MAX_HANDLE: usize = 64;
/// Characters between the words of a disguised address.
const AROUND: &str = " ()[]{}<>-_*";
/// `https://…`, `www.…`, and `host.tld/path` without either.
pub(super) fn links(text: &Text<'_>, places: &mut Places) {
    if !text.has_slash() && !text.tokens.iter().any(|token| token.folded.ends_with("www")) {
        return;
    }
    let mut done = 0;
    for (i, c) in text.chars.iter().enumerate() {
        if i < done {
            continue;
        }
        let start = match c {
            ':' if text.get(i + 1) == '/' && text.get(i + 2) == '/' => {
                let scheme = (0..5).rev().map(|n| i.saturating_sub(n + 1)).find(|start| {
                    let word: String = text.slice(*start..i).iter().map(char::to_ascii_lowercase).collect();
                    word == "http" || word == "https"
                });
                scheme.filter(|s| !text.before(*s).is_alphanumeric())
            }
            'w' | 'W' if !text.before(i).is_alphanumeric() => {
                let www = (0..3).all(|n| text.get(i + n).eq_ignore_ascii_case(&'w')) && text.get(i + 3) == '.';
                www.then_some(i)
            }
            '/' => host_before(text, i, done),
            _ => None,
        };
        let Some(start) = start else { continue };
        let mut end = i;
        while end < text.chars.len() && !text.get(end).is_whitespace() && !"<>\"".contains(text.get(end)) {
            end += 1;
        }
        while end > i && ".,;:!?)]}'»”\"/".contains(text.before(end)) && !(text.before(end) == '/' && end == i + 1) {
            end -= 1;
        }
        done = end;
        // A scheme without a host, or a slash with nothing behind it, is no link.
        if end > i + 3 || *c == '/' && end > i + 1 {
            places.add(start..end, Kind::Link);
        }
    }
}

/// The start of a host name that ends at a slash.
fn host_before(text: &Text<'_>, slash: usize, from: usize) -> Option<usize> {
    let mut start = slash;
    while start > from && (text.before(start).is_ascii_alphanumeric() || ".-".contains(text.before(start))) {
        start -= 1;
        if slash - start > 60 {
            return None;
        }
    }
    let host = text.slice(start..slash);
    let dot = host.iter().rposition(|c| *c == '.')?;
    let top = &host[dot + 1..];
    let known = TOP.contains(&top.iter().map(char::to_ascii_lowercase).collect::<String>().as_str());
    (dot > 0 && known && text.get(slash + 1).is_ascii_alphanumeric() && text.before(start) != '@').then_some(start)
}

/// Mail addresses and handles: everything with an at sign.
///
/// `handle` is asked for the kind of each handle; `None` leaves it.
pub(super) fn at_signs(text: &Text<'_>, places: &mut Places, handle: &dyn Fn(&str) -> Option<Kind>) {
    if !text.has_at_sign() {
        return;
    }
    let mut done = 0;
    for (i, c) in text.chars.iter().enumerate() {
        if *c != '@' || i < done {
            continue;
        }
        let local = |c: char| is_word_char(c) || "._%+'-".contains(c);
        let mut start = i;
        while start > done && local(text.before(start)) {
            start -= 1;
        }
        while start < i && ".'-".contains(text.get(start)) {
            start += 1;
        }
        let host = host(text, i + 1);
        if start < i && text.before(i) != '.' {
            let dotted = text.slice(host.clone()).contains(&'.');
            // `juan@gmail` without its end is still somebody's.
            let short =
                i - start >= 3 && host.len() >= 5 && text.slice(host.clone()).iter().all(char::is_ascii_alphabetic);
            if dotted || short {
                done = host.end;
                places.add(start..host.end, Kind::Email);
            }
            continue;
        }
        let mut end = i + 1;
        while is_word_char(text.get(end)) || end > i + 1 && ".-".contains(text.get(end)) {
            end += 1;
        }
        while ".-".contains(text.before(end)) {
            end -= 1;
        }
        if end == i + 1 {
            continue;
        }
        // On a federated server it looks like a mail address behind an @.
        if text.get(end) == '@' {
            let server = self::host(text, end + 1);
            if text.slice(server.clone()).contains(&'.') {
                end = server.end;
            }
        }
        done = end;
        if let Some(kind) = handle(&text.body[text.bytes(i..end)]) {
            places.add(i..end, kind);
        }
    }
}

/// A host name from a place on: labels with single dots.
fn host(text: &Text<'_>, start: usize) -> Range<usize> {
    let part = |c: char| c != '_' && is_word_char(c) || c == '-';
    let mut end = start;
    while part(text.get(end)) || end > start && text.get(end) == '.' && part(text.get(end + 1)) {
        end += 1;
    }
    while end > start && text.before(end) == '-' {
        end -= 1;
    }
    start..end
}

/// `juan (at) example.com`, `juan arroba gmail punto com`, `kate dot lowe at gmail dot com`.
pub(super) fn spoken_mail(text: &Text<'_>, places: &mut Places) {
    if !text.has_any(Lists::all(&[List::At])) {
        return;
    }
    for at in 1..text.tokens.len() {
        let (sure, at_end) = match text.word(at) {
            "at" => (false, at),
            "arroba" | "snabela" => (true, at),
            "snabel" if text.word(at + 1) == "a" && text.gap_is(at, 1, "- ") => (true, at + 1),
            _ => continue,
        };
        if !text.gap_is(at - 1, 4, AROUND) || !text.gap_is(at_end, 4, AROUND) {
            continue;
        }
        let bracketed = text.gap(at - 1).iter().any(|c| "([{<".contains(*c));
        if bracketed && !text.gap(at_end).iter().any(|c| ")]}>".contains(*c)) {
            continue;
        }
        // The host: words between dots, which are written as such or as words.
        let (mut last, mut dots, mut spoken) = (at_end + 1, 0, false);
        while last + 1 < text.tokens.len() && dots < MAX_LABELS {
            if text.gap(last) == ['.'] || text.gap(last) == ['-'] {
                dots += usize::from(text.gap(last) == ['.']);
                last += 1;
            } else if is_dot(text.word(last + 1)) && text.gap_is(last, 4, AROUND) && text.gap_is(last + 1, 4, AROUND) {
                dots += 1;
                spoken = true;
                last += 2;
            } else {
                break;
            }
        }
        let host_word = text.word(at_end + 1);
        let named = !matches!(host_word, "the" | "a" | "an" | "el" | "la" | "o" | "den" | "det");
        let top = bracketed || TOP.contains(&text.word(last));
        if dots == 0 || !named || !top || !(sure || bracketed || spoken) {
            continue;
        }
        // What stands before the at.
        let mut first = at - 1;
        while first > 0 && at - first < 2 * MAX_LABELS {
            if matches!(text.gap(first - 1), ['.' | '-' | '+' | '_']) {
                first -= 1;
            } else if first > 1
                && is_dot(text.word(first - 1))
                && text.gap_is(first - 2, 4, AROUND)
                && text.gap_is(first - 1, 4, AROUND)
            {
                first -= 2;
            } else {
                break;
            }
        }
        if let (Some(a), Some(b)) = (text.tokens.get(first), text.tokens.get(last)) {
            places.add(a.span.start..b.span.end, Kind::Email);
        }
    }
}

fn is_dot(word: &str) -> bool {
    matches!(word, "dot" | "punto" | "ponto" | "punktum")
}

/// `u/name`, and names behind the name of a network: `insta: the_real_ty`.
pub(super) fn bare_handles(text: &Text<'_>, places: &mut Places, handle: &dyn Fn(&str) -> Option<Kind>) {
    if !text.has_slash() && !text.has_any(Lists::all(&[List::Network])) {
        return;
    }
    for (n, token) in text.tokens.iter().enumerate() {
        let mut name = None;
        if token.folded == "u" && text.gap(n) == ['/'] && text.before(token.span.start) != '.' {
            let slash = text.before(token.span.start) == '/';
            let outside = !slash || !text.before(token.span.start - 1).is_alphanumeric();
            name = outside.then(|| token.span.start - usize::from(slash));
        } else if token.is(List::Network) {
            let verb = matches!(text.word(n + 1), "is" | "es" | "e" | "er") && text.gap_is(n, 1, " ");
            let next = n + 1 + usize::from(verb);
            if text.gap_is(next - 1, 3, " :=-") {
                name = text.tokens.get(next).map(|t| t.span.start);
            }
        }
        let Some(start) = name else { continue };
        let network = token.folded != "u";
        let mut end = if network { start } else { token.span.end + 1 };
        let from = end;
        while end - from < MAX_HANDLE
            && (is_word_char(text.get(end)) || text.get(end) == '-' || network && text.get(end) == '.')
        {
            end += 1;
        }
        while end > from && ".-".contains(text.before(end)) {
            end -= 1;
        }
        // A word of prose has no such characters in its middle.
        let odd = text.slice(from..end).iter().any(|c| *c == '_' || *c == '.' || c.is_ascii_digit())
            && text.slice(from..end).iter().any(|c| c.is_alphabetic());
        if end - from >= 2
            && (!network || odd)
            && let Some(kind) = handle(&text.body[text.bytes(start..end)])
        {
            places.add(start..end, kind);
        }
    }
}
