//! One digest: which mentions and cases belong into it, and into which of its sections.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::figures::{Copies, Daily, Tally};
use super::themes::Themes;
use super::{Belongs, EndedCase, Heard, Since, Unfinished, Wanted, open_case};
use crate::model::{
    CaseStatus, Category, Coverage, Deliver, DismissedCase, Ended, Item, Listed, Mention, OpenCase, Privacy, Severity,
    Summary, SummaryKind,
};
use crate::routing::{Department, Role, Routing};

/// Listed a section: more is not read. The rest is counted.
const MAX_CASES: usize = 8;
const MAX_NEW: usize = 10;
const MAX_PRAISE: usize = 5;
const MAX_QUESTIONS: usize = 6;
const MAX_THEMES: usize = 5;
const MAX_DISMISSED: usize = 5;
/// Days in the chart of a digest, and of a mail that looks at the whole.
const CHART_DAYS: i64 = 14;
const LONG_CHART_DAYS: i64 = 28;

/// What a digest is about: mentions by their numbers, so that none is in two or in none, however late it was recorded;
/// times for what is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    pub to: Timestamp,
    /// The last mention of the one before …
    pub after: i64,
    /// … and of this one.
    pub upto: i64,
}

impl Span {
    /// Where the period before begins, which is as long.
    pub fn before(&self) -> Timestamp {
        self.from.checked_sub(self.to.duration_since(self.from)).unwrap_or(self.from)
    }
}

/// Gathers one digest.
#[derive(Debug)]
pub struct Digest<'a> {
    routing: &'a Routing,
    wanted: Wanted<'a>,
    span: Span,
    /// Everything, not only what the department is responsible for.
    everything: bool,
    chart: Timestamp,
    now: Tally,
    before: Tally,
    daily: Daily,
    copies: Copies,
    themes: Themes,
    new: Vec<Pick>,
    praise: Vec<Pick>,
    questions: Vec<Pick>,
    /// What is not listed, with its case.
    rest: Vec<(Category, Option<i64>)>,
    hidden: u64,
}

/// A mention that may be listed, with what it is ranked by.
#[derive(Debug)]
struct Pick {
    mention: i64,
    story: i64,
    case: Option<i64>,
    named: Vec<String>,
    severity: Severity,
    /// −1 … 1.
    score: f32,
    followers: u64,
}

impl<'a> Digest<'a> {
    /// An empty one.
    pub fn new(routing: &'a Routing, wanted: Wanted<'a>, span: Span) -> Self {
        let days = if wanted.kind == SummaryKind::Digest { CHART_DAYS } else { LONG_CHART_DAYS };
        let back = SignedDuration::from_hours(24 * (days - 1));
        let chart = span.to.checked_sub(back).unwrap_or(span.to);
        Self {
            routing,
            wanted,
            span,
            everything: wanted.department.role.is_some(),
            chart,
            now: Tally::default(),
            before: Tally::default(),
            daily: Daily::new(&wanted.department.office.zone, chart, span.to),
            copies: Copies::default(),
            themes: Themes::default(),
            new: Vec::new(),
            praise: Vec::new(),
            questions: Vec::new(),
            rest: Vec::new(),
            hidden: 0,
        }
    }

    /// Since when mentions are to be handed over.
    pub fn reads_from(&self) -> Timestamp {
        // The chart's first day is shown whole.
        let day = self.chart.checked_sub(SignedDuration::from_hours(24)).unwrap_or(self.chart);
        self.span.before().min(day)
    }

    /// Takes one mention: heard since [`Digest::reads_from`], or with a number above `after`; none above `upto`. `themes`
    /// names those that it belongs to.
    pub fn add(&mut self, heard: Heard<'_>, themes: &[Belongs<'_>]) {
        let decision = &heard.mention.decision;
        let key = &self.wanted.department.key;
        if !self.everything && decision.department != *key && !decision.copy.contains(key) {
            return;
        }
        self.daily.add(heard);
        if heard.mention.id <= self.span.after {
            let fetched = heard.mention.fetched;
            if self.span.before() <= fetched && fetched < self.span.from {
                self.before.add(heard);
                self.themes.add_before(themes, heard);
            }
            return;
        }
        self.now.add(heard);
        if !heard.original {
            self.copies.add(heard.story);
            return;
        }
        let visible = is_visible(self.wanted.department, heard.mention);
        self.themes.add(themes, heard, visible);
        if visible { self.list(heard) } else { self.hidden += 1 }
    }

    fn list(&mut self, heard: Heard<'_>) {
        let Mention { entry, classification: found, .. } = heard.mention;
        let pick = |named| Pick {
            mention: heard.mention.id,
            story: heard.story,
            case: heard.case,
            named,
            severity: found.severity,
            score: found.sentiment.score,
            followers: entry.author.as_ref().and_then(|a| a.followers).unwrap_or(0),
        };
        let grave = self.wanted.kind != SummaryKind::Digest && found.severity >= Severity::High;
        match found.category {
            Category::Praise => self.praise.push(pick(self.routing.employees_named(&entry.title, &entry.text))),
            Category::Spam | Category::Abuse if !self.waits_here(heard.mention) => {
                self.rest.push((found.category, heard.case));
            }
            Category::Question if heard.case.is_none() => self.questions.push(pick(Vec::new())),
            _ if grave || self.waits_here(heard.mention) => self.new.push(pick(Vec::new())),
            category => self.rest.push((category, heard.case)),
        }
    }

    /// Whether a mention was not mailed because this mail will tell of it.
    fn waits_here(&self, mention: &Mention) -> bool {
        let decision = &mention.decision;
        let here = (self.wanted.department.key.as_str(), self.wanted.kind == SummaryKind::Meeting);
        let of = |key: &String| self.routing.department(key).and_then(|d| collected_in(d, decision.deliver));
        if decision.copy.iter().filter_map(of).any(|place| place == here) {
            return true;
        }
        let community = || collected_in(self.routing.with_role(Role::Community)?, decision.deliver);
        of(&decision.department).or_else(community) == Some(here)
    }

    /// The whole. `cases` are all that are not ended, `since` is what happened since the mail before; the record reaches
    /// back to `began`.
    pub fn finish(
        self,
        cases: &[Unfinished],
        since: Since,
        coverage: Coverage,
        began: Timestamp,
        now: Timestamp,
    ) -> Summary {
        let Wanted { department, kind, .. } = self.wanted;
        let mut hidden = self.hidden;
        let (mut needs, mut overdue): (Vec<OpenCase>, Vec<OpenCase>) = (Vec::new(), Vec::new());
        // Management is told how many there are; the grave ones are named.
        let mut unnamed = 0;
        for unfinished in cases {
            let case = &unfinished.case;
            if (!self.everything && case.owner.department != department.key) || case.status.is_ended() {
                continue;
            }
            if !may_see(department, case.privacy, &case.owner.department, &case.kept_from) {
                hidden += u64::from(case.mention <= self.span.after);
                continue;
            }
            let open = open_case(unfinished, self.routing, now);
            let waits = matches!(case.status, CaseStatus::Open | CaseStatus::Acknowledged);
            if open.overdue.is_some() {
                overdue.push(open);
            } else if waits && (kind != SummaryKind::Management || case.severity >= Severity::High) {
                needs.push(open);
            } else if waits {
                unnamed += 1;
            }
        }
        needs.sort_by_key(|c| (Reverse(c.severity), c.opened, c.case));
        overdue.sort_by_key(|c| (Reverse(c.severity), c.overdue, c.case));
        let (ended, hidden_too) = self.ended(&since);
        hidden += hidden_too;
        let own = |change: &super::ThemeChange| self.everything || change.departments.contains(&department.key);
        // What stands there as a case is not said again.
        let told: HashSet<i64> = needs.iter().chain(&overdue).map(|c| c.case).collect();
        let untold = |case: Option<i64>| case.is_none_or(|case| !told.contains(&case));

        let mut needs = Listed::first(needs, MAX_CASES);
        needs.more += unnamed;
        let Self { mut new, mut praise, mut questions, copies, .. } = self;
        new.retain(|pick| untold(pick.case));
        let mut rest: BTreeMap<Category, u64> = BTreeMap::new();
        for (category, _) in self.rest.into_iter().filter(|(_, case)| untold(*case)) {
            *rest.entry(category).or_default() += 1;
        }
        new.sort_by(|a, b| {
            let rank = |p: &Pick| (Reverse(p.severity), Reverse(copies.of(p.story)));
            rank(a).cmp(&rank(b)).then(a.score.total_cmp(&b.score)).then(a.mention.cmp(&b.mention))
        });
        // A name in it is worth telling the person; then the warmest words, then those that most people saw.
        praise.sort_by(|a, b| {
            (a.named.is_empty().cmp(&b.named.is_empty()))
                .then(b.score.total_cmp(&a.score))
                .then(b.followers.cmp(&a.followers))
                .then(a.mention.cmp(&b.mention))
        });
        questions.sort_by_key(|p| p.mention);
        let items = |picks: Vec<Pick>, cap| {
            let item = |p: Pick| Item { mention: p.mention, copies: copies.of(p.story), case: p.case, named: p.named };
            Listed::first(picks.into_iter().map(item).collect(), cap)
        };
        Summary {
            kind,
            department: department.key.clone(),
            from: self.span.from,
            to: self.span.to,
            meets: self.wanted.meets(self.span.to),
            late: Wanted::is_late(self.span.to, now),
            everything: self.everything,
            needs,
            overdue: Listed::first(overdue, MAX_CASES),
            unusual: Listed::default(),
            themes: self.themes.listed_with(since.themes, own, MAX_THEMES),
            ended,
            new: items(new, MAX_NEW),
            praise: items(praise, MAX_PRAISE),
            questions: items(questions, MAX_QUESTIONS),
            rest,
            // In a team of two, the number alone would tell whom it is about.
            hidden: if self.everything { hidden } else { 0 },
            figures: self.now.figures(),
            before: (began <= self.span.before()).then(|| self.before.figures()),
            days: self.daily.days(),
            coverage,
        }
    }

    /// The cases that have ended, and how many of them are not for everybody's eyes. The case about a theme is told with
    /// the theme, where that has ended too.
    fn ended(&self, since: &Since) -> (Ended, u64) {
        let department = self.wanted.department;
        let over: HashSet<i64> = since.themes.iter().filter(|t| t.news.is_end()).map(|t| t.number).collect();
        let (mut ended, mut dismissed, mut hidden) = (Ended::default(), Vec::new(), 0);
        for EndedCase { case, theme, by, departments } in &since.ended {
            if !self.everything && !departments.contains(&department.key)
                || case.theme.is_some_and(|theme| over.contains(&theme))
            {
                continue;
            }
            if !may_see(department, case.privacy, &case.owner.department, &case.kept_from) {
                hidden += u64::from(case.mention <= self.span.after);
                continue;
            }
            match (case.status, &case.ended) {
                (CaseStatus::Closed, _) => ended.closed += 1,
                (CaseStatus::Dismissed, Some(mark)) => dismissed.push((
                    Reverse(case.severity),
                    DismissedCase {
                        case: case.id,
                        mention: case.mention,
                        theme: theme.clone(),
                        at: mark.at,
                        by: by.clone(),
                        reason: None,
                    },
                )),
                _ => {}
            }
        }
        // The gravest first: whoever reads it looks whether that was right.
        dismissed.sort_by_key(|(severity, case)| (*severity, case.at, case.case));
        ended.dismissed = Listed::first(dismissed.into_iter().map(|(_, case)| case).collect(), MAX_DISMISSED);
        (ended, hidden)
    }
}

/// Where a department's mentions that are not mailed at once are told: its key, and whether in the report for its
/// meeting. Without a meeting its digest does.
fn collected_in(department: &Department, deliver: Deliver) -> Option<(&str, bool)> {
    let key = department.key.as_str();
    match deliver {
        Deliver::Meeting if department.meeting.is_some() => Some((key, true)),
        Deliver::Meeting | Deliver::Digest if department.digest.is_some() => Some((key, false)),
        _ => None,
    }
}

/// Whether a department may read it: nobody reads complaints about employees in collected mail, and only its moderators
/// read of trouble between members.
fn is_visible(department: &Department, mention: &Mention) -> bool {
    let decision = &mention.decision;
    may_see(department, decision.privacy, &decision.department, &decision.kept_from)
}

fn may_see(department: &Department, privacy: Privacy, owner: &str, kept_from: &[String]) -> bool {
    let open = match privacy {
        Privacy::Usual => true,
        Privacy::Member => owner == department.key,
        Privacy::Staff => false,
    };
    open && !kept_from.iter().any(|email| department.reads(email))
}
