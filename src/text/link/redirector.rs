//! Links that only lead to another link: search and alert services, mail protection, social networks.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::{Host, Url};

/// Redirectors inside redirectors that are followed.
const MAX_NESTED: usize = 3;

/// How a redirector carries its target.
enum Carried {
    /// In the first of these parameters that has a link.
    Query(&'static [&'static str]),
    /// Bing's `u=a1` + Base64 of the target.
    Bing,
    /// After this part of the path.
    Path(&'static str),
    /// In an article's id (`google_news`).
    GoogleNews,
    /// Proofpoint's notation of `u`: `-` for `%`, `_` for `/`.
    Proofpoint,
    /// `/c/s/host/path` of the AMP cache: `s` for https.
    AmpCache,
}

/// Host (with its subdomains; `google.` for any country), beginning of the path, carrier. From the services' own links
/// as they appear in feeds and mails.
const REDIRECTORS: [(&str, &str, Carried); 58] = [
    ("google.", "/url", Carried::Query(&["url", "q"])),
    ("google.", "/imgres", Carried::Query(&["imgrefurl"])),
    ("google.", "/amp/s/", Carried::Path("/amp/s/")),
    ("news.google.com", "/news/url", Carried::Query(&["url"])),
    ("bing.com", "/news/apiclick.aspx", Carried::Query(&["url"])),
    ("bing.com", "/ck/a", Carried::Bing),
    ("bing.com", "/alink/link", Carried::Query(&["url"])),
    ("facebook.com", "/l.php", Carried::Query(&["u"])),
    ("facebook.com", "/flx/warn", Carried::Query(&["u"])),
    ("instagram.com", "/", Carried::Query(&["u"])),
    ("t.umblr.com", "/redirect", Carried::Query(&["z"])),
    ("href.li", "/", Carried::Query(&[])),
    ("out.reddit.com", "/", Carried::Query(&["url"])),
    ("youtube.com", "/redirect", Carried::Query(&["q"])),
    ("linkedin.com", "/redir", Carried::Query(&["url"])),
    ("linkedin.com", "/safety/go", Carried::Query(&["url"])),
    ("slack-redir.net", "/link", Carried::Query(&["url"])),
    ("safelinks.protection.outlook.com", "/", Carried::Query(&["url"])),
    ("duckduckgo.com", "/l/", Carried::Query(&["uddg"])),
    ("r.search.yahoo.com", "/", Carried::Path("/RU=")),
    ("vk.com", "/away.php", Carried::Query(&["to"])),
    ("away.vk.com", "/", Carried::Query(&["to"])),
    ("steamcommunity.com", "/linkfilter", Carried::Query(&["url", "u"])),
    ("deviantart.com", "/users/outgoing", Carried::Query(&[])),
    ("medium.com", "/r/", Carried::Query(&["url"])),
    ("exit.sc", "/", Carried::Query(&["url"])),
    ("gate.sc", "/", Carried::Query(&["url"])),
    ("pinterest.com", "/offsite", Carried::Query(&["url"])),
    ("tripadvisor.com", "/exit", Carried::Query(&["url"])),
    ("disq.us", "/url", Carried::Query(&["url"])),
    ("tiktok.com", "/link/v2", Carried::Query(&["target"])),
    ("getpocket.com", "/redirect", Carried::Query(&["url"])),
    ("via.hypothes.is", "/", Carried::Path("/")),
    ("news.google.com", "/rss/articles/", Carried::GoogleNews),
    ("news.google.com", "/articles/", Carried::GoogleNews),
    ("news.google.com", "/__i/rss/rd/articles/", Carried::GoogleNews),
    ("news.google.com", "/read/", Carried::GoogleNews),
    ("cdn.ampproject.org", "/", Carried::AmpCache),
    ("urldefense.proofpoint.com", "/v2/url", Carried::Proofpoint),
    ("urldefense.com", "/v3/__", Carried::Path("/v3/__")),
    ("urldefense.proofpoint.com", "/v3/__", Carried::Path("/v3/__")),
    ("l.threads.net", "/", Carried::Query(&["u"])),
    ("l.threads.com", "/", Carried::Query(&["u"])),
    ("l.messenger.com", "/l.php", Carried::Query(&["u"])),
    ("l.workplace.com", "/l.php", Carried::Query(&["u"])),
    ("threads.net", "/", Carried::Query(&["u"])),
    ("search.yahoo.com", "/", Carried::Path("/RU=")),
    ("go.skimresources.com", "/", Carried::Query(&["url"])),
    ("redirect.viglink.com", "/", Carried::Query(&["u", "url"])),
    ("awin1.com", "/cread.php", Carried::Query(&["ued", "p"])),
    ("click.linksynergy.com", "/", Carried::Query(&["murl"])),
    ("link.sbstck.com", "/redirect", Carried::Query(&["url"])),
    ("nam.safelink.emails.azure.net", "/", Carried::Query(&["destination"])),
    ("ok.ru", "/dk", Carried::Query(&["st.link"])),
    ("weibo.cn", "/sinaurl", Carried::Query(&["u", "toasturl"])),
    ("zhihu.com", "/", Carried::Query(&["target"])),
    ("discordapp.com", "/external-redirect", Carried::Query(&["url"])),
    ("flipboard.com", "/redirect", Carried::Query(&["url"])),
];

/// Which of [`REDIRECTORS`] (a bit each) have this letter fifth from the end of their host, before `.com`: says no to
/// nearly all of the list at once, for every link of every entry.
const BY_LETTER: [u64; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < REDIRECTORS.len() {
        if let Some(letter) = letter_of(REDIRECTORS[at].0.as_bytes()) {
            table[letter as usize] |= 1 << at;
        }
        at += 1;
    }
    table
};

/// The rest of them: names in any country.
const ANY_LETTER: u64 = {
    let (mut set, mut at) = (0, 0);
    while at < REDIRECTORS.len() {
        if letter_of(REDIRECTORS[at].0.as_bytes()).is_none() {
            set |= 1 << at;
        }
        at += 1;
    }
    set
};

const fn letter_of(wanted: &[u8]) -> Option<u8> {
    match wanted {
        [.., b'.'] => None,
        _ => fifth_last(wanted),
    }
}

const fn fifth_last(host: &[u8]) -> Option<u8> {
    match host {
        [.., letter, _, _, _, _] => Some(*letter),
        _ => None,
    }
}

/// The target of a redirector's link, if it is one: `http` or `https`, at a public name or address.
pub fn unwrap_redirector(url: &Url) -> Option<Url> {
    let mut target = unwrap_once(url)?;
    for _ in 1..MAX_NESTED {
        match unwrap_once(&target) {
            Some(inner) => target = inner,
            None => break,
        }
    }
    Some(target)
}

/// Whether a link at this host and path is a redirector's.
pub(super) fn is_redirector(host: &str, path: &str) -> bool {
    redirector_at(host, path).is_some()
}

fn redirector_at(host: &str, path: &str) -> Option<&'static Carried> {
    let mut left = ANY_LETTER | fifth_last(host.as_bytes()).map_or(0, |letter| BY_LETTER[letter as usize]);
    while left != 0 {
        let (wanted, beginning, carried) = &REDIRECTORS[left.trailing_zeros() as usize];
        if is_at(host, wanted) && path.starts_with(beginning) {
            return Some(carried);
        }
        left &= left - 1;
    }
    None
}

fn unwrap_once(url: &Url) -> Option<Url> {
    let carried = redirector_at(url.host_str()?, url.path());
    let target = match carried? {
        // `https://href.li/?https://target`
        Carried::Query([]) => url.query()?.to_owned(),
        Carried::Query(names) => names
            .iter()
            .find_map(|n| url.query_pairs().find(|(k, v)| k == n && !v.is_empty()).map(|(_, v)| v.into_owned()))?,
        Carried::Bing => {
            let (_, value) = url.query_pairs().find(|(k, _)| k == "u")?;
            let bytes = URL_SAFE_NO_PAD.decode(value.strip_prefix("a1")?.trim_end_matches('=')).ok()?;
            String::from_utf8(bytes).ok()?
        }
        Carried::GoogleNews => super::google_news::target(url.path())?,
        Carried::Proofpoint => {
            let (_, value) = url.query_pairs().find(|(k, _)| k == "u")?;
            decode_percent(&value.replace('-', "%").replace('_', "/"))
        }
        Carried::AmpCache => {
            // https://amp.dev/documentation/guides-and-tutorials/learn/amp-caches-and-cors/amp-cache-urls
            let rest = ["/c/", "/v/", "/i/", "/wp/"].iter().find_map(|kind| url.path().strip_prefix(kind))?;
            match rest.strip_prefix("s/") {
                Some(rest) => format!("https://{}", query_of(rest, url)),
                None => format!("http://{}", query_of(rest, url)),
            }
        }
        Carried::Path(mark) => {
            let at = url.path().find(mark)? + mark.len();
            let rest = &url.path()[at..];
            let rest = match *mark {
                "/RU=" => rest.split('/').next().unwrap_or(""),
                "/v3/__" => rest.split("__;").next().unwrap_or(""),
                _ => rest,
            };
            // A path is normalised to one slash on its way through some mail programs.
            let rest = decode_percent(rest).replacen(":/", "://", 1).replacen(":///", "://", 1);
            match (rest.contains("://"), mark.ends_with("s/")) {
                (true, _) => rest,
                (false, true) => format!("https://{rest}"),
                (false, false) => return None,
            }
        }
    };
    let target = super::clean(&target, None)?;
    is_public(&target).then_some(target)
}

/// A target's path, with the query that follows it outside.
fn query_of(path: &str, url: &Url) -> String {
    url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

fn decode_percent(text: &str) -> String {
    let form = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}

/// Whether `host` is `wanted` or below it; `google.` (or `amazon.`) stands for that name in any country.
pub(super) fn is_at(host: &str, wanted: &str) -> bool {
    if let Some(name) = wanted.strip_suffix('.') {
        let bare = host.strip_prefix("www.").or_else(|| host.strip_prefix("news.")).unwrap_or(host);
        // `google.com`, `google.es`, `google.co.uk`, `google.com.br`; not `google.evil.example`.
        return bare.strip_prefix(name).and_then(|r| r.strip_prefix('.')).is_some_and(|tld| {
            tld == "com"
                || tld.len() == 2
                || tld.strip_prefix("co.").or_else(|| tld.strip_prefix("com.")).is_some_and(|cc| cc.len() == 2)
        });
    }
    host == wanted || host.strip_suffix(wanted).is_some_and(|sub| sub.ends_with('.'))
}

/// Whether a link leads to a public host, as far as its text tells.
fn is_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let local = ["localhost", "local", "internal", "lan", "home", "intranet", "localdomain", "home.arpa"];
            name.contains('.') && !local.iter().any(|l| is_at(name, l))
        }
        Some(Host::Ipv4(ip)) => public_v4(ip),
        Some(Host::Ipv6(ip)) => public_v6(ip),
        None => false,
    }
}

fn public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let special = a == 0 || a >= 240 || (a == 192 && b == 0) || (a == 198 && (18..=19).contains(&b));
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || shared
        || special)
}

/// Only global unicast (2000::/3) that carries no IPv4 address of its own (mapped, 6to4, Teredo).
fn public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    (s[0] & 0xe000) == 0x2000 && s[0] != 0x2002 && !(s[0] == 0x2001 && (s[1] < 0x200 || s[1] == 0xdb8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirectors_are_unwrapped() {
        let table = [
            (
                "https://www.google.com/url?rct=j&sa=t&url=https://news.example/a%3Fb%3D1&ct=ga&usg=x",
                "https://news.example/a?b=1",
            ),
            ("https://www.google.es/url?q=http://news.example/a&sa=U", "http://news.example/a"),
            ("https://google.co.uk/url?url=https://news.example/", "https://news.example/"),
            ("https://www.google.com/amp/s/news.example/a/amp", "https://news.example/a/amp"),
            (
                "http://www.bing.com/news/apiclick.aspx?ref=FexRss&aid=&tid=1&url=https%3a%2f%2fnews.example%2fa&c=1",
                "https://news.example/a",
            ),
            ("https://www.bing.com/ck/a?!&&p=1&u=a1aHR0cHM6Ly9uZXdzLmV4YW1wbGUvYQ&ntb=1", "https://news.example/a"),
            ("https://l.facebook.com/l.php?u=https%3A%2F%2Fnews.example%2Fa&h=AT0", "https://news.example/a"),
            ("https://l.instagram.com/?u=https%3A%2F%2Fnews.example%2Fa&e=1", "https://news.example/a"),
            ("https://t.umblr.com/redirect?z=https%3A%2F%2Fnews.example%2Fa&t=x", "https://news.example/a"),
            ("https://href.li/?https://news.example/a", "https://news.example/a"),
            ("https://out.reddit.com/t3_x?url=https%3A%2F%2Fnews.example%2Fa&token=x", "https://news.example/a"),
            ("https://www.youtube.com/redirect?event=c&q=https%3A%2F%2Fnews.example%2Fa", "https://news.example/a"),
            (
                "https://www.linkedin.com/redir/redirect?url=https%3A%2F%2Fnews.example%2Fa&urlhash=x",
                "https://news.example/a",
            ),
            ("https://slack-redir.net/link?url=https%3A%2F%2Fnews.example%2Fa", "https://news.example/a"),
            (
                "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fnews.example%2Fa&data=x",
                "https://news.example/a",
            ),
            ("https://duckduckgo.com/l/?uddg=https%3A%2F%2Fnews.example%2Fa", "https://news.example/a"),
            (
                "https://r.search.yahoo.com/_ylt=A/RV=2/RE=1/RO=10/RU=https%3a%2f%2fnews.example%2fa/RK=2/RS=x",
                "https://news.example/a",
            ),
            (
                "https://www.google.com/url?url=https%3A%2F%2Fl.facebook.com%2Fl.php%3Fu%3Dhttps%253A%252F%252Fnews.example%252Fa",
                "https://news.example/a",
            ),
        ];
        for (url, want) in table {
            assert_eq!(unwrap_redirector(&Url::parse(url).unwrap()).as_ref().map(Url::as_str), Some(want), "{url}");
        }
    }

    #[test]
    fn what_is_no_redirector_or_leads_nowhere_public_stays() {
        let table = [
            "https://news.example/url?url=https://other.example/",
            "https://google.evil.example/url?url=https://other.example/",
            "https://notfacebook.com/l.php?u=https://other.example/",
            "https://www.google.com/search?q=https://other.example/",
            "https://www.google.com/url?url=javascript:alert(1)",
            "https://www.google.com/url?url=http://127.0.0.1/",
            "https://www.google.com/url?url=http://0x7f.1/",
            "https://www.google.com/url?url=http://2130706433/",
            "https://www.google.com/url?url=http://10.0.0.1/",
            "https://www.google.com/url?url=http://169.254.169.254/",
            "https://www.google.com/url?url=http://[::1]/",
            "https://www.google.com/url?url=http://[::ffff:10.0.0.1]/",
            "https://www.google.com/url?url=http://localhost/",
            "https://www.google.com/url?url=http://intranet/",
            "https://www.google.com/url?url=http://router.local/",
            "https://www.google.com/url?url=",
            "https://www.google.com/url",
            "https://www.bing.com/ck/a?u=a1!!!",
            "https://www.instagram.com/p/abc/",
        ];
        for url in table {
            assert_eq!(unwrap_redirector(&Url::parse(url).unwrap()), None, "{url}");
        }
    }
}
