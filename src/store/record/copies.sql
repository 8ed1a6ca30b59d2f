-- What stories are recognised by beside their links, what edits replaced, and what is held.

-- By what another entry is recognised as the same text or event. The seen index is rebuilt from it.
CREATE TABLE fingerprints (
    mention INTEGER PRIMARY KEY REFERENCES mentions (id),
    at      INTEGER NOT NULL,                -- when the mention was fetched: pruned by it
    sketch  BLOB NOT NULL,                   -- smallest hashes of its shingles, u64 little-endian; empty for short texts
    report  BLOB NOT NULL                    -- words of a press report, u32 little-endian; empty for others
);
CREATE INDEX fingerprints_at ON fingerprints (at);

-- The places (publications or sources) of a story that has copies.
CREATE TABLE story_places (
    story INTEGER NOT NULL REFERENCES stories (id),
    place TEXT NOT NULL,
    PRIMARY KEY (story, place)
) WITHOUT ROWID;

-- What an entry said before it was edited.
CREATE TABLE versions (
    mention INTEGER NOT NULL REFERENCES mentions (id),
    version INTEGER NOT NULL,                -- 1 is the first
    until   INTEGER NOT NULL,                -- when the next one was seen
    content TEXT NOT NULL,                   -- the mention as it was
    PRIMARY KEY (mention, version)
) WITHOUT ROWID;

-- Mentions of a source that suddenly showed everything as new: nothing is mailed about them until somebody accepts it.
-- Their mails wait in the outbox with the status 'held'.
CREATE TABLE held (
    mention INTEGER PRIMARY KEY REFERENCES mentions (id),
    source  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    author  BLOB                             -- who wrote it, if that can be told
);
CREATE INDEX held_source ON held (source);
