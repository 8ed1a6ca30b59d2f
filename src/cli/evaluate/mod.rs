//! `mentiond evaluate`: how right its decisions are about texts that people labelled.

mod labels;
mod pairs;
mod score;

use std::path::PathBuf;

use clap::Args;

use super::Failure;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Labelled files: tab-separated, with a header; one is reported in full, several as a table
    #[arg(value_name = "FILE", required_unless_present = "pairs", conflicts_with = "pairs")]
    files: Vec<PathBuf>,
    /// What the labels mean in mentiond's words, beside what is known already
    #[arg(long, value_name = "FILE", conflicts_with = "pairs")]
    labels: Option<PathBuf>,
    /// A TSV file with the columns text, text2 and label instead: are both the same story?
    #[arg(long, value_name = "FILE")]
    pairs: Option<PathBuf>,
    /// The label that means "the same" [default: the one that is not "different", "not…", "no" or "0"]
    #[arg(long, value_name = "LABEL", requires = "pairs")]
    positive: Option<String>,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.pairs {
        Some(pairs) => pairs::run(pairs, arguments.positive.as_deref(), arguments.json),
        None => labels::run(&arguments.files, arguments.labels.as_deref(), arguments.json),
    }
}
