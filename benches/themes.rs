//! How fast mentions are placed in themes, and whether the memory stays flat: 100,000 mentions on one core, made of the
//! project's own corpus (halves of two sentences and a made-up word each, so that the vocabulary grows as it does in life).
//!
//! ```sh
//! cargo bench --bench themes
//! ```

#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use mentiond::themes::{Memory, Terms};

const MENTIONS: usize = 100_000;
const STEP: usize = 20_000;

fn main() {
    let mut sentences = Vec::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/classify/lang/en/corpus")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        sentences.extend(text.lines().skip(1).map(|l| l.split('\t').next().unwrap_or_default().to_owned()));
    }
    sentences.sort();
    let mut dice = 5_u64;
    let mut roll = |n: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) as usize % n
    };
    let half = |text: &str, back: bool| {
        let words: Vec<&str> = text.split_whitespace().take(40).collect();
        let (a, b) = words.split_at(words.len() / 2);
        if back { b.join(" ") } else { a.join(" ") }
    };
    let texts: Vec<String> = (0..MENTIONS)
        .map(|_| {
            let (a, b) = (&sentences[roll(sentences.len())], &sentences[roll(sentences.len())]);
            format!("{} {} product{}", half(a, false), half(b, true), roll(50_000))
        })
        .collect();
    let mut memory = Memory::default();
    let (mut next, mut at) = (0, Timestamp::UNIX_EPOCH);
    let mut begun = Instant::now();
    for (n, text) in texts.iter().enumerate() {
        at += SignedDuration::from_secs(30);
        let terms = Terms::of(text, "en", &[], |t| memory.rare(t));
        let theme = memory.place("acme", &terms, None).theme.unwrap_or_else(|| {
            next += 1;
            next
        });
        memory.join(theme, "acme", &terms, None, at);
        if (n + 1) % STEP == 0 {
            let rate = STEP as f64 / begun.elapsed().as_secs_f64();
            let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
            let pages: f64 = pages.split(' ').nth(1).and_then(|p| p.parse().ok()).unwrap_or(f64::NAN);
            let megabytes = pages * 4096.0 / 1e6;
            println!(
                "{:>7} placed: {rate:.0}/s, {} themes remembered, {megabytes:.0} MB resident",
                n + 1,
                memory.len()
            );
            begun = Instant::now();
        }
    }
}
