//! A theme: different mentions about the same issue. The words only; placing is decided in `themes`.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Category, Mark, Severity};

/// Where a theme stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeStatus {
    /// Too few people yet to act on.
    Growing,
    /// Must be acted on: it has a case.
    Open,
    /// Somebody said that it is over.
    Closed,
    /// It is part of another theme now.
    Merged,
}

impl ThemeStatus {
    /// All of them, in the order of a theme's life.
    pub const ALL: [ThemeStatus; 4] =
        [ThemeStatus::Growing, ThemeStatus::Open, ThemeStatus::Closed, ThemeStatus::Merged];

    /// The word used in commands, `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            ThemeStatus::Growing => "growing",
            ThemeStatus::Open => "open",
            ThemeStatus::Closed => "closed",
            ThemeStatus::Merged => "merged",
        }
    }

    /// The status of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

/// A theme as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theme {
    /// Number in the record; 0 until it is recorded.
    #[serde(default)]
    pub id: i64,
    /// Key of the watchlist whose mentions it holds.
    pub watchlist: String,
    /// The words that its mentions share, or what a person called it.
    pub name: String,
    /// A person named it: it keeps that name as it grows.
    #[serde(default)]
    pub renamed: bool,
    /// Name of the query in the configuration that gathers it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    pub status: ThemeStatus,
    /// The commonest category of its mentions, and the worst severity.
    pub category: Category,
    pub severity: Severity,
    /// When the earliest of its mentions was written ([`Mention::written`]) …
    ///
    /// [`Mention::written`]: super::Mention::written
    pub first_seen: Timestamp,
    /// … and when the newest was heard.
    pub last_seen: Timestamp,
    /// When it opened last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Timestamp>,
    /// When it was closed last, by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Mark>,
    /// How often it came back after it was closed.
    #[serde(default)]
    pub comebacks: u32,
    /// Number of the case about it, the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<i64>,
    /// The theme that it is part of now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<i64>,
}

/// A theme as the title of its case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThemeTitle {
    pub id: i64,
    pub name: String,
    pub category: Category,
    /// Distinct authors.
    pub people: u64,
}

/// What happened to a theme: one line of its history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum ThemeHappening {
    Began,
    /// So many people say so: it must be acted on.
    Opened {
        people: u64,
        case: Option<i64>,
    },
    /// It came back after it was closed.
    Reopened {
        people: u64,
        case: Option<i64>,
    },
    Closed {
        reason: String,
        /// The case with which it was closed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<i64>,
    },
    Renamed {
        from: String,
        to: String,
    },
    /// Another theme became part of it.
    TookIn {
        theme: i64,
    },
    MergedInto {
        theme: i64,
    },
    /// Mentions were parted from it into another theme.
    Parted {
        theme: i64,
        mentions: Vec<i64>,
    },
    /// Mentions were parted from it, and so few people are left that it need not be acted on.
    Shrank {
        people: u64,
        case: Option<i64>,
    },
}

impl ThemeHappening {
    /// For commands, in English.
    pub fn words(&self) -> String {
        let case = |case: &Option<i64>| case.map(|c| format!(", case {c}")).unwrap_or_default();
        let who = |people: &u64| if *people == 1 { "1 person".to_owned() } else { format!("{people} people") };
        match self {
            ThemeHappening::Began => "began".into(),
            ThemeHappening::Opened { people, case: of } => format!("opened: {}{}", who(people), case(of)),
            ThemeHappening::Reopened { people, case: of } => {
                format!("came back: {} since it was closed{}", who(people), case(of))
            }
            ThemeHappening::Closed { reason, case } => {
                let with = case.map(|case| format!(" with case {case}")).unwrap_or_default();
                let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                format!("closed{with}{why}")
            }
            ThemeHappening::Renamed { from, to } => format!("renamed from “{from}” to “{to}”"),
            ThemeHappening::TookIn { theme } => format!("theme {theme} became part of it"),
            ThemeHappening::MergedInto { theme } => format!("became part of theme {theme}"),
            ThemeHappening::Parted { theme, mentions } => {
                let what = if mentions.len() == 1 { "mention was" } else { "mentions were" };
                format!("{} {what} parted from it into theme {theme}", mentions.len())
            }
            ThemeHappening::Shrank { people, case: of } => {
                format!("{} left: not open any more, until there are more again{}", who(people), case(of))
            }
        }
    }
}

/// One line of a theme's history (`by` is `None` for mentiond itself, or an operator without a name).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThemeStep {
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(flatten)]
    pub what: ThemeHappening,
}

/// `[acting]`: when a theme must be acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActingSettings {
    /// People with the same issue from whom on it must be acted on. Default 3.
    pub people: u32,
    /// The time within which they said so. Default 14 days.
    pub within: Duration,
}

impl Default for ActingSettings {
    fn default() -> Self {
        Self { people: 3, within: Duration::from_secs(14 * 86_400) }
    }
}
