//! Fits the table of known issues, `src/themes/issues.bin`, to the sets of `../shared/data/labelled` (or
//! `$MENTIOND_SHARED`) that may be trained on, and to the project's own corpora:
//!
//! ```sh
//! cargo run --release --example themes
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a tool for people who can read a panic")]

use std::path::Path;

use mentiond::themes::issues::train::{About, Row, train};

fn main() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("MENTIOND_SHARED").map_or_else(|| project.join("../shared"), Into::into);
    let mut rows = Vec::new();
    for (number, set) in [(1, "banking77_en"), (2, "bitext_intents_en")] {
        let text = std::fs::read_to_string(shared.join(format!("data/labelled/{set}.tsv"))).expect("the set");
        for line in text.lines().skip(1) {
            let [_, _, text, label, ..] = line.split('\t').collect::<Vec<_>>()[..] else { continue };
            rows.push(Row {
                language: "en".into(),
                text: text.into(),
                about: About::Issue { set: number, name: label.into() },
            });
        }
    }
    for language in ["en", "es", "pt", "da"] {
        let folder = project.join("src/classify/lang").join(language).join("corpus");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        for file in files {
            let about = About::of_corpus(&file.file_stem().unwrap_or_default().to_string_lossy());
            for line in std::fs::read_to_string(file).unwrap().lines().skip(1) {
                let text = line.split('\t').next().unwrap_or_default();
                rows.push(Row { language: language.into(), text: text.into(), about: about.clone() });
            }
        }
    }
    let table = train(&rows);
    std::fs::write(project.join("src/themes/issues.bin"), &table).expect("the folder can be written");
    println!("issues.bin: {} texts, {} bytes", rows.len(), table.len());
}
