//! The parts of a service's table, each turned into what it means.

use std::time::Duration;

use super::super::diagnostic::Findings;
use super::super::keys::{FAULT, FIELDS, JOIN, LOGIN, PAGING, PRICE, QUOTA, RATE, RESUME, SEARCH};
use super::super::reader::Reader;
use super::super::section::{Problem, Section, checked, text_of};
use super::super::tree::{Node, Value};
use super::super::zone;
use super::template;
use crate::model::ErrorClass;
use crate::model::table::{
    Ask, Auth, FaultRule, Field, Fields, Join, Login, Meaning, Method, Paging, Period, Piece, Price, Quota, Rate,
    Resume, ResumeBy, Template, TextForm,
};
use crate::query::Syntax;
use crate::text::json_path::JsonPath;

/// Pages of one poll unless the table says otherwise.
const PAGES: u32 = 10;

const DAY: u64 = 86_400;

/// A line that shows how a key is written.
pub(super) fn example(key: &str) -> &'static str {
    match key {
        "items" => "items = \"$.results\"",
        _ => "fields = { id = \"$.id\", url = \"$.link\", text = \"$.body\", published = \"$.date\" }",
    }
}

fn open<'t>(
    section: &Section<'t>,
    key: &str,
    keys: &'static super::super::keys::Keys,
    found: &mut Findings,
) -> Option<Section<'t>> {
    Section::open(section.get(key)?, keys, found)
}

fn json_path(text: &str) -> Result<JsonPath, Problem> {
    JsonPath::parse(text).map_err(|why| Problem::new(why, "a path leads to a value: $.items[*], $.author.name"))
}

pub(super) fn path(section: &Section<'_>, key: &str, reader: &mut Reader<'_>) -> Option<JsonPath> {
    section.parsed(key, json_path, &mut reader.found)
}

/// One path or a list of them.
pub(super) fn paths(section: &Section<'_>, key: &str, reader: &mut Reader<'_>) -> Vec<JsonPath> {
    match section.get(key).map(|node| &node.value) {
        Some(Value::List(_)) => section.parsed_list(key, json_path, &mut reader.found),
        Some(_) => path(section, key, reader).into_iter().collect(),
        None => Vec::new(),
    }
}

/// `params`, `headers`: names of the service's own, with templates.
pub(super) fn templates(section: &Section<'_>, key: &str, reader: &mut Reader<'_>) -> Vec<(String, Template)> {
    let Some(node) = section.get(key) else { return Vec::new() };
    let Value::Table(table) = &node.value else {
        let kind = node.value.kind();
        reader
            .found
            .error(node.span, format!("`{key}` must be a table, but is {kind}"))
            .help(format!("write {key} = {{ name = \"value\" }}"));
        return Vec::new();
    };
    let mut out = Vec::new();
    for entry in &table.0 {
        let Some(text) = text_of(&entry.node, &entry.key, &mut reader.found) else { continue };
        let plain = text.value.chars().all(|c| !c.is_control()) && entry.key.bytes().all(|b| (0x21..0x7f).contains(&b));
        if key == "headers" && (!plain || entry.key.contains([':', '{']) || is_credential(&entry.key)) {
            reader
                .found
                .error(entry.at, format!("`{}` cannot be set as a header here", entry.key))
                .help("a login belongs in `auth` and `secret`; names have letters, digits and `-`");
            continue;
        }
        out.extend(checked(text, template, &mut reader.found).map(|template| (entry.key.clone(), template)));
    }
    out
}

/// Headers that hold a secret, or that belong to the connection.
fn is_credential(name: &str) -> bool {
    ["authorization", "cookie", "host", "content-length", "transfer-encoding", "connection", "proxy-authorization"]
        .iter()
        .any(|one| name.eq_ignore_ascii_case(one))
}

/// How a request is made; `url` is its key.
pub(super) fn ask(section: &Section<'_>, url: &str, reader: &mut Reader<'_>) -> Option<Ask> {
    let text = section.text(url, &mut reader.found)?;
    let parsed = checked(text, template, &mut reader.found);
    if !text.value.trim_start().starts_with('{') && !text.value.contains("://") {
        reader.found.error(text.span, "the address does not start with https://").help("write https:// in front of it");
        return None;
    }
    let words = [("GET", Method::Get), ("POST", Method::Post)];
    let method = section.choice("method", &words, &mut reader.found);
    let body = section.parsed("body", template, &mut reader.found);
    Some(Ask {
        method: method.unwrap_or(if body.is_some() { Method::Post } else { Method::Get }),
        url: parsed?,
        params: templates(section, "params", reader),
        headers: templates(section, "headers", reader),
        body,
    })
}

/// The words of all places of a request.
pub(super) fn places(ask: &Ask) -> impl Iterator<Item = &str> {
    let named = ask.params.iter().chain(&ask.headers).map(|(_, template)| template);
    std::iter::once(&ask.url).chain(named).chain(&ask.body).flat_map(Template::names)
}

/// Whether a request has a place of that name.
pub(super) fn asks(ask: &Ask, name: &str) -> bool {
    places(ask).any(|place| place == name)
}

/// `bearer`, `basic`, `header:NAME`, `query:NAME`.
pub(super) fn auth(text: &str) -> Result<Auth, Problem> {
    let named = |prefix: &str| text.strip_prefix(prefix).map(str::trim).filter(|name| !name.is_empty());
    let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    match text.trim() {
        "bearer" => Ok(Auth::Bearer),
        "basic" => Ok(Auth::Basic),
        _ => named("header:")
            .filter(is_name)
            .map(|name| Auth::Header(name.to_owned()))
            .or_else(|| named("query:").filter(is_name).map(|name| Auth::Query(name.to_owned())))
            .ok_or_else(|| {
                Problem::new(
                    format!("`auth` cannot be `{text}`"),
                    "write \"bearer\", \"basic\", \"header:X-Api-Key\" or \"query:key\"",
                )
            }),
    }
}

pub(super) fn login(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Login> {
    let login = open(section, "login", &LOGIN, &mut reader.found)?;
    let url = login.required("url", "url = \"https://…\"", &mut reader.found)?;
    let url = checked(url, template, &mut reader.found)?;
    let token = login.required("token", "token = \"$.access_token\"", &mut reader.found)?;
    let token = checked(token, json_path, &mut reader.found)?;
    let body = login.parsed("body", template, &mut reader.found);
    let refresh = login.parsed("refresh_url", template, &mut reader.found);
    let refresh = refresh.zip(path(&login, "refresh_token", reader));
    let headers = templates(&login, "headers", reader);
    let auth = login.parsed("auth", auth, &mut reader.found).unwrap_or(Auth::None);
    let ask = Ask { method: Method::Post, url, params: Vec::new(), headers, body };
    Some(Login { ask, auth, token, refresh })
}

pub(super) fn form(section: &Section<'_>, key: &str, reader: &mut Reader<'_>) -> TextForm {
    let words = [("text", TextForm::Plain), ("html", TextForm::Html), ("markdown", TextForm::Markdown)];
    section.choice(key, &words, &mut reader.found).unwrap_or_default()
}

/// How the service is searched, and whether the table says anything of it.
pub(super) fn syntax(section: &Section<'_>, reader: &mut Reader<'_>) -> (Syntax, bool) {
    let Some(search) = open(section, "search", &SEARCH, &mut reader.found) else { return (Syntax::default(), false) };
    let found = &mut reader.found;
    let text = |key: &str, found: &mut Findings| search.text(key, found).map(|text| text.value.to_owned());
    let flag = |key: &str, found: &mut Findings| search.boolean(key, found).unwrap_or(false);
    let number = |key: &str, found: &mut Findings| {
        search.number(key, 1..=100_000, found).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    };
    let syntax = Syntax {
        or: text("or", found),
        not: text("not", found),
        quotes: flag("quotes", found),
        groups: flag("groups", found),
        tags: flag("tags", found),
        max: number("max", found),
        operators: number("operators", found),
        add: text("add", found).unwrap_or_default(),
    };
    (syntax, true)
}

type Pages = (Paging, u32, Option<usize>, Option<JsonPath>, Option<u64>);

pub(super) fn paging(section: &Section<'_>, reader: &mut Reader<'_>) -> Pages {
    let none = (Paging::None, PAGES, None, None, None);
    let Some(paging) = open(section, "paging", &PAGING, &mut reader.found) else { return none };
    let words = [("none", 0), ("link", 1), ("next", 2), ("token", 3), ("page", 4), ("below", 5), ("forward", 6)];
    if !paging.has("by") {
        paging.missing("by", "by = \"page\"", &mut reader.found);
    }
    let by = paging.choice("by", &words, &mut reader.found).unwrap_or(0);
    let at = path(&paging, "at", reader);
    if matches!(by, 2 | 3) && !paging.has("at") {
        paging.missing("at", "at = \"$.next\"", &mut reader.found);
    }
    let number = |key: &str, from: i64, found: &mut Findings| paging.number(key, from..=1_000_000, found);
    let found = &mut reader.found;
    let first = number("first", 0, found).and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
    let step = number("step", 1, found).and_then(|n| u64::try_from(n).ok()).unwrap_or(50);
    let pages = paging.number("pages", 1..=100, found).and_then(|n| u32::try_from(n).ok()).unwrap_or(PAGES);
    let size = number("size", 1, found).and_then(|n| usize::try_from(n).ok());
    let reach = number("reach", 1, found).and_then(|n| u64::try_from(n).ok());
    let relation = paging.text("rel", found).map_or("next", |text| text.value).to_owned();
    let more = path(&paging, "more", reader);
    let paging = match (by, at) {
        (1, _) => Paging::Link(relation),
        (2, Some(at)) => Paging::Next(at),
        (3, Some(at)) => Paging::Token(at),
        (4, _) => Paging::Page(first),
        (5, _) => Paging::Below(step),
        (6, _) => Paging::Forward,
        _ => Paging::None,
    };
    (paging, pages, size, more, reach)
}

pub(super) fn resume(section: &Section<'_>, reader: &mut Reader<'_>) -> Resume {
    let minutes = |n: u64| Duration::from_secs(n * 60);
    let mut resume = Resume { by: ResumeBy::Time, overlap: minutes(10), first: minutes(24 * 60), window: None };
    let Some(part) = open(section, "resume", &RESUME, &mut reader.found) else { return resume };
    let found = &mut reader.found;
    if let Some(by) = part.choice("by", &[("time", ResumeBy::Time), ("id", ResumeBy::Id)], found) {
        resume.by = by;
    }
    let range = Duration::from_secs(1)..=Duration::from_secs(365 * DAY);
    if let Some(overlap) = part.duration("overlap", range.clone(), "1s to 365d", found) {
        resume.overlap = overlap;
    }
    if let Some(first) = part.duration("first", range.clone(), "1s to 365d", found) {
        resume.first = first;
    }
    resume.window = part.duration("window", range, "1s to 365d", found);
    resume
}

pub(super) fn fields(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Fields> {
    let part = open(section, "fields", &FIELDS, &mut reader.found)?;
    let mut get = |key: &str| -> Field {
        // What every item has alike tells none of them apart, and says nothing.
        let read = |text: &str| match OWN.contains(&key) {
            true => own(text, key),
            false => template(text),
        };
        match part.get(key).map(|node| &node.value) {
            Some(Value::List(_)) => part.parsed_list(key, read, &mut reader.found),
            Some(_) => part.parsed(key, read, &mut reader.found).into_iter().collect(),
            None => Vec::new(),
        }
    };
    Some(Fields {
        id: get("id"),
        url: get("url"),
        title: get("title"),
        text: get("text"),
        author: get("author"),
        handle: get("handle"),
        author_url: get("author_url"),
        followers: get("followers"),
        published: get("published"),
        sorted: get("sorted"),
        lang: get("lang"),
        likes: get("likes"),
        replies: get("replies"),
        reposts: get("reposts"),
        parent: get("parent"),
        root: get("root"),
        rating: get("rating"),
        site: get("site"),
    })
}

/// Fields that differ from item to item.
const OWN: [&str; 5] = ["id", "url", "title", "text", "published"];

fn own(text: &str, key: &str) -> Result<Template, Problem> {
    let read = template(text)?;
    if read.pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
        let word = text.trim().trim_start_matches('.');
        let message = format!("`{key}` would be `{word}` for every item");
        return Err(Problem::new(message, format!("a path begins with `$`: {key} = \"$.{word}\"")));
    }
    Ok(read)
}

pub(super) fn faults(section: &Section<'_>, reader: &mut Reader<'_>) -> Vec<FaultRule> {
    let Some(node) = section.get("errors") else { return Vec::new() };
    let Value::List(items) = &node.value else {
        let kind = node.value.kind();
        reader
            .found
            .error(node.span, format!("`errors` must be a list of tables, but is {kind}"))
            .help("write errors = [{ status = 400, class = \"rate_limited\", say = \"…\" }]");
        return Vec::new();
    };
    items.iter().filter_map(|item| fault(item, reader)).collect()
}

fn fault(node: &Node, reader: &mut Reader<'_>) -> Option<FaultRule> {
    let rule = Section::open(node, &FAULT, &mut reader.found)?;
    let status = rule.number("status", 100..=599, &mut reader.found).and_then(|n| u16::try_from(n).ok());
    let words = [
        ("rate_limited", Meaning::Fault(ErrorClass::RateLimited)),
        ("auth", Meaning::Fault(ErrorClass::Auth)),
        ("gone", Meaning::Fault(ErrorClass::Gone)),
        ("quota", Meaning::Fault(ErrorClass::Quota)),
        ("refused", Meaning::Fault(ErrorClass::Refused)),
        ("malformed", Meaning::Fault(ErrorClass::Malformed)),
        ("transient", Meaning::Fault(ErrorClass::Transient)),
        ("expired", Meaning::Expired),
        ("stale", Meaning::Stale),
        ("nothing", Meaning::Nothing),
    ];
    if !rule.has("class") {
        rule.missing("class", "class = \"rate_limited\"", &mut reader.found);
    }
    let means = rule.choice("class", &words, &mut reader.found)?;
    let say = rule.text("say", &mut reader.found).map_or("it refused", |text| text.value).to_owned();
    let is = rule.text("is", &mut reader.found).map(|text| text.value.to_owned());
    let text = rule.text("text", &mut reader.found).map(|text| text.value.to_owned());
    let (path, wait) = (path(&rule, "path", reader), path(&rule, "wait", reader));
    if status.is_none() && path.is_none() && text.is_none() {
        reader.found.error(node.span, "this rule would hold for every answer").help("add `status`, `path` or `text`");
        return None;
    }
    Some(FaultRule { status, path, is, text, means, say, wait })
}

pub(super) fn rate(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Rate> {
    let part = open(section, "rate", &RATE, &mut reader.found)?;
    let remaining = part.required("remaining", "remaining = \"x-ratelimit-remaining\"", &mut reader.found);
    let reset = part.required("reset", "reset = \"x-ratelimit-reset\"", &mut reader.found);
    Some(Rate { remaining: remaining?.value.to_lowercase(), reset: reset?.value.to_lowercase() })
}

pub(super) fn quota(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Quota> {
    let part = open(section, "quota", &QUOTA, &mut reader.found)?;
    if !part.has("units") {
        part.missing("units", "units = 100", &mut reader.found);
    }
    let found = &mut reader.found;
    let units = part.number("units", 1..=1_000_000_000, found).and_then(|n| u64::try_from(n).ok());
    let cost = part.number("cost", 1..=1_000_000, found).and_then(|n| u64::try_from(n).ok()).unwrap_or(1);
    let per = part.choice("per", &[("day", Period::Day), ("month", Period::Month)], found).unwrap_or(Period::Day);
    let zone = part.parsed("zone", zone::zone, found);
    let zone = zone.and_then(|zone| zone.iana_name().map(str::to_owned)).unwrap_or_else(|| "UTC".to_owned());
    Some(Quota { units: units?, cost, per, zone })
}

/// What a service charges; the cap is the operator's.
pub(super) fn price(form: &Section<'_>, section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Price> {
    let part = open(form, "price", &PRICE, &mut reader.found);
    let Some(part) = part else {
        if section.has("spend_cap") && !form.has("price") {
            let help = "add price = { item = \"0.005\", page = 100 }, or leave `spend_cap` out";
            reader.found.error(section.place("spend_cap"), "nothing says what this service charges").help(help);
        }
        return None;
    };
    let item = part.parsed("item", money, &mut reader.found).unwrap_or(0);
    let joined = part.parsed("joined", money, &mut reader.found).unwrap_or(0);
    let page = part.number("page", 1..=100_000, &mut reader.found).and_then(|n| u64::try_from(n).ok()).unwrap_or(100);
    let currency = part.text("currency", &mut reader.found).map_or("USD", |text| text.value).to_owned();
    let cap = match section.get("spend_cap").map(|node| &node.value) {
        Some(Value::Integer(_)) => section
            .number("spend_cap", 1..=1_000_000, &mut reader.found)
            .and_then(|n| u64::try_from(n).ok())
            .map(|n| n * 1_000_000),
        Some(_) => section.parsed("spend_cap", money, &mut reader.found),
        None => {
            section.missing("spend_cap", "spend_cap = 25", &mut reader.found);
            None
        }
    };
    Some(Price { item, joined, cap: cap?, currency, page })
}

/// An amount with at most six places, in millionths.
fn money(text: &str) -> Result<u64, Problem> {
    let wrong = || Problem::new(format!("`{text}` is no amount of money"), "write it like 25 or \"0.005\"");
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || part.len() > 6 || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    format!("{whole}{part:0<6}").parse().map_err(|_| wrong())
}

pub(super) fn join(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Join> {
    let part = open(section, "join", &JOIN, &mut reader.found)?;
    for key in JOIN.keys {
        if !part.has(key) {
            part.missing(key, &format!("{key} = \"$.id\""), &mut reader.found);
        }
    }
    let mut get = |key| path(&part, key, reader);
    let (list, key, by) = (get("list"), get("key"), get("by"));
    Some(Join { list: list?, key: key?, by: by? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_counted_in_millionths() {
        assert_eq!([money("0.005"), money("25"), money("1.5")], [Ok(5000), Ok(25_000_000), Ok(1_500_000)]);
        for wrong in ["", "x", "-1", "1.1234567", ".5", "1,5"] {
            assert!(money(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn auths() {
        assert_eq!(auth("header:X-Api-Key"), Ok(Auth::Header("X-Api-Key".into())));
        assert_eq!(auth("query:key"), Ok(Auth::Query("key".into())));
        for wrong in ["token", "header:", "header:a b", "query:a&b"] {
            assert!(auth(wrong).is_err(), "{wrong}");
        }
    }
}
