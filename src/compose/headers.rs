//! Headers beside the usual ones. Their values are ASCII without CR or LF, whatever the names they are made of.
//!
//! `Precedence: bulk` is deliberately absent: no standard defines it (RFC 2076 §3.9 discourages it), some relays send
//! such mail later, and a notice is no bulk mail. What it was used for, keeping vacation responders silent, the
//! headers below do (RFC 3834 §2, RFC 5230 §4.6, [MS-OXCMAIL] §2.1.3.2.20).

use sha2::{Digest, Sha256};

use crate::model::Severity;

/// Collects headers in order.
pub(super) struct Headers(Vec<(String, String)>);

impl Headers {
    /// The headers that every mail of ours has. `kind` is `alert`, `notice`, `copy`, `reminder` and the like, `bundle` or `trouble`.
    pub(super) fn new(kind: &str, language: &str, possible_duplicate: bool) -> Self {
        let mut headers = Self(Vec::with_capacity(12));
        // RFC 3834 §5: no responder may answer.
        headers.push("Auto-Submitted", "auto-generated");
        headers.push("X-Auto-Response-Suppress", "All");
        headers.push("X-Mentiond-Kind", kind);
        if let Some(language) = token(language) {
            headers.push("Content-Language", language);
        }
        if possible_duplicate {
            headers.push("X-Mentiond-Possible-Duplicate", "yes");
        }
        headers
    }

    /// `List-Id` of a watchlist (RFC 2919): `<key.domain>`.
    pub(super) fn list_id(&mut self, key: &str, domain: &str) {
        let label = label(key);
        let domain: String = domain.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
        let domain = domain.trim_matches('.');
        // RFC 2919 §3: a name outside the domain name system ends in .localhost.
        let domain = if domain.is_empty() { "localhost" } else { domain };
        self.push("List-Id", &format!("<{label}.{domain}>"));
    }

    /// Puts the mail under the story's first one (RFC 5322 §3.6.4).
    pub(super) fn thread(&mut self, first: Option<&str>) {
        let id = first.map(|id| id.trim().trim_start_matches('<').trim_end_matches('>'));
        if let Some(id) = id.filter(|id| {
            id.split_once('@').is_some_and(|(l, r)| !l.is_empty() && !r.is_empty())
                && id.len() <= 250
                && id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'(' | b')' | b',' | b'"'))
        }) {
            let id = format!("<{id}>");
            self.push("In-Reply-To", &id);
            self.push("References", &id);
        }
    }

    /// For the reader's own filters; `Importance` (RFC 2156 §5.3.4) only where people are in danger or worse.
    pub(super) fn mention(&mut self, id: i64, category: &str, severity: Severity) {
        if id > 0 {
            self.push("X-Mentiond-Mention", &id.to_string());
        }
        self.push("X-Mentiond-Category", category);
        self.push("X-Mentiond-Severity", severity.as_str());
        if severity == Severity::Critical {
            self.push("Importance", "high");
        }
    }

    pub(super) fn into_vec(self) -> Vec<(String, String)> {
        self.0
    }

    fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }
}

/// A key as a label of dot-atoms. A key that had to be changed gets a piece of its hash, so that two keys never share
/// a list.
fn label(key: &str) -> String {
    let mut label: String = key
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c.to_ascii_lowercase() } else { '-' })
        .take(60)
        .collect();
    if label != key {
        let hash = Sha256::digest(key.as_bytes());
        label.push('-');
        label.extend(hash.iter().take(4).map(|b| format!("{b:02x}")));
    }
    label.trim_start_matches('-').to_owned()
}

fn token(value: &str) -> Option<&str> {
    (!value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_ids_are_dot_atoms_and_apart() {
        let id = |key: &str, domain: &str| {
            let mut headers = Headers(Vec::new());
            headers.list_id(key, domain);
            headers.into_vec().remove(0).1
        };
        assert_eq!(id("acme", "mail.example.com"), "<acme.mail.example.com>");
        assert_eq!(id("acme", ""), "<acme.localhost>");
        let odd = ["café", "cafe", "CAFE", "a b", "a.b", "a\r\nBcc: x", "日本", "", "x> <y"];
        let ids: Vec<String> = odd.iter().map(|k| id(k, "ex\r\nample.com")).collect();
        for (i, a) in ids.iter().enumerate() {
            assert!(a.is_ascii() && !a.contains(['\r', '\n', ' ']) && a.len() < 255, "{a}");
            assert!(ids[..i].iter().all(|b| a != b), "{a}");
        }
    }

    #[test]
    fn a_message_id_that_is_none_makes_no_thread() {
        for (id, threads) in [
            ("a.b@example.com", true),
            ("<a.b@example.com>", true),
            ("a b@example.com", false),
            ("a@b\r\nBcc: x@y", false),
            ("@", false),
            ("", false),
            ("æ@example.com", false),
        ] {
            let mut headers = Headers(Vec::new());
            headers.thread(Some(id));
            assert_eq!(headers.0.len(), if threads { 2 } else { 0 }, "{id}");
            assert!(headers.0.iter().all(|(_, v)| v == "<a.b@example.com>"));
        }
    }
}
