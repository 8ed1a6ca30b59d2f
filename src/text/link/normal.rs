//! Links that are written in their normal form already, told without parsing them: nearly all that feeds carry, and
//! parsing is most of what a link costs.

/// Host and path of a link, if the URL Standard's parser (url.spec.whatwg.org) would write it just as it stands here.
/// `None` says nothing: the link may be any other, good or bad.
pub(super) fn parts(link: &str) -> Option<(&str, &str)> {
    let (rest, default_port) = match link.strip_prefix("https://") {
        Some(rest) => (rest, "443"),
        None => (link.strip_prefix("http://")?, "80"),
    };
    let (authority, _) = rest.split_at(rest.find('/')?);
    let host = match authority.split_once(':') {
        Some((host, port)) if is_number(port, u16::MAX.into()) && port != default_port => host,
        Some(_) => return None,
        None => authority,
    };
    let (path, query) = match rest[authority.len()..].split_once('?') {
        Some((path, query)) => (path, query),
        None => (&rest[authority.len()..], ""),
    };
    let is_normal = is_host(host)
        && path.bytes().all(|b| stays(b) || b == b'\'')
        && query.bytes().all(|b| stays(b) || b == b'?')
        // `.` and `..` are resolved, `%2e` is one of them.
        && !path.contains("/.")
        && !path.contains("%2");
    is_normal.then_some((host, path))
}

/// A name in lower case of plain labels (none that could be IDNA's or a number's), or four decimal numbers.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let inside = label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        inside && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && !label.contains("--")
    };
    let last = host.rsplit('.').next().unwrap_or("");
    if last.bytes().all(|b| b.is_ascii_lowercase()) {
        return host.split('.').all(is_label);
    }
    host.split('.').count() == 4 && host.split('.').all(|part| is_number(part, u8::MAX.into()))
}

/// A decimal number up to `most` without leading zeros.
fn is_number(text: &str, most: u32) -> bool {
    let is_short = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_short && (text == "0" || !text.starts_with('0')) && text.parse().is_ok_and(|n: u32| n <= most)
}

/// Characters that stay as they are in a path and in a query.
fn stays(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_~.!$&()*+,;=:@/%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    #[test]
    fn usual_links_are_normal() {
        for link in [
            "https://acme.example/",
            "http://www.acme.example/2026/11/a-title_of(it).html?id=7&x=%C3%A9",
            "http://127.0.0.1:8800/e/000001/00029",
            "https://a1.b-c.co.uk:8443/x//y;z=1?a?b",
        ] {
            assert!(parts(link).is_some(), "{link}");
        }
        assert_eq!(parts("https://a.example:8443/b/c?d"), Some(("a.example", "/b/c")));
    }

    #[test]
    fn others_are_left_to_the_parser() {
        for link in [
            "https://acme.example",
            "HTTPS://acme.example/",
            "https://Acme.example/",
            "https://acme.example:443/",
            "http://acme.example:80/",
            "http://acme.example:080/",
            "http://acme.example:99999/",
            "https://user@acme.example/",
            "https://acme.example/a/../b",
            "https://acme.example/a/%2e%2E/b",
            "https://acme.example/ñ",
            "https://acme.example/a b",
            "https://acme.example/a\\b",
            "https://acme.example/#a",
            "https://acme.example/?'",
            "https://xn--9ca/",
            "https://a..b/",
            "https://.b/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://127.0.0.01/",
            "https://256.0.0.1/",
            "https:///x",
            "ftp://acme.example/",
            "",
        ] {
            assert_eq!(parts(link), None, "{link}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// What is called normal is what the parser makes of it.
        #[test]
        fn the_parser_leaves_it_as_it_is(
            link in "https?://[a-c0-9x.-]{1,8}(:[0-9]{1,5})?/[a-e2./%'~$&()*+,;=:@!_-]{0,8}(\\?[a-e2./%'?~$&()*+,;=:@!_-]{0,8})?",
        ) {
            if let Some((host, path)) = parts(&link) {
                let url = Url::parse(&link).unwrap();
                prop_assert_eq!(url.as_str(), &link);
                prop_assert_eq!((url.host_str(), url.path()), (Some(host), path));
            }
        }
    }
}
