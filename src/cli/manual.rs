//! `mentiond manual`: man pages and shell completions, made from the definitions of the commands. For packages; hidden.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::output::say;
use super::{Cli, Failure};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where `man/` and `completions/` are put
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folder = &arguments.folder;
    write(folder).map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))?;
    say(&format!("{}: man pages and completions", folder.display()));
    Ok(())
}

fn write(folder: &Path) -> std::io::Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut Cli::command(), "mentiond", &completions)?;
    }
    // One page a command: mentiond-cases-show(1).
    clap_mangen::generate_to(Cli::command(), &man)
}
