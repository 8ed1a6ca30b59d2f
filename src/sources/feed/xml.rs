//! RSS, Atom and CDF: tokens to entries. One reader for well-formed and broken documents, so that what identifies an
//! entry does not change on the day on which a feed breaks. What is open is a stack of elements; an end tag closes the
//! nearest element of its name, a new entry closes an open one, the end of the document closes all.

mod fill;

use std::time::Duration;

use url::Url;

use super::MAX_FIELD;
use super::keep::Keep;
use super::names::{Element, Space, Spaces, element};
use super::raw::{Feed, FeedInfo, Format, RawEntry};
use super::scan::{Scanner, Token, attr, attributes};
use crate::text::html::{Rules, cut, decode_entities};

/// Open elements that are kept; deeper ones are read as if they were not there.
const MAX_DEPTH: usize = 64;

/// What was found out about a document that is no feed.
pub(super) struct NoFeed {
    /// Name of the first element, if there is any.
    pub(super) root: Option<String>,
}

/// Reads a document; answers what it is instead if it is no feed.
pub(super) fn read(doc: &str, base: Option<&Url>, max_entries: usize) -> Result<Feed, NoFeed> {
    let mut reader = Reader::new(doc, base, max_entries);
    while let Some(token) = reader.scan.next() {
        match token {
            Token::Start { name, attrs, empty } => reader.start(name, attrs, empty),
            Token::End { name } => reader.end(name),
            Token::Text(text) => reader.text(text, true),
            Token::CData(text) => reader.text(text, false),
            Token::Doctype(_) => {}
        }
        reader.before = reader.scan.pos();
    }
    reader.finish()
}

/// Whose elements the reader is among.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Directly in an entry or in the feed.
    Direct,
    /// Inside an element that the reader does not know, or that was never closed: fills gaps only.
    Nested,
    Author,
    Source,
    /// About something else.
    Aside,
}

struct Open<'a> {
    name: &'a str,
    place: Place,
}

/// The text of an element, while it is read.
struct Capture<'a> {
    element: Element,
    /// Index of its element in the stack.
    at: usize,
    attrs: &'a str,
    text: String,
    /// Where the inline markup begins, if the text is markup of the document itself.
    markup: Option<usize>,
}

struct Reader<'a> {
    scan: Scanner<'a>,
    /// Offset of the token that is looked at.
    before: usize,
    spaces: Spaces<'a>,
    stack: Vec<Open<'a>>,
    capture: Option<Capture<'a>>,
    entry: Option<Current>,
    entries: Keep,
    root: Option<&'a str>,
    format: Option<Format>,
    info: FeedInfo,
    ttl: Option<Duration>,
    period: Option<Duration>,
    frequency: u32,
}

/// The entry that is open.
struct Current {
    raw: RawEntry,
    /// Length of the stack with the entry's own element on it.
    depth: usize,
    /// Fields whose value came from a nested element and gives way to a direct one.
    weak: Vec<Element>,
}

impl<'a> Reader<'a> {
    fn new(doc: &'a str, base: Option<&Url>, max_entries: usize) -> Self {
        Self {
            scan: Scanner::new(doc),
            before: 0,
            spaces: Spaces::default(),
            stack: Vec::new(),
            capture: None,
            entry: None,
            entries: Keep::new(max_entries),
            root: None,
            format: None,
            info: FeedInfo {
                format: Format::Rss,
                title: String::new(),
                lang: None,
                link: String::new(),
                own: String::new(),
                author: Default::default(),
                base: base.cloned(),
            },
            ttl: None,
            period: None,
            frequency: 1,
        }
    }

    fn start(&mut self, name: &'a str, attrs: &'a str, empty: bool) {
        let own = if attrs.contains("xmlns") { self.bind(attrs) } else { None };
        let (space, local) = self.spaces.resolve(name, own);
        let element = element(space, local);
        if let Some(capture) = &mut self.capture {
            if !closes(capture.element, element, capture.markup.is_some()) {
                if capture.markup.is_none() {
                    // Markup that nobody escaped: it is part of the text.
                    capture.text.push_str(self.scan.slice(self.before, self.scan.pos()));
                } else if !empty && same(name, self.stack.get(capture.at).map_or("", |o| o.name)) {
                    self.push(name, Place::Nested);
                }
                return;
            }
            let at = capture.at;
            if matches!(capture.element, Element::Author | Element::Source) {
                self.take();
            } else {
                self.scan.fault(&format!("<{}> is never closed", self.stack.get(at).map_or("", |o| o.name)));
                self.close(at);
            }
        }
        self.root.get_or_insert(name);
        match element {
            Element::Rss => self.root_element(Format::Rss, attrs),
            Element::Rdf => self.root_element(Format::Rdf, attrs),
            Element::Atom => self.root_element(Format::Atom, attrs),
            Element::Channel if self.format.is_none() => self.root_element(Format::Cdf, attrs),
            Element::Item => return self.item(name, attrs, empty),
            _ => {}
        }
        let outer = self.place();
        let place = match element {
            Element::Author | Element::Creator if outer != Place::Aside => Place::Author,
            Element::Source if self.entry.is_some() => Place::Source,
            Element::Aside => Place::Aside,
            Element::ReplyTo => {
                if let Some(entry) = &mut self.entry {
                    entry.raw.reply = true;
                }
                Place::Aside
            }
            Element::Rss | Element::Rdf | Element::Atom | Element::Channel => Place::Direct,
            _ if outer == Place::Direct => Place::Nested,
            _ => outer,
        };
        if place == Place::Aside || outer == Place::Aside {
            if !empty {
                self.push(name, Place::Aside);
            }
            return;
        }
        self.attributes_only(element, attrs, outer);
        if empty {
            return;
        }
        let at = self.stack.len();
        self.push(name, place);
        // A `body` outside an entry is a page around the feed.
        let text = captured(element) && (element != Element::Body || self.entry.is_some());
        if text && self.stack.len() > at {
            let markup = is_markup(element, attrs).then(|| self.scan.pos());
            self.capture = Some(Capture { element, at, attrs, text: String::new(), markup });
        }
    }

    /// Notes the prefixes that a tag binds; answers the default namespace that it declares.
    fn bind(&mut self, attrs: &'a str) -> Option<&'a str> {
        let mut own = None;
        for (name, value) in attributes(attrs) {
            if name == "xmlns" {
                own = Some(value);
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                self.spaces.bind(prefix, value);
            }
        }
        own
    }

    fn place(&self) -> Place {
        self.stack.last().map_or(Place::Direct, |o| o.place)
    }

    fn push(&mut self, name: &'a str, place: Place) {
        if self.stack.len() < MAX_DEPTH {
            self.stack.push(Open { name, place });
        }
    }

    fn root_element(&mut self, format: Format, attrs: &str) {
        if self.format.is_none() {
            self.format = Some(format);
            self.info.format = format;
            if let Some(lang) = attr(attrs, "xml:lang") {
                self.info.lang = super::language(&lang);
            }
            if let Some(base) = attr(attrs, "xml:base") {
                let base =
                    self.info.base.as_ref().map_or_else(|| Url::parse(&base).ok(), |outer| outer.join(&base).ok());
                self.info.base = base.or(self.info.base.take());
            }
        }
    }

    fn item(&mut self, name: &'a str, attrs: &'a str, empty: bool) {
        if let Some(open) = &self.entry {
            self.scan.fault("an entry is never closed");
            let depth = open.depth;
            self.close(depth - 1);
        }
        // Deep in junk there is no room on the stack; the entry begins all the same.
        self.stack.truncate(MAX_DEPTH - 1);
        self.push(name, Place::Direct);
        let mut raw = RawEntry::default();
        for (name, value) in attributes(attrs) {
            let value = || decode_entities(value, Rules::Strict).trim().to_owned();
            let local = name.split_once(':').map_or(name, |(_, local)| local);
            match local {
                "about" => raw.id = value(),
                // CDF.
                "href" | "HREF" => raw.link = value(),
                "lastmod" | "LASTMOD" => raw.updated = value(),
                "lang" => raw.lang = value(),
                "base" => raw.base = value(),
                _ => {}
            }
        }
        // What only the attributes of the entry say gives way to elements.
        let weak = vec![Element::Id, Element::Link, Element::Updated];
        self.entry = Some(Current { raw, depth: self.stack.len(), weak });
        if empty {
            self.close(self.stack.len() - 1);
        }
    }

    fn text(&mut self, text: &'a str, references: bool) {
        let Some(capture) = &mut self.capture else { return };
        if capture.markup.is_some() || capture.text.len() > MAX_FIELD {
            return;
        }
        let text = cut(text, MAX_FIELD);
        if references {
            let decoded = decode_entities(text, Rules::Strict);
            if capture.text.is_empty() { capture.text = decoded.into_owned() } else { capture.text.push_str(&decoded) }
        } else {
            capture.text.push_str(text);
        }
    }

    fn end(&mut self, name: &str) {
        match self.stack.iter().rposition(|open| same(open.name, name)) {
            Some(at) => self.close(at),
            None => {
                if let Some(capture) = &mut self.capture
                    && capture.markup.is_none()
                {
                    capture.text.push_str(self.scan.slice(self.before, self.scan.pos()));
                }
            }
        }
    }

    /// Closes the element at that place of the stack and what is open inside it.
    fn close(&mut self, at: usize) {
        if self.capture.as_ref().is_some_and(|c| c.at >= at) {
            self.take();
        }
        self.stack.truncate(at);
        if self.entry.as_ref().is_some_and(|e| e.depth > at)
            && let Some(entry) = self.entry.take()
        {
            self.entries.push(entry.raw);
        }
    }

    fn finish(mut self) -> Result<Feed, NoFeed> {
        let cut_off = !self.stack.is_empty();
        if cut_off && self.format.is_some() {
            self.scan.fault("the document ends before its root element does");
        }
        self.before = self.scan.pos();
        // An entry that was cut before anything that tells it apart would come back whole as another one.
        let told_apart = |e: &RawEntry| !e.id.is_empty() || !e.link.is_empty();
        if let Some(capture) = &self.capture
            && !matches!(capture.element, Element::Content | Element::Encoded | Element::Body | Element::Summary)
        {
            self.capture = None;
        }
        if self.entry.as_ref().is_some_and(|e| !told_apart(&e.raw)) && self.entries.list.iter().any(told_apart) {
            self.entry = None;
        }
        self.close(0);
        let page = matches!(self.root.map(|r| element(Space::Feed, r)), Some(Element::Html | Element::Opml));
        if self.format.is_none() && (self.entries.list.is_empty() || page) {
            return Err(NoFeed { root: self.root.map(|r| cut(r, 40).to_owned()) });
        }
        let by_period = self.period.map(|p| p / self.frequency);
        let (entries, dropped) = self.entries.finish();
        Ok(Feed {
            info: self.info,
            ttl: self.ttl.max(by_period).filter(|t| !t.is_zero()),
            entries,
            faults: self.scan.faults,
            dropped,
        })
    }
}

fn same(a: &str, b: &str) -> bool {
    a == b || a.eq_ignore_ascii_case(b)
}

/// Elements whose text is read.
fn captured(element: Element) -> bool {
    !matches!(
        element,
        Element::Rss
            | Element::Rdf
            | Element::Atom
            | Element::Channel
            | Element::Html
            | Element::Opml
            | Element::Item
            | Element::Aside
            | Element::ReplyTo
            | Element::Other
    )
}

/// Whether a start tag inside the text of an element means that the element was left open. Long texts may carry
/// unescaped HTML, which has elements of these names too.
fn closes(open: Element, new: Element, markup: bool) -> bool {
    match open {
        _ if new == Element::Item => true,
        _ if markup => false,
        Element::Content | Element::Encoded | Element::Body | Element::Summary => {
            matches!(new, Element::Id | Element::Published | Element::Updated | Element::Encoded | Element::Content)
        }
        _ => captured(new) || matches!(new, Element::Aside | Element::ReplyTo),
    }
}

/// Whether the element's content is markup of the document itself (Atom `xhtml`, Atom 0.3 `mode="xml"`).
fn is_markup(element: Element, attrs: &str) -> bool {
    match element {
        Element::Body => true,
        Element::Title | Element::Content | Element::Summary if !attrs.is_empty() => {
            let mode = attr(attrs, "mode");
            let kind = attr(attrs, "type");
            let kind = kind.as_deref().unwrap_or("").trim().to_ascii_lowercase();
            match mode.as_deref().map(str::trim) {
                Some("escaped" | "base64") => false,
                Some("xml") => kind.contains("html") || kind.ends_with("xml"),
                _ => kind.contains("xhtml") || kind.ends_with("+xml") || kind.ends_with("/xml"),
            }
        }
        _ => false,
    }
}
