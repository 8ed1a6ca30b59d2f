-- What people corrected about mentions. A correction that was undone stays, with the time of that.
CREATE TABLE corrections (
    id        INTEGER PRIMARY KEY,
    mention   INTEGER NOT NULL REFERENCES mentions (id),
    at        INTEGER NOT NULL,
    author    TEXT NOT NULL,                 -- who said so; may be empty
    category  TEXT,
    sentiment TEXT,
    language  TEXT NOT NULL,
    text      TEXT NOT NULL,                 -- title and text, as they were compared with later ones
    before    TEXT NOT NULL,                 -- the classification as it was
    undone    INTEGER
);
CREATE INDEX corrections_mention ON corrections (mention);
