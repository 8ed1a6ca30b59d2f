//! Words, emoji and sentences of a text, folded for comparison. Knows no language beyond what folding needs.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longest text that is looked at, in bytes; what follows is not classified.
pub(super) const MAX_BYTES: usize = 20_000;
/// Most tokens that are looked at.
const MAX_TOKENS: usize = 4_000;
/// Longest folded word, in bytes; longer ones are cut (nothing in a lexicon is longer).
const MAX_WORD: usize = 40;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    /// A number with a currency sign beside it.
    Money,
    /// `@name`.
    Mention,
    Url,
    Emoji,
}

/// One token; ranges are bytes of the text, and of [`Tokens::folded`].
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) start: usize,
    pub(super) end: usize,
    fold: (usize, usize),
    /// The hash of its folded form ([`hash`]): several look it up.
    pub(super) hash: u64,
    pub(super) kind: Kind,
    /// Index into [`Tokens::sentences`].
    pub(super) sentence: usize,
    /// Three or more letters, all capitals.
    pub(super) caps: bool,
    /// A letter was drawn out: `soooo`.
    pub(super) long: bool,
    /// A comma, colon, dash or bracket stands before it.
    pub(super) pause: bool,
    /// One of several words of a hashtag: often a name.
    pub(super) tag: bool,
}

/// A run of tokens up to `.`, `!`, `?`, `;` or a line break.
#[derive(Clone, Debug)]
pub(super) struct Sentence {
    pub(super) first: usize,
    /// One past the last token.
    pub(super) end: usize,
    pub(super) question: bool,
    pub(super) exclaims: usize,
}

/// A text taken apart.
#[derive(Debug)]
pub(super) struct Tokens<'t> {
    pub(super) text: &'t str,
    folded: String,
    pub(super) list: Vec<Token>,
    pub(super) sentences: Vec<Sentence>,
}

impl<'t> Tokens<'t> {
    /// Takes the first [`MAX_BYTES`] of `text` apart, in one pass.
    pub(super) fn of(text: &'t str) -> Self {
        let mut end = text.len().min(MAX_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut scan = Scan::new(text.get(..end).unwrap_or(""));
        scan.run();
        Tokens { text, folded: scan.folded, list: scan.list, sentences: scan.sentences }
    }

    /// The folded form of a token: lower case, no accents, drawn-out letters cut to two.
    pub(super) fn folded(&self, token: &Token) -> &str {
        self.folded.get(token.fold.0..token.fold.1).unwrap_or("")
    }

    /// The words from token `first` up to (not including) token `end`, as written, cut to 60 characters.
    pub(super) fn written(&self, first: usize, end: usize) -> String {
        let start = self.list.get(first).map_or(0, |t| t.start);
        let stop = end.checked_sub(1).and_then(|i| self.list.get(i)).map_or(start, |t| t.end);
        let words = self.text.get(start..stop).unwrap_or("");
        match words.char_indices().nth(60) {
            Some((cut, _)) => format!("{}…", words.get(..cut).unwrap_or("").trim_end()),
            None => words.to_owned(),
        }
    }
}

/// FNV-1a over the bytes of a word.
pub(super) fn hash(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The folded form of one word of a lexicon or stop-word list.
pub(super) fn fold_word(word: &str) -> String {
    // Nearly all words of a list are plain letters already, and each language has thousands of them.
    let letters = word.as_bytes();
    if letters.iter().all(u8::is_ascii_lowercase) && !letters.windows(3).any(|w| w[0] == w[1] && w[1] == w[2]) {
        return word.to_owned();
    }
    let tokens = Tokens::of(word);
    tokens.list.first().map(|t| tokens.folded(t).to_owned()).unwrap_or_default()
}

/// Appends the folded form of a character: lower case, without accents; `æ ø å ß` as `ae oe aa ss`.
pub(super) fn fold_char(c: char, out: &mut String) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'Á' | 'À' | 'Â' | 'Ã' | 'Ä' => out.push('a'),
        'é' | 'è' | 'ê' | 'ë' | 'É' | 'È' | 'Ê' | 'Ë' => out.push('e'),
        'í' | 'ì' | 'î' | 'ï' | 'Í' | 'Ì' | 'Î' | 'Ï' => out.push('i'),
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ö' => out.push('o'),
        'ú' | 'ù' | 'û' | 'ü' | 'Ú' | 'Ù' | 'Û' | 'Ü' => out.push('u'),
        'ñ' | 'Ñ' => out.push('n'),
        'ç' | 'Ç' => out.push('c'),
        'æ' | 'Æ' => out.push_str("ae"),
        'ø' | 'Ø' => out.push_str("oe"),
        'å' | 'Å' => out.push_str("aa"),
        'ß' => out.push_str("ss"),
        _ => {
            for part in std::iter::once(c).nfkd().filter(|p| !is_combining_mark(*p)) {
                out.extend(part.to_lowercase());
            }
        }
    }
}

/// True for characters that are shown as a picture.
fn is_emoji(c: char) -> bool {
    matches!(c as u32, 0x1F300..=0x1F3FA | 0x1F400..=0x1FAFF | 0x2600..=0x27BF | 0x2B50 | 0x2B55 | 0x203C | 0x2049)
}

/// True for what may follow an emoji and belongs to it: selectors, joiners, skin tones.
fn joins_emoji(c: char) -> bool {
    matches!(c as u32, 0xFE00..=0xFE0F | 0x200D | 0x1F3FB..=0x1F3FF | 0x20E3)
}

/// Faces made of signs, and the emoji each is read as; longest first where one begins another.
const FACES: [(&str, &str); 26] = [
    (":'(", "😢"),
    (":-)", "🙂"),
    (":-(", "🙁"),
    (":-D", "😃"),
    (":-/", "😕"),
    (";-)", "😉"),
    (":))", "😃"),
    (":((", "😢"),
    (">:(", "😠"),
    ("-_-", "😒"),
    ("</3", "💔"),
    (":)", "🙂"),
    (":(", "🙁"),
    (":D", "😃"),
    (":/", "😕"),
    (":@", "😠"),
    (":P", "😛"),
    (":p", "😛"),
    (";)", "😉"),
    ("=)", "🙂"),
    ("=(", "🙁"),
    ("=D", "😃"),
    ("<3", "💖"),
    ("(:", "🙂"),
    ("xD", "😃"),
    ("XD", "😃"),
];

/// The state of one pass over a text.
struct Scan<'t> {
    text: &'t str,
    at: usize,
    folded: String,
    list: Vec<Token>,
    sentences: Vec<Sentence>,
    pause: bool,
    /// `¿` was seen in the running sentence.
    asked: bool,
}

impl<'t> Scan<'t> {
    fn new(text: &'t str) -> Self {
        Scan {
            text,
            at: 0,
            folded: String::with_capacity(text.len() + 16),
            list: Vec::with_capacity(text.len() / 5 + 4),
            sentences: Vec::new(),
            pause: false,
            asked: false,
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn run(&mut self) {
        while self.list.len() < MAX_TOKENS {
            let Some(c) = self.rest().chars().next() else { break };
            match c {
                '\n' => {
                    self.at += 1;
                    self.close(false, 0);
                }
                ' ' | '\t' | '\r' => self.at += 1,
                '!' | '?' | '.' | ';' | '…' | '‼' | '⁉' => self.stop_signs(),
                '¿' => {
                    self.at += c.len_utf8();
                    self.close(false, 0);
                    self.asked = true;
                }
                '@' | '#' | 'h' | 'H' | 'w' | 'W' if self.special(c) => {}
                ':' | '=' | '<' | '>' | '-' | '(' | 'x' | 'X' if self.face() => {}
                _ if c.is_alphanumeric() => self.word(),
                _ if is_emoji(c) => {
                    let start = self.at;
                    self.at += c.len_utf8();
                    while let Some(j) = self.rest().chars().next().filter(|j| joins_emoji(*j)) {
                        self.at += j.len_utf8();
                    }
                    let from = self.folded.len();
                    self.folded.push(c);
                    self.push(start, from, Kind::Emoji, false, false);
                }
                _ => {
                    self.at += c.len_utf8();
                    if !matches!(c, '"' | '\'' | '’' | '*' | '_' | '“' | '”' | '«' | '»' | '-')
                        || self.text.get(..self.at).is_some_and(|t| t.ends_with(" -"))
                    {
                        self.pause = true;
                    }
                }
            }
        }
        self.close(false, 0);
    }

    /// `. ! ? ;` and runs of them. A dot inside a number or name (`3.5`, `app.com`) ends nothing.
    fn stop_signs(&mut self) {
        let (mut question, mut exclaims, mut dots) = (false, 0usize, 0usize);
        while let Some(c) = self.rest().chars().next() {
            match c {
                '?' | '⁉' => question = true,
                '!' | '‼' => exclaims += 1,
                '.' | ';' | '…' => dots += 1,
                _ => break,
            }
            self.at += c.len_utf8();
        }
        let next = self.rest().chars().next();
        if !question && exclaims == 0 && dots == 1 && next.is_some_and(char::is_alphanumeric) {
            self.pause = true;
            return;
        }
        self.close(question, exclaims);
    }

    /// Ends the running sentence.
    fn close(&mut self, question: bool, exclaims: usize) {
        let first = self.sentences.last().map_or(0, |s| s.end);
        let end = self.list.len();
        if end > first {
            self.sentences.push(Sentence { first, end, question: question || self.asked, exclaims });
        } else if let Some(last) = self.sentences.last_mut() {
            // Signs after a space, an emoji or a closing quote still belong to what went before.
            last.question |= question;
            last.exclaims += exclaims;
        }
        self.asked = false;
        self.pause = false;
    }

    /// `@name`, `#HashTag` and URLs. False if it is none of these after all.
    fn special(&mut self, c: char) -> bool {
        let rest = self.rest();
        let start = self.at;
        if c == '@' || c == '#' {
            let name: usize = rest
                .get(1..)
                .unwrap_or("")
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
                .map(char::len_utf8)
                .sum();
            if name == 0 {
                return false;
            }
            if c == '#' {
                self.at += 1;
                return self.hashtag();
            }
            self.at += 1 + rest.get(1..=name).unwrap_or("").trim_end_matches(['.', '-']).len();
            let from = self.folded.len();
            self.folded.push('@');
            self.push(start, from, Kind::Mention, false, false);
            return true;
        }
        let begins = |with: &str| rest.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
        if !["http://", "https://", "www."].into_iter().any(begins) {
            return false;
        }
        self.at += rest.find(char::is_whitespace).unwrap_or(rest.len());
        let from = self.folded.len();
        self.folded.push('/');
        self.push(start, from, Kind::Url, false, false);
        true
    }

    /// The words of a hashtag, parted at capitals: `#WorstServiceEver`.
    fn hashtag(&mut self) -> bool {
        let rest = self.rest();
        let len: usize = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
        let tag = rest.get(..len).unwrap_or("");
        let base = self.at;
        let mut cuts = vec![0];
        let mut before: Option<char> = None;
        for (i, c) in tag.char_indices() {
            if c == '_' || (c.is_uppercase() && before.is_some_and(char::is_lowercase)) {
                cuts.push(i);
            }
            before = Some(c);
        }
        cuts.push(tag.len());
        let several = cuts.len() > 2;
        for pair in cuts.windows(2) {
            let &[from, to] = pair else { continue };
            let part = tag.get(from..to).unwrap_or("").trim_start_matches('_');
            if !part.is_empty() {
                let start = base + to - part.len();
                self.push_word(start, base + to, part);
                if let Some(token) = self.list.last_mut() {
                    token.tag = several;
                }
            }
        }
        self.at = base + len;
        true
    }

    /// A face of signs at this place, if there is one.
    fn face(&mut self) -> bool {
        let rest = self.rest();
        let letters = rest.starts_with(['x', 'X']);
        for (face, emoji) in FACES {
            if !rest.starts_with(face) {
                continue;
            }
            let after = rest.get(face.len()..).and_then(|r| r.chars().next());
            // `xDrive`, `http://`, `12:30` and `:Disney` are no faces.
            if after.is_some_and(|c| c.is_alphanumeric() || c == '/') {
                continue;
            }
            if letters && self.text.get(..self.at).is_some_and(|t| t.ends_with(char::is_alphanumeric)) {
                continue;
            }
            let start = self.at;
            self.at += face.len();
            let from = self.folded.len();
            self.folded.push_str(emoji);
            self.push(start, from, Kind::Emoji, false, false);
            return true;
        }
        false
    }

    /// A word or number at this place.
    fn word(&mut self) {
        let rest = self.rest();
        let start = self.at;
        // Nearly all words are plain letters up to a space or a sign that ends them.
        let plain = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let after = rest.as_bytes().get(plain).copied().unwrap_or(b' ');
        if plain > 0 && after.is_ascii() && !matches!(after, b'.' | b',' | b'\'' | b'`') {
            self.at = start + plain;
            self.push_word(start, start + plain, rest.get(..plain).unwrap_or(""));
            return;
        }
        let mut len = 0;
        let mut swallowed = 0;
        let mut chars = rest.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            if c.is_alphanumeric() || is_combining_mark(c) {
                len = i + c.len_utf8();
                continue;
            }
            if matches!(c, '.' | ',') {
                // 3.50 and 1,000 are one number.
                let digits = rest.get(..i).is_some_and(|r| r.ends_with(|c: char| c.is_ascii_digit()));
                if digits && chars.peek().is_some_and(|(_, n)| n.is_ascii_digit()) {
                    continue;
                }
            }
            if matches!(c, '\'' | '’' | '`' | '´') {
                let tail: String = rest
                    .get(i + c.len_utf8()..)
                    .unwrap_or("")
                    .chars()
                    .take_while(|c| c.is_alphanumeric())
                    .take(4)
                    .flat_map(char::to_lowercase)
                    .collect();
                let before = rest.get(..i).unwrap_or("");
                if tail == "t" && before.ends_with(['n', 'N']) {
                    continue;
                }
                if matches!(tail.as_str(), "s" | "m" | "d" | "ll" | "re" | "ve") {
                    swallowed = c.len_utf8() + tail.len();
                }
            }
            break;
        }
        let word = rest.get(..len).unwrap_or("");
        self.at = start + len + swallowed;
        self.push_word(start, start + len + swallowed, word);
    }

    fn push_word(&mut self, start: usize, end: usize, word: &str) {
        let from = self.folded.len();
        let (mut letters, mut capitals, mut long) = (0usize, 0usize, false);
        let plain = word.len() < MAX_WORD && word.bytes().all(|b| b.is_ascii_alphanumeric());
        for b in word.bytes().filter(|_| plain) {
            letters += usize::from(b.is_ascii_alphabetic());
            capitals += usize::from(b.is_ascii_uppercase());
            let lower = b.to_ascii_lowercase();
            if b.is_ascii_alphabetic()
                && self.folded.len() >= from + 2
                && self.folded.as_bytes().ends_with(&[lower, lower])
            {
                // Cut a drawn-out letter to two.
                long = true;
            } else {
                self.folded.push(char::from(lower));
            }
        }
        for c in word.chars().filter(|_| !plain) {
            if c.is_alphabetic() {
                letters += 1;
                capitals += usize::from(c.is_uppercase());
            }
            if matches!(c, '\'' | '’' | '`' | '´') || self.folded.len() - from >= MAX_WORD {
                continue;
            }
            let had = self.folded.len();
            fold_char(c, &mut self.folded);
            // Cut a drawn-out letter to two.
            let bytes = self.folded.as_bytes();
            if let [.., a, b, last] = bytes
                && bytes.len() == had + 1
                && had >= from + 2
                && c.is_alphabetic()
                && a == b
                && b == last
            {
                long = true;
                self.folded.truncate(had);
            }
        }
        let number = word.starts_with(|c: char| c.is_ascii_digit());
        let money = number && {
            let before = self.text.get(..start).unwrap_or("").trim_end_matches(' ');
            let after = self.text.get(end..).unwrap_or("").trim_start_matches(' ');
            let kroner =
                after.strip_prefix("kr").is_some_and(|r| !r.starts_with(|c: char| c.is_alphabetic() && c != 'o'));
            before.ends_with(['$', '€', '£']) || after.starts_with(['$', '€', '£']) || kroner
        };
        let kind = match (money, number) {
            (true, _) => Kind::Money,
            (_, true) => Kind::Number,
            _ => Kind::Word,
        };
        self.push_at(start, end, from, kind, letters >= 3 && capitals == letters, long);
    }

    fn push(&mut self, start: usize, from: usize, kind: Kind, caps: bool, long: bool) {
        self.push_at(start, self.at, from, kind, caps, long);
    }

    fn push_at(&mut self, start: usize, end: usize, from: usize, kind: Kind, caps: bool, long: bool) {
        let fold = (from, self.folded.len());
        let sentence = self.sentences.len();
        let pause = std::mem::take(&mut self.pause);
        let hash = hash(self.folded.get(from..).unwrap_or(""));
        self.list.push(Token { start, end, fold, hash, kind, sentence, caps, long, pause, tag: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        let t = Tokens::of(text);
        t.list.iter().map(|x| t.folded(x).to_owned()).collect()
    }

    #[test]
    fn words_are_folded_and_parted() {
        let table: [(&str, &[&str]); 12] = [
            ("Don't I've we're o'clock", &["dont", "i", "we", "o", "clock"]),
            ("¡Qué ROLLO! ¿mañana?", &["que", "rollo", "manana"]),
            ("soooo gooood", &["soo", "good"]),
            ("ødelagt på æble", &["oedelagt", "paa", "aeble"]),
            ("#WorstServiceEver #fail", &["worst", "service", "ever", "fail"]),
            ("@acme_help see https://x.test/a?b now", &["@", "see", "/", "now"]),
            ("3.50 or 1,000 e-mail", &["3.50", "or", "1,000", "e", "mail"]),
            ("ok :) xD 👍🏽", &["ok", "🙂", "😃", "👍"]),
            ("a.b", &["a", "b"]),
            ("", &[]),
            ("'''...!!??", &[]),
            ("Acme’s won’t", &["acme", "wont"]),
        ];
        for (text, expected) in table {
            assert_eq!(folded(text), expected, "{text}");
        }
    }

    #[test]
    fn sentences_know_their_end() {
        let t = Tokens::of("Is it open? No!!! See app.com. ¿Y esto\nlast");
        let ends: Vec<(bool, usize)> = t.sentences.iter().map(|s| (s.question, s.exclaims)).collect();
        assert_eq!(ends, [(true, 0), (false, 3), (false, 0), (true, 0), (false, 0)]);
    }

    #[test]
    fn money_capitals_and_drawn_out_words() {
        let t = Tokens::of("PAID 50€ and $20 and 300 kr. waaaay 7 krig");
        let kinds: Vec<Kind> = t.list.iter().map(|t| t.kind).filter(|k| *k != Kind::Word).collect();
        assert_eq!(kinds, [Kind::Money, Kind::Money, Kind::Money, Kind::Number]);
        assert!(t.list.first().is_some_and(|t| t.caps));
        assert!(t.list.iter().any(|t| t.long));
    }

    #[test]
    fn hostile_texts_do_no_harm() {
        for text in ["😀\u{200D}".repeat(20_000), "\u{301}".repeat(9_000), "#".repeat(30_000), "a'".repeat(20_000)] {
            let t = Tokens::of(&text);
            assert!(t.list.len() <= MAX_TOKENS + 1);
        }
    }
}
