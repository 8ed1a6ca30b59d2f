-- What is kept when people are forgotten and old things go, so that nothing is said twice all the same.

-- Entries of people who were forgotten, as keyed hashes (dedup/forgotten.rs): what a source still serves stays away.
CREATE TABLE forgotten (
    key BLOB PRIMARY KEY,
    at  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE forgotten_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key BLOB NOT NULL
);
INSERT INTO forgotten_key (one, key) VALUES (1, randomblob(32));

-- Mails that are no longer in the outbox because of their age: hashes of what must not be said twice.
CREATE TABLE said (
    key BLOB PRIMARY KEY
) WITHOUT ROWID;
CREATE INDEX outbox_finished ON outbox (finished) WHERE status IN ('sent', 'failed');

-- Why nothing is kept of what a mention said: request, age; NULL: it is kept.
ALTER TABLE mentions ADD COLUMN erased TEXT;
CREATE INDEX mentions_kept ON mentions (fetched) WHERE erased IS NULL;

-- What praise was thanked for with. One a mention; a code goes to one mention only; NULL: none was left.
CREATE TABLE perks (
    mention    INTEGER PRIMARY KEY REFERENCES mentions (id),
    department TEXT NOT NULL,
    code       TEXT UNIQUE,
    at         INTEGER NOT NULL
);
