//! Words of links and buttons, and of the mails that have a shape of their own.

use std::collections::HashMap;

use serde::Deserialize;

use crate::model::ReplyFault;

/// Links by which a reader acts on a case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct ActionWords {
    pub(in crate::compose) heading: String,
    pub(in crate::compose) note: String,
}

/// The mail with the link that signs in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct SignInWords {
    pub(in crate::compose) subject: String,
    pub(in crate::compose) heading: String,
    pub(in crate::compose) what: String,
    pub(in crate::compose) button: String,
    pub(in crate::compose) note: String,
    pub(in crate::compose) foot: String,
}

/// The mail to who replied, when nothing was done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct AnswerWords {
    pub(in crate::compose) subject: String,
    pub(in crate::compose) heading: String,
    pub(in crate::compose) heading_case: String,
    pub(in crate::compose) intro: String,
    pub(in crate::compose) what: String,
    pub(in crate::compose) next: String,
    pub(in crate::compose) said: String,
    pub(in crate::compose) how: String,
    pub(in crate::compose) foot: String,
    pub(in crate::compose) faults: HashMap<ReplyFault, AnswerText>,
}

/// Why nothing was done; `next` where the commands themselves are not what to say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct AnswerText {
    pub(in crate::compose) what: String,
    #[serde(default)]
    pub(in crate::compose) next: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct DossierWords {
    pub(in crate::compose) subject: String,
    pub(in crate::compose) subject_back: String,
    pub(in crate::compose) intro: String,
    pub(in crate::compose) intro_copy: String,
    pub(in crate::compose) what: String,
    pub(in crate::compose) what_one: String,
    pub(in crate::compose) what_back: String,
    pub(in crate::compose) next: String,
    pub(in crate::compose) next_copy: String,
    pub(in crate::compose) first_seen: String,
    pub(in crate::compose) people: String,
    pub(in crate::compose) people_value: String,
    pub(in crate::compose) sources: String,
    pub(in crate::compose) languages: String,
    pub(in crate::compose) trend: String,
    pub(in crate::compose) trend_value: String,
    pub(in crate::compose) trend_alt: String,
    pub(in crate::compose) quotes: String,
    pub(in crate::compose) open_cases: String,
    pub(in crate::compose) ended_cases: String,
    pub(in crate::compose) how: String,
    pub(in crate::compose) foot: String,
    pub(in crate::compose) foot_copy: String,
    /// Names of languages by their code; another one stands as its code.
    pub(in crate::compose) language_names: HashMap<String, String>,
}

/// Early warning.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct WarningWords {
    pub(in crate::compose) decimal: String,
    pub(in crate::compose) subject_rise: String,
    pub(in crate::compose) subject_quiet: String,
    pub(in crate::compose) intro: String,
    pub(in crate::compose) heading_rise: String,
    pub(in crate::compose) heading_quiet: String,
    pub(in crate::compose) figure: String,
    pub(in crate::compose) what_rise: String,
    pub(in crate::compose) what_quiet: String,
    pub(in crate::compose) next_rise: String,
    pub(in crate::compose) next_quiet: String,
    pub(in crate::compose) next_quiet_source: String,
    pub(in crate::compose) cause_watchlist: String,
    pub(in crate::compose) cause_source: String,
    pub(in crate::compose) cause_category: String,
    pub(in crate::compose) cause_theme: String,
    pub(in crate::compose) since: String,
    pub(in crate::compose) words: String,
    pub(in crate::compose) sentiment: String,
    pub(in crate::compose) sentiment_now: String,
    pub(in crate::compose) also: String,
    pub(in crate::compose) also_value: String,
    pub(in crate::compose) chart: String,
    pub(in crate::compose) chart_value: String,
    pub(in crate::compose) chart_alt: String,
    pub(in crate::compose) why: String,
    pub(in crate::compose) why_rise: String,
    pub(in crate::compose) why_quiet: String,
    pub(in crate::compose) how: String,
    pub(in crate::compose) foot: String,
}
