//! The command line: arguments, and one file a command. Results go to stdout, everything else to stderr; exit 0 done,
//! 1 failed, 2 wrong usage or configuration.

mod backtest;
mod backup;
mod cases;
mod check;
mod correct;
mod evaluate;
mod explain;
mod forget;
mod health;
mod logging;
mod manual;
mod mentions;
mod once;
mod outbox;
mod output;
mod report;
mod route;
mod run;
mod source_trial;
mod sources;
mod themes;
mod trial;
mod warnings;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::{self, Config, Loaded, Secrets};
use crate::store::StoreError;
use crate::text::known::unknown;

pub use output::say;

/// Where the configuration is looked for when nothing names it.
const DEFAULT_CONFIGS: [&str; 2] = ["mentiond.toml", "/etc/mentiond/mentiond.toml"];

/// Watches what is said about a brand, tells the right people once, and stays on it until the customer is satisfied.
#[derive(Debug, Parser)]
#[command(name = "mentiond", version, max_term_width = 100)]
pub struct Cli {
    /// Configuration file [default: ./mentiond.toml, then /etc/mentiond/mentiond.toml]
    #[arg(long, global = true, env = "MENTIOND_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Log form: text, json or journald [default: text, or journald under systemd]
    #[arg(long, global = true, value_enum, value_name = "FORM")]
    log: Option<logging::Form>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run as a daemon: poll on schedule, deliver as mail becomes due
    Run,
    /// Poll every source once now, deliver what is due, print a summary
    Once(Json),
    /// Check the configuration and print what would run
    Check(Json),
    /// Show what would happen to a text, file or URL, and why
    Explain(explain::Arguments),
    /// Show what a changed configuration would have found, mailed and routed
    Backtest(backtest::Arguments),
    /// List mentions, or show one with its reasons and mails; correct what it was taken for
    Mentions(mentions::Arguments),
    /// List cases, show one with its history, and act on it
    Cases(cases::Arguments),
    /// List issues that several people share, show one, merge, split, rename or close it
    Themes(themes::Arguments),
    /// List what was out of the ordinary, and show what is usual
    Warnings(warnings::Arguments),
    /// Test which route takes a mention, and why the others do not
    Route(route::Arguments),
    /// List sources with their health
    Sources(sources::Arguments),
    /// List mail, show what is stuck and why, retry it
    Outbox(outbox::Arguments),
    /// Write a report about a period: figures, charts, response times, quotes
    Report(report::Arguments),
    /// Erase a person everywhere, and prove it
    Forget(forget::Arguments),
    /// Measure decisions on labelled texts: accuracy, precision, recall, confusion
    Evaluate(evaluate::Arguments),
    /// Copy the state into a folder, also while the daemon runs
    Backup(backup::BackUp),
    /// Make the state what it was at a backup
    Restore(backup::Restore),
    /// Ask the running daemon whether it is well
    Health(health::Arguments),
    /// Write man pages and shell completions
    #[command(hide = true)]
    Manual(manual::Arguments),
}

/// For commands that report.
#[derive(Clone, Copy, Debug, Args)]
struct Json {
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

/// Why a command did not do what it was asked to.
#[derive(Debug)]
enum Failure {
    /// Wrong usage or configuration: exit 2. Already worded for a person.
    Usage(String),
    /// It was tried and failed: exit 1.
    Failed(String),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Failed(error.to_string())
    }
}

/// Does what the arguments ask for. `shutdown` ends it in order; a message on `reload` has the daemon read its
/// configuration again.
pub async fn execute(cli: Cli, shutdown: CancellationToken, reload: mpsc::Receiver<()>) -> ExitCode {
    logging::start(cli.log, matches!(cli.command, Command::Run));
    let config = cli.config;
    let result = match cli.command {
        Command::Run => run::run(config, shutdown, reload).await,
        Command::Once(arguments) => once::run(config, arguments.json, shutdown).await,
        Command::Check(arguments) => check::run(config, arguments.json),
        Command::Explain(arguments) => explain::run(config, &arguments).await,
        Command::Backtest(arguments) => backtest::run(config, &arguments),
        Command::Mentions(arguments) => mentions::run(config, &arguments).await,
        Command::Cases(arguments) => cases::run(config, &arguments).await,
        Command::Themes(arguments) => themes::run(config, &arguments).await,
        Command::Warnings(arguments) => warnings::run(config, &arguments),
        Command::Route(arguments) => route::run(config, &arguments).await,
        Command::Sources(arguments) => sources::run(config, &arguments).await,
        Command::Outbox(arguments) => outbox::run(config, &arguments).await,
        Command::Report(arguments) => report::run(config, &arguments),
        Command::Forget(arguments) => forget::run(config, &arguments).await,
        Command::Evaluate(arguments) => evaluate::run(config, &arguments),
        Command::Backup(arguments) => backup::back_up(config, &arguments),
        Command::Restore(arguments) => backup::restore(config, &arguments),
        Command::Health(arguments) => health::run(config, &arguments).await,
        Command::Manual(arguments) => manual::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            eprintln!("{}", message.trim_end());
            ExitCode::from(2)
        }
        Err(Failure::Failed(message)) => {
            eprintln!("mentiond: {}", message.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// The configuration file to use, if one is named or lies in a usual place.
fn find_config(named: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| DEFAULT_CONFIGS.iter().map(PathBuf::from).find(|path| path.exists()))
}

/// Where the record is; there must be one.
fn record_of(config: &Config) -> Result<PathBuf, Failure> {
    record_if_any(config)?.ok_or_else(|| {
        let folder = config.daemon.state.display();
        Failure::Failed(format!("there is no record in {folder} yet; `mentiond once` or `mentiond run` makes it"))
    })
}

/// Where the record is, if there is one. Whoever may not look into the folder is told so: to them it is not empty.
fn record_if_any(config: &Config) -> Result<Option<PathBuf>, Failure> {
    let path = config.daemon.state.join("record.sqlite");
    match path.try_exists() {
        Ok(there) => Ok(there.then_some(path)),
        Err(error) => Err(Failure::Failed(format!(
            "{}: {error}; run this as the user whose mentiond it is, or as root (`sudo mentiond …`)",
            config.daemon.state.display()
        ))),
    }
}

/// Reads the configuration without its secrets.
fn load(named: Option<PathBuf>) -> Result<Loaded, Failure> {
    // Only what talks to servers needs passwords: the others must work in a shell too, where systemd hands over none.
    load_with(named, Secrets::Skip)
}

fn load_with(named: Option<PathBuf>, secrets: Secrets) -> Result<Loaded, Failure> {
    let Some(path) = find_config(named) else {
        return Err(Failure::Usage(format!(
            "mentiond: no configuration found ({}); name one with --config FILE, or start from config/mentiond.toml",
            DEFAULT_CONFIGS.join(", ")
        )));
    };
    config::load_with(&path, secrets)
        .map_err(|errors| Failure::Usage(errors.render(output::colours(&std::io::stderr()))))
}

/// Whether a filter names something that the configuration has; else what it could have meant.
fn is_known<'a>(
    flag: &str,
    kind: &str,
    name: Option<&String>,
    known: impl Iterator<Item = &'a str>,
) -> Result<(), Failure> {
    let words = name.and_then(|name| unknown(kind, name, &known.collect::<Vec<_>>()));
    words.map_or(Ok(()), |words| Err(Failure::Usage(format!("mentiond: {flag}: {words}"))))
}

/// The departments of a configuration, as filters name them.
fn departments(config: &Config) -> impl Iterator<Item = &str> {
    config.routing.departments.iter().map(|d| d.key.as_str())
}

/// Its watchlists.
fn watchlists(config: &Config) -> impl Iterator<Item = &str> {
    config.watchlists.iter().map(|w| w.name.as_str())
}

/// One of a few words, or what it could have meant.
fn one_of<T: Copy>(kind: &str, name: &str, all: &[T], word: impl Fn(T) -> &'static str) -> Result<T, String> {
    let words: Vec<&str> = all.iter().map(|one| word(*one)).collect();
    let found = all.iter().copied().find(|one| word(*one) == name);
    found.ok_or_else(|| unknown(kind, name, &words).unwrap_or_default())
}

/// An age on the command line: `24h`, `7d`, `2w`; a day is 24 hours.
fn age(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| "write a number and a unit: 24h, 7d, 2w".to_owned())?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).map(SignedDuration::abs).map_err(|error| error.to_string())
}

/// Reads the configuration with its secrets, and shows the warnings.
fn load_and_warn(named: Option<PathBuf>) -> Result<Loaded, Failure> {
    let loaded = load_with(named, Secrets::Required)?;
    for warning in &loaded.warnings {
        eprintln!("{}", warning.render(output::colours(&std::io::stderr())));
    }
    Ok(loaded)
}
