//! Where tags begin and end, and what they do to the text around them. Every search that fails is remembered, so that
//! the whole scan stays linear on hostile input.

/// What a tag does to the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Inline,
    Space,
    Break,
}

/// A tag (or comment, or element whose content is dropped): what it does and where the text goes on.
pub(super) struct Tag {
    pub(super) effect: Effect,
    pub(super) end: usize,
}

/// What is already known not to come any more.
#[derive(Default)]
pub(super) struct Scan {
    no_gt: bool,
    quotes_off: bool,
    /// Elements of [`DROPPED`] whose end tag does not come.
    no_end: [bool; DROPPED.len()],
}

/// Elements whose content is no text of the page, and whether they swallow the rest if they are never closed (as in
/// browsers: what follows an open script is script).
const DROPPED: [(&str, bool); 8] = [
    ("script", true),
    ("style", true),
    ("head", false),
    ("svg", false),
    ("math", false),
    ("template", false),
    ("iframe", false),
    ("object", false),
];

impl Scan {
    /// The tag at byte `at` of `s` (a `<`), or `None` if that `<` is text. With `known_only`, names that HTML does not
    /// know are text too.
    pub(super) fn tag(&mut self, s: &str, at: usize, known_only: bool) -> Option<Tag> {
        let rest = &s[at..];
        let b = rest.as_bytes();
        let closing = b.get(1) == Some(&b'/');
        match b.get(1)? {
            b'!' if rest.starts_with("<!--") => {
                let end = rest[4..].find("-->").map_or(s.len(), |e| at + 4 + e + 3);
                return Some(Tag { effect: Effect::Inline, end });
            }
            b'!' | b'?' => {
                let end = rest.find('>').map_or(s.len(), |e| at + e + 1);
                return Some(Tag { effect: Effect::Inline, end });
            }
            _ => {}
        }
        let name_at = 1 + usize::from(closing);
        if !b.get(name_at)?.is_ascii_alphabetic() {
            return None;
        }
        let len = b[name_at..].iter().take(MAX_NAME).position(|c| !is_name(*c)).unwrap_or(MAX_NAME);
        let mut lower = [0u8; MAX_NAME];
        let name = lower.get_mut(..len)?;
        name.copy_from_slice(b.get(name_at..name_at + len)?);
        name.make_ascii_lowercase();
        let (effect, known) = effect(name);
        if known_only && !known {
            return None;
        }
        let Some(end) = self.end(b, name_at + len) else {
            // Cut inside a tag: what is left is its attributes. But a name nobody knows was no tag.
            return known.then_some(Tag { effect, end: s.len() });
        };
        let end = at + end;
        if !closing
            && !b[..end - at].ends_with(b"/>")
            && let Some(which) = DROPPED.iter().position(|(n, _)| n.as_bytes() == name)
        {
            return Some(Tag { effect, end: self.skip(s, end, which) });
        }
        Some(Tag { effect, end })
    }

    /// The byte after the `>` of the tag whose name ends at `i`. Quotes count only after `=`, as in browsers.
    fn end(&mut self, b: &[u8], mut i: usize) -> Option<usize> {
        if self.no_gt {
            return None;
        }
        let from = i;
        let mut value = false;
        while !self.quotes_off {
            match b.get(i) {
                None => self.quotes_off = true,
                Some(b'>') => return Some(i + 1),
                Some(b'=') => value = true,
                Some(q @ (b'"' | b'\'')) if value => {
                    value = false;
                    match b[i + 1..].iter().position(|c| c == q) {
                        Some(len) => i += len + 1,
                        None => self.quotes_off = true,
                    }
                }
                Some(c) => value = value && c.is_ascii_whitespace(),
            }
            i += 1;
        }
        let found = b[from..].iter().position(|c| *c == b'>');
        self.no_gt = found.is_none();
        found.map(|len| from + len + 1)
    }

    /// Skips the content of a dropped element that starts at `from`; answers the byte after its end tag.
    fn skip(&mut self, s: &str, from: usize, which: usize) -> usize {
        let (name, swallows) = DROPPED[which];
        if self.no_end[which] {
            return if swallows { s.len() } else { from };
        }
        let mut at = from;
        while let Some(slash) = s[at..].find("</") {
            at += slash + 2;
            let rest = &s.as_bytes()[at..];
            if rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
                return s[at..].find('>').map_or(s.len(), |e| at + e + 1);
            }
        }
        self.no_end[which] = true;
        if swallows { s.len() } else { from }
    }
}

/// The longest name of an element that HTML knows has 10 letters; custom elements may have more.
const MAX_NAME: usize = 64;

fn is_name(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'-' | b':' | b'_' | b'.')
}

/// What the element of that lower-case name does, and whether HTML knows it.
fn effect(name: &[u8]) -> (Effect, bool) {
    match name {
        b"p" | b"br" | b"div" | b"li" | b"tr" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"blockquote"
        | b"pre" | b"hr" | b"section" | b"article" | b"aside" | b"header" | b"footer" | b"main" | b"nav"
        | b"figure" | b"figcaption" | b"dl" | b"dd" | b"dt" | b"ul" | b"ol" | b"menu" | b"table" | b"thead"
        | b"tbody" | b"tfoot" | b"caption" | b"form" | b"fieldset" | b"legend" | b"address" | b"details"
        | b"summary" | b"center" | b"body" | b"html" | b"head" | b"title" | b"option" | b"select" | b"hgroup"
        | b"dialog" | b"search" | b"dir" | b"listing" | b"xmp" | b"plaintext" => (Effect::Break, true),
        b"td" | b"th" | b"img" | b"iframe" | b"video" | b"audio" | b"object" | b"embed" | b"svg" | b"math"
        | b"canvas" | b"input" | b"button" | b"textarea" | b"script" | b"style" | b"template" | b"noscript"
        | b"picture" => (Effect::Space, true),
        b"a" | b"abbr" | b"acronym" | b"area" | b"b" | b"base" | b"bdi" | b"bdo" | b"big" | b"cite" | b"code"
        | b"col" | b"colgroup" | b"data" | b"datalist" | b"del" | b"dfn" | b"em" | b"font" | b"i" | b"ins" | b"kbd"
        | b"label" | b"link" | b"map" | b"mark" | b"meta" | b"meter" | b"nobr" | b"optgroup" | b"output" | b"param"
        | b"progress" | b"q" | b"rp" | b"rt" | b"ruby" | b"s" | b"samp" | b"slot" | b"small" | b"source" | b"span"
        | b"strike" | b"strong" | b"sub" | b"sup" | b"time" | b"track" | b"tt" | b"u" | b"var" | b"wbr" => {
            (Effect::Inline, true)
        }
        _ => (Effect::Inline, false),
    }
}
