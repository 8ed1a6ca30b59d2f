//! What departments give in thanks for praise.

use serde::{Deserialize, Serialize};

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

/// Why nothing is given although a mention was taken for praise: a gift for a complaint would mock whoever wrote it, and
/// a code that is gone is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PerkDoubt {
    /// It does not sound glad, or not as if it were meant.
    Mood,
    /// A part of it, read alone, is a grievance or tells of harm.
    Grievance,
    /// It is so long that only parts of it were read.
    Long,
    /// It says the same words over and over.
    Repeats,
}

impl PerkDoubt {
    /// All of them.
    pub const ALL: [PerkDoubt; 4] = [PerkDoubt::Mood, PerkDoubt::Grievance, PerkDoubt::Long, PerkDoubt::Repeats];
}

/// What the owner department thanks for praise with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thanks {
    /// In its own words, the code in its place.
    Given(String),
    /// There is no code left.
    UsedUp,
    /// Nothing, until a person has read it.
    Withheld(PerkDoubt),
}

impl PerkOffer {
    /// Whether codes belong to it.
    pub fn has_codes(&self) -> bool {
        self.text.contains(PERK_CODE)
    }

    /// What the owner department thanks for this praise with; `None` if nothing is offered.
    pub fn for_mention(offers: &[Self], mention: &Mention, given: Option<&GivenPerk>) -> Option<Thanks> {
        if mention.classification.category != Category::Praise || mention.erased.is_some() {
            return None;
        }
        let offer = offers.iter().find(|offer| offer.department == mention.decision.department)?;
        if let Some(doubt) = mention.perk_doubt {
            return Some(Thanks::Withheld(doubt));
        }
        if !offer.has_codes() {
            return Some(Thanks::Given(offer.text.clone()));
        }
        match given? {
            GivenPerk::Code(code) => Some(Thanks::Given(offer.text.replace(PERK_CODE, code))),
            GivenPerk::UsedUp => Some(Thanks::UsedUp),
        }
    }
}
