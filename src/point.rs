//! Named points around every transition of the state, at which a test ends the process as a crash would:
//! `MENTIOND_ABORT_AT=poll-recorded:3` aborts when that point is passed for the third time. Debug builds only: in a
//! release there is no code behind [`at`]. `tests/points` dies at each of [`ALL`] and looks at what is left.

/// Every point, in the order of the flow.
pub const ALL: [&str; 22] = [
    "record-migrating",
    "outbox-recovering",
    "index-rebuilding",
    "index-rebuilt",
    "poll-heard",
    "poll-recording",
    "record-committing",
    "record-committed",
    "poll-recorded",
    "index-marking",
    "index-marked",
    "outbox-bundling",
    "mail-begun",
    "mail-ending",
    "mail-ended",
    "mail-taken",
    "mail-noted",
    "outbox-settling",
    "case-acting",
    "case-acted",
    "warning-giving",
    "warning-given",
];

/// The process passes the point `name`, which is one of [`ALL`].
#[cfg(not(debug_assertions))]
#[inline(always)]
pub const fn at(_name: &str) {}

/// The process passes the point `name`, which is one of [`ALL`].
#[cfg(debug_assertions)]
pub fn at(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WISH: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);

    debug_assert!(ALL.contains(&name), "{name} is not in the list");
    let wish = WISH.get_or_init(|| {
        let wish = std::env::var("MENTIOND_ABORT_AT").ok()?;
        let (name, time) = wish.split_once(':')?;
        Some((name.to_owned(), time.parse().ok()?))
    });
    if let Some((wished, time)) = wish
        && wished == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *time
    {
        std::process::abort();
    }
}
