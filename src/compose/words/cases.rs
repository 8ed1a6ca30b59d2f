//! Words of the mails about a case, and of its history.

use serde::Deserialize;

/// Mails about a case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct LetterWords {
    pub(in crate::compose) reminder: String,
    pub(in crate::compose) escalation: String,
    pub(in crate::compose) question: String,
    pub(in crate::compose) comeback: String,
    pub(in crate::compose) gathering: String,
    pub(in crate::compose) handover: String,
    pub(in crate::compose) update: String,
    pub(in crate::compose) next: String,
    pub(in crate::compose) how: String,
    pub(in crate::compose) owner: String,
    pub(in crate::compose) status: String,
    pub(in crate::compose) opened: String,
    pub(in crate::compose) overdue: String,
    pub(in crate::compose) answered_at: String,
    pub(in crate::compose) wrote: String,
    pub(in crate::compose) since: String,
    pub(in crate::compose) nothing_since: String,
    pub(in crate::compose) complains: String,
    pub(in crate::compose) done: String,
    pub(in crate::compose) by: String,
    pub(in crate::compose) foot_owner: String,
    pub(in crate::compose) foot_lead: String,
    pub(in crate::compose) foot_management: String,
    pub(in crate::compose) foot_community: String,
    pub(in crate::compose) often: String,
    pub(in crate::compose) earlier: String,
    pub(in crate::compose) earlier_case: String,
    pub(in crate::compose) theme_title: String,
    pub(in crate::compose) acknowledge: LetterText,
    pub(in crate::compose) resolve: LetterText,
    pub(in crate::compose) lead_acknowledge: LetterText,
    pub(in crate::compose) lead_resolve: LetterText,
    pub(in crate::compose) lead_confirm: LetterText,
    pub(in crate::compose) ask: LetterText,
    pub(in crate::compose) back: LetterText,
    pub(in crate::compose) gathers: LetterText,
    pub(in crate::compose) unsatisfied: LetterText,
    pub(in crate::compose) nobody_left: LetterText,
    pub(in crate::compose) assigned: LetterText,
    pub(in crate::compose) reopened: LetterText,
    pub(in crate::compose) watch: LetterText,
    pub(in crate::compose) watch_overdue: LetterText,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct LetterText {
    pub(in crate::compose) heading: String,
    pub(in crate::compose) what: String,
    pub(in crate::compose) next: String,
}

/// Lines of a case's history.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::compose) struct HistoryWords {
    pub(in crate::compose) opened: String,
    pub(in crate::compose) acknowledged: String,
    pub(in crate::compose) answered: String,
    pub(in crate::compose) resolved: String,
    pub(in crate::compose) satisfied: String,
    pub(in crate::compose) unsatisfied: String,
    pub(in crate::compose) moved: String,
    pub(in crate::compose) dismissed: String,
    pub(in crate::compose) closed: String,
    pub(in crate::compose) reopened: String,
    pub(in crate::compose) why_came_back: String,
    pub(in crate::compose) why_theme_came_back: String,
    pub(in crate::compose) why_not_after_all: String,
    pub(in crate::compose) came_back: String,
    pub(in crate::compose) gathered: String,
    pub(in crate::compose) evidence: String,
    pub(in crate::compose) noted: String,
    pub(in crate::compose) reminded: String,
}
