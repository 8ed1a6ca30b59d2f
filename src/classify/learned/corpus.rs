//! What the models are made from: labelled texts and lexicons, as they lie in the project.

use super::train::codes;
use crate::model::{Category, Severity};

/// What a row of the classifier's own tests counts: it must hold.
const EXAMPLE: f32 = 3.0;

/// One line of a corpus.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// Place in the registry of languages.
    pub language: usize,
    pub text: String,
    /// `None` for what is not labelled.
    pub category: Option<Category>,
    pub also: Vec<Category>,
    /// −2 … 2.
    pub sentiment: Option<i8>,
    pub severity: Option<Severity>,
    pub brand: String,
    /// What it counts beside the others.
    pub weight: f32,
}

/// What the models of all languages are made from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub rows: Vec<Labelled>,
    /// `lexicon.tsv` of each language, in the order of the registry.
    pub lexicons: Vec<String>,
}

impl Sources {
    /// Reads the files below `lang/`: each language's `lexicon.tsv`, all of `corpus/` in the order of the names, and the
    /// tables of the classifier's tests that the rules were mended with. `read` gives a file's text, `list` the names in
    /// a folder.
    ///
    /// # Errors
    /// The first line that cannot be understood, with its file and what is wrong with it.
    pub fn read(
        read: &mut dyn FnMut(&str) -> Option<String>,
        list: &mut dyn FnMut(&str) -> Vec<String>,
    ) -> Result<Self, String> {
        let mut sources = Sources::default();
        for (language, code) in codes().into_iter().enumerate() {
            let folder = format!("{code}/corpus");
            let mut names: Vec<String> = list(&folder).into_iter().filter(|n| n.ends_with(".tsv")).collect();
            names.sort();
            for name in names {
                let path = format!("{folder}/{name}");
                let data = read(&path).unwrap_or_default();
                sources.rows.extend(parse(language, &data).map_err(|e| format!("{path}, {e}"))?);
            }
            for path in [format!("../tests/{code}.tsv"), format!("../tests/tuned/{code}.tsv")] {
                let data = read(&path).unwrap_or_default();
                sources.rows.extend(examples(language, &data).map_err(|e| format!("{path}, {e}"))?);
            }
            sources.lexicons.push(read(&format!("{code}/lexicon.tsv")).unwrap_or_default());
        }
        Ok(sources)
    }
}

/// Reads a corpus file: header, then text, category, also, sentiment, severity, flags, brand.
///
/// # Errors
/// The first line that cannot be understood, with what is wrong with it.
pub fn parse(language: usize, data: &str) -> Result<Vec<Labelled>, String> {
    let mut rows = Vec::new();
    for (number, line) in data.lines().enumerate().skip(1) {
        let fail = |what: &str| format!("line {}: {what}: {line}", number + 1);
        if line.is_empty() {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').collect();
        let [text, category, also, sentiment, severity, _flags, brand] = cells.as_slice() else {
            return Err(fail("seven columns are wanted"));
        };
        let parse = |name: &str| Category::parse(name.trim()).ok_or_else(|| fail("no such category"));
        rows.push(Labelled {
            language,
            text: (*text).to_owned(),
            category: Some(parse(category)?),
            also: also.split(',').filter(|n| !n.trim().is_empty()).map(parse).collect::<Result<_, _>>()?,
            sentiment: Some(
                sentiment.parse().ok().filter(|s| (-2..=2).contains(s)).ok_or_else(|| fail("sentiment is -2 … 2"))?,
            ),
            severity: Some(Severity::parse(severity).ok_or_else(|| fail("no such severity"))?),
            brand: (*brand).to_owned(),
            weight: 1.0,
        });
    }
    Ok(rows)
}

/// Reads a table of the classifier's own tests: category, severity, sentiment, perhaps a flag, text. Its sentiment has
/// three steps, so that only the middle one is told.
///
/// # Errors
/// The first line that cannot be understood, with what is wrong with it.
pub fn examples(language: usize, data: &str) -> Result<Vec<Labelled>, String> {
    let mut rows = Vec::new();
    for line in data.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [category, severity, sentiment, .., text] = cells.as_slice() else {
            return Err(format!("four columns are wanted: {line}"));
        };
        rows.push(Labelled {
            language,
            text: (*text).to_owned(),
            category: Some(Category::parse(category).ok_or_else(|| format!("no such category: {line}"))?),
            also: Vec::new(),
            sentiment: (*sentiment == "neutral").then_some(0),
            severity: Some(Severity::parse(severity).ok_or_else(|| format!("no such severity: {line}"))?),
            brand: String::new(),
            weight: EXAMPLE,
        });
    }
    Ok(rows)
}
