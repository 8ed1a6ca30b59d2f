//! Tables that lie packed in the program (raw deflate, RFC 1951): half a megabyte less to install, for a millisecond when
//! a language has its first text.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Packs tables as tightly as it goes. Another version of the packer may give other bytes: compare with [`same`].
///
/// # Errors
/// None that writing into memory can have.
pub(super) fn pack(tables: &[u8]) -> Result<Vec<u8>, String> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    packer.write_all(tables).and_then(|()| packer.finish()).map_err(|e| e.to_string())
}

/// What was packed.
///
/// # Errors
/// The bytes are damaged, or were never packed.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut tables = Vec::with_capacity(packed.len() * 3);
    DeflateDecoder::new(packed).read_to_end(&mut tables).map_err(|e| e.to_string())?;
    Ok(tables)
}

/// Whether two files hold the same, packed or not.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one == other || matches!((unpack(one), unpack(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_whole() {
        let tables: Vec<u8> = (0..50_000u32).flat_map(|n| (n % 997).to_le_bytes()).collect();
        let packed = pack(&tables).unwrap();
        assert!(packed.len() < tables.len() / 2, "{}", packed.len());
        assert_eq!(unpack(&packed).as_deref(), Ok(&tables[..]));
        assert!(same(&packed, &pack(&tables).unwrap()));
        assert!(!same(&packed, &pack(&tables[1..]).unwrap()));
        assert!(unpack(&packed[..packed.len() / 2]).is_err());
    }
}
