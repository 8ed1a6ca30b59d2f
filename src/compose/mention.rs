//! The mails about one mention: alert, notice and copy.

use std::borrow::Cow;

use serde::Serialize;

use super::clean::{Marked, clean, clean_line, isolate};
use super::draft::{Draft, DraftInput};
use super::excerpt::{EXCERPT, Segment, excerpt, plain, shorten, whole};
use super::headers::Headers;
use super::input::{
    Actions, AlertInput, AlsoSeen, Earlier, NoticeInput, Perk, Reader, RefundAdvice, Similar, Story, Watchlist,
};
use super::letter::with_reply;
use super::link::{Link, shown};
use super::mask::{Masker, fold};
use super::reasons::{self, Fact};
use super::words::{Catalogue, capital, fill, plural};
use super::{Composer, NAME, SUBJECT_TITLE};
use crate::model::{Deed, Email, Erased, Mention, News, Part, PerkDoubt, SentimentLabel, Severity};

/// Characters of a title in the mail.
pub(super) const TITLE: usize = 160;
/// Similar mentions and other places shown.
const MAX_SIMILAR: usize = 3;
const MAX_ALSO_SEEN: usize = 5;

/// What the templates show.
#[derive(Serialize)]
struct View {
    preheader: String,
    tone: &'static str,
    intro: String,
    case: String,
    badge: Badge,
    headline: Vec<Segment>,
    headline_plain: String,
    byline: Vec<String>,
    excerpt: Vec<Segment>,
    excerpt_plain: String,
    link: Option<Link>,
    open_on: String,
    no_link: String,
    actions: Buttons,
    facts: Vec<Fact>,
    also_seen: Vec<Place>,
    often: String,
    earlier_heading: String,
    earlier: Vec<Fact>,
    similar_heading: String,
    similar: Vec<Place>,
    more: String,
    draft: Option<DraftView>,
    page: Option<String>,
    foot: Vec<String>,
}

/// The suggested answer; its language need not be the mail's.
#[derive(Serialize)]
struct DraftView {
    language: &'static str,
    paragraphs: Vec<String>,
}

/// What the reader can do, as links.
#[derive(Serialize)]
pub(super) struct Buttons {
    heading: String,
    list: Vec<Button>,
    note: String,
}

#[derive(Serialize)]
struct Button {
    label: String,
    href: String,
}

impl Buttons {
    pub(super) fn new(words: &Catalogue, reader: &Reader<'_>, actions: &Actions) -> Self {
        let until = actions.until.map(|until| words.date(until, reader.zone)).unwrap_or_default();
        let button = |(deed, href): &(Deed, String)| Button { label: words.deed(*deed).to_owned(), href: href.clone() };
        Self {
            heading: words.actions.heading.clone(),
            list: actions.links.iter().map(button).collect(),
            note: fill(&words.actions.note, &[("date", &until)]),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// Category and severity as words; the colour only repeats them.
#[derive(Debug, Serialize)]
pub(super) struct Badge {
    pub(super) category: String,
    pub(super) severity: String,
    pub(super) level: &'static str,
}

/// Another post: similar, or the same text elsewhere.
#[derive(Serialize)]
struct Place {
    title: String,
    excerpt: String,
    source: String,
    date: String,
    link: Option<Link>,
    open_on: String,
}

pub(super) fn alert(composer: &Composer, input: &AlertInput<'_>) -> Email {
    let words = composer.words(input.reader.language);
    let brand = name(input.watchlist.name);
    let mut department = Vec::new();
    if let Some(owner) = input.department {
        department.push(reasons::department(words, &input.story.mention.decision.why, owner));
    }
    mention_mail(
        composer,
        words,
        &input.story,
        &input.reader,
        Kind {
            header: "alert",
            subject: &words.subject.alert,
            list: Some(input.watchlist),
            only: Some(input.watchlist.key),
            intro: fill(&words.mail.alert_intro, &[("brand", &brand)]),
            why: fill(&words.foot.alert, &[("brand", &brand)]),
            brand,
            department,
            earlier: &[],
            copy: !input.full,
            masked: !input.full,
            draft: None,
            actions: &Actions::default(),
            whole: false,
        },
    )
}

pub(super) fn notice(composer: &Composer, input: &NoticeInput<'_>) -> Email {
    let words = composer.words(input.reader.language);
    let kind = notice_kind(composer, words, input);
    mention_mail(composer, words, &input.story, &input.reader, kind)
}

/// What a notice says, as a page shows it: the same, and the whole text of the post.
pub(super) fn page(composer: &Composer, input: &NoticeInput<'_>) -> minijinja::Value {
    let words = composer.words(input.reader.language);
    let kind = Kind { whole: true, ..notice_kind(composer, words, input) };
    let (view, _) = show(composer, words, &input.story, &input.reader, kind);
    minijinja::Value::from(minijinja::value::Serde(&view))
}

fn notice_kind<'a>(composer: &Composer, words: &'a Catalogue, input: &NoticeInput<'a>) -> Kind<'a> {
    let mail = &words.mail;
    let brands: Vec<String> = input.watchlists.iter().map(|w| name(w.name)).collect();
    let brand = brands.join(", ");
    let owner = name(input.department);
    let mut department = vec![reasons::department(words, &input.story.mention.decision.why, input.department)];
    if let Some(person) = input.owner {
        department.push(Fact { label: words.letters.owner.clone(), value: clean_line(person), because: String::new() });
    }
    if !input.copies.is_empty() {
        let names: Vec<String> = input.copies.iter().map(|c| name(c)).collect();
        department.push(Fact { label: mail.copies.clone(), value: words.list(&names), because: String::new() });
    }
    // What was asked for, and whether it should be given, is the owner's to know.
    if !input.copy {
        department.extend(input.refund.map(|advice| refund(words, advice)));
        department.extend(input.perk.map(|given| perk(words, given, &owner)));
    }
    let (header, subject, intro, why) = if input.praised {
        ("copy", &words.subject.copy, &mail.praised_intro, &words.foot.praised)
    } else if input.copy {
        ("copy", &words.subject.copy, &mail.copy_intro, &words.foot.copy)
    } else if input.story.case.is_some() {
        let why = if input.personal { &words.foot.owner } else { &words.foot.notice };
        ("notice", &words.subject.notice_case, &mail.notice_intro, why)
    } else {
        ("notice", &words.subject.notice, &mail.notice_intro, &words.foot.notice)
    };
    // Who gets a copy does not answer, and would read what a copy must not show.
    let draft = if input.copy || input.story.mention.erased.is_some() {
        None
    } else {
        composer.draft(&DraftInput {
            mention: input.story.mention,
            language: input.reader.language,
            brand: input.watchlists.first().map_or("", |w| w.name),
            department: input.department,
            member: input.member,
            perk: match input.perk {
                Some(Perk::Given(text)) => Some(text),
                Some(Perk::UsedUp | Perk::Withheld(_)) | None => None,
            },
        })
    };
    Kind {
        header,
        subject,
        list: input.watchlists.first().copied(),
        only: None,
        intro: fill(intro, &[("brand", &brand), ("department", &owner)]),
        why: fill(why, &[("department", &owner)]),
        brand,
        department,
        earlier: input.earlier,
        copy: input.copy,
        masked: false,
        draft,
        actions: input.actions,
        whole: false,
    }
}

/// The mention, or what is said in place of one whose words are no longer kept.
pub(super) fn readable<'m>(words: &Catalogue, mention: &'m Mention) -> Cow<'m, Mention> {
    let said = match mention.erased {
        None => return Cow::Borrowed(mention),
        Some(Erased::Request) => &words.mail.erased,
        Some(Erased::Age) => &words.mail.aged,
    };
    let mut shown = mention.clone();
    shown.entry.text.clone_from(said);
    Cow::Owned(shown)
}

fn refund(words: &Catalogue, advice: RefundAdvice<'_>) -> Fact {
    let mail = &words.mail;
    let value = match advice {
        RefundAdvice::Recommended(why) => fill(&mail.refund_yes, &[("why", &clean_line(why))]),
        RefundAdvice::NotRecommended(why) => fill(&mail.refund_no, &[("why", &clean_line(why))]),
        RefundAdvice::Unsaid => mail.refund_unsaid.clone(),
    };
    Fact { label: mail.refund.clone(), value: capital(&value), because: mail.refund_note.clone() }
}

fn perk(words: &Catalogue, perk: Perk<'_>, department: &str) -> Fact {
    let mail = &words.mail;
    let value = match perk {
        Perk::Given(text) => clean_line(text),
        Perk::UsedUp => capital(&fill(&mail.perk_used_up, &[("department", department)])),
        Perk::Withheld(doubt) => {
            let why = match doubt {
                PerkDoubt::Mood => &mail.perk_doubt_mood,
                PerkDoubt::Grievance => &mail.perk_doubt_grievance,
                PerkDoubt::Long => &mail.perk_doubt_long,
                PerkDoubt::Repeats => &mail.perk_doubt_repeats,
            };
            capital(&fill(&mail.perk_withheld, &[("why", why)]))
        }
    };
    Fact { label: mail.perk.clone(), value, because: String::new() }
}

/// A word for the subject, and the line that says what is new about a story that was told before.
fn news_of(words: &Catalogue, news: News, severity: Severity, brand: &str) -> (String, String) {
    let mail = &words.mail;
    match news {
        News::Edited => (mail.edited_label.clone(), fill(&mail.edited, &[("brand", brand)])),
        News::Raised { from } => {
            let (before, after) = (words.severity(from), words.severity(severity));
            let values = [("brand", brand), ("before", before), ("after", after)];
            (mail.edited_label.clone(), fill(&mail.raised, &values))
        }
        News::Spreading { places } => {
            let values = [("brand", brand), ("count", &places.to_string())];
            (mail.spreading_label.clone(), fill(&mail.spreading, &values))
        }
    }
}

/// What tells the three kinds apart.
struct Kind<'a> {
    header: &'static str,
    subject: &'a str,
    list: Option<Watchlist<'a>>,
    /// Only this watchlist's words are marked.
    only: Option<&'a str>,
    brand: String,
    intro: String,
    why: String,
    department: Vec<Fact>,
    earlier: &'a [Earlier],
    copy: bool,
    /// The foot says that personal data is masked; that of a copy does already.
    masked: bool,
    draft: Option<Draft>,
    actions: &'a Actions,
    /// All of the text instead of an excerpt.
    whole: bool,
}

fn mention_mail(
    composer: &Composer,
    words: &Catalogue,
    story: &Story<'_>,
    reader: &Reader<'_>,
    kind: Kind<'_>,
) -> Email {
    let (mention, list, header) = (story.mention, kind.list, kind.header);
    let (view, subject) = show(composer, words, story, reader, kind);
    let mut headers = Headers::new(header, &words.code, story.possible_duplicate);
    if let Some(list) = list {
        headers.list_id(list.key, &composer.settings.sender_domain);
    }
    headers.thread(story.thread);
    headers.mention(mention.id, mention.classification.category.as_str(), mention.classification.severity);
    composer.email("mention", words, subject, &view, headers)
}

/// What is shown, and the subject.
fn show(
    composer: &Composer,
    words: &Catalogue,
    story: &Story<'_>,
    reader: &Reader<'_>,
    kind: Kind<'_>,
) -> (View, String) {
    let mention = readable(words, story.mention);
    let mention = mention.as_ref();
    let entry = &mention.entry;
    // One masker for the whole copy, so that one person has one mask. The subject is masked in every mail: it shows
    // on locked screens and in relays' logs.
    let mut subject_masker = composer.masker(words, mention);
    let mut masker = kind.copy.then(|| subject_masker.clone());
    let mut hide = |marked| match &mut masker {
        Some(masker) => masker.mask(clean(marked)),
        None => clean(marked),
    };
    let title = hide(Marked::new(&entry.title, reasons::marks(mention, Part::Title, kind.only)));
    let title = Marked { text: title.text.replace('\n', " ").into(), marks: title.marks };
    let body = hide(Marked::new(&entry.text, reasons::marks(mention, Part::Text, kind.only)));

    let evidence = reasons::evidence(mention, &body.text);
    let segments = if kind.whole { whole(&body, usize::MAX) } else { excerpt(&body, &evidence) };
    let repeated = repeats(&title.text, &body.text);
    let headline = if repeated { Vec::new() } else { whole(&title, TITLE) };
    let plain_excerpt = plain(&segments);

    let news = story.news.map(|news| news_of(words, news, mention.classification.severity, &kind.brand));
    let kind_words = match &news {
        Some((label, _)) => format!("{label} – {}", subject_kind(words, mention)),
        None => subject_kind(words, mention),
    };
    let (subject_title, subject_source) = {
        let line = match (title.text.trim().is_empty(), kind.copy) {
            (false, true) => title.text.to_string(),
            (false, false) => subject_masker.mask(title.clone()).text.into_owned(),
            (true, true) => subject_of_text(&segments),
            (true, false) => subject_masker.mask_str(&subject_of_text(&segments)),
        };
        (shorten(&clean_line(&line), SUBJECT_TITLE), subject_masker.mask_str(&site(mention)))
    };
    let subject_title =
        if subject_title.is_empty() { words.subject.untitled.as_str().into() } else { isolate(&subject_title) };
    let subject = fill(
        kind.subject,
        &[
            ("brand", &kind.brand),
            ("kind", &kind_words),
            ("case", &story.case.unwrap_or_default().to_string()),
            ("title", &subject_title),
            ("source", &subject_source),
        ],
    );

    let link = entry.url.as_deref().and_then(shown);
    let betrayed = link.as_ref().is_some_and(|l| masker.as_ref().is_some_and(|m| m.betrays(&l.href)));
    let link = link.filter(|_| !betrayed);
    let no_link = match (&link, betrayed) {
        (Some(_), _) => String::new(),
        (None, true) => words.mail.no_link_copy.clone(),
        (None, false) if mention.erased.is_some() => String::new(),
        (None, false) => words.mail.no_link.clone(),
    };

    let mut facts = reasons::facts(words, mention, &mut masker);
    facts.push(reasons::matched(words, mention, kind.only));
    facts.extend(kind.department);

    // This one included; two cases are nothing to remark on.
    let cases = kind.earlier.len() + 1;
    let often = cases >= crate::cases::OFTEN;
    let earlier = |one: &Earlier| Fact {
        label: words.date(one.opened, reader.zone),
        value: fill(
            &words.letters.earlier_case,
            &[
                ("case", &one.case.to_string()),
                ("category", words.category(one.category)),
                ("status", words.status(one.status)),
            ],
        ),
        because: String::new(),
    };
    let similar: Vec<Place> =
        story.similar.iter().take(MAX_SIMILAR).map(|s| similar_place(words, reader, s, &mut masker)).collect();
    let more = story.similar.len().saturating_sub(MAX_SIMILAR);
    let mut foot = composer.foot(words, kind.why, story.possible_duplicate);
    if kind.masked {
        foot.insert(1, words.foot.masked.clone());
    }
    let view = View {
        preheader: shorten(&clean_line(&plain_excerpt.replace('*', "")), 140),
        tone: tone(mention),
        intro: news.map_or(kind.intro, |(_, intro)| intro),
        case: story.case.map(|c| fill(&words.mail.case, &[("case", &c.to_string())])).unwrap_or_default(),
        badge: badge(words, mention),
        headline_plain: isolate(&plain(&headline)).into_owned(),
        headline,
        byline: byline(words, mention, reader, &mut masker),
        excerpt: segments,
        excerpt_plain: plain_excerpt,
        open_on: open_on(words, link.as_ref()),
        link,
        no_link,
        actions: Buttons::new(words, reader, kind.actions),
        facts,
        also_seen: story
            .also_seen
            .iter()
            .take(MAX_ALSO_SEEN)
            .map(|s| other_place(words, reader, s, kind.copy))
            .collect(),
        often: if often { fill(&words.letters.often, &[("count", &cases.to_string())]) } else { String::new() },
        earlier_heading: words.letters.earlier.clone(),
        earlier: if often { kind.earlier.iter().map(earlier).collect() } else { Vec::new() },
        // No complaint is assumed to be isolated: from the second mention of an issue on, the mail says so.
        similar_heading: plural(story.similar.len(), &words.mail.similar_one, &words.mail.similar_many),
        similar,
        more: if more > 0 { plural(more, &words.mail.more_one, &words.mail.more_other) } else { String::new() },
        draft: kind.draft.map(|d| DraftView { language: d.language, paragraphs: d.paragraphs }),
        page: composer.page(mention.id).filter(|_| !kind.copy),
        foot: with_reply(words, kind.actions.reply, foot),
    };
    (view, subject)
}

/// A configured name on one line and of bearable length.
pub(super) fn name(raw: &str) -> String {
    shorten(&clean_line(raw), NAME)
}

/// The publication if the source names one, else the source.
pub(super) fn site(mention: &Mention) -> String {
    let site = mention.entry.site.as_deref().map(name).filter(|s| !s.is_empty());
    site.unwrap_or_else(|| name(&mention.source))
}

/// `Complaint, high`; the lowest severity is not worth a word.
pub(super) fn subject_kind(words: &Catalogue, mention: &Mention) -> String {
    let found = &mention.classification;
    let category = capital(words.category(found.category));
    if found.severity == Severity::Low {
        return category;
    }
    fill(&words.subject.kind, &[("category", &category), ("severity", words.severity(found.severity))])
}

pub(super) fn badge(words: &Catalogue, mention: &Mention) -> Badge {
    let found = &mention.classification;
    Badge {
        category: capital(words.category(found.category)),
        severity: capital(&fill(&words.mail.severity_badge, &[("severity", words.severity(found.severity))])),
        level: found.severity.as_str(),
    }
}

/// When it was published, if that can be believed, or found.
pub(super) fn date(words: &Catalogue, mention: &Mention, reader: &Reader<'_>) -> String {
    match mention.published() {
        Some(at) => words.date(at, reader.zone),
        None => fill(&words.mail.seen, &[("date", &words.date(mention.fetched, reader.zone))]),
    }
}

pub(super) fn open_on(words: &Catalogue, link: Option<&Link>) -> String {
    link.map(|l| fill(&words.mail.open_on, &[("host", &l.host)])).unwrap_or_default()
}

/// True if the title says only what the text begins with, as microblogs' feeds do.
pub(super) fn repeats(title: &str, text: &str) -> bool {
    let title = title.trim().trim_end_matches('…').trim_end_matches("...").trim_end();
    let mut text = text.split_whitespace();
    title.split_whitespace().all(|word| text.next().is_some_and(|w| w == word || w.starts_with(word)))
}

/// The colour of the stripe: severity, or green for good news.
fn tone(mention: &Mention) -> &'static str {
    let found = &mention.classification;
    let good = matches!(found.sentiment.label, SentimentLabel::Positive | SentimentLabel::VeryPositive);
    if found.severity == Severity::Low && good { "good" } else { found.severity.as_str() }
}

/// The first words of the excerpt, for the subject of a post without a title.
pub(super) fn subject_of_text(segments: &[Segment]) -> String {
    let words: String = segments
        .iter()
        .skip_while(|s| s.text.trim() == "…")
        .map(|s| if s.br { " " } else { s.text.as_str() })
        .collect();
    words.chars().take(EXCERPT).collect()
}

/// Source, author, time, stars.
pub(super) fn byline(
    words: &Catalogue,
    mention: &Mention,
    reader: &Reader<'_>,
    masker: &mut Option<Masker<'_>>,
) -> Vec<String> {
    let entry = &mention.entry;
    let (mut site, source) = (site(mention), name(&mention.source));
    if let Some(masker) = masker {
        site = masker.mask_str(&site);
    }
    let mut line = vec![if fold(&site) == fold(&source) {
        site
    } else {
        fill(&words.mail.via, &[("site", &site), ("source", &source)])
    }];
    if let Some(author) = &entry.author {
        let shown_name = name(&author.name);
        let handle = author.handle.as_deref().map(name).filter(|h| !h.is_empty() && *h != shown_name);
        let who = match (shown_name.is_empty(), handle) {
            (true, None) => String::new(),
            (true, Some(handle)) => handle,
            (false, None) => shown_name,
            (false, Some(handle)) => format!("{} ({handle})", isolate(&shown_name)),
        };
        if !who.is_empty() {
            line.push(masker.as_ref().map_or_else(|| isolate(&who).into_owned(), Masker::author));
        }
    }
    line.push(date(words, mention, reader));
    if let Some(stars) = entry.rating.filter(|r| (0.0..=5.0).contains(r)) {
        let mut number = format!("{stars:.1}");
        if let Some(short) = number.strip_suffix(".0") {
            number = short.to_owned();
        }
        line.push(fill(&words.mail.stars, &[("stars", &number)]));
    }
    line
}

fn similar_place(words: &Catalogue, reader: &Reader<'_>, similar: &Similar, masker: &mut Option<Masker<'_>>) -> Place {
    let mut hide = |text: &str| match masker {
        Some(masker) => clean_line(&masker.mask_str(text)),
        None => clean_line(text),
    };
    let (title, mut excerpt) = (hide(&similar.title), hide(&similar.excerpt));
    let repeated = repeats(&title, &excerpt);
    let title = if repeated { std::mem::take(&mut excerpt) } else { title };
    // Nothing is known of that author, and most links name one.
    let link = similar.url.as_deref().filter(|_| masker.is_none()).and_then(shown);
    Place {
        title: shorten(&title, 120),
        excerpt: shorten(&excerpt, 160),
        source: name(&similar.source),
        date: words.date(similar.at, reader.zone),
        open_on: open_on(words, link.as_ref()),
        link,
    }
}

fn other_place(words: &Catalogue, reader: &Reader<'_>, seen: &AlsoSeen, copy: bool) -> Place {
    let link = seen.url.as_deref().filter(|_| !copy).and_then(shown);
    Place {
        title: String::new(),
        excerpt: String::new(),
        source: name(&seen.source),
        date: words.date(seen.at, reader.zone),
        open_on: open_on(words, link.as_ref()),
        link,
    }
}
