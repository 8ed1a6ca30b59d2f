//! Who may see what: everybody who is signed in sees the cases of all departments, but personal data only where they
//! take care of it; what is kept from somebody is not there for them.

use crate::model::{Case, Decision, Owner, Privacy};
use crate::routing::{Role, Routing};

/// How much of a mention or case somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    Full,
    /// As in a copy: personal data is masked, and nothing can be done.
    Masked,
    Hidden,
}

/// Whoever looks: a mail address, or `None` where the pages do not ask (`sign_in = false`, this machine only).
pub fn sight(who: Option<&str>, routing: &Routing, decision: &Decision, case: Option<&Case>) -> Sight {
    let Some(who) = who else { return Sight::Full };
    let kept = case.is_some_and(|c| c.kept_from.iter().any(|k| k.eq_ignore_ascii_case(who)));
    if kept || decision.is_kept_from(who) {
        return Sight::Hidden;
    }
    let routed = Owner { department: decision.department.clone(), person: decision.person.clone() };
    let owner = case.map_or(&routed, |case| &case.owner);
    let privacy = case.map_or(decision.privacy, |case| case.privacy);
    let has_role = |role| routing.with_role(role).is_some_and(|d| d.reads(who));
    let owns = owner.is(who);
    let department = routing.department(&owner.department);
    let reads = department.is_some_and(|d| d.reads(who));
    let (full, others) = match privacy {
        // One person's matter, or, where nobody is named, the department's that it was left to.
        Privacy::Staff => (owns || (owner.person.is_none() && reads) || has_role(Role::Management), Sight::Hidden),
        Privacy::Member => (owns || reads || has_role(Role::Management), Sight::Hidden),
        Privacy::Usual => (owns || reads || has_role(Role::Management) || has_role(Role::Community), Sight::Masked),
    };
    if full { Sight::Full } else { others }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Deliver;
    use crate::routing::{Department, Member};

    fn routing() -> Routing {
        let member = |name: &str| Member {
            name: name.into(),
            email: format!("{name}@example.com"),
            hours: None,
            away: Vec::new(),
        };
        let team = |key: &str, people: &[&str]| Department {
            members: people.iter().map(|p| member(p)).collect(),
            ..Department::new(key, &format!("{key}@example.com"))
        };
        let support = Department { lead: Some("lead@example.com".into()), ..team("support", &["ana", "tom"]) };
        let board = Department { role: Some(Role::Management), ..team("board", &["eva"]) };
        let community = Department { role: Some(Role::Community), ..team("community", &["kim"]) };
        Routing { departments: vec![support, team("shop", &["liv"]), board, community], routes: Vec::new() }
    }

    fn decision(privacy: Privacy, person: Option<&str>, kept_from: &[&str]) -> Decision {
        Decision {
            department: "support".into(),
            copy: Vec::new(),
            deliver: Deliver::Now,
            case: true,
            person: person.map(str::to_owned),
            privacy,
            kept_from: kept_from.iter().map(|k| (*k).to_owned()).collect(),
            why: String::new(),
        }
    }

    #[test]
    fn who_sees_what() {
        use Sight::{Full, Hidden, Masked};
        let routing = routing();
        let usual = decision(Privacy::Usual, None, &[]);
        let staff = decision(Privacy::Staff, Some("lead@example.com"), &["ana@example.com", "support@example.com"]);
        let leftover = decision(Privacy::Staff, None, &["ana@example.com"]);
        let member = decision(Privacy::Member, None, &[]);
        for (who, of_usual, of_staff, of_leftover, of_member) in [
            ("support", Full, Hidden, Full, Full),
            ("ANA", Full, Hidden, Hidden, Full),
            ("tom", Full, Hidden, Full, Full),
            ("lead", Full, Full, Full, Full),
            ("liv", Masked, Hidden, Hidden, Hidden),
            ("eva", Full, Full, Full, Full),
            ("kim", Full, Hidden, Hidden, Hidden),
            ("stranger", Masked, Hidden, Hidden, Hidden),
        ] {
            let email = format!("{who}@example.com");
            let seen = [&usual, &staff, &leftover, &member].map(|d| sight(Some(&email), &routing, d, None));
            assert_eq!(seen, [of_usual, of_staff, of_leftover, of_member], "{who}");
        }
        assert_eq!(sight(None, &routing, &staff, None), Full);
    }
}
