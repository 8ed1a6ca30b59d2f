//! Collected mail: what was made, and what the record knows of a period.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::polls::{NewDelivery, queue};
use super::since::Steps;
use super::{Reader, Record, cases, millis, moment, rows, themes};
use crate::model::{Blind, Case, Coverage, Mention, SummaryKind};
use crate::summaries::{Found, Heard, Unfinished, Worked};

/// Blind times, gaps and held sources that are named; the rest would not be read.
const MAX_NAMED: usize = 20;
/// What is shorter than so many seconds is not worth a word about coverage.
const SHORTEST: i64 = 60;

/// Up to where the last digest of a kind reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastDigest {
    pub until: Timestamp,
    /// The last mention that it could hold, and the last that had happened to themes and cases.
    pub upto: i64,
    pub steps: Steps,
}

/// Mentions that a digest or report looks at: heard since a moment or with a number above one, none above `upto`.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub since: Timestamp,
    pub after: i64,
    pub upto: i64,
}

impl Record {
    /// Up to where the last digest of a department reached, if there was one.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn last_digest(&self, department: String, kind: SummaryKind) -> Result<Option<LastDigest>, StoreError> {
        self.read(move |c| {
            let mut statement = c.prepare_cached(
                "SELECT until, upto, theme_steps, case_steps FROM digests WHERE department = ?1 AND kind = ?2 ORDER BY until DESC LIMIT 1",
            )?;
            let row = statement.query_row(params![department, kind.as_str()], |row| {
                let steps = Steps { themes: row.get(2)?, cases: row.get(3)? };
                Ok(LastDigest { until: moment(row.get(0)?), upto: row.get(1)?, steps })
            });
            Ok(row.optional()?)
        })
        .await
    }

    /// Notes that a department's digests begin at `until`: what was heard later belongs to the first one.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn begin_digests(
        &self,
        department: String,
        kind: SummaryKind,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(true, move |c| {
            c.prepare_cached(
                "INSERT OR IGNORE INTO digests (department, kind, until, upto, made, mailed, theme_steps, case_steps)
                 SELECT ?1, ?2, ?3, ifnull(max(id), 0), ?4, 0,
                    (SELECT ifnull(max(id), 0) FROM theme_history WHERE at < ?3),
                    (SELECT ifnull(max(id), 0) FROM case_history WHERE at < ?3)
                 FROM mentions WHERE fetched < ?3",
            )?
            .execute(params![department, kind.as_str(), millis(until), millis(now)])?;
            Ok(())
        })
        .await
    }

    /// Queues a digest and notes that it was made, in one transaction. False: it was made before, and nothing is queued.
    ///
    /// # Errors
    /// The record cannot be written; neither is kept then.
    pub async fn queue_digest(
        &self,
        department: String,
        kind: SummaryKind,
        reaches: LastDigest,
        mail: NewDelivery,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(true, move |c| {
            let new = c
                .prepare_cached(
                    "INSERT OR IGNORE INTO digests (department, kind, until, upto, made, mailed, theme_steps, case_steps)
                     VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7)",
                )?
                .execute(params![
                    department,
                    kind.as_str(),
                    millis(reaches.until),
                    reaches.upto,
                    millis(now),
                    reaches.steps.themes,
                    reaches.steps.cases
                ])?;
            Ok(new > 0 && queue(c, &mail, None, None, now, false)?)
        })
        .await
    }

    /// Hands over all that is known for a digest: `work` gets every mention of the look, then what is asked of the rest.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Moment<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        // One transaction: everything is of the same moment.
        self.read(move |c| {
            let transaction = c.unchecked_transaction()?;
            work(&Moment(&transaction))
        })
        .await
    }
}

impl Reader {
    /// The same for a command.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn look<T>(&self, work: impl FnOnce(&Moment<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let transaction = self.0.unchecked_transaction()?;
        work(&Moment(&transaction))
    }
}

/// The record as it was at one moment.
pub struct Moment<'c>(&'c Connection);

impl Moment<'_> {
    pub(super) fn connection(&self) -> &Connection {
        self.0
    }

    /// Number of the newest mention; 0 if there is none.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn newest(&self) -> Result<i64, StoreError> {
        Ok(self.0.query_row("SELECT ifnull(max(id), 0) FROM mentions", [], |row| row.get(0))?)
    }

    /// How far back the record reaches: the first mention, or the first digest that was ordered. `now` if there is neither.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn began(&self, now: Timestamp) -> Result<Timestamp, StoreError> {
        let first = |sql| self.0.query_row(sql, [], |row| row.get::<_, Option<i64>>(0));
        let mention = first("SELECT min(fetched) FROM mentions")?;
        let digest = first("SELECT min(made) FROM digests")?;
        Ok([mention, digest].into_iter().flatten().min().map_or(now, moment))
    }

    /// Every mention of the look, in the order of their numbers. Those that are held are left out: nobody is told of
    /// them.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn mentions(&self, look: Look, mut each: impl FnMut(Heard<'_>)) -> Result<(), StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT m.id AS mention_id, m.content AS mention_content, m.story, m.original, k.id AS case_id,
                h.id AS theme, h.content ->> '$.name' AS theme_name, h.content ->> '$.named' AS theme_query
             FROM mentions m LEFT JOIN mention_cases k ON k.mention = m.id
                LEFT JOIN theme_mentions t ON t.mention = m.id
                LEFT JOIN themes h ON h.id = t.theme AND h.status IN ('open', 'closed')
             WHERE m.id IN (SELECT id FROM mentions WHERE fetched >= ?1 UNION SELECT id FROM mentions WHERE id > ?2)
                AND m.id <= ?3 AND NOT EXISTS (SELECT 1 FROM held WHERE held.mention = m.id) ORDER BY m.id",
        )?;
        let mut took_in: HashMap<i64, Vec<String>> = HashMap::new();
        for query in themes::successors(self.0)? {
            took_in.entry(query.theme).or_default().push(query.name);
        }
        let mut rows = statement.query(params![millis(look.since), look.after, look.upto])?;
        while let Some(row) = rows.next()? {
            let mention: Mention = rows::mention(row)?;
            let (story, original, case) = (row.get("story")?, row.get("original")?, row.get("case_id")?);
            let theme: Option<(i64, String, Option<String>)> = match row.get("theme")? {
                Some(number) => Some((number, row.get("theme_name")?, row.get("theme_query")?)),
                None => None,
            };
            let theme = theme.as_ref().map(|(number, name, query)| Found {
                number: *number,
                name,
                named: query.as_deref(),
                took_in: took_in.get(number).map_or(&[], Vec::as_slice),
            });
            each(Heard { mention: &mention, story, original, case, theme });
        }
        Ok(())
    }

    /// All cases that are not ended, with their themes.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn open_cases(&self) -> Result<Vec<Unfinished>, StoreError> {
        let mut statement = self
            .0
            .prepare_cached("SELECT id, content, mention AS mention_id FROM cases WHERE ended IS NULL ORDER BY id")?;
        let rows = statement.query_map([], cases::case)?;
        rows.map(|case| {
            let case = case?;
            Ok(Unfinished { theme: themes::title_of(self.0, &case)?, case })
        })
        .collect()
    }

    /// Cases that were opened in a period for mentions that `belongs` (by number) takes, with what was done first.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn worked(
        &self,
        from: Timestamp,
        to: Timestamp,
        belongs: &dyn Fn(i64) -> bool,
    ) -> Result<Vec<Worked>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT id, content, mention AS mention_id FROM cases WHERE opened >= ?1 AND opened < ?2 ORDER BY id",
        )?;
        let cases: Vec<Case> =
            statement.query_map(params![millis(from), millis(to)], cases::case)?.collect::<Result<_, _>>()?;
        let mut steps = self
            .0
            .prepare_cached("SELECT what ->> '$.what', min(at) FROM case_history WHERE case_id = ?1 GROUP BY 1")?;
        let mut found = Vec::new();
        for case in cases.into_iter().filter(|case| belongs(case.mention)) {
            let first: HashMap<String, i64> =
                steps.query_map([case.id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
            let of = |what: &str| first.get(what).copied().map(moment);
            let answered = [of("answered"), of("resolved")].into_iter().flatten().min();
            found.push(Worked { case, acknowledged: of("acknowledged"), answered });
        }
        Ok(found)
    }

    /// How far these sources were heard between two moments.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn coverage(&self, sources: &[String], from: Timestamp, to: Timestamp) -> Result<Coverage, StoreError> {
        let mut coverage = Coverage { sources: sources.len() as u64, ..Coverage::default() };
        let states = super::sources::load(self.0)?;
        let mut seconds: HashMap<&str, (i64, bool)> = HashMap::new();
        let overlap = |since: Timestamp, until: Timestamp| until.min(to).duration_since(since.max(from)).as_secs();
        let mut listening = self.0.prepare_cached("SELECT since FROM listening WHERE source = ?1")?;
        for name in sources {
            let Some(health) = states.get(name).map(|state| &state.health) else { continue };
            let since = listening.query_row([name], |row| row.get(0)).optional()?.map(moment);
            if since.is_some_and(|since| since >= to) {
                // Whatever was said then, nobody listened yet.
                continue;
            }
            if let Some(since) = since.filter(|since| since.duration_since(from).as_secs() >= SHORTEST) {
                coverage.begun.push((name.clone(), since));
            }
            coverage.heard += u64::from(health.last_heard.is_some_and(|at| at >= from));
            // A source that was heard later was heard up to there, but for its blind times.
            coverage.last_heard = coverage.last_heard.max(health.last_heard.map(|at| at.min(to)));
            if let Some(since) = health.blind_since.filter(|since| *since < to) {
                let blind = seconds.entry(name).or_default();
                *blind = (blind.0 + overlap(since, to).max(0), true);
            }
        }
        let mut statement =
            self.0.prepare_cached("SELECT source, since, until FROM blind WHERE until > ?1 AND since < ?2")?;
        let mut rows = statement.query(params![millis(from), millis(to)])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let Some(name) = sources.iter().find(|s| **s == name) else { continue };
            seconds.entry(name).or_default().0 += overlap(moment(row.get(1)?), moment(row.get(2)?)).max(0);
        }
        let blind = seconds.into_iter().filter(|(_, (seconds, still))| *seconds >= SHORTEST || *still);
        coverage.blind =
            blind.map(|(source, (seconds, still))| Blind { source: source.to_owned(), seconds, still }).collect();
        coverage.begun.sort_by_key(|(_, since)| *since);
        coverage.blind.sort_by(|a, b| b.seconds.cmp(&a.seconds).then_with(|| a.source.cmp(&b.source)));
        let mut statement = self.0.prepare_cached(
            "SELECT source, max(at) FROM gaps WHERE at >= ?1 AND at < ?2 GROUP BY source ORDER BY 2 DESC",
        )?;
        let gaps = statement
            .query_map(params![millis(from), millis(to)], |row| Ok((row.get::<_, String>(0)?, moment(row.get(1)?))))?;
        coverage.gaps = gaps.collect::<Result<_, _>>()?;
        let mut statement =
            self.0.prepare_cached("SELECT source, count(*) FROM held GROUP BY source ORDER BY 2 DESC, 1")?;
        let held = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        coverage.held = held.collect::<Result<_, _>>()?;
        let beyond = |all: usize| all.saturating_sub(MAX_NAMED) as u64;
        coverage.unnamed = beyond(coverage.blind.len()) + beyond(coverage.gaps.len()) + beyond(coverage.held.len());
        coverage.blind.truncate(MAX_NAMED);
        coverage.gaps.truncate(MAX_NAMED);
        coverage.held.truncate(MAX_NAMED);
        Ok(coverage)
    }

    /// How many cases these mentions have, their own or one that they joined, and how many of those have not ended.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn cases_of(&self, mentions: &[i64]) -> Result<(u64, u64), StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT id, ended IS NULL FROM cases WHERE mention = ?1 AND theme IS NULL
             UNION SELECT k.id, k.ended IS NULL FROM case_mentions j JOIN cases k ON k.id = j.case_id WHERE j.mention = ?1",
        )?;
        let mut cases: HashMap<i64, bool> = HashMap::new();
        for mention in mentions {
            for case in statement.query_map([mention], |row| Ok((row.get(0)?, row.get(1)?)))? {
                let (case, open) = case?;
                cases.insert(case, open);
            }
        }
        let open = cases.values().filter(|open| **open).count();
        Ok((cases.len() as u64, open as u64))
    }

    /// The name of a theme.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn theme_name(&self, theme: i64) -> Result<Option<String>, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT content ->> '$.name' FROM themes WHERE id = ?1")?;
        Ok(statement.query_row([theme], |row| row.get(0)).optional()?)
    }

    /// The mentions of these numbers, by number.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn mentions_by_id(&self, ids: &[i64]) -> Result<HashMap<i64, Mention>, StoreError> {
        let mut statement =
            self.0.prepare_cached("SELECT id AS mention_id, content AS mention_content FROM mentions WHERE id = ?1")?;
        let mut found = HashMap::new();
        for id in ids {
            if let Some(mention) = statement.query_row([id], rows::mention).optional()? {
                found.insert(*id, mention);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DeliveryContent, SourceState};
    use super::*;
    use crate::model::{Cursor, Health};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    async fn record() -> (tempfile::TempDir, Record) {
        let dir = tempfile::tempdir().unwrap();
        let record = Record::open(&dir.path().join("record.sqlite")).unwrap();
        (dir, record)
    }

    fn mail(n: u32) -> NewDelivery {
        NewDelivery {
            recipient: "support@example.com".into(),
            message_id: format!("{n}@example.com"),
            content: DeliveryContent::Bundle {},
            once: Some("support until then".into()),
        }
    }

    /// A poll: when it was heard last, when it was made, when the next one is planned, since when it is blind.
    async fn heard(record: &Record, heard: &str, poll: &str, next: &str, blind: Option<&str>) {
        let health = Health {
            last_heard: Some(at(heard)),
            last_poll: Some(at(poll)),
            next_poll: Some(at(next)),
            blind_since: blind.map(at),
            ..Health::default()
        };
        let state = SourceState { cursor: Cursor::default(), health };
        record.save_source_states(vec![("forum".into(), state)]).await.unwrap();
    }

    /// However often it is tried, and whatever a crash left: one row, one mail.
    #[tokio::test]
    async fn a_digest_is_queued_once() {
        let (_dir, record) = record().await;
        let (kind, until) = (SummaryKind::Digest, at("2026-03-03T08:00:00Z"));
        let key = || "support".to_owned();
        assert_eq!(record.last_digest(key(), kind).await.unwrap(), None);
        let begin = at("2026-03-02T08:00:00Z");
        record.begin_digests(key(), kind, begin, begin).await.unwrap();
        assert_eq!(
            record.last_digest(key(), kind).await.unwrap(),
            Some(LastDigest { until: begin, upto: 0, steps: Steps::default() })
        );
        let reaches = LastDigest { until, upto: 7, steps: Steps { themes: 3, cases: 9 } };
        for n in 0..3 {
            let queued = record.queue_digest(key(), kind, reaches, mail(n), until).await.unwrap();
            assert_eq!(queued, n == 0);
        }
        assert_eq!(record.outbox_counts().await.unwrap().queued, 1);
        assert_eq!(record.last_digest(key(), kind).await.unwrap(), Some(reaches));
        assert_eq!(record.last_digest(key(), SummaryKind::Meeting).await.unwrap(), None);
        record.close().await;
    }

    /// A source's own row knows only the present; what was before is kept when it is heard again.
    #[tokio::test]
    async fn blind_times_are_remembered_after_they_ended() {
        let (_dir, record) = record().await;
        let (six, seven, noon) = ("2026-03-02T06:00:00Z", "2026-03-02T07:00:00Z", "2026-03-02T12:00:00Z");
        let (day, late) = ("2026-03-03T06:00:00Z", "2026-03-03T20:00:00Z");
        heard(&record, six, six, seven, None).await;
        heard(&record, six, seven, noon, Some(six)).await;
        heard(&record, noon, noon, day, None).await;
        let asked = |from: &'static str, to: &'static str| {
            let record = &record;
            async move { record.look(move |m| m.coverage(&["forum".into()], at(from), at(to))).await.unwrap() }
        };
        let coverage = asked("2026-03-02T08:00:00Z", "2026-03-03T08:00:00Z").await;
        let blind = Blind { source: "forum".into(), seconds: 4 * 3600, still: false };
        assert_eq!((coverage.heard, coverage.blind), (1, vec![blind]), "only what falls into the period");
        assert_eq!(coverage.last_heard, Some(at("2026-03-02T12:00:00Z")));
        let past = asked("2026-03-02T05:00:00Z", "2026-03-02T11:00:00Z").await;
        assert_eq!((past.heard, past.last_heard), (1, Some(at("2026-03-02T11:00:00Z"))), "a report of a past period");
        assert_eq!(past.begun, [("forum".to_owned(), at(six))], "nobody listened in its first hour");
        let before = asked("2026-03-01T05:00:00Z", "2026-03-02T05:00:00Z").await;
        assert_eq!((before.heard, before.last_heard, before.begun), (0, None, Vec::new()), "nobody listened yet");
        assert!(asked("2026-03-02T13:00:00Z", "2026-03-03T08:00:00Z").await.blind.is_empty());
        // Polled fourteen hours after it was planned: nobody ran it.
        heard(&record, late, late, late, None).await;
        let coverage = asked("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z").await;
        assert_eq!(coverage.blind[0].seconds, 14 * 3600);
        // A moment later nothing was missed.
        let nine = "2026-03-03T21:00:00Z";
        heard(&record, nine, nine, nine, None).await;
        let again = asked("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z").await;
        assert_eq!(again.blind[0].seconds, 14 * 3600);
        // Nobody ran it for three hours, and then it failed for one: blind since it was heard last, and counted once.
        let (night, one) = ("2026-03-04T00:30:00Z", "2026-03-04T01:30:00Z");
        heard(&record, nine, night, one, Some(nine)).await;
        heard(&record, one, one, one, None).await;
        let both = asked("2026-03-03T21:00:00Z", "2026-03-04T04:00:00Z").await;
        assert_eq!(both.blind[0].seconds, 4 * 3600 + 1_800);
        record.close().await;
    }
}
