//! Links as text: cleaned, unwrapped from redirectors, in a canonical form for "same page", redacted for logs. No
//! request is made; what may be contacted is decided where requests are made.

mod canonical;
mod google_news;
mod normal;
#[cfg(test)]
mod pairs;
mod redirector;
mod sites;
mod tracking;

use memchr::memmem;
use url::Url;

use crate::text::html::{Rules, decode_entities};

pub use canonical::canonical;
pub use redirector::unwrap_redirector;

/// Longest link that is taken, in bytes; browsers stop at 2,000 to 64,000.
const MAX_LINK: usize = 8192;

/// The absolute `http` or `https` link that is meant by `text`, resolved against `base`; `None` for everything else
/// (`javascript:`, `mailto:`, a host that is none, more than 8 KiB).
pub fn clean(text: &str, base: Option<&Url>) -> Option<Url> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    if text.is_empty() || text.len() > MAX_LINK {
        return None;
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => match base {
            Some(base) => base.join(text).ok()?,
            // `www.example.com/page` and `//example.com/page`: a link without its scheme.
            None if text.starts_with("//") => Url::parse(&format!("https:{text}")).ok()?,
            None if text.starts_with("www.") => Url::parse(&format!("https://{text}")).ok()?,
            None => return None,
        },
        Err(_) => return None,
    };
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Links of one entry that are kept.
pub const MAX_LINKS: usize = 20;

/// Adds the `http` and `https` links of a text, plain or HTML: what `href` names and what is written out, redirectors
/// unwrapped, each once, at most [`MAX_LINKS`]. Images and scripts (`src`) are no links. Linear in the text.
pub fn in_markup(text: &str, links: &mut Vec<String>) {
    let finder = memmem::Finder::new("http");
    // The address of a link and its words are often the same: read once.
    let mut last = "";
    let mut from = 0;
    while links.len() < MAX_LINKS
        && let Some(found) = text.as_bytes().get(from..).and_then(|rest| finder.find(rest))
    {
        let start = from + found;
        from = start + 4;
        let (before, rest) = text.split_at(start);
        if !["http://", "https://"].iter().any(|scheme| rest.starts_with(scheme)) || !leads(before) {
            continue;
        }
        let quote = before.chars().next_back().filter(|c| matches!(c, '"' | '\''));
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>') || Some(c) == quote;
        let written = &rest[..rest.find(ends).unwrap_or(rest.len())];
        let written = if quote.is_some() {
            written
        } else {
            written.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'', '…'])
        };
        from = start + written.len().max(4);
        if written == last {
            continue;
        }
        last = written;
        let decoded = decode_entities(written, Rules::Html);
        if let Some((url, _)) = target(&decoded, None)
            && !links.contains(&url)
        {
            links.push(url);
        }
    }
}

/// [`clean`] and, where it is a redirector's, unwrapped; and whether it was. Most links are written in their normal form
/// already, and taken as they are.
pub fn target(text: &str, base: Option<&Url>) -> Option<(String, bool)> {
    if text.len() <= MAX_LINK
        && let Some((host, path)) = normal::parts(text)
        && !redirector::is_redirector(host, path)
    {
        return Some((text.to_owned(), false));
    }
    let url = clean(text, base)?;
    Some(match unwrap_redirector(&url) {
        Some(target) => (target.into(), true),
        None => (url.into(), false),
    })
}

/// Whether a link that follows this text leads somewhere: it is the value of `href`, or no value at all.
fn leads(before: &str) -> bool {
    let value = before.trim_end_matches(['"', '\'', ' ']);
    let Some(name) = value.strip_suffix('=') else { return true };
    name.trim_end().as_bytes().last_chunk::<4>().is_some_and(|name| name.eq_ignore_ascii_case(b"href"))
}

/// The key of the page that a link leads to: redirectors unwrapped, in canonical form. No request is made.
pub fn same_page(url: &Url) -> String {
    match unwrap_redirector(url) {
        Some(target) => canonical(&target),
        None => canonical(url),
    }
}

/// The address for logs, pages and messages: no user or password, no values of parameters that look secret, the ids in
/// the path of an alert feed and long random path segments shortened.
pub fn redact(url: &Url) -> String {
    let mut shown = url.clone();
    // Both fail only for addresses that cannot carry credentials.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    if shown.query().is_some() {
        let pairs: Vec<String> = shown
            .query()
            .unwrap_or("")
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) if is_secret(name) || looks_random(value) => format!("{name}=…"),
                None if looks_random(pair) => "…".to_owned(),
                _ => pair.to_owned(),
            })
            .collect();
        shown.set_query(None);
        return format!("{}?{}", redact_path(&shown), pairs.join("&"));
    }
    redact_path(&shown)
}

fn redact_path(url: &Url) -> String {
    let alert = url.host_str().is_some_and(|h| h.contains("google.")) && url.path().starts_with("/alerts/");
    let path: Vec<String> = url
        .path()
        .split('/')
        .map(|segment| {
            let ids = alert && segment.len() > 4 && segment.bytes().all(|b| b.is_ascii_digit());
            if ids || looks_random(segment) {
                format!("{}…", segment.get(..4).unwrap_or(""))
            } else {
                segment.to_owned()
            }
        })
        .collect();
    let origin = &url[..url::Position::BeforePath];
    format!("{origin}{}", path.join("/"))
}

/// Names of parameters that carry keys, tokens, signatures or passwords.
fn is_secret(name: &str) -> bool {
    const PARTS: [&str; 14] = [
        "key",
        "token",
        "secret",
        "pass",
        "pwd",
        "auth",
        "sig",
        "hash",
        "session",
        "sid",
        "code",
        "credential",
        "jwt",
        "access",
    ];
    let name = name.to_ascii_lowercase();
    PARTS.iter().any(|p| name.contains(p)) || matches!(name.as_str(), "user" | "login" | "email" | "uid" | "k" | "t")
}

/// A long run of letters and digits without words in it: a capability in an address.
fn looks_random(text: &str) -> bool {
    let plain = text.len() >= 20 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'=');
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    plain && digits >= 3 && (digits < text.len() || text.len() >= 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_markup_are_what_it_leads_to() {
        let found = |text: &str| {
            let mut links = Vec::new();
            in_markup(text, &mut links);
            links.join(" ")
        };
        for (text, links) in [
            ("see https://acme.com/x. And (http://b.org)!", "https://acme.com/x http://b.org/"),
            ("<a class=x HREF = 'https://a.com/?a=1&amp;b=2'>https://a.com/?a=1&amp;b=2</a>", "https://a.com/?a=1&b=2"),
            ("<img src=\"https://cdn.com/i.png\"> \"https://a.com\"", "https://a.com/"),
            ("<a href=https://a.com>x</a> http:/ https://", "https://a.com/"),
            ("https://www.google.com/url?q=https://shop.com/&sa=D", "https://shop.com/"),
            ("httphttphttps://é", "https://xn--9ca/"),
        ] {
            assert_eq!(found(text), links, "{text}");
        }
        assert_eq!(
            found(&(0..100).map(|n| format!("https://a.com/{n} ")).collect::<String>()).split(' ').count(),
            MAX_LINKS
        );
    }

    #[test]
    fn links_are_cleaned() {
        let base = Url::parse("https://example.com/blog/feed.xml").unwrap();
        let table = [
            (" https://a.example/x \n", Some("https://a.example/x")),
            ("HTTP://A.Example", Some("http://a.example/")),
            ("/post/1", Some("https://example.com/post/1")),
            ("2?a=b", Some("https://example.com/blog/2?a=b")),
            ("//cdn.example/x", Some("https://cdn.example/x")),
            ("https://exam\nple.com/x", Some("https://example.com/x")),
            ("javascript:alert(1)", None),
            ("data:text/html,x", None),
            ("mailto:a@b.example", None),
            ("ftp://example.com/x", None),
            ("file:///etc/passwd", None),
            ("http://", None),
            ("", None),
        ];
        for (text, want) in table {
            assert_eq!(clean(text, Some(&base)).as_ref().map(Url::as_str), want, "{text}");
        }
        assert_eq!(clean("www.example.com/x", None).unwrap().as_str(), "https://www.example.com/x");
        assert_eq!(clean("/x", None), None);
        assert_eq!(clean(&format!("https://a.example/{}", "x".repeat(MAX_LINK)), None), None);
    }

    #[test]
    fn logs_show_no_secrets() {
        let table = [
            ("https://user:pw@example.com/feed", "https://example.com/feed"),
            ("https://example.com/feed?api_key=abc&page=2#x", "https://example.com/feed?api_key=…&page=2"),
            ("https://example.com/feed?TOKEN=abc", "https://example.com/feed?TOKEN=…"),
            ("https://example.com/feed?q=acme", "https://example.com/feed?q=acme"),
            ("https://example.com/feed?a=8f14e45fceea167a5a36dedd4bea2543", "https://example.com/feed?a=…"),
            (
                "https://www.google.com/alerts/feeds/04175468913983673025/4428013283581841004",
                "https://www.google.com/alerts/feeds/0417…/4428…",
            ),
            (
                "https://example.com/private/8f14e45fceea167a5a36dedd4bea2543/rss",
                "https://example.com/private/8f14…/rss",
            ),
            (
                "https://example.com/2024/05/a-long-title-of-a-post-with-2024-in-it",
                "https://example.com/2024/05/a-long-title-of-a-post-with-2024-in-it",
            ),
            ("http://127.0.0.1:8800/feed/12.xml", "http://127.0.0.1:8800/feed/12.xml"),
        ];
        for (url, want) in table {
            assert_eq!(redact(&Url::parse(url).unwrap()), want, "{url}");
        }
    }
}
