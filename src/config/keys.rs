//! Every key that a configuration may have. The reader refuses what is not here, and the annotated example
//! (`config/mentiond.toml`) must name all of it.

/// A kind of table and its keys.
#[derive(Debug, PartialEq, Eq)]
pub struct Keys {
    /// As written in a header; `NAME` stands for a name that the operator chooses.
    pub table: &'static str,
    pub keys: &'static [&'static str],
}

/// The tables themselves.
pub const ROOT: Keys = Keys {
    table: "",
    keys: &[
        "daemon",
        "fetch",
        "mail",
        "sets",
        "exclude",
        "stories",
        "history",
        "watchlists",
        "sources",
        "departments",
        "routes",
        "themes",
        "cues",
    ],
};
pub const DAEMON: Keys = Keys {
    table: "daemon",
    keys: &["state", "timezone", "language", "http", "public_url", "contact", "include", "holidays"],
};
pub const FETCH: Keys = Keys {
    table: "fetch",
    keys: &[
        "allow_networks",
        "timeout",
        "connect_timeout",
        "max_body",
        "per_host",
        "concurrency",
        "max_entries",
        "proxy",
        "user_agent",
        "ca_file",
    ],
};
pub const MAIL: Keys = Keys {
    table: "mail",
    keys: &[
        "from",
        "transport",
        "host",
        "port",
        "tls",
        "username",
        "password",
        "directory",
        "command",
        "ca_file",
        "max_per_hour",
        "drafts",
    ],
};
pub const STORIES: Keys = Keys { table: "stories", keys: &["window", "spreading_at"] };
pub const WATCHLIST: Keys = Keys { table: "watchlists.NAME", keys: &["query", "alert", "name", "language"] };
pub const SOURCE: Keys =
    Keys { table: "sources.NAME", keys: &["kind", "url", "path", "every", "watchlists", "match", "exclude"] };
pub const DEPARTMENT: Keys = Keys {
    table: "departments.NAME",
    keys: &[
        "name",
        "email",
        "members",
        "lead",
        "handles",
        "language",
        "hours",
        "timezone",
        "holidays",
        "turns",
        "acknowledge_within",
        "resolve_within",
        "confirm_after",
        "digest",
        "meeting",
        "role",
    ],
};
pub const ROUTE: Keys = Keys { table: "[routes]", keys: &["when", "department", "copy", "deliver", "case"] };
/// A named subject, for `theme:`.
pub const THEME: Keys = Keys { table: "[themes]", keys: &["name", "query"] };
/// What is thrown away everywhere.
pub const EXCLUDE: Keys = Keys { table: "exclude", keys: &["query"] };
pub const HISTORY: Keys = Keys { table: "history", keys: &["unmatched", "unmatched_size", "index"] };
pub const CUE: Keys =
    Keys { table: "[cues]", keys: &["text", "query", "language", "category", "severity", "sentiment", "flag", "why"] };
/// One person in `departments.NAME.members`.
pub const MEMBER: Keys = Keys { table: "members", keys: &["name", "email", "hours", "away"] };
/// `password = { … }`: exactly one of these.
pub const SECRET: Keys = Keys { table: "password", keys: &["file", "env", "credential"] };

/// The tables that have a header.
pub const HEADED: [&Keys; 12] =
    [&DAEMON, &FETCH, &MAIL, &EXCLUDE, &STORIES, &HISTORY, &WATCHLIST, &SOURCE, &DEPARTMENT, &ROUTE, &THEME, &CUE];
