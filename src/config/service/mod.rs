//! Sources that are services with a JSON API: the operator's own table (`kind = "json"`), or a table that mentiond ships
//! (`src/sources/presets`) with the operator's options in it. Both are read by the same code, in `parts`.

mod one;
mod parts;

use std::time::Duration;

use super::diagnostic::{Findings, Span};
use super::keys::{FORM, JSON, OPTION, SERVICE};
use super::reader::Reader;
use super::section::{Section, Text};
use super::tree::{self, Entry, Node, Table as Tree, Value};
use super::{addresses, secret, values};
use crate::model::table::{Ask, Auth, Fields, Table, Template};
use crate::model::{Location, Settings};
use crate::query::{Query, Searches, Syntax, searches};
use crate::sources::presets::Preset;

/// Searches of one source at most.
const MAX_SEARCHES: usize = 50;
/// Values of one option at most.
const MAX_VALUES: usize = 100;

/// What a source of such a kind comes down to.
pub(super) struct Service {
    pub(super) location: Location,
    pub(super) settings: Settings,
    /// How often it is asked unless the operator says otherwise.
    pub(super) every: Option<Duration>,
    /// What it cannot see.
    pub(super) blind: Vec<String>,
}

/// The keys that are not those of every kind and that a preset's table may have.
const OPTIONS_OF_ALL: [&str; 6] = ["kind", "every", "watchlists", "match", "exclude", "query"];

/// Reads a source of `kind = "json"`.
pub(super) fn own(section: &Section<'_>, queries: &[&Query], reader: &mut Reader<'_>) -> Option<Service> {
    let mut options = Vec::new();
    if let Some(text) = section.text("user", &mut reader.found) {
        options.push(("user".to_owned(), vec![text.value.to_owned()]));
    }
    section.required("url", "url = \"https://api.example.com/search\"", &mut reader.found)?;
    for key in ["items", "fields"] {
        if !section.has(key) {
            section.missing(key, parts::example(key), &mut reader.found);
        }
    }
    build(section, section, options, queries, false, reader)
}

/// Reads a source of a known kind.
pub(super) fn known(
    preset: &Preset,
    entry: &Entry,
    section: &Section<'_>,
    queries: &[&Query],
    reader: &mut Reader<'_>,
) -> Option<Service> {
    // A preset is read by the same code; that nothing is wrong in it is tested.
    let mut quiet = Findings::default();
    let mut forms = tree::parse(preset.text, entry.at.file, &mut quiet);
    settle(&mut forms, entry.at);
    let form = forms.0.iter().find(|form| whens(form).iter().all(|key| section.has(key)))?;
    let form = Section::open(&form.node, &FORM, &mut quiet)?;
    let described = describe(&form, &mut quiet);
    let mut wrong = false;
    let Value::Table(own) = &entry.node.value else { return None };
    let needs = form.text("needs", &mut quiet).is_some();
    let login = form.has("auth") || form.has("login");
    for given in &own.0 {
        let key = given.key.as_str();
        let in_form = described.iter().any(|option| option.name == key);
        let known = OPTIONS_OF_ALL.contains(&key)
            || in_form
            || (key == "secret" && login)
            || (key == "spend_cap" && form.has("price"));
        if !known && SERVICE.keys.contains(&key) {
            let mut usable: Vec<&str> = described.iter().map(|option| option.name.as_str()).collect();
            usable.extend(login.then_some("secret"));
            let draft = reader.found.error(given.at, format!("kind `{}` has no key `{key}` here", preset.word));
            if usable.is_empty() {
                draft.help("leave it out");
            } else {
                draft.help(format!("it has {}", usable.join(", ")));
            }
            wrong = true;
        }
    }
    let mut options = Vec::new();
    for option in &described {
        match option.read(section, reader) {
            Some(values) => options.push((option.name.clone(), values)),
            None => wrong = true,
        }
    }
    if needs && !section.has("secret") {
        section.missing("secret", "secret = { file = \"…\" }", &mut reader.found);
        wrong = true;
    }
    if wrong {
        return None;
    }
    let feed = form.text("feed", &mut quiet).map(|text| text.value.to_owned());
    match feed {
        Some(url) => feed_address(&url, &form, section, &options, queries, reader),
        None => build(&form, section, options, queries, true, reader),
    }
}

/// An option of a preset.
struct Described {
    name: String,
    example: String,
    default: Option<Vec<String>>,
    list: bool,
}

impl Described {
    /// What the operator chose, or what holds otherwise.
    fn read(&self, section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Vec<String>> {
        let example = format!("{} = {}", self.name, self.example);
        if !section.has(&self.name) {
            if self.default.is_none() {
                section.missing(&self.name, &example, &mut reader.found);
            }
            return self.default.clone();
        }
        let texts: Vec<Text<'_>> = match section.get(&self.name).map(|node| &node.value) {
            Some(Value::List(_)) if self.list => section.list(&self.name, &mut reader.found)?,
            _ => vec![section.text(&self.name, &mut reader.found)?],
        };
        if texts.is_empty() || texts.len() > MAX_VALUES {
            let at = section.place(&self.name);
            reader
                .found
                .error(at, format!("`{}` needs 1 to {MAX_VALUES} values", self.name))
                .help(format!("add `{example}`"));
            return None;
        }
        let mut values = Vec::new();
        for text in texts {
            let value = match self.name.as_str() {
                "server" | "login_server" => server(text, reader)?,
                "tags" => text.value.trim().trim_start_matches('#').to_owned(),
                _ => text.value.trim().to_owned(),
            };
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Some(values)
    }
}

/// `mastodon.social` or `https://mastodon.social/`.
fn server(text: Text<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let written = text.value.trim();
    let whole = if written.contains("://") { written.to_owned() } else { format!("https://{written}") };
    let url = super::section::checked(Text { value: &whole, ..text }, addresses::web_url, &mut reader.found)?;
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// The form's options, with what they are by default.
fn describe(form: &Section<'_>, quiet: &mut Findings) -> Vec<Described> {
    let Some(Value::Table(options)) = form.get("options").map(|node| &node.value) else { return Vec::new() };
    let mut out = Vec::new();
    for entry in &options.0 {
        let Some(section) = Section::open(&entry.node, &OPTION, quiet) else { continue };
        let values = |key: &str, quiet: &mut Findings| -> Option<Vec<String>> {
            match &section.get(key)?.value {
                Value::List(_) => Some(section.list(key, quiet)?.into_iter().map(|t| t.value.to_owned()).collect()),
                _ => Some(vec![section.text(key, quiet)?.value.to_owned()]),
            }
        };
        let list = section.boolean("list", quiet).unwrap_or(false);
        let shown = values("example", quiet).unwrap_or_default();
        let shown = shown.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(", ");
        let example = if list { format!("[{shown}]") } else { shown };
        out.push(Described { name: entry.key.clone(), example, default: values("default", quiet), list });
    }
    out
}

/// The keys that choose a form.
fn whens(form: &Entry) -> Vec<&str> {
    let Value::Table(table) = &form.node.value else { return Vec::new() };
    match table.get("when").map(|entry| &entry.node.value) {
        Some(Value::List(keys)) => keys
            .iter()
            .filter_map(|key| if let Value::Text(text) = &key.value { Some(text.as_str()) } else { None })
            .collect(),
        _ => Vec::new(),
    }
}

/// Everything that is said of a preset is said at the source's name.
fn settle(table: &mut Tree, at: Span) {
    for entry in &mut table.0 {
        entry.at = at;
        settle_node(&mut entry.node, at);
    }
}

fn settle_node(node: &mut Node, at: Span) {
    node.span = at;
    match &mut node.value {
        Value::Table(table) => settle(table, at),
        Value::List(items) => items.iter_mut().for_each(|item| settle_node(item, at)),
        _ => {}
    }
}

/// The searches, if the requests have a place for one: the operator's own words, or those of the watchlists.
fn asked(
    asks: bool,
    syntax: &Syntax,
    section: &Section<'_>,
    queries: &[&Query],
    reader: &mut Reader<'_>,
) -> Option<Searches> {
    if let Some(node) = section.get("query") {
        let texts = match &node.value {
            Value::List(_) => section.list("query", &mut reader.found)?,
            _ => vec![section.text("query", &mut reader.found)?],
        };
        if !asks {
            let help = "write {query} where it belongs, or leave `query` out";
            reader.found.error(section.place("query"), "this source has no place for a `query`").help(help);
            return None;
        }
        return Some(Searches { queries: texts.into_iter().map(|t| t.value.to_owned()).collect(), blind: Vec::new() });
    }
    if !asks {
        return Some(Searches::default());
    }
    // Mistakes in the watchlists were told already.
    if queries.is_empty() {
        if reader.found.is_complete() {
            reader
                .found
                .error(section.at, "there is nothing to search for")
                .help("name a watchlist, or add `query = \"…\"`");
        }
        return None;
    }
    match searches(queries, syntax) {
        Ok(found) if found.queries.len() > MAX_SEARCHES => {
            let n = found.queries.len();
            reader
                .found
                .error(section.at, format!("its watchlists need {n} searches, and {MAX_SEARCHES} are the most"))
                .help("name fewer with `watchlists`, or say what is asked with `query = [\"…\"]`");
            None
        }
        Ok(found) => Some(found),
        Err(why) => {
            reader
                .found
                .error(section.at, format!("its watchlists cannot be searched for: {why}"))
                .help("name others with `watchlists`, or say what is asked with `query = \"…\"`");
            None
        }
    }
}

/// A preset that is nothing but the address of a feed.
fn feed_address(
    url: &str,
    form: &Section<'_>,
    section: &Section<'_>,
    options: &[(String, Vec<String>)],
    queries: &[&Query],
    reader: &mut Reader<'_>,
) -> Option<Service> {
    let (syntax, _) = parts::syntax(form, reader);
    let found = asked(true, &syntax, section, queries, reader)?;
    let [query] = found.queries.as_slice() else {
        reader
            .found
            .error(section.at, "its watchlists are too long for one search of this service")
            .help("name fewer with `watchlists`, and add a second source for the others");
        return None;
    };
    let mut url = addresses::web_url(url).ok()?;
    for (name, template) in parts::templates(form, "params", reader) {
        let mut value = template.written.replace("{query}", query);
        for (option, values) in options {
            value = value.replace(&format!("{{{option}}}"), values.first().map_or("", String::as_str));
        }
        url.query_pairs_mut().append_pair(&name, &value);
    }
    let every = form.parsed("every", values::duration, &mut reader.found);
    let mut blind = blindness(form, reader);
    blind.extend(found.blind);
    Some(Service { location: Location::Url(url), settings: Settings::None, every, blind })
}

/// What a table says that it cannot see.
fn blindness(form: &Section<'_>, reader: &mut Reader<'_>) -> Vec<String> {
    let told = form.list("blind", &mut reader.found).unwrap_or_default();
    told.into_iter().map(|text| text.value.to_owned()).collect()
}

/// Makes the table: `form` says how the service works, `section` what the operator chose.
fn build(
    form: &Section<'_>,
    section: &Section<'_>,
    options: Vec<(String, Vec<String>)>,
    queries: &[&Query],
    is_preset: bool,
    reader: &mut Reader<'_>,
) -> Option<Service> {
    let ask = parts::ask(form, "url", reader);
    let (syntax, _) = parts::syntax(form, reader);
    let has_query = ask.as_ref().is_some_and(|ask| parts::asks(ask, "query"));
    let searches = asked(has_query, &syntax, section, queries, reader);
    let auth = form.parsed("auth", parts::auth, &mut reader.found).unwrap_or(Auth::None);
    let login = parts::login(form, reader);
    let secret = section.get("secret").and_then(|node| secret::read(node, "secret", reader));
    if !is_preset && section.has("secret") && !form.has("auth") && login.is_none() {
        let in_ask = ask.as_ref().is_some_and(|ask| parts::asks(ask, "secret"));
        if !in_ask {
            reader
                .found
                .error(section.place("secret"), "nothing says how the secret is sent")
                .help("add auth = \"bearer\", \"basic\", \"header:X-Api-Key\" or \"query:key\"");
        }
    }
    if !is_preset && auth != Auth::None && !section.has("secret") {
        section.missing("secret", "secret = { file = \"…\" }", &mut reader.found);
    }
    let known = ["query", "since", "last_id", "page", "offset", "token", "before", "now", "user", "secret"];
    if let Some(ask) = &ask {
        for name in parts::places(ask) {
            if !known.contains(&name) && !options.iter().any(|(option, _)| option == name) {
                reader
                    .found
                    .error(form.place("url"), format!("nothing is known to stand for `{{{name}}}`"))
                    .help(format!("known: {}", known.join(", ")));
            }
        }
    }
    let (paging, pages, size, more, reach) = parts::paging(form, reader);
    let resume = parts::resume(form, reader);
    let price = parts::price(form, section, reader);
    let one = one::one(form, reader);
    if let Some(one) = &one {
        let known = ["id", "url", "now", "user", "secret"];
        for name in parts::places(&one.ask) {
            // Which of several values an item was found with is not kept.
            let single = options.iter().any(|(option, values)| option == name && values.len() == 1);
            if !known.contains(&name) && !single {
                reader
                    .found
                    .error(form.place("one"), format!("nothing is known to stand for `{{{name}}}` in `one`"))
                    .help(format!("known: {}", known.join(", ")));
            }
        }
    }
    let items = parts::paths(form, "items", reader);
    let fields = parts::fields(form, reader);
    let names_id = match form.get("fields").map(|node| &node.value) {
        Some(Value::Table(table)) => table.get("id").is_some(),
        _ => true,
    };
    if !is_preset && !names_id {
        reader
            .found
            .error(form.place("fields"), "`fields` has no `id`")
            .help("add `id = \"$.id\"`: what stays the same however often an item is seen");
    }
    let faults = parts::faults(form, reader);
    let rate = parts::rate(form, reader);
    let quota = parts::quota(form, reader);
    let join = parts::join(form, reader);
    let no_items = parts::paths(form, "no_items", reader);
    let (skip, require) = (parts::paths(form, "skip", reader), parts::paths(form, "require", reader));
    let wait = parts::path(form, "wait", reader);
    let left = parts::path(form, "left", reader);
    let (title_as, text_as) = (parts::form(form, "title_as", reader), parts::form(form, "text_as", reader));
    let mut blind = blindness(form, reader);
    let every = if is_preset { form.parsed("every", values::duration, &mut reader.found) } else { None };
    let (ask, searches) = (ask?, searches?);
    blind.extend(searches.blind);
    let place = shown(&ask, &options);
    let table = Table {
        user: options.iter().find(|(name, _)| name == "user").and_then(|(_, values)| values.first().cloned()),
        ask,
        options,
        queries: searches.queries,
        auth,
        secret,
        login,
        items,
        no_items,
        skip,
        require,
        join,
        fields: fields?,
        title_as,
        text_as,
        paging,
        pages,
        size,
        more,
        reach,
        resume,
        faults,
        rate,
        wait,
        left,
        quota,
        price,
        one,
    };
    let settings = Settings::Table(std::sync::Arc::new(table));
    Some(Service { location: Location::Service(place), settings, every, blind })
}

/// The address up to its parameters, with what the operator chose in it.
fn shown(ask: &Ask, options: &[(String, Vec<String>)]) -> String {
    let written = ask.url.written.split('?').next().unwrap_or_default().to_owned();
    options.iter().filter(|(_, values)| values.len() == 1).fold(written, |place, (name, values)| {
        place.replace(&format!("{{{name}}}"), values.first().map_or("", String::as_str))
    })
}

/// A text as a template.
fn template(text: &str) -> Result<Template, super::section::Problem> {
    Template::parse(text).map_err(|why| super::section::Problem::new(why, "for example \"{$.id}\" or \"{query}\""))
}

/// Where the parts of an entry are in an item.
pub(super) fn fields(section: &Section<'_>, reader: &mut Reader<'_>) -> Option<Fields> {
    parts::fields(section, reader)
}

/// The names of every kind that is a service, for messages.
pub(super) fn keys_of(word: &str) -> &'static super::keys::Keys {
    if word == "json" { &JSON } else { &SERVICE }
}
