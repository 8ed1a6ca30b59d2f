//! The links in mails by which somebody acts on a case, as values: made when a mail is worded, read when one is opened.
//!
//! A link says which case, what to do, who says so and what it was about when it was sent; it is sealed, so nobody can
//! make one for another case or another person. Opening it only shows a page: mail scanners open every link of a mail,
//! and nothing may follow from that. Pressing the button twice does a thing once.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::keys::{Keys, Purpose};
use crate::model::{Case, CaseStatus, Deed, Letter};
use crate::routing::Routing;

/// How long a link works after its mail was queued.
pub const VALID: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Bytes of a payload: case, deed, person, stamp, end.
const PAYLOAD: usize = 8 + 1 + 8 + 8 + 8;

/// What a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionLink {
    pub case: i64,
    pub deed: Deed,
    /// Who says so, as the beginning of a digest: no address stands in a link.
    person: [u8; 8],
    /// Where the case stood: [`stamp`].
    stamp: i64,
    /// Milliseconds since 1970.
    until: i64,
}

/// Whether a link still does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Open,
    /// It is too old.
    Expired,
    /// What it says was done already.
    Done,
    /// The case has gone on since: it has another owner, was answered again, or has ended.
    Past,
}

impl ActionLink {
    /// A link of a mail to `person` that was queued at `sent`.
    pub fn new(case: &Case, deed: Deed, person: &str, sent: Timestamp) -> Self {
        let until = sent.checked_add(VALID).unwrap_or(Timestamp::MAX);
        Self { case: case.id, deed, person: digest(person), stamp: stamp(case, deed), until: until.as_millisecond() }
    }

    /// As it stands in an address.
    pub fn seal(&self, keys: &Keys) -> String {
        let deed = Deed::ALL.iter().position(|deed| *deed == self.deed).unwrap_or_default();
        let mut payload = Vec::with_capacity(PAYLOAD);
        payload.extend(self.case.to_be_bytes());
        payload.push(u8::try_from(deed).unwrap_or_default());
        payload.extend(self.person);
        payload.extend(self.stamp.to_be_bytes());
        payload.extend(self.until.to_be_bytes());
        keys.seal(Purpose::Action, &payload)
    }

    /// What a link of ours says, however old it is; `None` for anything else.
    pub fn unseal(keys: &Keys, sealed: &str) -> Option<Self> {
        let payload = keys.unseal(Purpose::Action, sealed)?;
        let (case, rest) = payload.split_first_chunk::<8>()?;
        let (deed, rest) = rest.split_first()?;
        let (person, rest) = rest.split_first_chunk::<8>()?;
        let (stamp, until) = rest.split_first_chunk::<8>()?;
        Some(Self {
            case: i64::from_be_bytes(*case),
            deed: *Deed::ALL.get(usize::from(*deed))?,
            person: *person,
            stamp: i64::from_be_bytes(*stamp),
            until: i64::from_be_bytes(until.try_into().ok()?),
        })
    }

    /// The mail address of whoever it was sent to, if it still belongs to somebody.
    pub fn person(&self, routing: &Routing) -> Option<String> {
        known_addresses(routing).find(|address| digest(address) == self.person).map(str::to_owned)
    }

    /// Whether it still does anything.
    pub fn standing(&self, case: &Case, now: Timestamp) -> Standing {
        let ended = case.status.is_ended();
        let done = match self.deed {
            Deed::Acknowledge => case.status != CaseStatus::Open && !ended,
            Deed::Answer => case.answered.is_some(),
            Deed::Resolve => case.resolved.is_some(),
            Deed::Dismiss => case.status == CaseStatus::Dismissed,
            Deed::Satisfied => case.satisfied.is_some(),
            Deed::Assign | Deed::Unsatisfied => false,
        };
        if self.stamp != stamp(case, self.deed) {
            Standing::Past
        } else if done {
            Standing::Done
        } else if ended {
            // Not even to say that the customer is not satisfied after all: that opens the case again, and is done on its
            // page or by a command, where it can be seen that it was closed.
            Standing::Past
        } else if now.as_millisecond() >= self.until {
            Standing::Expired
        } else {
            Standing::Open
        }
    }
}

/// What a mail about a case asks for, and so offers.
pub fn offered(letter: Option<&Letter>) -> &'static [Deed] {
    use crate::model::CaseClock;
    match letter {
        // The notice, and whatever puts a case into somebody's hands.
        None
        | Some(Letter::Handover | Letter::Reminder { clock: CaseClock::Acknowledge, .. })
        | Some(Letter::Escalation { clock: CaseClock::Acknowledge, .. }) => {
            &[Deed::Acknowledge, Deed::Answer, Deed::Resolve, Deed::Assign, Deed::Dismiss]
        }
        Some(Letter::Question { .. } | Letter::Escalation { clock: CaseClock::Confirm, .. }) => {
            &[Deed::Satisfied, Deed::Unsatisfied]
        }
        Some(
            Letter::Reminder { .. } | Letter::Escalation { .. } | Letter::Comeback { .. } | Letter::Gathering { .. },
        ) => &[Deed::Answer, Deed::Resolve, Deed::Assign, Deed::Dismiss],
        Some(Letter::Update) => &[],
    }
}

/// Everybody who may act on cases or sign in: departments, members and leads.
pub fn known_addresses(routing: &Routing) -> impl Iterator<Item = &str> {
    routing.departments.iter().flat_map(|d| {
        let members = d.members.iter().map(|m| m.email.as_str());
        std::iter::once(d.email.as_str()).chain(members).chain(d.lead.as_deref())
    })
}

/// What must not have changed for a link to mean what it meant: since when the present owner has the case, or, for the
/// question whether the customer is satisfied, which answer it is about.
fn stamp(case: &Case, deed: Deed) -> i64 {
    match deed {
        Deed::Satisfied | Deed::Unsatisfied => i64::from(case.round),
        _ => case.since.as_millisecond(),
    }
}

fn digest(address: &str) -> [u8; 8] {
    let digest = Sha256::digest(address.trim().to_lowercase().as_bytes());
    digest.first_chunk::<8>().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{self, Action, Around, Loads, Opening};
    use crate::model::{Category, Privacy, Severity};
    use crate::routing::Department;

    fn routing() -> Routing {
        let mut support = Department::new("support", "support@example.com");
        support.lead = Some("Lead@example.com".into());
        Routing { departments: vec![support, Department::new("shop", "shop@example.com")], routes: Vec::new() }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_442_000 + second).unwrap()
    }

    fn around<'a>(routing: &'a Routing, loads: &'a Loads, now: Timestamp) -> Around<'a> {
        Around { routing, loads, now }
    }

    fn case(routing: &Routing) -> Case {
        let opening = Opening {
            department: "support".into(),
            person: None,
            category: Category::Complaint,
            also: Vec::new(),
            severity: Severity::Medium,
            privacy: Privacy::Usual,
            kept_from: Vec::new(),
        };
        Case { id: 7, ..cases::open(around(routing, &Loads::new(), at(0)), &opening).case }
    }

    fn after(routing: &Routing, case: &Case, action: Action, second: i64) -> Case {
        cases::act(around(routing, &Loads::new(), at(second)), case, &action, None).unwrap().case
    }

    #[test]
    fn a_link_says_what_it_was_made_for() {
        let (keys, routing) = (Keys::of([7; 32]), routing());
        for deed in Deed::ALL {
            let link = ActionLink::new(&case(&routing), deed, "LEAD@example.com", at(0));
            let read = ActionLink::unseal(&keys, &link.seal(&keys)).unwrap();
            assert_eq!(read, link);
            assert_eq!(read.person(&routing).as_deref(), Some("Lead@example.com"));
            assert_eq!(read.person(&Routing::default()), None, "who left can do nothing any more");
        }
        assert_eq!(ActionLink::unseal(&keys, &keys.seal(Purpose::Action, b"short")), None);
        assert_eq!(ActionLink::unseal(&keys, &keys.seal(Purpose::Session, &[0; PAYLOAD])), None);
    }

    #[test]
    fn a_link_works_until_it_was_used_or_the_case_went_on() {
        let routing = routing();
        let open = case(&routing);
        let link = |case: &Case, deed| ActionLink::new(case, deed, "support@example.com", at(1));
        let ack = link(&open, Deed::Acknowledge);
        assert_eq!(ack.standing(&open, at(2)), Standing::Open);
        let week = 7 * 86_400;
        assert_eq!(ack.standing(&open, at(week)), Standing::Open);
        assert_eq!(ack.standing(&open, at(week + 1)), Standing::Expired);

        let taken = after(&routing, &open, Action::Acknowledge, 10);
        assert_eq!(ack.standing(&taken, at(11)), Standing::Done);
        // The other links of the same mail go on working.
        for deed in [Deed::Answer, Deed::Resolve, Deed::Assign, Deed::Dismiss] {
            assert_eq!(link(&open, deed).standing(&taken, at(11)), Standing::Open, "{deed:?}");
        }
        let answered = after(&routing, &taken, Action::Answer, 20);
        assert_eq!(link(&open, Deed::Answer).standing(&answered, at(21)), Standing::Done);
        assert_eq!(link(&open, Deed::Resolve).standing(&answered, at(21)), Standing::Open);

        let (yes, no) = (link(&answered, Deed::Satisfied), link(&answered, Deed::Unsatisfied));
        let given = after(&routing, &answered, Action::Assign { to: "shop".into() }, 30);
        for old in [ack, yes, no, link(&open, Deed::Assign)] {
            assert_eq!(old.standing(&given, at(31)), Standing::Past, "{old:?}");
        }
        let failed = after(&routing, &answered, Action::Unsatisfied, 30);
        let again = after(&routing, &failed, Action::Answer, 40);
        assert_eq!(no.standing(&failed, at(31)), Standing::Past, "twice would fail the next owner too");
        assert_eq!(no.standing(&again, at(41)), Standing::Past);

        let closed = after(&routing, &answered, Action::Satisfied, 30);
        assert_eq!(yes.standing(&closed, at(31)), Standing::Done);
        assert_eq!(no.standing(&closed, at(31)), Standing::Past, "an old mail opens no closed case");
        assert_eq!(link(&open, Deed::Dismiss).standing(&closed, at(31)), Standing::Past);
        let dismissed = after(&routing, &open, Action::Dismiss { reason: "x".into() }, 30);
        assert_eq!(link(&open, Deed::Dismiss).standing(&dismissed, at(31)), Standing::Done);
        assert_eq!(ack.standing(&dismissed, at(31)), Standing::Past);
    }
}
