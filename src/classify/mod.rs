//! What kind of feedback a text is: language, sentiment, category, severity, and the words that decided.
//!
//! The pipeline, in reading order: `tokens` takes the text apart and folds it, `language` says whose cues apply,
//! `lexicon` finds them all in one pass, `reading` sees what is negated or stressed, `sentiment`, `category` and
//! `severity` decide. What is known of a language is data in `lang/<code>/` (see `lang/README.md`); adding one is a
//! folder and a line in `LANGUAGES`. Pure: no I/O, no clock. Called by `ingest` for every mention.

mod brand;
mod category;
mod compile;
mod cue_file;
mod decide;
mod doubt;
mod explain;
mod language;
pub mod learned;
mod lexicon;
mod note;
pub mod packed;
mod reading;
mod sentiment;
mod severity;
mod similar;
mod taught;
mod terms;
mod tokens;

use std::sync::{Arc, LazyLock};

use crate::model::{Category, Classification, Cue, Language, Part, Scored, Sentiment, Severity, WatchlistMatch};
use lexicon::Lexicon;
use note::{Note, Says};
use reading::Reading;
use tokens::Tokens;

pub use similar::{Stem, significant_words, stems, stopwords};
pub use taught::{Correction, Finds, MOST_CORRECTIONS, UserCue, check_pattern};

/// Most cues that a classification lists.
const MOST_CUES: usize = 24;

/// What is classified.
#[derive(Clone, Copy, Debug, Default)]
pub struct Input<'a> {
    pub title: &'a str,
    /// Plain text. Of more than 4,000 bytes only the beginning and what stands around the matched words is read, and
    /// nothing beyond 20,000 bytes (with the title).
    pub text: &'a str,
    /// The language that the source claims (BCP 47): evidence, not truth.
    pub lang_hint: Option<&'a str>,
    /// Stars, 1 to 5, where the source gives them.
    pub rating: Option<f32>,
    /// The source is a news feed, so that an entry has a publisher.
    pub press: bool,
    /// The watchlists that matched: where they did, the watched brand is named.
    pub watchlists: &'a [WatchlistMatch],
}

/// Classifies texts. Cheap to make and to clone; the data of a language is looked at when its first text arrives.
/// Clones share the corrections.
#[derive(Clone, Debug, Default)]
pub struct Classifier {
    cues: Arc<taught::Cues>,
    corrections: taught::Shared,
}

/// What is known of one language; the tables are packed.
struct Pack {
    code: &'static str,
    stopwords: &'static str,
    /// Compiled from the cue files.
    cues: &'static [u8],
    model: &'static [u8],
    talk: &'static [u8],
}

macro_rules! pack {
    ($code:literal) => {
        Pack {
            code: $code,
            stopwords: include_str!(concat!("lang/", $code, "/stopwords.txt")),
            cues: include_bytes!(concat!("lang/", $code, "/cues.bin")),
            model: include_bytes!(concat!("lang/", $code, "/model.bin")),
            talk: include_bytes!(concat!("lang/", $code, "/talk.bin")),
        }
    };
}

/// The registry: one line a language.
static LANGUAGES: [Pack; 4] = [pack!("en"), pack!("es"), pack!("pt"), pack!("da")];

static LEXICONS: [LazyLock<Lexicon>; 5] = [
    LazyLock::new(|| cues_of(LANGUAGES[0].cues)),
    LazyLock::new(|| cues_of(LANGUAGES[1].cues)),
    LazyLock::new(|| cues_of(LANGUAGES[2].cues)),
    LazyLock::new(|| cues_of(LANGUAGES[3].cues)),
    LazyLock::new(|| cues_of(include_bytes!("lang/emoji.bin"))),
];

impl Classifier {
    /// A classifier for the languages in `lang/`.
    pub fn new() -> Self {
        Classifier::default()
    }

    /// A classifier with the cues of a configuration, whose patterns [`check_pattern`] found right.
    pub fn with_cues(cues: Vec<UserCue>) -> Self {
        Classifier { cues: Arc::new(taught::Cues::of(cues)), ..Classifier::default() }
    }

    /// Uses these corrections from now on (the newest [`MOST_CORRECTIONS`]), in all clones.
    pub fn learn(&self, corrections: &[Correction]) {
        self.corrections.set(corrections);
    }

    /// Shares the corrections of another classifier from now on.
    pub fn adopt(&mut self, other: &Classifier) {
        self.corrections = other.corrections.clone();
    }

    /// Says what kind of feedback a text is, and why. Linear in the length of the text; never fails.
    pub fn classify(&self, input: &Input<'_>) -> Classification {
        let doc = document(input);
        let tokens = Tokens::of(&doc.text);
        let language = language::detect(&tokens, input.lang_hint, |at| recognised(&tokens, at));
        let known = LANGUAGES.iter().position(|l| l.code == language.code);
        let lexicon = known.and_then(|i| LEXICONS.get(i)).unwrap_or(&LEXICONS[LANGUAGES.len()]);
        let brand = named(&tokens, &doc, input);
        let reading = Reading::of(&tokens, lexicon, &brand);
        let mood = sentiment::read(&reading, input.rating);
        let mut taught = taught::Taught::default();
        self.cues.bend(&reading, &language.code, input.title, input.text, &mut taught);
        self.corrections.get().bend(&tokens, &language.code, &mut taught);
        let Some(model) = known.and_then(model_of) else {
            return without_model(input, language, &tokens, &mood, taught);
        };
        let setting = category::Setting { rating: input.rating, press: input.press };
        let mut decided = look(&reading, &mood, &brand, &language.code, &setting, model, |found| {
            decide::decide(found, model, known.and_then(talk_of), &setting, taught.bent(model))
        });
        if reading.shouting {
            decided.flags.push("caps".to_owned());
        }
        if mood.irony && !decided.flags.iter().any(|f| f == "irony") {
            decided.flags.push("irony".to_owned());
        }
        Classification {
            language,
            sentiment: decided.sentiment,
            category: decided.category,
            categories: decided.categories,
            severity: decided.severity,
            flags: decided.flags,
            cues: cues(&tokens, decided.notes),
        }
    }
}

/// The model of a language, by its place in the registry.
fn model_of(language: usize) -> Option<&'static learned::Model> {
    static MODELS: [LazyLock<Option<learned::Model>>; 4] = [
        LazyLock::new(|| learned::Model::of(packed::own(LANGUAGES[0].model)).ok()),
        LazyLock::new(|| learned::Model::of(packed::own(LANGUAGES[1].model)).ok()),
        LazyLock::new(|| learned::Model::of(packed::own(LANGUAGES[2].model)).ok()),
        LazyLock::new(|| learned::Model::of(packed::own(LANGUAGES[3].model)).ok()),
    ];
    MODELS.get(language).and_then(|m| m.as_ref())
}

/// What general talk teaches of a language, by its place in the registry.
fn talk_of(language: usize) -> Option<&'static learned::Talk> {
    static TALKS: [LazyLock<Option<learned::Talk>>; 4] = [
        LazyLock::new(|| learned::Talk::of(packed::own(LANGUAGES[0].talk)).ok()),
        LazyLock::new(|| learned::Talk::of(packed::own(LANGUAGES[1].talk)).ok()),
        LazyLock::new(|| learned::Talk::of(packed::own(LANGUAGES[2].talk)).ok()),
        LazyLock::new(|| learned::Talk::of(packed::own(LANGUAGES[3].talk)).ok()),
    ];
    TALKS.get(language).and_then(|t| t.as_ref())
}

/// Reads a text whose language is known, and shows `f` all that was found.
pub(in crate::classify) fn observe(
    input: &Input<'_>,
    language: usize,
    model: &learned::Model,
    f: impl FnOnce(&learned::features::Found<'_, '_>),
) {
    let doc = document(input);
    let tokens = Tokens::of(&doc.text);
    let lexicon = LEXICONS.get(language).unwrap_or(&LEXICONS[LANGUAGES.len()]);
    let brand = named(&tokens, &doc, input);
    let reading = Reading::of(&tokens, lexicon, &brand);
    let mood = sentiment::read(&reading, input.rating);
    let setting = category::Setting { rating: input.rating, press: input.press };
    let code = LANGUAGES.get(language).map_or("", |l| l.code);
    look(&reading, &mood, &brand, code, &setting, model, f);
}

/// What the rules make of a text, for the model. Learning and deciding see the same because both come through here.
fn look<'n, T>(
    reading: &Reading<'n>,
    mood: &sentiment::Mood<'n>,
    brand: &[bool],
    language: &str,
    setting: &category::Setting,
    model: &learned::Model,
    f: impl FnOnce(&learned::features::Found<'_, 'n>) -> T,
) -> T {
    let kind = category::decide(reading, mood, setting);
    let harm = severity::weigh(reading, kind.category);
    let felt = terms::read(reading, model, brand);
    f(&learned::features::Found { reading, mood, kind: &kind, harm: &harm, felt: &felt, brand, language })
}

/// For each token, whether it names the watched brand.
fn named(tokens: &Tokens<'_>, doc: &Document, input: &Input<'_>) -> Vec<bool> {
    if input.watchlists.is_empty() {
        return Vec::new();
    }
    let mut named = vec![false; tokens.list.len()];
    let (title, text) = (input.title.trim_start(), input.text.trim_start());
    let cut = |whole: &str, rest: &str| whole.len() - rest.len();
    let titled = doc.pieces.first().is_some_and(|p| p.at > 0);
    for matched in input.watchlists.iter().flat_map(|w| &w.matched) {
        let start = match matched.part {
            Part::Text => {
                let start = matched.start.saturating_sub(cut(input.text, text));
                let Some(piece) = doc.pieces.iter().find(|p| p.from <= start && start < p.to) else { continue };
                piece.at + start - piece.from
            }
            Part::Title if titled => matched.start.saturating_sub(cut(input.title, title)),
            _ => continue,
        };
        let end = start + matched.end.saturating_sub(matched.start);
        let from = tokens.list.partition_point(|t| t.end <= start);
        for (slot, token) in named.iter_mut().zip(&tokens.list).skip(from) {
            if token.start >= end {
                break;
            }
            *slot = true;
        }
    }
    named
}

/// How much of a text the cues of one language recognise, as evidence for that language, 0 … 2: in a short text
/// (`Odio esta empresa`) they tell neighbours apart better than letters do.
fn recognised(tokens: &Tokens<'_>, language: usize) -> f32 {
    let Some(lexicon) = LEXICONS.get(language) else { return 0.0 };
    let mut hit = vec![false; tokens.list.len()];
    for found in lexicon.find(tokens, &[]) {
        let says = lexicon.cue(found.cue).is_some_and(|c| c.sentiment().is_some() || c.categories().next().is_some());
        if says {
            hit.iter_mut().take(found.end).skip(found.start).for_each(|h| *h = true);
        }
    }
    let words = tokens.list.iter().zip(hit).filter(|(t, hit)| *hit && t.kind == tokens::Kind::Word).count();
    (words as f32 * 0.5).min(2.0)
}

/// A text in a language without a folder: stars, emoji, the kind of source and what people taught are all that speaks.
fn without_model(
    input: &Input<'_>,
    language: Language,
    tokens: &Tokens<'_>,
    mood: &sentiment::Mood<'_>,
    taught: taught::Taught<'_>,
) -> Classification {
    let taught = taught.alone();
    let category = taught.category.unwrap_or(if input.press { Category::Press } else { Category::Other });
    let mut notes = taught.notes;
    notes.extend(mood.notes.iter().cloned());
    if input.press && taught.category.is_none() {
        notes.push(Note::general(Says::Category(Category::Press), "a publisher's feed"));
    }
    let sentiment = match taught.sentiment {
        Some(label) => Sentiment { label, score: (label as u8 as f32 - 2.0) / 2.0 },
        None => mood.sentiment(),
    };
    let base = if category.is_grievance() { Severity::Medium } else { Severity::Low };
    Classification {
        language,
        sentiment,
        category,
        categories: vec![Scored { name: category, score: if taught.category.is_some() { 0.9 } else { 0.3 } }],
        severity: taught.severity.unwrap_or(base),
        flags: taught.flags,
        cues: cues(tokens, notes),
    }
}

/// What is read of a mention.
struct Document {
    text: String,
    /// Where the pieces of the (trimmed) text lie in it, in their order.
    pieces: Vec<Piece>,
}

/// The bytes `from..to` of a text lie at `at` of its document.
#[derive(Clone, Copy)]
struct Piece {
    from: usize,
    to: usize,
    at: usize,
}

/// Title and text as one document; a text that begins with its own title is not read twice. Of a very long text only
/// the beginning and what stands around the matched words is read: articles speak of much else.
fn document(input: &Input<'_>) -> Document {
    let (title, text) = (input.title.trim(), input.text.trim());
    // Some sources cut the text for the title: `I bought a pho…`.
    let cut = title.trim_end_matches(['…', '.', ' ']);
    let told = title.is_empty()
        || text.starts_with(title)
        || !cut.is_empty() && cut.len() < title.len() && text.starts_with(cut);
    let mut doc = Document { text: String::new(), pieces: Vec::new() };
    if !told {
        doc.text = format!("{title}\n");
    }
    for (from, to) in parts(text, input) {
        if !doc.pieces.is_empty() {
            doc.text.push('\n');
        }
        doc.pieces.push(Piece { from, to, at: doc.text.len() });
        doc.text.push_str(text.get(from..to).unwrap_or(""));
    }
    doc
}

/// Texts up to so many bytes are read whole …
const WHOLE: usize = 4_000;
/// … of longer ones so much of the beginning …
const BEGINNING: usize = 2_500;
/// … and so much before and after each matched word …
const AROUND: usize = 400;
/// … of the first so many.
const MOST_PLACES: usize = 8;

/// The parts of a text that are read: bytes from, to; in order, apart from each other.
fn parts(text: &str, input: &Input<'_>) -> Vec<(usize, usize)> {
    if text.len() <= WHOLE {
        return vec![(0, text.len())];
    }
    let lost = input.text.len() - input.text.trim_start().len();
    let mut places: Vec<(usize, usize)> = input
        .watchlists
        .iter()
        .flat_map(|w| &w.matched)
        .filter(|m| m.part == Part::Text && m.start >= lost)
        .map(|m| ((m.start - lost).saturating_sub(AROUND), m.end.saturating_sub(lost).saturating_add(AROUND)))
        .filter(|(_, to)| *to > BEGINNING)
        .collect();
    places.sort_unstable();
    places.truncate(MOST_PLACES);
    let mut parts = vec![(0, BEGINNING)];
    for (from, to) in places {
        match parts.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => parts.push((from, to)),
        }
    }
    parts.into_iter().map(|(from, to)| (word_end(text, from), word_end(text, to))).filter(|(a, b)| a < b).collect()
}

/// The end of the word that stands at this byte; of what has no spaces, soon.
fn word_end(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    if at == 0 {
        return 0;
    }
    while !text.is_char_boundary(at) {
        at += 1;
    }
    let rest = text.get(at..).unwrap_or("");
    at + rest.char_indices().take(40).find(|(_, c)| c.is_whitespace()).map_or(0, |(i, _)| i)
}

/// The notes in the model's terms, each once.
fn cues(tokens: &Tokens<'_>, notes: Vec<Note<'_>>) -> Vec<Cue> {
    let mut cues: Vec<Cue> = Vec::with_capacity(notes.len().min(MOST_CUES));
    for note in notes {
        if cues.len() == MOST_CUES {
            break;
        }
        let cue =
            Cue { text: tokens.written(note.start, note.end), effect: note.says.written(), why: note.why.written() };
        if !cues.contains(&cue) {
            cues.push(cue);
        }
    }
    cues
}

#[expect(clippy::panic, reason = "the tables are part of the binary, and a test reads all of them")]
fn cues_of(data: &[u8]) -> Lexicon {
    match packed::unpack(data).and_then(Lexicon::of) {
        Ok(lexicon) => lexicon,
        Err(error) => panic!("embedded cues: {error}"),
    }
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
