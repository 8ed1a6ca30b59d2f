//! What every command keeps to: usage, exit codes, mistakes of the configuration, no colours.

use super::*;

#[test]
fn help_names_every_command_of_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let help = mentiond(folder.path(), &["--help"], "");
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for command in
        ["run", "once", "check", "explain", "backtest", "evaluate", "mentions", "cases", "route", "sources", "outbox"]
    {
        assert!(
            help.out.lines().any(|l| l.trim_start().starts_with(&format!("{command} "))),
            "{command}: {}",
            help.out
        );
        let own = mentiond(folder.path(), &[command, "--help"], "");
        assert_eq!(own.code, 0, "{command}");
        assert_eq!(own.out.contains("--json"), command != "run", "{command} --json: {}", own.out);
    }
    assert_eq!(
        mentiond(folder.path(), &["--version"], "").out.trim(),
        format!("mentiond {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn wrong_usage_is_exit_2_with_nothing_on_stdout() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["onec"][..],
        &["once", "--jsno"],
        &[],
        &["once"],
        &["mentions", "--category", "anger"],
        &["--config", "no.toml", "check"],
    ] {
        let done = mentiond(folder.path(), arguments, "");
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!done.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn ten_mistakes_are_ten_messages_with_their_places_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let mistakes = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_configs/ten_mistakes.toml");
    std::fs::copy(mistakes, folder.path().join("mentiond.toml")).unwrap();
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    for command in
        [&["check"][..], &["once"], &["once", "--json"], &["run"], &["sources"], &["outbox"], &["mentions"], &["cases"]]
    {
        let done = mentiond(folder.path(), command, "");
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{command:?}: {}", done.err);
        assert_eq!(done.err.lines().filter(|l| l.starts_with("error: ")).count(), 10, "{command:?}: {}", done.err);
        let places = done.err.lines().filter(|l| l.trim_start().starts_with("--> mentiond.toml:"));
        assert_eq!(places.count(), 10, "{command:?}: {}", done.err);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before, "nothing was made");

    let machine = mentiond(folder.path(), &["check", "--json"], "");
    assert_eq!(machine.code, 2);
    let errors = machine.json();
    assert_eq!((errors["ok"].as_bool(), errors["errors"].as_array().unwrap().len()), (Some(false), 10));
    for error in errors["errors"].as_array().unwrap() {
        assert!(error["line"].is_u64() && error["column"].is_u64() && error["message"].is_string(), "{error}");
    }
}

#[test]
fn check_prints_what_would_run() {
    let world = world();
    let check = within(&world, &["check"]);
    assert_eq!(check.code, 0, "{}", check.err);
    for words in ["mentiond.toml is in order", "acme", "forum", BRAND, "support@example.com", "127.0.0.1"] {
        assert!(check.out.contains(words), "{words}: {}", check.out);
    }
    let json = within(&world, &["check", "--json"]).json();
    assert_eq!(keys(&json), BTreeSet::from(["ok", "warnings", "watchlists", "sources", "departments", "routes"]));
    assert!(world.web.visits().is_empty() && !world.state().exists(), "a check starts nothing");
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let world = world().feed("down", support::web::Reply::status(500));
    world.config();
    for arguments in [&["once"][..], &["check"], &["sources"], &["explain", "Acme"], &["chekc"]] {
        let output = Command::new(BINARY)
            .current_dir(world.folder())
            .args(arguments)
            .env("NO_COLOR", "1")
            .env("MENTIOND_LOG", "debug")
            .output()
            .unwrap();
        assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b), "{arguments:?}");
    }
}
