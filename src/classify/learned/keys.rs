//! Which row of a table a hashed feature has: an open-addressed index that is read where it lies.
//!
//! Layout, little-endian: keys (u32 a slot, 0 = free), then places (u16 a slot). Half of the slots are free: the larger
//! part of what a look-up costs is what it tries in vain.

use super::super::lexicon::home;

/// Features whose slots are read together.
const TOGETHER: usize = 32;
/// Bytes of a slot: a key and a place.
const SLOT: usize = 6;
/// Most rows that an index can name.
const MOST: usize = 1 << 16;

/// An index, as it lies in a file.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Keys<'t> {
    keys: &'t [[u8; 4]],
    places: &'t [[u8; 2]],
}

impl<'t> Keys<'t> {
    /// Bytes of an index of so many rows.
    pub(in super::super) const fn size(rows: usize) -> usize {
        slots(rows) * SLOT
    }

    /// Reads an index of [`Keys::size`] bytes; of others the part that makes sense.
    pub(in super::super) fn of(bytes: &'t [u8]) -> Self {
        let (keys, places) = bytes.split_at(bytes.len() / SLOT * 4);
        Keys { keys: keys.as_chunks().0, places: places.as_chunks().0 }
    }

    /// Calls `f` with each feature that the table has a row for, and the row's place; features in their order. The first
    /// slots of several are read before any is judged: nearly all that a look-up does is wait for memory, and so the
    /// waits overlap.
    #[inline(always)]
    pub(in super::super) fn find_all<'f, T>(
        &self,
        features: &'f [T],
        hash: impl Fn(&T) -> u64,
        mut f: impl FnMut(&'f T, Option<usize>),
    ) {
        let count = self.keys.len();
        let read = |slot: u32| self.keys.get(slot as usize).map_or(0, |key| u32::from_le_bytes(*key));
        for features in features.chunks(TOGETHER) {
            let mut first = [(0u32, 0u32, 0u32); TOGETHER];
            for (first, feature) in first.iter_mut().zip(features) {
                let hash = hash(feature);
                let slot = home(hash, count) as u32;
                *first = (key(hash), slot, read(slot));
            }
            for (feature, &(key, mut slot, mut here)) in features.iter().zip(&first) {
                while here != key && here != 0 {
                    slot = if slot as usize + 1 == count { 0 } else { slot + 1 };
                    here = read(slot);
                }
                if here == key {
                    f(feature, self.places.get(slot as usize).map(|place| usize::from(u16::from_le_bytes(*place))));
                } else {
                    f(feature, None);
                }
            }
        }
    }
}

/// The bytes of the index of rows with these hashes, in the order of the rows. Where two share a [`key`], the first is
/// found.
///
/// # Errors
/// There are more than an index can name.
pub(in super::super) fn index(hashes: &[u64]) -> Result<Vec<u8>, &'static str> {
    if hashes.len() > MOST {
        return Err("too many features for one table");
    }
    let count = slots(hashes.len());
    let (mut keys, mut places) = (vec![0u8; count * 4], vec![0u8; count * 2]);
    for (place, hash) in hashes.iter().enumerate() {
        let slot = claim(&mut keys, 4, *hash);
        places.iter_mut().skip(slot * 2).zip((place as u16).to_le_bytes()).for_each(|(to, from)| *to = from);
    }
    keys.extend(places);
    Ok(keys)
}

/// Slots for so many rows.
pub(in super::super) const fn slots(rows: usize) -> usize {
    rows * 2 + 1
}

/// The key of a hash; 0 marks a free slot.
pub(in super::super) fn key(hash: u64) -> u32 {
    (hash as u32).max(1)
}

/// Writes a key into the first free slot of a table of `size` bytes a slot, and says which.
pub(in super::super) fn claim(table: &mut [u8], size: usize, hash: u64) -> usize {
    let slots = table.len() / size;
    let mut slot = home(hash, slots);
    loop {
        match table.get_mut(slot * size..slot * size + 4) {
            Some(bytes) if bytes.iter().any(|b| *b != 0) => slot = if slot + 1 == slots { 0 } else { slot + 1 },
            Some(bytes) => {
                bytes.copy_from_slice(&key(hash).to_le_bytes());
                return slot;
            }
            None => return 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::features::mix;
    use super::*;

    #[test]
    fn every_row_is_found_and_nothing_else() {
        let mut hashes: Vec<u64> = (0..3_000).map(mix).collect();
        // Several that want the last slots, so that the search goes on at the beginning.
        hashes.extend((0..5).map(|n| u64::MAX - (n << 40) - n));
        let bytes = index(&hashes).unwrap();
        assert_eq!(bytes.len(), Keys::size(hashes.len()));
        let keys = Keys::of(&bytes);
        let asked: Vec<u64> = hashes.iter().copied().chain((9_000..19_000).map(mix)).collect();
        let mut found = Vec::new();
        keys.find_all(&asked, |h| *h, |_, place| found.push(place));
        let right = (0..asked.len()).map(|n| (n < hashes.len()).then_some(n));
        assert!(found.into_iter().eq(right));
        Keys::of(&[]).find_all(&asked, |h| *h, |_, place| assert_eq!(place, None));
        assert!(index(&vec![1; MOST + 1]).is_err());
    }
}
