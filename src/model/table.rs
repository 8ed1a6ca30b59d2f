//! A service with a JSON API, described by a table: how it is asked, how its answers are read, what it allows. `config`
//! makes these values from a preset or from the operator's own table, `sources::table` works by them.

use std::time::Duration;

use super::{ErrorClass, Secret};
use crate::text::json_path::JsonPath;

/// Places of one template at most.
const MAX_PIECES: usize = 64;

/// A text with places that are filled in later: `{query}`, `{since|unix}`, `{$.author.did}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub written: String,
    pub pieces: Vec<Piece>,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Place(Place, Vec<Pipe>),
}

/// What is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A word that stands for something known when a request is made.
    Name(String),
    /// Something in an item of an answer.
    Item(JsonPath),
    /// Something in what is joined to the item ([`Join`]).
    Joined(JsonPath),
}

/// What is done to a value before it is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pipe {
    /// What follows the last `/`.
    Last,
    /// The last but one of parts between dots, unless that is `0`: the parent in a path of ids.
    Up,
    /// A moment in seconds since 1970.
    Unix,
    /// A moment as `2026-11-20`.
    Date,
    /// A moment as `20261120101500`.
    Compact,
    /// The path of an address.
    Path,
    /// The host of an address.
    Host,
    /// With this part, where it has it, in place of that one.
    Swap(String, String),
}

impl Template {
    /// Reads a template. A text that begins with `$` is a path as a whole.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let trimmed = text.trim();
        if trimmed.starts_with('$') {
            pieces.push(place(trimmed)?);
            return Ok(Self { written: trimmed.to_owned(), pieces });
        }
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, after) = rest.split_at(at);
            // `{"` and `{ ` begin JSON, not a place.
            let is_place = after[1..].starts_with(|c: char| c == '$' || c.is_ascii_lowercase());
            if !is_place {
                let end = at + 1;
                push_text(&mut pieces, &rest[..end]);
                rest = &rest[end..];
                continue;
            }
            push_text(&mut pieces, before);
            let Some(end) = after.find('}') else { return Err("`}` is missing after a place".to_owned()) };
            pieces.push(place(&after[1..end])?);
            rest = &after[end + 1..];
            if pieces.len() > MAX_PIECES {
                return Err(format!("there are more than {MAX_PIECES} places in it"));
            }
        }
        push_text(&mut pieces, rest);
        Ok(Self { written: text.to_owned(), pieces })
    }

    /// The words of its places.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Place(Place::Name(name), _) => Some(name.as_str()),
            _ => None,
        })
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(before)) => before.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

fn place(text: &str) -> Result<Piece, String> {
    let mut parts = text.split('|').map(str::trim);
    let what = parts.next().unwrap_or_default();
    let mut pipes = Vec::new();
    for part in parts {
        pipes.push(match part {
            "last" => Pipe::Last,
            "up" => Pipe::Up,
            "unix" => Pipe::Unix,
            "date" => Pipe::Date,
            "compact" => Pipe::Compact,
            "path" => Pipe::Path,
            "host" => Pipe::Host,
            other => {
                let mut words = other.split_whitespace();
                if let (Some("swap"), Some(part), Some(with), None) =
                    (words.next(), words.next(), words.next(), words.next())
                {
                    pipes.push(Pipe::Swap(part.to_owned(), with.to_owned()));
                    continue;
                }
                let known = "|last, |up, |unix, |date, |compact, |path, |host and |swap this that";
                return Err(format!("`|{other}` is not known; there are {known}"));
            }
        });
    }
    let place = match what.strip_prefix("$join") {
        Some(rest) => Place::Joined(JsonPath::parse(&format!("${rest}"))?),
        None if what.starts_with('$') => Place::Item(JsonPath::parse(what)?),
        None if !what.is_empty() && what.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') => {
            Place::Name(what.to_owned())
        }
        None => {
            return Err(format!("`{{{what}}}` is no place: write a word in small letters or a path, as in {{$.id}}"));
        }
    };
    Ok(Piece::Place(place, pipes))
}

/// How a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

/// How the secret is shown to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    None,
    /// `Authorization: Bearer …` (RFC 6750).
    Bearer,
    /// User and secret (RFC 7617).
    Basic,
    /// In a header of this name.
    Header(String),
    /// In a parameter of this name.
    Query(String),
}

/// How a request becomes one: what is asked, and of whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub method: Method,
    pub url: Template,
    /// One whose places are not all known is left out.
    pub params: Vec<(String, Template)>,
    pub headers: Vec<(String, Template)>,
    /// Sent as JSON if it begins with `{` or `[`, else as a form.
    pub body: Option<Template>,
}

/// A login before the first request: its token takes the place of the secret then. It is kept in memory only.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    pub ask: Ask,
    /// How the login itself is authorised.
    pub auth: Auth,
    pub token: JsonPath,
    /// Where a new token is had for the refresh token, and where that is in an answer of either.
    pub refresh: Option<(Template, JsonPath)>,
}

/// Things that stand beside the items in an answer and belong to them.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    pub list: JsonPath,
    /// Its key, in the thing and in the item.
    pub key: JsonPath,
    pub by: JsonPath,
}

/// One field of the common record: the first of these templates that can be filled in.
pub type Field = Vec<Template>;

/// How a text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextForm {
    #[default]
    Plain,
    Html,
    Markdown,
}

/// Where the common record is in an item. What has no template is unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    pub id: Field,
    pub url: Field,
    pub title: Field,
    pub text: Field,
    pub author: Field,
    pub handle: Field,
    pub author_url: Field,
    pub followers: Field,
    pub published: Field,
    /// The moment by which the service sorts, if it is another one.
    pub sorted: Field,
    pub lang: Field,
    pub likes: Field,
    pub replies: Field,
    pub reposts: Field,
    pub parent: Field,
    pub root: Field,
    pub rating: Field,
    pub site: Field,
}

/// How further pages are had.
#[derive(Clone, Debug, PartialEq)]
pub enum Paging {
    None,
    /// A `Link` header (RFC 8288) with this relation.
    Link(String),
    /// The next page's address, in the answer.
    Next(JsonPath),
    /// A token in the answer, for `{token}`.
    Token(JsonPath),
    /// `{page}` counts from this number; `{offset}` counts items.
    Page(u32),
    /// Ids are numbers and `{before}` goes down by this much, however many items a page had.
    Below(u64),
    /// The answer begins right after `{last_id}`: asked again while pages are full.
    Forward,
}

/// How it is known where the last poll ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResumeBy {
    /// `{since}`: the latest moment seen less the overlap.
    Time,
    /// `{last_id}`: the greatest id seen.
    Id,
}

/// Where a poll begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Resume {
    pub by: ResumeBy,
    /// Asked for again each time, since things arrive late.
    pub overlap: Duration,
    /// How far back the very first poll looks.
    pub first: Duration,
    /// How far back the service remembers; beyond it there is a gap.
    pub window: Option<Duration>,
}

/// What a class of answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    Fault(ErrorClass),
    /// The login has run out.
    Expired,
    /// The cursor is older than the service remembers.
    Stale,
    /// There is nothing, and there never will be.
    Nothing,
}

/// An answer that is a refusal, and what to do. All conditions must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultRule {
    pub status: Option<u16>,
    /// Something in the answer, and the text that it has or contains (any if none).
    pub path: Option<JsonPath>,
    pub is: Option<String>,
    /// A piece of an answer that is no JSON.
    pub text: Option<String>,
    pub means: Meaning,
    pub say: String,
    /// Where the seconds to wait are in the answer; a text is searched for its first number.
    pub wait: Option<JsonPath>,
}

/// Headers that say how many requests are left, and when there are new ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    pub remaining: String,
    pub reset: String,
}

/// What may be used in a period.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    pub units: u64,
    /// Of one request.
    pub cost: u64,
    pub per: Period,
    /// IANA name of the zone in which the period ends.
    pub zone: String,
}

/// Of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    Day,
    Month,
}

/// What a service charges, in millionths of its currency's unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// Of one item, and of one thing that is joined.
    pub item: u64,
    pub joined: u64,
    /// That may be spent in a calendar month (UTC).
    pub cap: u64,
    pub currency: String,
    /// Items of one page at most: what a request may cost.
    pub page: u64,
}

/// How one item is asked for again, by its `{id}` and `{url}`: for its counts, and whether it is still there.
#[derive(Clone, Debug, PartialEq)]
pub struct One {
    pub ask: Ask,
    /// Where the item is in the answer.
    pub items: Vec<JsonPath>,
    pub likes: Field,
    pub replies: Field,
    pub reposts: Field,
    /// Statuses that say that the item was taken back.
    pub gone: Vec<u16>,
    /// An answer without items says so.
    pub empty: bool,
    /// An item that has this was taken back, though it is still listed.
    pub tombstone: Vec<JsonPath>,
    /// If there are any, the tombstone must be one of these texts.
    pub tombstone_is: Vec<String>,
    /// Only who shows a secret is answered.
    pub signed: bool,
    /// Counted apart from the table's quota.
    pub apart: bool,
}

/// A service, described.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub ask: Ask,
    /// Values of places that the operator chose. Each combination is asked for on its own.
    pub options: Vec<(String, Vec<String>)>,
    /// For `{query}`, each asked for on its own.
    pub queries: Vec<String>,
    pub auth: Auth,
    pub user: Option<String>,
    /// `None` if none is needed, or if secrets were not read.
    pub secret: Option<Secret>,
    pub login: Option<Login>,
    pub items: Vec<JsonPath>,
    /// An answer without a place for items that has this holds none; without it, such an answer is no answer.
    pub no_items: Vec<JsonPath>,
    /// Items that have this are left out; items that have not this are left out.
    pub skip: Vec<JsonPath>,
    pub require: Vec<JsonPath>,
    pub join: Option<Join>,
    pub fields: Fields,
    pub title_as: TextForm,
    pub text_as: TextForm,
    pub paging: Paging,
    /// Pages of one poll and one combination at most.
    pub pages: u32,
    /// Items of a full page, if it is known.
    pub size: Option<usize>,
    /// False or missing in the last page.
    pub more: Option<JsonPath>,
    /// Items that the service lists at most.
    pub reach: Option<u64>,
    pub resume: Resume,
    pub faults: Vec<FaultRule>,
    pub rate: Option<Rate>,
    /// Seconds to wait that even a good answer may ask for.
    pub wait: Option<JsonPath>,
    /// Requests left, in the answer.
    pub left: Option<JsonPath>,
    pub quota: Option<Quota>,
    pub price: Option<Price>,
    /// `None`: single items cannot be asked for.
    pub one: Option<One>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_places() {
        let template = Template::parse("https://x.example/{$.a|last}?q={query}&t={since|unix}").unwrap();
        assert_eq!(template.pieces.len(), 6);
        assert_eq!(template.names().collect::<Vec<_>>(), ["query", "since"]);
        assert_eq!(Template::parse("$.a").unwrap().pieces.len(), 1);
        let joined = Template::parse("$join.name").unwrap();
        assert!(matches!(joined.pieces.as_slice(), [Piece::Place(Place::Joined(_), _)]));
        let body = Template::parse(r#"{"q":"{query}","n":{"a":1}}"#).unwrap();
        assert_eq!(body.names().collect::<Vec<_>>(), ["query"]);
        for (wrong, why) in
            [("{query", "missing"), ("{$..a}", "`..`"), ("{since|never}", "not known"), ("{a b}", "no place")]
        {
            let told = Template::parse(wrong).unwrap_err();
            assert!(told.contains(why), "{wrong}: {told}");
        }
    }
}
