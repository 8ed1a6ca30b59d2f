//! What wording a mail costs: alerts with personal data masked, each with three similar mentions, in four languages, from a
//! classified mention to the bytes that are sent. Prints mails a second on one core.
//!
//!     cargo bench --bench wording

use std::hint::black_box;
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mentiond::classify::{Classifier, Input};
use mentiond::compose::{AlertInput, ComposeSettings, Composer, Drafts, Reader, Similar, Story, Watchlist};
use mentiond::mail::encode::encode;
use mentiond::model::{Author, Decision, Deliver, Entry, Identity, Mailbox, Matched, Mention, Part, WatchlistMatch};

/// Sentences that posts are put together from: a language, a title, and what stands in the text. Some have something
/// to mask.
const POSTS: [(&str, &str, [&str; 6]); 4] = [
    (
        "en",
        "Third time I ask Fjordkaffe for my refund",
        [
            "I bought a Fjordkaffe Barista in September and it leaked from the first day.",
            "I sent it back as the shop told me to, order 45821, and they confirmed that they got it.",
            "I have written three times and called twice, my number is +44 7700 900123.",
            "Mr Whitfield of the service desk promised to ring me back, and Whitfield never did.",
            "Everybody in my office used to like their coffee, and nobody would take a machine as a gift today.",
            "Write to me at ann.lowe@example.com if anybody there still reads this.",
        ],
    ),
    (
        "es",
        "Fjordkaffe: la cafetera gotea y nadie contesta",
        [
            "Compré una Fjordkaffe en septiembre y empezó a gotear el primer día.",
            "La devolví como me dijeron en la tienda, pedido 45821, y me confirmaron que llegó.",
            "He escrito tres veces y he llamado dos, mi número es el 612 345 678.",
            "La señora Ana Ruiz me prometió una solución, pero la señora Ruiz no volvió a llamar.",
            "En la oficina a todos les gustaba su café y hoy nadie querría una máquina ni regalada.",
            "Vivo en la calle Mayor 24, 3º B, 28013 Madrid, y sigo esperando el paquete.",
        ],
    ),
    (
        "pt",
        "Fjordkaffe não responde sobre o reembolso",
        [
            "Comprei uma máquina da Fjordkaffe em setembro e ela vazou desde o primeiro dia.",
            "Devolvi como a loja mandou, encomenda 45821, e confirmaram que a receberam.",
            "Já escrevi três vezes e liguei duas, o meu número é 912 345 678.",
            "O senhor Rui Costa disse que ia resolver, mas o senhor Costa nunca mais ligou.",
            "No escritório todos gostavam do café deles, e hoje ninguém aceitaria uma máquina de graça.",
            "Respondam para rui.lopes@example.com, por favor, estou à espera há nove semanas.",
        ],
    ),
    (
        "da",
        "Fjordkaffe svarer ikke på mine mails",
        [
            "Jeg købte en Fjordkaffe i september, og den dryppede fra den første dag.",
            "Jeg sendte den tilbage, som butikken sagde, ordre 45821, og de bekræftede, at de har fået den.",
            "Jeg har skrevet tre gange og ringet to gange, mit nummer er 20 30 40 50.",
            "Hr. Jens Holm lovede at ringe tilbage, men Holm ringede aldrig.",
            "Alle på kontoret var glade for deres kaffe, og i dag ville ingen tage en maskine som gave.",
            "Jeg bor på Østerbrogade 113, st. th., 2100 København Ø, hvis pakken nogensinde kommer.",
        ],
    ),
];
const BRAND: &str = "Fjordkaffe";
/// Sentences of a post; it then has about 800 characters.
const SENTENCES: usize = 10;
const MAILS: usize = 900;
const SIMILAR: usize = 3;
const ROUNDS: usize = 7;

fn main() {
    let now: Timestamp = "2026-11-21T13:09:00Z".parse().unwrap_or_else(|fault| panic!("{fault}"));
    let mentions: Vec<(&str, Mention)> = {
        let classifier = Classifier::new();
        (0..MAILS).map(|n| mention(&classifier, n, now)).collect()
    };
    let similar: Vec<Vec<Similar>> = (0..MAILS)
        .map(|n| (1..=SIMILAR).map(|back| like(&mentions[(n + MAILS - back * POSTS.len()) % MAILS].1)).collect())
        .collect();
    let composer = Composer::new(ComposeSettings {
        mention_pages: None,
        sender_domain: "mentions.example.com".into(),
        contact: Some("brand@example.com".into()),
        drafts: Drafts::built_in(),
        employees: Vec::new(),
    });
    let from = Mailbox { name: Some("Mentions".into()), email: "mentions@example.com".into() };
    let zone = TimeZone::UTC;
    let mut bytes = 0;
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            bytes = 0;
            let start = Instant::now();
            for (n, ((language, mention), similar)) in mentions.iter().zip(&similar).enumerate() {
                let story = Story {
                    mention,
                    news: None,
                    also_seen: &[],
                    similar,
                    case: None,
                    thread: None,
                    possible_duplicate: false,
                };
                let email = composer.alert(&AlertInput {
                    story,
                    reader: Reader { language, zone: &zone },
                    watchlist: Watchlist { key: "fjordkaffe", name: BRAND },
                    department: Some("Customer Service"),
                    full: false,
                });
                let id = format!("{n}.wording@mentions.example.com");
                let mail = encode(&email, &from, "brand@example.com", &id, now, &[]);
                bytes += black_box(mail.unwrap_or_else(|fault| panic!("{fault}"))).len();
            }
            MAILS as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    println!(
        "{MAILS} masked alerts of {:.1} kB, medians of {ROUNDS} rounds: {:.0} mails a second on one core (fastest round {:.0})",
        bytes as f64 / MAILS as f64 / 1e3,
        rates[ROUNDS / 2],
        rates[ROUNDS - 1],
    );
}

/// The post that is the `n`th, and its language.
fn mention(classifier: &Classifier, n: usize, now: Timestamp) -> (&'static str, Mention) {
    let (language, title, sentences) = POSTS[n % POSTS.len()];
    let turn = n / POSTS.len();
    // Another order and other line ends in every post.
    let text: String = (0..SENTENCES)
        .map(|k| format!("{}{}", sentences[(turn * 5 + k * (1 + turn % 5)) % sentences.len()], [" ", "\n"][k % 4 / 3]))
        .collect();
    let matched = [(Part::Title, title), (Part::Text, text.as_str())]
        .into_iter()
        .flat_map(|(part, body)| {
            body.match_indices(BRAND).map(move |(start, word)| Matched {
                part,
                start,
                end: start + word.len(),
                term: word.to_lowercase(),
            })
        })
        .collect();
    let classification = classifier.classify(&Input { title, text: &text, ..Input::default() });
    let mention = Mention {
        id: i64::try_from(n).unwrap_or(i64::MAX),
        source: "trustpilot".into(),
        entry: Entry {
            identity: Identity::default(),
            title: title.into(),
            text,
            url: Some(format!("https://reviews.example.com/{n}")),
            author: Some(Author {
                name: "Mette Holm".into(),
                handle: Some("@metteh".into()),
                url: None,
                followers: None,
            }),
            published: Some(now),
            site: Some("Reviews".into()),
            ..Entry::default()
        },
        fetched: now,
        watchlists: vec![WatchlistMatch { name: "fjordkaffe".into(), matched }],
        classification,
        decision: Decision {
            department: "support".into(),
            copy: Vec::new(),
            deliver: Deliver::Now,
            case: false,
            person: None,
            privacy: Default::default(),
            kept_from: Vec::new(),
            why: "handles complaint".into(),
        },
        perk_doubt: None,
        erased: None,
    };
    (language, mention)
}

fn like(mention: &Mention) -> Similar {
    Similar {
        title: mention.entry.title.clone(),
        excerpt: mention.entry.text.clone(),
        url: mention.entry.url.clone(),
        at: mention.written(),
        source: mention.source.clone(),
    }
}
