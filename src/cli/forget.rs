//! `mentiond forget`: erases a person, and proves it.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde_json::json;

use super::output::{say, say_json};
use super::{Failure, load, record_if_any};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::World;
use crate::daemon::control::{self, Request};
use crate::daemon::engine;
use crate::model::{Person, Who};
use crate::store::Remains;
use crate::store::record::Erasure;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("who").required(true))]
pub(super) struct Arguments {
    /// Handle (with or without @) or display name of the person
    #[arg(long, value_name = "HANDLE", group = "who")]
    author: Option<String>,
    /// Mail address of the person
    #[arg(long, value_name = "ADDRESS", group = "who")]
    email: Option<String>,
    /// Only what this source yielded; may be given several times [default: everything]
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,
    /// Only show what would be erased
    #[arg(long)]
    dry_run: bool,
    /// Also if it is the name of the brand, of a watchlist's word, or of somebody who works here
    #[arg(long)]
    force: bool,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    let config = load(config)?.config;
    let person = person(&config, arguments)?;
    let state = &config.daemon.state;
    if record_if_any(&config)?.is_none() {
        return Err(Failure::Failed(format!("there is no record in {}: nobody is known there", state.display())));
    }
    let shared = Shared::of(&config, &person);
    if let Some(words) = shared.brand_words().filter(|_| !arguments.force && !arguments.dry_run) {
        return Err(Failure::Usage(format!(
            "mentiond: {words}: nothing was changed. `--dry-run` shows what would be struck, `--source NAME` narrows it, and \
             `--force` does it all the same"
        )));
    }
    // Others bear the name: first it is shown what would go.
    let stopped = !arguments.force && !arguments.dry_run && !shared.people.is_empty();
    let dry_run = arguments.dry_run || stopped;
    let warnings: Vec<String> = shared.brand_words().into_iter().chain(shared.people_words()).collect();
    let request = Request::Forget { person: person.clone(), dry_run };
    let (erasure, remains) = match control::ask_to_forget(state, &request).await {
        Some(answer) => answer.map_err(Failure::Failed)?,
        None => {
            let world = World::open(state, Clock::system())?;
            let done = world.forget_person(person, engine::case_desk(&config), dry_run).await;
            world.store.close().await;
            done?
        }
    };
    let proven = !dry_run && remains.is_empty();
    for warning in &warnings {
        eprintln!("mentiond: warning: {warning}");
    }
    if arguments.json {
        let found = json!({
            "dry_run": dry_run, "erased": erasure, "remains": remains, "proven": proven, "warnings": warnings,
        });
        say_json(&found)?;
    } else {
        say(&words(&erasure, &remains, dry_run));
    }
    if stopped {
        return Err(Failure::Failed(
            "nothing was changed, because somebody who works here has this name too: `--source NAME` narrows it, `--email` \
             names one person, and `--force` erases all the same"
                .to_owned(),
        ));
    }
    if dry_run || remains.is_empty() {
        return Ok(());
    }
    let places: Vec<String> = remains.iter().map(|r| format!("{} ({})", r.place, r.times)).collect();
    Err(Failure::Failed(format!(
        "the person is still named in {}; a folder or file that mentiond did not make, or a configured source that is named \
         after them, is yours to remove",
        places.join(", ")
    )))
}

/// Who and what else bears the name of the person: their names would be struck out of what others wrote, too.
#[derive(Debug, Default)]
struct Shared {
    /// `the name of watchlist acme`.
    brand: Vec<String>,
    /// `Ana Ruiz (support)`.
    people: Vec<String>,
}

impl Shared {
    fn of(config: &Config, person: &Person) -> Self {
        let Some(needle) = person.needle() else { return Self::default() };
        let (Who::Email(named) | Who::Author(named)) = &person.who;
        let named = named.trim().trim_start_matches('@').to_lowercase();
        // A single word is struck out where it is a handle only; as the brand's own name it is nobody's.
        let says = |text: &str| needle.is_in(text.as_bytes()) || text.trim().to_lowercase() == named;
        let mut brand = Vec::new();
        for watchlist in &config.watchlists {
            if says(&watchlist.display) || says(&watchlist.name) {
                brand.push(format!("the name of watchlist {}", watchlist.name));
            }
            if watchlist.query.terms().into_iter().any(|term| says(term.trim_matches(['"', '*', ' ']))) {
                brand.push(format!("in the query of watchlist {}", watchlist.name));
            }
        }
        let departments = &config.routing.departments;
        brand.extend(departments.iter().filter(|d| says(&d.name)).map(|d| format!("the name of department {}", d.key)));
        let members = departments.iter().flat_map(|d| d.members.iter().map(move |m| (d, m)));
        let mut people: Vec<String> =
            members.filter(|(_, m)| says(&m.name)).map(|(d, m)| format!("{} ({})", m.name, d.key)).collect();
        people.dedup();
        Self { brand, people }
    }

    fn brand_words(&self) -> Option<String> {
        let words = format!(
            "what you want to have forgotten is {}, so it would be struck out of what everybody wrote",
            self.brand.join(" and ")
        );
        (!self.brand.is_empty()).then_some(words)
    }

    fn people_words(&self) -> Option<String> {
        let [first, ..] = self.people.as_slice() else { return None };
        Some(match self.people.len() {
            1 => format!(
                "1 person who works here has this name too, {first}: where others name them, in posts and in histories, it is struck out as well"
            ),
            n => format!(
                "{n} people who work here have this name too, {}: where others name them, in posts and in histories, it is struck out as well",
                self.people.join(", ")
            ),
        })
    }
}

/// Whom the arguments name; not somebody who works here.
fn person(config: &Config, arguments: &Arguments) -> Result<Person, Failure> {
    let who = match (&arguments.author, &arguments.email) {
        (Some(author), _) => Who::Author(author.trim().to_owned()),
        (None, Some(email)) => Who::Email(email.trim().to_owned()),
        (None, None) => return Err(Failure::Usage("mentiond: name the person with --author or --email".into())),
    };
    if let Who::Email(email) = &who
        && !email.contains('@')
    {
        return Err(Failure::Usage(format!(
            "mentiond: {email} is no mail address; use --author for handles and names"
        )));
    }
    for source in &arguments.source {
        if !config.sources.iter().any(|s| s.name == *source) {
            eprintln!(
                "mentiond: note: no source is called {source} in the configuration; what it once yielded is looked at"
            );
        }
    }
    let person = Person { who, sources: arguments.source.clone() };
    if person.needle().is_none() {
        return Err(Failure::Usage("mentiond: say who: the handle, name or address is empty".into()));
    }
    let (Who::Email(named) | Who::Author(named)) = &person.who;
    if let Some(place) = where_configured(config, named) {
        return Err(Failure::Usage(format!(
            "mentiond: {named} is configured as {place}: take it out of the configuration first, or mail would still go there"
        )));
    }
    Ok(person)
}

/// Where the configuration has a mail address, if it has.
fn where_configured(config: &Config, email: &str) -> Option<String> {
    let same = |address: &str| address.eq_ignore_ascii_case(email);
    if config.daemon.contact.as_deref().is_some_and(same) {
        return Some("the contact".into());
    }
    if let Some(department) = config.routing.departments.iter().find(|d| d.reads(email)) {
        return Some(format!("an address of department {}", department.key));
    }
    let watchlist = config.watchlists.iter().find(|w| w.alert.iter().any(|a| same(a)))?;
    Some(format!("a subscriber of watchlist {}", watchlist.name))
}

fn words(erasure: &Erasure, remains: &[Remains], dry_run: bool) -> String {
    let mut lines = vec![if dry_run { "This would be erased:".to_owned() } else { "Erased:".to_owned() }];
    for (count, what) in [
        (erasure.mentions, "mentions written by the person (words, name and link)"),
        (erasure.versions, "earlier versions of them"),
        (erasure.corrections, "corrections of them, with their texts"),
        (erasure.fingerprints, "fingerprints of their texts, in the record and in the index"),
        (erasure.cases, "cases about them (reasons that people gave)"),
        (erasure.dismissed, "of these were open and are dismissed; owner and community are told"),
        (erasure.unmatched, "entries that had matched nothing"),
        (erasure.reworded, "mails that had not left: they say now that everything was erased"),
        (erasure.cancelled, "mails to the person that had not left: they are not sent"),
    ] {
        if count > 0 {
            lines.push(format!("{count:>7}  {what}"));
        }
    }
    for (table, count) in &erasure.struck {
        lines.push(format!("{count:>7}  places where others named the person, struck out: {table}"));
    }
    if lines.len() == 1 {
        lines.push("      0  nothing: the record does not know the person".into());
    }
    lines.push(format!(
        "Kept: {} keyed hashes of entries, so that what sources still serve of them does not come back; hashes of links, so \
         that nothing is said twice. Mails that were sent are with those who got them.",
        erasure.kept_away
    ));
    if !erasure.also_known_as.is_empty() {
        let names: Vec<&str> = erasure.also_known_as.iter().map(String::as_str).collect();
        lines.push(format!(
            "Their mentions also bore these names; forget those too if they should go: {}",
            names.join(", ")
        ));
    }
    match (dry_run, remains) {
        (true, _) => lines.push("Nothing was changed.".into()),
        (false, []) => {
            lines.push("Looked through every table and every file of the state folder: nothing names them.".into())
        }
        (false, _) => {}
    }
    lines.join("\n")
}
