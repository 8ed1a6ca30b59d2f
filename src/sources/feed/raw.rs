//! What a document or another source says, before anything is made of it: strings as they stand, references of XML (or JSON) decoded.
//! An empty string means that the document has none.

use std::time::Duration;

use url::Url;

use crate::model::Engagement;

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RSS 0.9x and 2.0.
    Rss,
    /// RSS 0.90 and 1.0, which are RDF.
    Rdf,
    /// Atom 0.3 and 1.0 (RFC 4287).
    Atom,
    /// Channel Definition Format.
    Cdf,
    /// JSON Feed 1 and 1.1.
    Json,
    /// No document: the entries were made from what a service said.
    Made,
}

impl Format {
    /// The name people use.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Rss => "RSS",
            Format::Rdf => "RSS 1.0",
            Format::Atom => "Atom",
            Format::Cdf => "CDF",
            Format::Json => "JSON Feed",
            Format::Made => "entries",
        }
    }
}

/// How a text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextKind {
    /// Says that it is plain.
    #[default]
    Plain,
    /// HTML, or RSS, which does not say.
    Html,
    /// Inline markup, as it stands in the document.
    Xhtml,
}

/// A text with its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawText {
    pub kind: TextKind,
    pub text: String,
}

/// Who wrote it, as far as the document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawAuthor {
    pub name: String,
    pub uri: String,
    pub email: String,
    /// Handle on its platform, with or without `@`.
    pub handle: String,
    pub followers: Option<u64>,
}

/// An entry as the document has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawEntry {
    /// `guid`, `id`, `rdf:about` or JSON Feed's `id` (numbers too).
    pub id: String,
    /// The id is an address that can be opened (RSS 2.0: unless it says otherwise).
    pub guid_is_permalink: bool,
    /// The alternate link, possibly relative.
    pub link: String,
    /// `xml:base` of the entry or what holds it.
    pub base: String,
    pub title: RawText,
    /// The longest of the full texts.
    pub content: RawText,
    /// The longest of the descriptions.
    pub summary: RawText,
    pub author: RawAuthor,
    pub published: String,
    pub updated: String,
    pub lang: String,
    /// RSS `source`, Bing's `News:Source`, Atom's `source` title.
    pub source_title: String,
    pub source_url: String,
    /// Stars as the document writes them.
    pub rating: String,
    /// The document says that it answers another entry (RFC 4685, JSON Feed's `_in_reply_to`).
    pub reply: bool,
    pub engagement: Engagement,
    /// Ids of what it answers and of what began the thread.
    pub parent: String,
    pub root: String,
}

/// What the document says about itself, as far as reading an entry needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedInfo {
    pub format: Format,
    /// Plain text.
    pub title: String,
    /// BCP 47, as claimed.
    pub lang: Option<String>,
    /// The page that the feed belongs to, as it stands.
    pub link: String,
    /// The feed's own address or id, as it stands: Google Alerts are known by it.
    pub own: String,
    /// Author of entries that name none (RFC 4287, 4.2.1).
    pub author: RawAuthor,
    /// Where relative links start: where the document was found, or what its root says (`xml:base`).
    pub base: Option<Url>,
}

/// A document that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Feed {
    pub info: FeedInfo,
    /// How long the feed may be kept before asking again (RSS `ttl`, `sy:updatePeriod`), as the document wishes.
    pub ttl: Option<Duration>,
    /// In document order.
    pub entries: Vec<RawEntry>,
    /// What was wrong and read all the same, in words.
    pub faults: Vec<String>,
    /// Entries beyond the cap, the oldest ones.
    pub dropped: usize,
}

impl Feed {
    /// Entries that were made from what a service said, not read from a document: their ids hold for ever, each for one
    /// thing. `base` is where relative links start.
    pub fn made(entries: Vec<RawEntry>, base: Option<Url>) -> Self {
        let info = FeedInfo {
            format: Format::Made,
            title: String::new(),
            lang: None,
            link: String::new(),
            own: String::new(),
            author: RawAuthor::default(),
            base,
        };
        Self { info, ttl: None, entries, faults: Vec::new(), dropped: 0 }
    }
}
