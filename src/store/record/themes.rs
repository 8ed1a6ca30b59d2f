//! Themes in the record: a mention is placed inside the poll's transaction; a theme that must be acted on opens there too,
//! with its case and its dossiers. What they are recognised by stands beside them, so that the memory can be made anew.

pub(super) mod acting;
pub(super) mod foretelling;
pub(super) mod listing;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::StoreError;
use super::cases::{self, CaseDesk};
use super::polls::{DeliveryContent, NewDelivery, queue};
use super::{Record, millis, rows};
use crate::cases::{Around, AuthorKey, Opening, handled};
use crate::model::{
    Actor, Case, Category, Entry, Mark, Mention, Privacy, Severity, THEME_CAME_BACK, Theme, ThemeHappening,
    ThemeStatus, WatchlistMatch, message_id,
};
use crate::themes::place::{self, Remembered};
use crate::themes::standing::{self, ThemeAction, ThemeRefusal, Turn};
use crate::themes::{Memory, Terms};
pub(super) use listing::title_of;

/// A theme that was not heard of for so long is forgotten: what comes then is a theme of its own.
const REMEMBER: SignedDuration = SignedDuration::from_hours(180 * 24);
/// … and one of a single voice after so long, or twice the time within which people count, if that is longer: whoever says
/// the same later is the first of a theme again.
const REMEMBER_SINGLE: SignedDuration = SignedDuration::from_hours(28 * 24);
/// Themes that are read back at most, the newest.
const MOST: i64 = 20_000;

/// What themes are recognised by, as of a mark in the record: work that was rolled back leaves another mark, and the memory
/// is made anew.
#[derive(Clone, Default)]
pub(in crate::store) struct ThemeMemory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    mark: Option<i64>,
    memory: Memory,
}

/// What became of a mention as far as themes go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) queued: u64,
    pub(super) case_opened: bool,
    /// The theme that opened, if one did.
    pub(super) opened: Option<i64>,
}

impl Record {
    /// Does what a person (`by`: mail address) wants done with a theme, or says why not. Answers the number of the theme to look at afterwards.
    ///
    /// # Errors
    /// The record cannot be written; the theme stays as it is then.
    pub async fn act_on_theme(
        &self,
        desk: Arc<CaseDesk>,
        id: i64,
        action: ThemeAction,
        by: Option<String>,
        now: Timestamp,
    ) -> Result<Result<i64, ThemeRefusal>, StoreError> {
        self.have_theme_acted_on(desk, id, action, by.into(), now).await
    }

    /// The same for whoever acts.
    ///
    /// # Errors
    /// The record cannot be written; the theme stays as it is then.
    pub async fn have_theme_acted_on(
        &self,
        desk: Arc<CaseDesk>,
        id: i64,
        action: ThemeAction,
        by: Actor,
        now: Timestamp,
    ) -> Result<Result<i64, ThemeRefusal>, StoreError> {
        let themes = self.themes.clone();
        self.write(true, move |c| {
            // Whatever is remembered is made anew from what stands in the record afterwards.
            themes.0.lock().unwrap_or_else(PoisonError::into_inner).mark = None;
            let done = acting::act(c, &desk, id, &action, &by, now)?;
            if done.is_ok() {
                set_mark(c)?;
            }
            Ok(done)
        })
        .await
    }
}

impl ThemeMemory {
    /// Places a mention that began a story; a theme that must be acted on now opens.
    #[expect(clippy::too_many_arguments, reason = "what a poll knows of one mention")]
    pub(super) fn place(
        &self,
        c: &Connection,
        desk: &CaseDesk,
        found: &Mention,
        (mention, story): (i64, i64),
        author: Option<AuthorKey>,
        named: Option<&str>,
        now: Timestamp,
    ) -> Result<Placed, StoreError> {
        let Some(watchlist) = found.watchlists.first().map(|w| w.name.as_str()) else { return Ok(Placed::default()) };
        if !desk.themes || !standing::is_placed(found) {
            return Ok(Placed::default());
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.refresh(c, now)?;
        kept.memory.forget_before(before(now, REMEMBER), before(now, single(desk)));
        // Until all of it is written, nobody may rely on it.
        kept.mark = None;
        let memory = &mut kept.memory;
        let terms = terms_of(Said::of(found), |term| memory.rare(term));
        if terms.0.is_empty() && named.is_none() {
            kept.mark = Some(set_mark(c)?);
            return Ok(Placed::default());
        }
        let placement = memory.place(watchlist, &terms, named);
        let known = placement.theme.map(|id| read(c, id)).transpose()?.flatten();
        let mut theme = match known {
            Some(theme) => theme,
            None => begin(c, found, watchlist, named, now)?,
        };
        let person = author.map_or_else(|| format!("story {story}").into_bytes(), |author| author.0.to_vec());
        c.prepare_cached(
            "INSERT OR IGNORE INTO theme_mentions (mention, theme, at, person, why) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![mention, theme.id, millis(now), person, rows::to_json(&placement.why)?])?;
        let id = theme.id;
        memory.join(id, watchlist, &terms, named, now);
        if let Some(twin) = placement.twin
            && let Some(other) = read(c, twin)?.filter(|t| t.status == ThemeStatus::Growing && t.named.is_none())
            && !is_apart(c, &other, theme.id)?
        {
            memory.merge(twin, id);
            acting::take_in(c, &mut theme, other, None, now)?;
        }
        // What counts for acting and for rates is when it was heard; what people read is when it was written.
        theme.first_seen = theme.first_seen.min(found.written());
        theme.last_seen = theme.last_seen.max(now);
        settle(c, &mut theme, memory.terms(id))?;
        let placed = look(c, desk, &mut theme, now)?;
        kept.mark = Some(set_mark(c)?);
        Ok(placed)
    }
}

impl Kept {
    /// Makes the memory anew unless it is the record's.
    fn refresh(&mut self, c: &Connection, now: Timestamp) -> Result<(), StoreError> {
        let mark: i64 = c.prepare_cached("SELECT mark FROM theme_memory")?.query_row([], |row| row.get(0))?;
        if self.mark == Some(mark) {
            return Ok(());
        }
        let since = before(now, REMEMBER);
        let mut memory = Memory::default();
        let mut statement = c.prepare_cached(
            "SELECT id, mentions, terms, content FROM
                (SELECT * FROM themes WHERE status <> 'merged' AND last_seen >= ?1 ORDER BY last_seen DESC, id DESC LIMIT ?2)
             ORDER BY last_seen, id",
        )?;
        let mut found = statement.query(params![millis(since), MOST])?;
        while let Some(row) = found.next()? {
            let theme = theme(row)?;
            let terms = unpack(&row.get::<_, Vec<u8>>("terms")?);
            let Theme { id, watchlist, named, last_seen, .. } = theme;
            memory.restore(id, &watchlist, named.as_deref(), terms, row.get("mentions")?, last_seen);
        }
        for query in successors(c)? {
            memory.stands_for(&query.watchlist, &query.name, query.theme);
        }
        *self = Self { mark: Some(mark), memory };
        Ok(())
    }
}

/// Merges that are followed from a theme to the one that it is part of now.
const MOST_MERGES: i64 = 20;

/// A query of the configuration whose theme became part of another one.
pub(super) struct Successor {
    pub(super) watchlist: String,
    /// Name of the query.
    pub(super) name: String,
    /// The theme that stands for it now.
    pub(super) theme: i64,
}

/// The queries whose themes were merged into others, those merged last first.
pub(super) fn successors(c: &Connection) -> Result<Vec<Successor>, StoreError> {
    let mut statement = c.prepare_cached(
        "WITH RECURSIVE way (first, watchlist, name, theme, further, steps) AS (
            SELECT id, watchlist, content ->> '$.named', id, content ->> '$.into', 0 FROM themes
            WHERE status = 'merged' AND content ->> '$.named' IS NOT NULL
            UNION ALL
            SELECT w.first, w.watchlist, w.name, h.id, h.content ->> '$.into', w.steps + 1
            FROM way w JOIN themes h ON h.id = w.further WHERE w.steps < ?1)
         SELECT watchlist, name, theme FROM way WHERE further IS NULL ORDER BY first DESC",
    )?;
    let rows = statement.query_map([MOST_MERGES], |row| {
        Ok(Successor { watchlist: row.get(0)?, name: row.get(1)?, theme: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How long a single voice is remembered.
fn single(desk: &CaseDesk) -> SignedDuration {
    let within = SignedDuration::try_from(desk.acting.within).unwrap_or(REMEMBER);
    within.checked_mul(2).unwrap_or(REMEMBER).max(REMEMBER_SINGLE)
}

fn before(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.checked_sub(time).unwrap_or(Timestamp::MIN)
}

/// What of a mention says what it is about.
#[derive(Clone, Copy)]
struct Said<'a> {
    entry: &'a Entry,
    watchlists: &'a [WatchlistMatch],
    /// Code of the language.
    language: &'a str,
}

impl<'a> Said<'a> {
    fn of(found: &'a Mention) -> Self {
        let language = &found.classification.language.code;
        Self { entry: &found.entry, watchlists: &found.watchlists, language }
    }
}

/// What a mention is about.
fn terms_of(said: Said<'_>, rare: impl Fn(u32) -> f32) -> Terms {
    let searched: Vec<&str> = said.watchlists.iter().flat_map(|w| &w.matched).map(|m| m.term.as_str()).collect();
    let text = format!("{}\n{}", said.entry.title, said.entry.text);
    Terms::of(&text, said.language, &searched, rare)
}

fn set_mark(c: &Connection) -> Result<i64, StoreError> {
    let mark: i64 = rand::random();
    c.prepare_cached("UPDATE theme_memory SET mark = ?1")?.execute([mark])?;
    Ok(mark)
}

fn begin(
    c: &Connection,
    found: &Mention,
    watchlist: &str,
    named: Option<&str>,
    now: Timestamp,
) -> Result<Theme, StoreError> {
    let mut theme = Theme {
        id: 0,
        watchlist: watchlist.to_owned(),
        name: named.unwrap_or_default().to_owned(),
        renamed: false,
        named: named.map(str::to_owned),
        status: ThemeStatus::Growing,
        category: found.classification.category,
        severity: found.classification.severity,
        first_seen: found.written(),
        last_seen: now,
        opened: None,
        closed: None,
        comebacks: 0,
        case: None,
        into: None,
    };
    c.prepare_cached(
        "INSERT INTO themes (watchlist, status, last_seen, mentions, terms, content) VALUES (?1, ?2, ?3, 0, x'', '{}')",
    )?
    .execute(params![watchlist, theme.status.as_str(), millis(now)])?;
    theme.id = c.last_insert_rowid();
    note(c, theme.id, now, None, &ThemeHappening::Began)?;
    Ok(theme)
}

/// Brings what is known of a theme up to date with its mentions, and writes it. The time of the last mention is the
/// caller's to set.
fn settle(c: &Connection, theme: &mut Theme, terms: &[Remembered]) -> Result<(), StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT m.category, m.severity, count(DISTINCT t.person) AS people FROM theme_mentions t
         JOIN mentions m ON m.id = t.mention WHERE t.theme = ?1 GROUP BY m.category, m.severity",
    )?;
    let mut categories: Vec<(Category, u64)> = Vec::new();
    let mut severity = Severity::Low;
    let mut found = statement.query([theme.id])?;
    while let Some(row) = found.next()? {
        let people: u64 = row.get("people")?;
        let (kind, worst): (String, String) = (row.get("category")?, row.get("severity")?);
        if let Some(category) = Category::parse(&kind) {
            match categories.iter_mut().find(|(c, _)| *c == category) {
                Some((_, n)) => *n += people,
                None => categories.push((category, people)),
            }
        }
        severity = severity.max(Severity::parse(&worst).unwrap_or(Severity::Low));
    }
    // Of two that are as common, the one that is decided first.
    if let Some((category, _)) = categories.into_iter().max_by_key(|(c, n)| (*n, std::cmp::Reverse(*c))) {
        theme.category = category;
    }
    theme.severity = severity;
    if !theme.renamed && theme.named.is_none() {
        let name = place::name(terms);
        if !name.is_empty() {
            theme.name = name;
        }
    }
    write(c, theme, terms)
}

fn write(c: &Connection, theme: &Theme, terms: &[Remembered]) -> Result<(), StoreError> {
    c.prepare_cached(
        "UPDATE themes SET terms = ?2, mentions = (SELECT count(*) FROM theme_mentions WHERE theme = ?1) WHERE id = ?1",
    )?
    .execute(params![theme.id, pack(terms)])?;
    write_standing(c, theme)
}

fn write_standing(c: &Connection, theme: &Theme) -> Result<(), StoreError> {
    c.prepare_cached("UPDATE themes SET watchlist = ?2, status = ?3, last_seen = ?4, content = ?5 WHERE id = ?1")?
        .execute(params![
            theme.id,
            theme.watchlist,
            theme.status.as_str(),
            millis(theme.last_seen),
            rows::to_json(theme)?
        ])?;
    Ok(())
}

/// Opens a theme, or opens it again, if its people are enough now.
fn look(c: &Connection, desk: &CaseDesk, theme: &mut Theme, now: Timestamp) -> Result<Placed, StoreError> {
    let within = SignedDuration::try_from(desk.acting.within).unwrap_or(SignedDuration::MAX);
    let since = now.checked_sub(within).unwrap_or(Timestamp::MIN);
    let recent = people(c, theme.id, since)?;
    let closed = theme.closed.as_ref().map(|mark| mark.at);
    let since_closing = match closed {
        // What came at the very moment had been there to be seen.
        Some(at) => people(c, theme.id, (at + SignedDuration::from_millis(1)).max(since))?,
        None => recent,
    };
    let turn = standing::turn(theme.status, recent, since_closing, &desk.acting);
    if turn == Turn::Stays {
        return Ok(Placed::default());
    }
    // One that was open before it shrank comes back, too: it has its case, and its dossiers were sent once.
    let back = turn == Turn::Reopens || theme.case.is_some();
    theme.status = ThemeStatus::Open;
    theme.opened = Some(now);
    theme.comebacks += u32::from(back);
    let went_to = c
        .prepare_cached(
            "SELECT m.department FROM theme_mentions t JOIN mentions m ON m.id = t.mention WHERE t.theme = ?1 ORDER BY t.mention",
        )?
        .query_map([theme.id], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    let before = theme.case.map(|id| cases::read(c, id)).transpose()?.flatten();
    // Whoever has its case has the theme.
    let has_it =
        before.as_ref().and_then(|case| desk.routing.departments.iter().find(|d| d.key == case.owner.department));
    let owner = has_it.or_else(|| standing::owner(&desk.routing, theme, &went_to));
    let mut placed = Placed { opened: Some(theme.id), ..Placed::default() };
    // Before its case begins anew, so that this does not open it once more.
    write_standing(c, theme)?;
    let mut person = None;
    if let Some(owner) = owner {
        let loads = cases::loads(c, &desk.routing)?;
        let around = Around { routing: &desk.routing, loads: &loads, now };
        person = before.as_ref().and_then(handled).map(str::to_owned);
        let outcome = match &before {
            Some(case) => crate::cases::begin_anew(around, case, THEME_CAME_BACK.to_owned()),
            None => {
                let mut opened = crate::cases::open(
                    around,
                    &Opening {
                        department: owner.key.clone(),
                        person: None,
                        category: theme.category,
                        also: Vec::new(),
                        severity: theme.severity,
                        privacy: Privacy::Usual,
                        kept_from: Vec::new(),
                    },
                );
                opened.case.theme = Some(theme.id);
                opened.case.mention = first_mention(c, theme.id)?;
                c.prepare_cached(
                    "INSERT INTO cases (mention, department, status, opened, theme) VALUES (?1, '', '', ?2, ?3)",
                )?
                .execute(params![opened.case.mention, millis(now), theme.id])?;
                opened.case.id = c.last_insert_rowid();
                placed.case_opened = true;
                Some(opened)
            }
        };
        if let Some(outcome) = outcome {
            theme.case = Some(outcome.case.id);
            person = handled(&outcome.case).map(str::to_owned);
            placed.queued += cases::keep(c, desk, &outcome, before.as_ref(), None, now)?;
        }
    }
    let (people, case) = (if turn == Turn::Reopens { since_closing } else { recent }, theme.case);
    let what = if back { ThemeHappening::Reopened { people, case } } else { ThemeHappening::Opened { people, case } };
    note(c, theme.id, now, None, &what)?;
    write_standing(c, theme)?;
    if let Some(owner) = owner {
        let copy = standing::copies(&desk.routing, theme, owner);
        let to = [(owner.email.clone(), &owner.key, false)]
            .into_iter()
            .chain(person.map(|person| (person, &owner.key, false)))
            .chain(copy.map(|board| (board.email.clone(), &board.key, true)));
        let mention = first_mention(c, theme.id)?;
        for (recipient, department, copy) in to {
            let dossier = NewDelivery {
                recipient,
                message_id: message_id(&desk.sender_domain, now, rand::random()),
                content: DeliveryContent::Dossier { theme: theme.id, department: department.clone(), copy, back },
                once: Some(format!("theme {} opening {}", theme.id, theme.comebacks)),
            };
            placed.queued += u64::from(queue(c, &dossier, Some(mention), None, now, false)?);
        }
    }
    Ok(placed)
}

/// A case about a theme has ended: so has the theme.
pub(super) fn case_ended(c: &Connection, case: &Case, by: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    let Some(mut theme) = case.theme.map(|id| read(c, id)).transpose()?.flatten() else { return Ok(()) };
    if theme.status == ThemeStatus::Open {
        theme.status = ThemeStatus::Closed;
        theme.closed = Some(Mark { at: now, by: by.map(str::to_owned) });
        let reason = case.reason.clone().unwrap_or_default();
        note(c, theme.id, now, by, &ThemeHappening::Closed { reason, case: Some(case.id) })?;
        write_standing(c, &theme)?;
    }
    Ok(())
}

/// The case about a theme that was closed is worked on again: so is the theme.
pub(super) fn case_begun_again(
    c: &Connection,
    case: &Case,
    by: Option<&str>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(mut theme) = case.theme.map(|id| read(c, id)).transpose()?.flatten() else { return Ok(()) };
    if theme.status == ThemeStatus::Closed && theme.case == Some(case.id) {
        theme.status = ThemeStatus::Open;
        theme.opened = Some(now);
        theme.comebacks += 1;
        let people = people(c, theme.id, Timestamp::MIN)?;
        note(c, theme.id, now, by, &ThemeHappening::Reopened { people, case: theme.case })?;
        write_standing(c, &theme)?;
    }
    Ok(())
}

fn note(c: &Connection, theme: i64, at: Timestamp, by: Option<&str>, what: &ThemeHappening) -> Result<(), StoreError> {
    c.prepare_cached("INSERT INTO theme_history (theme, at, by, what) VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        theme,
        millis(at),
        by,
        rows::to_json(what)?
    ])?;
    Ok(())
}

/// Whether a theme must not become part of another one by itself: a person made or named it, or parted that one from it.
fn is_apart(c: &Connection, theme: &Theme, from: i64) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM theme_mentions WHERE theme = ?1 AND why ->> '$.why' = 'by-hand')
        OR EXISTS (SELECT 1 FROM theme_history WHERE theme = ?1 AND what ->> '$.what' = 'parted' AND what ->> '$.theme' = ?2)";
    Ok(theme.renamed || c.prepare_cached(sql)?.query_row([theme.id, from], |row| row.get(0))?)
}

/// Distinct people of a theme since a time.
fn people(c: &Connection, theme: i64, since: Timestamp) -> Result<u64, StoreError> {
    let sql = "SELECT count(DISTINCT person) FROM theme_mentions WHERE theme = ?1 AND at >= ?2";
    Ok(c.prepare_cached(sql)?.query_row(params![theme, millis(since)], |row| row.get(0))?)
}

fn first_mention(c: &Connection, theme: i64) -> Result<i64, StoreError> {
    let sql = "SELECT min(mention) FROM theme_mentions WHERE theme = ?1";
    Ok(c.prepare_cached(sql)?.query_row([theme], |row| row.get(0))?)
}

fn mention(c: &Connection, id: i64) -> Result<Option<Mention>, StoreError> {
    let sql = "SELECT id AS mention_id, content AS mention_content FROM mentions WHERE id = ?1";
    Ok(c.prepare_cached(sql)?.query_row([id], rows::mention).optional()?)
}

fn read(c: &Connection, id: i64) -> Result<Option<Theme>, StoreError> {
    Ok(c.prepare_cached("SELECT id, content FROM themes WHERE id = ?1")?.query_row([id], theme).optional()?)
}

/// The theme in columns `id` and `content`.
pub(super) fn theme(row: &Row<'_>) -> rusqlite::Result<Theme> {
    let mut theme: Theme = rows::json(row, "content")?;
    theme.id = row.get("id")?;
    Ok(theme)
}

/// Terms as bytes: hash, weight, mentions (4 bytes each, little-endian), length of the word (1 byte), the word.
fn pack(terms: &[Remembered]) -> Vec<u8> {
    let mut out = Vec::with_capacity(terms.len() * 24);
    for term in terms {
        let word = term.word.get(..term.word.floor_char_boundary(255)).unwrap_or_default();
        out.extend(term.hash.to_le_bytes());
        out.extend(term.weight.to_le_bytes());
        out.extend(term.mentions.to_le_bytes());
        out.push(word.len() as u8);
        out.extend(word.as_bytes());
    }
    out
}

/// The inverse of [`pack`]; what cannot be read is left out.
fn unpack(mut rest: &[u8]) -> Vec<Remembered> {
    fn four(rest: &mut &[u8]) -> Option<[u8; 4]> {
        rest.split_off(..4)?.try_into().ok()
    }
    let one = || {
        let (hash, weight, mentions) = (four(&mut rest)?, four(&mut rest)?, four(&mut rest)?);
        let length = *rest.split_off_first()?;
        let word = std::str::from_utf8(rest.split_off(..usize::from(length))?).ok()?;
        Some(Remembered {
            hash: u32::from_le_bytes(hash),
            weight: f32::from_le_bytes(weight),
            mentions: u32::from_le_bytes(mentions),
            word: word.to_owned(),
        })
    };
    std::iter::from_fn(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_come_back_from_their_bytes() {
        let term = |hash, word: &str| Remembered { hash, weight: 0.25, mentions: 3, word: word.into() };
        let terms = [term(1, "the courier"), term(2, ""), term(3, "entrañable")];
        assert_eq!(unpack(&pack(&terms)), terms);
        let mut cut = pack(&terms);
        cut.pop();
        assert_eq!(unpack(&cut), terms[..2]);
    }
}
