//! Which element is meant: namespaces by address or by the prefix everybody uses, names in any case.

/// Vocabularies that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// RSS, Atom, CDF and everything without a prefix.
    Feed,
    /// Dublin Core, elements and terms.
    Dublin,
    /// The RSS content module.
    Content,
    Media,
    Itunes,
    Xhtml,
    Rdf,
    Syndication,
    /// Bing's news.
    News,
    Other,
}

/// What an element means to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Rss,
    Rdf,
    Atom,
    Channel,
    Html,
    Opml,
    Item,
    Title,
    /// A title that gives way to any other.
    MediaTitle,
    Link,
    OriginalLink,
    Id,
    /// Full text that is escaped HTML.
    Encoded,
    /// Atom's content, whose attributes say what it is.
    Content,
    /// Full text as inline XHTML.
    Body,
    Summary,
    Author,
    Creator,
    Name,
    Uri,
    Email,
    Published,
    Updated,
    Language,
    Source,
    NewsSource,
    Rating,
    Ttl,
    Period,
    Frequency,
    /// Holds elements of the same names about something else.
    Aside,
    /// What the entry answers; what stands in it is about that.
    ReplyTo,
    Other,
}

/// The meaning of a name (without prefix) in a vocabulary.
pub(super) fn element(space: Space, local: &str) -> Element {
    let mut lower = [0u8; 24];
    let Some(name) = lower.get_mut(..local.len()) else { return Element::Other };
    name.copy_from_slice(local.as_bytes());
    name.make_ascii_lowercase();
    let name: &[u8] = name;
    match space {
        Space::Feed => feed_element(name),
        Space::Dublin => match name {
            b"title" => Element::Title,
            b"creator" | b"author" => Element::Creator,
            b"description" | b"abstract" => Element::Summary,
            b"date" | b"created" | b"issued" | b"available" | b"dateaccepted" => Element::Published,
            b"modified" => Element::Updated,
            b"identifier" => Element::Id,
            b"language" => Element::Language,
            _ => Element::Other,
        },
        Space::Content => match name {
            b"encoded" => Element::Encoded,
            _ => Element::Other,
        },
        Space::Media => match name {
            b"title" => Element::MediaTitle,
            b"description" | b"text" => Element::Summary,
            b"starrating" => Element::Rating,
            b"credit" => Element::Aside,
            _ => Element::Other,
        },
        Space::Itunes => match name {
            b"summary" | b"subtitle" => Element::Summary,
            b"author" => Element::Creator,
            _ => Element::Other,
        },
        Space::Xhtml => match name {
            b"body" | b"div" => Element::Body,
            b"html" => Element::Html,
            _ => Element::Other,
        },
        Space::Rdf => match name {
            b"rdf" => Element::Rdf,
            _ => Element::Other,
        },
        Space::Syndication => match name {
            b"updateperiod" => Element::Period,
            b"updatefrequency" => Element::Frequency,
            _ => Element::Other,
        },
        Space::News => match name {
            b"source" => Element::NewsSource,
            _ => Element::Other,
        },
        Space::Other => match name {
            // FeedBurner; App Store and Google ratings; Slash.
            b"origlink" => Element::OriginalLink,
            b"rating" | b"starrating" => Element::Rating,
            b"object" | b"target" => Element::Aside,
            // RFC 4685, section 3.
            b"in-reply-to" => Element::ReplyTo,
            _ => Element::Other,
        },
    }
}

fn feed_element(name: &[u8]) -> Element {
    match name {
        b"item" | b"entry" => Element::Item,
        b"title" => Element::Title,
        b"link" => Element::Link,
        b"guid" | b"id" => Element::Id,
        b"description" | b"summary" | b"abstract" => Element::Summary,
        b"content" => Element::Content,
        b"encoded" | b"fullitem" => Element::Encoded,
        b"body" => Element::Body,
        b"pubdate" | b"published" | b"issued" | b"created" | b"date" => Element::Published,
        b"updated" | b"modified" => Element::Updated,
        b"author" => Element::Author,
        b"creator" => Element::Creator,
        b"name" => Element::Name,
        b"uri" | b"url" | b"homepage" => Element::Uri,
        b"email" => Element::Email,
        b"language" => Element::Language,
        b"source" => Element::Source,
        b"rating" | b"stars" => Element::Rating,
        b"ttl" => Element::Ttl,
        b"contributor" | b"image" | b"textinput" | b"cloud" | b"editor" => Element::Aside,
        b"rss" => Element::Rss,
        b"rdf" => Element::Rdf,
        b"feed" => Element::Atom,
        b"channel" => Element::Channel,
        b"html" | b"head" => Element::Html,
        b"opml" => Element::Opml,
        _ => Element::Other,
    }
}

/// Prefixes as the document binds them so far. One flat table: feeds bind at the root, and a prefix that changes its
/// meaning halfway does not occur.
#[derive(Default)]
pub(super) struct Spaces<'a>(Vec<(&'a str, Space)>);

/// Prefixes that are remembered.
const MAX_PREFIXES: usize = 64;

impl<'a> Spaces<'a> {
    /// Notes `xmlns:prefix="address"`.
    pub(super) fn bind(&mut self, prefix: &'a str, address: &str) {
        match self.0.iter().position(|(p, _)| *p == prefix) {
            Some(at) => self.0[at].1 = by_address(address),
            None if self.0.len() < MAX_PREFIXES => self.0.push((prefix, by_address(address))),
            None => {}
        }
    }

    /// Vocabulary and local part of a name. `own` is the default namespace that the tag itself declares, if it does.
    pub(super) fn resolve<'n>(&self, name: &'n str, own: Option<&str>) -> (Space, &'n str) {
        let Some((prefix, local)) = name.split_once(':') else {
            return match own.map(by_address) {
                Some(Space::Other) | None => (Space::Feed, name),
                Some(space) => (space, name),
            };
        };
        let bound = self.0.iter().find(|(p, _)| *p == prefix).map(|(_, s)| *s).filter(|s| *s != Space::Other);
        (bound.unwrap_or_else(|| by_prefix(prefix)), local)
    }
}

/// Namespaces by their addresses; the beginnings are enough, since versions differ at the end.
fn by_address(address: &str) -> Space {
    const KNOWN: [(&str, Space); 21] = [
        ("www.w3.org/2005/atom", Space::Feed),
        ("purl.org/atom/ns#", Space::Feed),
        ("purl.org/atom/", Space::Feed),
        ("purl.org/rss/1.0/modules/content", Space::Content),
        ("purl.org/rss/1.0/modules/syndication", Space::Syndication),
        ("purl.org/rss/1.0/modules/", Space::Other),
        ("purl.org/rss/", Space::Feed),
        ("purl.org/net/rss1.1", Space::Feed),
        ("my.netscape.com/", Space::Feed),
        ("channel.netscape.com/rdf/simple", Space::Feed),
        ("backend.userland.com/", Space::Feed),
        ("blogs.law.harvard.edu/tech/rss", Space::Feed),
        ("cyber.law.harvard.edu/rss", Space::Feed),
        ("www.rssboard.org/rss-spec", Space::Feed),
        ("purl.org/dc/", Space::Dublin),
        ("search.yahoo.com/mrss", Space::Media),
        ("tools.search.yahoo.com/mrss", Space::Media),
        ("www.itunes.com/dtds/podcast", Space::Itunes),
        ("www.w3.org/1999/xhtml", Space::Xhtml),
        ("www.w3.org/xhtml", Space::Xhtml),
        ("www.w3.org/1999/02/22-rdf-syntax-ns", Space::Rdf),
    ];
    let lower = address.trim().to_ascii_lowercase();
    let bare = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://")).unwrap_or(&lower);
    if bare.is_empty() {
        return Space::Feed;
    }
    if bare.contains("bing.com") {
        return Space::News;
    }
    KNOWN.iter().find(|(start, _)| bare.starts_with(start)).map_or(Space::Other, |(_, s)| *s)
}

/// Prefixes that mean the same everywhere, for documents that forget to bind them.
fn by_prefix(prefix: &str) -> Space {
    const KNOWN: [(&str, Space); 18] = [
        ("atom", Space::Feed),
        ("atom10", Space::Feed),
        ("atom03", Space::Feed),
        ("a10", Space::Feed),
        ("rss", Space::Feed),
        ("rss10", Space::Feed),
        ("dc", Space::Dublin),
        ("dcterms", Space::Dublin),
        ("dct", Space::Dublin),
        ("content", Space::Content),
        ("media", Space::Media),
        ("itunes", Space::Itunes),
        ("googleplay", Space::Itunes),
        ("xhtml", Space::Xhtml),
        ("html", Space::Xhtml),
        ("rdf", Space::Rdf),
        ("sy", Space::Syndication),
        ("news", Space::News),
    ];
    KNOWN.iter().find(|(p, _)| prefix.eq_ignore_ascii_case(p)).map_or(Space::Other, |(_, s)| *s)
}
