//! What talk about anything teaches: whether a text that concerns nobody's service is meant plainly, well or badly, and
//! (in Danish) whether it offends. Most of the corpus is about brands, and the first model weighs it for all questions at
//! once; people's comments elsewhere are not like it. So a small second model looks at what the lexicon found, at words and
//! letters (for offence also at the scores of the first), and is fitted to the part of the corpus that concerns nobody's
//! service and to sets whose licence allows it (NOTICE names them). None of the sets' texts is in the project: only
//! weights, under hashes.
//!
//! Layout of `lang/<code>/talk.bin`, little-endian: magic `MNK2`; rows (u32); a scale (f32) for each output; weights of
//! the inputs (f32, by input, then output); the index of the rows ([`Keys`]); rows ([`TALK`] i8).

mod fit;

use super::features::{DENSE, Hashed};
use super::keys::Keys;
use super::table::{CATEGORY, Model, SENTIMENT, Scores, floats, norm, odds};

pub use fit::{SETS, fit};

/// Bad, plain, good; then offensive.
pub(in super::super) const TALK: usize = 4;
/// Dense features, odds of the three moods, and shares of the categories.
const INPUTS: usize = DENSE + 3 + 14;
/// The score of offence in languages where nothing was learnt of it.
pub(in super::super) const NEVER: f32 = -40.0;
const MAGIC: &[u8; 4] = b"MNK2";
const HEAD: usize = 8;

/// Weights of one input or feature.
type Row = [f32; TALK];

/// One language's table, as it lies in the file.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Talk {
    scales: Row,
    inputs: &'static [u8],
    keys: Keys<'static>,
    rows: &'static [[u8; TALK]],
}

/// What was added up of a text's words and letters.
pub(in super::super) type TalkSum = [[i32; TALK]; 2];

impl Talk {
    /// Reads the head of a file; the rest stays where it is.
    ///
    /// # Errors
    /// The bytes are no table of this version.
    pub(in super::super) fn of(bytes: &'static [u8]) -> Result<Self, &'static str> {
        if bytes.get(..4) != Some(MAGIC.as_slice()) {
            return Err("not a table of this version");
        }
        let rows = bytes.get(4..8).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes).ok_or("cut short")?;
        let mut at = HEAD;
        let mut take = |len: usize| {
            let part = bytes.get(at..at + len);
            at += len;
            part.ok_or("cut short")
        };
        let mut scales = [0.0; TALK];
        floats(take(TALK * 4)?, &mut scales);
        let inputs = take(INPUTS * TALK * 4)?;
        let keys = Keys::of(take(Keys::size(rows as usize))?);
        let rows = take(rows as usize * TALK)?.as_chunks().0;
        if at != bytes.len() {
            return Err("made for other features: fit it again");
        }
        Ok(Talk { scales, inputs, keys, rows })
    }

    /// Adds up the weights of the features that are known.
    pub(in super::super) fn add_all(&self, hashed: &Hashed) -> TalkSum {
        let (mut words, mut letters) = ([0; TALK], [0; TALK]);
        let add = |total: &mut [i32; TALK], place: Option<usize>| {
            if let Some(row) = place.and_then(|place| self.rows.get(place)) {
                total.iter_mut().zip(row).for_each(|(total, weight)| *total += i32::from(*weight as i8));
            }
        };
        self.keys.find_all(&hashed.words, |feature| feature.hash, |_, place| add(&mut words, place));
        self.keys.find_all(&hashed.letters, |hash| *hash, |_, place| add(&mut letters, place));
        [words, letters]
    }

    /// Odds of bad, plain and good, and the score of offence (0 is even odds).
    pub(in super::super) fn judge(&self, sum: &TalkSum, count: [u32; 2], inputs: &[f32; INPUTS]) -> ([f32; 3], f32) {
        let mut scores = [0.0f32; TALK];
        for (total, count) in sum.iter().zip(count) {
            for ((score, total), scale) in scores.iter_mut().zip(total).zip(&self.scales) {
                *score += *total as f32 * norm(count) * scale;
            }
        }
        for (value, weights) in inputs.iter().zip(self.inputs.chunks_exact(TALK * 4)) {
            let mut row = [0.0; TALK];
            floats(weights, &mut row);
            scores.iter_mut().zip(row).for_each(|(score, weight)| *score += value * weight);
        }
        let [bad, plain, good, offence] = scores;
        let odds = odds(&[bad, plain, good], 1.0);
        ([0, 1, 2].map(|n| odds.get(n).copied().unwrap_or(0.0)), offence)
    }
}

/// What the table sees beside words and letters.
pub(in super::super) fn inputs(dense: &[f32; DENSE], scores: &Scores, model: &Model) -> [f32; INPUTS] {
    let mut out = [0.0; INPUTS];
    let moods = thirds(&odds(scores.get(SENTIMENT).unwrap_or(&[]), model.sharpness(0))).map(|odds| odds.max(1e-3).ln());
    let kinds = odds(scores.get(CATEGORY).unwrap_or(&[]), model.sharpness(1));
    for (to, from) in out.iter_mut().zip(dense.iter().copied().chain(moods).chain(kinds)) {
        *to = from;
    }
    out
}

/// Odds of bad, plain and good from those of the five steps.
pub(in super::super) fn thirds(steps: &[f32]) -> [f32; 3] {
    let at = |n: usize| steps.get(n).copied().unwrap_or(0.0);
    [at(0) + at(1), at(2), at(3) + at(4)]
}
