//! Links as a mail may show them: `http` and `https` only, no user part, the host in ASCII, and the text shown is the
//! address that opens.

use serde::Serialize;
use url::Url;

/// Longer addresses are not linked: programs cut them, and nobody reads them.
const MAX_LINK: usize = 2048;

/// A link that is safe to offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Link {
    /// Target and text in one: the serialised URL, its host in punycode (WHATWG URL, domain to ASCII).
    pub(super) href: String,
    /// The host alone, without `www.`.
    pub(super) host: String,
}

/// The link as it may be shown; `None` if it is no web address.
pub(super) fn shown(raw: &str) -> Option<Link> {
    let mut url = Url::parse(raw.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let host = url.host_str().filter(|h| !h.is_empty())?;
    let host = host.strip_prefix("www.").unwrap_or(host).to_owned();
    let href = String::from(url);
    (href.len() <= MAX_LINK).then_some(Link { href, host })
}

/// An address for the operator: as [`shown`], and the values of secret-looking parameters struck out.
pub(super) fn redacted(raw: &str) -> Option<String> {
    let link = shown(raw)?;
    let Some((base, query)) = link.href.split_once('?') else { return Some(link.href) };
    let parts: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}=…"),
            _ => pair.to_owned(),
        })
        .collect();
    Some(format!("{base}?{}", parts.join("&")))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "key", "secret", "pass", "pwd", "auth", "sig", "session", "credential", "hash", "code"]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hazard_27_the_text_is_the_target_and_the_host_is_ascii() {
        for (raw, href, host) in [
            ("https://www.acme.com/a?b=c#d", "https://www.acme.com/a?b=c#d", "acme.com"),
            ("https://\u{440}\u{430}ypal.com/", "https://xn--ypal-43d9g.com/", "xn--ypal-43d9g.com"),
            ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4", "xn--bcher-kva.example"),
            ("https://acme.com@evil.example/", "https://evil.example/", "evil.example"),
            ("https://acme.com:443@evil.example", "https://evil.example/", "evil.example"),
            ("https:\\\\acme.com@evil.example", "https://acme.com@evil.example", ""),
            ("http://2130706433/", "http://127.0.0.1/", "127.0.0.1"),
            (" https://acme.com/\r\nBcc:x ", "https://acme.com/Bcc:x", "acme.com"),
        ] {
            match shown(raw) {
                Some(link) if !host.is_empty() => assert_eq!((link.href.as_str(), link.host.as_str()), (href, host)),
                Some(link) => assert!(!link.href.contains('@'), "{raw}: {}", link.href),
                None => panic!("{raw} gave no link"),
            }
        }
    }

    #[test]
    fn hazard_26_only_web_addresses_are_links() {
        for raw in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            "data:text/html,<script>",
            "vbscript:x",
            "file:///etc/passwd",
            "ftp://acme.com/",
            "mailto:a@acme.com",
            "//acme.com/",
            "acme.com",
            "https://",
            "",
        ] {
            assert_eq!(shown(raw), None, "{raw}");
        }
        assert_eq!(shown(&format!("https://acme.com/{}", "a".repeat(3000))), None);
    }

    #[test]
    fn an_address_for_the_operator_shows_no_secret() {
        assert_eq!(
            redacted("https://u:p@acme.com/feed?q=acme&api_key=s3cret&Token=x").as_deref(),
            Some("https://acme.com/feed?q=acme&api_key=…&Token=…")
        );
    }
}
