//! The configuration from outside: the annotated example, a folder of broken ones, includes, secrets, and speed.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "support/cost.rs"]
mod cost;
#[path = "support/said.rs"]
mod said;

use cost::processor_time;
use mentiond::config::{self, Secrets, keys};
use said::hold_to_expected;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with these files; the first is the configuration.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let main = folder.path().join(files[0].0);
    (folder, main)
}

const MINIMAL: &str = "[daemon]\ncontact = \"ops@example.com\"\n[mail]\nfrom = \"m@example.com\"\ntransport = \"directory\"\ndirectory = \"out\"\n\
    [watchlists.acme]\nquery = 'acme'\nalert = [\"a@example.com\"]\n[sources.s]\nkind = \"feed\"\nurl = \"https://example.com/feed\"\n";

fn errors(text: &str) -> String {
    let (_folder, main) = folder(&[("mentiond.toml", text)]);
    config::load(&main).unwrap_err().render(false)
}

/// Messages of all warnings of a configuration that must load.
fn warnings(text: &str) -> Vec<String> {
    let (_folder, main) = folder(&[("mentiond.toml", text)]);
    config::load(&main).unwrap().warnings.into_iter().map(|w| w.message).collect()
}

#[test]
fn the_example_loads_without_a_warning() {
    let loaded = config::load(&project().join("config/mentiond.toml")).unwrap_or_else(|e| panic!("{e}"));
    assert!(loaded.warnings.is_empty(), "{:#?}", loaded.warnings);
    let config = loaded.config;
    assert_eq!(config.watchlists.iter().map(|w| w.name.as_str()).collect::<Vec<_>>(), ["oakline", "oakline-kids"]);
    assert_eq!(config.sources.len(), 2);
    assert_eq!(config.routing.departments.len(), 4);
    assert_eq!(config.routing.routes[0].at, {
        let text = fs::read_to_string(project().join("config/mentiond.toml")).unwrap();
        format!("mentiond.toml:{}", text.lines().position(|l| l == "[[routes]]").unwrap() + 1)
    });
}

/// Every key is set in the example, or shown as `# key = value`, under its own header; the shown ones load as well.
#[test]
fn the_example_names_every_key() {
    let text = fs::read_to_string(project().join("config/mentiond.toml")).unwrap();
    for keys in keys::HEADED {
        for key in keys.keys {
            let mut inside = false;
            let named = text.lines().any(|line| {
                let line = line.strip_prefix("# ").unwrap_or(line).trim();
                if line.starts_with('[') && line.ends_with(']') {
                    inside = match keys.table.strip_suffix("NAME") {
                        Some(kind) => line.starts_with(&format!("[{kind}")),
                        None => line == format!("[{}]", keys.table),
                    };
                }
                inside && line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
            });
            assert!(named, "config/mentiond.toml does not name `{key}` under [{}]", keys.table);
        }
    }
    for word in keys::SECRET.keys {
        assert!(text.contains(&format!("{{ {word} = ")), "{word}");
    }
    for word in keys::MEMBER.keys {
        assert!(text.contains(&format!("{word} = ")), "{word}");
    }
}

/// What the example shows behind `#` is right too: with every `# key = value` taken in, only what needs another machine
/// (certificates, a credential) is missing.
#[test]
fn what_the_example_shows_is_valid() {
    let text = fs::read_to_string(project().join("config/mentiond.toml")).unwrap();
    let known: Vec<&str> = keys::HEADED.iter().flat_map(|k| k.keys.iter().copied()).collect();
    let shown: String = text.lines().fold(String::new(), |mut out, line| {
        let bare = line.strip_prefix("# ").filter(|l| {
            l.starts_with("[sources.")
                || l.starts_with("[tokens.")
                || l.split_once(" = ").is_some_and(|(key, _)| known.contains(&key))
        });
        writeln!(out, "{}", bare.unwrap_or(line)).unwrap();
        out
    });
    let shown = shown
        .replace("transport = \"directory\"", "transport = \"smtp\"")
        .replace("/etc/ssl/our-authority.pem", "ca.pem");
    let kids = fs::read_to_string(project().join("config/watchlists/example.toml")).unwrap();
    let (_folder, main) = folder(&[
        ("mentiond.toml", &shown),
        ("watchlists/example.toml", &kids),
        ("ca.pem", ""),
        ("drafts/en/praise.txt", "Thank you!\n"),
        ("perks.txt", "COFFEE-4WTR\n"),
    ]);
    let loaded = config::load_with(&main, Secrets::Skip).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(loaded.config.sources.len(), 19);
    assert_eq!(loaded.config.fetch.proxy.unwrap().host_str(), Some("proxy.example.com"));
    assert_ne!(loaded.config.drafts, mentiond::compose::Drafts::built_in());
}

#[test]
fn defaults_are_the_documented_ones() {
    let (_folder, main) = folder(&[(
        "mentiond.toml",
        "[mail]\nfrom = \"m@example.com\"\nhost = \"mail.example.com\"\n[sources.s]\nkind = \"feed\"\nurl = \"https://example.com/feed\"\n[sources.g]\nkind = \"feed\"\nurl = \"https://www.google.com/alerts/feeds/1/2\"\n",
    )]);
    let config = config::load(&main).unwrap().config;
    let secs = std::time::Duration::from_secs;
    assert_eq!(config.daemon.state, Path::new("/var/lib/mentiond"));
    assert_eq!((config.daemon.timezone_name.as_str(), config.daemon.language.as_str()), ("UTC", "en"));
    assert_eq!(config.daemon.http.unwrap().to_string(), "127.0.0.1:8420");
    assert_eq!((config.fetch.timeout, config.fetch.connect_timeout), (secs(30), secs(10)));
    assert_eq!((config.fetch.max_body, config.fetch.per_host), (8 << 20, 1));
    assert_eq!((config.fetch.concurrency, config.fetch.max_entries), (64, 10_000));
    assert_eq!(config.fetch.user_agent, format!("mentiond/{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(config.mail.max_per_hour, 20);
    assert!(matches!(
        config.mail.transport,
        mentiond::model::TransportSettings::Smtp { port: 587, tls: mentiond::model::SmtpTls::StartTls, .. }
    ));
    assert_eq!((config.sources[0].every, config.sources[1].every), (secs(1_800), secs(900)));
}

/// Every file of `tests/bad_configs`.
#[test]
fn bad_configs_say_what_is_wrong() {
    hold_to_expected("bad_configs", 30, |name| {
        let said = match config::load(name) {
            Ok(loaded) => panic!("{} loads: {:?}", name.display(), loaded.config),
            Err(errors) => errors,
        };
        if name.file_stem().is_some_and(|s| s != "ten_mistakes" && s != "broken_syntax" && s != "two_files_one_name") {
            assert_eq!(said.errors.len(), 1, "{}: {said}", name.display());
        }
        said.render(false)
    });
}

#[test]
fn ten_mistakes_are_ten_messages_in_file_order() {
    let errors = config::load(&project().join("tests/bad_configs/ten_mistakes.toml")).unwrap_err();
    assert_eq!(errors.errors.len(), 10, "{errors}");
    let lines: Vec<usize> = errors.errors.iter().map(|e| e.line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    let json = errors.to_json();
    let first = &json["errors"][0];
    assert_eq!(first["level"], "error");
    assert_eq!(first["line"], lines[0]);
    assert!(first["column"].as_u64().unwrap() >= 1 && !first["message"].as_str().unwrap().is_empty());
    assert!(first["file"].as_str().unwrap().ends_with("ten_mistakes.toml"));
    // The place in the machine form is the place that a person is shown.
    for error in &errors.errors {
        let place = format!("{}:{}:{}", error.file, error.line, error.column);
        assert!(error.render(false).contains(&place), "{place} is not in\n{error}");
    }
    assert!(errors.render(true).contains('\u{1b}') && !errors.render(false).contains('\u{1b}'));
}

#[test]
fn a_password_never_shows_in_any_message() {
    for line in [
        "password = \"Canary-7\"",
        "password = \"Canary-7",
        "password = Canary-7",
        "password = { value = \"Canary-7\" }",
        "password = { file = \"x\", value = \"Canary-7\" }",
        "password = \"\"\"\nCanary-7\n\"\"\"",
        "password = [\"Canary-7\"]",
        "passwrd = 1\npassword = \"Canary-7\" x",
    ] {
        let said = errors(&format!("[mail]\nfrom = \"m@example.com\"\nhost = \"h\"\nusername = \"u\"\n{line}\n"));
        assert!(!said.contains("Canary") && !said.contains("anary-7"), "{said}");
    }
    let said = errors(&format!("{MINIMAL}[fetch]\nproxy = \"http://ana:Canary-7@proxy:3128\"\n"));
    assert!(!said.contains("Canary"), "{said}");
}

#[test]
fn secrets_come_from_files_and_are_doubted_if_everybody_can_read_them() {
    let text = "[mail]\nfrom = \"m@example.com\"\nhost = \"h.example.com\"\nusername = \"u\"\npassword = { file = \"secrets/smtp\" }\n";
    let (folder, main) = folder(&[("mentiond.toml", text), ("secrets/smtp", "s3cret\n")]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let secret = folder.path().join("secrets/smtp");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        let loaded = config::load(&main).unwrap();
        assert!(loaded.warnings.iter().any(|w| w.message.contains("everybody")), "{:?}", loaded.warnings);
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let loaded = config::load(&main).unwrap();
    assert!(!loaded.warnings.iter().any(|w| w.message.contains("everybody")));
    let mentiond::model::TransportSettings::Smtp { password: Some(password), .. } = &loaded.config.mail.transport
    else {
        panic!()
    };
    assert_eq!(password.expose(), "s3cret");
    assert!(!format!("{loaded:?}").contains("s3cret"));

    fs::remove_file(folder.path().join("secrets/smtp")).unwrap();
    assert!(config::load(&main).is_err());
    assert!(
        config::load_with(&main, Secrets::Tried)
            .unwrap()
            .warnings
            .iter()
            .any(|w| w.message.contains("there is no file"))
    );
    assert!(
        !config::load_with(&main, Secrets::Skip)
            .unwrap()
            .warnings
            .iter()
            .any(|w| w.message.contains("there is no file"))
    );
}

#[test]
fn included_files_are_merged_and_their_mistakes_name_them() {
    let main_text = format!("{MINIMAL}[[routes]]\nwhen = 'a'\ndepartment = \"d\"\n")
        .replace("[daemon]", "[daemon]\ninclude = [\"more/*.toml\", \"people.toml\"]");
    let (folder, main) = folder(&[
        ("mentiond.toml", &main_text),
        ("more/b.toml", "[watchlists.b]\nquery = 'bluebird'\nalert = [\"a@example.com\"]\n"),
        ("more/a.toml", "[sources.files]\nkind = \"feed\"\npath = \"inbox\"\n[daemon]\ntimezone = \"Europe/Lisbon\"\n"),
        ("more/.hidden.toml", "this is not toml"),
        ("more/a.toml.bak", "neither is this"),
        (
            "people.toml",
            "[departments.d]\nemail = \"d@example.com\"\nrole = \"community\"\n[[routes]]\nwhen = 'b'\ndepartment = \"d\"\n[daemon]\ninclude = [\"mentiond.toml\"]\n",
        ),
    ]);
    fs::create_dir(folder.path().join("more/inbox")).unwrap();
    let loaded = config::load(&main).unwrap_or_else(|e| panic!("{e}"));
    assert!(loaded.warnings.is_empty(), "{:#?}", loaded.warnings);
    let config = loaded.config;
    assert_eq!(config.daemon.timezone_name, "Europe/Lisbon");
    assert_eq!(*config.sources[0].watchlists, ["acme", "b"]);
    assert_eq!(config.sources[1].location, mentiond::model::Location::Path(folder.path().join("more/inbox")));
    let at: Vec<&str> = config.routing.routes.iter().map(|r| r.at.as_str()).collect();
    assert_eq!(at, ["mentiond.toml:14", "people.toml:4"]);

    fs::write(folder.path().join("more/b.toml"), "[watchlists.b]\nqeury = 'b'\n[watchlists.acme]\nquery = 'x'\n")
        .unwrap();
    let errors = config::load(&main).unwrap_err();
    let places: Vec<_> = errors.errors.iter().map(|e| (e.file.rsplit('/').next().unwrap(), e.line, e.column)).collect();
    assert_eq!(places, [("b.toml", 1, 1), ("b.toml", 2, 1), ("b.toml", 3, 13)], "{errors}");
}

#[test]
fn an_include_that_finds_nothing_is_doubted_and_a_named_file_must_be_there() {
    let text = MINIMAL.replace("[daemon]", "[daemon]\ninclude = [\"none/*.toml\"]");
    assert_eq!(warnings(&text), ["no file matches `none/*.toml`"]);
    let said = errors(&MINIMAL.replace("[daemon]", "[daemon]\ninclude = [\"none.toml\"]"));
    assert!(said.contains("there is no such file") && said.contains("mentiond.toml:2:12"), "{said}");
}

#[test]
fn own_drafts_take_the_place_of_built_in_ones_and_other_files_may_lie_beside_them() {
    let text = MINIMAL.replace("[mail]", "[mail]\ndrafts = \"words\"");
    let (folder, main) = folder(&[
        ("mentiond.toml", &text),
        ("words/en/praise.txt", "\u{feff}Cheers, {name}!\r\n| Cheers!\r\n"),
        ("words/en/praise.txt~", "We promise."),
        ("words/en/.praise.txt.swp", "We promise."),
        ("words/README.md", "We promise."),
    ]);
    let loaded = config::load(&main).unwrap_or_else(|e| panic!("{e}"));
    assert!(loaded.warnings.is_empty(), "{:#?}", loaded.warnings);
    assert_ne!(loaded.config.drafts, mentiond::compose::Drafts::built_in());

    // The mistakes of several files come together, each with its place.
    fs::create_dir(folder.path().join("words/es")).unwrap();
    fs::write(folder.path().join("words/es/refund.txt"), "Hola:\nLo resolveremos en 24 horas.\n").unwrap();
    fs::write(folder.path().join("words/en/praise.txt"), "# Ours\n\nHello {nam},\n").unwrap();
    fs::write(folder.path().join("words/en/other.txt"), vec![b'x'; 9_000]).unwrap();
    fs::write(folder.path().join("words/loose.txt"), "x").unwrap();
    let errors = config::load(&main).unwrap_err();
    let places: Vec<_> = errors.errors.iter().map(|e| (e.file.rsplit('/').next().unwrap(), e.line, e.column)).collect();
    let drafts = ("mentiond.toml", 4, 10);
    assert_eq!(places, [drafts, drafts, ("praise.txt", 3, 7), ("refund.txt", 2, 1), ("refund.txt", 2, 17)], "{errors}");

    fs::remove_dir_all(folder.path().join("words/en")).unwrap();
    fs::remove_dir_all(folder.path().join("words/es")).unwrap();
    fs::remove_file(folder.path().join("words/loose.txt")).unwrap();
    let loaded = config::load(&main).unwrap();
    assert!(loaded.warnings[0].message.contains("there are no drafts in"), "{:?}", loaded.warnings);
}

/// DRAFTS.md tells every placeholder and shows a draft that is accepted.
#[test]
fn drafts_are_explained_as_they_are() {
    use mentiond::compose::{DraftTemplate, Drafts, PLACEHOLDERS};
    let text = fs::read_to_string(project().join("config/DRAFTS.md")).unwrap();
    let told: Vec<&str> =
        text.lines().filter_map(|l| l.strip_prefix("| `{")).map(|l| l.split('}').next().unwrap()).collect();
    assert_eq!(told, PLACEHOLDERS);
    for category in Drafts::categories() {
        assert!(text.contains(&format!("`{}`", category.as_str())), "{}", category.as_str());
    }
    let example = text.split_once("```draft\n").unwrap().1.split_once("```").unwrap().0;
    DraftTemplate::parse(example, "en").unwrap_or_else(|e| panic!("{e:?}"));
    // What it says is refused is refused.
    let refused = text.split_once("## What is refused").unwrap().1;
    let phrases: Vec<&str> = refused.split('"').skip(1).step_by(2).collect();
    assert!(phrases.len() >= 7, "{phrases:?}");
    for phrase in phrases {
        assert!(DraftTemplate::parse(phrase, "en").is_err(), "{phrase}");
    }
}

#[test]
fn doubts() {
    assert_eq!(warnings(MINIMAL), [""; 0]);
    let department = "[departments.d]\nemail = \"d@example.com\"\n";
    let table = [
        (MINIMAL.replace("contact = \"ops@example.com\"", ""), "no `contact`"),
        (MINIMAL.replace("alert = [\"a@example.com\"]", ""), "nobody is told"),
        (MINIMAL.replace("[\"a@example.com\"]", "[\"a@example.com\", \"A@Example.com\"]"), "named twice"),
        (format!("{MINIMAL}watchlists = []\n"), "searched for no watchlist"),
        (format!("{MINIMAL}watchlists = []\n"), "no source is searched for `acme`"),
        (format!("{MINIMAL}[watchlists.b]\nquery = ' acme '\nalert = [\"b@example.com\"]\n"), "same query as `acme`"),
        (format!("{MINIMAL}[sources.t]\nkind = \"feed\"\nurl = \"https://example.com/feed\"\n"), "same address as `s`"),
        (
            format!(
                "{MINIMAL}[watchlists.b]\nquery = 'b'\nalert = [\"b@example.com\"]\n[sources.t]\nkind = \"feed\"\nurl = \"https://example.com/2\"\nmatch = \"all\"\n"
            ),
            "all 2 watchlists",
        ),
        (format!("{MINIMAL}[sources.t]\nkind = \"feed\"\npath = \"nowhere\"\n"), "no file or folder"),
        (format!("{MINIMAL}{department}handles = [\"refund\"]\n"), "role `community`"),
        (
            format!("{MINIMAL}{department}[departments.e]\nemail = \"e@example.com\"\nrole = \"community\"\n"),
            "`d` gets nothing",
        ),
        (
            format!(
                "{MINIMAL}{department}role = \"community\"\n[departments.e]\nemail = \"e@example.com\"\nrole = \"community\"\n"
            ),
            "same role",
        ),
        (
            format!("{MINIMAL}{department}role = \"community\"\nhandles = [\"staff\"]\n"),
            "neither a lead nor management",
        ),
        (
            format!(
                "{MINIMAL}{department}role = \"community\"\n[[routes]]\nwhen = 'x'\ndepartment = \"d\"\ndeliver = \"digest\"\n"
            ),
            "what waits for it is never mailed",
        ),
        (
            format!(
                "{MINIMAL}{department}role = \"community\"\n[[routes]]\nwhen = 'x'\ndepartment = \"d\"\ndeliver = \"meeting\"\n"
            ),
            "what waits for it is never mailed",
        ),
        (
            format!(
                "{MINIMAL}{department}role = \"community\"\nacknowledge_within = \"3d\"\nresolve_within = \"4h\"\n"
            ),
            "longer than",
        ),
        (
            format!(
                "{MINIMAL}{department}role = \"community\"\n[[routes]]\nwhen = 'x'\ndepartment = \"d\"\ncopy = [\"d\"]\n"
            ),
            "gets this already",
        ),
        (format!("{MINIMAL}[fetch]\nallow_networks = [\"0.0.0.0/0\"]\n"), "allows every address"),
        (MINIMAL.replace("transport = \"directory\"", "host = \"mail.example.com\"\ntls = \"none\""), "in the clear"),
    ];
    for (text, expected) in table {
        let said = warnings(&text);
        assert!(said.iter().any(|w| w.contains(expected)), "{expected}: {said:?}");
    }
}

#[test]
fn files_that_are_no_text_have_one_mistake() {
    let (folder, _) = folder(&[("mentiond.toml", MINIMAL)]);
    for (name, bytes, expected) in [
        ("latin1.toml", b"[daemon]\ncontact = \"jos\xe9@example.com\"\n".as_slice(), "line 2 is not UTF-8"),
        ("empty.toml", b"", "[mail] is missing"),
        ("bom.toml", b"\xef\xbb\xbf[daemon]\nx = 1\n[mail]\nfrom=\"a@example.com\"\nhost='h'\n", "no key `x`"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let errors = config::load(&path).unwrap_err();
        assert_eq!(errors.errors.len(), 1, "{errors}");
        assert!(errors.to_string().contains(expected), "{errors}");
    }
    let errors = config::load(folder.path()).unwrap_err();
    assert_eq!(errors.errors.len(), 1, "{errors}");
    let errors = config::load(&folder.path().join("nowhere.toml")).unwrap_err();
    assert!(errors.to_string().contains("there is no such file"), "{errors}");
}

#[test]
fn hostile_files_end_quickly() {
    let nested = format!("a = {}{}", "[".repeat(200_000), "]".repeat(200_000));
    let keys = "x = \n".repeat(50_000);
    let unknown: String =
        (0..5_000).fold(MINIMAL.to_owned(), |t, n| format!("{t}\n[sources.n{n}]\nkind = \"fed\"\nurll = \"x\"\n"));
    let long = format!("{MINIMAL}[watchlists.x]\nquery = 'x'\nalert = [\"{}\"]\n", "é".repeat(500_000));
    let tokens = format!("{MINIMAL}x = '{}'\n", "token".repeat(200_000));
    let names: String = (0..3_000).fold(MINIMAL.to_owned(), |t, n| {
        format!("{t}\n[sources.n{n}]\nkind = \"feed\"\nurl = \"https://example.com/{n}\"\nwatchlists = [\"v{n}\"]\n[watchlists.w{n}]\nquery = 'x{n}'\n")
    });
    for text in [nested, keys, unknown, long, tokens, names] {
        let before = processor_time();
        let said = errors(&text);
        let took = processor_time().saturating_sub(before);
        println!("{} bytes: {took:?}, {} bytes of messages", text.len(), said.len());
        assert!(said.len() < 2_000_000, "{} bytes", said.len());
        assert!(took.as_secs() < 30, "{took:?}: {}", &said[..200]);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(150))]

    /// A slip of the finger anywhere in the example gives a configuration or mistakes that can be shown.
    #[test]
    fn no_slip_makes_it_panic(at in 0.0..1.0_f64, cut in 0..40_usize, put in "[\\[\\]{}=\"'#a\n\\\\ 1é.,-]{0,3}") {
        let text = fs::read_to_string(project().join("config/mentiond.toml")).unwrap();
        let chars: Vec<char> = text.chars().collect();
        let at = (chars.len() as f64 * at) as usize;
        let changed: String = chars[..at].iter().copied().chain(put.chars()).chain(chars[(at + cut).min(chars.len())..].iter().copied()).collect();
        let (_folder, main) = folder(&[("mentiond.toml", &changed), ("watchlists/a.toml", "[watchlists.oakline-kids]\nquery = 'x'\n")]);
        match config::load(&main) {
            Ok(loaded) => loaded.warnings.iter().for_each(|w| drop(w.render(true))),
            Err(errors) => assert!(!errors.errors.is_empty() && errors.render(false).contains("mentiond.toml:") || errors.to_string().contains("a.toml:")),
        }
    }
}

/// The figures themselves are taken from a release build; here only the order of growth is watched.
#[test]
fn a_large_configuration_loads_fast() {
    let mut text = MINIMAL.to_owned();
    for n in 0..500 {
        writeln!(text, "[watchlists.w{n}]\nquery = '\"brand {n}\" OR brand{n}*'\nalert = [\"w{n}@example.com\"]")
            .unwrap();
    }
    let mut all = text.clone();
    for n in 0..1_000 {
        let source =
            format!("[sources.s{n}]\nkind = \"feed\"\nurl = \"https://example.com/{n}/feed\"\nevery = \"15m\"\n");
        writeln!(text, "{source}watchlists = [\"w{}\"]", n % 500).unwrap();
        all.push_str(&source);
    }
    for (what, text) in [("one watchlist a source", text), ("all watchlists", all)] {
        let (_folder, main) = folder(&[("mentiond.toml", &text)]);
        let before = processor_time();
        let loaded = config::load(&main).unwrap();
        let took = processor_time().saturating_sub(before);
        println!("1,000 sources and 500 watchlists, {what}: {took:?}");
        assert_eq!((loaded.config.sources.len(), loaded.config.watchlists.len()), (1_001, 501));
        assert!(took.as_secs() < 5, "{took:?}");
    }
}

#[test]
fn what_would_go_over_the_network_in_the_open_and_who_reminds_themselves_is_doubted() {
    let with = |public: &str, lead: &str| {
        warnings(&format!(
            "[daemon]\nstate = \"state\"\ncontact = \"ops@example.com\"\npublic_url = \"{public}\"\n\
             [mail]\nfrom = \"m@example.com\"\nhost = \"mail.example.com\"\n\
             [departments.care]\nemail = \"care@example.com\"\nlead = \"{lead}\"\n\
             members = [{{ name = \"Ana Ruiz\", email = \"ana@example.com\" }}]\n"
        ))
    };
    let open = |url: &str| with(url, "lead@example.com").iter().any(|w| w.contains("is not encrypted"));
    for url in ["http://mentions.example.com", "http://192.168.1.4:8420", "http://127.0.0.1.example.com"] {
        assert!(open(url), "{url}");
    }
    for url in ["https://mentions.example.com", "http://127.0.0.1:8420", "http://localhost:8420", "http://[::1]:8420"] {
        assert!(!open(url), "{url}");
    }
    let twice = |lead: &str| with("https://m.example.com", lead).iter().any(|w| w.contains("takes turns in it"));
    assert!(twice("Ana@example.com") && !twice("lead@example.com"));
}
