//! Feeds: one tolerant reader for RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0, CDF and JSON Feed. What can be read is read
//! and the fault is noted; only what is no feed at all is refused, with the reason in words. It expands no entities of
//! a document's own and loads nothing. Called by the daemon for each body that a poll brought.

mod charset;
mod entry;
mod json;
mod keep;
mod names;
mod raw;
mod scan;
#[cfg(test)]
mod tests;
mod xml;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use url::Url;

pub use raw::{Feed, FeedInfo, Format, RawAuthor, RawEntry, RawText, TextKind};

/// Bytes of one field that are kept. A text this long is cut again when it is converted.
const MAX_FIELD: usize = crate::text::html::MAX_HTML;

/// Bytes of prose that are shown of a body that is no feed.
const MAX_SHOWN: usize = 60;

/// Why a body is no feed: what it is instead and what to do, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseFault {
    pub message: String,
}

/// Reads a feed. `content_type` is the header as received, `base` the address that answered. Of more than
/// `max_entries` entries the newest are kept (by date where most have one, else the first ones) and the rest is
/// counted. A feed without entries is a feed.
///
/// # Errors
/// [`ParseFault`] if the body is empty, an HTML page, prose, or a document of another kind.
pub fn parse_feed(
    body: &[u8],
    content_type: Option<&str>,
    base: Option<&Url>,
    max_entries: usize,
) -> Result<Feed, ParseFault> {
    if body.iter().all(|b| b.is_ascii_whitespace() || *b == 0) {
        return Err(fault("the answer is empty; if it stays so, the feed has moved or was given up"));
    }
    let (text, remark) = charset::decode(body, content_type);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    let mut feed = match text.as_bytes().first() {
        Some(b'{' | b'[') => json::read(text, base, max_entries)?,
        _ => xml::read(text, base, max_entries).map_err(|no| no_feed(text, no.root.as_deref()))?,
    };
    feed.faults.splice(0..0, remark);
    Ok(feed)
}

fn fault(message: impl Into<String>) -> ParseFault {
    ParseFault { message: message.into() }
}

/// What a text without a feed in it is, in words.
fn no_feed(text: &str, root: Option<&str>) -> ParseFault {
    let local = root.map(|r| r.rsplit_once(':').map_or(r, |(_, local)| local).to_ascii_lowercase());
    match local.as_deref() {
        Some(
            "html" | "head" | "body" | "meta" | "title" | "script" | "div" | "p" | "a" | "br" | "center" | "h1"
            | "link",
        ) => {
            let mut title = String::new();
            if let Some(from) = find_ignoring_case(text, "<title") {
                let rest = &text[from..];
                let end = find_ignoring_case(rest, "</title").unwrap_or(rest.len().min(MAX_SHOWN));
                crate::text::html::to_text(rest.get(..end).unwrap_or(""), &mut title);
            }
            let title = title.replace('\n', " ");
            let named = if title.is_empty() { String::new() } else { format!(" titled “{}”", shown(&title)) };
            fault(format!(
                "this is an HTML page{named}, not a feed: often a login page, a block or a moved feed. Open the address \
                 in a browser and look for the feed's own link"
            ))
        }
        Some("opml") => fault("this is a list of subscriptions (OPML), not a feed: configure the feeds that it lists"),
        Some("urlset" | "sitemapindex") => fault("this is a sitemap, not a feed: look for the site's RSS or Atom link"),
        Some(other) => {
            fault(format!("this is an XML document, but not a feed: its root element is <{}>", shown(other)))
        }
        None => {
            let mut prose = String::new();
            crate::text::html::to_text(crate::text::html::cut(text, 4 * MAX_SHOWN), &mut prose);
            let prose = prose.replace('\n', " ");
            fault(format!("this is text, not a feed; it begins “{}”", shown(&prose)))
        }
    }
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    text.as_bytes().windows(wanted.len()).position(|w| w.eq_ignore_ascii_case(wanted.as_bytes()))
}

fn shown(text: &str) -> String {
    let cut = crate::text::html::cut(text, MAX_SHOWN);
    if cut.len() < text.len() { format!("{cut}…") } else { cut.to_owned() }
}

/// A language tag, if it looks like one (BCP 47): `pt_BR` becomes `pt-BR`.
pub(in crate::sources) fn language(claimed: &str) -> Option<String> {
    let tag = claimed.trim().replace('_', "-");
    let primary = tag.split('-').next().unwrap_or("");
    let good = (2..=3).contains(&primary.len())
        && tag.len() <= 35
        && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && primary.bytes().all(|b| b.is_ascii_alphabetic());
    good.then_some(tag)
}

/// A text construct of Atom: `mode="base64"` (Atom 0.3) is decoded; `None` if it is no text.
fn text_of(text: String, kind: TextKind, mode: Option<&str>, media: Option<&str>) -> Option<RawText> {
    /// Feeds leave out the padding or have it in excess.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let media = media.unwrap_or("").trim().to_ascii_lowercase();
    let is_text =
        !media.contains('/') || media.starts_with("text/") || media.contains("html") || media.ends_with("xml");
    if mode.is_some_and(|m| m.trim().eq_ignore_ascii_case("base64")) {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let bytes = LENIENT.decode(compact).ok()?;
        return String::from_utf8(bytes).ok().filter(|_| is_text).map(|text| RawText { kind, text });
    }
    is_text.then_some(RawText { kind, text })
}
