//! `[tokens.NAME]`: programs that may use the API.

use super::keys::TOKEN;
use super::people::Departments;
use super::reader::Reader;
use super::section::{Section, did_you_mean};
use super::tree::Table;
use super::{addresses, secret};
use crate::model::{Scope, Token};
use crate::routing::Department;

/// Fewest characters of a token's secret: 24 of a random alphabet are beyond guessing.
const MIN_SECRET: usize = 24;

/// Reads all `[tokens.NAME]`.
pub(super) fn tokens(root: &Table, departments: &Departments<'_>, reader: &mut Reader<'_>) -> Vec<Token> {
    let people: Vec<&str> = departments.list.iter().flat_map(|(d, _)| addresses_of(d)).collect();
    let mut tokens: Vec<Token> = Vec::new();
    for entry in reader.named(root, "tokens") {
        let Some(section) = Section::open(&entry.node, &TOKEN, &mut reader.found) else { continue };
        if !section.has("secret") {
            section.missing("secret", "secret = { file = \"api-token\" }", &mut reader.found);
        }
        let secret = section.get("secret").and_then(|node| secret::read(node, "secret", reader));
        if let Some(value) = &secret {
            let place = section.place("secret");
            if value.expose().chars().count() < MIN_SECRET {
                reader
                    .found
                    .error(place, format!("the secret is shorter than {MIN_SECRET} characters: it could be guessed"))
                    .help("make one with: openssl rand -base64 32");
            } else if let Some(other) =
                tokens.iter().find(|t| t.secret.as_ref().is_some_and(|s| s.expose() == value.expose()))
            {
                let message = format!("this is the secret of `{}` too: nobody could tell them apart", other.name);
                reader.found.error(place, message).help("give each token a secret of its own");
            }
        }
        let scope = section.choice("scope", &[("read", Scope::Read), ("act", Scope::Act)], &mut reader.found);
        let mut only = Vec::new();
        for text in section.list("departments", &mut reader.found).unwrap_or_default() {
            if reader.is_defined(text, "department", &departments.names) && !only.iter().any(|d| d == text.value) {
                only.push(text.value.to_owned());
            }
        }
        let full = section.boolean("full", &mut reader.found).unwrap_or(false);
        let by = section.parsed("by", addresses::address, &mut reader.found);
        // Where a department is broken, whose address this is cannot be told.
        let whole = departments.list.len() == departments.names.len();
        if let Some(by) = by.as_deref().filter(|by| whole && !people.iter().any(|p| p.eq_ignore_ascii_case(by))) {
            let help = "name the address of a department, a member or a lead: cases are acted on in nobody else's name";
            reader
                .found
                .error(section.place("by"), format!("`{by}` is nobody's address in this configuration"))
                .help(did_you_mean(by, &people, help));
        }
        tokens.push(Token {
            name: entry.key.clone(),
            secret,
            scope: scope.unwrap_or(Scope::Read),
            departments: only,
            full,
            by,
        });
    }
    tokens
}

/// Whoever may act on cases.
fn addresses_of(department: &Department) -> impl Iterator<Item = &str> {
    let members = department.members.iter().map(|m| m.email.as_str());
    std::iter::once(department.email.as_str()).chain(members).chain(department.lead.as_deref())
}
