//! `mentiond themes`: list them, show one with its mentions and history, act on one.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::cases::said;
use super::output::{at, count, say, say_json, short, table};
use super::{Failure, is_known, load, one_of, record_of, watchlists};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::control::{self, Request};
use crate::daemon::engine::case_desk;
use crate::model::ThemeStatus;
use crate::store::Store;
use crate::store::record::{Record, ThemeFile, ThemeFilter, ThemeRow};
use crate::themes::standing::ThemeAction;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Command>,
    /// Only themes in this state: growing, open, closed, merged
    #[arg(long, value_name = "STATE", value_parser = status)]
    status: Option<ThemeStatus>,
    /// Those of one person, closed and merged ones too
    #[arg(long)]
    all: bool,
    /// Only those of this watchlist
    #[arg(long, value_name = "NAME")]
    watchlist: Option<String>,
    /// Most people first, at most this many
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print JSON for machines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a theme with its mentions and history
    Show {
        /// Number of the theme
        id: i64,
    },
    /// Make a theme part of another one
    Merge {
        #[command(flatten)]
        who: Who,
        /// Number of the theme that it becomes part of
        #[arg(long, value_name = "THEME")]
        into: i64,
    },
    /// Part mentions from a theme, as a theme of their own
    Split {
        #[command(flatten)]
        who: Who,
        /// Numbers of the mentions, parted by commas
        #[arg(long, value_name = "MENTIONS", value_delimiter = ',', required = true, num_args = 1..)]
        mentions: Vec<i64>,
    },
    /// Give a theme a name, which it keeps
    Rename {
        #[command(flatten)]
        who: Who,
        /// The name
        #[arg(long, value_name = "TEXT", value_parser = said)]
        name: String,
    },
    /// It is over; it opens again by itself when people come back to it
    Close {
        #[command(flatten)]
        who: Who,
        /// Why
        #[arg(long, value_name = "TEXT", value_parser = said)]
        reason: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Who {
    /// Number of the theme
    id: i64,
    /// Mail address of whoever does it
    #[arg(long, value_name = "ADDRESS")]
    by: Option<String>,
}

impl Command {
    /// Number, action and person; `None` for `show`.
    fn request(&self) -> (i64, Option<(ThemeAction, Option<String>)>) {
        let (who, action) = match self {
            Command::Show { id } => return (*id, None),
            Command::Merge { who, into } => (who, ThemeAction::Merge { into: *into }),
            Command::Split { who, mentions } => (who, ThemeAction::Split { mentions: mentions.clone() }),
            Command::Rename { who, name } => (who, ThemeAction::Rename { name: name.clone() }),
            Command::Close { who, reason } => (who, ThemeAction::Close { reason: reason.clone().unwrap_or_default() }),
        };
        (who.id, Some((action, who.by.clone())))
    }
}

pub(super) async fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let config = load(config)?.config;
    let path = record_of(&config)?;
    let zone = &config.daemon.timezone;
    if let Some(command) = &arguments.action {
        let (mut id, request) = command.request();
        if let Some((action, by)) = request {
            id = act(&config, id, action, by).await?;
        }
        let Some(file) = Record::open_to_read(&path)?.theme(id)? else {
            return Err(Failure::Failed(format!("there is no theme {id}; `mentiond themes --all` lists them")));
        };
        if arguments.json {
            return say_json(&file_json(&file));
        }
        if matches!(command, Command::Show { .. }) {
            say(&show(&file, zone));
        } else {
            let ThemeRow { theme, people, mentions } = &file.row;
            say(&format!(
                "Theme {id} “{}” is {} now: {}, {}.",
                theme.name,
                theme.status.as_str(),
                count(*people, "person", "people"),
                count(*mentions, "mention", "mentions"),
            ));
        }
        return Ok(());
    }
    is_known("--watchlist", "watchlist", arguments.watchlist.as_ref(), watchlists(&config))?;
    let rows = Record::open_to_read(&path)?.themes(&ThemeFilter {
        status: arguments.status,
        all: arguments.all,
        watchlist: arguments.watchlist.clone(),
        since: None,
        limit: arguments.limit,
    })?;
    if arguments.json {
        return say_json(&Value::Array(rows.iter().map(row_json).collect()));
    }
    if rows.is_empty() {
        say("No issue is shared by several people.");
        return Ok(());
    }
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|ThemeRow { theme, people, mentions }| {
            vec![
                theme.id.to_string(),
                theme.status.as_str().into(),
                people.to_string(),
                mentions.to_string(),
                theme.category.as_str().into(),
                theme.severity.as_str().into(),
                theme.case.map_or_else(|| "-".into(), |case| case.to_string()),
                at(Some(theme.first_seen), zone),
                at(Some(theme.last_seen), zone),
                short(&theme.name, 60),
            ]
        })
        .collect();
    let heads =
        ["THEME", "STATUS", "PEOPLE", "MENTIONS", "CATEGORY", "SEVERITY", "CASE", "FIRST SAID", "LAST SEEN", "NAME"];
    say(&table(&heads, &lines));
    Ok(())
}

/// Through the daemon if one runs, else directly; the number of the theme to look at.
async fn act(config: &Config, id: i64, action: ThemeAction, by: Option<String>) -> Result<i64, Failure> {
    let state: &Path = &config.daemon.state;
    let request = Request::Theme { id, action: action.clone(), by: by.clone() };
    if let Some(answer) = control::ask(state, &request).await {
        return answer.map(|id| i64::try_from(id).unwrap_or_default()).map_err(Failure::Failed);
    }
    let store = Store::open(state)?;
    let done = store.record().act_on_theme(case_desk(config), id, action, by, Clock::system().now()).await?;
    store.close().await;
    done.map_err(|refusal| Failure::Failed(refusal.to_string()))
}

fn row_json(row: &ThemeRow) -> Value {
    let mut value = json!(row.theme);
    value["people"] = json!(row.people);
    value["mentions"] = json!(row.mentions);
    value
}

fn file_json(file: &ThemeFile) -> Value {
    let mut value = row_json(&file.row);
    value["mentions_inside"] = file
        .mentions
        .iter()
        .map(|m| {
            let entry = &m.mention.entry;
            json!({
                "mention": m.mention.id, "person": m.person, "why": m.why, "source": m.mention.source,
                "title": entry.title, "text": entry.text, "url": entry.url,
            })
        })
        .collect();
    value["days"] = json!(file.days);
    value["usual_a_day"] = json!(file.usual);
    value["sources"] = file.sources.iter().map(|(name, n)| json!({ "name": name, "mentions": n })).collect();
    value["languages"] = file.languages.iter().map(|(code, n)| json!({ "code": code, "mentions": n })).collect();
    value["cases"] = json!(file.cases);
    value["history"] = json!(file.steps);
    value
}

fn show(file: &ThemeFile, zone: &TimeZone) -> String {
    let ThemeFile { row: ThemeRow { theme, people, mentions }, steps, days, usual, sources, languages, cases, .. } =
        file;
    let counted =
        |list: &[(String, u64)]| list.iter().map(|(key, n)| format!("{key} ({n})")).collect::<Vec<_>>().join(", ");
    let mut lines = vec![
        format!("Theme {}: {}", theme.id, theme.name),
        format!("{}, {}, {}", theme.status.as_str(), theme.category.as_str(), theme.severity.as_str()),
        String::new(),
        format!("watchlist   {}", theme.watchlist),
        format!("people      {people} ({})", count(*mentions, "mention", "mentions")),
        format!("first said  {}", at(Some(theme.first_seen), zone)),
        format!("last seen   {}", at(Some(theme.last_seen), zone)),
        format!("sources     {}", counted(sources)),
        format!("languages   {}", counted(languages)),
        format!(
            "14 days     {} (usual a day: {usual:.1})",
            days.iter().map(u64::to_string).collect::<Vec<_>>().join(" ")
        ),
        format!("case        {}", theme.case.map_or_else(|| "-".into(), |case| case.to_string())),
    ];
    lines.extend(theme.into.map(|into| format!("part of     theme {into}")));
    lines.extend(
        cases.iter().map(|c| format!("inside      case {}: {}, {}", c.case, c.category.as_str(), c.status.as_str())),
    );
    let more = (file.open_cases + file.ended_cases).saturating_sub(cases.len() as u64);
    lines.extend((more > 0).then(|| format!("inside      and {}", count(more, "more case", "more cases"))));
    lines.push(String::new());
    let older = mentions.saturating_sub(file.mentions.len() as u64);
    lines.extend(
        (older > 0).then(|| format!("({} left out here)", count(older, "older mention is", "older mentions are"))),
    );
    lines.extend(file.mentions.iter().map(|m| {
        let entry = &m.mention.entry;
        let text = if entry.title.is_empty() { &entry.text } else { &entry.title };
        format!("mention {} (person {}): {} – {}", m.mention.id, m.person, short(text, 70), m.why.words())
    }));
    lines.push(String::new());
    lines.extend(steps.iter().map(|step| {
        let by = step.by.as_deref().map(|by| format!(", by {by}")).unwrap_or_default();
        format!("{}  {}{by}", at(Some(step.at), zone), step.what.words())
    }));
    lines.join("\n")
}

fn status(name: &str) -> Result<ThemeStatus, String> {
    one_of("state", name, &ThemeStatus::ALL, ThemeStatus::as_str)
}
