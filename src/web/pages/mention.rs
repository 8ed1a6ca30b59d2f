//! One mention with the reasons for everything that was decided about it.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::super::access::{Sight, sight};
use super::super::layout::page;
use super::super::session::{Guest, root};
use super::super::{App, failed};
use super::missing;
use crate::compose::{Actions, AlsoSeen, NoticeInput, Perk, Reader, RefundAdvice, Similar, Story, Watchlist};
use crate::model::{Case, Mention, PerkOffer};
use crate::query::Document;
use crate::routing::refund_advice;
use crate::store::StoreError;
use crate::store::record::CaseFile;

pub(super) async fn show(State(app): State<App>, guest: Guest, Path(id): Path<String>) -> Response {
    let Ok(id) = id.parse::<i64>() else { return missing(State(app)).await };
    let found = match app.daemon.record().mention(id).await {
        Ok(Some((row, also_seen))) => (row, also_seen),
        Ok(None) => return missing(State(app)).await,
        Err(error) => return failed(&error),
    };
    let (row, also_seen) = found;
    let file = match row.case {
        Some(case) => match app.daemon.record().case_file(case).await {
            Ok(file) => file,
            Err(error) => return failed(&error),
        },
        None => None,
    };
    let case = file.as_ref().map(|file: &CaseFile| &file.case);
    let sight = sight(guest.email.as_deref(), &guest.view.site.routing, &row.mention.decision, case);
    if sight == Sight::Hidden {
        return missing(State(app)).await;
    }
    let view = match told(&app, &guest, &row.mention, row.story, &also_seen, case, sight).await {
        Ok(view) => view,
        Err(error) => return failed(&error),
    };
    page(
        StatusCode::OK,
        "mention.html",
        &guest.frame("mentions"),
        context! {
            m => view, id, case => row.case, masked => sight == Sight::Masked, copy => !row.original,
        },
    )
}

/// What the notice about a mention says.
pub(super) async fn told(
    app: &App,
    guest: &Guest,
    mention: &Mention,
    story: i64,
    also_seen: &[crate::store::record::AlsoSeen],
    case: Option<&Case>,
    sight: Sight,
) -> Result<Value, StoreError> {
    let config = &guest.view.site;
    let routing = &config.routing;
    let decision = &mention.decision;
    let name = |key: &str| routing.department(key).map(|d| d.name.as_str());
    let similar = app.daemon.similar(mention, story).await?;
    let email = guest.email.as_deref();
    // What somebody may not see is not shown beside something else either.
    let similar: Vec<Similar> = similar
        .iter()
        .filter(|m| {
            super::super::access::sight(email, routing, &m.decision, None) == Sight::Full || sight == Sight::Masked
        })
        .filter(|m| super::super::access::sight(email, routing, &m.decision, None) != Sight::Hidden)
        .map(|m| Similar {
            title: m.entry.title.clone(),
            excerpt: m.entry.text.clone(),
            url: m.entry.url.clone(),
            at: m.entry.published.unwrap_or(m.fetched),
            source: m.source.clone(),
        })
        .collect();
    let also_seen: Vec<AlsoSeen> =
        also_seen.iter().map(|s| AlsoSeen { source: s.source.clone(), url: s.url.clone(), at: s.at }).collect();
    let lists: Vec<Watchlist<'_>> = mention
        .watchlists
        .iter()
        .map(|w| {
            let known = config.watchlists.iter().find(|(key, _)| *key == w.name);
            Watchlist { key: &w.name, name: known.map_or(&w.name, |(_, name)| name) }
        })
        .collect();
    let copies: Vec<&str> = decision.copy.iter().filter_map(|key| name(key)).collect();
    let owner = case.map(|case| routing.owner_name(&case.owner));
    let member = case.and_then(|case| routing.person_name(case.owner.person.as_deref()?));
    let sole = || match routing.department(&decision.department)?.members.as_slice() {
        [one] => Some(one.name.as_str()),
        _ => None,
    };
    let given = app.daemon.record().given_perk(mention.id).await?;
    let perk = PerkOffer::for_mention(&config.perks, mention, given.as_ref());
    let themes = |document: &Document<'_>| guest.view.themes.of(document).into_iter().map(str::to_owned).collect();
    Ok(guest.view.composer.mention_page(&NoticeInput {
        story: Story {
            mention,
            news: None,
            also_seen: &also_seen,
            similar: &similar,
            case: case.map(|case| case.id),
            thread: None,
            possible_duplicate: false,
        },
        reader: Reader { language: &guest.language, zone: &config.timezone },
        watchlists: &lists,
        department: name(&decision.department).unwrap_or(&decision.department),
        member: member.or_else(sole),
        perk: perk.as_ref().map(Perk::of),
        refund: refund_advice(&config.refunds, mention, themes)
            .map(|rule| RefundAdvice::of(rule.map(|rule| (rule.recommend, rule.why.as_str())))),
        praised: false,
        copies: &copies,
        owner: owner.as_deref(),
        personal: false,
        earlier: &[],
        actions: &Actions::default(),
        copy: sight != Sight::Full,
    }))
}

/// Where a mention's page is.
pub(super) fn address(guest: &Guest, id: i64) -> String {
    format!("{}/mentions/{id}", root(&guest.view.site))
}
