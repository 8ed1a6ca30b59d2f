//! Words that say how people feel and not what about: they name a theme only where there are no others.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use crate::classify::stems;

static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("words/mood.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|word| !word.is_empty()).collect()
});

/// Whether a term, as people read it, has such a word in it.
pub(super) fn is_mood(term: &str) -> bool {
    let bare = |term| stems(term, "", 8).into_iter().map(|stem| stem.word).collect::<Vec<_>>().join(" ");
    let term = if term.is_ascii() { Cow::Borrowed(term) } else { Cow::Owned(bare(term)) };
    WORDS.contains(&*term) || term.split(' ').any(|word| WORDS.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feelings_are_told_from_things_in_every_language() {
        for (language, feelings, things) in [
            ("en", "This is terrible, the worst, absolutely awful", "delivery broken refund rude"),
            ("es", "Es horrible, pésimo, una vergüenza", "envío roto reembolso factura"),
            ("pt", "Isto é péssimo, horrível, uma vergonha", "entrega avariada reembolso fatura"),
            ("da", "Det er forfærdeligt, elendigt og dårligt", "levering ødelagt refusion faktura"),
        ] {
            let felt = stems(feelings, language, 20);
            let felt: Vec<&str> = felt.iter().filter(|s| is_mood(&s.word)).map(|s| s.word.as_str()).collect();
            assert!(felt.len() >= 3, "{language}: {felt:?}");
            let said: Vec<_> = stems(things, language, 20).into_iter().filter(|s| is_mood(&s.word)).collect();
            assert_eq!(said, [], "{language}");
        }
        assert!(is_mood("terrible delivery") && !is_mood("delivery late"));
    }
}
