//! What each path answers: read from the record, filtered, masked.

use serde::{Deserialize, Serialize};

use super::super::View;
use super::super::links::known_addresses;
use super::Asked;
use super::filter::{self, Fields, cursor};
use super::problem::Problem;
use super::views::{CaseView, FileView, MentionView, Page, Sight, SourceView};
use crate::cases::{Action, Refusal};
use crate::model::{CaseStatus, Category, Privacy, Severity};
use crate::store::StoreError;
use crate::store::record::{CaseFilter, CaseRow, MentionFilter, MentionRow, OutboxCounts, StoryRow};

/// Things looked at for one page: a query that few of them fit answers with a short page and a cursor to go on from.
const MOST_LOOKED_AT: usize = 2_000;
/// Read from the record at a time.
const BATCH: usize = 200;

/// Newest first.
pub(super) async fn mentions(asked: &Asked) -> Result<Page<MentionView>, Problem> {
    let (view, mut fields) = (&asked.view, asked.fields.clone());
    let query = fields.text("query").map(|text| filter::parse(&text, &view.site.context)).transpose()?;
    let mut wanted = MentionFilter {
        since: fields.moment("since")?,
        watchlist: fields.known("watchlist", "watchlist", watchlists(view))?,
        category: fields.parsed("category", &Category::ALL.map(Category::as_str).join(", "), Category::parse)?,
        severity: fields.parsed("severity", "low, medium, high or critical", Severity::parse)?,
        department: fields.known("department", "department", departments(asked))?,
        copies: fields.flag("copies")?,
        ..MentionFilter::default()
    };
    let (before, limit) = fields.page()?;
    fields.done()?;
    wanted.before = before;
    let sight = sight(asked);
    let fits = |row: &MentionRow| {
        let decision = &row.mention.decision;
        sight.sees(&decision.department, decision.privacy)
            && query
                .as_ref()
                .is_none_or(|query| filter::takes(query, &view.themes, &sight.shown(&row.mention), row.theme))
    };
    let record = asked.app.daemon.record();
    let read = |before, limit| record.mentions(MentionFilter { before, limit, ..wanted.clone() });
    let (rows, next) = page(before, limit, read, |row| row.mention.id, fits).await?;
    Ok(Page { items: rows.iter().map(|row| MentionView::new(&sight, row, None)).collect(), next })
}

pub(super) fn watchlists(view: &View) -> impl Iterator<Item = &str> {
    view.site.watchlists.iter().map(|(key, _)| key.as_str())
}

/// Departments that a token may ask for: the names of others are none of its business.
fn departments(asked: &Asked) -> impl Iterator<Item = &str> {
    let own = &asked.token.departments;
    let all = asked.view.site.routing.departments.iter().map(|d| d.key.as_str());
    all.filter(|key| own.is_empty() || own.iter().any(|d| d == key))
}

/// A mail address that somebody has; who has others is not told.
fn person(asked: &Asked, fields: &mut Fields) -> Result<Option<String>, Problem> {
    let known = |address: &str| {
        known_addresses(&asked.view.site.routing).find(|known| known.eq_ignore_ascii_case(address)).map(str::to_owned)
    };
    fields.parsed("person", "the mail address of a department, a member or a lead", known)
}

pub(super) async fn mention(asked: &Asked, id: i64) -> Result<MentionView, Problem> {
    asked.fields.clone().done()?;
    let sight = sight(asked);
    let found = asked.app.daemon.record().mention(id).await?;
    let seen = |row: &MentionRow| sight.sees(&row.mention.decision.department, row.mention.decision.privacy);
    let (row, also_seen) = found.filter(|(row, _)| seen(row)).ok_or_else(|| unknown("mention", id))?;
    Ok(MentionView::new(&sight, &row, Some(also_seen)))
}

/// Newest first; ended ones with `all` or a `status`.
pub(super) async fn cases(asked: &Asked) -> Result<Page<CaseView>, Problem> {
    let (view, mut fields) = (&asked.view, asked.fields.clone());
    let query = fields.text("query").map(|text| filter::parse(&text, &view.site.context)).transpose()?;
    let wanted = CaseFilter {
        status: fields.parsed(
            "status",
            "open, acknowledged, answered, resolved, closed or dismissed",
            CaseStatus::parse,
        )?,
        all: fields.flag("all")?,
        department: fields.known("department", "department", departments(asked))?,
        person: person(asked, &mut fields)?,
        ..CaseFilter::default()
    };
    let (before, limit) = fields.page()?;
    fields.done()?;
    let sight = sight(asked);
    let fits = |row: &CaseRow| {
        sight.sees(&row.case.owner.department, row.case.privacy)
            && query
                .as_ref()
                .is_none_or(|query| filter::takes(query, &view.themes, &sight.shown(&row.mention), row.case.theme))
    };
    let record = asked.app.daemon.record();
    let read = |before, limit| record.cases(CaseFilter { before, limit, ..wanted.clone() });
    let (rows, next) = page(before, limit, read, |row| row.case.id, fits).await?;
    Ok(Page { items: rows.iter().map(|row| CaseView::of_row(&sight, row)).collect(), next })
}

pub(super) async fn case(asked: &Asked, id: i64) -> Result<FileView, Problem> {
    asked.fields.clone().done()?;
    let sight = sight(asked);
    let file = asked.app.daemon.record().case_file(id).await?;
    let file = file.filter(|file| sight.sees(&file.case.owner.department, file.case.privacy));
    Ok(FileView::new(&sight, &file.ok_or_else(|| unknown("case", id))?))
}

/// What a program wants done with a case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deed {
    action: String,
    /// In whose name; the token's, unless it is said.
    by: Option<String>,
    reason: Option<String>,
    to: Option<String>,
}

/// Does something with a case, and shows it as it is afterwards.
pub(super) async fn act(asked: &Asked, id: i64, body: &[u8]) -> Result<FileView, Problem> {
    // What is not seen is not acted on.
    case(asked, id).await?;
    let deed: Deed = serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(&format!("the body is not understood: {error}")))?;
    let only = |value: Option<String>, key: &str| {
        value.filter(|v| !v.trim().is_empty()).ok_or_else(|| Problem::bad_request(&format!("`{key}` is missing")))
    };
    let action = match deed.action.as_str() {
        "acknowledge" => Action::Acknowledge,
        "answer" => Action::Answer,
        "resolve" => Action::Resolve,
        "satisfied" => Action::Satisfied,
        "unsatisfied" => Action::Unsatisfied,
        "close" => Action::Close,
        "dismiss" => Action::Dismiss { reason: only(deed.reason, "reason")? },
        "reopen" => Action::Reopen { reason: only(deed.reason, "reason")? },
        "assign" => Action::Assign { to: only(deed.to, "to")? },
        _ => {
            let known = "acknowledge, answer, resolve, satisfied, unsatisfied, close, dismiss, reopen, assign";
            return Err(Problem::bad_request(&format!("`action` must be one of: {known}")));
        }
    };
    let by = asked.actor(deed.by);
    match asked.app.daemon.act(id, action, by).await? {
        Ok(_) => {
            tracing::info!(event = "api_acted", case = id, token = asked.token.name, "a program acted on a case");
            let file = asked.app.daemon.record().case_file(id).await?;
            // It may be another department's now: whoever acted sees what came of it.
            Ok(FileView::new(&sight(asked), &file.ok_or_else(|| unknown("case", id))?))
        }
        Err(Refusal::NoSuchCase(_)) => Err(unknown("case", id)),
        Err(refusal @ (Refusal::Stranger(..) | Refusal::NoReason(_) | Refusal::NoText(_))) => {
            Err(Problem::bad_request(&refusal.to_string()))
        }
        Err(refusal) => Err(Problem::conflict(&refusal.to_string())),
    }
}

pub(super) async fn sources(asked: &Asked) -> Result<Page<SourceView>, Problem> {
    asked.fields.clone().done()?;
    let view = &asked.view;
    let states = asked.app.daemon.record().source_states().await?;
    let items = SourceView::all(&view.site.sources, |name| states.get(name).cloned().unwrap_or_default());
    Ok(Page { items, next: None })
}

/// A story with how many mentions it has.
#[derive(Serialize)]
pub(super) struct StoryView {
    id: i64,
    started: jiff::Timestamp,
    mentions: u64,
    places: u64,
    /// Number of the first mention.
    first: i64,
}

/// A story with its mentions, the first 200.
#[derive(Serialize)]
pub(super) struct WholeStory {
    #[serde(flatten)]
    story: StoryView,
    items: Vec<MentionView>,
}

impl StoryView {
    fn new(row: &StoryRow) -> Self {
        let StoryRow { id, started, mentions, places, first, .. } = *row;
        Self { id, started, mentions, places, first }
    }
}

pub(super) async fn stories(asked: &Asked) -> Result<Page<StoryView>, Problem> {
    let mut fields = asked.fields.clone();
    let (before, limit) = fields.page()?;
    fields.done()?;
    let sight = sight(asked);
    let record = asked.app.daemon.record();
    let fits = |row: &StoryRow| sight.sees(&row.department, row.privacy.unwrap_or(Privacy::Staff));
    let read = |before, limit| record.stories(before, limit);
    let (rows, next) = page(before, limit, read, |row| row.id, fits).await?;
    Ok(Page { items: rows.iter().map(StoryView::new).collect(), next })
}

pub(super) async fn story(asked: &Asked, id: i64) -> Result<WholeStory, Problem> {
    asked.fields.clone().done()?;
    let sight = sight(asked);
    let record = asked.app.daemon.record();
    let found = record.stories(Some(id.saturating_add(1)), 1).await?.into_iter().find(|row| row.id == id);
    let row = found.filter(|row| sight.sees(&row.department, row.privacy.unwrap_or(Privacy::Staff)));
    let row = row.ok_or_else(|| unknown("story", id))?;
    let mentions = record.mentions_of_story(id).await?;
    let seen = mentions.iter().filter(|m| sight.sees(&m.mention.decision.department, m.mention.decision.privacy));
    Ok(WholeStory { story: StoryView::new(&row), items: seen.map(|m| MentionView::new(&sight, m, None)).collect() })
}

pub(super) async fn outbox(asked: &Asked) -> Result<OutboxCounts, Problem> {
    asked.fields.clone().done()?;
    Ok(asked.app.daemon.record().outbox_counts().await?)
}

pub(super) fn sight(asked: &Asked) -> Sight<'_> {
    let Asked { token, view, .. } = asked;
    Sight { token, composer: &view.composer, language: &view.site.language }
}

pub(super) fn unknown(what: &str, id: i64) -> Problem {
    Problem::not_found(&format!("there is no {what} {id} that this token may see"))
}

/// Reads until a page is full, everything was looked at, or enough of it was.
pub(super) async fn page<T, F: Future<Output = Result<Vec<T>, StoreError>> + Send>(
    mut before: Option<i64>,
    limit: usize,
    read: impl Fn(Option<i64>, usize) -> F + Send,
    id: impl Fn(&T) -> i64,
    fits: impl Fn(&T) -> bool,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let (mut items, mut looked_at) = (Vec::new(), 0);
    loop {
        // One more than is wanted tells whether there is a next page.
        let batch = (limit - items.len() + 1).clamp(1, BATCH).max(if looked_at > 0 { BATCH } else { 1 });
        let rows = read(before, batch).await?;
        let last_batch = rows.len() < batch;
        looked_at += rows.len();
        for row in rows {
            if items.len() == limit {
                return Ok((items, before.map(cursor)));
            }
            before = Some(id(&row));
            if fits(&row) {
                items.push(row);
            }
        }
        if last_batch {
            return Ok((items, None));
        }
        if looked_at >= MOST_LOOKED_AT {
            return Ok((items, before.map(cursor)));
        }
    }
}
