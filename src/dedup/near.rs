//! The same text at another place: cut, with another headline, an agency's line, other boilerplate.
//!
//! Texts are sets of shingles of three words, and a text is known by the sixteen smallest hashes of its shingles, after
//! A. Broder, "On the resemblance and containment of documents" (1997), section 3: the smallest hashes of two texts are a
//! fair sample of what they share. With sixteen, two texts that share the part `c` of the larger one have no common
//! hash, and are overlooked, with a probability of (1 − c)^16: 4 in 10 million for a text cut to 60 %, 1 in 65,000 for
//! one of which half is something else. What shares a hash is a candidate, and is compared exactly.

use super::body::Body;
use super::common_of;

/// Words in a shingle. Broder took ten for whole web pages; three (as in Manku, Jain and Das Sarma, "Detecting
/// near-duplicates for web crawling", 2007, section 5, and Henzinger 2006 on short pages) still meets texts that were
/// edited here and there.
const SHINGLE: usize = 3;
/// Hashes that a text is known by.
pub const SKETCH: usize = 16;

/// Different shingles that a text has at least, to be known by them.
const FEWEST: usize = 12;

/// Share of the smaller text's shingles that the larger one must have. Broder's clusters took 0.5 of the union; this
/// is containment, and a little stricter, so that a shared template of half the length is no copy.
const CONTAINED: f32 = 0.6;
/// The same for texts of fewer than [`FEW`] words, where a phrase that everybody uses weighs more.
const CONTAINED_FEW: f32 = 0.8;
const FEW: usize = 40;
/// The smaller text is at least this share of the larger one: below, it is a passage, not the text.
const SIZES: f32 = 1.0 / 3.0;
/// Share of the numbers of the text with fewer ones that the other must have: a template with other numbers is news.
const NUMBERS: f32 = 0.5;
/// Within one source a text is the same only if nearly nothing and no number differs: what a site writes again and
/// again in the same words (incidents, prices, job offers) is not a copy of itself.
const CONTAINED_SAME_SOURCE: f32 = 0.95;

/// The smallest hashes of a long text's shingles, ascending; empty for a short one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch(pub Vec<u64>);

impl Sketch {
    /// The sketch of a text.
    pub fn of(body: &Body) -> Self {
        if !body.is_long() {
            return Self::default();
        }
        let hashes = body.shingles();
        // One line again and again has no wording of its own.
        if hashes.len() < FEWEST {
            return Self::default();
        }
        Self(hashes.iter().take(SKETCH).copied().collect())
    }
}

/// How much two texts have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// Share of the smaller text's shingles that the larger one has too, 0 … 1.
    pub contained: f32,
    /// Shingles of the smaller text over those of the larger one, 0 … 1.
    pub sizes: f32,
    /// Share of the numbers of the text with fewer ones that the other has too, 0 … 1; 1 if it has none.
    pub numbers: f32,
    /// Words of the shorter text.
    pub words: usize,
    /// Different shingles of the smaller text.
    pub shingles: usize,
}

impl Likeness {
    /// Compares two texts exactly.
    pub fn of(a: &Body, b: &Body) -> Self {
        let (x, y) = (a.shingles(), b.shingles());
        let (small, large) = (x.len().min(y.len()), x.len().max(y.len()));
        let share = |part: usize, of: usize| if of == 0 { 1.0 } else { part as f32 / of as f32 };
        Self {
            contained: if small == 0 { 0.0 } else { share(common_of(x, y), small) },
            sizes: share(small, large),
            numbers: share(common_of(a.numbers(), b.numbers()), a.numbers().len().min(b.numbers().len())),
            words: a.words().len().min(b.words().len()),
            shingles: small,
        }
    }

    /// Whether that makes them the same text; `same_source` if one source has both.
    pub fn is_same_text(&self, same_source: bool) -> bool {
        if self.words < super::body::LONG || self.shingles < FEWEST {
            return false;
        }
        if same_source {
            return self.contained >= CONTAINED_SAME_SOURCE
                && self.sizes >= CONTAINED_SAME_SOURCE
                && self.numbers >= 1.0;
        }
        let least = if self.words < FEW { CONTAINED_FEW } else { CONTAINED };
        self.contained >= least && self.sizes >= SIZES && self.numbers >= NUMBERS
    }
}

/// Hashes of a text's shingles, ascending, each once.
pub(super) fn shingles(words: &[u64]) -> Vec<u64> {
    let mut hashes: Vec<u64> = words.windows(SHINGLE).map(mixed).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// One hash of several in order, with all bits mixed (the finaliser of SplitMix64: Steele, Lea, Flood 2014), because the
/// smallest ones are taken as a sample. Stored values depend on it.
fn mixed(words: &[u64]) -> u64 {
    let mut hash =
        words.iter().fold(0_u64, |hash, word| hash.rotate_left(21).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ word);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTICLE: &str = "The court of Aarhus has fined the maker of kitchen machines Acme three million kroner because \
        it went on selling toasters whose heating wires could set fire to the bread and to the kitchen. The company knew \
        of forty cases when it decided, in a meeting whose minutes were read out, to sell what was left in the stores. A \
        spokesman said that the company regrets the matter and will exchange every toaster free of charge until Easter.";

    fn same(a: &str, b: &str) -> bool {
        let (a, b) = (Body::of("", a), Body::of("", b));
        let shared = common_of(&Sketch::of(&a).0, &Sketch::of(&b).0);
        shared > 0 && Likeness::of(&a, &b).is_same_text(false)
    }

    #[test]
    fn copies_meet_however_they_were_dressed() {
        let cut: String = ARTICLE.split(' ').take(45).collect::<Vec<_>>().join(" ");
        for copy in [
            ARTICLE.to_uppercase(),
            format!("(Agency) AARHUS, 3 May. {ARTICLE}"),
            format!(
                "Skip to content Menu Search Log in {ARTICLE} Share this on all networks. Read more of our stories."
            ),
            cut,
        ] {
            assert!(same(ARTICLE, &copy), "{copy}");
        }
    }

    #[test]
    fn a_passage_a_template_with_other_numbers_and_another_text_do_not() {
        let long = format!("{ARTICLE} And now for something else that has its own words each time.");
        let unlike: String = (0..300).map(|n| format!("word{n} ")).collect();
        assert!(!same(ARTICLE, &format!("{long} {unlike}")));
        let price = |n: u32| {
            format!(
                "Shares of Acme closed at {n} kroner today after {} of them were traded in Copenhagen, and the index stood \
                 at {} points when the exchange closed its doors for the day.",
                n * 7,
                n * 13
            )
        };
        assert!(!same(&price(120), &price(131)));
        assert!(same(&price(120), &price(120)));
        assert!(!same(
            ARTICLE,
            "Another text of more than twenty words that is about a toaster as well but was written by somebody who has bought one last week"
        ));
    }

    #[test]
    fn one_source_repeats_itself_only_word_for_word() {
        let other = ARTICLE.replace("Aarhus", "Odense").replace("three million", "two million");
        let likeness = Likeness::of(&Body::of("", ARTICLE), &Body::of("", &other));
        assert!(likeness.is_same_text(false) && !likeness.is_same_text(true));
        assert!(Likeness::of(&Body::of("", ARTICLE), &Body::of("", ARTICLE)).is_same_text(true));
    }

    #[test]
    fn a_short_text_has_no_sketch() {
        let line = Body::of("", &"long ".repeat(100));
        assert_eq!(Sketch::of(&line), Sketch::default());
        assert!(!Likeness::of(&line, &line).is_same_text(false));
        assert_eq!(Sketch::of(&Body::of("", "My toaster broke and nobody answers")), Sketch::default());
        assert_eq!(Sketch::of(&Body::of("", ARTICLE)).0.len(), SKETCH);
    }

    #[test]
    fn the_stored_hash_never_changes() {
        assert_eq!(Sketch::of(&Body::of("", ARTICLE)).0[0], 341_088_015_646_978_329);
    }
}
