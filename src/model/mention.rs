//! A mention: an entry that matched a watchlist, and what was decided about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Classification, EARLIEST, Entry, PerkDoubt, Privacy};

/// The part of an entry in which words were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    Title,
    Text,
    Author,
    Site,
    Url,
    /// The entry's links, joined by `\n`.
    Link,
}

/// Words that matched, and where: a byte range in the *original* text of that part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    pub part: Part,
    pub start: usize,
    pub end: usize,
    /// The term of the query as its author wrote it.
    pub term: String,
}

/// One watchlist that an entry matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchlistMatch {
    pub name: String,
    /// Where its words stand; empty if the source is itself the search (`match = "all"`).
    pub matched: Vec<Matched>,
}

/// When the responsible department hears of a mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deliver {
    Now,
    Digest,
    Meeting,
    None,
}

impl Deliver {
    /// The word used in config and `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Deliver::Now => "now",
            Deliver::Digest => "digest",
            Deliver::Meeting => "meeting",
            Deliver::None => "none",
        }
    }
}

/// Where routing sends a mention, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Key of the owner department.
    pub department: String,
    /// Keys of departments that get a copy.
    pub copy: Vec<String>,
    pub deliver: Deliver,
    /// Whether a case is opened.
    pub case: bool,
    /// Mail address of the one person who hears of it in place of the department, where it is about an employee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    #[serde(default, skip_serializing_if = "Privacy::is_usual")]
    pub privacy: Privacy,
    /// Mail addresses that must not hear of it, in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_from: Vec<String>,
    /// Which rule decided, in English: `route 2 (mentiond.toml:41)`, `handles complaint`, `nobody handles press: community`.
    pub why: String,
}

impl Decision {
    /// Whether this mail address must not hear of the mention.
    pub fn is_kept_from(&self, email: &str) -> bool {
        self.kept_from.iter().any(|k| k.eq_ignore_ascii_case(email))
    }
}

/// Why nothing is kept of what a mention said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Erased {
    /// The person asked for it, or somebody on their behalf (`mentiond forget`).
    Request,
    /// It is older than `mentions` of `[history]`.
    Age,
}

impl Erased {
    /// The word used in `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Erased::Request => "request",
            Erased::Age => "age",
        }
    }
}

/// An entry that matched at least one watchlist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mention {
    /// Number in the record; 0 until it is recorded.
    pub id: i64,
    /// Name of the source that yielded the entry.
    pub source: String,
    pub entry: Entry,
    pub fetched: Timestamp,
    pub watchlists: Vec<WatchlistMatch>,
    pub classification: Classification,
    pub decision: Decision,
    /// Why nothing is given in thanks for it although it was taken for praise, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perk_doubt: Option<PerkDoubt>,
    /// Set if nothing is left of what was written and of who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Erased>,
}

impl Mention {
    /// When it was published, if its source gives a time that can be believed: later than [`EARLIEST`], to which the dates
    /// of clocks that were reset (1970, the year 1) are clamped. Nothing is written later than it is heard: then it is the
    /// source's clock that is ahead.
    pub fn published(&self) -> Option<Timestamp> {
        self.entry.published.filter(|at| *at > EARLIEST).map(|at| at.min(self.fetched))
    }

    /// When it was written, as far as that is known; else when it was heard.
    pub fn written(&self) -> Timestamp {
        self.published().unwrap_or(self.fetched)
    }

    /// What may stay when the words and the person go: where and when it was found, what it was taken for, and where it
    /// was sent. No word of the text, no name, no link.
    pub fn erase(mut self, why: Erased) -> Self {
        let Entry { identity, published, lang, rating, .. } = self.entry;
        self.entry = Entry { identity, published, lang, rating, ..Entry::default() };
        for watchlist in &mut self.watchlists {
            watchlist.matched.clear();
        }
        self.classification.cues.clear();
        self.erased = Some(why);
        self
    }

    /// What was decided, in one line for the log: no names, no text of the entry.
    pub fn reason(&self) -> String {
        let watchlists: Vec<_> = self.watchlists.iter().map(|w| w.name.as_str()).collect();
        let Classification { category, severity, sentiment, language, .. } = &self.classification;
        format!(
            "{}: {}, {}, {}, {} → {} ({})",
            watchlists.join(", "),
            category.as_str(),
            severity.as_str(),
            sentiment.label.as_str(),
            language.code,
            if self.decision.department.is_empty() { "nobody" } else { &self.decision.department },
            self.decision.why
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_writing_is_believed_unless_it_cannot_be() {
        let mut mention: Mention = serde_json::from_str(
            r#"{"id":1,"source":"forum","entry":{"identity":[7,7,7,7,7,7,7,7,7,7,7,7,7,7,7,7],"title":"","text":"Acme"},
                "fetched":"2026-11-20T09:15:00Z","watchlists":[],
                "classification":{"language":{"code":"en","confidence":1.0},"sentiment":{"label":"neutral","score":0.0},
                    "category":"other","categories":[],"severity":"low","flags":[],"cues":[]},
                "decision":{"department":"","copy":[],"deliver":"none","case":false,"why":""}}"#,
        )
        .unwrap();
        let heard = mention.fetched;
        assert_eq!((mention.published(), mention.written()), (None, heard));
        for (given, believed) in [
            ("2026-11-02T08:00:00Z", true),
            ("2026-11-20T09:15:00Z", true),
            ("2003-03-01T00:00:00Z", true),
            ("2026-11-20T09:15:01Z", false),
            ("2062-01-01T00:00:00Z", false),
            ("2000-01-01T00:00:00Z", false),
            ("1970-01-01T00:00:00Z", false),
            ("0001-01-01T00:00:00Z", false),
        ] {
            let given: Timestamp = given.parse().unwrap();
            mention.entry.published = Some(given);
            assert_eq!(mention.written(), if believed { given } else { heard }, "{given}");
        }
    }
}
