//! `mentiond evaluate`: how well it decides on texts that people labelled.

mod pairs;

use std::path::PathBuf;

use clap::Args;

use super::Failure;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A TSV file with the columns text, text2 and label: are both the same story?
    #[arg(long, value_name = "FILE")]
    pairs: PathBuf,
    /// The label that means "the same" [default: the one that is not "different", "not…", "no" or "0"]
    #[arg(long, value_name = "LABEL", requires = "pairs")]
    positive: Option<String>,
    /// Print JSON for machines
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    pairs::run(&arguments.pairs, arguments.positive.as_deref(), arguments.json)
}
