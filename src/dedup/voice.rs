//! Short texts. Two people who say the same short thing are two mentions; one author's text on several networks, a repost
//! and a bare quote are the same voice again.

use super::StoryKey;
use super::body::{Body, fnv};
use crate::model::{Author, Entry};
use crate::text::fold::fold;

/// Words that an author must have said to be recognised by them.
const FEWEST: usize = 2;
/// Own words beside a repost or quote; with more it is somebody's own mention.
const MOST_OWN: usize = 4;
/// Words that announce a repost or quote of the account that follows.
const ANNOUNCES: [&str; 10] = ["rt", "qt", "mt", "via", "repost", "reposted", "reposting", "from", "by", "de"];

/// Keys that an entry shares with the same words of the same author, wherever they stand.
pub fn keys(entry: &Entry) -> Vec<StoryKey> {
    let said = if entry.text.trim().is_empty() { &entry.title } else { &entry.text };
    let said = said.trim();
    if let Some(repost) = repost(said) {
        return keys_of(&[repost.of], repost.words);
    }
    let names = entry.author.as_ref().map(names).unwrap_or_default();
    keys_of(&names, said)
}

/// Somebody else's words, passed on.
struct Repost<'t> {
    of: String,
    words: &'t str,
}

/// `RT @name: words`, `so true! RT @name: words`, `♻ @name words`, `“words” — @name`, `words (via @name)`.
fn repost(text: &str) -> Option<Repost<'_>> {
    let at = text.find('@').filter(|at| *at < 120)?;
    let (before, rest) = text.split_at_checked(at)?;
    let end = rest
        .char_indices()
        .skip(1)
        .find(|(_, c)| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@')))
        .map_or(rest.len(), |(i, _)| i);
    let (handle, after) = rest.split_at_checked(end)?;
    let own: Vec<&str> = before.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let announced = own.last().is_some_and(|w| ANNOUNCES.contains(&w.to_lowercase().as_str()))
        || before.trim_end().ends_with(['♻', '🔁', '\u{fe0f}']);
    if announced && own.len() <= MOST_OWN + 1 && Body::words_of("", after).words().len() >= FEWEST {
        return Some(Repost { of: account(handle), words: after });
    }
    // The words come first: in quotation marks, or with the account at the very end.
    if after.trim_matches(|c: char| !c.is_alphanumeric()).is_empty() {
        let before = before.trim_end();
        let quoted = before.trim_start().starts_with(['"', '“', '«', '„', '‘', '\'']);
        let dash = before.ends_with(['—', '–', '-', '―', '~']);
        if (quoted && dash) || announced {
            let words = if announced { before.rsplit_once(char::is_whitespace)?.0 } else { before };
            return Some(Repost { of: account(handle), words });
        }
    }
    None
}

/// What an author goes by: the account's name without its server, and the display name if it is one that tells people
/// apart (two words or more).
fn names(author: &Author) -> Vec<String> {
    let mut names = Vec::with_capacity(2);
    if let Some(handle) = &author.handle {
        names.push(account(handle));
    }
    let name = fold(&author.name);
    let name = name.trim();
    if let Some(bare) = name.strip_prefix('@') {
        names.push(account(bare));
    } else if name.split(' ').count() > 1 || (author.handle.is_none() && !name.is_empty()) {
        names.push(name.to_owned());
        // People use their name as their account: `Ana Ruiz`, `@anaruiz`.
        names.push(name.replace(' ', ""));
    }
    names.retain(|n| !n.is_empty());
    names.sort_unstable();
    names.dedup();
    names
}

/// `@Ana@social.example` and `@ana.bsky.social` as `ana`.
fn account(handle: &str) -> String {
    let handle = fold(handle);
    let handle = handle.trim().trim_start_matches('@').trim_end_matches(['.', '-']);
    let handle = handle.split('@').next().unwrap_or("");
    handle.strip_suffix(".bsky.social").unwrap_or(handle).to_owned()
}

fn keys_of(authors: &[String], said: &str) -> Vec<StoryKey> {
    if authors.iter().all(String::is_empty) {
        return Vec::new();
    }
    let body = Body::words_of("", without_tail(said));
    let words = body.words();
    if words.len() < FEWEST {
        return Vec::new();
    }
    let text =
        words.iter().fold(fnv(""), |hash, word| (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(17));
    let named = authors.iter().filter(|author| !author.is_empty());
    named.map(|author| StoryKey::of("voice", &format!("{author} {text:016x} {}", words.len()))).collect()
}

/// Networks differ in the tags and links that people append.
fn without_tail(text: &str) -> &str {
    let mut text = text.trim_end();
    while let Some((front, last)) = text.rsplit_once(char::is_whitespace) {
        if !(last.starts_with('#') || super::body::is_link(last)) {
            break;
        }
        text = front.trim_end();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, handle: Option<&str>, text: &str) -> Vec<StoryKey> {
        let author = Author { name: name.into(), handle: handle.map(str::to_owned), url: None, followers: None };
        keys(&Entry { text: text.into(), author: Some(author), ..Entry::default() })
    }

    fn meet(a: &[StoryKey], b: &[StoryKey]) -> bool {
        a.iter().any(|k| b.contains(k))
    }

    const TEXT: &str = "My Acme toaster broke again";

    #[test]
    fn one_author_on_several_networks_is_one_voice() {
        let first = said("Ana Ruiz", Some("@ana@social.example"), TEXT);
        assert!(meet(&first, &said("Ana Ruiz", None, "My Acme toaster broke again! #acme #fail")));
        assert!(meet(
            &first,
            &said("ana r.", Some("@ana.bsky.social"), "My Acme toaster broke again https://a.example/x")
        ));
        assert!(meet(&said("Ana Ruiz", None, TEXT), &said("A", Some("@AnaRuiz"), TEXT)));
        assert!(!meet(&first, &said("Ana Ruiz", None, "My Acme toaster works again")));
    }

    #[test]
    fn two_people_who_say_the_same_are_two() {
        assert!(!meet(&said("Ana Ruiz", Some("@ana"), TEXT), &said("Tom Berg", Some("@tom"), TEXT)));
        let nobody = Entry { text: TEXT.into(), ..Entry::default() };
        assert!(keys(&nobody).is_empty());
    }

    #[test]
    fn reposts_and_bare_quotes_are_their_author_again() {
        let first = said("Ana Ruiz", Some("@ana"), TEXT);
        for text in [
            "RT @ana: My Acme toaster broke again",
            "rt @Ana My Acme toaster broke again",
            "So true! RT @ana: My Acme toaster broke again",
            "♻️ @ana@social.example My Acme toaster broke again",
            "“My Acme toaster broke again” — @ana",
            "My Acme toaster broke again (via @ana)",
            "My Acme toaster broke again via @ana",
        ] {
            assert!(meet(&first, &said("Tom Berg", Some("@tom"), text)), "{text}");
        }
        for own in [
            "I had the very same trouble with mine last week RT @ana: My Acme toaster broke again",
            "@ana My Acme toaster broke again",
            "@ana my acme toaster broke again, too",
            "Tell that to @ana",
        ] {
            assert!(!meet(&first, &said("Tom Berg", Some("@tom"), own)), "{own}");
        }
    }

    #[test]
    fn odd_texts_harm_nobody() {
        for text in ["@", "RT @", "RT @a", "“” — @", "RT @a: @b", "@@@@", "  ", "é@é"] {
            said("x", Some("@"), text);
        }
        assert!(said("@", None, TEXT).is_empty());
    }
}
