//! `mentiond route test`: which route takes a mention, and why each one before it does not.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Failure;
use super::explain::{Explained, Explainer, entries, reasons};
use super::output::{say, say_json, short};
use crate::daemon::reading;
use crate::model::{Category, Decision, Entry};
use crate::query::Scratch;
use crate::routing::{Role, Routing, Tried, Turns};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Command,
    /// Print JSON for machines
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show which route takes a text, file or URL, and why each earlier one does not
    Test(Test),
}

#[derive(Debug, Args)]
struct Test {
    /// A text, a file (a feed or plain text), or a URL of a feed; without it, stdin
    what: Option<String>,
    /// Fail unless it goes to this department (key or address) or person (address)
    #[arg(long, value_name = "WHO")]
    expect: Option<String>,
    /// Name of the source that the text is taken to come from
    #[arg(long, value_name = "NAME", default_value = "explain")]
    source: String,
}

pub(super) async fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let Command::Test(test) = &arguments.action;
    let explainer = Explainer::new(config)?;
    let Some(engine) = &explainer.engine else {
        return Err(Failure::Usage("mentiond: routes stand in a configuration; name one with --config FILE".into()));
    };
    let routing = &engine.config.routing;
    if let Some(who) = test.expect.as_deref().filter(|who| !is_known(routing, who)) {
        let keys: Vec<&str> = routing.departments.iter().map(|d| d.key.as_str()).collect();
        return Err(Failure::Usage(format!(
            "mentiond: --expect: {who} is no department, member or lead of the configuration; departments: {}",
            keys.join(", ")
        )));
    }
    let mut scratch = Scratch::default();
    let (mut said, mut list, mut wrong) = (Vec::new(), Vec::new(), 0_u64);
    for entry in &entries(&explainer, test.what.as_deref()).await? {
        let explained = explainer.explain(entry, &test.source, &mut scratch);
        let Explained { watchlists, classification, decision, .. } = &explained;
        let tried = reading::tried(engine.judges(), classification, &test.source, entry, watchlists);
        let met = test.expect.as_deref().map(|who| goes_to(routing, decision, who));
        wrong += u64::from(met == Some(false));
        if arguments.json {
            list.push(json!({
                "title": entry.title,
                "category": classification.category,
                "severity": classification.severity,
                "routes": tried.iter().map(|t| json!({
                    "route": t.number, "at": t.route.at, "when": t.route.when_source, "takes": t.takes, "unmet": t.unmet,
                })).collect::<Vec<_>>(),
                "route": decision,
                "hint": hint(routing, decision, classification.category, &tried),
                "expected": test.expect,
                "as_expected": met,
            }));
        } else {
            said.push(words(routing, entry, &explained, &tried));
        }
    }
    if arguments.json {
        say_json(&json!(list))?;
    } else {
        say(&said.join("\n\n"));
    }
    match (&test.expect, wrong) {
        (Some(who), 1) => Err(Failure::Failed(format!("it does not go to {who}"))),
        (Some(who), 2..) => Err(Failure::Failed(format!("{wrong} of them do not go to {who}"))),
        _ => Ok(()),
    }
}

fn words(routing: &Routing, entry: &Entry, explained: &Explained, tried: &[Tried<'_>]) -> String {
    let Explained { classification, decision, .. } = explained;
    let mut lines = vec![short(if entry.title.is_empty() { &entry.text } else { &entry.title }, 100)];
    for Tried { number, route, takes, unmet } in tried {
        let result = if *takes {
            "takes it".to_owned()
        } else {
            let unmet: Vec<&str> = unmet.iter().map(String::as_str).collect();
            format!("not: {}", if unmet.is_empty() { "does not hold".to_owned() } else { unmet.join(", ") })
        };
        lines.push(format!("route {number:<5} ({}) {}: {result}", route.at, short(&route.when_source, 80)));
    }
    if !tried.iter().any(|t| t.takes) {
        let which = if routing.routes.is_empty() { "there are no routes" } else { "no route takes it" };
        lines.push(format!("{which}: what departments handle decides"));
    }
    lines.extend(reasons(classification, decision));
    lines.extend(hint(routing, decision, classification.category, tried).map(|hint| format!("hint        {hint}")));
    lines.join("\n")
}

/// How to configure it, where nobody is configured for a category.
fn hint(routing: &Routing, decision: &Decision, category: Category, tried: &[Tried<'_>]) -> Option<String> {
    let handled = routing.departments.iter().any(|d| d.handles.contains(&category));
    if handled || tried.iter().any(|t| t.takes) {
        return None;
    }
    let category = category.as_str();
    let role = if decision.department.is_empty() && routing.with_role(Role::Community).is_none() {
        ", or role = \"community\" to the department that takes what is left"
    } else {
        ""
    };
    Some(format!("add handles = [\"{category}\"] to the department that should get it{role}"))
}

fn is_known(routing: &Routing, who: &str) -> bool {
    routing.departments.iter().any(|d| d.key == who || d.reads(who))
}

/// Whether the owner of a mention is, or can be, this department or person.
fn goes_to(routing: &Routing, decision: &Decision, who: &str) -> bool {
    if let Some(person) = &decision.person {
        return person.eq_ignore_ascii_case(who);
    }
    routing.department(&decision.department).is_some_and(|d| {
        let turn = decision.case && d.turns != Turns::Off && d.member(who).is_some();
        d.key == who || d.email.eq_ignore_ascii_case(who) || turn
    })
}
