//! An entry: one thing that a source yielded, already plain text.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The earliest date that an entry can have: 2000-01-01. Older ones are resets of a publisher's clock (1970) or an
/// archive, and both are equally old for us.
pub const EARLIEST: Timestamp = Timestamp::constant(946_684_800, 0);

/// What makes two sightings of an entry the same one: the first 128 bits of a SHA-256 over the entry's id, else its
/// link, else its content (`sources::identity` decides which).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity(pub [u8; 16]);

/// Who wrote an entry, as far as the source says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Display name; empty if unknown.
    #[serde(default)]
    pub name: String,
    /// Handle on its platform, with `@`, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// The author's own page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How many follow the author, where the source says so: unknown is never 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followers: Option<u64>,
}

/// How much an entry moved people when it was last looked at, as far as its source says: unknown is never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engagement {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replies: Option<u64>,
    /// Reposts and quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reposts: Option<u64>,
}

impl Engagement {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// One thing that a source yielded. All text is plain: no tags, entities decoded, white space runs made one space,
/// paragraphs parted by `\n`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub identity: Identity,
    #[serde(default)]
    pub title: String,
    /// The longest body the source gave; at most `sources::MAX_TEXT` bytes.
    #[serde(default)]
    pub text: String,
    /// An `http` or `https` link that a person can open; redirectors unwrapped.
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub author: Option<Author>,
    /// Clamped to [`EARLIEST`] … fetch time + 2 min; `None` if the source gives none that can be read.
    #[serde(default)]
    pub published: Option<Timestamp>,
    /// BCP 47, as the source claims: evidence, not truth.
    #[serde(default)]
    pub lang: Option<String>,
    /// The publication or site that the entry comes from, if it is not the source itself (news and alert feeds).
    #[serde(default)]
    pub site: Option<String>,
    /// Stars, 1 to 5, where the source gives them.
    #[serde(default)]
    pub rating: Option<f32>,
    /// Where the text leads: `http` and `https` links, each once, at most `text::link::MAX_LINKS`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// Whether it answers another post, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<bool>,
    #[serde(default, skip_serializing_if = "Engagement::is_unknown")]
    pub engagement: Engagement,
    /// The source's own id, where entries can be asked for by it; of a mail its Message-ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was found to be taken back where it came from: its words were removed here too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Timestamp>,
    /// Id of what it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Id of what began the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}
