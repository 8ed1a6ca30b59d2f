//! `[departments.NAME]` and `[[routes]]`: who is told, and which mention goes to whom.

use std::collections::HashMap;
use std::time::Duration;

use super::diagnostic::{Findings, Span};
use super::edges::DaemonSettings;
use super::keys::{DEPARTMENT, MEMBER, ROUTE};
use super::reader::Reader;
use super::section::{Section, checked, did_you_mean};
use super::tree::{Table, Value};
use super::{addresses, values, zone};
use crate::model::{Category, Deliver};
use crate::query::Scope;
use crate::routing::{CONFIRM_AFTER, Department, Member, Role, Route, Turns};
use crate::schedule::office::{Allowance, Office, Week};

/// Departments with their places, and the names of all, the broken ones included.
pub(super) struct Departments<'t> {
    pub(super) list: Vec<(Department, Span)>,
    pub(super) names: HashMap<&'t str, Span>,
}

impl Departments<'_> {
    /// Warns if what waits for a digest or a meeting would wait for ever: neither the department nor the community
    /// manager, who gets what nobody else does, has such mail.
    fn doubt_collected(&self, deliver: Deliver, department: &str, at: Span, found: &mut Findings) {
        let has = |d: &Department| match deliver {
            Deliver::Digest => d.digest.is_some(),
            Deliver::Meeting => d.meeting.is_some() || d.digest.is_some(),
            Deliver::Now | Deliver::None => true,
        };
        let reached = |(d, _): &(Department, Span)| (d.key == department || d.role == Some(Role::Community)) && has(d);
        if self.list.iter().any(reached) || !self.list.iter().any(|(d, _)| d.key == department) {
            return;
        }
        let key =
            if deliver == Deliver::Digest { "digest = \"daily 09:00\"" } else { "meeting = \"weekly Tue 10:00\"" };
        found.warning(at, format!("what waits for it is never mailed: `{department}` does not say when")).help(
            format!("add {key} to [departments.{department}]; until then `mentiond mentions` lists such mentions"),
        );
    }
}

/// Reads all `[departments.NAME]`.
pub(super) fn departments<'t>(root: &'t Table, daemon: &DaemonSettings, reader: &mut Reader<'_>) -> Departments<'t> {
    let entries = reader.named(root, "departments");
    let names = entries.iter().map(|e| (e.key.as_str(), e.at)).collect();
    let mut owners: HashMap<Category, (&str, Span)> = HashMap::new();
    let mut list = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(section) = Section::open(&entry.node, &DEPARTMENT, &mut reader.found) else { continue };
        let handles = handles(&section, &entry.key, &mut owners, reader);
        let members = members(&section, reader);
        let found = &mut reader.found;
        let email = section
            .required("email", "email = \"support@example.com\"", found)
            .and_then(|text| checked(text, addresses::address, found));
        let name = section.text("name", found).map_or(entry.key.as_str(), |text| text.value.trim());
        let role = section.choice("role", &[("management", Role::Management), ("community", Role::Community)], found);
        let lead = section.parsed("lead", addresses::address, found);
        if let Some(lead) = lead.as_deref()
            && members.iter().any(|m| m.email.eq_ignore_ascii_case(lead))
        {
            found
                .warning(section.place("lead"), format!("`{lead}` leads this department and takes turns in it as a member"))
                .help("if that is meant, leave it: their own overdue cases go straight to management, for nobody is reminded twice");
        }
        let language = section.parsed("language", values::language, found).unwrap_or_else(|| daemon.language.clone());
        let week = section.parsed("hours", values::hours, found).unwrap_or_else(Week::always);
        let zone = section.parsed("timezone", zone::zone, found).unwrap_or_else(|| daemon.timezone.clone());
        let mut closed = daemon.holidays.clone();
        closed.extend(section.parsed_list("holidays", values::days_off, found));
        let office = Office { zone, week, closed };
        let turns = [("round-robin", Turns::RoundRobin), ("least-open", Turns::LeastOpen), ("off", Turns::Off)];
        let turns = section.choice("turns", &turns, found).unwrap_or_default();
        let deadline = Duration::from_secs(60)..=Duration::from_secs(365 * 24 * 60 * 60);
        let mut clock = |key| {
            let length = section.duration(key, deadline.clone(), "1m to 365d", found)?;
            let allowance = section.text(key, found).and_then(|text| values::allowance(text.value).ok())?;
            Some((length, allowance))
        };
        let (acknowledge, resolve) = (clock("acknowledge_within"), clock("resolve_within"));
        let confirm_after = clock("confirm_after").map_or(CONFIRM_AFTER, |(_, allowance)| allowance);
        if let (Some((first, _)), Some((last, _))) = (acknowledge, resolve)
            && first > last
        {
            found.warning(section.place("acknowledge_within"), "`acknowledge_within` is longer than `resolve_within`");
        }
        let allowance = |clock: Option<(Duration, Allowance)>| clock.map(|(_, allowance)| allowance);
        let digest = section.parsed("digest", values::rhythm, found);
        let meeting = section.parsed("meeting", values::rhythm, found);
        if let Some(email) = email {
            let department = Department {
                key: entry.key.clone(),
                name: name.to_owned(),
                email,
                role,
                members,
                lead,
                handles,
                language,
                office,
                turns,
                acknowledge_within: allowance(acknowledge),
                resolve_within: allowance(resolve),
                confirm_after,
                digest,
                meeting,
            };
            list.push((department, entry.at));
        }
    }
    Departments { list, names }
}

/// Reads all `[[routes]]`, in the order in which they decide.
pub(super) fn routes(root: &Table, departments: &Departments<'_>, reader: &mut Reader<'_>) -> Vec<Route> {
    let Some(entry) = root.get("routes") else { return Vec::new() };
    let Value::List(items) = &entry.node.value else {
        let kind = entry.node.value.kind();
        reader
            .found
            .error(entry.at, format!("`routes` must be a list of tables, but is {kind}"))
            .help("start each route with a line [[routes]]");
        return Vec::new();
    };
    let mut routes = Vec::with_capacity(items.len());
    for node in items {
        let Some(section) = Section::open(node, &ROUTE, &mut reader.found) else { continue };
        let when = section.required("when", "when = 'category:refund'", &mut reader.found);
        let query = when.zip(section.get("when")).and_then(|(text, node)| reader.query(text, node, Scope::Route));
        let department = section.required("department", "department = \"…\"", &mut reader.found);
        let department = department.filter(|text| reader.is_defined(*text, "department", &departments.names));
        let mut copy: Vec<String> = Vec::new();
        for text in section.list("copy", &mut reader.found).unwrap_or_default() {
            if !reader.is_defined(text, "department", &departments.names) {
                continue;
            }
            if department.is_some_and(|owner| owner.value == text.value) || copy.iter().any(|c| c == text.value) {
                reader.found.warning(text.span, format!("`{}` gets this already and is told once", text.value));
            } else {
                copy.push(text.value.to_owned());
            }
        }
        let words = [
            ("now", Deliver::Now),
            ("digest", Deliver::Digest),
            ("meeting", Deliver::Meeting),
            ("none", Deliver::None),
        ];
        let deliver = section.choice("deliver", &words, &mut reader.found).unwrap_or(Deliver::Now);
        if let Some(department) = department {
            departments.doubt_collected(deliver, department.value, section.place("deliver"), &mut reader.found);
        }
        let case = section.boolean("case", &mut reader.found).unwrap_or(false);
        if let (Some(query), Some(when), Some(department)) = (query, when, department) {
            routes.push(Route {
                when: query,
                when_source: when.value.to_owned(),
                department: department.value.to_owned(),
                copy,
                deliver,
                case,
                at: reader.files.at(node.span),
            });
        }
    }
    routes
}

/// `handles`: each category belongs to one department.
fn handles<'t>(
    section: &Section<'t>,
    department: &'t str,
    owners: &mut HashMap<Category, (&'t str, Span)>,
    reader: &mut Reader<'_>,
) -> Vec<Category> {
    let mut handles = Vec::new();
    for text in section.list("handles", &mut reader.found).unwrap_or_default() {
        let Some(category) = Category::parse(text.value) else {
            let known: Vec<&str> = Category::ALL.iter().map(|c| c.as_str()).collect();
            let all = format!("known: {}", known.join(", "));
            reader
                .found
                .error(text.span, format!("there is no category `{}`", text.value))
                .help(did_you_mean(text.value, &known, &all));
            continue;
        };
        match owners.get(&category) {
            Some((owner, _)) if *owner == department => {}
            Some((owner, first)) => {
                let message =
                    format!("`{category}` is handled by department `{owner}` already", category = category.as_str());
                let first = *first;
                reader
                    .found
                    .error(text.span, message)
                    .help("one owner each: take it out of one of the two, or let a route send copies")
                    .see(first, "the first");
            }
            None => {
                owners.insert(category, (department, text.span));
                handles.push(category);
            }
        }
    }
    handles
}

fn members(section: &Section<'_>, reader: &mut Reader<'_>) -> Vec<Member> {
    let Some(node) = section.get("members") else { return Vec::new() };
    let Value::List(items) = &node.value else {
        reader
            .found
            .error(node.span, format!("`members` must be a list of people, but is {}", node.value.kind()))
            .help("write members = [{ name = \"Ana Ruiz\", email = \"ana@example.com\" }]");
        return Vec::new();
    };
    let mut members = Vec::new();
    let mut seen: HashMap<String, Span> = HashMap::new();
    for item in items {
        let Some(person) = Section::open(item, &MEMBER, &mut reader.found) else { continue };
        let email = person
            .required("email", "email = \"ana@example.com\"", &mut reader.found)
            .and_then(|text| checked(text, addresses::address, &mut reader.found));
        let name = person.required("name", "name = \"Ana Ruiz\"", &mut reader.found);
        let hours = person.parsed("hours", values::hours, &mut reader.found);
        let away = person.parsed_list("away", values::days_off, &mut reader.found);
        if let (Some(email), Some(name)) = (email, name) {
            if let Some(first) = seen.insert(email.to_lowercase(), person.place("email")) {
                reader
                    .found
                    .error(person.place("email"), format!("`{email}` is a member of this department already"))
                    .help("one person, one address: what they do could not be told apart, and one of them would have every second turn; take one out, or let the department's `email` be the shared address")
                    .see(first, "the first");
                continue;
            }
            members.push(Member { name: name.value.trim().to_owned(), email, hours, away });
        }
    }
    members
}
