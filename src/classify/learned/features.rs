//! What the model sees of a text: words, pairs of words and letters of words (hashed), and what the rules found.
//!
//! Each hashed feature remembers the tokens it stands for, so that a decision can be explained in words although the
//! model stores none. Training and use read the same features from here; a change asks for a new fit.

use super::super::category::Kind;
use super::super::cue_file::Effect;
use super::super::reading::Reading;
use super::super::sentiment::Mood;
use super::super::severity::Harm;
use super::super::terms::Felt;
use super::super::tokens::{Kind as TokenKind, Token};
use crate::model::{Category, Severity};

/// Most words of a text that the model looks at; a longer text has told by then.
const MOST_WORDS: usize = 600;
/// Hashed features of an ordinary mention, about: words and pairs of words, and letters.
const ORDINARY: [usize; 2] = [192, 384];

/// Number of dense features.
pub(in super::super) const DENSE: usize = 84;

/// The kinds of hashed features; each is divided by the root of its number in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Group {
    Words = 0,
    Letters = 1,
}

/// A hashed feature: what it is, and the tokens `first..end` it stands for.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Feature {
    pub(in super::super) hash: u64,
    pub(in super::super) group: Group,
    pub(in super::super) first: u16,
    pub(in super::super) end: u16,
}

/// The hashed features of a text, as they are looked up.
pub(in super::super) struct Hashed {
    pub(in super::super) words: Vec<Feature>,
    /// Runs of letters, token by token.
    pub(in super::super) letters: Vec<u64>,
    /// Tokens with letters, and how many runs each has.
    pub(in super::super) spelt: Vec<(u16, u16)>,
}

/// What the rules made of the text.
/// `'n` is how long the notes live.
pub(in super::super) struct Found<'a, 'n> {
    pub(in super::super) reading: &'a Reading<'n>,
    pub(in super::super) mood: &'a Mood<'n>,
    pub(in super::super) kind: &'a Kind<'n>,
    pub(in super::super) harm: &'a Harm<'n>,
    pub(in super::super) felt: &'a Felt<'n>,
    /// For each token, whether it names the watched brand.
    pub(in super::super) brand: &'a [bool],
    /// Code of its language.
    pub(in super::super) language: &'a str,
}

/// The hashed features of a text.
pub(in super::super) fn hashed(found: &Found<'_, '_>) -> Hashed {
    let [words, letters] = ORDINARY.map(|n| n.min(found.reading.tokens.text.len() * 2 + 8));
    let mut all = Hashed {
        words: Vec::with_capacity(words),
        letters: Vec::with_capacity(letters),
        spelt: Vec::with_capacity(found.reading.tokens.list.len().min(MOST_WORDS)),
    };
    let mut marked = Vec::with_capacity(48);
    walk(
        found,
        &mut all,
        |all, feature| all.words.push(feature),
        |all, token, word| {
            let before = all.letters.len();
            runs(word, &mut marked, |hash| all.letters.push(hash));
            all.spelt.push((token, (all.letters.len() - before) as u16));
        },
    );
    all
}

/// Calls `f` with every hashed feature of the text.
pub(in super::super) fn each(found: &Found<'_, '_>, f: impl FnMut(Feature)) {
    let mut marked = Vec::new();
    walk(
        found,
        &mut { f },
        |f, feature| f(feature),
        |f, first, word| {
            let end = first + 1;
            runs(word, &mut marked, |hash| f(Feature { hash, group: Group::Letters, first, end }));
        },
    );
}

/// Calls `word` with every word and pair of words, and `spelt` with the place and the letters of every word.
#[inline(always)]
fn walk<S>(
    found: &Found<'_, '_>,
    to: &mut S,
    mut word: impl FnMut(&mut S, Feature),
    mut spelt: impl FnMut(&mut S, u16, &[u8]),
) {
    let tokens = found.reading.tokens;
    let mut before: Option<(u64, u16)> = None;
    let mut second: Option<u64> = None;
    let mut sentence = usize::MAX;
    for (at, token) in tokens.list.iter().take(MOST_WORDS).enumerate() {
        let (first, end) = (at as u16, at as u16 + 1);
        if token.sentence != sentence {
            sentence = token.sentence;
            before = None;
            second = None;
        }
        let named = found.brand.get(at).copied().unwrap_or(false);
        if named && found.brand.get(at.wrapping_sub(1)).copied().unwrap_or(false) {
            continue;
        }
        let hash = if named { mix(0xB4A2D) } else { word_hash(token) };
        let mut tell = |hash, first| word(to, Feature { hash, group: Group::Words, first, end });
        tell(mix(hash ^ 0x01), first);
        if found.reading.negated_at(at) {
            tell(mix(hash ^ 0x02), first);
        }
        if let Some((last, first)) = before {
            tell(mix(last.rotate_left(17) ^ hash), first);
        }
        if let Some(far) = second {
            tell(mix(far.rotate_left(31) ^ hash ^ 0x5), first);
        }
        second = before.map(|(h, _)| h);
        before = Some((hash, first));
        if token.kind == TokenKind::Word && !named {
            spelt(to, first, tokens.folded(token).as_bytes());
        }
    }
}

/// Calls `f` with the runs of three and of four letters of a word with its ends marked (`<`, `>`). `marked` is room for it.
fn runs(word: &[u8], marked: &mut Vec<u8>, mut f: impl FnMut(u64)) {
    let extend = |hash: u64, letter: u8| (hash ^ u64::from(letter)).wrapping_mul(0x100_0000_01b3);
    let three = |a, b, c| extend(extend(extend(0xcbf2_9ce4_8422_2325, a), b), c);
    marked.clear();
    marked.push(b'<');
    marked.extend_from_slice(word);
    marked.push(b'>');
    for run in marked.windows(4) {
        let &[a, b, c, d] = run else { continue };
        let hash = three(a, b, c);
        f(mix(hash ^ 0x1e77e2));
        f(mix(extend(hash, d) ^ 0x1e77e2));
    }
    if let &[.., a, b, c] = marked.as_slice() {
        f(mix(three(a, b, c) ^ 0x1e77e2));
    }
}

/// The hash of a word as the model knows it; numbers, names and links are each one word.
pub(in super::super) fn word_hash(token: &Token) -> u64 {
    match token.kind {
        TokenKind::Number => mix(0x11),
        TokenKind::Money => mix(0x12),
        TokenKind::Mention => mix(0x13),
        TokenKind::Url => mix(0x14),
        TokenKind::Word | TokenKind::Emoji => mix(token.hash),
    }
}

/// The finaliser of SplitMix64 (Steele et al., "Fast splittable pseudorandom number generators", 2014).
pub(in super::super) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Fills in the dense features: what the rules and the lexicon say, and the looks of the text.
pub(in super::super) fn dense(found: &Found<'_, '_>) -> [f32; DENSE] {
    let Found { reading, mood, kind, harm, felt, .. } = found;
    let tokens = reading.tokens;
    let looks = Looks::of(&tokens.list);
    // Most of these are 0.
    let log = |n: f32| if n == 0.0 { 0.0 } else { (1.0 + n).ln() };
    let words = looks.of_kind(TokenKind::Word).max(1.0);
    let root = words.sqrt();
    let mut out = [0.0f32; DENSE];
    let mut next = 0;
    let mut put = |value: f32| {
        if let Some(slot) = out.get_mut(next) {
            *slot = value;
        }
        next += 1;
    };
    put(1.0);
    // The lexicon.
    let net = felt.good - felt.bad;
    put(net / (net * net + 15.0).sqrt());
    put(net / (net * net + 60.0).sqrt());
    put(log(felt.good));
    put(log(felt.bad));
    put(felt.good / root / 4.0);
    put(felt.bad / root / 4.0);
    put(if felt.goods + felt.bads > 0.0 { (felt.goods - felt.bads) / (felt.goods + felt.bads) } else { 0.0 });
    put(felt.best / 5.0);
    put(felt.worst / 5.0);
    put(felt.last / 5.0);
    put(f32::from(u8::from(felt.goods > 0.0 && felt.bads > 0.0)));
    put(f32::from(u8::from(felt.goods == 0.0 && felt.bads == 0.0)));
    put(log(felt.insults));
    put(log(felt.vulgar));
    put(log(felt.news));
    put(log(felt.anger));
    put(log(felt.sad));
    put(log(felt.joy));
    // The rules' mood.
    put(mood.score);
    put(log(mood.good));
    put(log(mood.bad));
    put(f32::from(u8::from(mood.irony)));
    // The rules' categories.
    for category in Category::ALL {
        put(f32::from(u8::from(kind.category == category)));
        put((kind.weight(category) / 3.0).min(1.5));
    }
    put((kind.resolved / 3.0).min(1.5));
    put((kind.told / 3.0).min(1.5));
    put(f32::from(u8::from(kind.topic)));
    for severity in Severity::ALL.into_iter().skip(1) {
        put(f32::from(u8::from(harm.severity == severity)));
    }
    put(f32::from(u8::from(!harm.flags.is_empty())));
    let worst = reading
        .found
        .iter()
        .flat_map(|f| &reading.cue(f).effects)
        .filter_map(|e| if let Effect::Severity(s) = e { Some(*s as u8) } else { None })
        .max();
    put(f32::from(u8::from(worst == Some(Severity::High as u8))));
    put(f32::from(u8::from(worst == Some(Severity::Critical as u8))));
    // Its looks.
    let exclaims: usize = tokens.sentences.iter().map(|s| s.exclaims).sum();
    let questions = tokens.sentences.iter().filter(|s| s.question).count() as f32;
    let sentences = tokens.sentences.len().max(1) as f32;
    put(log(exclaims as f32));
    put(f32::from(u8::from(exclaims >= 3)));
    put(questions / sentences);
    put(f32::from(u8::from(tokens.sentences.last().is_some_and(|s| s.question))));
    put(f32::from(u8::from(tokens.sentences.first().is_some_and(|s| s.question))));
    put(f32::from(u8::from(tokens.text.contains("...") || tokens.text.contains('…'))));
    put(looks.caps as f32 / words);
    put(f32::from(u8::from(reading.shouting)));
    put(log(looks.long as f32));
    put(log(looks.of_kind(TokenKind::Emoji)));
    put(log(tokens.text.bytes().filter(|b| *b == b'#').count().min(20) as f32));
    put(log(looks.of_kind(TokenKind::Mention)));
    put(log(looks.of_kind(TokenKind::Url)));
    put(log(looks.of_kind(TokenKind::Number)));
    put(f32::from(u8::from(looks.of_kind(TokenKind::Money) > 0.0)));
    put(log(words) / 3.0);
    put(f32::from(u8::from(words <= 4.0)));
    put(f32::from(u8::from(words >= 40.0)));
    put(f32::from(u8::from(reading.first_person)));
    put(f32::from(u8::from(reading.turned())));
    put(f32::from(u8::from(tokens.text.contains(['"', '“', '«']))));
    put(f32::from(u8::from(tokens.text.chars().next().is_some_and(char::is_lowercase))));
    put(f32::from(u8::from(found.brand.iter().any(|b| *b))));
    put(f32::from(u8::from(tokens.text.trim_end().ends_with('.'))));
    debug_assert!(next <= DENSE, "{next} dense features");
    out
}

/// What there is of each kind of token.
#[derive(Default)]
struct Looks {
    kinds: [u32; 6],
    caps: u32,
    long: u32,
}

impl Looks {
    fn of(list: &[Token]) -> Self {
        let mut looks = Looks::default();
        for token in list {
            if let Some(count) = looks.kinds.get_mut(token.kind as usize) {
                *count += 1;
            }
            looks.caps += u32::from(token.caps);
            looks.long += u32::from(token.long);
        }
        looks
    }

    fn of_kind(&self, kind: TokenKind) -> f32 {
        self.kinds.get(kind as usize).copied().unwrap_or(0) as f32
    }
}
