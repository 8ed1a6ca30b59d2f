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
        "acting",
        "cues",
        "perks",
        "refunds",
        "tokens",
    ],
};
pub const DAEMON: Keys = Keys {
    table: "daemon",
    keys: &["state", "timezone", "language", "http", "public_url", "sign_in", "contact", "include", "holidays"],
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
        "replies",
        "reply_to",
        "trusted_authserv",
    ],
};
pub const STORIES: Keys = Keys { table: "stories", keys: &["window", "spreading_at"] };
pub const WATCHLIST: Keys = Keys { table: "watchlists.NAME", keys: &["query", "alert", "name", "language", "full"] };
pub const SOURCE: Keys =
    Keys { table: "sources.NAME", keys: &["kind", "url", "path", "every", "watchlists", "match", "exclude"] };
/// A source of a kind that is known by name.
pub const SERVICE: Keys = Keys {
    table: "sources.NAME",
    keys: &[
        "kind",
        "every",
        "watchlists",
        "match",
        "exclude",
        "query",
        "user",
        "secret",
        "server",
        "tags",
        "types",
        "sites",
        "channels",
        "apps",
        "countries",
        "country",
        "language",
        "all",
        "login_server",
        "item_server",
        "spend_cap",
    ],
};
/// A source of `kind = "json"`.
pub const JSON: Keys = Keys {
    table: "sources.NAME",
    keys: &[
        "kind",
        "every",
        "watchlists",
        "match",
        "exclude",
        "query",
        "user",
        "secret",
        "url",
        "params",
        "headers",
        "body",
        "method",
        "auth",
        "items",
        "no_items",
        "skip",
        "require",
        "fields",
        "title_as",
        "text_as",
        "search",
        "paging",
        "resume",
        "errors",
        "rate",
        "wait",
        "left",
        "quota",
        "price",
        "spend_cap",
        "login",
        "join",
        "one",
        "blind",
    ],
};
/// One way to ask a known service, in `src/sources/presets`.
pub const FORM: Keys = Keys {
    table: "form",
    keys: &[
        "when", "needs", "options", "feed", "every", "url", "params", "headers", "body", "method", "auth", "items",
        "no_items", "skip", "require", "fields", "title_as", "text_as", "search", "paging", "resume", "errors", "rate",
        "wait", "left", "quota", "price", "login", "join", "one", "blind",
    ],
};
/// An option of it.
pub const OPTION: Keys = Keys { table: "option", keys: &["example", "default", "list"] };
/// The parts of a table.
pub const FIELDS: Keys = Keys {
    table: "fields",
    keys: &[
        "id",
        "url",
        "title",
        "text",
        "author",
        "handle",
        "author_url",
        "followers",
        "published",
        "sorted",
        "lang",
        "likes",
        "replies",
        "reposts",
        "parent",
        "root",
        "rating",
        "site",
    ],
};
pub const SEARCH: Keys =
    Keys { table: "search", keys: &["or", "not", "quotes", "groups", "tags", "max", "operators", "add"] };
pub const PAGING: Keys =
    Keys { table: "paging", keys: &["by", "at", "rel", "first", "step", "size", "pages", "more", "reach"] };
pub const RESUME: Keys = Keys { table: "resume", keys: &["by", "overlap", "first", "window"] };
pub const FAULT: Keys = Keys { table: "errors", keys: &["status", "path", "is", "text", "class", "wait", "say"] };
pub const RATE: Keys = Keys { table: "rate", keys: &["remaining", "reset"] };
pub const QUOTA: Keys = Keys { table: "quota", keys: &["units", "cost", "per", "zone"] };
pub const PRICE: Keys = Keys { table: "price", keys: &["item", "joined", "page", "currency"] };
pub const LOGIN: Keys =
    Keys { table: "login", keys: &["url", "headers", "body", "auth", "token", "refresh_url", "refresh_token"] };
pub const JOIN: Keys = Keys { table: "join", keys: &["list", "key", "by"] };
pub const ONE: Keys = Keys {
    table: "one",
    keys: &[
        "url",
        "params",
        "headers",
        "body",
        "method",
        "items",
        "likes",
        "replies",
        "reposts",
        "gone",
        "empty",
        "tombstone",
        "tombstone_is",
        "apart",
        "signed",
    ],
};
/// All parts of a table.
pub const PARTS: [&Keys; 11] = [&FIELDS, &SEARCH, &PAGING, &RESUME, &FAULT, &RATE, &QUOTA, &PRICE, &LOGIN, &JOIN, &ONE];
/// A source of `kind = "mailbox"`.
pub const MAILBOX: Keys = Keys {
    table: "sources.NAME",
    keys: &[
        "kind",
        "every",
        "watchlists",
        "match",
        "exclude",
        "host",
        "port",
        "tls",
        "username",
        "password",
        "token_command",
        "folder",
        "use",
        "since",
        "idle",
        "max_message",
    ],
};
/// A source of `kind = "jetstream"`.
pub const JETSTREAM: Keys =
    Keys { table: "sources.NAME", keys: &["kind", "servers", "silence", "watchlists", "exclude"] };
/// A source of `kind = "webhook"`.
pub const WEBHOOK: Keys = Keys {
    table: "sources.NAME",
    keys: &["kind", "secret", "proof", "header", "items", "fields", "html", "watchlists", "match", "exclude"],
};
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
/// When a theme must be acted on.
pub const ACTING: Keys = Keys { table: "acting", keys: &["people", "within"] };
/// What is thrown away everywhere.
pub const EXCLUDE: Keys = Keys { table: "exclude", keys: &["query"] };
pub const HISTORY: Keys =
    Keys { table: "history", keys: &["unmatched", "unmatched_size", "index", "mentions", "cases", "mail"] };
pub const CUE: Keys =
    Keys { table: "[cues]", keys: &["text", "query", "language", "category", "severity", "sentiment", "flag", "why"] };
/// What a department thanks for praise with; NAME is the department's.
pub const PERK: Keys = Keys { table: "perks.NAME", keys: &["text", "codes", "codes_file"] };
/// When giving money back is recommended.
pub const REFUND: Keys = Keys { table: "[refunds]", keys: &["when", "recommend", "why"] };
/// A program that may use the API.
pub const TOKEN: Keys = Keys { table: "tokens.NAME", keys: &["secret", "scope", "departments", "full", "by"] };
/// One person in `departments.NAME.members`.
pub const MEMBER: Keys = Keys { table: "members", keys: &["name", "email", "hours", "away"] };
/// `password = { … }`: exactly one of these.
pub const SECRET: Keys = Keys { table: "password", keys: &["file", "env", "credential"] };

/// The tables that have a header.
pub const HEADED: [&Keys; 21] = [
    &ACTING,
    &DAEMON,
    &FETCH,
    &MAIL,
    &EXCLUDE,
    &STORIES,
    &HISTORY,
    &WATCHLIST,
    &SOURCE,
    &SERVICE,
    &JSON,
    &MAILBOX,
    &JETSTREAM,
    &WEBHOOK,
    &DEPARTMENT,
    &ROUTE,
    &THEME,
    &CUE,
    &PERK,
    &REFUND,
    &TOKEN,
];
