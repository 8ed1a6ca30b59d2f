//! What each service is asked finds everything that the watchlists find: random queries and texts, held against a service
//! that reads its own search syntax as its documentation says. What may be lost is told.

use mentiond::model::{Location, Settings, Source};
use mentiond::query::{Document, Scope, parse};
use mentiond::text::fold::fold;

use crate::exactly_once::Dice;
use crate::kinds::{KINDS, Kind, load, source};

/// Kinds that are searched: their limits in characters and operators of the whole search (0: none is known), which signs
/// they know for OR and NOT, and whether quotes keep words together. From their documentation.
const SEARCHED: [(&str, usize, usize, &str, &str, bool); 13] = [
    ("mastodon-search", 0, 0, "", "-", true),
    ("bluesky", 0, 0, "", "-", true),
    ("bluesky-public", 0, 0, "", "-", true),
    ("hackernews", 0, 0, "", "-", true),
    ("lemmy", 0, 0, "", "", false),
    ("discourse-search", 0, 0, "", "", true),
    ("stackexchange", 0, 0, "", "", true),
    ("github", 256, 5, "OR", "-", true),
    ("youtube-search", 0, 0, "|", "-", true),
    ("x", 512, 0, "OR", "-", true),
    ("gdelt", 0, 0, "OR", "-", true),
    ("reddit", 512, 0, "OR", "-", true),
    ("googlenews", 0, 0, "OR", "-", true),
];

/// What a search comes down to.
#[derive(Debug)]
enum Search {
    All(Vec<Search>),
    Any(Vec<Search>),
    Not(Box<Search>),
    /// Words beside each other.
    Words(Vec<String>),
    Tag(String),
}

/// Letters and digits, folded: what a search engine makes of a text.
fn tokens(text: &str) -> Vec<String> {
    let plain: String = fold(text).chars().map(|c| if c == 'ñ' { 'n' } else { c }).collect();
    plain.split(|c: char| !c.is_alphanumeric()).filter(|t| !t.is_empty()).map(str::to_owned).collect()
}

/// A text as a service keeps it.
struct Indexed {
    tokens: Vec<String>,
    tags: Vec<String>,
}

impl Indexed {
    fn new(text: &str) -> Self {
        let tags = fold(text);
        let tags = tags.split(|c: char| !c.is_alphanumeric() && c != '#').filter(|word| word.starts_with('#'));
        Self { tokens: tokens(text), tags: tags.map(str::to_owned).collect() }
    }

    fn has(&self, words: &[String]) -> bool {
        words.is_empty() || self.tokens.windows(words.len()).any(|window| window == words)
    }
}

impl Search {
    fn finds(&self, text: &Indexed) -> bool {
        match self {
            Search::All(parts) => parts.iter().all(|part| part.finds(text)),
            Search::Any(parts) => parts.iter().any(|part| part.finds(text)),
            Search::Not(part) => !part.finds(text),
            Search::Words(words) => text.has(words),
            Search::Tag(tag) => text.tags.contains(tag),
        }
    }
}

/// Reads a service's syntax; panics on what it would not understand. OR binds weaker than words beside each other, or
/// `tighter`, as some services have it.
struct Reader<'a> {
    rest: Vec<&'a str>,
    or: &'a str,
    not: &'a str,
    quotes: bool,
    tighter: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, or: &'a str, not: &'a str, quotes: bool, tighter: bool) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let begin = rest.len() - rest.trim_start_matches('-').len();
            let end = match rest.as_bytes().get(begin) {
                Some(b'(' | b')') => begin + 1,
                Some(b'"') => begin + 2 + rest[begin + 1..].find('"').expect("a quote without its end"),
                _ => rest.find([' ', ')']).unwrap_or(rest.len()).max(1),
            };
            pieces.push(&rest[..end]);
            rest = rest[end..].trim_start();
        }
        pieces.reverse();
        Self { rest: pieces, or, not, quotes, tighter }
    }

    fn is_or(&self) -> bool {
        !self.or.is_empty() && self.rest.last() == Some(&self.or)
    }

    fn any(&mut self) -> Search {
        let mut parts = vec![self.all()];
        while self.is_or() {
            self.rest.pop();
            parts.push(self.all());
        }
        Search::Any(parts)
    }

    fn all(&mut self) -> Search {
        let mut parts = Vec::new();
        while self.rest.last().is_some_and(|next| *next != ")") && (self.tighter || !self.is_or()) {
            let one = self.one();
            let mut either = vec![one];
            while self.tighter && self.is_or() {
                self.rest.pop();
                either.push(self.one());
            }
            parts.push(if either.len() == 1 { either.remove(0) } else { Search::Any(either) });
        }
        assert!(!parts.is_empty(), "nothing is searched for");
        Search::All(parts)
    }

    fn one(&mut self) -> Search {
        let piece = self.rest.pop().expect("something to search for");
        if piece == "(" {
            let inner = self.any();
            assert_eq!(self.rest.pop(), Some(")"));
            return inner;
        }
        if let Some(word) = piece.strip_prefix('-') {
            assert_eq!(self.not, "-", "{piece}: it knows no NOT");
            assert!(!word.starts_with(['(', '-']), "{piece}");
            self.rest.push(word);
            return Search::Not(Box::new(self.one()));
        }
        if piece.starts_with('"') {
            assert!(self.quotes, "{piece}: it knows no quotes");
            return Search::Words(tokens(piece));
        }
        assert!(!matches!(piece, "OR" | "AND" | "NOT" | "|"), "{piece} is an operator");
        if piece.starts_with('#') { Search::Tag(fold(piece)) } else { Search::Words(tokens(piece)) }
    }
}

const WORDS: [&str; 12] =
    ["acme", "beta", "gamma", "sofa", "Chair", "x.y", "acme-shop", "#acme", "#beta", "niño", "AT&T", "OR"];

fn word(dice: &mut Dice) -> &'static str {
    WORDS[dice.roll(WORDS.len() as u64 - 1) as usize]
}

fn phrase(dice: &mut Dice) -> String {
    let word = |dice: &mut Dice| word(dice).trim_start_matches('#').to_owned();
    format!("\"{} {}\"", word(dice), word(dice))
}

/// A query that looks for something.
fn query(dice: &mut Dice, depth: u64) -> String {
    match if depth == 0 { dice.roll(4) } else { dice.roll(12) } {
        0 | 1 => word(dice).to_owned(),
        2 => phrase(dice),
        3 => format!("`{}`", word(dice).trim_start_matches('#')),
        4 | 5 => format!("({} OR {})", query(dice, depth - 1), query(dice, depth - 1)),
        6 => format!("({} OR {} OR {})", query(dice, depth - 1), query(dice, depth - 1), query(dice, depth - 1)),
        7 => format!("({} {})", query(dice, depth - 1), query(dice, depth - 1)),
        8 => format!("({} -{})", query(dice, depth - 1), word(dice)),
        9 => format!("({} -{} -{})", query(dice, depth - 1), phrase(dice), word(dice)),
        10 => format!("({} -({} OR {}))", query(dice, depth - 1), word(dice), query(dice, depth - 1)),
        _ => format!("(title:{} OR {})", word(dice).trim_start_matches('#'), query(dice, depth - 1)),
    }
}

fn text(dice: &mut Dice) -> String {
    let mut out = String::new();
    for _ in 0..1 + dice.roll(7) {
        out.push_str([" ", " ", " ", ", ", "-", ". "][dice.roll(6) as usize]);
        out.push_str(word(dice));
    }
    out
}

/// The searches that a source asks, without what each kind writes behind them.
fn searches(source: &Source) -> (Vec<String>, Vec<String>) {
    let (all, blind) = match (&source.settings, &source.location) {
        (Settings::Table(table), _) => (table.queries.clone(), source.blind.clone()),
        (_, Location::Url(url)) => {
            let q = url.query_pairs().find(|(name, _)| name == "q").expect("a search").1.into_owned();
            (vec![q.strip_suffix(" when:7d").expect("its window").to_owned()], source.blind.clone())
        }
        other => panic!("{other:?}"),
    };
    (all.into_iter().map(|q| q.trim_end_matches(" -is:retweet").to_owned()).collect(), blind)
}

/// Whether only other signs between the words of a phrase, or of a word that has such signs, tell the two apart: that is
/// told as something that the search cannot see.
fn is_told(blind: &[String], text: &Indexed) -> bool {
    let told = blind.iter().filter(|told| told.contains("other signs"));
    told.filter_map(|told| told.split('`').nth(1)).any(|phrase| text.has(&tokens(phrase)))
}

#[test]
fn what_a_service_is_asked_never_loses_what_the_watchlist_finds() {
    let googlenews = Kind { name: "googlenews", word: "googlenews", lines: "", late: 0 };
    let mut dice = Dice(0x5eed_2026);
    let mut queries = Vec::new();
    while queries.len() < 50 {
        let one = query(&mut dice, 3);
        // One that can hold for nothing is a mistake in a watchlist.
        if parse(&one, Scope::Watchlist).is_ok() {
            queries.push(one);
        }
    }
    let mut tables = String::new();
    for (n, query) in queries.iter().enumerate() {
        tables.push_str(&format!("[watchlists.w{n}]\nquery = '{query}'\n"));
    }
    for (name, ..) in SEARCHED {
        let kind = KINDS.iter().find(|kind| kind.name == name).unwrap_or(&googlenews);
        for n in 0..queries.len() {
            let one =
                source(kind, "https://service.example").replacen(&format!(".{name}]"), &format!(".{name}-{n}]"), 1);
            tables.push_str(&format!("{one}watchlists = [\"w{n}\"]\n"));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let config = load(folder.path(), &tables);
    let texts: Vec<(String, String)> = (0..250).map(|_| (text(&mut dice), text(&mut dice))).collect();
    let indexed: Vec<Indexed> =
        texts.iter().map(|(title, text)| Indexed::new(&format!("{title} \u{1} {text}"))).collect();
    for (name, longest, most, or, not, quotes) in SEARCHED {
        let (mut found, mut told, mut asked, mut besides) = (0, 0, 0, 0);
        for (n, local) in queries.iter().enumerate() {
            let source = config.sources.iter().find(|source| source.name == format!("{name}-{n}")).unwrap();
            let (searches, blind) = searches(source);
            asked += searches.len();
            let read = |tighter: bool| -> Vec<Search> {
                searches
                    .iter()
                    .map(|text| {
                        let mut reader = Reader::new(text, or, not, quotes, tighter);
                        let search = reader.any();
                        assert!(reader.rest.is_empty(), "{name}: {text}: {:?} is left", reader.rest);
                        search
                    })
                    .collect()
            };
            let readings = [read(false), read(true)];
            for search in &searches {
                // With what else stands in the search.
                let all = match name {
                    "github" => format!("{search} is:pull-request created:>=2026-11-20T10:00:00Z"),
                    "x" => format!("{search} -is:retweet"),
                    _ => search.clone(),
                };
                assert!(longest == 0 || all.chars().count() <= longest, "{name}: {} characters: {all}", all.len());
                let operators = search.split(' ').filter(|word| *word == or || word.starts_with('-')).count();
                assert!(most == 0 || operators <= most, "{name}: {operators} operators: {search}");
            }
            let parsed = parse(local, Scope::Watchlist).unwrap();
            for ((title, text), whole) in texts.iter().zip(&indexed) {
                let document = Document { title, text, ..Document::default() };
                let holds = parsed.evaluate(&document).is_some();
                for reading in &readings {
                    let finds = reading.iter().any(|search| search.finds(whole));
                    besides += usize::from(finds && !holds);
                    if !holds {
                        continue;
                    }
                    if !finds && is_told(&blind, whole) {
                        told += 1;
                        continue;
                    }
                    found += 1;
                    assert!(
                        finds,
                        "{name}: `{local}` finds {title:?} and {text:?}, but {searches:?} does not; told: {blind:?}"
                    );
                }
            }
        }
        println!(
            "{name:18} {asked:4} searches for {} queries: {found} finds kept, {told} lost as told, {besides} left to the filter",
            queries.len()
        );
        assert!(found > 1000, "{name}: nothing was found, so nothing was tested");
    }
}

#[test]
fn long_watchlists_keep_within_a_service_s_limits() {
    let names: Vec<String> = (0..90).map(|n| format!("brand{n}")).collect();
    let mut tables = format!("[watchlists.many]\nquery = '({}) -\"brand street\" -jobs'\n", names.join(" OR "));
    let limited = ["github", "x", "reddit", "gdelt", "youtube-search"];
    for name in limited {
        let kind = KINDS.iter().find(|kind| kind.name == name).unwrap();
        tables.push_str(&format!("{}watchlists = [\"many\"]\n", source(kind, "https://service.example")));
    }
    let folder = tempfile::tempdir().unwrap();
    let config = load(folder.path(), &tables);
    for name in limited {
        let (_, longest, most, or, ..) = SEARCHED.into_iter().find(|one| one.0 == name).unwrap();
        let one = config.sources.iter().find(|source| source.name == name).unwrap();
        let (searches, _) = searches(one);
        for wanted in &names {
            let holds = |search: &&String| tokens(search).contains(wanted);
            assert_eq!(searches.iter().filter(holds).count(), 1, "{name}: {wanted} in {searches:?}");
        }
        for search in &searches {
            // X is asked for no retweets, GitHub for one kind and a time.
            let besides = [("x", 12), ("github", 54)].into_iter().find(|one| one.0 == name).map_or(0, |one| one.1);
            let room = if longest == 0 { usize::MAX } else { longest - besides };
            assert!(search.chars().count() <= room, "{name}: {search}");
            let operators = search.split(' ').filter(|word| *word == or || word.starts_with('-')).count();
            assert!(most == 0 || operators <= most, "{name}: {operators} operators: {search}");
        }
        println!("{name}: {} searches for 90 names", searches.len());
    }
}
