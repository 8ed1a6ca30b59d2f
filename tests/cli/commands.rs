//! Commands that make a round, list what is in the record and act on it.

use super::*;

#[test]
fn once_tells_on_stdout_and_its_json_has_the_keys_of_the_contract() {
    let world = world().feed("down", support::web::Reply::status(500));
    let first = within(&world, &["once", "--json"]);
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    let json = first.json();
    let contract = ["sources", "entries", "new_entries", "mentions", "duplicates", "cases_opened", "mail"];
    let more = ["failures", "timings_ms"];
    assert_eq!(keys(&json), contract.into_iter().chain(more).collect());
    assert_eq!(keys(&json["sources"]), BTreeSet::from(["polled", "unchanged", "failed", "resting"]));
    assert_eq!(keys(&json["mail"]), BTreeSet::from(["queued", "sent", "deferred", "failed"]));
    assert_eq!((&json["sources"]["polled"], &json["sources"]["failed"]), (&json!(2), &json!(1)));
    assert_eq!((&json["entries"], &json["new_entries"], &json["mentions"]), (&json!(3), &json!(3), &json!(2)));
    assert_eq!(json["mail"]["sent"], json!(world.mails().len()));
    for stage in
        ["fetch", "parse", "identify", "match", "classify_and_route", "record", "mark", "compose", "send", "settle"]
    {
        assert!(json["timings_ms"][stage].is_f64(), "{stage}");
    }
    let second = within(&world, &["once"]);
    assert_eq!((second.code, second.err.as_str()), (0, ""));
    assert!(second.out.contains("2 sources polled") && second.out.contains("Nothing new"), "{}", second.out);
    assert!(second.out.contains("  down: "), "a failure is named with its reason: {}", second.out);
}

#[test]
fn what_was_recorded_is_listed_and_shown() {
    let world = world();
    for command in ["mentions", "outbox", "cases"] {
        let done = within(&world, &[command]);
        assert_eq!((done.code, done.out.as_str()), (1, ""), "there is nothing yet: {}", done.err);
    }
    assert_eq!(within(&world, &["once"]).code, 0);
    let list = within(&world, &["mentions"]).out;
    assert!(list.starts_with("ID ") && list.lines().count() == 3, "{list}");
    let json = within(&world, &["mentions", "--json"]).json();
    let rows = json.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for field in ["id", "source", "entry", "watchlists", "classification", "decision", "story", "original", "case"] {
        assert!(keys(&rows[0]).contains(field), "{field}");
    }
    let one = within(&world, &["mentions", "1"]);
    for words in [
        "Mention 1 of story 1",
        "My Acme kettle broke, part 1",
        "watchlist   acme: acme",
        "category",
        "route",
        "mail        alert to brand@example.com: sent",
    ] {
        assert!(one.out.contains(words), "{words}: {}", one.out);
    }
    let missing = within(&world, &["mentions", "99"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""));
    assert!(missing.err.contains("no mention 99"), "{}", missing.err);
}

#[test]
fn a_mention_is_corrected_listed_exported_and_given_back() {
    let world = world();
    assert_eq!(within(&world, &["once"]).code, 0);
    let mentions = within(&world, &["mentions", "--json"]).json();
    let lovely = mentions.as_array().unwrap().iter().find(|m| m["entry"]["text"] == "I love it.").unwrap();
    let (id, was) = (lovely["id"].to_string(), lovely["classification"]["category"].clone());
    assert_ne!(was, "suggestion");

    for wrong in [&["mentions", "correct", &id][..], &["mentions", "correct", &id, "--category", "anger"]] {
        assert_eq!(within(&world, wrong).code, 2, "{wrong:?}");
    }
    let none = within(&world, &["mentions", "correct", "999", "--category", "praise"]);
    assert!(none.code == 1 && none.err.contains("no mention 999"), "{}", none.err);
    let text = ["mentions", "correct", &id, "--category", "suggestion", "--sentiment", "neutral", "--by", "Ana"];
    let done = within(&world, &text);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("correction 1"), "{}", done.out);

    let show = within(&world, &["mentions", &id]).out;
    assert!(show.contains("suggestion") && show.contains("corrected by Ana"), "{show}");
    let list = within(&world, &["mentions", "corrections", "--json"]).json();
    assert_eq!((&list[0]["category"], &list[0]["was_category"]), (&json!("suggestion"), &was));
    let export = within(&world, &["mentions", "corrections", "--export"]).out;
    assert!(export.lines().nth(1).unwrap().ends_with("I love it."), "{export}");
    let explained = within(&world, &["explain", "--json", "My Acme kettle broke, part 2. I love it."]).json();
    assert!(explained.to_string().contains("correction 1"), "{explained}");

    // What was decided about a mention's case is a person's to change.
    assert!(!done.out.contains("case"), "{}", done.out);
    let broken = mentions.as_array().unwrap().iter().find(|m| m["entry"]["text"] != "I love it.").unwrap();
    let done = within(&world, &["mentions", "correct", &broken["id"].to_string(), "--category", "praise"]);
    assert!(
        done.out.contains("Its case 1 stays as it is, with support") && done.out.contains("cases dismiss 1"),
        "{}",
        done.out
    );
    assert_eq!(within(&world, &["mentions", "undo", "2"]).code, 0);

    let undone = within(&world, &["mentions", "undo", "1"]);
    assert_eq!(undone.code, 0, "{}", undone.err);
    assert_eq!(within(&world, &["mentions", "undo", "1"]).code, 1);
    assert_eq!(within(&world, &["mentions", "--json", &id]).json()["classification"]["category"], was);
    let explained = within(&world, &["explain", "--json", "My Acme kettle broke, part 2. I love it."]).json();
    assert!(!explained.to_string().contains("correction 1"), "{explained}");
    let all = within(&world, &["mentions", "corrections", "--all", "--json"]).json();
    assert!(all[0]["undone"].is_string(), "{all}");
    assert_eq!(within(&world, &["mentions", "corrections", "--json"]).json(), json!([]));
}

#[test]
fn sources_are_an_array_with_the_fields_of_the_contract() {
    let world = world().feed("down", support::web::Reply::status(500));
    let fields = ["name", "kind", "url", "status", "error", "entries", "last_heard", "next_poll"];
    let check = |when: &str| {
        let json = within(&world, &["sources", "--json"]).json();
        for source in json.as_array().unwrap() {
            assert!(keys(source).is_superset(&BTreeSet::from(fields)), "{when}: {source}");
        }
        json
    };
    let before = check("before the first poll");
    assert_eq!((&before[0]["status"], &before[0]["last_heard"]), (&json!("new"), &Value::Null));
    assert_eq!(within(&world, &["once"]).code, 0);
    let after = check("after it");
    let of = |name: &str| after.as_array().unwrap().iter().find(|s| s["name"] == name).unwrap().clone();
    assert_eq!(
        (&of("forum")["status"], &of("forum")["entries"], &of("forum")["error"]),
        (&json!("ok"), &json!(3), &Value::Null)
    );
    assert_eq!(of("down")["status"], json!("failing"));
    assert!(of("down")["error"].as_str().unwrap().contains("500") && of("down")["next_poll"].is_string());
    assert!(within(&world, &["sources", "forum"]).out.contains("3 entries"));
    assert_eq!(within(&world, &["sources", "nobody"]).code, 2);
}

#[test]
fn cases_are_listed_shown_and_acted_on() {
    let world = world().toml("members = [{ name = \"Ana Ruiz\", email = \"ana@example.com\" }]");
    assert_eq!(within(&world, &["once"]).code, 0);
    let list = within(&world, &["cases", "--json"]).json();
    let [case] = list.as_array().unwrap().as_slice() else { panic!("{list}") };
    assert_eq!((case["id"].as_i64(), case["status"].as_str()), (Some(1), Some("open")));
    assert_eq!(case["owner"], json!({ "department": "support", "person": "ana@example.com" }));
    let table = within(&world, &["cases"]).out;
    assert!(table.contains("support (ana@example.com)") && table.contains("My Acme kettle broke"), "{table}");
    assert!(table.starts_with("1 case: 1 open; 0 overdue.\n"), "{table}");

    let done = within(&world, &["cases", "ack", "1", "--by", "ana@example.com"]);
    assert_eq!((done.code, done.out.trim()), (0, "Case 1 is acknowledged now, with support (ana@example.com)."));
    let again = within(&world, &["cases", "acknowledge", "1", "--by", "ana@example.com"]);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    assert!(again.err.contains("acknowledged already"), "{}", again.err);
    for (arguments, says) in [
        (&["cases", "answer", "1", "--by", "eve@example.net"][..], "eve@example.net is not known"),
        (&["cases", "close", "1"], "mentiond cases satisfied 1"),
        (&["cases", "unsatisfied", "1"], "was not answered yet"),
        (&["cases", "reopen", "1"], "has not ended"),
        (&["cases", "assign", "1", "--to", "nobody@example.net"], "nobody@example.net is not known"),
        (&["cases", "note", "1", "--text", "x", "--by", "eve@example.net"], "eve@example.net is not known"),
        (&["cases", "satisfied", "1", "--by", "eve@example.net"], "eve@example.net is not known"),
        (&["cases", "dismiss", "1", "--reason", "x", "--by", "eve@example.net"], "eve@example.net is not known"),
        (&["cases", "answer", "99"], "there is no case 99"),
        (&["cases", "show", "99"], "there is no case 99"),
    ] {
        let refused = within(&world, arguments);
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{arguments:?}");
        assert!(refused.err.contains(says), "{arguments:?}: {}", refused.err);
    }
    assert_eq!(within(&world, &["cases", "dismiss", "1"]).code, 2, "a reason is needed");
    // Words that say nothing are refused, by the name of their flag.
    for (arguments, flag) in [
        (&["cases", "note", "1", "--text", ""][..], "--text"),
        (&["cases", "note", "1", "--text", " \n"], "--text"),
        (&["cases", "dismiss", "1", "--reason", " "], "--reason"),
        (&["cases", "reopen", "1", "--reason", ""], "--reason"),
        (&["cases", "assign", "1", "--to", ""], "--to"),
        (&["cases", "ack", "1", "--by", ""], "--by"),
        (&["themes", "close", "1", "--reason", ""], "--reason"),
        (&["themes", "rename", "1", "--name", " "], "--name"),
    ] {
        let refused = within(&world, arguments);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{arguments:?}");
        let others = ["--text", "--reason", "--to <", "--by <", "--name"].iter().filter(|f| !f.starts_with(flag));
        assert!(refused.err.contains(&format!("'{flag}")), "{arguments:?}: {}", refused.err);
        assert!(others.into_iter().all(|other| !refused.err.contains(&format!("'{other}"))), "{}", refused.err);
    }
    // A filter that nothing can pass is a mistake, not an empty list.
    for (arguments, says) in [
        (
            &["cases", "--department", "suport"][..],
            "there is no department `suport`; did you mean `support`? known: support",
        ),
        (&["mentions", "--department", "zzz"], "there is no department `zzz`; known: support"),
        (&["mentions", "--watchlist", "acmee"], "there is no watchlist `acmee`; did you mean `acme`?"),
        (&["themes", "--watchlist", "zzz"], "there is no watchlist `zzz`; known: acme"),
        (&["report", "--watchlist", "amce"], "did you mean `acme`?"),
        (&["cases", "--status", "opne"], "did you mean `open`?"),
        (&["themes", "--status", "opne"], "did you mean `open`?"),
        (&["mentions", "--category", "complain"], "did you mean `complaint`?"),
        (&["mentions", "--severity", "hgih"], "did you mean `high`?"),
    ] {
        for json in [&[][..], &["--json"]] {
            let refused = within(&world, &[arguments, json].concat());
            assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{arguments:?}");
            assert!(refused.err.contains(says), "{arguments:?}: {}", refused.err);
        }
    }

    let answered = within(&world, &["cases", "answer", "1", "--by", "ana@example.com", "--json"]).json();
    assert_eq!(answered["status"], "answered");
    assert_eq!(answered["answered"]["by"], "ana@example.com");
    assert_eq!(within(&world, &["cases", "resolve", "1"]).code, 0);
    assert_eq!(within(&world, &["cases", "satisfied", "1"]).code, 0);
    assert!(within(&world, &["cases"]).out.contains("No case is open."));
    assert_eq!(within(&world, &["cases", "--all", "--json"]).json()[0]["status"], "closed");
    assert_eq!(within(&world, &["cases", "--status", "closed", "--json"]).json().as_array().unwrap().len(), 1);
    let shown = within(&world, &["cases", "show", "1", "--json"]).json();
    let history: Vec<_> = shown["history"].as_array().unwrap().iter().map(|s| s["what"].as_str().unwrap()).collect();
    assert_eq!(history, ["opened", "acknowledged", "answered", "resolved", "satisfied", "closed"]);
    let words = within(&world, &["cases", "show", "1"]).out;
    for line in
        ["Case 1: closed", "opened, with support (ana@example.com): next in turn", "answered, by ana@example.com"]
    {
        assert!(words.contains(line), "{line}: {words}");
    }
    assert_eq!(within(&world, &["cases", "reopen", "1", "--reason", "wrong customer"]).code, 0);
    assert_eq!(within(&world, &["cases", "dismiss", "1", "--reason", "another Acme"]).code, 0);
    assert_eq!(within(&world, &["cases", "--all", "--json"]).json()[0]["reason"], "another Acme");
}

#[test]
fn outbox_shows_what_is_stuck_and_retries_it() {
    let later = Script::default().answer("RCPT TO:<brand@", "451 4.7.1 greylisted");
    let world = world().relay_each(vec![later, Script::default()]);
    let first = within(&world, &["once"]);
    assert!(first.out.contains("`mentiond outbox` shows"), "{}", first.out);
    let stuck = within(&world, &["outbox", "--status", "deferred", "--json"]).json();
    assert_eq!(keys(&stuck), BTreeSet::from(["counts", "mails"]));
    assert_eq!((&stuck["counts"]["deferred"], stuck["mails"].as_array().unwrap().len()), (&json!(2), 2));
    assert!(stuck["mails"][0]["error"].as_str().unwrap().contains("greylisted"));
    assert!(within(&world, &["outbox"]).out.contains("greylisted"));
    let id = stuck["mails"][0]["id"].to_string();
    assert_eq!(within(&world, &["outbox", "retry", &id, "--json"]).json(), json!({ "retried": 1 }));
    assert_eq!(within(&world, &["outbox", "retry"]).code, 0);
    assert_eq!(within(&world, &["once", "--json"]).json()["mail"]["sent"], json!(2));
    assert_eq!(world.mails_to(BRAND).len(), 2);
}

#[test]
fn forgetting_a_name_that_others_bear_shows_first_what_would_be_struck() {
    let world = world().toml("members = [{ name = \"Ana Ruiz\", email = \"ana@example.com\" }]");
    assert_eq!(within(&world, &["once"]).code, 0);
    let texts = || within(&world, &["mentions", "--json"]).out;
    let before = texts();
    // The brand, and what a watchlist looks for.
    let refused = within(&world, &["forget", "--author", "Acme"]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{}", refused.err);
    for says in ["the name of watchlist acme", "--force", "nothing was changed"] {
        assert!(refused.err.contains(says), "{says}: {}", refused.err);
    }
    let shown = within(&world, &["forget", "--author", "Acme", "--dry-run"]);
    assert!(
        shown.code == 0 && shown.err.contains("watchlist acme") && shown.out.contains("This would be erased:"),
        "{} {}",
        shown.err,
        shown.out
    );
    // Somebody who works here.
    let stopped = within(&world, &["forget", "--author", "Ana Ruiz"]);
    assert_eq!(stopped.code, 1, "{}", stopped.err);
    assert!(stopped.out.contains("This would be erased:"), "{}", stopped.out);
    assert!(stopped.err.contains("1 person who works here has this name too, Ana Ruiz (support)"), "{}", stopped.err);
    assert_eq!(texts(), before, "nothing was changed");
    let json = within(&world, &["forget", "--author", "Ana Ruiz", "--dry-run", "--json"]).json();
    assert_eq!((&json["dry_run"], json["warnings"].as_array().unwrap().len()), (&json!(true), 1));
    let forced = within(&world, &["forget", "--author", "Ana Ruiz", "--force"]);
    assert!(forced.out.starts_with("Erased:"), "{} {}", forced.out, forced.err);
}
