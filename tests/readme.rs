//! README.md is true: its commands run, its configuration loads, its tables name what is there; and the quickstart does
//! what README says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mentiond::model::{DeliveryKind, SourceStatus};
use mentiond::schedule::RetryDecision;
use mentiond::store::record::OutboxCounts;
use mentiond::web::metrics::{Metrics, PollCount};
use tempfile::TempDir;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(project().join("README.md")).unwrap()
}

/// Code blocks that open with exactly this.
fn blocks<'a>(text: &'a str, opening: &str) -> Vec<&'a str> {
    let opening = format!("\n```{opening}\n");
    text.split(opening.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// What stands in backticks in the first column of the table with that head.
fn first_column(text: &str, head: &str) -> BTreeSet<String> {
    let table = text.split_once(head).unwrap_or_else(|| panic!("README has no table {head}")).1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect()
}

/// A copy of the quickstart, as it stands in the project.
fn quickstart() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&project().join("config"), &folder.path().join("config"));
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { assert!(fs::copy(&path, target).is_ok()) }
    }
}

fn mentiond(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mentiond"));
    command.args(arguments).current_dir(folder).env_remove("MENTIOND_CONFIG").env_remove("MENTIOND_LOG");
    command.output().unwrap()
}

fn words(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn once(folder: &Path) -> serde_json::Value {
    let output = mentiond(folder, &["--config", "config/quickstart.toml", "once", "--json"]);
    serde_json::from_str(&words(&output)).unwrap()
}

fn mails(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("quickstart-mail")).unwrap().map(|e| e.unwrap().path());
    entries.filter(|p| p.extension().is_some_and(|e| e == "eml")).collect()
}

#[test]
fn the_commands_run() {
    let readme = readme();
    let folder = quickstart();
    let mut script = String::from("set -eu\nmentiond() { \"$MENTIOND\" \"$@\"; }\n");
    let blocks = blocks(&readme, "sh test");
    assert!(blocks.len() >= 3, "README shows no commands");
    for line in blocks.iter().flat_map(|block| block.lines()) {
        script.push_str(&line.replacen("cargo run --release --", "mentiond", 1));
        script.push_str(" || { echo \"failed: line above\" >&2; exit 1; }\n");
    }
    let mut shell = Command::new("sh");
    shell.args(["-xc", &script]).env("MENTIOND", env!("CARGO_BIN_EXE_mentiond")).current_dir(folder.path());
    let output = shell.env_remove("MENTIOND_CONFIG").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!mails(folder.path()).is_empty());
}

#[test]
fn the_configuration_loads() {
    let readme = readme();
    let snippets = blocks(&readme, "toml");
    assert!(snippets.len() >= 6, "README shows no configuration");
    // All of them together, as a reader would write them one after the other, and what every configuration needs.
    let folder = tempfile::tempdir().unwrap();
    let all = format!("[daemon]\nstate = \"state\"\ncontact = \"ops@example.com\"\n\n{}\n", snippets.join("\n\n"));
    fs::write(folder.path().join("mentiond.toml"), &all).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mentiond"));
    command.args(["--config", "mentiond.toml", "check"]).current_dir(folder.path());
    for name in ["SMTP_PASSWORD", "IMAP_PASSWORD", "HELPDESK_KEY", "HELP_DESK_HOOK"] {
        command.env(name, "long enough to be a secret");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{all}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_commands_are_those_of_help() {
    let help = words(&mentiond(project(), &["--help"]));
    let listed = help.split_once("Commands:\n").unwrap().1.split("\n\n").next().unwrap();
    let there: Vec<String> = listed
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .filter(|(name, _)| *name != "help")
        .map(|(name, does)| format!("| `{name}` | {} |", does.trim()))
        .collect();
    let readme = readme();
    let table = readme.split_once("| command | does |\n|---|---|\n").unwrap().1.split("\n\n").next().unwrap();
    assert_eq!(table.lines().collect::<Vec<_>>(), there);
}

#[test]
fn the_metrics_are_those_that_are_served() {
    let metrics = Metrics::default();
    // A family shows its name once it has a value.
    metrics.poll(PollCount::Unchanged);
    metrics.mail(DeliveryKind::Alert, &RetryDecision::Sent);
    metrics.sources([SourceStatus::Ok].into_iter());
    metrics.outbox(OutboxCounts::default());
    let served: BTreeSet<String> = metrics
        .encode()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(['{', ' ']).next().unwrap().to_owned())
        .collect();
    assert_eq!(first_column(&readme(), "| metric | labels | is |"), served);
}

#[test]
fn the_events_are_those_of_the_source() {
    fn gather(folder: &Path, into: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, into);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                into.extend(text.split("event = \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
                // Without an event a line cannot be found again.
                let logged = ["info", "warn", "error", "debug"].map(|level| format!("tracing::{level}!("));
                for call in logged.iter().flat_map(|call| text.split(call.as_str()).skip(1)) {
                    assert!(
                        call.trim_start().starts_with("event = \""),
                        "{}: a log line without event",
                        path.display()
                    );
                }
            }
        }
    }
    let mut said = BTreeSet::new();
    gather(&project().join("src"), &mut said);
    assert_eq!(first_column(&readme(), "| event | means |"), said);
}

#[test]
fn links_and_pictures_are_there() {
    for document in ["README.md", "deploy/README.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(project().join(document)).unwrap();
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            match target.strip_prefix('#') {
                Some(anchor) => {
                    let heading = |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                    assert!(text.lines().any(|l| l.starts_with('#') && heading(l) == anchor), "{document}: #{anchor}");
                }
                None if target.starts_with("https://") => {}
                None => {
                    assert!(project().join(document).parent().unwrap().join(target).exists(), "{document}: {target}")
                }
            }
        }
    }
    assert!(readme().contains("](config/QUERIES.md)"));
    let picture = fs::metadata(project().join("config/quickstart/mail.png")).unwrap();
    assert!(picture.len() <= 150 * 1024, "the picture is too large: {} bytes", picture.len());
}

#[test]
fn the_quickstart_sends_once_and_to_the_right_people() {
    let folder = quickstart();
    let first = once(folder.path());
    assert_eq!(first["sources"]["polled"], 5, "{first}");
    assert_eq!(first["sources"]["failed"], 0, "{first}");
    assert_eq!(first["entries"], 21, "{first}");
    assert_eq!(first["new_entries"], 21, "{first}");
    assert_eq!(first["mentions"], 16, "{first}");
    assert_eq!(first["duplicates"], 1, "{first}");
    let sent = mails(folder.path());
    assert_eq!(first["mail"]["sent"], sent.len(), "{first}");

    // Sources are polled side by side, so numbers of cases, and which of two sources is named, are left to chance.
    let mut went: Vec<String> = sent
        .iter()
        .map(|path| {
            let bytes = fs::read(path).unwrap();
            let mail = mail_parser::MessageParser::default().parse(&bytes).unwrap();
            let to = mail.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap().to_owned();
            let subject = mail.subject().unwrap();
            // A dossier is about several sources, and which words name its theme depends on who came first.
            let end = if subject.contains("Theme ") || subject.contains("Tema ") { ": " } else { " (" };
            let subject = subject.rsplit_once(end).unwrap().0.replace(|c: char| c.is_ascii_digit(), "#");
            format!("{to:26} {subject}")
        })
        .collect();
    went.sort();
    insta::assert_snapshot!("quickstart", went.join("\n"));

    let second = once(folder.path());
    assert_eq!(second["sources"]["unchanged"], 5, "{second}");
    assert_eq!(second["mail"]["sent"], 0, "{second}");
    assert_eq!(mails(folder.path()).len(), sent.len());
    let words = words(&mentiond(folder.path(), &["--config", "config/quickstart.toml", "once"]));
    assert_eq!(words, "5 sources polled: 5 unchanged, 0 failed.\nNothing new.\nNo mail was due.\n");
}

#[test]
fn the_quickstart_shows_copies_similar_mentions_and_masks() {
    let folder = quickstart();
    // Sources are polled side by side, and a mail lists what was there before it: the posts are to be there first.
    let config = folder.path().join("config/quickstart.toml");
    let all = fs::read_to_string(&config).unwrap();
    let (before, rest) = all.split_once("[sources.reviews]\n").unwrap();
    let (reviews, after) = rest.split_once("\n[").unwrap();
    assert!(reviews.contains("reviews.xml"), "{reviews}");
    fs::write(&config, format!("{before}[{after}")).unwrap();
    assert_eq!(once(folder.path())["sources"]["polled"], 4);
    fs::write(&config, &all).unwrap();
    assert_eq!(once(folder.path())["sources"]["polled"], 5);
    let texts: Vec<String> = mails(folder.path())
        .iter()
        .map(|path| {
            let bytes = fs::read(path).unwrap();
            let mail = mail_parser::MessageParser::default().parse(&bytes).unwrap();
            let to = mail.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap();
            let lines = mail.body_text(0).unwrap();
            format!("To: {to}\n{}", lines.replace("\r\n", "\n").replace("\n> ", " "))
        })
        .collect();
    let with = |words: &[&str]| texts.iter().any(|text| words.iter().all(|word| text.contains(word)));
    assert!(with(&["To: brand@", "largest warehouse", "Also seen at"]));
    assert!(with(&["To: app@", "App logs me out", "lignende omtale", "https://posts.example/@clare/5"]));
    assert!(with(&["To: service@", "Margaret Hill", "margaret.hill@mail.example", "+44 20 7946 0958"]));
    for text in texts.iter().filter(|text| text.starts_with("To: board@")) {
        for private in ["Margaret", "mail.example", "7946", "Baxter", "Nair"] {
            assert!(!text.contains(private), "{private} in {text}");
        }
    }
    assert!(with(&["To: board@", "[author ", "[e-mail 1]", "[phone 1 …"]));
}

#[test]
fn the_picture_maker_says_what_is_missing() {
    let script = project().join("tests/render-mail");
    let output =
        Command::new("/bin/sh").arg(script).args(["mail.eml", "mail.png"]).env("PATH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("missing: python3 chromium") && said.contains("apt-get install"), "{said}");
}

/// A page that is no feed stays a failure, however often it is served unchanged: silence is not calm.
#[test]
fn an_unchanged_page_that_is_no_feed_goes_on_failing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("page.html"), "<html><body><form>Log in</form></body></html>").unwrap();
    let config = "[daemon]\nstate = \"state\"\nhttp = \"off\"\ncontact = \"ops@example.com\"\n\
                  [mail]\nfrom = \"m@example.com\"\ntransport = \"directory\"\ndirectory = \"out\"\n\
                  [watchlists.x]\nquery = \"x\"\nalert = [\"a@example.com\"]\n\
                  [sources.page]\nkind = \"feed\"\npath = \"page.html\"\n";
    fs::write(folder.path().join("mentiond.toml"), config).unwrap();
    for _ in 0..3 {
        let summary: serde_json::Value =
            serde_json::from_str(&words(&mentiond(folder.path(), &["once", "--json"]))).unwrap();
        assert_eq!(summary["sources"]["failed"], 1, "{summary}");
    }
    let sources = words(&mentiond(folder.path(), &["sources"]));
    assert!(sources.contains("failing") && sources.contains("an HTML page, not a feed"), "{sources}");
}

/// Every flag that a cue can raise has words in every language.
#[test]
fn flags_have_words() {
    let folder = project().join("src/classify/lang");
    let mut flags = BTreeSet::from(["caps".to_owned(), "irony".to_owned()]);
    for file in ["category.txt", "severity.txt", "sentiment.txt"] {
        for language in ["en", "es", "pt", "da"] {
            let text = fs::read_to_string(folder.join(language).join(file)).unwrap();
            let heads = text.lines().filter(|line| line.starts_with('['));
            flags.extend(
                heads
                    .flat_map(|line| line.split("flag ").skip(1))
                    .map(|rest| rest.split([';', ' ', ']']).next().unwrap().to_owned()),
            );
        }
    }
    // Used inside the classifier, never shown.
    flags.remove("topic");
    assert!(flags.contains("legal") && flags.contains("repeat"), "{flags:?}");
    for language in ["en", "es", "pt", "da"] {
        let file = project().join("src/compose/words").join(format!("{language}.toml"));
        let words: toml::Table = toml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let named: BTreeSet<String> = words["flags"].as_table().unwrap().keys().cloned().collect();
        assert_eq!(named, flags, "{language}");
    }
}
