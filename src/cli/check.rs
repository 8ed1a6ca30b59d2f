//! `mentiond check`: reads the configuration and prints what would run.

use std::path::PathBuf;

use serde_json::json;

use super::output::{at, say, say_json, table};
use super::{Failure, find_config, load_with};
use crate::clock::Clock;
use crate::config::{self, Config, Secrets};
use crate::daemon::engine::Engine;
use crate::mail::MailError;
use crate::model::{Deliver, Location, Sensitivity, Settings, Source, TransportSettings};
use crate::query::themes_numbered;
use crate::routing::{Role, Route};
use crate::sources::jetstream;
use crate::sources::table::first_requests;
use crate::store::record::Record;
use crate::summaries::wanted;
use crate::text::link;

pub(super) fn run(file: Option<PathBuf>, json: bool) -> Result<(), Failure> {
    if json
        && let Some(path) = find_config(file.clone())
        && let Err(errors) = config::load_with(&path, Secrets::Tried)
    {
        say_json(&json!({ "ok": false, "errors": errors.to_json()["errors"] }))?;
        return Err(Failure::Usage(format!("mentiond: {} cannot be run", path.display())));
    }
    // Whoever checks need not be allowed to read the secrets: one that cannot be read is a warning.
    let loaded = load_with(file, Secrets::Tried)?;
    let warnings = loaded.warnings;
    let engine = Engine::build(loaded.config).map_err(|error| Failure::Usage(error.to_string()))?;
    match engine.mailer() {
        // The password could not be read, which was said.
        Ok(_) | Err(MailError::Login) => {}
        Err(error) => return Err(Failure::Usage(format!("[mail]: {error}"))),
    }
    let config = &engine.config;
    let unknown = unknown_themes(&engine)?;
    if json {
        return say_json(&json!({
            "ok": true,
            "warnings": warnings,
            "watchlists": config.watchlists.iter().map(|w| json!({ "name": w.name, "query": w.query.to_string(), "alert": w.alert })).collect::<Vec<_>>(),
            "sources": config.sources.iter().map(|s| json!({
                "name": s.name, "kind": s.kind.as_str(), "url": place(&s.location), "every_seconds": s.every.as_secs(),
                "watchlists": s.watchlists.as_ref(), "match_all": s.match_all,
                "requests": requests(s), "blind": blind(s),
            })).collect::<Vec<_>>(),
            "departments": config.routing.departments.iter().map(|d| json!({
                "key": d.key, "name": d.name, "email": d.email, "handles": d.handles,
            })).collect::<Vec<_>>(),
            "routes": config.routing.routes.iter().map(|r| json!({
                "when": r.when.to_string(), "department": r.department, "deliver": r.deliver, "case": r.case, "at": r.at,
                "unknown_themes": unknown.iter().filter(|(at, _)| *at == r.at).map(|(_, n)| n).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        }));
    }
    for warning in &warnings {
        eprintln!("{}", warning.render(super::output::colours(&std::io::stderr())));
    }
    for (at, number) in &unknown {
        eprintln!(
            "warning: the route at {at} names theme #{number}, which there is not (yet): it takes no mention because of \
             it; `mentiond themes --all` lists those that there are"
        );
    }
    say(&words(config));
    Ok(())
}

/// Themes that were found, as routes name them (by place), and that are not in the record.
fn unknown_themes(engine: &Engine) -> Result<Vec<(String, i64)>, Failure> {
    if engine.found_themes.is_empty() {
        return Ok(Vec::new());
    }
    let path = engine.config.daemon.state.join("record.sqlite");
    let record = if path.exists() { Some(Record::open_to_read(&path)?) } else { None };
    let mut unknown = Vec::new();
    for route in &engine.config.routing.routes {
        for (number, _) in themes_numbered(&route.when_source) {
            let known = match &record {
                Some(record) => record.theme(number)?.is_some(),
                None => false,
            };
            if !known {
                unknown.push((route.at.clone(), number));
            }
        }
    }
    Ok(unknown)
}

fn words(config: &Config) -> String {
    let mut parts = vec![format!("{} is in order.", config.file.display())];
    let rows: Vec<Vec<String>> =
        config.watchlists.iter().map(|w| vec![w.name.clone(), w.alert.join(", "), w.query.to_string()]).collect();
    parts.push(table(&["WATCHLIST", "ALERTS TO", "QUERY"], &rows));
    let rows: Vec<Vec<String>> = config
        .sources
        .iter()
        .map(|s| {
            let every = jiff::SignedDuration::try_from(s.every).unwrap_or_default();
            let lists = if s.match_all {
                format!("{} (every entry)", s.watchlists.join(", "))
            } else {
                s.watchlists.join(", ")
            };
            vec![s.name.clone(), s.kind.as_str().into(), format!("{every:#}"), lists, place(&s.location)]
        })
        .collect();
    parts.push(table(&["SOURCE", "KIND", "EVERY", "WATCHLISTS", "PLACE"], &rows));
    parts.extend(config.sources.iter().filter_map(service));
    let rows: Vec<Vec<String>> = config
        .routing
        .departments
        .iter()
        .map(|d| {
            let handles = d.handles.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ");
            vec![d.key.clone(), d.name.clone(), d.email.clone(), handles]
        })
        .collect();
    if !rows.is_empty() {
        parts.push(table(&["DEPARTMENT", "NAME", "MAIL TO", "HANDLES"], &rows));
    }
    for (number, route) in (1..).zip(&config.routing.routes) {
        let copies = if route.copy.is_empty() { String::new() } else { format!(", copy to {}", route.copy.join(", ")) };
        let case = if route.case { ", a case is opened" } else { "" };
        let deliver = match route.deliver {
            Deliver::Now => String::new(),
            later => format!(", deliver {}", later.as_str()),
        };
        let Route { at: place, when, department, .. } = route;
        parts.push(format!("Route {number} ({place}): {when} → {department}{copies}{deliver}{case}"));
    }
    let now = Clock::system().now();
    let collected: Vec<String> = wanted(&config.routing)
        .map(|wanted| {
            let next = at(wanted.next(now), &wanted.department.office.zone);
            format!("Collected mail ({}) for {}: next {next}", wanted.kind.as_str(), wanted.department.key)
        })
        .collect();
    if !collected.is_empty() {
        parts.push(collected.join("\n"));
    }
    parts.push(early(config));
    parts.push(match &config.mail.transport {
        TransportSettings::Smtp { host, port, .. } => {
            format!("Mail leaves through {host}:{port} as {}.", config.mail.from.email)
        }
        TransportSettings::Sendmail { command } => {
            format!("Mail leaves through {} as {}.", command.display(), config.mail.from.email)
        }
        TransportSettings::Directory { path } => {
            format!("Mail is written to {} as {}.", path.display(), config.mail.from.email)
        }
    });
    parts.join("\n\n")
}

/// Who hears of what is unusual, and how easily.
fn early(config: &Config) -> String {
    let easily = |sensitivity: Sensitivity| match sensitivity {
        Sensitivity::Off => "never".to_owned(),
        other => other.as_str().to_owned(),
    };
    let mut words = format!("Early warning: {}", easily(config.early.sensitivity));
    for (name, own) in config.watchlists.iter().filter_map(|w| Some((&w.name, w.warnings?))) {
        words.push_str(&format!(", {name}: {}", easily(own)));
    }
    let named = config.early.department.as_deref().and_then(|key| config.routing.department(key));
    match named.or_else(|| config.routing.with_role(Role::Community)) {
        Some(department) => format!("{words}; {} hears of it.", department.key),
        None => format!("{words}; who gets the alerts hears of it."),
    }
}

/// What would be asked first, secrets as `***`; nothing for a plain feed, whose address is all of it.
fn requests(source: &Source) -> Vec<String> {
    match (&source.settings, &source.location) {
        (Settings::Table(table), _) => first_requests(table, Clock::system().now()),
        (Settings::Jetstream(settings), _) => settings
            .servers
            .iter()
            .map(|server| format!("GET {}", link::redact(&jetstream::address(server, None))))
            .collect(),
        (Settings::Mailbox(settings), _) => {
            vec![format!("EXAMINE {} at {}:{}", settings.folder, settings.host, settings.port)]
        }
        // A search that is a feed.
        (Settings::None, Location::Url(url)) if !source.blind.is_empty() => vec![format!("GET {}", link::redact(url))],
        (Settings::None | Settings::Webhook(_), _) => Vec::new(),
    }
}

/// What cannot be seen this way.
fn blind(source: &Source) -> Vec<String> {
    let of_kind: &[&str] = match &source.settings {
        Settings::Jetstream(_) => {
            &["names and followers of authors are not in the stream, nor are words in pictures that nobody described"]
        }
        Settings::Mailbox(_) => &["mails that are moved or deleted before they are read, and encrypted ones"],
        Settings::Webhook(_) => &["what is sent while mentiond does not run, unless the sender tries again"],
        Settings::None | Settings::Table(_) => &[],
    };
    source.blind.iter().cloned().chain(of_kind.iter().map(|&what| what.to_owned())).collect()
}

/// What a service is asked, and what that cannot see.
fn service(source: &Source) -> Option<String> {
    const SHOWN: usize = 5;
    let (asked, blind) = (requests(source), blind(source));
    if asked.is_empty() && blind.is_empty() {
        return None;
    }
    let asks = if asked.is_empty() { "is told" } else { "asks" };
    let mut lines = vec![format!("Source {} {asks}:", source.name)];
    lines.extend(asked.iter().take(SHOWN).map(|request| format!("  {request}")));
    if asked.len() > SHOWN {
        lines.push(format!("  and {} more requests", asked.len() - SHOWN));
    }
    lines.extend(blind.iter().map(|what| format!("  It cannot see everything: {what}.")));
    Some(lines.join("\n"))
}

/// Where a source is, without anything secret in its address.
pub(super) fn place(location: &Location) -> String {
    match location {
        Location::Url(url) => link::redact(url),
        Location::Path(path) => path.display().to_string(),
        Location::Service(words) => words.clone(),
    }
}
