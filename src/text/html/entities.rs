//! Character references: one table, two readings. In XML text a reference ends with `;`; in HTML text 106 old names
//! and all numbers do without (HTML Standard, 13.2.5.72 ff.).

use std::borrow::Cow;

use html_escape::NAMED_ENTITIES;

/// Which references count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Only references that end with `;`: so `?a=1&copy=2` in a link stays as it is.
    Strict,
    /// HTML text: also `&nbsp` and `&#39` without it.
    Html,
}

/// What a reference stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    Char(char),
    Text(&'static str),
}

/// No reference is longer than this, `&` and `;` included (`&CounterClockwiseContourIntegral;` has 33 bytes; numbers
/// may be padded with zeros).
const MAX_REFERENCE: usize = 40;

/// Names that HTML reads without `;`.
const LEGACY: [&str; 106] = [
    "AElig", "AMP", "Aacute", "Acirc", "Agrave", "Aring", "Atilde", "Auml", "COPY", "Ccedil", "ETH", "Eacute", "Ecirc",
    "Egrave", "Euml", "GT", "Iacute", "Icirc", "Igrave", "Iuml", "LT", "Ntilde", "Oacute", "Ocirc", "Ograve", "Oslash",
    "Otilde", "Ouml", "QUOT", "REG", "THORN", "Uacute", "Ucirc", "Ugrave", "Uuml", "Yacute", "aacute", "acirc",
    "acute", "aelig", "agrave", "amp", "aring", "atilde", "auml", "brvbar", "ccedil", "cedil", "cent", "copy",
    "curren", "deg", "divide", "eacute", "ecirc", "egrave", "eth", "euml", "frac12", "frac14", "frac34", "gt",
    "iacute", "icirc", "iexcl", "igrave", "iquest", "iuml", "laquo", "lt", "macr", "micro", "middot", "nbsp", "not",
    "ntilde", "oacute", "ocirc", "ograve", "ordf", "ordm", "oslash", "otilde", "ouml", "para", "plusmn", "pound",
    "quot", "raquo", "reg", "sect", "shy", "sup1", "sup2", "sup3", "szlig", "thorn", "times", "uacute", "ucirc",
    "ugrave", "uml", "uuml", "yacute", "yen", "yuml",
];

/// Replaces character references. What is none stays as it stands, a bare `&` included.
pub fn decode_entities(text: &str, rules: Rules) -> Cow<'_, str> {
    let Some(first) = text.find('&') else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut next = Some(first);
    while let Some(at) = next {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let used = match reference(rest.as_bytes(), rules) {
            Some((Decoded::Char(c), used)) => {
                out.push(c);
                used
            }
            Some((Decoded::Text(t), used)) => {
                out.push_str(t);
                used
            }
            None => {
                out.push('&');
                1
            }
        };
        rest = &rest[used..];
        next = rest.find('&');
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Reads the reference at the start of `bytes` (which is `&`); answers what it stands for and its length in bytes.
pub(super) fn reference(bytes: &[u8], rules: Rules) -> Option<(Decoded, usize)> {
    // The handful that make up nearly all references.
    match bytes.get(1)? {
        b'l' if bytes.starts_with(b"&lt;") => return Some((Decoded::Char('<'), 4)),
        b'g' if bytes.starts_with(b"&gt;") => return Some((Decoded::Char('>'), 4)),
        b'a' if bytes.starts_with(b"&amp;") => return Some((Decoded::Char('&'), 5)),
        b'q' if bytes.starts_with(b"&quot;") => return Some((Decoded::Char('"'), 6)),
        b'n' if bytes.starts_with(b"&nbsp;") => return Some((Decoded::Char('\u{a0}'), 6)),
        b'#' => return number(bytes, rules),
        _ => {}
    }
    let window = &bytes[1..bytes.len().min(MAX_REFERENCE)];
    let len = window.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(window.len());
    let name = &window[..len];
    if window.get(len) == Some(&b';')
        && let Ok(found) = NAMED_ENTITIES.binary_search_by(|(n, _)| (*n).cmp(name))
    {
        return Some((Decoded::Text(NAMED_ENTITIES[found].1), len + 2));
    }
    if name == b"apos" && window.get(len) == Some(&b';') {
        return Some((Decoded::Char('\''), len + 2));
    }
    if rules == Rules::Strict {
        return None;
    }
    // The longest old name that the text starts with, but not inside a longer word: `&notify` is no `¬ify` for people.
    let name = std::str::from_utf8(name).ok()?;
    let found = LEGACY.binary_search(&name).ok()?;
    let (_, text) =
        NAMED_ENTITIES[NAMED_ENTITIES.binary_search_by(|(n, _)| (*n).cmp(LEGACY[found].as_bytes())).ok()?];
    if window.get(len) == Some(&b'=') { None } else { Some((Decoded::Text(text), len + 1)) }
}

fn number(bytes: &[u8], rules: Rules) -> Option<(Decoded, usize)> {
    let window = &bytes[..bytes.len().min(MAX_REFERENCE)];
    let (radix, start) = match window.get(2)? {
        b'x' | b'X' => (16, 3),
        _ => (10, 2),
    };
    let digits = window[start..].iter().take_while(|b| char::from(**b).is_digit(radix)).count();
    if digits == 0 {
        return None;
    }
    let end = start + digits;
    let closed = window.get(end) == Some(&b';');
    if !closed && rules == Rules::Strict {
        return None;
    }
    let code = window[start..end]
        .iter()
        .fold(0u32, |n, b| n.saturating_mul(radix).saturating_add(char::from(*b).to_digit(radix).unwrap_or(0)));
    Some((Decoded::Char(scalar(code)), end + usize::from(closed)))
}

/// A code number as browsers read it: 0x80–0x9F mean windows-1252, what is no character becomes U+FFFD.
fn scalar(code: u32) -> char {
    if let 0x80..=0x9f = code {
        return windows_1252(code as u8);
    }
    match char::from_u32(code) {
        None | Some('\0') => '\u{fffd}',
        Some(c) => c,
    }
}

/// A byte of windows-1252 in the range where it differs from Latin-1 (HTML Standard, 13.2.5.80).
fn windows_1252(byte: u8) -> char {
    let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(std::slice::from_ref(&byte));
    text.chars().next().unwrap_or('\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(LEGACY.is_sorted());
        assert!(NAMED_ENTITIES.is_sorted_by_key(|(n, _)| *n));
        assert!(LEGACY.iter().all(|l| NAMED_ENTITIES.binary_search_by(|(n, _)| (*n).cmp(l.as_bytes())).is_ok()));
    }

    #[test]
    fn references_as_html_and_as_xml() {
        let table = [
            ("a &amp; b", "a & b", "a & b"),
            ("&lt;b&gt; &quot;x&quot; &apos;y&apos;", "<b> \"x\" 'y'", "<b> \"x\" 'y'"),
            ("caf&eacute; &ntilde; &Oslash;", "café ñ Ø", "café ñ Ø"),
            ("caf&eacute &nbsp.", "café \u{a0}.", "caf&eacute &nbsp."),
            ("AT&T & co", "AT&T & co", "AT&T & co"),
            ("?a=1&copy=2", "?a=1&copy=2", "?a=1&copy=2"),
            ("&notify &noti;", "&notify &noti;", "&notify &noti;"),
            ("&#39;&#x27;&#X27;", "'''", "'''"),
            ("&#39 &#x41", "' A", "&#39 &#x41"),
            ("&#146;&#x80;&#151;", "’€—", "’€—"),
            (
                "&#0;&#xd800;&#x110000;&#99999999999999;",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("&#;&#x;&;&", "&#;&#x;&;&", "&#;&#x;&;&"),
            ("&amp;nbsp;", "&nbsp;", "&nbsp;"),
            ("&CounterClockwiseContourIntegral;", "∳", "∳"),
            ("&hellip;&apos;", "…'", "…'"),
            ("&é; &amp", "&é; &", "&é; &amp"),
        ];
        for (input, html, strict) in table {
            assert_eq!(decode_entities(input, Rules::Html), html, "{input} as HTML");
            assert_eq!(decode_entities(input, Rules::Strict), strict, "{input} strictly");
        }
    }
}
