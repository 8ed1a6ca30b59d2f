//! How fast mentions are placed in themes, and whether the memory stays flat: a year of 300,000 mentions on one core, made of the
//! project's own corpus (halves of two sentences and a made-up word each, so that the vocabulary grows as it does in life).
//!
//! ```sh
//! cargo bench --bench themes
//! ```

#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use mentiond::themes::{Memory, Terms};

const MENTIONS: usize = 300_000;
const STEP: usize = 10_000;
/// Seconds between two mentions: all of them are a year.
const APART: i64 = 105;
/// As the record forgets (`store/record/themes.rs`).
const REMEMBER: SignedDuration = SignedDuration::from_hours(180 * 24);
const REMEMBER_SINGLE: SignedDuration = SignedDuration::from_hours(28 * 24);

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
    let mut text = || {
        let (a, b) = (&sentences[roll(sentences.len())], &sentences[roll(sentences.len())]);
        format!("{} {} product{}", half(a, false), half(b, true), roll(50_000))
    };
    let mut memory = Memory::default();
    let (mut next, mut at) = (0, Timestamp::UNIX_EPOCH);
    let begun = Instant::now();
    let mut flat: Vec<(f64, f64)> = Vec::new();
    let (mut slowest, mut spent) = (f64::INFINITY, 0.0);
    for n in 1..=MENTIONS {
        let text = text();
        let begin = Instant::now();
        at += SignedDuration::from_secs(APART);
        memory.forget_before(at - REMEMBER, at - REMEMBER_SINGLE);
        let terms = Terms::of(&text, "en", &[], |t| memory.rare(t));
        let theme = memory.place("acme", &terms, None).theme.unwrap_or_else(|| {
            next += 1;
            next
        });
        memory.join(theme, "acme", &terms, None, at);
        spent += begin.elapsed().as_secs_f64();
        if n % STEP == 0 {
            let rate = STEP as f64 / spent;
            let day = at.duration_since(Timestamp::UNIX_EPOCH).as_hours() / 24;
            let warm = at.duration_since(Timestamp::UNIX_EPOCH) > REMEMBER;
            println!(
                "{n:>7} placed, day {day:>3}: {rate:.0}/s, {} themes remembered, {:.1} MB resident{}",
                memory.len(),
                resident(),
                if warm { "" } else { " (warming up)" }
            );
            if warm {
                flat.push((n as f64 / 100_000.0, resident()));
            }
            (slowest, spent) = (slowest.min(rate), 0.0);
        }
    }
    println!(
        "slowest step {slowest:.0}/s; after half a year {:+.2} MB a 100,000 mentions (least squares over {} steps); all in {:.0} s",
        slope(&flat),
        flat.len(),
        begun.elapsed().as_secs_f64()
    );
}

/// Megabytes in memory.
fn resident() -> f64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|p| p.parse::<f64>().ok()).unwrap_or(f64::NAN) * 4096.0 / 1e6
}

fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
}
