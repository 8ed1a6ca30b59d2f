//! What is no mistake but probably not meant: warnings over the configuration as a whole.

use std::collections::{HashMap, HashSet};

use super::diagnostic::{Findings, Span};
use super::edges::DaemonSettings;
use super::people::Departments;
use super::watch::Watchlists;
use crate::model::{Category, Location, Source, SourceKind};
use crate::query::Query;
use crate::routing::{Role, Route};

/// Everything that was read, with places.
pub(super) struct Whole<'w> {
    pub(super) daemon: &'w DaemonSettings,
    pub(super) daemon_at: Span,
    pub(super) watchlists: &'w Watchlists<'w>,
    pub(super) exclude: Option<&'w Query>,
    pub(super) sources: &'w [(Source, Option<Query>, Span)],
    pub(super) departments: &'w Departments<'w>,
    pub(super) routes: &'w [Route],
}

/// Looks at the whole; call it only if there are no errors, else it would doubt what is merely broken.
pub(super) fn look(whole: &Whole<'_>, found: &mut Findings) {
    contact(whole, found);
    watchlists(whole, found);
    sources(whole, found);
    departments(whole, found);
}

fn contact(whole: &Whole<'_>, found: &mut Findings) {
    if whole.daemon.contact.is_none() {
        found
            .warning(whole.daemon_at, "[daemon] has no `contact`: nobody is told when a source or the mail fails")
            .help("add contact = \"ops@example.com\"; sites also use it to write to you instead of blocking you");
    }
}

fn watchlists(whole: &Whole<'_>, found: &mut Findings) {
    if whole.watchlists.list.is_empty() {
        found
            .warning(whole.daemon_at, "there are no watchlists: nothing is looked for")
            .help("add [watchlists.NAME] with `query`");
    }
    let all = whole.watchlists.names.len();
    let polled: Option<HashSet<&str>> = if whole.sources.iter().any(|(s, ..)| s.watchlists.len() == all) {
        None // One source that is searched for all of them settles it, and is the usual case.
    } else {
        Some(whole.sources.iter().flat_map(|(s, ..)| s.watchlists.iter().map(String::as_str)).collect())
    };
    let mut queries: HashMap<String, (&str, Span)> = HashMap::new();
    for (watchlist, at) in &whole.watchlists.list {
        let name = &watchlist.name;
        if watchlist.alert.is_empty() && whole.departments.list.is_empty() {
            found
                .warning(*at, format!("nobody is told of mentions of `{name}`"))
                .help("add alert = [\"brand@example.com\"], or a department");
        }
        if !whole.sources.is_empty() && polled.as_ref().is_some_and(|p| !p.contains(name.as_str())) {
            found
                .warning(*at, format!("no source is searched for `{name}`"))
                .help("name it in the `watchlists` of a source, or leave that key out there");
        }
        if whole.exclude.is_some_and(|exclude| watchlist.query.implies(exclude)) {
            found
                .warning(*at, format!("`{name}` can never have a mention: [exclude] throws away all that it finds"))
                .help("narrow the query of [exclude]");
        }
        match queries.get(&watchlist.query.canonical()) {
            Some((other, first)) => {
                found
                    .warning(*at, format!("`{name}` has the same query as `{other}`"))
                    .help("make it one watchlist with all addresses under `alert`")
                    .see(*first, "the other");
            }
            None => {
                queries.insert(watchlist.query.canonical(), (name, *at));
            }
        }
    }
}

fn sources(whole: &Whole<'_>, found: &mut Findings) {
    if whole.sources.is_empty() {
        found
            .warning(whole.daemon_at, "there are no sources: nothing is polled")
            .help("add [sources.NAME] with `kind` and `url`");
    }
    let mut addresses: HashMap<&str, (&str, Span)> = HashMap::new();
    for (source, _, at) in whole.sources {
        // With no watchlists at all the one warning above is enough.
        if source.watchlists.is_empty() && !whole.watchlists.list.is_empty() {
            found
                .warning(*at, format!("source `{}` is searched for no watchlist", source.name))
                .help("leave `watchlists` out to search it for all");
        }
        if source.kind == SourceKind::Webhook && whole.daemon.http.is_none() {
            found
                .error(*at, format!("nobody can push to source `{}`: `http` in [daemon] is \"off\"", source.name))
                .help("listen on an address, for example http = \"127.0.0.1:8420\"");
        }
        let Location::Url(url) = &source.location else { continue };
        match addresses.get(url.as_str()) {
            Some((other, first)) => {
                found
                    .warning(*at, format!("source `{}` has the same address as `{other}`", source.name))
                    .help("make it one source that names the watchlists of both")
                    .see(*first, "the other");
            }
            None => {
                addresses.insert(url.as_str(), (&source.name, *at));
            }
        }
    }
}

fn departments(whole: &Whole<'_>, found: &mut Findings) {
    let list = &whole.departments.list;
    let Some((_, first_at)) = list.first() else { return };
    if !list.iter().any(|(d, _)| d.role == Some(Role::Community)) {
        found
            .warning(
                *first_at,
                "no department has the role `community`: what no route and nobody's `handles` names goes to nobody",
            )
            .help("add role = \"community\" to the community manager's department");
    }
    for role in [Role::Community, Role::Management] {
        let mut holders = list.iter().filter(|(d, _)| d.role == Some(role));
        if let (Some((one, one_at)), Some((two, two_at))) = (holders.next(), holders.next()) {
            found
                .warning(
                    *two_at,
                    format!("departments `{}` and `{}` have the same role; the first is used", one.key, two.key),
                )
                .see(*one_at, "the first");
        }
    }
    let management = list.iter().any(|(d, _)| d.role == Some(Role::Management));
    for (department, at) in list.iter().filter(|(d, _)| d.handles.contains(&Category::Staff)) {
        if department.lead.is_none() && !management {
            found
                .warning(
                    *at,
                    format!(
                        "complaints about employees must not go to `{}` itself, and there is neither a lead nor management",
                        department.email
                    ),
                )
                .help("add lead = \"…\", or a department with role = \"management\"");
        }
    }
    let routed: HashSet<&str> = whole
        .routes
        .iter()
        .flat_map(|r| std::iter::once(r.department.as_str()).chain(r.copy.iter().map(String::as_str)))
        .collect();
    for (department, at) in list {
        if department.handles.is_empty() && department.role.is_none() && !routed.contains(department.key.as_str()) {
            found
                .warning(
                    *at,
                    format!(
                        "department `{}` gets nothing: it handles no category and no route names it",
                        department.key
                    ),
                )
                .help("add handles = [\"complaint\", …], a role, or a route");
        }
    }
}
