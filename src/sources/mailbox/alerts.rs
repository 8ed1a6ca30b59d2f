//! Alert mails: Google Alerts, Talkwalker and other lists of links, in HTML or in plain text. Each link that leads to
//! something that was found is a finding with its title and the words around it; the service's own links (manage,
//! unsubscribe, share) are not.

use std::collections::HashMap;

use url::Url;

use super::mime::Mail;
use crate::text::html::{Rules, cut, decode_entities, to_text};
use crate::text::{fold, link};

/// Links of one mail that are looked at.
const MAX_LINKS: usize = 500;
/// Longest title, in bytes.
const MAX_TITLE: usize = 300;
/// Longest text around a link, in bytes.
const MAX_SNIPPET: usize = 2000;
/// Longest address, in bytes.
const MAX_URL: usize = 4096;

/// One link of an alert mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    pub url: String,
    pub title: String,
    /// The words that the service shows of it.
    pub text: String,
}

/// Words of links that lead to the service itself, folded, in four languages.
const OWN_WORDS: [&str; 53] = [
    "unsubscribe",
    "manage",
    "preferences",
    "settings",
    "view in browser",
    "view online",
    "view as web",
    "privacy",
    "terms",
    "contact us",
    "help",
    "support",
    "flag as irrelevant",
    "see more results",
    "see all",
    "edit this alert",
    "edit alert",
    "delete this",
    "receive this alert",
    "create another",
    "sign in",
    "log in",
    "share",
    "feedback",
    "upgrade",
    "darse de baja",
    "cancelar suscripcion",
    "anular",
    "administrar",
    "gestionar",
    "preferencias",
    "configuracion",
    "ver en el navegador",
    "privacidad",
    "marcar como irrelevante",
    "ver mas resultados",
    "editar esta alerta",
    "ver todas",
    "cancelar inscricao",
    "cancelar subscricao",
    "gerenciar",
    "gerir",
    "preferencias",
    "configuracoes",
    "ver no navegador",
    "privacidade",
    "sinalizar como irrelevante",
    "ver mais resultados",
    "afmeld",
    "indstillinger",
    "administrer",
    "vis i browser",
    "se flere resultater",
];

/// Parts of addresses that lead to the service itself.
const OWN_PATHS: [&str; 15] = [
    "unsubscribe",
    "optout",
    "opt-out",
    "/preferences",
    "/settings",
    "/alerts/manage",
    "/alerts/remove",
    "/alerts/edit",
    "/alerts/feedback",
    "/alerts/share",
    "/manage",
    "/privacy",
    "/terms",
    "/signup",
    "/login",
];

/// Hosts on which people share what they read: their sharing pages are no findings.
const SHARING: [&str; 12] = [
    "facebook.com/sharer",
    "facebook.com/share",
    "twitter.com/intent",
    "twitter.com/share",
    "x.com/intent",
    "linkedin.com/share",
    "plus.google.com/share",
    "wa.me/",
    "t.me/share",
    "reddit.com/submit",
    "pinterest.com/pin/create",
    "plus.google.com/",
];

/// The findings of an alert mail, in its order, each address once.
pub fn findings(mail: &Mail) -> Vec<Finding> {
    let sender = mail.from.as_ref().and_then(|p| p.email.rsplit_once('@')).map(|(_, domain)| site(domain));
    let candidates = if mail.html.is_empty() { in_text(&mail.text) } else { in_html(&mail.html) };
    let mut found = pick(&candidates, sender.as_deref(), false);
    if found.is_empty() && !mail.html.is_empty() {
        found = pick(&in_text(&mail.text), sender.as_deref(), false);
    }
    // A forum that mails its own news links to nothing but itself.
    if found.is_empty() { pick(&candidates, sender.as_deref(), true) } else { found }
}

/// A link as the mail has it.
struct Candidate {
    href: String,
    title: String,
    after: String,
}

fn pick(candidates: &[Candidate], sender: Option<&str>, own_too: bool) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for candidate in candidates {
        let Some(url) = target(&candidate.href, sender) else { continue };
        let own = url.host_str().map(site).as_deref() == sender;
        let folded = fold::fold(&candidate.title);
        // Short words only: a headline may well have "help" in it.
        let speaks_of_itself = folded.len() <= 40 && OWN_WORDS.iter().any(|w| folded.trim().starts_with(w));
        if (own && !own_too) || speaks_of_itself || leads_home(&url) {
            continue;
        }
        let address = link::same_page(&url);
        let (title, text) = (cut(&candidate.title, MAX_TITLE), cut(&candidate.after, MAX_SNIPPET));
        match places.get(&address).and_then(|at| found.get_mut(*at)) {
            // A picture, a title and "read more" may all lead to one page.
            Some(known) => {
                if known.title.is_empty() {
                    known.title = title.to_owned();
                }
                if text.len() > known.text.len() {
                    known.text = text.to_owned();
                }
            }
            None => {
                places.insert(address, found.len());
                found.push(Finding { url: url.into(), title: title.to_owned(), text: text.to_owned() });
            }
        }
    }
    found
}

/// Where a link leads behind redirectors; `None` if to nothing that a person could open.
fn target(href: &str, sender: Option<&str>) -> Option<Url> {
    let href = href.trim();
    if href.len() > MAX_URL {
        return None;
    }
    let mut url = link::clean(href, None)?;
    for _ in 0..3 {
        let through = link::unwrap_redirector(&url).or_else(|| {
            // The service counts clicks: the page itself stands in the query.
            let own = url.host_str().map(site).as_deref() == sender;
            let value = url.query_pairs().find(|(key, value)| {
                matches!(key.as_ref(), "url" | "u" | "q" | "target" | "ru" | "link" | "to" | "dest" | "redirect")
                    && value.starts_with("http")
            });
            value.filter(|_| own).and_then(|(_, value)| link::clean(&value, None))
        });
        match through {
            Some(next) => url = next,
            None => break,
        }
    }
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// Whether an address is the service's own business: its settings, a way out, a button for sharing.
fn leads_home(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let place = format!("{}{}", host.strip_prefix("www.").unwrap_or(host), url.path()).to_lowercase();
    let google = site(host).starts_with("google.");
    (google
        && (url.path().starts_with("/alerts")
            || url.path().starts_with("/search")
            || url.path() == "/"
            || url.path().starts_with("/news/story")))
        || OWN_PATHS.iter().any(|path| place.contains(path))
        || SHARING.iter().any(|share| place.contains(share))
        || place.starts_with("support.google.")
}

/// The registrable domain (Public Suffix List), or the host itself.
fn site(host: &str) -> String {
    let host = host.trim_end_matches('.').to_lowercase();
    psl::domain_str(&host).map_or_else(|| host.clone(), str::to_owned)
}

/// Every `<a href>` with its words, and the words between it and the next one.
fn in_html(html: &str) -> Vec<Candidate> {
    let lower = html.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(begin) = lower[at..].find("<a").map(|n| at + n) {
        let after_name = begin + 2;
        at = after_name;
        if !lower[after_name..].starts_with(|c: char| c.is_ascii_whitespace()) {
            continue;
        }
        if found.len() >= MAX_LINKS {
            break;
        }
        let Some(close) = end_of_tag(&lower, after_name) else { break };
        at = close + 1;
        let Some(href) = attribute(&html[after_name..close], "href") else { continue };
        let next = lower[at..].find("<a ").map_or(html.len(), |n| at + n);
        let end = lower[at..next].find("</a").map_or(next, |n| at + n);
        let words = |from: usize, to: usize| {
            let mut out = String::new();
            to_text(cut(html.get(from..to).unwrap_or_default(), 4 * MAX_SNIPPET), &mut out);
            out
        };
        let behind = lower[end..next].find('>').map_or(end, |n| end + n + 1);
        found.push(Candidate { href, title: words(at, end).replace('\n', " "), after: words(behind, next) });
    }
    found
}

/// The `>` that ends a tag; quotes may hold others.
fn end_of_tag(text: &str, from: usize) -> Option<usize> {
    let mut quote = None;
    for (n, byte) in text.as_bytes().iter().enumerate().skip(from) {
        match (quote, byte) {
            (None, b'>') => return Some(n),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            // A tag is no longer than this: a quote that never ends would make every later one cost as much.
            _ if n - from > 2 * MAX_URL => return None,
            _ => {}
        }
    }
    None
}

/// The value of an attribute, references decoded.
fn attribute(tag: &str, wanted: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let mut from = 0;
    loop {
        let at = from + lower.get(from..)?.find(wanted)?;
        from = at + wanted.len();
        let begins = at == 0 || lower[..at].ends_with(|c: char| c.is_ascii_whitespace() || c == '"' || c == '\'');
        let Some(value) = tag[from..].trim_start().strip_prefix('=') else { continue };
        if !begins {
            continue;
        }
        let value = value.trim_start();
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
            _ => value.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default(),
        };
        return Some(decode_entities(value, Rules::Strict).into_owned());
    }
}

/// Every address in a plain text; its title and words are the lines since the one before.
fn in_text(text: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut before: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.trim().is_empty() {
            // An address belongs to the words right above it.
            before.clear();
            continue;
        }
        let mut rest = line;
        let mut linked = false;
        while let Some(at) = rest.find("http").filter(|_| found.len() < MAX_LINKS) {
            let (head, tail) = rest.split_at(at);
            if !(tail.starts_with("http://") || tail.starts_with("https://")) {
                rest = tail.get(4..).unwrap_or_default();
                continue;
            }
            let end = tail.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(tail.len());
            let (href, after) = tail.split_at(end);
            let href = href.trim_end_matches(['.', ',', ';', ')', ']', '\'']);
            let own = head.trim().trim_end_matches(['<', '(', '[']).trim();
            let mut words: Vec<&str> = std::mem::take(&mut before);
            if own.chars().any(char::is_alphanumeric) {
                words.push(own);
            }
            let (title, more) = words.split_first().map_or(("", &[][..]), |(title, more)| (*title, more));
            found.push(Candidate { href: href.to_owned(), title: title.trim().to_owned(), after: more.join(" ") });
            linked = true;
            rest = after.trim_start_matches('>');
        }
        if !linked && before.len() < 40 {
            before.push(line.trim());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::mime;
    use super::*;

    fn urls(from: &str, kind: &str, body: &str) -> Vec<Finding> {
        let data = format!("From: {from}\r\nSubject: x\r\nContent-Type: {kind}; charset=utf-8\r\n\r\n{body}");
        findings(&mime::read(data.as_bytes()))
    }

    #[test]
    fn a_google_alert_in_html_yields_what_it_found() {
        let body = r#"<html><body><a href="https://www.google.com/alerts?source=alertsmail"><img src="x"></a>
            <tr><td><a href="https://www.google.com/url?rct=j&amp;sa=t&amp;url=https://news.example.net/toaster%3Fid%3D7&amp;ct=ga&amp;usg=AB"><b>Acme</b> toaster
            recalled</a><div><span>The Example Times</span></div><div>The <b>Acme</b> toaster may catch fire.</div>
            <a href="https://www.google.com/alerts/share?ru=https://news.example.net/toaster&amp;ss=fb">Share</a>
            <a href="https://www.google.com/alerts/feedback?ffu=https://news.example.net/toaster">Flag as irrelevant</a></td></tr>
            <a href="https://www.google.com/url?url=https://blog.example.org/acme&ct=ga">A blog</a> More about it
            <a href="https://www.google.com/alerts/remove?s=AB">Unsubscribe</a>
            <a href="https://www.google.com/search?q=acme">See more results</a></body></html>"#;
        let found = urls("Google Alerts <googlealerts-noreply@google.com>", "text/html", body);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].url, "https://news.example.net/toaster?id=7");
        assert_eq!(found[0].title, "Acme toaster recalled");
        assert!(found[0].text.contains("The Acme toaster may catch fire."), "{found:?}");
        assert_eq!((found[1].url.as_str(), found[1].title.as_str()), ("https://blog.example.org/acme", "A blog"));
    }

    #[test]
    fn a_google_alert_in_plain_text_yields_what_it_found() {
        let body = "=== News - 1 new result for [acme] ===\n\nAcme toaster recalled\nThe Example Times\nIt may catch\nfire.\n\
            <http://news.example.net/2026/toaster>\nSee all stories on this topic:\n\
            <http://news.google.com/news/story?ncl=http://news.example.net/2026/toaster&hl=en>\n\n\
            This as-it-happens Google Alert is brought to you by Google.\n- - -\nDelete this Google Alert:\n\
            http://www.google.com/alerts/remove?hl=en&s=AB\n";
        let found = urls("Google Alerts <googlealerts-noreply@google.com>", "text/plain", body);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].url, "http://news.example.net/2026/toaster");
        assert_eq!(
            (found[0].title.as_str(), found[0].text.as_str()),
            ("Acme toaster recalled", "The Example Times It may catch fire.")
        );
    }

    #[test]
    fn talkwalker_and_other_lists_yield_what_they_found() {
        let body = r#"<a href='https://alerts.talkwalker.com/r?url=https%3A%2F%2Fforum.example.net%2Ft%2F1'>Forum: acme</a> It broke.
            <a href="https://alerts.talkwalker.com/alerts/manage?x=1">Manage this alert</a>
            <a href=https://blog.example.org/2>Blog</a><a href="mailto:x@example.org">x</a><a href="javascript:alert(1)">y</a>
            <a href="https://blog.example.org/2?utm_source=mail"><img></a><a name="here">no link</a>
            <a href="https://other.example/unsubscribe?u=1">click here</a><a href="https://www.facebook.com/sharer.php?u=x">f</a>"#;
        let found = urls("Talkwalker <alerts@talkwalker.com>", "text/html", body);
        let list: Vec<&str> = found.iter().map(|f| f.url.as_str()).collect();
        assert_eq!(list, ["https://forum.example.net/t/1", "https://blog.example.org/2"], "{found:?}");
        let own = urls(
            "Forum <news@forum.example>",
            "text/html",
            "<a href='https://forum.example/t/9'>Acme</a> <a href='https://forum.example/settings'>x</a>",
        );
        assert_eq!(own.len(), 1, "{own:?}");
    }

    #[test]
    fn hostile_mails_take_linear_time() {
        let took = crate::clock::cost(|| {
            for part in ["<a href=\"", "<a ", "<a href='x'>", "http", "http://", "<a href=x", "</a>", "<", "href"] {
                let body = part.repeat(250_000 / part.len());
                urls("a@b.example", "text/html", &body);
                urls("a@b.example", "text/plain", &body);
            }
        });
        assert!(took.as_secs() < 20, "{took:?}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(parts in proptest::collection::vec(proptest::sample::select(vec![
            "<a", " href=", "\"", "'", ">", "</a>", "é", "http://x.example/", "\n", "<", "&amp;", "https://", " ", "url=", "ÅÆ",
        ]), 0..60)) {
            let body = parts.concat();
            urls("a@b.example", "text/html", &body);
            urls("a@b.example", "text/plain", &body);
        }
    }
}
