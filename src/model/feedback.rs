//! What mentiond knows about feedback: language, sentiment, category, severity, and the cues that decided.

use serde::{Deserialize, Serialize};

/// Kinds of feedback, in the order in which the primary one is decided among the main points of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    Spam,
    Abuse,
    Unresolved,
    Refund,
    Staff,
    Member,
    Technical,
    Campaign,
    Complaint,
    Suggestion,
    Question,
    Praise,
    Press,
    Other,
}

impl Category {
    /// All categories, in deciding order.
    pub const ALL: [Category; 14] = [
        Category::Spam,
        Category::Abuse,
        Category::Unresolved,
        Category::Refund,
        Category::Staff,
        Category::Member,
        Category::Technical,
        Category::Campaign,
        Category::Complaint,
        Category::Suggestion,
        Category::Question,
        Category::Praise,
        Category::Press,
        Category::Other,
    ];

    /// The word used in config, queries, `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Spam => "spam",
            Category::Abuse => "abuse",
            Category::Unresolved => "unresolved",
            Category::Refund => "refund",
            Category::Staff => "staff",
            Category::Member => "member",
            Category::Technical => "technical",
            Category::Campaign => "campaign",
            Category::Complaint => "complaint",
            Category::Suggestion => "suggestion",
            Category::Question => "question",
            Category::Praise => "praise",
            Category::Press => "press",
            Category::Other => "other",
        }
    }

    /// The category of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.as_str() == name)
    }

    /// True for the kinds that carry somebody's trouble, so that "not isolated" makes sense.
    pub fn is_grievance(self) -> bool {
        matches!(
            self,
            Category::Unresolved
                | Category::Refund
                | Category::Staff
                | Category::Member
                | Category::Technical
                | Category::Campaign
                | Category::Complaint
        )
    }
}

/// How much harm is done or threatened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// All severities, mildest first.
    pub const ALL: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The word used in config, queries, `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// The severity of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

/// Five steps of sentiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SentimentLabel {
    VeryNegative,
    Negative,
    Neutral,
    Positive,
    VeryPositive,
}

impl SentimentLabel {
    /// All steps, worst first.
    pub const ALL: [SentimentLabel; 5] = [
        SentimentLabel::VeryNegative,
        SentimentLabel::Negative,
        SentimentLabel::Neutral,
        SentimentLabel::Positive,
        SentimentLabel::VeryPositive,
    ];

    /// The word used in config, queries, `--json` and the record.
    pub fn as_str(self) -> &'static str {
        match self {
            SentimentLabel::VeryNegative => "very-negative",
            SentimentLabel::Negative => "negative",
            SentimentLabel::Neutral => "neutral",
            SentimentLabel::Positive => "positive",
            SentimentLabel::VeryPositive => "very-positive",
        }
    }

    /// The step of that name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }
}

/// Sentiment towards the watched brand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sentiment {
    pub label: SentimentLabel,
    /// −1 (worst) … 1 (best).
    pub score: f32,
}

/// The language of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Language {
    /// `en`, `es`, `pt`, `da`, another ISO 639-1 code, or `und` if it cannot be told.
    pub code: String,
    /// 0 … 1.
    pub confidence: f32,
}

/// A category with its score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    pub name: Category,
    /// 0 … 1.
    pub score: f32,
}

/// Beginning of the reason where no single words decided. Mails and pages have words for it.
pub const WHOLE_WORDING: &str = "the wording as a whole";

/// One piece of evidence: the words, what they did, and why that is so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cue {
    /// The words of the text, as written there (at most a few words).
    pub text: String,
    /// What the cue moved: `category:refund`, `severity:high`, `sentiment:-2`, `flag:irony`.
    pub effect: String,
    /// One plain sentence or phrase in English; `compose` finds its words in other languages.
    pub why: String,
}

/// What was found out about one text, with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    pub language: Language,
    pub sentiment: Sentiment,
    /// The primary category.
    pub category: Category,
    /// All categories with a score, the primary one first, then by score.
    pub categories: Vec<Scored>,
    pub severity: Severity,
    /// Marks beside the categories: `caps`, `irony`, `legal`, `safety`, `leak`, `discrimination`, `press`, …
    pub flags: Vec<String>,
    pub cues: Vec<Cue>,
}
