//! The corpus of the fuzz target (`fuzz/`), replayed: what the fuzzer found once must never come back.

#![allow(clippy::unwrap_used, reason = "tests")]

#[test]
fn nothing_of_the_corpus_breaks_a_query() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/query");
    let mut inputs = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let input = std::fs::read(file.unwrap().path()).unwrap();
        mentiond::query::check(&String::from_utf8_lossy(&input));
        inputs += 1;
    }
    assert!(inputs >= 30, "only {inputs} inputs");
}
