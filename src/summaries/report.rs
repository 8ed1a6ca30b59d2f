//! A report for a meeting of any period: figures, before and after, how promises were kept, what weighs most.

use std::cmp::Reverse;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::figures::{Copies, Daily, Tally};
use super::themes::Themes;
use super::{Belongs, Heard};
use crate::model::{
    Case, Category, Comparison, Coverage, Item, Listed, Mention, Privacy, Promise, Report, Response, Severity,
};
use crate::routing::{Department, Routing};
use crate::schedule::office::Allowance;

/// Listed a section; the rest is counted.
const MAX_GRAVE: usize = 12;
const MAX_PRAISE: usize = 8;
const MAX_THEMES: usize = 12;

/// What a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportSpan {
    pub from: Timestamp,
    pub to: Timestamp,
    /// What happened then is looked at: before and after it.
    pub compare: Option<Timestamp>,
    /// Only this watchlist.
    pub watchlist: Option<String>,
}

/// The theme that a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// One that the configuration names with a query.
    Named(String),
    /// One that was found.
    Found { number: i64, name: String },
}

impl About {
    fn is(&self, theme: &Belongs<'_>) -> bool {
        match (self, theme) {
            (About::Named(own), Belongs::Named { name, .. } | Belongs::Formerly(name)) => own == name,
            (About::Found { number: own, .. }, Belongs::Named { number, .. }) => Some(*own) == *number,
            (About::Found { number: own, .. }, Belongs::Found { number, .. }) => own == number,
            (About::Named(_), Belongs::Found { .. }) | (About::Found { .. }, Belongs::Formerly(_)) => false,
        }
    }

    fn number(&self) -> Option<i64> {
        match self {
            About::Named(_) => None,
            About::Found { number, .. } => Some(*number),
        }
    }

    fn name(self) -> String {
        match self {
            About::Named(name) | About::Found { name, .. } => name,
        }
    }
}

/// A case with when it was first taken and first answered or settled, whoever did it.
#[derive(Clone, Debug)]
pub struct Worked {
    pub case: Case,
    pub acknowledged: Option<Timestamp>,
    pub answered: Option<Timestamp>,
}

/// Gathers a report.
#[derive(Debug)]
pub struct Reporting<'a> {
    routing: &'a Routing,
    span: ReportSpan,
    theme: Option<About>,
    now: Tally,
    before: Tally,
    comparison: Option<(Timestamp, Tally, Tally)>,
    daily: Daily,
    copies: Copies,
    themes: Themes,
    grave: Vec<Pick>,
    praise: Vec<Pick>,
    hidden: u64,
}

#[derive(Debug)]
struct Pick {
    item: Item,
    story: i64,
    severity: Severity,
    score: f32,
    followers: u64,
}

impl<'a> Reporting<'a> {
    /// An empty one, about one theme only if `theme` names it.
    pub fn new(routing: &'a Routing, zone: &TimeZone, span: ReportSpan, theme: Option<About>) -> Self {
        Self {
            routing,
            theme,
            now: Tally::default(),
            before: Tally::default(),
            comparison: span.compare.map(|at| (at, Tally::default(), Tally::default())),
            daily: Daily::new(zone, span.from, span.to),
            copies: Copies::default(),
            themes: Themes::default(),
            grave: Vec::new(),
            praise: Vec::new(),
            hidden: 0,
            span,
        }
    }

    /// Since when mentions are to be handed over: the period before is as long.
    pub fn reads_from(&self) -> Timestamp {
        self.span.from.checked_sub(self.span.to.duration_since(self.span.from)).unwrap_or(self.span.from)
    }

    /// Takes one mention that was heard between [`Reporting::reads_from`] and the end of the period; `themes` names
    /// those that it belongs to. Whether it is among those that the report is about.
    pub fn add(&mut self, heard: Heard<'_>, themes: &[Belongs<'_>]) -> bool {
        let mention = heard.mention;
        let watched = |name: &String| mention.watchlists.iter().any(|w| w.name == *name);
        let about = self.theme.as_ref().is_none_or(|theme| themes.iter().any(|t| theme.is(t)));
        if !about || !self.span.watchlist.as_ref().is_none_or(watched) || mention.fetched >= self.span.to {
            return false;
        }
        if mention.fetched < self.span.from {
            if mention.fetched >= self.reads_from() {
                self.before.add(heard);
                self.themes.add_before(themes, heard);
            }
            return false;
        }
        self.now.add(heard);
        self.daily.add(heard);
        if let Some((at, before, after)) = &mut self.comparison {
            if mention.fetched < *at { before.add(heard) } else { after.add(heard) }
        }
        let visible = mention.decision.privacy == Privacy::Usual;
        self.themes.add(themes, heard, visible);
        if !heard.original {
            self.copies.add(heard.story);
        } else if visible {
            self.pick(heard);
        } else {
            self.hidden += 1;
        }
        true
    }

    fn pick(&mut self, heard: Heard<'_>) {
        let Mention { id, entry, classification: found, .. } = heard.mention;
        let pick = |named| Pick {
            item: Item { mention: *id, copies: 0, case: heard.case, named },
            story: heard.story,
            severity: found.severity,
            score: found.sentiment.score,
            followers: entry.author.as_ref().and_then(|a| a.followers).unwrap_or(0),
        };
        if found.category == Category::Praise {
            self.praise.push(pick(self.routing.employees_named(&entry.title, &entry.text)));
        } else if found.category.is_grievance() {
            self.grave.push(pick(Vec::new()));
        }
    }

    /// The whole. `cases` are those that were opened in the period; `now` ends clocks that still run;
    /// the record reaches back to `began`.
    pub fn finish(self, cases: &[Worked], coverage: Coverage, began: Timestamp, now: Timestamp) -> Report {
        let compares = began <= self.reads_from();
        let copies = self.copies;
        let listed = |mut picks: Vec<Pick>, cap, rank: fn(&Pick, &Pick) -> std::cmp::Ordering| {
            for pick in &mut picks {
                pick.item.copies = copies.of(pick.story);
            }
            picks.sort_by(|a, b| rank(a, b).then(a.item.mention.cmp(&b.item.mention)));
            Listed::first(picks.into_iter().map(|p| p.item).collect(), cap)
        };
        let grave = listed(self.grave, MAX_GRAVE, |a, b| {
            let weight = |p: &Pick| (Reverse(p.severity), Reverse(p.item.copies), Reverse(p.followers));
            weight(a).cmp(&weight(b)).then(a.score.total_cmp(&b.score))
        });
        let praise =
            listed(self.praise, MAX_PRAISE, |a, b| b.score.total_cmp(&a.score).then(b.followers.cmp(&a.followers)));
        Report {
            from: self.span.from,
            to: self.span.to,
            watchlist: self.span.watchlist,
            theme_number: self.theme.as_ref().and_then(About::number),
            theme: self.theme.map(About::name),
            figures: self.now.figures(),
            before: compares.then(|| self.before.figures()),
            comparison: self.comparison.map(|(at, before, after)| Comparison {
                at,
                before: before.figures(),
                after: after.figures(),
            }),
            days: self.daily.days(),
            responses: responses(self.routing, cases, now),
            themes: self.themes.listed(MAX_THEMES),
            grave,
            praise,
            hidden: self.hidden,
            coverage,
        }
    }
}

/// How each department kept its promises with these cases; those without cases are left out.
fn responses(routing: &Routing, cases: &[Worked], now: Timestamp) -> Vec<Response> {
    let of = |department: &Department| {
        let own: Vec<&Worked> = cases.iter().filter(|w| w.case.owner.department == department.key).collect();
        (!own.is_empty()).then(|| Response {
            department: department.key.clone(),
            cases: u64::try_from(own.len()).unwrap_or(u64::MAX),
            acknowledged: promise(department, department.acknowledge_within, now, &own, |w| {
                [w.acknowledged, w.answered].into_iter().flatten().min()
            }),
            answered: promise(department, department.resolve_within, now, &own, |w| w.answered),
        })
    };
    routing.departments.iter().filter_map(of).collect()
}

fn promise(
    department: &Department,
    allowed: Option<Allowance>,
    now: Timestamp,
    cases: &[&Worked],
    done: fn(&Worked) -> Option<Timestamp>,
) -> Promise {
    let office = &department.office;
    let mut promise = Promise { promised: allowed.is_some(), ..Promise::default() };
    let mut minutes = Vec::new();
    for worked in cases {
        let case = &worked.case;
        let at = done(worked);
        if let Some(at) = at {
            minutes.push(office.worked(case.opened, at).as_mins());
        }
        // What was dismissed, or closed without this step, was no promise.
        if at.is_none() && case.status.is_ended() {
            continue;
        }
        let until = allowed.and_then(|allowed| office.add(case.opened, allowed));
        match (until, at) {
            (Some(until), Some(at)) if at <= until => promise.kept += 1,
            (Some(until), None) if now <= until => promise.running += 1,
            (Some(_), _) => promise.broken += 1,
            (None, None) => promise.running += 1,
            (None, Some(_)) => {}
        }
    }
    minutes.sort_unstable();
    promise.median_minutes = minutes.get(minutes.len().saturating_sub(1) / 2).copied();
    promise
}
