//! What somebody wrote as a few lines of a mail or page about something larger: a theme, a warning, a case.

use serde::Serialize;

use super::clean::{Marked, clean, clean_line};
use super::excerpt::shorten;
use super::input::Reader;
use super::link::{Link, shown};
use super::mask::Masker;
use super::mention::{name, open_on, repeats};
use super::reasons;
use super::words::Catalogue;
use crate::model::Mention;

/// Characters of a quote.
const QUOTE: usize = 280;

/// A post among others.
#[derive(Serialize)]
pub(super) struct Post {
    pub(super) text: String,
    pub(super) byline: String,
    pub(super) link: Option<Link>,
    pub(super) open_on: String,
}

/// What somebody wrote, personal data masked; in a copy without a link that may name them.
pub(super) fn quote(words: &Catalogue, reader: &Reader<'_>, mention: &Mention, copy: bool) -> Post {
    let entry = &mention.entry;
    let betrayed = |l: &Link| masker(words, mention).betrays(&l.href);
    let link = entry.url.as_deref().and_then(shown).filter(|l| !(copy && betrayed(l)));
    let date = words.date(mention.written(), reader.zone);
    Post {
        text: shorten(&written(words, mention), QUOTE),
        byline: format!("{} · {date}", name(&mention.source)),
        open_on: open_on(words, link.as_ref()),
        link,
    }
}

/// What somebody wrote, title and text, with personal data masked.
pub(super) fn written(words: &Catalogue, mention: &Mention) -> String {
    let entry = &mention.entry;
    let text = if entry.title.trim().is_empty() || repeats(&entry.title, &entry.text) {
        entry.text.clone()
    } else {
        format!("{}: {}", entry.title, entry.text)
    };
    let masked = masker(words, mention).mask(clean(Marked::new(&text, [])));
    clean_line(&masked.text)
}

pub(super) fn masker<'w>(words: &'w Catalogue, mention: &'w Mention) -> Masker<'w> {
    let mut masker = Masker::new(&words.masks, mention.entry.author.as_ref(), reasons::matched_words(mention));
    masker.learn(&mention.entry.text);
    masker
}
