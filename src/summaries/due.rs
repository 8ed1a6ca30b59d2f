//! Who gets collected mail, and when the next one is due.

use jiff::Timestamp;

use crate::model::SummaryKind;
use crate::routing::{Department, Role, Routing};
use crate::schedule::rhythm::{LATE_AFTER, MEETING_AHEAD, Rhythm};

/// A collected mail that a department wants regularly.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub department: &'a Department,
    pub kind: SummaryKind,
    /// When it comes.
    pub rhythm: Rhythm,
}

/// All collected mail that is configured, in the order of the configuration.
pub fn wanted(routing: &Routing) -> impl Iterator<Item = Wanted<'_>> {
    routing.departments.iter().flat_map(|department| {
        let kind = match department.role {
            Some(Role::Management) => SummaryKind::Management,
            _ => SummaryKind::Digest,
        };
        let digest = department.digest.map(|rhythm| Wanted { department, kind, rhythm });
        let meeting = department.meeting.map(|meets| Wanted {
            department,
            kind: SummaryKind::Meeting,
            rhythm: meets.earlier(MEETING_AHEAD),
        });
        digest.into_iter().chain(meeting)
    })
}

impl Wanted<'_> {
    /// When it comes next after that moment.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        self.rhythm.next(&self.department.office, after)
    }

    /// When the team meets for whom the report was due at `due`.
    pub fn meets(&self, due: Timestamp) -> Option<Timestamp> {
        let meeting = self.department.meeting.filter(|_| self.kind == SummaryKind::Meeting)?;
        let before = due.checked_sub(jiff::SignedDuration::from_millis(1)).ok()?;
        meeting.next(&self.department.office, before)
    }

    /// Where a first one begins: at the time at which the one before it would have come.
    pub fn begins(&self, due: Timestamp) -> Timestamp {
        let before = due.checked_sub(jiff::SignedDuration::from_millis(1)).unwrap_or(due);
        self.rhythm.last(&self.department.office, before).unwrap_or(due)
    }

    /// Whether it leaves so late that it has to say so.
    pub fn is_late(due: Timestamp, now: Timestamp) -> bool {
        now.duration_since(due) > LATE_AFTER
    }
}

/// What to do about a collected mail now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing before its next time.
    NotYet,
    /// It was never sent: the time from `from` on belongs to the first one.
    Begin { from: Timestamp },
    /// Send it: from the end of the last one to `to`. After a standstill this is one mail for all that were missed.
    Send { from: Timestamp, to: Timestamp },
}

/// Whether a collected mail is due; `last` is up to when the last one reached, if there was one.
pub fn due(wanted: &Wanted<'_>, last: Option<Timestamp>, now: Timestamp) -> Due {
    match (wanted.rhythm.last(&wanted.department.office, now), last) {
        (None, Some(_)) => Due::NotYet,
        (None, None) => Due::Begin { from: now },
        (Some(at), None) => Due::Begin { from: at },
        (Some(to), Some(from)) if to > from => Due::Send { from, to },
        (Some(_), Some(_)) => Due::NotYet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::office::Office;
    use jiff::tz::TimeZone;

    fn at(text: &str) -> Timestamp {
        format!("{text}:00Z").replace(' ', "T").parse().unwrap()
    }

    fn department() -> Department {
        Department {
            office: Office::always(TimeZone::UTC),
            digest: Some(Rhythm::Daily { minutes: 540 }),
            meeting: Some(Rhythm::Weekly { day: 1, minutes: 600 }),
            ..Department::new("support", "support@example.com")
        }
    }

    #[test]
    fn one_mail_for_all_that_were_missed_and_none_twice() {
        let routing = Routing { departments: vec![department()], routes: Vec::new() };
        let all: Vec<Wanted<'_>> = wanted(&routing).collect();
        assert_eq!(all.iter().map(|w| w.kind).collect::<Vec<_>>(), [SummaryKind::Digest, SummaryKind::Meeting]);
        let daily = &all[0];
        let begin = Due::Begin { from: at("2026-03-06 09:00") };
        assert_eq!(due(daily, None, at("2026-03-06 15:00")), begin, "the first day is not mailed as if it were a week");
        let last = Some(at("2026-03-06 09:00"));
        assert_eq!(due(daily, last, at("2026-03-07 08:59")), Due::NotYet);
        let (from, to) = (at("2026-03-06 09:00"), at("2026-03-07 09:00"));
        assert_eq!(due(daily, last, to), Due::Send { from, to });
        let to = at("2026-03-12 09:00");
        assert_eq!(due(daily, last, at("2026-03-12 20:00")), Due::Send { from, to }, "down for days");
        assert_eq!(due(daily, Some(to), at("2026-03-12 20:01")), Due::NotYet);
        assert_eq!(due(daily, Some(to), at("2026-03-08 20:01")), Due::NotYet, "a clock that was put back");
        assert!(Wanted::is_late(to, at("2026-03-12 20:00")) && !Wanted::is_late(to, at("2026-03-12 09:59")));
    }

    #[test]
    fn a_meeting_has_its_report_three_hours_before() {
        let routing = Routing { departments: vec![department()], routes: Vec::new() };
        let meeting = wanted(&routing).nth(1).unwrap();
        let due = meeting.next(at("2026-03-06 15:00")).unwrap();
        assert_eq!(due, at("2026-03-10 07:00"));
        assert_eq!(meeting.meets(due), Some(at("2026-03-10 10:00")));
        assert_eq!(meeting.begins(due), at("2026-03-03 07:00"));
    }

    #[test]
    fn management_gets_its_own_kind() {
        let board = Department { role: Some(Role::Management), meeting: None, ..department() };
        let routing = Routing { departments: vec![board], routes: Vec::new() };
        assert_eq!(wanted(&routing).map(|w| w.kind).collect::<Vec<_>>(), [SummaryKind::Management]);
    }
}
