//! Canaries of personal data: they reach the owner, and are seen in no copy, subject, header or log line.

use crate::secrets::log;
use crate::support::world::{Mail, World, entry, rss};

/// Pieces of the data below that must be seen nowhere but in the owner's mail and the subscriber's.
const CANARIES: [&str; 32] = [
    "quillfeather",
    "zanzibar",
    "wobblethorpe",
    "mz.canary",
    "mzcanary",
    "7700 900 871",
    "7700900871",
    "4012 8888",
    "8888 1881",
    "0441 2299",
    "dk23",
    "qx-771204",
    "771204",
    "71236549",
    "kestrel",
    "ls9 4tw",
    "people.example",
    "brumwell",
    "612 998 341",
    "halcón",
    "28047",
    "529.982.247",
    "982.247",
    "91234-8876",
    "garrafeira",
    "04577-321",
    "lærkedal",
    "200683-4418",
    "4418",
    "2650 brøndby",
    "31 88 44 27",
    "stormsvale",
];

/// Words of every kind of datum, in four languages, close to the brand and to what makes it a complaint.
const ENTRIES: [(&str, &str, &str); 4] = [
    (
        "Acme lost QX-771204: call +44 7700 900 871, @zanzibar_77",
        "Third time I complain about Acme! I am Maud Quillfeather, mz.canary@example.org or mzcanary at gmail dot com, \
         order #QX-771204, card 4012 8888 8888 1881, 14 Kestrel Close, Leeds LS9 4TW, 07700900871. Mr Wobblethorpe at \
         Acme was rude, terrible service, still no refund. Ask @zanzibar_77, see https://people.example/u/zanzibar.",
        "Maud Quillfeather",
    ),
    (
        "Acme: soy Ona Brumwell, DNI 71236549Q, llamadme al 612 998 341",
        "Pésimo servicio de Acme, es la tercera vez que reclamo y sigo sin reembolso. DNI 71236549Q, tel. 612 998 341, \
         calle del Halcón 24, 3º B, 28047 Madrid. El Sr. Wobblethorpe me colgó. Un saludo, Ona Brumwell",
        "Ona Brumwell",
    ),
    (
        "Acme cobrou no CPF 529.982.247-25, whatsapp (11) 91234-8876",
        "Péssimo atendimento da Acme, terceira reclamação e nada de reembolso. Moro na Rua da Garrafeira, 99, apto 4, \
         São Paulo - SP, 04577-321. CPF 529.982.247-25, whatsapp (11) 91234-8876. Atenciosamente,\nCaio Stormsvale",
        "caio@people.example (Caio Stormsvale)",
    ),
    (
        "Acme viste mit CPR 200683-4418, ring 31 88 44 27",
        "Elendig service hos Acme, tredje gang jeg klager, og stadig ingen penge retur. Cpr 200683-4418, IBAN \
         DK23 0441 2299 8877 66, Lærkedalsvej 7, 2. tv, 2650 Brøndby, tlf. 31 88 44 27. Mvh Eigil Stormsvale",
        "Eigil Stormsvale",
    ),
];

fn clean(what: &str, text: &str) {
    // Random numbers in Message-IDs and boundaries hold any four digits now and then.
    let lower: String = text
        .to_lowercase()
        .split_inclusive(|c: char| !c.is_ascii_hexdigit())
        .filter(|run| run.trim_end_matches(|c: char| !c.is_ascii_hexdigit()).len() < 32)
        .collect();
    for canary in CANARIES {
        assert!(!lower.contains(canary), "{canary} in {what}:\n{text}");
    }
}

/// The header lines as they were sent, folding undone.
fn headers(mail: &Mail) -> String {
    let raw = String::from_utf8_lossy(&mail.raw);
    raw.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ")
}

#[tokio::test]
async fn personal_data_is_seen_in_no_copy_subject_header_or_log() {
    let log = log();
    for language in ["en", "es", "pt", "da"] {
        let entries = ENTRIES.iter().enumerate().map(|(n, (title, text, author))| {
            entry(title).id(n).link(&format!("https://people.example/@zanzibar_77/{n}")).text(text).author(author)
        });
        let untitled = ENTRIES.iter().enumerate().map(|(n, (title, text, author))| {
            entry("").id(format!("untitled {n}")).text(&format!("{title}. {text}")).author(author)
        });
        let world = World::new()
            .contact()
            .feed("forum", rss(entries.chain(untitled)))
            .watch("acme", "acme", "brand@example.com")
            .mail("max_per_hour = 4")
            .toml(&format!(
                "[departments.care]\nname = \"Care\"\nemail = \"care@example.com\"\nrole = \"community\"\n\
                 [departments.board]\nname = \"Board\"\nemail = \"board@example.com\"\nlanguage = \"{language}\"\n\
                 [[routes]]\nwhen = 'watchlist:acme'\ndepartment = \"care\"\ncopy = [\"board\"]\ncase = true"
            ));
        let mut told = String::new();
        // Rounds an hour apart, until every mail has left.
        for _ in 0..6 {
            // Times to the nanosecond hold any four digits now and then.
            let mut said = world.once().await.to_json();
            said.as_object_mut().unwrap().remove("timings_ms");
            told += &said.to_string();
            world.pass(jiff::SignedDuration::from_mins(61));
        }
        clean("what `once --json` prints", &told);

        let mails = world.mails();
        let copies: Vec<&Mail> = mails.iter().filter(|m| m.to == "board@example.com").collect();
        assert!(copies.len() >= 4 && copies.iter().all(|m| m.kind == "copy"), "{:?}", world.heard());
        for copy in copies {
            clean("the text of a copy", &copy.text);
            clean("the HTML of a copy", &copy.html);
        }
        // The owner needs it all; and what no mail could show would prove nothing here.
        let notices: String = world.mails_to("care@example.com").iter().map(|m| m.html.to_lowercase()).collect();
        let hidden: Vec<_> = CANARIES.iter().filter(|c| !notices.contains(**c)).collect();
        assert!(hidden.len() <= 4, "not in the owner's mails: {hidden:?}");
        for mail in &mails {
            clean(&format!("the subject of a mail ({})", mail.kind), &mail.subject);
            clean(&format!("the headers of a mail ({})", mail.kind), &headers(mail));
        }
        let listed: String = world.outbox().iter().map(|row| format!("{:?} {:?}\n", row.kind, row.error)).collect();
        clean("the outbox", &listed);
    }
    let logged = log.text();
    assert!(logged.contains("mentiond"), "the log was caught:\n{logged}");
    for line in logged.lines().filter(|l| l.contains("mentiond") || !(l.contains("TRACE") || l.contains("DEBUG"))) {
        // The millionths of a second at its beginning are any four digits now and then, too.
        clean("the log", line.split_once(' ').map_or(line, |(_, said)| said));
    }
}
