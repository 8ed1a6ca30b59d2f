//! What matching costs, from raw text to mentions: folding, edges of words and boolean evaluation included. Prints the
//! three figures that the matcher is held to, each beside its bar, in processor time of one run:
//!
//!     cargo bench --bench matching
//!
//! The texts, the keywords and the rate of folding alone come from the bench of ../shared/bench (`kit` and `bounds`), if a
//! built copy is there: in the folder that MENTIOND_BENCH names, or in target/bench, where tests/load/run makes one.
//! Without it, texts of this file's own are used, and the first figure is not printed.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use mentiond::query::{Document, Matcher, Scope, Scratch, parse};

/// Rounds; the median counts.
const ROUNDS: usize = 7;
/// Times that each round goes through all texts: the kernel counts processor time in steps of up to 4 ms.
const PASSES: usize = 8;
/// Entries of texts of our own, each of about 100 words.
const ENTRIES: usize = 8_000;

/// A small generator of the same numbers every time (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap_or(0)
    }

    fn word(&mut self, syllables: usize) -> String {
        const SYLLABLES: [&str; 24] = [
            "ka", "lo", "mi", "ren", "sta", "vø", "ção", "ñe", "tri", "gul", "pra", "dén", "sol", "mar", "qui", "bré",
            "ån", "ex", "fan", "hul", "jor", "wex", "zen", "ú",
        ];
        (0..syllables).map(|_| SYLLABLES[self.next() % SYLLABLES.len()]).collect()
    }
}

/// Texts, keywords, and megabytes a second of folding alone, if that was measured.
struct Work {
    texts: Vec<(String, String)>,
    keywords: Vec<String>,
    fold: Option<f64>,
}

fn main() {
    let work = shared().unwrap_or_else(own);
    let bytes: usize = work.texts.iter().map(|(title, text)| title.len() + text.len() + 1).sum();
    println!("{} texts, {:.1} MB; medians of {ROUNDS} rounds of {PASSES}", work.texts.len(), bytes as f64 / 1e6);
    println!("{:<34} {:>8} {:>9} {:>10} {:>8}", "", "MB/s", "mentions", "memory MiB", "build ms");
    let rate = |name: &str, queries: &[String]| {
        let start = cpu();
        let parsed: Vec<_> = queries
            .iter()
            .map(|source| parse(source, Scope::Watchlist).unwrap_or_else(|errors| panic!("{errors:?}")))
            .collect();
        let matcher = Matcher::new(&parsed.iter().collect::<Vec<_>>());
        let build = cpu() - start;
        let mut scratch = Scratch::default();
        let mut found = 0;
        let mut rounds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let start = cpu();
                for _ in 0..PASSES {
                    found = 0;
                    for (title, text) in &work.texts {
                        let document = Document { title, text, ..Document::default() };
                        found += black_box(matcher.find(&document, &mut scratch)).len();
                    }
                }
                (bytes * PASSES) as f64 / 1e6 / (cpu() - start)
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        let median = rounds[ROUNDS / 2];
        let memory = matcher.memory() as f64 / f64::from(1 << 20);
        println!("{name:<34} {median:>8.1} {found:>9} {memory:>10.2} {:>8.0}", build * 1e3);
        (median, memory)
    };
    let any = |keywords: &[String]| vec![keywords.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(" OR ")];
    let (mut at_100, mut at_10_000) = ((0.0, 0.0), (0.0, 0.0));
    for count in [10, 100, 1_000, 10_000] {
        let figures = rate(&format!("one query, {count} keywords"), &any(&work.keywords[..count]));
        if count == 100 {
            at_100 = figures;
        }
        at_10_000 = figures;
    }
    let many: Vec<String> = work.keywords.chunks(10).take(1_000).flat_map(any).collect();
    let thousand = rate("1,000 queries, 10 keywords each", &many);
    // As people write them: two alternatives beside a phrase, and something excluded.
    let boolean: Vec<String> = work
        .keywords
        .chunks(10)
        .map(|k| {
            let of = |range: std::ops::Range<usize>| any(&k[range]).remove(0);
            format!("({}) -({}) -title:`{}`", of(0..6), of(6..9), k[9])
        })
        .collect();
    rate("1,000 boolean queries", &boolean);
    println!();
    let verdict = |fine: bool| if fine { "kept" } else { "MISSED" };
    match work.fold {
        Some(fold) => {
            let ratio = thousand.0 / fold;
            println!(
                "1,000 queries of 10 keywords: {ratio:.2} times the fold-only rate ({fold:.1} MB/s); bar 0.6: {}",
                verdict(ratio >= 0.6)
            );
        }
        None => println!("skipped: the fold-only rate (no built copy of ../shared/bench; see MENTIOND_BENCH)"),
    }
    let ratio = at_10_000.0 / at_100.0;
    println!("10,000 keywords: {ratio:.2} times the speed of 100; bar 0.8: {}", verdict(ratio >= 0.8));
    let memory = thousand.1.max(at_10_000.1);
    println!("memory of the tables: {memory:.2} MiB; bar 60: {}", verdict(memory <= 60.0));
}

/// Processor seconds of this thread.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos: Option<u64> = stat.split(' ').next().and_then(|first| first.parse().ok());
    nanos.unwrap_or_else(|| panic!("/proc/thread-self/schedstat cannot be read")) as f64 / 1e9
}

/// The workload of ../shared/bench, and what its `bounds` does with it in this run.
fn shared() -> Option<Work> {
    let named = std::env::var_os("MENTIOND_BENCH").map(PathBuf::from);
    let bench = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench"));
    let program = |name: &str| bench.join("target/release").join(name);
    if !program("bounds").is_file() || !program("kit").is_file() {
        return None;
    }
    let folder = std::env::temp_dir().join(format!("mentiond-matching-{}", std::process::id()));
    let run = |name: &str, arguments: &[&str]| {
        let output = Command::new(program(name)).args(arguments).output().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let base = folder.join("base").display().to_string();
    let dump = folder.join("dump").display().to_string();
    run("kit", &["gen", "--dir", &base, "--feeds", "400", "--entries", "30", "--keywords", "10000", "--seed", "42"]);
    run("kit", &["dump", "--dir", &base, "--out", &dump]);
    let read = |path: String| std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let keywords: Vec<String> = read(format!("{base}/keywords.txt")).lines().map(str::to_owned).collect();
    let texts = read(format!("{dump}/texts.tsv"))
        .lines()
        .filter_map(|line| {
            let mut cells = line.splitn(3, '\t').skip(1);
            Some((cells.next()?.to_owned(), cells.next().unwrap_or_default().to_owned()))
        })
        .collect();
    // With fewer than ten keywords `bounds match` measures folding alone.
    let few = folder.join("few.txt");
    std::fs::write(&few, "x\n").unwrap_or_else(|e| panic!("{e}"));
    let said = run("bounds", &["match", "--corpus", &dump, "--keywords", &few.display().to_string(), "--runs", "7"]);
    let floor = said.lines().find(|line| line.contains("fold only"));
    let fold = floor.and_then(|line| line.split("\"mb_s\":").nth(1)?.split([',', '}']).next()?.parse().ok());
    let _ = std::fs::remove_dir_all(&folder);
    (keywords.len() >= 10_000).then_some(Work { texts, keywords, fold })
}

fn own() -> Work {
    let mut dice = SplitMix(42);
    let keywords: Vec<String> = (0..10_000).map(|_| dice.word(4)).collect();
    let texts = (0..ENTRIES)
        .map(|_| {
            let mut words = |count: usize| {
                (0..count)
                    .map(|_| {
                        let syllables = 1 + dice.next() % 3;
                        dice.word(syllables)
                    })
                    .collect::<Vec<_>>()
            };
            let (title, mut text) = (words(9), words(90));
            if dice.next().is_multiple_of(25) {
                let place = dice.next() % text.len();
                text[place] = keywords[dice.next() % keywords.len()].clone();
            }
            (title.join(" "), text.join(" "))
        })
        .collect();
    Work { texts, keywords, fold: None }
}
