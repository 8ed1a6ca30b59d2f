//! What a copy masks and what it leaves alone, as a table.

use super::*;
use crate::clock::cost;
use crate::compose::About;
use crate::compose::words::{Catalogue, FILES};

/// Name, handle of the author; the brand is marked wherever it stands.
const AUTHOR: (&str, &str) = ("María García López", "@mariagl");

/// `text → shown`; a row without an arrow must stay as it is.
const TABLE: &[&str] = &[
    // The author.
    "I am María García López and angry → I am [author] and angry",
    "maria garcia lopez here → [author] here",
    "María was told by Acme to wait → [author] was told by Acme to wait",
    "signed, M. García → signed, M. [author]",
    "MARÍA GARCÍA!! → [author]!!",
    "la señora López llamó → la señora [author] llamó",
    "Mari\u{200b}a Garcia → [author]",
    "follow @mariagl or mariagl → follow [author] or [author]",
    "follow @MariaGL@mastodon.social → follow [author]",
    "Ana said so",
    "a marinade, mariachi",
    // Other people.
    "@acme and @pepe_92 please → @acme and [person 1] please",
    "thanks @pepe.bsky.social and @Pepe.bsky.social → thanks [person 1] and [person 1]",
    "ask u/some_user or /u/other-one → ask [person 1] or [person 2]",
    "＠pepe → [person 1]",
    "my name is John Smith, waiting → my name is [person 1], waiting",
    "Hola, me llamo Ana Ruiz de la Torre y espero → Hola, me llamo [person 1] y espero",
    "Oi, meu nome é João da Silva → Oi, meu nome é [person 1]",
    "Olá, chamo-me Rita → Olá, chamo-me [person 1]",
    "Hej, jeg hedder Søren Ågaard → Hej, jeg hedder [person 1]",
    "my name is mud",
    // Mail addresses.
    "write to a.b+c@mail.example.com. → write to [e-mail 1].",
    "JUAN@EXAMPLE.COM, juan@example.com → [e-mail 1], [e-mail 1]",
    "a@x.com b@y.com a@x.com → [e-mail 1] [e-mail 2] [e-mail 1]",
    "juan (at) example (dot) com → [e-mail 1]",
    "juan[arroba]example.com → [e-mail 1]",
    "juan arroba gmail punto com → [e-mail 1]",
    "soren [snabel-a] mail.dk → [e-mail 1]",
    "josé@españa.es → [e-mail 1]",
    "juan＠example.com → [e-mail 1]",
    "help@acme.com → [e-mail 1]",
    "meet me at noon. Come",
    "5 @ 3 euro",
    // Phones.
    "call +34 600 123 456 now → call [phone 1] now",
    "llámame al 600 123 456 → llámame al [phone 1]",
    "600123456 y 600 123 456 → [phone 1] y [phone 1]",
    "tel. 91-123-45-67 → tel. [phone 1]",
    "(555) 123-4567 → [phone 1]",
    "+1-555-123-4567. → [phone 1].",
    "ring 20 30 40 50 → ring [phone 1]",
    "tlf. +45 20304050 → tlf. [phone 1]",
    "(11) 98765-4321 no Brasil → [phone 1] no Brasil",
    "+351 912 345 678 → [phone 1]",
    "0045 20 30 40 50 → [phone 1]",
    "600.123.456 → [phone 1]",
    "600\u{a0}123\u{a0}456 → [phone 1]",
    "600–123–456 → [phone 1]",
    "6\u{200b}00123456 → [phone 1]",
    "٠٦٠٠١٢٣٤٥٦ → [phone 1]",
    "６００１２３４５６ → [phone 1]",
    "on 21/11/2026 600123456 → on 21/11/2026 [phone 1]",
    // Cards, accounts, identity.
    "card 4111 1111 1111 1111 → card [number 1]",
    "4111-1111-1111-1111 → [number 1]",
    "ES91 2100 0418 4502 0005 1332 → [number 1]",
    "DK50 0040 0440 1162 43 → [number 1]",
    "DNI 12345678Z → DNI [number 1]",
    "X-1234567-L → [number 1]",
    "CPR 010190-1234 → CPR [number 1]",
    "cpf 123.456.789-09 → cpf [number 1]",
    "rut 12.345.678-K → rut [number 1]",
    // Orders.
    "order 45821 never came → order [number 1] never came",
    "order no. 45821 → order no. [number 1]",
    "Order #A-45821 → Order #[number 1]",
    "mi pedido nº 9981234 → mi pedido nº [number 1]",
    "o pedido número 55-4412 → o pedido número [number 1]",
    "encomenda PT-2026-00012345 → encomenda [number 1]",
    "ordrenummer 77812 → ordrenummer [number 1]",
    "sagsnr. 4417 → sagsnr. [number 1]",
    "tracking RR123456789DK → tracking [number 1]",
    "#45821 #45821 → #[number 1] #[number 1]",
    "ES-2026-00012345 → [number 1]",
    // Links name people.
    "see https://mastodon.social/@mariagl/1, ok → see [link], ok",
    "www.example.com/u/pepe. → [link].",
    // Left alone.
    "on 2026-11-21 at 14:05",
    "on 21/11/2026, 21.11.2026 and 1-2-26",
    "from 2019-2024 and 2023 2024",
    "it cost 1.299,00 € or 1,299.00 USD",
    "it cost 1 299 000 kr. in all",
    "kostede 12.000.000 kr",
    "R$ 1.299.000 e $ 1299000",
    "€1299999 for nothing",
    "version 10.2.33 and 3.141",
    "I waited 100 days, 24 h, 365 days",
    "case in 2024, order 2 of them",
    "iPhone 15 Pro, WH-1000XM4, RTX4090",
    "100% of 1500 people",
    "call 112",
    "se17 test 8126 en really hope",
    "WHY DOES THIS HAVE 2 BILLION VIEWS",
    "a Polar HR Sensor for £50 Pay View",
    "",
];

/// A mask without the initial or the last digits that it keeps.
fn bare(masked: &str) -> String {
    let mut out = String::new();
    let mut rest = masked;
    while let Some((before, after)) = rest.split_once(']') {
        let kept = before.rfind('[').and_then(|open| {
            let cut =
                before[open..].strip_suffix("***").and_then(|b| b.rfind(' ')).or_else(|| before[open..].find(" …"))?;
            Some(open + cut)
        });
        out.push_str(&before[..kept.unwrap_or(before.len())]);
        out.push(']');
        rest = after;
    }
    out + rest
}

fn show(text: &str, code: &str) -> String {
    let source = FILES.iter().find(|(c, _)| *c == code).unwrap().1;
    let catalogue = Catalogue::parse(source, About::Mention);
    let author = Author { name: AUTHOR.0.into(), handle: Some(AUTHOR.1.into()), url: None, followers: None };
    let mut masker = Masker::new(&catalogue.masks, Some(&author), std::iter::empty());
    let lower = text.to_lowercase();
    let marks: Vec<_> =
        lower.match_indices("@acme ").map(|(i, w)| i..i + w.len() - 1).filter(|_| lower.len() == text.len()).collect();
    masker.mask(clean(Marked::new(text, marks))).text.into_owned()
}

#[test]
fn the_table_holds() {
    let mut wrong = String::new();
    for row in TABLE {
        let (text, shown) = row.split_once(" → ").unwrap_or((row, row));
        let got = bare(&show(text, "en"));
        if got != shown {
            wrong += &format!("{text}\n  wanted {shown}\n  got    {got}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(TABLE.len() >= 60);
}

#[test]
fn masks_are_in_the_readers_language() {
    for (code, shown) in [
        ("es", "[autor M***], [correo 1], [teléfono 1 …50], [número 1 …11], [persona 1 P***], [enlace], [dirección 1]"),
        ("pt", "[autor M***], [e-mail 1], [telefone 1 …50], [número 1 …11], [pessoa 1 P***], [link], [endereço 1]"),
        ("da", "[forfatter M***], [e-mail 1], [telefon 1 …50], [nummer 1 …11], [person 1 P***], [link], [adresse 1]"),
    ] {
        assert_eq!(
            show("María, a@x.com, +45 20304050, 4111 1111 1111 1111, @pepe, https://x.com/a, Rua Augusta 274", code),
            shown
        );
    }
}

#[test]
fn one_mail_one_mask_for_the_same_person() {
    let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
    let mut masker = Masker::new(&catalogue.masks, None, std::iter::empty());
    assert_eq!(masker.mask_str("@ana and @bo"), "[person 1 A***] and [person 2 B***]");
    assert_eq!(masker.mask_str("@Bo, @ana, @cy"), "[person 2 B***], [person 1 A***], [person 3 C***]");
}

#[test]
fn an_author_named_like_the_brand_does_not_hide_the_brand() {
    let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
    let author = Author { name: "Acme Fan".into(), handle: None, url: None, followers: None };
    let mut masker = Masker::new(&catalogue.masks, Some(&author), std::iter::empty());
    let marked = std::iter::once(0..4);
    assert_eq!(masker.mask(Marked::new("Acme rocks, says a Fan", marked)).text, "Acme rocks, says a [author A***]");
}

#[test]
fn the_brands_own_handles_stay_unless_the_author_has_one() {
    let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
    let author = Author { name: String::new(), handle: Some("@AcmeFan".into()), url: None, followers: None };
    let mut masker = Masker::new(&catalogue.masks, Some(&author), ["ACME", "x"].into_iter());
    assert_eq!(masker.mask_str("@acme_help @acmefan @max"), "@acme_help [author A***] [person 1 M***]");
}

#[test]
fn a_name_without_spaces_between_words_is_found() {
    let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
    let author = Author { name: "山田太郎".into(), handle: None, url: None, followers: None };
    let mut masker = Masker::new(&catalogue.masks, Some(&author), std::iter::empty());
    assert_eq!(masker.mask_str("私は山田太郎です"), "私は[author]です");
}

#[test]
fn a_link_that_names_the_author_is_told_from_one_that_does_not() {
    let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
    let author = Author { name: "María García".into(), handle: Some("@mg_92".into()), url: None, followers: None };
    let masker = Masker::new(&catalogue.masks, Some(&author), std::iter::empty());
    for (url, betrays) in [
        ("https://mastodon.social/@someone/1", true),
        ("https://x.com/mg_92/status/1", true),
        ("https://example.com/u/Garc%C3%ADa", true),
        ("https://blog.example.com/maria-garcia/post", true),
        ("https://example.com/%40x", true),
        ("https://www.trustpilot.com/reviews/65f1", false),
        ("https://news.example.com/2026/11/acme", false),
    ] {
        assert_eq!(masker.betrays(url), betrays, "{url}");
    }
}

#[test]
fn hostile_input_takes_linear_time() {
    let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
    let author = Author { name: "a a a a a a a a a b".into(), handle: None, url: None, followers: None };
    for text in [
        "a ",
        "1 ",
        "@a",
        "(1",
        "a.",
        "1-",
        "order #",
        "a at b dot ",
        "at dot ",
        "at a.",
        "Mr A ",
        "calle A ",
        "12 Ab ",
        "A. ",
        "order is ",
        "u/",
        "insta-",
        "x.com/",
        "ES12 ",
        "AB 12 ",
        "1/1/20 ",
        "regards, A",
        "1.1.",
        "www.",
        "://",
        "Flat 1 ",
        "Avej 1 ",
        "Calle A 1, B ",
        "kr 1 ",
        "1 kr ",
        "A1-",
        "+",
        "#1-",
    ] {
        let time = |times: usize| {
            let text = text.repeat(times);
            cost(|| drop(Masker::new(&catalogue.masks, Some(&author), std::iter::empty()).mask_str(&text)))
        };
        // Ten times the text may take ten times as long, or thrice that where programs beside this one empty the
        // processor's caches; a square is a hundred times, and every time.
        let mut tries = Vec::new();
        let linear = (0..3).any(|_| {
            let (small, large) = (time(200), time(2_000));
            tries.push((small, large));
            large < 40 * small.max(std::time::Duration::from_millis(10))
        });
        assert!(linear, "{text:?} took {tries:?}");
    }
}

#[test]
fn a_name_with_a_title_is_one_person_wherever_it_stands() {
    let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
    let mut masker = Masker::new(&catalogue.masks, None, ["Acme"].into_iter());
    masker.learn("Mr Thomas Whitfield of Acme was rude");
    assert_eq!(masker.mask_str("Whitfield lied"), "[person 1 T***] lied");
    assert_eq!(
        masker.mask_str("Mr Thomas Whitfield of Acme was rude. Shame on you, Thomas."),
        "Mr [person 1 T***] of Acme was rude. Shame on you, [person 1 T***]."
    );
    assert_eq!(masker.mask_str("a whitfield is no name; Mrs Oyelaran"), "a whitfield is no name; Mrs [person 2 O***]");
}

#[test]
fn a_short_number_keeps_no_digit_and_an_initial_needs_capitals() {
    let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
    let author = Author { name: "山田太郎".into(), handle: None, url: None, followers: None };
    let mut masker = Masker::new(&catalogue.masks, Some(&author), std::iter::empty());
    assert_eq!(
        masker.mask_str("order 45821, order 458219, 山田太郎"),
        "order [number 1], order [number 2 …19], [author]"
    );
}

/// What the first mail pays, since nothing is compiled or built beforehand.
#[test]
fn the_first_text_costs_what_the_second_costs() {
    let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
    let text =
        "Mr Pugh, order #A-10442, call +44 7700 900 456, jo@example.org, 14 Maple Close, Leeds LS6 2AB. ".repeat(10);
    let time = || cost(|| drop(Masker::new(&catalogue.masks, None, std::iter::empty()).mask_str(&text)));
    let (first, second) = (time(), time());
    println!("first {first:?}, second {second:?}, {} bytes", text.len());
    assert!(first.as_millis() < 500, "{first:?}");
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_it(
        text in "([a-zA-ZæøåéÑ0-9@#.,:/ \n()+'-]|[0-9]{1,9}|calle |Rua |Mr |D\\. |order |nr\\. |DK50 |at |dot |com|º|１|٠|😀|http://|Vej |, |Madrid|1\\.000 kr|PO Box |u/|insta |e\u{301}){0,60}",
        ranges in proptest::collection::vec((0usize..300, 0usize..300), 0..5),
    ) {
        let catalogue = Catalogue::parse(FILES[0].1, About::Mention);
        let author = Author { name: "Ana Vej (a@b.com)".into(), handle: Some("@calle".into()), url: None, followers: None };
        let mut masker = Masker::new(&catalogue.masks, Some(&author), ["Madrid"].into_iter());
        masker.learn(&text);
        let masked = masker.mask(clean(Marked::new(&text, ranges.iter().map(|(a, b)| *a..*b)))).text.into_owned();
        // Nothing but the places found has changed, so no letter of the rest is lost.
        proptest::prop_assert!(masked.is_empty() == clean(Marked::new(&text, [])).text.is_empty());
    }
}
