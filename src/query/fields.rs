//! The fields of the language: their names, what values they take, and what is said about those that are unknown.

use super::ast::Place;
use crate::text::known::nearest;

/// What may stand before a colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Place(Place),
    Lang,
    Source,
    Followers,
    Rating,
    Has,
    Is,
    Set,
    Theme,
    Category,
    Severity,
    Sentiment,
    Watchlist,
    Flag,
}

const FIELDS: [(&str, Field); 19] = [
    ("title", Field::Place(Place::Title)),
    ("body", Field::Place(Place::Body)),
    ("author", Field::Place(Place::Author)),
    ("site", Field::Place(Place::Site)),
    ("url", Field::Place(Place::Url)),
    ("link", Field::Place(Place::Link)),
    ("lang", Field::Lang),
    ("source", Field::Source),
    ("followers", Field::Followers),
    ("rating", Field::Rating),
    ("has", Field::Has),
    ("is", Field::Is),
    ("set", Field::Set),
    ("category", Field::Category),
    ("severity", Field::Severity),
    ("sentiment", Field::Sentiment),
    ("theme", Field::Theme),
    ("watchlist", Field::Watchlist),
    ("flag", Field::Flag),
];

/// Names that people bring from other tools.
const OTHER_NAMES: [(&str, &str); 20] = [
    ("intext", "body"),
    ("stars", "rating"),
    ("authorfollowers", "followers"),
    ("links", "link"),
    ("inlink", "link"),
    ("topic", "theme"),
    ("text", "body"),
    ("content", "body"),
    ("headline", "title"),
    ("by", "author"),
    ("from", "author"),
    ("domain", "site"),
    ("host", "site"),
    ("inurl", "url"),
    ("intitle", "title"),
    ("language", "lang"),
    ("feed", "source"),
    ("tone", "sentiment"),
    ("priority", "severity"),
    ("label", "category"),
];

impl Field {
    /// The field of that name (lower case).
    pub(super) fn parse(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    }

    /// The name as written.
    pub(super) fn name(self) -> &'static str {
        FIELDS.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }

    /// Known only after classification, so only in `when`.
    pub(super) fn is_decided_later(self) -> bool {
        matches!(
            self,
            Field::Category | Field::Severity | Field::Sentiment | Field::Theme | Field::Watchlist | Field::Flag
        )
    }

    /// Whether `>=` and the like make sense.
    pub(super) fn has_order(self) -> bool {
        matches!(self, Field::Severity | Field::Sentiment | Field::Followers | Field::Rating)
    }

    /// How it is written, for help.
    pub(super) fn example(self) -> &'static str {
        match self {
            Field::Place(Place::Anywhere | Place::Title) => "write `title:refund` or `title:(a OR b)`",
            Field::Place(Place::Body) => "write `body:refund` or `body:(a OR b)`",
            Field::Place(Place::Author) => "write `author:\"Ana Ruiz\"`",
            Field::Place(Place::Site) => "write `site:example.com` or `site:(a.com OR b.org)`",
            Field::Place(Place::Url) => "write `url:refund`",
            Field::Place(Place::Link) => "write `link:example.com`: an address that the text leads to",
            Field::Followers => "write `followers:>=1000` or `followers:>=10k`",
            Field::Rating => "write `rating:<=2` (stars, 1 to 5)",
            Field::Has => "write `has:link`, `has:author`, `has:title`, `has:rating` or `has:followers`",
            Field::Is => "write `is:reply`",
            Field::Set => "write `set:NAME`, a name under [sets] in the config",
            Field::Theme => {
                "write `theme:NAME`, the name of one of the [[themes]] in the config, or `theme:#12`, the number of a theme that was found"
            }
            Field::Lang => "write `lang:es` or `lang:(es OR pt)`",
            Field::Source => "write `source:NAME`, the name of a source in the config",
            Field::Category => "write `category:refund` or `category:(refund OR complaint)`",
            Field::Severity => "write `severity:high` or `severity:>=high`",
            Field::Sentiment => "write `sentiment:negative` or `sentiment:<=negative`",
            Field::Watchlist => "write `watchlist:NAME`, the name of a watchlist in the config",
            Field::Flag => "write `flag:legal`",
        }
    }
}

/// Message and help for a field that is not known.
pub(super) fn unknown(name: &str, value: &str) -> (String, String) {
    let literal = "if the colon is part of the term, put it in quotes or backticks";
    if matches!(name, "http" | "https") && value.starts_with("//") {
        return (
            "an address needs its field".to_owned(),
            format!("write `url:{name}:{value}` for entries at that address; {literal}"),
        );
    }
    let names: Vec<&str> = FIELDS.iter().map(|(known, _)| *known).collect();
    let near =
        OTHER_NAMES.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours).or_else(|| nearest(name, &names));
    let help = match near {
        Some(near) => format!("did you mean `{near}:`? {}", capital(literal)),
        None => format!("known fields: {}; {literal}", names.join(" ")),
    };
    (format!("unknown field `{name}:`"), help)
}

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
