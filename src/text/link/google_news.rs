//! Google News: the publisher's address is inside an article's id, as far as the id is one of the older kind.
//!
//! The id is Base64 of a protocol buffer (protobuf.dev/programming-guides/encoding): a field 1, then field 4 with the
//! address, then field 26 with its AMP form. Since 2024 most ids hold an opaque text there instead (`AU_yqL…`), which
//! only Google can resolve; such a link stays what it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest id that is looked at, in bytes.
const MAX_ID: usize = 4096;

/// The address that an article's path (`/rss/articles/CBMi…`) leads to, if it is written in it.
pub(super) fn target(path: &str) -> Option<String> {
    let id = path.rsplit('/').find(|segment| !segment.is_empty())?;
    if id.len() > MAX_ID {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(id.trim_end_matches('=')).ok()?;
    let mut rest = bytes.as_slice();
    while let Some((&tag, after)) = rest.split_first() {
        match tag & 7 {
            0 => rest = varint(after)?.1,
            2 => {
                let (length, after) = varint(after)?;
                let (value, next) = after.split_at_checked(usize::try_from(length).ok()?)?;
                if tag >> 3 == 4 && value.starts_with(b"http") {
                    return String::from_utf8(value.to_vec()).ok();
                }
                rest = next;
            }
            _ => return None,
        }
    }
    None
}

/// A base 128 varint of at most five bytes, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (i, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(i + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(address: &str) -> String {
        let mut bytes = vec![0x08, 0x13, 0x22];
        let length = address.len();
        if length < 128 {
            bytes.push(u8::try_from(length).unwrap());
        } else {
            bytes.extend([u8::try_from(length & 0x7f | 0x80).unwrap(), u8::try_from(length >> 7).unwrap()]);
        }
        bytes.extend(address.as_bytes());
        bytes.extend([0xd2, 0x01, 0x00]);
        format!("/rss/articles/{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    #[test]
    fn the_address_is_found_whatever_its_length() {
        for length in [40, 127, 128, 300] {
            let address = format!("https://news.example/{}", "x".repeat(length - 21));
            assert_eq!(target(&id(&address)), Some(address));
        }
    }

    #[test]
    fn what_is_no_such_id_is_left() {
        let opaque = format!("/articles/{}", URL_SAFE_NO_PAD.encode(b"\x08\x13\x22\x08AU_yqLab\xd2\x01\x00"));
        for path in ["/rss/articles/", "/articles/!!!", "/articles/CBMi", "", opaque.as_str()] {
            assert_eq!(target(path), None, "{path}");
        }
        assert_eq!(target(&format!("/articles/{}", "A".repeat(5000))), None);
    }
}
