//! What `daemon` hands over to have a mail worded.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{
    Case, CaseStatus, CaseStep, Category, Deed, Letter, Mention, News, Owner, PerkDoubt, ReplyFault, Thanks, Theme,
    ThemeTitle, Warning,
};

/// A watchlist: its key in the configuration and the name that people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watchlist<'a> {
    pub key: &'a str,
    pub name: &'a str,
}

/// The reader: language and zone of the mail.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// `en`, `es`, `pt`, `da`, with or without a region; anything else gets English.
    pub language: &'a str,
    /// Zone of the dates shown.
    pub zone: &'a TimeZone,
}

/// Another place where the same story stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlsoSeen {
    pub source: String,
    pub url: Option<String>,
    pub at: Timestamp,
}

/// Another mention about the same issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Similar {
    pub title: String,
    pub excerpt: String,
    pub url: Option<String>,
    pub at: Timestamp,
    pub source: String,
}

/// What an alert and a notice have in common: the mention and what belongs to its story.
#[derive(Clone, Copy, Debug)]
pub struct Story<'a> {
    pub mention: &'a Mention,
    /// What is new about it, if the story was told before.
    pub news: Option<News>,
    pub also_seen: &'a [AlsoSeen],
    /// The nearest first.
    pub similar: &'a [Similar],
    /// Number of the case, if one was opened.
    pub case: Option<i64>,
    /// Message-ID of the story's first mail to this recipient, without angle brackets; `None` if this is it.
    pub thread: Option<&'a str>,
    /// The connection broke after the final dot of an earlier try.
    pub possible_duplicate: bool,
}

/// A mail to a watchlist's subscriber: your brand was mentioned.
#[derive(Clone, Copy, Debug)]
pub struct AlertInput<'a> {
    pub story: Story<'a>,
    pub reader: Reader<'a>,
    pub watchlist: Watchlist<'a>,
    /// Name of the owner department, if the mention has one.
    pub department: Option<&'a str>,
    /// The reader sees everything; otherwise personal data is masked.
    pub full: bool,
}

/// What a department gives in thanks for praise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Perk<'a> {
    /// In its own words, the code in its place.
    Given(&'a str),
    /// No code is left.
    UsedUp,
    /// Nothing, until a person has read it.
    Withheld(PerkDoubt),
}

impl<'a> Perk<'a> {
    /// As a mail or page shows it.
    pub fn of(thanks: &'a Thanks) -> Self {
        match thanks {
            Thanks::Given(text) => Perk::Given(text),
            Thanks::UsedUp => Perk::UsedUp,
            Thanks::Withheld(doubt) => Perk::Withheld(*doubt),
        }
    }
}

/// What the operator's conditions say about giving money back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundAdvice<'a> {
    Recommended(&'a str),
    NotRecommended(&'a str),
    /// No condition fits.
    Unsaid,
}

impl<'a> RefundAdvice<'a> {
    /// Whether it is recommended and why, if a condition holds.
    pub fn of(rule: Option<(bool, &'a str)>) -> Self {
        match rule {
            Some((true, why)) => RefundAdvice::Recommended(why),
            Some((false, why)) => RefundAdvice::NotRecommended(why),
            None => RefundAdvice::Unsaid,
        }
    }
}

/// A mail to the owner department, or to one that gets a copy.
#[derive(Clone, Copy, Debug)]
pub struct NoticeInput<'a> {
    pub story: Story<'a>,
    pub reader: Reader<'a>,
    /// The watchlists that matched, the first one gives the brand; never empty in practice, harmless if it is.
    pub watchlists: &'a [Watchlist<'a>],
    /// Name of the owner department.
    pub department: &'a str,
    /// Who in the department takes it from here, if that is decided; named in the reply draft.
    pub member: Option<&'a str>,
    /// What the department gives in thanks for praise, for the reply draft.
    pub perk: Option<Perk<'a>>,
    /// Whether money should be given back, if that is asked for.
    pub refund: Option<RefundAdvice<'a>>,
    /// This copy goes to somebody who is praised in it.
    pub praised: bool,
    /// Names of the departments that get a copy.
    pub copies: &'a [&'a str],
    /// Who has the case, if that is one person.
    pub owner: Option<&'a str>,
    /// This mail goes to that person.
    pub personal: bool,
    /// Earlier cases of the same author within 90 days, newest first.
    pub earlier: &'a [Earlier],
    /// What the reader can do; a copy offers nothing.
    pub actions: &'a Actions,
    /// This mail is one of the copies: personal data is masked.
    pub copy: bool,
}

/// Something is unusual.
#[derive(Clone, Copy, Debug)]
pub struct WarningInput<'a> {
    pub reader: Reader<'a>,
    pub watchlist: Watchlist<'a>,
    /// Names of further watchlists that the same silent source feeds.
    pub others: &'a [&'a str],
    pub warning: &'a Warning,
    /// Those of its mentions that the reader may read of, newest first; personal data in them is masked.
    pub mentions: &'a [&'a Mention],
    /// Names of the themes that it names.
    pub themes: &'a HashMap<i64, String>,
    pub possible_duplicate: bool,
}

/// A reply that was not acted on.
#[derive(Clone, Copy, Debug)]
pub struct AnswerInput<'a> {
    pub reader: Reader<'a>,
    pub case: Option<i64>,
    pub fault: ReplyFault,
    /// Its first line.
    pub said: &'a str,
    /// Its Message-ID.
    pub thread: Option<&'a str>,
    pub possible_duplicate: bool,
}

/// Links by which the reader acts on a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    /// In the order in which they are offered; none if there are no pages, or nothing is to be done.
    pub links: Vec<(Deed, String)>,
    /// Until when they work.
    pub until: Option<Timestamp>,
    /// A reply to the mail acts too.
    pub reply: bool,
}

/// An earlier case of the same author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    pub case: i64,
    pub opened: Timestamp,
    pub category: Category,
    pub status: CaseStatus,
}

/// What the customer wrote later.
#[derive(Clone, Copy, Debug)]
pub struct Later<'a> {
    pub mention: &'a Mention,
    /// It is another complaint.
    pub complains: bool,
}

/// A mail about a case.
#[derive(Clone, Copy)]
pub struct CaseInput<'a> {
    pub story: Story<'a>,
    pub reader: Reader<'a>,
    /// The watchlists that matched; the first gives the list.
    pub watchlists: &'a [Watchlist<'a>],
    pub case: &'a Case,
    /// What the case is about, if it is a theme's; `later` is what others wrote then.
    pub theme: Option<&'a ThemeTitle>,
    pub letter: &'a Letter,
    /// Oldest first, as are later posts.
    pub steps: &'a [CaseStep],
    pub later: &'a [Later<'a>],
    /// An owner's name for people, and a mail address's.
    pub owner: &'a dyn Fn(&Owner) -> String,
    pub who: &'a dyn Fn(&str) -> String,
    /// What the reader can do; a copy offers nothing.
    pub actions: &'a Actions,
    /// Personal data is masked.
    pub copy: bool,
}

/// A mail with a link that signs in.
#[derive(Clone, Copy, Debug)]
pub struct SignInInput<'a> {
    pub reader: Reader<'a>,
    pub link: &'a str,
    /// Until when it works.
    pub until: Timestamp,
    pub possible_duplicate: bool,
}

/// One mention of a theme.
#[derive(Clone, Copy, Debug)]
pub struct DossierPost<'a> {
    pub mention: &'a Mention,
    /// People of the theme in order of appearance.
    pub person: u64,
}

/// What is known of a theme that must be acted on.
#[derive(Clone, Copy, Debug)]
pub struct DossierInput<'a> {
    pub reader: Reader<'a>,
    pub watchlist: Watchlist<'a>,
    pub theme: &'a Theme,
    /// Name of the owner department, and who in it has the case, if that is one person.
    pub department: &'a str,
    pub owner: Option<&'a str>,
    /// Distinct people, and mentions without copies.
    pub people: u64,
    pub mentions: u64,
    /// Oldest first.
    pub posts: &'a [DossierPost<'a>],
    /// Mentions a day up to today, oldest first; and a day in the time before.
    pub days: &'a [u64],
    pub usual: f64,
    /// Names of sources and codes of languages with their mentions, most first.
    pub sources: &'a [(String, u64)],
    pub languages: &'a [(String, u64)],
    /// Cases of its mentions, newest first, and ended ones of others like it; how many of all are open, and have ended.
    pub cases: &'a [Earlier],
    pub open_cases: u64,
    pub ended_cases: u64,
    /// It was closed, and is back.
    pub back: bool,
    /// The case about it is the reader's.
    pub personal: bool,
    /// What the reader can do with that case; a copy offers nothing.
    pub actions: &'a Actions,
    /// This mail is a copy.
    pub copy: bool,
    pub possible_duplicate: bool,
}

/// One alert of a bundle.
#[derive(Clone, Copy, Debug)]
pub struct BundleItem<'a> {
    pub mention: &'a Mention,
    pub watchlist: Watchlist<'a>,
}

/// Alerts that piled up for one recipient.
#[derive(Clone, Copy, Debug)]
pub struct BundleInput<'a> {
    pub reader: Reader<'a>,
    /// In any order.
    pub items: &'a [BundleItem<'a>],
    /// The reader sees everything; otherwise personal data is masked.
    pub full: bool,
    pub possible_duplicate: bool,
}

/// What is in trouble, or no longer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble<'a> {
    /// Polls fail in a row, whatever the cause.
    SourceFailing { source: &'a str, failures: u32 },
    /// The answer is a login page, a captcha, prose.
    NotAFeed { source: &'a str, failures: u32 },
    /// 410 twice, a day apart: no longer polled.
    SourceDisabled { source: &'a str },
    /// A permanent redirect seen three times: the new address is in use.
    SourceMoved { source: &'a str, to: &'a str },
    /// Credentials are wrong or missing.
    SourceLogin { source: &'a str },
    /// Blocked: challenge, 403, 404.
    SourceRefused { source: &'a str },
    /// The quota is used up.
    Quota { source: &'a str },
    /// Ids change at every poll: entries are recognised by link or content from now on.
    IdsUnreliable { source: &'a str },
    /// All entries changed at once and are held as known.
    Storm { source: &'a str, entries: u64 },
    /// More was published between two polls than the source shows.
    Gap { source: &'a str },
    /// Heard again after an outage that was told.
    SourceRecovered { source: &'a str },
    /// The mail server cannot be reached.
    RelayUnreachable { relay: &'a str, waiting: u64 },
    /// The mail server refuses our login.
    RelayLogin { relay: &'a str, waiting: u64 },
    /// The mail server offers no encryption where the configuration asks for it.
    RelayInsecure { relay: &'a str, waiting: u64 },
    /// No code is left to thank for praise with; `department` is its key.
    PerksUsedUp { department: &'a str },
    /// A mail is put off again and again.
    DeliveryDelayed { recipient: &'a str },
    /// A mail was given up for good.
    DeliveryFailed { recipient: &'a str },
    /// The mail server works again.
    RelayRecovered { relay: &'a str },
}

/// A mail to the operator.
#[derive(Clone, Copy, Debug)]
pub struct TroubleInput<'a> {
    pub reader: Reader<'a>,
    pub trouble: Trouble<'a>,
    /// When it began, or happened.
    pub since: Option<Timestamp>,
    /// The technical sentence of the fault (`PollFault::message`, `MailFault::message`): free of secrets, shown as is.
    pub detail: Option<&'a str>,
    /// Message-ID of the first mail about this trouble, without angle brackets.
    pub thread: Option<&'a str>,
    pub possible_duplicate: bool,
}
