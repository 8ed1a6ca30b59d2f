//! Tables that lie packed in the program (raw deflate, RFC 1951): 2.3 MB less to install, for about five milliseconds
//! when a language has its first text (`cargo bench --bench classify` prints them).

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Packs tables as tightly as it goes. Another version of the packer may give other bytes: compare with [`holds`].
///
/// # Errors
/// None that writing into memory can have.
pub fn pack(tables: &[u8]) -> Result<Vec<u8>, String> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    packer.write_all(tables).and_then(|()| packer.finish()).map_err(|e| e.to_string())
}

/// Whether a file holds these tables, packed.
pub fn holds(file: &[u8], tables: &[u8]) -> bool {
    unpack(file).is_ok_and(|unpacked| unpacked == tables)
}

/// What was packed.
///
/// # Errors
/// The bytes are damaged, or were never packed.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut tables = Vec::with_capacity(packed.len() * 2);
    DeflateDecoder::new(packed).read_to_end(&mut tables).map_err(|e| e.to_string())?;
    tables.shrink_to_fit();
    Ok(tables)
}

/// Tables of the program itself, unpacked for as long as it runs.
#[expect(clippy::panic, reason = "the tables are part of the program, and a test reads all of them")]
pub(super) fn own(packed: &[u8]) -> &'static [u8] {
    match unpack(packed) {
        Ok(tables) => tables.leak(),
        Err(error) => panic!("tables of the program: {error}"),
    }
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
        assert!(holds(&packed, &tables) && !holds(&packed, &tables[1..]) && !holds(&tables, &tables));
        assert!(unpack(&packed[..packed.len() / 2]).is_err());
    }
}
