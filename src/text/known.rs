//! Names that must be known: what is said of one that is not, the same on every command line, page and API.

/// Longest name that is compared, in characters: the measure is quadratic, and nothing long is meant.
const LONGEST: usize = 40;
/// Known names that are listed; more would be read by nobody.
const LISTED: usize = 30;

/// The known name that is most like `name`, if any is alike enough to be meant.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    if name.chars().count() > LONGEST {
        return None;
    }
    known
        .iter()
        .filter(|candidate| candidate.chars().count() <= 2 * name.chars().count())
        .map(|candidate| (strsim::jaro_winkler(&name, candidate), *candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// What to say of a `kind` (`department`) that nobody configured; `None` if it is known. A filter that nothing can pass
/// would look like "there is nothing", which is no answer to a mistyped name.
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> Option<String> {
    if known.contains(&name) {
        return None;
    }
    let shown: String = name.chars().take(60).collect();
    let mean = nearest(name, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let all = match known.len() {
        0 => format!("no {kind} is configured"),
        n if n > LISTED => format!("known are {}, … ({n} in all)", known.get(..LISTED).unwrap_or(known).join(", ")),
        _ => format!("known: {}", known.join(", ")),
    };
    let join = if mean.is_empty() { "; " } else { " " };
    Some(format!("there is no {kind} `{shown}`{mean}{join}{all}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_told_with_the_known_ones_and_the_one_that_was_meant() {
        let known = ["support", "billing"];
        assert_eq!(unknown("department", "support", &known), None);
        assert_eq!(
            unknown("department", "suport", &known).unwrap(),
            "there is no department `suport`; did you mean `support`? known: support, billing"
        );
        assert_eq!(
            unknown("department", "zz", &known).unwrap(),
            "there is no department `zz`; known: support, billing"
        );
        assert_eq!(
            unknown("watchlist", "acme", &[]).unwrap(),
            "there is no watchlist `acme`; no watchlist is configured"
        );
        let long = "x".repeat(100_000);
        assert!(unknown("department", &long, &known).unwrap().len() < 200);
        let many: Vec<String> = (0..100).map(|n| format!("d{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(unknown("department", "zzz", &many).unwrap().ends_with("… (100 in all)"));
    }
}
