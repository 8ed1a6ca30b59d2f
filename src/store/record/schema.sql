-- The record, version 1. Times are milliseconds since 1970 UTC. Content columns are JSON of the model's types.

CREATE TABLE sources (
    name          TEXT PRIMARY KEY,
    cursor        TEXT NOT NULL,             -- what is needed to resume
    status        TEXT NOT NULL,             -- new, ok, failing, disabled
    error         TEXT,
    error_class   TEXT,
    failures      INTEGER NOT NULL,          -- in a row
    entries       INTEGER NOT NULL,          -- of the last document heard
    last_heard    INTEGER,
    last_poll     INTEGER,
    next_poll     INTEGER,
    blind_since   INTEGER,
    blind_seconds INTEGER NOT NULL,
    told          INTEGER NOT NULL           -- the operator heard of this series of failures
) WITHOUT ROWID;

-- A time in which completeness cannot be shown.
CREATE TABLE gaps (
    id     INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    at     INTEGER NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE stories (
    id      INTEGER PRIMARY KEY,
    started INTEGER NOT NULL
);

-- Whatever makes two entries the same story. Unique: the second one to arrive is a copy.
CREATE TABLE story_keys (
    key     BLOB PRIMARY KEY,
    story   INTEGER NOT NULL REFERENCES stories (id),
    mention INTEGER NOT NULL                 -- the one that brought it
) WITHOUT ROWID;
CREATE INDEX story_keys_mention ON story_keys (mention);

CREATE TABLE mentions (
    id       INTEGER PRIMARY KEY,
    story    INTEGER NOT NULL REFERENCES stories (id),
    original INTEGER NOT NULL,               -- 1: the story's first; 0: a copy
    source   TEXT NOT NULL,
    identity BLOB NOT NULL,
    fetched  INTEGER NOT NULL,
    category TEXT NOT NULL,
    severity TEXT NOT NULL,
    department TEXT NOT NULL,
    deliver  TEXT NOT NULL,
    words    BLOB NOT NULL,                  -- hashes of significant words, u32 little-endian, ascending
    content  TEXT NOT NULL,                  -- the mention
    UNIQUE (source, identity)
);
CREATE INDEX mentions_story ON mentions (story);

CREATE TABLE cases (
    id         INTEGER PRIMARY KEY,
    mention    INTEGER NOT NULL UNIQUE REFERENCES mentions (id),
    department TEXT NOT NULL,
    status     TEXT NOT NULL,                -- open
    opened     INTEGER NOT NULL
);

-- One mail to one recipient. `once` holds what must not be said twice.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,                -- alert, notice, bundle, trouble
    recipient  TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,         -- minted when queued, the same on every try
    once       TEXT NOT NULL UNIQUE,
    mention    INTEGER REFERENCES mentions (id),
    bundle     INTEGER REFERENCES outbox (id),
    content    TEXT NOT NULL,
    queued     INTEGER NOT NULL,
    due        INTEGER NOT NULL,
    status     TEXT NOT NULL,                -- queued, deferred, sent, failed, bundled
    attempts   INTEGER NOT NULL DEFAULT 0,
    possible_duplicate INTEGER NOT NULL DEFAULT 0,
    finished   INTEGER,                      -- when sent or failed
    error      TEXT
);
CREATE INDEX outbox_waiting ON outbox (due, id) WHERE status IN ('queued', 'deferred');
CREATE INDEX outbox_pace ON outbox (recipient, finished) WHERE status = 'sent';
CREATE INDEX outbox_bundle ON outbox (bundle) WHERE bundle IS NOT NULL;

-- The one mail that is on its way. After a crash nobody knows whether it arrived. A table of its own: a mark on the
-- outbox row itself would touch that row's indexes twice a mail.
CREATE TABLE on_its_way (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    outbox INTEGER REFERENCES outbox (id)
);
INSERT INTO on_its_way (one, outbox) VALUES (1, NULL);
