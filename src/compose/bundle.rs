//! Alerts that piled up for one recipient, as one mail: newest first, by watchlist.

use serde::Serialize;

use super::Composer;
use super::clean::{Marked, clean, clean_line, isolate};
use super::excerpt::{excerpt, plain, shorten};
use super::headers::Headers;
use super::input::{BundleInput, BundleItem};
use super::link::{Link, shown};
use super::mask::Masker;
use super::mention::{Badge, badge, date, name, open_on, readable, repeats, site};
use super::reasons;
use super::words::{Catalogue, capital, fill, plural};
use crate::model::{Email, Part, Severity};

/// Alerts listed; the rest is counted.
pub(super) const MAX_LISTED: usize = 40;
/// Characters of an item's title.
const TITLE: usize = 110;

#[derive(Serialize)]
struct View<'a> {
    preheader: String,
    tone: &'static str,
    intro: String,
    groups: Vec<Group<'a>>,
    foot: Vec<String>,
}

#[derive(Serialize)]
struct Group<'a> {
    #[serde(skip)]
    key: &'a str,
    #[serde(skip)]
    total: usize,
    #[serde(skip)]
    brand: String,
    heading: String,
    items: Vec<Item>,
    more: String,
}

#[derive(Serialize)]
struct Item {
    title: String,
    badge: Badge,
    sentiment: String,
    source: String,
    date: String,
    link: Option<Link>,
    open_on: String,
}

pub(super) fn bundle(composer: &Composer, input: &BundleInput<'_>) -> Email {
    let words = composer.words(input.reader.language);
    let mut items: Vec<&BundleItem<'_>> = input.items.iter().collect();
    items.sort_by_key(|i| std::cmp::Reverse((i.mention.entry.published.unwrap_or(i.mention.fetched), i.mention.id)));

    // A watchlist stands where its newest mention does.
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let at = groups.iter().position(|g| g.key == item.watchlist.key).unwrap_or_else(|| {
            groups.push(Group {
                key: item.watchlist.key,
                total: 0,
                brand: name(item.watchlist.name),
                heading: String::new(),
                items: Vec::new(),
                more: String::new(),
            });
            groups.len() - 1
        });
        groups[at].total += 1;
        if n < MAX_LISTED {
            let mut masker = (!input.full).then(|| composer.masker(words, item.mention));
            let link = item.mention.entry.url.as_deref().and_then(shown);
            let link = link.filter(|l| !masker.as_ref().is_some_and(|m| m.betrays(&l.href)));
            let site = site(item.mention);
            groups[at].items.push(Item {
                title: title(words, item, &mut masker).unwrap_or_else(|| capital(&words.subject.untitled)),
                badge: badge(words, item.mention),
                sentiment: capital(words.sentiment(item.mention.classification.sentiment.label)),
                source: masker.as_mut().map_or_else(|| site.clone(), |m| m.mask_str(&site)),
                date: date(words, item.mention, &input.reader),
                open_on: open_on(words, link.as_ref()),
                link,
            });
        }
    }
    for group in &mut groups {
        group.heading = fill(&words.bundle.group, &[("brand", &group.brand), ("count", &group.total.to_string())]);
        let more = group.total - group.items.len();
        if more > 0 {
            group.more = plural(more, &words.mail.more_one, &words.mail.more_other);
        }
    }

    let brands: Vec<&str> = groups.iter().map(|g| g.brand.as_str()).collect();
    let brands = shorten(&brands.join(", "), 60);
    let pattern = if items.len() == 1 { &words.subject.bundle_one } else { &words.subject.bundle_other };
    let subject = fill(pattern, &[("brands", &brands), ("count", &items.len().to_string())]);
    let worst = items.iter().map(|i| i.mention.classification.severity).max().unwrap_or(Severity::Low);

    let mut headers = Headers::new("bundle", &words.code, input.possible_duplicate);
    if let [only] = groups.as_slice() {
        headers.list_id(only.key, &composer.settings.sender_domain);
    }
    let mut foot = composer.foot(words, words.foot.bundle.clone(), input.possible_duplicate);
    if !input.full {
        foot.insert(1, words.foot.masked.clone());
    }
    let view = View {
        preheader: items
            .first()
            .and_then(|item| title(words, item, &mut (!input.full).then(|| composer.masker(words, item.mention))))
            .unwrap_or_default(),
        tone: worst.as_str(),
        intro: plural(items.len(), &words.bundle.intro_one, &words.bundle.intro_other),
        groups,
        foot,
    };
    composer.email("bundle", words, subject, &view, headers)
}

/// The title, or what the text says around the match.
fn title(words: &Catalogue, item: &BundleItem<'_>, masker: &mut Option<Masker<'_>>) -> Option<String> {
    let mention = readable(words, item.mention);
    let entry = &mention.entry;
    let mut hide = |marked| match masker {
        Some(masker) => masker.mask(clean(marked)),
        None => clean(marked),
    };
    let title = clean_line(&hide(Marked::new(&entry.title, [])).text);
    let shown = if title.is_empty() || repeats(&entry.title, &entry.text) {
        let only = Some(item.watchlist.key);
        let body = hide(Marked::new(&entry.text, reasons::marks(item.mention, Part::Text, only)));
        let unmarked = Marked { text: plain(&excerpt(&body, &[])).replace('*', "").into(), marks: Vec::new() };
        clean_line(&unmarked.text)
    } else {
        title
    };
    let shown = shorten(&shown, TITLE);
    (!shown.is_empty()).then(|| isolate(&shown).into_owned())
}
