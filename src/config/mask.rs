//! Hides what looks like a secret in the text of a configuration file before any of it can be shown.
//!
//! It works on the text, not on the parsed tree, because the line with the password may be the one that does not
//! parse. Every hidden byte becomes `*`, so that positions stay the same.

/// Words in a key after which a literal is hidden.
const SECRET_KEYS: [&str; 5] = ["password", "passwd", "secret", "token", "api_key"];

/// Words that name where a secret is kept; their values are not secret.
const REFERENCES: [&str; 3] = ["file", "env", "credential"];

/// Places on one line that are looked at; the rest of a line with more is hidden unseen.
const MAX_PLACES: usize = 8;

/// The text with passwords and the user part of addresses replaced by `*`, of the same length in bytes.
pub(super) fn mask(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut start = 0;
    // Some(delimiter) inside a multi-line literal that belongs to a secret key.
    let mut open: Option<&'static str> = None;
    for line in text.split_inclusive('\n') {
        let hidden = &mut bytes[start..start + line.len()];
        match open {
            Some(delimiter) => {
                let end = line.find(delimiter);
                hide(hidden, 0, end.unwrap_or(line.len()));
                if end.is_some() {
                    open = None;
                }
            }
            None => open = mask_line(line, hidden),
        }
        mask_user(line, hidden);
        start += line.len();
    }
    // Only whole characters are replaced, so that this cannot fail; if it did, showing nothing is the safe side.
    String::from_utf8(bytes).unwrap_or_default()
}

/// Hides the value of a secret key on this line; returns the delimiter if the value goes on after it.
fn mask_line(line: &str, hidden: &mut [u8]) -> Option<&'static str> {
    let lower = line.to_ascii_lowercase();
    let mut from = 0;
    let mut places = 0;
    while let Some((at, word)) = find_key(&lower, from) {
        from = at + word.len();
        places += 1;
        if places > MAX_PLACES {
            hide(hidden, from, line.len());
            return None;
        }
        // A longer word such as `password_file` is another key, and nothing but a key is followed by `=`.
        let rest = lower[from..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-\"' \t".contains(c));
        let Some(value) = rest.strip_prefix('=') else { continue };
        let value_at = lower.len() - value.len();
        let trimmed = value.trim_start();
        if trimmed.starts_with('{') {
            mask_inline(line, &lower, value_at, hidden);
            return None;
        }
        for delimiter in ["\"\"\"", "'''"] {
            if let Some(body) = trimmed.strip_prefix(delimiter) {
                let body_at = line.len() - body.len();
                let end = body.find(delimiter).map(|e| body_at + e);
                hide(hidden, body_at, end.unwrap_or(line.len()));
                return if end.is_none() { Some(delimiter) } else { None };
            }
        }
        hide(hidden, value_at, line.len());
        return None;
    }
    None
}

/// Hides quoted texts of an inline table unless they name where the secret is kept.
fn mask_inline(line: &str, lower: &str, from: usize, hidden: &mut [u8]) {
    let mut at = from;
    while let Some(open) = line[at..].find(['"', '\'']).map(|o| at + o) {
        let quote = &line[open..=open];
        let close = line[open + 1..].find(quote).map_or(line.len(), |c| open + 1 + c);
        let before = lower[from..open].trim_end().trim_end_matches('=').trim_end();
        if !REFERENCES.iter().any(|r| before.ends_with(r)) {
            hide(hidden, open + 1, close);
        }
        at = (close + 1).min(line.len());
    }
}

/// Hides `user:password` in `scheme://user:password@host`.
fn mask_user(line: &str, hidden: &mut [u8]) {
    let mut at = 0;
    while let Some(start) = line[at..].find("://").map(|o| at + o + 3) {
        let end =
            line[start..].find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).map_or(line.len(), |e| start + e);
        if let Some(user_end) = line[start..end].rfind('@') {
            hide(hidden, start, start + user_end);
        }
        at = end;
    }
}

fn find_key(lower: &str, from: usize) -> Option<(usize, &'static str)> {
    SECRET_KEYS.iter().filter_map(|word| lower[from..].find(word).map(|at| (from + at, *word))).min()
}

/// Replaces letters and digits by `*`; quotes, white space and the comment sign stay, so that the line can be read.
fn hide(bytes: &mut [u8], from: usize, to: usize) {
    for byte in &mut bytes[from..to] {
        if !matches!(byte, b'"' | b'\'' | b' ' | b'\t' | b'\r' | b'\n') {
            *byte = b'*';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_positions_kept() {
        let table = [
            ("password = \"hunter2\"", "password = \"*******\""),
            ("password = 'hünter2' # why", "password = '********' * ***"),
            ("\"password\"=\"hunter2", "\"password\"=\"*******"),
            ("smtp_password = hunter2", "smtp_password = *******"),
            ("password = { file = \"a/b\" }", "password = { file = \"a/b\" }"),
            ("password = { value = \"hunter2\" }", "password = { value = \"*******\" }"),
            ("password = { env= \"P\", plain = 'x y' }", "password = { env= \"P\", plain = '* *' }"),
            ("proxy = \"http://ana:pw@proxy:3128\"", "proxy = \"http://******@proxy:3128\""),
            (
                "[mail]\npassword = \"\"\"\nhunter2\nx\"\"\"\nport = 1",
                "[mail]\npassword = \"\"\"\n*******\n*\"\"\"\nport = 1",
            ),
            ("# the password is kept elsewhere", "# the password is kept elsewhere"),
            ("query = 'token OR \"secret sale\"'", "query = 'token OR \"secret sale\"'"),
            ("url = \"https://example.com/@ana\"", "url = \"https://example.com/@ana\""),
        ];
        for (text, shown) in table {
            assert_eq!(mask(text), shown, "{text}");
            assert_eq!(mask(text).len(), text.len(), "{text}");
        }
    }
}
