//! Random sequences of events over random organisations, with a year's changes of the clocks: a case is never without
//! an owner, never with someone who failed it, never closed unsatisfied unless dismissed, and its clocks only run in
//! office hours.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::model::{CaseClock, Category, Happening, Mark, Owner, Privacy, Severity};
use crate::routing::{Department, Member, Role, Turns};
use crate::schedule::office::{Allowance, DaysOff, Office, Shift, Week};

/// One event, and the time since the one before, in minutes.
#[derive(Clone, Debug)]
struct Event {
    minutes: i64,
    by: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Act(Action),
    Assign(usize),
    ComeBack(Severity, bool),
    /// Nothing but time, with its reminders.
    Wait,
}

fn event() -> impl Strategy<Value = Event> {
    let reason = || "because".to_owned();
    let what = prop_oneof![
        3 => Just(What::Act(Action::Acknowledge)),
        4 => Just(What::Act(Action::Answer)),
        1 => Just(What::Act(Action::Resolve)),
        2 => Just(What::Act(Action::Satisfied)),
        4 => Just(What::Act(Action::Unsatisfied)),
        2 => Just(What::Act(Action::Close)),
        1 => Just(What::Act(Action::Dismiss { reason: reason() })),
        2 => Just(What::Act(Action::Reopen { reason: reason() })),
        2 => (0..12_usize).prop_map(What::Assign),
        2 => (proptest::sample::select(Severity::ALL.to_vec()), any::<bool>()).prop_map(|(s, g)| What::ComeBack(s, g)),
        3 => Just(What::Wait),
    ];
    (0..20_000_i64, 0..14_usize, what).prop_map(|(minutes, by, what)| Event { minutes, by, what })
}

fn office() -> impl Strategy<Value = Office> {
    let zones = ["Europe/Madrid", "America/Santiago", "Europe/Lisbon", "UTC"];
    let shift = (0..7_usize, 0..1440_u16, 60..600_u16);
    (proptest::sample::select(zones.to_vec()), proptest::collection::vec(shift, 1..6)).prop_map(|(zone, shifts)| {
        let mut week = Week::closed();
        shifts.into_iter().for_each(|(day, from, length)| week.add(day, Shift { from, to: (from + length).min(1440) }));
        Office { zone: TimeZone::get(zone).unwrap(), week, closed: vec![DaysOff::Yearly(12, 25)] }
    })
}

prop_compose! {
    fn department(number: usize)(
        office in office(),
        members in 0..4_usize,
        lead in any::<bool>(),
        turns in proptest::sample::select(vec![Turns::RoundRobin, Turns::LeastOpen, Turns::Off]),
        acknowledge in proptest::option::of(1_i64..40),
        resolve in proptest::option::of(1_u32..6),
        confirm in 1_u32..5,
        away in proptest::option::of(0..3_usize),
        handles in proptest::sample::subsequence(vec![Category::Refund, Category::Technical], 0..=2),
    ) -> Department {
        let name = format!("d{number}");
        let member = |n: usize| Member {
            name: format!("{name} {n}"),
            email: format!("m{n}@{name}.example"),
            hours: None,
            away: if away == Some(n) { vec![DaysOff::Yearly(3, 10), DaysOff::Yearly(6, 1)] } else { Vec::new() },
        };
        Department {
            members: (0..members).map(member).collect(),
            lead: lead.then(|| format!("lead@{name}.example")),
            handles: if number == 0 { vec![Category::Complaint] } else { handles },
            office,
            turns,
            acknowledge_within: acknowledge.map(|h| Allowance::time(SignedDuration::from_hours(h))),
            resolve_within: resolve.map(Allowance::days),
            confirm_after: Allowance::days(confirm),
            ..Department::new(&name, &format!("all@{name}.example"))
        }
    }
}

/// One to four departments; roles where the dice put them, management or community perhaps nowhere.
fn teams() -> impl Strategy<Value = Routing> {
    let departments = (1..=4_usize).prop_flat_map(|n| (0..n).map(department).collect::<Vec<_>>());
    (departments, proptest::option::of(0..4_usize), proptest::option::of(0..4_usize)).prop_map(
        |(mut departments, board, community)| {
            if let Some(d) = community.and_then(|n| departments.get_mut(n)) {
                d.role = Some(Role::Community);
            }
            if let Some(d) = board.and_then(|n| departments.get_mut(n)) {
                d.role = Some(Role::Management);
            }
            Routing { departments, routes: Vec::new() }
        },
    )
}

/// Minutes between two moments in which an office is open, looked at one by one.
fn open_minutes(office: &Office, from: Timestamp, to: Timestamp) -> i64 {
    let mut at = from;
    let mut minutes = 0;
    while at < to {
        minutes += i64::from(office.is_open(at));
        at += SignedDuration::from_mins(1);
    }
    minutes
}

/// What must hold after every event.
fn check(case: &Case, routing: &Routing, left_over: bool) -> Result<(), TestCaseError> {
    let owner = &case.owner;
    prop_assert!(routing.department(&owner.department).is_some(), "without an owner: {case:?}");
    prop_assert!(address(routing, owner).is_some());
    prop_assert!(!case.failed.contains(owner), "with someone who failed it: {case:?}");
    if let Some(person) = &owner.person {
        prop_assert!(!case.failed.iter().any(|f| f.is(person)), "the same person in another team: {case:?}");
    }
    // A whole department reads its mail together; only where nobody else is left does a case stay with one of which
    // somebody failed it.
    let home = routing.department(&owner.department).unwrap();
    let colleagues = case.failed.iter().any(|f| f.person.as_deref().is_some_and(|p| home.reads(p)));
    if owner.person.is_none() && colleagues && !left_over {
        prop_assert!(home.role == Some(Role::Management), "{case:?}");
    }
    match case.status {
        CaseStatus::Closed => prop_assert!(case.satisfied.is_some() && case.ended.is_some(), "{case:?}"),
        CaseStatus::Dismissed => prop_assert!(case.reason.is_some() && case.ended.is_some(), "{case:?}"),
        _ => prop_assert!(case.ended.is_none() && case.reason.is_none(), "{case:?}"),
    }
    let answered: Option<&Mark> = case.answered.as_ref().or(case.resolved.as_ref());
    if matches!(case.status, CaseStatus::Answered | CaseStatus::Resolved) {
        prop_assert!(answered.is_some() && case.acknowledged.is_some());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    #[test]
    fn the_promises_about_cases_hold(
        routing in teams(),
        events in proptest::collection::vec(event(), 1..40),
        start in 1_767_225_600_i64..1_798_000_000,
        staff in any::<bool>(),
    ) {
        let loads = Loads::new();
        let mut now = Timestamp::from_second(start).unwrap();
        let opening = Opening {
            department: "d0".into(),
            person: None,
            category: Category::Complaint,
            also: vec![Category::Refund, Category::Technical],
            severity: Severity::Medium,
            privacy: if staff { Privacy::Staff } else { Privacy::Usual },
            kept_from: if staff { vec!["m0@d0.example".into()] } else { Vec::new() },
        };
        let mut case = open(Around { routing: &routing, loads: &loads, now }, &opening).case;
        (case.id, case.mention) = (1, 1);
        let mut said = std::collections::HashSet::new();
        // Kept beside the case, which might forget.
        let mut failures: Vec<Owner> = Vec::new();
        check(&case, &routing, false)?;
        for Event { minutes, by, what } in events {
            let later = now + SignedDuration::from_mins(minutes);
            // What comes due in the meantime.
            while let Some(reminder) = next_reminder(&case, &routing).filter(|r| r.at <= later) {
                now = now.max(reminder.at);
                let reader = &routing.department(&reminder.department).unwrap().office;
                prop_assert!(reader.is_open(reminder.at), "outside office hours: {reminder:?}");
                let home = routing.department(&case.owner.department).unwrap();
                prop_assert!(home.office.worked(case.since, reminder.at) > SignedDuration::ZERO, "{reminder:?}");
                if reminder.clock == CaseClock::Acknowledge {
                    let counted = home.office.worked(case.since, reminder.since);
                    prop_assert_eq!(Some(Allowance::time(counted)), home.acknowledge_within);
                    // Counted once more, minute by minute, without the arithmetic that the clocks use.
                    if reminder.since.duration_since(case.since) <= SignedDuration::from_hours(40) {
                        let minutes = open_minutes(&home.office, case.since, reminder.since);
                        // A minute may be cut at each end of a shift.
                        prop_assert!((minutes - counted.as_mins()).abs() <= 24, "{minutes} minutes open, counted {counted}: {case:?}");
                    }
                }
                prop_assert!(!case.kept_from.contains(&reminder.to) || case.owner.is(&reminder.to));
                let outcome = remind(Around { routing: &routing, loads: &loads, now }, &case, &reminder);
                let once = outcome.mails[0].once.clone();
                prop_assert!(said.insert(once), "twice: {reminder:?}");
                prop_assert_eq!(outcome.case.reminded.len(), case.reminded.len() + 1);
                case = outcome.case;
            }
            now = later;
            let around = Around { routing: &routing, loads: &loads, now };
            let (department, person) = (by / 3, by % 3);
            let by = format!("m{person}@d{department}.example");
            let before = case.clone();
            let outcome = match what {
                What::Wait => None,
                What::ComeBack(severity, grievance) => {
                    takes_in(&case, now).then(|| come_back(around, &case, 2, severity, grievance))
                }
                What::Assign(to) => {
                    let to = if to % 4 == 3 { format!("d{}", to / 4) } else { format!("m{}@d{}.example", to % 4, to / 4) };
                    act(around, &case, &Action::Assign { to }, None).ok()
                }
                What::Act(action) => act(around, &case, &action, Some(&by)).ok(),
            };
            let Some(outcome) = outcome else { continue };
            for mail in &outcome.mails {
                let kept = case.kept_from.contains(&mail.to);
                prop_assert!(!kept || outcome.case.owner.is(&mail.to) || outcome.case.owner.person.is_none(), "{mail:?}");
            }
            let failed = outcome.steps.iter().any(|s| matches!(s, Happening::Unsatisfied { .. }));
            let moved = outcome.steps.iter().any(|s| matches!(s, Happening::Moved { .. }));
            case = outcome.case;
            if failed && moved {
                failures.push(before.owner.clone());
            }
            let again = failures.iter().any(|f| *f == case.owner || case.owner.person.as_deref().is_some_and(|p| f.is(p)));
            prop_assert!(!again, "back to someone who failed it: {case:?}, {failures:?}");
            prop_assert!(failures.iter().all(|f| case.failed.contains(f)), "who failed it is never forgotten");
            if failed && !moved {
                // Nobody was left: that is only so where leftovers stay.
                prop_assert_eq!(&case.owner, &before.owner);
            }
            if case.status.is_ended() && !before.status.is_ended() {
                prop_assert!(case.status == CaseStatus::Dismissed || case.satisfied.is_some());
            }
            check(&case, &routing, before.owner == case.owner)?;
        }
    }
}

/// The clocks are changed in the middle of a shift: what is counted is time, not what a clock on the wall shows.
#[test]
fn clocks_run_in_office_hours_on_the_days_on_which_the_time_changes() {
    let night = |zone: &str| {
        let mut week = Week::closed();
        (0..7).for_each(|day| week.add(day, Shift { from: 0, to: 6 * 60 }));
        Office { zone: TimeZone::get(zone).unwrap(), week, closed: Vec::new() }
    };
    for (zone, eve, hours) in [
        // From 23:00 on, five office hours: the night is an hour shorter, or longer, than others.
        ("Europe/Madrid", "2026-03-28T23:00", 5),
        ("Europe/Madrid", "2026-10-24T23:00", 7),
        ("America/Santiago", "2026-09-05T23:00", 5),
        ("America/Santiago", "2026-04-04T22:00", 6),
        ("UTC", "2026-03-28T23:00", 6),
    ] {
        let office = night(zone);
        let start: jiff::civil::DateTime = eve.parse().unwrap();
        let start = start.to_zoned(office.zone.clone()).unwrap().timestamp();
        let end = start + SignedDuration::from_hours(12);
        let open = open_minutes(&office, start, end);
        assert_eq!(office.worked(start, end).as_mins(), open, "{zone} {eve}");
        assert_eq!(open, hours * 60, "{zone} {eve}");
    }
}
