//! Labelled texts: what a file asks, what its labels mean, and how often the classifier agrees.

use std::path::Path;

use serde_json::json;

use super::super::Failure;
use super::super::output::{say, say_json, table};
use super::Judge;
use super::score::Tally;
use crate::model::{Category, Classification, SentimentLabel, Severity};
use crate::text::known::unknown;

/// The labels of known files.
const KNOWN: &str = include_str!("labels.tsv");
/// Longest file that is read.
const MAX_FILE: u64 = 256 << 20;
/// Labels that nobody knows and that are told of, the first.
const TOLD: usize = 5;
/// Characters of a text that are shown beside how it was judged.
const SHOWN: usize = 200;
/// The questions that have answers in mentiond's own words.
const OWN: [&str; 3] = ["category", "sentiment", "severity"];

/// One line of the table of labels.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Meaning {
    file: String,
    question: String,
    label: String,
    answers: String,
}

/// A labelled file, taken apart.
struct Labelled {
    name: String,
    head: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    /// Where it stands in the file; the header is 1.
    line: usize,
    cells: Vec<String>,
}

/// What was counted for one question.
struct Asked {
    question: String,
    tally: Tally,
    /// Rows that were left out.
    left_out: usize,
    /// The first rows that were judged otherwise, as many as were asked for.
    wrong: Vec<Wrong>,
    /// Labels that are nobody's words, with their lines.
    unknown: Vec<String>,
}

/// A row that was judged otherwise than it is labelled.
struct Wrong {
    line: usize,
    right: String,
    said: String,
    /// What decided, in English.
    because: Vec<String>,
    text: String,
}

/// Evaluates the files and prints what came of it.
///
/// # Errors
/// A file cannot be read, or has nothing that can be compared.
pub(super) fn run(
    files: &[impl AsRef<Path>],
    labels: Option<&Path>,
    judge: &mut dyn Judge,
    wrong: usize,
    json: bool,
) -> Result<(), Failure> {
    let mut meanings = Vec::new();
    if let Some(path) = labels {
        meanings.extend(parse(&read(path)?, &path.display().to_string())?);
    }
    meanings.extend(parse(KNOWN, "labels.tsv")?);
    let mut results = Vec::new();
    for path in files {
        let path = path.as_ref();
        let file = take_apart(path, &read(path)?)?;
        let asked = evaluate(&file, &meanings, judge, wrong);
        let unknown: Vec<&str> = asked.iter().flat_map(|a| &a.unknown).map(String::as_str).collect();
        if !unknown.is_empty() {
            return Err(Failure::Failed(of_unknown(path, &unknown)));
        }
        if asked.is_empty() {
            return Err(Failure::Failed(format!("{}: nothing to compare: {}", path.display(), file.lacks())));
        }
        results.push((file.name, asked));
    }
    if json {
        let list: Vec<_> = results
            .iter()
            .flat_map(|(name, asked)| asked.iter().map(move |a| (name, a)))
            .map(|(name, a)| {
                let mut value = a.tally.to_json();
                value["file"] = json!(name);
                value["question"] = json!(a.question);
                value["left_out"] = json!(a.left_out);
                value["wrong"] = a.wrong.iter().map(Wrong::to_json).collect();
                value
            })
            .collect();
        return say_json(&json!(list));
    }
    match results.as_slice() {
        [(name, asked)] => say(&asked.iter().map(|a| in_full(name, a)).collect::<Vec<_>>().join("\n\n")),
        several => {
            say(&in_a_table(several));
            for (name, asked) in several.iter().flat_map(|(name, asked)| asked.iter().map(move |a| (name, a))) {
                if !asked.wrong.is_empty() {
                    say(&format!("\n{name}, {}:{}", asked.question, in_lines(&asked.wrong)));
                }
            }
        }
    }
    Ok(())
}

/// What to do about labels that are nobody's words.
fn of_unknown(path: &Path, unknown: &[&str]) -> String {
    let mut told: Vec<String> = unknown.iter().take(TOLD).map(|what| format!("{}, {what}", path.display())).collect();
    if let Some(more) = unknown.len().checked_sub(TOLD).filter(|more| *more > 0) {
        told.push(format!("and {more} more"));
    }
    format!("{}\nA table says what other labels mean: --labels FILE", told.join("\n"))
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |error: String| Failure::Failed(format!("{} cannot be read: {error}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
    if size > MAX_FILE {
        return Err(failed(format!("it has {size} bytes, more than {MAX_FILE}")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::InvalidData => failed("it is no UTF-8; save it with that encoding".to_owned()),
        _ => failed(e.to_string()),
    })?;
    // Some programs begin a file with a byte order mark.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// A stranger's text for a terminal: what could steer it, or turn its lines around, is left out.
fn visible(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|c| !steers(*c)).collect()
}

/// Reads a table of labels.
fn parse(data: &str, name: &str) -> Result<Vec<Meaning>, Failure> {
    let mut meanings = Vec::new();
    for (number, line) in data.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let [file, question, label, answers] = cells.as_slice() else {
            return Err(Failure::Usage(format!(
                "mentiond: {name}, line {}: four columns are wanted (file, question, label, answers), parted by tabs",
                number + 1
            )));
        };
        if kind(question).is_none() {
            return Err(Failure::Usage(format!(
                "mentiond: {name}, line {}: no question is called `{question}`; known: sentiment, two-way, category, \
                 abuse, severity, language",
                number + 1
            )));
        }
        let [file, question, label, answers] = [file, question, label, answers].map(|s| (*s).to_owned());
        meanings.push(Meaning { file, question, label, answers });
    }
    Ok(meanings)
}

fn take_apart(path: &Path, data: &str) -> Result<Labelled, Failure> {
    let cells = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
    let mut lines = data.lines();
    let head = cells(lines.next().unwrap_or(""));
    let rows: Vec<Row> = (2..)
        .zip(lines)
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(line, text)| Row { line, cells: cells(text) })
        .collect();
    if let Some(torn) = rows.iter().find(|r| r.cells.len() != head.len()) {
        return Err(Failure::Failed(format!(
            "{}, line {}: {} columns, but the header names {}",
            path.display(),
            torn.line,
            torn.cells.len(),
            head.len()
        )));
    }
    let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Labelled { name, head, rows })
}

impl Labelled {
    fn cell<'r>(&self, row: &'r Row, column: &str) -> Option<&'r str> {
        let at = self.head.iter().position(|h| h == column)?;
        row.cells.get(at).map(String::as_str)
    }

    /// Why nothing can be compared.
    fn lacks(&self) -> String {
        let has = |column: &str| self.head.iter().any(|h| h == column);
        let columns = visible(&self.head.join("`, `"));
        if !has("text") || !(has("label") || OWN.into_iter().any(has)) {
            return format!(
                "its first line must name the columns `text` and `label` (or `category`, `sentiment`, `severity`), parted by \
                 tabs; it names `{columns}`"
            );
        }
        if self.rows.is_empty() {
            return "there are no rows below its first line".to_owned();
        }
        "most of its labels are none of mentiond's own words; say what they mean in a table (--labels)".to_owned()
    }

    /// Whether a column tells moods in three steps, not in five.
    fn has_three_steps(&self, column: &str) -> bool {
        !self.rows.iter().filter_map(|row| self.cell(row, column)).any(|label| ours(label).starts_with("very-"))
    }

    /// What a column `label` asks most of whose labels are mentiond's own words for it.
    fn asks_in_our_words(&self) -> Option<&'static str> {
        let mut labels: Vec<String> = self.rows.iter().filter_map(|row| self.cell(row, "label")).map(ours).collect();
        labels.sort_unstable();
        labels.dedup();
        OWN.into_iter().find(|question| {
            let known = answers(question);
            2 * labels.iter().filter(|label| known.contains(&label.as_str())).count() > labels.len()
        })
    }
}

/// All answers that a question has in mentiond's own words; none where there is no list of them.
fn answers(question: &str) -> Vec<&'static str> {
    match question {
        "category" => Category::ALL.iter().map(|c| c.as_str()).collect(),
        "sentiment" => SentimentLabel::ALL.iter().map(|s| s.as_str()).collect(),
        "severity" => Severity::ALL.iter().map(|s| s.as_str()).collect(),
        _ => Vec::new(),
    }
}

/// Puts every question that the file has answers for.
fn evaluate(file: &Labelled, meanings: &[Meaning], judge: &mut dyn Judge, wrong: usize) -> Vec<Asked> {
    let own: Vec<&Meaning> = meanings.iter().filter(|m| fits(&m.file, &file.name)).collect();
    let mut questions: Vec<(&str, &str)> = Vec::new();
    for meaning in &own {
        if !questions.iter().any(|(q, _)| *q == meaning.question) {
            questions.push((&meaning.question, "label"));
        }
    }
    if questions.is_empty() {
        questions = OWN.into_iter().filter(|q| file.head.iter().any(|h| h == q)).map(|q| (q, q)).collect();
    }
    if questions.is_empty() {
        questions.extend(file.asks_in_our_words().map(|question| (question, "label")));
    }
    let asked = |(question, column): (&str, &str)| {
        let own: Vec<&Meaning> = own.iter().copied().filter(|m| m.question == question).collect();
        ask(file, question, column, &own, judge, wrong)
    };
    questions.into_iter().map(asked).filter(|a| a.tally.rows() > 0 || !a.unknown.is_empty()).collect()
}

fn ask(
    file: &Labelled,
    question: &str,
    column: &str,
    meanings: &[&Meaning],
    judge: &mut dyn Judge,
    wrong: usize,
) -> Asked {
    let mut asked = Asked {
        question: question.to_owned(),
        tally: Tally::default(),
        left_out: 0,
        wrong: Vec::new(),
        unknown: Vec::new(),
    };
    let known = answers(question);
    let three_steps = question == "sentiment" && meanings.is_empty() && file.has_three_steps(column);
    let silent = |row: &Row| {
        let source = file.cell(row, "source").unwrap_or("");
        meanings.iter().any(|m| m.label.strip_prefix("source~").is_some_and(|s| source.contains(s)))
    };
    for row in &file.rows {
        let (Some(text), Some(label)) = (file.cell(row, "text"), file.cell(row, column)) else { continue };
        let meaning = meanings.iter().find(|m| m.label == label).or_else(|| meanings.iter().find(|m| m.label == "*"));
        if silent(row) || meaning.is_some_and(|m| m.answers == "-") {
            asked.left_out += 1;
            continue;
        }
        if meaning.is_none()
            && !known.is_empty()
            && let Some(why) = unknown(question, &visible(&ours(label)), &known)
        {
            asked.unknown.push(format!("line {}: {why}", row.line));
            continue;
        }
        // Whoever asks for the language must not tell it.
        let lang_hint = if question.starts_with("language") { None } else { file.cell(row, "lang") };
        let rating = file.cell(row, "rating").and_then(|r| r.parse().ok());
        let c = judge.judge(text, lang_hint, rating);
        let Some(mut own) = kind(question).map(|answer| answer(&c)) else { continue };
        if three_steps && let Some(plain) = own.strip_prefix("very-") {
            own = plain.to_owned();
        }
        let right = meaning.map_or_else(|| ours(label), |m| same(meanings, &m.answers));
        let said = meanings
            .iter()
            .find(|m| m.answers.split(',').any(|a| a == own))
            .or_else(|| meanings.iter().find(|m| m.answers == "*"))
            .map_or_else(|| own.clone(), |m| same(meanings, &m.answers));
        asked.tally.add(&right, &said);
        if right != said && asked.wrong.len() < wrong {
            let text = visible(&text.chars().take(SHOWN).collect::<String>());
            asked.wrong.push(Wrong { line: row.line, right, said, because: because(question, &c), text });
        }
    }
    asked
}

/// What decided about a question, in English.
fn because(question: &str, c: &Classification) -> Vec<String> {
    let moved = match question {
        "two-way" => "sentiment",
        "abuse" => "category",
        question => question,
    };
    let cues = c.cues.iter().filter(|cue| cue.effect.split(':').next() == Some(moved));
    cues.map(|cue| match visible(&cue.text) {
        words if words.is_empty() => cue.why.clone(),
        words => format!("“{words}”: {}", cue.why),
    })
    .collect()
}

impl Wrong {
    fn to_json(&self) -> serde_json::Value {
        let Wrong { line, right, said, because, text } = self;
        json!({ "line": line, "right": right, "said": said, "because": because, "text": text })
    }
}

/// Labels with the same answers are one: the first of them.
fn same(meanings: &[&Meaning], answers: &str) -> String {
    let first = meanings.iter().find(|m| m.answers == answers);
    first.map_or_else(|| answers.to_owned(), |m| if m.label == "*" { "any other".to_owned() } else { m.label.clone() })
}

/// A label of a file that uses our own words, or steps from −2 to 2.
fn ours(label: &str) -> String {
    let step = label.parse::<i8>().ok().and_then(|s| SentimentLabel::ALL.get(usize::try_from(s + 2).ok()?));
    step.map_or_else(|| label.replace('_', "-"), |s| s.as_str().to_owned())
}

/// How a question is answered from a classification.
fn kind(question: &str) -> Option<fn(&Classification) -> String> {
    Some(match question {
        "sentiment" => |c| c.sentiment.label.as_str().to_owned(),
        "two-way" => |c| if c.sentiment.score < 0.0 { "negative" } else { "positive" }.to_owned(),
        "category" => |c| c.category.as_str().to_owned(),
        "severity" => |c| c.severity.as_str().to_owned(),
        "abuse" => |c| if c.category == crate::model::Category::Abuse { "yes" } else { "no" }.to_owned(),
        "language" | "language of four" => |c| c.language.code.clone(),
        _ => return None,
    })
}

/// Whether a name fits a pattern with at most one `*`.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
        None => pattern == name,
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// Everything about one question.
fn in_full(name: &str, asked: &Asked) -> String {
    let Asked { question, tally, left_out, wrong, .. } = asked;
    let mut lines = vec![
        format!(
            "{name}, {question}: {} rows{}, accuracy {} %, macro-F1 {} %",
            tally.rows(),
            if *left_out > 0 { format!(" ({left_out} left out)") } else { String::new() },
            percent(tally.accuracy()),
            percent(tally.macro_f1())
        ),
        String::new(),
    ];
    let rows: Vec<Vec<String>> = tally
        .lines()
        .into_iter()
        .map(|l| vec![l.label, l.rows.to_string(), percent(l.precision), percent(l.recall), percent(l.f1)])
        .collect();
    lines.push(table(&["RIGHT ANSWER", "ROWS", "PRECISION", "RECALL", "F1"], &rows));
    lines.push(String::new());
    let mut given: Vec<&str> = tally.confusion().map(|(_, own, _)| own).collect();
    given.sort_unstable();
    given.dedup();
    let mut right: Vec<&str> = tally.confusion().map(|(right, _, _)| right).collect();
    right.dedup();
    let head: Vec<&str> = std::iter::once("RIGHT \\ SAID").chain(given.iter().copied()).collect();
    let count = |a: &str, b: &str| tally.confusion().find(|c| c.0 == a && c.1 == b).map_or(0, |c| c.2);
    let rows: Vec<Vec<String>> = right
        .iter()
        .map(|a| std::iter::once((*a).to_owned()).chain(given.iter().map(|b| count(a, b).to_string())).collect())
        .collect();
    lines.push(table(&head, &rows));
    lines.join("\n") + &in_lines(wrong)
}

/// Rows that were judged otherwise, and what decided.
fn in_lines(wrong: &[Wrong]) -> String {
    let mut lines = String::new();
    for Wrong { line, right, said, because, text } in wrong {
        lines += &format!("\n\nline {line}: {right} was taken for {said}: {text}");
        lines.extend(because.iter().map(|why| format!("\n  {why}")));
    }
    lines
}

/// One line a file and question, as a Markdown table.
fn in_a_table(results: &[(String, Vec<Asked>)]) -> String {
    let mut lines = vec![
        "| set | question | rows | accuracy | macro-F1 | recall of each answer |".to_owned(),
        "|---|---|---:|---:|---:|---|".to_owned(),
    ];
    for (name, asked) in results {
        for Asked { question, tally, .. } in asked {
            let mut each = tally.lines();
            each.sort_by_key(|l| std::cmp::Reverse(l.rows));
            let each: Vec<String> =
                each.iter().take(14).map(|l| format!("{} {:.0}", l.label, l.recall * 100.0)).collect();
            lines.push(format!(
                "| {name} | {question} | {} | {} | {} | {} |",
                tally.rows(),
                percent(tally.accuracy()),
                percent(tally.macro_f1()),
                each.join(", ")
            ));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Classifier;

    fn file(data: &str) -> Labelled {
        take_apart(Path::new("some_en.tsv"), data).expect("a well-formed file")
    }

    #[test]
    fn the_known_labels_are_well_formed() {
        let meanings = parse(KNOWN, "labels.tsv").expect("well formed");
        assert!(meanings.len() > 50);
        for m in &meanings {
            assert!(!m.answers.is_empty() && !m.label.is_empty(), "{m:?}");
        }
    }

    #[test]
    fn labels_are_put_into_our_words() {
        let meanings = parse(
            "some_*\tcategory\tgripe\tcomplaint,refund\nsome_*\tcategory\tsource~x\t-\nsome_*\tcategory\t*\t*\n",
            "a",
        )
        .unwrap();
        let data = "id\tlang\ttext\tlabel\tsource\n\
                    1\ten\tI want my money back, you charged me twice!\tgripe\ta\n\
                    2\ten\tThank you so much, great service!\tfine\ta\n\
                    3\ten\tThank you so much, great service!\tfine\tx\n";
        let asked = evaluate(&file(data), &meanings, &mut Classifier::new(), 9);
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].tally.rows(), asked[0].left_out), (2, 1));
        assert_eq!(asked[0].tally.accuracy(), 1.0, "{:?}", asked[0].tally);
        let shown = in_full("some_en", &asked[0]);
        assert!(
            shown.contains("gripe") && shown.contains("any other") && shown.contains("macro-F1 100.0 %"),
            "{shown}"
        );
    }

    #[test]
    fn a_file_in_our_own_words_needs_no_table() {
        let data = "text\tcategory\tsentiment\tseverity\n\
                    Thank you so much, great service!\tpraise\t2\tlow\n";
        let asked = evaluate(&file(data), &[], &mut Classifier::new(), 9);
        let names: Vec<&str> = asked.iter().map(|a| a.question.as_str()).collect();
        assert_eq!(names, ["category", "sentiment", "severity"]);
        assert_eq!(asked[0].tally.accuracy(), 1.0);
    }

    #[test]
    fn so_does_one_column_of_labels_if_they_are_all_ours() {
        let one = |label: &str| format!("text\tlabel\nThank you so much, great service!\t{label}\n");
        for (label, question) in
            [("praise", "category"), ("very-positive", "sentiment"), ("2", "sentiment"), ("low", "severity")]
        {
            let asked = evaluate(&file(&one(label)), &[], &mut Classifier::new(), 9);
            assert_eq!(asked.iter().map(|a| a.question.as_str()).collect::<Vec<_>>(), [question], "{label}");
            assert_eq!(asked[0].tally.accuracy(), 1.0, "{label}");
        }
        assert!(evaluate(&file(&(one("praise") + "What a day\tgripe\n")), &[], &mut Classifier::new(), 9).is_empty());
        // Most are ours: the rest is misspelt.
        let most = one("praise") + "I want my money back!\trefund\nWhat a day\tprase\n";
        let asked = evaluate(&file(&most), &[], &mut Classifier::new(), 9);
        let told = of_unknown(Path::new("x.tsv"), &[&asked[0].unknown[0]]);
        assert!(told.contains("x.tsv, line 4: there is no category `prase`; did you mean `praise`?"), "{told}");
    }

    #[test]
    fn moods_in_three_steps_are_compared_by_their_side() {
        let data = "text\tsentiment\nI absolutely love it, wonderful, thank you!!!\tpositive\n";
        assert_eq!(evaluate(&file(data), &[], &mut Classifier::new(), 9)[0].tally.accuracy(), 1.0);
        let five = data.to_owned() + "This is the worst shop ever, horrible, I hate it\tvery-negative\n";
        let asked = evaluate(&file(&five), &[], &mut Classifier::new(), 9);
        assert_eq!(asked[0].wrong[0].said, "very-positive");
    }

    #[test]
    fn a_file_that_cannot_be_compared_says_what_it_lacks() {
        for (data, lacks) in [
            ("", "it names ``"),
            ("Text,Label\n", "it names `Text,Label`"),
            ("text\tlabel\n\n", "no rows"),
            ("text\tlabel\nWhat a day\tgripe\n", "--labels"),
        ] {
            assert!(file(data).lacks().contains(lacks), "{data}: {}", file(data).lacks());
        }
        assert_eq!(visible("a\u{1b}[31mb\u{202e}c\n"), "a[31mbc");
    }

    #[test]
    fn mistakes_are_told() {
        assert!(matches!(parse("a\tb\n", "t"), Err(Failure::Usage(m)) if m.contains("t, line 1")));
        assert!(matches!(parse("a\tmood\tx\ty\n", "t"), Err(Failure::Usage(m)) if m.contains("no question")));
        let torn = take_apart(Path::new("x.tsv"), "text\tlabel\nonly one\n");
        assert!(matches!(torn, Err(Failure::Failed(m)) if m.contains("line 2")));
        assert!(evaluate(&file("a\tb\n1\t2\n"), &[], &mut Classifier::new(), 9).is_empty());
    }
}
