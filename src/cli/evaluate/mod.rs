//! `mentiond evaluate`: how right the classifier is about labelled texts.

mod labels;
mod score;

use std::path::PathBuf;

use clap::Args;

use super::Failure;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Labelled files: tab-separated, with a header; one is reported in full, several as a table
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the labels mean in mentiond's words, beside what is known already
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    labels::run(&arguments.files, arguments.labels.as_deref(), arguments.json)
}
