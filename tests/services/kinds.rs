//! The configurations that the tests use, one for each kind and way of asking.

use std::path::Path;
use std::sync::Arc;

use mentiond::config::{self, Config};
use mentiond::model::{Settings, Table};

/// A kind with the lines that its source needs, and how late (in minutes) its items may become visible.
pub struct Kind {
    pub name: &'static str,
    pub word: &'static str,
    pub lines: &'static str,
    pub late: i64,
}

const fn kind(name: &'static str, word: &'static str, lines: &'static str, late: i64) -> Kind {
    Kind { name, word, lines, late }
}

const SECRET: &str = "secret = { file = \"secret\" }\n";

/// An operator's own table, like the one of the walk-through in the README.
macro_rules! own {
    ($params:literal, $rest:literal) => {
        concat!(
            "url = \"SERVER/api/questions\"\nparams = ",
            $params,
            "\nauth = \"header:X-Api-Key\"\nSECRETitems = \"$.questions\"\n",
            $rest,
            "\nfields = { id = \"$.number\", title = \"$.subject\", text = \"$.body\", published = \"$.asked_at\" }"
        )
    };
}

/// Every way of asking that the presets know, and those that an operator's own table may use; googlenews is a feed and tested
/// as one.
pub const KINDS: [Kind; 21] = [
    kind("mastodon-tags", "mastodon", "server = \"SERVER\"\ntags = [\"acme\"]\nSECRET", 0),
    kind("mastodon-search", "mastodon", "server = \"SERVER\"\nSECRET", 0),
    kind("bluesky", "bluesky", "server = \"SERVER\"\nuser = \"me.example\"\nSECRET", 8),
    kind("bluesky-public", "bluesky", "server = \"SERVER\"", 8),
    kind("hackernews", "hackernews", "server = \"SERVER\"\nitem_server = \"SERVER\"", 8),
    kind("lemmy", "lemmy", "server = \"SERVER\"\nSECRET", 50),
    kind("discourse-search", "discourse", "server = \"SERVER\"", 60),
    kind("discourse-all", "discourse", "server = \"SERVER\"\nall = \"yes\"", 0),
    kind("stackexchange", "stackexchange", "server = \"SERVER\"\nSECRET", 8),
    kind("github", "github", "server = \"SERVER\"\nSECRET", 8),
    kind("youtube-search", "youtube", "server = \"SERVER\"\nSECRET", 100),
    kind("youtube-comments", "youtube", "server = \"SERVER\"\nchannels = [\"UC1\"]\nSECRET", 100),
    kind("x", "x", "server = \"SERVER\"\nspend_cap = 100000\nSECRET", 0),
    kind("gdelt", "gdelt", "server = \"SERVER\"", 25),
    kind("appstore", "appstore", "server = \"SERVER\"\napps = [\"7\"]\ncountries = [\"us\", \"es\"]", 600),
    kind("reddit", "reddit", "server = \"SERVER\"\nlogin_server = \"SERVER\"\nuser = \"app\"\nSECRET", 0),
    kind(
        "json-page",
        "json",
        own!(
            "{ from = \"{since|unix}\", page = \"{page}\" }",
            "paging = { by = \"page\", first = 1, size = 20, pages = 50 }"
        ),
        8,
    ),
    kind(
        "json-offset",
        "json",
        own!("{ from = \"{since|unix}\", skip = \"{offset}\" }", "paging = { by = \"page\", pages = 50 }"),
        8,
    ),
    kind("json-link", "json", own!("{ from = \"{since|unix}\" }", "paging = { by = \"link\", pages = 50 }"), 8),
    kind(
        "json-next",
        "json",
        own!("{ from = \"{since|unix}\" }", "paging = { by = \"next\", at = \"$.next\", pages = 50 }"),
        8,
    ),
    kind(
        "json-id",
        "json",
        own!(
            "{ after = \"{last_id}\", page = \"{page}\" }",
            "paging = { by = \"page\", pages = 50 }\nresume = { by = \"id\" }"
        ),
        0,
    ),
];

/// The lines of a source of that kind at a server.
pub fn source(kind: &Kind, server: &str) -> String {
    let lines = kind.lines.replace("SERVER", server).replace("SECRET", SECRET);
    format!("[sources.{}]\nkind = \"{}\"\nevery = \"5m\"\n{lines}\n", kind.name, kind.word)
}

/// A whole configuration with these tables, loaded; the secret is `sesame-canary`.
pub fn load(folder: &Path, tables: &str) -> Config {
    std::fs::write(folder.join("secret"), "sesame-canary\n").unwrap();
    let text = format!(
        "[daemon]\nstate = \"state\"\nhttp = \"off\"\n[mail]\nfrom = \"m@example.com\"\ntransport = \"directory\"\n\
         directory = \"out\"\n[watchlists.acme]\nquery = 'acme'\nalert = [\"a@example.com\"]\n{tables}"
    );
    let path = folder.join("mentiond.toml");
    std::fs::write(&path, text).unwrap();
    config::load(&path).unwrap_or_else(|errors| panic!("{errors}")).config
}

/// The table that a kind comes down to.
pub fn table(kind: &Kind) -> Arc<Table> {
    let folder = tempfile::tempdir().unwrap();
    let config = load(folder.path(), &source(kind, "https://service.example"));
    match &config.sources[0].settings {
        Settings::Table(table) => Arc::clone(table),
        _ => panic!("{} has no table", kind.name),
    }
}
