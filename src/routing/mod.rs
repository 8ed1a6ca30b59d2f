//! Routing: which department owns a mention, who gets copies, and why.

use std::time::Duration;

use crate::model::{Category, Decision, Deliver, SentimentLabel, Severity};
use crate::query::{Document, Facts, Query};

/// A person in a department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub email: String,
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
    /// Office hours as written, `Mon-Fri 09:00-18:00`; checked for form.
    pub hours: Option<String>,
    pub acknowledge_within: Option<Duration>,
    pub resolve_within: Option<Duration>,
    /// `daily 09:00` or `weekly Mon 09:00`; checked for form.
    pub digest: Option<String>,
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

impl Routing {
    /// Decides where a mention goes: the first route that takes it, then the department that handles its category, then
    /// the community role; extremes of praise or anger also to management. `document.facts` must be there.
    pub fn decide(&self, document: &Document<'_>) -> Decision {
        let mut decision = self.owner(document);
        if let (Some(facts), Some(board)) = (&document.facts, self.with_role(Role::Management))
            && let Some(extreme) = extreme(facts)
            && decision.department != board.key
            && !decision.copy.contains(&board.key)
            && decision.deliver != Deliver::None
        {
            decision.copy.push(board.key.clone());
            decision.why.push_str(&format!("; {extreme}: copy to management"));
        }
        decision
    }

    /// The department of that key.
    pub fn department(&self, key: &str) -> Option<&Department> {
        self.departments.iter().find(|d| d.key == key)
    }

    fn owner(&self, document: &Document<'_>) -> Decision {
        for (number, route) in (1..).zip(&self.routes) {
            if route.when.evaluate(document).is_some() {
                return Decision {
                    department: route.department.clone(),
                    copy: route.copy.iter().filter(|key| **key != route.department).cloned().collect(),
                    deliver: route.deliver,
                    case: route.case,
                    why: format!("route {number} ({}): {}", route.at, route.when_source),
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
                why: format!("nobody handles {} and no department has the community role", category.as_str()),
            },
        }
    }

    fn with_role(&self, role: Role) -> Option<&Department> {
        self.departments.iter().find(|d| d.role == Some(role))
    }
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
