//! One piece of evidence: where it stands, what it speaks for, and why. Nearly all that are found are dropped again, so
//! that words are made only of those that stay.

use std::borrow::Cow;

use crate::model::{Category, Severity, WHOLE_WORDING};

/// One piece of evidence before it is written out: tokens `start..end` (none if both are 0), effect, reason.
#[derive(Clone, Debug)]
pub(super) struct Note<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) says: Says<'a>,
    pub(super) why: Reason<'a>,
}

/// What a piece of evidence speaks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Says<'a> {
    Category(Category),
    Severity(Severity),
    Sentiment(f32),
    Flag(&'a str),
    RunnerUp(Category),
}

/// Why it does.
#[derive(Clone, Debug)]
pub(super) enum Reason<'a> {
    Said(Cow<'a, str>),
    /// Speaks for one category rather than another.
    Rather(Category, Category),
    /// No word by itself: all of them together.
    Whole(&'static str),
    WholeRather(Category, Category),
}

impl<'a> Note<'a> {
    pub(super) fn new(start: usize, end: usize, says: Says<'a>, why: impl Into<Cow<'a, str>>) -> Self {
        Note { start, end, says, why: Reason::Said(why.into()) }
    }

    /// About the text as a whole.
    pub(super) fn general(says: Says<'a>, why: impl Into<Cow<'a, str>>) -> Self {
        Note::new(0, 0, says, why)
    }

    /// Whether both speak of the same question.
    pub(super) fn is_about_the_same(&self, other: &Note<'_>) -> bool {
        std::mem::discriminant(&self.says) == std::mem::discriminant(&other.says)
    }
}

impl Says<'_> {
    /// `category:refund`, `severity:high`, `sentiment:-1.5`, `flag:legal`, `runner-up:praise`.
    pub(super) fn written(self) -> String {
        match self {
            Says::Category(category) => ["category:", category.as_str()].concat(),
            Says::Severity(severity) => ["severity:", severity.as_str()].concat(),
            Says::Sentiment(weight) => {
                let mut out = String::with_capacity(16);
                out.push_str("sentiment:");
                push_tenths(weight, &mut out);
                out
            }
            Says::Flag(flag) => ["flag:", flag].concat(),
            Says::RunnerUp(category) => ["runner-up:", category.as_str()].concat(),
        }
    }
}

impl Reason<'_> {
    /// In words.
    pub(super) fn written(self) -> String {
        let rather = |own: Category, other: Category| ["speaks for ", own.as_str(), " rather than ", other.as_str()];
        match self {
            Reason::Said(why) => why.into_owned(),
            Reason::Rather(own, other) => rather(own, other).concat(),
            Reason::Whole(why) => [WHOLE_WORDING, " ", why].concat(),
            Reason::WholeRather(own, other) => [WHOLE_WORDING, " ", &rather(own, other).concat()].concat(),
        }
    }

    /// Whether it names no word.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self, Reason::Whole(_) | Reason::WholeRather(..))
    }
}

/// Appends a number with its sign and one decimal, as `{:+.1}` writes it: that spends more time on it than all else
/// that is done for a note.
fn push_tenths(number: f32, out: &mut String) {
    // Exact: 24 bits times ten are less than the 53 there are.
    let tenths = (f64::from(number) * 10.0).round_ties_even();
    if !(-999.0..=999.0).contains(&tenths) {
        out.push_str(&format!("{number:+.1}"));
        return;
    }
    let whole = tenths.abs() as u16;
    out.push(if number.is_sign_negative() { '-' } else { '+' });
    let digit = |n: u16| char::from(b'0' + (n % 10) as u8);
    if whole >= 100 {
        out.push(digit(whole / 100));
    }
    out.push(digit(whole / 10));
    out.push('.');
    out.push(digit(whole));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_written_as_the_standard_library_does() {
        let some = [0.0, -0.0, 0.05, -0.05, 0.25, 0.35, 0.75, 9.95, -9.949, 10.0, 99.9, 99.95, -120.25, f32::NAN];
        let many = (-40_000..40_000).map(|n| n as f32 * 0.0125);
        let odd = (0..50_000u32).map(|n| f32::from_bits(0x3000_0000 + n * 4_001));
        for number in some.into_iter().chain(many).chain(odd) {
            let mut own = String::new();
            push_tenths(number, &mut own);
            assert_eq!(own, format!("{number:+.1}"), "{number:?}");
        }
    }
}
