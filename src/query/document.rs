//! From an entry or a mention to what a query is evaluated over.

use super::{Document, Facts};
use crate::model::{Entry, Mention};

/// What queries read of an entry as one line, though the entry has it in parts.
pub struct Lines {
    author: String,
    links: String,
}

impl Lines {
    /// Name and handle of the author, and the links.
    pub fn of(entry: &Entry) -> Self {
        let author = entry.author.as_ref().map_or_else(String::new, |a| match &a.handle {
            Some(handle) => format!("{} {handle}", a.name),
            None => a.name.clone(),
        });
        Self { author, links: entry.links.join("\n") }
    }

    /// The entry as queries see it before it is classified.
    pub fn document<'a>(&'a self, entry: &'a Entry, source: &'a str) -> Document<'a> {
        Document {
            title: &entry.title,
            text: &entry.text,
            author: &self.author,
            site: entry.site.as_deref().unwrap_or_default(),
            url: entry.url.as_deref().unwrap_or_default(),
            lang: entry.lang.as_deref().unwrap_or_default(),
            source,
            links: &self.links,
            followers: entry.author.as_ref().and_then(|author| author.followers),
            rating: entry.rating,
            reply: entry.reply,
            facts: None,
        }
    }
}

/// Has something looked up in a mention, with what classification found. `author`: whether its author is known to whoever
/// asks; `themes`: those that it belongs to.
pub fn with_mention<T>(
    mention: &Mention,
    author: bool,
    themes: impl FnOnce(&Document<'_>) -> Vec<String>,
    ask: impl FnOnce(&Document<'_>) -> T,
) -> T {
    let found = &mention.classification;
    let lines = Lines::of(&mention.entry);
    let mut document = lines.document(&mention.entry, &mention.source);
    document.lang = &found.language.code;
    if !author {
        (document.author, document.url) = ("", "");
    }
    let themes = themes(&document);
    let themes: Vec<&str> = themes.iter().map(String::as_str).collect();
    let watchlists: Vec<&str> = mention.watchlists.iter().map(|w| w.name.as_str()).collect();
    document.facts = Some(Facts {
        category: found.category,
        categories: &found.categories,
        severity: found.severity,
        sentiment: found.sentiment.label,
        flags: &found.flags,
        watchlists: &watchlists,
        themes: &themes,
    });
    ask(&document)
}
