//! An early warning: something about a brand is unusual. The words only; what is unusual is decided in `warnings`.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Category;

/// How easily mentiond warns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// Only what stands out far.
    Few,
    #[default]
    Balanced,
    /// Rather a warning too many.
    More,
    /// Never.
    Off,
}

impl Sensitivity {
    /// All of them.
    pub const ALL: [Sensitivity; 4] = [Sensitivity::Few, Sensitivity::Balanced, Sensitivity::More, Sensitivity::Off];

    /// The word used in config and `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Sensitivity::Few => "few",
            Sensitivity::Balanced => "balanced",
            Sensitivity::More => "more",
            Sensitivity::Off => "off",
        }
    }
}

/// `[warnings]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarningSettings {
    pub sensitivity: Sensitivity,
    /// So long nothing more is said about one cause. 1 h … 30 d; default 24 h.
    pub gap: Duration,
    /// Key of the department that hears of it; `None`: the community's.
    pub department: Option<String>,
    /// Whether it is told that a source or a brand has gone quiet.
    pub quiet: bool,
}

impl Default for WarningSettings {
    fn default() -> Self {
        Self { sensitivity: Sensitivity::Balanced, gap: Duration::from_secs(86_400), department: None, quiet: true }
    }
}

/// What is counted: all of a watchlist, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// All mentions of the watchlist.
    Watchlist,
    /// Those that a source yielded.
    Source(String),
    Category(Category),
    /// Number of the theme.
    Theme(i64),
}

impl Cause {
    /// For commands and logs, in English.
    pub fn words(&self) -> String {
        match self {
            Cause::Watchlist => "all mentions".into(),
            Cause::Source(name) => format!("source {name}"),
            Cause::Category(category) => format!("category {}", category.as_str()),
            Cause::Theme(id) => format!("theme {id}"),
        }
    }

    /// The kind alone, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Cause::Watchlist => "watchlist",
            Cause::Source(_) => "source",
            Cause::Category(_) => "category",
            Cause::Theme(_) => "theme",
        }
    }
}

/// Which way it is unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unusual {
    /// Far more than usual.
    Rise,
    /// Nothing, or hardly anything, where much is usual.
    Quiet,
}

impl Unusual {
    /// The word used in `--json`, metrics and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Unusual::Rise => "rise",
            Unusual::Quiet => "quiet",
        }
    }
}

/// How many there were of one cause in a time, and how many are usual then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    pub cause: Cause,
    pub count: u64,
    /// Expected for these very hours of the week.
    pub usual: f64,
    /// Length of the time, in seconds; it ends at the look.
    pub seconds: i64,
    /// Probability of so many (so few) if all were as usual, 0 … 1.
    pub chance: f64,
}

/// One hour of the chart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarningHour {
    pub at: Timestamp,
    pub count: u64,
    /// Expected in this hour; `None` where nobody listened.
    pub usual: Option<f64>,
}

/// A warning that was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Warning {
    /// Number in the record; 0 until it is recorded.
    #[serde(default)]
    pub id: i64,
    /// Key of the watchlist.
    pub watchlist: String,
    /// Further watchlists that the same silent source feeds: it is told of once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    pub unusual: Unusual,
    /// The most specific cause that explains it.
    pub tally: Tally,
    /// What else is unusual at the same time, the most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Tally>,
    /// How much more is unusual beyond those that are named.
    #[serde(default, skip_serializing_if = "is_none")]
    pub also_more: u64,
    /// When it began, to the hour.
    pub since: Timestamp,
    pub given: Timestamp,
    /// When it was last seen to go on.
    pub last: Timestamp,
    /// Days heard that "usual" was learnt from.
    pub days: u32,
    /// The last hours of the cause, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<WarningHour>,
    /// Numbers of the mentions that are unusual, newest first; not more than are worth reading.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<i64>,
    /// Share of negative mentions that is usual for the cause, 0 … 1; `None` if too few are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_usual: Option<f64>,
    /// Share of negative ones among those that are unusual now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_now: Option<f64>,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Warning {
    /// Whether it is about a watchlist.
    pub fn concerns(&self, watchlist: &str) -> bool {
        self.watchlist == watchlist || self.others.iter().any(|other| other == watchlist)
    }

    /// Everything that it is about.
    pub fn causes(&self) -> impl Iterator<Item = &Cause> {
        std::iter::once(&self.tally.cause).chain(self.also.iter().map(|tally| &tally.cause))
    }
}
