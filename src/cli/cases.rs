//! `mentiond cases`: list them, show one with its history, act on one.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::output::{at, say, say_json, short, table};
use super::{Failure, departments, is_known, load, one_of, record_of};
use crate::cases::Action;
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::control::{self, Request};
use crate::daemon::engine::case_desk;
use crate::model::{Case, CaseStatus, CaseStep, Happening, ThemeTitle};
use crate::store::Store;
use crate::store::record::{CaseFile, CaseFilter, CaseRow, LastReminder, Record};
use crate::web::links::known_addresses;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Command>,
    /// Only cases in this state: open, acknowledged, answered, resolved, closed, dismissed
    #[arg(long, value_name = "STATE", value_parser = status)]
    status: Option<CaseStatus>,
    /// Closed and dismissed ones too
    #[arg(long)]
    all: bool,
    /// Only those of this department
    #[arg(long, value_name = "KEY")]
    department: Option<String>,
    /// Only those of this person
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<String>,
    /// Newest cases, at most this many
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print JSON for machines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a case with its history
    Show {
        /// Number of the case
        id: i64,
    },
    /// Somebody has taken it
    #[command(name = "ack", visible_alias = "acknowledge")]
    Acknowledge(Who),
    /// The customer was answered
    Answer(Who),
    /// The matter was settled
    Resolve(Who),
    /// The customer is satisfied, which closes a case that was answered
    Satisfied(Who),
    /// The customer is not satisfied: somebody else takes the case
    Unsatisfied(Who),
    /// Close a case whose customer is satisfied
    Close(Who),
    /// It is not a case
    Dismiss {
        #[command(flatten)]
        who: Who,
        /// Why
        #[arg(long, value_name = "TEXT", value_parser = said)]
        reason: String,
    },
    /// Open an ended case again
    Reopen {
        #[command(flatten)]
        who: Who,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "opened again by hand", value_parser = said)]
        reason: String,
    },
    /// Write something down; the case stays as it is
    Note {
        #[command(flatten)]
        who: Who,
        /// What
        #[arg(long, value_name = "TEXT", value_parser = said)]
        text: String,
    },
    /// Give it to a member or a department
    Assign {
        #[command(flatten)]
        who: Who,
        /// A member's or lead's mail address, or a department's key or address
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        to: String,
    },
}

#[derive(Debug, Args)]
struct Who {
    /// Number of the case
    id: i64,
    /// Mail address of whoever did it
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    by: Option<String>,
}

impl Command {
    /// Number, action and person; `None` for `show`.
    fn request(&self) -> (i64, Option<(Action, Option<String>)>) {
        let (who, action) = match self {
            Command::Show { id } => return (*id, None),
            Command::Acknowledge(who) => (who, Action::Acknowledge),
            Command::Answer(who) => (who, Action::Answer),
            Command::Resolve(who) => (who, Action::Resolve),
            Command::Satisfied(who) => (who, Action::Satisfied),
            Command::Unsatisfied(who) => (who, Action::Unsatisfied),
            Command::Close(who) => (who, Action::Close),
            Command::Dismiss { who, reason } => (who, Action::Dismiss { reason: reason.clone() }),
            Command::Reopen { who, reason } => (who, Action::Reopen { reason: reason.clone() }),
            Command::Note { who, text } => (who, Action::Note { text: text.clone() }),
            Command::Assign { who, to } => (who, Action::Assign { to: to.clone() }),
        };
        (who.id, Some((action, who.by.clone())))
    }
}

pub(super) async fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let config = load(config)?.config;
    let path = record_of(&config)?;
    let zone = &config.daemon.timezone;
    if let Some(command) = &arguments.action {
        let (id, request) = command.request();
        if let Some((action, by)) = request {
            act(&config, id, action, by).await?;
        }
        let Some(file) = Record::open_to_read(&path)?.case(id)? else {
            return Err(Failure::Failed(format!("there is no case {id}; `mentiond cases --all` lists them")));
        };
        if arguments.json {
            return say_json(&file_json(&file));
        }
        if matches!(command, Command::Show { .. }) {
            say(&show(&file, zone));
        } else {
            let waits = file.case.satisfied.is_some() && !file.case.status.is_ended();
            let waits = if waits {
                " It is noted that the customer is satisfied: it is closed once it is answered."
            } else {
                ""
            };
            let (status, owner) = (file.case.status.as_str(), file.case.owner.words());
            say(&format!("Case {id} is {status} now, with {owner}.{waits}"));
        }
        return Ok(());
    }
    is_known("--department", "department", arguments.department.as_ref(), departments(&config))?;
    let known = known_addresses(&config.routing);
    if let Some(owner) = &arguments.owner
        && !known.into_iter().any(|address| address.eq_ignore_ascii_case(owner))
    {
        eprintln!(
            "mentiond: note: {owner} is no address of a department, member or lead in the configuration (any more)"
        );
    }
    let record = Record::open_to_read(&path)?;
    let overdue = record.overdue_cases()?;
    let mut rows = record.cases(&CaseFilter {
        status: arguments.status,
        all: arguments.all,
        department: arguments.department.clone(),
        person: arguments.owner.clone(),
        limit: arguments.limit,
        before: None,
    })?;
    if arguments.json {
        return say_json(&Value::Array(rows.iter().map(row_json).collect()));
    }
    if rows.is_empty() {
        say(if arguments.status.is_some() || arguments.department.is_some() || arguments.owner.is_some() {
            "No case is like that."
        } else if arguments.all {
            "There was no case yet."
        } else {
            "No case is open."
        });
        return Ok(());
    }
    // What is overdue comes first, longest first.
    rows.sort_by_key(|row| overdue.get(&row.case.id).map_or((true, Timestamp::MAX), |_| (false, row.case.since)));
    say(&summary(&rows, rows.iter().filter(|row| overdue.contains_key(&row.case.id)).count()));
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|CaseRow { case, mention, theme, due }| {
            let entry = &mention.entry;
            let title = match theme {
                Some(theme) => words_of_theme(theme),
                None if entry.title.is_empty() => entry.text.clone(),
                None => entry.title.clone(),
            };
            vec![
                case.id.to_string(),
                case.status.as_str().into(),
                case.owner.words(),
                case.category.as_str().into(),
                case.severity.as_str().into(),
                at(Some(case.opened), zone),
                at(*due, zone),
                overdue.get(&case.id).map_or_else(|| "-".into(), words_of_reminder),
                short(&title, 60),
            ]
        })
        .collect();
    say(&table(
        &["CASE", "STATUS", "WITH", "CATEGORY", "SEVERITY", "OPENED", "NEXT REMINDER", "OVERDUE", "TITLE"],
        &lines,
    ));
    Ok(())
}

/// `3 cases: 2 open, 1 answered; 1 overdue.`
fn summary(rows: &[CaseRow], overdue: usize) -> String {
    let count = |status: CaseStatus| rows.iter().filter(|row| row.case.status == status).count();
    let parts: Vec<String> = CaseStatus::ALL
        .into_iter()
        .map(|status| (count(status), status))
        .filter(|(count, _)| *count > 0)
        .map(|(count, status)| format!("{count} {}", status.as_str()))
        .collect();
    let what = if rows.len() == 1 { "case" } else { "cases" };
    format!("{} {what}: {}; {overdue} overdue.", rows.len(), parts.join(", "))
}

/// What is overdue, and who was told of it last.
fn words_of_reminder(last: &LastReminder) -> String {
    format!("{}, {} told", last.clock, last.rung)
}

/// Through the daemon if one runs, else directly.
async fn act(config: &Config, id: i64, action: Action, by: Option<String>) -> Result<(), Failure> {
    let state: &Path = &config.daemon.state;
    let request = Request::Case { id, action: action.clone(), by: by.clone() };
    if let Some(answer) = control::ask(state, &request).await {
        return answer.map(|_| ()).map_err(Failure::Failed);
    }
    let store = Store::open(state)?;
    let done = store.record().act_on_case(case_desk(config), id, action, by, Clock::system().now()).await?;
    store.close().await;
    done.map(|_| ()).map_err(|refusal| Failure::Failed(refusal.to_string()))
}

fn case_json(case: &Case, due: Option<jiff::Timestamp>) -> Value {
    let mut value = json!(case);
    value["next_reminder"] = json!(due);
    value
}

fn row_json(row: &CaseRow) -> Value {
    let mut value = case_json(&row.case, row.due);
    let entry = &row.mention.entry;
    value["title"] = json!(entry.title);
    value["url"] = json!(entry.url);
    value["about_theme"] = json!(row.theme);
    value
}

fn file_json(file: &CaseFile) -> Value {
    let mut value = case_json(&file.case, file.due);
    value["title"] = json!(file.mention.entry.title);
    value["url"] = json!(file.mention.entry.url);
    value["about_theme"] = json!(file.theme);
    value["history"] = json!(file.steps);
    value["later_mentions"] = file
        .later
        .iter()
        .map(|l| json!({ "mention": l.mention.id, "complains": l.complains, "text": l.mention.entry.text, "url": l.mention.entry.url }))
        .collect();
    value["earlier_cases"] = json!(file.earlier);
    value
}

fn show(file: &CaseFile, zone: &TimeZone) -> String {
    let CaseFile { case, mention, theme, steps, later, earlier, due } = file;
    let entry = &mention.entry;
    let mut lines = vec![format!(
        "Case {}: {}, {}, {}",
        case.id,
        case.status.as_str(),
        case.category.as_str(),
        case.severity.as_str()
    )];
    if let Some(theme) = theme {
        lines.push(words_of_theme(theme));
        lines.push("The first of them wrote:".into());
    }
    lines.extend([
        entry.title.clone(),
        short(&entry.text, 600),
        String::new(),
        format!("mention     {} from {}", mention.id, mention.source),
        format!("link        {}", entry.url.as_deref().unwrap_or("-")),
        format!("with        {}", case.owner.words()),
        format!("opened      {}", at(Some(case.opened), zone)),
        format!("reminder    {}", at(*due, zone)),
    ]);
    lines.extend(case.failed.iter().map(|owner| format!("failed by   {}", owner.words())));
    for one in later {
        let entry = &one.mention.entry;
        let when = at(Some(entry.published.unwrap_or(one.mention.fetched)), zone);
        let what = match (one.complains, theme) {
            (true, _) => "complaint",
            (false, Some(_)) => "another",
            (false, None) => "later",
        };
        lines.push(format!("{what:<11} {when}  {}", short(&entry.text, 100)));
    }
    lines.extend(earlier.iter().map(|e| {
        format!(
            "earlier     case {}, {}, {}: {}",
            e.case,
            at(Some(e.opened), zone),
            e.category.as_str(),
            e.status.as_str()
        )
    }));
    lines.push(String::new());
    lines.extend(steps.iter().map(|step| format!("{}  {}", at(Some(step.at), zone), words(step, theme.is_some()))));
    lines.join("\n")
}

/// What a theme's case is about.
fn words_of_theme(theme: &ThemeTitle) -> String {
    let who = match theme.people {
        0 => String::new(),
        1 => " (1 person)".to_owned(),
        people => format!(" ({people} people)"),
    };
    format!("theme {}: {}{who}", theme.id, theme.name)
}

/// A line of the history.
fn words(step: &CaseStep, of_theme: bool) -> String {
    let what = match &step.what {
        Happening::Satisfied if of_theme => "it is over".to_owned(),
        Happening::Unsatisfied { failed } if of_theme => {
            format!("people still have the issue; it was with {}", failed.words())
        }
        Happening::Opened { owner, why } => format!("opened, with {}: {}", owner.words(), why.words()),
        Happening::Unsatisfied { failed } => format!("the customer is not satisfied; it was with {}", failed.words()),
        Happening::Moved { from, to, why } => format!("from {} to {}: {}", from.words(), to.words(), why.words()),
        Happening::Dismissed { reason } => format!("dismissed: {reason}"),
        Happening::Reopened { reason } => format!("reopened: {reason}"),
        Happening::CameBack { mention, severity } => {
            format!("the author complained again in mention {mention}: severity {} now", severity.as_str())
        }
        Happening::Gathered { mention, more, severity } => {
            let severity = severity.as_str();
            format!("mention {mention} gathered {more} replies and reposts within a day: severity {severity} now")
        }
        Happening::Noted { text } => format!("noted: {}", text.replace('\n', " ")),
        Happening::Evidence { mention } => format!("the author wrote again in mention {mention}"),
        Happening::Reminded { clock, rung, to } => {
            format!("{} is overdue: mail to the {} ({to})", clock.as_str(), rung.as_str())
        }
        other => other.as_str().to_owned(),
    };
    match &step.by {
        Some(by) => format!("{what}, by {by}"),
        None => what,
    }
}

/// Characters of a reason; what is longer belongs into a mail.
const MAX_REASON: usize = 500;
/// Bytes of a mail address (RFC 5321, 4.5.3.1) or a department's key.
const MAX_ADDRESS: usize = 254;

/// Words that somebody wrote: not none, and not too many. Which flag they belong to is said by whoever calls.
pub(super) fn said(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("it says nothing: write a few words in quotes".to_owned())
    } else if text.chars().count() > MAX_REASON {
        Err(format!("at most {MAX_REASON} characters"))
    } else {
        Ok(text.to_owned())
    }
}

fn address(text: &str) -> Result<String, String> {
    let text = text.trim();
    let wrong = text.is_empty() || text.len() > MAX_ADDRESS || text.chars().any(char::is_control);
    if wrong { Err("that is no mail address".to_owned()) } else { Ok(text.to_owned()) }
}

fn status(name: &str) -> Result<CaseStatus, String> {
    one_of("state", name, &CaseStatus::ALL, CaseStatus::as_str)
}
