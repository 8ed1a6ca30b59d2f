//! Compiles the cue files (`cues.bin`, `emoji.bin`, `letters.bin`), fits the classifier's models to the corpus, the
//! lexicons and the cue files of `src/classify/lang`, and writes `src/classify/lang/<code>/model.bin`:
//!
//! ```sh
//! cargo run --release --example train            # takes a few minutes; prints how right it is on rows held back
//! cargo run --release --example train -- --cues  # only compiles the cue files: after a change of cues, in a second
//! cargo run --release --example train -- --check # only compares: exit 1 if the files in the project are others
//! ```
//!
//! Nothing but files of the project goes into these, and the same files give the same bytes. After them the tables of
//! general talk (`talk.bin`) are fitted to the sets that may be trained on, where `../shared/data/labelled` is there (or
//! `$MENTIOND_SHARED`); elsewhere they stay as they are.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a tool for people who can read a panic")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mentiond::classify::learned::{corpus, talk, train};
use mentiond::classify::packed::{holds, pack};

fn main() -> ExitCode {
    let check = std::env::args().any(|a| a == "--check");
    let only_cues = std::env::args().any(|a| a == "--cues");
    let lang = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/classify/lang");
    let mut same = true;
    let mut put = |path: &str, bytes: &[u8]| {
        let file = lang.join(path);
        if check {
            let is = std::fs::read(&file).is_ok_and(|now| holds(&now, bytes));
            println!("{path}: {}", if is { "the same" } else { "another" });
            same &= is;
        } else {
            let packed = pack(bytes).expect("memory can be written");
            std::fs::write(&file, &packed).expect("the folder can be written");
            println!("{path}: {} bytes, packed {}", bytes.len(), packed.len());
        }
    };
    match train::compiled(&mut |path| std::fs::read_to_string(lang.join(path)).ok()) {
        Ok(files) => files.iter().for_each(|(path, bytes)| put(path, bytes)),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    if only_cues {
        println!("the models see what the cues find: fit them too before a release");
        return ExitCode::SUCCESS;
    }
    let sources =
        match corpus::Sources::read(&mut |path| std::fs::read_to_string(lang.join(path)).ok(), &mut |folder| {
            let names = std::fs::read_dir(lang.join(folder)).ok().into_iter().flatten().flatten();
            names.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
        }) {
            Ok(sources) => sources,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
    println!("{} rows", sources.rows.len());
    let (files, report) = train::train(&sources).expect("the lexicons can be read");
    for line in report.lines {
        println!("{line}");
    }
    for (code, bytes) in train::codes().into_iter().zip(&files) {
        put(&format!("{code}/model.bin"), bytes);
    }
    let shared = std::env::var_os("MENTIOND_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
        .join("data/labelled");
    let read = |set: &&str| std::fs::read_to_string(shared.join(format!("{set}.tsv")));
    match talk::SETS.iter().map(|(set, ..)| read(set)).collect::<Result<Vec<_>, _>>() {
        Ok(sets) => {
            let (files, lines) = talk::fit(&sets, &sources.rows, &files).expect("the models were just made");
            lines.iter().for_each(|line| println!("{line}"));
            for (code, bytes) in train::codes().into_iter().zip(files) {
                put(&format!("{code}/talk.bin"), &bytes);
            }
        }
        Err(error) => println!("skipped: talk.bin, for a set is missing below {}: {error}", shared.display()),
    }
    if same { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
