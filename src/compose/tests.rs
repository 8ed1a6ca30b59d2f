//! The mails as they come out: snapshots in four languages, hostile content, and what must hold for each of them.

use super::samples::*;
use super::*;
use crate::model::{Category, Matched, Part, Privacy, SentimentLabel, Severity};

pub(super) const LANGUAGES: [&str; 4] = ["en", "es", "pt", "da"];

pub(super) fn show(mail: &Email) -> String {
    let headers: String = mail.headers.iter().map(|(n, v)| format!("{n}: {v}\n")).collect();
    format!("Subject: {}\n{headers}\n{}", mail.subject, mail.text)
}

/// What holds for every mail, whatever went into it.
pub(super) fn check(mail: &Email) {
    assert!(!mail.subject.chars().any(|c| c.is_control()), "{:?}", mail.subject);
    assert!(!mail.subject.trim().is_empty());
    for (name, value) in &mail.headers {
        assert!(value.is_ascii() && !value.contains(['\r', '\n']), "{name}: {value:?}");
    }
    let header = |name: &str| mail.headers.iter().filter(|(n, _)| n == name).count();
    assert_eq!(header("Auto-Submitted"), 1);
    assert_eq!(header("X-Mentiond-Kind"), 1);
    assert!(mail.headers.iter().all(|(n, _)| header(n) == 1));

    let html = mail.html.to_lowercase();
    // Nothing remote, nothing that acts.
    for forbidden in [
        "<img",
        "<script",
        "<form",
        "<input",
        "<iframe",
        "<link",
        "<svg",
        "<video",
        "<object",
        "<base",
        "url(",
        "@import",
        "@font-face",
        "src=",
        "background=",
        " onerror",
        " onload",
    ] {
        // As a tag or attribute of ours: escaped text has no `<`, and attributes need a tag.
        let found = html.match_indices(forbidden).any(|(i, _)| inside_tag(&html, i) || forbidden.starts_with('<'));
        assert!(!found, "{forbidden} in {}", mail.html);
    }
    for (i, _) in html.match_indices("href=\"") {
        assert!(html[i + 6..].starts_with("http"), "{}", &mail.html[i..i + 60]);
    }
    for both in [&mail.text, &mail.html] {
        assert!(!both.contains(['\u{202e}', '\u{202d}', '\u{2066}', '\u{0}', '\u{1b}', '\r']), "{both}");
    }
    // No placeholder left standing.
    for word in [
        "{brand}",
        "{title}",
        "{source}",
        "{department}",
        "{count}",
        "{host}",
        "{n}",
        "{relay}",
        "{name}",
        "{issue}",
        "{member}",
        "{perk}",
    ] {
        assert!(!mail.text.contains(word) && !mail.subject.contains(word), "{word}");
    }
    assert!(mail.html.len() < 100_000, "Gmail clips beyond 102 kB: {}", mail.html.len());
}

fn inside_tag(html: &str, at: usize) -> bool {
    html[..at].rfind('<') > html[..at].rfind('>')
}

/// Every link's target and the words that it shows.
fn links(html: &str) -> Vec<(String, String)> {
    html.split("<a ")
        .skip(1)
        .map(|a| {
            let href = a.split_once("href=\"").unwrap().1.split_once('"').unwrap().0;
            let words = a.split_once('>').unwrap().1.split_once("</a>").unwrap().0;
            (unescape(href), unescape(words))
        })
        .collect()
}

fn unescape(text: &str) -> String {
    html_escape::decode_html_entities(text).into_owned()
}

#[test]
fn alert_in_every_language() {
    for language in LANGUAGES {
        let mail = World::new(complaint()).alert(language);
        check(&mail);
        insta::assert_snapshot!(format!("alert_{language}"), show(&mail));
    }
    insta::assert_snapshot!("alert_en_html", World::new(complaint()).alert("en").html);
}

#[test]
fn notice_in_every_language() {
    for language in LANGUAGES {
        let mail = World::new(complaint()).notice(language, false);
        check(&mail);
        insta::assert_snapshot!(format!("notice_{language}"), show(&mail));
    }
    insta::assert_snapshot!("notice_es_html", World::new(complaint()).notice("es", false).html);
}

#[test]
fn copy_in_every_language() {
    for language in LANGUAGES {
        let mail = World::new(complaint()).notice(language, true);
        check(&mail);
        insta::assert_snapshot!(format!("copy_{language}"), show(&mail));
    }
    insta::assert_snapshot!("copy_pt_html", World::new(complaint()).notice("pt", true).html);
}

#[test]
fn who_complains_often_is_marked_with_their_history() {
    let world = World::bare(complaint());
    let earlier = |n: i64| Earlier {
        case: n,
        opened: "2026-10-02T10:00:00Z".parse().unwrap(),
        category: Category::Complaint,
        status: crate::model::CaseStatus::Closed,
    };
    let notice = |earlier: &[Earlier]| {
        world.composer.notice(&NoticeInput {
            story: Story { case: Some(9), ..world.story() },
            reader: world.reader("en"),
            watchlists: &[WATCHLIST],
            department: "Customer Service",
            member: None,
            perk: None,
            refund: None,
            praised: false,
            copies: &[],
            owner: Some("Ana Ruiz, Customer Service"),
            personal: true,
            earlier,
            actions: &Actions::default(),
            copy: false,
        })
    };
    let third = notice(&[earlier(5), earlier(3)]);
    check(&third);
    for words in [
        "Complains often: 3 cases in 90 days",
        "Case 5: complaint, closed, customer satisfied",
        "With: Ana Ruiz, Customer Service",
        "because it is your turn",
    ] {
        assert!(third.text.replace('\n', " ").contains(words), "{words}: {}", third.text);
    }
    assert!(third.html.contains("Complains often"));
    let second = notice(&[earlier(3)]);
    assert!(!second.text.contains("Complains often") && !second.text.contains("Case 3"));
}

#[test]
fn bundle_in_every_language() {
    for language in LANGUAGES {
        let mail = bundle(language, 6);
        check(&mail);
        insta::assert_snapshot!(format!("bundle_{language}"), show(&mail));
    }
    insta::assert_snapshot!("bundle_da_html", bundle("da", 2).html);
}

#[test]
fn trouble_in_every_language() {
    let world = World::bare(complaint());
    let all = [
        (Trouble::SourceFailing { source: "forum", failures: 5 }, Some("forum.example.org: connection refused")),
        (
            Trouble::NotAFeed { source: "forum", failures: 3 },
            Some("https://forum.example.org/feed answered with a web page (text/html)"),
        ),
        (Trouble::SourceDisabled { source: "forum" }, None),
        (Trouble::SourceMoved { source: "forum", to: "https://x:y@new.example.org/feed?token=s3cret&a=1" }, None),
        (Trouble::SourceLogin { source: "forum" }, None),
        (Trouble::SourceRefused { source: "forum" }, None),
        (Trouble::Quota { source: "forum" }, None),
        (Trouble::IdsUnreliable { source: "forum" }, None),
        (Trouble::Storm { source: "forum", entries: 240 }, None),
        (Trouble::Gap { source: "forum" }, None),
        (Trouble::SourceRecovered { source: "forum" }, None),
        (Trouble::RelayUnreachable { relay: "mail.example.com:587", waiting: 12 }, Some("timed out after 10 s")),
        (Trouble::RelayLogin { relay: "mail.example.com:587", waiting: 12 }, Some("535 5.7.8 authentication failed")),
        (Trouble::RelayInsecure { relay: "mail.example.com:587", waiting: 12 }, None),
        (Trouble::DeliveryFailed { recipient: "gone@example.com" }, Some("550 5.1.1 no such user")),
        (Trouble::RelayRecovered { relay: "mail.example.com:587" }, None),
    ];
    for language in LANGUAGES {
        let mails: Vec<String> = all
            .iter()
            .map(|(trouble, detail)| {
                let mail = world.trouble(language, *trouble, *detail);
                check(&mail);
                show(&mail)
            })
            .collect();
        let shown = mails.join("\n=====\n\n");
        assert!(!shown.contains("s3cret") && !shown.contains("x:y@"));
        insta::assert_snapshot!(format!("trouble_{language}"), shown);
    }
    insta::assert_snapshot!("trouble_en_html", world.trouble("en", all[1].0, all[1].1).html);
}

#[test]
fn a_language_without_catalogue_gets_english_and_a_region_its_language() {
    let world = World::bare(complaint());
    assert_eq!(world.alert("fi"), world.alert("en"));
    assert_eq!(world.alert("es-MX").subject, world.alert("es").subject);
    assert!(Composer::speaks("pt-BR") && !Composer::speaks("fi"));
}

#[test]
fn hazard_24_a_subject_is_one_line() {
    for title in [
        "Nice\r\nBcc: victim@example.com",
        "a\u{2028}b\u{85}c\u{b}d",
        "x\n\n.\nMAIL FROM:<a@b>",
        "\r\n",
        "\0\u{1b}[31m",
    ] {
        let mut mention = mention(title, "Fjordkaffe\r\nBcc: a@b");
        mention.source = format!("src{title}");
        mention.entry.site = Some(title.into());
        mention.classification.flags = vec![title.into()];
        mention.decision.why = title.into();
        let world = World::bare(mention);
        for mail in [world.alert("en"), world.notice("en", false), world.notice("en", true)] {
            check(&mail);
            assert!(!mail.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("bcc")));
        }
        check(&world.trouble("en", Trouble::SourceFailing { source: title, failures: 1 }, Some(title)));
        check(&world.trouble("en", Trouble::DeliveryFailed { recipient: title }, Some(title)));
    }
}

#[test]
fn hazard_26_content_is_text_only() {
    let attack = r#"Fjordkaffe <form action="https://evil.example"><input name=pw></form><style>*{display:none}</style>
        <img src="https://evil.example/pixel.gif" onerror=alert(1)><a href="javascript:alert(1)">click</a>"'><script>x</script>
        </td></tr></table><!-- {{ m.link }} {% raw %} <svg onload=1> &lt;b&gt;"#;
    let mut mention = mention(attack, attack);
    mention.entry.url = Some("javascript:alert(document.domain)".into());
    mention.entry.author =
        Some(crate::model::Author { name: attack.into(), handle: Some(attack.into()), url: None, followers: None });
    mention.entry.site = Some(attack.into());
    mention.source = attack.into();
    mention.decision.why = attack.into();
    mention.classification.flags = vec![attack.into()];
    mention.classification.cues = vec![cue(attack, "category:unresolved"), cue(attack, "severity:high")];
    mention.watchlists[0].matched.push(Matched { part: Part::Text, start: 3, end: 9999, term: attack.into() });
    let mut world = World::bare(mention);
    world.similar = vec![Similar {
        title: attack.into(),
        excerpt: attack.into(),
        url: Some("javascript:1".into()),
        at: "2026-11-20T08:12:00Z".parse().unwrap(),
        source: attack.into(),
    }];
    world.also_seen = vec![AlsoSeen {
        source: attack.into(),
        url: Some("data:text/html,x".into()),
        at: "2026-11-20T08:12:00Z".parse().unwrap(),
    }];
    for mail in [world.alert("en"), world.notice("da", false), world.notice("es", true)] {
        check(&mail);
        let mut links = links(&mail.html);
        links.retain(|(target, _)| !target.starts_with("https://mentions.example.com/act/"));
        assert!(links.is_empty(), "{links:?}");
        assert!(mail.html.contains("&lt;form"), "{}", mail.html);
        assert_eq!(mail.html.matches("</table>").count(), mail.html.matches("<table").count());
    }
    let mail = world.trouble("en", Trouble::SourceFailing { source: attack, failures: 1 }, Some(attack));
    check(&mail);
}

#[test]
fn hazard_27_links_show_where_they_lead() {
    for (url, target) in [
        ("https://\u{440}\u{430}ypal.com/login", "https://xn--ypal-43d9g.com/login"),
        ("https://fjordkaffe.dk@evil.example/x", "https://evil.example/x"),
        ("https://fjordkaffe.dk:pw@evil.example/x", "https://evil.example/x"),
        ("https://evil.example/\"><b>&x=<i>", "https://evil.example/%22%3E%3Cb%3E&x=%3Ci%3E"),
        ("https://www.trustpilot.com/reviews/1?a=b&c=d", "https://www.trustpilot.com/reviews/1?a=b&c=d"),
    ] {
        let mut mention = complaint();
        mention.entry.url = Some(url.into());
        let mut world = World::new(mention);
        world.similar[0].url = Some(url.into());
        world.also_seen[0].url = Some(url.into());
        let mail = world.alert("en");
        check(&mail);
        assert!(mail.text.contains(&format!("\n{target}\n")), "{}", mail.text);
        let host = Url::parse(target).unwrap().host_str().unwrap().trim_start_matches("www.").to_owned();
        let found = links(&mail.html);
        assert!(found.iter().filter(|(href, _)| href == target).count() == 4, "{found:?}");
        for (href, words) in found.iter().filter(|(href, _)| href == target) {
            assert!(words == href || words == "Open the post" || *words == format!("Open on {host}"), "{href} {words}");
        }
    }
}

#[test]
fn direction_tricks_do_not_survive() {
    let mut mention = mention("\u{202e}dnufer a tnaw I\u{202c} Fjordkaffe", "\u{2066}x\u{2069} Fjordkaffe \u{202d}y");
    mention.entry.author.as_mut().unwrap().name = "\u{202e}live".into();
    let world = World::bare(mention);
    check(&world.alert("en"));
    check(&world.notice("en", true));
    // Words that really run from right to left are kept, and isolated from what follows them.
    let world = World::bare(self::mention("القهوة سيئة", "القهوة من Fjordkaffe سيئة"));
    let mail = world.alert("en");
    assert!(mail.subject.contains("\u{2068}القهوة سيئة\u{2069}"), "{}", mail.subject);
}

#[test]
fn matched_words_are_marked_and_ranges_that_lie_harm_nothing() {
    let mut mention = mention("Fjordkaffe é má", "Não comprem Fjordkaffe!");
    let alert = World::bare(mention.clone()).alert("pt");
    assert_eq!(alert.html.matches("Fjordkaffe</mark>").count(), 2);
    assert!(alert.text.contains("*Fjordkaffe* é má") && alert.text.contains("> Não comprem *Fjordkaffe*!"));
    mention.watchlists[0].matched = [(0, 0), (5, 2), (13, 14), (0, usize::MAX), (usize::MAX, 3), (2, 3)]
        .into_iter()
        .flat_map(|(start, end)| {
            [Part::Title, Part::Text, Part::Author, Part::Site, Part::Url].map(|part| (part, start, end))
        })
        .map(|(part, start, end)| Matched { part, start, end, term: "x".into() })
        .collect();
    check(&World::bare(mention.clone()).alert("pt"));
    check(&World::bare(mention).notice("pt", true));
}

#[test]
fn a_copy_and_every_subject_are_free_of_personal_data() {
    let mut mention = complaint();
    mention.entry.title = "Mette Holm (mette.holm@example.com) wants her refund, order 45821".into();
    mention.entry.url = Some("https://social.example/@metteh/1".into());
    mention.entry.site = Some("Mette Holm's blog".into());
    mention.classification.cues.push(cue("+45 20 30 40 50 is my number", "category:unresolved"));
    let mut world = World::new(mention);
    for language in LANGUAGES {
        for mail in [world.alert(language), world.notice(language, false), world.notice(language, true)] {
            for secret in ["Mette", "Holm", "metteh", "@example", "45821"] {
                assert!(!mail.subject.contains(secret), "{}", mail.subject);
            }
        }
        let copy = world.notice(language, true);
        let page = unescape(&copy.html);
        assert!(copy.text.contains("@fjordkaffe returned"), "the brand's own handle stays: {}", copy.text);
        for secret in ["Mette", "Holm", "metteh", "mette.holm", "45821", "20 30 40", "jens"] {
            assert!(!copy.text.contains(secret) && !page.contains(secret), "{secret} in {}", copy.text);
        }
        let notice = world.notice(language, false);
        for shown in ["Mette Holm (@metteh)", "social.example/@metteh"] {
            assert!(notice.text.contains(shown), "{}", notice.text);
        }
    }
    // A post without a title takes its subject from its text.
    world.mention.entry.site = None;
    world.mention.entry.title = String::new();
    world.mention.entry.text = "I am Mette Holm, call +45 20304050 about Fjordkaffe".into();
    world.mention.watchlists[0].matched.clear();
    assert_eq!(
        world.alert("en").subject,
        "[Fjordkaffe] Unresolved issue, high: I am [author M***], call [phone 1 …50] about Fjordkaffe (trustpilot)"
    );
}

#[test]
fn only_the_owner_department_gets_a_reply_draft_and_spam_has_none() {
    let mut world = World::new(complaint());
    let said = |mail: &Email| [&mail.text, &mail.html].map(|part| part.contains("to Ana in Customer Service"));
    for language in LANGUAGES {
        assert_eq!(said(&world.notice(language, false)), [true, true], "{language}");
        assert_eq!(said(&world.notice(language, true)), [false, false], "{language}");
        assert_eq!(said(&world.alert(language)), [false, false], "{language}");
    }
    assert!(world.notice("da", false).html.contains("<div class=\"text plain\" lang=\"en\""));
    for category in [Category::Spam, Category::Abuse] {
        world.mention.classification.category = category;
        let mail = world.notice("en", false);
        assert!(!mail.text.contains("Suggested reply") && !mail.html.contains("Suggested reply"), "{}", mail.text);
    }
}

#[test]
fn a_story_is_a_thread_and_a_repeat_says_so() {
    let world = World::bare(complaint());
    let header = |mail: &Email, name: &str| mail.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let notice = world.notice("en", false);
    assert_eq!(header(&notice, "In-Reply-To").as_deref(), Some("<m1.abc@mentions.example.com>"));
    assert_eq!(header(&notice, "References"), header(&notice, "In-Reply-To"));
    let alert = world.alert("en");
    assert_eq!(header(&alert, "In-Reply-To"), None);
    assert_eq!(header(&alert, "List-Id").as_deref(), Some("<fjordkaffe.mentions.example.com>"));
    assert_eq!(header(&alert, "X-Mentiond-Possible-Duplicate"), None);
    let again = world.composer.alert(&AlertInput {
        story: Story { possible_duplicate: true, ..world.story() },
        reader: world.reader("en"),
        watchlist: WATCHLIST,
        department: None,
        full: true,
    });
    assert_eq!(header(&again, "X-Mentiond-Possible-Duplicate").as_deref(), Some("yes"));
    assert!(again.text.contains("may have received this mail already"));
}

#[test]
fn a_bundle_lists_the_newest_and_counts_the_rest() {
    let mail = bundle("en", 77);
    check(&mail);
    assert_eq!(mail.text.matches("\n* ").count(), bundle::MAX_LISTED);
    assert!(mail.subject.contains("77 new mentions"), "{}", mail.subject);
    let more: usize =
        mail.text.lines().filter_map(|l| l.strip_prefix("and ")?.strip_suffix(" more")?.parse::<usize>().ok()).sum();
    assert_eq!(more, 37);
    check(&bundle("es", 1));
    check(&bundle("es", 0));
}

#[test]
fn a_title_that_only_repeats_the_text_is_not_shown_twice() {
    let world = World::bare(mention("Fjordkaffe broke again and…", "Fjordkaffe broke again and again."));
    let mail = world.alert("en");
    assert!(!mail.html.contains("<h1"));
    assert_eq!(mail.text.matches("broke").count(), 1);
}

#[test]
fn praise_is_calm_and_an_empty_mention_is_still_a_mail() {
    let mut good = mention("", "I love my Fjordkaffe");
    good.classification.category = Category::Praise;
    good.classification.severity = Severity::Low;
    good.classification.sentiment.label = SentimentLabel::VeryPositive;
    good.entry.author = None;
    let mail = World::bare(good).alert("en");
    check(&mail);
    assert_eq!(mail.subject, "[Fjordkaffe] Praise: I love my Fjordkaffe (Trustpilot)");
    assert!(!mail.text.contains("severity ·") && mail.html.contains("#15803d"));

    let mut empty = mention("", "");
    empty.entry.url = None;
    empty.entry.author = None;
    empty.entry.published = None;
    empty.entry.site = None;
    empty.source = String::new();
    empty.decision.why = String::new();
    let world = World::bare(empty);
    for language in LANGUAGES {
        check(&world.alert(language));
        check(&world.notice(language, true));
    }
}

/// Who reads an alert need not know whom a complaint is about.
#[test]
fn an_employee_who_is_complained_about_is_named_only_to_those_who_may_know() {
    let text = "Fjordkaffe again. Ana was so rude to me today, Ana Ruiz should not work with people. Tom saw it all.";
    let mut about = mention("Ana at the Fjordkaffe counter", text);
    let masked = |mention: &Mention, language| {
        let world = World::bare(mention.clone());
        let (story, reader, watchlist) = (world.story(), world.reader(language), WATCHLIST);
        world.composer.alert(&AlertInput { story, reader, watchlist, department: None, full: false })
    };
    let plain = masked(&about, "en");
    assert!(plain.text.contains("Ana Ruiz"), "a post that is not about staff: {}", plain.text);
    about.decision.privacy = Privacy::Staff;
    for language in LANGUAGES {
        let mail = masked(&about, language);
        for name in ["Ana", "Ruiz", "Tom"] {
            assert!(!mail.text.contains(name) && !mail.html.contains(name), "{name}: {}", mail.text);
            assert!(!mail.subject.contains(name), "{name}: {}", mail.subject);
        }
        assert!(mail.text.contains("1 A***") && mail.text.contains("2 T***"), "{}", mail.text);
        assert!(!mail.text.contains("1 A***] ["), "one person, one mask: {}", mail.text);
    }
}

#[test]
fn the_mentions_page_is_linked_where_there_is_one() {
    let mut world = World::bare(complaint());
    world.composer = Composer::new(ComposeSettings {
        mention_pages: Some("https://mentions.example.com/mentions/".parse().unwrap()),
        ..ComposeSettings::default()
    });
    let page = "https://mentions.example.com/mentions/7";
    assert!(links(&world.alert("en").html).contains(&(page.into(), page.into())));
    assert!(world.alert("en").text.contains(page));
    assert!(!world.notice("en", true).text.contains(page), "a page shows everything, a copy does not");
}

/// Writes the samples where a person can look at them: `MENTIOND_SAMPLES=dir cargo test compose::tests::write`.
#[test]
fn write_samples() {
    let Ok(folder) = std::env::var("MENTIOND_SAMPLES") else {
        println!("skipped: MENTIOND_SAMPLES names no folder");
        return;
    };
    let mut praise = mention(
        "",
        "Morning ritual: a double from my Fjordkaffe. Best thing I bought all year! Thanks to the shop in Aarhus, they were lovely.",
    );
    praise.classification.category = Category::Praise;
    praise.classification.categories.clear();
    praise.classification.flags.clear();
    praise.classification.severity = Severity::Low;
    praise.classification.sentiment.label = SentimentLabel::VeryPositive;
    praise.classification.cues =
        vec![cue("Best thing I bought all year", "category:praise"), cue("lovely", "sentiment:2")];
    praise.entry.rating = None;
    let world = World::new(complaint());
    let feed = world.trouble(
        "en",
        Trouble::NotAFeed { source: "forum", failures: 3 },
        Some("https://forum.example.org/feed answered with a web page (text/html, 14 kB) whose title is “Log in”"),
    );
    let mut mails =
        vec![("praise-en", World::bare(praise).alert("en")), ("bundle-en", bundle("en", 50)), ("trouble-en", feed)];
    mails.push(("alert-en", world.alert("en")));
    mails.push(("notice-es", world.notice("es", false)));
    mails.push(("copy-pt", world.notice("pt", true)));
    mails.push(("notice-da", world.notice("da", false)));
    for (name, mail) in mails {
        std::fs::write(format!("{folder}/{name}.html"), mail.html).unwrap();
        std::fs::write(format!("{folder}/{name}.txt"), format!("{}\n\n{}", mail.subject, mail.text)).unwrap();
    }
}
