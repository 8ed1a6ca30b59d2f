//! Early warning: what is counted of each mention, what is known of the last weeks, and which warnings were given. What is
//! unusual is decided in `crate::warnings`.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::super::StoreError;
use super::polls::{NewDelivery, NewMention, PollCommit, queue};
use super::sources::{Times, times};
use super::{Moment, Reader, Record, millis, moment, rows};
use crate::model::{Category, SentimentLabel, Warning};
use crate::warnings::{Book, Cell, DAYS, HourSet, Listener, Post, first_hour, hour_at, hour_of};
use crate::{point, schedule};

/// Hours that what was counted is kept beyond what is learnt from.
const KEEP: i64 = 14 * 24;

/// A watchlist and the sources that it listens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    pub watchlist: String,
    pub sources: Vec<String>,
}

/// Counts a mention that began a story, once a watchlist. What has no time of publication is counted now, unless its source
/// was not listened to before: then nobody knows when it was said, and it is no part of anything.
pub(super) fn count(c: &Connection, poll: &PollCommit, new: &NewMention, mention: i64) -> Result<(), StoreError> {
    let found = &new.mention;
    let heard = hour_of(found.fetched);
    let hour = match found.entry.published {
        Some(at) => hour_of(at).min(heard),
        None if is_interrupted(c, poll)? => return Ok(()),
        None => heard,
    };
    if hour < first_hour(found.fetched) {
        return Ok(());
    }
    let negative =
        matches!(found.classification.sentiment.label, SentimentLabel::VeryNegative | SentimentLabel::Negative);
    let mut statement = c.prepare_cached(
        "INSERT OR IGNORE INTO counted (hour, watchlist, mention, source, category, negative, heard)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for watchlist in &found.watchlists {
        let category = found.classification.category.as_str();
        statement.execute(params![hour, watchlist.name, mention, found.source, category, negative, heard])?;
    }
    Ok(())
}

fn text<'r>(row: &'r rusqlite::Row<'_>, column: usize) -> Result<&'r str, StoreError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

/// Whether the source of a poll was not listened to until now: its row is still that of the poll before.
fn is_interrupted(c: &Connection, poll: &PollCommit) -> Result<bool, StoreError> {
    Ok(match times(c, &poll.source)? {
        Some(Times { last_heard: Some(_), last_poll, next_poll, blind_since: None }) => {
            schedule::late_since(last_poll, next_poll, poll.now).is_some()
        }
        _ => true,
    })
}

impl Moment<'_> {
    /// What is known of each watchlist over the last [`DAYS`] days.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn books(&self, watchlists: &[Listening], now: Timestamp) -> Result<Vec<Book>, StoreError> {
        let (first, last) = (first_hour(now), hour_of(now));
        let hours = usize::try_from(DAYS * 24 + 1).unwrap_or(0);
        let blind = self.blind(first, now)?;
        // Since when, and when last, each source was heard.
        let mut ears: HashMap<String, (Timestamp, Option<Timestamp>)> = HashMap::new();
        let mut statement = self.connection().prepare_cached(
            "SELECT l.source, l.since, s.last_heard FROM listening l LEFT JOIN sources s ON s.name = l.source",
        )?;
        for row in statement
            .query_map([], |row| Ok((row.get(0)?, (moment(row.get(1)?), row.get::<_, Option<i64>>(2)?.map(moment)))))?
        {
            let (source, times) = row?;
            ears.insert(source, times);
        }
        let listener = |name: &String| Listener {
            name: name.clone(),
            heard: HourSet::listened(
                first..last + 1,
                ears.get(name).map(|(since, _)| *since),
                blind.get(name).map(Vec::as_slice).unwrap_or_default(),
            ),
            last: ears.get(name).and_then(|(_, last)| *last),
            seen: BTreeMap::new(),
        };
        let mut books: Vec<Book> = (watchlists.iter())
            .map(|listening| Book {
                watchlist: listening.watchlist.clone(),
                first,
                hours,
                sources: listening.sources.iter().map(listener).collect(),
                cells: Vec::new(),
                posts: Vec::new(),
            })
            .collect();
        let place: HashMap<&str, usize> =
            watchlists.iter().enumerate().map(|(n, l)| (l.watchlist.as_str(), n)).collect();
        let places: Vec<HashMap<&str, usize>> = (watchlists.iter())
            .map(|l| l.sources.iter().enumerate().map(|(n, name)| (name.as_str(), n)).collect())
            .collect();
        let mut statement = self.connection().prepare_cached(
            "SELECT c.hour, c.watchlist, c.mention, c.source, c.category, t.theme, c.negative, c.heard FROM counted c
             LEFT JOIN theme_mentions t ON t.mention = c.mention WHERE c.hour >= ?1 AND c.hour <= ?2
             ORDER BY c.hour, c.watchlist, c.mention",
        )?;
        // The cells of the hour that is being read: all of one kind become one.
        let mut here: HashMap<(usize, usize, Category, Option<i64>), usize> = HashMap::new();
        let mut reading = i64::MIN;
        let mut found = statement.query(params![first, last])?;
        while let Some(row) = found.next()? {
            let hour: i64 = row.get(0)?;
            let Some(number) = place.get(text(row, 1)?).copied() else { continue };
            // What a source brought that is no longer configured teaches nothing about those that are.
            let name = text(row, 3)?;
            let source = places.get(number).and_then(|places| places.get(name)).copied();
            let (Some(source), Some(book)) = (source, books.get_mut(number)) else { continue };
            let category = Category::parse(text(row, 4)?).unwrap_or(Category::Other);
            let (theme, negative): (Option<i64>, bool) = (row.get(5)?, row.get(6)?);
            if hour != reading {
                (reading, _) = (hour, here.clear());
            }
            let place = *here.entry((number, source, category, theme)).or_insert_with(|| {
                book.cells.push(Cell { hour, source, category, theme, count: 0, negative: 0 });
                book.cells.len() - 1
            });
            if let Some(cell) = book.cells.get_mut(place) {
                cell.count += 1;
                cell.negative += u32::from(negative);
            }
            if let Some(listener) = book.sources.get_mut(source) {
                *listener.seen.entry(row.get(7)?).or_default() += 1;
            }
            if hour >= last - 24 {
                book.posts.push(Post { mention: row.get(2)?, hour, source, category, theme, negative });
            }
        }
        Ok(books)
    }

    /// When each source was not listened to since an hour, up to now.
    fn blind(&self, first: i64, now: Timestamp) -> Result<HashMap<String, Vec<(Timestamp, Timestamp)>>, StoreError> {
        let mut blind: HashMap<String, Vec<(Timestamp, Timestamp)>> = HashMap::new();
        let mut statement = self.connection().prepare_cached(
            "SELECT source, since, until FROM blind WHERE until > ?1
             UNION ALL SELECT name, blind_since, ?2 FROM sources WHERE blind_since IS NOT NULL",
        )?;
        let found = statement.query_map(params![millis(hour_at(first)), millis(now)], |row| {
            Ok((row.get(0)?, moment(row.get(1)?), moment(row.get(2)?)))
        })?;
        for row in found {
            let (source, since, until): (String, _, _) = row?;
            blind.entry(source).or_default().push((since, until));
        }
        Ok(blind)
    }

    /// Warnings that were given since a moment, or went on since, oldest first.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn warnings(&self, since: Timestamp) -> Result<Vec<Warning>, StoreError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT id, last, content FROM warnings WHERE given >= ?1 OR last >= ?1 ORDER BY id")?;
        let found = statement.query_map([millis(since)], |row| {
            let mut warning: Warning = rows::json(row, "content")?;
            (warning.id, warning.last) = (row.get("id")?, moment(row.get("last")?));
            Ok(warning)
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }
}

impl Reader {
    /// Warnings that were given since a moment, or went on since, oldest first.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn warnings(&self, since: Timestamp) -> Result<Vec<Warning>, StoreError> {
        self.look(|moment| moment.warnings(since))
    }
}

impl Record {
    /// Records a warning and queues its mails, in one transaction: `mails` makes them once the warning has its number. How
    /// many mails were queued.
    ///
    /// # Errors
    /// The record cannot be written; neither is kept then.
    pub async fn give_warning(
        &self,
        warning: Warning,
        mails: impl FnOnce(&Warning) -> Vec<NewDelivery> + Send + 'static,
    ) -> Result<(Warning, u64), StoreError> {
        self.write(true, move |c| {
            let mut warning = warning;
            c.prepare_cached("INSERT INTO warnings (watchlist, given, last, content) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    warning.watchlist,
                    millis(warning.given),
                    millis(warning.last),
                    rows::to_json(&warning)?
                ])?;
            warning.id = c.last_insert_rowid();
            let mut queued = 0;
            for mail in mails(&warning) {
                queued += u64::from(queue(c, &mail, None, None, warning.given, false)?);
            }
            point::at("warning-giving");
            Ok((warning, queued))
        })
        .await
    }

    /// Notes that these warnings still hold.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn warnings_hold(&self, ids: Vec<i64>, now: Timestamp) -> Result<(), StoreError> {
        self.write(false, move |c| {
            let mut statement = c.prepare_cached("UPDATE warnings SET last = ?2 WHERE id = ?1 AND last < ?2")?;
            ids.iter()
                .try_for_each(|id| statement.execute(params![id, millis(now)]).map(drop).map_err(StoreError::from))
        })
        .await
    }

    /// Forgets what was counted longer ago than anything is learnt from.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn forget_counted(&self, now: Timestamp) -> Result<(), StoreError> {
        let before = first_hour(now) - KEEP;
        self.write(false, move |c| {
            c.prepare_cached("DELETE FROM counted WHERE hour < ?1")?.execute([before])?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use jiff::SignedDuration;
    use jiff::tz::TimeZone;

    use super::super::DeliveryContent;
    use super::*;
    use crate::model::{Cause, Sensitivity, Tally, Unusual};
    use crate::warnings::{Memory, Wish, look};

    const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

    fn warning() -> Warning {
        Warning {
            id: 0,
            watchlist: "acme".into(),
            others: Vec::new(),
            unusual: Unusual::Rise,
            tally: Tally { cause: Cause::Theme(7), count: 12, usual: 1.5, seconds: 7_200, chance: 1e-7 },
            also: Vec::new(),
            also_more: 0,
            since: NOW,
            given: NOW,
            last: NOW,
            days: 30,
            hours: Vec::new(),
            mentions: vec![3, 2],
            negative_usual: None,
            negative_now: Some(0.5),
        }
    }

    async fn record() -> (tempfile::TempDir, Record) {
        let dir = tempfile::tempdir().unwrap();
        let record = Record::open(&dir.path().join("record.sqlite")).unwrap();
        (dir, record)
    }

    #[tokio::test]
    async fn a_warning_is_kept_with_its_mail_and_with_how_long_it_held() {
        let (_dir, record) = record().await;
        let mail = |warning: &Warning| {
            vec![NewDelivery {
                recipient: "community@example.com".into(),
                message_id: format!("{}@example.com", warning.id),
                once: Some(format!("warning {}", warning.id)),
                content: DeliveryContent::Warning { warning: Box::new(warning.clone()), department: None },
            }]
        };
        let (given, queued) = record.give_warning(warning(), mail).await.unwrap();
        assert_eq!((given.id, queued, record.outbox_counts().await.unwrap().queued), (1, 1, 1));
        let due = record.due(NOW, i64::MAX, 10).await.unwrap();
        assert_eq!(due[0].content, DeliveryContent::Warning { warning: Box::new(given.clone()), department: None });

        let later = NOW + SignedDuration::from_hours(30);
        record.warnings_hold(vec![1], later).await.unwrap();
        record.warnings_hold(vec![1], NOW).await.unwrap();
        let since = NOW + SignedDuration::from_hours(1);
        let kept = record.look(move |moment| moment.warnings(since)).await.unwrap();
        assert_eq!(kept, [Warning { last: later, ..given }]);
        let after = later + SignedDuration::from_hours(1);
        assert_eq!(record.look(move |moment| moment.warnings(after)).await.unwrap(), []);
        record.close().await;
    }

    /// A look at 100,000 mentions must be nothing that anybody notices beside the daemon's work.
    #[tokio::test]
    async fn a_look_at_a_hundred_thousand_mentions_is_short() {
        let (_dir, record) = record().await;
        let first = first_hour(NOW);
        let fill = format!(
            "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
             INSERT INTO counted SELECT {first} + i % 1344, 'acme', i + 1, 'source' || (i % 5),
                 CASE i % 4 WHEN 0 THEN 'complaint' WHEN 1 THEN 'praise' WHEN 2 THEN 'question' ELSE 'technical' END,
                 i % 3 = 0, {first} + i % 1344 FROM n;
             INSERT INTO listening SELECT 'source' || i, 0 FROM (SELECT 0 AS i UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4);"
        );
        record.write(true, move |c| Ok(c.execute_batch(&fill)?)).await.unwrap();
        let listening =
            [Listening { watchlist: "acme".into(), sources: (0..5).map(|n| format!("source{n}")).collect() }];
        let begin = Instant::now();
        let books = record.look(move |moment| moment.books(&listening, NOW)).await.unwrap();
        let read = begin.elapsed();
        let said: u32 = books[0].cells.iter().map(|cell| cell.count).sum();
        assert_eq!(said, 100_000);
        let mut memory = Memory::default();
        let wish = Wish {
            now: NOW,
            zone: &TimeZone::UTC,
            sensitivity: Sensitivity::Balanced,
            gap: std::time::Duration::from_secs(86_400),
            quiet: false,
            explain: false,
        };
        let begin = Instant::now();
        let found = look(&books[0], &[], wish, &mut memory);
        let learnt = begin.elapsed();
        let begin = Instant::now();
        let again = look(&books[0], &[], wish, &mut memory);
        println!("100,000 mentions: read {read:?}, learnt and looked {learnt:?}, looked again {:?}", begin.elapsed());
        assert_eq!((found.young, &found.new), (None, &again.new));
        assert!(read.as_secs() < 20, "{read:?}");
        record.close().await;
    }
}
