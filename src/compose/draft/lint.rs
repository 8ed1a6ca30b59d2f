//! What no draft says: words that make light of a grievance, that blame its author, or that promise; and personal data.
//! The phrases stand in `drafts/<language>/never.txt`, with the words that are not quoted from a post.

use std::ops::Range;
use std::sync::LazyLock;

use super::super::clean::clean_line;
use super::super::mask::{Masker, fold};
use super::super::words::{About, Masks, catalogue};
use super::LANGUAGES;
use super::template::{DraftProblem, lines};

/// Why words are not said, or not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Minimising,
    Blame,
    Promise,
    /// Health, family, money, faith: written by the author, but not to be repeated.
    Private,
    Coarse,
}

/// Phrases of one language.
struct Never(Vec<(Fault, Vec<Part>)>);

/// One word of a phrase.
enum Part {
    Word(String),
    /// Every word that begins so.
    Beginning(String),
    /// Every word that begins with a digit.
    Number,
}

const SOURCES: [&str; 4] = [
    include_str!("../drafts/en/never.txt"),
    include_str!("../drafts/es/never.txt"),
    include_str!("../drafts/pt/never.txt"),
    include_str!("../drafts/da/never.txt"),
];

static NEVER: [LazyLock<Never>; 4] = [
    LazyLock::new(|| Never::read(SOURCES[0])),
    LazyLock::new(|| Never::read(SOURCES[1])),
    LazyLock::new(|| Never::read(SOURCES[2])),
    LazyLock::new(|| Never::read(SOURCES[3])),
];

/// Looks at the words of a draft's file.
pub(super) fn look(text: &str, language: &str, problems: &mut Vec<DraftProblem>) {
    // What people write about themselves is not quoted; a draft of the operator's own may speak of doctors.
    for (fault, at) in phrases(text, language, &[Fault::Minimising, Fault::Blame, Fault::Promise]) {
        let (what, help) = match fault {
            Fault::Minimising => ("makes light of what happened", "say that you are sorry, and what happens next"),
            Fault::Blame => (
                "puts the fault on the person, or leaves open whether anything happened",
                "say what you are sorry for, without an \"if\"",
            ),
            Fault::Promise => {
                ("promises money, a time or a result", "say who takes it from here; what comes of it is not known yet")
            }
            Fault::Private | Fault::Coarse => continue,
        };
        problems.push(DraftProblem::new(at.clone(), format!("“{}” {what}", &text[at]), help));
    }
    let masks = masks();
    for (range, line) in lines(text) {
        // A link to a page of one's own is nobody's personal data.
        let words: Vec<&str> =
            line.split_whitespace().filter(|w| !w.contains("://") && !w.starts_with("www.")).collect();
        let plain = clean_line(&words.join(" "));
        if Masker::new(masks, None, std::iter::empty()).mask_str(&plain) != plain {
            problems.push(DraftProblem::new(
                range,
                "this line holds personal data: a mail address, a number or a person's handle",
                "take it out: drafts are answers in public; a link to your contact page can stay",
            ));
        }
    }
}

/// Whether a text holds words that are not quoted in public.
pub(super) fn is_unquotable(text: &str, language: &str) -> bool {
    !phrases(text, language, &[Fault::Private, Fault::Coarse]).is_empty()
}

/// Phrases of `never.txt` against these faults in a text, with their places; comments are left out.
fn phrases(text: &str, language: &str, faults: &[Fault]) -> Vec<(Fault, Range<usize>)> {
    let Some(index) = LANGUAGES.iter().position(|l| *l == language) else { return Vec::new() };
    let never = &NEVER[index].0;
    let words: Vec<(Range<usize>, String)> = lines(text)
        .flat_map(|(range, line)| words(line).map(move |r| r.start + range.start..r.end + range.start))
        .map(|r| (r.clone(), fold(&text[r]).replace('’', "'")))
        .collect();
    let mut found: Vec<(Fault, Range<usize>)> = Vec::new();
    for (at, (first, _)) in words.iter().enumerate() {
        // What stands inside a longer phrase was told with it.
        if found.last().is_some_and(|(_, told)| told.end > first.start) {
            continue;
        }
        let fits = |phrase: &Vec<Part>| {
            words.get(at..at + phrase.len()).is_some_and(|run| phrase.iter().zip(run).all(|(p, (_, w))| p.fits(w)))
        };
        // The longest, so that the caret shows all of it.
        let longest = never
            .iter()
            .filter(|(fault, phrase)| faults.contains(fault) && fits(phrase))
            .max_by_key(|(_, phrase)| phrase.len());
        if let Some((fault, phrase)) = longest
            && let Some((last, _)) = words.get(at + phrase.len() - 1)
        {
            found.push((*fault, first.start..last.end));
        }
    }
    found
}

impl Never {
    /// One phrase a line under `[fault]`; a test reads every file.
    fn read(source: &str) -> Self {
        let mut phrases = Vec::new();
        let mut fault = None;
        for line in source.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("# ")) {
            if let Some(heading) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                fault = Fault::parse(heading);
            } else if let Some(fault) = fault {
                phrases.push((fault, line.split(' ').map(Part::read).collect()));
            }
        }
        Self(phrases)
    }
}

impl Fault {
    fn parse(heading: &str) -> Option<Self> {
        Some(match heading {
            "minimising" => Self::Minimising,
            "blame" => Self::Blame,
            "promise" => Self::Promise,
            "private" => Self::Private,
            "coarse" => Self::Coarse,
            _ => return None,
        })
    }
}

impl Part {
    fn read(word: &str) -> Self {
        match (word, word.strip_suffix('*')) {
            ("#", _) => Self::Number,
            (_, Some(beginning)) => Self::Beginning(fold(beginning)),
            (_, None) => Self::Word(fold(word)),
        }
    }

    fn fits(&self, word: &str) -> bool {
        match self {
            Self::Word(own) => own == word,
            Self::Beginning(own) => word.starts_with(own.as_str()),
            Self::Number => word.starts_with(|c: char| c.is_numeric()),
        }
    }
}

/// Runs of letters and digits, with apostrophes and hyphens inside.
pub(super) fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let inner = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '-') || is_mark(c);
        let start = at + text[at..].find(|c: char| c.is_alphanumeric())?;
        let end = text[start..].find(|c| !inner(c)).map_or(text.len(), |i| start + i);
        at = end;
        let end = start + text[start..end].trim_end_matches(['\'', '’', '-']).len();
        Some(start..end)
    })
}

fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

/// Any catalogue's masks will do: only whether something is masked counts.
fn masks() -> &'static Masks {
    &catalogue("en", About::Mention).masks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_lists_is_under_a_known_heading() {
        for (language, source) in LANGUAGES.iter().zip(SOURCES) {
            let mut seen = Vec::new();
            for line in source.lines().filter(|l| l.starts_with('[')) {
                seen.push(Fault::parse(line.trim_matches(['[', ']'])).unwrap_or_else(|| panic!("{language}: {line}")));
            }
            let all = [Fault::Minimising, Fault::Blame, Fault::Promise, Fault::Private, Fault::Coarse];
            assert_eq!(seen, all, "{language}");
            let phrases = source.lines().filter(|l| !l.is_empty() && !l.starts_with(['[', '#'])).count();
            assert_eq!(Never::read(source).0.len(), phrases, "{language}");
            assert!(source.lines().all(|l| l == l.trim() && (l.starts_with('#') || !l.contains("  "))), "{language}");
        }
    }
}
