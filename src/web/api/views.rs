//! What the API shows of a mention, a case, a source: flat values with fixed names, described in `openapi.json`. Personal
//! data is masked as in copies, unless the token says `full`.

use jiff::Timestamp;
use serde::Serialize;

use crate::compose::Composer;
use crate::model::{
    Author, Case, CaseStep, Category, Cue, Deliver, Erased, Happening, Mark, Mention, Owner, Privacy, Scored,
    Sentiment, Severity, Source, ThemeTitle, Token,
};
use crate::store::record::{AlsoSeen, CaseFile, CaseRow, EarlierCase, MentionRow, SourceState};

/// What a token sees.
#[derive(Clone, Copy)]
pub(in crate::web) struct Sight<'a> {
    pub(super) token: &'a Token,
    pub(super) composer: &'a Composer,
    pub(super) language: &'a str,
}

impl Sight<'_> {
    /// Whether a mention is shown at all: of the token's departments, and nothing private to who sees no personal data.
    pub(super) fn sees(&self, department: &str, privacy: Privacy) -> bool {
        let of_theirs = self.token.departments.is_empty() || self.token.departments.iter().any(|d| d == department);
        of_theirs && (self.token.full || privacy.is_usual())
    }

    /// The mention as the token may see it.
    pub(super) fn shown(&self, mention: &Mention) -> Mention {
        if self.token.full { mention.clone() } else { self.composer.masked(self.language, mention) }
    }
}

/// A page of things.
#[derive(Serialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

#[derive(Serialize)]
pub(super) struct MentionView {
    id: i64,
    story: i64,
    original: bool,
    case: Option<i64>,
    source: String,
    title: String,
    text: String,
    url: Option<String>,
    site: Option<String>,
    author: Option<Author>,
    published: Option<Timestamp>,
    fetched: Timestamp,
    rating: Option<f32>,
    language: String,
    sentiment: Sentiment,
    category: Category,
    categories: Vec<Scored>,
    severity: Severity,
    flags: Vec<String>,
    cues: Vec<Cue>,
    watchlists: Vec<String>,
    department: String,
    copy: Vec<String>,
    deliver: Deliver,
    why: String,
    /// Personal data is masked here.
    masked: bool,
    erased: Option<Erased>,
    /// Where else the story stands; only of a single mention.
    #[serde(skip_serializing_if = "Option::is_none")]
    also_seen: Option<Vec<Place>>,
}

#[derive(Serialize)]
struct Place {
    source: String,
    url: Option<String>,
    at: Timestamp,
}

impl MentionView {
    pub(super) fn new(sight: &Sight<'_>, row: &MentionRow, also_seen: Option<Vec<AlsoSeen>>) -> Self {
        let Mention { id, source, entry, fetched, watchlists, classification, decision, perk_doubt: _, erased } =
            sight.shown(&row.mention);
        let masked = !sight.token.full;
        let place = |one: AlsoSeen| Place { source: one.source, url: one.url.filter(|_| !masked), at: one.at };
        Self {
            id,
            story: row.story,
            original: row.original,
            case: row.case,
            source,
            title: entry.title,
            text: entry.text,
            url: entry.url,
            site: entry.site,
            author: entry.author,
            published: entry.published,
            fetched,
            rating: entry.rating,
            language: classification.language.code,
            sentiment: classification.sentiment,
            category: classification.category,
            categories: classification.categories,
            severity: classification.severity,
            flags: classification.flags,
            cues: classification.cues,
            watchlists: watchlists.into_iter().map(|w| w.name).collect(),
            department: decision.department,
            copy: decision.copy,
            deliver: decision.deliver,
            why: decision.why,
            masked,
            erased,
            also_seen: also_seen.map(|places| places.into_iter().map(place).collect()),
        }
    }
}

#[derive(Serialize)]
pub(super) struct CaseView {
    id: i64,
    mention: i64,
    theme: Option<ThemeTitle>,
    status: &'static str,
    owner: Owner,
    category: Category,
    severity: Severity,
    privacy: Privacy,
    opened: Timestamp,
    since: Timestamp,
    due: Option<Timestamp>,
    acknowledged: Option<Mark>,
    answered: Option<Mark>,
    resolved: Option<Mark>,
    satisfied: Option<Mark>,
    ended: Option<Mark>,
    reason: Option<String>,
    failed: Vec<Owner>,
    comebacks: u32,
    round: u32,
}

impl CaseView {
    fn new(
        sight: &Sight<'_>,
        case: &Case,
        mention: &Mention,
        theme: Option<&ThemeTitle>,
        due: Option<Timestamp>,
    ) -> Self {
        let case = case.clone();
        let reason = case.reason.map(|reason| hidden(sight, mention, &reason));
        Self {
            id: case.id,
            mention: case.mention,
            theme: theme.cloned(),
            status: case.status.as_str(),
            owner: case.owner,
            category: case.category,
            severity: case.severity,
            privacy: case.privacy,
            opened: case.opened,
            since: case.since,
            due,
            acknowledged: case.acknowledged,
            answered: case.answered,
            resolved: case.resolved,
            satisfied: case.satisfied,
            ended: case.ended,
            reason,
            failed: case.failed,
            comebacks: case.comebacks,
            round: case.round,
        }
    }

    pub(super) fn of_row(sight: &Sight<'_>, row: &CaseRow) -> Self {
        Self::new(sight, &row.case, &row.mention, row.theme.as_ref(), row.due)
    }
}

/// A case with everything that is known of it.
#[derive(Serialize)]
pub(super) struct FileView {
    #[serde(flatten)]
    case: CaseView,
    history: Vec<StepView>,
    later: Vec<LaterView>,
    earlier: Vec<EarlierCase>,
}

#[derive(Serialize)]
struct StepView {
    at: Timestamp,
    by: Option<String>,
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mention: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

#[derive(Serialize)]
struct LaterView {
    mention: i64,
    at: Timestamp,
    complains: bool,
    title: String,
    text: String,
}

impl FileView {
    pub(super) fn new(sight: &Sight<'_>, file: &CaseFile) -> Self {
        let later = file.later.iter().map(|later| {
            let shown = sight.shown(&later.mention);
            LaterView {
                mention: shown.id,
                at: shown.entry.published.unwrap_or(shown.fetched),
                complains: later.complains,
                title: shown.entry.title,
                text: shown.entry.text,
            }
        });
        Self {
            case: CaseView::new(sight, &file.case, &file.mention, file.theme.as_ref(), file.due),
            history: file.steps.iter().map(|step| step_view(sight, &file.mention, step)).collect(),
            later: later.collect(),
            earlier: file.earlier.clone(),
        }
    }
}

fn step_view(sight: &Sight<'_>, about: &Mention, step: &CaseStep) -> StepView {
    let mut view = StepView {
        at: step.at,
        by: step.by.clone(),
        what: step.what.as_str(),
        owner: None,
        reason: None,
        text: None,
        mention: None,
        to: None,
    };
    match &step.what {
        Happening::Opened { owner, .. }
        | Happening::Moved { to: owner, .. }
        | Happening::Unsatisfied { failed: owner } => {
            view.owner = Some(owner.clone());
        }
        Happening::Dismissed { reason } | Happening::Reopened { reason } => {
            view.reason = Some(hidden(sight, about, reason));
        }
        Happening::Noted { text } => view.text = Some(hidden(sight, about, text)),
        Happening::CameBack { mention, .. } | Happening::Evidence { mention } | Happening::Gathered { mention, .. } => {
            view.mention = Some(*mention);
        }
        Happening::Reminded { to, .. } => view.to = Some(to.clone()),
        Happening::Acknowledged
        | Happening::Answered
        | Happening::Resolved
        | Happening::Satisfied
        | Happening::Closed => {}
    }
    view
}

/// Words that a person wrote about a mention.
fn hidden(sight: &Sight<'_>, about: &Mention, text: &str) -> String {
    if sight.token.full { text.to_owned() } else { sight.composer.masked_words(sight.language, about, text) }
}

#[derive(Serialize)]
pub(super) struct SourceView {
    name: String,
    kind: &'static str,
    status: &'static str,
    error: Option<String>,
    error_class: Option<&'static str>,
    entries: u64,
    last_heard: Option<Timestamp>,
    next_poll: Option<Timestamp>,
    blind_since: Option<Timestamp>,
    blind_seconds: i64,
}

impl SourceView {
    pub(super) fn all(sources: &[Source], state: impl Fn(&str) -> SourceState) -> Vec<Self> {
        let one = |source: &Source| {
            let health = state(&source.name).health;
            Self {
                name: source.name.clone(),
                kind: source.kind.as_str(),
                status: health.status.as_str(),
                error: health.error,
                error_class: health.error_class.map(|class| class.as_str()),
                entries: health.entries,
                last_heard: health.last_heard,
                next_poll: health.next_poll,
                blind_since: health.blind_since,
                blind_seconds: health.blind_seconds,
            }
        };
        sources.iter().map(one).collect()
    }
}
