//! The mail with the link that signs in to the pages.

use serde::Serialize;

use super::Composer;
use super::headers::Headers;
use super::input::SignInInput;
use super::words::fill;
use crate::model::Email;

#[derive(Serialize)]
struct View<'a> {
    preheader: &'a str,
    tone: &'static str,
    heading: &'a str,
    what: &'a str,
    button: &'a str,
    link: &'a str,
    note: String,
    foot: Vec<String>,
}

pub(super) fn sign_in(composer: &Composer, input: &SignInInput<'_>) -> Email {
    let words = composer.words(input.reader.language);
    let own = &words.sign_in;
    let view = View {
        preheader: &own.what,
        tone: "low",
        heading: &own.heading,
        what: &own.what,
        button: &own.button,
        link: input.link,
        note: fill(&own.note, &[("date", &words.date(input.until, input.reader.zone))]),
        foot: composer.foot(words, own.foot.clone(), input.possible_duplicate),
    };
    let headers = Headers::new("sign-in", &words.code, input.possible_duplicate);
    composer.email("sign-in", words, own.subject.clone(), &view, headers)
}
