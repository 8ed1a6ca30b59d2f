//! To who replied by mail: nothing was done, why, and what to write instead.

use super::clean::{clean_line, isolate};
use super::excerpt::shorten;
use super::headers::Headers;
use super::input::AnswerInput;
use super::trouble::View;
use super::words::fill;
use super::{Composer, SUBJECT_TITLE};
use crate::model::Email;

pub(super) fn answer(composer: &Composer, input: &AnswerInput<'_>) -> Email {
    let words = composer.words(input.reader.language);
    let labels = &words.answers;
    let said = shorten(&clean_line(input.said), SUBJECT_TITLE);
    let heading = match input.case {
        Some(case) => fill(&labels.heading_case, &[("case", &case.to_string())]),
        None => labels.heading.clone(),
    };
    let text = labels.faults.get(&input.fault);
    let what = text.map(|t| t.what.clone()).unwrap_or_default();
    let subject = if said.is_empty() { heading.clone() } else { fill(&labels.subject, &[("said", &isolate(&said))]) };
    let view = View {
        preheader: what.clone(),
        tone: "medium",
        intro: &labels.intro,
        heading,
        what_label: &labels.what,
        what,
        next_label: &labels.next,
        next: text.and_then(|t| t.next.clone()).unwrap_or_else(|| labels.how.clone()),
        facts: Vec::new(),
        detail_label: &labels.said,
        detail: said.clone(),
        foot: composer.foot(words, labels.foot.clone(), input.possible_duplicate),
    };
    let mut headers = Headers::new("answer", &words.code, input.possible_duplicate);
    headers.thread(input.thread);
    composer.email("trouble", words, format!("[mentiond] {subject}"), &view, headers)
}
