use proptest::prelude::*;

use super::*;

fn fast(text: &str) -> String {
    let mut out = Vec::new();
    fold_into(text, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn folded_forms() {
    for (text, folded) in [
        ("Acme  Corp\u{a0}\n X", "acme corp x"),
        ("NIÑO nin\u{303}o", "nino nino"),
        ("Straße STRASSE ẞ", "strasse strasse ss"),
        ("Ærø Łódź Đà Œuvre", "aero lodz da oeuvre"),
        ("İstanbul ISPARTA ışık", "istanbul isparta isik"),
        ("ﬁnance Ａｃｍｅ ①", "finance acme 1"),
        ("ac\u{200b}me co\u{ad}rp", "acme corp"),
        ("Acme™ Acme® Acme\u{b4}s Acme’s", "acme™ acme® acme's acme's"),
        ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
        ("Ёлка й", "елка и"),
        ("ｶﾞｷﾞ ガギ か\u{3099}", "ガギ ガギ が"),
        ("한국 \u{1112}\u{1161}\u{11ab}", "한국 한"),
        ("مُحَمَّد محمـد أحمد", "محمد محمد احمد"),
        ("שָׁלוֹם", "שלום"),
        ("कमल कुमुद", "कमल कुमुद"),
        ("I ♥\u{fe0f} 👩\u{200d}🔧", "i ♥ 👩🔧"),
        ("non‑breaking “quoted”", "non-breaking \"quoted\""),
        ("  lead", "lead"),
        ("¨x", "¨x"),
        ("x\u{fe71}y", "xy"),
    ] {
        assert_eq!(fold(text), folded, "{text}");
        assert_eq!(fast(text), folded, "{text} (fast)");
    }
}

#[test]
fn accents_and_case_can_be_read_back() {
    assert_eq!(accented("I"), "i");
    assert_eq!(accented("q'X"), "q'x");
    assert_eq!(accented("ñ"), "ñ");
    assert_eq!(accented("N\u{303}"), "ñ");
    assert_eq!(accented("Ø"), "ø");
    assert_eq!(accented("ß"), "ss");
    assert_eq!(accented("Æ"), "ae");
    assert_eq!(accented("İ"), "i");
    assert_eq!(accented("ı"), "ı");
    assert_eq!(as_written("N\u{303}"), "Ñ");
}

#[test]
fn places_lead_back_to_the_original() {
    let title = "El nin\u{303}o";
    let text = "ﬁne\u{a0}\n ac\u{200b}me";
    let mut folded = Folded::default();
    folded.append(title);
    folded.append(text);
    assert_eq!(folded.base, "el nino\nfine acme");
    let find = |what: &str| {
        let at = folded.base.find(what).unwrap();
        let range = at..at + what.len();
        let part = folded.part_at(at);
        let original = folded.original(&range).unwrap();
        (part, [title, text][part].get(original).unwrap().to_owned())
    };
    assert_eq!(find("nino"), (0, "nin\u{303}o".into()));
    assert_eq!(find("acme"), (1, "ac\u{200b}me".into()));
    assert_eq!(find("fi"), (1, "ﬁ".into()));
    assert_eq!(find("e ac"), (1, "e\u{a0}\n ac".into()));
}

#[test]
fn characters_that_are_quickly_said_to_join_with_nothing_do_so() {
    for c in ('\0'..=char::MAX).filter(|c| *c < '\u{300}' || is_own_fold(*c)) {
        let class = canonical_combining_class(c);
        assert!(class == 0 && is_nfc_quick(std::iter::once(c)) == IsNormalized::Yes, "{c}");
        if is_own_fold(c) {
            assert!(!is_invisible(c), "{c}");
            assert_eq!(fold(&c.to_string()), c.to_string());
        }
    }
}

#[test]
fn a_letter_under_a_hundred_thousand_marks_is_folded_in_linear_time() {
    let hostile = format!("a{}", "\u{301}\u{316}\u{3099}".repeat(100_000));
    assert_eq!(fast(&hostile), fold(&hostile));
}

#[test]
fn folding_a_letter_twice_changes_nothing() {
    for c in ('\u{80}'..=char::MAX).filter(|c| c.is_alphabetic() && !is_own_fold(*c)) {
        let once = fold(&c.to_string());
        assert_eq!(fold(&once), once, "{c} U+{:04X}", c as u32);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn both_ways_of_folding_agree(text in "\\PC*") {
        prop_assert_eq!(fast(&text), fold(&text));
    }

    #[test]
    fn both_agree_on_marks_and_oddities(
        text in "[a-cIİıéñßæ\u{300}-\u{304}\u{316}\u{3099}\u{309a}\u{200b}\u{ad}\u{b4} \n\u{a0}かガｶﾞ한\u{1100}\u{1161}\u{11a8}\u{94d}\u{93c}\u{915}\u{fdfa}\u{2003}\u{8e4}\u{e38}\u{e48}\u{1b35}\u{1b05}]{0,30}"
    ) {
        prop_assert_eq!(fast(&text), fold(&text));
        let mut folded = Folded::default();
        folded.append(&text);
        for unit in folded.units(&(0..folded.base.len())) {
            prop_assert!(text.get(unit.start as usize..unit.end as usize).is_some());
        }
    }

    #[test]
    fn folding_twice_changes_nothing(text in "\\PC*") {
        let once = fold(&text);
        // Letters that NFKC itself does not settle in one pass are rare symbols; words are settled.
        if text.chars().all(|c| c.is_ascii() || c.is_alphabetic()) {
            prop_assert_eq!(fold(&once), once);
        }
    }
}
