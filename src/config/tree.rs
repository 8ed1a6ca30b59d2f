//! The raw configuration: every file's tables as one tree in order of appearance, each value with its place. A broken
//! file is read as far as it goes, so that all its mistakes are told at once.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::diagnostic::{Findings, Span};
use super::literal;

/// Syntax mistakes that are looked for in one file before giving up on it.
const MAX_SYNTAX_ERRORS: usize = 50;
/// A reading with more mistakes than this is no configuration at all: the first few are told, and that is that.
const HOPELESS: usize = 500;

/// A value and where it stands; for a table with a header, the header.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) span: Span,
}

/// The kinds of value that a configuration may hold.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    /// A number with a fraction, a date, or an integer beyond 64 bits: no key wants one.
    Odd(&'static str),
}

/// The keys of a table in order of appearance.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(pub(super) Vec<Entry>);

/// One key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Span,
    pub(super) node: Node,
}

impl Value {
    /// What it is, for "expected …, found …".
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a number",
            Value::Boolean(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Odd(kind) => kind,
        }
    }
}

impl Table {
    /// The entry of that key.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }
}

/// Reads one file; syntax mistakes go to `found`, and what can be read all the same is returned.
pub(super) fn parse(text: &str, file: usize, found: &mut Findings) -> Table {
    let mut work = text.to_owned();
    for _ in 0..MAX_SYNTAX_ERRORS {
        let (root, mut errors) = DeTable::parse_recoverable(&work);
        errors.sort_by_key(|error| error.span().map_or(usize::MAX, |span| span.start));
        let Some(error) = errors.first() else { return table(root.get_ref(), file) };
        found.set_incomplete();
        if errors.len() > HOPELESS {
            for error in errors.iter().take(MAX_SYNTAX_ERRORS) {
                let at = error.span().unwrap_or(0..0);
                found.error(Span { file, start: at.start, end: at.end }, plain(error.message()));
            }
            return table(root.get_ref(), file);
        }
        // The parser stops or stumbles on after a mistake, so only the first is trusted: its statement is blanked
        // (positions stay the same) and the rest is read again.
        let at = error.span().unwrap_or(0..0);
        let opening = enclosing(root.get_ref(), at.start, &work);
        match opening {
            Some(start) => {
                let what = if work[start..].starts_with(['"', '\'']) { "text" } else { "list or table" };
                let bytes = if work[start..].starts_with("\"\"\"") || work[start..].starts_with("'''") { 3 } else { 1 };
                found
                    .error(
                        Span { file, start, end: start + bytes },
                        format!("the {what} that starts here is not closed, or broken further down"),
                    )
                    .help(format!("line {}: {}", line_number(&work, at.start), plain(error.message())));
            }
            None => {
                let message = error.message();
                // An empty place where a value was expected: nothing follows `=`.
                let missing = at.is_empty() && message.starts_with("string values must be quoted");
                let words = if missing { "a value is missing after `=`".to_owned() } else { plain(message) };
                found.error(Span { file, start: at.start, end: at.end }, words).maybe_help(hint(message));
            }
        }
        let Some(broken) = statement(&work, opening.unwrap_or(at.start), opening.is_some()) else {
            return table(root.get_ref(), file);
        };
        let blank: String = work[broken.clone()].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
        work.replace_range(broken, &blank);
    }
    table(DeTable::parse_recoverable(&work).0.get_ref(), file)
}

/// The place of the bytes `range` of a text value; `source` is its whole file.
pub(super) fn inside(node: &Node, source: &str, range: Range<usize>) -> Span {
    let Some(raw) = source.get(node.span.start..node.span.end) else { return node.span };
    let found = literal::locate(raw, range);
    Span { file: node.span.file, start: node.span.start + found.start, end: node.span.start + found.end }
}

fn table(from: &DeTable<'_>, file: usize) -> Table {
    let mut entries: Vec<Entry> = from
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            at: Span { file, start: key.span().start, end: key.span().end },
            node: node(value, file),
        })
        .collect();
    entries.sort_by_key(|entry| entry.at.start);
    Table(entries)
}

fn node(from: &toml::Spanned<DeValue<'_>>, file: usize) -> Node {
    let value = match from.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
            .map_or(Value::Odd("a number that is far too large"), Value::Integer),
        DeValue::Float(_) => Value::Odd("a number with a fraction"),
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(_) => Value::Odd("a date or time without quotes"),
        DeValue::Array(list) => Value::List(list.iter().map(|item| node(item, file)).collect()),
        DeValue::Table(inner) => Value::Table(table(inner, file)),
    };
    Node { value, span: Span { file, start: from.span().start, end: from.span().end } }
}

/// Start of the value that holds `offset` but began on an earlier line: the mistake is likely to be there.
fn enclosing(from: &DeTable<'_>, offset: usize, text: &str) -> Option<usize> {
    from.iter().find_map(|(_, value)| {
        let span = value.span();
        match value.get_ref() {
            DeValue::Table(inner) if text[span.start..].starts_with('[') || !text[span.start..].starts_with('{') => {
                enclosing(inner, offset, text)
            }
            DeValue::Array(list)
                if list.iter().all(|v| text[v.span().start..].starts_with("[[")) && !list.is_empty() =>
            {
                list.iter().find_map(|v| enclosing(v.get_ref().as_table()?, offset, text))
            }
            _ => (span.start < offset && offset <= span.end && text[span.start..offset].contains('\n'))
                .then_some(span.start),
        }
    })
}

/// The line at `offset`, and the lines that continue it if it opens a value; `None` if there is nothing in them.
fn statement(text: &str, offset: usize, continues: bool) -> Option<Range<usize>> {
    let offset = offset.min(text.len());
    // A mistake "at the end" is reported behind the last newline.
    let from = text[..offset].trim_end_matches(['\n', '\r', ' ']).rfind('\n').map_or(0, |n| n + 1);
    let line_start = text[..offset].rfind('\n').map_or(0, |n| n + 1);
    let start = if text[line_start..].lines().next().is_none_or(|l| l.trim().is_empty()) { from } else { line_start };
    let mut end = start;
    // What stands under a broken header would be taken for a part of the table above it.
    let header = text[start..].trim_start_matches([' ', '\t']).starts_with('[');
    for (index, line) in text[start..].split_inclusive('\n').enumerate() {
        let trimmed = line.trim();
        let goes_on = match (header, continues) {
            (true, _) => !line.starts_with('['),
            (false, true) => !trimmed.is_empty() && !trimmed.starts_with('#') && !starts_statement(trimmed),
            (false, false) => false,
        };
        if index > 0 && !goes_on {
            break;
        }
        end += line.len();
    }
    (!text[start..end].trim().is_empty()).then_some(start..end)
}

/// Whether a line looks like `key = …` or `[header]`.
fn starts_statement(line: &str) -> bool {
    let key_len = line.find(|c: char| !(c.is_ascii_alphanumeric() || "_-.\"'".contains(c))).unwrap_or(line.len());
    if key_len > 0 {
        return line[key_len..].trim_start().starts_with('=');
    }
    line.starts_with('[') && line.split('#').next().unwrap_or(line).trim_end().ends_with(']') && !line.contains(',')
}

fn line_number(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1
}

/// The parser's words in a plain sentence.
fn plain(message: &str) -> String {
    let known = [
        ("key with no value", "a key without a value: `=` is missing"),
        ("string values must be quoted", "a text must stand in quotes"),
        ("duplicate key", "this is set twice"),
        ("unclosed table", "`]` is missing"),
        ("missing comma between array elements", "a comma is missing between two values of a list"),
        ("missing table open", "`[` is missing"),
        ("unquoted keys cannot be empty", "a key is missing before `=`"),
    ];
    match known.iter().find(|(start, _)| message.starts_with(start)) {
        Some((_, words)) => (*words).to_owned(),
        None => format!("this is not valid TOML: {message}"),
    }
}

fn hint(message: &str) -> Option<String> {
    let known = [
        ("key with no value", "write `key = \"value\"`"),
        (
            "string values must be quoted",
            "write `key = \"value\"`; only numbers, true, false and lists go without quotes",
        ),
        ("duplicate key", "keep one of them"),
        ("invalid basic string", "a text ends with the quote it began with, on the same line"),
        ("invalid literal string", "a text ends with the quote it began with, on the same line"),
    ];
    known.iter().find(|(start, _)| message.starts_with(start)).map(|(_, words)| (*words).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spots(text: &str) -> Vec<(usize, String)> {
        let mut found = Findings::default();
        parse(text, 0, &mut found);
        let files = super::super::files::Files::single("t.toml", text);
        found.finish(&files).0.into_iter().map(|d| (d.line, d.message)).collect()
    }

    #[test]
    fn all_syntax_mistakes_are_found() {
        let text = "[daemon]\nstate =\nfoo\nlanguage = es\n[mail]\nfrom = \"x\n[mail]\nx=1\n[watchlists.a]\nquery='x'\nquery='y'\n";
        let lines: Vec<usize> = spots(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [2, 3, 4, 6, 7, 11]);
    }

    #[test]
    fn an_open_list_is_reported_where_it_starts_and_once() {
        let found = spots("[a]\nk = [\n  \"x\",\n  \"y\"\n\n[b]\nc = 1\nd = \n");
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 8], "{found:?}");
        assert!(found[0].1.contains("starts here"), "{found:?}");
    }

    #[test]
    fn an_open_text_is_reported_where_it_starts() {
        let found = spots("[a]\nk = \"\"\"\n  \"x\",\n\n[b]\nc = 1\n");
        assert_eq!(found[0].0, 2, "{found:?}");
    }

    #[test]
    fn what_stands_beside_a_mistake_is_still_read() {
        let mut found = Findings::default();
        let root = parse("broken\n[a]\nk = 1\n", 0, &mut found);
        assert!(matches!(&root.get("a").unwrap().node.value, Value::Table(t) if t.get("k").is_some()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}=\"'a-c.,#\n\\\\ 1é]{0,80}") {
            let _ = spots(&text);
        }
    }
}
