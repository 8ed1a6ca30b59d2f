//! The configuration: TOML files in, checked settings out, or every mistake at once with its place and a way out.
//!
//! `files` reads and merges the files, `tree` keeps every value's place, `section` reads one table, `values` and
//! `addresses` turn texts into what they mean, `edges`, `watch` and `people` read the tables, `doubts` looks at the
//! whole. Nothing downstream checks again. Called by the wiring and by every command.

mod addresses;
mod cues;
mod diagnostic;
mod doubts;
mod drafts;
mod edges;
mod files;
pub mod keys;
mod literal;
mod mailbox;
mod mask;
mod parts;
mod people;
mod pushed;
mod reader;
mod secret;
mod section;
mod service;
mod thanks;
mod tokens;
mod tree;
mod values;
mod watch;
mod zone;

use std::path::{Path, PathBuf};

pub use diagnostic::{ConfigErrors, Diagnostic, Level, MAX_SHOWN};
pub use edges::{DEFAULT_HTTP, DEFAULT_SENDMAIL, DEFAULT_STATE, DaemonSettings};
pub use files::{MAX_FILE, MAX_FILES};
pub use parts::Theme;
pub use reader::{MAX_NAME, Secrets};
pub use values::LANGUAGES;
pub use watch::Watchlist;

use crate::classify::UserCue;
use crate::compose::Drafts;
use crate::model::{
    ActingSettings, FetchSettings, HistorySettings, MailSettings, PerkOffer, Source, StorySettings, Token,
    WarningSettings,
};
use crate::query::{Context, Query};
use crate::routing::{RefundRule, Routing};
use diagnostic::{Findings, Span};
use reader::{Reader, World};

/// A checked configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file that was named.
    pub file: PathBuf,
    pub daemon: DaemonSettings,
    pub fetch: FetchSettings,
    pub mail: MailSettings,
    pub stories: StorySettings,
    /// In order of appearance, as are sources and departments.
    pub watchlists: Vec<Watchlist>,
    pub sources: Vec<Source>,
    /// What is thrown away wherever it comes from, even of sources that are the search themselves.
    pub exclude: Option<Query>,
    /// What is thrown away of each source, by its place in `sources`.
    pub source_excludes: Vec<Option<Query>>,
    pub themes: Vec<Theme>,
    pub acting: ActingSettings,
    /// When something unusual is told of, and to whom.
    pub early: WarningSettings,
    pub history: HistorySettings,
    /// What queries may name, for those that are tried out.
    pub context: Context,
    pub routing: Routing,
    /// What departments thank for praise with.
    pub perks: Vec<PerkOffer>,
    /// When giving money back is recommended, in deciding order.
    pub refunds: Vec<RefundRule>,
    /// Programs that may use the API.
    pub tokens: Vec<Token>,
    /// The operator's own cues for the classifier.
    pub cues: Vec<UserCue>,
    /// Reply drafts: the built-in ones, with those of `[mail] drafts` in their place.
    pub drafts: Drafts,
}

impl Config {
    /// Key and mail address of every department.
    pub fn department_addresses(&self) -> Vec<(String, String)> {
        self.routing.departments.iter().map(|d| (d.key.clone(), d.email.clone())).collect()
    }
}

/// A configuration that can be used, and what is doubtful about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub config: Config,
    pub warnings: Vec<Diagnostic>,
}

/// Reads the configuration with its included files and secrets, as the daemon needs it.
///
/// # Errors
/// Every mistake in every file, in file order.
pub fn load(path: &Path) -> Result<Loaded, ConfigErrors> {
    load_with(path, Secrets::Required)
}

/// [`load`] for commands that do not need the secrets, or may not be allowed to read them.
///
/// # Errors
/// Every mistake in every file, in file order.
pub fn load_with(path: &Path, secrets: Secrets) -> Result<Loaded, ConfigErrors> {
    load_in(path, &World { parse_query: crate::query::parse_in, variable: &|name| std::env::var_os(name), secrets })
}

fn load_in(path: &Path, world: &World<'_>) -> Result<Loaded, ConfigErrors> {
    let mut found = Findings::default();
    let (mut files, root) = files::read(path, &mut found);
    let drafts = drafts::read(&root, &mut files, &mut found);
    let mut reader = Reader { files: &files, found, world, context: Context::default() };
    let start = Span { file: 0, start: 0, end: 0 };

    section::unknown_keys(&root, &keys::ROOT, &mut reader.found);
    let daemon = edges::daemon(&root, &mut reader);
    let fetch = edges::fetch(&root, daemon.contact.as_deref(), &mut reader);
    let mut mail = edges::mail(&root, &mut reader);
    parts::context(&root, &mut reader);
    let exclude = parts::exclude(&root, &mut reader);
    let themes = parts::themes(&root, &mut reader);
    let acting = edges::acting(&root, &mut reader);
    let history = parts::history(&root, &mut reader);
    let stories = edges::stories(&root, &mut reader);
    let watchlists = watch::watchlists(&root, &mut reader);
    let sources = watch::sources(&root, &watchlists, &mut reader);
    edges::replies(&root, mail.as_mut(), &sources, &mut reader);
    let departments = people::departments(&root, &daemon, &mut reader);
    let routes = people::routes(&root, &departments, &mut reader);
    let perks = thanks::perks(&root, &departments.names, &mut reader);
    let refunds = thanks::refunds(&root, &mut reader);
    let early = edges::warnings(&root, &departments.names, &mut reader);
    let tokens = tokens::tokens(&root, &departments, &mut reader);
    let cues = cues::cues(&root, &mut reader);
    doubts::look(
        &doubts::Whole {
            daemon: &daemon,
            daemon_at: root.get("daemon").map_or(start, |entry| entry.at),
            watchlists: &watchlists,
            exclude: exclude.as_ref(),
            sources: &sources,
            departments: &departments,
            routes: &routes,
        },
        &mut reader.found,
    );

    let (errors, warnings) = reader.found.finish(&files);
    match mail {
        Some(mail) if errors.is_empty() => Ok(Loaded {
            config: Config {
                file: path.to_path_buf(),
                daemon,
                fetch,
                mail,
                stories,
                watchlists: watchlists.list.into_iter().map(|(watchlist, _)| watchlist).collect(),
                source_excludes: sources.iter().map(|(_, exclude, _)| exclude.clone()).collect(),
                sources: sources.into_iter().map(|(source, _, _)| source).collect(),
                exclude,
                themes,
                acting,
                early,
                history,
                context: reader.context,
                routing: Routing {
                    departments: departments.list.into_iter().map(|(department, _)| department).collect(),
                    routes,
                },
                perks,
                refunds,
                tokens,
                cues,
                drafts,
            },
            warnings,
        }),
        _ => Err(ConfigErrors { errors }),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::model::TransportSettings;
    use crate::query::{Parsed, QueryError, Scope};

    const MAIL: &str = "[mail]\nfrom = \"m@example.com\"\nhost = \"mail.example.com\"\n";

    /// Refuses the words `wrong` and, in watchlists, `category:`.
    fn picky(text: &str, scope: Scope, context: &Context) -> Result<Parsed, Vec<QueryError>> {
        let mut mistakes = Vec::new();
        for word in ["wrong", "category:"] {
            for (at, _) in text.match_indices(word).filter(|_| word == "wrong" || scope == Scope::Watchlist) {
                let message = format!("{word} is wrong");
                mistakes.push(QueryError { span: at..at + word.len(), message, help: Some("right".to_owned()) });
            }
        }
        if mistakes.is_empty() { crate::query::parse_in("right", scope, context) } else { Err(mistakes) }
    }

    fn load_text(
        text: &str,
        secrets: Secrets,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Loaded, ConfigErrors> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mentiond.toml");
        std::fs::write(&path, text).unwrap();
        load_in(&path, &World { parse_query: picky, variable, secrets })
    }

    fn mistakes(text: &str) -> Vec<Diagnostic> {
        load_text(text, Secrets::Required, &|_| None).unwrap_err().errors
    }

    #[test]
    fn the_caret_stands_inside_the_query() {
        let places = |query: &str| -> Vec<(usize, usize)> {
            let text = format!("{MAIL}[watchlists.a]\nquery = {query}\n");
            mistakes(&text).iter().map(|e| (e.line, e.column)).collect()
        };
        assert_eq!(places("'one wrong two wrong'"), [(5, 14), (5, 24)]);
        assert_eq!(places(r#""\"one\" \u00e9 wrong""#), [(5, 25)]);
        assert_eq!(places("'é wrong'"), [(5, 12)], "columns are characters");
        assert_eq!(places("'''\none OR\n   wrong'''"), [(7, 4)]);
        assert_eq!(places("\"\"\"one OR \\\n   wrong OR\r\nwrong\"\"\""), [(6, 4), (7, 1)]);
        let text = format!("{MAIL}[watchlists.a]\nquery = 'one wrong'\n");
        let shown = mistakes(&text).remove(0).render(false);
        assert!(shown.contains("5 | query = 'one wrong'\n  |              ^^^^^\n"), "{shown}");
        assert!(shown.contains("error: wrong is wrong") && shown.contains("help: right"), "{shown}");
    }

    #[test]
    fn a_route_knows_more_than_a_watchlist() {
        let text = format!(
            "{MAIL}[watchlists.a]\nquery = 'category:x'\n[departments.d]\nemail = \"d@example.com\"\n[[routes]]\nwhen = 'category:x'\ndepartment = \"d\"\n"
        );
        let lines: Vec<usize> = mistakes(&text).iter().map(|e| e.line).collect();
        assert_eq!(lines, [5]);
    }

    #[test]
    fn a_broken_watchlist_can_still_be_named() {
        let text = format!(
            "{MAIL}[watchlists.a]\nquery = 'wrong'\n[sources.s]\nkind = \"feed\"\nurl = \"https://example.com\"\nwatchlists = [\"a\"]\n"
        );
        assert_eq!(mistakes(&text).len(), 1);
    }

    #[test]
    fn what_is_lost_to_bad_syntax_is_not_called_missing() {
        let text = "[mail]\nfrom = m@example.com\n[sources.s]\nkind = \"feed\"\nurl = \"https://example.com\"\nwatchlists = [\"a\"]\n[watchlists.a\nquery = 'x'\n";
        let lines: Vec<usize> = mistakes(text).iter().map(|e| e.line).collect();
        assert_eq!(lines, [2, 7]);
    }

    #[test]
    fn secrets_come_from_environment_and_credentials() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("smtp"), "from-systemd\n").unwrap();
        let credentials = folder.path().as_os_str().to_owned();
        let variable = |name: &str| match name {
            "CREDENTIALS_DIRECTORY" => Some(credentials.clone()),
            "SMTP" => Some(OsString::from("from-env")),
            "EMPTY" => Some(OsString::from("  ")),
            _ => None,
        };
        let password = |how: &str, secrets| {
            let text = format!("{MAIL}username = \"u\"\npassword = {how}\n");
            load_text(&text, secrets, &variable).map(|loaded| match loaded.config.mail.transport {
                TransportSettings::Smtp { password, .. } => password.map(|p| p.expose().to_owned()),
                _ => None,
            })
        };
        let some = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(password("{ credential = \"smtp\" }", Secrets::Required), some("from-systemd"));
        assert_eq!(password("{ env = \"SMTP\" }", Secrets::Required), some("from-env"));
        assert_eq!(password("{ env = \"SMTP\" }", Secrets::Skip), Ok(None));
        assert_eq!(password("{ env = \"EMPTY\" }", Secrets::Tried), Ok(None));
        for how in [
            "{ env = \"EMPTY\" }",
            "{ credential = \"other\" }",
            "{ credential = \"../smtp\" }",
            "{ file = \"\" }",
            "{}",
        ] {
            assert!(password(how, Secrets::Required).is_err(), "{how}");
        }
        for how in ["\"x\"", "{ credential = \"../smtp\" }", "{}"] {
            assert!(password(how, Secrets::Skip).is_err(), "{how} is wrong whoever asks");
        }
    }

    #[test]
    fn a_credential_outside_systemd_says_so() {
        let text = format!("{MAIL}username = \"u\"\npassword = {{ credential = \"smtp\" }}\n");
        let errors = mistakes(&text);
        assert!(
            errors[0].message.contains("systemd") && errors[0].help.as_deref().unwrap().contains("LoadCredential=smtp")
        );
        let loaded = load_text(&text, Secrets::Tried, &|_| None).unwrap();
        assert!(loaded.warnings.iter().any(|w| w.message.contains("systemd")));
    }
}
