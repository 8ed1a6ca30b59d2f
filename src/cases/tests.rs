//! The sentences of the specification as rules; the whole path is in `tests/world/cases.rs`.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::{CaseClock, Category, Happening, Letter, Owner, OwnerReason, Privacy, Rung, Severity};
use crate::routing::{Department, Member, Role, Turns};
use crate::schedule::office::{Allowance, DaysOff, Office, Shift, Week};

pub(super) const ANA: &str = "ana@example.com";
pub(super) const TOM: &str = "tom@example.com";
const LEAD: &str = "lead@example.com";
const BOARD: &str = "board@example.com";
const COMMUNITY: &str = "cm@example.com";

pub(super) fn at(text: &str) -> Timestamp {
    let zone = TimeZone::get("Europe/Madrid").unwrap();
    text.parse::<jiff::civil::DateTime>().unwrap().to_zoned(zone).unwrap().timestamp()
}

pub(super) fn weekdays() -> Office {
    let mut week = Week::closed();
    (0..5).for_each(|day| week.add(day, Shift { from: 540, to: 1080 }));
    Office { zone: TimeZone::get("Europe/Madrid").unwrap(), week, closed: Vec::new() }
}

pub(super) fn member(email: &str) -> Member {
    Member { name: email.split('@').next().unwrap().into(), email: email.into(), hours: None, away: Vec::new() }
}

/// Support with Ana, Tom and a lead; billing, which handles refunds; community and management.
pub(super) fn teams() -> Routing {
    let support = Department {
        members: vec![member(ANA), member(TOM)],
        lead: Some(LEAD.into()),
        handles: vec![Category::Complaint, Category::Unresolved],
        office: weekdays(),
        acknowledge_within: Some(Allowance::time(SignedDuration::from_hours(4))),
        resolve_within: Some(Allowance::days(3)),
        ..Department::new("support", "support@example.com")
    };
    let billing = Department {
        handles: vec![Category::Refund],
        office: weekdays(),
        ..Department::new("billing", "billing@example.com")
    };
    let community = Department { role: Some(Role::Community), ..Department::new("community", COMMUNITY) };
    let board = Department { role: Some(Role::Management), office: weekdays(), ..Department::new("board", BOARD) };
    Routing { departments: vec![support, billing, community, board], routes: Vec::new() }
}

pub(super) fn opening() -> Opening {
    Opening {
        department: "support".into(),
        person: None,
        category: Category::Complaint,
        also: Vec::new(),
        severity: Severity::Medium,
        privacy: Privacy::Usual,
        kept_from: Vec::new(),
    }
}

/// A case and the world around it.
struct Desk {
    routing: Routing,
    loads: Loads,
    now: Timestamp,
    case: Case,
    last: Vec<crate::model::CaseMail>,
    steps: Vec<Happening>,
}

impl Desk {
    fn open(routing: Routing, opening: &Opening, now: &str) -> Self {
        let (loads, now) = (Loads::new(), at(now));
        let outcome = open(Around { routing: &routing, loads: &loads, now }, opening);
        let mut case = outcome.case;
        (case.id, case.mention) = (7, 70);
        Self { routing, loads, now, case, last: Vec::new(), steps: outcome.steps }
    }

    fn around(&self) -> Around<'_> {
        Around { routing: &self.routing, loads: &self.loads, now: self.now }
    }

    fn act(&mut self, now: &str, action: Action, by: &str) -> Result<(), Refusal> {
        self.now = at(now);
        let by = (!by.is_empty()).then_some(by);
        let outcome = act(self.around(), &self.case, &action, by)?;
        self.keep(outcome);
        Ok(())
    }

    fn keep(&mut self, outcome: Outcome) {
        self.case = outcome.case;
        self.last = outcome.mails;
        self.steps.extend(outcome.steps);
    }

    fn told(&self) -> Vec<&str> {
        self.last.iter().map(|m| m.to.as_str()).collect()
    }

    /// Sends reminders until `until`, and returns when which went to whom.
    fn remind_until(&mut self, until: &str) -> Vec<(Timestamp, CaseClock, Rung, String)> {
        let mut sent = Vec::new();
        while let Some(next) = next_reminder(&self.case, &self.routing).filter(|r| r.at <= at(until)) {
            self.now = self.now.max(next.at);
            let outcome = remind(self.around(), &self.case, &next);
            self.keep(outcome);
            sent.push((self.now, next.clock, next.rung, next.to));
        }
        sent
    }
}

fn owner(email: &str) -> Owner {
    Owner::person("support", email)
}

#[test]
fn open_acknowledged_answered_resolved_closed_when_the_customer_is_satisfied() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 17:50");
    assert_eq!((desk.case.status, &desk.case.owner), (CaseStatus::Open, &owner(ANA)));
    desk.act("2026-03-09 09:10", Action::Acknowledge, ANA).unwrap();
    assert_eq!(desk.act("2026-03-09 09:11", Action::Close, ANA), Err(Refusal::NotSatisfied(7)));
    desk.act("2026-03-09 09:30", Action::Answer, ANA).unwrap();
    desk.act("2026-03-09 10:00", Action::Resolve, ANA).unwrap();
    assert_eq!(desk.case.status, CaseStatus::Resolved);
    assert_eq!(desk.act("2026-03-09 10:01", Action::Close, ANA), Err(Refusal::NotSatisfied(7)));
    desk.act("2026-03-12 09:00", Action::Satisfied, ANA).unwrap();
    assert_eq!(desk.case.status, CaseStatus::Closed);
    assert!(desk.told().is_empty(), "a case that goes well makes no mail");
    let words: Vec<_> = desk.steps.iter().map(Happening::as_str).collect();
    assert_eq!(words, ["opened", "acknowledged", "answered", "resolved", "satisfied", "closed"]);
    assert_eq!(desk.act("2026-03-12 09:01", Action::Answer, ANA), Err(Refusal::Ended(7, CaseStatus::Closed)));
    desk.act("2026-03-13 09:00", Action::Reopen { reason: "wrong customer".into() }, COMMUNITY).unwrap();
    assert_eq!((desk.case.status, &desk.case.answered, &desk.case.ended), (CaseStatus::Open, &None, &None));
    assert_eq!(desk.told(), [ANA]);
}

#[test]
fn dismissed_with_a_reason() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    assert_eq!(desk.act("2026-03-06 10:01", Action::Dismiss { reason: " ".into() }, ANA), Err(Refusal::NoReason(7)));
    desk.act("2026-03-06 10:02", Action::Dismiss { reason: "another Acme".into() }, ANA).unwrap();
    assert_eq!((desk.case.status, desk.case.reason.as_deref()), (CaseStatus::Dismissed, Some("another Acme")));
    assert_eq!(desk.told(), [COMMUNITY]);
    assert!(!takes_in(&desk.case, desk.now));
}

#[test]
fn everyone_gets_an_answer_who_was_satisfied_before_it_too() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    desk.act("2026-03-06 10:05", Action::Satisfied, "").unwrap();
    assert_eq!(desk.case.status, CaseStatus::Open);
    desk.act("2026-03-06 10:10", Action::Answer, TOM).unwrap();
    assert_eq!((desk.case.status, &desk.case.owner), (CaseStatus::Closed, &owner(TOM)));
}

#[test]
fn members_take_turns_within_hours_and_absences() {
    let mut routing = teams();
    let mut loads = Loads::new();
    let pick = |routing: &Routing, loads: &mut Loads, now: &str| {
        let outcome = open(Around { routing, loads, now: at(now) }, &opening());
        let Happening::Opened { owner, why } = outcome.steps[0].clone() else { panic!() };
        if let Some(person) = &owner.person {
            let last = loads.values().map(|l| l.last).max().unwrap_or(0) + 1;
            let load = loads.entry(person.clone()).or_default();
            (load.last, load.open) = (last, load.open + 1);
        }
        (owner.person.unwrap_or_default(), why)
    };
    let turn = |who: &str| (who.to_owned(), OwnerReason::NextInTurn);
    for who in [ANA, TOM, ANA, TOM] {
        assert_eq!(pick(&routing, &mut loads, "2026-03-06 10:00"), turn(who));
    }
    // Friday evening is Monday's work, and Ana is away on Monday.
    let monday = jiff::civil::date(2026, 3, 9);
    routing.departments[0].members[0].away = vec![DaysOff::Range(monday, monday)];
    assert_eq!(pick(&routing, &mut loads, "2026-03-06 10:00"), turn(ANA));
    assert_eq!(pick(&routing, &mut loads, "2026-03-06 19:00"), turn(TOM));
    assert_eq!(pick(&routing, &mut loads, "2026-03-09 10:00"), turn(TOM));
    // Tom works in the afternoon.
    let mut afternoon = Week::closed();
    (0..5).for_each(|day| afternoon.add(day, Shift { from: 840, to: 1080 }));
    routing.departments[0].members[0].away.clear();
    routing.departments[0].members[1].hours = Some(afternoon);
    assert_eq!(pick(&routing, &mut loads, "2026-03-10 10:00"), turn(ANA));
    assert_eq!(pick(&routing, &mut loads, "2026-03-10 10:00"), turn(ANA));
    // Nobody is there that day.
    let tuesday = DaysOff::Yearly(3, 10);
    routing.departments[0].members.iter_mut().for_each(|m| m.away = vec![tuesday]);
    assert_eq!(pick(&routing, &mut loads, "2026-03-10 10:00"), (String::new(), OwnerReason::EverybodyAway));
    routing.departments[0].turns = Turns::LeastOpen;
    routing.departments[0].members.iter_mut().for_each(|m| (m.away, m.hours) = (Vec::new(), None));
    loads = Loads::from([(ANA.into(), Load { last: 1, open: 3 }), (TOM.into(), Load { last: 9, open: 1 })]);
    assert_eq!(pick(&routing, &mut loads, "2026-03-11 10:00"), (TOM.into(), OwnerReason::FewestCases));
    routing.departments[0].turns = Turns::Off;
    assert_eq!(pick(&routing, &mut loads, "2026-03-11 10:00"), (String::new(), OwnerReason::WholeDepartment));
}

#[test]
fn never_again_to_anyone_who_failed_it_and_to_management_when_nobody_is_left() {
    let mut desk = Desk::open(teams(), &Opening { also: vec![Category::Refund], ..opening() }, "2026-03-06 10:00");
    assert_eq!(desk.act("2026-03-06 10:00", Action::Unsatisfied, ""), Err(Refusal::NotAnswered(7)));
    let mut owners = vec![desk.case.owner.clone()];
    for _ in 0..4 {
        desk.act("2026-03-06 11:00", Action::Answer, "").unwrap();
        desk.act("2026-03-06 12:00", Action::Unsatisfied, "").unwrap();
        assert_eq!(desk.case.status, CaseStatus::Open);
        owners.push(desk.case.owner.clone());
        // The new owner and the community manager hear of it, who failed it does not.
        let to = address(&desk.routing, &desk.case.owner).unwrap();
        assert_eq!(desk.told(), [to.as_str(), COMMUNITY]);
    }
    let billing = Owner::department("billing");
    let board = Owner::department("board");
    assert_eq!(owners, [owner(ANA), owner(TOM), billing.clone(), board.clone(), board.clone()]);
    assert_eq!(desk.case.failed, [owner(ANA), owner(TOM), billing]);
    let refused = desk.act("2026-03-06 13:00", Action::Acknowledge, ANA);
    assert_eq!(refused, Err(Refusal::FailedIt(7, ANA.into())));
    for to in [ANA, TOM, "support", "support@example.com", "billing"] {
        let refused = desk.act("2026-03-06 13:00", Action::Assign { to: to.into() }, "");
        assert_eq!(refused, Err(Refusal::FailedIt(7, to.into())), "{to}");
    }
    desk.act("2026-03-06 13:00", Action::Acknowledge, BOARD).unwrap();
    assert_eq!(desk.case.owner, board);
}

#[test]
fn who_acknowledges_has_it() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    assert_eq!(
        desk.act("2026-03-06 10:01", Action::Acknowledge, "eve@example.net"),
        Err(Refusal::Stranger(7, "eve@example.net".into()))
    );
    desk.act("2026-03-06 10:02", Action::Acknowledge, "Tom@Example.com").unwrap();
    assert_eq!(desk.case.owner, owner(TOM));
    assert_eq!(desk.case.acknowledged.as_ref().unwrap().by.as_deref(), Some("Tom@Example.com"));
    assert_eq!(
        desk.act("2026-03-06 10:03", Action::Acknowledge, ANA),
        Err(Refusal::Already(7, CaseStatus::Acknowledged))
    );
    desk.act("2026-03-06 10:04", Action::Assign { to: ANA.into() }, "").unwrap();
    assert_eq!((desk.case.status, &desk.case.owner, desk.told()), (CaseStatus::Open, &owner(ANA), vec![ANA]));
}

#[test]
fn comes_back_in_public_and_is_raised_one_step() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    desk.now = at("2026-03-07 03:00");
    let outcome = come_back(desk.around(), &desk.case, 71, Severity::Low, true);
    desk.keep(outcome);
    assert_eq!((desk.case.severity, desk.case.comebacks), (Severity::High, 1));
    assert_eq!(desk.told(), [ANA, COMMUNITY], "at once, whatever the hour");
    assert!(desk.last.iter().all(|m| m.letter == Letter::Comeback { mention: 71 }));
    assert_eq!(desk.last.iter().map(|m| m.copy).collect::<Vec<_>>(), [false, true]);
    let outcome = come_back(desk.around(), &desk.case, 72, Severity::Low, true);
    desk.keep(outcome);
    assert_eq!(desk.told(), [ANA, COMMUNITY, BOARD], "critical: management too");
    // Thanks are evidence and raise nothing.
    let outcome = come_back(desk.around(), &desk.case, 73, Severity::Low, false);
    assert_eq!((outcome.mails.len(), &outcome.case), (0, &desk.case));
}

#[test]
fn a_complaint_within_fourteen_days_of_closing_opens_the_case_again() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    desk.act("2026-03-06 11:00", Action::Answer, ANA).unwrap();
    desk.act("2026-03-09 11:00", Action::Satisfied, ANA).unwrap();
    assert!(takes_in(&desk.case, at("2026-03-23 11:00")) && !takes_in(&desk.case, at("2026-03-23 11:01")));
    desk.now = at("2026-03-20 11:00");
    let outcome = come_back(desk.around(), &desk.case, 71, Severity::Critical, true);
    desk.keep(outcome);
    assert_eq!((desk.case.status, desk.case.severity), (CaseStatus::Open, Severity::Critical));
    assert_eq!((&desk.case.satisfied, desk.case.since), (&None, desk.now));
}

#[test]
fn reminders_go_to_the_owner_then_the_lead_then_management_at_most_one_a_step() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 17:50");
    let sent = desk.remind_until("2026-06-01 00:00");
    let line = |when: &str, clock, rung, to: &str| (at(when), clock, rung, to.to_owned());
    let (ack, resolve) = (CaseClock::Acknowledge, CaseClock::Resolve);
    assert_eq!(
        sent,
        [
            // 4 office hours after Friday 17:50; 4 more; 4 more, over the night.
            line("2026-03-09 12:50", ack, Rung::Owner, ANA),
            line("2026-03-09 16:50", ack, Rung::Lead, LEAD),
            line("2026-03-10 11:50", ack, Rung::Management, BOARD),
            // 3 office days; from then on each 3 more.
            line("2026-03-11 17:50", resolve, Rung::Owner, ANA),
            line("2026-03-16 17:50", resolve, Rung::Lead, LEAD),
            line("2026-03-19 17:50", resolve, Rung::Management, BOARD),
        ]
    );
    assert_eq!(next_reminder(&desk.case, &desk.routing), None, "and then never again");
}

/// In a small firm one person is owner, lead and management: told three times of one clock, they would stop reading.
#[test]
fn one_address_in_several_roles_is_told_of_each_clock_once() {
    let mut routing = teams();
    routing.departments[0].members = vec![member(ANA)];
    routing.departments[0].lead = Some(ANA.to_uppercase());
    routing.departments[3].email = ANA.into();
    let mut desk = Desk::open(routing, &opening(), "2026-03-06 17:50");
    let sent = desk.remind_until("2026-06-01 00:00");
    let told: Vec<_> = sent.iter().map(|(_, clock, rung, to)| (*clock, *rung, to.as_str())).collect();
    assert_eq!(told, [(CaseClock::Acknowledge, Rung::Owner, ANA), (CaseClock::Resolve, Rung::Owner, ANA)]);
    // Lead and management only: the owner is another.
    let mut routing = teams();
    routing.departments[3].email = LEAD.into();
    let mut desk = Desk::open(routing, &opening(), "2026-03-06 17:50");
    let sent = desk.remind_until("2026-06-01 00:00");
    let rungs: Vec<_> = sent.iter().map(|(_, clock, rung, _)| (*clock, *rung)).collect();
    let each = [CaseClock::Acknowledge, CaseClock::Resolve].map(|clock| [(clock, Rung::Owner), (clock, Rung::Lead)]);
    assert_eq!(rungs, each.concat());
}

#[test]
fn after_the_answer_the_question_comes_back_after_confirm_after() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    desk.act("2026-03-06 16:00", Action::Answer, ANA).unwrap();
    let next = next_reminder(&desk.case, &desk.routing).unwrap();
    assert_eq!((next.at, next.to.as_str()), (at("2026-03-11 16:00"), ANA));
    assert_eq!(next.mail(&desk.case).letter, Letter::Question { answered: at("2026-03-06 16:00") });
    let sent = desk.remind_until("2026-06-01 00:00");
    let rungs: Vec<_> = sent.iter().map(|(_, clock, rung, _)| (*clock, *rung)).collect();
    assert_eq!(rungs, Rung::ALL.map(|rung| (CaseClock::Confirm, rung)));
    desk.act("2026-03-30 10:00", Action::Satisfied, ANA).unwrap();
    assert_eq!(next_reminder(&desk.case, &desk.routing), None);
}

#[test]
fn hazard_36_days_of_darkness_are_no_storm_of_reminders() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    // Down for two weeks: one at once, the others with their distance.
    desk.now = at("2026-03-20 09:00");
    let sent = desk.remind_until("2026-03-20 12:59");
    assert_eq!(sent.len(), 1, "{sent:?}");
    let sent = desk.remind_until("2026-06-01 00:00");
    let apart = sent.windows(2).map(|w| weekdays().worked(w[0].0, w[1].0)).min().unwrap();
    assert!(apart >= SignedDuration::from_hours(4), "{apart}: {sent:?}");
}

#[test]
fn who_is_away_is_not_reminded_but_the_lead_is() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    desk.routing.departments[0].members[0].away = vec![DaysOff::Yearly(3, 6)];
    let next = next_reminder(&desk.case, &desk.routing).unwrap();
    assert_eq!((next.rung, next.to.as_str(), next.at), (Rung::Lead, LEAD, at("2026-03-06 14:00")));
}

#[test]
fn cases_of_a_department_that_was_taken_out_are_managements() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    desk.case.owner = Owner::department("support");
    desk.routing.departments.remove(0);
    desk.routing.departments[2].acknowledge_within = Some(Allowance::time(SignedDuration::from_hours(1)));
    let next = next_reminder(&desk.case, &desk.routing).unwrap();
    assert_eq!((next.rung, next.to.as_str(), next.at), (Rung::Owner, BOARD, at("2026-03-06 11:00")));
    desk.act("2026-03-06 12:00", Action::Answer, "").unwrap();
    desk.act("2026-03-06 13:00", Action::Unsatisfied, "").unwrap();
    assert_eq!(desk.case.owner, Owner::department("board"));
}

#[test]
fn no_reminder_outside_the_office_hours_of_its_reader() {
    let mut routing = teams();
    let mut mornings = Week::closed();
    mornings.add(2, Shift { from: 600, to: 660 });
    routing.departments[3].office.week = mornings;
    let mut desk = Desk::open(routing, &opening(), "2026-03-06 17:50");
    let sent = desk.remind_until("2026-03-11 12:00");
    assert_eq!(sent[2], (at("2026-03-11 10:00"), CaseClock::Acknowledge, Rung::Management, BOARD.to_owned()));
}

#[test]
fn complaint_about_staff_stays_with_lead_and_management() {
    let staff = Opening {
        category: Category::Staff,
        person: Some(LEAD.into()),
        privacy: Privacy::Staff,
        kept_from: vec!["support@example.com".into(), ANA.into()],
        ..opening()
    };
    let mut desk = Desk::open(teams(), &staff, "2026-03-06 10:00");
    assert_eq!(desk.case.owner, owner(LEAD));
    for to in [ANA, "support"] {
        assert_eq!(
            desk.act("2026-03-06 10:00", Action::Assign { to: to.into() }, ""),
            Err(Refusal::KeptFrom(7, to.into()))
        );
    }
    let sent = desk.remind_until("2026-06-01 00:00");
    assert!(sent.iter().all(|(.., to)| to == LEAD || to == BOARD), "{sent:?}");
    let outcome = come_back(desk.around(), &desk.case, 71, Severity::Low, true);
    desk.keep(outcome);
    assert_eq!(desk.told(), [LEAD]);
    desk.act("2026-06-01 10:00", Action::Answer, "").unwrap();
    desk.act("2026-06-01 11:00", Action::Unsatisfied, "").unwrap();
    assert_eq!((&desk.case.owner, desk.told()), (&Owner::department("board"), vec![BOARD]));
}

/// Department clocks of one and two hours: the second runs out when it runs out, however late the case was taken.
#[test]
fn after_a_late_acknowledge_the_next_reminder_comes_when_the_clock_that_runs_is_over() {
    let mut teams = teams();
    let hours = |h| Some(Allowance::time(SignedDuration::from_hours(h)));
    (teams.departments[0].acknowledge_within, teams.departments[0].resolve_within) = (hours(1), hours(2));
    let mut desk = Desk::open(teams, &opening(), "2026-03-06 10:00");
    let first = desk.remind_until("2026-03-06 11:30");
    assert_eq!(first, [(at("2026-03-06 11:00"), CaseClock::Acknowledge, Rung::Owner, ANA.into())]);
    desk.act("2026-03-06 11:30", Action::Acknowledge, ANA).unwrap();
    let next = desk.remind_until("2026-03-06 13:00");
    assert_eq!(next, [(at("2026-03-06 12:00"), CaseClock::Resolve, Rung::Owner, ANA.into())]);
    // While both run, they are apart: by no more than the later one allows. Nobody takes it: at 11, 12 and 13 o'clock
    // owner, lead and management hear of that; two hours after the last of them the other clock is told.
    let mut desk = Desk::open(desk.routing, &opening(), "2026-03-06 10:00");
    let both = desk.remind_until("2026-03-06 15:00");
    let when: Vec<_> = both.iter().filter(|r| r.1 == CaseClock::Resolve).map(|r| r.0).collect();
    assert_eq!(when, [at("2026-03-06 15:00")], "{both:?}");
}

#[test]
fn a_closed_case_whose_customer_is_not_satisfied_after_all_opens_again_for_two_weeks_and_says_so() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    desk.act("2026-03-06 11:00", Action::Answer, ANA).unwrap();
    desk.act("2026-03-06 12:00", Action::Satisfied, ANA).unwrap();
    assert_eq!(desk.case.status, CaseStatus::Closed);
    let closed = desk.case.clone();
    assert_eq!(
        desk.act("2026-03-20 12:01", Action::Unsatisfied, ANA),
        Err(Refusal::Ended(7, CaseStatus::Closed)),
        "later it is another matter, or `reopen` with a reason"
    );
    assert_eq!(desk.case, closed);
    desk.act("2026-03-20 11:59", Action::Unsatisfied, ANA).unwrap();
    assert_eq!((desk.case.status, desk.case.owner.is(TOM), desk.case.failed.len()), (CaseStatus::Open, true, 1));
    let reopened = |s: &Happening| matches!(s, Happening::Reopened { reason } if reason.contains("not satisfied"));
    assert!(desk.steps.iter().any(reopened), "{:?}", desk.steps);
    assert!(desk.told().contains(&TOM) && desk.told().contains(&COMMUNITY), "{:?}", desk.told());
}

/// One rule for commands, pages, replies and programs: a stranger does nothing, not even a note.
#[test]
fn nobody_unknown_does_anything_with_a_case() {
    let because = || "because".to_owned();
    let answered = |desk: &mut Desk| desk.act("2026-03-06 11:00", Action::Answer, ANA).unwrap();
    for action in [
        Action::Acknowledge,
        Action::Answer,
        Action::Resolve,
        Action::Satisfied,
        Action::Unsatisfied,
        Action::Close,
        Action::Dismiss { reason: because() },
        Action::Reopen { reason: because() },
        Action::Assign { to: TOM.into() },
        Action::Note { text: because() },
    ] {
        let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
        answered(&mut desk);
        let before = desk.case.clone();
        let refused = desk.act("2026-03-06 12:00", action.clone(), "eve@example.net");
        assert_eq!(refused, Err(Refusal::Stranger(7, "eve@example.net".into())), "{action:?}");
        assert_eq!(desk.case, before);
    }
    let desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    let may = |email: &str, addressed| may_act(&desk.routing, &desk.case, email, addressed);
    for (email, addressed, fine) in [
        (ANA, false, true),
        (LEAD, false, true),
        (BOARD, false, true),
        (COMMUNITY, false, true),
        ("billing@example.com", false, false),
        ("billing@example.com", true, true),
        ("eve@example.net", true, false),
    ] {
        assert_eq!(may(email, addressed).is_ok(), fine, "{email} {addressed}");
    }
}

#[test]
fn a_note_that_says_nothing_is_told_by_its_own_flag() {
    let mut desk = Desk::open(teams(), &opening(), "2026-03-06 10:00");
    let refused = desk.act("2026-03-06 11:00", Action::Note { text: " \n".into() }, ANA).unwrap_err();
    assert!(refused.to_string().contains("--text") && !refused.to_string().contains("--reason"), "{refused}");
}
