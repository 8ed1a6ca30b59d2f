//! Commands that try out a text: what would happen, which route, how right.

use super::*;

#[test]
fn evaluate_compares_with_labels() {
    let folder = tempfile::tempdir().unwrap();
    let data = "text\tcategory\nThank you so much, great service!\tpraise\nI want my money back!\tquestion\n";
    std::fs::write(folder.path().join("a.tsv"), data).unwrap();
    let done = mentiond(folder.path(), &["evaluate", "a.tsv"], "");
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("accuracy 50.0 %") && done.out.contains("RIGHT ANSWER"), "{}", done.out);
    let json = mentiond(folder.path(), &["evaluate", "--json", "a.tsv"], "").json();
    assert_eq!(json[0]["confusion"]["question"]["refund"], 1, "{json}");
    let shown = mentiond(folder.path(), &["evaluate", "--wrong", "5", "a.tsv"], "").out;
    let wrong =
        "line 3: question was taken for refund: I want my money back!\n  “want my money back”: wants money back";
    assert!(shown.contains(wrong), "{shown}");
    std::fs::write(folder.path().join("c.tsv"), data.replace("\tpraise", "\tprase")).unwrap();
    let misspelt = mentiond(folder.path(), &["evaluate", "c.tsv"], "");
    assert!(
        misspelt.code == 1 && misspelt.err.contains("c.tsv, line 2: there is no category `prase`"),
        "{}",
        misspelt.err
    );
    std::fs::write(folder.path().join("b.tsv"), "a\tb\n1\t2\n").unwrap();
    let wrong = mentiond(folder.path(), &["evaluate", "b.tsv"], "");
    assert!(wrong.code == 1 && wrong.err.contains("nothing to compare"), "{}", wrong.err);
    assert_eq!(mentiond(folder.path(), &["evaluate"], "").code, 2);
}

#[test]
fn evaluate_judges_as_configured_if_asked_to() {
    let world = world().toml("[[cues]]\ntext = [\"schnorkled\"]\ncategory = \"refund\"");
    let data = "text\tlabel\nMy Acme kettle arrived, it is schnorkled\trefund\n";
    std::fs::write(world.folder().join("own.tsv"), data).unwrap();
    let accuracy = |arguments: &[&str]| within(&world, arguments).json()[0]["accuracy"].as_f64().unwrap();
    assert_eq!(accuracy(&["evaluate", "--json", "own.tsv"]), 0.0);
    assert_eq!(accuracy(&["evaluate", "--json", "--configured", "own.tsv"]), 1.0);
}

#[test]
fn route_test_says_which_route_takes_it_and_why_the_others_do_not() {
    let world = world().toml(
        "[departments.legal]\nemail = \"legal@example.com\"\nmembers = [{ name = \"Lea\", email = \"lea@example.com\" }]\n\
         [[routes]]\nwhen = 'category:praise sentiment:>=positive'\ndepartment = \"legal\"\n\
         [[routes]]\nwhen = 'kettle -category:praise -fine'\ndepartment = \"legal\"\ncase = true\n\
         [[routes]]\nwhen = 'acme'\ndepartment = \"support\"",
    );
    let text = "My Acme kettle stopped working after a week.";
    let done = within(&world, &["route", "test", text]);
    assert_eq!(done.code, 0, "{}", done.err);
    for line in
        ["not: category:praise, sentiment:>=positive", "kettle -category:praise -fine: takes it", "route       legal"]
    {
        assert!(done.out.contains(line), "{line}: {}", done.out);
    }
    assert!(!done.out.contains("route 3"), "{}", done.out);
    for (who, code) in [
        ("legal", 0),
        ("legal@example.com", 0),
        ("LEA@example.com", 0),
        ("support", 1),
        ("support@example.com", 1),
        ("nobody", 2),
    ] {
        let done = within(&world, &["route", "test", text, "--expect", who, "--json"]);
        assert_eq!(done.code, code, "{who}: {}", done.err);
        if code < 2 {
            let tested = &done.json()[0];
            assert_eq!(tested["as_expected"], json!(code == 0), "{who}");
            assert_eq!(tested["routes"][0]["unmet"], json!(["category:praise", "sentiment:>=positive"]));
            assert_eq!(
                (&tested["routes"][1]["takes"], &tested["route"]["department"]),
                (&json!(true), &json!("legal"))
            );
        }
    }
    // An excluded word that is there is why a route does not take it.
    let fine =
        within(&world, &["route", "test", "--json", "The kettle was fine until it stopped working. Terrible."]).json();
    assert_eq!(fine[0]["routes"][1]["unmet"], json!(["-fine"]));
    let hint = within(&world, &["route", "test", "Where can I buy one?"]);
    assert!(hint.out.contains("no route takes it") && hint.out.contains("handles = [\"question\"]"), "{}", hint.out);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(mentiond(folder.path(), &["route", "test", "x"], "").code, 2, "routes need a configuration");
}

#[test]
fn explain_says_what_would_happen_and_does_nothing() {
    let world = world();
    let text = "My Acme kettle broke after two days. I want my money back!";
    let words = within(&world, &["explain", text]);
    assert_eq!(words.code, 0, "{}", words.err);
    for part in
        ["watchlist   acme: acme", "language    en", "because", "route       support", "reply draft (en)", "sorry"]
    {
        assert!(words.out.contains(part), "{part}: {}", words.out);
    }
    std::fs::write(world.folder().join("feed.xml"), rss([entry("Acme"), entry("Nothing")])).unwrap();
    let listed = within(&world, &["explain", "feed.xml", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    // What is no mention is not answered.
    assert!(listed[0]["draft"]["text"].is_string() && listed[1]["draft"].is_null(), "{listed}");
    let url = world.web.url("/forum");
    let fetched = within(&world, &["explain", url.as_str(), "--json"]).json();
    assert_eq!(fetched.as_array().unwrap().len(), 3);
    assert!(!world.state().exists() && world.mails().is_empty());

    let folder = tempfile::tempdir().unwrap();
    let alone = mentiond(folder.path(), &["explain", "--json"], text);
    assert_eq!((alone.code, alone.json()[0]["category"].is_string()), (0, true), "without a configuration, from stdin");
    assert!(alone.err.contains("no configuration"), "{}", alone.err);
}

#[test]
fn explain_jsonl_answers_line_by_line_in_order_and_keeps_other_fields() {
    let world = world();
    world.config();
    let input = [
        json!({ "text": "Acme is great, thank you!", "gold": "praise", "nested": { "a": [1] } }).to_string(),
        json!({ "id": "own", "title": "Nothing", "text": "It rains." }).to_string(),
        String::new(),
        json!({ "text": "Acme owes me money.", "author": "Ana", "url": "https://a.example/1", "published": "2026-01-01T00:00:00Z" })
            .to_string(),
    ]
    .join("\n");
    let done = mentiond(world.folder(), &["explain", "--jsonl"], &input);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let lines: Vec<Value> = done.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    let contract =
        ["id", "watchlists", "language", "sentiment", "category", "categories", "severity", "flags", "cues", "route"];
    for line in &lines {
        assert!(keys(line).is_superset(&BTreeSet::from(contract)), "{line}");
        assert!(keys(&line["route"]).is_superset(&BTreeSet::from(["department", "copy", "deliver", "case", "why"])));
        assert_eq!(keys(&line["language"]), BTreeSet::from(["code", "confidence"]));
    }
    assert_eq!(
        (&lines[0]["id"], &lines[0]["gold"], &lines[0]["nested"]),
        (&json!(1), &json!("praise"), &json!({ "a": [1] }))
    );
    assert_eq!((&lines[1]["id"], &lines[1]["watchlists"]), (&json!("own"), &json!([])));
    assert_eq!((&lines[2]["watchlists"][0]["name"], &lines[2]["author"]), (&json!("acme"), &json!("Ana")));

    let bad =
        mentiond(world.folder(), &["explain", "--jsonl"], "{\"text\":\"one\"}\nnot json\n[1]\n{\"text\":\"four\"}\n");
    let lines: Vec<Value> = bad.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((bad.code, lines.len()), (1, 4));
    assert_eq!(lines.iter().map(|l| l["error"].is_string()).collect::<Vec<_>>(), [false, true, true, false]);
    assert!(bad.err.contains("2 lines"), "{}", bad.err);
}
