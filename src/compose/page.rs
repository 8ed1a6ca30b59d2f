//! What the pages say about mentions and cases, in the words of the mails. `web` puts its frame around it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use super::Composer;
use super::clean::{Marked, clean, clean_line};
use super::excerpt::{plain, shorten, whole};
use super::input::{CaseInput, Earlier, NoticeInput, Reader};
use super::letter::{later, line};
use super::mention::{self, Badge, badge, byline, repeats};
use super::quote::{Post, masker};
use super::reasons::Fact;
use super::words::{About, Catalogue, capital, fill};
use crate::model::{Author, Case, CaseStatus, Category, Deed, Mention, SentimentLabel, Severity, ThemeTitle};

/// Characters of a title, and of a text, in a list.
const ROW_TITLE: usize = 140;
const ROW_TEXT: usize = 220;

/// A mention in a list.
#[derive(Serialize)]
struct Row {
    id: i64,
    badge: Badge,
    title: String,
    text: String,
    byline: Vec<String>,
}

/// What a case's page says beside its mention.
#[derive(Serialize)]
struct CaseView {
    badge: Badge,
    status: String,
    owner: String,
    failed: Vec<String>,
    opened: String,
    /// In place of the post's own, where the case is a theme's.
    title: Option<String>,
    often: String,
    earlier: Vec<EarlierLine>,
    done: Vec<Fact>,
    later: Vec<Post>,
}

#[derive(Serialize)]
struct EarlierLine {
    case: i64,
    date: String,
    words: String,
}

/// Single words and dates in one language, for what a page says itself.
#[derive(Clone, Copy, Debug)]
pub struct Phrases<'a>(&'a Catalogue);

impl Phrases<'_> {
    /// Code of the language: `en`, `es`, `pt`, `da`.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// A moment in a zone, as the mails write it.
    pub fn date(&self, at: Timestamp, zone: &TimeZone) -> String {
        self.0.date(at, zone)
    }

    /// With a capital, as are the others.
    pub fn category(&self, category: Category) -> String {
        capital(self.0.category(category))
    }

    pub fn severity(&self, severity: Severity) -> String {
        capital(self.0.severity(severity))
    }

    pub fn sentiment(&self, sentiment: SentimentLabel) -> String {
        capital(self.0.sentiment(sentiment))
    }

    pub fn status(&self, status: CaseStatus) -> String {
        capital(self.0.status(status))
    }

    /// What stands in place of a post's title where a case is a theme's.
    pub fn theme_title(&self, theme: &ThemeTitle) -> String {
        self.0.theme_title(theme, ROW_TITLE)
    }

    /// What somebody says who does this.
    pub fn deed(&self, deed: Deed) -> &str {
        self.0.deed(deed)
    }
}

impl Composer {
    /// The words of a language, for pages.
    pub fn phrases(&self, language: &str) -> Phrases<'_> {
        Phrases(self.words(language))
    }

    /// The same where one case is spoken of, which may be a theme's.
    pub fn phrases_of(&self, language: &str, case: &Case) -> Phrases<'_> {
        Phrases(self.words_for(language, About::of(case)))
    }

    /// A mention with the reasons for everything that was decided, as a page's templates show it: what its notice says,
    /// with the whole text. With `copy` personal data is masked, and there is no draft.
    pub fn mention_page(&self, input: &NoticeInput<'_>) -> Value {
        mention::page(self, input)
    }

    /// A mention in a list; `masked` as in a copy.
    pub fn mention_row(&self, mention: &Mention, reader: &Reader<'_>, masked: bool) -> Value {
        let words = self.words(reader.language);
        let mut masker = masked.then(|| masker(words, mention));
        let mut hide = |text: &str| {
            let marked = clean(Marked::new(text, []));
            let text = match &mut masker {
                Some(masker) => masker.mask(marked).text.into_owned(),
                None => marked.text.into_owned(),
            };
            clean_line(&text)
        };
        let shown = mention::readable(words, mention);
        let entry = &shown.entry;
        let (title, text) = (hide(&entry.title), hide(&entry.text));
        let (title, text) = if repeats(&title, &text) { (text, String::new()) } else { (title, text) };
        let title = plain(&whole(&Marked::new(&title, []), ROW_TITLE));
        let title = if title.is_empty() { words.subject.untitled.clone() } else { title };
        let row = Row {
            id: mention.id,
            badge: badge(words, mention),
            title,
            text: shorten(&text, ROW_TEXT),
            byline: byline(words, mention, reader, &mut masker),
        };
        Value::from(Serde(&row))
    }

    /// A mention with personal data masked, as a copy of its notice has it: for programs that may not see more. Its
    /// author, and links that may name one, are gone.
    pub fn masked(&self, language: &str, mention: &Mention) -> Mention {
        let words = self.words(language);
        let mut masker = masker(words, mention);
        let mut shown = mention.clone();
        let entry = &mut shown.entry;
        entry.title = clean_line(&masker.mask_str(&entry.title));
        entry.text = masker.mask_str(&entry.text);
        entry.site = entry.site.as_deref().map(|site| masker.mask_str(site));
        entry.url = entry.url.take().filter(|url| !masker.betrays(url));
        entry.links.clear();
        if let Some(author) = &mut entry.author {
            *author = Author { name: masker.author(), followers: author.followers, ..Author::default() };
        }
        for cue in &mut shown.classification.cues {
            cue.text = masker.mask_str(&cue.text);
        }
        // The places were those of the whole text.
        for watchlist in &mut shown.watchlists {
            watchlist.matched.clear();
        }
        shown
    }

    /// What somebody wrote about a mention, with personal data masked.
    pub fn masked_words(&self, language: &str, mention: &Mention, text: &str) -> String {
        masker(self.words(language), mention).mask_str(text)
    }

    /// Where a case stands, its history, and what the customer wrote since.
    pub fn case_page(&self, input: &CaseInput<'_>, earlier: &[Earlier]) -> Value {
        let words = self.words_for(input.reader.language, About::of(input.case));
        let case = input.case;
        let mut masker = input.copy.then(|| masker(words, input.story.mention));
        let owner = |owner| clean_line(&(input.owner)(owner));
        let cases = (earlier.len() + 1).to_string();
        let often = earlier.len() + 1 >= crate::cases::OFTEN;
        let earlier = earlier.iter().map(|one| EarlierLine {
            case: one.case,
            date: words.date(one.opened, input.reader.zone),
            words: fill(
                &words.letters.earlier_case,
                &[
                    ("case", &one.case.to_string()),
                    ("category", words.category(one.category)),
                    ("status", words.status(one.status)),
                ],
            ),
        });
        let view = CaseView {
            badge: Badge {
                category: capital(words.category(case.category)),
                severity: capital(&fill(&words.mail.severity_badge, &[("severity", words.severity(case.severity))])),
                level: case.severity.as_str(),
            },
            status: capital(words.status(case.status)),
            owner: owner(&case.owner),
            failed: case.failed.iter().map(owner).collect(),
            opened: words.date(case.opened, input.reader.zone),
            often: if often { fill(&words.letters.often, &[("count", &cases)]) } else { String::new() },
            earlier: earlier.collect(),
            title: input.theme.map(|theme| words.theme_title(theme, ROW_TITLE)),
            later: later(words, input, usize::MAX, &mut masker),
            done: input.steps.iter().map(|step| line(words, input, step, &mut masker)).collect(),
        };
        Value::from(Serde(&view))
    }
}
