//! Chance that is the same for the same seed.
#![allow(dead_code, unreachable_pub, reason = "no test file uses all of it")]
#![allow(clippy::unwrap_used, reason = "what is below a length fits")]

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A place in a list of so many.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    /// Made-up words: no two texts resemble each other.
    pub fn words(&mut self, count: usize) -> String {
        const PARTS: [&str; 16] =
            ["ba", "ke", "lo", "mi", "ru", "sta", "ven", "dor", "gli", "pha", "que", "zon", "tir", "wel", "nop", "hus"];
        let mut word = || (0..3).map(|_| PARTS[self.index(16)]).collect::<String>();
        (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
    }
}
