//! Whether giving money back is recommended: the operator's conditions, in order. It is advice to the department, never a
//! promise to the customer.

use crate::model::{Category, Mention};
use crate::query::{Document, Query, with_mention};

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub struct RefundRule {
    pub when: Query,
    pub recommend: bool,
    /// For the department, in the operator's words.
    pub why: String,
}

/// What the conditions say about a mention that asks for money back: the first that holds, `Some(None)` if none does;
/// `None` if money is not asked for. `themes`: those that a document belongs to.
pub fn refund_advice<'r>(
    rules: &'r [RefundRule],
    mention: &Mention,
    themes: impl FnOnce(&Document<'_>) -> Vec<String>,
) -> Option<Option<&'r RefundRule>> {
    let found = &mention.classification;
    let asked = found.category == Category::Refund || found.categories.iter().any(|c| c.name == Category::Refund);
    (asked && mention.erased.is_none()).then(|| {
        with_mention(mention, true, themes, |document| rules.iter().find(|rule| rule.when.evaluate(document).is_some()))
    })
}
