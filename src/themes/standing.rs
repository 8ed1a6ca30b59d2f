//! What follows from a theme's people: when it opens, when it comes back, who owns it, and what a person may do with it.

use serde::{Deserialize, Serialize};

use crate::model::{ActingSettings, Category, Mention, Privacy, Severity, Theme, ThemeStatus};
use crate::routing::{Department, Role, Routing};

/// Characters of a name or reason that are kept.
const MAX_WORDS: usize = 200;

/// What a person does with a theme.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub enum ThemeAction {
    /// Makes it part of another one.
    Merge {
        into: i64,
    },
    /// Parts mentions from it, as a theme of their own.
    Split {
        mentions: Vec<i64>,
    },
    Rename {
        name: String,
    },
    /// It is over.
    Close {
        reason: String,
    },
}

/// Why something is not done with a theme.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThemeRefusal {
    #[error("there is no theme {0}; `mentiond themes --all` lists them")]
    NoSuchTheme(i64),
    #[error("theme {0} became part of theme {1}; do it there")]
    Gone(i64, i64),
    #[error("theme {0} cannot become part of itself")]
    Itself(i64),
    #[error("themes {0} and {1} are of different watchlists")]
    OtherWatchlist(i64, i64),
    #[error("theme {0} is closed already; it opens again by itself when people come back to it")]
    Closed(i64),
    #[error("mention {1} is not in theme {0}; `mentiond themes show {0}` lists those that are")]
    NotIn(i64, i64),
    #[error("name the mentions to part, and leave at least one in theme {0}")]
    NothingLeft(i64),
    #[error("give it a name: --name \"…\"")]
    NoName,
    #[error("{0} is not known: name a member, a lead or a department of the configuration")]
    Stranger(String),
}

/// What becomes of a theme that a mention has joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing yet.
    Stays,
    /// So many people have it that it must be acted on.
    Opens,
    /// It was closed, and people have it again.
    Reopens,
}

/// Whether a theme opens: `people` said so within the time of the settings, `since_closing` after it was closed last. One
/// or two are something to think about; but a closed theme comes back with one person less.
pub fn turn(status: ThemeStatus, people: u64, since_closing: u64, settings: &ActingSettings) -> Turn {
    let enough = u64::from(settings.people.max(1));
    match status {
        ThemeStatus::Growing if people >= enough => Turn::Opens,
        ThemeStatus::Closed if since_closing >= enough.saturating_sub(1).max(1) => Turn::Reopens,
        _ => Turn::Stays,
    }
}

/// Whether an open theme that lost mentions to another one is too small to be acted on, with so many people left in it.
pub fn shrinks(status: ThemeStatus, people: u64, settings: &ActingSettings) -> bool {
    status == ThemeStatus::Open && people < u64::from(settings.people.max(1))
}

/// What is noted in the case of a theme that shrank, in English, as other notes of mentiond in a history.
pub fn shrank(theme: i64, parted: i64, mentions: usize, people: u64) -> String {
    let what = if mentions == 1 { "1 mention was".to_owned() } else { format!("{mentions} mentions were") };
    let left = if people == 1 { "1 person is".to_owned() } else { format!("{people} people are") };
    format!(
        "{what} parted from theme {theme} into theme {parted}; {left} left in it, too few for a theme that must be acted on"
    )
}

/// Whether a mention is about an issue that others may have: trouble, a wish or a question, and nothing that must be kept
/// from most people.
pub fn is_placed(mention: &Mention) -> bool {
    mention.decision.privacy == Privacy::Usual && may_be_shared(mention.classification.category)
}

/// Whether others may have the issue of a mention of this category.
pub fn may_be_shared(category: Category) -> bool {
    (category.is_grievance() || matches!(category, Category::Suggestion | Category::Question))
        && !matches!(category, Category::Staff | Category::Member)
}

/// The department that acts on a theme: the one that handles its commonest category, else the one that most of its
/// mentions went to, else the community's.
pub fn owner<'r>(routing: &'r Routing, theme: &Theme, went_to: &[String]) -> Option<&'r Department> {
    let handles = routing.departments.iter().find(|d| d.handles.contains(&theme.category));
    handles.or_else(|| commonest(routing, went_to)).or_else(|| routing.with_role(Role::Community))
}

fn commonest<'r>(routing: &'r Routing, went_to: &[String]) -> Option<&'r Department> {
    let count = |d: &Department| went_to.iter().filter(|key| **key == d.key).count();
    routing.departments.iter().rev().max_by_key(|d| count(d)).filter(|d| count(d) > 0)
}

/// Who else should know: management, if it is severe.
pub fn copies<'r>(routing: &'r Routing, theme: &Theme, owner: &Department) -> Option<&'r Department> {
    let management = routing.with_role(Role::Management)?;
    (theme.severity >= Severity::High && management.key != owner.key).then_some(management)
}

/// A name or reason as it is kept.
pub fn cut(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_people_open_a_theme_and_two_bring_it_back() {
        let settings = ActingSettings::default();
        for (status, people, since, turns) in [
            (ThemeStatus::Growing, 2, 2, Turn::Stays),
            (ThemeStatus::Growing, 3, 3, Turn::Opens),
            (ThemeStatus::Open, 9, 9, Turn::Stays),
            (ThemeStatus::Closed, 9, 1, Turn::Stays),
            (ThemeStatus::Closed, 3, 2, Turn::Reopens),
            (ThemeStatus::Merged, 9, 9, Turn::Stays),
        ] {
            assert_eq!(turn(status, people, since, &settings), turns, "{status:?} {people} {since}");
        }
        let one = ActingSettings { people: 1, ..settings };
        assert_eq!(turn(ThemeStatus::Closed, 1, 0, &one), Turn::Stays);
    }
}
