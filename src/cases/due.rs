//! Who is reminded of a case next, and when: the owner when a clock has run out, the lead when it has run out once
//! more, then management; each once a round, in the office hours of whoever reads it.

use jiff::{SignedDuration, Timestamp};

use super::owners::{Barred, address, home, is_absent};
use crate::model::{Case, CaseClock, CaseMail, CaseStatus, Letter, Reminded, Rung};
use crate::routing::{Department, Role, Routing};
use crate::schedule::office::Allowance;

/// Two reminders of one case by different clocks that both run are so much office time apart, or as much as the later
/// clock allows if that is less: after the clock of the machine jumped or the daemon was down for days, everything is
/// overdue at once, and that is no reason for a storm. A clock that was stopped (the case was taken) holds no other up.
const APART: Allowance = Allowance::time(SignedDuration::from_hours(4));

/// A reminder that will be due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminder {
    pub clock: CaseClock,
    pub rung: Rung,
    /// When it goes out: in the office hours of its reader.
    pub at: Timestamp,
    /// When the clock of the case ran out; for the question, when the answer was given.
    pub since: Timestamp,
    /// Mail address.
    pub to: String,
    /// Department of the reader.
    pub department: String,
}

impl Reminder {
    /// The mail that it becomes.
    pub fn mail(&self, case: &Case) -> CaseMail {
        let Self { clock, rung, since, .. } = *self;
        let letter = match (clock, rung) {
            (CaseClock::Confirm, Rung::Owner) => Letter::Question { answered: since },
            (_, Rung::Owner) => Letter::Reminder { clock, since },
            _ => Letter::Escalation { clock, since, rung },
        };
        CaseMail {
            to: self.to.clone(),
            department: self.department.clone(),
            letter,
            copy: false,
            once: format!("case {} round {} {} {}", case.id, case.round, clock.as_str(), rung.as_str()),
        }
    }
}

/// What a look at a case finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// This reminder is due now.
    Due(Reminder),
    /// Nothing before that.
    Later(Timestamp),
    /// Nothing as things are.
    Never,
}

/// Whether a reminder is due. One that became due while nobody looked (the daemon was down, the clock jumped) waits
/// until its reader's office opens again.
pub fn look(case: &Case, routing: &Routing, now: Timestamp) -> Look {
    let Some(next) = next_reminder(case, routing) else { return Look::Never };
    if next.at > now {
        return Look::Later(next.at);
    }
    match routing.department(&next.department).and_then(|reader| reader.office.opens(now)) {
        Some(opens) if opens <= now => Look::Due(next),
        Some(opens) => Look::Later(opens),
        None => Look::Never,
    }
}

/// Since when the first clock of a case has run out that nobody has stopped, if one has by `now`. The question whether
/// the customer is satisfied is not among them: it is asked, not promised.
pub fn overdue_since(case: &Case, routing: &Routing, now: Timestamp) -> Option<Timestamp> {
    let department = home(routing, &case.owner)?;
    let clocks = match case.status {
        CaseStatus::Open => [department.acknowledge_within, department.resolve_within],
        CaseStatus::Acknowledged => [None, department.resolve_within],
        _ => return None,
    };
    let ran_out =
        clocks.into_iter().flatten().filter_map(|allowed| department.office.add(case.since, allowed)).min()?;
    (ran_out <= now).then_some(ran_out)
}

/// The next reminder of a case, or `None` if no clock runs (any more). It stands as long as the case, the
/// configuration and the reminders sent stay as they are.
pub fn next_reminder(case: &Case, routing: &Routing) -> Option<Reminder> {
    let department = home(routing, &case.owner)?;
    running(case.status)
        .iter()
        .filter_map(|clock| of_clock(case, routing, department, *clock))
        .min_by_key(|r| (r.at, r.clock))
}

/// Until when somebody has to take a case, and to answer it; and from when on it is asked whether the customer is
/// satisfied. Only clocks that run.
pub fn deadlines(case: &Case, routing: &Routing) -> Vec<(CaseClock, Timestamp)> {
    let Some(department) = home(routing, &case.owner) else { return Vec::new() };
    let office = &department.office;
    let ends = |clock: &CaseClock| {
        let (start, allowance) = match clock {
            CaseClock::Acknowledge => (case.since, department.acknowledge_within?),
            CaseClock::Resolve => (case.since, department.resolve_within?),
            CaseClock::Confirm => (answered(case)?, department.confirm_after),
        };
        Some((*clock, office.add(start, allowance)?))
    };
    running(case.status).iter().filter_map(ends).collect()
}

/// The clocks that run in a status.
fn running(status: CaseStatus) -> &'static [CaseClock] {
    match status {
        CaseStatus::Open => &[CaseClock::Acknowledge, CaseClock::Resolve],
        CaseStatus::Acknowledged => &[CaseClock::Resolve],
        CaseStatus::Answered | CaseStatus::Resolved => &[CaseClock::Confirm],
        CaseStatus::Closed | CaseStatus::Dismissed => &[],
    }
}

/// When the customer got what there was to get, last.
fn answered(case: &Case) -> Option<Timestamp> {
    [&case.answered, &case.resolved].into_iter().flatten().map(|mark| mark.at).max()
}

fn of_clock(case: &Case, routing: &Routing, department: &Department, clock: CaseClock) -> Option<Reminder> {
    let (start, allowance) = match clock {
        CaseClock::Acknowledge => (case.since, department.acknowledge_within?),
        CaseClock::Resolve => (case.since, department.resolve_within?),
        CaseClock::Confirm => (answered(case)?, department.confirm_after),
    };
    let office = &department.office;
    let ran_out = office.add(start, allowance)?;
    let since = if clock == CaseClock::Confirm { start } else { ran_out };
    let of_this = case.reminded.iter().filter(|r| r.clock == clock);
    let last = of_this.clone().max_by_key(|r| (r.at, r.rung));
    let mut due = match last {
        Some(last) => office.add(last.at, allowance)?,
        None => ran_out,
    };
    let beside = |r: &&Reminded| r.clock != clock && running(case.status).contains(&r.clock);
    if let Some(other) = case.reminded.iter().filter(beside).map(|r| r.at).max() {
        due = due.max(office.add(other, APART)?.min(office.add(other, allowance)?));
    }
    let done = last.map(|last| last.rung);
    let told: Vec<&str> = Rung::ALL
        .iter()
        .filter(|r| done.is_some_and(|d| **r <= d))
        .filter_map(|r| Some(receiver(case, routing, department, *r)?.0))
        .collect();
    for rung in Rung::ALL.into_iter().filter(|rung| done.is_none_or(|done| *rung > done)) {
        let Some((to, reader)) = receiver(case, routing, department, rung) else { continue };
        // Whoever is two of the three is told once.
        if told.iter().any(|t| t.eq_ignore_ascii_case(to)) {
            continue;
        }
        let at = reader.office.opens(due)?;
        if rung == Rung::Owner
            && is_absent(routing, to, at)
            && receiver(case, routing, department, Rung::Lead)
                .or_else(|| receiver(case, routing, department, Rung::Management))
                .is_some()
        {
            continue;
        }
        return Some(Reminder { clock, rung, at, since, to: to.to_owned(), department: reader.key.clone() });
    }
    None
}

/// Mail address and department of whoever stands on a rung; `None` if nobody does, or the case is kept from them.
fn receiver<'a>(
    case: &'a Case,
    routing: &'a Routing,
    department: &'a Department,
    rung: Rung,
) -> Option<(&'a str, &'a Department)> {
    let barred = Barred { failed: &case.failed, kept_from: &case.kept_from };
    match rung {
        Rung::Owner => Some((case.owner.person.as_deref().unwrap_or(&department.email), department)),
        Rung::Lead => {
            let lead = department.lead.as_deref().filter(|lead| !barred.person(routing, lead))?;
            Some((lead, department))
        }
        Rung::Management => {
            let management = routing.with_role(Role::Management).or_else(|| routing.with_role(Role::Community))?;
            (!barred.department(management)).then_some((management.email.as_str(), management))
        }
    }
    .filter(|(to, _)| rung == Rung::Owner || address(routing, &case.owner).is_none_or(|o| !o.eq_ignore_ascii_case(to)))
}
