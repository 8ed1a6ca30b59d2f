//! What can be done with a theme on its page: give it a name, close it, make it part of another one, part mentions from it.
//! For whoever takes care of one of its mentions, and for the community's and management's people; the commands ask who
//! says so in the same way.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::super::access::{Sight, sight};
use super::super::layout::see_other;
use super::super::session::{Form, Guest, refused, root};
use super::super::{App, failed};
use super::{missing, themes};
use crate::model::Theme;
use crate::store::StoreError;
use crate::store::record::{ThemeFace, ThemeFilter, ThemeMention};
use crate::themes::standing::{ThemeAction, ThemeRefusal};

/// Themes that are offered to make this one part of, those that began last.
const MOST_OTHERS: usize = 60;
/// Characters of a name or reason.
const MAX_WORDS: usize = 200;

/// Does what a form of the page says.
pub(super) async fn act(State(app): State<App>, guest: Guest, Path(id): Path<String>, body: Bytes) -> Response {
    let form = Form::read(&body);
    if !guest.sent(&form) {
        return refused(&guest.view, StatusCode::FORBIDDEN, "form");
    }
    let Ok(id) = id.parse::<i64>() else { return missing(State(app)).await };
    let file = match app.daemon.record().theme_file(id).await {
        Ok(Some(file)) => file,
        Ok(None) => return missing(State(app)).await,
        Err(error) => return failed(&error),
    };
    let mentions = themes::seen(&guest, &file);
    // What became part of another theme is shown there.
    if file.row.theme.into.is_none() && !may(&mentions) {
        return missing(State(app)).await;
    }
    let trouble = match wanted(&form, &mentions) {
        Err(trouble) => trouble,
        Ok(ThemeAction::Merge { into })
            if !others(&app, &guest, &file.row.theme)
                .await
                .is_ok_and(|all| all.iter().any(|o| o.row.theme.id == into)) =>
        {
            "no_theme"
        }
        Ok(action) => match app.daemon.act_on_theme(id, action, guest.email.clone().into()).await {
            Ok(Ok(after)) => return see_other(&format!("{}/themes/{after}?done=1", root(&guest.view.site))),
            Ok(Err(refusal)) => refusal_word(&refusal),
            Err(error) => return failed(&error),
        },
    };
    themes::shown(&app, &guest, id, StatusCode::CONFLICT, "", trouble).await
}

/// Whether somebody who sees these mentions may act: they take care of one of them.
pub(super) fn may(mentions: &[(&ThemeMention, Sight)]) -> bool {
    mentions.iter().any(|(_, sight)| *sight == Sight::Full)
}

/// What a form wants done; a word of the catalogue if it does not say enough.
fn wanted(form: &Form, mentions: &[(&ThemeMention, Sight)]) -> Result<ThemeAction, &'static str> {
    let text = |name| form.get(name).unwrap_or_default().trim().chars().take(MAX_WORDS).collect::<String>();
    match form.get("deed").unwrap_or_default() {
        "rename" => match text("name") {
            name if name.is_empty() => Err("no_name"),
            name => Ok(ThemeAction::Rename { name }),
        },
        "close" => Ok(ThemeAction::Close { reason: text("reason") }),
        "merge" => Ok(ThemeAction::Merge { into: form.get("into").and_then(|id| id.parse().ok()).ok_or("no_theme")? }),
        "split" => {
            let parted: Option<Vec<i64>> = form.all("mention").map(|id| id.parse().ok()).collect();
            let parted = parted.filter(|ids| ids.iter().all(|id| mentions.iter().any(|(m, _)| m.mention.id == *id)));
            match parted {
                None => Err("not_in"),
                Some(ids) if ids.is_empty() => Err("nothing_left"),
                Some(mentions) => Ok(ThemeAction::Split { mentions }),
            }
        }
        _ => Err("unknown"),
    }
}

/// The catalogue's key of a refusal.
fn refusal_word(refusal: &ThemeRefusal) -> &'static str {
    match refusal {
        ThemeRefusal::NoSuchTheme(_) | ThemeRefusal::OtherWatchlist(..) => "no_theme",
        ThemeRefusal::Gone(..) => "theme_gone",
        ThemeRefusal::Itself(_) => "itself",
        ThemeRefusal::Closed(_) => "theme_closed",
        ThemeRefusal::NotIn(..) => "not_in",
        ThemeRefusal::NothingLeft(_) => "nothing_left",
        ThemeRefusal::NoName => "no_name",
        ThemeRefusal::Stranger(_) => "stranger",
    }
}

/// Themes of the same watchlist that this one can become part of, as far as the reader takes care of them.
async fn others(app: &App, guest: &Guest, theme: &Theme) -> Result<Vec<ThemeFace>, StoreError> {
    let routing = &guest.view.site.routing;
    let filter = ThemeFilter {
        all: true,
        watchlist: Some(theme.watchlist.clone()),
        limit: MOST_OTHERS,
        ..ThemeFilter::default()
    };
    let mut faces = app.daemon.record().theme_faces(filter, None).await?;
    faces.retain(|face| {
        let full = |decision| sight(guest.email.as_deref(), routing, decision, None) == Sight::Full;
        face.row.theme.into.is_none() && face.row.theme.id != theme.id && face.decisions.iter().any(full)
    });
    Ok(faces)
}

/// What the page offers.
pub(super) async fn offered(app: &App, guest: &Guest, theme: &Theme) -> Result<Value, StoreError> {
    let others = others(app, guest, theme).await?;
    let others: Value = (others.iter())
        .map(|face| context! { id => face.row.theme.id, name => face.row.theme.name.as_str(), people => face.row.people })
        .collect();
    Ok(context! { others, closed => theme.status == crate::model::ThemeStatus::Closed })
}
