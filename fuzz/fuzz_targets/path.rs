//! See `checks.rs`; `tests/fuzz_corpus.rs` does the same with the corpus.

#![no_main]

#[allow(dead_code, reason = "each target takes its own check")]
#[path = "../checks.rs"]
mod checks;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| checks::path(input));
