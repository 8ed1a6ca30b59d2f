//! Mails about cases, as they are read.

use super::samples::*;
use super::tests::{LANGUAGES, check, show};
use crate::model::{Category, Letter, ThemeTitle};

#[test]
fn letters_about_cases_in_every_language() {
    let world = World::new(complaint());
    for language in LANGUAGES {
        let mut shown = Vec::new();
        for (name, letter, copy) in letters() {
            let mail = super::samples::letter(&world, language, &letter, copy);
            check(&mail);
            for word in
                ["{case}", "{owner}", "{date}", "{status}", "{severity}", "{kind}", "{who}", "{what}", "{reason}"]
            {
                assert!(!mail.text.contains(word) && !mail.subject.contains(word), "{language} {name}: {word}");
            }
            let secrets = ["mette.holm@example.com", "20 30 40 50", "Mette Holm", "45821"];
            for secret in secrets {
                assert!(!mail.subject.contains(secret), "{name}: {}", mail.subject);
                assert!(!copy || !(mail.text.contains(secret) || mail.html.contains(secret)), "{name}: {secret}");
            }
            shown.push(format!("({name})\n{}", show(&mail)));
        }
        insta::assert_snapshot!(format!("letters_{language}"), shown.join("\n=====\n\n"));
    }
    let (_, question, _) = letters().remove(5);
    insta::assert_snapshot!("question_en_html", super::samples::letter(&world, "en", &question, false).html);
}

/// A theme's case is nobody's alone: its mails are about the theme, what others wrote is masked in all of them, and they ask
/// whether it is over.
#[test]
fn letters_about_a_themes_case_in_every_language() {
    let world = World::new(complaint());
    let theme = ThemeTitle { id: 12, name: "parcel, courier lost".into(), category: Category::Technical, people: 6 };
    for language in LANGUAGES {
        let mut shown = Vec::new();
        for (name, letter, copy) in letters() {
            if matches!(letter, Letter::Comeback { .. }) {
                continue;
            }
            let mail = letter_about(&world, language, &letter, copy, Some(&theme));
            check(&mail);
            assert!(mail.subject.contains("parcel, courier lost"), "{language} {name}: {}", mail.subject);
            for customer in ["customer", "cliente", "kunde", "Kunde", "{name}", "{people}", "{theme}"] {
                assert!(
                    !mail.text.contains(customer) && !mail.subject.contains(customer),
                    "{language} {name}: {customer}"
                );
            }
            for secret in ["mette.holm@example.com", "20 30 40 50", "Mette Holm"] {
                assert!(!mail.text.contains(secret) && !mail.html.contains(secret), "{language} {name}: {secret}");
            }
            write(&format!("letter-of-theme-{name}-{language}"), &mail);
            shown.push(format!("({name})\n{}", show(&mail)));
        }
        insta::assert_snapshot!(format!("letters_of_theme_{language}"), shown.join("\n=====\n\n"));
    }
    // What was heard before the answer does not say whether it is over.
    let answered = "2026-11-25T09:00:00Z".parse().unwrap();
    let mail = letter_about(&world, "en", &Letter::Question { answered }, false, Some(&theme));
    assert!(mail.text.contains("Since then, nobody else was found to have the issue."), "{}", mail.text);
}

#[test]
fn hazard_24_and_26_hold_for_letters_too() {
    let attack = "x\r\nBcc: victim@example.com <script>alert(1)</script><form action=\"https://evil.example\">";
    let mut mention = mention(attack, attack);
    mention.entry.url = Some("javascript:alert(1)".into());
    mention.entry.author =
        Some(crate::model::Author { name: attack.into(), handle: Some(attack.into()), url: None, followers: None });
    mention.source = attack.into();
    let world = World::bare(mention);
    for (name, letter, copy) in letters() {
        let mail = super::samples::letter(&world, "en", &letter, copy);
        check(&mail);
        assert!(!mail.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("bcc")), "{name}");
        // In a copy the author's name, which is the attack, is masked.
        assert!(copy || mail.html.contains("&lt;script"), "{name}");
    }
}
