//! Whether a display name or a handle is a person's name, and which part of it one says hello to.
//!
//! Only names of a list count (`drafts/names.txt`): a greeting without a name is polite, one with a wrong name is not.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::super::clean::clean_line;
use super::super::mask::fold;

/// Words that a person's name has at most, particles included; slogans have more.
const MAX_WORDS: usize = 6;
/// Longer ones are not looked at, in bytes.
const MAX_NAME: usize = 120;

/// Given names that are mostly said together with the second one.
const DOUBLE: [&str; 10] = ["maria", "jose", "juan", "ana", "luis", "joao", "anne", "anna", "hans", "carlos"];
/// Forms of address before a name.
const TITLES: [&str; 19] = [
    "mr", "mrs", "ms", "miss", "mx", "dr", "dra", "prof", "sr", "sra", "srta", "d", "da", "dona", "don", "doña", "dna",
    "hr", "fru",
];

struct Names {
    /// Folded name → whether it counts only before a surname.
    given: HashMap<String, bool>,
    not: HashSet<String>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| read(include_str!("../drafts/names.txt")));

/// The given name to greet with: `María` of `María López`, of `maria.lopez` or of `@maria_lopez`; `None` if neither is a
/// person's name (`xX_killer_99`, `Acme Fans Club`), or if it cannot be told.
///
/// A handle counts only where there is no display name: whoever shows another name wants to be called that.
pub fn looks_like_a_name(display: &str, handle: Option<&str>) -> Option<String> {
    let display = without_mail(&clean_line(display));
    if !display.is_empty() {
        return if display.contains(' ') { person(&display) } else { of_handle(&display) };
    }
    of_handle(handle?)
}

/// A display name of several words.
fn person(display: &str) -> Option<String> {
    if display.len() > MAX_NAME || display.chars().any(|c| c.is_numeric() || "@/\\_|&+=<>#*:;!?".contains(c)) {
        return None;
    }
    // `López, María` is María.
    let display = match display.split_once(',') {
        Some((last, first)) if !first.contains(',') => format!("{} {}", first.trim(), last.trim()),
        Some(_) => return None,
        None => display.to_owned(),
    };
    let mut words: Vec<&str> = display.split(' ').filter(|w| w.chars().any(char::is_alphabetic)).collect();
    if words.len() > 1 && TITLES.contains(&fold(words[0]).trim_end_matches('.')) {
        words.remove(0);
    }
    let fits = |word: &&str| word.chars().all(|c| c.is_alphabetic() || is_joint(c) || c == '.' || is_mark(c));
    if words.is_empty() || words.len() > MAX_WORDS || !words.iter().all(fits) {
        return None;
    }
    let folded: Vec<String> = words.iter().map(|w| fold(w).trim_matches('.').to_owned()).collect();
    if folded.iter().any(|w| NAMES.not.contains(w)) {
        return None;
    }
    let surname = words.len() > 1;
    let first = given(&folded[0], surname)?;
    let mut name = cased(words.first()?)?;
    // `Ana Sofía Pérez`, but `James Martin` is James.
    if first && words.len() > 2 && folded.get(1).is_some_and(|second| given(second, true).is_some()) {
        name = format!("{name} {}", cased(words.get(1)?)?);
    }
    Some(name)
}

/// A handle, or a display name of one word.
fn of_handle(handle: &str) -> Option<String> {
    let handle = handle.trim().trim_start_matches(['@', '＠', '/']);
    let handle = handle.strip_prefix("u/").unwrap_or(handle);
    let handle = handle.split('@').next()?;
    if handle.len() > MAX_NAME
        || handle.chars().any(|c| !c.is_alphabetic() && !is_mark(c) && !is_joint(c) && !"._".contains(c))
    {
        return None;
    }
    // `anne-marie` is one name, if it is one; then `maria.lopez`, `MariaLopez`.
    let whole = handle.trim_matches(['.', '_']);
    if given(&fold(whole), false).is_some() {
        return cased(whole);
    }
    let parts: Vec<&str> = match handle.contains(['.', '_', '-']) {
        true => handle.split(['.', '_', '-']).filter(|p| !p.is_empty()).collect(),
        false => camel(handle),
    };
    let folded: Vec<String> = parts.iter().map(|p| fold(p)).collect();
    if !(2..=4).contains(&parts.len()) || folded.iter().any(|p| NAMES.not.contains(p) || p.chars().count() < 2) {
        return None;
    }
    // In a handle, what is also a word is more often the word.
    given(&folded[0], false)?;
    cased(parts.first()?)
}

/// Whether a folded word is a given name, and if so, whether it is one of those that take a second one.
fn given(word: &str, surname: bool) -> Option<bool> {
    let known = |word: &str| NAMES.given.get(word).is_some_and(|also_a_word| surname || !also_a_word);
    let is = known(word) || word.split_once('-').is_some_and(|(one, two)| known(one) && NAMES.given.contains_key(two));
    is.then(|| DOUBLE.contains(&word))
}

/// `MARÍA` and `maría` as `María`; letters that change between are no name's, but for `McKenzie` and `DeShawn`.
fn cased(word: &str) -> Option<String> {
    let word = word.trim_matches('.');
    let upper = word.chars().filter(|c| c.is_uppercase()).count();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    if word.chars().next()?.is_uppercase() && upper < letters {
        return (upper <= 2).then(|| word.to_owned());
    }
    if upper != 0 && upper != letters {
        return None;
    }
    let mut out = String::with_capacity(word.len());
    let mut start = true;
    for c in word.chars() {
        if start {
            out.extend(c.to_uppercase())
        } else {
            out.extend(c.to_lowercase())
        }
        start = is_joint(c);
    }
    Some(out)
}

/// `MariaLopez` as two words.
fn camel(handle: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut small = false;
    for (i, c) in handle.char_indices() {
        if c.is_uppercase() && small {
            parts.push(&handle[start..i]);
            start = i;
        }
        small = c.is_lowercase();
    }
    parts.push(&handle[start..]);
    parts
}

/// RSS writes authors as `mail@host (Name)`; the address says nothing of how to greet.
fn without_mail(display: &str) -> String {
    if let Some((mail, name)) = display.split_once(" (")
        && mail.contains('@')
    {
        return name.trim_end_matches(')').trim().to_owned();
    }
    let is_mail = |w: &&str| w.trim_matches(['<', '>']).find('@').is_some_and(|at| at > 0);
    display.split(' ').filter(|w| !is_mail(w)).collect::<Vec<_>>().join(" ")
}

fn is_joint(c: char) -> bool {
    matches!(c, '-' | '\'' | '’')
}

fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

fn read(source: &str) -> Names {
    let mut names = Names { given: HashMap::new(), not: HashSet::new() };
    let mut not = false;
    for line in source.lines().filter(|l| !l.starts_with('#')) {
        if line == "[not]" {
            not = true;
            continue;
        }
        for word in line.split_whitespace() {
            if not {
                names.not.insert(word.to_owned());
            } else {
                let bare = word.trim_end_matches('?');
                *names.given.entry(bare.to_owned()).or_default() |= word.ends_with('?');
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_people_and_of_others() {
        for (display, handle, name) in [
            ("María López", None, Some("María")),
            ("maría lópez", None, Some("María")),
            ("MARÍA LÓPEZ", None, Some("María")),
            ("María José García", None, Some("María José")),
            ("José Luis", None, Some("José")),
            ("João Pedro da Silva", None, Some("João Pedro")),
            ("James Martin Smith", None, Some("James")),
            ("Mette Holm", Some("@metteh"), Some("Mette")),
            ("Søren Kierkegaard", None, Some("Søren")),
            ("Anne-Mette Jørgensen", None, Some("Anne-Mette")),
            ("Åse", None, None),
            ("Jørgen Ågård ☕", None, Some("Jørgen")),
            ("Dr. Sarah O'Neill", None, Some("Sarah")),
            ("Sra. Carmen Ruiz", None, Some("Carmen")),
            ("López, María", None, Some("María")),
            ("Ana R.", None, Some("Ana")),
            ("ana@example.com (Ana Ruiz)", None, Some("Ana")),
            ("Ana Ruiz <ana@example.com>", None, Some("Ana")),
            ("Ana", None, Some("Ana")),
            ("", Some("@maria_lopez"), Some("Maria")),
            ("", Some("maria.lopez"), Some("Maria")),
            ("", Some("@MariaLopez@mastodon.social"), Some("Maria")),
            ("", Some("/u/peter-berg"), Some("Peter")),
            ("maria_lopez", None, Some("Maria")),
            ("Grace Miller", None, Some("Grace")),
            // None of these is certainly somebody's.
            ("Grace", None, None),
            ("Sol", None, None),
            ("xX_killer_99", None, None),
            ("", Some("@xX_killer_99"), None),
            ("Acme Fans Club", None, None),
            ("Ana Fans Club", None, None),
            ("Radio Maria", None, None),
            ("Maria Shop", None, None),
            ("", Some("@maria_shop"), None),
            ("", Some("@mark_it_up"), None),
            ("ana1990", None, None),
            ("Coffee Lover", None, None),
            ("Happy Customer", None, None),
            ("Ana & Luis", None, None),
            ("Ana y Luis", None, None),
            ("mAriA lopez", None, None),
            ("Mercedes Benz", None, None),
            ("Ana, Luis, Pedro", None, None),
            ("Ana says: never again!", None, None),
            ("Acme Fans Club", Some("@ana_ruiz"), None),
            ("王小明", None, None),
            ("", None, None),
            ("  ", Some(""), None),
            ("@", Some("@"), None),
            ("...", Some("__"), None),
        ] {
            assert_eq!(looks_like_a_name(display, handle).as_deref(), name, "{display:?} {handle:?}");
        }
    }

    #[test]
    fn the_list_is_written_as_it_is_compared() {
        assert!(NAMES.given.len() > 1_000 && NAMES.not.len() > 100);
        let odd = |w: &&String| fold(w) != **w || w.contains('?');
        assert_eq!(NAMES.given.keys().chain(&NAMES.not).filter(odd).collect::<Vec<_>>(), Vec::<&String>::new());
        assert_eq!(NAMES.given.keys().filter(|w| NAMES.not.contains(*w)).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    proptest! {
        #[test]
        fn a_name_is_one_or_two_capitalised_words_of_the_text(display in "\\PC{0,40}|[a-zA-Zé ,.@_-]{0,30}(Ana|maria)[ A-Za-z._-]{0,30}", handle in "\\PC{0,20}") {
            if let Some(name) = looks_like_a_name(&display, Some(&handle)) {
                prop_assert!(name.split(' ').count() <= 2 && name.starts_with(char::is_uppercase), "{name}");
                let shown = fold(&clean_line(&format!("{display} {handle}")));
                prop_assert!(name.split(' ').all(|word| shown.contains(&fold(word))), "{name}");
            }
        }
    }
}
