//! Man pages and completions, as `mentiond manual` writes them.

use std::process::Command;

fn mentiond(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_mentiond")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Names in the list of commands that `--help` prints.
fn commands() -> Vec<String> {
    let help = mentiond(&["--help"]);
    let listed = help.split_once("Commands:\n").unwrap().1.split("\n\n").next().unwrap();
    let names = listed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    names.filter(|name| name != "help").collect()
}

#[test]
fn every_command_has_its_page_and_completions() {
    let folder = tempfile::tempdir().unwrap();
    mentiond(&["manual", folder.path().to_str().unwrap()]);
    let man = folder.path().join("man");
    let main = std::fs::read_to_string(man.join("mentiond.1")).unwrap();
    assert!(commands().len() >= 14);
    for name in commands() {
        let page = std::fs::read_to_string(man.join(format!("mentiond-{name}.1"))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{page}");
        assert!(main.contains(&format!("mentiond\\-{name}(1)")), "{name} is not in the main page");
        for shell in ["mentiond.bash", "mentiond.fish", "_mentiond"] {
            let text = std::fs::read_to_string(folder.path().join("completions").join(shell)).unwrap();
            assert!(text.contains(&name), "{shell} does not know {name}");
        }
    }
    assert!(man.join("mentiond-cases-ack.1").exists() && !man.join("mentiond-manual.1").exists());

    // They are taken: asked as if somebody pressed the tabulator, each shell offers what there is.
    let completions = folder.path().join("completions");
    let asked = [
        (
            "bash",
            "source ./mentiond.bash; COMP_WORDS=(mentiond ou); COMP_CWORD=1; COMP_LINE='mentiond ou'; \
                  COMP_POINT=11; _mentiond mentiond ou mentiond; printf '%s\\n' \"${COMPREPLY[@]}\"",
        ),
        ("fish", "source ./mentiond.fish; complete --do-complete 'mentiond ou'"),
        // zsh completes at a terminal only; this loads the function as `compinit` does, and looks where it leads.
        (
            "zsh",
            "fpath=($PWD $fpath); autoload -Uz compinit; compinit -D -u; print -r -- ${_comps[mentiond]}; \
                 autoload +X _mentiond && functions _mentiond | grep -o outbox | head -n 1",
        ),
    ];
    for (shell, script) in asked {
        // zsh without anybody's start-up files.
        let options: &[&str] = if shell == "zsh" { &["-f", "-c"] } else { &["-c"] };
        match Command::new(shell)
            .current_dir(&completions)
            .env("HOME", folder.path())
            .args(options)
            .arg(script)
            .output()
        {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(output.status.success() && said.contains("outbox"), "{shell}: {output:?}");
                assert!(output.stderr.is_empty(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
                assert!(shell != "zsh" || said.starts_with("_mentiond\n"), "{said}");
            }
            Err(_) => println!("skipped: {shell} is not here, so its completions are not tried"),
        }
    }
    let pages: Vec<_> = std::fs::read_dir(&man).unwrap().map(|e| e.unwrap().path()).collect();
    match Command::new("mandoc").args(["-T", "lint", "-W", "error"]).args(&pages).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout)),
        Err(_) => println!("skipped: mandoc is not here, so the man pages are not linted"),
    }
}
