//! The words of a mail fault: what happened, where, what to do next. Never a secret, and nothing of the relay's that
//! could disturb a terminal or a page.

use crate::model::MailFault;

/// Characters of a relay's or a program's own words that are shown.
const MAX_QUOTE: usize = 200;

/// Somebody else's words, fit to be quoted: one line, no control characters, at most 200 characters.
pub(super) fn quote(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() || is_bidi(c) { ' ' } else { c }).collect();
    let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_QUOTE) {
        None => line,
        Some((end, _)) => line[..end].to_owned(),
    }
}

/// A fault without a reply code.
pub(super) fn fault(message: impl Into<String>) -> MailFault {
    MailFault { code: None, message: message.into() }
}

/// Characters that reorder what stands beside them.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_tame() {
        assert_eq!(quote("5.1.1 no\r\nsuch\u{1b}[31m user\u{202e}"), "5.1.1 no such [31m user");
        assert_eq!(quote(&"ñ".repeat(500)).chars().count(), 200);
    }
}
