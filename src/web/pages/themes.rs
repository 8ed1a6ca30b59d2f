//! Themes: what several people share, and one theme with its course, its mentions and its history.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::super::access::{Sight, sight};
use super::super::layout::{page, see_other};
use super::super::session::{Guest, root};
use super::super::{App, failed};
use super::{asked, missing, theme_acts};
use crate::compose::Reader;
use crate::model::{ThemeHappening, ThemeStep};
use crate::store::StoreError;
use crate::store::record::{ThemeFile, ThemeFilter, ThemeMention};
use crate::themes::Joined;

/// Themes on the page, those with most people.
const PAGE: usize = 40;
/// Mentions of a theme on its page, the newest.
const MOST_MENTIONS: usize = 50;
/// Height of the highest bar of the course, and width of a day, in units of the picture.
const HIGH: u64 = 60;
const DAY: usize = 20;

pub(super) async fn list(State(app): State<App>, guest: Guest, RawQuery(query): RawQuery) -> Response {
    let all = asked(query.as_deref(), "all").is_some();
    let rows = match app.daemon.record().themes(ThemeFilter { all, limit: PAGE, ..ThemeFilter::default() }).await {
        Ok(rows) => rows,
        Err(error) => return failed(&error),
    };
    let mut lines = Vec::new();
    for row in rows {
        match app.daemon.record().theme_file(row.theme.id).await {
            Ok(Some(file)) if !seen(&guest, &file).is_empty() => match about(&app, &guest, &file).await {
                Ok(line) => lines.push(line),
                Err(error) => return failed(&error),
            },
            Ok(_) => {}
            Err(error) => return failed(&error),
        }
    }
    page(StatusCode::OK, "themes.html", &guest.frame("themes"), context! { lines, all })
}

pub(super) async fn show(
    State(app): State<App>,
    guest: Guest,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(id) = id.parse::<i64>() else { return missing(State(app)).await };
    let done = asked(query.as_deref(), "done").is_some();
    shown(&app, &guest, id, StatusCode::OK, if done { "done" } else { "" }, "").await
}

/// The page of a theme; `trouble`: why something was not done, as the catalogue's key.
pub(super) async fn shown(
    app: &App,
    guest: &Guest,
    id: i64,
    status: StatusCode,
    done: &str,
    trouble: &str,
) -> Response {
    let file = match app.daemon.record().theme_file(id).await {
        Ok(Some(file)) => file,
        Ok(None) => return missing(State(app.clone())).await,
        Err(error) => return failed(&error),
    };
    // Mails that name it are older than the merge; what they spoke of is there now.
    if let Some(into) = file.row.theme.into {
        return see_other(&format!("{}/themes/{into}", root(&guest.view.site)));
    }
    let mentions = seen(guest, &file);
    // Whoever sees none of its mentions learns nothing of the theme.
    if mentions.is_empty() {
        return missing(State(app.clone())).await;
    }
    let acts = if theme_acts::may(&mentions) {
        match theme_acts::offered(app, guest, &file.row.theme).await {
            Ok(acts) => acts,
            Err(error) => return failed(&error),
        }
    } else {
        Value::from(())
    };
    let about = match about(app, guest, &file).await {
        Ok(about) => about,
        Err(error) => return failed(&error),
    };
    let (config, composer) = (&guest.view.site, &guest.view.composer);
    let reader = Reader { language: &guest.language, zone: &config.timezone };
    let phrases = composer.phrases(&guest.language);
    let shown: Value = (mentions.iter().rev().take(MOST_MENTIONS))
        .map(|(found, sight)| {
            let line = composer.mention_row(&found.mention, &reader, *sight != Sight::Full);
            // Words that several people share are theirs; a masked reader is spared what may be a name.
            let shares = match &found.why {
                Joined::Shares { words, .. } | Joined::Issue { words, .. } if *sight == Sight::Full => words.join(", "),
                _ => String::new(),
            };
            context! { person => found.person, shares, ..line }
        })
        .collect();
    let cases: Value = (file.cases.iter())
        .map(|case| {
            context! { case => case.case, status => phrases.status(case.status), opened => phrases.date(case.opened, &config.timezone) }
        })
        .collect();
    let steps: Value = file.steps.iter().map(|step| told(guest, step)).collect();
    let tally = |list: &[(String, u64)]| -> String {
        list.iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(" · ")
    };
    page(
        status,
        "theme.html",
        &guest.frame("themes"),
        context! {
            t => about, acts, done, trouble, mentions => shown, cases, steps,
            bars => bars(&file.days), width => DAY * file.days.len(), high => HIGH,
            usual => format!("{:.1}", file.usual),
            sources => tally(&file.sources),
            languages => tally(&file.languages),
            more => mentions.len().saturating_sub(MOST_MENTIONS),
            cases_more => (file.open_cases + file.ended_cases).saturating_sub(file.cases.len() as u64),
        },
    )
}

/// The mentions that a reader may know of.
pub(super) fn seen<'f>(guest: &Guest, file: &'f ThemeFile) -> Vec<(&'f ThemeMention, Sight)> {
    let of =
        |found: &ThemeMention| sight(guest.email.as_deref(), &guest.view.site.routing, &found.mention.decision, None);
    file.mentions.iter().map(|found| (found, of(found))).filter(|(_, sight)| *sight != Sight::Hidden).collect()
}

/// What the list and the page say of a theme.
async fn about(app: &App, guest: &Guest, file: &ThemeFile) -> Result<Value, StoreError> {
    let theme = &file.row.theme;
    let (config, routing) = (&guest.view.site, &guest.view.site.routing);
    let phrases = guest.view.composer.phrases(&guest.language);
    let case = match theme.case {
        Some(id) => app.daemon.record().case_file(id).await?,
        None => None,
    };
    let case = case.filter(|file| {
        sight(guest.email.as_deref(), routing, &file.mention.decision, Some(&file.case)) != Sight::Hidden
    });
    let week: u64 = file.days.iter().rev().take(7).sum();
    let before: u64 = file.days.iter().rev().skip(7).take(7).sum();
    Ok(context! {
        id => theme.id,
        name => theme.name.as_str(),
        state => theme.status.as_str(),
        watchlist => theme.watchlist.as_str(),
        category => phrases.category(theme.category),
        level => theme.severity.as_str(),
        severity => phrases.severity(theme.severity),
        people => file.row.people,
        mentions => file.row.mentions,
        first => phrases.date(theme.first_seen, &config.timezone),
        last => phrases.date(theme.last_seen, &config.timezone),
        week, before,
        into => theme.into,
        case => case.as_ref().map(|file| file.case.id),
        owner => case.as_ref().map(|file| routing.owner_name(&file.case.owner)).unwrap_or_default(),
        status => case.as_ref().map(|file| phrases.status(file.case.status)).unwrap_or_default(),
    })
}

/// One line of the history, for the template to word.
fn told(guest: &Guest, step: &ThemeStep) -> Value {
    let routing = &guest.view.site.routing;
    let phrases = guest.view.composer.phrases(&guest.language);
    let said = match &step.what {
        ThemeHappening::Began => context! { what => "began" },
        ThemeHappening::Opened { people, .. } => context! { what => "opened", people },
        ThemeHappening::Reopened { people, .. } => context! { what => "reopened", people },
        ThemeHappening::Closed { reason, case } => context! { what => "closed", reason, case },
        ThemeHappening::Renamed { from, to } => context! { what => "renamed", from, to },
        ThemeHappening::TookIn { theme } => context! { what => "took_in", theme },
        ThemeHappening::MergedInto { theme } => context! { what => "merged", theme },
        ThemeHappening::Parted { theme, mentions } => context! { what => "parted", theme, count => mentions.len() },
        ThemeHappening::Shrank { people, .. } => context! { what => "shrank", people },
    };
    let by = step.by.as_deref().map(|by| routing.person_name(by).unwrap_or(by).to_owned());
    context! { at => phrases.date(step.at, &guest.view.site.timezone), by => by.unwrap_or_default(), ..said }
}

/// A bar a day, oldest first.
fn bars(days: &[u64]) -> Value {
    let most = days.iter().copied().max().unwrap_or(0).max(1);
    (days.iter().enumerate())
        .map(|(n, count)| {
            // What was said at all is seen.
            let height = (count * HIGH / most).max(u64::from(*count > 0) * 2);
            context! { x => n * DAY + 2, y => HIGH - height, width => DAY - 4, height, count }
        })
        .collect()
}
