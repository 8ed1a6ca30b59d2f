//! `[tokens.NAME]`: programs that may use the API.

use std::collections::HashMap;

use super::diagnostic::Span;
use super::keys::TOKEN;
use super::reader::Reader;
use super::section::Section;
use super::tree::Table;
use super::{addresses, secret};
use crate::model::{Scope, Token};

/// Fewest characters of a token's secret: 24 of a random alphabet are beyond guessing.
const MIN_SECRET: usize = 24;

/// Reads all `[tokens.NAME]`.
pub(super) fn tokens(root: &Table, departments: &HashMap<&str, Span>, reader: &mut Reader<'_>) -> Vec<Token> {
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
            if reader.is_defined(text, "department", departments) && !only.iter().any(|d| d == text.value) {
                only.push(text.value.to_owned());
            }
        }
        let full = section.boolean("full", &mut reader.found).unwrap_or(false);
        let by = section.parsed("by", addresses::address, &mut reader.found);
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
