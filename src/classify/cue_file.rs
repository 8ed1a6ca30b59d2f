//! The format of the cue files: headings that say what the patterns below them do, and why. See `lang/README.md`.

use thiserror::Error;

use super::tokens::{Tokens, fold_word};
use crate::model::{Category, Severity};

/// What a cue does when it is found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    /// −5 … 5.
    Sentiment(f32),
    /// Weight: 1 a hint, 2 a good reason, 3 decides.
    Category(Category, f32),
    Severity(Severity),
    Flag(String),
    /// What lies inside these words says nothing: `no problem`.
    Ignore,
    /// Tells of the watched brand where others are named: > 0 for it, < 0 against it, −5 … 5.
    Towards(f32),
    /// The trouble is over: weight as for categories.
    Resolved(f32),
    Negator,
    /// Factor for the sentiment of the words beside it.
    Boost(f32),
    /// `but`: what follows weighs more.
    Contrast,
    /// The writer speaks of themselves.
    FirstPerson,
    /// Words of applause, sarcastic when a grievance follows.
    Applause,
}

/// Effects shared by all patterns under a heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cue {
    pub(super) effects: Vec<Effect>,
    /// A short English phrase.
    pub(super) why: String,
    /// Counts only beside a grievance.
    pub(super) weak: bool,
    /// Counts even after a negation.
    pub(super) also_negated: bool,
    /// Counts in full even in a question.
    pub(super) even_asked: bool,
}

impl Cue {
    /// The sum of its sentiment, if it has any.
    pub(super) fn sentiment(&self) -> Option<f32> {
        self.effects.iter().find_map(|e| if let Effect::Sentiment(w) = e { Some(*w) } else { None })
    }

    /// Its categories and their weights.
    pub(super) fn categories(&self) -> impl Iterator<Item = (Category, f32)> + '_ {
        self.effects.iter().filter_map(|e| if let Effect::Category(c, w) = e { Some((*c, *w)) } else { None })
    }

    /// Whether it tells by itself of harm that somebody is blamed for (self-harm and threats blame nobody).
    pub(super) fn accuses(&self) -> bool {
        const BLAME: [&str; 6] = ["legal", "agency", "leak", "discrimination", "safety", "press_threat"];
        let blames = self.has(|e| matches!(e, Effect::Flag(f) if BLAME.contains(&f.as_str())));
        let inner = self.has(|e| matches!(e, Effect::Flag(f) if f == "self-harm" || f == "threat"));
        !self.weak && blames && !inner
    }

    /// Whether one of its effects satisfies `test`.
    pub(super) fn has(&self, test: impl Fn(&Effect) -> bool) -> bool {
        self.effects.iter().any(test)
    }
}

/// One slot of a pattern; words are folded, and end in `*` where they are prefixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Words(Vec<String>),
    /// May be missing.
    Maybe(Vec<String>),
    Class(String),
    /// Up to four words of any kind.
    Gap,
}

/// A pattern and what it does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) pattern: Vec<Piece>,
    /// What stands in the brackets above it.
    pub(super) heading: String,
}

/// What was read from all files of a language.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) rules: Vec<Rule>,
    pub(super) classes: Vec<(String, Vec<Vec<Piece>>)>,
    /// Spelling, and the word it is read as; both folded.
    pub(super) same: Vec<(String, String)>,
}

/// A line that cannot be understood.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{file}, line {line}: {what}")]
pub(super) struct CueError {
    file: String,
    line: usize,
    what: String,
}

impl CueError {
    /// Something that is wrong with the whole.
    pub(super) fn whole(what: String) -> Self {
        CueError { file: "cues".to_owned(), line: 0, what }
    }

    /// What is wrong, without the place.
    pub(super) fn what(&self) -> &str {
        &self.what
    }
}

/// What the lines under the current heading are.
enum Section {
    Cues(String),
    Class(usize),
    Same(String),
}

impl Files {
    /// Reads one file.
    ///
    /// # Errors
    /// The first line that cannot be understood, with what is wrong with it.
    pub(super) fn read(&mut self, file: &str, data: &str) -> Result<(), CueError> {
        let mut section: Option<Section> = None;
        for (number, line) in data.lines().enumerate() {
            let fail = |what: String| CueError { file: file.to_owned(), line: number + 1, what };
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(heading) = line.strip_prefix('[') {
                let heading = heading.strip_suffix(']').ok_or_else(|| fail("a heading ends in `]`".to_owned()))?;
                section = Some(self.heading(heading).map_err(fail)?);
                continue;
            }
            for item in line.split(',').map(str::trim).filter(|i| !i.is_empty()) {
                match &section {
                    None => return Err(fail("a pattern stands before the first heading".to_owned())),
                    Some(Section::Same(word)) => {
                        // Of `re-fund` only `re` would be compared, and every `Re:` be a refund.
                        if Tokens::of(item).list.len() != 1 {
                            return Err(fail(format!("`{item}` is several words: only one can be read as another")));
                        }
                        self.same.push((fold_word(item), word.clone()));
                    }
                    Some(Section::Class(index)) => {
                        let pattern = pattern(item).map_err(fail)?;
                        if let Some((_, members)) = self.classes.get_mut(*index) {
                            members.push(pattern);
                        }
                    }
                    Some(Section::Cues(heading)) => {
                        let pattern = pattern(item).map_err(fail)?;
                        for piece in &pattern {
                            if let Piece::Class(name) = piece {
                                let known = super::lexicon::BUILT_IN.contains(&name.as_str())
                                    || self.classes.iter().any(|(n, _)| n == name);
                                if !known {
                                    return Err(fail(format!("no class is called `{name}`")));
                                }
                            }
                        }
                        self.rules.push(Rule { pattern, heading: heading.clone() });
                    }
                }
            }
        }
        Ok(())
    }

    fn heading(&mut self, heading: &str) -> Result<Section, String> {
        if let Some(name) = heading.strip_prefix("class ") {
            let name = name.trim().to_owned();
            let index = match self.classes.iter().position(|(n, _)| *n == name) {
                Some(index) => index,
                None => {
                    self.classes.push((name, Vec::new()));
                    self.classes.len() - 1
                }
            };
            return Ok(Section::Class(index));
        }
        if let Some(word) = heading.strip_prefix("same as ") {
            return Ok(Section::Same(fold_word(word)));
        }
        Self::cue(heading)?;
        Ok(Section::Cues(heading.to_owned()))
    }

    /// What a heading says: its effects, and after `|` why.
    ///
    /// # Errors
    /// The first effect that is none.
    pub(super) fn cue(heading: &str) -> Result<Cue, String> {
        let (effects, why) = heading.split_once('|').unwrap_or((heading, ""));
        // English for the program's readers; what follows the slash is for those of the file.
        let why = why.split_once(" / ").map_or(why, |(english, _)| english);
        let mut cue = Cue { why: why.trim().to_owned(), ..Cue::default() };
        for effect in effects.split(';') {
            let words: Vec<&str> = effect.split_whitespace().collect();
            match words.as_slice() {
                ["weak"] => cue.weak = true,
                ["also", "negated"] => cue.also_negated = true,
                ["even", "asked"] => cue.even_asked = true,
                other => cue.effects.push(effect_of(other)?),
            }
        }
        Ok(cue)
    }
}

fn effect_of(words: &[&str]) -> Result<Effect, String> {
    let number = |text: &str| text.parse::<f32>().map_err(|_| format!("`{text}` is not a number"));
    Ok(match words {
        ["sentiment", weight] => Effect::Sentiment(number(weight)?),
        ["category", name, weight] => {
            let category = Category::parse(name).ok_or_else(|| format!("no category is called `{name}`"))?;
            Effect::Category(category, number(weight)?)
        }
        ["severity", name] => {
            Effect::Severity(Severity::parse(name).ok_or_else(|| format!("no severity is called `{name}`"))?)
        }
        ["flag", name] => Effect::Flag((*name).to_owned()),
        ["ignore"] => Effect::Ignore,
        ["towards", weight] => Effect::Towards(number(weight)?),
        ["resolved", weight] => Effect::Resolved(number(weight)?),
        ["negator"] => Effect::Negator,
        ["boost", factor] => Effect::Boost(number(factor)?),
        ["contrast"] => Effect::Contrast,
        ["first", "person"] => Effect::FirstPerson,
        ["applause"] => Effect::Applause,
        other => return Err(format!("`{}` is no effect; see lang/README.md", other.join(" "))),
    })
}

/// Reads one pattern.
fn pattern(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    for part in text.split_whitespace() {
        if part == "..." {
            pieces.push(Piece::Gap);
            continue;
        }
        if let Some(name) = part.strip_prefix('<').and_then(|p| p.strip_suffix('>')) {
            pieces.push(Piece::Class(name.to_owned()));
            continue;
        }
        let (body, maybe) = match part.strip_suffix('?') {
            Some(body) if !body.is_empty() => (body, true),
            _ => (part, false),
        };
        if body.contains('|') || maybe {
            let words: Vec<String> = body.split('|').map(slot).collect();
            if words.iter().any(|w| w.is_empty() || w == "*") {
                return Err(format!("`{part}` has an empty alternative"));
            }
            pieces.push(if maybe { Piece::Maybe(words) } else { Piece::Words(words) });
            continue;
        }
        // `e-mail` and `don't` become the tokens that the same words in a text become.
        let open = body.ends_with('*');
        let tokens = Tokens::of(body.trim_end_matches('*'));
        let mut words: Vec<String> = tokens.list.iter().map(|t| tokens.folded(t).to_owned()).collect();
        if let Some(last) = words.last_mut().filter(|_| open) {
            last.push('*');
        }
        if words.is_empty() {
            return Err(format!("`{part}` has no word"));
        }
        pieces.extend(words.into_iter().map(|w| Piece::Words(vec![w])));
    }
    match pieces.as_slice() {
        [] => Err("the pattern is empty".to_owned()),
        [Piece::Gap, ..] | [.., Piece::Gap] => Err(format!("`{text}`: a gap stands between words")),
        p if p.iter().all(|p| matches!(p, Piece::Maybe(_))) => Err(format!("`{text}` could be empty")),
        _ => Ok(pieces),
    }
}

/// A word of a list of alternatives, folded, its `*` kept.
fn slot(word: &str) -> String {
    match word.strip_suffix('*') {
        Some(stem) => format!("{}*", fold_word(stem)),
        None => fold_word(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_says_where_and_what() {
        let table = [
            ("word", "a, line 1: a pattern stands before the first heading"),
            ("[same as refund]\nre-fund", "a, line 2: `re-fund` is several words: only one can be read as another"),
            ("[nonsense 1]", "a, line 1: `nonsense 1` is no effect; see lang/README.md"),
            ("# x\n[category prize 2]", "a, line 2: no category is called `prize`"),
            ("[sentiment much]", "a, line 1: `much` is not a number"),
            ("[severity dire]", "a, line 1: no severity is called `dire`"),
            ("[sentiment 1", "a, line 1: a heading ends in `]`"),
            ("[sentiment 1]\n... word", "a, line 2: `... word`: a gap stands between words"),
            ("[sentiment 1]\n<cat> word", "a, line 2: no class is called `cat`"),
            ("[sentiment 1]\na| b", "a, line 2: `a|` has an empty alternative"),
            ("[sentiment 1]\na?", "a, line 2: `a?` could be empty"),
        ];
        for (data, message) in table {
            let error = Files::default().read("a", data).expect_err(data);
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn headings_hold_several_effects_and_a_reason() {
        let mut files = Files::default();
        files.read("a", "[severity critical; flag legal; weak | a lawyer is named]\nmy lawyer\n").unwrap();
        let cue = &Files::cue(&files.rules[0].heading).unwrap();
        assert!(cue.weak && cue.has(|e| *e == Effect::Severity(Severity::Critical)));
        assert_eq!(cue.why, "a lawyer is named");
        files.read("a", "[category praise 2 | thanks / takker]\ntak\n").unwrap();
        assert_eq!(
            Files::cue(&files.rules[1].heading).unwrap().why,
            "thanks",
            "what follows the slash is for readers of the file"
        );
        assert_eq!(files.rules[0].pattern.len(), 2);
    }
}
