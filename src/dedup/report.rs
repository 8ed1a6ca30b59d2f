//! Several press reports of one event: other words about the same thing, told once. Only for reports; what people write in
//! their own voice meets by its wording alone (`near`, `voice`).
//!
//! Two reports are compared by the cosine of their weighted words, the measure and the range of thresholds of the topic
//! detection and tracking studies (Allan, Lavrenko, Jin, "First story detection in TDT is hard", 2000: 0.2 to 0.3 on
//! whole articles). Rarity cannot be counted here, as there is no collection; instead common words are left out, names
//! and numbers count double, and so do not the words that were searched for: all mentions of a brand have those.

use std::sync::LazyLock;

use super::body::{fnv, is_link, repaired};
use crate::classify::stopwords;
use crate::model::{Category, Entry};
use crate::text::fold::{fold, is_spaceless};

/// Words that stand for a report: the first ones, because news tell what happened first.
const MOST: usize = 64;
/// Letters of a word that count: endings differ (McNamee and Mayfield, "Character n-gram tokenization", 2004, on
/// truncation in place of stemming).
const LETTERS: usize = 6;
/// Shorter words than this say little, unless they are capitals (`EU`).
const SHORTEST: usize = 3;
const WEIGHT_NAME: u32 = 2;
/// Bits of a packed word.
const NAME: u32 = 1;
const EXACT: u32 = 2;
const HASH: u32 = !(NAME | EXACT);

/// Cosine from which two reports are of one event: a little above that range, because swallowing another report costs more
/// than a second mail.
const COSINE: f32 = 1.0 / 3.0;
/// Words, and names or numbers among them, that they share at least: where few names say who it is about, more words must
/// say what (twice as many: posts and articles on one topic share a name and half a dozen words by chance).
const SHARED: [(usize, usize); 2] = [(4, 2), (8, 1)];
/// Numbers from so many digits on (years aside) are exact: reports that tell different ones tell of different things, as
/// the daily notes do that machines write from one template.
const EXACT_DIGITS: usize = 4;

/// The languages whose common words are left out.
const LANGUAGES: [&str; 4] = ["en", "es", "pt", "da"];

/// How long after a report another one can be of the same event, in hours.
pub const SAME_EVENT_HOURS: i64 = 72;

/// The words of a report: hashes ascending, the lowest bit telling a name or number, the next one an exact number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    words: Vec<u32>,
    /// Sum of the squares of their weights.
    norm: u32,
    has_exact: bool,
}

impl Report {
    /// The words of a text, without those that were searched for.
    pub fn of(title: &str, text: &str, searched: &[&str]) -> Self {
        let searched: Vec<String> =
            searched.iter().flat_map(|s| fold(s).split(' ').map(stem).collect::<Vec<_>>()).collect();
        let mut found: Vec<u32> = Vec::with_capacity(MOST);
        for part in [title, text] {
            let part = repaired(part);
            let mut begins = true;
            for token in part.split_whitespace().filter(|t| !is_link(t)) {
                let ends = token.ends_with(['.', '!', '?', ':', '—', '–']) || matches!(token, "-" | "|");
                let grouped = grouped_number(token);
                let words = grouped.as_deref().unwrap_or(token).split(|c: char| !c.is_alphanumeric());
                for word in words.filter(|w| !w.is_empty()) {
                    take(word, begins, &searched, &mut found);
                    begins = false;
                }
                begins |= ends;
                if found.len() >= MOST {
                    break;
                }
            }
        }
        Self::unpack(found)
    }

    /// Whether there is nothing to compare.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// As kept in the record.
    pub fn packed(&self) -> &[u32] {
        &self.words
    }

    /// The inverse of [`Report::packed`].
    pub fn unpack(mut packed: Vec<u32>) -> Self {
        packed.sort_unstable_by_key(|word| word & HASH);
        packed.truncate(MOST);
        Self {
            norm: packed.iter().map(|word| weight(*word) * weight(*word)).sum(),
            has_exact: packed.iter().any(|word| word & EXACT == EXACT),
            words: packed,
        }
    }

    /// Hashes of the names and numbers: reports of one event share at least one.
    pub fn names(&self) -> impl Iterator<Item = u32> {
        self.words.iter().filter(|word| **word & NAME == NAME).map(|word| word & HASH)
    }

    /// Whether both tell of the same event.
    pub fn is_same_event(&self, other: &Self) -> bool {
        self.same_event(other).is_some()
    }

    /// What they have in common, if both tell of the same event.
    pub fn same_event(&self, other: &Self) -> Option<SameEvent> {
        let likeness = self.compare(other);
        let same = likeness.cosine >= COSINE
            && SHARED.iter().any(|(words, names)| likeness.shared >= *words && likeness.names >= *names)
            && (likeness.numbers > 0 || !self.has_exact || !other.has_exact);
        same.then_some(likeness)
    }

    /// What two reports have in common.
    pub fn compare(&self, other: &Self) -> SameEvent {
        let (mut i, mut j) = (0, 0);
        let (mut product, mut shared, mut names, mut numbers) = (0, 0, 0, 0);
        while let (Some(x), Some(y)) = (self.words.get(i), other.words.get(j)) {
            match (x & HASH).cmp(&(y & HASH)) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => {
                    product += weight(*x) * weight(*y);
                    shared += 1;
                    names += usize::from(x & y & NAME == NAME);
                    numbers += usize::from(x & y & EXACT == EXACT);
                    i += 1;
                    j += 1;
                }
            }
        }
        let norms = (self.norm as f32 * other.norm as f32).sqrt();
        SameEvent { cosine: if norms > 0.0 { product as f32 / norms } else { 0.0 }, shared, names, numbers }
    }
}

/// What two reports have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SameEvent {
    /// Cosine of the weighted words, 0 … 1.
    pub cosine: f32,
    /// Words in both.
    pub shared: usize,
    /// Names and numbers in both.
    pub names: usize,
    /// Exact numbers in both.
    pub numbers: usize,
}

/// Whether an entry is a report: press, or from a news source, no post, and nobody speaks of themselves in it outside of
/// quotes.
pub fn is_report(entry: &Entry, category: Category, lang: &str) -> bool {
    (entry.site.is_some() || category == Category::Press)
        && [&entry.title, &entry.text].iter().all(|text| !is_post(text) && !is_own_voice(text, lang))
}

/// Whether a text is a post on a network, which calls accounts or carries tags (`@name`, `#topic`). Posts on one topic
/// share its names and its phrases, whoever wrote them: they are people with opinions, not reports of one event.
pub fn is_post(text: &str) -> bool {
    text.split_whitespace().take(MOST).any(|token| {
        let token = token.trim_start_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '@' | '#'));
        token.strip_prefix(['@', '#']).is_some_and(|name| name.starts_with(|c: char| c.is_alphabetic() || c == '_'))
    })
}

/// Whether somebody speaks of themselves: a word of the first person singular outside of quotation marks.
pub fn is_own_voice(text: &str, lang: &str) -> bool {
    let words: &[&str] = match lang {
        "es" => &["yo", "mi", "mis", "me", "conmigo", "mio", "mia"],
        "pt" => &["eu", "meu", "minha", "meus", "minhas", "mim", "comigo"],
        "da" => &["jeg", "mig", "min", "mit", "mine"],
        _ => &["i", "my", "me", "mine", "myself"],
    };
    let mut quoted = false;
    text.split_whitespace().any(|token| {
        quoted |=
            token.trim_start_matches(['(', '[']).starts_with(['"', '“', '«', '„', '»']) && !token.starts_with("» ");
        let own = !quoted
            && token
                .split(|c: char| !c.is_alphanumeric())
                .next()
                .is_some_and(|w| words.contains(&fold(w).as_str()) && w != "ME");
        quoted &= !token.trim_end_matches(['.', ',', '!', '?', ';', ':', ')']).ends_with(['"', '”', '»', '“', '«']);
        own
    })
}

fn take(word: &str, begins: bool, searched: &[String], found: &mut Vec<u32>) {
    let folded = fold(word);
    let number = folded.starts_with(|c: char| c.is_ascii_digit());
    let capital = word.chars().next().is_some_and(char::is_uppercase);
    let capitals = word.len() >= 2 && word.chars().all(char::is_uppercase);
    if !number
        && !capitals
        && !folded.chars().any(is_spaceless)
        && (folded.chars().count() < SHORTEST || COMMON.iter().any(|common| common.contains(folded.as_str())))
    {
        return;
    }
    let stem = stem(&folded);
    if searched.contains(&stem) || found.len() >= MOST {
        return;
    }
    let name = number || capitals || (capital && !begins);
    let exact = number && is_exact(&folded);
    let hash = (fnv(if exact { &folded } else { &stem }) >> 32) as u32 & HASH;
    match found.iter_mut().find(|known| **known & HASH == hash) {
        // Written small anywhere: no name.
        Some(known) if !name && !begins => *known &= !NAME,
        Some(_) => {}
        None => found.push(hash | if name { NAME } else { 0 } | if exact { EXACT } else { 0 }),
    }
}

static COMMON: LazyLock<[&'static std::collections::HashSet<String>; 4]> = LazyLock::new(|| LANGUAGES.map(stopwords));

fn stem(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).chars().take(LETTERS).collect()
}

fn weight(word: u32) -> u32 {
    if word & NAME == NAME { WEIGHT_NAME } else { 1 }
}

/// `14,821`, `14.821` and `$14,821.00` as `14821`: a number whose groups of three digits are parted.
fn grouped_number(token: &str) -> Option<String> {
    let number = token.trim_matches(|c: char| !c.is_ascii_digit());
    let mut groups = number.split(['.', ',', '\u{a0}', '\u{202f}', '\'']);
    let first = groups.next().filter(|g| (1..=3).contains(&g.len()))?;
    let mut digits = first.to_owned();
    let mut grouped = false;
    for group in groups {
        if !group.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        match group.len() {
            3 => {
                digits.push_str(group);
                grouped = true;
            }
            // Cents.
            1 | 2 if grouped => break,
            _ => return None,
        }
    }
    grouped.then_some(digits)
}

fn is_exact(number: &str) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let year = digits == 4 && (number.starts_with("19") || number.starts_with("20"));
    digits >= EXACT_DIGITS && !year
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: (&str, &str), b: (&str, &str)) -> bool {
        let report = |(title, text): (&str, &str)| Report::of(title, text, &["acme"]);
        report(a).is_same_event(&report(b))
    }

    #[test]
    fn reports_of_one_event_meet_and_others_about_the_brand_do_not() {
        let fined = (
            "Acme fined 3 million kroner over toaster fires",
            "The court of Aarhus fined the maker of kitchen machines on Tuesday because it went on selling toasters that could burn.",
        );
        let also = (
            "Toaster fires: court makes Acme pay 3m",
            "Judges in Aarhus have ordered Acme to pay 3 million kroner for selling toasters that set kitchens on fire.",
        );
        let other = (
            "Acme opens its first shop in Lisbon",
            "The Danish maker of kitchen machines opens a shop of 400 square metres on Avenida da Liberdade in September.",
        );
        assert!(same(fined, also));
        assert!(!same(fined, other) && !same(also, other));
    }

    #[test]
    fn templates_with_other_exact_numbers_are_other_events() {
        let sale = |who: &'static str, many: &'static str| (who, many);
        let first = sale(
            "Director sells stock of Bolt",
            "The director of Bolt Holdings sold 14,821 shares in Copenhagen on Tuesday.",
        );
        let other = sale(
            "Director sells stock of Bolt",
            "The director of Bolt Holdings sold 93,107 shares in Copenhagen on Friday.",
        );
        let again = sale(
            "Bolt: director parts with shares",
            "On Tuesday the director of Bolt Holdings sold 14,821 shares in Copenhagen.",
        );
        assert!(!same(first, other));
        assert!(same(first, again));
    }

    #[test]
    fn the_brand_alone_makes_no_event() {
        assert!(!same(("Acme", "Acme Acme Acme"), ("Acme", "Acme")));
        assert!(!same(("", ""), ("", "")));
    }

    #[test]
    fn who_speaks_of_themselves_writes_no_report() {
        for (text, lang, own) in [
            ("My toaster broke", "en", true),
            ("I want my money back", "en", true),
            ("“I regret it,” said the chairman of the board.", "en", false),
            ("Me devolvieron mi dinero", "es", true),
            ("El tribunal multa a la empresa", "es", false),
            ("O meu forno avariou", "pt", true),
            ("Jeg er træt af det", "da", true),
            ("Retten i Aarhus har idømt firmaet en bøde", "da", false),
        ] {
            assert_eq!(is_own_voice(text, lang), own, "{text}");
        }
    }

    #[test]
    fn a_post_is_no_report() {
        for (text, post) in [
            ("@ana @tom the court has fined them at last", true),
            ("The court has fined them at last #Toasters", true),
            ("The court has fined them (via @ana_r)", true),
            ("They are number #1 in the market, write to press@acme.example", false),
            ("The court of Aarhus @ noon", false),
        ] {
            assert_eq!(is_post(text), post, "{text}");
            let entry = Entry { text: text.into(), site: Some("News".into()), ..Entry::default() };
            assert_eq!(is_report(&entry, Category::Press, "en"), !post, "{text}");
        }
    }

    #[test]
    fn a_hostile_text_stays_small() {
        let text: String = (0..20_000).map(|n| format!("Word{n} ")).collect();
        assert!(Report::of(&text, &text, &[]).packed().len() <= MOST);
    }
}
