//! Entries that matched nothing, kept for a while (`[history]`) so that a changed configuration can be tried on them. One
//! compressed row a poll, written with the poll: it costs one insert however many entries there are.

use std::cell::RefCell;
use std::io::Read;

use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::super::StoreError;
use super::{Reader, Record, millis, moment};
use crate::dedup::{Links, StoryKey};
use crate::model::{Author, Entry, Person};
use crate::text::needle::Needle;

/// Most bytes that one row unpacks to: what is damaged must not fill the memory.
const MAX_UNPACKED: u64 = 1 << 30;
/// Bytes that are given to the packer at once.
const PACKED_AT_ONCE: usize = 64 << 10;

thread_local! {
    /// One packer a thread: a new one clears a quarter of a megabyte, which is more work than a poll's few new entries are.
    static PACKER: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), false));
}

/// Entries of one poll, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    pub entries: u64,
    /// Deflate-compressed lines of JSON.
    pub content: Vec<u8>,
}

/// An entry without what only matters while it is new: nobody asks for its identity any more.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<Author>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lang: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    site: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rating: Option<f32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply: Option<bool>,
}

impl Unmatched {
    /// Packs entries; `None` if there are none.
    pub fn pack(entries: impl IntoIterator<Item = Entry>) -> Option<Self> {
        let (mut lines, mut content, mut count) = (Vec::new(), Vec::new(), 0);
        PACKER.with_borrow_mut(|packer| {
            packer.reset();
            for entry in entries {
                // What is asked of the source again, or shown beside a mention, is of no use to a query.
                let Entry { title, text, url, author, published, lang, site, rating, links, reply, .. } = entry;
                let kept = Kept { title, text, url, author, published, lang, site, rating, links, reply };
                let end = lines.len();
                // It cannot fail in memory; an entry that could not be written would only be missing in a trial.
                if serde_json::to_writer(&mut lines, &kept).is_err() {
                    lines.truncate(end);
                    continue;
                }
                lines.push(b'\n');
                count += 1;
                if lines.len() >= PACKED_AT_ONCE {
                    pack(packer, &lines, &mut content, FlushCompress::None)?;
                    lines.clear();
                }
            }
            pack(packer, &lines, &mut content, FlushCompress::Finish)
        })?;
        if count == 0 {
            return None;
        }
        content.shrink_to_fit();
        Some(Self { entries: count, content })
    }

    /// The entries again; lines that cannot be read are left out.
    pub fn unpack(&self) -> Vec<Entry> {
        let mut text = String::new();
        // What can be read of a damaged row is better than nothing.
        let _ = DeflateDecoder::new(self.content.as_slice()).take(MAX_UNPACKED).read_to_string(&mut text);
        let kept = text.lines().filter_map(|line| serde_json::from_str::<Kept>(line).ok());
        kept.map(|kept| {
            let Kept { title, text, url, author, published, lang, site, rating, links, reply } = kept;
            Entry { title, text, url, author, published, lang, site, rating, links, reply, ..Entry::default() }
        })
        .collect()
    }
}

impl Unmatched {
    /// The same without a person: what is left (`None`: nothing), how many entries of theirs went, in how many places of
    /// others' entries they were struck out, and by which links their entries would be recognised elsewhere. `None` if
    /// the person is not in there.
    pub(super) fn without(&self, person: &Person, needle: &Needle) -> Option<Parted> {
        let mut struck = 0;
        let (theirs, mut others): (Vec<Entry>, Vec<Entry>) =
            self.unpack().into_iter().partition(|entry| entry.author.as_ref().is_some_and(|a| person.is(a)));
        for entry in &mut others {
            let author = entry.author.iter_mut().flat_map(|a| [Some(&mut a.name), a.handle.as_mut(), a.url.as_mut()]);
            let single = [Some(&mut entry.title), Some(&mut entry.text), entry.url.as_mut(), entry.site.as_mut()];
            for text in single.into_iter().chain(author).flatten().chain(&mut entry.links) {
                if let Some(clean) = needle.strike(text) {
                    struck += needle.places(text.as_bytes()).count() as u64;
                    *text = clean;
                }
            }
        }
        if theirs.is_empty() && struck == 0 {
            return None;
        }
        let links = Links::of(&theirs);
        let keys = theirs.iter().flat_map(|entry| {
            let author = entry.author.clone().unwrap_or_default();
            links.story_keys(entry).into_iter().map(move |key| (key, author.clone()))
        });
        let keys = keys.collect();
        Some((Unmatched::pack(others), theirs.len() as u64, struck, keys))
    }
}

/// Packs all of `bytes` behind what `out` holds; `None` if the packer fails, which it does not in memory.
fn pack(packer: &mut Compress, mut bytes: &[u8], out: &mut Vec<u8>, flush: FlushCompress) -> Option<()> {
    loop {
        out.reserve(bytes.len() / 2 + 256);
        let before = packer.total_in();
        let status = packer.compress_vec(bytes, out, flush).ok()?;
        bytes = bytes.get(usize::try_from(packer.total_in() - before).ok()?..)?;
        let is_done = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            _ => bytes.is_empty(),
        };
        if is_done {
            return Some(());
        }
    }
}

/// What [`Unmatched::without`] leaves.
type Parted = (Option<Unmatched>, u64, u64, Vec<(StoryKey, Author)>);

/// Entries of one poll with where and when they were heard.
#[derive(Clone, Debug)]
pub struct KeptPoll {
    pub source: String,
    pub at: Timestamp,
    pub unmatched: Unmatched,
}

impl Record {
    /// Forgets what is older than `before`, and the oldest of the rest beyond `max_size` bytes. Answers how many polls
    /// were forgotten.
    ///
    /// # Errors
    /// The record cannot be written.
    pub async fn prune_unmatched(&self, before: Timestamp, max_size: u64) -> Result<usize, StoreError> {
        self.write(false, move |c| prune(c, before, max_size)).await
    }
}

impl Reader {
    /// Calls `visit` for each poll since then, oldest first.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn unmatched(&self, since: Timestamp, mut visit: impl FnMut(KeptPoll)) -> Result<(), StoreError> {
        let mut statement =
            self.0.prepare("SELECT source, at, entries, content FROM unmatched WHERE at >= ?1 ORDER BY at, id")?;
        let mut rows = statement.query([millis(since)])?;
        while let Some(row) = rows.next()? {
            visit(KeptPoll {
                source: row.get(0)?,
                at: moment(row.get(1)?),
                unmatched: Unmatched { entries: row.get(2)?, content: row.get(3)? },
            });
        }
        Ok(())
    }

    /// When the oldest poll that is kept was heard.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn oldest_unmatched(&self) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> =
            self.0.query_row("SELECT min(at) FROM unmatched", [], |row| row.get(0)).optional()?.flatten();
        Ok(at.map(moment))
    }
}

pub(super) fn save(c: &Connection, source: &str, at: Timestamp, unmatched: &Unmatched) -> Result<(), StoreError> {
    c.prepare_cached("INSERT INTO unmatched (at, entries, size, source, content) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![millis(at), unmatched.entries, unmatched.content.len(), source, unmatched.content])?;
    Ok(())
}

fn prune(c: &Connection, before: Timestamp, max_size: u64) -> Result<usize, StoreError> {
    let mut gone = c.prepare_cached("DELETE FROM unmatched WHERE at < ?1")?.execute([millis(before)])?;
    // The index alone tells the sizes. Newest first, until the room is used up.
    let mut statement = c.prepare_cached("SELECT id, size FROM unmatched ORDER BY at DESC, id DESC")?;
    let mut rows = statement.query([])?;
    let (mut room, mut over) = (max_size, Vec::new());
    while let Some(row) = rows.next()? {
        let (id, size): (i64, u64) = (row.get(0)?, row.get(1)?);
        match room.checked_sub(size) {
            Some(rest) if over.is_empty() => room = rest,
            _ => over.push(id),
        }
    }
    let mut delete = c.prepare_cached("DELETE FROM unmatched WHERE id = ?1")?;
    for id in over {
        gone += delete.execute([id])?;
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Entry {
        Entry {
            text: text.into(),
            links: vec!["https://a.com/".into()],
            rating: Some(2.0),
            author: Some(Author { name: "Ana".into(), followers: Some(7), ..Author::default() }),
            ..Entry::default()
        }
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let entries = vec![entry("uno\ndos"), entry("ñ"), Entry { reply: Some(true), ..Entry::default() }];
        let packed = Unmatched::pack(entries.clone()).unwrap();
        assert_eq!((packed.entries, packed.unpack()), (3, entries));
        assert_eq!(Unmatched::pack([]), None);
        let cut = Unmatched { content: packed.content[..packed.content.len() / 2].to_vec(), ..packed };
        assert!(cut.unpack().len() < 3);
    }

    #[test]
    fn the_oldest_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let path = folder.path().join("record.sqlite");
            let record = Record::open(&path).unwrap();
            let at = |hours: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(hours);
            let one = Unmatched { entries: 1, content: vec![0; 100] };
            record.write(true, move |c| (0..10).try_for_each(|hour| save(c, "s", at(hour), &one))).await.unwrap();
            assert_eq!(record.prune_unmatched(at(2), 10_000).await.unwrap(), 2);
            assert_eq!(record.prune_unmatched(at(2), 350).await.unwrap(), 5);
            let reader = Record::open_to_read(&path).unwrap();
            let mut left = Vec::new();
            reader.unmatched(at(0), |poll| left.push(poll.at)).unwrap();
            assert_eq!(left, [at(7), at(8), at(9)]);
            assert_eq!(reader.oldest_unmatched().unwrap(), Some(at(7)));
            assert_eq!(record.prune_unmatched(at(100), 10_000).await.unwrap(), 3);
            assert_eq!(reader.oldest_unmatched().unwrap(), None);
            record.close().await;
        });
    }
}
