//! The words of the glossary as plain values: no rules, no I/O. Every other module speaks in these.

pub mod case;
pub mod entry;
pub mod feedback;
pub mod mail;
pub mod mention;
pub mod secret;
pub mod settings;
pub mod source;
pub mod summary;

pub use case::{
    Case, CaseClock, CaseMail, CaseStatus, CaseStep, Happening, Letter, Mark, Owner, OwnerReason, Privacy, Reminded,
    Rung,
};
pub use entry::{Author, Entry, Identity};
pub use feedback::{Category, Classification, Cue, Language, Scored, Sentiment, SentimentLabel, Severity};
pub use mail::{
    Delivery, DeliveryKind, Email, MailFault, News, Picture, SendOutcome, Trouble, TroubleKind, message_id,
};
pub use mention::{Decision, Deliver, Matched, Mention, Part, WatchlistMatch};
pub use secret::Secret;
pub use settings::{FetchSettings, HistorySettings, MailSettings, Mailbox, SmtpTls, StorySettings, TransportSettings};
pub use source::{Cursor, ErrorClass, Health, Location, PollFault, Source, SourceKind, SourceStatus};
pub use summary::{
    Blind, Comparison, Coverage, Day, Figures, Item, Listed, OpenCase, Promise, Report, Response, Summary, SummaryKind,
    ThemeLine,
};
