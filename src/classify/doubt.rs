//! Whether praise is what it was taken for. A gift is given once, so what decides here errs towards asking a person: a
//! complaint in which praise was stuffed, or one that hides behind thousands of words, must not be paid with a code.

use std::collections::HashMap;

use super::tokens::{Kind, Tokens};
use super::{Classifier, Input, LANGUAGES, LEXICONS, WHOLE, category, document, sentiment};
use crate::classify::reading::Reading;
use crate::model::{Category, Classification, PerkDoubt, SentimentLabel, Severity};

/// Further categories that are grievances may have this probability together.
const GRIEVES: f32 = 0.3;
/// A text of fewer words may repeat itself: `thank you, thank you, thank you!`
const MANY_WORDS: usize = 40;
/// So many times as many words as different ones are a repetition. People who write 700 words use at least 200
/// different ones.
const REPEATED: usize = 4;
/// A sentence is read alone in pieces of at most so many words …
const PIECE: usize = 28;
/// … of which each begins so many words after the one before.
const STEP: usize = 18;
/// A piece of fewer words says too little alone.
const SAYS: usize = 3;
/// From this weight on "the trouble is over" makes what was bad a part of the praise.
const OVER: f32 = 2.0;

/// Flags that are no sign of doubt.
const HARMLESS: [&str; 1] = ["caps"];

impl Classifier {
    /// Why nothing should be given in thanks for a text that was `found` to be praise; `None` if nothing speaks against
    /// it, or if it is no praise. Linear in the length of the text, of which at most 4,000 bytes are read.
    pub fn doubt(&self, input: &Input<'_>, found: &Classification) -> Option<PerkDoubt> {
        if found.category != Category::Praise {
            return None;
        }
        if matches!(found.sentiment.label, SentimentLabel::Negative | SentimentLabel::VeryNegative) {
            return Some(PerkDoubt::Mood);
        }
        if input.title.len() + input.text.len() > WHOLE {
            return Some(PerkDoubt::Long);
        }
        let marked = |flag: &String| !HARMLESS.contains(&flag.as_str());
        let grieves: f32 = found.categories.iter().filter(|c| is_bad(c.name)).map(|c| c.score).sum();
        if found.severity > Severity::Low || grieves >= GRIEVES || found.flags.iter().any(marked) {
            return Some(PerkDoubt::Grievance);
        }
        let text = document(input).text;
        let tokens = Tokens::of(&text);
        if repeats(&tokens) {
            return Some(PerkDoubt::Repeats);
        }
        self.grieves_somewhere(&tokens, input, &found.language.code).then_some(PerkDoubt::Grievance)
    }

    /// Whether a part of the text, read alone, is a grievance. One that the text says is over is not, unless it is grave.
    fn grieves_somewhere(&self, tokens: &Tokens<'_>, input: &Input<'_>, language: &str) -> bool {
        let Some(lexicon) = LANGUAGES.iter().position(|l| l.code == language).and_then(|at| LEXICONS.get(at)) else {
            return false;
        };
        let reading = Reading::of(tokens, lexicon, &[]);
        let setting = category::Setting { rating: input.rating, press: false };
        let over = category::decide(&reading, &sentiment::read(&reading, input.rating), &setting).resolved >= OVER;
        pieces(tokens).any(|piece| {
            let alone = Input { text: piece, lang_hint: Some(language), ..Input::default() };
            let read = self.classify(&alone);
            let sure = read.categories.first().is_some_and(|c| c.score >= 0.5);
            let grave = read.category != Category::Praise && read.severity >= Severity::High;
            grave || (sure && is_bad(read.category) && !over)
        })
    }
}

fn is_bad(category: Category) -> bool {
    category.is_grievance() || category == Category::Abuse
}

/// The sentences, long ones in pieces that overlap.
fn pieces<'t>(tokens: &'t Tokens<'t>) -> impl Iterator<Item = &'t str> {
    let windows = tokens.sentences.iter().flat_map(|sentence| {
        (sentence.first..sentence.end).step_by(STEP).map(move |from| (from, sentence.end.min(from + PIECE), sentence))
    });
    windows.filter_map(|(from, to, sentence)| {
        // The end of a long sentence was read with the piece before.
        let tail = from > sentence.first && to - from <= PIECE - STEP;
        let (first, last) = (tokens.list.get(from)?, tokens.list.get(to.checked_sub(1)?)?);
        (to - from >= SAYS && !tail).then(|| tokens.text.get(first.start..last.end))?
    })
}

/// Whether the same words come over and over.
fn repeats(tokens: &Tokens<'_>) -> bool {
    let mut counts = HashMap::<&str, usize>::new();
    let words = tokens.list.iter().filter(|t| matches!(t.kind, Kind::Word | Kind::Emoji));
    words.for_each(|token| *counts.entry(tokens.folded(token)).or_default() += 1);
    let total: usize = counts.values().sum();
    total >= MANY_WORDS && total >= REPEATED * counts.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(text: &str) -> (Category, Option<PerkDoubt>) {
        let classifier = Classifier::new();
        let input = Input { text, ..Input::default() };
        let found = classifier.classify(&input);
        (found.category, classifier.doubt(&input, &found))
    }

    #[test]
    fn plain_praise_is_not_doubted() {
        for text in [
            "I love Acme, absolutely fantastic machine, best purchase ever, thank you so much!",
            "Thank you, thank you, thank you! The team was wonderful and so friendly.",
            "They refunded me within two days, great service, thanks",
            "FIXED AT LAST, thank you so much for your help!",
            "¡Muchas gracias! El servicio fue excelente y la entrega rapidísima. Los recomiendo a todos.",
            "Arreglado por fin, muchas gracias por la ayuda",
            "Adorei o atendimento, muito obrigado! Chegou antes do prazo e é lindo.",
            "Super god service og hurtig levering. Tusind tak, jeg kommer igen!",
        ] {
            assert_eq!(doubt(text), (Category::Praise, None), "{text}");
        }
    }

    /// Whatever each is taken for, nothing is given for it.
    #[test]
    fn a_padded_complaint_never_earns_a_perk() {
        let glad = "I love Acme! Best machine ever. Thank you so much, wonderful people. ";
        let grim = "The charger caught fire and burned my daughter's hand, I want my money back. ";
        let padded = [
            format!("{}{grim}{}", glad.repeat(8), glad.repeat(8)),
            format!("{glad}{grim}{glad}"),
            format!("{}{grim}", "love ".repeat(60)),
            format!("{grim}{}", "great ".repeat(40_000)),
            format!("{}{grim}", "gracias genial ".repeat(20_000)),
            "thanks lovely ".repeat(100),
            format!(
                "Me encanta Acme, gracias. Servicio excelente. El cargador se incendió y quemó la mano de mi hija. {}",
                "Gracias, genial. ".repeat(9)
            ),
            format!(
                "Adoro a Acme, obrigado! O carregador pegou fogo e queimou a mão da minha filha. {}",
                "Obrigado, maravilhoso! ".repeat(9)
            ),
            format!(
                "Jeg elsker Acme, tusind tak! Opladeren brød i brand og brændte min datters hånd. {}",
                "Tusind tak, fantastisk! ".repeat(9)
            ),
        ];
        for text in padded {
            let start: String = text.chars().take(120).collect();
            let (category, doubt) = doubt(&text);
            assert!(category != Category::Praise || doubt.is_some(), "{start}: {category:?}");
        }
    }
}
