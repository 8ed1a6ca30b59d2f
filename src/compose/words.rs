//! The catalogues: every word that people read in a mail, one file a language. Adding a language is one file in
//! `words/` and one line in [`FILES`].

mod cases;
mod collected;
mod mails;

use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use minijinja::Value;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::clean::{clean_line, isolate};
use super::excerpt::shorten;
use crate::model::{Case, CaseStatus, Category, Deed, SentimentLabel, Severity, ThemeTitle};
pub(super) use cases::{HistoryWords, LetterText, LetterWords};
pub(super) use collected::{DigestWords, ReportWords};
pub(super) use mails::{ActionWords, AnswerWords, DossierWords, SignInWords, WarningWords};

/// The catalogues; the first is what a reader gets whose language has none.
pub(super) const FILES: [(&str, &str); 4] = [
    ("en", include_str!("words/en.toml")),
    ("es", include_str!("words/es.toml")),
    ("pt", include_str!("words/pt.toml")),
    ("da", include_str!("words/da.toml")),
];

/// The catalogue of a language, read when it is first asked for; English where there is none.
pub(super) fn catalogue(code: &str, about: About) -> &'static Catalogue {
    static OF_MENTIONS: [OnceLock<Catalogue>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];
    static OF_THEMES: [OnceLock<Catalogue>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];
    let place = FILES.iter().position(|(known, _)| *known == code).unwrap_or(0);
    let read = match about {
        About::Mention => &OF_MENTIONS,
        About::Theme => &OF_THEMES,
    };
    read[place].get_or_init(|| Catalogue::parse(FILES[place].1, about))
}

/// Whose words are asked for: those for a customer and what they wrote, or those for a theme's case, which is no single
/// customer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Mention,
    Theme,
}

impl About {
    /// What a case is about.
    pub fn of(case: &Case) -> Self {
        if case.theme.is_some() { About::Theme } else { About::Mention }
    }
}

/// A built-in file of words: its table `of_theme` holds those that take the place of others of the same name where a
/// theme's case is spoken of.
#[expect(clippy::expect_used, reason = "catalogues are built in, and tests read every one")]
pub fn words_about(source: &str, about: About) -> toml::Table {
    let mut words: toml::Table = source.parse().expect("a built-in catalogue parses");
    let own = words.remove("of_theme");
    if let (About::Theme, Some(toml::Value::Table(own))) = (about, own) {
        lay_over(&mut words, own);
    }
    words
}

fn lay_over(words: &mut toml::Table, own: toml::Table) {
    for (key, value) in own {
        match (words.get_mut(&key), value) {
            (Some(toml::Value::Table(words)), toml::Value::Table(own)) => lay_over(words, own),
            (_, value) => {
                words.insert(key, value);
            }
        }
    }
}

/// One language. Its fields are the keys of the file: a missing or a superfluous one does not parse.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    pub(super) code: String,
    quote: String,
    and: String,
    dates: Dates,
    categories: HashMap<Category, String>,
    severities: HashMap<Severity, String>,
    sentiments: HashMap<SentimentLabel, String>,
    flags: HashMap<String, String>,
    pub(super) masks: Masks,
    pub(super) subject: SubjectWords,
    pub(super) mail: MailWords,
    pub(super) foot: FootWords,
    pub(super) bundle: BundleWords,
    pub(super) trouble: TroubleWords,
    pub(super) letters: LetterWords,
    pub(super) dossier: DossierWords,
    pub(super) warning: WarningWords,
    statuses: HashMap<CaseStatus, String>,
    pub(super) counts: CountWords,
    pub(super) history: HistoryWords,
    pub(super) actions: ActionWords,
    pub(super) sign_in: SignInWords,
    deeds: HashMap<Deed, String>,
    pub(super) answers: AnswerWords,
    pub(super) digest: DigestWords,
    pub(super) report: ReportWords,
    /// `mail` as the templates see it, made once.
    #[serde(skip)]
    pub(super) labels: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dates {
    /// Monday first.
    weekdays: [String; 7],
    months: [String; 12],
    format: String,
    day: String,
}

/// What stands in place of personal data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Masks {
    pub(super) author: String,
    pub(super) person: String,
    pub(super) email: String,
    pub(super) phone: String,
    pub(super) number: String,
    pub(super) address: String,
    pub(super) link: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubjectWords {
    pub(super) kind: String,
    pub(super) alert: String,
    pub(super) notice: String,
    pub(super) notice_case: String,
    pub(super) copy: String,
    pub(super) untitled: String,
    pub(super) bundle_one: String,
    pub(super) bundle_other: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MailWords {
    pub(super) alert_intro: String,
    pub(super) notice_intro: String,
    pub(super) edited: String,
    pub(super) raised: String,
    pub(super) spreading: String,
    pub(super) edited_label: String,
    pub(super) spreading_label: String,
    pub(super) copy_intro: String,
    pub(super) case: String,
    pub(super) severity_badge: String,
    pub(super) stars: String,
    pub(super) via: String,
    pub(super) seen: String,
    pub(super) open_post: String,
    pub(super) open_on: String,
    pub(super) no_link: String,
    pub(super) no_link_copy: String,
    pub(super) why_heading: String,
    pub(super) category: String,
    pub(super) severity: String,
    pub(super) sentiment: String,
    pub(super) also: String,
    pub(super) signs: String,
    pub(super) matched: String,
    pub(super) department: String,
    pub(super) copies: String,
    pub(super) draft_heading: String,
    pub(super) draft_note: String,
    pub(super) also_seen: String,
    pub(super) because: String,
    pub(super) because_whole: String,
    pub(super) all_of_source: String,
    pub(super) route_rule: String,
    pub(super) route_theme: String,
    pub(super) route_handles: String,
    pub(super) route_nobody: String,
    pub(super) route_hint: String,
    pub(super) extreme_critical: String,
    pub(super) extreme_angry: String,
    pub(super) extreme_praise: String,
    pub(super) similar_one: String,
    pub(super) similar_many: String,
    pub(super) more_one: String,
    pub(super) more_other: String,
    pub(super) page: String,
    pub(super) case_page: String,
    pub(super) theme_page: String,
    pub(super) erased: String,
    pub(super) aged: String,
    pub(super) erased_reason: String,
    pub(super) perk: String,
    pub(super) perk_used_up: String,
    pub(super) perk_withheld: String,
    pub(super) perk_doubt_mood: String,
    pub(super) perk_doubt_grievance: String,
    pub(super) perk_doubt_long: String,
    pub(super) perk_doubt_repeats: String,
    pub(super) refund: String,
    pub(super) refund_yes: String,
    pub(super) refund_no: String,
    pub(super) refund_unsaid: String,
    pub(super) refund_note: String,
    pub(super) praised_intro: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FootWords {
    pub(super) alert: String,
    pub(super) notice: String,
    pub(super) owner: String,
    pub(super) copy: String,
    pub(super) bundle: String,
    pub(super) trouble: String,
    pub(super) contact: String,
    pub(super) duplicate: String,
    pub(super) reply: String,
    pub(super) masked: String,
    pub(super) praised: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BundleWords {
    pub(super) intro_one: String,
    pub(super) intro_other: String,
    pub(super) group: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TroubleWords {
    pub(super) intro: String,
    pub(super) good_intro: String,
    pub(super) what: String,
    pub(super) next: String,
    pub(super) since: String,
    pub(super) at: String,
    pub(super) source: String,
    pub(super) relay: String,
    pub(super) recipient: String,
    pub(super) failures: String,
    pub(super) waiting: String,
    pub(super) entries: String,
    pub(super) moved_to: String,
    pub(super) department: String,
    pub(super) detail: String,
    pub(super) kinds: TroubleKinds,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TroubleKinds {
    pub(super) source_failing: TroubleText,
    pub(super) not_a_feed: TroubleText,
    pub(super) source_disabled: TroubleText,
    pub(super) source_moved: TroubleText,
    pub(super) source_login: TroubleText,
    pub(super) source_refused: TroubleText,
    pub(super) quota: TroubleText,
    pub(super) ids_unreliable: TroubleText,
    pub(super) storm: TroubleText,
    pub(super) gap: TroubleText,
    pub(super) source_recovered: TroubleText,
    pub(super) relay_unreachable: TroubleText,
    pub(super) relay_login: TroubleText,
    pub(super) relay_insecure: TroubleText,
    pub(super) perks_used_up: TroubleText,
    pub(super) delivery_delayed: TroubleText,
    pub(super) delivery_failed: TroubleText,
    pub(super) relay_recovered: TroubleText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TroubleText {
    pub(super) subject: String,
    pub(super) what: String,
    pub(super) next: String,
}

/// Numbers with what they count.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountWords {
    person_one: String,
    person_other: String,
    mention_one: String,
    mention_other: String,
}

impl CountWords {
    /// `1 person`, `2 people`.
    pub(super) fn people(&self, count: u64) -> String {
        plural(usize::try_from(count).unwrap_or(usize::MAX), &self.person_one, &self.person_other)
    }

    /// `1 mention`, `2 mentions`.
    pub(super) fn mentions(&self, count: u64) -> String {
        plural(usize::try_from(count).unwrap_or(usize::MAX), &self.mention_one, &self.mention_other)
    }
}

impl Catalogue {
    /// Reads one catalogue.
    #[expect(clippy::expect_used, reason = "catalogues are built in, and a test reads every one")]
    pub(super) fn parse(source: &str, about: About) -> Self {
        let mut catalogue: Self = words_about(source, about).try_into().expect("a built-in catalogue is complete");
        catalogue.labels = Value::from(Serde(&catalogue.mail));
        catalogue
    }

    /// The category in lower case, as inside a sentence.
    pub(super) fn category(&self, category: Category) -> &str {
        self.categories.get(&category).map_or(category.as_str(), String::as_str)
    }

    pub(super) fn severity(&self, severity: Severity) -> &str {
        self.severities.get(&severity).map_or(severity.as_str(), String::as_str)
    }

    pub(super) fn status(&self, status: CaseStatus) -> &str {
        self.statuses.get(&status).map_or(status.as_str(), String::as_str)
    }

    /// `Theme 3: app, logs me out (5 people)`: what stands in place of a post's title where a case is a theme's; `most`
    /// characters of the name.
    pub(super) fn theme_title(&self, theme: &ThemeTitle, most: usize) -> String {
        let name = isolate(&shorten(&clean_line(&theme.name), most)).into_owned();
        let values =
            [("theme", &*theme.id.to_string()), ("name", &name), ("people", &self.counts.people(theme.people))];
        match theme.people {
            // Its people are counted in the theme that it became part of.
            0 => fill(&self.letters.theme_title.replace(" ({people})", ""), &values),
            _ => fill(&self.letters.theme_title, &values),
        }
    }

    /// What somebody says who does this.
    pub(super) fn deed(&self, deed: Deed) -> &str {
        self.deeds.get(&deed).map_or(deed.as_str(), String::as_str)
    }

    pub(super) fn sentiment(&self, sentiment: SentimentLabel) -> &str {
        self.sentiments.get(&sentiment).map_or(sentiment.as_str(), String::as_str)
    }

    /// A flag's words; a flag that the catalogue does not know (a user's own cue made it) is shown as it is written.
    pub(super) fn flag<'a>(&'a self, flag: &'a str) -> &'a str {
        self.flags.get(flag).map_or(flag, String::as_str)
    }

    pub(super) fn quote(&self, words: &str) -> String {
        fill(&self.quote, &[("words", words)])
    }

    /// `a`, `a and b`, `a, b and c`.
    pub(super) fn list<S: AsRef<str>>(&self, items: &[S]) -> String {
        match items {
            [] => String::new(),
            [one] => one.as_ref().to_owned(),
            [head @ .., last] => {
                let mut out = String::new();
                for (i, item) in head.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    out.push_str(item.as_ref());
                }
                out.push(' ');
                out.push_str(&self.and);
                out.push(' ');
                out.push_str(last.as_ref());
                out
            }
        }
    }

    /// `14 Jun`.
    pub(super) fn day(&self, date: jiff::civil::Date) -> String {
        let month = usize::try_from(date.month() - 1).ok().and_then(|i| self.dates.months.get(i));
        let month = month.map(String::as_str).unwrap_or_default();
        fill(&self.dates.day, &[("day", &date.day().to_string()), ("month", month)])
    }

    /// `48,200`.
    pub(super) fn number(&self, n: u64) -> String {
        let digits = n.to_string();
        let mut out = String::with_capacity(digits.len() + 6);
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push_str(&self.digest.thousands);
            }
            out.push(digit);
        }
        out
    }

    /// `3 h 20 min`, `2 d 4 h`: the two largest units; a day is 24 hours.
    pub(super) fn length(&self, seconds: i64) -> String {
        let minutes = seconds.max(0) / 60;
        let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
        let units = [(days, &self.digest.day), (hours, &self.digest.hour), (minutes, &self.digest.minute)];
        let parts: Vec<String> = (units.iter().skip_while(|(n, _)| *n == 0).take(2))
            .filter(|(n, _)| *n > 0)
            .map(|(n, unit)| fill(unit, &[("n", &n.to_string())]))
            .collect();
        if parts.is_empty() { fill(&self.digest.minute, &[("n", "0")]) } else { parts.join(" ") }
    }

    /// `Sat 21 Nov 2026, 14:05`, in the reader's zone.
    pub(super) fn date(&self, at: Timestamp, zone: &TimeZone) -> String {
        let local = at.to_zoned(zone.clone());
        let at = |names: &[String], i: i8| usize::try_from(i).ok().and_then(|i| names.get(i)).cloned();
        let weekday = at(&self.dates.weekdays, local.weekday().to_monday_zero_offset()).unwrap_or_default();
        let month = at(&self.dates.months, local.month() - 1).unwrap_or_default();
        fill(
            &self.dates.format,
            &[
                ("weekday", &weekday),
                ("day", &local.day().to_string()),
                ("month", &month),
                ("year", &local.year().to_string()),
                ("hour", &format!("{:02}", local.hour())),
                ("minute", &format!("{:02}", local.minute())),
            ],
        )
    }
}

/// Puts values in place of `{name}`; braces inside a value stay as they are, an unknown name is left standing.
pub(super) fn fill(pattern: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(pattern.len() + values.iter().map(|(_, v)| v.len()).sum::<usize>());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after
            .split_once('}')
            .and_then(|(name, tail)| values.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value, tail)))
        {
            Some((value, tail)) => {
                out.push_str(value);
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// One form for 1, another for every other number: all four languages need no more.
pub(super) fn plural(count: usize, one: &str, other: &str) -> String {
    fill(if count == 1 { one } else { other }, &[("count", &count.to_string())])
}

/// With a capital at the start, as where a line begins.
pub(super) fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn leaves(prefix: &str, value: &toml::Value, out: &mut BTreeMap<String, String>) {
        match value {
            toml::Value::Table(table) => {
                table.iter().for_each(|(k, v)| leaves(&format!("{prefix}.{k}"), v, out));
            }
            toml::Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, v)| leaves(&format!("{prefix}.{i}"), v, out));
            }
            other => {
                out.insert(prefix.to_owned(), other.as_str().unwrap().to_owned());
            }
        }
    }

    fn placeholders(words: &str) -> BTreeSet<&str> {
        words.split('{').skip(1).filter_map(|s| s.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_flag_of_the_classifier_has_a_word_in_every_catalogue() {
        for (code, source) in FILES {
            let words = Catalogue::parse(source, About::Mention);
            for flag in crate::classify::every_flag() {
                assert!(words.flags.contains_key(&flag), "{code} lacks `{flag}`");
            }
        }
        assert!(crate::classify::every_flag().contains("self-harm"));
    }

    #[test]
    fn every_catalogue_has_the_same_keys_and_placeholders() {
        let all: Vec<BTreeMap<String, String>> = FILES
            .iter()
            .map(|(code, source)| {
                let catalogue = Catalogue::parse(source, About::Mention);
                assert_eq!(catalogue.code, *code);
                let mut out = BTreeMap::new();
                leaves("", &source.parse::<toml::Table>().map(toml::Value::Table).unwrap(), &mut out);
                out
            })
            .collect();
        for ((code, _), words) in FILES.iter().zip(&all) {
            assert_eq!(words.keys().collect::<Vec<_>>(), all[0].keys().collect::<Vec<_>>(), "{code}");
            for (key, value) in words {
                assert!(!value.trim().is_empty(), "{code}{key} is empty");
                assert_eq!(placeholders(value), placeholders(&all[0][key]), "{code}{key}");
            }
        }
    }

    /// A word of a theme's case that has no counterpart would be read by nobody; one that names what its counterpart does not
    /// would stay unfilled.
    #[test]
    fn what_is_said_of_a_themes_case_takes_the_place_of_what_is_said_of_a_customers() {
        for (code, source) in FILES {
            let mut all: toml::Table = source.parse().unwrap();
            let (mut usual, mut own) = (BTreeMap::new(), BTreeMap::new());
            leaves("", &all.remove("of_theme").unwrap(), &mut own);
            leaves("", &toml::Value::Table(all), &mut usual);
            for (key, words) in &own {
                let counterpart = usual.get(key).unwrap_or_else(|| panic!("{code}: of_theme{key} replaces nothing"));
                assert!(placeholders(words).is_subset(&placeholders(counterpart)), "{code}: of_theme{key}");
            }
            let (customer, theme) = (Catalogue::parse(source, About::Mention), Catalogue::parse(source, About::Theme));
            assert_ne!(customer.letters.ask.what, theme.letters.ask.what);
            assert_eq!(customer.letters.watch.what, theme.letters.watch.what);
        }
    }

    #[test]
    fn every_word_of_the_model_has_a_translation() {
        for (code, source) in FILES {
            let catalogue = Catalogue::parse(source, About::Mention);
            assert!(Category::ALL.iter().all(|c| catalogue.categories.contains_key(c)), "{code}");
            assert!(Severity::ALL.iter().all(|s| catalogue.severities.contains_key(s)), "{code}");
            assert!(crate::model::ReplyFault::ALL.iter().all(|f| catalogue.answers.faults.contains_key(f)), "{code}");
            assert!(Deed::ALL.iter().all(|d| catalogue.deeds.contains_key(d)), "{code}");
            assert!(CaseStatus::ALL.iter().all(|s| catalogue.statuses.contains_key(s)), "{code}");
            assert!(SentimentLabel::ALL.iter().all(|s| catalogue.sentiments.contains_key(s)), "{code}");
        }
    }

    #[test]
    fn dates_follow_language_and_zone() {
        let at: Timestamp = "2026-11-21T13:05:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        let dates: Vec<String> =
            FILES.iter().map(|(_, s)| Catalogue::parse(s, About::Mention).date(at, &zone)).collect();
        assert_eq!(
            dates,
            [
                "Sat 21 Nov 2026, 14:05",
                "sáb 21 nov 2026, 14:05",
                "sáb, 21 nov 2026, 14:05",
                "lør. 21. nov. 2026 kl. 14.05",
            ]
        );
    }

    #[test]
    fn a_value_with_braces_is_not_filled_again() {
        assert_eq!(fill("{a} {b} {c} {", &[("a", "{b}"), ("b", "x")]), "{b} x {c} {");
    }
}
