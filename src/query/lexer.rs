//! A query's text to tokens with spans. Knows the signs of the language, not what may stand where.

use std::ops::Range;

use super::QueryError;
use super::ast::{Compare, Form};
use super::fields::{self, Field};
use crate::text::fold;

/// Fewest letters before a `*`: with fewer it would find nearly everything.
const MIN_PREFIX: usize = 3;
/// Fewest letters beside `?`.
const MIN_FIXED: usize = 2;
/// Widest distance of NEAR and `~`, in words.
const MAX_DISTANCE: u32 = 100;
/// Longest regular expression, in bytes.
const MAX_REGEX: usize = 1000;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Open,
    Close,
    And,
    Or,
    Not,
    Near {
        distance: u32,
        ordered: bool,
    },
    Field {
        field: Field,
        compare: Option<Compare>,
    },
    Words {
        form: Form,
        label: String,
    },
    /// Something that was wrong and has been reported: it stands where words would.
    Wrong,
}

/// All tokens of `source`; mistakes go to `errors`.
pub(super) fn tokens(source: &str, errors: &mut Vec<QueryError>) -> Vec<Token> {
    let mut lexer = Lexer { source, at: 0, tokens: Vec::new(), errors };
    while lexer.skip_space() {
        lexer.one(false);
    }
    lexer.tokens
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    tokens: Vec<Token>,
    errors: &'a mut Vec<QueryError>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Moves to the next sign; false at the end.
    fn skip_space(&mut self) -> bool {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
        self.at < self.source.len()
    }

    fn push(&mut self, kind: Kind, end: usize) {
        self.tokens.push(Token { kind, span: self.at..end });
        self.at = end;
    }

    fn wrong(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(QueryError { span, message: message.into(), help: Some(help.into()) });
    }

    /// Reads one token. `value`: it stands behind `field:`, where a colon has no meaning.
    fn one(&mut self, value: bool) {
        let Some(c) = self.peek() else { return };
        let after = self.at + c.len_utf8();
        match c {
            '(' => self.push(Kind::Open, after),
            ')' => self.push(Kind::Close, after),
            '"' | '\u{201c}' | '\u{201d}' | '\u{201e}' => self.phrase(c),
            '`' => self.enclosed('`', Form::Literal, "backtick"),
            '{' => self.enclosed('}', Form::Exact, "curly bracket"),
            '[' | ']' | '}' => {
                let help = if c == '}' {
                    "curly brackets come in pairs and hold words that are meant exactly as written: `{Apple}`"
                } else {
                    "use round brackets: `(a OR b)`; for the sign itself, put the term in backticks"
                };
                self.wrong(self.at..after, format!("`{c}` has no meaning here"), help);
                self.at = after;
            }
            '/' => self.regex(),
            '-' => self.minus(after),
            '\u{2013}' | '\u{2014}' | '\u{2212}'
                if self.rest()[c.len_utf8()..].starts_with(|n: char| !n.is_whitespace()) =>
            {
                self.wrong(
                    self.at..after,
                    format!("`{c}` is a long dash, which excludes nothing"),
                    "use the plain hyphen: `-word`",
                );
                self.at = after;
            }
            _ => self.bare(value),
        }
    }

    fn minus(&mut self, after: usize) {
        match self.rest()[1..].chars().next() {
            Some('-') => {
                let end = self.at + self.rest().len() - self.rest().trim_start_matches('-').len();
                self.wrong(
                    self.at..end,
                    "several minus signs in a row",
                    "one `-` excludes what follows it; for the sign itself use backticks",
                );
                self.at = end;
            }
            Some(next) if !next.is_whitespace() && next != ')' => self.push(Kind::Not, after),
            _ => {
                self.wrong(
                    self.at..after,
                    "a minus with nothing behind it",
                    "write `-word` without a space, or put a term that holds a hyphen in quotes",
                );
                self.at = after;
            }
        }
    }

    fn phrase(&mut self, open: char) {
        let start = self.at + open.len_utf8();
        let closes = |c: char| if open == '"' { c == '"' } else { matches!(c, '"' | '\u{201c}' | '\u{201d}') };
        let (mut label, mut end, mut escaped) = (String::new(), None, false);
        for (offset, c) in self.source[start..].char_indices() {
            if escaped {
                if c != '"' && c != '\\' {
                    label.push('\\');
                }
                label.push(c);
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if closes(c) {
                end = Some(start + offset + c.len_utf8());
                break;
            } else {
                label.push(c);
            }
        }
        let Some(end) = end else {
            self.unclosed("quote", '"');
            return;
        };
        let span = self.at..end;
        let rest = &self.source[end..];
        if let Some(number) = rest.strip_prefix('~') {
            let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let whole = self.at..end + 1 + digits;
            let distance = self.distance(&number[..digits], whole.clone(), "\"acme refund\"~5");
            if distance.is_some() && fold::fold(&label).split_whitespace().count() < 2 {
                self.wrong(
                    whole.clone(),
                    "`~` needs at least two words between the quotes",
                    "write `\"acme refund\"~5` for both words with at most 5 others between them",
                );
            } else if distance.is_some() && label.contains('*') {
                self.wrong(whole.clone(), "`*` does not work together with `~`", "use `acme NEAR/5 refund*`");
            } else if let Some(distance) = distance {
                self.push(Kind::Words { form: Form::Within(distance), label }, whole.end);
                return;
            }
            self.push(Kind::Wrong, whole.end);
            return;
        }
        let trimmed = label.trim();
        let fine = if is_empty(trimmed) {
            self.wrong(
                span,
                "there is nothing to look for between these quotes",
                "write the words between them, or remove them",
            );
            false
        } else if let Some(star) = trimmed.find('*') {
            let last = trimmed.strip_suffix('*').unwrap_or_default();
            let word = last.rsplit(char::is_whitespace).next().unwrap_or_default();
            if star + 1 != trimmed.len() || !word.ends_with(char::is_alphanumeric) {
                self.wrong(
                    span,
                    "`*` may stand only at the end of a phrase's last word",
                    "for a star as such, use backticks instead of the quotes",
                );
                false
            } else {
                self.long_enough(word, MIN_PREFIX, span)
            }
        } else {
            true
        };
        let kind = if fine { Kind::Words { form: Form::Phrase, label: trimmed.to_owned() } } else { Kind::Wrong };
        self.push(kind, end);
    }

    /// Backticks and curly brackets: everything up to the closing sign, literally.
    fn enclosed(&mut self, close: char, form: Form, name: &str) {
        let start = self.at + 1;
        let Some(length) = self.source[start..].find(close) else {
            self.unclosed(name, close);
            return;
        };
        let label = self.source[start..start + length].trim().to_owned();
        let end = start + length + 1;
        if is_empty(&label) {
            self.wrong(
                self.at..end,
                format!("there is nothing to look for between these {name}s"),
                "write the words between them, or remove them",
            );
            self.push(Kind::Wrong, end);
        } else {
            self.push(Kind::Words { form, label }, end);
        }
    }

    fn unclosed(&mut self, name: &str, close: char) {
        let shown = if close == '`' { "another backtick".to_owned() } else { format!("`{close}`") };
        self.wrong(
            self.at..self.at + self.peek().map_or(0, char::len_utf8),
            format!("this {name} is never closed"),
            format!("put {shown} where it ends"),
        );
        self.push(Kind::Wrong, self.source.len());
    }

    fn regex(&mut self) {
        let body = &self.source[self.at + 1..];
        let mut escaped = false;
        let close = body.char_indices().find(|(_, c)| {
            let closes = *c == '/' && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        let Some((length, _)) = close else {
            self.wrong(
                self.at..self.at + 1,
                "this regular expression is never closed",
                "write `/expression/` or `/expression/i`; for a slash as such, put the term in backticks",
            );
            self.push(Kind::Wrong, self.source.len());
            return;
        };
        let pattern = &body[..length];
        let after = self.at + length + 2;
        let flags_len = self.source[after..].find(|c: char| !c.is_alphanumeric()).unwrap_or(self.source.len() - after);
        let (flags, end) = (&self.source[after..after + flags_len], after + flags_len);
        let span = self.at..end;
        let kind = if pattern.len() > MAX_REGEX {
            self.wrong(
                span,
                format!("a regular expression may have at most {MAX_REGEX} bytes"),
                "look for words instead: `a OR b` is also much quicker",
            );
            Kind::Wrong
        } else if !matches!(flags, "" | "i") {
            self.wrong(
                after..end,
                format!("`{flags}` is no flag of a regular expression"),
                "only `i` is known: `/expression/i` ignores case",
            );
            Kind::Wrong
        } else {
            let ignore_case = flags == "i";
            match super::pattern::regex(pattern, ignore_case) {
                Ok(regex) if !regex.is_match("") => {
                    Kind::Words { form: Form::Regex { ignore_case }, label: pattern.to_owned() }
                }
                Ok(_) => {
                    self.wrong(
                        span,
                        "this regular expression matches even an empty text, so it would match everything",
                        "let it need at least one letter: `+` instead of `*`",
                    );
                    Kind::Wrong
                }
                Err(reason) => {
                    self.wrong(
                        span,
                        format!("this regular expression cannot be used: {reason}"),
                        "see config/QUERIES.md for what is allowed; look-around and back-references are not",
                    );
                    Kind::Wrong
                }
            }
        };
        self.push(kind, end);
    }

    /// A word, an operator or a field.
    fn bare(&mut self, value: bool) {
        let rest = self.rest();
        let stop = |c: char| {
            c.is_whitespace()
                || matches!(c, '(' | ')' | '"' | '\u{201c}' | '\u{201d}' | '\u{201e}' | '`' | '{' | '}' | '[' | ']')
        };
        let word = &rest[..rest.find(stop).unwrap_or(rest.len())];
        let end = self.at + word.len();
        let span = self.at..end;
        if !value && let Some(name) = field_name(word) {
            return self.field(name, &word[name.len() + 1..]);
        }
        if !value && self.operator(word) {
            return;
        }
        if let Some((message, help)) = stray(word) {
            self.wrong(span, message, help);
            return self.push(Kind::Wrong, end);
        }
        if word.starts_with(['#', '@', '\u{ff03}', '\u{ff20}']) {
            let kind = if word.chars().skip(1).any(char::is_alphanumeric) && !word.contains(['*', '?']) {
                Kind::Words { form: Form::Unit, label: word.to_owned() }
            } else {
                self.wrong(
                    span,
                    format!("`{word}` is no tag or handle"),
                    "write `#tag` or `@handle` in full; for the sign itself, use backticks",
                );
                Kind::Wrong
            };
            return self.push(kind, end);
        }
        let form = if super::pattern::is_domain(word) { Form::Domain } else { Form::Word };
        let fine = match word.find('*') {
            Some(star) if star + 1 < word.len() => {
                self.wrong(
                    span,
                    "`*` may stand only at the end of a word",
                    "write the beginning: `acme*`; for the star itself, use backticks",
                );
                false
            }
            Some(_) if word.contains('?') => {
                self.wrong(span, "`*` and `?` do not work together", "use one of them");
                false
            }
            Some(star) => self.long_enough(&word[..star], MIN_PREFIX, span),
            None if word.contains('?') => self.long_enough(word, MIN_FIXED, span),
            None => true,
        };
        self.push(if fine { Kind::Words { form, label: word.to_owned() } } else { Kind::Wrong }, end);
    }

    /// Reports too few letters beside a wildcard.
    fn long_enough(&mut self, word: &str, least: usize, span: Range<usize>) -> bool {
        if word.chars().filter(|c| c.is_alphanumeric()).count() >= least {
            return true;
        }
        let (sign, place) = if least == MIN_PREFIX { ('*', "before") } else { ('?', "beside") };
        self.wrong(
            span,
            format!("`{sign}` needs at least {least} letters {place} it"),
            "with fewer it would find nearly everything; for the sign itself, use backticks",
        );
        false
    }

    /// Operators in capitals; the same words in small letters are nearly always a mistake.
    fn operator(&mut self, word: &str) -> bool {
        let end = self.at + word.len();
        let kind = match word {
            "AND" => Kind::And,
            "OR" => Kind::Or,
            "NOT" => Kind::Not,
            "&&" | "&" => return self.foreign(word, "nothing or `AND`"),
            "||" | "|" => return self.foreign(word, "`OR`"),
            "!" => return self.foreign(word, "`NOT`"),
            _ if ["and", "or", "not"].iter().any(|op| word.eq_ignore_ascii_case(op)) => {
                let upper = word.to_ascii_uppercase();
                self.wrong(
                    self.at..end,
                    format!("`{word}` is ambiguous here"),
                    format!("write `{upper}` in capitals for the operator, or `\"{word}\"` in quotes for the word"),
                );
                self.push(
                    if upper == "AND" {
                        Kind::And
                    } else if upper == "OR" {
                        Kind::Or
                    } else {
                        Kind::Not
                    },
                    end,
                );
                return true;
            }
            _ => return self.near(word),
        };
        self.push(kind, end);
        true
    }

    fn foreign(&mut self, word: &str, instead: &str) -> bool {
        let end = self.at + word.len();
        self.wrong(
            self.at..end,
            format!("`{word}` is no operator of this language"),
            format!("write {instead} instead"),
        );
        self.push(
            match word {
                "|" | "||" => Kind::Or,
                "!" => Kind::Not,
                _ => Kind::And,
            },
            end,
        );
        true
    }

    fn near(&mut self, word: &str) -> bool {
        let upper = word.to_ascii_uppercase();
        let name = upper.split(['/', '~']).next().unwrap_or_default();
        if name != "NEAR" && name != "ONEAR" || (name == "NEAR" && !word.contains(['/', '~']) && word != "NEAR") {
            return false;
        }
        let end = self.at + word.len();
        let span = self.at..end;
        let Some(number) = word.strip_prefix("NEAR/") else {
            self.wrong(
                span,
                format!("`{word}` is not how nearness is written"),
                "write `a NEAR/5 b` (at most 5 words between), or `a NEAR/5f b` if a comes first",
            );
            self.push(Kind::Near { distance: 1, ordered: false }, end);
            return true;
        };
        let (digits, ordered) = number.strip_suffix('f').map_or((number, false), |digits| (digits, true));
        let distance = self.distance(digits, span, "a NEAR/5 b").unwrap_or(1);
        self.push(Kind::Near { distance, ordered }, end);
        true
    }

    fn distance(&mut self, digits: &str, span: Range<usize>, example: &str) -> Option<u32> {
        let number = digits.parse().ok().filter(|n| *n <= MAX_DISTANCE && !digits.starts_with('+'));
        if number.is_none() {
            self.wrong(
                span,
                format!("a number of words from 0 to {MAX_DISTANCE} is missing here"),
                format!("write `{example}`"),
            );
        }
        number
    }

    fn field(&mut self, name: &'a str, value: &'a str) {
        let span = self.at..self.at + name.len() + 1;
        let lower = name.to_ascii_lowercase();
        let Some(field) = fields::Field::parse(&lower) else {
            let (message, help) = fields::unknown(&lower, value);
            self.wrong(span.clone(), message, help);
            // Skip the value too, so that one mistake is one message.
            self.at = span.end;
            if value.starts_with(['>', '<', '=']) || !value.is_empty() {
                self.at += value.len();
            } else if self.peek().is_some_and(|c| !c.is_whitespace() && c != ')') {
                let count = self.tokens.len();
                self.one(true);
                if self.tokens.get(count).is_some_and(|token| token.kind == Kind::Open) {
                    return;
                }
                self.tokens.truncate(count);
            }
            self.tokens.push(Token { kind: Kind::Wrong, span: span.start..self.at });
            return;
        };
        let compare = [
            (">=", Compare::AtLeast),
            ("<=", Compare::AtMost),
            (">", Compare::Above),
            ("<", Compare::Below),
            ("=", Compare::Equal),
        ]
        .into_iter()
        .find(|(sign, _)| value.starts_with(sign));
        let end = span.end + compare.map_or(0, |(sign, _)| sign.len());
        self.push(Kind::Field { field, compare: compare.map(|(_, compare)| compare) }, end);
        if self.peek().is_none_or(|c| c.is_whitespace() || c == ')') {
            self.wrong(span.start..end, format!("`{name}:` needs a value directly behind it"), field.example());
            let at = self.at;
            self.tokens.push(Token { kind: Kind::Wrong, span: at..at });
        } else {
            self.one(true);
        }
    }
}

/// The name of `name:…`, if the word is of that form.
fn field_name(word: &str) -> Option<&str> {
    let name = &word[..word.find(':')?];
    let letters = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-'));
    letters.then_some(name)
}

/// Signs at the edge of a word that mean something elsewhere, and so must not be taken as letters in silence.
fn stray(word: &str) -> Option<(String, String)> {
    let shown = word.trim_matches(|c: char| c.is_ascii_punctuation());
    let message = |text: &str, help: String| Some((text.to_owned(), help));
    if is_empty(word) {
        return message("there is nothing to look for here but invisible characters", "remove them".into());
    }
    if word.chars().all(|c| c.is_ascii_punctuation()) {
        return message(
            "only signs, no letter or digit",
            format!("put them in backticks if they are what you look for: `` `{word}` ``"),
        );
    }
    if word.ends_with([',', ';']) {
        return message(
            "a comma does not part alternatives",
            format!("write `{shown} OR …` for either, a space for both, or put the term in quotes"),
        );
    }
    if word.starts_with(['\'', '\u{2018}', '\u{2019}']) {
        return message("single quotes do not hold words together", "use double quotes: `\"two words\"`".into());
    }
    if word.starts_with('+') {
        return message(
            "`+` has no meaning before a word: all words are required anyway",
            format!("write `{shown}`; for the sign itself, put the term in backticks"),
        );
    }
    if word.starts_with('!') {
        return message("`!` does not exclude here", format!("write `-{shown}`"));
    }
    if word.contains('~') {
        return message(
            "words that are only similar (`~`) are not known",
            format!("write `{shown}*` for other endings, or `\"two words\"~5` for nearness"),
        );
    }
    if word.contains('\\') {
        return message("a backslash has no meaning outside quotes", "put the term in backticks".into());
    }
    if word.contains('^') {
        return message(
            "weights (`^`) are not known",
            "a query matches or does not; put the term in backticks if the sign is part of it".into(),
        );
    }
    None
}

fn is_empty(label: &str) -> bool {
    fold::fold(label).trim().is_empty()
}
