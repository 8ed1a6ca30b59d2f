//! Markdown to plain text: signs of emphasis, headings, code and links go, words stay. In one pass, whatever is in it.

/// Converts; what looks like Markdown and is none stays as it is.
pub fn to_text(markdown: &str, out: &mut String) {
    let mut fenced = false;
    for line in markdown.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            fenced = !fenced;
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        if fenced {
            out.push_str(line);
            continue;
        }
        let body = trimmed.trim_start_matches('>').trim_start();
        let hashes = body.bytes().take_while(|b| *b == b'#').count();
        let body = if (1..=6).contains(&hashes) && body[hashes..].starts_with(' ') { &body[hashes..] } else { body };
        let body = body.trim();
        let is_rule = body.len() >= 3 && body.bytes().all(|b| matches!(b, b'-' | b'*' | b'_' | b' '));
        if !is_rule {
            inline(body.strip_prefix("* ").or_else(|| body.strip_prefix("- ")).unwrap_or(body), out);
        }
    }
}

fn inline(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['*', '_', '`', '[', ']', '!', '\\', '~']) {
        out.push_str(&rest[..at]);
        let sign = &rest[at..];
        let after = &sign[1..];
        let before_word = out.ends_with(|c: char| c.is_alphanumeric());
        let in_word = before_word && after.starts_with(|c: char| c.is_alphanumeric());
        match sign.as_bytes()[0] {
            b'\\' if after.starts_with(|c: char| c.is_ascii_punctuation()) => {
                out.push_str(&after[..1]);
                rest = &after[1..];
                continue;
            }
            b'!' if after.starts_with('[') => {}
            // The words of a link are kept, its address is among the links.
            b']' if after.starts_with('(') => {
                if let Some(end) = after.find(')') {
                    rest = &after[end + 1..];
                    continue;
                }
                out.push(']');
            }
            b'[' if after.contains("](") => {}
            b'`' => {}
            b'~' if after.starts_with('~') => {
                rest = &after[1..];
                continue;
            }
            b'*' | b'_' => {
                let alone =
                    (out.is_empty() || out.ends_with(char::is_whitespace)) && after.starts_with(char::is_whitespace);
                if (sign.starts_with('_') && in_word) || alone {
                    out.push_str(&sign[..1]);
                }
            }
            _ => out.push_str(&sign[..1]),
        }
        rest = after;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_and_signs_go() {
        for (from, to) in [
            ("# Title\n\nSome **bold** and _soft_ words", "Title\n\nSome bold and soft words"),
            ("see [the page](https://a.example/x_y) now", "see the page now"),
            ("![a picture](https://a.example/p.png)", "a picture"),
            ("> quoted\nsnake_case stays, 2 * 3 too", "quoted\nsnake_case stays, 2 * 3 too"),
            ("```\nlet *x = 1;\n```\nend", "let *x = 1;\nend"),
            ("* one\n- two\n---\nthree", "one\ntwo\n\nthree"),
            (r"\*not bold\* ~~gone~~ `code`", "*not bold* gone code"),
            ("an [unfinished link", "an [unfinished link"),
        ] {
            let mut out = String::new();
            to_text(from, &mut out);
            assert_eq!(out, to, "{from}");
        }
    }
}
