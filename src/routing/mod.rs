//! Routing: which department owns a mention, who gets copies, and why.

mod refund;
mod staff;

use crate::model::{Category, Decision, Deliver, Owner, Privacy, SentimentLabel, Severity};
use crate::query::{Document, Facts, Query, themes_numbered};
use crate::schedule::office::{Allowance, DaysOff, Office, Week};
use crate::schedule::rhythm::Rhythm;

pub use refund::{RefundRule, refund_advice};
pub use staff::praised;

/// When "is the customer satisfied?" is asked where a department does not say: three office days after the answer.
pub const CONFIRM_AFTER: Allowance = Allowance::days(3);

/// A person in a department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub email: String,
    /// When this person works, if not whenever the department does.
    pub hours: Option<Week>,
    pub away: Vec<DaysOff>,
}

/// How members of a department share its cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turns {
    /// Whoever had no new case for the longest time.
    #[default]
    RoundRobin,
    /// Whoever has the fewest open cases.
    LeastOpen,
    /// Nobody in particular: a case is the whole department's until somebody takes it.
    Off,
}

/// Where extremes, escalations and leftovers go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Management,
    Community,
}

/// A team that receives mail.
#[derive(Clone, Debug, PartialEq)]
pub struct Department {
    pub key: String,
    pub name: String,
    pub email: String,
    pub role: Option<Role>,
    pub members: Vec<Member>,
    pub lead: Option<String>,
    pub handles: Vec<Category>,
    /// Mail language: `en`, `es`, `pt`, `da`.
    pub language: String,
    /// Office hours, days off and time zone; always open unless configured.
    pub office: Office,
    pub turns: Turns,
    pub acknowledge_within: Option<Allowance>,
    pub resolve_within: Option<Allowance>,
    /// From an answer until the question whether the customer is satisfied.
    pub confirm_after: Allowance,
    /// When its digest comes; management gets the management summary then.
    pub digest: Option<Rhythm>,
    /// When its team meets; the report for the meeting comes some hours before.
    pub meeting: Option<Rhythm>,
}

impl Department {
    /// A department of which only key and address are known; its name is the key, its language English.
    pub fn new(key: &str, email: &str) -> Self {
        Self {
            key: key.to_owned(),
            name: key.to_owned(),
            email: email.to_owned(),
            role: None,
            members: Vec::new(),
            lead: None,
            handles: Vec::new(),
            language: "en".to_owned(),
            office: Office::always(jiff::tz::TimeZone::UTC),
            turns: Turns::default(),
            acknowledge_within: None,
            resolve_within: None,
            confirm_after: CONFIRM_AFTER,
            digest: None,
            meeting: None,
        }
    }

    /// The member with that mail address.
    pub fn member(&self, email: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.email.eq_ignore_ascii_case(email))
    }

    /// Whether mail to this address reaches somebody of the department: its own address, a member's, or its lead's.
    pub fn reads(&self, email: &str) -> bool {
        self.email.eq_ignore_ascii_case(email)
            || self.member(email).is_some()
            || self.lead.as_deref().is_some_and(|lead| lead.eq_ignore_ascii_case(email))
    }
}

/// A rule that sends a mention to a department.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    pub when: Query,
    /// The query as written.
    pub when_source: String,
    /// Key of the owner department.
    pub department: String,
    pub copy: Vec<String>,
    pub deliver: Deliver,
    pub case: bool,
    /// Where it stands, for reasons: `mentiond.toml:41`.
    pub at: String,
}

/// Departments and routes, checked: every key named exists.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Routing {
    pub departments: Vec<Department>,
    pub routes: Vec<Route>,
}

/// A route that was asked whether it takes a mention.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried<'a> {
    /// Counted from 1.
    pub number: usize,
    pub route: &'a Route,
    pub takes: bool,
    /// Conditions that do not hold, as they are printed.
    pub unmet: Vec<String>,
}

impl Routing {
    /// Decides where a mention goes: the first route that takes it, then the department that handles its category, then
    /// the community role; extremes of praise or anger also to management. `document.facts` must be there.
    pub fn decide(&self, document: &Document<'_>) -> Decision {
        let mut decision = self.owner(document);
        let category = document.facts.as_ref().map_or(Category::Other, |facts| facts.category);
        if category == Category::Staff {
            self.keep_private(document.title, document.text, &mut decision);
        } else if category == Category::Member {
            decision.privacy = Privacy::Member;
        }
        if let (Some(facts), Some(board)) = (&document.facts, self.with_role(Role::Management))
            && let Some(extreme) = extreme(facts)
            && decision.department != board.key
            && !decision.copy.contains(&board.key)
            && decision.deliver != Deliver::None
            && !decision.is_kept_from(&board.email)
        {
            decision.copy.push(board.key.clone());
            decision.why.push_str(&format!("; {extreme}: copy to management"));
        }
        decision
    }

    /// Which route takes a mention, and why each one before it does not; in order, up to the one that takes it.
    pub fn tried(&self, document: &Document<'_>) -> Vec<Tried<'_>> {
        let mut tried = Vec::new();
        for (number, route) in (1..).zip(&self.routes) {
            let takes = route.when.evaluate(document).is_some();
            let unmet = if takes { Vec::new() } else { route.when.unmet(document) };
            tried.push(Tried { number, route, takes, unmet });
            if takes {
                break;
            }
        }
        tried
    }

    /// The department of that key.
    pub fn department(&self, key: &str) -> Option<&Department> {
        self.departments.iter().find(|d| d.key == key)
    }

    /// `Ana Ruiz, Customer Service`, or the department's name.
    pub fn owner_name(&self, owner: &Owner) -> String {
        let department = self.department(&owner.department).map_or(owner.department.as_str(), |d| &d.name);
        match &owner.person {
            Some(person) => format!("{}, {department}", self.person_name(person).unwrap_or(person)),
            None => department.to_owned(),
        }
    }

    /// The name behind a mail address: a member's, or a department's.
    pub fn person_name(&self, address: &str) -> Option<&str> {
        let member = self.departments.iter().find_map(|d| d.member(address)).map(|m| m.name.as_str());
        let department = || self.departments.iter().find(|d| d.email.eq_ignore_ascii_case(address));
        member.or_else(|| department().map(|d| d.name.as_str()))
    }

    fn owner(&self, document: &Document<'_>) -> Decision {
        for (number, route) in (1..).zip(&self.routes) {
            if route.when.evaluate(document).is_some() {
                return Decision {
                    department: route.department.clone(),
                    copy: route.copy.iter().filter(|key| **key != route.department).cloned().collect(),
                    deliver: route.deliver,
                    case: route.case,
                    person: None,
                    privacy: Privacy::Usual,
                    kept_from: Vec::new(),
                    why: format!("route {number} ({}): {}{}", route.at, route.when_source, of_theme(route, document)),
                };
            }
        }
        let category = document.facts.as_ref().map_or(Category::Other, |facts| facts.category);
        let deliver = default_delivery(category);
        let case = category.is_grievance() || category == Category::Question;
        let decision = |department: &Department, why| Decision {
            department: department.key.clone(),
            copy: Vec::new(),
            deliver,
            case,
            person: None,
            privacy: Privacy::Usual,
            kept_from: Vec::new(),
            why,
        };
        if let Some(department) = self.departments.iter().find(|d| d.handles.contains(&category)) {
            // Somebody asked for this category by name, so even spam is worth their mail.
            return Decision {
                deliver: Deliver::Now,
                ..decision(department, format!("handles {}", category.as_str()))
            };
        }
        match self.with_role(Role::Community) {
            Some(community) => decision(community, format!("nobody handles {}: community", category.as_str())),
            None => Decision {
                department: String::new(),
                copy: Vec::new(),
                deliver: Deliver::None,
                case: false,
                person: None,
                privacy: Privacy::Usual,
                kept_from: Vec::new(),
                why: format!("nobody handles {} and no department has the community role", category.as_str()),
            },
        }
    }

    /// The department with that role; the first if several have it.
    pub fn with_role(&self, role: Role) -> Option<&Department> {
        self.departments.iter().find(|d| d.role == Some(role))
    }
}

/// The theme that was found, if the route took the mention because of one: ` [of theme #12]`.
fn of_theme(route: &Route, document: &Document<'_>) -> String {
    let numbers = themes_numbered(&route.when_source);
    if numbers.is_empty() {
        return String::new();
    }
    let themes = document.facts.as_ref().map_or(&[][..], |facts| facts.themes);
    let of = numbers.iter().find(|(number, _)| themes.contains(&format!("#{number}").as_str()));
    of.map(|(number, _)| format!(" [of theme #{number}]")).unwrap_or_default()
}

/// Extremes of praise or anger go to management too.
fn extreme(facts: &Facts<'_>) -> Option<&'static str> {
    if facts.category == Category::Spam {
        None
    } else if facts.severity == Severity::Critical {
        Some("critical")
    } else if facts.sentiment == SentimentLabel::VeryNegative && facts.severity >= Severity::High {
        Some("very angry, and high")
    } else if facts.sentiment == SentimentLabel::VeryPositive && facts.category == Category::Praise {
        Some("great praise")
    } else {
        None
    }
}

/// What nobody asked for by name: spam and abuse need no answer, so they are kept in the record without a mail.
fn default_delivery(category: Category) -> Deliver {
    match category {
        Category::Spam | Category::Abuse => Deliver::None,
        _ => Deliver::Now,
    }
}
