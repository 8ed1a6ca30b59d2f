//! A query in the first line, a title in the second, the text behind them: nothing may panic, what parses must print and
//! parse again to the same, and every place must lie in its text. `tests/fuzz_corpus.rs` does the same with the corpus.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| mentiond::query::check(input));
