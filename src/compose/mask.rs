//! Personal data masked, for copies and subjects: the author, other people's handles, mail addresses, phone and card
//! numbers, order and identity numbers, links. The same person or number gets the same mask inside one mail.
//!
//! It errs on the side of masking: what looks like a number that belongs to somebody goes. Prices, dates, years and
//! the matched words stay. Names of people who only occur in the text are beyond it, unless the writer introduces
//! them ("my name is …").

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::clean::{Marked, clean};
use super::words::{Masks, fill};
use crate::model::Author;

/// What a masked place held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Author,
    Person,
    Email,
    Phone,
    Number,
    Link,
}

/// Masks for one mail.
pub(super) struct Masker<'a> {
    words: &'a Masks,
    author: AuthorNames,
    /// The brand's own words, folded: a handle that holds one is the brand's.
    brand: Vec<String>,
    given: HashMap<(Kind, String), usize>,
    count: HashMap<Kind, usize>,
}

#[derive(Default)]
struct AuthorNames {
    /// The display name's words, folded, in order.
    name: Vec<String>,
    /// The display name as written, for scripts without spaces.
    raw: String,
    /// Handles without `@`, folded.
    handles: Vec<String>,
}

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        #[allow(clippy::expect_used, reason = "a constant pattern, and tests use it")]
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("constant pattern"));
    };
}

pattern!(LINK, r#"(?i)\b(?:https?://|www\.)[^\s<>"]*[^\s<>".,;:!?)\]}'»”]"#);
// A handle on a federated server looks like a mail address behind an @, so it comes first.
pattern!(HANDLE, r"[@＠][\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?(?:@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+)?");
pattern!(REDDIT, r"(?i)(?:^|[^\p{L}\p{N}/])(/?u/[\w-]{2,})");
pattern!(
    EMAIL,
    r"(?ix)[\p{L}\p{N}._%+'’-]*[\p{L}\p{N}_%+-]
      (?: [@＠] | \s?[\(\[\{]\s?(?:at|arroba|snabel-?a|@)\s?[\)\]\}]\s? )
      [\p{L}\p{N}-]+ (?: (?: \. | \s?[\(\[\{]\s?(?:dot|punto|ponto|punktum|\.)\s?[\)\]\}]\s? ) [\p{L}\p{N}-]+ )+"
);
pattern!(
    SPOKEN_EMAIL,
    r"(?i)\b[\p{L}\p{N}._-]+ (?:at|arroba|snabel-?a) [\p{L}\p{N}-]+ (?:dot|punto|ponto|punktum) (?:com|net|org|es|mx|ar|cl|pe|pt|br|dk|uk|io|eu)\b"
);
pattern!(
    INTRODUCED,
    r"(?:\b(?i:my name is|me llamo|mi nombre es|meu nome é|o meu nome é|me chamo|chamo-me|jeg hedder|mit navn er)) +(\p{Lu}[\p{L}'’-]*(?: (?:(?:de|da|do|dos|del|la|van|von) )*\p{Lu}[\p{L}'’-]*){0,3})"
);
pattern!(
    KEYED,
    r"(?ix)(?: \# | \b(?: order | pedido | encomenda | compra | ordre | bestilling | kvittering | ticket | case | caso | expediente
      | processo | sag | invoice | factura | fatura | faktura | reference | referencia | referência | ref | tracking | seguimiento
      | rastreio | account | cuenta | conta | konto | kunde | customer | cliente | policy | póliza | apólice | reserva | booking
      | reservation | protocolo | passport | pasaporte | passaporte | pas | dni | nif | nie | rut | curp | cpf | cpr )
      (?: snummer | nummer | snr | nr )?
      (?: [\s.:]{0,2} (?: number | num | no | nº | n° | n\.º | número | numero | nummer | nr | id ) )? )
      [\s.:\#-]{0,3} ( [A-Z]{0,6}[-/]? \d [\dA-Z./-]{2,} \d (?:-?[A-Z])? )\b"
);
pattern!(IBAN, r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b");
pattern!(MIXED, r"(?i)\b(?:[A-Z]{1,6}[-/]?)?\d[\d./-]{4,}-?[A-Z]{1,3}\b|\b[A-Z]{1,6}[-/]?\d[\d-]{5,}\b");
pattern!(DIGITS, r"(?:\+[  ]?|\()?\d(?:[)( \x{a0}\x{202f}.\x{2010}-\x{2015}/-]{0,2}\d)+");
pattern!(DATE, r"^(?:\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2})(?:$|[^\d])");
pattern!(YEARS, r"^(?:19|20)\d\d(?:[ /–-]{1,3}(?:19|20)\d\d)*$");
pattern!(THOUSANDS, r"^\d{1,3}(?:[. \x{a0}\x{202f}]\d{3})+$");
pattern!(MONEY_BEFORE, r"(?i)(?:[€$£¥]|\b(?:r\$|us\$|mx\$|kr|eur|usd|dkk|gbp|brl|mxn|clp|ars|pen|s/))\.? ?$");
pattern!(
    MONEY_AFTER,
    r"(?i)^(?:[.,]\d{1,2})?[  ]?(?:[€$£¥%]|(?:kr|eur|euro|usd|dkk|gbp|brl|mxn|clp|ars|pesos|reais|kroner|dollar|dólar|soles|pounds|mil|mill)\p{L}*\b|,-)"
);

/// Words of a display name that are looked for; nobody has more names, but slogans do.
const MAX_NAME_WORDS: usize = 8;
/// Matched words that are remembered as the brand's.
const MAX_BRAND_WORDS: usize = 16;
/// Small words of names, never masked alone.
const PARTICLES: [&str; 22] = [
    "the",
    "and",
    "los",
    "las",
    "del",
    "dos",
    "das",
    "von",
    "van",
    "der",
    "den",
    "det",
    "for",
    "por",
    "con",
    "com",
    "sra",
    "mrs",
    "miss",
    "user",
    "anonymous",
    "anonimo",
];

impl<'a> Masker<'a> {
    /// `brand`: the words that matched, as they stand in the text.
    pub(super) fn new<'b>(words: &'a Masks, author: Option<&Author>, brand: impl Iterator<Item = &'b str>) -> Self {
        let mut brand: Vec<String> = brand.take(MAX_BRAND_WORDS).map(fold).filter(|w| w.chars().count() >= 3).collect();
        brand.sort();
        brand.dedup();
        Self {
            words,
            author: author.map(AuthorNames::new).unwrap_or_default(),
            brand,
            given: HashMap::new(),
            count: HashMap::new(),
        }
    }

    /// The text without personal data. Handles and names that are among the marked words (the brand's own) stay.
    pub(super) fn mask<'t>(&mut self, text: Marked<'t>) -> Marked<'t> {
        let found = self.find(&text);
        let mut edits = Vec::with_capacity(found.len());
        for (range, kind) in found {
            let label = self.label(kind, &text.text[range.clone()]);
            edits.push((range, Cow::Owned(label)));
        }
        text.rewrite(&edits)
    }

    /// [`Masker::mask`] for a text without marks; cleaned first, since an invisible character would hide a number.
    pub(super) fn mask_str(&mut self, text: &str) -> String {
        self.mask(clean(Marked::new(text, []))).text.into_owned()
    }

    /// True if an address says who the author is, or carries any handle.
    pub(super) fn betrays(&self, url: &str) -> bool {
        let decoded = percent_decoded(url);
        let folded = fold(&decoded);
        decoded.contains('@')
            || self.author.handles.iter().any(|h| {
                h.len() >= 2 && words(&folded).any(|(_, w)| w == *h) || h.len() >= 4 && folded.contains(h.as_str())
            })
            || self
                .author
                .name
                .iter()
                .any(|n| n.chars().count() >= 3 && !PARTICLES.contains(&n.as_str()) && folded.contains(n.as_str()))
    }

    fn label(&mut self, kind: Kind, value: &str) -> String {
        let pattern = match kind {
            Kind::Author => return self.words.author.clone(),
            Kind::Link => return self.words.link.clone(),
            Kind::Person => &self.words.person,
            Kind::Email => &self.words.email,
            Kind::Phone => &self.words.phone,
            Kind::Number => &self.words.number,
        };
        let key = match kind {
            Kind::Phone | Kind::Number => value.chars().filter(|c| c.is_alphanumeric()).collect(),
            _ => fold(value.trim_start_matches(['@', '＠'])),
        };
        let next = self.count.get(&kind).copied().unwrap_or(0) + 1;
        let n = *self.given.entry((kind, key)).or_insert(next);
        if n == next {
            self.count.insert(kind, n);
        }
        fill(pattern, &[("n", &n.to_string())])
    }

    /// All places to mask, sorted, apart. Where two finds overlap, the earlier pass wins.
    fn find(&self, text: &Marked<'_>) -> Vec<(Range<usize>, Kind)> {
        let body = text.text.as_ref();
        let mut places = Places::default();
        let in_marks = |r: &Range<usize>| {
            let next = text.marks.partition_point(|m| m.end <= r.start);
            text.marks.get(next).is_some_and(|m| m.start < r.end)
        };
        // Compiling a pattern costs a millisecond or more, so each waits for a text that could hold what it finds.
        let small = body.to_lowercase();
        let any = |signs: &[&str]| signs.iter().any(|s| small.contains(s));
        if any(&["://", "www."]) {
            for m in LINK.find_iter(body) {
                places.add(m.range(), Kind::Link);
            }
        }
        if body.contains(['@', '＠']) {
            for m in HANDLE.find_iter(body) {
                // Behind a letter it is a mail address.
                let mail = body[..m.start()].ends_with(|c: char| c.is_alphanumeric());
                let kind = self.person_kind(m.as_str());
                if !mail && !in_marks(&m.range()) && (kind == Kind::Author || !self.is_brand(m.as_str())) {
                    places.add(m.range(), kind);
                }
            }
        }
        if body.contains(['@', '＠', '(', '[', '{']) {
            for m in EMAIL.find_iter(body) {
                places.add(m.range(), Kind::Email);
            }
        }
        if any(&[" dot ", " punto ", " ponto ", " punktum "]) {
            for m in SPOKEN_EMAIL.find_iter(body) {
                places.add(m.range(), Kind::Email);
            }
        }
        if any(&["u/"]) {
            for m in REDDIT.captures_iter(body).filter_map(|c| c.get(1)) {
                places.add(m.range(), self.person_kind(m.as_str()));
            }
        }
        self.find_author(body, &in_marks, &mut places);
        if any(&["name is ", "llamo ", "nombre es ", "nome ", "chamo", "hedder ", "navn er "]) {
            for m in INTRODUCED.captures_iter(body).filter_map(|c| c.get(1)) {
                places.add(m.range(), Kind::Person);
            }
        }
        // No number of somebody's has fewer digits: four behind a word that says so, else six.
        let digits = body.chars().filter(|c| c.is_numeric()).take(6).count();
        if digits >= 4 {
            for m in KEYED.captures_iter(body).filter_map(|c| c.get(1)) {
                let year = YEARS.is_match(m.as_str());
                let long = m.as_str().chars().filter(|c| c.is_numeric()).count() >= 4;
                if long
                    && !year
                    && !DATE.is_match(m.as_str())
                    && !MONEY_AFTER.is_match(&body[m.end()..])
                    && !in_marks(&m.range())
                {
                    places.add(m.range(), Kind::Number);
                }
            }
        }
        if digits >= 6 {
            for m in IBAN.find_iter(body).chain(MIXED.find_iter(body)) {
                let digits = m.as_str().chars().filter(|c| c.is_numeric()).count();
                let money = MONEY_AFTER
                    .is_match(body[m.start()..].trim_start_matches(|c: char| c.is_numeric() || ".-/".contains(c)));
                if digits >= 6 && !money && !DATE.is_match(m.as_str()) && !in_marks(&m.range()) {
                    places.add(m.range(), Kind::Number);
                }
            }
            for m in DIGITS.find_iter(body) {
                if let Some((range, kind)) = number(body, m.range()).filter(|(range, _)| !in_marks(range)) {
                    places.add(range, kind);
                }
            }
        }
        places.0.into_iter().map(|(start, (end, kind))| (start..end, kind)).collect()
    }

    fn person_kind(&self, handle: &str) -> Kind {
        let handle = bare_handle(handle);
        if self.author.handles.iter().any(|h| *h == handle || handle.split('@').next() == Some(h)) {
            Kind::Author
        } else {
            Kind::Person
        }
    }

    fn is_brand(&self, handle: &str) -> bool {
        let handle = bare_handle(handle);
        self.brand.iter().any(|word| handle.contains(word.as_str()))
    }

    fn find_author(&self, body: &str, in_marks: &dyn Fn(&Range<usize>) -> bool, places: &mut Places) {
        let author = &self.author;
        if author.name.is_empty() && author.handles.is_empty() && author.raw.is_empty() {
            return;
        }
        let tokens: Vec<(Range<usize>, String)> = words(body).map(|(r, w)| (r, fold(w))).collect();
        let mut at = 0;
        while let Some((range, token)) = tokens.get(at) {
            // The longest run of the name's words, in their order.
            let run =
                author.name.iter().position(|n| n == token).map_or(0, |p| {
                    author.name[p..].iter().zip(&tokens[at..]).take_while(|(n, (_, t))| *n == t).count()
                });
            let end = tokens.get(at + run.max(1) - 1).map_or(range.end, |(r, _)| r.end);
            let alone = run == 1 && author.name.len() > 1;
            let worth = if alone || author.name.len() == 1 {
                let letters = token.chars().count();
                let capital = body[range.clone()].starts_with(char::is_uppercase);
                run == 1 && !PARTICLES.contains(&token.as_str()) && (letters >= 3 && capital || letters >= 5)
            } else {
                run > 1
            };
            if (worth || author.handles.iter().any(|h| h.len() >= 3 && h == token)) && !in_marks(&(range.start..end)) {
                places.add(range.start..end, Kind::Author);
                at += run.max(1);
            } else {
                at += 1;
            }
        }
        if author.raw.chars().count() >= 2 {
            for (i, m) in body.match_indices(author.raw.as_str()) {
                let range = i..i + m.len();
                if !in_marks(&range) {
                    places.add(range, Kind::Author);
                }
            }
        }
    }
}

impl AuthorNames {
    fn new(author: &Author) -> Self {
        let mut handles = Vec::new();
        if let Some(handle) = &author.handle {
            let handle = bare_handle(handle);
            if let Some((user, _)) = handle.split_once('@') {
                handles.push(user.to_owned());
            }
            handles.push(handle);
        }
        // RSS writes authors as `mail@host (Name)`.
        let mut name = Cow::Borrowed(author.name.as_str());
        if name.contains(['@', '＠', '(', '[', '{']) {
            name = Cow::Owned(EMAIL.replace_all(&name, " ").into_owned());
        }
        if name.contains(['@', '＠']) {
            handles.extend(HANDLE.find_iter(&name).map(|m| bare_handle(m.as_str())));
            name = Cow::Owned(HANDLE.replace_all(&name, " ").into_owned());
        }
        let name_words: Vec<String> = words(&name).map(|(_, w)| fold(w)).take(MAX_NAME_WORDS).collect();
        let spaced = name_words.iter().any(|w| w.is_ascii());
        handles.retain(|h| !h.is_empty());
        Self { name: name_words, raw: if spaced { String::new() } else { name.trim().to_owned() }, handles }
    }
}

/// Places by start; none overlaps another.
#[derive(Default)]
struct Places(BTreeMap<usize, (usize, Kind)>);

impl Places {
    fn add(&mut self, range: Range<usize>, kind: Kind) {
        let before = self.0.range(..range.end).next_back().is_some_and(|(_, (end, _))| *end > range.start);
        if !before {
            self.0.insert(range.start, (range.end, kind));
        }
    }
}

/// Decides whether a run of digits belongs to somebody; dates at its ends are left out.
fn number(body: &str, range: Range<usize>) -> Option<(Range<usize>, Kind)> {
    let run = &body[range.clone()];
    // A percentage, a price's cents or a version runs on behind the comma: `1.299,00`.
    if MONEY_AFTER.is_match(&body[range.end..]) || MONEY_BEFORE.is_match(&body[..range.start]) {
        let amount = THOUSANDS.is_match(run) || run.chars().all(|c| c.is_numeric() || c == '.');
        if amount {
            return None;
        }
    }
    if let Some(date) = DATE.find(run) {
        let rest = &run[date.end()..];
        let digit = rest.find(|c: char| c.is_numeric())?;
        return number(body, range.start + date.end() + digit..range.end);
    }
    if YEARS.is_match(run) {
        return None;
    }
    let digits = run.chars().filter(|c| c.is_numeric()).count();
    // Up to six digits with dots are a thousand or a version; 1.234.567 is an amount more often than a phone.
    let dotted_thousands = THOUSANDS.is_match(run) && run.contains('.') && digits <= 7;
    let glued = body[..range.start].ends_with(|c: char| c.is_alphabetic() || c == '_');
    if digits < 7 || dotted_thousands || glued && digits < 9 {
        return None;
    }
    let phone = run.starts_with(['+', '(']) || run.starts_with("00") || digits <= 12;
    Some((range, if phone { Kind::Phone } else { Kind::Number }))
}

/// Runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let word = |c: char| c.is_alphanumeric() || c == '_' || unicode_normalization::char::is_combining_mark(c);
        let start = at + text[at..].find(word)?;
        let end = text[start..].find(|c| !word(c)).map_or(text.len(), |i| start + i);
        at = end;
        Some((start..end, &text[start..end]))
    })
}

/// Lower case without accents, for comparison.
pub(super) fn fold(text: &str) -> String {
    text.nfkd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ø' { 'o' } else { c })
        .collect()
}

fn bare_handle(handle: &str) -> String {
    let folded = fold(handle.trim());
    let bare = folded.trim_start_matches(['@', '/']);
    bare.strip_prefix("u/").unwrap_or(bare).to_owned()
}

fn percent_decoded(url: &str) -> String {
    let mut out = Vec::with_capacity(url.len());
    let bytes = url.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex =
            (byte == b'%').then(|| url.get(at + 1..at + 3)).flatten().and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(hex.unwrap_or(byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;
