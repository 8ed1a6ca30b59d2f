//! Which story a mention belongs to, and what the next one is recognised by. Decided inside the writer's transaction,
//! where two polls cannot both be first; candidates come from the seen index, every decision from the record.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::StoreError;
use super::listing::{MentionRow, mention_row};
use super::polls::{NewMention, PollCommit};
use super::{Record, millis, moment, rows};
use crate::dedup::near::Sketch;
use crate::dedup::report::{Report, SAME_EVENT_HOURS};
use crate::dedup::{self, CopyVerdict, StoryKey};
use crate::model::{Mention, Privacy};

/// What the seen index is rebuilt from: mentions with their sketch and their words as a report, oldest first.
pub type Fingerprints = Vec<(i64, Timestamp, Sketch, Report)>;

/// Fingerprints that are read back at most, newest first.
const MOST: i64 = 1_000_000;
/// Reports that are read back at most.
const REPORTS: i64 = 512;

impl Record {
    /// Fingerprints of mentions newer than number `after`, oldest first.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn fingerprints(&self, after: i64) -> Result<Fingerprints, StoreError> {
        self.read(move |c| {
            let mut statement = c.prepare(
                "SELECT mention, at, sketch, report FROM fingerprints WHERE mention > ?1 ORDER BY mention DESC LIMIT ?2",
            )?;
            let rows = statement.query_map([after, MOST], |row| {
                let sketch: Vec<u8> = row.get(2)?;
                let report: Vec<u8> = row.get(3)?;
                let report = Report::unpack(rows::unpack_words(&report));
                Ok((row.get(0)?, moment(row.get(1)?), unpack(&sketch), report))
            })?;
            let mut found: Fingerprints = rows.collect::<Result<_, _>>()?;
            found.reverse();
            Ok(found)
        })
        .await
    }

    /// The newest press reports, oldest first, as far as another one can be of the same event.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn recent_reports(&self, now: Timestamp) -> Result<Vec<(i64, Report)>, StoreError> {
        let since = millis(now.checked_sub(SignedDuration::from_hours(2 * SAME_EVENT_HOURS)).unwrap_or(Timestamp::MIN));
        self.read(move |c| {
            let mut statement = c.prepare(
                "SELECT mention, report FROM fingerprints WHERE at > ?1 AND report <> x'' ORDER BY at DESC, mention DESC LIMIT ?2",
            )?;
            let rows = statement.query_map([since, REPORTS], |row| {
                let report: Vec<u8> = row.get(1)?;
                Ok((row.get(0)?, Report::unpack(rows::unpack_words(&report))))
            })?;
            let mut found: Vec<_> = rows.collect::<Result<_, _>>()?;
            found.reverse();
            Ok(found)
        })
        .await
    }

    /// Forgets fingerprints of mentions fetched before `before`: no story takes in copies of them any more. How many.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn prune_fingerprints(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.write(false, move |c| {
            Ok(c.execute(
                "DELETE FROM fingerprints WHERE mention IN (SELECT mention FROM fingerprints WHERE at < ?1 LIMIT 10000)",
                [millis(before)],
            )?)
        })
        .await
    }
}

/// A story as listed.
#[derive(Clone, Debug)]
pub struct StoryRow {
    pub id: i64,
    pub started: Timestamp,
    pub mentions: u64,
    /// Publications or sources that carry it.
    pub places: u64,
    /// Number of its first mention …
    pub first: i64,
    /// … and who takes care of that, and from whom it is kept.
    pub department: String,
    pub privacy: Option<Privacy>,
}

/// Mentions of a story that are read at most.
const MOST_OF_STORY: i64 = 200;

impl Record {
    /// Stories with a lower number than `before`, newest first, at most `limit`.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn stories(&self, before: Option<i64>, limit: usize) -> Result<Vec<StoryRow>, StoreError> {
        self.read(move |c| {
            let mut statement = c.prepare_cached(
                "SELECT s.id, s.started, m.id AS first, m.department, m.content ->> '$.decision.privacy' AS privacy,
                    (SELECT count(*) FROM mentions a WHERE a.story = s.id) AS mentions,
                    (SELECT count(*) FROM story_places p WHERE p.story = s.id) AS places
                 FROM stories s JOIN mentions m ON m.id = (SELECT min(o.id) FROM mentions o WHERE o.story = s.id)
                 WHERE s.id < ?1 ORDER BY s.id DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![before.unwrap_or(i64::MAX), limit], |row| {
                let privacy: Option<String> = row.get("privacy")?;
                let places: u64 = row.get("places")?;
                Ok(StoryRow {
                    id: row.get("id")?,
                    started: moment(row.get("started")?),
                    mentions: row.get("mentions")?,
                    // Places are counted from the second one on.
                    places: places.max(1),
                    first: row.get("first")?,
                    department: row.get("department")?,
                    privacy: match privacy.as_deref() {
                        None => Some(Privacy::Usual),
                        Some(word) => {
                            [Privacy::Usual, Privacy::Staff, Privacy::Member].into_iter().find(|p| p.as_str() == word)
                        }
                    },
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The mentions of a story, oldest first, at most 200.
    ///
    /// # Errors
    /// The record cannot be read.
    pub async fn mentions_of_story(&self, story: i64) -> Result<Vec<MentionRow>, StoreError> {
        self.read(move |c| {
            let mut statement = c.prepare_cached(
                "SELECT m.id AS mention_id, m.content AS mention_content, m.story, m.original, k.id AS case_id,
                    (SELECT t.theme FROM theme_mentions t WHERE t.mention = m.id) AS theme_id,
            (SELECT t.theme FROM theme_mentions t WHERE t.mention = m.id) AS theme_id
                 FROM mentions m LEFT JOIN mention_cases k ON k.mention = m.id WHERE m.story = ?1 ORDER BY m.id LIMIT ?2",
            )?;
            let rows = statement.query_map(params![story, MOST_OF_STORY], mention_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// The story that a mention belongs to, and why; also answered if it shares a story's link and is somebody else's.
pub(super) fn find(
    c: &Connection,
    poll: &PollCommit,
    new: &NewMention,
) -> Result<Option<(i64, CopyVerdict)>, StoreError> {
    let window = SignedDuration::try_from(poll.stories.window).unwrap_or(SignedDuration::MAX);
    let since = poll.now.checked_sub(window).unwrap_or(Timestamp::MIN);
    for key in &new.keys {
        if let Some(found) = by_link(c, key, new)? {
            return Ok(Some(found));
        }
    }
    for key in &new.prints.voices {
        if let Some(story) = by_voice(c, key, since)? {
            return Ok(Some((story, CopyVerdict::SameVoice)));
        }
    }
    let Some(seen) = &poll.seen else { return Ok(None) };
    let mut best: Option<(f32, i64)> = None;
    for mention in seen.candidates(&new.prints.sketch) {
        let Some(candidate) = candidate(c, mention, since)? else { continue };
        let mention = &candidate.mention;
        let same_source = mention.source == new.mention.source;
        let lang = &new.mention.classification.language.code;
        let contained = dedup::same_text(&mention.entry, &new.mention.entry, &new.prints.body, same_source, lang);
        if let Some(contained) = contained
            && best.is_none_or(|(most, _)| most < contained)
        {
            best = Some((contained, candidate.story));
        }
    }
    if let Some((_, story)) = best {
        return Ok(Some((story, CopyVerdict::SameText)));
    }
    if new.prints.report.is_empty() {
        return Ok(None);
    }
    for mention in seen.reports_like(&new.prints.report) {
        let Some(candidate) = candidate(c, mention, since)? else { continue };
        // An outlet's next article is its next article; and so is what comes days later.
        let apart = when(&candidate.mention).duration_since(when(&new.mention)).abs();
        if place_of(&candidate.mention) != place_of(&new.mention)
            && apart <= SignedDuration::from_hours(SAME_EVENT_HOURS)
            && report(c, mention)?.is_same_event(&new.prints.report)
        {
            return Ok(Some((candidate.story, CopyVerdict::SameEvent)));
        }
    }
    Ok(None)
}

/// Remembers what the next entry of the story is recognised by.
pub(super) fn remember(
    c: &Connection,
    poll: &PollCommit,
    new: &NewMention,
    id: i64,
    story: i64,
    is_original: bool,
) -> Result<(), StoreError> {
    let mut keys = c.prepare_cached("INSERT OR IGNORE INTO story_keys (key, story, mention) VALUES (?1, ?2, ?3)")?;
    for key in &new.keys {
        keys.execute(params![key.0, story, id])?;
    }
    // The same words of the same author long after: a story of its own, which the next ones belong to.
    let sql = if is_original {
        "INSERT OR REPLACE INTO story_keys (key, story, mention) VALUES (?1, ?2, ?3)"
    } else {
        "INSERT OR IGNORE INTO story_keys (key, story, mention) VALUES (?1, ?2, ?3)"
    };
    let mut voices = c.prepare_cached(sql)?;
    for key in &new.prints.voices {
        voices.execute(params![key.0, story, id])?;
    }
    let (sketch, report) = (&new.prints.sketch, &new.prints.report);
    if !(sketch.0.is_empty() && report.is_empty()) {
        c.prepare_cached("INSERT INTO fingerprints (mention, at, sketch, report) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![id, millis(new.mention.fetched), pack(sketch), rows::pack_words(report.packed())])?;
        if let Some(seen) = &poll.seen {
            seen.note(id, sketch, report);
        }
    }
    Ok(())
}

/// Notes where a copy stands. Answers the story's first mention, and how many places carry it, if this is a new one.
pub(super) fn place(c: &Connection, story: i64, copy: &Mention) -> Result<Option<(i64, u64)>, StoreError> {
    let first = c
        .prepare_cached(
            "SELECT id AS mention_id, content AS mention_content FROM mentions WHERE story = ?1 AND original = 1 ORDER BY id LIMIT 1",
        )?
        .query_row([story], rows::mention)
        .optional()?;
    let Some(first) = first else { return Ok(None) };
    let mut insert = c.prepare_cached("INSERT OR IGNORE INTO story_places (story, place) VALUES (?1, ?2)")?;
    insert.execute(params![story, place_of(&first)])?;
    if insert.execute(params![story, place_of(copy)])? == 0 {
        return Ok(None);
    }
    let places =
        c.prepare_cached("SELECT count(*) FROM story_places WHERE story = ?1")?.query_row([story], |row| row.get(0))?;
    Ok(Some((first.id, places)))
}

/// The publication, or the source where there is none.
fn place_of(mention: &Mention) -> String {
    mention.entry.site.as_deref().unwrap_or(&mention.source).to_lowercase()
}

fn when(mention: &Mention) -> Timestamp {
    mention.entry.published.unwrap_or(mention.fetched)
}

fn by_link(c: &Connection, key: &StoryKey, new: &NewMention) -> Result<Option<(i64, CopyVerdict)>, StoreError> {
    let found = c
        .prepare_cached(
            "SELECT k.story, m.source, m.words FROM story_keys k JOIN mentions m ON m.id = k.mention WHERE k.key = ?1",
        )?
        .query_row([key.0], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?)))
        .optional()?;
    Ok(found.map(|(story, source, words)| {
        let overlap = dedup::overlap(&rows::unpack_words(&words), &new.words);
        (story, dedup::judge_copy(source == new.mention.source, overlap))
    }))
}

fn by_voice(c: &Connection, key: &StoryKey, since: Timestamp) -> Result<Option<i64>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT k.story FROM story_keys k JOIN stories s ON s.id = k.story WHERE k.key = ?1 AND s.started >= ?2",
    )?;
    Ok(statement.query_row(params![key.0, millis(since)], |row| row.get(0)).optional()?)
}

struct Candidate {
    story: i64,
    mention: Mention,
}

/// A mention whose story is young enough to grow. The index may name one that was never committed.
fn candidate(c: &Connection, mention: i64, since: Timestamp) -> Result<Option<Candidate>, StoreError> {
    let mut statement = c.prepare_cached(
        "SELECT m.id AS mention_id, m.content AS mention_content, m.story FROM mentions m JOIN stories s ON s.id = m.story
         WHERE m.id = ?1 AND s.started >= ?2",
    )?;
    let found = statement.query_row(params![mention, millis(since)], |row| {
        Ok(Candidate { story: row.get("story")?, mention: rows::mention(row)? })
    });
    Ok(found.optional()?)
}

fn report(c: &Connection, mention: i64) -> Result<Report, StoreError> {
    let packed: Option<Vec<u8>> = c
        .prepare_cached("SELECT report FROM fingerprints WHERE mention = ?1")?
        .query_row([mention], |row| row.get(0))
        .optional()?;
    Ok(Report::unpack(rows::unpack_words(&packed.unwrap_or_default())))
}

fn pack(sketch: &Sketch) -> Vec<u8> {
    sketch.0.iter().flat_map(|hash| hash.to_le_bytes()).collect()
}

pub(super) fn unpack(blob: &[u8]) -> Sketch {
    let (hashes, _) = blob.as_chunks::<8>();
    Sketch(hashes.iter().map(|h| u64::from_le_bytes(*h)).collect())
}
