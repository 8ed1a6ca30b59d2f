//! Why: the cues behind category, severity and sentiment, and the rule behind the department, as the reader's words.

use serde::Serialize;

use super::clean::clean_line;
use super::excerpt::shorten;
use super::mask::Masker;
use super::words::{Catalogue, capital, fill};
use crate::model::{Category, Cue, Mention, Part, SentimentLabel, WHOLE_WORDING};

/// Quotes shown for one reason; more would not be read.
const MAX_QUOTES: usize = 3;
/// Characters of one quote.
const MAX_QUOTE: usize = 60;
/// Other categories shown.
const MAX_ALSO: usize = 2;
/// Flags shown.
const MAX_FLAGS: usize = 4;
/// Matched terms shown.
const MAX_TERMS: usize = 6;

/// One line of the table of reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Fact {
    pub(super) label: String,
    pub(super) value: String,
    /// `it says “third time”`, `handles “complaint”`; empty if nothing stands behind it.
    pub(super) because: String,
}

/// The form of [`crate::model::Decision::why`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RouteReason<'a> {
    /// `route 2 (mentiond.toml:41)`, and the theme at the end if it took the mention because of one: ` [of theme #12]`
    Rule { number: u32, place: &'a str, theme: Option<i64> },
    /// `handles complaint`
    Handles(Category),
    /// `nobody handles press: community`
    Nobody(Category),
    /// Any other sentence, shown as it is.
    Other(&'a str),
}

/// Why management gets a copy, at the end of [`crate::model::Decision::why`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extreme {
    Critical,
    Angry,
    Praise,
}

/// What was decided about the mention, with the words that decided.
pub(super) fn facts(words: &Catalogue, mention: &Mention, masker: &mut Option<Masker<'_>>) -> Vec<Fact> {
    let found = &mention.classification;
    let mut say = |label: &str, value: String, cues: Vec<&Cue>| {
        let whole = cues.iter().any(|cue| cue.why.starts_with(WHOLE_WORDING));
        let quotes: Vec<String> = quotes(cues, masker).iter().map(|q| words.quote(q)).collect();
        let because = match quotes.as_slice() {
            [] if whole => words.mail.because_whole.clone(),
            [] => String::new(),
            some => fill(&words.mail.because, &[("quotes", &words.list(some))]),
        };
        Fact { label: label.to_owned(), value, because }
    };
    let with_effect = |effect: String| found.cues.iter().filter(|c| c.effect == effect).collect::<Vec<_>>();

    let mut facts = vec![
        say(
            &words.mail.category,
            capital(words.category(found.category)),
            with_effect(format!("category:{}", found.category.as_str())),
        ),
        say(
            &words.mail.severity,
            capital(words.severity(found.severity)),
            with_effect(format!("severity:{}", found.severity.as_str())),
        ),
        say(&words.mail.sentiment, capital(words.sentiment(found.sentiment.label)), sentiment_cues(mention)),
    ];
    // What else it is, if the text says so: a category without a quote would only raise the question why.
    for other in found.categories.iter().filter(|c| c.name != found.category) {
        let cues = with_effect(format!("category:{}", other.name.as_str()));
        let fact = say(&words.mail.also, capital(words.category(other.name)), cues);
        if !fact.because.is_empty() && facts.len() < 3 + MAX_ALSO {
            facts.push(fact);
        }
    }
    let flags: Vec<String> =
        found.flags.iter().take(MAX_FLAGS).map(|f| shorten(&clean_line(words.flag(f)), MAX_QUOTE)).collect();
    if !flags.is_empty() {
        let cues = found.flags.iter().take(MAX_FLAGS).flat_map(|f| with_effect(format!("flag:{f}"))).collect();
        facts.push(say(&words.mail.signs, capital(&words.list(&flags)), cues));
    }
    facts
}

/// The terms that were found, or why the mention counts without any.
pub(super) fn matched(words: &Catalogue, mention: &Mention, watchlist: Option<&str>) -> Fact {
    let mut terms: Vec<String> = Vec::new();
    for list in mention.watchlists.iter().filter(|w| watchlist.is_none_or(|name| w.name == name)) {
        for matched in &list.matched {
            let term = words.quote(&shorten(&clean_line(&matched.term), MAX_QUOTE));
            if terms.len() < MAX_TERMS && !terms.contains(&term) {
                terms.push(term);
            }
        }
    }
    let value = if terms.is_empty() {
        capital(&fill(&words.mail.all_of_source, &[("source", &clean_line(&mention.source))]))
    } else {
        words.list(&terms)
    };
    Fact { label: words.mail.matched.clone(), value, because: String::new() }
}

/// Why this department.
pub(super) fn department(words: &Catalogue, why: &str, department: &str) -> Fact {
    let mail = &words.mail;
    let (why, extreme) = extreme(why);
    let mut because = match parse(why) {
        RouteReason::Rule { number, place, theme } => {
            let rule = fill(&mail.route_rule, &[("number", &number.to_string()), ("place", &clean_line(place))]);
            match theme {
                Some(theme) => format!("{rule}, {}", fill(&mail.route_theme, &[("theme", &theme.to_string())])),
                None => rule,
            }
        }
        RouteReason::Handles(c) => fill(&mail.route_handles, &[("category", words.category(c))]),
        RouteReason::Nobody(c) => {
            let nobody = fill(&mail.route_nobody, &[("category", words.category(c))]);
            format!("{nobody}; {}", fill(&mail.route_hint, &[("key", c.as_str())]))
        }
        RouteReason::Other(why) => shorten(&clean_line(why), 160),
    };
    if let Some(extreme) = extreme {
        because.push_str("; ");
        because.push_str(match extreme {
            Extreme::Critical => &mail.extreme_critical,
            Extreme::Angry => &mail.extreme_angry,
            Extreme::Praise => &mail.extreme_praise,
        });
    }
    Fact { label: mail.department.clone(), value: clean_line(department), because }
}

/// Byte ranges of the cues in the mention's text, for the excerpt.
pub(super) fn evidence(mention: &Mention, text: &str) -> Vec<std::ops::Range<usize>> {
    let primary = format!("category:{}", mention.classification.category.as_str());
    let (decisive, rest): (Vec<_>, Vec<_>) = mention.classification.cues.iter().partition(|c| c.effect == primary);
    let on_text = |c: &&Cue| text.find(c.text.trim()).map(|i| i..i + c.text.trim().len());
    decisive.iter().chain(&rest).filter(|c| !c.text.trim().is_empty()).take(MAX_QUOTES).filter_map(on_text).collect()
}

/// Byte ranges of one part's matches.
pub(super) fn marks<'a>(
    mention: &'a Mention,
    part: Part,
    watchlist: Option<&'a str>,
) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
    mention
        .watchlists
        .iter()
        .filter(move |w| watchlist.is_none_or(|name| w.name == name))
        .flat_map(|w| &w.matched)
        .filter(move |m| m.part == part)
        .map(|m| m.start..m.end)
}

/// The words that matched, as they stand in title and text.
pub(super) fn matched_words(mention: &Mention) -> impl Iterator<Item = &str> {
    mention.watchlists.iter().flat_map(|w| &w.matched).filter_map(|m| match m.part {
        Part::Title => mention.entry.title.get(m.start..m.end),
        Part::Text => mention.entry.text.get(m.start..m.end),
        Part::Author | Part::Site | Part::Url | Part::Link => None,
    })
}

fn quotes(cues: Vec<&Cue>, masker: &mut Option<Masker<'_>>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for cue in cues {
        let text = match masker {
            Some(masker) => clean_line(&masker.mask_str(&cue.text)),
            None => clean_line(&cue.text),
        };
        let text = shorten(&text, MAX_QUOTE);
        // “Third time I” beside “third time” says nothing new: of two quotes the longer one stays.
        let lower = text.to_lowercase();
        if text.is_empty() || out.iter().any(|known| known.to_lowercase().contains(&lower)) {
            continue;
        }
        if let Some(shorter) = out.iter_mut().find(|known| lower.contains(&known.to_lowercase())) {
            *shorter = text;
        } else if out.len() < MAX_QUOTES {
            out.push(text);
        }
    }
    out
}

/// The cues that pull the way the sentiment went, the strongest first.
fn sentiment_cues(mention: &Mention) -> Vec<&Cue> {
    let sign = match mention.classification.sentiment.label {
        SentimentLabel::VeryNegative | SentimentLabel::Negative => -1.0,
        SentimentLabel::Neutral => return Vec::new(),
        SentimentLabel::Positive | SentimentLabel::VeryPositive => 1.0,
    };
    let mut cues: Vec<(f32, &Cue)> = mention
        .classification
        .cues
        .iter()
        .filter_map(|c| Some((c.effect.strip_prefix("sentiment:")?.parse::<f32>().ok()? * sign, c)))
        .filter(|(weight, _)| *weight > 0.0)
        .collect();
    cues.sort_by(|a, b| b.0.total_cmp(&a.0));
    cues.into_iter().map(|(_, cue)| cue).collect()
}

/// Splits the end that says why management gets a copy from the reason for the department.
fn extreme(why: &str) -> (&str, Option<Extreme>) {
    for (end, extreme) in [
        ("; critical: copy to management", Extreme::Critical),
        ("; very angry, and high: copy to management", Extreme::Angry),
        ("; great praise: copy to management", Extreme::Praise),
    ] {
        if let Some(rest) = why.strip_suffix(end) {
            return (rest, Some(extreme));
        }
    }
    (why, None)
}

fn parse(why: &str) -> RouteReason<'_> {
    let rule = || {
        let (number, rest) = why.strip_prefix("route ")?.split_once(" (")?;
        // The query of the rule follows; it stands in the log, and in the file at that place.
        let place = rest.split_once("): ").map(|(place, _)| place).or_else(|| rest.strip_suffix(')'))?;
        let theme = why.strip_suffix(']').and_then(|why| why.rsplit_once(" [of theme #")?.1.parse().ok());
        Some(RouteReason::Rule { number: number.parse().ok()?, place, theme })
    };
    let nobody = || {
        let (category, _) = why.strip_prefix("nobody handles ")?.split_once(':')?;
        Some(RouteReason::Nobody(Category::parse(category)?))
    };
    let handles = || Some(RouteReason::Handles(Category::parse(why.strip_prefix("handles ")?)?));
    rule().or_else(nobody).or_else(handles).unwrap_or(RouteReason::Other(why.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_forms_of_why_are_read() {
        for (why, reason) in [
            ("route 2 (mentiond.toml:41)", RouteReason::Rule { number: 2, place: "mentiond.toml:41", theme: None }),
            (
                "route 1 (x.toml:83): severity:critical (a OR b)",
                RouteReason::Rule { number: 1, place: "x.toml:83", theme: None },
            ),
            ("route 12 (a (b).toml:1)", RouteReason::Rule { number: 12, place: "a (b).toml:1", theme: None }),
            (
                "route 3 (x.toml:9): theme:#12 OR category:technical [of theme #12]",
                RouteReason::Rule { number: 3, place: "x.toml:9", theme: Some(12) },
            ),
            ("handles complaint", RouteReason::Handles(Category::Complaint)),
            ("nobody handles press: community", RouteReason::Nobody(Category::Press)),
            ("nobody handles nonsense: community", RouteReason::Other("nobody handles nonsense: community")),
            ("route x", RouteReason::Other("route x")),
            ("", RouteReason::Other("")),
        ] {
            assert_eq!(parse(why), reason, "{why}");
        }
    }

    #[test]
    fn the_reason_for_a_copy_to_management_is_split_off() {
        use crate::model::{SentimentLabel::*, Severity::*};
        use crate::query::{Document, Facts};
        use crate::routing::{Department, Role, Routing};

        let board = Department { role: Some(Role::Management), ..Department::new("board", "board@example.com") };
        let team = |role, key: &str| Department { key: key.into(), role, ..board.clone() };
        let mut routing = Routing { departments: vec![board.clone(), team(None, "team")], routes: Vec::new() };
        routing.departments[1].handles = vec![Category::Complaint];
        routing.departments.push(team(Some(Role::Community), "community"));
        let why = |category, severity, sentiment| {
            let facts =
                Facts { category, categories: &[], severity, sentiment, flags: &[], watchlists: &[], themes: &[] };
            let document = Document { lang: "en", facts: Some(facts), ..Document::default() };
            routing.decide(&document).why
        };
        for (why, reason, end) in [
            (
                why(Category::Complaint, Critical, Negative),
                RouteReason::Handles(Category::Complaint),
                Extreme::Critical,
            ),
            (why(Category::Complaint, High, VeryNegative), RouteReason::Handles(Category::Complaint), Extreme::Angry),
            (why(Category::Praise, Low, VeryPositive), RouteReason::Nobody(Category::Praise), Extreme::Praise),
        ] {
            let (rest, extreme) = extreme(&why);
            assert_eq!((parse(rest), extreme), (reason, Some(end)), "{why}");
        }
        assert_eq!(extreme("handles complaint"), ("handles complaint", None));
    }
}
