//! From texts of a stream to the entries that match a watchlist. Processor work only.

use jiff::Timestamp;

use super::reader::Batch;
use crate::clock::Stopwatch;
use crate::daemon::Timings;
use crate::daemon::engine::Engine;
use crate::daemon::reading::match_watchlists;
use crate::model::{Entry, Identity, WatchlistMatch};
use crate::query::Scratch;
use crate::sources::jetstream::{self, What};

/// What was found, in order.
#[derive(Default)]
pub(super) struct Sifted {
    /// Time of the first event and the latest of all, in microseconds since 1970.
    pub first_us: Option<i64>,
    pub newest_us: Option<i64>,
    pub posts: u64,
    pub matched: Vec<(Entry, Vec<WatchlistMatch>)>,
    /// Posts that were taken back and did not come again.
    pub deleted: Vec<Identity>,
    /// Texts that are no event.
    pub unread: u64,
}

/// Looks at every post.
pub(super) fn sift(engine: &Engine, number: usize, batch: &Batch, timings: &Timings, now: Timestamp) -> Sifted {
    let watch = Stopwatch::start();
    let mut sifted = Sifted::default();
    let mut scratch = Scratch::default();
    for text in batch {
        let Ok(event) = jetstream::read(text) else {
            sifted.unread += 1;
            continue;
        };
        sifted.first_us.get_or_insert(event.time_us);
        sifted.newest_us = sifted.newest_us.max(Some(event.time_us));
        match event.what {
            What::Post { post, record, .. } => {
                sifted.posts += 1;
                let entry = jetstream::entry(&post, record, now);
                let watchlists = match_watchlists(engine, number, &entry, &mut scratch);
                if !watchlists.is_empty() {
                    sifted.found(entry, watchlists);
                }
            }
            What::Deleted(post) => sifted.delete(jetstream::identity(&post)),
            What::Other => {}
        }
    }
    timings.matching.add(watch);
    sifted
}

impl Sifted {
    /// Adds what was found later.
    pub(super) fn add(&mut self, later: Self) {
        self.first_us = self.first_us.or(later.first_us);
        self.newest_us = self.newest_us.max(later.newest_us);
        self.posts += later.posts;
        self.unread += later.unread;
        // Within one batch what was deleted is out of `matched` already, and what came again out of `deleted`.
        later.deleted.into_iter().for_each(|identity| self.delete(identity));
        later.matched.into_iter().for_each(|(entry, watchlists)| self.found(entry, watchlists));
    }

    fn found(&mut self, entry: Entry, watchlists: Vec<WatchlistMatch>) {
        self.deleted.retain(|identity| *identity != entry.identity);
        // Of a post that was edited at once, the last words count.
        self.matched.retain(|(earlier, _)| earlier.identity != entry.identity);
        self.matched.push((entry, watchlists));
    }

    fn delete(&mut self, identity: Identity) {
        self.matched.retain(|(entry, _)| entry.identity != identity);
        self.deleted.push(identity);
    }
}
