//! What belongs into a digest, a report for a meeting, the management summary and a report. Pure: the record hands over
//! mentions one after the other, `now` is passed in, and what comes out are the model's values; `compose` words them.
//!
//! A mention belongs to the period in which it was heard, not in which it was written: so each belongs to exactly one,
//! and none is lost that a source showed late.

mod due;
mod figures;
mod gather;
mod report;
mod themes;

use jiff::Timestamp;

pub use due::{Due, Wanted, due, wanted};
pub use figures::{Daily, Tally};
pub use gather::{Digest, Span};
pub use report::{About, ReportSpan, Reporting, Worked};

use crate::model::{Case, Mention, OpenCase, ThemeNews, ThemeTitle};
use crate::routing::Routing;

/// A mention as the record hands it over.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    pub mention: &'a Mention,
    pub story: i64,
    /// It began its story; otherwise it is a copy.
    pub original: bool,
    pub case: Option<i64>,
    /// The theme that it is in, if that had to be acted on.
    pub theme: Option<Found<'a>>,
}

/// A theme that was found among mentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    pub number: i64,
    pub name: &'a str,
    /// Name of the query in the configuration that gathers it, if one does.
    pub named: Option<&'a str>,
    /// Names of queries whose themes became part of it.
    pub took_in: &'a [String],
}

/// What the record knows of themes and cases since the mail before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Since {
    /// The last that happened to each theme, in the order in which it did.
    pub themes: Vec<ThemeChange>,
    /// Cases that have ended, in the order in which they did.
    pub ended: Vec<EndedCase>,
}

/// A case that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedCase {
    pub case: Case,
    /// What it was about, if it was a theme's.
    pub theme: Option<ThemeTitle>,
    /// Who said so, as its history has it; `None` if nobody was named.
    pub by: Option<String>,
    /// Keys of the departments that have had it since the mail before.
    pub departments: Vec<String>,
}

/// A theme that opened, came back or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThemeChange {
    pub number: i64,
    pub name: String,
    /// Keys of the departments that have had its case since the mail before.
    pub departments: Vec<String>,
    pub news: ThemeNews,
}

/// A theme that a mention belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belongs<'a> {
    /// To one that the configuration names with a query, and the number that it has among those that were found, if it
    /// had to be acted on.
    Named {
        name: &'a str,
        number: Option<i64>,
    },
    Found {
        number: i64,
        name: &'a str,
    },
    /// To one that the configuration names, and that became part of the one that the mention was found in: it is no theme
    /// of its own any more.
    Formerly(&'a str),
}

impl<'a> Belongs<'a> {
    /// Those that queries name, and the one that it was found in.
    pub fn all(named: Vec<&'a str>, found: Option<Found<'a>>) -> Vec<Self> {
        let of = |name: &&'a str| match found {
            Some(found) if found.named == Some(name) => Belongs::Named { name, number: Some(found.number) },
            Some(found) if found.took_in.iter().any(|query| query == name) => Belongs::Formerly(name),
            _ => Belongs::Named { name, number: None },
        };
        let mut all: Vec<Self> = named.iter().map(of).collect();
        let new = found.filter(|found| found.named.is_none_or(|query| !named.contains(&query)));
        all.extend(new.map(|found| match found.named {
            // What took another query's theme in is still the one that its own query gathers.
            Some(name) if !found.took_in.is_empty() => Belongs::Named { name, number: Some(found.number) },
            _ => Belongs::Found { number: found.number, name: found.name },
        }));
        all
    }
}

/// A case that has not ended, as the record hands it over.
#[derive(Clone, Debug)]
pub struct Unfinished {
    pub case: Case,
    /// What it is about, if it is a theme's.
    pub theme: Option<ThemeTitle>,
}

/// A case as it is listed.
fn open_case(Unfinished { case, theme }: &Unfinished, routing: &Routing, now: Timestamp) -> OpenCase {
    OpenCase {
        case: case.id,
        mention: case.mention,
        status: case.status,
        severity: case.severity,
        owner: case.owner.clone(),
        opened: case.opened,
        theme: theme.clone(),
        overdue: crate::cases::overdue_since(case, routing, now),
    }
}
