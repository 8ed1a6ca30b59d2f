//! What collected mail and reports hold: figures of a period, what is listed, and how far everything was heard. Words
//! only; what belongs into which is decided in `summaries`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{CaseStatus, Category, Owner, SentimentLabel, Severity, Tally, ThemeTitle, Unusual};

/// The kinds of collected mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SummaryKind {
    /// A department's own, or the community manager's of everything.
    Digest,
    /// Before a team's meeting.
    Meeting,
    /// For management: the whole, without what others take care of.
    Management,
}

impl SummaryKind {
    /// The word used in `--json`, headers and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            SummaryKind::Digest => "digest",
            SummaryKind::Meeting => "meeting",
            SummaryKind::Management => "management",
        }
    }
}

/// How much was said, by whom, where and how. Counts stories, not copies of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub mentions: u64,
    /// Further places that carry the same stories.
    pub copies: u64,
    /// Different authors, of those that can be told apart.
    pub authors: u64,
    /// Sum of the followers of those authors whose followers are known: at most so many saw it.
    pub reach: u64,
    pub negative: u64,
    pub neutral: u64,
    pub positive: u64,
    pub categories: BTreeMap<Category, u64>,
    pub severities: BTreeMap<Severity, u64>,
    pub sentiments: BTreeMap<SentimentLabel, u64>,
    pub languages: BTreeMap<String, u64>,
    pub sources: BTreeMap<String, u64>,
}

/// One day of the chart, in the reader's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    pub date: Date,
    pub negative: u64,
    /// Neutral and positive.
    pub other: u64,
}

impl Day {
    /// All mentions of the day.
    pub fn all(&self) -> u64 {
        self.negative + self.other
    }
}

/// A mention that is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub mention: i64,
    /// Other places that carry the story.
    pub copies: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<i64>,
    /// Employees who are named in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
}

/// Some of many: those that are listed, and how many more there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed<T> {
    pub items: Vec<T>,
    pub more: u64,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { items: Vec::new(), more: 0 }
    }
}

impl<T> Listed<T> {
    /// The first `cap` of all.
    pub fn first(mut all: Vec<T>, cap: usize) -> Self {
        let more = all.len().saturating_sub(cap);
        all.truncate(cap);
        Self { items: all, more: u64::try_from(more).unwrap_or(u64::MAX) }
    }

    /// How many there are, listed or not.
    pub fn count(&self) -> u64 {
        self.more.saturating_add(u64::try_from(self.items.len()).unwrap_or(u64::MAX))
    }
}

/// A case that is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCase {
    pub case: i64,
    pub mention: i64,
    pub status: CaseStatus,
    pub severity: Severity,
    pub owner: Owner,
    pub opened: Timestamp,
    /// What it is about, if it is a theme's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<ThemeTitle>,
    /// Since when its clock has run out, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue: Option<Timestamp>,
}

/// A case that was dismissed, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DismissedCase {
    pub case: i64,
    pub mention: i64,
    /// What it was about, if it was a theme's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<ThemeTitle>,
    pub at: Timestamp,
    /// Who said so, as its history has it; `None` if nobody was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, in their words. Looked up when the mail is worded and never stored with it: it goes when somebody is forgotten.
    #[serde(skip)]
    pub reason: Option<String>,
}

/// Cases that have ended since the mail before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The customer is satisfied.
    pub closed: u64,
    /// It was no case: somebody decided that, so each is named.
    pub dismissed: Listed<DismissedCase>,
}

impl Ended {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.closed.saturating_add(self.dismissed.count())
    }
}

/// What became of a theme since the mail before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum ThemeNews {
    /// It must be acted on.
    Opened { at: Timestamp },
    /// It was closed, or had shrunk, and people have the issue again.
    Back { at: Timestamp },
    /// It is over.
    Closed {
        at: Timestamp,
        /// Who said so, as its history has it; `None` if nobody was named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Why, in their words; empty if they gave no reason. Looked up as that of a dismissed case.
        #[serde(skip)]
        reason: String,
    },
    /// It is part of the theme of this name now.
    Merged { at: Timestamp, into: String },
}

impl ThemeNews {
    /// Nobody works on it as a theme of its own any more.
    pub fn is_end(&self) -> bool {
        matches!(self, ThemeNews::Closed { .. } | ThemeNews::Merged { .. })
    }
}

/// A theme that is listed: different people, one issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThemeLine {
    /// Its number, or the name of the query that gathers it.
    pub id: String,
    pub name: String,
    /// Its number among those that were found; `None` if it is only a query, or one in several watchlists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Distinct authors, and mentions, in the period; none if it stands here only for what became of it.
    pub people: u64,
    pub mentions: u64,
    /// Mentions in the period before.
    pub before: u64,
    /// What speaks for it best.
    pub quotes: Vec<i64>,
    /// What became of it since the mail before; never in a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<ThemeNews>,
}

/// A warning that was given in the period, with what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnusualLine {
    /// Number of the warning.
    pub id: i64,
    /// Key of the watchlist.
    pub watchlist: String,
    pub unusual: Unusual,
    pub tally: Tally,
    /// Name of the theme, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    pub since: Timestamp,
    pub given: Timestamp,
    /// When it was over; `None` if it still goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Timestamp>,
    /// Cases of its mentions, and how many of them have not ended.
    pub cases: u64,
    pub open: u64,
}

/// A time in which a source was not heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blind {
    pub source: String,
    /// Of the period, in seconds.
    pub seconds: i64,
    /// It is not heard now either.
    pub still: bool,
}

/// How far everything was heard: silence is never mistaken for calm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Configured sources …
    pub sources: u64,
    /// … and how many of them were heard in the period.
    pub heard: u64,
    pub last_heard: Option<Timestamp>,
    /// Sources to which nobody listened before a moment within the period, with that moment, the earliest first: what they
    /// said before it may be missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub begun: Vec<(String, Timestamp)>,
    /// The longest first.
    pub blind: Vec<Blind>,
    /// Sources of which entries may have been missed, with when.
    pub gaps: Vec<(String, Timestamp)>,
    /// Sources whose mentions are held until somebody accepts them, with how many.
    pub held: Vec<(String, u64)>,
    /// Blind times, gaps and held sources beyond those that are named.
    #[serde(default)]
    pub unnamed: u64,
}

impl Coverage {
    /// Everything was heard all the time, as far as can be told.
    pub fn is_complete(&self) -> bool {
        self.heard == self.sources
            && self.begun.is_empty()
            && self.blind.is_empty()
            && self.gaps.is_empty()
            && self.held.is_empty()
    }
}

/// One collected mail, before it is worded. Mentions stand in it by their numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub kind: SummaryKind,
    /// Key of the department.
    pub department: String,
    pub from: Timestamp,
    /// When it was to come; up to then it reaches.
    pub to: Timestamp,
    /// When the team meets, if this is the report for a meeting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meets: Option<Timestamp>,
    /// It comes much later than it should.
    pub late: bool,
    /// Everything, not only what the department is responsible for.
    pub everything: bool,
    pub needs: Listed<OpenCase>,
    pub overdue: Listed<OpenCase>,
    #[serde(default)]
    pub unusual: Listed<UnusualLine>,
    #[serde(default)]
    pub themes: Listed<ThemeLine>,
    /// What waited for this mail; for management what is grave.
    pub new: Listed<Item>,
    pub praise: Listed<Item>,
    pub questions: Listed<Item>,
    #[serde(default)]
    pub ended: Ended,
    /// What is not listed, by category.
    pub rest: BTreeMap<Category, u64>,
    /// Mentions and cases about employees or between members: counted, not shown.
    pub hidden: u64,
    pub figures: Figures,
    /// The same of the period before, which was as long; `None` if the record does not reach back so far.
    pub before: Option<Figures>,
    pub days: Vec<Day>,
    pub coverage: Coverage,
}

impl Summary {
    /// Numbers of all mentions that stand in it.
    pub fn mentions(&self) -> Vec<i64> {
        let items =
            [&self.new, &self.praise, &self.questions].into_iter().flat_map(|l| l.items.iter().map(|i| i.mention));
        let cases = [&self.needs, &self.overdue].into_iter().flat_map(|l| l.items.iter().map(|c| c.mention));
        let themes = self.themes.items.iter().flat_map(|t| t.quotes.iter().copied());
        let dismissed = self.ended.dismissed.items.iter().map(|c| c.mention);
        items.chain(cases).chain(themes).chain(dismissed).collect()
    }

    /// Nothing was said, nothing is to be done, and nothing was done.
    pub fn is_quiet(&self) -> bool {
        self.figures.mentions == 0
            && self.hidden == 0
            && self.unusual.count() + self.ended.count() == 0
            && self.needs.count() + self.overdue.count() + self.new.count() + self.themes.count() == 0
    }
}

/// How one promise of a department was kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// Within the time that the department promises.
    pub kept: u64,
    /// Later, or not yet although the time is over.
    pub broken: u64,
    /// Not yet, and the time is not over.
    pub running: u64,
    /// Of those done: half took at most so many minutes of office time.
    pub median_minutes: Option<i64>,
    /// Whether the department promises anything.
    pub promised: bool,
}

/// How a department dealt with the cases of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    pub department: String,
    pub cases: u64,
    pub acknowledged: Promise,
    pub answered: Promise,
}

/// Before and after a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    pub at: Timestamp,
    pub before: Figures,
    pub after: Figures,
}

/// A report about a period, before it is worded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Key of the watchlist, if it is about one.
    pub watchlist: Option<String>,
    /// Name of the theme, if it is about one …
    pub theme: Option<String>,
    /// … and its number, if it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theme_number: Option<i64>,
    pub figures: Figures,
    /// The same of the period before, which was as long; `None` if the record does not reach back so far.
    pub before: Option<Figures>,
    pub comparison: Option<Comparison>,
    pub days: Vec<Day>,
    /// By department, in the order of the configuration; those with cases.
    pub responses: Vec<Response>,
    pub themes: Listed<ThemeLine>,
    /// What weighs most among the grievances.
    pub grave: Listed<Item>,
    pub praise: Listed<Item>,
    pub hidden: u64,
    pub coverage: Coverage,
}

impl Report {
    /// Numbers of all mentions that stand in it.
    pub fn mentions(&self) -> Vec<i64> {
        let items = [&self.grave, &self.praise].into_iter().flat_map(|l| l.items.iter().map(|i| i.mention));
        items.chain(self.themes.items.iter().flat_map(|t| t.quotes.iter().copied())).collect()
    }
}
