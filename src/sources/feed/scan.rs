//! XML as it is found: a tokeniser that never refuses. It answers slices of the document, nothing is copied or decoded.
//! Each deviation from XML 1.0 is noted in words and read as browsers or feedparser would read it; every search that
//! fails is remembered, so the scan is linear on any input. There is no repair loop around a strict parser because
//! what comes after the first error is the normal case here, and each restart would lose the parser's state.

use std::borrow::Cow;

use crate::text::html::{Rules, decode_entities};

/// One token of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Start tag; `empty` if it ends with `/>`. `attrs` is the raw text between name and end.
    Start {
        name: &'a str,
        attrs: &'a str,
        empty: bool,
    },
    End {
        name: &'a str,
    },
    /// Character data, references still in it.
    Text(&'a str),
    CData(&'a str),
    Doctype(&'a str),
}

/// Kinds of deviation that are kept; the rest is only counted.
const MAX_FAULTS: usize = 8;

pub(super) struct Scanner<'a> {
    doc: &'a str,
    pos: usize,
    /// What was wrong, each kind once, in order of appearance.
    pub(super) faults: Vec<String>,
    no_comment_end: bool,
    no_subset_end: bool,
    no_double: bool,
    no_single: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(doc: &'a str) -> Self {
        Self {
            doc,
            pos: 0,
            faults: Vec::new(),
            no_comment_end: false,
            no_subset_end: false,
            no_double: false,
            no_single: false,
        }
    }

    /// Byte offset of the next token.
    pub(super) fn pos(&self) -> usize {
        self.pos
    }

    /// The document's text between two offsets that [`Scanner::pos`] gave.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        self.doc.get(from..to).unwrap_or("")
    }

    /// Notes a deviation, once a kind.
    pub(super) fn fault(&mut self, what: &str) {
        if self.faults.len() < MAX_FAULTS && !self.faults.iter().any(|f| f.starts_with(what)) {
            let line = self.doc.as_bytes()[..self.pos.min(self.doc.len())].iter().filter(|b| **b == b'\n').count() + 1;
            self.faults.push(format!("{what} (line {line})"));
        }
    }

    /// The next token; `None` at the end. Comments and processing instructions are skipped.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let rest = self.doc.get(self.pos..).filter(|r| !r.is_empty())?;
            let b = rest.as_bytes();
            if b[0] != b'<' {
                let len = rest.find('<').unwrap_or(rest.len());
                self.pos += len;
                return Some(Token::Text(&rest[..len]));
            }
            match b.get(1) {
                Some(b'/') if b.get(2).is_some_and(|c| is_name_start(*c)) => return Some(self.end_tag(rest)),
                Some(b'!') if rest.starts_with("<!--") => {
                    let len = if self.no_comment_end { None } else { rest[4..].find("-->") };
                    match len {
                        Some(len) => self.pos += 4 + len + 3,
                        None => {
                            self.no_comment_end = true;
                            self.fault("a comment is never closed");
                            self.pos += 4;
                        }
                    }
                }
                Some(b'!') if rest.starts_with("<![CDATA[") => {
                    let inner = &rest["<![CDATA[".len()..];
                    let (text, end) = match inner.find("]]>") {
                        Some(len) => (&inner[..len], len + 3),
                        None => {
                            self.fault("a CDATA section is never closed: the document is cut off");
                            (inner, inner.len())
                        }
                    };
                    self.pos += "<![CDATA[".len() + end;
                    return Some(Token::CData(text));
                }
                Some(b'!') if rest.get(..9).is_some_and(|d| d.eq_ignore_ascii_case("<!doctype")) => {
                    let len = self.doctype_end(b);
                    self.pos += len;
                    return Some(Token::Doctype(&rest[..len]));
                }
                // A declaration that lost its second `?` is more common than a `>` inside an instruction.
                Some(b'!' | b'?') => self.skip_past(rest, ">"),
                Some(c) if is_name_start(*c) => return Some(self.start_tag(rest)),
                _ => {
                    self.fault("a bare `<`");
                    let len = rest[1..].find('<').map_or(rest.len(), |l| l + 1);
                    self.pos += len;
                    return Some(Token::Text(&rest[..len]));
                }
            }
        }
    }

    fn skip_past(&mut self, rest: &str, end: &str) {
        match rest.find(end) {
            Some(at) => self.pos += at + end.len(),
            None => {
                self.fault("the document ends inside a declaration");
                self.pos += rest.len();
            }
        }
    }

    fn end_tag(&mut self, rest: &'a str) -> Token<'a> {
        let len = 2 + name_len(&rest.as_bytes()[2..]);
        let name = &rest[2..len];
        match rest[len..].find(['>', '<']) {
            Some(at) if rest.as_bytes()[len + at] == b'>' => self.pos += len + at + 1,
            Some(at) => {
                self.fault("an end tag without `>`");
                self.pos += len + at;
            }
            None => {
                self.fault("the document ends inside a tag");
                self.pos += rest.len();
            }
        }
        Token::End { name }
    }

    fn start_tag(&mut self, rest: &'a str) -> Token<'a> {
        let b = rest.as_bytes();
        let name_end = 1 + name_len(&b[1..]);
        let mut i = name_end;
        let (attrs_end, next) = loop {
            match b.get(i) {
                Some(b'>') => break (i, i + 1),
                Some(b'<') => {
                    self.fault("a tag without `>`");
                    break (i, i);
                }
                Some(q @ (b'"' | b'\'')) => match self.quoted(&b[i + 1..], *q) {
                    Some(len) => i += len + 2,
                    None => {
                        self.fault("an attribute without its closing quote");
                        let end = b[i..].iter().position(|c| matches!(c, b'>' | b'<')).map_or(b.len(), |l| i + l);
                        break (end, if b.get(end) == Some(&b'>') { end + 1 } else { end });
                    }
                },
                Some(_) => i += 1,
                None => {
                    self.fault("the document ends inside a tag");
                    break (i, i);
                }
            }
        };
        self.pos += next;
        let attrs = &rest[name_end..attrs_end];
        let (attrs, empty) = attrs.strip_suffix('/').map_or((attrs, false), |a| (a, true));
        Token::Start { name: &rest[1..name_end], attrs, empty }
    }

    /// Length of the document type declaration at the start of `b`. An internal subset that is never closed ends at the
    /// first `>` instead of swallowing the document.
    fn doctype_end(&mut self, b: &[u8]) -> usize {
        let mut inside = false;
        for (i, c) in b.iter().enumerate().take_while(|_| !self.no_subset_end) {
            match c {
                b'[' => inside = true,
                b']' => inside = false,
                b'>' if !inside => return i + 1,
                _ => {}
            }
        }
        self.no_subset_end = true;
        b.iter().position(|c| *c == b'>').map_or(b.len(), |i| i + 1)
    }

    /// Length of the quoted value at the start of `b`. A value with `<` in it that is not followed by what may follow
    /// a value is taken for one that lost its closing quote.
    fn quoted(&mut self, b: &[u8], quote: u8) -> Option<usize> {
        let gone = if quote == b'"' { &mut self.no_double } else { &mut self.no_single };
        let found = if *gone { None } else { b.iter().position(|c| *c == quote) };
        let Some(len) = found else {
            *gone = true;
            return None;
        };
        let plausible = b.get(len + 1).is_none_or(|c| c.is_ascii_whitespace() || matches!(c, b'/' | b'>' | b'?'));
        (plausible || !b[..len].contains(&b'<')).then_some(len)
    }
}

/// The value of the attribute of that name (ASCII case ignored), references decoded.
pub(super) fn attr<'a>(attrs: &'a str, wanted: &str) -> Option<Cow<'a, str>> {
    attributes(attrs)
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| decode_entities(value, Rules::Strict))
}

/// All attributes as raw name and value.
pub(super) fn attributes(attrs: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = attrs;
    std::iter::from_fn(move || {
        loop {
            rest =
                rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '"' | '\'' | '=' | ','));
            if rest.is_empty() {
                return None;
            }
            let len =
                rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '"' | '\'')).unwrap_or(rest.len());
            let (name, after) = rest.split_at(len);
            let Some(value) = after.trim_start().strip_prefix('=').map(str::trim_start) else {
                rest = after;
                if name.is_empty() {
                    continue;
                }
                return Some((name, ""));
            };
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (value, next) = match quote {
                Some(q) => value[1..].split_once(q).unwrap_or((&value[1..], "")),
                None => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
            };
            rest = next;
            return Some((name, value));
        }
    })
}

fn is_name_start(c: u8) -> bool {
    c.is_ascii_alphabetic() || c == b'_' || c == b':' || c >= 0x80
}

fn name_len(b: &[u8]) -> usize {
    b.iter()
        .position(|c| c.is_ascii_whitespace() || matches!(c, b'>' | b'/' | b'<' | b'=' | b'"' | b'\''))
        .unwrap_or(b.len())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tokens(doc: &str) -> String {
        let mut scanner = Scanner::new(doc);
        let mut out = String::new();
        while let Some(token) = scanner.next() {
            match token {
                Token::Start { name, attrs, empty } => {
                    out += &format!("<{name}");
                    attributes(attrs).for_each(|(n, v)| out += &format!(" {n}={v}"));
                    out += if empty { "/>" } else { ">" };
                }
                Token::End { name } => out += &format!("</{name}>"),
                Token::Text(t) => out += &format!("[{t}]"),
                Token::CData(t) => out += &format!("{{{t}}}"),
                Token::Doctype(_) => out += "!",
            }
        }
        out
    }

    #[test]
    fn hazard_15_ill_formed_documents_are_read_to_their_end() {
        let table = [
            ("<a>x</a>", "<a>[x]</a>"),
            ("<a b='1' c=\"2\" d=3 e f = '>'/>", "<a b=1 c=2 d=3 e= f=>/>"),
            ("<?xml version='1.0'?><?xml version='1.0'?><a/>", "<a/>"),
            ("<a>AT&T & co</a>", "<a>[AT&T & co]</a>"),
            ("<a>1 < 2</a>", "<a>[1 ][< 2]</a>"),
            ("<a>x</a<b>y</b>", "<a>[x]</a><b>[y]</b>"),
            ("<a <b>y", "<a><b>[y]"),
            ("<a b=\"x>y</a><c d=\"e\">z", "<a b=x>[y]</a><c d=e>[z]"),
            ("<a b=\"<i>\">y", "<a b=<i>>[y]"),
            ("<a b='x", "<a b=x>"),
            ("<a><![CDATA[x <b> & y", "<a>{x <b> & y}"),
            ("<a><!-- x", "<a>[ x]"),
            ("<!DOCTYPE r [<!ENTITY e '>'> ]><a>&e;</a>", "!<a>[&e;]</a>"),
            ("<!DOCTYPE r [<a>x", "![x]"),
            ("<a></ b>x", "<a>[</ b>x]"),
            ("junk <a>", "[junk ]<a>"),
            ("", ""),
            ("<", "[<]"),
        ];
        for (doc, want) in table {
            assert_eq!(tokens(doc), want, "{doc}");
        }
    }

    #[test]
    fn faults_say_what_and_where_once() {
        let mut scanner = Scanner::new("<a>\n1 < 2 < 3\n<b <c>");
        while scanner.next().is_some() {}
        assert_eq!(scanner.faults, ["a bare `<` (line 2)", "a tag without `>` (line 3)"]);
    }

    #[test]
    fn hostile_input_is_linear() {
        let hostile = [
            "<a b=\"".repeat(100_000),
            "<a b=\"<x\"y ".repeat(100_000),
            "<a b=\"' ".repeat(100_000),
            "<!--".repeat(200_000),
            "<![CDATA[".repeat(100_000),
            "<!DOCTYPE [".repeat(90_000),
            "<?".repeat(400_000),
            "<?x>".repeat(250_000),
            "</a".repeat(300_000),
            "<".repeat(1_000_000),
        ];
        for doc in &hostile {
            let took = crate::clock::cost(|| {
                let mut scanner = Scanner::new(doc);
                while scanner.next().is_some() {}
            });
            assert!(took < Duration::from_millis(1500), "{}…: {took:?}", &doc[..10]);
        }
    }
}
