//! Where a piece of a TOML string stands in the file: from offsets in the decoded value to offsets in the literal.

use std::ops::Range;

/// The bytes of `raw` (a TOML string with its quotes) that stand for the bytes `decoded` of its value. Escapes, the
/// newline after an opening `"""` and line-ending backslashes are accounted for (TOML 1.0, "String").
pub(super) fn locate(raw: &str, decoded: Range<usize>) -> Range<usize> {
    let delimiter = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|d| raw.starts_with(d)).unwrap_or("");
    let escapes = delimiter.starts_with('"');
    let multi_line = delimiter.len() == 3;
    let body_end = if raw.len() >= 2 * delimiter.len() && raw.ends_with(delimiter) {
        raw.len() - delimiter.len()
    } else {
        raw.len()
    };
    let mut at = delimiter.len();
    if multi_line {
        at += newline_len(&raw[at..]);
    }
    let mut value = 0;
    let mut start = None;
    while at < body_end {
        let rest = &raw[at..body_end];
        let Some(first) = rest.chars().next() else { break };
        let (raw_len, value_len) =
            if first == '\\' && escapes { escape_len(rest) } else { (first.len_utf8(), first.len_utf8()) };
        if start.is_none() && value + value_len > decoded.start {
            start = Some(at);
        }
        if start.is_some() && value >= decoded.end {
            break;
        }
        at += raw_len;
        value += value_len;
    }
    let start = start.unwrap_or(at).min(raw.len());
    start..at.clamp(start, raw.len())
}

/// Length of an escape in the literal, and of what it stands for in the value.
fn escape_len(rest: &str) -> (usize, usize) {
    let Some(kind) = rest[1..].chars().next() else { return (1, 0) };
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        // A backslash before the line's end swallows all white space up to the next character.
        c if c.is_whitespace() => {
            let tail = rest[1..].trim_start_matches([' ', '\t', '\r', '\n']);
            return (rest.len() - tail.len(), 0);
        }
        c => return (1 + c.len_utf8(), 1),
    };
    let hex: String = rest[2..].chars().take(digits).collect();
    let value = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32).map_or(0, char::len_utf8);
    (2 + hex.len(), value)
}

fn newline_len(text: &str) -> usize {
    if text.starts_with("\r\n") { 2 } else { usize::from(text.starts_with('\n')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_every_kind_of_literal() {
        let literals = [
            r#""one needle two""#,
            r#"'one needle two'"#,
            "\"\"\"one needle two\"\"\"",
            "\"\"\"\none\n needle two\"\"\"",
            "\"\"\"\r\none\r\n needle two\"\"\"",
            "\"\"\"one \\\n     needle two\"\"\"",
            "'''\none \\\"\n needle'''",
            r#""\"one\" \t needle""#,
            r#""\u00e9\U0001F600\x41 é needle""#,
        ];
        for raw in literals {
            let document = format!("k = {raw}");
            let value = toml::de::DeTable::parse(&document).unwrap();
            let value = value.get_ref().get("k").unwrap().get_ref().as_str().unwrap().to_owned();
            let at = value.find("needle").unwrap();
            let found = locate(raw, at..at + 6);
            assert_eq!(&raw[found.clone()], "needle", "{raw} {found:?}");
        }
    }

    #[test]
    fn an_escape_that_is_meant_is_covered_whole() {
        let raw = r#""a\u00e9b""#;
        assert_eq!(&raw[locate(raw, 1..3)], r"\u00e9");
        assert_eq!(locate(raw, 4..4), raw.len() - 1..raw.len() - 1);
    }

    #[test]
    fn any_range_in_any_text_gives_a_range_in_it() {
        for raw in ["", "\"", "'''", "\"\"\"\\", "\"a\\u12", "x", "\"é\\"] {
            for start in 0..8 {
                for end in start..9 {
                    let found = locate(raw, start..end);
                    assert!(raw.get(found).is_some(), "{raw} {start}..{end}");
                }
            }
        }
    }
}
