//! Where an answer says that there is more.

use serde_json::Value;

/// Whether a value says yes.
pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Bool(yes) => *yes,
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// The address with that relation in a `Link` header (RFC 8288, 3).
pub(super) fn linked(header: &str, relation: &str) -> Option<String> {
    let mut rest = header;
    while let Some(start) = rest.find('<') {
        let (address, after) = rest[start + 1..].split_once('>')?;
        let end = after.find('<').unwrap_or(after.len());
        let is = after[..end].split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_end_matches(',').trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel") && value.split(' ').any(|one| one == relation)
        });
        if is {
            return Some(address.trim().to_owned());
        }
        rest = &after[end..];
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn links_are_found_by_their_relation() {
        let header = "</first>; rel=\"first\", <https://a.example/x?page=2>; rel=\"prev next\"; title=\"a, b\", </last>; rel=last";
        assert_eq!(linked(header, "next").as_deref(), Some("https://a.example/x?page=2"));
        assert_eq!(linked(header, "last").as_deref(), Some("/last"));
        for none in ["", "<", "<>", "no link; rel=next", "<https://a.example/>; rel=\"nexts\""] {
            assert_eq!(linked(none, "next"), None, "{none}");
        }
    }

    #[test]
    fn what_says_yes() {
        assert!([json!(true), json!("x"), json!(0), json!([])].iter().all(truthy));
        assert!(![json!(false), json!(null), json!("")].iter().any(truthy));
    }
}
