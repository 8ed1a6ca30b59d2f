//! A person who is to be forgotten, as the operator names them.

use serde::{Deserialize, Serialize};

use super::Author;
use crate::text::needle::{Needle, NeedleKind};

/// Who is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub who: Who,
    /// Only what these sources yielded; empty: everything. Nobody knows that a handle is the same person elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
}

/// By what a person is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// A handle, with or without `@`, or a display name.
    Author(String),
    /// A mail address.
    Email(String),
}

impl Person {
    /// Whether what this source yielded is meant.
    pub fn is_asked_of(&self, source: &str) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|s| s == source)
    }

    /// Whether this author is the person: the same handle, the same display name, or the same address; case and `@` do
    /// not count.
    pub fn is(&self, author: &Author) -> bool {
        let same = |a: &str, b: &str| {
            let plain = |text: &str| text.trim().trim_start_matches('@').to_lowercase();
            !plain(a).is_empty() && plain(a) == plain(b)
        };
        match &self.who {
            Who::Author(who) => {
                let page = author.url.as_deref().and_then(|url| url.trim_end_matches('/').rsplit('/').next());
                let handle = author.handle.as_deref();
                [Some(author.name.as_str()), handle, page].into_iter().flatten().any(|known| same(known, who))
            }
            Who::Email(_) => {
                let known = [Some(author.name.as_str()), author.handle.as_deref(), author.url.as_deref()];
                self.needle().is_some_and(|n| known.into_iter().flatten().any(|text| n.is_in(text.as_bytes())))
            }
        }
    }

    /// What is looked for in everybody's words; `None` if there is nothing to look for.
    pub fn needle(&self) -> Option<Needle> {
        match &self.who {
            Who::Author(who) if who.trim().contains(char::is_whitespace) => Needle::new(NeedleKind::Name, who),
            Who::Author(who) => Needle::new(NeedleKind::Handle, who),
            Who::Email(address) => Needle::new(NeedleKind::Address, address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_recognised_by_handle_name_page_or_address() {
        let author = |name: &str, handle: Option<&str>, url: Option<&str>| Author {
            name: name.into(),
            handle: handle.map(str::to_owned),
            url: url.map(str::to_owned),
            followers: None,
        };
        let person = |who| Person { who, sources: Vec::new() };
        let ana = person(Who::Author("@Ana_R".into()));
        assert!(ana.is(&author("Ana Ruiz", Some("@ana_r"), None)) && ana.is(&author("ana_r", None, None)));
        assert!(ana.is(&author("Ana", None, Some("https://x.social/@ana_r/"))));
        assert!(!ana.is(&author("Ana Ruiz", Some("@ana_r2"), None)) && !ana.is(&author("", None, None)));
        let mail = person(Who::Email("ana@example.com".into()));
        assert!(mail.is(&author("ANA@example.com (Ana Ruiz)", None, None)));
        assert!(!mail.is(&author("juana@example.com", None, None)));
        assert!(!Person { who: Who::Author("x".into()), sources: vec!["a".into()] }.is_asked_of("b"));
    }
}
