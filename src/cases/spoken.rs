//! What a member writes on the first line of a reply to do something with a case: `#ack`, `#resuelto`, `#tildel support`.
//! In all languages at once: nobody should have to know in which one they were written to.

use super::Action;
use crate::text::fold::fold;

/// Characters of a first line that are looked at.
const MAX_LINE: usize = 600;

/// What a reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Do(Action),
    /// No line that begins with `#`.
    NoCommand,
    /// A word that is none of the commands.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Acknowledge,
    Answer,
    Resolve,
    Satisfied,
    Unsatisfied,
    Close,
    Assign,
    Dismiss,
    Reopen,
    Note,
}

/// Words in English, Spanish, Portuguese and Danish, as they are written.
const WORDS: [(Verb, &[&str]); 10] = [
    (
        Verb::Acknowledge,
        &[
            "ack",
            "acknowledge",
            "acknowledged",
            "taken",
            "mine",
            "recibido",
            "tomado",
            "asumido",
            "mío",
            "recebido",
            "assumido",
            "aceite",
            "meu",
            "taget",
            "overtaget",
            "modtaget",
            "min",
        ],
    ),
    (
        Verb::Answer,
        &[
            "answered",
            "answer",
            "replied",
            "contestado",
            "respondido",
            "contestada",
            "respondida",
            "besvaret",
            "svaret",
        ],
    ),
    (
        Verb::Resolve,
        &[
            "resolved",
            "resolve",
            "solved",
            "fixed",
            "done",
            "settled",
            "resuelto",
            "resuelta",
            "solucionado",
            "arreglado",
            "resolvido",
            "resolvida",
            "solucionada",
            "løst",
            "klaret",
            "ordnet",
        ],
    ),
    (
        Verb::Satisfied,
        &[
            "satisfied",
            "happy",
            "satisfecho",
            "satisfecha",
            "contento",
            "contenta",
            "satisfeito",
            "satisfeita",
            "tilfreds",
        ],
    ),
    (
        Verb::Unsatisfied,
        &[
            "unsatisfied",
            "dissatisfied",
            "unhappy",
            "insatisfecho",
            "insatisfecha",
            "descontento",
            "insatisfeito",
            "insatisfeita",
            "utilfreds",
        ],
    ),
    (Verb::Close, &["close", "closed", "cerrar", "cerrado", "fechar", "fechado", "luk", "lukket"]),
    (Verb::Assign, &["assign", "to", "asignar", "asigna", "pasar", "atribuir", "atribui", "passar", "tildel", "til"]),
    (
        Verb::Dismiss,
        &["dismiss", "dismissed", "descartar", "descartado", "rechazar", "descartada", "rejeitar", "afvis", "afvist"],
    ),
    (Verb::Reopen, &["reopen", "reopened", "reabrir", "reabierto", "reaberto", "genåbn", "genåbnet"]),
    (Verb::Note, &["note", "nota", "anotar", "notat", "bemærkning"]),
];

/// What a reply says: `text` is what its author wrote, without quotes and signature.
pub fn said(text: &str) -> Said {
    let text = text.trim_start();
    let (first, below) = text.split_once('\n').unwrap_or((text, ""));
    let first: String = first.trim().chars().take(MAX_LINE).collect();
    let Some(line) = first.strip_prefix('#') else { return Said::NoCommand };
    let line = line.trim_start();
    let (word, rest) = line.split_once(|c: char| c.is_whitespace() || c == ':').unwrap_or((line, ""));
    let rest = rest.trim();
    let word = fold(word.trim_end_matches(['.', ',', '!', ';']));
    let verb = WORDS.iter().find(|(_, words)| words.iter().any(|w| fold(w) == word)).map(|(verb, _)| *verb);
    let Some(verb) = verb else { return Said::Unknown };
    // What is written below the line goes on with it, where there is room for words.
    let more = || [rest, below.trim()].join("\n").trim().to_owned();
    Said::Do(match verb {
        Verb::Acknowledge => Action::Acknowledge,
        Verb::Answer => Action::Answer,
        Verb::Resolve => Action::Resolve,
        Verb::Satisfied => Action::Satisfied,
        Verb::Unsatisfied => Action::Unsatisfied,
        Verb::Close => Action::Close,
        Verb::Assign => Action::Assign { to: rest.trim_matches(['<', '>']).to_owned() },
        Verb::Dismiss => Action::Dismiss { reason: more() },
        Verb::Reopen => Action::Reopen { reason: more() },
        Verb::Note => Action::Note { text: more() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_says_what_to_do_in_four_languages() {
        for (text, action) in [
            ("#ack", Action::Acknowledge),
            ("  # ACK!\nThanks", Action::Acknowledge),
            ("#recibido", Action::Acknowledge),
            ("#recebido", Action::Acknowledge),
            ("#modtaget", Action::Acknowledge),
            ("#answered", Action::Answer),
            ("#besvaret", Action::Answer),
            ("#LØST", Action::Resolve),
            ("#løst", Action::Resolve),
            ("#resuelto.", Action::Resolve),
            ("#resolvido", Action::Resolve),
            ("#satisfied", Action::Satisfied),
            ("#utilfreds", Action::Unsatisfied),
            ("#insatisfecho", Action::Unsatisfied),
            ("#assign support", Action::Assign { to: "support".into() }),
            ("#assign: <ana@example.com>", Action::Assign { to: "ana@example.com".into() }),
            ("#tildel support", Action::Assign { to: "support".into() }),
            ("#dismiss it is a joke", Action::Dismiss { reason: "it is a joke".into() }),
            ("#descartar", Action::Dismiss { reason: String::new() }),
            ("#note called her\nshe was kind", Action::Note { text: "called her\nshe was kind".into() }),
            ("#nota: llamé", Action::Note { text: "llamé".into() }),
            ("#genåbn igen", Action::Reopen { reason: "igen".into() }),
        ] {
            assert_eq!(said(text), Said::Do(action), "{text}");
        }
        for text in ["", "Thanks, I will do that.", "ack", "Thanks\n#ack"] {
            assert_eq!(said(text), Said::NoCommand, "{text}");
        }
        for text in ["#", "#nonsense", "#ackk", "#1"] {
            assert_eq!(said(text), Said::Unknown, "{text}");
        }
    }

    #[test]
    fn no_word_means_two_things() {
        let mut all: Vec<String> = WORDS.iter().flat_map(|(_, words)| words.iter().map(|w| fold(w))).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
