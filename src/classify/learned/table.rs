//! The weights of one language as bytes, looked up where they lie: an open-addressed table of hashed features with a row of
//! small integers each, the weights of the dense features, and the lexicon.
//!
//! Layout, little-endian: magic `MNT2`; three counts (u32): rows, lexicon slots, dense features; a scale (f32) for each
//! output; dense weights (f32, by feature, then output); [`CALIBRATION`] numbers (f32); the index of the rows
//! ([`Keys`]); rows ([`OUTPUTS`] i8); lexicon (u32 key, i8 score ×20, u8 notes, u16 unused: a slot).

use super::super::lexicon::home;
use super::features::{DENSE, Feature, Hashed};
use super::keys::{Keys, claim, index, key, slots};

/// Steps of sentiment, categories, severities, and one to spare.
pub(in super::super) const OUTPUTS: usize = 24;
/// Where the outputs of each question begin, and how many they are.
pub(in super::super) const SENTIMENT: std::ops::Range<usize> = 0..5;
pub(in super::super) const CATEGORY: std::ops::Range<usize> = 5..19;
pub(in super::super) const SEVERITY: std::ops::Range<usize> = 19..23;
/// Sharpness of the three questions, slope and offset of each category's "is also", and for each category how its texts
/// feel (shares of the five steps).
pub(in super::super) const CALIBRATION: usize = FEELS + 14 * 5;
/// Where the shares of the first category begin.
pub(in super::super) const FEELS: usize = 3 + 14 * 2;
const MAGIC: &[u8; 4] = b"MNT2";
const HEAD: usize = 16;

/// One language's weights, as they lie in the file.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Model {
    scales: [f32; OUTPUTS],
    calibration: [f32; CALIBRATION],
    dense: &'static [u8],
    keys: Keys<'static>,
    rows: &'static [[u8; OUTPUTS]],
    lexicon: &'static [u8],
}

/// Raw scores of all outputs.
pub(in super::super) type Scores = [f32; OUTPUTS];

/// What was added up of the hashed features.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Sum {
    pub(in super::super) total: [[i32; OUTPUTS]; 2],
    /// How many features each group had, known ones or not.
    pub(in super::super) count: [u32; 2],
}

/// What the hashed features of a text add up to, and what of them the model knows.
pub(in super::super) struct Added {
    pub(in super::super) sum: Sum,
    /// Words and pairs of words, with their weights.
    pub(in super::super) words: Vec<(Feature, &'static [u8; OUTPUTS])>,
    /// Tokens, and what their letters add up to.
    pub(in super::super) letters: Vec<(u16, Rows)>,
}

/// Weights added up.
pub(in super::super) type Rows = Adder<{ OUTPUTS / 8 }>;

impl Model {
    /// Reads the head of a file; the rest stays where it is.
    ///
    /// # Errors
    /// The bytes are no model of this version.
    pub(in super::super) fn of(bytes: &'static [u8]) -> Result<Self, &'static str> {
        let number = |at: usize| -> Option<u32> {
            bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)
        };
        if bytes.get(..4) != Some(MAGIC.as_slice()) {
            return Err("not a model of this version");
        }
        let (Some(rows), Some(terms), Some(dense)) = (number(4), number(8), number(12)) else {
            return Err("cut short");
        };
        if dense as usize != DENSE {
            return Err("made for other features: fit it again");
        }
        let mut at = HEAD;
        let mut take = |len: usize| {
            let part = bytes.get(at..at + len);
            at += len;
            part.ok_or("cut short")
        };
        let mut model = Model {
            scales: [0.0; OUTPUTS],
            calibration: [0.0; CALIBRATION],
            dense: &[],
            keys: Keys::of(&[]),
            rows: &[],
            lexicon: &[],
        };
        floats(take(OUTPUTS * 4)?, &mut model.scales);
        model.dense = take(DENSE * OUTPUTS * 4)?;
        floats(take(CALIBRATION * 4)?, &mut model.calibration);
        model.keys = Keys::of(take(Keys::size(rows as usize))?);
        model.rows = take(rows as usize * OUTPUTS)?.as_chunks().0;
        model.lexicon = take(terms as usize * 8)?;
        Ok(model)
    }

    /// Score (−5 … 5) and notes of a term of the lexicon by its hash.
    pub(in super::super) fn term(&self, hash: u64) -> Option<(f32, u8)> {
        let slot = find(self.lexicon, 8, hash)?;
        let &[score, notes] = self.lexicon.get(slot * 8 + 4..slot * 8 + 6)? else { return None };
        Some((f32::from(score as i8) / 20.0, notes))
    }

    /// Adds a feature's weights to `sum`.
    pub(in super::super) fn add(&self, feature: &Feature, sum: &mut Sum) {
        let group = feature.group as usize;
        let (Some(count), Some(total)) = (sum.count.get_mut(group), sum.total.get_mut(group)) else { return };
        *count += 1;
        self.keys.find_all(std::slice::from_ref(feature), hash_of, |_, place| {
            if let Some(row) = self.row(place) {
                total.iter_mut().zip(row).for_each(|(total, weight)| *total += i32::from(*weight as i8));
            }
        });
    }

    fn row(&self, place: Option<usize>) -> Option<&'static [u8; OUTPUTS]> {
        place.and_then(|place| self.rows.get(place))
    }

    /// Adds up the weights of the features of a text.
    pub(in super::super) fn add_all(&self, hashed: &Hashed) -> Added {
        let mut total = [[0; OUTPUTS]; 2];
        let [of_words, of_letters] = &mut total;
        let mut words = Vec::with_capacity(hashed.words.len());
        let mut all = Rows::default();
        self.keys.find_all(&hashed.words, hash_of, |feature, place| {
            if let Some(row) = self.row(place) {
                all.add(row, of_words);
                words.push((*feature, row));
            }
        });
        all.flush(of_words);
        let mut rows = Vec::with_capacity(hashed.letters.len());
        self.keys.find_all(&hashed.letters, |hash| *hash, |_, place| rows.push(self.row(place)));
        let mut letters = Vec::with_capacity(hashed.spelt.len());
        let mut rest = rows.as_slice();
        for (token, count) in &hashed.spelt {
            let Some((own, after)) = rest.split_at_checked(usize::from(*count)) else { break };
            rest = after;
            let mut sum = Rows::default();
            for row in own.iter().copied().flatten() {
                sum.add(row, of_letters);
            }
            all.join(&sum, of_letters);
            letters.push((*token, sum));
        }
        all.flush(of_letters);
        let count = [hashed.words.len(), hashed.letters.len()].map(|n| n as u32);
        Added { sum: Sum { total, count }, words, letters }
    }

    /// Scores of everything together.
    pub(in super::super) fn scores(&self, sum: &Sum, dense: &[f32; DENSE]) -> Scores {
        let mut scores = [0.0; OUTPUTS];
        for (total, count) in sum.total.iter().zip(sum.count) {
            let norm = norm(count);
            for ((score, total), scale) in scores.iter_mut().zip(total).zip(&self.scales) {
                *score += *total as f32 * norm * scale;
            }
        }
        for (value, weights) in dense.iter().zip(self.dense.chunks_exact(OUTPUTS * 4)) {
            if *value != 0.0 {
                for (score, bytes) in scores.iter_mut().zip(weights.chunks_exact(4)) {
                    *score += value * float(bytes);
                }
            }
        }
        scores
    }

    /// What one point of an integer weight is worth for an output, in a text with `count` features of its group.
    pub(in super::super) fn worth(&self, output: usize, count: u32) -> f32 {
        norm(count) * self.scales.get(output).copied().unwrap_or(0.0)
    }

    /// Sharpness of a question: 0 sentiment, 1 category, 2 severity.
    pub(in super::super) fn sharpness(&self, question: usize) -> f32 {
        self.calibration.get(question).copied().unwrap_or(1.0)
    }

    /// How texts feel whose categories have these odds: shares of the five steps.
    pub(in super::super) fn feels(&self, kinds: &[f32]) -> [f32; 5] {
        let mut out = [0.0; 5];
        let tables = self.calibration.get(FEELS..).unwrap_or(&[]).chunks_exact(5);
        for (odds, shares) in kinds.iter().zip(tables) {
            out.iter_mut().zip(shares).for_each(|(o, s)| *o += odds * s);
        }
        out
    }

    /// Probability that a category applies, primary or not, from its share of the odds.
    pub(in super::super) fn applies(&self, category: usize, share: f32) -> f32 {
        let number = |i: usize| self.calibration.get(i).copied().unwrap_or(0.0);
        let share = share.clamp(1e-4, 1.0 - 1e-4);
        let odds = (share / (1.0 - share)).ln();
        1.0 / (1.0 + (-(number(3 + category * 2) * odds + number(4 + category * 2))).exp())
    }
}

/// Adds up rows of `W` times eight small integers (i8, as bytes), four at a time in the sixteen-bit lanes of a word:
/// plain arithmetic that costs a third of adding one by one.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Adder<const W: usize> {
    /// Sums of the bytes at even and at odd places, each 128 more than it is, so that none is below 0.
    even: [u64; W],
    odd: [u64; W],
    rows: u16,
}

impl<const W: usize> Default for Adder<W> {
    fn default() -> Self {
        Adder { even: [0; W], odd: [0; W], rows: 0 }
    }
}

impl<const W: usize> Adder<W> {
    /// Adds a row; now and then the sums go to `total`, before a lane overflows.
    #[inline(always)]
    pub(in super::super) fn add(&mut self, row: &[u8], total: &mut [i32]) {
        const LANES: u64 = 0x00FF_00FF_00FF_00FF;
        for ((bytes, even), odd) in row.as_chunks::<8>().0.iter().zip(&mut self.even).zip(&mut self.odd) {
            let word = u64::from_le_bytes(*bytes) ^ 0x8080_8080_8080_8080;
            *even = even.wrapping_add(word & LANES);
            *odd = odd.wrapping_add((word >> 8) & LANES);
        }
        self.rows += 1;
        if self.rows == 256 {
            self.flush(total);
        }
    }

    /// Adds what another one has added up since it began.
    #[inline(always)]
    pub(in super::super) fn join(&mut self, other: &Self, total: &mut [i32]) {
        if self.rows + other.rows > 256 {
            self.flush(total);
        }
        self.even.iter_mut().zip(&other.even).for_each(|(own, other)| *own = own.wrapping_add(*other));
        self.odd.iter_mut().zip(&other.odd).for_each(|(own, other)| *own = own.wrapping_add(*other));
        self.rows += other.rows;
    }

    /// The sum at one place of the rows.
    #[inline(always)]
    pub(in super::super) fn at(&self, place: usize) -> i32 {
        let words = if place.is_multiple_of(2) { &self.even } else { &self.odd };
        let word = words.get(place / 8).copied().unwrap_or(0);
        ((word >> (place % 8 / 2 * 16)) & 0xFFFF) as i32 - 128 * i32::from(self.rows)
    }

    /// Adds what there is to `total`, and begins anew.
    pub(in super::super) fn flush(&mut self, total: &mut [i32]) {
        for (place, total) in total.iter_mut().enumerate().take(W * 8) {
            *total += self.at(place);
        }
        *self = Adder::default();
    }
}

/// What a feature counts in a text with `count` of its group.
pub(in super::super) fn norm(count: u32) -> f32 {
    1.0 / (count.max(1) as f32).sqrt()
}

/// Scores as odds that sum to 1.
pub(in super::super) fn odds(scores: &[f32], sharpness: f32) -> Vec<f32> {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let odds: Vec<f32> = scores.iter().map(|s| ((s - top) * sharpness).exp()).collect();
    let sum: f32 = odds.iter().sum();
    odds.into_iter().map(|o| o / sum).collect()
}

/// The slot of a key in a table of `size` bytes a slot, each beginning with its key. Inlined, for `size` is a constant
/// where it is called and a division costs more than all the rest.
#[inline(always)]
pub(in super::super) fn find(table: &[u8], size: usize, hash: u64) -> Option<usize> {
    let slots = table.len() / size;
    if slots == 0 {
        return None;
    }
    let key = key(hash);
    let mut slot = home(hash, slots);
    loop {
        let bytes = table.get(slot * size..slot * size + 4)?;
        let here = u32::from_le_bytes(bytes.try_into().ok()?);
        if here == key {
            return Some(slot);
        }
        if here == 0 {
            return None;
        }
        slot = if slot + 1 == slots { 0 } else { slot + 1 };
    }
}

fn hash_of(feature: &Feature) -> u64 {
    feature.hash
}

pub(super) fn float(bytes: &[u8]) -> f32 {
    bytes.try_into().map_or(0.0, f32::from_le_bytes)
}

pub(in super::super) fn floats(bytes: &[u8], out: &mut [f32]) {
    for (slot, bytes) in out.iter_mut().zip(bytes.chunks_exact(4)) {
        *slot = float(bytes);
    }
}

/// What a file is written from.
#[derive(Debug)]
pub(in super::super) struct Parts {
    pub(in super::super) scales: [f32; OUTPUTS],
    /// By dense feature.
    pub(in super::super) dense: Vec<[f32; OUTPUTS]>,
    pub(in super::super) calibration: [f32; CALIBRATION],
    /// By hash.
    pub(in super::super) rows: Vec<(u64, [i8; OUTPUTS])>,
    /// Hash, score, notes.
    pub(in super::super) terms: Vec<(u64, f32, u8)>,
}

impl Parts {
    /// The file's bytes; the same parts make the same bytes, in whatever order they come.
    ///
    /// # Errors
    /// There are too many features for one table.
    pub(in super::super) fn write(mut self) -> Result<Vec<u8>, &'static str> {
        self.rows.sort_by_key(|r| r.0);
        self.rows.dedup_by_key(|r| key(r.0));
        self.terms.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        self.terms.dedup_by_key(|t| key(t.0));
        let hashes: Vec<u64> = self.rows.iter().map(|r| r.0).collect();
        let terms = slots(self.terms.len());
        let mut lexicon = vec![0u8; terms * 8];
        for (hash, score, notes) in &self.terms {
            let slot = claim(&mut lexicon, 8, *hash);
            let rounded = (score * 20.0).round().clamp(-127.0, 127.0) as i8;
            if let Some([s, n]) = lexicon.get_mut(slot * 8 + 4..slot * 8 + 6) {
                (*s, *n) = (rounded as u8, *notes);
            }
        }
        let mut out = MAGIC.to_vec();
        for number in [hashes.len(), terms, DENSE] {
            out.extend((number as u32).to_le_bytes());
        }
        self.scales.iter().for_each(|f| out.extend(f.to_le_bytes()));
        self.dense.iter().flatten().for_each(|f| out.extend(f.to_le_bytes()));
        self.calibration.iter().for_each(|f| out.extend(f.to_le_bytes()));
        out.extend(index(&hashes)?);
        out.extend(self.rows.iter().flat_map(|(_, row)| row.map(|weight| weight as u8)));
        out.extend(lexicon);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also across the rows after which the lanes are emptied, and with the smallest and largest weights in a run.
    #[test]
    fn rows_add_up_as_one_by_one() {
        let (mut total, mut plain) = ([0i32; OUTPUTS], [0i32; OUTPUTS]);
        let mut adder = Adder::<{ OUTPUTS / 8 }>::default();
        for n in 0..1_000u64 {
            let mut row = [0u8; OUTPUTS];
            for (place, weight) in row.iter_mut().enumerate() {
                *weight = match n / 300 {
                    0 => 0x80,
                    1 => 0x7F,
                    _ => super::super::features::mix(n * 64 + place as u64) as u8,
                };
            }
            adder.add(&row, &mut total);
            plain.iter_mut().zip(row).for_each(|(sum, weight)| *sum += i32::from(weight as i8));
        }
        adder.flush(&mut total);
        assert_eq!(total, plain);
    }
}
