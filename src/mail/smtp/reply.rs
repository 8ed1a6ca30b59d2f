//! Replies of a relay (RFC 5321, 4.2), read leniently: any encoding, LF for CRLF, no text.

/// Cap on one line, in bytes; RFC 5321, 4.5.3.1.5 says 512.
pub(super) const MAX_REPLY_LINE: usize = 4096;
/// Cap on the lines of one reply.
const MAX_LINES: usize = 128;

/// A reply of the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// 200–599.
    pub(super) code: u16,
    /// The text of each line, without the code; not fit to be shown as it is.
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// 2yz: done.
    pub(super) fn is_done(&self) -> bool {
        self.code < 300
    }

    /// 3yz: go on.
    pub(super) fn goes_on(&self) -> bool {
        (300..400).contains(&self.code)
    }

    /// All text in one line.
    pub(super) fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// Puts `***` wherever a line says this.
    pub(super) fn strike_out(&mut self, secret: &str) {
        for line in self.lines.iter_mut().filter(|line| line.contains(secret)) {
            *line = line.replace(secret, "***");
        }
    }

    /// The enhanced status code (RFC 2034), if the reply starts with one: `5.7.8`.
    pub(super) fn enhanced(&self) -> Option<&str> {
        let word = self.lines.first()?.split_whitespace().next()?;
        let mut parts = word.split('.');
        let number = |part: Option<&str>| {
            part.is_some_and(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
        };
        (number(parts.next()) && number(parts.next()) && number(parts.next()) && parts.next().is_none()).then_some(word)
    }
}

/// Puts a reply together from its lines.
#[derive(Default)]
pub(super) struct ReplyReader {
    code: Option<u16>,
    lines: Vec<String>,
}

impl ReplyReader {
    /// Takes one line without its LF; the reply, if this was its last line.
    ///
    /// # Errors
    /// What is wrong with the line, in words that follow the relay's name.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, &'static str> {
        const NO_REPLY: &str = "what it answered is not SMTP";
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > MAX_REPLY_LINE || self.lines.len() >= MAX_LINES {
            return Err("its answer is too long");
        }
        let (code, rest) = match line {
            [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
                (u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'), rest)
            }
            _ => return Err(NO_REPLY),
        };
        if *self.code.get_or_insert(code) != code {
            return Err("its answer has two codes");
        }
        let (last, text) = match rest {
            [] => (true, rest),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(NO_REPLY),
        };
        self.lines.push(String::from_utf8_lossy(text).into_owned());
        Ok(last.then(|| Reply { code, lines: std::mem::take(&mut self.lines) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&[u8]]) -> Result<Option<Reply>, &'static str> {
        let mut reader = ReplyReader::default();
        let mut last = Ok(None);
        for line in lines {
            last = reader.line(line);
        }
        last
    }

    #[test]
    fn replies_of_all_shapes() {
        for (lines, code, text) in [
            (&[&b"250 OK\r"[..]][..], 250, "OK"),
            (&[b"250"], 250, ""),
            (&[b"354 go"], 354, "go"),
            (&[b"250-a\r", b"250-SIZE 10\r", b"250 b\r"], 250, "a SIZE 10 b"),
            (&[b"550 5.1.1 usuario desconocido: se\xf1or"], 550, "5.1.1 usuario desconocido: se\u{fffd}or"),
        ] {
            let reply = read(lines).unwrap().unwrap();
            assert_eq!((reply.code, reply.text().as_str()), (code, text));
        }
        assert_eq!(read(&[b"250-more"]), Ok(None));
    }

    #[test]
    fn what_is_no_reply() {
        for lines in [
            &[&b"HTTP/1.1 400 Bad Request\r"[..]][..],
            &[b""],
            &[b"25"],
            &[b"600 x"],
            &[b"199 x"],
            &[b"250x"],
            &[b"250-a", b"550 b"],
            &[b"SSH-2.0-OpenSSH"],
        ] {
            assert!(read(lines).is_err(), "{lines:?}");
        }
        assert!(read(&[b"250-x".as_slice(); 200]).is_err());
    }

    #[test]
    fn enhanced_codes() {
        let with = |text: &str| Reply { code: 550, lines: vec![text.to_owned()] };
        assert_eq!(with("5.7.8 no").enhanced(), Some("5.7.8"));
        for text in ["", "no", "5.7", "5.7.8.9 x", "5.a.1 x", "5..1 x", "1.2.3456 x"] {
            assert_eq!(with(text).enhanced(), None, "{text}");
        }
    }
}
