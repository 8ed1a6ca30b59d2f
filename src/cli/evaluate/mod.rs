//! `mentiond evaluate`: how right its decisions are about texts that people labelled.

mod labels;
mod pairs;
mod score;

use std::path::PathBuf;

use clap::Args;

use super::explain::Explainer;
use super::{Failure, find_config};
use crate::classify::{Classifier, Input};
use crate::model::{Classification, Entry};
use crate::query::Scratch;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Labelled files: tab-separated, with a header; one is reported in full, several as a table
    #[arg(value_name = "FILE", required_unless_present = "pairs", conflicts_with = "pairs")]
    files: Vec<PathBuf>,
    /// What the labels mean in mentiond's words, beside what is known already
    #[arg(long, value_name = "FILE", conflicts_with = "pairs")]
    labels: Option<PathBuf>,
    /// Judge as configured: with the watchlists' brands, your [[cues]] and what was corrected
    #[arg(long, conflicts_with = "pairs")]
    configured: bool,
    /// Show so many of the rows that were judged otherwise, the first, and what decided
    #[arg(long, value_name = "COUNT", default_value_t = 0, hide_default_value = true, conflicts_with = "pairs")]
    wrong: usize,
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

pub(super) fn run(config: Option<PathBuf>, arguments: &Arguments) -> Result<(), Failure> {
    if let Some(pairs) = &arguments.pairs {
        return pairs::run(pairs, arguments.positive.as_deref(), arguments.json);
    }
    let mut judge: Box<dyn Judge> = match arguments.configured {
        true if find_config(config.clone()).is_none() => {
            let why = "mentiond: --configured needs a configuration, and none was found; name one with --config FILE";
            return Err(Failure::Usage(why.to_owned()));
        }
        true => Box::new(Configured { explainer: Explainer::new(config)?, scratch: Scratch::default() }),
        false => Box::new(Classifier::new()),
    };
    labels::run(&arguments.files, arguments.labels.as_deref(), judge.as_mut(), arguments.wrong, arguments.json)
}

/// Who judges a labelled text: what is shipped alone, or all that is configured.
trait Judge {
    fn judge(&mut self, text: &str, lang: Option<&str>, rating: Option<f32>) -> Classification;
}

impl Judge for Classifier {
    fn judge(&mut self, text: &str, lang: Option<&str>, rating: Option<f32>) -> Classification {
        self.classify(&Input { text, lang_hint: lang, rating, ..Input::default() })
    }
}

struct Configured {
    explainer: Explainer,
    scratch: Scratch,
}

impl Judge for Configured {
    fn judge(&mut self, text: &str, lang: Option<&str>, rating: Option<f32>) -> Classification {
        let entry = Entry { text: text.to_owned(), lang: lang.map(str::to_owned), rating, ..Entry::default() };
        self.explainer.explain(&entry, "", &mut self.scratch).classification
    }
}
