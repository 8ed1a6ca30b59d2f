//! Who wrote a mention, as one key: a person on one platform. Identities are never joined across platforms.

use sha2::{Digest, Sha256};
use url::Url;

use crate::model::Entry;
use crate::text::fold;

/// The first 128 bits of a SHA-256 over platform and identity: enough to recognise somebody, not to name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuthorKey(pub [u8; 16]);

/// Names that many people share because a platform gives them to everybody.
const NOBODY: [&str; 22] = [
    "anonymous",
    "anonymous user",
    "anonym",
    "anonimo",
    "anonima",
    "anonymt",
    "unknown",
    "desconocido",
    "desconhecido",
    "ukendt",
    "guest",
    "gast",
    "invitado",
    "convidado",
    "user",
    "usuario",
    "bruger",
    "admin",
    "editor",
    "redaccion",
    "redacao",
    "deleted",
];

/// The author of an entry; `None` if it names none, or a name that anybody has.
///
/// The platform is the registrable domain (Public Suffix List) of the author's own page, else of the entry's address,
/// else the source: two feeds of one site are one platform. The identity is the handle, else the author's page, else
/// the name.
pub fn author_key(entry: &Entry, source: &str) -> Option<AuthorKey> {
    let author = entry.author.as_ref()?;
    let page = author.url.as_deref().and_then(|url| Url::parse(url).ok());
    let platform = page
        .as_ref()
        .and_then(site)
        .or_else(|| entry.url.as_deref().and_then(|url| Url::parse(url).ok()).as_ref().and_then(site))
        .unwrap_or_else(|| format!("source {source}"));
    let handle = author.handle.as_deref().map(|h| h.trim().trim_start_matches('@').to_lowercase());
    let identity = match handle.filter(|h| !h.is_empty()) {
        Some(handle) => format!("@{handle}"),
        None => {
            let name = fold::fold(author.name.trim());
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            match &page {
                // A page that is nothing but the site is everybody's.
                Some(page) if page.path().len() > 1 => page.path().trim_end_matches('/').to_lowercase(),
                _ if name.is_empty() || NOBODY.contains(&name.as_str()) => return None,
                _ => name,
            }
        }
    };
    let hash = Sha256::digest(format!("{platform}\n{identity}"));
    let mut key = [0; 16];
    key.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    Some(AuthorKey(key))
}

fn site(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_end_matches('.').to_lowercase();
    Some(psl::domain_str(&host).map_or_else(|| host.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Author;

    fn key(url: &str, name: &str, handle: &str, page: &str) -> Option<AuthorKey> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let author = Author { name: name.into(), handle: some(handle), url: some(page), followers: None };
        author_key(&Entry { url: some(url), author: Some(author), ..Entry::default() }, "a source")
    }

    #[test]
    fn the_same_author_on_the_same_platform_only() {
        let jens = key("https://forum.example.org/t/1", "Jens Hansen", "", "");
        assert!(jens.is_some());
        for (url, name) in
            [("https://www.example.org/t/2", "jens  hansen"), ("http://example.org/other", "JENS HANSEN")]
        {
            assert_eq!(key(url, name, "", ""), jens, "{url} {name}");
        }
        for (url, name) in [
            ("https://forum.example.com/t/1", "Jens Hansen"),
            ("https://jens.blogspot.com/1", "Jens Hansen"),
            ("", "Jens Hansen"),
            ("https://forum.example.org/t/1", "Jens Hanson"),
        ] {
            assert_ne!(key(url, name, "", ""), jens, "{url} {name}");
        }
        let handle = key("https://social.example/@ana/1", "Ana", "@Ana@social.example", "https://social.example/@ana");
        assert_eq!(key("https://social.example/@ana/2", "Ana R.", "@ana@social.example", ""), handle);
        assert_ne!(key("https://social.example/@ana/2", "Ana R.", "@ana2", ""), handle);
        let page = key("", "Ana", "", "https://example.org/people/ana/");
        assert_eq!(key("https://example.org/1", "Ana Ruiz", "", "https://www.example.org/people/ana"), page);
    }

    #[test]
    fn a_name_that_everybody_has_is_nobody() {
        for name in ["", "  ", "Anonymous", "Anónimo", "guest", "USER"] {
            assert_eq!(key("https://forum.example.org/t/1", name, "", ""), None, "{name}");
        }
        assert_eq!(author_key(&Entry::default(), "s"), None);
        assert!(key("https://forum.example.org/t/1", "Anonymous", "@a7", "").is_some());
    }
}
