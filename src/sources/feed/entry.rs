//! An entry as the document has it, made into an [`Entry`]: plain text, a link that a person can open, a date that can
//! be believed. News and alert services are recognised here, so that the publisher shows instead of the service.

use jiff::Timestamp;
use url::Url;

use super::raw::{FeedInfo, Format, RawAuthor, RawEntry, RawText, TextKind};
use crate::model::{Author, Entry, Identity};
use crate::sources::dates;
use crate::text::html::{cut, decode_again, plain_to_text, to_text};
use crate::text::{link, markdown};

/// Longest name of an author, site or publication, in bytes.
const MAX_NAME: usize = 200;
/// Longest title, in bytes.
const MAX_TITLE: usize = 4096;

impl RawText {
    /// As plain text, paragraphs parted by `\n`.
    pub fn plain(&self) -> String {
        let mut out = String::new();
        match self.kind {
            TextKind::Plain => plain_to_text(&self.text, &mut out),
            TextKind::Html | TextKind::Xhtml => to_text(&self.text, &mut out),
            TextKind::Markdown => {
                let mut words = String::new();
                markdown::to_text(cut(&self.text, crate::sources::MAX_TEXT), &mut words);
                plain_to_text(&words, &mut out);
            }
        }
        decode_again(&mut out, 0);
        out
    }

    /// As one line of plain text.
    pub fn line(&self) -> String {
        let mut out = self.plain();
        // What looks like a tag of nobody's (`<T>`) was meant as text in a short line, if nothing else is left.
        if out.is_empty() && self.kind == TextKind::Html {
            plain_to_text(&self.text, &mut out);
        }
        let out = if out.contains('\n') { out.replace('\n', " ") } else { out };
        cut(&out, MAX_TITLE).to_owned()
    }
}

impl RawEntry {
    /// The entry for everybody else. `now` is when it was fetched.
    pub fn to_entry(&self, identity: Identity, feed: &FeedInfo, now: Timestamp) -> Entry {
        let (url, through) = self.url(feed);
        let mut title = self.title.line();
        let mut site = line(&self.source_title);
        // Google News: `Title - Publisher`, with the publisher in `source` too.
        if !site.is_empty()
            && let Some(shorter) = title.strip_suffix(&site).and_then(|t| t.trim_end().strip_suffix(['-', '–', '|']))
            && !shorter.trim().is_empty()
        {
            title = shorter.trim_end().to_owned();
        }
        if site.is_empty() && (through || is_alert(feed)) {
            site = url.as_deref().and_then(publisher).unwrap_or_default();
        }
        let date = [&self.published, &self.updated].into_iter().find_map(|d| dates::parse(d));
        Entry {
            identity,
            title,
            text: self.text(),
            url,
            author: author(&self.author, feed).or_else(|| author(&feed.author, feed)),
            published: date.map(|d| dates::clamp(d, now)),
            lang: super::language(&self.lang).or_else(|| feed.lang.clone()),
            site: Some(site).filter(|s| !s.is_empty()),
            rating: rating(&self.rating),
            links: self.links(),
            reply: (self.reply || !self.parent.is_empty()).then_some(true),
            engagement: self.engagement,
            id: (feed.format == Format::Made).then(|| said(&self.id)).flatten(),
            parent: said(&self.parent),
            root: said(&self.root),
            withdrawn: None,
        }
    }

    /// Whether the entry names its author itself. What it inherits from the feed (RFC 4287 section 4.2.1) may be a
    /// person's blog or the owner of a forum in which hundreds write.
    pub fn names_author(&self, feed: &FeedInfo) -> bool {
        author(&self.author, feed).is_some()
    }

    /// The longest body. Markup makes a content look longer than it is, so a summary that might be longer is
    /// converted too.
    fn text(&self) -> String {
        let content = self.content.plain();
        if self.summary.text.len() <= content.len() {
            return content;
        }
        let summary = self.summary.plain();
        if summary.len() > content.len() { summary } else { content }
    }

    /// Where content and summary lead.
    fn links(&self) -> Vec<String> {
        let mut links = Vec::new();
        for body in [&self.content, &self.summary] {
            link::in_markup(&body.text, &mut links);
        }
        links
    }

    /// The link, and whether it led through a redirector.
    fn url(&self, feed: &FeedInfo) -> (Option<String>, bool) {
        let own = link::clean(&self.base, feed.base.as_ref());
        let base = own.as_ref().or(feed.base.as_ref());
        let permalink = if self.guid_is_permalink { self.id.as_str() } else { "" };
        let absolute = |id: &&str| id.starts_with("http://") || id.starts_with("https://");
        let found = link::target(&self.link, base)
            .or_else(|| Some(permalink).filter(absolute).and_then(|id| link::target(id, None)));
        found.map_or((None, false), |(url, through)| (Some(url), through))
    }
}

/// Whether the feed is a Google Alert: by its own address, its id or its page.
fn is_alert(feed: &FeedInfo) -> bool {
    let known = |s: &str| s.contains("google.") && s.contains("/alerts/");
    known(&feed.own)
        || known(&feed.link)
        || feed.own.contains("state/com.google/alerts/")
        || feed.base.as_ref().is_some_and(|b| known(b.as_str()))
}

/// The host as people write it.
fn publisher(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(host.strip_prefix("www.").unwrap_or(host).to_owned())
}

/// An id, if it is one.
fn said(id: &str) -> Option<String> {
    (!id.is_empty() && id.len() <= MAX_TITLE).then(|| id.to_owned())
}

fn line(text: &str) -> String {
    let raw = RawText { kind: TextKind::Html, text: text.to_owned() };
    cut(&raw.line(), MAX_NAME).to_owned()
}

/// `Name`, `mail@host (Name)`, `Name (mail@host)`, `Name <mail@host>`, `@handle`.
fn author(raw: &RawAuthor, feed: &FeedInfo) -> Option<Author> {
    let written = raw.name.trim();
    let name = match written.split_once('(') {
        Some((mail, name)) if mail.contains('@') => name.trim_end().trim_end_matches(')'),
        Some((name, mail)) if mail.contains('@') && !name.trim().is_empty() => name,
        _ => match written.split_once('<') {
            Some((name, mail)) if mail.contains('@') && !name.trim().is_empty() => name,
            _ => written,
        },
    };
    let mut name = line(name);
    if name.is_empty() {
        name = line(&raw.email);
    }
    let url = link::clean(&raw.uri, feed.base.as_ref()).map(String::from);
    let handle = match line(&raw.handle) {
        own if !own.is_empty() => Some(format!("@{}", own.trim_start_matches('@'))),
        // Whoever writes mail is known by the address.
        _ if feed.format == Format::Made && !raw.email.is_empty() => Some(line(&raw.email).to_lowercase()),
        _ => (name.starts_with('@') && name.len() > 1 && !name.contains(' ')).then(|| name.clone()),
    };
    if let (true, Some(handle)) = (name.is_empty(), &handle) {
        name.clone_from(handle);
    }
    (!name.is_empty() || url.is_some()).then_some(Author { name, handle, url, followers: raw.followers })
}

/// Stars between 1 and 5; a scale that cannot be known is left out.
fn rating(text: &str) -> Option<f32> {
    let stars: f32 = text.split('/').next()?.trim().replace(',', ".").parse().ok()?;
    (1.0..=5.0).contains(&stars).then_some(stars)
}
