//! The canonical form of a link: two links with the same form lead to the same page. It is a key, not an address.

use url::Url;

/// Parameters that say how a reader came, not what is shown. Collected from the services' own documentation (Google
/// Analytics and Ads, Meta, Microsoft Advertising, Yandex, X, TikTok, Mailchimp, HubSpot, Marketo, Vero, Omeda, Matomo,
/// Piwik PRO, Adobe, Klaviyo, Drip, Olytics, Branch, Impact, AT Internet) and from what the feeds of news sites append.
/// Never listed: names that elsewhere choose the content (`id`, `p`, `v`, `q`, `page`, `lang`, `ref` without a value
/// that says where from).
const TRACKING: [&str; 102] = [
    "__hsfp",
    "__hssc",
    "__hstc",
    "__s",
    "__twitter_impression",
    "_bta_c",
    "_bta_tid",
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "_ke",
    "_kx",
    "_openstat",
    "at_campaign",
    "at_custom1",
    "at_custom2",
    "at_custom3",
    "at_custom4",
    "at_medium",
    "campaign_id",
    "cmpid",
    "cndid",
    "dclid",
    "dm_i",
    "ef_id",
    "elqtrack",
    "elqtrackid",
    "epik",
    "et_rid",
    "fb_action_ids",
    "fb_action_types",
    "fb_ref",
    "fb_source",
    "fbclid",
    "feature",
    "ftag",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "gs_l",
    "guccounter",
    "guce_referrer",
    "guce_referrer_sig",
    "hsctatracking",
    "icid",
    "igsh",
    "igshid",
    "irclickid",
    "irgwc",
    "ito",
    "jsessionid",
    "li_fat_id",
    "linkid",
    "mbid",
    "mc_cid",
    "mc_eid",
    "mibextid",
    "mkcid",
    "mkevt",
    "mkrid",
    "mkt_tok",
    "ml_subscriber",
    "ml_subscriber_hash",
    "msclkid",
    "mtm_campaign",
    "mtm_keyword",
    "mtm_source",
    "ncid",
    "ns_campaign",
    "ns_linkname",
    "ns_mchannel",
    "ns_source",
    "oly_anon_id",
    "oly_enc_id",
    "outputtype",
    "phpsessid",
    "pk_campaign",
    "pk_keyword",
    "pk_kwd",
    "pk_source",
    "rb_clickid",
    "redircnt",
    "ref_src",
    "ref_url",
    "s_cid",
    "s_kwcid",
    "share_id",
    "smid",
    "spm",
    "srsltid",
    "taid",
    "trk",
    "ttclid",
    "twclid",
    "vero_conv",
    "vero_id",
    "wbraid",
    "wickedid",
    "wt_mc",
    "yclid",
];

/// Beginnings of names that are tracking whatever follows.
const TRACKING_PREFIXES: [&str; 7] = ["utm_", "hsa_", "mtm_", "matomo_", "aff_", "sc_cmp", "stm_"];

/// Parameters that are tracking only with a value that says where the reader came from.
const ORIGINS: [&str; 7] = ["ref", "source", "src", "from", "via", "partner", "cid"];
const ORIGIN_VALUES: [&str; 12] = [
    "rss",
    "feed",
    "feeds",
    "atom",
    "twitter",
    "facebook",
    "linkedin",
    "newsletter",
    "email",
    "googlenews",
    "google-news",
    "share",
];

/// Labels in front of a host that show the same page in another dress.
const DRESS: [&str; 6] = ["www.", "m.", "amp.", "mobile.", "www2.", "wap."];

/// The key for "same page": no scheme, user, default port, `www.`/`m.`/`amp.`, tracking parameter, fragment (but `#!`)
/// or trailing slash; host in lower case and Punycode; parameters sorted; percent-encoding in one notation; the `/amp`
/// ending of a path dropped. Linear in the length of the link.
pub fn canonical(url: &Url) -> String {
    let mut out = String::with_capacity(url.as_str().len());
    out.push_str(bare_host(url.host_str().unwrap_or("")));
    if let Some(port) = url.port().filter(|p| *p != 80 && *p != 443) {
        out.push_str(&format!(":{port}"));
    }
    path(url.path(), &mut out);
    let mut pairs: Vec<(String, String)> = url.query().map(pairs).unwrap_or_default();
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

fn bare_host(host: &str) -> &str {
    let mut host = host.strip_suffix('.').unwrap_or(host);
    for _ in 0..2 {
        // A name of one label more than `m.` is left must remain a name: `m.example` stays.
        match DRESS.iter().find_map(|d| host.strip_prefix(d)).filter(|rest| rest.contains('.')) {
            Some(rest) => host = rest,
            None => break,
        }
    }
    host
}

fn path(path: &str, out: &mut String) {
    let path = percent(path);
    let path = path.split_once(";jsessionid=").map_or(path.as_str(), |(p, _)| p);
    let path = path.split_once(";JSESSIONID=").map_or(path, |(p, _)| p).trim_end_matches('/');
    let path = ["/amp", ".amp", "/amp.html", "/index.html", "/index.htm", "/index.php", "/default.aspx"]
        .iter()
        .find_map(|end| path.strip_suffix(end))
        .unwrap_or(path);
    let path = path.strip_suffix(".amp.html").unwrap_or(path).trim_end_matches('/');
    let mut slash = false;
    for c in path.chars() {
        if c == '/' && slash {
            continue;
        }
        slash = c == '/';
        out.push(c);
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|p| !p.is_empty())
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (percent(&name.replace('+', "%20")), percent(&value.replace('+', "%20")));
            (!is_tracking(&name.to_ascii_lowercase(), &value)).then_some((name, value))
        })
        .collect()
}

fn is_tracking(name: &str, value: &str) -> bool {
    TRACKING.binary_search(&name).is_ok()
        || TRACKING_PREFIXES.iter().any(|p| name.starts_with(p))
        || (ORIGINS.contains(&name) && ORIGIN_VALUES.contains(&value.to_ascii_lowercase().as_str()))
        || (name == "amp" && matches!(value, "" | "1" | "true"))
        || (name == "sid" && value.len() >= 16)
        || (name == "at_xt" || name == "sessionid" || name == "session_id")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(url: &str) -> String {
        canonical(&Url::parse(url).unwrap())
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(TRACKING.is_sorted(), "{:?}", TRACKING.windows(2).find(|w| w[0] > w[1]));
    }

    #[test]
    fn links_that_must_meet() {
        let table = [
            ("http://example.com/a", "https://example.com/a"),
            ("https://EXAMPLE.com/a", "https://example.com/a"),
            ("https://www.example.com/a", "https://example.com/a"),
            ("https://m.example.com/a", "https://www.example.com/a"),
            ("https://amp.example.com/a", "https://example.com/a"),
            ("https://www.m.example.com/a", "https://example.com/a"),
            ("https://example.com./a", "https://example.com/a"),
            ("https://example.com:443/a", "https://example.com/a"),
            ("http://example.com:80/a", "https://example.com/a"),
            ("https://example.com", "https://example.com/"),
            ("https://example.com/a/", "https://example.com/a"),
            ("https://example.com//a//b", "https://example.com/a/b"),
            ("https://example.com/a#comments", "https://example.com/a"),
            ("https://user:pw@example.com/a", "https://example.com/a"),
            ("https://example.com/a?utm_source=x&utm_medium=rss", "https://example.com/a"),
            ("https://example.com/a?UTM_Source=x", "https://example.com/a"),
            ("https://example.com/a?id=1&utm_campaign=x", "https://example.com/a?id=1"),
            ("https://example.com/a?fbclid=x", "https://example.com/a"),
            ("https://example.com/a?gclid=x&dclid=y", "https://example.com/a"),
            ("https://example.com/a?msclkid=x", "https://example.com/a"),
            ("https://example.com/a?yclid=x", "https://example.com/a"),
            ("https://example.com/a?twclid=x&ttclid=y", "https://example.com/a"),
            ("https://example.com/a?igshid=x", "https://example.com/a"),
            ("https://example.com/a?mc_cid=x&mc_eid=y", "https://example.com/a"),
            ("https://example.com/a?_hsenc=x&_hsmi=1", "https://example.com/a"),
            ("https://example.com/a?mkt_tok=x", "https://example.com/a"),
            ("https://example.com/a?vero_id=x&oly_enc_id=y", "https://example.com/a"),
            ("https://example.com/a?at_medium=RSS&at_campaign=KARANGA", "https://example.com/a"),
            ("https://example.com/a?ref=rss", "https://example.com/a"),
            ("https://example.com/a?source=newsletter", "https://example.com/a"),
            ("https://example.com/a?cmpid=x&ncid=y&ito=1490", "https://example.com/a"),
            ("https://example.com/a?srsltid=x", "https://example.com/a"),
            ("https://example.com/a;jsessionid=ABC", "https://example.com/a"),
            ("https://example.com/a?PHPSESSID=abc", "https://example.com/a"),
            ("https://example.com/a?b=2&a=1", "https://example.com/a?a=1&b=2"),
            ("https://example.com/a?a=1&a=1", "https://example.com/a?a=1"),
            ("https://example.com/a?", "https://example.com/a"),
            ("https://example.com/a?&&x=1", "https://example.com/a?x=1"),
            ("https://example.com/a?x=", "https://example.com/a?x"),
            ("https://example.com/a?q=b+c", "https://example.com/a?q=b%20c"),
            ("https://example.com/%7Ejoe", "https://example.com/~joe"),
            ("https://example.com/caf%c3%a9", "https://example.com/café"),
            ("https://example.com/%61", "https://example.com/a"),
            ("https://example.com/a%2fb", "https://example.com/a%2Fb"),
            ("https://example.com/a/amp", "https://example.com/a"),
            ("https://example.com/a/amp/", "https://example.com/a"),
            ("https://example.com/a.amp.html", "https://example.com/a"),
            ("https://example.com/a?amp=1", "https://example.com/a"),
            ("https://example.com/a/index.html", "https://example.com/a"),
            ("https://münchen.example/a", "https://xn--mnchen-3ya.example/a"),
            ("https://example.com/a?x=%E2%82%AC", "https://example.com/a?x=€"),
            ("https://www.youtube.com/watch?v=abc&feature=youtu.be", "https://youtube.com/watch?v=abc"),
        ];
        for (a, b) in table {
            assert_eq!(key(a), key(b), "{a} and {b}");
        }
    }

    #[test]
    fn links_that_must_not_meet() {
        let table = [
            ("https://example.com/a", "https://example.com/b"),
            ("https://example.com/a", "https://example.com/A"),
            ("https://example.com/a", "https://example.org/a"),
            ("https://blog.example.com/a", "https://example.com/a"),
            ("https://example.com:8443/a", "https://example.com/a"),
            ("https://example.com/?p=1", "https://example.com/?p=2"),
            ("https://example.com/a?id=1", "https://example.com/a"),
            ("https://example.com/a?id=1", "https://example.com/a?id=1&page=2"),
            ("https://example.com/#!/a", "https://example.com/#!/b"),
            ("https://example.com/a%2Fb", "https://example.com/a/b"),
            ("https://example.com/a%3Fb", "https://example.com/a?b"),
            ("https://example.com/a?x=1%26y=2", "https://example.com/a?x=1&y=2"),
            ("https://example.com/a?x=%2B", "https://example.com/a?x=+"),
            ("https://youtube.com/watch?v=abc", "https://youtube.com/watch?v=ABC"),
            ("https://example.com/a?ref=main", "https://example.com/a?ref=develop"),
            ("https://example.com/a?source=7", "https://example.com/a?source=8"),
            ("https://example.com/a?lang=es", "https://example.com/a?lang=pt"),
            ("https://example.com/camp", "https://example.com/c"),
            ("https://m.com/a", "https://com/a"),
            ("https://example.com/a?sid=1", "https://example.com/a?sid=2"),
            ("https://example.com/a?news_id=1", "https://example.com/a?news_id=2"),
        ];
        for (a, b) in table {
            assert_ne!(key(a), key(b), "{a} and {b}");
        }
    }
}
