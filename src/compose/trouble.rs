//! Mail to the operator: what happened, since when, what to do next.

use serde::Serialize;

use super::Composer;
use super::clean::{Marked, clean, clean_line};
use super::excerpt::shorten;
use super::headers::Headers;
use super::input::{Trouble, TroubleInput};
use super::link::redacted;
use super::mention::name;
use super::reasons::Fact;
use super::words::{Catalogue, TroubleText, fill};
use crate::model::Email;

/// Characters of a technical message.
const DETAIL: usize = 600;

/// What the templates of a plain mail show: what happened, and what to do next.
#[derive(Serialize)]
pub(super) struct View<'a> {
    pub(super) preheader: String,
    pub(super) tone: &'static str,
    pub(super) intro: &'a str,
    pub(super) heading: String,
    pub(super) what_label: &'a str,
    pub(super) what: String,
    pub(super) next_label: &'a str,
    pub(super) next: String,
    pub(super) facts: Vec<Fact>,
    pub(super) detail_label: &'a str,
    pub(super) detail: String,
    pub(super) foot: Vec<String>,
}

pub(super) fn trouble(composer: &Composer, input: &TroubleInput<'_>) -> Email {
    let words = composer.words(input.reader.language);
    let labels = &words.trouble;
    let (text, good) = text(words, &input.trouble);
    let (mut facts, values) = details(words, &input.trouble);
    let values: Vec<(&str, &str)> = values.iter().map(|(k, v)| (*k, v.as_str())).collect();
    if let Some(since) = input.since {
        let label = if lasts(&input.trouble) { &labels.since } else { &labels.at };
        facts.push(fact(label, words.date(since, input.reader.zone)));
    }
    let what = fill(&text.what, &values);
    let heading = fill(&text.subject, &values);
    let view = View {
        preheader: what.clone(),
        tone: if good { "good" } else { "high" },
        intro: if good { &labels.good_intro } else { &labels.intro },
        what_label: &labels.what,
        what,
        next_label: &labels.next,
        next: fill(&text.next, &values),
        facts,
        detail_label: &labels.detail,
        detail: input.detail.map(|d| shorten(clean(Marked::new(d, [])).text.trim(), DETAIL)).unwrap_or_default(),
        foot: composer.foot_of_trouble(words, input.possible_duplicate),
        heading: heading.clone(),
    };
    let mut headers = Headers::new("trouble", &words.code, input.possible_duplicate);
    headers.thread(input.thread);
    composer.email("trouble", words, format!("[mentiond] {heading}"), &view, headers)
}

impl Composer {
    /// The operator is the contact: no need to name one.
    fn foot_of_trouble(&self, words: &Catalogue, possible_duplicate: bool) -> Vec<String> {
        let mut foot = vec![words.foot.trouble.clone()];
        if possible_duplicate {
            foot.push(words.foot.duplicate.clone());
        }
        foot
    }
}

/// The words of a kind, and whether they are good news.
fn text<'w>(words: &'w Catalogue, trouble: &Trouble<'_>) -> (&'w TroubleText, bool) {
    let kinds = &words.trouble.kinds;
    match trouble {
        Trouble::SourceFailing { .. } => (&kinds.source_failing, false),
        Trouble::NotAFeed { .. } => (&kinds.not_a_feed, false),
        Trouble::SourceDisabled { .. } => (&kinds.source_disabled, false),
        Trouble::SourceMoved { .. } => (&kinds.source_moved, false),
        Trouble::SourceLogin { .. } => (&kinds.source_login, false),
        Trouble::SourceRefused { .. } => (&kinds.source_refused, false),
        Trouble::Quota { .. } => (&kinds.quota, false),
        Trouble::IdsUnreliable { .. } => (&kinds.ids_unreliable, false),
        Trouble::Storm { .. } => (&kinds.storm, false),
        Trouble::Gap { .. } => (&kinds.gap, false),
        Trouble::SourceRecovered { .. } => (&kinds.source_recovered, true),
        Trouble::RelayUnreachable { .. } => (&kinds.relay_unreachable, false),
        Trouble::RelayLogin { .. } => (&kinds.relay_login, false),
        Trouble::RelayInsecure { .. } => (&kinds.relay_insecure, false),
        Trouble::PerksUsedUp { .. } => (&kinds.perks_used_up, false),
        Trouble::DeliveryDelayed { .. } => (&kinds.delivery_delayed, false),
        Trouble::DeliveryFailed { .. } => (&kinds.delivery_failed, false),
        Trouble::RelayRecovered { .. } => (&kinds.relay_recovered, true),
    }
}

/// True for what goes on since a time; false for what happened at one.
fn lasts(trouble: &Trouble<'_>) -> bool {
    matches!(
        trouble,
        Trouble::SourceFailing { .. }
            | Trouble::NotAFeed { .. }
            | Trouble::SourceLogin { .. }
            | Trouble::SourceRefused { .. }
            | Trouble::Quota { .. }
            | Trouble::RelayUnreachable { .. }
            | Trouble::RelayLogin { .. }
            | Trouble::RelayInsecure { .. }
    )
}

/// The table of what is known, and the values for the sentences.
fn details(words: &Catalogue, trouble: &Trouble<'_>) -> (Vec<Fact>, Vec<(&'static str, String)>) {
    let labels = &words.trouble;
    let source = |source: &str| (vec![fact(&labels.source, name(source))], vec![("source", name(source))]);
    // An address that is cut is no address.
    let whole = |address: &str| shorten(&clean_line(address), 254);
    let relay = |relay: &str| (vec![fact(&labels.relay, whole(relay))], vec![("relay", whole(relay))]);
    match trouble {
        Trouble::SourceFailing { source: s, failures } | Trouble::NotAFeed { source: s, failures } => {
            let (mut facts, values) = source(s);
            facts.push(fact(&labels.failures, failures.to_string()));
            (facts, values)
        }
        Trouble::SourceMoved { source: s, to } => {
            let (mut facts, values) = source(s);
            // An address that cannot be shown safely is not shown; the configuration check names it.
            facts.extend(redacted(to).map(|to| fact(&labels.moved_to, to)));
            (facts, values)
        }
        Trouble::Storm { source: s, entries } => {
            let (mut facts, values) = source(s);
            facts.push(fact(&labels.entries, entries.to_string()));
            (facts, values)
        }
        Trouble::SourceDisabled { source: s }
        | Trouble::SourceLogin { source: s }
        | Trouble::SourceRefused { source: s }
        | Trouble::Quota { source: s }
        | Trouble::IdsUnreliable { source: s }
        | Trouble::Gap { source: s }
        | Trouble::SourceRecovered { source: s } => source(s),
        Trouble::RelayUnreachable { relay: r, waiting }
        | Trouble::RelayLogin { relay: r, waiting }
        | Trouble::RelayInsecure { relay: r, waiting } => {
            let (mut facts, values) = relay(r);
            facts.push(fact(&labels.waiting, waiting.to_string()));
            (facts, values)
        }
        Trouble::RelayRecovered { relay: r } => relay(r),
        Trouble::PerksUsedUp { department } => {
            (vec![fact(&labels.department, name(department))], vec![("department", name(department))])
        }
        Trouble::DeliveryDelayed { recipient } | Trouble::DeliveryFailed { recipient } => {
            (vec![fact(&labels.recipient, whole(recipient))], vec![("recipient", whole(recipient))])
        }
    }
}

fn fact(label: &str, value: String) -> Fact {
    Fact { label: label.to_owned(), value, because: String::new() }
}
