//! Forgetting a person: what they wrote, who they are and what was said about them goes, in one transaction; what must
//! stay so that nothing is said twice stays as hashes. What others wrote stays, with the person's handle, name or
//! address struck out.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::super::{Remains, StoreError};
use super::cases::CaseDesk;
use super::unmatched::Unmatched;
use super::{Reader, Record, millis, rows, themes, told};
use crate::cases::Action;
use crate::dedup::StoryKey;
use crate::dedup::forgotten::{Forgotten, ForgottenKey};
use crate::dedup::near::Sketch;
use crate::model::{Author, Case, ERASED, Erased, Happening, Mention, Person, Who};
use crate::text::needle::Needle;

/// Tables in which nothing is struck out: words of the configuration, hashes, and what SQLite keeps for itself.
const LEFT_ALONE: [&str; 4] = ["sources", "forgotten", "forgotten_key", "said"];
/// Columns and JSON keys that hold words of the configuration or of mentiond itself. Somebody may be called `press`.
const OWN_WORDS: [&str; 33] = [
    "also",
    "category",
    "clock",
    "code",
    "copy",
    "deliver",
    "department",
    "detail",
    "effect",
    "flags",
    "handles",
    "identity",
    "kind",
    "label",
    "lang",
    "language",
    "letter",
    "message_id",
    "part",
    "privacy",
    "rung",
    "sentiment",
    "severity",
    "source",
    "sources",
    "status",
    "term",
    "tried",
    "watchlist",
    "watchlists",
    "what",
    "why",
    "zone",
];
/// Lists of things whose `name` is such a word.
const OWN_NAMES: [&str; 2] = ["categories", "watchlists"];
/// Other names that are shown.
const MOST_NAMES: usize = 20;

/// What was erased, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Mentions that the person wrote: their words, name and link are gone, the decision stays.
    pub mentions: u64,
    /// What those said before they were edited.
    pub versions: u64,
    /// Corrections of those mentions, with their texts.
    pub corrections: u64,
    /// Their cases, with the reasons that people gave.
    pub cases: u64,
    /// Those of them that were open, and are dismissed now.
    pub dismissed: u64,
    /// Fingerprints of their texts.
    pub fingerprints: u64,
    /// The person's entries that had matched nothing.
    pub unmatched: u64,
    /// Mails about the person that had not left: they say now that everything was erased.
    pub reworded: u64,
    /// Mails to the person's own address that had not left: they are not sent.
    pub cancelled: u64,
    /// Places in what others wrote, or in mails and histories, where the person was named: struck out. By table.
    pub struck: BTreeMap<String, u64>,
    /// Entries that are kept away if a source still serves them, as keyed hashes.
    pub kept_away: u64,
    /// Other names that the person's mentions bore; ask for them too if they should go.
    pub also_known_as: BTreeSet<String>,
}

/// What follows from it outside of the record.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Aftermath {
    pub(in crate::store) sketches: Vec<(i64, Sketch)>,
}

impl Record {
    /// Erases a person from the record; with `dry_run` only says what would be. Free pages and the log still hold the
    /// old bytes: [`Record::sweep`] ends that.
    ///
    /// # Errors
    /// The record cannot be written; nothing is erased then.
    pub(in crate::store) async fn erase(
        &self,
        person: Person,
        desk: Arc<CaseDesk>,
        now: Timestamp,
        dry_run: bool,
    ) -> Result<(Erasure, Aftermath), StoreError> {
        self.settle_sent().await?;
        let (known, under_way) = (self.forgotten(), self.under_way());
        let (erasure, aftermath, withdrawn) = self
            .write(true, move |c| {
                c.execute_batch("SAVEPOINT forget")?;
                let mut work = Work { under_way, ..Work::new(c, &desk, &known, now) };
                let done = work.all(&person);
                if dry_run || done.is_err() {
                    c.execute_batch("ROLLBACK TO forget")?;
                }
                c.execute_batch("RELEASE forget")?;
                done.map(|()| (work.erasure, work.aftermath, work.withdrawn))
            })
            .await?;
        if dry_run {
            return Ok((erasure, Aftermath::default()));
        }
        // A courier may have worded some of these already.
        self.withdraw(withdrawn);
        let forgotten = self.read(load).await?;
        *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(forgotten);
        Ok((erasure, aftermath))
    }

    /// The entries that must not come back.
    pub fn forgotten(&self) -> Arc<Forgotten> {
        Arc::clone(&self.forgotten.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes the record anew without what was deleted, and empties the log: no byte of it is left in either file.
    ///
    /// # Errors
    /// There is no room for a second record for a moment, or another process keeps reading an old state of it.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        self.writer
            .alone(|c| {
                c.execute_batch("VACUUM")?;
                let busy: i64 = c.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
                if busy == 0 { Ok(()) } else { Err(StoreError::Busy) }
            })
            .await
    }
}

/// Reads what must not come back.
pub(super) fn load(c: &Connection) -> Result<Forgotten, StoreError> {
    let key = c.query_row("SELECT key FROM forgotten_key", [], |row| row.get(0))?;
    let mut statement = c.prepare("SELECT key FROM forgotten")?;
    let hashes = statement.query_map([], |row| row.get(0))?.collect::<Result<HashSet<ForgottenKey>, _>>()?;
    Ok(Forgotten::new(key, hashes))
}

struct Work<'a> {
    c: &'a Connection,
    desk: &'a CaseDesk,
    known: &'a Forgotten,
    now: Timestamp,
    under_way: Option<i64>,
    erasure: Erasure,
    aftermath: Aftermath,
    withdrawn: Vec<i64>,
    /// Mentions that the person wrote, and others of which something was struck out.
    erased: BTreeSet<i64>,
    changed: BTreeSet<i64>,
}

impl<'a> Work<'a> {
    fn new(c: &'a Connection, desk: &'a CaseDesk, known: &'a Forgotten, now: Timestamp) -> Self {
        Self {
            c,
            desk,
            known,
            now,
            under_way: None,
            erasure: Erasure::default(),
            aftermath: Aftermath::default(),
            withdrawn: Vec::new(),
            erased: BTreeSet::new(),
            changed: BTreeSet::new(),
        }
    }

    fn all(&mut self, person: &Person) -> Result<(), StoreError> {
        let Some(needle) = person.needle() else { return Ok(()) };
        for mention in self.written_by(person)? {
            self.erase_mention(mention)?;
        }
        self.unmatched(person, &needle)?;
        if let Who::Email(address) = &person.who {
            self.cancel(address)?;
        }
        self.strike(person, &needle)?;
        themes::acting::forget(self.c, &self.erased, &self.changed)
    }

    /// The person's mentions.
    fn written_by(&mut self, person: &Person) -> Result<Vec<Mention>, StoreError> {
        let mut authors = self.c.prepare(
            "SELECT id, source, content ->> '$.entry.author' FROM mentions WHERE content ->> '$.entry.author' IS NOT NULL",
        )?;
        let mut rows = authors.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let author: Author = serde_json::from_str(row.get_ref(2)?.as_str().unwrap_or("null"))?;
            if person.is(&author) && person.is_asked_of(row.get_ref(1)?.as_str().unwrap_or_default()) {
                found.push(row.get::<_, i64>(0)?);
                let names = [Some(author.name), author.handle].into_iter().flatten();
                let others = names.filter(|name| !name.is_empty() && !same_words(name, &person.who));
                self.erasure.also_known_as.extend(others);
            }
        }
        while self.erasure.also_known_as.len() > MOST_NAMES {
            self.erasure.also_known_as.pop_last();
        }
        let mut whole =
            self.c.prepare("SELECT id AS mention_id, content AS mention_content FROM mentions WHERE id = ?1")?;
        found.into_iter().map(|id| Ok(whole.query_row([id], rows::mention)?)).collect()
    }

    fn erase_mention(&mut self, mention: Mention) -> Result<(), StoreError> {
        let (c, id) = (self.c, mention.id);
        self.keep_away(&mention)?;
        self.erased.insert(id);
        self.aftermath.sketches.extend(sketch(c, id)?);
        // The case is ended first: what follows from that is worded from what is left.
        self.erase_case(id)?;
        let erasure = &mut self.erasure;
        erasure.mentions += 1;
        erasure.versions += c.execute("DELETE FROM versions WHERE mention = ?1", [id])? as u64;
        erasure.corrections += c.execute("DELETE FROM corrections WHERE mention = ?1", [id])? as u64;
        erasure.fingerprints += c.execute("DELETE FROM fingerprints WHERE mention = ?1", [id])? as u64;
        c.execute("UPDATE held SET author = NULL WHERE mention = ?1", [id])?;
        strip(c, mention, Erased::Request)?;
        let waiting: Vec<i64> = c
            .prepare_cached("SELECT id FROM outbox WHERE mention = ?1 AND status IN ('queued', 'deferred', 'held')")?
            .query_map([id], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        erasure.reworded += waiting.len() as u64;
        self.withdrawn.extend(waiting.into_iter().filter(|id| Some(*id) != self.under_way));
        Ok(())
    }

    fn keep_away(&mut self, mention: &Mention) -> Result<(), StoreError> {
        let mut hashes = vec![self.known.of_entry(&mention.source, mention.entry.identity)];
        let mut keys = self.c.prepare_cached("SELECT key FROM story_keys WHERE mention = ?1")?;
        for key in keys.query_map([mention.id], |row| Ok(StoryKey(row.get(0)?)))? {
            let key = key?;
            hashes.push(self.known.of_voice(&key));
            hashes.extend(mention.entry.author.iter().flat_map(|author| self.known.of_link(&key, author)));
        }
        self.erasure.kept_away += 1;
        remember(self.c, &hashes, self.now)
    }

    /// The case of a mention: an open one ends, because nobody is left to be satisfied; its owner and the community hear
    /// of that. Words that people wrote into it go.
    fn erase_case(&mut self, mention: i64) -> Result<(), StoreError> {
        let c = self.c;
        let Some((id, ended)) = c
            .prepare_cached("SELECT id, ended IS NOT NULL FROM cases WHERE mention = ?1")?
            .query_row([mention], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)))
            .optional()?
        else {
            return Ok(());
        };
        if !ended {
            let action = Action::Dismiss { reason: ERASED.to_owned() };
            if let Ok(overtaken) = told::dismiss_and_tell(c, self.desk, id, &action, self.under_way, self.now)? {
                self.withdrawn.extend(overtaken);
                self.erasure.dismissed += 1;
            }
        }
        let mut case: Case = c
            .prepare_cached("SELECT content FROM cases WHERE id = ?1")?
            .query_row([id], |row| rows::json(row, "content"))?;
        case.reason = case.reason.map(|_| ERASED.to_owned());
        c.execute("UPDATE cases SET author = NULL, content = ?2 WHERE id = ?1", params![id, rows::to_json(&case)?])?;
        let steps: Vec<(i64, Happening)> = c
            .prepare_cached("SELECT id, what FROM case_history WHERE case_id = ?1")?
            .query_map([id], |row| Ok((row.get(0)?, rows::json(row, "what")?)))?
            .collect::<Result<_, _>>()?;
        for (step, mut what) in steps {
            if let Happening::Dismissed { reason: words }
            | Happening::Reopened { reason: words }
            | Happening::Noted { text: words } = &mut what
            {
                ERASED.clone_into(words);
                c.execute("UPDATE case_history SET what = ?2 WHERE id = ?1", params![step, rows::to_json(&what)?])?;
            }
        }
        self.erasure.cases += 1;
        Ok(())
    }

    /// Entries that matched nothing: the person's go, the others' lose the person's name.
    fn unmatched(&mut self, person: &Person, needle: &Needle) -> Result<(), StoreError> {
        let ids: Vec<(i64, String)> = self
            .c
            .prepare("SELECT id, source FROM unmatched")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (id, _) in ids.into_iter().filter(|(_, source)| person.is_asked_of(source)) {
            let packed = self.c.query_row("SELECT entries, content FROM unmatched WHERE id = ?1", [id], |row| {
                Ok(Unmatched { entries: row.get(0)?, content: row.get(1)? })
            })?;
            let Some((left, gone, struck, theirs)) = packed.without(person, needle) else { continue };
            self.erasure.unmatched += gone;
            if struck > 0 {
                *self.erasure.struck.entry("unmatched".into()).or_default() += struck;
            }
            // Their identities are not kept with them; what they are recognised by elsewhere is.
            let mut hashes = Vec::new();
            for (key, author) in &theirs {
                hashes.extend(self.known.of_link(key, author));
            }
            self.erasure.kept_away += gone;
            remember(self.c, &hashes, self.now)?;
            match left {
                Some(left) => self.c.execute(
                    "UPDATE unmatched SET entries = ?2, size = ?3, content = ?4 WHERE id = ?1",
                    params![id, left.entries, left.content.len(), left.content],
                )?,
                None => self.c.execute("DELETE FROM unmatched WHERE id = ?1", [id])?,
            };
        }
        Ok(())
    }

    /// Mail to the person's own address.
    fn cancel(&mut self, address: &str) -> Result<(), StoreError> {
        let cancelled: Vec<i64> = self
            .c
            .prepare(
                "UPDATE outbox SET status = 'failed', finished = ?2, error = 'the recipient was forgotten (mentiond forget)'
                 WHERE lower(recipient) = lower(?1) AND status IN ('queued', 'deferred', 'held') RETURNING id",
            )?
            .query_map(params![address, millis(self.now)], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        self.erasure.cancelled = cancelled.len() as u64;
        self.withdrawn.extend(cancelled);
        // What was said to them is not said again to anybody else of that name.
        self.c.execute("UPDATE outbox SET once = 'forgotten ' || id WHERE lower(recipient) = lower(?1)", [address])?;
        Ok(())
    }

    /// Strikes the person out of every text of every table.
    fn strike(&mut self, person: &Person, needle: &Needle) -> Result<(), StoreError> {
        for table in tables(self.c, &LEFT_ALONE)? {
            // Only of some sources: of what is not of a source, nobody can say.
            if !person.sources.is_empty() && !table.columns.iter().any(|c| c == "source") {
                continue;
            }
            let mut struck = 0;
            for (rowkey, column, text) in table.texts(self.c, person)? {
                let (clean, places) = without(&text, needle);
                if places == 0 {
                    continue;
                }
                if matches!((table.name.as_str(), column.as_str()), ("mentions" | "versions", "content")) {
                    serde_json::from_str::<Mention>(&clean)?;
                }
                if let ("mentions", [Value::Integer(id)]) = (table.name.as_str(), rowkey.as_slice()) {
                    self.changed.insert(*id);
                }
                struck += places;
                table.replace(self.c, &rowkey, &column, clean)?;
            }
            if struck > 0 {
                *self.erasure.struck.entry(table.name.clone()).or_default() += struck;
            }
        }
        Ok(())
    }
}

/// Leaves of a mention what may stay.
pub(super) fn strip(c: &Connection, mention: Mention, why: Erased) -> Result<(), StoreError> {
    let id = mention.id;
    let left = mention.erase(why);
    // What others are compared with goes too, unless only age took it: those hashes tell that a link was seen before.
    let words = if why == Erased::Request { "x''" } else { "words" };
    c.prepare_cached(&format!("UPDATE mentions SET content = ?2, erased = ?3, words = {words} WHERE id = ?1"))?
        .execute(params![id, rows::to_json(&left)?, why.as_str()])?;
    Ok(())
}

fn sketch(c: &Connection, mention: i64) -> Result<Option<(i64, Sketch)>, StoreError> {
    let packed: Option<Vec<u8>> = c
        .prepare_cached("SELECT sketch FROM fingerprints WHERE mention = ?1")?
        .query_row([mention], |row| row.get(0))
        .optional()?;
    Ok(packed.map(|packed| (mention, super::stories::unpack(&packed))))
}

fn remember(c: &Connection, hashes: &[ForgottenKey], now: Timestamp) -> Result<(), StoreError> {
    let mut insert = c.prepare_cached("INSERT OR IGNORE INTO forgotten (key, at) VALUES (?1, ?2)")?;
    for hash in hashes {
        insert.execute(params![hash, millis(now)])?;
    }
    Ok(())
}

fn same_words(name: &str, who: &Who) -> bool {
    let (Who::Author(who) | Who::Email(who)) = who;
    name.trim().trim_start_matches('@').to_lowercase() == who.trim().trim_start_matches('@').to_lowercase()
}

/// What still names a person in the record.
#[derive(Debug, Default)]
pub(in crate::store) struct Names {
    pub(in crate::store) theirs: Vec<Remains>,
    /// How often a word of the configuration, or one of mentiond's own, is written like the person.
    pub(in crate::store) own_words: u64,
}

impl Reader {
    /// Looks through every text of every table, and through what is packed.
    pub(in crate::store) fn names(&self, person: &Person, needle: &Needle) -> Result<Names, StoreError> {
        let mut counts = BTreeMap::<String, u64>::new();
        let mut names = Names::default();
        for table in tables(&self.0, &[])? {
            let own_table = LEFT_ALONE.contains(&table.name.as_str());
            table.visit(&self.0, &mut |source, _, column, text| {
                let all = needle.places(text.as_bytes()).count() as u64;
                if all == 0 || !source.is_none_or(|source| person.is_asked_of(source)) {
                    return;
                }
                let own = own_table || is_own(column, text);
                let theirs = if own { 0 } else { without(text, needle).1 };
                names.own_words += all.saturating_sub(theirs);
                if theirs > 0 && (person.sources.is_empty() || source.is_some()) {
                    *counts.entry(format!("{}.{column}", table.name)).or_default() += theirs;
                }
            })?;
        }
        let mut packed = self.0.prepare("SELECT source, entries, content FROM unmatched")?;
        let mut rows = packed.query([])?;
        while let Some(row) = rows.next()? {
            let kept = Unmatched { entries: row.get(1)?, content: row.get(2)? };
            if person.is_asked_of(row.get_ref(0)?.as_str().unwrap_or_default())
                && let Some((_, gone, struck, _)) = kept.without(person, needle)
            {
                *counts.entry("unmatched.content".into()).or_default() += gone + struck;
            }
        }
        names.theirs = counts.into_iter().map(|(place, times)| Remains { place, times }).collect();
        Ok(names)
    }
}

/// Takes the source of a text's row, the row's key, the column and the text.
type Shown<'a> = dyn FnMut(Option<&str>, &[Value], &str, &str) + 'a;

/// A table whose texts are looked through.
struct Table {
    name: String,
    columns: Vec<String>,
    /// What tells a row: `rowid`, or the primary key.
    key: Vec<String>,
}

/// All tables but some; those of later versions included.
fn tables(c: &Connection, but: &[&str]) -> Result<Vec<Table>, StoreError> {
    let names: Vec<String> = c
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND sql NOT LIKE 'CREATE VIRTUAL%'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut tables = Vec::new();
    for name in names.into_iter().filter(|name| !but.contains(&name.as_str())) {
        let columns: Vec<(String, i64)> = c
            .prepare("SELECT name, pk FROM pragma_table_info(?1)")?
            .query_map([&name], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let has_rowid = c.prepare(&format!("SELECT rowid FROM {} LIMIT 0", quoted(&name))).is_ok();
        let key = if has_rowid {
            vec!["rowid".to_owned()]
        } else {
            columns.iter().filter(|(_, pk)| *pk > 0).map(|(name, _)| name.clone()).collect()
        };
        tables.push(Table { name, columns: columns.into_iter().map(|(name, _)| name).collect(), key });
    }
    Ok(tables)
}

impl Table {
    /// Row, column and text of every text in it.
    fn texts(&self, c: &Connection, person: &Person) -> Result<Vec<(Vec<Value>, String, String)>, StoreError> {
        let needle = person.needle();
        let mut found = Vec::new();
        self.visit(c, &mut |source, key, column, text| {
            let asked = !is_own(column, text) && source.is_none_or(|source| person.is_asked_of(source));
            if asked && needle.as_ref().is_some_and(|n| n.is_in(text.as_bytes())) {
                found.push((key.to_vec(), column.to_owned(), text.to_owned()));
            }
        })?;
        Ok(found)
    }

    /// Shows every text: the source of its row, the row's key, column and text.
    fn visit(&self, c: &Connection, show: &mut Shown<'_>) -> Result<(), StoreError> {
        let listed = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        let keys = self.key.iter().map(|k| if k == "rowid" { k.clone() } else { quoted(k) }).collect::<Vec<_>>();
        let sql = format!("SELECT {}, {} FROM {}", listed(&self.columns), keys.join(", "), quoted(&self.name));
        let mut statement = c.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let source = self.columns.iter().position(|c| c == "source");
        while let Some(row) = rows.next()? {
            let key: Vec<Value> = (0..keys.len()).map(|n| row.get(self.columns.len() + n)).collect::<Result<_, _>>()?;
            let source: Option<String> = source.map(|n| row.get(n)).transpose()?;
            for (n, column) in self.columns.iter().enumerate() {
                if let Ok(text) = row.get_ref(n)?.as_str() {
                    show(source.as_deref(), &key, column, text);
                }
            }
        }
        Ok(())
    }

    fn replace(&self, c: &Connection, key: &[Value], column: &str, text: String) -> Result<(), StoreError> {
        let wheres: Vec<String> = (2..).zip(&self.key).map(|(n, k)| format!("{k} IS ?{n}")).collect();
        let mut values = vec![Value::Text(text)];
        values.extend(key.iter().cloned());
        let (table, column, wheres) = (quoted(&self.name), quoted(column), wheres.join(" AND "));
        let sql = format!("UPDATE OR IGNORE {table} SET {column} = ?1 WHERE {wheres}");
        if c.prepare_cached(&sql)?.execute(rusqlite::params_from_iter(&values))? == 0 {
            // Struck out, it is what another row says already.
            let wheres = (1..).zip(&self.key).map(|(n, k)| format!("{k} IS ?{n}")).collect::<Vec<_>>().join(" AND ");
            c.prepare_cached(&format!("DELETE FROM {table} WHERE {wheres}"))?
                .execute(rusqlite::params_from_iter(key))?;
        }
        Ok(())
    }
}

/// Whether a column holds words of the configuration or of mentiond itself. In JSON its keys say so, one by one.
fn is_own(column: &str, text: &str) -> bool {
    OWN_WORDS.contains(&column) && !text.starts_with(['{', '['])
}

/// A text, or the texts of a JSON value, without the person, and how often they were in there. Words of mentiond's own
/// and of the configuration stay.
fn without(text: &str, needle: &Needle) -> (String, u64) {
    if text.starts_with(['{', '['])
        && let Ok(mut value) = serde_json::from_str::<Json>(text)
    {
        let places = strike_json(&mut value, None, needle);
        return (value.to_string(), places);
    }
    match needle.strike(text) {
        Some(clean) => (clean, needle.places(text.as_bytes()).count() as u64),
        None => (text.to_owned(), 0),
    }
}

fn strike_json(value: &mut Json, list: Option<&str>, needle: &Needle) -> u64 {
    match value {
        Json::String(text) => match needle.strike(text) {
            Some(clean) => {
                let places = needle.places(text.as_bytes()).count() as u64;
                *text = clean;
                places
            }
            None => 0,
        },
        Json::Array(items) => items.iter_mut().map(|item| strike_json(item, list, needle)).sum(),
        Json::Object(fields) => {
            let own = |key: &str, inside: &Json| {
                let plain = inside.is_string() || inside.as_array().is_some_and(|a| a.iter().all(Json::is_string));
                plain && OWN_WORDS.contains(&key) || key == "name" && list.is_some_and(|l| OWN_NAMES.contains(&l))
            };
            let fields = fields.iter_mut().filter(|(key, inside)| !own(key, inside));
            fields.map(|(key, inside)| strike_json(inside, Some(key), needle)).sum()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
