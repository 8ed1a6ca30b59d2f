//! Reply drafts: what a department could answer, in the language of the post. mentiond never sends them.
//!
//! The words stand in `drafts/<language>/<category>.txt`; files of the operator's replace them one by one (`config`
//! reads those). Here a draft is chosen and filled. `lint` says what no draft may say, `name` whether a display name is
//! a person's, `quote` which of the author's own words can be repeated in public.

mod lint;
mod name;
mod quote;
mod template;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use template::{Draft as DraftTemplate, DraftProblem, MAX_DRAFT, PLACEHOLDERS};

pub use name::looks_like_a_name;

use super::clean::clean_line;
use super::mention::name as shown_name;
use super::{Composer, base};
use crate::model::{Category, Mention};

/// Languages that drafts are written in; the first one is used where the department's has none.
const LANGUAGES: [&str; 4] = ["en", "es", "pt", "da"];

macro_rules! built_in {
    ($($language:literal: $($category:ident $file:literal),+;)+) => {
        /// The built-in drafts. A category without one gets no answer: spam and abuse.
        const BUILT_IN: &[(&str, Category, &str)] = &[
            $($(($language, Category::$category, include_str!(concat!("drafts/", $language, "/", $file, ".txt"))),)+)+
        ];
    };
    ($($language:literal)+) => {
        built_in! { $($language:
            Unresolved "unresolved", Refund "refund", Staff "staff", Member "member", Technical "technical",
            Campaign "campaign", Complaint "complaint", Suggestion "suggestion", Question "question",
            Praise "praise", Press "press", Other "other";
        )+ }
    };
}
built_in! { "en" "es" "pt" "da" }

/// All drafts: the built-in ones, and the operator's in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drafts(BTreeMap<(&'static str, &'static str), DraftTemplate>);

impl Default for Drafts {
    fn default() -> Self {
        Self::built_in()
    }
}

impl Drafts {
    /// What is built in. It is read once; tests see to it that there are no mistakes.
    pub fn built_in() -> Self {
        static READ: LazyLock<Drafts> = LazyLock::new(|| {
            let key = |language: &'static str, category: Category| (language, category.as_str());
            Drafts(
                BUILT_IN.iter().map(|(l, category, text)| (key(l, *category), DraftTemplate::read(text).0)).collect(),
            )
        });
        READ.clone()
    }

    /// Languages that have drafts, as their folders are called.
    pub fn languages() -> &'static [&'static str] {
        &LANGUAGES
    }

    /// Categories that get an answer, as their files are called.
    pub fn categories() -> impl Iterator<Item = Category> {
        Category::ALL.into_iter().filter(|c| is_answered(*c))
    }

    /// Puts the operator's draft in place of a built-in one; a language or category that has none is left as it is.
    pub fn replace(&mut self, language: &str, category: Category, draft: DraftTemplate) {
        if let Some(place) = self.0.iter_mut().find(|((l, c), _)| *l == language && *c == category.as_str()) {
            *place.1 = draft;
        }
    }

    /// The draft of that category in the first of these languages that has one.
    fn choose(&self, languages: [&str; 3], category: Category) -> Option<(&'static str, &DraftTemplate)> {
        languages.into_iter().find_map(|language| {
            let fits = |(l, c): &(&str, &str)| *l == base(language) && *c == category.as_str();
            self.0.iter().find(|(key, _)| fits(key)).map(|((language, _), draft)| (*language, draft))
        })
    }
}

/// Whether a post of this category gets an answer: everybody's does, but for spam and for abuse without a grievance.
pub fn is_answered(category: Category) -> bool {
    !matches!(category, Category::Spam | Category::Abuse)
}

/// What a draft is made from.
#[derive(Clone, Copy, Debug)]
pub struct DraftInput<'a> {
    pub mention: &'a Mention,
    /// The department's language, for a post in a language that has no drafts.
    pub language: &'a str,
    /// Name of the brand; empty if unknown.
    pub brand: &'a str,
    /// Name of the owner department; empty if there is none.
    pub department: &'a str,
    /// Who in the department takes it from here; only the given name is shown.
    pub member: Option<&'a str>,
    /// What the department gives in thanks for praise, in its own words.
    pub perk: Option<&'a str>,
}

/// A filled draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Language code of its words.
    pub language: &'static str,
    /// Each on one line.
    pub paragraphs: Vec<String>,
}

impl Draft {
    /// All of it, to be copied: paragraphs parted by an empty line.
    pub fn text(&self) -> String {
        self.paragraphs.join("\n\n")
    }
}

/// The draft for a mention, or `None` if posts of its category get no answer.
pub(super) fn draft(composer: &Composer, input: &DraftInput<'_>) -> Option<Draft> {
    let found = &input.mention.classification;
    let spoken = found.language.code.as_str();
    let (language, template) =
        composer.settings.drafts.choose([spoken, input.language, LANGUAGES[0]], found.category)?;
    let author = input.mention.entry.author.as_ref();
    let name = author.and_then(|a| looks_like_a_name(&a.name, a.handle.as_deref())).unwrap_or_default();
    // Words in one language quoted in an answer in another one would not read.
    let issue = (base(spoken) == language).then(|| quote::issue(composer.words(language), input.mention)).flatten();
    let member = input.member.and_then(|m| looks_like_a_name(m, None)).unwrap_or_default();
    let perk = input.perk.map(clean_line).unwrap_or_default();
    let perk = perk.trim_end_matches(['.', '!', ' ']);
    let brand = shown_name(input.brand);
    let department = shown_name(input.department);
    let values = [
        ("name", name.as_str()),
        ("issue", issue.as_deref().unwrap_or_default()),
        ("department", department.as_str()),
        ("member", member.as_str()),
        ("perk", perk),
        ("brand", brand.as_str()),
    ];
    Some(Draft { language, paragraphs: template.fill(&values) })
}

#[cfg(test)]
#[path = "draft/tests.rs"]
mod tests;
