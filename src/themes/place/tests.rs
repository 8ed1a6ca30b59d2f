//! Placing, remembering and forgetting.

use super::*;

const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

fn put(memory: &mut Memory, next: &mut i64, watchlist: &str, text: &str) -> i64 {
    let terms = Terms::of(text, "en", &["acme"], |t| memory.rare(t));
    let id = memory.place(watchlist, &terms, None).theme.unwrap_or_else(|| {
        *next += 1;
        *next
    });
    memory.join(id, watchlist, &terms, None, NOW);
    id
}

#[test]
fn different_words_of_one_issue_are_one_theme_and_other_issues_and_watchlists_are_others() {
    let (mut memory, mut next) = (Memory::default(), 0);
    let out = put(&mut memory, &mut next, "a", "The acme app logs me out every five minutes");
    assert_eq!(put(&mut memory, &mut next, "a", "why does the app keep logging me out??"), out);
    assert_ne!(put(&mut memory, &mut next, "a", "my acme parcel came damaged"), out);
    assert_ne!(put(&mut memory, &mut next, "b", "The acme app logs me out every five minutes"), out);
    assert_eq!(put(&mut memory, &mut next, "a", "Acme app logged me out again, third time today"), out);
    let held = memory.themes.get(&out).unwrap();
    assert!(name(&held.terms).contains("app") || name(&held.terms).contains("log"), "{}", name(&held.terms));
}

#[test]
fn a_theme_is_named_after_what_it_is_about_and_not_after_how_people_feel() {
    let (mut memory, mut next) = (Memory::default(), 0);
    let theme = put(&mut memory, &mut next, "a", "Terrible terrible delivery, absolutely the worst");
    for text in ["The worst delivery, simply terrible", "terrible delivery again, worst ever"] {
        assert_eq!(put(&mut memory, &mut next, "a", text), theme);
    }
    let named = name(&memory.themes.get(&theme).unwrap().terms);
    assert!(named.contains("delivery") && !named.contains("terrible") && !named.contains("worst"), "{named}");
    let felt = put(&mut memory, &mut next, "b", "Terrible, simply the worst");
    let named = name(&memory.themes.get(&felt).unwrap().terms);
    assert!(named.contains("terrible"), "people say nothing else: {named}");
}

#[test]
fn a_name_has_no_word_twice_in_two_forms() {
    let (mut memory, mut next) = (Memory::default(), 0);
    let theme = put(&mut memory, &mut next, "a", "It crashes at checkout, another crash");
    for text in ["Crashes at checkout", "the checkout crashed, it crashes daily"] {
        assert_eq!(put(&mut memory, &mut next, "a", text), theme);
    }
    let named = name(&memory.themes.get(&theme).unwrap().terms);
    assert_eq!(named.matches("crash").count(), 1, "{named}");
    for (a, b, same) in [("crash", "crashes", true), ("app", "apps", false), ("card", "cardboard", false)] {
        assert_eq!((is_form(a, b), is_form(b, a)), (same, same), "{a} {b}");
    }
}

#[test]
fn a_restored_memory_places_as_the_one_before() {
    let (mut memory, mut next) = (Memory::default(), 0);
    for text in ["courier threw my parcel over the fence", "courier throws parcel over the wall", "card charged twice"]
    {
        put(&mut memory, &mut next, "a", text);
    }
    let mut again = Memory::default();
    for (id, held) in &memory.themes {
        again.restore(*id, "a", None, held.terms.clone(), held.mentions, held.last);
    }
    let terms = Terms::of("the courier throws every parcel", "en", &[], |t| memory.rare(t));
    assert_eq!(memory.place("a", &terms, None), again.place("a", &terms, None));
    assert_eq!(again.place("a", &terms, None).theme, Some(1));
    again.forget(1);
    assert_eq!(again.place("a", &terms, None).theme, None);
}

#[test]
fn a_named_query_decides() {
    let mut memory = Memory::default();
    let terms = Terms::of("anything", "en", &[], |_| 1.0);
    assert_eq!(memory.place("a", &terms, Some("delivery")).theme, None);
    memory.join(7, "a", &terms, Some("delivery"), NOW);
    let placed = memory.place("a", &Terms::default(), Some("delivery"));
    assert_eq!(
        (placed.theme, placed.why.words()),
        (Some(7), "matches the theme `delivery` of the configuration".into())
    );
}

#[test]
fn the_memory_is_bounded() {
    let mut memory = Memory::default();
    for id in 0..(MOST_THEMES as i64 + 50) {
        let term = crate::themes::Term { hash: id as u32, weight: 1.0, word: String::new() };
        memory.join(id, "a", &Terms(vec![term], None), None, NOW);
    }
    assert_eq!((memory.len(), memory.behind.len(), memory.single.len()), (MOST_THEMES, MOST_THEMES, MOST_THEMES));
    assert_eq!((memory.having.len(), memory.by_age.len()), (MOST_THEMES, 0));
}

#[test]
fn what_nobody_adds_to_is_forgotten_and_single_voices_first() {
    let day = |n: i64| NOW + jiff::SignedDuration::from_hours(24 * n);
    let term = |hash| Terms(vec![crate::themes::Term { hash, weight: 1.0, word: String::new() }], None);
    let mut memory = Memory::default();
    for (theme, at) in [(1, 0), (2, 0), (2, 1), (4, 30), (5, 1), (5, 30)] {
        memory.join(theme, "a", &term(u32::try_from(theme).unwrap()), None, day(at));
    }
    memory.join(3, "a", &term(3), Some("delivery"), day(0));
    let left = |memory: &Memory| {
        let mut left: Vec<i64> = memory.themes.keys().copied().collect();
        left.sort_unstable();
        left
    };
    memory.forget_before(day(-100), day(10));
    assert_eq!(left(&memory), [2, 3, 4, 5], "a single voice of long ago; a named one stays");
    memory.forget_before(day(20), day(20));
    assert_eq!(left(&memory), [4, 5]);
    memory.merge(4, 5);
    memory.forget_before(day(31), day(31));
    assert!(memory.is_empty() && memory.named.is_empty());
    assert!(memory.behind.is_empty() && memory.having.is_empty() && memory.mentions == 0, "nothing stays behind");
    assert!(memory.by_age.is_empty() && memory.single.is_empty());
}
