-- Entries that matched no watchlist, kept for a while so that a changed configuration can be tried on them. One row a
-- poll: `content` is deflate-compressed JSON, one entry a line.
CREATE TABLE unmatched (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    size    INTEGER NOT NULL,                -- bytes of content
    source  TEXT NOT NULL,
    content BLOB NOT NULL
);
CREATE INDEX unmatched_at ON unmatched (at, size);
