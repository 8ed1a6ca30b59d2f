//! Addresses in the configuration: of people, of the web, of networks and servers. Pure: text in, value or [`Problem`]
//! out.
//!
//! Messages never repeat an address of the web, because it may hold a password; the caret shows it masked.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use url::Url;

use super::section::Problem;
use crate::model::Mailbox;

/// A bare mail address, as the mail library will accept it.
pub(super) fn address(text: &str) -> Result<String, Problem> {
    const HELP: &str = "write it like \"ana@example.com\"";
    let text = text.trim();
    let fault = |message: String, help: &str| Err(Problem::new(message, help));
    if text.contains('<') || text.contains('>') {
        return fault(format!("`{text}` has a name in it"), "write the address alone: \"ana@example.com\"");
    }
    if text.contains([',', ';']) {
        return fault(
            format!("`{text}` looks like more than one address"),
            "one address each: [\"a@example.com\", \"b@example.com\"]",
        );
    }
    if text.starts_with("mailto:") {
        return fault(format!("`{text}` is a link, not an address"), "leave `mailto:` out");
    }
    // RFC 5321 section 4.5.3.1.3 allows a path of 256 octets with its angle brackets.
    if text.len() > 254 || text.chars().any(char::is_control) || text.parse::<lettre::Address>().is_err() {
        return fault(format!("`{text}` is not a mail address"), HELP);
    }
    Ok(text.to_owned())
}

/// `Name <address>` or a bare address.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, Problem> {
    let text = text.trim();
    let Some((name, rest)) = text.rsplit_once('<') else {
        return Ok(Mailbox { name: None, email: address(text)? });
    };
    let Some(email) = rest.strip_suffix('>') else {
        return Err(Problem::new(format!("`>` is missing in `{text}`"), "write \"Mentions <mentions@example.com>\""));
    };
    let name = name.trim().trim_matches('"').trim();
    if name.chars().any(char::is_control) {
        return Err(Problem::new(
            "the name has a control character in it",
            "write \"Mentions <mentions@example.com>\"",
        ));
    }
    Ok(Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), email: address(email)? })
}

/// An `http` or `https` address without a password.
pub(super) fn web_url(text: &str) -> Result<Url, Problem> {
    let text = text.trim();
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Problem::new("the address has a space in it", "copy the address again; a space is written %20"));
    }
    let parsed = Url::parse(text);
    let schemeless = !text.contains("://");
    let url = match parsed {
        Ok(url) if matches!(url.scheme(), "http" | "https") && !schemeless => url,
        Ok(url) if url.scheme() == "file" => {
            return Err(Problem::new("a file is not an address", "write `path = \"…\"` instead of `url`"));
        }
        Ok(url) if url.scheme() == "feed" => {
            return Err(Problem::new("`feed:` is not fetched", "write https:// instead"));
        }
        Ok(url) if !schemeless => {
            return Err(Problem::new(
                format!("`{}:` addresses are not fetched", url.scheme()),
                "use http:// or https://",
            ));
        }
        _ if schemeless => {
            return Err(Problem::new("the address does not start with https://", "write https:// in front of it"));
        }
        Ok(_) => return Err(Problem::new("this is not an address", "write it like https://example.com/feed")),
        Err(error) => {
            return Err(Problem::new(
                format!("this is not an address: {error}"),
                "write it like https://example.com/feed",
            ));
        }
    };
    if url.password().is_some() {
        return Err(Problem::new(
            "the address holds a password, which would show in logs and pages",
            "leave it out; addresses that need a login are not fetched by this version",
        ));
    }
    Ok(url)
}

/// The address of a feed: [`web_url`], and not a page that people mistake for one.
pub(super) fn feed_url(text: &str) -> Result<Url, Problem> {
    let url = web_url(text)?;
    if is_google(&url) && url.path().starts_with("/alerts") && !url.path().starts_with("/alerts/feeds/") {
        return Err(Problem::new(
            "this is the page on which Google Alerts are managed, not a feed",
            "there, set \"Deliver to\" to \"RSS feed\" and copy the address behind the feed icon: \
             https://www.google.com/alerts/feeds/…",
        ));
    }
    Ok(url)
}

/// The address of a stream: a WebSocket.
pub(super) fn stream_url(text: &str) -> Result<Url, Problem> {
    const LIKE: &str = "write it like \"wss://jetstream.example.com/subscribe\"";
    let text = text.trim();
    let url = Url::parse(text).ok().filter(|url| url.has_host() && !text.chars().any(char::is_whitespace));
    let url = url.ok_or_else(|| Problem::new("this is not the address of a server", LIKE))?;
    match url.scheme() {
        "wss" | "ws" => {}
        "https" | "http" => return Err(Problem::new("a stream's address begins with wss://, not with https://", LIKE)),
        other => return Err(Problem::new(format!("`{other}:` is not the beginning of a stream's address"), LIKE)),
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err(Problem::new("the address holds a login, which would show in logs and pages", "leave it out"));
    }
    Ok(url)
}

/// Where links in mails point: [`web_url`] without query and fragment.
pub(super) fn public_url(text: &str) -> Result<Url, Problem> {
    let url = web_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Problem::new(
            "links are made by adding to this address, so it cannot have `?` or `#`",
            "end it before that",
        ));
    }
    Ok(url)
}

/// Whether the address is news that come in often: Google Alerts, or a news search.
pub(super) fn is_news(url: &Url) -> bool {
    let host = url.host_str().unwrap_or("");
    (is_google(url) && url.path().starts_with("/alerts/feeds/"))
        || host == "news.google.com"
        || ((host == "bing.com" || host.ends_with(".bing.com")) && url.path().starts_with("/news"))
}

/// `127.0.0.1:8420`, `[::1]:8420`, or `off`.
pub(super) fn listen(text: &str) -> Result<Option<SocketAddr>, Problem> {
    let text = text.trim();
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let help = match text.rsplit_once(':') {
            Some(("localhost", port)) => format!("write \"127.0.0.1:{port}\""),
            Some(("" | "*", port)) => {
                format!("write \"0.0.0.0:{port}\" for every network, \"127.0.0.1:{port}\" for this machine only")
            }
            _ => "write an IP address and a port, \"127.0.0.1:8420\", or \"off\"".to_owned(),
        };
        Problem::new(format!("`{text}` is not an address to listen on"), help)
    })
}

/// A network in CIDR notation, or one address.
pub(super) fn network(text: &str) -> Result<IpNet, Problem> {
    let text = text.trim();
    let network = text.parse::<IpNet>().map(|n| n.trunc()).ok();
    network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).ok_or_else(|| {
        let help = match text {
            "localhost" => "write \"127.0.0.0/8\" and \"::1/128\"",
            _ => "write a network like \"10.0.0.0/8\", \"127.0.0.1\" or \"fd00::/8\"; names are not looked up",
        };
        Problem::new(format!("`{text}` is not a network"), help)
    })
}

/// The name or address of a server, without scheme and port.
pub(super) fn host(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.contains("://") || text.contains('/') {
        return Err(Problem::new(
            format!("`{text}` is an address of the web"),
            "write the server's name alone: \"mail.example.com\"",
        ));
    }
    if text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    if let Some((name, port)) = text.rsplit_once(':') {
        return Err(Problem::new(
            format!("`{text}` has a port in it"),
            format!("write host = \"{name}\" and port = {port}"),
        ));
    }
    if url::Host::parse(text).is_err() {
        return Err(Problem::new(
            format!("`{text}` is not the name of a server"),
            "write it like \"mail.example.com\"",
        ));
    }
    Ok(text.to_owned())
}

fn is_google(url: &Url) -> bool {
    let host = url.host_str().unwrap_or("");
    let host = host.strip_prefix("www.").unwrap_or(host);
    host.strip_prefix("google.").is_some_and(|tld| tld.len() <= 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for text in ["ana@example.com", "a.b+c@sub.example.com", "ops@localhost", "josé@example.com"] {
            assert_eq!(address(text).as_deref(), Ok(text), "{text}");
        }
        for text in [
            "ana",
            "ana@",
            "@example.com",
            "a b@example.com",
            "Ana <ana@example.com>",
            "a@b.c, d@e.f",
            "mailto:a@b.c",
            "a@b.c\r\nBcc: x@y.z",
            "a@@b.c",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn mailboxes() {
        let named = |name: &str| Ok(Mailbox { name: Some(name.to_owned()), email: "m@example.com".to_owned() });
        assert_eq!(mailbox("Mentions <m@example.com>"), named("Mentions"));
        assert_eq!(mailbox("\"Mentions, Inc.\" <m@example.com>"), named("Mentions, Inc."));
        assert_eq!(mailbox("m@example.com"), Ok(Mailbox { name: None, email: "m@example.com".to_owned() }));
        for text in ["Mentions <m@example.com", "Mentions m@example.com", "A\nBcc: x <m@example.com>", "<>", "A <b> <c"]
        {
            assert!(mailbox(text).is_err(), "{text}");
        }
    }

    #[test]
    fn feed_addresses() {
        for text in [
            "https://www.google.com/alerts/feeds/123/456",
            "http://127.0.0.1:8080/feed.xml",
            "https://google.com.example.com/alerts",
        ] {
            assert!(feed_url(text).is_ok(), "{text}");
        }
        for text in [
            "https://www.google.com/alerts",
            "https://google.es/alerts?hl=es",
            "https://www.google.co.uk/alerts#1:0",
            "example.com/feed",
            "localhost:8080/feed",
            "file:///etc/passwd",
            "ftp://example.com/x",
            "feed://example.com/x",
            "https://",
            "https://exa mple.com",
            "https://ana:pw@example.com/",
            "javascript:alert(1)",
        ] {
            assert!(feed_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn news_hosts() {
        for (text, news) in [
            ("https://www.google.com/alerts/feeds/1/2", true),
            ("https://news.google.com/rss/search?q=x", true),
            ("https://www.bing.com/news/search?q=x&format=rss", true),
            ("https://example.com/news", false),
        ] {
            assert_eq!(is_news(&Url::parse(text).unwrap()), news, "{text}");
        }
    }

    #[test]
    fn listening() {
        assert_eq!(listen("off"), Ok(None));
        assert!(listen("127.0.0.1:8420").unwrap().is_some());
        assert!(listen("[::]:80").unwrap().is_some());
        for text in ["localhost:8420", ":8420", "8420", "127.0.0.1", "example.com:80", "127.0.0.1:99999"] {
            assert!(listen(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks() {
        assert_eq!(network("10.1.2.3/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(network("::1").unwrap().to_string(), "::1/128");
        for text in ["localhost", "10.0.0.0/33", "10.0.0", "example.com/8", ""] {
            assert!(network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts() {
        for text in ["mail.example.com", "127.0.0.1", "::1", "localhost"] {
            assert!(host(text).is_ok(), "{text}");
        }
        for text in ["https://mail.example.com", "mail.example.com:587", "mail example", "a/b"] {
            assert!(host(text).is_err(), "{text}");
        }
    }
}
