//! Bytes to text: byte order mark, then the pattern of a wide encoding, then what HTTP and the XML declaration claim,
//! checked against the bytes (RFC 7303 section 3; XML 1.0 appendix F). What claims to be UTF-8 and is not is read as
//! windows-1252, as browsers and feedparser do.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes at the start in which an XML declaration is looked for.
const HEAD: usize = 1024;

/// The text of a document and, if the claim was wrong or bytes were unreadable, a remark about it.
pub(super) fn decode<'a>(body: &'a [u8], content_type: Option<&str>) -> (Cow<'a, str>, Option<String>) {
    if let Some((text, rest)) = wide(body) {
        return (Cow::Owned(text), rest);
    }
    if let Some((encoding, mark)) = Encoding::for_bom(body) {
        return with(encoding, &body[mark..]);
    }
    let declared = declaration(body).and_then(|label| Encoding::for_label(&label));
    if let Some(encoding) = unmarked_utf16(body) {
        return with(encoding, body);
    }
    let http = content_type.and_then(charset_parameter).and_then(|label| Encoding::for_label(label.as_bytes()));
    // A declaration that could be read byte by byte is not UTF-16.
    let claim = [http, declared].into_iter().flatten().find(|e| *e != UTF_16LE && *e != UTF_16BE);
    // Bytes that are UTF-8 throughout and not ASCII only are UTF-8, whatever a wrong header says; the stateful
    // ISO-2022-JP and HZ look like ASCII and are believed.
    match std::str::from_utf8(body) {
        Ok(text) if claim.is_none_or(|e| e.is_ascii_compatible()) => {
            let wrong = claim.filter(|e| *e != UTF_8 && !text.is_ascii());
            let fault = wrong.map(|e| format!("it claims to be {} but is UTF-8", e.name()));
            (Cow::Borrowed(text), fault)
        }
        _ => match claim {
            Some(encoding) if encoding != UTF_8 => with(encoding, body),
            _ if mostly_utf8(body) => (String::from_utf8_lossy(body), Some("some bytes are not valid UTF-8".into())),
            claimed => {
                let said = if claimed.is_some() { "it claims to be UTF-8" } else { "it declares no character set" };
                (with(WINDOWS_1252, body).0, Some(format!("{said} and is not UTF-8; read as windows-1252")))
            }
        },
    }
}

/// True if the bytes are UTF-8 but for a few: a cut character at the end, a stray byte in a long text.
fn mostly_utf8(body: &[u8]) -> bool {
    let (mut good, mut bad) = (0usize, 0usize);
    for chunk in body.utf8_chunks() {
        good += chunk.valid().bytes().filter(|b| *b >= 0xc2).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    good > bad * 10 || (bad == 1 && good > 0)
}

fn with<'a>(encoding: &'static Encoding, body: &'a [u8]) -> (Cow<'a, str>, Option<String>) {
    let (text, bad) = encoding.decode_without_bom_handling(body);
    (text, bad.then(|| format!("some bytes are not valid {}", encoding.name())))
}

/// UTF-32, which no library reads any more: by its mark or by the zeros around the first `<`.
fn wide(body: &[u8]) -> Option<(String, Option<String>)> {
    let (big, skip) = match body.get(..4)? {
        [0, 0, 0xfe, 0xff] => (true, 4),
        [0xff, 0xfe, 0, 0] => (false, 4),
        [0, 0, 0, b'<'] => (true, 0),
        [b'<', 0, 0, 0] => (false, 0),
        _ => return None,
    };
    let mut bad = false;
    let text = body[skip..]
        .chunks(4)
        .map(|c| {
            let code =
                <[u8; 4]>::try_from(c).ok().map(|c| if big { u32::from_be_bytes(c) } else { u32::from_le_bytes(c) });
            code.and_then(char::from_u32).unwrap_or_else(|| {
                bad = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    Some((text, bad.then(|| "some bytes are not valid UTF-32".into())))
}

fn unmarked_utf16(body: &[u8]) -> Option<&'static Encoding> {
    match body.get(..4)? {
        [0, b'<', 0, _] | [0, b'{', 0, _] => Some(UTF_16BE),
        [b'<', 0, _, 0] | [b'{', 0, _, 0] => Some(UTF_16LE),
        _ => None,
    }
}

/// The label in `<?xml … encoding="…"?>`, which may come after white space or a little junk.
fn declaration(body: &[u8]) -> Option<Vec<u8>> {
    let head = &body[..body.len().min(HEAD)];
    let start = head.windows(5).position(|w| w.eq_ignore_ascii_case(b"<?xml"))?;
    let head = &head[start..];
    let head = &head[..head.iter().position(|b| *b == b'>').unwrap_or(head.len())];
    let at = head.windows(8).position(|w| w.eq_ignore_ascii_case(b"encoding"))?;
    let value = head[at + 8..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let end = value.iter().position(|b| !(b.is_ascii_alphanumeric() || b"-_.:+".contains(b))).unwrap_or(value.len());
    Some(value[..end].to_vec())
}

fn charset_parameter(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOC: &str = "<?xml version='1.0'?><t>café “ñ”</t>";

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    fn utf32(text: &str, big: bool) -> Vec<u8> {
        text.chars().map(u32::from).flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    }

    #[test]
    fn hazard_19_every_notation_of_a_character_set_is_decoded() {
        let latin = WINDOWS_1252.encode(DOC).0.into_owned();
        let declared = |label: &str, bytes: &[u8]| {
            [format!("<?xml version='1.0' encoding='{label}'?>").as_bytes(), &bytes[21..]].concat()
        };
        let table: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
            ("UTF-8", DOC.into(), None),
            ("UTF-8 with mark", ["\u{feff}", DOC].concat().into(), None),
            ("UTF-16LE with mark", utf16(&format!("\u{feff}{DOC}"), false), None),
            ("UTF-16BE with mark", utf16(&format!("\u{feff}{DOC}"), true), None),
            ("UTF-16LE", utf16(DOC, false), None),
            ("UTF-16BE", utf16(DOC, true), None),
            ("UTF-32LE", utf32(DOC, false), None),
            ("UTF-32BE with mark", utf32(&format!("\u{feff}{DOC}"), true), None),
            ("windows-1252 by HTTP", latin.clone(), Some("text/xml; charset=\"windows-1252\"")),
            ("windows-1252 undeclared", latin.clone(), None),
            ("windows-1252 that claims UTF-8", latin.clone(), Some("application/xml; charset=utf-8")),
            ("windows-1252 declared", declared("Windows-1252", &latin), None),
            ("windows-1252 declared as Latin-1", declared("ISO-8859-1", &latin), None),
            ("UTF-8 that claims Latin-1", DOC.into(), Some("text/xml; charset=iso-8859-1")),
            ("UTF-8 that declares UTF-16", declared("utf-16", DOC.as_bytes()), None),
            ("an unknown label", declared("klingon", DOC.as_bytes()), None),
        ];
        for (name, bytes, content_type) in table {
            let (text, _) = decode(&bytes, content_type);
            assert!(text.ends_with("<t>café “ñ”</t>"), "{name}: {text}");
        }
        let koi = encoding_rs::KOI8_R.encode("<t>привет</t>").0.into_owned();
        assert_eq!(decode(&koi, Some("text/xml;charset=koi8-r")).0, "<t>привет</t>");
    }

    #[test]
    fn faults_are_said() {
        assert_eq!(decode(b"<t>ok</t>", Some("text/xml; charset=iso-8859-1")).1, None);
        assert!(decode(b"<t>caf\xe9</t>", None).1.is_some_and(|f| f.contains("windows-1252")));
        let (text, fault) = decode("<t>ñandú áéíóú ñ ñ ñ ñ ñ ñ ñ cut \u{e9}".as_bytes().split_last().unwrap().1, None);
        assert!(text.starts_with("<t>ñandú") && fault.is_some(), "{text}");
        assert_eq!(decode(b"", None).0, "");
    }
}
