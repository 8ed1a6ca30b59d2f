//! `mentiond mentions correct|corrections|undo`: say what a mention really is, see what was said, take it back.

use clap::Subcommand;
use serde_json::json;

use super::mentions::category;
use super::output::{at, say, say_json, short, table};
use super::{Failure, record_of};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::control::{self, Request};
use crate::daemon::engine::case_desk;
use crate::model::{Category, SentimentLabel};
use crate::store::Store;
use crate::store::record::{CaseFile, CorrectionRow, NewCorrection, Record};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Say what a mention really is; texts of similar words are read so from now on
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
    Correct {
        /// Number of the mention
        id: i64,
        /// Its category
        #[arg(long, value_name = "NAME", value_parser = category, group = "what")]
        category: Option<Category>,
        /// Its sentiment: very-negative, negative, neutral, positive or very-positive
        #[arg(long, value_name = "STEP", value_parser = sentiment, group = "what")]
        sentiment: Option<SentimentLabel>,
        /// Who says so
        #[arg(long, value_name = "NAME", default_value = "")]
        by: String,
        /// Print JSON for machines
        #[arg(long)]
        json: bool,
    },
    /// List corrections, newest first
    Corrections {
        /// Those too that were taken back
        #[arg(long)]
        all: bool,
        /// Print them with their texts, tab-separated, to keep or to hand on
        #[arg(long, conflicts_with = "json")]
        export: bool,
        /// Newest corrections, at most this many
        #[arg(long, default_value_t = 1000)]
        limit: usize,
        /// Print JSON for machines
        #[arg(long)]
        json: bool,
    },
    /// Take a correction back, by its number; the mention is again what it was
    Undo {
        /// Number of the correction
        correction: i64,
        /// Print JSON for machines
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(config: &Config, action: &Action) -> Result<(), Failure> {
    match action {
        Action::Correct { id, category, sentiment, by, json } => {
            let new = NewCorrection { mention: *id, category: *category, sentiment: *sentiment, author: by.clone() };
            let number = correct(config, new).await?;
            if number == 0 {
                return Err(Failure::Failed(format!("there is no mention {id}; `mentiond mentions` lists the newest")));
            }
            if *json {
                return say_json(&json!({ "correction": number, "mention": id }));
            }
            say(&format!(
                "Mention {id} is corrected (correction {number}); texts of similar words are read so from now on. \
                 `mentiond mentions undo {number}` takes it back.{}",
                open_case(config, *id)?
            ));
            Ok(())
        }
        Action::Corrections { all, export, limit, json } => list(config, *all, *export, *limit, *json),
        Action::Undo { correction, json } => {
            if !undo(config, *correction).await? {
                return Err(Failure::Failed(format!(
                    "there is no correction {correction} in force; `mentiond mentions corrections` lists them"
                )));
            }
            if *json {
                return say_json(&json!({ "undone": correction }));
            }
            say(&format!("Correction {correction} is taken back."));
            Ok(())
        }
    }
}

/// What became of a mention's case, if that is not over: what a person decided about it is not undone by other words.
fn open_case(config: &Config, mention: i64) -> Result<String, Failure> {
    let record = Record::open_to_read(&record_of(config)?)?;
    let case = record.mention(mention)?.and_then(|row| row.case).map(|case| record.case(case)).transpose()?.flatten();
    Ok(match case.filter(|file| !file.case.status.is_ended()) {
        Some(CaseFile { case, .. }) => format!(
            " Its case {0} stays as it is, with {1}: `mentiond cases dismiss {0} --reason …` if it is none any more.",
            case.id,
            case.owner.words()
        ),
        None => String::new(),
    })
}

/// Asks the running daemon, or does it here if none runs.
async fn correct(config: &Config, new: NewCorrection) -> Result<u64, Failure> {
    let state = &config.daemon.state;
    let NewCorrection { mention, category, sentiment, author } = new.clone();
    match control::ask(state, &Request::Correct { mention, category, sentiment, author }).await {
        Some(answer) => answer.map_err(Failure::Failed),
        None => {
            let store = Store::open(state)?;
            let id = store.record().correct(case_desk(config), new, Clock::system().now()).await;
            store.close().await;
            Ok(id?.map_or(0, i64::unsigned_abs))
        }
    }
}

async fn undo(config: &Config, id: i64) -> Result<bool, Failure> {
    let state = &config.daemon.state;
    match control::ask(state, &Request::Uncorrect { id }).await {
        Some(answer) => answer.map(|done| done > 0).map_err(Failure::Failed),
        None => {
            let store = Store::open(state)?;
            let done = store.record().undo_correction(id, Clock::system().now()).await;
            store.close().await;
            Ok(done?)
        }
    }
}

fn list(config: &Config, all: bool, export: bool, limit: usize, json: bool) -> Result<(), Failure> {
    let record = Record::open_to_read(&config.daemon.state.join("record.sqlite"))?;
    let rows = record.list_corrections(all, limit)?;
    if json {
        return say_json(&json!(rows));
    }
    if export {
        let mut lines =
            vec!["id\tmention\tlang\tcategory\tsentiment\twas_category\twas_sentiment\tby\ttext".to_owned()];
        lines.extend(rows.iter().map(exported));
        say(&lines.join("\n"));
        return Ok(());
    }
    if rows.is_empty() {
        say("Nothing was corrected yet: mentiond mentions correct ID --category … --sentiment …");
        return Ok(());
    }
    let zone = &config.daemon.timezone;
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let change =
                |was: &str, now: Option<&str>| now.map_or_else(|| "-".to_owned(), |now| format!("{was} → {now}"));
            vec![
                row.id.to_string(),
                row.mention.to_string(),
                at(Some(row.at), zone),
                if row.author.is_empty() { "-".to_owned() } else { row.author.clone() },
                change(row.was_category.as_str(), row.category.map(Category::as_str)),
                change(row.was_sentiment.as_str(), row.sentiment.map(SentimentLabel::as_str)),
                if row.undone.is_some() { "taken back".to_owned() } else { "in force".to_owned() },
                short(&row.text, 60),
            ]
        })
        .collect();
    say(&table(&["CORRECTION", "MENTION", "AT", "BY", "CATEGORY", "SENTIMENT", "STATE", "TEXT"], &lines));
    Ok(())
}

/// One line; tabs and line breaks of the text become spaces.
fn exported(row: &CorrectionRow) -> String {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    [
        row.id.to_string(),
        row.mention.to_string(),
        row.language.clone(),
        row.category.map_or("", Category::as_str).to_owned(),
        row.sentiment.map_or("", SentimentLabel::as_str).to_owned(),
        row.was_category.as_str().to_owned(),
        row.was_sentiment.as_str().to_owned(),
        plain(&row.author),
        plain(&row.text),
    ]
    .join("\t")
}

fn sentiment(name: &str) -> Result<SentimentLabel, String> {
    SentimentLabel::parse(name)
        .ok_or_else(|| format!("known: {}", SentimentLabel::ALL.map(SentimentLabel::as_str).join(", ")))
}
