//! Mentions and cases as lines of a digest or a report, personal data masked; and how far everything was heard, in words.

use std::collections::HashMap;

use serde::Serialize;

use super::Composer;
use super::clean::{clean_line, isolate};
use super::excerpt::shorten;
use super::input::Reader;
use super::link::{Link, shown};
use super::mask::{Masker, fold};
use super::mention::{Badge, badge, date, name, open_on, repeats, site};
use super::reasons;
use super::words::{Catalogue, capital, fill, plural};
use crate::model::{CaseStatus, Coverage, Item, Mention, OpenCase, Owner, ThemeTitle};

/// Characters of a line's text.
const TEXT: usize = 200;
/// Sources named one by one that were not listened to from the start; more of them are a number.
const NAMED_BEGUN: usize = 3;
/// Names in one line of counts.
const TALLIED: usize = 6;

/// One line.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) badge: Badge,
    /// Where, when, what else.
    pub(super) facts: Vec<String>,
    pub(super) link: Option<Link>,
    pub(super) open_on: String,
    /// The page of its case, or of the mention if it has none, and what the link is called.
    pub(super) page: Option<String>,
    pub(super) page_label: String,
}

/// What lines are made from.
pub(super) struct Lines<'a> {
    pub(super) composer: &'a Composer,
    pub(super) words: &'a Catalogue,
    pub(super) reader: Reader<'a>,
    pub(super) mentions: &'a HashMap<i64, Mention>,
}

impl Lines<'_> {
    /// A mention; `None` if it is no longer in the record.
    pub(super) fn item(&self, item: &Item) -> Option<Line> {
        let mut line = self.line(item.mention)?;
        if let Some(case) = item.case {
            line.facts.push(fill(&self.words.mail.case, &[("case", &case.to_string())]));
            self.lead_to_case(&mut line, case);
        }
        if item.copies > 0 {
            let count = usize::try_from(item.copies).unwrap_or(usize::MAX);
            line.facts.push(plural(count, &self.words.digest.copies_one, &self.words.digest.copies_other));
        }
        if !item.named.is_empty() {
            let people: Vec<String> = item.named.iter().map(|n| clean_line(n)).collect();
            line.facts.push(fill(&self.words.digest.named, &[("people", &self.words.list(&people))]));
        }
        Some(line)
    }

    /// A case, with who has it.
    pub(super) fn case(&self, case: &OpenCase, owner: &dyn Fn(&Owner) -> String) -> Option<Line> {
        let words = self.words;
        let mut line = self.line(case.mention)?;
        if let Some(theme) = &case.theme {
            self.name_theme(&mut line, theme);
        }
        // The case may have become graver than its first mention.
        line.badge.severity =
            capital(&fill(&words.mail.severity_badge, &[("severity", words.severity(case.severity))]));
        line.badge.level = case.severity.as_str();
        self.lead_to_case(&mut line, case.case);
        let (pattern, at) = match case.overdue {
            Some(since) => (&words.digest.overdue_since, since),
            None => (&words.digest.open_since, case.opened),
        };
        line.facts = vec![fill(&words.mail.case, &[("case", &case.case.to_string())]), clean_line(&owner(&case.owner))];
        if case.status != CaseStatus::Open {
            line.facts.push(words.status(case.status).to_owned());
        }
        line.facts.push(fill(pattern, &[("date", &words.date(at, self.reader.zone))]));
        Some(line)
    }

    /// Has the line of a case name its theme, not what was written first.
    pub(super) fn name_theme(&self, line: &mut Line, theme: &ThemeTitle) {
        line.text = self.words.theme_title(theme, TEXT);
        line.badge.category = capital(self.words.category(theme.category));
        line.link = None;
    }

    /// Lines of a list.
    pub(super) fn items(&self, items: &[Item]) -> Vec<Line> {
        items.iter().filter_map(|item| self.item(item)).collect()
    }

    /// What can be done stands on the page of the case, and that leads to the mention's.
    fn lead_to_case(&self, line: &mut Line, case: i64) {
        line.page = self.composer.case_link(case);
        line.page_label.clone_from(&self.words.mail.case_page);
    }

    fn line(&self, id: i64) -> Option<Line> {
        let mention = self.mentions.get(&id)?;
        let entry = &mention.entry;
        let mut masker = Masker::new(&self.words.masks, entry.author.as_ref(), reasons::matched_words(mention));
        masker.learn(&entry.text);
        let title = clean_line(&masker.mask_str(&entry.title));
        let body = clean_line(&masker.mask_str(&entry.text));
        let text = match (title.is_empty() || repeats(&title, &body), body.is_empty()) {
            (true, true) => capital(&self.words.subject.untitled),
            (true, false) => body,
            (false, true) => title,
            (false, false) if says_again(&title, &body) => body,
            (false, false) => format!("{title} – {body}"),
        };
        let link = entry.url.as_deref().and_then(shown).filter(|l| !masker.betrays(&l.href));
        let site = name(&masker.mask_str(&site(mention)));
        Some(Line {
            text: isolate(&shorten(&text, TEXT)).into_owned(),
            badge: badge(self.words, mention),
            facts: vec![site, date(self.words, mention, &self.reader)],
            open_on: open_on(self.words, link.as_ref()),
            link,
            page: self.composer.page(id),
            page_label: self.words.mail.page.clone(),
        })
    }
}

/// Whether the body begins with the words of the title, whatever stands between and behind them.
fn says_again(title: &str, body: &str) -> bool {
    let letters = |text: &str| fold(text).chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    letters(body).starts_with(&letters(title))
}

/// `and 37 more`, or nothing if all are there.
pub(super) fn more(words: &Catalogue, count: u64) -> String {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count == 0 { String::new() } else { plural(count, &words.mail.more_one, &words.mail.more_other) }
}

/// What occurs how often, in one line: `forum (4), reviews (2), and 3 more`.
pub(super) fn tally<'k, N: std::fmt::Display>(
    words: &Catalogue,
    counts: impl ExactSizeIterator<Item = (&'k str, N)>,
    word: &dyn Fn(&str) -> String,
) -> String {
    let left = u64::try_from(counts.len().saturating_sub(TALLIED)).unwrap_or(u64::MAX);
    let mut shown: Vec<String> = counts.take(TALLIED).map(|(key, n)| format!("{} ({n})", word(key))).collect();
    shown.extend((left > 0).then(|| more(words, left)));
    shown.join(", ")
}

/// How far everything was heard: the main sentence first.
pub(super) fn coverage(words: &Catalogue, reader: &Reader<'_>, coverage: &Coverage) -> Vec<String> {
    let texts = &words.digest;
    let (heard, sources) = (coverage.heard.to_string(), coverage.sources.to_string());
    let last = coverage.last_heard.map_or_else(|| texts.never.clone(), |at| words.date(at, reader.zone));
    let pattern = match (coverage.sources, coverage.heard) {
        (0, _) => &texts.no_sources,
        (1, 0) => &texts.heard_none_one,
        (_, 0) => &texts.heard_none,
        (1, 1..) => &texts.heard_all_one,
        (all, heard) if heard >= all => &texts.heard_all,
        _ => &texts.heard_some,
    };
    let mut lines = vec![fill(pattern, &[("heard", &heard), ("sources", &sources), ("last", &last)])];
    match coverage.begun.as_slice() {
        [(_, first), ..] if coverage.begun.len() > NAMED_BEGUN => {
            let (count, date) = (coverage.begun.len().to_string(), words.date(*first, reader.zone));
            lines.push(fill(&texts.begun_many, &[("count", &count), ("date", &date)]));
        }
        begun => lines.extend(begun.iter().map(|(source, since)| {
            fill(&texts.begun, &[("source", &name(source)), ("date", &words.date(*since, reader.zone))])
        })),
    }
    for blind in &coverage.blind {
        let pattern = if blind.still { &texts.blind_still } else { &texts.blind };
        let length = words.length(blind.seconds);
        lines.push(fill(pattern, &[("source", &name(&blind.source)), ("length", &length)]));
    }
    for (source, at) in &coverage.gaps {
        let at = words.date(*at, reader.zone);
        lines.push(fill(&texts.gap, &[("source", &name(source)), ("date", &at)]));
    }
    for (source, count) in &coverage.held {
        let pattern = if *count == 1 { &texts.held_one } else { &texts.held_other };
        lines.push(fill(pattern, &[("source", &name(source)), ("count", &count.to_string())]));
    }
    if coverage.unnamed > 0 {
        lines.push(fill(&texts.unnamed, &[("count", &coverage.unnamed.to_string())]));
    }
    if coverage.is_complete() && coverage.sources > 0 {
        lines.push(texts.complete.clone());
    }
    lines
}

/// `12 (+4 against the period before (8))`; only the figure if nothing was counted before either.
pub(super) fn change(words: &Catalogue, now: u64, before: u64) -> String {
    if now == before {
        return if now == 0 { String::new() } else { words.digest.same.clone() };
    }
    fill(&words.digest.change, &[("change", &difference(words, now, before)), ("before", &words.number(before))])
}

/// `+4`, `−190`, `0`.
pub(super) fn difference(words: &Catalogue, now: u64, before: u64) -> String {
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => format!("+{}", words.number(now - before)),
        std::cmp::Ordering::Less => format!("−{}", words.number(before - now)),
        std::cmp::Ordering::Equal => "0".to_owned(),
    }
}
