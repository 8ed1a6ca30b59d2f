//! What kind of feedback a text is: language, sentiment, category, severity, and the words that decided.
//!
//! The pipeline, in reading order: `tokens` takes the text apart and folds it, `language` says whose cues apply,
//! `lexicon` finds them all in one pass, `reading` sees what is negated or stressed, `sentiment`, `category` and
//! `severity` decide. What is known of a language is data in `lang/<code>/` (see `lang/README.md`); adding one is a
//! folder and a line in `LANGUAGES`. Pure: no I/O, no clock. Called by `ingest` for every mention.

mod category;
mod cue_file;
mod language;
mod lexicon;
mod reading;
mod sentiment;
mod severity;
mod similar;
mod tokens;

use std::sync::LazyLock;

use crate::model::{Category, Classification, Cue, Language, Scored};
use cue_file::Files;
use lexicon::Lexicon;
use reading::{Note, Reading};
use tokens::Tokens;

pub use similar::{significant_words, stopwords};

/// Most cues that a classification lists.
const MOST_CUES: usize = 24;

/// What is classified.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    pub title: &'a str,
    /// Plain text; what lies beyond 20,000 bytes (with the title) is not looked at.
    pub text: &'a str,
    /// The language that the source claims (BCP 47): evidence, not truth.
    pub lang_hint: Option<&'a str>,
    /// Stars, 1 to 5, where the source gives them.
    pub rating: Option<f32>,
    /// The source is a news feed, so that an entry has a publisher.
    pub press: bool,
}

/// Classifies texts. Cheap to make and to copy; the data of a language is compiled when its first text arrives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Classifier;

/// The files of one language.
struct Pack {
    code: &'static str,
    files: [(&'static str, &'static str); 4],
    stopwords: &'static str,
}

macro_rules! pack {
    ($code:literal) => {
        Pack {
            code: $code,
            files: [
                // `words` first: it names the classes that the others use.
                (concat!($code, "/words.txt"), include_str!(concat!("lang/", $code, "/words.txt"))),
                (concat!($code, "/sentiment.txt"), include_str!(concat!("lang/", $code, "/sentiment.txt"))),
                (concat!($code, "/category.txt"), include_str!(concat!("lang/", $code, "/category.txt"))),
                (concat!($code, "/severity.txt"), include_str!(concat!("lang/", $code, "/severity.txt"))),
            ],
            stopwords: include_str!(concat!("lang/", $code, "/stopwords.txt")),
        }
    };
}

/// The registry: one line a language.
static LANGUAGES: [Pack; 4] = [pack!("en"), pack!("es"), pack!("pt"), pack!("da")];

/// Emoji, the same in every language.
const EMOJI: (&str, &str) = ("emoji.txt", include_str!("lang/emoji.txt"));

static LEXICONS: [LazyLock<Lexicon>; 5] = [
    LazyLock::new(|| compile(&LANGUAGES[0].files)),
    LazyLock::new(|| compile(&LANGUAGES[1].files)),
    LazyLock::new(|| compile(&LANGUAGES[2].files)),
    LazyLock::new(|| compile(&LANGUAGES[3].files)),
    LazyLock::new(|| compile(&[])),
];

impl Classifier {
    /// A classifier for the languages in `lang/`.
    pub fn new() -> Self {
        Classifier
    }

    /// Says what kind of feedback a text is, and why. Linear in the length of the text; never fails.
    pub fn classify(&self, input: &Input<'_>) -> Classification {
        let doc = document(input);
        let tokens = Tokens::of(&doc);
        let language = language::detect(&tokens, input.lang_hint, |at| recognised(&tokens, at));
        let known = LANGUAGES.iter().position(|l| l.code == language.code);
        let lexicon = known.and_then(|i| LEXICONS.get(i)).unwrap_or(&LEXICONS[LANGUAGES.len()]);
        let reading = Reading::of(&tokens, lexicon);
        let mood = sentiment::read(&reading, input.rating);
        let sentiment = mood.sentiment();
        if known.is_none() {
            return without_cues(input, language, &tokens, &mood);
        }
        let setting = category::Setting { rating: input.rating, press: input.press };
        let kind = category::decide(&reading, &mood, &setting);
        let harm = severity::weigh(&reading, kind.category);
        let mut flags = harm.flags;
        if reading.shouting {
            flags.push("caps".to_owned());
        }
        if mood.irony && !flags.iter().any(|f| f == "irony") {
            flags.push("irony".to_owned());
        }
        let notes = [kind.notes, harm.notes, mood.notes].concat();
        Classification {
            language,
            sentiment,
            category: kind.category,
            categories: kind.categories,
            severity: harm.severity,
            flags,
            cues: cues(&tokens, notes),
        }
    }
}

/// How much of a text the cues of one language recognise, as evidence for that language, 0 … 2: in a short text
/// (`Odio esta empresa`) they tell neighbours apart better than letters do.
fn recognised(tokens: &Tokens<'_>, language: usize) -> f32 {
    let Some(lexicon) = LEXICONS.get(language) else { return 0.0 };
    let mut hit = vec![false; tokens.list.len()];
    for found in lexicon.find(tokens) {
        let says =
            lexicon.cues.get(found.cue).is_some_and(|c| c.sentiment().is_some() || c.categories().next().is_some());
        if says {
            hit.iter_mut().take(found.end).skip(found.start).for_each(|h| *h = true);
        }
    }
    let words = tokens.list.iter().zip(hit).filter(|(t, hit)| *hit && t.kind == tokens::Kind::Word).count();
    (words as f32 * 0.5).min(2.0)
}

/// A text in a language without a folder: stars, emoji and the kind of source are all that speaks.
fn without_cues(input: &Input<'_>, language: Language, tokens: &Tokens<'_>, mood: &sentiment::Mood) -> Classification {
    let category = if input.press { Category::Press } else { Category::Other };
    let mut notes = mood.notes.clone();
    if input.press {
        notes.push(Note {
            start: 0,
            end: 0,
            effect: "category:press".to_owned(),
            why: "a publisher's feed".to_owned(),
        });
    }
    Classification {
        language,
        sentiment: mood.sentiment(),
        category,
        categories: vec![Scored { name: category, score: 0.3 }],
        severity: crate::model::Severity::Low,
        flags: Vec::new(),
        cues: cues(tokens, notes),
    }
}

/// Title and text as one document; a text that begins with its own title is not read twice.
fn document(input: &Input<'_>) -> String {
    let (title, text) = (input.title.trim(), input.text.trim());
    if title.is_empty() || text.starts_with(title) {
        return text.to_owned();
    }
    // Some sources cut the text for the title: `I bought a pho…`.
    let cut = title.trim_end_matches(['…', '.', ' ']);
    if !cut.is_empty() && cut.len() < title.len() && text.starts_with(cut) {
        return text.to_owned();
    }
    format!("{title}\n{text}")
}

/// The notes in the model's terms, each once.
fn cues(tokens: &Tokens<'_>, notes: Vec<Note>) -> Vec<Cue> {
    let mut cues: Vec<Cue> = Vec::with_capacity(notes.len().min(MOST_CUES));
    for note in notes {
        if cues.len() == MOST_CUES {
            break;
        }
        let cue = Cue { text: tokens.written(note.start, note.end), effect: note.effect, why: note.why };
        if !cues.contains(&cue) {
            cues.push(cue);
        }
    }
    cues
}

#[expect(clippy::panic, reason = "the files are part of the binary, and a test compiles all of them")]
fn compile(files: &[(&str, &str)]) -> Lexicon {
    match read(files) {
        Ok(read) => Lexicon::compile(read.rules, &read.classes, &read.same),
        Err(error) => panic!("embedded cue file: {error}"),
    }
}

fn read(files: &[(&str, &str)]) -> Result<Files, cue_file::CueError> {
    let mut read = Files::default();
    for (name, data) in files.iter().chain([&EMOJI]) {
        read.read(name, data)?;
    }
    Ok(read)
}

/// Every flag that a classification can carry: what `flag:` can name, and what the mail catalogues must know.
pub fn every_flag() -> std::collections::BTreeSet<String> {
    let mut flags = std::collections::BTreeSet::from(["caps".to_owned(), "irony".to_owned()]);
    for lexicon in LEXICONS.iter().take(LANGUAGES.len()) {
        for effect in lexicon.cues.iter().flat_map(|c| &c.effects) {
            if let cue_file::Effect::Flag(flag) = effect
                && !severity::INNER_FLAGS.contains(&flag.as_str())
            {
                flags.insert(flag.clone());
            }
        }
    }
    flags
}

#[cfg(test)]
mod tests;
