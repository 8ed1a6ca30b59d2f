//! The canonical form of a link: two links with the same form lead to the same page. It is a key, not an address.

use url::Url;

use super::sites;
use super::tracking::is_tracking;

/// Labels in front of a host that show the same page in another dress.
const DRESS: [&str; 6] = ["www.", "m.", "amp.", "mobile.", "www2.", "wap."];

/// The key for "same page": no scheme, user, default port, `www.`/`m.`/`amp.`, tracking parameter, fragment (but `#!`)
/// or trailing slash; host in lower case and Punycode; parameters sorted; percent-encoding in one notation (RFC 3986,
/// 6.2); the `/amp` forms of a path dropped; the several addresses of one post at the large sites made one
/// ([`sites`]). Linear in the length of the link.
pub fn canonical(url: &Url) -> String {
    let mut out = String::with_capacity(url.as_str().len());
    let host = bare_host(url.host_str().unwrap_or(""));
    let host = sites::host(&host);
    if let Some(post) = sites::post(&host, url) {
        return post;
    }
    out.push_str(&host);
    if let Some(port) = url.port().filter(|p| *p != 80 && *p != 443) {
        out.push_str(&format!(":{port}"));
    }
    path(url.path(), &mut out);
    let mut pairs: Vec<(String, String)> = url.query().map(|query| pairs(&host, query)).unwrap_or_default();
    pairs.sort_unstable();
    pairs.dedup();
    for (i, (name, value)) in pairs.iter().enumerate() {
        out.push(if i == 0 { '?' } else { '&' });
        out.push_str(name);
        if !value.is_empty() {
            out.push('=');
            out.push_str(value);
        }
    }
    if let Some(fragment) = url.fragment().filter(|f| f.starts_with('!')) {
        out.push('#');
        out.push_str(fragment);
    }
    out
}

fn bare_host(host: &str) -> String {
    let mut host = host.strip_suffix('.').unwrap_or(host);
    for _ in 0..2 {
        // A name of one label more than `m.` is left must remain a name: `m.example` stays.
        match DRESS.iter().find_map(|d| host.strip_prefix(d)).filter(|rest| rest.contains('.')) {
            Some(rest) => host = rest,
            None => break,
        }
    }
    // `en.m.wikipedia.org`, `es.mobile.example.com`: the label in the middle.
    for dress in [".m.", ".mobile.", ".amp."] {
        if let Some((front, rest)) = host.split_once(dress)
            && !front.contains('.')
            && rest.contains('.')
        {
            return format!("{front}.{rest}");
        }
    }
    host.to_owned()
}

fn path(path: &str, out: &mut String) {
    let path = percent(path);
    let path = path.split_once(";jsessionid=").map_or(path.as_str(), |(p, _)| p);
    let path = path.split_once(";JSESSIONID=").map_or(path, |(p, _)| p).trim_end_matches('/');
    let path = ["/amp", ".amp", "/amp.html", "/index.html", "/index.htm", "/index.php", "/default.aspx", "/amphtml"]
        .iter()
        .find_map(|end| path.strip_suffix(end))
        .unwrap_or(path);
    let path = [".amp.html", ".html", ".htm", ".amp"].iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path);
    let path = path.trim_end_matches('/');
    // `/amp/2024/story`, `/news/amp/world-1`; what is left must be a path of its own.
    let without = path.strip_prefix("/amp/").map(|rest| format!("/{rest}"));
    let without = without.or_else(|| path.split_once("/amp/").map(|(front, rest)| format!("{front}/{rest}")));
    let path = without.as_deref().unwrap_or(path);
    let mut slash = false;
    for c in path.chars() {
        if c == '/' && slash {
            continue;
        }
        slash = c == '/';
        out.push(c);
    }
}

fn pairs(host: &str, query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|p| !p.is_empty())
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (percent(&name.replace('+', "%20")), percent(&value.replace('+', "%20")));
            (!is_tracking(host, &name.to_ascii_lowercase(), &value)).then_some((name, value))
        })
        .collect()
}

/// One notation of percent-encoding: what needs none is decoded, the rest in upper case, other bytes encoded
/// (RFC 3986, 6.2.2).
fn percent(text: &str) -> String {
    let b = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut i = 0;
    while i < b.len() {
        let decoded = (b[i] == b'%').then(|| hex(b.get(i + 1..i + 3)?)).flatten();
        let byte = decoded.unwrap_or(b[i]);
        i += if decoded.is_some() { 3 } else { 1 };
        let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        let kept = decoded.is_none() && byte.is_ascii_graphic();
        // `%2F` and its like mean something else than the bare character; but sub-delimiters do not differ in practice.
        let plain = decoded.is_some() && matches!(byte, b'!' | b'\'' | b'(' | b')' | b'*' | b',' | b':' | b'@' | b'$');
        if unreserved || kept || plain {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn hex(pair: &[u8]) -> Option<u8> {
    let [high, low] = pair else { return None };
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}
