//! The mails about a case: what is overdue, the question whether the customer is satisfied, the customer who is back,
//! the case that is somebody else's now.

use serde::Serialize;

use super::clean::{Marked, clean, clean_line, isolate};
use super::excerpt::{Segment, excerpt, plain, shorten, whole};
use super::headers::Headers;
use super::input::{CaseInput, Later, Reader};
use super::link::{Link, shown};
use super::listing::more;
use super::mask::Masker;
use super::mention::{Badge, Buttons, TITLE, byline, name, open_on, readable, repeats, subject_of_text};
use super::quote::{Post, quote};
use super::reasons::{self, Fact};
use super::words::{About, Catalogue, LetterText, capital, fill};
use super::{Composer, SUBJECT_TITLE};
use crate::model::{
    CAME_BACK, Case, CaseClock, CaseStep, ERASED, Email, Happening, Letter, Mention, NOT_AFTER_ALL, OwnerReason, Part,
    Rung, THEME_CAME_BACK,
};

/// Later mentions shown, the newest.
const MAX_LATER: usize = 5;
/// Lines of the history shown, the newest.
const MAX_DONE: usize = 12;
/// Characters of a reason that somebody gave.
const REASON: usize = 200;

#[derive(Serialize)]
struct View<'a> {
    preheader: String,
    tone: &'static str,
    intro: String,
    badge: Badge,
    heading: String,
    /// What the case is about, if it is a theme's.
    title: String,
    what: String,
    next_label: &'a str,
    next: String,
    how_label: &'a str,
    how: Vec<String>,
    actions: Buttons,
    /// The pages of the case and of the theme that it is about, with what each link is called.
    pages: Vec<(String, String)>,
    facts: Vec<Fact>,
    wrote_label: &'a str,
    headline: Vec<Segment>,
    headline_plain: String,
    byline: Vec<String>,
    excerpt: Vec<Segment>,
    excerpt_plain: String,
    link: Option<Link>,
    open_on: String,
    later_label: &'a str,
    later: Vec<Post>,
    nothing_later: &'a str,
    done_label: &'a str,
    done: Vec<Fact>,
    foot: Vec<String>,
}

pub(super) fn letter(composer: &Composer, input: &CaseInput<'_>) -> Email {
    let words = composer.words_for(input.reader.language, About::of(input.case));
    let labels = &words.letters;
    let mention = readable(words, input.story.mention);
    let mention = mention.as_ref();
    let case = input.case;
    let brands: Vec<String> = input.watchlists.iter().map(|w| name(w.name)).collect();
    let brand = brands.join(", ");
    let owner = clean_line(&(input.owner)(&case.owner));
    let number = case.id.to_string();
    let author = mention.entry.author.as_ref();
    let new_masker = || Masker::new(&words.masks, author, reasons::matched_words(mention));
    // Whoever works on a theme need not be who takes care of everybody in it.
    let mut masker = (input.copy || About::of(case) == About::Theme).then(new_masker);

    let text = text(words, input);
    let shown_date = date(input).map(|at| words.date(at, input.reader.zone)).unwrap_or_default();
    let count = match input.letter {
        Letter::Gathering { more } => more.to_string(),
        _ => String::new(),
    };
    let values: [(&str, &str); 6] = [
        ("count", &count),
        ("case", &number),
        ("owner", &owner),
        ("date", &shown_date),
        ("severity", words.severity(case.severity)),
        ("status", words.status(case.status)),
    ];

    let mut hide = |marked| match &mut masker {
        Some(masker) => masker.mask(clean(marked)),
        None => clean(marked),
    };
    let title = hide(Marked::new(&mention.entry.title, reasons::marks(mention, Part::Title, None)));
    let title = Marked { text: title.text.replace('\n', " ").into(), marks: title.marks };
    let body = hide(Marked::new(&mention.entry.text, reasons::marks(mention, Part::Text, None)));
    let segments = excerpt(&body, &reasons::evidence(mention, &body.text));
    let headline = if repeats(&title.text, &body.text) { Vec::new() } else { whole(&title, TITLE) };
    let excerpt_plain = plain(&segments);
    let subject_title = {
        let line = if title.text.trim().is_empty() { subject_of_text(&segments) } else { title.text.to_string() };
        // In every mail: a subject shows on locked screens and in relays' logs.
        let line = if input.copy { line } else { new_masker().mask_str(&line) };
        let short = shorten(&clean_line(&line), SUBJECT_TITLE);
        if let Some(theme) = input.theme {
            words.theme_title(theme, SUBJECT_TITLE)
        } else if short.is_empty() {
            words.subject.untitled.clone()
        } else {
            isolate(&short).into_owned()
        }
    };
    let kind = fill(
        &words.subject.kind,
        &[("category", &capital(words.category(case.category))), ("severity", words.severity(case.severity))],
    );
    let (header, subject) = match input.letter {
        Letter::Reminder { .. } => ("reminder", &labels.reminder),
        Letter::Escalation { .. } => ("escalation", &labels.escalation),
        Letter::Question { .. } => ("question", &labels.question),
        Letter::Comeback { .. } => ("comeback", &labels.comeback),
        Letter::Gathering { .. } => ("gathering", &labels.gathering),
        Letter::Handover => ("handover", &labels.handover),
        Letter::Update if is_late(input) => ("update", &labels.escalation),
        Letter::Update => ("update", &labels.update),
    };
    let subject = fill(
        subject,
        &[
            ("brand", &brand),
            ("case", &number),
            ("kind", &kind),
            ("status", words.status(case.status)),
            ("title", &subject_title),
        ],
    );

    let link = mention.entry.url.as_deref().and_then(shown);
    let link = link.filter(|l| !(input.copy && masker.as_ref().is_some_and(|m| m.betrays(&l.href))));
    let mut later = later(words, input, MAX_LATER, &mut masker);
    later.reverse();
    let skip = input.steps.len().saturating_sub(MAX_DONE);
    let mut done: Vec<Fact> = input.steps.iter().skip(skip).map(|step| line(words, input, step, &mut masker)).collect();
    let earlier = more(words, skip as u64);
    if !earlier.is_empty() {
        done.insert(0, Fact { label: "…".to_owned(), value: earlier, because: String::new() });
    }
    let heading = fill(&text.heading, &values);
    let what = fill(&text.what, &values);
    let actions = Buttons::new(words, &input.reader, input.actions);
    let page = |label: &String, page: Option<String>| page.map(|page| (label.clone(), page));
    let of_case = page(&words.mail.case_page, composer.case_link(case.id));
    let of_theme = page(&words.mail.theme_page, case.theme.and_then(|theme| composer.theme_link(theme)));
    let pages: Vec<(String, String)> = of_case.into_iter().chain(of_theme).collect();
    let view = View {
        preheader: what.clone(),
        tone: case.severity.as_str(),
        intro: format!("{brand} · {}", fill(&words.mail.case, &[("case", &number)])),
        badge: Badge {
            category: capital(words.category(case.category)),
            severity: capital(&fill(&words.mail.severity_badge, &[("severity", words.severity(case.severity))])),
            level: case.severity.as_str(),
        },
        heading,
        title: input.theme.map(|theme| words.theme_title(theme, TITLE)).unwrap_or_default(),
        what,
        next_label: &labels.next,
        // A copy asks nobody to answer.
        next: fill(
            match input.letter {
                Letter::Comeback { .. } | Letter::Gathering { .. } if input.copy => &labels.watch.next,
                _ => &text.next,
            },
            &values,
        ),
        how_label: &labels.how,
        // Commands are for those who have no pages.
        how: if actions.is_empty() && pages.is_empty() { how(case, input.letter, input.copy) } else { Vec::new() },
        actions,
        pages,
        facts: facts(words, input, &owner, &shown_date),
        wrote_label: &labels.wrote,
        headline_plain: isolate(&plain(&headline)).into_owned(),
        headline,
        byline: byline(words, mention, &input.reader, &mut masker),
        excerpt: segments,
        excerpt_plain,
        open_on: open_on(words, link.as_ref()),
        link,
        later_label: &labels.since,
        nothing_later: if later.is_empty() && asks(input.letter) { &labels.nothing_since } else { "" },
        later,
        done_label: &labels.done,
        done,
        foot: with_reply(
            words,
            input.actions.reply,
            composer.foot(words, fill(foot(words, input), &values), input.story.possible_duplicate),
        ),
    };

    let mut headers = Headers::new(header, &words.code, input.story.possible_duplicate);
    if let Some(list) = input.watchlists.first() {
        headers.list_id(list.key, &composer.settings.sender_domain);
    }
    headers.thread(input.story.thread);
    headers.mention(mention.id, case.category.as_str(), case.severity);
    composer.email("case", words, subject, &view, headers)
}

/// What the mail is about, and what to do.
fn text<'w>(words: &'w Catalogue, input: &CaseInput<'_>) -> &'w LetterText {
    let letters = &words.letters;
    match input.letter {
        Letter::Reminder { clock: CaseClock::Acknowledge, .. } => &letters.acknowledge,
        Letter::Reminder { .. } => &letters.resolve,
        Letter::Escalation { clock: CaseClock::Acknowledge, .. } => &letters.lead_acknowledge,
        Letter::Escalation { clock: CaseClock::Resolve, .. } => &letters.lead_resolve,
        Letter::Escalation { clock: CaseClock::Confirm, .. } => &letters.lead_confirm,
        Letter::Question { .. } => &letters.ask,
        Letter::Comeback { .. } => &letters.back,
        Letter::Gathering { .. } => &letters.gathers,
        Letter::Update if is_late(input) => &letters.watch_overdue,
        Letter::Update => &letters.watch,
        Letter::Handover => {
            let last = input.steps.iter().rev().find_map(|step| match &step.what {
                Happening::Moved { why: OwnerReason::Assigned, .. } => Some(&letters.assigned),
                Happening::Moved { .. } => Some(&letters.unsatisfied),
                Happening::Reopened { .. } => Some(&letters.reopened),
                Happening::Unsatisfied { .. } => Some(&letters.nobody_left),
                _ => None,
            });
            last.unwrap_or(&letters.assigned)
        }
    }
}

/// The moment that the mail speaks of.
fn date(input: &CaseInput<'_>) -> Option<jiff::Timestamp> {
    match input.letter {
        Letter::Reminder { since, .. } | Letter::Escalation { since, .. } => Some(*since),
        Letter::Question { answered } => Some(*answered),
        Letter::Comeback { .. } | Letter::Gathering { .. } | Letter::Handover | Letter::Update => None,
    }
}

/// Whether the last that happened to a case is that somebody was reminded of it.
fn is_late(input: &CaseInput<'_>) -> bool {
    input.steps.last().is_some_and(|step| matches!(step.what, Happening::Reminded { .. }))
}

/// Whether the mail asks if the customer is satisfied.
fn asks(letter: &Letter) -> bool {
    matches!(letter, Letter::Question { .. } | Letter::Escalation { clock: CaseClock::Confirm, .. })
}

/// Commands that do what the mail asks for.
fn how(case: &Case, letter: &Letter, copy: bool) -> Vec<String> {
    let words: &[&str] = match letter {
        _ if copy => &["show"],
        Letter::Reminder { clock: CaseClock::Acknowledge, .. } | Letter::Handover => &["ack"],
        Letter::Reminder { .. } | Letter::Comeback { .. } | Letter::Gathering { .. } => &["answer"],
        Letter::Escalation { clock: CaseClock::Confirm, .. } | Letter::Question { .. } => &["satisfied", "unsatisfied"],
        Letter::Escalation { .. } => &["assign"],
        Letter::Update => &["show"],
    };
    // The mail to a lead or management is not the owner's: who they are, they know.
    let owner = case.owner.person.as_deref().filter(|_| !matches!(letter, Letter::Escalation { .. }));
    let by = owner.map_or_else(|| "ADDRESS".to_owned(), clean_line);
    let option = |word: &&str| match *word {
        "assign" => " --to ADDRESS".to_owned(),
        "show" => String::new(),
        _ => format!(" --by {by}"),
    };
    words.iter().map(|word| format!("mentiond cases {word} {}{}", case.id, option(word))).collect()
}

fn facts(words: &Catalogue, input: &CaseInput<'_>, owner: &str, shown_date: &str) -> Vec<Fact> {
    let labels = &words.letters;
    let fact =
        |label: &str, value: &str| Fact { label: label.to_owned(), value: value.to_owned(), because: String::new() };
    let mut facts = vec![
        fact(&labels.owner, owner),
        fact(&labels.status, &capital(words.status(input.case.status))),
        fact(&labels.opened, &words.date(input.case.opened, input.reader.zone)),
    ];
    match input.letter {
        letter if asks(letter) => facts.push(fact(&labels.answered_at, shown_date)),
        Letter::Reminder { .. } | Letter::Escalation { .. } => facts.push(fact(&labels.overdue, shown_date)),
        _ => {}
    }
    facts
}

fn foot<'w>(words: &'w Catalogue, input: &CaseInput<'_>) -> &'w str {
    let letters = &words.letters;
    match input.letter {
        _ if input.copy => &letters.foot_community,
        Letter::Escalation { rung: Rung::Management, .. } => &letters.foot_management,
        Letter::Escalation { .. } => &letters.foot_lead,
        _ => &letters.foot_owner,
    }
}

/// One line of the history: when, what, by whom.
pub(super) fn line(words: &Catalogue, input: &CaseInput<'_>, step: &CaseStep, masker: &mut Option<Masker<'_>>) -> Fact {
    let history = &words.history;
    let owner = |owner| clean_line(&(input.owner)(owner));
    let mut reason = |text: &str| match masker {
        _ if text == ERASED => words.mail.erased_reason.clone(),
        _ if text == THEME_CAME_BACK => history.why_theme_came_back.clone(),
        _ if text == CAME_BACK => history.why_came_back.clone(),
        _ if text == NOT_AFTER_ALL => history.why_not_after_all.clone(),
        Some(masker) => shorten(&clean_line(&masker.mask_str(text)), REASON),
        None => shorten(&clean_line(text), REASON),
    };
    let what = match &step.what {
        Happening::Opened { owner: to, .. } => fill(&history.opened, &[("owner", &owner(to))]),
        Happening::Acknowledged => history.acknowledged.clone(),
        Happening::Answered => history.answered.clone(),
        Happening::Resolved => history.resolved.clone(),
        Happening::Satisfied => history.satisfied.clone(),
        Happening::Unsatisfied { failed } => fill(&history.unsatisfied, &[("owner", &owner(failed))]),
        Happening::Moved { to, .. } => fill(&history.moved, &[("owner", &owner(to))]),
        Happening::Dismissed { reason: why } => fill(&history.dismissed, &[("reason", &reason(why))]),
        Happening::Closed => history.closed.clone(),
        Happening::Reopened { reason: why } => fill(&history.reopened, &[("reason", &reason(why))]),
        Happening::CameBack { severity, .. } => fill(&history.came_back, &[("severity", words.severity(*severity))]),
        Happening::Gathered { more, severity, .. } => {
            fill(&history.gathered, &[("count", &more.to_string()), ("severity", words.severity(*severity))])
        }
        Happening::Evidence { .. } => history.evidence.clone(),
        Happening::Noted { text } => fill(&history.noted, &[("text", &reason(text))]),
        Happening::Reminded { to, .. } => fill(&history.reminded, &[("owner", &clean_line(&(input.who)(to)))]),
    };
    let value = match &step.by {
        Some(by) => fill(&words.letters.by, &[("what", &what), ("who", &clean_line(&(input.who)(by)))]),
        None => what,
    };
    Fact { label: words.date(step.at, input.reader.zone), value: capital(&value), because: String::new() }
}

/// The foot of a mail that can be answered says how.
pub(super) fn with_reply(words: &Catalogue, reply: bool, mut foot: Vec<String>) -> Vec<String> {
    if reply {
        foot.insert(0, words.foot.reply.clone());
    }
    foot
}

/// What was written later, the newest `most` of it, oldest first: by the customer, or by others if the case is a theme's.
pub(super) fn later(
    words: &Catalogue,
    input: &CaseInput<'_>,
    most: usize,
    masker: &mut Option<Masker<'_>>,
) -> Vec<Post> {
    // Whether something is over is seen by what was heard after the answer.
    let answered = date(input).filter(|_| asks(input.letter));
    let others = |one: &&Later<'_>| answered.is_none_or(|answered| one.mention.fetched > answered);
    let shown: Vec<&Later<'_>> = match About::of(input.case) {
        About::Mention => input.later.iter().collect(),
        About::Theme => input.later.iter().filter(others).collect(),
    };
    let newest = shown.iter().skip(shown.len().saturating_sub(most));
    newest
        .map(|one| match About::of(input.case) {
            About::Mention => post(words, &input.reader, one, masker),
            About::Theme => quote(words, &input.reader, one.mention, input.copy),
        })
        .collect()
}

/// A later post of the customer, short.
fn post(words: &Catalogue, reader: &Reader<'_>, later: &Later<'_>, masker: &mut Option<Masker<'_>>) -> Post {
    let mention = readable(words, later.mention);
    let Mention { entry, source, fetched, .. } = mention.as_ref();
    let text = if repeats(&entry.title, &entry.text) {
        entry.text.clone()
    } else {
        format!("{}: {}", entry.title, entry.text)
    };
    let text = match masker {
        Some(masker) => masker.mask_str(&text),
        None => text,
    };
    let mut byline = vec![name(source), words.date(entry.published.unwrap_or(*fetched), reader.zone)];
    if later.complains {
        byline.push(words.letters.complains.clone());
    }
    let link = entry.url.as_deref().filter(|_| masker.is_none()).and_then(shown);
    Post {
        text: shorten(&clean_line(&text), 300),
        byline: byline.join(" · "),
        open_on: open_on(words, link.as_ref()),
        link,
    }
}
