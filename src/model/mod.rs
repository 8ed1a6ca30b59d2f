//! The words of the glossary as plain values: no rules, no I/O. Every other module speaks in these.

pub mod case;
pub mod entry;
pub mod feedback;
pub mod mail;
pub mod mailbox;
pub mod mention;
pub mod perk;
pub mod person;
pub mod secret;
pub mod settings;
pub mod source;
pub mod summary;
pub mod table;
pub mod theme;
pub mod token;
pub mod warning;

pub use case::{
    CAME_BACK, Case, CaseClock, CaseMail, CaseStatus, CaseStep, Deed, ERASED, Happening, Letter, Mark, NOT_AFTER_ALL,
    Owner, OwnerReason, Privacy, Reminded, Rung, THEME_CAME_BACK,
};
pub use entry::{Author, EARLIEST, Engagement, Entry, Identity};
pub use feedback::{
    Category, Classification, Cue, Language, Scored, Sentiment, SentimentLabel, Severity, WHOLE_WORDING,
};
pub use mail::{
    Delivery, DeliveryKind, Email, MailFault, News, Picture, ReplyFault, SendOutcome, Trouble, TroubleKind, message_id,
};
pub use mailbox::{MailboxLogin, MailboxSettings, MailboxUse, RawMail};
pub use mention::{Decision, Deliver, Erased, Matched, Mention, Part, WatchlistMatch};
pub use perk::{GivenPerk, PERK_CODE, PerkDoubt, PerkOffer, Thanks};
pub use person::{Person, Who};
pub use secret::Secret;
pub use settings::{
    FetchSettings, HistorySettings, MailSettings, Mailbox, ReplySettings, SmtpTls, StorySettings, TransportSettings,
};
pub use source::{
    Cursor, ErrorClass, Health, JetstreamSettings, Location, PollFault, Proof, Settings, Source, SourceKind,
    SourceStatus, WebhookSettings,
};
pub use summary::{
    Blind, Comparison, Coverage, Day, DismissedCase, Ended, Figures, Item, Listed, OpenCase, Promise, Report, Response,
    Summary, SummaryKind, ThemeLine, ThemeNews, UnusualLine,
};
pub use table::Table;
pub use theme::{ActingSettings, Theme, ThemeHappening, ThemeStatus, ThemeStep, ThemeTitle};
pub use token::{Actor, Scope, Token};
pub use warning::{Cause, Sensitivity, Tally, Unusual, Warning, WarningHour, WarningSettings};
