//! The built-in drafts, what is left out, what is quoted, and what no file may say.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::samples::*;
use super::*;
use crate::model::{Author, SentimentLabel, Severity};

static COMPOSER: LazyLock<Composer> = LazyLock::new(composer);

/// The sample's post, as if it were of that language and category.
fn post(language: &str, category: Category, text: &str) -> Mention {
    let mut mention = mention("", text);
    mention.classification.language.code = language.into();
    mention.classification.category = category;
    mention.classification.severity = Severity::Medium;
    mention.classification.sentiment.label = SentimentLabel::Negative;
    mention.classification.flags.clear();
    mention
}

fn input<'a>(mention: &'a Mention) -> DraftInput<'a> {
    DraftInput {
        mention,
        language: "en",
        brand: "Fjordkaffe",
        department: "Customer Service",
        member: Some("Ana Ruiz"),
        perk: None,
    }
}

fn text(input: &DraftInput<'_>) -> String {
    COMPOSER.draft(input).map(|d| d.text()).unwrap_or_default()
}

fn problems(language: &str, text: &str) -> Vec<(String, String)> {
    let problems = DraftTemplate::parse(text, language).err().unwrap_or_default();
    problems.into_iter().map(|p| (text[p.at].to_owned(), p.message)).collect()
}

#[test]
fn every_built_in_draft_keeps_the_rules_in_every_language() {
    let mut seen = 0;
    for (language, category, source) in BUILT_IN {
        let name = format!("{language}/{}", category.as_str());
        assert!(DraftTemplate::parse(source, language).is_ok(), "{name}: {:?}", problems(language, source));
        assert_eq!(Drafts::built_in().choose([language, "", ""], *category).map(|(l, _)| l), Some(*language));
        seen += 1;
    }
    let categories: Vec<_> = Drafts::categories().collect();
    assert_eq!((seen, categories.len()), (4 * 12, 12));
    for category in [Category::Spam, Category::Abuse] {
        assert_eq!(COMPOSER.draft(&input(&post("en", category, "x"))), None);
    }
}

/// All of them as they read, with everything known and with nothing known.
#[test]
fn the_drafts_as_they_read() {
    for language in LANGUAGES {
        let mut shown = String::new();
        for category in Drafts::categories() {
            let (written, quotable) = match language {
                "es" => ("Hola. La máquina gotea desde el primer día. ¿Y ahora?", "gotea desde"),
                "pt" => ("A máquina pinga desde o primeiro dia, sinceramente", "pinga desde"),
                "da" => ("Hej! Den har dryppet fra første dag, helt ærligt", "har dryppet fra"),
                _ => ("Well: it leaked from the very first day on, honestly", "leaked from"),
            };
            let mut mention = post(language, category, written);
            mention.classification.cues = vec![cue(quotable, &format!("category:{}", category.as_str()))];
            let full = text(&DraftInput { perk: Some("one free coffee with the code DANKE-7"), ..input(&mention) });
            mention.entry.author = None;
            mention.classification.cues.clear();
            let bare = DraftInput { brand: "", department: "", member: None, ..input(&mention) };
            shown.push_str(&format!("== {}\n{full}\n\n-- nothing known\n{}\n\n", category.as_str(), text(&bare)));
        }
        assert!(!shown.contains(['{', '}', '|']), "{shown}");
        insta::assert_snapshot!(format!("drafts_{language}"), shown);
    }
}

#[test]
fn the_language_is_the_posts_then_the_departments() {
    let language = |spoken: &str, department: &str| {
        let mention = post(spoken, Category::Complaint, "x");
        COMPOSER.draft(&DraftInput { language: department, ..input(&mention) }).map(|d| d.language)
    };
    assert_eq!(language("da", "es"), Some("da"));
    assert_eq!(language("pt-BR", "es"), Some("pt"));
    assert_eq!(language("fi", "es"), Some("es"));
    assert_eq!(language("und", "es-MX"), Some("es"));
    assert_eq!(language("fi", "fi"), Some("en"));
}

#[test]
fn a_line_without_its_value_is_left_out_or_replaced() {
    let draft = DraftTemplate::parse(
        "# A comment\r\n\u{feff}Hello {name},\r\n| Hello,\r\n\r\nThanks.\r\nFrom us: {perk}.\r\n\r\nOnly {perk}.\r\n",
        "en",
    )
    .unwrap();
    assert_eq!(draft.fill(&[("name", "Ana")]), ["Hello Ana,", "Thanks."]);
    assert_eq!(
        draft.fill(&[("name", ""), ("perk", "a {name}")]),
        ["Hello,", "Thanks. From us: a {name}.", "Only a {name}."]
    );
}

#[test]
fn praise_is_thanked_by_name_with_the_perk_if_there_is_one() {
    let mention = post("en", Category::Praise, "x");
    let plain = text(&input(&mention));
    assert!(plain.starts_with("Thank you, Mette!") && !plain.contains("thank-you"), "{plain}");
    let with = text(&DraftInput { perk: Some(" a coffee on the house.\n"), ..input(&mention) });
    assert!(with.ends_with("As a thank-you from us: a coffee on the house."), "{with}");
}

#[test]
fn a_grievance_is_passed_on_to_somebody_with_a_name() {
    for category in Drafts::categories().filter(|c| c.is_grievance()) {
        let mention = post("en", category, "x");
        let draft = text(&input(&mention));
        assert!(draft.contains("sorry") && draft.contains("I have passed this on to "), "{draft}");
        assert!(draft.contains("Customer Service") && draft.contains("will take it from here"), "{draft}");
        // Who is complained about may be in that very department.
        let named = !matches!(category, Category::Staff | Category::Member);
        assert_eq!(draft.contains("to Ana in Customer Service"), named, "{draft}");
        assert!(!draft.contains("Ruiz"), "{draft}");
    }
}

#[test]
fn the_issue_is_quoted_only_if_it_can_be_said_in_public() {
    let quoted = |category: Category, words: &str, text: &str| {
        let mut mention = post("en", category, text);
        mention.classification.cues = vec![cue(words, &format!("category:{}", category.as_str()))];
        quote::issue(COMPOSER.words("en"), &mention)
    };
    let complaint = |words: &str, text: &str| quoted(Category::Complaint, words, text);
    let some = |text: &str| Some(format!("“{text}”"));
    assert_eq!(complaint("never came", "Hi! My refund never came. Bye"), some("My refund never came"));
    assert_eq!(
        complaint("broke", "The Fjordkaffe I bought broke after 2.5 weeks, sadly"),
        some("The Fjordkaffe I bought broke after 2.5 weeks, sadly")
    );
    let long = "and ".repeat(40);
    assert_eq!(complaint("leaks like a sieve", &format!("It {long} leaks like a sieve")), None);
    assert_eq!(
        complaint("broke", &format!("{long}, and then it broke at once, {long}")),
        some("and then it broke at once")
    );
    // Nobody's data, nothing personal, nothing coarse, nothing shouted; too short says nothing.
    for text in [
        "Peter never answered me",
        "they never answered me, Peter neither, nor Tom",
        "order 45821 never came to me",
        "never answered on +45 20 30 40 50",
        "never answered mette.holm@example.com",
        "never answered @metteh again",
        "never told metteh about it",
        "it never worked for my husband",
        "will never refund you within 3 days of hospital",
        "I was in hospital and it never came",
        "this shit never worked for me",
        "IT NEVER WORKED FOR ME",
        "never",
        "never {name} and never",
    ] {
        let words = if text.starts_with("IT") { "NEVER" } else { "never" };
        let quote = complaint(words, text);
        assert!(quote.is_none() || quote == some("they never answered me"), "{text}: {quote:?}");
    }
    for category in [Category::Staff, Category::Member] {
        assert_eq!(quoted(category, "rude", "the man at the desk was rude to me"), None);
    }
    let mut grave = post("en", Category::Complaint, "it never worked for me");
    grave.classification.cues = vec![cue("never worked", "category:complaint")];
    assert!(quote::issue(COMPOSER.words("en"), &grave).is_some());
    grave.classification.flags = vec!["legal".into()];
    assert_eq!(quote::issue(COMPOSER.words("en"), &grave), None);
    grave.classification.flags.clear();
    grave.classification.severity = Severity::Critical;
    assert_eq!(quote::issue(COMPOSER.words("en"), &grave), None);
}

#[test]
fn what_no_draft_says() {
    for (language, line, place) in [
        ("en", "Please calm down.", "calm down"),
        ("en", "This was just a misunderstanding.", "just a"),
        ("en", "We apologise for any inconvenience.", "any inconvenience"),
        ("en", "I am sorry if you felt ignored.", "if you felt"),
        ("en", "You should have read the manual.", "You should have"),
        ("en", "We will refund you.", "We will refund"),
        ("en", "You will hear from us within 24 hours.", "within 24 hours"),
        ("en", "I can promise you that.", "promise"),
        ("en", "It won’t happen again.", "won’t happen"),
        ("es", "Lo resolveremos.", "Lo resolveremos"),
        ("es", "Sentimos si te has sentido mal.", "si te has sentido"),
        ("es", "Se trata de un caso aislado.", "caso aislado"),
        ("es", "Responderemos en 24 horas.", "en 24 horas"),
        ("pt", "Garantimos uma solução.", "Garantimos"),
        ("pt", "Foi só um mal-entendido.", "só um"),
        ("pt", "Responderemos amanhã.", "amanhã"),
        ("da", "Du får pengene tilbage.", "får pengene"),
        ("da", "Det er bare en lille fejl.", "bare en"),
        ("da", "Hvis du føler dig overset, beklager vi.", "Hvis du føler"),
        ("en", "Write to ana@example.com.", "Write to ana@example.com."),
        ("en", "Call us: +45 20 30 40 50.", "Call us: +45 20 30 40 50."),
        ("en", "Ask @anaruiz about it.", "Ask @anaruiz about it."),
        ("en", "Hello {nmae},", "{nmae}"),
        ("en", "Hello {},", "{}"),
        ("en", "Hello {name,", "{"),
        ("en", "Hello name},", "}"),
        ("en", "| Hello,", "|"),
        ("en", "Hello,\n\n| Hi,", "|"),
        ("en", "Hello,\n|", "|"),
        ("en", "Hello {name},", "Hello {name},"),
        ("en", "# nothing but a comment", "# nothing but a comment"),
        ("en", "", ""),
    ] {
        // A line beside it that is left standing, but where nothing may be.
        let text = match place {
            "Hello {name}," | "# nothing but a comment" | "" => line.to_owned(),
            _ => format!("{line}\nThank you for your message."),
        };
        let found = problems(language, &text);
        assert!(found.iter().any(|(at, _)| at == place), "{text:?}: {found:?}");
    }
    for line in ["Our help: https://example.com/help?id=123456789", "Hello {name}!\n| Hello!", "We open at 9."] {
        assert_eq!(problems("en", line), []);
    }
    let typo = DraftTemplate::parse("Hello {nmae}", "en").unwrap_err();
    assert_eq!(typo[0].help, "did you mean {name}?");
}

#[test]
fn nothing_of_a_hostile_author_gets_into_a_draft() {
    for attack in ["{perk}", "<b>Ana</b>", "\u{202e}anA", "Ana\r\nBcc: x", "Ana <script>"] {
        let mut mention = post("en", Category::Complaint, attack);
        mention.entry.author =
            Some(Author { name: attack.into(), handle: Some(attack.into()), url: None, followers: None });
        mention.classification.cues = vec![cue(attack, "category:complaint")];
        let draft = text(&input(&mention));
        assert!(draft.starts_with("Hello,\n\n") || draft.starts_with("Hello Ana"), "{draft}");
        assert!(!draft.contains(['<', '{', '\r', '\u{202e}']) && !draft.contains("Bcc"), "{draft}");
    }
}

#[test]
fn the_operators_draft_stands_in_for_one_only() {
    let mut drafts = Drafts::built_in();
    drafts.replace("en", Category::Praise, DraftTemplate::parse("Cheers, {name}!\n| Cheers!", "en").unwrap());
    let own = Composer::new(super::super::ComposeSettings { drafts, ..Default::default() });
    let mention = post("en", Category::Praise, "x");
    assert_eq!(own.draft(&input(&mention)).unwrap().text(), "Cheers, Mette!");
    let mention = post("da", Category::Praise, "x");
    assert!(own.draft(&input(&mention)).unwrap().text().starts_with("Tusind tak, Mette!"));
}

proptest! {
    #[test]
    fn no_file_and_no_post_makes_a_draft_panic(
        file in "([{}|#\n a-zé]|name|perk|within 2 days|\\PC){0,60}",
        before in "\\PC{0,100}", cue_text in "\\PC{1,20}", after in "\\PC{0,100}", author in "\\PC{0,20}",
    ) {
        for language in LANGUAGES {
            let draft = match DraftTemplate::parse(&file, language) {
                Ok(draft) => draft,
                Err(problems) => {
                    prop_assert!(problems.iter().all(|p| file.get(p.at.clone()).is_some()), "{problems:?}");
                    continue;
                }
            };
            prop_assert!(!draft.fill(&[]).is_empty());
        }
        let mut mention = post("en", Category::Complaint, &format!("{before}{cue_text}{after}"));
        mention.entry.author = Some(Author { name: author, handle: None, url: None, followers: None });
        mention.classification.cues = vec![cue(&cue_text, "category:complaint")];
        if let Some(quote) = quote::issue(COMPOSER.words("en"), &mention) {
            prop_assert!(quote.chars().count() <= 82 && !quote.contains(char::is_control), "{quote}");
        }
    }
}
