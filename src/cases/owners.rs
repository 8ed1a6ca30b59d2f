//! Who owns a case: whose turn it is, who comes after somebody who failed it, and where leftovers stay.

use jiff::Timestamp;

use super::{Around, Load, Refusal};
use crate::model::{Case, Category, Owner, OwnerReason, Privacy};
use crate::routing::{Department, Member, Role, Routing, Turns};

/// Where mail to the owner goes; `None` if no department is configured (any more) and no person is named.
pub fn address(routing: &Routing, owner: &Owner) -> Option<String> {
    match &owner.person {
        Some(person) => Some(person.clone()),
        None => home(routing, owner).map(|d| d.email.clone()),
    }
}

/// The owner's department. One that was taken out of the configuration leaves its cases to management, or to the
/// community: they are not forgotten with it.
pub(super) fn home<'a>(routing: &'a Routing, owner: &Owner) -> Option<&'a Department> {
    let by_role = |role| routing.with_role(role);
    routing
        .department(&owner.department)
        .or_else(|| by_role(Role::Management))
        .or_else(|| by_role(Role::Community))
        .or_else(|| routing.departments.first())
}

/// The owner that a word of a command means: a member's or lead's address, a department's key or address. A member of
/// the case's own department is looked for there first.
pub fn known_address(routing: &Routing, near: &str, word: &str) -> Option<Owner> {
    let word = word.trim();
    let own = routing.department(near);
    for department in own.into_iter().chain(&routing.departments) {
        if department.email.eq_ignore_ascii_case(word) || department.key == word {
            return Some(Owner::department(&department.key));
        }
        if let Some(member) = department.member(word) {
            return Some(Owner::person(&department.key, &member.email));
        }
        if let Some(lead) = department.lead.as_deref().filter(|lead| lead.eq_ignore_ascii_case(word)) {
            return Some(Owner::person(&department.key, lead));
        }
    }
    None
}

/// The one rule of who may say what becomes of a case, or write a note to it: whoever reads the mail of its department,
/// of the community or of management; others if they were written to about it (`addressed`). Never a stranger, and
/// never from whom it is kept. Whether somebody may *have* the case is asked beside it, where an action gives it to them.
///
/// # Errors
/// Why they have no say in it.
pub fn may_act(routing: &Routing, case: &Case, email: &str, addressed: bool) -> Result<(), Refusal> {
    let kept = case.kept_from.iter().any(|k| k.eq_ignore_ascii_case(email));
    let known = routing.departments.iter().any(|d| d.reads(email));
    let related = |d: &Department| {
        let watches = match case.privacy {
            // A complaint about an employee stays with leads and management.
            Privacy::Staff => d.role == Some(Role::Management),
            Privacy::Usual | Privacy::Member => d.role.is_some() || d.key == case.owner.department,
        };
        watches && d.reads(email)
    };
    if kept {
        Err(Refusal::KeptFrom(case.id, email.to_owned()))
    } else if !known {
        Err(Refusal::Stranger(case.id, email.to_owned()))
    } else if addressed || case.owner.is(email) || routing.departments.iter().any(related) {
        Ok(())
    } else {
        Err(Refusal::NotTheirs(case.id, email.to_owned()))
    }
}

/// Whom a case must not go to.
pub(super) struct Barred<'a> {
    pub(super) failed: &'a [Owner],
    pub(super) kept_from: &'a [String],
}

impl Barred<'_> {
    pub(super) fn person(&self, routing: &Routing, email: &str) -> bool {
        self.is_kept_from(email)
            || self.failed.iter().any(|owner| match &owner.person {
                Some(_) => owner.is(email),
                None => routing.department(&owner.department).is_some_and(|d| d.reads(email)),
            })
    }

    /// A department as a whole is barred with any of its people, for they read its mail. Management is the exception:
    /// it is where a case stays when nobody is left.
    pub(super) fn department(&self, department: &Department) -> bool {
        self.is_kept_from(&department.email)
            || department.members.iter().any(|m| self.is_kept_from(&m.email))
            || self.failed.iter().any(|owner| match &owner.person {
                Some(person) => department.role != Some(Role::Management) && department.reads(person),
                None => owner.department == department.key,
            })
    }

    pub(super) fn owner(&self, routing: &Routing, owner: &Owner) -> bool {
        match &owner.person {
            Some(person) => self.person(routing, person),
            None => routing.department(&owner.department).is_none_or(|d| self.department(d)),
        }
    }

    fn is_kept_from(&self, email: &str) -> bool {
        self.kept_from.iter().any(|k| k.eq_ignore_ascii_case(email))
    }
}

/// The first owner of a case that routing sends to `department`; `person` is whom routing names already (a lead).
pub(super) fn first(
    around: Around<'_>,
    department: &str,
    person: Option<&str>,
    privacy: Privacy,
    kept_from: &[String],
) -> (Owner, OwnerReason) {
    let routing = around.routing;
    let barred = Barred { failed: &[], kept_from };
    if let Some(person) = person {
        let lead = routing.department(department).and_then(|d| d.lead.as_deref());
        let is_lead = lead.is_some_and(|lead| lead.eq_ignore_ascii_case(person));
        let why = if is_lead { OwnerReason::StaffToLead } else { OwnerReason::StaffToOther };
        return (Owner::person(department, person), why);
    }
    let Some(found) = routing.department(department) else {
        return (Owner::department(department), OwnerReason::WholeDepartment);
    };
    if privacy == Privacy::Staff {
        let management = found.role == Some(Role::Management);
        let why = if management { OwnerReason::StaffToManagement } else { OwnerReason::StaffToOther };
        return (Owner::department(department), why);
    }
    let away = (Owner::department(department), OwnerReason::EverybodyAway);
    turn(around, found, &barred).unwrap_or(away)
}

/// Who takes over a case that the present owner failed; `None` if nobody is left, so that it stays.
pub(super) fn next(around: Around<'_>, case: &Case) -> Option<(Owner, OwnerReason)> {
    let routing = around.routing;
    let management = routing.with_role(Role::Management);
    if management.is_some_and(|m| case.owner == Owner::department(&m.key)) {
        return None;
    }
    let mut failed = case.failed.clone();
    failed.push(case.owner.clone());
    let barred = Barred { failed: &failed, kept_from: &case.kept_from };
    if case.privacy != Privacy::Staff {
        if let Some(own) = routing.department(&case.owner.department)
            && own.role != Some(Role::Management)
            && let Some((owner, _)) = turn(around, own, &barred)
        {
            return Some((owner, OwnerReason::AnotherMember));
        }
        let categories = std::iter::once(case.category).chain(case.also.iter().copied());
        for category in categories.filter(|_| case.privacy == Privacy::Usual) {
            if let Some(other) = handler(routing, category)
                && let Some((owner, _)) = turn(around, other, &barred)
            {
                return Some((owner, OwnerReason::AnotherDepartment(category)));
            }
        }
    }
    let community = routing.with_role(Role::Community);
    let leads = routing.departments.iter().filter_map(|d| Some((d, d.lead.as_deref()?)));
    let whole = |d: &Department| (!barred.department(d)).then(|| Owner::department(&d.key));
    management
        .and_then(whole)
        .or_else(|| community.and_then(whole))
        .or_else(|| {
            let mut leads = leads.filter(|(_, lead)| !barred.person(routing, lead));
            leads.next().map(|(d, lead)| Owner::person(&d.key, lead))
        })
        .or_else(|| routing.departments.iter().find_map(whole))
        .map(|owner| (owner, OwnerReason::NobodyLeft))
}

/// The department that handles a category, unless it is where leftovers go anyway.
fn handler(routing: &Routing, category: Category) -> Option<&Department> {
    routing.departments.iter().find(|d| d.handles.contains(&category) && d.role.is_none())
}

/// Whose turn it is in a department; `None` if everybody who may have it is away, or nobody may.
fn turn(around: Around<'_>, department: &Department, barred: &Barred<'_>) -> Option<(Owner, OwnerReason)> {
    let takes_turns = department.turns != Turns::Off && department.role != Some(Role::Management);
    if department.members.is_empty() || !takes_turns {
        return (!barred.department(department))
            .then(|| (Owner::department(&department.key), OwnerReason::WholeDepartment));
    }
    // Work begins when the office opens: who is away now may be there then, and the other way round.
    let start = department.office.opens(around.now).unwrap_or(around.now);
    let mut free: Vec<&Member> = department
        .members
        .iter()
        .filter(|m| !barred.person(around.routing, &m.email) && !is_away(department, m, start))
        .collect();
    if free.iter().any(|m| works(department, m, start)) {
        free.retain(|m| works(department, m, start));
    }
    let load = |m: &Member| around.loads.get(&m.email.to_lowercase()).copied().unwrap_or_default();
    // `min_by_key` takes the first of equals: the order of the configuration.
    let (member, why) = match department.turns {
        Turns::LeastOpen => {
            let key = |m: &&&Member| {
                let Load { open, last } = load(m);
                (open, last)
            };
            (free.iter().min_by_key(key)?, OwnerReason::FewestCases)
        }
        Turns::RoundRobin | Turns::Off => (free.iter().min_by_key(|m| load(m).last)?, OwnerReason::NextInTurn),
    };
    Some((Owner::person(&department.key, &member.email), why))
}

/// Whether a person is away on that day, wherever they are a member.
pub(super) fn is_absent(routing: &Routing, email: &str, at: Timestamp) -> bool {
    routing.departments.iter().any(|d| d.member(email).is_some_and(|m| is_away(d, m, at)))
}

fn is_away(department: &Department, member: &Member, at: Timestamp) -> bool {
    let day = department.office.date(at);
    member.away.iter().any(|off| off.covers(day))
}

fn works(department: &Department, member: &Member, at: Timestamp) -> bool {
    member.hours.as_ref().is_none_or(|hours| {
        let own = crate::schedule::office::Office { week: hours.clone(), ..department.office.clone() };
        own.is_open(at)
    })
}
