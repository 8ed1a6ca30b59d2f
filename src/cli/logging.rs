//! The log: text for people, JSON for collectors, fields for the journal.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Environment variable that chooses what is logged, in the syntax of tracing's `EnvFilter`.
const FILTER: &str = "MENTIOND_LOG";

/// What a log line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    Text,
    Json,
    Journald,
}

/// Starts the log. The daemon tells what it does; commands only what went wrong, unless `MENTIOND_LOG` says otherwise.
pub(super) fn start(form: Option<Form>, daemon: bool) {
    let usual = if daemon { "info" } else { "error" };
    let filter = EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(usual));
    let under_systemd = std::env::var_os("JOURNAL_STREAM").is_some() && !std::io::stderr().is_terminal();
    let form = form.unwrap_or(if under_systemd { Form::Journald } else { Form::Text });
    let registry = tracing_subscriber::registry().with(filter);
    let text = || {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(super::output::colours(&std::io::stderr()))
            .with_target(false)
    };
    // A second start (tests) keeps the first log.
    let _ = match form {
        Form::Text => registry.with(text()).try_init(),
        Form::Json => registry
            .with(
                tracing_subscriber::fmt::layer()
                    .json()
                    .flatten_event(true)
                    .with_writer(std::io::stderr)
                    .with_target(false),
            )
            .try_init(),
        Form::Journald => match tracing_journald::layer() {
            Ok(journal) => registry.with(journal).try_init(),
            Err(_) => registry.with(text()).try_init(),
        },
    };
}
