//! `mentiond warnings`: what was out of the ordinary, and with `--explain` what is usual now.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::output::{at, say, say_json, table};
use super::{Failure, age, load, record_of};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::early::{Looked, look_at_all};
use crate::daemon::summaries::HOLDS;
use crate::model::{Cause, Tally, Warning};
use crate::store::record::{Reader, Record, ThemeFilter};
use crate::warnings::{NEEDED_DAYS, Standing};

/// Themes whose names are looked up, the newest.
const MAX_THEMES: usize = 10_000;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Those of so long ago: 24h, 7d, 2w
    #[arg(long, value_name = "AGE", default_value = "30d", value_parser = age)]
    since: SignedDuration,
    /// Only those of this watchlist
    #[arg(long, value_name = "NAME")]
    watchlist: Option<String>,
    /// Show what is usual, how it is now, and from what on it would be told
    #[arg(long)]
    explain: bool,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let config = load(config)?.config;
    if let Some(name) = &arguments.watchlist
        && !config.watchlists.iter().any(|w| w.name == *name)
    {
        let known: Vec<&str> = config.watchlists.iter().map(|w| w.name.as_str()).collect();
        return Err(Failure::Usage(format!(
            "mentiond: there is no watchlist `{name}`; there are: {}",
            known.join(", ")
        )));
    }
    let path = record_of(&config)?;
    let now = Clock::system().now();
    let reader = Record::open_to_read(&path)?;
    let wanted = |name: &str| arguments.watchlist.as_deref().is_none_or(|wanted| wanted == name);
    let themes = theme_names(&reader)?;
    let since = now.checked_sub(arguments.since).unwrap_or(Timestamp::MIN);
    let mut given = reader.warnings(since)?;
    given.retain(|warning| wanted(&warning.watchlist) || warning.others.iter().any(|other| wanted(other)));
    given.reverse();
    let looked: Vec<Looked> = if arguments.explain {
        let all = reader.look(|moment| look_at_all(&config, moment, now, true, &mut HashMap::new()))?;
        all.into_iter().filter(|looked| wanted(&looked.watchlist)).collect()
    } else {
        Vec::new()
    };
    if arguments.json {
        let list: Vec<Value> = given.iter().map(|warning| warning_json(warning, &themes, now)).collect();
        if !arguments.explain {
            return say_json(&Value::Array(list));
        }
        let usual: Vec<Value> = looked.iter().map(|looked| looked_json(looked, &themes)).collect();
        return say_json(&json!({ "warnings": list, "usual": usual }));
    }
    let mut parts = vec![listed(&given, &themes, &config, now)];
    parts.extend(looked.iter().map(|looked| explained(looked, &themes)));
    say(&parts.join("\n\n"));
    Ok(())
}

fn theme_names(reader: &Reader) -> Result<HashMap<i64, String>, Failure> {
    let filter = ThemeFilter { all: true, limit: MAX_THEMES, ..ThemeFilter::default() };
    Ok(reader.themes(&filter)?.into_iter().map(|row| (row.theme.id, row.theme.name)).collect())
}

fn cause(cause: &Cause, themes: &HashMap<i64, String>) -> String {
    match cause {
        Cause::Theme(id) => match themes.get(id) {
            Some(name) => format!("theme {id} “{}”", super::output::short(name, 40)),
            None => cause.words(),
        },
        other => other.words(),
    }
}

fn holds(warning: &Warning, now: Timestamp) -> bool {
    now.duration_since(warning.last) < HOLDS
}

fn length(seconds: i64) -> String {
    let minutes = seconds / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

fn figure(tally: &Tally) -> String {
    format!("{} in {}, usually {:.1}", tally.count, length(tally.seconds), tally.usual)
}

fn listed(given: &[Warning], themes: &HashMap<i64, String>, config: &Config, now: Timestamp) -> String {
    if given.is_empty() {
        return "Nothing was out of the ordinary.".to_owned();
    }
    let zone = &config.daemon.timezone;
    let rows: Vec<Vec<String>> = given
        .iter()
        .map(|warning| {
            vec![
                warning.id.to_string(),
                warning.unusual.as_str().into(),
                at(Some(warning.given), zone),
                if holds(warning, now) { "now".into() } else { at(Some(warning.last), zone) },
                std::iter::once(&warning.watchlist).chain(&warning.others).cloned().collect::<Vec<_>>().join(", "),
                cause(&warning.tally.cause, themes),
                figure(&warning.tally),
            ]
        })
        .collect();
    table(&["WARNING", "KIND", "GIVEN", "UNTIL", "WATCHLIST", "CAUSE", "HOW MANY"], &rows)
}

fn explained(looked: &Looked, themes: &HashMap<i64, String>) -> String {
    let name = &looked.watchlist;
    if let Some(days) = looked.found.young {
        return format!("{name}: too young to tell: {days} of {NEEDED_DAYS} days heard.");
    }
    let row = |standing: &Standing| {
        let mut cells = vec![cause(&standing.cause, themes), format!("{:.1}", standing.a_day)];
        let now = standing.now.iter().map(|(t, from)| format!("{} / {:.1} / {from}", t.count, t.usual));
        cells.extend(now);
        cells.push(format!("{:.0} %", 100.0 * standing.strays));
        cells
    };
    let rows: Vec<Vec<String>> = looked.found.standing.iter().map(row).collect();
    let lengths =
        looked.found.standing.first().map(|s| s.now.iter().map(|(t, _)| length(t.seconds)).collect::<Vec<_>>());
    let mut heads = vec!["WHAT".to_owned(), "A DAY".to_owned()];
    heads.extend(lengths.unwrap_or_default().iter().map(|length| format!("IN {}", length.to_uppercase())));
    heads.push("STRAYS".to_owned());
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    format!("{name}: heard / usual at this hour of the week / told from so many on\n{}", table(&heads, &rows))
}

fn warning_json(warning: &Warning, themes: &HashMap<i64, String>, now: Timestamp) -> Value {
    let mut value = json!(warning);
    value["holds"] = json!(holds(warning, now));
    value["words"] = json!(cause(&warning.tally.cause, themes));
    value
}

fn looked_json(looked: &Looked, themes: &HashMap<i64, String>) -> Value {
    let series: Vec<Value> = looked
        .found
        .standing
        .iter()
        .map(|s| {
            let now = |(t, from): &(Tally, u64)| {
                json!({ "seconds": t.seconds, "count": t.count, "usual": t.usual, "chance": t.chance, "told_from": from })
            };
            json!({
                "cause": s.cause, "words": cause(&s.cause, themes), "usual_a_day": s.a_day, "strays": s.strays,
                "now": s.now.iter().map(now).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "watchlist": looked.watchlist,
        "days_heard": looked.found.young,
        "days_needed": looked.found.young.map(|_| NEEDED_DAYS),
        "series": series,
    })
}
