//! Complaints about an employee: they go to the lead of the department concerned, or to management, never to the
//! department's shared address and never to the person named. A lead who is no member is known by their address, if that
//! is a name (`ana.lopez@example.com`).

use super::{Department, Member, Role, Routing};
use crate::model::{Decision, Privacy};
use crate::text::fold::{fold, is_word};

/// Letters that a name needs to be looked for in a text.
const MIN_NAME: usize = 3;

/// Members who are recognisably named in praise: by their whole name, or by the first one together with the name of
/// their department. A first name alone is not enough here: a copy to every Ana of the company would tell the others
/// what was written about one of them.
pub fn praised<'r>(routing: &'r Routing, title: &str, text: &str) -> Vec<(&'r Department, &'r Member)> {
    let text = fold(&format!("{title} {text}"));
    let mut found: Vec<(&Department, &Member)> = Vec::new();
    for department in &routing.departments {
        let called = fold(department.name.trim());
        let in_department = called.chars().count() >= MIN_NAME && has_words(&text, &called);
        for member in &department.members {
            let name = fold(member.name.trim());
            let mut parts = name.split_whitespace();
            let (first, more) = (parts.next().unwrap_or(""), parts.next().is_some());
            let whole = more && has_words(&text, &name);
            let by_first = in_department && first.chars().count() >= MIN_NAME && has_words(&text, first);
            if (whole || by_first) && !found.iter().any(|(_, m)| m.email.eq_ignore_ascii_case(&member.email)) {
                found.push((department, member));
            }
        }
    }
    found
}

impl Routing {
    /// Names of the employees whom a text names, by the whole name or the first; each once, in the order of the
    /// configuration.
    pub fn employees_named(&self, title: &str, text: &str) -> Vec<String> {
        let text = fold(&format!("{title} {text}"));
        let mut names: Vec<String> = Vec::new();
        for member in self.departments.iter().flat_map(|d| &d.members).filter(|m| is_named(&text, &m.name)) {
            if !names.contains(&member.name) {
                names.push(member.name.clone());
            }
        }
        names
    }

    /// Names of all employees: of members, and of leads whose address is a name.
    pub fn employees(&self) -> Vec<String> {
        let members = self.departments.iter().flat_map(|d| &d.members).map(|m| m.name.clone());
        let leads = self.departments.iter().filter_map(|d| name_of(d, d.lead.as_deref()?));
        members.chain(leads).collect()
    }

    /// Turns the decision about a post to one that only leads and management hear of: it was found, or somebody said, to
    /// be a complaint about an employee.
    pub fn keep_private(&self, title: &str, text: &str, decision: &mut Decision) {
        decision.privacy = Privacy::Staff;
        let text = fold(&format!("{title} {text}"));
        let members = self.departments.iter().flat_map(|d| d.members.iter().map(move |m| (d, m)));
        let leads =
            self.departments.iter().filter_map(|d| Some((d, d.lead.as_deref()?, name_of(d, d.lead.as_deref()?)?)));
        let named: Vec<(&Department, &str)> = members
            .filter(|(_, m)| is_named(&text, &m.name))
            .map(|(d, m)| (d, m.email.as_str()))
            .chain(leads.filter(|(_, _, name)| has_words(&text, name)).map(|(d, lead, _)| (d, lead)))
            .collect();
        // The department concerned is the one in which the person named works; if nobody is named, the one that the route
        // or the category led to.
        let concerned: Vec<&Department> = match named.as_slice() {
            [] => self.department(&decision.department).into_iter().collect(),
            named => named.iter().map(|(d, _)| *d).collect(),
        };
        let mut kept_from: Vec<String> = named.iter().map(|(_, email)| email.to_lowercase()).collect();
        let routed = self.department(&decision.department);
        for department in concerned.iter().copied().chain(routed) {
            let works_there = named.iter().any(|(d, _)| d.key == department.key);
            if works_there || department.role != Some(Role::Management) {
                kept_from.push(department.email.to_lowercase());
            }
        }
        // Whoever is named reads the mail of every department that they are in.
        for department in &self.departments {
            if department.members.iter().any(|m| kept_from.iter().any(|k| m.email.eq_ignore_ascii_case(k))) {
                kept_from.push(department.email.to_lowercase());
            }
        }
        kept_from.sort();
        kept_from.dedup();
        let free = |email: &str| !kept_from.iter().any(|k| k.eq_ignore_ascii_case(email));

        let lead = concerned.iter().find_map(|d| Some((*d, d.lead.as_deref().filter(|l| free(l))?)));
        let whole = |role| self.with_role(role).filter(|d: &&Department| free(&d.email)).map(|d| (d, None));
        let chosen = lead
            .map(|(department, lead)| (department, Some(lead)))
            .or_else(|| whole(Role::Management))
            .or_else(|| whole(Role::Community))
            .or_else(|| self.departments.iter().find_map(|d| Some((d, Some(d.lead.as_deref().filter(|l| free(l))?)))))
            .or_else(|| {
                // A colleague is better than nobody, and than the address that the person named reads.
                let mut all = self.departments.iter().flat_map(|d| d.members.iter().map(move |m| (d, m)));
                all.find(|(_, m)| free(&m.email)).map(|(d, m)| (d, Some(m.email.as_str())))
            });
        decision.kept_from = kept_from;
        if let Some((department, person)) = chosen {
            decision.department = department.key.clone();
            decision.person = person.map(str::to_owned);
        } else {
            // The only address there is: keeping it from itself would lose the complaint.
            decision.kept_from.retain(|k| routed.is_none_or(|d| !d.email.eq_ignore_ascii_case(k)));
        }
        let (owner, person) = (&decision.department, &decision.person);
        let kept = &decision.kept_from;
        decision.copy.retain(|key| {
            self.department(key).is_some_and(|d| {
                let told = person.as_deref().is_some_and(|p| p.eq_ignore_ascii_case(&d.email));
                d.key != *owner && !told && !kept.iter().any(|k| k.eq_ignore_ascii_case(&d.email))
            })
        });
    }
}

/// The folded name that an address gives away, as `ana.lopez@` does. That of a role (`lead@`, `customer.service@` of
/// Customer Service) is none.
fn name_of(department: &Department, address: &str) -> Option<String> {
    let local = address.split_once('@')?.0;
    let parts: Vec<String> = local.split(['.', '_', '-']).map(fold).collect();
    let called = fold(&format!("{} {}", department.key, department.name));
    let is_name =
        |part: &String| part.chars().count() >= 2 && part.chars().all(char::is_alphabetic) && !has_words(&called, part);
    (parts.len() >= 2 && parts.iter().all(is_name)).then(|| parts.join(" "))
}

/// Whether a folded text names somebody: by the whole name, or by the first one, which is what a customer knows.
fn is_named(text: &str, name: &str) -> bool {
    let name = fold(name.trim());
    let first = name.split_whitespace().next().unwrap_or("");
    [name.as_str(), first].iter().any(|name| name.chars().count() >= MIN_NAME && has_words(text, name))
}

fn has_words(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + words.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Category, SentimentLabel, Severity};
    use crate::query::{Document, Facts};
    use crate::routing::Member;

    fn member(name: &str, email: &str) -> Member {
        Member { name: name.into(), email: email.into(), hours: None, away: Vec::new() }
    }

    fn teams() -> Routing {
        let mut support = Department::new("support", "support@example.com");
        support.members = vec![member("Ana Ruiz", "ana@example.com"), member("Søren Bo", "soren@example.com")];
        support.lead = Some("lead@example.com".into());
        support.handles = vec![Category::Staff];
        let mut shop = Department::new("shop", "shop@example.com");
        shop.members = vec![member("Eva Lund", "eva@example.com")];
        let board = Department { role: Some(Role::Management), ..Department::new("board", "board@example.com") };
        let community = Department { role: Some(Role::Community), ..Department::new("community", "cm@example.com") };
        Routing { departments: vec![support, shop, board, community], routes: Vec::new() }
    }

    fn decide(routing: &Routing, text: &str) -> Decision {
        let facts = Facts {
            category: Category::Staff,
            categories: &[],
            severity: Severity::High,
            sentiment: SentimentLabel::VeryNegative,
            flags: &[],
            watchlists: &[],
            themes: &[],
        };
        routing.decide(&Document { text, facts: Some(facts), ..Document::default() })
    }

    #[test]
    fn complaint_about_staff_goes_to_the_lead_never_to_the_shared_address_or_the_person_named() {
        let teams = teams();
        for (text, department, person, kept) in [
            ("The man on the phone was rude.", "support", Some("lead@example.com"), &["support@example.com"][..]),
            ("Ana was rude.", "support", Some("lead@example.com"), &["ana@example.com", "support@example.com"]),
            (
                "SOREN BO laughed at me",
                "support",
                Some("lead@example.com"),
                &["soren@example.com", "support@example.com"],
            ),
            // The shop has no lead: management.
            (
                "Eva Lund in the shop insulted me",
                "board",
                None,
                &["eva@example.com", "shop@example.com", "support@example.com"],
            ),
            // Part of another word is no name.
            ("A banana manager", "support", Some("lead@example.com"), &["support@example.com"]),
        ] {
            let decision = decide(&teams, text);
            assert_eq!((decision.department.as_str(), decision.person.as_deref()), (department, person), "{text}");
            assert_eq!(decision.kept_from, kept, "{text}");
            assert_eq!(decision.privacy, Privacy::Staff);
            assert!(decision.copy.iter().all(|c| c == "board"), "{text}: {:?}", decision.copy);
        }
    }

    #[test]
    fn a_complaint_about_the_lead_goes_to_management() {
        let mut teams = teams();
        teams.departments[0].members.push(member("Leo Diaz", "lead@example.com"));
        let decision = decide(&teams, "Leo Diaz hung up on me");
        assert_eq!((decision.department.as_str(), decision.person), ("board", None));
    }

    #[test]
    fn a_lead_who_is_no_member_is_known_by_their_address() {
        let mut teams = teams();
        for (lead, text, goes_to) in [
            ("paula.leith@example.com", "Your boss Paula Leith shouted at me", ("board", None)),
            ("jose_maria.nunez@example.com", "José María Núñez me gritó", ("board", None)),
            ("paula.leith@example.com", "Paula shouted at me", ("support", Some("paula.leith@example.com"))),
            // Roles are no names.
            (
                "support.lead@example.com",
                "The support lead shouted at me",
                ("support", Some("support.lead@example.com")),
            ),
            ("lead@example.com", "The lead shouted at me", ("support", Some("lead@example.com"))),
        ] {
            teams.departments[0].lead = Some(lead.into());
            let decision = decide(&teams, text);
            assert_eq!((decision.department.as_str(), decision.person.as_deref()), goes_to, "{lead}: {text}");
            assert_eq!(decision.is_kept_from(lead), goes_to.1.is_none(), "{lead}");
        }
        teams.departments[0].lead = Some("paula.leith@example.com".into());
        assert_eq!(teams.employees(), ["Ana Ruiz", "Søren Bo", "Eva Lund", "paula leith"]);
    }

    #[test]
    fn who_is_in_management_does_not_read_the_complaint_about_them() {
        let mut teams = teams();
        teams.departments[0].lead = None;
        teams.departments[2].members = vec![member("Ana Ruiz", "ana@example.com")];
        let decision = decide(&teams, "Ana was rude.");
        assert!(decision.is_kept_from("board@example.com") && !decision.copy.contains(&"board".to_owned()));
        assert_eq!((decision.department.as_str(), decision.person), ("community", None));
    }

    #[test]
    fn without_lead_and_management_a_colleague_hears_of_it_and_never_the_shared_address() {
        let mut teams = teams();
        teams.departments.truncate(1);
        teams.departments[0].lead = None;
        let decision = decide(&teams, "Ana was rude.");
        assert_eq!(decision.person.as_deref(), Some("soren@example.com"));
        // One shop, one address: it is told, for nobody else could be.
        teams.departments[0].members.clear();
        let decision = decide(&teams, "The man was rude.");
        assert_eq!((decision.department.as_str(), decision.person.as_deref()), ("support", None));
        assert!(!decision.is_kept_from("support@example.com"));
    }
}
