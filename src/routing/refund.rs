//! Whether giving money back is recommended: the operator's conditions, in order. It is advice to the department, never a
//! promise to the customer.

use crate::query::{Document, Query};

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub struct RefundRule {
    pub when: Query,
    pub recommend: bool,
    /// For the department, in the operator's words.
    pub why: String,
}

/// The first condition that holds; `None`: none does, and nothing is recommended either way.
pub fn advise<'r>(rules: &'r [RefundRule], document: &Document<'_>) -> Option<&'r RefundRule> {
    rules.iter().find(|rule| rule.when.evaluate(document).is_some())
}
