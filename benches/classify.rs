//! What a mention costs: texts of 200 characters a second on one core, all of classification included; the first text of
//! each language; and the resident memory that the classifier adds.
//!
//!     cargo bench --bench classify

use std::hint::black_box;
use std::time::Instant;

use mentiond::classify::{Classifier, Input};

/// Sentences that mentions are put together from.
const SENTENCES: [&[&str]; 4] = [
    &[
        "I have been waiting for my parcel for two weeks and nobody answers my mails.",
        "The new app looks great, but it crashes every time I open the second page!",
        "Does anybody know whether the shop in Leeds is open on Sunday?",
        "Lovely weather today, we went to the lake with the kids and the dog 😊",
        "Third time I ask: where is my refund, you charged me $49 twice?",
    ],
    &[
        "Llevo dos semanas esperando mi paquete y nadie me contesta los correos.",
        "La app nueva se ve muy bien, pero se cierra sola cada vez que la abro.",
        "¿Alguien sabe si la tienda de Sevilla abre los domingos?",
        "Hoy hace un día precioso, nos fuimos al lago con los niños y el perro 😊",
        "Es la tercera vez que pregunto por mi reembolso, me cobraron 49 € dos veces.",
    ],
    &[
        "Estou esperando a encomenda há duas semanas e ninguém responde os e-mails.",
        "O aplicativo novo é bonito, mas fecha sozinho toda vez que eu abro!",
        "Alguém sabe se a loja de Recife abre no domingo?",
        "Que dia lindo hoje, fomos ao lago com as crianças e o cachorro 😊",
        "É a terceira vez que peço o reembolso, me cobraram R$ 49 duas vezes.",
    ],
    &[
        "Jeg har ventet på min pakke i to uger, og ingen svarer på mine mails.",
        "Den nye app ser fin ud, men den går ned, hver gang jeg åbner den!",
        "Er der nogen, der ved, om butikken i Aarhus har åbent om søndagen?",
        "Dejligt vejr i dag, vi tog ned til søen med ungerne og hunden 😊",
        "Det er tredje gang, jeg spørger til mine penge, I trak 300 kr to gange.",
    ],
];
/// Length of a text, in characters.
const LENGTH: usize = 200;
const ROUNDS: usize = 7;
const TEXTS: usize = 2_000;

/// Resident memory in KiB, from `/proc/self/status`; 0 where there is none.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn main() {
    let texts: Vec<String> = (0..TEXTS)
        .map(|n| {
            let own = SENTENCES[n % SENTENCES.len()];
            let mut text = String::new();
            for k in 0.. {
                if text.chars().count() >= LENGTH {
                    break;
                }
                text.push_str(own[(n / SENTENCES.len() * 7 + k * 3 + k * k) % own.len()]);
                text.push_str(if n % 3 == 0 { " " } else { "\n" });
            }
            text.chars().take(LENGTH).collect()
        })
        .collect();
    let before = resident();
    let classifier = Classifier::new();
    for own in SENTENCES {
        let start = Instant::now();
        black_box(classifier.classify(&Input { text: own[0], ..Input::default() }));
        println!("first text of a language: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    }
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for text in &texts {
                black_box(classifier.classify(&Input { text, ..Input::default() }));
            }
            TEXTS as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    println!("{:.0} mentions of {LENGTH} characters a second on one core (median of {ROUNDS})", rates[ROUNDS / 2]);
    println!("fastest round {:.0}", rates[ROUNDS - 1]);
    println!("resident memory added: {:.1} MiB", resident().saturating_sub(before) as f64 / 1024.0);
}
