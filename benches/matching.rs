//! What a keyword costs: the time to match one entry against 10, 100, 1,000 and 10,000 keywords, folding included, as a
//! ratio to 10 keywords in the same run.
//!
//!     cargo bench --bench matching

use std::hint::black_box;
use std::time::Instant;

use mentiond::query::{Document, Matcher, Scope, Scratch, parse};

/// Entries that are matched, each of about 100 words.
const ENTRIES: usize = 4_000;
/// Rounds; the median counts.
const ROUNDS: usize = 7;

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

fn main() {
    let mut dice = SplitMix(42);
    let keywords: Vec<String> = (0..10_000).map(|_| dice.word(4)).collect();
    let entries: Vec<(String, String)> = (0..ENTRIES)
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

    let mut base = 0.0;
    println!("{:>9} {:>12} {:>10} {:>9}", "keywords", "ns an entry", "matches", "ratio");
    for count in [10, 100, 1_000, 10_000] {
        let source = keywords[..count].iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(" OR ");
        let query = parse(&source, Scope::Watchlist).unwrap_or_else(|errors| panic!("{errors:?}"));
        let matcher = Matcher::new(&[&query]);
        let mut scratch = Scratch::default();
        let mut found = 0;
        let mut rounds: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                found = 0;
                let start = Instant::now();
                for (title, text) in &entries {
                    let document = Document { title, text, ..Document::default() };
                    found += black_box(matcher.find(&document, &mut scratch)).len();
                }
                start.elapsed().as_nanos() as f64 / ENTRIES as f64
            })
            .collect();
        rounds.sort_by(f64::total_cmp);
        let median = rounds[ROUNDS / 2];
        if base == 0.0 {
            base = median;
        }
        println!("{count:>9} {median:>12.0} {found:>10} {:>9.2}", median / base);
    }
}
