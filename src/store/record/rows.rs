//! Reading columns back into the model's words.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

use super::super::StoreError;
use crate::model::{Cursor, ErrorClass, Health, Mention, SourceStatus};

/// A JSON column.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    json_at(row, row.as_ref().column_index(column)?)
}

fn json_at<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    serde_json::from_str(text).map_err(|e| rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(e)))
}

/// The mention in columns `mention_id` and `mention_content`.
pub(super) fn mention(row: &Row<'_>) -> rusqlite::Result<Mention> {
    let mut mention: Mention = json(row, "mention_content")?;
    mention.id = row.get("mention_id")?;
    Ok(mention)
}

/// Columns of `sources` for [`source_state`].
pub(super) const SOURCE_STATE: &str = "name, cursor, status, error, error_class, failures, entries, last_heard, last_poll, \
    next_poll, blind_since, blind_seconds, told";

/// A row of [`SOURCE_STATE`]. They are read by place: a round begins with a row a source, and looking for names is most of reading one.
pub(super) fn source_state(row: &Row<'_>) -> rusqlite::Result<(String, Cursor, Health)> {
    let moment = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(super::moment));
    let status = match row.get_ref(2)?.as_str()? {
        "ok" => SourceStatus::Ok,
        "failing" => SourceStatus::Failing,
        "disabled" => SourceStatus::Disabled,
        _ => SourceStatus::New,
    };
    let class: Option<String> = row.get(4)?;
    let health = Health {
        status,
        error: row.get(3)?,
        error_class: class.and_then(|c| serde_json::from_value::<ErrorClass>(c.into()).ok()),
        failures: row.get(5)?,
        entries: row.get(6)?,
        last_heard: moment(7)?,
        last_poll: moment(8)?,
        next_poll: moment(9)?,
        blind_since: moment(10)?,
        blind_seconds: row.get(11)?,
        told: row.get(12)?,
    };
    Ok((row.get(0)?, json_at(row, 1)?, health))
}

/// Word hashes as a blob, and back.
pub(super) fn pack_words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// The inverse of [`pack_words`].
pub(super) fn unpack_words(blob: &[u8]) -> Vec<u32> {
    blob.chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
}

/// A model value as a JSON column.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(serde_json::to_string(value)?)
}
