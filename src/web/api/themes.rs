//! Themes for programs: listed, one with everything known of it, and acted on as with `mentiond themes`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Asked;
use super::problem::Problem;
use super::reading::{page, sight, unknown, watchlists};
use super::views::{Page, Sight};
use crate::model::{Category, Decision, Mark, Severity, Theme, ThemeHappening, ThemeStatus, ThemeStep};
use crate::store::record::{EarlierCase, ThemeFace, ThemeFile, ThemeFilter, ThemeMention, ThemeRow};
use crate::themes::standing::{ThemeAction, ThemeRefusal};

#[derive(Serialize)]
pub(super) struct ThemeView {
    id: i64,
    watchlist: String,
    name: String,
    /// The query of the configuration that gathers it.
    query: Option<String>,
    status: &'static str,
    category: Category,
    severity: Severity,
    people: u64,
    mentions: u64,
    first_seen: Timestamp,
    last_seen: Timestamp,
    opened: Option<Timestamp>,
    closed: Option<Mark>,
    comebacks: u32,
    case: Option<i64>,
    into: Option<i64>,
}

impl ThemeView {
    fn new(ThemeRow { theme, people, mentions }: &ThemeRow) -> Self {
        let Theme { id, watchlist, name, named, status, category, severity, .. } = theme.clone();
        Self {
            id,
            watchlist,
            name,
            query: named,
            status: status.as_str(),
            category,
            severity,
            people: *people,
            mentions: *mentions,
            first_seen: theme.first_seen,
            last_seen: theme.last_seen,
            opened: theme.opened,
            closed: theme.closed.clone(),
            comebacks: theme.comebacks,
            case: theme.case,
            into: theme.into,
        }
    }
}

/// A theme with everything that is known of it.
#[derive(Serialize)]
pub(super) struct WholeTheme {
    #[serde(flatten)]
    theme: ThemeView,
    /// Oldest first, at most the newest 200.
    items: Vec<ItemView>,
    /// Mentions a day, the last 14 days up to the newest mention, and a day in the eight weeks before.
    days: Vec<u64>,
    usual_a_day: f64,
    sources: Vec<Count>,
    languages: Vec<Count>,
    cases: Vec<EarlierCase>,
    history: Vec<StepView>,
}

#[derive(Serialize)]
struct ItemView {
    mention: i64,
    /// People of the theme in order of appearance, from 1.
    person: u64,
    /// Why it was placed there; its words only for who sees personal data.
    why: Option<String>,
}

#[derive(Serialize)]
struct Count {
    name: String,
    mentions: u64,
}

#[derive(Serialize)]
struct StepView {
    at: Timestamp,
    by: Option<String>,
    what: &'static str,
    words: String,
}

impl WholeTheme {
    fn new(sight: &Sight<'_>, file: &ThemeFile) -> Self {
        let count = |list: &[(String, u64)]| {
            list.iter().map(|(name, mentions)| Count { name: name.clone(), mentions: *mentions }).collect()
        };
        let item = |found: &ThemeMention| ItemView {
            mention: found.mention.id,
            person: found.person,
            why: sight.token.full.then(|| found.why.words()),
        };
        Self {
            theme: ThemeView::new(&file.row),
            items: file.mentions.iter().filter(|found| sees(sight, &found.mention.decision)).map(item).collect(),
            days: file.days.clone(),
            usual_a_day: file.usual,
            sources: count(&file.sources),
            languages: count(&file.languages),
            cases: file.cases.clone(),
            history: file.steps.iter().map(step).collect(),
        }
    }
}

fn step(step: &ThemeStep) -> StepView {
    let what = match &step.what {
        ThemeHappening::Began => "began",
        ThemeHappening::Opened { .. } => "opened",
        ThemeHappening::Reopened { .. } => "reopened",
        ThemeHappening::Closed { .. } => "closed",
        ThemeHappening::Renamed { .. } => "renamed",
        ThemeHappening::TookIn { .. } => "took-in",
        ThemeHappening::MergedInto { .. } => "merged-into",
        ThemeHappening::Parted { .. } => "parted",
        ThemeHappening::Shrank { .. } => "shrank",
    };
    StepView { at: step.at, by: step.by.clone(), what, words: step.what.words() }
}

fn sees(sight: &Sight<'_>, decision: &Decision) -> bool {
    sight.sees(&decision.department, decision.privacy)
}

/// Newest first; closed and merged ones and single voices with `all` or a `status`.
pub(super) async fn themes(asked: &Asked) -> Result<Page<ThemeView>, Problem> {
    let mut fields = asked.fields.clone();
    let wanted = ThemeFilter {
        status: fields.parsed("status", "growing, open, closed or merged", ThemeStatus::parse)?,
        all: fields.flag("all")?,
        watchlist: fields.known("watchlist", "watchlist", watchlists(&asked.view))?,
        since: fields.moment("since")?,
        limit: 0,
    };
    let (before, limit) = fields.page()?;
    fields.done()?;
    let sight = sight(asked);
    let record = asked.app.daemon.record();
    let read = |before, limit| record.theme_faces(ThemeFilter { limit, ..wanted.clone() }, before);
    let fits = |face: &ThemeFace| face.decisions.iter().any(|decision| sees(&sight, decision));
    let (faces, next) = page(before, limit, read, |face| face.row.theme.id, fits).await?;
    Ok(Page { items: faces.iter().map(|face| ThemeView::new(&face.row)).collect(), next })
}

pub(super) async fn theme(asked: &Asked, id: i64) -> Result<WholeTheme, Problem> {
    asked.fields.clone().done()?;
    let file = seen(asked, id).await?.ok_or_else(|| unknown("theme", id))?;
    Ok(WholeTheme::new(&sight(asked), &file))
}

/// The theme, if the token may know of one of its mentions. What became part of another theme has none left: that one says.
async fn seen(asked: &Asked, id: i64) -> Result<Option<ThemeFile>, Problem> {
    let (sight, record) = (sight(asked), asked.app.daemon.record());
    let Some(file) = record.theme_file(id).await? else { return Ok(None) };
    let knows = |file: &ThemeFile| file.mentions.iter().any(|found| sees(&sight, &found.mention.decision));
    let mut last = file.row.theme.into;
    if last.is_none() {
        return Ok(Some(file).filter(knows));
    }
    for _ in 0..MOST_MERGES {
        let Some(next) = last else { break };
        let Some(whole) = record.theme_file(next).await? else { break };
        last = whole.row.theme.into;
        if last.is_none() {
            return Ok(Some(file).filter(|_| knows(&whole)));
        }
    }
    Ok(None)
}

/// Merges that are followed.
const MOST_MERGES: usize = 20;

/// What a program wants done with a theme.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deed {
    action: String,
    /// In whose name; the token's, unless it is said.
    by: Option<String>,
    name: Option<String>,
    reason: Option<String>,
    into: Option<i64>,
    #[serde(default)]
    mentions: Vec<i64>,
}

/// Does something with a theme, and shows the one to look at afterwards: the other theme after `merge`, the new one after
/// `split`.
pub(super) async fn act(asked: &Asked, id: i64, body: &[u8]) -> Result<WholeTheme, Problem> {
    // What is not seen is not acted on.
    let file = seen(asked, id).await?.ok_or_else(|| unknown("theme", id))?;
    let deed: Deed = serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request(&format!("the body is not understood: {error}")))?;
    let missing = |key: &str| Problem::bad_request(&format!("`{key}` is missing"));
    let action = match deed.action.as_str() {
        "rename" => {
            let name = deed.name.filter(|name| !name.trim().is_empty()).ok_or_else(|| missing("name"))?;
            ThemeAction::Rename { name }
        }
        "close" => ThemeAction::Close { reason: deed.reason.unwrap_or_default() },
        "merge" => {
            let into = deed.into.ok_or_else(|| missing("into"))?;
            if seen(asked, into).await?.is_none() {
                return Err(Problem::bad_request(&format!("there is no theme {into} that this token may see")));
            }
            ThemeAction::Merge { into }
        }
        "split" if deed.mentions.is_empty() => return Err(missing("mentions")),
        "split" => {
            let known = |id: &&i64| {
                !file.mentions.iter().any(|m| m.mention.id == **id && sees(&sight(asked), &m.mention.decision))
            };
            if let Some(stranger) = deed.mentions.iter().find(known) {
                let words = format!("mention {stranger} is not in theme {id}, or this token may not see it");
                return Err(Problem::bad_request(&words));
            }
            ThemeAction::Split { mentions: deed.mentions }
        }
        _ => return Err(Problem::bad_request("`action` must be one of: rename, close, merge, split")),
    };
    let by = asked.actor(deed.by);
    match asked.app.daemon.act_on_theme(id, action, by).await? {
        Ok(after) => {
            tracing::info!(event = "api_acted", theme = id, token = asked.token.name, "a program acted on a theme");
            let file = asked.app.daemon.record().theme_file(after).await?.ok_or_else(|| unknown("theme", after))?;
            Ok(WholeTheme::new(&sight(asked), &file))
        }
        Err(ThemeRefusal::NoSuchTheme(theme)) => Err(unknown("theme", theme)),
        Err(refusal @ (ThemeRefusal::Gone(..) | ThemeRefusal::Closed(_))) => {
            Err(Problem::conflict(&refusal.to_string()))
        }
        Err(refusal) => Err(Problem::bad_request(&refusal.to_string())),
    }
}
