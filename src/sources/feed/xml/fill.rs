//! Which field of the entry or of the feed a value fills.

use std::time::Duration;

use super::{Capture, Place, Reader};
use crate::sources::feed::names::Element;
use crate::sources::feed::raw::{Format, TextKind};
use crate::sources::feed::scan::attr;
use crate::sources::feed::{MAX_FIELD, language, text_of};
use crate::text::html::cut;

impl Reader<'_> {
    /// What an element says in its attributes alone.
    pub(super) fn attributes_only(&mut self, element: Element, attrs: &str, outer: Place) {
        if attrs.is_empty() {
            return;
        }
        match element {
            Element::Link => {
                let Some(href) = attr(attrs, "href") else { return };
                let href = href.trim();
                let rel = attr(attrs, "rel");
                let rel = rel.as_deref().map_or("alternate", str::trim);
                match (&mut self.entry, outer) {
                    (Some(entry), Place::Source) if rel == "alternate" => entry.raw.source_url = href.into(),
                    (_, Place::Source) => {}
                    (Some(_), _) if rel.eq_ignore_ascii_case("alternate") => {
                        let base = attr(attrs, "xml:base").map(|b| b.into_owned());
                        // Among several alternates the page is wanted, not its mobile API or PDF.
                        let page = attr(attrs, "type").is_none_or(|t| t.contains("html"));
                        self.set(Element::Link, href.into(), if page { outer } else { Place::Nested });
                        if let (Some(base), Some(entry)) = (base, &mut self.entry) {
                            entry.raw.base = base;
                        }
                    }
                    (Some(_), _) if rel.eq_ignore_ascii_case("enclosure") => {
                        self.set(Element::Link, href.into(), Place::Nested);
                    }
                    (Some(_), _) => {}
                    (None, _) if rel.eq_ignore_ascii_case("self") => self.info.own = href.into(),
                    (None, _) if rel == "alternate" && self.info.link.is_empty() => self.info.link = href.into(),
                    (None, _) => {}
                }
            }
            Element::Source => {
                if let (Some(entry), Some(url)) = (&mut self.entry, attr(attrs, "url")) {
                    entry.raw.source_url = url.trim().into();
                }
            }
            Element::Rating => {
                let value = attr(attrs, "average").or_else(|| attr(attrs, "value"));
                if let Some(value) = value {
                    self.set(Element::Rating, value.trim().into(), outer);
                }
            }
            _ => {}
        }
    }

    /// Ends the running capture and files its text.
    pub(super) fn take(&mut self) {
        let Some(capture) = self.capture.take() else { return };
        let outer = capture.at.checked_sub(1).and_then(|i| self.stack.get(i)).map_or(Place::Direct, |o| o.place);
        let Capture { element, attrs, mut text, markup, .. } = capture;
        if let Some(from) = markup {
            text = cut(self.scan.slice(from, self.before.max(from)), MAX_FIELD).to_owned();
        }
        if text.trim().is_empty() {
            return;
        }
        let in_entry = self.entry.is_some();
        match element {
            Element::Content | Element::Encoded | Element::Body | Element::Summary if in_entry => {
                let atom = self.format == Some(Format::Atom) || element == Element::Content;
                let kind = kind_of(element, attrs, atom, markup.is_some());
                let Some(raw) = text_of(text, kind, attr(attrs, "mode").as_deref(), attr(attrs, "type").as_deref())
                else {
                    return;
                };
                let Some(entry) = &mut self.entry else { return };
                let field = if element == Element::Summary { &mut entry.raw.summary } else { &mut entry.raw.content };
                if raw.text.len() > field.text.len() {
                    *field = raw;
                }
            }
            Element::Title | Element::MediaTitle if matches!(outer, Place::Direct | Place::Nested) => {
                let outer = if element == Element::MediaTitle { Place::Nested } else { outer };
                let atom = self.format == Some(Format::Atom);
                let kind = kind_of(element, attrs, atom, markup.is_some());
                let Some(raw) = text_of(text, kind, attr(attrs, "mode").as_deref(), attr(attrs, "type").as_deref())
                else {
                    return;
                };
                if let Some(entry) = &mut self.entry {
                    if replaces(&mut entry.weak, Element::Title, entry.raw.title.text.is_empty(), outer) {
                        entry.raw.title = raw;
                    }
                } else if outer == Place::Direct && self.info.title.is_empty() {
                    self.info.title = raw.line();
                }
            }
            _ => {
                if element == Element::Id
                    && let Some(entry) = &mut self.entry
                    && self.format != Some(Format::Atom)
                    && outer == Place::Direct
                {
                    let says_no = attr(attrs, "isPermaLink").is_some_and(|v| v.trim().eq_ignore_ascii_case("false"));
                    entry.raw.guid_is_permalink = !says_no;
                }
                self.set(element, text.trim().to_owned(), outer);
            }
        }
    }

    /// Files a simple value where it belongs.
    pub(super) fn set(&mut self, element: Element, value: String, outer: Place) {
        if value.is_empty() {
            return;
        }
        let Some(entry) = &mut self.entry else { return self.set_feed(element, value, outer) };
        let raw = &mut entry.raw;
        let field = match (element, outer) {
            (Element::Name | Element::Author | Element::Creator, Place::Author)
            | (Element::Author | Element::Creator, _) => &mut raw.author.name,
            (Element::Uri | Element::Link, Place::Author) => &mut raw.author.uri,
            (Element::Email, Place::Author) => &mut raw.author.email,
            (Element::Title, Place::Source) | (Element::Source, _) => &mut raw.source_title,
            (Element::Link, Place::Source) => &mut raw.source_url,
            (_, Place::Source | Place::Author) | (Element::Name | Element::Uri | Element::Email, _) => return,
            (Element::NewsSource, _) => &mut raw.source_title,
            (Element::Link, _) => &mut raw.link,
            (Element::Id, _) => &mut raw.id,
            (Element::Published, _) => &mut raw.published,
            (Element::Updated, _) => &mut raw.updated,
            (Element::Language, _) => &mut raw.lang,
            (Element::Rating, _) => &mut raw.rating,
            (Element::OriginalLink, _) => {
                // The publisher's own link instead of the counter's.
                raw.link = value;
                entry.weak.retain(|e| *e != Element::Link);
                return;
            }
            _ => return,
        };
        // `rdf:about` gives way to an id that is spelled out.
        if replaces(&mut entry.weak, element, field.is_empty(), outer) {
            *field = value;
        }
    }

    pub(super) fn set_feed(&mut self, element: Element, value: String, outer: Place) {
        match element {
            Element::Name if outer == Place::Author => self.info.author.name = value,
            Element::Uri if outer == Place::Author => self.info.author.uri = value,
            Element::Email if outer == Place::Author => self.info.author.email = value,
            _ if !matches!(outer, Place::Direct | Place::Nested) => {}
            Element::Link if self.info.link.is_empty() => self.info.link = value,
            Element::Id if self.info.own.is_empty() => self.info.own = value,
            Element::Language => self.info.lang = language(&value).or(self.info.lang.take()),
            Element::Ttl => {
                self.ttl = value.parse::<f64>().ok().and_then(|m| Duration::try_from_secs_f64(m * 60.0).ok());
            }
            Element::Period => {
                let hours = match value.to_ascii_lowercase().as_str() {
                    "hourly" => 1,
                    "daily" => 24,
                    "weekly" => 7 * 24,
                    "monthly" => 30 * 24,
                    "yearly" => 365 * 24,
                    _ => return,
                };
                self.period = Some(Duration::from_secs(hours * 3600));
            }
            Element::Frequency => self.frequency = value.parse().ok().filter(|n| *n > 0).unwrap_or(1),
            _ => {}
        }
    }
}

/// Whether a value replaces what is there: it fills a gap, or it stands directly in the entry and the other did not.
fn replaces(weak: &mut Vec<Element>, element: Element, empty: bool, outer: Place) -> bool {
    let nested = outer == Place::Nested;
    if empty {
        weak.retain(|e| *e != element);
        if nested {
            weak.push(element);
        }
        return true;
    }
    let gives_way = !nested && weak.contains(&element);
    if gives_way {
        weak.retain(|e| *e != element);
    }
    gives_way
}

fn kind_of(element: Element, attrs: &str, atom: bool, markup: bool) -> TextKind {
    if markup {
        return TextKind::Xhtml;
    }
    if !atom || matches!(element, Element::Encoded | Element::Body) {
        return TextKind::Html;
    }
    match attr(attrs, "type").as_deref().map(str::trim) {
        None => TextKind::Plain,
        Some(t) if t.eq_ignore_ascii_case("text") || t.eq_ignore_ascii_case("text/plain") => TextKind::Plain,
        Some(_) => TextKind::Html,
    }
}
