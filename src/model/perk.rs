//! What departments give in thanks for praise.

use super::{Category, Mention};

/// Where the code goes in the text.
pub const PERK_CODE: &str = "{code}";

/// What a department gives in thanks for praise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerkOffer {
    /// Key of the department.
    pub department: String,
    /// In its own words; `{code}` where a code goes.
    pub text: String,
    /// Each is given once; empty if the perk has none.
    pub codes: Vec<String>,
}

/// What was set aside for a mention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenPerk {
    Code(String),
    /// There was no code left.
    UsedUp,
}

impl PerkOffer {
    /// Whether codes belong to it.
    pub fn has_codes(&self) -> bool {
        self.text.contains(PERK_CODE)
    }

    /// What the owner department thanks for this praise with, in its words: `Some(None)` if it has no code left, `None` if
    /// nothing is offered.
    pub fn for_mention(offers: &[Self], mention: &Mention, given: Option<&GivenPerk>) -> Option<Option<String>> {
        if mention.classification.category != Category::Praise || mention.erased.is_some() {
            return None;
        }
        let offer = offers.iter().find(|offer| offer.department == mention.decision.department)?;
        if !offer.has_codes() {
            return Some(Some(offer.text.clone()));
        }
        match given? {
            GivenPerk::Code(code) => Some(Some(offer.text.replace(PERK_CODE, code))),
            GivenPerk::UsedUp => Some(None),
        }
    }
}
